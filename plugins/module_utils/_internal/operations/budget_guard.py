# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_budget_guard: thresholds that are reached, and what would make an allocation last.

News are claimed for the run that returns them, so that no other run reports them too. They count as reported only when
the caller records which channel took them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError, SelectionError
from ..fleet.converge import converge
from ..fleet.runs import ConvergeOptions, FleetRun, InstanceRun
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, select, select_by_name
from ..idle.advice import Veto, vetoes
from ..idle.store import key_of
from ..model import AllocationSource, Instance, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDLE_FILES, RATES, ModuleSpec, require_time
from ..policy.act_store import ActStoreError
from ..policy.budget_guard import (
    NO_CHANNEL,
    Candidate,
    Change,
    Limits,
    Memory,
    News,
    Plan,
    Standing,
    changes_of,
    figures_since,
    limit_reached,
    plan_of,
    standing_of,
)
from ..policy.budget_records import GuardedInstance, decided, outcome
from ..policy.budget_results import budget_result, budget_sentence, news_to
from ..policy.budget_store import BudgetBusy, BudgetStore, BudgetStoreError
from ..policy.controller import Machine, this_machine
from ..policy.decisions import DecisionLog, DecisionLogError
from ..policy.instance_store import seen_on
from ..policy.ladder import owner_vetoes, protecting, vetoes_of_controller
from ..policy.records import PolicyName, Record
from ..states import Action, Goal
from ..text.terminal import one_line
from ..times import iso
from ..usage.budget import burn_of
from ..usage.history import PACE_DAYS, known_total
from ..usage.rates import Rates
from ..usage.report_data import History, concerns, notes_on
from ..usage.snapshots import owner_of
from .acts import ACTS, ActRecord, decisions_path
from .idle import event_of
from .idle_info import Judge
from .instance_state import failure_of

SPEC = (
    CONNECTION
    + RATES
    + IDLE_FILES
    + ACTS
    + ModuleSpec(
        argument_spec={
            "name": {"type": "list", "elements": "str"},
            "settings": {"type": "dict"},
            "limit_percent": {"type": "float"},
            "limit_days": {"type": "float"},
            "shelve": {"type": "str", "default": "enough", "choices": ["enough", "all"]},
            "never": {"type": "list", "elements": "str", "default": []},
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "apply": {"type": "bool", "default": False},
            "wait_timeout": {"type": "float", "default": 900.0},
            "channels": {"type": "list", "elements": "str", "default": []},
            "told": {"type": "dict"},
            "channel": {"type": "str"},
            "delivered": {"type": "bool", "default": True},
            "told_path": {"type": "path"},
            "decisions_path": {"type": "path"},
        }
    )
)
_STATE = Path(".local/state/jetstream/budget_told.json")
# What keeps an instance from being shelved for the budget. That it is in use does not: the grant is more expensive.
_VETOES = frozenset({"controller", "not_mine", "state_unknown", "busy", "locked", "unsupported", "kept", "opted_out"})


@dataclass(frozen=True, slots=True)
class _Guarded:
    """An allocation, and the instances to shelve.

    ``reached``: a clause about a reached limit. ``changes``: of its instances, by UUID.
    """

    key: str
    standing: Standing
    plan: Plan
    reached: str | None
    changes: Mapping[str, Change]


def budget_guard(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the status of each allocation, and shelve instances if requested; or record delivered notices."""
    store = BudgetStore(context.path(options["told_path"], _STATE), context.clock)
    if options["told"] is not None:
        return _record_delivery(store, options, context)
    if options["channel"] is not None:
        raise ConfigurationError("channel requires told.", hint="Set told to claimed of an earlier run.")
    require_time(options)
    limits = _limits(options)
    if context.check_mode:
        return _round(cloud, store, limits, options, context)
    try:
        with store.held():
            return _round(cloud, store, limits, options, context)
    except BudgetBusy as error:
        summary = {**_summary([], _channels(options), 0, FleetRun(())), "unrecorded": False}
        nothing = {"allocations": [], "told": {}, "claimed": {}, "told_path": str(store.path), "busy": True}
        return Outcome({**nothing, "summary": summary}, warnings=(str(error),))


def _round(cloud: Cloud, store: BudgetStore, limits: Limits, options: Mapping[str, Any], context: Context) -> Outcome:
    """Guard the budget. But in check mode, the file is held."""
    memories = store.load()
    begun = context.clock.monotonic()
    cloud.limit(begun + options["wait_timeout"])
    act_record = ActRecord(options, context, PolicyName.BUDGET)
    guarded, warnings = _guard(cloud, options, context, limits, memories, act_record)
    due = [each for each in guarded if each.reached is not None]
    acts_now = bool(options["apply"]) and not context.check_mode
    journal = _Journal(DecisionLog(decisions_path(options, context), context.clock), context, applies=acts_now)
    unlogged = journal.decide(due)
    fleet = FleetRun(())
    if acts_now and unlogged is None:
        to_shelve = [each.instance for case in due for each in case.plan.shelve]
        try:
            act_record.begin(to_shelve, Goal.SHELVED)
        except ActStoreError as error:
            unlogged = f"{error} No instance was shelved."
    # What cannot be logged is not done.
    if acts_now and unlogged is None:
        fleet = _shelve(cloud, to_shelve, options, context, begun)
        act_record.settle(fleet.runs)
    runs = {run.before.uuid: run for run in fleet.runs}
    journal.note_outcomes(due, runs)
    # Not before: a claim is for the time that the delivery takes.
    now = context.clock.now().astimezone(UTC)
    channels = _channels(options)
    news = {each.key: _news(memories.get(each.key, Memory()), each.standing, channels, now) for each in guarded}
    failure = unlogged or failure_of(fleet)
    unclaimed = None if context.check_mode else _claim(store, memories, guarded, news, now)
    failure = unclaimed or failure
    rows = []
    for each in guarded:
        acts = each.reached is not None and acts_now and unlogged is None
        outcomes = _outcomes(each.plan, runs)
        rows.append(budget_result(each.standing, each.plan, news[each.key], each.reached, outcomes, acts=acts))
    result = {
        "allocations": rows,
        "told": _receipt(guarded, news, NO_CHANNEL),
        "claimed": {channel: _receipt(guarded, news, channel) for channel in channels},
        "told_path": str(store.path),
        "busy": False,
        "summary": {**_summary(rows, channels, len(due), fleet), "unrecorded": unclaimed is not None},
    }
    would = context.check_mode and options["apply"] and any(each.plan.shelve for each in due)
    changed = would or any(run.changed for run in fleet.runs)
    return Outcome(result, changed=changed, failure=failure, warnings=warnings)


OPERATION = on_cloud(budget_guard)


class _Journal:
    """Logs the decisions about the instances of allocations that are at a limit, and what became of them."""

    def __init__(self, log: DecisionLog, context: Context, *, applies: bool) -> None:
        self._log = log
        self._context = context
        self._applies = applies

    def decide(self, due: Sequence[_Guarded]) -> str | None:
        """Log the decisions. Returns a sentence if that is not possible, so that nothing may be done."""
        now = self._context.clock.now()
        records = [
            record
            for case in due
            for each in _instances(case)
            for record in decided(each, case.standing, case.plan, case.reached or "", now, applies=self._applies)
        ]
        if self._context.check_mode:
            return None
        try:
            self._log.write(records)
        except DecisionLogError as error:
            if self._applies:
                return f"{error} No instance was shelved."
            self._context.warn(str(error))
        return None

    def note_outcomes(self, due: Sequence[_Guarded], runs: Mapping[str, InstanceRun]) -> None:
        """Log what became of the acts. A log that cannot be written takes no result away."""
        now = self._context.clock.now()
        try:
            self._log.write([record for case in due for record in self._outcomes(case, runs, now)])
        except DecisionLogError as error:
            self._context.warn(str(error))

    def _outcomes(self, case: _Guarded, runs: Mapping[str, InstanceRun], now: datetime) -> Iterator[Record]:
        for each in _instances(case):
            run = runs.get(each.instance.uuid)
            if run is not None:
                yield outcome(
                    each,
                    case.standing,
                    case.plan,
                    case.reached or "",
                    now,
                    event=event_of(run),
                    status=run.now.status,
                    detail=one_line(run.message),
                )


def _instances(case: _Guarded) -> Iterator[GuardedInstance]:
    for candidates, is_planned in ((case.plan.shelve, True), (case.plan.left, False)):
        for each in candidates:
            key = key_of(each.instance)
            yield GuardedInstance(each, key.site, key.project, is_planned=is_planned)


# --- notices


def _channels(options: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one_line(each) for each in options["channels"]))


def _news(memory: Memory, standing: Standing, channels: Sequence[str], now: datetime) -> dict[str, News]:
    """Return what is new of an allocation to each channel; without channels, to the one without a name."""
    return {channel: memory.news(standing, channel, now) for channel in channels or (NO_CHANNEL,)}


def _receipt(guarded: Sequence[_Guarded], news: Mapping[str, Mapping[str, News]], channel: str) -> dict[str, list[str]]:
    """Return the thresholds that count as told once a channel took the news, by allocation."""
    of_channel = {each.key: news[each.key].get(channel) for each in guarded}
    return {key: sorted(each.announced) for key, each in of_channel.items() if each is not None and each.new}


def _claim(
    store: BudgetStore,
    memories: Mapping[str, Memory],
    guarded: Sequence[_Guarded],
    news: Mapping[str, Mapping[str, News]],
    now: datetime,
) -> str | None:
    """Store the claims of this run and the changes that it saw, and drop thresholds that were left.

    Returns a sentence if that failed. The news are still returned, and the next run repeats them.
    """
    after = dict(memories)
    for each in guarded:
        memory = replace(memories.get(each.key, Memory()).without_left(each.standing), changes=each.changes)
        for channel, of_channel in news[each.key].items():
            # Without channels, nothing is claimed.
            memory = memory.claiming(channel, of_channel, now) if channel != NO_CHANNEL else memory
        if each.key in after or memory != Memory():
            after[each.key] = seen_on(memory, now)
    try:
        if after != memories:
            store.save(after)
    except BudgetStoreError as error:
        return f"{error} The next run repeats the notices."
    return None


def _record_delivery(store: BudgetStore, options: Mapping[str, Any], context: Context) -> Outcome:
    """Record that a channel took the news of an earlier run, or that it did not."""
    told = _levels(options["told"])
    channel = NO_CHANNEL if options["channel"] is None else one_line(options["channel"])
    delivered = bool(options["delivered"])
    now = context.clock.now().astimezone(UTC)
    result = {"allocations": [], "told_path": str(store.path), "busy": False}

    def noted(memories: Mapping[str, Memory]) -> dict[str, Memory]:
        after = dict(memories)
        for key, levels in told.items():
            memory = after.get(key, Memory())
            changed = (memory.after_delivery if delivered else memory.after_failure)(channel, levels)
            if changed != memory:
                after[key] = seen_on(changed, now)
        return after

    return Outcome(result, changed=store.update(noted, check_mode=context.check_mode))


def _levels(told: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the option told, which is what an earlier run returned. Raises ConfigurationError."""
    if not all(isinstance(each, list) for each in told.values()):
        raise ConfigurationError(
            "told must be the value that an earlier run returned: lists of thresholds by allocation."
        )
    return {key: [str(each) for each in levels] for key, levels in told.items()}


def _summary(
    rows: Sequence[Mapping[str, Any]], channels: Sequence[str], limits_reached: int, fleet: FleetRun
) -> dict[str, Any]:
    return {
        **_of_news(rows, None),
        "limits_reached": limits_reached,
        "shelved": sum(run.changed and not run.failed for run in fleet.runs),
        "failed": sum(run.failed for run in fleet.runs),
        "channels": {channel: _of_news(rows, channel) for channel in channels},
    }


def _of_news(rows: Sequence[Mapping[str, Any]], channel: str | None) -> dict[str, Any]:
    news = sum(len(news_to(row, channel)) for row in rows)
    note = f"{news} budget threshold{'' if news == 1 else 's'}" if news else ""
    return {"news": news, "sentence": budget_sentence(rows, channel), "note": note}


def _limits(options: Mapping[str, Any]) -> Limits:
    percent, days = options["limit_percent"], options["limit_days"]
    if percent is not None and not 0 < percent <= 1000:
        raise ConfigurationError(f"limit_percent is {percent:g}, but must be greater than 0.")
    if days is not None and not 0 <= days <= 3660:
        raise ConfigurationError(f"limit_days is {days:g}, but must be between 0 and 3660.")
    if options["apply"] and percent is None and days is None:
        raise ConfigurationError("apply: true requires a limit.", hint="Set limit_percent or limit_days.")
    return Limits(
        None if percent is None else Decimal(str(percent)),
        None if days is None else Decimal(str(days)),
        all_of_them=options["shelve"] == "all",
    )


@dataclass(frozen=True, slots=True)
class PaidAllocation:
    """An allocation, how it stands, and the instances that it pays for."""

    standing: Standing
    instances: tuple[Instance, ...]


def read_standings(
    cloud: Cloud,
    names: Sequence[str] | None,
    rates: Rates,
    now: datetime,
    *,
    listed: Sequence[Instance] | None = None,
    never: Sequence[str] = (),
    acts: ActRecord | None = None,
) -> tuple[list[PaidAllocation], tuple[str, ...]]:
    """Return how the allocations of these names or globs stand, all if None; and warnings.

    ``listed``: the instances, with live states, if they were read already. ``never``: those that are not to be shelved.
    ``acts``: the record with which they are compared.
    Raises SelectionError for the name of an allocation or instance that there is not.
    """
    sources = cloud.list_allocation_sources()
    selection = select_by_name(sources, names)
    if selection.problems:
        # Every night, nothing would be guarded.
        raise SelectionError(" ".join(selection.problems))
    account = cloud.account()
    concerned = concerns(account, sources)
    if listed is None:
        listed = cloud.list_instances(live=True, images=False, wanted=acts.wanted(concerned) if acts else concerned)
    if acts is not None:
        acts.compare(listed)
    instances = [each for each in listed if concerned(each)]
    unprotected = protecting(listed, never)
    starts = [figures_since(each, now) for each in selection.things]
    earliest = min([now - timedelta(days=PACE_DAYS), *(each for each in starts if each is not None)])
    periods = cloud.list_history(earliest) if selection.things else []
    history = History(periods, sources, instances, rates, now)
    paces = history.paces()
    found = []
    for source in selection.things:
        paid = tuple(each for each in instances if _pays(source, each, sources))
        used = _used_since(history, source, now)
        found.append(PaidAllocation(standing_of(source, paces(source.uuid), burn_of(paid, rates), used, now), paid))
    notes = notes_on(selection.things, instances, (), rates, now)
    return found, (*selection.warnings, *unprotected, *notes)


def _guard(
    cloud: Cloud,
    options: Mapping[str, Any],
    context: Context,
    limits: Limits,
    memories: Mapping[str, Memory],
    acts: ActRecord,
) -> tuple[list[_Guarded], tuple[str, ...]]:
    """Read everything, and work out how each allocation stands."""
    now = context.clock.now().astimezone(UTC)
    rates = Rates.from_options(options["rates"])
    judge = Judge(cloud, options, context)
    found, warnings = read_standings(cloud, options["name"], rates, now, never=options["never"], acts=acts)
    meant = Selector.from_options(options, (), owner=(ME,)).with_account(cloud.account)
    listed = tuple({each.uuid: each for case in found for each in case.instances}.values())
    if problems := select(listed, meant, INSTANCE_FIELDS).problems:
        # A mistyped owner would leave every instance of the others alone, and say nothing.
        raise SelectionError(" ".join(problems))
    owner = owner_of(cloud.account())
    machine = this_machine()
    guarded = []
    for each in found:
        key = "/".join((*owner, each.standing.source.uuid))
        changes = changes_of(each.instances, memories.get(key, Memory()).changes, now)
        candidates = [
            _candidate(instance, changes.get(instance.uuid), judge, rates, meant, machine, options, now)
            for instance in each.instances
        ]
        plan = plan_of(each.standing, candidates, limits)
        warnings = (*warnings, *_about_hanging(each.instances, changes, now))
        guarded.append(_Guarded(key, each.standing, plan, limit_reached(each.standing, limits), changes))
    return guarded, warnings


def _about_hanging(instances: Iterable[Instance], changes: Mapping[str, Change], now: datetime) -> Iterator[str]:
    for each in instances:
        change = changes.get(each.uuid)
        if change is not None and change.hangs(now):
            yield f"{each.label} {_hanging(each, change)} Its cost counts until that has ended."


def _hanging(instance: Instance, change: Change) -> str:
    word = one_line(instance.activity or instance.status)
    return f"has been {word} since {iso(change.since)} at the latest, and may hang: ask the site's support."


def _pays(source: AllocationSource, instance: Instance, sources: Sequence[AllocationSource]) -> bool:
    payer = instance.allocation_source
    return payer.uuid == source.uuid if payer else len(sources) == 1


def _used_since(history: History, source: AllocationSource, now: datetime) -> Decimal | None:
    since = figures_since(source, now)
    if since is None:
        return None
    costs = [cost for rows in history.costs(since).values() for cost in rows]
    return known_total(history.by_payer(costs).get(source.uuid, []))


def _candidate(
    instance: Instance,
    change: Change | None,
    judge: Judge,
    rates: Rates,
    meant: Selector,
    machine: Machine,
    options: Mapping[str, Any],
    now: datetime,
) -> Candidate:
    case = judge.case(instance, is_meant=meant.is_of_owner(instance.owner), action=Action.SHELVE)
    found: list[Veto] = [
        *vetoes_of_controller(instance, machine),
        *owner_vetoes(instance, options["never"]),
        *vetoes(case.judged, case.settings, now),
    ]
    reasons = [each.reason for each in found if each.veto in _VETOES]
    sleeps = any(each.veto == "not_running" for each in found)
    if change is not None and change.hangs(now):
        reasons = [f"it {_hanging(instance, change).rstrip('.')}", *reasons]
    return Candidate(
        instance=instance,
        cost=_cost(instance, change, rates, now),
        is_idle=case.judged.verdict.is_idle or sleeps,
        veto=one_line(reasons[0]) if reasons else None,
    )


def _cost(instance: Instance, change: Change | None, rates: Rates, now: datetime) -> Decimal | None:
    """Return the cost per hour of an instance: of one that is changing, that of the state that it is about to reach.

    So one that an earlier run is still shelving saves its cost already, and no other is shelved in its place. One that
    hangs there saves nothing.
    """
    own = rates.su_per_hour(instance.flavor, instance.status)
    if change is None:
        return own
    ahead = rates.su_per_hour(instance.flavor, change.state.value)
    return max(own, ahead) if own is not None and ahead is not None and change.hangs(now) else ahead


def _shelve(
    cloud: Cloud, instances: Sequence[Instance], options: Mapping[str, Any], context: Context, begun: float
) -> FleetRun:
    settings = ConvergeOptions(goal=Goal.SHELVED, timeout=options["wait_timeout"])
    return converge(cloud, instances, settings, context.clock, observed_at=begun, report=context.report)


def _outcomes(plan: Plan, runs: Mapping[str, InstanceRun]) -> dict[str, dict[str, Any]]:
    """Return what became of the instances of a plan, by UUID."""
    found = {each.instance.uuid: runs[each.instance.uuid] for each in plan.shelve if each.instance.uuid in runs}
    return {
        uuid: {"changed": run.changed, "failed": run.failed, "skipped": run.skipped, "msg": run.message}
        for uuid, run in found.items()
    }
