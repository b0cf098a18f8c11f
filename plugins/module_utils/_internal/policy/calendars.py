# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the days of all-day events from iCalendar files (RFC 5545), and writes windows. Pure functions.

Holidays need only dates. An event that repeats, or that has a time of day, is refused with its line number, since
reading a part of it would give wrong days.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from ..errors import ConfigurationError

_LONGEST_EVENT = 400
_MOST_DAYS = 5000
_DATE = re.compile(r"\d{8}")
_REPEATS = frozenset({"RRULE", "RDATE", "EXRULE"})
# The maximum length of a line in octets. Longer lines are folded.
_LINE = 75
_LENGTH = re.compile(r"P(?:(?P<weeks>\d{1,3})W|(?P<days>\d{1,4})D)")


@dataclass(slots=True)
class _Event:
    """The relevant lines of an event, by name: line number, parameters, value."""

    line: int
    properties: dict[str, tuple[int, str, str]] = field(default_factory=dict)


def days_of_events(text: str, shown: str) -> frozenset[date]:
    """Return the days of the all-day events of a calendar file, whose path is ``shown`` in messages.

    Raises ConfigurationError, with the line, for a file that is not a calendar, and for events that are not whole days.
    """
    days: set[date] = set()
    for event in _events(text, shown):
        days.update(_days(event, shown))
        if len(days) > _MOST_DAYS:
            raise _mistake(shown, event.line, f"there are more than {_MOST_DAYS} days in this file")
    return frozenset(days)


def _events(text: str, shown: str) -> Iterator[_Event]:
    event: _Event | None = None
    inner = 0
    for number, name, parameters, value in _lines(text, shown):
        if name == "BEGIN" and event is not None:
            inner += 1
        elif name == "BEGIN" and value.upper() == "VEVENT":
            event = _Event(number)
        elif name == "END" and inner:
            inner -= 1
        elif name == "END" and event is not None:
            if value.upper() != "VEVENT":
                break
            yield event
            event = None
        elif event is not None and not inner:
            event.properties.setdefault(name, (number, parameters, value))
    if event is not None:
        raise _mistake(shown, event.line, "an event begins here, and does not end")


def _lines(text: str, shown: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield number, name, parameters and value of each line."""
    is_first = True
    for number, line in _unfolded(text):
        name, parameters, value = _split(line)
        if is_first and (name, value.upper()) != ("BEGIN", "VCALENDAR"):
            raise _mistake(shown, number, "a calendar file begins with BEGIN:VCALENDAR")
        is_first = False
        yield number, name, parameters, value
    if is_first:
        raise ConfigurationError(f"{shown} is empty.", hint="A calendar file begins with BEGIN:VCALENDAR.")


def _days(event: _Event, shown: str) -> Iterator[date]:
    if event.properties.get("STATUS", (0, "", ""))[2].upper() == "CANCELLED":
        return
    for name in _REPEATS & event.properties.keys():
        raise _mistake(shown, event.properties[name][0], f"recurring events ({name}) are not supported")
    if "DTSTART" not in event.properties:
        raise _mistake(shown, event.line, "an event has no DTSTART")
    start = _date(event, "DTSTART", shown)
    end = _date(event, "DTEND", shown) if "DTEND" in event.properties else start + _length(event, shown)
    if start > end or (end - start).days > _LONGEST_EVENT:
        raise _mistake(shown, event.line, f"an event ends before it begins, or is longer than {_LONGEST_EVENT} days")
    # The end is the day after the last day. Some programs write the start again for an event of a single day.
    for number in range(max((end - start).days, 1)):
        yield start + timedelta(days=number)


def _date(event: _Event, name: str, shown: str) -> date:
    line, parameters, value = event.properties[name]
    if "T" in value or "VALUE=DATE-TIME" in parameters.upper():
        raise _mistake(shown, line, "an event has a time of day, but only all-day events are supported")
    try:
        if _DATE.fullmatch(value):
            return date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        pass
    raise _mistake(shown, line, f"{name} is no date: {value[:20]}")


def _length(event: _Event, shown: str) -> timedelta:
    if "DURATION" not in event.properties:
        return timedelta(days=1)
    line, _parameters, value = event.properties["DURATION"]
    found = _LENGTH.fullmatch(value.upper())
    if found is None:
        raise _mistake(shown, line, f"DURATION is no number of days: {value[:20]}")
    return timedelta(days=int(found["days"] or 0), weeks=int(found["weeks"] or 0))


def _mistake(shown: str, line: int, sentence: str) -> ConfigurationError:
    return ConfigurationError(f"{shown}, line {line}: {sentence}.", hint="Write such days as dates.")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, unfolded: a line that begins with a blank continues the line before."""
    number, whole = 0, ""
    # Not splitlines, which also splits at characters that a summary may contain.
    for index, line in enumerate(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), 1):
        if line[:1] in (" ", "\t") and whole:
            whole += line[1:]
            continue
        if whole.strip():
            yield number, whole
        number, whole = index, line
    if whole.strip():
        yield number, whole


def _split(line: str) -> tuple[str, str, str]:
    """Return name, parameters and value. A colon in quotes belongs to a parameter."""
    quoted = False
    for index, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == ":" and not quoted:
            name, _separator, parameters = line[:index].partition(";")
            return name.strip().upper(), parameters, line[index + 1 :].strip()
    return line.strip().upper(), "", ""


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """An event to write. ``key`` identifies it; ``stop`` is None for a single moment."""

    key: str
    summary: str
    start: datetime
    stop: datetime | None
    description: str = ""


def calendar_text(events: Iterable[CalendarEvent], now: datetime) -> str:
    """Return a calendar file with these events."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//jetstream.cloud//schedules//EN"]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_escaped(event.key)}@jetstream.cloud",
            f"DTSTAMP:{_stamp(now)}",
            f"DTSTART:{_stamp(event.start)}",
            *([f"DTEND:{_stamp(event.stop)}"] if event.stop else []),
            f"SUMMARY:{_escaped(event.summary)}",
            *([f"DESCRIPTION:{_escaped(event.description)}"] if event.description else []),
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Return text as a value. A line break in a name, which a user chose, must not start a new line."""
    plain = re.sub(r"[\x00-\x09\x0b-\x1f\x7f]", " ", text.replace("\r\n", "\n"))
    return re.sub(r"([\\;,])", r"\\\1", plain).replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Fold a line into pieces of at most 75 octets, without splitting a character."""
    piece = ""
    for character in line:
        if len((piece + character).encode()) > _LINE:
            yield piece
            piece = " "
        piece += character
    yield piece
