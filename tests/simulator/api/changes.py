# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that create, change or delete: groups, projects, and instances but for their states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..world.records import Identity, Instance
from ..world.vm import VM
from . import shapes_v1, shapes_v2
from .exchange import Refusal, Request, Response, ServerError, error
from .views_v1 import identity_of, owns, reach, require_sight
from .views_v2 import find, projects_of

_LONGEST_NAME = 256


# v2.


def create_group(request: Request) -> Response:
    """POST /groups. All identities of its users are shared with it."""
    if not request.somebody.is_staff:
        raise Refusal(400, ["Only staff users can create groups."])
    data, users = fields(request), request.world.users
    members = [users[name] for name in data["users"]]
    group = request.world.add_group(
        data["name"], members, [users[name] for name in data["leaders"]], uuid=request.world.random_uuid()
    )
    return created(request, "groups", group.uuid, shapes_v2.Shapes(request).group(group))


def create_project(request: Request) -> Response:
    """POST /projects."""
    data = fields(request)
    for name in ("name", "owner"):
        if name not in data:
            raise Refusal(400, {name: ["This field is required."]})
    user, world = request.somebody, request.world
    group = world.groups.get(data["owner"])
    if group is None or user not in group.users:
        raise Refusal(400, [f"{user.username} is not a member of group {data['owner']}"])
    project = world.add_project(
        data["name"],
        group,
        created_by=world.users[data.get("created_by", user.username)],
        description=data.get("description", ""),
        uuid=world.random_uuid(),
        start_date=world.now(),
    )
    return created(request, "projects", project.uuid, shapes_v2.Shapes(request).project(project))


def change_project(request: Request) -> Response:
    """PATCH /projects/<number or uuid>."""
    project = find(projects_of(request), request.names["key"])
    data = fields(request)
    project.name = data.get("name", project.name)
    project.description = data.get("description", project.description)
    return Response(shapes_v2.Shapes(request).project(project))


def delete_project(request: Request) -> Response:
    """DELETE /projects/<number or uuid>."""
    project = find(projects_of(request), request.names["key"])
    for things, kind in ((request.world.instances, "instances"), (request.world.volumes, "volumes")):
        if any(each.project is project and each.end_date is None for each in things):
            text = f"Cannot delete a project when it contains {kind}. To delete a project, all {kind} must be moved to "
            raise Refusal(400, [f"{text}another project or deleted"])
    project.end_date = request.world.now()
    return Response(None, 204)


def change_instance(request: Request) -> Response:
    """PATCH /instances/<number>: of anybody's instance. The uuid will not do."""
    key, data = request.names["key"], fields(request)
    instance = request.world.instance_numbered(key) if key.isdecimal() else None
    if instance is None:
        raise ServerError
    if "name" in data:
        instance.name = _name(data)
    if "project" in data:
        _move(request, instance, data["project"])
    if "allocation_source" in data:
        _charge(request, instance, data["allocation_source"])
    return Response(shapes_v2.Shapes(request).instance(instance), instances=1)


def replace_instance(request: Request) -> Response:
    """PUT /instances/<number>: the same, but with all fields that may not be missing."""
    data = fields(request)
    required = ("uuid", "project", "user", "provider", "start_date", "identity", "name")
    missing = [name for name in required if name not in data]
    if missing:
        raise Refusal(400, {name: ["This field is required."] for name in missing})
    return change_instance(request)


def change_metadata(request: Request) -> Response:
    """POST /instances/<uuid>/update_metadata. Nothing shows it."""
    if request.world.instance_with(request.names["key"]) is None:
        raise ServerError
    return Response(None, 204)


def delete_instance(request: Request) -> Response:
    """DELETE /instances/<uuid>: of anybody's instance. One of the workers does it later; the number will not do."""
    instance = request.world.instance_with(request.names["key"])
    if instance is None:
        raise error(409, "Instance matching query does not exist.")
    request.world.delete_later(instance)
    return Response(None, 204)


def _move(request: Request, instance: Instance, number: Any) -> None:
    project = next((each for each in request.world.projects if each.id == number and each.end_date is None), None)
    if project is None:
        shown = None if isinstance(number, dict) else number
        raise Refusal(400, {"project": [f"Project with Field: pk '{shown}' does not exist."]})
    instance.project = project


def _charge(request: Request, instance: Instance, data: Any) -> None:
    source = next((each for each in request.world.allocation_sources if each.id == data.get("id")), None)
    if source is None or request.user not in source.users:
        raise Refusal(400, "Invalid allocation_source")
    instance.allocation_source = source


# v1.


def change_instance_v1(request: Request) -> Response:
    """PATCH and PUT .../instance/<uuid>: the name, in the cloud as well."""
    _identity, vm, instance = _machine(request)
    data = fields(request)
    if "name" in data:
        vm.name = instance.name = _name(data)
    request.world.remember(instance, vm.look())
    return _shown_v1(instance, vm)


def delete_instance_v1(request: Request) -> Response:
    """DELETE .../instance/<uuid>: it is ended at once, until a user reads it while the machine exists."""
    identity, vm, instance = _machine(request)
    answer = _shown_v1(instance, vm)
    request.world.remember(instance, vm.look())
    request.world.cloud.delete(vm, request.world.now())
    request.world.end(instance)
    request.world.forget_list(identity)
    return answer


def _machine(request: Request) -> tuple[Identity, VM, Instance]:
    """Return identity, machine and row of a v1 request that changes an instance. Raises Refusal."""
    uuid = request.names["instance"]
    if request.world.settings.project_sharing:
        require_sight(request, uuid)
    elif not owns(request, uuid):
        # The refusal itself breaks.
        raise ServerError
    identity = identity_of(request)
    reach(request, identity)
    vm, instance = request.world.cloud.vms.get(uuid), request.world.instance_with(uuid)
    if vm is None or instance is None or vm.identity is not identity:
        raise error(404, f"Instance {uuid} does not exist")
    return identity, vm, instance


def _shown_v1(instance: Instance, vm: VM) -> Response:
    return Response(shapes_v1.instance(instance, vm.look()), headers=[("cache-control", "no-cache")], instances=1)


# Both.


def fields(request: Request) -> Mapping[str, Any]:
    """Return the body. Raises ServerError unless it is an object."""
    data = request.data
    if not isinstance(data, dict):
        raise ServerError
    return data


def _name(data: Mapping[str, Any]) -> str:
    name = str(data["name"])
    if not name:
        raise Refusal(400, {"name": ["This field may not be blank."]})
    if len(name) > _LONGEST_NAME:
        raise Refusal(400, {"name": [f"Ensure this field has no more than {_LONGEST_NAME} characters."]})
    return name


def created(request: Request, resource: str, uuid: str, row: Any) -> Response:
    """Return the response for a thing just made."""
    return Response(row, 201, headers=[("location", request.url(resource, uuid))])
