# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cloud is tested, and the cloud itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.openstack import cloud, packages
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User
from ansible_collections.jetstream.cloud.tests.scenarios.stages import OpenStack, Simulator, Stage

SIMULATOR, OPENSTACK = "simulator", "openstack"
# The runs that are killed, in each test. On a real nova each takes ten seconds.
_KILLS = {SIMULATOR: 30, OPENSTACK: 3}
# Cinder and the rest are up for so long at the most.
_LONGEST = 4500.0


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("clouds")
    group.addoption("--cloud", choices=[SIMULATOR, OPENSTACK], default=SIMULATOR, help="the cloud to test with")
    group.addoption(
        "--kills", type=int, help="how many random moments runs are killed at (simulator: 30, openstack: 3)"
    )
    group.addoption("--run-dir", type=Path, help="where an OpenStack is up already (python tests/openstack up)")


def pytest_configure(config: pytest.Config) -> None:
    # Each of them empties the project before and after a test.
    if config.getoption("--run-dir") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--run-dir is one cloud, and several workers cannot share it.")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is about nova alone, unless that is there."""
    return True if collection_path.name == "jetstream2" and config.getoption("--cloud") == SIMULATOR else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test with a seed one after the other."""
    if "seed" in metafunc.fixturenames:
        config = metafunc.config
        metafunc.parametrize("seed", range(config.getoption("--kills") or _KILLS[config.getoption("--cloud")]))


@pytest.fixture(scope="session", autouse=True)
def _without_own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no profile, login, token or proxy of the real user have a part in any test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("OS_", "JETSTREAM_", "XDG_", "ANSIBLE_")) or name.lower().endswith("_proxy"):
                patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def js2(request: pytest.FixtureRequest, worker_id: str) -> Iterator[cloud.Cloud]:
    """Have a real OpenStack, with nothing in its project that somebody has left. Each worker of xdist has its own."""
    folder = request.config.getoption("--run-dir") or packages.cache_dir() / f"run-of-scenarios-{worker_id}"
    with cloud.running(folder, with_cinder=True, max_seconds=_LONGEST, say=print) as it:
        it.clear()
        yield it


@pytest.fixture
def user(js2: cloud.Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """Have a user who has never logged in before, and an empty project."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(js2.clouds_yaml))
    yield User(js2, tmp_path)
    js2.clear()


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Have the chosen cloud, with a user whose profile is called lab."""
    if request.config.getoption("--cloud") == OPENSTACK:
        openstack = OpenStack(tmp_path, request.getfixturevalue("js2"))
        yield openstack
        openstack.clear()
        return
    with closing(Simulator(tmp_path)) as simulator:
        yield simulator
