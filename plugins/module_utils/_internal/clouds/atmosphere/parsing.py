# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts Atmosphere's JSON into the model. See docs/atmosphere.md, Objects.

The types of all values are checked here. A row without a required value raises UnreadableRow. Any other value of an
unexpected type is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ...model import (
    UNKNOWN,
    AllocationSource,
    Attachment,
    Flavor,
    Identity,
    Image,
    Instance,
    Project,
    Provider,
    StatusPeriod,
    Volume,
)
from ..json_values import (
    Json,
    UnreadableRow,
    amount,
    describe,
    figure,
    flaws_of_amounts,
    mapping,
    moment_of,
    number_of,
    text,
    uuid_of,
    whole,
    word,
)

# The values of v1 and v2 for no address.
_NO_ADDRESS = frozenset({"", "0.0.0.0"})
_AMOUNTS = {"compute_allowed": "SU granted", "compute_used": "SU used"}
_USER_OF_IDENTITY = re.compile(r"Username: ([^,]+)")


def instance_from_v2(row: Json) -> Instance:
    """Read an instance of v2. Its status comes from the database, not from the cloud. Raises UnreadableRow."""
    instance_uuid = uuid_of(row)
    user = text(mapping(row.get("user")).get("username")) or ""
    return Instance(
        id=number_of(row),
        uuid=instance_uuid,
        name=_name(row, instance_uuid),
        status=word(row.get("status")) or "unknown",
        activity=text(row.get("activity")) or "",
        live=False,
        flavor=_flavor(row.get("size")),
        provider=_provider(row),
        identity=_identity(row),
        user=user,
        owner=user,
        ip_address=_address(row.get("ip_address")),
        image=_image(mapping(row.get("image")), mapping(row.get("version"))),
        project=_project(mapping(row.get("project"))),
        allocation_source=_allocation_source_of(row.get("allocation_source")),
        usage=figure(row.get("usage")),
        start_date=text(row.get("start_date")),
        end_date=text(row.get("end_date")),
        web_desktop=row.get("web_desktop") is True,
        shell=row.get("shell") is True,  # nosec B604  # a field, no process
        vnc=row.get("vnc") is True,
    )


def unreadable_from_v2(row: Json, why: str) -> Instance:
    """Return the known part of an instance with an unreadable row, for results. ``why``: the reason, a clause."""
    user = text(mapping(row.get("user")).get("username")) or ""
    number = whole(row.get("id"))
    return Instance(
        id=UNKNOWN if number is None else number,
        uuid=text(row.get("uuid")) or UNKNOWN,
        name=_name(row, UNKNOWN),
        status=word(row.get("status")) or "unknown",
        activity="",
        live=False,
        flavor=_flavor(row.get("size")),
        provider=Provider(name="", uuid=""),
        identity=Identity(name="", uuid=""),
        user=user,
        owner=user,
        read_error=why,
    )


def with_live_state(instance: Instance, row: Json) -> Instance:
    """Return an instance with the values of a row of v1, whose state comes from the cloud.

    Raises UnreadableRow if the row has no state.
    """
    status, activity = split_status(_state(row))
    return replace(
        instance,
        status=status,
        activity=activity,
        live=True,
        read_error=None,
        read_again=False,
        # If an instance was not launched through Atmosphere, its user is only the first one who read it.
        owner=text(mapping(row.get("identity")).get("created_by")) or instance.owner,
        ip_address=_address(row.get("ip_address")),
        fault=text(mapping(row.get("fault")).get("message")) or None,
        may_be_old=0.0,
    )


def user_of_identity(instance: Instance) -> str | None:
    """Return the user in the text of an instance's identity; None without one."""
    named = _USER_OF_IDENTITY.match(instance.identity.name)
    return named.group(1) if named else None


def split_status(state: str) -> tuple[str, str]:
    """Split a state of v1 like "active - powering-off" into the status and the activity, "" without one."""
    status, _dash, activity = state.partition(" - ")
    return status.strip().lower(), activity.strip()


def volume_from_v2(row: Json) -> Volume:
    """Read a volume of v2, which has neither a status nor attachments. Raises UnreadableRow."""
    volume_uuid = uuid_of(row)
    user = text(mapping(row.get("user")).get("username")) or ""
    return Volume(
        id=number_of(row),
        uuid=volume_uuid,
        name=_name(row, volume_uuid),
        size=whole(row.get("size")),
        status=None,
        provider=_provider(row),
        identity=_identity(row),
        user=user,
        owner=user,
        description=text(row.get("description")) or "",
        project=_project(mapping(row.get("project"))),
        start_date=text(row.get("start_date")),
        end_date=text(row.get("end_date")),
    )


def with_attachment(volume: Volume, row: Json, instances: Mapping[str, Instance]) -> Volume:
    """Return a volume with the status, mount point and attachment in a row of v1. ``instances``: by uuid."""
    instance_uuid = attached_to(row)
    attachments: tuple[Attachment, ...] = ()
    if instance_uuid:
        instance = instances.get(instance_uuid)
        attachments = (
            Attachment(
                instance_uuid=instance_uuid,
                instance_id=instance.id if instance else None,
                instance_name=instance.name if instance else None,
                device=text(mapping(row.get("attach_data")).get("device")),
            ),
        )
    return replace(
        volume,
        status=word(row.get("status")),
        attachments=attachments,
        mount_location=text(row.get("mount_location")),
    )


def attached_to(row: Json) -> str | None:
    """Return the uuid of the instance that a volume of v1 is attached to; None without one."""
    data = mapping(row.get("attach_data"))
    return text(data.get("instance_alias")) or text(data.get("serverId")) or None


def allocation_source_from_v2(row: Json) -> AllocationSource:
    """Read an allocation source of v2. Amounts are in SU; burn rates count active instances. Raises UnreadableRow."""
    source_uuid = uuid_of(row)
    return AllocationSource(
        name=text(row.get("name")) or source_uuid,
        uuid=source_uuid,
        compute_allowed=amount(row.get("compute_allowed")),
        compute_used=amount(row.get("compute_used")),
        global_burn_rate=figure(row.get("global_burn_rate")),
        user_compute_used=figure(row.get("user_compute_used")),
        user_burn_rate=figure(row.get("user_burn_rate")),
        updated=text(row.get("updated")),
        start_date=text(row.get("start_date")),
        end_date=text(row.get("end_date")),
        flaws=flaws_of_amounts(row, _AMOUNTS),
    )


def period_from_v2(row: Json) -> StatusPeriod:
    """Read a row of the status history. Raises UnreadableRow, also for an invalid time."""
    number = number_of(row)
    instance = mapping(row.get("instance"))
    instance_uuid = uuid_of(instance)
    return StatusPeriod(
        number=number,
        instance_id=number_of(instance),
        instance_uuid=instance_uuid,
        instance_name=_name(instance, instance_uuid),
        status=word(row.get("status")) or "unknown",
        activity=text(row.get("activity")) or "",
        flavor=_flavor(row.get("size")),
        start=moment_of(row, "start_date"),
        end=moment_of(row, "end_date") if row.get("end_date") else None,
    )


def _name(row: Json, otherwise: str) -> str:
    name = text(row.get("name"))
    return otherwise if name is None else name


def _state(row: Json) -> str:
    state = row.get("status")
    if not isinstance(state, str) or not state.strip():
        raise UnreadableRow(f"status is {describe(state)}")
    return text(state) or ""


def _address(value: object) -> str | None:
    address = text(value)
    return None if address in _NO_ADDRESS else address


def _flavor(value: object) -> Flavor:
    row = mapping(value)
    return Flavor(
        name=text(row.get("name")) or "",
        vcpus=whole(row.get("cpu")),
        ram=whole(row.get("mem")),
        disk=whole(row.get("disk")),
    )


def _provider(row: Json) -> Provider:
    provider = mapping(row.get("provider"))
    provider_uuid = uuid_of(provider)
    return Provider(name=text(provider.get("name")) or provider_uuid, uuid=provider_uuid)


def _identity(row: Json) -> Identity:
    identity = mapping(row.get("identity"))
    return Identity(name=text(identity.get("key")) or "", uuid=uuid_of(identity))


def _project(row: Json) -> Project | None:
    name, project_uuid = text(row.get("name")), text(row.get("uuid"))
    return Project(name=name or project_uuid or "", uuid=project_uuid or "") if name or project_uuid else None


def _image(row: Json, version: Json) -> Image | None:
    name, image_uuid = text(row.get("name")), text(row.get("uuid"))
    if not name and not image_uuid:
        return None
    return Image(name=name or image_uuid or "", uuid=image_uuid, version=text(version.get("name")))


def _allocation_source_of(row: object) -> AllocationSource | None:
    try:
        return allocation_source_from_v2(mapping(row))
    except UnreadableRow:
        return None
