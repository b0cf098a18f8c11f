# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides the next step of one volume, for a real run and for check mode alike. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ...model import Attachment, Instance, Snapshot, Volume
from ...text.terminal import one_line
from ..steps import Impossible, Step, Wait


class Kind(StrEnum):
    """A change of a volume, by its name in results."""

    CREATE = "create"
    GROW = "grow"
    DESCRIBE = "describe"
    SNAPSHOT = "snapshot"
    REPAIR = "repair"
    DETACH = "detach"
    ATTACH = "attach"
    DELETE_SNAPSHOT = "delete_snapshot"
    DELETE = "delete"


class State(StrEnum):
    """A desired state of a volume."""

    PRESENT = "present"
    ABSENT = "absent"
    ATTACHED = "attached"
    DETACHED = "detached"


@dataclass(frozen=True, slots=True)
class Goal:
    """The desired state of the volume ``name``. None: not given.

    ``instance``: the one to attach to or detach from. ``may_detach``: whether to detach it from another instance, or
    for its deletion. ``may_delete_snapshots``: whether to delete its snapshots with it.
    """

    state: State
    name: str
    size: int | None = None
    description: str | None = None
    instance: Instance | None = None
    snapshot: str | None = None
    may_detach: bool = False
    may_delete_snapshots: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The last observation.

    ``volume`` is None if there is none. ``stale``: the ids of attachments to deleted instances that keep the volume
    reserved.
    """

    volume: Volume | None
    snapshots: tuple[Snapshot, ...] = ()
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act(Step):
    """A change to request. ``target``: the affected instance, snapshot or attachment."""

    kind: Kind
    target: str = ""


_AT_REST = frozenset({"available", "in-use"})
# Cinder deletes a volume in these states. From other states, only the site's staff can free it.
_DELETABLE = frozenset({"available", "error", "error_extending", "error_managing", "error_restoring"})
_SITE = "Ask the site to reset its state."


def decide(goal: Goal, seen: Seen) -> Step | None:
    """Return the next step; None if the goal is reached."""
    if goal.state is State.ABSENT:
        return _towards_absent(goal, seen)
    volume = seen.volume
    if volume is None:
        return Act(Kind.CREATE)
    step = _at_rest(volume, seen)
    if step is not None:
        return step
    if goal.state is State.DETACHED:
        step = _detached(volume, goal.instance)
    elif goal.state is State.ATTACHED:
        step = _free_for(volume, goal)
    return step or _properties(volume, goal, seen) or _attached(volume, goal)


def _at_rest(volume: Volume, seen: Seen) -> Step | None:
    """Return the step before all others unless a volume is at rest; None if it is."""
    status = volume.status or "unknown"
    if status == "reserved" and seen.stale:
        return Act(Kind.REPAIR, seen.stale[0])
    if status in _AT_REST:
        return None
    if status.startswith("error"):
        return Impossible(f"it is {one_line(status)}", "Delete it with state: absent, and create it again.")
    return Wait(status)


def _detached(volume: Volume, instance: Instance | None) -> Step | None:
    for each in volume.attachments:
        if instance is None or each.instance_uuid == instance.uuid:
            return Act(Kind.DETACH, each.instance_uuid)
    # In use without an attachment: the cloud's two records do not agree yet.
    return Wait("in-use") if volume.status == "in-use" and not volume.attachments else None


def _free_for(volume: Volume, goal: Goal) -> Step | None:
    """Return the detachment that precedes an attachment to another instance."""
    others = [each for each in volume.attachments if goal.instance and each.instance_uuid != goal.instance.uuid]
    if not others or len(others) < len(volume.attachments):
        return None
    if not goal.may_detach:
        return Impossible(f"it is attached to {_name_of(others[0])}", "To move it, set detach: true.")
    return Act(Kind.DETACH, others[0].instance_uuid)


def _properties(volume: Volume, goal: Goal, seen: Seen) -> Step | None:
    if goal.size is not None and volume.size is not None and goal.size != volume.size:
        if goal.size < volume.size:
            return Impossible(f"it has {volume.size} GB, and a volume cannot shrink to {goal.size} GB")
        return Act(Kind.GROW)
    if goal.description is not None and goal.description != volume.description:
        return Act(Kind.DESCRIBE)
    return _snapshot(goal.snapshot, seen)


def _snapshot(name: str | None, seen: Seen) -> Step | None:
    if name is None:
        return None
    called = [each for each in seen.snapshots if each.name == name]
    if not called:
        return Act(Kind.SNAPSHOT)
    if any(each.status == "available" for each in called):
        return None
    found = called[0]
    if (found.status or "").startswith("error"):
        return Impossible(f"its snapshot {found.label} is {one_line(found.status or '')}")
    return Wait(f"{found.status} its snapshot {found.label}")


def _attached(volume: Volume, goal: Goal) -> Step | None:
    if goal.state is not State.ATTACHED or goal.instance is None:
        return None
    if any(each.instance_uuid == goal.instance.uuid for each in volume.attachments):
        return None
    return Act(Kind.ATTACH, goal.instance.uuid)


def _towards_absent(goal: Goal, seen: Seen) -> Step | None:
    volume = seen.volume
    if volume is None:
        return None
    if volume.attachments and volume.status == "in-use":
        if not goal.may_detach:
            return Impossible(
                f"it is attached to {_name_of(volume.attachments[0])}",
                "To detach it before the deletion, set detach: true.",
            )
        return Act(Kind.DETACH, volume.attachments[0].instance_uuid)
    if volume.status in _DELETABLE:
        return _without_snapshots(goal, seen) or Act(Kind.DELETE)
    if (volume.status or "").startswith("error"):
        return Impossible(f"it is {one_line(volume.status or '')}", _SITE)
    if volume.status == "reserved" and seen.stale:
        return Act(Kind.REPAIR, seen.stale[0])
    return Wait(volume.status or "unknown")


def _without_snapshots(goal: Goal, seen: Seen) -> Step | None:
    if not seen.snapshots:
        return None
    if not goal.may_delete_snapshots:
        names = ", ".join(each.label for each in seen.snapshots)
        return Impossible(f"it has snapshots ({names})", "To delete them with it, set delete_snapshots: true.")
    pending = next((each for each in seen.snapshots if each.status == "deleting"), None)
    return Wait("deleting its snapshots") if pending else Act(Kind.DELETE_SNAPSHOT, seen.snapshots[0].uuid)


def _name_of(attachment: Attachment) -> str:
    return one_line(attachment.instance_name or attachment.instance_uuid)


def foresee(seen: Seen, act: Act, goal: Goal, created: Volume | None) -> Seen:
    """Return the observation after an act is done. ``created``: the volume as it would be created."""
    volume = seen.volume
    if volume is None or act.kind is Kind.DELETE:
        return Seen(created if act.kind is Kind.CREATE else None)
    return _changed(seen, volume, act, goal)


def _changed(seen: Seen, volume: Volume, act: Act, goal: Goal) -> Seen:
    if act.kind is Kind.GROW:
        return replace(seen, volume=replace(volume, size=goal.size))
    if act.kind is Kind.DESCRIBE:
        return replace(seen, volume=replace(volume, description=goal.description or ""))
    if act.kind is Kind.SNAPSHOT:
        made = Snapshot("", goal.snapshot or "", volume.uuid, volume.size, "available")
        return replace(seen, snapshots=(*seen.snapshots, made))
    if act.kind is Kind.DELETE_SNAPSHOT:
        return replace(seen, snapshots=tuple(each for each in seen.snapshots if each.uuid != act.target))
    if act.kind is Kind.REPAIR:
        stale = tuple(each for each in seen.stale if each != act.target)
        return replace(seen, stale=stale, volume=volume if stale else replace(volume, status="available"))
    if act.kind is Kind.DETACH:
        left = tuple(each for each in volume.attachments if each.instance_uuid != act.target)
        return replace(seen, volume=_with(volume, left))
    if act.kind is Kind.ATTACH and goal.instance is not None:
        new = Attachment(goal.instance.uuid, goal.instance.id, goal.instance.name)
        return replace(seen, volume=_with(volume, (*volume.attachments, new)))
    return seen


def settled(seen: Seen) -> Seen:
    """Return the observation after the cloud has finished its current work."""
    volume = seen.volume
    if volume is None or volume.status == "deleting":
        return Seen(None)
    snapshots = tuple(replace(each, status="available") for each in seen.snapshots if each.status != "deleting")
    left = () if volume.status == "detaching" else volume.attachments
    return replace(seen, volume=_with(volume, left), snapshots=snapshots)


def _with(volume: Volume, attachments: tuple[Attachment, ...]) -> Volume:
    return replace(volume, attachments=attachments, status="in-use" if attachments else "available")
