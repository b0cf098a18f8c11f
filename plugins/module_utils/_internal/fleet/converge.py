# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the planned actions of a fleet: one bounded pool for requests, and one waiter for all instances.

decisions.py makes the decisions. This module sends the actions, polls, and records the progress. An action whose
response was lost stays in doubt, and is polled, until it is known whether the cloud carried it out (docs/states.md,
Lost and failed requests).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from ..clock import Clock
from ..cloud import Cloud
from ..errors import (
    FATAL_ERRORS,
    BugFound,
    Conflict,
    JetstreamError,
    LockLost,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ..model import Instance
from ..parallel import in_parallel
from ..states import REBOOTS, Action, Kind, ObservedState, Plan, Verdict
from .decisions import Settling, conclude, decide, is_confirmed, is_settling
from .isolation import poll_or_errors
from .polling import PollScheduler
from .progress import Completion, Progress, ProgressCallback, no_progress
from .runs import ConvergeOptions, FleetRun, InstanceRun, state_text

# An instance and its next action.
_Step: TypeAlias = tuple[InstanceRun, Action]

# The number of consecutive polls that must find an instance back where its action began before the action counts as
# failed.
_POLLS_TO_CONFIRM = 2
# An older observation may be outdated: another run may change the same instances.
_STALE_AFTER = 10.0
# If the list of all instances was faster than this, a poll renews old observations. Otherwise each is renewed alone.
_QUICK_LIST = _STALE_AFTER / 4
# Seconds after which the wait ends for a reboot that was not observed and whose response was lost.
_REBOOT_DOUBT = 120.0
# Tolerance for rounding errors of sums of seconds.
_ROUNDING = 0.001
# The minimum and maximum pause before an action is sent again.
_FIRST_RETRY = 2.0
_LONGEST_RETRY = 60.0
# The last poll begins before the deadline, by the duration of the slowest poll: at least these seconds, and at most
# this fraction of the timeout.
_SHORTEST_RESERVE = 1.0
_LAST_POLL_FRACTION = 0.25


def converge(
    cloud: Cloud,
    instances: Sequence[Instance],
    options: ConvergeOptions,
    clock: Clock,
    *,
    observed_at: float | None = None,
    report: ProgressCallback = no_progress,
    jitter: Callable[[float], float] = lambda pause: random.uniform(0.9 * pause, 1.1 * pause),
) -> FleetRun:
    """Bring every instance to the goal, or return the reason for each that is not.

    ``observed_at``: when the list of the instances was requested, by the clock's ``monotonic``; by default, now. The
    timeout begins at that time. An error about one instance fails that instance alone. A refused login or maintenance
    ends the run; every unfinished instance has then failed. Raises nothing of its own.
    """
    start = clock.monotonic() if observed_at is None else observed_at
    cloud.limit(start + options.timeout)
    runs = [InstanceRun.begin(each, start) for each in instances]
    return _Converger(cloud, runs, options, clock, start, report, jitter).run()


class _Converger:
    def __init__(
        self,
        cloud: Cloud,
        runs: list[InstanceRun],
        options: ConvergeOptions,
        clock: Clock,
        start: float,
        report: ProgressCallback,
        jitter: Callable[[float], float],
    ) -> None:
        self._cloud = cloud
        self._runs = runs
        self._options = options
        self._clock = clock
        self._report = report
        self._scheduler: PollScheduler[InstanceRun] = PollScheduler(jitter, first_poll=cloud.first_poll_seconds)
        self._jitter = jitter
        self._start = start
        self._deadline = self._start + options.timeout
        self._settling = Settling(cloud.settle_seconds, cloud.no_address_seconds)
        self._renews_together = cloud.polls_are_current and clock.monotonic() - start < _QUICK_LIST
        self._begun = 0
        self._sent = 0
        self._longest_poll = 0.0
        self._aborted_by: JetstreamError | None = None
        self._met_another_run = False
        self._lock = threading.Lock()

    def run(self) -> FleetRun:
        for run in self._runs:
            self._decide(run)
        self._stamp()
        while True:
            self._act()
            if self._aborted_by:
                self._finish_pending(f"was not completed: {str(self._aborted_by).rstrip('.')}")
            elif not self._options.wait:
                self._finish_without_waiting()
            self._stamp()
            if not self._pending():
                break
            self._wait()
        self._stamp()
        return FleetRun(tuple(self._runs), self._aborted_by)

    # --- the books

    def _stamp(self) -> None:
        """Record the elapsed time of the newly ended runs, and report it."""
        passed = round(self._clock.monotonic() - self._start, 1)
        completed = [run for run in self._runs if run.done and run.elapsed is None]
        for run in completed:
            run.elapsed = passed
        pending = sorted(self._pending(), key=lambda run: run.since)
        self._progress = Progress(
            goal=self._options.goal.value,
            total=len(self._runs),
            ended=sum(run.done for run in self._runs),
            failed=sum(run.failed for run in self._runs),
            sent=self._sent,
            elapsed=passed,
            completed=tuple(Completion(run.before.label, run.message, run.failed) for run in completed),
            pending=tuple(run.before.label for run in pending),
        )
        self._notify(self._progress)

    def _notify(self, progress: Progress) -> None:
        """Report progress. A broken display, such as a closed pipe, does not end the work."""
        try:
            self._report(progress)
        except Exception:
            self._report = no_progress

    def _record_action(self, run: InstanceRun, action: Action, doubt: JetstreamError | None = None) -> None:
        """Record, from any thread, that the cloud accepted or may have accepted an action, and report it."""
        now = self._clock.monotonic()
        run.record_action(action, now, doubt)
        with self._lock:
            self._sent += 1
            self._notify(replace(self._progress, sent=self._sent, elapsed=round(now - self._start, 1), completed=()))

    def _abort(self, error: JetstreamError) -> None:
        with self._lock:
            self._aborted_by = self._aborted_by or error

    def _pending(self) -> list[InstanceRun]:
        return [run for run in self._runs if not run.done]

    # --- deciding

    def _decide(self, run: InstanceRun) -> None:
        """Choose the next step of an instance by its last observation: an action, a wait, or the end."""
        if not run.now.live and run.now.read_again and self._options.wait:
            # The list did not include its state. It is polled until it is known.
            return
        try:
            if run.doubt is not None and not self._resolve_doubt(run):
                return
            if run.conflict is not None and not self._resolve_conflict(run, *run.conflict):
                return
            if not run.done and not is_settling(run, self._options, self._settling):
                self._apply(run, decide(run, self._options, self._cloud.unsupported_actions(run.now)))
        except Exception as error:
            run.finish(str(BugFound(error)), failed=True)

    def _apply(self, run: InstanceRun, step: Plan) -> None:
        if step.verdict is Verdict.ACT:
            self._schedule_action(run, step)
        elif step.verdict is not Verdict.WAIT:
            conclude(run, step)

    def _schedule_action(self, run: InstanceRun, step: Plan) -> None:
        """Schedule the first step of a path as the next action, unless it was sent already, or is not allowed."""
        action = step.actions[0]
        if run.actions and run.actions[-1] is action:
            # The cloud accepted it, and the instance rests where it was: the cloud tried, failed, and put it back.
            run.reversions += 1
            if run.reversions >= _POLLS_TO_CONFIRM:
                run.finish(self._reverted(run, action), failed=True)
            return
        if len(step.actions) > 1 and not self._options.wait:
            path = ", then ".join(step.actions)
            run.finish(f"needs {path}, which requires wait: true", failed=True)
            return
        if not run.begun:
            if self._options.max_changes is not None and self._begun >= self._options.max_changes:
                run.finish(f"not changed: max_changes ({self._options.max_changes}) was reached", failed=True)
                return
            self._begun += 1
            run.begun = True
        run.next_action = action

    def _reverted(self, run: InstanceRun, action: Action) -> str:
        try:
            why = self._cloud.failure_reason(run.now)
        except JetstreamError:
            why = None
        text = f"the cloud accepted the {action}, but it is {state_text(run.now)} again"
        return f"{text}: {why}" if why else text

    def _resolve_doubt(self, run: InstanceRun) -> bool:
        """Return whether the observation settles if the action in doubt was carried out.

        An instance still at rest in its former state shows that the action was not carried out, and it is sent again.
        That does not apply to a reboot, which may be over already. An instance at rest in a third state was changed by
        another user, before or after.
        """
        action, error = run.actions[-1], run.doubt
        if is_confirmed(run, action, self._options.goal):
            run.confirm()
            return True
        if run.observed.kind in (Kind.GONE, Kind.NEEDS_OPERATOR):
            return True
        if run.observed.kind is Kind.MOVING:
            return False
        is_elsewhere = run.began is None or not run.observed.is_same_place(run.began)
        if run.observed.kind is Kind.ERROR and is_elsewhere:
            # It is no longer in its former state, probably because of the request.
            return True
        if action in REBOOTS:
            if self._clock.monotonic() - run.since > _REBOOT_DOUBT:
                self._finish_unclear(run, "no reboot was observed")
            return False
        run.reversions += 1
        if run.reversions < _POLLS_TO_CONFIRM:
            return False
        if is_elsewhere:
            self._finish_unclear(run, f"it is {state_text(run.now)}")
            return False
        run.retract()
        return not self._try_again(run, action, error)

    def _resolve_conflict(self, run: InstanceRun, error: Conflict, before: ObservedState) -> bool:
        """Return whether an instance that refused an action has changed its state since; otherwise, fail it."""
        run.conflict = None
        if run.observed == before:
            run.finish(str(error), failed=True)
        return not run.done

    def _try_again(self, run: InstanceRun, action: Action, error: JetstreamError | None) -> bool:
        """Send an action again that was not carried out, or fail. Return False if its instance was locked meanwhile."""
        if isinstance(error, BugFound | Refused):
            run.finish(str(error), failed=True)
        elif decide(run, self._options, self._cloud.unsupported_actions(run.now)).verdict is not Verdict.ACT:
            return False
        else:
            self._retry_later(run, action, error)
        return True

    def _retry_later(self, run: InstanceRun, action: Action, error: JetstreamError | None) -> None:
        """Send an action again after a pause, within the deadline of the run."""
        pause = min(_FIRST_RETRY * 2**run.attempts, _LONGEST_RETRY)
        run.attempts += 1
        run.next_action = action
        run.not_before = self._clock.monotonic() + self._jitter(pause)
        run.send_error = error

    # --- sending

    def _act(self) -> None:
        now = self._clock.monotonic() + _ROUNDING
        ready = [(run, run.next_action) for run in self._runs if run.next_action and run.not_before <= now]
        renews_together = self._renews_together
        while ready:
            stale: list[_Step] | None = [] if renews_together else None
            in_parallel(partial(self._send, stale=stale), ready, self._cloud.max_concurrency)
            # A stale observation that no list renews is read alone, just before the action.
            ready, renews_together = self._renew(stale or [])

    def _send(self, step: _Step, *, stale: list[_Step] | None) -> None:
        """Send an action. If the last observation is too old, add the step to ``stale``, if given, or read it first."""
        run, action = step
        if self._aborted_by:
            return
        if self._clock.monotonic() >= self._deadline:
            return
        is_stale = self._clock.monotonic() - run.observed_at > _STALE_AFTER
        if is_stale and stale is not None and not self._met_another_run:
            stale.append(step)
            return
        run.next_action = None
        try:
            # After a refusal, only a reading just before the action shows the changes of other runs.
            if (is_stale or self._met_another_run) and not self._is_still_due(run, action):
                return
            self._cloud.act(run.now, action)
        except FATAL_ERRORS as error:
            self._abort(error)
        except Exception as error:
            self._judge(run, action, error)
        else:
            self._record_action(run, action)

    def _renew(self, steps: Sequence[_Step]) -> tuple[list[_Step], bool]:
        """Poll instances together, and decide again. Return the actions still due, and whether to do so once more."""
        if not steps or self._aborted_by:
            return [], False
        begun = self._clock.monotonic()
        seen = self._seen([run for run, _action in steps], thorough=False)
        due = []
        for run, action in steps:
            found = seen.get(run.now.uuid)
            if isinstance(found, Instance):
                run.next_action = None
                run.record_observation(found, begun)
                self._decide(run)
            elif isinstance(found, FATAL_ERRORS):
                self._abort(found)
            if run.next_action is action:
                due.append((run, action))
        is_quick = self._clock.monotonic() - begun < _QUICK_LIST
        return due, is_quick and all(isinstance(seen.get(run.now.uuid), Instance) for run, _action in steps)

    def _judge(self, run: InstanceRun, action: Action, error: Exception) -> None:
        """Handle the error of a request for an action."""
        match error:
            case LockLost(accepted=True):
                run.lost_lock = str(error)
                self._record_action(run, action)
            case LockLost(unsent=True):
                run.finish(str(error), failed=True)
            case LockLost():
                # It is unknown whether the action was carried out.
                run.lost_lock = str(error)
                self._begin_doubt(run, action, error)
            case JetstreamError(unsent=True) | RateLimited():
                self._retry_unsent(run, action, error)
            case Conflict():
                run.refused = self._met_another_run = True
                self._reassess_conflict(run, error)
            case Refused():
                run.refused = self._met_another_run = True
                self._reassess_refusal(run, action, error)
            case ServerFault() | UnexpectedResponse() | Unreachable():
                self._begin_doubt(run, action, error)
            case JetstreamError():
                run.finish(str(error), failed=True)
            case _:
                # A bug may have occurred after the request was sent.
                self._begin_doubt(run, action, BugFound(error))

    def _is_still_due(self, run: InstanceRun, action: Action) -> bool:
        """Read an instance, and decide again. If the read fails, the action is sent anyway."""
        try:
            self._observe(run)
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return True
        self._decide(run)
        due = run.next_action is action
        if due:
            run.next_action = None
        return due

    def _observe(self, run: InstanceRun) -> None:
        begun = self._clock.monotonic()
        try:
            instance = self._cloud.get_instance(run.now)
        except NotFound:
            instance = run.now.gone()
        run.record_observation(instance, begun)

    def _retry_unsent(self, run: InstanceRun, action: Action, error: JetstreamError) -> None:
        if action in REBOOTS or not self._options.wait:
            run.finish(str(error), failed=True)
        else:
            self._retry_later(run, action, error)

    def _begin_doubt(self, run: InstanceRun, action: Action, error: JetstreamError) -> None:
        """Count an action as sent until it is known that it was not carried out."""
        self._record_action(run, action, doubt=error)
        try:
            self._observe(run)
        except FATAL_ERRORS as fatal:
            self._abort(fatal)
        except JetstreamError as second:
            run.last_error = second
        else:
            self._decide(run)

    def _reassess_conflict(self, run: InstanceRun, error: Conflict) -> None:
        """Read an instance that refused an action: it fails only if its state is the same as before.

        If it cannot be read, it stays pending, and is polled.
        """
        run.conflict = (error, run.observed)
        try:
            self._observe(run)
        except FATAL_ERRORS as fatal:
            self._abort(fatal)
        except JetstreamError as second:
            run.last_error = second
            if not self._options.wait:
                run.finish(f"{error} Reading it again failed as well: {second}", failed=True)
        else:
            self._decide(run)

    def _reassess_refusal(self, run: InstanceRun, action: Action, error: Refused) -> None:
        """Read the instance of a refused action again.

        Atmosphere also returns a refusal for an action that nova carried out with an error.
        """
        try:
            self._observe(run)
        except FATAL_ERRORS as fatal:
            self._abort(fatal)
        except JetstreamError as second:
            self._record_action(run, action, doubt=error)
            run.last_error = second
        else:
            if is_confirmed(run, action, self._options.goal):
                self._record_action(run, action)
                self._decide(run)
            else:
                run.finish(str(error), failed=True)

    # --- waiting

    def _wait(self) -> None:
        """Poll a sample when a change is likely, and all instances shortly before the deadline."""
        now = self._clock.monotonic()
        waiting = [run for run in self._pending() if not run.next_action]
        retry_at = min((max(now, run.not_before) for run in self._pending() if run.next_action), default=None)
        poll = self._scheduler.next_poll(waiting, now) if waiting else None
        last = self._last_poll_at()
        moments = [each for each in (poll.at if poll else None, retry_at) if each is not None and each < last]
        if not moments:
            self._finish_in_time(last)
            return
        self._clock.sleep(max(0.0, min(moments) - now))
        if poll and poll.at <= min(moments):
            self._poll(poll.instances)
        if self._clock.monotonic() >= self._deadline:
            self._time_out()

    def _last_poll_at(self) -> float:
        reserve = min(max(self._longest_poll, _SHORTEST_RESERVE), _LAST_POLL_FRACTION * self._options.timeout)
        return self._deadline - reserve

    def _finish_in_time(self, last: float) -> None:
        self._clock.sleep(max(0.0, last - self._clock.monotonic()))
        if self._clock.monotonic() < self._deadline:
            self._poll([run for run in self._pending() if not run.next_action], thorough=True)
        if not self._aborted_by:
            self._time_out()

    def _poll(self, runs: Sequence[InstanceRun], *, thorough: bool = False) -> None:
        if not runs:
            return
        begun = self._clock.monotonic()
        seen = self._confirmed(self._seen(runs, thorough=thorough), begun)
        ended = self._clock.monotonic()
        self._longest_poll = max(self._longest_poll, ended - begun)
        # A list may contain further instances.
        for run in [each for each in self._pending() if not each.next_action]:
            found = seen.get(run.now.uuid)
            if found is None:
                continue
            run.polled_at = begun
            if isinstance(found, Instance):
                run.record_observation(found, begun)
                self._decide(run)
                if (run.done and not run.failed) or run.next_action:
                    self._scheduler.learn(run.actions[-1] if run.actions else None, ended - run.since)
            elif isinstance(found, FATAL_ERRORS):
                self._abort(found)
            else:
                run.last_error = found

    def _confirmed(
        self, seen: Mapping[str, Instance | JetstreamError], begun: float
    ) -> Mapping[str, Instance | JetstreamError]:
        """Read those instances again for which a cached list may be older than the last observation.

        An instance that cannot be read then counts as not observed.
        """

        def is_doubtful(run: InstanceRun, found: Instance | JetstreamError | None) -> bool:
            return isinstance(found, Instance) and run.may_be_outdated(found, begun)

        waiting = {run.now.uuid: run for run in self._pending() if not run.next_action}
        doubtful = [run for uuid, run in waiting.items() if is_doubtful(run, seen.get(uuid))]
        if not doubtful:
            return seen
        again = self._seen(doubtful, thorough=True)
        uuids = {run.now.uuid for run in doubtful}
        certain = {uuid: found for uuid, found in seen.items() if uuid not in uuids}
        return certain | {uuid: found for uuid, found in again.items() if not is_doubtful(waiting[uuid], found)}

    def _seen(self, runs: Sequence[InstanceRun], *, thorough: bool) -> dict[str, Instance | JetstreamError]:
        """Poll, and return the observations by uuid. If the whole poll fails, it fails for each instance."""
        try:
            return dict(poll_or_errors(self._cloud, [run.now for run in runs], thorough=thorough))
        except FATAL_ERRORS as error:
            self._abort(error)
            return {}
        except Exception as error:
            return dict.fromkeys((run.now.uuid for run in runs), BugFound(error))

    # --- ending

    def _finish_without_waiting(self) -> None:
        """End all runs without waiting. An accepted action is reported as accepted, not as done."""
        for run in self._pending():
            observed = run.observed
            if run.unclear:
                self._finish_unclear(run, "was not waited for")
            elif run.actions:
                run.finish(f"{run.actions[-1]} was accepted; not waited for")
            elif run.next_action:
                run.finish(f"{run.next_action} was not sent: wait_timeout was over", failed=True)
            elif observed.kind is Kind.RESTING and observed.state is self._options.goal.state:
                self._conclude_without_waiting(run)
            elif observed.state is self._options.goal.state:
                run.finish(f"was in transition ({state_text(run.now)}); not waited for")
            else:
                run.finish(f"is busy ({state_text(run.now)}); not waited for", failed=True)

    def _conclude_without_waiting(self, run: InstanceRun) -> None:
        """End the run of an instance at rest in its goal. After a conflict, a reboot may still be due."""
        step = decide(run, self._options, self._cloud.unsupported_actions(run.now))
        if step.verdict is Verdict.ACT:
            run.finish(f"{step.actions[0]} was not sent, since wait is false", failed=True)
        else:
            conclude(run, step)

    def _time_out(self) -> None:
        self._finish_pending(f"was not {self._options.goal} within {self._options.timeout:g} s")

    def _finish_pending(self, why: str) -> None:
        for run in self._pending():
            if run.unclear:
                self._finish_unclear(run, why)
                continue
            if run.conflict is not None:
                why = f"{why}: {run.conflict[0]}"
            run.finish(f"{why} ({_last_seen(run)})", failed=True)

    def _finish_unclear(self, run: InstanceRun, why: str) -> None:
        if isinstance(run.doubt, Refused):
            # Atmosphere reports an action that nova carried out with an error as a refusal.
            doubt = f"{run.actions[-1]} was refused, but may have been carried out ({run.doubt})"
        else:
            doubt = f"{run.actions[-1]} was sent, but its response was lost ({run.doubt})"
        run.finish(f"{why}: {doubt}; {_last_seen(run)}", failed=True)


def _last_seen(run: InstanceRun) -> str:
    last_error = run.last_error or (None if run.now.live else run.now.read_error)
    if last_error:
        return f"last error: {last_error}"
    if run.send_error and not run.actions:
        return f"sent {run.attempts} times; the last attempt failed: {run.send_error}"
    return f"last seen {state_text(run.now)}"
