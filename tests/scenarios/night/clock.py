# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that is ahead of the machine's by the seconds in a file, for all processes that read the file."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

# The environment variable with the path of the file.
VARIABLE = "NIGHT_CLOCK"
# The real one, for processes in which the clock replaces time.sleep.
_SLEEP = time.sleep
# Seconds up to which a sleep takes real time, since a server that is polled needs it.
SHORT = 20.0


class SharedClock:
    """The time of a night. Fits the protocols ``Clock`` of the collection and of the simulator."""

    def __init__(self, path: Path) -> None:
        """Read the file at this path, which has the seconds by which the clock is ahead."""
        self.path = path

    def ahead(self) -> float:
        """Return the seconds by which the clock is ahead."""
        return float(self.path.read_text(encoding="ascii"))

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead())

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        return time.monotonic() + self.ahead()

    def sleep(self, seconds: float) -> None:
        """Sleep for a short time, or move the clock over a long one."""
        if seconds < SHORT:
            _SLEEP(seconds)
        else:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``. Raises ValueError for less than 0."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds}")
        with self._held():
            self._write(self.ahead() + seconds)

    def move_to(self, moment: datetime) -> None:
        """Move on to a moment, unless it is past."""
        with self._held():
            self._write(self.ahead() + max(0.0, (moment - self.now()).total_seconds()))

    @classmethod
    def begin(cls, path: Path, ahead: timedelta) -> SharedClock:
        """Make the file of a new clock, and return the clock."""
        clock = cls(path)
        clock._write(ahead.total_seconds())
        return clock

    def _write(self, ahead: float) -> None:
        # The file is replaced as a whole, since other processes read it without the lock.
        new = self.path.with_suffix(".new")
        new.write_text(repr(ahead), encoding="ascii")
        new.replace(self.path)

    @contextmanager
    def _held(self) -> Iterator[None]:
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
