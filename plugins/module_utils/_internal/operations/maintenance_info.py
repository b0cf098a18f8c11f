# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_maintenance_info."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..catalog import MaintenanceRecord, require_supported
from ..cloud import Cloud
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec
from ..times import iso

SPEC = CONNECTION + ModuleSpec(argument_spec={"past": {"type": "bool", "default": False}})


def maintenance_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return announced maintenance, and whether the API is closed by it now."""
    catalog = cloud.catalog()
    require_supported(catalog, "maintenance")
    now = context.clock.now()
    rows = [_row(each, now) for each in catalog.maintenance() if options["past"] or not _is_over(each, now)]
    closed = any(each["active"] and each["provider"] is None for each in rows)
    return Outcome({"maintenance": rows, "api_is_closed": closed})


def _row(record: MaintenanceRecord, now: datetime) -> dict[str, Any]:
    started = record.start is not None and record.start <= now
    return {
        "id": record.id,
        "title": record.title,
        "message": record.message,
        "start_date": None if record.start is None else iso(record.start),
        "end_date": None if record.end is None else iso(record.end),
        "active": started and not _is_over(record, now),
        "provider": None if record.provider is None else asdict(record.provider),
    }


def _is_over(record: MaintenanceRecord, now: datetime) -> bool:
    return record.end is not None and record.end <= now


OPERATION = on_cloud(maintenance_info)
