# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account can launch from, and how much of it: images, flavors, quotas and the like, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from .errors import ConfigurationError
from .model import Flavor, Identity, KnownByUuid, Named, Numbered, Project, Provider

# The resources that quotas limit: ``ram`` is in MB, ``gigabytes`` are those of volumes and their snapshots.
RESOURCES = (
    "instances",
    "cores",
    "ram",
    "floating_ips",
    "volumes",
    "gigabytes",
    "snapshots",
    "networks",
    "routers",
    "ports",
    "security_groups",
)


@dataclass(frozen=True, slots=True)
class OfferedImage(KnownByUuid):
    """An image that can be seen. ``uuid`` launches exactly this one.

    ``application``: the UUID that instances show, where that is another one. ``size`` and ``min_disk`` are GB,
    ``min_ram`` is MB. ``usable``: whether a launch takes it by its name. Of several with one name, that takes one of
    the least ``precedence``, and of these the newest. ``hidden``: its owner withdrew it, so only its UUID launches it.
    """

    uuid: str
    name: str
    provider: Provider
    precedence: int
    usable: bool
    own: bool
    owner: str | None = None
    visibility: str | None = None
    status: str | None = None
    version: str | None = None
    application: str | None = None
    size: float | None = None
    min_disk: int | None = None
    min_ram: int | None = None
    created: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    hidden: bool = False

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them."""
        result = asdict(self) | {"tags": list(self.tags)}
        del result["precedence"]
        return result


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """A query for images. A cloud that cannot filter by an attribute may ignore it.

    Those of exact ``names`` (None: all), and those of ``uuids`` beside them. ``visibilities``: None for all that a name
    can mean. ``hidden``: also those that their owners have withdrawn; those of ``uuids`` are found without it.
    """

    names: tuple[str, ...] | None = None
    uuids: tuple[str, ...] = ()
    visibilities: tuple[str, ...] | None = None
    own_only: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class OfferedFlavor(Named):
    """A flavor at a provider. ``id`` is the cloud's own, which may be a number, ``uuid`` is unique among all."""

    id: str
    uuid: str
    flavor: Flavor
    provider: Provider

    @property
    def name(self) -> str:
        """The name of the flavor."""
        return self.flavor.name


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of one resource, and the use of it. ``limit`` is None if it is unknown, or if there is none."""

    used: float | None = None
    limit: float | None = None
    unlimited: bool = False

    @property
    def free(self) -> float | None:
        """How much is left; None if that is unknown or without limit."""
        return None if self.used is None or self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of an account at a provider, by resource (RESOURCES). What is not known is missing.

    ``can_launch``: whether the account may launch instances with it.
    """

    provider: Provider
    identity: Identity
    project: Project | None
    limits: Mapping[str, Limit] = field(default_factory=dict)
    can_launch: bool = True


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of a network. ``router``: the UUID of the project's router that it is attached to."""

    uuid: str
    name: str
    cidr: str | None = None
    ip_version: int | None = None
    gateway: str | None = None
    router: str | None = None


@dataclass(frozen=True, slots=True)
class Router:
    """A router of the project. ``external_network``: the UUID of the network that it leads to."""

    uuid: str
    name: str
    status: str | None = None
    external_network: str | None = None
    addresses: tuple[str, ...] = ()

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them."""
        return asdict(self) | {"addresses": list(self.addresses)}


@dataclass(frozen=True, slots=True)
class Network(KnownByUuid):
    """A network. ``default``: whether a launch takes it that names none.

    ``floating_ips``: whether instances in it can have floating IPs; None if that is not known. ``subnets`` is None if
    they could not be read.
    """

    uuid: str
    name: str
    status: str | None = None
    external: bool = False
    shared: bool = False
    own: bool = False
    mtu: int | None = None
    default: bool = False
    floating_ips: bool | None = None
    subnets: tuple[Subnet, ...] | None = None

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them."""
        subnets = None if self.subnets is None else [asdict(each) for each in self.subnets]
        return asdict(self) | {"subnets": subnets}


@dataclass(frozen=True, slots=True)
class FloatingIp:
    """A floating IP of the project. ``made_for_it``: whether this collection made it for the instance that has it."""

    uuid: str
    address: str
    status: str | None = None
    fixed_address: str | None = None
    network: str | None = None
    description: str = ""
    attached: bool = False
    instance_uuid: str | None = None
    instance_name: str | None = None
    made_for_it: bool = False


@dataclass(frozen=True, slots=True)
class ProjectDetails(Numbered):
    """A project of the account. ``owner`` is a user or a group; ``id`` is the number where there are numbers.

    ``created_by`` is a user. ``instances`` and ``volumes`` are the names of those in it. None: not known.
    """

    id: int | str
    uuid: str
    name: str
    description: str | None = None
    owner: str | None = None
    created_by: str | None = None
    users: tuple[str, ...] | None = None
    leaders: tuple[str, ...] | None = None
    instances: tuple[str, ...] | None = None
    volumes: tuple[str, ...] | None = None
    created: str | None = None

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them: what is in it is counted."""
        people = {"users": self.users, "leaders": self.leaders}
        contents = {"instances": self.instances, "volumes": self.volumes}
        return {
            **asdict(self),
            **{name: None if each is None else list(each) for name, each in people.items()},
            **{name: None if each is None else len(each) for name, each in contents.items()},
        }


@dataclass(frozen=True, slots=True)
class IdentityDetails:
    """An account at a provider. ``can_launch`` is None where a role decides. ``groups``: it is shared with these."""

    uuid: str
    name: str
    user: str
    provider: Provider
    project: Project | None = None
    own: bool = True
    can_launch: bool | None = None
    groups: tuple[str, ...] = ()

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them."""
        return asdict(self) | {"groups": list(self.groups)}


@dataclass(frozen=True, slots=True)
class ProviderDetails:
    """A site that runs instances."""

    uuid: str
    name: str
    description: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class MaintenanceRecord:
    """An announced maintenance: of a provider, or, without one, of the whole site, whose API is then closed."""

    id: int
    title: str
    message: str
    start: datetime | None = None
    end: datetime | None = None
    provider: Provider | None = None


class Catalog(Protocol):
    """Reads what launches can name. Every method may raise any JetstreamError, and only reads.

    ``unsupported``: the methods that the cloud has nothing for, with the reason, a sentence. They return nothing.
    A service that does not answer is a warning, unless nothing else could be read.
    """

    unsupported: Mapping[str, str]

    def images(self, query: ImageQuery) -> Sequence[OfferedImage]:
        """Return images, by name, those of one name with the newest first."""

    def flavors(self, *, min_ram: int = 0, min_disk: int = 0) -> Sequence[OfferedFlavor]:
        """Return flavors, the smallest first. The least memory (MB) and disk (GB) narrow a list down where they can."""

    def quotas(self, resources: Sequence[str] = RESOURCES) -> Sequence[Quota]:
        """Return the limits and the use of these resources for each account at a provider."""

    def networks(self) -> tuple[Sequence[Network], Sequence[Router] | None]:
        """Return the networks that the project can see, and its routers; None if these could not be read."""

    def floating_ips(self) -> Sequence[FloatingIp]:
        """Return the floating IPs of the project, by address."""

    def projects(self) -> Sequence[ProjectDetails]:
        """Return the projects of the login."""

    def identities(self) -> Sequence[IdentityDetails]:
        """Return the accounts at providers that the login can use."""

    def providers(self) -> Sequence[ProviderDetails]:
        """Return the providers."""

    def maintenance(self) -> Sequence[MaintenanceRecord]:
        """Return all announced maintenance, past and future, the latest first."""


def require_supported(catalog: Catalog, what: str) -> None:
    """Raise ConfigurationError if the cloud has nothing for a method of its catalog."""
    reason = catalog.unsupported.get(what)
    if reason is not None:
        raise ConfigurationError(reason)
