# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches end with each name there exactly once, whatever happens on the way."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
    OverAllocation,
    RateLimited,
    Refused,
    SelectionError,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance, Launch, Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, Operation
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.instance import SPEC, instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.killed import Killed
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import NO_HOST, LaunchCloud, LostResponse, Phase
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

DROPPED = Unreachable("The connection was dropped.")
SMALL = {"image": "Ubuntu", "flavor": "m3.tiny"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cloud(clock: FakeClock) -> LaunchCloud:
    return LaunchCloud(clock)


def run(cloud: LaunchCloud, clock: FakeClock, *, check_mode: bool = False, **options: Any) -> Outcome:
    def operation(given: Any, context: Context) -> Outcome:
        return instance(cloud, given, context)

    wanted: Operation = operation
    return OperationRunner(None, clock).run(SPEC, wanted, check_mode=check_mode, **{**SMALL, **options})


def items(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in outcome.result["instances"]}


NODES: dict[str, Any] = {"name": "node", "count": 6}
ALL = [f"node-{number}" for number in range(1, 7)]


def test_a_fleet_comes_up_with_one_list_before_and_one_after(cloud: LaunchCloud, clock: FakeClock) -> None:
    checked = run(cloud, clock, check_mode=True, **NODES)
    assert (checked.changed, cloud.names, cloud.count("launch")) == (True, [], 0)
    cloud.calls.clear()
    done = run(cloud, clock, **NODES)
    assert (done.failure, done.changed, cloud.names) == (None, True, ALL)
    assert done.result["summary"]["launched"] == 6
    cloud.calls.clear()
    again = run(cloud, clock, **NODES)
    assert (again.failure, again.changed, cloud.calls) == (None, False, ["list"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"names": ["alice"], "user_data_by_name": {"alcie": "x"}},
            "alcie is not an instance of this task. Did you mean alice?",
        ),
        ({**NODES, "user_data_by_name": {"nodes-1": "x"}}, "nodes-1 is not an instance of this task"),
        ({"names": ["alice"], "user_data_by_name": {"alice": {"users": []}}}, "the value of alice is not text"),
    ],
)
def test_user_data_that_no_instance_would_get_is_refused(
    cloud: LaunchCloud, clock: FakeClock, options: dict[str, Any], words: str
) -> None:
    with pytest.raises((SelectionError, ConfigurationError), match=re.escape(words)):
        run(cloud, clock, **options)
    assert cloud.calls == []


@pytest.mark.parametrize("error", [DROPPED, ServerFault("502"), UnexpectedResponse("HTML"), RuntimeError("a bug")])
def test_a_launch_whose_response_is_lost_is_found_by_its_token(
    cloud: LaunchCloud, clock: FakeClock, error: Exception
) -> None:
    cloud.script("launch", "node-2", LostResponse(error))  # type: ignore[arg-type]
    done = run(cloud, clock, **NODES)
    assert (done.failure, cloud.names, cloud.count("launch")) == (None, ALL, 6)


def test_a_launch_that_was_not_carried_out_is_sent_again_after_two_looks(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.script("launch", "node-2", DROPPED, ServerFault("503"))
    done = run(cloud, clock, **NODES)
    assert (done.failure, cloud.names, cloud.calls.count("launch node-2")) == (None, ALL, 3)
    cloud.script("launch", "web", DROPPED, DROPPED, DROPPED)
    done = run(cloud, clock, name="web")
    assert done.failure == "web: was not launched: The connection was dropped."
    assert (cloud.calls.count("launch web"), done.changed) == (3, False)


@pytest.mark.parametrize("seconds", [0.0, 2.0, 4.0, 8.0, 12.0, 14.0])
def test_a_launch_that_is_carried_out_late_leaves_no_twin(
    cloud: LaunchCloud, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """However late it comes, as long as the task still runs."""
    really = cloud.launch
    lost: list[Launch] = []

    def launch(recipe: Any, request: Launch) -> Instance:
        if request.name == "node-3" and not lost:
            lost.append(request)
            cloud.launch_later(seconds, request)
            raise DROPPED
        return really(recipe, request)

    monkeypatch.setattr(cloud, "launch", launch)
    done = run(cloud, clock, **NODES)
    assert (done.failure, cloud.names) == (None, ALL)
    [there] = cloud.all_named("node-3")
    assert items(done)["node-3"]["uuid"] == there.uuid


@pytest.mark.parametrize("error", [RateLimited("429"), Unreachable("refused", unsent=True)])
def test_a_request_that_was_certainly_not_carried_out_is_resent_without_a_read(
    cloud: LaunchCloud, clock: FakeClock, error: JetstreamError
) -> None:
    cloud.script("launch", "node-2", error, error, error)
    done = run(cloud, clock, **NODES)
    assert (done.failure, cloud.names, cloud.count("find")) == (None, ALL, 0)


def test_a_quota_that_ends_stops_the_rest(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.script("launch", "node-4", OverAllocation("Quota exceeded for instances."))
    done = run(cloud, clock, **NODES)
    assert done.failure is not None
    assert done.failure.startswith("3 of 6 instances exist: node-4: Quota exceeded for instances; node-5: was not")
    assert (cloud.names, cloud.count("launch")) == (ALL[:3], 4)
    assert run(cloud, clock, **NODES).failure is None


def test_a_refused_launch_does_not_stop_the_others(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.script("launch", "node-4", Refused("Invalid key_name."))
    done = run(cloud, clock, **NODES)
    assert done.failure == "5 of 6 instances exist: node-4: Invalid key_name."
    assert cloud.calls.count("launch node-4") == 1


@pytest.mark.parametrize(
    "fault",
    [
        NO_HOST,
        # Each host that was tried refused it, or failed to build it.
        "Exceeded maximum number of retries. Exceeded max scheduling attempts 3 for instance 3f0c.",
        "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for 3f0c.",
    ],
)
def test_launches_without_a_host_are_repeated_in_small_batches(
    cloud: LaunchCloud, clock: FakeClock, fault: str
) -> None:
    cloud.no_host, cloud.no_host_fault = dict.fromkeys(ALL, 1), fault
    done = run(cloud, clock, **NODES)
    assert (done.failure, cloud.names) == (None, ALL)
    second = [number for number, call in enumerate(cloud.calls) if call.startswith("launch")][6:]
    # Four, and the other two once these were up; the records had been deleted before.
    assert [cloud.calls[number].split()[1] for number in second] == ALL
    polls = [number for number, call in enumerate(cloud.calls) if call.startswith("poll")]
    assert any(second[3] < number < second[4] for number in polls)
    assert cloud.count("delete") == 6
    assert items(done)["node-1"]["actions"] == ["launch"]


def test_without_enough_hosts_the_run_fails_with_the_number_of_existing_instances(
    cloud: LaunchCloud, clock: FakeClock
) -> None:
    cloud.no_host = dict.fromkeys(["node-2", "node-5"], 99)
    done = run(cloud, clock, **NODES)
    assert done.failure is not None
    assert done.failure.startswith(
        f"4 of 6 instances exist: node-2: was not launched: no host had room for it: {NO_HOST[:-1]}"
    )
    assert cloud.names == ["node-1", "node-3", "node-4", "node-6"]
    # Once, and two retries.
    assert cloud.calls.count("launch node-2") == 3
    first, second = [each for each in clock.sleeps if each > 10]
    assert 13 < first < 17
    assert 26 < second < 34
    assert items(done)["node-2"]["changed"] is False
    cloud.no_host.clear()
    assert (run(cloud, clock, **NODES).failure, cloud.names) == (None, ALL)


def test_an_instance_in_error_that_ran_is_reported_and_kept(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [an_instance("web", "error", fault="The disk is gone.")])
    for check_mode in (True, False):
        done = run(cloud, clock, name="web", check_mode=check_mode)
        assert done.failure == "web: in error: The disk is gone."
    assert cloud.count("delete") == 0


def test_a_floating_ip_that_is_refused_fails_the_instance_alone(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.script("assign", "node-2", OverAllocation("Quota exceeded for resources: ['floatingip']."))
    done = run(cloud, clock, floating_ip="auto", **NODES)
    assert done.failure == (
        "5 of 6 instances exist: node-2: is active, but has no floating IP: "
        "Quota exceeded for resources: ['floatingip']."
    )
    assert cloud.names == ALL
    again = run(cloud, clock, floating_ip="auto", **NODES)
    assert (again.failure, items(again)["node-2"]["actions"]) == (None, ["assign address"])


def test_without_wait_nothing_is_polled_and_the_next_run_sees_it_through(cloud: LaunchCloud, clock: FakeClock) -> None:
    done = run(cloud, clock, wait=False, **NODES)
    assert (done.failure, cloud.count("poll"), items(done)["node-1"]["after"]) == (None, 0, "build - spawning")
    again = run(cloud, clock, **NODES)
    assert (again.failure, again.changed, cloud.count("launch")) == (None, False, 6)
    assert {each["after"] for each in again.result["instances"]} == {"active"}


def test_an_instance_that_is_not_ready_in_time_is_reported_and_kept(cloud: LaunchCloud, clock: FakeClock) -> None:
    done = run(cloud, clock, wait_timeout=6, name="web")
    assert done.failure == "web: was not ready within 6 s (last seen build - spawning)."
    assert run(cloud, clock, name="web").failure is None
    assert cloud.count("launch") == 1


def test_a_refused_login_ends_the_run_and_keeps_the_results(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.script("launch", "node-3", AuthenticationFailed("The login was refused."))
    done = run(cloud, clock, **NODES)
    assert done.failure is not None
    assert done.failure.startswith("The login was refused. ")
    assert [each["name"] for each in done.result["instances"]] == ALL
    assert run(cloud, clock, **NODES).failure is None
    assert cloud.names == ALL


def _killed_at(moment: int, *, in_flight: bool) -> None:
    """Kill a run at a call to the cloud, run it again, and require each name once, with one address."""
    clock = FakeClock()
    cloud = LaunchCloud(clock)
    cloud.no_host = {"node-2": 1}
    cloud.script("launch", "node-4", LostResponse(DROPPED))
    count, last = 0, ""

    def interrupt(call: str) -> None:
        nonlocal count, last
        count, last = count + 1, call
        if count == moment:
            raise Killed

    cloud.interrupt = interrupt
    wanted: dict[str, Any] = {"name": "node", "count": 4, "floating_ip": "auto"}
    try:
        run(cloud, clock, **wanted)
    except Killed:
        if in_flight and last == "launch":
            cloud.launch_later(4.0, Launch(cloud.calls[-1].split()[1], "node-{number}", "in-flight"))
    cloud.interrupt = lambda _call: None
    done = run(cloud, clock, **wanted)
    assert done.failure is None, moment
    assert cloud.names == ["node-1", "node-2", "node-3", "node-4"], moment
    there = {each.uuid for each in cloud.list_instances()}
    assert set(cloud.addresses) == there, moment
    again = run(cloud, clock, **wanted)
    assert (again.failure, again.changed) == (None, False), moment


@pytest.mark.parametrize("in_flight", [False, True])
def test_a_run_that_is_killed_at_any_moment_leaves_nothing_that_the_next_does_not_find(in_flight: bool) -> None:
    for moment in range(1, 60):
        _killed_at(moment, in_flight=in_flight)


def test_a_run_that_is_not_killed_has_fewer_calls_than_the_moments_above() -> None:
    clock, count = FakeClock(), 0
    cloud = LaunchCloud(clock)
    cloud.no_host = {"node-2": 1}

    def interrupt(_call: str) -> None:
        nonlocal count
        count += 1

    cloud.interrupt = interrupt
    run(cloud, clock, name="node", count=4, floating_ip="auto")
    assert 20 < count < 60


def test_two_instances_of_one_name_that_raced_become_one(cloud: LaunchCloud, clock: FakeClock) -> None:
    run(cloud, clock, name="web")
    [first] = cloud.all_named("web")
    twin = replace(first, uuid="later", facts=replace(first.facts, token="other"))
    cloud._instances["later"] = twin
    checked = run(cloud, clock, name="web", check_mode=True)
    assert (checked.changed, items(checked)["web"]["actions"]) == (True, ["remove twin"])
    done = run(cloud, clock, name="web")
    assert (done.failure, done.changed, cloud.names) == (None, True, ["web"])


@pytest.mark.parametrize("kept", [True, False], ids=["another kept", "none kept"])
def test_an_instance_that_another_run_deleted_as_its_twin_is_replaced_by_the_one_that_was_kept(
    cloud: LaunchCloud, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    really = cloud.poll

    def poll(instances: Any, **options: Any) -> Any:
        if (mine := instances[0]).uuid != "theirs" and cloud._instances.pop(mine.uuid, None) and kept:
            facts = replace(mine.facts, token="other", has_run=True)
            cloud._instances["theirs"] = replace(mine, uuid="theirs", status="active", activity="", facts=facts)
        return really(instances, **options)

    monkeypatch.setattr(cloud, "poll", poll)
    done = run(cloud, clock, name="web")
    if kept:
        assert (done.failure, cloud.names, items(done)["web"]["uuid"]) == (None, ["web"], "theirs")
    else:
        assert (done.failure, cloud.names) == ("web: was deleted while it was launched.", [])


def test_properties_are_changed_in_place_and_a_second_run_only_lists(cloud: LaunchCloud, clock: FakeClock) -> None:
    run(cloud, clock, name="web", metadata={"a": "1"})
    wanted: dict[str, Any] = {
        "name": "web",
        "new_name": "www",
        "metadata": {"course": "geo", "year": 2026},
        "description": "The web page.",
        "security_groups": ["uuid-of-ssh"],
        "flavor": "m3.quad",
        "locked": True,
    }
    [before] = cloud.all_named("web")
    cloud._instances[before.uuid] = replace(before, facts=replace(before.facts, security_groups=("default",)))
    steps = ["rename", "set description", "set metadata", "set security groups", "resize", "lock"]
    checked = run(cloud, clock, check_mode=True, **wanted)
    assert (checked.changed, items(checked)["www"]["actions"]) == (True, steps)
    assert cloud.names == ["web"]
    done = run(cloud, clock, **wanted)
    assert (done.failure, items(done)["www"]["actions"]) == (None, steps)
    assert done.diff is not None
    assert "web, resize: m3.quad" in done.diff["after"]
    [now] = cloud.all_named("www")
    assert (now.status, now.flavor.name, now.locked) == ("active", "m3.quad", True)
    cloud.calls.clear()
    again = run(cloud, clock, **wanted)
    assert (again.failure, again.changed) == (None, False)
    assert cloud.calls == ["list", "groups 1"]


def test_an_option_that_is_not_given_changes_nothing(cloud: LaunchCloud, clock: FakeClock) -> None:
    marked = replace(an_instance("web"), metadata={"exoGuac": "1"}, locked=True)
    cloud._instances = {marked.uuid: marked}
    done = run(cloud, clock, name="web", flavor="m1.small")
    assert (done.failure, done.changed, cloud.calls) == (None, False, ["list"])


def test_a_locked_one_is_not_changed_unless_it_is_unlocked(cloud: LaunchCloud, clock: FakeClock) -> None:
    locked = an_instance("web", locked=True, lock_reason="thesis")
    cloud._instances = {locked.uuid: locked}
    wanted: dict[str, Any] = {"name": "web", "flavor": "m1.small", "metadata": {"a": "1"}}
    for check_mode in (True, False):
        done = run(cloud, clock, check_mode=check_mode, **wanted)
        assert (done.failure, done.changed, items(done)["web"]["skipped"]) == (None, False, True)
    done = run(cloud, clock, locked=False, **wanted)
    assert items(done)["web"]["actions"] == ["unlock", "set metadata"]


def test_a_change_that_the_cloud_would_refuse_is_not_sent(cloud: LaunchCloud, clock: FakeClock) -> None:
    there = an_instance("web", "shelved_offloaded")
    cloud._instances = {there.uuid: there}
    cloud.refusals["web"] = "it is shelved_offloaded"
    done = run(cloud, clock, name="web", flavor="m1.small", metadata={"a": "1"})
    assert done.failure == "web: cannot set metadata (not set to a: 1): it is shelved_offloaded."
    assert (done.changed, cloud.calls) == (False, ["list"])


def test_a_resize_that_comes_to_nothing_is_reported_with_the_reason(cloud: LaunchCloud, clock: FakeClock) -> None:
    run(cloud, clock, name="web")
    cloud.no_resize.add("web")
    cloud.reasons["web"] = "no host had room for it"

    def back(*_unused: Any) -> None:
        cloud.set_phases("web", Phase(0, "resize", "resize_prep"), Phase(4, "active"))

    really = cloud.change
    cloud.change = lambda instance, change: (really(instance, change), back())[1]  # type: ignore[method-assign]
    done = run(cloud, clock, name="web", flavor="m3.quad")
    assert done.failure == (
        "web: the cloud accepted the resize, but its flavor is m3.tiny again: no host had room for it."
    )


def test_a_resize_that_a_killed_run_left_unconfirmed_is_confirmed(cloud: LaunchCloud, clock: FakeClock) -> None:
    there = replace(an_instance("web", "verify_resize"), flavor=replace(an_instance().flavor, name="m3.quad"))
    cloud._instances = {there.uuid: there}
    done = run(cloud, clock, name="web", flavor="m3.quad")
    assert (done.failure, items(done)["web"]["actions"]) == (None, ["confirm resize"])
    assert items(done)["web"]["after"] == "active"


def test_another_image_is_refused_and_replaced_only_where_that_is_said(cloud: LaunchCloud, clock: FakeClock) -> None:
    run(cloud, clock, name="web", image="Ubuntu")
    [old] = cloud.all_named("web")
    cloud._instances[old.uuid] = replace(old, facts=replace(old.facts, image="Ubuntu"))
    done = run(cloud, clock, name="web", image="Rocky")
    assert done.failure == (
        "web: image is Ubuntu, not Rocky, which cannot be changed in place. To launch it again, set replace: true."
    )
    assert cloud.all_named("web")[0].uuid == old.uuid
    checked = run(cloud, clock, name="web", image="Rocky", replace=True, check_mode=True)
    assert items(checked)["web"]["actions"] == ["delete", "launch"]
    done = run(cloud, clock, name="web", image="Rocky", replace=True)
    assert (done.failure, items(done)["web"]["actions"]) == (None, ["delete", "launch"])
    [new] = cloud.all_named("web")
    assert new.uuid != old.uuid


def test_a_renamed_one_is_not_renamed_onto_another(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [an_instance("old", number=1), an_instance("new", number=2)])
    with pytest.raises(ConfigurationError, match="both instances"):
        run(cloud, clock, name="old", new_name="new")
    assert cloud.names == ["new", "old"]


def test_a_clock_that_rounds_does_not_hold_a_run_up(cloud: LaunchCloud, clock: FakeClock) -> None:
    """Sums of seconds are off by less than a clock can sleep."""
    clock.advance(0.1)
    really = clock.sleep
    clock.sleep = lambda seconds: really(round(seconds, 6) - 1e-6 if seconds > 1e-6 else 0.0)  # type: ignore[method-assign]
    cloud.script("launch", "node-2", DROPPED)
    done = run(cloud, clock, **NODES)
    assert (done.failure, len(clock.sleeps) < 100) == (None, True)


@pytest.mark.parametrize("error", [ServerFault("The list failed."), RuntimeError("a bug")])
def test_an_error_on_the_way_takes_no_results_away(
    cloud: LaunchCloud, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def poll(*_unused: object, **_more: object) -> Any:
        raise error

    monkeypatch.setattr(cloud, "poll", poll)
    done = run(cloud, clock, wait_timeout=60, **NODES)
    assert done.failure is not None
    assert [each["uuid"] is not None for each in done.result["instances"]] == [True] * 6
    monkeypatch.undo()
    assert run(cloud, clock, **NODES).failure is None
    assert cloud.names == ALL


@pytest.mark.parametrize("passed", [0.0, 3.0, 8.0])
def test_a_resize_that_was_not_waited_for_is_seen_through_by_the_next_run(
    cloud: LaunchCloud, clock: FakeClock, passed: float
) -> None:
    run(cloud, clock, name="web")
    done = run(cloud, clock, name="web", flavor="m3.quad", wait=False)
    assert (done.failure, items(done)["web"]["msg"]) == (None, "resize was accepted; not waited for")
    clock.advance(passed)
    done = run(cloud, clock, name="web", flavor="m3.quad")
    assert (done.failure, items(done)["web"]["actions"]) == (None, ["confirm resize"])
    assert items(done)["web"]["after"] == "active"
    assert run(cloud, clock, name="web", flavor="m3.quad").changed is False


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_instance_that_has_a_name_of_the_template_by_chance_is_not_changed(
    cloud: LaunchCloud, clock: FakeClock, check_mode: bool
) -> None:
    stranger = an_instance("node-1", number=7)
    cloud._instances = {stranger.uuid: stranger}
    wanted: dict[str, Any] = {"flavor": "m3.quad", "metadata": {"a": "b"}, "floating_ip": "auto", "key_name": "mine"}
    done = run(cloud, clock, check_mode=check_mode, name="node", count=1, **wanted)
    assert (done.failure, done.changed, cloud.calls) == (None, False, ["list"])
    named = run(cloud, clock, check_mode=True, name="node-1", flavor="m3.quad", metadata={"a": "b"})
    assert items(named)["node-1"]["actions"] == ["set metadata", "resize"]


def sums(outcome: Outcome) -> dict[str, Any]:
    costs: dict[str, Any] = outcome.result["su_per_hour"]
    return costs


def costs_of(before: float | None, after: float | None, difference: float | None, *unknown: str) -> dict[str, Any]:
    return {"before": before, "after": after, "difference": difference, "unknown": list(unknown)}


def test_check_mode_has_the_cost_of_the_launch_and_the_run_has_the_same(cloud: LaunchCloud, clock: FakeClock) -> None:
    checked = run(cloud, clock, check_mode=True, **NODES)
    done = run(cloud, clock, **NODES)
    again = run(cloud, clock, **NODES)
    assert sums(checked) == sums(done) == costs_of(0, 6, 6)
    assert sums(again) == costs_of(6, 6, 0)
    assert checked.diff == done.diff
    assert (checked.diff or {})["before"].endswith("\nnode-6: absent\nthese 6 instances: 0 SU/h\n")
    assert (checked.diff or {})["after"].endswith("\nnode-6: active, 1 SU/h\nthese 6 instances: 6 SU/h\n")
    assert (items(checked)["node-1"]["flavor"], items(checked)["node-1"]["su_per_hour"]) == ("m3.tiny", 1)


def test_a_deletion_has_what_it_saves(cloud: LaunchCloud, clock: FakeClock) -> None:
    run(cloud, clock, **NODES)
    gone: dict[str, Any] = {"name": "node-{number}", "state": "absent"}
    checked, done = (run(cloud, clock, check_mode=check, **gone) for check in (True, False))
    assert sums(checked) == sums(done) == costs_of(6, 0, -6)
    assert checked.diff == done.diff
    assert (checked.diff or {})["after"].endswith("these 6 instances: 0 SU/h\n")


def test_an_instance_that_is_launched_shelved_costs_nothing(cloud: LaunchCloud, clock: FakeClock) -> None:
    checked = run(cloud, clock, name="web", initial_state="shelved", check_mode=True)
    assert (sums(checked), items(checked)["web"]["after"]) == (costs_of(0, 0, 0), "shelved")


def test_without_a_wait_the_cost_is_that_of_the_requested_state(cloud: LaunchCloud, clock: FakeClock) -> None:
    done = run(cloud, clock, name="web", wait=False)
    assert (sums(done), items(done)["web"]["after"]) == (costs_of(0, 1, 1), "build - spawning")


def test_rates_of_the_user_go_first(cloud: LaunchCloud, clock: FakeClock) -> None:
    checked = run(cloud, clock, **NODES, rates={"flavors": {"m3.tiny": "0.25"}}, check_mode=True)
    assert sums(checked) == costs_of(0, 1.5, 1.5)


def test_a_cost_that_is_not_known_is_a_dash(cloud: LaunchCloud, clock: FakeClock) -> None:
    odd = replace(an_instance("odd"), flavor=replace(an_instance("odd").flavor, name="p3.tiny"))
    cloud._instances = {odd.uuid: odd}
    checked = run(cloud, clock, names=["odd", "web"], flavor=None, check_mode=True)
    assert sums(checked) == costs_of(0, 1, 1, "odd")
    gone = run(cloud, clock, name="odd", state="absent", check_mode=True)
    assert sums(gone) == costs_of(None, None, None, "odd (1)")
    assert (gone.diff or {})["before"] == "odd (1): active, - SU/h (p3.tiny has no known rate)\nthis instance: - SU/h\n"


def test_a_launch_of_unclear_outcome_has_no_known_cost(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.script("launch", "web", DROPPED)
    done = run(cloud, clock, name="web", wait_timeout=5.0)
    assert (items(done)["web"]["unclear"], sums(done)) == (True, costs_of(None, None, None, "web"))


def test_check_mode_has_the_cost_of_a_resize_and_what_the_cloud_would_refuse(
    cloud: LaunchCloud, clock: FakeClock
) -> None:
    run(cloud, clock, name="web")
    bigger: dict[str, Any] = {"name": "web", "flavor": "m3.quad"}
    checked = run(cloud, clock, **bigger, check_mode=True)
    assert (sums(checked), items(checked)["web"]["flavor"]) == (costs_of(1, 4, 3), "m3.quad")
    cloud.script("flavors", "all", ServerFault("503"))
    assert sums(run(cloud, clock, **bigger, check_mode=True)) == costs_of(None, None, None, "web")
    cloud.refusals["web"] = "its disk cannot shrink"
    checked, done = (run(cloud, clock, check_mode=check, **bigger) for check in (True, False))
    assert checked.failure == done.failure == "web: cannot resize (m3.tiny to m3.quad): its disk cannot shrink."
    del cloud.refusals["web"]
    done = run(cloud, clock, **bigger)
    assert sums(done) == costs_of(1, 4, 3)
