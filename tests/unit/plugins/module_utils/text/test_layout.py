# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table fits its width with as little lost as possible."""

from __future__ import annotations

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text.layout import GAP, Extent, fit
from hypothesis import given
from hypothesis import strategies as st


def fixed(width: int) -> Extent:
    return Extent(width, width, width)


def test_a_table_without_a_limit_has_its_natural_widths() -> None:
    assert fit([Extent(90, 10, 5), fixed(20)], [1], None) == {0: 90, 1: 20}


def test_columns_are_wrapped_before_any_is_dropped() -> None:
    assert fit([fixed(10), Extent(50, 10, 8)], [0], 40) == {0: 10, 1: 28}


def test_columns_are_dropped_in_the_order_given_before_any_is_shortened() -> None:
    assert fit([Extent(20, 20, 5), fixed(10), fixed(10)], [2, 1], 32) == {0: 20, 1: 10}


def test_narrow_columns_come_back_where_a_wide_one_had_to_go() -> None:
    assert fit([fixed(20), fixed(36), fixed(4), fixed(5)], [2, 3, 1], 40) == {0: 20, 2: 4, 3: 5}


def test_the_widest_texts_are_shortened_where_all_columns_have_to_stay() -> None:
    assert fit([Extent(20, 20, 5), Extent(8, 8, 5), fixed(3)], [], 25) == {0: 10, 1: 8, 2: 3}


def test_numbers_stay_whole_even_if_the_table_is_too_wide() -> None:
    assert fit([Extent(20, 20, 5), fixed(30)], [], 10) == {0: 5, 1: 30}


def test_one_column_is_left_where_all_may_be_dropped() -> None:
    assert fit([fixed(20), fixed(30)], [1, 0], 10) == {0: 20}


def test_space_that_is_left_goes_first_to_columns_that_then_need_no_wrapping() -> None:
    assert fit([Extent(80, 20, 20), Extent(12, 10, 8)], [], 50) == {0: 36, 1: 12}


EXTENTS = st.lists(st.lists(st.integers(1, 60), min_size=3, max_size=3).map(sorted), min_size=1, max_size=8).map(
    lambda each: [Extent(natural, wrapped, shortened) for shortened, wrapped, natural in each]
)


@given(EXTENTS, st.integers(1, 120), st.data())
def test_every_table_that_can_fit_does_and_no_column_is_wider_than_its_content(
    extents: list[Extent], width: int, data: st.DataObject
) -> None:
    droppable = data.draw(st.permutations(range(1, len(extents))))
    widths = fit(extents, droppable, width)

    assert list(widths) == sorted(widths)
    assert all(extents[index].shortened <= widths[index] <= extents[index].natural for index in widths)
    total = sum(widths.values()) + GAP * (len(widths) - 1)
    assert total <= width or widths == {0: extents[0].shortened}
