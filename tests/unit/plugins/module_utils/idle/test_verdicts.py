# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance is idle after a whole window without use. Any use makes it active, any missing evidence unknown."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import (
    Doubt,
    Interval,
    Rate,
    SshUse,
    hourly,
    intervals_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.jobs import Job
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import (
    Finding,
    Settings,
    settings_from,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import (
    State,
    Verdict,
    judge,
    steps,
)
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import (
    BOOTED,
    EVIDENCE,
    MINUTE,
    OTHER_BOOT,
    SETTINGS,
    end_of,
    idle_hour,
    interval,
    reading,
    readings,
)
from hypothesis import given
from hypothesis import strategies as st

START = 10_000.0
COVER = "readings without a gap cover {} min of 60 min"


def judged(intervals: list[Interval], *, settings: Settings = SETTINGS, late: float = 1.0, **more: Any) -> Verdict:
    return judge(intervals, settings, intervals[-1].end + late, **more)


def test_a_window_without_use_is_idle_since_its_beginning() -> None:
    verdict = judged(idle_hour())

    assert (verdict.state, verdict.since, verdict.rule) == (State.IDLE, interval(0).start, "")
    assert verdict.reason == "nothing happened for 60 min"
    assert (verdict.readings, verdict.newest) == (5, interval(3).end)
    assert verdict.is_idle


def test_the_readings_of_an_hour_are_an_idle_window() -> None:
    assert judged(intervals_of(readings(5))).state is State.IDLE


def test_the_time_of_idleness_is_reported_beyond_the_window() -> None:
    verdict = judged([interval(0, cores=1.0), *(interval(number) for number in range(1, 30))])

    assert (verdict.state, verdict.since, verdict.readings) == (State.IDLE, interval(0).end, 30)
    assert verdict.since_is_known


def test_since_is_a_lower_bound_if_the_readings_only_begin_there() -> None:
    quiet = [interval(number) for number in range(30)]
    rebooted = [replace(interval(number, cores=1.0), boot=OTHER_BOOT) for number in range(2)]

    assert not judged(quiet).since_is_known
    assert not judged([*rebooted, *quiet[2:]]).since_is_known


@pytest.mark.parametrize(("quarters", "told"), [(29, "435 min"), (39, "585 min"), (40, "10 h"), (400, "100 h")])
def test_a_long_time_is_reported_in_hours(quarters: int, told: str) -> None:
    assert judged([interval(number) for number in range(quarters)]).reason == f"nothing happened for {told}"


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("name", EVIDENCE)
def test_use_in_any_interval_of_the_window_is_active(name: str, number: int) -> None:
    hour = idle_hour()
    hour[number] = replace(hour[number], **EVIDENCE[name])
    verdict = judged(hour)

    assert verdict.state is State.ACTIVE
    assert verdict.since is not None
    assert hour[number].start < verdict.since <= hour[number].end
    assert not verdict.is_idle


def test_the_mean_of_the_window_decides_nothing() -> None:
    # One core for five of sixty minutes is 0.08 cores in the mean.
    hour = idle_hour(cores=0.33)

    assert sum(each.cores for each in hour) / 4 < 0.1
    assert judged(hour).state is State.ACTIVE


@pytest.mark.parametrize(("minutes", "state"), [(59, State.ACTIVE), (60, State.IDLE), (61, State.IDLE)])
def test_a_key_counts_until_it_is_as_old_as_the_window(minutes: int, state: State) -> None:
    ages = [(minutes + 15 * (number - 5)) * MINUTE for number in range(1, 6)]
    hour = [interval(number, key_age=age if age >= 0 else None) for number, age in enumerate(ages)]
    verdict = judged(hour)

    assert (verdict.state, verdict.since) == (state, hour[-1].end - minutes * MINUTE)


def test_the_last_use_decides_and_of_several_the_first_rule_of_the_table() -> None:
    hour = idle_hour(cores=1.0, slurm=2)
    hour[1] = replace(hour[1], net=99_000.0)
    verdict = judged(hour)

    assert (verdict.rule, verdict.reason) == ("cores", "1 cores were busy")
    assert [each.rule for each in verdict.findings] == ["cores", "slurm", "net"]


FORGOTTEN = {"kernels": 1, "jobs": (Job("nohup", 80 * 3600.0),)}
DOUBTFUL = {**FORGOTTEN, "doubts": (Doubt("net", "a counter went back"),)}


@pytest.mark.parametrize(
    ("first", "last", "state", "since", "readings_counted", "doubts"),
    [
        (interval(0), FORGOTTEN, State.IDLE, interval(0).start, 5, ()),
        (interval(0, due=1), DOUBTFUL, State.ACTIVE, interval(0).end, 4, ("a counter went back",)),
        (interval(-9, due=1), DOUBTFUL, State.UNKNOWN, interval(-9).end, 4, ("a counter went back",)),
    ],
)
def test_every_verdict_has_its_evidence(
    first: Interval, last: dict[str, Any], state: State, since: float, readings_counted: int, doubts: tuple[str, ...]
) -> None:
    verdict = judged([first, interval(1, cores=0.012345), interval(2), interval(3, **last)])

    assert (verdict.state, verdict.since, verdict.newest) == (state, since, interval(3).end)
    assert (verdict.readings, verdict.doubts) == (readings_counted, doubts)
    assert verdict.losses == ("1 Jupyter kernel", "1 program under nohup, for 80 hours")
    assert (verdict.numbers or {})["cores"] == 0.0123


def test_numbers_are_the_greatest_of_the_window() -> None:
    hour = [interval(-1, cores=9.0), *idle_hour(cores=0.02)]
    hour[2] = replace(hour[2], cores=0.05, net=700.0)

    assert (judged(hour).numbers or {})["cores"] == 0.05
    assert (judged(hour).numbers or {})["net"] == 700


@pytest.mark.parametrize(
    ("hour", "rule", "reason"),
    [
        pytest.param([], "readings", "no reading was taken yet", id="none"),
        pytest.param(intervals_of(readings(1)), "gap", COVER.format(0), id="one"),
        pytest.param(intervals_of(readings(4)), "gap", COVER.format(45), id="too few"),
        pytest.param([*idle_hour()[:2], *idle_hour()[3:]], "gap", COVER.format(15), id="one is missing"),
        pytest.param(intervals_of(readings(3, every=45 * MINUTE)), "gap", COVER.format(0), id="too far apart"),
        pytest.param(
            intervals_of(readings(3, every=30 * MINUTE)),
            "readings",
            "there are 3 readings, and 5 are needed",
            id="too few in an hour",
        ),
        pytest.param([replace(interval(3), uptime=3599.0)], "young", COVER.format(15), id="just booted"),
        pytest.param([replace(interval(3), uptime=3600.0)], "gap", COVER.format(15), id="booted before the window"),
        pytest.param(
            [replace(interval(0, doubts=(Doubt("", "x"),)), boot=OTHER_BOOT), interval(1)],
            "gap",
            COVER.format(15),
            id="a doubt before the boot",
        ),
        pytest.param(
            [*idle_hour()[:2], *(replace(each, boot=OTHER_BOOT) for each in idle_hour()[2:])],
            "gap",
            COVER.format(30),
            id="rebooted between",
        ),
        pytest.param(
            intervals_of([*readings(4), reading(START + 2700)]),
            "evidence",
            "the instance's uptime did not grow",
            id="the same one twice",
        ),
    ],
)
def test_a_window_without_enough_evidence_is_unknown(hour: list[Interval], rule: str, reason: str) -> None:
    verdict = judge(hour, SETTINGS, end_of(hour) if hour else 0.0)

    assert (verdict.state, verdict.rule, verdict.reason) == (State.UNKNOWN, rule, reason)
    assert not verdict.is_idle


def test_a_gap_before_the_window_does_not_matter() -> None:
    verdict = judged([replace(interval(-1), longest_gap=9000.0), *idle_hour()])

    assert (verdict.state, verdict.since, verdict.readings) == (State.IDLE, interval(0).start, 5)


@pytest.mark.parametrize(("gap", "state"), [(5.0, State.IDLE), (5.5, State.UNKNOWN)])
def test_intervals_that_all_but_meet_have_no_gap(gap: float, state: State) -> None:
    hour = idle_hour()
    hour[1] = replace(hour[1], end=hour[1].end - gap)

    assert judged(hour).state is state


def test_a_longer_stretch_makes_up_for_a_reading_that_is_missing() -> None:
    hour = [interval(0), interval(1), replace(interval(3), start=interval(2).start, longest_gap=1800.0), interval(4)]

    assert judged(hour).state is State.IDLE


@pytest.mark.parametrize("number", range(4))
def test_a_doubt_in_the_window_is_unknown_until_it_has_left_it(number: int) -> None:
    hour = idle_hour()
    hour[number] = replace(hour[number], doubts=(Doubt("", "the clock jumped"), Doubt("net", "a counter went back")))
    verdict = judged(hour)

    assert (verdict.state, verdict.rule) == (State.UNKNOWN, "evidence")
    assert verdict.reason == "the clock jumped"
    assert verdict.doubts == ("the clock jumped", "a counter went back")

    later = [*hour, *(interval(each) for each in range(4, number + 5))]
    assert judged(later).state is State.IDLE


def test_a_doubt_of_one_rule_is_none_where_the_rule_is_ignored() -> None:
    hour = idle_hour(doubts=(Doubt("due", "not root"),))

    assert judged(hour).rule == "due"
    assert judged(hour, settings=settings_from({"ignore": ["due"]})).state is State.IDLE


def test_use_is_reported_also_where_something_is_in_doubt() -> None:
    assert judged(idle_hour(cores=1.0, doubts=(Doubt("", "x"),))).state is State.ACTIVE


FUTURE = "the latest reading is from the future: the clock of the controller was set back"


@pytest.mark.parametrize(
    ("late", "rule", "reason"),
    [
        (1800.0, "", "nothing happened for 60 min"),
        (1801.0, "old", "the latest reading is 30 min old"),
        (-5.0, "", "nothing happened for 60 min"),
        (-6.0, "clock", FUTURE),
    ],
)
def test_old_readings_and_those_from_the_future_are_unknown(late: float, rule: str, reason: str) -> None:
    verdict = judged(idle_hour(), late=late)

    assert (verdict.state, verdict.rule) == (State.UNKNOWN if rule else State.IDLE, rule)
    assert verdict.reason == reason


def test_use_before_a_reboot_does_not_make_up_a_window() -> None:
    hour = [interval(0, cores=1.0), replace(interval(1), boot=OTHER_BOOT)]

    assert judged(hour).state is State.ACTIVE
    assert judged([*hour, *(replace(interval(each), boot=OTHER_BOOT) for each in range(2, 5))]).state is State.IDLE


@pytest.mark.parametrize(
    ("seconds", "late", "rule"),
    [
        (1, 1, ""),
        (180, 1, ""),
        (181, 1, "last_look"),
        (90, 180, ""),
        (90, 181, "last_look"),
        (0, 1, "last_look"),
    ],
)
def test_before_an_act_there_has_to_be_a_short_reading_that_is_new(seconds: float, late: float, rule: str) -> None:
    hour = idle_hour()
    last = hour[-1].end
    hour.append(replace(interval(), start=last, end=last + seconds, longest_gap=seconds))
    verdict = judged(hour, late=late, before_act=True)

    assert (verdict.rule, verdict.readings) == (rule, len(hour) + (not rule))
    assert verdict.state is (State.UNKNOWN if rule else State.IDLE)
    assert (verdict.reason == "there was no short reading right before the action") == bool(rule)


def test_use_in_the_last_short_reading_is_active() -> None:
    hour = idle_hour()
    last = hour[-1].end
    hour.append(replace(interval(cores=0.5), start=last, end=last + 60, longest_gap=60))

    assert judged(hour, before_act=True).state is State.ACTIVE


def test_use_that_the_console_shows_is_use() -> None:
    hour = idle_hour()
    found = Finding("console", hour[-1].end - 60, "0.5 cores were busy", 0.5)

    assert judged(hour, console=found).rule == "console"
    assert judge([], SETTINGS, found.at, console=found) == Verdict(
        State.ACTIVE, found.at, "console", "0.5 cores were busy", (found,), numbers={}
    )
    assert judged(hour, console=found, settings=Settings(ignore=frozenset({"console"}))).state is State.IDLE


@pytest.mark.parametrize(("age", "state"), [(3599.0, State.ACTIVE), (3600.0, State.IDLE)])
def test_use_on_the_console_counts_until_it_is_as_old_as_the_window(age: float, state: State) -> None:
    now = end_of(idle_hour())

    assert judge(idle_hour(), SETTINGS, now, console=Finding("console", now - age, "busy", 0.5)).state is state


def test_programs_that_are_lost_with_the_memory_or_no_longer_hold_the_instance_are_named() -> None:
    old = (Job("nohup", 2400 * 3600.0), Job("service", 90 * 3600.0), Job("service", 95 * 3600.0))
    verdict = judged(idle_hour(kernels=3, terminals=1, logins=2, containers=1, jobs=old))

    assert verdict.state is State.IDLE
    assert verdict.losses == (
        "3 Jupyter kernels",
        "1 open terminal",
        "2 ssh connections",
        "1 container",
        "1 program under nohup, for 2400 hours",
        "2 programs run as a person's service, for 90 hours",
    )


def test_a_verdict_is_plain_json() -> None:
    told = judged(idle_hour(cores=1.0)).to_result()

    assert json.loads(json.dumps(told)) == told
    assert told.keys() == {each.name for each in fields(Verdict)}
    assert told["state"] == "active"
    assert told["findings"][0]["rule"] == "cores"
    assert told["numbers"]["cores"] == 1.0
    assert judge([], SETTINGS, 0.0).to_result()["numbers"] == {}


def test_a_replay_has_the_verdict_of_every_moment_also_by_the_hour() -> None:
    day = [interval(number, cores=1.0 if number == 20 else 0.0) for number in range(60)]
    full = {each.interval.end: each.verdict for each in steps(day, SETTINGS)}
    coarse = {each.interval.end: each.verdict for each in steps(hourly(day), SETTINGS)}

    assert [full[interval(number).end].state.value for number in (2, 3, 19, 20, 23, 24, 59)] == (
        ["unknown", "idle", "idle", "active", "active", "idle", "idle"]
    )
    assert {verdict.state for verdict in coarse.values()} == {State.ACTIVE, State.IDLE}
    # Hours are coarser, and never bolder.
    assert all(full[end].is_idle for end, verdict in coarse.items() if verdict.is_idle)


@pytest.mark.parametrize(
    ("changes", "ignored", "is_used", "is_unsure"),
    [
        ({}, [], False, False),
        ({"cores": 1.0}, [], True, False),
        ({"cores": 1.0}, ["cores"], False, False),
        # A key that was pressed before the interval is no use in it.
        ({"key_age": 15 * MINUTE - 1}, [], True, False),
        ({"key_age": 15 * MINUTE}, [], False, False),
        ({"doubts": (Doubt("", "x"),)}, [], False, True),
        ({"doubts": (Doubt("net", "x"),)}, ["net"], False, False),
        ({"doubts": (Doubt("net", "x"),)}, ["disk"], False, True),
        ({"longest_gap": 30 * MINUTE}, [], False, False),
        ({"longest_gap": 30 * MINUTE + 1}, [], False, True),
        ({"cores": 1.0, "doubts": (Doubt("", "x"),)}, [], True, True),
    ],
)
def test_a_step_tells_whether_there_was_use_and_whether_none_could_be_found(
    changes: dict[str, Any], ignored: list[str], is_used: bool, is_unsure: bool
) -> None:
    changed = replace(interval(), **changes)
    [step] = steps([changed], settings_from({"ignore": ignored}))

    assert (step.interval, step.is_used, step.is_unsure) == (changed, is_used, is_unsure)
    assert step.verdict.newest == changed.end


def test_steps_are_those_of_the_intervals_that_end_after_a_time() -> None:
    hour = idle_hour()

    assert [each.interval for each in steps(hour, SETTINGS)] == hour
    assert [each.interval for each in steps(hour, SETTINGS, since=hour[1].end)] == hour[2:]
    assert [each.interval for each in steps(hour, SETTINGS, since=hour[1].end - 1)] == hour[1:]
    # What was before counts for them all the same.
    [last] = steps(hour, SETTINGS, since=hour[2].end)
    assert (last.verdict.state, last.verdict.readings) == (State.IDLE, 5)
    assert list(steps([], SETTINGS)) == []


@pytest.mark.parametrize(("window", "every", "quarters"), [(60, 15, 19), (120, 15, 27), (60, 30, 21)])
def test_a_step_looks_back_for_two_windows_two_intervals_and_two_hours(window: int, every: int, quarters: int) -> None:
    settings = Settings(window_minutes=window, interval_minutes=every)
    known = [interval(number) for number in range(60)]
    begins = [round((each.verdict.since or 0.0) - known[0].start) // 900 for each in steps(known, settings)][8:]

    # One more than those that end in that time: the one that was under way when it began.
    assert begins == [max(0, number + 1 - quarters) for number in range(8, 60)]


def test_a_verdict_in_doubt_is_unknown_only_if_it_was_idle() -> None:
    idle, active = judged(idle_hour(kernels=1)), judged(idle_hour(cores=1.0))
    doubted = idle.in_doubt("hosts", "two hosts have this name")

    assert doubted == replace(
        idle,
        state=State.UNKNOWN,
        since=None,
        rule="hosts",
        reason="two hosts have this name",
        doubts=("two hosts have this name",),
    )
    assert (doubted.losses, doubted.readings, doubted.newest) == (("1 Jupyter kernel",), 5, idle.newest)
    unknown = judge([], SETTINGS, 0.0)
    assert [each.in_doubt("hosts", "x") for each in (active, unknown)] == [active, unknown]


def test_a_doubt_that_several_share_is_reported_once() -> None:
    hour = idle_hour(doubts=(Doubt("", "the clock jumped"), Doubt("net", "the clock jumped"), Doubt("due", "no root")))

    assert judged(hour).doubts == ("the clock jumped", "no root")


# Numbers as they may be in an interval, most of them below the limits.
_NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "cores": st.floats(0, 0.2),
        "iowait": st.floats(0, 0.5),
        "net": st.floats(0, 20_000),
        "disk": st.floats(0, 2_000_000),
        "disk_busy": st.floats(0, 0.4),
        "accepted": st.floats(0, 60),
        "web_ports": st.sets(st.sampled_from([22, 80, 8080])).map(tuple),
        "published": st.lists(st.builds(Rate, st.sampled_from([80, 49528]), st.floats(0, 60)), max_size=2).map(tuple),
        "client_ports": st.sets(st.sampled_from([80, 49528])).map(tuple),
        "datagrams": st.floats(0, 120),
        "udp_ports": st.sets(st.sampled_from([53, 514])).map(tuple),
        "viewer": st.floats(0, 1000),
        "ssh": st.lists(st.builds(SshUse, st.floats(0, 400), st.floats(0, 3600)), max_size=2).map(tuple),
        "key_age": st.one_of(st.none(), st.floats(0, 10_000)),
        "busy_kernels": st.integers(0, 1),
        "jupyter_age": st.one_of(st.none(), st.floats(0, 10_000)),
        "jobs": st.lists(st.builds(Job, st.just("nohup"), st.floats(0, 500_000)), max_size=2).map(tuple),
        "slurm": st.integers(0, 1),
        "due": st.integers(0, 1),
        "inhibitors": st.integers(0, 1),
        "gpu": st.integers(0, 10),
        "gpu_untold": st.integers(0, 1),
        "doubts": st.lists(st.builds(Doubt, st.sampled_from(["", "net"]), st.just("x")), max_size=1).map(tuple),
    },
)
_GROWN = st.sampled_from([*EVIDENCE, "nothing"])


def _more(found: Interval, name: str, by: float) -> Interval:
    """Return an interval with more evidence of use in one respect, and less in none."""
    changes: dict[str, Any] = {}
    for field, value in EVIDENCE.get(name, {}).items():
        old = getattr(found, field)
        if isinstance(value, tuple):
            changes[field] = (*old, *value)
        elif field.endswith("_age"):
            changes[field] = min(value * by, value * by if old is None else old)
        elif isinstance(value, int):
            changes[field] = old + int(value * by)
        else:
            changes[field] = old + value * by
    return replace(found, **changes)


@given(st.lists(_NUMBERS, min_size=1, max_size=8), st.data())
def test_more_evidence_of_use_never_makes_an_instance_idle(numbers: list[dict[str, Any]], data: st.DataObject) -> None:
    before = [interval(number, **each) for number, each in enumerate(numbers)]
    after = list(before)
    for number in range(len(after)):
        after[number] = _more(after[number], data.draw(_GROWN), data.draw(st.floats(0, 3)))

    if judged(after).is_idle:
        assert judged(before).is_idle


@given(st.lists(_NUMBERS, min_size=4, max_size=8), st.integers(0, 7))
def test_a_reading_that_is_missing_never_makes_an_instance_idle(numbers: list[dict[str, Any]], number: int) -> None:
    before = [interval(each, **found) for each, found in enumerate(numbers)]
    after = [each for position, each in enumerate(before) if position != number]

    # A reading that is missing at the end may have shown use, and only the newest says so.
    if number < len(before) - 1 and judged(after).is_idle:
        assert judged(before).is_idle or number < len(before) - 4


@given(st.lists(_NUMBERS, min_size=4, max_size=9))
def test_hours_never_hide_the_use_in_their_intervals(numbers: list[dict[str, Any]]) -> None:
    full = [interval(number, **each) for number, each in enumerate(numbers)]

    if judged(hourly(full)).is_idle:
        assert judged(full).is_idle


@given(st.lists(_NUMBERS, min_size=1, max_size=30), st.sampled_from([15, 30, 60, 240]), st.sampled_from([5, 15, 60]))
def test_a_step_has_the_verdict_of_all_that_was_known(numbers: list[dict[str, Any]], window: int, every: int) -> None:
    settings = Settings(window_minutes=window, interval_minutes=every)
    known = hourly([interval(number, **each) for number, each in enumerate(numbers)])
    found = [each.verdict.state for each in steps(known, settings)]

    assert found == [judge(known[: number + 1], settings, each.end).state for number, each in enumerate(known)]


@given(st.floats(0, 100_000), st.floats(-10, 10_000))
def test_nothing_is_idle_before_a_whole_window(uptime: float, late: float) -> None:
    hour = intervals_of(readings(4, start=uptime))

    assert not judge(hour, SETTINGS, BOOTED + uptime + late).is_idle
