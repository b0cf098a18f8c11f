# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes on disk of the volumes and floating IPs to release after an instance is deleted.

Clouds do not return the volumes of a deleted instance. A note is written before the deletion is requested, and removed
after the last release, so that the next run can complete a killed one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import make_folder
from ...json_file import MalformedFile, read_json, write_json
from ...model import (
    CloudAccount,
    Flavor,
    FloatingAddress,
    Identity,
    Instance,
    LaunchFacts,
    Provider,
)

_FORMAT = 1
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class RemovalNote:
    """An instance in deletion, with the ``volumes`` and ``addresses`` to release afterwards.

    ``provider`` and ``identity`` are uuids, which some clouds need to access a volume.
    """

    uuid: str
    name: str
    group: str | None
    owner: str
    provider: str
    identity: str
    volumes: tuple[str, ...]
    addresses: tuple[FloatingAddress, ...]

    @classmethod
    def of(cls, instance: Instance, volumes: tuple[str, ...], addresses: tuple[FloatingAddress, ...]) -> RemovalNote:
        """Return the note of an instance."""
        return cls(
            instance.uuid,
            instance.name,
            instance.facts.group,
            instance.owner,
            instance.provider.uuid,
            instance.identity.uuid,
            volumes,
            addresses,
        )

    @property
    def instance(self) -> Instance:
        """The instance, in the state gone, with its known properties."""
        return Instance(
            id=self.uuid,
            uuid=self.uuid,
            name=self.name,
            status="missing",
            activity="",
            live=True,
            flavor=Flavor(name=""),
            provider=Provider("", self.provider),
            identity=Identity("", self.identity),
            user=self.owner,
            owner=self.owner,
            facts=LaunchFacts(self.group),
        )


class RemovalNotes:
    """The notes of one account. May be used by many threads and processes at once.

    If a note cannot be written, as on a full disk, instances are deleted anyway, and the run releases the rest.
    """

    def __init__(self, state: Path | None, account: CloudAccount) -> None:
        """Touch nothing yet. ``state``: this collection's folder for persistent state; None without one."""
        key = f"{account.site}\n{account.cloud}\n{account.project_uuid or account.user or ''}"
        self._folder = state / "removals" / hashlib.sha256(key.encode()).hexdigest()[:32] if state else None

    def write(self, note: RemovalNote) -> None:
        """Write a note, replacing an earlier one of the same instance."""
        if self._folder is None:
            return
        content = {
            "format": _FORMAT,
            "name": note.name,
            "group": note.group,
            "owner": note.owner,
            "provider": note.provider,
            "identity": note.identity,
            "volumes": list(note.volumes),
            "addresses": [[each.id, each.address] for each in note.addresses],
        }
        with suppress(OSError):
            make_folder(self._folder, private=True)
            write_json(self._folder / f"{note.uuid}{_SUFFIX}", content)

    def settle(self, uuid: str) -> None:
        """Remove the note of an instance, if it exists."""
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / f"{uuid}{_SUFFIX}").unlink(missing_ok=True)

    def all(self) -> list[RemovalNote]:
        """Return all readable notes, by name."""
        if self._folder is None:
            return []
        try:
            names = [each.name for each in self._folder.iterdir() if each.name.endswith(_SUFFIX)]
        except OSError:
            return []
        found = [self._read(self._folder, each.removesuffix(_SUFFIX)) for each in names]
        return sorted((each for each in found if each is not None), key=lambda each: (each.name, each.uuid))

    def _read(self, folder: Path, uuid: str) -> RemovalNote | None:
        try:
            return read_json(folder / f"{uuid}{_SUFFIX}", lambda content: _parsed(uuid, content))
        except (OSError, MalformedFile):
            return None


def _parsed(uuid: str, content: Mapping[str, Any]) -> RemovalNote:
    if content["format"] != _FORMAT:
        raise ValueError("unknown format")
    group = content["group"]
    return RemovalNote(
        uuid,
        str(content["name"]),
        None if group is None else str(group),
        str(content["owner"]),
        str(content["provider"]),
        str(content["identity"]),
        tuple(str(each) for each in content["volumes"]),
        tuple(FloatingAddress(str(key), str(address), made_for_it=True) for key, address in content["addresses"]),
    )
