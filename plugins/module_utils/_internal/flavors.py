# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The families of flavors: one row has all that the collection knows of a family.

The figures and where they come from: docs/rates.md. A family that is not here is not known: it has no rate, and no
allocation is assumed to pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Resource(StrEnum):
    """The resources of Jetstream2 that are charged in service units, each to an allocation of its own."""

    CPU = "cpu"
    GPU = "gpu"
    LARGE_MEMORY = "lm"


@dataclass(frozen=True, slots=True)
class Family:
    """The common properties of the flavors of a family.

    ``su_per_core_hour`` is charged while active, to the allocation of ``resource``.
    """

    su_per_core_hour: Decimal
    resource: Resource = Resource.CPU
    can_suspend: bool = True


FAMILIES: Mapping[str, Family] = {
    "m1": Family(Decimal(1)),
    "m3": Family(Decimal(1)),
    "r3": Family(Decimal(2), Resource.LARGE_MEMORY, can_suspend=False),
    "g3": Family(Decimal(2), Resource.GPU, can_suspend=False),
    "g4": Family(Decimal(7), Resource.GPU, can_suspend=False),
    "g5": Family(Decimal("6.4"), Resource.GPU, can_suspend=False),
}


# Flavors with whole GPUs, which cannot be resized.
_WHOLE_GPUS = re.compile(r"g3\.xl|g[45]\..*xl")


def can_resize(flavor: str) -> bool:
    """Return whether an instance of a flavor can be resized, by the flavor's name."""
    return _WHOLE_GPUS.fullmatch(flavor) is None


def family_name(flavor: str) -> str:
    """Return the part of a flavor's name before the dot: ``m3`` of ``m3.small``."""
    return flavor.partition(".")[0]


def family_of(flavor: str) -> Family | None:
    """Return the family of a flavor, by the flavor's name. None if it is not known."""
    return FAMILIES.get(family_name(flavor))
