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
    """A request, and the status of its response: 0 if the connection was dropped."""

    method: str
    # With the query, such as "/api/v2/instances?page=2".
    path: str
    status: int
    # The decoded JSON or form of the request.
    data: Any = None
    # The times of the request and of its response, in seconds of the machine's monotonic clock.
    began: float = 0.0
    ended: float = 0.0


class RequestLog:
    """All requests since the start or since reset(), in the order of their responses."""

    def __init__(self) -> None:
        """Start with an empty log."""
        self._entries: list[Logged] = []
        self._lock = threading.Lock()

    def add(self, entry: Logged) -> None:
        """Add a request."""
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
        """Return the number of requests that matching() returns."""
        return len(self.matching(method, path, status))

    def most_at_once(self) -> int:
        """Return the greatest number of requests at the same time."""
        events = [(entry.began, 1) for entry in self] + [(entry.ended, -1) for entry in self]
        under_way = most = 0
        for _moment, change in sorted(events):
            under_way += change
            most = max(most, under_way)
        return most

    def __iter__(self) -> Iterator[Logged]:
        """Iterate over a copy of all requests."""
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        """Return the number of all requests."""
        return len(self._entries)
