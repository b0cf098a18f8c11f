# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the effects of schedules on each instance in one JSON file, which is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..errors import JetstreamError
from ..times import iso, moment
from .instance_store import InstanceStore
from .schedule_steps import Memory

_MOMENTS = ("edge", "attempted_edge", "first_attempt", "last_attempt")


class ScheduleStoreError(JetstreamError):
    """The record of schedules cannot be read or written. Without it, nothing is done."""


class ScheduleBusy(ScheduleStoreError):
    """Another run is carrying out schedules."""


class ScheduleStore(InstanceStore[Memory]):
    """A file of memories by UUID. An instance that was dropped and reappears is left alone until its next edge."""

    subject = "The record of schedules"
    busy = "Another run uses the record of schedules,"
    without = "no instance is changed until its next edge"
    error = ScheduleStoreError
    busy_error = ScheduleBusy

    def to_row(self, memory: Memory) -> dict[str, Any]:
        return _row(memory)

    def from_row(self, row: Mapping[str, Any]) -> Memory:
        return _memory(row)


def _row(memory: Memory) -> dict[str, Any]:
    row = {name: value for name, value in asdict(memory).items() if value}
    return row | {name: iso(row[name]) for name in _MOMENTS if name in row}


def _memory(row: Mapping[str, Any]) -> Memory:
    moments = {name: moment(row[name]) for name in _MOMENTS if name in row}
    return Memory(
        schedule=str(row["schedule"]),
        edge=moments.pop("edge"),
        put_to_sleep=bool(row.get("put_to_sleep", False)),
        attempts=int(row.get("attempts", 0)),
        seen=str(row["seen"]),
        **moments,
    )
