# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded exchanges: requests to a real Atmosphere (v37-5) over a simulated cloud, and its responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parent / "recordings"

# In the order in which they were recorded.
SECTIONS = (
    "auth",
    "without-login",
    "instance-lists",
    "instance-details",
    "v2-resources",
    "v1-reads",
    "detail-cache",
    "states",
    "list-cache",
    "timelines",
    "conflicts",
    "cloud-trouble",
    "v2-actions",
    "renaming",
    "launching",
    "deleting",
    "volumes",
    "projects",
    "maintenance",
    "disabled-users",
    "sessions",
    "without-sharing",
    "lost-address",
    "sharing",
    "deployments",
    "provider-trouble",
    "caches",
    "two-at-once",
    "gone",
    "histories",
    "launching-several",
    "deleting-in-build",
    "volume-changes",
    "while-launching",
)


@dataclass(frozen=True)
class Answer:
    """A response of the server. ``cookies``: the names of those that it sets."""

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    body: Any


@dataclass(frozen=True)
class Exchange:
    """A request and its recorded response. ``at``: the time of the request. ``user``: the user of its token."""

    number: int
    name: str
    at: datetime
    user: str | None
    with_session: bool
    method: str
    path: str
    headers: Mapping[str, str]
    # Text where a form, or broken JSON, was sent.
    body: Any
    answer: Answer

    def __str__(self) -> str:
        """Return the name of the recording."""
        return f"{self.number:03}-{self.name}"


@cache
def section(name: str) -> tuple[Exchange, ...]:
    """Return the exchanges of a section, in their order."""
    rows = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    bodies = {row["number"]: row["response"]["body"] for row in rows}
    return tuple(_exchange(row, bodies) for row in rows)


def _exchange(row: dict[str, Any], bodies: Mapping[int, Any]) -> Exchange:
    request, response = row["request"], row["response"]
    body = response["body"]
    if isinstance(body, dict) and set(body) == {"body_of"}:
        # A long list that several requests were answered with is kept once.
        body = bodies[body["body_of"]]
    headers = {name.lower(): value for name, value in response["headers"].items()}
    return Exchange(
        number=row["number"],
        name=row["name"],
        at=datetime.fromisoformat(row["at"]),
        user=row["as"],
        with_session=row.get("session", False),
        method=request["method"],
        path=request["path"],
        headers=request["headers"],
        body=request["body"],
        answer=Answer(response["status"], headers, tuple(response["cookies"]), body),
    )
