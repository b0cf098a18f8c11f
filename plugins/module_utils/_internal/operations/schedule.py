# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_schedule: carries out the latest edge of each schedule, once for each instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError, JetstreamError, SelectionError
from ..fleet.converge import converge
from ..fleet.decisions import preview
from ..fleet.runs import ConvergeOptions, FleetRun, InstanceRun, state_text
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select
from ..idle.keeps import KeepFile, KeepMark, mark_of_instance
from ..idle.store import key_of
from ..model import Instance, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDENTIFIERS, ModuleSpec, require_time
from ..policy.act_store import ActStoreError
from ..policy.controller import spared, this_machine
from ..policy.deadlines import Deadlines, deadlines_of
from ..policy.decisions import DecisionLog, DecisionLogError
from ..policy.filters import unmatched
from ..policy.instance_store import seen_on
from ..policy.records import Event, PolicyName, Record
from ..policy.schedule_file import read_timetable
from ..policy.schedule_results import cause_of, edge_result, missed_result, summary
from ..policy.schedule_steps import (
    Decision,
    Memory,
    Step,
    decide,
    done,
    is_due,
    observed_state,
    runs,
    succeeded,
)
from ..policy.schedule_store import ScheduleBusy, ScheduleStore, ScheduleStoreError
from ..policy.schedules import Schedule, Timetable, newest_edge, next_edge
from ..states import Action, Goal
from ..text.ordering import natural_key
from ..text.terminal import one_line
from ..times import iso
from .acts import ACTS, ActRecord, decisions_path
from .idle_info import keep_path

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + ACTS
    + ModuleSpec(
        argument_spec={
            "path": {"type": "path", "required": True},
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "wait_timeout": {"type": "float", "default": 900.0},
            "wake_batch": {"type": "int", "default": 10},
            "wake_minutes": {"type": "int", "default": 120},
            "state_path": {"type": "path"},
            "keep_path": {"type": "path"},
            "decisions_path": {"type": "path"},
        },
    )
)
_STATE = Path(".local/state/jetstream/schedules.json")
# Seconds for one batch of starts. The next run reads an instance that takes longer again.
_BATCH_SECONDS = 300.0
# With less time than this, no further batch is begun.
_SHORTEST_BATCH_SECONDS = 30.0
# More failed instances than these are counted in the message, and named in the results only.
_NAMED = 3
# Steps that are the same in each run until the next edge.
_UNLOGGED = frozenset({Step.NOTHING, Step.LATER, Step.KEPT})
_ACTIONS = {Goal.SHELVED: Action.SHELVE, Goal.STOPPED: Action.STOP, Goal.SUSPENDED: Action.SUSPEND}


@dataclass(slots=True)
class _Case:
    """An instance that follows a schedule, the decision about it, and what came of it."""

    instance: Instance
    schedule: Schedule
    decision: Decision
    run: InstanceRun | None = None
    failure: str | None = None


@dataclass(slots=True)
class _Round:
    """A run of the operation: its cases, and what is remembered. ``spared``: what must not be put to sleep."""

    cases: list[_Case]
    memories: dict[str, Memory]
    before: Mapping[str, Memory]
    warnings: list[str] = field(default_factory=list)
    aborted_by: JetstreamError | None = None
    unsaved: JetstreamError | None = None
    others: int = 0
    spared: frozenset[str] = frozenset()


def schedule(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Carry out the edges that are due, or report them in check mode."""
    _check(options)
    timetable = read_timetable(Path(options["path"]).absolute())
    store = ScheduleStore(context.path(options["state_path"], _STATE), context.clock)
    acts = ActRecord(options, context, PolicyName.SCHEDULE)
    begun = context.clock.monotonic()
    cloud.limit(begun + options["wait_timeout"])
    if context.check_mode:
        around = _decided(cloud, timetable, store.load(), acts, options, context)
        _preview(cloud, around)
        return _outcome(around, store, context.clock.now())
    try:
        with store.held():
            around = _decided(cloud, timetable, store.load(), acts, options, context)
            _carry_out(cloud, around, store, acts, options, context, begun)
            _log(around, options, context)
    except ScheduleBusy as error:
        return Outcome({"instances": [], "summary": summary([]), "busy": True}, warnings=(str(error),))
    return _outcome(around, store, context.clock.now())


OPERATION = on_cloud(schedule)


def _check(options: Mapping[str, Any]) -> None:
    require_time(options)
    if not 1 <= options["wake_batch"] <= 100:
        raise ConfigurationError("wake_batch must be from 1 to 100.")
    if not 0 <= options["wake_minutes"] <= 24 * 60:
        raise ConfigurationError("wake_minutes must be from 0 to 1440.")


def _decided(
    cloud: Cloud,
    timetable: Timetable,
    memories: dict[str, Memory],
    acts: ActRecord,
    options: Mapping[str, Any],
    context: Context,
) -> _Round:
    """List the instances, and decide about each that follows a schedule."""
    now = context.clock.now().astimezone(UTC)
    kept = KeepFile(keep_path(options, context), context.clock).marks()
    selector = Selector.from_options(options, (), owner=(ME,)).with_account(cloud.account)
    may_be_selected = may_select(selector, INSTANCE_FIELDS)

    newest = {name: newest_edge(each, now) for name, each in timetable.schedules.items()}

    def is_needed(instance: Instance) -> bool:
        schedule = timetable.assignment(instance).schedule
        memory = memories.get(instance.uuid)
        return schedule is not None and may_be_selected(instance) and is_due(schedule, memory, newest[schedule.name])

    listed = cloud.list_instances(live=True, images=False, wanted=acts.wanted(is_needed))
    acts.compare(listed)
    selection = select(listed, selector, INSTANCE_FIELDS)
    if selection.problems:
        raise SelectionError(" ".join(selection.problems))
    warnings = [*selection.warnings, *unmatched(options["path"], timetable.rules, listed)]
    around = _Round([], dict(memories), dict(memories), warnings=warnings, others=0)
    around.spared = spared(selection.things, this_machine(), lambda instance: timetable.assignment(instance).is_named)
    for instance in selection.things:
        assigned = timetable.assignment(instance)
        if assigned.problem:
            around.warnings.append(f"{instance.label}: {one_line(assigned.problem)}")
        if assigned.schedule is None:
            around.others += 1
            continue
        decision = decide(
            instance,
            assigned.schedule,
            memories.get(instance.uuid),
            newest[assigned.schedule.name],
            kept_until=_kept(mark_of_instance(instance.uuid, instance.metadata, kept, now), now),
            wake_limit=timedelta(minutes=options["wake_minutes"]),
            now=now,
            ended=_ended(deadlines_of(instance, timetable.deadlines), now),
        )
        around.cases.append(_Case(instance, assigned.schedule, decision))
        if decision.memory is not None and not decision.acts:
            around.memories[instance.uuid] = decision.memory
        if instance.uuid in around.memories:
            around.memories[instance.uuid] = seen_on(around.memories[instance.uuid], now)
    return around


def _kept(mark: KeepMark | None, now: datetime) -> str | None:
    if mark is None or not mark.holds(now):
        return None
    return "its keep mark is not a time" if mark.until is None else f"kept until {iso(mark.until)}, and stopped then"


def _ended(deadlines: Deadlines, now: datetime) -> str | None:
    """Return a clause if no start is to wake an instance any more."""
    at = deadlines.shelve_at
    if at is None or not deadlines.has_ended(now):
        return None
    return f"its deadline shelve_at was {iso(at.at)}, by {at.source}"


def _preview(cloud: Cloud, around: _Round) -> None:
    for case in around.cases:
        if case.decision.acts:
            _refuse_unsupported(cloud, case)
            if case.failure is None:
                options = ConvergeOptions(goal=_goal(case), spared=around.spared)
                case.run = preview(cloud, [case.instance], options).runs[0]


def _carry_out(
    cloud: Cloud,
    around: _Round,
    store: ScheduleStore,
    acts: ActRecord,
    options: Mapping[str, Any],
    context: Context,
    begun: float,
) -> None:
    """Send stops first, which make room for starts."""
    deadline = begun + options["wait_timeout"]
    stops = [each for each in around.cases if each.decision.step is Step.SLEEP]
    starts = [each for each in around.cases if each.decision.step is Step.WAKE]
    for case in stops:
        _refuse_unsupported(cloud, case)
        _remember(around, case)
    _save(around, store)
    stops_end = begun + options["wait_timeout"] / 2 if starts else deadline
    for goal in _ACTIONS:
        group = [each for each in stops if each.failure is None and _goal(each) is goal]
        if around.unsaved is None:
            _converge(cloud, around, group, acts, context, begun, stops_end)
            _save_outcome(around, store)
    # Those that failed before come last, so that they do not take the time of the others.
    starts.sort(key=lambda each: (_attempts(each), natural_key(each.instance.name)))
    for index in range(0, len(starts), options["wake_batch"]):
        now = context.clock.monotonic()
        is_late = index and deadline - now < _SHORTEST_BATCH_SECONDS
        if around.aborted_by is not None or around.unsaved is not None or is_late:
            break
        batch = starts[index : index + options["wake_batch"]]
        for case in batch:
            _remember(around, case)
        _converge(cloud, around, batch, acts, context, begun, min(deadline, now + _BATCH_SECONDS))
        _save_outcome(around, store)


def _converge(
    cloud: Cloud,
    around: _Round,
    cases: Sequence[_Case],
    acts: ActRecord,
    context: Context,
    begun: float,
    deadline: float,
) -> None:
    """Bring cases of one goal to it, and remember which need nothing more."""
    if not cases or around.aborted_by is not None:
        return
    settings = ConvergeOptions(goal=_goal(cases[0]), timeout=deadline - begun, spared=around.spared)
    instances = [each.instance for each in cases]
    try:
        acts.begin(instances, settings.goal)
    except ActStoreError as error:
        # Results of other instances stay.
        around.unsaved = error
        return
    fleet: FleetRun = converge(cloud, instances, settings, context.clock, observed_at=begun, report=context.report)
    acts.settle(fleet.runs)
    around.aborted_by = fleet.aborted_by
    for case, run in zip(cases, fleet.runs, strict=True):
        case.run = run
        if run.failed:
            continue
        memory = around.memories[case.instance.uuid]
        after = done(memory, case.decision.edge) if run.skipped else succeeded(memory, case.decision.edge)
        around.memories[case.instance.uuid] = after


def _refuse_unsupported(cloud: Cloud, case: _Case) -> None:
    """Fail an instance that cannot reach the state of its schedule. It is reported once, not in each run."""
    if case.decision.step is not Step.SLEEP or not runs(observed_state(case.instance)):
        return
    reason = cloud.unsupported_actions(case.instance).get(_ACTIONS[case.schedule.off_state])
    if reason is None:
        return
    case.failure = f"it cannot be {case.schedule.off_state.value}: {reason}"
    if case.decision.memory is not None:
        memory = replace(done(case.decision.memory, case.decision.edge), put_to_sleep=False)
        case.decision = replace(case.decision, memory=memory)


def _remember(around: _Round, case: _Case) -> None:
    if case.decision.memory is not None:
        seen = around.memories.get(case.instance.uuid, case.decision.memory).seen
        around.memories[case.instance.uuid] = replace(case.decision.memory, seen=seen)


def _save(around: _Round, store: ScheduleStore) -> None:
    if around.memories != around.before:
        store.save(around.memories)
        around.before = dict(around.memories)


def _save_outcome(around: _Round, store: ScheduleStore) -> None:
    """Store what became of acts. Where that fails, the results stay, and nothing more is begun.

    Before the acts, the attempt was stored: the next run finds that they are done.
    """
    try:
        _save(around, store)
    except ScheduleStoreError as error:
        around.unsaved = error


def _log(around: _Round, options: Mapping[str, Any], context: Context) -> None:
    """Write what was done, and why nothing was. What was done does not depend on that."""
    logged = [each for each in around.cases if each.decision.step not in _UNLOGGED]
    try:
        log = DecisionLog(decisions_path(options, context), context.clock)
        log.write([_record(each, context.clock.now().astimezone(UTC)) for each in logged])
    except DecisionLogError as error:
        around.warnings.append(str(error))


def _record(case: _Case, now: datetime) -> Record:
    key, edge = key_of(case.instance), case.decision.edge
    return Record(
        at=now,
        event=Event.SCHEDULED,
        site=key.site,
        project=key.project,
        uuid=key.uuid,
        name=case.instance.name,
        policy=PolicyName.SCHEDULE,
        owner=case.instance.owner,
        status=case.instance.status,
        rule=case.schedule.name,
        step=case.decision.step.value,
        why="" if edge is None else f"{edge.kind} of {iso(edge.at)}",
        applies=True,
        detail=_message(case),
    )


def _goal(case: _Case) -> Goal:
    return Goal.STARTED if case.decision.step is Step.WAKE else case.schedule.off_state


def _attempts(case: _Case) -> int:
    return case.decision.memory.attempts if case.decision.memory else 0


def _outcome(around: _Round, store: ScheduleStore, now: datetime) -> Outcome:
    schedules = {each.schedule.name: each.schedule for each in around.cases}
    upcoming = {name: _upcoming(each, now) for name, each in schedules.items()}
    rows = [_row(each, upcoming[each.schedule.name]) for each in around.cases]
    result = {
        "instances": rows,
        "summary": {**summary(rows), "without_schedule": around.others},
        "state_path": str(store.path),
        "busy": False,
    }
    return Outcome(
        result,
        changed=any(each["changed"] for each in rows),
        failure=_failure(around, rows),
        warnings=tuple(around.warnings),
    )


def _upcoming(schedule: Schedule, now: datetime) -> dict[str, Any] | None:
    edge = next_edge(schedule, now)
    return None if edge is None else edge_result(edge, schedule)


def _row(case: _Case, upcoming: Mapping[str, Any] | None) -> dict[str, Any]:
    instance, decision, run = case.instance, case.decision, case.run
    is_stuck = case.failure is not None or decision.step in (Step.GAVE_UP, Step.UNREAD)
    failed = is_stuck or (run is not None and run.failed)
    message = _message(case)
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "name": instance.name,
        "owner": instance.owner,
        "schedule": case.schedule.name,
        "edge": None if decision.edge is None else edge_result(decision.edge, case.schedule),
        "next": upcoming,
        "missed": missed_result(decision.missed, case.schedule),
        "step": decision.step.value,
        "before": state_text(instance),
        "after": state_text(run.now if run else instance),
        "actions": [each.value for each in run.actions] if run else [],
        "attempts": _attempts(case),
        "changed": run is not None and run.changed,
        "failed": failed,
        "skipped": run is not None and run.skipped,
        "cause": cause_of(message) if failed else None,
        # A repeated failure was reported at its first occurrence.
        "is_news": failed and (decision.step is Step.GAVE_UP or case.failure is not None or _attempts(case) == 1),
        "msg": message,
    }


def _message(case: _Case) -> str:
    if case.failure is not None:
        return one_line(case.failure)
    if case.run is not None:
        return case.run.message
    if case.decision.acts:
        return "not started: the timeout of this run was over. The next run continues"
    return one_line(case.decision.reason)


def _failure(around: _Round, rows: Sequence[Mapping[str, Any]]) -> str | None:
    failed = [each for each in rows if each["failed"]]
    ending = around.aborted_by or around.unsaved
    if ending is not None:
        return f"{ending} The next run continues."
    if not failed:
        return None
    named = "; ".join(f"{one_line(str(each['name']))}: {each['msg'].rstrip('.')}" for each in failed[:_NAMED])
    more = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return f"{len(failed)} of {len(rows)} instances failed: {named}{more}."
