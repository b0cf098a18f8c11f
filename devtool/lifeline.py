# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program, and ends it with all of its child processes when the process that started this one is gone.

The starting process holds the other end of standard input open. The pipe closes even after kill -9. Start this program
in a session of its own, so that its process group has nothing but the program and its children.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

# Seconds that a program may take to clean up after SIGTERM.
LONGEST_END = 10.0
_NO_SUCH_PROGRAM = 127
_OF_SIGNAL = 128


def main(words: list[str]) -> int:
    """Return the exit status of the program as a shell does: 128 plus the number of the signal that ended it."""
    # This process has to outlive the program. A child inherits SIG_IGN, but not a handler.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    try:
        program = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stderr.write(f"{words[0]} cannot be started: {error.strerror}\n")
        return _NO_SUCH_PROGRAM
    is_orphan = threading.Event()
    threading.Thread(target=_watch, args=(program, is_orphan), daemon=True).start()
    status = program.wait()
    if is_orphan.is_set():
        # Children may have outlived the program.
        os.killpg(0, signal.SIGKILL)
    return status if status >= 0 else _OF_SIGNAL - status


def _watch(program: subprocess.Popen[bytes], is_orphan: threading.Event) -> None:
    """Wait for the end of standard input, and end the process group."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    is_orphan.set()
    os.killpg(0, signal.SIGTERM)
    try:
        program.wait(LONGEST_END)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
