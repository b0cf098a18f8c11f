# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A usage report in words: amounts, days, and sentences on how long an allocation lasts. Templates do the layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from ..model import CloudAccount
from ..text.terminal import one_line
from .budget import Budget, Forecast
from .history import PACE_DAYS, Pace
from .report_data import AllocationStatus, UsageReport

# Requests for a renewal or a supplement take weeks.
NEAR_DAYS = 30
_WHOLE = Decimal(1)
_HALF = Decimal("0.5")
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Headline:
    """How long an allocation lasts, in a few words. ``is_near``: its last day is less than a month away, or past."""

    text: str
    is_near: bool


def amount(value: Decimal | float | None) -> str:
    """Return an amount of SU in words: 48,765; a dash for None."""
    if value is None:
        return "-"
    exact = Decimal(str(value))
    if exact and abs(exact) < _HALF:
        return "<1" if exact > 0 else "0"
    return f"{exact.quantize(_WHOLE, context=_WIDE):,f}"


def day(value: date | datetime) -> str:
    """Return a day in words: 3 December 2026."""
    return f"{value.day} {value:%B %Y}"


def account_label(account: CloudAccount, *, short: bool = False) -> str:
    """Return an account in words: "johndoe, project TG-GEO160014 at js2.jetstream-cloud.org (IU)".

    In short, that is "TG-GEO160014 at js2.jetstream-cloud.org".
    """
    site = account.site.rpartition(":")[0] or account.site
    if short:
        return one_line(f"{account.project or account.user} at {site}" if account.project or account.user else site)
    owner = ", ".join(filter(None, (account.user, account.project and f"project {account.project}")))
    cloud = f" ({account.cloud})" if account.cloud else ""
    return one_line(f"{owner} at {site}{cloud}" if owner else f"{site}{cloud}")


def subject(report: UsageReport) -> str:
    """Return the report in one line: how long each allocation lasts, and its remaining SU."""
    allocations = [
        f"{each.source.label}: {headline(each, report.taken_at).text}, {amount(each.budget.remaining)} SU"
        for each in report.allocations
    ]
    return f"Jetstream, {account_label(report.account, short=True)}: {'; '.join(allocations) or 'no allocation'}"


def headline(status: AllocationStatus, now: datetime) -> Headline:
    """Return how long an allocation lasts: until it is exhausted, or until it ends."""
    budget = status.budget
    if budget.end and budget.has_ended:
        return Headline(f"ended on {day(budget.end)}", is_near=True)
    if budget.remaining is None:
        return Headline("not known", is_near=False)
    if budget.is_over:
        return Headline("used up", is_near=True)
    days = _days_until_over(status, now)
    if days is not None:
        return Headline(_count_of_days(days), is_near=days < NEAR_DAYS)
    return Headline("not known" if _main_pace(status).su_per_day is None else "not in use", is_near=False)


def outlook(status: AllocationStatus) -> list[str]:
    """Return sentences on how long an allocation lasts: at the pace of the last days, then at the present pace."""
    budget = status.budget
    if budget.is_over:
        return []
    if budget.remaining is None:
        return ["The site returns no remaining SU."]
    return list(_forecasts(status))


def _forecasts(status: AllocationStatus) -> Iterator[str]:
    budget, habit, momentary = status.budget, status.pace, status.burn.pace
    unknown = sorted({*habit.unknown_flavors, *momentary.unknown_flavors})
    if habit.su_per_day is not None:
        yield _forecast(habit, budget.habit, budget)
    elif habit.unknown_flavors:
        yield f"The pace of {_period(habit)} is not known: no rate for {', '.join(map(one_line, unknown))}."
    if momentary.su_per_day is None:
        if habit.su_per_day is not None or not habit.unknown_flavors:
            yield f"The pace of this moment is not known: no rate for {', '.join(map(one_line, unknown))}."
    elif habit.su_per_day is None or amount(habit.su_per_day) != amount(momentary.su_per_day):
        yield _forecast(momentary, budget.momentary, budget)
    lasting = budget.su_per_day_to_last
    if budget.end and lasting is not None and _is_exhausted_before(budget.habit, budget.momentary, budget):
        yield f"To last to its end on {day(budget.end)}, {amount(lasting)} SU a day can be used."


def _forecast(pace: Pace, forecast: Forecast, budget: Budget) -> str:
    if not pace.su_per_day:
        idle = "Nothing is using it now" if not pace.days else f"Nothing used it in {_period(pace)}"
        return f"{idle}; it ends on {day(budget.end)}." if budget.end else f"{idle}."
    start = f"At the pace of {_period(pace)}, {amount(pace.su_per_day)} SU a day, it lasts"
    if budget.end and (forecast.exhausted_at is None or forecast.exhausted_at >= budget.end):
        return f"{start} to its end on {day(budget.end)}."
    if forecast.exhausted_at is None:
        return f"{start} for thousands of years."
    return f"{start} until {day(forecast.exhausted_at)}."


def _period(pace: Pace) -> str:
    if not pace.days:
        return "this moment"
    days = min(PACE_DAYS, max(1, round(pace.days)))
    return f"the last {days} days" if days > 1 else "the last day"


def _is_exhausted_before(habit: Forecast, momentary: Forecast, budget: Budget) -> bool:
    ends = [each.exhausted_at for each in (habit, momentary) if each.exhausted_at]
    return bool(budget.end and ends and min(ends) < budget.end)


def _main_pace(status: AllocationStatus) -> Pace:
    return status.burn.pace if status.pace.su_per_day is None else status.pace


def _days_until_over(status: AllocationStatus, now: datetime) -> Decimal | None:
    """Return the days until exhaustion or the end, at the main pace; None if unknown."""
    budget = status.budget
    pace = _main_pace(status)
    if pace.su_per_day is None:
        return None
    forecast = budget.momentary if pace is not status.pace else budget.habit
    until_end = None if budget.end is None else Decimal((budget.end - now).days)
    return min((each for each in (forecast.days, until_end) if each is not None), default=None)


def _count_of_days(days: Decimal) -> str:
    whole = int(days)
    if whole < 1:
        return "less than a day"
    return f"{whole:,} days" if whole > 1 else "1 day"
