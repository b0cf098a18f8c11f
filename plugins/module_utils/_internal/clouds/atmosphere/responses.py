# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts Atmosphere's responses into bodies or errors. See docs/atmosphere.md, Errors."""

from __future__ import annotations

import re
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
from ...text.terminal import one_line

# The message for a missing, an unknown and an expired token alike.
_NO_CREDENTIALS = "Authentication credentials were not provided."
_DISABLED = "has been disabled"
_NOT_YOURS = ("not a member of the project", "does not have permission to act on")
_MAX_QUOTE = 500
# The message of a failure of nova, which Atmosphere returns as a refusal (403) or a conflict (409).
_NOVA_FAILED = re.compile(r"(?:^|irrecoverable exception: )5\d\d ")
# The message of a launch that exceeds nova's quota, which Atmosphere returns as a conflict.
_NOVA_OVER_QUOTA = "403 forbidden quota exceeded"


def token_refused(reply: Response) -> bool:
    """Return whether the server refused the token of a request: it is unknown or has expired."""
    return reply.status == 403 and words(reply) == _NO_CREDENTIALS


def raise_for_status(reply: Response, task: str) -> Any:
    """Return the body of a successful response. Raises the error of any other.

    ``task`` begins the message, as in "Stopping geo-node-01 (1)".
    """
    if 200 <= reply.status < 300 and (reply.is_json or reply.status == 204):
        return reply.body
    raise error_from(reply, task)


def words(reply: Response) -> str:
    """Return the message in a response, whatever the shape of the body; "" without one."""
    return one_line(_flat(reply.body))[:_MAX_QUOTE] if reply.is_json else ""


def _flat(body: Any) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, (_flat(each) for each in body)))
    if not isinstance(body, dict):
        return ""
    if "errors" in body:
        return _flat(body["errors"])
    for key in ("detail", "message"):
        if key in body:
            return _flat(body[key])
    return "; ".join(f"{key}: {_flat(value)}" for key, value in body.items())


def error_from(reply: Response, task: str) -> JetstreamError:
    """Return the error for a response. ``task`` begins the message."""
    if not reply.is_json:
        return _not_json(reply, task)
    message = words(reply)
    why = f': "{message}" (HTTP {reply.status}).' if message else f" (HTTP {reply.status})."
    text = f"{task} was refused{why}"
    if reply.status in (403, 409) and _NOVA_FAILED.search(message):
        return ServerFault(f"{task} failed in the cloud{why}", status=reply.status)
    if reply.status == 409 and _NOVA_OVER_QUOTA in message.lower():
        return OverAllocation(text, status=409)
    if reply.status == 403:
        return _forbidden(message, text, reply)
    if reply.status == 503:
        return InMaintenance(f"Atmosphere is in maintenance{why}", status=503)
    if reply.status == 429:
        return RateLimited(f"{task} was rejected by the rate limit{why}", hint="Try again later.", status=429)
    if reply.status >= 500:
        return ServerFault(f"{task} failed in the cloud{why}", status=reply.status)
    kinds: dict[int, type[JetstreamError]] = {
        401: Refused,
        404: NotFound,
        409: Conflict,
        413: OverAllocation,
    }
    return kinds.get(reply.status, UnexpectedResponse)(text, status=reply.status)


def _forbidden(message: str, text: str, reply: Response) -> JetstreamError:
    if token_refused(reply):
        return AuthenticationFailed(
            "The token was refused: it is unknown to the server, or has expired (HTTP 403).",
            hint="Set username and password, so that a new token can be requested.",
            status=403,
        )
    if _DISABLED in message:
        return AuthenticationFailed(f'The account was refused: "{message}" (HTTP 403).', status=403)
    if any(each in message for each in _NOT_YOURS):
        return PermissionDenied(text, hint="It belongs to another user, or was deleted.", status=403)
    return Refused(text, status=403)


def _not_json(reply: Response, task: str) -> JetstreamError:
    kind = reply.content_type or "of an unknown type"
    if reply.status == 429:
        return RateLimited(f"{task} was rejected by the rate limit (HTTP 429).", hint="Try again later.", status=429)
    if 300 <= reply.status < 400:
        return UnexpectedResponse(
            f"{task} was redirected to {reply.location} (HTTP {reply.status}).",
            hint="Check api_url: redirects are not followed.",
            status=reply.status,
        )
    if reply.status >= 500:
        # The page of every error 5xx mentions maintenance. Actual maintenance is a 503 with JSON.
        return ServerFault(
            f"{task} failed: the server had an internal error (HTTP {reply.status}, {kind}).", status=reply.status
        )
    if kind == "application/json":
        return UnexpectedResponse(
            f"{task} failed: the response is truncated or malformed JSON (HTTP {reply.status}).",
            hint="Try again. If it persists, check the proxies between this machine and the server.",
            status=reply.status,
        )
    return UnexpectedResponse(
        f"{task} failed: the response is {kind}, not JSON (HTTP {reply.status}).",
        hint="Check that api_url is the address of an Atmosphere site.",
        status=reply.status,
    )
