# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is to be made fits in a quota, told before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..catalog import Limit
from ..errors import OverAllocation

# The resources that messages call by another name.
_WORDS: Mapping[str, str] = {"ram": "MB of memory", "gigabytes": "GB of volumes", "floating_ips": "floating IPs"}


def shortfalls(limits: Mapping[str, Limit], needs: Mapping[str, float | None]) -> list[str]:
    """Return a clause for each resource of which there is too little. One that nothing is known of is none."""
    found = []
    for name, need in needs.items():
        told = limits.get(name)
        if told is None or told.used is None or not need:
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


def _text(number: float) -> str:
    """Write whole numbers in full: a quota of memory has millions of MB, which ``:g`` writes as 6e+06."""
    return str(int(number)) if number == int(number) else f"{number:g}"
