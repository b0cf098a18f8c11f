# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings of whole systems: over Ansible's own ssh, as any user, in any shell, at little cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import since
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import Settings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import Key, Store
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import State, judge
from ansible_collections.jetstream.cloud.tests.idle.machine import ADDRESS, PERSON, PROBER, Machine

PLAYBOOK = """
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - jetstream.cloud.jetstream_activity:
        readings_path: "{{ path }}"
        site: https://cloud.example.org
        project: TG-ABC123
        uuid: 5f1c
        timeout: "{{ limit }}"
"""
KEY = Key("https://cloud.example.org", "TG-ABC123", "5f1c")


class Controller:
    """Ansible on the machine outside, which takes readings of the instance, and stores them."""

    def __init__(self, machine: Machine, layer: Path, folder: Path) -> None:
        self._machine = machine
        self._folder = folder
        self.path = folder / "readings"
        key = folder / "key"
        key.write_bytes((layer / "lab-key").read_bytes())
        key.chmod(0o600)
        options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ControlMaster=no"
        (folder / "hosts").write_text(
            f"vm ansible_host={ADDRESS} ansible_user={PROBER} ansible_ssh_private_key_file={key}"
            f" ansible_ssh_common_args='{options}'\n"
        )
        (folder / "play.yml").write_text(PLAYBOOK)

    def run(self, *options: str, limit: int = 30) -> subprocess.CompletedProcess[str]:
        """Take a reading."""
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        variables = ("-e", f"path={self.path}", "-e", f"limit={limit}")
        return subprocess.run(
            self._machine.enter_outside(program, "-i", "hosts", *variables, *options, "play.yml"),
            cwd=self._folder,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def controller(machine: Machine, layer: Path, tmp_path: Path) -> Controller:
    return Controller(machine, layer, tmp_path)


def test_ansible_takes_readings_and_keeps_them_and_shows_nothing_of_what_was_said(
    machine: Machine, controller: Controller
) -> None:
    shown = []
    for _reading in range(2):
        machine.tell_counters()
        ended = controller.run("-vvvv")
        shown.append(ended.stdout)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        time.sleep(5)

    assert not any("== procs" in text or "=! 0" in text for text in shown)
    history = Store(controller.path, SystemClock()).load(KEY)
    verdict = judge(history.intervals, Settings(window_minutes=0.05, interval_minutes=1), time.time())
    assert (verdict.state, verdict.readings) == (State.IDLE, 2)
    # The reading's own two logins, which the ssh server logged, do not count as use.
    assert (history.recent[1].accepted, history.recent[1].ssh, history.recent[1].jobs) == (0, (), ())


def test_an_instance_that_hangs_is_unreachable_in_time(machine: Machine, controller: Controller) -> None:
    machine.run("pkill -STOP -x sshd")
    begun = time.monotonic()
    ended = controller.run(limit=3)

    assert "unreachable=1" in ended.stdout, ended.stdout + ended.stderr
    assert "did not respond within 3 s" in " ".join(ended.stdout.split())
    assert time.monotonic() - begun < 25
    kept = Store(controller.path, SystemClock()).load(KEY)
    assert (kept.last, kept.intervals) == (None, ())
    assert kept.failed is not None
    assert "did not respond within 3 s" in kept.failed.reason


def test_without_root_it_is_said_what_is_not_seen(machine: Machine) -> None:
    first = machine.read(user=PERSON, become=False)
    second = machine.read(user=PERSON, become=False)
    found = since(first, second)

    assert not second.root
    assert {doubt.rule for doubt in found.doubts} == {"due"}
    # It still recognizes its own connection.
    assert (found.ssh, found.logins) == ((), 0)


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
@pytest.mark.parametrize("awk", ["mawk", "gawk", "busybox awk"])
def test_it_runs_in_the_shells_and_with_the_programs_of_any_image(machine: Machine, shell: str, awk: str) -> None:
    machine.run(f"printf '#!/bin/sh\\nexec {awk} \"$@\"\\n' >/usr/local/sbin/awk; chmod +x /usr/local/sbin/awk")
    machine.ssh("tmux new -d 'sleep 1000'; nohup sleep 1000 </dev/null >/dev/null 2>&1 &")
    told = machine.read(shell=shell, path="/usr/local/sbin")

    assert {job.kind for job in told.jobs} == {"foreground", "nohup"}
    assert [each.owner for each in told.connections] == ["own"]
    assert 22 in {each.port for each in told.listeners}
    assert not any(told.sections.values())


def test_a_reading_costs_the_instance_little(machine: Machine) -> None:
    machine.read()
    begun = machine.cpu_time()
    for _reading in range(10):
        machine.read()
    spent = (machine.cpu_time() - begun) / 10

    # Most of the cost is the login.
    print(f"a reading with its login cost the instance {spent:.3f} s of CPU time")
    assert spent < 0.3
