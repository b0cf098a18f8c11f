# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about one instance, from plain values: its next step, when it is ready, and when an action is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.decisions import (
    Settling,
    conclude,
    decide,
    is_confirmed,
    is_settling,
    preview,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.runs import ConvergeOptions, InstanceRun
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import (
    REBOOTS,
    Action,
    Goal,
    Plan,
    Verdict,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import ScriptedCloud
from hypothesis import given
from hypothesis import strategies as st

ADDRESS = "149.165.157.100"
OTHER_ADDRESS = "149.165.157.101"
TWO_STEPS = "resume, then stop done"
BUSY = "would wait: it is busy (active - image_snapshot), and its next state is unknown"
ENDED = (Verdict.REACHED, Verdict.SKIP, Verdict.FAIL)


def a_run(now: Instance, actions: Sequence[Action] = (), *, before: Instance | None = None) -> InstanceRun:
    return InstanceRun(before or now, now, actions=list(actions))


def decided(run: InstanceRun, goal: Goal, *, include_locked: bool = False) -> Plan:
    return decide(run, ConvergeOptions(goal, include_locked=include_locked), {})


def previewed(instance: Instance, goal: Goal, *, include_locked: bool = False) -> InstanceRun:
    cloud = ScriptedCloud(FakeClock(), [instance])
    [run] = preview(cloud, [instance], ConvergeOptions(goal, include_locked=include_locked)).runs
    return run


# --- the next step ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read_error", "reason"),
    [
        (None, "its state in the cloud cannot be read"),
        ("The server broke.", "its state in the cloud cannot be read: The server broke."),
    ],
)
def test_an_instance_that_was_not_read_fails_with_the_reason(read_error: str | None, reason: str) -> None:
    instance = replace(an_instance(live=False), read_error=read_error)
    assert decided(a_run(instance), Goal.STOPPED) == Plan(Verdict.FAIL, reason=reason)
    run = previewed(instance, Goal.STOPPED)
    assert (run.failed, run.message, run.actions) == (True, reason, [])


def test_a_state_that_needs_a_person_is_named() -> None:
    rescued = a_run(an_instance(status="rescue"))
    assert decided(rescued, Goal.STOPPED) == Plan(Verdict.FAIL, reason="needs manual intervention (state: rescue)")
    # Another failure has a reason of its own.
    gone = a_run(an_instance(status="missing"))
    assert decided(gone, Goal.STARTED) == Plan(Verdict.FAIL, reason="the cloud no longer has it")


def test_an_unsupported_action_is_named_with_the_reason_of_the_cloud() -> None:
    made = decide(
        a_run(an_instance(status="paused")),
        ConvergeOptions(Goal.STARTED),
        {Action.UNPAUSE: "the cloud has no unpause"},
    )
    assert made == Plan(
        Verdict.FAIL, reason="it is paused, and the cloud has no unpause", missing_action=Action.UNPAUSE
    )


@pytest.mark.parametrize(
    ("status", "actions", "expected"),
    [
        # It is at rest at another place than the action leads to, and would only be skipped.
        ("suspended", [Action.STOP], Plan(Verdict.FAIL, reason="it is suspended after the stop")),
        ("shutoff", [Action.STOP], Plan(Verdict.REACHED)),
        ("missing", [Action.STOP], Plan(Verdict.SKIP, reason="the cloud no longer has it", warn=True)),
    ],
)
def test_an_instance_that_was_acted_on_is_not_skipped(status: str, actions: list[Action], expected: Plan) -> None:
    assert decided(a_run(an_instance(status=status), actions), Goal.STOPPED) == expected


def test_a_rebooted_instance_is_to_be_ready() -> None:
    rebooted = a_run(an_instance(activity="deploy_error"), [Action.REBOOT])
    assert decided(rebooted, Goal.REBOOTED).verdict is Verdict.FAIL
    assert decided(a_run(an_instance(), [Action.REBOOT]), Goal.REBOOTED) == Plan(Verdict.REACHED)
    assert decided(a_run(an_instance()), Goal.REBOOTED) == Plan(Verdict.ACT, (Action.REBOOT,))


@pytest.mark.parametrize(
    ("reason", "told"),
    [(None, "active, locked (include_locked)"), ("Exam.", "active, locked: Exam. (include_locked)")],
)
def test_the_reason_of_a_lock_is_reported(reason: str | None, told: str) -> None:
    locked = an_instance(locked=True, lock_reason=reason)
    assert decided(a_run(locked), Goal.STOPPED) == Plan(Verdict.SKIP, reason=told)


@pytest.mark.parametrize(
    ("before", "now", "actions", "told"),
    [
        (an_instance(status="suspended"), an_instance(status="shutoff"), [Action.RESUME, Action.STOP], TWO_STEPS),
        (an_instance(), an_instance(status="shutoff"), [], "reached shutoff on its own"),
        (an_instance(status="shutoff", activity="x"), an_instance(status="shutoff"), [], "reached shutoff on its own"),
        (an_instance(status="shutoff"), an_instance(status="shutoff"), [], "already shutoff"),
    ],
)
def test_a_reached_goal_is_reported_with_the_path(
    before: Instance, now: Instance, actions: list[Action], told: str
) -> None:
    run = a_run(now, actions, before=before)
    conclude(run, Plan(Verdict.REACHED))
    assert (run.message, run.failed, run.skipped, run.warn) == (told, False, False, False)


@pytest.mark.parametrize(
    ("step", "actions", "failed", "skipped", "warn"),
    [
        (Plan(Verdict.SKIP, reason="gone", warn=True), [], False, True, True),
        (Plan(Verdict.SKIP, reason="gone", warn=True), [Action.STOP], False, False, True),
        (Plan(Verdict.SKIP, reason="shutoff"), [], False, True, False),
        (Plan(Verdict.FAIL, reason="in error"), [], True, False, False),
    ],
)
def test_an_end_without_an_action_has_its_marks(
    step: Plan, actions: list[Action], failed: bool, skipped: bool, warn: bool
) -> None:
    run = a_run(an_instance(), actions)
    conclude(run, step)
    assert (run.failed, run.skipped, run.warn) == (failed, skipped, warn)


@pytest.mark.parametrize(
    ("instance", "goal", "allow_wake", "message"),
    [
        (an_instance(), Goal.STOPPED, False, "would stop"),
        (an_instance(status="suspended"), Goal.STOPPED, True, "would resume, then stop"),
        (an_instance(activity="powering-off"), Goal.STARTED, False, "would start once it is shutoff"),
        (an_instance(activity="powering-off"), Goal.STOPPED, False, "is in transition (active - powering-off)"),
        (an_instance(status="shutoff"), Goal.STOPPED, False, "already shutoff"),
        (an_instance(activity="image_snapshot"), Goal.STOPPED, False, BUSY),
    ],
)
def test_check_mode_tells_the_next_steps(instance: Instance, goal: Goal, allow_wake: bool, message: str) -> None:
    cloud = ScriptedCloud(FakeClock(), [instance])
    [run] = preview(cloud, [instance], ConvergeOptions(goal, allow_wake=allow_wake)).runs
    assert (run.message, run.failed, cloud.calls) == (message, False, [])


@pytest.mark.parametrize("action", sorted(REBOOTS))
def test_a_rebooted_instance_that_is_not_active_has_failed(action: Action) -> None:
    run = a_run(an_instance(status="shutoff"), [action])
    made = decide(run, ConvergeOptions(Goal.REBOOTED, allow_wake=True), {})
    assert made == Plan(Verdict.FAIL, reason=f"it is shutoff after the {action}")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (None, "in error, and the cloud gives no reason"),
        ("No room on host BOX.", "in error: No room on host BOX"),
        ("Still in error.", "in error: Still in error"),
    ],
)
def test_the_fault_of_an_instance_in_error_is_reported(fault: str | None, told: str) -> None:
    instance = an_instance(status="error", fault=fault)
    assert decided(a_run(instance), Goal.STOPPED) == Plan(Verdict.SKIP, reason=told, warn=True)
    assert decided(a_run(instance, [Action.STOP]), Goal.STOPPED) == Plan(Verdict.FAIL, reason=told)


@pytest.mark.parametrize(
    ("status", "activity", "goal", "verdict"),
    [
        ("active", "", Goal.STOPPED, Verdict.SKIP),
        # Where it will be at rest, something would have to be sent, or may have to.
        ("active", "powering-off", Goal.STARTED, Verdict.SKIP),
        ("shutoff", "powering-on", Goal.STOPPED, Verdict.SKIP),
        ("shutoff", "powering-on", Goal.REBOOTED, Verdict.SKIP),
        ("reboot", "rebooting", Goal.REBOOTED, Verdict.SKIP),
        ("active", "image_snapshot", Goal.STOPPED, Verdict.SKIP),
        # It is on its way there without anybody's help.
        ("active", "powering-off", Goal.STOPPED, Verdict.WAIT),
        ("paused", "unpausing", Goal.STARTED, Verdict.WAIT),
        ("shelved", "shelving_offloading", Goal.SHELVED, Verdict.WAIT),
        ("shutoff", "", Goal.STOPPED, Verdict.REACHED),
        ("missing", "", Goal.STARTED, Verdict.FAIL),
    ],
)
def test_a_locked_instance_is_skipped_where_it_would_need_an_action(
    status: str, activity: str, goal: Goal, verdict: Verdict
) -> None:
    locked = an_instance(status=status, activity=activity, locked=True)
    assert decided(a_run(locked), goal).verdict is verdict
    ahead = previewed(locked, goal)
    assert (ahead.skipped, ahead.actions) == (verdict is Verdict.SKIP, [])


@pytest.mark.parametrize(
    ("status", "actions", "verdict"),
    [
        # It is back where the last action began: that is counted, and nothing new is sent.
        ("active", [Action.STOP], Verdict.ACT),
        ("suspended", [Action.RESUME], Verdict.ACT),
        # Another action would be sent.
        ("active", [Action.RESUME], Verdict.FAIL),
        ("suspended", [Action.RESUME, Action.STOP], Verdict.FAIL),
    ],
)
def test_an_instance_that_is_locked_during_a_run_gets_no_other_action(
    status: str, actions: list[Action], verdict: Verdict
) -> None:
    run = a_run(an_instance(status=status, locked=True), actions, before=an_instance(status=status))
    assert decide(run, ConvergeOptions(Goal.STOPPED, allow_wake=True), {}).verdict is verdict


@given(
    status=st.sampled_from(["active", "shutoff", "suspended", "paused", "error", "rescue", "missing", "build"]),
    activity=st.sampled_from(["", "powering-off", "powering-on", "image_snapshot", "deploying", "deploy_error"]),
    goal=st.sampled_from(Goal),
    locked=st.booleans(),
    include_locked=st.booleans(),
)
def test_check_mode_ends_where_the_first_decision_of_a_run_ends(
    status: str, activity: str, goal: Goal, locked: bool, include_locked: bool
) -> None:
    instance = an_instance(status=status, activity=activity, locked=locked, lock_reason="Mine.")
    made = decided(a_run(instance), goal, include_locked=include_locked)
    run = previewed(instance, goal, include_locked=include_locked)
    if made.verdict in ENDED:
        assert (run.failed, run.skipped) == (made.verdict is Verdict.FAIL, made.verdict is Verdict.SKIP)
    if made.verdict is Verdict.ACT:
        assert (tuple(run.actions), run.now.status, run.now.activity) == (made.actions, goal.state, "")


# --- ready, or not yet -----------------------------------------------------------------------------------------------

SETTLING = Settling(address_kept=20.0, no_address=60.0)


@pytest.mark.parametrize(
    ("goal", "actions", "before", "now", "seconds"),
    [
        # It has another address than before: it was deployed.
        (Goal.STARTED, [Action.START], ADDRESS, OTHER_ADDRESS, 0),
        (Goal.STARTED, [Action.START], None, ADDRESS, 0),
        # It kept its address, or has none yet.
        (Goal.STARTED, [Action.START], ADDRESS, ADDRESS, 20),
        (Goal.STARTED, [Action.START], ADDRESS, None, 60),
        (Goal.REBOOTED, [Action.REBOOT], ADDRESS, ADDRESS, 20),
        # Another run may have started it a moment before.
        (Goal.STARTED, [], None, None, 60),
        (Goal.STARTED, [], ADDRESS, ADDRESS, 0),
        (Goal.REBOOTED, [], None, None, 0),
        # It is to be put to sleep, so that it need not be ready.
        (Goal.STOPPED, [Action.RESUME], ADDRESS, ADDRESS, 0),
    ],
)
def test_a_started_instance_settles_for_a_time(
    goal: Goal, actions: list[Action], before: str | None, now: str | None, seconds: float
) -> None:
    run = a_run(an_instance(ip_address=now), actions, before=an_instance(ip_address=before))
    run.active_since = 100.0
    for passed in (0.0, 19.9, 20.0, 59.9, 60.0):
        run.as_of = 100.0 + passed
        assert is_settling(run, ConvergeOptions(goal), SETTLING) == (passed < seconds)


@pytest.mark.parametrize(
    ("actions", "address", "seconds"),
    [([Action.START], ADDRESS, 60), ([Action.START], OTHER_ADDRESS, 60), ([], None, 0)],
)
def test_a_deploy_error_right_after_a_start_settles_as_long_as_a_missing_address(
    actions: list[Action], address: str | None, seconds: float
) -> None:
    now = an_instance(activity="deploy_error", ip_address=address)
    run = a_run(now, actions, before=replace(now, activity="", ip_address=ADDRESS if actions else None))
    run.active_since = 100.0
    for passed in (0.0, 59.9, 60.0):
        run.as_of = 100.0 + passed
        assert is_settling(run, ConvergeOptions(Goal.STARTED), SETTLING) == (passed < seconds)


def test_a_seen_deployment_ends_the_settling() -> None:
    run = a_run(an_instance(ip_address=ADDRESS), [Action.START])
    run.active_since, run.as_of, run.deployment_seen = 100.0, 100.0, True
    assert not is_settling(run, ConvergeOptions(Goal.STARTED), SETTLING)


def test_an_instance_that_is_not_active_does_not_settle() -> None:
    run = a_run(an_instance(status="shutoff"), [Action.START])
    assert not is_settling(run, ConvergeOptions(Goal.STARTED), SETTLING)


# --- an action whose response was lost -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "goal", "status", "activity", "confirmed"),
    [
        (Action.STOP, Goal.STOPPED, "shutoff", "", True),
        (Action.STOP, Goal.STOPPED, "active", "powering-off", True),
        (Action.STOP, Goal.STOPPED, "active", "", False),
        (Action.STOP, Goal.STOPPED, "error", "", False),
        (Action.STOP, Goal.STOPPED, "missing", "", False),
        # The first of two actions: the goal can be reached without it.
        (Action.RESUME, Goal.STOPPED, "active", "", True),
        (Action.RESUME, Goal.STOPPED, "shutoff", "", True),
        (Action.RESUME, Goal.STOPPED, "active", "powering-off", True),
        (Action.RESUME, Goal.STOPPED, "paused", "", False),
        (Action.RESUME, Goal.STOPPED, "active", "image_snapshot", False),
        # An active instance was active before.
        (Action.REBOOT, Goal.REBOOTED, "active", "", False),
        (Action.REBOOT, Goal.REBOOTED, "reboot", "", True),
        (Action.REBOOT, Goal.REBOOTED, "active", "powering-off", False),
    ],
)
def test_an_action_is_confirmed_by_its_result_or_by_the_goal(
    action: Action, goal: Goal, status: str, activity: str, confirmed: bool
) -> None:
    assert is_confirmed(a_run(an_instance(status=status, activity=activity)), action, goal) == confirmed
