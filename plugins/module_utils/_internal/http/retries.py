# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The retries of a request: the pauses between them, and when to stop."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..clock import Clock
from .deadline import Deadline

# The statuses of a gateway whose server does not respond, and of a server that limits the rate of requests.
RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
# Seconds for retries of connections to a server that has never responded: probably, its address is mistyped.
_FIRST_CONTACT_TIMEOUT = 10.0

Jitter = Callable[[float], float]


def any_pause(longest: float) -> float:
    """Return a random pause of 0 to ``longest`` seconds, so that many clients do not retry at the same time."""
    return random.uniform(0, longest)


class Retries:
    """The retries of one request. They end ``retry_timeout`` seconds after its first failure, or at the deadline."""

    def __init__(self, clock: Clock, retry_timeout: float, deadline: Deadline, jitter: Jitter = any_pause) -> None:
        """Begin the first attempt now. ``jitter`` draws a pause from 0 to the given seconds."""
        self._clock = clock
        self._retry_timeout = retry_timeout
        self._deadline = deadline
        self._jitter = jitter
        self._begun = clock.monotonic()
        self._first_failure: float | None = None
        self._longest = _FIRST_PAUSE

    def pause(self, *, retry_after: float = 0.0, never_connected: bool = False) -> bool:
        """Sleep before the next attempt. Returns False, without a sleep, if no time is left for it.

        ``retry_after``: the seconds of the server's Retry-After, a minimum: a server that sends 0 or a past date is
        busy as well. ``never_connected``: no connection to the address was ever made.
        """
        now = self._clock.monotonic()
        if self._first_failure is None:
            self._first_failure = now
        end = self._first_failure + self._retry_timeout
        if never_connected:
            end = self._begun + min(self._retry_timeout, _FIRST_CONTACT_TIMEOUT)
        seconds = max(retry_after, self._jitter(self._longest))
        self._longest = min(self._longest * 2, _LONGEST_PAUSE)
        # A pause until the deadline would leave no time for the attempt itself.
        if now + seconds > end or now + seconds >= self._deadline.at:
            return False
        self._clock.sleep(seconds)
        return True


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date, at least 0; None if it is missing or neither."""
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
