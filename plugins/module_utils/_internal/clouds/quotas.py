# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks before the first change whether the planned changes fit in a quota. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..catalog import Limit
from ..errors import OverAllocation
from ..model import Flavor, Growth

# The names of resources in messages, if they differ.
_NAMES: Mapping[str, str] = {
    "ram": "MB of memory",
    "gigabytes": "GB of volumes",
    "floating_ips": "floating IPs",
    "security_group": "security groups",
    "security_group_rule": "rules of security groups",
}


def shortfalls(limits: Mapping[str, Limit], needs: Mapping[str, float | None]) -> list[str]:
    """Return a clause for each resource that is short. Resources with unknown limits or use are not.

    ``needs``: the additional amounts by resource, in the units of ``limits``.
    """
    found = []
    for name, need in needs.items():
        limit = limits.get(name)
        if limit is None or limit.used is None or not need or need < 0:
            continue
        found.append(shortfall(_NAMES.get(name, name), need, limit.used, limit.limit))
    return [each for each in found if each]


def shortfall(name: str, need: float, used: float, limit: float | None) -> str | None:
    """Return a clause if a resource is short, or None. An unknown or negative limit means no limit."""
    if limit is None or not 0 <= limit < used + need:
        return None
    return f"{_text(need)} {name} required, {_text(max(0, limit - used))} of {_text(limit)} available"


def require_room_to_launch(short: Sequence[str], count: int, where: str = "") -> None:
    """Raise OverAllocation if there are clauses in ``short``. ``where``: names the quota, after a space, or ""."""
    if not short:
        return
    launches = "1 instance does" if count == 1 else f"{count} instances do"
    raise OverAllocation(
        f"{launches} not fit in the quota{where}: {'; '.join(short)}.",
        hint="No instance was launched. Launch fewer or smaller instances, or ask the site for a larger quota.",
    )


def require_room_to_change(short: Sequence[str]) -> None:
    """Raise OverAllocation if there are clauses in ``short``: the changes of the task do not fit in the quota."""
    if short:
        raise OverAllocation(
            f"The changes do not fit in the quota: {'; '.join(short)}.",
            hint="Nothing was changed. Delete what is not needed, or ask the site for a larger quota.",
        )


def flavor_needs(flavor: Flavor | None, count: int, growth: Growth) -> dict[str, int]:
    """Return the cores and the memory (MB) that launches and changes of instances add to the use of a quota.

    A resize to a smaller flavor frees nothing until it is complete.
    """

    def needed(resource: str) -> int:
        each = getattr(flavor, resource, None) or 0
        replaced = sum(each - (getattr(found.flavor, resource) or 0) for found in growth.replaced)
        grown = sum(max(0, each - (getattr(found.flavor, resource) or each)) for found in growth.resized)
        return int(count * each + replaced + grown)

    return {"cores": needed("vcpus"), "ram": needed("ram")}


def _text(number: float) -> str:
    """Return a number as text, whole numbers in full: for a quota of millions of MB, ``:g`` would return 6e+06."""
    return str(int(number)) if number == int(number) else f"{number:g}"
