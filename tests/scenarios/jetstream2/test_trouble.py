# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people who automated Jetstream2 before had to learn at their own cost. Each on a real nova."""

from __future__ import annotations

import re
import threading

import pytest
from ansible_collections.jetstream.cloud.tests.openstack.fleet import addresses
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User


def test_a_busy_server_is_waited_for_and_only_then_acted_on(user: User) -> None:
    [server] = user.has(name="busy")
    held = user.cloud.hypervisor.held(server, "reboot")
    held.__enter__()
    user.cloud.act(server, {"reboot": {"type": "HARD"}})
    release = threading.Timer(6, held.__exit__, (None, None, None))
    release.start()
    done = user.brings([server], "stopped")
    release.join()
    assert done.of("busy")["before"].startswith("hard_reboot - reboot")
    assert (done.of("busy")["after"], done.of("busy")["msg"]) == ("shutoff", "stop done")
    # Had it been asked for while the server was busy, nova would have refused it.
    assert [each.status for each in done.seen.of("compute", "POST")] == [202]


def test_what_stays_busy_fails_when_the_time_is_up_and_is_never_acted_on(user: User) -> None:
    [server] = user.has(name="stuck")
    with user.cloud.hypervisor.held(server, "reboot"):
        user.cloud.act(server, {"reboot": {"type": "HARD"}})
        done = user.brings([server], "stopped", wait_timeout=4)
    assert done.failure.startswith("stuck: was not stopped within 4 s (last seen hard_reboot - reboot")
    assert done.seen.of("compute", "POST") == []


def test_a_failed_unshelve_is_reported_with_the_clouds_reason_though_the_server_is_in_no_error(user: User) -> None:
    [server] = user.has(state="shelved_offloaded", name="broken")
    user.cloud.hypervisor.script(server, "unshelve", fail="no space left on device")
    done = user.brings([server], "started")
    assert user.cloud.show(server)["status"] == "SHELVED_OFFLOADED"
    assert done.of("broken")["failed"]
    assert re.fullmatch(
        r"the cloud accepted the unshelve, but it is shelved_offloaded again: it failed in compute_unshelve_instance\. "
        r"The site can look up req-[0-9a-f-]{36}",
        done.of("broken")["msg"],
    )
    # What the site knows is what went wrong here.
    [action, *_older] = user.cloud.admin.get("compute", f"/servers/{server.id}/os-instance-actions")["instanceActions"]
    assert action["request_id"] in done.of("broken")["msg"]


def test_no_capacity_is_reported_as_that(user: User) -> None:
    [server] = user.has(state="shelved_offloaded", name="full")
    user.cloud.hypervisor.no_capacity(server)
    done = user.brings([server], "started")
    assert done.of("full")["after"] == "shelved_offloaded"
    assert "it is shelved_offloaded again: no host had room for it." in done.failure


def test_a_server_that_no_host_could_take_says_so(user: User) -> None:
    """Created without capacity it is in error, with no host and no address, and its fault has the reason."""
    user.cloud.hypervisor.no_capacity("nowhere")
    with pytest.raises(TimeoutError, match="No valid host was found"):
        user.has(name="nowhere")
    [seen] = user.task("instance_info", name=["nowhere"]).result["instances"]
    assert (seen["status"], seen["on_host"], seen["ip_address"]) == ("error", False, None)
    assert "No valid host was found" in seen["fault"]
    assert "No valid host was found" in user.task("instance_state", name=["nowhere"], state="started").failure


def test_a_server_that_is_shelved_on_no_host_is_not_unshelved(user: User) -> None:
    [server] = user.has(state="shelved_without_host", name="lost")
    for check_mode in (True, False):
        done = user.brings([server], "started", check_mode=check_mode)
        assert done.failure == (
            "lost: it is shelved, and no host has it, so an unshelve would be accepted and never end. "
            "Ask the site to shelve-offload it."
        )
        assert done.seen.of("compute", "POST") == []
    assert user.brings([server], "shelved").of("lost")["msg"] == "already shelved"


def test_hands_off_what_its_owner_has_locked_unless_allowed(user: User) -> None:
    [server] = user.has(state="locked", name="precious")
    done = user.brings([server], "stopped")
    assert (done.of("precious")["skipped"], done.failure) == (True, "")
    assert done.of("precious")["msg"] == ("skipped: active, locked: an important job runs here (include_locked)")
    assert done.seen.of("compute", "POST") == []
    assert user.brings([server], "stopped", include_locked=True).of("precious")["after"] == "shutoff"
    shown = user.cloud.show(server)
    assert (shown["locked"], shown["locked_reason"]) == (True, "an important job runs here")
    # Locked or not, it is where it should be.
    assert user.brings([server], "stopped").of("precious")["msg"] == "already shutoff"


def test_a_server_on_its_way_is_waited_for_although_it_is_locked_meanwhile(user: User) -> None:
    [server] = user.has(name="leaving")
    user.cloud.hypervisor.script(server, "stop", seconds=3)
    user.cloud.act(server, {"os-stop": None})
    user.cloud.lock(server, "exam")
    done = user.brings([server], "stopped")
    assert (done.of("leaving")["msg"], done.failure) == ("reached shutoff on its own", "")
    assert done.seen.of("compute", "POST") == []
    assert user.brings([server], "started").of("leaving")["msg"] == "skipped: shutoff, locked: exam (include_locked)"


def test_what_the_site_has_locked_is_reported_in_novas_words(user: User) -> None:
    [server] = user.has(name="sealed")
    user.cloud.lock(server, "maintenance", as_admin=True)
    done = user.brings([server], "stopped", include_locked=True)
    assert done.of("sealed")["after"] == "active"
    assert "Unlock of sealed was refused" in done.failure
    shown = user.cloud.show(server)
    assert (shown["locked"], shown["locked_reason"]) == (True, "maintenance")


@pytest.mark.parametrize("flavor", ["g3.small", "r3.large"])
def test_suspend_is_not_tried_on_sizes_that_refuse_it(user: User, flavor: str) -> None:
    [server] = user.has(name="big", flavor=flavor)
    for check_mode in (True, False):
        done = user.brings([server], "suspended", check_mode=check_mode)
        assert done.failure == f"big: it is active, and its flavor {flavor} cannot be suspended."
        assert done.seen.of("compute", "POST") == []


def test_a_floating_ip_is_kept_through_the_shelf(user: User) -> None:
    [server] = user.has(name="reachable", network=True)
    address = user.cloud.floating_ip(server)
    assert user.brings([server], "shelved").of("reachable")["after"] == "shelved_offloaded"
    assert user.brings([server], "started").of("reachable")["after"] == "active"
    assert address in addresses(user.cloud.show(server))
    [seen] = user.task("instance_info", name=["reachable"]).result["instances"]
    assert seen["ip_address"] == address


def test_one_failure_does_not_end_the_run(user: User) -> None:
    servers = user.has(5, name="five")
    user.cloud.hypervisor.script(servers[1], "stop", fail="the host is gone")
    user.cloud.hypervisor.script(servers[3], "stop", fail="the disk is gone", then="error")
    done = user.brings(servers, "stopped")
    ends = {each["name"]: (each["after"], each["failed"]) for each in done.result["instances"]}
    assert ends == {
        "five-1": ("shutoff", False),
        "five-2": ("active", True),
        "five-3": ("shutoff", False),
        "five-4": ("error", True),
        "five-5": ("shutoff", False),
    }
    assert "the cloud accepted the stop, but it is active again: it failed in" in done.of("five-2")["msg"]
    assert done.of("five-4")["msg"] == "in error: the disk is gone"
    assert done.result["summary"] == {
        "selected": 5,
        "changed": 5,
        "unchanged": 0,
        "skipped": 0,
        "failed": 2,
        "others": 0,
    }


def test_a_server_on_a_volume_goes_to_the_shelf_at_once_and_leaves_no_image(user: User) -> None:
    [server] = user.has(name="on-volume", volume_backed=True)
    assert user.brings([server], "shelved").of("on-volume")["after"] == "shelved_offloaded"
    images = user.cloud.owner.get("image", f"/v2/images?owner={user.cloud.owner.project_id}")["images"]
    assert images == []
    assert user.brings([server], "started").of("on-volume")["after"] == "active"


def test_what_is_deleted_on_its_way_to_sleep_is_as_stopped_as_can_be(user: User) -> None:
    [server] = user.has(name="fleeting")
    user.cloud.hypervisor.script(server, "stop", seconds=5)
    release = threading.Timer(2, user.cloud.owner.delete, ("compute", f"/servers/{server.id}"))
    release.start()
    done = user.brings([server], "stopped")
    release.join()
    assert done.failure == ""
    assert done.outcome.warnings == ("fleeting: the cloud no longer has it.",)


def test_what_is_in_error_is_stopped_only_where_it_runs(user: User) -> None:
    [server] = user.has(state="error", name="err")
    [broken] = user.task("instance_info", name=["err"]).result["instances"]
    assert (broken["status"], broken["power_state"]) == ("error", "running")
    assert user.brings([server], "started").of("err")["failed"]
    done = user.brings([server], "stopped")
    assert (done.of("err")["after"], done.of("err")["actions"], done.failure) == ("shutoff", ["stop"], "")


def test_what_is_in_error_and_runs_no_more_is_skipped_and_can_be_rebooted_hard(user: User) -> None:
    [server] = user.has(name="mended")
    user.cloud.hypervisor.script(server, "stop", fail="the disk is gone", then="error")
    user.brings([server], "stopped")
    assert user.cloud.show(server)["status"] == "ERROR"
    running = user.task("instance_info", name=["mended"]).result["instances"][0]["power_state"] == "running"
    if not running:
        done = user.brings([server], "stopped")
        assert (done.of("mended")["skipped"], done.seen.of("compute", "POST")) == (True, [])
    back = user.brings([server], "rebooted", reboot_type="hard")
    assert (back.of("mended")["after"], back.failure) == ("active", "")


def test_paused_servers_are_started_too(user: User) -> None:
    [server] = user.has(state="paused", name="paused")
    assert user.brings([server], "started").of("paused")["actions"] == ["unpause"]


def test_a_way_of_several_steps_is_taken_where_it_is_allowed(user: User) -> None:
    [server] = user.has(state="shelved_offloaded", name="sleeper")
    done = user.brings([server], "suspended", allow_wake=True)
    assert done.of("sleeper")["actions"] == ["unshelve", "suspend"]
    assert user.cloud.show(server)["status"] == "SUSPENDED"
