# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe runs on this machine, in all its shells, and prints nothing private."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import since
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.probe import probe_script
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.readings import Reading, parse

pytestmark = pytest.mark.skipif(sys.platform != "linux" or not Path("/proc/self/stat").exists(), reason="needs Linux")

SHELLS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash"],
    "bash --posix": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
}
# No other program has a name like this.
SECRET = "zzqqprivate"


def run(shell: list[str], script: str | None = None, **environ: str) -> str:
    """Return the output of the probe when a shell reads it from its standard input."""
    text = probe_script(since=None, over_ssh=False) if script is None else script
    ended = subprocess.run(
        [*shell, "-s"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )
    assert ended.stderr == ""
    return ended.stdout


def read(shell: list[str] | None = None) -> Reading:
    return parse(run(shell or ["sh"]), taken=time.time())


@pytest.mark.parametrize("shell", SHELLS)
def test_the_probe_prints_the_same_in_every_shell(shell: str) -> None:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"there is no {SHELLS[shell][0]}")
    told = read(SHELLS[shell])
    plain = read()

    assert told.sections.keys() == plain.sections.keys()
    assert (told.boot, told.cpus, told.net.keys(), told.disk.keys()) == (
        (plain.boot, plain.cpus, plain.net.keys(), plain.disk.keys())
    )
    assert 0 <= plain.uptime - told.uptime < 60


@pytest.mark.parametrize("awk", ["mawk", "gawk", "original-awk", "busybox"])
def test_the_probe_prints_the_same_with_every_awk(tmp_path: Path, awk: str) -> None:
    program = shutil.which(awk)
    if program is None:
        pytest.skip(f"there is no {awk}")
    wrapper = tmp_path / "awk"
    wrapper.write_text(f'#!/bin/sh\nexec {program} {"awk" if awk == "busybox" else ""} "$@"\n')
    wrapper.chmod(0o755)
    script = probe_script(since=None, over_ssh=False).replace("PATH=/usr/sbin", f"PATH={tmp_path}:/usr/sbin")

    with left_running("sleep", "50"), socket.create_server(("127.0.0.1", 0)):
        # Other processes of this machine come and go between two readings.
        for _attempt in range(10):
            told = parse(run(["sh"], script), taken=time.time())
            plain = read()
            if _kinds(told) == _kinds(plain):
                break

    assert told.sections == plain.sections
    assert _kinds(told) == _kinds(plain)
    assert bool(told.listeners) == bool(plain.listeners)
    assert {each.near for each in told.connections} <= {"loopback", "outside"}


def _kinds(reading: Reading) -> list[str]:
    return sorted(job.kind for job in reading.jobs)


def test_two_readings_of_this_machine_make_an_interval_without_a_doubt_of_its_clock() -> None:
    before = read()
    time.sleep(1.1)
    found = since(before, read())

    assert 0 < found.length < 60
    assert 0 <= found.cores <= before.cpus * 1.1
    assert [doubt for doubt in found.doubts if doubt.rule == ""] == []


def test_the_probe_takes_little_time() -> None:
    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    times = []
    for _attempt in range(5):
        begun = spent()
        run(["sh"])
        times.append(spent() - begun)

    # CPU time, which a busy machine does not stretch; the least is what it takes.
    assert min(times) < 0.3


def test_the_probe_leaves_no_file_and_needs_no_folder_of_its_own(tmp_path: Path) -> None:
    ended = subprocess.run(
        ["sh", "-s"],
        input=probe_script(since=0, over_ssh=True),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]},
        check=True,
        timeout=60,
    )

    assert list(tmp_path.iterdir()) == []
    assert ended.stdout.endswith("== end\n")


@pytest.mark.parametrize("missing", [2, 3, 8, 14, 20, 30, 500, 9000])
def test_a_script_that_arrives_in_part_prints_nothing(missing: int) -> None:
    script = probe_script(since=None, over_ssh=False)
    ended = subprocess.run(
        ["sh", "-s"], input=script[:-missing], capture_output=True, text=True, check=False, timeout=60
    )

    assert ended.stdout == ""


@contextmanager
def left_running(*command: str) -> Iterator[None]:
    """Run a program under nohup, in a session of its own."""
    process = subprocess.Popen(
        ["nohup", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        # Until it ignores the signal, and is the program.
        time.sleep(0.3)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_no_name_of_a_program_and_no_argument_is_reported(tmp_path: Path) -> None:
    program = tmp_path / SECRET
    program.write_text("#!/bin/sh\nsleep 50\n")
    program.chmod(0o755)
    with left_running(str(program), SECRET):
        text = run(["sh"], HOME=f"/{SECRET}", USER=SECRET)

    assert SECRET not in text


def test_no_address_of_a_peer_is_reported() -> None:
    with (
        socket.create_server(("127.0.0.53", 0)) as server,
        socket.create_connection(server.getsockname(), source_address=("127.0.0.99", 0)) as client,
    ):
        text = run(["sh"])
        ports = f"{server.getsockname()[1]} loopback {client.getsockname()[1]} loopback"

    assert re.search(r"\b\d+\.\d+\.\d+\.\d+\b", text) is None
    if shutil.which("ss", path="/usr/sbin:/usr/bin:/sbin:/bin"):
        assert ports in text


def test_neither_comments_nor_indentation_are_sent() -> None:
    script = probe_script(since=None, over_ssh=True)

    assert re.findall(r"^(?:[ \t]|#).*", script, re.MULTILINE) == []
    assert len(script) < 18_000


def test_the_probe_passes_shellcheck() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("there is no shellcheck")
    # Lists of words are split on purpose, and ls lists files without names of their own.
    command = ["shellcheck", "--shell=sh", "--exclude=SC2086,SC2010", "-"]
    ended = subprocess.run(
        command, input=probe_script(since=5, over_ssh=True), capture_output=True, text=True, check=False
    )

    assert ended.stdout == ""
