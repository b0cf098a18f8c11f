# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of Cloud for a practice fleet: instances are rows of a file, and their changes take seconds."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from ...catalog import Catalog
from ...clock import Clock
from ...cloud import AccessStore, Consoles, ImageStore, Launcher, ProjectStore, VolumeStore
from ...errors import ConfigurationError, Conflict, JetstreamError, NotFound, Refused
from ...flavors import family_of
from ...model import (
    AllocationSource,
    CloudAccount,
    ConsoleUrl,
    Flavor,
    Identity,
    Image,
    Instance,
    Project,
    Provider,
    StatusPeriod,
    Volume,
)
from ...states import TRANSITIONS, WAKING_ACTIONS, Action, Kind, RestingState, classify
from .fleet_file import FleetFile

_NAMESPACE = uuid.UUID("6f0f6d3a-4f0e-4a39-9d2f-6c1b7a5e2d10")
_HOUR = 3600.0
# The duration of each action.
_SECONDS = 2.0
# Like nova, which keeps only the last lines of a console. An instance prints a line a minute.
_MOST_LINES = 1000
_BUSY_PERCENT = 70
_ACTIVITIES: Mapping[Action, str] = {
    Action.START: "powering-on",
    Action.STOP: "powering-off",
    Action.SUSPEND: "suspending",
    Action.RESUME: "resuming",
    Action.SHELVE: "shelving",
    Action.UNSHELVE: "unshelving",
    Action.UNPAUSE: "unpausing",
    Action.REBOOT: "rebooting",
    Action.HARD_REBOOT: "rebooting_hard",
}
# The statuses that differ from the name of the state.
_STATUS = {RestingState.SHELVED: "shelved_offloaded"}


class PracticeConsoles:
    """The consoles of a practice fleet, with the lines that instances of Exosphere print."""

    kinds: Sequence[str] = ("novnc",)

    def __init__(self, cloud: PracticeCloud) -> None:
        """Read nothing yet."""
        self._cloud = cloud
        self.unsupported: Mapping[str, str] = {
            "novnc": "A practice fleet has no consoles for a browser.",
            "spice": "A practice fleet has no consoles for a browser.",
        }

    def url(self, instance: Instance, kinds: Sequence[str]) -> ConsoleUrl:
        """Raise Refused: there is no console for a browser. See Consoles."""
        raise Refused(f"{instance.label}: {self.unsupported['novnc']}")

    def text(self, instance: Instance, lines: int) -> str:
        """Return the last lines of a console. See Consoles."""
        return self._cloud.console_outputs([instance], lines).get(instance.uuid, "")


class PracticeCloud:
    """A practice fleet (docs/tour.md). It has instances and an allocation; everything else needs a real cloud."""

    max_concurrency = 16
    settle_seconds = 0.0
    no_address_seconds = 0.0
    first_poll_seconds = 1.5
    polls_are_current = True

    def __init__(self, file: FleetFile, clock: Clock) -> None:
        """Read nothing yet."""
        self._file = file
        self._clock = clock

    # --- reading

    def account(self) -> CloudAccount:
        """Return the account in the file. See Cloud."""
        content = self._file.read()
        project = None if _is_atmosphere(content) else content["project"]
        return CloudAccount("practice", "practice", content["user"], project, project and _uuid_of(content["project"]))

    def list_instances(
        self,
        *,
        live: bool,
        images: bool = True,
        all_images: bool = False,
        wanted: Callable[[Instance], bool] | None = None,
        unreadable: bool = False,
    ) -> list[Instance]:
        """Return all instances. See Cloud."""
        content = self._file.read()
        return [self._instance(content, number) for number in range(len(content["instances"]))]

    def list_volumes(
        self, *, live: bool, wanted: Callable[[Volume], bool] | None = None, strict: bool = False
    ) -> list[Volume]:
        """Return nothing: a practice fleet has no volumes. See Cloud."""
        return []

    def list_allocation_sources(self) -> list[AllocationSource]:
        """Return the only allocation. See Cloud."""
        return [self._allocation(self._file.read())]

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        """Return the states of each instance since its launch. See Cloud."""
        content = self._file.read()
        found: list[StatusPeriod] = []
        for number, row in enumerate(content["instances"]):
            instance = self._instance(content, number)
            changes = _changes(content, row)
            for at, (begun, status) in enumerate(changes):
                end = changes[at + 1][0] if at + 1 < len(changes) else None
                found.append(_period(len(found), instance, status, begun, end))
        return found

    def get_instance(self, instance: Instance) -> Instance:
        """Return the present state of an instance. See Cloud."""
        content = self._file.read()
        return self._instance(content, _number_of(content, instance))

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        """Return the present states of instances. See Cloud."""
        seen = {each.uuid: each for each in self.list_instances(live=True)}
        return {each.uuid: seen.get(each.uuid, each.gone()) for each in instances}

    def console_outputs(self, instances: Sequence[Instance], lines: int) -> Mapping[str, str]:
        """Return the lines that instances of Exosphere would have printed. See Cloud."""
        content = self._file.read()
        if _is_atmosphere(content):
            return {}
        found = {}
        for each in instances:
            row = content["instances"][_number_of(content, each)]
            if self._instance(content, _number_of(content, each)).status == "active":
                found[each.uuid] = self._console(content, row, min(lines, _MOST_LINES))
        return found

    def consoles(self) -> Consoles:
        """Return the consoles, which have no URLs. See Cloud."""
        return PracticeConsoles(self)

    # --- changing

    def unsupported_actions(self, instance: Instance) -> Mapping[Action, str]:
        """Return the actions that the flavor of an instance does not allow. See Cloud."""
        family = family_of(instance.flavor.name)
        if family is None or family.can_suspend:
            return {}
        return {Action.SUSPEND: f"its flavor {instance.flavor.name} cannot be suspended"}

    def act(self, instance: Instance, action: Action) -> None:
        """Begin an action. Its end is two seconds later. See Cloud."""

        def change(content: dict[str, Any]) -> None:
            number = _number_of(content, instance)
            now = classify(*self._status(content["instances"][number]))
            state = now.state if now.kind is Kind.RESTING else None
            if state is None or action not in TRANSITIONS[state]:
                raise Conflict(f"{action.capitalize()} of {instance.label} was refused: its state does not allow it.")
            self._start_action(content, content["instances"][number], action, TRANSITIONS[state][action])

        self._file.change(change)

    def metadata_refusal(self, instance: Instance) -> str | None:
        """Return the reason for a fleet without metadata. See Cloud."""
        return "Atmosphere has no metadata" if _is_atmosphere(self._file.read()) else None

    def set_metadata(self, instance: Instance, key: str, value: str | None) -> None:
        """Set or remove one key of the metadata. See Cloud."""

        def change(content: dict[str, Any]) -> None:
            metadata = content["instances"][_number_of(content, instance)].setdefault("metadata", {})
            metadata.pop(key, None)
            if value is not None:
                metadata[key] = value

        self._file.change(change)

    def restore(self, instances: Sequence[Instance]) -> tuple[Sequence[Instance], Sequence[str]]:
        """Return the instances unchanged: nothing is locked. See Cloud."""
        return instances, ()

    def failure_reason(self, instance: Instance) -> str | None:
        """Return None: no action fails. See Cloud."""
        return None

    # --- unsupported

    def volume_store(self) -> VolumeStore:
        """Raise ConfigurationError. See Cloud."""
        _refuse("volumes")

    def access_store(self) -> AccessStore:
        """Raise ConfigurationError. See Cloud."""
        _refuse("key pairs and security groups")

    def image_store(self) -> ImageStore:
        """Raise ConfigurationError. See Cloud."""
        _refuse("images")

    def project_store(self) -> ProjectStore:
        """Raise ConfigurationError. See Cloud."""
        _refuse("projects")

    def catalog(self) -> Catalog:
        """Raise ConfigurationError. See Cloud."""
        _refuse("catalog of images and flavors")

    def launcher(self) -> Launcher:
        """Raise ConfigurationError. See Cloud."""
        _refuse("launches")

    # --- without an effect

    def limit(self, until: float | None) -> None:
        """Do nothing: there are no requests. See Cloud."""

    def take_warnings(self) -> Sequence[str]:
        """Return no warnings: a malformed file is an error. See Cloud."""
        return ()

    def close(self) -> None:
        """Do nothing: there are no connections. See Cloud."""

    # --- from rows to instances

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _status(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """Return the present status and activity of a row."""
        going = row.get("going")
        if not going:
            return row["status"], ""
        return (going["status"], "") if self._now() >= going["until"] else (row["status"], going["activity"])

    def _start_action(self, content: dict[str, Any], row: dict[str, Any], action: Action, end: RestingState) -> None:
        """Begin an action that leads to the state ``end``. A fleet like Atmosphere changes or removes the address."""
        now = self._now()
        row.setdefault("first_status", row["status"])
        row["status"], _activity = self._status(row)
        until = now + _SECONDS
        status = _STATUS.get(end, end.value)
        row["going"] = {"status": status, "activity": _ACTIVITIES[action], "until": until}
        row["history"] = [*row.get("history", []), [until, status]]
        if _is_atmosphere(content):
            content["addresses"] = content.get("addresses", 100) + 1
            row["address"] = f"149.165.157.{content['addresses'] % 250}" if action in WAKING_ACTIONS else None

    def _instance(self, content: Mapping[str, Any], number: int) -> Instance:
        row = content["instances"][number]
        status, activity = self._status(row)
        atmosphere = _is_atmosphere(content)
        own = _uuid_of(row["name"])
        provider = "practice"
        return Instance(
            id=number + 1 if atmosphere else own,
            uuid=own,
            name=row["name"],
            status=status,
            activity=activity,
            live=True,
            flavor=Flavor(row["flavor"], int(row["vcpus"]), row.get("ram"), row.get("disk")),
            provider=Provider(provider, _uuid_of(provider)),
            identity=Identity(content["user"], _uuid_of(content["user"])),
            user=content["user"],
            owner=content["user"],
            ip_address=row.get("address"),
            image=Image(row["image"]) if row.get("image") else None,
            allocation_source=self._allocation(content),
            project=Project(content["project"], _uuid_of(content["project"])),
            start_date=_moment(_begun(content, row)).isoformat(timespec="seconds"),
            locked=None if atmosphere else False,
            metadata=None if atmosphere else dict(row.get("metadata", {})),
        )

    def _allocation(self, content: Mapping[str, Any]) -> AllocationSource:
        row = content["allocation"]
        end = _moment(content["began"]) + timedelta(days=float(row["days"]))
        return AllocationSource(
            name=row["name"],
            uuid=_uuid_of(row["name"]),
            compute_allowed=float(row["allowed"]),
            compute_used=float(row["used"]),
            updated=self._clock.now().isoformat(timespec="seconds"),
            start_date=(end - timedelta(days=365)).isoformat(timespec="seconds"),
            end_date=end.isoformat(timespec="seconds"),
        )

    def _console(self, content: Mapping[str, Any], row: Mapping[str, Any], lines: int) -> str:
        now = self._now()
        woken = max(begun for begun, _status in _changes(content, row))
        first = max(woken, now - lines * 60)
        idle_hours = row.get("idle_hours")
        used_until = now if idle_hours is None else content["began"] - idle_hours * _HOUR
        epochs = range(int(now) - 60 * int((now - first) // 60), int(now) + 1, 60)
        return "\n".join(_console_line(epoch, _BUSY_PERCENT if epoch <= used_until else 0) for epoch in epochs)


def _console_line(epoch: int, percent: int) -> str:
    used = {"epoch": epoch, "cpuPctUsed": percent, "memPctUsed": 20, "rootfsPctUsed": 30, "gpuPctUsed": None}
    return json.dumps(used)


def _changes(content: Mapping[str, Any], row: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Return the start (in seconds since 1970) and the status of each state of an instance, the oldest first."""
    first = row["first_status"] if "first_status" in row else row["status"]
    return [(_begun(content, row), first), *((each[0], each[1]) for each in row.get("history", []))]


def _begun(content: Mapping[str, Any], row: Mapping[str, Any]) -> float:
    begun: float = content["began"] - float(row["age_hours"]) * _HOUR
    return begun


def _period(number: int, instance: Instance, status: str, begun: float, end: float | None) -> StatusPeriod:
    return StatusPeriod(
        number=number,
        instance_id=instance.id,
        instance_uuid=instance.uuid,
        instance_name=instance.name,
        status=status,
        activity="",
        flavor=instance.flavor,
        start=_moment(begun),
        end=None if end is None else _moment(end),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _is_atmosphere(content: Mapping[str, Any]) -> bool:
    return bool(content["like"] == "atmosphere")


def _uuid_of(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


def _number_of(content: Mapping[str, Any], instance: Instance) -> int:
    for number, row in enumerate(content["instances"]):
        if _uuid_of(row["name"]) == instance.uuid:
            return number
    raise NotFound(f"{instance.label} is gone.")


def _refuse(things: str) -> NoReturn:
    raise ConfigurationError(f"A practice fleet has no {things}. Use a real cloud.")
