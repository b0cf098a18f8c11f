# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a launch: its settings, and the progress of each wanted instance. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ...errors import JetstreamError
from ...model import Change, ChangeKind, Flavor, Instance, Launch, LaunchOptions
from ...states import Action, Kind, ObservedState, RestingState
from ...text.terminal import one_line
from ..runs import classify_instance, state_text
from .setup import Setup


class WaitFor(Enum):
    """How far an instance must be to count as ready."""

    ACTIVE = "active"
    ADDRESS = "address"
    SSH = "ssh"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The expected state of an instance, in check mode or without a wait. ``flavor``: None if unknown."""

    status: str
    flavor: Flavor | None


@dataclass(frozen=True, slots=True)
class LaunchSettings:
    """The bounds of a launch.

    ``group`` maps an instance name to its mark. ``timeout``: seconds for the whole launch. ``capacity_retries``: how
    many consecutive batches without any host are retried. ``changes``: the changes of existing instances, by name.
    ``flavor``: the flavor in the options, if it was looked up. ``given_addresses``: whether the cloud assigns floating
    IPs without a request.
    """

    options: LaunchOptions
    group: Callable[[str], str]
    wait_for: WaitFor = WaitFor.ACTIVE
    shelved: bool = False
    wait: bool = True
    timeout: float = 1800.0
    capacity_retries: int = 2
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    flavor: Flavor | None = None
    given_addresses: bool = False

    @property
    def launched(self) -> Foreseen:
        """The initial state of launched instances."""
        return Foreseen((RestingState.SHELVED if self.shelved else RestingState.ACTIVE).value, self.flavor)


class Stage(Enum):
    """The stage of a wanted instance. SHORT: no host had room for it, and its record in error is to be removed."""

    TO_LAUNCH = "to launch"
    IN_DOUBT = "in doubt"
    BUILDING = "building"
    SHORT = "short"
    BUILT = "built"
    DONE = "done"


@dataclass(slots=True)
class LaunchRun:
    """A wanted instance: its former and present observations, the steps taken, and the outcome.

    ``launches``: the requests sent for it. ``doubt``: the error in place of the last response. ``searches``: the number
    of searches for that launch without a result. ``twins_searched``: whether twins were searched. ``shortage``: the
    cloud's words if it found no host. ``changes``: those still to make. ``meant``: whether the task may change it at
    all. ``resize``: the awaited one; ``confirmed``: whether it was confirmed. ``awake_since``: since when it was seen
    active. ``setup``: the last state of its setup on the console. ``foreseen``: its expected state, without a wait or a
    launch (check mode).

    ``actions`` is empty: a launch is not an action, and all launches take about as long.
    """

    name: str
    before: Instance | None = None
    now: Instance | None = None
    stage: Stage = Stage.TO_LAUNCH
    steps: list[str] = field(default_factory=list)
    launches: list[Launch] = field(default_factory=list)
    doubt: JetstreamError | None = None
    searches: int = 0
    attempts: int = 0
    not_before: float = 0.0
    shortage: str | None = None
    last_error: JetstreamError | None = None
    twins_searched: bool = False
    changes: tuple[Change, ...] = ()
    meant: bool = True
    resize: Change | None = None
    confirmed: bool = False
    addressed: bool = False
    failed: bool = False
    skipped: bool = False
    message: str = ""
    elapsed: float | None = None
    actions: list[Action] = field(default_factory=list)
    since: float = 0.0
    awake_since: float | None = None
    setup: Setup | None = None
    foreseen: Foreseen | None = None
    polled_at: float | None = None

    @property
    def done(self) -> bool:
        """Whether its outcome is known."""
        return self.stage is Stage.DONE

    @property
    def changed(self) -> bool:
        """Whether the cloud did something for it, or may have; in check mode, whether it would."""
        return bool(self.steps)

    @property
    def unclear(self) -> bool:
        """Whether a request was sent whose outcome is unknown."""
        return self.doubt is not None

    @property
    def observed(self) -> ObservedState:
        """Its state when last observed. Before a launch, that is gone."""
        return ObservedState(Kind.GONE) if self.now is None else classify_instance(self.now)

    def lacks_address(self, options: LaunchOptions) -> bool:
        """Whether the task is to give it a floating IP now."""
        return self.meant and self.now is not None and lacks_address(self.now, options)

    def launched(self, instance: Instance, now: float) -> None:
        """Record that the cloud accepted a launch."""
        self.now, self.stage, self.doubt, self.searches = instance, Stage.BUILDING, None, 0
        self.since, self.polled_at, self.awake_since = now, None, None
        self.note("launch")

    def note(self, step: str) -> None:
        """Record a step, once."""
        if step not in self.steps:
            self.steps.append(step)

    def finish(self, message: str, *, failed: bool = False, skipped: bool = False) -> None:
        """End the run. The message may contain text from users and from the cloud."""
        self.stage, self.failed, self.skipped = Stage.DONE, failed, skipped
        self.message = one_line(message)

    def state_text(self) -> str:
        """Return its state in words."""
        return "absent" if self.now is None else state_text(self.now)


def lacks_address(instance: Instance, options: LaunchOptions) -> bool:
    """Return whether an instance is to have a floating IP that it does not have, and can be given one."""
    observed, has = classify_instance(instance), instance.ip_address
    if not options.wants_address or observed.kind is not Kind.RESTING or observed.state is RestingState.SHELVED:
        return False
    return has is None or options.floating_ip not in ("auto", has)


def is_awaited(instance: Instance, *, wait: bool) -> bool:
    """Return whether a run waits for an instance before it changes anything.

    A killed run may have left one that is active, and that Atmosphere is still deploying.
    """
    observed = classify_instance(instance)
    awakes = observed.kind is Kind.MOVING and observed.state is RestingState.ACTIVE
    return instance.status == "build" or (awakes and wait)


def is_resumed(instance: Instance, options: LaunchOptions) -> bool:
    """Return whether an earlier run requested a resize of an instance, and the task names a flavor."""
    return instance.status == "resize" and options.flavor is not None


def resume_resize(run: LaunchRun, options: LaunchOptions) -> None:
    """Wait for a resize that an earlier run requested."""
    if run.now is None or not is_resumed(run.now, options):
        return
    run.resize = Change(ChangeKind.FLAVOR, run.now.flavor.name, options.flavor or "")
    run.changes = tuple(each for each in run.changes if each.kind is not ChangeKind.FLAVOR)
    run.stage = Stage.BUILDING


def unchanged_text(instance: Instance, unmade: Sequence[Change]) -> str:
    """Return that an instance is not changed while the cloud builds or resizes it, since the task does not wait."""
    kinds = ", ".join(each.kind for each in unmade)
    what = f"is {state_text(instance)}, and was not changed without a wait ({kinds})"
    return f"{what}: run the task again, or set wait: true"


def error_text(instance: Instance) -> str:
    """Return why an instance is in error."""
    return f"in error: {(instance.fault or 'the cloud gives no reason').rstrip('. ')}"


def no_address_text(run: LaunchRun, error: JetstreamError) -> str:
    """Return that an instance has no floating IP, and why."""
    return f"is {run.state_text()}, but has no floating IP: {error}"


@dataclass(frozen=True, slots=True)
class FleetLaunch:
    """The outcome of a launch. ``removed``: deleted twins and remains of earlier launches."""

    runs: tuple[LaunchRun, ...]
    removed: tuple[Instance, ...] = ()
    aborted_by: JetstreamError | None = None
    warnings: tuple[str, ...] = ()
