# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sums of allocations and histories are exact, and need no more requests than necessary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    allocation_info,
    history_info,
    usage_report,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

# With 1, 2, 4 and 1 cores: 1 + 2 + 0.75 x 4 + 0.5 x 1 = 6.5 SU per hour.
STATES = {"active": 2, "suspended": 1, "shutoff": 1}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(
        fleet(states=STATES, clock=ManualClock(), compute_allowed=50000, compute_used=1234.1), tmp_path
    ) as site:
        site.warm()
        yield site


def allocations(site: Site, **options: Any) -> Outcome:
    runner = OperationRunner(site.home, site.clock)
    return runner.run(allocation_info.SPEC, on_cloud(allocation_info.allocation_info), **site.options, **options)


def history(site: Site, **options: Any) -> Outcome:
    runner = OperationRunner(site.home, site.clock)
    return runner.run(history_info.SPEC, on_cloud(history_info.history_info), **site.options, **options)


def test_an_allocation_lasts_as_long_as_the_instances_let_it(site: Site) -> None:
    [row] = allocations(site).result["allocations"]
    assert {
        "allowed": 50000,
        "used": 1234.1,
        "remaining": 48765.9,
        "percent_used": 2.468,
        "has_ended": False,
        "su_per_hour": 6.5,
        "days_left_now": 312,
        "pace_days": 7,
        "instances": 4,
        "unknown_flavors": [],
    }.items() <= row.items()
    assert row["exhausted_on_now"] == f"{site.clock.now() + timedelta(hours=48765.9 / 6.5):%Y-%m-%d}"
    assert row["days_left"] == int(48765.9 / row["su_per_day"])
    assert row["exhausted_on"] == f"{site.clock.now() + timedelta(days=48765.9 / row['su_per_day']):%Y-%m-%d}"
    assert site.requests() == {"v2 allocation sources": 1, "v2 instances": 1, "v1 instances": 1, "v2 history": 1}


def test_a_stop_of_the_fleet_moves_the_forecast_of_this_moment_alone(site: Site) -> None:
    [before] = allocations(site).result["allocations"]
    with site.cloud() as cloud:
        for each in cloud.list_instances(live=True):
            if each.status == "active":
                cloud.act(each, Action.SHELVE)
    site.server.advance(600)
    [after] = allocations(site).result["allocations"]
    assert (before["days_left_now"], after["days_left_now"]) == (312, 580)
    assert after["days_left"] == before["days_left"]


def test_without_the_pace_there_are_fewer_requests_and_no_forecast_by_habit(site: Site) -> None:
    [row] = allocations(site, live=False, pace=False).result["allocations"]
    assert (row["su_per_day"], row["days_left"], row["exhausted_on"]) == (None, None, None)
    assert row["days_left_now"] is not None
    assert site.requests() == {"v2 allocation sources": 1, "v2 instances": 1}


def test_a_rate_of_ones_own_counts(site: Site) -> None:
    [row] = allocations(site, rates={"flavors": {"m1.tiny": 10}, "states": {"shutoff": 0.1}}).result["allocations"]
    assert row["su_per_hour"] == 10 + 2 + 3 + 1


def test_an_unknown_rate_is_never_a_cost_of_nothing(site: Site) -> None:
    for size in site.world.sizes:
        size.name = f"x9.{size.name}"
    [row] = allocations(site).result["allocations"]
    assert (row["su_per_hour"], row["days_left"], row["days_left_now"], row["unknown_flavors"]) == (
        None,
        None,
        None,
        ["x9.m1.quad", "x9.m1.small", "x9.m1.tiny"],
    )
    past = history(site).result
    assert [past["su"], *(each["su"] for each in past["instances"])] == [None] * 5
    # The cost of the known flavor is a part of it.
    assert allocations(site, rates={"flavors": {"x9.m1.tiny": 3}}).result["allocations"][0]["su_per_hour"] == 3 + 1.5


def test_an_allocation_that_is_not_there_is_a_warning(site: Site) -> None:
    outcome = allocations(site, name=["TG-*", "nothing"])
    assert [row["name"] for row in outcome.result["allocations"]] == ["TG-GEO160014"]
    assert outcome.warnings == ("name: nothing does not exist.",)


def test_an_instance_that_no_allocation_is_known_to_pay_for_is_in_no_sum_and_in_a_warning(site: Site) -> None:
    site.world.instances[0].allocation_source = None
    outcome = allocations(site)
    assert outcome.result["allocations"][0]["su_per_hour"] == 5.5
    assert outcome.warnings == (
        "Instances of no allocation source: 1 (m1.tiny), 1 SU per hour, which no forecast counts.",
    )


def test_a_report_counts_costs_that_no_allocation_pays(site: Site) -> None:
    site.world.instances[0].allocation_source = None
    runner = OperationRunner(site.home, site.clock)
    outcome = runner.run(usage_report.SPEC, on_cloud(usage_report.usage_report), **site.options)
    assert outcome.warnings == (
        "Instances of no allocation source: 1 (m1.tiny), 1 SU per hour, which no forecast counts.",
    )
    assert outcome.result["allocations"][0]["su_per_hour"] == 5.5


def test_a_history_adds_up(site: Site) -> None:
    until = site.clock.now()
    since = until - timedelta(days=3)
    outcome = history(site, since=since.isoformat(), until=until.isoformat())
    rows = {row["name"]: row for row in outcome.result["instances"]}
    assert rows["node-0001"]["su"] == 72
    assert rows["node-0002"]["su"] == 144
    assert rows["node-0001"]["hours"] == {"active": 72}
    assert sum(row["su"] for row in rows.values()) == pytest.approx(outcome.result["su"])
    assert sum(day["su"] for day in outcome.result["days"]) == pytest.approx(outcome.result["su"], abs=0.01)
    assert site.requests() == {"v2 history": 1}


def test_every_page_of_a_history_is_read_once(tmp_path: Path) -> None:
    with a_site(fleet(230, clock=ManualClock()), tmp_path) as site:
        site.warm()
        assert len(history(site).result["instances"]) == 230
        requested = site.server.requests.matching("GET", "/api/v2/instance_histories")
        assert len({each.path for each in requested}) == len(requested)
        assert set(site.requests()) == {"v2 history"}


@pytest.mark.parametrize(
    "options", [{"since": "soon"}, {"since": "2026-11-02", "until": "2026-11-01"}, {"timezone": "Mars/Olympus"}]
)
def test_refuses_times_that_are_none(site: Site, options: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        history(site, **options)
