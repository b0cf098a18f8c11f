# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program at a terminal, and a person who answers its questions."""

from __future__ import annotations

import os
import pty
import select
import signal
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

# A program that has not ended by then waits for an answer that nobody has.
_LONGEST = 120.0
_LOCAL_FLAGS = 3
# Ansible drops the keys that were pressed before its question, for a moment after it has switched the terminal.
_SETTLED = 0.2


def converse(
    command: Sequence[str], answers: Mapping[str, str], *, folder: Path, environment: Mapping[str, str]
) -> tuple[int, str]:
    """Run a program at a terminal, and answer its questions, by a part of each. Return its status, and what was shown.

    Raises AssertionError with what was shown if the program does not end.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(command[0], list(command), dict(environment))
    open_questions = dict(answers)
    shown = ""
    deadline = time.monotonic() + _LONGEST
    try:
        with suppress(OSError):
            while part := _read(terminal, process, deadline, shown):
                shown += part.decode(errors="replace")
                for question in [each for each in open_questions if each in shown]:
                    _await_reader(terminal, deadline)
                    os.write(terminal, f"{open_questions.pop(question)}\n".encode())
        _process, status = os.waitpid(process, 0)
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown


def _read(terminal: int, process: int, deadline: float, shown: str) -> bytes:
    ready, _unused, _unused = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
    if not ready:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        raise AssertionError(f"the program waits for an answer:\n{shown}")
    return os.read(terminal, 65536)


def _await_reader(terminal: int, deadline: float) -> None:
    """Wait until the program reads keys, not lines."""
    while termios.tcgetattr(terminal)[_LOCAL_FLAGS] & termios.ICANON and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(_SETTLED)
