# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_idle: decides about each instance, and acts on those that are due.

Decisions are made under the lock of the notices, so that of two concurrent runs only one warns or acts. An action is
recorded before it is sent, and its outcome after it: the next run completes the record of a killed run by the state of
the instance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ..cloud import Cloud
from ..errors import FATAL_ERRORS, ConfigurationError, JetstreamError, SelectionError
from ..fleet.converge import converge
from ..fleet.decisions import preview
from ..fleet.runs import ConvergeOptions, FleetRun, InstanceRun, classify_instance
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select
from ..idle.advice import Veto, advice, kept_because, summary, vetoes
from ..idle.site_settings import changes
from ..idle.store import key_of
from ..model import Instance, Outcome, StatusPeriod
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDENTIFIERS, IDLE_FILES, INSTANCE_FILTERS, RATES, ModuleSpec, require_time
from ..policy.controller import this_machine
from ..policy.decisions import DecisionLog
from ..policy.ladder import (
    OF_RUNNING,
    Decision,
    Facts,
    Policy,
    Step,
    decide,
    limited,
    owner_vetoes,
    protecting,
    trial_veto,
    vetoes_of_controller,
)
from ..policy.memory import Notice, Remembered
from ..policy.memory_file import Memory, MemoryFile
from ..policy.records import Event, PolicyName, Record
from ..states import Action, Goal, Kind, RestingState, classify
from ..text.terminal import one_line
from ..times import iso, iso_of, iso_or_none
from ..usage.rates import Rates, number
from .acts import ACTS, ActRecord, decisions_path
from .idle_info import Case, Judge
from .instance_state import diff_or_bug, failure_of, item_of, warnings_of

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + INSTANCE_FILTERS
    + RATES
    + IDLE_FILES
    + ACTS
    + ModuleSpec(
        argument_spec={
            "wait_timeout": {"type": "float", "default": 900.0},
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "settings": {"type": "dict"},
            "apply": {"type": "bool", "default": False},
            "act": {"type": "bool", "default": True},
            "only_uuid": {"type": "list", "elements": "str"},
            "action": {"type": "str", "default": "shelve", "choices": ["shelve", "stop", "suspend"]},
            "channels": {"type": "list", "elements": "str", "default": []},
            "grace_minutes": {"type": "float", "default": 60.0},
            "sweep_minutes": {"type": "float", "default": 15.0},
            "trial_days": {"type": "float", "default": 7.0},
            "max_actions": {"type": "int", "default": 10},
            "least_interval": {"type": "float", "default": 30.0},
            "never": {"type": "list", "elements": "str", "default": []},
            "controller": {"type": "list", "elements": "str", "default": []},
            "decisions_path": {"type": "path"},
        }
    )
)
_GOALS: Mapping[str, Goal] = {"shelve": Goal.SHELVED, "stop": Goal.STOPPED, "suspend": Goal.SUSPENDED}
# Between the decision and the first act, and between the last act and its record.
_CLAIM_RESERVE = 60.0
_MOST_FINDINGS = 5


def idle(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Decide about each selected instance, and act on those that are due if the options say so."""
    return _Run(cloud, options, context, _policy(options)).carry_out()


def _policy(options: Mapping[str, Any]) -> Policy:
    """Return the policy for all instances. The window is each instance's own."""
    for name in ("grace_minutes", "sweep_minutes", "trial_days", "max_actions", "least_interval"):
        if options[name] < 0:
            raise ConfigurationError(f"{name} must be 0 or more.")
    require_time(options)
    if options["apply"] and not options["channels"]:
        raise ConfigurationError(
            "apply: true requires channels: no instance is changed before a notice to its owner.",
            hint="Set channels, and record each notice with jetstream_notice.",
        )
    return Policy(
        action=Action(options["action"]),
        grace=options["grace_minutes"] * 60,
        sweep=options["sweep_minutes"] * 60,
        # The run that acts may take that long, and it may take a while to begin.
        claim=options["wait_timeout"] + _CLAIM_RESERVE,
        least_interval=options["least_interval"],
        channels=tuple(dict.fromkeys(options["channels"])),
        rehearses=not options["apply"],
    )


@dataclass(slots=True)
class _Item:
    """An instance in a run, from its evidence to its outcome."""

    key: tuple[str, str, str]
    instance: Instance
    case: Case
    row: dict[str, Any]
    vetoes: tuple[Veto, ...]
    trial: Veto | None = None
    off_since: float | None = None
    decision: Decision = field(default_factory=lambda: Decision(Step.NOTHING, ""))
    run: InstanceRun | None = None
    notice: Notice | None = None

    @property
    def is_off(self) -> bool:
        """Whether it is shut off."""
        observed = classify_instance(self.instance)
        return observed.kind is Kind.RESTING and observed.state is RestingState.SHUTOFF

    @property
    def awake(self) -> bool | None:
        """Whether it is awake; None if it is neither awake nor asleep."""
        observed = classify_instance(self.instance)
        return observed.state is RestingState.ACTIVE if observed.kind is Kind.RESTING else None

    def is_at(self, goal: Goal) -> bool:
        """Whether it rests in the state of a goal."""
        observed = classify_instance(self.instance)
        return observed.kind is Kind.RESTING and observed.state is goal.state


class _Run:
    """A run over the selected instances."""

    def __init__(self, cloud: Cloud, options: Mapping[str, Any], context: Context, policy: Policy) -> None:
        self._cloud = cloud
        self._options = options
        self._context = context
        self._policy = policy
        self._rates = Rates.from_options(options["rates"])
        self._begun = context.clock.monotonic()
        self._at = context.clock.now()
        self._now = self._at.timestamp()
        folder = decisions_path(options, context)
        self._memory = MemoryFile(folder, context.clock)
        self._log = DecisionLog(folder, context.clock)
        self._acts = ActRecord(options, context, PolicyName.IDLE)
        self._machine = this_machine()

    @property
    def _applies(self) -> bool:
        """Whether notices are claimed, and acts are carried out."""
        return bool(self._options["apply"]) and not self._context.check_mode

    def carry_out(self) -> Outcome:
        items, warnings = self._items()
        self._find_off_times(items)
        self._decide(items)
        fleet = self._act([each for each in items if self._is_to_be_done(each)])
        for each in items:
            each.row |= self._decision_row(each)
        diff, bug = diff_or_bug(fleet.runs)
        return Outcome(
            {"instances": [each.row for each in items], "summary": _summary(items)},
            changed=any(run.changed for run in fleet.runs),
            failure=failure_of(fleet),
            warnings=(*warnings, *warnings_of(fleet.runs), *bug),
            diff=diff,
        )

    # --- the evidence

    def _items(self) -> tuple[list[_Item], tuple[str, ...]]:
        options, cloud = self._options, self._cloud
        selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec, owner=(ME,)).with_account(
            cloud.account
        )
        judging = Judge(cloud, options, self._context)
        listed = cloud.list_instances(
            live=True,
            images=bool(options["image"]),
            wanted=self._acts.wanted(may_select(selector, INSTANCE_FIELDS)),
        )
        self._acts.compare(listed)
        selection = select(listed, selector, INSTANCE_FIELDS)
        if selection.problems:
            raise SelectionError(" ".join(selection.problems))
        unprotected = protecting(listed, options["never"]) + protecting(listed, options["controller"], "controller")
        chosen: Sequence[Instance] = selection.things
        if options["only_uuid"] is not None:
            chosen = [each for each in chosen if each.uuid in options["only_uuid"]]
        if self._applies:
            # A lock that an earlier run lifted is its owner's word still.
            chosen, sentences = cloud.restore(chosen)
            for sentence in sentences:
                self._context.warn(sentence)
        judging.read_consoles(chosen)
        items = [self._item(each, judging) for each in chosen]
        return items, (
            *selection.warnings,
            *unprotected,
            *judging.unmatched(listed),
            *(warning for each in items for warning in each.case.warnings),
        )

    def _item(self, instance: Instance, judging: Judge) -> _Item:
        is_off = classify_instance(instance).state is RestingState.SHUTOFF
        action = Action.SHELVE if is_off else self._policy.action
        # The selection has those that are meant alone.
        case = judging.case(instance, is_meant=True, action=action)
        key = key_of(instance)
        found = (
            *vetoes_of_controller(instance, self._machine, self._options["controller"]),
            *owner_vetoes(instance, self._options["never"]),
            *vetoes(case.judged, case.settings, self._at),
        )
        row = advice(case.judged, case.settings, self._rates, self._at) | {"settings": changes(case.settings)}
        return _Item((key.site, key.project, key.uuid), instance, case, row, found)

    def _find_off_times(self, items: Sequence[_Item]) -> None:
        """Find since when instances are shut off, by their history, or else by earlier runs.

        The history is read when an instance is first seen shut off, and when it is due by what earlier runs saw.
        """
        memory = self._memory.read()
        off = [each for each in items if each.is_off and self._policy.sweep]
        for each in off:
            each.off_since = memory.of(each.key).asleep or None
        asked = [each for each in off if self._needs_history(each)]
        if not asked:
            return
        uuids = {each.instance.uuid for each in asked}
        since = self._at - timedelta(seconds=self._policy.sweep)
        try:
            periods = self._cloud.list_history(since, wanted=lambda each: each.uuid in uuids)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            self._context.warn(f"{error} The ages of shut-off instances are unknown, so none of them is shelved.")
            periods = None
        for each in asked:
            each.off_since = None if periods is None else _off_since(each.instance, periods, each.off_since)

    def _needs_history(self, item: _Item) -> bool:
        if any(each.veto not in OF_RUNNING for each in item.vetoes):
            return False
        if item.off_since is None:
            return True
        return not self._policy.rehearses and self._now - item.off_since >= self._policy.sweep

    # --- the decision

    def _decide(self, items: Sequence[_Item]) -> None:
        if self._context.check_mode:
            self._decide_by(self._memory.read(), items)
            return
        with self._memory.changing() as memory:
            if memory.was_unreadable:
                self._context.warn(f"{self._memory.path} could not be read, so notices are sent again.")
            # First the log, then the notices: what cannot be logged is not done.
            self._log.write(self._decide_by(memory, items))

    def _decide_by(self, memory: Memory, items: Sequence[_Item]) -> list[Record]:
        """Decide about all, note that in the memory, and return the records of it."""
        _note_first_readings(memory, items)
        events: list[Record] = []
        before: dict[tuple[str, str, str], Remembered] = {}
        for each in items:
            remembered, happened = self._observed(each, memory.of(each.key))
            before[each.key] = remembered
            events += happened
            first = memory.first_readings.get(_project(each.key))
            each.trial = trial_veto(first, self._now, self._options["trial_days"])
            each.decision = decide(self._facts(each, remembered), self._policy_for(each))
        ranked = [(each.instance.uuid, self._saves(each) or 0.0, each.decision) for each in items]
        for each, decision in zip(items, limited(ranked, self._options["max_actions"]), strict=True):
            each.decision = decision
            memory.instances[each.key] = self._remembered(each, before[each.key])
            each.notice = memory.instances[each.key].notice if decision.step is Step.WARN else None
        decided = [self._record(each, Event.DECIDED, detail=self._why_unread(each)) for each in items]
        begun = [self._record(each, Event.BEGUN) for each in items if self._is_to_be_done(each)]
        return [*events, *decided, *begun]

    def _facts(self, item: _Item, remembered: Remembered) -> Facts:
        return Facts(
            now=self._now,
            verdict=item.case.judged.verdict,
            last_look=item.case.last_look,
            last_interval=item.case.last_interval,
            vetoes=item.vetoes,
            remembered=remembered,
            is_off=item.is_off,
            off_since=item.off_since,
        )

    def _policy_for(self, item: _Item) -> Policy:
        rehearses = self._policy.rehearses or item.trial is not None
        return replace(self._policy, rehearses=rehearses, window=item.case.settings.window)

    def _observed(self, item: _Item, remembered: Remembered) -> tuple[Remembered, list[Record]]:
        """Return what is remembered after this run saw the instance, and what became known by it."""
        seen = remembered.observed(item.instance.name, self._now, awake=item.awake, since=item.off_since)
        if seen.woken != remembered.woken:
            return seen, [self._record(item, Event.WOKEN)]
        act = seen.act
        is_open = (
            act is not None and act.outcome != "done" and (act.outcome or self._now - act.began >= self._policy.claim)
        )
        if act is None or not is_open:
            return seen, []
        if item.is_at(_GOALS[act.action]):
            detail = f"a later run found it {item.instance.status}"
            return seen.acted("done", self._now), [self._settled(item, Event.DONE, act.action, detail)]
        if item.awake and not act.outcome:
            detail = "a later run found that the action was not carried out"
            return replace(seen, act=None), [self._settled(item, Event.UNDONE, act.action, detail)]
        return seen, []

    def _remembered(self, item: _Item, remembered: Remembered) -> Remembered:
        decision = item.decision
        if decision.ends_notice:
            remembered = remembered.without_notice()
        if decision.step is Step.WARN:
            if self._policy_for(item).rehearses:
                return remembered.rehearsed(self._now)
            return remembered.claiming(decision.channels, self._now, item.case.judged.verdict.since or self._now)
        if self._is_to_be_done(item) and decision.action is not None:
            return remembered.acting(decision.action.value, self._now)
        return remembered

    def _is_to_be_done(self, item: _Item) -> bool:
        """Whether an act is carried out; in check mode, whether it would be."""
        applies = self._options["apply"] and self._options["act"] and item.trial is None
        return bool(applies) and item.decision.step is Step.ACT

    # --- the act

    def _act(self, items: Sequence[_Item]) -> FleetRun:
        runs: list[InstanceRun] = []
        aborted_by: JetstreamError | None = None
        actions = dict.fromkeys(each.decision.action for each in items)
        # Before the first of all: what cannot be recorded is not done, and takes no result away.
        for action in actions:
            if action is not None:
                due = [each.instance for each in items if each.decision.action is action]
                self._acts.begin(due, _GOALS[action.value])
        for action in actions:
            of_action = [each for each in items if each.decision.action is action]
            if action is None or aborted_by is not None:
                continue
            fleet = self._converge([each.instance for each in of_action], _GOALS[action.value])
            by_uuid = {run.before.uuid: run for run in fleet.runs}
            for each in of_action:
                each.run = by_uuid[each.instance.uuid]
            runs += fleet.runs
            aborted_by = fleet.aborted_by
        if items and self._applies:
            self._note_outcomes(items)
        return FleetRun(tuple(runs), aborted_by)

    def _converge(self, instances: Sequence[Instance], goal: Goal) -> FleetRun:
        wanted = ConvergeOptions(goal=goal, timeout=self._options["wait_timeout"])
        if self._context.check_mode:
            return preview(self._cloud, instances, wanted)
        clock, report = self._context.clock, self._context.report
        # The time for all of it begins with the list, and what was listed a while ago is read again.
        fleet = converge(self._cloud, instances, wanted, clock, observed_at=self._begun, report=report)
        self._acts.settle(fleet.runs)
        return fleet

    def _note_outcomes(self, items: Sequence[_Item]) -> None:
        """Note what became of the acts. A file that cannot be written takes no result away."""
        now = self._context.clock.now()
        try:
            with self._memory.changing() as memory:
                records = []
                for each in items:
                    remembered = memory.of(each.key)
                    if remembered.act is None or remembered.act.began != self._now or remembered.act.outcome == "done":
                        # A later run has settled it.
                        continue
                    event = event_of(each.run)
                    memory.instances[each.key] = _after(remembered, event, each.run, now.timestamp())
                    records.append(self._record(each, event, at=now, detail=each.run.message if each.run else ""))
                self._log.write(records)
        except JetstreamError as error:
            self._context.warn(f"{error} The next run records the outcome.")

    # --- results

    def _saves(self, item: _Item) -> float | None:
        """Return the SU that the action saves in an hour."""
        action = item.decision.action or (Action.SHELVE if item.is_off else self._policy.action)
        return self._saves_by(item, action.value)

    def _saves_by(self, item: _Item, action: str) -> float | None:
        before = self._rates.su_per_hour(item.instance.flavor, item.instance.status)
        after = self._rates.su_per_hour(item.instance.flavor, _GOALS[action].state.value)
        return None if before is None or after is None else float(number(max(before - after, Decimal(0))))

    def _settled(self, item: _Item, event: Event, action: str, detail: str) -> Record:
        """Return the record of what a later run found out. What it saved is counted from the state it began in."""
        active = self._rates.su_per_hour(item.instance.flavor, RestingState.ACTIVE.value)
        after = self._rates.su_per_hour(item.instance.flavor, item.instance.status)
        saves = None if active is None or after is None else float(number(active - after))
        record = self._record(item, event, detail=detail)
        return replace(record, action=action, saves_su_per_hour=saves, applies=True, step="", why="", due=None)

    def _record(self, item: _Item, event: Event, *, at: datetime | None = None, detail: str = "") -> Record:
        decision, verdict = item.decision, item.case.judged.verdict
        after = item.run.now if item.run is not None else item.instance
        site, project, uuid = item.key
        return Record(
            at=at or self._at,
            event=event,
            site=site,
            project=project,
            uuid=uuid,
            name=item.instance.name,
            owner=item.instance.owner,
            status=after.status,
            verdict=verdict.state.value,
            since=None if verdict.since is None else datetime.fromtimestamp(verdict.since, UTC),
            since_is_known=verdict.since_is_known,
            rule=verdict.rule,
            reason=verdict.reason,
            numbers=verdict.numbers,
            findings=tuple(each.text for each in verdict.findings[:_MOST_FINDINGS]),
            losses=verdict.losses,
            step=decision.step.value,
            action=decision.action.value if decision.action else "",
            why=decision.why,
            vetoes=tuple((each.veto, each.reason) for each in self._all_vetoes(item)),
            due=None if decision.due is None else datetime.fromtimestamp(decision.due, UTC),
            applies=bool(self._options["apply"]) and item.trial is None,
            su_per_hour=item.row["su_per_hour"],
            saves_su_per_hour=self._saves(item),
            detail=one_line(detail),
        )

    def _why_unread(self, item: _Item) -> str:
        """Return why one that is due has no short reading, a clause, or ""."""
        failed = item.case.judged.failed_try
        return "" if failed is None or item.decision.step is not Step.READ else failed.as_clause(self._now)

    def _all_vetoes(self, item: _Item) -> tuple[Veto, ...]:
        return (*item.decision.vetoes, *([item.trial] if item.trial and item.decision.step is not Step.NOTHING else []))

    def _progress(self, item: _Item) -> str:
        """Return the step in a few words, for a table."""
        decision = item.decision
        done = _PARTICIPLES.get(decision.action, "") if decision.action else ""
        applies = bool(self._options["apply"]) and item.trial is None
        match decision.step:
            case Step.WARN:
                return "its owner gets a notice" if applies else "its owner would get a notice"
            case Step.WAIT:
                due = f" until {iso_of(decision.due)}" if decision.due else ""
                return f"waits{due}"
            case Step.READ:
                why = self._why_unread(item)
                return f"is due, but has no recent short interval{why and f': {why}'}"
            case Step.ACT if item.run is not None:
                return item.run.message
            case Step.ACT:
                return f"is due to be {done}" if applies else f"would be {done}"
        return "left"

    def _decision_row(self, item: _Item) -> dict[str, Any]:
        """Return what the result of an instance has beside the advice."""
        decision, saves = item.decision, self._saves(item)
        site, project, _uuid = item.key
        outcome = None if item.run is None else item_of(item.run)
        found = [each._asdict() for each in self._all_vetoes(item)]
        return {
            "at": iso(self._at),
            "site": site,
            "project": project,
            "label": one_line(item.instance.name),
            "takes_metadata": item.instance.metadata is not None,
            "step": decision.step.value,
            "progress": self._progress(item),
            "why": decision.why,
            "due": iso_or_none(decision.due),
            "action": decision.action.value if decision.action else None,
            "would": "nothing" if decision.action is None or decision.step is Step.NOTHING else decision.action.value,
            "applies": bool(self._options["apply"]) and item.trial is None,
            "channels": list(decision.channels),
            "notice": _notice_of(item),
            "vetoes": found,
            "kept_because": kept_because(found),
            "left_because": [each["reason"] for each in found if each["veto"] != "trial"],
            "saves_su_per_hour": saves,
            "saves_su_per_day": None if saves is None else round(saves * 24, 3),
            "outcome": outcome,
            "changed": bool(outcome and outcome["changed"]),
        }


_PARTICIPLES: Mapping[Action, str] = {Action.SHELVE: "shelved", Action.STOP: "stopped", Action.SUSPEND: "suspended"}


def _notice_of(item: _Item) -> dict[str, Any] | None:
    """Return the notice that is to be sent now, as the module returns it. Its id is the same if it is sent again."""
    if item.notice is None or not item.notice.claimed:
        return None
    return {"id": f"{item.instance.uuid}.{item.notice.begun:.3f}", "repeated": item.notice.is_repeated}


def _off_since(instance: Instance, periods: Sequence[StatusPeriod], seen: float | None) -> float | None:
    """Return since when an instance is shut off, by its last period, or by ``seen`` if the history has none of it."""
    own = [each for each in periods if each.instance_uuid == instance.uuid]
    if not own:
        return seen
    last = max(own, key=lambda each: (each.start, each.number))
    is_off = classify(last.status, "").state is RestingState.SHUTOFF
    return last.start.timestamp() if is_off and last.end is None else None


def _project(key: tuple[str, str, str]) -> str:
    return f"{key[0]} {key[1]}"


def _note_first_readings(memory: Memory, items: Sequence[_Item]) -> None:
    for each in items:
        if each.case.first is not None:
            known = memory.first_readings.get(_project(each.key), each.case.first)
            memory.first_readings[_project(each.key)] = min(known, each.case.first)


def event_of(run: InstanceRun | None) -> Event:
    """Return what became of an act."""
    if run is None:
        return Event.UNDONE
    if run.unclear:
        return Event.UNCLEAR
    if run.failed:
        return Event.FAILED
    return Event.DONE if run.changed else Event.UNDONE


def _after(remembered: Remembered, event: Event, run: InstanceRun | None, now: float) -> Remembered:
    if event is Event.UNDONE:
        return replace(remembered, act=None)
    return remembered.acted(event.value, now, run.message if run else "")


def _summary(items: Sequence[_Item]) -> dict[str, Any]:
    rows = [each.row for each in items]
    runs = [each.run for each in items if each.run is not None]
    return summary(rows) | {
        "steps": {step.value: sum(each.decision.step is step for each in items) for step in Step},
        "done": sum(run.changed and not run.failed for run in runs),
        "failed": sum(run.failed for run in runs),
    }


OPERATION = on_cloud(idle)
