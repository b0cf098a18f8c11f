# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes images by nova, and changes and deletes them by glance. Facts: docs/jetstream2.md, Images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from ...errors import Conflict, NotFound, UnexpectedResponse
from ...model import ImageChange, Instance, ProjectImage
from ...text.terminal import one_line
from ..json_values import Json, UnreadableRow, flag, mapping, rows, text, word
from .api import Api, object_in, rows_in
from .catalog import image_from_glance
from .login import Account

# The property with the token of the request that made an image.
_MADE_BY = "jetstream_cloud_token"
# The suffix of nova's names for images of shelved servers.
_SHELVED = "-shelved"
_PATCH = "application/openstack-images-v2.1-json-patch"
# Glance's own attributes of each image. All others are properties.
_BASE_ATTRIBUTES = frozenset(
    {
        *("id", "name", "status", "visibility", "protected", "owner", "tags", "size", "virtual_size", "checksum"),
        *("container_format", "disk_format", "created_at", "updated_at", "min_disk", "min_ram", "locations", "schema"),
        *(
            "self",
            "file",
            "direct_url",
            "os_hidden",
            "os_hash_algo",
            "os_hash_value",
            "deleted",
            "deleted_at",
            "stores",
        ),
    }
)
# Properties that nova and this collection set.
_MARKS = frozenset({_MADE_BY, "block_device_mapping", "instance_uuid", "user_id", "owner_id"})


class Jetstream2ImageStore:
    """The images of one project. May be used by many threads at once."""

    reserved = _BASE_ATTRIBUTES | _MARKS

    def __init__(self, api: Api, account: Account) -> None:
        """Send nothing yet."""
        self._api = api
        self._account = account

    def list_images(self, called: str) -> Sequence[ProjectImage]:
        """Return the project's own images with a name or UUID. See ImageStore."""
        task = "Listing images"
        found = self._called(called, task)
        if not found and not _may_be_uuid(called):
            # Glance lists either the hidden images, or the others.
            found = self._called(called, task, os_hidden="true")
        if not found and _may_be_uuid(called):
            with suppress(NotFound):
                row = mapping(self._api.get("image", f"/v2/images/{called}", f"Reading the image {called}"))
                found = [row] if self._is_own(row) else []
        return [_image(each, self._account, task) for each in found]

    def _called(self, name: str, task: str, **filters: str) -> list[Json]:
        query = {"name": name, "owner": self._account.project_id, "sort": "created_at:asc", **filters}
        listed = self._api.rows("image", "/v2/images", "images", task, query, links="next")
        if any(text(each.get("name")) is None for each in listed):
            # It may have the requested name, and must not be made a second time.
            raise UnexpectedResponse(f"{task} failed: a row of the images named {one_line(name)} has no name.")
        called = [each for each in listed if text(each.get("name")) == name]
        if any(text(each.get("owner")) is None for each in called):
            # It may belong to the project, and must not be made a second time.
            raise UnexpectedResponse(f"{task} failed: the row of the image {one_line(name)} has no owner.")
        return [each for each in called if self._is_own(each)]

    def shelved_images(self) -> Sequence[ProjectImage]:
        """Return the images of shelved servers. See ImageStore."""
        task = "Listing images"
        query = {"owner": self._account.project_id, "visibility": "private"}
        listed = self._api.rows("image", "/v2/images", "images", task, query, links="next")
        own = [each for each in listed if self._is_own(each) and (text(each.get("name")) or "").endswith(_SHELVED)]
        return [each for each in (_image(row, self._account, task) for row in own) if each.instance_uuid]

    def _is_own(self, row: Json) -> bool:
        return row.get("owner") == self._account.project_id

    def create(self, instance: Instance, name: str, properties: Mapping[str, str], token: str) -> None:
        """Request a snapshot of a server. See ImageStore."""
        body = {"createImage": {"name": name, "metadata": {**properties, _MADE_BY: token}}}
        path = f"/servers/{instance.uuid}/action"
        self._api.send("POST", "compute", path, f"Making an image of {instance.label}", body, once=True)

    def change(self, image: ProjectImage, change: ImageChange) -> None:
        """Change an image in place, in one request. See ImageStore."""
        values: dict[str, Any] = dict(change.properties)
        if change.visibility is not None:
            values["visibility"] = change.visibility
        if change.protected is not None:
            values["protected"] = change.protected
        patch = [{"op": "add", "path": f"/{_escaped(name)}", "value": value} for name, value in values.items()]
        task = f"Changing the image {image.label}"
        self._api.patch("image", f"/v2/images/{image.uuid}", task, patch, _PATCH)

    def members(self, image: ProjectImage) -> Sequence[str]:
        """Return the ids of the projects that an image is shared with. See ImageStore."""
        task = f"Listing the members of {image.label}"
        body = self._api.get("image", f"/v2/images/{image.uuid}/members", task)
        return [name for each in rows_in(body, "members", task) if (name := text(each.get("member_id")))]

    def add_member(self, image: ProjectImage, project: str) -> None:
        """Share an image with a project. See ImageStore."""
        task = f"Sharing the image {image.label}"
        with suppress(Conflict):
            self._api.send("POST", "image", f"/v2/images/{image.uuid}/members", task, {"member": project})

    def remove_member(self, image: ProjectImage, project: str) -> None:
        """Stop sharing an image with a project. See ImageStore."""
        path = f"/v2/images/{image.uuid}/members/{quote(project, safe='')}"
        with suppress(NotFound):
            self._api.send("DELETE", "image", path, f"Ending the sharing of the image {image.label}")

    def delete(self, image: ProjectImage) -> None:
        """Request the deletion of an image. See ImageStore."""
        with suppress(NotFound):
            self._api.send("DELETE", "image", f"/v2/images/{image.uuid}", f"Deleting the image {image.label}")

    def snapshot_status(self, uuid: str) -> str | None:
        """Return the status of a snapshot of a volume. See ImageStore."""
        task = f"Reading the snapshot {uuid}"
        try:
            body = self._api.get("volumev3", f"/snapshots/{uuid}", task)
        except NotFound:
            return None
        return word(object_in(body, "snapshot", task).get("status")) or "unknown"

    def delete_snapshot(self, uuid: str) -> None:
        """Request the deletion of a snapshot of a volume. See ImageStore."""
        with suppress(NotFound):
            self._api.send("DELETE", "volumev3", f"/snapshots/{uuid}", f"Deleting the snapshot {uuid}")


def _may_be_uuid(called: str) -> bool:
    return len(called) in (32, 36) and all(each in "0123456789abcdefABCDEF-" for each in called)


def _escaped(name: str) -> str:
    """Return a name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _image(row: Json, account: Account, task: str) -> ProjectImage:
    try:
        found = image_from_glance(row, account)
    except UnreadableRow as error:
        raise UnexpectedResponse(f"{task} failed: the response cannot be parsed: {error}.") from error
    return ProjectImage(
        uuid=found.uuid,
        name=found.name,
        status=found.status or "unknown",
        visibility=found.visibility or "private",
        protected=flag(row.get("protected")) or False,
        size=found.size,
        min_disk=found.min_disk,
        min_ram=found.min_ram,
        created=found.created,
        properties=_properties(row),
        token=text(row.get(_MADE_BY)),
        instance_uuid=text(row.get("instance_uuid")),
        snapshots=_snapshots(row.get("block_device_mapping")),
    )


def _properties(row: Json) -> dict[str, str]:
    reserved = Jetstream2ImageStore.reserved
    return {key: text(value) or "" for key, value in row.items() if key not in reserved and isinstance(value, str)}


def _snapshots(devices: object) -> tuple[str, ...]:
    """Return the ids of the snapshots of volumes in ``block_device_mapping``, which nova writes as a JSON string."""
    try:
        parsed = json.loads(devices) if isinstance(devices, str) else devices
    except ValueError:
        return ()
    found = [text(each.get("snapshot_id")) for each in rows(parsed)]
    return tuple(each for each in found if each and _may_be_uuid(each))
