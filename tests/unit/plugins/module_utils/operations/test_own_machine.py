# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task puts the instance on which it runs to sleep only by its name, not by a selection of several."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    budget_guard,
    instance_state,
    schedule,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.controller import Machine
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.scheduled_fleet import ScheduledFleet

NAMES = ("desk", "lab-1", "lab-2")
LAB = """
schedules:
  lab: {time_zone: UTC, days: daily, start: "09:00", stop: "18:00"}
rules:
  - {schedule: lab, name: WHICH}
"""
SKIPPED = "skipped: active, and this task runs on it (name it to change it as well)"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Give a fleet on whose instance ``desk`` everything runs."""
    clock = ManualClock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))
    world = fleet(
        names=NAMES, clock=clock, settings=Settings(transition=5, deploy=20), compute_allowed=1000, compute_used=999.0
    )
    own = Machine(uuids=frozenset({world.vm("desk").uuid}))
    for operation in (budget_guard, instance_state, schedule):
        monkeypatch.setattr(operation, "this_machine", lambda: own)
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def bring(site: Site, state: str, *, check_mode: bool = False, **options: Any) -> Outcome:
    context = in_context(site, check_mode=check_mode)
    said = given(instance_state.SPEC, **site.options, state=state, **options)
    return on_cloud(instance_state.instance_state)(said, context)


def actions(outcome: Outcome) -> dict[str, list[str]]:
    return {each["name"]: each["actions"] for each in outcome.result["instances"]}


def message(outcome: Outcome, name: str) -> str:
    [found] = [each["msg"] for each in outcome.result["instances"] if each["name"] == name]
    return str(found)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    "selection", [{"all": True}, {"name": ["*"]}, {"status": ["active"]}, {"owner": ["any"], "all": True}]
)
@pytest.mark.parametrize(("state", "action"), [("stopped", "stop"), ("shelved", "shelve"), ("rebooted", "reboot")])
def test_a_task_that_selects_several_instances_leaves_its_own_machine(
    site: Site, state: str, action: str, selection: dict[str, Any], check_mode: bool
) -> None:
    outcome = bring(site, state, check_mode=check_mode, **selection)
    assert actions(outcome) == {"desk": [], "lab-1": [action], "lab-2": [action]}
    assert message(outcome, "desk") == SKIPPED
    assert (outcome.failure, outcome.result["summary"]["skipped"]) == (None, 1)


@pytest.mark.parametrize("key", ["name", "id", "uuid"])
def test_named_itself_it_is_stopped(site: Site, key: str) -> None:
    value = {"name": "desk", "id": "1", "uuid": site.world.vm("desk").uuid.upper()}[key]
    assert actions(bring(site, "stopped", **{key: [value]})) == {"desk": ["stop"]}


def test_beside_a_glob_its_name_counts(site: Site) -> None:
    assert actions(bring(site, "stopped", name=["*-1", "desk"])) == {"desk": ["stop"], "lab-1": ["stop"]}


def test_the_own_machine_does_not_count_for_max_changes(site: Site) -> None:
    assert bring(site, "stopped", all=True, max_changes=2).failure is None


def test_nothing_keeps_it_from_being_started(site: Site) -> None:
    site.world.force(1, "shutoff")
    assert actions(bring(site, "started", all=True))["desk"] == ["start"]


@pytest.mark.parametrize(("which", "after"), [('"*"', "active"), ("[desk, lab-1]", "shelved_offloaded")])
def test_a_schedule_turns_it_off_only_by_its_name(site: Site, which: str, after: str) -> None:
    lab = ScheduledFleet(site, LAB.replace("WHICH", which))
    lab.run()
    site.clock.move_to(datetime(2026, 11, 23, 18, 0, tzinfo=UTC))
    assert lab.row("desk", check_mode=True)["actions"] == ([] if after == "active" else ["shelve"])
    outcome = lab.run()
    assert outcome.failure is None
    assert lab.states()["desk"] == after
    assert lab.states()["lab-1"] == "shelved_offloaded"
    assert message(outcome, "desk") == (SKIPPED if after == "active" else "shelve done")
    assert not lab.run().changed


def test_the_budget_shelves_the_others(site: Site) -> None:
    said = given(budget_guard.SPEC, **site.options, limit_percent=50, shelve="all", apply=True)
    outcome = on_cloud(budget_guard.budget_guard)(said, in_context(site))
    [row] = outcome.result["allocations"]
    assert [each["name"] for each in row["plan"]["shelve"]] == ["lab-2", "lab-1"]
    assert "it runs this playbook" in str(row["plan"]["left"])
    assert site.world.states()["desk"] == "active"
