# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only idle instances are shelved, after a notice, whatever goes wrong on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
    Refused,
    SelectionError,
    ServerFault,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.failed_try import FailedTry
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.keeps import KeepFile
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import Store, key_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    CloudAccount,
    Flavor,
    Instance,
    Outcome,
    StatusPeriod,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import decision_info, idle, notice
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.controller import Machine
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.decisions import (
    DecisionLog,
    DecisionLogError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.records import Event, Record, rests
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso_of
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.killed import Killed
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import ScriptedCloud
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import BOOTED, TRANSIT, reading

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LAUNCHED = START.timestamp() - 30 * DAY


class CloudOfJohn(ScriptedCloud):
    """A cloud in memory with a history, whose account is johndoe's."""

    periods: Sequence[StatusPeriod] | JetstreamError = ()

    def account(self) -> CloudAccount:
        return CloudAccount("example.org", "toy", user="johndoe")

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        self.calls.append("history")
        if isinstance(self.periods, JetstreamError):
            raise self.periods
        return list(self.periods)


class Night:
    """johndoe's instances, his readings of them, and the runs that he makes."""

    def __init__(self, home: Path, *instances: Instance, offers: Sequence[Action] = tuple(Action)) -> None:
        self.home = home
        self.clock = FakeClock()
        self.cloud = CloudOfJohn(self.clock, instances, offers=offers)
        self.store = Store(home / ".local/state/jetstream/readings", self.clock)
        self.warnings: list[str] = []
        self.boots = {each.name: LAUNCHED for each in instances}

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def instance(self, name: str) -> Instance:
        return next(each for each in self.cloud.list_instances(live=True) if each.name == name)

    def read(self, *names: str, at: float | None = None, **sections: Any) -> None:
        """Take a reading of running instances."""
        for name in names:
            instance = self.instance(name)
            moment = self.now if at is None else at
            uptime = moment - self.boots[name]
            late = self.boots[name] - BOOTED - TRANSIT
            boot = [f"{int(self.boots[name]) % 10**8:08d}-2d5f-4790-8fc8-195786f99763"]
            probe = ["format 1", "uid 0", f"clock {int(moment)}"]
            self.store.add(key_of(instance), reading(uptime, late=late, boot=boot, probe=probe, **sections))

    def rest(self, *names: str, hours: float = 6) -> None:
        """Let instances have been idle for some hours, by readings of which the newest is of now."""
        for number in range(int(hours * 4), -1, -1):
            self.read(*names, at=self.now - number * 15 * MINUTE)

    def passes(self, minutes: float, *names: str) -> None:
        """Let time pass, with readings of idle instances every quarter of an hour."""
        while minutes > 0:
            step = min(15.0, minutes)
            self.clock.advance(step * MINUTE)
            self.read(*names)
            minutes -= step

    def context(self, *, check_mode: bool = False) -> Context:
        return Context(check_mode, self.clock, {}, self.home, self.warnings.append, lambda _secret: None)

    def run(self, *, check_mode: bool = False, **options: Any) -> Outcome:
        chosen = {"apply": True, "channels": ["mail"], "trial_days": 0, **options}
        self.cloud.calls.clear()
        return idle.idle(self.cloud, given(idle.SPEC, **chosen), self.context(check_mode=check_mode))

    def deliver(self, outcome: Outcome, *, delivered: bool = True, channel: str = "mail") -> None:
        """Deliver the notices that a run wants to have sent, or fail to."""
        rows = [each for each in outcome.result["instances"] if each["step"] == "warn"]
        options = given(notice.SPEC, instances=rows, channel=channel, delivered=delivered, to=["j@example.edu"])
        notice.notice(options, self.context())

    def warned(self, *names: str, minutes_ago: float = 61) -> None:
        """Let instances be idle, with a notice to their owner some time ago."""
        self.rest(*names)
        self.deliver(self.run())
        self.passes(minutes_ago, *names)

    def read_again(self, *names: str) -> None:
        """Take the two readings right before an act."""
        self.read(*names)
        self.clock.advance(90)
        self.read(*names)

    @property
    def log(self) -> DecisionLog:
        return DecisionLog(self.home / ".local/state/jetstream/decisions", self.clock)

    def events(self, name: str = "web") -> list[str]:
        records = self.log.read().records
        return [each.event.value for each in records if each.name == name and each.event is not Event.DECIDED]


def steps(outcome: Outcome) -> dict[str, str]:
    return {each["name"]: each["step"] for each in outcome.result["instances"]}


def vetoes(outcome: Outcome, name: str = "web") -> list[str]:
    [row] = [each for each in outcome.result["instances"] if each["name"] == name]
    return [each["veto"] for each in row["vetoes"]]


def of_name(name: str, **changes: Any) -> Instance:
    """Return an instance of johndoe's that was launched long ago, with changes."""
    return replace(an_instance(name), **{"start_date": "2026-10-01T00:00:00Z", **changes})


@pytest.fixture(autouse=True)
def _no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests may be an instance itself."""
    monkeypatch.setattr(idle, "this_machine", Machine)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path, of_name("web"), of_name("db"))


def test_an_idle_instance_climbs_from_the_notice_to_the_act(night: Night) -> None:
    night.rest("web")
    first = night.run()
    assert steps(first) == {"web": "warn", "db": "nothing"}
    assert first.result["instances"][0]["channels"] == ["mail"]
    night.deliver(first)
    night.passes(30, "web")
    assert steps(night.run())["web"] == "wait"
    night.passes(30, "web")
    assert steps(night.run())["web"] == "read"
    night.read_again("web")
    last = night.run()
    assert steps(last) == {"web": "act", "db": "nothing"}
    assert last.changed
    assert last.result["instances"][0]["outcome"]["after"] == "shelved_offloaded"
    assert night.cloud.count("shelve") == 1
    assert last.diff is not None
    assert night.events() == ["notified", "begun", "done"]
    assert last.result["summary"]["steps"] == {"nothing": 1, "warn": 0, "wait": 0, "read": 0, "act": 1}
    # The next run finds it asleep, and has nothing to do.
    again = night.run()
    assert (steps(again)["web"], again.changed, night.cloud.count("shelve")) == ("nothing", False, 0)


def test_a_run_that_decides_sends_one_request(night: Night) -> None:
    night.rest("web", "db")
    night.run()
    assert night.cloud.calls == ["list"]


def test_a_notice_that_was_not_delivered_is_none(night: Night) -> None:
    night.rest("web")
    for _quarter in range(8):
        outcome = night.run()
        assert steps(outcome)["web"] == "warn"
        night.deliver(outcome, delivered=False)
        night.passes(15, "web")
    night.read_again("web")
    outcome = night.run()
    assert steps(outcome)["web"] == "warn"
    night.deliver(outcome)
    # The grace time begins now.
    night.passes(45, "web")
    assert steps(night.run())["web"] == "wait"


def test_a_second_run_in_the_same_minute_warns_nobody_again(night: Night) -> None:
    night.rest("web")
    night.run()
    assert steps(night.run())["web"] == "wait"
    # The run that set out to send it may have been killed.
    night.passes(15, "web")
    assert steps(night.run())["web"] == "warn"


def notice_of(outcome: Outcome, name: str = "web") -> dict[str, Any]:
    [row] = [each for each in outcome.result["instances"] if each["name"] == name]
    return dict(row["notice"])


def test_a_notice_that_a_killed_run_may_have_sent_is_the_same_again(night: Night) -> None:
    night.rest("web")
    first = notice_of(night.run())
    # Nothing was recorded of it.
    night.passes(11, "web")
    for _run in range(2):
        again = night.run()
        assert (first["repeated"], notice_of(again)) == (False, {"id": first["id"], "repeated": True})
        night.passes(11, "web")
    night.deliver(again)
    [row] = [each for each in night.run().result["instances"] if each["name"] == "web"]
    assert (row["step"], row["notice"]) == ("wait", None)


def test_a_notice_of_another_stretch_or_after_a_refusal_is_another(night: Night) -> None:
    night.rest("web")
    first = night.run()
    night.deliver(first, delivered=False)
    night.passes(11, "web")
    second = night.run()
    assert notice_of(second)["repeated"] is False
    assert notice_of(second)["id"] != notice_of(first)["id"]
    # A run is killed here, and the instance is used while none runs.
    night.clock.advance(15 * MINUTE)
    night.read("web", slurm=["jobs 1"])
    night.passes(75, "web")
    third = night.run()
    assert notice_of(third)["repeated"] is False
    assert notice_of(third)["id"] not in (notice_of(first)["id"], notice_of(second)["id"])


def test_a_notice_after_a_word_of_the_owner_is_another(night: Night) -> None:
    night.rest("web")
    first = notice_of(night.run())
    night.passes(11, "web")
    keeps = KeepFile(night.home / ".local/share/jetstream/keep.json", night.clock)
    keeps.keep(night.instance("web").uuid, "web", night.clock.now() + timedelta(minutes=10))
    assert steps(night.run())["web"] == "nothing"
    night.passes(15, "web")
    second = notice_of(night.run())
    assert (second["repeated"], second["id"] == first["id"]) == (False, False)


def test_a_notice_is_delivered_once_all_channels_took_it(night: Night) -> None:
    night.rest("web")
    outcome = night.run(channels=["mail", "webhook"])
    night.deliver(outcome, channel="mail")
    night.deliver(outcome, channel="webhook", delivered=False)
    night.passes(15, "web")
    again = night.run(channels=["mail", "webhook"])
    # The mail is not sent twice.
    assert again.result["instances"][0]["channels"] == ["webhook"]
    night.deliver(again, channel="webhook")
    night.passes(45, "web")
    assert steps(night.run(channels=["mail", "webhook"]))["web"] == "wait"
    night.passes(15, "web")
    assert steps(night.run(channels=["mail", "webhook"]))["web"] == "read"


def test_a_newest_reading_that_is_old_or_short_needs_another(night: Night) -> None:
    night.warned("web")
    night.read_again("web")
    night.clock.advance(181)
    assert steps(night.run())["web"] == "read"
    night.read("web")
    night.clock.advance(10)
    night.read("web")
    assert steps(night.run())["web"] == "read"
    night.clock.advance(40)
    night.read("web")
    assert steps(night.run())["web"] == "act"


def test_an_instance_that_is_used_in_the_grace_time_is_spared_and_warned_anew(night: Night) -> None:
    night.warned("web", minutes_ago=30)
    night.clock.advance(15 * MINUTE)
    night.read("web", slurm=["jobs 1"])
    outcome = night.run()
    assert (steps(outcome)["web"], vetoes(outcome)) == ("nothing", ["active"])
    night.passes(60, "web")
    night.read_again("web")
    assert steps(night.run())["web"] == "warn"


def test_an_instance_that_is_used_in_the_last_minute_is_spared(night: Night) -> None:
    night.warned("web")
    night.read("web")
    night.clock.advance(90)
    night.read("web", slurm=["jobs 1"])
    assert vetoes(night.run()) == ["active"]
    assert night.cloud.calls == ["list"]


def test_an_instance_that_cannot_be_reached_any_more_is_left(night: Night) -> None:
    night.warned("web")
    night.clock.advance(31 * MINUTE)
    assert vetoes(night.run()) == ["unknown"]


def test_why_the_last_reading_failed_is_reported_and_changes_no_decision(night: Night) -> None:
    night.warned("web")
    night.clock.advance(200)
    before = steps(night.run())["web"]
    night.store.add_failed_try(key_of(night.instance("web")), FailedTry(night.now - 60, "ssh: Connection refused"))
    outcome = night.run()
    assert (steps(outcome)["web"], before) == ("read", "read")
    [row] = [each for each in outcome.result["instances"] if each["name"] == "web"]
    words = "the last attempt to read it, just now, failed: ssh: Connection refused"
    assert row["progress"] == f"is due, but has no recent short interval: {words}"
    assert row["failed_try"] == {"at": iso_of(night.now - 60), "reason": "ssh: Connection refused"}
    night.clock.advance(31 * MINUTE)
    outcome = night.run()
    told = decision_info.decision_info(given(decision_info.SPEC, name=["web"]), night.context()).result["decisions"]
    assert words[0].upper() + words[1:] in told[-2]["sentence"]
    assert told[-1]["sentence"].endswith(
        "the latest reading is 34 min old; the last attempt to read it, 32 minutes ago, failed: ssh: Connection "
        "refused. "
        "Nothing was done."
    )
    assert (steps(outcome)["web"], vetoes(outcome)) == ("nothing", ["unknown"])


def test_a_keep_mark_ends_the_notice(night: Night) -> None:
    night.warned("web", minutes_ago=30)
    keeps = KeepFile(night.home / ".local/share/jetstream/keep.json", night.clock)
    keeps.keep(night.instance("web").uuid, "web", night.clock.now() + timedelta(hours=2))
    assert vetoes(night.run()) == ["kept"]
    night.passes(121, "web")
    assert steps(night.run())["web"] == "warn"


@pytest.mark.parametrize(
    ("veto", "changes", "options"),
    [
        ("locked", {"locked": True}, {}),
        ("busy", {"activity": "powering-off"}, {}),
        ("opted_out", {"metadata": {"jetstream_idle": "never"}}, {}),
        ("opted_out", {"metadata": {"jetstream_idle": "in two weeks"}}, {}),
        ("kept", {"metadata": {"jetstream_keep_until": "2026-11-25"}}, {}),
        ("opted_out", {}, {"never": ["d*", "WE*"]}),
        ("controller", {}, {"controller": ["web"]}),
        ("controller", {}, {"controller": [an_instance("web").uuid.upper()]}),
        ("young", {"start_date": "2026-11-23T19:30:00Z"}, {}),
    ],
)
def test_a_veto_wins_over_everything(
    tmp_path: Path, veto: str, changes: dict[str, Any], options: dict[str, Any]
) -> None:
    night = Night(tmp_path, of_name("web"))
    night.warned("web")
    vetoed = Night(tmp_path, of_name("web", **changes))
    vetoed.clock.advance(night.clock.monotonic())
    vetoed.read_again("web")
    outcome = vetoed.run(**options)
    assert veto in vetoes(outcome)
    assert steps(outcome)["web"] == "nothing"
    assert set(vetoed.cloud.calls) == {"list"}


def test_metadata_that_allows_it_is_no_veto(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("web", metadata={"jetstream_idle": "allow"}))
    night.rest("web")
    assert steps(night.run())["web"] == "warn"


def test_a_run_does_not_shelve_its_own_machine(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.rest("web")
    monkeypatch.setattr(idle, "this_machine", lambda: Machine(uuids=frozenset({night.instance("web").uuid})))
    assert vetoes(night.run()) == ["controller"]


def test_instances_of_others_are_not_even_listed(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("web"), of_name("hers", owner="janeroe", user="janeroe"))
    night.rest("web", "hers")
    assert steps(night.run()) == {"web": "warn"}
    assert steps(night.run(owner=["any"])) == {"web": "wait", "hers": "warn"}


def test_without_apply_nothing_is_done_and_the_plan_is_reported(night: Night) -> None:
    night.rest("web")
    assert steps(night.run(apply=False))["web"] == "warn"
    night.passes(30, "web")
    assert steps(night.run(apply=False))["web"] == "wait"
    night.passes(30, "web")
    outcome = night.run(apply=False)
    [row] = [each for each in outcome.result["instances"] if each["name"] == "web"]
    assert (row["step"], row["would"], row["applies"], outcome.changed) == ("act", "shelve", False, False)
    assert night.cloud.calls == ["list"]
    # A notice that was only rehearsed is none once it counts.
    assert steps(night.run())["web"] == "warn"


def test_the_trial_only_says_what_would_be_done(night: Night) -> None:
    night.rest("web", hours=12)
    night.run(trial_days=7)
    night.passes(60, "web")
    outcome = night.run(trial_days=7)
    [row] = [each for each in outcome.result["instances"] if each["name"] == "web"]
    assert (row["step"], row["would"], row["applies"]) == ("act", "shelve", False)
    assert vetoes(outcome) == ["trial"]
    assert "the evidence began 0.5 days ago, and the trial lasts 7" in row["vetoes"][0]["reason"]
    assert (row["kept_because"], row["left_because"]) == ([], [])
    assert night.cloud.calls == ["list"]
    # It ends seven days after the first reading of the project, and a new instance has no trial of its own.
    night.clock.advance(7 * DAY)
    night.rest("db")
    outcome = night.run(trial_days=7)
    assert (steps(outcome)["db"], vetoes(outcome, "db")) == ("warn", [])


def test_an_instance_that_was_woken_is_left_for_a_whole_window(night: Night) -> None:
    night.warned("web")
    night.read_again("web")
    night.run()
    night.passes(60)
    night.cloud.act(night.instance("web"), Action.UNSHELVE)
    night.clock.advance(10 * MINUTE)
    night.boots["web"] = night.now - 9 * MINUTE
    night.rest("web", hours=0)
    outcome = night.run()
    assert "woken" in vetoes(outcome)
    night.passes(59, "web")
    assert "woken" in vetoes(night.run())
    night.passes(16, "web")
    # It is warned anew: what its owner was told before counts no more.
    assert steps(night.run())["web"] == "warn"
    assert night.events() == ["notified", "begun", "done", "woken"]
    [rest] = rests(night.log.read().records)
    assert rest.saved() == pytest.approx(0, abs=0.1)


def test_an_instance_that_was_suspended_and_woken_by_hand_is_left_as_well(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("web"))
    night.warned("web")
    night.read_again("web")
    night.run(action="suspend")
    assert night.instance("web").status == "suspended"
    night.cloud.act(night.instance("web"), Action.RESUME)
    night.clock.advance(60)
    # Its boot is the same, and its readings have no gap.
    night.read_again("web")
    assert vetoes(night.run(action="suspend")) == ["woken"]


def period(instance: Instance, status: str, start: float, end: float | None = None) -> StatusPeriod:
    begun = START + timedelta(seconds=start)
    ended = None if end is None else START + timedelta(seconds=end)
    return StatusPeriod(1, instance.id, instance.uuid, instance.name, status, "", instance.flavor, begun, ended)


def test_an_instance_that_is_shut_off_for_long_is_shelved_without_a_notice(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("off", status="shutoff"))
    night.cloud.periods = [period(night.instance("off"), "shutoff", -5 * MINUTE)]
    assert steps(night.run()) == {"off": "wait"}
    night.clock.advance(9 * MINUTE)
    # It is known from the run before: its history is not read again before it is due.
    assert steps(night.run()) == {"off": "wait"}
    assert night.cloud.calls == ["list"]
    night.clock.advance(MINUTE)
    outcome = night.run()
    assert steps(outcome) == {"off": "act"}
    assert night.cloud.count("shelve") == 1
    [row] = outcome.result["instances"]
    assert (row["su_per_hour"], row["saves_su_per_hour"]) == (1, 1)
    assert night.events("off") == ["begun", "done"]
    told = decision_info.decision_info(given(decision_info.SPEC, name=["off"]), night.context()).result["decisions"]
    off = "it is shut off since 2026-11-23T18:52:00Z"
    assert [each["sentence"] for each in told] == [
        f"off was shutoff. Waiting until 2026-11-23T19:07:00Z: {off}.",
        "off was shutoff. It is to be shelved.",
        f"The action shelve on off began: {off}, which costs half.",
        "off was shelved: shelve done. That saves 1 SU an hour.",
    ]
    assert {each["policy"] for each in told} == {"idle"}


def test_one_run_decides_that_it_is_shut_off_for_long_and_another_acts(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("off", status="shutoff"))
    night.cloud.periods = [period(night.instance("off"), "shutoff", -DAY)]
    assert steps(night.run(act=False)) == {"off": "act"}
    assert steps(night.run(only_uuid=[night.instance("off").uuid])) == {"off": "act"}
    assert night.cloud.count("shelve") == 1


def test_an_instance_that_was_started_between_two_runs_is_off_since_the_later_stop(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("off", status="shutoff"))
    night.cloud.periods = [period(night.instance("off"), "shutoff", -5 * MINUTE)]
    night.run()
    night.clock.advance(15 * MINUTE)
    night.cloud.periods = [period(night.instance("off"), "shutoff", 14 * MINUTE)]
    assert steps(night.run()) == {"off": "wait"}


@pytest.mark.parametrize(
    ("periods", "step"),
    [
        ([], "nothing"),
        ([("active", -DAY, None)], "nothing"),
        ([("shutoff", -DAY, -HOUR)], "nothing"),
        ([("active", -DAY, -HOUR), ("shutoff", -HOUR, None)], "act"),
        ([("shutoff", HOUR, None)], "wait"),
        (ServerFault("The history cannot be read.", status=500), "nothing"),
    ],
    ids=["no history", "active by it", "ended", "off", "in the future", "unreadable"],
)
def test_an_instance_that_is_shut_off_for_an_unknown_time_is_left(tmp_path: Path, periods: Any, step: str) -> None:
    night = Night(tmp_path, of_name("off", status="shutoff"))
    off = night.instance("off")
    night.cloud.periods = periods if isinstance(periods, JetstreamError) else [period(off, *each) for each in periods]
    assert steps(night.run()) == {"off": step}
    if isinstance(periods, JetstreamError):
        assert "The ages of shut-off instances are unknown" in night.warnings[0]


def test_earlier_runs_tell_since_when_it_is_off_where_there_is_no_history(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("off", status="shutoff"))
    assert steps(night.run()) == {"off": "nothing"}
    night.clock.advance(16 * MINUTE)
    assert steps(night.run()) == {"off": "act"}


@pytest.mark.parametrize(
    ("changes", "options", "veto"),
    [
        ({"locked": True}, {}, "locked"),
        ({"metadata": {"jetstream_idle": "never"}}, {}, "opted_out"),
        ({"metadata": {"jetstream_keep_until": "2026-12-01"}}, {}, "kept"),
        ({}, {"never": ["off"]}, "opted_out"),
        ({}, {"sweep_minutes": 0}, "not_running"),
    ],
)
def test_vetoes_hold_for_instances_that_are_shut_off_as_well(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any], veto: str
) -> None:
    night = Night(tmp_path, of_name("off", status="shutoff", **changes))
    night.cloud.periods = [period(night.instance("off"), "shutoff", -DAY)]
    outcome = night.run(**options)
    assert vetoes(outcome, "off") == [veto]
    assert night.cloud.calls == ["list"]


def test_a_shut_off_one_is_shelved_also_where_idle_ones_are_stopped(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("web"), of_name("off", status="shutoff"))
    night.warned("web")
    night.cloud.periods = [period(night.instance("off"), "shutoff", -DAY)]
    night.read_again("web")
    outcome = night.run(action="stop")
    assert {each["name"]: each["action"] for each in outcome.result["instances"]} == {"web": "stop", "off": "shelve"}
    assert {each.split()[0] for each in night.cloud.calls} >= {"stop", "shelve"}


def test_an_instance_that_cannot_be_suspended_is_left(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("web"), offers=[Action.SHELVE, Action.STOP])
    night.rest("web")
    assert vetoes(night.run(action="suspend")) == ["unsupported"]


def test_no_more_than_max_actions_are_put_away_and_the_dearest_first(tmp_path: Path) -> None:
    big = Flavor("m3.large", vcpus=16)
    night = Night(tmp_path, of_name("a"), of_name("b", flavor=big), of_name("c"))
    night.warned("a", "b", "c")
    night.read_again("a", "b", "c")
    outcome = night.run(max_actions=1)
    assert steps(outcome) == {"a": "nothing", "b": "act", "c": "nothing"}
    assert vetoes(outcome, "a") == ["max_actions"]
    night.read_again("a", "c")
    # They keep their notice, and are next.
    assert steps(night.run(max_actions=1)) == {"a": "act", "b": "nothing", "c": "nothing"}


def test_check_mode_says_what_would_be_done_and_writes_nothing(night: Night) -> None:
    night.warned("web")
    night.read_again("web")
    before = {path: path.read_bytes() for path in night.home.rglob("*") if path.is_file()}
    outcome = night.run(check_mode=True)
    assert (steps(outcome)["web"], outcome.changed) == ("act", True)
    assert outcome.diff is not None
    assert "web" in outcome.diff["before"]
    assert night.cloud.calls == ["list"]
    assert {path: path.read_bytes() for path in night.home.rglob("*") if path.is_file()} == before


def test_a_run_may_decide_alone_and_another_act_on_some(night: Night) -> None:
    night.warned("web", "db")
    night.read_again("web", "db")
    assert steps(night.run(act=False)) == {"web": "act", "db": "act"}
    assert night.cloud.calls == ["list"]
    uuid = night.instance("web").uuid
    outcome = night.run(only_uuid=[uuid, "gone-meanwhile"])
    assert steps(outcome) == {"web": "act"}
    assert night.cloud.count("shelve") == 1


def test_a_run_that_is_killed_after_the_act_is_settled_by_the_next(night: Night) -> None:
    night.warned("web")
    night.read_again("web")

    def kill() -> None:
        night.cloud.begin("web", Action.SHELVE)
        raise Killed

    night.cloud.answer("web", "shelve", kill)
    with pytest.raises(Killed):
        night.run()
    assert night.events() == ["notified", "begun"]
    night.clock.advance(20 * MINUTE)
    outcome = night.run()
    assert (steps(outcome)["web"], outcome.changed, night.cloud.calls) == ("nothing", False, ["list"])
    assert night.events() == ["notified", "begun", "done"]
    night.clock.advance(HOUR)
    night.run()
    assert night.events() == ["notified", "begun", "done"]
    [rest] = rests(night.log.read().records)
    assert (rest.saves_su_per_hour, rest.saved()) == (2, pytest.approx(2.0, abs=0.01))


def test_a_run_that_is_killed_before_the_act_is_repeated(night: Night) -> None:
    night.warned("web")
    night.read_again("web")

    def kill() -> None:
        raise Killed

    night.cloud.answer("web", "shelve", kill)
    with pytest.raises(Killed):
        night.run()
    # Within the time of a run, it may be under way yet.
    night.read_again("web")
    assert vetoes(night.run()) == ["acting"]
    night.passes(17, "web")
    night.read_again("web")
    assert steps(night.run())["web"] == "act"
    assert night.events() == ["notified", "begun", "undone", "begun", "done"]


def test_of_two_runs_at_once_one_acts(night: Night) -> None:
    night.warned("web")
    night.read_again("web")
    others: list[Outcome] = []

    def another() -> None:
        other = CloudOfJohn(night.clock, [night.instance("web"), night.instance("db")])
        chosen = given(idle.SPEC, apply=True, channels=["mail"], trial_days=0)
        others.append(idle.idle(other, chosen, night.context()))
        assert other.count("shelve") == 0

    night.cloud.answer("web", "shelve", another)
    night.run()
    assert vetoes(others[0]) == ["acting"]
    assert night.events().count("done") == 1


def test_an_act_that_failed_is_not_repeated_within_the_window(night: Night) -> None:
    night.warned("web")
    night.read_again("web")
    night.cloud.answer("web", "shelve", Refused("There is no room for its image.", status=409))
    outcome = night.run()
    assert "no room for its image" in str(outcome.failure)
    assert night.events() == ["notified", "begun", "failed"]
    night.read_again("web")
    again = night.run()
    assert vetoes(again) == ["failed"]
    assert "no room for its image" in again.result["instances"][0]["vetoes"][0]["reason"]
    night.passes(61, "web")
    night.read_again("web")
    assert steps(night.run())["web"] == "act"


def test_a_refused_login_takes_no_result_away(tmp_path: Path) -> None:
    night = Night(tmp_path, of_name("web"), of_name("db"))
    night.warned("web", "db")
    night.read_again("web", "db")
    night.cloud.answer("web", "shelve", AuthenticationFailed("The password was refused."))
    night.cloud.answer("db", "shelve", AuthenticationFailed("The password was refused."))
    outcome = night.run()
    assert "The password was refused" in str(outcome.failure)
    assert len(outcome.result["instances"]) == 2


def test_an_act_that_cannot_be_logged_is_not_done(night: Night) -> None:
    night.warned("web")
    night.read_again("web")
    (night.log.folder / "decisions.jsonl").unlink()
    (night.log.folder / "decisions.jsonl").mkdir()
    with pytest.raises(DecisionLogError):
        night.run()
    assert night.cloud.calls == ["list"]


def test_an_act_whose_outcome_cannot_be_logged_is_returned_all_the_same(night: Night) -> None:
    night.warned("web")
    night.read_again("web")

    def break_log() -> None:
        path = night.log.folder / "events.jsonl"
        path.rename(path.with_name("kept"))
        path.mkdir()

    night.cloud.answer("web", "shelve", break_log)
    outcome = night.run()
    assert outcome.result["summary"]["done"] == 1
    assert "The next run records the outcome" in night.warnings[-1]


def test_notices_that_cannot_be_read_are_sent_anew(night: Night) -> None:
    night.warned("web")
    (night.log.folder / "notices.json").write_text('{"format": 1')
    night.read_again("web")
    assert steps(night.run())["web"] == "warn"
    assert "could not be read, so notices are sent again" in night.warnings[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"channels": []}, "apply: true requires channels"),
        ({"grace_minutes": -1}, "grace_minutes must be 0 or more"),
        ({"max_actions": -1}, "max_actions must be 0 or more"),
        ({"wait_timeout": 0}, "wait_timeout must be more than 0"),
        ({"settings": {"window_minutes": 1}}, "window_minutes is 1"),
    ],
)
def test_wrong_options_are_refused_before_a_request(night: Night, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        night.run(**options)
    assert night.cloud.calls == []


def test_a_name_that_is_not_known_is_refused(night: Night) -> None:
    with pytest.raises(SelectionError, match="wbe"):
        night.run(name=["wbe"])


def test_empty_names_select_nothing(night: Night) -> None:
    night.rest("web")
    assert steps(night.run(name=[])) == {}


def test_a_notice_needs_rows_as_they_were_returned(night: Night) -> None:
    options = given(notice.SPEC, instances=[{"name": "web"}], channel="mail", delivered=True)
    with pytest.raises(ConfigurationError, match="without site and project and uuid"):
        notice.notice(options, night.context())


def test_why_is_answered_from_the_log_alone(night: Night) -> None:
    night.warned("web")
    night.read_again("web")
    night.run()
    told = decision_info.decision_info(given(decision_info.SPEC, name=["web"]), night.context()).result
    assert [each["event"] for each in told["decisions"]] == ["decided", "notified", "decided", "begun", "done"]
    sentences = [each["sentence"] for each in told["decisions"]]
    assert sentences[0].startswith(
        "web was idle at least since 2026-11-23T12:57:00Z: nothing happened for 360 min (at most 0.0"
    )
    assert sentences[0].endswith("Its owner is warned.")
    assert sentences[1] == "A notice about web was delivered to j@example.edu."
    assert sentences[2].endswith("It is to be shelved.")
    assert sentences[4] == "web was shelved: shelve done. That saves 2 SU an hour."
    assert told["summary"]["done"] == 1


def test_decisions_that_say_the_same_are_one(night: Night) -> None:
    night.warned("web", minutes_ago=15)
    for _number in range(3):
        night.run()
        night.passes(10, "web")
    told = decision_info.decision_info(given(decision_info.SPEC, name=["web"]), night.context()).result["decisions"]
    assert [(each["step"], each["count"]) for each in told] == [("warn", 1), ("", 1), ("wait", 3)]


def test_a_name_without_decisions_is_answered_with_a_warning(night: Night) -> None:
    night.rest("web")
    night.run()
    outcome = decision_info.decision_info(given(decision_info.SPEC, name=["wbe"]), night.context())
    assert outcome.result["decisions"] == []
    assert outcome.warnings == ("The log has no decision about wbe. Did you mean web?",)
    assert outcome.result["unknown"] == list(outcome.warnings)


def _counts(records: Sequence[Record]) -> Mapping[str, int]:
    return Counter(each.event.value for each in records)


def test_every_decision_of_every_run_is_a_line(night: Night) -> None:
    night.rest("web")
    for _number in range(3):
        night.run()
    assert _counts(night.log.read().records) == {"decided": 6}


def test_a_lock_that_an_earlier_run_lifted_is_put_back_before_the_decision(night: Night) -> None:
    night.warned("web")
    night.read_again("web")

    def restore(instances: Sequence[Instance]) -> tuple[Sequence[Instance], Sequence[str]]:
        return [replace(each, locked=True) for each in instances], ["web was locked again."]

    night.cloud.restore = restore  # type: ignore[method-assign]
    assert vetoes(night.run()) == ["locked"]
    assert night.warnings == ["web was locked again."]


def test_an_instance_that_another_user_shelved_since_the_list_gets_no_request(night: Night) -> None:
    night.warned("web")
    night.read_again("web")

    def restore(instances: Sequence[Instance]) -> tuple[Sequence[Instance], Sequence[str]]:
        night.cloud.begin("web", Action.SHELVE)
        night.clock.advance(30)
        return instances, ()

    night.cloud.restore = restore  # type: ignore[method-assign]
    outcome = night.run()
    assert (outcome.changed, night.cloud.count("shelve")) == (False, 0)
    assert night.events() == ["notified", "begun", "undone"]
