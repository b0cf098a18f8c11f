# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name in a file of rules that no instance has is reported, with the nearest one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Project
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.filters import unmatched
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

WEB = replace(an_instance("course-web"), project=Project(name="plant-genomes", uuid="p1"))
ODD = an_instance("vm[1]", number=2)


@dataclass(frozen=True)
class Row:
    """A row of a file."""

    line: int
    filters: Mapping[str, tuple[str, ...]]


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"name": ("cuorse-web",)}, "no instance is called cuorse-web. Did you mean course-web?"),
        ({"name": ("course-web", "zzz")}, "no instance is called zzz."),
        ({"name": ("Course-Web",)}, "no instance is called Course-Web. Did you mean course-web?"),
        ({"project": ("plant-genoms",)}, "no instance has the project plant-genoms. Did you mean plant-genomes?"),
        ({"owner": ("jonhdoe",)}, "no instance has the owner jonhdoe. Did you mean johndoe?"),
        ({"allocation_source": ("TG-X",)}, "no instance has the allocation source TG-X."),
    ],
)
def test_a_name_that_no_instance_has_is_reported(filters: Mapping[str, tuple[str, ...]], sentence: str) -> None:
    assert unmatched("s.yml", [Row(7, filters)], [WEB, ODD]) == (f"s.yml, line 7: {sentence}",)


@pytest.mark.parametrize(
    "filters",
    [
        {"name": ("course-web",)},
        {"name": ("bio*",)},
        {"name": ("vm[1]",)},
        {"project": ("p1",)},
        {"owner": ("JohnDoe",)},
        {"flavor": ("m9.huge",)},
        {"name": ()},
    ],
)
def test_names_globs_and_flavors_to_come_are_no_mistake(filters: Mapping[str, tuple[str, ...]]) -> None:
    assert unmatched("s.yml", [Row(7, filters)], [WEB, ODD]) == ()


def test_without_instances_no_name_is_a_mistake() -> None:
    assert unmatched("s.yml", [Row(7, {"name": ("x",)})], []) == ()
