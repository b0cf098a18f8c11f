# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances that other tools destroy are kept, and a deleted instance is gone before its volumes and ports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils.errors import (
    ConfigurationError,
    PermissionDenied,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils.model import (
    AttachedVolume,
    Image,
    Instance,
    LaunchFacts,
    Outcome,
)
from ansible_collections.jetstream.cloud.plugins.module_utils.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils.operations.instance import SPEC, instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import LaunchCloud
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

UBUNTU = Image(name="Ubuntu", uuid="image")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def node(number: int, *volumes: AttachedVolume, group: str = "node-{number}", **more: Any) -> Instance:
    made = an_instance(f"node-{number}", number=number, image=UBUNTU, **more)
    return replace(made, facts=LaunchFacts(group=group, token=f"t{number}", volumes=volumes))


def absent(cloud: LaunchCloud, clock: FakeClock, *, check_mode: bool = False, **options: Any) -> Outcome:
    def operation(given: Any, context: Context) -> Outcome:
        return instance(cloud, given, context)

    options = {"state": "absent", **options}
    return OperationRunner(None, clock).run(SPEC, operation, check_mode=check_mode, **options)


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


@pytest.mark.parametrize("options", [{"names": []}, {"names": ["nothing"]}, {"name": "nod"}, {"name": "node-*"}])
def test_what_names_nothing_deletes_nothing(clock: FakeClock, options: dict[str, Any]) -> None:
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
def test_what_could_mean_more_than_it_says_is_refused(clock: FakeClock, options: dict[str, Any]) -> None:
    cloud = LaunchCloud(clock, [node(1), an_instance("web")])
    with pytest.raises(ConfigurationError):
        absent(cloud, clock, **options)
    assert cloud.calls == []


def test_shrinking_to_a_count_deletes_the_highest_of_ours_alone(clock: FakeClock) -> None:
    others = [an_instance("node-12"), node(9, group="other")]
    cloud = LaunchCloud(clock, [node(1), node(2), node(3), node(11), *others])
    options: dict[str, Any] = {"state": "present", "name": "node", "count": 2, "image": "i", "flavor": "m1.small"}
    kept = absent(cloud, clock, **options)
    assert (kept.changed, deleted(cloud)) == (False, [])
    assert any("say shrink: true" in each for each in kept.warnings)
    done = absent(cloud, clock, shrink=True, **options)
    assert (done.failure, deleted(cloud)) == (None, ["node-11", "node-3"])
    assert cloud.names == ["node-1", "node-12", "node-2", "node-9"]


def test_a_count_of_zero_launches_none_and_without_shrink_deletes_none(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1)])
    done = absent(cloud, clock, state="present", name="node", count=0)
    assert (done.changed, cloud.names, cloud.count("launch")) == (False, ["node-1"], 0)
    assert absent(cloud, clock, state="present", name="node", count=0, shrink=True).changed
    assert cloud.names == []


def test_of_two_with_one_name_none_is_deleted(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [an_instance("web", number=1), an_instance("web", number=2)])
    with pytest.raises(ConfigurationError, match="2 instances are called web"):
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


def test_one_that_is_refused_does_not_stop_the_others(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [node(1), node(2)])
    cloud.script("delete", "node-2", PermissionDenied("Deletion of node-2 was refused."))
    done = absent(cloud, clock, name="node-{number}")
    assert done.failure == "1 of 2 failed: node-2 (2): Deletion of node-2 was refused."
    assert cloud.names == ["node-2"]
