# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings are stored whole, within bounds, by instance, also while other programs store some."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.files import exclusive
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle import store as store_module
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.failed_try import FailedTry
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import HOUR
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import (
    KEPT_BY_HOUR,
    KEPT_IN_FULL,
    History,
    Key,
    Store,
    StoreError,
    _record,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import State, judge
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import (
    DAY,
    OTHER_BOOT,
    SETTINGS,
    reading,
    readings,
)

KEY = Key("https://js2.example.org:5000/v3", "TG-ABC123", "5f1c7f0e-0000-4000-8000-000000000001")
# Adds ten readings, one after the other, to those of an instance.
ADD = """
import sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.store import Key, Store
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import reading
store = Store(Path(sys.argv[1]), SystemClock())
for number in range(10):
    store.add(Key("site", "project", "uuid"), reading(1000 + 60.0 * (2 * number + int(sys.argv[2]))))
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "readings", FakeClock())


def test_stored_readings_are_read_again_unchanged(store: Store) -> None:
    hour = readings(5)
    for each in hour:
        returned = store.add(KEY, each)

    kept = store.load(KEY)
    assert kept == returned
    assert kept.last == hour[-1]
    assert judge(kept.intervals, SETTINGS, hour[-1].taken).state is State.IDLE


FAILED = FailedTry(5000.0, "ssh: connect to host web port 22: Connection refused")


def test_a_failed_try_is_kept_beside_the_readings_until_the_next_one(store: Store) -> None:
    before = store.add(KEY, reading(1000))
    store.add_failed_try(KEY, FAILED)
    store.add_failed_try(KEY, replace(FAILED, at=6000.0))
    kept = store.load(KEY)
    assert (kept.last, kept.intervals, kept.failed) == (before.last, before.intervals, replace(FAILED, at=6000.0))
    assert store.add(KEY, reading(1900)).failed is None
    assert store.load(KEY).failed is None


def test_a_failed_try_is_all_that_is_known_of_an_instance_that_was_never_read(store: Store) -> None:
    store.add_failed_try(KEY, FAILED)
    assert store.load(KEY) == History(failed=FAILED)


def test_a_reading_that_is_not_newer_ends_the_failed_try_as_well(store: Store) -> None:
    store.add(KEY, reading(1000))
    store.add_failed_try(KEY, FAILED)
    kept = store.add(KEY, reading(1000))
    assert (kept.failed, len(kept.recent)) == (None, 1)


def test_readings_grow_old_while_an_instance_cannot_be_read(store: Store) -> None:
    last = store.add(KEY, reading(1000)).last
    assert last is not None
    store.add_failed_try(KEY, replace(FAILED, at=last.taken + KEPT_IN_FULL + 1))
    kept = store.load(KEY)
    assert (len(kept.recent), len(kept.hours), kept.last) == (0, 1, last)
    store.add_failed_try(KEY, replace(FAILED, at=last.taken + KEPT_BY_HOUR + HOUR))
    kept = store.load(KEY)
    assert (kept.intervals, kept.last) == ((), None)


def test_a_failed_try_replaces_no_file_that_cannot_be_read(store: Store) -> None:
    store.add(KEY, reading(1000))
    store.path(KEY).write_text("{")
    with pytest.raises(StoreError, match="corrupt"):
        store.add_failed_try(KEY, FAILED)
    assert store.path(KEY).read_text() == "{"


def test_a_file_of_before_has_no_failed_try(store: Store) -> None:
    store.add(KEY, reading(1000))
    path = store.path(KEY)
    record = json.loads(path.read_text())
    del record["failed"]
    path.write_text(json.dumps(record))
    assert store.load(KEY).failed is None


@pytest.mark.parametrize("failed", [{"at": "soon", "reason": "x"}, {"at": 1.0}, "refused", 5])
def test_a_failed_try_that_is_no_such_makes_the_file_unreadable(store: Store, failed: object) -> None:
    store.add(KEY, reading(1000))
    path = store.path(KEY)
    path.write_text(json.dumps({**json.loads(path.read_text()), "failed": failed}))
    with pytest.raises(StoreError, match="corrupt"):
        store.load(KEY)


def test_nothing_is_known_of_an_instance_that_was_never_read(store: Store) -> None:
    assert store.load(KEY) == History()


@pytest.mark.parametrize(
    "other",
    [
        Key("https://js2.example.org:5000/v3", "TG-ABC123", "other"),
        Key("https://js2.example.org:5000/v3", "TG-XYZ", KEY.uuid),
        Key("https://atmo.example.org", "TG-ABC123", KEY.uuid),
    ],
)
def test_instances_of_other_sites_and_projects_are_others(store: Store, other: Key) -> None:
    store.add(KEY, reading(1000))

    assert store.load(other) == History()


@pytest.mark.parametrize("part", ["..", ".", "../../etc/passwd", "a/b", "~", "", "x" * 900, "é\0"])
def test_a_file_stays_in_the_folder_with_any_name_of_a_cloud(tmp_path: Path, part: str) -> None:
    folder = tmp_path / "readings"
    path = Store(folder, FakeClock()).path(Key(part, part, part))

    assert path.parent.parent.parent == folder
    assert Path(os.path.normpath(path)).is_relative_to(folder)
    assert max(len(name) for name in path.parts) < 250


def test_files_and_folders_are_for_their_owner_alone(store: Store) -> None:
    store.add(KEY, reading(1000))
    path = store.path(KEY)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_no_address_is_kept(store: Store) -> None:
    store.add(KEY, reading(1000, conns=["22 outside 50000 outside sshd 5,4 1 1 1"]))

    assert json.loads(store.path(KEY).read_text())["last"]["connections"] == (
        [[22, "outside", 50000, "outside", "sshd", [5, 4], 1, 1, 1]]
    )


def test_a_reading_that_is_not_newer_changes_nothing(store: Store) -> None:
    store.add(KEY, reading(2000))
    before = store.load(KEY)
    store.add(KEY, reading(2000))
    store.add(KEY, reading(1000))

    assert store.load(KEY) == before


def test_a_reboot_begins_anew_and_keeps_the_readings_before(store: Store) -> None:
    store.add(KEY, reading(1000))
    store.add(KEY, reading(1900))
    history = store.add(KEY, reading(2800, boot=[OTHER_BOOT]))

    assert [each.length for each in history.recent] == [0, 900, 0]


def test_two_days_are_kept_in_full_thirty_by_the_hour_and_nothing_for_longer() -> None:
    history = History()
    for each in readings(35 * 96):
        history = history.with_reading(each)

    assert history.last is not None
    now = history.last.taken
    assert len(history.recent) == 2 * 96
    assert history.recent[0].end > now - KEPT_IN_FULL >= history.hours[-1].end
    assert 28 * 24 - 1 <= len(history.hours) <= 28 * 24 + 1
    assert history.hours[0].end > now - KEPT_BY_HOUR
    assert {each.readings for each in history.hours[1:-1]} == {4}
    # Without a gap from the first hour on: it is idle since then.
    verdict = judge(history.intervals, SETTINGS, now)
    assert (verdict.state, verdict.since) == (State.IDLE, history.hours[0].start)
    assert now - history.hours[0].start > 29 * DAY


def test_readings_every_few_seconds_do_not_grow_without_bound() -> None:
    history = History()
    for each in readings(1000, every=10.0):
        history = history.with_reading(each)

    assert len(history.recent) == 600
    assert len(history.hours) <= 2


def test_a_file_of_thirty_days_is_small(store: Store) -> None:
    history = History()
    for each in readings(31 * 96, conns=["22 outside 50000 outside sshd 5,4 1 1 1"], tty=["34816 1001 1 1 -"]):
        history = history.with_reading(each)
    store.add(KEY, reading(1000))

    assert len(json.dumps(_record(history))) < 400_000


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "[" * 100_000, '{"format": 3}', '{"format": 1, "last": null, "recent": [{}], "hours": []}']
)
def test_a_file_that_is_not_understood_is_reported_and_replaced_by_the_next_reading(store: Store, text: str) -> None:
    store.add(KEY, reading(1000))
    store.path(KEY).write_text(text)

    with pytest.raises(StoreError, match=r"corrupt\. Remove the file"):
        store.load(KEY)
    assert store.add(KEY, reading(1900)).last == reading(1900)
    assert store.load(KEY).last == reading(1900)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "readings").write_text("")

    with pytest.raises(StoreError, match=r"The readings in .* cannot be written: "):
        Store(tmp_path / "readings", FakeClock()).add(KEY, reading(1000))


def test_files_of_instances_that_are_gone_are_removed_after_thirty_days(store: Store) -> None:
    clock = FakeClock()
    there = Key("site", "project", "there")
    store.add(KEY, reading(1000))
    store.add(there, reading(1000))
    now = clock.now().timestamp()
    os.utime(store.path(there), (now, now))
    os.utime(store.path(KEY), (now, now - KEPT_BY_HOUR - HOUR))

    assert store.prune() == 1
    assert not store.path(KEY).exists()
    assert store.path(there).exists()
    assert store.prune() == 0


def test_pruning_leaves_what_was_read_meanwhile_and_no_trace_of_what_was_not(store: Store) -> None:
    gone, read = Key("site", "project", "gone"), Key("site", "project", "read")
    for each in (gone, read):
        store.add(each, reading(1000))
        _age(store.path(each), KEPT_BY_HOUR + HOUR)
    folder = store.path(gone).parent
    left = folder / ".jetstream-0123.new"
    left.write_text("")
    _age(left, 2 * DAY)
    with exclusive(store.path(read)):
        assert store.prune() == 1
    assert sorted(path.name for path in folder.iterdir()) == [".read.json.lock", "read.json"]
    store.add(read, reading(1900))
    assert store.prune() == 0


def test_pruning_happens_once_a_day_whoever_takes_readings(tmp_path: Path) -> None:
    clock = FakeClock()
    stores = [Store(tmp_path, clock) for _program in range(2)]
    stores[0].add(KEY, reading(1000))
    stamp = tmp_path / ".pruned"
    for expected in (1, 0):
        _age(stores[0].path(KEY), KEPT_BY_HOUR + HOUR)
        assert [each.prune_daily() for each in stores] == [expected, 0]
        _age(stamp, HOUR)
        stores[0].add(KEY, reading(1900))
    _age(stamp, DAY + HOUR)
    _age(stores[0].path(KEY), KEPT_BY_HOUR + HOUR)
    with exclusive(stamp):
        assert stores[0].prune_daily() == 0
    assert stores[1].prune_daily() == 1


def test_pruning_is_bounded_and_raises_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Store(Path("/dev/null/readings"), FakeClock()).prune_daily() == 0
    monkeypatch.setattr(store_module, "_MOST_PRUNED", 2)
    for name in ("a", "b", "c"):
        store.add(Key("site", "project", name), reading(1000))
        _age(store.path(Key("site", "project", name)), KEPT_BY_HOUR + HOUR)
    assert [store.prune(), store.prune(), store.prune()] == [2, 1, 0]


def _age(path: Path, seconds: float) -> None:
    now = FakeClock().now().timestamp()
    os.utime(path, (now, now - seconds))


def test_hours_of_the_first_format_are_carried_over_and_those_of_a_later_one_are_not_read(store: Store) -> None:
    for each in readings(110, every=HOUR / 2):
        store.add(KEY, each)
    before = store.load(KEY)
    assert {each.readings for each in before.hours[1:-1]} == {2}
    written = json.loads(store.path(KEY).read_text())
    assert written["format"] == 2
    for each in written["hours"]:
        each.pop("unknown", None)
    store.path(KEY).write_text(json.dumps(written | {"format": 1}))
    assert store.load(KEY) == before
    store.add(KEY, reading(10_000.0 + 110 * HOUR / 2))
    assert json.loads(store.path(KEY).read_text())["format"] == 2
    store.path(KEY).write_text(json.dumps(written | {"format": 3}))
    with pytest.raises(StoreError):
        store.load(KEY)


def test_an_hour_has_the_seconds_of_which_nothing_is_known(store: Store) -> None:
    history = History()
    for number, each in enumerate(readings(4 * 96)):
        # Once a day, the inhibitors cannot be read.
        sections = {"inhibit": (1, [])} if number % 96 == 50 else {}
        history = history.with_reading(reading(each.uptime, **sections))
    assert sum(each.unknown for each in history.hours) == 2 * 900
    assert max(each.unknown for each in history.hours) == 900


def test_two_programs_at_once_lose_no_reading(tmp_path: Path) -> None:
    programs = [
        subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path), number], stderr=subprocess.PIPE, text=True)
        for number in ("0", "1")
    ]
    assert [program.communicate(timeout=60)[1] for program in programs] == ["", ""]

    history = Store(tmp_path, FakeClock()).load(Key("site", "project", "uuid"))
    # One that comes late is older than the other's, and is left out. None is there twice, and the last one is the last.
    ends = [each.end for each in history.recent]
    assert ends == sorted(set(ends))
    assert history.last == reading(1000 + 60.0 * 19)
