# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One week of office hours on both clouds, with a clock that the test moves from edge to edge.

The playbook carries out the edges of Wednesday morning, as from cron, and this process carries out most others.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import instance_state, schedule
from ansible_collections.jetstream.cloud.tests.scenarios.night.nights import Begin, Night
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import ASLEEP, RUNNING, Site
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

ZONE = ZoneInfo("America/Indiana/Indianapolis")
FILE = """
schedules:
  lab:
    time_zone: America/Indiana/Indianapolis
    days: mon-fri
    start: "09:00"
    stop: "18:00"
rules:
  - schedule: lab
    name: lab-*
"""
LAB = ("lab-1", "lab-2", "lab-3")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "next mon")
# Seconds of real time. A real nova takes about half of that.
LONGEST = 120.0


class Week:
    """A week of a course, and the controller that carries out its schedule."""

    def __init__(self, night: Night, site: Site) -> None:
        self.night = night
        self.site = site
        self.path = night.home / "schedules.yml"
        self.path.write_text(FILE, encoding="utf-8")
        today = night.clock.now().astimezone(ZONE).date()
        self.monday = today + timedelta(days=7 - today.weekday())

    def at(self, day: str, hour: str) -> None:
        """Move the clock to an hour of a day, in the time zone of the course."""
        date = self.monday + timedelta(days=DAYS.index(day))
        moment = datetime.fromisoformat(f"{date}T{hour}").replace(tzinfo=ZONE).astimezone(UTC)
        assert moment > self.night.clock.now(), "the runs before it took too long"
        self.night.clock.move_to(moment)

    def run(self) -> dict[str, str]:
        """Run the operation ``schedule``, and return the step of each instance by its name."""
        runner = OperationRunner(self.night.home, self.night.clock)
        outcome = runner.run(schedule.SPEC, on_cloud(schedule.schedule), path=str(self.path))
        assert outcome.failure is None
        return {each["name"]: each["step"] for each in outcome.result["instances"]}

    def shelve(self, name: str) -> None:
        """Shelve an instance, as a person does by day."""
        runner = OperationRunner(self.night.home, self.night.clock)
        task = on_cloud(instance_state.instance_state)
        assert runner.run(instance_state.SPEC, task, name=[name], state="shelved").failure is None

    def are(self, *states: str) -> None:
        """Require these states of the lab. The teacher's instance has no schedule, and runs all week."""
        found = self.site.states()
        assert tuple(found[name] for name in LAB) == states
        assert found["teacher"] == RUNNING


@pytest.fixture
def week(night: Night, begin: Begin) -> Week:
    return Week(night, begin([*LAB, "teacher"]))


def test_a_week_of_office_hours(week: Week) -> None:
    begun = time.monotonic()
    week.at("mon", "12:00")
    assert set(week.run().values()) == {"adopt"}
    week.at("mon", "18:00")
    assert set(week.run().values()) == {"sleep"}
    week.are(ASLEEP, ASLEEP, ASLEEP)

    _somebody_works_at_night(week)
    _somebody_needs_one_no_longer(week)
    _there_is_no_room_in_the_morning(week)
    for day, hour, step in (("thu", "18:00", "sleep"), ("fri", "09:00", "wake"), ("fri", "18:00", "sleep")):
        week.at(day, hour)
        steps = week.run()
        assert (steps["lab-1"], steps["lab-2"], steps["lab-3"]) == (step, step, "left")
        week.are(*[RUNNING if step == "wake" else ASLEEP] * 2, ASLEEP)
    for day, hour in (("sat", "09:00"), ("sun", "18:00")):
        week.at(day, hour)
        assert set(week.run().values()) == {"nothing"}
    # The controller is late on Monday.
    week.at("next mon", "09:07")
    week.run()
    week.are(RUNNING, RUNNING, ASLEEP)
    assert time.monotonic() - begun < LONGEST


def _somebody_works_at_night(week: Week) -> None:
    week.at("mon", "22:00")
    week.site.wake("lab-2")
    week.at("mon", "22:05")
    assert set(week.run().values()) == {"nothing"}
    week.are(ASLEEP, RUNNING, ASLEEP)
    week.at("tue", "09:00")
    assert week.run() == {"lab-1": "wake", "lab-2": "left", "lab-3": "wake"}
    week.are(RUNNING, RUNNING, RUNNING)


def _somebody_needs_one_no_longer(week: Week) -> None:
    week.at("tue", "14:00")
    week.shelve("lab-3")
    week.at("tue", "14:10")
    assert set(week.run().values()) == {"nothing"}
    week.are(RUNNING, RUNNING, ASLEEP)
    week.at("tue", "18:00")
    assert week.run() == {"lab-1": "sleep", "lab-2": "sleep", "lab-3": "left"}
    week.are(ASLEEP, ASLEEP, ASLEEP)


def _there_is_no_room_in_the_morning(week: Week) -> None:
    """An unshelve may fail: the playbook names the instances that did not wake, and the next runs go on."""
    night = week.night
    values = ("schedules=schedules.yml", "width=0", "mail_to=teacher@example.edu", "smtp_secure=never")
    mail = (*values, f"smtp_port={night.mail.port}")
    night.mail.up()
    week.at("wed", "09:00")
    week.site.full("lab-1")
    full = night.play("scheduled", *mail)
    assert full.status == 2
    rows = {each["name"]: each for each in full.of("Start and stop the instances that are due")["instances"]}
    assert (rows["lab-1"]["failed"], rows["lab-1"]["cause"]) == (True, "no_host")
    assert rows["lab-2"]["after"] == "active"
    # The schedule did not shelve it.
    assert rows["lab-3"]["step"] == "left"
    assert [str(each["Subject"]) for each in night.mail.messages] == ["Jetstream: 1 of 2 ready, 1 failed (lab-1)."]
    assert "lab-1" in full.of("Fail if an action or a delivery failed")["msg"]
    week.at("wed", "09:05")
    later = night.play("scheduled", *mail)
    assert (later.status, later.of("Start and stop the instances that are due")["summary"]["later"]) == (0, 1)
    week.site.full("lab-1", is_full=False)
    week.at("wed", "09:12")
    ready = night.play("scheduled", *mail)
    assert ready.status == 0, ready.text
    assert [str(each["Subject"]) for each in night.mail.messages][1:] == ["Jetstream: 1 of 1 ready."]
    week.are(RUNNING, RUNNING, ASLEEP)
    assert "start of" in night.why("lab-1")
    week.at("wed", "18:00")
    assert week.run() == {"lab-1": "sleep", "lab-2": "sleep", "lab-3": "left"}
    week.are(ASLEEP, ASLEEP, ASLEEP)
    week.at("thu", "09:00")
    assert week.run() == {"lab-1": "wake", "lab-2": "wake", "lab-3": "left"}
    week.are(RUNNING, RUNNING, ASLEEP)
