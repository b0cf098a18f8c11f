# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the memory of an event source in one JSON file, which the source holds while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json
from .memory import Memory, from_record, to_record

# A restarted source waits for its predecessor to end.
_LONGEST_WAIT = 30.0


class MemoryFileError(JetstreamError):
    """The memory of an event source cannot be read or written, or another source holds it."""


class EventMemoryFile:
    """The file with a source's memory. The first write creates it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Store the path."""
        self.path = path
        self._clock = clock

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the file exclusively. Raises MemoryFileError."""
        try:
            make_folder(self.path.parent, private=True)
            hold = exclusive(self.path, clock=self._clock, longest_wait=_LONGEST_WAIT)
            hold.__enter__()
        except TimeoutError:
            raise MemoryFileError(
                f"Another event source uses {self.path}.", hint="Set a different state_path for each source."
            ) from None
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            yield
        finally:
            hold.__exit__(None, None, None)

    def load(self) -> Memory:
        """Return the memory, empty without a file. Raises MemoryFileError."""
        try:
            return read_json(self.path, from_record) or Memory()
        except OSError as error:
            raise MemoryFileError(f"The record of events in {self.path} cannot be read: {error.strerror}.") from None
        except MalformedFile:
            raise MemoryFileError(
                f"The record of events in {self.path} is corrupt.",
                hint="Remove the file. The next poll then counts as the first one, and emits no events.",
            ) from None

    def save(self, memory: Memory) -> None:
        """Replace the file. Raises MemoryFileError."""
        try:
            write_json(self.path, to_record(memory), indent=None)
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> MemoryFileError:
        return MemoryFileError(f"The record of events cannot be stored in {self.path}: {error.strerror}.")
