# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes volumes by cinder, and attaches them by nova. Facts: docs/jetstream2.md, Volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...errors import NotFound, OverAllocation, UnexpectedResponse
from ...model import BootVolume, Instance, Snapshot, Volume, VolumeOptions, VolumeRequest
from ...text.terminal import one_line
from ..json_values import Json, UnreadableRow, mapping, rows, text, uuid_of, whole, word
from .api import COMPUTE, Api, rows_in
from .login import Account, Session
from .parsing import volume_from_cinder
from .quotas import growth_shortfalls, volume_shortfalls
from .responses import raise_for_status

_CINDER = "volumev3"
_NO_UUID = "00000000-0000-0000-0000-000000000000"
# The first microversions of cinder that extend an attached volume, and that list attachments.
_EXTEND_ATTACHED, _ATTACHMENTS = "3.42", "3.27"
_ONE_PROJECT = "On Jetstream2, a login is for one project, at one site."
# In other statuses, nova refuses to attach and detach volumes.
_ATTACHABLE_STATUSES = frozenset({"active", "paused", "shutoff", "shelved", "shelved_offloaded", "verify_resize"})


class Jetstream2VolumeStore:
    """The volumes of one project. May be used by many threads at once."""

    unsupported: Mapping[str, str] = {"project": _ONE_PROJECT, "provider": _ONE_PROJECT}

    def __init__(self, session: Session, account: Callable[[], Account]) -> None:
        """Send nothing yet."""
        self._session = session
        self._account = account

    def get(self, volume: Volume) -> Volume:
        """Return the present state of a volume. See VolumeStore."""
        return self._volume(self._cinder("GET", f"/volumes/{volume.uuid}", f"Reading {volume.label}"), volume.label)

    def prepare(self, options: VolumeOptions, volumes: Sequence[Volume]) -> VolumeRequest:
        """Check cinder's limits, and return the request. See VolumeStore."""
        limits = mapping(self._cinder("GET", "/limits", "Reading the limits of volumes"))
        short = volume_shortfalls(limits, BootVolume(options.size), 1)
        if short:
            raise OverAllocation(f"{one_line(options.name)}: {', and '.join(short)}.")
        body: dict[str, str | int] = {"name": options.name, "size": options.size}
        if options.description is not None:
            body["description"] = options.description
        if options.snapshot is not None:
            body["snapshot_id"] = options.snapshot.uuid
        account = self._account()
        row = {**body, "id": _NO_UUID, "status": "available", "user_id": account.user_id}
        return VolumeRequest(body, replace(volume_from_cinder(row, account), id="", uuid=""))

    def growth_refusal(self, *, gigabytes: int, snapshots: int) -> str | None:
        """Compare the growth with cinder's limits. See VolumeStore.

        It is unknown whether a site counts the sizes of snapshots as well.
        """
        limits = Api(self._session).quota(_CINDER, "/limits")
        short = growth_shortfalls(limits, gigabytes=gigabytes, snapshots=snapshots)
        return f"{', and '.join(short)}." if short else None

    def create(self, request: VolumeRequest) -> Volume:
        """Request a volume. See VolumeStore."""
        name = one_line(request.volume.name)
        body = {"volume": dict(request.body)}
        return self._volume(self._cinder("POST", "/volumes", f"Creating {name}", body, once=True), name)

    def extend(self, volume: Volume, size: int) -> None:
        """Request a larger size. See VolumeStore."""
        # Without an attachment, no microversion is needed, which older clouds may lack.
        version = _EXTEND_ATTACHED if volume.attachments else None
        body = {"os-extend": {"new_size": size}}
        self._cinder("POST", f"/volumes/{volume.uuid}/action", f"Growing {volume.label}", body, version=version)

    def describe(self, volume: Volume, description: str) -> None:
        """Replace the description. See VolumeStore."""
        body = {"volume": {"description": description}}
        self._cinder("PUT", f"/volumes/{volume.uuid}", f"Describing {volume.label}", body)

    def attach_refusal(self, volume: Volume, instance: Instance) -> str | None:
        """Return why nova would refuse to attach. See VolumeStore."""
        return self.detach_refusal(instance)

    def attach(self, volume: Volume, instance: Instance, device: str | None) -> None:
        """Request an attachment. See VolumeStore."""
        body: dict[str, Json] = {
            "volumeAttachment": {"volumeId": volume.uuid, **({"device": device} if device else {})}
        }
        path = f"/servers/{instance.uuid}/os-volume_attachments"
        self._nova("POST", path, f"Attaching {volume.label} to {instance.label}", body)

    def detach_refusal(self, instance: Instance) -> str | None:
        """Return why nova would refuse to detach. See VolumeStore."""
        return detach_refusal(instance)

    def detach(self, volume: Volume, instance_uuid: str) -> None:
        """Request the end of an attachment. See VolumeStore."""
        path = f"/servers/{instance_uuid}/os-volume_attachments/{volume.uuid}"
        self._nova("DELETE", path, f"Detaching {volume.label}")

    def stale_attachments(self, volume: Volume) -> Sequence[str]:
        """Return the ids of cinder's attachments to servers that nova no longer has. See VolumeStore."""
        task = f"Reading the attachments of {volume.label}"
        body = self._cinder("GET", f"/attachments?volume_id={volume.uuid}", task, version=_ATTACHMENTS)
        found = [(text(each.get("id")), text(each.get("instance"))) for each in rows(mapping(body).get("attachments"))]
        return [uuid for uuid, server in found if uuid and server and not self._has_server(server)]

    def remove_attachment(self, volume: Volume, attachment: str) -> None:
        """Remove an attachment from cinder's records. See VolumeStore."""
        task = f"Removing a stale attachment of {volume.label}"
        with suppress(NotFound):
            self._cinder("DELETE", f"/attachments/{attachment}", task, version=_ATTACHMENTS)

    def list_snapshots(self, volume: Volume | None = None) -> Sequence[Snapshot]:
        """Return the snapshots of a volume, or of the project. See VolumeStore."""
        query = f"?volume_id={volume.uuid}" if volume else ""
        task = "Listing snapshots"
        return [
            _snapshot(each)
            for each in rows_in(self._cinder("GET", f"/snapshots/detail{query}", task), "snapshots", task)
        ]

    def create_snapshot(self, volume: Volume, name: str) -> None:
        """Request a snapshot, even of an attached volume. See VolumeStore."""
        body = {"snapshot": {"volume_id": volume.uuid, "name": name, "force": True}}
        self._cinder("POST", "/snapshots", f"Making a snapshot of {volume.label}", body, once=True)

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        """Request the deletion of a snapshot. See VolumeStore."""
        with suppress(NotFound):
            self._cinder("DELETE", f"/snapshots/{snapshot.uuid}", f"Deleting the snapshot {snapshot.label}")

    def delete(self, volume: Volume) -> None:
        """Request the deletion of a volume. See VolumeStore."""
        with suppress(NotFound):
            self._cinder("DELETE", f"/volumes/{volume.uuid}", f"Deleting {volume.label}")

    def _has_server(self, uuid: str) -> bool:
        try:
            self._nova("GET", f"/servers/{uuid}", "Reading an instance")
        except NotFound:
            return False
        return True

    def _cinder(
        self,
        method: str,
        path: str,
        task: str,
        data: Json | None = None,
        *,
        version: str | None = None,
        once: bool = False,
    ) -> Any:
        reply = self._session.request(method, _CINDER, path, data=data, microversion=version, once=once)
        return raise_for_status(reply, task)

    def _nova(self, method: str, path: str, task: str, data: Json | None = None) -> Any:
        return raise_for_status(self._session.request(method, "compute", path, data=data, microversion=COMPUTE), task)

    def _volume(self, body: Any, label: str) -> Volume:
        try:
            return volume_from_cinder(mapping(mapping(body).get("volume")), self._account())
        except UnreadableRow as error:
            raise UnexpectedResponse(f"Reading {label} failed: the response cannot be parsed: {error}.") from error


def _snapshot(row: Json) -> Snapshot:
    try:
        return Snapshot(
            uuid=uuid_of(row, "id"),
            name=text(row.get("name")) or "",
            volume_uuid=text(row.get("volume_id")) or "",
            size=whole(row.get("size")),
            status=word(row.get("status")),
        )
    except UnreadableRow as error:
        raise UnexpectedResponse(f"Listing snapshots failed: the response cannot be parsed: {error}.") from error


def detach_refusal(instance: Instance) -> str | None:
    """Return a clause on why nova would refuse to detach a volume from a server, or None."""
    if instance.locked:
        return "it is locked"
    if instance.activity:
        return f"the cloud is changing it ({one_line(instance.activity)})"
    return None if instance.status in _ATTACHABLE_STATUSES else f"it is {one_line(instance.status)}"
