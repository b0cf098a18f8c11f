# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ansible-core that is too old says of the collection. `./dev test ansible-runs` sets one up."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import Json, Playbook

# The folder with its programs.
OLD_CORE = Path(os.environ.get("OLD_ANSIBLE_CORE", "/nowhere"))
REFUSAL = "The collection jetstream.cloud requires ansible-core 2.19 or newer, but this is 2.18."
INFO = "jetstream.cloud.jetstream_instance_info"

pytestmark = pytest.mark.skipif(
    not (OLD_CORE / "ansible-playbook").exists(), reason="OLD_ANSIBLE_CORE does not say where an old ansible-core is"
)


def run(folder: Path, program: str, *arguments: str) -> str:
    """Run a program of the old ansible-core, which has to fail, and return what it says."""
    environment = Playbook(folder / "home", [], url="http://127.0.0.1:9").environment(
        {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    )
    ended = subprocess.run(
        [str(OLD_CORE / program), *arguments],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0, ended.stdout
    return ended.stdout


def assert_refused(said: str) -> None:
    # Ansible breaks warnings into lines.
    assert " ".join(said.split()).count(REFUSAL) == 1, said
    assert "probably a bug" not in said
    assert "import" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "task",
    [
        {INFO: {}},
        # Not on the controller, or so it would be.
        {INFO: {}, "async": 10},
        {"jetstream.cloud.jetstream_usage_report": {}},
        {"jetstream.cloud.jetstream_print": {"msg": "x"}},
        {"ansible.builtin.debug": {"msg": "{{ [] | jetstream.cloud.table('name') }}"}},
    ],
    ids=["module", "module-in-the-background", "action-of-its-own", "action-without-module", "filter"],
)
def test_a_task_is_refused_in_one_sentence(tmp_path: Path, task: Json) -> None:
    playbook = Playbook(tmp_path, [task], url="http://127.0.0.1:9")
    assert_refused(run(tmp_path, "ansible-playbook", playbook.command[-1]))


@pytest.mark.parametrize("name", ["stop_all", "usage_report", "save_credential"])
def test_a_playbook_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    assert_refused(run(tmp_path, "ansible-playbook", f"jetstream.cloud.{name}"))


def test_a_single_module_is_refused_in_one_sentence(tmp_path: Path) -> None:
    assert_refused(run(tmp_path, "ansible", "localhost", "-m", INFO))


def test_an_inventory_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "jetstream.yml").write_text("plugin: jetstream.cloud.jetstream\n")
    said = run(tmp_path, "ansible", "-i", "jetstream.yml", "all", "-m", "ansible.builtin.ping")
    assert_refused(said)
