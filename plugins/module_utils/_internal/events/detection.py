# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derives events from the remembered and the present state of a cloud. Pure functions.

The order of events does not depend on the order of a list. Each event comes with the memory to store once it is handed
over, so that a source killed between two events continues with the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..idle.verdicts import State
from ..model import CloudAccount, Instance
from ..policy.budget_guard import Standing, news_of
from ..policy.budget_results import sentence_of, standing_result
from ..policy.deadline_results import deadline_result
from ..policy.deadlines import DeadlineRow, Deadlines, News, deadlines_of
from ..policy.deadlines import news_of as deadline_news_of
from ..states import Kind, classify
from ..times import iso
from .event import Event, EventType, instance_body
from .memory import CHANNEL, Account, BudgetMemory, InstanceMemory, Memory

ABSENT = "absent"
# A page of a list that changes during the read may lack an instance. One that is missing twice is gone.
_LISTS_WITHOUT = 2
# These vetoes end by themselves, and say nothing about whether an instance may be acted on.
_PASSING = frozenset({"busy", "state_unknown"})
_IDLE, _DUE = "idle", "due"
_OF_ADVICE = (
    *("since", "since_is_known", "idle_hours", "rule", "reason", "caveat", "su_per_hour", "su_since_idle"),
    *("saves_su_per_day", "would", "vetoes"),
)


class Part(StrEnum):
    """A part of the data that a source reads. Each may fail independently."""

    INSTANCES = "instances"
    IDLE = "idle"
    DEADLINES = "deadlines"
    BUDGET = "budget"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Observation:
    """The data of a poll. A part that is neither in ``read`` nor in ``failed`` was not due.

    ``instances``: the selected ones with a readable state. ``readable``: all instances with a readable state.
    ``listed``: the uuids of all in the list. ``is_whole``: whether every row of the list was readable. ``advice``: by
    uuid, as jetstream_idle_info returns it. ``rows``: the deadline rows of the file. ``failed``: a sentence for each
    failed part.
    """

    at: datetime
    account: CloudAccount | None = None
    owner: Account | None = None
    read: frozenset[Part] = frozenset()
    failed: Mapping[Part, str] = field(default_factory=dict)
    instances: Sequence[Instance] = ()
    listed: frozenset[str] = frozenset()
    is_whole: bool = True
    advice: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rows: Sequence[DeadlineRow] = ()
    standings: Sequence[Standing] = ()
    readable: Sequence[Instance] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """An event, and the memory to store after its delivery. Without an event, the memory is stored at once."""

    event: Event | None
    memory: Memory


def detect(
    memory: Memory, seen: Observation, *, tells_states: bool = True, announce_first: bool = False
) -> Iterator[Step]:
    """Yield the events of a poll, in order.

    The first poll of a part emits no events, unless ``announce_first``: then it emits everything as new. Each event is
    made on demand: the memories of a poll with thousands of events would use gigabytes.
    """
    return _Poll(memory, seen, tells_states=tells_states, announce_first=announce_first).steps()


def state_of(instance: Instance) -> str | None:
    """Return the word for the state in which an instance rests; None while the state is changing."""
    observed = classify(instance.status, instance.activity, instance.power_state)
    match observed.kind:
        case Kind.RESTING:
            return None if observed.state is None else observed.state.value
        case Kind.ERROR:
            return "error"
        case Kind.GONE:
            return ABSENT
        case Kind.NEEDS_OPERATOR:
            return instance.status
    return None


class _Poll:
    """The detection for one poll."""

    def __init__(self, memory: Memory, seen: Observation, *, tells_states: bool, announce_first: bool) -> None:
        self._before = memory
        self._seen = seen
        self._tells_states = tells_states
        self._announce_first = announce_first
        # Instances of another account are not counted as gone.
        is_same = seen.owner is None or memory.account in (None, seen.owner)
        known = memory if is_same else Memory(failing=memory.failing)
        self._memory = known if seen.owner is None else replace(known, account=seen.owner)
        self._stored = memory

    def steps(self) -> Iterator[Step]:
        yield from self._failures()
        if Part.INSTANCES in self._seen.read:
            yield from self._instances()
        if Part.BUDGET in self._seen.read:
            yield from self._budgets()
        if self._memory != self._stored:
            yield Step(None, self._memory)

    def _emit(self, event: Event, memory: Memory) -> Iterator[Step]:
        self._memory = self._stored = memory
        yield Step(event, memory)

    def _announces(self, part: Part) -> bool:
        is_known = part in self._before.begun and self._memory.account == self._before.account
        return is_known or self._announce_first

    # --- the source itself

    def _failures(self) -> Iterator[Step]:
        now = iso(self._seen.at)
        for part, message in sorted(self._seen.failed.items()):
            if part not in self._memory.failing:
                body = {"part": part.value, "message": message}
                memory = replace(self._memory, failing={**self._memory.failing, part.value: now})
                yield from self._emit(Event(EventType.FAILED, part.value, 0, now, body), memory)
        for part in sorted(self._seen.read):
            since = self._memory.failing.get(part.value)
            if since is not None:
                body = {"part": part.value, "since": since}
                others = {key: each for key, each in self._memory.failing.items() if key != part.value}
                event = Event(EventType.RECOVERED, part.value, 0, since, body)
                yield from self._emit(event, replace(self._memory, failing=others))

    # --- instances

    def _instances(self) -> Iterator[Step]:
        announces = self._announces(Part.INSTANCES)
        for instance in sorted(self._seen.instances, key=lambda each: (each.name, each.uuid)):
            yield from self._instance(instance, announces=announces)
        yield from self._missing()
        for part in (Part.INSTANCES, *({Part.IDLE, Part.DEADLINES} & self._seen.read)):
            self._memory = self._memory.with_begun(part.value)

    def _instance(self, instance: Instance, *, announces: bool) -> Iterator[Step]:
        known = self._memory.instances.get(instance.uuid)
        state = state_of(instance)
        if state == ABSENT:
            return
        body = instance_body(instance)
        if known is None:
            # An instance in transition counts as coming from its state of rest, unless it is being launched.
            begins = ABSENT if announces else state or _resting_state(instance)
            known = InstanceMemory(state=begins, body=body)
        known = replace(known, body=body, missed=0)
        self._memory = self._memory.with_instance(instance.uuid, known)
        if state is not None and state != known.state:
            yield from self._changed(instance.uuid, known, state)
        if Part.IDLE in self._seen.read and instance.uuid in self._seen.advice:
            yield from self._idle(instance.uuid, self._seen.advice[instance.uuid])
        if Part.DEADLINES in self._seen.read:
            yield from self._deadlines(instance)

    def _changed(self, uuid: str, known: InstanceMemory, state: str) -> Iterator[Step]:
        """Emit the event that an instance rests in a new state."""
        after = replace(known, state=state, event_count=known.event_count + 1)
        memory = self._memory.without_instance(uuid) if state == ABSENT else self._memory.with_instance(uuid, after)
        if not self._tells_states:
            self._memory = memory
            return
        body = {"instance": known.body, "before": {"state": known.state}, "after": {"state": state}}
        yield from self._emit(Event(EventType.STATE, uuid, known.event_count, f"{known.state}>{state}", body), memory)

    def _missing(self) -> Iterator[Step]:
        """Emit events for deleted instances. Listed instances that are not selected or not readable are ignored."""
        seen = {each.uuid for each in self._seen.instances if state_of(each) != ABSENT}
        gone = {each.uuid for each in self._seen.instances if state_of(each) == ABSENT}
        for uuid, known in sorted(self._memory.instances.items()):
            if uuid in seen or (uuid not in gone and uuid in self._seen.listed):
                continue
            if uuid not in gone and not self._seen.is_whole:
                continue
            missed = known.missed + 1
            if uuid in gone or missed >= _LISTS_WITHOUT:
                body = {**known.body, "status": "deleted", "activity": ""}
                yield from self._changed(uuid, replace(known, body=body), ABSENT)
            else:
                self._memory = self._memory.with_instance(uuid, replace(known, missed=missed))

    def _idle(self, uuid: str, advice: Mapping[str, Any]) -> Iterator[Step]:
        known = self._memory.instances[uuid]
        word = _idle_word(known.idle, advice)
        if word == known.idle:
            return
        is_news = word == _DUE or (word == _IDLE and not known.idle)
        after = replace(known, idle=word, event_count=known.event_count + is_news)
        memory = self._memory.with_instance(uuid, after)
        if is_news and self._announces(Part.IDLE):
            body = {"instance": known.body, "idle": {key: advice[key] for key in _OF_ADVICE}}
            yield from self._emit(Event(EventType.IDLE, uuid, known.event_count, word, body), memory)
        else:
            self._memory = memory

    def _deadlines(self, instance: Instance) -> Iterator[Step]:
        known = self._memory.instances[instance.uuid]
        found = deadlines_of(instance, self._seen.rows)
        for news in deadline_news_of(found, known.deadline_memory(), (CHANNEL,), self._seen.at):
            at = news.deadline.at
            deadlines = {**known.deadlines, news.kind: (at, news.days)}
            after = replace(known, deadlines=deadlines, event_count=known.event_count + 1)
            memory = self._memory.with_instance(instance.uuid, after)
            if self._announces(Part.DEADLINES):
                body = {"instance": known.body, "deadline": self._deadline(found, news)}
                change = f"{news.kind}:{iso(at)}:{news.days}"
                yield from self._emit(Event(EventType.DEADLINE, instance.uuid, known.event_count, change, body), memory)
            else:
                self._memory = memory
            known = after

    def _deadline(self, found: Deadlines, news: News) -> dict[str, Any]:
        deadline = deadline_result(news.deadline, self._seen.at) or {}
        return {"kind": news.kind.value, "days": news.days, **deadline, "may_shelve": found.may_shelve}

    # --- allocations

    def _budgets(self) -> Iterator[Step]:
        announces = self._announces(Part.BUDGET)
        for standing in sorted(self._seen.standings, key=lambda each: (each.source.name, each.source.uuid)):
            for event, memory in self._budget(standing):
                if announces:
                    yield from self._emit(event, memory)
                else:
                    self._memory = memory
        self._memory = self._memory.with_begun(Part.BUDGET.value)

    def _budget(self, standing: Standing) -> Iterator[tuple[Event, Memory]]:
        uuid = standing.source.uuid
        known = self._memory.budgets.get(uuid, BudgetMemory())
        news = news_of(standing, known.thresholds)
        if not news.new and news.announced != known.thresholds:
            self._memory = self._memory.with_budget(uuid, replace(known, thresholds=news.announced))
        for number, threshold in enumerate(news.new, 1):
            is_last = number == len(news.new)
            reached = news.announced if is_last else known.thresholds | {threshold.key}
            after = BudgetMemory(reached, known.event_count + 1)
            body = {
                "allocation": standing_result(standing),
                "threshold": {"kind": threshold.kind.value, "level": threshold.level},
                "sentence": sentence_of(threshold, standing),
            }
            event = Event(EventType.BUDGET, uuid, known.event_count, threshold.key, body)
            yield event, self._memory.with_budget(uuid, after)
            known = after


def _resting_state(instance: Instance) -> str:
    """Return the state in which an instance rested before its transition; absent for one that is being launched."""
    observed = classify(instance.status, "")
    return ABSENT if observed.kind is not Kind.RESTING or observed.state is None else observed.state.value


def _idle_word(before: str, advice: Mapping[str, Any]) -> str:
    """Return "idle", "due" if nothing prevents the action, or "". A doubt keeps the word of before."""
    if advice["verdict"] == State.ACTIVE or advice["rule"] == "not_running":
        return ""
    if advice["verdict"] != State.IDLE:
        return before
    if any(each["veto"] in _PASSING for each in advice["vetoes"]):
        return before or _IDLE
    return _IDLE if advice["vetoes"] else _DUE
