# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project of OpenStack as a site: nova.py behind openstack_api.py."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..simulator.api.handling import RawRequest, RawResponse
from . import openstack_api
from .nova import RUNNING, STATES, Nova, Refused, Server
from .openstack_api import USER_ID, OpenStack, action_of
from .plans import JETSTREAM2, ME, Member, Plan
from .records import Accepted, Record, Shown, Touch
from .scheduler import START, Scheduler
from .site import ACTION, DETAIL, LIST, LOGIN, OTHER, PASSWORD, ActualState

COLLEAGUE_ID = "a17cdcfb45344493abb7c4282a1eeeb1"
SERVERS = "/compute/servers/"


class Jetstream2Site:
    """A project with the fleet of a plan."""

    cloud = JETSTREAM2

    def __init__(self, plan: Plan, time: Scheduler, record: Record) -> None:
        """Make the project."""
        self._time = time
        self._record = record
        self._client = ""
        self._clouds: dict[str, Any] = {}
        # The pages of a list so far, by client, and whether one of them was changed by a fault.
        self._listed: dict[str, dict[str, Shown]] = {}
        self._odd: dict[str, bool] = {}
        self.members: Sequence[Member] = plan.fleet
        settings = dict(plan.settings)
        self.nova = Nova(START, settings.pop("transition"), random.Random(plan.seed))
        self.openstack = OpenStack(self.nova, secret=PASSWORD, **settings)
        numbers = random.Random(plan.seed)
        self.uuids = [_uuid(numbers) for _member in plan.fleet]
        self.ids = self.uuids
        for uuid, member in zip(self.uuids, plan.fleet, strict=True):
            self._add(uuid, member)
        self._act = self.nova.act
        self.nova.act = self._recorded_act  # type: ignore[method-assign]

    def options(self, client: str, url: str, home: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Return the options of the connection of a client, and variables of its environment."""
        credential = {"application_credential_id": "0123", "application_credential_secret": PASSWORD}
        self._clouds[client] = {
            "auth_type": "v3applicationcredential",
            "auth": {"auth_url": f"{url}/v3", **credential},
            "region_name": openstack_api.REGION,
        }
        # One file for all: openstacksdk reads its path from the environment of the process.
        file = home.parent / "clouds.yaml"
        file.write_text(json.dumps({"clouds": self._clouds}), encoding="utf-8")
        return {"cloud": client}, {"OS_CLIENT_CONFIG_FILE": str(file)}

    def provider_of(self, _number: int) -> str:
        """Return the name of the provider of a member: there is one region."""
        return openstack_api.REGION

    def handle(self, raw: RawRequest, client: str) -> RawResponse:
        """Answer a request."""
        self._client = client
        try:
            return self.openstack.handle(raw, self._time.now())
        finally:
            self._client = ""

    def act_as_somebody(self, number: int, action: str) -> None:
        """Let another member of the project act on an instance, now."""
        self.touch(number, action)
        self.nova.settle(self._time.now())
        server = self.nova.servers.get(self.uuids[number])
        if server is None:
            return
        self._client = "somebody"
        try:
            self.nova.act(server, action)
        except Refused:
            pass
        finally:
            self._client = ""

    def server(self, number: int) -> Server | None:
        """Return the server of a member, as it is now."""
        self.nova.settle(self._time.now())
        return self.nova.servers.get(self.uuids[number])

    def touch(self, number: int, kind: str) -> None:
        """Record a change of a member by none of the clients."""
        self._record.touches.append(Touch(self._time.monotonic(), self.uuids[number], kind))

    def sort_of(self, raw: RawRequest) -> str:
        """Return the sort of a request."""
        if raw.path.endswith("/auth/tokens"):
            return LOGIN
        if raw.path == f"{SERVERS}detail":
            return LIST
        if raw.path.startswith(SERVERS):
            return ACTION if raw.method == "POST" else DETAIL
        return OTHER

    def action_of(self, raw: RawRequest, body: object) -> tuple[str | None, str | None]:
        """Return the uuid of the instance that a request acts on, and the action in the product's words."""
        return action_of(raw.path, body) if raw.method == "POST" else (None, None)

    def shown(self, client: str, raw: RawRequest, reply: RawResponse, *, odd: bool) -> list[Shown]:
        """Return the states of instances in a response. ``odd``: whether a fault has changed it."""
        if raw.method != "GET" or not raw.path.startswith(SERVERS):
            return []
        try:
            return self._shown(client, raw, reply.status, json.loads(reply.body), odd=odd)
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
            return []

    def _shown(self, client: str, raw: RawRequest, status: int, body: Any, *, odd: bool) -> list[Shown]:
        name = raw.path.removeprefix(SERVERS)
        if name != "detail":
            if "/" in name:
                return []
            if status == 404:
                return [Shown(name, "missing", odd=odd)]
            return [_shown_row(body["server"], odd=odd)] if status == 200 else []
        if status != 200:
            return []
        if "marker" not in raw.query:
            self._listed[client] = {}
            self._odd[client] = False
        self._odd[client] = self._odd.get(client, False) or odd
        listed = self._listed.setdefault(client, {})
        rows = [row for row in body["servers"] if isinstance(row.get("id"), str)]
        listed.update({row["id"]: _shown_row(row) for row in rows})
        if body.get("servers_links"):
            # A list that does not come to its end shows nothing.
            return []
        return [replace(listed.get(uuid, Shown(uuid, "missing")), odd=self._odd[client]) for uuid in self.uuids]

    def is_token_refused(self, reply: RawResponse) -> bool:
        """Return whether a response refuses the token."""
        return reply.status == 401

    def is_doubtful(self, reply: RawResponse) -> bool:
        """Return False: a request that nova refuses was never carried out."""
        return False

    def actual_state(self, uuid: str) -> ActualState:
        """Return an instance as the cloud has it now."""
        self.nova.settle(self._time.now())
        server = self.nova.servers.get(uuid)
        if server is None:
            return ActualState("missing")
        return ActualState(
            _text({"status": server.status, "OS-EXT-STS:task_state": server.task_state}),
            running=server.power_state == RUNNING,
            locked=server.locked,
            locked_by_site=server.locked_by_site,
            lock_reason=server.lock_reason,
            on_host=server.on_host,
            refuses=server.refuses is not None,
        )

    def secrets(self) -> Collection[str]:
        """Return all that must not be in any output."""
        return {PASSWORD, *self.openstack.tokens}

    def end_faults(self) -> None:
        """End all faults of the cloud."""
        for server in self.nova.servers.values():
            server.fails_with = server.refuses = None
            server.falls_back = False

    def _recorded_act(self, server: Server, action: str) -> None:
        self._act(server, action)
        self._record.accepted.append(Accepted(self._time.monotonic(), server.uuid, action, self._client))

    def _add(self, uuid: str, member: Member) -> None:
        image = f"image-of-{member.image}"
        self.openstack.image_names[image] = member.image
        server = Server(
            uuid=uuid,
            name=member.name,
            user_id=USER_ID if member.owner == ME else COLLEAGUE_ID,
            flavor=member.flavor,
            created=START,
            image=image,
            locked=bool(member.lock),
            locked_by_site=member.lock == "site",
            lock_reason=f"kept by its {member.lock}" if member.lock else None,
        )
        self.nova.servers[uuid] = server
        for name, value in STATES[member.state].items():
            setattr(server, name, value)


def _uuid(numbers: random.Random) -> str:
    text = f"{numbers.getrandbits(128):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _shown_row(row: Mapping[str, Any], *, odd: bool = False) -> Shown:
    return Shown(row["id"], _text(row), odd=odd, locked=bool(row.get("locked")))


def _text(row: Mapping[str, Any]) -> str:
    status, task = str(row.get("status")).lower(), row.get("OS-EXT-STS:task_state")
    return f"{status} - {task}" if task else status
