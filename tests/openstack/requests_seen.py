# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the requests of clients, from the log of each service."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """One request by a client. `at` is seconds since the epoch, when it was answered; `seconds` how long that took."""

    at: float
    service: str
    method: str
    path: str
    query: str
    agent: str
    status: int
    seconds: float

    def __str__(self) -> str:
        question = f"?{self.query}" if self.query else ""
        return f"{self.service} {self.method} {self.path}{question} {self.status}"


class Seen(list[Request]):
    """Requests in the order in which they were answered."""

    def by_service(self) -> Counter[str]:
        return Counter(request.service for request in self)

    def of(self, service: str, method: str | None = None) -> Seen:
        return Seen(one for one in self if one.service == service and method in (None, one.method))


class Requests:
    """All requests of clients to the public ports, without those of services to one another and those of Fleet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> Seen:
        return self._since({})

    @contextlib.contextmanager
    def counted(self) -> Iterator[Seen]:
        """Collect the requests within a `with`. The list is filled when the block ends, also by an exception."""
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
