# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision log of an instance in words: the decision, its time, its rule, its numbers. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..text.terminal import one_line
from ..times import iso
from .ladder import Step
from .records import Event, PolicyName, Record

# Numbers of a verdict as people read them: the field name, and the words after the number.
_NUMBERS = {
    "cores": "busy cores",
    "iowait": "cores waiting for a disk",
    "net": "B/s over the network",
    "disk": "B/s to disks",
    "disk_busy": "of the time a disk was busy",
    "accepted": "connections an hour",
    "datagrams": "datagrams an hour",
    "viewer": "bytes from viewers",
    "busy_kernels": "busy kernels",
    "slurm": "Slurm jobs",
    "due": "entries of at, cron or timers",
    "inhibitors": "inhibitors",
    "gpu": "% load of a GPU",
    "gpu_untold": "programs on a GPU whose load is unknown",
}
_PARTICIPLES = {"shelve": "shelved", "start": "started", "stop": "stopped", "suspend": "suspended"}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Consecutive decisions with the same content, or one event. ``first`` and ``last`` are its records."""

    first: Record
    last: Record
    count: int

    @property
    def sentence(self) -> str:
        """The entry in words."""
        return sentence(self.last)


def log_entries(records: Iterable[Record]) -> list[LogEntry]:
    """Group consecutive decisions with the same content, for each policy and instance.

    Records of several instances and policies may be mixed.
    """
    found: list[LogEntry] = []
    open_of: dict[tuple[tuple[str, str, str], PolicyName], int] = {}
    for each in records:
        number = open_of.get((each.key, each.policy))
        if number is not None and _says_the_same(found[number].last, each):
            found[number] = LogEntry(found[number].first, each, found[number].count + 1)
            continue
        open_of[each.key, each.policy] = len(found)
        found.append(LogEntry(each, each, 1))
    return found


def _says_the_same(one: Record, other: Record) -> bool:
    return one.event is other.event is Event.DECIDED and _gist(one) == _gist(other)


def _gist(record: Record) -> tuple[object, ...]:
    words = tuple(veto for veto, _reason in record.vetoes)
    if record.policy is PolicyName.BUDGET:
        words = tuple(reason for _veto, reason in record.vetoes)
    return record.status, record.verdict, record.rule, record.step, record.action, words, record.applies


def sentence(record: Record) -> str:
    """Return a record in words."""
    name = one_line(record.name)
    match record.event:
        case Event.DECIDED:
            return _of_policy(record, name)
        case Event.NOTIFIED:
            return f"A notice about {name} was delivered to {_listed(record)}."
        case Event.UNDELIVERED:
            return f"A notice about {name} could not be delivered to {_listed(record)}{_because(record)}."
        case Event.BEGUN:
            return f"The action {record.action} on {name} began: {record.why}."
        case Event.DONE:
            return f"{name} was {_PARTICIPLES.get(record.action, record.action)}{_because(record)}.{_saving(record)}"
        case Event.FAILED | Event.UNCLEAR:
            word = "failed" if record.event is Event.FAILED else "had an unclear outcome"
            return f"The action {record.action} on {name} {word}{_because(record)}."
        case Event.UNDONE:
            return f"The action {record.action} on {name} was not carried out{_because(record)}."
        case Event.WOKEN:
            return f"{name} runs again, and is left alone for a whole window."
        case Event.SCHEDULED | Event.DEADLINE:
            return _of_dates(record, name)


def _of_dates(record: Record, name: str) -> str:
    """Return the effect of a schedule or a deadline in words."""
    rule, why, detail = one_line(record.rule), one_line(record.why), one_line(record.detail).rstrip(".")
    if record.event is Event.DEADLINE:
        return f"The {rule} of {name}, {why}: {detail}."
    edge = f" at its {why}" if why else ""
    return f"The schedule {rule}{edge}: {name}: {detail}."


def _decided(record: Record, name: str) -> str:
    parts = list(_of_verdict(record, name))
    reasons = [one_line(reason) for _veto, reason in record.vetoes]
    match record.step:
        case Step.NOTHING:
            others = [each for each in reasons if each != record.reason]
            parts.append("Nothing was done" + (f": {'; '.join(others)}." if others else "."))
        case Step.WARN:
            parts.append("Its owner is warned." if record.applies else "Its owner would be warned.")
        case Step.WAIT:
            until = f" until {iso(record.due)}" if record.due else ""
            parts.append(f"Waiting{until}: {one_line(record.why)}.")
        case Step.READ:
            parts.append("It is due, and a short reading is taken before the action.")
            if record.detail:
                parts.append(f"{record.detail[:1].upper()}{one_line(record.detail[1:]).rstrip('.')}.")
        case Step.ACT:
            parts.append(f"It is to be {_past(record)}." if record.applies else f"It would be {_past(record)}.")
    if not record.applies and record.step not in (Step.NOTHING, ""):
        parts.append(
            f"Nothing was done: {'; '.join(reasons)}." if reasons else "Nothing was done, since apply is not true."
        )
    return " ".join(parts)


def _of_policy(record: Record, name: str) -> str:
    return _decided_for_budget(record, name) if record.policy is PolicyName.BUDGET else _decided(record, name)


def _decided_for_budget(record: Record, name: str) -> str:
    cost = "" if record.su_per_hour is None else f", and cost {record.su_per_hour:g} SU an hour"
    why = one_line(record.why)
    parts = [f"{why[:1].upper()}{why[1:]}.", f"{name} was {record.status}{cost}."]
    reasons = "; ".join(one_line(reason) for _veto, reason in record.vetoes)
    if record.step == Step.NOTHING:
        parts.append(f"Nothing was done: {reasons}.")
    elif record.applies:
        parts.append(f"It is to be {_past(record)}.")
    else:
        parts.append(f"It would be {_past(record)}. Nothing was done, since apply is not true.")
    return " ".join(parts)


def _of_verdict(record: Record, name: str) -> Iterator[str]:
    if record.verdict == "idle":
        least = "" if record.since_is_known else " at least"
        since = f"{least} since {iso(record.since)}" if record.since else ""
        yield f"{name} was idle{since}: {one_line(record.reason)}{_numbers(record)}."
    elif record.verdict == "active":
        yield f"{name} was active by the rule {record.rule}: {one_line(record.reason)}{_numbers(record)}."
    elif record.rule == "not_running":
        yield f"{name} was {record.status}."
    elif record.verdict:
        yield f"The use of {name} was unknown, which counts as active: {one_line(record.reason)}."
    if record.losses:
        yield f"Still running: {', '.join(one_line(each) for each in record.losses)}."


def _numbers(record: Record) -> str:
    shown = [f"{value:.3g} {_NUMBERS[name]}" for name, value in (record.numbers or {}).items() if name in _NUMBERS]
    return f" (at most {', '.join(shown)})" if shown else ""


def _past(record: Record) -> str:
    return _PARTICIPLES.get(record.action, record.action)


def _because(record: Record) -> str:
    return f": {one_line(record.detail).rstrip('.')}" if record.detail else ""


def _listed(record: Record) -> str:
    return ", ".join(one_line(each) for each in record.to) or "nobody"


def _saving(record: Record) -> str:
    return "" if not record.saves_su_per_hour else f" That saves {record.saves_su_per_hour:g} SU an hour."
