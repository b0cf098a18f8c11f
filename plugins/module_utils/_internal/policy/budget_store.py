# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the announced thresholds of each allocation by channel, and the changes of its instances that go on.

All of it is in one JSON file, which is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any

from ..errors import JetstreamError
from ..states import RestingState
from ..times import iso, moment
from .budget_guard import NO_CHANNEL, Change, Memory
from .claims import Claim
from .instance_store import InstanceStore, day_of

# Files of format 1 have no channels.
_FORMAT_BEFORE = 1
_MOST_CHANNELS = 10
_MOST_THRESHOLDS = 50
_MOST_CHANGES = 1000


class BudgetStoreError(JetstreamError):
    """The record of announcements cannot be read or written. Without it, nothing is done."""


class BudgetBusy(BudgetStoreError):
    """Another run uses the file."""


class BudgetStore(InstanceStore[Memory]):
    """A file of memories by allocation."""

    subject = "The record of budget notices"
    busy = "Another run uses the record of budget notices,"
    without = "a new notice of every threshold is sent"
    error = BudgetStoreError
    busy_error = BudgetBusy
    rows = "allocations"
    format = 2

    def to_row(self, memory: Memory) -> dict[str, Any]:
        return _row(memory)

    def from_row(self, row: Mapping[str, Any]) -> Memory:
        return _memory(row)

    def memories_of(self, record: Mapping[str, Any]) -> dict[str, Memory]:
        if record["format"] != _FORMAT_BEFORE:
            return super().memories_of(record)
        today = day_of(self._clock.now().astimezone(UTC))
        announced = record["told"].items()
        return {str(key): Memory({NO_CHANNEL: _thresholds(levels)}, seen=today) for key, levels in announced}


def _row(memory: Memory) -> dict[str, Any]:
    announced = {name: _stored(keys) for name, keys in sorted(memory.announced.items())[:_MOST_CHANNELS]}
    claims = {
        name: {"told": _stored(claim.subject), "made": iso(claim.made)}
        for name, claim in sorted(memory.claims.items())[:_MOST_CHANNELS]
    }
    changes = {
        uuid: {"state": each.state.value, "since": iso(each.since)}
        for uuid, each in sorted(memory.changes.items())[:_MOST_CHANGES]
    }
    row = {"seen": memory.seen, "told": announced, "claims": claims, "changes": changes}
    return {name: value for name, value in row.items() if value}


def _stored(keys: Collection[str]) -> list[str]:
    return sorted(keys)[:_MOST_THRESHOLDS]


def _memory(row: Mapping[str, Any]) -> Memory:
    return Memory(
        announced={str(name): _thresholds(keys) for name, keys in row.get("told", {}).items()},
        claims={
            str(name): Claim(_thresholds(each["told"]), moment(each["made"]))
            for name, each in row.get("claims", {}).items()
        },
        changes={
            str(uuid): Change(RestingState(each["state"]), moment(each["since"]))
            for uuid, each in row.get("changes", {}).items()
        },
        seen=str(row["seen"]),
    )


def _thresholds(keys: Any) -> frozenset[str]:
    if not isinstance(keys, list):
        raise TypeError("a list of thresholds is needed")
    return frozenset(str(each) for each in keys)
