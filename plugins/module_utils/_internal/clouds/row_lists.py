# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of rows of which some cannot be read: the others are served, and a warning names those that are left out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..errors import UnexpectedResponse
from ..text.terminal import one_line, shorten
from .json_values import Json, UnreadableRow, mapping, text, whole

Made = TypeVar("Made")

# More rows than these of one list are counted, and not described.
_DESCRIBED = 3


class Warnings:
    """Sentences about unreadable parts of responses. Many threads may add to it."""

    def __init__(self) -> None:
        """Begin without any."""
        self._sentences: dict[str, None] = {}
        self._lock = threading.Lock()

    def add(self, sentence: str) -> None:
        """Keep a sentence, once."""
        with self._lock:
            self._sentences[sentence] = None

    def take(self) -> tuple[str, ...]:
        """Return the sentences since the last time, in order."""
        with self._lock:
            sentences = tuple(self._sentences)
            self._sentences.clear()
        return sentences


@dataclass(slots=True)
class Reading(Generic[Made]):
    """The readable rows of a list, which may come in several pages, and a description of each of the others.

    ``left_out`` has these rows themselves, each with the reason.
    """

    made: list[Made] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    left_out: list[tuple[Json, str]] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[Json], shape: Callable[[Json], Made]) -> Reading[Made]:
        """Read rows by a function that raises UnreadableRow for a row that cannot be read."""
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
        """Whether every row could be read."""
        return not self.unreadable

    def checked(self, task: str, warnings: Warnings) -> list[Made]:
        """Return the readable ones, and warn of the others.

        Raises UnexpectedResponse if none could be read: something else answers in the place of the API.
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
    """Return name and number of a row, as far as it has them."""
    name, number = text(mapping(row).get("name")), whole(mapping(row).get("id"))
    words = [*([shorten(one_line(name), 60)] if name else []), *([f"({number})"] if number is not None else [])]
    return f"{' '.join(words)}: " if words else ""
