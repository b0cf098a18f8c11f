# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task gives the same result in the controller's own process as through its module."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import ModuleSpec
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import PLUGINS, Json, Playbook
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Server, fleet

# What has no main() is an action and nothing else.
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py") if "\ndef main(" in path.read_text())
_GROUPS = 6
# It is in the name of an instance, so it has to be taken out of nearly every result.
PASSWORD = "node-0002"
URL = "{{ lookup('env', 'JETSTREAM_API_URL') }}"
# What differs from moment to moment.
NAMES = "elapsed|su_per_day|su|pace_days|percent|days_left|days_left_now|taken_at|text"
TIMES = re.compile(rf'(?<!\\)("(?:{NAMES})": )("(?:[^"\\]|\\.)*"|[^,}}]+)')
# In sentences, such as that of a decision.
MOMENTS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

# What a module always needs beside the connection, where that does not follow from its spec.
NEEDED: Mapping[str, Json] = {
    "jetstream_console_info": {"instance": "node-0001"},
    "jetstream_credential": {"username": "johndoe", "password": PASSWORD},
    "jetstream_floating_ip": {"instance": "node-0001"},
    "jetstream_history_info": {"since": "2026-11-01", "until": "2026-11-20"},
    "jetstream_image": {"name": "nothing", "state": "absent"},
    "jetstream_instance_state": {"state": "stopped", "name": "node-0004"},
    "jetstream_keep": {"name": "node-0004", "until": "2126-11-20"},
    "jetstream_keypair": {"name": "laptop", "state": "absent"},
    "jetstream_project": {"name": "nothing", "state": "absent"},
    "jetstream_security_group": {"name": "course", "state": "absent"},
    "jetstream_mail": {"sender": "a@example.org", "to": "b@example.org", "port": 9},
    "jetstream_volume": {"name": "nothing", "state": "absent"},
    # What costs nothing does not cost more by the minute.
    "jetstream_budget_guard": {"rates": {"families": {"m1": 0}}},
    "jetstream_usage_report": {"rates": {"families": {"m1": 0}}},
}
# What a module is also given here. Every module is given what is made up from its spec (see generic()).
SPECIAL: Mapping[str, list[Json]] = {
    "jetstream_instance_info": [
        {"args": {"name": ["node-000*", "nobody"], "status": ["active", "shutoff"]}},
        {"args": {"id": "{{ item }}"}, "loop": [1, "2"]},
        {"args": {"name": "{{ '{{' }} not_a_template }}"}},
        {"args": {}, "no_log": True},
        {"args": {}, "environment": {"JETSTREAM_PASSWORD": "", "JETSTREAM_USERNAME": "{{ 'nobody' }}"}},
        {"args": {"timeout": "some"}},
    ],
    "jetstream_volume_info": [{"args": {"attached": True}}],
    "jetstream_instance_state": [
        {"args": {"name": "node-0001"}},
        {"args": {"state": "stopped", "name": "node-0001"}, "diff": True},
        {"args": {"state": "started", "name": ["node-0001", "node-0003"], "wait": False}},
        {"args": {"state": "suspended", "name": "node-9"}},
        {"args": {"state": "shelved", "all": True, "max_changes": 1}},
    ],
    "jetstream_credential": [{"args": {"profile": "lab", "state": "absent"}, "diff": True}],
}


def spec_of(module: str) -> ModuleSpec:
    """Return a module's spec, which its operation stands beside."""
    name = module.removeprefix("jetstream_")
    spec = importlib.import_module(
        f"ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.{name}"
    ).SPEC
    assert isinstance(spec, ModuleSpec)
    return spec


def generic(module: str) -> Iterator[Json]:
    """Make up good and bad tasks from a module's spec."""
    spec = spec_of(module).argument_spec
    needed = {name: (option.get("choices") or ["x"])[0] for name, option in spec.items() if option.get("required")}
    needed |= {"api_url": URL} if "api_url" in spec else {}
    needed |= NEEDED.get(module, {})
    yield {"args": needed, "check_mode": True, "diff": True}
    yield {"args": needed, "diff": True}
    yield {"args": needed}
    yield {"args": {**needed, "nonsense": "more"}}
    yield {"args": {**needed, "password": "wrong", "username": "janeroe"}}
    flag = next((name for name, option in spec.items() if option["type"] == "bool"), None)
    if flag:
        yield {"args": {**needed, flag: "perhaps"}}
    choice = next((name for name, option in spec.items() if "choices" in option), None)
    if choice:
        yield {"args": {**needed, choice: "neither"}}


def tasks_of(modules: Sequence[str]) -> list[Json]:
    """Return all tasks for these modules, each with a name of its own."""
    tasks = []
    for module in modules:
        for number, task in enumerate([*generic(module), *SPECIAL.get(module, [])]):
            keywords = {name: value for name, value in task.items() if name != "args"}
            tasks.append({"name": f"{module} {number}", f"jetstream.cloud.{module}": task["args"], **keywords})
    return tasks


def results(tasks: list[Json], folder: Path, *, interpreter: Path | None) -> list[str]:
    """Run tasks, with another Python if one is named, and return their results without what is new in every run."""
    states = {"active": 6, "shutoff": 2, "error": 1}
    keywords: dict[str, Any] = {"ignore_errors": True}
    # No module can be started where its folder cannot be made.
    more = {"ANSIBLE_REMOTE_TMP": "/dev/null/tmp"}
    if interpreter:
        keywords["vars"] = {"ansible_python_interpreter": str(interpreter)}
        more = {"ANSIBLE_PIPELINING": "true"}
    with Server(fleet(states=states, password=PASSWORD, clock=ManualClock())) as server:
        more |= {
            "ANSIBLE_STDOUT_CALLBACK": "each_result",
            "ANSIBLE_INJECT_INVOCATION": "true",
            # The words of a bad flag are listed in the order of a set.
            "PYTHONHASHSEED": "0",
            "JETSTREAM_PASSWORD": PASSWORD,
        }
        ended = Playbook(folder, tasks, url=server.url, **keywords).run(more, seconds=900)
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    assert lines, ended.stdout + ended.stderr
    said = (
        "\n".join(lines)
        .replace(server.url, "URL")
        .replace(server.url.partition("//")[2], "HOST")
        .replace(str(folder), "FOLDER")
    )
    return MOMENTS.sub("TIME", TIMES.sub(r'\1"TIME"', said)).splitlines()


def both_ways(tasks: list[Json], folder: Path) -> tuple[list[str], list[str], int]:
    """Return the results in the controller's process, those through modules, and how often a module was started."""
    folder.mkdir()
    starts = folder / "starts"
    starts.touch()
    interpreter = folder / "python"
    interpreter.write_text(f'#!/bin/sh\necho >> {starts}\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    with ThreadPoolExecutor() as pool:
        in_process = pool.submit(results, tasks, folder / "in_process", interpreter=None)
        by_module = pool.submit(results, tasks, folder / "by_module", interpreter=interpreter)
    return in_process.result(), by_module.result(), starts.read_text().count("\n")


# Each task starts a Python, which takes seconds on a busy machine. Workers share the groups.
@pytest.mark.parametrize("modules", [MODULES[first::_GROUPS] for first in range(_GROUPS)], ids=lambda group: group[0])
def test_both_ways_give_the_same_to_the_last_byte(tmp_path: Path, modules: Sequence[str]) -> None:
    tasks = tasks_of(modules)
    today = datetime.now(UTC).date()
    one, other, starts = both_ways(tasks, tmp_path / "first")
    if datetime.now(UTC).date() != today:
        # Reports have the date, which has changed in between.
        one, other, starts = both_ways(tasks, tmp_path / "second")
    assert len(one) == len(other)
    for ours, theirs in zip(one, other, strict=True):
        assert ours == theirs
    # A task with a loop has a result for each item and one for all.
    loops = sum("loop" in task for task in tasks)
    assert starts == len(one) - loops
    if "jetstream_instance_state" in modules:
        assert sum('"changed": true' in line for line in one) >= 3
    assert f'"{PASSWORD}' not in "\n".join(one)
