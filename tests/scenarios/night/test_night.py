# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One night on both clouds, by the shipped playbooks, with a clock that the test moves on.

Readings are taken every quarter of an hour, as from cron. docs/idle.md describes the decision.
"""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.scenarios.night.nights import Begin, Night
from ansible_collections.jetstream.cloud.tests.scenarios.night.scripted_instances import ScriptedInstance
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import ASLEEP, HERS, OFF, RUNNING

DAY = 86_400
READINGS = Path(".local/state/jetstream/readings")
NOT_RUNNING = "unknown not_running"
# The instances of the night. The first ones are idle until owners, jobs or faults interfere.
IDLE = ("reader", "sleeper", "kept", "spared", "late", "cut")
OTHERS = ("locked", "job", "dead", "booted", "young")
TOLD_FIRST = {"reader", "sleeper", "spared", "late", "cut"}


def test_one_night_from_the_first_reading_to_the_second_notice(night: Night, begin: Begin) -> None:
    site = begin([*IDLE, *OTHERS])
    _script(night)
    if not site.lock("locked"):
        # On a cloud without locks, a job runs on it all night.
        night.instances["locked"].jobs.append((night.span("20:00", "08:00"), 0.5))
    site.launched("young", night.moment("22:31"))
    assert night.play("keep", "instance=kept", "hours=8").status == 0

    _verdicts_take_a_window(night)
    _without_mail_no_notice_counts(night)
    _each_owner_is_told_once(night)
    _a_last_look_spares_some(night)
    _one_is_woken_and_left_alone(night)
    _the_log_tells_all_of_it(night)


def _script(night: Night) -> None:
    begin = night.moment("22:00").timestamp()
    instances = {
        name: ScriptedInstance([begin - 3 * DAY - 100 * number])
        for number, name in enumerate([*IDLE, *OTHERS, HERS, OFF])
    }
    instances["reader"].kernels = 2
    # The owner comes back in the grace time.
    instances["spared"].typing.append(night.span("00:42", "00:50"))
    # Between the two readings before the action, a job begins on one instance, and the probe is cut off on another.
    just_then = night.span("01:20", "01:29")
    instances["late"].jobs.append((just_then, 1.0))
    instances["cut"].cut.append(just_then)
    instances["job"].jobs.append((night.span("22:50", "08:00"), 1.0))
    instances["dead"].unreachable.append(night.span("20:00", "08:00"))
    instances["booted"].boots.append(night.moment("22:50").timestamp())
    instances["young"].boots = [night.moment("22:31").timestamp()]
    instances["young"].unreachable.append(night.span("20:00", "22:32"))
    night.instances.update(instances)


def _verdicts_take_a_window(night: Night) -> None:
    night.readings_at("22:00", "22:15", "22:30", "22:45")
    early = night.verdicts()
    assert {early[name] for name in IDLE} == {"unknown gap"}
    assert "idle" not in early.values()
    night.readings_at("23:00", "23:15")
    verdicts = night.verdicts()
    assert {verdicts.pop(name) for name in IDLE} == {"idle"}
    assert verdicts.pop("locked") in ("idle", "active cores")
    assert verdicts == {
        "job": "active cores",
        "dead": "unknown readings",
        "booted": "unknown young",
        "young": "unknown young",
        OFF: NOT_RUNNING,
    }


def _without_mail_no_notice_counts(night: Night) -> None:
    """The mail server is down for an hour, from 23:10 on."""
    night.until("23:17")
    first = night.shelve_idle()
    night.readings_at("23:44")
    night.until("23:48")
    second = night.shelve_idle()
    assert (first.status, second.status) == (2, 2)
    # The webhook received it at once, and gets it only once.
    assert night.posted() == [TOLD_FIRST]
    assert night.mailed() == []
    assert set(night.site.requests_to_act()) <= {OFF}


def _each_owner_is_told_once(night: Night) -> None:
    night.readings_at("00:12")
    night.mail.up()
    night.until("00:15")
    for _run in range(2):
        run = night.shelve_idle()
        assert run.status == 0, run.text
    assert night.mailed() == [TOLD_FIRST | {"young"}]
    assert night.posted() == [TOLD_FIRST, {"young"}]
    [mail] = night.notices()
    assert mail.to == ["pi@example.edu"]
    text = mail.message.get_content()
    assert "2 Jupyter kernels" in text
    assert "SU per hour" in text
    assert f"jetstream.cloud.keep -e instance={night.site.uuid('reader')} -e hours=8" in text
    # An instance that is shut off needs no notice, and was shelved in the first hour.
    assert night.site.requests_to_act() == [OFF]


def _a_last_look_spares_some(night: Night) -> None:
    night.readings_at("00:40", "01:08")
    night.until("01:19")
    run = night.shelve_idle()
    assert run.status == 0, run.text
    assert sorted(night.site.requests_to_act()) == sorted([OFF, "reader", "sleeper", "young"])
    states = night.site.states()
    assert {name for name, state in states.items() if state == ASLEEP} == {OFF, "reader", "sleeper", "young"}
    assert {name for name, state in states.items() if state == RUNNING} == {
        *("kept", "locked", "spared", "late", "cut", "job", "dead", "booted", HERS)
    }
    # One has become idle meanwhile.
    assert night.mailed() == [TOLD_FIRST | {"young"}, {"booted"}]
    assert night.posted() == [TOLD_FIRST, {"young"}, {"booted"}]


def _one_is_woken_and_left_alone(night: Night) -> None:
    night.until("01:25")
    night.site.wake("reader")
    night.instances["reader"].boots.append(night.clock.now().timestamp())
    night.readings_at("01:30")
    night.until("01:34")
    run = night.shelve_idle()
    assert run.status == 0, run.text
    # It could not be read when it was due. Now it can.
    assert night.site.states()["cut"] == ASLEEP
    night.readings_at("01:48", "02:07", "02:26", "02:45")
    night.until("02:48")
    run = night.shelve_idle()
    assert run.status == 0, run.text
    told_again = {"reader", "spared", "late"}
    assert night.mailed() == [TOLD_FIRST | {"young"}, {"booted"}, told_again]
    assert night.posted() == [TOLD_FIRST, {"young"}, {"booted"}, told_again]
    # No action is sent twice.
    acts = [OFF, "booted", "cut", "reader", "sleeper", "young"]
    assert sorted(night.site.requests_to_act()) == sorted(acts)
    states = night.site.states()
    assert {name for name, state in states.items() if state == ASLEEP} == {*acts} - {"reader"}


def _the_log_tells_all_of_it(night: Night) -> None:
    told = ["23:17 undelivered", "23:17 notified", "23:48 undelivered", "00:15 notified"]
    assert night.log("spared") == [*told, "02:48 notified", "02:48 notified"]
    begun = night.log("sleeper")[len(told) :]
    assert [each.split()[1] for each in begun] == ["begun", "done"]
    assert night.log("reader") == [*told, *begun, "01:34 woken", "02:48 notified", "02:48 notified"]
    for name in ("kept", "locked", "job", "dead", HERS):
        assert night.log(name) == []
    assert night.decided() == {*IDLE, *OTHERS, OFF}

    why = night.why("reader")
    assert "A notice about reader was delivered to pi@example.edu." in why
    assert "A notice about reader could not be delivered to pi@example.edu: The mail server" in why
    assert "Still running: 2 Jupyter kernels." in why
    assert "reader was shelved" in why
    assert "reader runs again, and is left alone for a whole window." in why
    assert "late was active by the rule cores" in night.why("late")
    assert "it is kept until" in night.why("kept")
    dead = " ".join(night.why("dead").split())
    assert re.search(
        r"no reading was taken yet; the last attempt to read it, .*? ago, failed: ssh: connect to host", dead
    )

    # There are readings of all reachable instances, and no connection to a colleague's.
    names = {*IDLE, *OTHERS}
    assert night.probe_server.probes.keys() == names - {"dead"}
    kept = {path.stem: path.stat().st_mode & 0o777 for path in (night.home / READINGS).glob("*/*/*.json")}
    assert kept == dict.fromkeys((night.site.uuid(name) for name in names), 0o600)
