# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_flavor_info."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..catalog import OfferedFlavor, Quota
from ..cloud import Cloud
from ..errors import FATAL_ERRORS, JetstreamError
from ..flavors import can_resize, family_name, family_of
from ..fleet.selection import Selector, select_by_name
from ..model import Flavor, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, RATES, ModuleSpec
from ..usage.rates import Rates, number_if_known

SPEC = (
    CONNECTION
    + RATES
    + ModuleSpec(
        argument_spec={
            "name": {"type": "list", "elements": "str"},
            "provider": {"type": "list", "elements": "str"},
            "min_vcpus": {"type": "int", "default": 0},
            "min_ram": {"type": "int", "default": 0},
            "min_disk": {"type": "int", "default": 0},
            "fitting": {"type": "bool", "default": False},
            "quota": {"type": "bool", "default": True},
        },
    )
)
_LIMITING = ("instances", "cores", "ram")


class _Room(NamedTuple):
    """How many instances of a flavor fit in what is free, and the resource that ends first. None: not known."""

    instances: int | None
    limited_by: str | None


_UNKNOWN = _Room(None, None)


def flavor_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the flavors that the options select, with their cost, and how many of each fit in the quota."""
    rates = Rates.from_options(options["rates"])
    selector = Selector.from_options(options, ("provider",))
    if selector.empty_because:
        return Outcome({"flavors": []}, warnings=(selector.empty_because,))
    catalog = cloud.catalog()
    flavors = catalog.flavors(min_ram=options["min_ram"], min_disk=options["min_disk"])
    selection = select_by_name(flavors, options["name"])
    warnings = list(selection.warnings)
    quotas: Sequence[Quota] = ()
    if options["quota"] or options["fitting"]:
        try:
            quotas = catalog.quotas(_LIMITING)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            warnings.append(f"{error} The room for flavors in the quota is missing.")
    rooms = [(each, _room(each, quotas)) for each in selection.things if _passes(each, options)]
    rows = [_row(each, room, rates) for each, room in rooms if not options["fitting"] or room.instances != 0]
    return Outcome({"flavors": rows}, warnings=tuple(warnings))


def _passes(each: OfferedFlavor, options: Mapping[str, Any]) -> bool:
    flavor, providers = each.flavor, options["provider"]
    large = (
        (flavor.vcpus or 0) >= options["min_vcpus"]
        and (flavor.ram or 0) >= options["min_ram"]
        and (flavor.disk or 0) >= options["min_disk"]
    )
    return large and (
        providers is None
        or any(
            name == pattern or fnmatchcase(name, pattern)
            for name in (each.provider.name, each.provider.uuid)
            for pattern in providers
        )
    )


def _room(offered: OfferedFlavor, quotas: Sequence[Quota]) -> _Room:
    """Return the room in the quota at the flavor's provider, of several that have the most."""
    rooms = [
        _room_in(offered.flavor, quota)
        for quota in quotas
        if quota.provider.uuid == offered.provider.uuid and quota.can_launch
    ]
    known = [each for each in rooms if each.instances is not None]
    return max(known, key=lambda each: each.instances or 0) if known and len(known) == len(rooms) else _UNKNOWN


def _room_in(flavor: Flavor, quota: Quota) -> _Room:
    needs = {"instances": 1, "cores": flavor.vcpus, "ram": flavor.ram}
    found = [
        _Room(int(limit.free // need), name)
        for name, need in needs.items()
        if need and (limit := quota.limits.get(name)) is not None and limit.free is not None
    ]
    return min(found, key=lambda each: each.instances or 0) if found else _UNKNOWN


def _row(offered: OfferedFlavor, room: _Room, rates: Rates) -> dict[str, Any]:
    flavor, family = offered.flavor, family_of(offered.name)
    return {
        "name": flavor.name,
        "id": offered.id,
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "family": family_name(flavor.name),
        "resource": None if family is None else family.resource.value,
        "su_per_hour": number_if_known(rates.su_per_hour(flavor, "active")),
        "can_suspend": None if family is None else family.can_suspend,
        "can_resize": can_resize(flavor.name),
        "fits": None if room.instances is None else room.instances > 0,
        "max_instances": room.instances,
        "limited_by": room.limited_by,
        "provider": asdict(offered.provider),
    }


OPERATION = on_cloud(flavor_info)
