# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time by which all requests of a task must have ended."""

from __future__ import annotations

import math

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

    def set(self, at: float | None) -> None:
        """Set it to a time of the clock's ``monotonic()``; None for no deadline."""
        self._at = math.inf if at is None else at

    @property
    def at(self) -> float:
        """The time of the clock's ``monotonic()``, or infinity."""
        return self._at

    @property
    def left(self) -> float:
        """The seconds until then, 0 at least, or infinity."""
        return max(0.0, self._at - self._clock.monotonic())
