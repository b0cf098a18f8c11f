# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage of service units, from any rows of the database, and on days of any length."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Flavor, StatusPeriod
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.history import (
    Pace,
    by_day,
    costs_of,
    known_total,
    pace_of,
    total,
    unknown_flavors,
    within,
    without_gaps_or_overlaps,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.rates import DEFAULT_RATES, number
from hypothesis import given
from hypothesis import strategies as st

TINY = Flavor(name="m1.tiny", vcpus=1)
CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def a_period(
    start: datetime, end: datetime | None, status: str = "active", number: int = 1, flavor: Flavor = TINY
) -> StatusPeriod:
    return StatusPeriod(number, 7, "u", "web", status, "", flavor, start, end)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_a_row_ends_where_the_next_begins_and_the_last_one_now() -> None:
    rows = [
        a_period(NOON + hours(5), None, "shutoff", 4),
        # Closed late, and written out of order.
        a_period(NOON, NOON + hours(6), "active", 1),
        # Of rows of the same moment, the one of the highest number was written last.
        a_period(NOON + hours(2), None, "suspended", 3),
        # Over as it began, as intermediate states may be.
        a_period(NOON + hours(2), NOON + hours(2), "active", 2),
    ]
    found = without_gaps_or_overlaps(rows, NOON + hours(8))
    assert [(each.status, each.start, each.end) for each in found] == [
        ("active", NOON, NOON + hours(2)),
        ("suspended", NOON + hours(2), NOON + hours(5)),
        ("shutoff", NOON + hours(5), NOON + hours(8)),
    ]


def test_an_open_row_of_the_same_moment_as_a_later_one_is_not_counted() -> None:
    rows = [a_period(NOON, None, "shutoff", 2), a_period(NOON, None, "active", 1)]
    assert [(each.status, each.end) for each in without_gaps_or_overlaps(rows, NOON + hours(1))] == [
        ("shutoff", NOON + hours(1))
    ]


def test_periods_are_cut_to_the_requested_time() -> None:
    rows = [a_period(NOON, NOON + hours(4)), a_period(NOON + hours(4), NOON + hours(8), "shutoff")]
    cut = within(rows, NOON + hours(3), NOON + hours(6))
    assert [(each.status, each.start, each.end) for each in cut] == [
        ("active", NOON + hours(3), NOON + hours(4)),
        ("shutoff", NOON + hours(4), NOON + hours(6)),
    ]
    assert within(rows, NOON + hours(9), None) == []
    assert within(rows, None, None) == rows


def test_a_period_that_only_touches_the_requested_time_is_left_out() -> None:
    rows = [a_period(NOON, NOON + hours(4)), a_period(NOON + hours(4), NOON + hours(8), "shutoff")]
    assert [each.status for each in within(rows, NOON + hours(4), None)] == ["shutoff"]
    assert [each.status for each in within(rows, None, NOON + hours(4))] == ["active"]


def test_a_period_without_an_end_has_no_cost() -> None:
    with pytest.raises(ValueError, match="a period of web has no end yet"):
        costs_of([a_period(NOON, None)], DEFAULT_RATES)


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        # One core, for all of the seven days.
        ([(168, 0, "active")], (24, 7)),
        # An instance that is shelved since half of the time: the pace is that of all the days.
        ([(168, 84, "active"), (84, 0, "shelved_offloaded")], (12, 7)),
        # The first instance is younger than the seven days.
        ([(48, 0, "active")], (24, 2)),
        ([(36, 12, "active")], (16, 1.5)),
        # A day is long enough for a pace, and a morning is not.
        ([(24, 0, "active")], (24, 1)),
        ([(6, 0, "active")], (None, 0.25)),
        ([(168, 0, "shelved_offloaded")], (0, 7)),
        ([], (0, 7)),
    ],
)
def test_the_pace_is_the_mean_of_the_last_days(
    periods: list[tuple[int, int, str]], expected: tuple[float | None, float]
) -> None:
    costs = costs_of([a_period(NOON - hours(a), NOON - hours(b), status) for a, b, status in periods], DEFAULT_RATES)
    found = pace_of(costs, NOON)
    assert (found.su_per_day, found.days) == expected


def test_without_a_rate_there_is_no_pace() -> None:
    costs = costs_of([a_period(NOON - hours(96), NOON, flavor=Flavor("z9.odd", vcpus=3))], DEFAULT_RATES)
    assert pace_of(costs, NOON) == Pace(None, Decimal(4), ("z9.odd",))


def test_a_flavor_without_a_rate_is_named_and_never_free() -> None:
    costs = costs_of([a_period(NOON, NOON + hours(3), flavor=Flavor("z9.odd", vcpus=3))], DEFAULT_RATES)
    assert (costs[0].su, unknown_flavors(costs), total(costs)) == (None, ("z9.odd",), Decimal(0))


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ([], 0),
        ([("m1.tiny", "shelved")], 0),
        ([("m1.tiny", "active")], 3),
        ([("z9.odd", "active")], None),
        ([("z9.odd", "active"), ("m1.tiny", "shelved")], None),
        ([("z9.odd", "active"), ("m1.tiny", "active")], 3),
    ],
)
def test_costing_nothing_is_not_the_same_as_an_unknown_cost(
    periods: list[tuple[str, str]], expected: int | None
) -> None:
    costs = costs_of(
        [a_period(NOON, NOON + hours(3), status, flavor=Flavor(name, vcpus=1)) for name, status in periods],
        DEFAULT_RATES,
    )
    assert known_total(costs) == expected


def test_the_total_of_no_periods_can_be_shown() -> None:
    assert number(total([])) == 0


def test_days_have_the_known_costs_alone() -> None:
    periods = [
        a_period(NOON, NOON + hours(3), flavor=Flavor("z9.odd", vcpus=3)),
        a_period(NOON, NOON + hours(3)),
    ]
    assert by_day(costs_of(periods, DEFAULT_RATES), UTC) == {NOON.date(): Decimal(3)}


@pytest.mark.parametrize(("day", "length"), [(date(2026, 3, 8), 23), (date(2026, 7, 4), 24), (date(2026, 11, 1), 25)])
def test_a_day_is_as_long_as_the_clock_makes_it(day: date, length: int) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=CHICAGO).astimezone(UTC) - hours(30)
    costs = costs_of([a_period(start, start + hours(100))], DEFAULT_RATES)
    assert by_day(costs, CHICAGO)[day] == pytest.approx(Decimal(length))


@given(
    rows=st.lists(st.tuples(MOMENTS, st.none() | MOMENTS, st.sampled_from(["active", "shutoff", "suspended"]))),
    zone=st.timezones(),
)
def test_days_add_up_to_the_total_and_no_moment_counts_twice(
    rows: list[tuple[datetime, datetime | None, str]], zone: tzinfo
) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    # Hypothesis finds rows that last decades. A few thousand days each are enough.
    periods = [
        a_period(start, min(end, start + timedelta(days=40)) if end else start + timedelta(days=40), status, number)
        for number, (start, end, status) in enumerate(rows)
    ]
    found = without_gaps_or_overlaps(periods, now)
    for one, other in pairwise(found):
        assert one.end is not None
        assert one.start < one.end <= other.start
    costs = costs_of(found, DEFAULT_RATES)
    days = by_day(costs, zone)
    assert abs(sum(days.values(), Decimal(0)) - total(costs)) < Decimal("1e-15")
    assert all(Decimal(0) <= each <= Decimal("48.001") for each in days.values())
