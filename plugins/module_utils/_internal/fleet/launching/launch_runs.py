# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a launch: its settings, and the progress of each wanted instance. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from ...errors import JetstreamError
from ...model import Change, Flavor, Instance, Launch, LaunchOptions
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
    """The state that an instance is to come to, in check mode or without a wait. ``flavor``: None if not known."""

    status: str
    flavor: Flavor | None


@dataclass(frozen=True, slots=True)
class LaunchSettings:
    """The bounds of a launch. ``group`` returns the mark of an instance by its name. ``timeout``: seconds for all.

    ``capacity_retries``: how often in a row a batch that found no host at all is tried again. ``changes``: those of
    instances that were there before, by name. ``flavor``: the one that the options name, as far as it was looked up.
    ``given_addresses``: whether the cloud gives floating IPs without a request.
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
        """The state that launched instances begin in."""
        return Foreseen((RestingState.SHELVED if self.shelved else RestingState.ACTIVE).value, self.flavor)


class Stage(Enum):
    """Where a wanted instance is. SHORT: no host had room for it, and its record in error is to be removed."""

    TO_LAUNCH = "to launch"
    IN_DOUBT = "in doubt"
    BUILDING = "building"
    SHORT = "short"
    BUILT = "built"
    DONE = "done"


@dataclass(slots=True)
class LaunchRun:
    """A wanted instance: what there was of it before, what there is now, the steps that were taken, and the outcome.

    ``launches``: the requests that were sent for it. ``doubt``: the error in the place of the last one's response.
    ``looks``: the number of searches for that launch without a result. ``compared``: whether twins were searched.
    ``shortage``: the cloud's words when no host took it.
    ``changes``: those that are still to be made. ``meant``: whether the task may change it at all. ``resize``: the one
    that is waited for; ``confirmed``: whether its end was confirmed.
    ``awake_since``: since when it was seen active. ``setup``: what its console last said of its setup.
    ``foreseen``: the state that it is to come to, where it was not waited for, or was not launched (check mode).
    ``actions`` is empty: a launch is none, and all launches take as long as each other.
    """

    name: str
    before: Instance | None = None
    now: Instance | None = None
    stage: Stage = Stage.TO_LAUNCH
    steps: list[str] = field(default_factory=list)
    launches: list[Launch] = field(default_factory=list)
    doubt: JetstreamError | None = None
    looks: int = 0
    attempts: int = 0
    not_before: float = 0.0
    shortage: str | None = None
    last_error: JetstreamError | None = None
    compared: bool = False
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
        """Whether a request was sent of which it is not known whether the cloud carried it out."""
        return self.doubt is not None

    @property
    def observed(self) -> ObservedState:
        """Its state when last observed. Of one that was not launched yet, that is gone."""
        return ObservedState(Kind.GONE) if self.now is None else classify_instance(self.now)

    @property
    def can_have_address(self) -> bool:
        """Whether the task may give it a floating IP, and it is in a state in which it takes one."""
        observed = self.observed
        return self.meant and observed.kind is Kind.RESTING and observed.state is not RestingState.SHELVED

    def lacks_address(self, options: LaunchOptions) -> bool:
        """Whether it is to have a floating IP that it does not have, and can be given one."""
        if not options.wants_address or not self.can_have_address or self.now is None:
            return False
        has = self.now.ip_address
        return has is None or options.floating_ip not in ("auto", has)

    def launched(self, instance: Instance, now: float) -> None:
        """Note that the cloud accepted a launch."""
        self.now, self.stage, self.doubt, self.looks = instance, Stage.BUILDING, None, 0
        self.since, self.polled_at, self.awake_since = now, None, None
        self.note("launch")

    def note(self, step: str) -> None:
        """Note a step, once."""
        if step not in self.steps:
            self.steps.append(step)

    def finish(self, message: str, *, failed: bool = False, skipped: bool = False) -> None:
        """End it. Text from users and from the cloud may be in the message."""
        self.stage, self.failed, self.skipped = Stage.DONE, failed, skipped
        self.message = one_line(message)

    def state_text(self) -> str:
        """Return its state as people read it."""
        return "absent" if self.now is None else state_text(self.now)


@dataclass(frozen=True, slots=True)
class FleetLaunch:
    """The outcome of a launch. ``removed``: twins and remains of earlier launches that were deleted."""

    runs: tuple[LaunchRun, ...]
    removed: tuple[Instance, ...] = ()
    aborted_by: JetstreamError | None = None
    warnings: tuple[str, ...] = ()
