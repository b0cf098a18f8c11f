# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task on a fleet, while a real ansible-playbook runs it: what a person sees of it, and how it ends early."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import Json, Playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, fleet

STOP_ALL: Json = {"jetstream.cloud.jetstream_instance_state": {"state": "stopped", "all": True}}
ARRIVAL = "[localhost] node-0002 (2): stop done ("


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve three instances that take a second to stop."""
    with Server(fleet(3, settings=Settings(transition=1.0))) as served:
        yield served


def on_a_terminal(playbook: Playbook) -> str:
    """Run it with a terminal as its output, and return what was to be seen there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        playbook.command, env=playbook.environment(), cwd=playbook.folder, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        seen = b""
        try:
            while more := os.read(ours, 4096):
                seen += more
        except OSError:
            # Linux says so when nobody writes to the terminal any more.
            pass
        finally:
            os.close(ours)
    return seen.decode()


def test_progress_is_seen_on_a_terminal(server: Server, tmp_path: Path) -> None:
    seen = on_a_terminal(Playbook(tmp_path, [STOP_ALL], url=server.url))
    assert "[localhost] 3 of 3 instances to be stopped" in seen
    assert ARRIVAL in seen


def test_progress_comes_through_a_pipe_while_the_task_works(server: Server, tmp_path: Path) -> None:
    playbook = Playbook(tmp_path, [STOP_ALL], url=server.url)
    with subprocess.Popen(
        playbook.command, env=playbook.environment(), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = next(line for line in process.stdout if line.startswith("[localhost]"))
        # Nothing can have arrived by then, so the task still waits.
        stopped = server.requests.count("POST", "/action")
        rest = process.stdout.read()
    assert first == "[localhost] 3 of 3 instances to be stopped\n"
    assert stopped <= 3
    assert ARRIVAL in rest
    assert "changed: [localhost]" in rest


def test_output_for_a_program_stays_as_it_is(server: Server, tmp_path: Path) -> None:
    ended = Playbook(tmp_path, [STOP_ALL], url=server.url).run({"ANSIBLE_STDOUT_CALLBACK": "each_result"})
    assert json.loads(ended.stdout)["result"]["summary"]["changed"] == 3
    assert ARRIVAL in ended.stderr


@pytest.mark.parametrize(
    ("keywords", "environment"),
    [
        ({}, {"JETSTREAM_PROGRESS": "off"}),
        ({"environment": {"JETSTREAM_PROGRESS": "off"}}, {}),
        ({"no_log": True}, {}),
        ({"check_mode": True}, {}),
    ],
    ids=["switched-off", "switched-off-for-the-task", "no_log", "check-mode"],
)
def test_there_are_times_to_be_silent(
    server: Server, tmp_path: Path, keywords: Json, environment: dict[str, str]
) -> None:
    ended = Playbook(tmp_path, [{**STOP_ALL, **keywords}], url=server.url).run(environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "\n[localhost] " not in ended.stdout + ended.stderr
    assert "node-0002" not in ended.stdout + ended.stderr


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Do what Ctrl-C does: tell the whole group of processes."""
    os.killpg(process.pid, signal.SIGINT)


ENDINGS: list[Callable[[subprocess.Popen[bytes]], None]] = [
    interrupt,
    subprocess.Popen.terminate,
    subprocess.Popen.kill,
]


@pytest.mark.parametrize("end", ENDINGS, ids=["ctrl-c", "kill", "kill-9"])
def test_no_request_comes_after_the_run_was_ended(
    tmp_path: Path, end: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    # It takes ten seconds to ask all of them.
    with Server(fleet(300, settings=Settings(latency=0.5, transition=60))) as server:
        with Playbook(tmp_path, [STOP_ALL], url=server.url).start() as process:
            wait_until(lambda: server.requests.count("POST", "/action") >= 32)
            end(process)
        ended = time.monotonic()
        time.sleep(3)
        assert [each for each in server.requests if each.began > ended + 1] == []
        assert server.requests.count("POST", "/action") < 150


def test_a_task_with_a_timeout_ends_before_it_and_has_its_results(tmp_path: Path) -> None:
    results = ["stop is failed", "stop is changed", "stop.instances | length == 300", "stop.timedout is not defined"]
    tasks = [
        {**STOP_ALL, "timeout": 10, "ignore_errors": True, "register": "stop"},
        {"ansible.builtin.wait_for": {"timeout": 3}},
        {"ansible.builtin.assert": {"that": results}},
    ]
    with Server(fleet(300, settings=Settings(latency=0.5, transition=60))) as server:
        ended = Playbook(tmp_path, tasks, url=server.url).run()
        assert ended.returncode == 0, ended.stdout
        first = min(each.began for each in server.requests)
        assert [each for each in server.requests if each.began > first + 10] == []
        assert 0 < server.requests.count("POST", "/action") < 250


def wait_until(there: Callable[[], bool], seconds: float = 120) -> None:
    """Return once something is so."""
    give_up = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < give_up
        time.sleep(0.05)
