# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the error of one instance, or of one poll, from ending the work on the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from ..cloud import Cloud
from ..errors import FATAL_ERRORS, BugFound, JetstreamError
from ..model import Instance


class Endable(Protocol):
    """The work on one instance."""

    def finish(self, message: str, *, failed: bool = False) -> None:
        """End it, with a message for people."""


@contextmanager
def failing_alone(run: Endable) -> Iterator[None]:
    """Fail the work on one instance by an error in the ``with`` block. Raises FATAL_ERRORS, which end all of it."""
    try:
        yield
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        run.finish(str(error), failed=True)
    except Exception as error:
        run.finish(str(BugFound(error)), failed=True)


def poll_or_errors(
    cloud: Cloud, instances: Sequence[Instance], *, thorough: bool = False
) -> Mapping[str, Instance | JetstreamError]:
    """Poll, and return the observations by uuid. A poll that fails as a whole fails for each. Raises FATAL_ERRORS."""
    try:
        return cloud.poll(instances, thorough=thorough)
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        return dict.fromkeys((each.uuid for each in instances), error)
