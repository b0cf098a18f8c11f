# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notices of each channel about allocations are stored whole, read from older files, and never guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.budget_guard import (
    NO_CHANNEL,
    Change,
    Memory,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.budget_store import (
    BudgetStore,
    BudgetStoreError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.claims import Claim
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.instance_store import seen_on
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import RestingState
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock

WHOLE = seen_on(
    Memory(
        announced={"mail": frozenset({"used:50", "ends:14"}), NO_CHANNEL: frozenset({"used:50"})},
        claims={"webhook": Claim(frozenset({"used:50"}), START)},
        changes={"u-1": Change(RestingState.SHELVED, START)},
    ),
    START,
)


def test_the_file_is_read_as_it_was_written_and_is_readable_for_people(tmp_path: Path) -> None:
    store = BudgetStore(tmp_path / "state" / "told.json", FakeClock())
    assert store.load() == {}
    with store.held():
        store.save({"cpu": WHOLE, "gpu": seen_on(Memory(), START)})
    assert store.load() == {"cpu": WHOLE, "gpu": seen_on(Memory(), START)}
    assert json.loads(store.path.read_text())["allocations"]["cpu"] == {
        "seen": "2026-11-23",
        "told": {"": ["used:50"], "mail": ["ends:14", "used:50"]},
        "claims": {"webhook": {"told": ["used:50"], "made": "2026-11-23T18:57:00Z"}},
        "changes": {"u-1": {"state": "shelved", "since": "2026-11-23T18:57:00Z"}},
    }
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_a_file_of_1_0_counts_as_notices_to_every_channel(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.write_text('{"format": 1, "told": {"cpu": ["used:50"], "gpu": []}}')
    found = BudgetStore(path, FakeClock()).load()
    assert (found["cpu"].announced_to("mail"), found["gpu"].announced_to("mail")) == ({"used:50"}, frozenset())
    assert found["cpu"].seen == "2026-11-23"


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", '{"format": 3, "allocations": {}}', '{"format": 2, "told": {}}'),
        *('{"format": 1, "told": {"a": 5}}', '{"format": 2, "allocations": {"a": {}}}'),
        '{"format": 2, "allocations": {"a": {"seen": "2026-11-23", "told": {"mail": "used:50"}}}}',
        '{"format": 2, "allocations": {"a": {"seen": "2026-11-23", "claims": {"mail": {"told": [], "made": "soon"}}}}}',
        '{"format": 2, "allocations": {"a": {"seen": "2026-11-23", "changes": {"u-1": {"state": "gone"}}}}}',
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "told.json"
    path.write_text(text)
    with pytest.raises(BudgetStoreError, match="is corrupt"):
        BudgetStore(path, FakeClock()).load()
