# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the acts that no message has reported yet in one JSON file, which is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import JetstreamError
from ..states import Goal
from ..times import iso, moment
from .acts import KEPT, Act
from .instance_store import InstanceStore


class ActStoreError(JetstreamError):
    """The record of acts cannot be read or written. Without it, no act is sent."""


class ActsBusy(ActStoreError):
    """Another run uses the file."""


class ActStore(InstanceStore[Act]):
    """A file of acts."""

    subject = "The record of acts"
    busy = "Another run uses the record of acts,"
    without = "acts of a run that was killed are not reported"
    error = ActStoreError
    busy_error = ActsBusy
    rows = "acts"
    kept = KEPT

    def to_row(self, memory: Act) -> dict[str, Any]:
        return {
            "profile": memory.profile,
            "policy": memory.policy,
            "uuid": memory.uuid,
            "name": memory.name,
            "goal": memory.goal.value,
            "process": memory.process,
            "began": iso(memory.began),
            "outcome": memory.outcome,
            "seen": memory.seen,
        }

    def from_row(self, row: Mapping[str, Any]) -> Act:
        return Act(
            profile=str(row["profile"]),
            policy=str(row["policy"]),
            uuid=str(row["uuid"]),
            name=str(row["name"]),
            goal=Goal(row["goal"]),
            process=str(row["process"]),
            began=moment(row["began"]),
            outcome=str(row["outcome"]),
            seen=str(row["seen"]),
        )
