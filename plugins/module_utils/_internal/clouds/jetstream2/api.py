# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads objects and lists from the services of an OpenStack cloud, and sends changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ...errors import FATAL_ERRORS, JetstreamError, UnexpectedResponse
from ..json_values import Json, mapping, rows, text
from .login import Session
from .responses import raise_for_status

# The first microversion of nova with the reason of a lock. Releases since 2019 have it.
COMPUTE = "2.73"
_PAGE = 1000
# A longer list is refused.
_MAX_ROWS = 100_000


class Api:
    """The services of one cloud. Every method may raise any JetstreamError.

    ``service``: the type of a service in the catalog. ``task`` begins the messages of errors.
    """

    def __init__(self, session: Session) -> None:
        """Send nothing yet."""
        self._session = session

    @property
    def deadline(self) -> float:
        """The deadline of all requests, as a time of the clock's ``monotonic()``; infinity without one."""
        return self._session.deadline

    def get(self, service: str, path: str, task: str, microversion: str | None = None) -> Any:
        """Return the body of the response to a GET."""
        return raise_for_status(self._session.request("GET", service, path, microversion=microversion), task)

    def quota(self, service: str, path: str) -> Json:
        """Return the limits of a service; {} if they cannot be read: the service itself then enforces them."""
        try:
            return mapping(self.get(service, path, "Reading the quota", COMPUTE if service == "compute" else None))
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return {}

    def send(
        self, method: str, service: str, path: str, task: str, data: Json | None = None, *, once: bool = False
    ) -> Any:
        """Send a change, and return the body of the response. ``once``: see Transport."""
        microversion = COMPUTE if service == "compute" else None
        reply = self._session.request(method, service, path, data=data, microversion=microversion, once=once)
        return raise_for_status(reply, task)

    def patch(self, service: str, path: str, task: str, patch: Sequence[Json], content_type: str) -> Any:
        """Send a JSON patch with this ``Content-Type``, and return the body of the response."""
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
        """Return all rows of a list, of all its pages.

        ``key``: the key of the rows. ``links``: the key of the links to other pages, ``{key}_links`` by default.
        ``marker``: the key of the value in a page's last row that requests the next page. ``inner``: the key of the
        values within each row. Raises UnexpectedResponse for a list without an end.
        """
        found: list[Json] = []
        last: dict[str, str] = {}
        while True:
            parameters = urlencode({**(query or {}), "limit": str(_PAGE), **last})
            body = mapping(self.get(service, f"{path}?{parameters}", task, microversion))
            page = body.get(key)
            if not isinstance(page, list):
                raise UnexpectedResponse(f"{task} failed: the response is not a page of a list.")
            page = page if inner is None else [mapping(row).get(inner) for row in page]
            found += page
            if not page or not _has_next(body.get(links or f"{key}_links")):
                return found
            # An empty marker would request the first page again.
            markers = [name for row in page if (name := text(mapping(row).get(marker)))]
            seen, last = last, {"marker": markers[-1] if markers else ""}
            if not markers or last == seen or len(found) > _MAX_ROWS:
                raise UnexpectedResponse(f"{task} failed: the list has no last page.")


def rows_in(body: object, key: str, task: str) -> list[Json]:
    """Return the rows of a list without pages. Raises UnexpectedResponse if the body has no list under the key."""
    page = mapping(body).get(key)
    if not isinstance(page, list):
        raise UnexpectedResponse(f"{task} failed: the response has no list of {key.replace('_', ' ')}.")
    return rows(page)


def object_in(body: object, key: str, task: str) -> Json:
    """Return the object in a body. Raises UnexpectedResponse without one.

    An empty object in its place would make the caller believe that the thing is gone.
    """
    found = mapping(body).get(key)
    if not isinstance(found, Mapping):
        raise UnexpectedResponse(f"{task} failed: the response has no {key.replace('_', ' ')}.")
    return mapping(found)


def _has_next(links: object) -> bool:
    """Return whether a page has a link to the next page. Neutron also links to the previous one."""
    if not isinstance(links, list):
        return bool(links)
    return any(mapping(each).get("rel", "next") == "next" for each in links)
