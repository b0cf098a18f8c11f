# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules on a simulated cloud: a term, nights, holidays, missing hosts, and runs that overlap or are killed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    SelectionError,
    ServerFault,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    decision_info,
    keep,
    schedule_info,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedule_store import (
    ScheduleStore,
    ScheduleStoreError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, World, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.killed import Killed
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.scheduled_fleet import ScheduledFleet

# A Monday, at noon in Indiana.
MONDAY = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
LAB = """
schedules:
  lab:
    time_zone: America/Indiana/Indianapolis
    days: mon-fri
    start: 9:00
    stop: 18:00
rules:
  - schedule: none
    name: lab-teacher
  - schedule: lab
    name: lab-*
"""
NAMES = ("lab-1", "lab-2", "lab-old", "lab-teacher", "web")
HOUR = 3600.0


def a_lab(**more: Any) -> World:
    world = fleet(names=NAMES, clock=ManualClock(MONDAY), settings=Settings(transition=5, deploy=20), **more)
    world.force(3, "shelved_offloaded")
    return world


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ScheduledFleet]:
    with a_site(a_lab(), tmp_path) as site:
        site.warm()
        yield ScheduledFleet(site, LAB)


def test_a_rule_with_a_name_that_no_instance_has_is_reported(lab: ScheduledFleet) -> None:
    text = LAB.replace("lab-teacher", "lab-techer")
    lab.path.write_text(text)
    line = text.splitlines().index("  - schedule: none") + 1
    sentence = f"{lab.path}, line {line}: no instance is called lab-techer. Did you mean lab-teacher?"
    assert list(lab.run(check_mode=True).warnings) == [sentence]
    assert list(lab.run().warnings) == [sentence]
    said = given(schedule_info.SPEC, **lab.site.options, path=str(lab.path))
    assert list(on_cloud(schedule_info.schedule_info)(said, in_context(lab.site)).warnings) == [sentence]


def test_a_day_and_a_night(lab: ScheduledFleet) -> None:
    assert lab.steps() == {"lab-1": "adopt", "lab-2": "adopt", "lab-old": "adopt"}
    lab.at(17.99)
    assert set(lab.steps().values()) == {"nothing"}
    lab.at(18)
    outcome = lab.run()
    assert outcome.changed
    assert outcome.failure is None
    assert outcome.result["summary"]["sentence"] == "2 turned off."
    asleep = {"lab-1": "shelved_offloaded", "lab-2": "shelved_offloaded", "lab-old": "shelved_offloaded"}
    assert lab.states() == {**asleep, "lab-teacher": "active", "web": "active"}
    # Somebody works at night, and is left alone.
    lab.site.world.force(2, "active")
    lab.at(23)
    assert set(lab.steps().values()) == {"nothing"}
    lab.site.world.force(2, "shelved_offloaded")
    lab.at(9, days=1)
    row = lab.row("lab-1")
    assert (row["step"], row["before"], row["after"]) == ("wake", "shelved_offloaded", "active")
    assert row["edge"]["local"] == "Tue 2026-11-24 09:00 EST"
    assert row["next"]["local"] == "Tue 2026-11-24 18:00 EST"
    # The one that had been asleep for long before stays asleep.
    assert lab.states()["lab-2"] == "active"
    assert lab.states()["lab-old"] == "shelved_offloaded"


def test_a_run_without_an_edge_costs_one_list_and_writes_nothing(lab: ScheduledFleet) -> None:
    lab.run()
    lab.site.requests()
    store = lab.site.home / ".local/state/jetstream/schedules.json"
    before = store.stat()
    lab.site.clock.sleep(300)
    assert not lab.run().changed
    assert lab.site.requests() == {"v2 instances": 1}
    assert store.stat().st_mtime_ns == before.st_mtime_ns
    assert store.stat().st_ino == before.st_ino


def test_a_stop_costs_the_states_of_those_that_it_concerns(lab: ScheduledFleet) -> None:
    lab.run()
    lab.at(18)
    lab.site.requests()
    lab.run()
    requested = lab.site.requests()
    assert requested["action"] == 2
    assert requested["v2 instances"] == 1
    assert lab.steps() == {"lab-1": "nothing", "lab-2": "nothing", "lab-old": "nothing"}
    assert lab.site.requests() == {"v2 instances": 1}


def test_check_mode_tells_and_does_nothing(lab: ScheduledFleet) -> None:
    lab.run()
    lab.at(18)
    outcome = lab.run(check_mode=True)
    assert outcome.changed
    assert [each["msg"] for each in outcome.result["instances"]][:2] == ["would shelve", "would shelve"]
    assert lab.states()["lab-1"] == "active"
    assert lab.steps()["lab-1"] == "sleep"


def test_a_controller_that_was_off_carries_out_the_newest_edge_alone(lab: ScheduledFleet) -> None:
    lab.run()
    lab.at(10, days=2)
    outcome = lab.run()
    assert not outcome.changed
    assert outcome.result["summary"]["missed"] == 3
    rows = outcome.result["instances"]
    assert [each["local"] for each in rows[0]["missed"]] == [
        *("Mon 2026-11-23 18:00 EST", "Tue 2026-11-24 09:00 EST", "Tue 2026-11-24 18:00 EST")
    ]
    assert lab.states()["lab-1"] == "active"


def test_a_keep_mark_puts_a_stop_off_until_it_ends(lab: ScheduledFleet) -> None:
    lab.run()
    marked = {**lab.site.options, "name": ["lab-1"], "until": "2026-11-24T02:00:00Z"}
    on_cloud(keep.keep)(given(keep.SPEC, **marked), in_context(lab.site))
    lab.at(18)
    assert lab.steps() == {"lab-1": "kept", "lab-2": "sleep", "lab-old": "left"}
    assert lab.row("lab-1")["msg"] == "kept until 2026-11-24T02:00:00Z, and stopped then"
    lab.at(21)
    assert lab.steps()["lab-1"] == "sleep"


def test_missing_hosts_are_named_and_tried_again(lab: ScheduledFleet) -> None:
    lab.run()
    lab.at(18)
    lab.run()
    lab.at(9, days=1)
    lab.site.world.misbehave(1, fails_with="No valid host was found. There are not enough hosts available.")
    outcome = lab.run()
    assert outcome.failure is not None
    rows = {each["name"]: each for each in outcome.result["instances"]}
    assert rows["lab-2"]["after"] == "active"
    assert (rows["lab-1"]["failed"], rows["lab-1"]["cause"]) == (True, "no_host")
    assert "1 of 2 ready, 1 failed (lab-1)" in outcome.result["summary"]["sentence"]
    assert outcome.result["summary"]["news"]
    lab.site.world.misbehave(1)
    if lab.site.world.states()["lab-1"] == "error":
        lab.site.world.force(1, "shelved_offloaded")
    lab.site.clock.sleep(60)
    assert lab.steps()["lab-1"] == "later"
    lab.site.clock.sleep(600)
    row = lab.row("lab-1")
    assert (row["step"], row["after"], row["failed"]) == ("wake", "active", False)
    assert lab.steps()["lab-1"] == "nothing"


def test_starts_are_sent_in_batches(tmp_path: Path) -> None:
    names = [f"lab-{number}" for number in range(1, 8)]
    world = fleet(names=names, clock=ManualClock(MONDAY), settings=Settings(transition=5, deploy=20))
    with a_site(world, tmp_path) as site:
        lab = ScheduledFleet(site, LAB)
        lab.run()
        lab.at(18)
        lab.run()
        lab.at(9, days=1)
        begun = site.clock.monotonic()
        outcome = lab.run(wake_batch=3)
        assert outcome.result["summary"]["sentence"] == "7 of 7 ready."
        # Three batches, one after the other.
        assert site.clock.monotonic() - begun > 3 * 20
        assert set(lab.states().values()) == {"active"}


def test_a_run_that_has_no_time_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    names = [f"lab-{number}" for number in range(1, 5)]
    world = fleet(names=names, clock=ManualClock(MONDAY), settings=Settings(transition=5, deploy=20))
    with a_site(world, tmp_path) as site:
        lab = ScheduledFleet(site, LAB)
        lab.run()
        lab.at(18)
        lab.run()
        lab.at(9, days=1)
        rows = lab.run(wake_batch=1, wait_timeout=60).result["instances"]
        waiting = [each for each in rows if each["msg"].startswith("not started")]
        assert waiting
        assert not any(each["failed"] or each["changed"] for each in waiting)
        site.clock.sleep(300)
        lab.run()
        assert set(lab.states().values()) == {"active"}


def test_a_run_beside_another_does_nothing(lab: ScheduledFleet) -> None:
    lab.run()
    lab.at(18)
    store = ScheduleStore(lab.site.home / ".local/state/jetstream/schedules.json", lab.site.clock)
    with store.held():
        outcome = lab.run()
    assert outcome.result["busy"]
    assert outcome.failure is None
    assert "Another run uses the record of schedules" in outcome.warnings[0]
    assert lab.states()["lab-1"] == "active"


@pytest.mark.parametrize("sent", [True, False])
def test_a_run_that_is_killed_is_healed_by_the_next(
    lab: ScheduledFleet, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    lab.run()
    lab.at(18)
    act = AtmosphereCloud.act

    def killed(cloud: AtmosphereCloud, instance: Any, action: Action) -> None:
        if sent:
            act(cloud, instance, action)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(AtmosphereCloud, "act", killed)
        with pytest.raises(Killed):
            lab.run()
    lab.site.clock.sleep(600)
    assert lab.run().failure is None
    assert lab.states()["lab-1"] == lab.states()["lab-2"] == "shelved_offloaded"
    lab.at(9, days=1)
    lab.run()
    states = lab.states()
    assert (states["lab-1"], states["lab-2"], states["lab-old"]) == ("active", "active", "shelved_offloaded")


def test_an_outcome_that_cannot_be_stored_takes_no_result_away(
    lab: ScheduledFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.run()
    lab.at(18)
    save, saved = ScheduleStore.save, []

    def full(store: ScheduleStore, memories: Any) -> None:
        saved.append(memories)
        if len(saved) > 1:
            raise ScheduleStoreError("The record of schedules cannot be written to x: No space left on device.")
        save(store, memories)

    with monkeypatch.context() as patch:
        patch.setattr(ScheduleStore, "save", full)
        outcome = lab.run()
    assert outcome.result["summary"]["sentence"].startswith("2 turned off")
    assert outcome.failure is not None
    assert outcome.failure.endswith("No space left on device. The next run continues.")
    assert lab.steps()["lab-1"] == "left"


def test_a_cloud_that_is_down_costs_no_edge(lab: ScheduledFleet) -> None:
    lab.run()
    lab.at(18)
    lab.site.world.nova_down()
    with pytest.raises(ServerFault):
        lab.run()
    assert lab.states()["lab-1"] == "active"
    lab.site.world.nova_up()
    lab.site.clock.sleep(3600)
    assert lab.run().failure is None
    assert lab.states()["lab-1"] == "shelved_offloaded"


def test_others_instances_are_left_unless_they_are_meant(tmp_path: Path) -> None:
    world = a_lab()
    add_colleague(world, names=("lab-jane",))
    with a_site(world, tmp_path) as site:
        lab = ScheduledFleet(site, LAB)
        assert "lab-jane" not in lab.steps()
        assert lab.steps(owner=["any"])["lab-jane"] == "adopt"


def test_an_unknown_name_is_refused(lab: ScheduledFleet) -> None:
    with pytest.raises(SelectionError, match=r"lab-11 does not exist. Did you mean lab-1\?"):
        lab.run(name=["lab-11"])


@pytest.mark.parametrize("options", [{"wait_timeout": 0}, {"wake_batch": 0}, {"wake_batch": 101}, {"wake_minutes": -1}])
def test_invalid_numbers_are_refused(lab: ScheduledFleet, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        lab.run(**options)


def test_the_coming_week(lab: ScheduledFleet) -> None:
    options = {**lab.site.options, "path": str(lab.path), "days": 2}
    outcome = schedule_info.OPERATION(given(schedule_info.SPEC, **options), in_context(lab.site))
    assert [(each["local"], each["kind"], each["state"]) for each in outcome.result["edges"]] == [
        ("Mon 2026-11-23 18:00 EST", "stop", "shelved"),
        ("Tue 2026-11-24 09:00 EST", "start", "started"),
        ("Tue 2026-11-24 18:00 EST", "stop", "shelved"),
        ("Wed 2026-11-25 09:00 EST", "start", "started"),
    ]
    assert outcome.result["edges"][0]["instances"] == ["lab-1", "lab-2", "lab-old"]
    follows = {each["name"]: (each["schedule"], each["source"]) for each in outcome.result["instances"]}
    assert follows["lab-1"] == ("lab", "the rule in line 11")
    assert follows["lab-teacher"] == (None, "the rule in line 9")
    assert follows["web"] == (None, "no rule")
    calendar = outcome.result["calendar"]
    assert calendar.count("BEGIN:VEVENT") == 3
    assert "DTSTART:20261124T140000Z\r\nDTEND:20261124T230000Z\r\nSUMMARY:lab: 3 instances run\r\n" in calendar


def test_the_log_has_the_steps_in_words(lab: ScheduledFleet) -> None:
    lab.run()
    lab.at(18)
    lab.run()
    lab.site.clock.sleep(300)
    lab.run()
    options = given(decision_info.SPEC, name=["lab-1"])
    told = decision_info.decision_info(options, in_context(lab.site)).result
    new, done = [each["sentence"] for each in told["decisions"]]
    assert new.startswith("The schedule lab at its start of 2026-11-23T14:00:00Z: lab-1: new in this schedule")
    assert done == "The schedule lab at its stop of 2026-11-23T23:00:00Z: lab-1: shelve done."


def test_a_log_that_cannot_be_written_holds_nothing_up(lab: ScheduledFleet) -> None:
    lab.run()
    lab.at(18)
    outcome = lab.run(decisions_path=str(lab.path))
    assert lab.states()["lab-1"] == "shelved_offloaded"
    assert any("cannot be written" in each for each in outcome.warnings)
