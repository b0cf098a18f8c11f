# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A minimal client, for tests of the simulator itself."""

from __future__ import annotations

from typing import Any

import requests
from ansible_collections.jetstream.cloud.tests.simulator import Server


class Browser:
    """Asks a simulator as its user, in JSON. Each request has a connection of its own."""

    def __init__(self, server: Server, user: str = "johndoe") -> None:
        """Have a token, without a login that would be counted."""
        self._server = server
        self._token = server.world.new_token(server.world.users[user])

    def get(self, path: str) -> requests.Response:
        """Get a path."""
        return self._ask("GET", path)

    def act(self, name: str, action: str) -> requests.Response:
        """Ask for an action by v1."""
        return self._ask("POST", f"{self.v1(name)}/action", {"action": action})

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
