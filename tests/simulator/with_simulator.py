# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program with a simulator of its own, and ends the simulator with the program.

    with_simulator.py [option of serve.py ...] -- PROGRAM [argument ...]

The program gets the variables JETSTREAM_API_URL, JETSTREAM_USERNAME and JETSTREAM_PASSWORD (of the seed's first user),
and an empty home instead of the user's. The exit status is that of the program.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

_HERE = Path(__file__).resolve().parent
# Seconds after which the simulator ends by itself, if this process was killed and could not end it.
_LONGEST = "3600"
_PATIENCE = 10.0
# The user's variables that would name another cloud or another home.
_HIDDEN = ("JETSTREAM_", "OS_", "XDG_")


def main() -> int:
    """Run the program of the command line, and return its exit status."""
    if "--" not in sys.argv[1:-1]:
        print(__doc__, file=sys.stderr)
        return 2
    middle = sys.argv.index("--")
    options, command = sys.argv[1:middle], sys.argv[middle + 1 :]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        with simulator(options) as address, tempfile.TemporaryDirectory() as home:
            kept = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)}
            return _run(command, {**kept, **_account(options), "JETSTREAM_API_URL": address, "HOME": home})
    except KeyboardInterrupt:
        return 130


@contextlib.contextmanager
def simulator(options: list[str]) -> Iterator[str]:
    """Run a simulator for a with statement, and yield its address. Raises SystemExit if it does not start."""
    process = subprocess.Popen(
        [sys.executable, str(_HERE / "serve.py"), "--max-seconds", _LONGEST, *options],
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for the program. The simulator runs until the program has ended.
        start_new_session=True,
    )
    with process, _ended(process):
        address = process.stdout.readline().strip() if process.stdout else ""
        if not address:
            sys.exit("with_simulator.py: the simulator did not start; see above")
        yield address


def _run(command: list[str], variables: Mapping[str, str]) -> int:
    with subprocess.Popen(command, env=variables) as process, _ended(process):
        return process.wait()


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process at the end of a with statement: by SIGTERM, then by SIGKILL."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _account(options: list[str]) -> dict[str, str]:
    """Return the variables with which the first user of the seed logs in."""
    seed = Path(options[options.index("--seed") + 1]) if "--seed" in options else _HERE / "seeds" / "demo.yaml"
    user = yaml.safe_load(seed.read_text(encoding="utf-8"))["users"][0]
    return {"JETSTREAM_USERNAME": user["username"], "JETSTREAM_PASSWORD": user["password"]}


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
