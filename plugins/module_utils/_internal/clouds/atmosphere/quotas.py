# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the quota of an identity of Atmosphere, and computes its use. Pure functions over rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...catalog import Limit
from ...model import Instance, Volume
from ..json_values import Json, amount

_MB_IN_GB = 1024
# By resource: the key in Atmosphere's quota, and the factor from its unit to ours. Atmosphere's unit of memory is GB.
_KEYS: Mapping[str, tuple[str, int]] = {
    "instances": ("instance_count", 1),
    "cores": ("cpu", 1),
    "ram": ("memory", _MB_IN_GB),
    "floating_ips": ("floating_ip_count", 1),
    "volumes": ("storage_count", 1),
    "gigabytes": ("storage", 1),
    "snapshots": ("snapshot_count", 1),
    "ports": ("port_count", 1),
}
INSTANCE_RESOURCES = frozenset({"instances", "cores", "ram"})
VOLUME_RESOURCES = frozenset({"volumes", "gigabytes"})


def limits_of(quota: Json, used: Mapping[str, float]) -> dict[str, Limit]:
    """Return the limits of a quota by resource. ``used``: the known use by resource. A negative limit means none."""
    limits = {}
    for name, (key, factor) in _KEYS.items():
        limit = amount(quota.get(key))
        if limit is not None:
            unlimited = limit < 0
            limits[name] = Limit(used.get(name), None if unlimited else limit * factor, unlimited)
    return limits


def use_of_instances(instances: Sequence[Instance]) -> dict[str, float]:
    """Return the use of instances, cores and memory (MB). Atmosphere counts instances in all states."""
    return {
        "instances": len(instances),
        "cores": sum(each.flavor.vcpus or 0 for each in instances),
        "ram": sum(each.flavor.ram or 0 for each in instances),
    }


def use_of_networks(instances: Sequence[Instance]) -> dict[str, float]:
    """Return the use of floating IPs and ports: each instance has a port, and each running one a floating IP."""
    return {"floating_ips": sum(each.ip_address is not None for each in instances), "ports": len(instances)}


def use_of_volumes(volumes: Sequence[Volume]) -> dict[str, float]:
    """Return the use of volumes, and of their size (GB)."""
    return {"volumes": len(volumes), "gigabytes": sum(each.size or 0 for each in volumes)}
