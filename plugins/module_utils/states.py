# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which state an instance is in, which it should be in, and the way from one to the other. Pure functions, no I/O.

The transitions are data; C(plan) is a shortest path over them. See docs/states.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class RestingState(StrEnum):
    """Where an instance can come to rest."""

    ACTIVE = "active"
    SHUTOFF = "shutoff"
    SUSPENDED = "suspended"
    PAUSED = "paused"
    SHELVED = "shelved"


class Action(StrEnum):
    """What a cloud can be asked to do to an instance."""

    START = "start"
    STOP = "stop"
    SUSPEND = "suspend"
    RESUME = "resume"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    UNPAUSE = "unpause"
    REBOOT = "reboot"
    HARD_REBOOT = "hard reboot"


class Goal(StrEnum):
    """The states a user can ask for."""

    STARTED = "started"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    SHELVED = "shelved"
    REBOOTED = "rebooted"

    @property
    def state(self) -> RestingState:
        """Where an instance rests once the goal is reached."""
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

# Where an instance with this status comes to rest, if nothing goes wrong. None: not known, so look again.
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

# What is being done to an instance, and where that leads. An activity that is not here leads back or is not known.
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

# Activities that are an end, not a way: the instance rests, but was not made ready.
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
    """How an instance stands. C(state): where it rests, or where its way leads if that is known."""

    kind: Kind
    state: RestingState | None = None
    defect: str | None = None


def classify(status: str, activity: str) -> ObservedState:
    """Read a cloud's two words. An activity nobody has seen before is waited for; such a status is for a person."""
    # Atmosphere counts boot scripts behind the word: "running_boot_script - 1/2".
    activity = activity.partition(" ")[0]
    if status in _GONE or activity in _DELETING:
        return ObservedState(Kind.GONE)
    if status == "error":
        return ObservedState(Kind.ERROR)
    if status in _MOVING:
        return ObservedState(Kind.MOVING, _LEADS_TO.get(activity, _MOVING[status]))
    state = _RESTING.get(status)
    if state is None:
        return ObservedState(Kind.NEEDS_OPERATOR)
    if activity in _DEFECTS:
        return ObservedState(Kind.RESTING, state, _DEFECTS[activity])
    if activity in _NO_ACTIVITY:
        return ObservedState(Kind.RESTING, state)
    return ObservedState(Kind.MOVING, _LEADS_TO.get(activity))


class Verdict(Enum):
    """What a plan says to do."""

    REACHED = "reached"
    ACT = "act"
    WAIT = "wait"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Plan:
    """The way to a goal: C(actions) to take, in order, if the verdict is ACT; C(reason) in words for the others.

    C(missing_action): what is not supported, if that is why there is no way. Why that is so belongs behind the reason.
    """

    verdict: Verdict
    actions: tuple[Action, ...] = ()
    reason: str = ""
    missing_action: Action | None = None


def plan(now: ObservedState, goal: Goal, *, supported: Collection[Action], allow_wake: bool, reboot: Action) -> Plan:
    """Return how an instance gets from its observed state to the goal.

    ``supported``: the actions that this cloud offers for it. ``reboot``: the kind of reboot that ``rebooted`` means. A
    path that would start a sleeping instance only to put it to sleep in another state costs service units, so it is
    taken only with ``allow_wake``. The same holds for starting a sleeping instance that was to be rebooted.
    """
    if now.kind is Kind.GONE:
        return Plan(Verdict.FAIL, reason="the cloud no longer has it")
    if now.kind is Kind.ERROR:
        return Plan(Verdict.FAIL, reason="it is in error")
    if now.kind is Kind.NEEDS_OPERATOR:
        return Plan(Verdict.FAIL, reason="needs manual intervention")
    if now.kind is Kind.MOVING or now.state is None:
        return Plan(Verdict.WAIT)
    if goal is Goal.REBOOTED and now.state is RestingState.ACTIVE:
        return Plan(Verdict.ACT, (reboot,))
    if now.state is goal.state:
        return _arrived(now, goal)
    way = shortest_path(now.state, goal.state, supported)
    if _wakes(now.state, way, goal) and not allow_wake:
        return Plan(Verdict.SKIP, reason=_would_start_first(now.state, goal))
    return _no_way(now.state, goal, supported) if way is None else Plan(Verdict.ACT, way)


def _would_start_first(state: RestingState, goal: Goal) -> str:
    return f"skipped: {state} ({_GERUNDS[goal]} it would start it first; allow_wake)"


def _arrived(now: ObservedState, goal: Goal) -> Plan:
    if goal.state is RestingState.ACTIVE and now.defect:
        return Plan(Verdict.FAIL, reason=now.defect)
    return Plan(Verdict.REACHED)


def _no_way(state: RestingState, goal: Goal, supported: Collection[Action]) -> Plan:
    """A sleeping instance that cannot be moved to another sleep is left; any other has failed."""
    way = shortest_path(state, goal.state, frozenset(Action)) or ()
    missing_action = next((action for action in way if action not in supported), None)
    if RestingState.ACTIVE in (state, goal.state):
        return Plan(Verdict.FAIL, reason=f"it is {state}", missing_action=missing_action)
    return Plan(Verdict.SKIP, reason=f"skipped: {state}", missing_action=missing_action)


def _wakes(start: RestingState, way: tuple[Action, ...] | None, goal: Goal) -> bool:
    if start is RestingState.ACTIVE:
        return False
    return goal is Goal.REBOOTED or (way is not None and goal.state is not RestingState.ACTIVE and len(way) > 1)


def shortest_path(start: RestingState, end: RestingState, supported: Collection[Action]) -> tuple[Action, ...] | None:
    """Return the fewest actions from one state to another, or None if there is no way.

    Between the two it only passes where instances are awake: over the shelf, for one, a paused one loses its memory.
    """
    ways: dict[RestingState, tuple[Action, ...]] = {start: ()}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if here is end:
            return ways[here]
        if here not in (start, RestingState.ACTIVE):
            continue
        for action, there in TRANSITIONS[here].items():
            if action in supported and there not in ways:
                ways[there] = (*ways[here], action)
                queue.append(there)
    return None
