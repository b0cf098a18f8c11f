# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2: the database."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from ..world.records import AllocationSource, Instance, Project, Provider, Volume
from . import shapes_v2
from .actions import perform
from .dates import iso
from .exchange import Request, Response, ServerError, detail, not_found
from .offered import ALL_ACTIONS, offered
from .paging import page_of


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...

    @property
    def uuid(self) -> str: ...


Thing = TypeVar("Thing", bound=_Numbered)
View = Callable[[Request], Response]

VERSION = {
    "git_sha": "4688a4a9ab1c0bd202201394cbfb98d8e47c6e7",
    "git_sha_abbrev": "@4688a4",
    "commit_date": "2022-09-11T21:16:23-07:00",
    "git_branch": "master",
}


def find(things: Iterable[Thing], key: str) -> Thing:
    """Return the thing with a number or a uuid. Raises Refusal."""
    for thing in things:
        if (str(thing.id) if key.isdecimal() else thing.uuid) == key:
            return thing
    raise not_found()


# Instances.


def _visible(request: Request) -> list[Instance]:
    """Return the instances of all users in a group with this one; on request, those that are gone, too."""
    archived = "archived" in request.query
    visible = request.world.visible_to(request.user)
    return [
        each
        for each in request.world.instances
        if each.user.username in visible
        and (archived or (each.end_date is None and not each.provider.ended(request.world.now())))
    ]


def list_instances(request: Request) -> Response:
    """GET /instances. Of all filters only provider_id does anything."""
    rows = _ordered(request, _of_provider(request, _visible(request)))
    page = page_of(request, rows, shapes_v2.Shapes(request).instance)
    return Response(page, instances=len(page["results"]))


def _of_provider(request: Request, rows: list[Instance]) -> list[Instance]:
    wanted = request.query.get("provider_id")
    return [row for row in rows if str(row.provider.id) == wanted] if wanted else rows


def _ordered(request: Request, rows: list[Instance]) -> Sequence[Instance]:
    field = request.query.get("ordering", "")
    name = field.removeprefix("-")
    if name in ("id", "uuid", "name", "ip_address", "start_date", "end_date"):
        return sorted(rows, key=lambda row: (getattr(row, name) is None, getattr(row, name)), reverse=field != name)
    if request.world.settings.shuffle_lists:
        random.shuffle(rows)
    return rows


def show_instance(request: Request) -> Response:
    """GET /instances/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).instance(find(_visible(request), request.names["key"])), instances=1)


def list_offered_actions(request: Request) -> Response:
    """GET /instances/<uuid>/actions: of anybody's instance; and of none by its number."""
    instance = request.world.instance_with(request.names["key"])
    names = offered(instance.latest) if instance else ()
    return Response([_action(request, name) for name in names])


def act(request: Request) -> Response:
    """POST /instances/<uuid>/actions: on anybody's instance."""
    instance = request.world.instance_with(request.names["key"])
    if instance is None or not isinstance(request.data, dict) or "action" not in request.data:
        raise ServerError
    perform(request.world, instance.identity, instance.uuid, request.data)
    message = f"The requested action <{request.data['action']}> was run successfully"
    return Response({"message": message, "result": "success"})


def list_actions(request: Request) -> Response:
    """GET /instance_actions."""
    return Response(page_of(request, ALL_ACTIONS, lambda name: _action(request, name)))


def _action(request: Request, name: str) -> dict[str, Any]:
    return {
        "url": request.url("instance_actions", ALL_ACTIONS.index(name) + 1),
        "key": name,
        "name": name,
        "description": f"{name} an instance",
    }


# Resources of a user.


def _mine(request: Request, things: Iterable[Any]) -> list[Any]:
    return [each for each in things if each.user is request.user and each.end_date is None]


def list_volumes(request: Request) -> Response:
    """GET /volumes."""
    return Response(page_of(request, volumes_of(request), shapes_v2.Shapes(request).volume))


def show_volume(request: Request) -> Response:
    """GET /volumes/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).volume(find(volumes_of(request), request.names["key"])))


def volumes_of(request: Request) -> list[Volume]:
    """Return the volumes that the user sees: as instances, and those in a project of the user's groups."""
    visible, groups = request.world.visible_to(request.user), request.world.groups_of(request.user)
    return [
        each
        for each in request.world.volumes
        if each.end_date is None
        and (each.user.username in visible or (each.project is not None and each.project.owner in groups))
    ]


def list_projects(request: Request) -> Response:
    """GET /projects."""
    return Response(page_of(request, projects_of(request), shapes_v2.Shapes(request).project))


def show_project(request: Request) -> Response:
    """GET /projects/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).project(find(projects_of(request), request.names["key"])))


def projects_of(request: Request) -> list[Project]:
    """Return the projects of the groups that the user is in: the shared ones first."""
    return [each for each in request.world.projects if request.user in each.owner.users and each.end_date is None]


def list_project_instances(request: Request) -> Response:
    """GET /project_instances."""
    rows = [
        each for each in request.world.instances if each.user is request.user and each.project and not each.end_date
    ]
    page = page_of(request, rows[::-1], shapes_v2.Shapes(request).instance_with_project)
    return Response(page, instances=len(page["results"]))


def list_project_volumes(request: Request) -> Response:
    """GET /project_volumes."""
    rows = [each for each in _mine(request, request.world.volumes) if each.project]
    return Response(page_of(request, rows, shapes_v2.Shapes(request).volume_with_project))


def list_identities(request: Request) -> Response:
    """GET /identities."""
    if "username" in request.query and not request.somebody.is_staff:
        raise forbidden()
    return Response(page_of(request, _identities(request), shapes_v2.Shapes(request).identity))


def show_identity(request: Request) -> Response:
    """GET /identities/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).identity(find(_identities(request), request.names["key"])))


def export_identity(request: Request) -> Response:
    """GET /identities/<uuid>/export: the login at the cloud, in clear."""
    identity = find(_identities(request), request.names["key"])
    name = identity.name
    return Response(
        {
            "OS_PROJECT_NAME": name,
            "OS_USERNAME": name,
            "OS_IDENTITY_API_VERSION": 3,
            "OS_USER_DOMAIN_NAME": "default",
            "OS_TENANT_NAME": name,
            "OS_AUTH_URL": "http://127.0.0.1:35357/v3",
            "OS_PROJECT_DOMAIN_NAME": "default",
            "OS_REGION_NAME": "RegionOne",
            "OS_PASSWORD": identity.secret,
        }
    )


def _identities(request: Request) -> list[Any]:
    now = request.world.now()
    return [
        each for each in request.world.identities if each.is_shared_with(request.user) and not each.provider.ended(now)
    ]


def list_credentials(request: Request) -> Response:
    """GET /credentials: in clear."""
    shapes = shapes_v2.Shapes(request)
    rows = [(identity, row) for identity in _identities(request) for row in identity.credentials()]

    def shape(pair: Any) -> dict[str, Any]:
        identity, (number, uuid, key, value) = pair
        ids = {"id": number, "uuid": uuid, "url": request.url("credentials", uuid)}
        return {**ids, "identity": shapes.identity_brief(identity), "key": key, "value": value}

    return Response(page_of(request, rows, shape))


def list_allocation_sources(request: Request) -> Response:
    """GET /allocation_sources."""
    return Response(page_of(request, _sources(request), shapes_v2.Shapes(request).allocation_source))


def show_allocation_source(request: Request) -> Response:
    """GET /allocation_sources/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).allocation_source(find(_sources(request), request.names["key"])))


def _sources(request: Request) -> list[AllocationSource]:
    return [each for each in request.world.allocation_sources if request.user in each.users]


def list_user_allocation_sources(request: Request) -> Response:
    """GET /user_allocation_sources: those of all users."""
    shapes = shapes_v2.Shapes(request)
    pairs = [(source, user) for source in request.world.allocation_sources for user in source.users]
    rows = [
        {
            "id": number,
            "url": request.url("user_allocation_sources", number),
            "user": shapes.user(user),
            "allocation_source": shapes.allocation_source(source),
        }
        for number, (source, user) in enumerate(pairs, start=1)
    ]
    return Response(page_of(request, rows, lambda row: row))


def list_instance_allocation_sources(request: Request) -> Response:
    """GET /instance_allocation_source: those of all users."""
    rows = [each for each in request.world.instances if each.allocation_source]
    page = page_of(request, rows, shapes_v2.Shapes(request).instance_with_source)
    return Response(page, instances=len(page["results"]))


def list_tokens(request: Request) -> Response:
    """GET /tokens: those that are still good."""
    now = request.world.now()
    rows = [each for each in request.world.tokens.values() if each.user is request.user and now < each.expires]
    return Response(page_of(request, rows, shapes_v2.Shapes(request).token))


def list_users(request: Request) -> Response:
    """GET /users: all users."""
    wanted = request.query.get("username")
    rows = [user for user in request.world.users.values() if wanted in (None, user.username)]
    return Response(page_of(request, sorted(rows, key=lambda user: user.uuid), shapes_v2.Shapes(request).user))


def show_user(request: Request) -> Response:
    """GET /users/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).user(find(request.world.users.values(), request.names["key"])))


def list_groups(request: Request) -> Response:
    """GET /groups."""
    return Response(page_of(request, request.world.groups_of(request.user), shapes_v2.Shapes(request).group))


# Resources that all users may see.


def list_providers(request: Request) -> Response:
    """GET /providers."""
    return Response(page_of(request, _providers(request), shapes_v2.Shapes(request).provider))


def show_provider(request: Request) -> Response:
    """GET /providers/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).provider(find(_providers(request), request.names["key"])))


def _providers(request: Request) -> list[Provider]:
    return [each for each in request.world.providers if not each.ended(request.world.now())]


def list_provider_types(request: Request) -> Response:
    """GET /provider_types."""
    return _kinds(request, "provider_types", "OpenStack", 0)


def list_platform_types(request: Request) -> Response:
    """GET /platform_types."""
    return _kinds(request, "platform_types", "KVM", 1)


def _kinds(request: Request, resource: str, name: str, which: int) -> Response:
    provider = request.world.providers[0]
    started = (provider.kinds_start_date or (provider.start_date, provider.start_date))[which]
    return Response(page_of(request, [started], lambda date: shapes_v2.Shapes(request).kind(resource, name, iso(date))))


def list_sizes(request: Request) -> Response:
    """GET /sizes."""
    wanted = request.query.get("provider__id")
    rows = [each for each in request.world.sizes if wanted in (None, str(each.provider.id))]
    return Response(page_of(request, rows, shapes_v2.Shapes(request).size))


def show_size(request: Request) -> Response:
    """GET /sizes/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).size(find(request.world.sizes, request.names["key"])))


def list_images(request: Request) -> Response:
    """GET /images: the newest first."""
    search, tag = request.query.get("search", "").lower(), request.query.get("tag_name")
    rows = [
        each
        for each in reversed(request.world.images)
        if search in f"{each.name} {each.description}".lower() and (tag is None or tag in each.tags)
    ]
    return Response(page_of(request, rows, shapes_v2.Shapes(request).image))


def show_image(request: Request) -> Response:
    """GET /images/<number or uuid>."""
    return Response(shapes_v2.Shapes(request).image(find(request.world.images, request.names["key"])))


def list_versions(request: Request) -> Response:
    """GET /image_versions."""
    return Response(page_of(request, request.world.versions, shapes_v2.Shapes(request).version))


def show_version(request: Request) -> Response:
    """GET /image_versions/<uuid>, which is their name of the id."""
    for row in request.world.versions:
        if row.uuid == request.names["key"]:
            return Response(shapes_v2.Shapes(request).version(row))
    raise not_found()


def list_machines(request: Request) -> Response:
    """GET /provider_machines: the newest first."""
    return Response(page_of(request, request.world.versions[::-1], shapes_v2.Shapes(request).machine))


def list_maintenance(request: Request) -> Response:
    """GET /maintenance_records. The way to it stays open during maintenance."""
    now = request.world.now()
    only_active = request.query.get("active") == "true"
    rows = [each for each in request.world.maintenance if not only_active or each.active(now)]
    return Response(page_of(request, rows, shapes_v2.Shapes(request).maintenance))


def show_server_version(_ask: Request) -> Response:
    """GET /version."""
    return Response(dict(VERSION))


def empty(request: Request) -> Response:
    """GET of lists that are always empty here."""
    nothing: list[None] = []
    return Response(page_of(request, nothing, lambda row: row))


def forbidden() -> Exception:
    """Return the refusal of resources for staff."""
    return detail(403, "You do not have permission to perform this action.")


def broken(_ask: Request) -> Response:
    """Raise ServerError, as these resources always do."""
    raise ServerError
