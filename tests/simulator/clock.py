# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of the simulator: the machine's, or one that a test moves."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The clock of a simulated world. The clocks of the collection fit as well."""

    def now(self) -> datetime:
        """Return the date and time, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        time.sleep(seconds)


class ManualClock:
    """A clock that only a test moves. It is safe to use from several threads.

    A client with the same clock waits in no time: its sleep() moves the time of the cloud, too.
    """

    def __init__(self, start: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)) -> None:
        """Start at ``start``, in UTC."""
        self._start = start
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return (self.now() - self._start).total_seconds()

    def advance(self, seconds: float) -> datetime:
        """Move on by ``seconds`` and return the new time. Raises ValueError for less than 0."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds}")
        with self._lock:
            self._now += timedelta(seconds=seconds)
            return self._now

    def move_to(self, moment: datetime) -> datetime:
        """Move on to a moment, unless it is past, and return the time."""
        with self._lock:
            self._now = max(self._now, moment)
            return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        self.advance(seconds)
