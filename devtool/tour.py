# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: a fleet is shown, stopped, shown, and stopped once more, by commands that a user could type."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import time

_WIDTH = 100


def main() -> int:
    # Ended by kill, end the playbook too.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        return _show()
    except KeyboardInterrupt:
        return 130


def _show() -> int:
    print(_INTRODUCTION)
    for number, (heading, playbook) in enumerate(_STEPS, start=1):
        said = _step(number, heading, "ansible-playbook", "-i", "localhost,", f"jetstream.cloud.{playbook}")
        if said is None:
            print("\nThe demo failed: what went wrong is above.")
            return 1
    changed = re.findall(r"changed=(\d+)", said or "")
    if changed != ["0"]:
        print("\nThe demo failed: the second run should have changed nothing.")
        return 1
    print(_END)
    return 0


_INTRODUCTION = """\
This is a simulated Jetstream with an account of a dozen instances. It runs on this machine and ends with the demo.
No cloud is asked, and no service units are spent."""

_STEPS = (
    ("The fleet before", "instances"),
    ("Stop all that runs", "stop_all"),
    ("The fleet after", "instances"),
    ("Stop all again: nothing is left to do", "stop_all"),
)

_END = """
That was it. README.md says how to do the same with an account of your own."""


def _step(number: int, heading: str, *command: str) -> str | None:
    """Run a command, show what it says, and return that, or None if it failed."""
    title = f" {number}. {heading} "
    print(f"\n{title:─^{_WIDTH}}\n$ {shlex.join(command)}\n", flush=True)
    begun = time.monotonic()
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
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
