# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches, by v2 and by v1: the same checks, in other words."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..world.records import AllocationSource, Identity, Instance, Project, Size, Version
from ..world.state import World
from ..world.trouble import CloudUnreachable, NovaRefused
from . import shapes_v1, shapes_v2
from .acting import over_allocation, reach_cloud, unreachable
from .changes import fields
from .exchange import Request, Response, detail, error
from .quotas import OverQuota, require_instances

# The message of Python where Atmosphere does not find a size: a conflict like any other.
_NO_SIZE = "'NoneType' object has no attribute 'id'"
# As the framework shows a value that it does not put in.
_NO_UUID = "'%(value)s' is not a valid UUID."
_REQUIRED = ("name", "identity", "source_alias", "size_alias", "allocation_source_id")


@dataclass(frozen=True)
class _Launch:
    """A launch that may be tried."""

    identity: Identity
    name: str
    source_alias: object
    size_alias: object
    allocation_source: AllocationSource
    project: Project | None = None
    count: object = 1
    set_up: bool = True


def launch(request: Request) -> Response:
    """POST /instances. With ``extra.instance_count`` there are several, all of one name."""
    data = fields(request)
    identity = _validated(request, data)
    project = _project(request, data["project"])
    extra = data.get("extra") or {}
    wanted = _Launch(
        identity,
        str(data["name"]),
        data["source_alias"],
        data["size_alias"],
        _allocation_source(request.world, data["allocation_source_id"]),
        project,
        count=extra.get("instance_count", 1),
        set_up=data.get("deploy") is not False,
    )
    instances = _launched(request.world, wanted)
    shapes = shapes_v2.Shapes(request)
    rows = [shapes.instance(instance) for instance in instances]
    return Response(rows if "instance_count" in extra else rows[0], 201, instances=len(rows))


def launch_v1(request: Request) -> Response:
    """POST .../instance. It has no project, so that the last step of its deployment fails until it is given one."""
    identity = _identity_v1(request)
    data = fields(request)
    missing = [name for name in ("machine_alias", "size_alias", "name") if not data.get(name)]
    if missing:
        raise error(400, f"Missing data for variable(s): {missing}")
    source = _allocation_source(request.world, data.get("allocation_source_uuid"))
    wanted = _Launch(identity, str(data["name"]), data["machine_alias"], data["size_alias"], source)
    [instance] = _launched(request.world, wanted)
    look = request.world.cloud.vms[instance.uuid].look()
    return Response(shapes_v1.instance(instance, look), 201, instances=1)


def _identity_v1(request: Request) -> Identity:
    identity = request.world.identity(request.names["identity"])
    shared = identity is not None and identity.is_shared_with(request.user)
    if request.world.settings.project_sharing and not shared:
        raise detail(403, "The requested user is not a member of the project.")
    if identity is None or not identity.is_led_by(request.user):
        name = request.somebody.username
        text = f"User {name} does not have permission to POST with this identity. Promote user to leader or use a "
        raise error(403, f"{text}different Identity.")
    return identity


def _validated(request: Request, data: Mapping[str, Any]) -> Identity:
    """Return the identity of a launch by v2. Raises Refusal for all that is a bad request."""
    if not data.get("project"):
        # The default for it breaks.
        raise error(400, "'AtmosphereUser' object has no attribute 'group_set'")
    missing = {name: "This field is required." for name in _REQUIRED if not data.get(name)}
    if missing:
        raise error(400, missing)
    uuid = data["identity"]
    if not _is_uuid(uuid):
        raise error(400, _NO_UUID)
    identity = request.world.identity(uuid)
    if identity is None or not identity.is_led_by(request.user):
        raise error(400, {"identity": f"The uuid ({uuid}) is invalid."})
    return identity


def _project(request: Request, uuid: object) -> Project:
    for project in request.world.projects:
        if project.uuid == uuid and request.user in project.owner.users and project.end_date is None:
            return project
    raise error(409, "Project matching query does not exist.")


def _allocation_source(world: World, uuid: object) -> AllocationSource:
    """Return the source with a uuid, also one of other users."""
    if uuid is not None and not _is_uuid(uuid):
        raise error(409, _NO_UUID)
    for source in world.allocation_sources:
        if source.uuid == uuid:
            return source
    raise error(409, "AllocationSource matching query does not exist.")


def _is_uuid(value: object) -> bool:
    try:
        uuids.UUID(str(value))
    except ValueError:
        return False
    return True


def _launched(world: World, wanted: _Launch) -> list[Instance]:
    """Make Atmosphere's own checks, in their order, then launch. Raises Refusal."""
    identity = wanted.identity
    try:
        reach_cloud(world, identity)
        size = _size(world, identity, wanted.size_alias)
        version = _version(world, identity, wanted.source_alias)
        if version.size_gb > size.disk:
            text = f"Disk is {size.disk} but image requires at least {version.size_gb:.0f}"
            raise error(413, f"Size Not Available. {text}")
        count = wanted.count
        if not isinstance(count, int) or count < 1:
            raise error(409, f"Bad instance count: {count}")
        require_instances(world, identity, size, count)
        over = over_allocation(wanted.allocation_source)
        if over:
            raise error(413, over)
        return _carried_out(world, wanted, size, version, count)
    except OverQuota as over_quota:
        raise error(413, str(over_quota)) from over_quota
    except NovaRefused as refused:
        # Every refusal of nova is a conflict.
        raise error(409, str(refused)) from refused
    except CloudUnreachable as broken:
        raise unreachable(identity.provider) from broken


def _carried_out(world: World, wanted: _Launch, size: Size, version: Version, count: int) -> list[Instance]:
    # Instances of one request share their token.
    token = world.random_uuid()
    instances = []
    for _number in range(count):
        world.cloud.call("nova", "POST servers", wanted.identity.provider)
        instances.append(
            world.launch(
                wanted.name,
                wanted.identity,
                size,
                version,
                set_up=wanted.set_up,
                token=token,
                project=wanted.project,
                allocation_source=wanted.allocation_source,
            )
        )
    return instances


def _size(world: World, identity: Identity, alias: object) -> Size:
    """Return the size with an alias, which is text: a number is none."""
    for size in world.sizes:
        if size.provider is identity.provider and size.alias == alias:
            return size
    raise error(409, _NO_SIZE)


def _version(world: World, identity: Identity, alias: object) -> Version:
    for version in world.versions:
        if version.provider is identity.provider and version.machine_uuid == alias:
            return version
    if any(each.uuid == alias and each.identity is identity for each in world.volumes):
        raise detail(501, "The simulator does not launch from volumes.")
    raise error(409, f"No boot source found with identifier {alias}")
