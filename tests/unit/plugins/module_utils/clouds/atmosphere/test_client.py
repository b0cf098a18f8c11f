# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists are whole and in order, states are true, and stale lists do no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    Conflict,
    InMaintenance,
    JetstreamError,
    NotFound,
    OverAllocation,
    PermissionDenied,
    Refused,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, Settings, Trouble, World, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site

Opener = Callable[[World], tuple[Site, AtmosphereCloud]]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Opener]:
    """Yield a function that serves a world, with a client whose token is in the cache."""
    with ExitStack() as stack:

        def opener(world: World) -> tuple[Site, AtmosphereCloud]:
            site = stack.enter_context(a_site(world, tmp_path))
            site.warm()
            return site, stack.enter_context(site.cloud(retry_timeout=0))

        yield opener


def a_fleet(count: int | None = None, **more: Any) -> World:
    return fleet(count, clock=ManualClock(), **{"settings": Settings(transition=5, deploy=20), **more})


def before_request(cloud: AtmosphereCloud, number: int, do: Callable[[], object]) -> None:
    """Do something just before one of the client's next requests, by its number, counted from 1."""
    original, count = cloud._login.request, iter(range(1, 10_000))

    def request(*args: Any, **more: Any) -> Any:
        if next(count) == number:
            do()
        return original(*args, **more)

    cloud._login.request = request  # type: ignore[method-assign]


def states(instances: list[Instance]) -> list[str]:
    return [f"{each.status} - {each.activity}" if each.activity else each.status for each in instances]


def delete(world: World, name: str) -> None:
    """Delete an instance, as a user of the web page would, and wait until it is gone."""
    instance = world.instance(name)
    with world.lock:
        instance.end_date = world.now()
        del world.cloud.vms[instance.uuid]


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("count", [0, 1, 20, 21, 250])
def test_a_list_has_each_once_in_order(serving: Opener, count: int, shuffled: bool) -> None:
    site, cloud = serving(a_fleet(count, settings=Settings(shuffle_lists=shuffled)))
    instances = cloud.list_instances(live=False)
    assert [each.name for each in instances] == [f"node-{number:04}" for number in range(1, count + 1)]
    assert [each.id for each in instances] == list(range(1, count + 1))
    pages = max(1, ceil(count / site.page_size()))
    assert site.requests() == {"v2 instances": pages}


def test_pages_after_the_first_are_read_at_once(serving: Opener) -> None:
    site, cloud = serving(a_fleet(100, settings=Settings(latency=0.1)))
    cloud.list_instances(live=False)
    pages = ceil(100 / site.page_size())
    assert site.server.requests.most_at_once() == pages - 1


def test_a_list_that_becomes_shorter_meanwhile_misses_none(serving: Opener) -> None:
    site, cloud = serving(a_fleet(61))
    # The last page then has no row left, and every row behind the deleted one moves up.
    before_request(cloud, 2, lambda: delete(site.world, "node-0003"))
    names = [each.name for each in cloud.list_instances(live=False)]
    assert names == [f"node-{number:04}" for number in range(1, 62) if number != 3]


def test_a_list_that_becomes_longer_meanwhile_has_the_new_one(serving: Opener) -> None:
    site, cloud = serving(a_fleet(40))
    like = site.world.instances[0]

    def launch() -> None:
        site.world.add_instance("late", like.identity, like.size, like.version)

    before_request(cloud, 2, launch)
    assert cloud.list_instances(live=False)[-1].name == "late"


def test_a_list_that_never_rests_ends_all_the_same(serving: Opener) -> None:
    site, cloud = serving(a_fleet(100))
    for number in range(2, 60):
        before_request(cloud, number, partial(delete, site.world, f"node-{number:04}"))
    names = [each.name for each in cloud.list_instances(live=False)]
    assert len(names) == len(set(names))
    assert "node-0100" in names
    assert site.requests()["v2 instances"] <= 3 * ceil(100 / 20)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "Listing instances failed: the response is not a page of a list."),
        ({"count": 1}, "Listing instances failed: the response is not a page of a list."),
        ({"count": [1], "results": []}, "Listing instances failed: the response is not a page of a list."),
        ({"count": -1, "results": []}, "Listing instances failed: the response is not a page of a list."),
        ({"count": 1, "results": {}}, "Listing instances failed: the response is not a page of a list."),
        (
            {"count": 10**9, "results": []},
            "Listing instances failed: the list has 1000000000 rows, and the maximum is 100000.",
        ),
        (
            {"count": 1, "results": [{"id": 1}]},
            "Listing instances failed: no row of the response can be parsed: (1): it has no uuid.",
        ),
    ],
)
def test_json_that_is_no_list_is_reported(serving: Opener, body: Any, sentence: str) -> None:
    site, cloud = serving(a_fleet(1))
    site.server.faults.add(Fault(path="/api/v2/instances", status=200, body=body))
    with pytest.raises(UnexpectedResponse) as raised:
        cloud.list_instances(live=False)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("body", [{"detail": "hello"}, None, 7])
def test_live_states_and_volumes_that_are_no_list_are_reported(serving: Opener, body: Any) -> None:
    world = a_fleet(1)
    world.add_volume("data", 100, world.instances[0].identity)
    site, cloud = serving(world)
    site.server.faults.add(Fault(path="/api/v1/", status=200, body=body, times=2))
    with pytest.raises(UnexpectedResponse) as raised:
        cloud.list_instances(live=True)
    assert str(raised.value) == "Reading live states failed: the response is not a list."
    with pytest.raises(UnexpectedResponse) as raised:
        cloud.list_volumes(live=True)
    assert str(raised.value) == "Reading volumes failed: the response is not a list."


@pytest.mark.parametrize("body", [[], None, 7, {"name": "web"}])
def test_a_single_row_of_an_unknown_form_is_reported(serving: Opener, body: Any) -> None:
    site, cloud = serving(a_fleet(1))
    instances = cloud.list_instances(live=True)
    site.server.faults.add(Fault(path="/api/v1/", status=200, body=body))
    [error] = cloud.poll(instances).values()
    assert isinstance(error, UnexpectedResponse)
    assert str(error) == ("Reading node-0001 (1) failed: the response cannot be parsed: status is null.")


def test_an_instance_has_all_that_the_api_knows(serving: Opener) -> None:
    site, cloud = serving(a_fleet(1, projects=("Geo Project",)))
    [instance] = cloud.list_instances(live=True)
    row = site.world.instances[0]
    result = instance.to_result()
    assert result["flavor"] == {"name": "m1.tiny", "vcpus": 1, "ram": 2048, "disk": 8}
    assert result["provider"] == {"name": "Jetstream - Indiana University", "uuid": row.identity.provider.uuid}
    assert result["identity"]["uuid"] == row.identity.uuid
    assert result["project"]["name"] == "Geo Project"
    assert result["image"] == {
        "name": "Ubuntu 18.04 Devel and Docker",
        "uuid": row.version.image.uuid,
        "version": "v1.21",
    }
    assert {key: result["allocation_source"][key] for key in ("name", "compute_allowed", "compute_used")} == {
        "name": "TG-GEO160014",
        "compute_allowed": 50000,
        "compute_used": 1234.5,
    }
    assert (result["id"], result["uuid"], result["name"], result["user"]) == (1, row.uuid, "node-0001", "johndoe")
    assert (result["usage"], result["status"], result["activity"], result["live"]) == (1234.5, "active", "", True)
    assert result["ip_address"] == site.world.vm("node-0001").address
    assert (result["web_desktop"], result["shell"], result["vnc"], result["fault"]) == (False, False, False, None)
    assert result["start_date"] == "2026-10-24T12:00:00Z"
    assert result["end_date"] is None


# --- live states -----------------------------------------------------------------------------------------------------


def test_states_are_those_of_the_cloud_only_if_they_are_requested(serving: Opener) -> None:
    site, cloud = serving(a_fleet(3))
    site.world.force("node-0002", "shutoff")
    stored = cloud.list_instances(live=False)
    assert states(stored) == ["active"] * 3
    assert not any(each.live for each in stored)
    assert site.requests() == {"v2 instances": 1}
    live = cloud.list_instances(live=True)
    assert states(live) == ["active", "shutoff", "active"]
    assert all(each.live for each in live)
    # Where the two disagree, the instance is read once more.
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1, "v1 instance": 1}


def test_one_list_of_each_identity_is_read(serving: Opener) -> None:
    site, cloud = serving(a_fleet(9, identities=3, providers=2))
    assert all(each.live for each in cloud.list_instances(live=True))
    assert site.requests() == {"v2 instances": 1, "v1 instances": 3}


def test_an_instance_that_the_cloud_no_longer_has_is_missing(serving: Opener) -> None:
    site, cloud = serving(a_fleet(2))
    del site.world.cloud.vms[site.world.instance("node-0001").uuid]
    assert states(cloud.list_instances(live=True)) == ["missing", "active"]


def test_the_fault_of_an_instance_in_error_is_reported(serving: Opener) -> None:
    _unused, cloud = serving(a_fleet(states={"error": 1}))
    [instance] = cloud.list_instances(live=True)
    assert instance.fault == "No valid host was found. There are not enough hosts available."


def test_an_account_that_cannot_be_read_is_not_live_and_the_others_are(serving: Opener) -> None:
    site, cloud = serving(a_fleet(4, identities=2))
    first = site.world.identities[-2].uuid
    site.server.faults.add(
        Fault(
            path=f"/api/v1/.*{first}/instance$",
            status=401,
            body={"errors": [{"code": 401, "message": "Identity/Provider Authentication Failed"}]},
        )
    )
    assert [each.live for each in cloud.list_instances(live=True)] == [
        each.identity.uuid != first for each in site.world.instances
    ]


@pytest.mark.parametrize("end", ["maintenance", "login"])
def test_an_error_that_ends_a_run_is_no_unreadable_account(serving: Opener, end: str) -> None:
    site, cloud = serving(a_fleet(1))
    if end == "maintenance":
        before_request(cloud, 2, lambda: site.world.add_maintenance("Upgrade", "until noon"))
    else:
        refused = {"detail": "Authentication credentials were not provided."}
        site.server.faults.add(Fault(path="/api/v1/", status=403, body=refused, times=None))
    with pytest.raises(InMaintenance if end == "maintenance" else AuthenticationFailed):
        cloud.list_instances(live=True)


def test_a_list_from_the_cache_is_not_believed_where_the_database_knows_better(serving: Opener) -> None:
    """Another user read the list, then woke one and rebooted another: neither empties the list's cache."""
    site, cloud = serving(a_fleet(states={"suspended": 1, "active": 2}))
    cloud.list_instances(live=True)
    with site.cloud() as other:
        sleeping, rebooted, _unused = other.list_instances(live=True)
        other.act(sleeping, Action.RESUME)
        other.act(rebooted, Action.REBOOT)
        other.get_instance(sleeping)
        site.server.advance(8)
        other.get_instance(sleeping)
    site.requests()
    seen = cloud.list_instances(live=True)
    assert seen[0].status == "active"
    assert states(seen)[1].startswith("active - initializing")
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1, "v1 instance": 2}


def test_a_list_of_sleepers_that_all_agree_on_needs_no_second_read(serving: Opener) -> None:
    site, cloud = serving(a_fleet(states={"suspended": 5, "shelved_offloaded": 5, "shutoff": 5, "active": 5}))
    cloud.list_instances(live=True)
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1}


# --- single reads ----------------------------------------------------------------------------------------------------


def test_a_detail_is_never_from_the_cache_of_pages(serving: Opener) -> None:
    site, cloud = serving(a_fleet(1))
    [instance] = cloud.list_instances(live=False)
    seen = []
    for state in ("active", "shutoff", "suspended"):
        site.world.force("node-0001", state)
        seen.append(cloud.get_instance(instance).status)
    assert seen == ["active", "shutoff", "suspended"]
    paths = [each.path for each in site.server.requests.matching("GET", "/instance/")]
    assert len(set(paths)) == 3, "each with a URL that nobody used before"


def test_two_clients_never_use_the_same_url(serving: Opener) -> None:
    site, cloud = serving(a_fleet(1))
    [instance] = cloud.list_instances(live=False)
    cloud.get_instance(instance)
    site.world.force("node-0001", "shutoff")
    with site.cloud() as other:
        assert other.get_instance(instance).status == "shutoff"


def test_a_poll_of_a_gone_instance_has_it_as_gone(serving: Opener) -> None:
    site, cloud = serving(a_fleet(1))
    [instance] = cloud.list_instances(live=False)
    delete(site.world, "node-0001")
    with pytest.raises(NotFound):
        cloud.get_instance(instance)
    assert states([seen for seen in cloud.poll([instance]).values() if isinstance(seen, Instance)]) == ["missing"]


# --- many reads ------------------------------------------------------------------------------------------------------


def test_many_are_polled_by_the_list_and_few_by_their_details(serving: Opener) -> None:
    site, cloud = serving(a_fleet(10))
    instances = cloud.list_instances(live=True)
    cloud.act(instances[0], Action.STOP)
    site.requests()
    assert len(cloud.poll(instances)) == 10
    assert site.requests() == {"v1 instances": 1}, "a stop has emptied the list's cache"
    cloud.act(instances[1], Action.STOP)
    site.requests()
    assert len(cloud.poll(instances[:3])) == 3
    assert site.requests() == {"v1 instance": 3}


def test_a_poll_tells_which_states_may_come_from_the_cache(serving: Opener) -> None:
    site, cloud = serving(a_fleet(10))
    instances = cloud.list_instances(live=True)
    assert {each.may_be_old for each in instances} == {30.0}
    assert cloud.get_instance(instances[0]).may_be_old == 0.0
    cloud.act(instances[0], Action.STOP)
    delete(site.world, "node-0002")
    for request, age in (({"v1 instances": 1}, 30.0), ({"v1 instance": 10}, 0.0)):
        site.requests()
        ages = {each.may_be_old for each in cloud.poll(instances).values() if isinstance(each, Instance)}
        assert (site.requests(), ages) == (request, {age}), "right after a list, each is read"


def test_the_list_is_not_read_again_while_it_comes_from_its_cache(serving: Opener) -> None:
    site, cloud = serving(a_fleet(10, states={"suspended": 10}))
    instances = cloud.list_instances(live=True)
    for each in instances:
        cloud.act(each, Action.RESUME)
    site.requests()
    for _round in range(4):
        site.server.advance(8)
        seen = cloud.poll(instances)
        assert all(isinstance(look, Instance) and look.status != "suspended" for look in seen.values())
    counted = site.requests()
    assert counted == {"v1 instance": 30, "v1 instances": 1}
    database = {each.name: each.latest.status for each in site.world.instances}
    assert "suspended" not in database.values(), "no stale state was written back"


def test_a_list_that_another_user_read_just_before_is_not_read(serving: Opener) -> None:
    """A resume does not empty the list's cache, which any user may have filled last."""
    site, cloud = serving(a_fleet(states={"suspended": 10}))
    instances = cloud.list_instances(live=True)
    site.server.advance(31)
    with site.cloud() as other:
        other.list_instances(live=True)
    for each in instances:
        cloud.act(each, Action.RESUME)
    site.requests()
    cloud.poll(instances)
    assert site.requests() == {"v1 instance": 10}


def test_a_large_fleet_is_polled_in_parts_until_the_list_is_good_again(serving: Opener) -> None:
    site, cloud = serving(a_fleet(150))
    instances = cloud.list_instances(live=True)
    site.requests()
    assert list(cloud.poll(instances)) == [each.uuid for each in instances[:128]]
    assert site.requests() == {"v1 instance": 128}
    assert len(cloud.poll(instances, thorough=True)) == 150
    assert site.requests() == {"v1 instance": 150}
    site.server.advance(31)
    assert len(cloud.poll(instances)) == 150
    assert site.requests() == {"v1 instances": 1}


@pytest.mark.parametrize(
    ("count", "list_seconds", "requested"),
    [
        pytest.param(100, 3.0, {"v1 instance": 100}, id="details side by side are sooner"),
        pytest.param(100, 0.5, {"v1 instances": 1}, id="the list is sooner"),
        pytest.param(150, 9.0, {"v1 instances": 1}, id="too many for details"),
    ],
)
def test_many_are_polled_by_details_where_the_list_took_long(
    serving: Opener, count: int, list_seconds: float, requested: dict[str, int]
) -> None:
    site, cloud = serving(a_fleet(count))
    the_list = ceil(count / 20) + 1
    before_request(cloud, the_list, lambda: site.server.advance(list_seconds))
    instances = cloud.list_instances(live=True)
    site.server.advance(31)
    site.requests()
    cloud.poll(instances)
    assert site.requests() == requested


def test_each_identity_is_polled_in_its_own_way(serving: Opener) -> None:
    site, cloud = serving(a_fleet(20, identities=2))
    instances = cloud.list_instances(live=True)
    mine = [each for each in instances if each.identity == instances[0].identity]
    cloud.act(mine[0], Action.STOP)
    site.requests()
    assert len(cloud.poll(instances)) == 20
    assert site.requests() == {"v1 instances": 1, "v1 instance": 10}


def test_an_instance_that_cannot_be_polled_does_not_hide_the_others(serving: Opener) -> None:
    site, cloud = serving(a_fleet(3))
    instances = cloud.list_instances(live=True)
    site.server.faults.broken(path=f"/instance/{instances[1].uuid}")
    seen = cloud.poll(instances)
    assert [type(seen[each.uuid]) for each in instances] == [Instance, ServerFault, Instance]


def test_a_list_that_cannot_be_read_is_reported_for_each(serving: Opener) -> None:
    site, cloud = serving(a_fleet(10))
    instances = cloud.list_instances(live=True)
    site.server.advance(31)
    site.server.faults.broken(path="/instance$")
    seen = cloud.poll(instances)
    assert {type(look) for look in seen.values()} == {ServerFault}
    assert len(seen) == 10


@pytest.mark.parametrize("age", [0, 31], ids=["by details", "by list"])
def test_maintenance_ends_polling(serving: Opener, age: int) -> None:
    site, cloud = serving(a_fleet(3))
    instances = cloud.list_instances(live=True)
    site.server.advance(age)
    site.world.add_maintenance("Upgrade", "until noon")
    with pytest.raises(InMaintenance) as raised:
        cloud.poll(instances)
    assert str(raised.value) == 'Atmosphere is in maintenance: "Upgrade: until noon" (HTTP 503).'


def test_observations_before_maintenance_are_not_lost(serving: Opener) -> None:
    site, cloud = serving(a_fleet(3))
    cloud.max_concurrency = 1
    instances = cloud.list_instances(live=True)
    before_request(cloud, 2, lambda: site.world.add_maintenance("Upgrade", "until noon"))
    first, second, third = cloud.poll(instances).values()
    assert isinstance(first, Instance)
    assert isinstance(second, InMaintenance)
    assert second is third, "nothing more is asked"


# --- actions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "action", "body"),
    [
        ("shutoff", Action.START, {"action": "start"}),
        ("active", Action.STOP, {"action": "stop"}),
        ("active", Action.SUSPEND, {"action": "suspend"}),
        ("suspended", Action.RESUME, {"action": "resume"}),
        ("active", Action.SHELVE, {"action": "shelve"}),
        ("shelved_offloaded", Action.UNSHELVE, {"action": "unshelve"}),
        ("active", Action.REBOOT, {"action": "reboot", "reboot_type": "SOFT"}),
        ("active", Action.HARD_REBOOT, {"action": "reboot", "reboot_type": "HARD"}),
    ],
)
def test_an_action_is_sent_as_the_api_calls_it(
    serving: Opener, state: str, action: Action, body: dict[str, str]
) -> None:
    site, cloud = serving(a_fleet(states={state: 1}))
    [instance] = cloud.list_instances(live=True)
    cloud.act(instance, action)
    [sent] = site.server.requests.matching("POST")
    assert sent.data == body
    assert action not in cloud.unsupported_actions(instance)


def test_actions_that_the_api_does_not_have_are_unsupported(serving: Opener) -> None:
    _unused, cloud = serving(a_fleet(1))
    [instance] = cloud.list_instances(live=False)
    assert Action.UNPAUSE in cloud.unsupported_actions(instance)


def refused_by_state(world: World) -> None:
    world.force("node-0001", "shutoff")


def refused_by_nova(world: World) -> None:
    world.trouble(Trouble("nova", "POST action/stop", status=500, text="Unexpected API Error."))


def refused_by_keystone(world: World) -> None:
    world.trouble(Trouble("keystone", "", status=401))


def deleted(world: World) -> None:
    delete(world, "node-0001")


def not_yours(world: World) -> None:
    world.instance("node-0001").user = world.add_user("janeroe")


@pytest.mark.parametrize(
    ("meanwhile", "kind", "sentence"),
    [
        (
            refused_by_state,
            Conflict,
            (
                "Stop of node-0001 (1) was refused: \"409 Conflict Cannot 'stop' instance {uuid} while it is in "
                'vm_state stopped" (HTTP 409).'
            ),
        ),
        (
            refused_by_nova,
            ServerFault,
            (
                'Stop of node-0001 (1) failed in the cloud: "The requested action stop encountered an irrecoverable '
                'exception: 500 Internal Server Error Unexpected API Error." (HTTP 403).'
            ),
        ),
        (
            refused_by_keystone,
            Refused,
            'Stop of node-0001 (1) was refused: "Identity/Provider Authentication Failed" (HTTP 401).',
        ),
        (
            deleted,
            NotFound,
            'Stop of node-0001 (1) was refused: "Instance {uuid} no longer exists" (HTTP 404).',
        ),
        (
            not_yours,
            PermissionDenied,
            (
                'Stop of node-0001 (1) was refused: "The requested user is not a member of the project." (HTTP 403). '
                "It belongs to another user, or was deleted."
            ),
        ),
    ],
)
def test_a_refused_action_is_reported_in_the_servers_words(
    serving: Opener, meanwhile: Callable[[World], None], kind: type[JetstreamError], sentence: str
) -> None:
    site, cloud = serving(a_fleet(1))
    [instance] = cloud.list_instances(live=True)
    meanwhile(site.world)
    with pytest.raises(JetstreamError) as raised:
        cloud.act(instance, Action.STOP)
    assert raised.value.__class__ is kind
    assert str(raised.value) == sentence.format(uuid=instance.uuid)


def test_a_used_up_allocation_is_reported(serving: Opener) -> None:
    _unused, cloud = serving(a_fleet(states={"shutoff": 1}, compute_allowed=1000, compute_used=1050.25))
    [instance] = cloud.list_instances(live=True)
    with pytest.raises(OverAllocation) as raised:
        cloud.act(instance, Action.START)
    assert str(raised.value) == (
        'Start of node-0001 (1) was refused: "Time allocation exceeded: Allocation TG-GEO160014 is over 100% by '
        '50.250 hours." (HTTP 413).'
    )


def test_an_action_whose_answer_is_lost_is_not_sent_twice(serving: Opener) -> None:
    site, cloud = serving(a_fleet(1))
    [instance] = cloud.list_instances(live=True)
    site.server.faults.add(Fault(method="POST", drop="after"))
    with pytest.raises(Unreachable):
        cloud.act(instance, Action.STOP)
    assert site.requests()["action"] == 1
    assert site.world.look("node-0001").words == "active - powering-off"


# --- volumes, and the rest -------------------------------------------------------------------------------------------


def test_volumes_have_their_status_and_where_they_are_attached(serving: Opener) -> None:
    world = a_fleet(2)
    identity = world.instances[0].identity
    data = world.add_volume("data", 100, identity, description="Rasters")
    world.add_volume("scratch", 10, identity)
    world.attach(data, world.instances[1], "/dev/sdc")
    site, cloud = serving(world)
    first, second = (each.to_result() for each in cloud.list_volumes(live=True))
    assert site.requests() == {"v2 volumes": 1, "v1 volumes": 1, "v2 instances": 1}
    assert (first["name"], first["size"], first["status"], first["description"]) == ("data", 100, "in-use", "Rasters")
    assert first["attachments"] == [
        {
            "instance_uuid": world.instances[1].uuid,
            "instance_id": 2,
            "instance_name": "node-0002",
            "device": "/dev/sdc",
        }
    ]
    assert (second["status"], second["attachments"]) == ("available", [])


def test_volumes_cost_no_more_than_their_lists_if_none_is_attached(serving: Opener) -> None:
    world = a_fleet(2, identities=2)
    for identity in world.identities[-2:]:
        world.add_volume("data", 100, identity)
    site, cloud = serving(world)
    assert [each.status for each in cloud.list_volumes(live=True)] == ["available", "available"]
    assert site.requests() == {"v2 volumes": 1, "v1 volumes": 2}
    assert [each.status for each in cloud.list_volumes(live=False)] == [None, None]
    assert site.requests() == {"v2 volumes": 1}


def test_a_volume_at_another_users_instance_shows_where(serving: Opener) -> None:
    world = a_fleet(1)
    other = world.add_identity(world.add_user("janeroe"), world.providers[0])
    like = world.instances[0]
    hers = world.add_instance("hers", other, like.size, like.version)
    world.attach(world.add_volume("data", 100, like.identity), hers)
    _unused, cloud = serving(world)
    [attachment] = cloud.list_volumes(live=True)[0].attachments
    assert (attachment.instance_uuid, attachment.instance_id, attachment.instance_name) == (hers.uuid, None, None)


def test_history_reports_when_which_state_was(serving: Opener) -> None:
    world = a_fleet(1)
    site, cloud = serving(world)
    [instance] = cloud.list_instances(live=True)
    cloud.act(instance, Action.STOP)
    site.server.advance(60)
    cloud.get_instance(instance)
    periods = sorted(cloud.list_history(), key=lambda each: each.number)
    assert next((each.instance_name, each.status, each.end is None) for each in periods) == (
        "node-0001",
        "active",
        False,
    )
    assert periods[-1].status == "shutoff"
    assert periods[-1].start - periods[0].start > timedelta(days=29)
