# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events to come, each at its time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime


class Agenda:
    """A queue of events: they happen in the order of their times, however late the queue is caught up with."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._numbers = itertools.count()

    def at(self, moment: datetime, do: Callable[[datetime], None]) -> None:
        """Have ``do`` called with ``moment`` at that time."""
        heapq.heappush(self._entries, (moment, next(self._numbers), do))

    def catch_up(self, now: datetime) -> None:
        """Let all events happen that are due."""
        while self._entries and self._entries[0][0] <= now:
            moment, _number, do = heapq.heappop(self._entries)
            do(moment)
