# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cinder: the states of volumes, and Atmosphere's workers that attach, mount and detach them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from string import ascii_lowercase

from ..settings import Settings
from .agenda import Agenda
from .records import Volume
from .vm import VM

# Cinder deletes a volume in these states only.
_DELETABLE = frozenset({"available", "error", "error_extending", "error_managing", "error_restoring"})
# Parts of ``Settings.volume_change`` until a worker has unmounted a volume and asks nova to detach it.
_DETACHING_BEGINS = 0.025


class VolumeInUse(Exception):
    """Cinder does not delete a volume in this state."""


class Storage:
    """The volumes of all providers. Nothing in it happens but by catch_up() of its agenda."""

    def __init__(self, settings: Settings, agenda: Agenda, volumes: Iterable[Volume]) -> None:
        """Look after ``volumes``, a list that may grow."""
        self.settings = settings
        self._agenda = agenda
        self._volumes = volumes

    def create(self, volume: Volume, now: datetime) -> None:
        """Make a new volume available in its time."""
        volume.status = "creating"
        self._later(volume, now, 1.0, lambda _now: _set_status(volume, "available"))

    def attach(self, volume: Volume, vm: VM, device: str | None, mount_location: str | None, now: datetime) -> None:
        """Attach a volume, and mount it a while later. Nothing happens where it is not available."""
        if volume.status != "available":
            return
        volume.status, volume.mount_location = "attaching", None

        def attached(moment: datetime) -> None:
            if vm.removed:
                _release(volume)
                return
            volume.status, volume.attached_to = "in-use", vm.uuid
            volume.device = device or self._free_device(vm)
            self.mount(volume, vm, mount_location, moment)

        self._later(volume, now, 1.0, attached)

    def mount(self, volume: Volume, vm: VM, mount_location: str | None, now: datetime) -> None:
        """Mount an attached volume in its time, at "/vol_b" for /dev/sdb unless another place is given."""
        if volume.status != "in-use" or volume.attached_to != vm.uuid:
            return

        def mounted(_now: datetime) -> None:
            volume.mount_location = mount_location or f"/vol_{(volume.device or '?')[-1]}"

        self._later(volume, now, 0.0, mounted, seconds=self.settings.mounting)

    def unmount(self, volume: Volume, vm: VM) -> None:
        """Unmount a volume of a machine."""
        if volume.attached_to == vm.uuid:
            self._overtake(volume)
            volume.mount_location = ""

    def detach(self, volume: Volume, vm: VM, now: datetime) -> None:
        """Unmount and detach a volume. Nothing happens where it is not attached to the machine."""
        if volume.status != "in-use" or volume.attached_to != vm.uuid:
            return
        self.unmount(volume, vm)
        self._later(volume, now, _DETACHING_BEGINS, lambda _now: _set_status(volume, "detaching"))
        self._later(volume, now, 1.0, lambda _now: _release(volume))

    def delete(self, volume: Volume, now: datetime) -> None:
        """Delete a volume in its time. Raises VolumeInUse unless it is available, or broken."""
        if volume.status not in _DELETABLE:
            raise VolumeInUse(f"Invalid volume: Volume status must be available or error, but is {volume.status}")
        volume.status = "deleting"

        def deleted(_now: datetime) -> None:
            volume.in_cloud = False

        self._later(volume, now, 1.0, deleted)

    def release(self, vm: VM) -> None:
        """Detach all volumes of a machine that is gone."""
        for volume in self._volumes:
            if volume.attached_to == vm.uuid:
                self._overtake(volume)
                _release(volume)

    def _free_device(self, vm: VM) -> str:
        taken = {volume.device for volume in self._volumes if volume.attached_to == vm.uuid}
        return next(name for letter in ascii_lowercase[1:] if (name := f"/dev/sd{letter}") not in taken)

    def _overtake(self, volume: Volume) -> None:
        volume.generation += 1

    def _later(
        self,
        volume: Volume,
        now: datetime,
        part: float,
        do: Callable[[datetime], None],
        *,
        seconds: float | None = None,
    ) -> None:
        """Do something after a part of the time that a change takes, or after ``seconds``, unless it is overtaken."""
        generation = volume.generation

        def unless_overtaken(moment: datetime) -> None:
            if volume.generation == generation:
                do(moment)

        wait = part * self.settings.volume_change if seconds is None else seconds
        self._agenda.at(now + timedelta(seconds=wait), unless_overtaken)


def _set_status(volume: Volume, status: str) -> None:
    volume.status = status


def _release(volume: Volume) -> None:
    volume.status, volume.attached_to, volume.device = "available", None, None
