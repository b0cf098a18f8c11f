# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_night_record: of two runs at once one has a part, and the record survives what it can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.night_record import (
    SPEC,
    NightRecordError,
    night_record,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given

PARTS = {"parts": ["budget_guard", "hygiene"]}
BEGIN = """
import sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.night_record import (
    SPEC,
    night_record,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given
context = Context(False, SystemClock(), {}, Path("/"), print, print)
sys.stdin.readline()
print(*night_record(given(SPEC, path=sys.argv[1], variables={"parts": ["hygiene"]}), context).result["plan"]["run"])
"""


class Job:
    """Runs of nightly with one record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock: Any = FakeClock()

    def do(self, *, check_mode: bool = False, **options: Any) -> Any:
        context = Context(check_mode, self.clock, {}, self.path.parent, lambda _text: None, lambda _text: None)
        return night_record(given(SPEC, path=str(self.path), **options), context).result

    def begin(self, **more: Any) -> Any:
        return self.do(variables=PARTS, **more)["plan"]

    def end(self, planned: Any, *parts: str, **more: Any) -> Any:
        rows = [{"part": part, "sentence": "Done.", "text": part, "failure": "", "news": True} for part in parts]
        return self.do(planned=planned, results=rows, **more)["report"]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "state" / "nightly.json")


def test_of_two_runs_one_has_the_parts_and_neither_forgets_what_the_other_did(job: Job) -> None:
    first, second = job.begin(), job.begin()
    assert (first["run"], second["run"]) == (["budget_guard", "hygiene"], [])
    assert second["interrupted"]
    job.end(first, *first["run"])
    job.end(second)
    assert job.begin()["run"] == []
    assert job.path.stat().st_mode & 0o777 == 0o600


def test_what_a_run_that_was_killed_had_is_due_half_an_hour_later(job: Job) -> None:
    job.begin()
    job.clock.pass_by(1790)
    assert job.begin()["run"] == []
    job.clock.pass_by(20)
    assert job.begin()["run"] == ["budget_guard", "hygiene"]


def test_check_mode_stores_nothing(job: Job) -> None:
    planned = job.begin(check_mode=True)
    job.end(planned, "hygiene", check_mode=True)
    assert not job.path.parent.exists()


def test_what_was_not_sent_and_is_not_kept_is_due_again(job: Job) -> None:
    planned = job.begin()
    report = job.end(planned, "budget_guard", "hygiene", channels=["mail"], sent=False)
    assert report["messages"]["mail"]["subject"] == "Jetstream: nothing to do"
    assert job.begin()["run"] == ["budget_guard", "hygiene"]


def test_a_channel_that_failed_is_said(job: Job) -> None:
    deliveries = {"mail": {"delivered": False, "msg": "it is down"}}
    report = job.end(job.begin(), "hygiene", channels=["mail"], deliveries=deliveries)
    assert (report["failed"], report["sentence"]) == (["the mail"], "1 failed (the mail)")


@pytest.mark.parametrize("content", ["", "no JSON", "[]"])
def test_a_record_that_cannot_be_understood_is_a_new_one(job: Job, content: str) -> None:
    job.path.parent.mkdir()
    job.path.write_text(content)
    assert job.begin()["run"] == ["budget_guard", "hygiene"]


def test_a_record_that_cannot_be_used_is_an_error(job: Job) -> None:
    job.path.parent.write_text("")
    with pytest.raises(NightRecordError, match=r"The record of nightly, .*, cannot be used: "):
        job.begin()


def test_what_means_nothing_is_refused(job: Job) -> None:
    with pytest.raises(ConfigurationError, match="there is no part hygeine"):
        job.do(variables={"parts": ["hygeine"]})


def test_of_two_processes_at_once_one_has_a_part(job: Job) -> None:
    words = [sys.executable, "-c", BEGIN, str(job.path)]
    running = [subprocess.Popen(words, stdin=-1, stdout=-1, text=True) for _run in "ab"]
    for each in running:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    assert sorted(each.communicate(timeout=30)[0].strip() for each in running) == ["", "hygiene"]
