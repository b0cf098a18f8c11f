# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine knows itself among the instances of a cloud, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.controller import (
    Machine,
    spared,
    this_machine,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.ladder import vetoes_of_controller
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

WEB = replace(an_instance("web", ip_address="149.165.150.2"), addresses=("10.0.0.5", "2001:db8::5"))
DB = replace(an_instance("db", number=2, ip_address="149.165.150.3"), addresses=("10.0.0.6",))
TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.0.0/24 2 0 2
        |-- 10.0.0.0
           /24 link UNICAST
        |-- 10.0.0.5
           /32 host LOCAL
        |-- 10.0.0.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
"""
INET6 = """\
20010db8000000000000000000000005 02 40 00 80     eth0
fe800000000000000000000000000001 02 40 20 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
"""


def machine(root: Path, files: dict[str, str]) -> Machine:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return this_machine(root)


VIRTUAL = {"proc/cpuinfo": "flags\t\t: fpu hypervisor lahf_lm\n"}


@pytest.mark.parametrize(
    "name", ["var/lib/cloud/data/instance-id", "run/cloud-init/.instance-id", "sys/class/dmi/id/product_uuid"]
)
def test_the_own_machine_is_known_by_its_uuid(tmp_path: Path, name: str) -> None:
    found = machine(tmp_path, {name: f"{WEB.uuid.upper()}\n"})
    assert found.is_instance(WEB)
    assert not found.is_instance(DB)


def test_the_uuid_counts_more_than_an_address(tmp_path: Path) -> None:
    files = {**VIRTUAL, "proc/net/fib_trie": TRIE, "var/lib/cloud/data/instance-id": DB.uuid}
    found = machine(tmp_path, files)
    assert (found.is_instance(WEB), found.is_instance(DB)) == (False, True)


@pytest.mark.parametrize("files", [{"proc/net/fib_trie": TRIE}, {"proc/net/if_inet6": INET6}])
def test_without_a_uuid_a_virtual_machine_is_known_by_its_addresses(tmp_path: Path, files: dict[str, str]) -> None:
    found = machine(tmp_path, {**VIRTUAL, **files})
    assert (found.is_instance(WEB), found.is_instance(DB)) == (True, False)


def test_a_machine_at_home_that_has_the_same_private_address_is_no_instance(tmp_path: Path) -> None:
    found = machine(tmp_path, {"proc/cpuinfo": "flags\t\t: fpu lahf_lm\n", "proc/net/fib_trie": TRIE})
    assert not found.is_instance(WEB)


@pytest.mark.parametrize(("product", "is_web"), [("OpenStack Nova\n", True), ("VirtualBox\n", False)])
def test_a_virtual_machine_of_another_product_is_no_instance(tmp_path: Path, product: str, is_web: bool) -> None:
    files = {**VIRTUAL, "proc/net/fib_trie": TRIE, "sys/class/dmi/id/product_name": product}
    assert machine(tmp_path, files).is_instance(WEB) is is_web


def test_only_an_instance_that_was_not_named_is_spared() -> None:
    own = Machine(uuids=frozenset({WEB.uuid}))
    assert spared([WEB, DB], own) == {WEB.uuid}
    assert spared([WEB, DB], own, lambda each: each.name == "web") == frozenset()
    assert spared([WEB, DB], Machine()) == frozenset()


def test_a_controller_that_is_named_has_a_veto_whatever_this_machine_knows() -> None:
    assert [each.veto for each in vetoes_of_controller(WEB, Machine(), ["WEB"])] == ["controller"]
    assert not list(vetoes_of_controller(DB, Machine(uuids=frozenset({WEB.uuid})), ["web"]))


def test_an_instance_id_of_another_kind_of_cloud_says_nothing(tmp_path: Path) -> None:
    files = {**VIRTUAL, "proc/net/fib_trie": TRIE, "var/lib/cloud/data/instance-id": "i-0abcd\n"}
    assert machine(tmp_path, files).is_instance(WEB)


def test_a_machine_without_readable_data_is_no_instance(tmp_path: Path) -> None:
    assert machine(tmp_path, {}) == Machine()
    assert not Machine().is_instance(WEB)
