# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as v1 shows them: flat, by uuid, and with the state in the cloud."""

from __future__ import annotations

import hashlib
from typing import Any

from ..world.records import Identity, Instance, Period, Provider, Row, Size, Volume
from ..world.vm import Look
from .dates import iso

# The numbers of statuses, in the order in which the recorded server came to know them.
_STATUS_NUMBERS = (
    "active",
    "shutoff",
    "suspended",
    "shelved_offloaded",
    "shelved",
    "build",
    "networking",
    "deploying",
    "deploy_error",
    "error",
    "redeploy",
    "reboot",
    "hard_reboot",
)


def _hash(uuid: str) -> str:
    return hashlib.md5(uuid.encode(), usedforsecurity=False).hexdigest()


def _identity(identity: Identity) -> Row:
    return {
        "id": identity.uuid,
        "created_by": identity.user.username,
        "provider": identity.provider.uuid,
    }


def instance(row: Instance, look: Look) -> Row:
    """Return an instance with the state of its machine as it was read."""
    version = row.version
    return {
        "id": row.id,
        "alias": row.uuid,
        "alias_hash": _hash(row.uuid),
        "application_name": version.image.name,
        "application_uuid": version.image.uuid,
        "created_by": row.user.username,
        "status": look.words,
        "activity": look.v1_activity,
        "fault": dict(look.fault),
        "size_alias": row.size.alias,
        "machine_alias": version.machine_uuid,
        "machine_name": version.image.name,
        "machine_alias_hash": _hash(version.machine_uuid),
        "ip_address": look.address,
        "start_date": iso(row.start_date),
        "end_date": iso(row.end_date),
        "token": row.token,
        "has_shell": row.shell,
        "has_vnc": row.vnc,
        "identity": _identity(row.identity),
        "name": row.name,
        "tags": [],
        **({"project": row.project.id} if row.project else {}),
        "scripts": [],
        "web_desktop": row.web_desktop,
    }


def instance_in_history(row: Instance) -> Row:
    """Return a row of /instance_history."""
    version = row.version
    return {
        "alias": row.uuid,
        "alias_hash": _hash(row.uuid),
        "created_by": row.user.username,
        "size_alias": row.size.alias,
        "machine_alias": version.machine_uuid,
        "machine_name": version.image.name,
        "machine_alias_hash": _hash(version.machine_uuid),
        "application_uuid": version.image.uuid,
        "application_id": version.image.id,
        "ip_address": row.ip_address,
        "start_date": iso(row.start_date),
        "end_date": iso(row.end_date),
        "provider": row.provider.name,
        "name": row.name,
        "tags": [],
        "token": row.token,
        "web_desktop": row.web_desktop,
        "password": None,
        "project": row.project.id if row.project else None,
    }


def period(row: Instance, when: Period) -> Row:
    """Return a row of /instance_history/<uuid>/status_history."""
    known = when.status in _STATUS_NUMBERS
    return {
        "id": when.id,
        "instance": row.uuid,
        "size": when.size.alias,
        "uuid": when.uuid,
        "activity": when.activity,
        "start_date": iso(when.start),
        "end_date": iso(when.end),
        "extra": when.extra,
        "status": _STATUS_NUMBERS.index(when.status) + 1 if known else len(_STATUS_NUMBERS) + 1,
    }


def volume(row: Volume) -> Row:
    """Return a volume with its state in cinder."""
    attached: Row | None = None
    if row.status == "attaching":
        attached = {"device": None, "id": row.uuid, "instance_alias": None}
    elif row.attached_to:
        attached = {
            "device": row.device,
            "serverId": row.attached_to,
            "id": row.uuid,
            "instance_alias": row.attached_to,
            "volumeId": row.uuid,
        }
    return {
        "id": row.id,
        "status": row.status,
        "attach_data": attached,
        "mount_location": row.mount_location,
        "created_by": row.user.username,
        "provider": row.provider.uuid,
        "identity": _identity(row.identity),
        "alias": row.uuid,
        "start_date": iso(row.start_date),
        "end_date": iso(row.end_date),
        **({"project": row.project.id} if row.project else {}),
        "size": row.size,
        "name": row.name,
        "description": row.description,
    }


def size(row: Size) -> Row:
    """Return a size."""
    return {
        "occupancy": "0",
        "total": "1",
        "remaining": "1",
        "active": row.active,
        "uuid": row.uuid,
        "alias": row.alias,
        "name": row.name,
        "cpu": row.cpu,
        "disk": row.disk,
        "root": row.root,
        "mem": row.mem,
        "provider": row.provider.id,
    }


def identity(row: Identity) -> Row:
    """Return an identity, with its secret in clear."""
    return {
        "id": row.uuid,
        "created_by": row.user.username,
        "provider_id": row.provider.uuid,
        "credentials": {key: value for _id, _uuid, key, value in row.credentials()},
        "quota": {"uuid": row.quota.uuid, **row.quota.limits()},
    }


def provider(row: Provider) -> dict[str, Any]:
    """Return a provider."""
    return {
        "id": row.uuid,
        "type": "OpenStack",
        "location": row.name,
        "description": row.description,
        "public": row.public,
        "auto_imaging": False,
        "timezone": "America/Indiana/Indianapolis",
        "cloud_config": {
            "network": {
                "dns_nameservers": ["8.8.8.8"],
                "default_security_rules": [],
                "topology": "External Router Topology",
            },
            "user": {"user_role_name": "_member_", "secret": "x" * 40},
            "deploy": {"hostname_format": "js-%(three)s-%(four)s.jetstream-cloud.org"},
        },
        "virtualization": 1,
        "over_allocation_action": None,
        "cloud_admin": None,
    }
