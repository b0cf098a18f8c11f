# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches and deletions at a simulated Atmosphere, killed at random moments, leave no twin and no orphan.

The runs move the time of the simulator on, so that no test waits. jetstream2/test_kills.py has the same for Jetstream2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import instance, volume
from ansible_collections.jetstream.cloud.tests.scenarios.kills import Moment, killed, sent_by
from ansible_collections.jetstream.cloud.tests.simulator.with_simulator import simulator
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

NODES = [f"node-{number}" for number in range(1, 5)]
LAUNCH: dict[str, Any] = {
    "name": "node",
    "count": len(NODES),
    "image": "Ubuntu 18.04 Devel and Docker",
    "flavor": "m1.tiny",
    "project": "glacier-melt",
}
REMOVAL: dict[str, Any] = {"name": "node-{number}", "state": "absent", "delete_volumes": True}


class RemoteClock:
    """The clock of a simulator in another process. Only sleep() moves it, in one run at a time."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_simulator/clock"
        self._now = self._told(requests.get(self._url, timeout=60))
        self._start = self._now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def sleep(self, seconds: float) -> None:
        self._now = self._told(requests.post(self._url, json={"advance": max(0.0, seconds)}, timeout=60))

    @staticmethod
    def _told(reply: requests.Response) -> datetime:
        reply.raise_for_status()
        return datetime.fromisoformat(reply.json()["now"])


class Lab:
    """A user of a simulator, whose runs share a home."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.home = home
        self.login: dict[str, Any] = {"api_url": url, "username": "demo", "password": "only-for-show", "timeout": 600.0}

    def instance(self, *, check_mode: bool = False, **options: Any) -> Outcome:
        operation = on_cloud(instance.instance)
        return self._runner().run(instance.SPEC, operation, check_mode=check_mode, **self.login, **options)

    def volume(self, **options: Any) -> Outcome:
        return self._runner().run(volume.SPEC, on_cloud(volume.volume), **self.login, **options)

    def _runner(self) -> OperationRunner:
        return OperationRunner(self.home, RemoteClock(self.url))

    def wait(self, seconds: float) -> None:
        RemoteClock(self.url).sleep(seconds)

    def nodes(self) -> list[str]:
        """Return the names of all nodes in the cloud, also of those being deleted."""
        rows = requests.get(f"{self.url}/_simulator/world", timeout=60).json()["instances"]
        return sorted(each["name"] for each in rows if each["cloud"] and each["name"].startswith("node-"))

    def volumes(self) -> list[str]:
        """Return the names of all volumes in the cloud."""
        rows = requests.get(f"{self.url}/_simulator/volumes", timeout=60).json()["volumes"]
        return sorted(each["name"] for each in rows if each["in_cloud"])

    def has_nodes_with_volumes(self) -> None:
        assert self.instance(**LAUNCH).failure is None
        for number in (1, 3):
            made = self.volume(name=f"data-{number}", size=1, state="attached", instance=f"node-{number}")
            assert made.failure is None


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with simulator(["--control", "--manual-clock", "--transition", "3", "--deploy", "6"]) as url:
        made = Lab(url, tmp_path_factory.mktemp("home"))
        # Volumes of earlier tests would use up the quota.
        for name in made.volumes():
            assert made.volume(name=name, state="absent", detach=True).failure is None
        yield made


@pytest.fixture(scope="module")
def launch_requests(lab: Lab) -> int:
    """Return the number of requests of a launch."""
    sent = sent_by(lambda: lab.instance(**LAUNCH))
    assert lab.instance(**REMOVAL).failure is None
    return sent


@pytest.fixture(scope="module")
def setup_requests(lab: Lab) -> int:
    """Return the number of requests of a launch that waits for the setup."""
    sent = sent_by(lambda: lab.instance(**LAUNCH, wait_for="setup"))
    assert lab.instance(**REMOVAL).failure is None
    return sent


@pytest.fixture(scope="module")
def removal_requests(lab: Lab) -> int:
    """Return the number of requests of a deletion with volumes."""
    lab.has_nodes_with_volumes()
    return sent_by(lambda: lab.instance(**REMOVAL))


def test_a_killed_launch_leaves_no_twin_and_no_orphan_after_the_next_run(
    lab: Lab, launch_requests: int, seed: int
) -> None:
    moment = Moment.of("launch", seed, launch_requests)
    killed(lambda: lab.instance(**LAUNCH), moment)
    lab.wait(moment.later)
    done = lab.instance(**LAUNCH)
    assert (done.failure, lab.nodes()) == (None, NODES), moment
    again = lab.instance(**LAUNCH)
    assert (again.failure, again.changed) == (None, False), moment
    # The instance whose launch was interrupted has its mark, too.
    gone = lab.instance(**REMOVAL)
    assert (gone.failure, gone.warnings, lab.nodes()) == (None, (), []), moment


def test_a_killed_launch_that_waits_for_the_setup_is_seen_through_by_the_next_run(
    lab: Lab, setup_requests: int, seed: int
) -> None:
    """On Atmosphere, the setup is the deployment, during which the instances are polled."""
    wanted = {**LAUNCH, "wait_for": "setup"}
    moment = Moment.of("setup", seed, setup_requests)
    killed(lambda: lab.instance(**wanted), moment)
    lab.wait(moment.later)
    done = lab.instance(**wanted)
    assert (done.failure, lab.nodes()) == (None, NODES), moment
    assert {each["after"] for each in done.result["instances"]} == {"active"}, moment
    again = lab.instance(**wanted)
    assert (again.failure, again.changed) == (None, False), moment
    assert (lab.instance(**REMOVAL).failure, lab.nodes()) == (None, []), moment


def test_a_killed_deletion_is_ended_by_the_next_run_with_its_volumes(
    lab: Lab, removal_requests: int, seed: int
) -> None:
    lab.has_nodes_with_volumes()
    moment = Moment.of("deletion", seed, removal_requests)
    killed(lambda: lab.instance(**REMOVAL), moment)
    lab.wait(moment.later)
    foreseen = lab.instance(check_mode=True, **REMOVAL)
    done = lab.instance(**REMOVAL)
    assert (done.failure, lab.nodes(), lab.volumes()) == (None, [], []), moment
    assert foreseen.changed >= done.changed, moment
    again = lab.instance(**REMOVAL)
    assert (again.failure, again.changed) == (None, False), moment


def test_the_moments_are_spread_over_requests_and_sides(launch_requests: int) -> None:
    moments = [Moment.of("launch", seed, launch_requests) for seed in range(30)]
    assert {each.side for each in moments} == {"before", "during", "after"}
    assert len({each.request for each in moments}) > min(launch_requests, 30) / 3
    assert timedelta(seconds=max(each.later for each in moments)) == timedelta(seconds=20)
