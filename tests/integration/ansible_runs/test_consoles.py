# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a console is in no output and no log, and a later task has it all the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import Json, Playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet

MODULE = "jetstream.cloud.jetstream_console_info"
TOKEN = "vnc_auto.html?token="


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(fleet(2)) as started:
        yield started


@pytest.mark.parametrize("by_module", [False, True], ids=["in-process", "by-module"])
def test_the_address_is_hidden_from_output_and_log_and_registered(
    server: Server, tmp_path: Path, by_module: bool
) -> None:
    variables: Json = {}
    if by_module:
        # Another Python than that of the controller.
        interpreter = tmp_path / "python"
        interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        interpreter.chmod(0o755)
        variables = {"ansible_python_interpreter": str(interpreter)}
    kept = tmp_path / "address"
    tasks: list[Json] = [
        {MODULE: {"instance": "node-0001"}, "register": "console", "vars": variables},
        # Only a template sees it.
        {
            "ansible.builtin.copy": {"content": "{{ console.url }}", "dest": str(kept), "mode": "0600"},
            "no_log": True,
        },
    ]
    log = tmp_path / "ansible.log"
    more = {"ANSIBLE_LOG_PATH": str(log), "ANSIBLE_VERBOSITY": "4"}
    ended = Playbook(tmp_path, tasks, url=server.url).run(more)
    assert ended.returncode == 0, ended.stdout
    assert TOKEN in kept.read_text()
    token = kept.read_text().partition("token=")[2]
    assert len(token) > 30
    for said in (ended.stdout, ended.stderr or "", log.read_text()):
        assert token not in said
    assert "the output has been hidden" in ended.stdout
