# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes in the simulator beyond the recorded ones: refusals, actions that are not carried out, and leftovers."""

from __future__ import annotations

from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Server, Settings, World, fleet, serve
from ansible_collections.jetstream.cloud.tests.unit.simulator.browser import Browser


def _world(*states: str) -> World:
    wanted = states or ("active",)
    world = fleet(
        names=[f"vm-{number}" for number in range(len(wanted))],
        states=dict.fromkeys(wanted, 1),
        clock=ManualClock(),
        settings=Settings(volume_change=4, mounting=6, transition=4),
    )
    world.add_volume("data", 10, world.identities[1])
    return world


def _attach(browser: Browser, server: Server, name: str, **parameters: str) -> int:
    uuid = server.world.volume("data").uuid
    return browser.act(name, "attach_volume", volume_id=uuid, **parameters).status_code


def _statuses(browser: Browser, server: Server, seconds: int) -> list[str]:
    seen = []
    for _second in range(seconds):
        seen.append(browser.volume("data")["status"])
        server.advance(1)
    return list(dict.fromkeys(seen))


def test_a_volume_is_attached_then_mounted_then_detached() -> None:
    with serve(_world()) as server:
        browser = Browser(server)
        assert _attach(browser, server, "vm-0") == 200
        assert _statuses(browser, server, 5) == ["attaching", "in-use"]
        assert browser.volume("data")["attach_data"]["device"] == "/dev/sdb"
        assert browser.volume("data")["mount_location"] is None
        server.advance(6)
        assert browser.volume("data")["mount_location"] == "/vol_b"
        browser.act("vm-0", "detach_volume", volume_id=server.world.volume("data").uuid)
        assert browser.volume("data")["mount_location"] == ""
        assert _statuses(browser, server, 5) == ["in-use", "detaching", "available"]


def test_the_second_volume_gets_the_next_device() -> None:
    with serve(_world()) as server:
        browser, world = Browser(server), server.world
        world.attach(world.add_volume("other", 1, world.identities[1]), world.instance("vm-0"))
        _attach(browser, server, "vm-0")
        server.advance(5)
        assert browser.volume("data")["attach_data"]["device"] == "/dev/sdc"


def test_a_given_device_and_mount_location_are_taken() -> None:
    with serve(_world()) as server:
        browser = Browser(server)
        _attach(browser, server, "vm-0", device="/dev/vdx", mount_location="/data")
        server.advance(11)
        row = browser.volume("data")
        assert (row["attach_data"]["device"], row["mount_location"]) == ("/dev/vdx", "/data")


def test_attaching_a_volume_in_use_is_200_and_nothing_comes_of_it() -> None:
    with serve(_world("active", "suspended")) as server:
        browser, world = Browser(server), server.world
        world.attach(world.volume("data"), world.instance("vm-1"))
        assert _attach(browser, server, "vm-0") == 200
        server.advance(60)
        assert browser.volume("data")["attach_data"]["serverId"] == world.instance("vm-1").uuid


def test_a_reserved_volume_is_not_attached_without_an_error() -> None:
    with serve(_world()) as server:
        browser = Browser(server)
        server.world.force_volume("data", "reserved")
        assert _attach(browser, server, "vm-0") == 200
        server.advance(60)
        assert browser.volume("data")["status"] == "reserved"


def test_detaching_from_another_instance_is_200_and_nothing_comes_of_it() -> None:
    with serve(_world("active", "suspended")) as server:
        browser, world = Browser(server), server.world
        world.attach(world.volume("data"), world.instance("vm-1"))
        assert browser.act("vm-0", "detach_volume", volume_id=world.volume("data").uuid).status_code == 200
        server.advance(60)
        assert browser.volume("data")["status"] == "in-use"


def test_volumes_are_attached_to_active_instances_alone_and_detached_from_three_states() -> None:
    with serve(_world("active", "suspended", "shutoff", "shelved_offloaded")) as server:
        browser, world = Browser(server), server.world
        uuid = world.volume("data").uuid
        attached = [_attach(browser, server, f"vm-{number}") for number in (1, 2, 3)]
        detached = [browser.act(f"vm-{number}", "detach_volume", volume_id=uuid) for number in (0, 1, 2, 3)]
        assert attached == [403] * 3
        assert [response.status_code for response in detached] == [200, 200, 200, 403]
        assert "must be active, suspended, or stopped before detaching" in detached[3].text


def test_deleting_an_instance_releases_its_volumes() -> None:
    with serve(_world()) as server:
        browser, world = Browser(server), server.world
        world.attach(world.volume("data"), world.instance("vm-0"))
        browser.delete("vm-0")
        assert browser.volume("data")["status"] == "in-use"
        server.advance(4)
        assert (browser.volume("data")["status"], browser.volume("data")["attach_data"]) == ("available", None)


def test_an_instance_deleted_while_a_volume_is_being_attached_leaves_it_available() -> None:
    with serve(_world()) as server:
        browser = Browser(server)
        browser.delete("vm-0")
        server.world.storage.attach(
            server.world.volume("data"),
            server.world.cloud.vms[server.world.instance("vm-0").uuid],
            None,
            None,
            server.world.now(),
        )
        server.advance(10)
        assert browser.volume("data")["status"] == "available"


def test_v2_answers_204_for_a_volume_in_use_and_v1_breaks() -> None:
    with serve(_world()) as server:
        browser, world = Browser(server), server.world
        world.attach(world.volume("data"), world.instance("vm-0"))
        uuid = world.volume("data").uuid
        assert browser.drop(f"/api/v2/volumes/{uuid}").status_code == 204
        assert browser.drop(f"{browser.account()}/volume/{uuid}").status_code == 500
        server.advance(60)
        assert browser.get(f"/api/v2/volumes/{uuid}").status_code == 200
        assert browser.volume("data")["status"] == "in-use"


def test_a_deleted_volume_is_gone_from_v2_at_once_but_comes_back_by_a_read_of_v1() -> None:
    with serve(_world()) as server:
        browser = Browser(server)
        uuid = server.world.volume("data").uuid
        browser.drop(f"/api/v2/volumes/{uuid}")
        assert browser.get(f"/api/v2/volumes/{uuid}").status_code == 404
        assert browser.volume("data")["status"] == "deleting"
        assert browser.get(f"/api/v2/volumes/{uuid}").status_code == 200
        server.advance(5)
        assert browser.get(f"{browser.account()}/volume").json() == []
        assert browser.get(f"/api/v2/volumes/{uuid}").status_code == 200
        assert browser.get(f"{browser.account()}/volume/{uuid}").status_code == 404
        assert browser.get(f"/api/v2/volumes/{uuid}").status_code == 404


def test_a_volume_past_the_quota_is_400_by_v2_and_413_by_v1() -> None:
    with serve(_world()) as server:
        browser = Browser(server)
        text = "Storage Size Quota Exceeded: Using 10 + Requested 91 but limited to 100"
        assert browser.create_volume(size=91).json() == {"detail": text}
        by_v1 = browser.post(f"{browser.account()}/volume", {"name": "data", "size": 91})
        assert (by_v1.status_code, by_v1.json()["errors"][0]["message"]) == (413, text)


def test_a_volume_being_deleted_counts_until_it_is_gone() -> None:
    with serve(_world()) as server:
        browser = Browser(server)
        browser.drop(f"/api/v2/volumes/{server.world.volume('data').uuid}")
        assert browser.create_volume("big", 100).status_code == 400
        server.advance(4)
        assert browser.create_volume("big", 100).status_code == 201
