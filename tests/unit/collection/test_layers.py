# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of module_utils import only the layers below them. docs/architecture.md has the reasons."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Collection, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT

_FOLDER = ROOT / "plugins" / "module_utils" / "_internal"
# The layers, the lowest first. A layer is a folder, or a single file. It may import its own files, and those of the
# layers in its row.
_BASE = {"catalog", "cloud", "errors", "model", "states"}
_MAY_IMPORT: Mapping[str, set[str]] = {
    "clock": set(),
    "parallel": set(),
    "times": set(),
    "flavors": set(),
    "text": set(),
    "errors": set(),
    "yaml_tree": {"errors"},
    "states": set(),
    "state_folder": {"errors"},
    "files": {"clock"},
    "json_file": {"files"},
    "model": {"text"},
    "catalog": {"errors", "model", "text"},
    "resending": {"clock", "errors"},
    "cloud": {"catalog", "errors", "model", "states"},
    "settings": {"errors", "files", "http", "text"},
    "http": {"clock", "errors", "files"},
    "clouds": {
        *_BASE,
        *("clock", "files", "flavors", "http", "json_file", "parallel", "resending", "settings", "state_folder"),
        *("text", "times", "yaml_tree"),
    },
    "fleet": {*_BASE, "clock", "files", "json_file", "parallel", "resending", "text", "times"},
    "usage": {*_BASE, "clock", "files", "flavors", "text", "times"},
    "idle": {
        *("clock", "errors", "files", "flavors", "hosts", "json_file", "model", "states", "text", "times", "usage"),
        "yaml_tree",
    },
    "policy": {
        *("clock", "errors", "files", "fleet", "idle", "json_file", "model", "states", "text", "times", "usage"),
        "yaml_tree",
    },
    "hosts": {"model", "states", "text", "usage"},
    "options": {"clouds", "errors"},
    "operation": {*_BASE, "clock", "clouds", "fleet", "settings", "state_folder", "text"},
    "operations": {
        *_BASE,
        "clock",
        "clouds",
        "files",
        "flavors",
        "fleet",
        "http",
        "idle",
        "operation",
        "options",
        "policy",
        "resending",
        "settings",
        "text",
        "times",
        "usage",
    },
    "runner": {*_BASE, "clock", "operation", "options", "text"},
    "events": {
        *_BASE,
        *("clock", "clouds", "files", "fleet", "idle", "json_file", "operation", "operations", "options", "policy"),
        *("text", "times", "usage"),
    },
}
# Files of decisions: functions of plain values that return plain values.
_PURE = (
    "catalog",
    "errors",
    "events/detection",
    "events/event",
    "events/memory",
    "flavors",
    "fleet/images/steps",
    "fleet/launching/differences",
    "fleet/launching/launch_runs",
    "fleet/launching/names",
    "fleet/launching/plans",
    "fleet/launching/preview",
    "fleet/launching/setup",
    "fleet/selection",
    "fleet/steps",
    "fleet/volumes/steps",
    "hosts",
    "idle/advice",
    "idle/console",
    "idle/failed_try",
    "idle/intervals",
    "idle/jobs",
    "idle/probe",
    "idle/readings",
    "idle/replay",
    "idle/rules",
    "idle/site_settings",
    "idle/targets",
    "idle/verdicts",
    "model",
    "policy/acts",
    "policy/budget_guard",
    "policy/budget_records",
    "policy/budget_results",
    "policy/calendars",
    "policy/claims",
    "policy/deadline_results",
    "policy/deadlines",
    "policy/filters",
    "policy/hygiene",
    "policy/ladder",
    "policy/memory",
    "policy/metrics",
    "policy/nights",
    "policy/outbox",
    "policy/records",
    "policy/schedule_results",
    "policy/schedule_steps",
    "policy/schedules",
    "states",
    "text/exposition",
    "times",
    "usage/budget",
    "usage/costs",
    "usage/history",
    "usage/rates",
)
_IMPURE = {"fcntl", "http", "os", "pathlib", "socket", "subprocess", "tempfile", "threading", "time", "urllib"}


def _paths() -> list[Path]:
    return sorted(path for path in _FOLDER.rglob("*.py") if path.name != "__init__.py" or path.stat().st_size)


def _name(path: Path) -> str:
    """Return a file's name inside module_utils, such as ``clouds/connect``."""
    return path.relative_to(_FOLDER).with_suffix("").as_posix()


def _layer(path: Path) -> str:
    return _name(path).partition("/")[0]


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    """Return the imports of a file: ``clouds/connect`` for a file of module_utils, ``os`` for anything else."""
    return frozenset(_imports_in(path))


def _imports_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module=module, level=level, names=names) if level:
                folder = path.parents[level - 1]
                target = folder.joinpath(*(module.split(".") if module else []))
                if target.with_suffix(".py").exists():
                    yield _name(target)
                else:
                    yield from (_name(target / alias.name) for alias in names)
            case ast.ImportFrom(module=str() as module):
                yield module.partition(".")[0]
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)


def _is_own(name: str) -> bool:
    return (_FOLDER / f"{name}.py").exists() or (_FOLDER / name).is_dir()


def _importers(packages: Collection[str]) -> set[str]:
    return {_name(path) for path in _paths() if set(packages).intersection(_imports(path))}


def test_every_layer_has_a_row_and_every_row_a_layer() -> None:
    assert {_layer(path) for path in _paths()} == set(_MAY_IMPORT)


@pytest.mark.parametrize("path", _paths(), ids=_name)
def test_a_file_imports_only_from_the_layers_in_its_row(path: Path) -> None:
    layers = {each.partition("/")[0] for each in _imports(path) if _is_own(each)}

    assert layers - {_layer(path)} <= _MAY_IMPORT[_layer(path)]


def test_no_two_layers_import_each_other_even_indirectly() -> None:
    graph = {
        layer: {each.partition("/")[0] for path in _paths() if _layer(path) == layer for each in _imports(path)}
        - {layer}
        for layer in _MAY_IMPORT
    }

    assert list(TopologicalSorter(graph).static_order())


def test_no_two_files_import_each_other_even_indirectly() -> None:
    assert list(TopologicalSorter({_name(path): set(_imports(path)) for path in _paths()}).static_order())


@pytest.mark.parametrize(
    ("package", "importers"),
    [
        ("ansible", {"runner"}),
        ("requests", {"http/session"}),
        ("openstack", {"clouds/jetstream2/sdk"}),
    ],
)
def test_a_library_is_imported_by_one_file(package: str, importers: set[str]) -> None:
    assert _importers([package]) == importers


@pytest.mark.parametrize("operation", ["instance", "instance_info", "instance_state", "volume"])
def test_a_task_without_verdicts_on_idleness_does_not_import_them(operation: str) -> None:
    """Ansible compiles each imported file in each task, and the files of idleness are a fifth of all."""
    imported: set[str] = set()
    to_read = {f"operations/{operation}"}
    while to_read:
        imported |= to_read
        paths = [path for name in to_read if (path := _FOLDER / f"{name}.py").exists()]
        to_read = {each for path in paths for each in _imports(path)} - imported

    assert [each for each in sorted(imported) if each.startswith("idle/")] == []


def test_clouds_do_not_import_each_other() -> None:
    packages = {path.name for path in (_FOLDER / "clouds").iterdir() if (path / "__init__.py").exists()}
    neighbors = {
        _name(path): {each.split("/")[1] for each in _imports(path) if each.startswith("clouds/")} & packages
        for path in _paths()
        if _name(path).count("/") == 2
    }

    assert {name: found for name, found in neighbors.items() if found - {name.split("/")[1]}} == {}


@pytest.mark.parametrize("path", [each for each in _paths() if _layer(each) != "clouds"], ids=_name)
def test_nothing_above_the_clouds_names_one(path: Path) -> None:
    code = ast.unparse(_without_docstrings(ast.parse(path.read_text(encoding="utf-8"))))

    assert re.findall(r"(?i)\w*(?:atmosphere|openstack|jetstream2)\w*", code) == []


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@pytest.mark.parametrize("name", _PURE)
def test_decisions_import_neither_io_nor_the_clock(name: str) -> None:
    path = _FOLDER / f"{name}.py"
    impure = _IMPURE | {"clock", "cloud", "files", "parallel", "requests"}

    assert {each.partition("/")[0] for each in _imports(path)} & impure == set()
    assert ".now(" not in path.read_text(encoding="utf-8")
