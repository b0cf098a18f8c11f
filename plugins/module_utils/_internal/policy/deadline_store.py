# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores notices and actions for the deadlines of each instance in one JSON file, which is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import JetstreamError
from ..times import iso, moment
from .claims import Claim
from .deadlines import ChannelNotice, DeadlineNotices, Kind, Memory
from .instance_store import InstanceStore

_MOST_CHANNELS = 10


class DeadlineStoreError(JetstreamError):
    """The record of deadlines cannot be read or written. Without it, no action is taken."""


class DeadlineBusy(DeadlineStoreError):
    """Another run uses the file."""


class DeadlineStore(InstanceStore[Memory]):
    """A file of memories by UUID. A deadline is reported for a week, and is acted on soon after."""

    subject = "The record of deadlines"
    busy = "Another run uses the record of deadlines,"
    without = "a new notice of every deadline is sent before it is enforced"
    error = DeadlineStoreError
    busy_error = DeadlineBusy

    def to_row(self, memory: Memory) -> dict[str, Any]:
        return _row(memory)

    def from_row(self, row: Mapping[str, Any]) -> Memory:
        return _memory(row)


def _row(memory: Memory) -> dict[str, Any]:
    notices = {kind.value: _notices_row(each) for kind, each in memory.notices.items()}
    row: dict[str, Any] = {"seen": memory.seen, "told": notices, "attempts": memory.attempts, "noted": memory.noted}
    row["done"] = None if memory.done is None else iso(memory.done)
    return {name: value for name, value in row.items() if value}


def _notices_row(notices: DeadlineNotices) -> dict[str, Any]:
    channels = {
        name: {"days": of.days, "first": iso(of.first)}
        for name, of in sorted(notices.channels.items())[:_MOST_CHANNELS]
    }
    claims = {
        name: {"days": of.subject, "made": iso(of.made)} for name, of in sorted(notices.claims.items())[:_MOST_CHANNELS]
    }
    return {"at": iso(notices.at), "channels": channels, **({"claims": claims} if claims else {})}


def _memory(row: Mapping[str, Any]) -> Memory:
    return Memory(
        notices={Kind(kind): _notices(each) for kind, each in row.get("told", {}).items()},
        done=moment(row["done"]) if "done" in row else None,
        attempts=int(row.get("attempts", 0)),
        noted=str(row.get("noted", "")),
        seen=str(row["seen"]),
    )


def _notices(row: Mapping[str, Any]) -> DeadlineNotices:
    return DeadlineNotices(
        at=moment(row["at"]),
        channels={
            str(name): ChannelNotice(int(of["days"]), moment(of["first"])) for name, of in row["channels"].items()
        },
        claims={str(name): Claim(int(of["days"]), moment(of["made"])) for name, of in row.get("claims", {}).items()},
    )
