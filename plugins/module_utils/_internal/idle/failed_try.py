# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last attempt to take a reading of an instance, if it failed. It is reported, and decides nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..text.terminal import one_line
from ..times import iso_of

_LONGEST = 200
_HIDDEN = "********"
# Of what a shell of the instance prints, only the words of sudo are known to hold nothing of its user.
_OF_SUDO = re.compile(r"^sudo: .+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FailedTry:
    """A try that failed. ``at``: seconds since 1970 by the controller's clock. ``reason``: one line, bounded."""

    at: float
    reason: str

    @classmethod
    def of(cls, at: float, reason: str, *, stderr: str = "", secrets: Iterable[str] = ()) -> FailedTry:
        """Return the try with a reason that may be stored.

        ``stderr``: what the instance printed, of which the words of sudo are kept. ``secrets`` are removed.
        """
        words = _OF_SUDO.search(stderr)
        text = f"{reason.rstrip('.')}: {words[0]}" if words else reason
        for each in secrets:
            text = text.replace(each, _HIDDEN)
        return cls(at, one_line(text.strip().rstrip("."))[:_LONGEST])

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> FailedTry:
        """Return it as it was stored. Raises ValueError, KeyError or TypeError for any other record."""
        return cls(float(record["at"]), str(record["reason"]))

    def to_record(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)

    def to_result(self) -> dict[str, Any]:
        """Return it as a module returns it."""
        return {"at": iso_of(self.at), "reason": self.reason}

    def as_clause(self, now: float) -> str:
        """Return it as a clause."""
        return f"the last attempt to read it, {_ago(now - self.at)}, failed: {self.reason}"


def _ago(seconds: float) -> str:
    """Return an age in words, in minutes, hours or days."""
    if seconds < 90:
        return "just now"
    for unit, length, most in (("minutes", 60.0, 100.0), ("hours", 3600.0, 48.0)):
        if seconds < most * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds / 86_400:.0f} days ago"
