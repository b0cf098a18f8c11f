# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings one image to its desired state: requests a change, and waits until the cloud shows it.

A snapshot cannot be requested twice without harm: the cloud would make a twin. So one whose response was lost is looked
for by its name before another one is requested.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat

from ...clock import Clock
from ...cloud import ImageStore
from ...errors import FATAL_ERRORS, Conflict, JetstreamError, NotFound, Unreachable
from ...model import Instance, ProjectImage
from ...resending import is_unsent, leaves_open
from ..read_pauses import ReadPauses
from ..steps import Impossible, RunOptions, Step, Wait
from .steps import (
    BEING_MADE,
    LEAVING,
    Act,
    Goal,
    Kind,
    Seen,
    State,
    change_of,
    decide,
    foresee,
    properties_of,
    settled,
)

# Seconds before the searches for the result of an unclear request. After the last one, it was not carried out.
# Nova answers only after it has made the snapshots of all volumes.
_BEFORE_LOOKS = (3.0, 6.0, 12.0)
# So often a change is requested that the cloud did not carry out.
_ATTEMPTS = 3
# After as many reads in a row without the image that was requested, the cloud has given it up.
_ABSENCES = 3
# Seconds between polls.
_PAUSES = (0.5, 1.0, 2.0, 2.0, 5.0, 10.0)
# Nova ends the task of the instance when the image is there. If it did so, and the image is still not there after
# this many seconds, nobody makes it any more.
_STALE_SECONDS = 30.0
# After a wait that never ends in check mode.
_MAX_STEPS = 100


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The reads of a run beside those of the store, each from no cache.

    ``get_instance``: an instance as it is now. ``why_failed``: why the last action on it failed, if the cloud knows it.
    ``completed``: adds to an observation all else that the goal makes it necessary to read.
    """

    get_instance: Callable[[Instance], Instance]
    why_failed: Callable[[Instance], str | None]
    completed: Callable[[Seen], Seen]


@dataclass(slots=True)
class ImageRun:
    """The run of one image: ``acts`` were requested, in this order. ``failure`` is a sentence, or None.

    ``tokens`` are the marks of the snapshots that this run requested. ``unclear``: the error in the place of a
    response, if it is not known whether the last request was carried out.
    """

    store: ImageStore
    clock: Clock
    goal: Goal
    options: RunOptions
    known: Surroundings
    seen: Seen
    acts: list[Kind] = field(default_factory=list)
    failure: str | None = None
    tokens: list[str] = field(default_factory=list)
    unclear: JetstreamError | None = None
    _attempts: dict[Act, int] = field(default_factory=dict)
    _resting_since: float | None = None
    _began: bool = False
    _is_fresh: bool = True
    _absences: int = 0
    _unsent: JetstreamError | None = None
    _pauses: ReadPauses = field(init=False)

    def __post_init__(self) -> None:
        """Begin without a pause."""
        self._pauses = ReadPauses(self.clock, self.options, _PAUSES)

    def run(self) -> None:
        """Take steps until the goal is reached, or cannot be. Raises FATAL_ERRORS alone, before the first change."""
        try:
            self._take_steps()
        except FATAL_ERRORS as error:
            # What was done before is told.
            if not self.acts:
                raise
            self._fail(str(error))

    def _take_steps(self) -> None:
        for _number in range(_MAX_STEPS) if self.options.check_mode else repeat(None):
            if self.failure is not None:
                return
            step = decide(self.goal, self.seen)
            if step is None or self._stops_at(step):
                return

    def _stops_at(self, step: Step) -> bool:
        """Take a step. Returns whether that was the last one."""
        if isinstance(step, Impossible):
            if self._began and self.seen.image is None:
                return self._fail(self._given_up()) if self._is_missing() else self._poll("being created")
            return self._fail(f"{step.problem}.", step.hint)
        if isinstance(step, Wait):
            return self._stops_at_wait(step)
        if isinstance(step, Act):
            return self._stops_at_act(step)
        return True

    def _stops_at_wait(self, step: Wait) -> bool:
        if not self.options.wait and self._is_on_its_way():
            return True
        if self.options.check_mode:
            self.seen = settled(self.seen)
            return False
        if step.status in BEING_MADE and self._is_stale():
            return self._fail(
                f"it is {step.status}, but nothing is creating it any more.",
                "Delete it with state: absent, and create it again.",
            )
        return self._poll(step.status)

    def _is_on_its_way(self) -> bool:
        """Whether the cloud alone has work left. The next run completes a new image."""
        status = None if self.seen.image is None else self.seen.image.status
        return status in BEING_MADE if self.goal.state is State.PRESENT else status in LEAVING

    def _stops_at_act(self, act: Act) -> bool:
        if act.kind is Kind.CREATE and self._began:
            return self._fail(self._given_up()) if self._is_missing() else self._poll("being created")
        if act in self._attempts and not self._is_fresh:
            # It was requested. Only a read shows whether it has to be requested again.
            return self._poll("unchanged")
        if act not in self._attempts:
            self.acts.append(act.kind)
        if self.options.check_mode:
            self.seen = foresee(self.seen, act, self.goal)
            return act.kind is Kind.CREATE and not self.options.wait
        attempts = self._attempts[act] = self._attempts.get(act, 0) + 1
        try:
            self._request(act)
        except FATAL_ERRORS:
            self._forget(act)
            raise
        except JetstreamError as error:
            if is_unsent(error):
                return self._request_later(act, error)
            return self._look_for(act, error, attempts) if leaves_open(error) else self._stops_at_refusal(act, error)
        if act.kind is Kind.CREATE:
            self._began = True
        return self._read_after(act)

    def _stops_at_refusal(self, act: Act, error: JetstreamError) -> bool:
        """Handle a request that was certainly not carried out. Another run may have done the same."""
        before = self.seen
        self._pauses.read_after_refusal(self._read)
        if isinstance(error, Conflict) and act.kind is Kind.CREATE:
            self.seen = replace(self.seen, source=self._source())
            if self.seen.image is not None or (self.seen.source and self.seen.source.activity):
                self._forget(act)
                return False
        if decide(self.goal, self.seen) == act or self.seen == before:
            return self._refused(act, error)
        return False

    def _request_later(self, act: Act, error: JetstreamError) -> bool:
        """Pause before a change is requested again that was not carried out."""
        self._forget(act)
        if isinstance(error, Unreachable) and not error.transient:
            return self._fail(str(error))
        self._unsent = error
        return self._poll("unchanged")

    def _is_missing(self) -> bool:
        """Whether several reads in a row did not show the image that was requested: a list may lack a row once."""
        return self._is_fresh and self._absences >= _ABSENCES

    def _refused(self, act: Act, error: JetstreamError) -> bool:
        self._forget(act)
        return self._fail(str(error))

    def _forget(self, act: Act) -> None:
        """Forget an act that was certainly not carried out."""
        del self._attempts[act]
        self.acts.remove(act.kind)

    def _look_for(self, act: Act, error: JetstreamError, attempts: int) -> bool:
        """Search the result of a request whose response was lost. Returns whether that ends the run."""
        looks = 0
        while looks < len(_BEFORE_LOOKS):
            if self._pauses.left() <= _BEFORE_LOOKS[looks]:
                self.unclear = error
                return self._fail(f"it was requested, but the response was lost, and the timeout is over ({error}).")
            self.clock.sleep(_BEFORE_LOOKS[looks])
            is_fresh = self._read()
            if decide(self.goal, self.seen) != act:
                self._began = self._began or act.kind is Kind.CREATE
                return False
            looks += is_fresh
        return self._refused(act, error) if attempts >= _ATTEMPTS else False

    def _request(self, act: Act) -> None:
        image, store, goal = self.seen.image, self.store, self.goal
        if act.kind is Kind.CREATE and self.seen.source is not None:
            self.tokens.append(secrets.token_hex(12))
            store.create(self.seen.source, goal.name, properties_of(goal), self.tokens[-1])
        elif act.kind is Kind.REMOVE_TWIN:
            store.delete(ProjectImage(uuid=act.target, name=goal.name))
        elif act.kind is Kind.DELETE_SNAPSHOT:
            store.delete_snapshot(act.target)
        elif image is not None:
            self._change(act, image)

    def _change(self, act: Act, image: ProjectImage) -> None:
        change = change_of(image, self.goal)
        if act.kind is Kind.UPDATE and change is not None:
            self.store.change(image, change)
        elif act.kind is Kind.SHARE:
            self.store.add_member(image, act.target)
        elif act.kind is Kind.UNSHARE:
            self.store.remove_member(image, act.target)
        elif act.kind is Kind.DELETE:
            self.store.delete(image)

    # --- waiting

    def _is_stale(self) -> bool:
        """Whether an image is unfinished for a while, and its instance has no task that makes it."""
        source = self._source()
        now = self.clock.monotonic()
        if source is None or (source.status != "missing" and source.activity):
            self._resting_since = None
            return False
        self._resting_since = now if self._resting_since is None else self._resting_since
        return now - self._resting_since > _STALE_SECONDS

    def _source(self) -> Instance | None:
        """Return the instance as it is now, or as it was seen last; None if it is not known."""
        source = self.seen.source
        if source is None:
            return None
        try:
            return self.known.get_instance(source)
        except NotFound:
            return source.gone()
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return source

    def _given_up(self) -> str:
        """Return why an image that was requested is there no more. Nova deletes one that it cannot finish."""
        source = self._source()
        why = self.known.why_failed(source) if source else None
        return f"the cloud started to create it, but failed{f': {why}' if why else ''}."

    def _poll(self, status: str) -> bool:
        """Pause, then read. Returns True, with a failure, if the time is over."""
        if not self._pauses.pause():
            because = f" ({str(self._unsent).rstrip('.')})" if self._unsent else ""
            return self._fail(f"it is still {status} after {self.options.timeout:g} s{because}.")
        if self.seen.image is None:
            self.seen = replace(self.seen, source=self._source())
        self._read()
        return False

    def _read_after(self, act: Act) -> bool:
        """Read the image after a request. What it does not show at once is waited for."""
        self._read()
        still = decide(self.goal, self.seen) == act
        if still and self._attempts[act] >= _ATTEMPTS and act.kind is not Kind.CREATE:
            return self._fail(
                f"the cloud accepted the request to {act.kind.value.replace('_', ' ')} it, but it did not change."
            )
        return self._poll("unchanged") if still and act.kind is not Kind.CREATE else False

    def _read(self) -> bool:
        """Read the image, and return whether that succeeded. If not, it stays as it was seen last."""
        self._is_fresh = False
        try:
            self.seen = self.known.completed(self._with_image(self.store.list_images(self.goal.name)))
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return False
        self._is_fresh, self._unsent = True, None
        self._absences = self._absences + 1 if self.seen.image is None else 0
        return True

    def _with_image(self, images: Sequence[ProjectImage]) -> Seen:
        """Return the observation of the images of the name.

        If another run made one at the same time, the older one is kept, and that of this run is its twin.
        """
        seen = replace(self.seen, twin=None)
        if seen.image is not None and not self.tokens:
            images = [each for each in images if each.uuid == seen.image.uuid]
        if not images:
            return replace(seen, image=None)
        kept = min(images, key=lambda each: (each.created or "", each.uuid))
        twins = [each for each in images if each.token in self.tokens and each.uuid != kept.uuid]
        return replace(seen, image=kept, twin=twins[0].uuid if twins else None)

    def _fail(self, problem: str, hint: str = "") -> bool:
        label = self.seen.image.label if self.seen.image else self.goal.name
        self.failure = f"{label}: {problem} {hint}".rstrip()
        return True
