# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_hygiene_info: unused and stuck resources, and how to fix them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ..cloud import Cloud
from ..errors import FATAL_ERRORS, ConfigurationError, JetstreamError
from ..fleet.selection import ANY, INSTANCE_FIELDS, ME, VOLUME_FIELDS, Selector, may_select, select
from ..idle.keeps import KeepFile
from ..model import Instance, Outcome, ProjectImage, UnattachedAddress, Volume
from ..operation import Context, on_cloud
from ..options import CONNECTION, RATES, ModuleSpec
from ..policy.hygiene import (
    Finding,
    Limits,
    findings_of_addresses,
    findings_of_allocations,
    findings_of_images,
    findings_of_instances,
    findings_of_keeps,
    findings_of_volumes,
    is_suspicious,
    state_since,
)
from ..usage.rates import Rates, number_if_known
from .idle_info import keep_path

SPEC = (
    CONNECTION
    + RATES
    + ModuleSpec(
        argument_spec={
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "asleep_days": {"type": "float", "default": 14.0},
            "ends_days": {"type": "float", "default": 30.0},
            "keep_path": {"type": "path"},
        }
    )
)
_LONGEST = 3660


def hygiene_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the findings about instances, volumes, floating IPs, images, keep marks and allocations."""
    limits = _limits(options)
    now = context.clock.now().astimezone(UTC)
    rates = Rates.from_options(options["rates"])
    kept = KeepFile(keep_path(options, context), context.clock).marks()
    selector = Selector.from_options(options, (), owner=(ME,)).with_account(cloud.account)
    sources = cloud.list_allocation_sources()
    listed = cloud.list_instances(
        live=True, images=False, wanted=may_select(selector, INSTANCE_FIELDS), unreadable=True
    )
    selection = select(listed, selector, INSTANCE_FIELDS)
    instances = selection.things
    since, warnings = _since(cloud, [each for each in instances if each.live and is_suspicious(each)], limits, now)
    volumes, flaws = _volumes(cloud, selector)
    # Floating IPs and images belong to the project, and not to one of its users.
    is_of_project = bool({ME, ANY} & set(selector.owners))
    addresses, unread_addresses = _addresses(cloud) if is_of_project else ((), ())
    images, unread_images = _shelved_images(cloud) if is_of_project else ((), ())
    complete = not any(each.read_error for each in listed)
    found = [
        *findings_of_instances(instances, since, rates, limits, now),
        *findings_of_volumes(volumes, limits, now),
        *findings_of_addresses(addresses, limits, now),
        *findings_of_images(images, listed, limits, now, complete=complete),
        *findings_of_keeps(instances, kept, now),
        *findings_of_allocations(sources, instances, rates, limits, now),
    ]
    unread = tuple(
        f"{each.label}: its state could not be read, so it was not checked." for each in instances if not each.live
    )
    return Outcome(
        {"findings": [each.to_result() for each in found], "summary": _summary(found)},
        warnings=(*selection.warnings, *warnings, *flaws, *unread_addresses, *unread_images, *unread),
    )


OPERATION = on_cloud(hygiene_info)


def _limits(options: Mapping[str, Any]) -> Limits:
    for name in ("asleep_days", "ends_days"):
        if not 0 <= options[name] <= _LONGEST:
            raise ConfigurationError(f"{name} is {options[name]:g}, but must be between 0 and {_LONGEST}.")
    return Limits(asleep=timedelta(days=options["asleep_days"]), ends=timedelta(days=options["ends_days"]))


def _since(
    cloud: Cloud, instances: Sequence[Instance], limits: Limits, now: datetime
) -> tuple[dict[str, datetime], tuple[str, ...]]:
    """Return since when instances are in their states, and a warning if that cannot be read."""
    if not instances:
        return {}, ()
    uuids = {each.uuid for each in instances}
    try:
        periods = cloud.list_history(now - limits.asleep - timedelta(days=1), wanted=lambda each: each.uuid in uuids)
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        return {}, (f"{error} The ages of states are unknown, so findings may be missing.",)
    known = {each.uuid: state_since(each, periods) for each in instances}
    return {uuid: moment for uuid, moment in known.items() if moment is not None}, ()


def _volumes(cloud: Cloud, selector: Selector) -> tuple[Sequence[Volume], tuple[str, ...]]:
    """Return the selected volumes. Without them the other findings are returned all the same."""
    try:
        listed = cloud.list_volumes(live=True, wanted=may_select(selector, VOLUME_FIELDS))
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        return (), (f"{error} Volumes were not checked.",)
    # A warning about an owner without volumes would be one about the instances' owner as well.
    return select(listed, selector, VOLUME_FIELDS).things, ()


def _addresses(cloud: Cloud) -> tuple[Sequence[UnattachedAddress], tuple[str, ...]]:
    """Return the floating IPs that are attached to nothing. The other findings do not need them."""
    try:
        return cloud.launcher().unattached_addresses(), ()
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        return (), (f"{error} Floating IPs were not checked.",)


def _shelved_images(cloud: Cloud) -> tuple[Sequence[ProjectImage], tuple[str, ...]]:
    """Return the images of shelved instances: none where users have no images."""
    try:
        store = cloud.image_store()
    except ConfigurationError:
        return (), ()
    try:
        return store.shelved_images(), ()
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        return (), (f"{error} Images were not checked.",)


def _summary(found: Sequence[Finding]) -> dict[str, Any]:
    kinds: dict[str, int] = {}
    for each in found:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    cost = number_if_known(sum((each.cost for each in found if each.cost is not None), Decimal(0)))
    sentence = "No findings."
    if found:
        listed = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(kinds.items()))
        sentence = f"{len(found)} found, which cost {cost} SU a day: {listed}."
    return {"findings": len(found), "kinds": kinds, "su_per_day": cost, "sentence": sentence}
