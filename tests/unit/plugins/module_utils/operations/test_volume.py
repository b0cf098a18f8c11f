# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume is brought to each state on a simulated Atmosphere: foreseen, done, and not done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
    OverAllocation,
    SelectionError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import volume
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, Settings, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.simulator.world.records import Volume
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context

CHANGE, MOUNTING = 4.0, 6.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = fleet(
        names=("web", "db", "off"),
        states={"active": 2, "shutoff": 1},
        clock=ManualClock(),
        settings=Settings(volume_change=CHANGE, mounting=MOUNTING, transition=4),
    )
    world.add_volume("data", 10, world.identities[1])
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def run(site: Site, *, check_mode: bool = False, **options: Any) -> Outcome:
    context = in_context(site, check_mode=check_mode)
    named = {} if "uuid" in options else {"name": "data"}
    return on_cloud(volume.volume)(given(volume.SPEC, **{**site.options, **named, **options}), context)


def data(site: Site) -> Volume:
    site.world.settle()
    return site.world.volume("data")


def attach(site: Site, instance: str = "web") -> None:
    site.world.attach(data(site), site.world.instance(instance))


def writes(site: Site) -> list[str]:
    """Return the requests since the last time that write."""
    seen = [each.method for each in site.server.requests if each.method != "GET" and "/auth" not in each.path]
    site.server.requests.reset()
    return seen


@pytest.mark.parametrize(
    ("options", "before", "actions"),
    [
        ({"name": "new", "size": 5}, None, ["create"]),
        ({"description": "genomes"}, None, ["describe"]),
        ({"state": "attached", "instance": "web"}, None, ["attach"]),
        ({"name": "new", "size": 5, "state": "attached", "instance": "web"}, None, ["create", "attach"]),
        ({"state": "attached", "instance": "db", "detach": True}, attach, ["detach", "attach"]),
        ({"state": "detached"}, attach, ["detach"]),
        ({"state": "detached", "instance": "web", "description": "x"}, attach, ["detach", "describe"]),
        ({"state": "absent"}, None, ["delete"]),
        ({"state": "absent", "detach": True}, attach, ["detach", "delete"]),
    ],
)
def test_a_state_is_foreseen_reached_and_kept(
    site: Site, options: dict[str, Any], before: Callable[[Site], None] | None, actions: list[str]
) -> None:
    if before is not None:
        before(site)
    foreseen = run(site, check_mode=True, **options)
    assert (foreseen.failure, foreseen.changed, foreseen.result["actions"]) == (None, True, actions)
    assert writes(site) == []
    done = run(site, **options)
    assert (done.failure, done.changed, done.result["actions"]) == (None, True, actions)
    assert len(writes(site)) == len(actions)
    again = run(site, **options)
    assert (again.failure, again.changed, again.result["actions"]) == (None, False, [])
    assert writes(site) == []
    assert _shown(foreseen) == _shown(done) == _shown(again)


def _shown(outcome: Outcome) -> Any:
    """Return the part of a volume that check mode can predict."""
    found = outcome.result["volume"]
    if found is None:
        return None
    names = [each["instance_name"] for each in found["attachments"]]
    return found["name"], found["size"], found["status"], found["description"], names


def test_a_volume_is_done_when_the_cloud_shows_it_not_when_it_accepts_it(site: Site) -> None:
    begun = site.clock.now()
    assert run(site, name="new", size=5, state="attached", instance="web").failure is None
    assert (site.clock.now() - begun).total_seconds() >= 2 * CHANGE
    assert (site.world.volume("new").status, site.world.volume("new").device) == ("in-use", "/dev/sdb")


def test_a_result_has_device_serial_and_mount_point(site: Site) -> None:
    run(site, state="attached", instance="web", device="/dev/sdz")
    site.clock.sleep(MOUNTING)
    found = run(site, state="attached", instance="web").result["volume"]
    assert found["attachments"][0]["device"] == "/dev/sdz"
    assert (found["mount_location"], found["serial"]) == ("/vol_z", data(site).uuid)


def test_a_diff_shows_the_volume_before_and_after(site: Site) -> None:
    diff = run(site, state="attached", instance="web").diff
    assert diff == {
        "before": "name: data\nsize: 10 GB\nstatus: available\n",
        "after": "name: data\nsize: 10 GB\nstatus: in-use\nattached to: web\n",
    }


def test_without_wait_the_last_change_is_not_waited_for_but_those_before_are(site: Site) -> None:
    attach(site)
    begun = site.clock.now()
    outcome = run(site, state="absent", detach=True, wait=False)
    assert (outcome.failure, outcome.changed, data(site).status) == (None, True, "deleting")
    assert CHANGE <= (site.clock.now() - begun).total_seconds() < 2 * CHANGE
    assert run(site, state="absent", wait=False).changed is False


def test_a_change_that_takes_too_long_fails_with_the_state(site: Site) -> None:
    site.world.settings.volume_change = 1000
    outcome = run(site, state="attached", instance="web", wait_timeout=20)
    assert outcome.changed
    assert outcome.failure == "data (1): it is still attaching after 20 s."


@pytest.mark.parametrize("state", ["attached", "absent"])
def test_an_attached_volume_is_left_alone_unless_detach_is_set(site: Site, state: str) -> None:
    attach(site, "db")
    outcome = run(site, state=state, **({"instance": "web"} if state == "attached" else {}))
    assert (outcome.failure or "").startswith("data (1): it is attached to db. To ")
    assert (writes(site), outcome.changed) == ([], False)


@pytest.mark.parametrize(
    ("options", "failure"),
    [
        ({"state": "attached", "instance": "off"}, "off (3): it is shutoff, but must be active."),
        ({"size": 20}, "Atmosphere cannot grow a volume."),
        ({"size": 5}, "it has 10 GB, and a volume cannot shrink to 5 GB."),
    ],
)
def test_an_impossible_change_is_refused_before_any_request(site: Site, options: dict[str, Any], failure: str) -> None:
    for check_mode in (True, False):
        outcome = run(site, check_mode=check_mode, **options)
        assert (outcome.failure or "").endswith(failure)
        assert (writes(site), outcome.changed) == ([], False)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"snapshot": "x"}, ConfigurationError, "snapshot: Atmosphere has no snapshots of volumes."),
        ({"from_snapshot": "x"}, ConfigurationError, "from_snapshot: Atmosphere has no snapshots of volumes."),
        ({"state": "absent", "size": 5}, ConfigurationError, "state: absent does not accept size."),
        ({"instance": "web"}, ConfigurationError, "state: present does not accept instance."),
        ({"size": 0}, ConfigurationError, "size is 0, but must be at least 1 GB."),
        ({"name": "new"}, SelectionError, "There is no volume new. To create it, set size."),
        ({"name": "new", "state": "detached"}, SelectionError, "There is no volume new."),
        ({"name": "", "state": "absent"}, ConfigurationError, "name is given, but empty."),
        ({"uuid": " ", "state": "absent"}, ConfigurationError, "uuid is given, but empty."),
        ({"state": "detached", "instance": ""}, ConfigurationError, "instance is given, but empty."),
        ({"from_snapshot": ""}, ConfigurationError, "from_snapshot is given, but empty."),
        ({"snapshot": ""}, ConfigurationError, "snapshot is given, but empty."),
        ({"name": "x" * 256, "size": 5}, ConfigurationError, "name has 256 characters"),
        ({"description": "x" * 256}, ConfigurationError, "description has 256 characters"),
        ({"wait_timeout": 0}, ConfigurationError, "wait_timeout must be more than 0 seconds."),
        (
            {"state": "attached", "instance": "wep"},
            SelectionError,
            "There is no instance wep. Did you mean web?",
        ),
        ({"name": "new", "size": 5, "project": "johndo"}, SelectionError, "Did you mean johndoe?"),
        ({"name": "new", "size": 5, "provider": "nowhere"}, SelectionError, "provider: nowhere does not exist."),
        ({"name": "new", "size": 91}, OverAllocation, "new: 91 GB of volumes required, 90 of 100 available."),
    ],
)
def test_a_mistake_is_named_before_anything_is_sent(
    site: Site, options: dict[str, Any], error: type[JetstreamError], said: str
) -> None:
    for check_mode in (True, False):
        with pytest.raises(error) as raised:
            run(site, check_mode=check_mode, **options)
        assert said in str(raised.value)
    assert writes(site) == []


def test_a_project_is_found_by_its_name(site: Site) -> None:
    run(site, name="new", size=5, project="johndoe")
    assert site.world.volume("new").project is site.world.projects[0]


def test_several_volumes_of_a_name_are_distinguished_by_their_uuids(site: Site) -> None:
    twin = site.world.add_volume("data", 3, site.world.identities[1])
    with pytest.raises(SelectionError, match="The name data is ambiguous") as raised:
        run(site, state="absent")
    assert twin.uuid in str(raised.value)
    assert run(site, uuid=twin.uuid, state="absent").changed
    assert data(site).in_cloud


def test_another_users_volume_is_never_touched(site: Site) -> None:
    add_colleague(site.world)
    theirs = site.world.add_volume("theirs", 3, site.world.identities[-1])
    with pytest.raises(SelectionError, match="belongs to janeroe"):
        run(site, name=theirs.uuid, state="absent")
    assert theirs.in_cloud


def test_a_volume_past_the_count_of_the_quota_is_not_requested(site: Site) -> None:
    site.world.identities[1].quota.storage_count = 1
    with pytest.raises(OverAllocation, match="new: 1 volumes required, 0 of 1 available"):
        run(site, name="new", size=1)
    assert writes(site) == []


@pytest.mark.parametrize(
    ("options", "before", "method", "path"),
    [
        ({"name": "new", "size": 5}, None, "POST", "/volumes$"),
        ({"state": "attached", "instance": "web"}, None, "POST", "/action$"),
        ({"state": "detached"}, attach, "POST", "/action$"),
        ({"state": "absent"}, None, "DELETE", "/volumes/"),
        ({"description": "x"}, None, "PATCH", "/volumes/"),
    ],
)
@pytest.mark.parametrize("fault", ["lost", "gateway"])
def test_a_lost_response_makes_no_second_request(
    site: Site,
    options: dict[str, Any],
    before: Callable[[Site], None] | None,
    method: str,
    path: str,
    fault: str,
) -> None:
    if before is not None:
        before(site)
    kind: dict[str, Any] = {"drop": "after"} if fault == "lost" else {"status": 504, "carried_out": True}
    site.server.faults.add(Fault(method, path, **kind))
    outcome = run(site, retry_timeout=0, **options)
    assert (outcome.failure, outcome.changed) == (None, True)
    assert writes(site) == [method]
    assert [each.name for each in site.world.volumes].count("new") <= 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "headers": {"Retry-After": "1"}, "carried_out": True},
        {"status": 504, "carried_out": True},
        {"drop": "after"},
        {"status": 429, "headers": {"Retry-After": "1"}},
    ],
    ids=["503-in-front-of-it", "504", "dropped", "429"],
)
def test_a_volume_whose_response_is_lost_is_looked_for_and_made_once(site: Site, fault: dict[str, Any]) -> None:
    site.server.faults.add(Fault("POST", "/volumes$", **fault))
    outcome = run(site, name="new", size=5)
    assert (outcome.failure, outcome.changed, outcome.result["actions"]) == (None, True, ["create"])
    assert [each.name for each in site.world.volumes].count("new") == 1


def test_a_request_that_was_lost_before_it_arrived_fails_in_the_end(site: Site) -> None:
    site.server.faults.add(Fault("DELETE", "/volumes/", drop="before", times=None))
    outcome = run(site, state="absent", retry_timeout=0)
    assert "but 30 s later it is still available." in (outcome.failure or "")
    assert (outcome.changed, outcome.result["unclear"], writes(site)) == (False, False, ["DELETE"] * 3)
    assert data(site).in_cloud


def test_a_request_that_was_lost_once_before_it_arrived_is_sent_again(site: Site) -> None:
    site.server.faults.add(Fault("DELETE", "/volumes/", drop="before"))
    outcome = run(site, state="absent", retry_timeout=0)
    assert (outcome.failure, outcome.changed, writes(site)) == (None, True, ["DELETE"] * 2)


@pytest.mark.parametrize("status", ["reserved", "maintenance"])
def test_a_volume_that_the_cloud_holds_is_not_waited_for_in_vain(site: Site, status: str) -> None:
    site.world.force_volume("data", status)
    outcome = run(site, state="attached", instance="web", wait_timeout=100)
    wanted = {
        "reserved": "it is reserved, but no instance is attaching it. Ask the site to reset its state.",
        "maintenance": "it is still maintenance after 100 s.",
    }
    assert outcome.failure == f"data (1): {wanted[status]}"
    assert writes(site) == []


def test_a_change_that_atmosphere_accepts_and_does_not_make_is_a_failure(site: Site) -> None:
    # The volume is taken between the look and the request, and the request is answered with 200 all the same.
    other = site.world.instance("db")
    site.server.faults.after("GET", "/identity/.*/volume$", lambda: site.world.attach(data(site), other))
    outcome = run(site, state="attached", instance="web")
    assert "it is attached to db" in (outcome.failure or "")


def test_a_deletion_that_is_answered_with_204_and_not_carried_out_is_no_success(site: Site) -> None:
    # The same: Atmosphere says 204 of a volume that cinder does not delete, since it is attached.
    other = site.world.instance("db")
    site.server.faults.after("GET", "/identity/.*/volume$", lambda: site.world.attach(data(site), other))
    outcome = run(site, state="absent")
    assert f"it is attached to {other.uuid}" in (outcome.failure or "")
    assert data(site).in_cloud


def test_a_volume_that_v2_alone_still_has_is_absent(site: Site) -> None:
    data(site).in_cloud = False
    assert run(site, state="absent").changed is False
    assert run(site, name="data", size=3).result["actions"] == ["create"]


def test_a_volume_in_error_is_not_attached_but_may_be_deleted(site: Site) -> None:
    site.world.force_volume("data", "error")
    failure = run(site, state="attached", instance="web").failure
    assert failure == "data (1): it is error. Delete it with state: absent, and create it again."
    assert run(site, state="absent").result["actions"] == ["delete"]


def test_a_volume_that_cannot_be_deleted_says_who_can(site: Site) -> None:
    site.world.force_volume("data", "error_deleting")
    assert run(site, state="absent").failure == "data (1): it is error_deleting. Ask the site to reset its state."


def test_a_run_beside_another_that_detaches_waits_for_it(site: Site) -> None:
    attach(site)
    vm = site.world.vm("web")
    site.world.storage.detach(data(site), vm, site.clock.now())
    outcome = run(site, state="absent", detach=True)
    assert outcome.failure is None
    assert not data(site).in_cloud


def test_a_refused_login_ends_the_run_at_once(site: Site) -> None:
    with pytest.raises(AuthenticationFailed):
        run(site, state="absent", password="wrong")
