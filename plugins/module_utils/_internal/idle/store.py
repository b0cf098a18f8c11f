# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings, kept on the controller: one file for each instance, replaced whole, and never longer than it may be.

A file has the newest reading, from which the next interval is computed, the intervals of two days, hourly figures of
thirty, and the last try to take a reading if it failed. An hour has the greatest of each number, so that every rule can
be applied to it with any settings, and the seconds of which nothing is known. Of connections a file knows ports and
bytes, but no address, and of processes how many there were of a kind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..clock import Clock
from ..errors import JetstreamError
from ..files import (
    PRIVATE_FILE,
    TEMPORARY_PREFIX,
    exclusive,
    make_folder,
    remove_lock,
    replace_file,
)
from ..json_file import MalformedFile, read_json
from ..model import Instance
from . import intervals, readings
from .failed_try import FailedTry
from .intervals import HOUR, Interval, hourly
from .readings import Reading

FORMAT = 2
# Hours of format 1 do not have the seconds of which nothing is known. Everything else is the same.
_READABLE_FORMATS = (1, FORMAT)
DAY = 24 * HOUR
KEPT_IN_FULL = 2 * DAY
KEPT_BY_HOUR = 30 * DAY
# Two days of readings every five minutes. More frequent readings are kept for a shorter time.
_MOST_INTERVALS = 600
_MOST_HOURS = 24 * 30 * 2
# One run removes no more files than that. The others are removed by later ones.
_MOST_PRUNED = 1000
_PRUNED = ".pruned"
_SUFFIX = ".json"
_LONGEST_NAME = 150


class StoreError(JetstreamError):
    """Readings cannot be kept, or those that are kept cannot be read."""


@dataclass(frozen=True, slots=True)
class Key:
    """Which instance: the site (or its region), the project, and the instance's UUID."""

    site: str
    project: str
    uuid: str


def key_of(instance: Instance) -> Key:
    """Return the key of an instance."""
    return key_of_row(instance.to_result())


def key_of_row(row: Mapping[str, Any]) -> Key:
    """Return the key of an instance, as a module returns it.

    One that is in no project is kept with the account that reaches it.
    """
    return Key(row["provider"]["uuid"], (row["project"] or row["identity"])["uuid"], row["uuid"])


@dataclass(frozen=True, slots=True)
class History:
    """What is known of an instance. ``hours`` end where ``recent`` begin; both are oldest first.

    ``failed``: the last try to take a reading, if it failed, and none was taken since.
    """

    last: Reading | None = None
    recent: tuple[Interval, ...] = ()
    hours: tuple[Interval, ...] = ()
    failed: FailedTry | None = None

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """Return all that is known, oldest first."""
        return self.hours + self.recent

    def with_reading(self, reading: Reading) -> History:
        """Return the history with one more reading. One that is not newer than the last changes nothing."""
        if self.last is not None and reading.taken <= self.last.taken:
            return replace(self, failed=None)
        longer = replace(self, last=reading, recent=(*self.recent, intervals.since(self.last, reading)), failed=None)
        return longer.bounded(reading.taken)

    def with_failed_try(self, failed: FailedTry) -> History:
        """Return the history with a try that failed. It grows old all the same."""
        bounded = self.bounded(failed.at)
        is_old = self.last is not None and self.last.taken <= failed.at - KEPT_BY_HOUR
        return replace(bounded, last=None if is_old else self.last, failed=failed)

    def bounded(self, now: float) -> History:
        """Return the history without old readings, and with hourly figures of those older than two days."""
        keep = [each for each in self.recent if each.end > now - KEPT_IN_FULL][-_MOST_INTERVALS:]
        old = self.recent[: len(self.recent) - len(keep)]
        hours = hourly([*self.hours, *old])
        kept = [each for each in hours if each.end > now - KEPT_BY_HOUR][-_MOST_HOURS:]
        return History(self.last, tuple(keep), tuple(kept), self.failed)


class Store:
    """A folder of readings. Several programs may use it at once."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Take the folder, which is made when something is kept."""
        self._folder = folder
        self._clock = clock

    def path(self, key: Key) -> Path:
        """Return the file of an instance."""
        return self._folder.joinpath(
            *(_file_name(part) for part in (key.site, key.project)), _file_name(key.uuid) + _SUFFIX
        )

    def load(self, key: Key) -> History:
        """Return the history of an instance, an empty one if there is none.

        Raises StoreError if there is a file that cannot be read.
        """
        path = self.path(key)
        try:
            return read_json(path, _history) or History()
        except OSError as error:
            raise StoreError(f"The readings in {path} cannot be read: {error.strerror}.") from None
        except MalformedFile:
            raise StoreError(f"The readings in {path} are corrupt.", hint="Remove the file.") from None

    def add(self, key: Key, reading: Reading) -> History:
        """Store a reading, and return the history with it. An unreadable file is replaced.

        Raises StoreError if it cannot be kept.
        """
        return self._change(key, lambda before: before.with_reading(reading))

    def add_failed_try(self, key: Key, failed: FailedTry) -> None:
        """Store that no reading could be taken.

        Raises StoreError if it cannot be kept, or if there is an unreadable file, which stays as it is.
        """
        self._change(key, lambda before: before.with_failed_try(failed), replaces_unreadable=False)

    def _change(self, key: Key, change: Callable[[History], History], *, replaces_unreadable: bool = True) -> History:
        path = self.path(key)
        try:
            make_folder(path.parent, private=True)
            with exclusive(path, clock=self._clock):
                try:
                    before = self.load(key)
                except StoreError:
                    if not replaces_unreadable:
                        raise
                    # What is lost is evidence of idleness, which another window brings again.
                    before = History()
                history = change(before)
                replace_file(path, json.dumps(_record(history)).encode(), mode=PRIVATE_FILE)
        except OSError as error:
            raise StoreError(f"The readings in {path} cannot be written: {error.strerror}.") from None
        return history

    def prune(self) -> int:
        """Remove the files of instances that were not read for thirty days. Returns how many.

        May run beside other programs that add or prune. An error of one file leaves the others, and none is raised.
        """
        removed = 0
        for path in self._files(f"*/*/*{_SUFFIX}", KEPT_BY_HOUR):
            with suppress(OSError), exclusive(path, clock=self._clock, longest_wait=0.0):
                # Another program may have taken a reading since then, or have removed the file.
                if self._is_older(path, KEPT_BY_HOUR):
                    removed += path.exists()
                    path.unlink(missing_ok=True)
                    remove_lock(path)
        # They are left where a process was killed while it wrote.
        for path in self._files(f"*/*/{TEMPORARY_PREFIX}*", DAY):
            with suppress(OSError):
                path.unlink()
        return removed

    def prune_daily(self) -> int:
        """Prune, if no run did so within a day. Returns how many files were removed. Raises no error."""
        stamp = self._folder / _PRUNED
        if not self._is_older(stamp, DAY):
            return 0
        with suppress(OSError), exclusive(stamp, clock=self._clock, longest_wait=0.0):
            # Written first, so that a failure is not repeated with each reading.
            replace_file(stamp, b"", mode=PRIVATE_FILE)
            return self.prune()
        return 0

    def _files(self, pattern: str, age: float) -> list[Path]:
        """Return the files that were not written for so long, at most as many as one run removes."""
        old = (path for path in self._folder.glob(pattern) if self._is_older(path, age, missing=False))
        return list(islice(old, _MOST_PRUNED))

    def _is_older(self, path: Path, age: float, *, missing: bool = True) -> bool:
        """Whether a file was not written for so long. ``missing``: what is returned if it is not there."""
        try:
            written = path.stat().st_mtime
        except OSError:
            return missing
        return self._clock.now().timestamp() - written > age


def _file_name(part: str) -> str:
    """Return a part of a key as the name of a file, unique and inside its folder for any text."""
    name = quote(part, safe="")
    if len(name) > _LONGEST_NAME:
        return f"{name[: _LONGEST_NAME // 2]}-{hashlib.sha256(part.encode()).hexdigest()}"
    return name if name.strip(".") else f"%{name}"


def _record(history: History) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "last": None if history.last is None else readings.to_record(history.last),
        "recent": [intervals.to_record(each) for each in history.recent],
        "hours": [intervals.to_record(each) for each in history.hours],
        "failed": None if history.failed is None else history.failed.to_record(),
    }


def _history(record: Mapping[str, Any]) -> History:
    if record["format"] not in _READABLE_FORMATS:
        raise ValueError("unknown format")
    # Files of before have no failed try.
    last, failed = record["last"], record.get("failed")
    return History(
        None if last is None else readings.from_record(last),
        _intervals(record["recent"]),
        _intervals(record["hours"]),
        None if failed is None else FailedTry.from_record(failed),
    )


def _intervals(records: Sequence[Mapping[str, Any]]) -> tuple[Interval, ...]:
    return tuple(intervals.from_record(each) for each in records)
