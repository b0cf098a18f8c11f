# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of decisions is whole, bounded and private, and its savings are those that were observed."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy import decisions
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.decisions import (
    DecisionLog,
    DecisionLogError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.records import (
    Event,
    PolicyName,
    Record,
    record_of,
    rests,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock

NOW = datetime(2026, 11, 23, 18, 57, tzinfo=UTC)
HOUR = timedelta(hours=1)
DECIDED = Record(NOW, Event.DECIDED, "js", "p", "u", "web", status="active", step="wait", action="shelve")
FULL = Record(
    NOW,
    Event.DECIDED,
    "js",
    "p",
    "u",
    "web\n\x1b[2J",
    owner="johndoe",
    status="active",
    verdict="idle",
    since=NOW - 6 * HOUR,
    rule="",
    reason="nothing happened for 360 min",
    numbers={"cores": 0.004},
    findings=("a key was pressed in a terminal",),
    losses=("2 Jupyter kernels",),
    step="wait",
    action="shelve",
    why="its owner was notified 10 min ago",
    vetoes=(("locked", "it is locked: exam"),),
    due=NOW + HOUR,
    applies=True,
    su_per_hour=2.0,
    saves_su_per_hour=2.0,
    to=("johndoe@example.edu",),
    detail="",
)
# Writes fifty records of one name, one by one.
WRITE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.decisions import DecisionLog
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.records import Event, Record
log = DecisionLog(Path(sys.argv[1]), SystemClock())
for number in range(50):
    log.write([Record(datetime.now(UTC), Event.DECIDED, "js", "p", str(number), sys.argv[2])])
"""


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    return DecisionLog(tmp_path / "state" / "decisions", FakeClock())


@pytest.mark.parametrize("record", [FULL, DECIDED, replace(FULL, event=Event.DONE, since=None, su_per_hour=None)])
def test_a_record_comes_back_as_it_was_written(log: DecisionLog, record: Record) -> None:
    log.write([record])
    assert log.read().records == (record,)


def test_only_its_owner_can_read_the_log(log: DecisionLog) -> None:
    log.write([FULL, replace(FULL, event=Event.DONE)])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in log.folder.glob("*.jsonl")}
    assert modes == {"decisions.jsonl": 0o600, "events.jsonl": 0o600}
    assert stat.S_IMODE(log.folder.stat().st_mode) == 0o700


def test_a_log_that_is_not_there_has_no_records(log: DecisionLog) -> None:
    assert log.read().records == ()


def test_records_are_one_line_each_whatever_a_name_has(log: DecisionLog) -> None:
    log.write([FULL, FULL])
    lines = (log.folder / "decisions.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["web\n\x1b[2J"] * 2


def test_a_line_that_was_cut_spoils_no_other(log: DecisionLog) -> None:
    log.write([DECIDED])
    path = log.folder / "decisions.jsonl"
    path.write_bytes(path.read_bytes() + b'{"format":1,"at":"2026')
    log.write([replace(DECIDED, name="db")])
    read = log.read()
    assert [each.name for each in read.records] == ["web", "db"]
    assert read.unreadable == 1


@pytest.mark.parametrize(
    "line", ["[]", "null", "7", '{"format":2}', '{"format":1,"at":"soon"}', "[" * 5000, "\x00", '{"format":1}']
)
def test_a_line_that_is_no_record_is_counted(log: DecisionLog, line: str) -> None:
    log.write([DECIDED])
    with (log.folder / "decisions.jsonl").open("a") as file:
        file.write(f"{line}\n")
    read = log.read()
    assert (len(read.records), read.unreadable) == (1, 1)


def test_a_field_of_a_later_version_is_left_out() -> None:
    assert record_of({**DECIDED.to_json(), "mood": "good"}) == DECIDED


def test_a_record_of_an_earlier_version_has_the_policy_that_wrote_it() -> None:
    scheduled = replace(DECIDED, event=Event.SCHEDULED, policy=PolicyName.SCHEDULE)
    for record in (DECIDED, scheduled):
        line = {name: value for name, value in record.to_json().items() if name != "policy"}
        assert record_of(line) == record


def test_the_acts_of_another_policy_are_no_savings_of_the_one_about_idle_instances() -> None:
    done = replace(DECIDED, event=Event.DONE, applies=True, saves_su_per_hour=2.0)
    later = replace(DECIDED, at=NOW + HOUR, status="shelved_offloaded")
    assert [each.saved() for each in rests([done, later])] == [2.0]
    assert rests([replace(done, policy=PolicyName.BUDGET), later]) == []


def test_the_log_is_bounded_and_decisions_push_no_event_out(log: DecisionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "_DECISIONS", decisions._File("decisions.jsonl", 2_000, 3))
    log.write([replace(DECIDED, event=Event.DONE, name="first")])
    for number in range(200):
        log.write([replace(DECIDED, uuid=str(number), at=NOW + timedelta(minutes=number))])
    files = sorted(path.name for path in log.folder.glob("decisions.jsonl*"))
    assert files == ["decisions.jsonl", "decisions.jsonl.1", "decisions.jsonl.2"]
    assert all(path.stat().st_size <= 2_000 for path in log.folder.glob("decisions.jsonl*"))
    kept = [each for each in log.read().records if each.event is Event.DECIDED]
    # The newest are there without a gap.
    assert [each.uuid for each in kept] == [str(number) for number in range(200 - len(kept), 200)]
    assert len(kept) > 20
    assert log.read().records[0].name == "first"


def test_two_programs_write_at_once_and_no_line_is_lost(log: DecisionLog) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(log.folder), name]) for name in ("one", "two")]
    assert [each.wait(timeout=60) for each in writers] == [0, 0]
    read = log.read()
    assert read.unreadable == 0
    assert sorted((each.name, int(each.uuid)) for each in read.records) == [
        (name, number) for name in ("one", "two") for number in range(50)
    ]


def test_a_log_that_cannot_be_written_is_named(log: DecisionLog) -> None:
    (log.folder / "events.jsonl").mkdir(parents=True)
    with pytest.raises(DecisionLogError, match=r"events\.jsonl cannot be written: "):
        log.write([replace(DECIDED, event=Event.DONE)])


def test_records_since_a_time(log: DecisionLog) -> None:
    log.write([DECIDED, replace(DECIDED, at=NOW + HOUR)])
    assert [each.at for each in log.read(since=NOW + HOUR).records] == [NOW + HOUR]


def seen(hours: float, status: str, event: Event = Event.DECIDED, saves: float | None = None) -> Record:
    action = "shelve" if event is Event.DONE else ""
    changes = {"event": event, "status": status, "action": action, "applies": True, "saves_su_per_hour": saves}
    return replace(DECIDED, at=NOW + hours * HOUR, **changes)


def test_saved_is_what_was_seen_asleep_and_no_more() -> None:
    records = [
        seen(0, "active"),
        seen(1, "shelved_offloaded", Event.DONE, saves=2.0),
        seen(2, "shelved_offloaded"),
        seen(5, "shelved_offloaded"),
        seen(6, "active"),
        seen(7, "shelved_offloaded"),
    ]
    [rest] = rests(records)
    assert (rest.start, rest.end, rest.saved()) == (NOW + HOUR, NOW + 5 * HOUR, 8.0)
    assert rest.saved(since=NOW + 4 * HOUR) == 2.0
    assert rest.saved(until=NOW + 2 * HOUR) == 2.0
    assert rest.saved(since=NOW + 9 * HOUR) == 0.0


def test_savings_end_when_an_instance_is_woken_between_two_decisions() -> None:
    records = [
        seen(1, "shelved_offloaded", Event.DONE, saves=2.0),
        seen(3, "active", Event.WOKEN),
        seen(4, "shelved_offloaded"),
    ]
    assert [each.saved() for each in rests(records)] == [0.0]


def test_a_stop_and_the_shelving_after_it_add_up() -> None:
    records = [
        seen(0, "shutoff", Event.DONE, saves=1.0),
        seen(1, "shelved_offloaded", Event.DONE, saves=1.0),
        seen(3, "shelved_offloaded"),
    ]
    assert [each.saved() for each in rests(records)] == [3.0, 2.0]


def test_an_act_that_was_only_planned_saves_nothing() -> None:
    record = replace(seen(0, "shelved_offloaded", Event.DONE, saves=1.0), applies=False)
    assert rests([record, seen(1, "shelved_offloaded")]) == []
