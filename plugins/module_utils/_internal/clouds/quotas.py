# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is to be made fits in a quota, told before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..catalog import Limit
from ..errors import OverAllocation
from ..model import Flavor, Growth

# The resources that messages call by another name.
_WORDS: Mapping[str, str] = {
    "ram": "MB of memory",
    "gigabytes": "GB of volumes",
    "floating_ips": "floating IPs",
    "security_group": "security groups",
    "security_group_rule": "rules of security groups",
}


def shortfalls(limits: Mapping[str, Limit], needs: Mapping[str, float | None]) -> list[str]:
    """Return a clause for each resource of which there is too little. One that nothing is known of is none."""
    found = []
    for name, need in needs.items():
        told = limits.get(name)
        if told is None or told.used is None or not need or need < 0:
            continue
        found.append(shortfall(_WORDS.get(name, name), need, told.used, told.limit))
    return [each for each in found if each]


def shortfall(name: str, need: float, used: float, limit: float | None) -> str | None:
    """Return a clause if there is too little of a resource. A limit that is unknown or negative is none."""
    if limit is None or not 0 <= limit < used + need:
        return None
    return f"{_text(need)} {name} required, {_text(max(0, limit - used))} of {_text(limit)} available"


def require_room_to_launch(short: Sequence[str], count: int, where: str = "") -> None:
    """Raise OverAllocation if ``short`` has clauses. ``where``: words that say which quota, after a space, or none."""
    if not short:
        return
    launches = "1 instance does" if count == 1 else f"{count} instances do"
    raise OverAllocation(
        f"{launches} not fit in the quota{where}: {'; '.join(short)}.",
        hint="No instance was launched. Launch fewer or smaller instances, or ask the site for a larger quota.",
    )


def require_room_to_change(short: Sequence[str]) -> None:
    """Raise OverAllocation if ``short`` has clauses: what the task changes does not fit in the quota."""
    if short:
        raise OverAllocation(
            f"The changes do not fit in the quota: {'; '.join(short)}.",
            hint="Nothing was changed. Delete what is not needed, or ask the site for a larger quota.",
        )


def flavor_needs(flavor: Flavor | None, count: int, growth: Growth) -> dict[str, int]:
    """Return the cores and the MB of memory that launches and changes of instances take of a quota.

    A smaller flavor frees nothing before its resize has come to its end.
    """

    def needed(resource: str) -> int:
        each = getattr(flavor, resource, None) or 0
        replaced = sum(each - (getattr(found.flavor, resource) or 0) for found in growth.replaced)
        grown = sum(max(0, each - (getattr(found.flavor, resource) or each)) for found in growth.resized)
        return int(count * each + replaced + grown)

    return {"cores": needed("vcpus"), "ram": needed("ram")}


def _text(number: float) -> str:
    """Write whole numbers in full: a quota of memory has millions of MB, which ``:g`` writes as 6e+06."""
    return str(int(number)) if number == int(number) else f"{number:g}"
