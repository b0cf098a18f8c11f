# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads several lists in parallel. A list that cannot be read becomes a warning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..errors import FATAL_ERRORS, JetstreamError
from ..parallel import in_parallel
from .row_lists import Warnings

Made = TypeVar("Made")
# A function that reads one list, and a sentence on the missing data if it fails.
Part = tuple[Callable[[], Made], str]


def read_parts(
    parts: Sequence[Part[Made]], warnings: Warnings, max_concurrency: int, *, optional: bool = False
) -> list[Made | None]:
    """Return the results in the order of the parts. A part that fails is None, and adds a warning.

    Raises FATAL_ERRORS. Raises the first error if all parts fail, unless they are ``optional``.
    """

    def attempt(part: Part[Made]) -> Made | JetstreamError:
        try:
            return part[0]()
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            return error

    found = in_parallel(attempt, parts, max_concurrency)
    errors = [each for each in found if isinstance(each, JetstreamError)]
    if errors and len(errors) == len(found) and not optional:
        raise errors[0]
    for (_read, missing), each in zip(parts, found, strict=True):
        if isinstance(each, JetstreamError):
            warnings.add(f"{each} {missing}")
    return [None if isinstance(each, JetstreamError) else each for each in found]
