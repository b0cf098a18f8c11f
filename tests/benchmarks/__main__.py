# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure everything, keep the figures, and write them into docs/performance.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible import __version__ as ansible_version
from ansible_collections.jetstream.cloud.tests.benchmarks.contenders import Contender, contenders
from ansible_collections.jetstream.cloud.tests.benchmarks.measures import (
    LOOPS,
    Stopped,
    empty_task,
    floor_seconds,
    inventory,
    loop_of_infos,
    memory_of_info,
    nothing_to_do,
    stop_fleet,
)
from ansible_collections.jetstream.cloud.tests.benchmarks.stage import BARE, REAL
from ansible_collections.jetstream.cloud.tests.benchmarks.watch import end_all

ROOT = Path(__file__).resolve().parents[2]
SITES = {"bare": BARE, "real": REAL}
# Runs of fleets up to this size are short enough to be repeated.
_SHORT = 100
_OF_INVENTORY = 1000
# The fleets that are stopped a second time.
_AGAIN = {"bare": (100, 1000), "real": (100,)}


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    # Ended by kill, end what was started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    if options.measure:
        options.results.parent.mkdir(parents=True, exist_ok=True)
        options.results.write_text(json.dumps(_measured(options), indent=1))
    # Here, not at the beginning: a process that is started counts what its parent held, and matplotlib is large.
    from ansible_collections.jetstream.cloud.tests.benchmarks.report import write_report

    write_report(json.loads(options.results.read_text()), ROOT / "docs")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    add = parser.add_argument
    add("--sizes", type=_sizes, default=(10, 100, 1000, 5000), help="how many instances, as in 10,100 (%(default)s)")
    add("--patience", type=float, default=900.0, help="seconds that one run may be expected to take (%(default)s)")
    add("--atmosphere-cli", type=Path, help="the program atmo of atmosphere-cli 1.0.0; without it, that is left out")
    add("--results", type=Path, default=ROOT / ".cache" / "benchmarks.json", help="where to keep the figures")
    add("--only-report", dest="measure", action="store_false", help="measure nothing, write the report anew")
    return parser.parse_args()


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(word) for word in text.split(",")))


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    empty = empty_task()
    _say(f"empty task: {empty:.2f} s")
    figures: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "ansible": ansible_version},
        "empty_task": empty,
        "patience": options.patience,
        "sites": {},
    }
    largest = options.sizes[-1]
    for name, costs in SITES.items():
        nothing = {}
        for size in (each for each in _AGAIN[name] if each <= largest):
            pair = nothing[str(size)] = nothing_to_do(size, costs, empty)
            _say(f"{name}: nothing to do, {size} instances: {pair.ours:.2f} s against {pair.other:.2f} s")
        figures["sites"][name] = {
            "costs": asdict(costs),
            "nothing_to_do": {size: asdict(pair) for size, pair in nothing.items()},
            "floor": {str(size): floor_seconds(size, costs, empty) for size in options.sizes},
            "ways": _ways(name, options),
        }
    figures["inventory"] = {name: asdict(inventory(_OF_INVENTORY, costs)) for name, costs in SITES.items()}
    _say(f"inventory of {_OF_INVENTORY}: {figures['inventory']}")
    for what, pair in {"loop": loop_of_infos(), "memory": memory_of_info(largest)}.items():
        _say(f"{what}: {pair.ours:.1f} against {pair.other:.1f}")
        figures[what] = asdict(pair)
    return figures | {"loops": LOOPS, "inventory_of": _OF_INVENTORY, "memory_at": largest}


def _ways(site: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure all ways: ours alone, then the others side by side, each of which does little but wait."""
    ours, *others = contenders(options.atmosphere_cli)
    runs = [list(_runs(ours, site, options))]
    with ThreadPoolExecutor(len(others)) as pool:
        try:
            runs += pool.map(lambda way: list(_runs(way, site, options)), others)
        except BaseException:
            # The pool waits for what it has begun.
            end_all()
            raise
    return [
        {"name": way.name, "about": way.about, "waits": way.waits, "runs": rows}
        for way, rows in zip([ours, *others], runs, strict=True)
    ]


def _runs(way: Contender, site: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure one way at all sizes, until that would take too long."""
    last: Stopped | None = None
    for size in options.sizes:
        why = _not_run(way, size, last, options.patience)
        if why:
            _say(f"{site}: {way.name}, {size} instances: not run, {why}")
            yield {"instances": size, "not_run": why}
            continue
        times = 3 if size <= _SHORT and way.name == "one task" else 1
        last = stop_fleet(way, size, SITES[site], times)
        _say(f"{site}: {way.name}, {size} instances: {last.seconds:.1f} s, {last.requests} requests")
        yield asdict(last)


def _not_run(way: Contender, size: int, last: Stopped | None, patience: float) -> str | None:
    """Return why a run is not made: it cannot be, or takes too long by what a smaller fleet took."""
    if way.at_most is not None and size > way.at_most:
        return f"it lists {way.at_most} instances at most"
    if last is not None and way.name != "one task" and last.seconds * size / last.instances > patience:
        return f"it would take more than {patience:.0f} s"
    return None


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
