# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode predicts each change of instances, the run makes it, and the next run has nothing to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError, SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    NO_GROWTH,
    Growth,
    Image,
    Instance,
    Launch,
    LaunchOptions,
    LaunchRecipe,
    Outcome,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.instance import SPEC, instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import QUAD, LaunchCloud
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

SMALL: dict[str, Any] = {"image": "Ubuntu", "flavor": "m3.tiny"}
WEB: dict[str, Any] = {"name": "web", **SMALL}
SPARE = "149.165.9.9"


class Cloud(LaunchCloud):
    """A cloud with a spare floating IP. As at Jetstream2, a list has the names of images only on request."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.spare.add(SPARE)

    def prepare(self, options: LaunchOptions, count: int, growth: Growth = NO_GROWTH) -> LaunchRecipe:
        """Launch by the flavor of the task, as a cloud does."""
        recipe = super().prepare(options, count, growth)
        return replace(recipe, flavor=QUAD) if options.flavor == QUAD.name else recipe

    def launch(self, recipe: LaunchRecipe, launch: Launch) -> Instance:
        made = super().launch(recipe, launch)
        self._instances[made.uuid] = replace(self._instances[made.uuid], flavor=recipe.flavor)
        return self._instances[made.uuid]

    def delete(self, instance: Instance) -> None:
        """Leave a floating IP with the project, as neutron does."""
        super().delete(instance)
        if instance.uuid in self.addresses:
            self.spare.add(self.addresses.pop(instance.uuid))

    def list_instances(self, **options: object) -> list[Instance]:
        listed = super().list_instances(**options)
        if options.get("images"):
            return listed
        return [replace(each, image=each.image and replace(each.image, name="")) for each in listed]


def run(cloud: LaunchCloud, *, check_mode: bool = False, **options: Any) -> Outcome:
    def operation(given: Any, context: Context) -> Outcome:
        return instance(cloud, given, context)

    return OperationRunner(None, cloud._clock).run(SPEC, operation, check_mode=check_mode, **options)  # type: ignore[arg-type]


def actions(outcome: Outcome) -> dict[str, Sequence[str]]:
    return {each["name"]: each["actions"] for each in outcome.result["instances"]}


def shown(outcome: Outcome) -> tuple[str, str]:
    """Return a diff. Whether a shelved instance leaves its host is the cloud's to decide."""
    before, after = ((outcome.diff or {})[name].replace("shelved_offloaded", "shelved") for name in ("before", "after"))
    return before, after


def has_web(**more: Any) -> Callable[[Cloud], None]:
    def make(cloud: Cloud) -> None:
        assert run(cloud, **WEB, **more).failure is None

    return make


def has_three(cloud: Cloud) -> None:
    assert run(cloud, name="node", count=3, **SMALL).failure is None


def has_web_resized(cloud: Cloud) -> None:
    """Have an instance whose resize waits for a confirmation."""
    assert run(cloud, **{**WEB, "flavor": "m3.quad"}).failure is None
    [web] = cloud.all_named("web")
    cloud._builds.clear()
    cloud._instances[web.uuid] = replace(web, status="verify_resize")


def nothing(_cloud: Cloud) -> None:
    """Have no instance."""


CASES: list[tuple[str, Callable[[Cloud], None], dict[str, Any], dict[str, list[str]]]] = [
    ("one", nothing, WEB, {"web": ["launch"]}),
    ("several", nothing, {"names": ["Web", "web"], **SMALL}, {"Web": ["launch"], "web": ["launch"]}),
    ("address", nothing, {**WEB, "floating_ip": "auto"}, {"web": ["launch", "assign address"]}),
    ("given address", nothing, {**WEB, "floating_ip": SPARE}, {"web": ["launch", "assign address"]}),
    ("locked", nothing, {**WEB, "locked": True}, {"web": ["launch", "lock"]}),
    ("shelved", nothing, {**WEB, "initial_state": "shelved"}, {"web": ["launch", "shelve"]}),
    ("no groups", nothing, {**WEB, "security_groups": []}, {"web": ["launch", "set security groups"]}),
    ("a group twice", nothing, {**WEB, "security_groups": ["ssh", "ssh"]}, {"web": ["launch"]}),
    ("properties", nothing, {**WEB, "metadata": {"a": 1, "b": True}, "description": "x"}, {"web": ["launch"]}),
    ("more of a template", has_three, {"name": "node", "count": 4, **SMALL}, {"node-4": ["launch"]}),
    ("fewer", has_three, {"name": "node", "count": 1, "shrink": True}, {"node-3": ["delete"], "node-2": ["delete"]}),
    ("another address", has_web(floating_ip="auto"), {**WEB, "floating_ip": SPARE}, {"web": ["assign address"]}),
    ("first address", has_web(), {**WEB, "floating_ip": SPARE}, {"web": ["assign address"]}),
    ("no address", has_web(floating_ip="auto"), {**WEB, "floating_ip": "none"}, {"web": ["detach floating IP"]}),
    (
        "address and metadata",
        has_web(),
        {**WEB, "floating_ip": "auto", "metadata": {"a": "1"}},
        {"web": ["assign address", "set metadata"]},
    ),
    ("groups", has_web(), {**WEB, "security_groups": ["ssh"]}, {"web": ["set security groups"]}),
    ("groups taken", has_web(), {**WEB, "security_groups": []}, {"web": ["set security groups"]}),
    ("resized", has_web(), {**WEB, "flavor": "m3.quad"}, {"web": ["resize"]}),
    ("lock", has_web(), {**WEB, "locked": True}, {"web": ["lock"]}),
    ("renamed", has_web(), {**WEB, "new_name": "www"}, {"www": ["rename"]}),
    ("deleted", has_web(), {"name": "web", "state": "absent"}, {"web": ["delete"]}),
    ("replaced", has_web(), {**WEB, "image": "Rocky", "replace": True}, {"web": ["delete", "launch"]}),
    (
        "replaced with other properties",
        has_web(description="old", locked=False),
        {**WEB, "image": "Rocky", "flavor": "m3.quad", "description": "new", "metadata": {"a": "1"}, "replace": True},
        {"web": ["delete", "launch"]},
    ),
    (
        "replaced and renamed",
        has_web(),
        {**WEB, "image": "Rocky", "new_name": "www", "replace": True},
        {"www": ["delete", "launch"]},
    ),
    (
        "replaced with its address",
        has_web(floating_ip=SPARE),
        {**WEB, "image": "Rocky", "floating_ip": SPARE, "replace": True, "release_floating_ip": True},
        {"web": ["delete", "launch", "assign address"]},
    ),
    ("confirmed", has_web_resized, {**WEB, "flavor": "m3.quad"}, {"web": ["confirm resize"]}),
]


@pytest.mark.parametrize(("before", "wanted", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_check_mode_predicts_each_change_and_a_second_run_makes_none(
    before: Callable[[Cloud], None], wanted: dict[str, Any], steps: dict[str, list[str]]
) -> None:
    cloud = Cloud()
    before(cloud)
    there = cloud.names
    foreseen = run(cloud, check_mode=True, **wanted)
    assert cloud.names == there
    done = run(cloud, **wanted)
    assert (foreseen.failure, done.failure) == (None, None)
    assert (foreseen.changed, done.changed) == (True, True)
    assert {name: each for name, each in actions(done).items() if each} == steps
    assert actions(foreseen) == actions(done)
    assert shown(foreseen) == shown(done)
    assert foreseen.result["summary"] == done.result["summary"]
    again = run(cloud, **wanted)
    assert (again.failure, again.changed, set(map(tuple, actions(again).values())) - {()}) == (None, False, set())


class LateCloud(Cloud):
    """Shows addresses minutes late, as nova does: those that instances had when ``late`` was noted."""

    late: Mapping[str, str] | None = None

    def list_instances(self, **options: object) -> list[Instance]:
        listed = super().list_instances(**options)
        if self.late is None:
            return listed
        return [replace(each, ip_address=self.late.get(each.uuid)) for each in listed]


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_address_that_is_shown_late_is_neither_detached_twice_nor_missed(check_mode: bool) -> None:
    cloud = LateCloud()
    has_web(floating_ip="auto")(cloud)
    detach: dict[str, Any] = {"name": "web", "floating_ip": "none"}
    # It has one, and none is shown.
    cloud.late = {}
    assert actions(run(cloud, check_mode=True, name="web", floating_ip="auto")) == {"web": []}
    assert actions(run(cloud, check_mode=check_mode, **detach)) == {"web": ["detach floating IP"]}
    # It has none, and one is shown.
    cloud.addresses.clear()
    cloud.late = dict.fromkeys((each.uuid for each in cloud.list_instances()), "149.165.0.1")
    assert actions(run(cloud, check_mode=check_mode, **detach)) == {"web": []}


def test_a_locked_one_gets_its_address_in_check_mode_as_in_the_run() -> None:
    cloud = Cloud()
    has_web(locked=True)(cloud)
    wanted: dict[str, Any] = {**WEB, "floating_ip": "auto", "metadata": {"a": "1"}}
    foreseen, done = (run(cloud, check_mode=check, **wanted) for check in (True, False))
    for outcome in (foreseen, done):
        assert (outcome.changed, actions(outcome)) == (True, {"web": ["assign address"]})
        assert outcome.result["instances"][0]["skipped"] is True


@pytest.mark.parametrize("options", [{"locked": True}, {"security_groups": []}])
def test_an_option_that_needs_a_launched_instance_is_refused_without_a_wait(options: dict[str, Any]) -> None:
    cloud = Cloud()
    with pytest.raises(ConfigurationError, match="require wait: true"):
        run(cloud, **WEB, **options, wait=False)
    assert cloud.calls == []


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_an_address_that_cannot_be_had_is_reported_before_anything_is_launched(state: str, check_mode: bool) -> None:
    """``state``: that of the instance before."""
    cloud = Cloud()
    run(cloud, name="other", floating_ip="auto", **SMALL)
    if state == "present":
        has_web()(cloud)
    there = cloud.names
    for address, said in (("149.165.0.1", "belongs to another instance"), ("149.165.7.7", "has no floating IP 149")):
        with pytest.raises(SelectionError, match=said):
            run(cloud, check_mode=check_mode, **WEB, floating_ip=address)
    assert cloud.names == there


@pytest.mark.parametrize("wanted", ["True", "yes", "Auto", "149.165.1", "149.165.1.1/24", "floating"])
def test_a_floating_ip_is_auto_none_or_an_address(wanted: str) -> None:
    cloud = Cloud()
    with pytest.raises(ConfigurationError, match="must be auto, none or an address"):
        run(cloud, **WEB, floating_ip=wanted)
    assert cloud.calls == []


def test_a_flavor_may_be_named_by_its_id_in_each_run() -> None:
    cloud = Cloud()
    tiny, quad = cloud.flavors()
    ids = {"m3.tiny": "1", "m3.quad": "4"}
    cloud.flavors = lambda: [replace(each, id=ids[each.name]) for each in (tiny, quad)]  # type: ignore[method-assign]
    has_web()(cloud)
    for check_mode in (True, False):
        same = run(cloud, check_mode=check_mode, **{**WEB, "flavor": "1"})
        assert (same.failure, same.changed) == (None, False)
    larger = [run(cloud, check_mode=check, **{**WEB, "flavor": "4"}) for check in (True, False, False)]
    assert [each.failure for each in larger] == [None, None, None]
    assert [actions(each)["web"] for each in larger] == [["resize"], ["resize"], []]
    assert cloud.all_named("web")[0].flavor.name == "m3.quad"


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize("called", ["Ubuntu", "ubuntus-uuid"])
@pytest.mark.parametrize("launched_as", ["Ubuntu", "ubuntus-uuid"])
def test_an_image_is_the_same_by_its_name_and_by_its_uuid(launched_as: str, called: str, replaces: bool) -> None:
    """Also where the task that launched it named it in the other way: it must not be replaced for that."""
    cloud = Cloud()
    has_web()(cloud)
    [web] = cloud.all_named("web")
    facts = replace(web.facts, image=launched_as)
    cloud._instances[web.uuid] = replace(web, image=Image(name="Ubuntu", uuid="ubuntus-uuid"), facts=facts)
    for check_mode in (True, False):
        done = run(cloud, check_mode=check_mode, **{**WEB, "image": called}, replace=replaces)
        assert (done.failure, done.changed) == (None, False)
    assert cloud.all_named("web")[0].uuid == web.uuid


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"image": ""}, "image is given, but empty"),
        ({"flavor": " "}, "flavor is given, but empty"),
        ({"network": ""}, "network is given, but empty"),
        ({"key_name": ""}, "key_name is given, but empty"),
        ({"floating_ip": ""}, "floating_ip is given, but empty"),
        ({"project": ""}, "project is given, but empty"),
        ({"user_data_file": ""}, "user_data_file is given, but empty"),
        ({"key_name": "laptop", "public_key_file": ""}, "public_key_file is given, but empty"),
        ({"wait_timeout": 0}, "wait_timeout must be more than 0"),
        ({"wait_timeout": -1}, "wait_timeout must be more than 0"),
        ({"metadata": {"a": None}}, "metadata: a is given, but empty"),
        ({"metadata": {"a": {"b": 1}}}, "metadata: a must be one value"),
        ({"metadata": {"a": [1, 2]}}, "metadata: a must be one value"),
        ({"new_name": "www-{number}"}, "is a template, and no name"),
        ({"count": -1}, "count must be between 0 and 10000"),
        ({"count": 1_000_000_000}, "count must be between 0 and 10000"),
        ({"count": 4, "shrink": True, "image": ""}, "image is given, but empty"),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_any_request(options: dict[str, Any], said: str) -> None:
    cloud = Cloud()
    cloud._instances = {each.uuid: each for each in [an_instance("web")]}
    with pytest.raises(ConfigurationError, match=said):
        run(cloud, **{**WEB, **options})
    assert cloud.calls == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_address_that_a_task_gives_to_a_replaced_instance_is_not_released(check_mode: bool) -> None:
    """Also where it was made for the one that is deleted: the new one could not have it any more."""
    cloud = Cloud()
    has_web(floating_ip="auto")(cloud)
    [web] = cloud.all_named("web")
    cloud.made_for.add(web.uuid)
    assert web.ip_address is not None
    options = {**WEB, "image": "Rocky", "floating_ip": web.ip_address, "replace": True, "release_floating_ip": True}
    done = run(cloud, check_mode=check_mode, **options)
    assert (done.failure, actions(done)) == (None, {"web": ["delete", "launch", "assign address"]})
    assert not [each for each in cloud.calls if each.startswith("release")]


def test_an_instance_that_is_still_built_is_foreseen_as_the_run_finds_it_built() -> None:
    cloud = Cloud()
    assert run(cloud, **WEB, wait=False).failure is None
    seen: list[Instance] = []
    cloud.change_refusal = lambda instance, _change: seen.append(instance)  # type: ignore[method-assign,func-returns-value]
    foreseen = run(cloud, check_mode=True, **WEB, metadata={"a": "1"})
    assert actions(foreseen) == {"web": ["set metadata"]}
    assert [(each.status, each.activity) for each in seen] == [("active", "")]
    assert actions(run(cloud, **WEB, metadata={"a": "1"})) == {"web": ["set metadata"]}


@pytest.mark.parametrize("given", ["web", "www"])
def test_an_instance_that_is_launched_by_its_new_name_has_the_user_data_of_either(given: str) -> None:
    cloud = Cloud()
    recipes: list[LaunchRecipe] = []
    launched = cloud.launch
    cloud.launch = lambda recipe, launch: recipes.append(recipe) or launched(recipe, launch)  # type: ignore[method-assign,func-returns-value]
    done = run(cloud, **WEB, new_name="www", user_data_by_name={given: "#cloud-config"})
    assert (done.failure, actions(done)) == (None, {"www": ["launch"]})
    assert recipes[0].options.user_data_by_name["www"] == "#cloud-config"


@pytest.mark.parametrize("count", [1, 2])
def test_a_record_of_a_failed_launch_beyond_the_count_is_surplus(count: int) -> None:
    """A killed run left it. Its number may be free, and no instance is to be launched for it."""
    cloud = Cloud()
    has_three(cloud)
    [record] = cloud.all_named("node-2")
    facts = replace(record.facts, has_run=False)
    cloud._builds.clear()
    for each in list(cloud._instances.values()):
        cloud._instances[each.uuid] = replace(each, status="active", activity="")
    cloud._instances[record.uuid] = replace(record, status="error", facts=facts, fault="No valid host was found.")
    fewer: dict[str, Any] = {"name": "node", "count": count}
    kept = run(cloud, **fewer)
    assert "node-2" in kept.warnings[0]
    assert (kept.changed, cloud.names) == (False, ["node-1", "node-2", "node-3"])
    foreseen, done = run(cloud, check_mode=True, **fewer, shrink=True), run(cloud, **fewer, shrink=True)
    assert actions(foreseen) == actions(done)
    assert (done.failure, cloud.names) == (None, ["node-1", "node-3"][:count])
    assert run(cloud, **fewer, shrink=True).changed is False


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("options", [SMALL, {"state": "absent"}, {"new_name": "www"}])
def test_the_uuid_of_an_instance_is_not_taken_for_a_name(options: dict[str, Any], check_mode: bool) -> None:
    """It would launch another instance of that name, and delete none."""
    cloud = Cloud()
    has_web()(cloud)
    [web] = cloud.all_named("web")
    for called in (web.uuid, web.uuid.upper()):
        with pytest.raises(SelectionError, match=f"{called} is the UUID of web .*, not its name. Set its name."):
            run(cloud, check_mode=check_mode, name=called, **options)
    with pytest.raises(SelectionError, match="is the UUID of web"):
        run(
            cloud, check_mode=check_mode, names=["web", web.uuid], **{**SMALL, "state": options.get("state", "present")}
        )
    assert [each.name for each in cloud._instances.values()] == ["web"]


def test_an_instance_may_have_a_uuid_as_its_name() -> None:
    cloud = Cloud()
    has_web()(cloud)
    [web] = cloud.all_named("web")
    cloud._instances["copy"] = replace(web, uuid="copy", id="copy", name=web.uuid)
    assert actions(run(cloud, name=web.uuid, state="absent")) == {web.uuid: ["delete"]}
    assert [each.name for each in cloud._instances.values()] == ["web"]
