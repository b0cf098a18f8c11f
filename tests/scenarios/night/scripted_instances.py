# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances with a script of their use, which gives the output of the probe at any moment. Pure functions.

Counters are integrals over the script, so that any two readings of a boot are consistent.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import probe_text

_TICKS_PER_SECOND = 100
_IDLE_CORES = 0.002
_CPUS = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A time in seconds since 1970, from its start up to its end."""

    start: float
    end: float

    def holds(self, now: float) -> bool:
        """Return whether a moment is in the span."""
        return self.start <= now < self.end

    def passed(self, since: float, now: float) -> float:
        """Return the number of seconds of the span between two moments."""
        return max(0.0, min(self.end, now) - max(self.start, since))


@dataclass(slots=True)
class ScriptedInstance:
    """An instance, as the probe sees it. All times are in seconds since 1970, and its own clock is right.

    ``boots``: the times of its boots, oldest first. ``jobs``: the times of jobs, each with its number of cores.
    ``typing``: the times in which a person types, who stays logged in afterwards. ``unreachable``: the times without an
    ssh server. ``cut``: the times in which the output of the probe is cut off. ``kernels``: the number of Jupyter
    kernels, which are unused since the boot.
    """

    boots: list[float]
    jobs: list[tuple[Span, float]] = field(default_factory=list)
    typing: list[Span] = field(default_factory=list)
    unreachable: list[Span] = field(default_factory=list)
    cut: list[Span] = field(default_factory=list)
    kernels: int = 0

    def answers(self, now: float) -> bool:
        """Return whether its ssh server can be reached."""
        return not any(each.holds(now) for each in self.unreachable)

    def probe(self, now: float) -> str:
        """Return the output of the probe."""
        booted = max(each for each in self.boots if each <= now)
        text = probe_text(
            now - booted,
            probe=["format 1", "uid 0", f"clock {int(now)}"],
            boot=[str(uuid.uuid5(uuid.NAMESPACE_OID, repr(booted)))],
            cpu=[self._cpu(booted, now)],
            cpus=[str(_CPUS)],
            tty=self._terminals(now),
            **self._jupyter(booted),
        )
        return text[: len(text) // 2] if any(each.holds(now) for each in self.cut) else text

    def _cpu(self, booted: float, now: float) -> str:
        worked = (now - booted) * _IDLE_CORES + sum(span.passed(booted, now) * cores for span, cores in self.jobs)
        return f"{round(worked * _TICKS_PER_SECOND)} 0 0 {int((now - booted) * _TICKS_PER_SECOND)} 0 0 0 0 0 0"

    def _terminals(self, now: float) -> list[str]:
        keys = [min(each.end, now) for each in self.typing if each.start <= now]
        return [f"{34816 + number} 1000 {int(key)} {int(key)} -" for number, key in enumerate(keys)]

    def _jupyter(self, booted: float) -> dict[str, Any]:
        if not self.kernels:
            return {}
        used = _iso(booted + 60)
        kernel = ["kernel execution_state idle", f"kernel last_activity {used}"]
        return {"jupyter_812": ["port 8888", *kernel * self.kernels, "kernels 200", "terminals 200"]}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
