# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of launch and every change of an instance, on a real nova: foreseen as it is done, and not done twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.tests.openstack.fleet import addresses
from ansible_collections.jetstream.cloud.tests.openstack.seeding import EXTERNAL_NETWORK, NETWORK
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User

SMALL: dict[str, Any] = {"image": "Featured-Ubuntu24", "flavor": "m3.tiny"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBS1OzVdQJHdzFIzkVMbv1m3ZMxWBGZPkG5IuYKVG0x7 me@laptop"
# What a check run says of an instance. Its UUID, its address and the time that it takes are not known before.
FORESEEN = ("name", "flavor", "before", "after", "actions", "changed", "failed", "skipped", "su_per_hour")


@pytest.fixture(autouse=True)
def group(user: User) -> Iterator[str]:
    """Have a security group, and leave none behind, nor key pairs and images."""
    owner = user.cloud.owner
    body = {"security_group": {"name": "ssh", "description": ""}}
    made = str(owner.post("network", "/v2.0/security-groups", body)["security_group"]["id"])
    yield made
    user.cloud.clear()
    for each in owner.get("compute", "/os-keypairs")["keypairs"]:
        owner.delete("compute", f"/os-keypairs/{each['keypair']['name']}")
    owner.delete("network", f"/v2.0/security-groups/{made}")


def triad(user: User, actions: list[str], **options: Any) -> Done:
    """Foresee a state, reach it, and keep it. Return the run that reached it."""
    # Ansible fills its own copy of the options.
    foreseen, done, again = (
        user.task("instance", check_mode=check, **deepcopy(options)) for check in (True, False, False)
    )
    assert [each.failure for each in (foreseen, done, again)] == ["", "", ""], options
    assert [row["actions"] for row in done.result["instances"]] == [actions], options
    assert _known(foreseen) == _known(done), options
    assert foreseen.result["su_per_hour"] == done.result["su_per_hour"], options
    assert (foreseen.result["summary"], foreseen.result["key_imported"]) == (
        done.result["summary"],
        done.result["key_imported"],
    )
    assert [each.outcome.changed for each in (foreseen, done, again)] == [True, True, False], options
    assert [row["actions"] for row in again.result["instances"]] in ([[]], []), options
    for each in (foreseen, again):
        assert [request for request in each.requests() if not request.startswith(("GET ", "POST identity"))] == []
    return done


def _known(done: Done) -> tuple[Any, Any]:
    """Return what a check run can know. Whether a shelved instance leaves its host is the cloud's to decide."""
    rows = [{key: row[key] for key in FORESEEN} for row in done.result["instances"]]
    known: tuple[Any, Any] = json.loads(json.dumps((rows, done.outcome.diff)).replace("shelved_offloaded", "shelved"))
    return known


def _spare(user: User) -> str:
    """Return a floating IP of the project that no instance has."""
    [external] = user.cloud.owner.get("network", f"/v2.0/networks?name={EXTERNAL_NETWORK}")["networks"]
    body = {"floatingip": {"floating_network_id": external["id"]}}
    return str(user.cloud.owner.post("network", "/v2.0/floatingips", body)["floatingip"]["floating_ip_address"])


def _shown(user: User) -> list[str]:
    """Return the addresses that nova shows of the only server."""
    [server] = user.cloud.owner.get("compute", "/servers")["servers"]
    return list(addresses(user.cloud.show(server["id"])))


@pytest.mark.parametrize(
    ("options", "actions", "end"),
    [
        pytest.param({}, ["launch"], ["delete"], id="plain"),
        pytest.param({"initial_state": "shelved"}, ["launch", "shelve"], ["delete"], id="shelved"),
        pytest.param({"boot_volume": {"size": 30}}, ["launch"], ["delete"], id="boot volume"),
        pytest.param(
            {"boot_volume": {"size": 30, "deleted_with_instance": False}},
            ["launch"],
            ["delete", "delete volumes"],
            id="boot volume that is kept",
        ),
        pytest.param(
            {"floating_ip": "auto", "wait_for": "address"},
            ["launch", "assign address"],
            ["delete", "release floating IP"],
            id="floating IP",
        ),
        pytest.param({"key_name": "laptop", "public_key": KEY}, ["launch"], ["delete"], id="key that is imported"),
        pytest.param({"security_groups": ["ssh"], "network": NETWORK}, ["launch"], ["delete"], id="group and network"),
        pytest.param({"security_groups": []}, ["launch", "set security groups"], ["delete"], id="no group"),
        pytest.param({"locked": True}, ["launch", "lock"], ["delete"], id="locked"),
        pytest.param({"exosphere": False, "metadata": {"a": "b"}}, ["launch"], ["delete"], id="not for Exosphere"),
    ],
)
def test_each_kind_of_launch_is_foreseen_done_and_ended(
    user: User, options: dict[str, Any], actions: list[str], end: list[str]
) -> None:
    triad(user, actions, name="web", **options, **SMALL)
    [server] = user.cloud.owner.get("compute", "/servers/detail")["servers"]
    assert ("exoServerVersion" in server["metadata"]) == options.get("exosphere", True)
    if "wait_for" in options:
        user.cloud.wait_until(lambda: len(_shown(user)) == 2, "no floating IP is shown")
    gone: dict[str, Any] = {"delete_volumes": True, "release_floating_ip": True, "include_locked": True}
    triad(user, end, name="web", state="absent", **gone)
    assert user.cloud.owner.get("block-storage", "/volumes/detail")["volumes"] == []
    assert user.cloud.owner.get("network", "/v2.0/floatingips")["floatingips"] == []


def test_each_change_of_an_instance_is_foreseen_done_and_not_done_twice(user: User, group: str) -> None:
    image = {"name": "Other", "container_format": "bare", "disk_format": "raw", "min_disk": 1}
    other = user.cloud.owner.post("image", "/v2/images", image)["id"]
    user.cloud.owner.put("image", f"/v2/images/{other}/file", b"\0" * 1024)
    user.cloud.owner.post("compute", "/os-keypairs", {"keypair": {"name": "laptop", "public_key": KEY, "type": "ssh"}})
    spare = _spare(user)
    assert user.task("instance", name="web", **SMALL).failure == ""
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({"name": "web", "new_name": "www"}, ["rename"]),
        ({"metadata": {"course": "geo"}}, ["set metadata"]),
        ({"metadata": {"course": "bio", "year": 2027}}, ["set metadata"]),
        ({"description": "The web page."}, ["set description"]),
        ({"description": ""}, ["set description"]),
        ({"security_groups": [group, "default"]}, ["set security groups"]),
        ({"security_groups": ["ssh"]}, ["set security groups"]),
        ({"floating_ip": spare}, ["assign address"]),
        ({"floating_ip": "none"}, ["detach floating IP"]),
        ({"flavor": "m3.small"}, ["resize"]),
        ({"locked": True}, ["lock"]),
        ({"locked": False, "metadata": {"course": "geo"}}, ["unlock", "set metadata"]),
        ({"key_name": "laptop", "replace": True, **SMALL, "flavor": "m3.small"}, ["delete", "launch"]),
        ({"image": "Other", "replace": True, "flavor": "m3.small"}, ["delete", "launch"]),
    ]
    for options, actions in steps:
        triad(user, actions, **{"name": "www", **options})
        if options.get("floating_ip") == spare:
            user.cloud.wait_until(lambda: spare in _shown(user), "no floating IP is shown")
    triad(user, ["delete"], name="www", state="absent")
    user.cloud.owner.delete("image", f"/v2/images/{other}")
