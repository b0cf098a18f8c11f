# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of the model from the JSON of a real keystone, nova, cinder and glance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Account
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.parsing import (
    allocation_sources_from_accounting,
    instance_from_nova,
    periods_from_actions,
    volume_from_cinder,
    with_image_name,
    with_instance_names,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.json_values import UnreadableRow
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded

TOKEN = recorded("token")["token"]
ACCOUNT = Account(
    user_id=TOKEN["user"]["id"],
    user_name=TOKEN["user"]["name"],
    project_id=TOKEN["project"]["id"],
    project_name=TOKEN["project"]["name"],
    region="IU",
)
SERVERS = {row["name"]: row for row in recorded("servers")["servers"]}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def read(row: dict[str, Any]) -> Instance:
    [image] = recorded("images")["images"]
    return with_image_name(instance_from_nova(row, ACCOUNT), {image["id"]: image["name"]})


@pytest.mark.parametrize(
    ("name", "status", "activity", "power_state", "on_host", "flavor", "payer", "image"),
    [
        ("web", "active", "", "running", True, "m3.quad", "CPU", "Featured-Ubuntu24"),
        ("busy", "active", "powering-off", "running", True, "m3.tiny", "CPU", "Featured-Ubuntu24"),
        ("node-1", "suspended", "", "shut down", True, "m3.small", "CPU", "Featured-Ubuntu24"),
        ("node-2", "shelved_offloaded", "", "shut down", False, "m3.small", "CPU", "Featured-Ubuntu24"),
        ("node-3", "shelved", "", "shut down", False, "m3.small", "CPU", "Featured-Ubuntu24"),
        ("node-4", "error", "", "running", True, "m3.small", "CPU", "Featured-Ubuntu24"),
        ("gpu", "active", "", "running", True, "g3.small", "GPU", "Featured-Ubuntu24"),
        ("on-volume", "active", "", "running", True, "m3.tiny", "CPU", None),
    ],
)
def test_a_server(
    name: str,
    status: str,
    activity: str,
    power_state: str,
    on_host: bool,
    flavor: str,
    payer: str,
    image: str | None,
) -> None:
    made = read(SERVERS[name])
    assert (made.id, made.uuid, made.name, made.live) == (SERVERS[name]["id"], SERVERS[name]["id"], name, True)
    assert (made.status, made.activity, made.power_state, made.on_host) == (status, activity, power_state, on_host)
    assert (made.flavor.name, made.image.name if made.image else None) == (flavor, image)
    assert made.allocation_source is not None
    assert made.allocation_source.name == f"TG-DEMO001 {payer}"


@pytest.mark.parametrize(
    ("flavor", "payer"),
    [
        ("m3.tiny", "TG-DEMO001 CPU"),
        ("r3.large", "TG-DEMO001 LM"),
        ("g3.small", "TG-DEMO001 GPU"),
        ("g4.xl", "TG-DEMO001 GPU"),
        ("g5.large", "TG-DEMO001 GPU"),
        ("g9.new", None),
        ("", None),
    ],
)
def test_the_family_of_the_flavor_decides_which_allocation_pays_and_a_new_one_decides_nothing(
    flavor: str, payer: str | None
) -> None:
    source = read({**SERVERS["web"], "flavor": {"original_name": flavor, "vcpus": 4}}).allocation_source
    assert (source.name if source else None) == payer


def test_addresses_faults_locks_and_notes() -> None:
    web, broken, locked = (read(SERVERS[name]) for name in ("web", "node-4", "node-5"))
    assert web.ip_address is not None
    assert web.ip_address.startswith("149.165.")
    assert set(web.addresses or ()) > {web.ip_address}
    assert web.metadata == {"course": "bio101"}
    assert (web.locked, web.lock_reason, web.fault) == (False, None, None)
    assert broken.fault == "the host does not answer"
    assert (locked.locked, locked.lock_reason) == (True, "an important job runs here")


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, ("default",)),
        ({"security_groups": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, ("a", "b")),
        ({"security_groups": []}, ()),
        ({"security_groups": None}, ()),
        ({"security_groups": None, "addresses": {}}, None),
        ({"security_groups": "a"}, None),
    ],
)
def test_a_server_without_security_groups_has_none_and_one_without_ports_is_not_known(
    changes: dict[str, Any], known: tuple[str, ...] | None
) -> None:
    """Nova leaves the key out in both cases."""
    assert read({**SERVERS["web"], **changes}).facts.security_groups == known


def test_another_users_server_is_not_taken_for_ones_own() -> None:
    assert read(SERVERS["web"]).owner == "demo"
    assert read({**SERVERS["web"], "user_id": "0123"}).owner == "0123"


@pytest.mark.parametrize("task", [["powering-off"], {}, 7, False])
def test_a_task_that_cannot_be_read_is_not_taken_for_none(task: Any) -> None:
    """Otherwise a server that is on its way looks as if it had arrived."""
    with pytest.raises(UnreadableRow, match="task_state is"):
        read({**SERVERS["busy"], "OS-EXT-STS:task_state": task})


def test_values_that_a_cloud_may_leave_out() -> None:
    spare = {"id", "name", "status", "flavor"}
    made = read({name: value for name, value in SERVERS["web"].items() if name in spare})
    assert (made.activity, made.power_state, made.on_host, made.locked, made.addresses) == ("", None, None, None, ())


def test_volumes_name_their_instances_where_these_are_known() -> None:
    rows = {row["name"]: row for row in recorded("volumes")["volumes"]}
    uuid = SERVERS["web"]["id"]
    data = with_instance_names(volume_from_cinder(rows["data"], ACCOUNT), {uuid: "web"})
    assert (data.size, data.status, data.user, data.description) == (7, "in-use", "demo", "")
    [where] = data.attachments
    assert (where.instance_uuid, where.instance_id, where.instance_name) == (uuid, uuid, "web")
    [stranger] = volume_from_cinder(rows["data"], ACCOUNT).attachments
    assert (stranger.instance_uuid, stranger.instance_id, stranger.instance_name) == (uuid, None, None)
    assert volume_from_cinder(rows["spare"], ACCOUNT).attachments == ()


def test_of_each_resource_the_allocation_that_holds_now() -> None:
    cpu, gpu = allocation_sources_from_accounting(recorded("allocations"), ACCOUNT, NOW)
    assert (cpu.name, cpu.uuid) == ("TG-DEMO001 CPU", "jetstream2.indiana.xsede.org")
    assert (cpu.compute_allowed, cpu.compute_used, cpu.lag_hours) == (200000.0, 41250.25, 24)
    assert (gpu.name, gpu.compute_used) == ("TG-DEMO001 GPU", 0)


def row(start: Any, end: Any, active: object = 1, **more: Any) -> dict[str, Any]:
    return {
        "resource": "jetstream2.indiana.xsede.org",
        "service_units_allocated": 1.0,
        "service_units_used": None,
        "start_date": start,
        "end_date": end,
        "active": active,
        **more,
    }


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        # It still holds on its last day, and on its first.
        ([row("2025-11-25", "2026-11-24"), row("2026-11-25", "2027-11-24")], "2026-11-24"),
        ([row("2025-11-24", "2026-11-23"), row("2026-11-24", "2027-11-24")], "2027-11-24"),
        # The service may write times for dates, and yes and no for 1 and 0.
        ([row("2026-01-01T00:00:00Z", "2026-12-31T23:59:59+00:00", active=True)], "2026-12-31T23:59:59+00:00"),
        # Two that hold: the one that lasts longer. None that holds: the one that ended last.
        ([row("2026-01-01", "2027-06-30"), row("2026-01-01", "2026-12-31")], "2027-06-30"),
        ([row("2024-01-01", "2024-12-31"), row("2025-01-01", "2025-12-31")], "2025-12-31"),
        ([row("2026-01-01", "2027-06-30", active=0), row("2026-01-01", "2026-12-31")], "2026-12-31"),
        # A date that cannot be read bounds nothing, and one that can is believed first.
        ([row("2026-01-01", None), row("2024-01-01", "2025-12-31", active=0)], None),
        ([row("01/01/2026", "12/31/2026"), row("2024-01-01", "2025-12-31", active=0)], "12/31/2026"),
        ([row("2026-01-01", "12/31/2026"), row("2026-01-01", "2026-12-31")], "2026-12-31"),
        ([row("2020-01-01", "2020-12-31")], "2020-12-31"),
        ([row(None, 20261231), row("2020-01-01", "2020-12-31")], "20261231"),
        (["nonsense", None, 7, [], {"resource": None}, row("2026-01-01", "2026-12-31")], "2026-12-31"),
    ],
)
def test_of_several_rows_for_one_resource_one_is_chosen(rows: list[Any], chosen: Any) -> None:
    [source] = allocation_sources_from_accounting(rows, ACCOUNT, NOW)
    assert source.end_date == chosen


def test_an_allocation_without_an_end_is_reported_to_have_none() -> None:
    without = row("2026-01-01", None)
    del without["end_date"]
    for each in (without, row("2026-01-01", None), row("2026-01-01", "")):
        [source] = allocation_sources_from_accounting([each], ACCOUNT, NOW)
        assert source.flaws == ("the accounting service returns no end date",)
    [source] = allocation_sources_from_accounting([row("2026-01-01", "2026-12-31")], ACCOUNT, NOW)
    assert source.flaws == ()


def test_one_odd_row_does_not_end_the_others() -> None:
    rows = recorded("allocations")
    rows[1]["end_date"] = "12/31/2099"
    cpu, gpu = allocation_sources_from_accounting(rows, ACCOUNT, NOW)
    assert (cpu.end_date, gpu.end_date) == ("12/31/2099", "2099-09-30")


def test_history_has_the_actions_until_the_deletion() -> None:
    [deleted] = recorded("deleted_servers")["servers"]
    done = recorded("actions")["actions of doomed"]["instanceActions"]
    active, stopped = periods_from_actions(read(deleted), deleted, done)
    assert (active.status, stopped.status) == ("active", "shutoff")
    # Not from when it was asked for, but from when it was done.
    assert active.start.isoformat() == f"{done[2]['updated_at']}+00:00"
    assert active.end == stopped.start
    assert stopped.end is not None
    assert stopped.end.isoformat() == f"{done[0]['updated_at']}+00:00"


def test_history_leaves_out_failed_actions() -> None:
    done = recorded("actions")["actions of broken"]["instanceActions"]
    assert [each["action"] for each in done] == ["unshelve", "shelve", "create"]
    periods = periods_from_actions(read(SERVERS["broken"]), SERVERS["broken"], done)
    assert [each.status for each in periods] == ["active", "shelved_offloaded"]
    assert periods[-1].end is None


def done_at(action: str, time: str, message: str | None = None) -> dict[str, Any]:
    return {"action": action, "start_time": time, "updated_at": time, "message": message}


@pytest.mark.parametrize(
    ("failed", "since"),
    [
        ([], "2026-11-23T23:27:31+00:00"),
        ([done_at("stop", "2026-11-23T23:27:30.700000", "Error")], "2026-11-23T23:27:31+00:00"),
        # Nova cuts the time of a server's last change to seconds, but not that of an action.
        ([done_at("stop", "2026-11-23T23:27:31.700000", "Error")], "2026-11-23T23:27:31.700000+00:00"),
    ],
)
def test_history_ends_with_the_present_state_after_any_actions(failed: list[dict[str, Any]], since: str) -> None:
    assert SERVERS["node-4"]["updated"] == "2026-11-23T23:27:31Z"
    created = [done_at("create", "2026-11-23T23:27:20.500000")]
    active, error = periods_from_actions(read(SERVERS["node-4"]), SERVERS["node-4"], [*failed, *created])
    assert (active.status, error.status, error.end) == ("active", "error", None)
    assert active.end == error.start == datetime.fromisoformat(since)
    # A state that it passes through is none that it reached.
    resizing = {**SERVERS["web"], "status": "RESIZE"}
    assert [each.status for each in periods_from_actions(read(resizing), resizing, created)] == ["active"]
