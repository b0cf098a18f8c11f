# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environments of teams: programs that run playbooks of the installed collection, not of a checkout.

The check named runner (``./dev test runner``) passes the tarball of the collection in ``COLLECTION_TARBALL``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.runner.nights import PASSWORD, NodeNights
from ansible_collections.jetstream.cloud.tests.runner.nodes import Node
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.own_settings import without_own_settings


@pytest.fixture(scope="session", autouse=True)
def _without_own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with without_own_settings(tmp_path_factory.mktemp("home"), ("OS_", "JETSTREAM_", "XDG_", "ANSIBLE_")):
        yield


@pytest.fixture(scope="session")
def tarball() -> Path:
    """Return the tarball of the collection."""
    return Path(os.environ["COLLECTION_TARBALL"])


@pytest.fixture(scope="session")
def collections(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the collection is installed, and no other."""
    path = tmp_path_factory.mktemp("collections")
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    command = [str(galaxy), "collection", "install", "--offline", "--collections-path", str(path), str(tarball)]
    subprocess.run(
        command, env=os.environ | {"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}, check=True, capture_output=True
    )
    return path


@pytest.fixture
def node(tmp_path: Path, collections: Path) -> Node:
    """Return a node with ansible-navigator and ansible-runner."""
    return Node(tmp_path / "node", programs=Path(sys.executable).parent, collections=collections)


@pytest.fixture
def nights(tmp_path: Path, node: Node) -> Iterator[NodeNights]:
    """Yield nights on a node, with johndoe's instances and a schedule for two of them."""
    names, states = ("web", "db", "lab-1", "lab-2", "off"), {"active": 4, "shutoff": 1}
    with Server(fleet(names=names, states=states, password=PASSWORD)) as server:
        yield NodeNights(node, server)
