# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Atmosphere's JSON to the model. See docs/atmosphere.md, Objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ...model import (
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

# What both APIs say for "no address".
_NO_ADDRESS = frozenset({"", "0.0.0.0", None})
Json = Mapping[str, Any]


def instance_from_v2(row: Json) -> Instance:
    """Read a v2 instance. Its status is the database's, not the cloud's."""
    source = row.get("allocation_source")
    project = row.get("project")
    return Instance(
        id=row["id"],
        uuid=row["uuid"],
        name=row["name"],
        status=str(row["status"]).lower(),
        activity=row.get("activity") or "",
        live=False,
        flavor=_flavor(row["size"]),
        provider=_provider(row["provider"]),
        identity=_identity(row["identity"]),
        user=row["user"]["username"],
        ip_address=_address(row.get("ip_address")),
        image=_image(row.get("image"), row.get("version")),
        project=_project(project),
        allocation_source=allocation_source_from_v2(source) if source else None,
        usage=row.get("usage"),
        start_date=row.get("start_date"),
        end_date=row.get("end_date"),
        web_desktop=bool(row.get("web_desktop")),
        shell=bool(row.get("shell")),
        vnc=bool(row.get("vnc")),
    )


def with_live_state(instance: Instance, row: Json) -> Instance:
    """Overlay what v1 says, which is the cloud's own state at the time of the row."""
    status, activity = split_status(row["status"])
    fault = row.get("fault") or {}
    return replace(
        instance,
        status=status,
        activity=activity,
        live=True,
        ip_address=_address(row.get("ip_address")),
        fault=fault.get("message") or None,
    )


def split_status(text: str) -> tuple[str, str]:
    """Split v1's "active - powering-off" into status and activity."""
    status, _dash, activity = str(text).partition(" - ")
    return status.strip().lower(), activity.strip()


def volume_from_v2(row: Json) -> Volume:
    """Read a v2 volume, which has neither status nor attachment."""
    return Volume(
        id=row["id"],
        uuid=row["uuid"],
        name=row["name"],
        size=row["size"],
        status=None,
        provider=_provider(row["provider"]),
        identity=_identity(row["identity"]),
        user=row["user"]["username"],
        description=row.get("description") or "",
        project=_project(row.get("project")),
        start_date=row.get("start_date"),
        end_date=row.get("end_date"),
    )


def with_attachment(volume: Volume, row: Json, instances: Mapping[str, Instance]) -> Volume:
    """Overlay what v1 says of a volume: status, mount point, and the instance it is attached to."""
    uuid = attached_to(row)
    attachments: tuple[Attachment, ...] = ()
    if uuid:
        instance = instances.get(uuid)
        attachments = (
            Attachment(
                instance_uuid=uuid,
                instance_id=instance.id if instance else None,
                instance_name=instance.name if instance else None,
                device=row["attach_data"].get("device"),
            ),
        )
    return replace(volume, status=row.get("status"), attachments=attachments, mount_location=row.get("mount_location"))


def attached_to(row: Json) -> str | None:
    """Return the uuid of the instance that a v1 volume is attached to."""
    data = row.get("attach_data") or {}
    uuid = data.get("instance_alias") or data.get("serverId")
    return str(uuid) if uuid else None


def allocation_source_from_v2(row: Json) -> AllocationSource:
    """Read a v2 allocation source. Figures are SU; the burn rates are counts of active instances."""
    return AllocationSource(
        name=row["name"],
        uuid=row["uuid"],
        compute_allowed=row.get("compute_allowed"),
        compute_used=row.get("compute_used"),
        global_burn_rate=row.get("global_burn_rate"),
        user_compute_used=row.get("user_compute_used"),
        user_burn_rate=row.get("user_burn_rate"),
        updated=row.get("updated"),
        start_date=row.get("start_date"),
        end_date=row.get("end_date"),
    )


def period_from_v2(row: Json) -> StatusPeriod:
    """Read a row of the status history.

    Raises ValueError if its dates are none.
    """
    instance = row["instance"]
    return StatusPeriod(
        number=row["id"],
        instance_id=instance["id"],
        instance_uuid=instance["uuid"],
        instance_name=instance["name"],
        status=str(row["status"]).lower(),
        activity=row.get("activity") or "",
        flavor=_flavor(row["size"]),
        start=datetime.fromisoformat(row["start_date"]),
        end=datetime.fromisoformat(row["end_date"]) if row.get("end_date") else None,
    )


def _address(text: str | None) -> str | None:
    return None if text in _NO_ADDRESS else text


def _flavor(row: Json) -> Flavor:
    return Flavor(name=row["name"], vcpus=row.get("cpu"), ram=row.get("mem"), disk=row.get("disk"))


def _provider(row: Json) -> Provider:
    return Provider(name=row["name"], uuid=row["uuid"])


def _identity(row: Json) -> Identity:
    return Identity(name=row.get("key") or "", uuid=row["uuid"])


def _project(row: Json | None) -> Project | None:
    return Project(name=row["name"], uuid=row["uuid"]) if row else None


def _image(row: Json | None, version: Json | None) -> Image | None:
    if not row:
        return None
    return Image(name=row["name"], uuid=row.get("uuid"), version=version["name"] if version else None)
