# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches, renames and deletions at a simulated Atmosphere, which is held to recordings of a real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils.errors import (
    ConfigurationError,
    OverAllocation,
    SelectionError,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils.operations.instance import SPEC, instance
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = fleet(2, clock=ManualClock(), settings=Settings(transition=3, deploy=6))
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def run(site: Site, *, check_mode: bool = False, **options: Any) -> Outcome:
    image = site.world.images[0].name
    given = {"image": image, "flavor": "m1.small", **site.options, **options}
    return OperationRunner(site.home, site.clock).run(SPEC, on_cloud(instance), check_mode=check_mode, **given)


def items(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in outcome.result["instances"]}


def names(site: Site) -> list[str]:
    return sorted(each.name for each in site.world.instances if each.end_date is None)


def launches(site: Site) -> int:
    return len(site.server.requests.matching("POST", "/api/v2/instances"))


OLD = ["node-0001", "node-0002"]


def test_each_state_in_check_mode_for_real_and_again(site: Site) -> None:
    wanted: dict[str, Any] = {"name": "worker", "count": 3}
    checked = run(site, check_mode=True, **wanted)
    assert (checked.changed, names(site), launches(site)) == (True, OLD, 0)
    done = run(site, **wanted)
    assert (done.failure, done.changed, launches(site)) == (None, True, 3)
    assert names(site) == [*OLD, "worker-1", "worker-2", "worker-3"]
    made = items(done)["worker-2"]
    assert (made["after"], made["actions"]) == ("active", ["launch"])
    assert made["ip_address"]
    again = run(site, **wanted)
    assert (again.failure, again.changed, launches(site)) == (None, False, 3)
    gone: dict[str, Any] = {"state": "absent", "names": ["worker-1", "worker-2", "worker-3"]}
    checked = run(site, check_mode=True, **gone)
    assert (checked.changed, len(names(site))) == (True, 5)
    done = run(site, **gone)
    assert (done.failure, done.changed, names(site)) == (None, True, OLD)
    assert {each["after"] for each in done.result["instances"]} == {"absent"}
    again = run(site, **gone)
    assert (again.failure, again.changed) == (None, False)


def test_a_launch_is_for_the_given_project_and_allocation(site: Site) -> None:
    owner = site.world.users["johndoe"]
    other = site.world.add_project("geo", owner)
    run(site, name="web", project="geo", allocation_source="TG-GEO160014")
    [made] = [each for each in site.world.instances if each.name == "web"]
    assert made.project is other
    assert made.allocation_source is site.world.allocation_sources[0]
    with pytest.raises(SelectionError, match="project is not given, and there are: geo, johndoe"):
        run(site, name="www")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image": "Ubunto"}, "there is no image Ubunto"),
        ({"flavor": "m1.smal"}, "there is no flavor m1.smal at .* Did you mean m1.small?"),
        ({"project": "geo"}, "project: nothing is called geo"),
        ({"allocation_source": "TG-GEO"}, "allocation_source: nothing is called TG-GEO. Did you mean TG-GEO160014?"),
        ({"identity": "TACC"}, "identity: TACC means 0"),
        ({"image": None}, "To launch an instance, image must be given"),
    ],
)
def test_what_does_not_exist_is_refused_before_anything_is_launched(
    site: Site, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(SelectionError, match=words):
        run(site, name="web", **options)
    assert launches(site) == 0


def test_a_quota_that_cannot_fit_is_reported_before_anything_is_launched(site: Site) -> None:
    with pytest.raises(OverAllocation, match="instances are needed, and"):
        run(site, name="worker", count=200)
    assert launches(site) == 0


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"key_name": "k"}, "key_name"),
        ({"security_groups": ["ssh"]}, "security_groups"),
        ({"network": "n"}, "network"),
        ({"user_data": "#!/bin/sh"}, "user_data"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"description": "d"}, "description"),
        ({"boot_volume": {"size": 1}}, "boot_volume"),
        ({"locked": True}, "locked"),
        ({"floating_ip": "none"}, "floating_ip: none"),
        ({"floating_ip": "149.165.0.1"}, "floating_ip: address"),
        ({"count": 1, "shrink": True}, "shrink"),
        ({"state": "absent", "release_floating_ip": True}, "release_floating_ip"),
        ({"state": "absent", "delete_volumes": True}, "delete_volumes"),
        ({"state": "absent", "name": "web-{number}"}, "absent: template"),
    ],
)
def test_what_atmosphere_lacks_is_refused_before_anything_is_sent(
    site: Site, options: dict[str, Any], option: str
) -> None:
    site.server.requests.reset()
    with pytest.raises(ConfigurationError, match=f"{option} cannot be had here: "):
        run(site, **{"name": "web", **options})
    assert site.asked() == {}


def test_a_launch_whose_response_is_lost_is_found_by_its_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    really = AtmosphereCloud.send
    lost: list[str] = []

    def send(self: AtmosphereCloud, method: str, path: str, task: str, data: Any = None) -> Any:
        body = really(self, method, path, task, data)
        if method == "POST" and not lost:
            lost.append(path)
            raise Unreachable("The connection was dropped.")
        return body

    monkeypatch.setattr(AtmosphereCloud, "send", send)
    done = run(site, name="worker", count=3)
    assert (done.failure, len(lost), launches(site)) == (None, 1, 3)
    assert names(site) == [*OLD, "worker-1", "worker-2", "worker-3"]


def test_a_launch_that_never_arrived_is_sent_again_once_it_was_not_found(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = AtmosphereCloud.send
    lost: list[str] = []

    def send(self: AtmosphereCloud, method: str, path: str, task: str, data: Any = None) -> Any:
        if method == "POST" and not lost:
            lost.append(path)
            raise Unreachable("The connection was dropped.")
        return really(self, method, path, task, data)

    monkeypatch.setattr(AtmosphereCloud, "send", send)
    done = run(site, name="worker", count=3)
    assert (done.failure, launches(site)) == (None, 3)
    assert names(site) == [*OLD, "worker-1", "worker-2", "worker-3"]


def test_a_run_that_did_not_wait_is_seen_through_by_the_next(site: Site) -> None:
    done = run(site, name="web", wait=False)
    assert items(done)["web"]["after"].startswith("build")
    again = run(site, name="web")
    assert (again.failure, launches(site), items(again)["web"]["after"]) == (None, 1, "active")
    assert items(again)["web"]["ip_address"]


def test_an_instance_is_renamed_in_the_cloud_as_well(site: Site) -> None:
    wanted: dict[str, Any] = {"name": OLD[0], "new_name": "web", "flavor": None, "image": None}
    checked = run(site, check_mode=True, **wanted)
    assert (checked.changed, names(site)) == (True, OLD)
    done = run(site, **wanted)
    assert (done.failure, names(site)) == (None, [OLD[1], "web"])
    again = run(site, **wanted)
    assert (again.failure, again.changed) == (None, False)


def test_a_resize_is_refused_since_atmosphere_cannot(site: Site) -> None:
    done = run(site, name=OLD[0], flavor="m1.large")
    assert done.failure is not None
    assert "cannot resize (m1.tiny to m1.large): Atmosphere cannot change that" in done.failure
