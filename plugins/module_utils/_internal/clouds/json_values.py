# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the values of a JSON row by type. A value of another type is unknown (None), or makes the row unreadable.

Therefore, the parsing of a row stops every value of an unexpected type: a number as a string, an object in place of a
name, a lone surrogate, NaN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..text.terminal import REPLACEMENT
from ..times import moment

Json = Mapping[str, Any]

# Larger JSON numbers are not exact everywhere. No quantity of a cloud is as large.
_LARGEST = 2**53
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_SURROGATES = re.compile("[\ud800-\udfff]")
# A UUID becomes a part of the path of a request.
_UUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}", re.ASCII)
# No cloud is as old as the first year, and a time near the end of year 9999 cannot be converted to another zone.
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


class UnreadableRow(ValueError):
    """A required value of a row is missing, or of another type. The message names the value."""


def text(value: object) -> str | None:
    """Return a string, or a whole number as a string. Lone surrogates, which cannot be encoded, are replaced."""
    if isinstance(value, str):
        return _SURROGATES.sub(REPLACEMENT, value)
    return str(value) if whole(value) is not None else None


def word(value: object) -> str | None:
    """Return the name of a state in lower case, without surrounding blanks; None if it is empty."""
    read = text(value)
    return read.strip().lower() if read else None


def whole(value: object) -> int | None:
    """Return a whole number that is not negative, even if it is a string."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST else None


def figure(value: object) -> float | None:
    """Return a finite number of either sign."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # For an integer too large for a float, abs() works, but math.isfinite() raises.
    return value if abs(value) <= _LARGEST and math.isfinite(value) else None


def amount(value: object) -> float | None:
    """Return a finite number of either sign, even if it is a string."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return figure(float(value))
    return figure(value)


def flaws_of_amounts(row: Json, nouns: Mapping[str, str]) -> tuple[str, ...]:
    """Return a clause for each amount that is not a number. ``nouns``: a plural for each key of an amount."""
    return tuple(
        f"its {noun} are unknown: {describe(row[name])} is not a number"
        for name, noun in nouns.items()
        if row.get(name) is not None and amount(row[name]) is None
    )


def flag(value: object) -> bool | None:
    """Return a Boolean."""
    return value if isinstance(value, bool) else None


def mapping(value: object) -> Json:
    """Return an object; an empty one for any other value."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> list[Json]:
    """Return the objects in a list. Other values are omitted."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def texts(value: object) -> dict[str, str]:
    """Return an object whose values are strings. Other values are omitted."""
    pairs = ((text(key), text(each)) for key, each in mapping(value).items())
    return {key: each for key, each in pairs if key is not None and each is not None}


def uuid_of(row: object, name: str = "uuid") -> str:
    """Return the UUID of a row under the key ``name``. Raises UnreadableRow without a valid one."""
    value = _needed(row, name)
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise UnreadableRow(f"{name} is {describe(value)}")
    return value


def number_of(row: object, name: str = "id") -> int:
    """Return the number of a row under the key ``name``. Raises UnreadableRow without a valid one."""
    value = _needed(row, name)
    read = whole(value)
    if read is None:
        raise UnreadableRow(f"{name} is {describe(value)}")
    return read


def moment_of(row: object, name: str) -> datetime:
    """Return the time under the key ``name``; without a zone, it is UTC. Raises UnreadableRow without a valid one."""
    value = _needed(row, name)
    try:
        read = moment(value)
    except ValueError:
        raise UnreadableRow(f"{name} is {describe(value)}") from None
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        raise UnreadableRow(f"{name} is {describe(value)}")
    return read


def describe(value: object) -> str:
    """Return a short text for a value in a message: the value itself, or its type."""
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            shown = repr(value) if not isinstance(value, int) or abs(value) <= _LARGEST else "a huge number"
        case str():
            shown = repr(text(value))
        case list():
            shown = "a list"
        case _:
            shown = "an object"
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def _needed(row: object, name: str) -> Any:
    if not isinstance(row, Mapping):
        raise UnreadableRow(f"it is {describe(row)}, not an object")
    if name not in row:
        raise UnreadableRow(f"it has no {name}")
    return row[name]
