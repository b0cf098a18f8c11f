# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: shows a fleet, stops it, shows it again, and stops it once more, by commands that a user could type."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

# The width of the terminal, or COLUMNS. The playbooks write into a pipe, and get the width for their tables from here.
_WIDTH = shutil.get_terminal_size((80, 24)).columns


def main() -> int:
    # If the demo is killed, the playbook ends too.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        return _show()
    except KeyboardInterrupt:
        return 130


def _show() -> int:
    print(_INTRODUCTION)
    for number, (heading, playbook) in enumerate(_STEPS, start=1):
        output = _step(number, heading, "ansible-playbook", "-i", "localhost,", f"jetstream.cloud.{playbook}")
        if output is None:
            print("\nThe demo failed: the error is above.")
            return 1
    changed = re.findall(r"changed=(\d+)", output or "")
    if changed != ["0"]:
        print("\nThe demo failed: the second run should have changed nothing.")
        return 1
    print(_END)
    return 0


_INTRODUCTION = """\
This is a simulated Jetstream with an account of a dozen instances. It runs on this machine and ends with the demo.
It uses no cloud, and spends no service units."""

_STEPS = (
    ("The fleet before", "instances"),
    ("Stop all running instances", "stop_all"),
    ("The fleet after", "instances"),
    ("Stop all again: nothing is left to do", "stop_all"),
)

_END = """
The demo is over. README.md says how to do the same with an account of your own."""


def _step(number: int, heading: str, *command: str) -> str | None:
    """Run a command, show its output, and return that, or None if it failed."""
    title = f" {number}. {heading} "
    print(f"\n{title:─^{_WIDTH}}\n$ {shlex.join(command)}\n", flush=True)
    begun = time.monotonic()
    lines = []
    variables = {**os.environ, "COLUMNS": str(_WIDTH)}
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line)
                print(line, end="", flush=True)
        except SystemExit:
            process.terminate()
            raise
    print(f"({time.monotonic() - begun:.1f} s)", flush=True)
    return "".join(lines) if process.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
