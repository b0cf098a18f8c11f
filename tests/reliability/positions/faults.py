# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of a single request, as a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...simulator.api.handling import RawRequest, RawResponse

JSON, HTML = "application/json", "text/html"
Alter = Callable[[RawResponse], RawResponse]
# Returns an error in the form of a cloud.
Error = Callable[[int, str], RawResponse]


@dataclass(frozen=True)
class Fault:
    """A fault. ``carried_out``: whether the request is carried out all the same.

    ``reply`` is what comes instead of the response, ``alter`` changes the response, ``hangs``: nothing comes within
    the timeout, ``breaks``: the connection breaks. ``reads``: whether it strikes reads, ``writes``: whether changes.
    ``hides``: a list lacks what is there, so that a task which finds nothing to delete has nothing to go by.
    ``quotes``: the response quotes the token and the secret of the login.
    ``expires``: all tokens expire before the request. ``refuses``: from now on, this service refuses every token.
    ``slow``: seconds that the response takes. ``old``: it is the one of an earlier request for the same.
    ``clock``: seconds by which the controller's clock is wrong, from the start. ``path``: it strikes this part alone.
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
    slow: float = 0.0
    old: bool = False
    clock: float = 0.0
    path: str = ""


def error(status: int, words: str) -> RawResponse:
    """Return an error in the form of OpenStack's services."""
    return RawResponse(status, json.dumps({"error": {"code": status, "message": words}}).encode(), JSON)


def atmosphere_error(status: int, words: str) -> RawResponse:
    """Return an error in Atmosphere's own form."""
    return RawResponse(status, json.dumps({"errors": [{"code": status, "message": words}]}).encode(), JSON)


_PAGE = b"<html><body>Jetstream</body></html>"


def _page(status: int, *headers: tuple[str, str]) -> RawResponse:
    return RawResponse(status, _PAGE, HTML, list(headers))


def _half(reply: RawResponse) -> RawResponse:
    return replace(reply, body=reply.body[: len(reply.body) // 2], content_type=JSON)


def _as_page(reply: RawResponse) -> RawResponse:
    return replace(reply, body=_PAGE, content_type=HTML)


def _as(body: Any) -> Alter:
    return lambda reply: replace(reply, body=json.dumps(body).encode(), content_type=JSON)


def _edited(edit: Callable[[list[Any]], list[Any]], *, link: bool = False, more: int = 0) -> Alter:
    """Return what changes the lists of a response. ``link``: add a link to a further page.

    ``more``: what Atmosphere's count of rows is too great by.
    """

    def alter(reply: RawResponse) -> RawResponse:
        try:
            body = json.loads(reply.body)
        except ValueError:
            return reply
        if isinstance(body, list):
            return replace(reply, body=json.dumps(edit(body)).encode())
        for key, rows in list(_lists_of(body)):
            body[key] = edit(rows)
            if link and rows:
                body[f"{key}_links"] = [{"rel": "next", "href": "https://js2.example.org/again"}]
            if "count" in body:
                body["count"] += len(body[key]) - len(rows) + more
        return replace(reply, body=json.dumps(body).encode())

    return alter


def _lists_of(body: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of a body, with their keys."""
    if isinstance(body, dict):
        for key, value in body.items():
            if isinstance(value, list):
                yield key, value


def _odd(rows: list[Any]) -> list[Any]:
    """Make the values of the first row ones of other types, but its name."""
    if not rows or not isinstance(rows[0], dict):
        return rows
    return [{key: value if key == "name" else [value] for key, value in rows[0].items()}, *rows[1:]]


def _nameless(rows: list[Any]) -> list[Any]:
    return [{**row, "name": None} if isinstance(row, dict) else row for row in rows]


def _stateless(rows: list[Any]) -> list[Any]:
    return [{**row, "name": None, "status": 7} if isinstance(row, dict) else row for row in rows]


_BUSY = "The server was busy."


def _faults(error_of: Error) -> Mapping[str, Fault]:
    """Return the faults that both clouds have, with the errors of one."""

    def refused(status: int, words: str, *headers: tuple[str, str]) -> RawResponse:
        return replace(error_of(status, words), headers=list(headers))

    def limited(retry_after: str) -> Fault:
        return Fault(reply=refused(429, "Too many requests", ("retry-after", retry_after)))

    return {
        "response lost": Fault(carried_out=True, breaks=True),
        "reset before the request": Fault(breaks=True),
        "hangs, carried out": Fault(carried_out=True, hangs=True),
        "hangs": Fault(hangs=True),
        "500": Fault(reply=refused(500, _BUSY)),
        "500, carried out": Fault(carried_out=True, reply=refused(500, _BUSY)),
        "500 page": Fault(reply=_page(500)),
        "500 page, carried out": Fault(carried_out=True, reply=_page(500)),
        "502 page": Fault(reply=_page(502)),
        "502 page, carried out": Fault(carried_out=True, reply=_page(502)),
        "503 page": Fault(reply=_page(503)),
        "503 page, carried out": Fault(carried_out=True, reply=_page(503)),
        "503, Retry-After": Fault(reply=refused(503, _BUSY, ("retry-after", "3"))),
        "504 page": Fault(reply=_page(504)),
        "504 page, carried out": Fault(carried_out=True, reply=_page(504)),
        "409": Fault(reply=refused(409, "The resource was changed meanwhile."), reads=False),
        "429": Fault(reply=refused(429, "Too many requests")),
        "429, Retry-After 7": limited("7"),
        "429, Retry-After nan": limited("nan"),
        "429, Retry-After -5": limited("-5"),
        "429, Retry-After of a date": limited("Mon, 23 Nov 2026 18:57:20 GMT"),
        "page instead of JSON": Fault(carried_out=True, alter=_as_page),
        "truncated JSON": Fault(carried_out=True, alter=_half),
        "a list as body": Fault(carried_out=True, alter=_as([])),
        "a text as body": Fault(carried_out=True, alter=_as("web")),
        "empty list": Fault(carried_out=True, alter=_edited(lambda _rows: []), writes=False, hides=True),
        "first row missing": Fault(carried_out=True, alter=_edited(lambda rows: rows[1:]), writes=False, hides=True),
        "last row missing": Fault(carried_out=True, alter=_edited(lambda rows: rows[:-1]), writes=False, hides=True),
        "rows in another order": Fault(carried_out=True, alter=_edited(lambda rows: rows[::-1]), writes=False),
        "rows twice": Fault(carried_out=True, alter=_edited(lambda rows: rows + rows), writes=False),
        "odd row": Fault(carried_out=True, alter=_edited(_odd), writes=False),
        "rows without names": Fault(carried_out=True, alter=_edited(_nameless), writes=False),
        "rows without names and states": Fault(carried_out=True, alter=_edited(_stateless), writes=False),
        "slow": Fault(carried_out=True, slow=25.0),
        "response lost, clock an hour slow": Fault(carried_out=True, breaks=True, clock=-3600.0),
        "response lost, clock an hour fast": Fault(carried_out=True, breaks=True, clock=3600.0),
        "secrets said back": Fault(quotes=True),
        "token expires": Fault(expires=True, carried_out=True),
        "one service refuses tokens": Fault(refuses=True),
    }


JETSTREAM2_FAULTS: Mapping[str, Fault] = {
    **_faults(error),
    "413 of the rate": Fault(
        reply=replace(error(413, "This request was rate-limited."), headers=[("retry-after", "5")])
    ),
    "link to the same page": Fault(carried_out=True, alter=_edited(lambda rows: rows, link=True), writes=False),
}
# The words are those that a real Atmosphere answered with.
_NOVA_503 = "503 Service Unavailable Service Unavailable"
_NOVA_REFUSED = atmosphere_error(403, f"The requested action encountered an irrecoverable exception: {_NOVA_503}")
_NOVA_FAILED = atmosphere_error(409, _NOVA_503)
_NO_PROVIDER = atmosphere_error(
    504, "Multiple connection attempts to the provider have failed. Please try again later."
)
ATMOSPHERE_FAULTS: Mapping[str, Fault] = {
    **_faults(atmosphere_error),
    "maintenance": Fault(reply=atmosphere_error(503, "Atmosphere is in maintenance")),
    "403 of nova": Fault(reply=_NOVA_REFUSED, path="/action"),
    "403 of nova, carried out": Fault(carried_out=True, reply=_NOVA_REFUSED, path="/action"),
    "409 of nova": Fault(reply=_NOVA_FAILED, path="/instance"),
    "409 of nova, carried out": Fault(carried_out=True, reply=_NOVA_FAILED, reads=False, path="/instance"),
    "504 of the provider": Fault(reply=_NO_PROVIDER),
    "401 of the provider": Fault(
        reply=atmosphere_error(401, "Identity/Provider Authentication Failed"), path="/api/v1/"
    ),
    "404 of an instance": Fault(
        reply=atmosphere_error(404, "Instance does not exist"), path="/instance/", writes=False
    ),
    "list as before": Fault(carried_out=True, old=True, writes=False),
    "greater count": Fault(carried_out=True, alter=_edited(lambda rows: rows, more=1), writes=False),
}


def strikes(fault: Fault, raw: RawRequest) -> bool:
    """Return whether a fault can strike a request."""
    return fault.path in raw.path and (fault.reads if raw.method == "GET" else fault.writes)
