# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an allocation lasts. Pure functions over exact numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from ..model import AllocationSource, Instance
from .rates import Rates, exact

_SECONDS_AN_HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Burn:
    """What instances cost together: C(su_per_hour) of those whose rate is known, and the sizes of which it is not."""

    su_per_hour: Decimal
    unknown_sizes: tuple[str, ...]

    @property
    def known(self) -> Decimal | None:
        """What is known of it: None if that is nothing, which is not the same as costing nothing."""
        return self.su_per_hour if self.su_per_hour or self.is_complete else None

    @property
    def is_complete(self) -> bool:
        """Whether every instance is counted."""
        return not self.unknown_sizes


def burn_of(instances: Iterable[Instance], rates: Rates) -> Burn:
    """Add up what the instances cost in the states they are in."""
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
class Budget:
    """How an allocation stands, in SU. What cannot be known is None.

    C(hours_left) and C(exhausted_at) hold at the rate of the burn; C(su_per_hour_to_last) is the rate at which what is
    left lasts to the end date.
    """

    left: Decimal | None
    percent_used: Decimal | None
    hours_left: Decimal | None
    exhausted_at: datetime | None
    su_per_hour_to_last: Decimal | None


def budget_of(source: AllocationSource, burn: Burn, now: datetime) -> Budget:
    """Work out how long an allocation lasts. A burn that is not complete foretells nothing."""
    if source.compute_allowed is None or source.compute_used is None:
        return Budget(None, None, None, None, None)
    allowed, used = exact(source.compute_allowed), exact(source.compute_used)
    left = allowed - used
    hours = max(left, Decimal(0)) / burn.su_per_hour if burn.is_complete and burn.su_per_hour > 0 else None
    return Budget(
        left=left,
        percent_used=used / allowed * 100 if allowed > 0 else None,
        hours_left=hours,
        exhausted_at=_after(now, hours),
        su_per_hour_to_last=_to_last(left, source.end_date, now),
    )


def _after(now: datetime, hours: Decimal | None) -> datetime | None:
    if hours is None:
        return None
    try:
        return now + timedelta(hours=float(hours))
    except OverflowError:
        return None


def _to_last(left: Decimal, end_date: str | None, now: datetime) -> Decimal | None:
    end = moment(end_date)
    if end is None or end <= now:
        return None
    return max(left, Decimal(0)) / (Decimal(str((end - now).total_seconds())) / _SECONDS_AN_HOUR)


def moment(text: str | None, zone: tzinfo = UTC) -> datetime | None:
    """Read an ISO 8601 date or time, in C(zone) where it names none; None for None and for what is neither."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=zone)


def iso(time: datetime | None) -> str | None:
    """Write a time as the APIs do: ISO 8601, UTC, whole seconds, with a Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None
