# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notices and acts of deadlines are stored whole, for a limited time, and never guessed."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.deadline_store import (
    DeadlineBusy,
    DeadlineStore,
    DeadlineStoreError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.deadlines import (
    Deadline,
    Kind,
    Memory,
    News,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.instance_store import seen_on
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock

DAY = 86400.0
WHOLE = seen_on(
    Memory(done=START, attempts=2, noted="left locked")
    .after_delivery(Kind.SHELVE_AT, START, 3, "mail", START - timedelta(days=2))
    .after_delivery(Kind.DELETE_WARN_AT, START, 0, "webhook", START)
    .claiming(News(Kind.DELETE_WARN_AT, Deadline(START, UTC, "x"), 0, ("mail",)), START),
    START,
)


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = DeadlineStore(tmp_path / "state" / "deadlines.json", FakeClock())
    assert store.load() == {}
    with store.held():
        store.save({"a": WHOLE, "b": seen_on(Memory(), START)})
    assert store.load() == {"a": WHOLE, "b": seen_on(Memory(), START)}
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_the_file_is_bounded_in_time_and_number(tmp_path: Path) -> None:
    clock = FakeClock()
    store = DeadlineStore(tmp_path / "deadlines.json", clock)
    store.save({str(number): seen_on(Memory(), START) for number in range(5005)})
    assert len(store.load()) == 5000
    clock.advance(61 * DAY)
    store.save({"old": WHOLE, "new": seen_on(WHOLE, clock.now())})
    assert set(store.load()) == {"new"}


def test_one_run_at_a_time(tmp_path: Path) -> None:
    store = DeadlineStore(tmp_path / "deadlines.json", FakeClock())
    with store.held(), pytest.raises(DeadlineBusy, match="Another run uses the record of deadlines"), store.held():
        pass
    with store.held():
        pass


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 2, "instances": {}}',
        '{"format": 1, "instances": {"a": {}}}',
        '{"format": 1, "instances": {"a": {"seen": "2026-11-23", "done": "soon"}}}',
        '{"format": 1, "instances": {"a": {"seen": "2026-11-23", "told": {"eat_at": {}}}}}',
        '{"format": 1, "instances": {"a": {"seen": "2026-11-23", "told": {"shelve_at": {"at": "soon"}}}}}',
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "deadlines.json").write_text(text)
    with pytest.raises(DeadlineStoreError, match="is corrupt"):
        DeadlineStore(tmp_path / "deadlines.json", FakeClock()).load()


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "deadlines.json").mkdir()
    store = DeadlineStore(tmp_path / "deadlines.json", FakeClock())
    with pytest.raises(DeadlineStoreError, match="cannot be read: it is a folder"):
        store.load()
    with pytest.raises(DeadlineStoreError, match="cannot be written to"):
        store.save({})


def test_the_file_is_one_that_people_can_read(tmp_path: Path) -> None:
    store = DeadlineStore(tmp_path / "deadlines.json", FakeClock())
    store.save({"a": WHOLE})
    assert json.loads(store.path.read_text())["instances"]["a"]["told"]["shelve_at"] == {
        "at": "2026-11-23T18:57:00Z",
        "channels": {"mail": {"days": 3, "first": "2026-11-21T18:57:00Z"}},
    }
    assert json.loads(store.path.read_text())["instances"]["a"]["told"]["delete_warn_at"]["claims"] == {
        "mail": {"days": 0, "made": "2026-11-23T18:57:00Z"}
    }
