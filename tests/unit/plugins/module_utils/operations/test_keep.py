# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A keep mark is set, replaced and taken away, and never lost to a file that cannot be understood."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    Conflict,
    JetstreamError,
    PermissionDenied,
    SelectionError,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.keeps import (
    KeepFile,
    KeepFileError,
    moment_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance, Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import keep
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.toy_cloud import ToyCloud


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(fleet(names=("web", "db"), clock=ManualClock()), tmp_path) as served:
        served.warm()
        yield served


def run(site: Site, *, check_mode: bool = False, **options: Any) -> Outcome:
    context = in_context(site, check_mode=check_mode)
    return on_cloud(keep.keep)(given(keep.SPEC, **{**site.options, **options}), context)


def marks(site: Site) -> dict[str, datetime | None]:
    file = KeepFile(site.home / ".local/share/jetstream/keep.json", site.clock)
    names = {
        row["uuid"]: row["name"] for row in run(site, name="*", state="absent", check_mode=True).result["instances"]
    }
    return {names[uuid]: mark.until for uuid, mark in file.marks().items()}


def test_a_mark_is_set_replaced_and_taken_away(site: Site) -> None:
    now = site.clock.now().replace(microsecond=0)
    assert run(site, name="web", hours=8).changed
    assert marks(site) == {"web": now + timedelta(hours=8)}
    assert run(site, name="web", until="2030-01-01").changed
    assert not run(site, name="web", until="2030-01-01").changed
    assert marks(site) == {"web": datetime(2030, 1, 1, 23, 59, 59, tzinfo=UTC)}
    assert run(site, name="web", state="absent").changed
    assert not run(site, name="web", state="absent").changed
    assert marks(site) == {}


def test_a_mark_can_begin_later_and_its_hours_count_from_then(site: Site) -> None:
    assert run(site, name="web", hours=8, **{"from": "2030-01-01"}).changed
    again = run(site, name="web", until="2030-01-01T08:00", **{"from": "2030-01-01T00:00Z"})
    assert not again.changed
    [row] = again.result["instances"]
    assert (row["from"], row["until"]) == ("2030-01-01T00:00:00Z", "2030-01-01T08:00:00Z")
    # It has not begun, and is not taken for one that has ended.
    run(site, name="db", hours=1)
    assert sorted(marks(site)) == ["db", "web"]
    assert run(site, name="web", until="2030-01-01T08:00").changed


def test_check_mode_writes_nothing(site: Site) -> None:
    assert run(site, name="web", hours=8, check_mode=True).changed
    assert not (site.home / ".local/share/jetstream").exists()


def test_marks_that_have_ended_are_removed_with_the_next(site: Site) -> None:
    run(site, name="web", hours=1)
    site.clock.sleep(3601)
    run(site, name="db", hours=1)
    assert list(marks(site)) == ["db"]


def test_a_mark_outlives_an_unreadable_file_by_nothing_being_written(site: Site) -> None:
    run(site, name="web", hours=8)
    path = site.home / ".local/share/jetstream/keep.json"
    path.write_text(json.dumps({"format": 2, "keep": {}}))
    with pytest.raises(KeepFileError, match="are corrupt"):
        run(site, name="db", hours=8)
    assert json.loads(path.read_text())["format"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hours": 0}, "hours is 0"),
        ({"hours": float("nan")}, "hours is nan"),
        ({"hours": 9000}, "at most 8784"),
        ({"until": "tomorrow"}, "'tomorrow' is not a time"),
        ({"until": "2020-01-01"}, "which is in the past"),
        ({"hours": 8, "from": "soon"}, "'soon' is not a time"),
        ({"from": "2030-01-02", "until": "2030-01-01"}, "from is 2030-01-02T00:00:00Z, but must be before the end"),
        ({"state": "absent", "from": "2030-01-01"}, "does not accept hours, until and from"),
        ({"state": "absent", "hours": 8}, "does not accept hours, until"),
    ],
)
def test_a_time_that_means_nothing_is_refused(site: Site, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run(site, name="web", **options)


@pytest.mark.parametrize("options", [{}, {"name": "nothing"}])
def test_a_selection_without_names_or_with_unknown_ones_is_refused(site: Site, options: dict[str, Any]) -> None:
    with pytest.raises(SelectionError):
        run(site, hours=8, **options)


class Lab:
    """A cloud with metadata, and the home of a user."""

    def __init__(self, home: Path, instance: Instance) -> None:
        clock = FakeClock()
        self.runner = OperationRunner(home, clock)
        self.cloud = CloudWithMetadata(clock, [instance])
        self.file = KeepFile(home / ".local/share/jetstream/keep.json", clock)

    def run(self, **options: Any) -> Outcome:
        def operation(given: Mapping[str, Any], context: Context) -> Outcome:
            return keep.keep(self.cloud, given, context)

        return self.runner.run(keep.SPEC, operation, name=["web"], **options)

    def marks(self) -> tuple[str | None, str | None]:
        """Return the mark in the metadata, and that in the file."""
        [instance] = self.cloud.list_instances(live=True)
        in_file = self.file.marks().get(instance.uuid)
        return (instance.metadata or {}).get("jetstream_keep_until"), None if in_file is None else in_file.text


class CloudWithMetadata(ToyCloud):
    """Refuses to change what is locked. ``written``: the keys that were set, and with a hyphen those removed."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.written: list[str] = []

    def set_metadata(self, instance: Instance, key: str, value: str | None) -> None:
        super().set_metadata(instance, key, value)
        self.written.append(key if value is not None else f"-{key}")

    def metadata_refusal(self, instance: Instance) -> str | None:
        return "it is locked" if instance.locked else super().metadata_refusal(instance)


LATE, EARLY = "2031-01-01T00:00:00Z", "2030-01-01T00:00:00Z"
COURSE = {"course": "bio101"}


def test_a_mark_is_written_into_the_metadata_where_there_is_some_and_no_other_key_is_touched(tmp_path: Path) -> None:
    lab = Lab(tmp_path, an_instance(metadata=COURSE))
    for check_mode, changed in ((True, True), (False, True), (False, False), (True, False)):
        done = lab.run(until=EARLY, check_mode=check_mode)
        assert done.changed == changed
        [row] = done.result["instances"]
        assert (row["until"], row["source"]) == (EARLY, "metadata")
    assert lab.marks() == (EARLY, None)
    assert lab.run(state="absent").changed
    assert not lab.run(state="absent").changed
    [instance] = lab.cloud.list_instances(live=True)
    assert instance.metadata == COURSE
    assert (lab.cloud.count("set"), lab.cloud.count("unset")) == (1, 1)
    assert not lab.file.path.exists()


BEGIN = "2029-01-01T00:00:00Z"


def test_a_beginning_is_written_last_and_removed_first(tmp_path: Path) -> None:
    """Each key is a request of its own, and a run that is killed between two leaves an instance that is kept."""
    lab = Lab(tmp_path, an_instance(metadata=dict(COURSE)))
    for options, calls in (
        ({"until": EARLY, "from": BEGIN}, ["jetstream_keep_until", "jetstream_keep_from"]),
        ({"until": EARLY, "from": BEGIN}, []),
        ({"until": LATE, "from": EARLY}, ["-jetstream_keep_from", "jetstream_keep_until", "jetstream_keep_from"]),
        ({"until": LATE}, ["-jetstream_keep_from"]),
        ({"until": LATE, "from": BEGIN}, ["jetstream_keep_from"]),
        ({"state": "absent"}, ["-jetstream_keep_from", "-jetstream_keep_until"]),
    ):
        lab.cloud.written.clear()
        assert lab.run(**options).changed == bool(calls)
        assert lab.cloud.written == calls
    [instance] = lab.cloud.list_instances(live=True)
    assert instance.metadata == COURSE


def test_a_beginning_that_cannot_be_written_leaves_a_mark_that_holds_at_once(tmp_path: Path) -> None:
    lab = Lab(tmp_path, an_instance(metadata={}))
    lab.cloud.answer("web", "set", None, Conflict("Writing was refused.", status=409))
    done = lab.run(until=EARLY, **{"from": BEGIN})
    assert "keeps it for longer" in done.warnings[0]
    [row] = done.result["instances"]
    assert (row["from"], row["until"], row["source"]) == (None, EARLY, "metadata")


def test_a_mark_that_its_owner_wrote_in_another_way_is_the_same_mark(tmp_path: Path) -> None:
    lab = Lab(tmp_path, an_instance(metadata={"jetstream_keep_until": "2029-12-31T18:00-06:00"}))
    assert not lab.run(until=EARLY).changed
    assert lab.cloud.count("set") == 0


def test_a_new_mark_replaces_older_ones_in_either_place(tmp_path: Path) -> None:
    lab = Lab(tmp_path, an_instance(metadata={}))
    lab.run(until=LATE, store="file")
    assert lab.marks() == (None, LATE)
    assert lab.run(until=EARLY).changed
    assert lab.marks() == (EARLY, None)
    assert lab.run(until=LATE, store="file").changed
    assert lab.marks() == (None, LATE)
    assert lab.run(state="absent").changed
    assert lab.marks() == (None, None)


def test_the_mark_of_a_locked_instance_is_in_the_file_with_a_warning(tmp_path: Path) -> None:
    lab = Lab(tmp_path, an_instance(locked=True, metadata={}))
    done = lab.run(until=EARLY)
    assert done.warnings == (
        "web (1): the mark is in the file on this machine. Its metadata cannot be changed now: it is locked.",
    )
    assert (done.changed, lab.run(until=EARLY).changed, lab.cloud.calls.count("set web")) == (True, False, 0)
    assert lab.marks() == (None, EARLY)
    assert lab.run(state="absent").changed


def test_a_mark_that_cannot_be_taken_away_is_an_error_and_one_that_holds_for_longer_is_reported(tmp_path: Path) -> None:
    lab = Lab(tmp_path, an_instance(locked=True, metadata={"jetstream_keep_until": LATE}))
    failed = lab.run(state="absent")
    assert failed.failure == "web (1): the mark in its metadata cannot be removed: it is locked."
    assert failed.result["instances"][0]["source"] == "metadata"
    done = lab.run(until=EARLY)
    assert f"the older mark in its metadata, {LATE}, keeps it for longer" in done.warnings[0]
    assert done.result["instances"][0]["until"] == LATE


@pytest.mark.parametrize(
    "error", [Conflict("Writing was refused.", status=409), Unreachable("No answer."), PermissionDenied("Rules.")]
)
def test_an_instance_is_kept_also_if_its_metadata_cannot_be_written(tmp_path: Path, error: JetstreamError) -> None:
    lab = Lab(tmp_path, an_instance(metadata={}))
    lab.cloud.answer("web", "set", error)
    assert str(error)[:-1] in lab.run(until=EARLY).warnings[0]
    assert lab.marks() == (None, EARLY)


def test_an_end_of_the_login_ends_the_task(tmp_path: Path) -> None:
    lab = Lab(tmp_path, an_instance(metadata={}))
    lab.cloud.answer("web", "set", AuthenticationFailed("The token was refused."))
    with pytest.raises(AuthenticationFailed):
        lab.run(until=EARLY)


def test_metadata_of_a_cloud_that_has_none_is_refused(site: Site) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no metadata of web"):
        run(site, name="web", hours=8, store="metadata")


def test_a_broken_file_is_an_error_before_metadata_is_changed(tmp_path: Path) -> None:
    lab = Lab(tmp_path, an_instance(metadata={}))
    lab.file.path.parent.mkdir(parents=True)
    lab.file.path.write_text("[]")
    with pytest.raises(KeepFileError):
        lab.run(until=EARLY)
    assert lab.cloud.count("set") == 0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-24", datetime(2026, 12, 24, 23, 59, 59, tzinfo=UTC)),
        ("2026-12-24T18:00", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("2026-12-24 18:00Z", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("2026-12-24T18:00-05:00", datetime(2026, 12, 24, 23, tzinfo=UTC)),
        ("2026-12-24T00:00", datetime(2026, 12, 24, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_utc_and_a_date_is_its_end(text: str, moment: datetime) -> None:
    assert moment_of(text) == moment
