# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the last success of each playbook in one JSON file, which is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json
from ..times import iso, moment

FORMAT = 1
# Seconds that a record waits for another one. Each takes milliseconds.
_LONGEST_WAIT = 10.0
_MOST = 500

# The profile and the playbook.
Key = tuple[str, str]


class RunStoreError(JetstreamError):
    """The record of playbook successes cannot be read or written."""


class RunStore:
    """A file with the time of each playbook's last success. Several programs may use it at once."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Store the path. The first write creates the file."""
        self.path = path
        self._clock = clock

    def load(self) -> dict[Key, datetime]:
        """Return the time of each playbook's last success, none without a file. Raises RunStoreError."""
        try:
            return read_json(self.path, _runs) or {}
        except OSError as error:
            raise RunStoreError(f"The record of runs in {self.path} cannot be read: {error.strerror}.") from None
        except MalformedFile:
            raise RunStoreError(f"The record of runs in {self.path} is corrupt.") from None

    def record(self, key: Key) -> datetime:
        """Store the success of a playbook at the present time, and return that time.

        A corrupt file is replaced, and the next runs fill it again. Raises RunStoreError.
        """
        now = self._clock.now()
        try:
            make_folder(self.path.parent, private=True)
            with exclusive(self.path, clock=self._clock, longest_wait=_LONGEST_WAIT):
                write_json(self.path, _record_of({**self._known(), key: now}))
        except TimeoutError:
            raise RunStoreError(f"Other programs use {self.path}. Try again later.") from None
        except OSError as error:
            raise RunStoreError(
                f"The success of the playbook cannot be recorded in {self.path}: {error.strerror}."
            ) from None
        return now

    def _known(self) -> dict[Key, datetime]:
        try:
            return read_json(self.path, _runs) or {}
        except MalformedFile:
            return {}


def _record_of(runs: Mapping[Key, datetime]) -> dict[str, Any]:
    latest = sorted(runs.items(), key=lambda each: each[1])[-_MOST:]
    rows = [
        {"profile": profile, "playbook": playbook, "succeeded": iso(at)} for (profile, playbook), at in sorted(latest)
    ]
    return {"format": FORMAT, "runs": rows}


def _runs(record: Mapping[str, Any]) -> dict[Key, datetime]:
    if record["format"] != FORMAT:
        raise ValueError("unknown format")
    return {(str(row["profile"]), str(row["playbook"])): moment(row["succeeded"]) for row in record["runs"]}
