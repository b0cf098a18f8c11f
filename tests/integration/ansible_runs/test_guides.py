# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides, as a reader follows them: every command in its order, on the fleet of the demo, from one home."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import PLUGINS, run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import SEEDS, Server, Settings, load

GUIDES = sorted((PLUGINS.parent / "docs" / "guides").glob("*.md"))
_COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)
# A block of YAML whose first line names the file that it is saved in.
_FILE = re.compile(r"^```yaml\n# (?P<name>[\w-]+\.yml)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
# These are for a shell, or are run by other tests: test_a_cloud_of_clouds_yaml_is_saved_after_a_login, test_readme.py.
_NOT_HERE = (
    ". ~/jetstream/bin/activate",
    "mkdir -p ~/.config/openstack",
    "mv -i ~/Downloads/clouds.yaml ~/.config/openstack/",
    "chmod 600 ~/.config/openstack/clouds.yaml",
    "head -n 2 ~/.config/openstack/clouds.yaml",
    "ansible-playbook -i localhost, jetstream.cloud.save_credential",
    "./dev run python tests/simulator/with_simulator.py -- bash",
)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_the_commands_of_a_guide_run_in_their_order(guide: Path, tmp_path: Path) -> None:
    page = guide.read_text(encoding="utf-8")
    for name, text in _FILE.findall(page):
        (tmp_path / name).write_text(text, encoding="utf-8")
    commands = [each for each in _COMMAND.findall(page) if each not in _NOT_HERE]
    assert commands
    world = load(SEEDS / "demo.yaml", settings=Settings(transition=0.0, deploy=0.0))
    login = {"JETSTREAM_USERNAME": "demo", "JETSTREAM_PASSWORD": world.users["demo"].password}
    # The simulator's instances have addresses at which somebody else is.
    more = {**login, "ANSIBLE_SSH_EXECUTABLE": "/bin/false"}
    with Server(world) as server:
        for command in commands:
            program, *arguments = shlex.split(command)
            assert program == "ansible-playbook", command
            ended = run_playbook(*arguments, home=tmp_path, url=server.url, more=more)
            assert ended.returncode == 0, f"{command}\n{ended.stdout}"
            assert "[WARNING]" not in ended.stdout, f"{command}\n{ended.stdout}"
