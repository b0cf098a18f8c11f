# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads nova's databases, which costs less than a request, and sets values that no request can set."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# the status of a server in nova's API, and its vm_state in the database
VM_STATES = {
    "ACTIVE": "active",
    "BUILD": "building",
    "ERROR": "error",
    "PAUSED": "paused",
    "SHELVED": "shelved",
    "SHELVED_OFFLOADED": "shelved_offloaded",
    "SHUTOFF": "stopped",
    "SUSPENDED": "suspended",
}


@dataclass(frozen=True)
class Row:
    """The state of a server in nova's database."""

    vm_state: str
    task_state: str | None
    on_host: bool

    def is_settled(self, state: str) -> bool:
        """Return whether the server is in a state, and nova is done with it.

        nova removes an offloaded server from its host a moment after its state is final.
        """
        return (self.vm_state, self.task_state) == (state, None) and not (state == "shelved_offloaded" and self.on_host)


class ComputeTables:
    """The servers in nova's databases."""

    def __init__(self, folder: Path) -> None:
        # nova keeps servers without a valid host in cell 0
        self._paths = [folder / "nova_cell1.db", folder / "nova_cell0.db"]

    def rows(self, ids: Iterable[str]) -> dict[str, Row]:
        """Return the row of each of these servers that exists."""
        wanted = set(ids)
        found: dict[str, Row] = {}
        for path in self._paths:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as database:
                rows = database.execute(
                    "SELECT uuid, vm_state, task_state, host IS NOT NULL FROM instances WHERE deleted = 0"
                )
                found |= {uuid: Row(vm, task, bool(held)) for uuid, vm, task, held in rows if uuid in wanted}
        return found

    def set_shelved_without_host(self, ids: Iterable[str]) -> None:
        """Make offloaded servers SHELVED without a host, as after an interrupted offload."""
        with closing(sqlite3.connect(self._paths[0], timeout=60)) as database:
            database.executemany("UPDATE instances SET vm_state = 'shelved' WHERE uuid = ?", [(one,) for one in ids])
            database.commit()

    def set_created(self, ids: Iterable[str], at: datetime) -> None:
        """Set the time at which servers were created."""
        when = at.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
        with closing(sqlite3.connect(self._paths[0], timeout=60)) as database:
            rows = [(when, one) for one in ids]
            database.executemany("UPDATE instances SET created_at = ? WHERE uuid = ?", rows)
            database.commit()
