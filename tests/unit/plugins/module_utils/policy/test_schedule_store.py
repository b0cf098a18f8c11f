# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of schedules is stored whole, for a limited time, and never guessed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.instance_store import seen_on
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedule_steps import Memory
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.schedule_store import (
    ScheduleBusy,
    ScheduleStore,
    ScheduleStoreError,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock

DAY = 86400.0


def a_memory(now: datetime = START) -> Memory:
    return seen_on(Memory("lab", START - timedelta(hours=1)), now)


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    clock = FakeClock()
    store = ScheduleStore(tmp_path / "state" / "schedules.json", clock)
    assert store.load() == {}
    whole = seen_on(Memory("lab", START, True, 2, START, START - timedelta(minutes=9), START), START)
    with store.held():
        store.save({"a": a_memory(), "b": whole})
    assert store.load() == {"a": a_memory(), "b": whole}
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_an_instance_that_is_gone_for_two_months_is_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    store = ScheduleStore(tmp_path / "schedules.json", clock)
    old = a_memory()
    clock.advance(60 * DAY)
    store.save({"old": old, "new": a_memory(clock.now())})
    assert set(store.load()) == {"old", "new"}
    clock.advance(DAY)
    store.save(store.load())
    assert set(store.load()) == {"new"}


def test_no_more_than_five_thousand_are_kept(tmp_path: Path) -> None:
    store = ScheduleStore(tmp_path / "schedules.json", FakeClock())
    store.save({str(number): a_memory() for number in range(5005)})
    assert len(store.load()) == 5000


def test_one_run_at_a_time(tmp_path: Path) -> None:
    store = ScheduleStore(tmp_path / "schedules.json", FakeClock())
    with store.held(), pytest.raises(ScheduleBusy, match="Another run uses the record of schedules"), store.held():
        pass
    with store.held():
        pass


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"format": 2, "instances": {}}',
        '{"format": 1, "instances": {"a": {"schedule": "lab", "edge": "soon", "seen": "2026-11-23"}}}',
        '{"format": 1, "instances": {"a": {"schedule": "lab"}}}',
        '{"format": 1, "instances": ["a"]}',
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "schedules.json").write_text(text)
    with pytest.raises(ScheduleStoreError, match="is corrupt"):
        ScheduleStore(tmp_path / "schedules.json", FakeClock()).load()


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "schedules.json").mkdir()
    store = ScheduleStore(tmp_path / "schedules.json", FakeClock())
    with pytest.raises(ScheduleStoreError, match="cannot be read: it is a folder"):
        store.load()
    with pytest.raises(ScheduleStoreError, match="cannot be written to"):
        store.save({})


def test_the_file_is_one_that_people_can_read(tmp_path: Path) -> None:
    store = ScheduleStore(tmp_path / "schedules.json", FakeClock())
    store.save({"a": a_memory()})
    rows = json.loads(store.path.read_text())["instances"]
    assert rows == {"a": {"schedule": "lab", "edge": "2026-11-23T17:57:00Z", "seen": "2026-11-23"}}
