# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time by which all requests of a task must have ended."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..clock import Clock


class Deadline:
    """A time of a clock that several transports share. May be used by many threads at once.

    There is none at first. A request that begins while there is one takes no longer than what is left, pauses and
    retries included, and none begins when nothing is left.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin without one."""
        self._clock = clock
        self._at = math.inf
        self._extension = threading.local()

    def set(self, at: float | None) -> None:
        """Set it to a time of the clock's ``monotonic()``; None for no deadline."""
        self._at = math.inf if at is None else at

    @contextmanager
    def extended(self, seconds: float) -> Iterator[None]:
        """Extend this thread's deadline to ``seconds`` from now, for requests that must be tried even after it."""
        self._extension.at = self._clock.monotonic() + seconds
        try:
            yield
        finally:
            del self._extension.at

    @property
    def at(self) -> float:
        """The time of the clock's ``monotonic()``, or infinity."""
        return max(self._at, getattr(self._extension, "at", -math.inf))

    @property
    def left(self) -> float:
        """The seconds until then, 0 at least, or infinity."""
        return max(0.0, self.at - self._clock.monotonic())
