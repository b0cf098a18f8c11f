# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1: live states, behind two caches; and the way to act."""

from __future__ import annotations

import uuid as uuids
from datetime import timedelta
from typing import Any

from ..world.cloud import NovaRefused
from ..world.records import Identity, Instance
from ..world.vm import Look
from . import shapes_v1
from .actions import perform, reach_cloud
from .asking import Answer, Ask, Broken, detail, error, not_found


def list_instances(ask: Ask) -> Answer:
    """GET .../instance. From the cache, if that is not older than half a minute; and into the database in any case."""
    identity = identity_of(ask)
    rows = _cached_looks(ask, identity)
    for instance, look in rows:
        ask.world.remember(instance, look)
    data = [shapes_v1.instance(instance, look) for instance, look in rows]
    return Answer(data, headers=[("cache-control", "no-cache")], instances=len(data))


def _cached_looks(ask: Ask, identity: Identity) -> list[tuple[Instance, Look]]:
    world = ask.world
    # The sizes are asked for first, so a cached list is of no use while nova is down. No login: the cloud is called
    # with a token from an earlier one.
    try:
        reach_cloud(world, identity, log_in=False)
    except NovaRefused as refused:
        raise Broken from refused
    until, looks = world.list_cache.get(identity.uuid, (world.now(), []))
    if world.now() < until:
        return looks
    looks = [(world.known(vm, ask.somebody), vm.look()) for vm in world.cloud.of(identity)]
    world.list_cache[identity.uuid] = (world.now() + timedelta(seconds=world.settings.list_cache), looks)
    return looks


def show_instance(ask: Ask) -> Answer:
    """GET .../instance/<uuid>. Goes into the page cache (see app), and what it shows into the database."""
    identity = identity_of(ask)
    uuid = ask.names["instance"]
    reach(ask, identity)
    vm = ask.world.cloud.vms.get(uuid)
    if vm is None or vm.identity is not identity:
        gone = ask.world.instance_with(uuid)
        if gone is not None and gone.identity is identity:
            ask.world.end(gone)
        raise error(404, f"Instance {uuid} does not exist")
    instance, look = ask.world.known(vm, ask.somebody), vm.look()
    ask.world.remember(instance, look)
    return Answer(shapes_v1.instance(instance, look), instances=1)


def act(ask: Ask) -> Answer:
    """POST .../instance/<uuid>/action. The provider in the path may be any."""
    uuid = ask.names["instance"]
    sharing = ask.world.settings.project_sharing
    if sharing:
        insist_on_sight(ask, uuid)
    data = ask.data
    if isinstance(data, list):
        raise Broken
    if not data.get("action"):
        raise error(400, "POST request to /action require a BODY with 'action'.")
    if not sharing and not _owns(ask, uuid):
        raise error(
            403,
            f"User {ask.somebody.username} does not have permission to act on Instance {uuid}. "
            f"Make sure that you are a Leader of the Project that Instance {uuid} resides in.",
        )
    identity = ask.world.identity(ask.names["identity"])
    if identity is None:
        raise Broken
    result = perform(ask.world, identity, uuid, data)
    message = f"The requested action <{data['action']}> was run successfully"
    return Answer({"message": message, "object": result, "result": "success"})


def insist_on_sight(ask: Ask, uuid: str) -> None:
    """Raise unless the user may change an instance: all that v2 lists, in a shared project or not, by any identity."""
    instance = ask.world.instance_with(uuid)
    if instance is None or instance.user.username not in ask.world.visible_to(ask.user):
        # The same for one that does not exist and for another user's.
        raise detail(403, "The requested user is not a member of the project.")


def _owns(ask: Ask, uuid: str) -> bool:
    instance = ask.world.instance_with(uuid)
    return instance is not None and instance.user is ask.user


def known_actions(_ask: Ask) -> Answer:
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
    return Answer(
        [
            {"action": name, **({"action_params": parameters} if parameters else {}), "description": text}
            for name, parameters, text in rows
        ]
    )


def list_volumes(ask: Ask) -> Answer:
    """GET .../volume."""
    identity = identity_of(ask)
    try:
        reach_cloud(ask.world, identity)
    except NovaRefused as refused:
        raise error(500, "Volume list method failed. Contact support") from refused
    rows = [each for each in ask.world.volumes if each.identity is identity and each.end_date is None]
    return Answer([shapes_v1.volume(row) for row in rows])


def show_volume(ask: Ask) -> Answer:
    """GET .../volume/<uuid>."""
    identity = identity_of(ask)
    reach(ask, identity)
    uuid = ask.names["volume"]
    for row in ask.world.volumes:
        if row.uuid == uuid and row.identity is identity and row.end_date is None:
            return Answer(shapes_v1.volume(row))
    raise error(404, f"Volume {uuid} does not exist")


def list_sizes(ask: Ask) -> Answer:
    """GET .../size."""
    identity = identity_of(ask)
    return Answer([shapes_v1.size(row) for row in ask.world.sizes if row.provider is identity.provider])


def show_identity(ask: Ask) -> Answer:
    """GET .../identity/<uuid>."""
    return Answer(shapes_v1.identity(identity_of(ask)))


def list_providers(ask: Ask) -> Answer:
    """GET /provider."""
    return Answer([shapes_v1.provider(row) for row in ask.world.providers if not row.ended(ask.world.now())])


def show_status_history(ask: Ask) -> Answer:
    """GET /instance_history/<uuid>/status_history."""
    row = ask.world.instance_with(ask.names["instance"])
    if row is None or row.user is not ask.user:
        raise not_found()
    rows = [shapes_v1.period(row, when) for when in row.history]
    return Answer(rows, headers=[("cache-control", "no-cache")])


def show_profile(ask: Ask) -> Answer:
    """GET /profile."""
    user = ask.somebody
    return Answer(
        {
            "user": user.id,
            "username": user.username,
            "email": user.email,
            "groups": "<QuerySet [" + ", ".join(f"<Group: {each.name}>" for each in ask.world.groups_of(user)) + "]>",
            "is_expired": user.end_date is not None and user.end_date <= ask.world.now(),
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


def list_maintenance(ask: Ask) -> Answer:
    """GET /maintenance: empty, as nobody gets to it while there is some."""
    nothing: list[Any] = []
    return Answer(nothing)


def broken(_ask: Ask) -> Answer:
    """What always breaks."""
    raise Broken


def reach(ask: Ask, identity: Identity) -> None:
    """Have nova list an identity's machines. Raises Refusal."""
    try:
        reach_cloud(ask.world, identity)
    except NovaRefused as refused:
        raise error(409, str(refused)) from refused


def identity_of(ask: Ask) -> Identity:
    """Return the identity in the path, if the user may read with it and it is at that provider. Raises Refusal."""
    uuid = ask.names["identity"]
    try:
        uuids.UUID(uuid)
    except ValueError as problem:
        raise error(409, "'%(value)s' is not a valid UUID.") from problem
    identity = ask.world.identity(uuid)
    if identity is None or not identity.is_shared_with(ask.user) or identity.provider.uuid != ask.names["provider"]:
        raise error(401, "Identity/Provider Authentication Failed")
    return identity
