# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The durations of checks on this machine, which estimate those of the next run."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping
from pathlib import Path


def load(path: Path) -> dict[str, float]:
    """Return the seconds of each check by its name; {} if no run has ended, or the file cannot be read."""
    try:
        durations = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): float(seconds) for name, seconds in durations.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def save(path: Path, measured: Mapping[str, float]) -> None:
    """Add measured seconds to the file. Raises OSError."""
    durations = load(path) | {name: round(seconds, 1) for name, seconds in measured.items()}
    path.write_text(f"{json.dumps(durations, indent=1, sort_keys=True)}\n", encoding="utf-8")


def expected(durations: Iterable[float], at_once: int) -> float:
    """Return the seconds of all checks together if they start in this order, ``at_once`` side by side."""
    ends = [0.0] * at_once
    for seconds in durations:
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)


def as_text(seconds: float) -> str:
    """Return a duration for people, rounded up: ``40 s``, ``3 min``."""
    return f"{-(-seconds // 10) * 10:.0f} s" if seconds < 90 else f"{-(-seconds // 60):.0f} min"
