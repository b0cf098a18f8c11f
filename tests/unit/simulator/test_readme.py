# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands and the example of the simulator's README.md run unchanged."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests import simulator

README = Path(simulator.__file__).with_name("README.md")
ROOT = README.parents[2]
COMMANDS = re.findall(r"^\$ (.*)$", README.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_readme_has_two_commands() -> None:
    assert len(COMMANDS) == 2


@pytest.mark.parametrize("command", COMMANDS, ids=["serve", "with_simulator"])
def test_a_command_runs(command: str) -> None:
    words = shlex.split(command)
    # The same as ./dev does, in the environment that is there.
    assert words[:3] == ["./dev", "run", "python"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with subprocess.Popen(
        [sys.executable, *words[3:]],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout
        first = program.stdout.readline()
        program.terminate()
    assert first


def test_the_example_runs() -> None:
    [example] = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    ended = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
