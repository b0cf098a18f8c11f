# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A keep mark is set, replaced and taken away, and never lost to a file that cannot be understood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils.errors import ConfigurationError, SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils.idle.keeps import KeepFile, KeepFileError, moment_of
from ansible_collections.jetstream.cloud.plugins.module_utils.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils.operations import keep
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context


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
    with pytest.raises(KeepFileError, match="are not as they were written"):
        run(site, name="db", hours=8)
    assert json.loads(path.read_text())["format"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hours": 0}, "hours is 0"),
        ({"hours": float("nan")}, "hours is nan"),
        ({"hours": 9000}, "at most 8784"),
        ({"until": "tomorrow"}, "'tomorrow' is no time"),
        ({"until": "2020-01-01"}, "which is over"),
        ({"state": "absent", "hours": 8}, "takes neither hours nor until"),
    ],
)
def test_a_time_that_means_nothing_is_refused(site: Site, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run(site, name="web", **options)


@pytest.mark.parametrize("options", [{}, {"name": "nothing"}])
def test_what_is_not_named_or_not_there_is_not_kept(site: Site, options: dict[str, Any]) -> None:
    with pytest.raises(SelectionError):
        run(site, hours=8, **options)


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
