# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records which instances jetstream_instance_state has put to sleep, so that a later run can start only those."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json

FORMAT = 1
KEPT = timedelta(days=400)
_MOST = 10_000


class SleepersError(JetstreamError):
    """The record of instances put to sleep cannot be read or written."""


class Sleepers:
    """A file with the UUIDs of instances, and the day on which each was put to sleep. Several programs may use it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the file, which is made when it is first written."""
        self.path = path
        self._clock = clock

    def uuids(self) -> frozenset[str]:
        """Return the instances that were put to sleep, and not started since. Raises SleepersError."""
        return frozenset(self._days())

    def change(self, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Record that instances were put to sleep, or are active. Raises SleepersError."""
        today = self._clock.now().astimezone(UTC).date()
        added, removed = dict.fromkeys(add, f"{today}"), frozenset(remove)
        if not added and not (removed and self._days().keys() & removed):
            return
        try:
            make_folder(self.path.parent, private=True)
            with exclusive(self.path, clock=self._clock):
                days = {uuid: day for uuid, day in self._days().items() if uuid not in removed} | added
                recent = sorted((day, uuid) for uuid, day in days.items() if day >= f"{today - KEPT}")[-_MOST:]
                record = {"format": FORMAT, "put_to_sleep": {uuid: day for day, uuid in recent}}
                write_json(self.path, record)
        except OSError as error:
            raise SleepersError(
                f"The record of instances put to sleep cannot be stored in {self.path}: {error.strerror}."
            ) from None

    def _days(self) -> dict[str, str]:
        try:
            return read_json(self.path, _days_of) or {}
        except OSError as error:
            raise SleepersError(
                f"The record of instances put to sleep in {self.path} cannot be read: {error.strerror}."
            ) from None
        except MalformedFile:
            raise SleepersError(
                f"The record of instances put to sleep in {self.path} is corrupt.", hint="Fix or remove the file."
            ) from None


def _days_of(record: Mapping[str, Any]) -> dict[str, str]:
    if record["format"] != FORMAT:
        raise ValueError("unknown format")
    return {str(uuid): str(day) for uuid, day in record["put_to_sleep"].items()}
