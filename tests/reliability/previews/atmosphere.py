# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Atmosphere in many states, and tasks on it."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import requests
from requests.adapters import HTTPAdapter

from ....plugins.module_utils._internal.operation import Context, result_of
from ....plugins.module_utils._internal.operations import floating_ip, instance, instance_state, project, volume
from ...simulator import ManualClock, Settings, World, add_colleague, fleet
from ...simulator.api.handling import handle
from ...simulator.world.records import NO_ADDRESS, Identity, Instance, Volume
from ...unit.fakes.running import given
from ..network import as_urllib3, raw_of
from .comparing import Observed, contradictions

Begin = Callable[[World], object]
USER, PASSWORD = "johndoe", "pass"
LAUNCH: Mapping[str, Any] = {
    "image": "Ubuntu 18.04 Devel and Docker",
    "flavor": "m1.small",
    "project": "johndoe",
    "allocation_source": "TG-GEO160014",
    "wait_timeout": 600,
}
MINUTES: Mapping[str, Any] = {"wait_timeout": 600}
_LATENCY = 0.01


@dataclass(frozen=True)
class Case:
    """A task, and the state of the world that it meets. ``fails``: see jetstream2.Case."""

    module: ModuleType
    options: Mapping[str, Any]
    begin: Begin
    fails: str | None = None


@dataclass
class _Wire:
    """Brings requests to a world. ``changes``: those that are no reads; logins are left out."""

    world: World
    clock: ManualClock
    changes: list[str] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[None]:
        def send(
            adapter: HTTPAdapter, request: requests.PreparedRequest, _stream: bool, *_more: Any
        ) -> requests.Response:
            raw, _port = raw_of(request)
            self.clock.advance(_LATENCY)
            if raw.method not in ("GET", "HEAD") and not raw.path.endswith("/auth"):
                self.changes.append(f"{raw.method} {raw.path}")
            return adapter.build_response(request, as_urllib3(handle(self.world, raw)))

        with mock.patch.object(HTTPAdapter, "send", send):
            yield


def compared(case: Case) -> list[str]:
    """Run a task in check mode and for real, from the same state, and return the contradictions."""
    runs = [_observed(case, check_mode=check_mode) for check_mode in (True, False)]
    found = list(contradictions(*runs))
    if case.fails is not None:
        for run, name in zip(runs, ("check", "run"), strict=True):
            failure = str(run.result.get("msg", "")) if run.result.get("failed") else ""
            if (case.fails and case.fails not in failure) or (not case.fails and failure):
                found.append(f"{name}: expected {case.fails or 'no failure'!r}, got {failure!r}")
    return found


def _observed(case: Case, *, check_mode: bool) -> Observed:
    clock = ManualClock()
    world = _world(clock)
    case.begin(world)
    wire, warnings = _Wire(world, clock), list[str]()
    begun, crash, result = clock.monotonic(), "", {}
    with tempfile.TemporaryDirectory() as folder, wire.open():
        context = Context(
            check_mode=check_mode,
            clock=clock,
            environ={},
            home=Path(folder),
            warn=warnings.append,
            hide=lambda _secret: None,
        )
        try:
            login = {"api_url": "http://127.0.0.1:5000", "username": USER, "password": PASSWORD, "concurrency": 1}
            options = given(case.module.SPEC, **login, **case.options)
            result = result_of(case.module.OPERATION, options, context)
        except Exception:
            crash = traceback.format_exc()
    return Observed(
        result,
        warnings=tuple(warnings),
        changes=tuple(wire.changes) if check_mode else (),
        seconds=clock.monotonic() - begun,
        crash=crash,
    )


def _world(clock: ManualClock) -> World:
    settings = Settings(transition=3.0, deploy=12.0, volume_change=4.0, mounting=1.0)
    world = fleet(names=(), password=PASSWORD, projects=("johndoe", "night-runs"), clock=clock, settings=settings)
    add_colleague(world, names=("theirs",), of=USER)
    return world


# --- states of an instance


def _identity(world: World, user: str = USER) -> Identity:
    return next(each for each in world.identities if each.user.username == user)


def _add(world: World, name: str, state: str = "active", *, user: str = USER, **more: Any) -> Instance:
    identity = _identity(world, user)
    return world.add_instance(
        name,
        identity,
        next(each for each in world.sizes if each.provider is identity.provider and each.name == "m1.small"),
        next(each for each in world.versions if each.provider is identity.provider),
        state=state,
        project=next(each for each in world.projects if each.name == user),
        allocation_source=world.allocation_sources[0],
        start_date=world.created - timedelta(days=30),
        **more,
    )


def _web(state: str = "active", **more: Any) -> Begin:
    return lambda world: _add(world, "web", state, **more)


def _moving(state: str, action: str) -> Begin:
    def begin(world: World) -> None:
        web = _add(world, "web", state)
        world.cloud.act(world.cloud.vms[web.uuid], action, world.created)

    return begin


def _deploying(state: str) -> Begin:
    def begin(world: World) -> None:
        web = _add(world, "web", state)
        world.cloud.finish_deploying(world.cloud.vms[web.uuid], 5.0, world.created)

    return begin


def _none(_world: World) -> None:
    """Start without an instance of the name."""


def _twins(world: World) -> None:
    for _number in range(2):
        _add(world, "web")


def _theirs(world: World) -> None:
    _add(world, "web", user="janeroe")


def _with_volume(world: World) -> None:
    web = _add(world, "web")
    world.attach(_volume(world), web)


STATES: Mapping[str, Begin] = {
    "none": _none,
    "active": _web(),
    "without an address": _web(vm={"address": NO_ADDRESS}),
    "deployment failed": _web("deploy_error"),
    "deployment failed without an address": _web("deploy_error", vm={"address": NO_ADDRESS}),
    "stopped": _web("shutoff"),
    "suspended": _web("suspended"),
    "paused": _web("paused"),
    "shelved": _web("shelved_offloaded"),
    "in error": _web("error"),
    "rescue": _web("rescue"),
    "soft deleted": _web("soft_deleted"),
    "unknown": _web("unknown"),
    "being stopped": _moving("active", "stop"),
    "being suspended": _moving("active", "suspend"),
    "being shelved": _moving("active", "shelve"),
    "networking": _deploying("networking"),
    "deploying": _deploying("deploying"),
    "with a volume": _with_volume,
    "twins": _twins,
    "a colleague's": _theirs,
}
INSTANCE_TASKS: Mapping[str, Mapping[str, Any]] = {
    "launched": {**LAUNCH},
    "with an address": {**LAUNCH, "floating_ip": "auto"},
    "renamed": {"new_name": "www"},
    "shelved from the start": {**LAUNCH, "initial_state": "shelved"},
    "of another flavor": {**LAUNCH, "flavor": "m1.quad"},
    "locked": {"locked": True},
    "no address": {"floating_ip": "none"},
    "absent": {"state": "absent"},
    "absent with volumes": {"state": "absent", "delete_volumes": True},
}


def _of_instances() -> Iterator[tuple[str, Case]]:
    for state, begin in STATES.items():
        for task, options in INSTANCE_TASKS.items():
            yield f"instance {task}: {state}", Case(instance, {"name": "web", **MINUTES, **options}, begin)
        for goal in ("started", "stopped", "suspended", "shelved", "rebooted"):
            for wakes in (False, True):
                options = {"name": ["web"], "state": goal, "allow_wake": wakes, **MINUTES}
                yield f"instance_state {goal}{' also' * wakes}: {state}", Case(instance_state, options, begin)
        yield f"floating_ip: {state}", Case(floating_ip, {"instance": "web"}, begin)
        attached = {"name": "data", "state": "attached", "instance": "web", **MINUTES}
        yield f"volume attached: {state}", Case(volume, attached, _then(begin, _spare))
        yield f"volume created and attached: {state}", Case(volume, {**attached, "size": 5}, begin)
        yield f"volume detached: {state}", Case(volume, {"name": "data", "state": "detached", **MINUTES}, begin)
        yield f"volume absent: {state}", Case(volume, {"name": "data", "state": "absent", "detach": True}, begin)


def _then(first: Begin, *others: Begin) -> Begin:
    def begin(world: World) -> None:
        for each in (first, *others):
            each(world)

    return begin


# --- volumes and projects


def _volume(world: World, user: str = USER, **more: Any) -> Volume:
    return world.add_volume("data", 5, _identity(world, user), **more)


def _spare(world: World) -> None:
    if not world.volumes:
        _volume(world)


def _elsewhere(world: World) -> None:
    _add(world, "web")
    world.attach(_volume(world), _add(world, "db"))


VOLUMES: Mapping[str, Begin] = {
    "none": _web(),
    "available": _then(_web(), _spare),
    "attached": _with_volume,
    "attached elsewhere": _elsewhere,
    "in error": _then(_web(), lambda world: setattr(_volume(world), "status", "error")),
    "deletion failed": _then(_web(), lambda world: setattr(_volume(world), "status", "error_deleting")),
    "twins": _then(_web(), _spare, _volume),
    "a colleague's": _then(_web(), lambda world: _volume(world, "janeroe")),
    "beside a stopped instance": _then(_web("shutoff"), _spare),
}
VOLUME_TASKS: Mapping[str, Mapping[str, Any]] = {
    "present": {"size": 5},
    "grown": {"size": 9},
    "shrunk": {"size": 2},
    "described": {"size": 5, "description": "Pictures."},
    "in a project": {"size": 5, "project": "night-runs"},
    "in an unknown project": {"size": 5, "project": "nothing"},
    "attached": {"state": "attached", "instance": "web", "size": 5},
    "moved": {"state": "attached", "instance": "web", "detach": True},
    "detached": {"state": "detached"},
    "absent": {"state": "absent"},
    "absent, detached first": {"state": "absent", "detach": True},
}


def _with_content(world: World) -> None:
    _add(world, "web").project = world.add_project("course", world.users[USER])


PROJECTS: Mapping[str, Begin] = {
    "none": _none,
    "empty": lambda world: world.add_project("course", world.users[USER]),
    "with an instance": _with_content,
    "a colleague's": lambda world: world.add_project("course", world.users["janeroe"]),
    "twins": lambda world: [world.add_project("course", world.users[USER]) for _number in range(2)],
}

PROJECT_TASKS: Mapping[str, Mapping[str, Any]] = {
    "present": {},
    "described": {"description": "A course."},
    "renamed": {"new_name": "course 2026"},
    "renamed to one that is there": {"new_name": "night-runs"},
    "of a group": {"owner": "lab"},
    "of an unknown group": {"owner": "nobody"},
    "absent": {"state": "absent"},
}


def _of_the_rest() -> Iterator[tuple[str, Case]]:
    for state, begin in VOLUMES.items():
        for task, options in VOLUME_TASKS.items():
            yield f"volume {task}: {state}", Case(volume, {"name": "data", **MINUTES, **options}, begin)
    for state, begin in PROJECTS.items():
        for task, options in PROJECT_TASKS.items():
            yield f"project {task}: {state}", Case(project, {"name": "course", **options}, begin)


# --- quotas and names


def _quota(**limits: int) -> Begin:
    def begin(world: World) -> None:
        for name, value in limits.items():
            setattr(_identity(world).quota, name, value)

    return begin


def _of_quotas() -> Iterator[tuple[str, Case]]:
    # What two instances of m1.small take, of which one is there.
    launches = {**LAUNCH, "names": ["web", "db"]}
    enough = {"instance_count": 2, "cpu": 4, "memory": 8, "floating_ip_count": 2, "port_count": 2}
    for name, value in enough.items():
        short, just = _then(_web(), _quota(**{name: value - 1})), _then(_web(), _quota(**{name: value}))
        yield f"instance, {name} one too few", Case(instance, launches, short, "required")
        yield f"instance, {name} just enough", Case(instance, launches, just, "")
    create = {"name": "data", "size": 5, **MINUTES}
    for name, value in (("storage", 5), ("storage_count", 1)):
        yield f"volume, {name} one too few", Case(volume, create, _quota(**{name: value - 1}), "required")
        yield f"volume, {name} just enough", Case(volume, create, _quota(**{name: value}), "")
    for option in ("image", "flavor", "project", "allocation_source", "identity"):
        options = {**LAUNCH, "name": "web", option: "nothing"}
        yield f"launch with an unknown {option}", Case(instance, options, _none)


CASES: Mapping[str, Case] = {
    name: case for source in (_of_instances, _of_the_rest, _of_quotas) for name, case in source()
}
