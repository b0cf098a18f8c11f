# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every instance is one host, under a name that is its own, with an address only where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.hosts import (
    GROUPINGS,
    NO_ADDRESS,
    HostSettings,
    address_of,
    hosts_of,
    variables_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Image, Instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from hypothesis import given
from hypothesis import strategies as st

FLOATING, FIXED, IPV6 = "149.165.1.2", "10.1.2.3", "2001:db8::1"
SETTINGS = HostSettings()


def never(template: str, variables: Mapping[str, Any]) -> str:
    raise AssertionError(f"{template} is rendered with {variables}")


def nova(name: str = "web", status: str = "active", **more: Any) -> Instance:
    instance = an_instance(name, status, number=more.pop("number", 1), ip_address=more.pop("ip_address", FLOATING))
    return replace(instance, **{"metadata": {}, "addresses": (FIXED, FLOATING, IPV6), **more})


def names(*instances: Instance, settings: HostSettings = SETTINGS) -> list[str]:
    return [host.name for host in hosts_of([each.to_result() for each in instances], settings, never)[0]]


@pytest.mark.parametrize(
    ("kinds", "address"),
    [
        (["floating", "fixed", "ipv6"], FLOATING),
        (["fixed", "floating"], FIXED),
        (["ipv6", "floating"], IPV6),
        (["fixed"], FIXED),
    ],
)
def test_addresses_are_taken_by_preference(kinds: list[str], address: str) -> None:
    assert address_of(nova().to_result(), kinds) == address


@pytest.mark.parametrize(
    "status", ["shutoff", "suspended", "paused", "shelved", "shelved_offloaded", "error", "missing", "deleted"]
)
def test_a_host_that_does_not_run_has_no_address(status: str) -> None:
    [host], warnings = hosts_of([nova(status=status).to_result()], SETTINGS, never)
    assert (host.variables["jetstream_address"], host.variables["ansible_host"]) == (None, NO_ADDRESS)
    assert {f"status_{status}", "without_address"} <= set(host.groups)
    assert warnings == []


@pytest.mark.parametrize("status", ["active", "reboot", "hard_reboot", "build"])
def test_a_host_that_runs_or_is_about_to_keeps_its_address(status: str) -> None:
    assert address_of(nova(status=status).to_result(), ["floating"]) == FLOATING


def test_twins_never_merge_and_the_oldest_keeps_its_name() -> None:
    young = nova(number=7, start_date="2026-11-02T00:00:00Z")
    old = nova(number=3, start_date="2026-11-01T00:00:00Z")
    hosts, warnings = hosts_of([young.to_result(), old.to_result()], SETTINGS, never)
    assert {host.name: host.variables["jetstream_id"] for host in hosts} == {"web": 3, "web_7": 7}
    assert warnings == ["Several instances are named web. The host of a younger one is web_7."]


def test_one_instance_seen_through_two_accounts_is_one_host() -> None:
    assert names(nova(), nova()) == ["web"]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_no_instance_is_taken_for_the_controller(name: str) -> None:
    [host], [warning] = hosts_of([nova(name).to_result()], SETTINGS, never)
    assert host.name == f"{name}_1"
    assert "means the controller in Ansible" in warning


def test_names_are_taken_by_preference_and_a_template_over_the_variables_is_one() -> None:
    template = "{{ jetstream_project }}-{{ jetstream_name }}"
    settings = HostSettings(hostnames=("ip_address", template, "uuid"))
    asleep = nova("cold", "shutoff")
    hosts, _warnings = hosts_of(
        [nova().to_result(), asleep.to_result()], settings, lambda text, values: f"p-{values['jetstream_name']}"
    )
    assert {host.name for host in hosts} == {FLOATING, "p-cold"}
    [nameless], _none = hosts_of([asleep.to_result()], settings, lambda text, values: "")
    assert nameless.name == asleep.uuid


@pytest.mark.parametrize(
    ("name", "shown"), [("my web\nserver", "my-web-server"), ("a:b[1]", "a-b-1"), ("{{ x }}", "x")]
)
def test_a_name_that_ansible_would_take_for_a_pattern_or_a_template_is_made_plain(name: str, shown: str) -> None:
    assert names(nova(name)) == [shown]


@pytest.mark.parametrize(
    ("image", "metadata", "user"),
    [
        ("Featured-Ubuntu22", {}, "ubuntu"),
        ("Featured-RockyLinux9", {}, "rocky"),
        ("Featured-Ubuntu22", {"ssh_user": "exouser"}, "exouser"),
        ("Featured-Ubuntu22", {"ssh_user": "x; rm -rf /"}, "ubuntu"),
        ("mine", {}, None),
        ("Featured-Ubuntu22", None, "johndoe"),
    ],
)
def test_the_login_name_is_that_of_the_metadata_the_image_or_the_account(
    image: str, metadata: dict[str, str] | None, user: str | None
) -> None:
    instance = nova(image=Image(image, "i"), metadata=metadata)
    assert variables_of(instance.to_result(), SETTINGS).get("ansible_user") == user
    assert variables_of(instance.to_result(), HostSettings(user="ada"))["ansible_user"] == "ada"


def test_no_passphrase_becomes_a_variable() -> None:
    metadata = {"exoPw": "secret words", "admin_pass": "x", "api_token": "y", "idle_after": "6"}
    shown = variables_of(nova(metadata=metadata).to_result(), SETTINGS)["jetstream_metadata"]
    assert shown == {"idle_after": "6"}


def test_ready_made_groups_can_be_switched_off() -> None:
    [host], _warnings = hosts_of([nova().to_result()], HostSettings(groups=()), never)
    assert host.groups == ()
    [host], _warnings = hosts_of([nova().to_result()], HostSettings(groups=tuple(GROUPINGS)), never)
    assert {"status_active", "flavor_m1.small", "owner_johndoe"} <= set(host.groups)


@given(names_=st.lists(st.sampled_from(["web", "db", "web_2", "localhost"]), max_size=8))
def test_every_instance_is_one_host_under_a_name_of_its_own(names_: list[str]) -> None:
    made = names(*(nova(name, number=number) for number, name in enumerate(names_)))
    assert len(set(made)) == len(made) == len(names_)
