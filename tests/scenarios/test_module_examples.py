# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples of modules, run by Ansible as they stand in the documentation: twice, the second time without a change."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.scenarios.lab_courses import ROOT
from ansible_collections.jetstream.cloud.tests.scenarios.stages import OpenStack, Simulator, Stage, play

_MODULES = "ansible_collections.jetstream.cloud.plugins.modules"
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBS1OzVdQJHdzFIzkVMbv1m3ZMxWBGZPkG5IuYKVG0x7 me@laptop\n"


@dataclass(frozen=True)
class Examples:
    """The examples of a module that a cloud can carry out.

    ``numbers``: which of them, from 0. ``instead``: what stands there, and what the test has in its place.
    ``changed``: how many of them change something.
    """

    numbers: Sequence[int]
    changed: int
    instead: Mapping[str, str] = field(default_factory=dict)


# Those of jetstream_instance with a key and a group, images and projects have tests of their own below; those of info
# modules of Jetstream2 are in jetstream2/test_info_examples.py.
_OF_FLEET = {
    "bio101-*": "vm-*",
    "gpu-node": "vm-1",
    "- web\n": "- vm-2\n",
    "- batch-*": "- vm-2*",
    "id: 21752": "id: 1",
}
_JETSTREAM2: Mapping[str, Examples] = {
    # There is nothing behind the addresses that could answer.
    "instance": Examples((0, 2, 3, 4, 5, 6, 7, 8, 9), 6, {"wait_for: ssh": "wait_for: address"}),
    # The third is run inside of the instance.
    "volume": Examples((0, 1, 3, 4, 5, 6), 6, {"blast-server": "vm-1"}),
    "keypair": Examples((0, 1), 2),
    "security_group": Examples((0, 1, 2), 3),
    "floating_ip": Examples((0, 1), 1, {"instance: web": "instance: vm-1"}),
    "instance_info": Examples((0, 1, 3), 0, {"bio101-*": "vm-*"}),
    "volume_info": Examples((0, 1, 2), 0),
    "allocation_info": Examples((0, 1), 0),
    "instance_state": Examples((0, 2, 1, 5, 7), 4, _OF_FLEET),
}
_ATMOSPHERE: Mapping[str, Examples] = {
    "instance": Examples((3, 4, 5, 6, 8), 3),
    "volume": Examples((0, 1, 5), 3, {"blast-server": "vm-1"}),
    "instance_info": Examples((0, 1, 2, 3), 0, {"21752": "1", "bio101-*": "vm-*"}),
    "volume_info": Examples((0, 1, 2), 0),
    "allocation_info": Examples((0, 1), 0),
    # A hard reboot, the last of them, takes a minute here: playbooks/reboot.yml has one.
    "instance_state": Examples((0, 2, 1, 3, 5), 5, _OF_FLEET),
    "image_info": Examples((0, 1, 2), 0, {"    visibility: public\n": ""}),
    "flavor_info": Examples((0, 1), 0),
    "quota_info": Examples((0,), 0),
    "identity_info": Examples((), 0),
    "project_info": Examples((), 0),
    "console_info": Examples((0,), 0, {"instance: web": "instance: vm-1"}),
    "maintenance_info": Examples((), 0),
}


@pytest.mark.parametrize("module", sorted({*_JETSTREAM2, *_ATMOSPHERE}))
def test_the_examples_of_a_module_can_be_run(stage: Stage, module: str) -> None:
    examples = (_JETSTREAM2 if isinstance(stage, OpenStack) else _ATMOSPHERE).get(module)
    if examples is None:
        pytest.skip("its examples have a test of their own, or the cloud has none of them")
    if isinstance(stage, OpenStack):
        _prepare(stage, module)
    else:
        stage.have({"active": 2})
    text = importlib.import_module(f"{_MODULES}.jetstream_{module}").EXAMPLES
    for written, used in {"Featured-Ubuntu24": stage.offer.image, **examples.instead}.items():
        text = text.replace(written, used)
    if not isinstance(stage, OpenStack):
        text = text.replace("flavor: m3.medium", f"flavor: {stage.offer.small}")
    tasks = yaml.safe_load(text)
    path = playbook_of([tasks[number] for number in examples.numbers] or tasks, stage.home)
    played = play(path, stage.home)
    assert (played.status, played.changed) == (0, examples.changed), played.text
    assert "[WARNING]" not in played.text, played.text


def _prepare(stage: OpenStack, module: str, key: str = "laptop") -> None:
    """Have what the examples name."""
    (stage.home / ".ssh").mkdir()
    (stage.home / ".ssh" / "id_ed25519.pub").write_text(_KEY, encoding="utf-8")
    stage.cloud.servers(2, "m3.tiny", "active", network=True)
    owner = stage.cloud.owner
    if module == "instance":
        owner.post("network", "/v2.0/security-groups", {"security_group": {"name": "ssh", "description": ""}})
        owner.post("compute", "/os-keypairs", {"keypair": {"name": key, "public_key": _KEY, "type": "ssh"}})


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


@pytest.mark.parametrize(
    ("page", "count", "changed"),
    # Two students, who are deleted; an instance that is stopped, and its image. A launch.
    [("launching", 4, 4), ("catalog", 4, 1)],
)
def test_the_tasks_of_a_page_can_be_run_in_their_order(stage: Stage, page: str, count: int, changed: int) -> None:
    if not isinstance(stage, OpenStack):
        pytest.skip("the pages name what Jetstream2 has")
    _prepare(stage, "instance", key="course")
    for name in ("web", "template"):
        stage.cloud.servers(1, "m3.tiny", "active", name=name)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").replace("wait_for: ssh", "wait_for: address")
    blocks = [yaml.safe_load(each) for each in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    tasks = [task for block in blocks for task in block]
    assert len(tasks) == count
    played = play(playbook_of(tasks, stage.home), stage.home, "-e", '{"students": ["alice", "bob"]}')
    stage.cloud.clear()
    assert (played.status, played.changed) == (0, changed), played.text
