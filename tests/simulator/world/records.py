# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of Atmosphere's database. Numbers are primary keys; rows refer to each other directly."""

from __future__ import annotations

import uuid as uuids
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NO_ADDRESS = "0.0.0.0"


def uuid_of(*words: object) -> str:
    """Return a uuid that is always the same for the same words."""
    return str(uuids.uuid5(uuids.NAMESPACE_DNS, "/".join(map(str, words))))


@dataclass(eq=False, slots=True)
class User:
    """An account that can log in. Every user has a group of the same name."""

    id: int
    uuid: str
    username: str
    password: str
    email: str
    is_active: bool = True
    is_staff: bool = False
    end_date: datetime | None = None


@dataclass(eq=False, slots=True)
class Group:
    """Users who share projects, and whose instances each of them sees."""

    id: int
    uuid: str
    name: str
    users: list[User]
    leaders: list[User]


@dataclass(eq=False, slots=True)
class Provider:
    """A cloud."""

    id: int
    uuid: str
    name: str
    description: str
    start_date: datetime
    public: bool = True
    active: bool = True
    end_date: datetime | None = None
    auth_url: str = "http://127.0.0.1:5000"
    # When its type and its kind of virtualization were added.
    kinds_start_date: tuple[datetime, datetime] | None = None
    disabled_actions: set[str] = field(default_factory=set)

    def ended(self, now: datetime) -> bool:
        """Tell whether it has ended. An end date in the future does not count, nor does ``active``."""
        return self.end_date is not None and self.end_date <= now


@dataclass(eq=False, slots=True)
class Quota:
    """How much an identity may have at once. memory and storage are GB."""

    id: int
    uuid: str
    cpu: int = 128
    memory: int = 512
    storage: int = 100
    instance_count: int = 60
    snapshot_count: int = 10
    storage_count: int = 6
    floating_ip_count: int = 80
    port_count: int = 80

    def limits(self) -> dict[str, int]:
        """Return the limits by name."""
        names = ("cpu", "memory", "storage", "instance_count", "snapshot_count", "storage_count")
        return {name: getattr(self, name) for name in (*names, "floating_ip_count", "port_count")}


@dataclass(eq=False, slots=True)
class Identity:
    """A user's account at a provider, under a name that is usually the user's."""

    id: int
    uuid: str
    user: User
    name: str
    provider: Provider
    quota: Quota
    secret: str
    first_credential: int
    credential_uuids: tuple[str, ...]
    # Their users may read with it. Acting with it takes no membership.
    groups: list[Group]

    @property
    def key(self) -> str:
        """Return the name of the identity in v2."""
        return f"Username: {self.name}, Project:{self.name}"

    def is_shared_with(self, user: User | None) -> bool:
        """Return whether a user may read with it."""
        return any(user in group.users for group in self.groups)

    def is_led_by(self, user: User | None) -> bool:
        """Return whether a user leads one of its groups."""
        return any(user in group.leaders for group in self.groups)

    def credentials(self) -> list[tuple[int, str, str, str]]:
        """Return number, uuid, key and value of each credential."""
        name = self.name
        values = {
            "key": name,
            "secret": self.secret,
            "ex_tenant_name": name,
            "ex_project_name": name,
            "router_name": "public_router",
        }
        rows = zip(self.credential_uuids, values.items(), strict=True)
        return [(self.first_credential + at, uuid, *pair) for at, (uuid, pair) in enumerate(rows)]


@dataclass(eq=False, slots=True)
class Size:
    """A flavor. mem is MB, disk GB."""

    id: int
    uuid: str
    alias: str
    name: str
    cpu: int
    mem: int
    disk: int
    provider: Provider
    start_date: datetime
    root: int = 0
    active: bool = True
    end_date: datetime | None = None


@dataclass(eq=False, slots=True)
class Image:
    """An application."""

    id: int
    uuid: str
    name: str
    description: str
    created_by: User
    start_date: datetime
    tags: tuple[str, ...] = ()
    end_date: datetime | None = None


@dataclass(eq=False, slots=True)
class Version:
    """A version of an image, with the machine that it is at its provider: instances are made from that."""

    uuid: str
    name: str
    image: Image
    start_date: datetime
    machine_id: int
    machine_uuid: str
    machine_start_date: datetime
    size_gb: float
    provider: Provider
    identity: Identity


@dataclass(eq=False, slots=True)
class Project:
    """A folder for instances and volumes."""

    id: int
    uuid: str
    name: str
    description: str
    owner: Group
    created_by: User
    start_date: datetime
    end_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A user's share of an allocation source: SU used, and the count of active instances."""

    compute_used: float
    burn_rate: float
    updated: datetime


@dataclass(eq=False, slots=True)
class AllocationSource:
    """An allocation that pays for instances. Figures are SU; the burn rate is a count of active instances."""

    id: int
    uuid: str
    name: str
    compute_allowed: int
    compute_used: float
    global_burn_rate: float
    start_date: datetime
    updated: datetime
    users: list[User]
    snapshots: dict[str, Snapshot]
    renewal_strategy: str = "default"
    end_date: datetime | None = None


@dataclass(eq=False, slots=True)
class Period:
    """A row of an instance's status history.

    ``status`` is Atmosphere's own word, where "networking" and "deploy_error" are statuses. ``activity`` is what was
    going on at the time, as in "powering-off".
    """

    id: int
    uuid: str
    status: str
    activity: str
    size: Size
    start: datetime
    end: datetime | None = None
    extra: dict[str, str] | None = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Instance:
    """An instance as Atmosphere's database has it. Its machine is in the cloud, under the same uuid."""

    id: int
    uuid: str
    name: str
    identity: Identity
    size: Size
    version: Version
    project: Project | None
    allocation_source: AllocationSource | None
    start_date: datetime
    history: list[Period]
    # The user who launched it, or, where it was launched past Atmosphere, the first who read it.
    user: User
    ip_address: str = NO_ADDRESS
    end_date: datetime | None = None
    token: str | None = None
    web_desktop: bool = False
    shell: bool = False
    vnc: bool = False

    @property
    def provider(self) -> Provider:
        """Return the provider it is at."""
        return self.identity.provider

    @property
    def latest(self) -> Period:
        """Return the latest row of its history."""
        return self.history[-1]


@dataclass(eq=False, slots=True)
class Volume:
    """A volume, with its state in cinder."""

    id: int
    uuid: str
    name: str
    size: int
    identity: Identity
    project: Project | None
    start_date: datetime
    description: str | None = ""
    status: str = "available"
    attached_to: str | None = None
    device: str | None = None
    # None until it was mounted for the first time; then "" while it is not.
    mount_location: str | None = None
    end_date: datetime | None = None
    # Whether cinder still has it, also against the row above.
    in_cloud: bool = True
    # Counts the changes begun. Plans of an earlier generation are cancelled.
    generation: int = 0

    @property
    def user(self) -> User:
        """Return the owner."""
        return self.identity.user

    @property
    def provider(self) -> Provider:
        """Return the provider it is at."""
        return self.identity.provider


@dataclass(eq=False, slots=True)
class Maintenance:
    """Maintenance of a provider, or, with none, of Atmosphere itself: the API is then closed."""

    id: int
    title: str
    message: str
    start_date: datetime
    end_date: datetime | None = None
    provider: Provider | None = None

    def active(self, now: datetime) -> bool:
        """Return whether it is going on."""
        return self.start_date <= now and (self.end_date is None or now < self.end_date)


@dataclass(eq=False, slots=True)
class Token:
    """A token, as a login gives it."""

    key: str
    user: User
    issuer: str
    issued: datetime
    expires: datetime


Row = dict[str, Any]
