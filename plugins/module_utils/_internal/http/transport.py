# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests to one server, with retries if these can do no harm, until the deadline. Independent of any API."""

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

    Every request ends: it has ``timeout`` seconds to connect, and as many for the whole response, however slowly that
    arrives. Retries end ``retry_timeout`` seconds after the first failure. Nothing continues past the deadline.
    """

    def __init__(
        self,
        base_url: str,
        settings: HttpSettings,
        clock: Clock,
        *,
        deadline: Deadline | None = None,
        ignore_content_type: bool = False,
        jitter: Jitter = any_pause,
    ) -> None:
        """Open no connection yet. ``jitter`` draws a pause from 0 to the given seconds.

        ``ignore_content_type``: whether to parse each body as JSON, whatever its ``Content-Type``.

        Raises ConfigurationError if the file ``ca_path`` of the settings has no certificates.
        """
        self._base_url = base_url
        self._settings = settings
        self._clock = clock
        self._deadline = deadline or Deadline(clock)
        self._jitter = jitter
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._has_responded = False
        self._closed = False
        self._session = Session(base_url, settings, ignore_content_type=ignore_content_type)

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
        """Send a request, retry it if that can do no harm, and return the last response, of any status.

        ``extra_time``: seconds added to the timeout, for a response that takes the server long.

        A GET, or a ``repeatable`` request, is sent again after a lost connection, a timeout, and 429, 502, 503 and 504.
        Any other request is sent again only if it was certainly not carried out: no connection was made, or the
        response was 429, or 503 with Retry-After. With ``once``, no response leads to a retry: a proxy may respond with
        503 although the server behind it carries out the request.

        Raises Unreachable without a response, and UnexpectedResponse if it is too large or damaged.
        """
        repeatable = repeatable or method == "GET"
        retries = Retries(self._clock, self._settings.retry_timeout, self._deadline, self._jitter)
        while True:
            self._wait_for_retry_after()
            try:
                reply = self._send(method, path, headers, params, data, extra_time)
            except Unreachable as error:
                if not (repeatable or error.unsent) or not error.transient:
                    raise
                if not retries.pause(never_connected=error.unsent and not self._has_responded):
                    raise
            else:
                self._has_responded = True
                retry_after = seconds_of(reply.retry_after, self._clock.now())
                if reply.status in RETRYABLE_STATUSES and retry_after:
                    self._hold_back(retry_after)
                if once or not _is_retryable(reply, retry_after, repeatable=repeatable):
                    return reply
                if not retries.pause(retry_after=retry_after or 0.0):
                    return reply

    def limit(self, until: float | None) -> None:
        """Set the deadline of this transport, and of all that share it. ``until``: see Deadline."""
        self._deadline.set(until)

    def close(self) -> None:
        """Close all connections. Requests that threads begin afterwards raise Unreachable with ``unsent``."""
        self._closed = True
        self._session.close()

    def _hold_back(self, seconds: float) -> None:
        """Hold back the requests of all threads for the seconds of a Retry-After, ``retry_timeout`` at most."""
        with self._lock:
            wait = min(seconds, self._settings.retry_timeout)
            self._not_before = max(self._not_before, self._clock.monotonic() + wait)

    def _wait_for_retry_after(self) -> None:
        """Sleep until the end of the server's Retry-After, which a later response may extend."""
        while True:
            with self._lock:
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


def _is_retryable(reply: Response, retry_after: float | None, *, repeatable: bool) -> bool:
    """Return whether a request may be sent again. ``retry_after``: the seconds of that header; None without one."""
    if reply.status not in RETRYABLE_STATUSES:
        return False
    if reply.status == 503 and reply.is_json and retry_after is None:
        # A 503 with a JSON body is maintenance (docs/atmosphere.md, Maintenance): it lasts for hours.
        return False
    return repeatable or reply.status == 429 or (reply.status == 503 and retry_after is not None)
