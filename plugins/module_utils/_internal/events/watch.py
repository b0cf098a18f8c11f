# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source: reads the cloud when a part is due, and returns the resulting events.

Waiting and delivery are left to the caller, which is specific to the program that takes the events. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..clouds.connect import connect, resolve
from ..errors import BugFound, ConfigurationError, JetstreamError
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select
from ..idle.advice import advice
from ..model import UNKNOWN, CloudAccount
from ..operation import Context
from ..operations.budget_guard import read_standings
from ..operations.idle_info import Judge
from ..options import CONNECTION, IDLE_FILES, RATES, ModuleSpec
from ..policy.deadlines import DeadlineRow
from ..policy.schedule_file import read_timetable
from ..text.terminal import one_line
from ..usage.rates import Rates
from ..usage.snapshots import owner_of
from .arguments import checked
from .detection import Observation, Part, detect
from .memory import Memory
from .memory_file import EventMemoryFile, MemoryFileError

WATCHES = ("state", "idle", "deadline", "budget")
LEAST_INTERVAL = 30.0
SPEC = (
    CONNECTION
    + RATES
    + IDLE_FILES
    + ModuleSpec(
        argument_spec={
            "watch": {"type": "list", "elements": "str", "default": list(WATCHES), "choices": list(WATCHES)},
            "interval": {"type": "float", "default": 300.0},
            "idle_interval": {"type": "float", "default": 900.0},
            "budget_interval": {"type": "float", "default": 3600.0},
            "announce_first": {"type": "bool", "default": False},
            "state_path": {"type": "path"},
            "name": {"type": "list", "elements": "str"},
            "exclude": {"type": "list", "elements": "str"},
            "owner": {"type": "list", "elements": "str", "default": ["any"]},
            "project": {"type": "list", "elements": "str"},
            "settings": {"type": "dict"},
        }
    )
)
_STATE = Path(".local/state/jetstream/events.json")
_INTERVALS = ("interval", "idle_interval", "budget_interval")
_LONGEST_INTERVAL = 86_400.0
# A failed part is read again after twice the interval, and so on, up to this pause.
_LONGEST_BACK_OFF = 3600.0
# The time limit for all requests of a poll.
_LONGEST_POLL = 300.0
_OF_PARTS = {Part.IDLE: "idle", Part.DEADLINES: "deadline", Part.BUDGET: "budget"}


@dataclass(slots=True)
class _Pace:
    """The time of a part's next read. ``failures``: the number of consecutive failures."""

    interval: float
    due: float
    failures: int = 0

    def ended(self, begun: float, *, failed: bool) -> None:
        """Record the outcome of a read that began at a time of the monotonic clock."""
        self.failures = self.failures + 1 if failed else 0
        longest = max(self.interval, _LONGEST_BACK_OFF)
        self.due = begun + min(longest, self.interval * 2 ** min(self.failures, 16))


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event as the rulebook gets it, and the memory to store after its delivery. ``event`` may be None."""

    event: Mapping[str, Any] | None
    memory: Memory


@dataclass(slots=True)
class _Reading:
    """The data that a poll has read so far."""

    begun: float
    read: set[Part] = field(default_factory=set)
    failed: dict[Part, str] = field(default_factory=dict)


def open_watch(arguments: Mapping[str, Any], context: Context) -> Watch:
    """Check the arguments of a source, and return the source. Sends nothing.

    Raises ConfigurationError, and MemoryFileError if its memory cannot be used.
    """
    return Watch(checked(arguments, SPEC), context)


class Watch:
    """A source with its connection, its memory, and the times at which it reads each part."""

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        """Open the memory. ``options``: as ``checked`` returns them. Raises ConfigurationError or MemoryFileError."""
        for name in _INTERVALS:
            if not LEAST_INTERVAL <= options[name] <= _LONGEST_INTERVAL:
                raise ConfigurationError(
                    f"{name} is {options[name]:g} seconds, but must be between {LEAST_INTERVAL:g} and"
                    f" {_LONGEST_INTERVAL:g}."
                )
        if not options["watch"]:
            raise ConfigurationError("watch is an empty list.", hint=f"Set it to some of {', '.join(WATCHES)}.")
        self._options = options
        self._secrets: set[str] = set()
        self._context = replace(context, hide=self._hide, warn=self._once(context.warn))
        self._rates = Rates.from_options(options["rates"])
        resolve(options, context.environ, context.home)
        self._read_rows()
        given = options["state_path"]
        path = context.path(given, _STATE)
        self._file = EventMemoryFile(path, context.clock)
        self._stack = ExitStack()
        self._stack.enter_context(self._file.held())
        try:
            self.memory = self._file.load()
        except BaseException:
            self._stack.close()
            raise
        self._unsaved = ""
        self._account: CloudAccount | None = None
        self._cloud: Cloud | None = None
        now = context.clock.monotonic()
        self._paces = {
            Part.INSTANCES: _Pace(options["interval"], now),
            Part.IDLE: _Pace(options["idle_interval"], now),
            Part.DEADLINES: _Pace(options["interval"], now),
            Part.BUDGET: _Pace(options["budget_interval"], now),
        }

    def poll(self) -> Iterator[Announcement]:
        """Read the due parts, and return the events in order. Raises nothing: a failure becomes an event.

        Events are created on demand, so that a poll with thousands of events holds one memory at a time.
        """
        seen = self._observe()
        tells_states = "state" in self._options["watch"]
        steps = detect(self.memory, seen, tells_states=tells_states, announce_first=self._options["announce_first"])
        account = self._account or CloudAccount("", "")
        return (
            Announcement(None if each.event is None else each.event.to_result(account, seen.at), each.memory)
            for each in steps
        )

    def remember(self, memory: Memory) -> None:
        """Store the memory after the delivery of an event. A failure becomes an event, and the next event retries."""
        self.memory = memory
        try:
            self._file.save(memory)
        except MemoryFileError as error:
            self._unsaved = str(error)
            self._context.warn(self._unsaved)
        else:
            self._unsaved = ""

    def pause(self) -> float:
        """Return the seconds until the next poll."""
        # All parts are read from the list of instances, so no part is due earlier.
        return max(0.0, self._paces[Part.INSTANCES].due - self._context.clock.monotonic())

    def close(self) -> None:
        """Close the connection, and release the memory."""
        self._disconnect()
        self._stack.close()

    # --- reading

    def _observe(self) -> Observation:
        clock = self._context.clock
        reading = _Reading(clock.monotonic())
        seen = Observation(at=clock.now().astimezone(UTC))
        seen = self._part(reading, Part.INSTANCES, seen, self._instances)
        if Part.INSTANCES in reading.read:
            seen = self._part(reading, Part.DEADLINES, seen, self._deadlines)
            seen = self._part(reading, Part.IDLE, seen, self._idle)
            seen = self._part(reading, Part.BUDGET, seen, self._budget)
            self._warn_of(self._cloud.take_warnings() if self._cloud else ())
        if self._unsaved:
            # Without an event, the memory still has to be stored.
            self.remember(self.memory)
        if self._unsaved:
            reading.failed[Part.MEMORY] = self._unsaved
        else:
            reading.read.add(Part.MEMORY)
        return replace(seen, read=frozenset(reading.read), failed=dict(reading.failed))

    def _part(
        self, reading: _Reading, part: Part, seen: Observation, read: Callable[[Observation], Observation]
    ) -> Observation:
        """Read a part if it is watched and due. After a failure, return the observation unchanged."""
        if not self._is_due(part, reading.begun):
            return seen
        try:
            seen = read(seen)
        except JetstreamError as error:
            reading.failed[part] = self._shown(str(error))
        except Exception as error:
            reading.failed[part] = self._shown(str(BugFound(error)))
        else:
            reading.read.add(part)
        failed = part in reading.failed
        if failed:
            self._context.warn(f"{part}: {reading.failed[part]}")
        if failed and part is Part.INSTANCES:
            # The next poll reads the profile again, and logs in anew.
            self._disconnect()
        self._paces[part].ended(reading.begun, failed=failed)
        return seen

    def _is_due(self, part: Part, now: float) -> bool:
        if part is Part.INSTANCES:
            return True
        # A poll slightly before the interval would otherwise postpone the read by a whole interval.
        return _OF_PARTS[part] in self._options["watch"] and self._paces[part].due <= now + 1.0

    def _instances(self, seen: Observation) -> Observation:
        cloud = self._connected()
        cloud.limit(self._context.clock.monotonic() + _LONGEST_POLL)
        selector = Selector.from_options(self._options, ("project",)).with_account(cloud.account)
        self._account = cloud.account()
        # An allocation also pays for instances outside of the selection.
        needs_all = self._is_due(Part.BUDGET, self._context.clock.monotonic())
        wanted = None if needs_all else may_select(selector, INSTANCE_FIELDS)
        listed = cloud.list_instances(live=True, images=False, wanted=wanted, unreadable=True)
        readable = [each for each in listed if each.live and not each.read_error]
        selection = select(readable, selector, INSTANCE_FIELDS)
        self._warn_of(selection.warnings)
        return replace(
            seen,
            account=self._account,
            owner=owner_of(self._account),
            instances=selection.things,
            listed=frozenset(each.uuid for each in listed),
            is_whole=all(each.uuid != UNKNOWN for each in listed),
            readable=tuple(readable),
        )

    def _deadlines(self, seen: Observation) -> Observation:
        return replace(seen, rows=self._read_rows())

    def _idle(self, seen: Observation) -> Observation:
        cloud = self._connected()
        judge = Judge(cloud, self._options, self._context)
        judge.read_consoles(seen.instances)
        selector = Selector.from_options(self._options, ())
        meant = selector if self._options["owner"] != ["any"] else Selector(owners=(ME,))
        meant = meant.with_account(cloud.account)
        found = {}
        for instance in seen.instances:
            case = judge.case(instance, is_meant=meant.is_of_owner(instance.owner))
            self._warn_of(case.warnings)
            found[instance.uuid] = advice(case.judged, case.settings, self._rates, seen.at)
        return replace(seen, advice=found)

    def _budget(self, seen: Observation) -> Observation:
        found, warnings = read_standings(self._connected(), None, self._rates, seen.at, listed=seen.readable)
        self._warn_of(warnings)
        return replace(seen, standings=tuple(each.standing for each in found))

    def _read_rows(self) -> Sequence[DeadlineRow]:
        path = self._options["schedules_path"]
        return read_timetable(Path(path).absolute()).deadlines if path else ()

    # --- the connection

    def _connected(self) -> Cloud:
        if self._cloud is None:
            connection = resolve(self._options, self._context.environ, self._context.home)
            self._warn_of(connection.warnings)
            self._cloud = connect(connection, self._context.surroundings())
        return self._cloud

    def _disconnect(self) -> None:
        cloud, self._cloud = self._cloud, None
        if cloud is not None:
            with suppress(JetstreamError):
                cloud.close()

    # --- what is shown

    def _hide(self, secret: str) -> None:
        if secret:
            self._secrets.add(secret)

    def _shown(self, text: str) -> str:
        """Return a message without secrets. No error is known to contain one; this is a safeguard."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "********")
        return one_line(text)

    def _warn_of(self, sentences: Sequence[str]) -> None:
        for each in sentences:
            self._context.warn(self._shown(each))

    def _once(self, warn: Callable[[str], None]) -> Callable[[str], None]:
        """Return a function that passes on each recent sentence once: most warnings recur with each poll."""
        told: dict[str, None] = {}

        def pass_on(sentence: str) -> None:
            if sentence not in told:
                warn(sentence)
            told.pop(sentence, None)
            told[sentence] = None
            if len(told) > 1000:
                told.pop(next(iter(told)))

        return pass_on
