# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What readings of many instances cost the controller: ``./dev run python tests/benchmarks/readings.py 100 20``.

Runs the playbook ``activity`` on so many simulated instances, with so many forks. What ssh itself computes is not in
it: a small program stands for it, whose start costs less.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.scenarios.night.clock import SharedClock
from ansible_collections.jetstream.cloud.tests.scenarios.night.nights import Night
from ansible_collections.jetstream.cloud.tests.scenarios.night.scripted_instances import ScriptedInstance
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import Atmosphere


def main() -> None:
    """Print seconds of a first and of a second run."""
    hosts, forks = map(int, sys.argv[1:3])
    names = [f"node-{number:03}" for number in range(hosts)]
    with tempfile.TemporaryDirectory() as folder:
        night = Night(Path(folder), SharedClock.begin(Path(folder) / "clock", timedelta()))
        night.instances.update({name: ScriptedInstance([time.time() - 86_400]) for name in names})
        site = Atmosphere(night.clock, names)
        with site.served(night.home), night.on(site):
            for _run in range(2):
                begun, before = time.monotonic(), _computed()
                run = night.play("activity", forks=forks)
                said = run.of("Show the result")["msg"].splitlines()[0]
                print(f"{said} {time.monotonic() - begun:.1f} s, {_computed() - before:.1f} s of CPU time")


def _computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
