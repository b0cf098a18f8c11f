# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the plan of a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from . import faults as fault_kinds
from .plans import ATMOSPHERE, COLLEAGUE, JETSTREAM2, ME, Member, Plan, Task

_NAMES = ("web-1", "web-2", "web-3", "db", "blast", "gpu-node", "login", "scratch")
# Names that users give to instances, and that are hard for programs.
_ODD_NAMES = ("web[1]", "*", "1", "2", "Größe 😀", "two words", "a\tb", "\x1b[31mred", "", "-all", "web-1")
_STATES: Mapping[str, Mapping[str, int]] = {
    ATMOSPHERE: {
        "active": 45,
        "shutoff": 16,
        "suspended": 9,
        "shelved_offloaded": 9,
        "shelved": 2,
        "paused": 3,
        "error": 4,
        "deploy_error": 4,
        "deploying": 1,
        "rescue": 1,
        "unknown": 1,
        "verify_resize": 1,
        "soft_deleted": 1,
    },
    JETSTREAM2: {
        "active": 45,
        "shutoff": 16,
        "suspended": 9,
        "shelved_offloaded": 9,
        "paused": 6,
        "error": 4,
        "error, running": 3,
        "shelved on no host": 2,
        "rescue": 1,
        "verify_resize": 1,
        "soft_deleted": 1,
        "stopping": 1,
    },
}
_FLAVORS = {
    ATMOSPHERE: ("m1.tiny", "m1.small", "m1.quad"),
    JETSTREAM2: ("m3.tiny", "m3.quad", "m3.small", "g3.medium", "r3.large"),
}
_PROJECTS = {ATMOSPHERE: ("johndoe", "night-runs"), JETSTREAM2: ("TG-DEMO001",)}
_IMAGES = ("Ubuntu", "Rocky")
_GOALS = {"stopped": 34, "started": 26, "suspended": 12, "shelved": 12, "rebooted": 16}
_SIZES = {1: 12, 2: 14, 3: 14, 4: 12, 5: 10, 6: 8, 8: 8, 12: 6, 20: 2, 0: 1}
_TIMEOUTS = (3.0, 8.0, 20.0, 60.0, 150.0, 400.0, 900.0, 900.0, 900.0)
_FAULTS = {0: 6, 1: 12, 2: 18, 3: 20, 4: 18, 6: 16, 10: 10}


def plan_of(seed: int) -> Plan:
    """Draw the plan of a seed."""
    chance = random.Random(seed)
    cloud = ATMOSPHERE if chance.random() < 0.6 else JETSTREAM2
    places = chance.choice((1, 1, 1, 2, 3)) if cloud == ATMOSPHERE else 1
    shared = chance.random() < 0.3
    fleet = _fleet(chance, cloud, places, shared=shared)
    task = _task(chance, cloud, fleet)
    rival = _rival(chance, cloud, fleet, task) if chance.random() < 0.15 else None
    faults = [fault_kinds.draw(chance, cloud, fleet) for _fault in range(_weighted(chance, _FAULTS))]
    return Plan(
        seed=seed,
        cloud=cloud,
        fleet=fleet,
        task=task,
        # An earlier task comes first.
        faults=tuple(sorted(faults, key=lambda each: each.kind != "token of an earlier task")),
        connection=_connection(chance, cloud),
        settings=_settings(chance, cloud, places, shared=shared),
        latency=chance.choice((0.02, 0.1, 0.1, 0.4, 1.5)),
        pause=chance.choice((0.0, 1.0, 20.0, 100.0, 1000.0)),
        rival=rival,
        rival_at=chance.choice((0.0, 0.1, 1.0, 5.0, 20.0)),
    )


def _weighted(chance: random.Random, weights: Mapping[Any, int]) -> Any:
    return chance.choices(list(weights), list(weights.values()))[0]


def _fleet(chance: random.Random, cloud: str, places: int, *, shared: bool) -> tuple[Member, ...]:
    usual = _weighted(chance, _STATES[cloud]) if chance.random() < 0.3 else None
    twins = chance.random() < 0.1
    return tuple(
        Member(
            name=_name(chance, number, twins=twins),
            state=usual if usual and chance.random() < 0.7 else _weighted(chance, _STATES[cloud]),
            flavor=chance.choice(_FLAVORS[cloud]),
            place=chance.randrange(places),
            **_owned(chance, cloud, shared=shared),
        )
        for number in range(_weighted(chance, _SIZES))
    )


def _name(chance: random.Random, number: int, *, twins: bool) -> str:
    if chance.random() < 0.1:
        return chance.choice(_ODD_NAMES)
    name = chance.choice(_NAMES)
    return name if twins or number == 0 else f"{name}-{number}"


def _owned(chance: random.Random, cloud: str, *, shared: bool) -> dict[str, str]:
    """Draw the owner and the project of an instance. On Atmosphere, a colleague has another project."""
    owner = COLLEAGUE if shared and chance.random() < 0.35 else ME
    image, project = chance.choice(_IMAGES), chance.choice(_PROJECTS[cloud])
    if cloud == JETSTREAM2:
        lock = chance.choice(("owner", "owner", "site")) if chance.random() < 0.15 else ""
        return {"owner": owner, "project": project, "image": image, "lock": lock}
    if owner == COLLEAGUE:
        project = chance.choice(("lab", "janeroe"))
    return {"owner": owner, "project": project, "image": image}


def _task(chance: random.Random, cloud: str, fleet: Sequence[Member]) -> Task:
    """Draw a task, mostly for the account's own instances: the product refuses others' without ``owner``."""
    own = [each for each in fleet if each.owner == ME]
    expected = own if own and chance.random() < 0.85 else fleet
    options: dict[str, Any] = {"state": _weighted(chance, _GOALS), **_selection(chance, cloud, fleet, expected)}
    if chance.random() < 0.3:
        options["allow_wake"] = True
    if chance.random() < 0.3:
        options["include_locked"] = True
    if chance.random() < 0.12:
        options["max_changes"] = chance.choice((0, 1, 2, 5))
    if options["state"] == "rebooted" and chance.random() < 0.4:
        options["reboot_type"] = "hard"
    if chance.random() < 0.12:
        options["wait"] = False
    options["wait_timeout"] = chance.choice(_TIMEOUTS)
    return Task(options, check_mode=chance.random() < 0.08)


def _rival(chance: random.Random, cloud: str, fleet: Sequence[Member], task: Task) -> Task:
    """Draw another user's task on the same fleet at the same time, which is mostly the same."""
    if chance.random() < 0.6:
        return task
    return _task(chance, cloud, fleet)


def _selection(chance: random.Random, cloud: str, fleet: Sequence[Member], chosen: Sequence[Member]) -> dict[str, Any]:
    """Draw a selection. Numbers stand for the ids and uuids of members, which are known once the fleet is made."""
    if not fleet:
        return {"all": True}
    options = _identified(chance, fleet, chosen)
    if not options or chance.random() < 0.15:
        options |= _filters(chance, cloud, chosen)
    if chance.random() < 0.25:
        options["exclude"] = [chance.choice([*(each.name for each in fleet), "web-*", "*"]) for _pattern in range(2)]
    if chance.random() < 0.04:
        options[chance.choice(("name", "id", "status", "exclude"))] = []
    if chance.random() < 0.04:
        options["name"] = [*options.get("name", []), "wbe-1"]
    if options.get("all") and any(name in options for name in ("name", "id", "uuid")):
        del options["all"]
    if chance.random() < 0.25:
        others = ("janeroe", "j*") if any(each.owner == COLLEAGUE for each in fleet) else ()
        options["owner"] = [chance.choice(("any", "any", "me", *others))]
    return options


def _identified(chance: random.Random, fleet: Sequence[Member], chosen: Sequence[Member]) -> dict[str, Any]:
    """Draw options that name instances; none if filters select them."""
    way = _weighted(chance, {"all": 34, "name": 16, "glob": 10, "id": 8, "uuid": 6, "filter": 14, "mixed": 12})
    names = [each.name for each in _some(chance, chosen)]
    numbers = [f"#{fleet.index(each)}" for each in _some(chance, chosen)]
    globs = chance.sample(("web-*", "*", "[dg]*", "nothing-*", "*-[12]"), chance.choice((1, 1, 2)))
    ways: dict[str, dict[str, Any]] = {
        "all": {"all": True},
        "name": {"name": names},
        "glob": {"name": globs},
        "id": {"id": numbers},
        "uuid": {"uuid": numbers},
        "mixed": {"name": names, "id": numbers},
        "filter": {},
    }
    return ways[way]


def _some(chance: random.Random, fleet: Sequence[Member]) -> list[Member]:
    return chance.sample(fleet, chance.randint(1, min(3, len(fleet))))


def _filters(chance: random.Random, cloud: str, fleet: Sequence[Member]) -> dict[str, Any]:
    one = chance.choice(fleet)
    return chance.choice(
        (
            {"status": chance.sample(("active", "shutoff", "suspended", "shelved_offloaded", "error"), 2)},
            {"flavor": [one.flavor]},
            {"flavor": [f"{one.flavor[:2]}*"], "status": ["active"]},
            {"project": [one.project]},
            {"image": [chance.choice((one.image, f"{one.image[:3]}*"))]},
            {"provider": ["IU" if cloud == JETSTREAM2 else "Jetstream*"]},
        )
    )


def _connection(chance: random.Random, cloud: str) -> dict[str, Any]:
    connection: dict[str, Any] = {
        "concurrency": chance.choice((1, 2, 4, 16, 16)),
        "timeout": chance.choice((5.0, 20.0, 60.0, 60.0)),
        "retry_timeout": chance.choice((0.0, 10.0, 60.0, 60.0)),
    }
    if cloud == ATMOSPHERE:
        connection["page_size"] = chance.choice((1, 2, 5, 20, 20))
    return connection


def _settings(chance: random.Random, cloud: str, places: int, *, shared: bool) -> dict[str, Any]:
    transition = chance.choice((0.0, 1.0, 3.2, 3.2, 12.0, 45.0))
    if cloud == JETSTREAM2:
        return {"transition": transition, "page": chance.choice((1, 2, 3, 1000, 1000))}
    settings: dict[str, Any] = {
        "transition": transition,
        "deploy": chance.choice((0.0, 6.0, 12.0, 60.0)),
        "shuffle_lists": chance.random() < 0.3,
        "providers": places,
    }
    if shared:
        settings["share_identities"] = chance.random() < 0.6
    return settings
