# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jetstream_allocation_info does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..cloud import Cloud
from ..fleet.selection import select_by_name
from ..model import AllocationSource, Instance, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, RATES, ModuleSpec
from ..usage.budget import budget_of, burn_of, iso
from ..usage.rates import Rates, exact, number, number_if_known

SPEC = (
    CONNECTION
    + RATES
    + ModuleSpec(
        argument_spec={
            "name": {"type": "list", "elements": "str"},
            "live": {"type": "bool", "default": True},
        }
    )
)


def allocation_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the allocation sources, and how long each lasts at what the instances cost now."""
    rates = Rates.from_options(options["rates"])
    sources = cloud.list_allocation_sources()
    selection = select_by_name(sources, options["name"])
    instances = cloud.list_instances(live=options["live"], images=False)
    now = context.clock.now()
    rows = [_row(each, _paid_by(each, instances), rates, now) for each in selection.things]
    warnings = [warning for row in rows if (warning := _unknown(row))]
    return Outcome({"allocations": rows}, warnings=(*selection.problems, *warnings, *_unpaid(sources, instances)))


OPERATION = on_cloud(allocation_info)


def _paid_by(source: AllocationSource, instances: Sequence[Instance]) -> list[Instance]:
    return [each for each in instances if each.allocation_source and each.allocation_source.uuid == source.uuid]


def _unpaid(sources: Sequence[AllocationSource], instances: Sequence[Instance]) -> list[str]:
    """Return a warning about the instances that are in no sum, since no allocation is known to pay for them."""
    paying = {each.uuid for each in sources}
    flavors = [
        each.flavor.name
        for each in instances
        if each.allocation_source is None or each.allocation_source.uuid not in paying
    ]
    if not flavors:
        return []
    named = ", ".join(sorted(set(flavors)))
    return [f"Instances that no allocation is known to pay for, and that are in no sum: {len(flavors)} ({named})."]


def _row(source: AllocationSource, instances: Sequence[Instance], rates: Rates, now: datetime) -> dict[str, Any]:
    burn = burn_of(instances, rates)
    budget = budget_of(source, burn, now)
    return {
        "name": source.name,
        "uuid": source.uuid,
        "allowed": _server_figure(source.compute_allowed),
        "used": _server_figure(source.compute_used),
        "mine": _server_figure(source.user_compute_used),
        "left": number_if_known(budget.left),
        "percent_used": number_if_known(budget.percent_used),
        "start_date": source.start_date,
        "end_date": source.end_date,
        "updated": source.updated,
        "lag_hours": source.lag_hours,
        "global_burn_rate": _server_figure(source.global_burn_rate),
        "user_burn_rate": _server_figure(source.user_burn_rate),
        "instances": len(instances),
        "su_per_hour": number_if_known(burn.known),
        "unknown_sizes": list(burn.unknown_sizes),
        "hours_left": number_if_known(budget.hours_left),
        "exhausted_at": iso(budget.exhausted_at),
        "su_per_hour_to_last": number_if_known(budget.su_per_hour_to_last),
    }


def _server_figure(value: float | None) -> int | float | None:
    return None if value is None else number(exact(value))


def _unknown(row: Mapping[str, Any]) -> str | None:
    if not row["unknown_sizes"]:
        return None
    return (
        f"{row['name']}: no rate is known for {', '.join(row['unknown_sizes'])}, so su_per_hour is too low, and "
        "nothing is foretold from it. Give the SU per hour in rates.sizes."
    )
