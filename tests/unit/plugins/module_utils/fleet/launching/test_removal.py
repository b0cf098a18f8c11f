# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances that other tools destroy are kept, and a deleted instance is gone before its volumes and ports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    PermissionDenied,
    SelectionError,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AttachedVolume,
    Image,
    Instance,
    LaunchFacts,
    Outcome,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    instance as operation_of_instances,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.instance import SPEC, instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.controller import Machine
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.killed import Killed
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import LaunchCloud, Phase
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

UBUNTU = Image(name="Ubuntu", uuid="image")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def node(number: int, *volumes: AttachedVolume, group: str = "node-{number}", **more: Any) -> Instance:
    made = an_instance(f"node-{number}", number=number, image=UBUNTU, **more)
    return replace(made, facts=LaunchFacts(group=group, token=f"t{number}", volumes=volumes))


def absent(
    cloud: LaunchCloud, clock: FakeClock, *, check_mode: bool = False, home: Path | None = None, **options: Any
) -> Outcome:
    def operation(given: Any, context: Context) -> Outcome:
        return instance(cloud, given, context)

    options = {"state": "absent", **options}
    return OperationRunner(home, clock).run(SPEC, operation, check_mode=check_mode, **options)


def deleted(cloud: LaunchCloud) -> list[str]:
    return [call.split()[1] for call in cloud.calls if call.startswith("delete ")]


def test_deletes_by_template_the_highest_first_and_a_second_run_only_lists(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1), node(2), node(10), an_instance("node-7"), an_instance("web")])
    checked = absent(cloud, clock, check_mode=True, name="node-{number}")
    assert [each["name"] for each in checked.result["instances"]] == ["node-10", "node-2", "node-1"]
    assert (checked.changed, deleted(cloud)) == (True, [])
    done = absent(cloud, clock, name="node-{number}")
    assert (done.failure, done.changed, deleted(cloud)) == (None, True, ["node-10", "node-2", "node-1"])
    assert cloud.names == ["node-7", "web"]
    cloud.calls.clear()
    again = absent(cloud, clock, name="node-{number}")
    assert (again.changed, cloud.calls) == (False, ["list"])


@pytest.mark.parametrize("options", [{"names": []}, {"names": ["nothing"]}, {"name": "nod"}, {"name": "node-[1]"}])
def test_names_that_no_instance_has_delete_nothing(clock: FakeClock, options: dict[str, Any]) -> None:
    cloud = LaunchCloud(clock, [node(1), an_instance("web")])
    done = absent(cloud, clock, **options)
    assert (done.changed, done.failure, cloud.names) == (False, None, ["node-1", "web"])


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""},
        {"names": [""]},
        {"names": ["node-{number}"]},
        {"name": "node", "count": 0},
        {"name": "node", "count": 3},
        {"name": "{number}{number}"},
        {"name": "node", "shrink": True},
        {"name": "node-1", "wait": False, "delete_volumes": True},
        {"name": "node-1", "wait_timeout": 0},
    ],
)
def test_a_deletion_with_an_ambiguous_selection_is_refused(clock: FakeClock, options: dict[str, Any]) -> None:
    cloud = LaunchCloud(clock, [node(1), an_instance("web")])
    with pytest.raises(ConfigurationError):
        absent(cloud, clock, **options)
    assert cloud.calls == []


@pytest.mark.parametrize("name", ["node-*", "node-?", "*"])
def test_a_glob_deletes_nothing_and_is_refused(clock: FakeClock, name: str) -> None:
    cloud = LaunchCloud(clock, [node(1), an_instance("web")])
    for options in ({}, {"state": "present", "image": "i", "flavor": "m1.small"}):
        with pytest.raises(ConfigurationError, match=r"and globs are not taken here\. Give the exact name\."):
            absent(cloud, clock, name=name, **options)
    assert cloud.names == ["node-1", "web"]


def test_what_is_called_as_a_glob_is_deleted_by_its_name(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1), an_instance("node-*")])
    assert absent(cloud, clock, name="node-*").changed
    assert cloud.names == ["node-1"]


def test_the_name_of_a_count_without_a_number_says_how_all_are_deleted(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1), node(2), node(3, group="{number}{number}"), an_instance("web")])
    with pytest.raises(ConfigurationError, match=r"To delete all, set name: node-\{number\} without count"):
        absent(cloud, clock, name="node", count=2)
    done = absent(cloud, clock, name="node")
    assert (done.changed, cloud.names) == (False, ["node-1", "node-2", "node-3", "web"])
    [warning] = done.warnings
    assert warning.startswith("There is no instance node, so node-1")
    assert "are not deleted" in warning
    assert warning.endswith("set name: node-{number}")
    [warning] = absent(cloud, clock, name="node-{number:02}").warnings
    assert warning.startswith("There is no instance node-{number:02}, so node-1")
    assert warning.endswith("set name: node-{number}")
    [warning] = absent(LaunchCloud(clock, [node(1, group="node-{number:02}")]), clock, name="node").warnings
    assert warning.endswith("set name: node-{number:02}")
    # As a name among others, or where there is one of the name, it is meant.
    assert absent(cloud, clock, names=["web"]).warnings == ()
    cloud = LaunchCloud(clock, [node(1), an_instance("node")])
    assert absent(cloud, clock, name="node").warnings == ()
    assert cloud.names == ["node-1"]


def test_shrinking_to_a_count_deletes_the_highest_of_ours_alone(clock: FakeClock) -> None:
    others = [an_instance("node-12"), node(9, group="other")]
    cloud = LaunchCloud(clock, [node(1), node(2), node(3), node(11), *others])
    options: dict[str, Any] = {"state": "present", "name": "node", "count": 2, "image": "i", "flavor": "m1.small"}
    kept = absent(cloud, clock, **options)
    assert (kept.changed, deleted(cloud)) == (False, [])
    assert any("set shrink: true" in each for each in kept.warnings)
    done = absent(cloud, clock, shrink=True, **options)
    assert (done.failure, deleted(cloud)) == (None, ["node-11", "node-3"])
    assert cloud.names == ["node-1", "node-12", "node-2", "node-9"]


def test_a_count_of_zero_launches_none_and_without_shrink_deletes_none(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1)])
    done = absent(cloud, clock, state="present", name="node", count=0)
    assert (done.changed, cloud.names, cloud.count("launch")) == (False, ["node-1"], 0)
    assert absent(cloud, clock, state="present", name="node", count=0, shrink=True).changed
    assert cloud.names == []


def test_the_machine_that_the_task_runs_on_is_deleted_by_its_own_name_alone(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = LaunchCloud(clock, [node(1), node(2)])
    monkeypatch.setattr(operation_of_instances, "this_machine", lambda: Machine(uuids=frozenset({node(2).uuid})))
    fewer = {"state": "present", "name": "node", "count": 1, "shrink": True, "image": "i", "flavor": "m1.small"}
    for options in ({"name": "node-{number}"}, fewer):
        with pytest.raises(SelectionError, match=r"node-2 .* would be deleted, but this task runs on it"):
            absent(cloud, clock, **options)
    assert cloud.names == ["node-1", "node-2"]
    assert absent(cloud, clock, name="node-2").failure is None
    assert cloud.names == ["node-1"]


def test_of_two_with_one_name_none_is_deleted(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [an_instance("web", number=1), an_instance("web", number=2)])
    with pytest.raises(ConfigurationError, match="The name web is ambiguous"):
        absent(cloud, clock, name="web")
    assert cloud.names == ["web", "web"]


def test_a_locked_one_is_skipped(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1, locked=True, lock_reason="thesis"), node(2)])
    done = absent(cloud, clock, name="node-{number}")
    assert (done.failure, cloud.names) == (None, ["node-1"])
    assert done.warnings == ("node-1 (1): skipped: locked: thesis (include_locked).",)
    absent(cloud, clock, name="node-{number}", include_locked=True)
    assert cloud.names == []


def test_volumes_and_addresses_go_after_the_instance_and_only_where_said(clock: FakeClock) -> None:
    def cloud_with_all() -> LaunchCloud:
        made = LaunchCloud(clock, [node(1, AttachedVolume("data"), AttachedVolume("root", deleted_with_instance=True))])
        made.volumes = {"data": "in-use"}
        [there] = made.list_instances()
        made.addresses = {there.uuid: "149.165.0.1"}
        made.made_for = {there.uuid}
        made.calls.clear()
        return made

    cloud = cloud_with_all()
    absent(cloud, clock, name="node-1")
    assert (cloud.volumes, list(cloud.addresses.values())) == ({"data": "available"}, ["149.165.0.1"])
    cloud = cloud_with_all()
    done = absent(cloud, clock, name="node-1", delete_volumes=True, release_floating_ip=True)
    assert (done.failure, cloud.volumes, cloud.addresses) == (None, {}, {})
    order = [call for call in cloud.calls if call.split()[0] in ("detach", "delete", "release", "delete_volume")]
    assert order == ["detach data", "delete node-1", "release 149.165.0.1", "delete_volume data"]
    cloud = cloud_with_all()
    cloud.made_for = set()
    absent(cloud, clock, name="node-1", release_floating_ip=True)
    assert list(cloud.addresses.values()) == ["149.165.0.1"]


def test_a_volume_that_does_not_detach_keeps_its_instance(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1, AttachedVolume("data"))])
    cloud.volumes = {"data": "detaching"}
    done = absent(cloud, clock, name="node-1")
    assert done.failure == "node-1 (1): was not deleted, since volume data is still detaching."
    assert deleted(cloud) == []


def test_a_deletion_whose_response_is_lost_is_sent_again(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1), node(2)])
    cloud.script("delete", "node-1", Unreachable("dropped"), Unreachable("dropped"))
    assert absent(cloud, clock, name="node-{number}").failure is None
    assert cloud.names == []


def test_a_refused_deletion_does_not_stop_the_others(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1), node(2)])
    cloud.script("delete", "node-2", PermissionDenied("Deletion of node-2 was refused."))
    done = absent(cloud, clock, name="node-{number}")
    assert done.failure == "1 of 2 failed: node-2 (2): Deletion of node-2 was refused."
    assert cloud.names == ["node-2"]


WITH_ALL: dict[str, Any] = {"name": "node-{number}", "delete_volumes": True, "release_floating_ip": True}


def _with_all(clock: FakeClock) -> LaunchCloud:
    cloud = LaunchCloud(clock, [node(1, AttachedVolume("data-1")), node(2, AttachedVolume("data-2")), node(3)])
    cloud.volumes = {"data-1": "in-use", "data-2": "in-use", "other": "available"}
    there = {each.name: each.uuid for each in cloud.list_instances()}
    cloud.addresses = {there["node-1"]: "149.165.0.1", there["node-3"]: "149.165.0.3"}
    cloud.made_for = set(cloud.addresses)
    return cloud


def _kill_at(cloud: LaunchCloud, moment: int) -> list[str]:
    """Kill the run at a call of the cloud. Returns the calls so far, which grows."""
    seen: list[str] = []

    def interrupt(call: str) -> None:
        seen.append(call)
        if len(seen) == moment:
            raise Killed

    cloud.interrupt = interrupt
    return seen


def test_a_deletion_that_is_killed_at_any_moment_is_ended_by_the_next_run(tmp_path: Path) -> None:
    clock = FakeClock()
    calls = _kill_at(whole := _with_all(clock), 0)
    absent(whole, clock, home=tmp_path, **WITH_ALL)
    assert {"detach", "deleted", "released", "volume deleted"} <= set(calls)
    for moment in range(1, len(calls) + 1):
        cloud, home = _with_all(clock), tmp_path / str(moment)
        _kill_at(cloud, moment)
        with pytest.raises(Killed):
            absent(cloud, clock, home=home, **WITH_ALL)
        cloud.interrupt = lambda _call: None
        foreseen = absent(cloud, clock, home=home, check_mode=True, **WITH_ALL)
        done = absent(cloud, clock, home=home, **WITH_ALL)
        assert (done.failure, cloud.names, cloud.volumes, cloud.addresses) == (
            None,
            [],
            {"other": "available"},
            {},
        ), moment
        assert (foreseen.changed, done.changed) in ((True, True), (True, False), (False, False)), moment
        assert absent(cloud, clock, home=home, **WITH_ALL).changed is False, moment
        assert not list(home.rglob("*.json")), moment


def test_a_floating_ip_is_given_back_although_the_deletion_of_a_killed_run_has_detached_it(tmp_path: Path) -> None:
    """Its request was on its way when the run was killed: the next run still lists the instance, without an address."""
    clock = FakeClock()
    cloud = _with_all(clock)
    seen: list[str] = []

    def interrupt(call: str) -> None:
        seen.append(call)
        if call == "delete":
            raise Killed

    cloud.interrupt = interrupt
    with pytest.raises(Killed):
        absent(cloud, clock, home=tmp_path, **WITH_ALL)
    cloud.interrupt = lambda _call: None
    # Nova has taken the ports of the instance away by the time that they are read.
    really, listed = cloud.floating_addresses, cloud.names
    cloud.floating_addresses = lambda instances: {  # type: ignore[method-assign]
        uuid: found for uuid, found in really(instances).items() if found[0].address != "149.165.0.3"
    }
    foreseen = absent(cloud, clock, home=tmp_path, check_mode=True, **WITH_ALL)
    done = absent(cloud, clock, home=tmp_path, **WITH_ALL)
    assert (listed, done.failure, cloud.names, cloud.addresses) == (["node-1", "node-2", "node-3"], None, [], {})
    [item] = [each for each in done.result["instances"] if each["name"] == "node-3"]
    assert item["actions"] == ["delete", "release floating IP"]
    assert [each["actions"] for each in foreseen.result["instances"]] == [
        each["actions"] for each in done.result["instances"]
    ]
    assert not list(tmp_path.rglob("*.json"))


def test_the_rest_of_a_killed_deletion_stays_if_another_instance_has_it_since_then(tmp_path: Path) -> None:
    clock = FakeClock()
    cloud = _with_all(clock)
    calls = _kill_at(cloud, 0)
    absent(cloud, clock, home=tmp_path, **WITH_ALL)
    moment = len(calls) - calls[::-1].index("deleted")
    cloud = _with_all(clock)
    _kill_at(cloud, moment)
    with pytest.raises(Killed):
        absent(cloud, clock, home=tmp_path, **WITH_ALL)
    cloud.interrupt = lambda _call: None
    cloud.volumes["data-1"] = "in-use"
    cloud.is_unattached = lambda address: False  # type: ignore[method-assign]
    done = absent(cloud, clock, home=tmp_path, **WITH_ALL)
    assert (done.failure, cloud.volumes) == (None, {"data-1": "in-use", "other": "available"})
    assert sorted(cloud.addresses.values()) == ["149.165.0.1", "149.165.0.3"]


@pytest.mark.parametrize(
    "options",
    [
        {"name": "node-{number}"},
        {"name": "node-{number:02}", "delete_volumes": True, "release_floating_ip": True},
        {"names": ["web"], "delete_volumes": True, "release_floating_ip": True},
    ],
)
def test_the_rest_of_a_killed_deletion_goes_only_if_the_options_say_so_again(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    clock = FakeClock()
    cloud = _with_all(clock)
    calls = _kill_at(cloud, 0)
    absent(cloud, clock, home=tmp_path, **WITH_ALL)
    moment = len(calls) - calls[::-1].index("deleted")
    cloud = _with_all(clock)
    _kill_at(cloud, moment)
    with pytest.raises(Killed):
        absent(cloud, clock, home=tmp_path, **WITH_ALL)
    cloud.interrupt = lambda _call: None
    done = absent(cloud, clock, home=tmp_path, **options)
    assert (done.changed, len(cloud.volumes), len(cloud.addresses)) == (False, 3, 2)
    assert absent(cloud, clock, home=tmp_path, **WITH_ALL).changed is True
    assert (cloud.volumes, cloud.addresses) == ({"other": "available"}, {})


def test_an_instance_that_is_being_deleted_already_is_waited_for(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1), an_instance("web", "active", "deleting"), node(2)])
    cloud.set_phases("web", Phase(0, "active", "deleting"), Phase(6, "missing"))
    foreseen = absent(cloud, clock, check_mode=True, name="web")
    assert (foreseen.changed, foreseen.result["instances"][0]["msg"]) == (False, "is being deleted")
    begun = clock.monotonic()
    done = absent(cloud, clock, name="web")
    assert (done.failure, done.changed, deleted(cloud)) == (None, False, [])
    assert clock.monotonic() - begun >= 6
    begun = clock.monotonic()
    absent(cloud, clock, name="web", wait=False)
    assert clock.monotonic() == begun
