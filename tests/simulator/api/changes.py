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
from .asking import Answer, Ask, Broken, Refusal, detail, error
from .views_v1 import identity_of, insist_on_sight, reach
from .views_v2 import find, projects_of

_LONGEST_NAME = 256


# v2.


def create_group(ask: Ask) -> Answer:
    """POST /groups. All identities of its users are shared with it."""
    if not ask.somebody.is_staff:
        raise Refusal(400, ["Only staff users can create groups."])
    data, users = _fields(ask), ask.world.users
    members = [users[name] for name in data["users"]]
    group = ask.world.add_group(
        data["name"], members, [users[name] for name in data["leaders"]], uuid=ask.world.random_uuid()
    )
    return _created(ask, "groups", group.uuid, shapes_v2.Shapes(ask).group(group))


def create_project(ask: Ask) -> Answer:
    """POST /projects."""
    data = _fields(ask)
    for name in ("name", "owner"):
        if name not in data:
            raise Refusal(400, {name: ["This field is required."]})
    user, world = ask.somebody, ask.world
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
    return _created(ask, "projects", project.uuid, shapes_v2.Shapes(ask).project(project))


def change_project(ask: Ask) -> Answer:
    """PATCH /projects/<number or uuid>."""
    project = find(projects_of(ask), ask.names["key"])
    data = _fields(ask)
    project.name = data.get("name", project.name)
    project.description = data.get("description", project.description)
    return Answer(shapes_v2.Shapes(ask).project(project))


def delete_project(ask: Ask) -> Answer:
    """DELETE /projects/<number or uuid>."""
    project = find(projects_of(ask), ask.names["key"])
    for things, kind in ((ask.world.instances, "instances"), (ask.world.volumes, "volumes")):
        if any(each.project is project and each.end_date is None for each in things):
            text = f"Cannot delete a project when it contains {kind}. To delete a project, all {kind} must be moved to "
            raise Refusal(400, [f"{text}another project or deleted"])
    project.end_date = ask.world.now()
    return Answer(None, 204)


def launch(ask: Ask) -> Answer:
    """POST /instances: only whether the identity may be used."""
    uuid = _fields(ask).get("identity")
    identity = ask.world.identity(uuid) if isinstance(uuid, str) else None
    if identity is None or not identity.is_led_by(ask.user):
        raise error(400, {"identity": f"The uuid ({uuid}) is invalid."})
    raise _not_simulated()


def change_instance(ask: Ask) -> Answer:
    """PATCH /instances/<number>: of anybody's instance. The uuid will not do."""
    key, data = ask.names["key"], _fields(ask)
    instance = ask.world.instance_numbered(key) if key.isdecimal() else None
    if instance is None:
        raise Broken
    if "name" in data:
        instance.name = _name(data)
    if "project" in data:
        _move(ask, instance, data["project"])
    if "allocation_source" in data:
        _charge(ask, instance, data["allocation_source"])
    return Answer(shapes_v2.Shapes(ask).instance(instance), instances=1)


def change_metadata(ask: Ask) -> Answer:
    """POST /instances/<uuid>/update_metadata. Nothing shows it."""
    if ask.world.instance_with(ask.names["key"]) is None:
        raise Broken
    return Answer(None, 204)


def delete_instance(ask: Ask) -> Answer:
    """DELETE /instances/<uuid>: of anybody's instance. One of the workers does it later; the number will not do."""
    instance = ask.world.instance_with(ask.names["key"])
    if instance is None:
        raise error(409, "Instance matching query does not exist.")
    ask.world.delete_later(instance)
    return Answer(None, 204)


def _move(ask: Ask, instance: Instance, number: Any) -> None:
    project = next((each for each in ask.world.projects if each.id == number and each.end_date is None), None)
    if project is None:
        shown = None if isinstance(number, dict) else number
        raise Refusal(400, {"project": [f"Project with Field: pk '{shown}' does not exist."]})
    instance.project = project


def _charge(ask: Ask, instance: Instance, data: Any) -> None:
    source = next((each for each in ask.world.allocation_sources if each.id == data.get("id")), None)
    if source is None or ask.user not in source.users:
        raise Refusal(400, "Invalid allocation_source")
    instance.allocation_source = source


# v1.


def launch_v1(ask: Ask) -> Answer:
    """POST .../instance: only whether the identity may be used."""
    identity = ask.world.identity(ask.names["identity"])
    if identity is None or not identity.is_shared_with(ask.user):
        raise detail(403, "The requested user is not a member of the project.")
    if not identity.is_led_by(ask.user):
        name = ask.somebody.username
        text = f"User {name} does not have permission to POST with this identity. Promote user to leader or use a "
        raise error(403, f"{text}different Identity.")
    raise _not_simulated()


def change_instance_v1(ask: Ask) -> Answer:
    """PATCH and PUT .../instance/<uuid>: the name, in the cloud as well."""
    _identity, vm, instance = _machine(ask)
    data = _fields(ask)
    if "name" in data:
        vm.name = instance.name = _name(data)
    ask.world.remember(instance, vm.look())
    return _shown_v1(instance, vm)


def delete_instance_v1(ask: Ask) -> Answer:
    """DELETE .../instance/<uuid>: it is ended at once, until somebody reads it while the machine is there."""
    identity, vm, instance = _machine(ask)
    answer = _shown_v1(instance, vm)
    ask.world.remember(instance, vm.look())
    ask.world.cloud.delete(vm, ask.world.now())
    ask.world.end(instance)
    ask.world.forget_list(identity)
    return answer


def _machine(ask: Ask) -> tuple[Identity, VM, Instance]:
    """Return what a v1 request that changes an instance is about. Raises Refusal."""
    uuid = ask.names["instance"]
    insist_on_sight(ask, uuid)
    identity = identity_of(ask)
    reach(ask, identity)
    vm, instance = ask.world.cloud.vms.get(uuid), ask.world.instance_with(uuid)
    if vm is None or instance is None or vm.identity is not identity:
        raise error(404, f"Instance {uuid} does not exist")
    return identity, vm, instance


def _shown_v1(instance: Instance, vm: VM) -> Answer:
    return Answer(shapes_v1.instance(instance, vm.look()), headers=[("cache-control", "no-cache")], instances=1)


# Both.


def _fields(ask: Ask) -> Mapping[str, Any]:
    data = ask.data
    if not isinstance(data, dict):
        raise Broken
    return data


def _name(data: Mapping[str, Any]) -> str:
    name = str(data["name"])
    if not name:
        raise Refusal(400, {"name": ["This field may not be blank."]})
    if len(name) > _LONGEST_NAME:
        raise Refusal(400, {"name": [f"Ensure this field has no more than {_LONGEST_NAME} characters."]})
    return name


def _created(ask: Ask, resource: str, uuid: str, row: Any) -> Answer:
    return Answer(row, 201, headers=[("location", ask.url(resource, uuid))])


def _not_simulated() -> Refusal:
    return detail(501, "The simulator does not launch.")
