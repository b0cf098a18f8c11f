# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every unit test runs without the settings of the user who runs it, and leaves no file behind."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http import token_cache
from ansible_collections.jetstream.cloud.tests.unit.fakes.own_settings import without_own_settings
from hypothesis import HealthCheck, settings

# The same examples in every run of the same code: a change is refused for what it did, not for an example that was
# drawn that day. "./dev reliability" is the place that looks for new ones. No deadline: the machine may be busy.
settings.register_profile(
    "collection",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("collection")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude the thousands of collected tests from garbage collection.

    Otherwise, each process spends a sixth of its time on them.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _without_own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with without_own_settings(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_disks_and_proofs() -> Iterator[None]:
    """Replace fsync by nothing, since no test cuts the power, and make the hash of a secret cheap.

    The tests of the token cache have one of the real cost. Processes that tests start have both as users do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _handle: None)
        patch.setattr(token_cache, "_ROUNDS", 1)
        yield
