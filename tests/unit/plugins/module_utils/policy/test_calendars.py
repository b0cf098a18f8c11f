# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar files: whole days are read, everything else is refused with its line, and windows are written."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.calendars import (
    CalendarEvent,
    calendar_text,
    days_of_events,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, 18, 57, tzinfo=UTC)


def calendar(*lines: str, end: str = "\r\n") -> str:
    return end.join(["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""])


def days(*lines: str) -> list[str]:
    return [str(each) for each in sorted(days_of_events(calendar(*lines), "campus.ics"))]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["DTSTART;VALUE=DATE:20261126", "DTEND;VALUE=DATE:20261128"], ["2026-11-26", "2026-11-27"]),
        (["DTSTART;VALUE=DATE:20261126"], ["2026-11-26"]),
        (["DTSTART:20261126"], ["2026-11-26"]),
        (["DTSTART;VALUE=DATE:20261126", "DTEND;VALUE=DATE:20261126"], ["2026-11-26"]),
        (["DTSTART;VALUE=DATE:20261231", "DURATION:P2D"], ["2026-12-31", "2027-01-01"]),
        (
            ["DTSTART;VALUE=DATE:20280228", "DURATION:P1W"],
            ["2028-02-28", "2028-02-29", *(f"2028-03-0{day}" for day in range(1, 6))],
        ),
        (["SUMMARY:Fall break", "DTSTART;VALUE=DA", " TE:20261", " 126"], ["2026-11-26"]),
        (['DTSTART;X-NOTE="a:b;c";VALUE=DATE:20261126'], ["2026-11-26"]),
        (["BEGIN:VALARM", "DTSTART:20200101T000000Z", "END:VALARM", "DTSTART:20261126"], ["2026-11-26"]),
        (["STATUS:CANCELLED", "DTSTART:20261126T090000Z"], []),
    ],
)
def test_whole_days(lines: list[str], expected: list[str]) -> None:
    assert days(*lines) == expected


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_line_ends_and_a_byte_order_mark(end: str) -> None:
    text = "\ufeff" + calendar("DTSTART;VALUE=DATE:20261126", end=end)
    assert days_of_events(text, "campus.ics") == {date(2026, 11, 26)}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["DTSTART:20261126T090000Z"], "line 4: an event has a time of day"),
        (["DTSTART;VALUE=DATE-TIME:20261126"], "line 4: an event has a time of day"),
        (["DTSTART:20261126", "RRULE:FREQ=YEARLY"], "line 5: recurring events (RRULE) are not supported"),
        (["DTSTART:20261126", "RDATE;VALUE=DATE:20271126"], "line 5: recurring events (RDATE) are not supported"),
        (["SUMMARY:Thanksgiving"], "line 3: an event has no DTSTART"),
        (["DTSTART:20261341"], "line 4: DTSTART is no date: 20261341"),
        (["DTSTART:20261126", "DTEND:20261120"], "line 3: an event ends before it begins"),
        (["DTSTART:20261126", "DTEND:20290101"], "line 3: an event ends before it begins, or is longer than 400 days"),
        (["DTSTART:20261126", "DURATION:PT9H"], "line 5: DURATION is no number of days: PT9H"),
        (["DTSTART:20261126\r\nBEGIN:VEVENT"], "line 3: an event begins here, and does not end"),
    ],
)
def test_an_event_that_is_no_whole_day_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        days(*lines)
    assert str(caught.value).startswith(f"campus.ics, {message}")
    assert str(caught.value).endswith(". Write such days as dates.")


@pytest.mark.parametrize("text", ["", "\r\n", "<html>", "BEGIN:VCARD"])
def test_a_file_that_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="BEGIN:VCALENDAR"):
        days_of_events(text, "campus.ics")


@given(st.text(alphabet=st.sampled_from('BEGIN:VCALENDR\r\n TDST;20261126=VUPFO"\t'), max_size=120))
def test_no_text_ends_in_an_error_of_python(text: str) -> None:
    with suppress(ConfigurationError):
        days_of_events("BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + text, "campus.ics")


def test_a_calendar_that_is_written() -> None:
    stop = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    text = calendar_text([CalendarEvent("lab-1", "lab: 2 instances run", NOW, stop, "web\ndb")], NOW)
    assert text.split("\r\n") == [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//jetstream.cloud//schedules//EN", "BEGIN:VEVENT"),
        *("UID:lab-1@jetstream.cloud", "DTSTAMP:20261123T185700Z", "DTSTART:20261123T185700Z"),
        *("DTEND:20261124T000000Z", "SUMMARY:lab: 2 instances run", "DESCRIPTION:web\\ndb"),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]


@given(st.text(max_size=200))
def test_no_name_begins_another_line_and_no_line_is_too_long(name: str) -> None:
    text = calendar_text([CalendarEvent("k", name, NOW, None, name)], NOW)
    lines = text.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert sum(line.startswith("END:") for line in lines) == 2
    assert "\n" not in text.replace("\r\n", "")
