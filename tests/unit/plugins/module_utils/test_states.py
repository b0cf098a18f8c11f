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
    Place,
    Plan,
    Situation,
    Verdict,
    plan,
    situation,
)
from hypothesis import given
from hypothesis import strategies as st

EVERYTHING = frozenset(Action)
ATMOSPHERE = EVERYTHING - {Action.UNPAUSE}
SLEEPS = frozenset(Place) - {Place.ACTIVE}

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
    (place, goal, cell, offered)
    for offered, table in ((EVERYTHING, TABLE), (ATMOSPHERE, {**TABLE, "paused": PAUSED_FOR_GOOD}))
    for place, row in table.items()
    for goal, cell in zip(Goal, row, strict=True)
]


def planned(now: Situation, goal: Goal, offered: Collection[Action] = EVERYTHING, *, allow_wake: bool = False) -> Plan:
    return plan(now, goal, offered=offered, allow_wake=allow_wake, reboot=Action.REBOOT)


@pytest.mark.parametrize("allow_wake", [False, True])
@pytest.mark.parametrize(("place", "goal", "cell", "offered"), PAIRS)
def test_plans_every_pair_as_the_table_says(
    place: str, goal: Goal, cell: str, offered: Collection[Action], allow_wake: bool
) -> None:
    made = planned(Situation(Kind.RESTING, Place(place)), goal, offered, allow_wake=allow_wake)
    short = {Verdict.REACHED: "=", Verdict.LEAVE: "-", Verdict.FAIL: "!"}
    way = short.get(made.verdict) or " ".join(made.actions)
    expected = cell.removeprefix("?") if allow_wake else ("-" if cell.startswith("?") else cell)
    assert way == expected
    assert bool(made.reason) == (made.verdict in (Verdict.LEAVE, Verdict.FAIL))


def ways(start: str, end: str, offered: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Try everything: all ways of up to three actions that rest nowhere but awake before the end."""
    for length in range(4):
        for way in product(sorted(offered), repeat=length):
            places = [start]
            for action in way:
                there = LEGAL.get((places[-1], action))
                if there is None:
                    break
                places.append(there)
            else:
                if places[-1] == end and all(each == "active" for each in places[1:-1]):
                    yield way


@given(
    place=st.sampled_from(Place),
    flaw=st.none() | st.just("it runs, but"),
    goal=st.sampled_from(Goal),
    offered=st.frozensets(st.sampled_from(Action)),
    allow_wake=st.booleans(),
    reboot=st.sampled_from([Action.REBOOT, Action.HARD_REBOOT]),
)
def test_a_way_is_legal_shortest_and_wakes_nobody_unasked(
    place: Place, flaw: str | None, goal: Goal, offered: frozenset[Action], allow_wake: bool, reboot: Action
) -> None:
    now = Situation(Kind.RESTING, place, flaw)
    made = plan(now, goal, offered=offered, allow_wake=allow_wake, reboot=reboot)
    if made.verdict is not Verdict.ACT:
        return
    visited = [place.value]
    for action in made.actions:
        assert (visited[-1], action) in LEGAL, "an action where the cloud would refuse it"
        visited.append(LEGAL[visited[-1], action])
    assert visited[-1] == goal.place
    if goal is Goal.REBOOTED and place is Place.ACTIVE:
        assert made.actions == (reboot,)
        return
    assert set(made.actions) <= offered
    assert len(made.actions) == min(len(way) for way in ways(place, goal.place, offered))
    wakes = place is not Place.ACTIVE and ("active" in visited[1:-1] or goal is Goal.REBOOTED)
    assert allow_wake or not wakes


@given(place=st.sampled_from(Place), goal=st.sampled_from(Goal), offered=st.frozensets(st.sampled_from(Action)))
def test_a_way_that_there_is_gets_found(place: Place, goal: Goal, offered: frozenset[Action]) -> None:
    made = planned(Situation(Kind.RESTING, place), goal, offered, allow_wake=True)
    if place is not goal.place and any(True for _round in ways(place, goal.place, offered)):
        assert made.verdict is Verdict.ACT
    elif place is not goal.place:
        assert made.verdict is (Verdict.FAIL if "active" in (place, goal.place) else Verdict.LEAVE)


@given(
    status=st.sampled_from(STATUSES) | st.text(),
    activity=st.sampled_from(["", "deploy_error", "user_deploy_error", "image_snapshot", "deleting"]) | st.text(),
    goal=st.sampled_from(Goal),
    allow_wake=st.booleans(),
)
def test_acts_only_on_what_is_known_to_rest(status: str, activity: str, goal: Goal, allow_wake: bool) -> None:
    made = planned(situation(status, activity), goal, allow_wake=allow_wake)
    if made.verdict is Verdict.ACT:
        assert status in {"active", "shutoff", "suspended", "paused", "shelved", "shelved_offloaded"}
        assert activity in {"", "user_deploy_error", "deploy_error", "boot_script_error"}


@pytest.mark.parametrize(
    ("kind", "verdict", "reason"),
    [
        (Kind.MOVING, Verdict.WAIT, ""),
        (Kind.BROKEN, Verdict.FAIL, "it is in error"),
        (Kind.GONE, Verdict.FAIL, "the cloud no longer has it"),
        (Kind.STUCK, Verdict.FAIL, "it is in a state that only a person can end"),
    ],
)
@pytest.mark.parametrize("goal", Goal)
def test_what_does_not_rest_is_never_acted_on(kind: Kind, verdict: Verdict, reason: str, goal: Goal) -> None:
    assert planned(Situation(kind, goal.place), goal, allow_wake=True) == Plan(verdict, (), reason)


def test_a_flaw_fails_who_wants_it_ready_and_nobody_else() -> None:
    flawed = situation("active", "deploy_error")
    assert planned(flawed, Goal.STARTED) == Plan(
        Verdict.FAIL, (), "it runs, but the cloud could not deploy it (deploy_error)"
    )
    assert planned(flawed, Goal.STOPPED).actions == (Action.STOP,)
    assert planned(flawed, Goal.REBOOTED).actions == (Action.REBOOT,)


# Both words as either API gave them on a real server, and what they mean: the kind, and the place if it is known.
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
    ("error", "", "broken", None),
    ("hard_reboot", "reboot_started_hard", "moving", "active"),
    ("hard_reboot", "rebooting_hard", "moving", "active"),
    ("migrating", "migrating", "moving", None),
    ("password", "", "moving", "active"),
    ("paused", "", "resting", "paused"),
    ("reboot", "rebooting", "moving", "active"),
    ("reboot", "reboot_started", "moving", "active"),
    ("rebuild", "rebuilding", "moving", "active"),
    ("rescue", "", "stuck", None),
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
    ("unknown", "", "stuck", None),
    ("verify_resize", "", "stuck", None),
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


@pytest.mark.parametrize(("status", "activity", "kind", "place"), RECORDED)
def test_reads_the_recorded_words(status: str, activity: str, kind: str, place: str | None) -> None:
    read = situation(status, activity)
    assert (read.kind.value, read.place) == (kind, place)


@given(status=st.text().filter(lambda text: text not in STATUSES), activity=st.text())
def test_a_status_nobody_knows_is_for_a_person(status: str, activity: str) -> None:
    assert situation(status, activity).kind in (Kind.STUCK, Kind.GONE)
