# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured workloads: the numbers of a minute of each, the verdict that was meant, and the rule that decides.

The first table are the workloads that the rules were fitted to, the second those that were tried afterwards, with the
verdict written down before each run. Numbers are means of a minute, measured on whole Debian 12 systems. Where nothing
is measured, nothing is given: it was nought, or too little to matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import Rate, SshUse
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.jobs import Job

IDLE = "idle"
ACTIVE = "active"
# A forgotten program, or one that a person waits for: no measurement separates them.
EITHER = "either"
# Active although no person works: that costs some money. docs/idle.md names each.
HELD = "held"


class Row(NamedTuple):
    """A workload: its name, the verdict that was meant, its numbers, and the rule that decides if it is active."""

    name: str
    meant: str
    numbers: Mapping[str, Any]
    rule: str = ""


def _jobs(kind: str, age: float = 75.0, count: int = 1) -> tuple[Job, ...]:
    return tuple(Job(kind, age + number) for number in range(count))


FITTED = (
    Row("empty machine", IDLE, {"cores": 0.002, "net": 310}),
    Row("login, nothing typed", IDLE, {"cores": 0.003, "net": 320, "key_age": 73, "terminals": 1, "logins": 1}),
    Row(
        "login, a key every 5 s", ACTIVE, {"cores": 0.004, "net": 430, "key_age": 0, "ssh": (SshUse(500, 900),)}, "keys"
    ),
    Row("login, watch", EITHER, {"cores": 0.004, "net": 440, "key_age": 72, "jobs": _jobs("foreground")}, "jobs"),
    Row("tmux detached, busy job", ACTIVE, {"cores": 0.4, "net": 280, "jobs": _jobs("foreground")}, "cores"),
    Row("tmux detached, nothing", IDLE, {"cores": 0.019, "net": 570, "key_age": 76, "accepted": 57}),
    Row("screen detached, nothing", IDLE, {"cores": 0.002, "net": 310, "key_age": 74}),
    Row("one-core loop under nohup", ACTIVE, {"cores": 0.44, "net": 280, "jobs": _jobs("nohup")}, "cores"),
    Row("5 % of a core", EITHER, {"cores": 0.049, "net": 280}),
    Row("20 % of a core", ACTIVE, {"cores": 0.154, "net": 280}, "cores"),
    Row("scp upload at 50 kB/s", ACTIVE, {"cores": 0.005, "net": 51_990}, "net"),
    Row("wget at 50 kB/s", ACTIVE, {"cores": 0.004, "net": 50_090}, "net"),
    Row("curl at 5 kB/s", EITHER, {"cores": 0.003, "net": 5_760}),
    Row("rsync download at 60 kB/s", ACTIVE, {"cores": 0.004, "net": 63_140}, "net"),
    Row("ssh -N tunnel, unused", IDLE, {"cores": 0.003, "net": 310, "ssh": (SshUse(0, 0),), "logins": 1}),
    Row("ssh -N, keepalive every 15 s", IDLE, {"cores": 0.004, "net": 320, "ssh": (SshUse(208, 112),), "logins": 1}),
    Row("ssh tunnel carrying a page load", ACTIVE, {"cores": 0.005, "net": 59_490, "accepted": 175}, "net"),
    Row("ControlMaster left over", IDLE, {"cores": 0.003, "net": 310, "ssh": (SshUse(0, 0),), "logins": 1}),
    Row("the probe itself every 15 s", IDLE, {"cores": 0.014, "net": 1_490, "accepted": 236}),
    Row("editor server over ssh, a message each 5 s", IDLE, {"cores": 0.003, "net": 370, "ssh": (SshUse(528, 528),)}),
    Row("random reads on a slow disk", ACTIVE, {"cores": 0.004, "disk": 164_000, "disk_busy": 0.924}, "disk"),
    Row("cron and journal noise", IDLE, {"cores": 0.004, "net": 290}),
    Row("web server, no request", IDLE, {"cores": 0.002, "net": 310, "web_ports": (80,)}),
    Row("web server, a request a minute", ACTIVE, {"cores": 0.004, "accepted": 58, "web_ports": (80,)}, "web"),
    Row("nohup job asleep", ACTIVE, {"cores": 0.003, "net": 310, "jobs": _jobs("nohup")}, "jobs"),
    Row("Jupyter, no browser", IDLE, {"cores": 0.004, "net": 450, "kernels": 1, "jupyter_age": 90}),
    Row("Jupyter, page open", IDLE, {"cores": 0.006, "net": 1_330, "accepted": 1_646, "jupyter_age": 90, "kernels": 1}),
    Row("Jupyter, cells now and then", ACTIVE, {"cores": 0.008, "accepted": 1_616, "jupyter_age": 1}, "jupyter"),
    Row("Jupyter, kernel computes", ACTIVE, {"cores": 0.384, "busy_kernels": 1, "jupyter_age": 1}, "cores"),
    Row("Jupyter, kernel sleeps in a cell", ACTIVE, {"cores": 0.006, "busy_kernels": 1, "jupyter_age": 70}, "jupyter"),
    Row("Jupyter, terminal open", IDLE, {"cores": 0.006, "net": 1_160, "key_age": 75, "jupyter_age": 75}),
    Row("Jupyter, typing in its terminal", ACTIVE, {"cores": 0.006, "key_age": 4, "jupyter_age": 4}, "keys"),
    Row("desktop, no viewer", IDLE, {"cores": 0.003, "net": 290, "key_age": 76}),
    Row("desktop, viewer, nothing done", IDLE, {"cores": 0.003, "net": 310, "key_age": 78}),
    Row("desktop, in use", ACTIVE, {"cores": 0.006, "net": 1_960, "viewer": 4_274, "key_age": 0}, "keys"),
    Row("desktop, mouse only", ACTIVE, {"cores": 0.004, "net": 1_120, "viewer": 1_622, "key_age": 79}, "viewer"),
    Row("tmux detached, sleeping job", ACTIVE, {"cores": 0.003, "key_age": 75, "jobs": _jobs("foreground")}, "jobs"),
    Row("Slurm, empty queue", IDLE, {"cores": 0.003, "net": 300, "accepted": 119}),
    Row("Slurm, job computes", ACTIVE, {"cores": 0.332, "accepted": 115, "slurm": 1}, "cores"),
    Row("Slurm, job sleeps", ACTIVE, {"cores": 0.003, "accepted": 116, "slurm": 1}, "slurm"),
    Row("Slurm, job pending", ACTIVE, {"cores": 0.004, "accepted": 116, "slurm": 1}, "slurm"),
)

UNSEEN = (
    Row(
        "code-server on a public port, page open",
        HELD,
        {"cores": 0.024, "web_ports": (8080,), "client_ports": (8080,)},
        "web",
    ),
    Row(
        "code-server on a public port, typing",
        ACTIVE,
        {"cores": 0.033, "web_ports": (8080,), "client_ports": (8080,)},
        "web",
    ),
    Row(
        "code-server by ssh -L, page open",
        HELD,
        {"cores": 0.028, "ssh": (SshUse(1371, 1264),), "jobs": _jobs("service")},
        "jobs",
    ),
    Row(
        "code-server by ssh -L, page open, after 72 h",
        IDLE,
        {"cores": 0.028, "ssh": (SshUse(1371, 1264),), "jobs": _jobs("service", 260_000)},
    ),
    Row(
        "code-server by ssh -L, typing, after 72 h",
        ACTIVE,
        {"cores": 0.039, "ssh": (SshUse(20_628, 16_808),), "jobs": _jobs("service", 260_000)},
        "ssh",
    ),
    Row("R in screen, asleep between steps", ACTIVE, {"cores": 0.0016, "net": 56, "jobs": _jobs("foreground")}, "jobs"),
    Row("R in tmux of root, asleep", ACTIVE, {"cores": 0.0018, "net": 52, "jobs": _jobs("foreground")}, "jobs"),
    Row("ffmpeg at 1 frame a second as a service", ACTIVE, {"cores": 0.006, "jobs": _jobs("service")}, "jobs"),
    Row("rsync upload at 20 kB/s", ACTIVE, {"cores": 0.003, "net": 21_723}, "net"),
    Row("rclone upload at 8 kB/s", ACTIVE, {"cores": 0.0023, "net": 8_791, "jobs": _jobs("service")}, "jobs"),
    Row("mosh, idle", IDLE, {"cores": 0.0023, "net": 129, "datagrams": 1_252, "key_age": 127, "terminals": 1}),
    Row("mosh, typed", ACTIVE, {"cores": 0.003, "net": 211, "datagrams": 2_445, "key_age": 9}, "keys"),
    Row("mosh, client gone", IDLE, {"cores": 0.0023, "net": 51, "key_age": 132, "terminals": 1}),
    Row(
        "Streamlit on a public port, page open",
        HELD,
        {"cores": 0.009, "web_ports": (8501,), "client_ports": (8501,)},
        "web",
    ),
    Row(
        "Streamlit on a public port, a click each 30 s",
        ACTIVE,
        {"cores": 0.0146, "web_ports": (8501,), "client_ports": (8501,)},
        "web",
    ),
    Row(
        "Streamlit by ssh -L, page open",
        HELD,
        {"cores": 0.009, "ssh": (SshUse(87, 87),), "jobs": _jobs("service")},
        "jobs",
    ),
    Row(
        "Streamlit by ssh -L, a click each 30 s, after 72 h",
        ACTIVE,
        {"cores": 0.0154, "ssh": (SshUse(874, 9_111),), "jobs": _jobs("service", 260_000)},
        "ssh",
    ),
    Row("Flask, a request each 30 s", ACTIVE, {"cores": 0.0025, "accepted": 60, "web_ports": (5000,)}, "web"),
    Row(
        "PostgreSQL, an outside client does nothing",
        EITHER,
        {"cores": 0.0018, "web_ports": (5432,), "client_ports": (5432,)},
        "web",
    ),
    Row("PostgreSQL, a query a minute", ACTIVE, {"cores": 0.0022, "accepted": 60, "web_ports": (5432,)}, "web"),
    Row("PostgreSQL by ssh -L, a query a minute", ACTIVE, {"cores": 0.0026, "ssh": (SshUse(1284, 2301),)}, "ssh"),
    Row(
        "Redis, an outside subscriber", EITHER, {"cores": 0.0035, "web_ports": (6379,), "client_ports": (6379,)}, "web"
    ),
    Row(
        "mosquitto, a message each 10 s",
        ACTIVE,
        {"cores": 0.0018, "web_ports": (1883,), "client_ports": (1883,)},
        "web",
    ),
    Row(
        "MQTT collector as a system service of a person",
        ACTIVE,
        {"cores": 0.002, "net": 66, "jobs": _jobs("service")},
        "jobs",
    ),
    Row("cron job of a person, 20 s of 10 min", ACTIVE, {"cores": 0.0017, "due": 1}, "due"),
    Row("user service that polls each 30 s", ACTIVE, {"cores": 0.0021, "net": 104, "jobs": _jobs("service")}, "jobs"),
    Row("at job in 3 hours", ACTIVE, {"cores": 0.0022, "due": 1}, "due"),
    Row("multiprocessing on a lock, setsid", ACTIVE, {"cores": 0.002, "jobs": _jobs("session")}, "jobs"),
    Row("multiprocessing on a lock, nohup", ACTIVE, {"cores": 0.002, "jobs": _jobs("nohup")}, "jobs"),
    Row(
        "dask, scheduler and idle worker as services",
        HELD,
        {"cores": 0.036, "web_ports": (8786, 8787), "jobs": _jobs("service", count=2)},
        "jobs",
    ),
    Row(
        "dask, the same after 72 h",
        IDLE,
        {"cores": 0.036, "web_ports": (8786, 8787), "jobs": _jobs("service", 260_000, 2)},
    ),
    Row(
        "dask, task asleep, outside client",
        ACTIVE,
        {"cores": 0.04, "web_ports": (8786,), "client_ports": (8786,)},
        "web",
    ),
    Row(
        "dask, task asleep, client left",
        ACTIVE,
        {"cores": 0.038, "web_ports": (8786,), "jobs": _jobs("service", count=2)},
        "jobs",
    ),
    Row("nbconvert under nohup, cell asleep", ACTIVE, {"cores": 0.0026, "jobs": _jobs("nohup")}, "jobs"),
    Row("nbconvert with disown, cell asleep", ACTIVE, {"cores": 0.0023, "jobs": _jobs("session")}, "jobs"),
    Row("container, job at 0.3 cores", ACTIVE, {"cores": 0.57}, "cores"),
    Row("container, sleeping job", ACTIVE, {"cores": 0.0128, "jobs": _jobs("container"), "containers": 1}, "jobs"),
    Row("container with a published port, unused", IDLE, {"cores": 0.005, "web_ports": (8088,), "containers": 1}),
    Row(
        "container with a published port, a request each 30 s",
        ACTIVE,
        {"cores": 0.015, "published": (Rate(8088, 120),)},
        "web",
    ),
    Row("container with a published port, a client stays", ACTIVE, {"cores": 0.005, "client_ports": (8088,)}, "web"),
    Row("rsyslog over UDP, a line each 10 s", ACTIVE, {"cores": 0.0018, "datagrams": 358, "udp_ports": (514,)}, "udp"),
    Row("tail -f in tmux", EITHER, {"cores": 0.0023, "jobs": _jobs("foreground")}, "jobs"),
    Row("less in tmux", EITHER, {"cores": 0.0018, "jobs": _jobs("foreground")}, "jobs"),
    Row("xclock, no viewer", IDLE, {"cores": 0.0025, "net": 47, "key_age": 562}),
    Row("xclock each second, viewer idle", IDLE, {"cores": 0.0028, "net": 376}),
    Row("xfce, no viewer", IDLE, {"cores": 0.0023, "net": 62}),
    Row("apt-get install", EITHER, {"cores": 0.1213, "net": 53}, "cores"),
    Row("500 MB held by a service of a person", EITHER, {"cores": 0.0022, "jobs": _jobs("service")}, "jobs"),
    Row("sshfs mount, idle", IDLE, {"cores": 0.003, "net": 69}),
    Row("ping over UDP each 25 s", IDLE, {"cores": 0.0028, "net": 51}),
    Row(
        "node_exporter, scraped each 15 s", IDLE, {"cores": 0.0051, "net": 6_721, "accepted": 179, "web_ports": (9100,)}
    ),
    Row("node_exporter, and 20 ssh scans a minute", IDLE, {"cores": 0.02, "net": 7_100, "web_ports": (9100,)}),
    Row("fail2ban, 20 ssh scans a minute", IDLE, {"cores": 0.0152}),
    Row("nginx unused, 20 ssh scans a minute", IDLE, {"cores": 0.0142, "web_ports": (80,)}),
    Row("chrony", IDLE, {"cores": 0.0017, "net": 50, "udp_ports": (323,)}),
    Row("snmpd, polled each 20 s", IDLE, {"cores": 0.0036, "net": 409, "datagrams": 6_971, "udp_ports": (161,)}),
    Row(
        "daemon of a person that listens, unused",
        HELD,
        {"cores": 0.002, "web_ports": (50000,), "jobs": _jobs("service")},
        "jobs",
    ),
    Row("the same after 72 h", IDLE, {"cores": 0.002, "web_ports": (50000,), "jobs": _jobs("service", 260_000)}),
    Row("root types over ssh", ACTIVE, {"cores": 0.0035, "ssh": (SshUse(525, 1407),), "key_age": 2}, "keys"),
    Row("nohup as root, asleep", ACTIVE, {"cores": 0.002, "jobs": _jobs("nohup")}, "jobs"),
    Row("nohup, forgotten for 80 h", IDLE, {"cores": 0.002, "jobs": _jobs("nohup", 288_000)}),
    Row("forgotten Exosphere VM, no web server", IDLE, {"cores": 0.0283, "net": 370, "containers": 2}),
    Row(
        "forgotten Exosphere VM with a web server, scans", IDLE, {"cores": 0.0302, "web_ports": (80,), "containers": 2}
    ),
    Row(
        "services and a container started by an admin over ssh",
        IDLE,
        {"cores": 0.0152, "web_ports": (80,), "containers": 1},
    ),
    Row(
        "Jupyter by ssh -L, page open",
        IDLE,
        {"cores": 0.005, "net": 1_177, "accepted": 1_489, "jupyter_age": 132, "kernels": 1},
    ),
)
