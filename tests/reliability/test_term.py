# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A term, hour by hour, on a simulated cloud: longer than a unit test should be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import schedule
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedule_store import ScheduleStore
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.scheduled_fleet import ScheduledFleet

TERM = """
schedules:
  bio:
    time_zone: America/Chicago
    days: mon-fri
    start: 9:00
    stop: 18:00
    first_day: 2026-08-31
    last_day: 2026-12-11
    holidays: [2026-09-07, 2026-11-26..2026-11-27]
    exceptions:
      2026-10-16: off
      2026-12-05: {start: 10:00, stop: 14:00}
  nights:
    time_zone: Europe/Berlin
    days: sun-thu
    start: 22:00
    stop: 06:00
    off_state: stopped
rules:
  - {schedule: bio, name: bio-*}
  - {schedule: nights, name: night-*}
"""


def test_a_term_of_fifteen_weeks_with_two_changes_of_time(tmp_path: Path) -> None:
    """Berlin leaves summer time on 2026-10-25, Chicago on 2026-11-01. The states after a run in each hour, but those
    in which nothing can happen, are compared with the hours that clocks on the wall show.
    """
    quiet = {1, 2, 6, 7, 8, 9, 10, 11, 17, 18}
    chicago, berlin = ZoneInfo("America/Chicago"), ZoneInfo("Europe/Berlin")
    first = datetime(2026, 8, 30, 12, tzinfo=UTC)
    off_days = {date(2026, 9, 7), date(2026, 10, 16), date(2026, 11, 26), date(2026, 11, 27)}
    world = fleet(names=("bio-1", "bio-2", "night-1", "bio-old"), clock=ManualClock(first))
    world.force(4, "shelved_offloaded")
    world.force(1, "shelved_offloaded")

    def expected(moment: datetime) -> tuple[bool, bool]:
        there = moment.astimezone(chicago)
        day = there.date()
        hours = (9, 18) if there.weekday() < 5 and day not in off_days else (0, 0)
        hours = (10, 14) if day == date(2026, 12, 5) else hours
        is_term = date(2026, 8, 31) <= day <= date(2026, 12, 11)
        over_there = moment.astimezone(berlin)
        began = over_there.date() if over_there.hour >= 22 else over_there.date() - timedelta(days=1)
        is_night = (over_there.hour >= 22 or over_there.hour < 6) and began.weekday() in (6, 0, 1, 2, 3)
        return is_term and hours[0] <= there.hour < hours[1], is_night

    with a_site(world, tmp_path) as site, site.cloud() as cloud:
        lab = ScheduledFleet(site, TERM)
        options = given(schedule.SPEC, **site.options, path=str(lab.path))
        context = in_context(site)
        schedule.schedule(cloud, options, context)
        store = ScheduleStore(site.home / ".local/state/jetstream/schedules.json", site.clock)
        changes, moment = 0, first
        # Those of the course that run on the Sunday before are put to sleep by the first stop, and then follow it.
        started = False
        while moment < datetime(2026, 12, 13, tzinfo=UTC):
            moment += timedelta(hours=1)
            if moment.hour in quiet:
                continue
            site.clock.move_to(moment)
            changes += schedule.schedule(cloud, options, context).changed
            states, (course, night) = lab.states(), expected(moment)
            started = started or moment >= datetime(2026, 8, 31, 23, tzinfo=UTC)
            if started:
                assert (states["bio-2"] == "active") == course, moment
            if moment >= datetime(2026, 8, 31, 4, tzinfo=UTC):
                assert (states["night-1"] == "active") == night, moment
            assert states["bio-old"] == "shelved_offloaded"
        assert len(store.load()) == 4
    # The days of the course and the nights, each without its first start, at which the instances ran already.
    assert changes == 2 * 72 - 1 + 2 * 75 - 1
