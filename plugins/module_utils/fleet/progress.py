# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a task on many instances has come, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """An instance, as messages call it, and how it ended."""

    label: str
    message: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How it stands C(seconds) after the start: of C(total), so many have ended, C(failed) of them badly.

    C(goal): the state that all are to reach. C(asked): how many actions the cloud has taken so far. C(news):
    who has ended since the last time. C(late): who has not, with those first who set out first.
    """

    goal: str
    total: int
    ended: int
    failed: int
    asked: int
    seconds: float
    news: tuple[Arrival, ...]
    late: tuple[str, ...]


# Called by any thread, but by one at a time.
Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Show nothing."""
