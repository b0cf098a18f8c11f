# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the list's cache and the database disagree, an instance is read once more, whichever of the two is stale."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site

RESTING = ("active", "shutoff", "suspended", "shelved_offloaded", "paused", "error")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = fleet(8, clock=ManualClock(), settings=Settings(transition=5, deploy=20))
    with a_site(world, tmp_path) as site:
        site.warm()
        yield site


@pytest.fixture
def cloud(site: Site) -> Iterator[AtmosphereCloud]:
    with site.cloud(retry_timeout=0) as cloud:
        yield cloud


@pytest.mark.parametrize(("cached", "true"), list(permutations(RESTING, 2)))
def test_a_cached_list_that_is_stale_is_not_believed(
    site: Site, cloud: AtmosphereCloud, cached: str, true: str
) -> None:
    site.world.force("node-0002", cached)
    with site.cloud() as other:
        listed = other.list_instances(live=True)[1]
        site.world.force("node-0002", true)
        # A detail is not cached, and its state is written into the database.
        assert other.get_instance(listed).status == true
    site.requests()
    assert cloud.list_instances(live=True)[1].status == true
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1, "v1 instance": 1}


@pytest.mark.parametrize(("stored", "true"), list(permutations(RESTING, 2)))
def test_a_database_that_is_stale_is_not_believed(site: Site, cloud: AtmosphereCloud, stored: str, true: str) -> None:
    site.world.force("node-0002", stored)
    with site.cloud() as other:
        other.list_instances(live=True)
    site.server.advance(60)
    site.world.force("node-0002", true)
    assert cloud.list_instances(live=True)[1].status == true


@pytest.mark.parametrize("reads", [1, 2], ids=["the list alone", "the database, too"])
def test_a_failed_deployment_in_a_list_is_read_once_more(site: Site, cloud: AtmosphereCloud, reads: int) -> None:
    """A redeployment that goes well empties no cache, and each reader of the list writes it into the database."""
    site.world.force("node-0002", "deploy_error")
    for _read in range(reads):
        with site.cloud() as other:
            other.list_instances(live=True)
        site.world.force("node-0002", "active")
    assert cloud.list_instances(live=True)[1].activity == ""


def test_a_list_that_shows_a_deployment_of_before_is_not_believed(site: Site, cloud: AtmosphereCloud) -> None:
    """The list that is read right after a launch fills the cache, and nothing of the deployment empties it."""
    world = site.world
    like = world.instances[0]
    launched = world.launch("late", like.identity, like.size, like.version)
    with site.cloud() as other:
        early = other.list_instances(live=True)[-1]
        assert (early.name, early.status) == ("late", "build")
        site.server.advance(29)
        ready = other.get_instance(early)
        assert (ready.status, ready.activity) == ("active", "")
    seen = cloud.list_instances(live=True)[-1]
    assert (seen.uuid, seen.status, seen.activity, seen.ip_address) == (launched.uuid, "active", "", ready.ip_address)


def test_a_hard_reboot_of_a_stopped_one_is_seen_where_the_database_has_it(site: Site, cloud: AtmosphereCloud) -> None:
    """The cloud boots it, although Atmosphere answers 403, and the list goes on to show it shut off."""
    site.world.force("node-0002", "shutoff")
    with site.cloud() as other:
        stopped = other.list_instances(live=True)[1]
        with pytest.raises(Exception, match="refused"):
            other.act(stopped, Action.HARD_REBOOT)
        site.server.advance(8)
        assert other.get_instance(stopped).status == "active"
    assert cloud.list_instances(live=True)[1].status == "active"


def test_one_instance_alone_is_never_read_from_the_list(site: Site, cloud: AtmosphereCloud) -> None:
    """Then even a state that neither list nor database has is seen: in both it is still shut off."""
    site.world.force("node-0002", "shutoff")
    with site.cloud() as other:
        other.list_instances(live=True)
    site.world.force("node-0002", "active")
    site.requests()
    assert cloud.list_instances(live=True)[1].status == "shutoff"
    seen = cloud.list_instances(live=True, wanted=lambda each: each.name == "node-0002")
    assert seen[1].status == "active"


def test_an_instance_with_the_same_state_in_both_is_read_once(site: Site, cloud: AtmosphereCloud) -> None:
    for number, state in enumerate(RESTING, start=1):
        site.world.force(f"node-{number:04}", state)
    with site.cloud() as other:
        other.list_instances(live=True)
    site.requests()
    cloud.list_instances(live=True)
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1}
