# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the memory of idle rules in ``notices.json``: replaced as a whole, owner-only, and bounded.

An unreadable file counts as empty. That only repeats notices, and leads to no action.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json
from .memory import Remembered, remembered_of

FORMAT = 1
KEPT_UNSEEN = 30 * 86_400.0
MOST_INSTANCES = 5_000
_NAME = "notices.json"

Key = tuple[str, str, str]


class MemoryFileError(JetstreamError):
    """The notices cannot be written."""


@dataclass(slots=True)
class Memory:
    """The memory of each instance, and the time of the first reading of each project.

    ``was_unreadable``: whether a file existed that could not be read.
    """

    instances: dict[Key, Remembered] = field(default_factory=dict)
    first_readings: dict[str, float] = field(default_factory=dict)
    was_unreadable: bool = False

    def of(self, key: Key) -> Remembered:
        """Return the memory of an instance."""
        return self.instances.get(key) or Remembered()


class MemoryFile:
    """A folder with the file. Several programs may use it at once."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Store the folder. The first write creates it."""
        self.path = folder / _NAME
        self._clock = clock

    def read(self) -> Memory:
        """Return the memory, read-only."""
        try:
            memory = read_json(self.path, _memory_of) or Memory()
        except (OSError, MalformedFile):
            return Memory(was_unreadable=True)
        now = self._clock.now().timestamp()
        memory.instances = {key: each.without_future(now) for key, each in memory.instances.items()}
        return memory

    @contextmanager
    def changing(self) -> Iterator[Memory]:
        """Hold the file, and write the changes at the end, unless an exception ended the block.

        Raises MemoryFileError if the file cannot be held or written. Must not be nested.
        """
        try:
            make_folder(self.path.parent, private=True)
            with exclusive(self.path, clock=self._clock):
                memory = self.read()
                yield memory
                self._write(memory)
        except OSError as error:
            raise MemoryFileError(f"The notices in {self.path} cannot be written: {error.strerror}.") from None

    def _write(self, memory: Memory) -> None:
        oldest = self._clock.now().timestamp() - KEPT_UNSEEN
        kept = sorted(memory.instances.items(), key=lambda each: -each[1].seen)[:MOST_INSTANCES]
        record = {
            "format": FORMAT,
            "first_readings": memory.first_readings,
            "instances": [
                {"site": site, "project": project, "uuid": uuid, **remembered.to_json()}
                for (site, project, uuid), remembered in kept
                if remembered.seen > oldest
            ],
        }
        write_json(self.path, record, sort_keys=False)


def _memory_of(record: Mapping[str, Any]) -> Memory:
    if record["format"] != FORMAT:
        raise ValueError("unknown format")
    instances = {
        (str(each["site"]), str(each["project"]), str(each["uuid"])): remembered_of(each)
        for each in record["instances"]
    }
    first = {str(project): float(at) for project, at in record["first_readings"].items()}
    return Memory(instances, first)
