# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project can launch from, as real services list it, and consoles of a real nova."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import api
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    Conflict,
    Refused,
    SelectionError,
)
from ansible_collections.jetstream.cloud.tests.openstack.seeding import (
    EXTERNAL_NETWORK,
    IMAGE,
    NETWORK,
    OWNER,
    PROJECT,
)
from ansible_collections.jetstream.cloud.tests.openstack.services import REGION
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User


def _image(user: User, name: str, visibility: str = "private", rest: Any = None, **more: Any) -> str:
    row = {"name": name, "container_format": "bare", "disk_format": "raw", "visibility": visibility, **more}
    made = (rest or user.cloud.owner).post("image", "/v2/images", row)
    (rest or user.cloud.owner).put("image", f"/v2/images/{made['id']}/file", b"\0" * 512)
    return str(made["id"])


@pytest.fixture
def images(user: User) -> Iterator[dict[str, str]]:
    """Have two snapshots of one name, and a community image that has the name of the staff's."""
    old = _image(user, "course, final", min_disk=8, min_ram=1024)
    # Glance dates images by the second.
    time.sleep(1.1)
    made = {
        "old": old,
        "new": _image(user, "course, final"),
        "strange": _image(user, IMAGE, "community", user.cloud.admin),
    }
    yield made
    for each in made.values():
        user.cloud.admin.delete("image", f"/v2/images/{each}")


def _requests(done: Done) -> list[str]:
    """Return the requests of a task but for its login."""
    return sorted(each for each in done.requests() if each != "POST identity /auth/tokens")


def _found(user: User, **options: Any) -> list[str]:
    return [each["uuid"] for each in user.task("image_info", **options).result["images"]]


def test_images_are_found_by_name_uuid_and_visibility(user: User, images: dict[str, str]) -> None:
    own = [images["new"], images["old"]]
    assert _found(user, name=["course, final"]) == own
    assert _found(user, name=["course*"], owner=["me"]) == own
    assert _found(user, visibility=["private"]) == own
    assert _found(user, name=["course*"], newest=True) == own[:1]
    [staff] = _found(user, name=[IMAGE])
    assert staff != images["strange"]
    assert _found(user, uuid=[images["strange"], staff], newest=True) == [staff]
    assert _found(user, name=[IMAGE], visibility=["community"]) == [images["strange"]]
    assert set(_found(user, name=[IMAGE], visibility=["community", "public"])) == {images["strange"], staff}
    done = user.task("image_info", uuid=[images["old"]])
    assert _requests(done) == ["GET image /images"]
    [row] = done.result["images"]
    assert (row["min_disk"], row["min_ram"], row["own"], row["visibility"]) == (8, 1024, True, "private")
    assert (row["owner"], row["usable"], row["size"]) == (user.cloud.owner.project_id, True, 0)
    done = user.task("image_info", name=["Featured-Ubuntu25"])
    assert (done.result["images"], len(done.outcome.warnings)) == ([], 1)


@pytest.fixture
def withdrawn(user: User) -> Iterator[str]:
    """Have an image of the staff that is hidden."""
    made = _image(user, "Featured-Ubuntu22", "public", user.cloud.admin, os_hidden=True)
    yield made
    user.task("instance", name="old", state="absent")
    user.cloud.admin.delete("image", f"/v2/images/{made}")


def test_a_hidden_image_is_launched_by_its_uuid_alone(user: User, withdrawn: str) -> None:
    name = "Featured-Ubuntu22"
    assert _found(user, name=[name]) == []
    assert _found(user, name=[name, IMAGE], hidden=True, newest=True) == _found(user, name=[IMAGE])
    done = user.task("image_info", name=["Featured-Ubuntu2*"], hidden=True)
    assert {each["name"]: (each["hidden"], each["usable"]) for each in done.result["images"]} == {
        name: (True, False),
        IMAGE: (False, True),
    }
    assert _requests(done) == ["GET image /images"] * 2
    assert _found(user, uuid=[withdrawn]) == [withdrawn]
    with pytest.raises(SelectionError, match=f"{name} is hidden: .* set image to its ID, {withdrawn}."):
        user.task("instance", name="old", image=name, flavor="m3.tiny")
    assert user.task("instance", name="old", image=withdrawn, flavor="m3.tiny").failure == ""


def test_images_of_several_pages_are_all_found(
    user: User, images: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_PAGE", 1)
    done = user.task("image_info")
    assert len(done.result["images"]) == 3
    assert done.requests().count("GET image /images") >= 3


def test_flavors_have_their_cost_and_their_room(user: User) -> None:
    done = user.task("flavor_info")
    assert _requests(done) == ["GET compute /flavors/detail", "GET compute /limits"]
    flavors = {each["name"]: each for each in done.result["flavors"]}
    assert list(flavors)[:2] == ["m3.tiny", "m3.small"]
    assert (flavors["m3.quad"]["id"], flavors["m3.quad"]["ram"], flavors["m3.quad"]["disk"]) == ("3", 15360, 20)
    assert (flavors["g3.xl"]["su_per_hour"], flavors["g3.xl"]["resource"]) == (64, "gpu")
    assert flavors["r3.xl"]["fits"]
    large = user.task("flavor_info", min_ram=500_000, min_disk=60, quota=False)
    assert [each["name"] for each in large.result["flavors"]] == ["r3.large", "r3.xl"]
    assert _requests(large) == ["GET compute /flavors/detail"]


def test_a_quota_counts_what_is_there(user: User) -> None:
    before = user.task("quota_info").result["quotas"][0]["resources"]
    [server] = user.has(name="counted", flavor="m3.quad", network=True)
    user.cloud.floating_ip(server)
    user.cloud.volume("counted", 7)
    done = user.task("quota_info")
    assert _requests(done) == sorted(
        [
            "GET accounting /",
            "GET block-storage /limits",
            "GET compute /limits",
            "GET network /quotas/details.json",
        ]
    )
    [quota] = done.result["quotas"]
    assert (quota["project"]["name"], quota["identity"]["name"]) == (PROJECT, OWNER)
    after = quota["resources"]
    more = {name: after[name]["used"] - before[name]["used"] for name in after}
    expected = {"instances": 1, "cores": 4, "ram": 15360, "floating_ips": 1, "volumes": 1, "gigabytes": 7, "ports": 1}
    assert {name: count for name, count in more.items() if count} == expected
    assert all(each["unlimited"] or each["free"] == each["limit"] - each["used"] for each in after.values())
    assert [each["remaining"] for each in done.result["allocations"]] == [158749.75, 50000]


def test_networks_have_a_way_out_where_a_router_leads_there(user: User) -> None:
    made = user.cloud.owner.post("network", "/v2.0/networks", {"network": {"name": "alone"}})["network"]["id"]
    try:
        done = user.task("network_info")
    finally:
        user.cloud.owner.delete("network", f"/v2.0/networks/{made}")
    assert _requests(done) == [f"GET network /{name}" for name in ("networks", "ports", "routers", "subnets")]
    found = {each["name"]: each for each in done.result["networks"]}
    assert {name: each["floating_ips"] for name, each in found.items()} == {
        NETWORK: True,
        EXTERNAL_NETWORK: None,
        "alone": False,
    }
    assert {name for name, each in found.items() if each["default"]} == {NETWORK}
    [router] = done.result["routers"]
    [subnet] = found[NETWORK]["subnets"]
    assert (subnet["cidr"], subnet["router"]) == ("10.3.0.0/20", router["uuid"])
    assert router["external_network"] == found[EXTERNAL_NETWORK]["uuid"]


def test_floating_ips_are_listed_with_their_instances(user: User) -> None:
    [server] = user.has(name="reached", network=True)
    address = user.cloud.floating_ip(server)
    external = user.cloud.owner.get("network", f"/v2.0/networks?name={EXTERNAL_NETWORK}")["networks"][0]["id"]
    body = {"floatingip": {"floating_network_id": external, "description": f"jetstream.cloud: made for {server.id}"}}
    spare = user.cloud.owner.post("network", "/v2.0/floatingips", body)["floatingip"]
    try:
        done = user.task("floating_ip_info")
    finally:
        user.cloud.owner.delete("network", f"/v2.0/floatingips/{spare['id']}")
    assert _requests(done) == ["GET compute /servers", "GET network /floatingips"]
    found = {each["address"]: each for each in done.result["floating_ips"]}
    assert set(found) == {address, spare["floating_ip_address"]}
    assert (found[address]["instance_name"], found[address]["instance_uuid"]) == ("reached", server.id)
    assert found[address]["fixed_address"].startswith("10.3.")
    unused = found[spare["floating_ip_address"]]
    assert (unused["attached"], unused["instance_uuid"], unused["made_for_it"]) == (False, None, False)


def test_keys_groups_project_and_identity_are_those_of_the_login(user: User) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBS1OzVdQJHdzFIzkVMbv1m3ZMxWBGZPkG5IuYKVG0x7 me@laptop"
    user.task("keypair", name="laptop", public_key=key)
    try:
        [found] = user.task("keypair_info").result["keypairs"]
        assert (found["name"], found["public_key"]) == ("laptop", key)
    finally:
        user.task("keypair", name="laptop", state="absent")
    rules = [{"ports": "22", "cidr": "0.0.0.0/0"}]
    made = user.task("security_group", name="course", rules=rules).result["security_group"]
    try:
        groups = {each["name"]: each for each in user.task("security_group_info").result["security_groups"]}
        assert set(groups) == {"course", "default"}
        assert groups["course"] == made
    finally:
        user.task("security_group", name="course", state="absent")
    [project] = user.task("project_info").result["projects"]
    assert (project["name"], project["uuid"]) == (PROJECT, user.cloud.owner.project_id)
    [identity] = user.task("identity_info").result["identities"]
    assert (identity["user"], identity["provider"]["name"]) == (OWNER, REGION)
    with pytest.raises(ConfigurationError, match="OpenStack has no records of maintenance"):
        user.task("maintenance_info")


def test_a_console_is_opened_by_the_kind_that_the_site_has(user: User) -> None:
    """The nova of these tests has SPICE and no noVNC."""
    [server] = user.has(name="web")
    user.cloud.hypervisor.console(server, "one\ntwo\nthree\n")
    done = user.task("console_info", instance="web", lines=2)
    assert done.requests().count("POST compute /servers/remote-consoles") == 2
    assert done.result["kind"] == "spice"
    assert done.result["url"].startswith("http://127.0.0.1:6082/spice_auto.html?token=")
    assert done.result["text"] == ["two", "three"]
    with pytest.raises(Refused, match="console type novnc"):
        user.task("console_info", instance="web", kind="novnc")
    user.brings([server], "shelved")
    with pytest.raises(Conflict):
        user.task("console_info", instance="web")
