# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads objects and lists of the services of one OpenStack, and sends changes to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ...errors import FATAL_ERRORS, JetstreamError, UnexpectedResponse
from ..json_values import Json, mapping, rows, text
from .login import Session
from .responses import raise_for_status

# The first version of nova's API with the reason of a lock. Every nova since 2019 has it.
COMPUTE = "2.73"
_PAGE = 1000
# A longer list is refused.
_MAX_ROWS = 100_000


class Api:
    """The services of one cloud. Every method raises the error of a response that is none of success."""

    def __init__(self, session: Session) -> None:
        """Send nothing yet."""
        self._session = session

    @property
    def deadline(self) -> float:
        """The time of the clock's ``monotonic()`` by which every request has to end, or infinity."""
        return self._session.deadline

    def get(self, service: str, path: str, task: str, microversion: str | None = None) -> Any:
        """Return the body of a response to a GET. ``task``: what it is for, as messages call it."""
        return raise_for_status(self._session.request("GET", service, path, microversion=microversion), task)

    def quota(self, service: str, path: str) -> Json:
        """Return the limits of a service; none if they cannot be read: then the service itself compares with them."""
        try:
            return mapping(self.get(service, path, "Reading the quota", COMPUTE if service == "compute" else None))
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return {}

    def send(
        self, method: str, service: str, path: str, task: str, data: Json | None = None, *, once: bool = False
    ) -> Any:
        """Send a change, and return the body of the response. ``once``: it must not be carried out twice."""
        microversion = COMPUTE if service == "compute" else None
        reply = self._session.request(method, service, path, data=data, microversion=microversion, once=once)
        return raise_for_status(reply, task)

    def patch(self, service: str, path: str, task: str, patch: Sequence[Json], content_type: str) -> Any:
        """Send a list of changes of an object, as JSON of that type, and return the body of the response."""
        reply = self._session.request("PATCH", service, path, data=patch, content_type=content_type)
        return raise_for_status(reply, task)

    def rows(
        self,
        service: str,
        path: str,
        key: str,
        task: str,
        query: Mapping[str, str] | None = None,
        *,
        microversion: str | None = None,
        links: str | None = None,
        marker: str = "id",
        inner: str | None = None,
    ) -> list[Json]:
        """Return all rows of a list. A service may limit the page; a link leads to the next one.

        ``links`` is the key of the links, and ``marker`` that of the value that requests the next page. ``inner`` is
        the key under which each row has its values.
        """
        found: list[Json] = []
        last: dict[str, str] = {}
        while True:
            asked = urlencode({**(query or {}), "limit": str(_PAGE), **last})
            body = mapping(self.get(service, f"{path}?{asked}", task, microversion))
            page = body.get(key)
            if not isinstance(page, list):
                raise UnexpectedResponse(f"{task} failed: the response is not a page of a list.")
            page = page if inner is None else [mapping(row).get(inner) for row in page]
            found += page
            if not page or not _leads_on(body.get(links or f"{key}_links")):
                return found
            # An empty marker would request the first page again.
            markers = [name for row in page if (name := text(mapping(row).get(marker)))]
            seen, last = last, {"marker": markers[-1] if markers else ""}
            if not markers or last == seen or len(found) > _MAX_ROWS:
                raise UnexpectedResponse(f"{task} failed: the list has no last page.")


def rows_in(body: object, key: str, task: str) -> list[Json]:
    """Return the rows of a list that comes as a whole. Raises UnexpectedResponse if a body has none."""
    page = mapping(body).get(key)
    if not isinstance(page, list):
        raise UnexpectedResponse(f"{task} failed: the response has no list of {key.replace('_', ' ')}.")
    return rows(page)


def object_in(body: object, key: str, task: str) -> Json:
    """Return the object of a body. Raises UnexpectedResponse if it has none: what was not read must not seem gone."""
    found = mapping(body).get(key)
    if not isinstance(found, Mapping):
        raise UnexpectedResponse(f"{task} failed: the response has no {key.replace('_', ' ')}.")
    return mapping(found)


def _leads_on(links: object) -> bool:
    """Return whether a page has a link to the next one. Neutron also links to the one before."""
    if not isinstance(links, list):
        return bool(links)
    return any(mapping(each).get("rel", "next") == "next" for each in links)
