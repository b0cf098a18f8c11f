# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the past actions of a policy on instances or allocations in one JSON file, which is replaced as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json

FORMAT = 1
# Entries of things that disappeared this long ago are dropped.
KEPT = timedelta(days=60)
# Seconds to wait for the file to record a delivery: longer than a run takes by default. An unrecorded notice is sent
# again.
LONGEST_WAIT = 960.0
_MOST = 5000


class Seen(Protocol):
    """The memory of an instance or an allocation: a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def seen(self) -> str:
        """The last day on which it existed, such as 2026-11-26."""


MemoryT = TypeVar("MemoryT", bound=Seen)


class InstanceStore(Generic[MemoryT]):
    """A file of memories by UUID or another key. One run at a time may hold and write it.

    Each policy's store names the memories in messages (``subject``), the activity of another run (``busy``, followed by
    the path), the consequence of a missing file (``without``), and its errors. It converts a memory to a row and back.
    ``rows`` is the key of the rows in the file, ``format`` the format number, and ``kept`` the time after which the
    memory of a missing thing is dropped.
    """

    subject: ClassVar[str]
    busy: ClassVar[str]
    without: ClassVar[str]
    error: ClassVar[type[JetstreamError]]
    busy_error: ClassVar[type[JetstreamError]]
    rows: ClassVar[str] = "instances"
    format: ClassVar[int] = FORMAT
    kept: ClassVar[timedelta] = KEPT

    def __init__(self, path: Path, clock: Clock) -> None:
        """Store the path. The first write creates the file."""
        self.path = path
        self._clock = clock

    def to_row(self, memory: MemoryT) -> dict[str, Any]:
        """Return a memory as the file has it."""
        raise NotImplementedError

    def from_row(self, row: Mapping[str, Any]) -> MemoryT:
        """Return the memory of a row. Raises KeyError, TypeError or ValueError for any other row."""
        raise NotImplementedError

    @contextmanager
    def held(self, longest_wait: float = 0.0) -> Iterator[None]:
        """Hold the file. Raises ``busy_error`` if another run holds it longer than ``longest_wait``; ``error``."""
        try:
            make_folder(self.path.parent, private=True)
            hold = exclusive(self.path, clock=self._clock, longest_wait=longest_wait)
            hold.__enter__()
        except TimeoutError:
            raise self.busy_error(f"{self.busy} {self.path}.") from None
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            yield
        finally:
            hold.__exit__(None, None, None)

    def load(self) -> dict[str, MemoryT]:
        """Return the memories by key, none if the file does not exist. Raises ``error``."""
        try:
            return read_json(self.path, self.memories_of) or {}
        except OSError as error:
            raise self.error(f"{self.subject} in {self.path} cannot be read: {error.strerror}.") from None
        except MalformedFile:
            raise self.error(
                f"{self.subject} in {self.path} is corrupt.",
                hint=f"Fix or remove the file. Without it, {self.without}.",
            ) from None

    def save(self, memories: Mapping[str, MemoryT]) -> None:
        """Replace the file. Raises ``error``."""
        rows = {key: self.to_row(each) for key, each in self._recent(memories).items()}
        try:
            write_json(self.path, {"format": self.format, self.rows: rows})
        except OSError as error:
            raise self._unwritable(error) from None

    def update(
        self,
        change: Callable[[Mapping[str, MemoryT]], Mapping[str, MemoryT]],
        *,
        longest_wait: float = LONGEST_WAIT,
        check_mode: bool = False,
    ) -> bool:
        """Replace the memories by what ``change`` returns for them, and return whether that differs.

        In check mode, the file is only read. Raises ``busy_error`` and ``error``.
        """
        if check_mode:
            before = self.load()
            return change(before) != before
        with self.held(longest_wait):
            before = self.load()
            after = change(before)
            if after != before:
                self.save(after)
        return after != before

    def memories_of(self, record: Mapping[str, Any]) -> dict[str, MemoryT]:
        """Return the memories in a file's content. Raises KeyError, TypeError, AttributeError or ValueError."""
        if record["format"] != self.format:
            raise ValueError("unknown format")
        return {str(key): self.from_row(row) for key, row in record[self.rows].items()}

    def _recent(self, memories: Mapping[str, MemoryT]) -> dict[str, MemoryT]:
        oldest = day_of(self._clock.now().astimezone(UTC) - self.kept)
        kept = sorted((each.seen, uuid) for uuid, each in memories.items() if each.seen >= oldest)
        return {uuid: memories[uuid] for _seen, uuid in kept[-_MOST:]}

    def _unwritable(self, error: OSError) -> JetstreamError:
        return self.error(f"{self.subject} cannot be written to {self.path}: {error.strerror}.")


def seen_on(memory: MemoryT, now: datetime) -> MemoryT:
    """Return the memory, marked as seen today."""
    return replace(memory, seen=day_of(now))


def day_of(at: datetime) -> str:
    """Return the UTC day of a moment."""
    return f"{at.astimezone(UTC).date()}"
