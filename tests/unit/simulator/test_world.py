# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises of the simulator beyond the recordings: time, states, sharing, outages, and misbehaving instances."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.simulator import (
    SEEDS,
    STATES,
    BadSeed,
    ManualClock,
    Settings,
    World,
    add_colleague,
    fleet,
    load,
    serve,
)
from ansible_collections.jetstream.cloud.tests.unit.simulator.browser import Browser

_ASKED = ("list", "detail", "volumes", "action")


def _one(state: str = "active", *, transition: float = 0.0, deploy: float = 0.0) -> World:
    settings = Settings(transition=transition, deploy=deploy)
    return fleet(names=["vm"], states={state: 1}, clock=ManualClock(), settings=settings)


def test_a_start_passes_through_all_its_stages_while_v2_stays_behind() -> None:
    with serve(_one("shutoff", transition=5, deploy=10)) as server:
        browser = Browser(server)
        assert browser.act("vm", "start").status_code == 200
        stages = []
        for _second in range(18):
            stages.append(server.world.look("vm").words)
            server.advance(1)
        assert list(dict.fromkeys(stages)) == [
            "shutoff - powering-on",
            "active",
            "active - initializing",
            "active - networking",
            "active - deploying",
        ]
        assert server.world.look("vm").words == "active"
        assert browser.stored("vm") == ("shutoff", "", "0.0.0.0")
        server.advance(900)
        assert browser.stored("vm")[0] == "active"
        assert browser.stored("vm")[2] != "0.0.0.0"


def test_a_deploy_error_outlives_a_stop_until_the_next_deployment() -> None:
    with serve(_one(transition=5, deploy=10)) as server:
        browser, world = Browser(server), server.world
        world.misbehave("vm", deploy_fails_with="Ansible failed")
        browser.act("vm", "reboot")
        server.advance(15)
        assert browser.live("vm") == "active - deploy_error"
        browser.act("vm", "stop")
        server.advance(5)
        assert (browser.live("vm"), browser.stored("vm")) == ("shutoff", ("shutoff", "", "0.0.0.0"))
        browser.act("vm", "start")
        server.advance(5)
        assert browser.live("vm") == "active - deploy_error"
        assert browser.stored("vm") == ("active", "deploy_error", "0.0.0.0")
        server.advance(10)
        assert browser.live("vm") == "active"


def test_without_workers_a_start_ends_without_an_address() -> None:
    with serve(_one("shutoff", transition=5, deploy=10)) as server:
        browser, world = Browser(server), server.world
        world.hold_workers()
        browser.act("vm", "start")
        server.advance(600)
        assert (browser.live("vm"), world.look("vm").address) == ("active", "0.0.0.0")
        world.release_workers()
        assert browser.live("vm") == "active - initializing"
        server.advance(5)
        assert browser.live("vm") == "active"
        assert world.look("vm").address != "0.0.0.0"


def test_an_address_that_was_kept_stays() -> None:
    with serve(_one(transition=5, deploy=10)) as server:
        address = server.world.look("vm").address
        server.world.force("vm", "shutoff")
        browser = Browser(server)
        assert browser.get(browser.v1("vm")).json()["ip_address"] == address
        assert browser.stored("vm")[2] == "0.0.0.0"
        browser.act("vm", "start")
        stages = []
        for _second in range(16):
            stages.append((server.world.look("vm").words, server.world.look("vm").address))
            server.advance(1)
        assert list(dict.fromkeys(stages)) == [
            ("shutoff - powering-on", address),
            ("active", address),
            ("active - initializing", address),
            ("active - deploying", address),
        ]
        assert server.world.look("vm").words == "active"


@pytest.mark.parametrize(
    ("status", "answers"),
    [(503, {"list": 500, "detail": 409, "volumes": 500, "action": 403}), (0, dict.fromkeys(_ASKED, 504))],
)
def test_nova_of_one_provider_is_down(status: int, answers: dict[str, int]) -> None:
    world = fleet(names=["here", "there"], identities=2, providers=2, clock=ManualClock())
    with serve(world) as server:
        browser = Browser(server)
        assert browser.get(browser.v1("there").rpartition("/")[0]).status_code == 200
        world.nova_down(status, world.instance("there").provider.name)
        assert _ask_all(browser, "there") == answers
        assert _ask_all(browser, "here") == dict.fromkeys(_ASKED, 200)
        assert browser.get("/api/v2/instances").json()["count"] == 2
        assert world.look("there").address != "0.0.0.0"
        world.nova_up()
        assert _ask_all(browser, "there") == dict.fromkeys(_ASKED, 200)


def test_a_provider_ends_between_two_lists() -> None:
    world = fleet(names=["here", "there"], identities=2, providers=2, clock=ManualClock())
    with serve(world) as server:
        provider = world.instance("there").provider.name
        server.faults.after("GET", "/api/v2/instances", lambda: world.end_provider(provider))
        browser = Browser(server)
        assert [browser.get("/api/v2/instances").json()["count"] for _time in range(2)] == [2, 1]
        assert _ask_all(browser, "there") == dict.fromkeys(_ASKED, 409)
        assert _ask_all(browser, "here") == dict.fromkeys(_ASKED, 200)


@pytest.mark.parametrize("shared", [True, False])
def test_a_plain_member_reads_by_a_shared_identity_and_acts_by_any(*, shared: bool) -> None:
    world = fleet(names=["mine"], clock=ManualClock())
    add_colleague(world, share_identities=shared)
    with serve(world) as server:
        member, leader = Browser(server), Browser(server, "janeroe")
        for browser in (member, leader):
            rows = browser.get("/api/v2/instances").json()["results"]
            owners = {row["name"]: row["user"]["username"] for row in rows}
            assert owners == {"mine": "johndoe", "jane-1": "janeroe", "jane-2": "janeroe"}
        assert member.get("/api/v2/identities").json()["count"] == (2 if shared else 1)
        assert [row["name"] for row in member.get("/api/v2/projects").json()["results"]] == ["johndoe", "lab"]
        assert member.get("/api/v2/allocation_sources").json()["count"] == 1
        assert member.get("/api/v2/instance_histories").json()["count"] == 1
        for name in ("jane-1", "jane-2"):
            reading, acting = (200, 200) if shared else (401, 200)
            assert _ask_all(member, name) == {**dict.fromkeys(_ASKED, reading), "action": acting}
            assert world.look(name).words == "shutoff"
            assert leader.live(name) == "shutoff"


def test_a_deleted_instance_comes_back_by_a_read_while_its_machine_is_there() -> None:
    with serve(_one(transition=5)) as server:
        browser = Browser(server)
        assert browser.delete("vm").status_code == 200
        assert browser.get("/api/v2/instances").json()["count"] == 0
        assert browser.live("vm") == "active - deleting"
        assert browser.get("/api/v2/instances").json()["count"] == 1
        assert browser.get("/api/v2/instance_histories").json()["results"][0]["end_date"] is None
        server.advance(5)
        assert browser.get(browser.v1("vm")).status_code == 404
        assert browser.get("/api/v2/instances").json()["count"] == 0


def test_another_user_neither_reads_nor_acts() -> None:
    world = fleet(names=["mine"], clock=ManualClock())
    world.add_user("stranger")
    with serve(world) as server:
        stranger = Browser(server, "stranger")
        assert stranger.get("/api/v2/instances").json()["count"] == 0
        assert _ask_all(stranger, "mine") == {**dict.fromkeys(_ASKED, 401), "action": 403}


def _ask_all(browser: Browser, name: str) -> dict[str, int]:
    """Return the statuses of v1's responses about an instance, the last of them to a stop."""
    detail = browser.v1(name)
    account = detail.partition("/instance/")[0]
    paths = {"list": f"{account}/instance", "detail": f"{detail}?{name}", "volumes": f"{account}/volume"}
    answers = {kind: browser.get(path).status_code for kind, path in paths.items()}
    return {**answers, "action": browser.act(name, "stop").status_code}


@pytest.mark.parametrize("action", ["stop", "suspend", "shelve"])
def test_a_refused_action_costs_the_address_all_the_same(action: str) -> None:
    with serve(_one()) as server:
        browser = Browser(server)
        server.world.force("vm", task_state="image_snapshot")
        before = browser.stored("vm")
        assert before[2] != "0.0.0.0"
        assert browser.act("vm", action).status_code == 409
        assert browser.stored("vm") == before
        assert browser.live("vm") == "active - image_snapshot"
        assert browser.stored("vm")[2] == server.world.look("vm").address == "0.0.0.0"


@pytest.mark.parametrize("held", [False, True], ids=["workers", "workers that stood still"])
def test_each_of_two_hard_reboots_has_a_deployment_and_an_address_of_its_own(held: bool) -> None:
    """Only the first address is shown, and a stop takes both away."""
    with serve(_one(transition=5, deploy=10)) as server:
        browser, world = Browser(server), server.world
        world.force("vm", "active", address="0.0.0.0")
        # Each decides by what it read just before.
        world.settings.reads_before = 0.1
        if held:
            world.hold_workers()
        assert [browser.act("vm", "reboot", reboot_type="HARD").status_code for _time in range(2)] == [200, 200]
        server.advance(60)
        if held:
            assert (world.vm("vm").address, world.vm("vm").more_addresses) == ("0.0.0.0", [])
            world.release_workers()
            server.advance(60)
        machine = world.vm("vm")
        assert browser.live("vm") == "active"
        assert len({machine.address, *machine.more_addresses, "0.0.0.0"}) == 3
        assert browser.stored("vm") == ("active", "", machine.address)
        assert browser.act("vm", "stop").status_code == 200
        assert (world.vm("vm").address, world.vm("vm").more_addresses) == ("0.0.0.0", [])


def test_one_reboot_after_another_has_one_deployment_each_and_one_address() -> None:
    with serve(_one(transition=5, deploy=10)) as server:
        browser, world = Browser(server), server.world
        world.force("vm", "active", address="0.0.0.0")
        for _time in range(2):
            assert browser.act("vm", "reboot", reboot_type="HARD").status_code == 200
            server.advance(60)
        assert world.vm("vm").more_addresses == []


def test_v2_hides_the_address_of_an_instance_that_is_going_to_sleep() -> None:
    with serve(_one()) as server:
        browser = Browser(server)
        server.world.force("vm", task_state="suspending")
        assert browser.live("vm") == "active - suspending"
        assert server.world.look("vm").address != "0.0.0.0"
        assert browser.stored("vm") == ("suspended", "", "0.0.0.0")


def test_without_a_transition_the_next_request_sees_the_end() -> None:
    with serve(_one("suspended")) as server:
        browser = Browser(server)
        browser.act("vm", "resume")
        assert browser.live("vm") == "active"
        assert server.world.look("vm").address != "0.0.0.0"


def test_a_planned_step_is_overtaken_by_another_action() -> None:
    with serve(_one("shutoff", transition=5, deploy=10)) as server:
        browser = Browser(server)
        browser.act("vm", "start")
        server.advance(6)
        assert browser.act("vm", "stop").status_code == 200
        server.advance(60)
        assert server.world.look("vm").words == "shutoff"
        assert server.world.look("vm").address == "0.0.0.0"


def test_every_change_of_status_that_is_seen_becomes_a_row_of_history() -> None:
    with serve(_one(transition=5)) as server:
        browser = Browser(server)
        browser.act("vm", "stop")
        server.advance(5)
        server.world.monitor()
        rows = browser.get("/api/v2/instance_histories").json()["results"]
        assert [(row["status"], row["activity"], row["end_date"] is None) for row in rows] == [
            ("active", "", False),
            ("shutoff", "", True),
        ]
        assert rows[1]["start_date"] == rows[0]["end_date"] == "2026-11-23T12:00:05Z"
        assert rows[0]["size"]["name"] == "m1.tiny"


def test_an_instance_can_fail_be_slow_refuse_and_vanish() -> None:
    names = ["fails", "is-slow", "refuses", "vanishes"]
    world = fleet(names=names, clock=ManualClock(), settings=Settings(transition=5))
    world.misbehave("fails", fails_with="No valid host was found.")
    world.misbehave("is-slow", slowness=3)
    world.misbehave("refuses", refuses="Instance is locked")
    with serve(world) as server:
        browser = Browser(server)
        answers = {name: browser.act(name, "stop") for name in names}
        assert {name: answer.status_code for name, answer in answers.items()} == {
            "fails": 200,
            "is-slow": 200,
            "refuses": 409,
            "vanishes": 200,
        }
        message = answers["refuses"].json()["errors"][0]["message"]
        assert message == "409 Conflict Instance is locked"
        world.vanish("vanishes")
        server.advance(6)
        assert world.states() == {"fails": "error", "is-slow": "active - powering-off", "refuses": "active"}
        assert browser.get(browser.v1("fails")).json()["fault"]["message"] == "No valid host was found."
        assert browser.stored("vanishes")[0] == "active"
        assert browser.get(browser.v1("vanishes")).status_code == 404
        assert "vanishes" not in str(browser.get("/api/v2/instances").json())
        server.advance(9)
        assert world.look("is-slow").words == "shutoff"


@pytest.mark.parametrize("state", STATES)
def test_a_fleet_is_in_any_state_from_the_begin(state: str) -> None:
    with serve(_one(state)) as server:
        browser = Browser(server)
        status, activity, _address = browser.stored("vm")
        assert {"initializing": "build"}.get(state, state) in (status, activity)
        browser.live("vm")
        assert browser.stored("vm")[:2] == (status, activity)


def test_a_fleet_has_the_given_mix() -> None:
    world = fleet(
        7,
        states={"shutoff": 2, "error": 1},
        identities=2,
        providers=2,
        sizes=("m1.tiny", "m1.large"),
        projects=("a", "b"),
    )
    assert sorted(world.states().values()) == ["active"] * 4 + ["error"] + ["shutoff"] * 2
    assert {each.size.name for each in world.instances} == {"m1.tiny", "m1.large"}
    assert {each.project.name for each in world.instances if each.project} == {"a", "b"}
    assert len({each.provider.uuid for each in world.instances}) == 2
    with pytest.raises(ValueError, match="3 states for 2 instances"):
        fleet(2, states={"shutoff": 3})


def test_the_demo_has_a_dozen_in_mixed_states() -> None:
    clock = ManualClock()
    world = load(SEEDS / "demo.yaml", clock=clock)
    states = sorted(world.states().values())
    assert states == [
        *["active"] * 7,
        "active - deploying",
        "shelved_offloaded",
        *["shutoff"] * 2,
        "suspended",
    ]
    assert [volume.status for volume in world.volumes] == ["in-use", "in-use", "available"]
    assert world.users["demo"].password == "only-for-show"
    clock.advance(30)
    assert list(world.states().values()).count("active") == 8


def test_a_seed_with_a_mistake_is_refused(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("users: [{username: a, password: b, color: red}]")
    with pytest.raises(BadSeed, match="color"):
        load(seed)
