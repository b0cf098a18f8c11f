# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may happen to one request: a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...simulator.api.handling import RawRequest, RawResponse
from .project import JSON, error, rows_of

HTML = "text/html"
Alter = Callable[[RawResponse], RawResponse]


@dataclass(frozen=True)
class Fault:
    """A fault. ``carried_out``: whether the request is carried out all the same.

    ``reply`` is what comes instead of the response, ``alter`` changes the response, ``hangs``: nothing comes within
    the timeout, ``breaks``: the connection breaks. ``reads``: whether it strikes reads, ``writes``: whether changes.
    ``hides``: a list lacks what is there, so that a task which finds nothing to delete has nothing to go by.
    ``quotes``: the response quotes the token and the secret of the login.
    ``expires``: all tokens expire before the request. ``refuses``: from now on, this service refuses every token.
    """

    carried_out: bool = False
    reply: RawResponse | None = None
    alter: Alter | None = None
    hangs: bool = False
    breaks: bool = False
    reads: bool = True
    writes: bool = True
    hides: bool = False
    quotes: bool = False
    expires: bool = False
    refuses: bool = False


def _page(status: int, *headers: tuple[str, str]) -> RawResponse:
    return RawResponse(status, b"<html><body>Jetstream2</body></html>", HTML, list(headers))


def _refused(status: int, words: str, *headers: tuple[str, str]) -> RawResponse:
    return replace(error(status, words), headers=list(headers))


def _half(reply: RawResponse) -> RawResponse:
    return replace(reply, body=reply.body[: len(reply.body) // 2], content_type=JSON)


def _as_page(reply: RawResponse) -> RawResponse:
    return replace(reply, body=b"<html><body>Jetstream2</body></html>", content_type=HTML)


def _as(body: Any) -> Alter:
    return lambda reply: replace(reply, body=json.dumps(body).encode(), content_type=JSON)


def _edited(edit: Callable[[str, list[Any]], list[Any]], *, link: bool = False) -> Alter:
    """Return what changes the lists of a response. ``link``: add a link to a further page."""

    def alter(reply: RawResponse) -> RawResponse:
        try:
            body = json.loads(reply.body)
        except ValueError:
            return reply
        for key, rows in list(rows_of(body)):
            body[key] = edit(key, rows)
            if link and rows:
                body[f"{key}_links"] = [{"rel": "next", "href": "https://js2.example.org/again"}]
        return replace(reply, body=json.dumps(body).encode())

    return alter


def _odd(_key: str, rows: list[Any]) -> list[Any]:
    """Make the values of the first row ones of other types, but its name."""
    if not rows or not isinstance(rows[0], dict):
        return rows
    return [{key: value if key == "name" else [value] for key, value in rows[0].items()}, *rows[1:]]


def _nameless(_key: str, rows: list[Any]) -> list[Any]:
    return [{**row, "name": None, "status": 7} if isinstance(row, dict) else row for row in rows]


_LOST = "The server was busy."
FAULTS: Mapping[str, Fault] = {
    "response lost": Fault(carried_out=True, breaks=True),
    "reset before the request": Fault(breaks=True),
    "hangs, carried out": Fault(carried_out=True, hangs=True),
    "hangs": Fault(hangs=True),
    "500": Fault(reply=_refused(500, _LOST)),
    "500, carried out": Fault(carried_out=True, reply=_refused(500, _LOST)),
    "500 page": Fault(reply=_page(500)),
    "502 page": Fault(reply=_page(502)),
    "502 page, carried out": Fault(carried_out=True, reply=_page(502)),
    "503 page": Fault(reply=_page(503)),
    "503 page, carried out": Fault(carried_out=True, reply=_page(503)),
    "503, Retry-After": Fault(reply=_refused(503, _LOST, ("retry-after", "3"))),
    "504 page": Fault(reply=_page(504)),
    "504 page, carried out": Fault(carried_out=True, reply=_page(504)),
    "409": Fault(reply=_refused(409, "The resource was changed meanwhile."), reads=False),
    "429": Fault(reply=_refused(429, "Too many requests")),
    "429, Retry-After 7": Fault(reply=_refused(429, "Too many requests", ("retry-after", "7"))),
    "429, Retry-After nan": Fault(reply=_refused(429, "Too many requests", ("retry-after", "nan"))),
    "429, Retry-After -5": Fault(reply=_refused(429, "Too many requests", ("retry-after", "-5"))),
    "429, Retry-After of a date": Fault(
        reply=_refused(429, "Too many requests", ("retry-after", "Mon, 23 Nov 2026 18:57:20 GMT"))
    ),
    "413 of the rate": Fault(reply=_refused(413, "This request was rate-limited.", ("retry-after", "5"))),
    "page instead of JSON": Fault(carried_out=True, alter=_as_page),
    "truncated JSON": Fault(carried_out=True, alter=_half),
    "a list as body": Fault(carried_out=True, alter=_as([])),
    "a text as body": Fault(carried_out=True, alter=_as("web")),
    "empty list": Fault(carried_out=True, alter=_edited(lambda _key, _rows: []), writes=False, hides=True),
    "first row missing": Fault(carried_out=True, alter=_edited(lambda _key, rows: rows[1:]), writes=False, hides=True),
    "last row missing": Fault(carried_out=True, alter=_edited(lambda _key, rows: rows[:-1]), writes=False, hides=True),
    "rows in another order": Fault(carried_out=True, alter=_edited(lambda _key, rows: rows[::-1]), writes=False),
    "rows twice": Fault(carried_out=True, alter=_edited(lambda _key, rows: rows + rows), writes=False),
    "odd row": Fault(carried_out=True, alter=_edited(_odd), writes=False),
    "rows without names": Fault(carried_out=True, alter=_edited(_nameless), writes=False, hides=True),
    "link to the same page": Fault(carried_out=True, alter=_edited(lambda _key, rows: rows, link=True), writes=False),
    "secrets said back": Fault(quotes=True),
    "token expires": Fault(expires=True, carried_out=True),
    "one service refuses tokens": Fault(refuses=True),
}


def strikes(fault: Fault, raw: RawRequest) -> bool:
    """Return whether a fault can strike a request."""
    return fault.reads if raw.method == "GET" else fault.writes
