# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a run: its options, and the progress of each selected instance. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..errors import Conflict, JetstreamError
from ..model import Instance
from ..states import Action, Goal, Kind, ObservedState, classify
from ..text.terminal import one_line


@dataclass(frozen=True, slots=True)
class ConvergeOptions:
    """The goal of a selection, and its bounds.

    ``timeout``: seconds for the whole selection. ``spared``: UUIDs of instances that are neither put to sleep nor
    rebooted, such as the machine that runs the task.
    """

    goal: Goal
    reboot: Action = Action.REBOOT
    allow_wake: bool = False
    include_locked: bool = False
    wait: bool = True
    timeout: float = 900.0
    max_changes: int | None = None
    spared: frozenset[str] = frozenset()


@dataclass(slots=True)
class InstanceRun:
    """A selected instance: its state before and now, the actions that were sent, and the outcome.

    ``actions`` were accepted by the cloud. While ``doubt`` is set, it is not known whether the last of them was: that
    is the error in the place of its response.
    ``since``: when the last action was accepted, or when the run began. ``observed_at`` and ``polled_at``: when it was
    last observed, at all and since then. ``as_of``: the earliest possible time of that observation, which may come
    from a cache. Moments are seconds of the clock's ``monotonic``.
    ``began``: its state when the last action was sent.
    ``begun``: whether an action was scheduled at all. ``not_before``: the earliest moment for ``next_action``.
    ``refused``: whether the cloud refused an action. ``conflict``: the refusal since which it has not
    been read, and its state before.
    ``send_error``: why an action has to be sent again. ``last_error``: why the last poll failed.
    ``deployment_seen``: whether a deployment was seen under way since the last action. ``active_since``: since when it
    was observed at rest and active. ``moving_since``: when the change, or the deployment, that was observed last was
    first observed. ``reversions``: polls in a row that found it back where the last action began.
    """

    before: Instance
    now: Instance
    actions: list[Action] = field(default_factory=list)
    next_action: Action | None = None
    begun: bool = False
    not_before: float = 0.0
    attempts: int = 0
    doubt: JetstreamError | None = None
    refused: bool = False
    conflict: tuple[Conflict, ObservedState] | None = None
    lost_lock: str = ""
    done: bool = False
    failed: bool = False
    skipped: bool = False
    warn: bool = False
    message: str = ""
    elapsed: float | None = None
    last_error: JetstreamError | None = None
    send_error: JetstreamError | None = None
    active_since: float | None = None
    moving_since: float | None = None
    deployment_seen: bool = False
    reversions: int = 0
    began: ObservedState | None = None
    since: float = 0.0
    observed_at: float = 0.0
    as_of: float = 0.0
    polled_at: float | None = None

    @classmethod
    def begin(cls, instance: Instance, at: float) -> InstanceRun:
        """Return the run of an instance that a list showed at this moment."""
        run = cls(before=instance, now=instance, since=at)
        run.record_observation(instance, at)
        return run

    @property
    def changed(self) -> bool:
        """Whether the cloud accepted an action on it, or may have; in check mode, whether one would be sent."""
        return bool(self.actions)

    @property
    def unclear(self) -> bool:
        """Whether it is unknown if the cloud accepted a sent action."""
        return self.doubt is not None

    @property
    def observed(self) -> ObservedState:
        """Its state when last observed."""
        return classify_instance(self.now)

    def record_action(self, action: Action, now: float, doubt: JetstreamError | None = None) -> None:
        """Record that the cloud accepted an action, or may have."""
        self.actions.append(action)
        self.doubt = doubt
        self.began = self.observed
        self.since, self.polled_at, self.active_since, self.moving_since = now, None, None, None
        self.deployment_seen, self.reversions = False, 0

    def record_observation(self, instance: Instance, at: float) -> None:
        """Record its observation by a request at this moment."""
        before = self.observed
        if not self.before.live:
            self.before = instance
        self.now, self.observed_at, self.as_of, self.last_error = instance, at, at - instance.may_be_old, None
        observed = self.observed
        if observed.kind is Kind.MOVING and (self.moving_since is None or _phase(observed) != _phase(before)):
            self.moving_since = at
        if observed != before:
            self.reversions = 0
        self.deployment_seen = self.deployment_seen or observed.deploying
        if not observed.is_awake:
            self.active_since = None
        elif self.active_since is None:
            self.active_since = at

    def may_be_outdated(self, instance: Instance, at: float) -> bool:
        """Return whether a cached observation may be older than the last one, and contradicts it.

        The final state of this run's own action is trusted, since it cannot be older than the action. After a
        deployment that does not hold, since an instance is also active before it (docs/atmosphere.md, Stale states).
        """
        if not instance.may_be_old:
            return False
        as_of, found = at - instance.may_be_old, classify_instance(instance)
        if self.conflict is not None:
            return True
        if found.kind is Kind.MOVING or self.moving_since is None or as_of >= self.moving_since:
            return False
        is_back = self.began is not None and found.is_same_place(self.began)
        return self.deployment_seen or is_back or not self.actions

    def confirm(self) -> None:
        """Record that the action in doubt was carried out."""
        self.doubt = None

    def retract(self) -> Action:
        """Record that the action in doubt was not carried out, and return it."""
        self.doubt = None
        return self.actions.pop()

    def finish(self, message: str, *, failed: bool = False, skipped: bool = False, warn: bool = False) -> None:
        """End the run of this instance. The message may contain text from users, such as a lock's reason."""
        self.done, self.failed, self.skipped, self.warn = True, failed or bool(self.lost_lock), skipped, warn
        sentences = [f"skipped: {message}" if skipped else message, *self._side_effects()]
        self.message = one_line(sentences[0] if len(sentences) == 1 else " ".join(map(_ended, sentences)))
        self.next_action = None

    def _side_effects(self) -> Iterator[str]:
        """Yield side effects, a sentence each.

        Atmosphere takes a floating IP away before it asks the cloud to stop, suspend or shelve. That is reported if no
        such action was accepted, or if it had no effect.
        """
        if self.lost_lock:
            yield self.lost_lock
        if self.actions and not self.failed:
            return
        is_lost = self.before.ip_address and self.now.live and not self.now.ip_address
        if is_lost and (self.refused or self.attempts or self.unclear or self.observed.is_awake):
            yield f"It has lost its address {self.before.ip_address}"


@dataclass(frozen=True, slots=True)
class FleetRun:
    """The outcome for a selection. ``aborted_by``: the error that ended the run early, or None."""

    runs: tuple[InstanceRun, ...]
    aborted_by: JetstreamError | None = None


def _phase(observed: ObservedState) -> tuple[Kind, bool]:
    """Return whether an instance is at rest, in transition, or being deployed. Consecutive phases always differ."""
    return observed.kind, observed.deploying


def _ended(sentence: str) -> str:
    return f"{sentence.rstrip('.')}."


def state_text(instance: Instance) -> str:
    """Return status and activity in words: "active - powering-off"."""
    return f"{instance.status} - {instance.activity}" if instance.activity else instance.status


def classify_instance(instance: Instance) -> ObservedState:
    """Return the state of an instance as it was observed."""
    return classify(instance.status, instance.activity, instance.power_state)


def settled(instance: Instance) -> Instance:
    """Return an instance as it rests once it has reached the state that it is in transition to, if that is known."""
    observed = classify_instance(instance)
    if observed.kind is not Kind.MOVING or observed.state is None:
        return instance
    return replace(instance, status=observed.state.value, activity="")
