# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches and deletions on a real nova, killed at random moments, leave no twin and no orphan.

``--kills 30`` tries so many moments of each, and takes some minutes; by default there are a few.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.test_access import ONE
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User
from ansible_collections.jetstream.cloud.tests.scenarios.kills import Moment, killed
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.fleet.launching.test_setup import (
    COMPLETE,
    RUNNING,
)

NODES = [f"node-{number}" for number in range(1, 5)]
LAUNCH: dict[str, Any] = {
    "name": "node",
    "count": len(NODES),
    "floating_ip": "auto",
    "image": "Featured-Ubuntu24",
    "flavor": "m3.tiny",
}
REMOVAL: dict[str, Any] = {
    "name": "node-{number}",
    "state": "absent",
    "delete_volumes": True,
    "release_floating_ip": True,
}
# The key is imported first, and the consoles are read at last.
SET_UP: dict[str, Any] = {
    **LAUNCH,
    "count": 2,
    "floating_ip": "none",
    "key_name": "laptop",
    "public_key": ONE,
    "wait_for": "setup",
}
# Login, lists, key, launches, polls, the list that looks for twins, and consoles: two each time.
_REQUESTS_OF_SETUP = 24
# Login, lists, launches, polls, the list that looks for twins, ports, floating IPs, and one for each.
_REQUESTS_OF_LAUNCH = 32
# Login, list, ports, floating IPs, for each a deletion and a release, for each volume two, and polls.
_REQUESTS_OF_DELETION = 28


def _servers(user: User) -> dict[str, str]:
    """Return the names of all servers by their ids, as nova has them."""
    listed = user.cloud.owner.get("compute", "/servers?limit=1000")["servers"]
    return {each["id"]: each["name"] for each in listed}


def _addresses(user: User) -> list[str]:
    """Return the server of each floating IP, or "" for one without."""
    ports = user.cloud.owner.get("network", "/v2.0/ports")["ports"]
    servers = {each["id"]: each["device_id"] for each in ports}
    rows = user.cloud.owner.get("network", "/v2.0/floatingips")["floatingips"]
    return sorted(servers.get(each["port_id"], "") for each in rows)


def test_a_killed_launch_leaves_no_twin_and_no_orphan_after_the_next_run(user: User, seed: int) -> None:
    moment = Moment.of("launch", seed, _REQUESTS_OF_LAUNCH)
    killed(lambda: user.task("instance", **LAUNCH), moment)
    done = user.task("instance", **LAUNCH)
    assert done.failure == "", moment
    there = _servers(user)
    assert (sorted(there.values()), _addresses(user)) == (NODES, sorted(there)), moment
    assert user.task("instance", **LAUNCH).outcome.changed is False, moment


@pytest.fixture
def _no_key(user: User) -> Iterator[None]:
    yield
    user.cloud.owner.delete("compute", "/os-keypairs/laptop")


@pytest.mark.usefixtures("_no_key")
def test_a_killed_launch_leaves_one_key_and_the_next_run_waits_for_the_setup(user: User, seed: int) -> None:
    moment = Moment.of("setup", seed, _REQUESTS_OF_SETUP)
    nodes = NODES[:2]
    for name in nodes:
        user.cloud.hypervisor.console(name, f"{RUNNING}\n")
    # As long as the setups run, so does it.
    assert killed(lambda: user.task("instance", **SET_UP), moment), moment
    for name in nodes:
        user.cloud.hypervisor.console(name, f"{RUNNING}\n{COMPLETE}\n")
    done = user.task("instance", **SET_UP)
    assert (done.failure, sorted(_servers(user).values())) == ("", nodes), moment
    keys = user.cloud.owner.get("compute", "/os-keypairs")["keypairs"]
    assert [each["keypair"]["name"] for each in keys] == ["laptop"], moment
    assert {user.cloud.show(each)["key_name"] for each in _servers(user)} == {"laptop"}, moment
    again = user.task("instance", **SET_UP)
    assert (again.outcome.changed, again.result["key_imported"]) == (False, False), moment


def test_a_killed_deletion_is_ended_by_the_next_run_with_volumes_and_addresses(user: User, seed: int) -> None:
    assert user.task("instance", **LAUNCH).failure == ""
    ids = {name: server for server, name in _servers(user).items()}
    for name in ("node-1", "node-3"):
        user.cloud.volume(f"data-{name}", attached_to=ids[name])
    moment = Moment.of("deletion", seed, _REQUESTS_OF_DELETION)
    killed(lambda: user.task("instance", **REMOVAL), moment)
    done = user.task("instance", **REMOVAL)
    assert done.failure == "", moment
    volumes = user.cloud.owner.get("block-storage", "/volumes/detail")["volumes"]
    assert (_servers(user), _addresses(user), volumes) == ({}, [], []), moment
    assert user.task("instance", **REMOVAL).outcome.changed is False, moment
