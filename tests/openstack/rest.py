# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of OpenStack's APIs, which needs only the standard library. It seeds the cloud and makes fleets."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.parse
from collections import defaultdict
from typing import Any

TIMEOUT_SECONDS = 120
# Fleets need these for locks with a reason and for networks "none". cinder refuses a header that names nova alone.
MICROVERSIONS = {"compute": "compute 2.96", "block-storage": "volume 3.70"}


class RestError(Exception):
    """The response to a request is an error. `status`: the HTTP status. `body`: the text of the response."""

    def __init__(self, method: str, url: str, status: int, body: str) -> None:
        super().__init__(f"{method} {url}: {status} {body[:2000]}")
        self.status = status
        self.body = body


class Rest:
    """Sends requests to the internal ports of a cloud's services, as one user of one project. It is thread-safe.

    The token is requested once, since it is valid for longer than any run. Connections stay open until close().
    """

    def __init__(self, identity_url: str, user: str, password: str, project: str) -> None:
        self._identity_url = identity_url
        self._login = {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": user, "password": password, "domain": {"id": "default"}}},
            },
            "scope": {"project": {"name": project, "domain": {"id": "default"}}},
        }
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[http.client.HTTPConnection]] = defaultdict(list)
        self._token = ""
        self._urls: dict[str, str] = {}
        self.project_id = ""
        self.user_id = ""

    def login(self) -> Rest:
        """Request a token and read the catalog, once. Return self."""
        with self._lock:
            if self._token:
                return self
            headers, body = self._send("POST", f"{self._identity_url}/auth/tokens", {"auth": self._login}, {})
            token = body["token"]
            for service in token.get("catalog", []):
                for endpoint in service["endpoints"]:
                    if endpoint["interface"] == "internal":
                        self._urls[service["type"]] = endpoint["url"]
            self.project_id = token["project"]["id"]
            self.user_id = token["user"]["id"]
            self._token = headers["X-Subject-Token"]
        return self

    def close(self) -> None:
        """Close all connections. The next request opens a new one."""
        while self._idle:
            for connection in self._idle.popitem()[1]:
                connection.close()

    def services(self) -> set[str]:
        """Return the types of the services in the catalog."""
        self.login()
        return set(self._urls)

    def get(self, service: str, path: str) -> Any:
        return self.request(service, "GET", path)

    def post(self, service: str, path: str, content: Any) -> Any:
        return self.request(service, "POST", path, content)

    def put(self, service: str, path: str, content: Any = None) -> Any:
        return self.request(service, "PUT", path, content)

    def delete(self, service: str, path: str, *, missing_is_fine: bool = True) -> None:
        try:
            self.request(service, "DELETE", path)
        except RestError as error:
            if error.status != 404 or not missing_is_fine:
                raise

    def request(self, service: str, method: str, path: str, content: Any = None) -> Any:
        """Send a request, and return the decoded JSON of the response, or None. `content`: for JSON, or bytes.

        Raises RestError.
        """
        self.login()
        base = self._identity_url if service == "identity" else self._urls[service].rstrip("/")
        headers = {"X-Auth-Token": self._token}
        if service in MICROVERSIONS:
            headers["OpenStack-API-Version"] = MICROVERSIONS[service]
        return self._send(method, base + path, content, headers)[1]

    def _send(self, method: str, url: str, content: Any, headers: dict[str, str]) -> tuple[Any, Any]:
        parts = urllib.parse.urlsplit(url)
        body = content if isinstance(content, bytes) or content is None else json.dumps(content).encode()
        kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        headers, status, raw = self._exchange(parts.netloc, method, target, body, {"Content-Type": kind, **headers})
        if status >= 400:
            raise RestError(method, url, status, raw.decode(errors="replace"))
        is_json = raw and "json" in headers.get("Content-Type", "")
        return headers, json.loads(raw) if is_json else None

    def _exchange(
        self, netloc: str, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[Any, int, bytes]:
        while True:
            try:
                connection, fresh = self._idle[netloc].pop(), False
            except IndexError:
                connection, fresh = http.client.HTTPConnection(netloc, timeout=TIMEOUT_SECONDS), True
            try:
                connection.request(method, target, body=body, headers=headers)
                response = connection.getresponse()
                raw = response.read()
            except OSError:
                connection.close()
                if fresh:
                    raise
                # the server may have closed an idle connection: try the next one, or a new one
                continue
            self._idle[netloc].append(connection)
            return response.headers, response.status, raw
