# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A floating IP of a real neutron is given once, taken back, and taken from nobody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError, SelectionError
from ansible_collections.jetstream.cloud.tests.openstack.seeding import EXTERNAL_NETWORK
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User

LIST = "/v2.0/floatingips"


def _thrice(user: User, **options: Any) -> Done:
    """Foresee a state, reach it, and keep it. Return the run that reached it."""
    foreseen, done, again = (
        user.task("floating_ip", check_mode=check, instance="web", **options) for check in (True, False, False)
    )
    assert [each.outcome.changed for each in (foreseen, done, again)] == [True, True, False]
    assert done.result["address"] == again.result["address"]
    return done


def _addresses(user: User) -> dict[str, bool]:
    """Return the floating IPs of the project, and whether an instance has each."""
    rows = user.cloud.owner.get("network", LIST)["floatingips"]
    return {each["floating_ip_address"]: each["port_id"] is not None for each in rows}


def test_an_instance_gets_one_floating_ip_and_gives_it_back(user: User) -> None:
    user.has(name="web", network=True)
    done = _thrice(user)
    assert _addresses(user) == {done.result["address"]: True}
    assert _thrice(user, state="absent").result["address"] is None
    assert _addresses(user) == {}


def test_a_given_floating_ip_is_attached_and_given_back_by_its_name_alone(user: User) -> None:
    [server] = user.has(name="web", network=True)
    address = user.cloud.floating_ip(server)
    assert not user.task("floating_ip", instance="web", address=address).outcome.changed
    with pytest.raises(ConfigurationError, match="which this collection did not create for it"):
        user.task("floating_ip", instance="web", state="absent")
    assert _addresses(user) == {address: True}
    _thrice(user, state="absent", address=address)


def test_a_floating_ip_is_taken_from_no_other_instance(user: User) -> None:
    [_web] = user.has(name="web", network=True)
    [other] = user.has(name="other", network=True)
    address = user.cloud.floating_ip(other)
    with pytest.raises(SelectionError, match=f"{address} belongs to another instance"):
        user.task("floating_ip", instance="web", address=address)
    _thrice(user)
    with pytest.raises(ConfigurationError, match="has the floating IP"):
        user.task("floating_ip", instance="web", address=address)
    assert _addresses(user)[address]


def test_a_spare_floating_ip_of_the_project_is_attached_and_no_other_one_is_made(user: User) -> None:
    user.has(name="web", network=True)
    [external] = user.cloud.owner.get("network", f"/v2.0/networks?name={EXTERNAL_NETWORK}")["networks"]
    body = {"floatingip": {"floating_network_id": external["id"]}}
    address = user.cloud.owner.post("network", LIST, body)["floatingip"]["floating_ip_address"]
    assert _thrice(user, address=address).result["address"] == address
    assert _addresses(user) == {address: True}
