# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""nova's fake hypervisor with scripted outcomes, and a scheduler filter with the same scripts.

JETSTREAM_SCRIPTS names a folder. `<server id or name>.json` in it has the outcomes of the operations of that server,
`default.json` those of all others. The README of tests/openstack describes the file. A file may be written, changed and
removed at any time: it is read at the beginning of each operation, and while an operation is held.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pathlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from nova import context as nova_context
from nova import exception, objects
from nova.compute import power_state, task_states, vm_states
from nova.image import glance
from nova.scheduler import filters
from nova.virt import fake
from oslo_log import log as logging

LOG = logging.getLogger(__name__)
FOLDER = pathlib.Path(os.environ["JETSTREAM_SCRIPTS"])
# libvirt's driver returns at most this much of a console
CONSOLE_BYTES = 100 * 1024
LOOK_AGAIN_SECONDS = 0.05
LONGEST_HOLD_SECONDS = 600

_failed: Counter[tuple[str, int, str]] = Counter()


def _script(*keys: str) -> tuple[dict[str, Any], tuple[str, int]]:
    """Return the first script of these keys, or the default one, and the version of its file."""
    for key in (*keys, "default"):
        path = FOLDER / f"{key}.json"
        with _may_be_missing():
            return json.loads(path.read_bytes()), (key, path.stat().st_mtime_ns)
    return {}, ("", 0)


@contextlib.contextmanager
def _may_be_missing() -> Iterator[None]:
    """Ignore that a file is missing, as is that of a server whose name is too long for a file."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENAMETOOLONG):
            raise


def _wait_while_held(instance: Any, operation: str) -> None:
    end = time.monotonic() + LONGEST_HOLD_SECONDS
    while time.monotonic() < end:
        script, _unused = _script(instance.uuid, instance.display_name)
        if not script.get(operation, {}).get("hold"):
            return
        time.sleep(LOOK_AGAIN_SECONDS)


def _play(instance: Any, operation: str | None) -> None:
    """Give this operation the outcome of its script."""
    if operation is None:
        return
    script, version = _script(instance.uuid, instance.display_name)
    wanted = script.get(operation)
    if not wanted:
        return
    LOG.info("script for %s of %s: %s", operation, instance.display_name, wanted)
    time.sleep(wanted.get("seconds", 0))
    _wait_while_held(instance, operation)
    if "fail" not in wanted:
        return
    count = (*version, operation)
    _failed[count] += 1
    if _failed[count] > wanted.get("times", float("inf")):
        return
    if operation == "create":
        # after any other exception, nova would try another host, and the fault would have another text
        raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=wanted["fail"])
    if wanted.get("then") == "error":
        instance.vm_state = vm_states.ERROR
        instance.save()
    if wanted.get("then") == "refused":
        raise exception.InstanceFaultRollback(exception.InternalError(wanted["fail"]))
    raise exception.InternalError(wanted["fail"])


_POWER_OFF = {
    task_states.POWERING_OFF: "stop",
    task_states.SHELVING: "shelve",
    task_states.SHELVING_OFFLOADING: "offload",
}


class Driver(fake.FakeDriverWithoutFakeNodes):
    """The fake driver of nova's own tests, with room for a few thousand servers.

    The base class is the kind of fake driver that recognizes its host when it starts again, from a seed.
    """

    # placement has signed numbers of 32 bits for these
    vcpus = 1_000_000
    memory_mb = 2_000_000_000
    local_gb = 100_000_000

    def _power(self, instance: Any, state: int) -> None:
        """Set the power state that libvirt would report. The fake driver does not set it for suspend and pause."""
        if instance.uuid in self.instances:
            self.instances[instance.uuid].state = state

    def spawn(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        _play(instance, "unshelve" if instance.vm_state == vm_states.SHELVED_OFFLOADED else "create")
        super().spawn(context, instance, *args, **kwargs)

    def power_off(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        _play(instance, _POWER_OFF.get(instance.task_state))
        super().power_off(instance, *args, **kwargs)

    def power_on(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        # the fake driver's reboot() calls this method as well
        if instance.task_state in (task_states.POWERING_ON, None):
            _play(instance, "start")
        super().power_on(context, instance, *args, **kwargs)

    def reboot(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        _play(instance, "reboot")
        super().reboot(context, instance, *args, **kwargs)

    def suspend(self, context: Any, instance: Any) -> None:
        _play(instance, "suspend")
        # libvirt saves the memory and ends the domain
        self._power(instance, power_state.SHUTDOWN)

    def resume(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        _play(instance, "resume")
        self._power(instance, power_state.RUNNING)

    def pause(self, instance: Any) -> None:
        _play(instance, "pause")
        self._power(instance, power_state.PAUSED)

    def unpause(self, instance: Any) -> None:
        _play(instance, "unpause")
        self._power(instance, power_state.RUNNING)

    def destroy(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        if instance.task_state == task_states.DELETING:
            _play(instance, "delete")
        super().destroy(context, instance, *args, **kwargs)

    def snapshot(self, context: Any, instance: Any, image_id: str, *args: Any, **kwargs: Any) -> None:
        shelving = instance.task_state == task_states.SHELVING
        _play(instance, None if shelving else "snapshot")
        super().snapshot(context, instance, image_id, *args, **kwargs)
        if not shelving:
            # The fake driver leaves the image queued for ever. No test reads the image of a shelved server.
            formats = {"disk_format": "raw", "container_format": "bare"}
            glance.API().update(context, image_id, formats, io.BytesIO(b"a disk"), purge_props=False)

    def attach_volume(self, context: Any, connection_info: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        _play(instance, "attach_volume")
        super().attach_volume(context, connection_info, instance, *args, **kwargs)

    def detach_volume(self, context: Any, connection_info: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        _play(instance, "detach_volume")
        super().detach_volume(context, connection_info, instance, *args, **kwargs)

    def get_console_output(self, context: Any, instance: Any) -> bytes:
        for key in (instance.uuid, instance.display_name):
            with _may_be_missing():
                return (FOLDER / f"{key}.console").read_bytes()[-CONSOLE_BYTES:]
        return b""


class CapacityFilter(filters.BaseHostFilter):
    """Rejects every host for a server whose script has `"no_capacity": true`."""

    RUN_ON_REBUILD = False

    def host_passes(self, host_state: Any, spec_obj: Any) -> bool:
        if not any(FOLDER.glob("*.json")):
            return True
        script, _unused = _script(spec_obj.instance_uuid, _name_of(spec_obj.instance_uuid))
        return not script.get("no_capacity", False)


def _name_of(uuid: str) -> str:
    """Return a server's name. While it is being created, its name is in another table."""
    admin = nova_context.get_admin_context()
    try:
        return str(objects.BuildRequest.get_by_instance_uuid(admin, uuid).instance.display_name)
    except exception.BuildRequestNotFound:
        mapping = objects.InstanceMapping.get_by_instance_uuid(admin, uuid)
    with nova_context.target_cell(admin, mapping.cell_mapping) as cell:
        return str(objects.Instance.get_by_uuid(cell, uuid).display_name)
