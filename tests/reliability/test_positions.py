# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault, or another run, at one request: some of the positions of each task.

``./dev reliability --positions all`` tries each fault at each request.
"""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.tests.reliability.positions.series import SERIES
from ansible_collections.jetstream.cloud.tests.reliability.positions.trials import Position, drawn, met, strike

_OF_EACH = 3
# The requests before which another run does its whole work.
_MOMENTS = (2, 5, 9)
_PAIRS = [
    *((each, each) for each in SERIES),
    ("launch of 3", "deletion by a template"),
    ("Atmosphere: launch of 3", "Atmosphere: deletion by a template"),
]
# What was found by trying all positions, and mended.
_MENDED = [
    Position("deletion by a template", 1, "rows without names"),
    Position("image deleted", 1, "rows without names"),
    Position("launch or rename", 1, "first row missing"),
    Position("volume deleted", 1, "rows without names"),
    Position("volume without a wait", 1, "last row missing"),
    Position("Atmosphere: count lowered", 1, "rows without names"),
    Position("Atmosphere: deletion by a template", 1, "rows without names"),
    Position("Atmosphere: deletion with volumes", 3, "last row missing"),
    Position("Atmosphere: deletion with volumes", 4, "last row missing"),
    Position("Atmosphere: launch or rename", 1, "empty list"),
    Position("Atmosphere: project changed", 1, "empty list"),
    Position("Atmosphere: project deleted", 1, "rows without names"),
    Position("Atmosphere: rename", 3, "409 of nova, carried out"),
    Position("Atmosphere: stopped", 2, "empty list"),
    Position("Atmosphere: volume", 5, "maintenance"),
    Position("Atmosphere: volume deleted", 1, "rows without names"),
    Position("Atmosphere: volume detached", 6, "403 of nova, carried out"),
    Position("Atmosphere: volume without a wait", 1, "last row missing"),
]


@pytest.mark.parametrize("series", SERIES)
def test_one_fault_at_one_request_leaves_no_twin_and_no_orphan_and_is_reported(series: str) -> None:
    struck = [strike(each) for each in drawn([series], _OF_EACH, seed=20261126)]
    assert [sentence for each in struck for sentence in each.broken] == []
    assert any(each.struck for each in struck)


@pytest.mark.parametrize("position", _MENDED, ids=str)
def test_a_mended_defect_does_not_come_back(position: Position) -> None:
    tried = strike(position)
    assert list(tried.broken) == []
    assert tried.struck


def test_a_volume_of_an_instance_that_another_run_has_deleted_is_deleted() -> None:
    name = "Atmosphere: deletion with volumes"
    tried = met(name, name, 5)
    assert list(tried.broken) == []
    assert tried.struck


@pytest.mark.parametrize(("first", "second"), _PAIRS)
def test_two_runs_at_once_leave_no_twin_and_none_fails_for_the_other(first: str, second: str) -> None:
    ran = [met(first, second, request) for request in _MOMENTS]
    assert [sentence for each in ran for sentence in each.broken] == []
    assert any(each.struck for each in ran)
