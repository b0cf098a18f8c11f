# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks at Jetstream2, each with the resources before and after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ....plugins.module_utils._internal.operations import (
    floating_ip,
    image,
    instance,
    instance_state,
    keypair,
    security_group,
    volume,
)
from .project import OTHER_KEY, Project, Row
from .site import Series
from .site_jetstream2 import Jetstream2Site

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me@laptop"
LAUNCH: Mapping[str, Any] = {"image": "Ubuntu", "flavor": "m3.tiny", "exosphere": False, "wait_timeout": 600}
_task = partial(Series[Jetstream2Site], Jetstream2Site)


def servers(project: Project, name: str) -> list[Row]:
    """Return the servers of a name."""
    return [each for each in project.servers.values() if each["name"] == name]


def _there(*names: str, addresses: bool = False) -> Callable[[Project], str]:
    def reached(project: Project) -> str:
        for name in names:
            found = servers(project, name)
            if [each["status"] for each in found] != ["ACTIVE"]:
                return f"{name}: {[each['status'] for each in found]}"
            if addresses and len(_addresses(project, found[0])) != 1:
                return f"{name} has the addresses {_addresses(project, found[0])}"
        return ""

    return reached


def _addresses(project: Project, server: Row) -> list[str]:
    ports = {each["id"] for each in project.ports.values() if each["device_id"] == server["id"]}
    return [each["floating_ip_address"] for each in project.addresses.values() if each["port_id"] in ports]


def _pair(project: Project) -> None:
    for name in ("node-1", "node-2"):
        server = project.add_server(
            name, metadata={"jetstream_cloud_group": "node-{number}"}, tags=[f"jetstream.cloud-{name}"]
        )
        project.add_address(server)
        project.add_volume(f"data-{name}", server)


def _removed(project: Project) -> str:
    left = [each["name"] for each in project.servers.values() if each["name"].startswith("node-")]
    volumes = [each["name"] for each in project.volumes.values() if each["name"].startswith("data-")]
    made = [each["floating_ip_address"] for each in project.addresses.values() if each["description"]]
    return f"left: {left} {volumes} {made}" if left or volumes or made else ""


def _web(project: Project) -> None:
    project.add_server("web")


def _web_with_volume(project: Project) -> None:
    project.add_volume("data", project.add_server("web"))


def _web_with_address(project: Project) -> None:
    project.add_address(project.add_server("web"))


def _web_of_laptop(project: Project) -> None:
    project.add_address(project.add_server("web", key_name="laptop"))


def _web_is(**wanted: Any) -> Callable[[Project], str]:
    def reached(project: Project) -> str:
        found = servers(project, wanted.get("name", "web"))
        if len(found) > 1:
            return f"{len(found)} servers"
        [web] = found or [{}]
        shown = {
            "name": web.get("name"),
            "flavor": web.get("flavor", {}).get("original_name"),
            "status": web.get("status"),
            "metadata": web.get("metadata"),
            "groups": sorted(each["name"] for each in web.get("security_groups", [])),
            "description": web.get("description"),
            "locked": web.get("locked"),
            "addresses": len(_addresses(project, web)) if web else 0,
        }
        return "" if {**shown, **wanted} == shown else str(shown)

    return reached


def _volume_is(name: str, **wanted: Any) -> Callable[[Project], str]:
    def reached(project: Project) -> str:
        found = [each for each in project.volumes.values() if each["name"] == name]
        if not wanted:
            return f"{len(found)} volumes are left" if found else ""
        if len(found) > 1:
            return f"{len(found)} volumes of the name {name}"
        [row] = found or [{}]
        shown = {**row, "server": [each["server_id"] for each in row.get("attachments", [])]}
        [web] = servers(project, "web") or [{"id": ""}]
        expected = {**wanted, "server": [web["id"]]} if wanted.get("server") else {**wanted}
        return "" if {**shown, **expected} == shown else str(shown)

    return reached


def _groups(project: Project) -> None:
    for name in ("ssh", "web"):
        project.groups[name] = {"id": name, "name": name, "description": "", "security_group_rules": []}
    project.add_server("web")


def _image_is(count: int) -> Callable[[Project], str]:
    def reached(project: Project) -> str:
        made = [each["status"] for each in project.images.values() if each["name"] == "course"]
        return "" if made == ["active"] * count else str(made)

    return reached


def _stopped_web(project: Project) -> None:
    project.add_server("web", status="SHUTOFF")


def _web_with_image(project: Project) -> None:
    web = project.add_server("web", status="SHUTOFF")
    project.images["image-1"] = {
        "id": "image-1",
        "name": "course",
        "visibility": "private",
        "owner": web["tenant_id"],
        "status": "active",
        "created_at": "2026-11-02T00:00:00Z",
    }


def _key_is(material: str | None) -> Callable[[Project], str]:
    def reached(project: Project) -> str:
        found = project.keys.get("laptop", {}).get("public_key")
        return "" if found == material else str(found)

    return reached


def _laptop(project: Project) -> None:
    project.keys["laptop"] = {"name": "laptop", "public_key": OTHER_KEY, "fingerprint": "bb"}


def _group_is(rules: int | None) -> Callable[[Project], str]:
    def reached(project: Project) -> str:
        found = [len(each["security_group_rules"]) for each in project.groups.values() if each["name"] == "course"]
        return "" if found == ([] if rules is None else [rules]) else str(found)

    return reached


def _course_group(project: Project) -> None:
    project.groups["course"] = {
        "id": "course",
        "name": "course",
        "description": "",
        "created_at": "2026-11-01T00:00:00Z",
        "security_group_rules": [],
    }


_RULES = [{"ports": "22", "cidr": "0.0.0.0/0"}, {"ports": "80", "cidr": "0.0.0.0/0"}]
JETSTREAM2: Mapping[str, Series[Jetstream2Site]] = {
    "launch of 3": _task(
        instance,
        {**LAUNCH, "name": "node", "count": 3},
        _there("node-1", "node-2", "node-3"),
    ),
    "launch with addresses": _task(
        instance,
        {**LAUNCH, "names": ["alice", "bob"], "floating_ip": "auto"},
        _there("alice", "bob", addresses=True),
    ),
    "launch beside what is there": _task(
        instance,
        {**LAUNCH, "names": ["web", "alice"], "floating_ip": "auto", "key_name": "laptop", "public_key": KEY},
        _there("web", "alice", addresses=True),
        _web_of_laptop,
    ),
    "launch of 6": _task(
        instance,
        {**LAUNCH, "name": "node", "count": 6},
        _there(*(f"node-{number}" for number in range(1, 7))),
    ),
    "deletion by a template": _task(
        instance,
        {
            "name": "node-{number}",
            "state": "absent",
            "delete_volumes": True,
            "release_floating_ip": True,
            "wait_timeout": 600,
        },
        _removed,
        _pair,
    ),
    "resize": _task(
        instance,
        {"name": "web", "flavor": "m3.small", "wait_timeout": 600},
        _web_is(flavor="m3.small", status="ACTIVE"),
        _web,
    ),
    "rename": _task(instance, {"name": "web", "new_name": "www", "wait_timeout": 600}, _web_is(name="www"), _web),
    "launch or rename": _task(
        instance,
        {**LAUNCH, "name": "web", "new_name": "www"},
        lambda project: "web is there" if servers(project, "web") else _there("www")(project),
        _web,
    ),
    "metadata, description and lock": _task(
        instance,
        {
            "name": "web",
            "metadata": {"course": "geo"},
            "description": "A test.",
            "locked": True,
            "wait_timeout": 600,
        },
        _web_is(metadata={"course": "geo"}, description="A test.", locked=True),
        _web,
    ),
    "security groups": _task(
        instance,
        {"name": "web", "security_groups": ["ssh", "web"], "wait_timeout": 600},
        _web_is(groups=["ssh", "web"]),
        _groups,
    ),
    "address taken away": _task(
        instance, {"name": "web", "floating_ip": "none", "wait_timeout": 600}, _web_is(addresses=0), _web_with_address
    ),
    "floating IP": _task(floating_ip, {"instance": "web"}, _web_is(addresses=1), _web),
    "floating IP released": _task(
        floating_ip, {"instance": "web", "state": "absent"}, _web_is(addresses=0), _web_with_address
    ),
    "volume": _task(volume, {"name": "data", "size": 5}, _volume_is("data", size=5, status="available")),
    "volume grown": _task(
        volume, {"name": "data", "size": 9}, _volume_is("data", size=9, status="in-use"), _web_with_volume
    ),
    "volume without a wait": _task(
        volume,
        {"name": "data", "size": 5, "wait": False},
        _volume_is("data", size=5, status="in-use"),
        _web_with_volume,
    ),
    "volume attached": _task(
        volume,
        {"name": "data", "size": 5, "state": "attached", "instance": "web"},
        _volume_is("data", status="in-use", server=True),
        _web,
    ),
    "volume detached": _task(
        volume, {"name": "data", "state": "detached"}, _volume_is("data", status="available"), _web_with_volume
    ),
    "volume deleted": _task(
        volume, {"name": "data", "state": "absent", "detach": True}, _volume_is("data"), _web_with_volume
    ),
    "image": _task(
        image,
        {"name": "course", "instance": "web", "description": "A test.", "wait_timeout": 600},
        _image_is(1),
        _stopped_web,
    ),
    "image deleted": _task(
        image, {"name": "course", "state": "absent", "wait_timeout": 600}, _image_is(0), _web_with_image
    ),
    "key pair": _task(keypair, {"name": "laptop", "public_key": KEY}, _key_is(KEY)),
    "key pair replaced": _task(keypair, {"name": "laptop", "public_key": KEY, "replace": True}, _key_is(KEY), _laptop),
    "key pair deleted": _task(keypair, {"name": "laptop", "state": "absent"}, _key_is(None), _laptop),
    "security group": _task(security_group, {"name": "course", "rules": _RULES}, _group_is(2)),
    "security group deleted": _task(
        security_group, {"name": "course", "state": "absent"}, _group_is(None), _course_group
    ),
    "instance stopped": _task(
        instance_state, {"name": ["web"], "state": "stopped", "wait_timeout": 300}, _web_is(status="SHUTOFF"), _web
    ),
}
