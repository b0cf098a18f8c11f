# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of a ready cloud: a small copy of the resources that a project on Jetstream2 sees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.openstack.rest import Rest
from ansible_collections.jetstream.cloud.tests.openstack.services import INTERFACES, REGION, Layout, url

PROJECT = "TG-DEMO001"
OWNER = "demo"
IMAGE = "Featured-Ubuntu24"
NETWORK = "auto_allocated_network"
EXTERNAL_NETWORK = "public"


@dataclass(frozen=True)
class Flavor:
    """A size of server. `ram` in MiB, `disk` in GiB."""

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int


# The ids and memory of m3 are those of Jetstream2; 6 is not among the published ones. Those of r3 and g3 are made up.
FLAVORS = (
    Flavor("1", "m3.tiny", 1, 3072, 20),
    Flavor("2", "m3.small", 2, 6144, 20),
    Flavor("3", "m3.quad", 4, 15360, 20),
    Flavor("4", "m3.medium", 8, 30720, 60),
    Flavor("5", "m3.large", 16, 61440, 60),
    Flavor("7", "m3.xl", 32, 128000, 60),
    Flavor("8", "m3.2xl", 64, 256000, 60),
    Flavor("20", "r3.large", 64, 512000, 60),
    Flavor("21", "r3.xl", 128, 1024000, 60),
    Flavor("30", "g3.small", 4, 15360, 60),
    Flavor("31", "g3.medium", 8, 30720, 60),
    Flavor("32", "g3.large", 16, 61440, 60),
    Flavor("33", "g3.xl", 32, 128000, 60),
)

# Rows of the accounting service: a past and a present one for the CPUs, and one for the GPUs without any use yet.
ALLOCATIONS: list[dict[str, object]] = [
    {
        "description": "Demonstration project",
        "abstract": "Servers that exist on one machine only.",
        "service_units_allocated": 100000.0,
        "service_units_used": 99321.5,
        "start_date": "2024-10-01",
        "end_date": "2025-09-30",
        "resource": "jetstream2.indiana.xsede.org",
        "active": 0,
    },
    {
        "description": "Demonstration project",
        "abstract": "Servers that exist on one machine only.",
        "service_units_allocated": 200000.0,
        "service_units_used": 41250.25,
        "start_date": "2025-10-01",
        "end_date": "2099-09-30",
        "resource": "jetstream2.indiana.xsede.org",
        "active": 1,
    },
    {
        "description": "Demonstration project",
        "abstract": "Servers that exist on one machine only.",
        "service_units_allocated": 50000.0,
        "service_units_used": None,
        "start_date": "2025-10-01",
        "end_date": "2099-09-30",
        "resource": "jetstream2-gpu.indiana.xsede.org",
        "active": 1,
    },
    {
        "description": "Demonstration project",
        "abstract": "Servers that exist on one machine only.",
        "service_units_allocated": 1000.0,
        "service_units_used": 12.0,
        "start_date": "2025-10-01",
        "end_date": "2099-09-30",
        "resource": "jetstream2-storage.indiana.xsede.org",
        "active": 1,
    },
]


@dataclass(frozen=True)
class Secrets:
    """The passwords of the users, and the owner's application credential. They are valid on this machine alone."""

    admin_password: str
    service_password: str
    owner_password: str
    credential_id: str = ""
    credential_secret: str = ""

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        path.chmod(0o600)

    @classmethod
    def load(cls, path: Path) -> Secrets:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def seed_identity(ports: Mapping[str, tuple[int, int]], given: Secrets) -> Secrets:
    """Make users, projects, the catalog and the owner's application credential. Return the secrets with it."""
    identity = url(ports, "identity", "internal")
    admin = Rest(identity, "admin", given.admin_password, "admin")
    roles = {role["name"]: role["id"] for role in admin.get("identity", "/roles")["roles"]}
    _user(admin, "service", given.service_password, "service", [roles["admin"], roles["service"]])
    _user(admin, OWNER, given.owner_password, PROJECT, [roles["member"], roles["reader"]])
    for kind in ports:
        if kind == "identity":
            continue
        service = admin.post("identity", "/services", {"service": {"type": kind, "name": kind}})["service"]
        for interface in INTERFACES:
            endpoint = {"service_id": service["id"], "interface": interface, "region_id": REGION}
            endpoint["url"] = url(ports, kind, interface)
            admin.post("identity", "/endpoints", {"endpoint": endpoint})
    owner = Rest(identity, OWNER, given.owner_password, PROJECT).login()
    path = f"/users/{owner.user_id}/application_credentials"
    made = owner.post("identity", path, {"application_credential": {"name": "js2"}})["application_credential"]
    known = asdict(given) | {"credential_id": made["id"], "credential_secret": made["secret"]}
    return Secrets(**known)


def _user(admin: Rest, name: str, password: str, project: str, roles: list[str]) -> None:
    made = admin.post("identity", "/projects", {"project": {"name": project, "domain_id": "default"}})["project"]
    user = {"name": name, "password": password, "domain_id": "default", "default_project_id": made["id"]}
    user_id = admin.post("identity", "/users", {"user": user})["user"]["id"]
    for role in roles:
        admin.put("identity", f"/projects/{made['id']}/users/{user_id}/roles/{role}")


def seed_resources(ports: Mapping[str, tuple[int, int]], given: Secrets) -> None:
    """Make flavors, an image, and a network with a router to the external network."""
    identity = url(ports, "identity", "internal")
    admin = Rest(identity, "admin", given.admin_password, "admin")
    owner = Rest(identity, OWNER, given.owner_password, PROJECT).login()
    for flavor in FLAVORS:
        admin.post("compute", "/flavors", {"flavor": asdict(flavor)})
    image = {"name": IMAGE, "container_format": "bare", "disk_format": "raw", "visibility": "public", "min_disk": 1}
    image_id = admin.post("image", "/v2/images", image)["id"]
    admin.put("image", f"/v2/images/{image_id}/file", b"\0" * 1024)
    external = {"name": EXTERNAL_NETWORK, "router:external": True, "shared": True}
    external_id = admin.post("network", "/v2.0/networks", {"network": external})["network"]["id"]
    subnet = {"network_id": external_id, "ip_version": 4, "cidr": "149.165.152.0/22", "enable_dhcp": False}
    admin.post("network", "/v2.0/subnets", {"subnet": subnet})
    network_id = owner.post("network", "/v2.0/networks", {"network": {"name": NETWORK}})["network"]["id"]
    subnet = {"network_id": network_id, "ip_version": 4, "cidr": "10.3.0.0/20", "name": "auto_allocated_subnet_v4"}
    subnet_id = owner.post("network", "/v2.0/subnets", {"subnet": subnet})["subnet"]["id"]
    router = {"name": "auto_allocated_router", "external_gateway_info": {"network_id": external_id}}
    router_id = owner.post("network", "/v2.0/routers", {"router": router})["router"]["id"]
    owner.put("network", f"/v2.0/routers/{router_id}/add_router_interface", {"subnet_id": subnet_id})


def write_clouds_yaml(layout: Layout, ports: Mapping[str, tuple[int, int]], known: Secrets) -> None:
    """Write the clouds.yaml of a user: `js2`, and `js2-wrong` with a wrong secret."""

    def cloud(name: str, secret: str) -> str:
        return f"""\
  {name}:
    region_name: {REGION}
    interface: public
    identity_api_version: 3
    auth_type: v3applicationcredential
    auth:
      auth_url: {url(ports, "identity")}
      application_credential_id: {known.credential_id}
      application_credential_secret: {secret}
"""

    text = "clouds:\n" + cloud("js2", known.credential_secret) + cloud("js2-wrong", "not-the-secret")
    layout.clouds_yaml.write_text(text, encoding="utf-8")
    layout.clouds_yaml.chmod(0o600)
