# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_project: makes a project of Atmosphere, changes it in place, or deletes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..catalog import ProjectDetails
from ..cloud import Cloud, ProjectStore
from ..errors import ConfigurationError, JetstreamError, SelectionError
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec, refuse_blank, refuse_glob, refuse_loose
from ..resending import Resender
from ..text.suggestions import did_you_mean
from ..text.terminal import one_line

SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "description": {"type": "str"},
        "new_name": {"type": "str"},
        "owner": {"type": "str"},
    },
)
_LONGEST = 256
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The project as the options name it. None: not given."""

    name: str
    new_name: str | None
    description: str | None
    owner: str | None


def project(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Have a project, or have none of that name."""
    store = cloud.project_store()
    wanted = _wanted(options)
    user = cloud.account().user
    projects = store.list_projects()
    if _may_lack(projects, wanted):
        projects = store.list_projects()
    before = _own(projects, wanted.name, user)
    if before is None and wanted.new_name is not None:
        before = _own(projects, wanted.new_name, user)
    elif before is not None and wanted.new_name not in (None, before.name):
        _require_unused(projects, wanted.new_name or "", user)
    if before is None:
        refuse_glob("name", wanted.name)
    if options["state"] == "absent":
        return _absent(store, before, wanted, context)
    return _present(store, before, wanted, user, context)


OPERATION = on_cloud(project)


def _wanted(options: Mapping[str, Any]) -> _Wanted:
    if options["state"] == "absent":
        given = [name for name in ("description", "new_name", "owner") if options[name] is not None]
        if given:
            raise ConfigurationError(f"state: absent does not accept {' and '.join(given)}.")
    refuse_blank(options, ("owner",))
    for name in ("name", "new_name"):
        value = options[name]
        if value is not None and (not value.strip() or len(value) > _LONGEST):
            raise ConfigurationError(f"{name}: the name of a project must have 1 to {_LONGEST} characters.")
    refuse_loose(options, ("name", "new_name"))
    # Atmosphere takes the line break away that a block of YAML ends with.
    description = None if options["description"] is None else options["description"].strip()
    return _Wanted(options["name"], options["new_name"], description, options["owner"])


def _may_lack(projects: Sequence[ProjectDetails], wanted: _Wanted) -> bool:
    """Return whether a list without the project may lack it, so that it is read once more. Both cases are rare.

    A row may have no name. And one that is to be renamed would be created a second time, under its new name.
    """
    if any(not {each.name, each.uuid}.isdisjoint((wanted.name, wanted.new_name)) for each in projects):
        return False
    return wanted.new_name is not None or any(each.name == each.uuid for each in projects)


def _own(projects: Sequence[ProjectDetails], called: str, user: str | None) -> ProjectDetails | None:
    """Return the user's own project of a name or UUID.

    Raises SelectionError if there are several, or if it is shared by somebody else.
    """
    found = [each for each in projects if called in (each.name, each.uuid)]
    own = [each for each in found if user is not None and user in (each.owner, each.created_by)]
    if len(own) > 1:
        uuids = ", ".join(each.uuid for each in own)
        raise SelectionError(f"The name {one_line(called)} is ambiguous.", hint=f"Use a UUID: {uuids}.")
    if found and not own:
        raise SelectionError(f"The project {found[0].label} belongs to {one_line(found[0].owner or 'another user')}.")
    return own[0] if own else None


def _require_unused(projects: Sequence[ProjectDetails], name: str, user: str | None) -> None:
    """Raise ConfigurationError if the user has a project of a name: no later task could tell the two apart."""
    there = [each for each in projects if each.name == name and user in (each.owner, each.created_by)]
    if there:
        raise ConfigurationError(f"new_name: there is a project {there[0].label} already.")


# --- present


def _present(
    store: ProjectStore, before: ProjectDetails | None, wanted: _Wanted, user: str | None, context: Context
) -> Outcome:
    name = wanted.new_name or wanted.name
    if before is None:
        _require_group(store, wanted.owner)
        made = ProjectDetails(
            id=0,
            uuid="",
            name=name,
            description=wanted.description,
            owner=wanted.owner or user,
            created_by=user,
            instances=(),
            volumes=(),
        )
        after = made if context.check_mode else _created(store, made, wanted.owner, user, Resender(context.clock))
        return _outcome(None, after, "create")
    if wanted.owner not in (None, before.owner):
        owner = one_line(before.owner or "another user")
        raise ConfigurationError(f"The project {before.label} belongs to {owner}, and its owner cannot be changed.")
    unchanged = wanted.description in (None, before.description or "")
    after = replace(
        before,
        name=before.name if wanted.new_name is None else name,
        description=before.description if unchanged else wanted.description,
    )
    if after == before:
        return _outcome(before, before)
    if not context.check_mode:
        new_name = None if after.name == before.name else after.name
        new_description = None if after.description == before.description else after.description

        def change() -> ProjectDetails:
            return store.change(before, name=new_name, description=new_description)

        def changed() -> ProjectDetails | None:
            return next((each for each in store.list_projects() if _is_as(each, after)), None)

        after = Resender(context.clock).send(change, changed)
    return _outcome(before, after, "update")


def _require_group(store: ProjectStore, owner: str | None) -> None:
    """Raise SelectionError if a project cannot belong to a group, since the user is not in it."""
    if owner is None:
        return
    groups = store.groups()
    if owner not in groups:
        guess = did_you_mean(owner, groups)
        raise SelectionError(f"owner: you are not in a group {one_line(owner)}.", hint=guess or None)


def _is_as(found: ProjectDetails, after: ProjectDetails) -> bool:
    return (found.uuid, found.name, found.description or "") == (after.uuid, after.name, after.description or "")


def _created(
    store: ProjectStore, made: ProjectDetails, owner: str | None, user: str | None, resender: Resender
) -> ProjectDetails:
    """Create a project once: after a lost response, it is searched by its name."""

    def create() -> ProjectDetails:
        return store.create(made.name, made.description or "", owner)

    def found() -> ProjectDetails | None:
        return min(_namesakes(store, made.name, user), key=lambda each: int(each.id), default=None)

    created = resender.send(create, found)
    try:
        kept = resender.read(found) or created
        if kept.uuid != created.uuid and not created.instances and not created.volumes:
            # Another run made the same one at the same time: both keep the older.
            _delete(store, created, resender)
            return kept
    except JetstreamError as error:
        error.changed = True
        raise
    return created


def _delete(store: ProjectStore, project: ProjectDetails, resender: Resender) -> None:
    def delete() -> bool:
        store.delete(project)
        return True

    def gone() -> bool | None:
        return None if any(each.uuid == project.uuid for each in store.list_projects()) else True

    resender.send(delete, gone)


def _namesakes(store: ProjectStore, name: str, user: str | None) -> list[ProjectDetails]:
    return [each for each in store.list_projects() if each.name == name and user in (each.owner, each.created_by)]


# --- absent


def _absent(store: ProjectStore, before: ProjectDetails | None, wanted: _Wanted, context: Context) -> Outcome:
    if before is None:
        return _outcome(None, None)
    contents = _contents(before)
    if contents:
        # Atmosphere refuses that as well.
        raise ConfigurationError(
            f"The project {before.label} contains {contents}.",
            hint="Delete these first, or move them to another project.",
        )
    if not context.check_mode:
        _delete(store, before, Resender(context.clock))
    return _outcome(before, None, "delete")


def _contents(found: ProjectDetails) -> str:
    kinds = ((found.instances, "instance"), (found.volumes, "volume"))
    return " and ".join(_counted(names, kind) for names, kind in kinds if names)


def _counted(names: Sequence[str], kind: str) -> str:
    shown = ", ".join(one_line(each) for each in names[:_SHOWN])
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names)} {kind}{'' if len(names) == 1 else 's'} ({shown}{more})"


# --- the outcome


def _outcome(before: ProjectDetails | None, after: ProjectDetails | None, action: str | None = None) -> Outcome:
    return Outcome(
        {"project": None if after is None else _shown(after), "actions": [action] if action else []},
        changed=action is not None,
        diff={"before": _text(before), "after": _text(after)},
    )


def _shown(found: ProjectDetails) -> dict[str, Any]:
    """Return a project as the module returns it, with the names of what is in it."""
    return {
        "id": found.id,
        "uuid": found.uuid,
        "name": found.name,
        "description": found.description or "",
        "owner": found.owner or "",
        "created_by": found.created_by or "",
        "instances": list(found.instances or ()),
        "volumes": list(found.volumes or ()),
    }


def _text(found: ProjectDetails | None) -> str:
    """Return a project in lines, for a diff."""
    if found is None:
        return ""
    lines = {"name": found.name, "description": found.description, "owner": found.owner}
    return "".join(f"{name}: {one_line(value)}\n" for name, value in lines.items() if value)
