# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage of instances: periods in a state, their cost, its distribution over days, and its pace. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from ..model import StatusPeriod
from .rates import Rates

PACE_DAYS = 7
_SECONDS_AN_HOUR = Decimal(3600)
_SECONDS_A_DAY = Decimal(86400)


@dataclass(frozen=True, slots=True)
class Cost:
    """A period with its length in hours, and its cost in SU, None if the flavor's rate is unknown."""

    period: StatusPeriod
    hours: Decimal
    su: Decimal | None


@dataclass(frozen=True, slots=True)
class Pace:
    """The SU used per day, as the mean of the last ``days`` days.

    ``su_per_day`` is None if unknown: some rates are unknown, or the history is shorter than a day.
    """

    su_per_day: Decimal | None
    days: Decimal
    unknown_flavors: tuple[str, ...] = ()


def without_gaps_or_overlaps(periods: Iterable[StatusPeriod], now: datetime) -> list[StatusPeriod]:
    """Sort one instance's periods, and end each at the start of the next, the last one now if it has no end.

    The database's rows may overlap: a row is closed only when the next state is observed.
    """
    ordered = sorted(periods, key=lambda each: (each.start, each.number))
    closed = []
    for index, each in enumerate(ordered):
        end = each.end or now
        if index + 1 < len(ordered):
            end = min(end, ordered[index + 1].start)
        if end > each.start:
            closed.append(replace(each, end=end))
    return closed


def within(periods: Iterable[StatusPeriod], since: datetime | None, until: datetime | None) -> list[StatusPeriod]:
    """Cut periods, all with ends, to the time between two moments."""
    cut = []
    for each in periods:
        start = max(each.start, since) if since else each.start
        end = min(_end(each), until) if until else _end(each)
        if end > start:
            cut.append(replace(each, start=start, end=end))
    return cut


def costs_of(periods: Sequence[StatusPeriod], rates: Rates) -> list[Cost]:
    """Price each period."""
    return [_cost(each, rates) for each in periods]


def total(costs: Iterable[Cost]) -> Decimal:
    """Add up the known costs."""
    return sum((each.su for each in costs if each.su is not None), Decimal(0))


def known_total(costs: Sequence[Cost]) -> Decimal | None:
    """Add up the known costs; None if no cost is known, which differs from a cost of zero."""
    return total(costs) or (None if unknown_flavors(costs) else Decimal(0))


def unknown_flavors(costs: Iterable[Cost]) -> tuple[str, ...]:
    """Return the flavors without a rate."""
    return tuple(sorted({each.period.flavor.name for each in costs if each.su is None}))


def pace_of(costs: Sequence[Cost], now: datetime) -> Pace:
    """Return the pace of the last ``PACE_DAYS`` days, by the costs of that time.

    If the first instance is younger, its age counts, so that a new fleet does not appear quiet.
    """
    start = min((each.period.start for each in costs), default=now - timedelta(days=PACE_DAYS))
    days = Decimal(str((now - start).total_seconds())) / _SECONDS_A_DAY
    unknown = unknown_flavors(costs)
    return Pace(None if unknown or days < 1 else total(costs) / days, days, unknown)


def by_day(costs: Iterable[Cost], zone: tzinfo) -> Mapping[date, Decimal]:
    """Distribute the known SU over the days on which they were used, in a time zone."""
    days: dict[date, Decimal] = defaultdict(Decimal)
    for each in costs:
        if each.su is None:
            continue
        for day, hours in _hours_by_day(each.period, zone):
            days[day] += each.su * hours / each.hours
    return dict(sorted(days.items()))


def _cost(period: StatusPeriod, rates: Rates) -> Cost:
    hours = _hours(period.start, _end(period))
    rate = rates.su_per_hour(period.flavor, period.status)
    return Cost(period, hours, None if rate is None else rate * hours)


def _end(period: StatusPeriod) -> datetime:
    """Return the end, which every period has after without_gaps_or_overlaps."""
    if period.end is None:
        raise ValueError(f"a period of {period.instance_name} has no end yet")
    return period.end


def _hours(start: datetime, end: datetime) -> Decimal:
    return Decimal(str((end - start).total_seconds())) / _SECONDS_AN_HOUR


def _hours_by_day(period: StatusPeriod, zone: tzinfo) -> Iterator[tuple[date, Decimal]]:
    # In UTC: between two times of one zone, Python counts wall-clock hours, 24 on every day.
    start = period.start.astimezone(UTC)
    while start < _end(period):
        day = start.astimezone(zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
        end = min(_end(period), midnight).astimezone(UTC)
        yield day, _hours(start, end)
        start = end
