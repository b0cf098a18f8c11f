# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to stop a fleet, each of them a real program over HTTP."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
from ansible_collections.jetstream.cloud.tests.benchmarks import serial_stop
from ansible_collections.jetstream.cloud.tests.benchmarks.stage import PASSWORD, USER
from ansible_collections.jetstream.cloud.tests.benchmarks.watch import FinishedRun, OperationRunner, ran

STATE = "jetstream.cloud.jetstream_instance_state"
INFO = "jetstream.cloud.jetstream_instance_info"


@dataclass(frozen=True)
class Contender:
    """A way to stop a fleet: what it is called, what it does in a few words, and how it is done at a site's address.

    ``waits``: whether it ends only when all have stopped. ``programs``: the number of programs or tasks for a number of
    instances. ``at_most``: the most instances it can reach, if limited.
    """

    name: str
    about: str
    stop: Callable[[str], FinishedRun]
    programs: Callable[[int], int] = lambda _instances: 1
    waits: bool = True
    at_most: int | None = None


def contenders(atmosphere_cli: Path | None) -> list[Contender]:
    """Return all, ours first. Without the program atmosphere-cli, its way is missing."""
    found = [
        Contender("one task", "`jetstream_instance_state` with `all: true`", _one_task),
        Contender(
            "a task for each",
            "`jetstream_instance_state` in a loop over instances, one at a time",
            _a_task_for_each,
            programs=lambda instances: instances + 1,
        ),
        Contender(
            "a wait for each",
            "the requests of modules of other clouds' collections for one instance: read, act, poll every two seconds "
            "until it is there; in one Python program, without starting a module for each",
            lambda url: _program("each_waited_for", url),
        ),
        Contender(
            "the original tool",
            "its requests: log in, list, read each instance, then act one by one; in one Python program",
            lambda url: _program("one_by_one", url),
            waits=False,
        ),
    ]
    if atmosphere_cli is not None:
        found.append(
            Contender(
                "atmosphere-cli 1.0.0",
                "`atmo instance list`, then `atmo instance stop` for each; lists 100 instances at most",
                _atmosphere_cli(atmosphere_cli),
                programs=lambda instances: instances + 1,
                waits=False,
                at_most=100,
            )
        )
    return found


def _one_task(url: str) -> FinishedRun:
    with OperationRunner(url) as runner:
        return runner.play([{STATE: {"state": "stopped", "all": True}}])


def _a_task_for_each(url: str) -> FinishedRun:
    tasks = [
        {INFO: {}, "register": "fleet"},
        {STATE: {"state": "stopped", "uuid": "{{ item.uuid }}"}, "loop": "{{ fleet.instances }}"},
    ]
    with OperationRunner(url) as runner:
        return runner.play(tasks)


def _program(way: str, url: str) -> FinishedRun:
    with tempfile.TemporaryDirectory() as folder:
        return ran([sys.executable, "-m", serial_stop.__name__, way, url], os.environ, Path(folder))


def _atmosphere_cli(program: Path) -> Callable[[str], FinishedRun]:
    # The list is an assignment of its own: sh does not heed the status of a command whose words a loop goes over.
    script = (
        'set -eu; uuids=$("$0" instance list -f value -c uuid); for one in $uuids; do "$0" instance stop "$one"; done'
    )

    def stop(url: str) -> FinishedRun:
        with tempfile.TemporaryDirectory() as folder:
            variables = {**os.environ, "HOME": folder, "ATMO_BASE_URL": url, "ATMO_AUTH_TOKEN": _token(url)}
            return ran(["sh", "-c", script, str(program)], variables, Path(folder))

    return stop


def _token(url: str) -> str:
    answer = requests.post(
        f"{url}/auth",
        json={"username": USER, "password": PASSWORD},
        headers={"Accept": "application/json"},
        timeout=60,
    )
    return str(answer.json()["token"])
