# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state an instance is in, the state it should be in, and the path between them. Pure functions, no I/O.

The transitions are data; ``plan`` is a shortest path over them. See docs/states.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class RestingState(StrEnum):
    """A state in which an instance stays until something is done to it."""

    ACTIVE = "active"
    SHUTOFF = "shutoff"
    SUSPENDED = "suspended"
    PAUSED = "paused"
    SHELVED = "shelved"


class Action(StrEnum):
    """A request that a cloud takes for an instance."""

    START = "start"
    STOP = "stop"
    SUSPEND = "suspend"
    RESUME = "resume"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    UNPAUSE = "unpause"
    REBOOT = "reboot"
    HARD_REBOOT = "hard reboot"


WAKING_ACTIONS = frozenset({Action.START, Action.RESUME, Action.UNSHELVE, Action.UNPAUSE})
REBOOTS = frozenset({Action.REBOOT, Action.HARD_REBOOT})


class Goal(StrEnum):
    """The states that a task can request."""

    STARTED = "started"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    SHELVED = "shelved"
    REBOOTED = "rebooted"

    @property
    def state(self) -> RestingState:
        """The state in which an instance rests once the goal is reached."""
        return _STATE_OF_GOAL[self]


_STATE_OF_GOAL: Mapping[Goal, RestingState] = {
    Goal.STARTED: RestingState.ACTIVE,
    Goal.STOPPED: RestingState.SHUTOFF,
    Goal.SUSPENDED: RestingState.SUSPENDED,
    Goal.SHELVED: RestingState.SHELVED,
    Goal.REBOOTED: RestingState.ACTIVE,
}

_GERUNDS: Mapping[Goal, str] = {
    Goal.STARTED: "starting",
    Goal.STOPPED: "stopping",
    Goal.SUSPENDED: "suspending",
    Goal.SHELVED: "shelving",
    Goal.REBOOTED: "rebooting",
}

# A cloud accepts an action only from these states; anything else is answered with a conflict, and on Atmosphere
# with the loss of the floating IP as well (docs/atmosphere.md, Floating IPs).
TRANSITIONS: Mapping[RestingState, Mapping[Action, RestingState]] = {
    RestingState.ACTIVE: {
        Action.STOP: RestingState.SHUTOFF,
        Action.SUSPEND: RestingState.SUSPENDED,
        Action.SHELVE: RestingState.SHELVED,
        Action.REBOOT: RestingState.ACTIVE,
        Action.HARD_REBOOT: RestingState.ACTIVE,
    },
    RestingState.SHUTOFF: {Action.START: RestingState.ACTIVE, Action.SHELVE: RestingState.SHELVED},
    RestingState.SUSPENDED: {Action.RESUME: RestingState.ACTIVE, Action.SHELVE: RestingState.SHELVED},
    RestingState.PAUSED: {Action.UNPAUSE: RestingState.ACTIVE, Action.SHELVE: RestingState.SHELVED},
    RestingState.SHELVED: {Action.UNSHELVE: RestingState.ACTIVE},
}

_RESTING: Mapping[str, RestingState] = {
    "active": RestingState.ACTIVE,
    "shutoff": RestingState.SHUTOFF,
    "suspended": RestingState.SUSPENDED,
    "paused": RestingState.PAUSED,
    "shelved": RestingState.SHELVED,
    "shelved_offloaded": RestingState.SHELVED,
}

# The state that an instance with this status reaches, if nothing goes wrong. None: not known, so it has to be polled.
_MOVING: Mapping[str, RestingState | None] = {
    "build": RestingState.ACTIVE,
    "rebuild": RestingState.ACTIVE,
    "reboot": RestingState.ACTIVE,
    "hard_reboot": RestingState.ACTIVE,
    "redeploy": RestingState.ACTIVE,
    "password": RestingState.ACTIVE,
    "migrating": None,
    "resize": None,
    "revert_resize": None,
}

# The state that an activity leads to. An activity that is not here leads back, or is not known.
_LEADS_TO: Mapping[str, RestingState] = {
    "powering-off": RestingState.SHUTOFF,
    "powering-on": RestingState.ACTIVE,
    "suspending": RestingState.SUSPENDED,
    "resuming": RestingState.ACTIVE,
    "pausing": RestingState.PAUSED,
    "unpausing": RestingState.ACTIVE,
    "shelving": RestingState.SHELVED,
    "shelving_image_pending_upload": RestingState.SHELVED,
    "shelving_image_uploading": RestingState.SHELVED,
    "shelving_offloading": RestingState.SHELVED,
    "unshelving": RestingState.ACTIVE,
    "spawning": RestingState.ACTIVE,
    "rebooting": RestingState.ACTIVE,
    "rebooting_hard": RestingState.ACTIVE,
    "reboot_pending": RestingState.ACTIVE,
    "reboot_pending_hard": RestingState.ACTIVE,
    "reboot_started": RestingState.ACTIVE,
    "reboot_started_hard": RestingState.ACTIVE,
    "scheduling": RestingState.ACTIVE,
    "initializing": RestingState.ACTIVE,
    "networking": RestingState.ACTIVE,
    "deploying": RestingState.ACTIVE,
    "redeploying": RestingState.ACTIVE,
    "running_boot_script": RestingState.ACTIVE,
}

# Steps by which Atmosphere makes an instance ready after it runs (docs/atmosphere.md, Deployments).
_DEPLOYMENT = frozenset({"initializing", "networking", "deploying", "redeploying", "running_boot_script"})

# Activities that are an end, not a path: the instance rests, but was not made ready.
_DEFECTS: Mapping[str, str] = {
    "deploy_error": "it runs, but the cloud could not deploy it (deploy_error)",
    "boot_script_error": "it runs, but its boot script failed (boot_script_error)",
}
_NO_ACTIVITY = frozenset({"", "user_deploy_error"})
_DELETING = frozenset({"deleting", "soft-deleting"})
_GONE = frozenset({"deleted", "soft_deleted", "missing"})


class Kind(Enum):
    """What can be done about an instance as it is now."""

    RESTING = "resting"
    MOVING = "moving"
    ERROR = "error"
    GONE = "gone"
    NEEDS_OPERATOR = "needs operator"


@dataclass(frozen=True, slots=True)
class ObservedState:
    """An instance as it was observed.

    ``state``: where it rests, or where its activity leads; None if neither is known. ``defect``: why it is not ready
    although it runs. ``deploying``: whether a deployment is under way. ``running``: whether the machine itself runs,
    which matters only in ``error``.
    """

    kind: Kind
    state: RestingState | None = None
    defect: str | None = None
    deploying: bool = False
    running: bool = False

    @property
    def is_awake(self) -> bool:
        """Whether it rests, and is active."""
        return self.kind is Kind.RESTING and self.state is RestingState.ACTIVE

    def is_same_place(self, other: ObservedState) -> bool:
        """Return whether both are in the same state, whether or not they are ready there."""
        return (self.kind, self.state) == (other.kind, other.state)


def classify(status: str, activity: str, power_state: str | None = None) -> ObservedState:
    """Read a cloud's words. An unknown activity is waited for; an unknown status needs a person."""
    # Atmosphere counts boot scripts behind the word: "running_boot_script - 1/2".
    activity = activity.partition(" ")[0]
    if status in _GONE or activity in _DELETING:
        return ObservedState(Kind.GONE)
    if status == "error":
        return _in_error(activity, power_state)
    if status in _MOVING:
        return ObservedState(Kind.MOVING, _LEADS_TO.get(activity, _MOVING[status]), deploying=activity in _DEPLOYMENT)
    state = _RESTING.get(status)
    if state is None:
        return ObservedState(Kind.NEEDS_OPERATOR)
    if activity in _DEFECTS:
        return ObservedState(Kind.RESTING, state, _DEFECTS[activity])
    if activity in _NO_ACTIVITY:
        return ObservedState(Kind.RESTING, state)
    return ObservedState(Kind.MOVING, _LEADS_TO.get(activity), deploying=activity in _DEPLOYMENT)


def _in_error(activity: str, power_state: str | None) -> ObservedState:
    """Nova keeps the status ``ERROR`` while it stops or reboots an instance in error (docs/jetstream2.md, Error)."""
    if activity in _LEADS_TO:
        return ObservedState(Kind.MOVING, _LEADS_TO[activity])
    return ObservedState(Kind.ERROR, running=power_state == "running")


class Verdict(Enum):
    """The next step of a plan."""

    REACHED = "reached"
    ACT = "act"
    WAIT = "wait"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Plan:
    """The path to a goal: ``actions`` to take, in order, if the verdict is ACT; ``reason`` in words for the others.

    ``missing_action``: the action that the cloud does not support, if that is why there is no path. Why it is not
    supported belongs behind the reason. ``warn``: whether the reason is also a warning of the task.
    """

    verdict: Verdict
    actions: tuple[Action, ...] = ()
    reason: str = ""
    missing_action: Action | None = None
    warn: bool = False


def plan(now: ObservedState, goal: Goal, *, supported: Collection[Action], allow_wake: bool, reboot: Action) -> Plan:
    """Return how an instance gets from its observed state to the goal.

    ``supported``: the actions that this cloud offers for it. ``reboot``: the kind of reboot that ``rebooted`` means. A
    path that would start a sleeping instance only to put it to sleep in another state costs service units, so it is
    taken only with ``allow_wake``. The same holds for starting a sleeping instance that was to be rebooted.
    """
    if now.kind is Kind.GONE:
        return _plan_for_gone(goal)
    if now.kind is Kind.ERROR:
        return _plan_for_error(now, goal, supported, reboot)
    if now.kind is Kind.NEEDS_OPERATOR:
        return Plan(Verdict.FAIL, reason="needs manual intervention")
    if now.kind is Kind.MOVING or now.state is None:
        return Plan(Verdict.WAIT)
    if goal is Goal.REBOOTED and now.state is RestingState.ACTIVE:
        return Plan(Verdict.ACT, (reboot,))
    if now.state is goal.state:
        return _plan_at_goal(now, goal)
    path = shortest_path(now.state, goal.state, supported)
    if _wakes(path, goal) and not allow_wake:
        return Plan(Verdict.SKIP, reason=f"{now.state} ({_GERUNDS[goal]} it would start it first; allow_wake)")
    return _plan_without_path(now.state, goal, supported) if path is None else Plan(Verdict.ACT, path)


def _plan_for_gone(goal: Goal) -> Plan:
    """A gone instance counts as sleeping."""
    reason = "the cloud no longer has it"
    if goal.state is RestingState.ACTIVE:
        return Plan(Verdict.FAIL, reason=reason)
    return Plan(Verdict.SKIP, reason=reason, warn=True)


def _plan_for_error(now: ObservedState, goal: Goal, supported: Collection[Action], reboot: Action) -> Plan:
    """Stop a machine that runs. Skip others: they cost nothing in error, but half once they are shut off."""
    reason = "in error"
    if goal is Goal.STOPPED and now.running and Action.STOP in supported:
        return Plan(Verdict.ACT, (Action.STOP,))
    if goal.state is not RestingState.ACTIVE:
        return Plan(Verdict.SKIP, reason=reason, warn=True)
    if Action.HARD_REBOOT not in supported:
        return Plan(Verdict.FAIL, reason=reason, missing_action=Action.HARD_REBOOT)
    if goal is Goal.REBOOTED and reboot is Action.HARD_REBOOT:
        return Plan(Verdict.ACT, (Action.HARD_REBOOT,))
    return Plan(Verdict.FAIL, reason=f"{reason}. A hard reboot may bring it back (state: rebooted, reboot_type: hard)")


def _plan_at_goal(now: ObservedState, goal: Goal) -> Plan:
    if goal.state is RestingState.ACTIVE and now.defect:
        return Plan(Verdict.FAIL, reason=now.defect)
    return Plan(Verdict.REACHED)


def _plan_without_path(state: RestingState, goal: Goal, supported: Collection[Action]) -> Plan:
    """Skip a sleeping instance that cannot reach another sleeping state; fail any other."""
    path = shortest_path(state, goal.state, frozenset(Action)) or ()
    missing = next((action for action in path if action not in supported), None)
    if RestingState.ACTIVE in (state, goal.state):
        return Plan(Verdict.FAIL, reason=f"it is {state}", missing_action=missing)
    return Plan(Verdict.SKIP, reason=f"{state}", missing_action=missing)


def _wakes(path: tuple[Action, ...] | None, goal: Goal) -> bool:
    """Return whether a path starts a sleeping instance first: between two actions, it is always active."""
    return goal is Goal.REBOOTED or (path is not None and len(path) > 1)


def shortest_path(start: RestingState, end: RestingState, supported: Collection[Action]) -> tuple[Action, ...] | None:
    """Return the fewest actions from one state to another, or None if there is no path.

    All states between the two are active: by way of the shelf, for example, a paused instance would lose its memory.
    """
    paths: dict[RestingState, tuple[Action, ...]] = {start: ()}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if here is end:
            return paths[here]
        if here not in (start, RestingState.ACTIVE):
            continue
        for action, there in TRANSITIONS[here].items():
            if action in supported and there not in paths:
                paths[there] = (*paths[here], action)
                queue.append(there)
    return None


def leads_to(action: Action, now: ObservedState) -> bool:
    """Return whether an observed state is the result of an action, or is on its way there."""
    if action in REBOOTS:
        # At rest and active it was before, too.
        return now.kind is Kind.MOVING and now.state is RestingState.ACTIVE
    return now.state in {states[action] for states in TRANSITIONS.values() if action in states}
