# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication: tokens, sessions, and the page that gives them."""

from __future__ import annotations

import secrets
from http.cookies import SimpleCookie
from typing import Any

from ..world.records import Token
from .exchange import Refusal, Request, Response, ServerError, detail, error

_REFUSED = "Authentication request refused -- "
_SESSION_COOKIE, _CSRF_COOKIE = "atmo_sessionid", "atmo_csrftoken"


def identify(request: Request) -> None:
    """Set the user of a request: by token, else by the session's cookie. A bad token sets none, and raises nothing."""
    token = _token_of(request) or _session_of(request)
    if token is not None and token.user.is_active:
        request.user = token.user


def not_logged_in() -> Refusal:
    """Return the one refusal for no token, an unknown one and an expired one."""
    return detail(403, "Authentication credentials were not provided.")


def account_disabled() -> Refusal:
    """Return v2's refusal to a user with an end date."""
    return detail(
        403,
        "The account you are using has been disabled. Please contact your Cloud Administrator for more information.",
    )


def log_in(request: Request) -> Response:
    """POST /auth."""
    data = request.data
    if not isinstance(data, dict):
        raise ServerError
    username = data.get("username")
    if not username:
        raise error(400, _REFUSED + "Username missing")
    user = request.world.users.get(username)
    if user is None or not user.is_active or data.get("password") != user.password:
        raise error(400, _REFUSED + "Username/Password combination was invalid")
    world = request.world
    session = world.tokens[world.new_token(user, "Django-Session")]
    session_key = secrets.token_hex(16)
    world.sessions[session_key] = session
    token = world.tokens[world.new_token(user)]
    cookie = ("set-cookie", f"{_SESSION_COOKIE}={session_key}; Path=/; HttpOnly")
    return Response(_shown(token), status=201, headers=[cookie, form_cookie()])


def form_cookie() -> tuple[str, str]:
    """Return the header with the cookie that forms need, which comes with every page and every login."""
    return "set-cookie", f"{_CSRF_COOKIE}={secrets.token_hex(32)}; Path=/"


def who_am_i(request: Request) -> Response:
    """GET /auth, which knows sessions, but not tokens."""
    session = _session_of(request)
    if session is not None:
        return Response({"token": session.key, "username": session.user.username, "expires": _date(session)})
    if request.user is not None:
        raise ServerError
    raise Refusal(403, "Logged-in User or POST required to retrieve AuthToken")


def _shown(token: Token) -> dict[str, Any]:
    return {"username": token.user.username, "token": token.key, "expires": _date(token)}


def _date(token: Token) -> str:
    return token.expires.strftime("%b %d, %Y %H:%M:%S")


def _token_of(request: Request) -> Token | None:
    word, _space, key = request.headers.get("authorization", "").partition(" ")
    if word.lower() != "token":
        return None
    token = request.world.tokens.get(key.strip())
    return token if token is not None and request.world.now() < token.expires else None


def _session_of(request: Request) -> Token | None:
    morsel = SimpleCookie(request.headers.get("cookie", "")).get(_SESSION_COOKIE)
    return request.world.sessions.get(morsel.value) if morsel else None
