# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the output goes: to a program that wants nothing but results, or nowhere, since it cannot be written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import Json, Playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, fleet

STATE = "jetstream.cloud.jetstream_instance_state"
STOP_ALL = {"state": "stopped", "all": True}
PROGRESS = "[localhost] 3 of 3 instances to be stopped\n"


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve three instances that take a second to stop."""
    with Server(fleet(3, settings=Settings(transition=1.0))) as served:
        yield served


def head(playbook: Playbook, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it as `| head -1` does: read the first line, and then no more."""
    with subprocess.Popen(
        playbook.command,
        env=playbook.environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        return _ended(process)


def full_disk(playbook: Playbook, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it with a standard output that takes nothing."""
    with (
        Path("/dev/full").open("wb") as device,
        subprocess.Popen(
            playbook.command,
            env=playbook.environment(environment),
            stdout=device,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        return _ended(process)


def _ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    try:
        _stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, None, stderr)


LOSSES = [head, full_disk]
Lose = Callable[[Playbook, dict[str, str]], subprocess.CompletedProcess[str]]
# More than what Python keeps back before it writes.
LONG = {"msg": "x" * 20_000}
LAST: Json = {"ansible.builtin.copy": {"content": "", "dest": "{{ playbook_dir }}/last_task_ran"}}
OURS: list[Json] = [{"jetstream.cloud.jetstream_print": LONG}, {STATE: STOP_ALL}, LAST]
ANSIBLES: list[Json] = [{"ansible.builtin.debug": LONG}, {"ansible.builtin.debug": {}}, LAST]


@pytest.mark.parametrize("lose", LOSSES)
def test_a_run_goes_on_where_its_lines_are_lost(server: Server, tmp_path: Path, lose: Lose) -> None:
    ended = lose(Playbook(tmp_path, OURS, url=server.url), {"PYTHONUNBUFFERED": "1"})
    assert "Output was lost" in ended.stderr
    assert ended.returncode == 0
    assert (tmp_path / "last_task_ran").exists()
    assert set(server.world.states().values()) == {"shutoff"}


@pytest.mark.parametrize("lose", LOSSES)
def test_a_run_whose_output_is_lost_in_blocks_ends_as_with_tasks_of_ansible_alone(
    server: Server, tmp_path: Path, lose: Lose
) -> None:
    """Ansible finds out before it starts a task, and then ends with an error."""
    ours = lose(Playbook(tmp_path / "ours", OURS, url=server.url), {"PYTHONUNBUFFERED": ""})
    others = lose(Playbook(tmp_path / "others", ANSIBLES, url=server.url), {"PYTHONUNBUFFERED": ""})
    assert ours.returncode == others.returncode, ours.stderr


def run_module(folder: Path, url: str, *options: str, module: str, arguments: Json) -> subprocess.CompletedProcess[str]:
    """Run a single module by the program ansible."""
    program = str(Path(sys.executable).with_name("ansible"))
    return subprocess.run(
        [program, "localhost", "-m", module, "-a", json.dumps(arguments), *options],
        env=Playbook(folder, [], url=url).environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("options", [[], ["-o"]], ids=["many-lines", "one-line"])
def test_a_single_module_prints_its_result_and_nothing_before_it(
    server: Server, tmp_path: Path, options: list[str]
) -> None:
    ended = run_module(tmp_path, server.url, *options, module=STATE, arguments=STOP_ALL)
    before, _arrow, result = ended.stdout.partition(" => ")
    assert before == "localhost | CHANGED"
    assert json.loads(result)["summary"]["changed"] == 3
    assert PROGRESS in ended.stderr


def test_a_text_is_printed_within_the_result_of_a_single_module_alone(server: Server, tmp_path: Path) -> None:
    arguments = {"msg": "a table"}
    ended = run_module(tmp_path, server.url, module="jetstream.cloud.jetstream_print", arguments=arguments)
    before, _arrow, result = ended.stdout.partition(" => ")
    assert before == "localhost | SUCCESS"
    assert json.loads(result)["msg"] == "a table"


@pytest.mark.parametrize("callback", ["minimal", "ansible.builtin.oneline"])
def test_progress_goes_aside_where_a_callback_writes_data(server: Server, tmp_path: Path, callback: str) -> None:
    ended = Playbook(tmp_path, [{STATE: STOP_ALL}], url=server.url).run({"ANSIBLE_STDOUT_CALLBACK": callback})
    assert ended.stdout.startswith("localhost | CHANGED => {")
    assert PROGRESS in ended.stderr
