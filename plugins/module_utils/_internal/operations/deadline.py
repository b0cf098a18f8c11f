# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_deadline: reports deadlines, and shelves instances at their deadlines.

A run claims the deadlines that it returns, so that no other run reports them as well. They are recorded as reported
only once the caller names the channel that delivered them. Nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError, SelectionError
from ..fleet.converge import converge
from ..fleet.decisions import preview
from ..fleet.runs import ConvergeOptions, FleetRun, InstanceRun, classify_instance, state_text
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select
from ..idle.advice import Veto, vetoes_of_cloud, vetoes_of_keep
from ..idle.keeps import KeepFile, KeepMark, mark_of_instance
from ..idle.store import key_of
from ..model import Instance, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDENTIFIERS, ModuleSpec, require_time
from ..policy.controller import Machine, this_machine
from ..policy.deadline_results import deadline_result, news_result, summary
from ..policy.deadline_store import DeadlineBusy, DeadlineStore, DeadlineStoreError
from ..policy.deadlines import (
    DAYS,
    DeadlineRow,
    Deadlines,
    Decision,
    Kind,
    Memory,
    News,
    Policy,
    Step,
    deadlines_of,
    decide,
    limited,
    news_of,
)
from ..policy.decisions import DecisionLog, DecisionLogError
from ..policy.filters import unmatched
from ..policy.instance_store import seen_on
from ..policy.ladder import owner_vetoes, protecting, vetoes_of_controller
from ..policy.records import Event, PolicyName, Record
from ..policy.schedule_file import read_timetable
from ..states import Action, Goal, RestingState
from ..states import Kind as StateKind
from ..text.terminal import one_line
from ..times import iso, moment
from .acts import ACTS, ActRecord, decisions_path
from .idle_info import keep_path
from .instance_state import diff_or_bug, failure_of, warnings_of

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + ACTS
    + ModuleSpec(
        argument_spec={
            "path": {"type": "path"},
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "apply": {"type": "bool", "default": False},
            "channels": {"type": "list", "elements": "str", "default": []},
            "notice_hours": {"type": "float", "default": 24.0},
            "max_actions": {"type": "int", "default": 10},
            "never": {"type": "list", "elements": "str", "default": []},
            "wait_timeout": {"type": "float", "default": 900.0},
            "told": {"type": "list", "elements": "dict"},
            "channel": {"type": "str"},
            "delivered": {"type": "bool", "default": True},
            "state_path": {"type": "path"},
            "keep_path": {"type": "path"},
            "decisions_path": {"type": "path"},
        },
        required_together=(("told", "channel"),),
    )
)
_STATE = Path(".local/state/jetstream/deadlines.json")
_LONGEST_NOTICE = 30 * 24
_REPORTED_KEYS = ("uuid", "site", "project", "name", "kind", "at", "days")
# Neither keeps a shelved or stopped instance from being shelved.
_OF_RUNNING = frozenset({"not_running"})


@dataclass(slots=True)
class _Case:
    """An instance with deadlines, its news, the decision, and the outcome."""

    instance: Instance
    deadlines: Deadlines
    memory: Memory
    decision: Decision
    news: list[News]
    run: InstanceRun | None = None

    @property
    def at(self) -> datetime | None:
        """Return the moment of its ``shelve_at``."""
        return self.deadlines.shelve_at.at if self.deadlines.shelve_at else None


@dataclass(slots=True)
class _Round:
    """A run of the operation: its cases, and what is remembered of all instances."""

    cases: list[_Case]
    memories: dict[str, Memory]
    stored: Mapping[str, Memory]
    warnings: list[str] = field(default_factory=list)
    fleet: FleetRun = field(default_factory=lambda: FleetRun(()))
    unsaved: DeadlineStoreError | None = None
    others: int = 0


def deadline(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Report and carry out the deadlines that are due, or only return them in check mode; or record deliveries."""
    store = DeadlineStore(context.path(options["state_path"], _STATE), context.clock)
    if options["told"] is not None:
        return _record_delivery(store, options, context)
    policy = _policy(options)
    rows = read_timetable(Path(options["path"]).absolute()).deadlines if options["path"] else ()
    acts = ActRecord(options, context, PolicyName.DEADLINE)
    begun = context.clock.monotonic()
    cloud.limit(begun + options["wait_timeout"])
    if context.check_mode:
        around = _decided(cloud, rows, policy, store.load(), acts, options, context)
        if policy.applies:
            around.fleet = _with_runs(around, preview(cloud, _due(around), ConvergeOptions(goal=Goal.SHELVED)))
        return _outcome(around, policy, store, context)
    try:
        with store.held():
            around = _decided(cloud, rows, policy, store.load(), acts, options, context)
            _log(around, _new_records(around, context.clock.now()), options, context)
            if policy.applies:
                _shelve(cloud, around, store, acts, options, context, begun)
            if around.unsaved is None:
                _save(around, store)
    except DeadlineBusy as error:
        empty = {"instances": [], "news": [], "summary": summary([], []), "busy": True}
        return Outcome(empty, warnings=(str(error),))
    return _outcome(around, policy, store, context)


OPERATION = on_cloud(deadline)


def _policy(options: Mapping[str, Any]) -> Policy:
    require_time(options)
    if options["max_actions"] < 0:
        raise ConfigurationError("max_actions must be 0 or more.")
    hours = options["notice_hours"]
    if not 0 <= hours <= _LONGEST_NOTICE:
        raise ConfigurationError(f"notice_hours is {hours:g}, but must be between 0 and {_LONGEST_NOTICE}.")
    channels = tuple(dict.fromkeys(options["channels"]))
    if options["apply"] and not channels:
        raise ConfigurationError(
            "apply: true requires channels: no instance is shelved before a notice of its deadline.",
            hint="Set channels, and record each delivery with told and channel.",
        )
    return Policy(bool(options["apply"]), channels, timedelta(hours=hours))


# --- the decision


def _decided(
    cloud: Cloud,
    rows: Sequence[DeadlineRow],
    policy: Policy,
    memories: dict[str, Memory],
    acts: ActRecord,
    options: Mapping[str, Any],
    context: Context,
) -> _Round:
    """List the instances, and decide about each that has a deadline."""
    now = context.clock.now().astimezone(UTC)
    kept = KeepFile(keep_path(options, context), context.clock).marks()
    selector = Selector.from_options(options, (), owner=(ME,)).with_account(cloud.account)
    may_be_selected = may_select(selector, INSTANCE_FIELDS)

    def is_due(instance: Instance) -> bool:
        found = deadlines_of(instance, rows)
        done = memories.get(instance.uuid, Memory()).done
        is_open = found.shelve_at is not None and found.shelve_at.at != done
        return may_be_selected(instance) and found.has_ended(now) and is_open

    listed = cloud.list_instances(live=True, images=False, wanted=acts.wanted(is_due))
    acts.compare(listed)
    selection = select(listed, selector, INSTANCE_FIELDS)
    if selection.problems:
        raise SelectionError(" ".join(selection.problems))
    warnings = [
        *selection.warnings,
        *protecting(listed, options["never"]),
        *unmatched(options["path"] or "", rows, listed),
    ]
    around = _Round([], dict(memories), dict(memories), warnings=warnings)
    machine = this_machine()
    for instance in selection.things:
        found = deadlines_of(instance, rows)
        around.warnings += [f"{instance.label}: {each}." for each in found.problems]
        if not found.by_kind and not found.problems:
            around.others += 1
            continue
        memory = memories.get(instance.uuid, Memory())
        mark = mark_of_instance(instance.uuid, instance.metadata, kept, now)
        vetoes = tuple(_vetoes(cloud, instance, machine, mark, options["never"], now))
        decision = decide(found, memory, policy, now, vetoes=vetoes, is_shelved=_is_shelved(instance))
        around.cases.append(_Case(instance, found, memory, decision, news_of(found, memory, policy.channels, now)))
    ranked = [(each.at, f"{each.instance.name} {each.instance.uuid}", each.decision) for each in around.cases]
    for each, decision in zip(around.cases, limited(ranked, options["max_actions"]), strict=True):
        each.decision = decision
        _remember(around, each, _memory_after(each, policy, now), now)
    return around


def _vetoes(
    cloud: Cloud, instance: Instance, machine: Machine, mark: KeepMark | None, never: Sequence[str], now: datetime
) -> Iterator[Veto]:
    """Yield the reasons not to shelve an instance, the words of its owner first."""
    yield from vetoes_of_controller(instance, machine)
    yield from owner_vetoes(instance, never)
    yield from vetoes_of_keep(mark, now)
    unsupported = cloud.unsupported_actions(instance).get(Action.SHELVE)
    for each in vetoes_of_cloud(instance, is_meant=True, unsupported=unsupported):
        if each.veto not in _OF_RUNNING:
            yield each


def _is_shelved(instance: Instance) -> bool:
    observed = classify_instance(instance)
    return observed.kind is StateKind.RESTING and observed.state is RestingState.SHELVED


def _memory_after(case: _Case, policy: Policy, now: datetime) -> Memory:
    """Return what is remembered of an instance after a decision."""
    memory = case.memory
    for each in case.news:
        memory = memory.claiming(each, now)
    # If a run without apply sees it shelved, its schedule may still start it in the morning.
    if case.decision.step is Step.DONE and policy.applies and case.deadlines.may_shelve:
        memory = replace(memory, done=case.at, attempts=0)
    if memory.attempts and case.decision.step is Step.AHEAD:
        memory = replace(memory, attempts=0)
    return replace(memory, noted=_noted(case))


def _noted(case: _Case) -> str:
    """Return the key of a decision for the log, which has each decision once."""
    if case.decision.step not in (Step.LEFT, Step.WAIT, Step.DONE):
        return ""
    words = ",".join(each.veto for each in case.decision.vetoes)
    return f"{case.decision.step} {iso(case.at)} {words}" if case.at else ""


def _remember(around: _Round, case: _Case, memory: Memory, now: datetime) -> None:
    case.memory = memory
    uuid = case.instance.uuid
    if uuid in around.memories or memory != Memory():
        around.memories[uuid] = seen_on(memory, now)


# --- the act


def _due(around: _Round) -> list[Instance]:
    return [each.instance for each in around.cases if each.decision.step is Step.ACT]


def _with_runs(around: _Round, fleet: FleetRun) -> FleetRun:
    by_uuid = {run.before.uuid: run for run in fleet.runs}
    for each in around.cases:
        each.run = by_uuid.get(each.instance.uuid)
    return fleet


def _shelve(
    cloud: Cloud,
    around: _Round,
    store: DeadlineStore,
    acts: ActRecord,
    options: Mapping[str, Any],
    context: Context,
    begun: float,
) -> None:
    """Shelve what is due. Each attempt is stored and logged before it is sent, and its outcome after it."""
    due = [each for each in around.cases if each.decision.step is Step.ACT]
    if not due:
        return
    now = context.clock.now().astimezone(UTC)
    for case in due:
        _remember(around, case, replace(case.memory, attempts=case.memory.attempts + 1), now)
    _log(around, [_record(each, now, "about to be shelved") for each in due], options, context)
    _save(around, store)
    acts.begin(_due(around), Goal.SHELVED)
    wanted = ConvergeOptions(goal=Goal.SHELVED, timeout=options["wait_timeout"])
    fleet = converge(cloud, _due(around), wanted, context.clock, observed_at=begun, report=context.report)
    acts.settle(fleet.runs)
    around.fleet = _with_runs(around, fleet)
    now = context.clock.now().astimezone(UTC)
    for case in due:
        if case.run is not None and not case.run.failed and not case.run.skipped:
            _remember(around, case, replace(case.memory, done=case.at, attempts=0), now)
    try:
        _save(around, store)
    except DeadlineStoreError as error:
        # The attempt was stored before it: the next run finds that it is done. The results stay.
        around.unsaved = error
    _log(around, [_record(each, now, _message(each)) for each in due], options, context)


def _save(around: _Round, store: DeadlineStore) -> None:
    if around.memories != around.stored:
        store.save(around.memories)
        around.stored = dict(around.memories)


# --- the log


def _new_records(around: _Round, now: datetime) -> list[Record]:
    """Return the records of decisions that lead to nothing, and that the log does not have yet."""
    changed = [
        each
        for each in around.cases
        if each.memory.noted and each.memory.noted != around.stored.get(each.instance.uuid, Memory()).noted
    ]
    return [_record(each, now, each.decision.reason) for each in changed]


def _record(case: _Case, now: datetime, detail: str) -> Record:
    key = key_of(case.instance)
    return Record(
        at=now.astimezone(UTC),
        event=Event.DEADLINE,
        site=key.site,
        project=key.project,
        uuid=key.uuid,
        name=case.instance.name,
        policy=PolicyName.DEADLINE,
        owner=case.instance.owner,
        status=(case.run.now if case.run else case.instance).status,
        rule=Kind.SHELVE_AT.value,
        step=case.decision.step.value,
        why="" if case.at is None else iso(case.at),
        vetoes=tuple((each.veto, each.reason) for each in case.decision.vetoes),
        applies=True,
        detail=one_line(detail),
    )


def _log(around: _Round, records: Sequence[Record], options: Mapping[str, Any], context: Context) -> None:
    """Write records. What is done does not depend on that."""
    try:
        DecisionLog(decisions_path(options, context), context.clock).write(records)
    except DecisionLogError as error:
        around.warnings.append(str(error))


# --- deliveries


@dataclass(frozen=True, slots=True)
class _ReportedRow:
    """A deadline whose notice a channel delivered. ``key``: the site and the project of the instance."""

    uuid: str
    key: tuple[str, str]
    name: str
    kind: Kind
    at: datetime
    days: int


def _record_delivery(store: DeadlineStore, options: Mapping[str, Any], context: Context) -> Outcome:
    """Record whether a channel delivered the notices that an earlier run returned."""
    rows = [_reported_row(each) for each in options["told"]]
    channel = one_line(options["channel"])
    delivered = bool(options["delivered"])
    now = context.clock.now().astimezone(UTC)
    result = {"instances": [], "news": [], "state_path": str(store.path), "busy": False}

    def recorded(memories: Mapping[str, Memory]) -> dict[str, Memory]:
        return _after_delivery(memories, rows, channel, now) if delivered else _after_failure(memories, rows, channel)

    changed = store.update(recorded, check_mode=context.check_mode)
    if context.check_mode or not changed:
        return Outcome(result, changed=changed)
    records = [
        Record(
            at=now,
            event=Event.DEADLINE,
            site=each.key[0],
            project=each.key[1],
            uuid=each.uuid,
            name=each.name,
            policy=PolicyName.DEADLINE,
            rule=each.kind.value,
            step="told" if delivered else "untold",
            why=iso(each.at),
            applies=True,
            to=(channel,),
            detail=_delivery_text(each, channel) if delivered else f"its notice could not be sent by {channel}",
        )
        for each in rows
    ]
    try:
        DecisionLog(decisions_path(options, context), context.clock).write(records)
    except DecisionLogError as error:
        return Outcome(result, changed=True, warnings=(str(error),))
    return Outcome(result, changed=True)


def _delivery_text(row: _ReportedRow, channel: str) -> str:
    return f"announced by {channel}, {f'{row.days} days ahead or later' if row.days else 'now that it is reached'}"


def _after_delivery(
    memories: Mapping[str, Memory], rows: Sequence[_ReportedRow], channel: str, now: datetime
) -> dict[str, Memory]:
    after = dict(memories)
    for each in rows:
        memory = after.get(each.uuid, Memory()).after_delivery(each.kind, each.at, each.days, channel, now)
        after[each.uuid] = seen_on(memory, now)
    return after


def _after_failure(memories: Mapping[str, Memory], rows: Sequence[_ReportedRow], channel: str) -> dict[str, Memory]:
    after = dict(memories)
    for each in rows:
        if each.uuid in after:
            after[each.uuid] = after[each.uuid].after_failure(each.kind, each.at, each.days, channel)
    return after


def _reported_row(row: Mapping[str, Any]) -> _ReportedRow:
    """Return a row of the option told. Raises ConfigurationError."""
    hint = "Set told to rows of news, as an earlier run returned them."
    missing = [name for name in _REPORTED_KEYS if row.get(name) in (None, "")]
    if missing:
        raise ConfigurationError(f"told has a row without {' and '.join(missing)}.", hint=hint)
    try:
        kind, at, days = Kind(row["kind"]), moment(row["at"]), int(row["days"])
    except (ValueError, TypeError):
        raise ConfigurationError("told has a row with an invalid kind, at or days.", hint=hint) from None
    if days not in DAYS:
        raise ConfigurationError(f"told has a row with an invalid days: {days}.", hint=hint)
    return _ReportedRow(str(row["uuid"]), (str(row["site"]), str(row["project"])), str(row["name"]), kind, at, days)


# --- results


def _outcome(around: _Round, policy: Policy, store: DeadlineStore, context: Context) -> Outcome:
    now = context.clock.now().astimezone(UTC)
    rows = [_row(each, now) for each in around.cases]
    news = [each for case in around.cases for each in _news_rows(case, policy, now)]
    diff, bug = diff_or_bug(around.fleet.runs)
    result = {
        "instances": rows,
        "news": news,
        "summary": {**summary(rows, news), "without_deadline": around.others},
        "state_path": str(store.path),
        "busy": False,
    }
    return Outcome(
        result,
        changed=any(each["changed"] for each in rows),
        failure=" ".join(str(each) for each in (failure_of(around.fleet), around.unsaved) if each) or None,
        warnings=(*around.warnings, *warnings_of(around.fleet.runs), *bug),
        diff=diff,
    )


def _news_rows(case: _Case, policy: Policy, now: datetime) -> list[dict[str, Any]]:
    key = key_of(case.instance)
    shelves = policy.applies and case.deadlines.may_shelve
    return [news_result(case.instance, (key.site, key.project), each, now, shelves=shelves) for each in case.news]


def _row(case: _Case, now: datetime) -> dict[str, Any]:
    instance, run = case.instance, case.run
    failed = run is not None and run.failed
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "name": instance.name,
        "owner": instance.owner,
        **{kind.value: deadline_result(case.deadlines.by_kind.get(kind), now) for kind in Kind},
        "may_shelve": case.deadlines.may_shelve,
        "problems": list(case.deadlines.problems),
        "step": case.decision.step.value,
        "vetoes": [each._asdict() for each in case.decision.vetoes],
        "before": state_text(instance),
        "after": state_text(run.now if run else instance),
        "actions": [each.value for each in run.actions] if run else [],
        "changed": run is not None and run.changed,
        "failed": failed,
        "skipped": run is not None and run.skipped,
        # A repeated failure was reported at its first occurrence.
        "is_news": failed and case.memory.attempts <= 1,
        "msg": _message(case),
    }


def _message(case: _Case) -> str:
    return case.run.message if case.run is not None else one_line(case.decision.reason)
