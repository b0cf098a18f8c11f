# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of clients, from the log of each service."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """A request by a client. `at`: the time of the response, in seconds since the epoch. `seconds`: its duration."""

    at: float
    service: str
    method: str
    path: str
    query: str
    agent: str
    status: int
    seconds: float

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.service} {self.method} {self.path}{query} {self.status}"


class Seen(list[Request]):
    """Requests in the order of their responses."""

    def by_service(self) -> Counter[str]:
        """Return the number of requests to each service."""
        return Counter(request.service for request in self)

    def of(self, service: str, method: str | None = None) -> Seen:
        """Return the requests to one service, all or those with one method."""
        return Seen(one for one in self if one.service == service and method in (None, one.method))


class Requests:
    """The requests of clients to the public ports. The services and Fleet use the internal ports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> Seen:
        """Return all requests of the run."""
        return self._since({})

    @contextlib.contextmanager
    def counted(self) -> Iterator[Seen]:
        """Collect the requests in a `with` block. The list is filled at the end of the block, even by an exception."""
        marks = {path: path.stat().st_size for path in self._files()}
        seen = Seen()
        try:
            yield seen
        finally:
            seen.extend(self._since(marks))

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl"))

    def _since(self, marks: dict[Path, int]) -> Seen:
        found: list[Request] = []
        for path in self._files():
            with path.open("rb") as lines:
                lines.seek(marks.get(path, 0))
                found += [Request(**json.loads(line)) for line in lines]
        return Seen(sorted(found, key=lambda one: one.at))
