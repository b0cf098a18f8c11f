# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds from YAML files. seeds/demo.yaml shows the usual entries, the other seeds all that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from ..clock import Clock
from ..settings import Settings
from .fleets import SIZES
from .records import Identity, Instance, Period, Quota, Size, Snapshot, User, Version
from .state import World

Entry = dict[str, Any]
# The faster of the safe loaders, where PyYAML was built with it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SEEDS = Path(__file__).parent.parent / "seeds"
_SECTIONS = (
    "users",
    "providers",
    "identities",
    "groups",
    "sizes",
    "images",
    "projects",
    "allocation_sources",
    "instances",
    "volumes",
    "maintenance",
)


class BadSeed(ValueError):
    """A seed file has an error."""


def load(path: Path, *, clock: Clock | None = None, settings: Settings | None = None) -> World:
    """Return the world that a file describes. Raises BadSeed, and OSError if the file cannot be read."""
    try:
        data = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - safe, either of them
        return from_data(data or {}, clock=clock, settings=settings)
    except (yaml.YAMLError, KeyError, TypeError, ValueError, StopIteration) as problem:
        raise BadSeed(f"{path}: {problem!r}") from problem


def from_data(data: Mapping[str, Any], *, clock: Clock | None = None, settings: Settings | None = None) -> World:
    """Return the world that such data describe."""
    unknown = set(data) - set(_SECTIONS)
    if unknown:
        raise BadSeed(f"unknown sections: {', '.join(sorted(unknown))}")
    world = World(clock, settings)
    builder = _Builder(world)
    for section in _SECTIONS:
        entries = data.get(section)
        if entries is None:
            builder.by_default(section)
            continue
        for entry in entries:
            getattr(builder, f"add_{section}")(_dated(dict(entry), world.created))
    return world


def _dated(entry: Entry, now: datetime) -> Entry:
    """Turn "start_days_ago" and its like into dates; keep dates as they are, in UTC."""
    for key in list(entry):
        if key.endswith("_days_ago"):
            entry[f"{key.removesuffix('_days_ago')}_date"] = now - timedelta(days=entry.pop(key))
        elif isinstance(entry[key], datetime):
            entry[key] = entry[key].astimezone(UTC) if entry[key].tzinfo else entry[key].replace(tzinfo=UTC)
    return entry


class _Builder:
    """Adds the entries of each section, which refer to those of earlier ones by name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._quotas: dict[str, Quota] = {}

    def by_default(self, section: str) -> None:
        """Add the default of a section that is left out: an identity for each user and provider, Jetstream's sizes."""
        world = self._world
        if section == "identities":
            for user in world.users.values():
                for provider in world.providers:
                    world.add_identity(user, provider)
        if section == "sizes":
            for provider in world.providers:
                for name, (cpu, mem, disk) in SIZES.items():
                    world.add_size(name, provider, cpu=cpu, mem=mem, disk=disk)

    def add_users(self, entry: Entry) -> None:
        self._world.add_user(**entry)

    def add_providers(self, entry: Entry) -> None:
        kinds = entry.pop("kinds_start_date", None)
        self._world.add_provider(**entry, kinds_start_date=tuple(kinds) if kinds else None)

    def add_identities(self, entry: Entry) -> None:
        user = self._world.users[entry.pop("user")]
        provider = _named(self._world.providers, entry.pop("provider", None))
        quota = entry.pop("quota", None)
        if quota is not None:
            quota = self._quotas.setdefault(quota["uuid"], Quota(**quota))
        uuids = entry.pop("credential_uuids", None)
        more = {"credential_uuids": tuple(uuids)} if uuids else {}
        self._world.add_identity(user, provider, quota=quota, **more, **entry)

    def add_groups(self, entry: Entry) -> None:
        users = [self._world.users[name] for name in entry.pop("users")]
        leaders = entry.pop("leaders", None)
        self._world.add_group(
            users=users, leaders=[self._world.users[name] for name in leaders] if leaders else None, **entry
        )

    def add_sizes(self, entry: Entry) -> None:
        provider = _named(self._world.providers, entry.pop("provider", None))
        self._world.add_size(provider=provider, **entry)

    def add_images(self, entry: Entry) -> None:
        owner = self._world.users[entry.pop("created_by", next(iter(self._world.users)))]
        version = _dated(dict(entry.pop("version")), self._world.created)
        image = self._world.add_image(created_by=owner, **entry)
        self._world.add_version(image=image, identity=self._identity(owner, None), **version)

    def add_projects(self, entry: Entry) -> None:
        owner = self._world.groups[entry.pop("owner")]
        creator = entry.pop("created_by", None)
        self._world.add_project(owner=owner, created_by=self._world.users[creator] if creator else None, **entry)

    def add_allocation_sources(self, entry: Entry) -> None:
        users = [self._world.users[name] for name in entry.pop("users")]
        snapshots = entry.pop("snapshots", None)
        if snapshots is not None:
            entry["snapshots"] = {name: Snapshot(**_dated(dict(each), _NEVER)) for name, each in snapshots.items()}
        self._world.add_allocation_source(users=users, **entry)

    def add_instances(self, entry: Entry) -> None:
        world = self._world
        identity = self._identity(world.users[entry.pop("owner")], entry.pop("provider", None))
        size = self._size(entry.pop("size"), identity)
        finishes_in = entry.pop("finishes_in", None)
        rows = entry.pop("history", None)
        instance = world.add_instance(
            identity=identity,
            size=size,
            version=self._version(entry.pop("image", None)),
            project=_named_or_none(world.projects, entry.pop("project", None)),
            allocation_source=_named_or_none(world.allocation_sources, entry.pop("allocation_source", None)),
            history=self._history(rows, identity, size) if rows else None,
            **entry,
        )
        if finishes_in is not None:
            world.cloud.finish_deploying(world.cloud.vms[instance.uuid], finishes_in, world.created)

    def _history(self, rows: Iterable[Entry], identity: Identity, size: Size) -> list[Period]:
        periods = []
        for row in rows:
            entry = _dated(dict(row), self._world.created)
            flavor = self._size(entry.pop("size"), identity) if "size" in entry else size
            start, end = entry.pop("start_date"), entry.pop("end_date", None)
            status, activity = entry.pop("status"), entry.pop("activity", "")
            periods.append(self._world.period(status, activity, flavor, start, end, **entry))
        return periods

    def add_volumes(self, entry: Entry) -> None:
        identity = self._identity(self._world.users[entry.pop("owner")], entry.pop("provider", None))
        attached_to, device = entry.pop("attached_to", None), entry.pop("device", "/dev/sdb")
        project = _named_or_none(self._world.projects, entry.pop("project", None))
        volume = self._world.add_volume(identity=identity, project=project, **entry)
        if attached_to is not None:
            self._world.attach(volume, self._instance(attached_to), device)

    def add_maintenance(self, entry: Entry) -> None:
        provider = entry.pop("provider", None)
        self._world.add_maintenance(provider=_named(self._world.providers, provider) if provider else None, **entry)

    def _identity(self, user: User, provider: str | None) -> Identity:
        return next(
            each for each in self._world.identities if each.user is user and provider in (None, each.provider.name)
        )

    def _size(self, name: str, identity: Identity) -> Size:
        return next(each for each in self._world.sizes if each.name == name and each.provider is identity.provider)

    def _version(self, image: str | None) -> Version:
        return next(each for each in self._world.versions if image in (None, each.image.name))

    def _instance(self, name: str) -> Instance:
        return self._world.instance(name)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _named(things: list[Any], name: str | None) -> Any:
    """Return the thing with a name; without one, the first."""
    return next(each for each in things if name in (None, each.name))


def _named_or_none(things: list[Any], name: str | None) -> Any:
    return None if name is None else _named(things, name)
