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
    """A queue of events, which happen in the order of their times, however late catch_up() is called."""

    def __init__(self) -> None:
        """Start with no events."""
        self._entries: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._numbers = itertools.count()

    def at(self, moment: datetime, do: Callable[[datetime], None]) -> None:
        """Call ``do`` with ``moment`` at that time."""
        heapq.heappush(self._entries, (moment, next(self._numbers), do))

    def catch_up(self, now: datetime) -> None:
        """Let all due events happen."""
        while self._entries and self._entries[0][0] <= now:
            moment, _number, do = heapq.heappop(self._entries)
            do(moment)
