# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Missing instances are launched, and only those are deleted that this collection launched for the same name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.launching.names import NameTemplate
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.launching.plans import (
    Wanted,
    plan_launch,
    plan_removal,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance, LaunchFacts
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

NODES = NameTemplate.parse("node")
TEMPLATE = Wanted(template=NODES, count=3)
OURS = LaunchFacts(group=NODES.text, token="t")


def ours(name: str, status: str = "active", number: int = 1, created: str = "2026-11-23T12:00:00Z") -> Instance:
    made = an_instance(name, status, number=number)
    return replace(made, facts=replace(OURS, token=f"{name}-{number}", has_run=status != "error"), start_date=created)


def test_a_fleet_is_completed() -> None:
    plan = plan_launch(TEMPLATE, [ours("node-2"), an_instance("web")])
    assert plan.missing == ("node-1", "node-3")
    assert [each.name for each in plan.present] == ["node-1", "node-2", "node-3"]
    assert plan.surplus == plan.strangers == ()


@pytest.mark.parametrize("status", ["deleted", "soft_deleted", "missing"])
def test_an_instance_that_is_being_deleted_does_not_count(status: str) -> None:
    assert plan_launch(Wanted(names=("web",)), [an_instance("web", status)]).missing == ("web",)
    assert plan_removal(Wanted(names=("web",)), [an_instance("web", status)]) == ([], [])
    assert plan_launch(Wanted(names=("web",)), [an_instance("web", "active", "deleting")]).missing == ("web",)


@pytest.mark.parametrize("status", ["active", "shutoff", "shelved_offloaded", "suspended", "build", "rescue"])
def test_an_existing_instance_in_any_state_is_not_launched_again(status: str) -> None:
    assert plan_launch(Wanted(names=("web",)), [an_instance("web", status)]).missing == ()


def test_only_the_record_of_a_launch_of_ours_that_never_ran_is_removed() -> None:
    """An instance in error can have data on its disk."""
    remains = ours("node-1", "error")
    plan = plan_launch(TEMPLATE, [remains])
    assert plan.missing == ("node-1", "node-2", "node-3")
    assert plan.present[0].remains == (remains,)
    for other in (
        an_instance("node-1", "error"),
        replace(remains, facts=replace(remains.facts, has_run=True)),
        replace(remains, facts=replace(remains.facts, group="other")),
        replace(remains, facts=replace(remains.facts, token=None)),
    ):
        kept = plan_launch(TEMPLATE, [other])
        assert kept.present[0].instance == other
        assert kept.present[0].remains == ()


def test_of_what_is_beyond_the_count_only_ours_is_surplus() -> None:
    stranger = an_instance("node-7")
    plan = plan_launch(replace(TEMPLATE, count=1), [ours("node-1"), ours("node-3"), ours("node-5"), stranger])
    assert [each.name for each in plan.surplus] == ["node-5", "node-3"]
    assert plan.strangers == (stranger,)


def test_twins_of_two_runs_that_raced_are_distinguished_from_others_and_both_runs_keep_the_same() -> None:
    older = ours("node-1", number=1, created="2026-11-23T12:00:00Z")
    younger = ours("node-1", number=2, created="2026-11-23T12:04:00Z")
    for order in ([older, younger], [younger, older]):
        [first, *_rest] = plan_launch(TEMPLATE, order).present
        assert (first.instance, first.twins) == (older, (younger,))
    for other in (
        replace(younger, start_date="2026-11-23T13:00:00Z"),
        replace(younger, facts=LaunchFacts()),
        replace(younger, start_date=None),
        replace(younger, start_date="yesterday"),
    ):
        [first, *_rest] = plan_launch(TEMPLATE, [older, other]).present
        assert (first.instance, first.twins) == (None, ())
        assert first.problem is not None
        assert plan_launch(TEMPLATE, [older, other]).missing == ("node-2", "node-3")


def test_of_twins_that_are_as_old_all_runs_keep_the_same_whatever_times_nova_shows() -> None:
    first = ours("node-1", number=1, created="2026-11-23T12:00:00Z")
    second = ours("node-1", number=2, created="2026-11-23T12:00:01Z")
    on_its_host = replace(first, start_date="2026-11-23T12:00:02Z")
    presents = [plan_launch(TEMPLATE, [each, second]).present[0] for each in (first, on_its_host)]
    assert [each.instance.uuid for each in presents if each.instance] == [min(first.uuid, second.uuid)] * 2
    assert [len(each.twins) for each in presents] == [1, 1]


def test_a_template_deletes_what_was_launched_for_it_the_highest_first() -> None:
    others = [an_instance("node-4"), replace(ours("node-5"), name="renamed"), ours("web")]
    fleet = [ours("node-2"), ours("node-10"), *others]
    chosen, problems = plan_removal(Wanted(template=NODES), fleet)
    assert ([each.name for each in chosen], problems) == (["node-10", "node-2"], [])


def test_a_name_deletes_exactly_that_one_and_an_ambiguous_one_nothing() -> None:
    fleet = [an_instance("web"), an_instance("web-2"), an_instance("Web", number=3)]
    assert plan_removal(Wanted(names=("web",)), fleet) == ([fleet[0]], [])
    twice = [*fleet, an_instance("web", number=4)]
    chosen, problems = plan_removal(Wanted(names=("web",)), twice)
    assert chosen == []
    assert problems == ["The name web is ambiguous (1, 4). No instance was deleted."]


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(names=("",)), Wanted(names=("*",)), Wanted(names=("nod",))])
def test_empty_names_select_nothing(wanted: Wanted) -> None:
    assert plan_removal(wanted, [ours("node-1"), an_instance("web")]) == ([], [])
