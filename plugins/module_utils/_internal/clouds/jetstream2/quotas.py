# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quotas of nova, neutron and cinder, and whether instances fit in them. Pure functions over their rows."""

from __future__ import annotations

from collections.abc import Mapping

from ...catalog import Limit
from ...model import NO_GROWTH, BootVolume, Flavor, Growth
from ..json_values import Json, amount, mapping
from ..quotas import flavor_needs, shortfall, shortfalls

# The keys of limit and use in the responses of nova and cinder, and the names of neutron's resources.
_OF_NOVA: Mapping[str, tuple[str, str]] = {
    "instances": ("maxTotalInstances", "totalInstancesUsed"),
    "cores": ("maxTotalCores", "totalCoresUsed"),
    "ram": ("maxTotalRAMSize", "totalRAMUsed"),
}
_OF_CINDER: Mapping[str, tuple[str, str]] = {
    "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
    "gigabytes": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    "snapshots": ("maxTotalSnapshots", "totalSnapshotsUsed"),
}
_OF_NEUTRON: Mapping[str, str] = {
    "floating_ips": "floatingip",
    "networks": "network",
    "routers": "router",
    "ports": "port",
    "security_groups": "security_group",
}
COMPUTE_RESOURCES, VOLUME_RESOURCES, NETWORK_RESOURCES = (
    frozenset(_OF_NOVA),
    frozenset(_OF_CINDER),
    frozenset(_OF_NEUTRON),
)


def compute_limits(body: Json) -> dict[str, Limit]:
    """Read nova's limits."""
    return _absolute(body, _OF_NOVA)


def volume_limits(body: Json) -> dict[str, Limit]:
    """Read cinder's limits."""
    return _absolute(body, _OF_CINDER)


def network_quota_path(project_id: str) -> str:
    """Return the path of neutron's quota of a project, with its use."""
    return f"/v2.0/quotas/{project_id}/details.json"


def network_limits(body: Json) -> dict[str, Limit]:
    """Read neutron's quotas. What is reserved is on its way to be used."""
    quota = mapping(body.get("quota"))
    told = {name: mapping(quota.get(key)) for name, key in _OF_NEUTRON.items() if key in quota}
    return {name: _limit(row.get("limit"), _used(row)) for name, row in told.items()}


def compute_shortfalls(body: Json, flavor: Flavor | None, count: int, growth: Growth = NO_GROWTH) -> list[str]:
    """Return a clause for each resource of nova of which there is too little."""
    return shortfalls(compute_limits(body), {"instances": count, **flavor_needs(flavor, count, growth)})


def metadata_shortfalls(body: Json, items: int) -> list[str]:
    """Return a clause if one instance would have more metadata than nova takes. ``items``: keys with their values."""
    most = amount(mapping(mapping(body.get("limits")).get("absolute")).get("maxServerMeta"))
    found = shortfall("metadata items of an instance", items, 0, most)
    return [found] if found else []


def volume_shortfalls(body: Json, boot: BootVolume, count: int) -> list[str]:
    """Return a clause for each resource of cinder of which there is too little."""
    return shortfalls(volume_limits(body), {"volumes": count, "gigabytes": count * boot.size})


def growth_shortfalls(body: Json, *, gigabytes: int, snapshots: int) -> list[str]:
    """Return a clause for each resource of cinder of which there is too little for a volume that is there."""
    return shortfalls(volume_limits(body), {"gigabytes": gigabytes, "snapshots": snapshots})


def key_shortfalls(body: Json, there: int) -> list[str]:
    """Return a clause if the user cannot have another key pair. ``there``: those that there are."""
    most = amount(mapping(mapping(body.get("limits")).get("absolute")).get("maxTotalKeypairs"))
    found = shortfall("key pairs", 1, there, most)
    return [found] if found else []


def group_shortfalls(body: Json, groups: int, rules: int) -> list[str]:
    """Return a clause for each of security groups and their rules of which there can be too few more."""
    quota = mapping(body.get("quota"))
    told = {name: mapping(quota.get(name)) for name in ("security_group", "security_group_rule")}
    limits = {name: _limit(row.get("limit"), _used(row)) for name, row in told.items()}
    return shortfalls(limits, {"security_group": groups, "security_group_rule": rules})


def address_shortfalls(body: Json, count: int) -> list[str]:
    """Return a clause if there are too few floating IPs."""
    return shortfalls(network_limits(body), {"floating_ips": count})


def _absolute(body: Json, keys: Mapping[str, tuple[str, str]]) -> dict[str, Limit]:
    told = mapping(mapping(body.get("limits")).get("absolute"))
    return {
        name: _limit(told.get(limit), amount(told.get(used)))
        for name, (limit, used) in keys.items()
        if limit in told or used in told
    }


def _limit(told: object, used: float | None) -> Limit:
    limit = amount(told)
    unlimited = limit is not None and limit < 0
    return Limit(used=used, limit=None if unlimited else limit, unlimited=unlimited)


def _used(row: Json) -> float | None:
    used = amount(row.get("used"))
    return None if used is None else used + (amount(row.get("reserved")) or 0)
