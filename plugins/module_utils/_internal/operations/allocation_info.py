# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_allocation_info."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..cloud import Cloud
from ..fleet.selection import select_by_name
from ..model import AllocationSource, Instance, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, RATES, ModuleSpec
from ..usage.history import PACE_DAYS, Pace
from ..usage.rates import Rates
from ..usage.report_data import History, concerns, notes_on, statuses_of, unknown_pace
from ..usage.results import allocation_result

SPEC = (
    CONNECTION
    + RATES
    + ModuleSpec(
        argument_spec={
            "name": {"type": "list", "elements": "str"},
            "live": {"type": "bool", "default": True},
            "pace": {"type": "bool", "default": True},
        }
    )
)


def allocation_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the allocation sources, and how long each lasts."""
    rates = Rates.from_options(options["rates"])
    sources = cloud.list_allocation_sources()
    selection = select_by_name(sources, options["name"])
    concerned = concerns(cloud.account(), sources)
    listed = cloud.list_instances(live=options["live"], images=False, wanted=concerned)
    instances = [each for each in listed if concerned(each)]
    now = context.clock.now()
    pace = _paces(cloud, sources, instances, rates, now) if options["pace"] else unknown_pace
    rows = [allocation_result(each) for each in statuses_of(selection.things, instances, pace, rates, now)]
    hidden = {each.uuid for each in sources} - {each.uuid for each in selection.things}
    shown = [each for each in instances if not each.allocation_source or each.allocation_source.uuid not in hidden]
    notes = notes_on(selection.things, shown, (), rates, now)
    return Outcome({"allocations": rows}, warnings=(*selection.warnings, *notes))


def _paces(
    cloud: Cloud, sources: Sequence[AllocationSource], instances: Sequence[Instance], rates: Rates, now: datetime
) -> Callable[[str], Pace]:
    periods = cloud.list_history(now - timedelta(days=PACE_DAYS))
    return History(periods, sources, instances, rates, now).paces()


OPERATION = on_cloud(allocation_info)
