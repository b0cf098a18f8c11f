# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries plans out: every action in one bounded pool, and one waiter for all instances.

Decisions are made in states.py; this sends what was decided, looks, and keeps the books.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..clock import Clock
from ..cloud import Cloud
from ..errors import (
    FATAL_ERRORS,
    Conflict,
    JetstreamError,
    Refused,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ..model import Instance
from ..parallel import in_parallel
from ..states import (
    TRANSITIONS,
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
from ..text.terminal import one_line
from .polling import PollScheduler
from .progress import Completion, Progress, ProgressCallback, no_progress

# So many looks in a row must find an instance back where an accepted action began before that counts as its failure.
_POLLS_TO_CONFIRM_FAILURE = 2
_WAKES = frozenset({Action.START, Action.RESUME, Action.UNSHELVE, Action.UNPAUSE})
_REBOOTS = frozenset({Action.REBOOT, Action.HARD_REBOOT})
# What leaves open whether the action was carried out, and whether the instance has kept its address.
_UNCLEAR = (Refused, ServerFault, UnexpectedResponse, Unreachable)


@dataclass(frozen=True, slots=True)
class ConvergeOptions:
    """What is wanted of a selection, and within which bounds. C(timeout): seconds for the whole selection."""

    goal: Goal
    reboot: Action = Action.REBOOT
    allow_wake: bool = False
    include_locked: bool = False
    wait: bool = True
    timeout: float = 900.0
    max_changes: int | None = None


@dataclass(slots=True)
class InstanceRun:
    """One instance on its way: how it stood, how it was last seen, what was done, and how that ended.

    C(since) is when it set out: when the cloud took the last action, or when the run began. C(polled_at) is when it was
    last looked at after that.
    """

    before: Instance
    now: Instance
    actions: list[Action] = field(default_factory=list)
    next_action: Action | None = None
    done: bool = False
    failed: bool = False
    skipped: bool = False
    message: str = ""
    elapsed: float | None = None
    last_error: JetstreamError | None = None
    active_since: float | None = None
    reversions: int = 0
    since: float = 0.0
    polled_at: float | None = None

    @property
    def changed(self) -> bool:
        """Whether the cloud took an action on it (in check mode: would be asked to)."""
        return bool(self.actions)

    @property
    def observed(self) -> ObservedState:
        """How it stands, as last seen."""
        return classify(self.now.status, self.now.activity)

    def record_action(self, action: Action, now: float) -> None:
        """Note that the cloud took an action on it."""
        self.actions.append(action)
        self.since, self.polled_at = now, None

    def finish(self, message: str, *, failed: bool = False, skipped: bool = False) -> None:
        """Close the books on it. What others wrote (a fault, why it is locked) may be in the message."""
        self.done, self.message, self.failed, self.skipped = True, one_line(message), failed, skipped
        self.next_action = None


@dataclass(frozen=True, slots=True)
class FleetRun:
    """What became of a selection; C(aborted_by) is what ended the run early, if anything did."""

    runs: tuple[InstanceRun, ...]
    aborted_by: JetstreamError | None = None


def state_text(instance: Instance) -> str:
    """Return status and activity as people read them: "active - powering-off"."""
    return f"{instance.status} - {instance.activity}" if instance.activity else instance.status


def preview(cloud: Cloud, instances: Sequence[Instance], options: ConvergeOptions) -> FleetRun:
    """Say what C(converge) would do, by the same plans, and do nothing (check mode)."""
    runs = tuple(InstanceRun(each, each) for each in instances)
    for run in runs:
        _preview_one(run, options, cloud)
    return FleetRun(runs)


def converge(
    cloud: Cloud,
    instances: Sequence[Instance],
    options: ConvergeOptions,
    clock: Clock,
    *,
    report: ProgressCallback = no_progress,
    jitter: Callable[[float], float] = lambda pause: random.uniform(0.9 * pause, 1.1 * pause),
) -> FleetRun:
    """Bring every instance to the goal, or say of each why not.

    An error that concerns one instance fails that one alone. A refused login or maintenance ends the run; what was
    not done by then has failed. Raises nothing of its own.
    """
    runs = [InstanceRun(each, each, since=clock.monotonic()) for each in instances]
    return _Converger(cloud, runs, options, clock, report, PollScheduler(jitter)).run()


class _Converger:
    def __init__(
        self,
        cloud: Cloud,
        runs: list[InstanceRun],
        options: ConvergeOptions,
        clock: Clock,
        report: ProgressCallback,
        scheduler: PollScheduler[InstanceRun],
    ) -> None:
        self._cloud = cloud
        self._tracks = runs
        self._options = options
        self._clock = clock
        self._report = report
        self._scheduler = scheduler
        self._start = clock.monotonic()
        self._deadline = self._start + options.timeout
        self._begun = 0
        self._sent = 0
        self._aborted_by: JetstreamError | None = None
        self._lock = threading.Lock()

    def run(self) -> FleetRun:
        for run in self._tracks:
            self._decide(run)
        self._stamp()
        while True:
            self._act()
            if self._aborted_by:
                self._time_out(f"was not seen through: {self._aborted_by}")
            elif not self._options.wait:
                self._finish_without_waiting()
            self._stamp()
            if not self._pending():
                break
            self._wait_and_poll()
        self._stamp()
        return FleetRun(tuple(self._tracks), self._aborted_by)

    def _stamp(self) -> None:
        """Note how long it took until each of those that have ended did so, and tell of it."""
        passed = round(self._clock.monotonic() - self._start, 1)
        completed = [run for run in self._tracks if run.done and run.elapsed is None]
        for run in completed:
            run.elapsed = passed
        pending = sorted(self._pending(), key=lambda run: run.since)
        self._progress = Progress(
            goal=self._options.goal.value,
            total=len(self._tracks),
            ended=sum(run.done for run in self._tracks),
            failed=sum(run.failed for run in self._tracks),
            sent=self._sent,
            elapsed=passed,
            completed=tuple(Completion(run.before.label, run.message, run.failed) for run in completed),
            pending=tuple(run.before.label for run in pending),
        )
        self._report(self._progress)

    def _taken(self, run: InstanceRun, action: Action) -> None:
        """Note, in any thread, that the cloud took an action, and tell of it."""
        now = self._clock.monotonic()
        run.record_action(action, now)
        with self._lock:
            self._sent += 1
            self._report(replace(self._progress, sent=self._sent, elapsed=round(now - self._start, 1), completed=()))

    def _pending(self) -> list[InstanceRun]:
        return [run for run in self._tracks if not run.done]

    def _decide(self, run: InstanceRun) -> None:
        """Choose what comes next for an instance as it was last seen: an action, a wait, or the end."""
        now = run.observed
        if not run.now.live:
            run.finish("its state in the cloud cannot be read with this account", failed=True)
        elif now.kind is Kind.ERROR:
            run.finish(_error_text(run.now), failed=True)
        elif self._is_settling(run, now):
            pass
        elif self._is_rebooted(run, now):
            self._conclude(run, plan_of(run, now, replace(self._options, goal=Goal.STARTED), self._cloud))
        else:
            self._apply(run, plan_of(run, now, self._options, self._cloud), now)

    def _apply(self, run: InstanceRun, step: Plan, now: ObservedState) -> None:
        if step.verdict is Verdict.ACT:
            self._schedule_action(run, step, now)
        elif step.verdict is not Verdict.WAIT:
            self._conclude(run, step)

    def _conclude(self, run: InstanceRun, step: Plan) -> None:
        if step.verdict is Verdict.REACHED:
            run.finish(_reached(run))
        else:
            run.finish(step.reason, failed=step.verdict is Verdict.FAIL, skipped=step.verdict is Verdict.SKIP)

    def _schedule_action(self, run: InstanceRun, step: Plan, now: ObservedState) -> None:
        """Make the first step of a way the next action, unless it was taken already, or may not be."""
        action = step.actions[0]
        if run.actions and run.actions[-1] is action:
            # It was accepted, yet the instance rests where it was: the cloud tried, failed, and put it back.
            run.reversions += 1
            if run.reversions >= _POLLS_TO_CONFIRM_FAILURE:
                run.finish(self._reverted(run, action), failed=True)
            return
        if len(step.actions) > 1 and not self._options.wait:
            way = ", then ".join(step.actions)
            run.finish(f"needs {way}, which cannot be done without wait", failed=True)
            return
        if not run.actions:
            if self._options.max_changes is not None and self._begun >= self._options.max_changes:
                run.finish(f"not done: max_changes ({self._options.max_changes}) was reached", failed=True)
                return
            self._begun += 1
        run.next_action, run.reversions = action, 0

    def _reverted(self, run: InstanceRun, action: Action) -> str:
        try:
            why = self._cloud.failure_reason(run.now)
        except JetstreamError:
            why = None
        text = f"the cloud took the {action}, but it is {state_text(run.now)} again"
        return f"{text}: {why}" if why else text

    def _is_settling(self, run: InstanceRun, now: ObservedState) -> bool:
        """Whether an instance that was woken looks ready only because the cloud has not begun to deploy it."""
        if self._options.goal.state is not RestingState.ACTIVE or not _WAKES.intersection(run.actions):
            return False
        if now != ObservedState(Kind.RESTING, RestingState.ACTIVE) or run.now.ip_address:
            return False
        if run.active_since is None:
            run.active_since = self._clock.monotonic()
        return self._clock.monotonic() - run.active_since < self._cloud.settle_seconds

    def _is_rebooted(self, run: InstanceRun, now: ObservedState) -> bool:
        if self._options.goal is not Goal.REBOOTED or not run.actions:
            return False
        return now.kind is Kind.RESTING and now.state is RestingState.ACTIVE

    def _act(self) -> None:
        ready = [(run, run.next_action) for run in self._tracks if run.next_action]
        in_parallel(self._send, ready, self._cloud.max_concurrency)

    def _send(self, step: tuple[InstanceRun, Action]) -> None:
        run, action = step
        run.next_action = None
        if self._aborted_by:
            return
        try:
            self._cloud.act(run.now, action)
        except FATAL_ERRORS as error:
            with self._lock:
                self._aborted_by = self._aborted_by or error
        except Conflict as error:
            self._reassess(run, action, error, ours=False)
        except _UNCLEAR as error:
            self._reassess(run, action, error, ours=True)
        except JetstreamError as error:
            run.finish(str(error), failed=True)
        else:
            self._taken(run, action)

    def _reassess(self, run: InstanceRun, action: Action, error: JetstreamError, *, ours: bool) -> None:
        """Judge a refused or unclear action by what the instance does: on its way is fine, whoever sent it there."""
        try:
            run.now = self._cloud.get_instance(run.now)
        except FATAL_ERRORS as end:
            with self._lock:
                self._aborted_by = self._aborted_by or end
            return
        except JetstreamError as second:
            run.finish(f"{error} It could not be looked at again either: {second}", failed=True)
            return
        if not _leads_to_goal(run, action, self._options.goal):
            run.finish(f"{error}{_lost_address(run)}", failed=True)
        elif ours:
            self._taken(run, action)

    def _wait_and_poll(self) -> None:
        """Look at some when there is likely something to see, and at all when the time is up."""
        now = self._clock.monotonic()
        poll = self._scheduler.next_poll(self._pending(), now)
        if poll.at < self._deadline:
            # The time for it may have come while the last look was under way.
            self._clock.sleep(max(0.0, poll.at - now))
            self._poll(poll.instances)
            if self._clock.monotonic() < self._deadline:
                return
        else:
            self._clock.sleep(max(0.0, self._deadline - now))
        self._poll(self._pending(), thorough=True)
        self._time_out(f"was not {self._options.goal} within {self._options.timeout:g} s")

    def _poll(self, runs: Sequence[InstanceRun], *, thorough: bool = False) -> None:
        begun = self._clock.monotonic()
        try:
            seen = self._cloud.poll([run.now for run in runs], thorough=thorough)
        except FATAL_ERRORS as error:
            self._aborted_by = error
            return
        ended = self._clock.monotonic()
        for run in runs:
            found = seen.get(run.now.uuid)
            if found is None:
                continue
            run.polled_at = begun
            if isinstance(found, Instance):
                run.now, run.last_error = found, None
                self._decide(run)
                if (run.done and not run.failed) or run.next_action:
                    self._scheduler.learn(run.actions[-1] if run.actions else None, ended - run.since)
            else:
                run.last_error = found

    def _finish_without_waiting(self) -> None:
        """End all without waiting. What was asked for is said to be asked for, not to be done."""
        for run in self._pending():
            now = run.observed
            if run.actions:
                run.finish(f"{run.actions[-1]} was accepted; not waited for")
            elif now.kind is Kind.RESTING and now.state is self._options.goal.state:
                self._conclude(run, plan_of(run, now, self._options, self._cloud))
            elif now.state is self._options.goal.state:
                run.finish(f"was on its way ({state_text(run.now)}); not waited for")
            else:
                run.finish(f"is busy ({state_text(run.now)}), and was not waited for", failed=True)

    def _time_out(self, why: str) -> None:
        for run in self._pending():
            last = f"last looked at with: {run.last_error}" if run.last_error else f"last seen {state_text(run.now)}"
            run.finish(f"{why} ({last})", failed=True)


def plan_of(run: InstanceRun, now: ObservedState, options: ConvergeOptions, cloud: Cloud) -> Plan:
    """Plan by an options and what a cloud offers. A lock is its owner's word that it is to be left alone."""
    withheld = cloud.unsupported_actions(run.now)
    supported = [action for action in Action if action not in withheld]
    step = plan(now, options.goal, supported=supported, allow_wake=options.allow_wake, reboot=options.reboot)
    if step.missing_action:
        return replace(step, reason=f"{step.reason}, and {withheld[step.missing_action]}")
    is_concerned = step.verdict is Verdict.ACT or run.observed.kind is Kind.MOVING
    if is_concerned and run.before.locked and not options.include_locked:
        reason = f": {run.before.lock_reason}" if run.before.lock_reason else ""
        return Plan(Verdict.SKIP, reason=f"skipped: {state_text(run.now)}, locked{reason} (include_locked)")
    return step


def _preview_one(run: InstanceRun, options: ConvergeOptions, cloud: Cloud) -> None:
    now = run.observed
    after = ""
    if now.kind is Kind.MOVING and now.state is not None:
        now, after = ObservedState(Kind.RESTING, now.state), f" once it is {now.state}"
    step = plan_of(run, now, options, cloud)
    if not run.now.live:
        run.finish("its state in the cloud cannot be read with this account", failed=True)
    elif now.kind is Kind.ERROR:
        run.finish(_error_text(run.now), failed=True)
    elif step.verdict is Verdict.WAIT:
        run.finish(f"would wait for it: it is busy ({state_text(run.now)}), and where that leads is not known")
    elif step.verdict is Verdict.ACT:
        run.actions += step.actions
        run.now = replace(run.now, status=options.goal.state.value, activity="")
        run.finish(f"would {', then '.join(step.actions)}{after}")
    elif step.verdict is Verdict.REACHED:
        run.finish(f"is on its way ({state_text(run.now)})" if after else _reached(run))
    else:
        run.finish(step.reason, failed=step.verdict is Verdict.FAIL, skipped=step.verdict is Verdict.SKIP)


def _error_text(instance: Instance) -> str:
    return f"is in error: {instance.fault}" if instance.fault else "is in error, and the cloud does not say why"


def _reached(run: InstanceRun) -> str:
    if run.actions:
        return ", then ".join(run.actions) + " done"
    if run.now.status != run.before.status or run.before.activity:
        return f"reached {state_text(run.now)} on its own"
    return f"already {state_text(run.now)}"


def _leads_to_goal(run: InstanceRun, action: Action, goal: Goal) -> bool:
    """Whether an instance is at, or on its way to, the goal or where the action would have taken it."""
    now = run.observed
    if now.state is None or now.kind not in (Kind.RESTING, Kind.MOVING):
        return False
    if action in _REBOOTS:
        return now.kind is Kind.MOVING and now.state is RestingState.ACTIVE
    targets = {states[action] for states in TRANSITIONS.values() if action in states}
    return now.state is goal.state or now.state in targets


def _lost_address(run: InstanceRun) -> str:
    """Atmosphere takes a floating IP away before it asks the cloud to stop, suspend or shelve."""
    if run.before.ip_address and not run.now.ip_address and run.now.status == "active":
        return f" It runs on, but has lost its address {run.before.ip_address}."
    return ""
