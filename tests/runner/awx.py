# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of AWX as it takes to set it up and to start a job: its objects over HTTP, and what ansible-runner is given.

The objects are kept as they are sent: the modules of awx.awx check their options, and nothing here does. What a
credential puts into a job is made by code of AWX (awx_plugins.interfaces). The variables that AWX adds, and how
it marks those of people as unsafe, are as AWX 24 has them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from ansible_collections.jetstream.cloud.tests.runner.nodes import Json

TOKEN = "a-token-of-an-administrator"
_PREFIX = "/api/v2/"
_HIDDEN = "$encrypted$"
# Lists of objects that belong to another one. All else below an object is a value of it.
_LISTS = ("credentials", "instance_groups", "instances", "notification_templates_error")


@dataclass
class Controller:
    """The objects of AWX by their endpoint and id. ``writes``: the requests that changed something."""

    objects: dict[str, dict[int, Json]] = field(default_factory=dict)
    members: dict[str, list[int]] = field(default_factory=dict)
    surveys: dict[int, Json] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self.create("organizations", {"name": "Default"})
        self.writes.clear()

    def create(self, endpoint: str, values: Json) -> Json:
        """Store an object, and return it as AWX does."""
        # Ids are unique over all kinds, so that a list of templates of all kinds can have them.
        number = 1 + sum(map(len, self.objects.values()))
        self.objects.setdefault(endpoint, {})[number] = {**values, "id": number, "type": endpoint.rstrip("s")}
        self.writes.append(f"POST {endpoint}")
        return self.shown(endpoint, number)

    def shown(self, endpoint: str, number: int) -> Json:
        """Return an object as AWX shows it: without its secrets."""
        url = f"{_PREFIX}{endpoint}/{number}/"
        shown = {**self.objects[endpoint][number], "url": url, "related": {"survey_spec": f"{url}survey_spec/"}}
        if endpoint == "credentials":
            kind = self.objects["credential_types"][shown["credential_type"]]
            secret = {row["id"] for row in kind["inputs"]["fields"] if row.get("secret")}
            shown["inputs"] = {key: _HIDDEN if key in secret else value for key, value in shown["inputs"].items()}
        return shown

    def listed(self, endpoint: str, query: Mapping[str, str]) -> list[Json]:
        """Return the objects that a query selects."""
        kinds = ("job_templates", "projects") if endpoint == "unified_job_templates" else (endpoint,)
        rows = [self.shown(kind, number) for kind in kinds for number in self.objects.get(kind, {})]
        wanted = {key.removeprefix("or__"): value for key, value in query.items() if value != "None"}
        return [row for row in rows if all(str(row.get(key)) == value for key, value in wanted.items())]

    def named(self, endpoint: str, name: str) -> Json:
        """Return an object with its secrets."""
        [found] = [each for each in self.objects[endpoint].values() if each["name"] == name]
        return found

    def members_of(self, endpoint: str, number: int, kind: str) -> list[Json]:
        """Return the objects that belong to another one, with their secrets."""
        return [self.objects[_endpoint(kind)][each] for each in self.members.get(f"{endpoint}/{number}/{kind}", [])]

    def get(self, path: str, query: Mapping[str, str]) -> Json:
        """Answer a GET."""
        match path.split("/"):
            case [endpoint]:
                return _page(self.listed(endpoint, query))
            case ["job_templates", number, "survey_spec"]:
                return self.surveys.get(int(number), {})
            case [endpoint, number, kind] if kind in _LISTS:
                return _page([{"id": each["id"]} for each in self.members_of(endpoint, int(number), kind)])
            case [endpoint, number]:
                return self.shown(endpoint, int(number))
        raise KeyError(path)

    def post(self, path: str, values: Json) -> tuple[int, Json]:
        """Answer a POST with a status and an object."""
        match path.split("/"):
            case [endpoint]:
                return 201, self.create(endpoint, values)
            case ["job_templates", number, "survey_spec"]:
                self.surveys[int(number)] = values
                self.writes.append(f"POST {path}")
                return 200, {}
            case [_endpoint, _number, kind] if kind in _LISTS:
                numbers = self.members.setdefault(path, [])
                if values.get("disassociate"):
                    numbers.remove(values["id"])
                else:
                    numbers.append(values["id"])
                self.writes.append(f"POST {path}")
                return 204, {}
        raise KeyError(path)

    def patch(self, path: str, values: Json) -> Json:
        """Answer a PATCH."""
        endpoint, number = path.split("/")
        self.objects[endpoint][int(number)] |= values
        self.writes.append(f"PATCH {path} {sorted(values)}")
        return self.shown(endpoint, int(number))


def _endpoint(kind: str) -> str:
    return "notification_templates" if kind.startswith("notification_templates") else kind


def _page(rows: list[Json]) -> Json:
    return {"count": len(rows), "next": None, "previous": None, "results": rows}


@contextmanager
def a_controller() -> Iterator[Controller]:
    """Serve an empty AWX on loopback for as long as the with statement lasts."""
    controller = Controller()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            self._answer(lambda path: (200, controller.get(path, dict(parse_qsl(address.query)))))

        def do_POST(self) -> None:
            values = self._values()
            self._answer(lambda path: controller.post(path, values))

        def do_PATCH(self) -> None:
            values = self._values()
            self._answer(lambda path: (200, controller.patch(path, values)))

        def _values(self) -> Json:
            values: Json = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return values

        def _answer(self, answer: Any) -> None:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, values = 401, {}
            else:
                try:
                    status, values = answer(urlsplit(self.path).path.removeprefix(_PREFIX).strip("/"))
                except (KeyError, ValueError) as error:
                    status, values = 404, {"detail": str(error)}
            body = b"" if status == 204 else json.dumps(values).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    controller.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield controller
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def injected(kind: Mapping[str, Any], inputs: Mapping[str, Any], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return what a credential gives to a job: variables of the environment, and arguments of ansible-playbook.

    ``folder`` is the private data directory of the job, which gets the files. It is not mounted elsewhere.
    """
    from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
    from awx_plugins.interfaces._temporary_private_credential_api import Credential
    from awx_plugins.interfaces._temporary_private_inject_api import inject_credential

    made = ManagedCredentialType(
        namespace="jetstream",
        name=kind["name"],
        kind=kind.get("kind", "cloud"),
        inputs=kind["inputs"],
        injectors=kind["injectors"],
    )
    environ: dict[str, Any] = {}
    arguments: list[str] = []
    inject_credential(made, Credential(dict(inputs)), environ, {}, arguments, str(folder), container_root=str(folder))
    # The code takes the folder of files for that of a container, where it is not told otherwise.
    return {name: str(value).replace("/runner/", f"{folder}/") for name, value in environ.items()}, arguments


def extra_variables(template: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
    """Return the file of extra variables of a job: those of AWX, of its template, and the answers to its survey."""
    metadata: Json = {"job_id": 42, "job_launch_type": "scheduled", "user_id": 1, "user_name": "admin"}
    metadata |= {"job_template_id": template["id"], "job_template_name": template["name"], "inventory_id": 2}
    metadata |= {"project_revision": "0123456789abcdef", "schedule_id": 7, "schedule_name": "every quarter of an hour"}
    given = {f"{prefix}_{name}": value for name, value in metadata.items() for prefix in ("awx", "tower")}
    safe = json.loads(template.get("extra_vars") or "{}")
    lines = []
    for name, value in {**given, **safe, **answers}.items():
        # Only what an administrator wrote into the template may be a template of Jinja.
        dumper = yaml.SafeDumper if name in safe and safe[name] == value else _Unsafe
        lines.append(yaml.dump({name: value}, Dumper=dumper, default_flow_style=False))
    return "".join(lines)


class _Unsafe(yaml.SafeDumper):
    """Marks every text as unsafe, keys included."""

    def represent_data(self, data: Any) -> yaml.Node:
        if isinstance(data, str):
            return self.represent_scalar("!unsafe", data)
        return super().represent_data(data)
