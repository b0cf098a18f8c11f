# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook install_schedule: the line, the timer and the script that it writes, and what the script does."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, fleet

# Nobody's real crontab is touched.
_CRONTAB = """#!/bin/sh
case "$1" in
-l) cat "$HOME/crontab" 2>/dev/null || { echo "no crontab for johndoe" >&2; exit 1; } ;;
*) cp "$1" "$HOME/crontab" ;;
esac
"""
_SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$HOME/systemctl.log"
case "$*" in
*show*) echo LoadState=loaded; echo ActiveState=inactive; echo UnitFileState=disabled ;;
*is-enabled*) echo disabled; exit 1 ;;
esac
"""
_LOGINCTL = """#!/bin/sh
echo "loginctl $*" >>"$HOME/systemctl.log"
exit "$(cat "$HOME/linger" 2>/dev/null || echo 0)"
"""


class Machine:
    """A home whose path has what is special to a shell, a crontab and a unit; and a cloud."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.home = folder / "100% of John's"
        self.server = server
        programs = folder / "programs"
        programs.mkdir()
        for name, text in (("crontab", _CRONTAB), ("systemctl", _SYSTEMCTL), ("loginctl", _LOGINCTL)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        profiles = self.home / ".config" / "jetstream" / "profiles.toml"
        profiles.parent.mkdir(parents=True)
        profiles.write_text(f'[default]\napi_url = "{server.url}"\nusername = "johndoe"\npassword = "pass"\n')
        profiles.chmod(0o600)
        (self.home / "nightly.yml").write_text("parts: [hygiene]\neverything: true\n")
        self.more = {"PATH": f"{programs}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": str(folder / "nowhere")}

    def install(self, *values: str, status: int = 0, options: tuple[str, ...] = ()) -> str:
        words = [word for value in values for word in ("-e", value)]
        ended = run_playbook(
            *("jetstream.cloud.install_schedule", "-i", "localhost,", *words, *options),
            home=self.home,
            url=self.server.url,
            more=self.more,
        )
        assert ended.returncode == status, ended.stdout
        assert "WARNING" not in ended.stdout
        return ended.stdout

    @property
    def crontab(self) -> str:
        path = self.home / "crontab"
        return path.read_text() if path.exists() else ""

    @property
    def script(self) -> Path:
        return self.home / ".local/share/jetstream/nightly.sh"

    @property
    def log(self) -> Path:
        return self.home / ".local/state/jetstream/nightly.log"

    def environment(self) -> dict[str, str]:
        """Return the environment that cron gives a job."""
        return {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "johndoe"}

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", str(self.script)],
            env=self.environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )

    def run_line(self) -> CompletedProcess[str]:
        """Run the job of the crontab now, as cron does: its %, with a backslash before it, loses that."""
        [line] = [each for each in self.crontab.splitlines() if not each.startswith("#")]
        command = line.split(maxsplit=5)[5]
        assert not re.search(r"(?<!\\)%", command)
        return subprocess.run(
            ["/bin/sh", "-c", command.replace(r"\%", "%")],
            env=self.environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Server(fleet(names=("web",), states={"active": 1}, settings=Settings(transition=0.1))) as server:
        yield Machine(tmp_path, server)


def test_a_line_is_shown_written_run_and_removed(machine: Machine) -> None:
    (machine.home / "crontab").write_text("5 4 * * * backup\n")
    shown = machine.install("variables_path=nightly.yml", options=("--check", "--diff"))
    assert "+*/15 * * * * /bin/sh " in shown
    assert "+lock=" in shown
    assert "nightly would run every 15 minutes, by your crontab." in shown
    assert machine.crontab == "5 4 * * * backup\n"
    assert not (machine.home / ".local").exists()

    first = machine.install("variables_path=nightly.yml")
    assert "nightly runs every 15 minutes, by your crontab." in first
    assert machine.crontab.startswith("5 4 * * * backup\n#Ansible: jetstream.cloud nightly\n*/15 * * * * /bin/sh ")
    assert machine.script.stat().st_mode & 0o777 == 0o700
    assert "pass" not in machine.crontab + machine.script.read_text()
    assert "changed=0" in machine.install("variables_path=nightly.yml")

    (machine.home / "crontab").write_text(machine.crontab.replace("5 4 * * * backup\n", ""))
    ended = machine.run_line()
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert "== hygiene ==" in machine.log.read_text()
    assert machine.log.stat().st_mode & 0o777 == 0o600

    changed = machine.install("variables_path=nightly.yml", "at=02:30")
    assert "nightly runs at 02:30, by your crontab." in changed
    assert machine.crontab.splitlines()[1].startswith("30 2 * * * /bin/sh ")
    gone = machine.install("state=absent")
    assert "is no longer scheduled" in gone
    assert (machine.crontab.strip(), machine.script.exists(), machine.log.exists()) == ("", False, True)
    assert "changed=0" in machine.install("state=absent")


def test_a_failure_is_printed_and_the_log_is_bounded(machine: Machine) -> None:
    (machine.home / "nightly.yml").write_text("parts: [hygeine]\n")
    machine.install("variables_path=nightly.yml", "log_kilobytes=1", "folder=.")
    ended = machine.run_line()
    assert ended.returncode == 2
    assert "there is no part hygeine" in " ".join(ended.stdout.split())
    machine.log.write_text("x" * 2000 + "\n")
    machine.log.chmod(0o644)
    ended = machine.run_line()
    assert "x" not in ended.stdout.splitlines()[0][:3]
    assert machine.log.with_suffix(".log.1").read_text() == "x" * 2000 + "\n"
    assert [path.stat().st_mode & 0o777 for path in machine.log.parent.glob("nightly.log*")] == [0o600, 0o600]


def test_two_runs_at_once_are_one(machine: Machine) -> None:
    machine.install("variables_path=nightly.yml")
    running = machine.start()
    lock = machine.log.with_suffix(".lock")
    _wait_until(lambda: machine.log.exists() and "--- " in machine.log.read_text())
    second = machine.run_line()
    assert (second.returncode, second.stdout) == (0, "")
    assert machine.log.read_text().count("--- ") == 1
    # Only the script is killed: what it started holds the lock on.
    running.kill()
    running.wait(timeout=10)
    third = machine.run_line()
    assert (third.returncode, third.stdout) == (0, "")
    assert machine.log.read_text().count("--- ") == 1
    _wait_until(lambda: _is_free(lock))
    assert machine.run_line().returncode == 0
    assert machine.log.read_text().count("--- ") == 2


def test_a_timer_of_systemd_is_written_valid_and_removed(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "runtime" / "systemd").mkdir(parents=True)
    machine.more |= {"XDG_RUNTIME_DIR": str(tmp_path / "runtime")}
    machine.install("scheduler=cron")
    assert "jetstream.cloud" in machine.crontab
    done = machine.install("minutes=5")
    assert "nightly runs every 5 minutes, by a systemd user timer." in done
    assert machine.crontab.strip() == ""
    units = machine.home / ".config/systemd/user"
    assert "OnCalendar=*-*-* *:00/5:00" in (units / "jetstream-nightly.timer").read_text()
    said = (machine.home / "systemctl.log").read_text()
    assert "--user daemon-reload" in said
    assert "--user enable jetstream-nightly.timer" in said
    assert "loginctl enable-linger" in said
    if analyze := shutil.which("systemd-analyze"):
        verified = subprocess.run(
            [analyze, "verify", "--user", "--man=no", *sorted(str(path) for path in units.iterdir())],
            env={**os.environ, **machine.more},
            capture_output=True,
            text=True,
            check=False,
        )
        # It also says what it thinks of the units that this system brings along.
        said = [line for line in f"{verified.stdout}{verified.stderr}".splitlines() if "jetstream-nightly" in line]
        assert (verified.returncode, said) == (0, [])
    (machine.home / "linger").write_text("1")
    refused = machine.install("minutes=5", status=2)
    assert "sudo loginctl enable-linger" in " ".join(refused.split())
    machine.install("state=absent")
    assert list(units.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["minutes=7"], "minutes is 7, but must be 5, 6, 10, 12, 15, 20, 30 or 60."),
        (["at=2:30"], "at is 2:30, but must be HH:MM"),
        (["at=02:30", "minutes=5"], "minutes and at are mutually exclusive. Set one of them."),
        (["job=../x"], "job is ../x, but must consist of letters"),
        (["forks=0"], "forks is 0, but must be 1 or more."),
        (["variables_path=nothing.yml"], "but there is no such file."),
        (["scheduler=systemd"], "systemd has no user services"),
        (["scheduler=launchd"], "scheduler is launchd, but must be one of cron, systemd."),
        (["minuets=5"], "minuets: did you mean minutes?"),
    ],
)
def test_a_mistake_is_refused_and_writes_nothing(machine: Machine, values: list[str], words: str) -> None:
    assert words in " ".join(machine.install(*values, status=2).split())
    assert (machine.crontab, machine.script.exists()) == ("", False)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_free(lock: Path) -> bool:
    """Return whether no run holds a lock."""
    with lock.open("rb") as file, suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def test_the_program_that_runs_is_the_one_that_wrote_the_line(machine: Machine) -> None:
    machine.install()
    assert str(Path(sys.executable).with_name("ansible-playbook")) in machine.script.read_text()
