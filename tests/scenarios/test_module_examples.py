# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples of modules, run by Ansible as they stand in the documentation: twice, the second time without a change."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.scenarios.stages import OpenStack, Simulator, Stage, play

_MODULES = "ansible_collections.jetstream.cloud.plugins.modules"


def examples_of(module: str, folder: Path, *numbers: int) -> Path:
    """Write a playbook with the examples of a module, or some of them."""
    tasks = yaml.safe_load(importlib.import_module(f"{_MODULES}.{module}").EXAMPLES)
    return playbook_of([tasks[number] for number in numbers] or tasks, folder)


def playbook_of(tasks: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    play_of_it = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/jetstream.cloud.all": {"profile": "lab"}},
        "tasks": list(tasks),
    }
    path = folder / "examples.yml"
    path.write_text(yaml.safe_dump([play_of_it]), encoding="utf-8")
    return path


def test_the_examples_of_projects_can_be_run(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Atmosphere alone has such projects."""
    if request.config.getoption("--cloud") != "simulator":
        pytest.skip("Jetstream2 makes no projects")
    with closing(Simulator(tmp_path)) as stage:
        stage.have({"active": 2})
        path = examples_of("jetstream_project", tmp_path)
        first, second = (play(path, tmp_path) for _run in range(2))
    assert (first.status, second.status) == (0, 0), first.text + second.text
    assert (first.changed, second.changed) == (2, 0)


def test_the_examples_of_images_can_be_run(stage: Stage) -> None:
    """Jetstream2 alone lets its users make images."""
    if not isinstance(stage, OpenStack):
        pytest.skip("Atmosphere makes no images")
    (server,) = stage.cloud.servers(1, "m3.tiny", "active", name="template")
    path = examples_of("jetstream_image", stage.home)
    first, second = (play(path, stage.home) for _run in range(2))
    assert (first.status, second.status) == (0, 0), first.text + second.text
    assert (first.changed, second.changed) == (3, 0)
    [image] = stage.cloud.owner.get("image", "/v2/images?name=geo-101")["images"]
    assert (image["instance_uuid"], image["course"], image["visibility"]) == (server.id, "geo-101", "shared")
    # The next test could not delete it.
    task = {"jetstream.cloud.jetstream_image": {"name": "geo-101", "protected": False}}
    assert play(playbook_of([task], stage.home), stage.home).status == 0


def test_the_example_of_a_key_and_a_file_of_user_data_can_be_run(stage: Stage) -> None:
    if not isinstance(stage, OpenStack):
        pytest.skip("Atmosphere has neither")
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBS1OzVdQJHdzFIzkVMbv1m3ZMxWBGZPkG5IuYKVG0x7 me@laptop\n"
    (stage.home / ".ssh").mkdir()
    (stage.home / ".ssh" / "id_ed25519.pub").write_text(key, encoding="utf-8")
    (stage.home / "cloud-init.yml").write_text("#cloud-config\n", encoding="utf-8")
    group = {"security_group": {"name": "ssh", "description": ""}}
    made = stage.cloud.owner.post("network", "/v2.0/security-groups", group)["security_group"]
    stage.cloud.hypervisor.console("head", '{"status":"complete", "epoch": 1700000300000}\n')
    path = examples_of("jetstream_instance", stage.home, 1)
    first, second = (play(path, stage.home) for _run in range(2))
    stage.cloud.clear()
    stage.cloud.owner.delete("compute", "/os-keypairs/laptop")
    stage.cloud.owner.delete("network", f"/v2.0/security-groups/{made['id']}")
    assert (first.status, second.status) == (0, 0), first.text + second.text
    assert (first.changed, second.changed) == (1, 0)
