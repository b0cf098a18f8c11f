# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock whose time passes only while a thread sleeps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 18, 57, tzinfo=UTC)


class FakeClock:
    """A Clock for many threads: a sleep of one of them moves the time for all.

    ``sleeps``: the seconds of every sleep, in order. ``meanwhile``: called at the beginning of every sleep, with its
    seconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0
        self.sleeps: list[float] = []
        self.meanwhile: Callable[[float], None] | None = None

    def monotonic(self) -> float:
        with self._lock:
            return self._seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.sleeps.append(seconds)
        if self.meanwhile:
            self.meanwhile(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move the time on without a sleep, as during a slow request."""
        with self._lock:
            self._seconds += seconds
