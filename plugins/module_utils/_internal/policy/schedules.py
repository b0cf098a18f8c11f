# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules: when instances start and stop, and which instances follow which schedule. Pure functions.

An edge is a moment at which a schedule starts or stops its instances. Hours are local times: when daylight saving time
begins or ends, an edge keeps its local hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ..model import Instance
from ..states import Goal
from ..text.suggestions import did_you_mean
from .deadlines import DeadlineRow
from .filters import passes

METADATA_KEY = "jetstream_schedule"
# In the metadata or in a rule: the instance follows no schedule.
NO_SCHEDULE = "none"
MINUTES_A_DAY = 24 * 60
# The search for an edge ends here: a schedule without an edge in a year has none.
_LONGEST_LOOK_BACK = timedelta(days=400)
_LOOK_BACK_STEP = timedelta(days=8)
_DAY = timedelta(days=1)
# A window is at most a day long, and adjacent windows are merged, so edges depend on the neighboring days.
_MARGIN = 2


class EdgeKind(StrEnum):
    """What happens at an edge."""

    START = "start"
    STOP = "stop"


class WakeScope(StrEnum):
    """The instances that a start affects: those that the schedule put to sleep, or all that follow it."""

    OWN = "own"
    ALL = "all"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A moment in UTC, and what happens then."""

    at: datetime
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Period:
    """Hours on some days of the week, Monday being 0.

    ``start`` and ``stop`` are minutes after midnight, at most 24 hours. A ``stop`` that is not after ``start`` is on
    the next day. One of them may be None: then nothing is stopped, or nothing is started.
    """

    weekdays: frozenset[int]
    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule. ``exceptions`` has the periods of single dates, which replace all others; none for a day off.

    ``off_state``: the state into which a stop brings instances. ``first_day`` and ``last_day`` bound the days on which
    periods begin, and do not bound exceptions.
    """

    name: str
    zone: ZoneInfo
    periods: tuple[Period, ...]
    off_state: Goal = Goal.SHELVED
    wake: WakeScope = WakeScope.OWN
    first_day: date | None = None
    last_day: date | None = None
    holidays: frozenset[date] = frozenset()
    exceptions: Mapping[date, tuple[Period, ...]] = field(default_factory=dict)

    def periods_on(self, day: date) -> Sequence[Period]:
        """Return the periods that begin on a day."""
        if day in self.exceptions:
            return self.exceptions[day]
        if (self.first_day and day < self.first_day) or (self.last_day and day > self.last_day):
            return ()
        if day in self.holidays:
            return ()
        return [each for each in self.periods if day.weekday() in each.weekdays]


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which instances are to run: from ``start`` on, and no longer at ``stop``."""

    start: datetime
    stop: datetime


def edges(schedule: Schedule, since: datetime, until: datetime) -> list[Edge]:
    """Return the edges after ``since``, up to and including ``until``, in order.

    Windows that overlap or touch are one: an instance is not stopped to be started in the same moment.
    """
    first, last = _local_day(since, schedule.zone) - _MARGIN * _DAY, _local_day(until, schedule.zone) + _MARGIN * _DAY
    found = set()
    for window in _windows(schedule, first, last):
        found |= {Edge(window.start, EdgeKind.START), Edge(window.stop, EdgeKind.STOP)}
    found |= set(_single_edges(schedule, first, last))
    # If a stop and a start coincide, the start wins.
    starts = {each.at for each in found if each.kind is EdgeKind.START}
    ordered = sorted(each for each in found if each.kind is EdgeKind.START or each.at not in starts)
    return [each for each in ordered if since < each.at <= until]


def newest_edge(schedule: Schedule, now: datetime) -> Edge | None:
    """Return the last edge up to now; None without one in the last 400 days."""
    until = now
    while until > now - _LONGEST_LOOK_BACK:
        found = edges(schedule, until - _LOOK_BACK_STEP, until)
        if found:
            return found[-1]
        until -= _LOOK_BACK_STEP
    return None


def next_edge(schedule: Schedule, now: datetime) -> Edge | None:
    """Return the first edge in the future; None without one in the next 400 days."""
    since = now
    while since < now + _LONGEST_LOOK_BACK:
        found = edges(schedule, since, since + _LOOK_BACK_STEP)
        if found:
            return found[0]
        since += _LOOK_BACK_STEP
    return None


def window_at(schedule: Schedule, now: datetime) -> Window | None:
    """Return the window that contains a moment. A window longer than 400 days is cut."""
    day = _local_day(now, schedule.zone)
    found = None
    for margin in (_MARGIN, 10, 50, _LONGEST_LOOK_BACK.days):
        first, last = day - margin * _DAY, day + margin * _DAY
        windows = _windows(schedule, first, last)
        found = next((each for each in windows if each.start <= now < each.stop), None)
        if found is None:
            return None
        # Windows of several days merge: the bounds are right only if the days beyond them are included.
        if _local_day(found.start, schedule.zone) > first + _DAY and _local_day(found.stop, schedule.zone) < last:
            break
    return found


def wall_time(day: date, minutes: int, zone: ZoneInfo, *, late: bool) -> datetime:
    """Return the UTC moment of a local time, given in minutes after midnight of a day.

    A local time that daylight saving skips is the moment of the change. One that occurs twice is the second occurrence
    if ``late``, and the first otherwise.
    """
    shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first, second = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if late else first
    return _change_between(second, first, zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second at which a zone's offset differs from ``before``."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while low < high:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old:
            low = middle + 1
        else:
            high = middle
    return before + timedelta(seconds=low)


def _local_day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _windows(schedule: Schedule, first: date, last: date) -> list[Window]:
    """Return the windows that begin on these days, merged and in order."""
    merged: list[Window] = []
    for window in sorted(_windows_by_day(schedule, first, last), key=lambda each: each.start):
        if merged and window.start <= merged[-1].stop:
            merged[-1] = Window(merged[-1].start, max(merged[-1].stop, window.stop))
        else:
            merged.append(window)
    return merged


def _windows_by_day(schedule: Schedule, first: date, last: date) -> Iterator[Window]:
    for day, period in _periods(schedule, first, last):
        if period.start is None or period.stop is None:
            continue
        over_midnight = 0 if period.stop > period.start else MINUTES_A_DAY
        start = wall_time(day, period.start, schedule.zone, late=False)
        stop = wall_time(day, period.stop + over_midnight, schedule.zone, late=True)
        # Both may be in a skipped hour.
        if start < stop:
            yield Window(start, stop)


def _single_edges(schedule: Schedule, first: date, last: date) -> Iterator[Edge]:
    for day, period in _periods(schedule, first, last):
        if period.start is None and period.stop is not None:
            yield Edge(wall_time(day, period.stop, schedule.zone, late=True), EdgeKind.STOP)
        elif period.stop is None and period.start is not None:
            yield Edge(wall_time(day, period.start, schedule.zone, late=False), EdgeKind.START)


def _periods(schedule: Schedule, first: date, last: date) -> Iterator[tuple[date, Period]]:
    day = first
    while day <= last:
        for period in schedule.periods_on(day):
            yield day, period
        day += _DAY


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a file: the instances that pass every filter follow its schedule, or no schedule if that is None.

    Within a filter, one name or glob has to match. ``line``: the line number of the rule.
    """

    schedule: str | None
    filters: Mapping[str, tuple[str, ...]]
    line: int

    def fits(self, instance: Instance) -> bool:
        """Return whether an instance passes every filter."""
        return passes(self.filters, instance)

    def calls(self, instance: Instance) -> bool:
        """Return whether a filter has the exact name of an instance, and not only a matching glob."""
        return instance.name in self.filters.get("name", ())


@dataclass(frozen=True, slots=True)
class Assignment:
    """The schedule of an instance, None without one.

    ``source``: the rule or the metadata that assigns it. ``problem``: a clause about metadata with the name of an
    unknown schedule. ``is_named``: whether the source concerns this instance alone.
    """

    schedule: Schedule | None
    source: str
    problem: str | None = None
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class Timetable:
    """The schedules and rules of a file. The first matching rule applies.

    Of ``deadlines``, the first matching row applies, independently of the rules.
    """

    schedules: Mapping[str, Schedule]
    rules: tuple[Rule, ...]
    deadlines: tuple[DeadlineRow, ...] = ()

    def assignment(self, instance: Instance) -> Assignment:
        """Return the schedule that an instance follows. Its metadata overrides the rules."""
        written = (instance.metadata or {}).get(METADATA_KEY)
        if written is not None:
            return self._by_metadata(written.strip())
        for rule in self.rules:
            if rule.fits(instance):
                schedule = None if rule.schedule is None else self.schedules[rule.schedule]
                return Assignment(schedule, f"the rule in line {rule.line}", is_named=rule.calls(instance))
        return Assignment(None, "no rule")

    def _by_metadata(self, name: str) -> Assignment:
        if name in self.schedules:
            return Assignment(self.schedules[name], "its metadata", is_named=True)
        if name == NO_SCHEDULE:
            return Assignment(None, "its metadata")
        guess = did_you_mean(name, [*self.schedules, NO_SCHEDULE])
        problem = f"its metadata {METADATA_KEY} names a schedule that is not in the file: {name[:40]}. {guess}"
        return Assignment(None, "its metadata", problem.strip())
