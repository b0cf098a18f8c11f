# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook against a real nova: what each asked of the cloud, what it said, and what it left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.ways import Json, Way
from ansible_collections.jetstream.cloud.tests.benchmarks.watch import ran
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import CALLBACKS
from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud

# Python imports a module of this name at its start. sys.argv is not there yet.
_COUNTING = """\
import os, sys
name = os.path.basename(sys.orig_argv[-1])
if name.startswith("AnsiballZ_"):
    with open({log!r}, "a") as log:
        log.write(name + "\\n")
"""
# For an item of a loop that has no message.
NOTHING = ""
_ADDRESS = re.compile(r"https?://[^\s/]+")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


@dataclass(frozen=True)
class Run:
    """One run: seconds by the clock, requests by service as the services counted them, modules that were started.

    ``failed`` tasks, ``failed_items`` of their loops. ``states`` of the servers afterwards, and how many are in each.
    ``said``: each message of a server or a task, with addresses and ids shortened, and how often it came.
    """

    seconds: float
    requests: dict[str, int]
    modules: int
    status: int
    failed: int
    failed_items: int
    states: dict[str, int]
    said: dict[str, int]


class OperationRunner:
    """A home of a user, in which one run of ansible-playbook follows the other."""

    def __init__(self, cloud: Cloud, collections: Path, home: Path, clouds_yaml: Path | None = None) -> None:
        self._cloud = cloud
        self._home = home
        self._modules = home / "modules"
        self._environment = {
            **os.environ,
            "HOME": str(home),
            "OS_CLIENT_CONFIG_FILE": str(clouds_yaml or cloud.clouds_yaml),
            "PYTHONPATH": str(home / "counting"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_STDOUT_CALLBACK": "each_result",
        }
        counting = home / "counting" / "sitecustomize.py"
        counting.parent.mkdir()
        counting.write_text(_COUNTING.format(log=str(self._modules)), encoding="utf-8")

    @classmethod
    @contextmanager
    def new(cls, cloud: Cloud, collections: Path, *, clouds_yaml: Path | None = None) -> Iterator[Self]:
        """Have one where nobody has logged in before, for the length of a ``with``."""
        with tempfile.TemporaryDirectory() as folder:
            yield cls(cloud, collections, Path(folder), clouds_yaml)

    def run(self, way: Way) -> Run:
        """Run a way's tasks to their end, whatever that is."""
        playbook = self._home / "playbook.json"
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": list(way.tasks)}]))
        program = shutil.which("ansible-playbook")
        assert program is not None
        self._modules.write_text("")
        with self._cloud.requests.counted() as seen:
            done = ran([program, str(playbook)], self._environment, self._home, may_fail=True)
        results = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
        return Run(
            seconds=done.seconds,
            requests=dict(seen.by_service()),
            modules=self._modules.read_text().count("\n"),
            status=done.status,
            failed=sum(one["failed"] and not _is_item(one) for one in results),
            failed_items=sum(one["failed"] and _is_item(one) for one in results),
            states=_states(self._cloud),
            said=dict(Counter(text for one in results for text in _said(one))),
        )


def _is_item(line: Json) -> bool:
    return "ansible_loop_var" in line["result"]


def _said(line: Json) -> Iterator[str]:
    """Yield what a result says of each server, then what it says of itself."""
    result = line["result"]
    for each in result.get("instances", ()):
        yield shortened(each["msg"])
    if _is_item(line):
        yield shortened(result.get("msg", NOTHING))
    elif line["failed"]:
        yield shortened(result["msg"])


def shortened(text: str) -> str:
    """Leave out of a message which server of which cloud it is about, so that equal ones can be counted."""
    return _UUID.sub("ID", _ADDRESS.sub("http://...", text))


def _states(cloud: Cloud) -> dict[str, int]:
    shown: list[dict[str, Any]] = cloud.owner.get("compute", "/servers/detail")["servers"]
    return dict(Counter(f"{each['status']}{' (locked)' if each['locked'] else ''}" for each in shown))
