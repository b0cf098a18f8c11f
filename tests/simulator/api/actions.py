# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions: Atmosphere does little of its own before it asks nova, but some of that in an unlucky order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..world.records import Identity
from ..world.state import World
from ..world.trouble import NovaRefused
from ..world.vm import VM
from .acting import ActionRun, Irrecoverable, reach_cloud
from .exchange import Refusal, error
from .volume_actions import attach_volume, detach_volume, mount_volume, unmount_volume

_REBOOT_TYPES = ("HARD", "Hard", "hard", "SOFT", "Soft", "soft")


def perform(world: World, identity: Identity, uuid: str, parameters: Mapping[str, Any]) -> Any:
    """Carry an action out and return the object of v1's answer. Raises Refusal."""
    action = parameters["action"]
    vm = find_vm(world, identity, uuid, action)
    if vm is None:
        raise error(404, f"Instance {uuid} no longer exists")
    instance = world.instance_with(uuid)
    if instance is None:
        raise error(404, f"Instance {uuid} no longer exists")
    _require_offered(identity, action)
    run = ActionRun(world, identity, instance, vm, parameters)
    try:
        return _ACTIONS[action](run)
    except NovaRefused as refused:
        raise _passed_on(action, refused) from refused
    except Irrecoverable as raised:
        raise _irrecoverable(action, str(raised)) from raised


def find_vm(world: World, identity: Identity, uuid: str, action: object) -> VM | None:
    """Look for a machine among those of an identity, as each action begins. Raises Refusal."""
    try:
        reach_cloud(world, identity)
    except NovaRefused as refused:
        raise _irrecoverable(action, str(refused)) from refused
    vm = world.cloud.vms.get(uuid)
    return vm if vm is not None and vm.identity is identity else None


def _require_offered(identity: Identity, action: object) -> None:
    if not isinstance(action, str | list | dict):
        raise _irrecoverable(action, f"argument of type '{type(action).__name__}' is not iterable")
    if action not in list(_ACTIONS) or action in list(identity.provider.disabled_actions):
        shown = action if isinstance(action, str) else "[" + ", ".join(f"u'{each}'" for each in action) + "]"
        raise error(409, f"The requested action {shown} has been explicitly disabled on this provider.")


def _passed_on(action: object, refused: NovaRefused) -> Refusal:
    """Return Atmosphere's refusal for one of nova: only a conflict stays one."""
    return error(409, str(refused)) if refused.status == 409 else _irrecoverable(action, str(refused))


def _irrecoverable(action: object, text: str) -> Refusal:
    return error(403, f"The requested action {action} encountered an irrecoverable exception: {text}")


def _stop(run: ActionRun) -> None:
    run.drop_address()
    run.nova("stop")
    run.write_down()
    run.forget_list()


def _start(run: ActionRun) -> None:
    run.require_allocation()
    run.nova("start")
    run.set_up()
    run.write_down()
    run.forget_list()


def _suspend(run: ActionRun) -> bool:
    run.drop_address()
    run.nova("suspend")
    run.write_down()
    run.forget_list()
    return True


def _resume(run: ActionRun) -> None:
    # Neither the database nor the list's cache learns of it.
    run.require_allocation()
    run.nova("resume")
    run.set_up()


def _shelve(run: ActionRun) -> None:
    run.drop_address()
    run.nova("shelve")
    run.write_down()
    run.forget_list()


def _unshelve(run: ActionRun) -> None:
    # Neither the database nor the list's cache learns of it.
    run.require_allocation()
    run.nova("unshelve")
    run.set_up()


def _shelve_offload(run: ActionRun) -> None:
    run.nova("shelve_offload")
    run.write_down()
    run.forget_list()


def _reboot(run: ActionRun) -> None:
    kind = run.parameters.get("reboot_type", "SOFT")
    if kind not in _REBOOT_TYPES:
        choices = ", ".join(f"'{each}'" for each in _REBOOT_TYPES)
        text = f"400 Bad Request Invalid input for field/attribute type. Value: {kind}. u'{kind}' is not one of "
        raise Irrecoverable(f"{text}[{choices}]")
    before = run.vm.status_before(run.world.settings.reads_before, run.world.now())
    run.nova("hard reboot" if kind.upper() == "HARD" else "reboot")
    # Atmosphere decides by an earlier reading: this raises although the machine now becomes active.
    _require_active(before)
    run.set_up("initializing")
    run.write_down()


def _redeploy(run: ActionRun) -> None:
    _require_active(run.vm.nova_status.lower())
    run.set_up("redeploying", active_in=0.0)
    run.write_down()


def _require_active(status: str) -> None:
    if status != "active":
        raise Irrecoverable(f"Cannot redeploy to an instance in a non-active state. (Current state: {status})")


def _console(run: ActionRun) -> str:
    return f"http://127.0.0.1:6080/vnc_auto.html?token={run.world.random_uuid()}"


def _confirm_resize(run: ActionRun) -> None:
    run.nova("confirm_resize")


def _revert_resize(run: ActionRun) -> None:
    run.nova("revert_resize")


def _never(text: str) -> Callable[[ActionRun], None]:
    """Return an action that Atmosphere has, but that does not work."""

    def act(_doing: ActionRun) -> None:
        raise Irrecoverable(text)

    return act


_ACTIONS: Mapping[str, Callable[[ActionRun], Any]] = {
    "stop": _stop,
    "start": _start,
    "suspend": _suspend,
    "resume": _resume,
    "shelve": _shelve,
    "unshelve": _unshelve,
    "shelve_offload": _shelve_offload,
    "reboot": _reboot,
    "redeploy": _redeploy,
    "console": _console,
    "confirm_resize": _confirm_resize,
    "revert_resize": _revert_resize,
    "attach_volume": attach_volume,
    "detach_volume": detach_volume,
    "mount_volume": mount_volume,
    "unmount_volume": unmount_volume,
    "resize": _never("Programmer -- Fix this method"),
    "reset_network": _never("'OpenStack_Esh_NodeDriver' object has no attribute 'reset_network'"),
    "rebuild": _never("'OSDriver' object has no attribute 'rebuild_instance'"),
}
