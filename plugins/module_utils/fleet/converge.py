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
    ENDS_A_RUN,
    Conflict,
    JetstreamError,
    Refused,
    ServerFault,
    UnexpectedAnswer,
    Unreachable,
)
from ..model import Instance
from ..parallel import in_parallel
from ..states import (
    TRANSITIONS,
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
from ..text.terminal import one_line
from .polling import Pacer
from .progress import Arrival, Progress, Report, silent

# So many looks in a row must find an instance back where an accepted action began before that counts as its failure.
_LOOKS_THAT_CONVINCE = 2
_WAKES = frozenset({Action.START, Action.RESUME, Action.UNSHELVE, Action.UNPAUSE})
_REBOOTS = frozenset({Action.REBOOT, Action.HARD_REBOOT})
# What leaves open whether the action was carried out, and whether the instance has kept its address.
_UNCLEAR = (Refused, ServerFault, UnexpectedAnswer, Unreachable)


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of a selection, and within which bounds. C(timeout): seconds for the whole selection."""

    goal: Goal
    reboot: Action = Action.REBOOT
    allow_wake: bool = False
    include_locked: bool = False
    wait: bool = True
    timeout: float = 900.0
    max_changes: int | None = None


@dataclass(slots=True)
class Track:
    """One instance on its way: how it stood, how it was last seen, what was done, and how that ended.

    C(since) is when it set out: when the cloud took the last action, or when the run began. C(looked_at) is when it was
    last looked at after that.
    """

    before: Instance
    now: Instance
    actions: list[Action] = field(default_factory=list)
    next_action: Action | None = None
    done: bool = False
    failed: bool = False
    left: bool = False
    message: str = ""
    seconds: float | None = None
    trouble: JetstreamError | None = None
    active_since: float | None = None
    bounces: int = 0
    since: float = 0.0
    looked_at: float | None = None

    @property
    def changed(self) -> bool:
        """Whether the cloud took an action on it (in check mode: would be asked to)."""
        return bool(self.actions)

    @property
    def standing(self) -> Situation:
        """How it stands, as last seen."""
        return situation(self.now.status, self.now.activity)

    def set_out(self, action: Action, now: float) -> None:
        """Note that the cloud took an action on it."""
        self.actions.append(action)
        self.since, self.looked_at = now, None

    def end(self, message: str, *, failed: bool = False, left: bool = False) -> None:
        """Close the books on it. What others wrote (a fault, why it is locked) may be in the message."""
        self.done, self.message, self.failed, self.left = True, one_line(message), failed, left
        self.next_action = None


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a selection; C(stopped_by) is what ended the run early, if anything did."""

    tracks: tuple[Track, ...]
    stopped_by: JetstreamError | None = None


def state_text(instance: Instance) -> str:
    """Return status and activity as people read them: "active - powering-off"."""
    return f"{instance.status} - {instance.activity}" if instance.activity else instance.status


def foresee(cloud: Cloud, instances: Sequence[Instance], order: Order) -> Run:
    """Say what C(converge) would do, by the same plans, and do nothing (check mode)."""
    tracks = tuple(Track(each, each) for each in instances)
    for track in tracks:
        _foresee_one(track, order, cloud)
    return Run(tracks)


def converge(
    cloud: Cloud,
    instances: Sequence[Instance],
    order: Order,
    clock: Clock,
    *,
    report: Report = silent,
    jitter: Callable[[float], float] = lambda pause: random.uniform(0.9 * pause, 1.1 * pause),
) -> Run:
    """Bring every instance to the goal, or say of each why not.

    An error that concerns one instance fails that one alone. A refused login or maintenance ends the run; what was
    not done by then has failed. Raises nothing of its own.
    """
    tracks = [Track(each, each, since=clock.monotonic()) for each in instances]
    return _Converger(cloud, tracks, order, clock, report, Pacer(jitter)).run()


class _Converger:
    def __init__(
        self,
        cloud: Cloud,
        tracks: list[Track],
        order: Order,
        clock: Clock,
        report: Report,
        pacer: Pacer[Track],
    ) -> None:
        self._cloud = cloud
        self._tracks = tracks
        self._order = order
        self._clock = clock
        self._report = report
        self._pacer = pacer
        self._start = clock.monotonic()
        self._deadline = self._start + order.timeout
        self._begun = 0
        self._asked = 0
        self._stopped_by: JetstreamError | None = None
        self._lock = threading.Lock()

    def run(self) -> Run:
        for track in self._tracks:
            self._decide(track)
        self._stamp()
        while True:
            self._act()
            if self._stopped_by:
                self._give_up(f"was not seen through: {self._stopped_by}")
            elif not self._order.wait:
                self._leave_alone()
            self._stamp()
            if not self._pending():
                break
            self._wait_and_look()
        self._stamp()
        return Run(tuple(self._tracks), self._stopped_by)

    def _stamp(self) -> None:
        """Note how long it took until each of those that have ended did so, and tell of it."""
        passed = round(self._clock.monotonic() - self._start, 1)
        news = [track for track in self._tracks if track.done and track.seconds is None]
        for track in news:
            track.seconds = passed
        late = sorted(self._pending(), key=lambda track: track.since)
        self._progress = Progress(
            goal=self._order.goal.value,
            total=len(self._tracks),
            ended=sum(track.done for track in self._tracks),
            failed=sum(track.failed for track in self._tracks),
            asked=self._asked,
            seconds=passed,
            news=tuple(Arrival(track.before.label, track.message, track.failed) for track in news),
            late=tuple(track.before.label for track in late),
        )
        self._report(self._progress)

    def _taken(self, track: Track, action: Action) -> None:
        """Note, in any thread, that the cloud took an action, and tell of it."""
        now = self._clock.monotonic()
        track.set_out(action, now)
        with self._lock:
            self._asked += 1
            self._report(replace(self._progress, asked=self._asked, seconds=round(now - self._start, 1), news=()))

    def _pending(self) -> list[Track]:
        return [track for track in self._tracks if not track.done]

    def _decide(self, track: Track) -> None:
        """Choose what comes next for an instance as it was last seen: an action, a wait, or the end."""
        now = track.standing
        if not track.now.live:
            track.end("its state in the cloud cannot be read with this account", failed=True)
        elif now.kind is Kind.BROKEN:
            track.end(_broken(track.now), failed=True)
        elif self._is_settling(track, now):
            pass
        elif self._is_rebooted(track, now):
            self._arrive(track, plan_of(track, now, replace(self._order, goal=Goal.STARTED), self._cloud))
        else:
            self._follow(track, plan_of(track, now, self._order, self._cloud), now)

    def _follow(self, track: Track, step: Plan, now: Situation) -> None:
        if step.verdict is Verdict.ACT:
            self._prepare(track, step, now)
        elif step.verdict is not Verdict.WAIT:
            self._arrive(track, step)

    def _arrive(self, track: Track, step: Plan) -> None:
        if step.verdict is Verdict.REACHED:
            track.end(_reached(track))
        else:
            track.end(step.reason, failed=step.verdict is Verdict.FAIL, left=step.verdict is Verdict.LEAVE)

    def _prepare(self, track: Track, step: Plan, now: Situation) -> None:
        """Make the first step of a way the next action, unless it was taken already, or may not be."""
        action = step.actions[0]
        if track.actions and track.actions[-1] is action:
            # It was accepted, yet the instance rests where it was: the cloud tried, failed, and put it back.
            track.bounces += 1
            if track.bounces >= _LOOKS_THAT_CONVINCE:
                track.end(self._bounced(track, action), failed=True)
            return
        if len(step.actions) > 1 and not self._order.wait:
            way = ", then ".join(step.actions)
            track.end(f"needs {way}, which cannot be done without wait", failed=True)
            return
        if not track.actions:
            if self._order.max_changes is not None and self._begun >= self._order.max_changes:
                track.end(f"not done: max_changes ({self._order.max_changes}) was reached", failed=True)
                return
            self._begun += 1
        track.next_action, track.bounces = action, 0

    def _bounced(self, track: Track, action: Action) -> str:
        try:
            why = self._cloud.why(track.now)
        except JetstreamError:
            why = None
        text = f"the cloud took the {action}, but it is {state_text(track.now)} again"
        return f"{text}: {why}" if why else text

    def _is_settling(self, track: Track, now: Situation) -> bool:
        """Whether an instance that was woken looks ready only because the cloud has not begun to deploy it."""
        if self._order.goal.place is not Place.ACTIVE or not _WAKES.intersection(track.actions):
            return False
        if now != Situation(Kind.RESTING, Place.ACTIVE) or track.now.ip_address:
            return False
        if track.active_since is None:
            track.active_since = self._clock.monotonic()
        return self._clock.monotonic() - track.active_since < self._cloud.settle_seconds

    def _is_rebooted(self, track: Track, now: Situation) -> bool:
        if self._order.goal is not Goal.REBOOTED or not track.actions:
            return False
        return now.kind is Kind.RESTING and now.place is Place.ACTIVE

    def _act(self) -> None:
        ready = [(track, track.next_action) for track in self._tracks if track.next_action]
        in_parallel(self._send, ready, self._cloud.at_once)

    def _send(self, step: tuple[Track, Action]) -> None:
        track, action = step
        track.next_action = None
        if self._stopped_by:
            return
        try:
            self._cloud.act(track.now, action)
        except ENDS_A_RUN as error:
            with self._lock:
                self._stopped_by = self._stopped_by or error
        except Conflict as error:
            self._look_again(track, action, error, ours=False)
        except _UNCLEAR as error:
            self._look_again(track, action, error, ours=True)
        except JetstreamError as error:
            track.end(str(error), failed=True)
        else:
            self._taken(track, action)

    def _look_again(self, track: Track, action: Action, error: JetstreamError, *, ours: bool) -> None:
        """Judge a refused or unclear action by what the instance does: on its way is fine, whoever sent it there."""
        try:
            track.now = self._cloud.look(track.now)
        except ENDS_A_RUN as end:
            with self._lock:
                self._stopped_by = self._stopped_by or end
            return
        except JetstreamError as second:
            track.end(f"{error} It could not be looked at again either: {second}", failed=True)
            return
        if not _leads_to_goal(track, action, self._order.goal):
            track.end(f"{error}{_lost_address(track)}", failed=True)
        elif ours:
            self._taken(track, action)

    def _wait_and_look(self) -> None:
        """Look at some when there is likely something to see, and at all when the time is up."""
        now = self._clock.monotonic()
        look = self._pacer.next_look(self._pending(), now)
        if look.at < self._deadline:
            # The time for it may have come while the last look was under way.
            self._clock.sleep(max(0.0, look.at - now))
            self._look(look.at_whom)
            if self._clock.monotonic() < self._deadline:
                return
        else:
            self._clock.sleep(max(0.0, self._deadline - now))
        self._look(self._pending(), thorough=True)
        self._give_up(f"was not {self._order.goal} within {self._order.timeout:g} s")

    def _look(self, tracks: Sequence[Track], *, thorough: bool = False) -> None:
        begun = self._clock.monotonic()
        try:
            seen = self._cloud.refresh([track.now for track in tracks], thorough=thorough)
        except ENDS_A_RUN as error:
            self._stopped_by = error
            return
        ended = self._clock.monotonic()
        for track in tracks:
            found = seen.get(track.now.uuid)
            if found is None:
                continue
            track.looked_at = begun
            if isinstance(found, Instance):
                track.now, track.trouble = found, None
                self._decide(track)
                if (track.done and not track.failed) or track.next_action:
                    self._pacer.learn(track.actions[-1] if track.actions else None, ended - track.since)
            else:
                track.trouble = found

    def _leave_alone(self) -> None:
        """End all without waiting. What was asked for is said to be asked for, not to be done."""
        for track in self._pending():
            now = track.standing
            if track.actions:
                track.end(f"{track.actions[-1]} was accepted; not waited for")
            elif now.kind is Kind.RESTING and now.place is self._order.goal.place:
                self._arrive(track, plan_of(track, now, self._order, self._cloud))
            elif now.place is self._order.goal.place:
                track.end(f"was on its way ({state_text(track.now)}); not waited for")
            else:
                track.end(f"is busy ({state_text(track.now)}), and was not waited for", failed=True)

    def _give_up(self, why: str) -> None:
        for track in self._pending():
            last = f"last looked at with: {track.trouble}" if track.trouble else f"last seen {state_text(track.now)}"
            track.end(f"{why} ({last})", failed=True)


def plan_of(track: Track, now: Situation, order: Order, cloud: Cloud) -> Plan:
    """Plan by an order and what a cloud offers. A lock is its owner's word that it is to be left alone."""
    withheld = cloud.withholds(track.now)
    offered = [action for action in Action if action not in withheld]
    step = plan(now, order.goal, offered=offered, allow_wake=order.allow_wake, reboot=order.reboot)
    if step.lacks:
        return replace(step, reason=f"{step.reason}, and {withheld[step.lacks]}")
    is_concerned = step.verdict is Verdict.ACT or track.standing.kind is Kind.MOVING
    if is_concerned and track.before.locked and not order.include_locked:
        reason = f": {track.before.lock_reason}" if track.before.lock_reason else ""
        return Plan(Verdict.LEAVE, reason=f"left {state_text(track.now)}, since it is locked{reason} (include_locked)")
    return step


def _foresee_one(track: Track, order: Order, cloud: Cloud) -> None:
    now = track.standing
    after = ""
    if now.kind is Kind.MOVING and now.place is not None:
        now, after = Situation(Kind.RESTING, now.place), f" once it is {now.place}"
    step = plan_of(track, now, order, cloud)
    if not track.now.live:
        track.end("its state in the cloud cannot be read with this account", failed=True)
    elif now.kind is Kind.BROKEN:
        track.end(_broken(track.now), failed=True)
    elif step.verdict is Verdict.WAIT:
        track.end(f"would wait for it: it is busy ({state_text(track.now)}), and where that leads is not known")
    elif step.verdict is Verdict.ACT:
        track.actions += step.actions
        track.now = replace(track.now, status=order.goal.place.value, activity="")
        track.end(f"would {', then '.join(step.actions)}{after}")
    elif step.verdict is Verdict.REACHED:
        track.end(f"is on its way ({state_text(track.now)})" if after else _reached(track))
    else:
        track.end(step.reason, failed=step.verdict is Verdict.FAIL, left=step.verdict is Verdict.LEAVE)


def _broken(instance: Instance) -> str:
    return f"is in error: {instance.fault}" if instance.fault else "is in error, and the cloud does not say why"


def _reached(track: Track) -> str:
    if track.actions:
        return ", then ".join(track.actions) + " done"
    if track.now.status != track.before.status or track.before.activity:
        return f"became {state_text(track.now)} without our doing"
    return f"is {state_text(track.now)} already"


def _leads_to_goal(track: Track, action: Action, goal: Goal) -> bool:
    """Whether an instance is at, or on its way to, the goal or where the action would have taken it."""
    now = track.standing
    if now.place is None or now.kind not in (Kind.RESTING, Kind.MOVING):
        return False
    if action in _REBOOTS:
        return now.kind is Kind.MOVING and now.place is Place.ACTIVE
    targets = {places[action] for places in TRANSITIONS.values() if action in places}
    return now.place is goal.place or now.place in targets


def _lost_address(track: Track) -> str:
    """Atmosphere takes a floating IP away before it asks the cloud to stop, suspend or shelve."""
    if track.before.ip_address and not track.now.ip_address and track.now.status == "active":
        return f" It runs on, but has lost its address {track.before.ip_address}."
    return ""
