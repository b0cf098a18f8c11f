# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a cloud, in the one shape that modules, inventory and reports return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from .text.terminal import one_line


class _HasName(Protocol):
    """Has a name, which may be empty, and a UUID."""

    @property
    def name(self) -> str:
        """Return the name."""

    @property
    def uuid(self) -> str:
        """Return the UUID."""


class _HasNumber(_HasName, Protocol):
    """Has a number as well, or the UUID in its place."""

    @property
    def id(self) -> int | str:
        """Return the number, or the UUID."""


class Named:
    """A thing that messages call by its name."""

    __slots__ = ()

    @property
    def label(self: _HasName) -> str:
        """The name, or the UUID of a thing without one, as messages call it."""
        return one_line(self.name or self.uuid)


class KnownByUuid(Named):
    """A thing of a kind that has no numbers that people see."""

    __slots__ = ()

    @property
    def id(self: _HasName) -> str:
        """Return the UUID."""
        return self.uuid


class Numbered:
    """A thing of a kind that has numbers on some clouds. Elsewhere, ``id`` is the UUID."""

    __slots__ = ()

    @property
    def label(self: _HasNumber) -> str:
        """The name, and the number where the cloud has numbers, as messages call it."""
        name = one_line(self.name)
        return name or self.uuid if self.id == self.uuid else f"{name} ({self.id})"


@dataclass(frozen=True, slots=True)
class Flavor:
    """The flavor of an instance: ``vcpus`` virtual cores, ``ram`` MB of memory, ``disk`` GB of root disk."""

    name: str
    vcpus: int | None = None
    ram: int | None = None
    disk: int | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """The image that an instance was launched from."""

    name: str
    uuid: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """The project of instances and volumes."""

    name: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Provider:
    """The site that an instance runs at."""

    name: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The account at a provider through which an instance is reached. Holds no secret."""

    name: str
    uuid: str


@dataclass(frozen=True, slots=True)
class CloudAccount:
    """The account of the login.

    ``site`` is the host that the login goes to, ``cloud`` the kind of cloud or its region. ``project`` and
    ``project_uuid`` are None where an account sees all of its projects, ``user`` where the login does not return it.
    """

    site: str
    cloud: str
    user: str | None = None
    project: str | None = None
    project_uuid: str | None = None

    def answers_for(self, owner: str) -> bool:
        """Return whether the instances of an owner are the account's: all of its project, or else its own."""
        return self.project is not None or self.user is None or owner.casefold() == self.user.casefold()


@dataclass(frozen=True, slots=True)
class AllocationSource(KnownByUuid):
    """An allocation, in SU. The burn rates are the server's own figures.

    ``updated`` is the time of the figures, ``lag_hours`` their greatest age where the site returns no time.
    Atmosphere's burn rate is a count of active instances, not SU per hour (docs/atmosphere.md, Allocations).
    ``flaws`` describe missing or unreadable figures, each a clause that follows the name and a colon.
    """

    name: str
    uuid: str
    compute_allowed: float | None = None
    compute_used: float | None = None
    global_burn_rate: float | None = None
    user_compute_used: float | None = None
    user_burn_rate: float | None = None
    updated: str | None = None
    lag_hours: int | None = None
    start_date: str | None = None
    end_date: str | None = None
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttachedVolume:
    """A volume that an instance has, and whether the cloud deletes it together with the instance."""

    uuid: str
    deleted_with_instance: bool = False


@dataclass(frozen=True, slots=True)
class LaunchFacts:
    """The facts about an instance that its launch, changes and deletion need. No result returns them.

    ``group``: the name or template that this collection launched it for; None for every other instance. ``token`` is
    unique to the request that launched it. ``image``: the image as that task named it. ``has_run``: whether it ever
    ran.
    """

    group: str | None = None
    token: str | None = None
    has_run: bool = True
    image: str | None = None
    key_name: str | None = None
    security_groups: tuple[str, ...] | None = None
    description: str | None = None
    volumes: tuple[AttachedVolume, ...] = ()


# The number or UUID of an instance in a row that lacks it.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Instance(Numbered):
    """A virtual machine.

    ``user`` is the user that the cloud names with it, ``owner`` the one that it belongs to: usually the same.
    ``read_error`` is the reason why its state could not be read from the cloud, or None. ``read_again``: whether
    another read may succeed. No result has that.

    ``status`` is the cloud's word in lower case (active, shutoff, ...), ``activity`` the task in progress ("" if there
    is none). ``live`` says whether both were read from the cloud just now, or from a database that may be minutes old.
    ``on_host``: whether a host of the site has it; None if unknown. ``may_be_old``: the seconds by which its state may
    have been out of date when it was read, since it came from a cache. No result has that.
    """

    id: int | str
    uuid: str
    name: str
    status: str
    activity: str
    live: bool
    flavor: Flavor
    provider: Provider
    identity: Identity
    user: str
    owner: str
    read_error: str | None = None
    read_again: bool = False
    ip_address: str | None = None
    image: Image | None = None
    project: Project | None = None
    allocation_source: AllocationSource | None = None
    usage: float | None = None
    start_date: str | None = None
    end_date: str | None = None
    web_desktop: bool = False
    shell: bool = False
    vnc: bool = False
    fault: str | None = None
    power_state: str | None = None
    on_host: bool | None = None
    locked: bool | None = None
    lock_reason: str | None = None
    metadata: Mapping[str, str] | None = None
    addresses: tuple[str, ...] | None = None
    facts: LaunchFacts = LaunchFacts()
    may_be_old: float = 0.0

    def gone(self) -> Instance:
        """Return it as one that is still listed, but that the cloud no longer has."""
        return replace(
            self, status="missing", activity="", live=True, read_again=False, ip_address=None, may_be_old=0.0
        )

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them."""
        result = asdict(self) | {"addresses": None if self.addresses is None else list(self.addresses)}
        del result["facts"], result["read_again"], result["may_be_old"]
        if self.allocation_source:
            # A report on allocations says them, not every instance.
            del result["allocation_source"]["flaws"]
        return result


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment of a volume. ``instance_id`` and ``instance_name`` are None for an instance out of sight."""

    instance_uuid: str
    instance_id: int | str | None = None
    instance_name: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Volume(Numbered):
    """A volume; ``size`` in GB. ``status`` is None if it was not requested or could not be read."""

    id: int | str
    uuid: str
    name: str
    size: int | None
    status: str | None
    provider: Provider
    identity: Identity
    user: str
    owner: str
    description: str = ""
    project: Project | None = None
    attachments: tuple[Attachment, ...] = ()
    mount_location: str | None = None
    start_date: str | None = None
    end_date: str | None = None

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them."""
        return asdict(self) | {"attachments": [asdict(each) for each in self.attachments]}


@dataclass(frozen=True, slots=True)
class BootVolume:
    """The volume that an instance boots from, in the place of a disk of its host: ``size`` in GB."""

    size: int
    deleted_with_instance: bool = True


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """The properties of instances, as a task names them. None: not given.

    ``user_data_by_name``: the user data of single instances, instead of ``user_data``.
    ``floating_ip``: "none", "auto" or an address. ``exosphere``: whether Exosphere, the web page of Jetstream2, shows
    them as its own. ``public_key``: the one that ``key_name`` is imported of, if there is no key pair of that name.
    """

    image: str | None = None
    flavor: str | None = None
    network: str | None = None
    key_name: str | None = None
    public_key: str | None = None
    security_groups: tuple[str, ...] | None = None
    user_data: str | None = None
    user_data_by_name: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] | None = None
    description: str | None = None
    boot_volume: BootVolume | None = None
    floating_ip: str | None = None
    locked: bool | None = None
    exosphere: bool = True
    project: str | None = None
    allocation_source: str | None = None
    identity: str | None = None

    @property
    def wants_address(self) -> bool:
        """Whether each of them is to have a floating IP."""
        return self.floating_ip not in (None, "none")


@dataclass(frozen=True, slots=True)
class LaunchRecipe:
    """The options of a launch after they were looked up. ``body``: the request for one, in the cloud's own words."""

    options: LaunchOptions
    flavor: Flavor
    image: Image
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Growth:
    """What a task does to instances that are there, as far as it counts in quotas.

    ``replaced``: those that are deleted before as many others are launched. ``resized``: those that get the flavor that
    the task names. ``addresses``: the number of floating IPs that are made for them.
    """

    replaced: tuple[Instance, ...] = ()
    resized: tuple[Instance, ...] = ()
    addresses: int = 0


NO_GROWTH = Growth()


@dataclass(frozen=True, slots=True)
class Launch:
    """One request for an instance. ``group``: the name or template of the task; ``token`` is unique to the request."""

    name: str
    group: str
    token: str


class ChangeKind(StrEnum):
    """A property of an instance that can be changed in place, as the step is called. They are changed in this order."""

    UNLOCK = "unlock"
    NAME = "rename"
    DESCRIPTION = "set description"
    METADATA = "set metadata"
    SECURITY_GROUPS = "set security groups"
    ADDRESS = "detach floating IP"
    FLAVOR = "resize"
    CONFIRM = "confirm resize"
    LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an instance. ``before`` and ``after`` are for people, ``values`` are names or pairs to set."""

    kind: ChangeKind
    before: str
    after: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FloatingAddress:
    """A floating IP of an instance. ``made_for_it``: whether this collection made it for that instance."""

    id: str
    address: str
    made_for_it: bool


@dataclass(frozen=True, slots=True)
class UnattachedAddress:
    """A floating IP of the project that is attached to nothing. ``created``: since when the project has it.

    ``release``: the command of the cloud's own client that gives it back.
    """

    uuid: str
    address: str
    release: str
    created: str | None = None


@dataclass(frozen=True, slots=True)
class AssignedAddress:
    """A floating IP that an instance has. ``is_new``: whether it was attached just now.

    In a preview, ``is_new`` says whether it would be attached. The ``address`` of one that is to be made is then "".
    """

    address: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Snapshot(Named):
    """A snapshot of a volume; ``size`` in GB, that of the volume at the time."""

    uuid: str
    name: str
    volume_uuid: str
    size: int | None
    status: str | None


@dataclass(frozen=True, slots=True)
class VolumeOptions:
    """The properties of a volume to be created; ``size`` in GB. ``snapshot`` is the one that it is created from.

    ``project`` and ``provider`` are names or UUIDs. None: not given.
    """

    name: str
    size: int
    description: str | None = None
    snapshot: Snapshot | None = None
    project: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class VolumeRequest:
    """The request that creates a volume, in the cloud's own words, and the volume as it would be."""

    body: Mapping[str, str | int]
    volume: Volume


@dataclass(frozen=True, slots=True)
class ProjectImage(Named):
    """An image that the project owns. ``size`` and ``min_disk`` are in GB, ``min_ram`` in MB.

    ``properties`` are those that users can set. ``token`` is unique to the request of this collection that made it.
    ``instance_uuid``: the instance that it was made of. ``snapshots``: those of volumes that it refers to, by uuid.
    """

    uuid: str
    name: str
    status: str = ""
    visibility: str = "private"
    protected: bool = False
    size: float | None = None
    min_disk: int | None = None
    min_ram: int | None = None
    created: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    instance_uuid: str | None = None
    snapshots: tuple[str, ...] = ()

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them."""
        result = asdict(self) | {"snapshots": list(self.snapshots), "properties": dict(self.properties)}
        del result["token"]
        return result


@dataclass(frozen=True, slots=True)
class ImageChange:
    """The properties of an image that are to be set. None: stays. ``properties`` that it does not have are added."""

    visibility: str | None = None
    protected: bool | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyPair(Named):
    """The public key of a user, which is put into instances."""

    name: str
    public_key: str
    fingerprint: str | None = None

    @property
    def id(self) -> str:
        """Return the name, which no other key pair of the user has."""
        return self.name

    @property
    def uuid(self) -> str:
        """Return the name, which no other key pair of the user has."""
        return self.name

    @property
    def material(self) -> tuple[str, ...]:
        """The type and the key without its comment, by which keys are compared."""
        return tuple(self.public_key.split()[:2])


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """A rule of a security group: the traffic that it lets through. It is compared without its ``uuid``.

    ``ports`` are the first and the last one, None for all. For ICMP, they are the type and the code, which is None for
    all codes of the type. The remote is ``cidr``, or the UUID of a security group or an address group.
    """

    direction: str
    ethertype: str
    protocol: str
    ports: tuple[int, int | None] | None = None
    cidr: str | None = None
    group: str | None = None
    address_group: str | None = None
    uuid: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class SecurityGroup(KnownByUuid):
    """A named set of rules that instances can have. ``created``: when, as the cloud writes it."""

    uuid: str
    name: str
    description: str
    rules: tuple[SecurityRule, ...] = ()
    created: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ConsoleUrl:
    """The address of an instance's console in a browser. It holds a token, which opens the console without a login.

    ``kind``: "novnc" or "spice".
    """

    kind: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StatusPeriod:
    """A period in which an instance had one state and one flavor. ``end`` is None while it lasts.

    ``number`` orders periods that began at the same moment. ``allocation_source`` is None where the history does not
    say which one paid.
    """

    number: int
    instance_id: int | str
    instance_uuid: str
    instance_name: str
    status: str
    activity: str
    flavor: Flavor
    start: datetime
    end: datetime | None
    allocation_source: AllocationSource | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an operation, from which the module's result is made.

    ``failure`` is the sentence the task fails with; the rest is returned all the same.
    """

    result: Mapping[str, Any]
    changed: bool = False
    failure: str | None = None
    warnings: tuple[str, ...] = ()
    diff: Mapping[str, str] | None = field(default=None)

    def to_result(self) -> dict[str, Any]:
        """Return the module's result, without the failure's sentence."""
        result = {**self.result, "changed": self.changed}
        return result if self.diff is None else {**result, "diff": dict(self.diff)}
