# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are replaced whole, keep the permissions set by their owner, and are changed by one process at a time."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.files import (
    append_file,
    exclusive,
    exclusive_in_folder,
    make_folder,
    read_file,
    remove_lock,
    replace_file,
    replace_in_folder,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock

# Replaces a file, with as much room on the disk as the second argument.
REPLACE = """
import resource, sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.files import replace_file
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
replace_file(Path(sys.argv[1]), b"new" * 1000)
"""
# Holds a file until its standard input ends.
HOLD = """
import sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.files import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
# Counts up in a file, a hundred times.
COUNT = """
import sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.files import exclusive, read_file, replace_file
path = Path(sys.argv[1])
for _ in range(100):
    with exclusive(path):
        replace_file(path, str(int(read_file(path)) + 1).encode())
"""


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={"PYTHONPATH": ":".join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("mask", "expected"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o002, 0o664), (0o000, 0o664)]
)
def test_a_new_file_has_the_mode_that_the_umask_allows_and_others_never_write(
    tmp_path: Path, mask: int, expected: int
) -> None:
    path = tmp_path / "page.html"
    with umask(mask):
        replace_file(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", expected)


@pytest.mark.parametrize("kept", [0o600, 0o644, 0o664, 0o640, 0o400])
def test_a_file_keeps_its_mode(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    path.chmod(kept)
    with umask(0o022):
        replace_file(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", kept)


@pytest.mark.parametrize("old", [None, 0o644])
def test_a_private_file_is_private_after_any_permissions(tmp_path: Path, old: int | None) -> None:
    path = tmp_path / "profiles.toml"
    if old:
        path.write_bytes(b"old")
        path.chmod(old)
    with umask(0o000):
        replace_file(path, b"new", mode=0o600)
    assert mode(path) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_keeps_the_owner_and_the_group(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    os.chown(path, 1234, 2345)
    replace_file(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_where_the_group_cannot_be_kept_another_group_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: int) -> None:
        raise PermissionError

    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    path.chmod(0o664)
    monkeypatch.setattr(os, "fchown", refuse)
    replace_file(path, b"new")
    assert mode(path) == 0o604


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, middle, link = tmp_path / "elsewhere" / "page.html", tmp_path / "middle", tmp_path / "link"
    middle.symlink_to("elsewhere/page.html")
    link.symlink_to(middle)
    if exists:
        target.write_bytes(b"old")
    replace_file(link, b"new")
    assert (link.readlink(), middle.readlink()) == (middle, Path("elsewhere/page.html"))
    assert target.read_bytes() == b"new"


def test_a_circle_of_links_is_refused_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(OSError, match="Too many levels"):
        replace_file(link, b"new")
    assert link.is_symlink()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as each:
        each.bind(str(path))


@pytest.mark.parametrize(
    ("make", "reason"),
    [(make_pipe, "it is a named pipe"), (make_socket, "it is a socket"), (Path.mkdir, "it is a folder")],
)
@pytest.mark.parametrize("linked", [False, True])
def test_a_path_that_is_no_regular_file_is_refused_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object, reason: str, linked: bool
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    assert callable(make)
    make(Path("there"))
    path = Path("there")
    if linked:
        path = Path("link")
        path.symlink_to("there")
    kind = stat.S_IFMT(path.stat().st_mode)
    with pytest.raises(OSError, match=reason):
        replace_file(path, b"new")
    assert stat.S_IFMT(path.stat().st_mode) == kind


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/not-there"])
def test_devices_are_refused_also_where_they_lead_to_a_file(path: str) -> None:
    with pytest.raises(OSError, match="it is a device"):
        replace_file(Path(path), b"new")


def test_a_link_to_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    with pytest.raises(OSError, match="it is a device"):
        replace_file(tmp_path / "link", b"new")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    assert "File too large" in python(REPLACE, path, 10).communicate()[1]
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("page.html", b"old")]


def test_a_folder_that_is_missing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "missing" / "page.html", b"new")


def test_reading_a_path_that_is_no_regular_file_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    special = {tmp_path / "pipe": "it is a named pipe", Path("/dev/zero"): "it is a device", tmp_path: "it is a folder"}
    for path, reason in special.items():
        with pytest.raises(OSError, match=reason):
            read_file(path)


@pytest.mark.parametrize(
    ("private", "mask", "expected"),
    [(True, 0o000, 0o700), (True, 0o022, 0o700), (False, 0o022, 0o755), (False, 0o077, 0o700), (False, 0o000, 0o775)],
)
def test_new_folders_are_never_open_to_the_writing_of_others(
    tmp_path: Path, private: bool, mask: int, expected: int
) -> None:
    tmp_path.chmod(0o701)
    with umask(mask):
        make_folder(tmp_path / "a" / "b", private=private)
    assert [mode(each) for each in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")] == [0o701, expected, expected]


def test_a_file_in_the_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(NotADirectoryError):
            make_folder(folder)


def test_in_an_open_folder_a_link_itself_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "token.json"
    target.write_bytes(b"old")
    link.symlink_to(target)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        replace_in_folder(folder, "token.json", b"new")
    finally:
        os.close(folder)
    assert (target.read_bytes(), link.read_bytes(), link.is_symlink(), mode(link)) == (b"old", b"new", False, 0o600)


def test_processes_that_change_a_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_bytes(b"0")
    both = [python(COUNT, path), python(COUNT, path)]
    assert [each.communicate()[1] for each in both] == ["", ""]
    assert path.read_bytes() == b"200"


def test_a_file_and_a_link_to_it_have_one_lock(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with (
        exclusive(tmp_path / "file"),
        pytest.raises(TimeoutError),
        exclusive(tmp_path / "link", clock=FakeClock()),
    ):
        pass


def test_waiting_for_a_lock_ends_and_names_it(tmp_path: Path) -> None:
    clock = FakeClock()
    with (
        exclusive(tmp_path / "usage.jsonl"),
        pytest.raises(TimeoutError, match=r"held its lock, \.usage\.jsonl\.lock, for 30 seconds"),
        exclusive(tmp_path / "usage.jsonl", clock=clock),
    ):
        pass
    assert 29 < clock.monotonic() <= 30


def test_a_lock_can_be_taken_again_also_after_an_error(tmp_path: Path) -> None:
    for _round in range(2):
        with pytest.raises(KeyError), exclusive(tmp_path / "file", clock=FakeClock()):
            raise KeyError
    with exclusive(tmp_path / "file", clock=FakeClock()):
        assert (tmp_path / ".file.lock").exists()


def test_a_reader_that_holds_the_folder_or_the_file_blocks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    path.write_bytes(b"")
    with path.open("rb") as file:
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.flock(folder, fcntl.LOCK_EX)
            with exclusive(path, clock=FakeClock()):
                pass
        finally:
            os.close(folder)


def test_a_lock_file_that_was_removed_while_another_process_waited_for_it_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "count"
    with exclusive(path):
        waiting = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        while not _is_open_in(waiting.pid, ".count.lock") and waiting.poll() is None:
            time.sleep(0.01)
        remove_lock(path)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "held\n"
    with pytest.raises(TimeoutError), exclusive(path, clock=FakeClock()):
        pass
    waiting.communicate("", timeout=60)
    with exclusive(path, clock=FakeClock()):
        pass


def _is_open_in(process: int, name: str) -> bool:
    links = []
    for each in Path(f"/proc/{process}/fd").glob("*"):
        with suppress(OSError):
            links.append(each.readlink().name)
    return name in links


@pytest.mark.parametrize(("folder_mode", "expected"), [(0o755, 0o600), (0o777, 0o660), (0o770, 0o660), (0o700, 0o600)])
def test_only_users_who_may_write_to_the_folder_can_open_the_lock(
    tmp_path: Path, folder_mode: int, expected: int
) -> None:
    tmp_path.chmod(folder_mode)
    with umask(0o000), exclusive(tmp_path / "usage.jsonl"):
        assert mode(tmp_path / ".usage.jsonl.lock") == expected


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".file.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="Too many levels"), exclusive(tmp_path / "file"):
        pass
    assert not (tmp_path / "victim").exists()


def test_where_a_file_system_has_no_locks_the_work_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    done = []
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with exclusive_in_folder(folder, "lock"):
            done.append(True)
    finally:
        os.close(folder)
    assert done


def test_lines_are_appended_to_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    append_file(path, b"one\n")
    append_file(path, b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert mode(path) == 0o600
    path.chmod(0o644)
    append_file(path, b"three\n")
    assert mode(path) == 0o600


def test_a_line_that_was_cut_is_ended_before_another_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    append_file(path, b"three\n")
    assert path.read_bytes() == b"one\ntw\nthree\n"


def test_only_a_regular_file_is_appended_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match=r"it is a named pipe|directory"):
            append_file(path, b"one\n")
