# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that bring one thing, such as a volume or an image, to its desired state. No I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of a thing: an act of its kind, Wait or Impossible."""


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """The cloud is changing the thing. ``status``: the cloud's word for that."""

    status: str


@dataclass(frozen=True, slots=True)
class Impossible(Step):
    """The goal cannot be reached. ``problem`` is a clause, ``hint`` a sentence or ""."""

    problem: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The limits of a run. ``timeout``: seconds from ``begun`` on, a time of the clock's ``monotonic()``."""

    check_mode: bool
    wait: bool
    timeout: float
    begun: float

    def left(self, now: float) -> float:
        """Return the remaining seconds. ``now``: the clock's ``monotonic()``."""
        return self.begun + self.timeout - now
