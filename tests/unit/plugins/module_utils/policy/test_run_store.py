# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The times at which playbooks succeeded are stored for several at once, and never make one fail."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import Clock, SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import run_record
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.run_store import RunStore, RunStoreError
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

RUNS = Path(".local/state/jetstream/runs.json")
BEGIN = START.replace(microsecond=0)


def run(home: Path, clock: Clock, *, check_mode: bool = False, **options: Any) -> Outcome:
    return OperationRunner(home, clock).run(run_record.SPEC, run_record.OPERATION, check_mode=check_mode, **options)


def test_the_last_success_of_each_playbook_and_profile_is_stored(tmp_path: Path) -> None:
    clock = FakeClock()
    first = run(tmp_path, clock, playbook="hygiene")
    assert (first.changed, first.result["succeeded"], first.result["profile"]) == (
        True,
        "2026-11-23T18:57:00Z",
        "default",
    )
    clock.advance(60)
    run(tmp_path, clock, playbook="hygiene", profile="course")
    run(tmp_path, clock, playbook="scheduled")
    clock.advance(60)
    run(tmp_path, clock, playbook="scheduled")
    assert RunStore(tmp_path / RUNS, clock).load() == {
        ("default", "hygiene"): BEGIN,
        ("course", "hygiene"): BEGIN + timedelta(seconds=60),
        ("default", "scheduled"): BEGIN + timedelta(seconds=120),
    }
    assert (tmp_path / RUNS).stat().st_mode & 0o777 == 0o600


def test_several_at_once_lose_nothing(tmp_path: Path) -> None:
    # They wait for each other for real.
    clock = SystemClock()
    names = [f"p{number}" for number in range(8)]
    threads = [Thread(target=run, args=(tmp_path, clock), kwargs={"playbook": name}) for name in names]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=20)
    assert sorted(name for _profile, name in RunStore(tmp_path / RUNS, clock).load()) == names


def test_check_mode_stores_nothing_and_neither_does_a_user_without_a_home(tmp_path: Path) -> None:
    assert run(tmp_path, FakeClock(), check_mode=True, playbook="hygiene").changed
    assert not (tmp_path / RUNS).exists()
    runner = OperationRunner(tmp_path, FakeClock())
    runner.home = None
    outcome = runner.run(run_record.SPEC, run_record.OPERATION, playbook="hygiene")
    assert (outcome.changed, outcome.result["succeeded"]) == (False, None)


@pytest.mark.parametrize(
    ("profile", "variable", "expected"),
    [
        ("course", "lab", "course"),
        (None, "lab", "lab"),
        (" ", "lab", "lab"),
        (None, " ", "default"),
        ("", "", "default"),
    ],
)
def test_a_blank_profile_is_none(tmp_path: Path, profile: str | None, variable: str, expected: str) -> None:
    runner = OperationRunner(tmp_path)
    runner.environ = {"JETSTREAM_PROFILE": variable}
    outcome = runner.run(run_record.SPEC, run_record.OPERATION, playbook="hygiene", profile=profile)
    assert outcome.result["profile"] == expected


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    store = RunStore(tmp_path / RUNS, clock)
    (tmp_path / RUNS).parent.mkdir(parents=True)
    rows = [{"profile": "a", "playbook": str(number), "succeeded": "2026-01-01T00:00:00Z"} for number in range(600)]
    (tmp_path / RUNS).write_text(json.dumps({"format": 1, "runs": rows}))
    store.record(("a", "new"))
    assert len(store.load()) == 500
    assert ("a", "new") in store.load()


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "runs": []}', '{"format": 1, "runs": [{"profile": "a"}]}'])
def test_a_file_that_is_not_as_it_was_written_is_reported_and_then_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / RUNS).parent.mkdir(parents=True)
    (tmp_path / RUNS).write_text(text)
    store = RunStore(tmp_path / RUNS, FakeClock())
    with pytest.raises(RunStoreError, match="is corrupt"):
        store.load()
    store.record(("default", "hygiene"))
    assert list(store.load()) == [("default", "hygiene")]


def test_a_record_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / RUNS).mkdir(parents=True)
    outcome = run(tmp_path, FakeClock(), playbook="hygiene")
    assert not outcome.changed
    assert "it is a folder" in outcome.warnings[0]
    with pytest.raises(RunStoreError, match="cannot be read: it is a folder"):
        RunStore(tmp_path / RUNS, FakeClock()).load()


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_name_that_means_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="playbook must have from 1 to 100 characters"):
        run(tmp_path, FakeClock(), playbook=name)
