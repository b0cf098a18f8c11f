# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every pair of state and goal has its plan, and every status of a cloud is classified."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import STATUSES
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import (
    REBOOTS,
    Action,
    Goal,
    Kind,
    ObservedState,
    Plan,
    RestingState,
    Verdict,
    classify,
    leads_to,
    plan,
)
from hypothesis import given
from hypothesis import strategies as st

EVERYTHING = frozenset(Action)
ATMOSPHERE = EVERYTHING - {Action.UNPAUSE}

# The actions that nova accepts, and where they lead: stated here once more, apart from the code.
LEGAL = {
    ("active", "stop"): "shutoff",
    ("active", "suspend"): "suspended",
    ("active", "shelve"): "shelved",
    ("active", "reboot"): "active",
    ("active", "hard reboot"): "active",
    ("shutoff", "start"): "active",
    ("shutoff", "shelve"): "shelved",
    ("suspended", "resume"): "active",
    ("suspended", "shelve"): "shelved",
    ("paused", "unpause"): "active",
    ("paused", "shelve"): "shelved",
    ("shelved", "unshelve"): "active",
}

# Resting state -> the goals started, stopped, suspended, shelved, rebooted. "=": reached already; "?": with allow_wake
# these actions, without it the instance is skipped.
TABLE = {
    "active": ("=", "stop", "suspend", "shelve", "reboot"),
    "shutoff": ("start", "=", "?start suspend", "shelve", "?start"),
    "suspended": ("resume", "?resume stop", "=", "shelve", "?resume"),
    "paused": ("unpause", "?unpause stop", "?unpause suspend", "shelve", "?unpause"),
    "shelved": ("unshelve", "?unshelve stop", "?unshelve suspend", "=", "?unshelve"),
}
# On a cloud that cannot unpause, a paused instance can only be shelved: a path over the shelf would lose its memory.
WITHOUT_UNPAUSE = ("!", "-", "-", "shelve", "?!")

PAIRS = [
    (state, goal, cell, supported)
    for supported, table in ((EVERYTHING, TABLE), (ATMOSPHERE, {**TABLE, "paused": WITHOUT_UNPAUSE}))
    for state, row in table.items()
    for goal, cell in zip(Goal, row, strict=True)
]


def planned(
    now: ObservedState,
    goal: Goal,
    supported: Collection[Action] = EVERYTHING,
    *,
    allow_wake: bool = False,
    reboot: Action = Action.REBOOT,
) -> Plan:
    return plan(now, goal, supported=supported, allow_wake=allow_wake, reboot=reboot)


@pytest.mark.parametrize("allow_wake", [False, True])
@pytest.mark.parametrize(("state", "goal", "cell", "supported"), PAIRS)
def test_every_pair_of_state_and_goal_has_its_plan(
    state: str, goal: Goal, cell: str, supported: Collection[Action], allow_wake: bool
) -> None:
    made = planned(ObservedState(Kind.RESTING, RestingState(state)), goal, supported, allow_wake=allow_wake)
    short = {Verdict.REACHED: "=", Verdict.SKIP: "-", Verdict.FAIL: "!"}
    planned_path = short.get(made.verdict) or " ".join(made.actions)
    expected = cell.removeprefix("?") if allow_wake else ("-" if cell.startswith("?") else cell)
    assert planned_path == expected
    assert bool(made.actions) == (made.verdict is Verdict.ACT)
    assert bool(made.reason) == (made.verdict in (Verdict.SKIP, Verdict.FAIL))


def paths(start: str, end: str, supported: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Yield all paths of up to three actions on which the instance is active in between, by trying everything."""
    for length in range(4):
        for path in product(sorted(supported), repeat=length):
            states = [start]
            for action in path:
                there = LEGAL.get((states[-1], action))
                if there is None:
                    break
                states.append(there)
            else:
                if states[-1] == end and all(each == "active" for each in states[1:-1]):
                    yield path


@given(
    state=st.sampled_from(RestingState),
    defect=st.none() | st.just("it runs, but"),
    goal=st.sampled_from(Goal),
    supported=st.frozensets(st.sampled_from(Action)),
    allow_wake=st.booleans(),
    reboot=st.sampled_from([Action.REBOOT, Action.HARD_REBOOT]),
)
def test_a_path_is_legal_shortest_and_wakes_only_with_allow_wake(
    state: RestingState, defect: str | None, goal: Goal, supported: frozenset[Action], allow_wake: bool, reboot: Action
) -> None:
    now = ObservedState(Kind.RESTING, state, defect)
    made = plan(now, goal, supported=supported, allow_wake=allow_wake, reboot=reboot)
    if made.verdict is not Verdict.ACT:
        return
    visited = [state.value]
    for action in made.actions:
        assert (visited[-1], action) in LEGAL, "the cloud would refuse this action"
        visited.append(LEGAL[visited[-1], action])
    assert visited[-1] == goal.state
    if goal is Goal.REBOOTED and state is RestingState.ACTIVE:
        assert made.actions == (reboot,)
        return
    assert set(made.actions) <= supported
    assert len(made.actions) == min(len(path) for path in paths(state, goal.state, supported))
    wakes = state is not RestingState.ACTIVE and ("active" in visited[1:-1] or goal is Goal.REBOOTED)
    assert allow_wake or not wakes


@given(
    state=st.sampled_from(RestingState), goal=st.sampled_from(Goal), supported=st.frozensets(st.sampled_from(Action))
)
def test_an_existing_path_is_found(state: RestingState, goal: Goal, supported: frozenset[Action]) -> None:
    made = planned(ObservedState(Kind.RESTING, state), goal, supported, allow_wake=True)
    if state is not goal.state and any(True for _path in paths(state, goal.state, supported)):
        assert made.verdict is Verdict.ACT
    elif state is not goal.state:
        assert made.verdict is (Verdict.FAIL if "active" in (state, goal.state) else Verdict.SKIP)


@given(
    status=st.sampled_from(STATUSES) | st.text(),
    activity=st.sampled_from(["", "deploy_error", "user_deploy_error", "image_snapshot", "deleting"]) | st.text(),
    goal=st.sampled_from(Goal),
    allow_wake=st.booleans(),
)
def test_only_instances_at_rest_get_an_action(status: str, activity: str, goal: Goal, allow_wake: bool) -> None:
    made = planned(classify(status, activity), goal, allow_wake=allow_wake)
    if made.verdict is Verdict.ACT:
        assert status in {"active", "shutoff", "suspended", "paused", "shelved", "shelved_offloaded"}
        assert activity.strip() in {"", "user_deploy_error", "deploy_error", "boot_script_error"}


@pytest.mark.parametrize(
    ("kind", "verdict", "reason"),
    [(Kind.MOVING, Verdict.WAIT, ""), (Kind.NEEDS_OPERATOR, Verdict.FAIL, "needs manual intervention")],
)
@pytest.mark.parametrize("goal", Goal)
def test_a_moving_or_unknown_instance_gets_no_action(kind: Kind, verdict: Verdict, reason: str, goal: Goal) -> None:
    assert planned(ObservedState(kind, goal.state), goal, allow_wake=True) == Plan(verdict, (), reason)


@pytest.mark.parametrize("goal", Goal)
def test_a_gone_instance_counts_as_asleep_and_never_as_awake(goal: Goal) -> None:
    asleep = goal in (Goal.STOPPED, Goal.SUSPENDED, Goal.SHELVED)
    verdict = Verdict.SKIP if asleep else Verdict.FAIL
    assert planned(ObservedState(Kind.GONE), goal) == Plan(verdict, (), "the cloud no longer has it", warn=asleep)


SKIPPED_IN_ERROR = Plan(Verdict.SKIP, reason="in error", warn=True)
NEEDS_HARD_REBOOT = Plan(
    Verdict.FAIL, reason="in error. A hard reboot may bring it back (state: rebooted, reboot_type: hard)"
)
STOP = Plan(Verdict.ACT, (Action.STOP,))
HARD_REBOOT = Plan(Verdict.ACT, (Action.HARD_REBOOT,))


@pytest.mark.parametrize(
    ("goal", "running", "reboot", "expected"),
    [
        (Goal.STOPPED, True, Action.REBOOT, STOP),
        (Goal.STOPPED, False, Action.REBOOT, SKIPPED_IN_ERROR),
        (Goal.SUSPENDED, True, Action.REBOOT, SKIPPED_IN_ERROR),
        (Goal.SHELVED, True, Action.REBOOT, SKIPPED_IN_ERROR),
        (Goal.STARTED, True, Action.REBOOT, NEEDS_HARD_REBOOT),
        (Goal.STARTED, False, Action.HARD_REBOOT, NEEDS_HARD_REBOOT),
        (Goal.REBOOTED, False, Action.REBOOT, NEEDS_HARD_REBOOT),
        (Goal.REBOOTED, False, Action.HARD_REBOOT, HARD_REBOOT),
        (Goal.REBOOTED, True, Action.HARD_REBOOT, HARD_REBOOT),
    ],
)
def test_in_error(goal: Goal, running: bool, reboot: Action, expected: Plan) -> None:
    assert planned(ObservedState(Kind.ERROR, running=running), goal, reboot=reboot) == expected


@pytest.mark.parametrize("goal", [Goal.STARTED, Goal.REBOOTED])
def test_in_error_no_unsupported_action_is_planned(goal: Goal) -> None:
    now, nothing = ObservedState(Kind.ERROR, running=True), frozenset[Action]()
    assert planned(now, Goal.STOPPED, nothing) == SKIPPED_IN_ERROR
    assert planned(now, goal, nothing, reboot=Action.HARD_REBOOT) == Plan(
        Verdict.FAIL, reason="in error", missing_action=Action.HARD_REBOOT
    )


@pytest.mark.parametrize("allow_wake", [False, True])
@pytest.mark.parametrize(
    ("state", "goal", "unsupported", "verdict", "missing"),
    [
        ("active", Goal.SUSPENDED, {Action.SUSPEND}, Verdict.FAIL, Action.SUSPEND),
        ("paused", Goal.STARTED, {Action.UNPAUSE}, Verdict.FAIL, Action.UNPAUSE),
        # The first action of the path, the second, and both.
        ("suspended", Goal.STOPPED, {Action.RESUME}, Verdict.SKIP, Action.RESUME),
        ("suspended", Goal.STOPPED, {Action.STOP}, Verdict.SKIP, Action.STOP),
        ("shelved", Goal.SUSPENDED, {Action.SUSPEND}, Verdict.SKIP, Action.SUSPEND),
        ("paused", Goal.STOPPED, {Action.STOP, Action.UNPAUSE}, Verdict.SKIP, Action.UNPAUSE),
    ],
)
def test_the_first_unsupported_action_of_a_path_is_named(
    state: str, goal: Goal, unsupported: set[Action], verdict: Verdict, missing: Action, allow_wake: bool
) -> None:
    made = planned(
        ObservedState(Kind.RESTING, RestingState(state)), goal, EVERYTHING - unsupported, allow_wake=allow_wake
    )
    reason = f"it is {state}" if verdict is Verdict.FAIL else state
    assert made == Plan(verdict, reason=reason, missing_action=missing)


@pytest.mark.parametrize(
    ("activity", "power_state", "expected"),
    [
        ("", "running", ObservedState(Kind.ERROR, running=True)),
        ("", "shut down", ObservedState(Kind.ERROR)),
        ("", None, ObservedState(Kind.ERROR)),
        ("powering-off", "running", ObservedState(Kind.MOVING, RestingState.SHUTOFF)),
        ("rebooting_hard", None, ObservedState(Kind.MOVING, RestingState.ACTIVE)),
        ("image_snapshot", "running", ObservedState(Kind.ERROR, running=True)),
    ],
)
def test_an_action_under_way_in_error_is_recognized(
    activity: str, power_state: str | None, expected: ObservedState
) -> None:
    assert classify("error", activity, power_state) == expected


def test_a_defect_fails_the_goal_started_and_no_other() -> None:
    defective = classify("active", "deploy_error")
    assert planned(defective, Goal.STARTED) == Plan(
        Verdict.FAIL, (), "it runs, but the cloud could not deploy it (deploy_error)"
    )
    assert planned(defective, Goal.STOPPED) == STOP
    assert planned(defective, Goal.REBOOTED) == Plan(Verdict.ACT, (Action.REBOOT,))


@pytest.mark.parametrize(
    ("status", "goal"),
    [("shutoff", Goal.STOPPED), ("suspended", Goal.SUSPENDED), ("shelved_offloaded", Goal.SHELVED)],
)
def test_a_sleeping_instance_is_not_failed_by_the_defect_of_its_last_deployment(status: str, goal: Goal) -> None:
    assert planned(classify(status, "deploy_error"), goal) == Plan(Verdict.REACHED)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (ObservedState(Kind.RESTING, RestingState.ACTIVE), True),
        (ObservedState(Kind.RESTING, RestingState.ACTIVE, "it runs, but"), True),
        (ObservedState(Kind.MOVING, RestingState.ACTIVE), False),
        (ObservedState(Kind.RESTING, RestingState.SHUTOFF), False),
    ],
)
def test_states_are_compared_without_their_defects(other: ObservedState, same: bool) -> None:
    assert ObservedState(Kind.RESTING, RestingState.ACTIVE).is_same_place(other) == same


@pytest.mark.parametrize("action", Action)
def test_an_action_leads_to_the_states_of_the_table(action: Action) -> None:
    ends = {end for (_start, taken), end in LEGAL.items() if taken == action}
    for state in RestingState:
        assert leads_to(action, ObservedState(Kind.MOVING, state)) == (state in ends)
        # An instance that was rebooted is active at rest, as it was before.
        at_rest = state in ends and action not in REBOOTS
        assert leads_to(action, ObservedState(Kind.RESTING, state)) == at_rest


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("kind", Kind)
def test_an_action_leads_to_no_state_that_is_not_known(action: Action, kind: Kind) -> None:
    assert not leads_to(action, ObservedState(kind))


# Status and activity as either API returned them on a real server; the kind; the state if it is known.
RECORDED = [
    # v1: the state in the cloud
    ("active", "", "resting", "active"),
    ("active", "boot_script_error", "resting", "active"),
    ("active", "deploy_error", "resting", "active"),
    ("active", "user_deploy_error", "resting", "active"),
    ("active", "deploying", "moving", "active"),
    ("active", "image_snapshot", "moving", None),
    ("active", "initializing", "moving", "active"),
    ("active", "networking", "moving", "active"),
    ("active", "powering-off", "moving", "shutoff"),
    ("active", "redeploying", "moving", "active"),
    ("active", "running_boot_script", "moving", "active"),
    ("active", "running_boot_script - 1/2", "moving", "active"),
    ("active", "shelving", "moving", "shelved"),
    ("active", "shelving_image_uploading", "moving", "shelved"),
    ("active", "suspending", "moving", "suspended"),
    ("active", "deleting", "gone", None),
    ("build", "scheduling", "moving", "active"),
    ("build", "networking", "moving", "active"),
    ("build", "spawning", "moving", "active"),
    ("error", "", "error", None),
    ("hard_reboot", "reboot_started_hard", "moving", "active"),
    ("hard_reboot", "rebooting_hard", "moving", "active"),
    ("migrating", "migrating", "moving", None),
    ("password", "", "moving", "active"),
    ("paused", "", "resting", "paused"),
    ("reboot", "rebooting", "moving", "active"),
    ("reboot", "reboot_started", "moving", "active"),
    ("rebuild", "rebuilding", "moving", "active"),
    ("rebuild", "powering-off", "moving", "shutoff"),
    ("rescue", "", "needs operator", None),
    ("resize", "resize_prep", "moving", None),
    ("shelved", "", "resting", "shelved"),
    ("shelved", "shelving_offloading", "moving", "shelved"),
    ("shelved_offloaded", "", "resting", "shelved"),
    ("shelved_offloaded", "spawning", "moving", "active"),
    ("shelved_offloaded", "unshelving", "moving", "active"),
    ("shutoff", "", "resting", "shutoff"),
    ("shutoff", "powering-on", "moving", "active"),
    ("soft_deleted", "", "gone", None),
    ("suspended", "", "resting", "suspended"),
    ("suspended", "resuming", "moving", "active"),
    ("unknown", "", "needs operator", None),
    ("verify_resize", "", "needs operator", None),
    # v2: the state in the database
    ("build", "", "moving", "active"),
    ("reboot", "", "moving", "active"),
    ("hard_reboot", "", "moving", "active"),
    ("redeploy", "", "moving", "active"),
    ("rebuild", "", "moving", "active"),
    ("resize", "", "moving", None),
    ("migrating", "", "moving", None),
    # set by this collection: still listed, but gone from the cloud
    ("missing", "", "gone", None),
]


@pytest.mark.parametrize(("status", "activity", "kind", "state"), RECORDED)
def test_recorded_words_are_classified(status: str, activity: str, kind: str, state: str | None) -> None:
    read = classify(status, activity)
    assert (read.kind.value, read.state) == (kind, state)


@pytest.mark.parametrize("status", ["active", "build", "rebuild", "shelved_offloaded"])
@pytest.mark.parametrize(
    ("activity", "deploying"),
    [
        ("initializing", True),
        ("networking", True),
        ("deploying", True),
        ("redeploying", True),
        ("running_boot_script", True),
        ("running_boot_script - 1/2", True),
        ("spawning", False),
        ("powering-off", False),
        ("image_snapshot", False),
    ],
)
def test_a_deployment_is_recognized_by_its_activity(status: str, activity: str, deploying: bool) -> None:
    assert classify(status, activity).deploying is deploying


@given(status=st.text().filter(lambda text: text not in STATUSES), activity=st.text())
def test_an_unknown_status_needs_an_operator(status: str, activity: str) -> None:
    assert classify(status, activity).kind in (Kind.NEEDS_OPERATOR, Kind.GONE)
