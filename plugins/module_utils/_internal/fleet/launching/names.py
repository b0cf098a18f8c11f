# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of instances to launch: single names, and numbered names of a template. Pure functions.

Numbers are stable: an instance keeps its number while it exists. The lowest free numbers are filled first, and the
highest are removed first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ...errors import ConfigurationError
from ...text.taken import LONGEST_TEXT, NAME_HINT, is_name

_PLACE = re.compile(r"\{number(?::0?([0-9]))?\}")


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A name with a placeholder for a number, such as ``node-{number:02}``. ``width``: the minimum number of digits."""

    text: str
    prefix: str
    suffix: str
    width: int

    @classmethod
    def parse(cls, text: str) -> NameTemplate:
        """Parse a template. A name without a placeholder gets the number at its end, after a hyphen.

        Raises ConfigurationError for more than one placeholder, or a name that is too long for a mark.
        """
        template = cls._parsed(text)
        if len(template.text) > LONGEST_TEXT:
            raise ConfigurationError(
                f"name: the template has {len(template.text)} characters, and must have at most {LONGEST_TEXT}.",
                hint="Instances are marked with it, in their metadata, whose values may not be longer.",
            )
        return template

    @classmethod
    def _parsed(cls, text: str) -> NameTemplate:
        places = list(_PLACE.finditer(text))
        if len(places) > 1:
            raise ConfigurationError(f"name: {text} has more than one placeholder for a number.")
        if not places:
            _require_no_braces(text)
            return cls(f"{text}-{{number}}", f"{text}-", "", 1)
        [place] = places
        prefix, suffix = text[: place.start()], text[place.end() :]
        _require_no_braces(prefix + suffix)
        return cls(text, prefix, suffix, int(place.group(1) or 1))

    def name(self, number: int) -> str:
        """Return the name for a number."""
        return f"{self.prefix}{number:0{self.width}d}{self.suffix}"

    def number(self, name: str) -> int | None:
        """Return the number in a name, or None if the name does not match the template."""
        digits = name.removeprefix(self.prefix)
        digits = digits.removesuffix(self.suffix) if self.suffix else digits
        if not re.fullmatch("[0-9]{1,9}", digits) or int(digits) < 1:
            return None
        return int(digits) if self.name(int(digits)) == name else None


def is_template(text: str) -> bool:
    """Return whether a name has a placeholder for a number."""
    return _PLACE.search(text) is not None


def numbered_names(template: NameTemplate, count: int, taken: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names of ``count`` instances, lowest numbers first, and the surplus names, highest numbers first.

    ``taken``: the names of all existing instances. Existing names of the template come first, then free numbers.
    """
    numbers = sorted({number for name in taken if (number := template.number(name)) is not None})
    kept, surplus = numbers[:count], numbers[count:]
    free = _free_numbers(count - len(kept), set(numbers))
    return [template.name(each) for each in sorted([*kept, *free])], [template.name(each) for each in reversed(surplus)]


def _free_numbers(count: int, taken: Collection[int]) -> list[int]:
    found: list[int] = []
    number = 1
    while len(found) < count:
        if number not in taken:
            found.append(number)
        number += 1
    return found


def require_names(names: Sequence[str]) -> None:
    """Raise ConfigurationError for a name that a cloud refuses, or that is given twice."""
    for name in names:
        if not is_name(name):
            raise ConfigurationError(f"name: {name!r} is not a valid name of an instance.", hint=NAME_HINT)
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise ConfigurationError(f"names: {', '.join(twice)} is listed more than once.")


def _require_no_braces(text: str) -> None:
    if "{" in text or "}" in text:
        raise ConfigurationError(
            f"name: {text} contains a brace that is not a placeholder for a number.",
            hint="Write {number}, or {number:02} for at least two digits.",
        )
