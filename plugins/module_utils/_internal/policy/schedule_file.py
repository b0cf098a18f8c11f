# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a schedule file (docs/schedules.md). Every error message has the line number and the word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from ..errors import ConfigurationError
from ..files import read_file
from ..states import Goal
from ..text.suggestions import did_you_mean
from ..yaml_tree import LIST, NOTHING, TABLE, is_scalar, line_of, pairs, tree_of
from .calendars import days_of_events
from .deadlines import NO_DEADLINE, DeadlineRow, Kind, deadline_moment
from .filters import RULE_FILTERS
from .schedules import MINUTES_A_DAY, NO_SCHEDULE, Period, Rule, Schedule, Timetable, WakeScope

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OFF_STATES = {each.value: each for each in (Goal.SHELVED, Goal.STOPPED, Goal.SUSPENDED)}
_WAKE_SCOPES = {each.value: each for each in WakeScope}
_HOURS = ("days", "start", "stop")
_SCHEDULE_KEYS = (
    *("time_zone", *_HOURS, "periods", "off_state", "wake", "first_day", "last_day"),
    *("holidays", "holidays_file", "exceptions"),
)
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEARS = (2000, 2200)
_LONGEST_RANGE = 400
_MOST_SCHEDULES = 200
_MOST_RULES = 1000
_DEADLINE_KEYS = (*(each.value for each in Kind), "time_zone", "may_shelve")
_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_SHOWN = 40
_EVERY_DAY = frozenset(range(7))
Value = TypeVar("Value")


def read_timetable(path: Path) -> Timetable:
    """Return the schedules, rules and deadlines of a file. Raises ConfigurationError."""
    return timetable_of(_content(path), str(path), lambda name: days_of_events(*_calendar(path.parent / name)))


def timetable_of(content: bytes, shown: str, read_days: Callable[[str], frozenset[date]]) -> Timetable:
    """Return the schedules, rules and deadlines of the content of a file, whose path is ``shown`` in messages.

    ``read_days`` returns the days of a calendar file. Raises ConfigurationError.
    """
    return _Reader(shown, read_days).timetable(tree_of(content, shown))


def _content(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise ConfigurationError(f"The schedules in {path} cannot be read: {error.strerror}.") from None


def _calendar(path: Path) -> tuple[str, str]:
    try:
        return read_file(path).decode(), str(path)
    except OSError as error:
        raise ConfigurationError(f"The holidays in {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"The holidays in {path} cannot be read: it is not UTF-8 text.") from None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the nodes of one file. Every method raises ConfigurationError."""

    shown: str
    read_days: Callable[[str], frozenset[date]]

    def timetable(self, root: Any) -> Timetable:
        if root is None:
            raise ConfigurationError(f"{self.shown} is empty.", hint="It has schedules: and rules:, or deadlines:.")
        top = self._table(root, "the file", ("schedules", "rules", "deadlines"))
        if "schedules" not in top and ("rules" in top or "deadlines" not in top):
            raise self._mistake(root, "schedules is missing", "It has the schedules, by name.")
        named = self._pairs(top["schedules"], "schedules") if "schedules" in top else {}
        if len(named) > _MOST_SCHEDULES:
            raise self._mistake(top["schedules"], f"there are more than {_MOST_SCHEDULES} schedules")
        schedules = {name: self._schedule(name, key, node) for name, (key, node) in named.items()}
        return Timetable(
            schedules,
            tuple(self._rule(each, schedules) for each in self._rows(top, "rules")),
            tuple(self._deadline(each) for each in self._rows(top, "deadlines")),
        )

    def _rows(self, top: Mapping[str, Any], name: str) -> list[Any]:
        rows = self._items(top[name], name) if name in top else []
        if len(rows) > _MOST_RULES:
            raise self._mistake(top[name], f"there are more than {_MOST_RULES} {name}")
        return rows

    # --- schedules

    def _schedule(self, name: str, key: Any, node: Any) -> Schedule:
        if not name.strip() or name == NO_SCHEDULE:
            raise self._mistake(
                key, f"{name or 'an empty name'} is not a valid name of a schedule", "Choose another name."
            )
        given = self._table(node, f"the schedule {name}", _SCHEDULE_KEYS)
        if "time_zone" not in given:
            raise self._mistake(key, f"the schedule {name} has no time_zone", "Write one such as America/Chicago.")
        first, last = (self._optional(given, each, self._date) for each in ("first_day", "last_day"))
        if first and last and last < first:
            raise self._mistake(given["last_day"], f"last_day {last} is before first_day {first}")
        return Schedule(
            name=name,
            zone=self._zone(given["time_zone"]),
            periods=self._periods(name, key, given),
            off_state=self._optional(given, "off_state", lambda each: self._choice(each, "off_state", _OFF_STATES))
            or Goal.SHELVED,
            wake=self._optional(given, "wake", lambda each: self._choice(each, "wake", _WAKE_SCOPES)) or WakeScope.OWN,
            first_day=first,
            last_day=last,
            holidays=self._holidays(given),
            exceptions=dict(self._exceptions(given["exceptions"])) if "exceptions" in given else {},
        )

    def _periods(self, name: str, key: Any, given: Mapping[str, Any]) -> tuple[Period, ...]:
        if "periods" not in given:
            if "days" not in given:
                raise self._mistake(key, f"the schedule {name} has no days", "Write days: mon-fri, or periods.")
            return (self._period(key, f"the schedule {name}", given),)
        twice = [each for each in _HOURS if each in given]
        if twice:
            raise self._mistake(
                given[twice[0]], f"{twice[0]} cannot be combined with periods", "Write it in each of the periods."
            )
        rows = self._items(given["periods"], "periods")
        return tuple(self._period(each, "a period", self._table(each, "a period", _HOURS)) for each in rows)

    def _period(self, node: Any, what: str, given: Mapping[str, Any]) -> Period:
        if "start" not in given and "stop" not in given:
            raise self._mistake(
                node, f"{what} has neither start nor stop", 'Write start: "09:00", stop: "18:00", or both.'
            )
        start, stop = (self._optional(given, each, self._minutes) for each in ("start", "stop"))
        if start == MINUTES_A_DAY:
            raise self._mistake(given["start"], "start is 24:00", "Write 00:00 of the next day.")
        if start == stop:
            raise self._mistake(given["stop"], "start and stop are the same", "A whole day is 00:00 to 24:00.")
        weekdays = self._weekdays(given["days"]) if "days" in given else _EVERY_DAY
        return Period(weekdays, start, stop)

    def _exceptions(self, node: Any) -> Iterator[tuple[date, tuple[Period, ...]]]:
        for key, value in self._pairs(node, "exceptions").values():
            day = self._date(key)
            if is_scalar(value):
                if value.value.strip().lower() != "off":
                    raise self._mistake(
                        value, f"{self._word(value)} is not an exception", "Write off, or start and stop."
                    )
                yield day, ()
                continue
            rows = value.value if value.tag == LIST else [value]
            tables = [(each, self._table(each, f"the exception {day}", ("start", "stop"))) for each in rows]
            yield day, tuple(self._period(each, f"the exception {day}", given) for each, given in tables)

    def _holidays(self, given: Mapping[str, Any]) -> frozenset[date]:
        days: set[date] = set()
        for node in self._items(given["holidays"], "holidays") if "holidays" in given else ():
            days.update(self._range(node))
        if "holidays_file" in given:
            days.update(self.read_days(self._text(given["holidays_file"], "holidays_file")))
        return frozenset(days)

    # --- rules

    def _rule(self, node: Any, schedules: Mapping[str, Schedule]) -> Rule:
        given = self._table(node, "a rule", ("schedule", *RULE_FILTERS))
        if "schedule" not in given:
            raise self._mistake(node, "a rule has no schedule", f"Write the name of one, or {NO_SCHEDULE}.")
        name = self._text(given["schedule"], "schedule")
        if name not in schedules and name != NO_SCHEDULE:
            raise self._mistake(
                given["schedule"],
                f"there is no schedule {name[:_SHOWN]}",
                did_you_mean(name, [*schedules, NO_SCHEDULE]),
            )
        filters = self._filters(node, "a rule", given)
        return Rule(None if name == NO_SCHEDULE else name, filters, line_of(node))

    def _filters(self, node: Any, what: str, given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        filters = {each: self._texts(given[each], each) for each in RULE_FILTERS if each in given}
        if not filters:
            raise self._mistake(node, f"{what} matches every instance", 'To select every instance, write name: "*".')
        return filters

    # --- deadlines

    def _deadline(self, node: Any) -> DeadlineRow:
        given = self._table(node, "a deadline", (*_DEADLINE_KEYS, *RULE_FILTERS))
        filters = self._filters(node, "a deadline", given)
        zone = self._zone(given["time_zone"]) if "time_zone" in given else UTC
        dates = {each: self._moment(given[each.value], zone) for each in Kind if each.value in given}
        if not dates:
            raise self._mistake(node, "a deadline has neither shelve_at nor delete_warn_at")
        may_shelve = self._switch(given["may_shelve"], "may_shelve") if "may_shelve" in given else False
        if may_shelve and dates.get(Kind.SHELVE_AT) is None:
            raise self._mistake(given["may_shelve"], "may_shelve requires shelve_at")
        return DeadlineRow(filters, dates, zone, may_shelve, line_of(node))

    def _moment(self, node: Any, zone: tzinfo) -> datetime | None:
        text = self._text(node, "a date")
        if text == NO_DEADLINE:
            return None
        try:
            return deadline_moment(text, zone)
        except ConfigurationError:
            remedy = "Write 2026-12-18, which is the end of that day, 2026-12-18T18:00 or none."
            raise self._mistake(node, f"{text[:_SHOWN]} is not a date", remedy) from None

    # --- values

    def _zone(self, node: Any) -> ZoneInfo:
        name = self._text(node, "time_zone")
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            # ZoneInfoNotFoundError is a KeyError; a name such as ".." a ValueError; a folder an OSError.
            raise self._mistake(
                node,
                f"there is no time zone {name[:_SHOWN]}",
                "Write one such as America/Chicago. A machine without time zones needs the Python library tzdata.",
            ) from None

    def _weekdays(self, node: Any) -> frozenset[int]:
        days: set[int] = set()
        for text in self._texts(node, "days"):
            for part in filter(None, re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", text.strip().lower()))):
                days.update(self._weekday_range(node, part))
        if not days:
            raise self._mistake(node, "days is empty", "Write days: mon-fri.")
        return frozenset(days)

    def _weekday_range(self, node: Any, text: str) -> Iterator[int]:
        if text == "daily":
            yield from range(7)
            return
        first, separator, last = text.partition("-")
        start = self._weekday(node, first)
        stop = self._weekday(node, last) if separator else start
        for number in range((stop - start) % 7 + 1):
            yield (start + number) % 7

    def _weekday(self, node: Any, text: str) -> int:
        for number, name in enumerate(_WEEKDAYS):
            if text in (name, name[:3]):
                return number
        words = [*_WEEKDAYS, *(name[:3] for name in _WEEKDAYS)]
        raise self._mistake(
            node, f"days: {text[:_SHOWN] or 'nothing'} is not a day", did_you_mean(text, words) or "Write mon."
        )

    def _minutes(self, node: Any) -> int:
        text = self._text(node, "a time")
        found = _TIME.fullmatch(text)
        if found is not None:
            minutes = int(found[1]) * 60 + int(found[2])
            if int(found[2]) < 60 and minutes <= MINUTES_A_DAY:
                return minutes
        raise self._mistake(node, f"{text[:_SHOWN]} is not a time of day", 'Write "09:00", or "24:00" for its end.')

    def _date(self, node: Any) -> date:
        return self._day(node, self._text(node, "a date"))

    def _day(self, node: Any, text: str) -> date:
        try:
            if _DATE.fullmatch(text):
                day = date.fromisoformat(text)
                if _YEARS[0] <= day.year <= _YEARS[1]:
                    return day
        except ValueError:
            pass
        raise self._mistake(node, f"{text[:_SHOWN]} is not a date", "Write 2026-12-24.")

    def _range(self, node: Any) -> Iterator[date]:
        """Yield the days of "2026-12-24" or "2026-12-24..2027-01-06"."""
        first, separator, last = self._text(node, "a date").partition("..")
        start = self._day(node, first.strip())
        stop = self._day(node, last.strip()) if separator else start
        if not start <= stop <= start + timedelta(days=_LONGEST_RANGE):
            raise self._mistake(node, f"{start}..{stop} is not a range of at most {_LONGEST_RANGE} days")
        for number in range((stop - start).days + 1):
            yield start + timedelta(days=number)

    def _choice(self, node: Any, what: str, choices: Mapping[str, Value]) -> Value:
        text = self._text(node, what)
        if text in choices:
            return choices[text]
        guess = did_you_mean(text, choices)
        raise self._mistake(node, f"{what} is {text[:_SHOWN]}, but must be one of {', '.join(choices)}", guess)

    def _switch(self, node: Any, what: str) -> bool:
        """Return a boolean, in the words that YAML and the metadata have for it, in any case."""
        word = self._text(node, what).lower()
        return _SWITCH[word] if word in _SWITCH else self._choice(node, what, _SWITCH)

    # --- nodes

    def _optional(self, given: Mapping[str, Any], name: str, read: Callable[[Any], Value]) -> Value | None:
        return read(given[name]) if name in given else None

    def _table(self, node: Any, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """Return the values of a table that has no other keys than these."""
        found = self._pairs(node, what)
        for name, (key, value) in found.items():
            if name not in keys:
                remedy = did_you_mean(name, keys) or f"There are {', '.join(keys)}."
                raise self._mistake(key, f"{what} has an unknown key: {name[:_SHOWN]}", remedy)
            if value.tag == NOTHING:
                raise self._mistake(key, f"{name} is empty", "Write the value after the colon, or remove the line.")
        return {name: value for name, (_key, value) in found.items()}

    def _pairs(self, node: Any, what: str) -> dict[str, tuple[Any, Any]]:
        if node.tag != TABLE:
            raise self._mistake(
                node, f"{what} is not a mapping", "Write a word with a colon in each line below it, indented."
            )
        seen: dict[str, int] = {}
        for key, _value in node.value:
            if not is_scalar(key):
                raise self._mistake(key, f"{what} has a key that is not a word")
            if key.value in seen:
                first = f"The first is in line {seen[key.value]}."
                raise self._mistake(key, f"{what} has {key.value[:_SHOWN]} twice", first)
            seen[key.value] = line_of(key)
        return pairs(node)

    def _items(self, node: Any, what: str) -> list[Any]:
        if node.tag != LIST:
            raise self._mistake(node, f"{what} is not a list", "Begin each line below it with a hyphen and a space.")
        return list(node.value)

    def _texts(self, node: Any, what: str) -> tuple[str, ...]:
        """Return the texts of a list, or one text."""
        nodes = node.value if node.tag == LIST else [node]
        texts = tuple(self._text(each, what) for each in nodes)
        if not texts:
            raise self._mistake(node, f"{what} is an empty list", "Remove the line.")
        return texts

    def _text(self, node: Any, what: str) -> str:
        """Return a value as it is written: 18:00 is a number to YAML, and 2026-12-24 a date."""
        if not is_scalar(node):
            raise self._mistake(node, f"{what} is not a single value")
        text = str(node.value).strip()
        if not text:
            raise self._mistake(node, f"{what} is empty", "Write a value.")
        return text

    def _word(self, node: Any) -> str:
        return str(node.value)[:_SHOWN]

    def _mistake(self, node: Any, sentence: str, remedy: str = "") -> ConfigurationError:
        return ConfigurationError(f"{self.shown}, line {line_of(node)}: {sentence}.", hint=remedy or None)
