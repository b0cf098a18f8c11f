# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides how a schedule affects an instance, and what to remember about it. Pure functions.

An edge is carried out once. Between two edges, the schedule leaves the instance alone, whatever other users do to it.
So it does with a new instance until the first edge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ..model import Instance
from ..states import Goal, Kind, ObservedState, RestingState, classify
from ..times import iso, moment_or_none
from .schedules import Edge, EdgeKind, Schedule, WakeScope, edges

# Pause before an edge that failed for an instance is carried out again.
RETRY_PAUSE = timedelta(minutes=10)
# Tolerance for the start times of cron and for clocks.
_TOLERANCE = timedelta(seconds=30)
# An edge further in the future than this was carried out before the clock was set back. A nearer one is awaited.
_CLOCK_WAS_SET_BACK = timedelta(hours=1)


class Step(StrEnum):
    """The effect of a schedule on an instance in a run."""

    NOTHING = "nothing"
    ADOPT = "adopt"
    SLEEP = "sleep"
    WAKE = "wake"
    KEPT = "kept"
    LEFT = "left"
    LATER = "later"
    UNREAD = "unread"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of an instance.

    ``edge``: the latest completed edge of the schedule. ``put_to_sleep``: whether the schedule put the instance to
    sleep, and has not woken it since. ``attempts``: the number of attempts at an unfinished edge, from
    ``first_attempt`` to ``last_attempt``. ``seen``: the last day on which the instance existed.
    """

    schedule: str
    edge: datetime
    put_to_sleep: bool = False
    attempts: int = 0
    attempted_edge: datetime | None = None
    first_attempt: datetime | None = None
    last_attempt: datetime | None = None
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A step, its reason as a clause, and its edge.

    ``missed``: earlier edges that were not carried out. ``memory``: the memory to store before the step, or instead of
    it.
    """

    step: Step
    reason: str
    edge: Edge | None
    memory: Memory | None
    missed: tuple[Edge, ...] = ()

    @property
    def acts(self) -> bool:
        """Whether an action may be sent."""
        return self.step in (Step.SLEEP, Step.WAKE)


def decide(
    instance: Instance,
    schedule: Schedule,
    memory: Memory | None,
    edge: Edge | None,
    *,
    kept_until: str | None,
    wake_limit: timedelta,
    now: datetime,
    ended: str | None = None,
) -> Decision:
    """Return the step for an instance.

    ``edge``: the latest edge of its schedule, the same for all of its instances. ``kept_until``: a clause if a keep
    mark holds it. ``wake_limit``: how long a failed start is retried. ``ended``: a clause if its shelving deadline has
    passed, so that no start wakes it.
    """
    if memory is None or memory.schedule != schedule.name or memory.edge > now + _CLOCK_WAS_SET_BACK:
        # Without any past edge, the time before counts as one, so that the first edge is carried out.
        adopted = Memory(schedule.name, edge.at if edge else now, memory is not None and memory.put_to_sleep)
        is_known = memory is not None and memory.schedule == schedule.name
        why = "its last edge is in the future, since the clock was set back" if is_known else "new in this schedule"
        return Decision(Step.ADOPT, f"{why}: not changed before its next edge", edge, adopted)
    if edge is None or edge.at <= memory.edge:
        return Decision(Step.NOTHING, "no edge since the last run", edge, memory)
    found = edges(schedule, memory.edge, edge.at)
    missed = tuple(each for each in found if each.at < edge.at)
    launched = moment_or_none(instance.start_date)
    if launched is not None and launched > edge.at:
        return _left(f"launched after the {edge.kind} at {iso(edge.at)}", edge, memory, missed)
    if not instance.live:
        # A state from the cloud's database may be minutes old. The edge stays due.
        reason = f"its state cannot be read: {instance.read_error}" if instance.read_error else "its state was not read"
        return Decision(Step.UNREAD, reason, edge, memory, missed)
    if edge.kind is EdgeKind.STOP:
        return _at_stop(instance, schedule, edge, memory, missed, kept_until, now)
    if ended is not None:
        return _left(ended, edge, memory, missed)
    return _at_start(instance, schedule, edge, memory, missed, wake_limit, now)


def _at_stop(
    instance: Instance,
    schedule: Schedule,
    edge: Edge,
    memory: Memory,
    missed: tuple[Edge, ...],
    kept_until: str | None,
    now: datetime,
) -> Decision:
    observed = observed_state(instance)
    if _rests_at(observed, schedule.off_state):
        return _left(f"already {instance.status}", edge, memory, missed)
    if kept_until is not None:
        # The edge stays due: the instance is stopped when the mark ends.
        return Decision(Step.KEPT, kept_until, edge, memory, missed)
    if (later := _later(edge, memory, now)) is not None:
        return Decision(Step.LATER, later, edge, memory, missed)
    tried = attempted(memory, edge, now)
    # Stored before the action is sent, so that after a killed run the schedule still starts the instance in the
    # morning.
    slept = tried.put_to_sleep or runs(observed)
    return Decision(Step.SLEEP, f"stop at {iso(edge.at)}", edge, replace(tried, put_to_sleep=slept), missed)


def _at_start(
    instance: Instance,
    schedule: Schedule,
    edge: Edge,
    memory: Memory,
    missed: tuple[Edge, ...],
    wake_limit: timedelta,
    now: datetime,
) -> Decision:
    observed = observed_state(instance)
    is_ready = observed.is_awake and not observed.defect
    is_tried = memory.attempted_edge == edge.at
    is_over = is_tried and memory.first_attempt is not None and now - memory.first_attempt >= wake_limit
    if is_ready and (is_over or not is_tried):
        return _left("already active", edge, replace(memory, put_to_sleep=False), missed)
    if not memory.put_to_sleep and schedule.wake is WakeScope.OWN and not runs(observed):
        return _left("not turned off by this schedule (wake: own)", edge, memory, missed)
    if is_over:
        minutes = int(wake_limit.total_seconds() // 60)
        reason = (
            f"not ready {minutes} minutes after the first of {memory.attempts} attempts: no more attempts for "
            "this start"
        )
        return Decision(Step.GAVE_UP, reason, edge, done(memory, edge), missed)
    if not is_ready and (later := _later(edge, memory, now)) is not None:
        return Decision(Step.LATER, later, edge, memory, missed)
    return Decision(Step.WAKE, f"start at {iso(edge.at)}", edge, attempted(memory, edge, now), missed)


def is_due(schedule: Schedule, memory: Memory | None, edge: Edge | None) -> bool:
    """Return whether the decision requires the live state of an instance."""
    return memory is not None and memory.schedule == schedule.name and edge is not None and edge.at > memory.edge


def _left(reason: str, edge: Edge, memory: Memory, missed: tuple[Edge, ...]) -> Decision:
    return Decision(Step.LEFT, reason, edge, done(memory, edge), missed)


def _later(edge: Edge, memory: Memory, now: datetime) -> str | None:
    if memory.attempted_edge != edge.at or memory.last_attempt is None:
        return None
    pause = RETRY_PAUSE - _TOLERANCE
    # A clock that was set back must not suppress an edge.
    if timedelta(0) <= now - memory.last_attempt < pause:
        return f"tried {memory.attempts} times, the last at {iso(memory.last_attempt)}; again in a later run"
    return None


def attempted(memory: Memory, edge: Edge, now: datetime) -> Memory:
    """Return the memory before an attempt at an edge."""
    now = now.astimezone(UTC)
    if memory.attempted_edge == edge.at:
        return replace(memory, attempts=memory.attempts + 1, last_attempt=now)
    return replace(memory, attempts=1, attempted_edge=edge.at, first_attempt=now, last_attempt=now)


def done(memory: Memory, edge: Edge | None) -> Memory:
    """Return the memory after an edge that needs no further action."""
    if edge is None:
        return memory
    return replace(memory, edge=edge.at, attempts=0, attempted_edge=None, first_attempt=None, last_attempt=None)


def succeeded(memory: Memory, edge: Edge | None) -> Memory:
    """Return the memory after a successful edge."""
    after = done(memory, edge)
    return replace(after, put_to_sleep=False) if edge is not None and edge.kind is EdgeKind.START else after


def observed_state(instance: Instance) -> ObservedState:
    """Return the state of an instance."""
    return classify(instance.status, instance.activity, instance.power_state)


def runs(observed: ObservedState) -> bool:
    """Return whether an instance runs, or is about to."""
    return observed.kind in (Kind.RESTING, Kind.MOVING) and observed.state is RestingState.ACTIVE


def _rests_at(observed: ObservedState, goal: Goal) -> bool:
    """Return whether an instance is off, in a state that costs no more than a stop would."""
    if observed.kind is not Kind.RESTING or observed.state is RestingState.ACTIVE:
        return False
    return goal is not Goal.SHELVED or observed.state is RestingState.SHELVED
