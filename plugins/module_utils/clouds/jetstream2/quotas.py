# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether instances fit in the quotas of nova, neutron and cinder. Pure functions over their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...model import BootVolume, Flavor
from ..json_values import Json, amount, mapping
from ..quotas import shortfall


class _Resource(NamedTuple):
    """A limited resource: the keys of limit and use in the response, and the need of one instance."""

    name: str
    limit_key: str
    used_key: str
    need: int | None


def compute_shortfalls(body: Json, flavor: Flavor, count: int) -> list[str]:
    """Return a clause for each resource of nova of which there is too little."""
    absolute = mapping(mapping(body.get("limits")).get("absolute"))
    rows = [
        _Resource("instances", "maxTotalInstances", "totalInstancesUsed", 1),
        _Resource("cores", "maxTotalCores", "totalCoresUsed", flavor.vcpus),
        _Resource("MB of memory", "maxTotalRAMSize", "totalRAMUsed", flavor.ram),
    ]
    return list(_short(absolute, rows, count))


def volume_shortfalls(body: Json, boot: BootVolume, count: int) -> list[str]:
    """Return a clause for each resource of cinder of which there is too little."""
    absolute = mapping(mapping(body.get("limits")).get("absolute"))
    rows = [
        _Resource("volumes", "maxTotalVolumes", "totalVolumesUsed", 1),
        _Resource("GB of volumes", "maxTotalVolumeGigabytes", "totalGigabytesUsed", boot.size),
    ]
    return list(_short(absolute, rows, count))


def address_shortfalls(body: Json, count: int) -> list[str]:
    """Return a clause if there are too few floating IPs."""
    told = mapping(mapping(body.get("quota")).get("floatingip"))
    used = (amount(told.get("used")) or 0) + (amount(told.get("reserved")) or 0)
    return list(
        _short({"limit": told.get("limit"), "used": used}, [_Resource("floating IPs", "limit", "used", 1)], count)
    )


def _short(told: Json, rows: Sequence[_Resource], count: int) -> Iterator[str]:
    for each in rows:
        used = amount(told.get(each.used_key))
        if used is None or not each.need:
            continue
        short = shortfall(each.name, count * each.need, used, amount(told.get(each.limit_key)))
        if short:
            yield short
