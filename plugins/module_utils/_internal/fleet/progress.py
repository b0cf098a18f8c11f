# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of a task on many instances, for display."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completion:
    """The end of one instance's run: its label, and its final message."""

    label: str
    message: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """A snapshot, ``elapsed`` seconds after the start.

    ``goal`` is the requested state. Of ``total`` instances, ``ended`` have ended, ``failed`` of them with a failure.
    ``sent``: the number of actions that the cloud has accepted. ``completed``: instances that ended since the last
    snapshot. ``pending``: labels of the others, in the order in which their actions were accepted.
    """

    goal: str
    total: int
    ended: int
    failed: int
    sent: int
    elapsed: float
    completed: tuple[Completion, ...]
    pending: tuple[str, ...]


# May be called from any thread, but never from two at a time.
ProgressCallback = Callable[[Progress], None]


def no_progress(progress: Progress) -> None:
    """Show nothing."""
