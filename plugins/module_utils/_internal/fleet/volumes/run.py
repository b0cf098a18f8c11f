# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings one volume to its desired state: requests a change, and waits until the volume shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat

from ...clock import Clock
from ...cloud import VolumeStore
from ...errors import FATAL_ERRORS, JetstreamError, NotFound, Unreachable
from ...model import Attachment, Instance, Volume, VolumeRequest
from ...resending import is_unsent, leaves_open
from ..read_pauses import ReadPauses
from ..steps import Impossible, RunOptions, Step, Wait
from .steps import Act, Goal, Kind, Seen, State, decide, foresee, settled

# A change that was accepted, and does not show on the volume for so long, came to nothing. Atmosphere accepts detaching
# and deleting whatever the volume is doing, and nova finds out later that a host cannot attach it.
_SHOWS_AFTER = 30.0
# An instance that died while a volume was being attached leaves it reserved.
_RESERVED_SECONDS = 60.0
_LEFT_RESERVED = "Ask the site to reset its state."
# A change is requested this often that was not carried out.
_ATTEMPTS = 3
# Seconds between polls.
_PAUSES = (0.5, 0.5, 1.0, 1.0, 2.0, 2.0, 3.0, 5.0)
# After a wait that never ends in check mode.
_MAX_STEPS = 100


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run knows beside the volume: ``instances`` by uuid, and the request that creates the volume.

    ``find``: searches it by name, from no cache. ``find_older``: searches an older one of the name of one that this run
    has created: another run may have done the same.
    """

    instances: Mapping[str, Instance]
    request: VolumeRequest | None
    find: Callable[[], Volume | None]
    find_older: Callable[[Volume], Volume | None] = lambda _made: None
    device: str | None = None


@dataclass(slots=True)
class VolumeRun:
    """The run of one volume: ``acts`` were requested, in this order. ``failure`` is a sentence, or None.

    ``unclear``: whether it is not known if the last request was carried out.
    """

    store: VolumeStore
    clock: Clock
    goal: Goal
    options: RunOptions
    known: Surroundings
    seen: Seen
    acts: list[Kind] = field(default_factory=list)
    failure: str | None = None
    unclear: bool = False
    _sent: dict[Act, tuple[float, JetstreamError | None]] = field(default_factory=dict)
    _attempts: dict[Act, int] = field(default_factory=dict)
    _lost: Act | None = None
    _made: str | None = None
    _twin_checks: int = 0
    _unsent: JetstreamError | None = None
    _is_fresh: bool = True
    _reserved_since: float | None = None
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
            self._remove_twin()
            step = decide(self.goal, self.seen)
            if step != self._lost:
                # The volume shows it, or something else.
                self._lost = None
            if step is None or self._stops_at(step):
                return

    def _remove_twin(self) -> None:
        """Delete the volume that this run has created if another run created one before it, and go on with that one.

        Cinder deletes no volume that is still being created. If the check fails, it is made again.
        """
        made = self.seen.volume
        if made is None or made.uuid != self._made or made.status != "available" or made.attachments:
            return
        try:
            older = self.known.find_older(made)
            if older is not None:
                self.store.delete(made)
                self.acts.remove(Kind.CREATE)
                self.seen = self.observe(older)
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            if self._twin_checks < _ATTEMPTS:
                self._twin_checks += 1
                return
        self._made = None

    def _stops_at(self, step: Step | None) -> bool:
        """Take a step. Returns whether that was the last one."""
        if isinstance(step, Impossible):
            return self._fail(f"{step.problem}.", step.hint)
        if isinstance(step, Act):
            return self._stops_at_act(step)
        if self.options.check_mode:
            self.seen = settled(self.seen)
            return False
        if not self.options.wait and not self._remaining(settled(self.seen)):
            return True
        if isinstance(step, Wait) and step.status == "reserved" and self._is_left_reserved():
            return self._fail("it is reserved, but no instance is attaching it.", _LEFT_RESERVED)
        return self._poll(step.status if isinstance(step, Wait) else "")

    def _is_left_reserved(self) -> bool:
        """Whether it has been reserved for longer than an instance takes to attach it."""
        now = self.clock.monotonic()
        self._reserved_since = now if self._reserved_since is None else self._reserved_since
        return now - self._reserved_since > _RESERVED_SECONDS

    def _stops_at_act(self, act: Act) -> bool:
        refusal = self._refusal(act) or (None if act in self._sent else self._quota_refusal(act))
        if refusal is not None:
            return self._fail(refusal)
        if self.options.check_mode:
            self.acts.append(act.kind)
            self.seen = self._after(act)
            return False
        if act in self._sent:
            return self._poll_again(act)
        after = self._after(act)
        if not self._requested(act):
            return self.failure is not None
        if not self.options.wait and not self._remaining(after):
            # Without a wait, one look shows what the cloud has made of it.
            self._read()
            if self._lost is not None and decide(self.goal, self.seen) == act:
                self._fail(f"it was requested, but the response was lost ({self._sent[act][1]}).")
            return True
        self._read()
        return False

    def _after(self, act: Act) -> Seen:
        created = self.known.request.volume if self.known.request else None
        return foresee(self.seen, act, self.goal, created)

    def _remaining(self, seen: Seen) -> bool:
        """Whether acts are left to be requested, or the goal cannot be reached, which has to be told."""
        return isinstance(decide(self.goal, seen), Act | Impossible)

    def _refusal(self, act: Act) -> str | None:
        """Return why the cloud would refuse an act, a clause with a stop; None if it would not."""
        unsupported = self.store.unsupported.get(act.kind.value)
        if unsupported is not None:
            return unsupported
        instance = self.known.instances.get(act.target)
        volume = self.seen.volume
        if instance is None or volume is None or act.kind not in (Kind.ATTACH, Kind.DETACH):
            return None
        attaches = act.kind is Kind.ATTACH
        reason = self.store.attach_refusal(volume, instance) if attaches else self.store.detach_refusal(instance)
        where = "to" if attaches else "from"
        return None if reason is None else f"it cannot be {act.kind}ed {where} {instance.label}: {reason}."

    def _quota_refusal(self, act: Act) -> str | None:
        """Return why the quota does not allow a change of a volume, a clause with a stop; None if it does."""
        volume = self.seen.volume
        if volume is None or act.kind not in (Kind.GROW, Kind.SNAPSHOT):
            return None
        grows = act.kind is Kind.GROW
        added = (self.goal.size or 0) - (volume.size or 0) if grows else 0
        return self.store.growth_refusal(gigabytes=added, snapshots=0 if grows else 1)

    def _requested(self, act: Act) -> bool:
        """Request a change. Returns whether the run goes on; if not, there may be a failure."""
        before = self.seen
        try:
            self._request(act)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            if is_unsent(error):
                self._request_later(error)
                return False
            if not leaves_open(error):
                self._judge_refusal(act, error, before)
                return False
            # It may have been carried out: the volume will show it.
            self._note(act, error)
            return True
        self._note(act, None)
        return True

    def _note(self, act: Act, error: JetstreamError | None) -> None:
        """Note that a change was requested. ``error``: what came in the place of a response."""
        self._sent[act] = (self.clock.monotonic(), error)
        self._lost = None if error is None else act
        self._attempts[act] = self._attempts.get(act, 0) + 1
        self.acts.append(act.kind)

    def _request_later(self, error: JetstreamError) -> None:
        """Pause before a change is requested again that was not carried out."""
        if isinstance(error, Unreachable) and not error.transient:
            self._fail(str(error))
            return
        self._unsent = error
        self._poll("")

    def _judge_refusal(self, act: Act, error: JetstreamError, before: Seen) -> None:
        """Fail, unless the volume is not as it was before.

        Nova refuses to attach what is attached already, and cinder to change what another run changes.
        """
        self._pauses.read_after_refusal(self._read)
        if decide(self.goal, self.seen) == act or self.seen == before:
            self._fail(str(error))

    def _request(self, act: Act) -> None:
        volume = self.seen.volume
        if act.kind is Kind.CREATE and self.known.request is not None:
            self.seen = Seen(self.store.create(self.known.request))
            self._made = self.seen.volume.uuid if self.seen.volume else None
        elif volume is not None:
            self._change(act, volume)

    def _change(self, act: Act, volume: Volume) -> None:
        store, goal = self.store, self.goal
        if act.kind is Kind.GROW:
            store.extend(volume, goal.size or 0)
        elif act.kind is Kind.DESCRIBE:
            store.describe(volume, goal.description or "")
        elif act.kind is Kind.SNAPSHOT:
            store.create_snapshot(volume, goal.snapshot or "")
        elif act.kind is Kind.REPAIR:
            store.remove_attachment(volume, act.target)
        elif act.kind is Kind.DETACH:
            store.detach(volume, act.target)
        elif act.kind is Kind.ATTACH and goal.instance is not None:
            store.attach(volume, goal.instance, self.known.device)
        elif act.kind is Kind.DELETE_SNAPSHOT:
            store.delete_snapshot(next(each for each in self.seen.snapshots if each.uuid == act.target))
        elif act.kind is Kind.DELETE:
            store.delete(volume)

    def _poll_again(self, act: Act) -> bool:
        """Wait for a change that was requested already, for a while."""
        at, error = self._sent[act]
        if self.clock.monotonic() - at <= _SHOWS_AFTER:
            return self._poll("")
        if not self._is_fresh:
            # Without a read, nothing says that it was not carried out.
            return self._poll("")
        if error is not None:
            del self._sent[act]
            self.acts.remove(act.kind)
            self._lost = None
            if self._attempts[act] < _ATTEMPTS:
                return False
        status = self.seen.volume.status if self.seen.volume else "not there"
        text = str(error) if error else f"the cloud accepted the request to {act.kind.value.replace('_', ' ')} it"
        return self._fail(f"{text.rstrip('.')}, but {_SHOWS_AFTER:g} s later it is still {status}.")

    def _poll(self, status: str) -> bool:
        """Pause, then read the volume. Returns True, with a failure, if the time is over."""
        if not self._pauses.pause():
            shown = status or (self.seen.volume.status if self.seen.volume else "") or "not there"
            why = self._sent[self._lost][1] if self._lost else self._unsent
            because = f" ({str(why).rstrip('.')})" if why else ""
            return self._fail(f"it is still {shown} after {self.options.timeout:g} s{because}.")
        self._read()
        return False

    def _read(self) -> bool:
        """Read the volume, and return whether that succeeded. If not, it stays as it was seen last."""
        self._is_fresh = False
        try:
            self.seen = self._observed()
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return False
        self._is_fresh, self._unsent = True, None
        return True

    def _observed(self) -> Seen:
        try:
            volume = self.known.find() if self.seen.volume is None else self.store.get(self.seen.volume)
        except NotFound:
            volume = None
        return self.observe(volume)

    def observe(self, volume: Volume | None) -> Seen:
        """Return the observation of a volume, with all else that the goal makes it necessary to read."""
        if volume is None:
            return Seen(None)
        named = replace(volume, attachments=tuple(self._named(each) for each in volume.attachments))
        deletes = self.goal.state is State.ABSENT and volume.status != "deleting"
        needs_snapshots = "snapshot" not in self.store.unsupported and (deletes or self.goal.snapshot is not None)
        snapshots = self.store.list_snapshots(volume) if needs_snapshots else ()
        stale: Sequence[str] = ()
        if volume.status == "reserved" and not volume.attachments:
            stale = self.store.stale_attachments(volume)
        return Seen(named, tuple(snapshots), tuple(stale))

    def _named(self, attachment: Attachment) -> Attachment:
        instance = self.known.instances.get(attachment.instance_uuid)
        if instance is None:
            return attachment
        return replace(attachment, instance_id=instance.id, instance_name=instance.name)

    def _fail(self, problem: str, hint: str = "") -> bool:
        label = self.seen.volume.label if self.seen.volume else self.goal.name
        self.unclear = self._lost is not None
        self.failure = f"{label}: {problem} {hint}".rstrip()
        return True
