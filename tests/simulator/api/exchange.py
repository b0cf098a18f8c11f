# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request that views get, and the responses that they return or raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from ..world.records import Token, User
from ..world.state import World


class Refusal(Exception):
    """The response to a refused request."""

    def __init__(self, status: int, body: Any) -> None:
        """Respond with a status and with JSON."""
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def error(status: int, message: Any) -> Refusal:
    """Return a refusal in Atmosphere's own form."""
    return Refusal(status, {"errors": [{"code": status, "message": message}]})


def detail(status: int, text: str) -> Refusal:
    """Return a refusal in the form of Atmosphere's framework."""
    return Refusal(status, {"detail": text})


def not_found() -> Refusal:
    """Return the refusal for an object that does not exist, or is another user's."""
    return detail(404, "Not found.")


class ServerError(Exception):
    """Atmosphere's own code raises an exception: the response is its page about maintenance."""


@dataclass
class Response:
    """The response of a view. ``data`` None with the status 204 is an empty body."""

    data: Any
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    # The number of instances in it: each costs the server time.
    instances: int = 0


@dataclass
class Request:
    """A request. ``suffix``: ".json" if the path ended so; links in the response then have it, too."""

    world: World
    method: str
    path: str
    # As the client reached this server: "http://127.0.0.1:8080".
    base_url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    names: Mapping[str, str]
    suffix: str = ""
    user: User | None = None
    session: Token | None = None

    @property
    def somebody(self) -> User:
        """Return the user, in views that need a login."""
        if self.user is None:
            raise ServerError
        return self.user

    @cached_property
    def data(self) -> Any:
        """Return the fields of the body: JSON or a form. Raises Refusal."""
        if not self.body:
            return {}
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            return _json(self.body)
        if kind == "application/x-www-form-urlencoded":
            return {key: values[-1] for key, values in parse_qs(self.body.decode("utf-8", "replace")).items()}
        raise detail(415, f'Unsupported media type "{kind}" in request.')

    def url(self, resource: str, key: object) -> str:
        """Return the address of an object in v2."""
        return self.absolute(f"/api/v2/{resource}/{key}{self.suffix}") + self._format

    def absolute(self, path: str) -> str:
        """Return the address of a path."""
        return f"{self.base_url}{path}"

    @cached_property
    def _format(self) -> str:
        wanted = self.query.get("format")
        return f"?format={wanted}" if wanted else ""


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError as problem:
        raise detail(400, f"JSON parse error - {_old_words(problem)}") from problem
    except UnicodeDecodeError as problem:
        raise detail(400, f"JSON parse error - {problem}") from problem


def _old_words(problem: json.JSONDecodeError) -> str:
    """Return the message about broken JSON of Python 2, with which Atmosphere runs."""
    if problem.msg == "Expecting value":
        return "No JSON object could be decoded"
    if problem.msg.startswith("Expecting property name"):
        return f"Expecting object: line {problem.lineno} column {problem.colno - 1} (char {problem.pos - 1})"
    return str(problem)
