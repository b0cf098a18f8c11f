# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores what schedules have done to each instance, in one file of JSON that is replaced whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json
from ..times import iso, moment
from .schedule_steps import Memory

FORMAT = 1
# An instance that was not there for this long is forgotten. If it comes back, it is left alone until its next edge.
KEPT = timedelta(days=60)
_MOST = 5000
_MOMENTS = ("edge", "attempted_edge", "first_attempt", "last_attempt")


class ScheduleStoreError(JetstreamError):
    """What schedules have done cannot be read or written. Without it, nothing is done."""


class ScheduleBusy(ScheduleStoreError):
    """Another run is carrying out schedules."""


class ScheduleStore:
    """A file of memories by UUID. One run at a time may hold and write it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the file, which is made when it is first written."""
        self.path = path
        self._clock = clock

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the file for a run. Raises ScheduleBusy if another run does, and ScheduleStoreError."""
        try:
            make_folder(self.path.parent, private=True)
            hold = exclusive(self.path, clock=self._clock, longest_wait=0)
            hold.__enter__()
        except TimeoutError:
            raise ScheduleBusy(f"Another run is carrying out the schedules of {self.path}.") from None
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            yield
        finally:
            hold.__exit__(None, None, None)

    def load(self) -> dict[str, Memory]:
        """Return the memories by UUID; none if there is no file yet. Raises ScheduleStoreError."""
        try:
            return read_json(self.path, _memories) or {}
        except OSError as error:
            raise ScheduleStoreError(
                f"What schedules have done, in {self.path}, cannot be read: {error.strerror}."
            ) from None
        except MalformedFile:
            raise ScheduleStoreError(
                f"What schedules have done, in {self.path}, is not as it was written.",
                hint="Mend or remove the file. Without it, every instance is left alone until its next edge.",
            ) from None

    def save(self, memories: Mapping[str, Memory]) -> None:
        """Replace the file. Raises ScheduleStoreError."""
        rows = {uuid: _row(each) for uuid, each in self._recent(memories).items()}
        try:
            write_json(self.path, {"format": FORMAT, "instances": rows})
        except OSError as error:
            raise self._unwritable(error) from None

    def _recent(self, memories: Mapping[str, Memory]) -> dict[str, Memory]:
        oldest = f"{(self._clock.now().astimezone(UTC) - KEPT).date()}"
        kept = sorted((each.seen, uuid) for uuid, each in memories.items() if each.seen >= oldest)
        return {uuid: memories[uuid] for _seen, uuid in kept[-_MOST:]}

    def _unwritable(self, error: OSError) -> ScheduleStoreError:
        return ScheduleStoreError(f"What schedules have done cannot be written to {self.path}: {error.strerror}.")


def seen_on(memory: Memory, now: datetime) -> Memory:
    """Return a memory of an instance that is there now."""
    return replace(memory, seen=f"{now.astimezone(UTC).date()}")


def _memories(record: Mapping[str, Any]) -> dict[str, Memory]:
    if record["format"] != FORMAT:
        raise ValueError("unknown format")
    return {str(uuid): _memory(row) for uuid, row in record["instances"].items()}


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
