# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests to one server, again where that can do no harm, and never past the deadline. Knows no API."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..clock import Clock
from ..errors import Unreachable
from .deadline import Deadline
from .session import HttpSettings, Response, Session

# What a gateway answers when nobody behind it could be asked, or asked to wait.
_RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
# Until a server has answered once, an address that nobody answers at is more likely mistyped than busy.
_FIRST_CONTACT_TIMEOUT = 10.0


class Transport:
    """Sends requests to one server. May be used by many threads at once.

    Every request ends: it takes ``timeout`` seconds to connect, and as many until its whole answer is there, however
    slowly that comes. It is sent again for ``retry_timeout`` seconds after it failed first. Nothing of that goes past
    the deadline.
    """

    def __init__(
        self,
        base_url: str,
        settings: HttpSettings,
        clock: Clock,
        *,
        deadline: Deadline | None = None,
        json_by_any_name: bool = False,
        jitter: Callable[[float], float] = lambda longest: random.uniform(0, longest),
    ) -> None:
        """Open no connection yet. ``jitter`` draws a pause from 0 to the seconds it is given.

        ``json_by_any_name``: a body that is JSON is taken for that, whatever the server calls it.

        Raises ConfigurationError if there are no certificates in what the settings' ``ca_path`` names.
        """
        self._base_url = base_url
        self._settings = settings
        self._clock = clock
        self._deadline = deadline or Deadline(clock)
        self._jitter = jitter
        self._gate = threading.Lock()
        self._not_before = 0.0
        self._answered = False
        self._closed = False
        self._session = Session(base_url, settings, json_by_any_name=json_by_any_name)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        extra_time: float = 0.0,
        repeatable: bool = False,
    ) -> Response:
        """Send a request, again where that can do no harm, and return the last answer, whatever its status.

        ``extra_time``: seconds that the server may work on the answer beyond the timeout, since it is a long one.

        A GET, or what is ``repeatable``, is sent again after a lost connection, a time-out, and after 429, 502, 503 and
        504; anything else only where it was surely not carried out: no connection was made, or the server said 429, or
        503 with Retry-After.

        Raises Unreachable if no answer came, and UnexpectedResponse if one came that is too large or damaged.
        """
        repeatable = repeatable or method == "GET"
        longest = _FIRST_PAUSE
        begun = self._clock.monotonic()
        failed_first: float | None = None
        while True:
            self._wait_for_gate()
            try:
                reply = self._send(method, path, headers, params, data, extra_time)
            except Unreachable as error:
                if not (repeatable or error.unsent) or not error.transient:
                    raise
                if failed_first is None:
                    failed_first = self._clock.monotonic()
                if not self._pause(self._jitter(longest), self._end_of_retries(error, begun, failed_first)):
                    raise
            else:
                self._answered = True
                wait = seconds_of(reply.retry_after, self._clock.now())
                if not _is_retryable(reply, wait, repeatable=repeatable):
                    return reply
                if failed_first is None:
                    failed_first = self._clock.monotonic()
                self._close_gate(wait or 0.0)
                # A server that says 0, or a time that has passed, is overloaded all the same.
                pause = max(wait or 0.0, self._jitter(longest))
                if not self._pause(pause, failed_first + self._settings.retry_timeout):
                    return reply
            longest = min(longest * 2, _LONGEST_PAUSE)

    def limit(self, until: float | None) -> None:
        """Set the deadline of this transport, and of all that share it: a time of the clock's ``monotonic()``."""
        self._deadline.set(until)

    def close(self) -> None:
        """Give all connections back. What threads that are still at work would send from now on is not sent."""
        self._closed = True
        self._session.close()

    def _end_of_retries(self, error: Unreachable, begun: float, failed_first: float) -> float:
        if error.unsent and not self._answered:
            return begun + min(self._settings.retry_timeout, _FIRST_CONTACT_TIMEOUT)
        return failed_first + self._settings.retry_timeout

    def _pause(self, seconds: float, give_up: float) -> bool:
        """Sleep, unless that would go past the time to give up, or leave no time for another try."""
        until = self._clock.monotonic() + seconds
        if until > give_up or until >= self._deadline.at:
            return False
        self._clock.sleep(seconds)
        return True

    def _close_gate(self, seconds: float) -> None:
        """Hold back the requests of all threads: the server asked for it, and it means all of them."""
        with self._gate:
            wait = min(seconds, self._settings.retry_timeout)
            self._not_before = max(self._not_before, self._clock.monotonic() + wait)

    def _wait_for_gate(self) -> None:
        """Sleep until the time that the server asked for, which it may put off meanwhile."""
        while True:
            with self._gate:
                wait = self._not_before - self._clock.monotonic()
            if wait <= 0:
                return
            self._clock.sleep(min(wait, self._time_left()))

    def _time_left(self) -> float:
        """Return the seconds until the deadline. Raises Unreachable if there are none."""
        left = self._deadline.left
        if left <= 0:
            raise Unreachable("The request was not sent, since the time for it is over.", unsent=True, transient=False)
        return left

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        data: Mapping[str, Any] | None,
        extra_time: float,
    ) -> Response:
        if self._closed:
            raise Unreachable("The request was not sent, since the run has ended.", unsent=True, transient=False)
        left = self._time_left()
        timeouts = min(self._settings.timeout, left), min(self._settings.timeout + extra_time, left)
        return self._session.send(method, path, headers=headers, params=params, data=data, timeouts=timeouts)


def _is_retryable(reply: Response, wait: float | None, *, repeatable: bool) -> bool:
    """Whether a request may be sent again. ``wait``: the seconds that the server asked for, if it did."""
    if reply.status not in _RETRYABLE_STATUSES:
        return False
    if reply.status == 503 and reply.is_json and wait is None:
        # A 503 that explains itself is maintenance (docs/atmosphere.md, Maintenance): it lasts for hours.
        return False
    return repeatable or reply.status == 429 or (reply.status == 503 and wait is not None)


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """Read Retry-After, which is a number of seconds or a date. Returns None if it is neither, and 0 at least."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _seconds_until(retry_after, now)
    return None if math.isnan(seconds) else max(0.0, seconds)


def _seconds_until(date: str, now: datetime) -> float:
    try:
        until = parsedate_to_datetime(date)
        return ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return math.nan
