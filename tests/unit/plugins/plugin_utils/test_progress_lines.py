# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that a person reads while a task works on a fleet."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.progress import Completion, Progress
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.progress_lines import ProgressLines
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock


class Screen:
    """Progress lines, and their output."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.said: list[str] = []
        self.lines = ProgressLines(self.said.append, self.clock, whose="localhost")

    def report(
        self, *, ended: int, total: int = 100, failed: int = 0, sent: int = 0, completed: Sequence[Completion] = ()
    ) -> list[str]:
        """Return the lines for a report."""
        before = len(self.said)
        late = tuple(f"node-{number} ({number})" for number in range(ended, total))
        self.lines.report(
            Progress("stopped", total, ended, failed, sent, self.clock.monotonic(), tuple(completed), late)
        )
        return self.said[before:]

    def beat(self, seconds: float) -> list[str]:
        """Return the lines after a number of seconds without news."""
        before = len(self.said)
        self.clock.sleep(seconds)
        self.lines.beat()
        return self.said[before:]


@pytest.fixture
def screen() -> Screen:
    return Screen()


def arrivals(count: int, *, failed: int = 0) -> list[Completion]:
    bad = [Completion(f"bad-{number} ({number})", "is in error", failed=True) for number in range(failed)]
    return [
        *bad,
        *(Completion(f"node-{number} ({number})", "stop done", failed=False) for number in range(count - failed)),
    ]


def test_reports_first_how_many_there_are_to_wait_for(screen: Screen) -> None:
    assert screen.report(ended=60) == ["[localhost] 40 of 100 instances to be stopped"]


@pytest.mark.parametrize(("ended", "total"), [(100, 100), (0, 0), (0, 1)])
def test_reports_nothing_first_where_there_is_nothing_to_wait_for_or_one(
    screen: Screen, ended: int, total: int
) -> None:
    assert screen.report(ended=ended, total=total, completed=arrivals(ended)) == []


def test_reports_each_arrival_while_there_are_few(screen: Screen) -> None:
    screen.report(ended=0)
    screen.clock.sleep(65)
    assert screen.report(ended=3, failed=1, completed=arrivals(3, failed=1)) == [
        "[localhost] bad-0 (0) failed: is in error (1 of 100, 1 min 5 s)",
        "[localhost] node-0 (0): stop done (2 of 100, 1 min 5 s)",
        "[localhost] node-1 (1): stop done (3 of 100, 1 min 5 s)",
    ]


def test_many_completions_are_counted_and_failures_named(screen: Screen) -> None:
    screen.report(ended=0)
    assert screen.report(ended=90, failed=5, completed=arrivals(90, failed=5)) == [
        "[localhost] 90 of 100, 5 failed, after 0 s",
        "[localhost] bad-0 (0) failed: is in error",
        "[localhost] bad-1 (1) failed: is in error",
        "[localhost] bad-2 (2) failed: is in error",
        "[localhost] and 2 more failed",
    ]


def test_reports_that_it_goes_on_after_ten_seconds_without_a_line(screen: Screen) -> None:
    screen.report(ended=95, sent=100)
    assert screen.beat(9.5) == []
    assert screen.beat(1) == [
        "[localhost] 95 of 100 after 10 s, waiting for node-95 (95), node-96 (96), node-97 (97) and 2 more"
    ]
    assert screen.beat(9) == []
    assert screen.beat(2) == [
        "[localhost] 95 of 100 after 22 s, waiting for node-95 (95), node-96 (96), node-97 (97) and 2 more"
    ]


def test_reports_how_many_have_been_sent_while_that_goes_on(screen: Screen) -> None:
    screen.report(ended=0)
    assert screen.report(ended=0, sent=30) == []
    assert "0 of 100 after 11 s, 30 sent, waiting for node-0" in screen.beat(11)[0]


def test_reports_that_it_still_reads_where_nothing_was_reported_yet(screen: Screen) -> None:
    assert screen.beat(11) == ["[localhost] still reading the instances, after 11 s"]


def test_is_silent_once_all_have_arrived(screen: Screen) -> None:
    screen.report(ended=100)
    assert screen.beat(60) == []


def test_a_name_cannot_steer_the_terminal_or_make_up_lines(screen: Screen) -> None:
    screen.report(ended=0)
    evil = Completion("x\x1b[2J\nok: [localhost]", "stop done", failed=False)
    assert screen.report(ended=1, completed=[evil]) == [
        "[localhost] x\ufffd[2J ok: [localhost]: stop done (1 of 100, 0 s)"
    ]


def test_the_heart_stops_with_the_work(screen: Screen) -> None:
    with screen.lines.kept_alive():
        screen.clock.sleep(60)
    said = len(screen.said)
    screen.clock.sleep(60)
    assert len(screen.said) == said
