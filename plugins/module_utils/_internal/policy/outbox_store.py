# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the undelivered messages in one JSON file, which is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import JetstreamError
from ..times import iso, moment
from .claims import Claim
from .instance_store import InstanceStore
from .outbox import KEPT, Draft, Message


class OutboxError(JetstreamError):
    """The file of undelivered messages cannot be read or written."""


class OutboxBusy(OutboxError):
    """Another run uses the file."""


class OutboxStore(InstanceStore[Message]):
    """A file of messages."""

    subject = "The record of undelivered messages"
    busy = "Another run uses the record of undelivered messages,"
    without = "undelivered messages are not sent again"
    error = OutboxError
    busy_error = OutboxBusy
    rows = "messages"
    # Days are counted whole.
    kept = KEPT * 2

    def to_row(self, memory: Message) -> dict[str, Any]:
        return _row(memory)

    def from_row(self, row: Mapping[str, Any]) -> Message:
        return _message(row)


def _row(message: Message) -> dict[str, Any]:
    row = {
        "queue": message.queue,
        "channel": message.channel,
        "subject": message.draft.subject,
        "text": message.draft.text,
        "attached": list(message.draft.attached),
        "made": iso(message.made),
        "claimed": iso(message.claim.made) if message.claim else "",
        "taken": sorted(message.taken),
        "lost": message.lost,
        "seen": message.seen,
    }
    return {name: value for name, value in row.items() if value}


def _message(row: Mapping[str, Any]) -> Message:
    made = moment(row["made"])
    return Message(
        queue=str(row["queue"]),
        channel=str(row["channel"]),
        draft=Draft(
            str(row.get("subject", "")), str(row.get("text", "")), tuple(str(each) for each in row.get("attached", ()))
        ),
        made=made,
        claim=Claim(None, moment(row["claimed"])) if "claimed" in row else None,
        taken=frozenset(str(each) for each in row.get("taken", ())),
        lost=int(row.get("lost", 0)),
        seen=str(row["seen"]),
    )
