# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of decisions: a line of JSON for each decision of each run, and for each event that follows from one.

Decisions are in ``decisions.jsonl``. Events (notices, acts, their outcomes) are in ``events.jsonl``, so that many
decisions to do nothing do not push them out. Both are for their owner alone, and bounded: a file that would exceed its
limit is renamed to ``NAME.1``, that one to ``NAME.2``, and so on, and the last one is removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..clock import Clock
from ..errors import JetstreamError
from ..files import append_file, exclusive, make_folder, read_file
from ..json_file import UNPARSABLE
from .records import Event, Record, record_of

# A decision is a line of 500 to 750 bytes. So the four files hold three weeks of 25 instances, or five days of 100.
DECISIONS_BYTES = 8_000_000
DECISIONS_FILES = 4
EVENTS_BYTES = 4_000_000
EVENTS_FILES = 2
_LONGEST_LINE = 100_000


class DecisionLogError(JetstreamError):
    """The log of decisions cannot be written or read."""


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    most_bytes: int
    files: int


_DECISIONS = _File("decisions.jsonl", DECISIONS_BYTES, DECISIONS_FILES)
_EVENTS = _File("events.jsonl", EVENTS_BYTES, EVENTS_FILES)


@dataclass(frozen=True, slots=True)
class Reading:
    """Records, oldest first, and how many lines could not be read, such as one that a killed process cut."""

    records: tuple[Record, ...]
    unreadable: int


class DecisionLog:
    """A folder with the log. Several programs may use it at once."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Take the folder, which is made with its first record."""
        self.folder = folder
        self._clock = clock

    def write(self, records: Sequence[Record]) -> None:
        """Append records, each as a whole line, on disk when this returns. Raises DecisionLogError."""
        self._append(_EVENTS, [each for each in records if each.event is not Event.DECIDED])
        self._append(_DECISIONS, [each for each in records if each.event is Event.DECIDED])

    def read(self, since: datetime | None = None) -> Reading:
        """Return the records, those of ``since`` and later if it is given. Raises DecisionLogError."""
        lines = [*self._lines(_DECISIONS), *self._lines(_EVENTS)]
        parsed = [_parsed(line) for line in lines]
        records = [each for each in parsed if each is not None]
        # Decisions come first: what was decided at a moment comes before the event that followed from it.
        chosen = sorted((each for each in records if since is None or each.at >= since), key=lambda each: each.at)
        return Reading(tuple(chosen), len(parsed) - len(records))

    def _append(self, file: _File, records: Iterable[Record]) -> None:
        content = "".join(f"{json.dumps(each.to_json(), separators=(',', ':'))}\n" for each in records).encode()
        if not content:
            return
        path = self.folder / file.name
        try:
            make_folder(self.folder, private=True)
            with exclusive(path, clock=self._clock):
                if _size(path) + len(content) > file.most_bytes:
                    _rotate(path, file.files)
                append_file(path, content)
        except OSError as error:
            raise DecisionLogError(f"The log of decisions {path} cannot be written: {error.strerror}.") from None

    def _lines(self, file: _File) -> Iterator[bytes]:
        path = self.folder / file.name
        try:
            # Held, since a file that is renamed meanwhile would be read twice, or not at all.
            with exclusive(path, clock=self._clock):
                contents = [_content(each) for each in reversed(_generations(path, file.files))]
        except FileNotFoundError:
            return
        except OSError as error:
            raise DecisionLogError(f"The log of decisions {path} cannot be read: {error.strerror}.") from None
        for content in contents:
            yield from content.splitlines()


def _parsed(line: bytes) -> Record | None:
    if len(line) > _LONGEST_LINE:
        return None
    try:
        return record_of(json.loads(line))
    except UNPARSABLE:
        return None


def _generations(path: Path, files: int) -> list[Path]:
    """Return the files of a log, latest first."""
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, files))]


def _rotate(path: Path, files: int) -> None:
    generations = _generations(path, files)
    for older, newer in zip(reversed(generations), reversed(generations[:-1]), strict=False):
        with suppress(FileNotFoundError):
            newer.replace(older)


def _content(path: Path) -> bytes:
    try:
        return read_file(path)
    except FileNotFoundError:
        return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
