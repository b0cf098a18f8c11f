# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A quota that is too small is reported in whole numbers."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.quotas import shortfall


@pytest.mark.parametrize(
    ("need", "used", "limit", "clause"),
    [
        (2, 3, 5, None),
        (3, 3, 5, "3 cores required, 2 of 5 available"),
        (1, 9, 5, "1 cores required, 0 of 5 available"),
        (0.5, 1.75, 2, "0.5 cores required, 0.25 of 2 available"),
        (2_048_000, 5_000_000, 6_144_000, "2048000 cores required, 1144000 of 6144000 available"),
        (1, 0, 0, "1 cores required, 0 of 0 available"),
        (1, 0, -1, None),
        (1, 0, None, None),
    ],
)
def test_a_shortfall_has_the_need_and_the_rest(
    need: float, used: float, limit: float | None, clause: str | None
) -> None:
    assert shortfall("cores", need, used, limit) == clause
