# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images, flavors and quotas of one project at Jetstream2. Facts: docs/jetstream2.md, Catalog."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from ...catalog import (
    RESOURCES,
    FloatingIp,
    IdentityDetails,
    ImageQuery,
    Limit,
    MaintenanceRecord,
    Network,
    OfferedFlavor,
    OfferedImage,
    ProjectDetails,
    ProviderDetails,
    Quota,
    Router,
    Subnet,
)
from ...errors import SelectionError
from ...model import Identity, Project, Provider
from ...parallel import in_parallel
from ...text.ordering import natural_key
from ..json_values import Json, UnreadableRow, amount, flag, mapping, rows, text, uuid_of, whole, word
from ..partial import Part, read_parts
from ..row_lists import Reading, Warnings
from .api import COMPUTE, Api
from .login import Account
from .lookups import choose_network, flavor_of, is_usable, precedence
from .parsing import MADE_FOR
from .quotas import (
    COMPUTE_RESOURCES,
    NETWORK_RESOURCES,
    VOLUME_RESOURCES,
    compute_limits,
    network_limits,
    network_quota_path,
    volume_limits,
)

_GIB = 1024**3
# The number of names or IDs in one URL: all web servers accept URLs of that length.
_IN_ONE_URL = 40
_UUID = re.compile(r"[0-9a-f-]{32,36}", re.ASCII | re.IGNORECASE)
_COMMUNITY = "community"
# The device_owner of a port: its prefix for instances, and the value for a router's port in an external network.
_COMPUTE = "compute:"
_GATEWAY = "network:router_gateway"
Made = TypeVar("Made")


class Jetstream2Catalog:
    """The catalog of one project, by requests to nova, glance, neutron and cinder."""

    unsupported: Mapping[str, str] = MappingProxyType(
        {
            "maintenance": (
                "OpenStack has no records of maintenance. Jetstream2 announces it at https://jetstream.status.io."
            ),
        }
    )

    def __init__(
        self,
        api: Api,
        account: Callable[[], Account],
        server_names: Callable[[], Mapping[str, str]],
        warnings: Warnings,
        *,
        max_concurrency: int,
    ) -> None:
        """Send nothing yet. ``server_names``: returns the names of all servers, by their ids."""
        self._api = api
        self._account = account
        self._server_names = server_names
        self._warnings = warnings
        self._max_concurrency = max_concurrency

    # --- images

    def images(self, query: ImageQuery) -> list[OfferedImage]:
        """Return images, filtered by glance as far as possible. See Catalog."""
        found = self._image_rows(query)
        if query.hidden:
            found += self._image_rows(query, hidden=True)
        elif missing := _missing(query.uuids, found):
            # An id selects an image even if it is hidden.
            found += self._image_rows(replace(query, names=(), uuids=missing), hidden=True)
        account, task = self._account(), "Listing images"
        images = {
            each.uuid: each
            for each in Reading.of(found, lambda row: image_from_glance(row, account)).checked(task, self._warnings)
        }
        newest_first = sorted(images.values(), key=lambda each: (each.created or "", each.uuid), reverse=True)
        return sorted(newest_first, key=lambda each: natural_key(each.name))

    def _image_rows(self, query: ImageQuery, *, hidden: bool = False) -> list[Json]:
        """Return the rows of images. Glance lists either the hidden images, or the others."""
        filters = {
            **({"owner": self._account().project_id} if query.own_only else {}),
            **({"os_hidden": "true"} if hidden else {}),
        }
        requests = [
            {**visibility, **names, **filters}
            for names in _image_filters(query)
            for visibility in _visibilities(query, by_id="id" in names)
        ]

        def read(parameters: Mapping[str, str]) -> list[Json]:
            return self._api.rows("image", "/v2/images", "images", "Listing images", parameters, links="next")

        return [row for each in in_parallel(read, requests, self._max_concurrency) for row in each]

    # --- flavors

    def flavors(self, *, min_ram: int = 0, min_disk: int = 0) -> list[OfferedFlavor]:
        """Return the flavors with at least this memory (MB) and disk (GB). See Catalog."""
        least = {"minRam": min_ram, "minDisk": min_disk}
        query = {name: str(value) for name, value in least.items() if value}
        task = "Listing flavors"
        account = self._account()
        found = flavor_rows(self._api, query)
        flavors = Reading.of(found, lambda row: flavor_from_nova(row, account)).checked(task, self._warnings)
        return sorted({each.id: each for each in flavors}.values(), key=_by_size)

    # --- quotas

    def quotas(self, resources: Sequence[str] = RESOURCES) -> list[Quota]:
        """Return the quota of the project, from the services that limit these resources. See Catalog."""
        account, task = self._account(), "Reading the quota"
        path = network_quota_path(account.project_id)
        readings: list[tuple[frozenset[str], Part[dict[str, Limit]]]] = [
            (
                COMPUTE_RESOURCES,
                (
                    lambda: compute_limits(mapping(self._api.get("compute", "/limits", task, COMPUTE))),
                    "The limits of instances are missing.",
                ),
            ),
            (
                VOLUME_RESOURCES,
                (
                    lambda: volume_limits(mapping(self._api.get("volumev3", "/limits", task))),
                    "The limits of volumes are missing.",
                ),
            ),
            (
                NETWORK_RESOURCES,
                (
                    lambda: network_limits(mapping(self._api.get("network", path, task))),
                    "The limits of floating IPs and networks are missing.",
                ),
            ),
        ]
        wanted = [part for limited, part in readings if limited.intersection(resources)]
        found = read_parts(wanted, self._warnings, self._max_concurrency)
        return [
            Quota(
                provider=provider_of(account),
                identity=Identity(name=account.user_name, uuid=account.user_id),
                project=Project(name=account.project_name, uuid=account.project_id),
                limits={name: limit for limits in found if limits for name, limit in limits.items()},
            )
        ]

    # --- networks and floating IPs

    def networks(self) -> tuple[list[Network], list[Router] | None]:
        """Return the networks with their subnets, and the routers. See Catalog."""
        project = self._account().project_id
        listed = network_rows(self._api)
        routers, subnets = read_parts(
            [
                (self._router_rows, "The routers are missing."),
                (self._subnet_rows, "The subnets are missing."),
            ],
            self._warnings,
            self._max_concurrency,
            optional=True,
        )
        known = None if routers is None else self._readable(routers, router_from_neutron, "Listing routers")
        attached, is_complete = self._attached_subnets(known or ())
        by_network: dict[str, list[Subnet]] | None = None
        if subnets is not None:
            by_network = {}
            for network, subnet in self._readable(subnets, subnet_from_neutron, "Listing subnets"):
                by_network.setdefault(network, []).append(replace(subnet, router=attached.get(subnet.uuid)))
        default = _default_network(rows(listed), project)
        networks = self._readable(listed, lambda row: network_from_neutron(row, project), "Listing networks")
        outside = {each.uuid for each in known or () if each.external_network}
        is_complete = is_complete and known is not None
        connected = [
            _connected(replace(each, default=each.uuid == default), by_network, outside, is_complete=is_complete)
            for each in networks
        ]
        return sorted(connected, key=lambda each: (natural_key(each.name), each.uuid)), known

    def _router_rows(self) -> list[Json]:
        return self._api.rows("network", "/v2.0/routers", "routers", "Listing routers")

    def _subnet_rows(self) -> list[Json]:
        return self._api.rows("network", "/v2.0/subnets", "subnets", "Listing subnets")

    def _attached_subnets(self, routers: Sequence[Router]) -> tuple[dict[str, str], bool]:
        """Return the id of each subnet's router, by the id of the subnet, and whether all ports were readable.

        The source is the ports of each router, which show its subnets for all kinds of routers.
        """

        def ports(router: Router) -> list[Json]:
            query = {"device_id": router.uuid}
            return rows(self._api.rows("network", "/v2.0/ports", "ports", "Listing the ports of routers", query))

        parts = [(partial(ports, each), "Its subnets are missing.") for each in routers]
        found = read_parts(parts, self._warnings, self._max_concurrency, optional=True)
        attached = {
            subnet: router.uuid
            for router, listed in zip(routers, found, strict=True)
            for port in listed or ()
            # The port in the external network has no subnet of the project.
            if text(port.get("device_owner")) != _GATEWAY
            for fixed in rows(port.get("fixed_ips"))
            if (subnet := text(fixed.get("subnet_id")))
        }
        return attached, all(each is not None for each in found)

    def floating_ips(self) -> list[FloatingIp]:
        """Return the floating IPs of the project, with their servers. See Catalog."""
        task = "Listing floating IPs"
        listed = floating_ip_rows(self._api)
        owners = self._port_owners(rows(listed))
        found = self._readable(listed, lambda row: floating_ip_from_neutron(row, owners), task)
        if any(each.instance_uuid for each in found):
            names = self._server_names()
            found = [replace(each, instance_name=names.get(each.instance_uuid or "")) for each in found]
        return sorted(found, key=lambda each: (natural_key(each.address), each.uuid))

    def _port_owners(self, listed: Sequence[Json]) -> dict[str, str]:
        """Return the device of each port, by the port's id; {} if the rows of floating IPs include the devices."""
        if all(each.get("port_details") is not None for each in listed if each.get("port_id")):
            return {}
        ports = read_parts(
            [(lambda: self._api.rows("network", "/v2.0/ports", "ports", "Listing ports"), "Instances are missing.")],
            self._warnings,
            self._max_concurrency,
            optional=True,
        )[0]
        of_instances = [each for each in rows(ports) if (text(each.get("device_owner")) or "").startswith(_COMPUTE)]
        return {text(each.get("id")) or "": text(each.get("device_id")) or "" for each in of_instances}

    def _readable(self, listed: Sequence[Json], shape: Callable[[Json], Made], task: str) -> list[Made]:
        return Reading.of(listed, shape).checked(task, self._warnings)

    # --- the login

    def projects(self) -> list[ProjectDetails]:
        """Return the only project of the login. See Catalog."""
        account = self._account()
        return [ProjectDetails(id=account.project_id, uuid=account.project_id, name=account.project_name)]

    def identities(self) -> list[IdentityDetails]:
        """Return the user of the login. See Catalog."""
        account = self._account()
        project = Project(name=account.project_name, uuid=account.project_id)
        return [IdentityDetails(account.user_id, account.user_name, account.user_name, provider_of(account), project)]

    def providers(self) -> list[ProviderDetails]:
        """Return the region of the login. See Catalog."""
        provider = provider_of(self._account())
        return [ProviderDetails(uuid=provider.uuid, name=provider.name)]

    def maintenance(self) -> list[MaintenanceRecord]:
        """Return nothing: OpenStack has no such records. See Catalog."""
        return []


def provider_of(account: Account) -> Provider:
    """Return the region as a provider: all resources of the project are in it."""
    return Provider(name=account.region, uuid=account.region)


def image_from_glance(row: Json, account: Account) -> OfferedImage:
    """Read an image. Raises UnreadableRow without an id."""
    uuid = uuid_of(row, "id")
    size = amount(row.get("size"))
    return OfferedImage(
        uuid=uuid,
        name=text(row.get("name")) or uuid,
        provider=provider_of(account),
        precedence=precedence(row, account.project_id),
        usable=is_usable(row),
        hidden=flag(row.get("os_hidden")) is True,
        own=row.get("owner") == account.project_id,
        owner=text(row.get("owner")),
        visibility=word(row.get("visibility")),
        status=word(row.get("status")),
        size=None if size is None else round(size / _GIB, 2),
        min_disk=whole(row.get("min_disk")),
        min_ram=whole(row.get("min_ram")),
        created=text(row.get("created_at")),
        description=text(row.get("description")),
        tags=_texts(row.get("tags")),
    )


def flavor_from_nova(row: Json, account: Account) -> OfferedFlavor:
    """Read a flavor. Raises UnreadableRow without an id."""
    flavor_id = text(mapping(row).get("id"))
    if not flavor_id:
        raise UnreadableRow("it has no id")
    return OfferedFlavor(flavor_id, flavor_id, flavor_of(row), provider_of(account))


def flavor_rows(api: Api, query: Mapping[str, str] | None = None) -> list[Json]:
    """Return nova's rows of flavors."""
    return api.rows("compute", "/flavors/detail", "flavors", "Listing flavors", query, microversion=COMPUTE)


def network_rows(api: Api) -> list[Json]:
    """Return neutron's rows of networks."""
    return api.rows("network", "/v2.0/networks", "networks", "Listing networks")


def floating_ip_rows(api: Api, query: Mapping[str, str] | None = None) -> list[Json]:
    """Return neutron's rows of floating IPs."""
    return api.rows("network", "/v2.0/floatingips", "floatingips", "Listing floating IPs", query)


def network_from_neutron(row: Json, project: str) -> Network:
    """Read a network, without its subnets. ``project``: the id of the account's project. Raises UnreadableRow."""
    uuid = uuid_of(row, "id")
    return Network(
        uuid=uuid,
        name=text(row.get("name")) or uuid,
        status=word(row.get("status")),
        external=flag(row.get("router:external")) is True,
        shared=flag(row.get("shared")) is True,
        own=row.get("tenant_id", row.get("project_id")) == project,
        mtu=whole(row.get("mtu")),
    )


def subnet_from_neutron(row: Json) -> tuple[str, Subnet]:
    """Read a subnet. Returns the id of its network, and the subnet. Raises UnreadableRow without an id."""
    subnet = Subnet(
        uuid=uuid_of(row, "id"),
        name=text(row.get("name")) or "",
        cidr=text(row.get("cidr")),
        ip_version=whole(row.get("ip_version")),
        gateway=text(row.get("gateway_ip")),
    )
    return text(row.get("network_id")) or "", subnet


def router_from_neutron(row: Json) -> Router:
    """Read a router, with its addresses in the external network. Raises UnreadableRow without an id."""
    uuid = uuid_of(row, "id")
    outside = mapping(row.get("external_gateway_info"))
    addresses = [text(each.get("ip_address")) for each in rows(outside.get("external_fixed_ips"))]
    return Router(
        uuid=uuid,
        name=text(row.get("name")) or uuid,
        status=word(row.get("status")),
        external_network=text(outside.get("network_id")),
        addresses=tuple(each for each in addresses if each is not None),
    )


def floating_ip_from_neutron(row: Json, owners: Mapping[str, str]) -> FloatingIp:
    """Read a floating IP. Raises UnreadableRow without an id.

    ``owners``: the devices of ports, by the id of the port, for rows without ``port_details``.
    """
    uuid = uuid_of(row, "id")
    port = text(row.get("port_id"))
    details = mapping(row.get("port_details"))
    # The port may belong to a load balancer or a router.
    of_instance = not details or (text(details.get("device_owner")) or "").startswith(_COMPUTE)
    device = text(details.get("device_id")) or owners.get(port or "")
    instance = device if port and of_instance and device else None
    description = text(row.get("description")) or ""
    return FloatingIp(
        uuid=uuid,
        address=text(row.get("floating_ip_address")) or "",
        status=word(row.get("status")),
        fixed_address=text(row.get("fixed_ip_address")),
        network=text(row.get("floating_network_id")),
        description=description,
        attached=port is not None,
        instance_uuid=instance,
        made_for_it=instance is not None and description == f"{MADE_FOR}{instance}",
    )


def _default_network(listed: Sequence[Json], project: str) -> str | None:
    """Return the id of the network that a launch uses by default; None if the task has to name one."""
    try:
        return text((choose_network(listed, None, project) or {}).get("id"))
    except SelectionError:
        return None


def _connected(
    network: Network, subnets: Mapping[str, Sequence[Subnet]] | None, outside: Collection[str], *, is_complete: bool
) -> Network:
    """Return a network with its subnets, and whether its instances can have floating IPs (None: unknown).

    ``outside``: the ids of routers in an external network. ``is_complete``: whether all routers and their subnets are
    known.
    """
    if subnets is None:
        return network
    own = tuple(subnets.get(network.uuid, ()))
    reaches = any(each.router in outside for each in own)
    # Routers of other projects are invisible.
    is_known = reaches or (is_complete and network.own)
    return replace(network, subnets=own, floating_ips=reaches if is_known and not network.external else None)


def _image_filters(query: ImageQuery) -> list[dict[str, str]]:
    """Return the filter of each request: an empty one for all images, or filters of names and of ids."""
    uuids = [each.strip() for each in query.uuids if _UUID.fullmatch(each.strip())]
    groups = [uuids[start : start + _IN_ONE_URL] for start in range(0, len(uuids), _IN_ONE_URL)]
    return [*_name_filters(query.names), *({"id": "in:" + ",".join(group)} for group in groups)]


def _missing(uuids: Sequence[str], found: Sequence[Json]) -> tuple[str, ...]:
    """Return the UUIDs without an image among the rows ``found``."""
    known = {(text(mapping(each).get("id")) or "").replace("-", "").lower() for each in found}
    return tuple(each for each in uuids if each.strip().replace("-", "").lower() not in known)


def _name_filters(names: Sequence[str] | None) -> list[dict[str, str]]:
    # Glance would misread quotes and backslashes in names.
    if names is None or len(names) > _IN_ONE_URL or any(set('"\\').intersection(each) for each in names):
        return [{}]
    return [{"name": "in:" + ",".join(f'"{each}"' for each in names)}] if names else []


def _visibilities(query: ImageQuery, *, by_id: bool) -> list[dict[str, str]]:
    """Return the filter of each request. Without a filter, glance omits community images."""
    if query.visibilities is None:
        # An ID identifies one image, with any owner.
        return [{"visibility": "all"}] if by_id else [{}]
    others = [each for each in query.visibilities if each != _COMMUNITY]
    filters = [{"visibility": others[0]}] if len(others) == 1 else [{}] if others else []
    return filters + ([{"visibility": _COMMUNITY}] if _COMMUNITY in query.visibilities else [])


def _by_size(each: OfferedFlavor) -> tuple[int, int, str]:
    return each.flavor.vcpus or 0, each.flavor.ram or 0, each.flavor.name


def _texts(value: object) -> tuple[str, ...]:
    found = [text(each) for each in value] if isinstance(value, list) else []
    return tuple(each for each in found if each is not None)
