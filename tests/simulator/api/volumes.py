# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that create, change or delete volumes. The states are cinder's, which only v1 shows."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Mapping
from typing import Any

from ..world.records import Identity, Project, Volume
from ..world.state import World
from ..world.storage import VolumeInUse
from ..world.trouble import NovaRefused
from . import shapes_v1, shapes_v2
from .acting import reach_cloud
from .changes import created, fields
from .exchange import Refusal, Request, Response, ServerError, detail, error
from .quotas import OverQuota, require_volume
from .views_v1 import identity_of, reach, volume_of
from .views_v2 import find, volumes_of

# v2.


def create_volume(request: Request) -> Response:
    """POST /volumes. The project may be another user's."""
    data = fields(request)
    _require_fields(data)
    identity, size = _identity(request, data["identity"]), _size(data["size"])
    project = _project(request.world, data["project"]) if data.get("project") is not None else None
    if data.get("image_id") or data.get("snapshot_id"):
        raise detail(501, "The simulator does not make volumes of images or snapshots.")
    try:
        reach_cloud(request.world, identity)
        require_volume(request.world, identity, size)
    except OverQuota as over:
        raise detail(400, str(over)) from over
    except NovaRefused as refused:
        raise Refusal(409, str(refused)) from refused
    volume = _create(request.world, data, size, identity, project=project, description=data.get("description"))
    return created(request, "volumes", volume.uuid, shapes_v2.Shapes(request).volume(volume))


def change_volume(request: Request) -> Response:
    """PATCH /volumes/<number or uuid>: in the database."""
    volume, data = find(volumes_of(request), request.names["key"]), fields(request)
    project = _project(request.world, data["project"]) if "project" in data else volume.project
    volume.name = data.get("name", volume.name)
    volume.description = data.get("description", volume.description)
    volume.project = project
    brief = shapes_v2.Shapes(request).project_brief(project) if project else None
    return Response({"name": volume.name, "description": volume.description, "project": brief})


def delete_volume(request: Request) -> Response:
    """DELETE /volumes/<number or uuid>. The answer is the same whether cinder does it or not."""
    volume, world = find(volumes_of(request), request.names["key"]), request.world
    try:
        reach_cloud(world, volume.identity)
        world.storage.delete(volume, world.now())
    except (VolumeInUse, NovaRefused):
        return Response(None, 204)
    volume.end_date = world.now()
    return Response(None, 204)


def _require_fields(data: Mapping[str, Any]) -> None:
    missing = [name for name in ("name", "identity", "size") if name not in data]
    if missing:
        raise Refusal(400, {name: ["This field is required."] for name in missing})


def _identity(request: Request, uuid: object) -> Identity:
    _require_uuid("identity", uuid)
    identity = request.world.identity(str(uuid))
    if identity is None or not identity.is_shared_with(request.user):
        raise Refusal(400, {"identity": [f"Identity with Field: uuid '{uuid}' does not exist."]})
    return identity


def _size(value: object) -> int:
    try:
        return int(str(value))
    except ValueError as problem:
        raise Refusal(400, {"size": ["A valid integer is required."]}) from problem


def _project(world: World, uuid: object) -> Project:
    if isinstance(uuid, int):
        raise Refusal(400, [f"The 'project' argument ({uuid}) should be a UUID, not an Int."])
    _require_uuid("project", uuid)
    for project in world.projects:
        if project.uuid == uuid and project.end_date is None:
            return project
    raise Refusal(400, {"project": [f"Project with Field: uuid '{uuid}' does not exist."]})


def _require_uuid(name: str, value: object) -> None:
    try:
        uuids.UUID(str(value))
    except ValueError as problem:
        raise Refusal(400, {name: [f"'{_old_repr(value)}' is not a valid UUID."]}) from problem


def _old_repr(value: object) -> str:
    """Return a value as Python 2 shows it, where text within others has a "u" before it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"u'{key}': {_old_repr_within(each)}" for key, each in value.items()) + "}"
    return str(value)


def _old_repr_within(value: object) -> str:
    return f"u'{value}'" if isinstance(value, str) else _old_repr(value)


# v1.


def create_volume_v1(request: Request) -> Response:
    """POST .../volume."""
    identity = identity_of(request)
    reach(request, identity)
    data = fields(request)
    _require_fields_v1(data, ("name", "size"))
    size = _size(data["size"])
    try:
        require_volume(request.world, identity, size)
    except OverQuota as over:
        raise error(413, str(over)) from over
    volume = _create(request.world, data, size, identity, description=data.get("description", ""))
    return Response(shapes_v1.volume(volume), 201)


def delete_volume_v1(request: Request) -> Response:
    """DELETE .../volume/<uuid>. It breaks where cinder refuses."""
    identity = identity_of(request)
    reach(request, identity)
    volume, now = volume_of(request, identity), request.world.now()
    shown = shapes_v1.volume(volume)
    try:
        request.world.storage.delete(volume, now)
    except VolumeInUse as refused:
        raise ServerError from refused
    volume.end_date = now
    return Response({**shown, "end_date": shapes_v1.volume(volume)["end_date"]})


def list_snapshots(request: Request) -> Response:
    """GET .../volume_snapshot: none, as the recorded cloud has no snapshots."""
    reach(request, identity_of(request))
    nothing: list[None] = []
    return Response(nothing)


def create_snapshot(request: Request) -> Response:
    """POST .../volume_snapshot: it breaks over a cloud without snapshots."""
    reach(request, identity_of(request))
    _require_fields_v1(fields(request), ("display_name", "volume_id", "size"))
    raise ServerError


def _require_fields_v1(data: Mapping[str, Any], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in data]
    if missing:
        raise error(400, f"Missing required POST datavariables : {missing}")


# Both.


def _create(world: World, data: Mapping[str, Any], size: int, identity: Identity, **attributes: Any) -> Volume:
    now = world.now()
    volume = world.add_volume(str(data["name"]), size, identity, uuid=world.random_uuid(), start_date=now, **attributes)
    world.storage.create(volume, now)
    return volume
