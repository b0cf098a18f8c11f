# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token for every request: from the user, from the cache, or by logging in. See docs/atmosphere.md, Login."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ...clock import Clock
from ...errors import (
    AuthenticationFailed,
    JetstreamError,
    UnexpectedResponse,
)
from ...http.session import Response
from ...http.token_cache import Token, TokenCache
from ...http.transport import Transport
from ...settings.resolve import Connection
from .responses import error_from, token_refused, words

# Without it, every answer is an HTML page.
_JSON = {"Accept": "application/json"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Login:
    """Sends requests as one user. May be used by many threads at once: one of them logs in for all."""

    def __init__(
        self, connection: Connection, transport: Transport, cache: TokenCache, clock: Clock, *, fresh: bool = False
    ) -> None:
        """Send nothing yet. C(fresh): do not take a token from the cache."""
        self._connection = connection
        self._transport = transport
        self._cache = cache
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = connection.token
        self._logged_in = False
        self._fresh = fresh

    @property
    def site(self) -> str:
        """Return the host, with its port, that the login goes to."""
        return urlsplit(self._connection.api_url).netloc.rpartition("@")[2]

    @property
    def username(self) -> str | None:
        """Return the user that logs in. None where a token was given, which may be anybody's."""
        return None if self._connection.token else self._connection.username

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        extra_time: float = 0.0,
    ) -> Response:
        """Send a request with a token. A token that the server no longer knows leads to one new login.

        C(extra_time): see Transport. Raises AuthenticationFailed if there is no way to a token that the server takes.
        """
        token = self._current()
        reply = self._send(token, method, path, params, data, extra_time)
        if not token_refused(reply):
            return reply
        return self._send(self._another(token, reply), method, path, params, data, extra_time)

    def _send(
        self,
        token: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: Mapping[str, Any] | None,
        extra_time: float,
    ) -> Response:
        headers = {**_JSON, "Authorization": f"Token {token}"}
        return self._transport.request(method, path, headers=headers, params=params, data=data, extra_time=extra_time)

    def _current(self) -> str:
        with self._lock:
            if self._token is None:
                self._token = self._cached_or_new(refused=None)
            return self._token

    def _another(self, refused: str, reply: Response) -> str:
        """Return another token than the one refused, or raise what its refusal means."""
        with self._lock:
            if self._token is not None and self._token != refused:
                return self._token
            if self._logged_in or not self._may_log_in():
                raise self._refusal(reply)
            self._token = self._cached_or_new(refused)
            return self._token

    def _refusal(self, reply: Response) -> JetstreamError:
        """Return what it means that a token was refused, with where that came from if somebody gave it."""
        error = error_from(reply, "The request")
        where = self._connection.sources.get("token")
        if where and not self._logged_in:
            error.hint = f"It was taken from {where}. {error.hint}"
        return error

    def _may_log_in(self) -> bool:
        return bool(self._connection.username and self._connection.password)

    def _cached_or_new(self, refused: str | None) -> str:
        """Take the cache's token, or log in while others who want the same wait for what comes of it."""
        url, user = self._connection.api_url, self._connection.username or ""
        if self._fresh:
            return self._log_in(url, user)
        cached = self._cached(url, user, refused)
        if cached:
            return cached
        with self._cache.login_lock(url, user):
            return self._cached(url, user, refused) or self._log_in(url, user)

    def _cached(self, url: str, user: str, refused: str | None) -> str | None:
        if refused is not None:
            self._cache.forget(url, user, refused)
        token = self._cache.load(url, user, self._clock.now())
        return token.value if token else None

    def _log_in(self, url: str, user: str) -> str:
        credentials = {"username": user, "password": self._connection.password or ""}
        reply = self._transport.request("POST", "/auth", headers=_JSON, data=credentials)
        if reply.status == 400 and reply.is_json:
            where = self._connection.sources.get("password")
            raise AuthenticationFailed(
                f'{url} refused the login of {user}: "{words(reply)}" (HTTP 400).',
                hint="The API has a password of its own, not that of the web page."
                + (f" It was taken from {where}." if where else ""),
                status=400,
            )
        if reply.status != 201 or not reply.is_json:
            raise error_from(reply, f"The login of {user} at {url}")
        self._logged_in = True
        token = _token_in(reply.body)
        if token is None:
            raise UnexpectedResponse(f"The login at {url} was answered without a token.")
        self._cache.store(url, user, token)
        return token.value


def _token_in(body: Any) -> Token | None:
    """Return the token that a login was answered with, or None if there is none with a date."""
    try:
        value, expires = body["token"], expiry(str(body["expires"]))
    except (KeyError, TypeError, ValueError):
        return None
    return Token(value, expires) if isinstance(value, str) and value else None


def expiry(text: str) -> datetime:
    """Read "Nov 24, 2026 18:57:00", which is UTC and English whatever the locale is.

    Raises ValueError if it is something else.
    """
    month, day, year, clock = text.replace(",", " ").split()
    hour, minute, second = clock.split(":")
    return datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
