# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode predicts the run, and sends only reads."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.tests.reliability.previews import atmosphere, jetstream2


@pytest.mark.parametrize("name", jetstream2.CASES)
def test_a_check_run_at_jetstream2_says_what_the_run_does(name: str) -> None:
    assert jetstream2.compared(jetstream2.CASES[name]) == []


@pytest.mark.parametrize("name", atmosphere.CASES)
def test_a_check_run_at_atmosphere_says_what_the_run_does(name: str) -> None:
    assert atmosphere.compared(atmosphere.CASES[name]) == []
