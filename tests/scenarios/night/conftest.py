# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of a night on the chosen cloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.scenarios.conftest import OPENSTACK
from ansible_collections.jetstream.cloud.tests.scenarios.night.clock import SharedClock
from ansible_collections.jetstream.cloud.tests.scenarios.night.nights import AHEAD, Begin, Night
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import Atmosphere, Jetstream2, Site


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path, SharedClock.begin(tmp_path / "clock", AHEAD))


@pytest.fixture
def begin(request: pytest.FixtureRequest, night: Night) -> Iterator[Begin]:
    """Yield a function that begins the night, with running instances of these names."""
    is_real = request.config.getoption("--cloud") == OPENSTACK
    js2 = request.getfixturevalue("js2") if is_real else None
    with ExitStack() as stack:

        def begin_with(names: Sequence[str]) -> Site:
            site = Jetstream2(js2, names) if js2 else Atmosphere(night.clock, names)
            stack.enter_context(site.served(night.home))
            stack.enter_context(night.on(site))
            return site

        yield begin_with
