# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that reads warns of an unknown name and returns the rest. A module that acts does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    deadline,
    history_info,
    hygiene_info,
    idle,
    idle_info,
    instance_info,
    instance_state,
    keep,
    metrics,
    schedule,
    schedule_info,
    volume_info,
)
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context

# Options that each of them needs beside the names.
SCHEDULES = 'schedules:\n  lab: {time_zone: UTC, days: daily, stop: "18:00"}\nrules:\n  - {schedule: lab, name: web}\n'
FILE = {"path": "schedules.yml"}
READ = [history_info, hygiene_info, idle_info, instance_info, metrics, schedule_info, volume_info]
ACT = [deadline, idle, instance_state, keep, schedule]
NEEDED: dict[ModuleType, dict[str, Any]] = {
    instance_state: {"state": "stopped"},
    keep: {"hours": 1.0},
    metrics: {"dest": "figures.prom"},
    schedule: FILE,
    schedule_info: FILE,
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "schedules.yml").write_text(SCHEDULES)
    with a_site(fleet(names=("web", "db"), states={"active": 2}, clock=ManualClock()), tmp_path) as served:
        yield served


def run(site: Site, module: ModuleType, **options: Any) -> Any:
    needed = {
        name: str(site.home / value) if name in ("path", "dest") else value
        for name, value in NEEDED.get(module, {}).items()
    }
    return module.OPERATION(given(module.SPEC, **site.options, **needed, **options), in_context(site))


def takes(module: ModuleType) -> list[str]:
    return [name for name in ("name", "exclude") if name in module.SPEC.argument_spec]


@pytest.mark.parametrize(
    ("module", "option"),
    [(module, option) for module in READ for option in takes(module)],
    ids=lambda each: each if isinstance(each, str) else each.__name__.rpartition(".")[2],
)
def test_a_module_that_reads_warns_and_returns_the_rest(site: Site, module: ModuleType, option: str) -> None:
    outcome = run(site, module, **{option: ["wbe"]})
    assert [each for each in outcome.warnings if each.startswith(f"{option}: wbe does not exist.")]


@pytest.mark.parametrize(
    ("module", "option"),
    [(module, option) for module in ACT for option in takes(module)],
    ids=lambda each: each if isinstance(each, str) else each.__name__.rpartition(".")[2],
)
def test_a_module_that_acts_does_nothing(site: Site, module: ModuleType, option: str) -> None:
    named = {"name": ["web", "db"]} if "name" in takes(module) else {}
    with pytest.raises(SelectionError, match=rf"{option}: wbe does not exist\. Did you mean web\?"):
        run(site, module, **{**named, option: ["web", "wbe"]})
    assert site.world.states() == {"web": "active", "db": "active"}
