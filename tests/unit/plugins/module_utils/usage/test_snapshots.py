# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history file loses nothing: not to a second run, not to a full disk, not to a damaged file, not to an account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.files import exclusive
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import CloudAccount
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.report_data import BalanceSnapshot
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.snapshots import (
    Owner,
    adopted,
    exclusive_history,
    merged,
    owner_of,
    read_snapshots,
    write_snapshots,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock

DAY = date(2026, 11, 23)
OURS: Owner = ("js2.example.org:5000", "IU", "5f")
THEIRS: Owner = ("js2.example.org:5000", "IU", "6a")
# Notes thirty allocations of its own, one after the other, as thirty runs would.
NOTE = """
import resource, sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage import snapshots
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.report_data import BalanceSnapshot
path, name, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
print("ready", flush=True)
sys.stdin.readline()
for number in range(30):
    with snapshots.exclusive_history(path, SystemClock()):
        before = snapshots.read_snapshots(path)
        new = BalanceSnapshot(date(2026, 11, 23), ("a", "b", "c"), f"{name}{number}", Decimal(number))
        snapshots.write_snapshots(path, snapshots.merged(before, [new]))
"""


def start(path: Path, name: str, *, limit: int = 0) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", NOTE, str(path), name, str(limit)],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def a_snapshot(remaining: str, *, owner: Owner = OURS, allocation: str = "cpu", day: date = DAY) -> BalanceSnapshot:
    return BalanceSnapshot(day, owner, allocation, Decimal(remaining))


def visible(folder: Path) -> list[str]:
    """Return the names of the files in a folder, without the lock that stays."""
    return sorted(each.name for each in folder.iterdir() if not each.name.endswith(".lock"))


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    both = [start(path, "a"), start(path, "b")]
    for each in both:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [each.communicate()[1] for each in both] == ["", ""]
    assert len(read_snapshots(path)) == 60
    assert visible(tmp_path) == ["usage.jsonl"]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    write_snapshots(path, [a_snapshot("1.5", allocation=f"{number}") for number in range(10)])
    before = path.read_bytes()
    _unused, said = start(path, "a", limit=len(before)).communicate("go\n")
    assert f"The history file {path} cannot be written: File too large." in said
    assert path.read_bytes() == before
    assert visible(tmp_path) == ["usage.jsonl"]


@pytest.mark.parametrize(
    "content",
    [
        b"not JSON\n",
        b'{"day": "2026-11-23"}\n',
        b'{"day": "x", "allocation": "a", "remaining": "1"}\n',
        b'{"day": "2026-11-23", "allocation": "a", "remaining": "NaN"}\n',
        b'{"day": "2026-11-23", "allocation": "a", "remaining": null}\n',
        b"\xff\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_damaged_file_is_named_and_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "usage.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"usage\.jsonl"), exclusive_history(path, FakeClock()):
        write_snapshots(path, merged(read_snapshots(path), []))
    assert path.read_bytes() == content


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_a_path_that_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path, make: object) -> None:
    path = tmp_path / "usage.jsonl"
    assert callable(make)
    make(path)
    with pytest.raises(ConfigurationError, match="cannot be read: it is a"):
        read_snapshots(path)
    with pytest.raises(ConfigurationError, match="cannot be written: it is a"):
        write_snapshots(path, [])


def test_the_last_snapshot_of_a_day_stays_exactly(tmp_path: Path) -> None:
    path = tmp_path / "new" / "usage.jsonl"
    rows = merged([a_snapshot("0.1")], [a_snapshot("18759.25")])
    with exclusive_history(path, FakeClock()):
        write_snapshots(path, rows)
    assert read_snapshots(path) == [a_snapshot("18759.25")]


def test_a_run_does_not_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    with (
        exclusive(path),
        pytest.raises(ConfigurationError, match=r"in use: another process has held its lock.* another history_path"),
        exclusive_history(path, FakeClock()),
    ):
        pass


def test_new_folders_are_for_their_owner_alone_with_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with exclusive_history(tmp_path / "share" / "jetstream" / "usage.jsonl", FakeClock()):
            pass
    finally:
        os.umask(before)
    assert [oct(each.stat().st_mode & 0o777) for each in (tmp_path / "share", tmp_path / "share" / "jetstream")] == [
        "0o700",
        "0o700",
    ]


def test_two_accounts_with_an_allocation_of_one_name_keep_their_own_balances(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    write_snapshots(path, merged([a_snapshot("10")], [a_snapshot("20", owner=THEIRS)]))
    assert read_snapshots(path) == [a_snapshot("10"), a_snapshot("20", owner=THEIRS)]


@pytest.mark.parametrize(
    "other",
    [
        CloudAccount("atmo.example.org", "IU", "ada", "TG", "5f"),
        CloudAccount("js2.example.org", "TACC", "ada", "TG", "5f"),
        CloudAccount("js2.example.org", "IU", "ada", "TG", "6a"),
    ],
)
def test_accounts_differ_by_site_cloud_and_project(other: CloudAccount) -> None:
    ours = CloudAccount("js2.example.org", "IU", "ada", "TG", "5f")
    assert owner_of(ours) == owner_of(CloudAccount("JS2.example.org", "IU", "bob", "renamed", "5f"))
    assert owner_of(ours) != owner_of(other)


def test_an_older_file_is_carried_over_to_the_first_account_that_has_its_allocations(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    old = [
        {"day": "2026-11-22", "allocation": "cpu", "left": "12.5"},
        {"day": "2026-11-22", "allocation": "elsewhere", "left": "7"},
    ]
    path.write_text("".join(json.dumps(each) + "\n" for each in old))
    yesterday = date(2026, 11, 22)
    ours = merged(adopted(read_snapshots(path), OURS, {"cpu"}), [a_snapshot("10")])
    write_snapshots(path, ours)
    theirs = merged(adopted(read_snapshots(path), THEIRS, {"cpu"}), [a_snapshot("99", owner=THEIRS)])
    assert theirs == [
        a_snapshot("7", owner=("", "", ""), allocation="elsewhere", day=yesterday),
        a_snapshot("12.5", day=yesterday),
        a_snapshot("10"),
        a_snapshot("99", owner=THEIRS),
    ]
