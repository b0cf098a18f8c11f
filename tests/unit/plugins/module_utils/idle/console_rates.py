# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the console of an instance misleads, by simulation. Prints the table of docs/idle.md:

    ./dev run python tests/unit/plugins/module_utils/idle/console_rates.py

What is simulated is Exosphere's look at the load: ``top`` twice within 150 ms, in ticks of 10 ms over all CPUs, rounded
to whole per cent. The look itself costs 2 to 20 ms of CPU time, and daemons wake up now and then.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.console import use_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import Settings

# Busy cores at the look of that number, of so many.
Job = Callable[[random.Random, int, int], float]

_TICKS = 15
_DAEMONS = 0.01
_LINES = 60
_START = 1_795_000_000


def _empty(_chance: random.Random, _number: int, _count: int) -> float:
    return 0.0


def _steady(cores: float) -> Job:
    return lambda _chance, _number, _count: cores


def _in_bursts(share: float) -> Job:
    return lambda chance, _number, _count: float(chance.random() < share)


def _lately(minutes: int) -> Job:
    return lambda _chance, number, count: float(number >= count - minutes)


EMPTY: Job = _empty
JOBS: Mapping[str, Job] = {
    "1 core": _steady(1.0),
    "0.5 cores": _steady(0.5),
    "0.2 cores": _steady(0.2),
    "0.2 cores in bursts": _in_bursts(0.2),
    "1 core, last 5 min": _lately(5),
}


def share_called_active(vcpus: int, job: Job, *, windows: int = 1000) -> float:
    """Return in which share of windows of an hour the console proves use."""
    chance = random.Random(f"{vcpus}")
    settings = Settings()
    now = float(_START + 60 * (_LINES - 1))
    found = 0
    for _window in range(windows):
        text = "\n".join(_line(vcpus, job(chance, number, _LINES), number, chance) for number in range(_LINES))
        found += use_of(text, vcpus=vcpus, settings=settings, now=now).finding is not None
    return found / windows


def _line(vcpus: int, cores: float, number: int, chance: random.Random) -> str:
    daemons = chance.random() < _DAEMONS * _TICKS
    ticks = chance.uniform(2, 20) / 10 + daemons + cores * _TICKS
    # The kernel counts whole ticks; where one begins is chance.
    whole = int(ticks) + (chance.random() < ticks - int(ticks))
    used = min(whole, vcpus * _TICKS) / (vcpus * _TICKS)
    idle = round(100 * (1 - used), 1)
    return json.dumps(
        {
            "epoch": _START + 60 * number,
            "cpuPctUsed": round(100 - idle),
            "memPctUsed": 5,
            "rootfsPctUsed": 5,
            "gpuPctUsed": None,
        }
    )


def _print_table() -> None:
    print(f"| vCPUs | empty, called active | {' | '.join(f'{name}, missed' for name in JOBS)} |")
    print(f"|---|---|{'---|' * len(JOBS)}")
    for vcpus in (1, 2, 4, 8, 16, 32, 64, 128):
        missed = [1 - share_called_active(vcpus, job) for job in JOBS.values()]
        print(f"| {vcpus} | {share_called_active(vcpus, EMPTY):.1%} | {' | '.join(f'{each:.1%}' for each in missed)} |")


if __name__ == "__main__":
    _print_table()
