# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launch and delete a fleet on one real nova, by jetstream.cloud and openstack.cloud; write docs/performance.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import openstack.version
from ansible import __version__ as ansible_version
from ansible_collections.jetstream.cloud.tests.benchmarks.launching import measures
from ansible_collections.jetstream.cloud.tests.benchmarks.launching.report import write_report
from ansible_collections.jetstream.cloud.tests.benchmarks.launching.ways import OURS, WAYS
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.runs import OperationRunner
from ansible_collections.jetstream.cloud.tests.benchmarks.versions import version_of_nova, version_of_openstack_cloud
from ansible_collections.jetstream.cloud.tests.openstack import cloud, packages

ROOT = Path(__file__).resolve().parents[3]
FLEET = 40
# A run takes a quarter of an hour. The cloud ends by itself when something hangs.
_LONGEST = 3600.0
_TROUBLES = {
    "no_host": measures.short_of_hosts,
    "lost": measures.response_lost,
    "quota": measures.quota_ends,
}
# What is compared: a fleet that is launched, kept, deleted and kept away, and fleets in trouble.
_PARTS = ("rounds", *_TROUBLES)


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    # Ended by kill, end what was started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    if options.measure:
        options.results.parent.mkdir(parents=True, exist_ok=True)
        for figures in _measured(options):
            # What was measured stays if the rest is ended.
            options.results.write_text(json.dumps(figures, indent=1))
    write_report(json.loads(options.results.read_text()), ROOT / "docs")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-launch", description=__doc__)
    add = parser.add_argument
    add("--times", type=int, default=3, help="how often ours launches alone; 0 leaves its tables (%(default)s)")
    add("--beside", type=int, default=FLEET, help="the fleet that both collections launch (%(default)s)")
    add(
        "--parts",
        nargs="*",
        choices=_PARTS,
        default=_PARTS,
        help="what is compared: launches and deletions, hosts that are missing and the run that fills up, a lost "
        "response, a quota that ends (all); none leaves its tables",
    )
    add("--resume", action="store_true", help="measure what an earlier run that was ended has not measured")
    add("--collections", type=Path, required=True, help="the folder with ansible_collections/openstack/cloud")
    add("--results", type=Path, default=ROOT / ".cache" / "bench-launch.json", help="where to keep the figures")
    add("--only-report", dest="measure", action="store_false", help="measure nothing, write the report anew")
    return parser.parse_args()


def _measured(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure one thing after the other, and yield all figures after each: ours first, the loops at the end."""
    figures = json.loads(options.results.read_text()) if options.resume else _about(options)
    if figures["beside"]["size"] != options.beside:
        figures["beside"] = _nothing_beside(options.beside)
    with cloud.running(packages.cache_dir() / "run-of-benchmark", max_seconds=_LONGEST, say=_say) as js2:
        js2.clear()
        for way in WAYS:
            # On nothing, so that nothing is compiled while the clock runs.
            with OperationRunner.new(js2, options.collections) as user:
                user.run(way.deletion(1))
        while len(figures["ours"]) < options.times:
            figures["floors"].append(asdict(measures.floor(js2, FLEET)))
            _say(f"floor: {figures['floors'][-1]}")
            figures["ours"].append(asdict(measures.whole_round(js2, options.collections, OURS, FLEET)))
            _say(f"one task: {figures['ours'][-1]}")
            yield figures
        yield from _beside(js2, options, figures)


def _beside(js2: cloud.Cloud, options: argparse.Namespace, figures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    size = figures["beside"]["size"]
    for way in WAYS:
        if "rounds" in options.parts and way.name not in figures["beside"]["rounds"]:
            found = asdict(measures.whole_round(js2, options.collections, way, size, again=1))
            _say(f"{way.name}: {found}")
            figures["beside"]["rounds"][way.name] = found
            yield figures
    for trouble, measure in _TROUBLES.items():
        for way in WAYS:
            if trouble not in options.parts or way.name in figures["beside"][trouble]:
                continue
            runs = measure(js2, options.collections, way, size)
            _say(f"{trouble}, {way.name}: {runs}")
            figures["beside"][trouble][way.name] = [asdict(each) for each in runs]
            js2.clear()
            yield figures


def _about(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "versions": {
            "ansible-core": ansible_version,
            "openstack.cloud": version_of_openstack_cloud(options.collections),
            "openstacksdk": openstack.version.__version__,
            "nova": version_of_nova(),
        },
        "fleet": FLEET,
        "about": {way.name: way.about for way in WAYS},
        "floors": [],
        "ours": [],
        "beside": _nothing_beside(options.beside),
    }


def _nothing_beside(size: int) -> dict[str, Any]:
    return {"size": size, "rounds": {}, **{trouble: {} for trouble in _TROUBLES}}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
