# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of an instance in service units (SU) per hour: virtual cores x the family's rate x the state's share.

Source of the figures: docs/rates.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from ..errors import ConfigurationError
from ..flavors import FAMILIES, family_name
from ..model import Flavor

# SU per hour and virtual core while active.
FAMILY_RATES: Mapping[str, Decimal] = {name: family.su_per_core_hour for name, family in FAMILIES.items()}

# The share of that rate by status. Any other status is charged in full.
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
_FINEST = Decimal("0.001")
_ABSURD = Decimal(10) ** 15
# Enough digits for any plausible amount, in any number of years.
_WIDE = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Rates:
    """A table of rates: SU per core hour by family, SU per hour by flavor, and shares from 0 to 1 by state."""

    families: Mapping[str, Decimal]
    flavors: Mapping[str, Decimal]
    states: Mapping[str, Decimal]

    @classmethod
    def from_options(cls, options: Mapping[str, Any] | None) -> Rates:
        """Return the built-in table, overridden by a user's rates.

        Raises ConfigurationError for a rate that is not a number, negative or absurdly large, and for a share above 1.
        """
        given = options or {}
        states = _numbers(given.get("states"), "rates.states")
        for name, share in states.items():
            if share > 1:
                raise ConfigurationError(f"rates.states: {name} is {share}, but a share is from 0 to 1.")
        return cls(
            families={**FAMILY_RATES, **_numbers(given.get("families"), "rates.families")},
            flavors=_numbers(given.get("flavors"), "rates.flavors"),
            states={**STATUS_SHARES, **states},
        )

    def su_per_hour(self, flavor: Flavor, status: str) -> Decimal | None:
        """Return the SU per hour of an instance; None, never 0, if its flavor has no known rate."""
        active = self._while_active(flavor)
        return None if active is None else active * self.states.get(status, Decimal(1))

    def _while_active(self, flavor: Flavor) -> Decimal | None:
        if flavor.name in self.flavors:
            return self.flavors[flavor.name]
        rate = self.families.get(family_name(flavor.name))
        return None if rate is None or flavor.vcpus is None else rate * flavor.vcpus


DEFAULT_RATES = Rates(FAMILY_RATES, {}, STATUS_SHARES)


def figure(value: object) -> Decimal | None:
    """Return an amount from a server; None if it is not a number, NaN, infinite or absurdly large."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < _ABSURD else None


def exact(number: float | str) -> Decimal:
    """Return the decimal number that a person reads, not the nearest binary one."""
    return Decimal(str(number))


def number(value: Decimal) -> int | float:
    """Return a number as results show it: with at most three decimals, and none if it is whole."""
    rounded = value.quantize(_FINEST, context=_WIDE)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def number_if_known(value: Decimal | None) -> int | float | None:
    """Return a number as results show it; None for None."""
    return None if value is None else number(value)


def _numbers(given: Mapping[str, Any] | None, option: str) -> dict[str, Decimal]:
    numbers = {}
    for name, value in (given or {}).items():
        try:
            numbers[str(name)] = exact(value)
        except InvalidOperation:
            raise ConfigurationError(f"{option}: {name} is {value!r}, which is not a number.") from None
        if not (numbers[str(name)].is_finite() and 0 <= numbers[str(name)] < _ABSURD):
            raise ConfigurationError(f"{option}: {name} is {value!r}, but must be at least 0, and below 1e15.")
    return numbers
