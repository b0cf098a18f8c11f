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


class Place(StrEnum):
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
    def place(self) -> Place:
        """Where an instance rests once the goal is reached."""
        return _PLACE_OF_GOAL[self]


_PLACE_OF_GOAL: Mapping[Goal, Place] = {
    Goal.STARTED: Place.ACTIVE,
    Goal.STOPPED: Place.SHUTOFF,
    Goal.SUSPENDED: Place.SUSPENDED,
    Goal.SHELVED: Place.SHELVED,
    Goal.REBOOTED: Place.ACTIVE,
}

# A cloud accepts an action only from these places; anything else is answered with a conflict, and on Atmosphere
# with the loss of the floating IP as well (docs/atmosphere.md, Floating IPs).
TRANSITIONS: Mapping[Place, Mapping[Action, Place]] = {
    Place.ACTIVE: {
        Action.STOP: Place.SHUTOFF,
        Action.SUSPEND: Place.SUSPENDED,
        Action.SHELVE: Place.SHELVED,
        Action.REBOOT: Place.ACTIVE,
        Action.HARD_REBOOT: Place.ACTIVE,
    },
    Place.SHUTOFF: {Action.START: Place.ACTIVE, Action.SHELVE: Place.SHELVED},
    Place.SUSPENDED: {Action.RESUME: Place.ACTIVE, Action.SHELVE: Place.SHELVED},
    Place.PAUSED: {Action.UNPAUSE: Place.ACTIVE, Action.SHELVE: Place.SHELVED},
    Place.SHELVED: {Action.UNSHELVE: Place.ACTIVE},
}

_RESTING: Mapping[str, Place] = {
    "active": Place.ACTIVE,
    "shutoff": Place.SHUTOFF,
    "suspended": Place.SUSPENDED,
    "paused": Place.PAUSED,
    "shelved": Place.SHELVED,
    "shelved_offloaded": Place.SHELVED,
}

# Where an instance with this status comes to rest, if nothing goes wrong. None: not known, so look again.
_MOVING: Mapping[str, Place | None] = {
    "build": Place.ACTIVE,
    "rebuild": Place.ACTIVE,
    "reboot": Place.ACTIVE,
    "hard_reboot": Place.ACTIVE,
    "redeploy": Place.ACTIVE,
    "password": Place.ACTIVE,
    "migrating": None,
    "resize": None,
    "revert_resize": None,
}

# What is being done to an instance, and where that leads. An activity that is not here leads back or is not known.
_LEADS_TO: Mapping[str, Place] = {
    "powering-off": Place.SHUTOFF,
    "powering-on": Place.ACTIVE,
    "suspending": Place.SUSPENDED,
    "resuming": Place.ACTIVE,
    "pausing": Place.PAUSED,
    "unpausing": Place.ACTIVE,
    "shelving": Place.SHELVED,
    "shelving_image_pending_upload": Place.SHELVED,
    "shelving_image_uploading": Place.SHELVED,
    "shelving_offloading": Place.SHELVED,
    "unshelving": Place.ACTIVE,
    "spawning": Place.ACTIVE,
    "rebooting": Place.ACTIVE,
    "rebooting_hard": Place.ACTIVE,
    "reboot_pending": Place.ACTIVE,
    "reboot_pending_hard": Place.ACTIVE,
    "reboot_started": Place.ACTIVE,
    "reboot_started_hard": Place.ACTIVE,
    "scheduling": Place.ACTIVE,
    "initializing": Place.ACTIVE,
    "networking": Place.ACTIVE,
    "deploying": Place.ACTIVE,
    "redeploying": Place.ACTIVE,
    "running_boot_script": Place.ACTIVE,
}

# Activities that are an end, not a way: the instance rests, but was not made ready.
_FLAWS: Mapping[str, str] = {
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
    BROKEN = "broken"
    GONE = "gone"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Situation:
    """How an instance stands. C(place): where it rests, or where its way leads if that is known."""

    kind: Kind
    place: Place | None = None
    flaw: str | None = None


def situation(status: str, activity: str) -> Situation:
    """Read a cloud's two words. An activity nobody has seen before is waited for; such a status is for a person."""
    # Atmosphere counts boot scripts behind the word: "running_boot_script - 1/2".
    activity = activity.partition(" ")[0]
    if status in _GONE or activity in _DELETING:
        return Situation(Kind.GONE)
    if status == "error":
        return Situation(Kind.BROKEN)
    if status in _MOVING:
        return Situation(Kind.MOVING, _LEADS_TO.get(activity, _MOVING[status]))
    place = _RESTING.get(status)
    if place is None:
        return Situation(Kind.STUCK)
    if activity in _FLAWS:
        return Situation(Kind.RESTING, place, _FLAWS[activity])
    if activity in _NO_ACTIVITY:
        return Situation(Kind.RESTING, place)
    return Situation(Kind.MOVING, _LEADS_TO.get(activity))


class Verdict(Enum):
    """What a plan says to do."""

    REACHED = "reached"
    ACT = "act"
    WAIT = "wait"
    LEAVE = "leave"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Plan:
    """The way to a goal: C(actions) to take, in order, if the verdict is ACT; C(reason) in words for the others.

    C(lacks): what is not offered, if that is why there is no way. Why that is so belongs behind the reason.
    """

    verdict: Verdict
    actions: tuple[Action, ...] = ()
    reason: str = ""
    lacks: Action | None = None


def plan(now: Situation, goal: Goal, *, offered: Collection[Action], allow_wake: bool, reboot: Action) -> Plan:
    """Say how an instance gets from how it stands to the goal.

    C(offered) are the actions this cloud has for it. C(reboot) is the kind of reboot that C(rebooted) means. A way that
    would start a sleeping instance only to put it to sleep elsewhere costs service units, so it is taken only with
    C(allow_wake); so is starting a sleeping instance that was to be rebooted.
    """
    if now.kind is Kind.GONE:
        return Plan(Verdict.FAIL, reason="the cloud no longer has it")
    if now.kind is Kind.BROKEN:
        return Plan(Verdict.FAIL, reason="it is in error")
    if now.kind is Kind.STUCK:
        return Plan(Verdict.FAIL, reason="it is in a state that only a person can end")
    if now.kind is Kind.MOVING or now.place is None:
        return Plan(Verdict.WAIT)
    if goal is Goal.REBOOTED and now.place is Place.ACTIVE:
        return Plan(Verdict.ACT, (reboot,))
    if now.place is goal.place:
        return _arrived(now, goal)
    way = shortest_way(now.place, goal.place, offered)
    if _wakes(now.place, way, goal) and not allow_wake:
        return Plan(Verdict.LEAVE, reason=f"left {now.place}, since {goal} would mean to wake it first (allow_wake)")
    return _no_way(now.place, goal, offered) if way is None else Plan(Verdict.ACT, way)


def _arrived(now: Situation, goal: Goal) -> Plan:
    if goal.place is Place.ACTIVE and now.flaw:
        return Plan(Verdict.FAIL, reason=now.flaw)
    return Plan(Verdict.REACHED)


def _no_way(place: Place, goal: Goal, offered: Collection[Action]) -> Plan:
    """A sleeping instance that cannot be moved to another sleep is left; any other has failed."""
    way = shortest_way(place, goal.place, frozenset(Action)) or ()
    lacks = next((action for action in way if action not in offered), None)
    if Place.ACTIVE in (place, goal.place):
        return Plan(Verdict.FAIL, reason=f"it is {place}", lacks=lacks)
    return Plan(Verdict.LEAVE, reason=f"left {place}", lacks=lacks)


def _wakes(start: Place, way: tuple[Action, ...] | None, goal: Goal) -> bool:
    if start is Place.ACTIVE:
        return False
    return goal is Goal.REBOOTED or (way is not None and goal.place is not Place.ACTIVE and len(way) > 1)


def shortest_way(start: Place, end: Place, offered: Collection[Action]) -> tuple[Action, ...] | None:
    """Return the fewest actions from one place to another, or None if there is no way.

    Between the two it only passes where instances are awake: over the shelf, for one, a paused one loses its memory.
    """
    ways: dict[Place, tuple[Action, ...]] = {start: ()}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if here is end:
            return ways[here]
        if here not in (start, Place.ACTIVE):
            continue
        for action, there in TRANSITIONS[here].items():
            if action in offered and there not in ways:
                ways[there] = (*ways[here], action)
                queue.append(there)
    return None
