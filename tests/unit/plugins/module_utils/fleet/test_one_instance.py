# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One instance is named whole: a glob names none, although it may fit one alone."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.one_instance import one_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.toy_cloud import ToyCloud

NAMES = ("web", "db-1", "db-2", "vm[1]", "twin", "twin")


@pytest.fixture
def cloud() -> ToyCloud:
    return ToyCloud(FakeClock(), [an_instance(name, number=number) for number, name in enumerate(NAMES, 1)])


@pytest.mark.parametrize(("called", "name"), [("web", "web"), ("3", "db-2"), ("vm[1]", "vm[1]")])
def test_a_whole_name_or_number_names_one(cloud: ToyCloud, called: str, name: str) -> None:
    assert one_instance(cloud, called).name == name


@pytest.mark.parametrize("called", ["w*", "db-*", "nothing*", "vm[2]"])
def test_a_glob_names_none(cloud: ToyCloud, called: str) -> None:
    with pytest.raises(SelectionError, match=r"^There is no instance "):
        one_instance(cloud, called)


def test_a_mistyped_name_is_reported_with_the_nearest(cloud: ToyCloud) -> None:
    """Not as a mistake in name, which is no option of the modules that act on one instance."""
    with pytest.raises(SelectionError) as caught:
        one_instance(cloud, "wbe")
    assert str(caught.value) == "There is no instance wbe. Did you mean web?"


def test_a_name_of_two_is_ambiguous(cloud: ToyCloud) -> None:
    with pytest.raises(SelectionError, match="The name twin is ambiguous"):
        one_instance(cloud, "twin")
