# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts OpenStack's responses into bodies or errors. See docs/jetstream2.md, Errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import (
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
from ...http.session import Response

_MAX_QUOTE = 500
# Parts of the messages of nova, of nova with unified limits, and of neutron (docs/jetstream2.md, Launching). Cinder
# responds with 413.
_OVER_QUOTA = ("quota exceeded", "exceeds quota", "over a limit", "over limit")
# Older releases respond with 413 to too many requests. Otherwise, a 413 is about a quota.
_RATE_LIMITED = ("rate limit", "rate-limit", "too many requests")
_KINDS: Mapping[int, type[JetstreamError]] = {
    400: Refused,
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
}


def raise_for_status(reply: Response, task: str) -> Any:
    """Return the body of a successful response. Raises the error of any other. ``task`` begins the message."""
    if 200 <= reply.status < 300 and (reply.is_json or reply.status in (202, 204)):
        return reply.body
    raise error_from(reply, task)


def words(body: Any) -> str:
    """Return the message in an error response; "" without one. Each service wraps it in an object of another name."""
    if not isinstance(body, dict):
        return ""
    inner = next((each for each in body.values() if isinstance(each, dict)), body)
    message = inner.get("message") or inner.get("detail") or inner.get("error") or ""
    return " ".join(str(message).split())[:_MAX_QUOTE]


def error_from(reply: Response, task: str) -> JetstreamError:
    """Return the error for a response. ``task`` begins the message."""
    status, message = reply.status, words(reply.body)
    quoted = f': "{message}"' if message else ""
    text = f"{task} was refused{quoted} (HTTP {status})."
    if status == 413 and any(each in message.lower() for each in _RATE_LIMITED):
        status = 429
    if status == 413 or (status in (403, 409) and any(each in message.lower() for each in _OVER_QUOTA)):
        return OverAllocation(text, status=status)
    if status == 503 and "maintenance" in message.lower():
        return InMaintenance(f"The cloud is in maintenance{quoted} (HTTP 503).", status=status)
    if status == 429:
        return RateLimited(
            f"{task} was rejected by the rate limit{quoted} (HTTP {reply.status}).",
            hint="Try again later.",
            status=reply.status,
        )
    if status >= 500:
        return ServerFault(f"{task} failed in the cloud{quoted} (HTTP {status}).", status=status)
    if status in _KINDS and (reply.is_json or status == 401):
        return _KINDS[status](text, status=status)
    if status < 400 or not reply.is_json:
        return UnexpectedResponse(f"{task} failed: the response is not JSON of the API (HTTP {status}).", status=status)
    return UnexpectedResponse(text, status=status)
