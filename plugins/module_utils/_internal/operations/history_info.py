# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_history_info."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..fleet.selection import Selector, may_select, select
from ..model import Instance, Outcome, StatusPeriod
from ..operation import Context, on_cloud
from ..options import (
    CONNECTION,
    IDENTIFIERS,
    RATES,
    ModuleSpec,
)
from ..text.ordering import NaturalKey, natural_key
from ..times import iso, moment_or_none
from ..usage.history import (
    Cost,
    by_day,
    costs_of,
    known_total,
    unknown_flavors,
    within,
    without_gaps_or_overlaps,
)
from ..usage.rates import Rates, number, number_if_known

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + RATES
    + ModuleSpec(
        argument_spec={
            "since": {"type": "str"},
            "until": {"type": "str"},
            "timezone": {"type": "str", "default": "UTC"},
        }
    )
)


@dataclass(frozen=True, slots=True)
class _InstanceHistory:
    """An instance and its periods. It may have been deleted since."""

    id: int | str
    uuid: str
    name: str
    periods: tuple[StatusPeriod, ...]

    @property
    def label(self) -> str:
        return f"{self.name} ({self.id})"


def history_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the periods of the selected instances, and their cost by instance and by day."""
    rates = Rates.from_options(options["rates"])
    zone = _zone(options["timezone"])
    since, until = (_time(options, name, zone) for name in ("since", "until"))
    if since and until and until <= since:
        raise ConfigurationError("until must be later than since.")
    now = context.clock.now()
    selector = Selector.from_options(options, ())
    selection = select(_past(cloud, since, selector, now), selector, {})
    costs = {each.uuid: costs_of(within(each.periods, since, until), rates) for each in selection.things}
    shown = [each for each in selection.things if costs[each.uuid]]
    everything = [cost for each in shown for cost in costs[each.uuid]]
    result = {
        "instances": [_row(each, costs[each.uuid], zone) for each in shown],
        "days": _days(everything, zone),
        "su": number_if_known(known_total(everything)),
    }
    return Outcome(result, warnings=(*selection.warnings, *_unknown(everything)))


OPERATION = on_cloud(history_info)


def _past(cloud: Cloud, since: datetime | None, selector: Selector, now: datetime) -> list[_InstanceHistory]:
    """Return the instances with their periods. Those that are not selected may have none: their history is not read."""
    selected: Callable[[Instance], bool] = may_select(selector, {})
    listed: dict[str, _InstanceHistory] = {}

    def wanted(instance: Instance) -> bool:
        listed[instance.uuid] = _InstanceHistory(instance.id, instance.uuid, instance.name, ())
        return selected(instance)

    past = _instances(cloud.list_history(since, wanted), now)
    known = {each.uuid for each in past}
    return [*past, *(each for each in listed.values() if each.uuid not in known)]


def _instances(periods: Iterable[StatusPeriod], now: datetime) -> list[_InstanceHistory]:
    rows: dict[str, list[StatusPeriod]] = defaultdict(list)
    for each in periods:
        rows[each.instance_uuid].append(each)
    return [
        _InstanceHistory(
            id=members[-1].instance_id,
            uuid=members[-1].instance_uuid,
            name=members[-1].instance_name,
            periods=tuple(without_gaps_or_overlaps(members, now)),
        )
        for members in sorted(rows.values(), key=_name_and_beginning)
    ]


def _name_and_beginning(periods: Sequence[StatusPeriod]) -> tuple[NaturalKey, datetime]:
    """Return the key to sort by. Of instances that had a name one after the other, the present one comes last."""
    return natural_key(periods[-1].instance_name), min(each.start for each in periods)


def _row(instance: _InstanceHistory, costs: Sequence[Cost], zone: tzinfo) -> dict[str, Any]:
    hours: dict[str, Decimal] = defaultdict(Decimal)
    for cost in costs:
        hours[cost.period.status] += cost.hours
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "name": instance.name,
        "su": number_if_known(known_total(costs)),
        "hours": {status: number(value) for status, value in sorted(hours.items())},
        "days": _days(costs, zone),
        "periods": [_period(cost) for cost in costs],
        "unknown_flavors": list(unknown_flavors(costs)),
    }


def _period(cost: Cost) -> dict[str, Any]:
    return {
        "status": cost.period.status,
        "activity": cost.period.activity,
        "flavor": cost.period.flavor.name,
        "vcpus": cost.period.flavor.vcpus,
        "start": iso(cost.period.start),
        "end": iso(cost.period.end) if cost.period.end else None,
        "hours": number(cost.hours),
        "su": number_if_known(cost.su),
    }


def _days(costs: Iterable[Cost], zone: tzinfo) -> list[dict[str, Any]]:
    return [{"date": day.isoformat(), "su": number(su)} for day, su in by_day(costs, zone).items()]


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"The time zone {name} is unknown on this machine.",
            hint="Set timezone to a name such as America/Chicago or UTC.",
        ) from None


def _time(options: Mapping[str, Any], name: str, zone: tzinfo) -> datetime | None:
    text = options[name]
    if text is None:
        return None
    read = moment_or_none(text, zone)
    if read is None:
        raise ConfigurationError(f"{name} is {text!r}, which is not a date.", hint="Example: 2026-11-01")
    return read


def _unknown(costs: Iterable[Cost]) -> list[str]:
    flavors = unknown_flavors(costs)
    if not flavors:
        return []
    return [
        f"No rate is known for {', '.join(flavors)}, so their cost is missing. Set their SU per hour in rates.flavors."
    ]
