# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence for tests: the probe's text, section by section, and readings and intervals from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import Interval, Rate, SshUse
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.jobs import Job
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.readings import Reading, parse
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import Settings

BOOT = "9baa5772-2d5f-4790-8fc8-195786f99763"
OTHER_BOOT = "1c0ffee0-2d5f-4790-8fc8-195786f99763"
# The clock of the instance at its boot; the controller's is the same, and a reading is on its way for a moment.
BOOTED = 1_795_000_000
TRANSIT = 0.5
MINUTE = 60.0
DAY = 86_400.0
SETTINGS = Settings()


def probe_text(uptime: float, /, **sections: Any) -> str:
    """Return the output of the probe on an idle instance, that long after its boot.

    ``sections`` replace those of that name: a list of lines, None for a section that is missing, or a pair of status
    and lines. ``_`` in a name stands for a blank. A counter grows with the uptime as it does on an idle instance.
    """
    told: dict[str, Any] = {
        "probe": ["format 1", "uid 0", f"clock {BOOTED + int(uptime)}"],
        "boot": [BOOT],
        "uptime": [f"{uptime:.2f} {uptime * 2:.2f}"],
        # Ten milliseconds in five seconds: 0.002 cores.
        "cpu": [f"{int(uptime * 0.2)} 0 0 {int(uptime * 200)} 0 0 0 0 0 0"],
        "cpus": ["2"],
        "net": ["lo 5 5", f"eth0 {int(uptime * 300)} 0"],
        "snmp": ["Tcp:PassiveOpens 10", "Udp:InDatagrams 0"],
        "disk": ["vda 1000 500"],
        "tty": [],
        "procs": [],
        "conns": [],
        "listent": ["22 outside quiet"],
        "listenu": [],
        "due": ["at 0", "cron 0", "timer 0"],
        "inhibit": ["0"],
    }
    told |= {name.replace("_", " "): lines for name, lines in sections.items()}
    text = ""
    for name, lines in told.items():
        if lines is not None:
            status, body = lines if isinstance(lines, tuple) else (0, lines)
            text += "".join(f"{line}\n" for line in (f"== {name}", *body, f"=! {status}"))
    return f"{text}== end\n"


def reading(uptime: float, /, *, late: float = 0.0, **sections: Any) -> Reading:
    """Return a reading of an idle instance, changed as ``probe_text`` has it, that arrived ``late`` seconds late."""
    return parse(probe_text(uptime, **sections), taken=BOOTED + uptime + TRANSIT + late)


def readings(count: int, *, every: float = 15 * MINUTE, start: float = 10_000.0, **sections: Any) -> list[Reading]:
    """Return a number of readings of an idle instance."""
    return [reading(start + number * every, **sections) for number in range(count)]


def interval(number: int = 0, *, length: float = 15 * MINUTE, **numbers: Any) -> Interval:
    """Return an idle interval, the ``number``-th of its length, with the numbers that are given."""
    start = BOOTED + 10_000.0 + number * length
    return Interval(
        start=start, end=start + length, boot=BOOT, uptime=10_000.0 + number * length, longest_gap=length, **numbers
    )


def idle_hour(**last: Any) -> list[Interval]:
    """Return the intervals of an idle hour, the last one with these numbers."""
    return [*(interval(number) for number in range(3)), interval(3, **last)]


def end_of(intervals: Sequence[Interval]) -> float:
    """Return the controller's clock a moment after the last reading."""
    return intervals[-1].end + 1


# For each number of an interval, the least that its rule finds.
EVIDENCE: Mapping[str, Mapping[str, Any]] = {
    "cores": {"cores": 0.10},
    "iowait": {"iowait": 0.25},
    "net": {"net": 10_000.0},
    "disk_busy": {"disk_busy": 0.20},
    "disk": {"disk": 1_000_000.0},
    "keys": {"key_age": 60.0},
    "viewer": {"viewer": 500.0},
    "ssh": {"ssh": (SshUse(200.0, 1800.0),)},
    "busy kernel": {"busy_kernels": 1},
    "used kernel": {"jupyter_age": 60.0},
    "slurm": {"slurm": 1},
    "jobs": {"jobs": (Job("nohup", 60.0),)},
    "due": {"due": 1},
    "gpu": {"gpu": 5},
    "untold gpu": {"gpu_untold": 1},
    "web": {"accepted": 10.0, "web_ports": (80,)},
    "published": {"published": (Rate(8080, 10.0),)},
    "clients": {"client_ports": (1883,)},
    "udp": {"datagrams": 60.0, "udp_ports": (514,)},
    "inhibitor": {"inhibitors": 1},
}
