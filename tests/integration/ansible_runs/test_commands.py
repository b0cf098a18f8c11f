# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command on pages and at the head of playbooks, run as it stands there, on the fleet of the demo.

One that changes something is also tried by --check before, and run again after, which changes nothing. A command that
is not run here needs a reason.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import (
    environment,
    program,
    run_playbook,
)
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_guides import GUIDES
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_install_schedule import Machine
from ansible_collections.jetstream.cloud.tests.simulator import SEEDS, Server, Settings, World, load
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT, code_blocks
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import a_webhook

DOCS = ROOT / "docs"
# Where commands stand. Those of the guides and of the lab course are run in their order, by test_guides.py and
# tests/scenarios/test_lab_course.py; ./dev and its programs by the checks that they are (tests/unit/devtool).
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
HEADS = sorted([*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "extensions" / "eda" / "rulebooks").glob("*.yml")])
_OF_PAGE = re.compile(r"^ *\$ (.+(?:\\\n.+)*)$", re.MULTILINE)
_OF_HEAD = re.compile(r"^#   (ansible-.+)$", re.MULTILINE)
_IN_A_SENTENCE = re.compile(r"`(ansible-playbook -i localhost, jetstream\.cloud\.[a-z_]+(?: [^`]+)?)`")
# What is not run here, by what it begins with, and why: for other programs, it is said which test runs them.
NOT_HERE: Mapping[str, str] = {
    "ansible-playbook -i localhost, jetstream.cloud.save_credential": "asks at a terminal: test_playbooks.py",
    "./dev ": "of developers: tests/unit/devtool/test_commands.py",
    "openstack server ": "a program of OpenStack: tests/scenarios/jetstream2/test_idle.py sets such properties",
    "export OS_CLOUD=": "of a shell",
    "openstack ": "a program of OpenStack",
    "export ": "of a shell",
    "sudo apt install ": "of Debian",
    "python3 --version": "of Python",
    "git clone ": "of git",
    "cd ": "of a shell",
    "mkdir ": "of a shell",
    "mv ": "of a shell",
    "chmod ": "of a shell",
    "cp -r ": "of a shell",
    "(umask 077; ": "of a shell",
    "python3 -m venv ": "of Python",
    ". ~/": "of a shell",
    "pip install ": "of pip",
    "~/rulebook/bin/pip install ": "of pip",
    "loginctl ": "of systemd",
    "systemctl ": "of systemd",
    "journalctl ": "of systemd",
    "ansible-galaxy collection ": "installs: the checks package and release",
    "ansible-builder ": "tests/runner/test_execution_environment.py",
    "ansible-navigator ": "tests/runner/test_execution_environment.py",
    "ansible-runner ": "tests/runner/test_local_runs.py",
    "ansible-playbook controller.yml ": "tests/runner/test_awx.py",
    "ansible-rulebook ": "tests/eda/test_rulebooks.py",
    "ansible-playbook course.yml ": "its task is in tests/scenarios/test_module_examples.py",
    "env -i ": "tests/cron/test_cron.py",
}
# Playbooks that act. Without --check, their commands are run three times.
ACTING = re.compile(
    r"jetstream\.cloud\.((start|stop|suspend|shelve)_all|instance_action|keep|scheduled|shelve_idle|budget_guard"
    r"|deadlines|install_schedule)\b|evening\.yml"
)
# What changes something each time, and why.
CHANGES_AGAIN: Mapping[str, str] = {"do=reboot": "reboots", "hours=": "the hours begin with the run"}
# What a check run does not foresee, and why.
NOT_FORESEEN = {"mail": "it sends no mail, and does not count what it would send", "webhook": "the same"}
# Named by commands, beside those of the demo.
NAMES = ("web", "genomes", "bio101-01", "bio101-teacher", "batch-1", "login-1")


def commands_of(path: Path) -> list[str]:
    """Return the commands of a page, or of the head of a playbook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yml":
        return [each.partition("   ")[0].strip() for each in _OF_HEAD.findall(text)]
    found = [*_OF_PAGE.findall(text), *_IN_A_SENTENCE.findall(text)]
    return [re.sub(r"\\\n *", "", each).partition("   ")[0].strip() for each in found]


def _by_place() -> Iterator[tuple[Path, list[str]]]:
    """Yield the commands that are run here, with where they stand: each command once, and none of the guides."""
    known = {each for path in GUIDES for each in commands_of(path)}
    for path in [*PAGES, *HEADS]:
        here = dict.fromkeys(each for each in commands_of(path) if not each.startswith(tuple(NOT_HERE)))
        if fresh := [each for each in here if each not in known]:
            yield path, fresh
        known |= here.keys()


PLACES = list(_by_place())


# The instances of the simulator are this machine.
_HERE = {"ANSIBLE_TRANSPORT": "local", "ANSIBLE_PYTHON_INTERPRETER": sys.executable}


class Reader:
    """Someone who types the commands of a page, at home, with the files that the page names."""

    def __init__(self, machine: Machine, world: World, mail_port: int, hook: str) -> None:
        self.home = machine.home
        self.metrics = self.home.parent / "metrics"
        self.mail = {"smtp_host": "127.0.0.1", "smtp_port": str(mail_port), "smtp_secure": "never"}
        self.more = {
            **machine.more,
            "JETSTREAM_USERNAME": "demo",
            "JETSTREAM_PASSWORD": world.users["demo"].password,
            # The simulator's instances have addresses at which somebody else is.
            "ANSIBLE_SSH_EXECUTABLE": "/bin/false",
            "ANSIBLE_LOCALHOST_WARNING": "true",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "true",
        }
        self.play: Callable[..., subprocess.CompletedProcess[str]] = partial(
            run_playbook, home=self.home, url=machine.server.url, more=self.more
        )
        self._url = machine.server.url
        self._write_files(hook)

    def _write_files(self, hook: str) -> None:
        """Write the files that commands name, with what the pages have as examples of them."""
        sender = "".join(f"{name}: {value}\n" for name, value in self.mail.items())
        [nightly] = (each for each in code_blocks(DOCS / "cron.md", "yaml") if "limit_percent" in each)
        nightly = re.sub(r"smtp_host: \S+.*\n", "", nightly).replace("/home/johndoe/bio101", str(self.home))
        nightly = re.sub(r"https://hc-ping\S+", hook, nightly).replace("web, blast-server", "course-web, blast-server")
        [timetable, *_others] = (each for each in code_blocks(DOCS / "schedules.md", "yaml") if "schedules:" in each)
        [deadlines, *_others] = (each for each in code_blocks(DOCS / "deadlines.md", "yaml") if "deadlines:" in each)
        [owners] = (each for each in code_blocks(DOCS / "deadlines.md", "yaml") if "owner_mail:" in each)
        [evening] = (each for each in code_blocks(ROOT / "README.md", "yaml") if "hosts: localhost" in each)
        [template] = code_blocks(DOCS / "usage_report.md", "jinja")
        [inventory] = (each for each in code_blocks(DOCS / "inventory.md", "yaml") if "# jetstream.yml" in each)
        files = {
            "nightly.yml": nightly + sender,
            "schedules.yml": timetable + deadlines,
            "owners.yml": owners + sender,
            "mail.yml": "mail_to: teacher@example.edu\n" + sender,
            "webhook.yml": f"webhook_url: {hook}\n",
            # Variables on one page, and a playbook on another.
            "evening.yml": evening,
            "lab.html.j2": template,
            "jetstream.yml": inventory,
        }
        for name, text in files.items():
            (self.home / name).write_text(text, encoding="utf-8")
        (self.home / "public_html").mkdir()
        self.metrics.mkdir()

    def type(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run a command as it stands, but for who takes its mail and where metrics are written."""
        name, *words = shlex.split(
            command.replace("/var/lib/prometheus/node-exporter", str(self.metrics)), comments=True
        )
        if name != "ansible-playbook":
            return self._run(name, *words)
        if "mail_to=" in command:
            more = (*more, *(word for pair in self.mail.items() for word in ("-e", "=".join(pair))))
        if "jetstream.cloud.tour" in words:
            # It begins in an empty folder.
            folder = Path(tempfile.mkdtemp(dir=self.home.parent))
            return self.play(*words, *more, folder=folder)
        return self.play(*words, *more)

    def _run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program(name), *words],
            env={**environment(self.home, self._url), **self.more, **_HERE},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    world = load(SEEDS / "demo.yaml", settings=Settings(transition=0.0, deploy=0.0))
    model = world.instance("course-web")
    for name in NAMES:
        made = world.add_instance(
            name,
            model.identity,
            model.size,
            model.version,
            project=model.project,
            allocation_source=model.allocation_source,
        )
    made.id = 21752
    with Server(world) as server, a_mail_server() as mail, a_webhook() as hook:
        yield Reader(Machine(tmp_path, server), world, mail.port, hook.url)


def _changed(ended: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"\bchanged=(\d+)", ended.stdout)


def _problems(reader: Reader, command: str) -> list[str]:
    """Return the promises that a command does not keep."""
    acts = bool(ACTING.search(command)) and "--check" not in command
    foreseen = reader.type(command, "--check") if acts else None
    done = reader.type(command)
    # What changed nothing at first does not do so later.
    again = reader.type(command) if acts and _changed(done) != ["0"] else None
    runs = [each for each in (foreseen, done, again) if each]
    problems = [each.stdout for each in runs if each.returncode != 0 or "WARNING" in each.stdout]
    tells = any(each in command for each in NOT_FORESEEN)
    if foreseen and _changed(foreseen) != _changed(done) and not tells:
        problems.append(f"foreseen: {_changed(foreseen)}, done: {_changed(done)}")
    if again and _changed(again) != ["0"] and not any(each in command for each in CHANGES_AGAIN):
        problems.append(f"changes something again: {again.stdout}")
    return problems


@pytest.mark.parametrize(("path", "commands"), PLACES, ids=[path.stem for path, _commands in PLACES])
def test_the_commands_of_a_page_or_playbook_run_as_they_stand(
    path: Path, commands: Sequence[str], reader: Reader
) -> None:
    if any("jetstream.cloud.why" in each for each in commands):
        # Without a decision there is nothing to tell, of which it warns.
        assert reader.play("-i", "localhost,", "jetstream.cloud.shelve_idle").returncode == 0
    if path.name == "playbooks.md":
        (reader.home / "evening.yml").write_text("only: [course-web]\nmax_changes: 1\n", encoding="utf-8")
    found = {each: problems for each in commands if (problems := _problems(reader, each))}
    assert not found, "\n".join(f"{each}\n{''.join(problems)}" for each, problems in found.items())


def test_the_task_for_a_practice_fleet_runs_after_the_tour(reader: Reader, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    toured = reader.play(
        *("-i", "localhost,", "jetstream.cloud.tour", "-e", "simulate=true", "-e", "folder=practice"), folder=folder
    )
    assert toured.returncode == 0, toured.stdout
    [task] = (each for each in code_blocks(DOCS / "tour.md", "yaml") if "practice_fleet" in each)
    head = "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n"
    (folder / "test.yml").write_text(head + _indented(task))
    # The tour has stopped the course.
    (folder / "morning.yml").write_text(head + _indented(task.replace("state: stopped", "state: started")))
    assert reader.play("-i", "localhost,", "morning.yml", folder=folder).returncode == 0
    _require_a_triad(reader, "test.yml", folder=folder)


def test_a_playbook_that_is_imported_with_variables_runs(reader: Reader) -> None:
    [block] = (each for each in code_blocks(DOCS / "playbooks.md", "yaml") if "import_playbook" in each)
    (reader.home / "course.yml").write_text(block)
    runs = [
        reader.play("-i", "localhost,", "course.yml", "-e", "course=bio101", *more) for more in (("--check",), (), ())
    ]
    assert [(each.returncode, *_changed(each)) for each in runs] == [(0, "1"), (0, "1"), (0, "0")]


def _require_a_triad(reader: Reader, playbook: str, *more: str, folder: Path | None = None) -> None:
    """Require that a playbook changes something, as a check run foresees, and nothing when it is run again."""
    words = ["-i", "localhost,", playbook, *more]
    runs = [reader.play(*words, *check, folder=folder) for check in (["--check"], [], [])]
    assert [(each.returncode, *_changed(each)) for each in runs] == [(0, "1"), (0, "1"), (0, "0")], runs


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def test_no_reason_is_left_for_a_command_that_is_gone() -> None:
    commands = [each for path in [*PAGES, *HEADS] for each in commands_of(path)]
    assert [each for each in NOT_HERE if not any(command.startswith(each) for command in commands)] == []
