# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop a fleet on one real nova, by jetstream.cloud and by openstack.cloud, and write docs/performance.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import openstack.version
from ansible import __version__ as ansible_version
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side import large
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.report import write_report
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.runs import OperationRunner, Run
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.ways import OURS, WAYS
from ansible_collections.jetstream.cloud.tests.benchmarks.versions import version_of_nova, version_of_openstack_cloud
from ansible_collections.jetstream.cloud.tests.openstack import cloud, packages
from ansible_collections.jetstream.cloud.tests.openstack.fleet import FleetState

ROOT = Path(__file__).resolve().parents[3]
FLEET = 20
MIX: Mapping[FleetState, int] = {"active": 13, "suspended": 5, "locked": 1, "error": 1}
ALL_STOPPED = {"SHUTOFF": FLEET}
# A run takes twenty minutes. The cloud ends by itself when something hangs.
_LONGEST = 3600.0


class UnexpectedOutcome(Exception):
    """Something did not do what it was measured for."""


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    # Ended by kill, end what was started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    if options.measure:
        kept = json.loads(options.results.read_text()) if options.only_large else {}
        figures = {**kept, **(_large(options) if options.only_large else _measured(options))}
        options.results.parent.mkdir(parents=True, exist_ok=True)
        options.results.write_text(json.dumps(figures, indent=1))
    write_report(json.loads(options.results.read_text()), ROOT / "docs")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-openstack", description=__doc__)
    add = parser.add_argument
    add(
        "--times",
        type=int,
        default=3,
        help="how often the fleet is stopped; the run in the middle counts (%(default)s)",
    )
    add("--collections", type=Path, required=True, help="the folder with ansible_collections/openstack/cloud")
    add("--client", type=Path, required=True, help="the program openstack of python-openstackclient")
    add("--large", type=_sizes, default=(100, 300), help="large fleets, as in 100,300 (%(default)s)")
    add("--results", type=Path, default=ROOT / ".cache" / "bench-openstack.json", help="where to keep the figures")
    add("--only-large", action="store_true", help="measure the large fleets alone, and keep the other figures")
    add("--only-report", dest="measure", action="store_false", help="measure nothing, write the report anew")
    options = parser.parse_args()
    if options.only_large and not options.results.exists():
        parser.error(f"--only-large: there are no other figures in {options.results}")
    return options


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    collections, times = options.collections, options.times
    # Before anything is started, to know what else was going on.
    load = [os.getloadavg()[0]]
    with cloud.running(packages.cache_dir() / "run-of-benchmark", max_seconds=_LONGEST, say=_say) as js2:
        js2.clear()
        _warm_up(js2, collections)
        stopped = _stopped(js2, collections, times, load)
        mixed = _mixed(js2, collections)
        fleets = _large_fleets(js2, options)
    return {
        **fleets,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": load},
        "versions": {
            "ansible-core": ansible_version,
            "openstack.cloud": version_of_openstack_cloud(collections),
            "openstacksdk": openstack.version.__version__,
            "nova": version_of_nova(),
        },
        "fleet": FLEET,
        "mix": dict(MIX),
        "times": times,
        "ways": [
            {"name": way.name, "about": way.about, **stopped[way.name], "mixed": asdict(mixed[way.name])}
            for way in WAYS
        ],
    }


def _large(options: argparse.Namespace) -> dict[str, Any]:
    with cloud.running(packages.cache_dir() / "run-of-benchmark", max_seconds=_LONGEST, say=_say) as js2:
        js2.clear()
        return _large_fleets(js2, options)


def _large_fleets(js2: cloud.Cloud, options: argparse.Namespace) -> dict[str, Any]:
    load = os.getloadavg()[0]
    fleets = []
    for each in large.measure(js2, options.collections, options.client, options.large):
        _say(f"{each.servers} servers: {each}")
        fleets.append(asdict(each))
    return {"large": fleets, "load_before_large": load}


def _warm_up(js2: cloud.Cloud, collections: Path) -> None:
    """Run each way without servers, so that later runs compile nothing. Raises UnexpectedOutcome."""
    for way in WAYS:
        with OperationRunner.new(js2, collections) as runner:
            run = runner.run(way)
        if run.status or not run.requests:
            raise UnexpectedOutcome(f"{way.name}, without servers, came to {run}")
        if (run.modules == 0) != (way is OURS):
            raise UnexpectedOutcome(f"{way.name} has run {run.modules} modules, as it seems")


def _stopped(js2: cloud.Cloud, collections: Path, times: int, load: list[float]) -> dict[str, dict[str, Any]]:
    """Stop one fleet again and again, by one way after the other, each time in a new home, and then once more."""
    runs: dict[str, list[tuple[Run, Run]]] = {way.name: [] for way in WAYS}
    servers = js2.servers(FLEET)
    for _round in range(times):
        for way in WAYS:
            with OperationRunner.new(js2, collections) as runner:
                pair = (runner.run(way), runner.run(way))
            _say(f"{way.name}: stopped in {pair[0].seconds:.1f} s, then nothing to do in {pair[1].seconds:.1f} s")
            if any(run.states != ALL_STOPPED or run.status for run in pair):
                raise UnexpectedOutcome(f"{way.name} has not stopped {FLEET} servers: {pair}")
            runs[way.name].append(pair)
            for server in servers:
                js2.act(server, {"os-start": None})
            js2.wait(servers, "ACTIVE")
        load.append(os.getloadavg()[0])
    js2.clear()
    return {
        name: {
            what: {"seconds": sorted(each.seconds for each in part), **_without_seconds(_middle(list(part)))}
            for what, part in zip(("stopped", "nothing_to_do"), zip(*pairs, strict=True), strict=True)
        }
        for name, pairs in runs.items()
    }


def _mixed(js2: cloud.Cloud, collections: Path) -> dict[str, Run]:
    """Stop a fleet with servers in it that are not simply running, a new one for each way."""
    runs = {}
    for way in WAYS:
        js2.fleet(MIX)
        with OperationRunner.new(js2, collections) as runner:
            runs[way.name] = runner.run(way)
        _say(f"{way.name}: a mixed fleet in {runs[way.name].seconds:.1f} s")
        js2.clear()
    return runs


def _middle(runs: list[Run]) -> Run:
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def _without_seconds(run: Run) -> dict[str, Any]:
    return {name: value for name, value in asdict(run).items() if name != "seconds"}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
