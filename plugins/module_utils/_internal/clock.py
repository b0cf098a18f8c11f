# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time, behind a protocol, so that nothing in a test sleeps for real."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time, for code that waits or dates something."""

    def monotonic(self) -> float:
        """Return seconds that only ever go up."""

    def now(self) -> datetime:
        """Return the date and time, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Sleep for ``seconds``."""


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Return seconds that only ever go up."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Sleep for ``seconds``."""
        time.sleep(seconds)
