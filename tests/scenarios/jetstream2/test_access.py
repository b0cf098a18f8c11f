# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key pairs of a real nova, and security groups of a real neutron: foreseen, done, and not done twice."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    SelectionError,
)
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBS1OzVdQJHdzFIzkVMbv1m3ZMxWBGZPkG5IuYKVG0x7 me@laptop"
TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUXh4GJkA2Gb8fbXM8v0QBOKpTsJ1oYq4WS6kQOAN1i me@desk"
SSH = {"ports": "22", "cidr": "0.0.0.0/0"}
WEB = {"ports": "8000-8100", "cidr": "129.79.5.0/16"}
PING6 = {"protocol": "icmp", "cidr": "::/0"}


@pytest.fixture(autouse=True)
def _empty(user: User) -> Iterator[None]:
    """Leave no key pair and no security group behind."""
    yield
    for name in ("laptop",):
        user.cloud.owner.delete("compute", f"/os-keypairs/{name}")
    user.cloud.clear()
    for each in user.cloud.owner.get("network", "/v2.0/security-groups")["security_groups"]:
        if each["name"] != "default":
            user.cloud.owner.delete("network", f"/v2.0/security-groups/{each['id']}")


def _thrice(user: User, module: str, **options: Any) -> Done:
    """Foresee a state, reach it, and keep it. Return the run that reached it."""
    # Ansible fills its own copy of the options.
    foreseen, done, again = (user.task(module, check_mode=check, **deepcopy(options)) for check in (True, False, False))
    assert [each.outcome.changed for each in (foreseen, done, again)] == [True, True, False]
    assert foreseen.outcome.diff == done.outcome.diff
    return done


def test_a_key_pair_is_imported_replaced_and_deleted(user: User) -> None:
    done = _thrice(user, "keypair", name="laptop", public_key=ONE)
    assert done.result["keypair"]["fingerprint"].count(":") == 15
    assert not user.task("keypair", name="laptop", public_key=f"{ONE.rpartition(' ')[0]} another").outcome.changed
    with pytest.raises(ConfigurationError, match="The key pair laptop has a different key"):
        user.task("keypair", name="laptop", public_key=TWO)
    _thrice(user, "keypair", name="laptop", public_key=TWO, replace=True)
    assert user.cloud.owner.get("compute", "/os-keypairs/laptop")["keypair"]["public_key"] == TWO
    _thrice(user, "keypair", name="laptop", state="absent")


def test_a_security_group_has_the_rules_that_are_named(user: User) -> None:
    done = _thrice(user, "security_group", name="course", description="d", rules=[SSH, WEB, PING6, dict(SSH)])
    rules = [(each["direction"], each["protocol"], each["ports"], each["cidr"]) for each in _rules(done)]
    ingress = {
        ("ingress", "tcp", "22", "0.0.0.0/0"),
        ("ingress", "tcp", "8000-8100", "129.79.0.0/16"),
        ("ingress", "ipv6-icmp", None, "::/0"),
    }
    assert {each for each in rules if each[0] == "ingress"} == ingress
    assert len(rules) == len(set(rules))
    # Rules that are not named stay, unless that is asked for.
    assert not user.task("security_group", name="course", rules=[dict(SSH)]).outcome.changed
    each_other = {"protocol": "any", "group": "course"}
    done = _thrice(user, "security_group", name="course", rules=[SSH, each_other], purge_rules=True, description="e")
    assert {each["ports"] for each in _rules(done)} == {"22", None}
    [among] = [each for each in _rules(done) if each["group"]]
    assert (among["direction"], among["group"]) == ("ingress", done.result["security_group"]["uuid"])
    assert done.result["security_group"]["description"] == "e"
    _thrice(user, "security_group", name="course", state="absent")


def _rules(done: Done) -> list[dict[str, Any]]:
    return list(done.result["security_group"]["rules"])


def test_two_security_groups_of_a_name_are_told_apart_by_their_uuids(user: User) -> None:
    made = [
        user.cloud.owner.post("network", "/v2.0/security-groups", {"security_group": {"name": "twin"}})
        for _time in range(2)
    ]
    first, second = (each["security_group"]["id"] for each in made)
    with pytest.raises(SelectionError, match="The name twin is ambiguous"):
        user.task("security_group", name="twin", state="absent")
    _thrice(user, "security_group", name=first, state="absent")
    left = user.cloud.owner.get("network", "/v2.0/security-groups?name=twin")["security_groups"]
    assert [each["id"] for each in left] == [second]


def test_a_security_group_in_use_stays(user: User) -> None:
    user.task("security_group", name="course", rules=[dict(SSH)])
    [server] = user.has(name="web", network=True)
    user.cloud.act(server, {"addSecurityGroup": {"name": "course"}})
    for check_mode in (True, False):
        with pytest.raises(ConfigurationError, match="The security group course is in use by web"):
            user.task("security_group", name="course", state="absent", check_mode=check_mode)
