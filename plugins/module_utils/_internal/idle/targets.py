# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts to connect to for readings: those of an inventory, or else hosts made of the instances. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..hosts import HostSettings, hosts_of
from .store import key_of_row

Json = Mapping[str, Any]
_LOCALHOST = "localhost"


@dataclass(frozen=True, slots=True)
class Target:
    """A host to read. ``address`` and ``user`` are None where the inventory says how to connect.

    ``problem`` is why it cannot be read, or "". ``site``, ``project`` and ``uuid`` are the key of its readings.
    """

    name: str
    site: str
    project: str
    uuid: str
    address: str | None = None
    user: str | None = None
    problem: str = ""

    def to_result(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def targets(instances: Iterable[Json], inventory: Mapping[str, Json]) -> list[Target]:
    """Return a target for each instance.

    ``inventory`` has the variables of each of its hosts. If ``localhost`` is the only one, instances become hosts.
    """
    rows = list(instances)
    known = {name: variables for name, variables in inventory.items() if name != _LOCALHOST}
    return _in_inventory(rows, known) if known else _of_instances(rows)


def _of_instances(rows: Sequence[Json]) -> list[Target]:
    hosts, _warnings = hosts_of(rows, HostSettings(), lambda _template, _variables: "")
    by_uuid = {each["uuid"]: each for each in rows}
    found = []
    for host in hosts:
        key = key_of_row(by_uuid[host.variables["jetstream_uuid"]])
        address = host.variables["jetstream_address"]
        user = host.variables.get("ansible_user")
        problem = "" if address else "has no address"
        found.append(Target(host.name, key.site, key.project, key.uuid, address, user, problem))
    return found


def _in_inventory(rows: Sequence[Json], known: Mapping[str, Json]) -> list[Target]:
    """Find the host of each instance: by the UUID among its variables, or else by its name, or else by its address."""
    by_uuid = {str(variables["jetstream_uuid"]): name for name, variables in known.items() if _has_uuid(variables)}
    others = {name: variables for name, variables in known.items() if not _has_uuid(variables)}
    by_address = {str(variables.get("ansible_host", name)): name for name, variables in others.items()}
    names = Counter(str(each["name"]) for each in rows)
    found = []
    for each in rows:
        name = str(each["name"])
        by_name = name if name in others and names[name] == 1 else None
        host = by_uuid.get(str(each["uuid"])) or by_name or by_address.get(str(each["ip_address"]))
        key = key_of_row(each)
        problem = "" if host else "is not in the inventory"
        found.append(Target(host or name, key.site, key.project, key.uuid, problem=problem))
    return found


def _has_uuid(variables: Json) -> bool:
    return bool(variables.get("jetstream_uuid"))
