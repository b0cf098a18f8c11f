# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_schedule_info: the coming edges of each schedule, and which instances follow it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDENTIFIERS, ModuleSpec
from ..policy.filters import unmatched
from ..policy.schedule_file import read_timetable
from ..policy.schedule_results import calendar_of, coming_edges
from ..text.terminal import one_line
from ..times import moment

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + ModuleSpec(
        argument_spec={
            "path": {"type": "path", "required": True},
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "days": {"type": "int", "default": 7},
        },
    )
)
_MOST_DAYS = 400


def schedule_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the edges of the next days, and the schedule of each instance."""
    if not 1 <= options["days"] <= _MOST_DAYS:
        raise ConfigurationError(f"days must be from 1 to {_MOST_DAYS}.")
    timetable = read_timetable(Path(options["path"]).absolute())
    selector = Selector.from_options(options, (), owner=(ME,)).with_account(cloud.account)
    listed = cloud.list_instances(live=False, images=False, wanted=may_select(selector, INSTANCE_FIELDS))
    selection = select(listed, selector, INSTANCE_FIELDS)
    warnings = [*selection.warnings, *unmatched(options["path"], timetable.rules, listed)]
    rows = []
    followers: dict[str, list[str]] = defaultdict(list)
    for instance in selection.things:
        assigned = timetable.assignment(instance)
        if assigned.problem:
            warnings.append(f"{instance.label}: {one_line(assigned.problem)}")
        if assigned.schedule is not None:
            followers[assigned.schedule.name].append(instance.name)
        rows.append(
            {
                "id": instance.id,
                "uuid": instance.uuid,
                "name": instance.name,
                "owner": instance.owner,
                "schedule": assigned.schedule.name if assigned.schedule else None,
                "source": assigned.source,
            }
        )
    now = context.clock.now().astimezone(UTC)
    coming = coming_edges(timetable.schedules, followers, now, now + timedelta(days=options["days"]))
    return Outcome(
        {
            "instances": rows,
            "edges": coming,
            "calendar": calendar_of(coming, [moment(each["at"]) for each in coming], now),
        },
        warnings=tuple(warnings),
    )


OPERATION = on_cloud(schedule_info)
