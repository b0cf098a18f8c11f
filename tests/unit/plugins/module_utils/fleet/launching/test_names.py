# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of a template are stable, the lowest free ones are filled, and the highest go first."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.launching.names import (
    NameTemplate,
    is_template,
    numbered_names,
    require_names,
)

NODE = NameTemplate.parse("node")


@pytest.mark.parametrize(
    ("text", "first"),
    [("node", "node-1"), ("node-{number:02}", "node-01"), ("{number}-node", "1-node"), ("a{number:3}b", "a001b")],
)
def test_a_template_names_by_number(text: str, first: str) -> None:
    template = NameTemplate.parse(text)
    assert template.name(1) == first
    assert [template.number(template.name(number)) for number in (1, 9, 10, 1234)] == [1, 9, 10, 1234]


@pytest.mark.parametrize(
    "name", ["node", "node-", "node-0", "node-01", "node-1a", "node--1", "nodes-1", "node-\uff11", "x"]
)
def test_a_name_that_does_not_match_the_template_exactly_has_no_number(name: str) -> None:
    assert NODE.number(name) is None


@pytest.mark.parametrize("text", ["{number}-{number}", "node-{nr}", "node-{}", "node-{number:x}", "node-{number"])
def test_a_template_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        NameTemplate.parse(text)
    assert not is_template("node-{nr}")


@pytest.mark.parametrize(
    ("taken", "count", "wanted", "surplus"),
    [
        ([], 3, [1, 2, 3], []),
        ([1, 2, 3], 3, [1, 2, 3], []),
        ([1, 3], 3, [1, 2, 3], []),
        ([9], 3, [1, 2, 9], []),
        ([2, 5, 9], 4, [1, 2, 5, 9], []),
        ([1, 2, 3, 7], 2, [1, 2], [7, 3]),
        ([4, 5], 0, [], [5, 4]),
    ],
)
def test_the_lowest_free_numbers_are_filled_and_the_highest_go_first(
    taken: list[int], count: int, wanted: list[int], surplus: list[int]
) -> None:
    names, beyond = numbered_names(NODE, count, [NODE.name(each) for each in taken] + ["other", "node-x"])
    assert names == [NODE.name(each) for each in wanted]
    assert beyond == [NODE.name(each) for each in surplus]


def test_of_every_small_fleet_the_names_are_as_many_as_wanted_and_none_is_renamed() -> None:
    for size, count in itertools.product(range(5), range(6)):
        for numbers in itertools.combinations(range(1, 7), size):
            taken = [NODE.name(each) for each in numbers]
            names, surplus = numbered_names(NODE, count, taken)
            assert len(names) == len(set(names)) == count
            assert set(taken) == (set(names) & set(taken)) | set(surplus)
            # Applied, it is where it should be: a second run changes nothing.
            assert numbered_names(NODE, count, names) == (names, [])


@pytest.mark.parametrize("names", [[""], [" a"], ["a "], ["a\n"], ["x" * 256], ["a", "b", "a"], ["\U0001f98a"]])
def test_names_that_a_cloud_does_not_take_are_refused(names: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        require_names(names)


@pytest.mark.parametrize("text", ["a" * 247, "a" * 245 + "-{number:02}"])
def test_a_template_is_no_longer_than_the_mark_of_its_instances(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the template has 25[67] characters, and must have at most 255"):
        NameTemplate.parse(text)
    assert len(NameTemplate.parse(text[2:]).text) <= 255
