# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up usage reports for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import AllocationSource, CloudAccount
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.budget import Burn, budget_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.history import Pace
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.report_data import (
    AllocationStatus,
    BalanceSnapshot,
    DayUsage,
    InstanceUsage,
    UsageReport,
)

# A Monday.
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
ACCOUNT = CloudAccount("js2.jetstream-cloud.org:5000", "IU", "johndoe", "TG-GEO160014", "5f")
OWNER = ("js2.jetstream-cloud.org:5000", "IU", "5f")


def a_status(
    remaining: str | None = "18759.25",
    per_day: str | None = "240",
    *,
    per_hour: str = "12",
    pace_days: int = 7,
    name: str = "TG-GEO160014",
    end: str | None = None,
    unknown: tuple[str, ...] = (),
    past_days: int = 60,
) -> AllocationStatus:
    """Return the status of an allocation of 50,000 SU, with snapshots of today and of each day before."""
    used = None if remaining is None else float(Decimal(50000) - Decimal(remaining))
    source = AllocationSource(name, f"u-{name}", compute_allowed=50000.0, compute_used=used, end_date=end)
    pace = Pace(None if per_day is None else Decimal(per_day), Decimal(pace_days), unknown)
    burn = Burn(Decimal(per_hour), unknown)
    left = Decimal(remaining or 0)
    return AllocationStatus(
        source,
        3,
        burn,
        pace,
        budget_of(source, pace, burn, NOW),
        tuple(
            BalanceSnapshot(NOW.date() - timedelta(days=day), OWNER, source.uuid, left + 240 * day)
            for day in range(past_days, -1, -1)
            if remaining is not None
        ),
    )


def a_day(ago: int, used: Mapping[str | None, float]) -> DayUsage:
    """Return the usage of a day, by allocation."""
    amounts = {name: Decimal(str(su)) for name, su in used.items()}
    return DayUsage(NOW.date() - timedelta(days=ago), sum(amounts.values(), Decimal(0)), amounts)


def an_instance_usage(
    name: str, su: str | None = "10", *, status: str | None = "active", per_hour: str | None = "2", percent: str = "5"
) -> InstanceUsage:
    """Return the usage of an instance."""
    return InstanceUsage(
        id=f"id-{name}",
        uuid=f"uuid-{name}",
        name=name,
        status=status,
        flavor="m3.small",
        allocation="u-TG-GEO160014",
        su=None if su is None else Decimal(su),
        percent=None if su is None else Decimal(percent),
        su_per_hour=None if per_hour is None or status is None else Decimal(per_hour),
    )


def a_report(*statuses: AllocationStatus, **changes: object) -> UsageReport:
    """Return a report of 30 days, for one allocation unless others are given."""
    statuses = statuses or (a_status(),)
    fields: dict[str, object] = {
        "account": ACCOUNT,
        "taken_at": NOW,
        "allocations": statuses,
        "days": tuple(
            a_day(ago, {each.source.uuid: (ago * 13 + 7 * number) % 30 * 10 for number, each in enumerate(statuses)})
            for ago in range(29, -1, -1)
        ),
        "instances": (an_instance_usage("web"), an_instance_usage("old", "3", status=None)),
        "unattached_volumes": (),
        "allocation_names": {each.source.uuid: each.source.name for each in statuses},
        "notes": (),
        **changes,
    }
    return UsageReport(**fields)  # type: ignore[arg-type]


def day_before(days: int) -> date:
    """Return the date some days before today."""
    return NOW.date() - timedelta(days=days)
