# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloud: its machines, and nova's answers to actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from ..settings import Settings
from .agenda import Agenda
from .records import NO_ADDRESS, Identity, Provider
from .transitions import DELETION_TAKES, LAUNCH, LAUNCH_FAILS_AFTER, TRANSITIONS, Changes, Step, Transition
from .trouble import CloudUnreachable, KeystoneRefused, NoHost, NovaRefused, Trouble
from .vm import VM

# The last step of a deployment is tried again so often, this many seconds apart. (Recorded: it takes minutes.)
_RETRIES, _RETRY_AFTER = 3, 60.0


@dataclass(frozen=True)
class Callbacks:
    """The part of the database in the events of a machine."""

    # A deployment is through: notes it, and returns whether its last step succeeded, too.
    deployed: Callable[[VM], bool]
    # Nova has removed a machine.
    removed: Callable[[VM], None]


class Cloud:
    """All machines of all providers. Nothing in it happens but by catch_up() of its agenda."""

    def __init__(self, settings: Settings, agenda: Agenda, callbacks: Callbacks) -> None:
        """Begin without a machine."""
        self.settings = settings
        self.vms: dict[str, VM] = {}
        self.troubles: list[Trouble] = []
        self.no_hosts: list[NoHost] = []
        self._agenda = agenda
        self._callbacks = callbacks
        # Deployments that wait for the workers, with the generation of their machine; None while the workers run.
        self._held: list[tuple[VM, int]] | None = None
        self._addresses = (f"149.165.{156 + number // 244}.{12 + number % 244}" for number in range(244 * 99))

    def call(self, service: str, call: str, provider: Provider) -> None:
        """Make a call to a service of a provider. Raises KeystoneRefused, NovaRefused or CloudUnreachable."""
        trouble = next((each for each in self.troubles if each.strikes(service, call, provider.name)), None)
        if trouble is None:
            return
        if service == "keystone":
            raise KeystoneRefused(trouble.text)
        if trouble.status == 0:
            raise CloudUnreachable(trouble.text)
        raise NovaRefused(trouble.status, trouble.text)

    def of(self, identity: Identity) -> Iterator[VM]:
        """Return an identity's machines, the newest first."""
        return (vm for vm in reversed(self.vms.values()) if vm.identity is identity)

    def next_address(self) -> str:
        """Take a floating IP from the pool."""
        return next(self._addresses)

    def act(self, vm: VM, action: str, now: datetime) -> None:
        """Ask nova for an action, which cancels earlier plans for the machine. Raises NovaRefused."""
        transition = TRANSITIONS[action]
        self.call("nova", f"POST action/{transition.name or action}", vm.identity.provider)
        _require_state(vm, transition, action)
        vm.generation += 1
        # Each of two hard reboots has a deployment.
        if vm.task_state is None or vm.task_state not in transition.tasks_allowed:
            vm.deployment_generation += 1
        vm.begun = (now, vm.nova_status)
        _apply(vm, transition.begin)
        for step in _steps(vm, transition, now):
            self._later(vm, now, step.after * self._transition(vm), partial(_change, vm, step.changes))

    def launch(self, vm: VM, now: datetime, *, set_up: bool = True) -> None:
        """Let a machine that is being built become active, unless it finds no host, and deploy it.

        ``set_up`` False: it gets an address, and no more.
        """
        no_host = next((each for each in self.no_hosts if each.strikes(vm.name)), None)
        if no_host is not None:
            failure = Step(LAUNCH_FAILS_AFTER, _error(no_host.text, now))
            self._later(vm, now, failure.after * self._transition(vm), partial(_change, vm, failure.changes))
            return
        for step in LAUNCH:
            self._later(vm, now, step.after * self._transition(vm), partial(_change, vm, step.changes))
        vm.set_up = set_up
        self.deploy(vm, "launch", now, active_in=LAUNCH[-1].after)

    def delete(self, vm: VM, now: datetime) -> None:
        """Delete a machine in any state. Its address goes at once."""
        _cancel_all(vm)
        vm.task_state = "deleting"
        vm.drop_addresses()
        self._later(vm, now, DELETION_TAKES * self._transition(vm), lambda _now: self.remove(vm))

    def remove(self, vm: VM) -> None:
        """Remove a machine at once."""
        self.vms.pop(vm.uuid, None)
        vm.removed = True
        self._callbacks.removed(vm)

    def deploy(self, vm: VM, action: str, now: datetime, *, active_in: float = 1.0) -> None:
        """Have Atmosphere's workers deploy a machine that becomes active by an action, after ``active_in`` transitions.

        It gets an address, if it has none, and is ready when the settings say so.
        """
        active = active_in * self._transition(vm)
        wait = self.settings.deploy_after.get(action)
        if wait is None:
            wait = active + self.settings.deploy_phases.begin * self.settings.deploy * vm.quirks.slowness
        self._later_in_deployment(vm, now, max(active, wait), partial(self._begin_deployment, vm))

    def hold_workers(self) -> None:
        """Stop Atmosphere's workers: no deployment begins."""
        if self._held is None:
            self._held = []

    def release_workers(self, now: datetime) -> None:
        """Let the workers go on, beginning with the deployments that wait."""
        held, self._held = self._held or [], None
        for vm, generation in held:
            if vm.deployment_generation == generation:
                self._begin_deployment(vm, now)

    def finish_deploying(self, vm: VM, seconds: float, now: datetime) -> None:
        """Let a machine that is being deployed become ready after ``seconds``."""
        self._later_in_deployment(vm, now, seconds, partial(self._finish, vm))

    def _begin_deployment(self, vm: VM, now: datetime) -> None:
        if self._held is not None:
            self._held.append((vm, vm.deployment_generation))
            return
        phases = self.settings.deploy_phases

        def later(phase: float, do: Callable[[datetime], None]) -> None:
            seconds = (phase - phases.begin) * self.settings.deploy * vm.quirks.slowness
            self._later_in_deployment(vm, now, seconds, do)

        if vm.tmp_status != "redeploying":
            _set_up(vm, "initializing", now)
        if vm.address == NO_ADDRESS:
            later(phases.networking, partial(_set_up, vm, "networking"))
            later(phases.address, partial(self._connect, vm))
            if not vm.set_up:
                later(phases.deploying, partial(_set_up, vm, ""))
                return
            later(phases.deploying, partial(_set_up, vm, "deploying"))
        else:
            later(phases.networking, partial(_set_up, vm, "deploying"))
        later(1.0, partial(self._finish, vm))

    def force(self, vm: VM, **changes: object) -> None:
        """Put a machine into any state at once, as an operator of the cloud could."""
        _cancel_all(vm)
        _apply(vm, changes)

    def _transition(self, vm: VM) -> float:
        return self.settings.transition * vm.quirks.slowness

    def _connect(self, vm: VM, _now: datetime) -> None:
        if not vm.running:
            return
        if vm.address == NO_ADDRESS:
            vm.address = self.next_address()
        else:
            # Another deployment at the same time found none either when it began.
            vm.more_addresses.append(self.next_address())

    def _finish(self, vm: VM, now: datetime, *, retries: int = _RETRIES) -> None:
        text, vm.quirks.deploy_fails_with = vm.quirks.deploy_fails_with, None
        if text is not None:
            _set_up(vm, "deploy_error", now)
            vm.deploy_fault = {"display_error": text, "traceback": ""}
        elif not vm.running or self._callbacks.deployed(vm):
            _set_up(vm, "", now)
        elif retries:
            self._later_in_deployment(vm, now, _RETRY_AFTER, partial(self._finish, vm, retries=retries - 1))
        else:
            _set_up(vm, "user_deploy_error", now)

    def _later(self, vm: VM, now: datetime, seconds: float, do: Callable[[datetime], None]) -> None:
        generation = vm.generation

        def unless_overtaken(moment: datetime) -> None:
            if vm.generation == generation:
                do(moment)

        self._agenda.at(now + timedelta(seconds=seconds), unless_overtaken)

    def _later_in_deployment(self, vm: VM, now: datetime, seconds: float, do: Callable[[datetime], None]) -> None:
        generation = vm.deployment_generation

        def unless_cancelled(moment: datetime) -> None:
            if vm.deployment_generation == generation:
                do(moment)

        self._agenda.at(now + timedelta(seconds=seconds), unless_cancelled)


def _cancel_all(vm: VM) -> None:
    """Let nothing that was begun go on."""
    vm.generation += 1
    vm.deployment_generation += 1


def _set_up(vm: VM, tmp_status: str, _now: datetime) -> None:
    if vm.running:
        vm.tmp_status = tmp_status


def _steps(vm: VM, transition: Transition, now: datetime) -> Iterable[Step]:
    """Return the steps of a transition; the last one leads into error where the quirks say so."""
    text, vm.quirks.fails_with = vm.quirks.fails_with, None
    if text is None:
        return transition.steps
    return [*(step for step in transition.steps if step.after < 1.0), Step(1.0, _error(text, now))]


def _error(text: str, now: datetime) -> Changes:
    fault = {"message": text, "code": 500, "created": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {"vm_state": "error", "task_state": None, "fault": fault}


def _change(vm: VM, changes: Changes, _now: datetime) -> None:
    _apply(vm, changes)


def _apply(vm: VM, changes: Changes) -> None:
    for name, value in changes.items():
        setattr(vm, name, value)


def _require_state(vm: VM, transition: Transition, action: str) -> None:
    """Raise NovaRefused unless the state of a machine allows an action."""
    name = transition.name or action
    if vm.quirks.refuses is not None:
        raise NovaRefused(409, vm.quirks.refuses)
    if vm.vm_state not in transition.vm_states:
        raise NovaRefused(409, f"Cannot '{name}' instance {vm.uuid} while it is in vm_state {vm.vm_state}")
    if vm.task_state is not None and vm.task_state not in transition.tasks_allowed:
        raise NovaRefused(409, f"Cannot '{name}' instance {vm.uuid} while it is in task_state {vm.task_state}")
    if not vm.launched:
        raise NovaRefused(409, f"Instance {vm.uuid} is in an invalid state for '{name}'")
