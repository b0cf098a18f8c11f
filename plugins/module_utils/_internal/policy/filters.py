# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters by which a row of a schedule file selects instances. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from ..fleet.selection import INSTANCE_FIELDS, is_glob
from ..model import Instance
from ..text.suggestions import did_you_mean
from ..text.terminal import one_line

RULE_FILTERS = ("name", "project", "flavor", "owner", "allocation_source")
# A rule may precede the first instance of a flavor.
_CLOSED_FILTERS = frozenset(RULE_FILTERS) - {"flavor"}
_FIELDS = {"name": lambda each: [each.name], **INSTANCE_FIELDS}


def passes(filters: Mapping[str, Sequence[str]], instance: Instance) -> bool:
    """Return whether an instance passes every filter. Within a filter, one name or glob has to match."""
    return all(_is_among(name, instance, patterns) for name, patterns in filters.items())


class Row(Protocol):
    """A row of a file: its line number, and the names and globs of its filters."""

    @property
    def line(self) -> int:
        """Its line in the file."""

    @property
    def filters(self) -> Mapping[str, tuple[str, ...]]:
        """Names and globs, by filter."""


def unmatched(shown: str, rows: Iterable[Row], instances: Sequence[Instance]) -> tuple[str, ...]:
    """Return a sentence for each name in the filters that matches no instance: a misspelled name selects nothing.

    ``shown`` is the path of the file. ``instances`` are all listed ones; if there are none, no name is reported. Globs
    may refer to future instances, and are not reported.
    """
    if not instances:
        return ()
    return tuple(
        f"{shown}, line {row.line}: {_sentence(name, pattern, instances)}"
        for row in rows
        for name, patterns in row.filters.items()
        if name in _CLOSED_FILTERS
        for pattern in patterns
        if not is_glob(pattern) and not any(_is_among(name, each, [pattern]) for each in instances)
    )


def _sentence(name: str, pattern: str, instances: Sequence[Instance]) -> str:
    known = dict.fromkeys(value for each in instances for value in _FIELDS[name](each) if value)
    has = "no instance is called" if name == "name" else f"no instance has the {name.replace('_', ' ')}"
    return f"{has} {one_line(pattern)}. {did_you_mean(pattern, known)}".rstrip()


def _is_among(name: str, instance: Instance, patterns: Sequence[str]) -> bool:
    values = [each for each in _FIELDS[name](instance) if each is not None]
    if name == "owner":
        values, patterns = [each.casefold() for each in values], [each.casefold() for each in patterns]
    return any(value == pattern or fnmatchcase(value, pattern) for value in values for pattern in patterns)
