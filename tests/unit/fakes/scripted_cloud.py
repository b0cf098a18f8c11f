# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud in memory that behaves like a real one, unless a test scripts it."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.cloud import Launcher
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    FATAL_ERRORS,
    Conflict,
    JetstreamError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    Instance,
    StatusPeriod,
    Volume,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import (
    TRANSITIONS,
    Action,
    Kind,
    ObservedState,
    classify,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock

NEW_ADDRESS = "149.165.156.15"
# Seconds for which a list is cached.
_CACHED = 30.0
_LOSES_ADDRESS = frozenset({Action.STOP, Action.SUSPEND, Action.SHELVE})


@dataclass(frozen=True, slots=True)
class Phase:
    """The state that an instance has from a number of seconds after a change on."""

    after: float
    status: str
    activity: str = ""
    address: str | None = None


def _woken(after: float) -> tuple[Phase, ...]:
    """Return the phases of an instance that Atmosphere deploys. It shows plain active ten seconds too early."""
    return (
        Phase(after, "active"),
        Phase(after + 10, "active", "networking"),
        Phase(after + 14, "active", "deploying", NEW_ADDRESS),
        Phase(after + 20, "active", "", NEW_ADDRESS),
    )


PHASES: Mapping[Action, tuple[Phase, ...]] = {
    Action.STOP: (Phase(0, "active", "powering-off"), Phase(5, "shutoff")),
    Action.SUSPEND: (Phase(0, "active", "suspending"), Phase(5, "suspended")),
    Action.SHELVE: (
        Phase(0, "active", "shelving"),
        Phase(10, "active", "shelving_image_uploading"),
        Phase(20, "shelved", "shelving_offloading"),
        Phase(25, "shelved_offloaded"),
    ),
    Action.START: (Phase(0, "shutoff", "powering-on"), *_woken(5)),
    Action.RESUME: (Phase(0, "suspended", "resuming"), *_woken(3)),
    Action.UNSHELVE: (
        Phase(0, "shelved_offloaded", "unshelving"),
        Phase(10, "shelved_offloaded", "spawning"),
        *_woken(20),
    ),
    Action.UNPAUSE: (Phase(0, "paused", "unpausing"), Phase(2, "active")),
    Action.REBOOT: (
        Phase(0, "reboot", "rebooting"),
        Phase(6, "active", "initializing", NEW_ADDRESS),
        Phase(12, "active", "", NEW_ADDRESS),
    ),
    Action.HARD_REBOOT: (Phase(0, "hard_reboot", "rebooting_hard"), Phase(6, "active", "", NEW_ADDRESS)),
}

# A scripted answer: an error, or a function that is called first.
Answer = JetstreamError | BaseException | Callable[[], None]


class ScriptedCloud:
    """A Cloud in memory, which is safe to use from many threads.

    An action that nova would refuse raises Conflict. If the action releases the address, that is released all the same,
    as on Atmosphere. ``calls`` has every call in order: "stop web", "get web", "poll 3".
    ``listed_by_others``: the moments at which another client read the list, which is cached for half a minute then. A
    poll gets the cached list, unless its own client read the list in that time.
    """

    settle_seconds = 30.0
    first_poll_seconds = 3.0
    no_address_seconds = 180.0
    polls_are_current = True

    def __init__(
        self,
        clock: FakeClock,
        instances: Sequence[Instance],
        *,
        offers: Collection[Action] = tuple(Action),
        max_concurrency: int = 16,
    ) -> None:
        self.max_concurrency = max_concurrency
        self._clock = clock
        self._offers = offers
        self._lock = threading.RLock()
        self._instances = {each.uuid: each for each in instances}
        self._phases: dict[str, list[Phase]] = defaultdict(list)
        self._answers: dict[tuple[str, str], deque[Answer | None]] = defaultdict(deque)
        self.reasons: dict[str, str | JetstreamError] = {}
        self.calls: list[str] = []
        self.consoles: dict[str, str] = {}
        self.consoles_read: list[str] = []
        self.until: float | None = None
        self.listed_by_others: tuple[float, ...] = ()
        self._listed_at = -_CACHED

    # --- scripted by a test

    def answer(self, name: str, call: str, *answers: Answer | None) -> None:
        """Script the next calls of a kind ("stop", "get", "poll") for an instance. None stands for the usual answer."""
        self._answers[name, call].extend(answers)

    def set_phases(self, name: str, *phases: Phase) -> None:
        """Let an instance go through phases from now on, without an action."""
        start = self._clock.monotonic()
        with self._lock:
            self._phases[name] = [replace(each, after=start + each.after) for each in phases]

    def lock(self, name: str) -> None:
        """Let another user lock an instance."""
        with self._lock:
            for uuid, each in self._instances.items():
                if each.name == name:
                    self._instances[uuid] = replace(each, locked=True, lock_reason="term paper")

    def begin(self, name: str, action: Action) -> None:
        """Let an instance go through the phases of an action, without a call."""
        self.set_phases(name, *PHASES[action])

    def count(self, call: str) -> int:
        """Return the number of calls of a kind."""
        return sum(each.split()[0] == call for each in self.calls)

    # --- the interface of a cloud

    def unsupported_actions(self, instance: Instance) -> Mapping[Action, str]:
        name = self._instances[instance.uuid].name
        return {action: f"{action} is not offered for {name}" for action in Action if action not in self._offers}

    def get_instance(self, instance: Instance) -> Instance:
        self._called("get", instance.name)
        with self._lock:
            return self._seen(instance.uuid)

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        with self._lock:
            self.calls.append(f"poll {len(instances)}")
            cached_at = self._cached_at()
        seen: dict[str, Instance | JetstreamError] = {}
        for each in instances:
            try:
                self._answered("poll", each.name)
            except FATAL_ERRORS:
                raise
            except LeftOut:
                continue
            except JetstreamError as error:
                seen[each.uuid] = error
            else:
                with self._lock:
                    seen[each.uuid] = self._seen(each.uuid) if cached_at is None else self._listed(each.uuid, cached_at)
        return seen

    def act(self, instance: Instance, action: Action) -> None:
        self._called(action.value, instance.name)
        with self._lock:
            now = self._seen(instance.uuid)
            if action in _LOSES_ADDRESS:
                self._instances[instance.uuid] = replace(self._instances[instance.uuid], ip_address=None)
                phases = self._phases[instance.name]
                self._phases[instance.name] = [replace(each, address=None) for each in phases]
            standing = classify(now.status, now.activity, now.power_state)
            if not _takes(standing, action):
                raise Conflict(f"{action.capitalize()} of {instance.label} was refused.", status=409)
            self.begin(instance.name, action)

    def console_outputs(self, instances: Sequence[Instance], lines: int) -> Mapping[str, str]:
        with self._lock:
            self.consoles_read += [each.name for each in instances]
        return {each.uuid: self.consoles[each.name] for each in instances if each.name in self.consoles}

    def metadata_refusal(self, instance: Instance) -> str | None:
        return None if instance.metadata is not None else "it has no metadata"

    def set_metadata(self, instance: Instance, key: str, value: str | None) -> None:
        self._called("unset" if value is None else "set", instance.name)
        with self._lock:
            known = self._instances[instance.uuid]
            others = {name: text for name, text in (known.metadata or {}).items() if name != key}
            changed = others if value is None else {**others, key: value}
            self._instances[instance.uuid] = replace(known, metadata=changed)

    def restore(self, instances: Sequence[Instance]) -> tuple[Sequence[Instance], Sequence[str]]:
        return instances, ()

    def failure_reason(self, instance: Instance) -> str | None:
        self._called("why", instance.name)
        reason = self.reasons.get(instance.name)
        if isinstance(reason, JetstreamError):
            raise reason
        return reason

    def take_warnings(self) -> Sequence[str]:
        return ()

    def list_instances(
        self,
        *,
        live: bool,
        images: bool = True,
        all_images: bool = False,
        wanted: Callable[[Instance], bool] | None = None,
        unreadable: bool = False,
    ) -> list[Instance]:
        with self._lock:
            self.calls.append("list")
            return [replace(self._seen(uuid), live=live) for uuid in self._instances]

    def list_volumes(
        self, *, live: bool, wanted: Callable[[Volume], bool] | None = None, strict: bool = False
    ) -> list[Volume]:
        return []

    def list_allocation_sources(self) -> list[AllocationSource]:
        return []

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        return []

    def launcher(self) -> Launcher:
        raise NotImplementedError

    def limit(self, until: float | None) -> None:
        self.until = until

    def close(self) -> None:
        pass

    def _called(self, call: str, name: str) -> None:
        with self._lock:
            self.calls.append(f"{call} {name}")
        self._answered(call, name)

    def _answered(self, call: str, name: str) -> None:
        answers = self._answers[name, call]
        answer = answers.popleft() if answers else None
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None:
            answer()

    def _cached_at(self) -> float | None:
        """Return the time at which the list that a poll reads now was cached; None if a poll reads each instance."""
        now = self._clock.monotonic()
        cached = [each for each in self.listed_by_others if each <= now < each + _CACHED]
        if not cached or now < self._listed_at + _CACHED:
            return None
        self._listed_at = now
        return cached[0]

    def _listed(self, uuid: str, cached_at: float) -> Instance:
        return replace(self._seen(uuid, cached_at), may_be_old=_CACHED)

    def _seen(self, uuid: str, at: float | None = None) -> Instance:
        instance = self._instances[uuid]
        moment = self._clock.monotonic() if at is None else at
        passed = [each for each in self._phases[instance.name] if each.after <= moment]
        if not passed:
            return instance
        now = passed[-1]
        return replace(instance, status=now.status, activity=now.activity, ip_address=now.address)


def _takes(standing: ObservedState, action: Action) -> bool:
    if standing.kind is Kind.ERROR:
        return action in (Action.STOP, Action.HARD_REBOOT)
    return standing.kind is Kind.RESTING and standing.state is not None and action in TRANSITIONS[standing.state]


class LeftOut(JetstreamError):
    """The scripted answer to a poll that did not read the instance."""
