# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The histories of instances: v2's of their states, v1's of the instances themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..world.records import Instance, Period
from . import shapes_v1, shapes_v2
from .exchange import Request, Response, ServerError, not_found
from .paging import page_of, v1_page_of

_PAGE_SIZE = 20
Rows = list[tuple[Instance, Period]]


def list_histories(request: Request) -> Response:
    """GET /instance_histories. Without a user it is empty; no parameter narrows it by time or state."""
    shapes = shapes_v2.Shapes(request)
    return Response(page_of(request, _ordered(request, _wanted(request)), lambda row: shapes.period(*row)))


def show_history(request: Request) -> Response:
    """GET /instance_histories/<number or uuid>."""
    key = request.names["key"]
    for instance, period in _own(request):
        if (str(period.id) if key.isdecimal() else period.uuid) == key:
            return Response(shapes_v2.Shapes(request).period(instance, period))
    raise not_found()


def _own(request: Request) -> Rows:
    """Return the rows of all instances that the user created, those of others in the same group not among them."""
    return [
        (instance, period)
        for instance in request.world.instances
        if instance.user is request.user
        for period in instance.history
    ]


def _wanted(request: Request) -> Rows:
    wanted, creator = request.query.get("instance"), request.query.get("created_by")
    return [
        (instance, period)
        for instance, period in _own(request)
        if wanted in (None, instance.uuid, str(instance.id)) and creator in (None, instance.user.username)
    ]


def _ordered(request: Request, rows: Rows) -> Rows:
    """Return rows in order: the newest instance first. Within one instance there is none."""
    ordering = request.query.get("ordering")
    if ordering in ("instance__id", "-instance__id"):
        return sorted(rows, key=lambda row: row[0].id, reverse=ordering.startswith("-"))
    rows = sorted(rows, key=lambda row: (-row[0].start_date.timestamp(), row[0].id))
    if request.query.get("unique") != "true":
        return rows
    # One for each date that an instance began at, also where several began at the same.
    return list({row[0].start_date: row for row in reversed(rows)}.values())[::-1]


def list_instance_history(request: Request) -> Response:
    """GET v1's /instance_history: all instances there ever were; in pages only if one is named."""
    rows = _sorted(
        request, _narrowed(request.query, (row for row in request.world.instances if row.user is request.user))
    )
    if "page" not in request.query:
        return Response([shapes_v1.instance_in_history(row) for row in rows])
    size = request.query.get("page_size", "")
    return Response(
        v1_page_of(request, rows, shapes_v1.instance_in_history, size=int(size) if size.isdecimal() else _PAGE_SIZE)
    )


def _narrowed(query: Mapping[str, str], rows: Iterable[Instance]) -> list[Instance]:
    begun, ended = _date(query.get("start_date")), _date(query.get("end_date"))
    return [
        row
        for row in rows
        if (begun is None or row.start_date > begun)
        and (ended is None or row.end_date is None or row.end_date < ended)
        and query.get("alias", "") in row.uuid
        and query.get("ip_address", "") in row.ip_address
    ]


def _sorted(request: Request, rows: list[Instance]) -> list[Instance]:
    """Return rows as the database happens to have them, or in the order asked for: then equal ones come backwards."""
    stored = request.world.stored_order
    rows.sort(key=lambda row: stored.get(row.uuid, row.id))
    name = request.query.get("sort_by")
    if name in ("start_date", "end_date", "name", "ip_address"):
        rows.reverse()
        rows.sort(key=lambda row: _key(getattr(row, name)), reverse=request.query.get("order_by") == "desc")
    return rows


def _key(value: Any) -> tuple[bool, Any]:
    return value is None, value


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError as problem:
        raise ServerError from problem
    return date if date.tzinfo else date.replace(tzinfo=UTC)
