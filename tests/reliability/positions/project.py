# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project of OpenStack that tasks change: servers, addresses, volumes, images, keys and groups, in memory.

Shapes and words are those that real services answered with, as far as the client reads them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ....plugins.module_utils._internal.clouds.jetstream2.parsing import MADE_FOR
from ...simulator.api.handling import RawRequest, RawResponse
from ...unit.fakes.recorded import recorded
from ..site import PASSWORD
from .faults import JSON, error

REGION = "IU"
Row = dict[str, Any]
_ROW: Row = next(row for row in recorded("servers")["servers"] if row["name"] == "node-1")
_SCOPE: Row = recorded("token")["token"]
PROJECT_ID: str = _SCOPE["project"]["id"]
USER_ID: str = _SCOPE["user"]["id"]
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5BBBBBBBB me@desktop"
COLLEAGUE_ID = "a17cdcfb45344493abb7c4282a1eeeb1"
FLAVORS: Mapping[str, Row] = {
    name: {"id": name, "name": name, "vcpus": cores, "ram": 3072 * cores, "disk": 20}
    for name, cores in (("m3.tiny", 1), ("m3.small", 2))
}
IMAGE: Row = {
    "id": "1d355b5f-4f28-40a1-91c6-33f7111af908",
    "name": "Ubuntu",
    "visibility": "public",
    "owner": "site",
    "status": "active",
    "created_at": "2026-11-01T00:00:00Z",
}
NETWORKS: list[Row] = [
    {"id": "net-1", "name": "auto_allocated_network", "status": "ACTIVE", "tenant_id": PROJECT_ID},
    {"id": "net-2", "name": "public", "router:external": True},
]
# Seconds that a change of a server or volume takes.
STEP = 4.0
_SERVER_STATES = {
    "ACTIVE": "active",
    "SHUTOFF": "stopped",
    "SHELVED_OFFLOADED": "shelved_offloaded",
    "BUILD": "building",
    "VERIFY_RESIZE": "resized",
    "RESCUE": "rescued",
}
# The states in which nova takes an action (nova/compute/api.py), and a volume.
_TAKES: Mapping[str, frozenset[str]] = {
    "resize": frozenset({"ACTIVE", "SHUTOFF"}),
    "confirmResize": frozenset({"VERIFY_RESIZE"}),
    "createImage": frozenset({"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"}),
    "shelve": frozenset({"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"}),
    "unshelve": frozenset({"SHELVED", "SHELVED_OFFLOADED"}),
    "os-stop": frozenset({"ACTIVE", "ERROR"}),
    "os-start": frozenset({"SHUTOFF"}),
    "suspend": frozenset({"ACTIVE"}),
    "resume": frozenset({"SUSPENDED"}),
    "unpause": frozenset({"PAUSED"}),
}
_TAKES_METADATA = frozenset({"ACTIVE", "PAUSED", "SUSPENDED", "SHUTOFF"})
_TAKES_VOLUMES = frozenset({"ACTIVE", "PAUSED", "SHUTOFF", "VERIFY_RESIZE", "SHELVED", "SHELVED_OFFLOADED"})
# The quotas, as none of them stands in the way. Those of nova, neutron and cinder have different names there.
QUOTAS: Mapping[str, int] = {
    "instances": 50,
    "cores": 200,
    "ram": 3072 * 200,
    "key_pairs": 100,
    "floatingip": 50,
    "security_group": 50,
    "security_group_rule": 200,
    "volumes": 50,
    "gigabytes": 1000,
    "snapshots": 50,
}


def _is_one_line(text: str) -> bool:
    """Return whether a text has the characters of nova's patterns: those before U+FFFF that are printable."""
    kinds = [unicodedata.category(each) for each in text]
    return all(kind[0] != "C" and kind not in ("Zl", "Zp") for kind in kinds) and all(each < "\uffff" for each in text)


def _text_refusal(path: str, body: Row) -> str | None:
    """Return why nova does not take the texts of a request (nova/api/validation/parameter_types.py), or None."""
    asked = next((body[kind] for kind in ("server", "createImage", "keypair") if kind in body), None)
    if not path.startswith("/compute/") or not isinstance(asked, dict):
        return None
    name, text = asked.get("name", "-"), asked.get("description") or ""
    is_key = "keypair" not in body or re.fullmatch(r"[_\- a-zA-Z0-9]+", name)
    if not is_key or name != name.strip() or not _is_one_line(name):
        return f"Invalid input for field/attribute name. Value: {name}."
    if not _is_one_line(text.removesuffix("\n")):
        return f"Invalid input for field/attribute description. Value: {text}."
    keys = [key for key in asked.get("metadata") or () if not re.fullmatch(r"[a-zA-Z0-9-_:. ]{1,255}", key)]
    return f"Invalid input for field/attribute metadata. Unexpected {keys[0]}." if keys else None


def _trimmed(asked: Row) -> Row:
    """Return what cinder keeps of a request (clean_name_and_description in cinder/api/openstack/wsgi.py)."""
    texts = {name: text.strip() for name, text in asked.items() if name in ("name", "description") and text}
    return {**asked, **texts}


class Refused(Exception):
    """A refusal by a service: the status, and the message."""

    def __init__(self, status: int, words: str) -> None:
        """Make a refusal with a message."""
        super().__init__(words)
        self.status = status


@dataclass
class Project:
    """The things of one project by their ids, and what is to happen to them later.

    ``tokens``: those that are valid. ``accepted``: the changes that a service has accepted.
    """

    now: Callable[[], datetime]
    servers: dict[str, Row] = field(default_factory=dict)
    ports: dict[str, Row] = field(default_factory=dict)
    addresses: dict[str, Row] = field(default_factory=dict)
    volumes: dict[str, Row] = field(default_factory=dict)
    images: dict[str, Row] = field(default_factory=lambda: {IMAGE["id"]: dict(IMAGE)})
    keys: dict[str, Row] = field(default_factory=dict)
    groups: dict[str, Row] = field(default_factory=dict)
    snapshots: dict[str, Row] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=lambda: dict(QUOTAS))
    networks: list[Row] = field(default_factory=lambda: [dict(each) for each in NETWORKS])
    tokens: set[str] = field(default_factory=set)
    logins: int = 0
    accepted: list[str] = field(default_factory=list)
    _later: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    _made: int = 0

    # --- what a scenario begins with

    def add_server(self, name: str, *, user: str = USER_ID, status: str = "ACTIVE", **more: Any) -> Row:
        """Add a server with its port, and return its row."""
        server = self._server({"name": name, "flavorRef": "m3.tiny", **more}, user)
        self._set(server, status)
        server["OS-SRV-USG:launched_at"] = "2026-11-01T00:00:00.000000"
        server["created"] = "2026-11-01T00:00:00Z"
        return server

    def add_address(self, server: Row | None, *, ours: bool = True) -> Row:
        """Add a floating IP, of a server or of none."""
        port = None if server is None else self._port_of(server["id"])["id"]
        made_for = f"{MADE_FOR}{server['id']}" if server is not None and ours else ""
        return self._address({"port_id": port, "description": made_for})

    def add_volume(self, name: str, server: Row | None = None, size: int = 5) -> Row:
        """Add a volume, attached to a server or to none."""
        volume = self._volume({"name": name, "size": size})
        volume["status"] = "available"
        if server is not None:
            self._join(volume, server)
        return volume

    # --- quotas

    def used(self, resource: str) -> int:
        """Return how much is used of a quota."""
        flavors = [each["flavor"] for each in self.servers.values()]
        sizes = [each["size"] for each in self.volumes.values()]
        used: dict[str, int] = {
            "instances": len(flavors),
            "cores": sum(each["vcpus"] for each in flavors),
            "ram": sum(each["ram"] for each in flavors),
            "key_pairs": len(self.keys),
            "floatingip": len(self.addresses),
            "security_group": len(self.groups),
            "security_group_rule": sum(len(each["security_group_rules"]) for each in self.groups.values()),
            "volumes": len(self.volumes),
            "gigabytes": sum(sizes),
            "snapshots": len(self.snapshots),
        }
        return used[resource]

    def leave(self, resource: str, count: int) -> None:
        """Leave an amount of a quota."""
        self.quotas[resource] = self.used(resource) + count

    def require(self, status: int, **needs: int) -> None:
        """Refuse a request that exceeds the quotas, in the words of the services."""
        over = sorted(name for name, need in needs.items() if need > 0 and self.used(name) + need > self.quotas[name])
        if not over:
            return
        if status == 403:
            raise Refused(403, f"Quota exceeded for {', '.join(over)}: Requested {needs[over[0]]}")
        raise Refused(status, f"Quota exceeded for resources: {over}.")

    # --- answering

    def handle(self, raw: RawRequest) -> RawResponse:
        """Answer a request."""
        self.settle()
        if raw.path.endswith("/v3/auth/tokens"):
            return self._log_in(raw)
        if raw.headers.get("x-auth-token") not in self.tokens:
            return error(401, "The request you have made requires authentication.")
        body = json.loads(raw.body) if raw.body else None
        if isinstance(body, dict) and (refusal := _text_refusal(raw.path, body)):
            return error(400, refusal)
        for method, pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, raw.path) if method == raw.method else None
            if found:
                try:
                    status, reply = answer(self, raw, body, *found.groups())
                except Refused as refused:
                    return error(refused.status, str(refused))
                if raw.method != "GET":
                    self.accepted.append(f"{raw.method} {raw.path}")
                return RawResponse(status, b"" if reply is None else json.dumps(reply).encode(), JSON)
        return error(404, f"There is no {raw.method} {raw.path} here.")

    def _act_on(self, name: str, body: Row) -> None:
        """Begin an action on a server."""
        server = next(each for each in self.servers.values() if each["name"] == name)
        [(action, given)] = body.items()
        _ACTIONS[action](self, server, given)

    def settle_all(self) -> None:
        """Let all future events happen now."""
        later, self._later = self._later, []
        for _at, change in later:
            change()

    def settle(self) -> None:
        """Let all due events happen."""
        now = self.now()
        due = sorted((each for each in self._later if each[0] <= now), key=lambda each: each[0])
        self._later = [each for each in self._later if each[0] > now]
        for _at, change in due:
            change()

    def _log_in(self, raw: RawRequest) -> RawResponse:
        identity = json.loads(raw.body)["auth"]["identity"]
        if identity["application_credential"]["secret"] != PASSWORD:
            return error(401, "The request you have made requires authentication.")
        self.logins += 1
        token = f"gAAAA-token-{self.logins}-of-the-project"
        self.tokens.add(token)
        body = recorded("token")
        body["token"]["expires_at"] = (self.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        for service in body["token"]["catalog"]:
            for endpoint in service["endpoints"]:
                endpoint["url"] = f"{raw.scheme}://{raw.host}/{service['type']}"
        return RawResponse(201, json.dumps(body).encode(), JSON, [("x-subject-token", token)])

    # --- things

    def _id(self, kind: str) -> str:
        self._made += 1
        return f"{self._made:08x}-0000-4000-8000-{kind.encode().hex():0>12.12}"

    def _stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def after(self, seconds: float, change: Callable[[], None]) -> None:
        """Let something happen later."""
        self._later.append((self.now() + timedelta(seconds=seconds), change))

    def _set(self, server: Row, status: str, task: str | None = None) -> None:
        server["status"], server["OS-EXT-STS:task_state"] = status, task
        server["OS-EXT-STS:vm_state"] = _SERVER_STATES.get(status, status.lower())
        server["OS-EXT-STS:power_state"] = 1 if status == "ACTIVE" else 4
        server["hostId"] = "" if status in ("SHELVED_OFFLOADED", "ERROR") else _ROW["hostId"]

    def _server(self, asked: Row, user: str) -> Row:
        server_id, flavor = self._id("server"), FLAVORS[asked["flavorRef"]]
        server: Row = {
            **deepcopy(_ROW),
            "id": server_id,
            "name": asked["name"],
            "user_id": user,
            "created": self._stamp(),
            "flavor": {**_ROW["flavor"], **flavor, "original_name": flavor["name"]},
            "image": {"id": IMAGE["id"]},
            "metadata": dict(asked.get("metadata", {})),
            "tags": list(asked.get("tags", [])),
            "description": asked.get("description"),
            "key_name": asked.get("key_name"),
            "security_groups": [{"name": "default"}],
            "OS-SRV-USG:launched_at": None,
            "os-extended-volumes:volumes_attached": [],
        }
        wanted = asked.get("security_groups")
        if wanted:
            server["security_groups"] = [{"name": self._group_name(each["name"])} for each in wanted]
        self.servers[server_id] = server
        port = self._id("port")
        fixed = f"10.3.0.{len(self.ports) + 10}"
        self.ports[port] = {
            "id": port,
            "device_id": server_id,
            "fixed_ips": [{"ip_address": fixed}],
            "security_groups": [],
        }
        server["addresses"] = {"auto_allocated_network": [{"addr": fixed, "OS-EXT-IPS:type": "fixed", "version": 4}]}
        return server

    def _group_name(self, called: str) -> str:
        return str(
            next((each["name"] for each in self.groups.values() if called in (each["id"], each["name"])), called)
        )

    def _port_of(self, server_id: str) -> Row:
        return next(each for each in self.ports.values() if each["device_id"] == server_id)

    def _ports_of(self, server_id: str) -> list[str]:
        return [each["id"] for each in self.ports.values() if each["device_id"] == server_id]

    def take_port(self, server: Row) -> None:
        """Leave a server without a port, as one that never came to a host is."""
        for port in self._ports_of(server["id"]):
            del self.ports[port]
        server["addresses"] = {}

    def _address(self, asked: Row) -> Row:
        port = asked.get("port_id")
        if port is not None and any(each["port_id"] == port for each in self.addresses.values()):
            raise Refused(409, "Cannot associate floating IP: that fixed IP already has a floating IP on this network.")
        address_id = self._id("address")
        address = {
            "id": address_id,
            "floating_ip_address": f"149.165.0.{self._made}",
            "port_id": port,
            "description": asked.get("description", ""),
            "project_id": PROJECT_ID,
            "created_at": self._stamp(),
        }
        self.addresses[address_id] = address
        self._show_addresses()
        return address

    def _show_addresses(self) -> None:
        """Let nova show the floating IPs of neutron."""
        for server in self.servers.values():
            own = self._ports_of(server["id"])
            if not own:
                continue
            [ports] = server["addresses"].values() or [[]]
            given = [each["floating_ip_address"] for each in self.addresses.values() if each["port_id"] in own]
            fixed = [each for each in ports if each["OS-EXT-IPS:type"] == "fixed"]
            floating = [{"addr": each, "OS-EXT-IPS:type": "floating", "version": 4} for each in given]
            server["addresses"] = {"auto_allocated_network": [*fixed, *floating]}

    def _volume(self, asked: Row) -> Row:
        volume_id = self._id("volume")
        self.volumes[volume_id] = {
            "id": volume_id,
            "name": asked["name"],
            "size": asked["size"],
            "status": "creating",
            "description": asked.get("description"),
            "user_id": USER_ID,
            "attachments": [],
            "created_at": self.now().isoformat(),
        }
        return self.volumes[volume_id]

    def _join(self, volume: Row, server: Row) -> None:
        volume["status"] = "in-use"
        volume["attachments"] = [{"server_id": server["id"], "volume_id": volume["id"], "device": "/dev/sdb"}]
        server["os-extended-volumes:volumes_attached"] = [
            *server["os-extended-volumes:volumes_attached"],
            {"id": volume["id"], "delete_on_termination": False},
        ]

    def _part(self, volume: Row) -> None:
        for each in volume["attachments"]:
            server = self.servers.get(each["server_id"])
            if server is not None:
                kept = [row for row in server["os-extended-volumes:volumes_attached"] if row["id"] != volume["id"]]
                server["os-extended-volumes:volumes_attached"] = kept
        volume["attachments"], volume["status"] = [], "available"


def found(things: Mapping[str, Row], thing_id: str, kind: str) -> Row:
    """Return a thing. Raises Refused (404) if there is none."""
    if thing_id not in things:
        raise Refused(404, f"{kind} {thing_id} could not be found.")
    return things[thing_id]


# --- nova

Reply = tuple[int, Any]


def _list_servers(project: Project, raw: RawRequest, _body: Any) -> Reply:
    rows = list(project.servers.values())
    tags = raw.query.get("tags-any")
    if tags:
        rows = [row for row in rows if set(tags.split(",")) & set(row["tags"])]
    if marker := raw.query.get("marker"):
        ids = [row["id"] for row in rows]
        if marker not in ids:
            raise Refused(400, f"marker [{marker}] not found")
        rows = rows[ids.index(marker) + 1 :]
    return 200, {"servers": rows}


def _get_server(project: Project, _raw: RawRequest, _body: Any, server_id: str) -> Reply:
    return 200, {"server": found(project.servers, server_id, "Instance")}


def _launch(project: Project, _raw: RawRequest, body: Any) -> Reply:
    flavor = FLAVORS[body["server"]["flavorRef"]]
    project.require(403, instances=1, cores=flavor["vcpus"], ram=flavor["ram"])
    server = project._server(body["server"], USER_ID)
    project._set(server, "BUILD", "spawning")

    def built() -> None:
        project._set(server, "ACTIVE")
        server["OS-SRV-USG:launched_at"] = project._stamp()

    project.after(STEP, built)
    return 202, {"server": {"id": server["id"], "adminPass": "a-password"}}


def _put_server(project: Project, _raw: RawRequest, body: Any, server_id: str) -> Reply:
    server = found(project.servers, server_id, "Instance")
    _require_free(server)
    server.update(body["server"])
    return 200, {"server": server}


def _delete_server(project: Project, _raw: RawRequest, _body: Any, server_id: str) -> Reply:
    server = found(project.servers, server_id, "Instance")
    if server["locked"]:
        raise Refused(409, f"Instance {server_id} is locked")
    server["OS-EXT-STS:task_state"] = "deleting"

    def gone() -> None:
        project.servers.pop(server_id, None)
        for port in [each for each in project.ports.values() if each["device_id"] == server_id]:
            del project.ports[port["id"]]
            for address in project.addresses.values():
                address["port_id"] = None if address["port_id"] == port["id"] else address["port_id"]
        for volume in project.volumes.values():
            if any(each["server_id"] == server_id for each in volume["attachments"]):
                project._part(volume)

    project.after(STEP, gone)
    return 204, None


def _require_free(server: Row) -> None:
    if server["locked"]:
        raise Refused(409, f"Instance {server['id']} is locked")


def _metadata(project: Project, _raw: RawRequest, body: Any, server_id: str) -> Reply:
    server = found(project.servers, server_id, "Instance")
    _require_free(server)
    if server["status"] not in _TAKES_METADATA or server["OS-EXT-STS:task_state"] is not None:
        raise Refused(409, f"Cannot 'update metadata' instance while it is in vm_state {server['OS-EXT-STS:vm_state']}")
    server["metadata"] = {**server["metadata"], **body["metadata"]}
    return 200, {"metadata": server["metadata"]}


def _act(project: Project, _raw: RawRequest, body: Any, server_id: str) -> Reply:
    server = found(project.servers, server_id, "Instance")
    [(action, given)] = body.items()
    if action == "unlock":
        server["locked"] = False
        return 202, None
    if action != "createImage":
        _require_free(server)
    if action == "lock":
        server["locked"] = True
        return 202, None
    if action not in ("addSecurityGroup", "removeSecurityGroup"):
        _require_taken(server, action)
    _ACTIONS[action](project, server, given)
    return 202, None


def _require_taken(server: Row, action: str) -> None:
    """Refuse an action in a state in which nova refuses it."""
    takes = _reboot_states(server) if action == "reboot" else _TAKES[action]
    if server["OS-EXT-STS:task_state"] is not None:
        raise Refused(409, f"Cannot '{action}' instance while it is in task_state {server['OS-EXT-STS:task_state']}")
    if server["status"] not in takes:
        raise Refused(409, f"Cannot '{action}' instance while it is in vm_state {server['OS-EXT-STS:vm_state']}")


def _reboot_states(server: Row) -> frozenset[str]:
    return frozenset({"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "ERROR"})


def _resize(project: Project, server: Row, given: Any) -> None:
    before, flavor = server["status"], FLAVORS[given["flavorRef"]]
    if server["flavor"]["original_name"] == flavor["name"]:
        raise Refused(400, "When resizing, instances must change flavor!")
    more = {name: flavor[key] - server["flavor"][key] for name, key in (("cores", "vcpus"), ("ram", "ram"))}
    project.require(403, **more)
    server["before a resize"], power = before, server["OS-EXT-STS:power_state"]
    project._set(server, "RESIZE", "resize_prep")
    server["OS-EXT-STS:power_state"] = power

    def resized() -> None:
        server["flavor"] = {**server["flavor"], **flavor, "original_name": flavor["name"]}
        project._set(server, "VERIFY_RESIZE")
        server["OS-EXT-STS:power_state"] = 1 if before == "ACTIVE" else 4

    project.after(STEP, resized)


def _confirm(project: Project, server: Row, _given: Any) -> None:
    project._set(server, "VERIFY_RESIZE", "confirming")
    project.after(STEP, lambda: project._set(server, server.get("before a resize", "ACTIVE")))


def _add_group(project: Project, server: Row, given: Any) -> None:
    if not project._ports_of(server["id"]):
        raise Refused(404, f"instance_id {server['id']} could not be found as device id on any ports")
    names = [each["name"] for each in server["security_groups"]]
    server["security_groups"] = [{"name": each} for each in dict.fromkeys([*names, given["name"]])]


def _remove_group(_project: Project, server: Row, given: Any) -> None:
    left = [each for each in server["security_groups"] if each["name"] != given["name"]]
    if len(left) == len(server["security_groups"]):
        raise Refused(404, "Security group is not associated with the instance")
    server["security_groups"] = left


def _snapshot(project: Project, server: Row, given: Any) -> None:
    image_id = project._id("image")
    image = {
        "id": image_id,
        "name": given["name"],
        "visibility": "private",
        "owner": PROJECT_ID,
        "status": "queued",
        "created_at": project._stamp(),
        "instance_uuid": server["id"],
        **given["metadata"],
    }
    project.images[image_id] = image
    server["OS-EXT-STS:task_state"] = "image_uploading"

    def saved() -> None:
        image["status"] = "active"
        server["OS-EXT-STS:task_state"] = None

    project.after(STEP, saved)


def _goes_to(status: str, task: str) -> Callable[[Project, Row, Any], None]:
    def act(project: Project, server: Row, _given: Any) -> None:
        server["OS-EXT-STS:task_state"] = task
        project.after(STEP, lambda: project._set(server, status))

    return act


_ACTIONS: Mapping[str, Callable[[Project, Row, Any], None]] = {
    "resize": _resize,
    "confirmResize": _confirm,
    "addSecurityGroup": _add_group,
    "removeSecurityGroup": _remove_group,
    "createImage": _snapshot,
    "shelve": _goes_to("SHELVED_OFFLOADED", "shelving"),
    "os-stop": _goes_to("SHUTOFF", "powering-off"),
    "os-start": _goes_to("ACTIVE", "powering-on"),
    "unshelve": _goes_to("ACTIVE", "unshelving"),
    "suspend": _goes_to("SUSPENDED", "suspending"),
    "resume": _goes_to("ACTIVE", "resuming"),
    "unpause": _goes_to("ACTIVE", "unpausing"),
    "reboot": _goes_to("ACTIVE", "rebooting"),
}


def _attach(project: Project, _raw: RawRequest, body: Any, server_id: str) -> Reply:
    server = found(project.servers, server_id, "Instance")
    volume = found(project.volumes, body["volumeAttachment"]["volumeId"], "Volume")
    _require_volumes_taken(server, "attach_volume")
    if volume["status"] != "available":
        raise Refused(400, f"Invalid volume: volume {volume['id']} status must be available")
    volume["status"] = "attaching"
    project.after(STEP, lambda: project._join(volume, server))
    return 200, {"volumeAttachment": {"id": volume["id"]}}


def _detach(project: Project, _raw: RawRequest, _body: Any, server_id: str, volume_id: str) -> Reply:
    volume = found(project.volumes, volume_id, "Volume")
    _require_volumes_taken(found(project.servers, server_id, "Instance"), "detach_volume")
    if volume["status"] != "in-use" or volume["attachments"][0]["server_id"] != server_id:
        raise Refused(404, f"volume_id not found: {volume_id}")
    volume["status"] = "detaching"
    project.after(STEP, lambda: project._part(volume))
    return 202, None


def _require_volumes_taken(server: Row, action: str) -> None:
    _require_free(server)
    if server["OS-EXT-STS:task_state"] is not None or server["status"] not in _TAKES_VOLUMES:
        raise Refused(409, f"Cannot '{action}' instance while it is in vm_state {server['OS-EXT-STS:vm_state']}")


def _limits(project: Project, _raw: RawRequest, _body: Any) -> Reply:
    names = {
        "instances": ("maxTotalInstances", "totalInstancesUsed"),
        "cores": ("maxTotalCores", "totalCoresUsed"),
        "ram": ("maxTotalRAMSize", "totalRAMUsed"),
    }
    told = _absolute(project, names)
    return 200, {"limits": {"absolute": {**told, "maxTotalKeypairs": project.quotas["key_pairs"]}}}


def _absolute(project: Project, names: Mapping[str, tuple[str, str]]) -> Row:
    limits = {most: project.quotas[name] for name, (most, _used) in names.items()}
    return {**limits, **{used: project.used(name) for name, (_most, used) in names.items()}}


def _flavors(_project: Project, _raw: RawRequest, _body: Any) -> Reply:
    return 200, {"flavors": list(FLAVORS.values())}


def _list_keys(project: Project, _raw: RawRequest, _body: Any) -> Reply:
    return 200, {"keypairs": [{"keypair": each} for each in project.keys.values()]}


def _get_key(project: Project, _raw: RawRequest, _body: Any, name: str) -> Reply:
    return 200, {"keypair": found(project.keys, name, "Keypair")}


def _import_key(project: Project, _raw: RawRequest, body: Any) -> Reply:
    key = body["keypair"]
    if key["name"] in project.keys:
        raise Refused(409, f"Key pair '{key['name']}' already exists.")
    project.require(403, key_pairs=1)
    project.keys[key["name"]] = {**key, "fingerprint": "aa:bb"}
    return 201, {"keypair": project.keys[key["name"]]}


def _delete_key(project: Project, _raw: RawRequest, _body: Any, name: str) -> Reply:
    found(project.keys, name, "Keypair")
    del project.keys[name]
    return 202, None


def _no_actions(project: Project, _raw: RawRequest, _body: Any, server_id: str) -> Reply:
    found(project.servers, server_id, "Instance")
    return 200, {"instanceActions": []}


# --- neutron


def _networks(project: Project, _raw: RawRequest, _body: Any) -> Reply:
    return 200, {"networks": project.networks}


def _topology(project: Project, raw: RawRequest, _body: Any, project_id: str) -> Reply:
    """Make the network that every project can have, unless this only asks whether it could be made."""
    if raw.query.get("fields") == "dry-run":
        return 200, {"auto_allocated_topology": {"id": "dry-run=pass", "tenant_id": project_id}}
    if NETWORKS[0] not in project.networks:
        project.networks.append(dict(NETWORKS[0]))
        project.accepted.append(f"GET {raw.path}")
    return 200, {"auto_allocated_topology": {"id": NETWORKS[0]["id"], "tenant_id": project_id}}


def _ports(project: Project, raw: RawRequest, _body: Any) -> Reply:
    devices = re.findall(r"device_id=([^&]+)", raw.query_string)
    rows = [each for each in project.ports.values() if not devices or each["device_id"] in devices]
    return 200, {"ports": rows}


def _addresses(project: Project, raw: RawRequest, _body: Any) -> Reply:
    port = raw.query.get("port_id")
    return 200, {"floatingips": [row for row in project.addresses.values() if port in (None, row["port_id"])]}


def _get_address(project: Project, _raw: RawRequest, _body: Any, address_id: str) -> Reply:
    return 200, {"floatingip": found(project.addresses, address_id, "Floating IP")}


def _make_address(project: Project, _raw: RawRequest, body: Any) -> Reply:
    project.require(409, floatingip=1)
    return 201, {"floatingip": project._address(body["floatingip"])}


def _put_address(project: Project, _raw: RawRequest, body: Any, address_id: str) -> Reply:
    address = found(project.addresses, address_id, "Floating IP")
    address["port_id"] = body["floatingip"]["port_id"]
    project._show_addresses()
    return 200, {"floatingip": address}


def _delete_address(project: Project, _raw: RawRequest, _body: Any, address_id: str) -> Reply:
    found(project.addresses, address_id, "Floating IP")
    del project.addresses[address_id]
    project._show_addresses()
    return 204, None


def _network_quota(project: Project, _raw: RawRequest, _body: Any, _project_id: str) -> Reply:
    names = ("floatingip", "security_group", "security_group_rule")
    return 200, {
        "quota": {each: {"limit": project.quotas[each], "used": project.used(each), "reserved": 0} for each in names}
    }


def _list_groups(project: Project, _raw: RawRequest, _body: Any) -> Reply:
    return 200, {"security_groups": list(project.groups.values())}


def _make_group(project: Project, _raw: RawRequest, body: Any) -> Reply:
    project.require(409, security_group=1)
    group_id = project._id("group")
    project.groups[group_id] = {
        **body["security_group"],
        "id": group_id,
        "created_at": project._stamp(),
        "security_group_rules": [],
    }
    return 201, {"security_group": project.groups[group_id]}


def _put_group(project: Project, _raw: RawRequest, body: Any, group_id: str) -> Reply:
    found(project.groups, group_id, "Security group").update(body["security_group"])
    return 200, {"security_group": project.groups[group_id]}


def _delete_group(project: Project, _raw: RawRequest, _body: Any, group_id: str) -> Reply:
    found(project.groups, group_id, "Security group")
    if any(group_id in each["security_groups"] for each in project.ports.values()):
        raise Refused(409, f"Security Group {group_id} in use.")
    del project.groups[group_id]
    return 204, None


def _add_rule(project: Project, _raw: RawRequest, body: Any) -> Reply:
    asked = body["security_group_rule"]
    group = found(project.groups, asked["security_group_id"], "Security group")
    there = [{key: value for key, value in each.items() if key != "id"} for each in group["security_group_rules"]]
    if asked in there:
        raise Refused(409, "Security group rule already exists. Rule id is 1.")
    project.require(409, security_group_rule=1)
    rule = {**asked, "id": project._id("rule")}
    group["security_group_rules"] = [*group["security_group_rules"], rule]
    return 201, {"security_group_rule": rule}


def _delete_rule(project: Project, _raw: RawRequest, _body: Any, rule_id: str) -> Reply:
    for group in project.groups.values():
        left = [each for each in group["security_group_rules"] if each["id"] != rule_id]
        if len(left) < len(group["security_group_rules"]):
            group["security_group_rules"] = left
            return 204, None
    raise Refused(404, f"Security group rule {rule_id} does not exist")


# --- cinder


def _list_volumes(project: Project, _raw: RawRequest, _body: Any) -> Reply:
    return 200, {"volumes": list(project.volumes.values())}


def _get_volume(project: Project, _raw: RawRequest, _body: Any, volume_id: str) -> Reply:
    return 200, {"volume": found(project.volumes, volume_id, "Volume")}


def _make_volume(project: Project, _raw: RawRequest, body: Any) -> Reply:
    project.require(413, volumes=1, gigabytes=body["volume"]["size"])
    volume = project._volume(_trimmed(body["volume"]))
    project.after(STEP, lambda: volume.update(status="available"))
    return 202, {"volume": volume}


def _put_volume(project: Project, _raw: RawRequest, body: Any, volume_id: str) -> Reply:
    found(project.volumes, volume_id, "Volume").update(_trimmed(body["volume"]))
    return 200, {"volume": project.volumes[volume_id]}


def _grow_volume(project: Project, _raw: RawRequest, body: Any, volume_id: str) -> Reply:
    volume = found(project.volumes, volume_id, "Volume")
    if volume["status"] not in ("available", "in-use"):
        raise Refused(400, "Invalid volume: status must be available to extend")
    size = body["os-extend"]["new_size"]
    if size <= volume["size"]:
        raise Refused(400, "Invalid input received: New size for extend must be greater than current size.")
    project.require(413, gigabytes=size - volume["size"])
    before = volume["status"]
    volume["status"] = "extending"
    project.after(STEP, lambda: volume.update(status=before, size=size))
    return 202, None


def _delete_volume(project: Project, _raw: RawRequest, _body: Any, volume_id: str) -> Reply:
    volume = found(project.volumes, volume_id, "Volume")
    if volume["status"] not in ("available", "error", "error_extending", "error_managing", "error_restoring"):
        raise Refused(400, f"Invalid volume: Volume status must be available, but is {volume['status']}")
    if any(each["volume_id"] == volume_id for each in project.snapshots.values()):
        raise Refused(400, "Invalid volume: Volume must not have snapshots.")
    volume["status"] = "deleting"

    def gone() -> None:
        project.volumes.pop(volume_id, None)

    project.after(STEP, gone)
    return 202, None


def _volume_limits(project: Project, _raw: RawRequest, _body: Any) -> Reply:
    names = {
        "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
        "gigabytes": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
        "snapshots": ("maxTotalSnapshots", "totalSnapshotsUsed"),
    }
    return 200, {"limits": {"absolute": _absolute(project, names)}}


def _list_snapshots(project: Project, raw: RawRequest, _body: Any) -> Reply:
    volume = raw.query.get("volume_id")
    return 200, {"snapshots": [each for each in project.snapshots.values() if volume in (None, each["volume_id"])]}


def _make_snapshot(project: Project, _raw: RawRequest, body: Any) -> Reply:
    volume = found(project.volumes, body["snapshot"]["volume_id"], "Volume")
    project.require(413, snapshots=1)
    snapshot_id = project._id("snapshot")
    made = {
        "id": snapshot_id,
        "name": _trimmed(body["snapshot"])["name"],
        "volume_id": volume["id"],
        "size": volume["size"],
        "status": "creating",
    }
    project.snapshots[snapshot_id] = made
    project.after(STEP, lambda: made.update(status="available"))
    return 202, {"snapshot": made}


def _delete_snapshot(project: Project, _raw: RawRequest, _body: Any, snapshot_id: str) -> Reply:
    found(project.snapshots, snapshot_id, "Snapshot")["status"] = "deleting"

    def gone() -> None:
        project.snapshots.pop(snapshot_id, None)

    project.after(STEP, gone)
    return 202, None


def _attachments(_project: Project, _raw: RawRequest, _body: Any) -> Reply:
    return 200, {"attachments": []}


def _members(_project: Project, _raw: RawRequest, _body: Any, _image_id: str) -> Reply:
    return 200, {"members": []}


# --- glance


def _list_images(project: Project, raw: RawRequest, _body: Any) -> Reply:
    name, owner = raw.query.get("name"), raw.query.get("owner")
    rows = [
        each
        for each in project.images.values()
        if name in (None, each["name"]) and owner in (None, each["owner"]) and "os_hidden" not in raw.query
    ]
    return 200, {"images": rows}


def _get_image(project: Project, _raw: RawRequest, _body: Any, image_id: str) -> Reply:
    return 200, found(project.images, image_id, "Image")


def _patch_image(project: Project, _raw: RawRequest, body: Any, image_id: str) -> Reply:
    image = found(project.images, image_id, "Image")
    for each in body:
        image[each["path"].removeprefix("/")] = each["value"]
    return 200, image


def _delete_image(project: Project, _raw: RawRequest, _body: Any, image_id: str) -> Reply:
    found(project.images, image_id, "Image")
    del project.images[image_id]
    return 204, None


Answer = Callable[..., Reply]
_ID = "([^/]+)"
_FLOATING, _GROUPS = "/network/v2.0/floatingips", "/network/v2.0/security-groups"
_ROUTES: list[tuple[str, str, Answer]] = [
    ("GET", "/compute/servers/detail", _list_servers),
    ("GET", "/compute/servers", _list_servers),
    ("POST", "/compute/servers", _launch),
    ("GET", f"/compute/servers/{_ID}", _get_server),
    ("PUT", f"/compute/servers/{_ID}", _put_server),
    ("DELETE", f"/compute/servers/{_ID}", _delete_server),
    ("POST", f"/compute/servers/{_ID}/metadata", _metadata),
    ("POST", f"/compute/servers/{_ID}/action", _act),
    ("GET", f"/compute/servers/{_ID}/os-instance-actions", _no_actions),
    ("POST", f"/compute/servers/{_ID}/os-volume_attachments", _attach),
    ("DELETE", f"/compute/servers/{_ID}/os-volume_attachments/{_ID}", _detach),
    ("GET", "/compute/limits", _limits),
    ("GET", "/compute/flavors/detail", _flavors),
    ("GET", "/compute/os-keypairs", _list_keys),
    ("POST", "/compute/os-keypairs", _import_key),
    ("GET", f"/compute/os-keypairs/{_ID}", _get_key),
    ("DELETE", f"/compute/os-keypairs/{_ID}", _delete_key),
    ("GET", "/network/v2.0/networks", _networks),
    ("GET", "/network/v2.0/ports", _ports),
    ("GET", _FLOATING, _addresses),
    ("POST", _FLOATING, _make_address),
    ("GET", f"{_FLOATING}/{_ID}", _get_address),
    ("PUT", f"{_FLOATING}/{_ID}", _put_address),
    ("DELETE", f"{_FLOATING}/{_ID}", _delete_address),
    ("GET", f"/network/v2.0/quotas/{_ID}/details.json", _network_quota),
    ("GET", _GROUPS, _list_groups),
    ("POST", _GROUPS, _make_group),
    ("PUT", f"{_GROUPS}/{_ID}", _put_group),
    ("DELETE", f"{_GROUPS}/{_ID}", _delete_group),
    ("POST", "/network/v2.0/security-group-rules", _add_rule),
    ("DELETE", f"/network/v2.0/security-group-rules/{_ID}", _delete_rule),
    ("GET", "/block-storage/volumes/detail", _list_volumes),
    ("POST", "/block-storage/volumes", _make_volume),
    ("GET", f"/block-storage/volumes/{_ID}", _get_volume),
    ("PUT", f"/block-storage/volumes/{_ID}", _put_volume),
    ("DELETE", f"/block-storage/volumes/{_ID}", _delete_volume),
    ("POST", f"/block-storage/volumes/{_ID}/action", _grow_volume),
    ("GET", "/block-storage/limits", _volume_limits),
    ("GET", "/block-storage/snapshots/detail", _list_snapshots),
    ("POST", "/block-storage/snapshots", _make_snapshot),
    ("DELETE", f"/block-storage/snapshots/{_ID}", _delete_snapshot),
    ("GET", "/block-storage/attachments", _attachments),
    ("GET", f"/image/v2/images/{_ID}/members", _members),
    ("GET", f"/network/v2.0/auto-allocated-topology/{_ID}", _topology),
    ("GET", "/image/v2/images", _list_images),
    ("GET", f"/image/v2/images/{_ID}", _get_image),
    ("PATCH", f"/image/v2/images/{_ID}", _patch_image),
    ("DELETE", f"/image/v2/images/{_ID}", _delete_image),
]
