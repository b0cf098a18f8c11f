# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every pair of state and goal has the one right answer, and no word of a cloud is misread."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils.options import STATUSES
from ansible_collections.jetstream.cloud.plugins.module_utils.states import (
    Action,
    Goal,
    Kind,
    ObservedState,
    Plan,
    RestingState,
    Verdict,
    classify,
    plan,
)
from hypothesis import given
from hypothesis import strategies as st

EVERYTHING = frozenset(Action)
ATMOSPHERE = EVERYTHING - {Action.UNPAUSE}

# What nova accepts, and where it leads: told here once more, apart from the code.
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

# Where it rests -> the goals, as started, stopped, suspended, shelved, rebooted. "=" is there already; what stands
# after a "?" is done only if the user allows to wake it, and otherwise it is left.
TABLE = {
    "active": ("=", "stop", "suspend", "shelve", "reboot"),
    "shutoff": ("start", "=", "?start suspend", "shelve", "?start"),
    "suspended": ("resume", "?resume stop", "=", "shelve", "?resume"),
    "paused": ("unpause", "?unpause stop", "?unpause suspend", "shelve", "?unpause"),
    "shelved": ("unshelve", "?unshelve stop", "?unshelve suspend", "=", "?unshelve"),
}
# On a cloud that cannot unpause, a paused instance can only be shelved: a way over the shelf would lose its memory.
PAUSED_FOR_GOOD = ("!", "-", "-", "shelve", "?!")

PAIRS = [
    (state, goal, cell, supported)
    for supported, table in ((EVERYTHING, TABLE), (ATMOSPHERE, {**TABLE, "paused": PAUSED_FOR_GOOD}))
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
def test_plans_every_pair_as_the_table_says(
    state: str, goal: Goal, cell: str, supported: Collection[Action], allow_wake: bool
) -> None:
    made = planned(ObservedState(Kind.RESTING, RestingState(state)), goal, supported, allow_wake=allow_wake)
    short = {Verdict.REACHED: "=", Verdict.SKIP: "-", Verdict.FAIL: "!"}
    way = short.get(made.verdict) or " ".join(made.actions)
    expected = cell.removeprefix("?") if allow_wake else ("-" if cell.startswith("?") else cell)
    assert way == expected
    assert bool(made.reason) == (made.verdict in (Verdict.SKIP, Verdict.FAIL))


def ways(start: str, end: str, supported: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Try everything: all ways of up to three actions that rest nowhere but awake before the end."""
    for length in range(4):
        for way in product(sorted(supported), repeat=length):
            states = [start]
            for action in way:
                there = LEGAL.get((states[-1], action))
                if there is None:
                    break
                states.append(there)
            else:
                if states[-1] == end and all(each == "active" for each in states[1:-1]):
                    yield way


@given(
    state=st.sampled_from(RestingState),
    defect=st.none() | st.just("it runs, but"),
    goal=st.sampled_from(Goal),
    supported=st.frozensets(st.sampled_from(Action)),
    allow_wake=st.booleans(),
    reboot=st.sampled_from([Action.REBOOT, Action.HARD_REBOOT]),
)
def test_a_way_is_legal_shortest_and_wakes_none_unasked(
    state: RestingState, defect: str | None, goal: Goal, supported: frozenset[Action], allow_wake: bool, reboot: Action
) -> None:
    now = ObservedState(Kind.RESTING, state, defect)
    made = plan(now, goal, supported=supported, allow_wake=allow_wake, reboot=reboot)
    if made.verdict is not Verdict.ACT:
        return
    visited = [state.value]
    for action in made.actions:
        assert (visited[-1], action) in LEGAL, "an action where the cloud would refuse it"
        visited.append(LEGAL[visited[-1], action])
    assert visited[-1] == goal.state
    if goal is Goal.REBOOTED and state is RestingState.ACTIVE:
        assert made.actions == (reboot,)
        return
    assert set(made.actions) <= supported
    assert len(made.actions) == min(len(way) for way in ways(state, goal.state, supported))
    wakes = state is not RestingState.ACTIVE and ("active" in visited[1:-1] or goal is Goal.REBOOTED)
    assert allow_wake or not wakes


@given(
    state=st.sampled_from(RestingState), goal=st.sampled_from(Goal), supported=st.frozensets(st.sampled_from(Action))
)
def test_a_way_that_there_is_gets_found(state: RestingState, goal: Goal, supported: frozenset[Action]) -> None:
    made = planned(ObservedState(Kind.RESTING, state), goal, supported, allow_wake=True)
    if state is not goal.state and any(True for _round in ways(state, goal.state, supported)):
        assert made.verdict is Verdict.ACT
    elif state is not goal.state:
        assert made.verdict is (Verdict.FAIL if "active" in (state, goal.state) else Verdict.SKIP)


@given(
    status=st.sampled_from(STATUSES) | st.text(),
    activity=st.sampled_from(["", "deploy_error", "user_deploy_error", "image_snapshot", "deleting"]) | st.text(),
    goal=st.sampled_from(Goal),
    allow_wake=st.booleans(),
)
def test_acts_only_on_what_is_known_to_rest(status: str, activity: str, goal: Goal, allow_wake: bool) -> None:
    made = planned(classify(status, activity), goal, allow_wake=allow_wake)
    if made.verdict is Verdict.ACT:
        assert status in {"active", "shutoff", "suspended", "paused", "shelved", "shelved_offloaded"}
        assert activity in {"", "user_deploy_error", "deploy_error", "boot_script_error"}


@pytest.mark.parametrize(
    ("kind", "verdict", "reason"),
    [(Kind.MOVING, Verdict.WAIT, ""), (Kind.NEEDS_OPERATOR, Verdict.FAIL, "needs manual intervention")],
)
@pytest.mark.parametrize("goal", Goal)
def test_what_does_not_rest_is_never_acted_on(kind: Kind, verdict: Verdict, reason: str, goal: Goal) -> None:
    assert planned(ObservedState(kind, goal.state), goal, allow_wake=True) == Plan(verdict, (), reason)


@pytest.mark.parametrize("goal", Goal)
def test_what_is_gone_is_as_asleep_as_can_be_and_never_awake(goal: Goal) -> None:
    asleep = goal in (Goal.STOPPED, Goal.SUSPENDED, Goal.SHELVED)
    verdict = Verdict.SKIP if asleep else Verdict.FAIL
    assert planned(ObservedState(Kind.GONE), goal) == Plan(verdict, (), "the cloud no longer has it", warn=asleep)


@pytest.mark.parametrize(
    ("goal", "running", "reboot", "verdict", "actions"),
    [
        (Goal.STOPPED, True, Action.REBOOT, Verdict.ACT, (Action.STOP,)),
        (Goal.STOPPED, False, Action.REBOOT, Verdict.SKIP, ()),
        (Goal.SUSPENDED, True, Action.REBOOT, Verdict.SKIP, ()),
        (Goal.SHELVED, True, Action.REBOOT, Verdict.SKIP, ()),
        (Goal.STARTED, True, Action.REBOOT, Verdict.FAIL, ()),
        (Goal.STARTED, False, Action.HARD_REBOOT, Verdict.FAIL, ()),
        (Goal.REBOOTED, False, Action.REBOOT, Verdict.FAIL, ()),
        (Goal.REBOOTED, False, Action.HARD_REBOOT, Verdict.ACT, (Action.HARD_REBOOT,)),
        (Goal.REBOOTED, True, Action.HARD_REBOOT, Verdict.ACT, (Action.HARD_REBOOT,)),
    ],
)
def test_in_error(goal: Goal, running: bool, reboot: Action, verdict: Verdict, actions: tuple[Action, ...]) -> None:
    made = planned(ObservedState(Kind.ERROR, running=running), goal, reboot=reboot)
    assert (made.verdict, made.actions, made.warn) == (verdict, actions, verdict is Verdict.SKIP)


def test_in_error_nothing_is_requested_that_is_not_supported() -> None:
    now, nothing = ObservedState(Kind.ERROR, running=True), frozenset[Action]()
    assert planned(now, Goal.STOPPED, nothing).verdict is Verdict.SKIP
    refused = planned(now, Goal.REBOOTED, nothing, reboot=Action.HARD_REBOOT)
    assert (refused.verdict, refused.missing_action) == (Verdict.FAIL, Action.HARD_REBOOT)


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
def test_reads_what_becomes_of_an_error(activity: str, power_state: str | None, expected: ObservedState) -> None:
    assert classify("error", activity, power_state) == expected


def test_a_flaw_fails_the_goal_started_and_no_other() -> None:
    flawed = classify("active", "deploy_error")
    assert planned(flawed, Goal.STARTED) == Plan(
        Verdict.FAIL, (), "it runs, but the cloud could not deploy it (deploy_error)"
    )
    assert planned(flawed, Goal.STOPPED).actions == (Action.STOP,)
    assert planned(flawed, Goal.REBOOTED).actions == (Action.REBOOT,)


# Both words as either API gave them on a real server, and what they mean: the kind, and the state if it is known.
RECORDED = [
    # v1, the cloud's own state
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
    # v2, the database's
    ("build", "", "moving", "active"),
    ("reboot", "", "moving", "active"),
    ("hard_reboot", "", "moving", "active"),
    ("redeploy", "", "moving", "active"),
    ("rebuild", "", "moving", "active"),
    ("resize", "", "moving", None),
    ("migrating", "", "moving", None),
    # what this collection itself says of an instance that is still listed, but gone from the cloud
    ("missing", "", "gone", None),
]


@pytest.mark.parametrize(("status", "activity", "kind", "state"), RECORDED)
def test_reads_the_recorded_words(status: str, activity: str, kind: str, state: str | None) -> None:
    read = classify(status, activity)
    assert (read.kind.value, read.state) == (kind, state)


@given(status=st.text().filter(lambda text: text not in STATUSES), activity=st.text())
def test_a_status_no_one_knows_is_for_a_person(status: str, activity: str) -> None:
    assert classify(status, activity).kind in (Kind.NEEDS_OPERATOR, Kind.GONE)
