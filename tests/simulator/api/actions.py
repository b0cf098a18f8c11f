# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions: Atmosphere does little of its own before it asks nova, but some of that in an unlucky order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..world.cloud import CloudUnreachable, KeystoneRefused, NovaRefused
from ..world.records import NO_ADDRESS, Identity, Instance
from ..world.state import World
from ..world.vm import VM
from .exchange import Refusal, detail, error

_REBOOT_TYPES = ("HARD", "Hard", "hard", "SOFT", "Soft", "soft")


class Irrecoverable(Exception):
    """Atmosphere's own code raised this: it passes the text on as a 403."""


@dataclass
class ActionRun:
    """An action on its way."""

    world: World
    identity: Identity
    instance: Instance
    vm: VM
    parameters: Mapping[str, Any]

    def nova(self, action: str) -> None:
        """Ask nova for an action."""
        self.world.cloud.act(self.vm, action, self.world.now())

    def drop_address(self) -> None:
        """Give the floating IP back. This comes before nova is asked, so it is gone even if nova then refuses."""
        self.vm.address = NO_ADDRESS

    def require_allocation(self) -> None:
        """Raise if what pays for the instance is used up."""
        source = self.instance.allocation_source
        if source is None:
            raise Irrecoverable("InstanceAllocationSourceSnapshot matching query does not exist.")
        over = source.compute_used - source.compute_allowed
        if over > 0:
            raise error(413, f"Time allocation exceeded: Allocation {source.name} is over 100% by {over:.3f} hours.")

    def set_up(self, wait_as: str | None = None, *, active_in: float = 1.0) -> None:
        """Have the machine set up, and given an address, once it is active.

        ``wait_as``: what it is said to do until that begins. None: as the last deployment left it.
        """
        if wait_as is not None:
            self.vm.tmp_status = wait_as
        self.world.cloud.deploy(self.vm, self.parameters["action"], self.world.now(), active_in=active_in)

    def write_down(self) -> None:
        """Note in the database what the machine does this moment."""
        self.world.remember(self.instance, self.vm.look())

    def forget_list(self) -> None:
        """Empty the cache of v1's list."""
        self.world.forget_list(self.identity)


def perform(world: World, identity: Identity, uuid: str, parameters: Mapping[str, Any]) -> Any:
    """Carry an action out and return what v1 calls its object. Raises Refusal."""
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


def reach_cloud(world: World, identity: Identity, *, log_in: bool = True) -> None:
    """Log in at the cloud, and have nova list the machines. Raises Refusal, or NovaRefused."""
    provider = identity.provider
    if provider.ended(world.now()):
        raise error(409, f"Cannot create driver on an inactive provider: {provider.name}")
    try:
        if log_in:
            world.cloud.call("keystone", "POST auth/tokens", provider)
        world.cloud.call("nova", "GET servers", provider)
    except KeystoneRefused as refused:
        raise error(401, "Identity/Provider Authentication Failed") from refused
    except CloudUnreachable as broken:
        text = f"Multiple connection attempts to the provider {provider.uuid} have failed. Please try again later."
        raise error(504, text) from broken


def _require_offered(identity: Identity, action: object) -> None:
    if not isinstance(action, str | list | dict):
        raise _irrecoverable(action, f"argument of type '{type(action).__name__}' is not iterable")
    if action not in list(_ACTIONS) or action in list(identity.provider.disabled_actions):
        shown = action if isinstance(action, str) else "[" + ", ".join(f"u'{each}'" for each in action) + "]"
        raise error(409, f"The requested action {shown} has been explicitly disabled on this provider.")


def _passed_on(action: object, refused: NovaRefused) -> Refusal:
    """Return what becomes of nova's refusal: only a conflict stays one."""
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
    # Atmosphere goes by what it read before: this raises although the machine now comes up.
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


def _not_simulated(_doing: ActionRun) -> None:
    raise detail(501, "The simulator does not do this action.")


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
    "attach_volume": _not_simulated,
    "detach_volume": _not_simulated,
    "mount_volume": _not_simulated,
    "unmount_volume": _not_simulated,
    "resize": _never("Programmer -- Fix this method"),
    "reset_network": _never("'OpenStack_Esh_NodeDriver' object has no attribute 'reset_network'"),
    "rebuild": _never("'OSDriver' object has no attribute 'rebuild_instance'"),
}
