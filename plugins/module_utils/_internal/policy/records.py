# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the decision log, and the savings in service units that they show. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..states import Kind, RestingState, classify
from ..times import iso, moment

FORMAT = 1


class Event(StrEnum):
    """The kind of a record.

    ``decided``: a run decided about an instance. ``notified``: a notice was delivered; ``undelivered``: it was not.
    ``begun``: an act is about to be sent. ``done``, ``failed``, ``unclear``: its outcome; ``undone``: a later run saw
    that an action that had begun was not carried out. ``woken``: an instance that was off runs again.
    ``scheduled``: an edge of the schedule ``rule`` was carried out or needed nothing; ``step`` is that of
    schedule_steps.py. ``deadline``: a deadline was reported, or led to an action or to none; ``rule`` is its kind,
    ``step`` is that of deadlines.py, or ``told``.
    """

    DECIDED = "decided"
    NOTIFIED = "notified"
    UNDELIVERED = "undelivered"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    UNCLEAR = "unclear"
    UNDONE = "undone"
    WOKEN = "woken"
    SCHEDULED = "scheduled"
    DEADLINE = "deadline"


class PolicyName(StrEnum):
    """The policy that decided: about idle instances (with its sweep), by a schedule or a deadline, or for a budget."""

    IDLE = "idle"
    SCHEDULE = "schedule"
    DEADLINE = "deadline"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the log.

    ``site``, ``project`` and ``uuid`` are the instance's key, as for readings. ``status`` is the cloud's word, as the
    run saw it before it did anything. ``verdict``, ``since``, ``rule``, ``reason``, ``numbers`` (those above 0),
    ``findings`` (in words), ``losses`` and ``since_is_known`` are the verdict's.

    ``step``: nothing, warn, wait, read or act. ``action``: shelve, stop or suspend. ``why``: the step in words.
    ``vetoes``: pairs of a word and its reason. ``due``: from when on the action may be taken. ``applies``: False if
    the run only said what it would do. ``su_per_hour``: the cost as it was; ``saves_su_per_hour``: what the action
    saves of it. Both are None if the rate is not known. ``to``: the channels, or the recipients, of a notice.
    ``detail``: the outcome of an act, or of a delivery, in words.

    Of the budget guard, ``rule`` is the name of the allocation, ``reason`` why that is at its limit, and ``numbers``
    are its figures.
    """

    at: datetime
    event: Event
    site: str
    project: str
    uuid: str
    name: str
    policy: PolicyName = PolicyName.IDLE
    owner: str = ""
    status: str = ""
    verdict: str = ""
    since: datetime | None = None
    since_is_known: bool = True
    rule: str = ""
    reason: str = ""
    numbers: Mapping[str, float] | None = None
    findings: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    step: str = ""
    action: str = ""
    why: str = ""
    vetoes: tuple[tuple[str, str], ...] = ()
    due: datetime | None = None
    applies: bool = False
    su_per_hour: float | None = None
    saves_su_per_hour: float | None = None
    to: tuple[str, ...] = ()
    detail: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Return the key of the instance."""
        return self.site, self.project, self.uuid

    @property
    def shows_asleep(self) -> bool:
        """Whether the run saw the instance asleep."""
        observed = classify(self.status, "")
        return observed.kind is Kind.RESTING and observed.state is not RestingState.ACTIVE

    @property
    def shows_awake(self) -> bool:
        """Whether the run saw the instance awake."""
        return self.event is Event.WOKEN or classify(self.status, "").is_awake

    def to_json(self) -> dict[str, Any]:
        """Return plain values: times as ISO 8601 in UTC, and no field that has its default."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        given = {
            field.name: values[field.name]
            for field in fields(self)
            if field.name in _ALWAYS or values[field.name] != field.default
        }
        if self.numbers is not None:
            given["numbers"] = {name: number for name, number in self.numbers.items() if number}
        return {"format": FORMAT} | {name: _plain(value) for name, value in given.items()}

    def to_result(self) -> dict[str, Any]:
        """Return plain values with every field, as a module returns them."""
        result = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        result["numbers"] = dict(self.numbers or {})
        result["vetoes"] = [{"veto": veto, "reason": reason} for veto, reason in self.vetoes]
        return result


_WRITERS = {Event.SCHEDULED: PolicyName.SCHEDULE, Event.DEADLINE: PolicyName.DEADLINE}
_ALWAYS = ("at", "event", "site", "project", "uuid", "name")
_TIMES = ("at", "since", "due")
_LISTS = ("findings", "losses", "to")
_TEXTS = ("site", "project", "uuid", "name", "owner", "status", "verdict", "rule", "reason", "step", "action", "why")
_NAMES = frozenset(field.name for field in fields(Record))


def record_of(values: Mapping[str, Any]) -> Record:
    """Return the record of a line. Fields of later versions are left out.

    Raises ValueError, TypeError, KeyError or AttributeError if it is none.
    """
    if values["format"] != FORMAT:
        raise ValueError("unknown format")
    given: dict[str, Any] = {name: value for name, value in values.items() if name in _NAMES}
    given |= {name: moment(given[name]) for name in _TIMES if given.get(name) is not None}
    given |= {name: tuple(map(str, given[name])) for name in _LISTS if name in given}
    given |= {name: str(given[name]) for name in _TEXTS if name in given}
    given["event"] = Event(given["event"])
    # Earlier versions did not write that.
    given["policy"] = PolicyName(given.get("policy", _WRITERS.get(given["event"], PolicyName.IDLE)))
    given["vetoes"] = tuple((str(veto), str(reason)) for veto, reason in given.get("vetoes", ()))
    if given.get("numbers") is not None:
        given["numbers"] = {str(name): float(number) for name, number in given["numbers"].items()}
    for name in ("su_per_hour", "saves_su_per_hour"):
        if given.get(name) is not None:
            given[name] = float(given[name])
    return Record(**given)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, StrEnum):
        return value.value
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Rest:
    """The time for which an instance was off after an action of this collection, as far as the log shows.

    ``end``: the last record that shows it asleep; nothing beyond that is claimed. ``saved``: in SU, None if the rate is
    unknown.
    """

    key: tuple[str, str, str]
    name: str
    action: str
    start: datetime
    end: datetime
    saves_su_per_hour: float | None

    def saved(self, since: datetime | None = None, until: datetime | None = None) -> float | None:
        """Return the saved SU, all of it or those in a span of time."""
        if self.saves_su_per_hour is None:
            return None
        start = max(self.start, since) if since else self.start
        end = min(self.end, until) if until else self.end
        return max(0.0, (end - start).total_seconds()) / 3600 * self.saves_su_per_hour


def rests(records: Iterable[Record]) -> list[Rest]:
    """Return the rests of instances after each completed action on idle ones, in the order of the actions.

    A rest lasts while records show the instance asleep, and ends with the first that shows it awake. An instance that
    was stopped by one act and shelved by a later one has two overlapping rests, whose savings add up.
    """
    by_key: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for each in records:
        by_key[each.key].append(each)
    found = [rest for of_one in by_key.values() for rest in _rests_of(sorted(of_one, key=lambda each: each.at))]
    return sorted(found, key=lambda each: each.start)


def _rests_of(records: list[Record]) -> list[Rest]:
    found = []
    for number, record in enumerate(records):
        if record.event is not Event.DONE or not record.applies or record.policy is not PolicyName.IDLE:
            continue
        end = record.at
        for later in records[number + 1 :]:
            if later.shows_awake and later.event is not Event.DONE:
                break
            if later.shows_asleep:
                end = later.at
        found.append(Rest(record.key, record.name, record.action, record.at, end, record.saves_su_per_hour))
    return found
