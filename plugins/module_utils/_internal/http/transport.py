# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests to one server, again where that can do no harm, and never past the deadline. Knows no API."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

from ..clock import Clock
from ..errors import Unreachable
from .deadline import Deadline
from .retries import RETRYABLE_STATUSES, Jitter, Retries, any_pause, seconds_of
from .session import HttpSettings, Response, Session


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
        jitter: Jitter = any_pause,
    ) -> None:
        """Open no connection yet. ``jitter`` draws a pause from 0 to the seconds it is given.

        ``json_by_any_name``: a body that is JSON is parsed as such, with any content type.

        Raises ConfigurationError if there are no certificates in the settings' ``ca_path``.
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
        once: bool = False,
    ) -> Response:
        """Send a request, repeat it if that can do no harm, and return the last response, of any status.

        ``extra_time``: seconds that the server may work on the answer beyond the timeout, since it is a long one.

        A GET, or what is ``repeatable``, is sent again after a lost connection, a time-out, and after 429, 502, 503 and
        504; anything else only if it was certainly not carried out: no connection was made, or the server said 429, or
        503 with Retry-After. What is to be sent ``once`` is not sent again after any answer: a proxy in front of the
        server may say 503 for what the server carries out.

        Raises Unreachable if no answer came, and UnexpectedResponse if one came that is too large or damaged.
        """
        repeatable = repeatable or method == "GET"
        retries = Retries(self._clock, self._settings.retry_timeout, self._deadline, self._jitter)
        while True:
            self._wait_for_gate()
            try:
                reply = self._send(method, path, headers, params, data, extra_time)
            except Unreachable as error:
                if not (repeatable or error.unsent) or not error.transient:
                    raise
                if not retries.pause(stranger=error.unsent and not self._answered):
                    raise
            else:
                self._answered = True
                asked = seconds_of(reply.retry_after, self._clock.now())
                if reply.status in RETRYABLE_STATUSES and asked:
                    self._close_gate(asked)
                if once or not _is_retryable(reply, asked, repeatable=repeatable):
                    return reply
                if not retries.pause(asked=asked or 0.0):
                    return reply

    def limit(self, until: float | None) -> None:
        """Set the deadline of this transport, and of all that share it: a time of the clock's ``monotonic()``."""
        self._deadline.set(until)

    def close(self) -> None:
        """Give all connections back. What threads that are still at work would send from now on is not sent."""
        self._closed = True
        self._session.close()

    def _close_gate(self, seconds: float) -> None:
        """Hold back the requests of all threads: the server's Retry-After is for all of them."""
        with self._gate:
            wait = min(seconds, self._settings.retry_timeout)
            self._not_before = max(self._not_before, self._clock.monotonic() + wait)

    def _wait_for_gate(self) -> None:
        """Sleep until the time of the server's Retry-After, which a later response may extend."""
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
            raise Unreachable("The request was not sent, since the timeout is over.", unsent=True, transient=False)
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
        total = left if math.isfinite(left) else None
        return self._session.send(
            method, path, headers=headers, params=params, data=data, timeouts=timeouts, total=total
        )


def _is_retryable(reply: Response, asked: float | None, *, repeatable: bool) -> bool:
    """Whether a request may be sent again. ``asked``: the seconds of the server's Retry-After, if there is one."""
    if reply.status not in RETRYABLE_STATUSES:
        return False
    if reply.status == 503 and reply.is_json and asked is None:
        # A 503 that explains itself is maintenance (docs/atmosphere.md, Maintenance): it lasts for hours.
        return False
    return repeatable or reply.status == 429 or (reply.status == 503 and asked is not None)
