# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The console's lines are untrusted text: they can prove use, and that nothing computed, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.console import (
    Line,
    judge_by_console,
    lines_of,
    use_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import Settings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import State
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Flavor
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.console_lines import NOW, line, log
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.console_rates import (
    EMPTY,
    JOBS,
    share_called_active,
)
from hypothesis import given
from hypothesis import strategies as st

SETTINGS = Settings()
FOUR, EIGHT = Flavor("m3.quad", vcpus=4), Flavor("m3.medium", vcpus=8)


def by_console(text: str, flavor: Flavor = EIGHT, *, now: float = NOW + 5) -> tuple[State, str]:
    verdict = judge_by_console(text, flavor, SETTINGS, now)
    return verdict.state, verdict.reason


def test_lines_are_found_among_all_else_with_and_without_the_time_of_the_kernel() -> None:
    text = f"Debian GNU/Linux 12 login:\r\n{line()}\r\n[ 2915.727779] {line(epoch=1_795_000_060, cpuPctUsed=7)}\r\nbye"

    assert lines_of(text) == [Line(1_795_000_000, 12, None), Line(1_795_000_060, 7, None)]


def test_lines_are_put_in_order_and_of_two_for_one_second_the_busier_one_counts() -> None:
    text = "\n".join([line(epoch=1_795_000_060), line(cpuPctUsed=0), line(cpuPctUsed=9), line(cpuPctUsed=3)])

    assert [(each.epoch, each.cpu) for each in lines_of(text)] == [(1_795_000_000, 9), (1_795_000_060, 12)]


def test_the_busiest_gpu_counts() -> None:
    assert lines_of(line(gpuPctUsed=[0, 44, 3])) == [Line(1_795_000_000, 12, 44)]


@pytest.mark.parametrize(
    "text",
    [
        line(cpuPctUsed=-1),
        line(cpuPctUsed=101),
        line(cpuPctUsed=12.5),
        line(cpuPctUsed="12"),
        line(cpuPctUsed=True),
        line(cpuPctUsed=None),
        line(memPctUsed=101),
        line(rootfsPctUsed=[]),
        line(epoch=-5),
        line(epoch=10**40),
        line(epoch=1.5e9),
        line(epoch=True),
        line(gpuPctUsed=[]),
        line(gpuPctUsed=[0] * 17),
        line(gpuPctUsed=[400]),
        line(gpuPctUsed=["0"]),
        line(gpuPctUsed=0),
        line(more=1),
        line().replace('"memPctUsed": 34, ', ""),
        line().replace("{", '{"cpuPctUsed": 0, '),
        line().replace("12", "NaN"),
        line().replace("12", "1e1"),
        line()[:-1],
        f"{line()} # idle",
        f"user says: {line()}",
        f"[{line()}]",
        line().replace("{", "{" + " " * 900),
        "[" * 390,
        "{" * 390,
    ],
)
def test_a_line_that_exosphere_would_not_print_is_no_line(text: str) -> None:
    assert lines_of(text) == []


@given(st.text(max_size=500))
def test_no_text_fails(text: str) -> None:
    assert isinstance(lines_of(f"{text}\n{line()}\n{text}"), list)


def test_a_mean_in_busy_cores_proves_use_on_an_instance_of_any_size() -> None:
    # One core of 64: 1.6 per cent, which is shown as 2 or 1.
    use = use_of(log([2, 1, 2] * 20), vcpus=64, settings=SETTINGS, now=NOW)

    assert use.finding is not None
    assert (use.lines, use.newest, use.finding.at) == (60, NOW, NOW)
    assert use.cores == pytest.approx(64 * 5 / 3 / 100)
    assert use.finding.text == "1.1 cores were busy on average over 60 lines of the console"


def test_use_in_the_last_minutes_is_not_hidden_by_the_mean_of_the_window() -> None:
    use = use_of(log([0] * 55 + [7] * 5), vcpus=4, settings=SETTINGS, now=NOW)

    assert use.cores is not None
    assert use.cores < SETTINGS.console_cores
    assert use.finding is not None
    assert use.finding.text == "0.28 cores were busy on average over 5 lines of the console"


def test_one_poll_proves_nothing() -> None:
    assert use_of(log([100]), vcpus=8, settings=SETTINGS, now=NOW).finding is None


def test_a_gpu_that_was_loaded_at_any_reading_is_used_since_then() -> None:
    loaded = log([0] * 10, gpu=[0, 60], end=NOW - 600)
    use = use_of(loaded + log([0] * 10, gpu=[0, 0]), vcpus=8, settings=SETTINGS, now=NOW)

    assert use.finding is not None
    assert (use.finding.at, use.finding.value) == (NOW - 600, 60)


def test_lines_from_the_future_and_from_before_the_window_are_left_out() -> None:
    text = log([50] * 60, end=NOW - 3700) + log([50] * 60, end=NOW + 99_999)
    use = use_of(text, vcpus=8, settings=SETTINGS, now=NOW)

    assert (use.lines, use.finding) == (0, None)


def test_a_quiet_hour_is_idle_by_the_console() -> None:
    verdict = judge_by_console(log([1, 0, 0] * 20), EIGHT, SETTINGS, NOW + 5)

    assert (verdict.state, verdict.since, verdict.rule) == (State.IDLE, NOW + 5 - 3600, "console_only")
    assert verdict.reason == "by the console alone, 0.03 cores were busy on average over 60 lines"
    assert verdict.caveat == "The console does not show interactive use, transfers and waiting jobs."


@pytest.mark.parametrize(
    ("percents", "is_known"),
    [
        # The text only begins there.
        ([0] * 360, False),
        ([0] * 200 + [10] + [0] * 159, False),
        ([50] * 100 + [0] * 200, True),
        ([0] * 100 + [50] * 10 + [0] * 200, True),
        ([0] * 100 + [4] * 60 + [0] * 200, True),
    ],
)
def test_since_is_a_lower_bound_if_the_console_shows_no_use_before(percents: list[int], is_known: bool) -> None:
    verdict = judge_by_console(log(percents), FOUR, SETTINGS, NOW)

    assert (verdict.state, verdict.since_is_known) == (State.IDLE, is_known)


def test_since_is_a_lower_bound_after_time_without_lines() -> None:
    text = log([50] * 200, end=NOW - 120 * 60 - 700) + log([0] * 120)

    assert not judge_by_console(text, FOUR, SETTINGS, NOW).since_is_known


@pytest.mark.parametrize(
    ("percents", "minutes"),
    [
        ([0] * 360, 360),
        ([1, 0, 0] * 120, 360),
        # Until five minutes in a row were used, ten minutes long, or in the mean of an hour.
        ([50] * 100 + [0] * 200, 200),
        ([0] * 100 + [50] * 10 + [0] * 200, 200),
        ([0] * 100 + [4] * 60 + [0] * 200, 200),
        # A single look at a program that starts is no use.
        ([0] * 200 + [10] + [0] * 159, 360),
        # Use in the last window is hidden by its mean, and the window has to be whole.
        ([0] * 30 + [7] * 5 + [0] * 25, 60),
    ],
)
def test_an_instance_is_idle_since_the_console_last_showed_use(percents: list[int], minutes: int) -> None:
    verdict = judge_by_console(log(percents), FOUR, SETTINGS, NOW)

    assert verdict.state is State.IDLE
    assert verdict.since is not None
    assert (NOW - verdict.since) / 60 == pytest.approx(minutes, abs=4)


def test_time_without_lines_is_not_idle() -> None:
    text = log([0] * 200, end=NOW - 120 * 60 - 700) + log([0] * 120)
    verdict = judge_by_console(text, FOUR, SETTINGS, NOW)

    assert verdict.since is not None
    assert (NOW - verdict.since) / 60 == pytest.approx(120, abs=11)


@pytest.mark.parametrize(("late", "rule"), [(170, "console_only"), (190, "last_look")])
def test_before_an_act_the_newest_line_has_to_be_of_just_now(late: float, rule: str) -> None:
    verdict = judge_by_console(log([0] * 60), EIGHT, SETTINGS, NOW + late, before_act=True)

    assert (verdict.rule, verdict.is_idle) == (rule, rule == "console_only")


@pytest.mark.parametrize(
    ("percents", "late", "used"),
    [([0] * 55 + [50] * 5, 5, True), ([50] * 55 + [0] * 5, 5, False), ([50] * 60, 200, False), ([50] * 4, 5, False)],
)
def test_use_of_this_moment_is_in_the_last_lines(percents: list[int], late: float, used: bool) -> None:
    assert use_of(log(percents), vcpus=8, settings=SETTINGS, now=NOW + late).is_used_now is used


@pytest.mark.parametrize(
    ("text", "flavor", "reason"),
    [
        pytest.param("", EIGHT, "created without Exosphere? Take readings with activity", id="none"),
        pytest.param("Ubuntu 24.04 login:", EIGHT, "no lines of Exosphere", id="other image"),
        pytest.param(log([0] * 29), EIGHT, "29 lines of Exosphere in the window, and 30", id="few"),
        pytest.param(log([0] * 60, end=NOW - 700), EIGHT, "is 12 min old, and the limit is 10 min", id="guest hangs"),
        pytest.param(
            log([0] * 60, end=NOW - 3 * 3600), EIGHT, "is 180 min old, and the limit is 10 min", id="hangs for hours"
        ),
        pytest.param(
            log([0] * 60, end=NOW - 30 * 3600), EIGHT, "is 30 h old, and the limit is 10 min", id="hangs for a day"
        ),
        pytest.param(log([0] * 60, end=NOW + 9 * 3600), EIGHT, "the console are from the future", id="clock"),
        pytest.param(log([0] * 35), EIGHT, "lines of the console are missing", id="log was rotated"),
        pytest.param(log([0] * 20, end=NOW - 2400) + log([0] * 20), EIGHT, "of the console are missing", id="gap"),
        pytest.param(log([0] * 60), Flavor("m3.2xl", vcpus=64), "not enough evidence for 64 vCPUs", id="large"),
        pytest.param(log([0] * 60), Flavor("g3.small", vcpus=4), "not enough evidence for a GPU", id="GPU"),
        pytest.param(log([0] * 60), Flavor("p9.x", vcpus=4), "the flavor p9.x is unknown", id="family"),
        pytest.param(log([0] * 60), Flavor("m3.x"), "the flavor m3.x is unknown", id="cores"),
    ],
)
def test_a_console_that_has_too_little_is_unknown(text: str, flavor: Flavor, reason: str) -> None:
    state, why = by_console(text, flavor)

    assert state is State.UNKNOWN
    assert reason in why


def test_a_busy_hour_is_active_by_the_console() -> None:
    assert by_console(log([3] * 60)) == (State.ACTIVE, "0.24 cores were busy on average over 60 lines of the console")


@pytest.mark.parametrize("vcpus", [1, 4, 8, 32])
def test_an_empty_instance_is_rarely_called_active_by_the_console(vcpus: int) -> None:
    assert share_called_active(vcpus, EMPTY, windows=200) <= 0.06


@pytest.mark.parametrize("vcpus", [1, 8, 32])
def test_a_job_on_one_core_is_never_missed_by_the_console(vcpus: int) -> None:
    assert share_called_active(vcpus, JOBS["1 core"], windows=200) == 1
