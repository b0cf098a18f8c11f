# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of an event source: the emitted events, and the last known states. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ..policy.deadlines import ChannelNotice, DeadlineNotices, Kind
from ..policy.deadlines import Memory as DeadlineMemory
from ..times import iso, moment

FORMAT = 1
# The channel of deadlines that events have announced.
CHANNEL = "events"
Account = tuple[str, str, str]
# The time of the first announcement is not stored. A time in the future would not count.
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class InstanceMemory:
    """The memory of an instance.

    ``state``: the last state in which it rested. ``body``: the instance as the last event showed it, for the event of
    its deletion. ``missed``: the number of consecutive lists without it. ``idle``: "idle" or "due" after such an event.
    ``event_count``: the number of events about it.
    """

    state: str
    body: Mapping[str, Any]
    missed: int = 0
    idle: str = ""
    event_count: int = 0
    deadlines: Mapping[Kind, tuple[datetime, int]] = field(default_factory=dict)

    def deadline_memory(self) -> DeadlineMemory:
        """Return the announced deadlines in the form that the deadline rules use."""
        notices = {
            kind: DeadlineNotices(at, {CHANNEL: ChannelNotice(days, _LONG_AGO)})
            for kind, (at, days) in self.deadlines.items()
        }
        return DeadlineMemory(notices)


@dataclass(frozen=True, slots=True)
class BudgetMemory:
    """The announced thresholds of an allocation, and the number of events about it."""

    thresholds: frozenset[str] = frozenset()
    event_count: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a source.

    ``account``: its account, None before the first poll. ``begun``: the parts that were read at least once.
    ``failing``: the start of each part's failure, in ISO 8601.
    """

    account: Account | None = None
    begun: frozenset[str] = frozenset()
    instances: Mapping[str, InstanceMemory] = field(default_factory=dict)
    budgets: Mapping[str, BudgetMemory] = field(default_factory=dict)
    failing: Mapping[str, str] = field(default_factory=dict)

    def with_instance(self, uuid: str, instance: InstanceMemory) -> Memory:
        """Return the memory with a new memory of an instance."""
        return replace(self, instances={**self.instances, uuid: instance})

    def without_instance(self, uuid: str) -> Memory:
        """Return the memory without an instance."""
        return replace(self, instances={key: each for key, each in self.instances.items() if key != uuid})

    def with_budget(self, uuid: str, budget: BudgetMemory) -> Memory:
        """Return the memory with a new memory of an allocation."""
        return replace(self, budgets={**self.budgets, uuid: budget})

    def with_begun(self, part: str) -> Memory:
        """Return the memory after the first read of a part."""
        return self if part in self.begun else replace(self, begun=self.begun | {part})


def to_record(memory: Memory) -> dict[str, Any]:
    """Return a memory as the file stores it."""
    return {
        "format": FORMAT,
        "account": None if memory.account is None else list(memory.account),
        "begun": sorted(memory.begun),
        "failing": dict(memory.failing),
        "instances": {uuid: _row(each) for uuid, each in memory.instances.items()},
        "budgets": {
            uuid: {"thresholds": sorted(each.thresholds), "told": each.event_count}
            for uuid, each in memory.budgets.items()
        },
    }


def from_record(record: Mapping[str, Any]) -> Memory:
    """Return the memory of a record. Raises KeyError, TypeError, ValueError or AttributeError."""
    if record["format"] != FORMAT:
        raise ValueError("unknown format")
    account = record["account"]
    return Memory(
        account=None if account is None else _account(account),
        begun=frozenset(str(each) for each in record["begun"]),
        instances={str(uuid): _instance(row) for uuid, row in record["instances"].items()},
        budgets={
            str(uuid): BudgetMemory(frozenset(str(each) for each in row["thresholds"]), int(row["told"]))
            for uuid, row in record["budgets"].items()
        },
        failing={str(part): str(since) for part, since in record["failing"].items()},
    )


def _account(parts: list[Any]) -> Account:
    site, cloud, project = (str(each) for each in parts)
    return site, cloud, project


def _row(instance: InstanceMemory) -> dict[str, Any]:
    row: dict[str, Any] = {"state": instance.state, "body": dict(instance.body), "missed": instance.missed}
    row |= {"idle": instance.idle, "told": instance.event_count}
    row["deadlines"] = {kind.value: {"at": iso(at), "days": days} for kind, (at, days) in instance.deadlines.items()}
    return {name: value for name, value in row.items() if value}


def _instance(row: Mapping[str, Any]) -> InstanceMemory:
    return InstanceMemory(
        state=str(row["state"]),
        body=dict(row["body"]),
        missed=int(row.get("missed", 0)),
        idle=str(row.get("idle", "")),
        event_count=int(row.get("told", 0)),
        deadlines={
            Kind(kind): (moment(each["at"]), int(each["days"])) for kind, each in row.get("deadlines", {}).items()
        },
    )
