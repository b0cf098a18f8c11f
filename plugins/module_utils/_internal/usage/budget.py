# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an allocation lasts. Pure functions over exact numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from ..model import AllocationSource, Instance
from ..times import moment_or_none
from .history import Pace
from .rates import Rates, figure

_HOURS_A_DAY = Decimal(24)
_SECONDS_A_DAY = Decimal(86400)
_LENGTH_OF_A_DATE = len("2026-12-31")
# A date without a time includes its whole day.
_REST_OF_THE_DAY = timedelta(days=1, seconds=-1)


@dataclass(frozen=True, slots=True)
class Burn:
    """The cost of all instances per hour. Flavors without a known rate are excluded, and named."""

    su_per_hour: Decimal
    unknown_flavors: tuple[str, ...]

    @property
    def known(self) -> Decimal | None:
        """The sum of the known costs; None if no cost is known, which differs from a cost of zero."""
        return self.su_per_hour if self.su_per_hour or self.is_complete else None

    @property
    def is_complete(self) -> bool:
        """Whether the sum includes every instance."""
        return not self.unknown_flavors

    @property
    def pace(self) -> Pace:
        """The same per day, as a pace over no past days."""
        su_per_day = self.su_per_hour * _HOURS_A_DAY if self.is_complete else None
        return Pace(su_per_day, Decimal(0), self.unknown_flavors)


def burn_of(instances: Iterable[Instance], rates: Rates) -> Burn:
    """Add up the costs of instances in their present states."""
    total = Decimal(0)
    unknown = set()
    for each in instances:
        cost = rates.su_per_hour(each.flavor, each.status)
        if cost is None:
            unknown.add(each.flavor.name)
        else:
            total += cost
    return Burn(total, tuple(sorted(unknown)))


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long the remaining SU last at a pace: ``days`` from now, until ``exhausted_at``.

    Both are None if the pace is zero, or so low that the SU last beyond the year 9999; if the pace or the remaining SU
    are unknown; and after the end of the allocation.
    """

    days: Decimal | None = None
    exhausted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The status of an allocation, in SU.

    Unknown figures are None. ``habit``: the forecast at the pace of the last days. ``momentary``: the forecast at the
    present pace. ``su_per_day_to_last``: the pace at which the remaining SU last until the allocation's end.
    """

    remaining: Decimal | None = None
    percent_used: Decimal | None = None
    end: datetime | None = None
    has_ended: bool = False
    habit: Forecast = Forecast()
    momentary: Forecast = Forecast()
    su_per_day_to_last: Decimal | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing of it can be used any more."""
        return self.has_ended or (self.remaining is not None and self.remaining <= 0)


def budget_of(source: AllocationSource, pace: Pace, burn: Burn, now: datetime) -> Budget:
    """Compute the status of an allocation. With an unknown pace, it has no forecast."""
    end = end_of(source.end_date)
    has_ended = end is not None and end <= now
    allowed, used = figure(source.compute_allowed), figure(source.compute_used)
    if allowed is None or used is None:
        return Budget(end=end, has_ended=has_ended)
    remaining = allowed - used
    return Budget(
        remaining=remaining,
        percent_used=used / allowed * 100 if allowed > 0 else None,
        end=end,
        has_ended=has_ended,
        habit=Forecast() if has_ended else _forecast(remaining, pace, now),
        momentary=Forecast() if has_ended else _forecast(remaining, burn.pace, now),
        su_per_day_to_last=None if end is None or has_ended else _to_last(remaining, end, now),
    )


def end_of(text: str | None) -> datetime | None:
    """Parse the end of an allocation. A date without a time ends with its day. None if it is not a date."""
    read = moment_or_none(text)
    if read is None or text is None or len(text) > _LENGTH_OF_A_DATE:
        return read
    return None if read.date() == date.max else read + _REST_OF_THE_DAY


def _forecast(remaining: Decimal, pace: Pace, now: datetime) -> Forecast:
    if remaining <= 0:
        return Forecast(Decimal(0), now)
    if not pace.su_per_day:
        return Forecast()
    days = remaining / pace.su_per_day
    try:
        return Forecast(days, now + timedelta(days=float(days)))
    except OverflowError:
        return Forecast()


def _to_last(remaining: Decimal, end: datetime, now: datetime) -> Decimal:
    return max(remaining, Decimal(0)) / (Decimal(str((end - now).total_seconds())) / _SECONDS_A_DAY)
