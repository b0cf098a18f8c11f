# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines on a simulated Atmosphere and on a cloud with metadata: announced once, shelved once, never by surprise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any, Protocol

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError, ServerFault
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance, Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    deadline,
    decision_info,
    keep,
    schedule,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.deadline_store import (
    DeadlineBusy,
    DeadlineStore,
    DeadlineStoreError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.killed import Killed
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import Phase
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.toy_cloud import ToyCloud

DAY = 86_400.0
HALF_AN_HOUR = 1800.0
STATE = Path(".local/state/jetstream/deadlines.json")
# The deadline of the course, ten days after the beginning of a test.
AT = (START + timedelta(days=10)).replace(microsecond=0)
COURSE = f"""
deadlines:
  - {{name: lab-teacher, shelve_at: none}}
  - name: lab-*
    shelve_at: "{iso(AT)}"
    may_shelve: true
    delete_warn_at: "{iso(AT + timedelta(days=30))}"
"""


class Class(Protocol):
    """A course on a cloud."""

    home: Path
    clock: Any

    def run(self, *, check_mode: bool = False, **options: Any) -> Outcome:
        """Run jetstream_deadline."""

    def states(self) -> dict[str, str]:
        """Return the states by name."""

    def wake(self, name: str) -> None:
        """Wake an instance as its owner."""


class OnAtmosphere:
    """The course on a simulated Atmosphere."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.home = site.home
        self.clock = site.clock

    def run(self, *, check_mode: bool = False, **options: Any) -> Outcome:
        whole = given(deadline.SPEC, **self.site.options, **options)
        return on_cloud(deadline.deadline)(whole, in_context(self.site, check_mode=check_mode))

    def states(self) -> dict[str, str]:
        return {name: words.partition(" ")[0] for name, words in self.site.world.states().items()}

    def wake(self, name: str) -> None:
        self.site.world.force(name, "active")


class WithMetadata:
    """The course on a cloud that has metadata."""

    def __init__(self, home: Path, instances: Sequence[Instance]) -> None:
        self.home = home
        self.clock = FakeClock()
        self.runner = OperationRunner(home, self.clock)
        self.cloud = ToyCloud(self.clock, instances)

    def run(self, *, check_mode: bool = False, **options: Any) -> Outcome:
        def operation(values: Mapping[str, Any], context: Context) -> Outcome:
            return deadline.deadline(self.cloud, values, context)

        return self.runner.run(deadline.SPEC, operation, check_mode=check_mode, **options)

    def states(self) -> dict[str, str]:
        return {each.name: each.status for each in self.cloud.list_instances(live=True)}

    def wake(self, name: str) -> None:
        self.cloud.set_phases(name, Phase(0, "active"))


NAMES = ("lab-1", "lab-2", "lab-teacher", "web")
ASLEEP = {"lab-1": "shelved_offloaded", "lab-2": "shelved_offloaded", "lab-teacher": "active", "web": "active"}


@pytest.fixture(params=["atmosphere", "metadata"])
def course(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Class]:
    (tmp_path / "schedules.yml").write_text(COURSE)
    if request.param == "metadata":
        instances = [an_instance(name, number=number, metadata={}) for number, name in enumerate(NAMES, 1)]
        yield WithMetadata(tmp_path, instances)
        return
    with an_atmosphere(tmp_path) as site:
        yield OnAtmosphere(site)


def an_atmosphere(home: Path) -> Any:
    world = fleet(names=NAMES, clock=ManualClock(START), settings=Settings(transition=5, deploy=20))
    return a_site(world, home)


def run(course: Class, **options: Any) -> Outcome:
    return course.run(path=str(course.home / "schedules.yml"), **options)


def deliver(course: Class, outcome: Outcome, channel: str = "mail") -> None:
    course.run(told=list(outcome.result["news"]), channel=channel)


def told_days(outcome: Outcome) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for each in outcome.result["news"]:
        found.setdefault(each["kind"], []).append(each["days"])
    return found


def days(course: Class, passed: float) -> None:
    """Move on to so many days after the beginning."""
    ahead = (START + timedelta(days=passed) - course.clock.now()).total_seconds()
    course.clock.sleep(ahead)


APPLY = {"apply": True, "channels": ["mail"]}


def test_a_row_with_a_name_that_no_instance_has_is_reported(course: Class) -> None:
    path = course.home / "schedules.yml"
    path.write_text("deadlines: [{name: [lab-1, lab2], shelve_at: 2030-01-01}]")
    outcome = course.run(path=str(path))
    assert list(outcome.warnings) == [f"{path}, line 1: no instance is called lab2. Did you mean lab-2?"]


def test_the_end_of_a_course_is_announced_three_times(course: Class) -> None:
    """A run every eight hours for two weeks: announced at 7, 3, 1 and 0 days, shelved once, and then left alone."""
    seen = []
    for hour in range(24, 14 * 24, 8):
        days(course, hour / 24)
        outcome = run(course, **APPLY)
        assert outcome.failure is None
        if found := told_days(outcome):
            seen.append((round((AT - course.clock.now()).total_seconds() / 3600), found))
            deliver(course, outcome)
        if outcome.changed:
            assert course.clock.now() >= AT
            assert course.states() == ASLEEP
            course.wake("lab-1")
    assert [(hours, *each.items()) for hours, each in seen] == [
        (168, ("shelve_at", [7, 7])),
        (72, ("shelve_at", [3, 3])),
        (24, ("shelve_at", [1, 1])),
        (0, ("shelve_at", [0, 0])),
    ]
    assert course.states() == {**ASLEEP, "lab-1": "active"}
    days(course, 33.5)
    assert told_days(run(course, **APPLY)) == {"delete_warn_at": [7, 7]}


def test_check_mode_then_the_act_then_nothing(course: Class) -> None:
    days(course, 8)
    deliver(course, run(course, **APPLY))
    before = (course.home / STATE).read_text()
    days(course, 10.1)
    ahead = run(course, check_mode=True, **APPLY)
    assert ahead.changed
    assert [each["msg"] for each in ahead.result["instances"]] == ["would shelve", "would shelve"]
    assert ahead.diff is not None
    assert "lab-1 (1): active" in ahead.diff["before"]
    assert (course.home / STATE).read_text() == before
    assert set(course.states().values()) == {"active"}
    done = run(course, **APPLY)
    assert (done.changed, course.states()) == (True, ASLEEP)
    assert done.result["summary"]["sentence"] == "2 shelved, 2 near or past shelve_at."
    assert done.diff is not None
    again = run(course, **APPLY)
    assert not again.changed
    assert [each["step"] for each in again.result["instances"]] == ["done", "done"]


def test_without_apply_nothing_is_done_and_without_a_notice_neither(course: Class) -> None:
    days(course, 11)
    outcome = run(course, channels=["mail"])
    assert not outcome.changed
    assert {each["msg"] for each in outcome.result["instances"]} == {"would be shelved: set apply=true"}
    # It sent nothing. What it had set out to tell is told by a later run.
    course.clock.sleep(HALF_AN_HOUR)
    late = run(course, **APPLY)
    assert {each["step"] for each in late.result["instances"]} == {"wait"}
    deliver(course, late)
    course.clock.sleep(DAY - 60)
    assert not run(course, **APPLY).changed
    course.clock.sleep(60)
    assert run(course, **APPLY).changed


def test_a_keep_mark_puts_it_off(course: Class) -> None:
    days(course, 8)
    deliver(course, run(course, **APPLY))
    end = AT + timedelta(days=2)
    options = {"name": ["lab-1"], "until": iso(end), "store": "file"}
    if isinstance(course, OnAtmosphere):
        on_cloud(keep.keep)(given(keep.SPEC, **course.site.options, **options), in_context(course.site))
    else:
        assert isinstance(course, WithMetadata)
        cloud = course.cloud
        course.runner.run(keep.SPEC, lambda values, context: keep.keep(cloud, values, context), **options)
    days(course, 10.1)
    rows = {each["name"]: each for each in run(course, **APPLY).result["instances"]}
    assert (rows["lab-1"]["step"], rows["lab-2"]["step"]) == ("left", "act")
    assert rows["lab-1"]["vetoes"][0]["veto"] == "kept"
    days(course, 12.1)
    assert run(course, **APPLY).changed
    assert course.states() == ASLEEP


def test_a_run_stops_at_max_actions_and_the_next_one_goes_on(course: Class) -> None:
    days(course, 8)
    deliver(course, run(course, **APPLY))
    days(course, 10.1)
    assert run(course, max_actions=1, **APPLY).result["summary"]["shelved"] == 1
    assert run(course, never="lab-2", **APPLY).result["summary"]["shelved"] == 0
    assert run(course, max_actions=1, **APPLY).result["summary"]["shelved"] == 1
    assert course.states() == ASLEEP


def test_the_log_has_each_notice_and_decision(course: Class) -> None:
    days(course, 8)
    deliver(course, run(course, **APPLY))
    days(course, 10.1)
    for _run in range(2):
        run(course, never="lab-2", **APPLY)
    at = iso(AT)
    told = [each["sentence"] for each in _log_of(course)]
    assert told == [
        f"The shelve_at of lab-1, {at}: announced by mail, 3 days ahead or later.",
        f"The shelve_at of lab-2, {at}: announced by mail, 3 days ahead or later.",
        f"The shelve_at of lab-2, {at}: its name matches never: lab-2.",
        f"The shelve_at of lab-1, {at}: about to be shelved.",
        f"The shelve_at of lab-1, {at}: shelve done.",
        f"The shelve_at of lab-1, {at}: it was already shelved at this deadline.",
    ]


def _log_of(course: Class) -> list[dict[str, Any]]:
    options = given(decision_info.SPEC)
    context = Context(False, course.clock, {}, course.home, lambda _text: None, lambda _text: None)
    return list(decision_info.decision_info(options, context).result["decisions"])


def test_a_delivery_is_stored_for_each_channel(course: Class) -> None:
    days(course, 8)
    both = {"apply": True, "channels": ["mail", "webhook"]}
    first = run(course, **both)
    deliver(course, first, "mail")
    course.run(told=list(first.result["news"]), channel="webhook", delivered=False)
    second = run(course, **both)
    assert {tuple(each["channels"]) for each in second.result["news"]} == {("webhook",)}
    days(course, 10.1)
    # The webhook never took it.
    assert {each["step"] for each in run(course, **both).result["instances"]} == {"wait"}


def test_a_run_does_not_send_a_notice_that_another_run_has_claimed(course: Class) -> None:
    days(course, 8)
    first = run(course, **APPLY)
    assert told_days(first) == {"shelve_at": [3, 3]}
    beside = run(course, apply=True, channels=["mail", "webhook"])
    assert {tuple(each["channels"]) for each in beside.result["news"]} == {("webhook",)}
    assert told_days(run(course, check_mode=True, **APPLY)) == {}
    deliver(course, first)
    course.clock.sleep(HALF_AN_HOUR)
    # The run that was to tell the webhook was killed.
    again = run(course, apply=True, channels=["mail", "webhook"])
    assert {tuple(each["channels"]) for each in again.result["news"]} == {("webhook",)}


def test_check_mode_claims_nothing(course: Class) -> None:
    days(course, 8)
    assert told_days(run(course, check_mode=True, **APPLY)) == {"shelve_at": [3, 3]}
    assert told_days(run(course, **APPLY)) == {"shelve_at": [3, 3]}


def test_a_notice_that_was_not_delivered_is_sent_by_the_next_run_and_causes_no_act(course: Class) -> None:
    days(course, 8)
    first = run(course, **APPLY)
    news = list(first.result["news"])
    assert course.run(told=news, channel="mail", delivered=False, check_mode=True).changed
    assert course.run(told=news, channel="mail", delivered=False).changed
    assert not course.run(told=news, channel="mail", delivered=False).changed
    second = run(course, **APPLY)
    assert told_days(second) == {"shelve_at": [3, 3]}
    course.run(told=list(second.result["news"]), channel="mail", delivered=False)
    days(course, 10.1)
    assert {each["step"] for each in run(course, **APPLY).result["instances"]} == {"wait"}
    told = [each["sentence"] for each in _log_of(course)]
    assert told[0] == f"The shelve_at of lab-1, {iso(AT)}: its notice could not be sent by mail."


def test_a_run_beside_another_does_nothing(course: Class) -> None:
    store = DeadlineStore(course.home / STATE, course.clock)
    days(course, 8)
    news = list(run(course, **APPLY).result["news"])
    with store.held():
        outcome = run(course, **APPLY)
        assert (outcome.result["busy"], outcome.result["news"]) == (True, [])
        assert "Another run uses the record of deadlines" in outcome.warnings[0]
        # What was told must not be lost: that fails.
        with pytest.raises(DeadlineBusy):
            course.run(told=news, channel="mail")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"apply": True}, "apply: true requires channels"),
        ({"wait_timeout": 0}, "wait_timeout must be more than 0"),
        ({"max_actions": -1}, "max_actions must be 0 or more"),
        ({"notice_hours": -1}, "notice_hours is -1, but must be between 0 and 720"),
        ({"notice_hours": float("nan")}, "notice_hours is nan"),
        ({"told": [{"uuid": "x"}], "channel": "mail"}, "told has a row without site and project and name"),
        ({"told": [{**dict.fromkeys(("uuid", "site", "project", "name", "at"), "x"), "kind": "eat_at", "days": 3}],
          "channel": "mail"}, "an invalid kind, at or days"),
        ({"path": "/no/such.yml"}, "cannot be read: No such file"),
    ],
)  # fmt: skip
def test_invalid_options_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        WithMetadata(tmp_path, []).run(**options)


# --- metadata


def lab(home: Path, metadata: Mapping[str, str], **more: Any) -> WithMetadata:
    return WithMetadata(home, [an_instance("web", metadata=metadata, **more), an_instance("db", number=2, metadata={})])


def test_deadlines_in_metadata_need_no_file(tmp_path: Path) -> None:
    course = lab(tmp_path, {"jetstream_shelve_at": iso(AT), "jetstream_may_shelve": "true"})
    days(course, 9)
    outcome = course.run(**APPLY)
    assert outcome.result["summary"]["without_deadline"] == 1
    [news] = outcome.result["news"]
    assert (news["days"], news["takes_metadata"]) == (1, True)
    assert news["heading"].endswith(
        "by its metadata, is less than 1 day away. Will be shelved then, which keeps its disks."
    )
    deliver(course, outcome)
    days(course, 10.5)
    assert course.run(**APPLY).changed
    assert course.states() == {"web": "shelved_offloaded", "db": "active"}


def test_without_may_shelve_it_is_reported_and_never_done(tmp_path: Path) -> None:
    course = lab(tmp_path, {"jetstream_shelve_at": iso(AT)})
    days(course, 8)
    outcome = course.run(**APPLY)
    assert outcome.result["news"][0]["heading"].endswith("No playbook shelves it.")
    deliver(course, outcome)
    days(course, 20)
    assert course.run(**APPLY).result["instances"][0]["step"] == "left"
    assert course.states()["web"] == "active"


@pytest.mark.parametrize("key", ["jetstream_shelve_at", "jetstream_delete_warn_at"])
def test_a_date_that_cannot_be_read_is_named_with_its_instance_and_never_acted_on(tmp_path: Path, key: str) -> None:
    metadata = {key: "the 18th\x1b[2J", "jetstream_may_shelve": "true"}
    course = lab(tmp_path, metadata)
    days(course, 300)
    outcome = course.run(**APPLY)
    [row] = outcome.result["instances"]
    assert (row["step"], row["name"], outcome.result["news"]) == ("nothing", "web", [])
    assert outcome.result["summary"]["sentence"] == "1 with a date that cannot be read."
    assert outcome.warnings[0].startswith(
        f"web (1): its metadata {key} cannot be read, and nothing is done by it: the "
    )
    assert "\x1b" not in outcome.warnings[0]
    assert course.states()["web"] == "active"


@pytest.mark.parametrize(
    ("more", "veto"),
    [
        ({"locked": True}, "locked"),
        ({"activity": "powering-off"}, "busy"),
        ({"metadata": {"jetstream_idle": "never"}}, "opted_out"),
        ({"metadata": {"jetstream_keep_until": "soon"}}, "kept"),
    ],
)
def test_the_words_of_its_owner_and_of_the_cloud_hold_it(tmp_path: Path, more: dict[str, Any], veto: str) -> None:
    own = {"jetstream_shelve_at": iso(AT), "jetstream_may_shelve": "true"}
    metadata = {**own, **more.pop("metadata", {})}
    course = lab(tmp_path, metadata, **more)
    days(course, 8)
    deliver(course, course.run(**APPLY))
    days(course, 11)
    [row] = course.run(**APPLY).result["instances"]
    assert [each["veto"] for each in row["vetoes"]] == [veto]
    assert course.cloud.count("shelve") == 0


def test_a_delete_warning_has_the_command_and_nothing_runs_it(tmp_path: Path) -> None:
    course = WithMetadata(
        tmp_path,
        [an_instance("it's $(web)", metadata={"jetstream_delete_warn_at": iso(AT), "jetstream_may_shelve": "true"})],
    )
    days(course, 20)
    outcome = course.run(**APPLY)
    [news] = outcome.result["news"]
    assert (news["kind"], news["days"]) == ("delete_warn_at", 0)
    assert news["heading"].endswith("May be deleted now; no playbook deletes it.")
    assert news["do"] == (
        "ansible localhost -m jetstream.cloud.jetstream_instance -a "
        """'{"state": "absent", "names": ["it'"'"'s $(web)"]}'"""
    )
    assert not outcome.changed
    assert course.states() == {"it's $(web)": "active"}


def test_an_act_that_fails_is_tried_again_and_is_news_once(tmp_path: Path) -> None:
    course = lab(tmp_path, {"jetstream_shelve_at": iso(AT), "jetstream_may_shelve": "true"})
    days(course, 8)
    deliver(course, course.run(**APPLY))
    days(course, 10.5)
    course.cloud.answer("web", "shelve", *[ServerFault("No room.")] * 20)
    first = course.run(wait_timeout=5, **APPLY)
    assert first.failure is not None
    assert [each["is_news"] for each in first.result["instances"]] == [True]
    second = course.run(wait_timeout=5, **APPLY)
    assert [each["is_news"] for each in second.result["instances"]] == [False]
    course.cloud._answers.clear()
    assert course.run(**APPLY).failure is None
    assert course.states()["web"] == "shelved_offloaded"


def test_a_run_that_is_killed_after_the_act_is_finished_by_the_next(tmp_path: Path) -> None:
    course = lab(tmp_path, {"jetstream_shelve_at": iso(AT), "jetstream_may_shelve": "true"})
    days(course, 8)
    deliver(course, course.run(**APPLY))
    days(course, 10.5)

    course.cloud.answer("web", "shelve", Killed())
    with pytest.raises(Killed):
        course.run(**APPLY)
    [memory] = DeadlineStore(course.home / STATE, course.clock).load().values()
    assert (memory.attempts, memory.done) == (1, None)
    outcome = course.run(**APPLY)
    assert outcome.failure is None
    assert course.states()["web"] == "shelved_offloaded"
    assert course.cloud.count("shelve") == 2


def test_an_outcome_that_cannot_be_stored_takes_no_result_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = lab(tmp_path, {"jetstream_shelve_at": iso(AT), "jetstream_may_shelve": "true"})
    days(course, 8)
    deliver(course, course.run(**APPLY))
    days(course, 10.5)
    save, saved = DeadlineStore.save, []

    def full(store: DeadlineStore, memories: Any) -> None:
        saved.append(memories)
        if len(saved) > 1:
            raise DeadlineStoreError("The record of deadlines cannot be written to x: No space left on device.")
        save(store, memories)

    with monkeypatch.context() as patch:
        patch.setattr(DeadlineStore, "save", full)
        outcome = course.run(**APPLY)
    assert outcome.result["summary"]["shelved"] == 1
    assert outcome.failure is not None
    assert "No space left on device." in outcome.failure
    assert course.run(**APPLY).failure is None
    assert course.cloud.count("shelve") == 1


def test_nothing_is_remembered_of_instances_whose_deadlines_are_far(course: Class) -> None:
    run(course, **APPLY)
    assert not (course.home / STATE).exists()


# --- what it costs, and schedules


def test_a_run_costs_one_list_and_the_states_of_those_that_are_due(tmp_path: Path) -> None:
    (tmp_path / "schedules.yml").write_text(COURSE)
    with an_atmosphere(tmp_path) as site:
        add_colleague(site.world, names=("lab-hers",))
        site.warm()
        course = OnAtmosphere(site)
        site.requests()
        run(course, **APPLY)
        assert site.requests() == {"v2 instances": 1}
        days(course, 8)
        site.warm()
        deliver(course, run(course, **APPLY))
        days(course, 10.5)
        site.warm()
        site.requests()
        run(course, **APPLY)
        assert site.requests()["action"] == 2
        assert "lab-hers" not in {each["name"] for each in run(course, **APPLY).result["instances"]}
        assert site.world.states()["lab-hers"] == "active"


def test_a_schedule_wakes_nothing_after_a_deadline_that_may_shelve(tmp_path: Path) -> None:
    hours = """
    schedules:
      lab: {time_zone: UTC, days: daily, start: "9:00", stop: "18:00", wake: all}
    rules:
      - {schedule: lab, name: lab-*}
    """
    path = tmp_path / "schedules.yml"
    path.write_text(dedent(hours) + COURSE)
    with an_atmosphere(tmp_path) as site:

        def steps() -> dict[str, str]:
            site.warm()
            options = given(schedule.SPEC, **site.options, path=str(path))
            rows = on_cloud(schedule.schedule)(options, in_context(site)).result["instances"]
            return {each["name"]: each["step"] for each in rows}

        steps()
        evening = datetime.combine(AT.date(), datetime.min.time(), UTC) + timedelta(hours=18)
        site.clock.move_to(evening)
        assert set(steps().values()) == {"sleep"}
        site.clock.move_to(evening + timedelta(hours=15))
        assert site.clock.now() > AT
        assert steps() == {"lab-1": "left", "lab-2": "left", "lab-teacher": "wake"}
