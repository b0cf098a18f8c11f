# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large fleets on one real nova: one task beside `openstack server stop` of all names, and beside bare requests."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.connection import DEFAULT_CONCURRENCY
from ansible_collections.jetstream.cloud.tests.benchmarks.measures import empty_task
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.runs import OperationRunner
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.ways import OURS
from ansible_collections.jetstream.cloud.tests.benchmarks.watch import ran
from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.fleet import Server

_POLL_SECONDS = 0.5
_LONGEST = 300.0
_AGAIN = 3
# In turn, requests alone and one task: of a nova that shares two cores with its client, no two runs take the same time.
_ROUNDS = 3


class NotStopped(Exception):
    """Servers were not stopped."""


@dataclass(frozen=True)
class Measured:
    """Seconds by the clock, and requests to all services."""

    seconds: float
    requests: int


@dataclass(frozen=True)
class Large:
    """A fleet that was stopped. ``lists``: an empty task and one list.

    ``floors``: an empty task and bare requests, and ``ours``: one task, both sorted by their seconds.
    ``client_ended``: when the command-line client had ended, and ``client``: when all servers were stopped.
    """

    servers: int
    floors: list[float]
    ours: list[Measured]
    lists: float
    again: Measured
    client_ended: float
    client: Measured


def measure(cloud: Cloud, collections: Path, client: Path, sizes: Sequence[int]) -> Iterator[Large]:
    """Stop a fleet of each size. Raises NotStopped if servers are left running."""
    empty = empty_task()
    for size in sizes:
        servers = cloud.servers(size)
        floors, ours = [], []
        with OperationRunner.new(cloud, collections) as user:
            for _round in range(_ROUNDS):
                _start(cloud, servers)
                floors.append(empty + _bare(cloud, servers))
                _start(cloud, servers)
                run = user.run(OURS)
                ours.append(Measured(run.seconds, sum(run.requests.values())))
                _require_stopped(cloud, size)
            later = [user.run(OURS) for _round in range(_AGAIN)]
        again = statistics.median_low([each.seconds for each in later])
        lists = empty + _seconds(lambda: _stopped(cloud))
        _start(cloud, servers)
        ended, by_client = _by_client(cloud, client, servers)
        yield Large(
            servers=size,
            floors=sorted(floors),
            ours=sorted(ours, key=lambda each: each.seconds),
            lists=lists,
            again=Measured(again, sum(later[0].requests.values())),
            client_ended=ended,
            client=by_client,
        )
        cloud.clear()


def _bare(cloud: Cloud, servers: Sequence[Server]) -> float:
    """Return the seconds of the requests alone: a list, all stops, then lists until all are stopped."""
    begun = time.monotonic()
    _stopped(cloud)
    with ThreadPoolExecutor(DEFAULT_CONCURRENCY) as pool:
        list(pool.map(lambda each: cloud.act(each, {"os-stop": None}), servers))
    _await_stopped(cloud, len(servers))
    return time.monotonic() - begun


def _by_client(cloud: Cloud, client: Path, servers: Sequence[Server]) -> tuple[float, Measured]:
    with _home(cloud) as environment, cloud.requests.counted() as seen:
        begun = time.monotonic()
        ran([str(client), "server", "stop", *(each.name for each in servers)], environment, Path(environment["HOME"]))
        ended = time.monotonic() - begun
        _await_stopped(cloud, len(servers))
        seconds = time.monotonic() - begun
    return ended, Measured(seconds, len(seen))


@contextmanager
def _home(cloud: Cloud) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield {**os.environ, "HOME": folder, "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml), "OS_CLOUD": "js2"}


def _start(cloud: Cloud, servers: Sequence[Server]) -> None:
    # A server that runs, as one that was just made does, refuses to be started.
    running = {each["id"] for each in _shown(cloud) if each["status"] == "ACTIVE"}
    for each in servers:
        if each.id not in running:
            cloud.act(each, {"os-start": None})
    cloud.wait(servers, "ACTIVE", _LONGEST)


def _stopped(cloud: Cloud) -> int:
    return sum(each["status"] == "SHUTOFF" for each in _shown(cloud))


def _shown(cloud: Cloud) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = cloud.owner.get("compute", "/servers/detail")["servers"]
    return shown


def _await_stopped(cloud: Cloud, count: int) -> None:
    until = time.monotonic() + _LONGEST
    while _stopped(cloud) < count:
        if time.monotonic() > until:
            raise NotStopped(f"fewer than {count} servers are stopped after {_LONGEST:.0f} s")
        time.sleep(_POLL_SECONDS)


def _require_stopped(cloud: Cloud, count: int) -> None:
    if (stopped := _stopped(cloud)) != count:
        raise NotStopped(f"{stopped} of {count} servers are stopped")


def _seconds(do: Callable[[], object]) -> float:
    begun = time.monotonic()
    do()
    return time.monotonic() - begun
