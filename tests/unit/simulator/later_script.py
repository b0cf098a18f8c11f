# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps between the recorded requests from 701 on. Each scene begins with the world of the seed."""

from __future__ import annotations

from datetime import datetime

from ansible_collections.jetstream.cloud.tests.simulator import World
from ansible_collections.jetstream.cloud.tests.simulator.world.records import Identity, Instance
from ansible_collections.jetstream.cloud.tests.unit.simulator.between import before
from ansible_collections.jetstream.cloud.tests.unit.simulator.stage import Stage

TACC = "Jetstream - TACC"


def _account(identity: Identity) -> str:
    return f"/api/v1/provider/{identity.provider.uuid}/identity/{identity.uuid}"


def _path(instance: Instance) -> str:
    return f"{_account(instance.identity)}/instance/{instance.uuid}"


def _act(stage: Stage, name: str, at: str, **data: str) -> int:
    """Request an action as the instance's user, and return the status of the response."""
    stage.move_to(at)
    instance = stage.world.instance(name)
    return stage.send("POST", f"{_path(instance)}/action", data, user=instance.user.username).status


def _read_live(stage: Stage, name: str, at: str) -> None:
    stage.move_to(at)
    instance = stage.world.instance(name)
    stage.send("GET", f"{_path(instance)}?not-kept={at}", user=instance.user.username)


def _read_list(stage: Stage, user: str, at: str) -> None:
    stage.move_to(at)
    stage.send("GET", f"{_account(_identity(stage.world, user))}/instance", user=user)


def _identity(world: World, user: str) -> Identity:
    return next(each for each in world.identities if each.user.username == user)


def _launch(stage: Stage, user: str, name: str, uuid: str, token: str, at: str) -> None:
    stage.move_to(at)
    like = stage.world.instance(f"{user}-a1")
    stage.world.launch(
        name,
        like.identity,
        stage.world.sizes[0],
        like.version,
        uuid=uuid,
        token=token,
        project=like.project,
        allocation_source=like.allocation_source,
    )


# Sharing.


@before(701)
def _begin_sharing(stage: Stage) -> None:
    stage.later_world("18:58:38")
    stage.world.continue_with("ce928fff-5364-44c7-9bc1-145a83f21252", "e965671b-6e76-4138-bcbd-022afbff432d")


@before(703)
def _create_the_project_to_the_microsecond(stage: Stage) -> None:
    stage.move_to("18:58:39.295043")


@before(705)
def _move_the_volume(stage: Stage) -> None:
    _share_volume(stage.world)


def _share_volume(world: World) -> None:
    volume = next(each for each in world.volumes if each.name == "jane-vol")
    volume.project = world.projects[-1]


@before(725)
def _see_jane_2_active(stage: Stage) -> None:
    _read_live(stage, "jane-2", "18:58:53.6")


@before(727)
def _launch_in_the_tenant_of_janeroe(stage: Stage) -> None:
    stage.move_to("18:58:54.9")
    like = stage.world.instance("jane-1-renamed")
    stage.world.launch_in_nova(
        "jane-by-nova", like.identity, like.size, like.version, uuid="6fa78576-9e76-5052-8f75-f517052e73d2"
    )


@before(729)
def _share_but_for_the_identity(stage: Stage) -> None:
    stage.later_world("18:59:11.181799")
    world = stage.world
    members = [world.users["janeroe"], world.users["s24"]]
    group = world.add_group("jane-lab", members, uuid="c609d3ee-bc6f-41eb-a656-14e43643e13c")
    world.instance("jane-1").project = world.add_project(
        "Shared lab", group, uuid="de5d3118-0e54-4845-8c15-28890861520d", description="x"
    )
    _share_volume(world)
    _identity(world, "janeroe").groups.remove(group)


# Deployments.


@before(737)
def _leave_a_deploy_error(stage: Stage) -> None:
    stage.later_world("19:01:15")
    stage.world.force("s06-a2", tmp_status="deploy_error")


@before(739)
def _stop_in_deploy_error(stage: Stage) -> None:
    assert _act(stage, "s06-a2", "19:01:19.3", action="stop") == 200


@before(759)
def _leave_a_deploy_error_to_be_suspended(stage: Stage) -> None:
    stage.world.force("s06-a3", tmp_status="deploy_error")


@before(761)
def _resume_in_deploy_error(stage: Stage) -> None:
    assert _act(stage, "s06-a3", "19:01:54.9", action="resume") == 200


@before(768)
def _begin_with_workers(stage: Stage) -> None:
    stage.later_world("19:02:30")


@before(769)
def _hold_the_workers(stage: Stage) -> None:
    stage.world.hold_workers()


@before(772)
def _see_it_active_without_workers(stage: Stage) -> None:
    _read_live(stage, "s02-off1", "19:02:35.9")


@before(776)
def _let_the_workers_go_on(stage: Stage) -> None:
    # They take a second to begin.
    stage.move_to("19:03:34.28")
    stage.world.release_workers()


@before(787)
def _begin_to_stop_behind_atmosphere(stage: Stage) -> None:
    stage.later_world("19:03:55")


@before(788)
def _stop_behind_atmosphere(stage: Stage) -> None:
    stage.world.force("s01-a1", "shutoff")


@before(794)
def _see_it_active_with_its_address(stage: Stage) -> None:
    _read_live(stage, "s01-a1", "19:04:04.4")


# Trouble with a provider.


@before(803)
def _break_nova_of_one_provider(stage: Stage) -> None:
    stage.later_world("19:07:32")
    stage.world.nova_down(503, TACC)


@before(810)
def _break_the_connections_of_one_provider(stage: Stage) -> None:
    stage.world.nova_up()
    stage.world.nova_down(0, TACC)


@before(814)
def _break_the_connections_of_all(stage: Stage) -> None:
    stage.world.nova_up()
    stage.world.nova_down(0)


@before(815)
def _break_nova_of_all(stage: Stage) -> None:
    stage.world.nova_up()
    stage.world.nova_down(503)


@before(816)
def _mend_nova(stage: Stage) -> None:
    stage.world.nova_up()


@before(818)
def _end_the_provider(stage: Stage) -> None:
    stage.world.end_provider(TACC, datetime.fromisoformat("2026-11-25T19:07:20.943603Z"))


@before(824)
def _end_the_provider_tomorrow(stage: Stage) -> None:
    stage.world.end_provider(TACC, datetime.fromisoformat("2026-11-26T19:08:22.786489Z"))


@before(825)
def _make_the_provider_inactive(stage: Stage) -> None:
    provider = stage.world.provider(TACC)
    provider.end_date, provider.active = None, False


# The cache of v1's list.


@before(828)
def _begin_with_caches(stage: Stage) -> None:
    stage.later_world("19:17:04")


@before(838)
def _launch_s07_new(stage: Stage) -> None:
    _launch(
        stage,
        "s07",
        "s07-new",
        "69b314b1-ce47-470c-86da-bdf7affbfad3",
        "8d26a5dd-4ff9-4887-aee4-58b2a2716925",
        "19:17:14.9",
    )


@before(846)
def _see_the_stale_list_again(stage: Stage) -> None:
    _read_list(stage, "s07", "19:17:36.6")


@before(849)
def _see_s09_a1_being_deleted(stage: Stage) -> None:
    _read_list(stage, "s09", "19:17:37.4")


@before(861)
def _launch_in_the_tenant_of_s12(stage: Stage) -> None:
    _read_list(stage, "s12", "19:17:57.3")
    like = stage.world.instance("s12-a1")
    stage.world.launch_in_nova(
        "s12-by-nova",
        like.identity,
        stage.world.sizes[0],
        like.version,
        uuid="1e0b2c21-b633-5082-80fc-5708f445309b",
    )


# Two at once.


@before(867)
def _begin_with_two_at_once(stage: Stage) -> None:
    stage.later_world("19:05:02")


@before(871)
def _start_another_one(stage: Stage) -> None:
    assert _act(stage, "s03-off1", "19:05:11.5", action="start") == 200


@before(878)
def _count_the_rows_of_those_before(stage: Stage) -> None:
    # As many as unrecorded reads had made.
    stage.world.continue_with(period=312)


@before(882)
def _stop_during_a_reboot(stage: Stage) -> None:
    assert _act(stage, "s04-a3", "19:05:47.68", action="stop") == 409


# Gone from the cloud.


@before(889)
def _begin_with_what_goes(stage: Stage) -> None:
    stage.later_world("19:23:36")


@before(890)
def _delete_behind_atmosphere(stage: Stage) -> None:
    for name in ("s08-a1", "s08-a2", "s08-sus1"):
        stage.world.vanish(name)


@before(904)
def _delete_what_is_gone(stage: Stage) -> None:
    instance = stage.world.instance("s08-sus1")
    assert stage.send("DELETE", f"/api/v2/instances/{instance.uuid}", user="s08").status == 204


@before(906)
def _run_the_monitor(stage: Stage) -> None:
    stage.move_to("19:24:23.136097")
    stage.world.monitor()


# Histories.


@before(911)
def _begin_with_histories(stage: Stage) -> None:
    stage.later_world("19:14:30")
    world = stage.world
    first = -len(_STORED_FIRST)
    for at, name in enumerate(_STORED_FIRST, start=first):
        world.stored_order[world.instance(name).uuid] = at
    for at, name in enumerate(_STORED_LAST, start=1000):
        world.stored_order[world.instance(name).uuid] = at


# As the recorded database happened to have them; the others lay between, by number.
_STORED_FIRST = (
    *("shelved-01", "shelved-02", "tacc-01", "geo-node-07", "tacc-03", "error-01", "tacc-05"),
    *("shelved-03", "tacc-02", "tacc-04", "tacc-06"),
)
_STORED_LAST = ("deploy-error-01", "networking-01", "deploying-01", "building-01")


# Launching several, and losing the answer.


@before(938)
def _begin_with_three(stage: Stage) -> None:
    stage.later_world("19:19:05")
    stage.world.continue_with(
        "8571ae99-8ef5-4351-a1d0-621e948421a8",
        "f9d637bf-6707-4558-91a2-de831beddfee",
        "b31f2ce8-786d-4283-8737-1b6cb90c5759",
        "d96cce4b-169b-4f78-8b2f-9291dee0e455",
    )


@before(943)
def _give_the_three_their_addresses(stage: Stage) -> None:
    # As the workers happened to come to them.
    stage.move_to("19:19:38")
    for number, last in ((293, 14), (294, 12), (295, 13)):
        stage.world.force(number, address=f"149.165.156.{last}")


@before(947)
def _carry_out_what_nobody_waits_for(stage: Stage) -> None:
    # Sent at 19:19:40, and carried out although the client had hung up.
    stage.move_to("19:19:42.1")
    stage.world.continue_with("5eee29f3-66aa-4ffb-8d47-d8f20cd1cb2b", "1f030ee0-5204-40fb-b2bb-950cbbb67ebc")
    launch = {
        "name": "cut-1",
        "source_alias": "b391aae5-ddfd-5f73-9efd-d07569a83827",
        "size_alias": "1",
        "identity": "433e6e63-d214-531f-b899-052558143377",
        "project": "fbfba1f7-a556-5074-9966-6be00051c137",
        "allocation_source_id": "26418638-e518-5473-a166-70e245b5d53c",
    }
    assert stage.send("POST", "/api/v2/instances", launch, user="s14").status == 201
    # Seen before the request was through: the project is noted last.
    stage.world.instance("cut-1").project = None


@before(949)
def _repeat_the_launch(stage: Stage) -> None:
    cut = stage.world.instance("cut-1")
    cut.project = stage.world.instance("s14-a1").project
    stage.world.continue_with("d3bfa2c5-4b28-4d7e-8c39-38ae54c26f0d", "b827d609-ff7a-4c45-a057-6857ddd931fe")


# Deleting an instance that is being built.


@before(952)
def _slow_the_cloud_down(stage: Stage) -> None:
    stage.world.settings.transition = 8.0
    stage.world.continue_with("b6bf57f4-04f9-4924-a072-7a4d76e5a15a", "edf2a916-681e-48ed-b922-1d984c9f8598")


@before(958)
def _launch_another_slow_one(stage: Stage) -> None:
    stage.world.continue_with("b6599cc1-d462-4ee1-b622-d5db35bdbcfc", "cf4792e5-db7f-43bd-90ef-471de20cb4e9")


@before(960)
def _delete_it_by_v1(stage: Stage) -> None:
    stage.move_to("19:20:28.4")
    instance = stage.world.instance("slow-v1")
    assert stage.send("DELETE", _path(instance), user="s14").status == 200


# Volumes.


@before(965)
def _begin_with_volumes(stage: Stage) -> None:
    stage.later_world("19:22:37")


@before(980)
def _create_in_the_own_project(stage: Stage) -> None:
    stage.world.continue_with("7aface16-34c6-4b75-be11-fb947503b695")


@before(982)
def _create_in_anothers_project(stage: Stage) -> None:
    stage.world.continue_with("e1acd849-a9c0-4252-8230-925c178b3e7e")


@before(983)
def _create_without_a_project(stage: Stage) -> None:
    stage.world.continue_with("800af3eb-3754-46d0-bef0-1d39c5859703")


# The list's cache while one is launched.


@before(995)
def _launch_s16_new(stage: Stage) -> None:
    stage.later_world("19:27:50")
    _launch(
        stage,
        "s16",
        "s16-new",
        "6f7872ad-fd54-4188-8138-ed825978ca3a",
        "04bb4cbb-9724-4275-bc1e-0de09b1435aa",
        "19:27:57.8",
    )
    _read_list(stage, "s16", "19:27:58.7")


@before(999)
def _break_the_connections_after_a_list(stage: Stage) -> None:
    _read_list(stage, "s17", "19:28:20.9")
    stage.world.nova_down(0)
