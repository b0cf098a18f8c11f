# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests to cinder and nova that change volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import OverAllocation, Unreachable
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Snapshot, Volume, VolumeOptions
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.jetstream2.test_client import (
    ACCEPTED,
    of,
)

ROWS = recorded("volumes")["volumes"]
LIMITS = {"maxTotalVolumes": 10, "totalVolumesUsed": 9, "maxTotalVolumeGigabytes": 100, "totalGigabytesUsed": 95}
SNAPSHOT = Snapshot("5e8df51f-4e45-42e3-bd95-dac934e0aaaa", "before", "v", 3, "available")


def volumes() -> dict[str, Volume]:
    made, _session = of({"GET volumev3 /volumes/detail": {"volumes": ROWS}})
    return {each.name: each for each in made.list_volumes(live=True)}


def test_a_volume_is_created_of_what_the_options_have() -> None:
    answers = {
        "GET volumev3 /limits": {"limits": {"absolute": LIMITS}},
        "POST volumev3 /volumes": {"volume": ROWS[0]},
    }
    made, session = of(answers)
    store = made.volume_store()
    request = store.prepare(VolumeOptions("spare", 5, "d", SNAPSHOT), [])
    assert store.create(request).name == "spare"
    assert session.sent == [{"volume": {"name": "spare", "size": 5, "description": "d", "snapshot_id": SNAPSHOT.uuid}}]
    assert (request.volume.name, request.volume.size, request.volume.label) == ("spare", 5, "spare")


@pytest.mark.parametrize(
    ("limits", "size", "said"),
    [
        ({}, 6, "new: 6 GB of volumes required, 5 of 100 available."),
        ({"totalVolumesUsed": 10}, 1, "new: 1 volumes required, 0 of 10 available."),
        ({"maxTotalVolumes": -1, "maxTotalVolumeGigabytes": -1}, 10**6, None),
        ({"maxTotalVolumes": "?", "totalGigabytesUsed": None}, 10**6, None),
    ],
)
def test_the_limits_are_heeded_before_a_request(limits: dict[str, Any], size: int, said: str | None) -> None:
    made, session = of({"GET volumev3 /limits": {"limits": {"absolute": {**LIMITS, **limits}}}})
    if said is None:
        made.volume_store().prepare(VolumeOptions("new", size), [])
    else:
        with pytest.raises(OverAllocation) as raised:
            made.volume_store().prepare(VolumeOptions("new", size), [])
        assert str(raised.value) == said
    assert session.sent == []


def test_an_attached_volume_grows_by_a_version_that_others_do_not_need() -> None:
    known = volumes()
    for name, version in (("spare", None), ("data", "3.42")):
        path = f"POST volumev3 /volumes/{known[name].uuid}/action"
        made, session = of({path: ACCEPTED})
        made.volume_store().extend(known[name], 20)
        assert (session.sent, session.versions) == ([{"os-extend": {"new_size": 20}}], [version])


def test_a_device_is_wished_for_only_where_one_is_given() -> None:
    volume, server = volumes()["spare"], an_instance()
    path = f"POST compute /servers/{server.uuid}/os-volume_attachments"
    for device, more in ((None, {}), ("/dev/sdz", {"device": "/dev/sdz"})):
        made, session = of({path: {}})
        made.volume_store().attach(volume, server, device)
        assert session.sent == [{"volumeAttachment": {"volumeId": volume.uuid, **more}}]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "active"}, None),
        ({"status": "shutoff"}, None),
        ({"status": "shelved_offloaded"}, None),
        ({"status": "suspended"}, "it is suspended"),
        ({"status": "error"}, "it is error"),
        ({"status": "active", "locked": True}, "it is locked"),
        ({"status": "active", "activity": "powering-off"}, "the cloud is changing it (powering-off)"),
    ],
)
def test_a_change_that_nova_would_refuse_is_foreseen(changes: dict[str, Any], reason: str | None) -> None:
    store = of({})[0].volume_store()
    server = replace(an_instance(), **changes)
    assert store.attach_refusal(volumes()["spare"], server) == store.detach_refusal(server) == reason


def test_attachments_to_servers_that_are_gone_are_stale_and_no_others() -> None:
    volume = volumes()["spare"]
    rows = [{"id": "a", "instance": "gone"}, {"id": "b", "instance": "here"}, {"id": "c", "instance": None}]
    answers = {"GET volumev3 /attachments": {"attachments": rows}, "GET compute /servers/here": {"server": {}}}
    made, session = of(answers)
    assert made.volume_store().stale_attachments(volume) == ["a"]
    assert session.versions[0] == "3.27"


def test_a_server_that_cannot_be_read_keeps_its_attachment() -> None:
    rows = [{"id": "a", "instance": "there"}]
    down = {"GET volumev3 /attachments": {"attachments": rows}, "GET compute /servers/there": Unreachable("down")}
    with pytest.raises(Unreachable):
        of(down)[0].volume_store().stale_attachments(volumes()["spare"])


def test_deleting_a_missing_volume_is_no_error() -> None:
    made, session = of({})
    store = made.volume_store()
    store.delete(volumes()["spare"])
    store.delete_snapshot(SNAPSHOT)
    store.remove_attachment(volumes()["spare"], "a")
    assert [each.split()[0] for each in session.requested] == ["DELETE"] * 3
