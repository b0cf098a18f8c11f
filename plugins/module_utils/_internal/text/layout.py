# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits the columns of a table into a width: which columns are shown, and how wide. Numbers only, no text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

GAP = 2


@dataclass(frozen=True, slots=True)
class Extent:
    """The widths of a column: its content, its minimum if wrapped, its minimum if shortened.

    ``natural`` >= ``wrapped`` >= ``shortened`` > 0.
    """

    natural: int
    wrapped: int
    shortened: int


def fit(extents: Sequence[Extent], droppable: Sequence[int], width: int | None) -> Mapping[int, int]:
    """Return the width of each shown column, by its index, from left to right.

    ``droppable``: the indexes of the columns that may be dropped, in this order. ``width`` is None for no limit.

    Columns are wrapped, then dropped, then shortened, each as little as necessary. If that is not enough, the table is
    wider than ``width``.
    """
    indexes = range(len(extents))
    if width is None:
        return {index: extents[index].natural for index in indexes}
    shown = _kept(extents, droppable, width)
    widths = {index: extents[index].wrapped for index in indexes if index in shown}
    _shorten(widths, extents, width)
    _widen(widths, extents, width)
    return widths


def _kept(extents: Sequence[Extent], droppable: Sequence[int], width: int) -> Collection[int]:
    shown = set(range(len(extents)))
    dropped: list[int] = []
    for index in droppable:
        if total([extents[each].wrapped for each in shown]) <= width:
            break
        if index in shown and len(shown) > 1:
            shown.remove(index)
            dropped.append(index)
    # A wide column dropped late may have made room for narrow columns dropped earlier.
    for index in reversed(dropped):
        if total([extents[each].wrapped for each in (*shown, index)]) <= width:
            shown.add(index)
    return shown


def _shorten(widths: dict[int, int], extents: Sequence[Extent], width: int) -> None:
    """Narrow the widest columns first, in place."""
    while total(widths.values()) > width:
        able = [index for index in widths if widths[index] > extents[index].shortened]
        if not able:
            return
        widths[max(able, key=lambda index: widths[index])] -= 1


def _widen(widths: dict[int, int], extents: Sequence[Extent], width: int) -> None:
    """Distribute the remaining space, in place, first to the columns that need the least of it to avoid wrapping."""
    for index in sorted(widths, key=lambda each: extents[each].natural - widths[each]):
        spare = width - total(widths.values())
        missing = extents[index].natural - widths[index]
        if missing > 0 and spare > 0 and (missing <= spare or index == _neediest(widths, extents)):
            widths[index] += min(missing, spare)


def _neediest(widths: Mapping[int, int], extents: Sequence[Extent]) -> int:
    return max(widths, key=lambda index: extents[index].natural - widths[index])


def total(widths: Collection[int]) -> int:
    """Return the total width of a table with these columns."""
    return sum(widths) + GAP * (len(widths) - 1)
