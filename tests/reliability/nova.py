# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a project in nova: their states, tasks and locks, and the refusals of nova.

docs/jetstream2.md has the facts. The simulator has the states in which an action is allowed, and its steps.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ..simulator.world.agenda import Agenda
from ..simulator.world.transitions import TRANSITIONS, Changes, Step, Transition
from .scheduler import START

_UNPAUSE = Transition(
    vm_states=frozenset({"paused"}),
    begin={"task_state": "unpausing"},
    steps=(Step(1.0, {"vm_state": "active", "task_state": None}),),
)
_ALLOWED: Mapping[str, Transition] = {**TRANSITIONS, "unpause": _UNPAUSE}
_STATUSES = {
    "active": "ACTIVE",
    "building": "BUILD",
    "stopped": "SHUTOFF",
    "suspended": "SUSPENDED",
    "paused": "PAUSED",
    "rescued": "RESCUE",
    "resized": "VERIFY_RESIZE",
    "error": "ERROR",
    "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
    "soft-delete": "SOFT_DELETED",
}
# The status during a task. In error, it stays ERROR.
_STATUSES_BY_TASK = {
    "rebooting": "REBOOT",
    "reboot_pending": "REBOOT",
    "reboot_started": "REBOOT",
    "rebooting_hard": "HARD_REBOOT",
    "reboot_started_hard": "HARD_REBOOT",
}
RUNNING, PAUSED, SHUT_DOWN = 1, 3, 4
_POWER = {"active": RUNNING, "paused": PAUSED, "building": 0, "rescued": RUNNING, "resized": RUNNING}
# The states of a fleet's servers by name, in addition to those of the simulator.
STATES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "active": {"vm_state": "active"},
        "shutoff": {"vm_state": "stopped"},
        "suspended": {"vm_state": "suspended"},
        "paused": {"vm_state": "paused"},
        "shelved_offloaded": {"vm_state": "shelved_offloaded", "on_host": False},
        # After a failed shelve. nova would accept an unshelve, and never carry it out.
        "shelved on no host": {"vm_state": "shelved", "on_host": False},
        "error": {"vm_state": "error", "power": SHUT_DOWN, "fault": "Build of instance aborted: no valid host"},
        "error, running": {"vm_state": "error", "power": RUNNING, "fault": "Failed to suspend instance"},
        "rescue": {"vm_state": "rescued"},
        "verify_resize": {"vm_state": "resized"},
        "soft_deleted": {"vm_state": "soft-delete"},
        "stopping": {"vm_state": "active", "task_state": "powering-off"},
    }
)


class Refused(Exception):
    """A refusal by nova: the status, the name of the error, and the message."""

    def __init__(self, status: int, name: str, words: str) -> None:
        """Make a refusal with a message."""
        super().__init__(words)
        self.status = status
        self.name = name


@dataclass
class Server:
    """A server, and its misbehavior.

    ``fails_with``: the next change of state ends in error, with this text. ``slowness``: a factor. ``refuses``: every
    action is refused with this text. ``falls_back``: the next unshelve fails, and the server stays shelved.
    """

    uuid: str
    name: str
    user_id: str
    flavor: str
    created: datetime
    image: str | None = None
    vm_state: str = "active"
    task_state: str | None = None
    power: int | None = None
    on_host: bool = True
    fault: str | None = None
    locked: bool = False
    locked_by_site: bool = False
    lock_reason: str | None = None
    launched: bool = True
    fails_with: str | None = None
    falls_back: bool = False
    refuses: str | None = None
    slowness: float = 1.0
    generation: int = 0
    actions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Return nova's status."""
        if self.vm_state != "error" and self.task_state in _STATUSES_BY_TASK:
            return _STATUSES_BY_TASK[self.task_state]
        return _STATUSES[self.vm_state]

    @property
    def power_state(self) -> int:
        """Return nova's number for the power state of the machine."""
        return _POWER.get(self.vm_state, SHUT_DOWN) if self.power is None else self.power


class Nova:
    """All servers of a project. ``transition``: seconds from one state to the next."""

    def __init__(self, now: datetime, transition: float, order: random.Random) -> None:
        """Start without servers."""
        self.servers: dict[str, Server] = {}
        self.transition = transition
        self._agenda = Agenda()
        self._numbers = order
        self._now = now

    def settle(self, now: datetime) -> None:
        """Let all due events happen."""
        self._now = now
        self._agenda.catch_up(now)

    def force(self, uuid: str, state: str) -> None:
        """Put a server into one of STATES at once, as an operator of the site could."""
        server = self.servers[uuid]
        server.generation += 1
        for name, value in {"task_state": None, "power": None, "on_host": True, "fault": None, **STATES[state]}.items():
            setattr(server, name, value)

    def delete(self, uuid: str) -> None:
        """Remove a server."""
        self.servers.pop(uuid, None)

    def lock(self, server: Server, reason: str | None) -> None:
        """Lock a server, as any member of the project may."""
        server.locked, server.lock_reason = True, reason

    def unlock(self, server: Server) -> None:
        """Unlock a server. Raises Refused if the site has locked it."""
        if server.locked_by_site:
            words = "Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override to be performed."
            raise Refused(403, "forbidden", words)
        server.locked, server.lock_reason = False, None

    def act(self, server: Server, action: str) -> None:
        """Begin an action. Raises Refused if nova would refuse it."""
        transition = _ALLOWED[action]
        self._require(server, transition, transition.name or action)
        server.generation += 1
        entry = self._entry(server, transition.name or action)
        _apply(server, transition.begin)
        if action == "unshelve" and server.vm_state == "shelved" and not server.on_host:
            # No host gets the request, so the task never ends.
            return
        for step in self._steps(server, transition, action, entry):
            self._later(server, step)

    def _require(self, server: Server, transition: Transition, name: str) -> None:
        if server.refuses is not None:
            raise Refused(409, "conflictingRequest", server.refuses)
        if server.locked:
            raise Refused(409, "conflictingRequest", f"Instance {server.uuid} is locked")
        what = f"Cannot '{name}' instance {server.uuid} while it is in"
        if server.vm_state not in transition.vm_states:
            raise Refused(409, "conflictingRequest", f"{what} vm_state {server.vm_state}")
        if server.task_state is not None and server.task_state not in transition.tasks_allowed:
            raise Refused(409, "conflictingRequest", f"{what} task_state {server.task_state}")

    def _steps(self, server: Server, transition: Transition, action: str, entry: dict[str, Any]) -> list[Step]:
        last = dict(transition.steps[-1].changes)
        if server.fails_with is not None:
            last = {"vm_state": "error", "task_state": None, "power": server.power_state, "fault": server.fails_with}
            entry["message"] = "Error"
            server.fails_with = None
        elif server.falls_back and action == "unshelve":
            last = {"vm_state": server.vm_state, "task_state": None}
            entry["message"] = "Error"
            server.falls_back = False
        else:
            on_host = last["vm_state"] != "shelved_offloaded"
            last |= {"power": None, "fault": None, "on_host": on_host}
        return [*transition.steps[:-1], Step(transition.steps[-1].after, last)]

    def _entry(self, server: Server, action: str) -> dict[str, Any]:
        moment = self._now.replace(tzinfo=None).isoformat(timespec="microseconds")
        entry = {
            "action": action,
            "instance_uuid": server.uuid,
            "request_id": f"req-{self._numbers.getrandbits(64):016x}",
            "start_time": moment,
            "updated_at": moment,
            "message": None,
        }
        server.actions.insert(0, entry)
        return entry

    def _later(self, server: Server, step: Step) -> None:
        generation = server.generation

        def unless_overtaken(_moment: datetime) -> None:
            if server.generation == generation:
                _apply(server, step.changes)

        seconds = step.after * self.transition * server.slowness
        self._agenda.at(self._now + timedelta(seconds=seconds), unless_overtaken)


def _apply(server: Server, changes: Changes) -> None:
    for name, value in changes.items():
        setattr(server, name, value)


def empty(transition: float, order: random.Random) -> Nova:
    """Return a project without servers, at the start of a run."""
    return Nova(START, transition, order)
