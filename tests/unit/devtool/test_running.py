# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that a check has started end with ./dev, and its folder is removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devtool import running
from devtool.environment import ROOT, Environment
from devtool.running import CheckFailed, Workplace, run_folder

# A check whose program starts a sleep of a minute, and writes its process ID. "deaf": both ignore SIGTERM.
CHECK = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from devtool.environment import Environment
from devtool.running import Workplace
folder = Path({folder!r})
deaf = "trap '' TERM; " if {deaf} else ""
Workplace(Environment("test"), folder / "check", (), live=False).call(
    "sh", "-c", deaf + "sleep 60 & echo $! > started; mv started number; wait", cwd=folder
)
"""
LONGEST = 8.0


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_there(process: int) -> bool:
    try:
        # A process that has ended is a zombie until its parent reads its status.
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("number", "deaf"),
    [(signal.SIGKILL, False), (signal.SIGINT, False), (signal.SIGINT, True)],
    ids=["kill -9", "Ctrl-C", "Ctrl-C again and again"],
)
def test_a_program_and_all_that_it_started_end_with_dev(tmp_path: Path, number: signal.Signals, *, deaf: bool) -> None:
    script = CHECK.format(root=str(ROOT), folder=str(tmp_path), deaf=deaf)

    def is_over() -> bool:
        if deaf:
            # Signals that are sent too close together arrive as one.
            time.sleep(0.2)
            dev.send_signal(number)
        return not is_there(started)

    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as dev:
        wait_for((tmp_path / "number").exists)
        started = int((tmp_path / "number").read_text())
        dev.send_signal(number)
        try:
            wait_for(is_over)
        finally:
            if is_there(started):
                os.kill(started, signal.SIGKILL)


def test_the_failure_of_a_program_has_its_exit_status(tmp_path: Path) -> None:
    workplace = Workplace(Environment("test"), tmp_path / "check", (), live=False)
    assert workplace.call("sh", "-c", "read line || echo no input", cwd=tmp_path) == "no input\n"
    with pytest.raises(CheckFailed, match=r"^sh ended with status 3$"):
        workplace.call("sh", "-c", "exit 3", cwd=tmp_path)
    with pytest.raises(CheckFailed, match=r"^sh ended with status 143$"):
        workplace.call("sh", "-c", "kill $$", cwd=tmp_path)
    with pytest.raises(CheckFailed, match=r"^no-such-program ended with status 127$"):
        workplace.call("no-such-program", cwd=tmp_path)
    assert "no-such-program cannot be started: No such file or directory" in workplace.log.read_text()


def test_the_folder_of_a_run_is_removed_and_so_are_those_of_killed_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CACHE", tmp_path)
    with subprocess.Popen(["true"]) as ended:
        pass
    (tmp_path / "runs" / str(ended.pid)).mkdir(parents=True)
    with run_folder() as folder:
        assert list((tmp_path / "runs").iterdir()) == [folder]
    assert list((tmp_path / "runs").iterdir()) == []
