# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches in the simulator beyond the recorded ones: the order of checks, quotas, missing hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, Trouble, World, fleet, serve
from ansible_collections.jetstream.cloud.tests.unit.simulator.browser import Browser

NO_HOST = "No valid host was found. There are not enough hosts available."


def _world(count: int = 0, **settings: float) -> World:
    return fleet(count, clock=ManualClock(), settings=Settings(**settings))  # type: ignore[arg-type]


def _said(response: Any) -> tuple[int, Any]:
    return response.status_code, response.json()["errors"][0]["message"]


def test_a_launch_becomes_ready_in_its_time() -> None:
    with serve(_world(transition=4, deploy=10)) as server:
        browser = Browser(server)
        assert browser.launch("new").status_code == 201
        stages = []
        for _second in range(20):
            stages.append(browser.live("new"))
            server.advance(1)
        assert list(dict.fromkeys(stages)) == [
            "build - scheduling",
            "build - networking",
            "build - spawning",
            "active - initializing",
            "active - networking",
            "active - deploying",
            "active",
        ]
        assert browser.stored("new")[2].startswith("149.165.")


def test_instances_of_one_request_share_name_and_token_but_no_uuid() -> None:
    with serve(_world()) as server:
        rows = Browser(server).launch("trio", extra={"instance_count": 3}).json()
        assert [row["name"] for row in rows] == ["trio"] * 3
        assert len({row["uuid"] for row in rows}) == 3
        assert len({server.world.instance(row["uuid"]).token for row in rows}) == 1


def test_three_of_ten_find_no_host() -> None:
    with serve(_world(transition=2)) as server:
        browser = Browser(server)
        server.world.no_host("^vm-[0-9]$", skip=2, times=3)
        for number in range(10):
            assert browser.launch(f"vm-{number}").status_code == 201
        server.advance(10)
        states = server.world.states()
        assert [name for name, state in states.items() if state == "error"] == ["vm-2", "vm-3", "vm-4"]
        assert server.world.look("vm-2").fault["message"] == NO_HOST
        assert browser.drop(f"/api/v2/instances/{server.world.instance('vm-2').uuid}").status_code == 204


def test_without_a_project_the_last_step_fails_until_there_is_one() -> None:
    with serve(_world(transition=1, deploy=4)) as server:
        browser, world = Browser(server), server.world
        data = {
            "name": "by-v1",
            "machine_alias": world.versions[0].machine_uuid,
            "size_alias": world.sizes[0].alias,
            "allocation_source_uuid": world.allocation_sources[0].uuid,
        }
        assert browser.post(f"{browser.account()}/instance", data).status_code == 201
        server.advance(60)
        assert browser.live("by-v1") == "active - deploying"
        world.instance("by-v1").project = world.projects[0]
        server.advance(60)
        assert browser.live("by-v1") == "active"


def test_without_a_project_a_deployment_is_given_up_in_the_end() -> None:
    with serve(_world(transition=1, deploy=4)) as server:
        world = server.world
        instance = world.launch("alone", world.identities[1], world.sizes[0], world.versions[0], project=None)
        server.advance(600)
        assert world.look(instance.uuid).tmp_status == "user_deploy_error"


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"project": None, "name": None}, 400, "'AtmosphereUser' object has no attribute 'group_set'"),
        ({"name": "", "size_alias": ""}, 400, dict.fromkeys(("name", "size_alias"), "This field is required.")),
        ({"size_alias": "77", "source_alias": "none"}, 409, "'NoneType' object has no attribute 'id'"),
        ({"source_alias": "none", "extra": {"instance_count": 0}}, 409, "No boot source found with identifier none"),
        ({"extra": {"instance_count": "2"}}, 409, "Bad instance count: 2"),
        (
            {"extra": {"instance_count": 61}},
            413,
            "Instance Quota Exceeded: Using 0 + Requested 61 but limited to 60",
        ),
    ],
)
def test_checks_come_in_their_order(changes: Mapping[str, Any], status: int, message: Any) -> None:
    with serve(_world()) as server:
        assert _said(Browser(server).launch(**changes)) == (status, message)


def test_the_quota_is_checked_before_the_allocation() -> None:
    world = fleet(0, compute_allowed=10, compute_used=20.0, clock=ManualClock())
    with serve(world) as server:
        browser = Browser(server)
        assert _said(browser.launch())[1].startswith("Time allocation exceeded: ")
        assert _said(browser.launch(extra={"instance_count": 200}))[1].startswith("CPU Quota Exceeded: ")


def test_a_quota_that_ends_at_25_ends_there() -> None:
    with serve(_world()) as server:
        world, browser = server.world, Browser(server)
        world.identities[1].quota.instance_count = 25
        statuses = [browser.launch(f"vm-{number}").status_code for number in range(27)]
        assert statuses == [201] * 25 + [413] * 2
        assert len(world.states()) == 25


def test_shelved_instances_and_those_in_error_count_too() -> None:
    world = fleet(states={"shelved_offloaded": 3, "error": 2}, sizes=["m1.quad"], clock=ManualClock())
    world.identities[1].quota.cpu = 20
    with serve(world) as server:
        assert _said(Browser(server).launch()) == (
            413,
            "CPU Quota Exceeded: Using 20 + Requested 1 but limited to 20",
        )


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (Trouble("nova", "^POST servers", status=403, text="Quota exceeded for cores"), 409),
        (Trouble("nova", status=503), 409),
        (Trouble("nova", status=0), 504),
        (Trouble("keystone", status=401), 401),
    ],
)
def test_the_clouds_refusals_are_passed_on(trouble: Trouble, status: int) -> None:
    with serve(_world()) as server:
        server.world.trouble(trouble)
        assert Browser(server).launch().status_code == status
        assert server.world.states() == {}


def test_launching_from_a_volume_is_not_simulated() -> None:
    with serve(_world()) as server:
        volume = server.world.add_volume("boot", 20, server.world.identities[1])
        assert Browser(server).launch(source_alias=volume.uuid).status_code == 501
