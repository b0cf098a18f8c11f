# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replay shows the decisions of the rules on old readings, and claims no more than the readings show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import (
    HOUR,
    Doubt,
    Interval,
    hourly,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.replay import (
    DAY,
    Ending,
    Replay,
    ReplayedInstance,
    Stretch,
    replay_result,
    span_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.replay import replay as replay_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import Settings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import judge
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import (
    MINUTE,
    OTHER_BOOT,
    SETTINGS,
    interval,
)
from hypothesis import given
from hypothesis import strategies as st

QUARTER = 15 * MINUTE
START = interval(0).start
DOUBT = {"doubts": (Doubt("", "x"),)}


def quarters(count: int, changes: Mapping[int, Mapping[str, Any]] | None = None) -> list[Interval]:
    """Return so many idle intervals of a quarter of an hour, some of them changed."""
    return [interval(number, **(changes or {}).get(number, {})) for number in range(count)]


def replayed(intervals: Sequence[Interval], settings: Settings = SETTINGS, grace: float = HOUR, **more: Any) -> Replay:
    return replay_of(intervals, settings, **{"since": 0.0, "now": intervals[-1].end + 1, "grace": grace, **more})


def as_tuple(found: Stretch) -> tuple[Any, ...]:
    """Return the times of a stretch in quarters of an hour since the first reading."""
    times = (found.warned, found.put_away, found.used_from, found.used_by)
    return (found.ending.value, *(None if each is None else (each - START) / QUARTER for each in times))


BUSY = {"cores": 1.0}


@pytest.mark.parametrize(
    ("changes", "stretches"),
    [
        pytest.param({}, [("away", 4, 8, None, None)], id="nothing happened"),
        pytest.param(dict.fromkeys(range(40), BUSY), [], id="busy"),
        # Warned after the window, and used in the grace time: spared, and warned again after a window.
        pytest.param({5: BUSY}, [("spared", 4, None, None, None), ("away", 10, 14, None, None)], id="in the grace"),
        pytest.param({8: BUSY}, [("used", 4, 8, 8, 9), ("away", 13, 17, None, None)], id="right after the act"),
        pytest.param({12: BUSY}, [("used", 4, 8, 12, 13), ("away", 17, 21, None, None)], id="an hour after the act"),
        pytest.param({30: BUSY}, [("used", 4, 8, 30, 31), ("away", 35, 39, None, None)], id="much later"),
        pytest.param({34: BUSY}, [("used", 4, 8, 34, 35), ("warned", 39, None, None, None)], id="grace not over"),
        pytest.param({20: DOUBT}, [("unknown", 4, 8, None, None), ("away", 25, 29, None, None)], id="a doubt"),
        pytest.param({6: DOUBT}, [("spared", 4, None, None, None), ("away", 11, 15, None, None)], id="a doubt before"),
        pytest.param({8: {**BUSY, **DOUBT}}, [("used", 4, 8, 8, 9), ("away", 13, 17, None, None)], id="both"),
    ],
)  # fmt: skip
def test_warnings_acts_and_uses_are_those_of_the_rules(
    changes: Mapping[int, Mapping[str, Any]], stretches: list[tuple[Any, ...]]
) -> None:
    assert [as_tuple(each) for each in replayed(quarters(40, changes)).stretches] == stretches


def test_a_boot_after_the_act_is_a_use_by_somebody() -> None:
    known = quarters(40)
    woken = known[20].end
    known[20:] = [replace(each, boot=OTHER_BOOT) for each in known[20:]]
    known[20] = replace(known[20], start=woken, longest_gap=0.0)
    [first, second] = replayed(known).stretches
    assert as_tuple(first) == ("started", 4, 8, 20, 21)
    assert as_tuple(second)[0] == "away"


def test_readings_that_stop_save_nothing_until_they_go_on_for_a_window() -> None:
    known = quarters(12) + quarters(60)[40:]
    [first, second] = replayed(known).stretches
    assert as_tuple(first) == ("unknown", 4, 8, None, None)
    assert (first.end - START) / QUARTER == 12
    assert as_tuple(second)[:3] == ("away", 44, 48)
    long_gap = [*quarters(12), replace(interval(40), start=interval(11).end, longest_gap=7 * HOUR)]
    assert [each.ending for each in replayed(long_gap).stretches] == [Ending.UNKNOWN]
    assert replayed(long_gap).unknown == 29 * QUARTER


def test_without_a_grace_time_a_warning_is_an_act() -> None:
    assert as_tuple(replayed(quarters(10), grace=0.0).stretches[0]) == ("away", 4, 4, None, None)


def test_a_use_is_soon_if_it_may_have_begun_within_an_hour() -> None:
    soon = {number: replayed(quarters(40, {number: BUSY})).stretches[0].used_soon for number in (8, 11, 12, 30)}
    assert soon == {8: True, 11: True, 12: False, 30: False}


def test_readings_before_the_span_are_evidence_and_cause_no_act() -> None:
    known = quarters(40)
    found = replayed(known, since=known[20].start)
    assert [as_tuple(each) for each in found.stretches] == [("away", 21, 25, None, None)]
    assert (found.first, found.known) == (known[20].start, 20 * QUARTER)
    assert replayed(known, since=known[-1].end) == Replay((), None, 0.0, 0.0, 0.0)


def test_other_settings_are_tried_on_the_same_readings() -> None:
    known = quarters(40, {number: {"cores": 0.15} for number in range(20)})
    assert as_tuple(replayed(known).stretches[0])[:2] == ("away", 24)
    assert as_tuple(replayed(known, Settings(cores=0.2)).stretches[0])[:2] == ("away", 4)
    assert as_tuple(replayed(known, Settings(window_minutes=120)).stretches[0])[:2] == ("away", 28)


def test_hours_are_known_to_an_hour_and_say_so() -> None:
    full = quarters(40, {30: BUSY})
    [stretch, *_later] = replayed(hourly(full)).stretches
    assert stretch.by_hour
    [exact, *_later] = replayed(full).stretches
    assert not exact.by_hour
    # The use has begun no earlier than the hours tell, and nothing is saved after that.
    assert stretch.used_from is not None
    assert exact.used_from is not None
    assert stretch.used_from <= exact.used_from < (stretch.used_by or 0)
    assert stretch.saved_hours <= exact.saved_hours
    assert replayed(hourly(full)).by_hour > 0


def test_spans_are_hours_days_or_weeks_of_a_month_at_most() -> None:
    assert (span_of("30d"), span_of("12h"), span_of(" 2W ")) == (30 * DAY, 12 * HOUR, 14 * DAY)
    for text in ("", "30", "d", "0d", "31d", "-1d", "1y", "1.5d", "٣d", "99999w"):
        with pytest.raises(ConfigurationError, match="Write 30d, 12h or 2w"):
            span_of(text)


def an_instance_with(intervals: Sequence[Interval], name: str = "web", su: Decimal | None = Decimal(2)) -> Any:
    return ReplayedInstance(1, "u", name, "johndoe", su, replayed(intervals))


def test_the_sums_and_sentences_are_those_of_the_instances() -> None:
    rows = [
        an_instance_with(quarters(40, {8: BUSY})),
        an_instance_with(quarters(40), "db"),
        an_instance_with(quarters(40), "odd", None),
        ReplayedInstance(4, "v", "new", "johndoe", Decimal(2), Replay((), None, 0.0, 0.0, 0.0)),
    ]
    found = replay_result(rows, since=START, grace=HOUR)
    assert json.loads(json.dumps(found)) == found
    sums = found["summary"]
    assert (sums["warned"], sums["put_away"], sums["used_soon"], sums["spared"]) == (4, 4, 1, 0)
    # 23 and 32 quarters at 2 SU an hour.
    assert [each["saved_su"] for each in found["instances"]] == [11.5, 16, None, 0]
    assert (sums["saved_su"], sums["saved_hours"], sums["without_readings"]) == (27.5, 21.75, 1)
    assert sums["sentences"] == [
        "4 instances, 1.2 days of readings: 4 warnings, 0 spared in the grace time, 4 actions.",
        "That would have saved 27.5 SU, without 1 of unknown cost, in 21.75 hours.",
        "Used again within an hour: 1 of 4, web (1).",
        "1 instance had no readings in that time.",
        "The replay ignores locks, keep marks and other vetoes, whose past is unknown.",
    ]
    assert found["instances"][0]["stretches"][0] == {
        "warned": "2026-11-18T14:53:20Z",
        "put_away": "2026-11-18T15:53:20Z",
        "ending": "used",
        "used_from": "2026-11-18T15:53:20Z",
        "used_by": "2026-11-18T16:08:20Z",
        "used_soon": True,
        "saved_hours": 0.0,
        "saved_su": 0,
        "hourly": False,
    }


def test_hourly_and_unknown_times_are_reported() -> None:
    coarse = hourly(quarters(40, {20: DOUBT}))
    said = " ".join(replay_result([an_instance_with(coarse)], since=START, grace=HOUR)["summary"]["sentences"])
    assert "only hourly figures are left" in said
    assert "For 0.25 hours the use is unknown" in said
    nothing = replay_result([], since=START, grace=HOUR)["summary"]["sentences"]
    assert nothing[0].startswith("0 instances, 0.0 days of readings: 0 warnings")


_NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "cores": st.sampled_from([0.0, 0.05, 0.3]),
        "doubts": st.sampled_from([(), (Doubt("", "x"),)]),
        "key_age": st.one_of(st.none(), st.floats(0, 5000)),
    },
)
_KNOWN = st.lists(st.one_of(st.just({}), st.just({}), _NUMBERS), min_size=1, max_size=60)
_GRACE = st.sampled_from([0.0, 900.0, 3600.0, 9000.0])


@given(_KNOWN, _GRACE, st.sampled_from([15, 60, 240]))
def test_an_act_is_never_claimed_where_the_verdict_was_not_idle(
    numbers: list[dict[str, Any]], grace: float, window: int
) -> None:
    settings = Settings(window_minutes=window)
    known = [interval(number, **each) for number, each in enumerate(numbers)]
    for stretch in replayed(known, settings, grace).stretches:
        ends = [stretch.warned] if stretch.put_away is None else [stretch.warned, stretch.put_away]
        for end in ends:
            assert judge([each for each in known if each.end <= end], settings, end).is_idle
        if stretch.put_away is not None:
            assert stretch.put_away - stretch.warned >= grace


@given(_KNOWN, _GRACE)
def test_savings_are_never_more_than_the_time_in_which_nothing_happened(
    numbers: list[dict[str, Any]], grace: float
) -> None:
    known = [interval(number, **each) for number, each in enumerate(numbers)]
    saved = sum(each.saved_hours for each in replayed(known, grace=grace).stretches)
    quiet = sum(each.length for each in known if each.cores < 0.1 and not each.doubts) / HOUR
    assert saved <= quiet
    # A longer grace time saves no more, and hours save no more than what they were made of.
    assert sum(each.saved_hours for each in replayed(known, grace=grace + 1800).stretches) <= saved + 1e-6
    assert sum(each.saved_hours for each in replayed(hourly(known), grace=grace).stretches) <= quiet + 1e-6


@given(_KNOWN, _GRACE, st.integers(0, 59))
def test_stretches_follow_each_other(numbers: list[dict[str, Any]], grace: float, missing: int) -> None:
    known = [interval(number, **each) for number, each in enumerate(numbers) if number != missing]
    if not known:
        return
    found = replayed(known, grace=grace).stretches
    times = [time for each in found for time in (each.warned, each.put_away, each.end) if time is not None]
    assert times == sorted(times)
    # Only the last one may be open.
    assert not any(each.ending in (Ending.AWAY, Ending.WARNED) for each in found[:-1])
