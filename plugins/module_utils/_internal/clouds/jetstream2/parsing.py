# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts OpenStack's JSON into the model. See docs/jetstream2.md, Objects.

The types of all values are checked here. A row without a required value raises UnreadableRow. Any other value of an
unexpected type is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from ...flavors import Resource, family_of
from ...model import (
    UNKNOWN,
    AllocationSource,
    AttachedVolume,
    Attachment,
    Flavor,
    Identity,
    Image,
    Instance,
    LaunchFacts,
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
    flag,
    flaws_of_amounts,
    mapping,
    moment_of,
    rows,
    text,
    texts,
    uuid_of,
    whole,
    word,
)
from .login import Account

# The marks of a launch: the metadata keys of its group and its image, and the prefix of the tag with its token.
GROUP_KEY = "jetstream_cloud_group"
IMAGE_KEY = "jetstream_cloud_image"
LAUNCH_TAG = "jetstream.cloud-"
# The prefix of a floating IP's description, before the UUID of the server that it was created for.
MADE_FOR = "jetstream.cloud: made for "
_POWER_STATES: Mapping[int | None, str] = {
    0: "no state",
    1: "running",
    3: "paused",
    4: "shut down",
    6: "crashed",
    7: "suspended",
}
# The names of the resources in the accounting service.
_HOSTS: Mapping[Resource, str] = {
    Resource.CPU: "jetstream2.indiana.xsede.org",
    Resource.GPU: "jetstream2-gpu.indiana.xsede.org",
    Resource.LARGE_MEMORY: "jetstream2-lm.indiana.xsede.org",
}
_RESOURCES: Mapping[str, Resource] = {host.partition(".")[0]: resource for resource, host in _HOSTS.items()}
_AMOUNTS = {"service_units_allocated": "SU granted", "service_units_used": "SU used"}
# The accounting service updates its figures once a day.
_LAG_HOURS = 24
# The state that each successful action of nova leads to.
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
# States that last until the next action. All others, such as resize, are transient.
_LASTING = frozenset({*_STATE_AFTER.values(), "error", "shelved", "soft_deleted"})


def instance_from_nova(row: Json, account: Account) -> Instance:
    """Read a server with its details, which include only the id of its image. Raises UnreadableRow."""
    server_id = uuid_of(row, "id")
    flavor = _flavor(mapping(row.get("flavor")))
    addresses = tuple(_addresses(mapping(row.get("addresses"))))
    owner = _owner(row, account)
    host = row.get("hostId")
    return Instance(
        id=server_id,
        uuid=server_id,
        name=_name(row, server_id),
        status=word(row.get("status")) or "unknown",
        activity=_task(row),
        live=True,
        flavor=flavor,
        provider=Provider(name=account.region, uuid=account.region),
        identity=Identity(name=account.user_name, uuid=account.user_id),
        user=owner,
        owner=owner,
        ip_address=next((address for address, kind in addresses if kind == "floating"), None),
        image=_image(row),
        project=Project(name=account.project_name, uuid=account.project_id),
        allocation_source=_payer(flavor, account),
        start_date=text(row.get("created")),
        fault=text(mapping(row.get("fault")).get("message")) or None,
        power_state=_POWER_STATES.get(whole(row.get("OS-EXT-STS:power_state"))),
        # Nova returns an empty hostId if no host has it.
        on_host=bool(host) if isinstance(host, str) else None,
        locked=flag(row.get("locked")),
        lock_reason=text(row.get("locked_reason")),
        metadata=texts(row.get("metadata")),
        addresses=tuple(address for address, _kind in addresses),
        facts=_facts(row),
    )


def unreadable_from_nova(row: Json, why: str, account: Account) -> Instance:
    """Return the known part of a server with an unreadable row, for results. ``why``: the reason, a clause."""
    owner = _owner(row, account)
    try:
        server_id = uuid_of(row, "id")
    except UnreadableRow:
        server_id = UNKNOWN
    return Instance(
        id=server_id,
        uuid=server_id,
        name=_name(row, UNKNOWN),
        status=word(row.get("status")) or "unknown",
        activity="",
        live=False,
        flavor=_flavor(mapping(row.get("flavor"))),
        provider=Provider(name=account.region, uuid=account.region),
        identity=Identity(name=account.user_name, uuid=account.user_id),
        user=owner,
        owner=owner,
        read_error=why,
        # Without its name, the task may exclude it.
        read_again=server_id != UNKNOWN and text(row.get("name")) is not None,
    )


def _task(row: Json) -> str:
    """Return the current task of a server; "" without one. Raises UnreadableRow for a task of another type."""
    task = row.get("OS-EXT-STS:task_state")
    if task is not None and not isinstance(task, str):
        raise UnreadableRow(f"task_state is {describe(task)}")
    return text(task) or ""


def with_image_name(instance: Instance, names: Mapping[str, str]) -> Instance:
    """Return an instance with the name of its image. ``names``: the names of images, by id."""
    image = instance.image
    name = names.get(image.uuid or "") if image else None
    return replace(instance, image=replace(image, name=name)) if image and name else instance


def image_name(row: Json) -> tuple[str, str]:
    """Return the id and the name of an image. Raises UnreadableRow without an id."""
    image = uuid_of(row, "id")
    return image, text(row.get("name")) or image


def server_name(row: Json) -> tuple[str, str]:
    """Return the id and the name of a server in a list without details. Raises UnreadableRow without an id."""
    server_id = uuid_of(row, "id")
    return server_id, _name(row, server_id)


def volume_from_cinder(row: Json, account: Account) -> Volume:
    """Read a volume with its details, which include only the ids of attached servers. Raises UnreadableRow."""
    volume_id = uuid_of(row, "id")
    owner = _owner(row, account)
    return Volume(
        id=volume_id,
        uuid=volume_id,
        name=text(row.get("name")) or "",
        size=whole(row.get("size")),
        status=word(row.get("status")),
        provider=Provider(name=account.region, uuid=account.region),
        identity=Identity(name=account.user_name, uuid=account.user_id),
        user=owner,
        owner=owner,
        description=text(row.get("description")) or "",
        project=Project(name=account.project_name, uuid=account.project_id),
        attachments=tuple(_attachment(each) for each in rows(row.get("attachments"))),
        start_date=text(row.get("created_at")),
    )


def with_instance_names(volume: Volume, names: Mapping[str, str]) -> Volume:
    """Return a volume with the names of the servers it is attached to. ``names``: the names of servers, by id."""
    attachments = tuple(
        replace(each, instance_id=each.instance_uuid, instance_name=names[each.instance_uuid])
        if each.instance_uuid in names
        else each
        for each in volume.attachments
    )
    return replace(volume, attachments=attachments)


def allocation_sources_from_accounting(rows: Sequence[Any], account: Account, now: datetime) -> list[AllocationSource]:
    """Read the accounting service's rows: for each resource, the current row, or else the latest one.

    Omits storage, which is not charged in SU, and values that are not rows. See docs/jetstream2.md, Allocations.
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
    """Compute the past states of a server from nova's rows of its successful actions. The flavor is the present one.

    Raises UnreadableRow for an invalid time. See docs/jetstream2.md, History.
    """
    starts = _starts_of_states(instance, row, actions)
    if not starts:
        # For example a server during a resize, whose actions nova has purged.
        return []
    ends = [start for start, _status in starts[1:]]
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
        for number, ((start, status), end) in enumerate(zip(starts, [*ends, None], strict=True))
        if status != "deleted"
    ]


def _starts_of_states(instance: Instance, row: Json, actions: Iterable[Json]) -> list[tuple[datetime, str]]:
    """Return the start of each state, with its status, in order; [] if none is known.

    A state starts at the end of the action that led to it. A present state without such an action, for example an
    error, starts at the last change of the server.
    """
    steps = [
        (
            moment_of(each, "updated_at" if each.get("updated_at") else "start_time"),
            text(each.get("action")) or "",
            text(each.get("message")),
        )
        for each in actions
    ]
    starts = sorted(
        (end, _STATE_AFTER[action]) for end, action, message in steps if action in _STATE_AFTER and message != "Error"
    )
    if instance.status in _LASTING and (not starts or starts[-1][1] != instance.status):
        # Nova rounds this time down to seconds, so that it may precede the end of the last action.
        changed = max([moment_of(row, "updated"), *(end for end, _action, _message in steps)])
        starts.append((changed, instance.status))
    return starts


def rests_since(instance: Instance, row: Json, time: datetime) -> bool:
    """Return whether a server has been in its present, lasting state since that time: no action changed it since."""
    return instance.status in _LASTING and moment_of(row, "updated") < time


def _owner(row: Json, account: Account) -> str:
    """Return the name of the account's own user, or the id of another user, whose name only administrators can read."""
    user_id = text(row.get("user_id"))
    return account.user_name if user_id == account.user_id else user_id or ""


def _name(row: Json, otherwise: str) -> str:
    name = text(row.get("name"))
    return otherwise if name is None else name


def _flavor(row: Json) -> Flavor:
    return Flavor(
        name=text(row.get("original_name")) or text(row.get("name")) or "",
        vcpus=whole(row.get("vcpus")),
        ram=whole(row.get("ram")),
        disk=whole(row.get("disk")),
    )


def _addresses(networks: Json) -> list[tuple[str, str]]:
    return [
        (address, text(each.get("OS-EXT-IPS:type")) or "")
        for addresses in networks.values()
        for each in rows(addresses)
        if (address := text(each.get("addr")))
    ]


def _image(row: Json) -> Image | None:
    # A server that boots from a volume has an empty string here.
    image = text(mapping(row.get("image")).get("id"))
    return Image(name=image, uuid=image) if image else None


def _security_groups(row: Json) -> tuple[str, ...] | None:
    """Return the names of the security groups of a server; None if they are unknown.

    Nova omits the key if the server has no ports yet, and also if its ports have no groups.
    """
    groups = row.get("security_groups")
    if isinstance(groups, list):
        return tuple(dict.fromkeys(name for each in rows(groups) if (name := text(each.get("name")))))
    return () if row.get("addresses") and groups is None else None


def _facts(row: Json) -> LaunchFacts:
    """Read the facts for launching. Ignores the tags of other programs, which may be passphrases."""
    tags = row.get("tags")
    names = [each for each in tags if isinstance(each, str)] if isinstance(tags, list) else []
    return LaunchFacts(
        group=texts(row.get("metadata")).get(GROUP_KEY),
        image=texts(row.get("metadata")).get(IMAGE_KEY),
        token=next((each.removeprefix(LAUNCH_TAG) for each in names if each.startswith(LAUNCH_TAG)), None),
        has_run=bool(text(row.get("OS-SRV-USG:launched_at"))),
        key_name=text(row.get("key_name")),
        security_groups=_security_groups(row),
        description=text(row.get("description")),
        volumes=tuple(
            AttachedVolume(volume, bool(flag(each.get("delete_on_termination"))))
            for each in rows(row.get("os-extended-volumes:volumes_attached"))
            if (volume := text(each.get("id")))
        ),
    )


def _attachment(row: Json) -> Attachment:
    return Attachment(instance_uuid=text(row.get("server_id")) or "", device=text(row.get("device")))


def _payer(flavor: Flavor, account: Account) -> AllocationSource | None:
    """Return the allocation that pays for a flavor; None if the family of the flavor is unknown."""
    family = family_of(flavor.name)
    if family is None:
        return None
    return AllocationSource(name=_payer_name(family.resource, account), uuid=_HOSTS[family.resource])


def _payer_name(resource: Resource, account: Account) -> str:
    return f"{account.project_name} {resource.upper()}"


def _current(rows: Sequence[Json], now: datetime) -> Json:
    """Return the active row of the present period, or else the latest row: past allocations stay in the list.

    A date that is missing or unreadable is no limit. A row with an end precedes a row without one.
    """
    today = now.date()
    current = [
        row
        for row in rows
        if row.get("active")
        and (_day(row, "start_date") or today) <= today
        and (_day(row, "end_date") or today) >= today
    ]
    return max(current or rows, key=lambda row: _day(row, "end_date") or date.min)


def _day(row: Json, name: str) -> date | None:
    """Return a date in ISO 8601, with or without a time; None if it is missing or in another format."""
    try:
        return moment_of(row, name).date()
    except UnreadableRow:
        return None


def _allocation_source(resource: Resource, row: Json, account: Account) -> AllocationSource:
    return AllocationSource(
        name=_payer_name(resource, account),
        uuid=_HOSTS[resource],
        compute_allowed=amount(row.get("service_units_allocated")),
        # The value is null until the first use.
        compute_used=0 if row.get("service_units_used") is None else amount(row["service_units_used"]),
        lag_hours=_LAG_HOURS,
        start_date=text(row.get("start_date")),
        end_date=text(row.get("end_date")),
        flaws=(
            *([] if text(row.get("end_date")) else ["the accounting service returns no end date"]),
            *flaws_of_amounts(row, _AMOUNTS),
        ),
    )
