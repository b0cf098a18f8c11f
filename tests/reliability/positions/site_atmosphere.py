# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Atmosphere as a site."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from ...simulator import Settings, World, add_colleague, fleet
from ...simulator.api.handling import RawRequest, RawResponse, handle
from ...simulator.world.records import NO_ADDRESS, Instance, Volume
from ...simulator.world.vm import VM
from ...unit.fakes.fake_clock import FakeClock
from ..site import PASSWORD
from .faults import ATMOSPHERE_FAULTS, Fault, atmosphere_error

USER, COLLEAGUE = "johndoe", "janeroe"
FLAVOR = "m1.tiny"
_KEPT = "kept"


class AtmosphereSite:
    """A world with what no task means: a colleague's instance and volume, and some of the user's own. See Site."""

    faults: Mapping[str, Fault] = ATMOSPHERE_FAULTS

    def __init__(self, clock: FakeClock) -> None:
        """Make it."""
        self.accepted: list[str] = []
        self.logins = 0
        self.world: World = fleet(
            names=[_KEPT],
            password=PASSWORD,
            sizes=[FLAVOR],
            projects=(USER, "other"),
            clock=clock,
            settings=Settings(transition=4.0, deploy=20.0, volume_change=4.0, mounting=10.0),
        )
        add_colleague(self.world, COLLEAGUE, of=USER, names=("theirs",))
        self.add_volume(_KEPT, _KEPT)
        self.add_volume("spare")
        theirs = self.world.instance("theirs")
        self.world.attach(self.world.add_volume("theirs", 5, theirs.identity), theirs)

    # --- what a series begins with

    def add_instance(self, name: str, state: str = "active") -> Instance:
        """Add an instance of the user, in its first project."""
        kept = self.world.instance(_KEPT)
        return self.world.add_instance(
            name,
            kept.identity,
            kept.size,
            kept.version,
            state=state,
            project=kept.project,
            allocation_source=kept.allocation_source,
            start_date=self.world.created - timedelta(days=10),
        )

    def add_volume(self, name: str, instance: str | None = None, size: int = 5) -> Volume:
        """Add a volume of the user, attached to an instance or to none."""
        volume = self.world.add_volume(
            name,
            size,
            self.world.instance(_KEPT).identity,
            status="available",
            start_date=self.world.created - timedelta(days=10),
        )
        if instance is not None:
            self.world.attach(volume, self.world.instance(instance))
        return volume

    # --- what there is

    def vms(self, name: str | None = None) -> list[VM]:
        """Return the user's machines as the cloud has them, those of a name or all."""
        self.settle()
        own = [each for each in self.world.cloud.vms.values() if each.identity.user.username == USER]
        return [each for each in own if name in (None, each.name)]

    def volumes(self, name: str | None = None) -> list[Volume]:
        """Return the user's volumes as the cloud has them, those of a name or all."""
        self.settle()
        own = [each for each in self.world.volumes if each.in_cloud and each.identity.user.username == USER]
        return [each for each in own if name in (None, each.name)]

    # --- see Site

    def connection(self, folder: Path) -> tuple[Mapping[str, Any], MutableMapping[str, str]]:
        """Return the options of a login."""
        return {"api_url": "http://127.0.0.1:5000", "username": USER, "password": PASSWORD}, {}

    def is_login(self, raw: RawRequest) -> bool:
        """Return whether a request is a login."""
        return raw.path == "/auth"

    def token_of(self, raw: RawRequest) -> str:
        """Return the token of a request."""
        return raw.headers["authorization"].removeprefix("Token ")

    def handle(self, raw: RawRequest) -> RawResponse:
        """Answer a request."""
        reply = handle(self.world, raw)
        is_done = 200 <= reply.status < 300
        if self.is_login(raw):
            self.logins += is_done
        elif raw.method != "GET" and is_done:
            self.accepted.append(f"{raw.method} {raw.path} {raw.body.decode()}".rstrip())
        return reply

    def settle(self) -> None:
        """Let all due events happen."""
        self.world.settle()

    def expire_tokens(self) -> None:
        """Expire all tokens given so far."""
        self.world.expire_tokens()

    def given_tokens(self) -> Collection[str]:
        """Return the tokens given so far."""
        return self.world.tokens

    def error(self, status: int, words: str) -> RawResponse:
        """Return an error in Atmosphere's own form."""
        return atmosphere_error(status, words)

    def refused_token(self) -> RawResponse:
        """Return the response to a token that the server does not know."""
        body = json.dumps({"detail": "Authentication credentials were not provided."}).encode()
        return RawResponse(403, body, "application/json")

    def state(self) -> str:
        """Return all resources that tasks change, as text."""
        return self._text(USER)

    def of_others(self) -> str:
        """Return all resources that no task may change, as text."""
        ours = [each.look().words for each in self.vms(_KEPT)]
        volumes = [_shown(each) for name in (_KEPT, "spare") for each in self.volumes(name)]
        return self._text(COLLEAGUE) + json.dumps([ours, volumes])

    def _text(self, username: str) -> str:
        self.settle()
        world = self.world
        vms = [
            [each.uuid, each.name, each.look().words, each.address]
            for each in world.cloud.vms.values()
            if each.identity.user.username == username
        ]
        names = [[each.uuid, each.name] for each in world.instances if each.uuid in world.cloud.vms]
        volumes = [_shown(each) for each in world.volumes if each.identity.user.username == username]
        projects = [
            [each.uuid, each.name, each.description]
            for each in world.projects
            if each.created_by.username == username and each.end_date is None
        ]
        return json.dumps([vms, names if username == USER else [], volumes, projects])

    def names(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the user's resources, by kind."""
        projects = [each for each in self.world.projects if each.created_by.username == USER and each.end_date is None]
        return {
            "instance": [each.name for each in self.vms()],
            "volume": [each.name for each in self.volumes()],
            "project": [each.name for each in projects],
        }

    def orphans(self) -> Sequence[str]:
        """Return nothing: Atmosphere releases addresses itself."""
        return ()

    def errors(self) -> Sequence[str]:
        """Return the names of the instances in error."""
        return [each.name for each in self.vms() if each.look().words.startswith("error")]

    def has_address(self, vm: VM) -> bool:
        """Return whether a machine has a floating IP."""
        return vm.address != NO_ADDRESS


def _shown(volume: Volume) -> list[Any]:
    return [volume.uuid, volume.name, volume.size, volume.status, volume.attached_to, volume.description]
