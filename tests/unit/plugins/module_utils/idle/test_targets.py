# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each running instance is read over a host of the inventory or a new one, and stored under its own key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import key_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.targets import Target, targets
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Image, Instance, Project
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

WEB = an_instance("web", number=1, ip_address="149.165.1.1", project=Project("geo", "p-1"))
DB = an_instance("db", number=2, ip_address="149.165.1.2")
NONE: dict[str, dict[str, Any]] = {"localhost": {"ansible_host": "127.0.0.1"}}


def found(*instances: Instance, inventory: dict[str, dict[str, Any]]) -> list[Target]:
    return targets([each.to_result() for each in instances], inventory)


@pytest.mark.parametrize("inventory", [{}, NONE], ids=["none", "localhost alone"])
def test_without_an_inventory_instances_become_hosts(inventory: dict[str, dict[str, Any]]) -> None:
    web, db = found(WEB, DB, inventory=inventory)
    assert (web.name, web.address, web.user, web.problem) == ("web", "149.165.1.1", "johndoe", "")
    key = key_of(WEB)
    assert (web.site, web.project, web.uuid) == (key.site, key.project, key.uuid)
    assert db.uuid == DB.uuid


def test_the_login_is_that_of_the_image_where_instances_have_metadata() -> None:
    rocky = replace(WEB, metadata={}, image=Image("Featured-RockyLinux9"))
    chosen = replace(WEB, metadata={"ssh_user": "exouser"}, image=Image("Featured-RockyLinux9"))
    assert [each.user for each in found(rocky, inventory={})] == ["rocky"]
    assert [each.user for each in found(chosen, inventory={})] == ["exouser"]


def test_twins_are_two_hosts_and_have_a_key_each() -> None:
    twin = an_instance("web", number=3, ip_address="149.165.1.3")
    one, other = found(WEB, twin, inventory={})
    assert one.name != other.name
    assert {(one.address, one.uuid), (other.address, other.uuid)} == {
        ("149.165.1.1", WEB.uuid),
        ("149.165.1.3", twin.uuid),
    }


def test_an_instance_without_an_address_is_named() -> None:
    assert [each.problem for each in found(replace(WEB, ip_address=None), inventory={})] == ["has no address"]


@pytest.mark.parametrize(
    ("inventory", "name"),
    [
        ({"seat-1": {"jetstream_uuid": WEB.uuid, "ansible_host": "10.0.0.1"}}, "seat-1"),
        ({"web": {}}, "web"),
        ({"seat-1": {"ansible_host": "149.165.1.1"}}, "seat-1"),
        ({"149.165.1.1": {}}, "149.165.1.1"),
        ({"web": {"jetstream_uuid": "another"}, "seat-1": {"jetstream_uuid": WEB.uuid}}, "seat-1"),
    ],
    ids=["by uuid", "by name", "by address", "by the address as its name", "a uuid comes before a name"],
)
def test_the_connection_comes_from_the_inventory(inventory: dict[str, dict[str, Any]], name: str) -> None:
    [web] = found(WEB, inventory=inventory | NONE)
    assert (web.name, web.address, web.user, web.problem, web.uuid) == (name, None, None, "", WEB.uuid)


@pytest.mark.parametrize(
    "inventory", [{"other": {}}, {"web": {"jetstream_uuid": "another"}}], ids=["another host", "another's uuid"]
)
def test_hosts_that_are_not_in_the_inventory_are_not_connected_to(inventory: dict[str, dict[str, Any]]) -> None:
    assert [each.problem for each in found(WEB, inventory=inventory)] == ["is not in the inventory"]


def test_a_name_that_two_have_leads_to_neither() -> None:
    twin = an_instance("web", number=3, ip_address="149.165.1.3")
    assert {each.problem for each in found(WEB, twin, inventory={"web": {}})} == {"is not in the inventory"}
