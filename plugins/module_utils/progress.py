# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a task on many instances has come, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How it stands C(seconds) after the start: of C(total), so many have ended, C(failed) of them badly.

    C(news) has a line for each that has ended since the last time, C(late) names those that have not.
    """

    total: int
    ended: int
    failed: int
    seconds: float
    news: tuple[str, ...]
    late: tuple[str, ...]


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Show nothing."""
