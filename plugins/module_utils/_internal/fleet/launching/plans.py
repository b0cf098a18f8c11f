# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the wanted instances with the existing ones. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ...errors import ConfigurationError
from ...model import Instance, LaunchOptions
from ...states import Kind
from ...times import moment
from ..runs import classify_instance
from .differences import differences
from .names import NameTemplate, numbered_names

# Two launches of one name further apart than this were not concurrent.
_RACE = timedelta(minutes=15)
# Nova changes the time of creation when an instance reaches its host, so two runs may see different orders.
_SAME_TIME = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The instances that a task names: single ``names``, or ``count`` of a ``template``.

    ``count`` is None if the task gives no number. In a deletion, that means all instances of the template.
    """

    names: tuple[str, ...] = ()
    template: NameTemplate | None = None
    count: int | None = None

    def may_mean(self, instance: Instance) -> bool:
        """Return whether an instance has one of the names, or a name of the template."""
        return instance.name in self.names or (
            self.template is not None and self.template.number(instance.name) is not None
        )

    def means(self, name: str, group: str | None) -> bool:
        """Return whether a deleted instance was named: by its name, or by its template and mark."""
        if self.template is None:
            return name in self.names
        return group == self.template.text and self.template.number(name) is not None

    def group(self, name: str) -> str:
        """Return the mark of an instance launched for a name."""
        return name if self.template is None else self.template.text


@dataclass(frozen=True, slots=True)
class Present:
    """The existing instance of a wanted name, if there is one.

    ``instance`` is None if it has to be launched. ``remains``: records in error of this collection's launches without a
    host, which are removed first. ``twins``: further launches of the same name by concurrent runs. ``problem``: why no
    action is possible. ``replaced``: the instance deleted to make way for another launch. ``meant``: whether the task
    may change the instance; one that merely has a name of the template was not named.
    """

    name: str
    instance: Instance | None = None
    remains: tuple[Instance, ...] = ()
    twins: tuple[Instance, ...] = ()
    problem: str | None = None
    replaced: Instance | None = None
    meant: bool = True


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """The plan of a launch.

    ``present``: one entry for each wanted name, in order. ``surplus``: those beyond the count, highest numbers first.
    ``strangers``: those beyond the count that this collection did not launch for the template.
    """

    present: tuple[Present, ...]
    surplus: tuple[Instance, ...] = ()
    strangers: tuple[Instance, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The names to launch."""
        return tuple(each.name for each in self.present if each.instance is None and each.problem is None)


def plan_launch(wanted: Wanted, instances: Sequence[Instance]) -> LaunchPlan:
    """Compare the wanted instances with those of the account. Instances that are being deleted count as gone."""
    there = [each for each in instances if not is_gone(each)]
    template = wanted.template
    if template is None:
        return LaunchPlan(tuple(_present(name, wanted.group(name), there) for name in wanted.names))
    group = template.text
    # A record of a launch without a host is not an instance, and its number is free again.
    remains = [each for each in there if is_remains(each, group)]
    names, surplus_names = numbered_names(
        template, wanted.count or 0, [each.name for each in there if each not in remains]
    )
    present = (_present(name, group, there) for name in names)
    left = [each.name for each in remains if each.name not in names and template.number(each.name) is not None]
    in_order = sorted({*surplus_names, *left}, key=lambda name: -(template.number(name) or 0))
    beyond = [each for name in in_order for each in there if each.name == name]
    return LaunchPlan(
        tuple(replace(each, meant=_is_of_group(each.instance, group)) for each in present),
        tuple(each for each in beyond if each.facts.group == group),
        tuple(each for each in beyond if each.facts.group != group),
    )


def plan_removal(wanted: Wanted, instances: Iterable[Instance]) -> tuple[list[Instance], list[str]]:
    """Return the instances to delete, highest numbers first, and a sentence for each ambiguous name.

    Of a template, these are the instances that this collection launched for it. A single name selects the one instance
    of exactly that name; if several instances have it, the name is ambiguous, whatever launched them.
    """
    there = [each for each in instances if not is_gone(each)]
    template = wanted.template
    if template is not None:
        numbered = [(template.number(each.name), each) for each in there if each.facts.group == template.text]
        found = sorted(((number, each) for number, each in numbered if number), key=lambda pair: -pair[0])
        return [each for _number, each in found], []
    chosen: list[Instance] = []
    problems: list[str] = []
    for name in wanted.names:
        called = [each for each in there if each.name == name]
        if len(called) > 1:
            problems.append(f"The name {name} is ambiguous ({', '.join(_ids(called))}). No instance was deleted.")
        else:
            chosen += called
    return chosen, problems


def being_deleted(wanted: Wanted, instances: Iterable[Instance]) -> list[Instance]:
    """Return the named instances whose deletion was requested before."""
    return [each for each in instances if is_gone(each) and each.activity and wanted.means(each.name, each.facts.group)]


def removal_strangers(wanted: Wanted, instances: Iterable[Instance]) -> list[Instance]:
    """Return the instances with names of the template that ``plan_removal`` leaves alone."""
    template = wanted.template
    if template is None:
        return []
    there = [each for each in instances if not is_gone(each) and template.number(each.name) is not None]
    return [each for each in there if each.facts.group != template.text]


def renamed(wanted: Wanted, new_name: str | None, instances: Iterable[Instance]) -> Wanted:
    """Return the wanted names for a rename: the old name until the instance has the new one.

    Raises ConfigurationError if instances of both names exist.
    """
    if new_name is None:
        return wanted
    there = {each.name for each in instances if not is_gone(each)}
    [old] = wanted.names
    if old in there and new_name in there and old != new_name:
        raise ConfigurationError(f"new_name: both instances {old} and {new_name} exist.")
    return wanted if old in there else Wanted(names=(new_name,))


def compared(
    plan: LaunchPlan, options: LaunchOptions, *, replace_them: bool
) -> tuple[LaunchPlan, tuple[Instance, ...]]:
    """Refuse instances that differ in a property that cannot be changed in place, or return them for replacement."""
    found = [(each, _differences(each, options)) for each in plan.present]
    if replace_them:
        return plan, tuple(each.instance for each, why in found if why and each.instance is not None)
    refused = tuple(
        replace(each, problem=f"{why}, which cannot be changed in place. To launch it again, set replace: true")
        if why
        else each
        for each, why in found
    )
    return replace(plan, present=refused), ()


def _is_of_group(instance: Instance | None, group: str) -> bool:
    return instance is None or instance.facts.group == group


def _differences(present: Present, options: LaunchOptions) -> str:
    if present.instance is None or present.problem is not None or not present.meant:
        return ""
    return "; ".join(map(str, differences(present.instance, options)))


def after_removal(plan: LaunchPlan, left_over: Mapping[str, str | None], new_name: str | None = None) -> LaunchPlan:
    """Return the plan after the deletion of instances to replace. Those that still exist are not launched.

    ``left_over``: by uuid, why an instance still exists, or None. ``new_name``: the name to launch a deleted one by.
    """
    return replace(plan, present=tuple(_after_removal(each, left_over, new_name) for each in plan.present))


def _after_removal(present: Present, left_over: Mapping[str, str | None], new_name: str | None) -> Present:
    instance = present.instance
    if instance is None or instance.uuid not in left_over:
        return present
    why = left_over[instance.uuid]
    if why is not None:
        return replace(present, problem=f"was not replaced: {why}")
    return replace(present, name=new_name or present.name, instance=None, replaced=instance)


def _present(name: str, group: str, instances: Sequence[Instance]) -> Present:
    called = [each for each in instances if each.name == name]
    remains = tuple(each for each in called if is_remains(each, group))
    alive = [each for each in called if each not in remains]
    unread = next((why for each in alive if (why := unread_reason(each))), None)
    if unread is not None:
        return Present(name, problem=unread)
    if len(alive) < 2:
        return Present(name, alive[0] if alive else None, remains)
    kept, twins = raced_twins(alive, group)
    if len(twins) == len(alive) - 1:
        return Present(name, kept, remains, tuple(twins))
    return Present(name, problem=f"{len(alive)} instances have this name ({', '.join(_ids(alive))})")


def raced_twins(instances: Sequence[Instance], group: str) -> tuple[Instance, list[Instance]]:
    """Return the oldest instance of a name, and those that a concurrent run launched for it.

    All runs choose the same instance, so that none deletes the choice of another: on a tie, the lowest UUID wins.
    """
    ordered = sorted(instances, key=lambda each: (each.start_date or "~", each.uuid))
    oldest, others = ordered[0], ordered[1:]
    equals = [oldest, *(each for each in others if _raced(oldest, each, group, _SAME_TIME))]
    kept = min(equals, key=lambda each: each.uuid)
    return kept, [each for each in ordered if each is not kept and _raced(oldest, each, group, _RACE)]


def _raced(oldest: Instance, other: Instance, group: str, within: timedelta) -> bool:
    """Return whether this collection launched both instances for the same name, shortly one after the other."""
    if not all(is_launched_for(each, group) for each in (oldest, other)):
        return False
    if oldest.start_date is None or other.start_date is None:
        return False
    try:
        return moment(other.start_date) - moment(oldest.start_date) <= within
    except ValueError:
        return False


def is_launched_for(instance: Instance, group: str) -> bool:
    """Return whether a run of this collection launched an instance for a group."""
    return bool(instance.facts.token) and instance.facts.group == group


def unread_reason(instance: Instance) -> str | None:
    """Return why only the existence of an instance is known, or None. Such an instance is not changed or deleted."""
    if instance.live or instance.read_error is None:
        return None
    return f"cannot be read: {instance.read_error}"


def is_gone(instance: Instance) -> bool:
    """Return whether an instance is deleted, or being deleted."""
    return classify_instance(instance).kind is Kind.GONE


def is_remains(instance: Instance, group: str) -> bool:
    """Return whether this is the record of this collection's launch that never ran."""
    facts = instance.facts
    return instance.status == "error" and not facts.has_run and facts.token is not None and facts.group == group


def _ids(instances: Iterable[Instance]) -> list[str]:
    return [str(each.id) for each in instances]
