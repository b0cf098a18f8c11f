# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a program of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from ansible_collections.jetstream.cloud.tests import simulator

SERVE = Path(simulator.__file__).parent / "serve.py"


@contextmanager
def _program(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(SERVE), *arguments]
    # It is run from another folder, by its path alone.
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def test_the_program_serves_the_demo_until_it_is_stopped(tmp_path: Path) -> None:
    url_file = tmp_path / "url"
    with _program(tmp_path, "--url-file", str(url_file), "--max-seconds", "60") as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        assert url == url_file.read_text().strip()
        login = requests.post(
            f"{url}/auth",
            json={"username": "demo", "password": "only-for-show"},
            headers={"Accept": "application/json"},
            timeout=20,
        )
        assert login.status_code == 201
        program.send_signal(signal.SIGTERM)
        rest, errors = program.communicate(timeout=20)
        assert (program.returncode, rest, errors) == (0, "", "")


def test_the_program_ends_after_max_seconds(tmp_path: Path) -> None:
    with _program(tmp_path, "--max-seconds", "0.1") as program:
        program.communicate(timeout=20)
        assert program.returncode == 0


def test_a_mistake_in_a_seed_is_reported(tmp_path: Path) -> None:
    with _program(tmp_path, "--seed", "nowhere.yaml") as program:
        _output, errors = program.communicate(timeout=20)
        assert program.returncode == 1
        assert errors.startswith("serve.py: ")
        assert "nowhere.yaml" in errors
