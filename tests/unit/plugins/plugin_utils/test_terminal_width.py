# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The width of the terminal is known where lines are made, also in a worker that Ansible detached from it."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal import terminal_width as module
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.terminal_width import terminal_width

# Like a worker of Ansible: it leaves the session, and its descriptors lead nowhere.
_PROGRAM = """
import multiprocessing, os, sys
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.terminal_width import terminal_width

def work(queue):
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    queue.put(terminal_width())

context = multiprocessing.get_context("fork")
queue = context.Queue()
worker = context.Process(target=work, args=(queue,))
worker.start()
print(queue.get(timeout=30), terminal_width(), file=sys.stderr)
worker.join()
"""


def run(stdout: int | None) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        stdout=subprocess.DEVNULL if stdout is None else stdout,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=variables,
        text=True,
        timeout=60,
        check=True,
    )
    return ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_worker_knows_the_width_of_the_terminal_of_its_parent(columns: int) -> None:
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        assert run(theirs) == f"{columns} {columns}"
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_terminal_without_a_width_is_no_limit() -> None:
    ours, theirs = pty.openpty()
    try:
        assert run(theirs) == "None None"
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("kind", ["pipe", "file", "null"])
def test_a_pipe_and_a_file_have_no_limit(tmp_path: Path, kind: str) -> None:
    with (tmp_path / "output").open("w") as file:
        stdout = {"pipe": subprocess.PIPE, "file": file.fileno(), "null": None}[kind]
        assert run(stdout) == "None None"


@pytest.mark.parametrize(
    ("given", "width"), [("72", 72), (" 72 ", 72), ("0", None), ("-5", None), ("wide", None), ("", None), ("²", None)]
)
def test_columns_overrides_the_terminal_if_it_is_a_number(given: str, width: int | None) -> None:
    assert multiprocessing.parent_process() is None
    known = terminal_width({})
    assert terminal_width({"COLUMNS": given}) == (width or known)


def test_without_proc_the_width_is_that_of_ansibles_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for columns, width in ((79, None), (119, 120)):
        monkeypatch.setattr(module, "Display", lambda columns=columns: type("Display", (), {"columns": columns}))
        assert module._width_at(tmp_path / "absent") == width
