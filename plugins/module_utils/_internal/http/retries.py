# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to go on sending one request again, and with which pauses."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..clock import Clock
from .deadline import Deadline

# The responses of a gateway without a server behind it, and of a server that limits the rate of requests.
RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
# Until a server has responded once, an address without a server is more likely mistyped than busy.
_FIRST_CONTACT_TIMEOUT = 10.0

Jitter = Callable[[float], float]


def any_pause(longest: float) -> float:
    """Draw a pause, so that many clients do not come back at the same time."""
    return random.uniform(0, longest)


class Retries:
    """The retries of one request. They end ``retry_timeout`` seconds after it failed first, and by the deadline."""

    def __init__(self, clock: Clock, retry_timeout: float, deadline: Deadline, jitter: Jitter = any_pause) -> None:
        """Begin when the request is sent first."""
        self._clock = clock
        self._retry_timeout = retry_timeout
        self._deadline = deadline
        self._jitter = jitter
        self._begun = clock.monotonic()
        self._failed_first: float | None = None
        self._longest = _FIRST_PAUSE

    def pause(self, *, asked: float = 0.0, stranger: bool = False) -> bool:
        """Sleep before another try. Returns False, without a sleep, if there is no time for one.

        ``asked`` are the seconds that the server asked for: a server that says 0, or a time that has passed, is busy
        all the same. ``stranger``: nobody answers at the address, and nobody ever did.
        """
        now = self._clock.monotonic()
        if self._failed_first is None:
            self._failed_first = now
        give_up = self._failed_first + self._retry_timeout
        if stranger:
            give_up = self._begun + min(self._retry_timeout, _FIRST_CONTACT_TIMEOUT)
        seconds = max(asked, self._jitter(self._longest))
        self._longest = min(self._longest * 2, _LONGEST_PAUSE)
        # At the deadline there is no time left for the try itself.
        if now + seconds > give_up or now + seconds >= self._deadline.at:
            return False
        self._clock.sleep(seconds)
        return True


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
