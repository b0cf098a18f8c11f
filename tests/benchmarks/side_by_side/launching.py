# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the playbooks of docs/from_openstack_cloud.md on one real nova, and write into that page what each came to."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible import __version__ as ansible_version
from ansible_collections.jetstream.cloud.tests.benchmarks.page import rewrite, table
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.runs import OperationRunner, Run
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.ways import Json, Way
from ansible_collections.jetstream.cloud.tests.openstack import cloud, packages

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "from_openstack_cloud.md"
COMMAND = "./dev run python -m ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.launching"
COLLECTIONS = ("jetstream.cloud", "openstack.cloud")
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAabcdefghijklmnopqrstuvwxyz0123456789ABCDEF me\n"
_FENCE = re.compile(r"^With `(?P<collection>[\w.]+)`:\n\n```yaml\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
# A run takes five minutes. The cloud ends by itself when something hangs.
_LONGEST = 1800.0
_HEADER = ["", "", "Requests", "Exit status", "Afterwards"]
_ABOUT = (
    "Requests are those that the services counted. Seconds are left out: at Jetstream2 most of them are those of the "
    "builds, which this hypervisor does at once. A loop takes the sum of them, one task about the longest of them."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a playbook: what it was to do, and which collection did it."""

    what: str
    collection: str
    run: Run


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, default=ROOT / ".cache" / "openstack-cloud")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    folder = packages.cache_dir() / "run-of-launches"
    with cloud.running(folder, with_cinder=True, max_seconds=_LONGEST, say=print) as js2:
        js2.clear()
        steps = [step for collection in COLLECTIONS for step in _steps(js2, options.collections, collection)]
    rewrite(PAGE, COMMAND, report(steps))


def playbooks(page: str) -> dict[str, tuple[list[Json], list[Json]]]:
    """Return the tasks of the two playbooks of each collection: the fleet, and its end."""
    found: dict[str, list[list[Json]]] = {}
    for fence in _FENCE.finditer(page):
        [play] = yaml.safe_load(fence["text"])
        found.setdefault(fence["collection"], []).append(play["tasks"])
    return {name: (parts[0], parts[1]) for name, parts in found.items()}


def lines(page: str) -> dict[str, int]:
    """Return how many lines the playbooks of each collection have, without empty ones."""
    counted: dict[str, int] = dict.fromkeys(COLLECTIONS, 0)
    for fence in _FENCE.finditer(page):
        counted[fence["collection"]] += sum(bool(line.strip()) for line in fence["text"].splitlines())
    return counted


def _steps(js2: cloud.Cloud, collections: Path, collection: str) -> Iterator[Step]:
    present, absent = playbooks(PAGE.read_text(encoding="utf-8"))[collection]
    with _user(js2, collections) as runner:

        def step(what: str, tasks: Sequence[Json]) -> Step:
            run = runner.run(Way(collection, "", tasks))
            print(f"{collection}: {what}: {run}", flush=True)
            return Step(what, collection, run)

        yield step("Ten machines are launched", present)
        yield step("The same again", present)
        runner.run(Way(collection, "", absent))
        js2.clear()


@contextmanager
def _user(js2: cloud.Cloud, collections: Path) -> Iterator[OperationRunner]:
    """Have a user with a key, who has never logged in before."""
    with tempfile.TemporaryDirectory() as home:
        key = Path(home) / ".ssh" / "id_ed25519.pub"
        key.parent.mkdir()
        key.write_text(_KEY, encoding="utf-8")
        yield OperationRunner(js2, collections, Path(home))


def report(steps: Sequence[Step]) -> str:
    """Return the tables, and what has to be known to read them."""
    counted = lines(PAGE.read_text(encoding="utf-8"))
    order = list(dict.fromkeys(step.what for step in steps))
    rows = [_row(step, COLLECTIONS[0]) for what in order for step in steps if step.what == what]
    said = [[step.collection, step.what, text] for step in steps for text in _failures(step.run)]
    parts = [
        f"On a real nova, neutron and keystone of one machine, with ansible-core {ansible_version}. {_ABOUT}",
        table(["", *COLLECTIONS], [["Lines of both playbooks", *(str(counted[each]) for each in COLLECTIONS)]]),
        table(_HEADER, rows),
    ]
    if said:
        parts += ["What was said where a run failed, with ids shortened:", table(["", "", "Says"], said)]
    return "\n\n".join(parts)


def _row(step: Step, first: str) -> list[str]:
    run = step.run
    services = ", ".join(f"{service} {count}" for service, count in sorted(run.requests.items()))
    states = ", ".join(f"{count} {state}" for state, count in sorted(run.states.items())) or "no machine"
    return [
        step.what if step.collection == first else "",
        step.collection,
        f"{sum(run.requests.values())} ({services})",
        str(run.status),
        states,
    ]


def _failures(run: Run) -> list[str]:
    if not run.status:
        return []
    return [f"{count} x `{text}`" for text, count in run.said.items() if text and _tells_a_failure(text)]


def _tells_a_failure(text: str) -> bool:
    return not re.search(r"\bdone$|^already|^is ready", text)


if __name__ == "__main__":
    main()
