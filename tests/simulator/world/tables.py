# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Atmosphere's tables, and the ways to fill them."""

from __future__ import annotations

import itertools
import uuid as uuids
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from . import database
from .cloud import Cloud
from .records import (
    AllocationSource,
    Group,
    Identity,
    Image,
    Instance,
    Maintenance,
    Period,
    Project,
    Provider,
    Quota,
    Size,
    Snapshot,
    User,
    Version,
    Volume,
    uuid_of,
)
from .vm import HAVE_ADDRESS, STATES, VM

NOVA_FAULT = "No valid host was found. There are not enough hosts available."


class Tables:
    """All rows, in the order of their numbers. Attributes that an add_ method is not given get a usual value.

    Further attributes of the add_ methods are those of the row (see records).
    """

    def __init__(self, cloud: Cloud, created: datetime) -> None:
        """Begin empty. ``created`` is the date of all rows that are given none."""
        self.cloud = cloud
        self.created = created
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.providers: list[Provider] = []
        self.identities: list[Identity] = []
        self.sizes: list[Size] = []
        self.images: list[Image] = []
        self.versions: list[Version] = []
        self.projects: list[Project] = []
        self.allocation_sources: list[AllocationSource] = []
        self.instances: list[Instance] = []
        self.volumes: list[Volume] = []
        self.maintenance: list[Maintenance] = []
        self._by_uuid: dict[str, Instance] = {}
        # The position of rows in the database, by uuid: the order of lists that have no other.
        self.stored_order: dict[str, int] = {}
        self._next_uuids: list[str] = []
        self._counters: defaultdict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))

    def instance(self, which: str | int) -> Instance:
        """Return an instance by name (the first of several), uuid or number. Raises KeyError."""
        found = self.instance_with(str(which)) or self.instance_numbered(which)
        if found is None:
            found = next((each for each in self.instances if each.name == which), None)
        if found is None:
            raise KeyError(which)
        return found

    def instance_numbered(self, number: str | int) -> Instance | None:
        """Return the instance with a number; None if there is none, or if that is no number."""
        return next((each for each in self.instances if str(each.id) == str(number)), None)

    def instance_with(self, uuid: str) -> Instance | None:
        """Return the instance with a uuid."""
        return self._by_uuid.get(uuid)

    def volume(self, which: str | int) -> Volume:
        """Return a volume by name (the first of several), uuid or number. Raises KeyError."""
        for volume in self.volumes:
            if str(which) in (volume.uuid, str(volume.id), volume.name):
                return volume
        raise KeyError(which)

    def provider(self, name: str) -> Provider:
        """Return the provider with a name. Raises KeyError."""
        found = next((each for each in self.providers if each.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def identity(self, uuid: str) -> Identity | None:
        """Return the identity with a uuid."""
        return next((each for each in self.identities if each.uuid == uuid), None)

    def next_id(self, table: str) -> int:
        """Return the next number in a table."""
        return next(self._counters[table])

    def random_uuid(self) -> str:
        """Return a uuid for something made while the world runs."""
        return self._next_uuids.pop(0) if self._next_uuids else str(uuids.uuid4())

    def continue_with(self, *uuids_of_things: str, **numbers: int) -> None:
        """Set the uuids of the next objects while the world runs, and, by table, the number of the next row."""
        self._next_uuids += uuids_of_things
        for table, number in numbers.items():
            self._counters[table] = itertools.count(number)

    def add_user(self, username: str, password: str = "pass", **attributes: Any) -> User:
        """Add an account that can log in, and the group of the same name."""
        group_uuid = attributes.pop("group_uuid", uuid_of("group", username))
        user = User(
            id=self.next_id("user"),
            username=username,
            password=password,
            uuid=attributes.pop("uuid", uuid_of("user", username)),
            email=attributes.pop("email", f"{username}@example.org"),
            **attributes,
        )
        self.users[username] = user
        self.add_group(username, [user], uuid=group_uuid)
        return user

    def add_group(
        self,
        name: str,
        users: Iterable[User],
        leaders: Iterable[User] | None = None,
        *,
        share_identities: bool = True,
        **attributes: Any,
    ) -> Group:
        """Add a group; without leaders, the first of its users is one.

        All identities of all its users are shared with it, as Atmosphere does, but for ``share_identities`` False.
        """
        members = list(users)
        group = Group(
            id=self.next_id("group"),
            name=name,
            uuid=attributes.pop("uuid", uuid_of("group", name)),
            users=members,
            leaders=members[:1] if leaders is None else list(leaders),
            **attributes,
        )
        self.groups[name] = group
        for identity in self.identities if share_identities else ():
            if identity.user in members:
                identity.groups.append(group)
        return group

    def groups_of(self, user: User | None) -> list[Group]:
        """Return the groups that a user is in."""
        return [group for group in self.groups.values() if user in group.users]

    def visible_to(self, user: User | None) -> set[str]:
        """Return the names of the users whose instances a user sees: all that are in a group with this one."""
        return {each.username for group in self.groups_of(user) for each in group.users}

    def add_provider(self, name: str, **attributes: Any) -> Provider:
        """Add a cloud."""
        provider = Provider(
            id=self.next_id("provider"),
            name=name,
            uuid=attributes.pop("uuid", uuid_of("provider", name)),
            description=attributes.pop("description", name),
            start_date=attributes.pop("start_date", self.created),
            **attributes,
        )
        self.providers.append(provider)
        return provider

    def add_identity(self, user: User, provider: Provider, **attributes: Any) -> Identity:
        """Add a user's account at a provider."""
        number = self.next_id("identity")
        quota = attributes.pop("quota", None) or Quota(id=number, uuid=uuid_of("quota", number))
        identity = Identity(
            id=number,
            uuid=attributes.pop("uuid", uuid_of("identity", user.username, provider.name, number)),
            user=user,
            name=attributes.pop("name", user.username),
            groups=[self.groups[user.username]],
            provider=provider,
            quota=quota,
            secret=attributes.pop("secret", f"cloud-{user.username}"),
            first_credential=5 * number - 4,
            credential_uuids=attributes.pop(
                "credential_uuids", tuple(uuid_of("credential", number, part) for part in range(5))
            ),
            **attributes,
        )
        self.identities.append(identity)
        return identity

    def add_size(self, name: str, provider: Provider, *, cpu: int, mem: int, disk: int, **attributes: Any) -> Size:
        """Add a flavor: mem in MB, disk in GB."""
        number = self.next_id("size")
        size = Size(
            id=number,
            uuid=attributes.pop("uuid", uuid_of("size", provider.name, name)),
            alias=str(attributes.pop("alias", number)),
            name=name,
            provider=provider,
            cpu=cpu,
            mem=mem,
            disk=disk,
            start_date=attributes.pop("start_date", self.created),
            **attributes,
        )
        self.sizes.append(size)
        return size

    def add_image(self, name: str, created_by: User, **attributes: Any) -> Image:
        """Add an image; it needs a version to make instances from."""
        image = Image(
            id=self.next_id("image"),
            name=name,
            created_by=created_by,
            uuid=attributes.pop("uuid", uuid_of("image", name)),
            description=attributes.pop("description", f"Base image {name}"),
            start_date=attributes.pop("start_date", self.created),
            **attributes,
        )
        self.images.append(image)
        return image

    def add_version(self, name: str, image: Image, identity: Identity, **attributes: Any) -> Version:
        """Add a version of an image, and with it the machine to make instances from."""
        version = Version(
            name=name,
            image=image,
            identity=identity,
            provider=identity.provider,
            machine_id=self.next_id("machine"),
            uuid=attributes.pop("uuid", uuid_of("version", image.name, name)),
            start_date=attributes.pop("start_date", self.created),
            machine_uuid=attributes.pop("machine_uuid", uuid_of("machine", image.name, name)),
            machine_start_date=attributes.pop("machine_start_date", self.created),
            size_gb=attributes.pop("size_gb", 8.0),
            **attributes,
        )
        self.versions.append(version)
        return version

    def add_project(
        self, name: str, owner: User | Group, *, created_by: User | None = None, **attributes: Any
    ) -> Project:
        """Add a project, of a user or of a group."""
        group = self.groups[owner.username] if isinstance(owner, User) else owner
        project = Project(
            id=self.next_id("project"),
            name=name,
            owner=group,
            created_by=created_by or (owner if isinstance(owner, User) else group.leaders[0]),
            uuid=attributes.pop("uuid", uuid_of("project", group.name, name)),
            description=attributes.pop("description", f"Project of {group.name}"),
            start_date=attributes.pop("start_date", self.created),
            **attributes,
        )
        self.projects.append(project)
        return project

    def first_project(self, user: User) -> Project | None:
        """Return the first project of a user's own."""
        return next((each for each in self.projects if each.created_by is user and each.end_date is None), None)

    def add_allocation_source(
        self,
        name: str,
        users: Iterable[User],
        *,
        compute_allowed: int = 50000,
        compute_used: float = 0.0,
        **attributes: Any,
    ) -> AllocationSource:
        """Add an allocation. Figures are SU."""
        members = list(users)
        updated = attributes.pop("updated", self.created)
        burn_rate = attributes.pop("global_burn_rate", 0.0)
        source = AllocationSource(
            id=self.next_id("allocation_source"),
            name=name,
            uuid=attributes.pop("uuid", uuid_of("allocation_source", name)),
            compute_allowed=compute_allowed,
            compute_used=compute_used,
            global_burn_rate=burn_rate,
            start_date=attributes.pop("start_date", self.created),
            updated=updated,
            users=members,
            snapshots=attributes.pop(
                "snapshots", {user.username: Snapshot(compute_used, burn_rate, updated) for user in members}
            ),
            **attributes,
        )
        self.allocation_sources.append(source)
        return source

    def add_instance(
        self,
        name: str,
        identity: Identity,
        size: Size,
        version: Version,
        *,
        state: str = "active",
        project: Project | None = None,
        allocation_source: AllocationSource | None = None,
        vm: Mapping[str, Any] | None = None,
        machine: VM | None = None,
        **attributes: Any,
    ) -> Instance:
        """Add an instance and its machine, in one of STATES, as both the cloud and the database have it.

        ``vm``: attributes of the machine beyond its state; or ``machine``: that of the cloud. A history may be given as
        rows; by default it has been in its state ever since it started. Raises KeyError for an unknown state.
        """
        number = attributes.pop("id", None) or self.next_id("instance")
        uuid = attributes.pop("uuid", None) or uuid_of("instance", identity.uuid, number, name)
        if machine is None:
            machine = self.new_vm(uuid, name, identity, state, vm or {})
        look = machine.look()
        start_date = attributes.pop("start_date", self.created)
        history = attributes.pop("history", None) or [
            self.period(database.status_of(look), look.activity, size, start_date, extra=dict(look.extra))
        ]
        instance = Instance(
            id=number,
            uuid=uuid,
            name=name,
            identity=identity,
            size=size,
            version=version,
            project=project,
            allocation_source=allocation_source,
            start_date=start_date,
            history=history,
            user=attributes.pop("user", identity.user),
            ip_address=attributes.pop("ip_address", machine.address),
            **attributes,
        )
        self.instances.append(instance)
        self._by_uuid[uuid] = instance
        if instance.end_date is None:
            self.cloud.vms[uuid] = machine
        return instance

    def new_vm(self, uuid: str, name: str, identity: Identity, state: str, changes: Mapping[str, Any]) -> VM:
        """Return a machine in one of STATES, which is not in the cloud yet. Raises KeyError for an unknown state."""
        attributes = {**STATES[state], **changes}
        if state == "error":
            fault = {"message": NOVA_FAULT, "code": 500, "created": "2026-01-01T00:00:00Z"}
            attributes.setdefault("fault", fault)
        if state in HAVE_ADDRESS and "address" not in attributes:
            attributes["address"] = self.cloud.next_address()
        return VM(uuid=uuid, name=name, identity=identity, **attributes)

    def period(
        self,
        status: str,
        activity: str,
        size: Size,
        start: datetime,
        end: datetime | None = None,
        **attributes: Any,
    ) -> Period:
        """Make a row of history."""
        number = self.next_id("period")
        uuid = attributes.pop("uuid", None) or uuid_of("period", number)
        return Period(number, uuid, status, activity, size, start, end, **attributes)

    def add_volume(self, name: str, size: int, identity: Identity, **attributes: Any) -> Volume:
        """Add a volume, its size in GB."""
        number = self.next_id("volume")
        volume = Volume(
            id=number,
            name=name,
            size=size,
            identity=identity,
            project=attributes.pop("project", None),
            uuid=attributes.pop("uuid", None) or uuid_of("volume", identity.uuid, number, name),
            start_date=attributes.pop("start_date", self.created),
            **attributes,
        )
        self.volumes.append(volume)
        return volume

    def attach(self, volume: Volume, instance: Instance, device: str = "/dev/sdb") -> None:
        """Have a volume attached to an instance."""
        volume.status, volume.attached_to, volume.device = "in-use", instance.uuid, device

    def add_maintenance(self, title: str, message: str, **attributes: Any) -> Maintenance:
        """Begin maintenance: of the API, unless a provider is given."""
        record = Maintenance(
            id=self.next_id("maintenance"),
            title=title,
            message=message,
            start_date=attributes.pop("start_date", self.created),
            **attributes,
        )
        self.maintenance.append(record)
        return record
