# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import what in module_utils. The reasons are in docs/architecture.md."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.unit.collection.said import ROOT

_FOLDER = ROOT / "plugins" / "module_utils"
_OWN = "ansible_collections.jetstream.cloud.plugins.module_utils."
_CLOUDS = ("atmosphere", "jetstream2")
_WORLDLY = {"fcntl", "http", "os", "pathlib", "socket", "subprocess", "tempfile", "threading", "time", "urllib"}


def _imports(path: Path) -> Iterator[str]:
    """Return what a file imports; what is of module_utils by its name there, such as C(atmosphere.client)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module=str() as module):
                yield module.removeprefix(_OWN)
            case ast.Import(names=names):
                yield from (alias.name.removeprefix(_OWN) for alias in names)


def _importers(packages: Collection[str]) -> dict[str, set[str]]:
    """Return which files import any of the packages, or anything in them, and which."""
    found = {}
    for path in sorted(_FOLDER.rglob("*.py")):
        used = {name.partition(".")[0] for name in _imports(path)} & set(packages)
        if used:
            found[path.relative_to(_FOLDER).as_posix()] = used
    return found


@pytest.mark.parametrize(
    ("package", "importers"),
    [
        ("ansible", {"runner.py"}),
        ("requests", {"transport.py"}),
        ("openstack", {"jetstream2/login.py"}),
    ],
)
def test_a_library_is_known_to_one_file(package: str, importers: set[str]) -> None:
    assert set(_importers([package])) == importers


@pytest.mark.parametrize("cloud", _CLOUDS)
def test_a_cloud_is_known_to_itself_and_connect_alone(cloud: str) -> None:
    outside = {name for name in _importers([cloud]) if not name.startswith(f"{cloud}/")}

    assert outside <= {"connect.py"}


def test_clouds_decide_nothing() -> None:
    deciders = {"converge", "operation", "operations", "options", "runner", "selection"}

    assert [name for name in _importers(deciders) if name.startswith(_CLOUDS)] == []


@pytest.mark.parametrize("name", ["budget", "errors", "history", "model", "rates", "selection", "states"])
def test_decisions_do_without_the_world(name: str) -> None:
    path = _FOLDER / f"{name}.py"
    worldly = _WORLDLY | {"clock", "cloud", "connect", "parallel", "profile", "requests", "token_cache", "transport"}

    assert {each.partition(".")[0] for each in _imports(path)} & worldly == set()
    assert ".now(" not in path.read_text(encoding="utf-8")
