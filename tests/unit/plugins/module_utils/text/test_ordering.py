# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names are in the order in which people count."""

from __future__ import annotations

import random

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text.ordering import natural_key
from hypothesis import given
from hypothesis import strategies as st


def test_numbers_in_names_are_compared_by_value() -> None:
    names = ["10", "base", "base-1", "base-2", "base-02", "base-10", "base-10a", "Base-11", "base-100", "node", "Zoe"]
    shuffled = random.Random(1).sample(names, len(names))

    assert sorted(shuffled, key=natural_key) == [*names[:3], "base-02", "base-2", *names[5:]]


def test_a_number_of_any_length_is_compared() -> None:
    long = "9" * 10_000
    assert sorted([f"{long}1", long, "8"], key=natural_key) == ["8", long, f"{long}1"]


@given(st.lists(st.text()))
def test_the_order_of_any_names_does_not_depend_on_the_order_before(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(names, key=natural_key) == sorted(backwards, key=natural_key)
