# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads many instances in parallel, each by one request. A fatal error does not discard the finished reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import FATAL_ERRORS, JetstreamError
from ..model import Instance
from ..parallel import in_parallel

Seen = dict[str, Instance | JetstreamError]


def read_each(read: Callable[[Instance], Instance], instances: Sequence[Instance], max_concurrency: int) -> Seen:
    """Return, by uuid, each instance as read, or the error of its read.

    After the first of FATAL_ERRORS, no further reads begin: the remaining instances get the same error.
    """
    fatal: list[JetstreamError] = []

    def read_one(instance: Instance) -> Instance | JetstreamError:
        if fatal:
            return fatal[0]
        try:
            return read(instance)
        except FATAL_ERRORS as error:
            fatal.append(error)
            return error
        except JetstreamError as error:
            return error

    results = in_parallel(read_one, instances, max_concurrency)
    return {each.uuid: result for each, result in zip(instances, results, strict=True)}


def checked(seen: Seen) -> Seen:
    """Return the observations. If all of them are errors, and the first is one of FATAL_ERRORS, raises that."""
    results = list(seen.values())
    if results and isinstance(results[0], FATAL_ERRORS) and all(isinstance(each, JetstreamError) for each in results):
        raise results[0]
    return seen
