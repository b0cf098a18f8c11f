# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Atmosphere: a real HTTP server over a simulated cloud. See README.md.

world = fleet(states={"active": 3, "shutoff": 2}, clock=ManualClock(), settings=Settings(transition=5))
with serve(world) as server:
    ...  # server.url, server.requests, server.faults, server.advance(60), server.world
"""

from __future__ import annotations

from .clock import Clock, ManualClock, SystemClock
from .faults import Fault, Faults
from .odd_values import Missing, Raw, nested
from .request_log import Logged, RequestLog
from .server import Server, serve
from .settings import RECORDED_DEPLOY, RECORDED_TRANSITION, Phases, Settings
from .streams import Stream
from .world.fleets import add_colleague, fleet
from .world.seed import SEEDS, BadSeed, load
from .world.state import World
from .world.trouble import Trouble
from .world.vm import STATES

__all__ = [
    "RECORDED_DEPLOY",
    "RECORDED_TRANSITION",
    "SEEDS",
    "STATES",
    "BadSeed",
    "Clock",
    "Fault",
    "Faults",
    "Logged",
    "ManualClock",
    "Missing",
    "Phases",
    "Raw",
    "RequestLog",
    "Server",
    "Settings",
    "Stream",
    "SystemClock",
    "Trouble",
    "World",
    "add_colleague",
    "fleet",
    "load",
    "nested",
    "serve",
]
