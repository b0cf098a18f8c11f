# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consoles for tests, with the lines that Exosphere's instances print."""

from __future__ import annotations

import json
from typing import Any

NOW = 1_795_000_000.0
GOOD: dict[str, Any] = {"epoch": int(NOW), "cpuPctUsed": 12, "memPctUsed": 34, "rootfsPctUsed": 56, "gpuPctUsed": None}


def line(**changes: Any) -> str:
    return json.dumps(GOOD | changes)


def log(percents: list[int], *, end: float = NOW, every: int = 60, gpu: list[int] | None = None) -> str:
    """Return a console on which these shares were printed, a minute apart, the last one at the end."""
    first = int(end) - every * (len(percents) - 1)
    return "".join(
        f"{line(epoch=first + every * number, cpuPctUsed=percent, gpuPctUsed=gpu)}\r\n"
        for number, percent in enumerate(percents)
    )
