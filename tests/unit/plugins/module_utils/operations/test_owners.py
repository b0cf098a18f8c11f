# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of other users are left alone unless their owner is given, and do not keep a task from its own work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.token_cache import LoginKey
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Work, on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    allocation_info,
    instance_info,
    instance_state,
    usage_report,
    volume_info,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import ModuleSpec
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, World, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import PASSWORD, Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context


@pytest.fixture(params=[True, False], ids=["identities shared", "identities not shared"])
def shares(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def site(tmp_path: Path, shares: bool) -> Iterator[Site]:
    """Serve johndoe, a plain member of janeroe's group."""
    world = fleet(3, clock=ManualClock(), settings=Settings(transition=1, deploy=1))
    add_colleague(world, share_identities=shares)
    with a_site(world, tmp_path) as site:
        site.warm()
        yield site


def run(site: Site, work: Work, spec: ModuleSpec, **options: Any) -> Outcome:
    return on_cloud(work)(given(spec, **{**site.options, **options}), in_context(site))


def stop(site: Site, **options: Any) -> Outcome:
    return run(site, instance_state.instance_state, instance_state.SPEC, state="stopped", **options)


def states(world: World) -> dict[str, list[str]]:
    by_owner: dict[str, list[str]] = {}
    for each in world.instances:
        by_owner.setdefault(each.identity.user.username, []).append(world.states()[each.name])
    return by_owner


@pytest.mark.parametrize("options", [{"all": True}, {"name": "*"}, {"status": "active"}, {"provider": "Jetstream*"}])
def test_a_selection_means_ones_own_and_counts_the_others(site: Site, options: dict[str, Any]) -> None:
    outcome = stop(site, **options)
    assert outcome.failure is None
    assert outcome.result["summary"] == {
        "selected": 3,
        "changed": 3,
        "unchanged": 0,
        "skipped": 0,
        "failed": 0,
        "others": 2,
    }
    assert {each["owner"] for each in outcome.result["instances"]} == {"johndoe"}
    assert states(site.world) == {"johndoe": ["shutoff"] * 3, "janeroe": ["active"] * 2}
    assert outcome.warnings == ()
    janes = next(each.identity.uuid for each in site.world.instances if each.identity.user.username == "janeroe")
    assert not site.server.requests.matching("GET", f"/api/v1/.*{janes}"), "what is not meant is not read"


def test_a_selection_of_others_alone_says_why_nothing_is_selected(site: Site) -> None:
    outcome = stop(site, name="jane-*")
    assert not outcome.changed
    assert outcome.warnings == (
        "No instance matched, so nothing was changed.",
        "2 of other owners not selected (owner: any).",
    )


@pytest.mark.parametrize("key", ["name", "id", "uuid"])
def test_naming_an_instance_of_another_user_is_refused_with_the_remedy(site: Site, key: str) -> None:
    hers = site.world.instance("jane-1")
    with pytest.raises(SelectionError) as raised:
        stop(site, **{key: str(getattr(hers, key))})
    assert str(raised.value) == (
        f"jane-1 ({hers.id}) belongs to janeroe, but owner is me. To select it, set owner: any."
    )
    assert states(site.world)["janeroe"] == ["active"] * 2


@pytest.mark.parametrize("owner", ["any", "janeroe", ["me", "janeroe"]])
def test_a_named_owner_is_selected(site: Site, owner: Any, shares: bool) -> None:
    outcome = stop(site, name="jane-1", owner=owner)
    if shares:
        assert outcome.failure is None
        assert states(site.world)["janeroe"] == ["shutoff", "active"]
    else:
        # Atmosphere would take the action, but does not show the state that it would be sent in.
        assert outcome.failure is not None
        assert outcome.failure.startswith("jane-1")
        assert not site.server.requests.matching("POST", "action")


def test_info_shows_everything_with_its_owner(site: Site, shares: bool) -> None:
    rows = run(site, instance_info.instance_info, instance_info.SPEC).result["instances"]
    assert [(each["name"], each["owner"], each["live"]) for each in rows[-3:]] == [
        ("node-0003", "johndoe", True),
        ("jane-1", "janeroe", shares),
        ("jane-2", "janeroe", shares),
    ]
    mine = run(site, instance_info.instance_info, instance_info.SPEC, owner="me").result["instances"]
    assert [each["name"] for each in mine] == ["node-0001", "node-0002", "node-0003"]


@pytest.mark.parametrize("module", [allocation_info, usage_report])
def test_instances_that_others_pay_are_in_no_sum_and_in_no_warning(site: Site, module: ModuleType) -> None:
    for name in ("node-0001", "jane-1"):
        site.world.add_volume(f"disk of {name}", 10, site.world.instance(name).identity)
    work = getattr(module, module.__name__.rpartition(".")[2])
    outcome = run(site, work, module.SPEC)
    assert outcome.warnings == ()
    assert [(each["name"], each["instances"]) for each in outcome.result["allocations"]] == [("TG-GEO160014", 3)]
    assert {each["name"] for each in outcome.result.get("instances", [])} <= {"node-0001", "node-0002", "node-0003"}
    assert {each["name"] for each in outcome.result.get("unattached_volumes", [])} <= {"disk of node-0001"}


def test_an_instance_of_another_user_is_in_the_sum_of_an_allocation_that_both_share(site: Site) -> None:
    source = site.world.instance("node-0001").allocation_source
    site.world.instance("jane-1").allocation_source = source
    outcome = run(site, allocation_info.allocation_info, allocation_info.SPEC)
    assert [each["instances"] for each in outcome.result["allocations"]] == [4]


def test_volumes_have_owners_too(site: Site, shares: bool) -> None:
    for each in (site.world.instance("node-0001"), site.world.instance("jane-1")):
        site.world.add_volume(f"disk of {each.name}", 10, each.identity)

    def owners(**options: Any) -> list[str]:
        outcome = run(site, volume_info.volume_info, volume_info.SPEC, **options)
        return [each["owner"] for each in outcome.result["volumes"]]

    assert owners(owner="me") == ["johndoe"]
    assert owners() == ["johndoe", "janeroe"]


@pytest.mark.parametrize("username", ["JohnDoe", "johndoe"])
def test_the_own_name_is_that_of_the_login_in_any_case(site: Site, username: str) -> None:
    kept = site.cache.load(site.key, site.clock.now())
    assert kept is not None
    site.cache.store(LoginKey(site.server.url, username, PASSWORD), kept)
    assert stop(site, all=True, username=username).result["summary"]["changed"] == 3


def test_the_account_of_a_token_is_read_once(site: Site) -> None:
    token = site.world.new_token(site.world.users["janeroe"])
    # A name beside a token proves nothing.
    outcome = stop(site, all=True, token=token, username=None, password=None)
    assert outcome.failure is None
    assert states(site.world) == {"johndoe": ["active"] * 3, "janeroe": ["shutoff"] * 2}
    assert len(site.server.requests.matching("GET", "/api/v1/profile")) == 1


def test_an_instance_launched_past_atmosphere_belongs_to_the_user_of_its_identity(site: Site, shares: bool) -> None:
    """Atmosphere takes its first reader for its user."""
    world = site.world
    johns, janes = world.instance("node-0003"), world.instance("jane-2")
    johns.user, janes.user = janes.user, johns.user
    outcome = stop(site, all=True)
    assert states(world)["johndoe"] == ["shutoff"] * 3
    assert states(world)["janeroe"] == ["active"] * 2
    assert outcome.result["summary"]["others"] == 2
