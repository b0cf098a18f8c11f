# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the reported thresholds of each allocation, in one file of JSON that is replaced as a whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json

FORMAT = 1
_MOST_ALLOCATIONS = 1000
_MOST_THRESHOLDS = 50


class ToldError(JetstreamError):
    """The record of notices cannot be read or written."""


class ToldThresholds:
    """A file with the reported thresholds by allocation. Several programs may use it at the same time."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the file, which is made when it is first written."""
        self.path = path
        self._clock = clock

    def read(self) -> dict[str, list[str]]:
        """Return the thresholds by allocation. Raises ToldError."""
        try:
            return read_json(self.path, _told) or {}
        except OSError as error:
            raise ToldError(f"The record of notices in {self.path} cannot be read: {error.strerror}.") from None
        except MalformedFile:
            raise ToldError(
                f"The record of notices in {self.path} is corrupt.",
                hint="Fix or remove the file. Without it, every threshold is reported again.",
            ) from None

    def store(self, told: Mapping[str, Collection[str]], *, check_mode: bool = False) -> bool:
        """Replace the record of these allocations. Returns whether that changed anything. Raises ToldError."""
        given = {str(key): sorted(str(each) for each in levels)[:_MOST_THRESHOLDS] for key, levels in told.items()}
        if check_mode:
            return self._merged(given) != self.read()
        try:
            make_folder(self.path.parent, private=True)
            with exclusive(self.path, clock=self._clock):
                after = self._merged(given)
                if after == self.read():
                    return False
                write_json(self.path, {"format": FORMAT, "told": after})
        except OSError as error:
            raise ToldError(f"The record of notices cannot be stored in {self.path}: {error.strerror}.") from None
        return True

    def _merged(self, given: Mapping[str, list[str]]) -> dict[str, list[str]]:
        merged = {key: levels for key, levels in {**self.read(), **given}.items() if levels}
        return dict(list(merged.items())[-_MOST_ALLOCATIONS:])


def _told(record: Mapping[str, Any]) -> dict[str, list[str]]:
    if record["format"] != FORMAT:
        raise ValueError("unknown format")
    return {str(key): sorted(str(each) for each in levels) for key, levels in record["told"].items()}
