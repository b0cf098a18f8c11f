# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests to Atmosphere with a token: a given one, a cached one, or that of a new login.

See docs/atmosphere.md, Login.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ...errors import AuthenticationFailed, JetstreamError, UnexpectedResponse
from ...http.deadline import Deadline
from ...http.session import Response
from ...http.token_cache import LoginKey, Token
from ...http.tokens import Issued, Tokens, is_token
from ...http.transport import Transport
from ..cloud_type import Surroundings
from .responses import error_from, token_refused, words
from .settings import AtmosphereSettings

# Without this header, every response is an HTML page.
_JSON = {"Accept": "application/json"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Login:
    """Sends requests as one user. May be used by many threads at once: one of them logs in for all."""

    def __init__(
        self, settings: AtmosphereSettings, transport: Transport, surroundings: Surroundings, deadline: Deadline
    ) -> None:
        """Send nothing yet."""
        self._settings = settings
        self._transport = transport
        self._tokens = Tokens(
            _PasswordLogin(settings, transport),
            surroundings.token_cache,
            surroundings.clock,
            deadline,
            hide=surroundings.hide,
            given=_issued(settings.token, None) if settings.token else None,
            fresh=surroundings.fresh,
        )

    @property
    def site(self) -> str:
        """The host and port of the site."""
        return urlsplit(self._settings.api_url).netloc.rpartition("@")[2]

    @property
    def username(self) -> str | None:
        """The name of the user; None if a token was given, which may belong to any user."""
        return None if self._settings.token else self._settings.username

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        extra_time: float = 0.0,
        once: bool = False,
    ) -> Response:
        """Send a request with a token, and again after a new login if the token is refused.

        ``extra_time`` and ``once``: see Transport.

        Raises AuthenticationFailed if the login or its token is refused, and the errors of Transport.
        """

        def send(token: str) -> Response:
            headers = {**_JSON, "Authorization": f"Token {token}"}
            return self._transport.request(
                method, path, headers=headers, params=params, data=data, extra_time=extra_time, once=once
            )

        reply = self._tokens.request(send, token_refused)
        if token_refused(reply):
            raise self._refusal(reply)
        return reply

    def _refusal(self, reply: Response) -> JetstreamError:
        """Return the error for a refused token, including the source of a given token."""
        error = error_from(reply, "The request")
        if _has_password(self._settings):
            error.hint = "It is the token of a new login, so this is a fault of the server. Try again later."
        elif "token" in self._settings.sources:
            error.hint = f"It comes from {self._settings.sources['token']}. {error.hint}"
        return error


class _PasswordLogin:
    """Logs in with username and password."""

    def __init__(self, settings: AtmosphereSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport

    @property
    def key(self) -> LoginKey | None:
        """The key of the tokens in the cache; None without a password."""
        if not _has_password(self._settings):
            return None
        return LoginKey(self._settings.api_url, self._settings.username or "", self._settings.password or "")

    def log_in(self) -> Issued[str] | None:
        """Request a token, with retries if the server is busy or the response is lost: a second login does no harm.

        Returns None without a password. Raises AuthenticationFailed, and other JetstreamErrors.
        """
        if not _has_password(self._settings):
            return None
        url, user = self._settings.api_url, self._settings.username
        credentials = {"username": user, "password": self._settings.password}
        reply = self._transport.request("POST", "/auth", headers=_JSON, data=credentials, repeatable=True)
        if reply.status == 400 and reply.is_json:
            where = self._settings.sources.get("password")
            raise AuthenticationFailed(
                f'{url} refused the login of {user}: "{words(reply)}" (HTTP 400).',
                hint="Check the password: the API has its own, which is not that of the web page."
                + (f" It comes from {where}." if where else ""),
                status=400,
            )
        if reply.status != 201 or not reply.is_json:
            raise error_from(reply, f"The login of {user} at {url}")
        issued = _issued_in(reply.body)
        if issued is None:
            raise UnexpectedResponse(f"The login at {url} failed: the response has no token.")
        return issued

    def restored(self, kept: Token) -> Issued[str] | None:
        """Return a token from its cached form."""
        return _issued(kept.value, kept.expires)


def _has_password(settings: AtmosphereSettings) -> bool:
    return bool(settings.username and settings.password)


def _issued(token: str, expires: datetime | None) -> Issued[str]:
    return Issued(value=token, header=token, kept=token, expires=expires)


def _issued_in(body: Any) -> Issued[str] | None:
    """Return the token in the response to a login; None without a valid token and its expiry."""
    try:
        value, expires = body["token"], expiry(str(body["expires"]))
    except (KeyError, TypeError, ValueError):
        return None
    return _issued(value, expires) if is_token(value) else None


def expiry(text: str) -> datetime:
    """Parse a time like "Nov 24, 2026 18:57:00", in UTC. The month is English in every locale.

    Raises ValueError for any other text.
    """
    month, day, year, clock = text.replace(",", " ").split()
    hour, minute, second = clock.split(":")
    return datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
