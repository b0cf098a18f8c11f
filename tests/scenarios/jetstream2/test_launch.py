# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches and deletions on a real nova, with what goes wrong there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.launcher import (
    Jetstream2Launcher,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Session
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    OverAllocation,
    SelectionError,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.tests.openstack.fleet import addresses
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User

LIST = "GET compute /servers/detail"
SMALL: dict[str, Any] = {"image": "Featured-Ubuntu24", "flavor": "m3.tiny"}


def names(user: User) -> list[str]:
    """Return the names of all servers, as nova has them."""
    listed = user.cloud.owner.get("compute", "/servers?limit=1000")["servers"]
    return sorted(each["name"] for each in listed)


def beyond_polls(done: Done) -> Counter[str]:
    """Count the requests but for polls, which are details of servers and lists after the launches."""
    requested = done.requests()
    last_post = max(number for number, each in enumerate(requested) if each == "POST compute /servers")
    first, later = requested[: last_post + 1], requested[last_post + 1 :]
    polls = (LIST, "GET compute /servers")
    return Counter([*first, *(each for each in later if each not in polls)])


def test_a_fleet_is_launched_and_a_second_run_only_lists(user: User) -> None:
    wanted: dict[str, Any] = {"name": "node", "count": 12, **SMALL}
    checked = user.task("instance", check_mode=True, **wanted)
    assert (checked.outcome.changed, checked.seen.of("compute", "POST"), names(user)) == (True, [], [])
    done = user.task("instance", **wanted)
    assert (done.failure, done.outcome.changed) == ("", True)
    assert names(user) == sorted(f"node-{number}" for number in range(1, 13))
    assert {each["after"] for each in done.result["instances"]} == {"active"}
    requests = beyond_polls(done)
    assert requests["POST compute /servers"] == 12
    assert requests.total() <= 12 + 15
    again = user.task("instance", **wanted)
    assert (again.outcome.changed, again.requests()) == (False, [LIST])
    gone = user.task("instance", state="absent", name="node-{number}")
    assert (gone.failure, names(user)) == ("", [])
    assert user.task("instance", state="absent", name="node-{number}").outcome.changed is False


def test_floating_ips_are_made_once_and_given_back_only_where_that_is_said(user: User) -> None:
    wanted: dict[str, Any] = {"names": ["alice", "bob"], "floating_ip": "auto", "wait_for": "address", **SMALL}
    done = user.task("instance", **wanted)
    assert done.failure == ""
    given = {each["name"]: each["ip_address"] for each in done.result["instances"]}
    assert all(given.values())
    assert len(floating_ips(user)) == 2
    again = user.task("instance", **wanted)
    assert (again.failure, again.outcome.changed, len(floating_ips(user))) == ("", False, 2)
    assert {each["name"]: each["ip_address"] for each in again.result["instances"]} == given
    user.task("instance", state="absent", name="alice")
    assert len(floating_ips(user)) == 2
    done = user.task("instance", state="absent", name="bob", release_floating_ip=True)
    assert done.of("bob")["actions"] == ["delete", "release floating IP"]
    assert [each["floating_ip_address"] for each in floating_ips(user)] == [given["alice"]]


def test_the_longest_name_is_launched_stopped_and_deleted(user: User) -> None:
    name = "n" * 255
    done = user.task("instance", name=name, **SMALL)
    assert (done.failure, done.of(name)["after"]) == ("", "active")
    assert user.task("instance_state", state="stopped", name=name).failure == ""
    assert user.task("instance", state="absent", name=name).failure == ""
    assert names(user) == []


def test_more_metadata_than_nova_takes_are_refused_before_a_launch(user: User) -> None:
    metadata = {f"key{number}": "v" for number in range(128)}
    with pytest.raises(OverAllocation, match=r"13[0-9] metadata items of an instance required, 128 of 128 available"):
        user.task("instance", name="web", metadata=metadata, **SMALL)
    assert names(user) == []


def floating_ips(user: User) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = user.cloud.owner.get("network", "/v2.0/floatingips")["floatingips"]
    return found


def test_an_address_that_belongs_to_another_is_not_taken_away(user: User) -> None:
    [other] = user.has(name="other", network=True)
    address = user.cloud.floating_ip(other)
    with pytest.raises(SelectionError, match="belongs to another instance"):
        user.task("instance", name="thief", floating_ip=address, **SMALL)
    assert names(user) == ["other"]
    [kept] = floating_ips(user)
    assert kept["port_id"] is not None
    assert user.task("instance", state="absent", name="other").failure == ""
    done = user.task("instance", name="thief", floating_ip=address, **SMALL)
    assert (done.failure, done.of("thief")["ip_address"]) == ("", address)
    assert done.of("thief")["actions"] == ["launch", "assign address"]


def test_what_no_host_takes_leaves_no_record_and_the_next_run_fills_up(user: User) -> None:
    for name in ("node-2", "node-5", "node-6"):
        user.cloud.hypervisor.no_capacity(name)
    wanted: dict[str, Any] = {"name": "node", "count": 6, **SMALL}
    done = user.task("instance", capacity_retries=0, **wanted)
    assert done.failure.startswith("3 of 6 instances exist: node-2: was not launched: no host had room for it: ")
    assert done.result["summary"]["launched"] == 3
    assert names(user) == ["node-1", "node-3", "node-4"]
    user.cloud.hypervisor.forget()
    done = user.task("instance", **wanted)
    assert (done.failure, done.result["summary"]["launched"]) == ("", 3)
    assert names(user) == [f"node-{number}" for number in range(1, 7)]


def test_the_record_of_a_killed_run_that_found_no_host_is_removed_and_launched_again(user: User) -> None:
    user.cloud.hypervisor.no_capacity("node-1")
    user.task("instance", name="node", count=1, wait=False, **SMALL)
    user.cloud.wait([user_id(user, "node-1")], "ERROR")
    user.cloud.hypervisor.forget()
    done = user.task("instance", name="node", count=1, **SMALL)
    assert (done.failure, done.of("node-1")["actions"]) == ("", ["remove failed launch", "launch"])
    assert names(user) == ["node-1"]


def user_id(user: User, name: str) -> str:
    [found] = [each for each in user.cloud.owner.get("compute", "/servers")["servers"] if each["name"] == name]
    return str(found["id"])


def test_a_quota_that_cannot_fit_is_reported_before_anything_is_launched(user: User) -> None:
    with quota(user, instances=4):
        with pytest.raises(OverAllocation, match="5 instances required, 4 of 4 available"):
            user.task("instance", name="node", count=5, **SMALL)
        assert names(user) == []
        # Others may take what was free a moment ago: then nova refuses, and the rest is not sent.
        blind = pytest.MonkeyPatch()
        blind.setattr(Jetstream2Launcher, "_require_quota", lambda *_unused: None)
        # One at a time: of launches at the same moment, nova may refuse some that would fit.
        done = user.task("instance", name="node", count=20, concurrency=1, **SMALL)
        blind.undo()
        assert done.failure.startswith("4 of 20 instances exist: ")
        assert "Quota exceeded" in done.failure
        assert len(names(user)) == 4
        assert len(done.seen.of("compute", "POST")) < 24


@contextmanager
def quota(user: User, **limits: int) -> Iterator[None]:
    path = f"/os-quota-sets/{user.cloud.owner.login().project_id}"
    user.cloud.admin.put("compute", path, {"quota_set": limits})
    try:
        yield
    finally:
        user.cloud.admin.delete("compute", path)


def test_a_launch_whose_response_is_lost_is_found_and_not_sent_again(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Session.request
    lost: list[str] = []

    def request(self: Session, method: str, service: str, path: str, **more: Any) -> Response:
        reply = really(self, method, service, path, **more)
        if method == "POST" and path == "/servers" and len(lost) < 3:
            lost.append(path)
            raise Unreachable("The connection was dropped.")
        return reply

    monkeypatch.setattr(Session, "request", request)
    done = user.task("instance", name="node", count=5, **SMALL)
    assert (done.failure, len(lost)) == ("", 3)
    assert len([each for each in done.seen.of("compute", "POST") if each.path.endswith("/servers")]) == 5
    assert names(user) == [f"node-{number}" for number in range(1, 6)]


def test_a_floating_ip_whose_response_is_lost_is_found_and_not_made_again(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Session.request
    lost: list[str] = []

    def request(self: Session, method: str, service: str, path: str, **more: Any) -> Response:
        reply = really(self, method, service, path, **more)
        if method == "POST" and path == "/v2.0/floatingips" and not lost:
            lost.append(path)
            return Response(500, {"NeutronError": {"message": "oops"}}, True, "application/json", None, None)
        return reply

    monkeypatch.setattr(Session, "request", request)
    done = user.task("instance", name="web", floating_ip="auto", **SMALL)
    assert (done.failure, len(lost)) == ("", 1)
    [made] = floating_ips(user)
    assert done.of("web")["ip_address"] == made["floating_ip_address"]


def test_volumes_stay_unless_it_is_said_that_they_go(user: User) -> None:
    user.task("instance", names=["keeps", "drops"], **SMALL)
    kept = user.cloud.volume("kept", attached_to=user_id(user, "keeps"))
    dropped = user.cloud.volume("dropped", attached_to=user_id(user, "drops"))
    done = user.task("instance", state="absent", name="keeps")
    assert done.of("keeps")["actions"] == ["detach volumes", "delete"]
    done = user.task("instance", state="absent", name="drops", delete_volumes=True)
    assert done.of("drops")["actions"] == ["detach volumes", "delete", "delete volumes"]
    volumes = user.cloud.owner.get("block-storage", "/volumes/detail")["volumes"]
    assert [(each["id"], each["status"]) for each in volumes] == [(kept.id, "available")]
    assert dropped.id not in {each["id"] for each in volumes}


def test_only_what_was_launched_for_a_template_is_deleted_by_it_and_the_highest_first(user: User) -> None:
    user.has(name="node-9")
    done = user.task("instance", name="node-{number}", count=3, **SMALL)
    # The number of another instance is taken, and counts.
    assert sorted(each["name"] for each in done.result["instances"]) == ["node-1", "node-2", "node-9"]
    user.task("instance", name="node-{number}", count=4, **SMALL)
    done = user.task("instance", name="node-{number}", count=2, shrink=True, **SMALL)
    deleted = [each["name"] for each in done.result["instances"] if each["after"] == "absent"]
    assert deleted == ["node-3"]
    assert any("node-9" in each and "not changed" in each for each in done.outcome.warnings)
    checked = user.task("instance", state="absent", name="node-{number}", check_mode=True)
    assert [each["name"] for each in checked.result["instances"]] == ["node-2", "node-1"]
    assert names(user) == ["node-1", "node-2", "node-9"]
    user.task("instance", state="absent", name="node-{number}")
    assert names(user) == ["node-9"]


def test_an_instance_can_begin_on_the_shelf(user: User) -> None:
    done = user.task("instance", name="spare", initial_state="shelved", **SMALL)
    assert (done.failure, done.of("spare")["after"]) == ("", "shelved_offloaded")
    again = user.task("instance", name="spare", initial_state="shelved", **SMALL)
    assert (again.outcome.changed, again.requests()) == (False, [LIST])


def test_an_instance_boots_from_a_volume(user: User) -> None:
    done = user.task("instance", name="big", boot_volume={"size": 30}, **SMALL)
    assert done.failure == ""
    [volume] = user.cloud.owner.get("block-storage", "/volumes/detail")["volumes"]
    assert (volume["size"], volume["status"]) == (30, "in-use")
    assert user.task("instance", state="absent", name="big").of("big")["actions"] == ["delete"]
    kept = user.task("instance", name="big", boot_volume={"size": 30, "deleted_with_instance": False}, **SMALL)
    assert kept.failure == ""
    done = user.task("instance", state="absent", name="big", delete_volumes=True)
    assert (done.failure, done.of("big")["actions"]) == ("", ["delete", "delete volumes"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image": "Featured-Ubunto24"}, "image: there is no image Featured-Ubunto24"),
        ({"flavor": "m3.tini"}, "there is no flavor m3.tini. Did you mean m3.tiny?"),
        ({"key_name": "nobody"}, "there is no key pair nobody"),
        ({"security_groups": ["defaul"]}, "defaul does not exist. Did you mean default?"),
        ({"network": "somewhere"}, "network: somewhere does not exist"),
        ({"user_data": "x" * 60000}, "user_data: it has 80000 characters"),
        ({"project": "TG-OTHER"}, "the login is for TG-DEMO001"),
    ],
)
def test_an_unknown_name_is_refused_before_anything_is_launched(
    user: User, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(SelectionError, match=re.escape(words)):
        user.task("instance", name="web", **(SMALL | options))
    assert names(user) == []


def test_the_options_arrive_and_exosphere_finds_its_marks(user: User) -> None:
    key = {
        "keypair": {
            "name": "mine",
            "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAabcdefghijklmnopqrstuvwxyz0123456789ABCDEF me",
        }
    }
    user.cloud.owner.post("compute", "/os-keypairs", key)
    options: dict[str, Any] = {
        "key_name": "mine",
        "security_groups": ["default"],
        "metadata": {"course": "geo", "year": 2026, "open": True},
        "user_data": "#cloud-config\n",
        "description": "A test.",
    }
    try:
        assert user.task("instance", name="web", **SMALL, **options).failure == ""
    finally:
        user.cloud.owner.delete("compute", "/os-keypairs/mine")
    shown = user.cloud.show(user_id(user, "web"))
    assert shown["key_name"] == "mine"
    assert shown["metadata"] == {
        "course": "geo",
        "year": "2026",
        "open": "true",
        "jetstream_cloud_group": "web",
        "jetstream_cloud_image": "Featured-Ubuntu24",
        "exoServerVersion": "6",
        "exoCreatorUsername": "demo",
        "exoFloatingIpOption": "doNotUseFloatingIp",
    }


def test_properties_are_changed_in_place_on_a_real_nova(user: User) -> None:
    launched = user.task("instance", name="web", floating_ip="auto", metadata={"old": "kept"}, **SMALL)
    address = launched.of("web")["ip_address"]
    web = user_id(user, "web")
    # Nova shows an address late.
    user.cloud.wait_until(lambda: address in addresses(user.cloud.show(web)), "the address is not shown")
    group = {"security_group": {"name": "ssh", "description": ""}}
    made = user.cloud.owner.post("network", "/v2.0/security-groups", group)["security_group"]
    wanted: dict[str, Any] = {
        "name": "web",
        "new_name": "www",
        "flavor": "m3.small",
        "image": "Featured-Ubuntu24",
        "metadata": {"course": "geo"},
        "description": "The web page.",
        "security_groups": [made["id"]],
        "floating_ip": "none",
        "locked": True,
    }
    steps = [
        "rename",
        "set description",
        "set metadata",
        "set security groups",
        "detach floating IP",
        "resize",
        "lock",
    ]
    try:
        checked = user.task("instance", check_mode=True, **wanted)
        assert (checked.of("www")["actions"], checked.seen.of("compute", "POST")) == (steps, [])
        done = user.task("instance", **wanted)
        assert (done.failure, done.of("www")["actions"]) == ("", steps)
        shown = user.cloud.show(user_id(user, "www"))
        assert (shown["status"], shown["flavor"]["original_name"], shown["locked"]) == ("ACTIVE", "m3.small", True)
        assert {"old": "kept", "course": "geo"}.items() <= shown["metadata"].items()
        assert [each["port_id"] for each in floating_ips(user)] == [None]
        again = user.task("instance", **wanted)
        assert (again.failure, again.outcome.changed) == ("", False)
    finally:
        user.task("instance", state="absent", name="www", include_locked=True)
        user.cloud.owner.delete("network", f"/v2.0/security-groups/{made['id']}")
    assert names(user) == []


def test_a_smaller_disk_and_metadata_of_a_shelved_one_are_not_sent(user: User) -> None:
    user.task("instance", name="large", **(SMALL | {"flavor": "m3.medium"}))
    done = user.task("instance", name="large", **SMALL)
    assert (
        "cannot resize (m3.medium to m3.tiny): its disk has 60 GB and cannot shrink to the 20 GB of m3.tiny"
        in done.failure
    )
    assert done.seen.of("compute", "POST") == []
    user.task("instance_state", name=["large"], state="shelved")
    done = user.task("instance", name="large", metadata={"a": "b"})
    assert done.failure == "large: cannot set metadata (not set to a: b): it is shelved_offloaded."
    assert done.seen.of("compute", "POST") == []


def test_another_image_is_replaced_only_where_that_is_said(user: User) -> None:
    user.task("instance", name="web", **SMALL)
    old = user_id(user, "web")
    image = {"name": "Other", "container_format": "bare", "disk_format": "raw", "min_disk": 1}
    made = user.cloud.owner.post("image", "/v2/images", image)["id"]
    user.cloud.owner.put("image", f"/v2/images/{made}/file", b"\0" * 1024)
    done = user.task("instance", name="web", **(SMALL | {"image": "Other"}))
    assert "image is Featured-Ubuntu24, not Other" in done.failure
    assert user_id(user, "web") == old
    done = user.task("instance", name="web", replace=True, **(SMALL | {"image": "Other"}))
    assert (done.failure, done.of("web")["actions"]) == ("", ["delete", "launch"])
    assert user_id(user, "web") != old
