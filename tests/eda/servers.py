# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on loopback: an OpenStack of one project, and an AWX that takes jobs."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.jetstream.cloud.tests.reliability.nova import STATES, Nova, Server
from ansible_collections.jetstream.cloud.tests.reliability.openstack_api import OpenStack
from ansible_collections.jetstream.cloud.tests.simulator.api.handling import RawRequest, RawResponse
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.console_lines import log

SECRET = "a-secret-that-no-event-may-have"
_JSON = "application/json"


class Project:
    """A project of OpenStack with servers, and who acts on them.

    ``used``: how many of 10,000 SU. ``consoles``: texts by the UUID of a server. ``is_down``: nothing is answered but
    that.
    """

    def __init__(self) -> None:
        self.used = 4000.0
        self.is_down = False
        self.consoles: dict[str, str] = {}
        self.nova = Nova(datetime.now(UTC), 1.0, random.Random(1))
        self.openstack = OpenStack(self.nova, secret=SECRET)
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self.url = ""

    def add(self, name: str, state: str = "active") -> Server:
        """Add a server that rests in a state."""
        number = len(self.nova.servers) + 1
        created = datetime(2026, 11, 1, tzinfo=UTC)
        server = Server(f"{number:08d}-0000-4000-8000-000000000000", name, "c0ffee", "m3.small", created)
        for attribute, value in STATES[state].items():
            setattr(server, attribute, value)
        self.nova.servers[server.uuid] = server
        return server

    def stop(self, server: Server) -> None:
        """Let another user of the project stop a server."""
        with self.lock:
            self.nova.settle(datetime.now(UTC))
            self.nova.act(server, "stop")

    def rest(self, server: Server, hours: int = 2) -> None:
        """Let the console of a server show that it has computed nothing for hours."""
        self.consoles[server.uuid] = log([0] * 60 * hours, end=time.time())

    def handle(self, raw: RawRequest) -> RawResponse:
        """Answer a request: allocations and consoles here, all else by the services of the project."""
        if self.is_down:
            return RawResponse(503, b"down for maintenance", "text/plain")
        if raw.path == "/accounting/":
            return RawResponse(200, json.dumps([self._allocation()]).encode(), _JSON)
        if b"os-getConsoleOutput" in raw.body:
            text = self.consoles.get(raw.path.split("/")[-2], "")
            return RawResponse(200, json.dumps({"output": text}).encode(), _JSON)
        return self.openstack.handle(raw, datetime.now(UTC))

    def _allocation(self) -> dict[str, Any]:
        today = datetime.now(UTC).date()
        return {
            "resource": "jetstream2.indiana.xsede.org",
            "service_units_allocated": 10_000.0,
            "service_units_used": self.used,
            "start_date": str(today - timedelta(days=60)),
            "end_date": str(today + timedelta(days=300)),
            "active": 1,
        }

    @property
    def profile(self) -> str:
        """The profile that logs in to it."""
        login = f'application_credential_id = "0123"\napplication_credential_secret = "{SECRET}"\n'
        return f'backend = "openstack"\nauth_url = "{self.url}/v3"\nregion = "IU"\n{login}'


@contextmanager
def a_project(project: Project) -> Iterator[None]:
    """Serve a project for as long as the with statement lasts."""

    class Handler(_Quiet):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query))
            host = headers.get("host", "")
            raw = RawRequest(self.command, "http", host, parts.path, parts.query, query, headers, body)
            with project.lock:
                project.requests.append(f"{self.command} {parts.path}")
                response = project.handle(raw)
            self.respond(response.status, response.body, response.content_type, response.headers)

        do_GET = do_POST = answer  # noqa: N815

    with _serving(Handler) as project.url:
        yield


class Controller:
    """An AWX with job templates. ``launched`` has the name of each that was launched, and the body of the request."""

    def __init__(self, *templates: str) -> None:
        self.templates = templates
        self.launched: list[tuple[str, dict[str, Any]]] = []
        self.url = ""

    def get(self, path: str, query: dict[str, str]) -> Any:
        """Return the response to a GET."""
        if path == "/api/v2/unified_job_templates/":
            return {"results": [self._template(each) for each in self.templates if each == query["name"]], "next": None}
        if path == "/api/v2/jobs/":
            jobs = [{"id": int(each), "status": "successful"} for each in query["id__in"].split(",")]
            return {"results": [{**each, "created": "2026-11-23T18:00:00Z", "url": ""} for each in jobs]}
        return {"version": "24.6.1"}

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the response to a POST, which launches a job."""
        number = int(path.split("/")[4])
        self.launched.append((self.templates[number], body))
        return {"id": len(self.launched), "url": f"/api/v2/jobs/{len(self.launched)}/"}

    def _template(self, name: str) -> dict[str, Any]:
        number = self.templates.index(name)
        asks = {"limit": True, "labels": False, "inventory": True, "variables": True}
        return {
            "id": number,
            "name": name,
            "type": "job_template",
            "summary_fields": {"organization": {"name": "Lab"}},
            "related": {"launch": f"/api/v2/job_templates/{number}/launch/"},
            **{f"ask_{each}_on_launch": does for each, does in asks.items()},
        }


@contextmanager
def a_controller(controller: Controller) -> Iterator[None]:
    """Serve an AWX for as long as the with statement lasts."""

    class Handler(_Quiet):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.respond(200, json.dumps(controller.get(parts.path, dict(parse_qsl(parts.query)))).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.respond(201, json.dumps(controller.post(urlsplit(self.path).path, body)).encode())

    with _serving(Handler) as controller.url:
        yield


class _Quiet(BaseHTTPRequestHandler):
    def respond(
        self,
        status: int,
        body: bytes,
        content_type: str | None = "application/json",
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (*(headers or ()), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
