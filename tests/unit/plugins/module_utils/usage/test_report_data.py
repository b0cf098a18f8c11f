# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage is booked on the allocation that paid, and costs outside of every sum are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    Flavor,
    Instance,
    StatusPeriod,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.rates import DEFAULT_RATES
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.report_data import (
    History,
    days_of,
    flaws_of,
    notes_on,
    statuses_of,
    unknown_pace,
    usage_of_instances,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.usage import NOW

CPU = AllocationSource("TG CPU", "cpu", compute_allowed=1000.0, compute_used=400.0)
GPU = AllocationSource("TG GPU", "gpu", compute_allowed=1000.0, compute_used=400.0)
TINY = Flavor("m3.tiny", vcpus=1)


def an_instance_of(name: str, source: AllocationSource | None, **more: Any) -> Instance:
    """Return an instance whose uuid is its name."""
    return replace(an_instance(name, allocation_source=source, **{"flavor": TINY, **more}), uuid=name)


def a_period(
    name: str, days: float, source: AllocationSource | None = None, flavor: Flavor = TINY, **more: Any
) -> StatusPeriod:
    """Return a period that began a number of days ago."""
    start = NOW - timedelta(days=days)
    fields = {"status": "active", "end": None, **more}
    return StatusPeriod(
        1, name, name, name, activity="", flavor=flavor, start=start, allocation_source=source, **fields
    )


def test_a_day_is_split_by_the_allocation_that_paid() -> None:
    instances = [an_instance_of("web", CPU)]
    periods = [
        # From the history, from the instance, or not known: it was deleted.
        a_period("render", 1, GPU),
        a_period("web", 1),
        a_period("gone", 1),
    ]
    history = History(periods, [CPU, GPU], instances, DEFAULT_RATES, NOW)
    costs = [cost for rows in history.costs(NOW - timedelta(days=2)).values() for cost in rows]
    yesterday, today = days_of(history, costs, date(2026, 11, 22), date(2026, 11, 23))
    assert yesterday.by_allocation == {"gpu": 6, "cpu": 6, None: 6}
    assert (yesterday.su, today.su) == (18, 54)
    assert (yesterday.is_weekend, today.is_weekend) == (True, False)
    assert history.allocation_names == {"cpu": "TG CPU", "gpu": "TG GPU"}


def test_the_only_allocation_paid_for_deleted_instances() -> None:
    history = History([a_period("gone", 1)], [CPU], [], DEFAULT_RATES, NOW)
    assert history.paces()("cpu").su_per_day == 24


def test_each_allocation_has_a_pace_of_its_own() -> None:
    periods = [
        a_period("web", 30, CPU, status="shutoff"),
        a_period("render", 30, GPU),
        a_period("old", 30, GPU, end=NOW - timedelta(days=20)),
    ]
    pace = History(periods, [CPU, GPU], [], DEFAULT_RATES, NOW).paces()
    assert [pace(name).su_per_day for name in ("cpu", "gpu", "lm")] == [12, 24, 0]


def test_days_without_use_are_there_as_well() -> None:
    history = History([], [CPU], [], DEFAULT_RATES, NOW)
    assert [each.su for each in days_of(history, [], date(2026, 11, 21), date(2026, 11, 23))] == [0, 0, 0]


def test_instances_are_ranked_with_their_share() -> None:
    instances = [an_instance_of("web", CPU, status="shutoff")]
    odd = Flavor("z9.odd", vcpus=1)
    history = History(
        [a_period("web", 1), a_period("gone", 3), a_period("odd", 1, flavor=odd)], [CPU], instances, DEFAULT_RATES, NOW
    )
    found = usage_of_instances(history, history.costs(NOW - timedelta(days=7)), instances, DEFAULT_RATES)
    assert [(each.name, each.status, each.su, each.percent, each.su_per_hour) for each in found] == [
        ("gone", None, 72, 75, None),
        ("web", "shutoff", 24, 25, Decimal("0.5")),
        ("odd", None, None, None, None),
    ]


def test_instances_that_no_allocation_pays_for_are_reported() -> None:
    missing = AllocationSource("TG LM", "lm")
    large = Flavor("r3.large", vcpus=64)
    instances = [
        an_instance_of("web", CPU),
        an_instance_of("huge", missing, flavor=large),
        an_instance_of("stray", None),
        an_instance_of("odd", None, flavor=Flavor("z9.odd", vcpus=1)),
    ]
    assert notes_on([CPU], instances, (), DEFAULT_RATES, NOW) == (
        ("No rate is known for z9.odd, so sums and forecasts lack their cost. Set their SU per hour in rates.flavors."),
        (
            "Instances of TG LM, of which the site lists no allocation: 1 (r3.large), 128 SU per hour, "
            "which no forecast counts."
        ),
        "Instances of no allocation source: 2 (m3.tiny, z9.odd), 1 SU per hour, which no forecast counts.",
    )
    [status] = statuses_of([CPU], instances, unknown_pace, DEFAULT_RATES, NOW)
    assert (status.instances, status.burn.su_per_hour) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "flaw"),
    [
        ({"end_date": "2020-12-31"}, "it ended on 2020-12-31"),
        (
            {"end_date": "12/31/2026"},
            "its end date is unknown: '12/31/2026' is not an ISO 8601 date",
        ),
        ({"end_date": 20261231}, "its end date is unknown: 20261231 is not an ISO 8601 date"),
        ({"start_date": ""}, "its start date is unknown: '' is not an ISO 8601 date"),
        ({"compute_used": float("nan")}, "its SU used are unknown: nan is not a number"),
        ({"compute_allowed": "lots"}, "its SU granted are unknown: 'lots' is not a number"),
        ({"flaws": ("the site is vague",)}, "the site is vague"),
    ],
)
def test_an_impossible_allocation_is_reported(fields: dict[str, Any], flaw: str) -> None:
    assert flaws_of(AllocationSource("TG", "u", **fields), NOW) == [f"TG: {flaw}."]


def test_nothing_is_wrong_with_an_allocation_without_an_end() -> None:
    assert flaws_of(AllocationSource("TG", "u", compute_allowed=1.0, compute_used=0.0), NOW) == []
