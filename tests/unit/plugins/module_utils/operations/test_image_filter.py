# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter by image is compared with the images of all instances, with any other filter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    CloudAccount,
    Image,
    Instance,
    Outcome,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, Work
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import instance_info, instance_state
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import ScriptedCloud

FLEET = [
    an_instance("ubuntu", number=1, image=Image("Ubuntu", "u-1")),
    an_instance("rocky", number=2, image=Image("Rocky", "r-1")),
]


class Cloud(ScriptedCloud):
    """Knows the names of images as Jetstream2 does: of those that were asked for."""

    def account(self) -> CloudAccount:
        raise AssertionError("owner is any")

    def list_instances(
        self, *, live: bool, images: bool = True, all_images: bool = False, wanted: Any = None, **_options: Any
    ) -> list[Instance]:
        known = [each for each in FLEET if images and (all_images or wanted is None or wanted(each))]
        return known + [an_instance(each.name, number=int(each.id)) for each in FLEET if each not in known]


WORKS = [
    (instance_info.instance_info, instance_info.SPEC, {}),
    (instance_state.instance_state, instance_state.SPEC, {"state": "stopped"}),
]


@pytest.mark.parametrize(("work", "spec", "more"), WORKS, ids=["info", "state"])
@pytest.mark.parametrize("selected", [{"name": ["ubuntu"]}, {"id": []}, {"name": ["ub*"]}], ids=str)
def test_an_image_of_an_instance_that_is_not_selected_is_known(
    work: Work, spec: Any, more: dict[str, Any], selected: dict[str, Any]
) -> None:
    clock = FakeClock()
    context = Context(True, clock, {}, Path("/nonexistent"), lambda _text: None, lambda _text: None)
    outcome: Outcome = work(
        Cloud(clock, FLEET), given(spec, image=["Rocky"], owner=["any"], **selected, **more), context
    )
    assert outcome.result["instances"] == []
    assert not any("there is no image" in each for each in outcome.warnings)
