# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_quota_info."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from ..catalog import RESOURCES, Limit, Quota
from ..cloud import Cloud
from ..errors import FATAL_ERRORS, JetstreamError
from ..model import AllocationSource, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec
from ..usage.rates import exact, figure, number, number_if_known

SPEC = CONNECTION + ModuleSpec(argument_spec={"allocations": {"type": "bool", "default": True}})


def quota_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the quotas of the account with their use, and its allocations."""
    quotas = [_row(each) for each in cloud.catalog().quotas()]
    allocations: list[dict[str, Any]] | None = None
    warnings: tuple[str, ...] = ()
    if options["allocations"]:
        try:
            allocations = [_allocation(each) for each in cloud.list_allocation_sources()]
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            warnings = (f"{error} The allocations are missing.",)
    return Outcome({"quotas": quotas, "allocations": allocations}, warnings=warnings)


def _row(quota: Quota) -> dict[str, Any]:
    return {
        "provider": asdict(quota.provider),
        "identity": asdict(quota.identity),
        "project": None if quota.project is None else asdict(quota.project),
        "can_launch": quota.can_launch,
        "resources": {name: _limit(quota.limits.get(name)) for name in RESOURCES},
    }


def _limit(limit: Limit | None) -> dict[str, Any] | None:
    if limit is None:
        return None
    return {
        "limit": _number(limit.limit),
        "used": _number(limit.used),
        "free": _number(limit.free),
        "unlimited": limit.unlimited,
    }


def _number(value: float | None) -> int | float | None:
    return None if value is None else number(exact(value))


def _allocation(source: AllocationSource) -> dict[str, Any]:
    allowed, used = _known(source.compute_allowed), _known(source.compute_used)
    return {
        "name": source.name,
        "uuid": source.uuid,
        "allowed": number_if_known(allowed),
        "used": number_if_known(used),
        "remaining": None if allowed is None or used is None else number(allowed - used),
    }


def _known(value: float | None) -> Decimal | None:
    return None if value is None else figure(value)


OPERATION = on_cloud(quota_info)
