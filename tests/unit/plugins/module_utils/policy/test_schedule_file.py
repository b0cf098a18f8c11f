# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of schedules is unambiguous, and a mistake in it is reported with its line and the word."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import dedent, indent

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.deadlines import Kind
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedule_file import (
    read_timetable,
    timetable_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedules import (
    Period,
    Timetable,
    WakeScope,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Goal
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT
from hypothesis import given
from hypothesis import strategies as st

WORKDAYS = frozenset(range(5))
WHOLE = """
schedules:
  lab:
    time_zone: America/Indiana/Indianapolis
    days: mon-fri
    start: 9:00
    stop: 18:00
    off_state: stopped
    wake: all
    first_day: 2026-08-24
    last_day: 2026-12-11
    holidays: [2026-09-07, 2026-11-23..2026-11-27]
    holidays_file: campus.ics
    exceptions:
      2026-12-05: {start: 10:00, stop: "14:00"}
      2026-10-16: off
      2026-12-16: [{start: 08:00, stop: 10:00}, {start: 13:00, stop: 24:00}]
  nights-off:
    time_zone: UTC
    periods:
      - {days: [Monday, wed, fri-sun], stop: "20:00"}
      - {days: daily, stop: 23:30}
rules:
  - {schedule: none, name: bio101-teacher}
  - schedule: lab
    name: [bio101-*, bio102-*]
    flavor: m3.small
"""


def read(text: str) -> Timetable:
    return timetable_of(text.encode(), "schedules.yml", lambda _name: frozenset({date(2026, 12, 1)}))


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(dedent(text))
    return str(caught.value)


def test_a_whole_file() -> None:
    timetable = read(WHOLE)
    lab, nights = timetable.schedules["lab"], timetable.schedules["nights-off"]
    assert (lab.zone.key, lab.off_state, lab.wake) == ("America/Indiana/Indianapolis", Goal.STOPPED, WakeScope.ALL)
    assert lab.periods == (Period(WORKDAYS, 540, 1080),)
    assert (lab.first_day, lab.last_day) == (date(2026, 8, 24), date(2026, 12, 11))
    thanksgiving = {date(2026, 11, day) for day in range(23, 28)}
    assert lab.holidays == {date(2026, 9, 7), date(2026, 12, 1), *thanksgiving}
    daily = frozenset(range(7))
    assert lab.exceptions == {
        date(2026, 12, 5): (Period(daily, 600, 840),),
        date(2026, 10, 16): (),
        date(2026, 12, 16): (Period(daily, 480, 600), Period(daily, 780, 1440)),
    }
    assert (nights.off_state, nights.wake) == (Goal.SHELVED, WakeScope.OWN)
    assert nights.periods == (Period(frozenset({0, 2, 4, 5, 6}), None, 1200), Period(daily, None, 1410))
    assert [(each.schedule, each.line) for each in timetable.rules] == [(None, 24), ("lab", 25)]
    assert timetable.rules[1].filters == {"name": ("bio101-*", "bio102-*"), "flavor": ("m3.small",)}


def a_schedule(lines: str, rules: str = "") -> str:
    body = indent(dedent(lines).strip(), "    ")
    return f"schedules:\n  lab:\n    time_zone: UTC\n{body}\n{dedent(rules)}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "schedules.yml is empty."),
        ("- lab", "line 1: the file is not a mapping."),
        ("rules: []", "line 1: schedules is missing."),
        ("schedules: {}\nrule: []", "line 2: the file has an unknown key: rule. Did you mean rules?"),
        ("schedules: [lab]", "line 1: schedules is not a mapping."),
        ("schedules:\n  lab:\n    days: mon", "line 2: the schedule lab has no time_zone."),
        ("schedules:\n  none:\n    time_zone: UTC", "line 2: none is not a valid name of a schedule."),
        (
            "schedules:\n  lab: {time_zone: UTC}\n  lab: {time_zone: UTC}",
            "line 3: schedules has lab twice. The first is",
        ),
        ("schedules:\n  lab:\n    time_zone: EST5DTT", "line 3: there is no time zone EST5DTT."),
        ("schedules:\n  lab:\n    time_zone: ../../etc/passwd", "line 3: there is no time zone ../../etc/passwd."),
        ("schedules:\n  lab:\n    time_zone: America", "line 3: there is no time zone America."),
        ("schedules:\n\tlab: 1", "line 2: a tab is not allowed as indentation."),
        (a_schedule("start: 9:00"), "line 2: the schedule lab has no days."),
        (a_schedule("days: mon"), "line 2: the schedule lab has neither start nor stop."),
        (
            a_schedule("days: mon\nstart: 9:00\nstopp: 18:00"),
            "line 6: the schedule lab has an unknown key: stopp. Did you mean stop",
        ),
        (a_schedule("days: mondey\nstart: 9:00"), "line 4: days: mondey is not a day. Did you mean monday?"),
        (a_schedule("days: []\nstart: 9:00"), "line 4: days is an empty list."),
        (a_schedule("days: mon-\nstart: 9:00"), "line 4: days: nothing is not a day."),
        (a_schedule("days: mon\nstart: 9am"), "line 5: 9am is not a time of day."),
        (a_schedule("days: mon\nstart: 25:00"), "line 5: 25:00 is not a time of day."),
        (a_schedule("days: mon\nstart: 9:60"), "line 5: 9:60 is not a time of day."),
        (a_schedule("days: mon\nstart: 24:00\nstop: 9:00"), "line 5: start is 24:00."),
        (a_schedule("days: mon\nstart: 9:00\nstop: 09:00"), "line 6: start and stop are the same."),
        (a_schedule("days: mon\nstart:\nstop: 09:00"), "line 5: start is empty."),
        (a_schedule("days: mon\nstart: {}"), "line 5: a time is not a single value."),
        (
            a_schedule("days: mon\nstop: 9:00\noff_state: shelve"),
            "line 6: off_state is shelve, but must be one of shelved, stopped, suspended. Did you",
        ),
        (a_schedule("days: mon\nstop: 9:00\nwake: some"), "line 6: wake is some, but must be one of own, all."),
        (a_schedule("days: mon\nstop: 9:00\nfirst_day: 2026-02-29"), "line 6: 2026-02-29 is not a date."),
        (
            a_schedule("days: mon\nstop: 9:00\nfirst_day: 2026-03-02\nlast_day: 2026-03-01"),
            "line 7: last_day 2026-03-01 is before first_day 2026-03-02.",
        ),
        (a_schedule("days: mon\nstop: 9:00\nholidays: 2026-03-01"), "line 6: holidays is not a list."),
        (
            a_schedule("days: mon\nstop: 9:00\nholidays:\n  - 2026-03-01\n  - 1.5.2026"),
            "line 8: 1.5.2026 is not a date.",
        ),
        (
            a_schedule("days: mon\nstop: 9:00\nholidays: [2026-03-02..2026-03-01]"),
            "line 6: 2026-03-02..2026-03-01 is not a range of at most",
        ),
        (a_schedule("days: mon\nstop: 9:00\nexceptions:\n  2026-03-01: on"), "line 7: on is not an exception."),
        (
            a_schedule("days: mon\nstop: 9:00\nexceptions:\n  2026-03-01: {from: 9:00}"),
            "line 7: the exception 2026-03-01 has an unknown key: from.",
        ),
        (a_schedule("days: mon\nperiods: [{days: mon, stop: 9:00}]"), "line 4: days cannot be combined with periods."),
        (a_schedule("periods: [mon]"), "line 4: a period is not a mapping."),
        (a_schedule("days: mon\nstop: 9:00", "rules: [{name: web}]"), "line 6: a rule has no schedule."),
        (
            a_schedule("days: mon\nstop: 9:00", "rules:\n  - schedule: labb\n    name: web"),
            "line 7: there is no schedule labb. Did you mean lab?",
        ),
        (
            a_schedule("days: mon\nstop: 9:00", "rules:\n  - schedule: lab"),
            'line 7: a rule matches every instance. To select every instance, write name: "*".',
        ),
        (
            a_schedule("days: mon\nstop: 9:00", "rules:\n  - schedule: lab\n    names: web"),
            "line 8: a rule has an unknown key: names. Did you mean name?",
        ),
        (a_schedule("days: mon\nstop: 9:00", "rules: {schedule: lab}"), "line 6: rules is not a list."),
        ("deadlines: []\nrules: []", "line 1: schedules is missing."),
        ("deadlines: {name: web}", "line 1: deadlines is not a list."),
        ("deadlines: [{name: web}]", "line 1: a deadline has neither shelve_at nor delete_warn_at."),
        (
            "deadlines: [{shelve_at: 2026-12-18}]",
            'line 1: a deadline matches every instance. To select every instance, write name: "*".',
        ),
        (
            "deadlines:\n- name: web\n  shelve_at: 2026-02-30",
            "line 3: 2026-02-30 is not a date. Write 2026-12-18, which",
        ),
        ("deadlines:\n- name: web\n  shelve_at: soon", "line 3: soon is not a date."),
        ("deadlines:\n- name: web\n  shelve_at: 0026-12-18", "line 3: 0026-12-18 is not a date."),
        ("deadlines:\n- name: web\n  shelve_at:", "line 3: shelve_at is empty."),
        ("deadlines:\n- name: web\n  shelve_at: [2026-12-18]", "line 3: a date is not a single value."),
        (
            "deadlines:\n- name: web\n  shelf_at: 2026-12-18",
            "line 3: a deadline has an unknown key: shelf_at. Did you mean shelve_at?",
        ),
        (
            "deadlines:\n- name: web\n  delete_warn_at: 2026-12-18\n  may_shelve: true",
            "line 4: may_shelve requires shelve_at.",
        ),
        (
            "deadlines:\n- name: web\n  shelve_at: none\n  may_shelve: true",
            "line 4: may_shelve requires shelve_at.",
        ),
        (
            "deadlines:\n- name: web\n  shelve_at: 2026-12-18\n  may_shelve: perhaps",
            "line 4: may_shelve is perhaps, but must be one of true, yes, on, false, no, off.",
        ),
        (
            "deadlines:\n- name: web\n  shelve_at: 2026-12-18\n  time_zone: EST5DTT",
            "line 4: there is no time zone EST5DTT.",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line(text: str, message: str) -> None:
    assert message in refusal(text)
    assert refusal(text).startswith("schedules.yml")


@given(st.text(max_size=60))
def test_no_value_ends_in_an_error_of_python(text: str) -> None:
    quoted = "'" + re.sub(r"[^\x20-\x7e]", "?", text).replace("'", "''") + "'"
    for name in ("time_zone", "days", "start", "holidays", "exceptions", "first_day", "off_state"):
        rows = {"time_zone": "UTC", "days": "mon", "stop": "9:00", name: quoted}
        body = "".join(f"    {key}: {value}\n" for key, value in rows.items())
        with suppress(ConfigurationError):
            read(f"schedules:\n  lab:\n{body}")


def test_deadlines_are_moments_in_the_zone_of_their_row() -> None:
    rows = read(
        """
        deadlines:
          - {name: bio101-teacher, shelve_at: none}
          - name: [bio101-*, bio102-*]
            time_zone: America/Indiana/Indianapolis
            shelve_at: 2026-12-18
            may_shelve: Yes
            delete_warn_at: 2027-01-31T12:00
          - {owner: ada, delete_warn_at: "2027-01-31 12:00:00.5+01:00"}
          - {project: x, shelve_at: 2027-01-31}
        """
    ).deadlines
    assert [each.line for each in rows] == [3, 4, 9, 10]
    assert [each.may_shelve for each in rows] == [False, True, False, False]
    assert rows[1].filters == {"name": ("bio101-*", "bio102-*")}
    shelve_at, delete_warn_at = Kind.SHELVE_AT, Kind.DELETE_WARN_AT
    assert [dict(each.dates) for each in rows] == [
        {shelve_at: None},
        {
            shelve_at: datetime(2026, 12, 19, 4, 59, 59, tzinfo=UTC),
            delete_warn_at: datetime(2027, 1, 31, 17, tzinfo=UTC),
        },
        {delete_warn_at: datetime(2027, 1, 31, 11, tzinfo=UTC)},
        {shelve_at: datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)},
    ]


def test_a_calendar_lies_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yml"
    path.write_text(a_schedule("days: mon\nstop: 9:00\nholidays_file: campus.ics"))
    with pytest.raises(ConfigurationError, match=r"campus.ics cannot be read: No such file"):
        read_timetable(path)
    (tmp_path / "campus.ics").write_text(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261126\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    assert read_timetable(path).schedules["lab"].holidays == {date(2026, 11, 26)}
    (tmp_path / "campus.ics").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="it is not UTF-8 text"):
        read_timetable(path)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match=r"The schedules in /no/such.yml cannot be read: No such file"):
        read_timetable(Path("/no/such.yml"))


@pytest.mark.parametrize("name", ["schedules", "deadlines"])
def test_the_examples_of_the_page_are_read(name: str) -> None:
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    blocks = [dedent(each) for each in re.findall(r" *```yaml\n(.*?)```", page, re.DOTALL)]
    files = [each for each in blocks if each.startswith(f"{name}:")]
    assert files
    for block in files:
        timetable_of(block.encode(), f"docs/{name}.md", lambda _name: frozenset())
