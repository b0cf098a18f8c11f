# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_instance_state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import BugFound, ConfigurationError
from ..fleet.converge import converge
from ..fleet.decisions import preview
from ..fleet.runs import ConvergeOptions, FleetRun, InstanceRun, classify_instance, state_text
from ..fleet.selection import (
    INSTANCE_FIELDS,
    ME,
    Selection,
    Selector,
    may_select,
    select_to_change,
)
from ..model import Instance, Outcome
from ..operation import Context, on_cloud
from ..options import (
    CONNECTION,
    IDENTIFIERS,
    INSTANCE_FILTERS,
    WAIT,
    ModuleSpec,
    require_time,
)
from ..policy.controller import spared, this_machine
from ..policy.sleepers import Sleepers, SleepersError, woken_since
from ..states import Action, Goal, Kind, RestingState
from ..usage.costs import CostedState, cost_lines, costed_instance
from ..usage.rates import DEFAULT_RATES

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + INSTANCE_FILTERS
    + WAIT
    + ModuleSpec(
        argument_spec={
            "state": {"type": "str", "required": True, "choices": [goal.value for goal in Goal]},
            "all": {"type": "bool", "default": False},
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "allow_wake": {"type": "bool", "default": False},
            "include_locked": {"type": "bool", "default": False},
            "max_changes": {"type": "int"},
            "only_put_to_sleep": {"type": "bool", "default": False},
            "reboot_type": {"type": "str", "default": "soft", "choices": ["soft", "hard"]},
        },
    )
)
# More failed instances than these are counted in the message, and named in the results only.
_NAMED_IN_MESSAGE = 3
_SLEEPERS = Path(".local/state/jetstream/put_to_sleep.json")


def instance_state(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Bring the selected instances to a state, or report the changes that would do so."""
    settings = _converge_options(options)
    selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec, owner=(ME,))
    _check(options, selector, context)
    # Read before the first request: a file that cannot be understood must not start everything.
    sleepers = _sleepers(context)
    slept = sleepers.moments() if sleepers and options["only_put_to_sleep"] else None
    begun = context.clock.monotonic()
    cloud.limit(begun + settings.timeout)
    selection = _selected(cloud, selector, images=bool(options["image"]))
    chosen = selection.things if slept is None else _still_asleep(cloud, selection.things, slept, sleepers, context)
    settings = replace(settings, spared=spared(chosen, this_machine(), selector.calls))
    if context.check_mode or settings.max_changes is not None:
        ahead = preview(cloud, chosen, settings)
        if settings.max_changes is not None and _changes(ahead) > settings.max_changes:
            return _with_others(_refusal(ahead, settings.max_changes), selection)
        if context.check_mode:
            return _with_others(_outcome(ahead), selection)
    restored, sentences = cloud.restore(chosen)
    for sentence in sentences:
        context.warn(sentence)
    if settings.goal.state is not RestingState.ACTIVE:
        # Before any action is sent: a run that is killed must not forget them.
        _remember(sleepers, context, add=[each.uuid for each in restored if _runs(each)])
    fleet = converge(cloud, restored, settings, context.clock, observed_at=begun, report=context.report)
    _remember(sleepers, context, remove=[run.now.uuid for run in fleet.runs if _is_awake(run)])
    return _with_others(_outcome(fleet), selection)


OPERATION = on_cloud(instance_state)


def _sleepers(context: Context) -> Sleepers | None:
    """Return the file with the record of stopped instances. A user without a home has none."""
    path = context.path_or_none(None, _SLEEPERS)
    return None if path is None else Sleepers(path, context.clock)


def _remember(
    sleepers: Sleepers | None, context: Context, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> None:
    """Record which instances were put to sleep, or are active. A failure does not affect the results."""
    if sleepers is None:
        return
    try:
        sleepers.change(add=add, remove=remove)
    except SleepersError as error:
        context.warn(str(error))


def _still_asleep(
    cloud: Cloud,
    instances: Sequence[Instance],
    slept: Mapping[str, datetime],
    sleepers: Sleepers | None,
    context: Context,
) -> tuple[Instance, ...]:
    """Return the instances that were put to sleep, and that nobody has woken and put to sleep again since.

    Such a one is dropped from the record. Raises the error of a history that cannot be read: then nothing is started.
    """
    recorded = [each for each in instances if each.uuid in slept]
    asked = {each.uuid: slept[each.uuid] for each in recorded if not _runs(each)}
    if not asked:
        return tuple(recorded)
    periods = cloud.list_history(min(asked.values()), wanted=lambda each: each.uuid in asked)
    woken = woken_since(asked, periods)
    if not context.check_mode:
        _remember(sleepers, context, remove=sorted(woken))
    return tuple(each for each in recorded if each.uuid not in woken)


def _runs(instance: Instance) -> bool:
    """Return whether an instance runs, or is about to."""
    observed = classify_instance(instance)
    return observed.kind in (Kind.RESTING, Kind.MOVING) and observed.state is RestingState.ACTIVE


def _is_awake(run: InstanceRun) -> bool:
    """Return whether an instance is active, and no action that stops it is in progress or in doubt."""
    return run.observed.is_awake and not run.unclear and not (run.actions and run.failed)


def _selected(cloud: Cloud, selector: Selector, *, images: bool) -> Selection[Instance]:
    known = selector.with_account(cloud.account)
    instances = cloud.list_instances(
        live=True, images=images, all_images=images, wanted=may_select(known, INSTANCE_FIELDS), unreadable=True
    )
    return select_to_change(instances, known, INSTANCE_FIELDS)


def _with_others(outcome: Outcome, selection: Selection[Instance]) -> Outcome:
    """Add why nothing was selected, and the number of instances of other owners."""
    warnings = (*outcome.warnings, *selection.unmatched)
    if not selection.things:
        reasons = (
            selection.empty_because or "No instance matched, so nothing was changed.",
            _others_text(selection.others),
        )
        warnings = tuple(each for each in reasons if each)
    summary = {**outcome.result["summary"], "others": selection.others}
    return replace(outcome, result={**outcome.result, "summary": summary}, warnings=warnings)


def _others_text(count: int) -> str | None:
    return f"{count} of other owners not selected (owner: any)." if count else None


def _converge_options(options: Mapping[str, Any]) -> ConvergeOptions:
    return ConvergeOptions(
        goal=Goal(options["state"]),
        reboot=Action.HARD_REBOOT if options["reboot_type"] == "hard" else Action.REBOOT,
        allow_wake=options["allow_wake"],
        include_locked=options["include_locked"],
        wait=options["wait"],
        timeout=options["wait_timeout"],
        max_changes=options["max_changes"],
    )


def _check(options: Mapping[str, Any], selector: Selector, context: Context) -> None:
    require_time(options)
    if options["max_changes"] is not None and options["max_changes"] < 0:
        raise ConfigurationError("max_changes must be 0 or more.")
    if selector.everything and selector.names_something:
        raise ConfigurationError("all: true is mutually exclusive with name, id and uuid.", hint="Set one of them.")
    if options["only_put_to_sleep"] and options["state"] != Goal.STARTED:
        raise ConfigurationError("only_put_to_sleep requires state: started.")
    if options["only_put_to_sleep"] and not context.can_keep:
        context.kept(_SLEEPERS)
    selector.require_criteria()


def _changes(fleet: FleetRun) -> int:
    return sum(run.changed for run in fleet.runs)


def _refusal(ahead: FleetRun, limit: int) -> Outcome:
    """Fail each instance that would be changed. The others are as they were found."""
    count = _changes(ahead)
    runs = tuple(_not_done(run, count, limit) if run.changed else run for run in ahead.runs)
    failure = f"{count} instances would be changed, but max_changes is {limit}. No instance was changed."
    return Outcome(_result(runs), failure=failure, warnings=warnings_of(runs))


def _not_done(run: InstanceRun, count: int, limit: int) -> InstanceRun:
    not_done = InstanceRun(run.before, run.before)
    not_done.finish(f"not changed: {count} instances would be changed, but max_changes is {limit}", failed=True)
    return not_done


def _outcome(fleet: FleetRun) -> Outcome:
    diff, bug = diff_or_bug(fleet.runs)
    return Outcome(
        _result(fleet.runs),
        changed=any(run.changed for run in fleet.runs),
        failure=failure_of(fleet),
        warnings=(*warnings_of(fleet.runs), *bug),
        diff=diff,
    )


def diff_or_bug(runs: Sequence[InstanceRun]) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """Return the diff, or a warning: a bug in the diff must not lose the results."""
    try:
        return _diff(runs), ()
    except Exception as error:
        return None, (str(BugFound(error)),)


def warnings_of(runs: Sequence[InstanceRun]) -> tuple[str, ...]:
    """Return warnings of instances that were skipped for a reason that needs attention."""
    warned = [_labelled(run) for run in runs if run.warn]
    more = len(warned) - _NAMED_IN_MESSAGE
    shown = warned[:_NAMED_IN_MESSAGE] if more > 1 else warned
    return (*(f"{each}." for each in shown), *([f"And {more} more similar warnings."] if more > 1 else []))


def _result(runs: Sequence[InstanceRun]) -> dict[str, Any]:
    return {
        "instances": [item_of(run) for run in runs],
        "summary": {
            "selected": len(runs),
            "changed": sum(run.changed for run in runs),
            "unchanged": sum(not run.changed and not run.failed and not run.skipped for run in runs),
            "skipped": sum(run.skipped for run in runs),
            "failed": sum(run.failed for run in runs),
        },
    }


def item_of(run: InstanceRun) -> dict[str, Any]:
    """Return what was done to an instance, as the module returns it."""
    return {
        "id": run.before.id,
        "uuid": run.before.uuid,
        "name": run.before.name,
        "owner": run.before.owner,
        "before": state_text(run.before),
        "after": state_text(run.now),
        "actions": [action.value for action in run.actions],
        "changed": run.changed,
        "failed": run.failed,
        "skipped": run.skipped,
        "unclear": run.unclear,
        "msg": run.message,
        "elapsed": run.elapsed or 0.0,
    }


def failure_of(fleet: FleetRun) -> str | None:
    """Return one sentence for all that failed: the reason if it is one instance, the first few if there are many."""
    failed = [run for run in fleet.runs if run.failed]
    if fleet.aborted_by is not None:
        return f"{fleet.aborted_by} {len(failed)} of {len(fleet.runs)} instances were not completed."
    if not failed:
        return None
    named = "; ".join(_labelled(run) for run in failed[:_NAMED_IN_MESSAGE])
    if len(failed) == len(fleet.runs) == 1:
        return f"{named}."
    more = f"; and {len(failed) - _NAMED_IN_MESSAGE} more" if len(failed) > _NAMED_IN_MESSAGE else ""
    return f"{len(failed)} of {len(fleet.runs)} instances failed: {named}{more}."


def _labelled(run: InstanceRun) -> str:
    """Return why an instance has failed, with its name, which many errors have already."""
    why = run.message.rstrip(".")
    return why if run.before.label in why else f"{run.before.label}: {why}"


def _diff(runs: Sequence[InstanceRun]) -> dict[str, str]:
    """Return state and cost of the changed instances, a line for each, and the sums."""
    changed = [run for run in runs if run.changed]
    return {
        "before": cost_lines(_costed(run.before) for run in changed),
        "after": cost_lines(_costed(run.now) for run in changed),
    }


def _costed(instance: Instance) -> tuple[str, CostedState]:
    return instance.label, costed_instance(state_text(instance), instance, DEFAULT_RATES)
