# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes instances: detaches volumes first, and releases addresses and volumes once the instance is gone.

Only the given instances are deleted. Their volumes and floating IPs stay, unless the settings say otherwise; then they
are deleted by their own ids, read before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...clock import Clock
from ...cloud import Cloud, Launcher
from ...errors import FATAL_ERRORS, BugFound, JetstreamError
from ...model import FloatingAddress, Instance
from ...parallel import in_parallel
from ...resending import Resender, is_unsent, leaves_open
from ...states import Action
from ...text.terminal import one_line
from ..isolation import failing_alone, poll_and_confirm
from ..polling import PollScheduler
from ..progress import Completion, Progress, ProgressCallback
from ..runs import state_text
from .launch import Jitter, some_jitter
from .leftovers import is_being_deleted, release_address
from .plans import is_gone, unread_reason
from .removal_notes import RemovalNote, RemovalNotes

_DETACH_SECONDS = 60.0
_VOLUME_SECONDS = 120.0
# A volume still in use this long after its instance is gone is attached to another instance.
_LEAVES_USE = 10.0
_PAUSE = 2.0
# Seconds reserved for releasing addresses and volumes.
_RESERVE = 5.0
# A volume with this status is detached, and can be deleted.
_FREE = ("available", "error", "error_extending", "error_restoring")


@dataclass(frozen=True, slots=True)
class RemovalSettings:
    """The resources to delete with an instance, and the seconds within which all of them have to be gone.

    ``kept_address``: the floating IP that the task assigns to another instance afterwards, or None.
    """

    delete_volumes: bool = False
    release_addresses: bool = False
    include_locked: bool = False
    wait: bool = True
    timeout: float = 900.0
    kept_address: str | None = None

    def released(self, addresses: Iterable[FloatingAddress]) -> tuple[FloatingAddress, ...]:
        """Return the floating IPs among those of a deleted instance that are to be released."""
        if not self.release_addresses:
            return ()
        return tuple(each for each in addresses if each.address != self.kept_address)


@dataclass(slots=True)
class RemovalRun:
    """An instance to delete, with the ``addresses`` that it had, and the outcome.

    ``resumed``: an earlier run requested its deletion, and ended before everything was released. ``left_volumes``: the
    volumes that the earlier run detached and was to delete; ``left_addresses``: the floating IPs that it was to
    release.
    """

    before: Instance
    now: Instance
    resumed: bool = False
    left_volumes: tuple[str, ...] = ()
    left_addresses: tuple[FloatingAddress, ...] = ()
    steps: list[str] = field(default_factory=list)
    addresses: Sequence[FloatingAddress] = ()
    requested: bool = False
    unclear: bool = False
    done: bool = False
    failed: bool = False
    skipped: bool = False
    message: str = ""
    elapsed: float | None = None
    last_error: JetstreamError | None = None
    actions: list[Action] = field(default_factory=list)
    since: float = 0.0
    polled_at: float | None = None

    @property
    def changed(self) -> bool:
        """Whether the cloud did something, or may have; in check mode, whether it would."""
        return bool(self.steps)

    @property
    def kept_volumes(self) -> list[str]:
        """The volumes that the cloud does not delete together with the instance."""
        return [each.uuid for each in self.before.facts.volumes if not each.deleted_with_instance]

    def note(self, step: str) -> None:
        """Record a step, once."""
        if step not in self.steps:
            self.steps.append(step)

    def finish(self, message: str, *, failed: bool = False, skipped: bool = False) -> None:
        """End the run."""
        self.done, self.failed, self.skipped, self.message = True, failed, skipped, one_line(message)


@dataclass(frozen=True, slots=True)
class FleetRemoval:
    """The outcome of a deletion."""

    runs: tuple[RemovalRun, ...]
    aborted_by: JetstreamError | None = None


def unfinished(
    notes: Sequence[RemovalNote],
    settings: RemovalSettings,
    listed: Sequence[Instance],
    deleting: Sequence[Instance] = (),
) -> list[RemovalRun]:
    """Return the runs that complete earlier ones, with volumes or addresses still to release.

    ``listed``: all instances still listed. ``deleting``: instances of the task that are being deleted, which are
    awaited.
    """
    by_uuid = {each.uuid: each for each in listed}
    waited_for = {each.uuid: RemovalRun(each, each, resumed=True, requested=True) for each in deleting}
    for note in notes:
        volumes = note.volumes if settings.delete_volumes else ()
        addresses = settings.released(note.addresses)
        there = by_uuid.get(note.uuid)
        if (volumes or addresses) and (there is None or is_gone(there)):
            before = note.instance
            # Some clouds stop listing an instance when its deletion begins. A poll shows whether it is gone.
            now = there or replace(before, status="active", activity="deleting")
            waited_for[note.uuid] = RemovalRun(
                before, now, resumed=True, left_volumes=volumes, left_addresses=addresses, requested=True
            )
    return list(waited_for.values())


def refused_removal(instances: Sequence[Instance], error: JetstreamError) -> FleetRemoval:
    """Return the outcome if the instances' volumes could not be read: none is deleted."""
    runs = tuple(RemovalRun(each, each) for each in instances)
    for run in runs:
        run.finish(f"was not deleted, since its volumes could not be read: {error}", failed=True)
    return FleetRemoval(runs, error if isinstance(error, FATAL_ERRORS) else None)


def _runs_of(
    instances: Sequence[Instance], settings: RemovalSettings, notes: Sequence[RemovalNote]
) -> list[RemovalRun]:
    """Return the runs of instances.

    For those that a killed run has begun to delete, notes have the volumes and floating IPs. These may be detached by
    now, and the deletion may be under way.
    """
    noted = {each.uuid: each for each in notes}
    runs = [RemovalRun(each, each) for each in instances]
    for run in runs:
        note = noted.get(run.before.uuid)
        if note is not None and settings.delete_volumes:
            run.left_volumes = tuple(each for each in note.volumes if each not in run.kept_volumes)
        if note is not None:
            run.left_addresses = settings.released(note.addresses)
    return runs


def preview_removal(
    launcher: Launcher,
    instances: Sequence[Instance],
    settings: RemovalSettings,
    notes: RemovalNotes,
    resumed: Sequence[RemovalRun] = (),
) -> FleetRemoval:
    """Return the result that ``remove`` would have, with reads only (check mode). Raises FATAL_ERRORS."""
    runs = _runs_of(instances, settings, notes.all())
    for run in runs:
        _leave_out(run, settings)
    _read_addresses(launcher, [run for run in runs if not run.done], settings)
    ahead = [*(run for run in runs if not run.done), *resumed]
    _find_left_addresses(launcher, ahead, settings)
    for run in ahead:
        _foresee(launcher, run, settings)
    return FleetRemoval((*runs, *resumed))


def _foresee(launcher: Launcher, run: RemovalRun, settings: RemovalSettings) -> None:
    if not run.resumed:
        if settings.wait and run.kept_volumes and _detaches(launcher, run):
            run.note("detach volumes")
        run.note("delete")
    if run.addresses or run.left_addresses:
        run.note("release floating IP")
    if settings.delete_volumes and (run.kept_volumes or run.left_volumes):
        run.note("delete volumes")
    run.now = run.before.gone()
    if run.resumed:
        run.finish(f"is gone; would {', then '.join(run.steps)}" if run.steps else "is being deleted")
        return
    volumes = len(run.before.facts.volumes)
    fate = f", with its {volumes} volume{'s' * (volumes > 1)}" if volumes and settings.delete_volumes else ""
    run.finish(f"would be deleted{fate}")


def _detaches(launcher: Launcher, run: RemovalRun) -> bool:
    """Return whether volumes are detached first.

    A root volume cannot be detached, and some states allow no detach. Then the cloud detaches them while it deletes the
    instance.
    """
    return run.before.image is not None and launcher.can_detach(run.before)


def _read_addresses(
    launcher: Launcher,
    runs: Sequence[RemovalRun],
    settings: RemovalSettings,
    resender: Resender | None = None,
) -> None:
    """Read the addresses created for the instances. After the deletion, this is unknown."""
    if not settings.release_addresses or not runs:
        return

    def read() -> Mapping[str, Sequence[FloatingAddress]]:
        return launcher.floating_addresses([run.before for run in runs])

    try:
        found = read() if resender is None else resender.read(read)
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        for run in runs:
            run.finish(f"was not deleted, since its floating IP could not be read: {error}", failed=True)
        return
    for run in runs:
        run.addresses = settings.released(each for each in found.get(run.before.uuid, ()) if each.made_for_it)
        there = {each.id for each in run.addresses}
        run.left_addresses = tuple(each for each in run.left_addresses if each.id not in there)


def _find_left_addresses(
    launcher: Launcher, runs: Sequence[RemovalRun], settings: RemovalSettings, resender: Resender | None = None
) -> None:
    """Find addresses that are marked as made for the instances, and are attached to nothing."""
    if not settings.release_addresses or not runs:
        return

    def read() -> Mapping[str, Sequence[FloatingAddress]]:
        return launcher.left_addresses([run.before for run in runs])

    try:
        found = read() if resender is None else resender.read(read)
    except FATAL_ERRORS:
        raise
    except JetstreamError:
        # Those that were read before are known.
        return
    for run in runs:
        known = {each.id for each in (*run.addresses, *run.left_addresses)}
        new = settings.released(each for each in found.get(run.before.uuid, ()) if each.id not in known)
        run.addresses = (*run.addresses, *new)


def remove(
    cloud: Cloud,
    instances: Sequence[Instance],
    settings: RemovalSettings,
    clock: Clock,
    *,
    started_at: float,
    report: ProgressCallback,
    notes: RemovalNotes,
    resumed: Sequence[RemovalRun] = (),
    jitter: Jitter = some_jitter,
) -> FleetRemoval:
    """Delete instances, and wait until each is gone, or return why one is not. Raises nothing of its own.

    ``resumed``: the ``unfinished`` runs, which are completed along with these.
    """
    runs = [*_runs_of(instances, settings, notes.all()), *resumed]
    return _Removal(cloud, runs, settings, clock, started_at, report, notes, jitter).run()


class _Removal:
    def __init__(
        self,
        cloud: Cloud,
        runs: list[RemovalRun],
        settings: RemovalSettings,
        clock: Clock,
        started_at: float,
        report: ProgressCallback,
        notes: RemovalNotes,
        jitter: Jitter,
    ) -> None:
        self._cloud = cloud
        self._launcher: Launcher = cloud.launcher()
        self._settings = settings
        self._clock = clock
        self._start = started_at
        self._deadline = started_at + settings.timeout
        self._report = report
        self._notes = notes
        self._resender = Resender(clock, self._deadline)
        self._scheduler: PollScheduler[RemovalRun] = PollScheduler(jitter, first_poll=cloud.first_poll_seconds)
        self._runs = runs
        self._aborted_by: JetstreamError | None = None

    def run(self) -> FleetRemoval:
        try:
            self._cloud.limit(self._deadline)
            for run in self._runs:
                _leave_out(run, self._settings)
            self._stamp()
            new = [run for run in self._pending() if not run.resumed]
            _read_addresses(self._launcher, new, self._settings, self._resender)
            self._each(self._begin, [run for run in self._pending() if not run.resumed])
            self._await_gone()
            # The list before the deletion may have lacked one.
            gone = [run for run in self._runs if run.now.status == "missing" and not run.done]
            _find_left_addresses(self._launcher, gone, self._settings, self._resender)
            self._each(self._give_back, [run for run in self._runs if run.requested and not run.done])
        except JetstreamError as error:
            self._aborted_by = error
        except Exception as error:
            self._aborted_by = BugFound(error)
        self._finish()
        return FleetRemoval(tuple(self._runs), self._aborted_by)

    def _pending(self) -> list[RemovalRun]:
        return [run for run in self._runs if not run.done]

    def _each(self, work: Callable[[RemovalRun], None], runs: Sequence[RemovalRun]) -> None:
        """Do the work on each instance. An error fails only that instance, unless it ends the whole run."""

        def work_on(run: RemovalRun) -> None:
            with failing_alone(run):
                work(run)

        in_parallel(work_on, runs, self._cloud.max_concurrency)

    def _begin(self, run: RemovalRun) -> None:
        """Detach the volumes to keep, then request the deletion."""
        if not self._settings.wait:
            self._delete(run)
            return
        self._write_note(run)
        if _detaches(self._launcher, run):
            for volume in run.kept_volumes:
                if not run.done:
                    self._detach(run, volume)
        self._delete(run)

    def _write_note(self, run: RemovalRun) -> None:
        volumes = (*run.kept_volumes, *run.left_volumes) if self._settings.delete_volumes else ()
        addresses = (*run.addresses, *run.left_addresses)
        if volumes or addresses:
            self._notes.write(RemovalNote.of(run.before, volumes, addresses))

    def _detach(self, run: RemovalRun, volume: str) -> None:
        self._send(
            run,
            "detach volumes",
            lambda: self._launcher.detach(run.before, volume),
            lambda: self._launcher.volume_status(run.before, volume) != "in-use",
        )
        end = min(self._clock.monotonic() + _DETACH_SECONDS, self._deadline)
        while (status := self._volume_status(run, volume)) not in (None, *_FREE):
            if self._clock.monotonic() + _PAUSE >= end:
                run.finish(f"was not deleted, since volume {volume} is still {status}", failed=True)
                return
            self._clock.sleep(_PAUSE)

    def _volume_status(self, run: RemovalRun, volume: str) -> str | None:
        """Return the status of a volume, None if it is gone. One that cannot be read now is read again later."""
        try:
            return self._launcher.volume_status(run.before, volume)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            return f"unreadable ({str(error).rstrip('.')})"

    def _delete(self, run: RemovalRun) -> None:
        """Request the deletion. After an unclear outcome, the instance is polled like the others."""
        if run.done:
            return
        try:
            self._send(
                run,
                "delete",
                lambda: self._launcher.delete(run.before),
                lambda: is_being_deleted(self._cloud, run.before),
            )
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            if not error.unclear:
                raise
            run.last_error = error
        run.requested = True
        run.since = self._clock.monotonic()

    def _send(self, run: RemovalRun, step: str, request: Callable[[], None], is_done: Callable[[], bool]) -> None:
        """Send a change, again until it is observed as done, and record it as a step. Raises any JetstreamError."""

        def send() -> bool:
            request()
            return True

        try:
            self._resender.send(send, lambda: is_done() or None)
        except JetstreamError as error:
            if error.unclear:
                run.unclear = True
                run.note(step)
            raise
        run.note(step)

    # --- waiting

    def _waiting(self) -> list[RemovalRun]:
        return [run for run in self._pending() if run.now.status != "missing"]

    def _await_gone(self) -> None:
        if not self._settings.wait:
            for run in self._pending():
                if run.unclear:
                    run.finish(f"delete was sent, but its response was lost ({run.last_error})", failed=True)
                else:
                    run.finish("delete was accepted; not waited for")
            return
        while waiting := self._waiting():
            now = self._clock.monotonic()
            poll = self._scheduler.next_poll(waiting, now)
            if max(now, poll.at) >= self._deadline - _RESERVE:
                self._clock.sleep(max(0.0, self._deadline - _RESERVE - now))
                self._poll(waiting, thorough=True)
                return
            self._clock.sleep(max(0.0, poll.at - now))
            self._poll(poll.instances)

    def _poll(self, runs: Sequence[RemovalRun], *, thorough: bool = False) -> None:
        begun = self._clock.monotonic()
        seen = poll_and_confirm(self._cloud, [run.now for run in runs], thorough=thorough)
        for run in self._waiting():
            found = seen.get(run.now.uuid)
            if found is None:
                continue
            run.polled_at = begun
            if isinstance(found, Instance):
                run.now, run.last_error = found, None
                if found.status == "missing":
                    run.unclear = False
                    self._scheduler.learn(None, self._clock.monotonic() - run.since)
            elif isinstance(found, FATAL_ERRORS):
                raise found
            else:
                run.last_error = found
        self._stamp()

    # --- giving back

    def _give_back(self, run: RemovalRun) -> None:
        """Release addresses and delete volumes of a deleted instance."""
        if run.now.status != "missing":
            return
        # Since the earlier run, the address may have been assigned to another instance.
        free = [each for each in run.left_addresses if self._is_unattached(each)]
        for address in (*run.addresses, *free):
            self._release(run, address)
        if self._settings.delete_volumes:
            for volume in (*run.kept_volumes, *run.left_volumes):
                self._delete_volume(run, volume)
        if not run.done:
            self._notes.settle(run.before.uuid)

    def _is_unattached(self, address: FloatingAddress) -> bool:
        return self._resender.read(lambda: self._launcher.is_unattached(address))

    def _release(self, run: RemovalRun, address: FloatingAddress) -> None:
        try:
            release_address(self._launcher, self._resender, run.before, address)
        except JetstreamError as error:
            if error.unclear:
                run.unclear = True
                run.note("release floating IP")
            raise
        run.note("release floating IP")

    def _delete_volume(self, run: RemovalRun, volume: str) -> None:
        """Delete a volume as soon as it is free, and wait until it is gone."""
        requested, begun = False, self._clock.monotonic()
        end = min(begun + _VOLUME_SECONDS, self._deadline)
        while (status := self._volume_status(run, volume)) is not None:
            if volume in run.left_volumes and status == "in-use" and self._clock.monotonic() >= begun + _LEAVES_USE:
                # Since the earlier run, the volume was attached to another instance.
                return
            if status in _FREE and not requested:
                requested = self._is_requested(run, volume)
                if requested:
                    continue
            if self._clock.monotonic() + _PAUSE >= end:
                run.finish(f"is gone, but its volume {volume} is still {status}", failed=True)
                return
            self._clock.sleep(_PAUSE)

    def _is_requested(self, run: RemovalRun, volume: str) -> bool:
        """Request the deletion of a volume. Returns False if the request has to be repeated, which is harmless."""
        try:
            self._launcher.delete_volume(run.before, volume)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            if not (is_unsent(error) or leaves_open(error)):
                raise
            if leaves_open(error):
                run.note("delete volumes")
            return False
        run.note("delete volumes")
        return True

    # --- the books

    def _finish(self) -> None:
        for run in self._runs:
            if run.failed and not run.requested and not run.steps:
                # The instance stays, with all of its resources.
                self._notes.settle(run.before.uuid)
        for run in self._pending():
            if run.now.status == "missing":
                run.finish(f"{', then '.join(run.steps)} done" if run.steps else "already gone")
                continue
            if self._aborted_by is not None:
                why = f"was not completed: {str(self._aborted_by).rstrip('.')}"
            else:
                last = f"last error: {run.last_error}" if run.last_error else f"last seen {state_text(run.now)}"
                why = f"was not gone within {self._settings.timeout:g} s ({last})"
            run.finish(why, failed=True)
        self._stamp()

    def _stamp(self) -> None:
        passed = round(self._clock.monotonic() - self._start, 1)
        ended = [run for run in self._runs if run.done or run.now.status == "missing"]
        completed = [run for run in ended if run.elapsed is None]
        for run in completed:
            run.elapsed = passed
        self._report(
            Progress(
                goal="absent",
                total=len(self._runs),
                ended=len(ended),
                failed=sum(run.failed for run in self._runs),
                sent=sum(run.requested for run in self._runs),
                elapsed=passed,
                completed=tuple(
                    Completion(run.before.label, run.message or "is gone", run.failed) for run in completed
                ),
                pending=tuple(run.before.label for run in self._runs if run not in ended),
            )
        )


def _leave_out(run: RemovalRun, settings: RemovalSettings) -> None:
    """End the run of an unreadable or a locked instance. A lock is its owner's request to leave it as it is."""
    unread = None if run.resumed else unread_reason(run.before)
    if unread is not None:
        run.finish(f"was not deleted: {unread}", failed=True)
    elif run.before.locked and not settings.include_locked:
        reason = f": {run.before.lock_reason}" if run.before.lock_reason else ""
        run.finish(f"skipped: locked{reason} (include_locked)", skipped=True)
