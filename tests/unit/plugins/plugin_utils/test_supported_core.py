# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ansible-core that is too old is refused, by every plugin on the controller, before anything else happens."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal import supported_core
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.supported_core import (
    OLDEST,
    require_supported_core,
)

ROOT = Path(__file__).resolve().parents[4]
# Ansible loads these by their names. All else is loaded by them.
LOADED = sorted(path for kind in ("action", "inventory") for path in (ROOT / "plugins" / kind).glob("[!_]*.py"))


@pytest.mark.parametrize("version", ["2.18.19", "2.18.0rc1", "2.9.27", "1.9.6"])
def test_an_older_one_is_refused(version: str) -> None:
    with pytest.raises(AnsibleError, match=rf"requires ansible-core 2\.19 or newer, but this is {version}\. "):
        require_supported_core(version)


@pytest.mark.parametrize("version", ["2.19.0", "2.19.0b1", "2.21.5", "2.100.0", "3.0.0", "unknown"])
def test_a_newer_one_is_taken(version: str) -> None:
    require_supported_core(version)


def test_the_oldest_core_is_the_one_that_the_collection_requires() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["requires_ansible"] == f">={OLDEST[0]}.{OLDEST[1]}.0"


@pytest.mark.parametrize("path", LOADED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_plugin_of_the_controller_checks_before_it_imports_anything_else(path: Path) -> None:
    assert list(_first_steps(path)) == [
        "from __future__",
        "from plugin_utils._internal.supported_core",
        "require_supported_core",
    ]


def _first_steps(path: Path) -> Iterator[str]:
    """Yield the first imports and calls of a plugin, whose documentation may be before or between them."""
    steps = [each for each in ast.parse(path.read_text()).body if not _is_text(each)]
    for step in steps[:3]:
        if isinstance(step, ast.ImportFrom):
            yield f"from {step.module}"
        elif isinstance(step, ast.Expr) and isinstance(step.value, ast.Call):
            yield ast.unparse(step.value.func)
        else:
            yield ast.unparse(step)


def _is_text(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr | ast.Assign) and isinstance(step.value, ast.Constant)


def test_a_refused_one_is_reported_by_the_filter_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible only warns of a filter that cannot be imported, and then reports that there is none."""
    from ansible_collections.jetstream.cloud.plugins.filter.table import table

    monkeypatch.setattr(supported_core.require_supported_core, "__defaults__", ("2.18.19",))
    with pytest.raises(AnsibleError, match="requires ansible-core"):
        table([], "name")
