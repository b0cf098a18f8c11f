# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of a usage report, computed from a cloud's data. Pure functions; amounts are exact, in SU."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ..model import AllocationSource, CloudAccount, Instance, StatusPeriod, Volume
from ..text.ordering import natural_key
from ..times import moment_or_none
from .budget import Budget, Burn, budget_of, burn_of
from .history import (
    PACE_DAYS,
    Cost,
    Pace,
    by_day,
    costs_of,
    known_total,
    pace_of,
    total,
    unknown_flavors,
    within,
    without_gaps_or_overlaps,
)
from .rates import Rates, figure

_SATURDAY = 5
_FIGURES = {"compute_allowed": "SU granted", "compute_used": "SU used"}
_DATES = {"start_date": "start date", "end_date": "end date"}


@dataclass(frozen=True, slots=True)
class BalanceSnapshot:
    """The remaining SU of an allocation, as recorded on a day. ``owner`` distinguishes accounts (snapshots.py)."""

    day: date
    owner: tuple[str, str, str]
    allocation: str
    remaining: Decimal


@dataclass(frozen=True, slots=True)
class AllocationStatus:
    """The status of an allocation, with its present ``burn``, and its ``pace`` over the last days."""

    source: AllocationSource
    instances: int
    burn: Burn
    pace: Pace
    budget: Budget
    snapshots: tuple[BalanceSnapshot, ...] = ()


@dataclass(frozen=True, slots=True)
class DayUsage:
    """The SU of a day, in total and by the uuid of the allocation. The key is None for an unknown allocation."""

    day: date
    su: Decimal
    by_allocation: Mapping[str | None, Decimal]

    @property
    def is_weekend(self) -> bool:
        """Whether it is a Saturday or a Sunday."""
        return self.day.weekday() >= _SATURDAY


@dataclass(frozen=True, slots=True)
class InstanceUsage:
    """The usage of an instance during the report, and its present cost.

    ``status`` is None for a deleted instance. ``su`` is None without a rate; ``su_per_hour`` also for a deleted
    instance. ``percent``: its share of all known use, None if that is zero.
    """

    id: int | str
    uuid: str
    name: str
    status: str | None
    flavor: str
    allocation: str | None
    su: Decimal | None
    percent: Decimal | None
    su_per_hour: Decimal | None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The complete content of a report.

    ``days``: each of the last days, including those without use. ``allocation_names``: by uuid. ``notes``: sentences on
    instances that are not counted, and on unreadable figures.
    """

    account: CloudAccount
    taken_at: datetime
    allocations: tuple[AllocationStatus, ...]
    days: tuple[DayUsage, ...]
    instances: tuple[InstanceUsage, ...]
    unattached_volumes: tuple[Volume, ...]
    allocation_names: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def su(self) -> Decimal:
        """All known use."""
        return sum((each.su for each in self.days), Decimal(0))


class History:
    """The periods of all instances, with the allocation that paid for each, as far as known.

    The period names it, or else the instance if that still exists; a single allocation pays for everything.
    """

    def __init__(
        self,
        periods: Iterable[StatusPeriod],
        sources: Sequence[AllocationSource],
        instances: Sequence[Instance],
        rates: Rates,
        now: datetime,
    ) -> None:
        """Sort the periods of each instance, up to now."""
        self._rates = rates
        self._now = now
        self._payers = {each.uuid: each.allocation_source for each in instances if each.allocation_source}
        self._only = sources[0] if len(sources) == 1 else None
        rows: dict[str, list[StatusPeriod]] = defaultdict(list)
        for each in periods:
            rows[each.instance_uuid].append(each)
        self._periods = {uuid: without_gaps_or_overlaps(each, now) for uuid, each in rows.items()}
        payers = [self._payer(period) for each in self._periods.values() for period in each]
        self.allocation_names = {each.uuid: each.name for each in (*payers, *sources) if each}

    def costs(self, since: datetime) -> dict[str, list[Cost]]:
        """Return the costs of each instance since a moment, by its uuid."""
        cut = {uuid: within(periods, since, self._now) for uuid, periods in self._periods.items()}
        return {uuid: costs_of(periods, self._rates) for uuid, periods in cut.items() if periods}

    def payer(self, period: StatusPeriod) -> str | None:
        """Return the uuid of the allocation that paid for a period; None if unknown."""
        payer = self._payer(period)
        return payer.uuid if payer else None

    def by_payer(self, costs: Iterable[Cost]) -> dict[str | None, list[Cost]]:
        """Group costs by the paying allocation."""
        groups: dict[str | None, list[Cost]] = defaultdict(list)
        for each in costs:
            groups[self.payer(each.period)].append(each)
        return groups

    def paces(self) -> Callable[[str], Pace]:
        """Return the function that maps the uuid of an allocation to its pace."""
        costs = self.costs(self._now - timedelta(days=PACE_DAYS))
        groups = self.by_payer(cost for rows in costs.values() for cost in rows)
        return lambda uuid: pace_of(groups.get(uuid, []), self._now)

    def _payer(self, period: StatusPeriod) -> AllocationSource | None:
        return period.allocation_source or self._payers.get(period.instance_uuid, self._only)


def unknown_pace(_uuid: str) -> Pace:
    """Return an unknown pace."""
    return Pace(None, Decimal(0))


def statuses_of(
    sources: Iterable[AllocationSource],
    instances: Iterable[Instance],
    pace: Callable[[str], Pace],
    rates: Rates,
    now: datetime,
) -> list[AllocationStatus]:
    """Compute the status of each allocation. ``pace`` maps the uuid of an allocation to its pace."""
    paid: dict[str, list[Instance]] = defaultdict(list)
    for each in instances:
        if each.allocation_source:
            paid[each.allocation_source.uuid].append(each)
    return [_status(each, paid[each.uuid], pace(each.uuid), rates, now) for each in sources]


def days_of(history: History, costs: Iterable[Cost], first: date, last: date) -> list[DayUsage]:
    """Distribute costs over the UTC days on which they arose."""
    used: dict[date, dict[str | None, Decimal]] = defaultdict(dict)
    for payer, group in history.by_payer(costs).items():
        for day, su in by_day(group, UTC).items():
            used[day][payer] = su
    return [
        DayUsage(day, sum(used[day].values(), Decimal(0)), dict(used[day]))
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1))
    ]


def usage_of_instances(
    history: History, costs: Mapping[str, Sequence[Cost]], instances: Iterable[Instance], rates: Rates
) -> list[InstanceUsage]:
    """Return the instances by the SU that they used, most expensive first. ``costs`` is by uuid."""
    everything = sum((total(rows) for rows in costs.values()), Decimal(0))
    existing = {each.uuid: each for each in instances}
    usage = [_usage(rows, history, existing.get(uuid), everything, rates) for uuid, rows in costs.items() if rows]
    return sorted(usage, key=lambda each: (-(each.su or 0), natural_key(each.name), each.uuid))


def notes_on(
    sources: Sequence[AllocationSource],
    instances: Sequence[Instance],
    costs: Iterable[Cost],
    rates: Rates,
    now: datetime,
) -> tuple[str, ...]:
    """Return sentences on instances that no sum includes, and on unreadable figures."""
    flaws = [flaw for each in sources for flaw in flaws_of(each, now)]
    return (*flaws, *_unknown_rates(instances, costs, rates), *_unpaid(sources, instances, rates))


def flaws_of(source: AllocationSource, now: datetime) -> list[str]:
    """Return sentences on an allocation's unreadable figures, and on its end if that has passed."""
    flaws = [*source.flaws]
    for name, words in _FIGURES.items():
        value = getattr(source, name)
        if value is not None and figure(value) is None:
            flaws.append(f"its {words} are unknown: {value!r} is not a number")
    for name, words in _DATES.items():
        value = getattr(source, name)
        if value is not None and moment_or_none(value) is None:
            flaws.append(f"its {words} is unknown: {value!r} is not an ISO 8601 date")
    status = budget_of(source, Pace(None, Decimal(0)), Burn(Decimal(0), ()), now)
    if status.end and status.has_ended:
        flaws.append(f"it ended on {status.end.date().isoformat()}")
    return [f"{source.label}: {each}." for each in flaws]


def _status(
    source: AllocationSource, instances: Sequence[Instance], pace: Pace, rates: Rates, now: datetime
) -> AllocationStatus:
    burn = burn_of(instances, rates)
    return AllocationStatus(source, len(instances), burn, pace, budget_of(source, pace, burn, now))


def _usage(
    costs: Sequence[Cost], history: History, instance: Instance | None, everything: Decimal, rates: Rates
) -> InstanceUsage:
    last = costs[-1].period
    su = known_total(costs)
    return InstanceUsage(
        id=last.instance_id,
        uuid=last.instance_uuid,
        name=last.instance_name,
        status=instance.status if instance else None,
        flavor=last.flavor.name,
        allocation=history.payer(last),
        su=su,
        percent=su / everything * 100 if su is not None and everything else None,
        su_per_hour=rates.su_per_hour(instance.flavor, instance.status) if instance else None,
    )


def _unknown_rates(instances: Iterable[Instance], costs: Iterable[Cost], rates: Rates) -> list[str]:
    names = sorted({*unknown_flavors(costs), *burn_of(instances, rates).unknown_flavors})
    if not names:
        return []
    consequence = "so sums and forecasts lack their cost. Set their SU per hour in rates.flavors."
    return [f"No rate is known for {', '.join(names)}, {consequence}"]


def concerns(account: CloudAccount, sources: Iterable[AllocationSource]) -> Callable[[Instance], bool]:
    """Return a test whether an instance is in the sums of an account: the account owns it, or pays for it.

    In shared projects, an account also sees the instances of other users.
    """
    paying = {each.uuid for each in sources}

    def test(instance: Instance) -> bool:
        source = instance.allocation_source
        return account.answers_for(instance.owner) or (source is not None and source.uuid in paying)

    return test


def _unpaid(sources: Iterable[AllocationSource], instances: Iterable[Instance], rates: Rates) -> list[str]:
    """Return the instances that no allocation of the account pays for, so that no forecast includes them."""
    known = {each.uuid for each in sources}
    groups: dict[str, list[Instance]] = defaultdict(list)
    for each in instances:
        payer = each.allocation_source
        if payer is None:
            groups["no allocation source"].append(each)
        elif payer.uuid not in known:
            groups[f"{payer.label}, of which the site lists no allocation"].append(each)
    return [_unpaid_group(words, members, rates) for words, members in sorted(groups.items())]


def _unpaid_group(words: str, members: Sequence[Instance], rates: Rates) -> str:
    burn = burn_of(members, rates)
    cost = "an unknown number of" if burn.known is None else f"{burn.known.normalize():f}"
    flavors = ", ".join(sorted({each.flavor.name for each in members}))
    return f"Instances of {words}: {len(members)} ({flavors}), {cost} SU per hour, which no forecast counts."
