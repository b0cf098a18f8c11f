# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges and windows of schedules, in every time zone, on every day of the calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance, Project
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedules import (
    MINUTES_A_DAY,
    Edge,
    EdgeKind,
    Period,
    Rule,
    Schedule,
    Timetable,
    edges,
    newest_edge,
    next_edge,
    wall_time,
    window_at,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from hypothesis import given, settings
from hypothesis import strategies as st

# Both hemispheres, half an hour of summer time, two changes within two months, a day that never was, and none at all.
ZONES = tuple(
    map(
        ZoneInfo,
        (
            "America/Indiana/Indianapolis",
            "Europe/Berlin",
            "America/Santiago",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "Pacific/Apia",
            "America/Nuuk",
            "UTC",
        ),
    )
)
CHICAGO = ZoneInfo("America/Chicago")
WORKDAYS = frozenset(range(5))
OFFICE = Period(WORKDAYS, 9 * 60, 18 * 60)
DAILY = frozenset(range(7))

zones = st.sampled_from(ZONES)
minutes = st.integers(0, MINUTES_A_DAY - 1)
moments = st.integers(0, 22 * 365 * MINUTES_A_DAY).map(
    lambda each: datetime(2011, 1, 1, tzinfo=UTC) + timedelta(minutes=each)
)
# Around the days on which an American and a European year change their time, and around the 29th of February.
special = st.sampled_from(
    [
        datetime(*day, tzinfo=UTC)
        for day in ((2024, 2, 28), (2026, 3, 8), (2026, 10, 25), (2026, 11, 1), (2028, 2, 28), (2011, 12, 30))
    ]
)
near_special = st.builds(lambda day, shift: day + timedelta(minutes=shift), special, st.integers(-2880, 4320))
any_moment = st.one_of(moments, near_special)
hours = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1])


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Return a schedule with windows alone."""
    weekdays = frozenset(draw(st.sets(st.integers(0, 6), min_size=1)))
    periods = tuple(Period(weekdays, *draw(hours)) for _number in range(draw(st.integers(1, 2))))
    return Schedule("lab", draw(zones), periods)


def on_the_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def is_office_hour(schedule: Schedule, shown: datetime) -> bool:
    """Return whether a local time is within the schedule, without any use of offsets."""
    for period in schedule.periods:
        assert period.start is not None
        assert period.stop is not None
        for days_ago in (0, 1):
            day = shown.date() - timedelta(days=days_ago)
            begin = datetime.combine(day, time()) + timedelta(minutes=period.start)
            end = datetime.combine(day, time()) + timedelta(minutes=period.stop)
            if period.stop <= period.start:
                end += timedelta(days=1)
            if day.weekday() in period.weekdays and begin <= shown < end:
                return True
    return False


def is_shown_twice(moment: datetime, zone: ZoneInfo) -> bool:
    local = moment.astimezone(zone)
    return local.replace(fold=0).astimezone(UTC) != local.replace(fold=1).astimezone(UTC)


@settings(deadline=None, max_examples=400)
@given(schedules(), any_moment)
def test_instances_run_when_a_clock_on_the_wall_shows_the_hours(schedule: Schedule, moment: datetime) -> None:
    runs = window_at(schedule, moment) is not None
    shown = is_office_hour(schedule, on_the_wall(moment, schedule.zone))
    if shown or not is_shown_twice(moment, schedule.zone):
        # In an hour that comes twice, an instance may run between two times that the clock shows.
        assert runs == shown


@settings(deadline=None, max_examples=200)
@given(schedules(), any_moment, st.integers(1, 20_000), st.integers(1, 20_000))
def test_edges_of_two_times_are_those_of_the_whole(schedule: Schedule, since: datetime, one: int, two: int) -> None:
    middle, until = since + timedelta(minutes=one), since + timedelta(minutes=one + two)
    whole = edges(schedule, since, until)
    assert edges(schedule, since, middle) + edges(schedule, middle, until) == whole
    assert [each.kind for each in whole] == [
        EdgeKind.START if (index % 2 == 0) == (not whole or whole[0].kind is EdgeKind.START) else EdgeKind.STOP
        for index in range(len(whole))
    ]


@settings(deadline=None, max_examples=200)
@given(schedules(), any_moment)
def test_the_newest_and_the_next_edge_agree_with_the_window(schedule: Schedule, now: datetime) -> None:
    newest, coming, window = newest_edge(schedule, now), next_edge(schedule, now), window_at(schedule, now)
    if window is not None:
        assert newest is None or newest == Edge(window.start, EdgeKind.START)
        assert coming is None or (coming.kind is EdgeKind.STOP and coming.at > now)
    elif newest is not None:
        assert newest.kind is EdgeKind.STOP
        assert newest.at <= now
        assert coming is None or coming.kind is EdgeKind.START


@settings(deadline=None, max_examples=400)
@given(zones, any_moment, minutes, st.booleans())
def test_a_moment_is_shown_by_the_clock_or_is_the_end_of_what_it_skips(
    zone: ZoneInfo, around: datetime, minute: int, late: bool
) -> None:
    day = around.date()
    wanted = datetime.combine(day, time()) + timedelta(minutes=minute)
    moment = wall_time(day, minute, zone, late=late)
    shown = on_the_wall(moment, zone)
    if shown == wanted:
        twin = moment.astimezone(zone).replace(fold=int(late)).astimezone(UTC)
        assert moment == twin
    else:
        before = on_the_wall(moment - timedelta(seconds=1), zone)
        assert before < wanted < shown


def local(schedule: Schedule, since: datetime, days: int) -> list[str]:
    found = edges(schedule, since, since + timedelta(days=days))
    return [f"{each.at.astimezone(schedule.zone):%a %d %H:%M %Z} {each.kind}" for each in found]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        # Summer time ends on Sunday, 2026-11-01, and begins on Sunday, 2026-03-08, both at two.
        (
            date(2026, 10, 31),
            ["Sat 31 22:00 CDT start", "Sun 01 06:00 CST stop", "Sun 01 22:00 CST start", "Mon 02 06:00 CST stop"],
        ),
        (
            date(2026, 3, 7),
            ["Sat 07 22:00 CST start", "Sun 08 06:00 CDT stop", "Sun 08 22:00 CDT start", "Mon 09 06:00 CDT stop"],
        ),
        # Both sides of a leap day.
        (
            date(2028, 2, 28),
            ["Mon 28 22:00 CST start", "Tue 29 06:00 CST stop", "Tue 29 22:00 CST start", "Wed 01 06:00 CST stop"],
        ),
    ],
)
def test_a_night_keeps_its_hours_over_midnight(first: date, expected: list[str]) -> None:
    night = Schedule("night", CHICAGO, (Period(DAILY, 22 * 60, 6 * 60),))
    assert local(night, datetime.combine(first, time(18), CHICAGO), 2) == expected


@pytest.mark.parametrize(
    ("period", "day", "expected"),
    [
        # 02:30 does not exist: it is the moment at which the clock goes from two to three.
        (Period(DAILY, 150, 600), date(2026, 3, 8), ["Sun 08 03:00 CDT start", "Sun 08 10:00 CDT stop"]),
        (Period(DAILY, 60, 150), date(2026, 3, 8), ["Sun 08 01:00 CST start", "Sun 08 03:00 CDT stop"]),
        # A window within the hour that is skipped does not exist either.
        (Period(DAILY, 130, 170), date(2026, 3, 8), []),
        # 01:30 comes twice: started at the first time, stopped at the second.
        (Period(DAILY, 90, 600), date(2026, 11, 1), ["Sun 01 01:30 CDT start", "Sun 01 10:00 CST stop"]),
        (Period(DAILY, 30, 90), date(2026, 11, 1), ["Sun 01 00:30 CDT start", "Sun 01 01:30 CST stop"]),
    ],
)
def test_an_hour_that_is_skipped_or_comes_twice(period: Period, day: date, expected: list[str]) -> None:
    schedule = Schedule("early", CHICAGO, (period,))
    assert local(schedule, datetime.combine(day, time(), CHICAGO) - timedelta(seconds=1), 1) == expected


def test_windows_that_touch_are_one() -> None:
    always = Schedule("weekdays", CHICAGO, (Period(WORKDAYS, 0, MINUTES_A_DAY),))
    found = local(always, datetime(2026, 11, 21, tzinfo=CHICAGO), 14)
    assert found == [
        *("Mon 23 00:00 CST start", "Sat 28 00:00 CST stop"),
        *("Mon 30 00:00 CST start", "Sat 05 00:00 CST stop"),
    ]


def test_a_term_holidays_and_exceptions() -> None:
    lab = Schedule(
        "lab",
        CHICAGO,
        (Period(frozenset({1}), 780, 960),),
        first_day=date(2026, 11, 10),
        last_day=date(2026, 12, 8),
        holidays=frozenset({date(2026, 11, 24), date(2026, 12, 1)}),
        exceptions={
            date(2026, 12, 1): (Period(DAILY, 600, 660), Period(DAILY, 780, 840)),
            date(2026, 11, 17): (),
            date(2026, 12, 16): (Period(DAILY, 480, 600),),
        },
    )
    assert local(lab, datetime(2026, 10, 1, tzinfo=CHICAGO), 120) == [
        *("Tue 10 13:00 CST start", "Tue 10 16:00 CST stop"),
        *("Tue 01 10:00 CST start", "Tue 01 11:00 CST stop", "Tue 01 13:00 CST start", "Tue 01 14:00 CST stop"),
        *("Tue 08 13:00 CST start", "Tue 08 16:00 CST stop"),
        *("Wed 16 08:00 CST start", "Wed 16 10:00 CST stop"),
    ]
    assert newest_edge(lab, datetime(2026, 11, 10, 12, tzinfo=CHICAGO)) is None
    assert next_edge(lab, datetime(2026, 12, 17, tzinfo=CHICAGO)) is None


def test_a_schedule_may_only_stop_or_only_start() -> None:
    evening = Schedule("evening", CHICAGO, (OFFICE, Period(DAILY, None, 23 * 60), Period(frozenset({5}), 600, None)))
    assert local(evening, datetime(2026, 11, 27, 12, tzinfo=CHICAGO), 2) == [
        *("Fri 27 18:00 CST stop", "Fri 27 23:00 CST stop", "Sat 28 10:00 CST start", "Sat 28 23:00 CST stop")
    ]
    assert window_at(evening, datetime(2026, 11, 28, 12, tzinfo=CHICAGO)) is None


def test_in_one_moment_a_start_counts() -> None:
    both = Schedule("both", CHICAGO, (Period(DAILY, None, 600), Period(DAILY, 600, None)))
    assert local(both, datetime(2026, 11, 27, tzinfo=CHICAGO), 1) == ["Fri 27 10:00 CST start"]


LAB = Schedule("lab", CHICAGO, (OFFICE,))
GEO = Project("Geo", "a6bde6f5-0000-4000-8000-000000000000")


def a_timetable(*rules: Rule) -> Timetable:
    return Timetable({"lab": LAB, "night": replace(LAB, name="night")}, rules)


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({"name": ("bio-*",)}, True),
        ({"name": ("web", "bio-0?")}, True),
        ({"name": ("BIO-*",)}, False),
        ({"owner": ("JohnDoe",)}, True),
        ({"owner": ("janeroe",)}, False),
        ({"flavor": ("m1.*",), "name": ("bio-*",)}, True),
        ({"flavor": ("g3.*",), "name": ("bio-*",)}, False),
        ({"project": ("Geo",)}, True),
        ({"project": (GEO.uuid,)}, True),
        ({"allocation_source": ("*",)}, False),
    ],
)
def test_an_instance_passes_every_filter_of_its_rule(filters: dict[str, tuple[str, ...]], fits: bool) -> None:
    instance = an_instance("bio-01", project=GEO)
    assert Rule("lab", filters, 1).fits(instance) == fits


def follows(instance: Instance, timetable: Timetable) -> tuple[str | None, str, str | None]:
    found = timetable.assignment(instance)
    return found.schedule.name if found.schedule else None, found.source, found.problem


def test_the_first_rule_that_fits_counts_and_metadata_come_before_rules() -> None:
    rules = (Rule(None, {"name": ("bio-teacher",)}, 9), Rule("lab", {"name": ("bio-*",)}, 11))
    timetable = a_timetable(*rules, Rule("night", {"name": ("*",)}, 13))
    assert follows(an_instance("bio-teacher"), timetable) == (None, "the rule in line 9", None)
    assert follows(an_instance("bio-01"), timetable) == ("lab", "the rule in line 11", None)
    assert follows(an_instance("web"), timetable) == ("night", "the rule in line 13", None)
    assert follows(an_instance("web"), a_timetable()) == (None, "no rule", None)

    def marked(name: str) -> Instance:
        return replace(an_instance("bio-01"), metadata={"jetstream_schedule": name})

    assert follows(marked(" night "), timetable) == ("night", "its metadata", None)
    assert follows(marked("none"), timetable) == (None, "its metadata", None)
    found = follows(marked("nigth"), timetable)
    assert found[0] is None
    assert found[2] is not None
    assert "nigth. Did you mean night?" in found[2]
