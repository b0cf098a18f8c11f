# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test runs without the settings, logins and proxies of the user who runs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.jetstream.cloud.tests.unit.fakes.own_settings import without_own_settings


@pytest.fixture(scope="session", autouse=True)
def _without_own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with without_own_settings(tmp_path_factory.mktemp("home"), ("OS_", "JETSTREAM_", "XDG_", "ANSIBLE_")):
        yield
