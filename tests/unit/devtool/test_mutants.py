# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation testing: the test file of a file, and the report about its mutants."""

from __future__ import annotations

import pytest

from devtool.environment import SetUpFailed
from devtool.mutants import DEFAULT_FILES, Result, own_tests


@pytest.mark.parametrize("file", DEFAULT_FILES)
def test_each_default_file_has_a_test_file(file: str) -> None:
    folder, _slash, name = file.removeprefix("plugins/module_utils/_internal").rpartition("/")

    assert own_tests(file) == f"tests/unit/plugins/module_utils{folder}/test_{name}"


@pytest.mark.parametrize(
    "file", ["plugins/module_utils/_internal/nothing.py", "plugins/filter/table.py", "devtool/mutants.py"]
)
def test_a_file_outside_of_module_utils_is_refused(file: str) -> None:
    with pytest.raises(SetUpFailed, match="is not a file in plugins/module_utils/_internal"):
        own_tests(file)


def test_a_file_without_a_test_file_is_refused_unless_tests_are_named() -> None:
    with pytest.raises(SetUpFailed, match="Name its tests after --"):
        own_tests("plugins/module_utils/_internal/clock.py")


def test_survivors_are_reported_with_their_diff() -> None:
    result = Result(
        "plugins/module_utils/_internal/states.py", total=5, killed=4, unchecked=0, survivors=("# plan\n-a\n+b",)
    )
    assert result.text() == "plugins/module_utils/_internal/states.py: 5 mutants, 4 killed, 1 survived\n# plan\n-a\n+b"


def test_mutants_that_were_not_tried_are_counted() -> None:
    result = Result("plugins/module_utils/_internal/states.py", total=5, killed=3, unchecked=2, survivors=())
    assert result.text().endswith("5 mutants, 3 killed, 0 survived, 2 not tried (the time was up)")


def test_mutants_whose_tests_did_not_end_in_time_are_counted_as_killed() -> None:
    result = Result(
        "plugins/module_utils/_internal/states.py", total=5, killed=5, unchecked=0, survivors=(), timed_out=2
    )
    assert result.text() == "plugins/module_utils/_internal/states.py: 5 mutants, 5 killed (2 by a timeout), 0 survived"
