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
from .asking import Answer, Ask, Broken, detail, not_found
from .dates import iso
from .offered import ALL_ACTIONS, offered
from .paging import page_of


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...

    @property
    def uuid(self) -> str: ...


Thing = TypeVar("Thing", bound=_Numbered)
View = Callable[[Ask], Answer]

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


def _visible(ask: Ask) -> list[Instance]:
    """Return the instances of all who are in a group with the user; those that are gone, too, if that is asked for."""
    archived = "archived" in ask.query
    visible = ask.world.visible_to(ask.user)
    return [
        each
        for each in ask.world.instances
        if each.user.username in visible
        and (archived or (each.end_date is None and not each.provider.ended(ask.world.now())))
    ]


def list_instances(ask: Ask) -> Answer:
    """GET /instances. Of all filters only provider_id does anything."""
    rows = _ordered(ask, _of_provider(ask, _visible(ask)))
    page = page_of(ask, rows, shapes_v2.Shapes(ask).instance)
    return Answer(page, instances=len(page["results"]))


def _of_provider(ask: Ask, rows: list[Instance]) -> list[Instance]:
    wanted = ask.query.get("provider_id")
    return [row for row in rows if str(row.provider.id) == wanted] if wanted else rows


def _ordered(ask: Ask, rows: list[Instance]) -> Sequence[Instance]:
    field = ask.query.get("ordering", "")
    name = field.removeprefix("-")
    if name in ("id", "uuid", "name", "ip_address", "start_date", "end_date"):
        return sorted(rows, key=lambda row: (getattr(row, name) is None, getattr(row, name)), reverse=field != name)
    if ask.world.settings.shuffle_lists:
        random.shuffle(rows)
    return rows


def show_instance(ask: Ask) -> Answer:
    """GET /instances/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).instance(find(_visible(ask), ask.names["key"])), instances=1)


def list_offered_actions(ask: Ask) -> Answer:
    """GET /instances/<uuid>/actions: of anybody's instance; and of none by its number."""
    instance = ask.world.instance_with(ask.names["key"])
    names = offered(instance.latest) if instance else ()
    return Answer([_action(ask, name) for name in names])


def act(ask: Ask) -> Answer:
    """POST /instances/<uuid>/actions: on anybody's instance."""
    instance = ask.world.instance_with(ask.names["key"])
    if instance is None or not isinstance(ask.data, dict) or "action" not in ask.data:
        raise Broken
    perform(ask.world, instance.identity, instance.uuid, ask.data)
    message = f"The requested action <{ask.data['action']}> was run successfully"
    return Answer({"message": message, "result": "success"})


def list_actions(ask: Ask) -> Answer:
    """GET /instance_actions."""
    return Answer(page_of(ask, ALL_ACTIONS, lambda name: _action(ask, name)))


def _action(ask: Ask, name: str) -> dict[str, Any]:
    return {
        "url": ask.url("instance_actions", ALL_ACTIONS.index(name) + 1),
        "key": name,
        "name": name,
        "description": f"{name} an instance",
    }


# What belongs to a user.


def _mine(ask: Ask, things: Iterable[Any]) -> list[Any]:
    return [each for each in things if each.user is ask.user and each.end_date is None]


def list_volumes(ask: Ask) -> Answer:
    """GET /volumes."""
    return Answer(page_of(ask, _volumes(ask), shapes_v2.Shapes(ask).volume))


def show_volume(ask: Ask) -> Answer:
    """GET /volumes/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).volume(find(_volumes(ask), ask.names["key"])))


def _volumes(ask: Ask) -> list[Volume]:
    """Return the volumes that the user sees: as instances, and what is in a project of the user's groups."""
    visible, groups = ask.world.visible_to(ask.user), ask.world.groups_of(ask.user)
    return [
        each
        for each in ask.world.volumes
        if each.end_date is None
        and (each.user.username in visible or (each.project is not None and each.project.owner in groups))
    ]


def list_projects(ask: Ask) -> Answer:
    """GET /projects."""
    return Answer(page_of(ask, projects_of(ask), shapes_v2.Shapes(ask).project))


def show_project(ask: Ask) -> Answer:
    """GET /projects/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).project(find(projects_of(ask), ask.names["key"])))


def projects_of(ask: Ask) -> list[Project]:
    """Return the projects of the groups that the user is in: the shared ones first."""
    return [each for each in ask.world.projects if ask.user in each.owner.users and each.end_date is None]


def list_project_instances(ask: Ask) -> Answer:
    """GET /project_instances."""
    rows = [each for each in ask.world.instances if each.user is ask.user and each.project and not each.end_date]
    page = page_of(ask, rows[::-1], shapes_v2.Shapes(ask).instance_with_project)
    return Answer(page, instances=len(page["results"]))


def list_project_volumes(ask: Ask) -> Answer:
    """GET /project_volumes."""
    rows = [each for each in _mine(ask, ask.world.volumes) if each.project]
    return Answer(page_of(ask, rows, shapes_v2.Shapes(ask).volume_with_project))


def list_identities(ask: Ask) -> Answer:
    """GET /identities."""
    if "username" in ask.query and not ask.somebody.is_staff:
        raise forbidden()
    return Answer(page_of(ask, _identities(ask), shapes_v2.Shapes(ask).identity))


def show_identity(ask: Ask) -> Answer:
    """GET /identities/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).identity(find(_identities(ask), ask.names["key"])))


def export_identity(ask: Ask) -> Answer:
    """GET /identities/<uuid>/export: the login at the cloud, in clear."""
    identity = find(_identities(ask), ask.names["key"])
    name = identity.name
    return Answer(
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


def _identities(ask: Ask) -> list[Any]:
    now = ask.world.now()
    return [each for each in ask.world.identities if each.is_shared_with(ask.user) and not each.provider.ended(now)]


def list_credentials(ask: Ask) -> Answer:
    """GET /credentials: in clear."""
    shapes = shapes_v2.Shapes(ask)
    rows = [(identity, row) for identity in _identities(ask) for row in identity.credentials()]

    def shape(pair: Any) -> dict[str, Any]:
        identity, (number, uuid, key, value) = pair
        ids = {"id": number, "uuid": uuid, "url": ask.url("credentials", uuid)}
        return {**ids, "identity": shapes.identity_brief(identity), "key": key, "value": value}

    return Answer(page_of(ask, rows, shape))


def list_allocation_sources(ask: Ask) -> Answer:
    """GET /allocation_sources."""
    return Answer(page_of(ask, _sources(ask), shapes_v2.Shapes(ask).allocation_source))


def show_allocation_source(ask: Ask) -> Answer:
    """GET /allocation_sources/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).allocation_source(find(_sources(ask), ask.names["key"])))


def _sources(ask: Ask) -> list[AllocationSource]:
    return [each for each in ask.world.allocation_sources if ask.user in each.users]


def list_user_allocation_sources(ask: Ask) -> Answer:
    """GET /user_allocation_sources: everybody's."""
    shapes = shapes_v2.Shapes(ask)
    pairs = [(source, user) for source in ask.world.allocation_sources for user in source.users]
    rows = [
        {
            "id": number,
            "url": ask.url("user_allocation_sources", number),
            "user": shapes.user(user),
            "allocation_source": shapes.allocation_source(source),
        }
        for number, (source, user) in enumerate(pairs, start=1)
    ]
    return Answer(page_of(ask, rows, lambda row: row))


def list_instance_allocation_sources(ask: Ask) -> Answer:
    """GET /instance_allocation_source: everybody's."""
    rows = [each for each in ask.world.instances if each.allocation_source]
    page = page_of(ask, rows, shapes_v2.Shapes(ask).instance_with_source)
    return Answer(page, instances=len(page["results"]))


def list_tokens(ask: Ask) -> Answer:
    """GET /tokens: those that are still good."""
    now = ask.world.now()
    rows = [each for each in ask.world.tokens.values() if each.user is ask.user and now < each.expires]
    return Answer(page_of(ask, rows, shapes_v2.Shapes(ask).token))


def list_users(ask: Ask) -> Answer:
    """GET /users: everybody."""
    wanted = ask.query.get("username")
    rows = [user for user in ask.world.users.values() if wanted in (None, user.username)]
    return Answer(page_of(ask, sorted(rows, key=lambda user: user.uuid), shapes_v2.Shapes(ask).user))


def show_user(ask: Ask) -> Answer:
    """GET /users/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).user(find(ask.world.users.values(), ask.names["key"])))


def list_groups(ask: Ask) -> Answer:
    """GET /groups."""
    return Answer(page_of(ask, ask.world.groups_of(ask.user), shapes_v2.Shapes(ask).group))


# What everybody may see.


def list_providers(ask: Ask) -> Answer:
    """GET /providers."""
    return Answer(page_of(ask, _providers(ask), shapes_v2.Shapes(ask).provider))


def show_provider(ask: Ask) -> Answer:
    """GET /providers/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).provider(find(_providers(ask), ask.names["key"])))


def _providers(ask: Ask) -> list[Provider]:
    return [each for each in ask.world.providers if not each.ended(ask.world.now())]


def list_provider_types(ask: Ask) -> Answer:
    """GET /provider_types."""
    return _kinds(ask, "provider_types", "OpenStack", 0)


def list_platform_types(ask: Ask) -> Answer:
    """GET /platform_types."""
    return _kinds(ask, "platform_types", "KVM", 1)


def _kinds(ask: Ask, resource: str, name: str, which: int) -> Answer:
    provider = ask.world.providers[0]
    started = (provider.kinds_start_date or (provider.start_date, provider.start_date))[which]
    return Answer(page_of(ask, [started], lambda date: shapes_v2.Shapes(ask).kind(resource, name, iso(date))))


def list_sizes(ask: Ask) -> Answer:
    """GET /sizes."""
    wanted = ask.query.get("provider__id")
    rows = [each for each in ask.world.sizes if wanted in (None, str(each.provider.id))]
    return Answer(page_of(ask, rows, shapes_v2.Shapes(ask).size))


def show_size(ask: Ask) -> Answer:
    """GET /sizes/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).size(find(ask.world.sizes, ask.names["key"])))


def list_images(ask: Ask) -> Answer:
    """GET /images: the newest first."""
    search, tag = ask.query.get("search", "").lower(), ask.query.get("tag_name")
    rows = [
        each
        for each in reversed(ask.world.images)
        if search in f"{each.name} {each.description}".lower() and (tag is None or tag in each.tags)
    ]
    return Answer(page_of(ask, rows, shapes_v2.Shapes(ask).image))


def show_image(ask: Ask) -> Answer:
    """GET /images/<number or uuid>."""
    return Answer(shapes_v2.Shapes(ask).image(find(ask.world.images, ask.names["key"])))


def list_versions(ask: Ask) -> Answer:
    """GET /image_versions."""
    return Answer(page_of(ask, ask.world.versions, shapes_v2.Shapes(ask).version))


def show_version(ask: Ask) -> Answer:
    """GET /image_versions/<uuid>, which is what they call their id."""
    for row in ask.world.versions:
        if row.uuid == ask.names["key"]:
            return Answer(shapes_v2.Shapes(ask).version(row))
    raise not_found()


def list_machines(ask: Ask) -> Answer:
    """GET /provider_machines: the newest first."""
    return Answer(page_of(ask, ask.world.versions[::-1], shapes_v2.Shapes(ask).machine))


def list_maintenance(ask: Ask) -> Answer:
    """GET /maintenance_records. The way to it stays open during maintenance."""
    now = ask.world.now()
    only_active = ask.query.get("active") == "true"
    rows = [each for each in ask.world.maintenance if not only_active or each.active(now)]
    return Answer(page_of(ask, rows, shapes_v2.Shapes(ask).maintenance))


def show_server_version(_ask: Ask) -> Answer:
    """GET /version."""
    return Answer(dict(VERSION))


def empty(ask: Ask) -> Answer:
    """GET of lists that nothing is ever put into here."""
    nothing: list[None] = []
    return Answer(page_of(ask, nothing, lambda row: row))


def forbidden() -> Exception:
    """Return the refusal of what only staff may see."""
    return detail(403, "You do not have permission to perform this action.")


def broken(_ask: Ask) -> Answer:
    """What always breaks."""
    raise Broken
