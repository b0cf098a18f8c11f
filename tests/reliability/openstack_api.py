# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The APIs of keystone, nova and glance over the servers of nova.py, as far as the client uses them.

The forms and texts of responses are those of real services (tests/unit/fakes/recorded.py).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..simulator.api.handling import RawRequest, RawResponse
from ..unit.fakes.recorded import recorded
from .nova import Nova, Refused, Server

REGION = "IU"
JSON = "application/json"
_ACTIONS = {
    "os-start": "start",
    "os-stop": "stop",
    "suspend": "suspend",
    "resume": "resume",
    "shelve": "shelve",
    "unshelve": "unshelve",
    "unpause": "unpause",
}
_ACTION_PATH = re.compile(r"/compute/servers/([^/]+)/action$")
_SERVER_PATH = re.compile(r"/compute/servers/([^/]+)$")
_HISTORY_PATH = re.compile(r"/compute/servers/([^/]+)/os-instance-actions(?:/([^/]+))?$")
# The values that all servers have in common.
_ROW = next(row for row in recorded("servers")["servers"] if row["name"] == "node-1")
_SCOPE = recorded("token")["token"]
USER_ID, USER_NAME = _SCOPE["user"]["id"], _SCOPE["user"]["name"]


def action_of(path: str, body: object) -> tuple[str | None, str | None]:
    """Return the uuid of the instance that a request acts on, and the action in the product's words."""
    found = _ACTION_PATH.search(path)
    if not found or not isinstance(body, dict) or not body:
        return None, None
    [name] = body
    if name == "reboot":
        return found[1], "hard reboot" if body[name].get("type") == "HARD" else "reboot"
    return found[1], _ACTIONS.get(name, name)


@dataclass
class OpenStack:
    """All services of one project. ``page``: the most rows of a list at once. ``lifetime``: a token's, in seconds."""

    nova: Nova
    secret: str
    page: int = 1000
    lifetime: float = 86400.0
    tokens: dict[str, datetime] = field(default_factory=dict)
    image_names: dict[str, str] = field(default_factory=dict)

    def handle(self, raw: RawRequest, now: datetime) -> RawResponse:
        """Return the response to a request."""
        self.nova.settle(now)
        if raw.path.endswith("/v3/auth/tokens"):
            return self._log_in(raw, now)
        expires = self.tokens.get(raw.headers.get("x-auth-token", ""))
        if expires is None or expires <= now:
            return _error(401, "error", "The request you have made requires authentication.", title="Unauthorized")
        try:
            return self._answer(raw)
        except Refused as refused:
            return _error(refused.status, refused.name, str(refused))

    def new_token(self, now: datetime, lifetime: float | None = None) -> str:
        """Return a token, as a login would. ``lifetime``: seconds, below 0 for one that has expired."""
        token = f"gAAAA-{len(self.tokens)}-{hashlib.sha256(self.secret.encode()).hexdigest()[:24]}"
        self.tokens[token] = now + timedelta(seconds=self.lifetime if lifetime is None else lifetime)
        return token

    def _log_in(self, raw: RawRequest, now: datetime) -> RawResponse:
        identity = json.loads(raw.body)["auth"]["identity"]
        if identity["application_credential"]["secret"] != self.secret:
            return _error(401, "error", "The request you have made requires authentication.", title="Unauthorized")
        token = self.new_token(now)
        body = recorded("token")
        body["token"]["expires_at"] = self.tokens[token].strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        base = f"{raw.scheme}://{raw.host}"
        for service in body["token"]["catalog"]:
            for endpoint in service["endpoints"]:
                endpoint["url"] = f"{base}/{service['type']}"
        return RawResponse(201, json.dumps(body).encode(), JSON, [("x-subject-token", token)])

    def _answer(self, raw: RawRequest) -> RawResponse:
        if raw.method == "GET":
            return self._read(raw)
        found = _ACTION_PATH.search(raw.path)
        if raw.method == "POST" and found:
            self._act(self._server(found[1]), json.loads(raw.body))
            return RawResponse(202, b"", None)
        return _error(404, "itemNotFound", "The resource could not be found.")

    def _read(self, raw: RawRequest) -> RawResponse:
        if raw.path == "/compute/servers/detail":
            return _ok(self._list(raw.query))
        if raw.path == "/image/v2/images":
            wanted = raw.query.get("id", "").removeprefix("in:").split(",")
            images = [{"id": each, "name": name} for each, name in self.image_names.items() if each in wanted]
            return _ok({"images": images})
        if found := _HISTORY_PATH.search(raw.path):
            return _ok(self._history(self._server(found[1]), found[2]))
        if found := _SERVER_PATH.search(raw.path):
            return _ok({"server": row_of(self._server(found[1]))})
        return _error(404, "itemNotFound", "The resource could not be found.")

    def _list(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        servers = list(self.nova.servers.values())
        if marker := query.get("marker"):
            ids = [each.uuid for each in servers]
            if marker not in ids:
                raise Refused(400, "badRequest", f"marker [{marker}] not found")
            servers = servers[ids.index(marker) + 1 :]
        size = min(self.page, int(query.get("limit", self.page)))
        more = {"servers_links": [{"rel": "next", "href": "..."}]} if len(servers) > size else {}
        return {"servers": [row_of(each) for each in servers[:size]], **more}

    def _history(self, server: Server, request: str | None) -> Mapping[str, Any]:
        if request is None:
            return {"instanceActions": server.actions}
        entry = next((each for each in server.actions if each["request_id"] == request), None)
        if entry is None:
            raise Refused(404, "itemNotFound", f"Action for request_id {request} on instance {server.uuid} not found")
        result = "Error" if entry["message"] else "Success"
        return {"instanceAction": {**entry, "events": [{"event": f"compute_{entry['action']}", "result": result}]}}

    def _server(self, uuid: str) -> Server:
        server = self.nova.servers.get(uuid)
        if server is None:
            raise Refused(404, "itemNotFound", f"Instance {uuid} could not be found.")
        return server

    def _act(self, server: Server, body: Mapping[str, Any]) -> None:
        if "lock" in body:
            self.nova.lock(server, (body["lock"] or {}).get("locked_reason"))
        elif "unlock" in body:
            self.nova.unlock(server)
        else:
            _uuid, action = action_of(f"/compute/servers/{server.uuid}/action", body)
            if action not in {*_ACTIONS.values(), "reboot", "hard reboot"}:
                raise Refused(400, "badRequest", f"There is no such action: {action}")
            self.nova.act(server, action)


def row_of(server: Server) -> dict[str, Any]:
    """Return a server as nova shows it."""
    return {
        **_ROW,
        "id": server.uuid,
        "name": server.name,
        "user_id": server.user_id,
        "status": server.status,
        "created": server.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hostId": "94f69de6629215a4e721bd1d9c91380cffa97107f8dee0c98b398568" if server.on_host else "",
        "flavor": {**_ROW["flavor"], "original_name": server.flavor},
        "image": {"id": server.image} if server.image else "",
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:vm_state": server.vm_state,
        "OS-EXT-STS:power_state": server.power_state,
        "locked": server.locked,
        "locked_reason": server.lock_reason if server.locked else None,
        **({"fault": {"code": 500, "message": server.fault}} if server.fault and server.vm_state == "error" else {}),
    }


def _ok(body: Mapping[str, Any]) -> RawResponse:
    return RawResponse(200, json.dumps(body).encode(), JSON)


def _error(status: int, name: str, words: str, **more: str) -> RawResponse:
    return RawResponse(status, json.dumps({name: {"code": status, "message": words, **more}}).encode(), JSON)
