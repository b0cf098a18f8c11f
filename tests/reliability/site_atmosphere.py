# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Atmosphere as a site."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..simulator import Settings, World, add_colleague, fleet
from ..simulator.api.handling import RawRequest, RawResponse, handle
from ..simulator.world.records import NO_ADDRESS, Identity, Instance
from ..simulator.world.vm import VM
from .plans import ATMOSPHERE, ME, Member, Plan
from .records import Accepted, Record, Shown, Touch
from .scheduler import Scheduler
from .site import ACTION, DETAIL, LIST, LOGIN, OTHER, PASSWORD, STATES, ActualState

USER, COLLEAGUE = "johndoe", "janeroe"
IMAGES = ("Ubuntu", "Rocky")
_INSTANCE = re.compile(r"/identity/([^/]+)/instance/([^/]+?)(/action)?$")
_STATES_OF = re.compile(r"/identity/([^/]+)/instance$")
_NO_CREDENTIALS = "Authentication credentials were not provided."
_NOVA_FAILED = re.compile(r"(?:^|irrecoverable exception: )5\d\d ")


class AtmosphereSite:
    """A world of the simulator with the fleet of a plan."""

    cloud = ATMOSPHERE

    def __init__(self, plan: Plan, time: Scheduler, record: Record) -> None:
        """Make the world."""
        self._time = time
        self._record = record
        self._client = ""
        self.members: Sequence[Member] = plan.fleet
        self.world = _world(plan, time)
        self.instances = [self._add(number, each) for number, each in enumerate(plan.fleet)]
        self.uuids = [each.uuid for each in self.instances]
        self.ids = [str(each.id) for each in self.instances]
        self._act = self.world.cloud.act
        self.world.cloud.act = self._recorded_act  # type: ignore[method-assign]

    def options(self, client: str, url: str, home: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Return the options of the connection of a client, and variables of its environment."""
        return {"api_url": url, "username": USER, "password": PASSWORD}, {}

    def provider_of(self, number: int) -> str:
        """Return the name of the provider of a member."""
        return self.instances[number].provider.name

    def handle(self, raw: RawRequest, client: str) -> RawResponse:
        """Answer a request."""
        self._client = client
        try:
            return handle(self.world, raw)
        finally:
            self._client = ""

    def act_as_somebody(self, number: int, action: str, *, user: str = USER) -> None:
        """Let another user act on a member on the web page, now."""
        instance = self.instances[number]
        identity = instance.identity
        body = {"action": "reboot", "reboot_type": "SOFT"} if action == "reboot" else {"action": action}
        raw = RawRequest(
            method="POST",
            scheme="http",
            host="somebody",
            path=f"/api/v1/provider/{identity.provider.uuid}/identity/{identity.uuid}/instance/{instance.uuid}/action",
            query_string="",
            query={},
            headers={
                "accept": "application/json",
                "content-type": "application/json",
                "authorization": f"Token {self.world.new_token(self.world.users[user])}",
            },
            body=json.dumps(body).encode(),
        )
        self.touch(number, action)
        self.handle(raw, "somebody")

    def read_states(self, place: int) -> None:
        """Let another user read the list of an identity, which fills its cache."""
        identity = self.identity(ME, place)
        token = self.world.new_token(self.world.users[USER])
        path = f"/api/v1/provider/{identity.provider.uuid}/identity/{identity.uuid}/instance"
        headers = {"accept": "application/json", "authorization": f"Token {token}"}
        self.handle(RawRequest("GET", "http", "somebody", path, "", {}, headers, b""), "somebody")

    def touch(self, number: int, kind: str) -> None:
        """Record a change of a member by none of the clients."""
        self._record.touches.append(Touch(self._time.monotonic(), self.uuids[number], kind))

    def sort_of(self, raw: RawRequest) -> str:
        """Return the sort of a request."""
        if raw.path.endswith("/auth"):
            return LOGIN
        if raw.path.startswith("/api/v2/instances"):
            return LIST
        if _STATES_OF.search(raw.path):
            return STATES
        if found := _INSTANCE.search(raw.path):
            return ACTION if found[3] else DETAIL
        return OTHER

    def action_of(self, raw: RawRequest, body: object) -> tuple[str | None, str | None]:
        """Return the uuid of the instance that a request acts on, and the action in the product's words."""
        found = _INSTANCE.search(raw.path)
        if raw.method != "POST" or not found or not found[3] or not isinstance(body, dict):
            return None, None
        action = str(body.get("action"))
        if action == "reboot" and str(body.get("reboot_type")).upper() == "HARD":
            action = "hard reboot"
        return found[2], action

    def shown(self, client: str, raw: RawRequest, reply: RawResponse, *, odd: bool) -> list[Shown]:
        """Return the states of instances in a response. ``odd``: whether a fault has changed it."""
        if raw.method != "GET":
            return []
        try:
            body = json.loads(reply.body)
        except (ValueError, RecursionError):
            return []
        try:
            return [replace(each, odd=odd) for each in self._shown(raw, reply.status, body)]
        except (AttributeError, KeyError, TypeError):
            return []

    def _shown(self, raw: RawRequest, status: int, body: Any) -> list[Shown]:
        if (found := _INSTANCE.search(raw.path)) and not found[3]:
            if status == 404:
                return [Shown(found[2], "missing")]
            return [Shown(found[2], str(body["status"]))] if status == 200 else []
        if status != 200:
            return []
        if found := _STATES_OF.search(raw.path):
            rows = [row for row in body if isinstance(row.get("alias"), str)]
            listed = {row["alias"]: str(row.get("status")) for row in rows}
            mine = [each.uuid for each in self.instances if each.identity.uuid == found[1]]
            # One that is not listed may be in a row that cannot be read.
            is_complete = len(rows) == len(body)
            return [Shown(uuid, listed.get(uuid, "missing")) for uuid in mine if uuid in listed or is_complete]
        if raw.path.startswith("/api/v2/instances"):
            rows = [row for row in body["results"] if isinstance(row.get("uuid"), str)]
            return [Shown(row["uuid"], _joined(row.get("status"), row.get("activity")), False) for row in rows]
        return []

    def is_token_refused(self, reply: RawResponse) -> bool:
        """Return whether a response refuses the token."""
        return reply.status == 403 and _NO_CREDENTIALS in reply.body.decode("utf-8", "replace")

    def is_doubtful(self, reply: RawResponse) -> bool:
        """Return whether a refused request may have been carried out."""
        return reply.status in (403, 409) and _NOVA_FAILED.search(_words(reply)) is not None

    def actual_state(self, uuid: str) -> ActualState:
        """Return an instance as the cloud has it now."""
        self.world.settle()
        vm = self.world.cloud.vms.get(uuid)
        if vm is None:
            return ActualState("missing")
        look = vm.look()
        address = None if vm.address == NO_ADDRESS else vm.address
        return ActualState(look.words, running=vm.running, refuses=vm.quirks.refuses is not None, address=address)

    def secrets(self) -> Collection[str]:
        """Return all that must not be in any output."""
        return {PASSWORD, *self.world.tokens}

    def end_faults(self) -> None:
        """End all faults of the cloud."""
        self.world.nova_up()
        self.world.release_workers()
        self.world.maintenance.clear()
        for provider in self.world.providers:
            provider.end_date = None
        for vm in self.world.cloud.vms.values():
            vm.quirks.fails_with = vm.quirks.deploy_fails_with = vm.quirks.refuses = None

    def identity(self, owner: str, place: int) -> Identity:
        """Return an owner's account at a provider."""
        name = USER if owner == ME else COLLEAGUE
        found = [each for each in self.world.identities if each.user.username == name]
        return found[place % len(found)]

    def _recorded_act(self, vm: VM, action: str, now: datetime) -> None:
        self._act(vm, action, now)
        self._record.accepted.append(Accepted(self._time.monotonic(), vm.uuid, action, self._client))

    def _add(self, number: int, member: Member) -> Instance:
        world, identity = self.world, self.identity(member.owner, member.place)
        provider = identity.provider
        user = world.users[USER if member.owner == ME else COLLEAGUE]
        return world.add_instance(
            member.name,
            identity,
            next(size for size in world.sizes if size.provider is provider and size.name == member.flavor),
            next(each for each in world.versions if each.provider is provider and each.image.name == member.image),
            state=member.state,
            project=next(each for each in world.projects if each.name == member.project),
            allocation_source=next(each for each in world.allocation_sources if user in each.users),
            start_date=world.created - timedelta(days=30, minutes=-number),
        )


def _world(plan: Plan, time: Scheduler) -> World:
    settings = dict(plan.settings)
    places, shared = settings.pop("providers", 1), settings.pop("share_identities", None)
    world = fleet(
        names=(),
        password=PASSWORD,
        projects=("johndoe", "night-runs"),
        identities=places,
        providers=places,
        clock=time,
        settings=Settings(v1_list_cost=0.03, v2_list_cost=0.07, detail_cost=0.075, **settings),
    )
    for image in [world.add_image(name, world.users["atmoadmin"]) for name in IMAGES]:
        for identity in [each for each in world.identities if each.user.username == USER]:
            world.add_version(f"of {identity.provider.name}", image, identity)
    if shared is not None:
        add_colleague(world, COLLEAGUE, of=USER, names=(), share_identities=shared)
    return world


def _joined(status: object, activity: object) -> str:
    return f"{str(status).lower()} - {activity}" if activity else str(status).lower()


def _words(reply: RawResponse) -> str:
    try:
        body = json.loads(reply.body)
        return str(body["errors"][0]["message"]) if "errors" in body else str(body.get("detail", ""))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return ""
