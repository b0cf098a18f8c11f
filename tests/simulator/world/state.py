# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole simulated world: Atmosphere's tables, the cloud, and the clock that moves both."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock, SystemClock
from ..settings import Settings
from . import database
from .agenda import Agenda
from .cloud import Callbacks, Cloud
from .records import NO_ADDRESS, Identity, Instance, Size, Token, User, Version
from .storage import Storage
from .tables import NOVA_FAULT, Tables
from .transitions import DELETION_TAKES
from .trouble import NoHost, Trouble
from .vm import STATES, VM, Look, Quirks


class World(Tables):
    """The cloud, the database and the clock. Tests may change all of it, also while it is served, under ``lock``.

    Where a method takes an instance, its name, uuid or number will do.
    """

    def __init__(self, clock: Clock | None = None, settings: Settings | None = None) -> None:
        """Begin empty. Without a clock it runs on the machine's time."""
        self.clock: Clock = clock or SystemClock()
        self.settings = settings or Settings()
        self.lock = threading.RLock()
        self.agenda = Agenda()
        callbacks = Callbacks(deployed=self._note_desktop, removed=self._release_volumes)
        super().__init__(Cloud(self.settings, self.agenda, callbacks), self.clock.now())
        self.storage = Storage(self.settings, self.agenda, self.volumes)
        # Machines that Atmosphere does not know, with their size, version and start date.
        self._unknown: dict[str, tuple[Size, Version, datetime]] = {}
        self.tokens: dict[str, Token] = {}
        self.sessions: dict[str, Token] = {}
        # v1's list by identity, and details by URL, each with the time at which it expires.
        self.list_cache: dict[str, tuple[datetime, list[tuple[Instance, Look]]]] = {}
        self.page_cache: dict[str, tuple[datetime, Any]] = {}
        self._plan_monitor(self.created)

    # Time.

    def now(self) -> datetime:
        """Return the time of this world."""
        return self.clock.now()

    def settle(self) -> None:
        """Let all events happen that are due. The simulator does so before each request."""
        with self.lock:
            self.agenda.catch_up(self.now())

    def monitor(self) -> None:
        """Run Atmosphere's periodic job, as it does every 15 minutes: v2 then has the true states."""
        with self.lock:
            self.settle()
            self._look_at_all(self.now())

    def _plan_monitor(self, now: datetime) -> None:
        def run(moment: datetime) -> None:
            self._look_at_all(moment)
            self._plan_monitor(moment)

        self.agenda.at(now + timedelta(seconds=self.settings.monitor_interval), run)

    def _look_at_all(self, moment: datetime) -> None:
        for instance in self.instances:
            if instance.end_date is not None:
                continue
            vm = self.cloud.vms.get(instance.uuid)
            if vm is None:
                self.end(instance, moment)
            else:
                self.remember(instance, vm.look(), moment)

    def _note_desktop(self, vm: VM) -> bool:
        """Record the desktop, which a deployment writes into the database at once, unlike the state.

        Returns whether the last step succeeds: it needs the instance's project.
        """
        instance = self.instance(vm.uuid)
        instance.vnc = instance.web_desktop = True
        return instance.project is not None

    def _release_volumes(self, vm: VM) -> None:
        self.storage.release(vm)

    # The true states, apart from Atmosphere's record of them.

    def vm(self, which: str | int) -> VM:
        """Return the machine of an instance, as it is now. Raises KeyError."""
        with self.lock:
            self.settle()
            return self.cloud.vms[self.instance(which).uuid]

    def look(self, which: str | int) -> Look:
        """Return the state of an instance in the cloud now. Raises KeyError."""
        return self.vm(which).look()

    def states(self) -> dict[str, str]:
        """Return the state of each instance in the cloud now, in v1's words, by name."""
        with self.lock:
            self.settle()
            return {vm.name: vm.look().words for vm in self.cloud.vms.values()}

    # Changes from outside of the API.

    def force(self, which: str | int, state: str | None = None, **changes: object) -> None:
        """Put a machine into another state at once, as an operator of the cloud could, unknown to the database.

        ``state`` is one of STATES; ``changes`` are attributes of VM. Raises KeyError.
        """
        with self.lock:
            reset: dict[str, object] = {"vm_state": "active", "task_state": None, "tmp_status": ""}
            reset |= {"status_override": None, "fault": {}}
            base = {} if state is None else {**reset, **STATES[state]}
            self.cloud.force(self.vm(which), **{**base, **changes})

    def force_volume(self, which: str | int, status: str) -> None:
        """Leave a volume detached, and in any state of cinder, as in "reserved". Raises KeyError."""
        with self.lock:
            self.settle()
            volume = self.volume(which)
            volume.generation += 1
            volume.status, volume.attached_to, volume.device = status, None, None

    def vanish(self, which: str | int) -> None:
        """Delete a machine past Atmosphere. Raises KeyError."""
        with self.lock:
            self.cloud.remove(self.cloud.vms[self.instance(which).uuid])

    def launch(
        self,
        name: str,
        identity: Identity,
        size: Size,
        version: Version,
        *,
        uuid: str | None = None,
        set_up: bool = True,
        **attributes: Any,
    ) -> Instance:
        """Launch an instance through Atmosphere: it is built, becomes active, and is deployed.

        It goes into the first project of the user unless one is given, or None. ``set_up`` False: it only gets an
        address.
        """
        with self.lock:
            self.settle()
            attributes.setdefault("project", self.first_project(identity.user))
            vm = {"task_state": "scheduling", "tmp_status": "initializing"}
            instance = self.add_instance(
                name,
                identity,
                size,
                version,
                state="build",
                vm=vm,
                uuid=uuid or self.random_uuid(),
                start_date=self.now().replace(microsecond=0),
                token=attributes.pop("token", None) or self.random_uuid(),
                **attributes,
            )
            self.cloud.launch(self.cloud.vms[instance.uuid], self.now(), set_up=set_up)
            self.forget_list(identity)
            return instance

    def launch_in_nova(
        self, name: str, identity: Identity, size: Size, version: Version, *, uuid: str | None = None
    ) -> str:
        """Launch a machine past Atmosphere, and return its uuid. Atmosphere knows it from the first read by v1 on."""
        with self.lock:
            self.settle()
            vm = self.new_vm(uuid or self.random_uuid(), name, identity, "active", {"address": NO_ADDRESS})
            self.cloud.vms[vm.uuid] = vm
            self._unknown[vm.uuid] = (size, version, self.now().replace(microsecond=0))
            return vm.uuid

    def known(self, vm: VM, reader: User) -> Instance:
        """Return the row of a machine. Where there is none, one is made, and ``reader`` becomes its user."""
        instance = self.instance_with(vm.uuid)
        if instance is not None:
            return instance
        size, version, start_date = self._unknown.pop(vm.uuid)
        return self.add_instance(
            vm.name, vm.identity, size, version, machine=vm, uuid=vm.uuid, user=reader, start_date=start_date
        )

    def delete_later(self, instance: Instance) -> None:
        """Have one of Atmosphere's workers delete a machine, and end-date its row when it is gone."""
        with self.lock:
            vm, now = self.cloud.vms.get(instance.uuid), self.now()
            if vm is not None:
                self.cloud.delete(vm, now)
                self.forget_list(instance.identity)
            seconds = 0.0 if vm is None else (DELETION_TAKES + 0.25) * self.settings.transition
            self.agenda.at(now + timedelta(seconds=seconds), lambda moment: self.end(instance, moment))

    def end(self, instance: Instance, moment: datetime | None = None) -> None:
        """End-date an instance and its last row of history: it is not listed any more."""
        if instance.end_date is None:
            instance.end_date = instance.latest.end = moment or self.now()

    def misbehave(
        self,
        which: str | int,
        *,
        fails_with: str | None = None,
        slowness: float = 1.0,
        refuses: str | None = None,
        deploy_fails_with: str | None = None,
    ) -> None:
        """Make one instance fail, be slow or refuse (see Quirks); without arguments, make it behave again."""
        quirks = Quirks(fails_with=fails_with, slowness=slowness, refuses=refuses, deploy_fails_with=deploy_fails_with)
        with self.lock:
            self.vm(which).quirks = quirks

    def trouble(self, trouble: Trouble) -> None:
        """Add a fault between Atmosphere and the cloud."""
        with self.lock:
            self.cloud.troubles.append(trouble)

    def no_host(self, name: str = "", *, times: int | None = 1, skip: int = 0, text: str = NOVA_FAULT) -> None:
        """Let launches of instances with such a name (a regular expression) find no host (see NoHost)."""
        with self.lock:
            self.cloud.no_hosts.append(NoHost(text, name, times, skip))

    def nova_down(self, status: int = 503, provider: str | None = None) -> None:
        """Let nova of a provider (by name, None: of all) answer nothing but a status; 0: break every connection."""
        text = "Service Unavailable" if status == 503 else "Unexpected API Error."
        self.trouble(Trouble("nova", status=status, text=text, times=None, provider=provider))

    def nova_up(self) -> None:
        """End all trouble between Atmosphere and the cloud."""
        with self.lock:
            self.cloud.troubles.clear()
            self.cloud.no_hosts.clear()

    def hold_workers(self) -> None:
        """Stop Atmosphere's workers: machines become active, but their deployments do not begin."""
        with self.lock:
            self.settle()
            self.cloud.hold_workers()

    def release_workers(self) -> None:
        """Let Atmosphere's workers go on."""
        with self.lock:
            self.settle()
            self.cloud.release_workers(self.now())

    def end_provider(self, name: str, moment: datetime | None = None) -> None:
        """Give a provider an end date, now or at another moment. Raises KeyError."""
        with self.lock:
            self.provider(name).end_date = moment or self.now()

    # Atmosphere's record.

    def remember(self, instance: Instance, look: Look, moment: datetime | None = None) -> None:
        """Record the state of a machine in the database."""
        database.remember(instance, look, moment or self.now(), self.new_period_ids)

    def new_period_ids(self) -> tuple[int, str]:
        """Return number and uuid for a row of history."""
        return self.next_id("period"), self.random_uuid()

    def forget_list(self, identity: Identity) -> None:
        """Empty v1's cache of an identity's list."""
        self.list_cache.pop(identity.uuid, None)

    def new_token(self, user: User, issuer: str = "ModelBackend", lifetime: float | None = None) -> str:
        """Return a token for a user, as a login would; ``lifetime`` in seconds may be below 0: it has expired then."""
        now = self.now()
        seconds = self.settings.token_lifetime if lifetime is None else lifetime
        token = Token(secrets.token_hex(16), user, issuer, now, now + timedelta(seconds=seconds))
        self.tokens[token.key] = token
        return token.key

    def expire_tokens(self) -> None:
        """Expire all tokens given so far."""
        with self.lock:
            for token in self.tokens.values():
                token.expires = self.now()
