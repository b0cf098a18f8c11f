# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_night_record: of two runs at once, one has a part, and the record survives failures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import night_record as operation
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.night_record import (
    SPEC,
    night_record,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.processes import parent_process
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

    def __init__(self, path: Path, runtime: Path) -> None:
        self.path = path
        self.runtime = runtime
        self.clock: Any = FakeClock()

    def do(self, *, check_mode: bool = False, **options: Any) -> Any:
        environ = {"XDG_RUNTIME_DIR": str(self.runtime)}
        context = Context(check_mode, self.clock, environ, self.path.parent, lambda _text: None, lambda _text: None)
        return night_record(given(SPEC, path=str(self.path), **options), context).result

    def begin(self, **more: Any) -> Any:
        return self.do(variables=PARTS, **more)["plan"]

    def end(self, planned: Any, *parts: str, **more: Any) -> Any:
        rows = [{"part": part, "sentence": "Done.", "text": part, "failure": "", "news": True} for part in parts]
        return self.do(planned=planned, results=rows, **more)["report"]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    return Job(tmp_path / "state" / "nightly.json", runtime)


def test_of_two_runs_one_has_the_parts_and_neither_forgets_what_the_other_did(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = job.begin()
    monkeypatch.setattr(operation, "parent_process", lambda: f"{parent_process()} the second")
    second = job.begin()
    assert (first["run"], second["run"]) == (["budget_guard", "hygiene"], [])
    job.end(first, *first["run"])
    job.end(second)
    assert job.begin()["run"] == []
    assert job.path.stat().st_mode & 0o777 == 0o600


def test_a_part_that_a_killed_run_had_is_due_half_an_hour_later(job: Job) -> None:
    job.begin()
    job.clock.advance(1790)
    assert job.begin()["run"] == []
    job.clock.advance(20)
    assert job.begin()["run"] == ["budget_guard", "hygiene"]


def test_check_mode_stores_nothing(job: Job) -> None:
    planned = job.begin(check_mode=True)
    job.end(planned, "hygiene", check_mode=True)
    assert not job.path.parent.exists()


def test_a_part_that_was_neither_sent_nor_stored_is_due_again(job: Job) -> None:
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


def test_a_run_beside_one_that_is_alive_mails_nothing_of_it(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    first = job.begin()
    monkeypatch.setattr(operation, "parent_process", lambda: f"{parent_process()} the second")
    second = job.begin()
    assert (second["interrupted"], second["of_runs"]) == ("", [])
    said = job.end(second, channels=["mail"])
    assert (said["messages"], said["kept"], said["failed"]) == ({"mail": {}}, {"mail": {}}, [])
    assert "The run that began at 2026-11-23T18:57:00Z is still in progress." in said["summary"]
    job.end(first)
    assert job.begin()["beside"] == ""


def test_a_run_of_a_process_that_has_ended_is_reported_by_the_next(job: Job) -> None:
    with subprocess.Popen([sys.executable, "-c", BEGIN, str(job.path)], stdin=-1, stdout=-1, text=True) as running:
        said, _errors = running.communicate("\n", timeout=30)
    assert said.strip() == "hygiene"
    # Its parent is this process, which is alive, and whose next run has another start.
    record = json.loads(job.path.read_text())
    record["runs"] = {each.rpartition(" ")[0] + " 1": began for each, began in record["runs"].items()}
    job.path.write_text(json.dumps(record))
    assert job.begin()["of_runs"][0].endswith(" did not end.")


def break_state(job: Job, how: str) -> None:
    """Make the record impossible to write."""
    if how == "a file for a folder":
        job.path.parent.write_text("")
    else:
        job.path.mkdir(parents=True)


@pytest.mark.parametrize("how", ["a file for a folder", "a folder for a file"])
def test_a_record_that_cannot_be_written_is_said_and_has_a_spare_one(job: Job, how: str) -> None:
    break_state(job, how)
    begun = job.do(variables=PARTS)
    assert begun["plan"]["run"] == ["budget_guard", "hygiene"]
    assert begun["problem"].startswith(f"The record of nightly, {job.path}, cannot be written: ")
    said = job.end(begun["plan"], "budget_guard", "hygiene", channels=["mail"])
    assert said["failed"] == ["the record"]
    assert said["messages"]["mail"]["subject"] == "Jetstream: 1 failed (the record)"
    # Nothing is due again, and the failure is not mailed again within a day.
    again = job.begin()
    assert again["run"] == []
    assert job.end(again, channels=["mail"])["messages"] == {"mail": {}}
    job.clock.advance(25 * 3600)
    assert job.end(job.begin(), channels=["mail"])["messages"]["mail"]
    assert [each.stat().st_mode & 0o777 for each in (job.runtime / "jetstream").glob("*.json")] == [0o600]


def test_when_the_record_can_be_written_again_it_goes_on_with_the_spare_one(job: Job) -> None:
    job.path.parent.write_text("")
    job.end(job.begin(), "budget_guard", "hygiene")
    job.path.parent.unlink()
    begun = job.do(variables=PARTS)
    assert (begun["plan"]["run"], begun["problem"]) == ([], "")
    assert job.end(begun["plan"])["failed"] == []
    assert list((job.runtime / "jetstream").glob("*.json")) == []


def test_a_record_that_fails_at_the_end_alone_is_a_failure_too(job: Job) -> None:
    planned = job.begin()
    job.path.unlink()
    job.path.mkdir()
    assert job.end(planned, "hygiene")["failed"] == ["the record"]


def test_a_spare_folder_that_is_open_to_others_is_not_used(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    job.path.parent.write_text("")
    spare = job.runtime / "open"
    spare.mkdir()
    spare.chmod(0o777)
    monkeypatch.setattr(operation, "spare_folders", lambda _environ: (spare,))
    assert job.end(job.begin(), "hygiene")["failed"] == ["the record"]
    assert list(spare.iterdir()) == []


def test_in_a_folder_that_is_missing_nothing_runs_is_read_or_made(job: Job) -> None:
    job.end(job.begin(), "budget_guard", "hygiene")
    before = job.path.read_text()
    begun = job.do(variables=PARTS, problem="It is away.")
    assert (begun["plan"]["run"], begun["problem"]) == ([], "It is away.")
    row = {"part": "the record", "failure": "It is away."}
    ended = {"results": [row], "channels": ["mail"], "problem": "It is away."}
    assert job.do(planned=begun["plan"], **ended)["report"]["messages"]["mail"]
    again = job.do(variables=PARTS, problem="It is away.")["plan"]
    assert job.do(planned=again, **ended)["report"]["messages"] == {"mail": {}}
    assert job.path.read_text() == before
    # Somewhere else, nothing is made.
    job.path = job.path.parent / "away" / "nightly.json"
    job.do(variables=PARTS, problem="It is away.")
    assert not job.path.parent.exists()


def test_invalid_options_are_refused(job: Job) -> None:
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
