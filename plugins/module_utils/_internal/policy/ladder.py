# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides the next step for one idle instance: nothing, warn, wait, read again, or act. Pure functions.

An idle instance takes one step after the other. A veto, a sign of use or a doubt resets it to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from ..errors import SelectionError
from ..fleet.selection import is_glob
from ..idle.advice import Veto
from ..idle.verdicts import LAST_LOOK, Verdict
from ..model import Instance
from ..states import Action
from ..text.suggestions import did_you_mean
from ..text.terminal import one_line
from ..times import iso_of
from .controller import Machine
from .memory import Remembered

METADATA_KEY = "jetstream_idle"
# The only value of that key that allows an action. Any other value counts as a request to be left alone.
_ALLOWING = frozenset({"", "allow", "yes", "on", "true"})
_LONGEST_SHOWN = 40
# These vetoes concern the use of a running instance, and do not apply to one that is shut off.
OF_RUNNING = frozenset({"not_running", "active", "unknown", "young", "booted", "woken", "scheduled"})
# After a veto of an owner or the site, earlier notices no longer count.
_ENDING_A_NOTICE = frozenset({"not_mine", "locked", "kept", "opted_out", "active"})


class Step(StrEnum):
    """The next step."""

    NOTHING = "nothing"
    WARN = "warn"
    WAIT = "wait"
    READ = "read"
    ACT = "act"


# From the lowest step to the highest.
STEPS = tuple(Step)


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a site. Times are in seconds.

    ``sweep``: how long an instance is shut off before it is shelved, 0 for never. ``least_interval``: the minimum
    length of the last interval before an act. ``rehearses``: only report the steps.
    """

    action: Action = Action.SHELVE
    grace: float = 3600.0
    sweep: float = 900.0
    window: float = 3600.0
    claim: float = 960.0
    least_interval: float = 30.0
    channels: tuple[str, ...] = ()
    rehearses: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The known facts about an instance.

    ``last_look`` is the verdict by the rules for the moment before an act, and ``last_interval`` the length of the
    latest interval. ``is_off``: whether it is shut off; ``off_since``: since when, None if unknown.
    """

    now: float
    verdict: Verdict
    last_look: Verdict
    last_interval: float
    vetoes: tuple[Veto, ...]
    remembered: Remembered
    is_off: bool = False
    off_since: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A step, and its reason.

    ``action``: the action at the end of the steps, None without one. ``due``: the earliest time of the action.
    ``ends_notice``: whether the last notice to the owner no longer counts. ``channels``: the channels for the warning.
    """

    step: Step
    why: str
    action: Action | None = None
    due: float | None = None
    vetoes: tuple[Veto, ...] = ()
    ends_notice: bool = False
    channels: tuple[str, ...] = ()


def decide(facts: Facts, policy: Policy) -> Decision:
    """Return the next step for an instance."""
    found = facts.vetoes + tuple(_vetoes_of_memory(facts, policy))
    if facts.is_off:
        return _decide_shut_off(facts, policy, tuple(each for each in found if each.veto not in OF_RUNNING))
    if found:
        ends = any(each.veto in _ENDING_A_NOTICE for each in found)
        return Decision(Step.NOTHING, found[0].reason, vetoes=found, ends_notice=ends)
    if not facts.verdict.is_idle or facts.verdict.since is None:
        return Decision(Step.NOTHING, facts.verdict.reason, vetoes=(Veto("unknown", facts.verdict.reason),))
    return _decide_idle(facts, policy, facts.verdict.since)


def _decide_idle(facts: Facts, policy: Policy, since: float) -> Decision:
    notice = facts.remembered.notice
    notified_at = None if notice is None else notice.delivered_to_all_at(policy.channels, since)
    if policy.rehearses and notice is not None and notified_at is None and notice.rehearsed >= since:
        notified_at = notice.rehearsed
    if notified_at is None:
        missing = policy.channels if notice is None else tuple(notice.missing(policy.channels, since))
        if notice is not None and missing and not policy.rehearses:
            missing = tuple(each for each in missing if not notice.is_claimed(each, facts.now))
            if not missing:
                return Decision(Step.WAIT, "another run is sending its notice", policy.action)
        why = f"{facts.verdict.reason}, and no notice was sent yet"
        return Decision(Step.WARN, why, policy.action, channels=missing)
    due = notified_at + policy.grace
    if facts.now < due or notified_at > facts.now:
        why = f"its owner was notified at {iso_of(notified_at)}, and the grace time ends at {iso_of(due)}"
        return Decision(Step.WAIT, why, policy.action, due)
    if not policy.rehearses and not _is_fresh(facts, policy):
        return Decision(Step.READ, "it is due, and needs a short reading right before the action", policy.action, due)
    return Decision(
        Step.ACT, f"{facts.verdict.reason}, and its owner was notified at {iso_of(notified_at)}", policy.action, due
    )


def _is_fresh(facts: Facts, policy: Policy) -> bool:
    """Return whether the last interval has just ended, is short, and is long enough to be meaningful."""
    return facts.last_look.is_idle and policy.least_interval <= facts.last_interval <= LAST_LOOK


def _decide_shut_off(facts: Facts, policy: Policy, found: tuple[Veto, ...]) -> Decision:
    """Decide about an instance that is shut off. It costs half, and its memory is lost already: no notice is due."""
    if not policy.sweep:
        off = Veto("not_running", "it is shut off, and sweep_minutes is 0")
        return Decision(Step.NOTHING, off.reason, vetoes=(*found, off))
    if found:
        return Decision(Step.NOTHING, found[0].reason, vetoes=found)
    if facts.off_since is None:
        off = Veto("not_running", "it is shut off, but since when is unknown")
        return Decision(Step.NOTHING, off.reason, vetoes=(off,))
    due = facts.off_since + policy.sweep
    if facts.now < due or facts.off_since > facts.now:
        return Decision(Step.WAIT, f"it is shut off since {iso_of(facts.off_since)}", Action.SHELVE, due)
    why = f"it is shut off since {iso_of(facts.off_since)}, which costs half"
    return Decision(Step.ACT, why, Action.SHELVE, due)


def _vetoes_of_memory(facts: Facts, policy: Policy) -> Iterator[Veto]:
    act, woken = facts.remembered.act, facts.remembered.woken
    if act is not None and not act.outcome and 0 <= facts.now - act.began < policy.claim:
        yield Veto("acting", f"another run began to {act.action} it at {iso_of(act.began)}")
    if act is not None and act.outcome in ("failed", "unclear") and 0 <= facts.now - act.ended < policy.window:
        why = f": {one_line(act.reason)}" if act.reason else ""
        yield Veto("failed", f"an attempt to {act.action} it failed at {iso_of(act.ended)}{why}")
    # A clock that was set back removes no veto.
    if woken and facts.now - woken < policy.window:
        yield Veto("woken", f"it was started by {iso_of(woken)}, and is left alone for a whole window")


def vetoes_of_controller(instance: Instance, machine: Machine, named: Collection[str] = ()) -> Iterator[Veto]:
    """Yield the reason not to put an instance away if this task runs on it.

    ``named``: names or UUIDs that the user gave for this machine.
    """
    called = {instance.uuid.casefold(), instance.name.casefold()}
    if machine.is_instance(instance) or not called.isdisjoint(each.casefold() for each in named):
        yield Veto("controller", "it runs this playbook")


def owner_vetoes(instance: Instance, never: Sequence[str]) -> Iterator[Veto]:
    """Yield the settings of an owner or a site that exclude an instance from actions."""
    for pattern in never:
        if _fits(instance, pattern):
            yield Veto("opted_out", f"its name matches never: {one_line(pattern)}")
            break
    value = (instance.metadata or {}).get(METADATA_KEY, "").strip()
    if value.casefold() not in _ALLOWING:
        yield Veto("opted_out", f"its metadata has {METADATA_KEY}={one_line(value)[:_LONGEST_SHOWN]}")


def _fits(instance: Instance, pattern: str) -> bool:
    """Return whether a name, number, UUID or glob matches an instance. Case is ignored."""
    text = pattern.strip().casefold()
    called = {instance.name.casefold(), str(instance.id).casefold(), instance.uuid.casefold()}
    return text in called or fnmatchcase(instance.name.casefold(), text)


def protecting(instances: Sequence[Instance], never: Sequence[str], option: str = "never") -> tuple[str, ...]:
    """Return a warning for each glob of ``never`` without a match. Without instances, there is no warning.

    Raises SelectionError for a name that no instance has: a misspelled name would protect nothing.
    """
    unknown = [each for each in never if instances and not any(_fits(instance, each) for instance in instances)]
    names = [each for each in unknown if not is_glob(each)]
    if names:
        known = [each.name for each in instances]
        problems = [f"{option}: {one_line(each)} does not exist. {did_you_mean(each, known)}" for each in names]
        raise SelectionError(" ".join(each.rstrip() for each in problems))
    return tuple(f"{option}: {one_line(each)} matches nothing, so it protects nothing." for each in unknown)


def trial_veto(first: float | None, now: float, days: float) -> Veto | None:
    """Return the veto of the trial period, until the readings span ``days`` days. 0 days: no trial."""
    if not days:
        return None
    if first is None:
        return Veto("trial", f"there is no evidence yet, and the trial lasts {days:g} days (trial_days)")
    passed = (now - first) / 86_400
    if passed >= days:
        return None
    began = f"the evidence began {max(0.0, passed):.1f} days ago"
    return Veto("trial", f"{began}, and the trial lasts {days:g} days (trial_days)")


def limited(decisions: Sequence[tuple[str, float, Decision]], most: int) -> list[Decision]:
    """Return the decisions with at most ``most`` actions now, those with the largest savings.

    Each comes with a text that breaks ties, and with its savings.
    """
    acting = [number for number, (_text, _saves, each) in enumerate(decisions) if each.step in (Step.ACT, Step.READ)]
    acting.sort(key=lambda number: (-decisions[number][1], decisions[number][0]))
    beyond = set(acting[most:])
    return [
        _left_for_later(each, most) if number in beyond else each
        for number, (_text, _saves, each) in enumerate(decisions)
    ]


def _left_for_later(decision: Decision, most: int) -> Decision:
    veto = Veto("max_actions", f"max_actions ({most}) is reached: a later run continues")
    return replace(decision, step=Step.NOTHING, why=veto.reason, vetoes=(*decision.vetoes, veto))
