# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in key pairs, security groups and floating IPs are named before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    JetstreamError,
    Refused,
    SelectionError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    KeyPair,
    Outcome,
    SecurityGroup,
    SecurityRule,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    floating_ip,
    keypair,
    security_group,
)
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import LaunchCloud
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.jetstream2.test_client import of

GROUPS = "GET network /v2.0/security-groups"
KEY = "ssh-ed25519 AAAAC3Nza me@laptop"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(fleet(1, clock=ManualClock()), tmp_path) as served:
        served.warm()
        yield served


# What Atmosphere lacks, by module and state. The triad of each is a refusal: in check mode, in a run, and in the next.
LACKING: list[tuple[Any, dict[str, Any], str]] = [
    (keypair, {"name": "laptop", "public_key": KEY}, "neither key pairs nor security groups"),
    (keypair, {"name": "laptop", "state": "absent"}, "neither key pairs nor security groups"),
    (security_group, {"name": "course", "rules": [{"ports": "22", "cidr": "0.0.0.0/0"}]}, "nor security groups"),
    (security_group, {"name": "course", "state": "absent"}, "nor security groups"),
    (floating_ip, {"instance": "node-0001"}, "gives each instance a floating IP"),
    (floating_ip, {"instance": "node-0001", "state": "absent"}, "gives each instance a floating IP"),
]


@pytest.mark.parametrize(("module", "options", "reason"), LACKING)
def test_a_module_that_atmosphere_lacks_is_refused_in_each_state_and_changes_nothing(
    site: Site, module: Any, options: dict[str, Any], reason: str
) -> None:
    for check_mode in (True, False, False):
        with pytest.raises(ConfigurationError, match=reason):
            module.OPERATION(
                given(module.SPEC, **site.options, **deepcopy(options)), in_context(site, check_mode=check_mode)
            )
    assert [each for each in site.server.requests if each.method != "GET"] == []


def run(module: Any, answers: dict[str, Any], **options: Any) -> tuple[Outcome, list[str]]:
    cloud, session = of(answers)
    work = module.keypair if module is keypair else module.security_group
    outcome = OperationRunner(None).run(module.SPEC, lambda given, context: work(cloud, given, context), **options)
    return outcome, session.requested


@pytest.mark.parametrize(
    ("public_key", "said"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n", "public_key is a private key."),
        ("laptop.pub", "public_key is not a public key."),
        (f"{KEY}\n{KEY}", "public_key is not a public key."),
    ],
)
def test_an_invalid_public_key_is_refused_and_never_quoted(public_key: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        run(keypair, {}, name="laptop", public_key=public_key)
    assert "c2VjcmV0" not in str(raised.value)


@pytest.mark.parametrize("name", ["default", "exosphere", " Default "])
def test_the_groups_of_others_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is managed by the site, and is not changed"):
        run(security_group, {GROUPS: {"security_groups": []}}, name=name, state="absent")


@pytest.mark.parametrize("options", [{"state": "absent"}, {"description": "mine"}, {"rules": [], "purge_rules": True}])
@pytest.mark.parametrize("name", ["default", "Exosphere"])
def test_the_groups_of_others_are_refused_by_their_uuids_as_well(name: str, options: dict[str, Any]) -> None:
    there = {"id": "1d355b5f-4f28-40a1-91c6-33f7111af908", "name": name, "description": "", "security_group_rules": []}
    with pytest.raises(ConfigurationError, match=f"{name} is managed by the site, and is not changed"):
        run(security_group, {GROUPS: {"security_groups": [there]}}, name=there["id"], **options)


@pytest.mark.parametrize(
    ("rule", "error", "said"),
    [
        ({"cidr": "everybody"}, ConfigurationError, "everybody is not a network"),
        ({"cidr": "10.0.0.0/8", "ports": "ssh"}, ConfigurationError, "must be a port or a range"),
        ({"cidr": "10.0.0.0/8", "ports": "22-"}, ConfigurationError, "must be a port or a range"),
        ({"cidr": "10.0.0.0/8", "ports": "-22"}, ConfigurationError, "must be a port or a range"),
        ({"cidr": "10.0.0.0/8", "ports": "9-8"}, ConfigurationError, "must be an ascending range between 1 and 65535"),
        (
            {"cidr": "10.0.0.0/8", "ports": "70000"},
            ConfigurationError,
            "must be an ascending range between 1 and 65535",
        ),
        ({"cidr": "10.0.0.0/8", "protocol": "icmp", "ports": "1"}, ConfigurationError, "icmp has no ports"),
        ({"group": "nobody"}, SelectionError, "there is no security group nobody"),
    ],
)
def test_a_rule_with_a_mistake_is_refused_before_the_group_is_made(
    rule: dict[str, Any], error: type[JetstreamError], said: str
) -> None:
    with pytest.raises(error, match=said):
        run(security_group, {GROUPS: {"security_groups": []}}, name="course", rules=[rule])


def test_an_absent_group_takes_no_rules() -> None:
    with pytest.raises(ConfigurationError, match="state: absent does not accept rules and description"):
        run(security_group, {GROUPS: {"security_groups": []}}, name="course", state="absent", description="d")


def a_group_with_a_rule(**rule: Any) -> dict[str, Any]:
    """Return what neutron answers to a list of groups: one named course, with a rule for ssh from everywhere."""
    row = {
        "id": "5e8df51f-4e45-42e3-bd95-dac934e022df",
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 22,
        "port_range_max": 22,
        "remote_ip_prefix": None,
        "remote_group_id": None,
        "remote_address_group_id": None,
        **rule,
    }
    group = {"id": "24aff78d-63fd-40db-8332-3532f7a996d9", "name": "course", "security_group_rules": [row]}
    return {GROUPS: {"security_groups": [group]}}


def test_rules_are_compared_however_neutron_writes_them() -> None:
    outcome, requested = run(
        security_group, a_group_with_a_rule(protocol="6"), name="course", rules=[{"ports": "22", "cidr": "0.0.0.0/0"}]
    )
    assert (outcome.changed, requested) == (False, [GROUPS])


_ADDRESSES = "0a9c3c4b-9d3a-4b5e-8a31-6a1f2b1a7c11"


@pytest.mark.parametrize(
    ("there", "wanted", "shown"),
    [
        (
            {"remote_address_group_id": _ADDRESSES},
            {"ports": "22", "cidr": "0.0.0.0/0"},
            f"ingress IPv4 tcp 22 {_ADDRESSES}",
        ),
        (
            {"protocol": "icmp", "port_range_min": 8, "port_range_max": None},
            {"protocol": "icmp", "cidr": "0.0.0.0/0"},
            "ingress IPv4 icmp 8 0.0.0.0/0",
        ),
        (
            {"protocol": "icmp", "port_range_min": 3, "port_range_max": 4},
            {"protocol": "icmp", "cidr": "0.0.0.0/0"},
            "ingress IPv4 icmp 3-4 0.0.0.0/0",
        ),
    ],
)
def test_a_narrower_rule_is_not_taken_for_the_wanted_one(
    there: dict[str, Any], wanted: dict[str, Any], shown: str
) -> None:
    outcome, _requested = run(
        security_group, a_group_with_a_rule(**there), name="course", rules=[wanted], check_mode=True
    )
    assert outcome.changed
    assert shown in outcome.diff["before"]


def test_a_new_group_can_let_in_its_own_machines() -> None:
    class Store:
        """Has no groups, and takes notes."""

        def __init__(self) -> None:
            self.made: list[SecurityGroup] = []
            self.added: list[SecurityRule] = []

        def list_groups(self, name: str) -> list[SecurityGroup]:
            return [each for each in self.made if each.name == name]

        def require_room_for_groups(self, groups: int, rules: int) -> None:
            assert (groups, rules) == (1, 1)

        def create_group(self, name: str, description: str) -> SecurityGroup:
            self.made.append(SecurityGroup("new", name, description))
            return self.made[0]

        def add_rule(self, group: SecurityGroup, rule: SecurityRule) -> None:
            self.added.append(rule)

    class Cloud:
        def __init__(self) -> None:
            self.store = Store()

        def access_store(self) -> Store:
            return self.store

    cloud = Cloud()

    def work(given: Any, context: Any) -> Outcome:
        return security_group.security_group(cloud, given, context)  # type: ignore[arg-type]

    wanted: dict[str, Any] = {"name": "course", "rules": [{"ports": "2049", "group": "course"}]}
    checked = OperationRunner(None).run(security_group.SPEC, work, check_mode=True, **wanted)
    assert (checked.changed, cloud.store.made) == (True, [])
    assert "ingress IPv4 tcp 2049 itself" in checked.diff["after"]
    OperationRunner(None).run(security_group.SPEC, work, **wanted)
    assert [rule.group for rule in cloud.store.added] == ["new"]


@pytest.mark.parametrize(
    ("module", "options"),
    [(keypair, {"public_key": KEY}), (keypair, {"state": "absent"}), (security_group, {"state": "absent"})],
)
def test_nothing_has_an_empty_or_an_endless_name(module: Any, options: dict[str, Any]) -> None:
    for name, said in (("", "is given, but empty"), (" ", "is given, but empty"), ("x" * 256, "has 256 characters")):
        with pytest.raises(ConfigurationError, match=f"name {said}"):
            run(module, {}, name=name, **options)


class Keys:
    """A cloud with key pairs, which takes no key that ends in "wrong"."""

    def __init__(self, **keys: str) -> None:
        self.keys = {name: KeyPair(name, key) for name, key in keys.items()}

    def access_store(self) -> Keys:
        return self

    def get_key(self, name: str) -> KeyPair | None:
        return self.keys.get(name)

    def delete_key(self, name: str) -> None:
        del self.keys[name]

    def import_key(self, name: str, public_key: str) -> KeyPair:
        if public_key.endswith("wrong"):
            raise Refused("Keypair data is invalid.")
        self.keys[name] = KeyPair(name, public_key)
        return self.keys[name]


def test_a_key_pair_is_not_lost_for_one_that_the_cloud_does_not_take() -> None:
    cloud = Keys(laptop=KEY)

    def work(given: Any, context: Any) -> Outcome:
        return keypair.keypair(cloud, given, context)  # type: ignore[arg-type]

    with pytest.raises(Refused, match="Keypair data is invalid"):
        OperationRunner(None).run(keypair.SPEC, work, name="laptop", public_key="ssh-ed25519 AAAA wrong", replace=True)
    assert cloud.keys == {"laptop": KeyPair("laptop", KEY)}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("address", "said"),
    [("149.165.0.1", "149.165.0.1 belongs to another instance"), ("149.165.7.7", "the project has no floating IP")],
)
def test_check_mode_refuses_an_address_as_the_run_does(check_mode: bool, address: str, said: str) -> None:
    web, other = an_instance("web", number=1), an_instance("other", number=2)
    cloud = LaunchCloud(FakeClock(), [web, other])
    cloud.addresses[other.uuid] = "149.165.0.1"

    def work(given: Any, context: Any) -> Outcome:
        return floating_ip.floating_ip(cloud, given, context)  # type: ignore[arg-type]

    with pytest.raises(SelectionError, match=said):
        OperationRunner(None).run(floating_ip.SPEC, work, check_mode=check_mode, instance="web", address=address)
    assert cloud.addresses == {other.uuid: "149.165.0.1"}
