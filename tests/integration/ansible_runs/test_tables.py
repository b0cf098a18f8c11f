# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the shipped playbooks fit the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import (
    environment,
    program,
    run_playbook,
)
from ansible_collections.jetstream.cloud.tests.simulator import SEEDS, Server, Settings, load

PLAYBOOKS = ["instances", "volumes", "allocation", "stop_all"]


@pytest.fixture
def demo() -> Iterator[Server]:
    """Serve the fleet of the demo."""
    with Server(load(SEEDS / "demo.yaml", settings=Settings(transition=0.0, deploy=0.0))) as server:
        yield server


def login(server: Server) -> dict[str, str]:
    return {"JETSTREAM_USERNAME": "demo", "JETSTREAM_PASSWORD": server.world.users["demo"].password}


def run_in_terminal(columns: int, *arguments: str, home: Path, server: Server) -> str:
    """Run ansible-playbook in a terminal of that width, and return what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = {**environment(home, server.url), **login(server), "NO_COLOR": "1"}
    shown: list[bytes] = []

    def follow() -> None:
        try:
            while chunk := os.read(ours, 65536):
                shown.append(chunk)
        except OSError:
            # Linux says so when the last process has closed its end.
            return

    reader = threading.Thread(target=follow)
    reader.start()
    command = [program("ansible-playbook"), "-i", "localhost,", *arguments]
    try:
        process = subprocess.Popen(command, env=variables, cwd=home, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        assert process.wait(timeout=120) == 0, b"".join(shown).decode()
        reader.join(timeout=30)
    finally:
        os.close(ours)
    return b"".join(shown).decode().replace("\r\n", "\n")


def table(shown: str) -> list[str]:
    """Return the lines from the table's title to the end of its task."""
    lines = shown[shown.index("\nNAME ") + 1 :].split("\nPLAY RECAP")[0].split("\nTASK")[0].splitlines()
    return [line for line in lines if line and not re.match(r"(ok|skipping): \[", line)]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_no_line_of_a_table_is_wider_than_80_columns(playbook: str, demo: Server, tmp_path: Path) -> None:
    lines = table(run_in_terminal(80, f"jetstream.cloud.{playbook}", "--check", home=tmp_path, server=demo))

    assert [line for line in lines if len(line) > 80] == []
    assert lines[0].startswith("NAME ")
    names = {line.split()[0] for line in lines[1:] if not line.startswith(" ")}
    existing = {
        "volumes": {each.name for each in demo.world.volumes},
        "allocation": {"TG-GEO160014"},
    }.get(playbook, {each.name for each in demo.world.instances})
    assert existing <= names


def test_columns_that_do_not_fit_are_named_with_the_variable_that_shows_them(demo: Server, tmp_path: Path) -> None:
    shown = run_in_terminal(80, "jetstream.cloud.instances", home=tmp_path, server=demo)
    assert table(shown)[-1] == "Columns not shown: ALLOCATION, PROJECT. See all: -e width=0"

    shown = run_in_terminal(80, "jetstream.cloud.instances", "-e", "width=0", home=tmp_path, server=demo)
    assert table(shown)[0].split()[-2:] == ["ALLOCATION", "PROJECT"]
    assert "Columns not shown" not in shown


def test_chosen_columns_are_shown_whatever_the_width(demo: Server, tmp_path: Path) -> None:
    shown = run_in_terminal(40, "jetstream.cloud.instances", "-e", "columns=all", home=tmp_path, server=demo)
    assert "GLOBAL BURN RATE" in table(shown)[0]


def test_results_are_whole_in_a_narrow_terminal(demo: Server, tmp_path: Path) -> None:
    lines = table(run_in_terminal(40, "jetstream.cloud.stop_all", "--check", home=tmp_path, server=demo))
    *rows, _sums = lines
    first = next(index for index, line in enumerate(rows) if line.startswith("sensor-gateway"))
    result = " ".join(line[18:] for line in rows[first : first + 4])

    assert [line for line in rows if len(line) > 40] == []
    assert result == "skipped: suspended (stopping it would start it first; allow_wake)"


def test_a_table_in_a_pipe_has_all_columns_unless_columns_is_set(demo: Server, tmp_path: Path) -> None:
    pipe = {"home": tmp_path, "url": demo.url}
    whole = run_playbook("-i", "localhost,", "jetstream.cloud.instances", **pipe, more=login(demo))
    narrow = run_playbook(
        "-i", "localhost,", "jetstream.cloud.instances", **pipe, more={**login(demo), "COLUMNS": "60"}
    )

    assert table(whole.stdout)[0].endswith("PROJECT"), whole.stdout
    assert max(map(len, table(narrow.stdout))) <= 60


def test_a_width_that_is_no_number_is_refused_before_the_first_request(demo: Server, tmp_path: Path) -> None:
    arguments = ["-i", "localhost,", "jetstream.cloud.stop_all", "-e", "width=wide"]
    ended = run_playbook(*arguments, home=tmp_path, url=demo.url, more=login(demo))

    assert ended.returncode == 2
    assert "width is wide, but must be a number, 0 or more." in ended.stdout
    assert len(demo.requests) == 0
