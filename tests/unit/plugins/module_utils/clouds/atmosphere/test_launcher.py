# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches, renames and deletions at a simulated Atmosphere, which behaves as recordings of a real one do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.launch_records import (
    LaunchRecords,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    OverAllocation,
    SelectionError,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Launch, Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.instance import SPEC, instance
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
    costs = {"before": 0, "after": 6, "difference": 6, "unknown": []}
    assert checked.result["su_per_hour"] == done.result["su_per_hour"] == costs
    assert checked.diff == done.diff
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
    assert checked.result["su_per_hour"] == done.result["su_per_hour"]
    assert done.result["su_per_hour"] == {"before": 6, "after": 0, "difference": -6, "unknown": []}
    again = run(site, **gone)
    assert (again.failure, again.changed) == (None, False)


# What a check run says of an instance.
FORESEEN = ("name", "flavor", "before", "after", "actions", "changed", "failed", "skipped", "su_per_hour")


def triad(site: Site, actions: dict[str, list[str]], **options: Any) -> None:
    """Foresee a state, reach it, and keep it."""
    before = names(site)
    foreseen = run(site, check_mode=True, **options)
    assert names(site) == before
    done, again = run(site, **options), run(site, **options)
    assert [each.failure for each in (foreseen, done, again)] == [None, None, None]
    assert {name: each["actions"] for name, each in items(done).items()} == actions
    assert _known(foreseen) == _known(done)
    assert [each.changed for each in (foreseen, done, again)] == [True, True, False]
    assert [each["actions"] for each in items(again).values() if each["actions"]] == []


def _known(outcome: Outcome) -> Any:
    """Return the part of a result that check mode can predict. Only the cloud knows where a shelved instance is."""
    rows = [{key: row[key] for key in FORESEEN} for row in outcome.result["instances"]]
    known = (rows, outcome.result["su_per_hour"], outcome.result["summary"], outcome.diff)
    return json.loads(json.dumps(known).replace("shelved_offloaded", "shelved"))


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        pytest.param({}, ["launch"], id="plain"),
        pytest.param({"floating_ip": "auto", "wait_for": "address"}, ["launch"], id="address"),
        pytest.param({"wait_for": "setup"}, ["launch"], id="setup"),
        pytest.param({"initial_state": "shelved"}, ["launch", "shelve"], id="shelved"),
        pytest.param({"project": "johndoe", "allocation_source": "TG-GEO160014"}, ["launch"], id="project"),
    ],
)
def test_each_kind_of_launch_is_foreseen_done_and_ended(
    site: Site, options: dict[str, Any], actions: list[str]
) -> None:
    triad(site, {"web": actions, "db": actions}, names=["web", "db"], **options)
    volume = site.world.add_volume("data", 1, site.world.instance("db").identity)
    if options.get("initial_state") != "shelved":
        site.world.attach(volume, site.world.instance("db"))
        site.clock.sleep(60)
        ends = ["detach volumes", "delete", "delete volumes"]
    else:
        ends = ["delete"]
    gone: dict[str, Any] = {"state": "absent", "names": ["web", "db"], "delete_volumes": True}
    triad(site, {"web": ["delete"], "db": ends}, **gone)
    assert names(site) == OLD


@pytest.mark.parametrize("kind", ["alias", "uuid"])
def test_a_flavor_is_launched_by_its_id_as_well(site: Site, kind: str) -> None:
    """Those are the ids that jetstream_flavor_info returns."""
    size = next(each for each in site.world.sizes if each.name == "m1.small")
    triad(site, {"web": ["launch"]}, name="web", flavor=str(getattr(size, kind)))
    assert site.world.instance("web").size is size


def test_a_rename_and_a_smaller_count_are_foreseen_done_and_not_done_twice(site: Site) -> None:
    triad(site, {"web": ["rename"]}, name=OLD[0], new_name="web", flavor=None, image=None)
    run(site, **WORKERS)
    fewer: dict[str, Any] = {"name": "worker", "count": 1, "shrink": True}
    triad(site, {"worker-1": [], "worker-3": ["delete"], "worker-2": ["delete"]}, **fewer)
    triad(site, {"worker-1": ["delete"]}, **TEMPLATE)


def test_a_launch_is_for_the_given_project_and_allocation(site: Site) -> None:
    owner = site.world.users["johndoe"]
    other = site.world.add_project("geo", owner)
    run(site, name="web", project="geo", allocation_source="TG-GEO160014")
    [made] = [each for each in site.world.instances if each.name == "web"]
    assert made.project is other
    assert made.allocation_source is site.world.allocation_sources[0]
    with pytest.raises(SelectionError, match=r"project is not set\. Set project to one of these: geo, johndoe"):
        run(site, name="www")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image": "Ubunto"}, "has no image Ubunto"),
        ({"flavor": "m1.smal"}, "has no flavor m1.smal. Did you mean m1.small?"),
        ({"project": "geo"}, "project: geo does not exist"),
        ({"allocation_source": "TG-GEO"}, "allocation_source: TG-GEO does not exist. Did you mean TG-GEO160014?"),
        ({"identity": "TACC"}, "identity: TACC matches 0 identities"),
        ({"image": None}, "To launch an instance, set image"),
    ],
)
def test_an_unknown_name_is_refused_before_anything_is_launched(
    site: Site, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(SelectionError, match=words):
        run(site, name="web", **options)
    assert launches(site) == 0


def test_a_quota_that_cannot_fit_is_reported_before_anything_is_launched(site: Site) -> None:
    with pytest.raises(OverAllocation, match="instances required,"):
        run(site, name="worker", count=200)
    assert launches(site) == 0


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"key_name": "k"}, "key_name"),
        ({"security_groups": ["ssh"]}, "security_groups"),
        ({"network": "n"}, "network"),
        ({"user_data": "#!/bin/sh"}, "user_data"),
        ({"user_data_by_name": {"web": "#!/bin/sh"}}, "user_data_by_name"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"description": "d"}, "description"),
        ({"boot_volume": {"size": 1}}, "boot_volume"),
        ({"locked": True}, "locked"),
        ({"floating_ip": "none"}, "floating_ip: none"),
        ({"floating_ip": "149.165.0.1"}, "floating_ip: address"),
        ({"state": "absent", "release_floating_ip": True}, "release_floating_ip"),
    ],
)
def test_an_option_that_atmosphere_lacks_is_refused_before_any_request(
    site: Site, options: dict[str, Any], option: str
) -> None:
    site.server.requests.reset()
    with pytest.raises(ConfigurationError, match=f"{option} is not available here: "):
        run(site, **{"name": "web", **options})
    assert site.requests() == {}


@pytest.mark.parametrize("hours", [0, -1, 24])
def test_a_launch_whose_response_is_lost_is_found_by_its_name_whatever_the_clock_of_the_controller_says(
    site: Site, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong:
        """The clock of a controller whose date is wrong."""

        def now(self) -> datetime:
            return site.clock.now() + timedelta(hours=hours)

    begin = LaunchRecords.begin

    def begin_by_it(self: LaunchRecords, launch: Launch, user: str | None, project: str | None) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(self, "_clock", Wrong())
            begin(self, launch, user, project)

    monkeypatch.setattr(LaunchRecords, "begin", begin_by_it)
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


@pytest.mark.parametrize("wait_for", ["active", "setup"])
@pytest.mark.parametrize("killed_after", [None, 1.0, 5.0, 8.0, 15.0])
def test_an_instance_is_ready_once_atmosphere_has_deployed_it(
    site: Site, killed_after: float | None, wait_for: str
) -> None:
    """Also one that an earlier run left while it was built or deployed. No console is read: there is none."""
    if killed_after is not None:
        run(site, name="web", wait=False)
        site.server.advance(killed_after)
    done = run(site, name="web", wait_for=wait_for)
    assert (done.failure, launches(site), items(done)["web"]["after"]) == (None, 1, "active")
    assert items(done)["web"]["ip_address"]


def test_a_deployment_that_failed_is_a_failure_of_the_setup_in_each_run(site: Site) -> None:
    run(site, name="web")
    site.world.force("web", tmp_status="deploy_error")
    for _run in range(2):
        done = run(site, name="web", wait_for="setup")
        assert "deploy" in (done.failure or "").lower()
        assert items(done)["web"]["failed"] is True
    assert run(site, name="web").failure is None


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


def machines(site: Site) -> list[str]:
    """Return the names of the machines that the cloud has a minute later. Atmosphere may list those gone for longer."""
    site.clock.sleep(60)
    site.world.settle()
    return sorted(each.name for each in site.world.instances if each.uuid in site.world.cloud.vms)


WORKERS: dict[str, Any] = {"name": "worker", "count": 3}
TEMPLATE: dict[str, Any] = {"state": "absent", "name": "worker-{number}"}


def test_a_fleet_shrinks_from_the_highest_number(site: Site) -> None:
    run(site, **WORKERS)
    wanted: dict[str, Any] = {"name": "worker", "count": 1, "shrink": True}
    checked = run(site, check_mode=True, **wanted)
    assert [each["name"] for each in checked.result["instances"]] == ["worker-1", "worker-3", "worker-2"]
    assert len(names(site)) == 5
    done = run(site, **wanted)
    assert (done.failure, done.changed, names(site)) == (None, True, [*OLD, "worker-1"])
    assert checked.diff == done.diff
    again = run(site, **wanted)
    assert (again.failure, again.changed) == (None, False)


def test_a_template_deletes_what_was_launched_for_it_and_nothing_else(site: Site) -> None:
    run(site, **WORKERS)
    size, version = site.world.sizes[0], site.world.versions[0]
    site.world.launch("worker-9", site.world.identities[1], size, version)
    checked = run(site, check_mode=True, **TEMPLATE)
    done = run(site, **TEMPLATE)
    assert (checked.diff, done.failure, names(site)) == (done.diff, None, [*OLD, "worker-9"])
    assert [each["name"] for each in done.result["instances"]] == ["worker-3", "worker-2", "worker-1"]
    [warning] = done.warnings
    assert warning.startswith("Not deleted, since worker-{number} did not launch them: worker-9 ")
    again = run(site, **TEMPLATE)
    assert (again.failure, again.changed) == (None, False)


def test_marks_are_those_of_the_home_that_launched(site: Site, tmp_path: Path) -> None:
    run(site, **WORKERS)
    here, site.home = site.home, tmp_path / "elsewhere"
    done = run(site, **TEMPLATE)
    assert (done.changed, len(names(site))) == (False, 5)
    assert "worker-1" in done.warnings[0]
    site.home = here
    assert run(site, **TEMPLATE).changed
    assert names(site) == OLD


def test_without_a_home_it_launches_and_says_that_no_template_finds_it(site: Site) -> None:
    site.home.joinpath(".local").write_text("a file")
    done = OperationRunner(site.home, site.clock)
    image = site.world.images[0].name
    outcome = done.run(SPEC, on_cloud(instance), name="web", image=image, flavor="m1.small", **site.options)
    assert outcome.failure is None
    assert any("Launches cannot be recorded" in each for each in done.warnings)


def _lose_the_response(monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[str]:
    really = AtmosphereCloud.send
    lost: list[str] = []

    def send(self: AtmosphereCloud, method: str, path: str, task: str, data: Any = None) -> Any:
        body = really(self, method, path, task, data)
        if method == "POST" and len(lost) < times:
            lost.append(path)
            raise Unreachable("The connection was dropped.")
        return body

    monkeypatch.setattr(AtmosphereCloud, "send", send)
    return lost


def test_a_launch_whose_response_is_lost_has_its_mark(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _lose_the_response(monkeypatch, times=3)
    assert run(site, **WORKERS).failure is None
    assert run(site, **TEMPLATE).failure is None
    assert names(site) == OLD


def test_an_instance_of_another_project_or_time_is_not_taken_for_a_lost_launch(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A run is killed after it has recorded a launch, and before it was sent.
    def send(self: AtmosphereCloud, method: str, path: str, task: str, data: Any = None) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(AtmosphereCloud, "send", send)
    with pytest.raises(KeyboardInterrupt):
        run(site, name="worker-{number}", count=1)
    monkeypatch.undo()
    site.clock.sleep(3600)
    identity, size, version = site.world.identities[1], site.world.sizes[0], site.world.versions[0]
    site.world.launch("worker-1", identity, size, version)
    done = run(site, **TEMPLATE)
    assert (done.changed, "worker-1" in names(site)) == (False, True)


def test_volumes_are_detached_before_an_instance_is_deleted_and_stay_unless_it_is_said(site: Site) -> None:
    run(site, name="keeps")
    run(site, name="drops")
    for name in ("keeps", "drops"):
        made = site.world.add_volume(f"of-{name}", 1, site.world.instance(name).identity)
        site.world.attach(made, site.world.instance(name))
    site.clock.sleep(60)
    done = run(site, state="absent", name="keeps")
    assert (done.failure, items(done)["keeps"]["actions"]) == (None, ["detach volumes", "delete"])
    checked = run(site, check_mode=True, state="absent", name="drops", delete_volumes=True)
    assert items(checked)["drops"]["actions"] == ["detach volumes", "delete", "delete volumes"]
    done = run(site, state="absent", name="drops", delete_volumes=True)
    assert (done.failure, items(done)["drops"]["actions"]) == (None, ["detach volumes", "delete", "delete volumes"])
    site.world.settle()
    kept, dropped = site.world.volume("of-keeps"), site.world.volume("of-drops")
    assert (kept.status, kept.in_cloud, dropped.in_cloud) == ("available", True, False)


def test_a_shelved_instance_gives_its_volume_back_when_it_is_gone(site: Site) -> None:
    run(site, name="web")
    made = site.world.add_volume("data", 1, site.world.instance("web").identity)
    site.world.attach(made, site.world.instance("web"))
    site.clock.sleep(60)
    site.world.force("web", "shelved_offloaded")
    done = run(site, state="absent", name="web", delete_volumes=True)
    assert (done.failure, items(done)["web"]["actions"]) == (None, ["delete", "delete volumes"])


def test_twins_of_two_runs_of_one_home_become_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    really = AtmosphereCloud.send
    sent: list[str] = []

    def send(self: AtmosphereCloud, method: str, path: str, task: str, data: Any = None) -> Any:
        body = really(self, method, path, task, data)
        if method == "POST" and not sent:
            sent.append(path)
            # The other run sees no instance yet, since it has listed them before.
            monkeypatch.setattr(AtmosphereCloud, "list_instances", lambda *_unused, **_more: [])
            run(site, name="web", wait=False)
            monkeypatch.undo()
        return body

    monkeypatch.setattr(AtmosphereCloud, "send", send)
    done = run(site, name="web")
    assert (done.failure, machines(site)) == (None, [*OLD, "web"])


def test_the_record_of_a_killed_run_that_found_no_host_is_removed_and_launched_again(site: Site) -> None:
    site.world.no_host("^web", times=1)
    run(site, name="web", wait=False)
    site.clock.sleep(60)
    done = run(site, name="web")
    assert (done.failure, items(done)["web"]["actions"]) == (None, ["remove failed launch", "launch"])
    assert machines(site) == [*OLD, "web"]


def test_an_instance_in_error_that_has_run_is_kept(site: Site) -> None:
    run(site, name="web")
    site.world.force("web", "error")
    done = run(site, name="web")
    assert (done.failure or "").startswith("web: in error: ")
    assert names(site) == [*OLD, "web"]
