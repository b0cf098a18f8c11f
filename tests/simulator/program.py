# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a program: see serve.py."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .clock import ManualClock, SystemClock
from .server import Server
from .settings import Settings
from .world.seed import SEEDS, BadSeed, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal or the end of the time, and return the exit status."""
    options = _options(arguments)
    settings = Settings(
        transition=options.transition,
        deploy=options.deploy,
        latency=options.latency,
        v2_list_cost=options.list_cost,
        v1_list_cost=options.list_cost,
        detail_cost=options.detail_cost,
        workers=options.workers,
        token_lifetime=options.token_lifetime,
    )
    clock = ManualClock() if options.manual_clock else SystemClock()
    try:
        world = load(options.seed, clock=clock, settings=settings)
        server = Server(
            world,
            port=options.port,
            control=options.control,
            certfile=options.certfile,
            keyfile=options.keyfile,
        )
    except (BadSeed, OSError) as problem:
        print(f"serve.py: {problem}", file=sys.stderr)
        return 1
    asyncio.run(_serve(server, options))
    return 0


async def _serve(server: Server, options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    # The port accepts connections already. They get responses as soon as the server runs.
    if options.url_file:
        options.url_file.write_text(server.url + "\n", encoding="utf-8")
    print(server.url, flush=True)
    await server.run(options.max_seconds)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="serve.py", description="A stand-in Atmosphere, on loopback.")
    add = parser.add_argument
    add("--seed", type=Path, default=SEEDS / "demo.yaml", help="what exists (default: the demo)")
    add("--port", type=int, default=0, help="default: a free one")
    add("--url-file", type=Path, help="a file to write the address to; it is printed in any case")
    add("--max-seconds", type=float, help="end after so long (default: run until SIGTERM or SIGINT)")
    add("--transition", type=float, default=5.0, help="seconds from one state to the next (%(default)s)")
    add("--deploy", type=float, default=0.0, help="seconds from active to ready (%(default)s)")
    add("--latency", type=float, default=0.0, help="seconds that every request takes (%(default)s)")
    add("--list-cost", type=float, default=0.0, help="seconds that each instance adds to a list (%(default)s)")
    add("--detail-cost", type=float, default=0.0, help="seconds that one instance adds by itself (%(default)s)")
    add("--workers", type=int, help="requests worked on at once (default: all)")
    add("--token-lifetime", type=float, default=86400.0, help="seconds (%(default)s)")
    add("--certfile", type=Path, help="serve https, with this certificate")
    add("--keyfile", type=Path, help="and this key")
    add("--control", action="store_true", help="open /_simulator, to script faults, clock and states")
    add("--manual-clock", action="store_true", help="let time stand still, but for POST /_simulator/clock")
    return parser.parse_args(arguments)
