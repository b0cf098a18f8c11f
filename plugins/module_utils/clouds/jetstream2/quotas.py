# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether instances fit in the quotas of nova, neutron and cinder. Pure functions over their rows."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import BootVolume, Flavor
from ..json_values import Json, amount, mapping

# A resource: its name, the keys of limit and use in the response, what one instance takes.
_Row = tuple[str, str, str, int | None]


def compute_shortfalls(body: Json, flavor: Flavor, count: int) -> list[str]:
    """Return a clause for each resource of nova of which there is too little."""
    absolute = mapping(mapping(body.get("limits")).get("absolute"))
    rows: list[_Row] = [
        ("instances", "maxTotalInstances", "totalInstancesUsed", 1),
        ("cores", "maxTotalCores", "totalCoresUsed", flavor.vcpus),
        ("MB of memory", "maxTotalRAMSize", "totalRAMUsed", flavor.ram),
    ]
    return list(_short(absolute, rows, count))


def volume_shortfalls(body: Json, boot: BootVolume, count: int) -> list[str]:
    """Return a clause for each resource of cinder of which there is too little."""
    absolute = mapping(mapping(body.get("limits")).get("absolute"))
    rows: list[_Row] = [
        ("volumes", "maxTotalVolumes", "totalVolumesUsed", 1),
        ("GB of volumes", "maxTotalVolumeGigabytes", "totalGigabytesUsed", boot.size),
    ]
    return list(_short(absolute, rows, count))


def address_shortfalls(body: Json, count: int) -> list[str]:
    """Return a clause if there are too few floating IPs."""
    told = mapping(mapping(body.get("quota")).get("floatingip"))
    used = (amount(told.get("used")) or 0) + (amount(told.get("reserved")) or 0)
    return list(_short({"limit": told.get("limit"), "used": used}, [("floating IPs", "limit", "used", 1)], count))


def _short(told: Json, rows: list[_Row], count: int) -> Iterator[str]:
    for name, limit_key, used_key, each in rows:
        limit, used = amount(told.get(limit_key)), amount(told.get(used_key))
        # A negative limit is none.
        if limit is None or limit < 0 or used is None or not each:
            continue
        if used + count * each > limit:
            yield f"{count * each} {name} are needed, and {max(0, limit - used):g} of {limit:g} are left"
