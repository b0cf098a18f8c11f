# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the quotas of nova, neutron and cinder, and checks what fits in them. Pure functions over response bodies.

Each function ``..._shortfalls`` returns a clause for each resource that is short.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...catalog import Limit
from ...model import NO_GROWTH, BootVolume, Flavor, Growth
from ..json_values import Json, amount, mapping
from ..quotas import flavor_needs, shortfall, shortfalls

# By resource: the keys of its limit and its use in the responses of nova and cinder, or its key in neutron's response.
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
    """Return nova's limits by resource, from the body of ``/limits``. Memory is in MB."""
    return _absolute(body, _OF_NOVA)


def volume_limits(body: Json) -> dict[str, Limit]:
    """Return cinder's limits by resource, from the body of ``/limits``. Sizes are in GB."""
    return _absolute(body, _OF_CINDER)


def network_quota_path(project_id: str) -> str:
    """Return the path of a project's quota in neutron, including its use."""
    return f"/v2.0/quotas/{project_id}/details.json"


def network_limits(body: Json) -> dict[str, Limit]:
    """Return neutron's limits by resource. Reserved amounts count as used."""
    quota = mapping(body.get("quota"))
    found = {name: mapping(quota.get(key)) for name, key in _OF_NEUTRON.items() if key in quota}
    return {name: _limit(row.get("limit"), _used(row)) for name, row in found.items()}


def compute_shortfalls(body: Json, flavor: Flavor | None, count: int, growth: Growth = NO_GROWTH) -> list[str]:
    """Compare launches of ``count`` instances and ``growth`` with nova's limits."""
    return shortfalls(compute_limits(body), {"instances": count, **flavor_needs(flavor, count, growth)})


def metadata_shortfalls(body: Json, items: int) -> list[str]:
    """Compare the metadata of one instance with nova's limit. ``items``: the number of keys."""
    most = amount(mapping(mapping(body.get("limits")).get("absolute")).get("maxServerMeta"))
    found = shortfall("metadata items of an instance", items, 0, most)
    return [found] if found else []


def volume_shortfalls(body: Json, boot: BootVolume, count: int) -> list[str]:
    """Compare ``count`` new boot volumes with cinder's limits."""
    return shortfalls(volume_limits(body), {"volumes": count, "gigabytes": count * boot.size})


def growth_shortfalls(body: Json, *, gigabytes: int, snapshots: int) -> list[str]:
    """Compare the growth of a volume and its new snapshots with cinder's limits."""
    return shortfalls(volume_limits(body), {"gigabytes": gigabytes, "snapshots": snapshots})


def key_shortfalls(body: Json, present: int) -> list[str]:
    """Compare one more key pair with nova's limit. ``present``: the number of the user's key pairs."""
    most = amount(mapping(mapping(body.get("limits")).get("absolute")).get("maxTotalKeypairs"))
    found = shortfall("key pairs", 1, present, most)
    return [found] if found else []


def group_shortfalls(body: Json, groups: int, rules: int) -> list[str]:
    """Compare new security groups and their rules with neutron's quota."""
    quota = mapping(body.get("quota"))
    found = {name: mapping(quota.get(name)) for name in ("security_group", "security_group_rule")}
    limits = {name: _limit(row.get("limit"), _used(row)) for name, row in found.items()}
    return shortfalls(limits, {"security_group": groups, "security_group_rule": rules})


def address_shortfalls(body: Json, count: int) -> list[str]:
    """Compare ``count`` new floating IPs with neutron's quota."""
    return shortfalls(network_limits(body), {"floating_ips": count})


def _absolute(body: Json, keys: Mapping[str, tuple[str, str]]) -> dict[str, Limit]:
    limits = mapping(mapping(body.get("limits")).get("absolute"))
    return {
        name: _limit(limits.get(limit), amount(limits.get(used)))
        for name, (limit, used) in keys.items()
        if limit in limits or used in limits
    }


def _limit(value: object, used: float | None) -> Limit:
    limit = amount(value)
    unlimited = limit is not None and limit < 0
    return Limit(used=used, limit=None if unlimited else limit, unlimited=unlimited)


def _used(row: Json) -> float | None:
    used = amount(row.get("used"))
    return None if used is None else used + (amount(row.get("reserved")) or 0)
