# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each of Atmosphere's refusals becomes an error of its type, in one sentence for a person."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.responses import (
    error_from,
    raise_for_status,
    words,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    Conflict,
    InMaintenance,
    JetstreamError,
    NotFound,
    OverAllocation,
    PermissionDenied,
    RateLimited,
    Refused,
    ServerFault,
    UnexpectedResponse,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.tests.unit.simulator.recorded import SECTIONS, Exchange, section

DOING = "Stop of web (1)"


def a_reply(status: int, body: Any = None, *, content_type: str = "application/json", location: str = "") -> Response:
    is_json = content_type == "application/json"
    return Response(status, body if is_json else None, is_json, content_type, None, location or None)


def as_reply(exchange: Exchange) -> Response:
    headers = exchange.answer.headers
    kind = headers.get("content-type", "").partition(";")[0]
    return a_reply(
        exchange.answer.status, exchange.answer.body, content_type=kind, location=headers.get("location", "")
    )


def is_refusal(exchange: Exchange) -> bool:
    reply = as_reply(exchange)
    empty = exchange.method == "HEAD" or reply.status == 204
    return reply.status >= 300 or not (reply.is_json or empty)


REFUSALS = [each for name in SECTIONS for each in section(name) if is_refusal(each)]

# Status, whether it is JSON, and a part of the server's text -> the error and its sentence.
TABLE: list[tuple[int, bool, str, type[JetstreamError], str]] = [
    (
        200,
        False,
        "",
        UnexpectedResponse,
        (
            "{task} failed: the response is text/html, not JSON (HTTP 200). Check that api_url is the address of an "
            "Atmosphere site."
        ),
    ),
    (
        201,
        False,
        "",
        UnexpectedResponse,
        (
            "{task} failed: the response is text/html, not JSON (HTTP 201). Check that api_url is the address of an "
            "Atmosphere site."
        ),
    ),
    (
        302,
        False,
        "",
        UnexpectedResponse,
        "{task} was redirected to {location} (HTTP 302). Check api_url: redirects are not followed.",
    ),
    (400, True, "", UnexpectedResponse, '{task} was refused: "{words}" (HTTP 400).'),
    (401, True, "", Refused, '{task} was refused: "{words}" (HTTP 401).'),
    (
        403,
        True,
        "Authentication credentials were not provided",
        AuthenticationFailed,
        (
            "The token was refused: it is unknown to the server, or has expired (HTTP 403). "
            "Set username and password, so that a new token can be requested."
        ),
    ),
    (
        403,
        True,
        "The account you are using has",
        AuthenticationFailed,
        'The account was refused: "{words}" (HTTP 403).',
    ),
    (
        403,
        True,
        "is not a member of the project|does not have permission to act on Instance",
        PermissionDenied,
        '{task} was refused: "{words}" (HTTP 403). It belongs to another user, or was deleted.',
    ),
    (
        403,
        True,
        "irrecoverable exception(?!: 5)|You do not have permission|permission to POST|POST required",
        Refused,
        '{task} was refused: "{words}" (HTTP 403).',
    ),
    (
        403,
        True,
        "irrecoverable exception: 5",
        ServerFault,
        '{task} failed in the cloud: "{words}" (HTTP 403).',
    ),
    (404, True, "", NotFound, '{task} was refused: "{words}" (HTTP 404).'),
    (
        404,
        False,
        "",
        UnexpectedResponse,
        (
            "{task} failed: the response is text/html, not JSON (HTTP 404). Check that api_url is the address of an "
            "Atmosphere site."
        ),
    ),
    (405, True, "", UnexpectedResponse, '{task} was refused: "{words}" (HTTP 405).'),
    (
        406,
        False,
        "",
        UnexpectedResponse,
        (
            "{task} failed: the response is text/html, not JSON (HTTP 406). Check that api_url is the address of an "
            "Atmosphere site."
        ),
    ),
    (409, True, "^403 Forbidden Quota", OverAllocation, '{task} was refused: "{words}" (HTTP 409).'),
    (409, True, "^(?!5|403 Forbidden Quota)", Conflict, '{task} was refused: "{words}" (HTTP 409).'),
    (409, True, "^5", ServerFault, '{task} failed in the cloud: "{words}" (HTTP 409).'),
    (413, True, "", OverAllocation, '{task} was refused: "{words}" (HTTP 413).'),
    (415, True, "", UnexpectedResponse, '{task} was refused: "{words}" (HTTP 415).'),
    (500, False, "", ServerFault, "{task} failed: the server had an internal error (HTTP 500, text/html)."),
    (500, True, "", ServerFault, '{task} failed in the cloud: "{words}" (HTTP 500).'),
    (504, True, "", ServerFault, '{task} failed in the cloud: "{words}" (HTTP 504).'),
    (503, True, "", InMaintenance, 'Atmosphere is in maintenance: "{words}" (HTTP 503).'),
]


def said_in(body: Any) -> str:
    """Messages are found in every form of Atmosphere's error bodies."""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return str(body[0])
    if "errors" in body:
        return said_in(body["errors"][0]["message"])
    if "detail" in body:
        return str(body["detail"])
    return "; ".join(f"{field}: {said_in(problems)}" for field, problems in body.items())


@pytest.mark.parametrize("exchange", REFUSALS, ids=str)
def test_a_recorded_refusal_becomes_its_error(exchange: Exchange) -> None:
    reply = as_reply(exchange)
    said = said_in(reply.body) if reply.is_json else ""
    [row] = [each for each in TABLE if each[:2] == (reply.status, reply.is_json) and re.search(each[2], said)]
    kind, sentence = row[3:]
    error = error_from(reply, DOING)
    assert error.__class__ is kind
    assert str(error) == sentence.format(task=DOING, words=said, location=reply.location)
    assert error.status == reply.status


def test_every_row_of_the_table_was_recorded() -> None:
    statuses = {(each.answer.status, as_reply(each).is_json) for each in REFUSALS}
    assert statuses == {row[:2] for row in TABLE}
    assert len(REFUSALS) > 100


@pytest.mark.parametrize(
    ("reply", "kind", "sentence"),
    [
        (
            a_reply(429, {"detail": "Request was throttled."}),
            RateLimited,
            'Stop of web (1) was rejected by the rate limit: "Request was throttled." (HTTP 429). Try again later.',
        ),
        (
            a_reply(429, content_type="text/html"),
            RateLimited,
            "Stop of web (1) was rejected by the rate limit (HTTP 429). Try again later.",
        ),
        (
            a_reply(502, content_type="text/html"),
            ServerFault,
            "Stop of web (1) failed: the server had an internal error (HTTP 502, text/html).",
        ),
        (
            a_reply(503, content_type="text/html"),
            ServerFault,
            "Stop of web (1) failed: the server had an internal error (HTTP 503, text/html).",
        ),
        (
            a_reply(504, {"errors": [{"code": 504, "message": "Multiple connection attempts have failed."}]}),
            ServerFault,
            'Stop of web (1) failed in the cloud: "Multiple connection attempts have failed." (HTTP 504).',
        ),
        (
            a_reply(400, {"errors": [{"code": 400, "message": {"name": "This field is required."}}]}),
            UnexpectedResponse,
            'Stop of web (1) was refused: "name: This field is required." (HTTP 400).',
        ),
        (
            a_reply(400, ["You are not a member.", "Ask the owner."]),
            UnexpectedResponse,
            'Stop of web (1) was refused: "You are not a member.; Ask the owner." (HTTP 400).',
        ),
        (a_reply(409, {}), Conflict, "Stop of web (1) was refused (HTTP 409)."),
        (a_reply(409, 7), Conflict, "Stop of web (1) was refused (HTTP 409)."),
        (a_reply(503, {}), InMaintenance, "Atmosphere is in maintenance (HTTP 503)."),
        (
            a_reply(418, content_type=""),
            UnexpectedResponse,
            (
                "Stop of web (1) failed: the response is of an unknown type, not JSON (HTTP 418). "
                "Check that api_url is the address of an Atmosphere site."
            ),
        ),
        (
            a_reply(409, {"detail": "Two\nlines, and \x1b[31mred\x1b[0m."}),
            Conflict,
            'Stop of web (1) was refused: "Two lines, and \ufffd[31mred\ufffd[0m." (HTTP 409).',
        ),
    ],
)
def test_a_refusal_that_was_not_recorded_is_read_the_same_way(
    reply: Response, kind: type[JetstreamError], sentence: str
) -> None:
    error = error_from(reply, DOING)
    assert error.__class__ is kind
    assert str(error) == sentence


def test_a_long_speech_is_cut() -> None:
    assert len(words(a_reply(500, {"detail": "no " * 10_000}))) == 500


@pytest.mark.parametrize(
    ("reply", "body"),
    [(a_reply(200, [1]), [1]), (a_reply(201, {"id": 1}), {"id": 1}), (a_reply(204, content_type=""), None)],
)
def test_a_good_answer_is_its_body(reply: Response, body: Any) -> None:
    assert raise_for_status(reply, DOING) == body


@pytest.mark.parametrize("reply", [a_reply(200, content_type="text/html"), a_reply(302), a_reply(404, {})])
def test_no_other_answer_passes_for_a_good_one(reply: Response) -> None:
    with pytest.raises(JetstreamError):
        raise_for_status(reply, DOING)
