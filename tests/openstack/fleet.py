# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes servers, volumes and floating IPs, in the states that a test needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from ansible_collections.jetstream.cloud.tests.openstack.compute_tables import VM_STATES, ComputeTables
from ansible_collections.jetstream.cloud.tests.openstack.hypervisor import Hypervisor
from ansible_collections.jetstream.cloud.tests.openstack.rest import Rest
from ansible_collections.jetstream.cloud.tests.openstack.seeding import EXTERNAL_NETWORK, IMAGE, NETWORK

FleetState = Literal[
    "active", "shutoff", "suspended", "paused", "shelved_offloaded", "shelved_without_host", "error", "locked"
]
# the action that brings an active server into a state, and the status that nova shows then
_ACTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "shutoff": ({"os-stop": None}, "SHUTOFF"),
    "suspended": ({"suspend": None}, "SUSPENDED"),
    "paused": ({"pause": None}, "PAUSED"),
    "shelved_offloaded": ({"shelve": None}, "SHELVED_OFFLOADED"),
    "shelved_without_host": ({"shelve": None}, "SHELVED_OFFLOADED"),
    "error": ({"os-stop": None}, "ERROR"),
    "locked": ({"lock": {"locked_reason": "an important job runs here"}}, "ACTIVE"),
}
FAULT = "the host does not answer"
WAIT_SECONDS = 300
POLL_SECONDS = 0.2
# on two cores, more requests at the same time would only wait in nova
CONCURRENCY = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Server:
    """A server of nova's."""

    id: str
    name: str


@dataclass(frozen=True)
class Volume:
    """A volume of cinder's."""

    id: str
    name: str


class Fleet:
    """The part of Cloud that makes, changes and deletes resources in the owner's project."""

    def __init__(self, admin: Rest, owner: Rest, hypervisor: Hypervisor, tables: ComputeTables) -> None:
        self.admin = admin
        self.owner = owner
        self._scripts = hypervisor
        self._tables = tables
        self._ids: dict[str, str] = {}

    # servers ---------------------------------------------------------------------------------------------------------

    def servers(
        self,
        count: int = 1,
        flavor: str = "m3.tiny",
        state: FleetState = "active",
        *,
        name: str = "vm",
        network: bool = False,
        volume_backed: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> list[Server]:
        """Make servers that are all in one state. One is named `name`, several are `name-1`, `name-2`, ...

        Servers without a network have no address, and are made twice as fast.
        """
        mix: dict[FleetState, int] = {state: count}
        made = self.fleet(mix, flavor, name=name, network=network, volume_backed=volume_backed, metadata=metadata)
        return made[state]

    def fleet(
        self,
        mix: Mapping[FleetState, int],
        flavor: str = "m3.tiny",
        *,
        name: str = "vm",
        network: bool = False,
        volume_backed: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> dict[FleetState, list[Server]]:
        """Make servers in a mix of states, such as `{"active": 12, "suspended": 5, "error": 1}`.

        `locked`: active, with its owner's lock and a reason. `error`: failed to stop, with the fault FAULT.
        `shelved_without_host`: SHELVED with no host, which is written into nova's database since no request has that
        effect. nova accepts an unshelve of such a server, and never carries it out.
        """
        body = {
            "name": name,
            "flavorRef": self._flavor(flavor),
            "min_count": sum(mix.values()),
            "return_reservation_id": True,
            "networks": [{"uuid": self._network(NETWORK)}] if network else "none",
            "metadata": dict(metadata or {}),
            **self._source(volume_backed),
        }
        reservation = self.owner.post("compute", "/servers", {"server": body})["reservation_id"]
        listed = self.owner.get("compute", f"/servers?reservation_id={reservation}")["servers"]
        # sorted by number: vm-2 before vm-10
        made = sorted((Server(one["id"], one["name"]) for one in listed), key=lambda one: (len(one.name), one.name))
        self.wait(made, "ACTIVE")
        result: dict[FleetState, list[Server]] = {}
        for state, count in mix.items():
            result[state], made = made[:count], made[count:]
        for state, part in result.items():
            self._bring(part, state)
        return result

    def _source(self, volume_backed: bool) -> dict[str, Any]:
        if not volume_backed:
            return {"imageRef": self._image()}
        device = {"boot_index": 0, "uuid": self._image(), "source_type": "image", "destination_type": "volume"}
        return {"block_device_mapping_v2": [device | {"volume_size": 20, "delete_on_termination": True}]}

    def _bring(self, servers: Sequence[Server], state: FleetState) -> None:
        if state == "active" or not servers:
            return
        action, status = _ACTIONS[state]
        if state == "error":
            for server in servers:
                self._scripts.script(server, "stop", fail=FAULT, then="error")
        self._each(lambda server: self.act(server, action), servers)
        self.wait(servers, status)
        if state == "error":
            for server in servers:
                self._scripts.forget(server)
        if state == "shelved_without_host":
            self._tables.set_shelved_without_host(server.id for server in servers)

    def act(self, server: Server | str, action: Mapping[str, Any], *, as_admin: bool = False) -> Any:
        """Send one of nova's actions, such as `{"os-stop": None}`."""
        client = self.admin if as_admin else self.owner
        return client.post("compute", f"/servers/{_id(server)}/action", dict(action))

    def show(self, server: Server | str) -> dict[str, Any]:
        """Return a server as nova shows it to its owner."""
        shown: dict[str, Any] = self.owner.get("compute", f"/servers/{_id(server)}")["server"]
        return shown

    def lock(self, server: Server | str, reason: str = "", *, as_admin: bool = False) -> None:
        """Lock a server. The owner can unlock it, unless the administrator locked it."""
        self.act(server, {"lock": {"locked_reason": reason} if reason else None}, as_admin=as_admin)

    def wait(self, servers: Iterable[Server | str], status: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until servers show a status and no task, without requests to nova.

        Raises TimeoutError with the state of each late server; at once if one is in ERROR, and ERROR is not awaited.
        """
        wanted = {_id(server) for server in servers}
        state = VM_STATES[status]
        end = time.monotonic() + seconds
        while True:
            rows = self._tables.rows(wanted)
            late = [one for one in wanted if one not in rows or not rows[one].is_settled(state)]
            if not late:
                return
            failed = [one for one in late if one in rows and rows[one].vm_state == "error" and state != "error"]
            if failed or time.monotonic() > end:
                described = [self._describe(one) for one in failed or late]
                raise TimeoutError(f"not {status}: {', '.join(described)}")
            time.sleep(POLL_SECONDS)

    def _describe(self, server: str) -> str:
        shown = self.show(server)
        fault = shown.get("fault", {}).get("message", "")
        return f"{shown['name']} {shown['status']} {shown['OS-EXT-STS:task_state']} {fault}".rstrip()

    def delete(self, servers: Iterable[Server | str]) -> None:
        """Delete servers and wait until they are gone."""
        doomed = {_id(server) for server in servers}
        # as the administrator, since the owner cannot delete servers that the administrator locked
        self._each(lambda one: self.admin.delete("compute", f"/servers/{one}"), doomed)
        self.wait_until(lambda: not self._tables.rows(doomed), "servers are still there")

    # everything else -------------------------------------------------------------------------------------------------

    def flavor(self, name: str, vcpus: int, ram: int = 1024, disk: int = 20) -> str:
        """Make a flavor and return its id. `ram` in MiB, `disk` in GiB. clear() leaves it alone."""
        body = {"flavor": {"name": name, "vcpus": vcpus, "ram": ram, "disk": disk}}
        return str(self.admin.post("compute", "/flavors", body)["flavor"]["id"])

    def floating_ip(self, server: Server | str) -> str:
        """Add a floating IP to a server with a network, and return its address once the server shows it."""
        ports = self.owner.get("network", f"/v2.0/ports?device_id={_id(server)}")["ports"]
        body = {"floating_network_id": self._network(EXTERNAL_NETWORK), "port_id": ports[0]["id"]}
        made = self.owner.post("network", "/v2.0/floatingips", {"floatingip": body})["floatingip"]
        address = str(made["floating_ip_address"])
        self.wait_until(lambda: address in addresses(self.show(server)), f"the server does not show {address}")
        return address

    def volume(self, name: str = "data", size: int = 10, *, attached_to: Server | str | None = None) -> Volume:
        """Make a volume of `size` GiB, and attach it to a server if one is given. Needs a cloud with cinder."""
        body = {"volume": {"name": name, "size": size}}
        made = self.owner.post("block-storage", "/volumes", body)["volume"]
        volume = Volume(made["id"], name)
        self._wait_volume(volume, "available")
        if attached_to is not None:
            path = f"/servers/{_id(attached_to)}/os-volume_attachments"
            self.owner.post("compute", path, {"volumeAttachment": {"volumeId": volume.id}})
            self._wait_volume(volume, "in-use")
        return volume

    def _wait_volume(self, volume: Volume, status: str) -> None:
        path = f"/volumes/{volume.id}"

        def has_status() -> bool:
            return bool(self.owner.get("block-storage", path)["volume"]["status"] == status)

        self.wait_until(has_status, f"volume {volume.name} is not {status}")

    def clear(self) -> None:
        """Delete all servers, floating IPs, volumes and snapshots of the project, and all scripts."""
        self._scripts.forget()
        self.delete(one["id"] for one in self.owner.get("compute", "/servers?limit=1000")["servers"])
        for one in self.owner.get("network", "/v2.0/floatingips")["floatingips"]:
            self.owner.delete("network", f"/v2.0/floatingips/{one['id']}")
        for one in self.owner.get("image", f"/v2/images?owner={self.owner.login().project_id}")["images"]:
            self.owner.delete("image", f"/v2/images/{one['id']}")
        if "block-storage" in self.owner.services():
            self._clear_volumes()

    def _clear_volumes(self) -> None:
        for one in self.owner.get("block-storage", "/snapshots")["snapshots"]:
            self.owner.delete("block-storage", f"/snapshots/{one['id']}")
        self.wait_until(lambda: not self.owner.get("block-storage", "/snapshots")["snapshots"], "snapshots remain")
        for one in self.owner.get("block-storage", "/volumes")["volumes"]:
            self.owner.delete("block-storage", f"/volumes/{one['id']}")
        self.wait_until(lambda: not self.owner.get("block-storage", "/volumes")["volumes"], "volumes remain")

    def wait_until(self, condition: Callable[[], bool], failure: str) -> None:
        """Wait until a condition holds. Raises TimeoutError with the text `failure`."""
        end = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{failure} after {WAIT_SECONDS} s")
            time.sleep(POLL_SECONDS)

    def _each(self, function: Callable[[T], object], arguments: Iterable[T]) -> None:
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            list(pool.map(function, arguments))

    def _flavor(self, name: str) -> str:
        if name not in self._ids:
            listed = self.owner.get("compute", "/flavors")["flavors"]
            self._ids |= {one["name"]: one["id"] for one in listed}
        return self._ids[name]

    def _image(self) -> str:
        if IMAGE not in self._ids:
            self._ids[IMAGE] = self.owner.get("image", f"/v2/images?name={IMAGE}")["images"][0]["id"]
        return self._ids[IMAGE]

    def _network(self, name: str) -> str:
        if name not in self._ids:
            self._ids[name] = self.owner.get("network", f"/v2.0/networks?name={name}")["networks"][0]["id"]
        return self._ids[name]


def addresses(server: Mapping[str, Any]) -> list[str]:
    """Return all addresses that a server shows, fixed and floating."""
    return [one["addr"] for network in server["addresses"].values() for one in network]


def _id(server: Server | str) -> str:
    return server if isinstance(server, str) else server.id
