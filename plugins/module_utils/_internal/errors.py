# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the collection: one type for each that a caller handles differently.

The text of every error is one sentence for a person: what failed, in the server's words where it gave any,
and what to do. No text ever holds a password or a token.
"""

from __future__ import annotations

import traceback


class JetstreamError(Exception):
    """The base of all errors that the collection raises on purpose.

    ``unsent``: the request was certainly not carried out. It never reached the server, or its login failed.
    ``unclear``: the request may have been carried out, and that could not be found out. ``changed``: something was
    changed before the error.
    """

    unsent = False
    unclear = False
    changed = False

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        """Take the sentence, the remedy, and the HTTP status behind it if there was one."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status

    def __str__(self) -> str:
        """Return the sentence, with the hint behind it."""
        return f"{self.message} {self.hint}" if self.hint else self.message


class ConfigurationError(JetstreamError):
    """The settings contradict each other, are incomplete, or cannot be read."""


class SelectionError(JetstreamError):
    """The selection is empty or ambiguous, or names an instance or volume that does not exist."""


class Unreachable(JetstreamError):
    """No response came: name not found, connection refused or dropped, timeout, certificate not trusted.

    ``transient``: a retry may succeed.
    """

    def __init__(self, message: str, *, hint: str | None = None, unsent: bool = False, transient: bool = True) -> None:
        """Take the sentence, the remedy, and the facts about the request."""
        super().__init__(message, hint=hint)
        self.unsent = unsent
        self.transient = transient


class UnexpectedResponse(JetstreamError):
    """The response is not one of the API: HTML, a redirect, a broken body, an unexpected status."""


class ServerFault(JetstreamError):
    """The server responded with an error of its own (5xx), so the outcome of the request is unknown."""


class AuthenticationFailed(JetstreamError):
    """Name and password, or the token, were refused. Ends a run: every further request would be refused too."""


class PermissionDenied(JetstreamError):
    """The account is known, but may not do this, or not to this instance."""


class NotFound(JetstreamError):
    """It does not exist, or belongs to another user: the API does not distinguish the two."""


class Conflict(JetstreamError):
    """The cloud refused an action because of the state the instance is in."""


class LockLost(JetstreamError):
    """The lock that was lifted for an action could not be set again. ``accepted``: whether the action was accepted."""

    def __init__(self, message: str, *, accepted: bool, unsent: bool = False) -> None:
        """Take the sentence, and the facts about the action."""
        super().__init__(message)
        self.accepted = accepted
        self.unsent = unsent


class Refused(JetstreamError):
    """The cloud behind the API would not or could not do it, in its own words."""


class OverAllocation(JetstreamError):
    """The allocation is used up (HTTP 413)."""


class InMaintenance(JetstreamError):
    """The cloud reports maintenance. Ends a run."""


class RateLimited(JetstreamError):
    """The server limits the rate of requests (HTTP 429), for longer than the retries may take."""


class BugFound(JetstreamError):
    """An unexpected exception: a bug in this collection."""

    def __init__(self, error: Exception) -> None:
        """Take the exception."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
        super().__init__(
            f"jetstream.cloud has a bug: {type(error).__name__}: {error}{where}.",
            hint="Please report it with this message and the output of: ansible-playbook --version",
        )


# After these, every further request would fail the same way.
FATAL_ERRORS = (AuthenticationFailed, InMaintenance)
