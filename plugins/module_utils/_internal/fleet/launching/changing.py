# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes instances in place, one change after the other. A resize is requested, and confirmed as soon as possible."""

from __future__ import annotations

from ...clock import Clock
from ...cloud import Cloud
from ...errors import FATAL_ERRORS, Conflict, JetstreamError, NotFound, Refused
from ...model import Change, ChangeKind, Instance
from ...resending import Resender
from ...states import Kind
from ..isolation import failing_alone
from .differences import changed, locked_text, refusal_text, shows
from .launch_runs import LaunchRun, Stage


class Changer:
    """Changes instances. May be used by many threads at once, each with a different instance."""

    def __init__(self, cloud: Cloud, clock: Clock, resender: Resender) -> None:
        """Send nothing yet."""
        self._cloud = cloud
        self._launcher = cloud.launcher()
        self._clock = clock
        self._resender = resender

    def change(self, run: LaunchRun) -> None:
        """Make the changes of one instance, up to a resize, which requires a wait."""
        with failing_alone(run):
            while run.changes and run.stage is Stage.BUILT:
                self._make_change(run, run.changes[0])

    def _make_change(self, run: LaunchRun, change: Change) -> None:
        if run.now is None:
            return
        if run.now.locked and change.kind is not ChangeKind.UNLOCK:
            run.finish(locked_text(run.now, change), skipped=True)
            return
        refusal = self._launcher.change_refusal(run.now, change)
        if refusal is not None:
            run.finish(refusal_text(change, refusal), failed=True)
            return
        if self._is_sent(run, run.now, change):
            run.note(change.kind.value)
        run.now, run.changes = changed(run.now, change), run.changes[1:]
        if change.kind in (ChangeKind.FLAVOR, ChangeKind.CONFIRM):
            run.resize, run.stage = change, Stage.BUILDING
            run.confirmed = change.kind is ChangeKind.CONFIRM
            run.since, run.polled_at, run.elapsed = self._clock.monotonic(), None, None

    def _is_sent(self, run: LaunchRun, instance: Instance, change: Change) -> bool:
        """Send a change, again unless the instance shows it. Returns False if another run has made the same one."""

        def send() -> bool:
            self._launcher.change(instance, change)
            return True

        def find() -> bool | None:
            if change.kind is ChangeKind.ADDRESS:
                return None if self._launcher.floating_addresses([instance]).get(instance.uuid) else True
            return shows(self._read(instance), change) or None

        try:
            return self._resender.send(send, find)
        except (Conflict, NotFound, Refused) as error:
            if not self._resender.read(lambda: find() or False):
                if error.changed:
                    run.note(change.kind.value)
                raise
            return error.changed
        except JetstreamError as error:
            if error.unclear:
                run.doubt = error
            if error.unclear or error.changed:
                run.note(change.kind.value)
            raise

    def _read(self, instance: Instance) -> Instance:
        """Return an instance as it is now, with its name, which may exist only in the cloud's database."""
        listed = self._cloud.list_instances(live=True, images=False, wanted=lambda each: each.uuid == instance.uuid)
        found = next((each for each in listed if each.uuid == instance.uuid), None)
        return instance if found is None else found

    def is_resized(self, run: LaunchRun, change: Change) -> bool:
        """Confirm a resize as soon as possible, and return whether it is complete."""
        instance = run.now
        if instance is None or run.observed.kind in (Kind.MOVING, Kind.ERROR, Kind.GONE):
            return run.observed.kind is not Kind.MOVING
        if instance.status == "verify_resize":
            if not run.confirmed:
                self._confirm(run, instance)
            return False
        run.resize = None
        if change.kind is ChangeKind.FLAVOR and instance.flavor.name != change.after:
            why = self._cloud.failure_reason(instance)
            text = f"the cloud accepted the resize, but its flavor is {instance.flavor.name} again"
            run.finish(f"{text}: {why}" if why else text, failed=True)
            return False
        return True

    def _confirm(self, run: LaunchRun, instance: Instance) -> None:
        """Confirm a resize. After an error, the next poll shows whether it still has to be confirmed."""
        try:
            self._launcher.change(instance, Change(ChangeKind.CONFIRM, "", ""))
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            run.last_error = error
        else:
            run.confirmed = True
            if ChangeKind.FLAVOR.value not in run.steps:
                # An earlier run requested the resize.
                run.note(ChangeKind.CONFIRM.value)
