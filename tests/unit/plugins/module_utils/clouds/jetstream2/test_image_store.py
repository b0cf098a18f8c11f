# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests for images, and the objects made from responses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import UnexpectedResponse
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import ImageChange, ProjectImage
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.jetstream2.test_client import (
    ACCEPTED,
    of,
)

LIST = "GET image /v2/images"
UUID = "5e8df51f-4e45-42e3-bd95-dac934e022df"
SNAPSHOT = "24aff78d-63fd-40db-8332-3532f7a996d9"
IMAGE = ProjectImage(UUID, "geo", status="active")


def row(**values: Any) -> dict[str, Any]:
    made, _session = of({})
    owner = made.account().project_uuid
    return {"id": UUID, "name": "geo", "owner": owner, "status": "active", "visibility": "private", **values}


def test_the_images_of_others_and_of_other_names_are_left_out() -> None:
    """A glance that ignored a filter would list them."""
    rows = [row(), row(owner="another"), row(name="GEO")]
    made, session = of({LIST: {"images": rows}})
    [found] = made.image_store().list_images("geo")
    assert (found.uuid, session.requested) == (UUID, [LIST])


def test_an_image_is_read_by_its_uuid_if_it_is_the_projects_own() -> None:
    for owner, count in ((None, 1), ("another", 0)):
        more = {"owner": owner} if owner else {}
        made, session = of({LIST: {"images": []}, f"GET image /v2/images/{UUID}": row(**more)})
        assert len(made.image_store().list_images(UUID)) == count
        assert session.requested == [LIST, f"GET image /v2/images/{UUID}"]
    made, session = of({LIST: {"images": []}})
    # The second list has hidden images.
    assert (made.image_store().list_images("geo"), session.requested) == ([], [LIST, LIST])


def test_images_of_shelved_servers_are_known_by_name_and_server() -> None:
    rows = [
        row(id="a", name="web-shelved", instance_uuid="i"),
        row(id="b", name="web-shelved", instance_uuid="i", owner="another"),
        row(id="c", name="web-shelved-2", instance_uuid="i"),
        # A user gave it that name.
        row(id="d", name="top-shelved"),
    ]
    made, session = of({LIST: {"images": rows}})
    assert [each.uuid for each in made.image_store().shelved_images()] == ["a"]
    assert session.requested == [LIST]


def test_an_image_shows_what_users_can_set_and_what_it_refers_to() -> None:
    devices = json.dumps([{"snapshot_id": SNAPSHOT, "source_type": "snapshot"}, {"snapshot_id": None}, "x"])
    values = {
        "os_distro": "ubuntu",
        "description": "d",
        "block_device_mapping": devices,
        "jetstream_cloud_token": "t",
        "instance_uuid": "i",
        "size": 0,
        "min_disk": 20,
        "min_ram": 0,
        "protected": True,
        "created_at": "2026-11-26T04:00:00Z",
        "tags": ["a"],
        "self": "/v2/images",
    }
    made, _session = of({LIST: {"images": [row(**values)]}})
    [found] = made.image_store().list_images("geo")
    assert found == ProjectImage(
        UUID,
        "geo",
        status="active",
        protected=True,
        size=0,
        min_disk=20,
        min_ram=0,
        created="2026-11-26T04:00:00Z",
        properties={"os_distro": "ubuntu", "description": "d"},
        token="t",
        instance_uuid="i",
        snapshots=(SNAPSHOT,),
    )
    assert set(found.to_result()) == set(ProjectImage.__slots__) - {"token"}


@pytest.mark.parametrize("devices", ["no JSON", "{}", '[{"snapshot_id": "../volumes"}]', None, 1, '["x"]'])
def test_devices_that_cannot_be_read_are_none(devices: object) -> None:
    made, _session = of({LIST: {"images": [row(block_device_mapping=devices)]}})
    assert made.image_store().list_images("geo")[0].snapshots == ()


def test_a_row_without_an_id_is_reported() -> None:
    made, _session = of({LIST: {"images": [row(id=None)]}})
    with pytest.raises(UnexpectedResponse, match="id is null"):
        made.image_store().list_images("geo")


def test_a_snapshot_carries_its_mark_and_its_properties() -> None:
    server = an_instance()
    path = f"POST compute /servers/{server.uuid}/action"
    made, session = of({path: ACCEPTED})
    made.image_store().create(server, "geo", {"course": "geo"}, "t0ken")
    metadata = {"course": "geo", "jetstream_cloud_token": "t0ken"}
    assert session.sent == [{"createImage": {"name": "geo", "metadata": metadata}}]


def test_all_changes_go_in_one_request() -> None:
    path = f"PATCH image /v2/images/{UUID}"
    made, session = of({path: row()})
    made.image_store().change(IMAGE, ImageChange("shared", protected=False, properties={"a/b~c": "1"}))
    assert session.sent == [
        [
            {"op": "add", "path": "/a~1b~0c", "value": "1"},
            {"op": "add", "path": "/visibility", "value": "shared"},
            {"op": "add", "path": "/protected", "value": False},
        ]
    ]


def test_deleting_a_missing_image_is_no_error() -> None:
    made, session = of({})
    store = made.image_store()
    store.delete(IMAGE)
    store.remove_member(IMAGE, "tg")
    store.delete_snapshot(SNAPSHOT)
    assert (store.snapshot_status(SNAPSHOT), len(session.requested)) == (None, 4)
