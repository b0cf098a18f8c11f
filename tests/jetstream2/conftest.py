# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenStack for the whole run, and for each test a user of it with an empty home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.jetstream2.user import User
from ansible_collections.jetstream.cloud.tests.openstack import cloud


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-dir", type=Path, help="where a cloud is up already (python tests/openstack up --run-dir)")


@pytest.fixture(scope="session")
def js2(request: pytest.FixtureRequest) -> Iterator[cloud.Cloud]:
    """Have a cloud, with nothing in its project that somebody has left."""
    with cloud.running(request.config.getoption("--run-dir"), with_cinder=True) as found:
        found.clear()
        try:
            yield found
        finally:
            found.close()


@pytest.fixture
def user(js2: cloud.Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """Have a user who has never logged in before, and an empty project."""
    for name in list(os.environ):
        if name.startswith(("OS_", "JETSTREAM_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    # Loopback is not to be reached through a proxy.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(js2.clouds_yaml))
    # Not somebody's clouds.yaml, should the tests be begun beside one.
    monkeypatch.chdir(tmp_path)
    yield User(js2, tmp_path)
    js2.clear()
