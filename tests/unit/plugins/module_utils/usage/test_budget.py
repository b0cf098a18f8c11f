# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that an allocation lasts, in exact numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import AllocationSource, Flavor
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso, moment_or_none
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.budget import (
    Budget,
    Burn,
    Forecast,
    budget_of,
    burn_of,
    end_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.history import Pace
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.rates import (
    DEFAULT_RATES,
    number_if_known,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ODD = Flavor(name="z9.odd", vcpus=3)
NOTHING = Burn(Decimal(0), ())
FOREVER = Pace(Decimal(0), Decimal(7))


def source(allowed: Any, used: Any, end: Any = None) -> AllocationSource:
    return AllocationSource(name="TG", uuid="u", compute_allowed=allowed, compute_used=used, end_date=end)


def pace(per_day: str | None) -> Pace:
    return Pace(None if per_day is None else Decimal(per_day), Decimal(7))


def test_the_costs_of_instances_in_their_states_are_added_up() -> None:
    fleet = [an_instance(status=status) for status in ("active", "suspended", "shutoff", "shelved_offloaded")]
    burn = burn_of(fleet, DEFAULT_RATES)
    assert burn == Burn(Decimal("4.50"), ())
    assert burn.pace == Pace(Decimal(108), Decimal(0))


def test_flavors_without_a_rate_are_named() -> None:
    burn = burn_of([an_instance(), an_instance(flavor=ODD), an_instance(flavor=ODD)], DEFAULT_RATES)
    assert (burn, burn.is_complete, burn.pace.su_per_day) == (Burn(Decimal(2), ("z9.odd",)), False, None)


@pytest.mark.parametrize(
    ("burn", "known"),
    [
        (Burn(Decimal(0), ()), Decimal(0)),
        (Burn(Decimal(2), ()), Decimal(2)),
        (Burn(Decimal(2), ("z9.odd",)), Decimal(2)),
        (Burn(Decimal(0), ("z9.odd",)), None),
    ],
)
def test_a_burn_rate_of_zero_is_not_the_same_as_an_unknown_one(burn: Burn, known: Decimal | None) -> None:
    assert burn.known == known


@pytest.mark.parametrize(
    ("budget", "per_day", "remaining", "percent", "days", "exhausted", "to_last"),
    [
        # 0.3 - 0.1, which binary numbers do not have.
        (source(0.3, 0.1), "0.1", 0.2, 33.333, 2, "2026-11-25T00:00:00Z", None),
        (source(1000, 400, "2026-12-02"), "120", 600, 40, 5, "2026-11-28T00:00:00Z", 60),
        (source(1000, 400, "2026-12-02T12:00:00Z"), "120", 600, 40, 5, "2026-11-28T00:00:00Z", 63.158),
        (source(1000, 400, "2026-12-02"), "0", 600, 40, None, None, 60),
        (source(1000, 400, "2026-12-02"), None, 600, 40, None, None, 60),
        (source(1000, 1200.5, "2026-12-02"), "5", -200.5, 120.05, 0, "2026-11-23T00:00:00Z", 0),
        (source(1000, 1000), "0", 0, 100, 0, "2026-11-23T00:00:00Z", None),
        (source(0, 0), "5", 0, None, 0, "2026-11-23T00:00:00Z", None),
        (source("1000", "400"), "120", 600, 40, 5, "2026-11-28T00:00:00Z", None),
        # Beyond the year 9999 there is no date.
        (source(10**9, 0), "0.001", 10**9, 0, None, None, None),
        (source(None, 400, "2026-12-02"), "5", None, None, None, None, None),
    ],
)
def test_forecasts(
    budget: AllocationSource,
    per_day: str | None,
    remaining: float,
    percent: float,
    days: float,
    exhausted: str | None,
    to_last: float | None,
) -> None:
    found = budget_of(budget, pace(per_day), NOTHING, NOW)
    shown = [
        number_if_known(each)
        for each in (found.remaining, found.percent_used, found.habit.days, found.su_per_day_to_last)
    ]
    exhausted_at = found.habit.exhausted_at
    assert [*shown, exhausted_at and iso(exhausted_at)] == [
        remaining,
        percent,
        days,
        to_last,
        exhausted,
    ]


def test_the_pace_of_this_moment_has_a_forecast_of_its_own() -> None:
    found = budget_of(source(1000, 400), pace("120"), Burn(Decimal(1), ()), NOW)
    assert found.habit == Forecast(Decimal(5), NOW + timedelta(days=5))
    assert found.momentary == Forecast(Decimal(25), NOW + timedelta(days=25))


def test_an_incomplete_rate_has_no_forecast() -> None:
    found = budget_of(source(100, 50), Pace(None, Decimal(7), ("z9.odd",)), Burn(Decimal(2), ("z9.odd",)), NOW)
    assert found == Budget(Decimal(50), Decimal(50))


@pytest.mark.parametrize("end", ["2020-12-31", "2026-11-22", "2026-11-23T00:00:00Z"])
def test_an_allocation_that_has_ended_has_no_forecast(end: str) -> None:
    found = budget_of(source(1000, 400, end), pace("120"), Burn(Decimal(5), ()), NOW)
    assert (found.has_ended, found.is_over, found.remaining) == (True, True, 600)
    assert (found.habit, found.momentary, found.su_per_day_to_last) == (Forecast(), Forecast(), None)


@pytest.mark.parametrize(("end", "has_ended"), [("2026-11-22", True), ("2026-11-24", False)])
@pytest.mark.parametrize("allowed", [1000, None])
def test_the_end_is_known_also_where_the_amounts_are_not(allowed: int | None, end: str, has_ended: bool) -> None:
    found = budget_of(source(allowed, 400, end), pace("120"), NOTHING, NOW)
    assert (found.end, found.has_ended, found.is_over) == (end_of(end), has_ended, has_ended)


@pytest.mark.parametrize(("used", "is_over"), [(999, False), (1000, True), (1001, True)])
def test_an_allocation_that_is_used_up_is_over(used: int, is_over: bool) -> None:
    assert budget_of(source(1000, used), pace("120"), NOTHING, NOW).is_over == is_over


@pytest.mark.parametrize("microseconds", [1, 0, -1])
def test_at_its_very_end_an_allocation_needs_no_pace_to_last(microseconds: int) -> None:
    now = datetime(2026, 12, 2, 12, tzinfo=UTC) - timedelta(microseconds=microseconds)
    found = budget_of(source(1000, 400, "2026-12-02T12:00:00Z"), pace("120"), NOTHING, now)
    assert found.has_ended == (microseconds <= 0)
    assert (found.su_per_day_to_last is None) == (microseconds <= 0)


def test_the_last_day_belongs_to_the_allocation() -> None:
    found = budget_of(source(1000, 400, "2026-11-23"), pace("120"), NOTHING, NOW)
    assert not found.has_ended
    assert end_of("2026-11-23") == datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
    assert end_of("2026-11-23T10:00:00Z") == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert end_of("9999-12-31") is None


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), "NaN", "much", [1], {}, True, 1e300, "1e999"]
)
def test_a_value_that_is_no_amount_is_not_known(value: Any) -> None:
    for budget in (source(value, 1), source(1, value)):
        found = budget_of(budget, pace("5"), Burn(Decimal(1), ()), NOW)
        assert found == Budget()


@pytest.mark.parametrize("text", [None, "", "soon", "2026-13-01", "12/31/2026", 20261231, float("nan"), ["2026-12-31"]])
def test_a_value_that_is_no_date_is_none(text: Any) -> None:
    assert moment_or_none(text) is None
    found = budget_of(source(1000, 400, text), pace("120"), NOTHING, NOW)
    assert (found.end, found.has_ended, found.su_per_day_to_last, found.habit.days) == (None, False, None, 5)
