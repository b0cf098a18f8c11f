# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pending instances are polled soon after their actions complete, and seldom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.polling import PollScheduler
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from hypothesis import given
from hypothesis import strategies as st

# The most instances that are polled one by one, before a list of all is cheaper.
FEW = 50
# Seconds.
FIRST_POLL = 3.0


@dataclass
class Pending:
    since: float
    takes: float
    actions: list[Action] = field(default_factory=lambda: [Action.STOP])
    polled_at: float | None = None


@dataclass
class Wait:
    """The moment of the last completion that was observed, and the size of each poll."""

    ended: float
    polls: list[int]


def unchanged(pause: float) -> float:
    return pause


def wait_for(fleet: list[Pending], jitter: Callable[[float], float] = unchanged) -> Wait:
    """Poll a fleet, a few instances or all at a time, until all actions were observed to be complete."""
    scheduler: PollScheduler[Pending] = PollScheduler(jitter, first_poll=FIRST_POLL)
    pending = list(fleet)
    now = max(each.since for each in fleet)
    polls = []
    while pending:
        poll = scheduler.next_poll(pending, now)
        assert poll.instances
        # A poll that was due before the last one, of instances that wait for another action, is due at once.
        now = max(now, poll.at)
        seen = poll.instances if len(poll.instances) == len(pending) else poll.instances[:FEW]
        polls.append(len(seen))
        for each in seen:
            each.polled_at = now
            if each.since + each.takes <= now:
                pending.remove(each)
                scheduler.learn(each.actions[-1] if each.actions else None, now - each.since)
    return Wait(now, polls)


def fleet(count: int, takes: float) -> list[Pending]:
    """Return instances whose actions were accepted one after the other, 16 in each tenth of a second."""
    return [Pending(since=number // 16 / 10, takes=takes) for number in range(count)]


def a_scheduler(*durations: float) -> PollScheduler[Pending]:
    """Return a scheduler that has observed stops of these durations."""
    scheduler: PollScheduler[Pending] = PollScheduler(unchanged, first_poll=FIRST_POLL)
    for each in durations:
        scheduler.learn(Action.STOP, each)
    return scheduler


@pytest.mark.parametrize("count", [1, 10, 100, 1000, 5000])
@pytest.mark.parametrize("takes", [5.0, 12.0, 60.0])
def test_a_fleet_that_completes_together_is_observed_soon_and_with_one_poll_of_all(count: int, takes: float) -> None:
    wait = wait_for(fleet(count, takes))
    completed = (count - 1) // 16 / 10 + takes
    assert wait.ended <= completed + max(1.5, 0.3 * takes)
    assert sum(size for size in wait.polls if size > 4) <= count
    assert sum(size for size in wait.polls if size <= 4) <= 80


@given(
    st.lists(
        st.tuples(st.floats(0, 10), st.floats(0.1, 300), st.sampled_from([[], [Action.STOP], [Action.SHELVE]])),
        min_size=1,
        max_size=120,
    ),
    st.randoms(),
)
def test_every_completion_is_observed_however_long_it_takes(
    times: list[tuple[float, float, list[Action]]], random: Random
) -> None:
    pending = [Pending(since, takes, list(actions)) for since, takes, actions in times]
    wait = wait_for(pending, lambda pause: random.uniform(0.9 * pause, 1.1 * pause))
    completed = max(each.since + each.takes for each in pending)
    # The rounds in which each is polled once, where not all can be polled at once.
    rounds = -(-len(times) // FEW) + 2
    assert wait.ended <= completed + rounds * max(3.5, min(0.3 * completed, 22))


def test_none_is_polled_before_anything_can_be_over() -> None:
    poll = a_scheduler().next_poll([Pending(since=100.0, takes=5.0)], 100.2)
    assert poll.at == 103.0


def test_an_action_accepted_after_a_poll_is_not_polled_before_it_can_be_over() -> None:
    pending = [Pending(0.0, 60.0, polled_at=10.0), Pending(10.0, 60.0)]
    assert a_scheduler().next_poll(pending, 10.0).at == 13.0


def test_the_sample_has_the_first_and_the_last_action() -> None:
    pending = [Pending(float(number), 60.0) for number in range(30)]
    sample = a_scheduler().next_poll(pending, 30.0).instances
    assert [each.since for each in sample] == [0.0, 10.0, 19.0, 29.0]


@pytest.mark.parametrize(("count", "at"), [(4, 3.0), (5, 60.0)])
def test_only_more_instances_than_a_sample_are_left_alone_until_all_can_be_over(count: int, at: float) -> None:
    poll = a_scheduler(60.0, 61.0).next_poll([Pending(0.0, 60.0) for _number in range(count)], 1.0)
    assert (poll.at, len(poll.instances)) == (at, count)


@pytest.mark.parametrize(
    ("polled_at", "at", "size"),
    [
        # The next poll comes before all can be over: a sample is enough.
        (6.0, 7.5, 4),
        # It comes when all can be over: all are polled.
        (8.0, 10.0, 30),
        (9.0, 10.0, 30),
        # All could be over at the last poll, and were not: the next one comes after a pause.
        (10.0, 12.5, 30),
        (12.0, 15.0, 30),
    ],
)
def test_all_are_polled_once_all_can_be_over(polled_at: float, at: float, size: int) -> None:
    pending = [Pending(0.0, 60.0, polled_at=polled_at) for _number in range(30)]
    poll = a_scheduler(10.0, 11.0).next_poll(pending, polled_at)
    assert (poll.at, len(poll.instances)) == (at, size)


@pytest.mark.parametrize(("since", "together"), [(0.5, True), (0.75, True), (0.8, False)])
def test_polls_of_different_actions_that_are_due_at_nearly_the_same_time_are_one(since: float, together: bool) -> None:
    stopping, shelving = Pending(0.0, 60.0), Pending(since, 60.0, [Action.SHELVE])
    poll = a_scheduler().next_poll([stopping, shelving], 1.0)
    assert (poll.at, poll.instances) == ((since + 3, [stopping, shelving]) if together else (3.0, [stopping]))


def test_instances_that_wait_for_another_action_are_polled_by_its_duration() -> None:
    scheduler = a_scheduler(5.0, 5.0)
    stopping = [Pending(0.0, 5.0) for _number in range(30)]
    shelving = [Pending(0.0, 90.0, actions=[Action.SHELVE]) for _number in range(30)]
    first = scheduler.next_poll([*stopping, *shelving], 1.0)
    assert (first.at, {each.actions[0] for each in first.instances}, len(first.instances)) == (3.0, {Action.SHELVE}, 4)
    for each in first.instances:
        each.polled_at = 3.0
    second = scheduler.next_poll([*stopping, *shelving], 3.0)
    assert {each.actions[0] for each in second.instances} == {Action.SHELVE}
    assert second.at < 5.0


def test_an_instance_not_polled_for_longest_comes_first() -> None:
    polls = (0.5, 3.0, None, 2.0)
    pending = [Pending(0.0, 900.0, polled_at=each) for each in polls]
    order = [each.polled_at for each in a_scheduler().next_poll(pending, 10.0).instances]
    assert order == [None, 0.5, 2.0, 3.0]
