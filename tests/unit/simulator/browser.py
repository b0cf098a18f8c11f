# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A minimal client, for tests of the simulator itself."""

from __future__ import annotations

from typing import Any

import requests
from ansible_collections.jetstream.cloud.tests.simulator import Server
from ansible_collections.jetstream.cloud.tests.simulator.world.records import Identity


class Browser:
    """Sends requests to a simulator as its user, in JSON. Each has a connection of its own."""

    def __init__(self, server: Server, user: str = "johndoe") -> None:
        """Get a token without a login, which would be counted."""
        self._server = server
        self._user = user
        self._token = server.world.new_token(server.world.users[user])

    def get(self, path: str) -> requests.Response:
        """Get a path."""
        return self._ask("GET", path)

    def post(self, path: str, data: Any) -> requests.Response:
        """Post JSON to a path."""
        return self._ask("POST", path, data)

    def act(self, name: str, action: str, **parameters: str) -> requests.Response:
        """Request an action by v1."""
        return self._ask("POST", f"{self.v1(name)}/action", {"action": action, **parameters})

    def launch(self, name: str = "new", **changes: Any) -> requests.Response:
        """Launch an instance by v2, of the world's first size, image, project and allocation source."""
        world = self._server.world
        data = {
            "name": name,
            "source_alias": world.versions[0].machine_uuid,
            "size_alias": world.sizes[0].alias,
            "identity": self._identity().uuid,
            "project": world.projects[0].uuid,
            "allocation_source_id": world.allocation_sources[0].uuid,
        }
        return self.post("/api/v2/instances", {**data, **changes})

    def create_volume(self, name: str = "data", size: int = 10, **changes: Any) -> requests.Response:
        """Create a volume by v2."""
        return self.post("/api/v2/volumes", {"name": name, "size": size, "identity": self._identity().uuid, **changes})

    def volume(self, name: str) -> dict[str, Any]:
        """Return a volume as v1 shows it."""
        row: dict[str, Any] = self.get(f"{self.account()}/volume/{self._server.world.volume(name).uuid}").json()
        return row

    def drop(self, path: str) -> requests.Response:
        """Send a DELETE to a path."""
        return self._ask("DELETE", path)

    def account(self) -> str:
        """Return the path of the user's first identity in v1."""
        identity = self._identity()
        return f"/api/v1/provider/{identity.provider.uuid}/identity/{identity.uuid}"

    def _identity(self) -> Identity:
        return next(each for each in self._server.world.identities if each.user.username == self._user)

    def delete(self, name: str) -> requests.Response:
        """Delete an instance by v1."""
        return self._ask("DELETE", self.v1(name))

    def live(self, name: str) -> str:
        """Return the live state of an instance, past the page cache."""
        seen = self._server.requests.count()
        return str(self.get(f"{self.v1(name)}?nonce={seen}").json()["status"])

    def stored(self, name: str) -> tuple[str, str, str]:
        """Return status, activity and address in the database."""
        row = self.get(f"/api/v2/instances/{self._server.world.instance(name).uuid}").json()
        return row["status"], row["activity"], row["ip_address"]

    def v1(self, name: str) -> str:
        """Return the path of an instance in v1."""
        instance = self._server.world.instance(name)
        identity = instance.identity
        return f"/api/v1/provider/{identity.provider.uuid}/identity/{identity.uuid}/instance/{instance.uuid}"

    def _ask(self, method: str, path: str, data: Any = None) -> requests.Response:
        headers = {"Accept": "application/json", "Authorization": f"Token {self._token}"}
        return requests.request(
            method, self._server.url + path, json=data, headers=headers, timeout=20, allow_redirects=False
        )
