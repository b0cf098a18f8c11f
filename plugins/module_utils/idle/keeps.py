# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep marks: the time until which an instance is not to be shelved, whatever its verdict.

An owner sets one in the metadata of the instance, where the cloud has metadata, or in a file on the controller. A mark
that cannot be understood keeps the instance: somebody wanted something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import ConfigurationError, JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json
from ..times import iso, moment

METADATA_KEY = "jetstream_keep_until"
FORMAT = 1
_LONGEST_SHOWN = 40


class KeepFileError(JetstreamError):
    """The file of keep marks cannot be read or written."""


@dataclass(frozen=True, slots=True)
class KeepMark:
    """A mark: ``until`` is None for an unreadable one, and ``text`` is its raw value.

    ``source``: ``metadata`` or ``file``.
    """

    until: datetime | None
    source: str
    text: str

    def holds(self, now: datetime) -> bool:
        """Whether the instance is to be kept at that time."""
        return self.until is None or now < self.until

    def end(self) -> datetime:
        """Return the end, for comparison: an unreadable mark has none, and ends after all others."""
        return self.until or datetime.max.replace(tzinfo=UTC)

    def to_result(self, now: datetime) -> dict[str, Any]:
        """Return plain values, as a module returns them."""
        until = None if self.until is None else iso(self.until)
        return {"until": until, "source": self.source, "text": self.text, "holds": self.holds(now)}


def moment_of(text: str) -> datetime:
    """Return the time of a text: ISO 8601, in UTC if it names no zone. A date alone is its end.

    Raises ConfigurationError.
    """
    text = text.strip()
    try:
        read = moment(text)
        # A day "until" which something is kept is part of that time.
        if len(text) <= len("2026-11-25") and read.time() == read.min.time():
            read = read.replace(hour=23, minute=59, second=59)
        return read.astimezone(UTC)
    except (ValueError, OverflowError):
        shown = text[:_LONGEST_SHOWN]
        raise ConfigurationError(
            f"{shown!r} is no time.", hint="Write 2026-12-24, 2026-12-24T18:00 (UTC) or 2026-12-24T18:00-05:00."
        ) from None


def mark_of(text: str, source: str) -> KeepMark:
    """Return the mark that a text is."""
    try:
        return KeepMark(moment_of(text), source, text[:_LONGEST_SHOWN])
    except ConfigurationError:
        return KeepMark(None, source, text[:_LONGEST_SHOWN])


def mark_of_instance(uuid: str, metadata: Mapping[str, str] | None, kept: Mapping[str, KeepMark]) -> KeepMark | None:
    """Return the mark that holds an instance the longest. ``kept`` are those of the file, by UUID."""
    written = (metadata or {}).get(METADATA_KEY)
    marks = [mark_of(written, "metadata")] if written is not None else []
    marks += [kept[uuid]] if uuid in kept else []
    return max(marks, key=KeepMark.end, default=None)


class KeepFile:
    """A file of marks, JSON that people can read. Several programs may use it at once."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the file, which is made with its first mark."""
        self.path = path
        self._clock = clock

    def marks(self) -> dict[str, KeepMark]:
        """Return the marks by UUID. Raises KeepFileError: no mark is taken for not being there."""
        return {uuid: mark_of(str(row["until"]), "file") for uuid, row in self._rows().items()}

    def keep(self, uuid: str, name: str, until: datetime, *, check_mode: bool = False) -> bool:
        """Keep an instance until a time. Returns whether that changed anything. Raises KeepFileError."""
        return self._change(lambda rows: rows | {uuid: {"name": name, "until": iso(until)}}, check_mode=check_mode)

    def release(self, uuid: str, *, check_mode: bool = False) -> bool:
        """Take the mark of an instance away. Returns whether there was one. Raises KeepFileError."""
        return self._change(lambda rows: {key: row for key, row in rows.items() if key != uuid}, check_mode=check_mode)

    def _change(self, change: Callable[[dict[str, Any]], dict[str, Any]], *, check_mode: bool) -> bool:
        if check_mode:
            before = self._rows()
            return change(before) != before
        try:
            make_folder(self.path.parent)
            with exclusive(self.path, clock=self._clock):
                before = self._rows()
                after = change(before)
                if after != before:
                    self._write(after)
        except OSError as error:
            raise KeepFileError(f"The keep marks in {self.path} cannot be written: {error.strerror}.") from None
        return after != before

    def _write(self, rows: Mapping[str, Any]) -> None:
        """Write the marks without those that have ended."""
        now = self._clock.now()
        kept = {uuid: row for uuid, row in rows.items() if mark_of(str(row["until"]), "file").holds(now)}
        write_json(self.path, {"format": FORMAT, "keep": kept}, indent=2)

    def _rows(self) -> dict[str, Any]:
        try:
            return read_json(self.path, _rows_of) or {}
        except OSError as error:
            raise KeepFileError(f"The keep marks in {self.path} cannot be read: {error.strerror}.") from None
        except MalformedFile:
            raise KeepFileError(
                f"The keep marks in {self.path} are not as they were written.", hint="Mend or remove the file."
            ) from None


def _rows_of(record: Mapping[str, Any]) -> dict[str, Any]:
    if record["format"] != FORMAT or not all("until" in row for row in record["keep"].values()):
        raise ValueError("unknown format")
    return dict(record["keep"])
