# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of info modules, run by Ansible as they stand in the documentation, and what they find."""

from __future__ import annotations

import importlib
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.seeding import (
    EXTERNAL_NETWORK,
    IMAGE,
    NETWORK,
    OWNER,
    PROJECT,
)
from ansible_collections.jetstream.cloud.tests.openstack.services import REGION
from ansible_collections.jetstream.cloud.tests.scenarios.stages import OpenStack, play

_MODULES = "ansible_collections.jetstream.cloud.plugins.modules"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBS1OzVdQJHdzFIzkVMbv1m3ZMxWBGZPkG5IuYKVG0x7 me@laptop"
HIDDEN = "Featured-Ubuntu22"
# What the variables that the examples register must have, by module. The numbers choose some of its examples.
FOUND: Mapping[str, tuple[Sequence[int], Sequence[str]]] = {
    "network_info": (
        (),
        (
            f"found.networks | map(attribute='name') | sort == {sorted([NETWORK, EXTERNAL_NETWORK])}",
            f"found.networks | selectattr('floating_ips') | map(attribute='name') == ['{NETWORK}']",
            "found.routers | length == 1",
        ),
    ),
    "floating_ip_info": ((), ("spare.floating_ips | map(attribute='address') == [spare_address]",)),
    "keypair_info": (
        (),
        (
            "keys.keypairs | map(attribute='name') == ['laptop']",
            f"keys.keypairs[0].public_key == '{KEY}'",
        ),
    ),
    "security_group_info": (
        (),
        ("found.security_groups | map(attribute='name') | sort == ['course', 'default']",),
    ),
    "quota_info": (
        (),
        (
            "quota.quotas | length == 1",
            "quota.quotas[0].resources.instances.used == 1",
            "quota.quotas[0].resources.cores.used == 1",
            "quota.quotas[0].resources.floating_ips.used == 2",
        ),
    ),
    "flavor_info": (
        (),
        (
            "found.flavors | map(attribute='vcpus') | min == 2",
            "found.flavors | map(attribute='ram') | min >= 6000",
            "found.flavors | selectattr('name', 'eq', 'm3.small') | map(attribute='su_per_hour') == [2]",
        ),
    ),
    "image_info": (
        (0, 1, 3),
        # The variable is that of the first one.
        (f"found.images | map(attribute='name') == ['{IMAGE}']", "found.images[0].usable"),
    ),
    "identity_info": (
        (),
        (
            f"found.identities | map(attribute='user') == ['{OWNER}']",
            f"found.identities[0].provider.name == '{REGION}'",
        ),
    ),
    "project_info": ((), (f"found.projects | map(attribute='name') == ['{PROJECT}']",)),
    "console_info": ((), ("console.kind == 'spice'", "console.url is search('token=')")),
    # What a launch would cost.
    "instance": (
        (4, 5),
        (
            "foreseen.su_per_hour == {'before': 0, 'after': 80, 'difference': 80, 'unknown': []}",
            "foreseen.instances | map(attribute='su_per_hour') | unique == [8]",
        ),
    ),
}


@pytest.fixture
def stage(tmp_path: Path, js2: Cloud) -> Iterator[OpenStack]:
    made = OpenStack(tmp_path, js2)
    yield made
    made.clear()


@pytest.fixture
def spare_address(stage: OpenStack) -> Iterator[str]:
    """Have one of each thing that the examples look for, and return the floating IP that no instance has."""
    cloud = stage.cloud
    owner = cloud.owner
    (server,) = cloud.servers(1, "m3.tiny", "active", name="web", network=True)
    cloud.floating_ip(server)
    cloud.hypervisor.console(server, "".join(f"line {number}\n" for number in range(30)))
    [external] = owner.get("network", f"/v2.0/networks?name={EXTERNAL_NETWORK}")["networks"]
    body = {"floatingip": {"floating_network_id": external["id"]}}
    address = owner.post("network", "/v2.0/floatingips", body)["floatingip"]
    owner.post("compute", "/os-keypairs", {"keypair": {"name": "laptop", "public_key": KEY, "type": "ssh"}})
    group = owner.post("network", "/v2.0/security-groups", {"security_group": {"name": "course"}})["security_group"]
    ports = {"port_range_min": 22, "port_range_max": 22, "protocol": "tcp", "remote_ip_prefix": "0.0.0.0/0"}
    rule = {"security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv4", **ports}
    owner.post("network", "/v2.0/security-group-rules", {"security_group_rule": rule})
    image = {"name": HIDDEN, "container_format": "bare", "disk_format": "raw", "visibility": "public"}
    hidden = cloud.admin.post("image", "/v2/images", {**image, "os_hidden": True})["id"]
    cloud.admin.put("image", f"/v2/images/{hidden}/file", b"\0" * 512)
    yield str(address["floating_ip_address"])
    cloud.clear()
    cloud.admin.delete("image", f"/v2/images/{hidden}")
    owner.delete("compute", "/os-keypairs/laptop")
    owner.delete("network", f"/v2.0/floatingips/{address['id']}")
    owner.delete("network", f"/v2.0/security-groups/{group['id']}")


def _play_of(module: str, spare: str, home: Path) -> dict[str, Any]:
    """Return a play with the examples of a module, and the comparison of what they registered."""
    numbers, that = FOUND[module]
    examples = importlib.import_module(f"{_MODULES}.jetstream_{module}").EXAMPLES
    # Ansible takes the home of the system's user, whatever HOME says.
    tasks = yaml.safe_load(examples.replace("dest: ~/", f"dest: {home}/"))
    chosen = [tasks[number] for number in numbers] or tasks
    return {
        "name": module,
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"spare_address": spare},
        "module_defaults": {"group/jetstream.cloud.all": {"profile": "lab"}},
        "tasks": [*chosen, {"name": "Compare", "ansible.builtin.assert": {"that": list(that)}}],
    }


def test_the_examples_of_info_modules_find_what_is_there(stage: OpenStack, spare_address: str) -> None:
    path = stage.home / "examples.yml"
    path.write_text(yaml.safe_dump([_play_of(each, spare_address, stage.home) for each in FOUND]), encoding="utf-8")
    played = play(path, stage.home)
    assert played.status == 0, played.text
    # Foreseen are ten launches, and the address of the console is written.
    assert played.changed == 2, played.text
    shown = re.findall(r'"msg": (.*)', played.text)
    assert f"\"{NETWORK}: ['10.3.0.0/20']\"" in shown
    assert '"course"' in shown
    assert "default" not in " ".join(shown)
    assert '"They would cost 80 SU per hour"' in shown
    assert any(each.startswith('"m3.small: 2 SU per hour, room for ') for each in shown)
    written = stage.home / "console-of-web"
    assert written.read_text(encoding="utf-8").startswith("http")
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
