# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to name the same thing, on a real OpenStack: foreseen, done, and not done twice."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError, SelectionError
from ansible_collections.jetstream.cloud.tests.openstack.fleet import addresses
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User

SMALL: dict[str, Any] = {"image": "Featured-Ubuntu24", "flavor": "m3.tiny"}


def thrice(user: User, steps: dict[str, list[str]], **options: Any) -> Done:
    """Foresee a state, reach it by these steps, and keep it. Return the run that reached it."""
    foreseen, done, again = (
        user.task("instance", check_mode=check, **deepcopy(options)) for check in (True, False, False)
    )
    assert [each.failure for each in (foreseen, done, again)] == ["", "", ""]
    for each, expected in ((foreseen, steps), (done, steps), (again, {name: [] for name in steps})):
        assert {row["name"]: row["actions"] for row in each.result["instances"]} == expected
        assert each.outcome.changed == any(expected.values())
    assert foreseen.outcome.diff == done.outcome.diff
    return done


def ids(user: User) -> tuple[str, dict[str, str]]:
    """Return the UUID of the image, and the ids of the flavors by their names."""
    [image] = user.cloud.owner.get("image", f"/v2/images?name={SMALL['image']}")["images"]
    listed = user.cloud.owner.get("compute", "/flavors")["flavors"]
    return image["id"], {each["name"]: each["id"] for each in listed}


def test_an_image_and_a_flavor_are_the_same_by_name_and_by_id(user: User) -> None:
    image, flavors = ids(user)
    by_id: dict[str, Any] = {"image": image, "flavor": flavors["m3.tiny"]}
    thrice(user, {"web": ["launch"], "Web": ["launch"]}, names=["web", "Web"], **SMALL)
    thrice(user, {"db": ["launch"]}, name="db", **by_id)
    for options in (SMALL, by_id):
        for replaces in (False, True):
            thrice(user, {"web": [], "db": []}, names=["web", "db"], replace=replaces, **options)
    thrice(user, {"db": ["resize"]}, name="db", flavor=flavors["m3.small"])
    thrice(user, {"db": []}, name="db", flavor="m3.small")


def test_an_instance_without_a_security_group_has_none(user: User) -> None:
    done = thrice(user, {"web": ["launch", "set security groups"]}, name="web", security_groups=[], **SMALL)
    assert user.cloud.show(done.of("web")["uuid"]).get("security_groups", []) == []
    thrice(user, {"web": ["set security groups"]}, name="web", security_groups=["default", "default"])


def test_a_given_address_is_foreseen_moved_and_never_taken_from_another(user: User) -> None:
    [other] = user.has(name="other", network=True)
    user.has(name="bare", network=True)
    taken = user.cloud.floating_ip(other)
    network = next(
        each["id"] for each in user.cloud.owner.get("network", "/v2.0/networks")["networks"] if each["router:external"]
    )
    wanted = {"floatingip": {"floating_network_id": network}}
    spare = user.cloud.owner.post("network", "/v2.0/floatingips", wanted)["floatingip"]["floating_ip_address"]
    for address, said in ((taken, "belongs to another instance"), ("192.0.2.1", "has no floating IP 192.0.2.1")):
        for check_mode in (True, False):
            with pytest.raises(SelectionError, match=said):
                user.task("instance", check_mode=check_mode, name="web", floating_ip=address, **SMALL)
            with pytest.raises(SelectionError, match=said):
                user.task("floating_ip", check_mode=check_mode, instance="bare", address=address)
    done = thrice(user, {"web": ["launch", "assign address"]}, name="web", floating_ip="auto", **SMALL)
    web = done.of("web")["uuid"]
    # Nova shows an address late.
    user.cloud.wait_until(
        lambda: done.of("web")["ip_address"] in addresses(user.cloud.show(web)), "no address is shown"
    )
    moved = user.task("instance", check_mode=True, name="web", floating_ip=spare)
    assert (moved.failure, moved.of("web")["actions"]) == ("", ["assign address"])
    moved = user.task("instance", name="web", floating_ip=spare)
    assert (moved.failure, moved.of("web")["actions"], moved.of("web")["ip_address"]) == ("", ["assign address"], spare)


def test_a_volume_without_a_name_is_never_meant(user: User) -> None:
    """Nova gives the volumes that instances boot from no name."""
    boot = {"size": 30, "deleted_with_instance": False}
    assert user.task("instance", name="big", boot_volume=boot, **SMALL).failure == ""
    assert user.task("instance", name="big", state="absent").failure == ""
    [kept] = user.cloud.owner.get("block-storage", "/volumes/detail")["volumes"]
    assert (kept["name"], kept["status"]) == ("", "available")
    for options in ({"state": "absent"}, {"size": 40}, {"state": "detached"}):
        with pytest.raises(ConfigurationError, match="name is given, but empty"):
            user.task("volume", name="", **options)
    [still] = user.cloud.owner.get("block-storage", "/volumes/detail")["volumes"]
    assert (still["id"], still["size"]) == (kept["id"], 30)
