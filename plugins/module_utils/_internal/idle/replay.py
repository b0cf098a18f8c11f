# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notices, actions and savings that the rules would have produced with past readings. Pure functions.

Readings show an instance as it ran, not as it would have been. So after an action, an instance counts as off until the
readings show a use, and is then judged again. Estimates are conservative: a use may have begun at the start of its
interval, and unknown time saves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ..errors import ConfigurationError
from ..text.terminal import one_line
from ..times import iso_or_none
from ..usage.rates import number_if_known
from .intervals import HOUR, Interval
from .rules import Settings
from .verdicts import Step, steps

DAY = 24 * HOUR
# For how long readings are kept.
LONGEST_DAYS = 30
# An action counts as regretted if the instance is used within this time.
SOON = HOUR
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": HOUR, "d": DAY, "w": 7 * DAY}
# By how much the end of an interval and the start of the next one may differ.
_SEAM = 5.0
_NAMED = 5


class Ending(StrEnum):
    """How a stretch of idleness ended.

    ``spared``: something was found in the grace time. ``warned``: the grace time is not over. ``used`` and ``started``
    (it was booted): after the action. ``unknown``: evidence is missing. ``away``: it would still be off.
    """

    SPARED = "spared"
    WARNED = "warned"
    USED = "used"
    STARTED = "started"
    UNKNOWN = "unknown"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of idleness, as the rules would have dealt with it. Times are in seconds since 1970.

    ``put_away`` is None if it was not. The next use lies between ``used_from`` and ``used_by``; both are None if there
    was none. ``end`` is the time to which the readings show that nothing happened. ``by_hour``: whether it rests on
    hourly figures, which are known to an hour only.
    """

    warned: float
    put_away: float | None
    end: float
    ending: Ending
    used_from: float | None = None
    used_by: float | None = None
    by_hour: bool = False

    @property
    def saved_hours(self) -> float:
        """Return the hours for which it would have been off, and was certainly not used."""
        return 0.0 if self.put_away is None else max(0.0, self.end - self.put_away) / HOUR

    @property
    def used_soon(self) -> bool:
        """Whether it may have been used within an hour after the action."""
        return self.put_away is not None and self.used_from is not None and self.used_from < self.put_away + SOON


@dataclass(frozen=True, slots=True)
class Replay:
    """The stretches of one instance, and the seconds of the span of which there are readings, hourly or unknown."""

    stretches: tuple[Stretch, ...]
    first: float | None
    known: float
    by_hour: float
    unknown: float


def span_of(text: str) -> float:
    """Return the seconds of a span such as 30d, 12h or 2w. Raises ConfigurationError."""
    found = _SPAN.fullmatch(text.strip().lower())
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= LONGEST_DAYS * DAY:
        raise ConfigurationError(
            f"replay is {text[:40]!r}, but must be a span of at most {LONGEST_DAYS} days, as long as readings are "
            "kept.",
            hint="Write 30d, 12h or 2w.",
        )
    return seconds


def replay(intervals: Sequence[Interval], settings: Settings, *, since: float, now: float, grace: float) -> Replay:
    """Return what the rules would have done with an instance from ``since`` to ``now``.

    ``intervals`` are all that are known, oldest first. ``grace`` is the time between warning and act, in seconds.
    """
    judging = _Judging(grace)
    within = [each for each in steps(intervals, settings, since=since) if each.interval.end <= now]
    for each in within:
        judging.add(each)
    return Replay(
        stretches=tuple(judging.finished()),
        first=max(within[0].interval.start, since) if within else None,
        known=sum(_within(each.interval, since) for each in within),
        by_hour=sum(_within(each.interval, since) for each in within if each.interval.is_combined),
        unknown=sum(_unknown(each, since) for each in within),
    )


class _Judging:
    """Follows one instance, interval by interval."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._done: list[Stretch] = []
        self._open: Stretch | None = None
        self._boot = ""

    def add(self, step: Step) -> None:
        """Take the next interval, with the verdict at its end."""
        if self._open is not None and self._open.put_away is not None:
            self._go_on_away(self._open, step)
        elif self._open is not None and not step.verdict.is_idle:
            self._close(replace(self._open, ending=Ending.SPARED))
        if step.verdict.is_idle and (self._open is None or self._open.put_away is None):
            self._go_on_idle(step.interval)
        self._boot = step.interval.boot

    def finished(self) -> Iterator[Stretch]:
        """Yield all stretches, with the one that has not ended."""
        yield from self._done
        if self._open is not None:
            yield self._open

    def _go_on_idle(self, interval: Interval) -> None:
        found = self._open or Stretch(interval.end, None, interval.end, Ending.WARNED)
        is_over = interval.end >= found.warned + self._grace
        self._open = replace(
            found,
            put_away=interval.end if is_over else None,
            ending=Ending.AWAY if is_over else Ending.WARNED,
            end=interval.end,
            by_hour=found.by_hour or interval.is_combined,
        )

    def _go_on_away(self, found: Stretch, step: Step) -> None:
        interval = step.interval
        found = replace(found, by_hour=found.by_hour or interval.is_combined)
        if interval.boot != self._boot:
            self._close(replace(found, ending=Ending.STARTED, used_from=found.end, used_by=interval.end))
        elif step.is_used:
            self._close(replace(found, ending=Ending.USED, used_from=found.end, used_by=interval.end))
        elif step.is_unsure or interval.start > found.end + _SEAM:
            self._close(replace(found, ending=Ending.UNKNOWN))
        else:
            self._open = replace(found, end=interval.end)

    def _close(self, found: Stretch) -> None:
        self._done.append(found)
        self._open = None


def _within(interval: Interval, since: float) -> float:
    return max(0.0, interval.end - max(interval.start, since))


def _unknown(step: Step, since: float) -> float:
    """Return the seconds of an interval of which nothing is known for certain."""
    if not step.is_unsure:
        return 0.0
    length = _within(step.interval, since)
    return min(length, step.interval.unknown) if step.interval.unknown else length


@dataclass(frozen=True, slots=True)
class ReplayedInstance:
    """An instance with its replay. ``saves_su_per_hour``: what shelving it saves now, None if that is not known."""

    id: int | str
    uuid: str
    name: str
    owner: str
    saves_su_per_hour: Decimal | None
    replay: Replay
    problem: str = ""


def replay_result(instances: Sequence[ReplayedInstance], *, since: float, grace: float) -> dict[str, Any]:
    """Return the result of a module: each instance with its stretches, and the sums."""
    rows = [_row(each) for each in instances]
    return {"since": iso_or_none(since), "grace_minutes": grace / 60, "instances": rows, "summary": _summary(rows)}


def _row(of: ReplayedInstance) -> dict[str, Any]:
    found = of.replay.stretches
    hours = sum(each.saved_hours for each in found)
    saved = None if of.saves_su_per_hour is None else of.saves_su_per_hour * Decimal(str(round(hours, 4)))
    return {
        "id": of.id,
        "uuid": of.uuid,
        "name": of.name,
        "owner": of.owner,
        "first": iso_or_none(of.replay.first),
        "known_hours": _hours(of.replay.known),
        "hourly_hours": _hours(of.replay.by_hour),
        "unknown_hours": _hours(of.replay.unknown),
        "warned": len(found),
        "spared": sum(each.ending is Ending.SPARED for each in found),
        "put_away": sum(each.put_away is not None for each in found),
        "used_soon": sum(each.used_soon for each in found),
        "saved_hours": round(hours, 2),
        "saved_su": number_if_known(saved),
        "problem": of.problem,
        "stretches": [_stretch(each, of.saves_su_per_hour) for each in found],
    }


def _stretch(found: Stretch, saves: Decimal | None) -> dict[str, Any]:
    hours = Decimal(str(round(found.saved_hours, 4)))
    return {
        "warned": iso_or_none(found.warned),
        "put_away": iso_or_none(found.put_away),
        "ending": found.ending.value,
        "used_from": iso_or_none(found.used_from),
        "used_by": iso_or_none(found.used_by),
        "used_soon": found.used_soon,
        "saved_hours": round(found.saved_hours, 2),
        "saved_su": None if saves is None else number_if_known(saves * hours),
        "hourly": found.by_hour,
    }


_COUNTS = ("warned", "spared", "put_away", "used_soon")


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sums: dict[str, Any] = {name: sum(each[name] for each in rows) for name in _COUNTS}
    sums |= {
        name: round(sum(each[name] for each in rows), 2)
        for name in ("known_hours", "hourly_hours", "unknown_hours", "saved_hours")
    }
    sums["saved_su"] = round(float(sum(each["saved_su"] for each in rows if each["saved_su"] is not None)), 3)
    sums["unknown_costs"] = sum(each["saved_su"] is None and each["put_away"] > 0 for each in rows)
    sums["selected"] = len(rows)
    sums["without_readings"] = sum(not each["known_hours"] for each in rows)
    return {**sums, "sentences": _sentences(rows, sums)}


def _sentences(rows: Sequence[Mapping[str, Any]], sums: Mapping[str, Any]) -> list[str]:
    counted = (
        f"{_count(sums['selected'], 'instance')}, {sums['known_hours'] / 24:.1f} days of readings: "
        f"{_count(sums['warned'], 'warning')}, {sums['spared']} spared in the grace time, "
        f"{_count(sums['put_away'], 'action')}."
    )
    said = [counted]
    if sums["put_away"]:
        unpriced = f", without {sums['unknown_costs']} of unknown cost" if sums["unknown_costs"] else ""
        said.append(f"That would have saved {sums['saved_su']:g} SU{unpriced}, in {sums['saved_hours']:g} hours.")
        soon = [f"{one_line(str(each['name']))} ({each['used_soon']})" for each in rows if each["used_soon"]]
        more = f" and {len(soon) - _NAMED} more" if len(soon) > _NAMED else ""
        said.append(
            f"Used again within an hour: {sums['used_soon']} of {sums['put_away']}, {', '.join(soon[:_NAMED])}{more}."
            if soon
            else "None was used again within an hour."
        )
    if sums["hourly_hours"]:
        said.append(
            f"Of {sums['hourly_hours'] / 24:.1f} days only hourly figures are left. There, times are known to an hour, "
            "an idle stretch of less than two hours may not be seen, and a use may count as soon that was later."
        )
    if sums["unknown_hours"]:
        said.append(f"For {sums['unknown_hours']:g} hours the use is unknown, and they count as no saving.")
    if sums["without_readings"]:
        said.append(f"{_count(sums['without_readings'], 'instance')} had no readings in that time.")
    said.append("The replay ignores locks, keep marks and other vetoes, whose past is unknown.")
    return said


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + 's'}"


def _hours(seconds: float) -> float:
    return round(seconds / HOUR, 2)
