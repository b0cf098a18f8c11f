# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project of Atmosphere is made once, changed in place, and deleted when it is empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    NotFound,
    SelectionError,
    UnexpectedResponse,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import image, project
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import USER, Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.jetstream2.test_client import of

ONE = "/api/v2/projects/"
OTHER = "5e8df51f-4e45-42e3-bd95-dac934e022df"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(fleet(2, clock=ManualClock()), tmp_path) as served:
        served.warm()
        yield served


def run(site: Site, *, check_mode: bool = False, **options: Any) -> Outcome:
    wanted = given(project.SPEC, **site.options, **options)
    return project.OPERATION(wanted, in_context(site, check_mode=check_mode))


def triad(site: Site, actions: list[str], **options: Any) -> Outcome:
    """Foresee a state, reach it, and keep it. Return the run that reached it."""
    before = names(site)
    foreseen = run(site, check_mode=True, **options)
    assert names(site) == before
    done = run(site, **options)
    site.server.requests.reset()
    again = run(site, **options)
    assert [each.result["actions"] for each in (foreseen, done, again)] == [actions, actions, []]
    assert [each.changed for each in (foreseen, done, again)] == [True, True, False]
    assert foreseen.diff == done.diff
    assert [each.method for each in site.server.requests] == ["GET"]
    return done


def names(site: Site) -> list[tuple[str, str]]:
    """Return the existing projects with their descriptions."""
    return sorted((each.name, each.description) for each in site.world.projects if each.end_date is None)


def test_a_project_is_made_changed_renamed_and_deleted(site: Site) -> None:
    others = names(site)
    done = triad(site, ["create"], name="geo", description="d")
    assert (done.result["project"]["owner"], done.result["project"]["created_by"]) == (USER, USER)
    triad(site, ["update"], name="geo", description="e")
    triad(site, ["update"], name="geo", new_name="geo 2")
    assert names(site) == sorted([*others, ("geo 2", "e")])
    triad(site, ["delete"], name="geo 2", state="absent")
    assert names(site) == others


def test_an_option_that_is_not_given_changes_nothing(site: Site) -> None:
    run(site, name="geo", description="d")
    assert run(site, name="geo").changed is False
    assert ("geo", "d") in names(site)
    assert run(site, name="geo", description="").result["actions"] == ["update"]


def test_a_project_with_something_in_it_is_not_deleted(site: Site) -> None:
    there = site.world.instances[0].project
    assert there is not None
    site.world.add_volume("data", 10, site.world.instances[0].identity, project=there)
    for check_mode in (True, False):
        with pytest.raises(ConfigurationError, match=r"2 instances \(node-0001, node-0002\) and 1 volume \(data\)"):
            run(site, name=there.name, state="absent", check_mode=check_mode)
    assert site.server.requests.count("DELETE", ONE) == 0


def test_a_project_that_gets_an_instance_meanwhile_is_kept(site: Site) -> None:
    """Atmosphere refuses with 400 and a bare list, which is an answer, and is not sent again."""
    made = run(site, name="geo").result["project"]
    found = next(each for each in site.world.projects if each.uuid == made["uuid"])

    def fill() -> None:
        site.world.instances[0].project = found

    site.server.faults.after("GET", "/api/v2/projects", fill)
    with pytest.raises(UnexpectedResponse, match="Cannot delete a project when it contains instances"):
        run(site, name="geo", state="absent")
    assert site.server.requests.count("DELETE", ONE) == 1


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("POST", {"name": "new"}),
        ("PATCH", {"name": "geo", "description": "e"}),
        ("DELETE", {"name": "geo", "state": "absent"}),
    ],
)
def test_a_request_whose_response_is_lost_is_looked_for(
    site: Site, method: str, options: dict[str, Any], carried_out: bool
) -> None:
    run(site, name="geo", description="d")
    site.server.faults.add(Fault(method, "/api/v2/projects", drop="after" if carried_out else "before"))
    site.server.requests.reset()
    done = run(site, **options)
    assert done.changed is True
    assert run(site, **options).changed is False
    assert site.server.requests.count(method, "/api/v2/projects") == (1 if carried_out else 2)
    assert [name for name, _description in names(site)].count(options["name"]) == (method != "DELETE")


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_group_that_the_user_is_not_in_is_refused_before_anything_is_sent(site: Site, check_mode: bool) -> None:
    with pytest.raises(SelectionError, match=r"owner: you are not in a group johndeo\. Did you mean johndoe\?"):
        run(site, name="geo", owner="johndeo", check_mode=check_mode)
    assert site.server.requests.count("POST", "/api/v2/projects") == 0


def test_of_two_that_are_made_at_the_same_time_the_older_is_kept(site: Site) -> None:
    user = site.world.users[USER]
    group = site.world.groups[USER]
    site.server.faults.after(
        "GET",
        "/api/v2/projects",
        lambda: site.world.add_project("geo", group, created_by=user, description="d", uuid=OTHER),
    )
    done = run(site, name="geo", description="d")
    assert [name for name, _description in names(site)].count("geo") == 1
    assert done.result["project"]["id"] == min(each.id for each in site.world.projects if each.name == "geo")


def test_several_of_a_name_are_distinguished_by_their_uuids(site: Site) -> None:
    user, group = site.world.users[USER], site.world.groups[USER]
    made = [site.world.add_project("twin", group, created_by=user, uuid=site.world.random_uuid()) for _time in range(2)]
    with pytest.raises(SelectionError, match="The name twin is ambiguous"):
        run(site, name="twin", state="absent")
    triad(site, ["delete"], name=made[0].uuid, state="absent")


def test_a_project_is_not_renamed_onto_another(site: Site) -> None:
    run(site, name="geo")
    run(site, name="bio")
    before = names(site)
    for check_mode in (True, False):
        with pytest.raises(ConfigurationError, match=r"new_name: there is a project bio .* already"):
            run(site, check_mode=check_mode, name="geo", new_name="bio")
    assert names(site) == before


def test_a_shared_project_of_others_is_not_touched(site: Site) -> None:
    add_colleague(site.world)
    user = site.world.users[USER]
    shared = next(each for each in site.world.groups.values() if user in each.users and each.name != USER)
    colleague = next(each for each in shared.users if each is not user)
    theirs = site.world.add_project("theirs", shared, created_by=colleague)
    for options in ({"state": "absent"}, {"description": "mine"}):
        with pytest.raises(SelectionError, match=f"The project theirs .* belongs to {shared.name}"):
            run(site, name="theirs", **options)
    assert theirs.end_date is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": " "}, "1 to 256 characters"),
        ({"name": "geo", "new_name": "x" * 257}, "new_name: the name of a project must have"),
        ({"name": "geo", "state": "absent", "description": "d"}, "state: absent does not accept description"),
    ],
)
def test_contradictions_are_refused_before_anything_is_sent(site: Site, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        run(site, **options)
    assert list(site.server.requests) == []


def test_the_owner_of_a_project_cannot_be_changed(site: Site) -> None:
    run(site, name="geo")
    with pytest.raises(ConfigurationError, match="belongs to johndoe, and its owner cannot be changed"):
        run(site, name="geo", owner="lab")


def test_deleting_a_missing_project_is_no_error(site: Site) -> None:
    made = run(site, name="geo").result["project"]
    with site.cloud() as cloud:
        store = cloud.project_store()
        [found] = [each for each in store.list_projects() if each.uuid == made["uuid"]]
        store.delete(found)
        store.delete(found)
        with pytest.raises(NotFound):
            store.change(found, name="x", description=None)


def test_jetstream2_makes_no_projects_and_atmosphere_no_images(site: Site) -> None:
    """Nothing is sent but what the login needs."""
    cloud, session = of({})
    with pytest.raises(ConfigurationError, match="On Jetstream2, the site creates projects: one for each allocation"):
        cloud.project_store()
    assert session.requested == []
    with pytest.raises(ConfigurationError, match="On Atmosphere, only the staff creates images"):
        image.OPERATION(given(image.SPEC, **site.options, name="geo", instance="node-0001"), in_context(site))
    assert list(site.server.requests) == []


def test_white_space_and_globs_are_refused_in_names_and_white_space_left_out_of_descriptions(site: Site) -> None:
    """Atmosphere would take it away, and the next run would make the project once more."""
    there = names(site)
    for options in ({"name": "geo "}, {"name": " geo", "state": "absent"}, {"name": "geo", "new_name": "geo\n"}):
        with pytest.raises(ConfigurationError, match="has white space at its ends"):
            run(site, **options)
    for options in ({"name": "ge*"}, {"name": "*", "state": "absent"}):
        with pytest.raises(ConfigurationError, match="globs are not taken here"):
            run(site, **options)
    assert names(site) == there
    assert triad(site, ["create"], name="geo", description="A block.\n").result["project"]["description"] == "A block."
    assert not run(site, name="geo", description="A block.\n").changed
