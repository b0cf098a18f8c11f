# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions on volumes. Workers do them later: also if they fail, the answer is the volume as it was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..world.records import Row, Volume
from . import shapes_v1
from .acting import ActionRun, Irrecoverable


def attach_volume(run: ActionRun) -> Row:
    """Attach and mount a volume."""
    status = run.vm.nova_status.lower()
    if status != "active":
        before = f"Instance {run.vm.uuid} must be active before attaching a volume. (Current: {status})"
        raise Irrecoverable(f"{before}Retry request when instance is active.")
    volume, given = _volume(run), run.parameters
    shown = shapes_v1.volume(volume)
    run.world.storage.attach(volume, run.vm, _text(given, "device"), _text(given, "mount_location"), run.world.now())
    return shown


def detach_volume(run: ActionRun) -> Row:
    """Unmount and detach a volume."""
    status = run.vm.nova_status.lower()
    if status not in ("suspended", "active", "shutoff"):
        before = f"Instance {run.vm.uuid} must be active, suspended, or stopped before detaching a volume. "
        raise Irrecoverable(f"{before}(Current: {status})Retry request when instance is active.")
    volume = _volume(run)
    shown = shapes_v1.volume(volume)
    run.world.storage.detach(volume, run.vm, run.world.now())
    return shown


def mount_volume(run: ActionRun) -> Row:
    """Mount a volume."""
    volume = _volume(run)
    shown = shapes_v1.volume(volume)
    run.world.storage.mount(volume, run.vm, _text(run.parameters, "mount_location"), run.world.now())
    return shown


def unmount_volume(run: ActionRun) -> Row:
    """Unmount a volume."""
    volume = _volume(run)
    shown = shapes_v1.volume(volume)
    run.world.storage.unmount(volume, run.vm)
    return shown


def _volume(run: ActionRun) -> Volume:
    """Return the volume that an action is about; all that follows is left to the workers, so it never fails."""
    uuid = run.parameters.get("volume_id")
    for volume in run.world.volumes:
        if volume.uuid == uuid and volume.identity is run.identity and volume.in_cloud:
            return volume
    raise Irrecoverable("'NoneType' object has no attribute 'id'")


def _text(parameters: Mapping[str, Any], name: str) -> str | None:
    value = parameters.get(name)
    return None if value in (None, "null", "None") else str(value)
