# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Allocations and usage as modules return them: plain dictionaries, lists, numbers and strings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..model import Volume
from ..times import iso
from .rates import figure, number_if_known
from .report_data import AllocationStatus, DayUsage, InstanceUsage, UsageReport
from .text_report import account_label, headline, outlook


def allocation_result(status: AllocationStatus) -> dict[str, Any]:
    """Return an allocation, with its forecasts."""
    source, budget = status.source, status.budget
    return {
        "name": source.name,
        "uuid": source.uuid,
        "allowed": _server_figure(source.compute_allowed),
        "used": _server_figure(source.compute_used),
        "mine": _server_figure(source.user_compute_used),
        "remaining": number_if_known(budget.remaining),
        "percent_used": number_if_known(budget.percent_used),
        "start_date": _as_given(source.start_date),
        "end_date": _as_given(source.end_date),
        "has_ended": budget.has_ended,
        "updated": _as_given(source.updated),
        "lag_hours": source.lag_hours,
        "global_burn_rate": _server_figure(source.global_burn_rate),
        "user_burn_rate": _server_figure(source.user_burn_rate),
        "instances": status.instances,
        "su_per_day": number_if_known(status.pace.su_per_day),
        "pace_days": number_if_known(status.pace.days),
        "days_left": _days_left(status, budget.habit.days),
        "exhausted_on": _date(budget.habit.exhausted_at),
        "su_per_hour": number_if_known(status.burn.known),
        "days_left_now": _days_left(status, budget.momentary.days),
        "exhausted_on_now": _date(budget.momentary.exhausted_at),
        "su_per_day_to_last": number_if_known(budget.su_per_day_to_last),
        "unknown_flavors": sorted({*status.burn.unknown_flavors, *status.pace.unknown_flavors}),
    }


def report_result(report: UsageReport) -> dict[str, Any]:
    """Return the complete content of a report."""
    names = report.allocation_names
    return {
        "taken_at": iso(report.taken_at),
        "account": {
            "site": report.account.site,
            "cloud": report.account.cloud,
            "user": report.account.user,
            "project": report.account.project,
            "label": account_label(report.account),
        },
        "su": number_if_known(report.su),
        "allocations": [_reported_allocation(each, report.taken_at) for each in report.allocations],
        "days": [_day(each, names, report.taken_at) for each in report.days],
        "instances": [_instance(each, names) for each in report.instances],
        "unattached_volumes": [_volume(each) for each in report.unattached_volumes],
        "notes": list(report.notes),
    }


def _reported_allocation(status: AllocationStatus, now: datetime) -> dict[str, Any]:
    words = headline(status, now)
    return {
        **allocation_result(status),
        "headline": words.text,
        "is_near": words.is_near,
        "outlook": outlook(status),
        "snapshots": [
            {"date": each.day.isoformat(), "remaining": number_if_known(each.remaining)} for each in status.snapshots
        ],
    }


def _day(usage: DayUsage, names: Mapping[str, str], now: datetime) -> dict[str, Any]:
    return {
        "date": usage.day.isoformat(),
        "su": number_if_known(usage.su),
        "is_weekend": usage.is_weekend,
        "is_complete": usage.day < now.date(),
        "allocations": [
            {"name": _name(uuid, names), "uuid": uuid, "su": number_if_known(su)}
            for uuid, su in sorted(usage.by_allocation.items(), key=lambda each: str(each[0]))
        ],
    }


def _instance(usage: InstanceUsage, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": usage.id,
        "uuid": usage.uuid,
        "name": usage.name,
        "status": usage.status,
        "flavor": usage.flavor,
        "allocation": _name(usage.allocation, names),
        "su": number_if_known(usage.su),
        "percent": number_if_known(usage.percent),
        "su_per_hour": number_if_known(usage.su_per_hour),
    }


def _name(uuid: str | None, names: Mapping[str, str]) -> str | None:
    return None if uuid is None else names.get(uuid, uuid)


def _volume(volume: Volume) -> dict[str, Any]:
    return {
        "id": volume.id,
        "uuid": volume.uuid,
        "name": volume.name,
        "size": volume.size,
        "project": volume.project.name if volume.project else None,
    }


def _as_given(date: object) -> str | None:
    """Return a date in the site's own words, which may not be a date."""
    return None if date is None else str(date)


def _server_figure(value: object) -> int | float | None:
    return number_if_known(figure(value))


def _days_left(status: AllocationStatus, days: Decimal | None) -> int | None:
    """Return the whole days of a forecast; 0 after the end of the allocation, even if SU remain."""
    if status.budget.has_ended:
        return 0
    return None if days is None else int(days)


def _date(time: datetime | None) -> str | None:
    return time.astimezone(UTC).date().isoformat() if time else None
