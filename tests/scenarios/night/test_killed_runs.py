# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After runs that are killed at the worst moments, the next ones go on: nothing is lost, and no action is sent twice.

The window is a quarter of an hour here, and the grace time ten minutes. Another run takes over a notice ten minutes
after it was begun, and an action two minutes after that.
"""

from __future__ import annotations

from collections import Counter

from ansible_collections.jetstream.cloud.tests.scenarios.night.nights import Begin, Night, Run
from ansible_collections.jetstream.cloud.tests.scenarios.night.scripted_instances import ScriptedInstance
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import ASLEEP, OFF

NAMES = ("one", "two")
SETTINGS = '{"settings": {"window_minutes": 15, "interval_minutes": 5}}'
KILLED = -9


def test_runs_that_are_killed_lose_nothing_and_act_once(night: Night, begin: Begin) -> None:
    begin(NAMES)
    night.instances |= {name: ScriptedInstance([night.moment("20:00").timestamp()]) for name in (*NAMES, OFF)}
    night.readings_at("22:00", "22:05", "22:10", "22:16")
    _after_a_notice_that_is_not_recorded(night)
    _between_the_two_readings(night)
    _before_the_act_is_sent(night)
    _after_an_act_that_is_not_recorded(night)
    assert Counter(night.site.requests_to_act()) == dict.fromkeys(NAMES, 1)
    for name in NAMES:
        assert night.site.states()[name] == ASLEEP
        assert [each.split()[1] for each in night.log(name)][-1] == "done"


def _run(night: Night) -> Run:
    return night.shelve_idle(SETTINGS, "grace_minutes=10", "wait_timeout=60", "sweep_minutes=0")


def _after_a_notice_that_is_not_recorded(night: Night) -> None:
    night.mail.up(before_response=night.kill)
    night.until("22:17")
    assert _run(night).status == KILLED
    night.mail.down()
    night.mail.up()
    assert (night.mailed(), night.posted(), night.log("one")) == ([{*NAMES}], [], [])
    # For ten minutes, the notice counts as being sent.
    night.until("22:19")
    assert _run(night).status == 0
    assert (night.mailed(), night.posted()) == ([{*NAMES}], [])
    # Then it is sent once more, since twice is better than never. The grace time begins with a recorded notice.
    night.readings_at("22:21", "22:26")
    night.until("22:29")
    assert _run(night).status == 0
    assert (night.mailed(), night.posted()) == ([{*NAMES}, {*NAMES}], [{*NAMES}])
    assert night.log("one") == ["22:29 notified", "22:29 notified"]


def _between_the_two_readings(night: Night) -> None:
    night.readings_at("22:31", "22:36")
    night.until("22:41")
    night.probe_server.before_answer = lambda: night.kill() if night.clock.now() > night.moment("22:42") else None
    assert _run(night).status == KILLED
    night.probe_server.before_answer = bool
    assert night.site.requests_to_act() == []


def _before_the_act_is_sent(night: Night) -> None:
    night.readings_at("22:45")
    night.until("22:46")
    with night.site.before_acts(night.kill) as possible:
        if not possible:
            return
        assert _run(night).status == KILLED
    assert night.site.requests_to_act() == []
    assert night.log("one")[-1].split()[1] == "begun"


def _after_an_act_that_is_not_recorded(night: Night) -> None:
    night.readings_at("22:50")
    night.until("22:51")
    with night.site.after_next_act(night.kill):
        assert _run(night).status == KILLED
    assert 1 <= len(night.site.requests_to_act()) <= 2
    night.readings_at("22:55")
    night.until("22:56")
    run = _run(night)
    assert run.status == 0, run.text
