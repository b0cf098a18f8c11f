# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault, or another run, at one request: some of the positions of each task.

``./dev reliability --positions all`` tries each fault at each request.
"""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.tests.reliability.positions.series import SERIES
from ansible_collections.jetstream.cloud.tests.reliability.positions.trials import drawn, met, strike

_OF_EACH = 8
# The requests before which another run does its whole work.
_MOMENTS = (1, 2, 3, 5, 8, 13)
_PAIRS = [*((each, each) for each in SERIES), ("launch of 3", "deletion by a template")]


@pytest.mark.parametrize("series", SERIES)
def test_one_fault_at_one_request_leaves_no_twin_and_no_orphan_and_is_told(series: str) -> None:
    struck = [strike(each) for each in drawn([series], _OF_EACH, seed=20261126)]
    assert [sentence for each in struck for sentence in each.broken] == []
    assert any(each.struck for each in struck)


@pytest.mark.parametrize(("first", "second"), _PAIRS)
def test_two_runs_at_once_leave_no_twin_and_none_fails_for_the_other(first: str, second: str) -> None:
    ran = [met(first, second, request) for request in _MOMENTS]
    assert [sentence for each in ran for sentence in each.broken] == []
    assert any(each.struck for each in ran)
