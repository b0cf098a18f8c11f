# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A history requests only the selected instances, and still knows the names of the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance, Outcome, StatusPeriod
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import history_info
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import SMALL, an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import ScriptedCloud

FLEET = [an_instance(f"lab-{number}", number=number) for number in range(1, 6)]
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


class Cloud(ScriptedCloud):
    """A cloud with a history of each requested instance."""

    read: tuple[str, ...] = ()

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        chosen = [each for each in FLEET if wanted is None or wanted(each)]
        self.read = tuple(each.name for each in chosen)
        return [StatusPeriod(0, each.id, each.uuid, each.name, "active", "", SMALL, BEGIN, None) for each in chosen]


def history(kind: type[Cloud] = Cloud, **options: Any) -> tuple[Cloud, Outcome]:
    clock = FakeClock()
    cloud = kind(clock, FLEET)
    context = Context(False, clock, {}, Path("/nonexistent"), lambda _text: None, lambda _text: None)
    return cloud, history_info.history_info(cloud, given(history_info.SPEC, **options), context)


@pytest.mark.parametrize(
    ("options", "read", "warnings"),
    [
        ({}, [1, 2, 3, 4, 5], ()),
        ({"name": "lab-3"}, [3], ()),
        ({"id": "3", "uuid": FLEET[0].uuid}, [1, 3], ()),
        ({"name": "lab-[45]"}, [4, 5], ()),
        ({"name": "lba-3"}, [], ("name: lba-3 does not exist. Did you mean lab-3?",)),
        ({"name": []}, [], ("name is an empty list, so nothing is selected.",)),
    ],
)
def test_the_history_of_other_instances_is_not_requested(
    options: Any, read: list[int], warnings: tuple[str, ...]
) -> None:
    cloud, outcome = history(**options)
    assert cloud.read == tuple(f"lab-{number}" for number in read)
    assert [each["id"] for each in outcome.result["instances"]] == read
    assert outcome.warnings == warnings


class Again(Cloud):
    """A cloud with three instances that had one name after the other, and one whose name comes later."""

    begun = (("lab-2", "f", 0), ("lab-2", "a", 1), ("lab-2", "c", 2), ("lab-10", "b", 0))

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        return [
            StatusPeriod(0, uuid, uuid, name, "active", "", SMALL, BEGIN + timedelta(hours=hours), None)
            for name, uuid, hours in self.begun
        ]


@pytest.mark.parametrize("order", [*permutations(Again.begun)])
def test_instances_come_by_name_and_the_present_one_of_a_name_last(order: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A UUID tells nothing of the time, and nor does the order in which a cloud lists them."""
    monkeypatch.setattr(Again, "begun", order)
    _cloud, outcome = history(Again)
    assert [each["uuid"] for each in outcome.result["instances"]] == ["f", "a", "c", "b"]
