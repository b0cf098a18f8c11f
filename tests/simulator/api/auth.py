# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is asking: tokens, sessions, and the one page that gives them."""

from __future__ import annotations

import secrets
from http.cookies import SimpleCookie
from typing import Any

from ..world.records import Token
from .asking import Answer, Ask, Broken, Refusal, detail, error

_REFUSED = "Authentication request refused -- "
_SESSION_COOKIE, _CSRF_COOKIE = "atmo_sessionid", "atmo_csrftoken"


def identify(ask: Ask) -> None:
    """Find out who asks: by token, else by the session's cookie. Nobody is an answer, too: bad tokens raise nothing."""
    token = _token_of(ask) or _session_of(ask)
    if token is not None and token.user.is_active:
        ask.user = token.user


def not_logged_in() -> Refusal:
    """Return the one refusal for no token, an unknown one and an expired one."""
    return detail(403, "Authentication credentials were not provided.")


def account_disabled() -> Refusal:
    """Return v2's refusal to a user with an end date."""
    return detail(
        403,
        "The account you are using has been disabled. Please contact your Cloud Administrator for more information.",
    )


def log_in(ask: Ask) -> Answer:
    """POST /auth."""
    data = ask.data
    if not isinstance(data, dict):
        raise Broken
    username = data.get("username")
    if not username:
        raise error(400, _REFUSED + "Username missing")
    user = ask.world.users.get(username)
    if user is None or not user.is_active or data.get("password") != user.password:
        raise error(400, _REFUSED + "Username/Password combination was invalid")
    world = ask.world
    session = world.tokens[world.new_token(user, "Django-Session")]
    session_key = secrets.token_hex(16)
    world.sessions[session_key] = session
    token = world.tokens[world.new_token(user)]
    cookie = ("set-cookie", f"{_SESSION_COOKIE}={session_key}; Path=/; HttpOnly")
    return Answer(_shown(token), status=201, headers=[cookie, form_cookie()])


def form_cookie() -> tuple[str, str]:
    """Return the header with the cookie that forms need, which comes with every page and every login."""
    return "set-cookie", f"{_CSRF_COOKIE}={secrets.token_hex(32)}; Path=/"


def who_am_i(ask: Ask) -> Answer:
    """GET /auth, which knows sessions, but not tokens."""
    session = _session_of(ask)
    if session is not None:
        return Answer({"token": session.key, "username": session.user.username, "expires": _date(session)})
    if ask.user is not None:
        raise Broken
    raise Refusal(403, "Logged-in User or POST required to retrieve AuthToken")


def _shown(token: Token) -> dict[str, Any]:
    return {"username": token.user.username, "token": token.key, "expires": _date(token)}


def _date(token: Token) -> str:
    return token.expires.strftime("%b %d, %Y %H:%M:%S")


def _token_of(ask: Ask) -> Token | None:
    word, _space, key = ask.headers.get("authorization", "").partition(" ")
    if word.lower() != "token":
        return None
    token = ask.world.tokens.get(key.strip())
    return token if token is not None and ask.world.now() < token.expires else None


def _session_of(ask: Ask) -> Token | None:
    morsel = SimpleCookie(ask.headers.get("cookie", "")).get(_SESSION_COOKIE)
    return ask.world.sessions.get(morsel.value) if morsel else None
