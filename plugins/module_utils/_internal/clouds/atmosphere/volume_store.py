# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes volumes at Atmosphere. Facts, with the recorded exchanges: docs/atmosphere.md, Volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...errors import NotFound, OverAllocation, Refused, SelectionError, UnexpectedResponse
from ...model import (
    CloudAccount,
    Identity,
    Instance,
    Project,
    Provider,
    Snapshot,
    Volume,
    VolumeOptions,
    VolumeRequest,
)
from ...states import RestingState, classify
from ...text.suggestions import did_you_mean
from ...text.terminal import one_line
from ..json_values import Json, UnreadableRow, mapping, rows, text, uuid_of
from ..quotas import shortfalls
from .login import Login
from .named_rows import row_called
from .parsing import volume_from_v2, with_attachment
from .projects import PROJECTS
from .quotas import limits_of, use_of_volumes
from .responses import raise_for_status

_NO_SNAPSHOTS = "Atmosphere has no snapshots of volumes."
# The statuses in which a volume can be detached. In others, only the deletion of the instance detaches it.
DETACHABLE = frozenset({"active", "suspended", "shutoff"})
# The page size for identities and projects. No account has more, so one page is enough.
_PAGE = 1000


class AtmosphereVolumeStore:
    """The volumes of one user. May be used by many threads at once.

    Atmosphere accepts a request before the cloud carries it out. Only the status of the volume shows a failure.
    """

    unsupported: Mapping[str, str] = {
        "grow": "Atmosphere cannot grow a volume.",
        "snapshot": _NO_SNAPSHOTS,
        "from_snapshot": _NO_SNAPSHOTS,
        "delete_snapshots": _NO_SNAPSHOTS,
    }

    def __init__(self, login: Login, account: Callable[[], CloudAccount], nonce: Callable[[], str]) -> None:
        """Send nothing yet. ``nonce``: returns a value that makes a URL unique, against the cache of v1."""
        self._login = login
        self._account = account
        self._nonce = nonce

    def get(self, volume: Volume) -> Volume:
        """Return the present state of a volume in the cloud. See VolumeStore."""
        row = mapping(self._get(_url(volume), f"Reading {volume.label}", {"_": self._nonce()}))
        return replace(with_attachment(volume, row, {}), description=text(row.get("description")) or "")

    def prepare(self, options: VolumeOptions, volumes: Sequence[Volume]) -> VolumeRequest:
        """Check the quota of the identity, and return the request. See VolumeStore."""
        identity = self._identity(options)
        uuid = text(identity.get("uuid")) or ""
        _require_quota(
            options, mapping(identity.get("quota")), [each for each in volumes if each.identity.uuid == uuid]
        )
        body: dict[str, str | int] = {"name": options.name, "size": options.size, "identity": uuid}
        if options.description is not None:
            body["description"] = options.description
        created = _as_created(options, identity)
        if options.project is not None:
            project = self._project(options.project)
            body["project"], created = project.uuid, replace(created, project=project)
        return VolumeRequest(body, created)

    def growth_refusal(self, *, gigabytes: int, snapshots: int) -> str | None:
        """Return None: Atmosphere supports neither growth nor snapshots. See VolumeStore."""
        return None

    def create(self, request: VolumeRequest) -> Volume:
        """Request a volume. See VolumeStore."""
        task = f"Creating {one_line(request.volume.name)}"
        # Sent once, since a proxy may respond with 503 although Atmosphere creates the volume.
        reply = self._login.request("POST", "/api/v2/volumes", data=dict(request.body), once=True)
        body = raise_for_status(reply, task)
        try:
            # The response lacks the status. If reading it failed, the new volume would seem not to exist.
            return replace(volume_from_v2(mapping(body)), status="creating")
        except UnreadableRow as error:
            raise UnexpectedResponse(f"{task} failed: the response cannot be parsed: {error}.") from error

    def extend(self, volume: Volume, size: int) -> None:
        """Raise Refused: unsupported. See VolumeStore."""
        raise Refused(f"{volume.label}: {self.unsupported['grow']}")

    def describe(self, volume: Volume, description: str) -> None:
        """Replace the description, which exists only in the database. See VolumeStore."""
        data = {"description": description}
        reply = self._login.request("PATCH", f"/api/v2/volumes/{volume.uuid}", data=data)
        raise_for_status(reply, f"Describing {volume.label}")

    def attach_refusal(self, volume: Volume, instance: Instance) -> str | None:
        """Return why Atmosphere would refuse to attach. See VolumeStore."""
        if (volume.provider.uuid, volume.identity.uuid) != (instance.provider.uuid, instance.identity.uuid):
            return f"it is at {one_line(instance.provider.name)}, of {one_line(instance.identity.name)}"
        if instance.status != "active":
            return f"it is {one_line(instance.status)}, but must be active"
        # During a deployment, an instance accepts volumes.
        leaves = classify(instance.status, instance.activity).state not in (None, RestingState.ACTIVE)
        return f"it is active - {one_line(instance.activity)}, but must stay active" if leaves else None

    def attach(self, volume: Volume, instance: Instance, device: str | None) -> None:
        """Request that a worker attaches and mounts a volume. See VolumeStore."""
        data = {"action": "attach_volume", "volume_id": volume.uuid, **({"device": device} if device else {})}
        path = f"{_account_url(volume)}/instance/{instance.uuid}/action"
        raise_for_status(self._login.request("POST", path, data=data), f"Attaching {volume.label} to {instance.label}")

    def detach_refusal(self, instance: Instance) -> str | None:
        """Return why Atmosphere would refuse to detach. See VolumeStore."""
        return None if instance.status in DETACHABLE else f"it is {one_line(instance.status)}"

    def detach(self, volume: Volume, instance_uuid: str) -> None:
        """Request that a worker unmounts and detaches a volume. See VolumeStore."""
        data = {"action": "detach_volume", "volume_id": volume.uuid}
        path = f"{_account_url(volume)}/instance/{instance_uuid}/action"
        raise_for_status(self._login.request("POST", path, data=data), f"Detaching {volume.label}")

    def stale_attachments(self, volume: Volume) -> Sequence[str]:
        """Return nothing: Atmosphere does not show them. See VolumeStore."""
        return ()

    def remove_attachment(self, volume: Volume, attachment: str) -> None:
        """Raise Refused: unsupported. See VolumeStore."""
        raise Refused(f"{volume.label}: Atmosphere does not remove attachments.")

    def list_snapshots(self, volume: Volume | None = None) -> Sequence[Snapshot]:
        """Return nothing: Atmosphere has no snapshots. See VolumeStore."""
        return ()

    def create_snapshot(self, volume: Volume, name: str) -> None:
        """Raise Refused: unsupported. See VolumeStore."""
        raise Refused(f"{volume.label}: {_NO_SNAPSHOTS}")

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        """Raise Refused: unsupported. See VolumeStore."""
        raise Refused(f"{snapshot.label}: {_NO_SNAPSHOTS}")

    def delete(self, volume: Volume) -> None:
        """Request the deletion of a volume. The response is the same if Atmosphere ignores it. See VolumeStore."""
        # v1 fails for a volume in use. v2 responds with 404 once an earlier request has begun the deletion.
        with suppress(NotFound):
            reply = self._login.request("DELETE", f"/api/v2/volumes/{volume.uuid}")
            raise_for_status(reply, f"Deleting {volume.label}")

    def _identity(self, options: VolumeOptions) -> Json:
        """Return the row of the account's own identity at the provider in the options. Raises SelectionError."""
        body = self._get("/api/v2/identities", "Listing identities", {"page_size": str(_PAGE)})
        user = self._account().user
        own = [
            each
            for each in rows(mapping(body).get("results"))
            if user is None or (text(mapping(each.get("user")).get("username")) or "").casefold() == user.casefold()
        ]
        names = [_provider_of(each) for each in own]
        wanted = options.provider
        found = [each for each in own if wanted is None or wanted in _provider_of(each)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(one_line(name) for name, _uuid in names) or "none"
        if not found:
            guess = did_you_mean(wanted or "", [name for name, _uuid in names])
            raise SelectionError(f"provider: {wanted} does not exist.", hint=guess or f"Providers: {known}.")
        raise SelectionError(f"{len(found)} identities can own the volume.", hint=f"Set provider: {known}.")

    def _project(self, wanted: str) -> Project:
        """Return the project of a name or UUID. Raises SelectionError."""
        task = "Listing projects"
        body = self._get(PROJECTS, task, {"page_size": str(_PAGE)})
        try:
            row = row_called(rows(mapping(body).get("results")), wanted, "project")
            return Project(text(row.get("name")) or "", uuid_of(row))
        except UnreadableRow as error:
            raise UnexpectedResponse(f"{task} failed: a row of the response cannot be parsed: {error}.") from error

    def _get(self, path: str, task: str, params: Mapping[str, str]) -> Any:
        return raise_for_status(self._login.request("GET", path, params=params), task)


def _require_quota(options: VolumeOptions, quota: Json, volumes: Sequence[Volume]) -> None:
    """Raise OverAllocation if the volume does not fit in the quota: Atmosphere would respond with 400."""
    short = shortfalls(limits_of(quota, use_of_volumes(volumes)), {"gigabytes": options.size, "volumes": 1})
    if short:
        raise OverAllocation(f"{one_line(options.name)}: {short[0]}.")


def _as_created(options: VolumeOptions, identity: Json) -> Volume:
    provider, uuid = _provider_of(identity)
    user = text(mapping(identity.get("user")).get("username")) or ""
    return Volume(
        id="",
        uuid="",
        name=options.name,
        size=options.size,
        status="available",
        provider=Provider(provider, uuid),
        identity=Identity(text(identity.get("key")) or "", text(identity.get("uuid")) or ""),
        user=user,
        owner=user,
        description=options.description or "",
    )


def _provider_of(identity: Json) -> tuple[str, str]:
    provider = mapping(identity.get("provider"))
    return text(provider.get("name")) or "", text(provider.get("uuid")) or ""


def _account_url(volume: Volume) -> str:
    return f"/api/v1/provider/{volume.provider.uuid}/identity/{volume.identity.uuid}"


def _url(volume: Volume) -> str:
    return f"{_account_url(volume)}/volume/{volume.uuid}"
