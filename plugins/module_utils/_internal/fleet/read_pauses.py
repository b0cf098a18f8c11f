# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pauses between the reads of one thing that is brought to its desired state: shared by images and volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..clock import Clock
from .steps import RunOptions

# Seconds between reads after a refusal, until one succeeds.
_REREADS = (1.0, 3.0, 6.0)


class ReadPauses:
    """Pauses by one clock, within the timeout of a run. ``seconds``: the pauses in order; the last one repeats."""

    def __init__(self, clock: Clock, options: RunOptions, seconds: Sequence[float]) -> None:
        """Pause not yet."""
        self._clock = clock
        self._options = options
        self._seconds = seconds
        self._made = 0

    def left(self) -> float:
        """Return the seconds that are left of the timeout."""
        return self._options.left(self._clock.monotonic())

    def pause(self) -> bool:
        """Pause before the next read. Returns False, without a pause, if the time is over."""
        left = self.left()
        if left <= 0:
            return False
        seconds = self._seconds[min(self._made, len(self._seconds) - 1)]
        self._made += 1
        self._clock.sleep(min(seconds, left))
        return True

    def read_after_refusal(self, read: Callable[[], bool]) -> None:
        """Read until a read succeeds, three times at most. ``read`` returns whether it did.

        The change of another run may be the reason of a refusal.
        """
        for pause in _REREADS:
            if read() or self.left() <= pause:
                return
            self._clock.sleep(pause)
