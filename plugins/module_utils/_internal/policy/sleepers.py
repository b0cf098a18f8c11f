# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the instances that jetstream_instance_state put to sleep, so that a later run can start only those."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import JetstreamError
from ..files import exclusive, make_folder
from ..json_file import MalformedFile, read_json, write_json
from ..model import StatusPeriod
from ..states import Kind, RestingState, classify
from ..times import iso, moment

FORMAT = 2
# Format 1 stores only the day.
_FORMAT_BEFORE = 1
KEPT = timedelta(days=400)
_MOST = 10_000
# Tolerance between the clocks of a cloud and of this machine.
_SLACK = timedelta(minutes=1)


class SleepersError(JetstreamError):
    """The record of instances put to sleep cannot be read or written."""


class Sleepers:
    """A file with the UUIDs of instances put to sleep, each with the time. Several programs may use it at once."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Store the path. The first write creates the file."""
        self.path = path
        self._clock = clock

    def moments(self) -> dict[str, datetime]:
        """Return the time for each instance that was put to sleep and has not been seen active since.

        Raises SleepersError.
        """
        return self._moments()

    def change(self, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Record that instances were put to sleep, or are active. Raises SleepersError."""
        now = self._clock.now().astimezone(UTC)
        added, removed = dict.fromkeys(add, now), frozenset(remove)
        if not added and not (removed and self._moments().keys() & removed):
            return
        try:
            make_folder(self.path.parent, private=True)
            with exclusive(self.path, clock=self._clock):
                found = {uuid: at for uuid, at in self._moments().items() if uuid not in removed} | added
                recent = sorted((at, uuid) for uuid, at in found.items() if at >= now - KEPT)[-_MOST:]
                record = {"format": FORMAT, "put_to_sleep": {uuid: iso(at) for at, uuid in recent}}
                write_json(self.path, record)
        except OSError as error:
            raise SleepersError(
                f"The record of instances put to sleep cannot be stored in {self.path}: {error.strerror}."
            ) from None

    def _moments(self) -> dict[str, datetime]:
        try:
            return read_json(self.path, _moments_of) or {}
        except OSError as error:
            raise SleepersError(
                f"The record of instances put to sleep in {self.path} cannot be read: {error.strerror}."
            ) from None
        except MalformedFile:
            raise SleepersError(
                f"The record of instances put to sleep in {self.path} is corrupt.", hint="Fix or remove the file."
            ) from None


def woken_since(slept: Mapping[str, datetime], periods: Iterable[StatusPeriod]) -> frozenset[str]:
    """Return the instances that were active after being put to sleep, by their history."""

    def is_awake(period: StatusPeriod) -> bool:
        observed = classify(period.status, period.activity)
        return observed.kind is Kind.RESTING and observed.state is RestingState.ACTIVE

    return frozenset(
        each.instance_uuid
        for each in periods
        if each.instance_uuid in slept and is_awake(each) and each.start > slept[each.instance_uuid] + _SLACK
    )


def _moments_of(record: Mapping[str, Any]) -> dict[str, datetime]:
    rows = {str(uuid): moment(at) for uuid, at in record["put_to_sleep"].items()}
    if record["format"] == _FORMAT_BEFORE:
        # At an unknown time of that day.
        return {uuid: datetime.combine(at.date(), time.max, UTC) for uuid, at in rows.items()}
    if record["format"] != FORMAT:
        raise ValueError("unknown format")
    return rows
