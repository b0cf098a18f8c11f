# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores what was told and done about the deadlines of each instance, in one file of JSON that is replaced whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json
from ..times import iso, moment
from .deadlines import ChannelTold, Kind, Memory, Told

FORMAT = 1
# An instance that was not there for this long is forgotten. A deadline is told for a week, and is acted on soon after.
KEPT = timedelta(days=60)
_MOST = 5000
_MOST_CHANNELS = 10
# Seconds for which the record of a delivery waits for a run that uses the file.
LONGEST_WAIT = 60.0


class DeadlineStoreError(JetstreamError):
    """What was told and done about deadlines cannot be read or written. Without it, nothing is done."""


class DeadlineBusy(DeadlineStoreError):
    """Another run uses the file."""


class DeadlineStore:
    """A file of memories by UUID. One run at a time may hold and write it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the file, which is made when it is first written."""
        self.path = path
        self._clock = clock

    @contextmanager
    def held(self, longest_wait: float = 0.0) -> Iterator[None]:
        """Hold the file. Raises DeadlineBusy if another run does for all that time, and DeadlineStoreError."""
        try:
            make_folder(self.path.parent, private=True)
            hold = exclusive(self.path, clock=self._clock, longest_wait=longest_wait)
            hold.__enter__()
        except TimeoutError:
            raise DeadlineBusy(f"Another run is at the deadlines of {self.path}.") from None
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            yield
        finally:
            hold.__exit__(None, None, None)

    def load(self) -> dict[str, Memory]:
        """Return the memories by UUID; none if there is no file yet. Raises DeadlineStoreError."""
        try:
            return read_json(self.path, _memories) or {}
        except OSError as error:
            raise DeadlineStoreError(
                f"What was told of deadlines, in {self.path}, cannot be read: {error.strerror}."
            ) from None
        except MalformedFile:
            raise DeadlineStoreError(
                f"What was told of deadlines, in {self.path}, is not as it was written.",
                hint="Mend or remove the file. Without it, every deadline is told again before it is acted on.",
            ) from None

    def save(self, memories: Mapping[str, Memory]) -> None:
        """Replace the file. Raises DeadlineStoreError."""
        rows = {uuid: _row(each) for uuid, each in self._recent(memories).items()}
        try:
            write_json(self.path, {"format": FORMAT, "instances": rows})
        except OSError as error:
            raise self._unwritable(error) from None

    def _recent(self, memories: Mapping[str, Memory]) -> dict[str, Memory]:
        oldest = f"{(self._clock.now().astimezone(UTC) - KEPT).date()}"
        kept = sorted((each.seen, uuid) for uuid, each in memories.items() if each.seen >= oldest)
        return {uuid: memories[uuid] for _seen, uuid in kept[-_MOST:]}

    def _unwritable(self, error: OSError) -> DeadlineStoreError:
        return DeadlineStoreError(f"What was told of deadlines cannot be written to {self.path}: {error.strerror}.")


def seen_on(memory: Memory, now: datetime) -> Memory:
    """Return a memory of an instance that is there now."""
    return replace(memory, seen=f"{now.astimezone(UTC).date()}")


def _memories(record: Mapping[str, Any]) -> dict[str, Memory]:
    if record["format"] != FORMAT:
        raise ValueError("unknown format")
    return {str(uuid): _memory(row) for uuid, row in record["instances"].items()}


def _row(memory: Memory) -> dict[str, Any]:
    told = {
        kind.value: {
            "at": iso(each.at),
            "channels": {
                name: {"days": of.days, "first": iso(of.first)}
                for name, of in sorted(each.channels.items())[:_MOST_CHANNELS]
            },
        }
        for kind, each in memory.told.items()
    }
    row: dict[str, Any] = {"seen": memory.seen, "told": told, "attempts": memory.attempts, "noted": memory.noted}
    row["done"] = None if memory.done is None else iso(memory.done)
    return {name: value for name, value in row.items() if value}


def _memory(row: Mapping[str, Any]) -> Memory:
    return Memory(
        told={Kind(kind): _told(each) for kind, each in row.get("told", {}).items()},
        done=moment(row["done"]) if "done" in row else None,
        attempts=int(row.get("attempts", 0)),
        noted=str(row.get("noted", "")),
        seen=str(row["seen"]),
    )


def _told(row: Mapping[str, Any]) -> Told:
    channels = {str(name): ChannelTold(int(of["days"]), moment(of["first"])) for name, of in row["channels"].items()}
    return Told(moment(row["at"]), channels)
