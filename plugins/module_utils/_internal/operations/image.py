# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_image: makes an image of an instance, changes it in place, or deletes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..cloud import Cloud, ImageStore
from ..errors import ConfigurationError, SelectionError
from ..fleet.images.run import ImageRun, Surroundings
from ..fleet.images.steps import BEING_MADE, LEAVING, Goal, Seen, State, properties_of
from ..fleet.one_instance import one_of
from ..fleet.selection import ME, Selector
from ..fleet.steps import RunOptions
from ..model import Instance, Outcome, ProjectImage
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec, as_texts, refuse_blank, refuse_glob, require_time
from ..text.taken import METADATA_KEY_HINT, NAME_HINT, is_metadata_key, is_name
from ..text.terminal import one_line

SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "name": {"type": "str"},
        "uuid": {"type": "str"},
        "state": {"type": "str", "default": "present", "choices": [each.value for each in State]},
        "instance": {"type": "str"},
        "force": {"type": "bool", "default": False},
        "visibility": {"type": "str", "choices": ["private", "shared", "community"]},
        "members": {"type": "list", "elements": "str"},
        "description": {"type": "str"},
        "properties": {"type": "dict"},
        "protected": {"type": "bool"},
        "delete_snapshots": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": 1800.0},
    },
    mutually_exclusive=(("name", "uuid"), ("uuid", "instance")),
    required_one_of=(("name", "uuid"),),
)
_OF_AN_IMAGE = ("instance", "visibility", "members", "description", "properties", "protected")
_LONGEST = 255
_SHELVED = frozenset({"shelved", "shelved_offloaded"})
# Nova calls the disk of a shelved instance so, after the name that the instance has then.
_DISK = "-shelved"


def image(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Bring the image that the options name to the state that they name."""
    begun = context.clock.monotonic()
    cloud.limit(begun + options["wait_timeout"])
    store = cloud.image_store()
    goal = _goal(options)
    _require_sense(goal, options, store)
    before = _only(store.list_images(goal.name), goal.name)
    if before is None:
        refuse_glob("name", goal.name)
    if before is None and options["instance"] is not None:
        _require_taken(goal)
    seen = _seen(cloud, goal, before, options["instance"])
    completed = _completed(store, goal)
    known = Surroundings(cloud.get_instance, cloud.failure_reason, completed)
    settings = RunOptions(context.check_mode, options["wait"], options["wait_timeout"], begun)
    first = completed(seen)
    run = ImageRun(store, context.clock, goal, settings, known, first)
    run.run()
    return _outcome(first, run)


OPERATION = on_cloud(image)


def _goal(options: Mapping[str, Any]) -> Goal:
    members, properties = options["members"], options["properties"]
    return Goal(
        state=State(options["state"]),
        name=options["name"] if options["uuid"] is None else options["uuid"],
        visibility=options["visibility"],
        description=options["description"],
        properties=None if properties is None else as_texts("properties", properties),
        protected=options["protected"],
        members=None if members is None else frozenset(members),
        may_run=options["force"],
        may_be_used=options["force"],
        deletes_snapshots=options["delete_snapshots"],
    )


def _require_sense(goal: Goal, options: Mapping[str, Any], store: ImageStore) -> None:
    """Raise ConfigurationError for options that contradict each other, or that the cloud would refuse."""
    require_time(options)
    refuse_blank(options, ("instance",))
    if not goal.name.strip() or len(goal.name) > _LONGEST:
        raise ConfigurationError(f"The name of an image must have 1 to {_LONGEST} characters.")
    given = [name for name in _OF_AN_IMAGE if options[name] is not None]
    if goal.state is State.ABSENT and given:
        raise ConfigurationError(f"state: absent does not accept {' and '.join(given)}.")
    if goal.state is State.PRESENT and options["delete_snapshots"]:
        raise ConfigurationError("state: present does not accept delete_snapshots.")
    if goal.members and goal.visibility not in (None, "shared"):
        raise ConfigurationError(
            f"members requires visibility: shared, but visibility is {goal.visibility}.", hint="Set visibility: shared."
        )
    for name, value in properties_of(goal).items():
        if name in store.reserved:
            raise ConfigurationError(f"properties: {one_line(name)} is reserved by the cloud.")
        if not name.strip() or len(name) > _LONGEST or len(value) > _LONGEST:
            raise ConfigurationError(
                f"properties: names and values may have at most {_LONGEST} characters ({one_line(name)})."
            )


def _require_taken(goal: Goal) -> None:
    """Raise ConfigurationError for what nova does not take with an image, and glance would take later."""
    if not is_name(goal.name):
        raise ConfigurationError(f"name: {goal.name!r} is not a valid name of an image.", hint=NAME_HINT)
    for name in properties_of(goal):
        if not is_metadata_key(name):
            raise ConfigurationError(
                f"properties: {one_line(name)} is no key for nova, which makes the image.",
                hint=METADATA_KEY_HINT,
            )


def _only(images: Sequence[ProjectImage], called: str) -> ProjectImage | None:
    if len(images) > 1:
        uuids = ", ".join(each.uuid for each in images)
        raise SelectionError(f"The name {one_line(called)} is ambiguous.", hint=f"Use uuid: {uuids}.")
    return images[0] if images else None


def _seen(cloud: Cloud, goal: Goal, before: ProjectImage | None, instance: str | None) -> Seen:
    """Return the first observation. Instances are listed only if something depends on them."""
    # One that is being deleted is made again.
    is_made = goal.state is State.PRESENT and (before is None or before.status in LEAVING)
    if is_made and instance is not None:
        listed = cloud.list_instances(live=True, images=False)
        return Seen(before, source=_instance(cloud, listed, instance))
    if before is None or (goal.state is State.PRESENT and before.status not in BEING_MADE):
        return Seen(before)
    listed = cloud.list_instances(live=True, images=False)
    source = next((each for each in listed if each.uuid == before.instance_uuid), None)
    users = tuple(each.label for each in listed if each.image is not None and each.image.uuid == before.uuid)
    return Seen(before, source=source, users=users, disk_of=_disk_of(before, source))


def _instance(cloud: Cloud, listed: Sequence[Instance], called: str) -> Instance:
    """Return the account's own instance of a name or UUID. Raises SelectionError unless there is exactly one."""
    selector = Selector(names=(called,), owners=(ME,)).with_account(cloud.account)
    return one_of(listed, called, selector)


def _disk_of(image: ProjectImage, source: Instance | None) -> str | None:
    """Return the shelved instance whose disk an image is: without it, the instance is lost."""
    if source is None or not image.name.endswith(_DISK):
        return None
    is_shelved = source.status in _SHELVED or source.activity.startswith("shelving")
    return source.label if is_shelved else None


def _completed(store: ImageStore, goal: Goal) -> Callable[[Seen], Seen]:
    """Return the function that adds to an observation what the goal depends on."""

    def completed(seen: Seen) -> Seen:
        image = seen.image
        if image is None or not image.uuid:
            return seen
        if goal.members is not None and image.visibility == "shared":
            seen = replace(seen, members=frozenset(store.members(image)))
        if goal.state is State.ABSENT:
            states = {uuid: store.snapshot_status(uuid) for uuid in image.snapshots}
            seen = replace(seen, snapshots={uuid: status for uuid, status in states.items() if status is not None})
        return seen

    return completed


def _outcome(first: Seen, run: ImageRun) -> Outcome:
    after, before = run.seen, first.image
    goal = run.goal
    return Outcome(
        {
            "image": None if after.image is None else after.image.to_result(),
            "actions": [each.value for each in run.acts],
            "used_by": list(first.users),
            "unclear": run.unclear is not None,
        },
        changed=bool(run.acts),
        failure=run.failure,
        warnings=_warnings(before, run),
        diff={"before": _text(goal, first), "after": _text(goal, after)},
    )


def _warnings(before: ProjectImage | None, run: ImageRun) -> tuple[str, ...]:
    """Return what is left behind: the snapshots of volumes count in the quota of the project."""
    left = run.seen.snapshots
    if before is None or run.goal.deletes_snapshots or run.seen.image is not None or not left:
        return ()
    named = ", ".join(sorted(left))
    return (f"{before.label}: its snapshots of volumes are kept (delete_snapshots): {named}.",)


def _text(goal: Goal, seen: Seen) -> str:
    """Return an image in lines, for a diff: of its properties, those that are given alone."""
    image = seen.image
    if image is None:
        return ""
    given = {name: image.properties.get(name, "") for name in sorted(properties_of(goal))}
    lines = {
        "name": image.name,
        "visibility": image.visibility,
        "protected": str(image.protected).lower(),
        "members": ", ".join(sorted(seen.members)),
        **given,
    }
    return "".join(f"{one_line(name)}: {one_line(value)}\n" for name, value in lines.items() if value)
