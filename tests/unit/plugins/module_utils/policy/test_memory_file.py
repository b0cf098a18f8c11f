# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory between runs is whole, private and bounded, and two runs at once do not lose each other's notes."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy import memory_file
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.memory import Act, Notice, Remembered
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.memory_file import (
    KEPT_UNSEEN,
    MemoryFile,
    MemoryFileError,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock

NOW = START.timestamp()
KEY = ("js", "p", "u")
NOTICE = Notice(NOW - 9, {"mail": NOW}, begun=NOW - 99, claims={"webhook": NOW - 9})
WEB = Remembered("web", NOW, woken=NOW - 60, notice=NOTICE, act=Act("shelve", NOW, "failed"))
# Notes fifty instances, one by one.
NOTE = """
import sys, time
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.memory import Remembered
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.memory_file import MemoryFile
for number in range(50):
    with MemoryFile(Path(sys.argv[1]), SystemClock()).changing() as memory:
        memory.instances["js", sys.argv[2], str(number)] = Remembered("web", time.time())
"""


@pytest.fixture
def file(tmp_path: Path) -> MemoryFile:
    return MemoryFile(tmp_path / "decisions", FakeClock())


def note(file: MemoryFile, *rows: tuple[tuple[str, str, str], Remembered]) -> None:
    with file.changing() as memory:
        memory.instances |= dict(rows)
        memory.first_readings["js p"] = NOW - 1


def test_the_file_is_read_as_it_was_written_and_only_its_owner_can_read_it(file: MemoryFile) -> None:
    note(file, (KEY, WEB))
    read = file.read()
    assert (read.of(KEY), read.first_readings, read.was_unreadable) == (WEB, {"js p": NOW - 1}, False)
    assert read.of(("js", "p", "other")) == Remembered()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_time_in_the_future_is_dropped_and_the_state_of_sleep_is_not(file: MemoryFile) -> None:
    ahead = NOW + 86_400
    notice = Notice(ahead, {"mail": ahead, "webhook": NOW}, ahead, ahead, {"mail": ahead, "webhook": NOW})
    note(file, (KEY, Remembered("web", NOW, asleep=ahead, notice=notice, act=Act("shelve", ahead))))
    assert file.read().of(KEY) == Remembered(
        "web", NOW, asleep=NOW, notice=Notice(0.0, {"webhook": NOW}, 0.0, 0.0, {"webhook": NOW})
    )


def test_a_missing_file_is_an_empty_memory(file: MemoryFile) -> None:
    assert file.read().instances == {}
    assert not file.read().was_unreadable


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "instances": [{}]}', "[" * 5000])
def test_a_file_that_cannot_be_read_is_an_empty_memory_with_a_warning(file: MemoryFile, text: str) -> None:
    note(file, (KEY, WEB))
    file.path.write_text(text)
    assert (file.read().instances, file.read().was_unreadable) == ({}, True)
    # It is replaced by the next change.
    note(file, (KEY, WEB))
    assert file.read().of(KEY) == WEB


def test_instances_that_are_long_gone_are_forgotten(file: MemoryFile) -> None:
    note(file, (KEY, WEB), (("js", "p", "gone"), replace(WEB, seen=NOW - KEPT_UNSEEN)))
    assert list(file.read().instances) == [KEY]


def test_no_more_are_kept_than_may_be(file: MemoryFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_file, "MOST_INSTANCES", 2)
    note(file, *((("js", "p", str(number)), replace(WEB, seen=NOW - number)) for number in range(4)))
    assert [uuid for _site, _project, uuid in file.read().instances] == ["0", "1"]


def test_an_error_while_it_is_changed_leaves_it_as_it_was(file: MemoryFile) -> None:
    note(file, (KEY, WEB))

    def fail() -> None:
        with file.changing() as memory:
            memory.instances.clear()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert file.read().of(KEY) == WEB


def test_a_folder_that_cannot_be_written_is_named(file: MemoryFile) -> None:
    file.path.parent.parent.joinpath("decisions").write_text("a file")
    with pytest.raises(MemoryFileError, match=r"notices\.json cannot be written: "), file.changing():
        pass


def test_two_programs_at_once_lose_nothing(file: MemoryFile) -> None:
    folder = str(file.path.parent)
    writers = [subprocess.Popen([sys.executable, "-c", NOTE, folder, name]) for name in ("one", "two")]
    assert [each.wait(timeout=120) for each in writers] == [0, 0]
    assert len(file.read().instances) == 100
