# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A booted machine for each test, with packages that all of them share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.idle.machine import Layer, Machine, Unfit, require_fitness

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "idle"


@pytest.fixture(scope="session")
def layer() -> Iterator[Path]:
    try:
        require_fitness()
    except Unfit as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(reason))
    with Layer(CACHE) as folder:
        yield folder


@pytest.fixture
def machine(layer: Path) -> Iterator[Machine]:
    with Machine(layer) as booted:
        yield booted
