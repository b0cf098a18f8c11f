# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, one type for each thing a caller treats differently.

The text of every error is one sentence for a person: what failed, in the server's words where it gave any,
and what to do. No text ever holds a password or a token.
"""

from __future__ import annotations

import traceback


class JetstreamError(Exception):
    """Anything this collection refuses or could not do."""

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        """Take the sentence, what to do about it, and the HTTP status behind it if there was one."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status

    def __str__(self) -> str:
        """Return the sentence, with the hint behind it."""
        return f"{self.message} {self.hint}" if self.hint else self.message


class ConfigurationError(JetstreamError):
    """The settings contradict each other, miss something, or cannot be read."""


class SelectionError(JetstreamError):
    """The selection names something that is not there, or is ambiguous, or names nothing at all."""


class Unreachable(JetstreamError):
    """No answer came: name not found, connection refused or dropped, time is up, certificate not trusted.

    C(unsent): the request surely never reached the server. C(transient): it may go away by itself.
    """

    def __init__(self, message: str, *, hint: str | None = None, unsent: bool = False, transient: bool = True) -> None:
        """Take the sentence, what to do about it, and what is known of the request."""
        super().__init__(message, hint=hint)
        self.unsent = unsent
        self.transient = transient


class UnexpectedResponse(JetstreamError):
    """Something answered, but not as the API does: HTML, a redirect, a broken body, a status nobody expects."""


class ServerFault(JetstreamError):
    """The server answered with an error of its own (5xx), so what became of the request is not known."""


class AuthenticationFailed(JetstreamError):
    """Name and password, or the token, were refused. Ends a run: every further request would be refused too."""


class PermissionDenied(JetstreamError):
    """The account is known, but may not do this, or not to this instance."""


class NotFound(JetstreamError):
    """There is no such thing, or it belongs to somebody else: the API does not tell the two apart."""


class Conflict(JetstreamError):
    """The cloud refused an action because of the state the instance is in."""


class LockLost(JetstreamError):
    """The lock that was lifted for an action could not be put back. ``accepted``: whether the action was accepted."""

    def __init__(self, message: str, *, accepted: bool) -> None:
        """Take the sentence, and what became of the action."""
        super().__init__(message)
        self.accepted = accepted


class Refused(JetstreamError):
    """The cloud behind the API would not or could not do it, in its own words."""


class OverAllocation(JetstreamError):
    """The allocation is used up (HTTP 413)."""


class InMaintenance(JetstreamError):
    """The cloud is in maintenance, and said so. Ends a run."""


class RateLimited(JetstreamError):
    """The server asked to slow down (HTTP 429), for longer than the retries may take."""


# After these, every further request would fail the same way.
class BugFound(JetstreamError):
    """Something was raised that should never be: a mistake in this collection."""

    def __init__(self, error: Exception) -> None:
        """Take what was raised."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
        super().__init__(
            f"jetstream.cloud has a bug: {type(error).__name__}: {error}{where}.",
            hint="Please report it with this message and the output of: ansible-playbook --version",
        )


FATAL_ERRORS = (AuthenticationFailed, InMaintenance)
