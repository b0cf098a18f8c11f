# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads several lists side by side, of which some may be missing in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..errors import FATAL_ERRORS, JetstreamError
from ..parallel import in_parallel
from .row_lists import Warnings

Made = TypeVar("Made")
# A request, and a sentence about what is missing if it fails.
Part = tuple[Callable[[], Made], str]


def read_parts(
    parts: Sequence[Part[Made]], warnings: Warnings, max_concurrency: int, *, optional: bool = False
) -> list[Made | None]:
    """Return what the requests return. What cannot be read is None, and a warning.

    Raises an error that ends a run, and the first one if nothing can be read, unless all of it is ``optional``.
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
