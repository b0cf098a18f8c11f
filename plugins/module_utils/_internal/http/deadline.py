# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deadline of a task, which several transports share."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..clock import Clock


class Deadline:
    """The time by which all requests of a task must have ended. May be used by many threads at once.

    Initially, there is no deadline. Once it is set, a request takes at most the remaining seconds, including its pauses
    and retries, and no request begins after the deadline.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin without a deadline."""
        self._clock = clock
        self._at = math.inf
        self._extension = threading.local()

    def set(self, at: float | None) -> None:
        """Set the deadline. ``at``: a time of the clock's ``monotonic()``; None for no deadline."""
        self._at = math.inf if at is None else at

    @contextmanager
    def extended(self, seconds: float) -> Iterator[None]:
        """Extend this thread's deadline to ``seconds`` from now, for requests that must be sent even after it."""
        self._extension.at = self._clock.monotonic() + seconds
        try:
            yield
        finally:
            del self._extension.at

    @property
    def at(self) -> float:
        """The deadline of this thread, as a time of the clock's ``monotonic()``; infinity without a deadline."""
        return max(self._at, getattr(self._extension, "at", -math.inf))

    @property
    def left(self) -> float:
        """The seconds until the deadline, at least 0; infinity without a deadline."""
        return max(0.0, self.at - self._clock.monotonic())
