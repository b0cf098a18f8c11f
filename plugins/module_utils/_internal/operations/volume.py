# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_volume: brings one volume to a desired state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..cloud import Cloud, VolumeStore
from ..errors import ConfigurationError, NotFound, SelectionError
from ..fleet.selection import ME, Selector, owned_by_another
from ..fleet.steps import RunOptions
from ..fleet.volumes.run import Surroundings, VolumeRun
from ..fleet.volumes.steps import Goal, Seen, State
from ..model import Instance, Outcome, Snapshot, Volume, VolumeOptions
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec, refuse_blank, refuse_glob, refuse_long, refuse_loose, require_time
from ..text.suggestions import did_you_mean
from ..text.terminal import one_line

SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "name": {"type": "str"},
        "uuid": {"type": "str"},
        "state": {"type": "str", "default": "present", "choices": [each.value for each in State]},
        "size": {"type": "int"},
        "description": {"type": "str"},
        "project": {"type": "str"},
        "provider": {"type": "str"},
        "from_snapshot": {"type": "str"},
        "snapshot": {"type": "str"},
        "instance": {"type": "str"},
        "owner": {"type": "list", "elements": "str", "default": [ME]},
        "device": {"type": "str"},
        "detach": {"type": "bool", "default": False},
        "delete_snapshots": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": 300.0},
    },
    mutually_exclusive=(("name", "uuid"),),
    required_one_of=(("name", "uuid"),),
    required_if=(("state", "attached", ("instance",)),),
)
_NAMES = ("name", "uuid", "project", "provider", "from_snapshot", "snapshot", "instance", "device")
_OF_A_VOLUME = ("size", "description", "project", "provider", "from_snapshot", "snapshot")
Thing = TypeVar("Thing", Instance, Volume)


def volume(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Bring the volume that the options name to the state that they name."""
    options = _with_trimmed(options)
    begun = context.clock.monotonic()
    cloud.limit(begun + options["wait_timeout"])
    state = State(options["state"])
    store = cloud.volume_store()
    _require_sense(state, options, store)
    called = options["name"] if options["uuid"] is None else options["uuid"]

    def is_meant(each: Volume) -> bool:
        return _is_called(each, called)

    def listed() -> list[Volume]:
        return cloud.list_volumes(live=True, wanted=is_meant, strict=True)

    volumes = listed()
    if not any(map(is_meant, volumes)) and _may_lack(volumes, state, wait=options["wait"]):
        volumes = listed()
    owners, target = options["owner"], options["instance"]
    before = _present(store, _own(cloud, volumes, called, owners))
    if before is None:
        refuse_glob("name", called)
    instances = _instances(cloud, target, before)
    goal = Goal(
        state=state,
        name=called,
        size=options["size"],
        description=options["description"],
        instance=None if target is None else _own(cloud, instances, target, owners, needed=True),
        snapshot=options["snapshot"],
        may_detach=options["detach"],
        may_delete_snapshots=options["delete_snapshots"],
    )
    wanted = None if before or state is State.ABSENT else _wanted(store, options, state)
    known = Surroundings(
        instances={each.uuid: each for each in instances},
        request=None if wanted is None else store.prepare(wanted, volumes),
        find=lambda: _own(cloud, listed(), called, owners),
        find_older=lambda made: _older(made, _of_owners(cloud, listed(), owners)),
        device=options["device"],
    )
    settings = RunOptions(context.check_mode, options["wait"], options["wait_timeout"], begun)
    run = VolumeRun(store, context.clock, goal, settings, known, Seen(before))
    run.seen = run.observe(before)
    run.run()
    return _outcome(before, run)


def _with_trimmed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with the description as the clouds keep it.

    A block of YAML ends with a line break. With it, a volume would never be as it is to be.
    """
    given = options["description"]
    return {**options, "description": None if given is None else given.strip()}


def _require_sense(state: State, options: Mapping[str, Any], store: VolumeStore) -> None:
    """Raise ConfigurationError for options that contradict the state, or that the cloud does not have."""
    require_time(options)
    refuse_blank(options, _NAMES)
    refuse_loose(options, ("name", "snapshot"))
    refuse_long(options, ("name", "description", "snapshot"))
    given = {name for name in (*_OF_A_VOLUME, "instance", "device", "delete_snapshots") if options[name]}
    strange = {
        State.ABSENT: {*_OF_A_VOLUME, "instance", "device"},
        State.PRESENT: {"instance", "device", "delete_snapshots"},
        State.ATTACHED: {"delete_snapshots"},
        State.DETACHED: {"device", "delete_snapshots"},
    }[state]
    if given & strange:
        raise ConfigurationError(f"state: {state} does not accept {' and '.join(sorted(given & strange))}.")
    for name in sorted(given & set(store.unsupported)):
        raise ConfigurationError(f"{name}: {store.unsupported[name]}")
    if options["size"] is not None and options["size"] < 1:
        raise ConfigurationError(f"size is {options['size']}, but must be at least 1 GB.")


def _may_lack(volumes: Sequence[Volume], state: State, *, wait: bool) -> bool:
    """Return whether a list without the volume may lack it, so that it is read once more. Both cases are rare.

    A row may have no name. And without a wait, a run that creates a volume does not see a second one of its name.
    """
    creates = state in (State.PRESENT, State.ATTACHED)
    return (creates and not wait) or any(each.name in ("", each.uuid) for each in volumes)


def _is_called(thing: Volume | Instance, text: str) -> bool:
    return text == thing.name or text.strip().lower() in (str(thing.id).lower(), thing.uuid.lower())


def _own(
    cloud: Cloud, things: Sequence[Thing], called: str, owners: Sequence[str], *, needed: bool = False
) -> Thing | None:
    """Return the volume or instance of a name, number or UUID that belongs to one of these owners.

    Raises SelectionError if there are several, if it is another user's, or if it is ``needed`` and there is none.
    """
    found = [each for each in things if _is_called(each, called)]
    own = _of_owners(cloud, found, owners)
    if len(own) > 1:
        numbers = ", ".join(each.uuid for each in own)
        raise SelectionError(f"The name {one_line(called)} is ambiguous.", hint=f"Use a UUID: {numbers}.")
    if own:
        return own[0]
    if found:
        raise SelectionError(owned_by_another(found[0].label, found[0].owner, owners))
    if needed:
        guess = did_you_mean(called, [each.name for each in things])
        raise SelectionError(f"There is no instance {one_line(called)}.", hint=guess or None)
    return None


def _of_owners(cloud: Cloud, things: Sequence[Thing], owners: Sequence[str]) -> list[Thing]:
    selector = Selector(owners=tuple(owners)).with_account(cloud.account)
    return [each for each in things if cloud.account().user is None or selector.is_of_owner(each.owner)]


def _older(made: Volume, volumes: Sequence[Volume]) -> Volume | None:
    """Return the oldest volume of the name of one that was created just now; None if that is it."""
    called = [each for each in volumes if each.name == made.name]
    oldest = min(called, key=lambda each: (each.start_date or "~", each.uuid), default=None)
    return None if oldest is None or oldest.uuid == made.uuid else oldest


def _present(store: VolumeStore, found: Volume | None) -> Volume | None:
    """Return a volume with its status. A database may still have what the cloud has no more."""
    if found is None or found.status is not None:
        return found
    try:
        return store.get(found)
    except NotFound:
        return None


def _instances(cloud: Cloud, called: str | None, volume: Volume | None) -> list[Instance]:
    """Return the instances, if any matter, with the states of those that do."""
    attached = {each.instance_uuid for each in volume.attachments} if volume else set()
    if called is None and not attached:
        return []

    def matters(instance: Instance) -> bool:
        return instance.uuid in attached or (called is not None and _is_called(instance, called))

    return cloud.list_instances(live=True, images=False, wanted=matters)


def _wanted(store: VolumeStore, options: Mapping[str, Any], state: State) -> VolumeOptions:
    """Return the volume to create. Raises SelectionError if it is not to be created."""
    called = one_line(options["name"] or options["uuid"])
    if options["uuid"] is not None or state is State.DETACHED:
        raise SelectionError(f"There is no volume {called}.")
    source = _snapshot(store, options["from_snapshot"])
    size = options["size"] or (source.size if source else None)
    if size is None:
        raise SelectionError(f"There is no volume {called}.", hint="To create it, set size.")
    if source is not None and source.size is not None and size < source.size:
        raise SelectionError(
            f"size is {size} GB, but must be at least the {source.size} GB of the snapshot {source.label}."
        )
    return VolumeOptions(options["name"], size, options["description"], source, options["project"], options["provider"])


def _snapshot(store: VolumeStore, called: str | None) -> Snapshot | None:
    if called is None:
        return None
    snapshots = store.list_snapshots()
    found = [each for each in snapshots if called in (each.name, each.uuid)]
    if len(found) > 1:
        uuids = ", ".join(each.uuid for each in found)
        raise SelectionError(f"from_snapshot: the name {called} is ambiguous.", hint=f"Use a UUID: {uuids}.")
    if not found:
        guess = did_you_mean(called, [each.name for each in snapshots])
        raise SelectionError(f"from_snapshot: there is no snapshot {called}.", hint=guess or None)
    if found[0].status != "available":
        raise SelectionError(f"from_snapshot: {found[0].label} is {found[0].status}, but must be available.")
    return found[0]


def _outcome(before: Volume | None, run: VolumeRun) -> Outcome:
    after = run.seen.volume
    changed = bool(run.acts)
    return Outcome(
        {
            "volume": None if after is None else {**after.to_result(), "serial": after.uuid},
            "actions": [each.value for each in run.acts],
            "unclear": run.unclear,
        },
        changed=changed,
        failure=run.failure,
        diff={"before": _text(before), "after": _text(after)},
    )


def _text(volume: Volume | None) -> str:
    """Return a volume in lines, for a diff."""
    if volume is None:
        return ""
    where = ", ".join(one_line(each.instance_name or each.instance_uuid) for each in volume.attachments)
    lines = {
        "name": one_line(volume.name),
        "size": f"{volume.size} GB",
        "status": one_line(volume.status or "unknown"),
        "description": one_line(volume.description),
        "attached to": where,
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items() if value)


OPERATION = on_cloud(volume)
