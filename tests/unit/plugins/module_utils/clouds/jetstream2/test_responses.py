# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors for refusals of nova and keystone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.responses import (
    raise_for_status,
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
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded

DOING = "Stop of web"


def reply(status: int, body: Any = None) -> Response:
    kind = "text/html" if body is None else "application/json"
    return Response(status, body, body is not None, kind, None, None)


@pytest.mark.parametrize(
    ("name", "kind", "quoted"),
    [
        ("conflict", Conflict, "while it is in vm_state active"),
        ("locked", Conflict, "is locked"),
        ("unlock refused", PermissionDenied, "Policy doesn't allow"),
        ("gone", NotFound, "has no mapping to a cell."),
        ("bad request", Refused, "There is no such action: nonsense"),
        ("quota", OverAllocation, "Quota exceeded for cores: Requested 32, but already used 1 of 1 cores"),
        ("no token", AuthenticationFailed, "The request you have made requires authentication."),
        ("unknown version", UnexpectedResponse, "Version 2.999 is not supported by the API."),
    ],
)
def test_a_recorded_refusal_is_reported_in_its_own_words(name: str, kind: type[JetstreamError], quoted: str) -> None:
    refusal = recorded("refusals")[name]
    with pytest.raises(kind) as caught:
        raise_for_status(reply(refusal["status"], refusal["body"]), DOING)
    assert caught.type is kind
    assert str(caught.value).startswith(f'{DOING} was refused: "')
    assert quoted in str(caught.value)
    assert f"(HTTP {refusal['status']})" in str(caught.value)
    assert caught.value.status == refusal["status"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (413, {"overLimit": {"message": "no"}}, OverAllocation, 'Stop of web was refused: "no" (HTTP 413).'),
        (
            413,
            {"overLimit": {"message": "This request was rate-limited."}},
            RateLimited,
            'was rejected by the rate limit: "This request was rate-limited." (HTTP 413).',
        ),
        (
            429,
            {"overLimit": {"message": "slow down"}},
            RateLimited,
            'was rejected by the rate limit: "slow down" (HTTP 429).',
        ),
        (429, None, RateLimited, "Stop of web was rejected by the rate limit (HTTP 429). Try again later."),
        (500, {"computeFault": {"message": "oops"}}, ServerFault, 'failed in the cloud: "oops" (HTTP 500).'),
        (502, None, ServerFault, "Stop of web failed in the cloud (HTTP 502)."),
        (503, {"error": {"message": "Down for maintenance"}}, InMaintenance, "The cloud is in maintenance"),
        (503, None, ServerFault, "(HTTP 503)"),
        (401, None, AuthenticationFailed, "Stop of web was refused (HTTP 401)."),
        # A server that answers in HTML is not the API, whatever its status.
        (404, None, UnexpectedResponse, "the response is not JSON of the API (HTTP 404)"),
        (302, None, UnexpectedResponse, "the response is not JSON of the API (HTTP 302)"),
        (200, None, UnexpectedResponse, "the response is not JSON of the API (HTTP 200)"),
        (418, {"message": "teapot"}, UnexpectedResponse, 'was refused: "teapot" (HTTP 418).'),
        (400, {"error": "text alone"}, Refused, 'was refused: "text alone" (HTTP 400).'),
        (400, ["no object"], Refused, "was refused (HTTP 400)."),
    ],
)
def test_any_other_answer_becomes_its_error(status: int, body: Any, kind: type[JetstreamError], text: str) -> None:
    with pytest.raises(kind) as caught:
        raise_for_status(reply(status, body), DOING)
    assert caught.type is kind
    assert text in str(caught.value)


def test_an_accepted_action_has_no_body() -> None:
    assert raise_for_status(reply(202), DOING) is None
    assert raise_for_status(reply(204), DOING) is None
    assert raise_for_status(reply(200, {"server": {}}), DOING) == {"server": {}}


def test_a_long_text_is_cut() -> None:
    with pytest.raises(Refused) as caught:
        raise_for_status(reply(400, {"badRequest": {"message": "x" * 5000}}), DOING)
    assert len(str(caught.value)) < 600
