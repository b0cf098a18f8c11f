# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage of an account as data, with its past, with any allocations of the site."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.cloud import Cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    CloudAccount,
    Flavor,
    Instance,
    Outcome,
    StatusPeriod,
    Volume,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import allocation_info, usage_report
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import ModuleSpec
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.decisions import DecisionLog
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.records import Event, Record
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

CPU = AllocationSource(
    "TG CPU", "cpu", compute_allowed=1000.0, compute_used=400.0, start_date="2026-01-01", end_date="2027-06-30"
)
TINY = Flavor("m3.tiny", vcpus=1)
MINE = CloudAccount("js2.example.org:5000", "IU", "ada", "TG", "5f")
OTHER = CloudAccount("js2.example.org:5000", "IU", "ada", "TG-OTHER", "6a")


@dataclass
class FakeCloud:
    """The requests of a report, and the first moment of the history that it requested."""

    sources: Sequence[AllocationSource] = (CPU,)
    instances: Sequence[Instance] = ()
    owner: CloudAccount = MINE
    history_since: list[datetime | None] = field(default_factory=list)

    def account(self) -> CloudAccount:
        return self.owner

    def list_allocation_sources(self) -> list[AllocationSource]:
        return list(self.sources)

    def list_instances(
        self,
        *,
        live: bool,
        images: bool = True,
        all_images: bool = False,
        wanted: Callable[[Instance], bool] | None = None,
        unreadable: bool = False,
    ) -> list[Instance]:
        return list(self.instances)

    def list_volumes(
        self, *, live: bool, wanted: Callable[[Volume], bool] | None = None, strict: bool = False
    ) -> list[Volume]:
        return []

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        self.history_since.append(since)
        begin = START - timedelta(days=100)
        return [
            StatusPeriod(1, each.id, each.uuid, each.name, each.status, "", each.flavor, begin, None)
            for each in self.instances
        ]


def an_instance_of(source: AllocationSource | None, name: str = "web", flavor: Flavor = TINY) -> Instance:
    return replace(an_instance(name, flavor=flavor), allocation_source=source)


def run(
    home: Path, cloud: FakeCloud, *, module: Any = usage_report, check_mode: bool = False, **options: Any
) -> Outcome:
    work = getattr(module, module.__name__.rpartition(".")[2])
    spec = cast(ModuleSpec, module.SPEC)
    runner = OperationRunner(home, FakeClock())
    return runner.run(
        spec, lambda given, context: work(cast(Cloud, cloud), given, context), check_mode=check_mode, **options
    )


def lines(home: Path) -> list[dict[str, Any]]:
    path = home / ".local" / "share" / "jetstream" / "usage.jsonl"
    return [json.loads(each) for each in path.read_text().splitlines()] if path.exists() else []


def test_a_report_has_everything_as_data(tmp_path: Path) -> None:
    result = run(tmp_path, FakeCloud(instances=[an_instance_of(CPU)])).result
    assert result["account"]["label"] == "ada, project TG at js2.example.org (IU)"
    assert result["subject"] == "Jetstream, TG at js2.example.org: TG CPU: 25 days, 600 SU"
    [allocation] = result["allocations"]
    assert {
        "remaining": 600,
        "su_per_day": 24,
        "pace_days": 7,
        "days_left": 25,
        "exhausted_on": "2026-12-18",
        "days_left_now": 25,
        "headline": "25 days",
        "is_near": True,
        "snapshots": [{"date": "2026-11-23", "remaining": 600}],
    }.items() <= allocation.items()
    assert len(result["days"]) == 30
    assert result["days"][-2] == {
        "date": "2026-11-22",
        "su": 24,
        "is_weekend": True,
        "is_complete": True,
        "allocations": [{"name": "TG CPU", "uuid": "cpu", "su": 24}],
    }
    assert result["days"][-1]["is_complete"] is False
    assert [(each["name"], each["percent"], each["allocation"]) for each in result["instances"]] == [
        ("web", 100, "TG CPU")
    ]


def test_what_acts_saved_in_a_week_is_of_the_instances_of_the_report(tmp_path: Path) -> None:
    cloud, clock = FakeCloud(instances=[an_instance_of(CPU)]), FakeClock()
    assert run(tmp_path, cloud).result["saved_su"] is None
    act = Record(
        clock.now() - timedelta(hours=5), Event.DONE, "site", "project", cloud.instances[0].uuid, "web",
        status="active", action="shelve", applies=True, saves_su_per_hour=2.0,
    )  # fmt: skip
    seen = replace(act, at=clock.now() - timedelta(hours=1), event=Event.DECIDED, status="shelved_offloaded")
    others = [replace(each, uuid="other") for each in (act, seen)]
    DecisionLog(tmp_path / ".local/state/jetstream/decisions", clock).write([act, seen, *others])
    assert run(tmp_path, cloud).result["saved_su"] == 8


@pytest.mark.parametrize(("days", "since"), [(30, "2026-10-25T00:00:00"), (2, "2026-11-16T18:57:00")])
def test_history_is_requested_since_the_first_day_or_for_the_pace(tmp_path: Path, days: int, since: str) -> None:
    cloud = FakeCloud()
    run(tmp_path, cloud, days=days)
    assert [f"{each:%Y-%m-%dT%H:%M:%S}" for each in cloud.history_since if each] == [since]


@pytest.mark.parametrize("days", [0, -1, 10**6])
def test_days_are_a_number_that_can_be_shown(tmp_path: Path, days: int) -> None:
    with pytest.raises(ConfigurationError, match="days must be from 1 to 3660"):
        run(tmp_path, FakeCloud(), days=days)


def test_two_projects_share_a_history_file_and_see_their_own_past(tmp_path: Path) -> None:
    run(tmp_path, FakeCloud())
    theirs = run(tmp_path, FakeCloud(sources=[replace(CPU, compute_used=10.0)], owner=OTHER))
    mine = run(tmp_path, FakeCloud())
    snapshots = [each.result["allocations"][0]["snapshots"] for each in (mine, theirs)]
    assert [[row["remaining"] for row in each] for each in snapshots] == [[600], [990]]
    assert [(each["site"], each["cloud"], each["project"], each["remaining"]) for each in lines(tmp_path)] == [
        ("js2.example.org:5000", "IU", "5f", "600.0"),
        ("js2.example.org:5000", "IU", "6a", "990.0"),
    ]


def test_an_older_history_is_carried_over(tmp_path: Path) -> None:
    folder = tmp_path / ".local" / "share" / "jetstream"
    folder.mkdir(parents=True)
    (folder / "usage.jsonl").write_text('{"day": "2026-11-20", "allocation": "cpu", "left": "672.0"}\n')
    outcome = run(tmp_path, FakeCloud())
    assert [row["remaining"] for row in outcome.result["allocations"][0]["snapshots"]] == [672, 600]
    assert [each["project"] for each in lines(tmp_path)] == ["5f", "5f"]


def test_a_second_run_changes_nothing_and_check_mode_writes_nothing(tmp_path: Path) -> None:
    outcome = run(tmp_path, FakeCloud(), check_mode=True, dest=str(tmp_path / "new" / "page.html"))
    assert (outcome.changed, lines(tmp_path), (tmp_path / "new").exists()) == (True, [], False)
    assert outcome.result["allocations"][0]["snapshots"] == [{"date": "2026-11-23", "remaining": 600}]
    assert run(tmp_path, FakeCloud()).changed
    assert not run(tmp_path, FakeCloud()).changed
    assert run(tmp_path, FakeCloud(), dest=str(tmp_path / "page.html")).changed


def test_a_page_that_cannot_be_written_is_refused_before_the_first_request(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for dest in (tmp_path / "pipe", tmp_path, Path("/dev/stdout")):
        cloud = FakeCloud()
        with pytest.raises(ConfigurationError, match=f"The page {dest} cannot be written: it is a "):
            run(tmp_path, cloud, dest=str(dest))
        assert cloud.history_since == []


NAN = float("nan")
HOSTILE: list[dict[str, Any]] = [
    {"compute_allowed": NAN},
    {"compute_used": NAN},
    {"compute_used": float("inf")},
    {"compute_used": 1e308},
    {"compute_allowed": "lots"},
    {"compute_allowed": ["1000"]},
    {"compute_allowed": True},
    {"end_date": "12/31/2026"},
    {"end_date": 20261231},
    {"end_date": NAN},
    {"end_date": ["2026-12-31"]},
    {"start_date": "yesterday"},
    {"user_compute_used": NAN, "compute_used": NAN},
]


@pytest.mark.parametrize("fields", HOSTILE, ids=str)
@pytest.mark.parametrize("module", [usage_report, allocation_info])
def test_a_malformed_allocation_is_reported_and_the_others_are_shown(
    tmp_path: Path, module: Any, fields: dict[str, Any]
) -> None:
    odd = replace(CPU, name="TG ODD", uuid="odd", **fields)
    outcome = run(tmp_path, FakeCloud(sources=[odd, CPU], instances=[an_instance_of(CPU)]), module=module)
    shown = {row["name"]: row for row in outcome.result["allocations"]}
    assert (shown["TG CPU"]["remaining"], shown["TG CPU"]["days_left"]) == (600, 25)
    assert [each for each in outcome.warnings if each.startswith("TG ODD: ")]
    json.dumps(outcome.result["allocations"], allow_nan=False, default=str)


@pytest.mark.parametrize("module", [usage_report, allocation_info])
def test_an_allocation_that_ended_lasts_no_hour(tmp_path: Path, module: Any) -> None:
    ended = replace(CPU, end_date="2020-12-31")
    outcome = run(tmp_path, FakeCloud(sources=[ended], instances=[an_instance_of(ended)]), module=module)
    [row] = outcome.result["allocations"]
    assert (row["has_ended"], row["days_left"], row["exhausted_on"], row["days_left_now"]) == (True, 0, None, 0)
    assert outcome.warnings == ("TG CPU: it ended on 2020-12-31.",)


@pytest.mark.parametrize("module", [usage_report, allocation_info])
def test_a_large_instance_that_no_row_pays_for_is_in_a_warning(tmp_path: Path, module: Any) -> None:
    large = an_instance_of(AllocationSource("TG LM", "lm"), flavor=Flavor("r3.large", vcpus=64))
    outcome = run(tmp_path, FakeCloud(instances=[large]), module=module)
    [warning] = outcome.warnings
    assert warning.startswith(
        "Instances of TG LM, of which the site lists no allocation: 1 (r3.large), 128 SU per hour"
    )


def test_warnings_are_about_the_allocations_that_were_requested(tmp_path: Path) -> None:
    gpu = replace(CPU, name="TG GPU", uuid="gpu", compute_used=NAN)
    odd = an_instance_of(gpu, flavor=Flavor("z9.odd", vcpus=1))
    cloud = FakeCloud(sources=[CPU, gpu], instances=[odd])
    assert run(tmp_path, cloud, module=allocation_info, name=["TG CPU"]).warnings == ()
    assert len(run(tmp_path, cloud, module=allocation_info, name=["TG GPU"]).warnings) == 2
