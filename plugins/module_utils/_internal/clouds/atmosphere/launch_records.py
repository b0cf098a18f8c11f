# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the launches at a site on disk, since Atmosphere cannot store marks on instances.

A record is written before the request, and completed with the instance's UUID after the response. If a run is killed in
between, a later run matches the record with the instance by name, user, project and start. See docs/atmosphere.md,
Launching.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ...clock import Clock
from ...files import make_folder
from ...json_file import MalformedFile, read_json, write_json
from ...model import Instance, Launch, LaunchFacts
from ...state_folder import xdg_state_folder
from ...times import iso, moment, moment_or_none

_FORMAT = 1
_SUFFIX = ".json"
# An instance may start so much before its launch was recorded, if the clocks differ, or after it, if the request waits.
_EARLIEST = timedelta(minutes=5)
_LATEST = timedelta(minutes=15)
# The age at which a record without an instance is removed, and one whose instance is no longer listed.
_OPEN_FOR = timedelta(days=1)
_KEPT = timedelta(days=400)


def records_folder(environ: Mapping[str, str], home: Path | None) -> Path:
    """Return the folder of the records. Raises ConfigurationError if the shared state folder is missing."""
    return xdg_state_folder(environ, home) / "launches"


@dataclass(frozen=True, slots=True)
class _Record:
    """A launch. ``at``: the time of the request. ``uuid``: that of its instance; None while it is unknown.

    ``project``: its UUID. ``listed``: the UUIDs of all instances before the launch. ``latest``: the latest start among
    these, by the server's clock. Only the run that requested the launch knows both.
    """

    token: str
    name: str
    group: str
    user: str | None
    project: str | None
    at: datetime
    uuid: str | None = None
    listed: frozenset[str] | None = None
    latest: datetime | None = None

    @property
    def facts(self) -> LaunchFacts:
        """The marks of the instance."""
        return LaunchFacts(self.group, self.token)

    def may_be(self, instance: Instance) -> bool:
        """Return whether the launch may have created an instance."""
        started = moment_or_none(instance.start_date)
        if instance.name != self.name or started is None or self.user not in (None, instance.owner):
            return False
        # The list may show an instance a moment before it has its project.
        known = None if instance.project is None else instance.project.uuid
        if None not in (known, self.project) and known != self.project:
            return False
        if self.listed is not None and instance.uuid not in self.listed:
            # Independent of the controller's clock, which may differ by hours from the server's.
            return self.latest is None or started >= self.latest
        return self.at - _EARLIEST <= started <= self.at + _LATEST


class LaunchRecords:
    """The records of one site. May be used by many threads and processes at once.

    Records that cannot be written last as long as the run. ``problem``: a sentence on the failure, or None.
    """

    def __init__(self, folder: Path, site: str, clock: Clock) -> None:
        """Read and write nothing yet."""
        self._folder = folder / hashlib.sha256(site.encode()).hexdigest()[:32]
        self._clock = clock
        self._own: dict[str, _Record] = {}
        self._listed: frozenset[str] | None = None
        self._latest: datetime | None = None
        self.problem: str | None = None

    def begin(self, launch: Launch, user: str | None, project: str | None) -> None:
        """Record a launch that is about to be requested. ``project``: its UUID."""
        now = self._clock.now().astimezone(UTC)
        record = _Record(launch.token, launch.name, launch.group, user, project, now)
        self._write(replace(record, listed=self._listed, latest=self._latest))

    def settle(self, token: str, uuid: str) -> None:
        """Record the instance that a launch created."""
        record = self._own.get(token)
        if record is not None and record.uuid is None:
            self._write(replace(record, uuid=uuid))

    def withdraw(self, token: str) -> None:
        """Remove the record of a launch that was certainly not carried out."""
        self._own.pop(token, None)
        self._remove(token)

    def found(self, launches: Sequence[Launch], instances: Iterable[Instance]) -> dict[str, Instance]:
        """Return the instances of these launches of this run, by token."""
        marked = {each.facts.token: each for each in self.marked(list(instances))}
        return {each.token: marked[each.token] for each in launches if each.token in marked}

    def marked(self, instances: Sequence[Instance]) -> list[Instance]:
        """Return the instances with the marks of their launches.

        ``instances``: all that the account can see. Old records without an instance among them are removed.
        """
        records = self._all()
        starts = [start for each in instances if (start := moment_or_none(each.start_date)) is not None]
        self._listed, self._latest = frozenset(each.uuid for each in instances), max(starts, default=self._latest)
        if not records:
            return list(instances)
        by_uuid = {each.uuid: each for each in records if each.uuid is not None}
        by_uuid |= self._matched(records, [each for each in instances if each.uuid not in by_uuid])
        self._forget_old(records, {each.uuid for each in instances})
        return [replace(each, facts=by_uuid[each.uuid].facts) if each.uuid in by_uuid else each for each in instances]

    def _matched(self, records: Iterable[_Record], instances: Iterable[Instance]) -> dict[str, _Record]:
        """Match records without a UUID with instances without a record. Returns the records by the UUID.

        If a name has more instances than launches, another client created one of them, and none is matched.
        """
        unmatched: dict[str, list[_Record]] = defaultdict(list)
        for record in sorted(records, key=lambda each: each.at):
            if record.uuid is None:
                unmatched[record.name].append(record)
        candidates_by_name: dict[str, list[Instance]] = defaultdict(list)
        for instance in sorted(instances, key=lambda each: (each.start_date or "", each.id)):
            if any(each.may_be(instance) for each in unmatched.get(instance.name, ())):
                candidates_by_name[instance.name].append(instance)
        matched = {}
        for name, candidates in candidates_by_name.items():
            # If only some of several launches were carried out, those are usually the last ones.
            launches = unmatched[name][-len(candidates) :]
            if len(launches) < len(candidates):
                continue
            for record, instance in zip(launches, candidates, strict=True):
                matched[instance.uuid] = replace(record, uuid=instance.uuid)
                self._write(matched[instance.uuid])
        return matched

    def _forget_old(self, records: Iterable[_Record], listed: set[str]) -> None:
        now = self._clock.now().astimezone(UTC)
        for each in records:
            age = now - each.at
            if each.uuid not in listed and age > (_OPEN_FOR if each.uuid is None else _KEPT):
                self.withdraw(each.token)

    # --- on disk

    def _all(self) -> list[_Record]:
        try:
            names = [each.name for each in self._folder.iterdir() if each.name.endswith(_SUFFIX)]
        except OSError:
            names = []
        stored = {token: self._read(token) for token in (name.removesuffix(_SUFFIX) for name in names)}
        known = {token: record for token, record in stored.items() if record is not None}
        return list({**known, **self._own}.values())

    def _read(self, token: str) -> _Record | None:
        try:
            return read_json(self._path(token), lambda content: _parsed(token, content))
        except (OSError, MalformedFile):
            return None

    def _write(self, record: _Record) -> None:
        self._own[record.token] = record
        content = {
            "format": _FORMAT,
            "name": record.name,
            "group": record.group,
            "user": record.user,
            "project": record.project,
            "at": iso(record.at),
            "uuid": record.uuid,
        }
        try:
            make_folder(self._folder, private=True)
            write_json(self._path(record.token), content)
        except OSError as error:
            self.problem = f"Launches cannot be recorded in {self._folder}: {error.strerror or error}."

    def _remove(self, token: str) -> None:
        try:
            self._path(token).unlink(missing_ok=True)
        except OSError:
            return

    def _path(self, token: str) -> Path:
        return self._folder / f"{token}{_SUFFIX}"


def _parsed(token: str, content: Mapping[str, Any]) -> _Record:
    if content["format"] != _FORMAT:
        raise ValueError("unknown format")
    return _Record(
        token,
        str(content["name"]),
        str(content["group"]),
        _text(content["user"]),
        _text(content["project"]),
        moment(content["at"]).astimezone(UTC),
        _text(content["uuid"]),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
