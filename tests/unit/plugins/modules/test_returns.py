# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module returns the values of its documentation, no more and no less."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import MODULES, run_module

# Values that every module returns, and that the tests add.
ALWAYS = frozenset({"changed", "invocation", "warnings", "diff"})
# Values that Ansible itself adds wherever a path is returned.
OF_A_PATH = frozenset({"gid", "group", "mode", "owner", "secontext", "size", "state", "uid"})
TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "dict": (dict,),
    "list": (list,),
    "raw": (str, int, float, bool, dict, list),
}
TASKS: list[tuple[str, dict[str, Any]]] = [
    ("jetstream_instance_info", {}),
    ("jetstream_instance_state", {"state": "stopped", "all": True}),
    ("jetstream_volume_info", {}),
    ("jetstream_image_info", {}),
    ("jetstream_flavor_info", {}),
    ("jetstream_quota_info", {}),
    ("jetstream_project_info", {}),
    ("jetstream_identity_info", {}),
    ("jetstream_maintenance_info", {}),
    ("jetstream_console_info", {"instance": "node-0001"}),
    ("jetstream_allocation_info", {}),
    ("jetstream_history_info", {}),
    ("jetstream_credential", {}),
    ("jetstream_idle_info", {"replay": "1d"}),
    ("jetstream_keep", {"name": "*", "hours": 8}),
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = fleet(3, identities=2, clock=ManualClock(), settings=Settings(transition=5))
    identity = world.instances[0].identity
    world.attach(world.add_volume("data", 100, identity, project=world.projects[0]), world.instances[0])
    world.add_maintenance("Storage", "slow", start_date=world.created, provider=identity.provider)
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def differences(where: str, documented: Mapping[str, Any], returned: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(documented.keys() ^ returned.keys()):
        yield f"{where}.{name}: {'not returned' if name in documented else 'not documented'}"
    for name in documented.keys() & returned.keys():
        yield from _difference(f"{where}.{name}", documented[name], returned[name])


def _difference(where: str, documented: Mapping[str, Any], value: Any) -> Iterator[str]:
    if value is None:
        return
    rows: list[Any] = value if isinstance(value, list) else [value]
    kinds = TYPES[documented["type"]]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield f"{where}: {value!r} is not of type {documented['type']}"
        return
    if "contains" in documented:
        for row in rows:
            yield from differences(where, documented["contains"], row)


@pytest.mark.parametrize(("name", "options"), TASKS, ids=[name for name, _unused in TASKS])
def test_results_are_documented(site: Site, name: str, options: dict[str, Any]) -> None:
    documented = yaml.safe_load(importlib.import_module(f"{MODULES}.{name}").RETURN)
    result = run_module(name, {**site.options, **options}, clock=site.clock, home=site.home)
    unasked = ALWAYS | OF_A_PATH if "path" in result else ALWAYS
    returned = {key: value for key, value in result.items() if key not in unasked}
    assert list(differences(name, documented, returned)) == []
    for key, value in returned.items():
        assert value != [], f"{key} is empty, so nothing was compared"


def test_the_results_of_a_usage_report_are_documented(site: Site) -> None:
    documented = yaml.safe_load(importlib.import_module(f"{MODULES}.jetstream_usage_report").RETURN)
    # Templates are rendered by the action plugin.
    del documented["text"]
    # Of an allocation, it returns the values of the module for allocations, and more.
    of_allocations = yaml.safe_load(importlib.import_module(f"{MODULES}.jetstream_allocation_info").RETURN)
    documented["allocations"]["contains"] |= of_allocations["allocations"]["contains"]
    site.world.add_volume("spare", 10, site.world.instances[0].identity, project=site.world.projects[0])
    result = run_module("jetstream_usage_report", site.options, clock=site.clock, home=site.home)
    returned = {key: value for key, value in result.items() if key not in ALWAYS}
    assert list(differences("jetstream_usage_report", documented, returned)) == []
    assert all(returned[key] for key in ("allocations", "days", "instances", "unattached_volumes"))
