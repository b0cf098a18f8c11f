# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a task three times: struck, again without a fault, and once more; and says what must not be."""

from __future__ import annotations

import json
import os
import random
import tempfile
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....plugins.module_utils._internal.operation import Context, result_of
from ....plugins.module_utils._internal.operations import volume
from ...unit.fakes.fake_clock import FakeClock
from ...unit.fakes.running import given
from .faults import FAULTS, Fault
from .project import COLLEAGUE_ID, PROJECT_ID, REGION, SECRET, Project
from .series import SERIES, Series, bystanders
from .wire import Wire

# Not mended: a volume may have no name, so that one whose name is missing once is not found (docs/reliability.md).
KNOWN = frozenset({(volume, "rows without names")})


@dataclass(frozen=True)
class Position:
    """A fault at a request of a series, counted from 1."""

    series: str
    request: int
    fault: str

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.series}, request {self.request}, {self.fault}"


@dataclass
class Ran:
    """A run: its result, and what it did."""

    result: Mapping[str, Any]
    seconds: float
    accepted: Sequence[str]
    struck: str
    sent: Sequence[str]
    logins: int
    text: str = ""
    crash: str = ""


@dataclass
class Scene:
    """A project with the things of a series, and a folder that its runs share."""

    series: Series
    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        """Set everything up."""
        self.project = Project(self.clock.now)
        bystanders(self.project)
        self.series.begin(self.project)
        self.others = _of_others(self.project)

    def run(
        self,
        fault: Fault | None = None,
        position: int = 0,
        *,
        meanwhile: Callable[[], object] | None = None,
        other: Series | None = None,
    ) -> Ran:
        """Run the task, with a fault at a request. ``meanwhile`` happens before it. ``other``: another task instead."""
        series = other or self.series
        wire = Wire(self.project, self.clock, fault, position, meanwhile)
        said: list[str] = []
        hidden: set[str] = set()
        context = Context(
            check_mode=False,
            clock=self.clock,
            environ={"OS_CLIENT_CONFIG_FILE": str(self._clouds_file())},
            home=self.folder,
            warn=said.append,
            hide=hidden.add,
        )
        begun, before, logins = self.clock.monotonic(), len(self.project.accepted), self.project.logins
        crash, result = "", {}
        with wire.open():
            try:
                options = given(series.module.SPEC, cloud="js2", concurrency=1, **series.options)
                result = result_of(series.module.OPERATION, options, context)
            except Exception:
                crash = traceback.format_exc()
        seconds = self.clock.monotonic() - begun
        if meanwhile is None and other is None:
            # What a request that was lost began comes to its end.
            self.clock.pass_by(60.0)
            self.project.settle()
        return Ran(
            result,
            seconds,
            self.project.accepted[before:],
            wire.struck,
            wire.sent,
            self.project.logins - logins,
            _masked("\n".join([str(result), *said]), hidden),
            crash,
        )

    def _clouds_file(self) -> Path:
        file = self.folder / "clouds.yaml"
        if not file.exists():
            credential = {"application_credential_id": "0123", "application_credential_secret": SECRET}
            cloud = {
                "auth_type": "v3applicationcredential",
                "auth": {"auth_url": "http://127.0.0.1:5000/v3", **credential},
                "region_name": REGION,
            }
            file.write_text(json.dumps({"clouds": {"js2": cloud}}), encoding="utf-8")
        # openstacksdk reads it from the environment of the process.
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(file)
        return file


def _masked(text: str, secrets: Collection[str]) -> str:
    """Return a text as Ansible shows it."""
    for each in sorted(secrets, key=len, reverse=True):
        text = text.replace(each, "********")
    return text


def _of_others(project: Project) -> str:
    """Return all that no task means, as text."""
    servers = [each for each in project.servers.values() if each["user_id"] == COLLEAGUE_ID]
    theirs = {each["id"] for each in servers}
    ports = {each["id"] for each in project.ports.values() if each["device_id"] in theirs}
    addresses = [each for each in project.addresses.values() if each["port_id"] in ports or not each["description"]]
    volumes = [each for each in project.volumes.values() if each["name"] in ("theirs", "spare")]
    keys = project.keys.get("other")
    return json.dumps([servers, addresses, volumes, keys, project.groups.get("g-1")], sort_keys=True)


def state_of(project: Project) -> str:
    """Return all that tasks change, as text."""
    keys = {name: each["public_key"] for name, each in project.keys.items()}
    things = (project.servers, project.addresses, project.volumes, project.images, project.groups, keys)
    return json.dumps(things, sort_keys=True)


def positions(names: Sequence[str]) -> Iterator[Position]:
    """Yield all positions of these series, as far as an undisturbed run goes."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            sent = len(Scene(SERIES[name], Path(folder)).run().sent)
        yield from (
            Position(name, number, fault)
            for number in range(1, sent + 1)
            for fault in FAULTS
            if (SERIES[name].module, fault) not in KNOWN
        )


def drawn(names: Sequence[str], count: int, seed: int) -> list[Position]:
    """Return some of the positions."""
    return random.Random(seed).sample(list(positions(names)), count)


@dataclass(frozen=True)
class Strike:
    """The outcome of a trial. ``struck``: whether the fault strikes that request. ``broken``: what must not be."""

    struck: bool
    broken: tuple[str, ...] = ()


def strike(position: Position) -> Strike:
    """Carry a trial out."""
    series, fault = SERIES[position.series], FAULTS[position.fault]
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(series, Path(folder))
        before = state_of(scene.project)
        struck = scene.run(fault, position.request)
        if not struck.struck:
            # The fault does not strike requests of this kind.
            return Strike(struck=False)
        found = [f"faulty run: {each}" for each in _wrong_in(struck, scene, fault, before)]
        again = scene.run()
        found += [f"next run: {each}" for each in _not_healed(again, scene)]
        third = scene.run()
        if third.result.get("failed") or third.result.get("changed"):
            found.append(f"third run: {_shown(third)}")
        return Strike(True, tuple(f"{position} ({struck.struck}): {each}" for each in found))


def met(first: str, second: str, request: int) -> Strike:
    """Run a task, and another one as a whole before a request of it. The first may be the same as the second."""
    series, other = SERIES[first], SERIES[second]
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(series, Path(folder))
        inner: list[Ran] = []
        outer = scene.run(position=request, meanwhile=lambda: inner.append(scene.run(other=other)))
        if not inner:
            return Strike(struck=False)
        scene.clock.pass_by(60.0)
        scene.project.settle()
        found = [*_always_wrong(scene)]
        found += [
            f"a bug: {each.crash or each.text}" for each in (outer, *inner) if each.crash or "has a bug" in each.text
        ]
        found += [
            f"failed: {_shown(each)}" for each in (outer, *inner) if first == second and each.result.get("failed")
        ]
        found += [f"next run: {each}" for each in _not_healed(scene.run(), scene)]
        third = scene.run()
        if third.result.get("failed") or third.result.get("changed"):
            found.append(f"third run: {_shown(third)}")
        return Strike(True, tuple(f"{first}, {second} before request {request}: {each}" for each in found))


def _wrong_in(ran: Ran, scene: Scene, fault: Fault, before: str) -> Iterator[str]:
    result, project = ran.result, scene.project
    if ran.crash or "has a bug" in ran.text:
        yield f"a bug: {ran.crash or ran.text}"
        return
    if any(secret in ran.text for secret in (SECRET, *project.tokens)):
        yield "a secret is in the output"
    if ran.seconds > scene.series.limit:
        yield f"it took {ran.seconds:.0f} s"
    if ran.logins > (2 if not fault.refuses else 3):
        yield f"{ran.logins} logins"
    yield from _always_wrong(scene)
    is_changed = bool(result.get("changed"))
    if ran.accepted and not is_changed and state_of(project) != before:
        yield f"changed: false, but the cloud has accepted {list(ran.accepted)}: {_shown(ran)}"
    if is_changed and not ran.accepted and not _is_unclear(result):
        yield f"changed: true, but nothing was accepted: {_shown(ran)}"
    wrong = scene.series.reached(project)
    if not result.get("failed") and wrong and not (fault.hides and scene.series.deletes):
        yield f"no failure, but not reached: {wrong}: {_shown(ran)}"
    if _is_unclear(result) and not result.get("failed"):
        yield f"unclear, but no failure: {_shown(ran)}"


def _always_wrong(scene: Scene) -> Iterator[str]:
    project = scene.project
    if _of_others(project) != scene.others:
        yield "what belongs to others was changed"
    for kind, things in (("server", project.servers), ("volume", project.volumes), ("group", project.groups)):
        names = [each["name"] for each in things.values()]
        twins = sorted({each for each in names if names.count(each) > 1})
        if twins:
            yield f"twins: {kind} {twins}"
    images = [each["name"] for each in project.images.values() if each["owner"] == PROJECT_ID]
    if len(images) > len(set(images)):
        yield f"twins: image {images}"


def _not_healed(ran: Ran, scene: Scene) -> Iterator[str]:
    yield from _always_wrong(scene)
    wrong = scene.series.reached(scene.project)
    if ran.crash:
        yield ran.crash
    if ran.result.get("failed") or wrong:
        yield f"not healed: {wrong}: {_shown(ran)}"
    loose = [
        each["floating_ip_address"]
        for each in scene.project.addresses.values()
        if each["description"] and each["port_id"] is None
    ]
    if loose and "floating_ip" not in scene.series.options:
        yield f"orphans: addresses {loose}"
    errors = [each["name"] for each in scene.project.servers.values() if each["status"] == "ERROR"]
    if errors:
        yield f"in error: {errors}"


def _is_unclear(result: Mapping[str, Any]) -> bool:
    return bool(result.get("unclear")) or any(each.get("unclear") for each in result.get("instances", ()))


def _shown(ran: Ran) -> str:
    items = [
        f"{each['name']}: {each['actions']} {each['msg']}" for each in ran.result.get("instances", ()) if each["msg"]
    ]
    flags = [name for name in ("changed", "failed", "unclear") if ran.result.get(name)]
    return f"{flags} {ran.result.get('actions', '')} {ran.result.get('msg', '')} {items}"
