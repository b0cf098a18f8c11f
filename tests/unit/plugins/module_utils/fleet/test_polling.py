# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When travellers are looked at: soon after they have arrived, and seldom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils.fleet.polling import PollScheduler
from ansible_collections.jetstream.cloud.plugins.module_utils.states import Action
from hypothesis import given
from hypothesis import strategies as st

FEW = 50


@dataclass
class Pending:
    since: float
    takes: float
    actions: list[Action] = field(default_factory=lambda: [Action.STOP])
    polled_at: float | None = None


@dataclass
class Journey:
    """What became of a fleet: when the last was found to be there, and how many of them each look was at."""

    ended: float
    looks: list[int]


def travel(fleet: list[Pending], jitter: Callable[[float], float] = lambda pause: pause) -> Journey:
    """Wait for a fleet of which no more than a few, or all, can be looked at in one go."""
    pacer: PollScheduler[Pending] = PollScheduler(jitter)
    pending = list(fleet)
    now = max(each.since for each in fleet)
    looks = []
    while pending:
        look = pacer.next_poll(pending, now)
        assert look.instances
        assert look.at >= now
        now = look.at
        seen = look.instances if len(look.instances) == len(pending) else look.instances[:FEW]
        looks.append(len(seen))
        for each in seen:
            each.polled_at = now
            if each.since + each.takes <= now:
                pending.remove(each)
                pacer.learn(each.actions[-1], now - each.since)
    return Journey(now, looks)


def fleet(count: int, takes: float) -> list[Pending]:
    """Set out one after the other, as requests of a tenth of a second do that are sent 16 at a time."""
    return [Pending(since=number // 16 / 10, takes=takes) for number in range(count)]


@pytest.mark.parametrize("count", [1, 10, 100, 1000, 5000])
@pytest.mark.parametrize("takes", [5.0, 12.0, 60.0])
def test_a_fleet_that_arrives_together_is_found_soon_and_with_one_poll_of_all(count: int, takes: float) -> None:
    journey = travel(fleet(count, takes))
    there = (count - 1) // 16 / 10 + takes
    assert journey.ended <= there + max(1.5, 0.3 * takes)
    assert sum(size for size in journey.looks if size > 4) <= count
    assert sum(size for size in journey.looks if size <= 4) <= 80


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 300)), min_size=1, max_size=120), st.randoms())
def test_everyone_is_found_however_long_it_takes(times: list[tuple[float, float]], random: Random) -> None:
    travellers = [Pending(since, takes) for since, takes in times]
    journey = travel(travellers, lambda pause: random.uniform(0.9 * pause, 1.1 * pause))
    there = max(each.since + each.takes for each in travellers)
    # The time of the rounds in which all have their turn, where not all can be looked at in one go.
    rounds = -(-len(times) // FEW) + 2
    assert journey.ended <= there + rounds * max(3.5, min(0.3 * there, 22))


def test_none_is_polled_before_anything_can_be_over() -> None:
    look = PollScheduler[Pending](lambda pause: pause).next_poll([Pending(since=100.0, takes=5.0)], 100.2)
    assert look.at == 103.0


def test_instances_that_wait_for_another_action_are_polled_by_its_duration() -> None:
    pacer: PollScheduler[Pending] = PollScheduler(lambda pause: pause)
    for _round in range(2):
        pacer.learn(Action.STOP, 5.0)
    stopping = [Pending(0.0, 5.0) for _round in range(30)]
    shelving = [Pending(0.0, 90.0, actions=[Action.SHELVE]) for _round in range(30)]
    first = pacer.next_poll([*stopping, *shelving], 1.0)
    assert (first.at, {each.actions[0] for each in first.instances}, len(first.instances)) == (3.0, {Action.SHELVE}, 4)
    for each in first.instances:
        each.polled_at = 3.0
    second = pacer.next_poll([*stopping, *shelving], 3.0)
    assert {each.actions[0] for each in second.instances} == {Action.SHELVE}
    assert second.at < 5.0


def test_an_instance_not_polled_for_longest_comes_first() -> None:
    pacer: PollScheduler[Pending] = PollScheduler(lambda pause: pause)
    late = [Pending(0.0, 900.0, polled_at=float(number % 7)) for number in range(4)]
    order = [each.polled_at for each in pacer.next_poll(late, 10.0).instances]
    assert order == sorted(order, key=lambda polled_at: polled_at or 0.0)
