# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances are judged by the readings stored on the controller, and each reason not to act is reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import Clock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.failed_try import FailedTry
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.keeps import (
    KeepFile,
    KeepFileError,
    mark_of,
    mark_of_instance,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import Key, Store, key_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Flavor, Instance, Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import idle_info
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.toy_cloud import ToyCloud
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.console_lines import log
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import BOOTED, TRANSIT, reading

MINUTE = 60.0


def test_the_mark_that_ends_later_counts() -> None:
    kept = {"u": mark_of("2026-11-25", "file")}
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert mark_of_instance("u", {"jetstream_keep_until": "2026-12-01"}, kept, now) == mark_of("2026-12-01", "metadata")
    assert mark_of_instance("u", {"jetstream_keep_until": "2026-11-01"}, kept, now) == kept["u"]
    assert mark_of_instance("u", {"jetstream_keep_until": "for ever"}, kept, now) == mark_of("for ever", "metadata")
    assert mark_of_instance("other", {"name": "x"}, kept, now) is None
    assert mark_of_instance("other", None, kept, now) is None


def test_a_mark_that_holds_now_counts_before_one_that_begins_later() -> None:
    kept = {"u": mark_of("2026-11-25", "file")}
    later = {"jetstream_keep_from": "2026-12-01", "jetstream_keep_until": "2026-12-24"}
    both = mark_of("2026-12-24", "metadata", "2026-12-01")
    for day, mark in ((20, kept["u"]), (26, both)):
        assert mark_of_instance("u", later, kept, datetime(2026, 11, day, tzinfo=UTC)) == mark


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clock = ManualClock()
    world = fleet(names=("web", "busy", "cut", "off"), states={"active": 3, "shutoff": 1}, clock=clock)
    add_colleague(world)
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def run(site: Site, **options: Any) -> Outcome:
    return on_cloud(idle_info.idle_info)(given(idle_info.SPEC, **{**site.options, **options}), in_context(site))


def by_name(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in outcome.result["instances"]}


def keep_readings(site: Site, name: str, **sections: Any) -> Path:
    """Keep six hours of readings of an instance, the newest of them a minute old. Returns the file."""
    with site.cloud() as cloud:
        [instance] = [each for each in cloud.list_instances(live=True) if each.name == name]
    return keep_six_hours(site.home, instance, site.clock, **sections)


def keep_six_hours(home: Path, instance: Instance, clock: Clock, **sections: Any) -> Path:
    store = Store(home / ".local/state/jetstream/readings", clock)
    late = clock.now().timestamp() - MINUTE - (BOOTED + TRANSIT + 10_000.0 + 24 * 15 * MINUTE)
    for number in range(25):
        uptime = 10_000.0 + number * 15 * MINUTE
        # The clock of the instance goes with ours.
        own = {"probe": ["format 1", "uid 0", f"clock {BOOTED + int(uptime + late)}"]}
        store.add(key_of(instance), reading(uptime, late=late, **{**own, **sections}))
    return store.path(key_of(instance))


def test_idle_instances_are_found_by_stored_readings_without_a_connection(site: Site) -> None:
    keep_readings(site, "web")
    keep_readings(site, "busy", slurm=["jobs 1"])
    keep_readings(site, "off")
    outcome = run(site, owner=["me"])
    found = by_name(outcome)
    assert {name: each["verdict"] for name, each in found.items()} == {
        "web": "idle",
        "busy": "active",
        "cut": "unknown",
        "off": "unknown",
    }
    assert not outcome.changed
    assert found["web"]["would"] == "shelve"
    assert found["web"]["evidence"]["readings"] == 25
    assert found["web"]["idle_hours"] == 6
    assert found["web"]["evidence"]["numbers"]["cores"] < 0.01
    assert (found["busy"]["rule"], found["cut"]["reason"]) == ("slurm", "no reading was taken yet")
    assert found["off"]["rule"] == "not_running"
    assert outcome.result["summary"]["idle"] == 1


def test_a_failed_try_is_reported_where_nothing_is_known_and_judges_nothing(site: Site) -> None:
    keep_readings(site, "web")
    keep_readings(site, "busy", slurm=["jobs 1"])
    before = by_name(run(site, owner=["me"]))
    store = Store(site.home / ".local/state/jetstream/readings", site.clock)
    with site.cloud() as cloud:
        for each in cloud.list_instances(live=True):
            failed = FailedTry(
                site.clock.now().timestamp() - 7200, "ssh: connect to host x port 22: Connection refused"
            )
            store.add_failed_try(key_of(each), failed)
    found = by_name(run(site, owner=["me"]))
    told = "the last attempt to read it, 2 hours ago, failed: ssh: connect to host x port 22: Connection refused"
    assert found["cut"]["reason"] == f"no reading was taken yet; {told}"
    for name in ("web", "busy", "off"):
        assert found[name]["reason"] == before[name]["reason"]
    for name, row in found.items():
        assert row["failed_try"]["reason"] == "ssh: connect to host x port 22: Connection refused"
        assert before[name]["failed_try"] is None
        told_before = {**before[name], "failed_try": row["failed_try"]}
        without_words = {"reason": "", "vetoes": [each["veto"] for each in row["vetoes"]]}
        assert {**row, **without_words} == {
            **told_before,
            **without_words,
            "vetoes": [each["veto"] for each in before[name]["vetoes"]],
        }


def test_instances_of_others_are_shown_and_left_unless_they_are_selected(site: Site) -> None:
    others = [each for each in run(site).result["instances"] if each["owner"] != "johndoe"]
    assert others
    assert all("not_mine" in {veto["veto"] for veto in each["vetoes"]} for each in others)
    meant = run(site, owner=["janeroe"]).result["instances"]
    assert {each["owner"] for each in meant} == {"janeroe"}
    assert not any("not_mine" in {veto["veto"] for veto in each["vetoes"]} for each in meant)


def test_a_file_of_readings_that_is_broken_leaves_one_instance_unknown(site: Site) -> None:
    keep_readings(site, "web")
    keep_readings(site, "cut").write_text("{}")
    found = by_name(run(site, owner=["me"]))
    assert (found["cut"]["verdict"], found["web"]["verdict"]) == ("unknown", "idle")
    assert "are corrupt" in found["cut"]["reason"]


def test_a_mark_in_the_file_keeps_an_instance_and_a_broken_file_lets_nothing_be_judged(site: Site) -> None:
    keep_readings(site, "web")
    file = KeepFile(site.home / ".local/share/jetstream/keep.json", site.clock)
    file.keep(by_name(run(site))["web"]["uuid"], "web", site.clock.now() + timedelta(hours=8))
    found = by_name(run(site))["web"]
    assert [each["veto"] for each in found["vetoes"]] == ["kept"]
    assert found["keep"]["holds"]
    file.path.write_text("[]")
    with pytest.raises(KeepFileError, match="are corrupt"):
        run(site)


def test_settings_out_of_bounds_are_refused_before_a_request(site: Site) -> None:
    before = len(site.server.requests.matching("GET", ".*"))
    with pytest.raises(ConfigurationError, match="window_minutes is 1, but must be between 15"):
        run(site, settings={"window_minutes": 1})
    with pytest.raises(ConfigurationError, match="Did you mean window_minutes"):
        run(site, settings={"window_minute": 60})
    assert len(site.server.requests.matching("GET", ".*")) == before


def test_an_instance_that_its_schedule_wants_is_not_put_away(site: Site, tmp_path: Path) -> None:
    keep_readings(site, "web")
    path = tmp_path / "schedules.yml"
    path.write_text(
        'schedules: {day: {time_zone: UTC, days: daily, start: "00:00", stop: "24:00"}}\n'
        "rules: [{schedule: day, name: web}]\n"
    )
    found = by_name(run(site, schedules_path=str(path)))["web"]
    assert (found["verdict"], found["would"]) == ("idle", "nothing")
    [veto] = found["vetoes"]
    assert veto["veto"] == "scheduled"
    assert veto["reason"].startswith("its schedule day wants it until 20")


def test_a_longer_window_needs_more_evidence(site: Site) -> None:
    keep_readings(site, "web")
    assert by_name(run(site, settings={"window_minutes": 720}))["web"]["verdict"] == "unknown"


def test_each_instance_is_judged_by_its_own_settings(site: Site, tmp_path: Path) -> None:
    keep_readings(site, "web")
    keep_readings(site, "busy", slurm=["jobs 1"])
    path = tmp_path / "idle_settings.yml"
    path.write_text(
        "defaults: {ignore: [slurm]}\ninstances: [{name: w*, owner: johndoe, settings: {window_minutes: 720}}]"
    )
    found = by_name(run(site, owner=["me"], settings_path=str(path)))
    assert (found["web"]["verdict"], found["web"]["settings"]) == (
        "unknown",
        {"window_minutes": 720, "ignore": ["slurm"]},
    )
    assert (found["busy"]["verdict"], found["busy"]["settings"]) == ("idle", {"ignore": ["slurm"]})
    path.write_text("instances: [{nam: w*}]")
    with pytest.raises(ConfigurationError, match=r"idle_settings.yml, line 1: .* Did you mean name\?"):
        run(site, settings_path=str(path))


def test_names_in_both_files_that_no_instance_has_are_reported(site: Site, tmp_path: Path) -> None:
    settings, schedules = tmp_path / "idle_settings.yml", tmp_path / "schedules.yml"
    settings.write_text("instances: [{name: wbe, settings: {window_minutes: 720}}]")
    hours = '{time_zone: UTC, days: daily, start: "00:00", stop: "24:00"}'
    schedules.write_text(f"schedules: {{day: {hours}}}\nrules: [{{schedule: day, name: buzy}}]")
    found = run(site, settings_path=str(settings), schedules_path=str(schedules))
    assert [each for each in found.warnings if "no instance" in each] == [
        f"{settings}, line 1: no instance is called wbe. Did you mean web?",
        f"{schedules}, line 2: no instance is called buzy. Did you mean busy?",
    ]


def test_a_replay_has_each_instance_with_its_own_settings_and_what_cannot_be_replayed(site: Site) -> None:
    keep_readings(site, "web")
    keep_readings(site, "busy", slurm=["jobs 1"])
    keep_readings(site, "cut").write_text("{}")
    found = run(site, owner=["me"], replay="1d").result["replay"]
    rows = {each["name"]: each for each in found["instances"]}
    # Read for six hours: warned after one, put away after the next, and idle ever since, at 1 SU an hour.
    assert (rows["web"]["warned"], rows["web"]["put_away"], rows["web"]["saved_hours"]) == (1, 1, 4)
    assert (rows["web"]["saved_su"], rows["busy"]["warned"], rows["busy"]["known_hours"]) == (4, 0, 6)
    assert "are corrupt" in rows["cut"]["problem"]
    assert found["summary"]["sentences"][:2] == [
        "4 instances, 0.5 days of readings: 1 warning, 0 spared in the grace time, 1 action.",
        "That would have saved 4 SU, in 4 hours.",
    ]
    sooner = run(site, owner=["me"], replay="1d", grace_minutes=0, settings={"window_minutes": 30, "ignore": ["slurm"]})
    assert sooner.result["replay"]["summary"]["saved_su"] == 5.5 + 11
    for options, message in (({"replay": "40d"}, "at most 30 days"), ({"grace_minutes": -1}, "between 0 and 10080")):
        with pytest.raises(ConfigurationError, match=message):
            run(site, **options)


@pytest.mark.parametrize(
    ("metadata", "verdict", "warning"),
    [
        ({"jetstream_idle_window_minutes": "120"}, "idle", ""),
        ({"jetstream_idle_window_minutes": "600"}, "unknown", ""),
        ({"jetstream_idle_cores": "0.0001"}, "idle", "cores is 0.0001, must be between 0.02 and 1 here, and counts"),
        ({"jetstream_idle_window_minutes": "4 hours"}, "unknown", "is '4 hours', which is not a number"),
        ({"jetstream_idle_hours": "4"}, "unknown", "There is no setting 'hours'"),
    ],
)  # fmt: skip
def test_the_settings_of_an_owner_count_and_a_mistake_in_them_leaves_the_instance_unknown(
    tmp_path: Path, metadata: dict[str, str], verdict: str, warning: str
) -> None:
    clock = FakeClock()
    instance = an_instance(metadata=metadata)
    keep_six_hours(tmp_path, instance, clock)
    runner = OperationRunner(tmp_path, clock)
    cloud = ToyCloud(clock, [instance])
    outcome = runner.run(idle_info.SPEC, lambda options, context: idle_info.idle_info(cloud, options, context))
    [found] = outcome.result["instances"]
    assert found["verdict"] == verdict
    assert len(outcome.warnings) == bool(warning)
    assert all(each.startswith("web (1): By its metadata: ") and warning in each for each in outcome.warnings)
    if verdict == "unknown" and warning:
        assert (found["rule"], [each["veto"] for each in found["vetoes"]]) == ("settings", ["unknown"])


FLAVOR = Flavor("m3.medium", vcpus=8)


class Watched:
    """A cloud with consoles and one instance, and the home of a user."""

    def __init__(self, home: Path, flavor: Flavor = FLAVOR, **instance: Any) -> None:
        self.clock = FakeClock()
        self.home = home
        self.instance = an_instance(flavor=flavor, **instance)
        self.cloud = ToyCloud(self.clock, [self.instance])

    def prints(self, percents: list[int], late: float = 30.0) -> None:
        """Let Exosphere's lines be on its console, the newest so many seconds old."""
        self.cloud.consoles["web"] = log(percents, end=self.clock.now().timestamp() - late)

    def found(self, **options: Any) -> dict[str, Any]:
        outcome = OperationRunner(self.home, self.clock).run(
            idle_info.SPEC, lambda given, context: idle_info.idle_info(self.cloud, given, context), **options
        )
        [found] = outcome.result["instances"]
        return dict(found)


def test_the_console_can_prove_that_an_idle_or_unknown_instance_is_used(tmp_path: Path) -> None:
    lab = Watched(tmp_path)
    lab.prints([0] * 40 + [50] * 20)
    assert (lab.found()["verdict"], lab.found()["rule"]) == ("active", "console")
    keep_six_hours(tmp_path, lab.instance, lab.clock)
    found = lab.found()
    assert (found["verdict"], found["rule"], found["vetoes"][0]["veto"]) == ("active", "console", "active")
    assert found["evidence"]["console"]["used_now"]
    assert lab.found(console="never")["verdict"] == "idle"
    assert lab.found(console="never")["evidence"]["console"] is None
    assert lab.found(settings={"ignore": ["console"]})["verdict"] == "idle"
    lab.prints([0] * 60)
    assert (lab.found()["verdict"], lab.found()["rule"]) == ("idle", "")


def test_the_console_is_read_where_it_can_change_something(tmp_path: Path) -> None:
    lab = Watched(tmp_path)
    keep_six_hours(tmp_path, lab.instance, lab.clock, slurm=["jobs 1"])
    for console, reads in (("needed", 0), ("never", 0), ("all", 1)):
        lab.cloud.consoles_read.clear()
        assert lab.found(console=console)["verdict"] == "active"
        assert len(lab.cloud.consoles_read) == reads
    asleep = Watched(tmp_path / "other", status="shutoff")
    asleep.found(console="all", console_only=True)
    assert asleep.cloud.consoles_read == []


def test_the_console_alone_calls_nothing_idle_unless_the_user_says_so(tmp_path: Path) -> None:
    lab = Watched(tmp_path)
    lab.prints([1, 0, 0] * 20)
    assert (lab.found()["verdict"], lab.found()["reason"]) == ("unknown", "no reading was taken yet")
    found = lab.found(console_only=True)
    assert (found["verdict"], found["rule"], found["would"]) == ("idle", "console_only", "shelve")
    assert found["evidence"]["numbers"] == {"cores": 0.0267}
    assert "does not show interactive use" in found["caveat"]


@pytest.mark.parametrize(
    ("flavor", "lines", "reason"),
    [
        (Flavor("g3.medium", vcpus=8), [0] * 60, "not enough evidence for a GPU"),
        (Flavor("m3.2xl", vcpus=64), [0] * 60, "not enough evidence for 64 vCPUs"),
        (FLAVOR, [0] * 20, "20 lines of Exosphere in the window"),
        (FLAVOR, [], "the console has no lines of Exosphere"),
    ],
)
def test_a_console_that_is_not_enough_leaves_the_instance_unknown(
    tmp_path: Path, flavor: Flavor, lines: list[int], reason: str
) -> None:
    lab = Watched(tmp_path, flavor)
    lab.prints(lines)
    found = lab.found(console_only=True)
    assert found["verdict"] == "unknown"
    assert reason in found["reason"]


def test_readings_say_more_than_the_console_also_where_they_leave_doubts(tmp_path: Path) -> None:
    lab = Watched(tmp_path)
    keep_six_hours(tmp_path, lab.instance, lab.clock, inhibit=(1, []))
    lab.prints([0] * 60)
    found = lab.found(console_only=True)
    assert (found["verdict"], found["rule"]) == ("unknown", "inhibitor")
    owner = Watched(tmp_path / "other", metadata={"jetstream_idle_hours": "4"})
    owner.prints([0] * 60)
    assert (owner.found(console_only=True)["verdict"], owner.found(console_only=True)["rule"]) == (
        "unknown",
        "settings",
    )


def test_an_act_by_the_console_alone_needs_a_line_of_just_now(tmp_path: Path) -> None:
    lab = Watched(tmp_path)
    for late, ready in ((30.0, True), (400.0, False)):
        lab.prints([0] * 60, late)
        options = given(idle_info.SPEC, console_only=True)
        context = Context(False, lab.clock, {}, lab.home, lambda _warning: None, lambda _secret: None)
        case = idle_info.Judge(lab.cloud, options, context).case(lab.instance, is_meant=True)
        assert case.judged.verdict.is_idle
        assert (case.last_look.is_idle, case.last_interval) == (ready, 60)


def test_an_instance_in_no_project_is_kept_with_its_account() -> None:
    instance = an_instance()
    assert key_of(instance) == Key(instance.provider.uuid, instance.identity.uuid, instance.uuid)
