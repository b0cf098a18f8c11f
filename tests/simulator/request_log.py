# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests to the simulator, for tests that count them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Logged:
    """A request and the status of its answer: 0 where the connection was dropped."""

    method: str
    # With the query, as in "/api/v2/instances?page=2".
    path: str
    status: int
    # The JSON or form of a request that had one.
    data: Any = None
    # When it came and when its answer was ready, in seconds of the machine's monotonic time.
    began: float = 0.0
    ended: float = 0.0


class RequestLog:
    """All requests since the begin, or since reset(), in the order in which they were answered."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: list[Logged] = []
        self._lock = threading.Lock()

    def add(self, entry: Logged) -> None:
        """Note a request."""
        with self._lock:
            self._entries.append(entry)

    def reset(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()

    def matching(self, method: str | None = None, path: str = "", status: int | None = None) -> list[Logged]:
        """Return the requests with a method, a path that the regular expression ``path`` finds, and a status."""
        return [
            entry
            for entry in self
            if method in (None, entry.method) and re.search(path, entry.path) and status in (None, entry.status)
        ]

    def count(self, method: str | None = None, path: str = "", status: int | None = None) -> int:
        """Count the requests that matching() returns."""
        return len(self.matching(method, path, status))

    def most_at_once(self) -> int:
        """Return how many requests were under way at the same time, at most."""
        events = [(entry.began, 1) for entry in self] + [(entry.ended, -1) for entry in self]
        under_way = most = 0
        for _moment, change in sorted(events):
            under_way += change
            most = max(most, under_way)
        return most

    def __iter__(self) -> Iterator[Logged]:
        """Go over all requests, as they are now."""
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        """Count all requests."""
        return len(self._entries)
