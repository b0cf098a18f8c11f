# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts dictionaries to an aligned table of plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from .layout import GAP, Extent, fit, total
from .suggestions import did_you_mean
from .terminal import display_width, one_line, shorten, wrap

NOTHING = "-"
_OPTIONS = ("key", "title", "align", "width", "wrap", "separator", "short_time", "exact")
# If a table does not fit otherwise, texts are cut to this width.
_SHORTEST = 8
_TIME = re.compile(r"\d{4}-(\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z")


class TableError(ValueError):
    """The rows or columns do not form a table. The message has the reason."""


class _Absent:
    """Stands for a missing key of a row."""


_ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    ``keys`` are dotted paths into a row; their values are joined by ``separator``. Without ``align``, numbers are
    aligned right and everything else left. ``width``: the maximum width of a cell; a shortened one ends in an ellipsis.
    ``wrap``: if the table does not fit, cells are wrapped to lines of at least this width. ``short_time``: a time is
    shown without year and seconds, and is never cut. ``exact``: the path of a boolean; if that is false, the value is a
    lower bound.
    """

    keys: tuple[str, ...]
    title: str
    align: str | None = None
    width: int | None = None
    wrap: int | None = None
    separator: str = " "
    short_time: bool = False
    exact: str | None = None


@dataclass(frozen=True, slots=True)
class _Cells:
    """The texts of a column, beginning with its title."""

    column: Column
    texts: Sequence[str]
    right: bool

    def extent(self) -> Extent:
        title, *cells = map(display_width, self.texts)
        natural = max(title, *cells)
        wrapped = max(title, min(natural, self.column.wrap or natural))
        is_whole = self.right or self.column.short_time
        return Extent(natural, wrapped, wrapped if is_whole else max(title, min(wrapped, _SHORTEST)))

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value in this column."""
        return all(text == NOTHING for text in self.texts[1:])

    def lines(self, width: int) -> list[list[str]]:
        """Return the lines of each cell, padded to the same width."""
        return [[self._padded(line, width) for line in self._wrapped(text, width)] for text in self.texts]

    def _wrapped(self, text: str, width: int) -> list[str]:
        return wrap(text, width) if self.column.wrap else [shorten(text, width)]

    def _padded(self, text: str, width: int) -> str:
        blanks = " " * (width - display_width(text))
        return blanks + text if self.right else text + blanks


def text_table(
    rows: object, columns: object, words: object = None, *, width: int | None = None, drop: object = (), hint: str = ""
) -> str:
    """Return a table of ``rows``, or "" without rows.

    ``columns``: a list, or names separated by commas. Each is a key, a dotted path, a dict with key, title, align,
    width, wrap, separator, short_time and exact, or one of ``words``, a dict from short names to columns.

    ``width``: the width of the terminal, None for no limit. To fit it, columns are wrapped, then dropped, then
    shortened. ``drop``: the columns that may be dropped, in this order; empty ones go first. A last line names the
    dropped columns, except for empty ones, followed by ``hint``.

    Raises TableError.
    """
    known = _checked_words(words)
    names = _listed(columns)
    layout = [_column(each, known) for each in names]
    checked = _checked_rows(rows)
    if not checked:
        return ""
    every = [_cells(column, checked, known) for column in layout]
    droppable = [every[names.index(name)] for name in _droppable(drop) if name in names]
    cells = _without_empty(every, droppable, width)
    order = [cells.index(each) for each in droppable if each in cells]
    widths = fit([each.extent() for each in cells], order, width)
    lines = [cells[index].lines(widths[index]) for index in widths]
    blanks = [" " * each for each in widths.values()]
    table = [_joined_cells(parts, blanks) for row in zip(*lines, strict=True) for parts in zip_longest(*row)]
    dropped = [each.column.title for index, each in enumerate(cells) if index not in widths]
    return "\n".join([*table, *_not_shown(dropped, hint, width)])


def _without_empty(cells: Sequence[_Cells], droppable: Sequence[_Cells], width: int | None) -> list[_Cells]:
    """Return the columns without empty droppable ones, as far as the width requires it."""
    shown = list(cells)
    for each in droppable:
        if width is None or total([one.extent().natural for one in shown]) <= width or len(shown) == 1:
            break
        if each.is_empty and each in shown:
            shown.remove(each)
    return shown


def _joined_cells(cells: Iterable[str | None], blanks: Iterable[str]) -> str:
    pairs = zip(cells, blanks, strict=True)
    return (" " * GAP).join(blank if cell is None else cell for cell, blank in pairs).rstrip()


def _not_shown(titles: Sequence[str], hint: str, width: int | None) -> list[str]:
    if not titles or width is None:
        return []
    return wrap(" ".join(filter(None, [f"Columns not shown: {', '.join(titles)}.", one_line(hint)])), width)


def _droppable(drop: object) -> list[object]:
    return _listed(drop, "drop") if drop else []


def _checked_rows(rows: object) -> list[Mapping[Any, Any]]:
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise TableError(f"A table is made of a list of dictionaries, not of {_kind(rows)}.")
    checked: list[Mapping[Any, Any]] = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise TableError(f"A table is made of a list of dictionaries; item {number} of it is {_kind(row)}.")
        checked.append(row)
    return checked


def _checked_words(words: object) -> Mapping[str, object]:
    if words is None:
        return {}
    if not isinstance(words, Mapping):
        raise TableError(f"words must be a dictionary, from a name to its column, not {_kind(words)}.")
    return words


def _listed(columns: object, option: str = "columns") -> list[object]:
    if isinstance(columns, str):
        columns = [each.strip() for each in columns.split(",") if each.strip()]
    if not isinstance(columns, Sequence):
        raise TableError(f"{option} must be a list, or names separated by commas, not {_kind(columns)}.")
    if not columns:
        raise TableError(f"{option} is empty. Set at least one column.")
    return list(columns)


def _column(item: object, words: Mapping[str, object]) -> Column:
    if not isinstance(item, str):
        return _defined(item, None)
    if item not in words:
        return _defined({"key": item}, None)
    meaning = words[item]
    return _defined({"key": meaning} if isinstance(meaning, str) else meaning, item)


def _defined(item: object, name: str | None) -> Column:
    if not isinstance(item, Mapping):
        raise TableError(f"A column is a name or a dictionary, not {_kind(item)}.")
    for option in item:
        if option not in _OPTIONS:
            raise TableError(f"A column has no key {option!s}. Valid keys: {', '.join(_OPTIONS)}.")
    keys = _keys(item.get("key"))
    title = item.get("title")
    return Column(
        keys=keys,
        title=_title(name or keys[0]) if title is None else one_line(str(title)),
        align=_align(item.get("align")),
        width=_width(item.get("width"), "width"),
        wrap=_width(item.get("wrap"), "wrap"),
        separator=str(item.get("separator", " ")),
        short_time=item.get("short_time") is True,
        exact=None if item.get("exact") is None else str(item["exact"]),
    )


def _keys(key: object) -> tuple[str, ...]:
    keys = [key] if isinstance(key, str) else key
    if isinstance(keys, Sequence) and keys and all(isinstance(each, str) and each for each in keys):
        return tuple(keys)
    raise TableError("The key of a column must be a name, a dotted path, or a list of such.")


def _align(align: object) -> str | None:
    if align is None or align in ("left", "right"):
        return None if align is None else str(align)
    raise TableError(f"align must be left or right, not {align}.")


def _width(width: object, option: str) -> int | None:
    if width is None:
        return None
    if isinstance(width, int) and not isinstance(width, bool) and width > 0:
        return width
    raise TableError(f"{option} must be a number of 1 or more, not {width}.")


def _title(key: str) -> str:
    return one_line(key.removesuffix(".name").replace(".", " ").replace("_", " ").upper())


def _cells(column: Column, rows: Sequence[Mapping[Any, Any]], words: Mapping[str, object]) -> _Cells:
    values = [[_apply(row, key) for key in column.keys] for row in rows]
    for key, found in zip(column.keys, zip(*values, strict=True), strict=True):
        if all(value is _ABSENT for value in found):
            raise TableError(_unknown(key, rows, words))
    texts = [column.title, *(_shown(column, row, each) for row, each in zip(rows, values, strict=True))]
    if column.width is not None:
        texts = [shorten(text, column.width) for text in texts]
    return _Cells(column, texts, right=(column.align or _natural_alignment(values)) == "right")


def _shown(column: Column, row: Mapping[Any, Any], values: Iterable[object]) -> str:
    text = _joined(values, column.separator)
    if column.short_time:
        text = _TIME.sub(r"\1 \2Z", text)
    is_bound = column.exact is not None and text != NOTHING and _apply(row, column.exact) is False
    return f">= {text}" if is_bound else text


def _apply(thing: object, path: str) -> object:
    """Return the value at a dotted path: None if a part of the path is None, a list if there is a list on the way."""
    if isinstance(thing, Mapping):
        if path in thing:
            return thing[path]
        key, dot, rest = path.partition(".")
        return _apply(thing[key], rest) if dot and key in thing else _ABSENT
    if thing is None:
        return None
    if isinstance(thing, list | tuple):
        found = [_apply(each, path) for each in thing]
        return _ABSENT if found and all(each is _ABSENT for each in found) else found
    return _ABSENT


def _joined(values: Iterable[object], separator: str) -> str:
    texts = [_text(value) for value in values]
    return separator.join(text for text in texts if text != NOTHING) or NOTHING


def _text(value: object) -> str:
    if value is None or value is _ABSENT:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        if "name" in value:
            return _text(value["name"])
        return ", ".join(f"{one_line(str(key))}={_text(each)}" for key, each in value.items()) or NOTHING
    if isinstance(value, list | tuple):
        texts = [_text(each) for each in value]
        return ", ".join(texts) if any(text != NOTHING for text in texts) else NOTHING
    return one_line(str(value)) or NOTHING


def _natural_alignment(values: Iterable[Sequence[object]]) -> str:
    known = [value for row in values for value in _flat(row) if value is not None and value is not _ABSENT]
    return "right" if known and all(map(_is_number, known)) else "left"


def _flat(values: Iterable[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _unknown(key: str, rows: Iterable[Mapping[Any, Any]], words: Mapping[str, object]) -> str:
    paths = list(dict.fromkeys(path for row in rows for path in _paths(row)))
    guess = did_you_mean(key, [*words, *paths])
    # If there are short names for columns, the hint shows only those.
    there = dict.fromkeys([*words, *(path for path in paths if "." not in path)]) if words else paths
    sentences = [f"There is no column {one_line(key)}.", guess, f"Columns: {', '.join(map(one_line, there))}."]
    return " ".join(filter(None, sentences))


def _paths(thing: object, before: str = "") -> Iterator[str]:
    if isinstance(thing, Mapping):
        for key, value in thing.items():
            yield f"{before}{key}"
            yield from _paths(value, f"{before}{key}.")
    elif isinstance(thing, list | tuple):
        for each in thing:
            yield from _paths(each, before)


def _kind(thing: object) -> str:
    if isinstance(thing, str | bytes):
        return "a text"
    if isinstance(thing, Mapping):
        return "a dictionary"
    if isinstance(thing, bool):
        return "yes or no"
    if _is_number(thing):
        return "a number"
    return "nothing" if thing is None else "a list" if isinstance(thing, list | tuple) else type(thing).__name__
