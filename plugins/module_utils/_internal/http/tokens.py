# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token for every request: one that was given, or the cache's, or a new one. The algorithm of every cloud's login."""

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
# A token that ends sooner is replaced before it is used.
_MARGIN = timedelta(minutes=1)
# After this number of consecutive tokens without a served request, another login would not help.
_FRUITLESS_LOGINS = 2


@dataclass(frozen=True, slots=True)
class Issued(Generic[T]):
    """A token that a login issued.

    ``value`` is what requests are sent with; ``header`` is the token itself, as it stands in a header; ``kept`` is what
    the cache keeps, from which the value can be restored.
    """

    value: T
    header: str = field(repr=False)
    kept: str = field(repr=False)
    expires: datetime | None


def is_token(value: object) -> bool:
    """Whether a value is text that can stand in a header as a token."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != "" and " " not in value


class Login(Protocol[T]):
    """A way to tokens at one server, for one account."""

    @property
    def key(self) -> LoginKey | None:
        """Where the cache keeps its tokens; None if they cannot be kept."""

    def log_in(self) -> Issued[T] | None:
        """Ask the server for a token. Returns None if there are no credentials. Raises any JetstreamError."""

    def restored(self, kept: Token) -> Issued[T] | None:
        """Return a token that the cache kept, or None if it cannot be read."""


class Tokens(Generic[T]):
    """Sends requests with a token. May be used by many threads at once: one of them logs in for all.

    A refused token leads to one login, also where this run itself had logged in. If the token of that login is refused
    as well, before any request was served with it, there are no more logins: the server does not take its own tokens.
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

        ``hide`` takes each token that is used, which must not appear in any output. ``given`` is a token to begin with;
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
        self._fruitless = 0
        self._refusal: AuthenticationFailed | None = None
        if given:
            self._use(given)

    def request(self, send: Callable[[T], Response], is_refused: Callable[[Response], bool]) -> Response:
        """Send a request with a token, and once more with another one if that is refused. Returns the last answer.

        Raises AuthenticationFailed if the login is refused, and the errors of ``send``. An error of the login has
        ``unsent``: the request was not sent, or was refused with its token.
        """
        issued = self._of_login(self._current)
        reply = send(issued.value)
        if is_refused(reply):
            another = self._of_login(lambda: self._another(issued))
            if another is None:
                return reply
            issued, reply = another, send(another.value)
        if not is_refused(reply):
            self._served(issued)
        return reply

    def _of_login(self, get: Callable[[], Found]) -> Found:
        try:
            return get()
        except JetstreamError as error:
            error.unsent = True
            raise

    def current(self) -> T:
        """Return a token that is good for a while. Logs in if there is none yet."""
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

    def _another(self, refused: Issued[T]) -> Issued[T] | None:
        """Return another token than the one refused, or None if there is no way to one."""
        with self._lock:
            if self._issued is not refused:
                return self._issued
            if self._fruitless >= _FRUITLESS_LOGINS:
                return None
            issued = self._cached_or_new(refused)
            if issued is not None:
                self._use(issued)
            return issued

    def _use(self, issued: Issued[T]) -> None:
        self._hide(issued.header)
        self._issued = issued
        # Where the server's clock is behind, its tokens have always ended: they serve until it refuses them.
        self._expires = None if self._ends_soon(issued.expires) else issued.expires

    def _served(self, issued: Issued[T]) -> None:
        # Read without the lock, since every request comes here: the guarded value is reset by the same value.
        if self._fruitless and self._issued is issued:
            self._fruitless = 0

    def _ends_soon(self, expires: datetime | None) -> bool:
        return expires is not None and expires - self._clock.now() < _MARGIN

    def _cached_or_new(self, refused: Issued[T] | None) -> Issued[T] | None:
        """Take the cache's token, or log in, while other threads and processes wait for the result."""
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
            # Threads that wait for one login would each try a wrong password again, until the account is locked.
            raise self._refusal
        try:
            issued = self._login.log_in()
        except AuthenticationFailed as error:
            self._refusal = error
            raise
        if issued is not None:
            self._fruitless += 1
            if key is not None and issued.expires is not None:
                self._cache.store(key, Token(issued.kept, issued.expires))
        return issued
