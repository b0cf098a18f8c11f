# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record loses nothing: not to a second run, not to a full disk, not to a damaged file."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils.usage import record
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.figures import Reading

DAY = date(2026, 11, 23)
# Notes thirty allocations of its own, one after the other, as thirty runs would.
NOTE = """
import resource, sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils.usage import record
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.figures import Reading
path, who, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
print("ready", flush=True)
sys.stdin.readline()
for number in range(30):
    with record.in_turn(path):
        before = record.read(path)
        record.write(path, record.noted(before, [Reading(date(2026, 11, 23), f"{who}{number}", Decimal(number))]))
"""


def start(path: Path, who: str, *, limit: int = 0) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", NOTE, str(path), who, str(limit)],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    both = [start(path, "a"), start(path, "b")]
    for each in both:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [each.communicate()[1] for each in both] == ["", ""]
    assert len(record.read(path)) == 60
    assert [each.name for each in tmp_path.iterdir()] == ["usage.jsonl"]


def test_a_full_disk_leaves_the_record_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    record.write(path, [Reading(DAY, f"{number}", Decimal("1.5")) for number in range(10)])
    before = path.read_bytes()
    _unused, said = start(path, "a", limit=len(before)).communicate("go\n")
    assert f"The record {path} cannot be written: File too large." in said
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["usage.jsonl"]


@pytest.mark.parametrize(
    "content",
    [b"not JSON\n", b'{"day": "2026-11-23"}\n', b'{"day": "x", "allocation": "a", "left": "1"}\n', b"\xff\n", b"[]\n"],
)
def test_a_damaged_record_is_named_and_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "usage.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"usage\.jsonl"), record.in_turn(path):
        record.write(path, record.noted(record.read(path), []))
    assert path.read_bytes() == content


def test_the_last_reading_of_a_day_stays_exactly(tmp_path: Path) -> None:
    path = tmp_path / "new" / "usage.jsonl"
    rows = record.noted([Reading(DAY, "a", Decimal("0.1"))], [Reading(DAY, "a", Decimal("18759.25"))])
    with record.in_turn(path):
        record.write(path, rows)
    assert record.read(path) == [Reading(DAY, "a", Decimal("18759.25"))]
