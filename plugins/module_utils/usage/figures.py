# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a usage report says, as plain data. Amounts are exact, in service units (SU)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ..model import AllocationSource, Instance, Volume
from .budget import Budget, Burn, budget_of, burn_of, moment
from .history import Cost, known_total
from .rates import Rates, exact


@dataclass(frozen=True, slots=True)
class Reading:
    """How an allocation stood on a day, as it was noted then."""

    day: date
    allocation: str
    left: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """How an allocation stands now."""

    name: str
    uuid: str
    allowed: Decimal | None
    used: Decimal | None
    end: datetime | None
    burn: Burn
    budget: Budget
    past: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Spender:
    """An instance, what it used in the time of the report, and what it uses now.

    C(su) is None where no rate is known, C(su_per_hour) also where it is no longer there.
    """

    name: str
    status: str | None
    su: Decimal | None
    su_per_hour: Decimal | None


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything that a report shows. C(days) covers the last C(span) days, those without use as well."""

    taken_at: datetime
    span: int
    standings: tuple[Standing, ...]
    days: Mapping[date, Decimal]
    spenders: tuple[Spender, ...]
    idle_volumes: tuple[Volume, ...]
    warnings: tuple[str, ...] = ()


def standings_of(
    sources: Sequence[AllocationSource], instances: Sequence[Instance], rates: Rates, now: datetime
) -> list[Standing]:
    """Work out how each allocation stands."""
    paid: dict[str, list[Instance]] = defaultdict(list)
    for each in instances:
        if each.allocation_source:
            paid[each.allocation_source.uuid].append(each)
    return [_standing(source, paid[source.uuid], rates, now) for source in sources]


def spenders_of(
    costs: Mapping[str, Sequence[Cost]], names: Mapping[str, str], instances: Sequence[Instance], rates: Rates
) -> list[Spender]:
    """Rank instances by what they used, the dearest first. C(costs) and C(names) are by uuid."""
    there = {each.uuid: each for each in instances}
    spenders = [_spender(names[uuid], rows, there.get(uuid), rates) for uuid, rows in costs.items()]
    return sorted(spenders, key=lambda each: (-(each.su or 0), each.name))


def _standing(source: AllocationSource, instances: Sequence[Instance], rates: Rates, now: datetime) -> Standing:
    burn = burn_of(instances, rates)
    return Standing(
        name=source.name,
        uuid=source.uuid,
        allowed=None if source.compute_allowed is None else exact(source.compute_allowed),
        used=None if source.compute_used is None else exact(source.compute_used),
        end=moment(source.end_date),
        burn=burn,
        budget=budget_of(source, burn, now),
    )


def _spender(name: str, costs: Sequence[Cost], instance: Instance | None, rates: Rates) -> Spender:
    return Spender(
        name=name,
        status=instance.status if instance else None,
        su=known_total(costs),
        su_per_hour=rates.su_per_hour(instance.flavor, instance.status) if instance else None,
    )
