# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims: a run claims a notice before it sends it, and other runs leave that notice alone for a while.

A claim ends with the delivery, with its failure, or after ``CLAIM``, so that a later run sends the notices of a killed
run.
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
    """The time at which a run claimed a notice, and the subject of the notice."""

    subject: SubjectT
    made: datetime

    def is_held(self, now: datetime) -> bool:
        """Whether its run may still be sending the notice."""
        return is_recent(now - self.made)


def is_recent(age: timedelta, longest: timedelta = CLAIM) -> bool:
    """Return whether a claim of this age is still valid. A claim in the future predates a clock that was set back."""
    return abs(age) < longest


def without(claims: Mapping[str, Claim[SubjectT]], channel: str) -> dict[str, Claim[SubjectT]]:
    """Return the claims of all other channels."""
    return {name: claim for name, claim in claims.items() if name != channel}
