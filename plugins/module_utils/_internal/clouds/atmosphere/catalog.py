# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images, flavors and quotas of an account at Atmosphere. Facts: docs/atmosphere.md, Catalog.

An image of Atmosphere is an application. Each of its versions has a machine at each provider. Launches name a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Protocol, TypeVar

from ...catalog import (
    RESOURCES,
    FloatingIp,
    IdentityDetails,
    ImageQuery,
    MaintenanceRecord,
    Network,
    OfferedFlavor,
    OfferedImage,
    ProjectDetails,
    ProviderDetails,
    Quota,
    Router,
)
from ...model import CloudAccount, Identity, Instance, Provider, Volume
from ...text.ordering import natural_key
from ..json_values import (
    Json,
    UnreadableRow,
    describe,
    figure,
    flag,
    mapping,
    moment_of,
    number_of,
    text,
    uuid_of,
    whole,
)
from ..partial import read_parts
from ..row_lists import Warnings
from .launcher import flavor_of_size, is_current, is_led
from .projects import PROJECTS, names_in, project_from_v2
from .quotas import INSTANCE_RESOURCES, VOLUME_RESOURCES, limits_of, use_of_instances, use_of_volumes

Made = TypeVar("Made")
_OWN, _OTHERS = 0, 1
_NEVER = datetime.min.replace(tzinfo=UTC)


class Reads(Protocol):
    """The part of the client that the catalog uses."""

    def listed(
        self, path: str, task: str, shape: Callable[[Json], Made], key: Callable[[Json], object] = number_of
    ) -> list[Made]:
        """Return the shaped rows of a v2 list, in the order of their keys. ``task`` begins the messages of errors."""

    def account(self) -> CloudAccount:
        """Return the account of the login."""

    def instances(self) -> list[Instance]:
        """Return all instances, in their states in the database."""

    def list_volumes(self, *, live: bool) -> list[Volume]:
        """Return all volumes. See Cloud."""


class AtmosphereCatalog:
    """The catalog of one account, by requests to Atmosphere's v2."""

    unsupported: Mapping[str, str] = MappingProxyType(
        {
            "networks": "Atmosphere has no list of networks. It sets up the network of instances itself.",
            "floating_ips": (
                "Atmosphere has no list of floating IPs. Each instance has its own: use jetstream_instance_info."
            ),
        }
    )

    def __init__(self, reads: Reads, warnings: Warnings, *, max_concurrency: int) -> None:
        """Send nothing yet."""
        self._reads = reads
        self._warnings = warnings
        self._max_concurrency = max_concurrency

    # --- images

    def images(self, query: ImageQuery) -> list[OfferedImage]:
        """Return the machines of all applications. Atmosphere cannot filter by the query. See Catalog."""
        user = self._reads.account().user
        machines = self._reads.listed(
            "/api/v2/provider_machines", "Listing images", lambda row: machine_from_v2(row, user)
        )
        public: dict[str, bool] = {}
        memory: dict[str, int] = {}

        def read_applications() -> None:
            public.update(self._reads.listed("/api/v2/images", "Listing applications", _visibility))

        def read_versions() -> None:
            path, task = "/api/v2/image_versions", "Listing versions of images"
            memory.update(self._reads.listed(path, task, _memory, lambda row: uuid_of(row, "id")))

        parts = [
            (read_applications, "The visibility of images is missing."),
            (read_versions, "The memory that images need is missing."),
        ]
        read_parts(parts, self._warnings, self._max_concurrency, optional=True)
        known = [_completed(image, version, public, memory) for image, version in machines]
        # Of two machines with the same date, the one with the greater number is newer.
        ranked = sorted(enumerate(known), key=lambda pair: (pair[1].created or "", pair[0]), reverse=True)
        return sorted((each for _number, each in ranked), key=lambda each: natural_key(each.name))

    # --- flavors

    def flavors(self, *, min_ram: int = 0, min_disk: int = 0) -> list[OfferedFlavor]:
        """Return the current, active sizes of all providers. See Catalog."""
        sizes = self._reads.listed("/api/v2/sizes", "Listing flavors", size_from_v2)
        flavors = [each for each in sizes if each is not None]
        return sorted(flavors, key=lambda each: (each.flavor.vcpus or 0, each.flavor.ram or 0, each.flavor.name))

    # --- quotas

    def quotas(self, resources: Sequence[str] = RESOURCES) -> list[Quota]:
        """Return the quota of each identity. The use is the sum of its listed instances and volumes. See Catalog."""
        found = self._reads.listed("/api/v2/identities", "Reading the quota", quota_from_v2)
        instances: list[Instance] = []
        volumes: list[Volume] = []
        use: dict[str, dict[str, float]] = {quota.identity.uuid: {} for quota, _row in found}

        def read_instances() -> None:
            instances.extend(self._reads.instances())
            for identity, used in use.items():
                used.update(use_of_instances([each for each in instances if each.identity.uuid == identity]))

        def read_volumes() -> None:
            volumes.extend(self._reads.list_volumes(live=False))
            for identity, used in use.items():
                used.update(use_of_volumes([each for each in volumes if each.identity.uuid == identity]))

        parts = [
            (read_instances, "The use of instances is missing.", INSTANCE_RESOURCES),
            (read_volumes, "The use of volumes is missing.", VOLUME_RESOURCES),
        ]
        wanted = [(read, missing) for read, missing, limited in parts if limited.intersection(resources)]
        read_parts(wanted, self._warnings, self._max_concurrency, optional=True)
        return [replace(quota, limits=limits_of(row, use[quota.identity.uuid])) for quota, row in found]

    # --- unsupported

    def networks(self) -> tuple[Sequence[Network], Sequence[Router] | None]:
        """Return nothing: see ``unsupported`` and Catalog."""
        return (), None

    def floating_ips(self) -> Sequence[FloatingIp]:
        """Return nothing: see ``unsupported`` and Catalog."""
        return ()

    # --- projects, identities, providers, maintenance

    def projects(self) -> list[ProjectDetails]:
        """Return the projects of the user's groups. See Catalog."""
        found = self._reads.listed(PROJECTS, "Listing projects", project_from_v2)
        return sorted(found, key=lambda each: (natural_key(each.name), each.uuid))

    def identities(self) -> list[IdentityDetails]:
        """Return the identities of the user, and those shared by others. See Catalog."""
        user = self._reads.account().user
        return self._reads.listed("/api/v2/identities", "Listing identities", lambda row: identity_from_v2(row, user))

    def providers(self) -> list[ProviderDetails]:
        """Return the current providers. See Catalog."""
        return self._reads.listed("/api/v2/providers", "Listing providers", provider_from_v2)

    def maintenance(self) -> list[MaintenanceRecord]:
        """Return the records of maintenance, the latest first. They can be read during maintenance. See Catalog."""
        found = self._reads.listed("/api/v2/maintenance_records", "Reading maintenance records", maintenance_from_v2)
        return sorted(found, key=lambda each: (each.start or _NEVER, each.id), reverse=True)


def machine_from_v2(row: Json, user: str | None) -> tuple[OfferedImage, str | None]:
    """Return a machine, and the UUID of its version. ``user``: the name of the account's user. Raises UnreadableRow."""
    uuid = uuid_of(row)
    application = mapping(row.get("image"))
    version = mapping(row.get("version"))
    owner = text(mapping(row.get("created_by")).get("username"))
    own = user is not None and owner is not None and owner.casefold() == user.casefold()
    image = OfferedImage(
        uuid=uuid,
        name=text(application.get("name")) or uuid,
        provider=_provider(row),
        precedence=_OWN if own else _OTHERS,
        usable=is_current(row),
        own=own,
        owner=owner,
        status="active" if is_current(row) else "ended",
        version=text(version.get("name")),
        application=text(application.get("uuid")),
        size=figure(row.get("size_gb")),
        created=text(row.get("start_date")),
        description=text(application.get("description")),
    )
    return image, text(version.get("id"))


def _visibility(row: Json) -> tuple[str, bool]:
    uuid = uuid_of(row)
    public = flag(row.get("is_public"))
    if public is None:
        raise UnreadableRow(f"is_public is {describe(row.get('is_public'))}")
    return uuid, public


def _memory(row: Json) -> tuple[str, int]:
    return uuid_of(row, "id"), whole(row.get("min_mem")) or 0


def _completed(
    image: OfferedImage, version: str | None, public: Mapping[str, bool], memory: Mapping[str, int]
) -> OfferedImage:
    """Add the visibility and the required memory (MB) to an image.

    ``public``: by the UUID of the application. ``memory``: by the UUID of the version.
    """
    is_public = public.get(image.application or "")
    visibility = None
    if is_public is not None:
        visibility = "public" if is_public else "private" if image.own else "shared"
    return replace(image, visibility=visibility, min_ram=memory.get(version or ""))


def size_from_v2(row: Json) -> OfferedFlavor | None:
    """Return a size as a flavor; None if it has ended or is inactive. Raises UnreadableRow."""
    uuid = uuid_of(row)
    if not is_current(row) or row.get("active") is False:
        return None
    return OfferedFlavor(text(row.get("alias")) or uuid, uuid, flavor_of_size(row), _provider(row))


def quota_from_v2(row: Json) -> tuple[Quota, Json]:
    """Return the quota of an identity without limits, and the object with the limits. Raises UnreadableRow."""
    uuid = uuid_of(row)
    identity = Identity(name=text(row.get("key")) or "", uuid=uuid)
    return Quota(_provider(row), identity, None, can_launch=is_led(row)), mapping(row.get("quota"))


def _provider(row: Json) -> Provider:
    provider = mapping(row.get("provider"))
    uuid = uuid_of(provider)
    return Provider(name=text(provider.get("name")) or uuid, uuid=uuid)


def identity_from_v2(row: Json, user: str | None) -> IdentityDetails:
    """Read an identity, without its credentials. ``user``: the name of the account's user. Raises UnreadableRow."""
    uuid = uuid_of(row)
    owner = text(mapping(row.get("user")).get("username")) or ""
    return IdentityDetails(
        uuid=uuid,
        name=text(row.get("key")) or "",
        user=owner,
        provider=_provider(row),
        own=user is not None and owner.casefold() == user.casefold(),
        can_launch=is_led(row),
        groups=names_in(row.get("members"), "name") or (),
    )


def provider_from_v2(row: Json) -> ProviderDetails:
    """Read a provider. Raises UnreadableRow without a UUID."""
    uuid = uuid_of(row)
    return ProviderDetails(
        uuid=uuid,
        name=text(row.get("name")) or uuid,
        description=text(row.get("description")),
        active=flag(row.get("active")),
    )


def maintenance_from_v2(row: Json) -> MaintenanceRecord:
    """Read a record of maintenance. Raises UnreadableRow without a number, and for an invalid time."""
    return MaintenanceRecord(
        id=number_of(row),
        title=text(row.get("title")) or "",
        message=text(row.get("message")) or "",
        start=_moment(row, "start_date"),
        end=_moment(row, "end_date"),
        provider=_provider(row) if row.get("provider") is not None else None,
    )


def _moment(row: Json, name: str) -> datetime | None:
    return None if row.get(name) is None else moment_of(row, name)
