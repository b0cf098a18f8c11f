# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider, row or detail that cannot be read is reported, and does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.json_values import number_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.row_lists import Reading, Warnings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ServerFault, UnexpectedResponse
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Outcome, on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import instance_state, usage_report
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, Settings, World, fleet
from ansible_collections.jetstream.cloud.tests.simulator.odd_values import Missing
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context

INDIANA, TEXAS = "Jetstream - Indiana University", "Jetstream - TACC"
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


def a_fleet(count: int, **more: Any) -> World:
    return fleet(count, clock=ManualClock(), settings=Settings(transition=5, deploy=20), **more)


def on_two_sites() -> World:
    world = a_fleet(6, identities=2, providers=2)
    assert {each.identity.provider.name for each in world.instances} == {INDIANA, TEXAS}
    return world


def live_by_provider(instances: list[Instance]) -> dict[str, set[bool]]:
    return {
        provider: {each.live for each in instances if each.provider.name == provider} for provider in (INDIANA, TEXAS)
    }


def outage(world: World, kind: str) -> None:
    """Let one provider fail, in one of the ways that were recorded."""
    match kind:
        case "nova answers 500":
            world.nova_down(500, TEXAS)
        case "nova answers 503":
            world.nova_down(503, TEXAS)
        case "nova drops connections":
            world.nova_down(0, TEXAS)


@pytest.mark.parametrize("kind", ["nova answers 500", "nova answers 503", "nova drops connections"])
def test_an_outage_of_one_provider_leaves_the_other_to_be_served(serving: Opener, kind: str) -> None:
    site, cloud = serving(on_two_sites())
    outage(site.world, kind)
    instances = cloud.list_instances(live=True)
    assert live_by_provider(instances) == {INDIANA: {True}, TEXAS: {False}}
    errors = {each.read_error for each in instances if not each.live}
    [error] = errors
    assert error is not None
    assert error.startswith("Reading live states failed")
    assert cloud.take_warnings() == (f"{error} The states of 3 instances at {TEXAS} are missing.",)
    assert cloud.take_warnings() == ()
    site.world.nova_up()
    assert all(each.live and each.read_error is None for each in cloud.list_instances(live=True))


def test_a_provider_that_ends_between_two_lists_leaves_the_other_to_be_served(serving: Opener) -> None:
    site, cloud = serving(on_two_sites())
    site.server.faults.after("GET", "/api/v2/instances", lambda: site.world.end_provider(TEXAS))
    instances = cloud.list_instances(live=True)
    assert live_by_provider(instances) == {INDIANA: {True}, TEXAS: {False}}
    assert all(str(each.read_error).count("inactive provider") == 1 for each in instances if not each.live)


def test_an_outage_of_all_providers_is_an_error(serving: Opener) -> None:
    site, cloud = serving(on_two_sites())
    site.world.nova_down(500)
    with pytest.raises(ServerFault):
        cloud.list_instances(live=True)
    site.world.add_volume("data", 1, site.world.identities[-1])
    with pytest.raises(ServerFault):
        cloud.list_volumes(live=True)


def test_volumes_of_one_provider_are_served_without_the_other(serving: Opener) -> None:
    world = on_two_sites()
    for identity in world.identities[-2:]:
        world.add_volume(f"data at {identity.provider.name}", 10, identity)
    site, cloud = serving(world)
    site.world.nova_down(503, TEXAS)
    assert {each.provider.name: each.status for each in cloud.list_volumes(live=True)} == {
        INDIANA: "available",
        TEXAS: None,
    }
    [warning] = cloud.take_warnings()
    assert warning.endswith(f"The states of 1 instances at {TEXAS} are missing.")


@pytest.mark.parametrize("kind", ["nova answers 500", "nova answers 503", "nova drops connections"])
def test_a_fleet_is_stopped_where_it_can_be_and_the_rest_fails_by_name(tmp_path: Path, kind: str) -> None:
    world = on_two_sites()
    with a_site(world, tmp_path) as site:
        site.warm()
        outage(world, kind)
        options = given(instance_state.SPEC, **site.options, state="stopped", all=True, retry_timeout=0)
        outcome = on_cloud(instance_state.instance_state)(options, in_context(site))
        ends = {each["name"]: (each["after"], each["failed"]) for each in outcome.result["instances"]}
        there = {each.name for each in world.instances if each.identity.provider.name == INDIANA}
        assert ends == {
            each.name: ("shutoff", False) if each.name in there else ("active", True) for each in world.instances
        }
        assert outcome.failure is not None
        assert outcome.failure.startswith("3 of 6 instances failed: ")
        assert "was not stopped within 900 s (last error: Reading" in outcome.failure
        assert len(site.server.requests.matching("POST", "action")) == 3


def test_a_report_does_not_take_a_volume_that_cannot_be_read_for_an_unattached_one(tmp_path: Path) -> None:
    world = on_two_sites()
    for identity in world.identities[-2:]:
        world.add_volume(f"data at {identity.provider.name}", 10, identity)
    world.nova_down(503, TEXAS)
    with a_site(world, tmp_path) as site:
        site.warm()
        outcome = on_cloud(usage_report.usage_report)(given(usage_report.SPEC, **site.options), in_context(site))
        assert [each["name"] for each in outcome.result["unattached_volumes"]] == [f"data at {INDIANA}"]
        # Without any list of volumes it is a report all the same.
        site.server.faults.broken(path="/api/v2/volumes", times=None)
        options = given(usage_report.SPEC, **site.options, retry_timeout=0)
        outcome = on_cloud(usage_report.usage_report)(options, in_context(site))
        assert outcome.result["unattached_volumes"] == []
        assert outcome.warnings[-1].startswith("Listing volumes failed")
        assert outcome.warnings[-1].endswith("Unattached volumes are missing from the report.")


def test_a_detail_that_breaks_leaves_the_others_live(serving: Opener) -> None:
    site, cloud = serving(a_fleet(4))
    broken = site.world.instance("node-0002")
    # The list shows it elsewhere than the database, so that it is read once more.
    site.world.force("node-0002", "shutoff")
    site.server.faults.broken(path=f"instance/{broken.uuid}", times=None)
    instances = cloud.list_instances(live=True)
    assert [each.live for each in instances] == [True, False, True, True]
    assert instances[1].read_error == cloud.take_warnings()[0]
    assert instances[1].read_error.startswith("Reading node-0002 (2) failed")


# --- odd rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"uuid": ["x"]}, "node-0002 (2): uuid is a list"),
        ({"uuid": None}, "node-0002 (2): uuid is null"),
        ({"id": "two"}, "node-0002: id is 'two'"),
        ({"id": Missing()}, "node-0002: it has no id"),
        ({"provider": None}, "node-0002 (2): it has no uuid"),
        ({"identity.uuid": {}}, "node-0002 (2): uuid is an object"),
    ],
)
def test_a_row_that_cannot_be_acted_on_is_one_warning(serving: Opener, edit: dict[str, Any], reason: str) -> None:
    site, cloud = serving(a_fleet(21))
    site.server.faults.odd_row("node-0002", edit, path="/api/v2/instances")
    instances = cloud.list_instances(live=True)
    assert [each.id for each in instances] == [1, *range(3, 22)]
    assert all(each.live for each in instances)
    assert cloud.take_warnings() == (f"Listing instances: skipped a row that cannot be parsed: {reason}.",)


def stopped(site: Site, **options: Any) -> Outcome:
    """Stop instances of a site."""
    return on_cloud(instance_state.instance_state)(
        given(instance_state.SPEC, **site.options, state="stopped", **options), in_context(site)
    )


@pytest.mark.parametrize(
    "selection", [{"all": True}, {"name": ["node-0002"]}, {"id": ["2"]}, {"name": ["node-*"]}], ids=str
)
def test_an_instance_whose_row_cannot_be_read_fails_where_it_was_meant(
    tmp_path: Path, selection: dict[str, Any]
) -> None:
    with a_site(a_fleet(3), tmp_path) as site:
        site.server.faults.odd_row("node-0002", {"uuid": None}, path="/api/v2/instances")
        outcome = stopped(site, **selection)
        items = {each["name"]: each for each in outcome.result["instances"]}
        assert (items["node-0002"]["id"], items["node-0002"]["uuid"]) == (2, "unknown")
        assert items["node-0002"]["failed"]
        assert items["node-0002"]["msg"] == "its state in the cloud cannot be read: uuid is null"
        assert [name for name, each in items.items() if each["failed"]] == ["node-0002"]
        assert outcome.failure is not None


def test_an_instance_whose_row_cannot_be_read_is_a_warning_where_it_was_not_meant(tmp_path: Path) -> None:
    with a_site(a_fleet(3), tmp_path) as site:
        site.server.faults.odd_row("node-0002", {"uuid": None}, path="/api/v2/instances")
        outcome = stopped(site, name=["node-0001"])
        assert ([each["id"] for each in outcome.result["instances"]], outcome.failure) == ([1], None)


def test_a_detail_that_breaks_when_it_is_listed_is_read_again(tmp_path: Path) -> None:
    with a_site(a_fleet(4), tmp_path) as site:
        broken = site.world.instance("node-0002")
        site.world.force("node-0002", "shutoff")
        site.server.faults.broken(path=f"instance/{broken.uuid}", times=1)
        outcome = stopped(site, all=True, retry_timeout=0)
        [item] = [each for each in outcome.result["instances"] if each["id"] == 2]
        assert (item["before"], item["failed"], item["changed"]) == ("shutoff", False, False)


@pytest.mark.parametrize(
    ("edit", "field", "value"),
    [
        ({"size.cpu": "two"}, "flavor.vcpus", None),
        ({"size": [1]}, "flavor.name", ""),
        ({"project": "Geo"}, "project", None),
        ({"allocation_source": {"name": "x"}}, "allocation_source", None),
        ({"usage": float("nan")}, "usage", None),
        ({"user": None}, "owner", ""),
    ],
)
def test_a_value_that_is_odd_is_not_known_and_the_instance_is_there(
    serving: Opener, edit: dict[str, Any], field: str, value: Any
) -> None:
    site, cloud = serving(a_fleet(2))
    site.server.faults.odd_row("node-0002", edit, path="/api/v2/instances")
    found: Any = cloud.list_instances(live=False)[1]
    for name in field.split("."):
        found = getattr(found, name)
    assert found == value
    assert cloud.take_warnings() == ()


def test_many_odd_rows_are_counted() -> None:
    warnings = Warnings()
    reading = Reading.of([{"id": 1}, *({"id": "x"} for _row in range(20))], number_of)
    assert reading.checked("Listing things", warnings) == [1]
    *described, counted = warnings.take()
    assert described == ["Listing things: skipped a row that cannot be parsed: id is 'x'."]
    assert counted == "Listing things: skipped 17 more rows that cannot be parsed."


@pytest.mark.parametrize(
    "edit",
    [
        {"alias": ["x"]},
        {"alias": Missing()},
        {"status": None},
        {"status": ["active"]},
        {"status": {"state": "active"}},
    ],
)
def test_an_odd_row_of_live_states_is_read_alone_and_never_taken_for_a_missing_instance(
    serving: Opener, edit: dict[str, Any]
) -> None:
    site, cloud = serving(a_fleet(8))
    site.server.faults.odd_row("node-0002", edit, path="/instance$")
    instances = cloud.list_instances(live=True)
    assert [(each.status, each.live) for each in instances] == [("active", True)] * 8
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1, "v1 instance": 1}
    site.server.advance(60)
    seen = cloud.poll(instances)
    assert [each.status for each in seen.values() if isinstance(each, Instance)] == ["active"] * 8
    assert site.requests() == {"v1 instances": 1, "v1 instance": 1}


def test_a_state_that_is_odd_everywhere_is_reported_for_that_one(serving: Opener) -> None:
    site, cloud = serving(a_fleet(8))
    site.server.faults.odd_row("node-0002", {"status": 7}, path="/api/v1/")
    instances = cloud.list_instances(live=True)
    assert [each.uuid for each in instances if not each.live] == [site.world.instance("node-0002").uuid]
    reason = "Reading node-0002 (2) failed: the response cannot be parsed: status is 7."
    assert (instances[1].read_error, cloud.take_warnings()) == (reason, (reason,))
    site.server.advance(60)
    error = cloud.poll(instances)[instances[1].uuid]
    assert isinstance(error, UnexpectedResponse)
    assert str(error) == reason


def test_rows_that_are_all_odd_are_an_error_not_an_empty_account(serving: Opener) -> None:
    site, cloud = serving(a_fleet(1))
    site.server.faults.add(Fault(path="/api/v2/instances", status=200, body={"count": 2, "results": ["a", {}]}))
    with pytest.raises(UnexpectedResponse) as raised:
        cloud.list_instances(live=False)
    assert str(raised.value) == (
        "Listing instances failed: no row of the response can be parsed: it is 'a', not an object."
    )


# --- wanted rows alone -----------------------------------------------------------------------------------------------


def test_few_of_many_are_read_one_by_one(serving: Opener) -> None:
    site, cloud = serving(a_fleet(10))
    site.world.force("node-0003", "shutoff")
    instances = cloud.list_instances(live=True, wanted=lambda each: each.name in ("node-0003", "node-0004"))
    assert [each.live for each in instances] == [False, False, True, True, *[False] * 6]
    assert instances[2].status == "shutoff"
    assert site.requests() == {"v2 instances": 1, "v1 instance": 2}
    cloud.list_instances(live=True, wanted=lambda each: each.id <= 5)
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1}


def test_an_identity_without_anything_selected_is_not_queried(serving: Opener) -> None:
    site, cloud = serving(on_two_sites())
    site.world.nova_down(503, TEXAS)
    instances = cloud.list_instances(live=True, wanted=lambda each: each.provider.name == INDIANA)
    assert live_by_provider(instances) == {INDIANA: {True}, TEXAS: {False}}
    assert cloud.take_warnings() == ()
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1}
