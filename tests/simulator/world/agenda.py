# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is going to happen, and when."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime


class Agenda:
    """Things to be done at their time, in the order of their times however late one looks."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._entries: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._numbers = itertools.count()

    def at(self, moment: datetime, do: Callable[[datetime], None]) -> None:
        """Remember to call C(do) with C(moment)."""
        heapq.heappush(self._entries, (moment, next(self._numbers), do))

    def catch_up(self, now: datetime) -> None:
        """Do all that is due."""
        while self._entries and self._entries[0][0] <= now:
            moment, _number, do = heapq.heappop(self._entries)
            do(moment)
