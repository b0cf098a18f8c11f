# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs with a watch in hand."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import Playbook

_RUNNING: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class FinishedRun:
    """A program that ran: seconds by the clock, MB of the largest of its processes, what it wrote, its exit status.

    ``begun``: when, in the machine's monotonic time.
    """

    begun: float
    seconds: float
    memory: float
    output: str
    status: int = 0


class Failed(Exception):
    """A program ended badly."""


def ran(command: Sequence[str], environment: Mapping[str, str], folder: Path, *, may_fail: bool = False) -> FinishedRun:
    """Run a program. Raises Failed if its status is not 0, unless it may be."""
    with tempfile.TemporaryFile("w+") as output:
        begun = time.monotonic()
        process = subprocess.Popen(command, env=dict(environment), cwd=folder, stdout=output, stderr=output)
        _RUNNING.add(process)
        try:
            _unused, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            raise
        finally:
            _RUNNING.discard(process)
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode and not may_fail:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{text[-2000:]}")
    return FinishedRun(begun, seconds, usage.ru_maxrss / 1024, text, process.returncode)


def end_all() -> None:
    """End the programs that run in other threads."""
    for process in list(_RUNNING):
        process.terminate()


class OperationRunner:
    """A home and a working directory for one run of ansible-playbook after the other."""

    def __init__(self, url: str) -> None:
        """Make an empty one."""
        self._folder = tempfile.TemporaryDirectory()
        self._url = url

    def __enter__(self) -> Self:
        """Sit down."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Clear it."""
        self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """Where it is."""
        return Path(self._folder.name)

    def play(self, tasks: Sequence[dict[str, Any]], **keywords: Any) -> FinishedRun:
        """Run tasks on localhost."""
        playbook = Playbook(self.folder, tasks, url=self._url, **keywords)
        return ran(playbook.command, playbook.environment(), self.folder)

    def graph(self, source: str) -> FinishedRun:
        """Run ``ansible-inventory --graph`` on a source."""
        playbook = Playbook(self.folder, [], url=self._url)
        program = Path(playbook.command[0]).with_name("ansible-inventory")
        return ran([str(program), "-i", source, "--graph"], playbook.environment(), self.folder)


def counting_python(folder: Path, log: Path) -> dict[str, str]:
    """Return the variable by which modules run in a Python made in a folder, which logs how many MB each run took."""
    interpreter = folder / "python"
    program = _COUNTING.format(log=str(log), python=sys.executable)
    interpreter.write_text(f"#!{sys.executable}\n{program}")
    interpreter.chmod(0o755)
    return {"ansible_python_interpreter": str(interpreter)}


_COUNTING = """\
import os, subprocess, sys
process = subprocess.Popen([{python!r}, *sys.argv[1:]])
_, status, usage = os.wait4(process.pid, 0)
with open({log!r}, "a") as log:
    log.write(f"{{usage.ru_maxrss / 1024}}\\n")
sys.exit(os.waitstatus_to_exitcode(status))
"""
