# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task sends the expected requests, and not one more."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Work, on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    allocation_info,
    history_info,
    instance_info,
    instance_state,
    volume_info,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import ModuleSpec
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, World, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context

# So long a state takes in these tests, and so long it takes from active until an instance is ready.
TRANSITION, DEPLOY = 5.0, 20.0


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each random pause as long as its mean."""
    monkeypatch.setattr(random, "uniform", lambda least, most: (least + most) / 2)


def a_world(**more: Any) -> World:
    return fleet(clock=ManualClock(), settings=Settings(transition=TRANSITION, deploy=DEPLOY), **more)


def run(site: Site, work: Work, spec: ModuleSpec, *, check_mode: bool = False, **options: Any) -> Outcome:
    return on_cloud(work)(given(spec, **site.options, **options), in_context(site, check_mode=check_mode))


def bring(site: Site, state: str, *, check_mode: bool = False, **options: Any) -> Outcome:
    return run(
        site,
        instance_state.instance_state,
        instance_state.SPEC,
        check_mode=check_mode,
        state=state,
        all=True,
        **options,
    )


@pytest.mark.parametrize("identities", [1, 2])
@pytest.mark.parametrize(
    ("count", "looks", "seconds"),
    [
        # One is polled by itself. Of many, four are, until it is known how long a stop takes; then all, by the list.
        (1, {"v1 instances": 1, "v1 instance": 3}, 5.9),
        (10, {"v1 instances": 1, "v1 instance": 16}, 5.9),
        (100, {"v1 instances": 1, "v1 instance": 16}, 5.9),
        (300, {"v1 instances": 1, "v1 instance": 16}, 5.9),
    ],
)
def test_a_stop_of_a_fleet_and_the_same_again(
    tmp_path: Path, count: int, looks: dict[str, int], seconds: float, identities: int
) -> None:
    identities = min(identities, count)
    with a_site(a_world(states={"active": count}, identities=identities), tmp_path) as site:
        site.warm()
        began = site.clock.monotonic()
        outcome = bring(site, "stopped")
        assert outcome.result["summary"] == {
            "selected": count,
            "changed": count,
            "unchanged": 0,
            "skipped": 0,
            "failed": 0,
            "others": 0,
        }
        pages = ceil(count / site.page_size())
        most_at_once = site.server.requests.most_at_once()
        requested = dict(site.requests())
        lists = {"v2 instances": pages, "v1 instances": identities, "action": count}
        # Of two identities, both lists are read in the end.
        polls = {**looks, "v1 instances": looks["v1 instances"] * identities}
        assert requested == {kind: lists.get(kind, 0) + polls.get(kind, 0) for kind in lists | polls}
        assert site.clock.monotonic() - began == pytest.approx(seconds, abs=0.1)
        assert most_at_once <= 16

        site.server.advance(60)
        outcome = bring(site, "stopped")
        assert not outcome.changed
        assert site.requests() == {"v2 instances": pages, "v1 instances": identities}


@pytest.mark.parametrize(
    ("start", "goal", "options", "expected", "seconds"),
    [
        ("shutoff", "started", {}, {"v2 instances": 5, "v1 instances": 2, "action": 100, "v1 instance": 44}, 27.9),
        # A resume leaves the list's cache as it is: its old rows are not to be believed for half a minute.
        ("suspended", "started", {}, {"v2 instances": 5, "v1 instances": 1, "action": 100, "v1 instance": 140}, 27.9),
        ("active", "suspended", {}, {"v2 instances": 5, "v1 instances": 2, "action": 100, "v1 instance": 16}, 5.9),
        ("shutoff", "stopped", {}, {"v2 instances": 5, "v1 instances": 1}, 0.0),
        ("suspended", "stopped", {}, {"v2 instances": 5, "v1 instances": 1}, 0.0),
        ("active", "stopped", {"wait": False}, {"v2 instances": 5, "v1 instances": 1, "action": 100}, 0.0),
        ("active", "stopped", {"check_mode": True}, {"v2 instances": 5, "v1 instances": 1}, 0.0),
        ("active", "stopped", {"max_changes": 99}, {"v2 instances": 5, "v1 instances": 1}, 0.0),
        ("error", "stopped", {}, {"v2 instances": 5, "v1 instances": 1}, 0.0),
    ],
)
def test_other_ways_of_a_hundred(
    tmp_path: Path, start: str, goal: str, options: dict[str, Any], expected: dict[str, int], seconds: float
) -> None:
    with a_site(a_world(states={start: 100}), tmp_path) as site:
        site.warm()
        began = site.clock.monotonic()
        bring(site, goal, **options)
        assert site.requests() == expected
        assert site.clock.monotonic() - began == pytest.approx(seconds, abs=0.1)


def test_a_second_run_right_after_the_first_sends_no_action(tmp_path: Path) -> None:
    """Lists may be from the cache then: an instance that does not rest in them is read, and nothing is sent."""
    with a_site(a_world(states={"active": 10}), tmp_path) as site:
        site.warm()
        bring(site, "stopped", wait=False)
        site.requests()
        outcome = bring(site, "stopped")
        assert not outcome.changed
        assert outcome.failure is None
        requested = site.requests()
        assert "action" not in requested
        assert "login" not in requested


def test_one_login_for_everything_if_there_is_no_token(tmp_path: Path) -> None:
    with a_site(a_world(states={"active": 60}, identities=3), tmp_path) as site:
        bring(site, "stopped")
        assert site.requests()["login"] == 1
        bring(site, "stopped")
        assert "login" not in site.requests()


INFOS: list[tuple[Work, ModuleSpec, dict[str, Any], dict[str, int]]] = [
    (instance_info.instance_info, instance_info.SPEC, {}, {"v2 instances": 3, "v1 instances": 2}),
    (instance_info.instance_info, instance_info.SPEC, {"live": False}, {"v2 instances": 3}),
    (instance_info.instance_info, instance_info.SPEC, {"name": ["node-0001"]}, {"v2 instances": 3, "v1 instance": 1}),
    (volume_info.volume_info, volume_info.SPEC, {}, {"v2 volumes": 1, "v1 volumes": 2, "v2 instances": 3}),
    (volume_info.volume_info, volume_info.SPEC, {"live": False}, {"v2 volumes": 1}),
    (
        allocation_info.allocation_info,
        allocation_info.SPEC,
        {},
        {"v2 allocation sources": 1, "v2 instances": 3, "v1 instances": 2, "v2 history": 3},
    ),
    (
        allocation_info.allocation_info,
        allocation_info.SPEC,
        {"pace": False},
        {"v2 allocation sources": 1, "v2 instances": 3, "v1 instances": 2},
    ),
    (history_info.history_info, history_info.SPEC, {}, {"v2 history": 3}),
]


def with_volumes(world: World) -> World:
    for number, identity in enumerate(world.identities[-2:]):
        world.attach(world.add_volume(f"data-{number}", 100, identity), world.instances[number])
    return world


@pytest.mark.parametrize(("work", "spec", "options", "expected"), INFOS)
def test_to_read_takes_the_lists_alone(
    tmp_path: Path,
    work: Callable[..., Outcome],
    spec: ModuleSpec,
    options: dict[str, Any],
    expected: dict[str, int],
) -> None:
    world = with_volumes(a_world(states={"active": 30, "shutoff": 10, "suspended": 10}, identities=2))
    with a_site(world, tmp_path) as site:
        site.warm()
        outcome = run(site, work, spec, **options)
        assert not outcome.changed
        assert site.requests() == expected
