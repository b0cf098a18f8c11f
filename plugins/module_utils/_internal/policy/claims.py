# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims: a run that sets out to tell a channel something says so, and other runs leave that alone for a while.

A claim ends with the delivery, with its failure, or after ``CLAIM``: what a killed run has claimed is told by a later
one. Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

CLAIM = timedelta(minutes=30)

SubjectT = TypeVar("SubjectT")


@dataclass(frozen=True, slots=True)
class Claim(Generic[SubjectT]):
    """A run set out at a moment to tell something."""

    subject: SubjectT
    made: datetime

    def is_held(self, now: datetime) -> bool:
        """Whether that run may still be at it."""
        return is_recent(now - self.made)


def is_recent(age: timedelta, longest: timedelta = CLAIM) -> bool:
    """Whether a claim of that age still holds. One of the future was made before the clock was set back."""
    return abs(age) < longest


def without(claims: Mapping[str, Claim[SubjectT]], channel: str) -> dict[str, Claim[SubjectT]]:
    """Return claims by channel without that of one channel."""
    return {name: claim for name, claim in claims.items() if name != channel}
