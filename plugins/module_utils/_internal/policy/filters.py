# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters by which a row of a file of schedules selects instances. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from ..fleet.selection import INSTANCE_FIELDS
from ..model import Instance

RULE_FILTERS = ("name", "project", "flavor", "owner", "allocation_source")
_FIELDS = {"name": lambda each: [each.name], **INSTANCE_FIELDS}


def passes(filters: Mapping[str, Sequence[str]], instance: Instance) -> bool:
    """Return whether an instance passes every filter. A filter has names and globs, one of which has to fit."""
    return all(_is_among(name, instance, patterns) for name, patterns in filters.items())


def _is_among(name: str, instance: Instance, patterns: Sequence[str]) -> bool:
    values = [each for each in _FIELDS[name](instance) if each is not None]
    if name == "owner":
        values, patterns = [each.casefold() for each in values], [each.casefold() for each in patterns]
    return any(value == pattern or fnmatchcase(value, pattern) for value in values for pattern in patterns)
