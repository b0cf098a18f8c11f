# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The natural order of names: base-2 before base-10."""

from __future__ import annotations

import re

_DIGITS = re.compile("([0-9]+)")
NaturalKey = tuple[tuple[tuple[int, str], ...], str]


def natural_key(name: str) -> NaturalKey:
    """Return a sort key that compares numbers in names by value, and letters case-insensitively.

    Names that differ only in case or leading zeros are ordered by their characters.
    """
    parts = _DIGITS.split(name.casefold())
    # Text and digits alternate. More digits make a greater number, so no int of arbitrary size is needed.
    return tuple(_number_key(part) if index % 2 else (0, part) for index, part in enumerate(parts)), name


def _number_key(digits: str) -> tuple[int, str]:
    significant = digits.lstrip("0")
    return len(significant), significant
