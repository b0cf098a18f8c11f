# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1: live states, behind two caches; and the way to act."""

from __future__ import annotations

import uuid as uuids
from datetime import timedelta
from typing import Any

from ..world.records import Identity, Instance, Volume
from ..world.trouble import NovaRefused
from ..world.vm import Look
from . import shapes_v1
from .acting import reach_cloud
from .actions import perform
from .exchange import Request, Response, ServerError, detail, error, not_found


def list_instances(request: Request) -> Response:
    """GET .../instance. From the cache, if that is not older than half a minute; and into the database in any case."""
    identity = identity_of(request)
    rows = _cached_looks(request, identity)
    for instance, look in rows:
        request.world.remember(instance, look)
    data = [shapes_v1.instance(instance, look) for instance, look in rows]
    return Response(data, headers=[("cache-control", "no-cache")], instances=len(data))


def _cached_looks(request: Request, identity: Identity) -> list[tuple[Instance, Look]]:
    world = request.world
    # The sizes are asked for first, so a cached list is of no use while nova is down. No login: the cloud is called
    # with a token from an earlier one.
    try:
        reach_cloud(world, identity, log_in=False)
    except NovaRefused as refused:
        raise ServerError from refused
    until, looks = world.list_cache.get(identity.uuid, (world.now(), []))
    if world.now() < until:
        return looks
    looks = [(world.known(vm, request.somebody), vm.look()) for vm in world.cloud.of(identity)]
    world.list_cache[identity.uuid] = (world.now() + timedelta(seconds=world.settings.list_cache), looks)
    return looks


def show_instance(request: Request) -> Response:
    """GET .../instance/<uuid>. Goes into the page cache (see app), and the state that it shows into the database."""
    identity = identity_of(request)
    uuid = request.names["instance"]
    reach(request, identity)
    vm = request.world.cloud.vms.get(uuid)
    if vm is None or vm.identity is not identity:
        gone = request.world.instance_with(uuid)
        if gone is not None and gone.identity is identity:
            request.world.end(gone)
        raise error(404, f"Instance {uuid} does not exist")
    instance, look = request.world.known(vm, request.somebody), vm.look()
    request.world.remember(instance, look)
    return Response(shapes_v1.instance(instance, look), instances=1)


def act(request: Request) -> Response:
    """POST .../instance/<uuid>/action. The provider in the path may be any."""
    uuid = request.names["instance"]
    sharing = request.world.settings.project_sharing
    if sharing:
        require_sight(request, uuid)
    data = request.data
    if isinstance(data, list):
        raise ServerError
    if not data.get("action"):
        raise error(400, "POST request to /action require a BODY with 'action'.")
    if not sharing and not owns(request, uuid):
        raise error(
            403,
            f"User {request.somebody.username} does not have permission to act on Instance {uuid}. "
            f"Make sure that you are a Leader of the Project that Instance {uuid} resides in.",
        )
    identity = request.world.identity(request.names["identity"])
    if identity is None:
        raise ServerError
    result = perform(request.world, identity, uuid, data)
    message = f"The requested action <{data['action']}> was run successfully"
    return Response({"message": message, "object": result, "result": "success"})


def require_sight(request: Request, uuid: str) -> None:
    """Raise unless the user may change an instance: all that v2 lists, in a shared project or not, by any identity."""
    instance = request.world.instance_with(uuid)
    if instance is None or instance.user.username not in request.world.visible_to(request.user):
        # The same for one that does not exist and for another user's.
        raise detail(403, "The requested user is not a member of the project.")


def owns(request: Request, uuid: str) -> bool:
    """Return whether an instance is the user's own."""
    instance = request.world.instance_with(uuid)
    return instance is not None and instance.user is request.user


def known_actions(_ask: Request) -> Response:
    """GET .../instance/<uuid>/action."""
    volume = {"device": "optional", "mount_location": "optional", "volume_id": "required"}
    rows: list[tuple[str, dict[str, str] | None, str]] = [
        ("attach_volume", volume, "Attaches the volume <id> to instance"),
        ("mount_volume", volume, "Unmount the volume <id> from instance"),
        ("unmount_volume", {"volume_id": "required"}, "Mount the volume <id> to instance"),
        ("detach_volume", {"volume_id": "required"}, "Detaches the volume <id> to instance"),
        ("resize", {"size": "required"}, "Resize instance to size <id>"),
        ("confirm_resize", None, "Confirm the instance works after resize."),
        ("revert_resize", None, "Revert the instance if resize fails."),
        ("suspend", None, "Suspend the instance."),
        ("resume", None, "Resume the instance."),
        ("start", None, "Start the instance."),
        ("stop", None, "Stop the instance."),
        ("reboot", {"reboot_type (optional)": "SOFT/HARD"}, "Stop the instance."),
        ("console", None, "Get noVNC Console."),
    ]
    return Response(
        [
            {"action": name, **({"action_params": parameters} if parameters else {}), "description": text}
            for name, parameters, text in rows
        ]
    )


def list_volumes(request: Request) -> Response:
    """GET .../volume."""
    identity = identity_of(request)
    try:
        reach_cloud(request.world, identity)
    except NovaRefused as refused:
        raise error(500, "Volume list method failed. Contact support") from refused
    rows = [each for each in request.world.volumes if each.identity is identity and each.in_cloud]
    for row in rows:
        # A listed volume has no end date any more, even if it is being deleted.
        row.end_date = None
    return Response([shapes_v1.volume(row) for row in rows])


def show_volume(request: Request) -> Response:
    """GET .../volume/<uuid>. A volume that is shown has no end date any more; one that is gone gets one."""
    identity = identity_of(request)
    reach(request, identity)
    volume = volume_of(request, identity)
    volume.end_date = None
    return Response(shapes_v1.volume(volume))


def volume_of(request: Request, identity: Identity) -> Volume:
    """Return the volume in the path. Raises Refusal."""
    uuid = request.names["volume"]
    row = next((each for each in request.world.volumes if each.uuid == uuid and each.identity is identity), None)
    if row is None or not row.in_cloud:
        if row is not None:
            row.end_date = row.end_date or request.world.now()
        raise error(404, f"Volume {uuid} does not exist")
    return row


def list_sizes(request: Request) -> Response:
    """GET .../size."""
    identity = identity_of(request)
    return Response([shapes_v1.size(row) for row in request.world.sizes if row.provider is identity.provider])


def show_identity(request: Request) -> Response:
    """GET .../identity/<uuid>."""
    return Response(shapes_v1.identity(identity_of(request)))


def list_providers(request: Request) -> Response:
    """GET /provider."""
    return Response([shapes_v1.provider(row) for row in request.world.providers if not row.ended(request.world.now())])


def show_status_history(request: Request) -> Response:
    """GET /instance_history/<uuid>/status_history."""
    row = request.world.instance_with(request.names["instance"])
    if row is None or row.user is not request.user:
        raise not_found()
    rows = [shapes_v1.period(row, when) for when in row.history]
    return Response(rows, headers=[("cache-control", "no-cache")])


def show_profile(request: Request) -> Response:
    """GET /profile."""
    user = request.somebody
    return Response(
        {
            "user": user.id,
            "username": user.username,
            "email": user.email,
            "groups": "<QuerySet ["
            + ", ".join(f"<Group: {each.name}>" for each in request.world.groups_of(user))
            + "]>",
            "is_expired": user.end_date is not None and user.end_date <= request.world.now(),
            "is_staff": user.is_staff,
            "is_superuser": user.is_staff,
            "send_emails": True,
            "quick_launch": True,
            "vnc_resolution": "800x600",
            "default_size": "m1.small",
            "background": "default",
            "icon_set": "default",
            "guacamole_color": "default",
        }
    )


def list_maintenance(request: Request) -> Response:
    """GET /maintenance: empty, as no request gets to it during maintenance."""
    nothing: list[Any] = []
    return Response(nothing)


def broken(_ask: Request) -> Response:
    """Raise ServerError, as these resources always do."""
    raise ServerError


def reach(request: Request, identity: Identity) -> None:
    """Have nova list an identity's machines. Raises Refusal."""
    try:
        reach_cloud(request.world, identity)
    except NovaRefused as refused:
        raise error(409, str(refused)) from refused


def identity_of(request: Request) -> Identity:
    """Return the identity in the path, if the user may read with it and it is at that provider. Raises Refusal."""
    uuid = request.names["identity"]
    try:
        uuids.UUID(uuid)
    except ValueError as problem:
        raise error(409, "'%(value)s' is not a valid UUID.") from problem
    identity = request.world.identity(uuid)
    if (
        identity is None
        or not identity.is_shared_with(request.user)
        or identity.provider.uuid != request.names["provider"]
    ):
        raise error(401, "Identity/Provider Authentication Failed")
    return identity
