# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab course of docs/examples, used as a teacher uses it, and the texts that it makes for machines."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.jetstream.cloud.tests.scenarios.stages import Played

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "lab-course"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAabcdefghijklmnopqrstuvwxyz0123456789ABCDEF"
ANNA, BOB, CAROL = "Anna Müller", "Bob O'Neill <b>", {"name": '=HYPERLINK("x")', "username": "carol"}
STUDENTS = (ANNA, BOB, CAROL)
DORA = {"name": "Dora: Jones", "username": "dora", "key": KEY}
_LONGEST = 600
_SILENT: Mapping[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

RENDER = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    on_jetstream2: true
    head: bio101-head
    head_address: 10.3.0.7
    shared: {volume: {uuid: c2378e55-c5ac-588c-9702-9aa3b979044f}}
  tasks:
    - ansible.builtin.import_tasks: tasks/people.yml
    - ansible.builtin.set_fact:
        texts: "{{ texts | default({}) | combine({name: lookup('ansible.builtin.template', template)}) }}"
      vars:
        item: "{{ case.0 }}"
        template: "{{ case.0.template | default('student.yml.j2') }}"
        name: "{{ case.0.machine }}{{ '' if case.1 else ' by way of the head' }}"
        course_floating_ips: "{{ case.1 }}"
      loop: "{{ (people + others) | product([true, false]) }}"
      loop_control: {loop_var: case}
    - ansible.builtin.copy:
        content: "{{ texts | to_json }}"
        dest: out.json
"""
PEOPLE = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - ansible.builtin.import_tasks: tasks/people.yml
    - ansible.builtin.copy:
        content: "{{ people | to_json }}"
        dest: people.json
"""
OTHERS = [
    {"machine": "bio101-head", "template": "head.yml.j2"},
    {"machine": "script", "template": "share-course.sh.j2"},
    {"machine": "password", "template": "password-of-test.j2", "of": "bio101-anna-mueller"},
    {"machine": "jump", "template": "password-of-test.j2", "of": "bio101-head"},
]
PASSWORD = "{% from 'passwords.j2' import password_of with context %}{{ password_of(item.of) }}"


class Course:
    """A copy of the example, after the steps of its README, with the settings of a test."""

    def __init__(self, folder: Path, home: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder / "lab-course"
        self._home = home
        self._settings = dict(settings)
        shutil.copytree(EXAMPLE, self.folder)
        (home / ".ssh").mkdir(exist_ok=True)
        (home / ".ssh" / "id_ed25519.pub").write_text(f"{KEY} teacher\n", encoding="utf-8")
        self._environment = {
            **os.environ,
            "HOME": str(home),
            "JETSTREAM_PROFILE": "lab",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        }
        for command in secret_commands():
            made = self.shell(command)
            assert made.status == 0, made.text
        self.set()

    def set(self, **settings: Any) -> None:
        """Change variables, as a teacher does in the files of group_vars."""
        self._settings.update(settings)
        written = yaml.safe_dump(self._settings, allow_unicode=True)
        (self.folder / "group_vars" / "all" / "z-settings-of-test.yml").write_text(written, encoding="utf-8")

    def forget(self, *names: str) -> None:
        """Remove variables of the test, so that those of the example are used."""
        for name in names:
            del self._settings[name]
        self.set()

    def write_students(self, content: bytes) -> None:
        """Write students.yml byte by byte, as some editor may."""
        self.forget("course_students")
        (self.folder / "group_vars" / "all" / "students.yml").write_bytes(content)

    def people(self) -> dict[str, str]:
        """Return the user name of each entry and spare machine by its name."""
        (self.folder / "people.yml").write_text(PEOPLE, encoding="utf-8")
        done = self.play("people.yml", "-i", "localhost,")
        assert done.status == 0, done.text
        found = json.loads((self.folder / "people.json").read_text(encoding="utf-8"))
        return {each["name"]: each["username"] for each in found}

    def play(self, playbook: str, *arguments: str) -> Played:
        return self._run("ansible-playbook", playbook, *arguments)

    def shell(self, command: str) -> Played:
        """Run a command of the README, unchanged."""
        return self._run("bash", "-euc", command)

    def interrupt(self, playbook: str, reached: Callable[[], bool]) -> None:
        """Run a playbook, and kill it with all of its processes as soon as ``reached`` returns true."""
        program = subprocess.Popen(
            ["ansible-playbook", playbook], cwd=self.folder, env=self._variables(), start_new_session=True, **_SILENT
        )
        give_up = time.monotonic() + _LONGEST
        while not reached() and program.poll() is None and time.monotonic() < give_up:
            time.sleep(0.05)
        assert program.poll() is None, "the playbook ended before it could be killed"
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()

    def sheets(self) -> dict[str, dict[str, str]]:
        """Return the rows of the hand-out, by machine."""
        # The file begins with a byte order mark, without which Excel assumes another encoding.
        with (self.folder / "handout" / "bio101.csv").open(encoding="utf-8-sig", newline="") as file:
            return {row["machine"]: row for row in csv.DictReader(file)}

    def page(self) -> str:
        return (self.folder / "handout" / "bio101.html").read_text(encoding="utf-8")

    def _variables(self) -> dict[str, str]:
        return {**self._environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def _run(self, program: str, *arguments: str) -> Played:
        done = subprocess.run(
            [program, *arguments],
            env=self._variables(),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        return Played(done.returncode, done.stdout)


def commands() -> list[str]:
    """Return the commands of the README in their order."""
    return re.findall(r"^\$ (.*)$", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def secret_commands() -> list[str]:
    """Return the commands of the README that make the secret."""
    found = [each for each in commands() if "lab-course-vault" in each or "vault.yml" in each]
    assert len(found) == 2, found
    return found


def texts_of_machines(folder: Path) -> dict[str, str]:
    """Return the user data of each machine by its name, with floating IPs for all and without.

    The result also has the script of the head, and the passwords of Anna and of the head in plain text.
    """
    course = Course(folder, folder, {"course_cloud": "jetstream2", "others": OTHERS})
    course.set(course_students=[*STUDENTS, DORA])
    (course.folder / "render.yml").write_text(RENDER, encoding="utf-8")
    (course.folder / "templates" / "password-of-test.j2").write_text(PASSWORD, encoding="utf-8")
    done = course.play("render.yml", "-i", "localhost,")
    assert done.status == 0, done.text
    found: dict[str, str] = json.loads((course.folder / "out.json").read_text(encoding="utf-8"))
    return found
