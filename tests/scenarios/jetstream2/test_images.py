# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a real nova, a real glance and a real cinder: made once, changed in place, and deleted with care."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Session
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError, Unreachable
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User

LOGIN, LIST, SERVERS = "POST identity /auth/tokens", "GET image /images", "GET compute /servers/detail"
MAKE = "POST compute /servers/action"
OTHER = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _unprotected(user: User) -> Iterator[None]:
    """Leave no image that cannot be deleted."""
    yield
    for each in images(user):
        if each["protected"]:
            user.task("image", uuid=each["id"], protected=False)


def images(user: User) -> list[dict[str, Any]]:
    """Return the images of the project, as glance has them."""
    query = f"owner={user.cloud.owner.login().project_id}"
    return list(user.cloud.owner.get("image", f"/v2/images?{query}")["images"])


def snapshots(user: User) -> list[str]:
    return sorted(each["id"] for each in user.cloud.owner.get("block-storage", "/snapshots")["snapshots"])


def _requests(done: Done) -> list[str]:
    """Return the requests, without the login."""
    return [each for each in done.requests() if each != LOGIN]


def triad(user: User, actions: list[str], **options: Any) -> Done:
    """Foresee a state, reach it, and keep it. Return the run that reached it."""
    foreseen, done, again = (user.task("image", check_mode=check, **options) for check in (True, False, False))
    assert [each.failure for each in (foreseen, done, again)] == ["", "", ""]
    assert [each.result["actions"] for each in (foreseen, done, again)] == [actions, actions, []]
    assert [each.outcome.changed for each in (foreseen, done, again)] == [True, True, False]
    assert foreseen.outcome.diff == done.outcome.diff
    for each in (foreseen, again):
        assert [request for request in _requests(each) if not request.startswith("GET ")] == []
    return done


def test_an_image_of_a_stopped_instance_is_made_and_others_are_launched_from_it(user: User) -> None:
    [template] = user.has(state="shutoff", name="template")
    given = {"description": "With GRASS", "properties": {"course": "geo", "gpu": True}}
    done = triad(user, ["create", "update"], name="geo", instance="template", visibility="community", **given)
    [image] = images(user)
    assert (image["name"], image["status"], image["visibility"]) == ("geo", "active", "community")
    assert (image["description"], image["course"], image["gpu"]) == ("With GRASS", "geo", "true")
    assert done.result["image"]["instance_uuid"] == template.id
    launched = user.task("instance", name="node", image=image["id"], flavor="m3.tiny")
    assert launched.failure == ""
    used = user.task("image", name="geo", state="absent")
    hint = "To delete it anyway, set force: true. The instances keep running, but cannot be rebuilt from it."
    assert used.failure == f"geo: node was launched from it. {hint}"
    triad(user, ["delete"], name="geo", state="absent", force=True)
    assert images(user) == []


def test_an_image_is_changed_in_place_shared_and_protected(user: User) -> None:
    user.has(state="shutoff", name="template")
    user.task("image", name="geo", instance="template", properties={"course": "geo"})
    triad(user, ["update"], name="geo", description="d", properties={"a/b": "1"})
    [image] = images(user)
    assert (image["description"], image["a/b"], image["course"]) == ("d", "1", "geo")
    triad(user, ["update", "share"], name="geo", visibility="shared", members=[OTHER], protected=True)
    members = user.cloud.owner.get("image", f"/v2/images/{image['id']}/members")["members"]
    assert [each["member_id"] for each in members] == [OTHER]
    refused = user.task("image", name="geo", state="absent", force=True)
    assert refused.failure == "geo: it is protected. To delete it, first set protected: false with state: present."
    triad(user, ["update", "unshare"], name="geo", members=[], protected=False)
    triad(user, ["delete"], name="geo", state="absent")


@pytest.mark.parametrize("state", ["active", "paused", "suspended", "shelved_offloaded", "error"])
def test_an_instance_that_is_not_shut_off_is_refused_or_forced(user: User, state: Any) -> None:
    user.has(state=state, name="template")
    done = user.task("image", name="geo", instance="template")
    assert re.match(f"geo: template is {state}, and ", done.failure)
    assert MAKE not in done.requests()
    assert "geo" not in {each["name"] for each in images(user)}
    if state in ("active", "paused", "suspended"):
        triad(user, ["create"], name="geo", instance="template", force=True)


def test_the_disk_of_a_shelved_instance_is_never_deleted(user: User) -> None:
    [server] = user.has(state="shelved_offloaded", name="web")
    done = user.task("image", name="web-shelved", state="absent", force=True)
    assert done.failure == "web-shelved: it is the disk of web, which is shelved. Delete that instance."
    assert [each["instance_uuid"] for each in images(user)] == [server.id]


def test_an_instance_on_a_volume_makes_an_image_of_no_size_with_snapshots(user: User) -> None:
    boot: dict[str, Any] = {"boot_volume": {"size": 3}, "image": "Featured-Ubuntu24", "flavor": "m3.tiny"}
    assert user.task("instance", name="template", **boot).failure == ""
    data = user.cloud.volume("data", 2, attached_to=user.task("instance", name="template").of("template")["uuid"])
    user.task("instance_state", name=["template"], state="stopped")
    done = triad(user, ["create"], name="geo", instance="template")
    assert done.result["image"]["size"] == 0
    # One of each attached volume.
    assert sorted(done.result["image"]["snapshots"]) == snapshots(user)
    assert len(snapshots(user)) == 2
    kept = user.task("image", name="geo", state="absent")
    assert (kept.failure, len(snapshots(user))) == ("", 2)
    assert "its snapshots of volumes are kept" in kept.outcome.warnings[0]
    triad(user, ["create"], name="geo 2", instance="template")
    triad(user, ["delete_snapshot", "delete_snapshot", "delete"], name="geo 2", state="absent", delete_snapshots=True)
    assert (len(snapshots(user)), data.name) == (2, "data")


def test_a_snapshot_that_fails_is_a_failure_and_leaves_nothing(user: User) -> None:
    [template] = user.has(state="shutoff", name="template")
    user.cloud.hypervisor.script(template, "snapshot", fail="the disk is gone", times=1)
    done = user.task("image", name="geo", instance="template")
    assert done.failure.startswith("geo: the cloud started to create it, but failed")
    assert images(user) == []
    triad(user, ["create"], name="geo", instance="template")


def test_an_image_that_another_run_is_making_is_waited_for(user: User) -> None:
    [template] = user.has(state="shutoff", name="template")
    with user.cloud.hypervisor.held(template, "snapshot"):
        begun = user.task("image", name="geo", instance="template", wait=False)
        assert (begun.outcome.changed, begun.result["image"]["status"]) == (True, "queued")
        other = user.task("image", name="another", instance="template", wait_timeout=3)
        assert other.failure == "another: it is still image_snapshot after 3 s."
        assert MAKE not in other.requests()
    done = user.task("image", name="geo", instance="template")
    assert (done.failure, done.outcome.changed, done.result["image"]["status"]) == ("", False, "active")


def test_two_images_of_a_name_are_told_by_their_uuids(user: User) -> None:
    [server] = user.has(state="shutoff", name="template")
    for _time in range(2):
        user.cloud.act(server, {"createImage": {"name": "twin"}})
        user.cloud.wait([server], "SHUTOFF")
    with pytest.raises(SelectionError, match=r"The name twin is ambiguous\. Use uuid: "):
        user.task("image", name="twin", instance="template")
    uuid = images(user)[0]["id"]
    triad(user, ["delete"], uuid=uuid, state="absent")
    assert len(images(user)) == 1


def test_the_public_image_of_the_site_is_not_the_projects(user: User) -> None:
    assert user.task("image", name="Featured-Ubuntu24", state="absent").outcome.changed is False
    done = user.task("image", name="Featured-Ubuntu24", description="mine")
    assert done.failure == "Featured-Ubuntu24: there is no such image. To create it, set instance."


def test_a_request_whose_response_is_lost_makes_no_twin(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.has(state="shutoff", name="template")
    really = Session.request
    lost: list[str] = []

    def request(self: Session, method: str, service: str, path: str, **more: Any) -> Response:
        reply = really(self, method, service, path, **more)
        if (method, service) in (("POST", "compute"), ("PATCH", "image")) and path not in lost:
            lost.append(path)
            raise Unreachable("The connection was dropped.")
        return reply

    monkeypatch.setattr(Session, "request", request)
    done = user.task("image", name="geo", instance="template", visibility="community")
    assert (done.failure, len(lost), done.result["actions"]) == ("", 2, ["create", "update"])
    assert [(each["name"], each["visibility"]) for each in images(user)] == [("geo", "community")]
    assert done.requests().count(MAKE) == 1


@pytest.mark.parametrize("moment", range(4))
def test_a_run_that_is_killed_leaves_no_twin_after_the_next(user: User, moment: int) -> None:
    """Killed by the kernel, at moments that are spread over the run, and not always the same."""
    user.has(state="shutoff", name="template")
    wanted: dict[str, Any] = {"name": "geo", "instance": "template", "visibility": "community", "protected": True}
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            user.task("image", **wanted)
        os._exit(0)
    time.sleep(0.3 + 0.5 * moment + random.uniform(0, 0.5))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    done = user.task("image", **wanted)
    assert done.failure == ""
    assert [(each["visibility"], each["protected"]) for each in images(user)] == [("community", True)]
    assert user.task("image", **wanted).outcome.changed is False


def test_an_image_costs_three_lists_a_request_and_polls(user: User) -> None:
    user.has(state="shutoff", name="template")
    done = user.task("image", name="geo", instance="template")
    first, polls = _requests(done)[:4], _requests(done)[4:]
    # Of images that are not hidden, of hidden ones, and of instances.
    assert first == [LIST, LIST, SERVERS, MAKE]
    # Until nova has saved it: the list, and the instance.
    assert set(polls) <= {LIST, "GET compute /servers"}
    assert _requests(user.task("image", name="geo", instance="template")) == [LIST]
    gone = _requests(user.task("image", name="geo", state="absent"))
    assert gone == [LIST, SERVERS, "DELETE image /images", LIST, LIST]


def test_a_hidden_image_of_the_project_has_no_twin(user: User) -> None:
    user.has(state="shutoff", name="template")
    row = {"name": "geo", "container_format": "bare", "disk_format": "raw", "os_hidden": True}
    made = user.cloud.owner.post("image", "/v2/images", row)["id"]
    user.cloud.owner.put("image", f"/v2/images/{made}/file", b"\0" * 512)
    assert images(user) == []
    done = user.task("image", name="geo", instance="template", description="With GRASS")
    assert (done.failure, done.result["actions"], done.result["image"]["uuid"]) == ("", ["update"], made)
    gone = user.task("image", name="geo", state="absent")
    assert (gone.failure, gone.result["actions"]) == ("", ["delete"])
    assert user.task("image", name="geo", state="absent").outcome.changed is False
