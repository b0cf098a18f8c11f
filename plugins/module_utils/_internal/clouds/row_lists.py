# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads lists with unreadable rows: returns the readable rows, and warns of the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..errors import UnexpectedResponse
from ..text.terminal import one_line, shorten
from .json_values import Json, UnreadableRow, mapping, text, whole

Made = TypeVar("Made")

# The number of unreadable rows of a list that warnings describe. The others are only counted.
_DESCRIBED = 3


class Warnings:
    """Collects sentences about unreadable parts of responses. May be used by many threads at once."""

    def __init__(self) -> None:
        """Begin without sentences."""
        self._sentences: dict[str, None] = {}
        self._lock = threading.Lock()

    def add(self, sentence: str) -> None:
        """Add a sentence, unless it is there already."""
        with self._lock:
            self._sentences[sentence] = None

    def take(self) -> tuple[str, ...]:
        """Return the sentences that were added since the last call, in order."""
        with self._lock:
            sentences = tuple(self._sentences)
            self._sentences.clear()
        return sentences


@dataclass(slots=True)
class Reading(Generic[Made]):
    """The result of reading a list, which may have several pages.

    ``made``: the objects of the readable rows. ``unreadable``: a clause for each other row. ``left_out``: these rows
    themselves, each with the reason.
    """

    made: list[Made] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    left_out: list[tuple[Json, str]] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[Json], shape: Callable[[Json], Made]) -> Reading[Made]:
        """Read rows by ``shape``, which raises UnreadableRow for an unreadable row."""
        reading = cls()
        for row in rows:
            try:
                reading.made.append(shape(row))
            except UnreadableRow as error:
                reading.unreadable.append(f"{_label(row)}{error}")
                left_out = (mapping(row), str(error))
                if left_out not in reading.left_out:
                    # Pages may overlap.
                    reading.left_out.append(left_out)
        return reading

    @property
    def is_complete(self) -> bool:
        """Whether all rows were readable."""
        return not self.unreadable

    def checked(self, task: str, warnings: Warnings) -> list[Made]:
        """Return the objects of the readable rows, and warn of the others. ``task`` begins each message.

        Raises UnexpectedResponse if no row was readable: probably, the response is not one of the API.
        """
        if self.unreadable and not self.made:
            raise UnexpectedResponse(f"{task} failed: no row of the response can be parsed: {self.unreadable[0]}.")
        for each in self.unreadable[:_DESCRIBED]:
            warnings.add(f"{task}: skipped a row that cannot be parsed: {each}.")
        if len(self.unreadable) > _DESCRIBED:
            more = len(self.unreadable) - _DESCRIBED
            warnings.add(f"{task}: skipped {more} more rows that cannot be parsed.")
        return self.made


def _label(row: Json) -> str:
    """Return the prefix of a clause about a row: its known name and number, or ""."""
    name, number = text(mapping(row).get("name")), whole(mapping(row).get("id"))
    words = [*([shorten(one_line(name), 60)] if name else []), *([f"({number})"] if number is not None else [])]
    return f"{' '.join(words)}: " if words else ""
