# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep marks: the time from which and until which an instance is not to be shelved, whatever its verdict.

An owner sets one in the metadata of the instance, where the cloud has metadata, or in a file on the controller. A mark
that cannot be understood keeps the instance: somebody wanted something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import ConfigurationError, JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json
from ..times import iso, moment

METADATA_KEY = "jetstream_keep_until"
FROM_KEY = "jetstream_keep_from"
FORMAT = 1
_LONGEST_SHOWN = 40
# In the place of the end that a mark with a beginning alone does not have.
_NO_END = "it has no end"


class KeepFileError(JetstreamError):
    """The file of keep marks cannot be read or written."""


@dataclass(frozen=True, slots=True)
class KeepMark:
    """A mark: ``until`` is None if its end cannot be read, and ``text`` is the raw value of that.

    ``source``: ``metadata`` or ``file``. ``since`` is None for a mark that has no beginning, or an unreadable one: then
    it holds at once. ``unread``: the raw value that is no time, "" if there is none.
    """

    until: datetime | None
    source: str
    text: str
    since: datetime | None = None
    unread: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether the instance is to be kept at that time."""
        return (self.since is None or self.since <= now) and not self.has_ended(now)

    def has_ended(self, now: datetime) -> bool:
        """Whether it is over. One that has not begun is not."""
        return self.until is not None and self.until <= now

    def end(self) -> datetime:
        """Return the end, for comparison: an unreadable mark has none, and ends after all others."""
        return self.until or datetime.max.replace(tzinfo=UTC)

    def to_result(self, now: datetime) -> dict[str, Any]:
        """Return plain values, as a module returns them."""
        since, until = (None if each is None else iso(each) for each in (self.since, self.until))
        return {"from": since, "until": until, "source": self.source, "text": self.text, "holds": self.holds(now)}


def moment_of(text: str, zone: tzinfo = UTC, *, ends_day: bool = True) -> datetime:
    """Return the time of a text: ISO 8601, in ``zone`` if it names none.

    A date alone is its end, or its beginning without ``ends_day``. Raises ConfigurationError.
    """
    text = text.strip()
    try:
        read = moment(text, zone)
        # A day "until" which something is kept is part of that time.
        if ends_day and len(text) <= len("2026-11-25") and read.time() == read.min.time():
            read = read.replace(hour=23, minute=59, second=59)
        return read.astimezone(UTC)
    except (ValueError, OverflowError):
        shown = text[:_LONGEST_SHOWN]
        raise ConfigurationError(
            f"{shown!r} is not a time.", hint="Write 2026-12-24, 2026-12-24T18:00 (UTC) or 2026-12-24T18:00-05:00."
        ) from None


def mark_of(text: str, source: str, begin: str | None = None) -> KeepMark:
    """Return the mark that a text is. ``begin`` is the text of its beginning, None if it has none."""
    until = _moment_or_none(text)
    since = None if begin is None else _moment_or_none(begin, ends_day=False)
    unread = (text or "nothing") if until is None else begin if begin is not None and since is None else ""
    return KeepMark(until, source, text[:_LONGEST_SHOWN], since, unread[:_LONGEST_SHOWN])


def _moment_or_none(text: str, *, ends_day: bool = True) -> datetime | None:
    try:
        return moment_of(text, ends_day=ends_day)
    except ConfigurationError:
        return None


def mark_of_metadata(metadata: Mapping[str, str] | None) -> KeepMark | None:
    """Return the mark in the metadata of an instance. A beginning alone is a mark whose end cannot be read."""
    written = metadata or {}
    if METADATA_KEY in written:
        return mark_of(written[METADATA_KEY], "metadata", written.get(FROM_KEY))
    return mark_of(_NO_END, "metadata", written[FROM_KEY]) if FROM_KEY in written else None


def mark_of_instance(
    uuid: str, metadata: Mapping[str, str] | None, kept: Mapping[str, KeepMark], now: datetime
) -> KeepMark | None:
    """Return the mark of an instance that counts: of those that hold at that time, or else of all, the last to end.

    ``kept`` are those of the file, by UUID.
    """
    marks = [each for each in (mark_of_metadata(metadata), kept.get(uuid)) if each is not None]
    return max(marks, key=lambda each: (each.holds(now), each.end()), default=None)


class KeepFile:
    """A file of marks, JSON that people can read. Several programs may use it at once."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the file, which is made with its first mark."""
        self.path = path
        self._clock = clock

    def marks(self) -> dict[str, KeepMark]:
        """Return the marks by UUID. Raises KeepFileError: no mark is taken for not being there."""
        return {uuid: _mark_of_row(row) for uuid, row in self._rows().items()}

    def keep(
        self, uuid: str, name: str, until: datetime, since: datetime | None = None, *, check_mode: bool = False
    ) -> bool:
        """Keep an instance until a time, and from a time on. Returns whether that changed anything.

        Raises KeepFileError.
        """
        row = {"name": name, "until": iso(until)} | ({} if since is None else {"from": iso(since)})
        return self._change(lambda rows: rows | {uuid: row}, check_mode=check_mode)

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
        kept = {uuid: row for uuid, row in rows.items() if not _mark_of_row(row).has_ended(now)}
        write_json(self.path, {"format": FORMAT, "keep": kept}, indent=2)

    def _rows(self) -> dict[str, Any]:
        try:
            return read_json(self.path, _rows_of) or {}
        except OSError as error:
            raise KeepFileError(f"The keep marks in {self.path} cannot be read: {error.strerror}.") from None
        except MalformedFile:
            raise KeepFileError(f"The keep marks in {self.path} are corrupt.", hint="Fix or remove the file.") from None


def _mark_of_row(row: Mapping[str, Any]) -> KeepMark:
    return mark_of(str(row["until"]), "file", str(row["from"]) if "from" in row else None)


def _rows_of(record: Mapping[str, Any]) -> dict[str, Any]:
    if record["format"] != FORMAT or not all("until" in row for row in record["keep"].values()):
        raise ValueError("unknown format")
    return dict(record["keep"])
