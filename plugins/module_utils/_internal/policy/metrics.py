# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics for Prometheus, computed from a cloud's data. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..idle.verdicts import State
from ..model import CloudAccount, Instance
from ..text.exposition import Metric, Sample
from ..usage.rates import figure
from ..usage.report_data import AllocationStatus

_SECONDS_A_DAY = 86400
# Each status has a sample even without instances, so that it shows as 0 instead of disappearing.
_STATUSES = ("active", "error", "paused", "shelved", "shelved_offloaded", "shutoff", "suspended")
_UNREAD = "unknown"


@dataclass(frozen=True, slots=True)
class Figures:
    """The data of a run.

    ``verdicts``: the number of running instances by verdict. ``idle_cost``: SU per hour of the idle ones.
    """

    account: CloudAccount
    allocations: Sequence[AllocationStatus]
    instances: Sequence[Instance]
    verdicts: Mapping[State, int]
    idle_cost: float


def _lasts(status: AllocationStatus) -> Decimal | float | None:
    if status.budget.has_ended:
        return 0
    days = status.budget.habit.days
    return None if days is None else round(days * _SECONDS_A_DAY)


def _end(status: AllocationStatus) -> Decimal | float | None:
    return None if status.budget.end is None else round(status.budget.end.timestamp())


# Metrics of an allocation: the end of the name, the description, and the value, None if unknown.
_OF_ALLOCATIONS: tuple[tuple[str, str, Callable[[AllocationStatus], Decimal | float | None]], ...] = (
    ("allowed_su", "SU granted, by the site.", lambda each: figure(each.source.compute_allowed)),
    ("used_su", "SU used, by the site, whose figure may be a day old.", lambda each: figure(each.source.compute_used)),
    ("remaining_su", "SU that remain, by the figures of the site.", lambda each: each.budget.remaining),
    ("pace_su_per_day", "SU used a day, as the mean of the last seven days.", lambda each: each.pace.su_per_day),
    ("burn_su_per_hour", "SU that the instances cost an hour in their present states.", lambda each: each.burn.known),
    ("lasts_seconds", "Time until the SU are used up at the pace of the last seven days. 0 after the end.", _lasts),
    ("end_timestamp_seconds", "End of the allocation, in seconds since 1970.", _end),
)


def run_metrics(profile: str, now: datetime, succeeded: Mapping[str, datetime], *, success: bool) -> list[Metric]:
    """Return the metrics of a run: its time, its success, and the last success of each playbook.

    After a failure, these are the only metrics.
    """
    labels = {"profile": profile}
    return [
        Metric(
            "jetstream_metrics_last_run_timestamp_seconds",
            "Time of the last run that wrote this file, in seconds since 1970.",
            (Sample(labels, round(now.timestamp())),),
        ),
        Metric(
            "jetstream_metrics_last_run_success",
            "1 if the last run could read all figures, 0 if not. Then there are none.",
            (Sample(labels, int(success)),),
        ),
        Metric(
            "jetstream_last_success_timestamp_seconds",
            "Time at which a playbook, or a part of nightly, last succeeded, in seconds since 1970.",
            tuple(
                Sample({"profile": profile, "playbook": playbook}, round(at.timestamp()))
                for playbook, at in sorted(succeeded.items())
            ),
        ),
    ]


def figure_metrics(profile: str, figures: Figures) -> list[Metric]:
    """Return all metrics with known values."""
    account = figures.account
    return [
        Metric(
            "jetstream_account_info",
            "The account that the profile logs in to. The value is always 1.",
            (
                Sample(
                    {
                        "profile": profile,
                        "site": account.site,
                        "cloud": account.cloud,
                        "project": account.project or "",
                        "user": account.user or "",
                    },
                    1,
                ),
            ),
        ),
        *_of_allocations(profile, figures.allocations),
        *_of_instances(profile, figures),
    ]


def _of_allocations(profile: str, allocations: Sequence[AllocationStatus]) -> list[Metric]:
    return [
        Metric(f"jetstream_allocation_{name}", description, _samples(profile, allocations, value))
        for name, description, value in _OF_ALLOCATIONS
    ]


def _samples(
    profile: str, allocations: Sequence[AllocationStatus], value: Callable[[AllocationStatus], Decimal | float | None]
) -> tuple[Sample, ...]:
    found = [(each.source, value(each)) for each in allocations]
    return tuple(
        Sample({"profile": profile, "allocation": source.name, "allocation_id": source.uuid}, float(known))
        for source, known in found
        if known is not None
    )


def _of_instances(profile: str, figures: Figures) -> list[Metric]:
    counts = Counter(each.status if each.live else _UNREAD for each in figures.instances)
    statuses = {**dict.fromkeys(_STATUSES, 0), **dict(sorted(counts.items()))}
    return [
        Metric(
            "jetstream_instances",
            "Instances by their state, in the word of the cloud.",
            tuple(Sample({"profile": profile, "status": status}, count) for status, count in statuses.items()),
        ),
        Metric(
            "jetstream_running_instances",
            "Running instances by the verdict whether they are idle.",
            tuple(
                Sample({"profile": profile, "verdict": state.value}, figures.verdicts.get(state, 0)) for state in State
            ),
        ),
        Metric(
            "jetstream_idle_su_per_hour",
            "SU that the idle instances cost in an hour.",
            (Sample({"profile": profile}, figures.idle_cost),),
        ),
    ]
