# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests with a token: a given one, a cached one, or that of a new login. Common to all clouds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from ..clock import Clock
from ..errors import AuthenticationFailed, JetstreamError
from .deadline import Deadline
from .session import Response
from .token_cache import LoginKey, Token, TokenCache

T = TypeVar("T")
Found = TypeVar("Found")
# A token that expires sooner is replaced before it is used.
_MARGIN = timedelta(minutes=1)
# After this number of logins in a row whose tokens the server refused, there are no more logins.
_MAX_FRUITLESS_LOGINS = 2


@dataclass(frozen=True, slots=True)
class Issued(Generic[T]):
    """A token that a login issued.

    ``value``: the object that requests are sent with. ``header``: the token itself, the value of the header. ``kept``:
    the text in the cache, from which the value can be restored. ``expires``: None if unknown.
    """

    value: T
    header: str = field(repr=False)
    kept: str = field(repr=False)
    expires: datetime | None


def is_token(value: object) -> bool:
    """Return whether a value is a text that can be sent as a token: printable ASCII, not empty, without spaces."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != "" and " " not in value


class Login(Protocol[T]):
    """Issues the tokens of one account at one server."""

    @property
    def key(self) -> LoginKey | None:
        """The key of its tokens in the cache; None if they cannot be cached."""

    def log_in(self) -> Issued[T] | None:
        """Request a token. Returns None if there are no credentials. Raises any JetstreamError."""

    def restored(self, kept: Token) -> Issued[T] | None:
        """Return a token from its cached form, or None if that cannot be parsed."""


class Tokens(Generic[T]):
    """Sends requests with a token. May be used by many threads at once: one of them logs in for all.

    A refused token leads to one login, even if it was issued in this run. If the server also refuses that login's
    token, before it has accepted the token for any request, there are no more logins: the server does not accept the
    tokens that it issues.
    """

    def __init__(
        self,
        login: Login[T],
        cache: TokenCache,
        clock: Clock,
        deadline: Deadline,
        *,
        hide: Callable[[str], None],
        given: Issued[T] | None = None,
        fresh: bool = False,
    ) -> None:
        """Send nothing yet.

        ``hide``: called with each token that is used, which must not appear in any output. ``given``: the first token.
        ``fresh``: log in even if a token is in the cache.
        """
        self._login = login
        self._cache = cache
        self._clock = clock
        self._deadline = deadline
        self._hide = hide
        self._fresh = fresh
        self._lock = threading.RLock()
        self._issued: Issued[T] | None = None
        self._expires: datetime | None = None
        self._fruitless_logins = 0
        self._refusal: AuthenticationFailed | None = None
        if given:
            self._use(given)

    def request(self, send: Callable[[T], Response], is_refused: Callable[[Response], bool]) -> Response:
        """Send a request with a token, and again with a new one if the token is refused. Returns the last response.

        Raises AuthenticationFailed if the login is refused, and the errors of ``send``. An error of the login has
        ``unsent`` set: the request was not sent, or was refused because of its token.
        """
        issued = self._of_login(self._current)
        reply = send(issued.value)
        if is_refused(reply):
            replacement = self._of_login(lambda: self._replacement(issued))
            if replacement is None:
                return reply
            issued, reply = replacement, send(replacement.value)
        if not is_refused(reply):
            self._served(issued)
        return reply

    def _of_login(self, get: Callable[[], Found]) -> Found:
        """Return a token by ``get``, and mark its errors: the request itself was not carried out."""
        try:
            return get()
        except JetstreamError as error:
            error.unsent = True
            raise

    def current(self) -> T:
        """Return a token that is valid for at least a minute. Logs in if there is none. Raises any JetstreamError."""
        return self._current().value

    def _current(self) -> Issued[T]:
        with self._lock:
            if self._issued is None or self._ends_soon(self._expires):
                issued = self._cached_or_new(refused=None)
                if issued is None:
                    raise AuthenticationFailed("There are no credentials to log in with.")
                self._use(issued)
                return issued
            return self._issued

    def _replacement(self, refused: Issued[T]) -> Issued[T] | None:
        """Return a token other than the refused one, or None if no login can provide it."""
        with self._lock:
            if self._issued is not refused:
                return self._issued
            if self._fruitless_logins >= _MAX_FRUITLESS_LOGINS:
                return None
            issued = self._cached_or_new(refused)
            if issued is not None:
                self._use(issued)
            return issued

    def _use(self, issued: Issued[T]) -> None:
        self._hide(issued.header)
        self._issued = issued
        # If the server's clock is behind, even its new tokens appear expired: they are used until it refuses them.
        self._expires = None if self._ends_soon(issued.expires) else issued.expires

    def _served(self, issued: Issued[T]) -> None:
        # Without the lock, since each request passes here. The only write is a reset to 0, which no thread can spoil.
        if self._fruitless_logins and self._issued is issued:
            self._fruitless_logins = 0

    def _ends_soon(self, expires: datetime | None) -> bool:
        return expires is not None and expires - self._clock.now() < _MARGIN

    def _cached_or_new(self, refused: Issued[T] | None) -> Issued[T] | None:
        """Return the cached token, or log in, while other threads and processes wait for the result."""
        key = self._login.key
        if key is None:
            return self._new(key)
        if refused is not None:
            self._cache.forget(key, refused.kept)
        if self._fresh:
            return self._new(key)
        cached = self._cached(key, refused)
        if cached is not None:
            return cached
        with self._cache.login_lock(key, self._deadline.left):
            return self._cached(key, refused) or self._new(key)

    def _cached(self, key: LoginKey, refused: Issued[T] | None) -> Issued[T] | None:
        kept = self._cache.load(key, self._clock.now())
        if kept is None or (refused is not None and kept.value == refused.kept):
            return None
        return self._login.restored(kept)

    def _new(self, key: LoginKey | None) -> Issued[T] | None:
        if self._refusal is not None:
            # Each waiting thread would send the wrong password again, until the server locks the account.
            raise self._refusal
        try:
            issued = self._login.log_in()
        except AuthenticationFailed as error:
            self._refusal = error
            raise
        if issued is not None:
            self._fruitless_logins += 1
            if key is not None and issued.expires is not None:
                self._cache.store(key, Token(issued.kept, issued.expires))
        return issued
