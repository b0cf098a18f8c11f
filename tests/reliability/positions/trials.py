# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a task three times, the first time with a fault, and reports broken promises."""

from __future__ import annotations

import random
import tempfile
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ....plugins.module_utils._internal.operation import Context, result_of
from ...unit.fakes.fake_clock import FakeClock
from ...unit.fakes.running import given
from ..site import PASSWORD
from .faults import Fault
from .series import SERIES
from .site import Series, Site
from .wire import Wire


@dataclass(frozen=True)
class Position:
    """A fault at a request of a series, counted from 1."""

    series: str
    request: int
    fault: str

    def __str__(self) -> str:
        """Return the position as text."""
        return f"{self.series}, request {self.request}, {self.fault}"


@dataclass
class Ran:
    """A run: its result, and its requests."""

    result: Mapping[str, Any]
    seconds: float
    accepted: Sequence[str]
    struck: str
    sent: Sequence[str]
    logins: int
    text: str = ""
    crash: str = ""


@dataclass
class _Watch:
    """The controller's clock, which may be wrong by ``offset`` seconds."""

    true: FakeClock
    offset: float

    def monotonic(self) -> float:
        """Return seconds that only ever go up."""
        return self.true.monotonic()

    def now(self) -> datetime:
        """Return the date and time of the controller's clock."""
        return self.true.now() + timedelta(seconds=self.offset)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.true.sleep(seconds)


@dataclass
class Scene:
    """A cloud with the things of a series, and a folder that its runs share."""

    series: Series[Any]
    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        """Set everything up."""
        self.site: Site = self.series.make(self.clock)
        self.series.begin(self.site)
        if self.series.first is not None:
            self.run(other=replace(self.series, options=self.series.first))
            self.advance()
        self.others = self.site.of_others()

    def run(
        self,
        fault: Fault | None = None,
        position: int = 0,
        *,
        meanwhile: Callable[[], object] | None = None,
        other: Series[Any] | None = None,
        check_mode: bool = False,
    ) -> Ran:
        """Run the task, with a fault at a request. ``meanwhile`` happens before it. ``other``: another task instead."""
        series = other or self.series
        wire = Wire(self.site, self.clock, fault, position, meanwhile)
        said: list[str] = []
        hidden: set[str] = set()
        connection, environ = self.site.connection(self.folder)
        context = Context(
            check_mode=check_mode,
            clock=_Watch(self.clock, fault.clock if fault else 0.0),
            environ=environ,
            home=self.folder,
            warn=said.append,
            hide=hidden.add,
        )
        begun, before, logins = self.clock.monotonic(), len(self.site.accepted), self.site.logins
        crash, result = "", {}
        with wire.open():
            try:
                options = given(series.module.SPEC, **connection, concurrency=1, **series.options)
                result = result_of(series.module.OPERATION, options, context)
            except Exception:
                crash = traceback.format_exc()
        seconds = self.clock.monotonic() - begun
        if meanwhile is None and other is None and not check_mode:
            self.advance()
        return Ran(
            result,
            seconds,
            self.site.accepted[before:],
            wire.struck,
            wire.sent,
            self.site.logins - logins,
            _masked("\n".join([str(result), *said]), hidden),
            crash,
        )

    def advance(self) -> None:
        """Let a minute pass, in which the effect of a lost request ends."""
        self.clock.advance(60.0)
        self.site.settle()


def _masked(text: str, secrets: Collection[str]) -> str:
    """Return a text as Ansible shows it."""
    for each in sorted(secrets, key=len, reverse=True):
        text = text.replace(each, "********")
    return text


def positions(names: Sequence[str]) -> Iterator[Position]:
    """Yield all positions of these series, as far as an undisturbed run goes."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            scene = Scene(SERIES[name], Path(folder))
            sent = len(scene.run().sent)
        yield from (Position(name, number, fault) for number in range(1, sent + 1) for fault in scene.site.faults)


def drawn(names: Sequence[str], count: int, seed: int) -> list[Position]:
    """Return some of the positions."""
    return random.Random(seed).sample(list(positions(names)), count)


@dataclass(frozen=True)
class Strike:
    """The outcome of a trial. ``struck``: whether the fault strikes that request. ``broken``: what must not be."""

    struck: bool
    broken: tuple[str, ...] = ()


def strike(position: Position) -> Strike:
    """Run a trial."""
    series = SERIES[position.series]
    # The pauses between the product's tries are drawn.
    random.seed(str(position))
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(series, Path(folder))
        fault = scene.site.faults[position.fault]
        before = scene.site.state()
        struck = scene.run(fault, position.request)
        if not struck.struck:
            # The fault does not strike requests of this kind.
            return Strike(struck=False)
        found = [f"faulty run: {each}" for each in _wrong_in(struck, scene, fault, before)]
        found += _wrong_afterwards(scene)
        return Strike(True, tuple(f"{position} ({struck.struck}): {each}" for each in found))


def _wrong_afterwards(scene: Scene) -> Iterator[str]:
    """Run the task two times more."""
    yield from (f"next run: {each}" for each in _not_healed(scene.run(), scene))
    third = scene.run()
    if third.result.get("failed") or (third.result.get("changed") and not scene.series.again):
        yield f"third run: {_shown(third)}"


def met(first: str, second: str, request: int) -> Strike:
    """Run a task, and another one as a whole before a request of it. The first may be the same as the second."""
    series, other = SERIES[first], SERIES[second]
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(series, Path(folder))
        inner: list[Ran] = []
        outer = scene.run(position=request, meanwhile=lambda: inner.append(scene.run(other=other)))
        if not inner:
            return Strike(struck=False)
        scene.advance()
        found = [*_always_wrong(scene)]
        found += [
            f"a bug: {each.crash or each.text}" for each in (outer, *inner) if each.crash or "has a bug" in each.text
        ]
        found += [
            f"failed: {_shown(each)}" for each in (outer, *inner) if first == second and each.result.get("failed")
        ]
        found += _wrong_afterwards(scene)
        return Strike(True, tuple(f"{first}, {second} before request {request}: {each}" for each in found))


def _wrong_in(ran: Ran, scene: Scene, fault: Fault, before: str) -> Iterator[str]:
    result, site = ran.result, scene.site
    if ran.crash or "has a bug" in ran.text:
        yield f"a bug: {ran.crash or ran.text}"
        return
    if any(secret in ran.text for secret in (PASSWORD, *site.given_tokens())):
        yield "a secret is in the output"
    if ran.seconds > scene.series.limit:
        yield f"it took {ran.seconds:.0f} s"
    if ran.logins > (2 if not fault.refuses else 3):
        yield f"{ran.logins} logins"
    yield from _always_wrong(scene)
    is_changed = bool(result.get("changed"))
    if ran.accepted and not is_changed and site.state() != before:
        yield f"changed: false, but the cloud has accepted {list(ran.accepted)}: {_shown(ran)}"
    if is_changed and not ran.accepted and not _is_unclear(result):
        yield f"changed: true, but nothing was accepted: {_shown(ran)}"
    wrong = scene.series.reached(site)
    if not result.get("failed") and wrong and not (fault.hides and scene.series.deletes):
        yield f"no failure, but not reached: {wrong}: {_shown(ran)}"
    if _is_unclear(result) and not result.get("failed"):
        yield f"unclear, but no failure: {_shown(ran)}"


def _always_wrong(scene: Scene) -> Iterator[str]:
    if scene.site.of_others() != scene.others:
        yield "what belongs to others was changed"
    for kind, names in scene.site.names().items():
        twins = sorted({each for each in names if names.count(each) > 1})
        if twins:
            yield f"twins: {kind} {twins}"


def _not_healed(ran: Ran, scene: Scene) -> Iterator[str]:
    yield from _always_wrong(scene)
    wrong = scene.series.reached(scene.site)
    if ran.crash:
        yield ran.crash
    if ran.result.get("failed") or wrong:
        yield f"not healed: {wrong}: {_shown(ran)}"
    loose = scene.site.orphans()
    if loose and "floating_ip" not in scene.series.options:
        yield f"orphans: addresses {loose}"
    errors = scene.site.errors()
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
