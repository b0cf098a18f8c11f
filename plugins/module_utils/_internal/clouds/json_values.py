# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a JSON row, by type. A value of another type is not known (None), or makes the row unreadable.

So no value of an unexpected type gets beyond the parsing of a row: a number that is a text, an object in the place of a
name, half of a surrogate pair, NaN.
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

# Beyond this, JSON numbers are not exact everywhere, and no quantity of a cloud is as large.
_LARGEST = 2**53
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_SURROGATES = re.compile("[\ud800-\udfff]")
# It becomes a part of a path of a request.
_UUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}", re.ASCII)
# Clouds are younger than the first, and a time near the end of year 9999 cannot be moved to another zone.
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


class UnreadableRow(ValueError):
    """A required value of a row is missing, or of another type. The message names the value."""


def text(value: object) -> str | None:
    """Return a text, or a whole number as text. Half a surrogate pair, which nothing can write, is replaced."""
    if isinstance(value, str):
        return _SURROGATES.sub(REPLACEMENT, value)
    return str(value) if whole(value) is not None else None


def word(value: object) -> str | None:
    """Return a state's word in lower case."""
    read = text(value)
    return read.strip().lower() if read else None


def whole(value: object) -> int | None:
    """Return a whole number that is not negative, also if it was written as a text."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST else None


def figure(value: object) -> float | None:
    """Return a number that is finite, of either sign."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # For an integer too large for a float, abs() works, but math.isfinite() raises.
    return value if abs(value) <= _LARGEST and math.isfinite(value) else None


def amount(value: object) -> float | None:
    """Return a number that is finite, also if it was written as a text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return figure(float(value))
    return figure(value)


def flaws_of_amounts(row: Json, words: Mapping[str, str]) -> tuple[str, ...]:
    """Return a clause for each value that should be an amount, and is none. ``words`` has the amounts in words."""
    return tuple(
        f"its {called} are unknown: {describe(row[name])} is not a number"
        for name, called in words.items()
        if row.get(name) is not None and amount(row[name]) is None
    )


def flag(value: object) -> bool | None:
    """Return a truth value."""
    return value if isinstance(value, bool) else None


def mapping(value: object) -> Json:
    """Return an object; an empty one if the value is something else."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> list[Json]:
    """Return the objects of a list. Other values are left out."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def texts(value: object) -> dict[str, str]:
    """Return an object of texts. Other values are left out."""
    pairs = ((text(key), text(each)) for key, each in mapping(value).items())
    return {key: each for key, each in pairs if key is not None and each is not None}


def uuid_of(row: object, name: str = "uuid") -> str:
    """Return the UUID of a row. Raises UnreadableRow if there is none."""
    value = _needed(row, name)
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise UnreadableRow(f"{name} is {describe(value)}")
    return value


def number_of(row: object, name: str = "id") -> int:
    """Return the number of a row. Raises UnreadableRow if there is none."""
    value = _needed(row, name)
    read = whole(value)
    if read is None:
        raise UnreadableRow(f"{name} is {describe(value)}")
    return read


def moment_of(row: object, name: str) -> datetime:
    """Return a time of a row. One without a zone is UTC. Raises UnreadableRow if it is none."""
    value = _needed(row, name)
    try:
        read = moment(value)
    except ValueError:
        raise UnreadableRow(f"{name} is {describe(value)}") from None
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        raise UnreadableRow(f"{name} is {describe(value)}")
    return read


def describe(value: object) -> str:
    """Return a value, or its type if it is long, as a message calls it."""
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
