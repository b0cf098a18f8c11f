# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and what nobody could do any faster."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.settings import (
    DEFAULT_PAGE_SIZE,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.connection import DEFAULT_CONCURRENCY
from ansible_collections.jetstream.cloud.tests.benchmarks.contenders import INFO, STATE, Contender
from ansible_collections.jetstream.cloud.tests.benchmarks.stage import PASSWORD, USER, Costs, LoggedRequest, Site
from ansible_collections.jetstream.cloud.tests.benchmarks.watch import FinishedRun, OperationRunner, counting_python
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import Json

# An empty module, on the controller.
EMPTY_TASK: Json = {"ansible.builtin.ping": {}}
STOP_ALL: Json = {STATE: {"state": "stopped", "all": True}}
LOOPS = 100


class UnexpectedOutcome(Exception):
    """A way did not do what it was measured for."""


@dataclass(frozen=True)
class Spent:
    """Where the seconds of a run went.

    ``start``: until the first request. ``lists``: until the first stop. ``stops``: until the last stop was accepted.
    ``looks``: until the last answer. ``end``: until the program had ended.
    """

    start: float
    lists: float
    stops: float
    looks: float
    end: float


@dataclass(frozen=True)
class Stopped:
    """A fleet that was stopped. ``seconds`` by the clock, ``memory`` in MB of the largest process."""

    instances: int
    seconds: float
    requests: int
    programs: int
    memory: float
    spent: Spent


@dataclass(frozen=True)
class Pair:
    """Two figures of one run: ours, and what it is held against."""

    ours: float
    other: float


def lists_seconds(instances: int, costs: Costs) -> float:
    """Return how long the lists take at least: v2's pages, the later ones side by side, and v1's list."""
    pages = math.ceil(instances / DEFAULT_PAGE_SIZE)
    full = costs.latency + DEFAULT_PAGE_SIZE * costs.v2_row
    first = costs.latency + min(instances, DEFAULT_PAGE_SIZE) * costs.v2_row
    return first + math.ceil((pages - 1) / DEFAULT_CONCURRENCY) * full + costs.latency + instances * costs.v1_row


def floor_seconds(instances: int, costs: Costs, empty_task: float) -> float:
    """Return what cannot be done any faster: an empty task, a login, the lists, all stops, and one transition."""
    stops = math.ceil(instances / DEFAULT_CONCURRENCY) * costs.latency
    return empty_task + costs.latency + lists_seconds(instances, costs) + stops + costs.transition


def empty_task(times: int = 5) -> float:
    """Return the seconds of a playbook with one empty module task: the median."""
    with OperationRunner("http://127.0.0.1:9") as runner:
        return statistics.median(runner.play([EMPTY_TASK]).seconds for _round in range(times))


def stop_fleet(contender: Contender, instances: int, costs: Costs, times: int = 1) -> Stopped:
    """Let a contender stop a fleet, so many times, each time another one. The run in the middle counts.

    Raises UnexpectedOutcome if it has not requested all stops, or reports a stop that did not happen.
    """
    runs = []
    for _round in range(times):
        with Site(instances, costs) as site:
            ran = contender.stop(site.url)
            requested = site.requests()
            # The first is the login, which is a POST as well.
            stops = [each for each in requested[1:] if each.method == "POST"]
            if len(stops) < instances:
                raise UnexpectedOutcome(
                    f"{contender.name} has asked for {len(stops)} stops of {instances}:\n{ran.output[-2000:]}"
                )
            programs = contender.programs(instances)
            runs.append(
                Stopped(instances, ran.seconds, len(requested), programs, ran.memory, _spent(ran, requested, stops))
            )
            if contender.waits and site.still_active():
                raise UnexpectedOutcome(f"{contender.name} left {site.still_active()} of {instances} running")
    return sorted(runs, key=lambda run: run.seconds)[times // 2]


def _spent(ran: FinishedRun, requested: Sequence[LoggedRequest], stops: Sequence[LoggedRequest]) -> Spent:
    """Tell from the requests of a run, in the order in which they came, where its seconds went."""
    accepted = max(each.ended for each in stops)
    answered = max(each.ended for each in requested)
    return Spent(
        start=requested[0].began - ran.begun,
        lists=stops[0].began - requested[0].began,
        stops=accepted - stops[0].began,
        looks=answered - accepted,
        end=ran.begun + ran.seconds - answered,
    )


def nothing_to_do(instances: int, costs: Costs, empty: float, times: int = 3) -> Pair:
    """Return the seconds of a run that finds all as it should be, and those of an empty task plus the lists."""
    with Site(instances, costs) as site, OperationRunner(site.url) as runner:
        runner.play([STOP_ALL])
        ours = statistics.median(runner.play([STOP_ALL]).seconds for _round in range(times))
    return Pair(ours, empty + lists_seconds(instances, costs))


def inventory(instances: int, costs: Costs, times: int = 3) -> Pair:
    """Return the seconds of ``ansible-inventory --graph`` on a fleet, and on one host plus those of the lists."""
    with Site(instances, costs) as site, OperationRunner(site.url) as runner:
        source = runner.folder / "jetstream.yml"
        source.write_text(
            f"plugin: jetstream.cloud.jetstream\napi_url: {site.url}\nusername: {USER}\npassword: {PASSWORD}"
        )
        # The first one logs in.
        graphs = [runner.graph(str(source)).seconds for _round in range(1 + times)]
        empty = statistics.median(runner.graph("localhost,").seconds for _round in range(times))
    return Pair(statistics.median(graphs[1:]), empty + lists_seconds(instances, costs))


def loop_of_infos() -> Pair:
    """Return the seconds of a loop of tasks in the controller's process, and through modules, without any latency."""
    task = {INFO: {"name": "node-0001"}, "loop": list(range(LOOPS))}
    with Site(10, Costs(latency=0.0)) as site, OperationRunner(site.url) as runner:
        ours = runner.play([task])
        module = runner.play([task], vars=counting_python(runner.folder, runner.folder / "log"))
        if (runner.folder / "log").read_text().count("\n") != LOOPS:
            raise UnexpectedOutcome("not every task of the loop ran a module")
    return Pair(ours.seconds, module.seconds)


def memory_of_info(instances: int) -> Pair:
    """Return the MB of the largest process of a run that reads a fleet: in the controller's process, and as a module.

    The first has all of Ansible in it, the second is the module's process alone.
    """
    with Site(instances, Costs(latency=0.0)) as site, OperationRunner(site.url) as runner:
        ours = runner.play([{INFO: {}}])
        log = runner.folder / "log"
        runner.play([{INFO: {}}], vars=counting_python(runner.folder, log))
        return Pair(ours.memory, float(log.read_text()))
