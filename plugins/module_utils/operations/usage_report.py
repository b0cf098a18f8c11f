# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jetstream_usage_report does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..model import Instance, Outcome, StatusPeriod
from ..operation import Context, on_cloud
from ..options import CONNECTION, RATES, ModuleSpec
from ..usage import charts, record
from ..usage.figures import (
    Reading,
    Standing,
    Usage,
    spenders_of,
    standings_of,
)
from ..usage.history import (
    Cost,
    by_day,
    costs_of,
    unknown_sizes,
    within,
    without_gaps_or_overlaps,
)
from ..usage.letter import letter, subject
from ..usage.page import page
from ..usage.rates import Rates

SPEC = (
    CONNECTION
    + RATES
    + ModuleSpec(
        argument_spec={
            "record": {"type": "path"},
            "page": {"type": "path"},
            "charts": {"type": "bool", "default": True},
            "days": {"type": "int", "default": 30},
        }
    )
)
_RECORD = Path(".local/share/jetstream/usage.jsonl")


def usage_report(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Note how the allocations stand today, and report on the last days."""
    if options["days"] < 1:
        raise ConfigurationError("days must be 1 or more.")
    if options["page"] and options["charts"]:
        charts.require()
    rates = Rates.from_options(options["rates"])
    usage = _usage(cloud, options["days"], rates, context.clock.now().astimezone(UTC))
    path = Path(options["record"]) if options["record"] else context.home / _RECORD
    usage, is_new = _with_past(usage, path, context)
    if options["page"] and not context.check_mode:
        record.write_page(Path(options["page"]), page(usage, charts=options["charts"]))
    result = {"record": str(path), "page": options["page"], "subject": subject(usage), "text": letter(usage)}
    return Outcome(result, changed=is_new or bool(options["page"]), warnings=usage.warnings)


OPERATION = on_cloud(usage_report)


def _usage(cloud: Cloud, span: int, rates: Rates, now: datetime) -> Usage:
    instances = cloud.list_instances(live=True, images=False)
    standings = standings_of(cloud.list_allocation_sources(), instances, rates, now)
    since = datetime.combine(now.date() - timedelta(days=span - 1), datetime.min.time(), tzinfo=UTC)
    costs, names = _costs(cloud.list_history(), since, now, rates)
    everything = [cost for rows in costs.values() for cost in rows]
    return Usage(
        taken_at=now,
        span=span,
        standings=tuple(standings),
        days=_every_day(by_day(everything, UTC), since.date(), span),
        spenders=tuple(spenders_of(costs, names, instances, rates)),
        idle_volumes=tuple(each for each in cloud.list_volumes(live=True) if not each.attachments),
        warnings=_warnings(standings, everything, instances),
    )


def _costs(
    periods: Sequence[StatusPeriod], since: datetime, now: datetime, rates: Rates
) -> tuple[dict[str, list[Cost]], dict[str, str]]:
    by_instance: dict[str, list[StatusPeriod]] = defaultdict(list)
    for each in periods:
        by_instance[each.instance_uuid].append(each)
    costs = {
        uuid: costs_of(within(without_gaps_or_overlaps(rows, now), since, now), rates)
        for uuid, rows in by_instance.items()
    }
    return costs, {uuid: rows[-1].instance_name for uuid, rows in by_instance.items()}


def _every_day(used: Mapping[date, Decimal], first: date, span: int) -> dict[date, Decimal]:
    return {day: used.get(day, Decimal(0)) for day in (first + timedelta(days=number) for number in range(span))}


def _with_past(usage: Usage, path: Path, context: Context) -> tuple[Usage, bool]:
    """Note today's readings, and give each allocation its past. Returns whether the record became another."""
    today = [
        Reading(usage.taken_at.date(), each.uuid, each.budget.left)
        for each in usage.standings
        if each.budget.left is not None
    ]
    if context.check_mode:
        before = record.read(path)
        after = record.noted(before, today)
    else:
        with record.in_turn(path):
            before = record.read(path)
            after = record.noted(before, today)
            if after != before:
                record.write(path, after)
    standings = tuple(_with_readings(each, after) for each in usage.standings)
    return replace(usage, standings=standings), after != before


def _with_readings(standing: Standing, readings: Sequence[Reading]) -> Standing:
    return replace(standing, past=tuple(each for each in readings if each.allocation == standing.uuid))


def _warnings(standings: Sequence[Standing], costs: Sequence[Cost], instances: Sequence[Instance]) -> tuple[str, ...]:
    sizes = sorted({*unknown_sizes(costs), *(name for each in standings for name in each.burn.unknown_sizes)})
    unpaid = sum(not each.allocation_source for each in instances)
    warnings = []
    if sizes:
        warnings.append(
            f"No rate is known for {', '.join(sizes)}, so what they cost is missing. "
            "Give the SU per hour in rates.sizes."
        )
    if unpaid:
        warnings.append(f"Instances that have no allocation source, and are part of no forecast: {unpaid}.")
    return tuple(warnings)
