# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules say of servers, volumes, allocations and history, as real services have them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import api
from ansible_collections.jetstream.cloud.tests.openstack.fleet import FleetState
from ansible_collections.jetstream.cloud.tests.openstack.seeding import IMAGE, OWNER, PROJECT
from ansible_collections.jetstream.cloud.tests.openstack.services import REGION
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User


def _instances(user: User, **options: Any) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in user.task("instance_info", **options).result["instances"]}


def test_a_server_has_all_that_a_user_may_ask_for(user: User) -> None:
    [server] = user.has(name="web", flavor="m3.quad", network=True, metadata={"course": "bio101"})
    address = user.cloud.floating_ip(server)
    seen = _instances(user)["web"]
    fixed = [each for each in seen["addresses"] if each != address]
    assert seen.pop("start_date").startswith("20")
    assert fixed[0].startswith("10.")
    assert seen == {
        "id": server.id,
        "uuid": server.id,
        "name": "web",
        "status": "active",
        "activity": "",
        "live": True,
        "power_state": "running",
        "on_host": True,
        "flavor": {"name": "m3.quad", "vcpus": 4, "ram": 15360, "disk": 20},
        "image": {"name": IMAGE, "uuid": seen["image"]["uuid"], "version": None},
        "ip_address": address,
        "addresses": [*fixed, address],
        "metadata": {"course": "bio101"},
        "locked": False,
        "lock_reason": None,
        "fault": None,
        "user": OWNER,
        "owner": OWNER,
        "read_error": None,
        "project": {"name": PROJECT, "uuid": user.cloud.owner.project_id},
        "provider": {"name": REGION, "uuid": REGION},
        "identity": {"name": OWNER, "uuid": user.cloud.owner.user_id},
        "allocation_source": {
            **dict.fromkeys(seen["allocation_source"]),
            "name": f"{PROJECT} CPU",
            "uuid": "jetstream2.indiana.xsede.org",
        },
        "usage": None,
        "end_date": None,
        "web_desktop": False,
        "shell": False,
        "vnc": False,
    }


def test_servers_that_sleep_are_stuck_or_locked_are_seen_as_that(user: User) -> None:
    kinds: tuple[FleetState, ...] = (
        "shutoff",
        "suspended",
        "paused",
        "shelved_offloaded",
        "shelved_without_host",
        "error",
        "locked",
    )
    fleet = user.cloud.fleet(dict.fromkeys(kinds, 1), name="each")
    seen = _instances(user)
    told = {kind: seen[fleet[kind][0].name] for kind in kinds}
    assert {kind: (one["status"], one["power_state"], one["on_host"]) for kind, one in told.items()} == {
        "shutoff": ("shutoff", "shut down", True),
        "suspended": ("suspended", "shut down", True),
        "paused": ("paused", "paused", True),
        "shelved_offloaded": ("shelved_offloaded", "shut down", False),
        "shelved_without_host": ("shelved", "shut down", False),
        "error": ("error", "running", True),
        "locked": ("active", "running", True),
    }
    assert told["error"]["fault"] == "the host does not answer"
    assert (told["locked"]["locked"], told["locked"]["lock_reason"]) == (True, "an important job runs here")


def test_a_server_that_is_worked_on_says_at_what(user: User) -> None:
    [server] = user.has(name="slow")
    with user.cloud.hypervisor.held(server, "stop"):
        user.cloud.act(server, {"os-stop": None})
        seen = _instances(user)["slow"]
    assert (seen["status"], seen["activity"]) == ("active", "powering-off")


def test_a_fleet_of_several_pages_is_seen_as_a_whole(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.has(5, name="page")
    monkeypatch.setattr(api, "_PAGE", 2)
    done = user.task("instance_info")
    assert len(done.result["instances"]) == 5
    assert done.requests().count("GET compute /servers/detail") == 3


def test_volumes_are_seen_with_what_they_are_attached_to(user: User) -> None:
    [server] = user.has(name="db")
    attached = user.cloud.volume("data", 7, attached_to=server)
    user.cloud.volume("spare", 3)
    volumes = {each["name"]: each for each in user.task("volume_info").result["volumes"]}
    assert (volumes["data"]["id"], volumes["data"]["size"], volumes["data"]["status"]) == (attached.id, 7, "in-use")
    [where] = volumes["data"]["attachments"]
    assert (where["instance_uuid"], where["instance_id"], where["instance_name"]) == (server.id, server.id, "db")
    assert where["device"].startswith("/dev/")
    assert (volumes["spare"]["status"], volumes["spare"]["attachments"]) == ("available", [])
    assert [each["name"] for each in user.task("volume_info", attached=False).result["volumes"]] == ["spare"]


def test_allocations_are_those_that_hold_now_with_what_the_servers_burn(user: User) -> None:
    user.cloud.fleet({"active": 1, "suspended": 1, "shutoff": 1, "shelved_offloaded": 1}, "m3.small", name="cpu")
    user.has(name="gpu", flavor="g3.small")
    rows = {each["name"]: each for each in user.task("allocation_info").result["allocations"]}
    # Of two rows for one resource the past one is left out, and so is storage, which is not paid for in SU.
    assert list(rows) == [f"{PROJECT} CPU", f"{PROJECT} GPU"]
    cpu, gpu = rows.values()
    assert (cpu["allowed"], cpu["used"], cpu["remaining"]) == (200000, 41250.25, 158749.75)
    # Two cores: 2 while active, 1.5 suspended, 1 shut off, nothing on the shelf.
    assert (cpu["instances"], cpu["su_per_hour"]) == (4, 4.5)
    # Nothing used yet is told as nothing by the service, and as 0 here.
    assert (gpu["allowed"], gpu["used"], gpu["instances"], gpu["su_per_hour"]) == (50000, 0, 1, 8)
    assert [each["lag_hours"] for each in rows.values()] == [24, 24]


def test_a_report_lists_servers_once_and_knows_the_project(user: User) -> None:
    [server] = user.has(name="reported", flavor="m3.small")
    user.cloud.volume("attached", 1, attached_to=server)
    done = user.task("usage_report")
    assert done.result["account"]["project"] == PROJECT
    assert [each["name"] for each in done.result["allocations"]] == [f"{PROJECT} CPU", f"{PROJECT} GPU"]
    requested = done.requests()
    # The servers, and those that were deleted.
    assert requested.count("GET compute /servers/detail") == 2
    assert requested.count("GET block-storage /volumes/detail") == 1
    assert (done.outcome.changed, user.task("usage_report").outcome.changed) == (True, False)


def test_an_unknown_flavor_is_booked_on_no_allocation_and_is_no_silent_zero(user: User) -> None:
    user.cloud.flavor("p9.huge", 4)
    user.has(name="odd", flavor="p9.huge")
    done = user.task("allocation_info")
    assert [each["instances"] for each in done.result["allocations"]] == [0, 0]
    assert done.outcome.warnings == (
        (
            "No rate is known for p9.huge, so sums and forecasts lack their cost. "
            "Set their SU per hour in rates.flavors."
        ),
        "Instances of no allocation source: 1 (p9.huge), an unknown number of SU per hour, which no forecast counts.",
    )


def test_history_is_what_was_done_deleted_servers_included(user: User) -> None:
    [server] = user.has(name="past")
    user.brings([server], "stopped")
    user.cloud.hypervisor.script(server, "start", fail="the host is gone")
    assert user.brings([server], "started").failure
    user.cloud.hypervisor.forget(server)
    user.brings([server], "shelved")
    user.cloud.delete([server])
    [broken] = user.has(state="error", name="broken")
    past = user.task("history_info", uuid=[server.id]).of("past")
    # A start that failed has changed nothing.
    assert [each["status"] for each in past["periods"]] == ["active", "shutoff", "shelved_offloaded"]
    assert all(each["end"] for each in past["periods"])
    assert past["periods"][0]["end"] == past["periods"][1]["start"]
    # That a server fell into error is in none of its actions.
    told = user.task("history_info", uuid=[broken.id]).of("broken")
    assert [each["status"] for each in told["periods"]] == ["active", "error"]
