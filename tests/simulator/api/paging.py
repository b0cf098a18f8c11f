# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of v2's lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from .exchange import Request, detail

Thing = TypeVar("Thing")

DEFAULT_SIZE, LARGEST = 100, 1000


def page_of(request: Request, things: Sequence[Thing], shape: Callable[[Thing], Any]) -> dict[str, Any]:
    """Return the page that was asked for. Raises Refusal if there is no such page."""
    size = _size(request.query.get("page_size"))
    return _page(request, things, shape, size)


def v1_page_of(request: Request, things: Sequence[Thing], shape: Callable[[Thing], Any], size: int) -> dict[str, Any]:
    """Return a page whose size cannot be chosen. Raises Refusal if there is no such page."""
    return _page(request, things, shape, size)


def _page(request: Request, things: Sequence[Thing], shape: Callable[[Thing], Any], size: int) -> dict[str, Any]:
    last = max(1, math.ceil(len(things) / size))
    number = _number(request.query.get("page", "1"), last)
    return {
        "count": len(things),
        "next": _link(request, number + 1) if number < last else None,
        "previous": _link(request, number - 1) if number > 1 else None,
        "results": [shape(thing) for thing in things[(number - 1) * size : number * size]],
    }


def _size(text: str | None) -> int:
    try:
        size = int(text or "")
    except ValueError:
        return DEFAULT_SIZE
    return min(size, LARGEST) if size > 0 else DEFAULT_SIZE


def _number(text: str, last: int) -> int:
    if text == "last":
        return last
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= last:
        raise detail(404, "Invalid page.")
    return number


def _link(request: Request, number: int) -> str:
    query = {**request.query, "page": str(number)}
    if number == 1:
        # The first page's address does not name it.
        del query["page"]
    path = request.absolute(request.path + request.suffix)
    return f"{path}?{urlencode(sorted(query.items()))}" if query else path
