# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an allocation lasts, in exact numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils.model import AllocationSource, Flavor
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.budget import (
    Budget,
    Burn,
    budget_of,
    burn_of,
    iso,
    moment,
)
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.rates import DEFAULT_RATES, number
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ODD = Flavor(name="z9.odd", vcpus=3)


def source(allowed: float | None, used: float | None, end: str | None = None) -> AllocationSource:
    return AllocationSource(name="TG", uuid="u", compute_allowed=allowed, compute_used=used, end_date=end)


def test_adds_up_what_instances_cost_in_their_states() -> None:
    fleet = [an_instance(status=status) for status in ("active", "suspended", "shutoff", "shelved_offloaded")]
    assert burn_of(fleet, DEFAULT_RATES) == Burn(Decimal("4.50"), ())


def test_names_the_sizes_that_it_cannot_count() -> None:
    burn = burn_of([an_instance(), an_instance(flavor=ODD), an_instance(flavor=ODD)], DEFAULT_RATES)
    assert (burn, burn.is_complete) == (Burn(Decimal(2), ("z9.odd",)), False)


@pytest.mark.parametrize(
    ("budget", "burn", "left", "percent", "hours", "exhausted", "to_last"),
    [
        # 0.1 + 0.2, the way binary numbers do not have it.
        (source(0.3, 0.1), "0.1", 0.2, 33.333, 2, "2026-11-23T02:00:00Z", None),
        (source(1000, 400, "2026-12-03"), "5", 600, 40, 120, "2026-11-28T00:00:00Z", 2.5),
        (source(1000, 400, "2026-11-22"), "5", 600, 40, 120, "2026-11-28T00:00:00Z", None),
        (source(1000, 400, "2026-12-03"), "0", 600, 40, None, None, 2.5),
        (source(1000, 1200.5, "2026-12-03"), "5", -200.5, 120.05, 0, "2026-11-23T00:00:00Z", 0),
        (source(0, 0), "5", 0, None, 0, "2026-11-23T00:00:00Z", None),
        # Beyond the year 9999 there is no date.
        (source(10**9, 0), "0.001", 10**9, 0, 10**12, None, None),
        (source(None, 400, "2026-12-03"), "5", None, None, None, None, None),
    ],
)
def test_foretells(
    budget: AllocationSource,
    burn: str,
    left: float,
    percent: float,
    hours: float,
    exhausted: str | None,
    to_last: float | None,
) -> None:
    found = budget_of(budget, Burn(Decimal(burn), ()), NOW)
    shown = [
        None if each is None else number(each)
        for each in (found.left, found.percent_used, found.hours_left, found.su_per_hour_to_last)
    ]
    assert [*shown, iso(found.exhausted_at)] == [left, percent, hours, to_last, exhausted]


def test_foretells_nothing_from_a_rate_that_is_too_low() -> None:
    found = budget_of(source(100, 50), Burn(Decimal(2), ("z9.odd",)), NOW)
    assert found == Budget(Decimal(50), Decimal(50), None, None, None)


@pytest.mark.parametrize("text", [None, "", "soon", "2026-13-01"])
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert moment(text) is None
