# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image is made once, whatever happens on the way, changed in place, and deleted with care."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    Conflict,
    JetstreamError,
    OverAllocation,
    SelectionError,
    ServerFault,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Image, Outcome, ProjectImage
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.image_cloud import ImageCloud
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.killed import Killed
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import LostResponse

DROPPED = Unreachable("The connection was dropped.")
OFF = an_instance("template", "shutoff")
NEW: dict[str, Any] = {"name": "geo", "instance": "template"}
THERE = ProjectImage("image-9", "geo", status="active", created="2026-01-01T00:00:00Z", instance_uuid=OFF.uuid)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def triad(cloud: ImageCloud, actions: list[str], **options: Any) -> Outcome:
    """Foresee a state, reach it, and keep it. Return the run that reached it."""
    foreseen = cloud.run(check_mode=True, **options)
    assert (foreseen.failure, cloud.writes) == (None, [])
    done = cloud.run(**options)
    cloud.calls.clear()
    again = cloud.run(**options)
    assert (done.failure, again.failure, cloud.writes) == (None, None, [])
    assert [each.result["actions"] for each in (foreseen, done, again)] == [actions, actions, []]
    assert [each.changed for each in (foreseen, done, again)] == [True, True, False]
    assert foreseen.diff == done.diff
    return done


# --- present


def test_an_image_is_made_once_and_has_all_its_properties(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF])
    options = {**NEW, "description": "d", "properties": {"course": "geo", "gpu": True}}
    done = triad(cloud, ["create", "update", "share"], visibility="shared", members=["tg-2"], protected=True, **options)
    assert done.result["image"]["properties"] == {
        "os_distro": "ubuntu",
        "description": "d",
        "course": "geo",
        "gpu": "true",
    }
    assert (done.result["image"]["visibility"], done.result["image"]["protected"]) == ("shared", True)
    assert cloud.shared["image-1"] == {"tg-2"}
    # An image that is there needs no instance, and no list of them.
    assert cloud.calls == ["list_images geo", "members geo"]


def test_an_image_changes_in_place_and_what_is_not_given_stays(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, images=[replace(THERE, properties={"a": "1", "b": "2"})])
    triad(cloud, ["update"], name="geo", properties={"b": "3"}, visibility="community")
    [image] = cloud.images
    assert (image.properties, image.visibility, image.protected) == ({"a": "1", "b": "3"}, "community", False)
    triad(cloud, ["update"], uuid="image-9", protected=True)
    triad(cloud, ["update", "share", "share"], name="geo", visibility="shared", members=["tg-1", "tg-2"])
    triad(cloud, ["share", "unshare"], name="geo", members=["tg-2", "tg-3"])
    assert cloud.shared["image-9"] == {"tg-2", "tg-3"}


@pytest.mark.parametrize(
    ("status", "activity", "said"),
    [
        ("active", "", "template (1) is active, and data that it has not written to disk would be missing"),
        ("suspended", "", "template (1) is suspended, and"),
        ("shelved_offloaded", "", "template (1) is shelved_offloaded, and the cloud cannot create an image of it"),
        ("error", "", "template (1) is error, and the cloud cannot create an image of it"),
    ],
)
def test_an_instance_that_is_not_shut_off_is_refused(clock: FakeClock, status: str, activity: str, said: str) -> None:
    cloud = ImageCloud(clock, [an_instance("template", status, activity)])
    for check_mode in (True, False):
        done = cloud.run(check_mode=check_mode, **NEW)
        assert said in (done.failure or "")
    assert (cloud.writes, done.changed) == ([], False)


def test_a_running_instance_is_taken_where_that_is_forced(clock: FakeClock) -> None:
    triad(ImageCloud(clock, [an_instance("template")]), ["create"], force=True, **NEW)


def test_an_instance_that_is_changing_is_waited_for(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [an_instance("template", "active", "powering-off")])
    uuid = an_instance("template").uuid
    really = cloud.get_instance

    def get_instance(instance: Any) -> Any:
        if clock.monotonic() > 5:
            cloud._instances[uuid] = OFF
        return really(instance)

    cloud.get_instance = get_instance  # type: ignore[method-assign]
    assert cloud.run(**NEW).failure is None


def test_without_an_instance_no_image_is_made(clock: FakeClock) -> None:
    done = ImageCloud(clock, [OFF]).run(name="geo")
    assert done.failure == "geo: there is no such image. To create it, set instance."


def test_two_images_of_a_name_are_distinguished_by_their_uuids(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF], [THERE, replace(THERE, uuid="image-8")])
    with pytest.raises(SelectionError, match=r"The name geo is ambiguous. Use uuid: image-9, image-8"):
        cloud.run(**NEW)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": " "}, "1 to 255 characters"),
        ({"name": "geo", "state": "absent", "visibility": "shared"}, "state: absent does not accept visibility"),
        ({"name": "geo", "delete_snapshots": True}, "state: present does not accept delete_snapshots"),
        ({"name": "geo", "visibility": "private", "members": ["tg"]}, "members requires visibility: shared"),
        ({"name": "geo", "properties": {"status": "active"}}, "status is reserved by the cloud"),
        ({"name": "geo", "properties": {"a": "x" * 256}}, "at most 255 characters"),
        ({"name": "geo", "wait_timeout": 0}, "wait_timeout must be more than 0"),
    ],
)
def test_contradictions_are_refused_before_anything_is_read(
    clock: FakeClock, options: dict[str, Any], said: str
) -> None:
    cloud = ImageCloud(clock)
    with pytest.raises(ConfigurationError, match=said):
        cloud.run(**options)
    assert cloud.calls == []


# --- lost answers, races and kills


@pytest.mark.parametrize("error", [DROPPED, ServerFault("502")])
def test_a_snapshot_whose_response_is_lost_is_found_by_its_name(clock: FakeClock, error: JetstreamError) -> None:
    cloud = ImageCloud(clock, [OFF])
    cloud.script("create", LostResponse(error))
    done = cloud.run(**NEW)
    assert (done.failure, cloud.writes, len(cloud.images)) == (None, ["create geo"], 1)


def test_a_request_that_was_not_carried_out_is_sent_again_after_three_looks(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF])
    cloud.script("create", DROPPED, DROPPED)
    done = cloud.run(**NEW)
    assert (done.failure, cloud.writes, len(cloud.images)) == (None, ["create geo"] * 3, 1)
    assert done.result["actions"] == ["create"]
    cloud = ImageCloud(clock, [OFF])
    cloud.script("create", *[DROPPED] * 9)
    done = cloud.run(**NEW)
    assert (done.failure, done.changed, len(cloud.writes)) == (f"geo: {DROPPED}", False, 3)


def test_a_lost_response_at_the_end_of_the_time_is_unclear(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF])
    cloud.script("create", DROPPED)
    done = cloud.run(wait_timeout=2, **NEW)
    assert (done.result["unclear"], done.changed) == (True, True)
    assert "the response was lost, and the timeout is over" in (done.failure or "")


@pytest.mark.parametrize(
    ("call", "actions"), [("change", ["create", "update"]), ("add_member", ["create", "update", "share"])]
)
def test_other_changes_whose_response_is_lost_are_read(clock: FakeClock, call: str, actions: list[str]) -> None:
    cloud = ImageCloud(clock, [OFF])
    cloud.script(call, LostResponse(DROPPED))
    options = {"visibility": "shared", "members": ["tg-2"]} if call == "add_member" else {"visibility": "community"}
    done = cloud.run(**NEW, **options)
    assert (done.failure, done.result["actions"]) == (None, actions)
    assert len([each for each in cloud.calls if each.startswith(call)]) == 1


def test_an_image_that_another_run_makes_at_the_same_time_is_taken(clock: FakeClock) -> None:
    """Nova refuses a second snapshot of an instance while the first one is made."""
    cloud = ImageCloud(clock, [OFF])
    really = cloud.create

    def create(instance: Any, name: str, properties: Any, token: str) -> None:
        cloud.create = really  # type: ignore[method-assign]
        really(instance, name, properties, "of another run")
        really(instance, name, properties, token)

    cloud.create = create  # type: ignore[method-assign]
    done = cloud.run(**NEW)
    assert (done.failure, done.changed, len(cloud.images)) == (None, False, 1)


def test_of_two_that_were_made_at_the_same_time_the_older_is_kept(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF])

    def race(call: str) -> None:
        if call == "create":
            cloud.images.insert(0, replace(THERE, token="of another run"))

    cloud.interrupt = race
    done = cloud.run(**NEW)
    assert (done.failure, done.result["actions"]) == (None, ["create", "remove_twin"])
    assert [each.uuid for each in cloud.images] == ["image-9"]


@pytest.mark.parametrize("moment", ["create", "change", "add_member"])
def test_the_run_after_a_killed_one_goes_on_with_its_image(clock: FakeClock, moment: str) -> None:
    cloud = ImageCloud(clock, [OFF])
    wanted = {**NEW, "visibility": "shared", "members": ["tg-2"], "protected": True}

    def kill(call: str) -> None:
        if call == moment:
            raise Killed

    cloud.interrupt = kill
    with pytest.raises(Killed):
        cloud.run(**wanted)
    cloud.interrupt = lambda _call: None
    done = cloud.run(**wanted)
    assert (done.failure, len(cloud.images), cloud.images[0].protected) == (None, 1, True)
    assert cloud.run(**wanted).changed is False


def test_a_snapshot_that_nova_gives_up_is_a_failure_with_its_reason(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF])
    cloud.gives_up = True
    done = cloud.run(**NEW)
    assert done.failure == "geo: the cloud started to create it, but failed: the store is full."
    assert len(cloud.writes) == 1


def test_an_image_that_no_run_creates_any_more_is_reported(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF], [replace(THERE, status="queued")])
    done = cloud.run(name="geo")
    assert done.failure == (
        "geo: it is queued, but nothing is creating it any more. Delete it with state: absent, and create it again."
    )
    assert 30 < clock.monotonic() < 60
    triad(cloud, ["delete"], name="geo", state="absent")


def test_a_snapshot_that_takes_too_long_is_named_and_the_next_run_waits_on(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF])
    done = cloud.run(wait_timeout=10, **NEW)
    assert (done.failure, done.changed) == ("geo: it is still queued after 10 s.", True)
    done = cloud.run(**NEW)
    assert (done.failure, done.changed, len(cloud.images)) == (None, False, 1)


def test_without_a_wait_the_request_is_enough_and_the_next_run_sets_the_rest(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF])
    done = cloud.run(wait=False, protected=True, **NEW)
    assert (done.failure, done.result["image"]["status"], done.result["actions"]) == (None, "queued", ["create"])
    assert cloud.run(protected=True, **NEW).result["actions"] == ["update"]


@pytest.mark.parametrize("error", [OverAllocation("Quota exceeded"), Conflict("no")])
def test_a_refusal_is_reported_and_changes_nothing(clock: FakeClock, error: JetstreamError) -> None:
    cloud = ImageCloud(clock, [OFF])
    cloud.script("create", error)
    done = cloud.run(**NEW)
    assert (done.failure, done.changed) == (f"geo: {error}", False)


def test_an_error_that_ends_a_run_is_raised(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF])
    cloud.script("create", AuthenticationFailed("refused"))
    with pytest.raises(AuthenticationFailed):
        cloud.run(**NEW)


# --- absent


def test_an_image_is_deleted_and_nothing_of_no_name(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, [OFF], [THERE])
    triad(cloud, ["delete"], name="geo", state="absent")
    assert cloud.calls == ["list_images geo"]


def test_an_image_in_use_is_deleted_only_where_that_is_forced(clock: FakeClock) -> None:
    used = [replace(an_instance(f"node-{number}"), image=Image("geo", THERE.uuid)) for number in range(1, 6)]
    cloud = ImageCloud(clock, [OFF, *used], [THERE])
    done = cloud.run(name="geo", state="absent")
    assert "node-1 (1), node-2 (1), node-3 (1) and 2 more were launched from it" in (done.failure or "")
    assert (len(done.result["used_by"]), cloud.writes) == (5, [])
    triad(cloud, ["delete"], name="geo", state="absent", force=True)


def test_a_protected_image_is_never_deleted(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, images=[replace(THERE, protected=True)])
    done = cloud.run(name="geo", state="absent", force=True)
    assert done.failure == "geo: it is protected. To delete it, first set protected: false with state: present."
    assert cloud.writes == []


@pytest.mark.parametrize(("status", "activity"), [("shelved_offloaded", ""), ("active", "shelving_image_uploading")])
def test_the_disk_of_a_shelved_instance_is_never_deleted(clock: FakeClock, status: str, activity: str) -> None:
    shelved = an_instance("renamed", status, activity)
    disk = replace(THERE, name="web-shelved", instance_uuid=shelved.uuid)
    cloud = ImageCloud(clock, [shelved], [disk])
    done = cloud.run(name="web-shelved", state="absent", force=True)
    assert "it is the disk of renamed (1), which is shelved" in (done.failure or "")
    assert cloud.writes == []


def test_the_snapshots_of_volumes_go_first_or_are_named(clock: FakeClock) -> None:
    both = {"s-1": "available", "s-2": "available"}
    image = replace(THERE, snapshots=("s-1", "s-2", "gone"))
    cloud = ImageCloud(clock, images=[image])
    cloud.snapshots = dict(both)
    triad(cloud, ["delete_snapshot", "delete_snapshot", "delete"], name="geo", state="absent", delete_snapshots=True)
    assert cloud.snapshots == {}
    cloud = ImageCloud(clock, images=[image])
    cloud.snapshots = dict(both)
    done = cloud.run(name="geo", state="absent")
    assert done.warnings == ("geo: its snapshots of volumes are kept (delete_snapshots): s-1, s-2.",)


def test_a_run_killed_between_snapshots_and_image_leaves_no_orphan_after_the_next(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, images=[replace(THERE, snapshots=("s-1", "s-2"))])
    cloud.snapshots = {"s-1": "available", "s-2": "available"}

    def kill(_call: str) -> None:
        raise Killed

    cloud.interrupt = kill
    with pytest.raises(Killed):
        cloud.run(name="geo", state="absent", delete_snapshots=True)
    cloud.interrupt = lambda _call: None
    done = cloud.run(name="geo", state="absent", delete_snapshots=True)
    assert (done.failure, cloud.snapshots, cloud.images) == (None, {}, [])


def test_a_deletion_whose_response_is_lost_is_read(clock: FakeClock) -> None:
    cloud = ImageCloud(clock, images=[THERE])
    cloud.script("delete", LostResponse(DROPPED))
    done = cloud.run(name="geo", state="absent")
    assert (done.failure, cloud.writes, cloud.images) == (None, ["delete image-9"], [])
