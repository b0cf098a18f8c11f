# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule acts on an instance once for each edge, and never between two edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedule_results import cause_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedule_steps import (
    Decision,
    Memory,
    Step,
    decide,
    succeeded,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedules import (
    Period,
    Schedule,
    WakeScope,
    newest_edge,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Goal
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

LAB = Schedule("lab", ZoneInfo("UTC"), (Period(frozenset(range(5)), 9 * 60, 18 * 60),))
# A Monday.
START, STOP = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 18, tzinfo=UTC)
BEFORE_START, BEFORE_STOP = Memory("lab", STOP - timedelta(days=3)), Memory("lab", START)
MINUTE = timedelta(minutes=1)
WEB = an_instance()


def step(
    instance: Instance = WEB,
    memory: Memory | None = BEFORE_STOP,
    now: datetime = STOP + MINUTE,
    schedule: Schedule = LAB,
    kept_until: str | None = None,
) -> Decision:
    edge = newest_edge(schedule, now)
    return decide(instance, schedule, memory, edge, kept_until=kept_until, wake_limit=timedelta(minutes=120), now=now)


def asleep(status: str = "shelved_offloaded") -> Instance:
    return an_instance(status=status)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        (Step.SLEEP, {}),
        (Step.SLEEP, {"instance": an_instance("web", "shutoff")}),
        (Step.SLEEP, {"instance": an_instance("web", "active", "powering-on")}),
        (Step.SLEEP, {"instance": an_instance("web", "error")}),
        (Step.LEFT, {"instance": asleep()}),
        (Step.LEFT, {"instance": asleep("shutoff"), "schedule": replace(LAB, off_state=Goal.STOPPED)}),
        (Step.LEFT, {"instance": asleep("suspended"), "schedule": replace(LAB, off_state=Goal.STOPPED)}),
        (Step.LEFT, {"instance": replace(WEB, start_date="2026-11-23T18:00:01Z")}),
        (Step.SLEEP, {"instance": replace(WEB, start_date="2026-11-23T18:00:00Z")}),
        (Step.KEPT, {"kept_until": "kept until later"}),
        (Step.UNREAD, {"instance": an_instance(live=False)}),
        (Step.UNREAD, {"instance": an_instance("web", "shutoff", live=False)}),
        (Step.NOTHING, {"memory": Memory("lab", STOP)}),
        (Step.ADOPT, {"memory": None}),
        (Step.ADOPT, {"memory": Memory("other", START)}),
    ],
)
def test_at_a_stop(expected: Step, changes: dict[str, Any]) -> None:
    assert step(**changes).step is expected


SLEPT = replace(BEFORE_START, put_to_sleep=True)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        (Step.WAKE, {"memory": SLEPT}),
        # It was asleep before the schedule's stop, perhaps for months.
        (Step.LEFT, {"memory": BEFORE_START}),
        (Step.WAKE, {"memory": BEFORE_START, "schedule": replace(LAB, wake=WakeScope.ALL)}),
        (Step.LEFT, {"memory": SLEPT, "instance": WEB}),
        (Step.WAKE, {"memory": SLEPT, "instance": an_instance("web", "active", "deploying")}),
        (Step.WAKE, {"memory": SLEPT, "instance": an_instance("web", "active", "deploy_error")}),
        (Step.WAKE, {"memory": SLEPT, "instance": an_instance("web", "shelved", "unshelving")}),
        (Step.WAKE, {"memory": SLEPT, "kept_until": "kept until later"}),
        (Step.ADOPT, {"memory": None}),
    ],
)
def test_at_a_start(expected: Step, changes: dict[str, Any]) -> None:
    assert step(**{"instance": asleep(), "now": START + MINUTE, **changes}).step is expected


def test_an_instance_that_was_awake_is_remembered_as_put_to_sleep_before_it_is() -> None:
    assert step().memory == replace(
        BEFORE_STOP,
        put_to_sleep=True,
        attempts=1,
        attempted_edge=STOP,
        first_attempt=STOP + MINUTE,
        last_attempt=STOP + MINUTE,
    )
    shut_off = step(an_instance("web", "shutoff")).memory
    assert shut_off is not None
    assert not shut_off.put_to_sleep


def test_a_new_instance_is_left_alone_until_the_next_edge() -> None:
    adopted = step(memory=None, now=STOP + MINUTE)
    assert adopted.memory == Memory("lab", STOP)
    assert step(memory=adopted.memory, now=STOP + 9 * 60 * MINUTE).step is Step.NOTHING
    tomorrow = step(memory=adopted.memory, now=START + timedelta(days=1))
    assert tomorrow.step is Step.LEFT
    assert tomorrow.reason == "already active"


def test_before_its_first_edge_a_schedule_does_nothing_and_then_acts() -> None:
    term = replace(LAB, first_day=START.date())
    early = START - timedelta(days=1)
    adopted = step(asleep(), memory=None, schedule=term, now=early)
    assert adopted.memory == Memory("lab", early)
    assert step(asleep(), adopted.memory, early + MINUTE, term).step is Step.NOTHING
    assert step(asleep(), adopted.memory, START, replace(term, wake=WakeScope.ALL)).step is Step.WAKE


def test_after_hours_without_a_run_only_the_newest_edge_is_carried_out_and_the_others_are_reported() -> None:
    late = step(memory=replace(BEFORE_STOP, edge=START - timedelta(days=7)), now=STOP + timedelta(hours=6))
    assert late.step is Step.SLEEP
    assert late.edge is not None
    assert late.edge.at == STOP
    # Stopped on Monday, and started and stopped on four days more, and started today.
    assert len(late.missed) == 10
    assert [each.at for each in late.missed][-1] == START


def test_a_kept_instance_is_stopped_when_the_mark_ends() -> None:
    kept = step(kept_until="kept until 21:00")
    assert (kept.step, kept.memory) == (Step.KEPT, BEFORE_STOP)
    assert step(memory=kept.memory, now=STOP + timedelta(hours=3)).step is Step.SLEEP


def test_a_mark_that_holds_until_the_next_start_keeps_the_instance_awake() -> None:
    kept = step(kept_until="kept until Wednesday")
    tuesday = step(memory=kept.memory, now=START + timedelta(days=1))
    assert (tuesday.step, tuesday.reason) == (Step.LEFT, "already active")


def test_a_failed_start_is_tried_again_after_a_pause_and_given_up_after_a_time() -> None:
    now, memory = START, SLEPT
    steps = []
    while now < START + timedelta(hours=3):
        decision = step(asleep(), memory, now)
        steps.append(decision.step)
        assert decision.memory is not None
        memory = decision.memory
        now += 5 * MINUTE
    # Every ten minutes for two hours, by a run every five.
    assert steps[:3] == [Step.WAKE, Step.LATER, Step.WAKE]
    assert steps.count(Step.WAKE) == 12
    assert steps.count(Step.GAVE_UP) == 1
    assert steps[-1] is Step.NOTHING
    # The next morning it is tried again.
    assert step(asleep(), memory, START + timedelta(days=1)).step is Step.WAKE


def test_a_start_that_took_longer_than_its_run_is_seen_by_the_next() -> None:
    first = step(asleep(), SLEPT, START)
    assert step(WEB, first.memory, START + 5 * MINUTE).step is Step.WAKE
    assert step(WEB, first.memory, START + timedelta(hours=2)).step is Step.LEFT


def test_a_failed_stop_is_tried_again_until_the_next_edge() -> None:
    memory = step().memory
    assert step(memory=memory, now=STOP + 5 * MINUTE).step is Step.LATER
    assert step(memory=memory, now=STOP + timedelta(hours=8)).step is Step.SLEEP
    assert step(memory=memory, now=START + timedelta(days=1)).step is Step.LEFT


def test_a_run_that_was_killed_after_its_stop_does_not_forget_the_instance() -> None:
    killed = step().memory
    seen = step(asleep(), killed, STOP + 5 * MINUTE)
    assert seen.step is Step.LEFT
    assert step(asleep(), seen.memory, START + timedelta(days=1)).step is Step.WAKE


def test_a_clock_that_was_set_back_does_not_hold_an_edge_back() -> None:
    memory = step(now=STOP + timedelta(hours=5)).memory
    assert step(memory=memory, now=STOP + MINUTE).step is Step.SLEEP


def test_an_edge_that_was_carried_out_in_the_future_keeps_no_later_one_from_being_so() -> None:
    """The clock was a year ahead for one run."""
    ahead = replace(BEFORE_STOP, edge=STOP + timedelta(days=365), put_to_sleep=True)
    found = step(WEB, ahead, now=STOP - timedelta(hours=2))
    assert (found.step, found.memory) == (Step.ADOPT, replace(BEFORE_STOP, put_to_sleep=True))
    assert "the clock was set back" in found.reason
    # One that is a little off is waited for.
    near = replace(BEFORE_STOP, edge=STOP)
    assert step(WEB, near, now=STOP - timedelta(minutes=5)).step is Step.NOTHING


def test_an_instance_that_is_awake_at_its_start_is_not_woken_again_after_somebody_shelved_it() -> None:
    woken = step(WEB, SLEPT, START)
    assert woken.memory is not None
    assert not woken.memory.put_to_sleep
    stopped = step(asleep(), woken.memory, STOP)
    assert stopped.step is Step.LEFT
    assert step(asleep(), stopped.memory, START + timedelta(days=1)).step is Step.LEFT


def test_a_missed_start_does_not_make_a_sleeping_instance_a_strangers() -> None:
    evening = step(asleep(), SLEPT, STOP)
    assert evening.step is Step.LEFT
    assert step(asleep(), evening.memory, START + timedelta(days=1)).step is Step.WAKE


def test_a_changed_schedule_keeps_what_was_put_to_sleep() -> None:
    other = replace(LAB, name="other")
    adopted = step(asleep(), SLEPT, START - MINUTE, other)
    assert adopted.step is Step.ADOPT
    assert step(asleep(), adopted.memory, START, other).step is Step.WAKE


def test_a_wake_ends_the_memory_of_the_stop() -> None:
    decision = step(asleep(), SLEPT, START)
    assert decision.memory is not None
    assert decision.edge is not None
    assert succeeded(decision.memory, decision.edge) == Memory("lab", START)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("No valid host was found. There are not enough hosts available.", "no_host"),
        ("the cloud accepted the unshelve, but it is shelved_offloaded again: no host had room for it", "no_host"),
        ("Quota exceeded for cores: Requested 8, but already used 150 of 150 cores", "quota"),
        ("Insufficient compute resources: Requested vGPU is not available.", "gpu"),
        ("the allocation TG-GEO160014 is overdrawn", "allocation"),
        ("skipped: shutoff, locked: exam (include_locked)", "locked"),
        ("not shelved after 300 s", "other"),
    ],
)
def test_why_an_instance_did_not_start(message: str, cause: str) -> None:
    assert cause_of(message) == cause
