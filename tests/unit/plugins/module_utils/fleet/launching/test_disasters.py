# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disasters that counts and selections of other collections have caused do not happen here.

Each test names the report of a disaster: ans# is ansible/ansible, core# ansible/ansible-modules-core.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError, SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AttachedVolume,
    Image,
    Instance,
    LaunchFacts,
    Outcome,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.instance import SPEC, instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import LaunchCloud
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

TEMPLATE = "node-{number}"
SMALL: dict[str, Any] = {"image": "Ubuntu", "flavor": "m1.small"}


def node(number: int, status: str = "active", activity: str = "", **more: Any) -> Instance:
    """Return an instance that this collection launched for the template."""
    made = an_instance(f"node-{number}", status, activity, number=number)
    return replace(made, facts=LaunchFacts(group=TEMPLATE, token=f"token-{number}"), **more)


def run(cloud: LaunchCloud, *, check_mode: bool = False, **options: Any) -> Outcome:
    def operation(given: Any, context: Context) -> Outcome:
        return instance(cloud, given, context)

    return OperationRunner(None, cloud._clock).run(SPEC, operation, check_mode=check_mode, **options)  # type: ignore[arg-type]


def cloud_of(*instances: Instance) -> LaunchCloud:
    return LaunchCloud(FakeClock(), instances)


@pytest.mark.parametrize(
    "options",
    [{"names": []}, {"name": ""}, {"names": [""]}, {"name": " "}, {"name": "*"}, {"name": ".*"}, {"name": "{number}"}],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_empty_selector_means_no_instance_and_never_all(options: dict[str, Any], state: str) -> None:
    """ans#19427, ans#9040, core#4212: an empty count_tag matched every instance, and exact_count terminated them."""
    cloud = cloud_of(node(1), an_instance("web"))
    counted = {"count": 0, "shrink": True, **SMALL} if state == "present" and "name" in options else {}
    try:
        done = run(cloud, state=state, **options, **counted)
    except ConfigurationError:
        # A glob is refused once it is known that nothing is called so.
        assert set(cloud.calls) <= {"list"}
    else:
        assert (done.changed, cloud.count("delete")) == (False, 0)
    assert cloud.names == ["node-1", "web"]


@pytest.mark.parametrize(
    "options",
    [
        {"name": "node", "count": ""},
        {"name": "node", "count": "all"},
        {"name": "node", "count": []},
        {"name": "node", "count": -1},
        {"names": {"name": "node"}},
        {"names": [{"name": "node"}], "count": 1},
        {"name": ["node-1", "node-2"], "count": 0},
        {},
    ],
)
def test_an_ill_typed_selector_means_no_instance(options: dict[str, Any]) -> None:
    """ans#29750, core#15: a count_tag of the wrong type was ignored, so that it matched every instance."""
    cloud = cloud_of(node(1), node(2))
    checked = ArgumentSpecValidator(**SPEC.arguments()).validate({"shrink": True, **SMALL, **options})
    if not checked.error_messages:
        with suppress(ConfigurationError):
            assert run(cloud, shrink=True, **SMALL, **options).changed is False
    assert (cloud.count("delete"), cloud.count("launch"), cloud.names) == (0, 0, ["node-1", "node-2"])


def test_an_instance_that_is_being_deleted_does_not_count() -> None:
    """ans#55955: instances that were shutting down counted, so that fewer were left than exact_count said."""
    cloud = cloud_of(node(1), node(2, "active", "deleting"))
    done = run(cloud, name=TEMPLATE, count=2, shrink=True, **SMALL)
    assert (done.failure, done.result["summary"]["launched"], cloud.count("delete")) == (None, 1, 0)
    assert [each["name"] for each in done.result["instances"]] == ["node-1", "node-2"]


@pytest.mark.parametrize("shrink", [False, True])
def test_a_count_of_zero_launches_none(shrink: bool) -> None:
    """ans#6067: exact_count: 0 launched one."""
    cloud = cloud_of()
    done = run(cloud, name=TEMPLATE, count=0, shrink=shrink, **SMALL)
    assert (done.changed, cloud.names, cloud.count("launch")) == (False, [], 0)


def test_a_second_run_launches_none() -> None:
    """ec2_instance: count launches so many in each run; of openstack.cloud and rax, a count was asked for in vain."""
    cloud = cloud_of()
    wanted: dict[str, Any] = {"name": TEMPLATE, "count": 3, "image": "Ubuntu", "flavor": "m3.tiny"}
    assert run(cloud, **wanted).result["summary"]["launched"] == 3
    assert (run(cloud, **wanted).changed, cloud.count("launch")) == (False, 3)


def test_the_highest_numbers_go_and_not_the_oldest() -> None:
    """ec2_instance and rax terminate the oldest first, which usually are the lowest numbers: node-1 with its users."""
    old = [node(number, start_date=f"2026-01-0{number}T00:00:00Z") for number in (1, 2)]
    cloud = cloud_of(*old, node(3, start_date="2025-01-01T00:00:00Z"), node(4, start_date="2026-09-01T00:00:00Z"))
    done = run(cloud, name=TEMPLATE, count=2, shrink=True, **SMALL)
    assert (done.failure, cloud.names) == (None, ["node-1", "node-2"])
    assert [call for call in cloud.calls if call.startswith("delete")] == ["delete node-4", "delete node-3"]


def test_lost_numbers_are_filled_from_the_lowest_and_none_is_given_twice() -> None:
    """In nova, max_count begins at 1 in each request, so that a second batch has the names of the first."""
    cloud = cloud_of(node(2), node(5))
    done = run(cloud, name=TEMPLATE, count=4, **SMALL)
    assert (done.failure, cloud.names) == (None, ["node-1", "node-2", "node-3", "node-5"])


def test_the_first_keeps_its_name_when_there_is_a_second() -> None:
    """CACAO names a single instance without a number, so that going from 1 to 2 renames the first."""
    cloud = cloud_of()
    run(cloud, name=TEMPLATE, count=1, **SMALL)
    [first] = cloud.all_named("node-1")
    run(cloud, name=TEMPLATE, count=2, **SMALL)
    assert cloud.all_named("node-1")[0].uuid == first.uuid
    assert cloud.names == ["node-1", "node-2"]


@pytest.mark.parametrize("status", ["shutoff", "suspended", "shelved_offloaded", "paused"])
def test_an_instance_that_sleeps_counts(status: str) -> None:
    """oracle.oci#180, scaleway#17, ans#12233: what did not run was not seen, and was made a second time."""
    cloud = cloud_of(node(1, status), node(2))
    done = run(cloud, name=TEMPLATE, count=2, **SMALL)
    assert (done.changed, cloud.count("launch")) == (False, 0)


def test_an_instance_in_error_can_be_deleted() -> None:
    """ans#15871: instances in error were not seen, and so not deleted."""
    cloud = cloud_of(node(1, "error"), node(2))
    assert run(cloud, state="absent", name=TEMPLATE).failure is None
    assert cloud.names == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_instance_that_only_has_a_name_of_the_template_stays(state: str) -> None:
    """exact_count terminated instances of others that matched its filter."""
    others = [an_instance("node-7", number=7), replace(node(8), facts=LaunchFacts("node-{number:01}", "t"))]
    cloud = cloud_of(node(1), *others)
    counted = {"count": 0, "shrink": True, **SMALL} if state == "present" else {}
    done = run(cloud, state=state, name=TEMPLATE, **counted)
    assert (done.failure, cloud.names) == (None, ["node-7", "node-8"])
    [warning] = done.warnings
    assert all(f"{name} " in warning for name in ("node-7", "node-8"))


@pytest.mark.parametrize("name", ["node", "node-", "node-1.", "node-{number:03}", "de-{number}", "node-1{number}"])
def test_a_part_of_a_name_is_no_name(name: str) -> None:
    """In nova, the filter of names is a regular expression without anchors: name=node-1 also lists node-10."""
    cloud = cloud_of(node(1), node(10), node(11))
    done = run(cloud, state="absent", name=name)
    assert (done.changed, cloud.names) == (False, ["node-1", "node-10", "node-11"])


THEIRS = an_instance("web", owner="0123456789abcdef")


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"state": "absent"},
        {"metadata": {"a": "1"}, **SMALL},
        {"image": "Rocky", "flavor": "m3.quad", "replace": True},
        {"new_name": "www"},
    ],
)
def test_the_instance_of_another_member_of_the_project_is_not_touched(
    options: dict[str, Any], check_mode: bool
) -> None:
    """All members of a project at Jetstream2 may delete all of its servers, and names are not unique."""
    cloud = cloud_of(THEIRS, an_instance("db", number=2))
    with pytest.raises(SelectionError, match=r"web \(1\) belongs to 0123456789abcdef, but owner is me"):
        run(cloud, check_mode=check_mode, name="web", **options)
    assert (cloud.names, cloud.count("delete"), cloud.count("launch")) == (["db", "web"], 0, 0)


def test_instances_of_others_in_the_project_can_be_selected() -> None:
    """By its owner, or since this collection launched it: then several people keep one fleet."""
    cloud = cloud_of(THEIRS)
    assert run(cloud, name="web", state="absent", owner=["any"]).result["summary"]["deleted"] == 1
    cloud = cloud_of(replace(THEIRS, facts=LaunchFacts(group="web", token="t")))
    assert run(cloud, name="web", **SMALL).changed is False
    assert run(cloud, name="web", state="absent").result["summary"]["deleted"] == 1


def test_ones_own_is_meant_where_others_have_the_name_as_well() -> None:
    cloud = cloud_of(THEIRS, an_instance("web", number=2))
    assert run(cloud, name="web", **SMALL).changed is False
    assert run(cloud, name="web", state="absent").failure is None
    assert [each.owner for each in cloud.all_named("web")] == [THEIRS.owner]


def test_of_several_instances_of_a_name_none_is_deleted() -> None:
    """ans#14984: of several instances of one name, a module took any."""
    cloud = cloud_of(an_instance("web", number=1), an_instance("web", number=2))
    with pytest.raises(ConfigurationError, match="The name web is ambiguous"):
        run(cloud, state="absent", names=["web", "db"])
    assert cloud.count("delete") == 0


@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode_shows_each_that_would_go(state: str) -> None:
    """hetzner.hcloud#50: users asked for the list before anything is deleted."""
    cloud = cloud_of(node(1), node(2), node(3))
    counted = {"count": 1, "shrink": True, **SMALL} if state == "present" else {}
    done = run(cloud, check_mode=True, state=state, name=TEMPLATE, **counted)
    going = [each["name"] for each in done.result["instances"] if each["after"] == "absent"]
    assert going == (["node-3", "node-2"] if state == "present" else ["node-3", "node-2", "node-1"])
    assert done.diff is not None
    assert all(f"{name} " in done.diff["before"] for name in going)
    assert (cloud.count("delete"), len(cloud.names)) == (0, 3)


def test_metadata_of_others_stays() -> None:
    """openstack.cloud.server: where metadata is not given, all of it is removed."""
    marked = replace(node(1), metadata={"exoGuac": "1", "course": "geo"})
    cloud = cloud_of(marked)
    run(cloud, name="node-1", metadata={"course": "bio"}, flavor="m1.small")
    assert cloud.all_named("node-1")[0].metadata == {"exoGuac": "1", "course": "bio"}


def test_volumes_and_addresses_stay_where_nothing_is_said_of_them() -> None:
    """MorphoCloud: the advice to delete all and to try again endangered volumes with data."""
    cloud = cloud_of(replace(node(1), facts=LaunchFacts(TEMPLATE, "t", volumes=(AttachedVolume("data"),))))
    [there] = cloud.list_instances()
    cloud.volumes, cloud.addresses, cloud.made_for = {"data": "in-use"}, {there.uuid: "149.165.0.1"}, {there.uuid}
    assert run(cloud, state="absent", name=TEMPLATE).failure is None
    assert (cloud.volumes, list(cloud.addresses.values())) == ({"data": "in-use"}, ["149.165.0.1"])


def test_an_instance_in_a_state_that_detaches_nothing_is_deleted_all_the_same() -> None:
    """openstack.cloud.server, terraform-provider-openstack#455: what is suspended or in error could not be deleted."""
    kept = LaunchFacts(TEMPLATE, "t", volumes=(AttachedVolume("data"),))
    cloud = cloud_of(replace(node(1, "suspended", image=Image(name="Ubuntu", uuid="i")), facts=kept))
    cloud.volumes = {"data": "in-use"}
    done = run(cloud, state="absent", name=TEMPLATE)
    assert (done.failure, cloud.names, cloud.count("detach")) == (None, [], 0)
