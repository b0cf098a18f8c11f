# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instance costs, in service units (SU) per hour: virtual cores x the size family's rate x the state's share.

The figures and where they come from: docs/rates.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ansible_collections.jetstream.cloud.plugins.module_utils.model import Size

# SU per hour and virtual core while active, by the part of a size's name before the dot.
FAMILY_RATES: Mapping[str, Decimal] = {
    "m1": Decimal(1),
    "m3": Decimal(1),
    "r3": Decimal(2),
    "g3": Decimal(2),
    "g4": Decimal(7),
    "g5": Decimal("6.4"),
}

# The share of that rate which each status is charged. Whatever is not here is charged in full.
STATUS_SHARES: Mapping[str, Decimal] = {
    "suspended": Decimal("0.75"),
    "paused": Decimal("0.75"),
    "shutoff": Decimal("0.5"),
    "shelved": Decimal(0),
    "shelved_offloaded": Decimal(0),
    "build": Decimal(0),
    "error": Decimal(0),
    "deleted": Decimal(0),
    "soft_deleted": Decimal(0),
    "missing": Decimal(0),
}


def su_per_hour(size: Size, status: str) -> Decimal | None:
    """Return what an instance of that size and status costs in SU per hour; None if its size has no known rate."""
    rate = FAMILY_RATES.get(size.name.partition(".")[0])
    if rate is None or size.cpu is None:
        return None
    return rate * size.cpu * STATUS_SHARES.get(status, Decimal(1))
