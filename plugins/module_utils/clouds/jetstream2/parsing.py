# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From OpenStack's JSON to the model. See docs/jetstream2.md, Objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from ...flavors import Resource, family_of
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
from .login import Account

Json = Mapping[str, Any]

_POWER_STATES: Mapping[int, str] = {
    0: "no state",
    1: "running",
    3: "paused",
    4: "shut down",
    6: "crashed",
    7: "suspended",
}
# What the accounting service calls the resources.
_HOSTS: Mapping[Resource, str] = {
    Resource.CPU: "jetstream2.indiana.xsede.org",
    Resource.GPU: "jetstream2-gpu.indiana.xsede.org",
    Resource.LARGE_MEMORY: "jetstream2-lm.indiana.xsede.org",
}
_RESOURCES: Mapping[str, Resource] = {host.partition(".")[0]: resource for resource, host in _HOSTS.items()}
# The accounting service is brought up to date once a day.
_LAG_HOURS = 24
_STATE_AFTER: Mapping[str, str] = {
    "create": "active",
    "start": "active",
    "resume": "active",
    "unpause": "active",
    "unshelve": "active",
    "restore": "active",
    "reboot": "active",
    "rebuild": "active",
    "rescue": "rescue",
    "unrescue": "active",
    "stop": "shutoff",
    "suspend": "suspended",
    "pause": "paused",
    "shelve": "shelved_offloaded",
    "shelveOffload": "shelved_offloaded",
    "delete": "deleted",
    "forceDelete": "deleted",
}
# States that last until somebody acts. Others, such as resize, are passed through.
_LASTING = frozenset({*_STATE_AFTER.values(), "error", "shelved", "soft_deleted"})


def instance_from_nova(row: Json, account: Account, images: Mapping[str, str]) -> Instance:
    """Read a server with its details. C(images): names by id, of those that were asked for."""
    flavor = _flavor(row["flavor"])
    addresses = tuple(_addresses(row.get("addresses") or {}))
    return Instance(
        id=row["id"],
        uuid=row["id"],
        name=row["name"],
        status=str(row["status"]).lower(),
        activity=row.get("OS-EXT-STS:task_state") or "",
        live=True,
        flavor=flavor,
        provider=Provider(name=account.region, uuid=account.region),
        identity=Identity(name=account.user_name, uuid=account.user_id),
        user=account.user_name if row.get("user_id") == account.user_id else str(row.get("user_id")),
        ip_address=next((text for text, kind in addresses if kind == "floating"), None),
        image=_image(row.get("image"), images),
        project=Project(name=account.project_name, uuid=account.project_id),
        allocation_source=_payer(flavor, account),
        start_date=row.get("created"),
        fault=(row.get("fault") or {}).get("message") or None,
        power_state=_POWER_STATES.get(row.get("OS-EXT-STS:power_state", -1)),
        # An empty hostId is how nova says that no machine holds it.
        on_host=bool(row["hostId"]) if "hostId" in row else None,
        locked=row.get("locked"),
        lock_reason=row.get("locked_reason"),
        metadata=dict(row.get("metadata") or {}),
        addresses=tuple(text for text, _kind in addresses),
    )


def image_id(row: Json) -> str | None:
    """Return what a server was launched from; None for one that boots from a volume."""
    image = row.get("image")
    return image.get("id") if isinstance(image, Mapping) else None


def volume_from_cinder(row: Json, account: Account, instances: Mapping[str, str]) -> Volume:
    """Read a volume with its details. C(instances): names by id."""
    return Volume(
        id=row["id"],
        uuid=row["id"],
        name=row.get("name") or "",
        size=row["size"],
        status=row.get("status"),
        provider=Provider(name=account.region, uuid=account.region),
        identity=Identity(name=account.user_name, uuid=account.user_id),
        user=account.user_name if row.get("user_id") == account.user_id else str(row.get("user_id")),
        description=row.get("description") or "",
        project=Project(name=account.project_name, uuid=account.project_id),
        attachments=tuple(_attachment(each, instances) for each in row.get("attachments") or ()),
        start_date=row.get("created_at"),
    )


def allocation_sources_from_accounting(rows: Sequence[Any], account: Account, now: datetime) -> list[AllocationSource]:
    """Read the accounting service's rows: of each resource the one that holds now, or else the last.

    Storage is left out: it is not charged in service units. So is what is no row.
    """
    by_resource: dict[Resource, list[Json]] = {}
    for row in rows:
        name = row.get("resource") if isinstance(row, Mapping) else None
        resource = _RESOURCES.get(str(name).partition(".")[0])
        if resource:
            by_resource.setdefault(resource, []).append(row)
    return [
        _allocation_source(resource, _current(by_resource[resource], now), account)
        for resource in Resource
        if resource in by_resource
    ]


def periods_from_actions(instance: Instance, row: Json, actions: Iterable[Json]) -> list[StatusPeriod]:
    """Rebuild which states a server was in from what was done to it and did not fail. The flavor is today's.

    A state begins when the action that led to it had ended. What is in none of the actions is taken from the server as
    it is now: a state that came about otherwise, such as an error, holds since the server last changed.
    """
    told = [
        (moment(each.get("updated_at") or each["start_time"]), str(each.get("action")), each.get("message"))
        for each in actions
    ]
    done = sorted(
        (end, _STATE_AFTER[action]) for end, action, message in told if action in _STATE_AFTER and message != "Error"
    )
    if instance.status in _LASTING and (not done or done[-1][1] != instance.status):
        # Nova tells this time in whole seconds, and so, in a quick sequence, a moment before the last action had ended.
        changed = max([moment(row["updated"]), *(end for end, _action, _message in told)])
        done.append((changed, instance.status))
    if not done:
        # Such as a server in the middle of a resize, whose actions nova no longer keeps.
        return []
    ends = [start for start, _status in done[1:]]
    return [
        StatusPeriod(
            number=number,
            instance_id=instance.id,
            instance_uuid=instance.uuid,
            instance_name=instance.name,
            status=status,
            activity="",
            flavor=instance.flavor,
            start=start,
            end=end,
            allocation_source=instance.allocation_source,
        )
        for number, ((start, status), end) in enumerate(zip(done, [*ends, None], strict=True))
        if status != "deleted"
    ]


def rests_since(instance: Instance, row: Json, time: datetime) -> bool:
    """Whether a server has been in the state it is in since that time, so that no action can have changed it since."""
    return instance.status in _LASTING and moment(row["updated"]) < time


def moment(text: str) -> datetime:
    """Read one of nova's times, which name no zone and are UTC."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _flavor(row: Json) -> Flavor:
    name = row.get("original_name") or row.get("name") or ""
    return Flavor(name=name, vcpus=row.get("vcpus"), ram=row.get("ram"), disk=row.get("disk"))


def _addresses(networks: Mapping[str, Sequence[Json]]) -> list[tuple[str, str]]:
    return [
        (str(each["addr"]), str(each.get("OS-EXT-IPS:type", "")))
        for addresses in networks.values()
        for each in addresses
        if each.get("addr")
    ]


def _image(image: Any, images: Mapping[str, str]) -> Image | None:
    # A server that boots from a volume has an empty string here.
    if not isinstance(image, Mapping):
        return None
    uuid = str(image["id"])
    return Image(name=images.get(uuid, uuid), uuid=uuid)


def _attachment(row: Json, instances: Mapping[str, str]) -> Attachment:
    uuid = str(row["server_id"])
    return Attachment(
        instance_uuid=uuid,
        instance_id=uuid if uuid in instances else None,
        instance_name=instances.get(uuid),
        device=row.get("device"),
    )


def _payer(flavor: Flavor, account: Account) -> AllocationSource | None:
    """Return the allocation that pays for a flavor. None if the flavor's family is not known."""
    family = family_of(flavor.name)
    if family is None:
        return None
    return AllocationSource(name=_payer_name(family.resource, account), uuid=_HOSTS[family.resource])


def _payer_name(resource: Resource, account: Account) -> str:
    return f"{account.project_name} {resource.upper()}"


def _current(rows: Sequence[Json], now: datetime) -> Json:
    """Choose the row that is active and holds now. A renewed allocation leaves its past ones in the list.

    A date that is missing, or cannot be read, bounds nothing. Of several rows, one with an end is believed before one
    without.
    """
    today = now.date()
    holding = [
        row
        for row in rows
        if row.get("active")
        and (_day(row, "start_date") or today) <= today
        and (_day(row, "end_date") or today) >= today
    ]
    return max(holding or rows, key=lambda row: _day(row, "end_date") or date.min)


def _day(row: Json, name: str) -> date | None:
    """Read a date, which may have a time behind it. None if there is none, or not in ISO 8601."""
    try:
        return moment(row[name]).date()
    except (KeyError, TypeError, ValueError):
        return None


def _allocation_source(resource: Resource, row: Json, account: Account) -> AllocationSource:
    return AllocationSource(
        name=_payer_name(resource, account),
        uuid=_HOSTS[resource],
        compute_allowed=row.get("service_units_allocated"),
        # Nothing at all until something was used.
        compute_used=row.get("service_units_used") or 0,
        lag_hours=_LAG_HOURS,
        start_date=row.get("start_date"),
        end_date=row.get("end_date"),
        flaws=() if row.get("end_date") else ("the accounting service does not say when it ends",),
    )
