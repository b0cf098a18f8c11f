# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides the next step of one image, for a real run and for check mode alike. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ...model import ImageChange, Instance, ProjectImage
from ...text.terminal import one_line
from ..runs import settled as settled_instance
from ..steps import Impossible, Step, Wait


class Kind(StrEnum):
    """A change of an image, by its name in results."""

    CREATE = "create"
    UPDATE = "update"
    SHARE = "share"
    UNSHARE = "unshare"
    REMOVE_TWIN = "remove_twin"
    DELETE_SNAPSHOT = "delete_snapshot"
    DELETE = "delete"


class State(StrEnum):
    """A desired state of an image."""

    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Goal:
    """The desired state of the image ``name``. None: not given.

    ``may_run``: whether the instance may run during the snapshot. ``may_be_used``: whether to delete an image that
    instances were launched from. ``deletes_snapshots``: whether to delete the snapshots of volumes that the image
    refers to.
    """

    state: State
    name: str
    visibility: str | None = None
    description: str | None = None
    properties: Mapping[str, str] | None = None
    protected: bool | None = None
    members: frozenset[str] | None = None
    may_run: bool = False
    may_be_used: bool = False
    deletes_snapshots: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The last observation.

    ``image`` is None if there is none. ``source``: the instance for a snapshot. ``members``: the projects with access.
    ``users``: the project's instances launched from it. ``disk_of``: the shelved instance whose disk the image is.
    ``snapshots``: the status of each referenced snapshot of a volume, by uuid. ``twin``: the uuid of this run's own
    image, if another run made one of the same name at the same time.
    """

    image: ProjectImage | None
    source: Instance | None = None
    members: frozenset[str] = frozenset()
    users: tuple[str, ...] = ()
    disk_of: str | None = None
    snapshots: Mapping[str, str] = field(default_factory=dict)
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Act(Step):
    """A change to request. ``target``: the affected project, snapshot or image."""

    kind: Kind
    target: str = ""


BEING_MADE = frozenset({"queued", "saving", "uploading", "importing"})
LEAVING = frozenset({"deleted", "pending_delete"})
_RUNNING = frozenset({"active", "paused", "suspended"})
_MANY = 3


def decide(goal: Goal, seen: Seen) -> Step | None:
    """Return the next step; None if the goal is reached."""
    if seen.twin is not None:
        return Act(Kind.REMOVE_TWIN, seen.twin)
    if goal.state is State.ABSENT:
        return _towards_absent(goal, seen)
    image = seen.image
    if image is None:
        return _made(goal, seen.source)
    if image.status in BEING_MADE or image.status in LEAVING:
        return Wait(image.status)
    if image.status == "killed":
        return Impossible(f"it is {one_line(image.status)}", "Delete it with state: absent, and create it again.")
    if change_of(image, goal) is not None:
        return Act(Kind.UPDATE)
    return _shared(goal, seen, image)


def _made(goal: Goal, source: Instance | None) -> Step:
    if source is None:
        return Impossible("there is no such image", "To create it, set instance.")
    label = source.label
    if source.activity:
        return Wait(source.activity)
    if source.status == "shutoff" or (goal.may_run and source.status in _RUNNING):
        return Act(Kind.CREATE)
    if source.status in _RUNNING:
        return Impossible(
            f"{label} is {source.status}, and data that it has not written to disk would be missing",
            "Stop it first, with jetstream_instance_state, or set force: true.",
        )
    return Impossible(
        f"{label} is {one_line(source.status)}, and the cloud cannot create an image of it", "Start it first."
    )


def properties_of(goal: Goal) -> dict[str, str]:
    """Return the desired properties of an image, including its description."""
    described = {} if goal.description is None else {"description": goal.description}
    return {**(goal.properties or {}), **described}


def change_of(image: ProjectImage, goal: Goal) -> ImageChange | None:
    """Return the properties to set in place, or None. Properties that are not given stay."""
    wanted = properties_of(goal)
    change = ImageChange(
        visibility=goal.visibility if goal.visibility not in (None, image.visibility) else None,
        protected=goal.protected if goal.protected not in (None, image.protected) else None,
        properties={key: value for key, value in wanted.items() if image.properties.get(key) != value},
    )
    return None if change == ImageChange() else change


def _shared(goal: Goal, seen: Seen, image: ProjectImage) -> Step | None:
    if goal.members is None:
        return None
    missing = sorted(goal.members - seen.members)
    if missing and image.visibility != "shared":
        return Impossible(f"it is {image.visibility}, and only a shared image has members", "Set visibility: shared.")
    if missing:
        return Act(Kind.SHARE, missing[0])
    surplus = sorted(seen.members - goal.members)
    return Act(Kind.UNSHARE, surplus[0]) if surplus else None


def _towards_absent(goal: Goal, seen: Seen) -> Step | None:
    image = seen.image
    if image is None:
        return None
    if image.status in LEAVING:
        return Wait(image.status)
    if seen.disk_of is not None:
        return Impossible(f"it is the disk of {one_line(seen.disk_of)}, which is shelved", "Delete that instance.")
    if image.protected:
        return Impossible("it is protected", "To delete it, first set protected: false with state: present.")
    if seen.users and not goal.may_be_used:
        shown = ", ".join(one_line(each) for each in seen.users[:_MANY])
        more = f" and {len(seen.users) - _MANY} more" if len(seen.users) > _MANY else ""
        return Impossible(
            f"{shown}{more} {'was' if len(seen.users) == 1 else 'were'} launched from it",
            "To delete it anyway, set force: true. The instances keep running, but cannot be rebuilt from it.",
        )
    return _without_snapshots(goal, seen) or Act(Kind.DELETE)


def _without_snapshots(goal: Goal, seen: Seen) -> Step | None:
    """Return the step before the deletion of an image: afterwards, its snapshots could not be found."""
    if not goal.deletes_snapshots:
        return None
    for uuid, status in sorted(seen.snapshots.items()):
        if status == "deleting":
            return Wait("deleting its snapshots")
        if status == "error_deleting":
            return Impossible(f"its snapshot {uuid} cannot be deleted", "Volumes created from it may prevent that.")
        return Act(Kind.DELETE_SNAPSHOT, uuid)
    return None


def foresee(seen: Seen, act: Act, goal: Goal) -> Seen:
    """Return the observation after an act is done."""
    image = seen.image
    if act.kind is Kind.REMOVE_TWIN:
        return replace(seen, twin=None)
    if act.kind is Kind.CREATE:
        source = None if seen.source is None else seen.source.uuid
        created = ProjectImage("", goal.name, status="active", properties=properties_of(goal), instance_uuid=source)
        return replace(seen, image=created)
    if image is None or act.kind is Kind.DELETE:
        return replace(seen, image=None)
    if act.kind is Kind.UPDATE:
        return replace(seen, image=_updated(image, change_of(image, goal) or ImageChange()))
    if act.kind is Kind.SHARE:
        return replace(seen, members=seen.members | {act.target})
    if act.kind is Kind.UNSHARE:
        return replace(seen, members=seen.members - {act.target})
    return replace(seen, snapshots={key: each for key, each in seen.snapshots.items() if key != act.target})


def _updated(image: ProjectImage, change: ImageChange) -> ProjectImage:
    return replace(
        image,
        visibility=change.visibility or image.visibility,
        protected=image.protected if change.protected is None else change.protected,
        properties={**image.properties, **change.properties},
    )


def settled(seen: Seen) -> Seen:
    """Return the observation after the cloud has finished its current work."""
    image, source = seen.image, seen.source
    if image is not None and image.status in LEAVING:
        image = None
    if image is not None and image.status in BEING_MADE:
        image = replace(image, status="active")
    left = {key: each for key, each in seen.snapshots.items() if each != "deleting"}
    rests = None if source is None else replace(settled_instance(source), activity="")
    return replace(seen, image=image, source=rests, snapshots=left)
