# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Confines the error of one instance, or of one poll, so that the work on the others continues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from ..cloud import Cloud
from ..errors import FATAL_ERRORS, BugFound, JetstreamError, NotFound
from ..model import Instance
from ..parallel import in_parallel


class Endable(Protocol):
    """The work on one instance."""

    def finish(self, message: str, *, failed: bool = False) -> None:
        """End it, with a message for people."""


@contextmanager
def failing_alone(run: Endable) -> Iterator[None]:
    """Fail the work on one instance by an error in the ``with`` block. Raises FATAL_ERRORS, which end the whole run."""
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
    """Poll, and return the observations by uuid. A failed poll fails for each instance. Raises FATAL_ERRORS."""
    try:
        return cloud.poll(instances, thorough=thorough)
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        return dict.fromkeys((each.uuid for each in instances), error)


def poll_and_confirm(
    cloud: Cloud, instances: Sequence[Instance], *, thorough: bool = False
) -> Mapping[str, Instance | JetstreamError]:
    """Poll like ``poll_or_errors``, and read each instance that a list lacks once more.

    A list may lack a row once, and once an instance is gone, its volumes and addresses are deleted. Raises
    FATAL_ERRORS.
    """
    seen = poll_or_errors(cloud, instances, thorough=thorough)
    if cloud.polls_are_current:
        return seen
    missing = [each for each in instances if each.status != "missing" and _is_missing(seen.get(each.uuid))]
    found = in_parallel(lambda each: _read_or_error(cloud, each), missing, cloud.max_concurrency)
    return {**seen, **{each.uuid: look for each, look in zip(missing, found, strict=True)}}


def _is_missing(seen: Instance | JetstreamError | None) -> bool:
    return isinstance(seen, Instance) and seen.status == "missing"


def _read_or_error(cloud: Cloud, instance: Instance) -> Instance | JetstreamError:
    try:
        return cloud.get_instance(instance)
    except NotFound:
        return instance.gone()
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        return error
