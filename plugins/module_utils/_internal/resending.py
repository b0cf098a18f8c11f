# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a change until it is done, and never twice where it may have been carried out. Knows no cloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .clock import Clock
from .errors import (
    FATAL_ERRORS,
    Conflict,
    JetstreamError,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)

Result = TypeVar("Result")
_REFUSALS, _TIMED_OUT, _FAULTS = 400, 408, 500
# Seconds before each read after a lost response: the cloud may still be busy with the request.
_BEFORE_READS = (3.0, 6.0)
# After as many reads that failed, the outcome stays unknown.
_FAILED_READS = 5
# A request that was not carried out, although it reached the cloud, is sent this often.
_ATTEMPTS = 3
# Pauses before a request is sent again that never reached the cloud: from, up to.
_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 60.0
# Modules without a time limit of their own resend for as many seconds.
_SECONDS = 120.0


def is_unsent(error: JetstreamError) -> bool:
    """Return whether a request was certainly not carried out, and may be sent again as it is."""
    return error.unsent or isinstance(error, RateLimited)


def leaves_open(error: JetstreamError) -> bool:
    """Return whether a request that ended with an error may have been carried out all the same."""
    if error.unsent or not isinstance(error, Unreachable | ServerFault | UnexpectedResponse):
        return False
    if isinstance(error, ServerFault):
        # Atmosphere says 403 or 409 for a failure of nova.
        return True
    # With these, a server or a proxy refuses what it does not carry out, whatever their body is.
    return error.status is None or error.status == _TIMED_OUT or not _REFUSALS <= error.status < _FAULTS


class Resender:
    """Sends changes by one clock, until a deadline, which is a time of its ``monotonic()``."""

    def __init__(self, clock: Clock, deadline: float | None = None) -> None:
        """Send nothing yet. Without a deadline, everything has to end within two minutes."""
        self._clock = clock
        self._deadline = clock.monotonic() + _SECONDS if deadline is None else deadline

    def send(self, request: Callable[[], Result], find: Callable[[], Result | None]) -> Result:
        """Send a request, and return its result.

        ``find`` reads whether it was carried out: it returns the result, or None if the cloud does not show one, and
        may raise any JetstreamError. A request that never reached the cloud is sent again until the deadline. One
        whose response was lost is looked for first, twice, and then sent again, three times in all.

        Raises the error of the last attempt. It is ``unclear`` if the request may have been carried out.
        """
        attempts: list[JetstreamError] = []
        try:
            return self._sent(request, find, attempts)
        except JetstreamError as error:
            # A request of several steps may have got further in an earlier attempt.
            error.changed = error.changed or any(each.changed for each in attempts)
            raise

    def _sent(
        self, request: Callable[[], Result], find: Callable[[], Result | None], failed: list[JetstreamError]
    ) -> Result:
        pause, attempts = _FIRST_PAUSE, 0
        while True:
            try:
                return request()
            except FATAL_ERRORS:
                raise
            except JetstreamError as error:
                failed.append(error)
                if is_unsent(error):
                    self._pause_or_raise(pause, error)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    continue
                if not leaves_open(error):
                    return self._refused(error, find, attempts)
                lost = error
            attempts += 1
            found = self._found(find, lost)
            if found is not None:
                return found
            if attempts >= _ATTEMPTS:
                raise lost

    def read(self, read: Callable[[], Result]) -> Result:
        """Return what a read returns. One that fails is repeated. Raises the error of the last attempt."""
        for pause in _BEFORE_READS:
            try:
                return read()
            except FATAL_ERRORS:
                raise
            except JetstreamError as error:
                if not (is_unsent(error) or leaves_open(error)):
                    raise
                self._pause_or_raise(pause, error)
        return read()

    def _refused(self, error: JetstreamError, find: Callable[[], Result | None], attempts: int) -> Result:
        """Raise a refusal, unless an earlier attempt was carried out after it had been looked for."""
        if attempts and isinstance(error, Conflict | NotFound | Refused):
            found = self._found(find, error)
            if found is not None:
                return found
        raise error

    def _found(self, find: Callable[[], Result | None], lost: JetstreamError) -> Result | None:
        """Look for the result of a request. Returns None if it was certainly not carried out.

        Raises ``lost``, marked as unclear, if that cannot be read in time.
        """
        failed, absent = 0, 0
        while absent < len(_BEFORE_READS):
            if not self._has_time(_BEFORE_READS[absent]) or failed >= _FAILED_READS:
                lost.unclear = True
                raise lost
            self._clock.sleep(_BEFORE_READS[absent])
            try:
                found = find()
            except FATAL_ERRORS as error:
                error.unclear = True
                raise
            except JetstreamError:
                failed += 1
                continue
            if found is not None:
                return found
            absent += 1
        return None

    def _pause_or_raise(self, pause: float, error: JetstreamError) -> None:
        is_final = isinstance(error, Unreachable) and not error.transient
        if is_final or not self._has_time(pause):
            raise error
        self._clock.sleep(pause)

    def _has_time(self, pause: float) -> bool:
        return self._clock.monotonic() + pause < self._deadline
