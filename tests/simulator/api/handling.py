# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Atmosphere's own steps from a request to a response, in their order. Nothing here waits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.routing import compile_path

from ..settings import Settings
from ..world.state import World
from . import auth, pages
from .exchange import Refusal, Request, Response, ServerError, detail
from .negotiation import HTML, JSON, NotAcceptable, wants_json
from .resources import RESOURCES, Access, Resource
from .views_v2 import forbidden

_PATTERNS = [(compile_path(resource.path)[0], resource) for resource in RESOURCES]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True)
class RawRequest:
    """A request, as the server received it."""

    method: str
    scheme: str
    host: str
    path: str
    query_string: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def full_path(self) -> str:
        """Return the path with the query."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path


@dataclass(frozen=True)
class RawResponse:
    """A response that is ready to be sent. ``cost``: the seconds that the server would have needed for it."""

    status: int
    body: bytes
    content_type: str | None
    headers: list[tuple[str, str]] = field(default_factory=list)
    cost: float = 0.0


def handle(world: World, raw: RawRequest) -> RawResponse:
    """Return the response to a request."""
    with world.lock:
        world.settle()
        path, suffix = _without_suffix(raw.path)
        found = _match(path)
        if found is None:
            return _elsewhere(raw)
        resource, names = found
        request = Request(
            world=world,
            method=raw.method,
            path=path,
            base_url=f"{raw.scheme}://{raw.host}",
            query=raw.query,
            headers=raw.headers,
            body=raw.body,
            names=names,
            suffix=suffix,
        )
        return _reply(request, resource, raw)


def _without_suffix(path: str) -> tuple[str, str]:
    bare = path.removesuffix(".json")
    return (bare, ".json") if bare != path else (path, "")


def _match(path: str) -> tuple[Resource, Mapping[str, str]] | None:
    # Paths without a version are v2.
    path = re.sub(r"^/api/(?!v\d+(/|$))", "/api/v2/", path)
    for pattern, resource in _PATTERNS:
        match = pattern.match(path)
        if match:
            return resource, match.groupdict()
    return None


def _elsewhere(raw: RawRequest) -> RawResponse:
    """Redirect paths that end with a slash to https, as Atmosphere does, even from https."""
    bare = raw.path.rstrip("/")
    if bare != raw.path and _match(bare):
        query = f"?{raw.query_string}" if raw.query_string else ""
        location = f"https://{raw.host}{bare}{query}"
        return RawResponse(302, b"", HTML, [("location", location)])
    return RawResponse(404, pages.UNKNOWN.encode(), HTML)


def _reply(request: Request, resource: Resource, raw: RawRequest) -> RawResponse:
    try:
        as_json = wants_json(request.headers.get("accept"), request.query, request.suffix)
    except NotAcceptable:
        body = {"detail": "Could not satisfy the request Accept header."}
        return _rendered(resource, 406, body, [("allow", resource.allow)], as_json=False)
    key = f"{as_json} {raw.full_path}"
    if resource.cached and request.method in ("GET", "HEAD"):
        until, reply = request.world.page_cache.get(key, (request.world.now(), None))
        if request.world.now() < until and isinstance(reply, RawResponse):
            return reply
    try:
        answer = _answer(request, resource)
    except Refusal as refusal:
        return _rendered(resource, refusal.status, refusal.body, [("allow", resource.allow)], as_json=as_json)
    except ServerError:
        return RawResponse(500, pages.BROKEN.encode(), HTML)
    headers = [("allow", resource.allow), *answer.headers]
    if resource.cached and request.method in ("GET", "HEAD"):
        headers += _cache_headers(request.world)
    reply = _rendered(
        resource, answer.status, answer.data, headers, as_json=as_json, cost=_cost(request, resource, answer)
    )
    if resource.cached and request.method in ("GET", "HEAD"):
        _keep(request.world, key, reply)
    return reply


def _answer(request: Request, resource: Resource) -> Response:
    """Make Atmosphere's checks of a request, in their order, and call the view."""
    if resource.is_v2 and resource.access is not Access.ALWAYS:
        _require_open(request)
    auth.identify(request)
    _require_access(request, resource)
    if resource.is_v1:
        _require_open(request)
    method = "GET" if request.method == "HEAD" else request.method
    view = resource.views.get(method)
    if view is not None:
        return view(request)
    if method == "OPTIONS":
        return Response(_options(resource))
    if method in _METHODS and method in resource.allow:
        raise detail(501, f"The simulator does not do {method} here.")
    raise detail(405, f'Method "{request.method}" not allowed.')


def _require_open(request: Request) -> None:
    """Raise Refusal during maintenance. Maintenance of a provider has no effect."""
    if request.user is not None and request.user.username in request.world.settings.maintenance_exempt:
        return
    now = request.world.now()
    records = [each for each in request.world.maintenance if each.provider is None and each.active(now)]
    if records:
        raise detail(503, " | ".join(f"{each.title}: {each.message}" for each in records))


def _require_access(request: Request, resource: Resource) -> None:
    user = request.user
    if user is None:
        if resource.access in (Access.LOGIN, Access.STAFF):
            raise auth.not_logged_in()
        return
    if resource.is_v2 and user.end_date is not None and user.end_date <= request.world.now():
        raise auth.account_disabled()
    if resource.access is Access.STAFF and not user.is_staff:
        raise forbidden()


def _options(resource: Resource) -> dict[str, Any]:
    return {
        "name": resource.title,
        "description": "",
        "renders": ["text/html", "application/json"],
        "parses": ["application/json", "application/x-www-form-urlencoded"],
    }


def _rendered(
    resource: Resource,
    status: int,
    data: Any,
    headers: list[tuple[str, str]],
    *,
    as_json: bool,
    cost: float = 0.0,
) -> RawResponse:
    if status == 204:
        return RawResponse(status, b"", None, headers, cost)
    if as_json:
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        return RawResponse(status, text.encode(), JSON, headers, cost)
    if not any(name == "set-cookie" for name, _value in headers):
        headers = [*headers, auth.form_cookie()]
    page = pages.browsable(f"{resource.title} \N{EN DASH} Django REST framework", status, data)
    return RawResponse(status, page.encode(), HTML, headers, cost)


def _cost(request: Request, resource: Resource, answer: Response) -> float:
    settings: Settings = request.world.settings
    if resource.path.endswith("}"):
        return answer.instances * settings.detail_cost
    return answer.instances * (settings.v1_list_cost if resource.is_v1 else settings.v2_list_cost)


def _cache_headers(world: World) -> list[tuple[str, str]]:
    seconds = world.settings.detail_cache
    expires = http_date(world.now() + timedelta(seconds=seconds))
    return [("cache-control", f"no-cache, max-age={seconds:.0f}"), ("expires", expires)]


def _keep(world: World, key: str, reply: RawResponse) -> None:
    """Put a response into the page cache: later requests get it at no cost, with or without a token."""
    until = world.now() + timedelta(seconds=world.settings.detail_cache)
    kept = RawResponse(reply.status, reply.body, reply.content_type, reply.headers)
    world.page_cache[key] = (until, kept)


def http_date(moment: datetime) -> str:
    """Return a date in the form of HTTP."""
    return format_datetime(moment, usegmt=True)
