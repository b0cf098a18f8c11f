# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and what nobody could do any faster on the same cloud: bare requests."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.connection import DEFAULT_CONCURRENCY
from ansible_collections.jetstream.cloud.tests.benchmarks.launching.lossy_proxy import losing
from ansible_collections.jetstream.cloud.tests.benchmarks.launching.ways import FLAVOR, IMAGE, LaunchWay
from ansible_collections.jetstream.cloud.tests.benchmarks.measures import empty_task
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.runs import OperationRunner, Run
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.ways import Way
from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.requests_seen import Request, Seen

# How many find no host, if there are more.
NO_HOST = 3
_LONGEST = 300.0
_AGAIN = 3
_POLLS = ("GET compute /servers/detail", "GET compute /servers")


class NotDone(Exception):
    """A way did not do what it was measured for."""


@dataclass(frozen=True)
class Floor:
    """Seconds: ``empty`` of an empty task, the others with that: of a launch, of a deletion, and of a list.

    ``kept`` is the list of the whole fleet, ``gone`` that of no instance.
    """

    empty: float
    launch: float
    kept: float
    deletion: float
    gone: float


@dataclass(frozen=True)
class Measured:
    """One run: seconds, requests, requests that are no polls, exit status, and servers afterwards by name and state.

    ``said``: each message, without numbers and ids, and how often it came. ``load``: the load average before it.
    """

    seconds: float
    requests: int
    beyond_polls: int
    modules: int
    status: int
    servers: int
    names: int
    states: dict[str, int]
    said: dict[str, int]
    load: float


@dataclass(frozen=True)
class Round:
    """A fleet that was launched by one way, kept by further runs, and deleted, and kept away."""

    launch: Measured
    again: list[Measured]
    deletion: Measured
    gone_again: list[Measured]


def floor(cloud: Cloud, size: int) -> Floor:
    """Launch and delete a fleet by bare requests, with as many at a time as we send: lists, then POSTs, then one build.

    Whether they are built is read from nova's database, which costs nova nothing.
    """
    owner, empty = cloud.owner, empty_task(3)
    image = owner.get("image", f"/v2/images?name={IMAGE}")["images"][0]["id"]
    flavors = {each["name"]: each["id"] for each in owner.get("compute", "/flavors")["flavors"]}
    networks = owner.get("network", "/v2.0/networks")["networks"]
    [network] = [each["id"] for each in networks if each["name"] == "auto_allocated_network"]
    lookups: Sequence[tuple[str, str]] = [
        ("image", f"/v2/images?name={IMAGE}"),
        ("compute", "/flavors/detail"),
        ("network", "/v2.0/networks"),
    ]

    def post(number: int) -> str:
        body = {"name": f"node-{number}", "imageRef": image, "flavorRef": flavors[FLAVOR]}
        made = owner.post("compute", "/servers", {"server": {**body, "networks": [{"uuid": network}]}})
        return str(made["server"]["id"])

    begun = time.monotonic()
    with ThreadPoolExecutor(DEFAULT_CONCURRENCY) as pool:
        owner.get("compute", "/servers/detail")
        list(pool.map(lambda each: owner.get(*each), lookups))
        owner.get("compute", "/limits")
        ids = list(pool.map(post, range(1, size + 1)))
        cloud.wait(ids, "ACTIVE", _LONGEST)
        launch = time.monotonic() - begun
        kept = _list_seconds(cloud)
        begun = time.monotonic()
        owner.get("compute", "/servers/detail")
        list(pool.map(lambda each: owner.delete("compute", f"/servers/{each}"), ids))
        _until_gone(cloud)
        deletion = time.monotonic() - begun
    return Floor(empty, empty + launch, empty + kept, empty + deletion, empty + _list_seconds(cloud))


def _list_seconds(cloud: Cloud) -> float:
    """Return the seconds of a list of the servers: the median."""
    return statistics.median(_seconds_of(lambda: cloud.owner.get("compute", "/servers/detail")) for _list in range(3))


def _seconds_of(act: Callable[[], object]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


def whole_round(cloud: Cloud, collections: Path, way: LaunchWay, size: int, *, again: int = _AGAIN) -> Round:
    """Launch a fleet, launch it again with nothing to do, delete it, and delete it again. Raises NotDone."""
    with OperationRunner.new(cloud, collections) as user:
        launch, *kept = [measured(cloud, user, way.launch(size)) for _run in range(1 + again)]
        if launch.status or launch.states != {"ACTIVE": size}:
            raise NotDone(f"{way.name} has not launched {size}: {launch}")
        deletion, *gone = [measured(cloud, user, way.deletion(size)) for _run in range(1 + again)]
    _until_gone(cloud)
    return Round(launch, kept, deletion, gone)


def short_of_hosts(cloud: Cloud, collections: Path, way: LaunchWay, size: int) -> list[Measured]:
    """Launch a fleet of which some find no host, and fill it up when there are hosts.

    First by the same tasks. If what is in ERROR is in their way, it is deleted by its names, and they are run again.
    Raises NotDone if the fleet is not complete then.
    """
    for number in range(1, no_host_of(size) + 1):
        cloud.hypervisor.no_capacity(f"node-{size * number // (no_host_of(size) + 1)}")
    with OperationRunner.new(cloud, collections) as user:
        runs = [measured(cloud, user, way.launch(size))]
        cloud.hypervisor.forget()
        runs.append(measured(cloud, user, way.launch(size)))
        if broken := _in_error(cloud):
            runs.append(measured(cloud, user, way.deletion_of(broken)))
            runs.append(measured(cloud, user, way.launch(size)))
    if runs[-1].states != {"ACTIVE": size}:
        raise NotDone(f"{way.name} has not filled up {size}: {runs[-1]}")
    return runs


def no_host_of(size: int) -> int:
    """Return how many of a fleet find no host."""
    return min(NO_HOST, size - 1)


def _in_error(cloud: Cloud) -> list[str]:
    rows = cloud.owner.get("compute", "/servers/detail?limit=1000")["servers"]
    return sorted(each["name"] for each in rows if each["status"] == "ERROR")


def response_lost(cloud: Cloud, collections: Path, way: LaunchWay, size: int) -> list[Measured]:
    """Launch a fleet while the response to one launch is lost, and again."""
    with (
        losing(cloud.urls["compute"], size // 2) as url,
        _clouds_yaml(cloud, url) as clouds,
        OperationRunner.new(cloud, collections, clouds_yaml=clouds) as user,
    ):
        return [measured(cloud, user, way.launch(size)) for _run in range(2)]


def quota_ends(cloud: Cloud, collections: Path, way: LaunchWay, size: int) -> list[Measured]:
    """Launch a fleet that is larger than the quota, and again when the quota is larger."""
    path = f"/os-quota-sets/{cloud.owner.login().project_id}"
    cloud.admin.put("compute", path, {"quota_set": {"instances": quota_of(size)}})
    try:
        with OperationRunner.new(cloud, collections) as user:
            first = measured(cloud, user, way.launch(size))
            cloud.admin.delete("compute", path)
            return [first, measured(cloud, user, way.launch(size))]
    finally:
        cloud.admin.delete("compute", path)


def quota_of(size: int) -> int:
    """Return the quota that ends too early for a fleet: 25 for 40."""
    return size * 5 // 8


def measured(cloud: Cloud, user: OperationRunner, way: Way) -> Measured:
    """Run a way's tasks, and see what is there afterwards."""
    load = os.getloadavg()[0]
    with cloud.requests.counted() as seen:
        run = user.run(way)
    names = [each["name"] for each in cloud.owner.get("compute", "/servers?limit=1000")["servers"]]
    return Measured(
        seconds=run.seconds,
        requests=len(seen),
        beyond_polls=_beyond_polls(seen),
        modules=run.modules,
        status=run.status,
        servers=len(names),
        names=len(set(names)),
        states=run.states,
        said=_said(run),
        load=load,
    )


def _beyond_polls(seen: Seen) -> int:
    """Count the requests without polls: the lists and details of servers after the first change."""
    kinds = [f"{each.method} {each.service} {_plain(each)}" for each in seen]
    changes = [number for number, each in enumerate(seen) if each.service == "compute" and each.method != "GET"]
    first = changes[0] if changes else len(kinds)
    return len([*kinds[:first], *(each for each in kinds[first:] if each not in _POLLS)])


def _plain(request: Request) -> str:
    parts = [part for part in request.path.split("/") if part and not re.fullmatch(r"v\d[\d.]*|[0-9a-f-]{32,36}", part)]
    return f"/{'/'.join(parts)}"


def _said(run: Run) -> dict[str, int]:
    """Return what a run said, with one word for all names, so that equal sentences are counted."""
    counts: Counter[str] = Counter()
    for text, count in run.said.items():
        counts[re.sub(r"\bnode-\d+", "node-N", text)] += count
    return dict(counts)


@contextmanager
def _clouds_yaml(cloud: Cloud, nova: str) -> Iterator[Path]:
    """Have a clouds.yaml that leads to another nova."""
    file = cloud.clouds_yaml.with_name("clouds-of-benchmark.yaml")
    lines = cloud.clouds_yaml.read_text(encoding="utf-8")
    file.write_text(_with_override(lines, nova), encoding="utf-8")
    try:
        yield file
    finally:
        file.unlink()


def _with_override(content: str, nova: str) -> str:
    import yaml

    clouds: dict[str, Any] = yaml.safe_load(content)
    for each in clouds["clouds"].values():
        each["compute_endpoint_override"] = nova
    return str(yaml.safe_dump(clouds))


def _until_gone(cloud: Cloud) -> None:
    _until(lambda: not cloud.owner.get("compute", "/servers")["servers"])


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + _LONGEST
    while not is_so():
        if time.monotonic() > end:
            raise NotDone(f"servers are still there after {_LONGEST:.0f} s")
        time.sleep(0.2)
