# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an instance is idle, since when, and why: one pure function.

An instance is idle if every interval of a whole window is. One sign of use makes it active; missing, old or
contradictory evidence leaves it unknown, which must be treated as active.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from .intervals import HOUR, Doubt, Interval
from .rules import CONSOLE, Finding, Settings, describe_jobs, findings, old_jobs

# Right before an act, the last interval has to be this short, and this young: a job that began a minute ago
# disappears in the mean of a quarter of an hour.
LAST_LOOK = 180.0
# By how much a reading may seem to be from the future: two clocks, read one after the other.
_SKEW = 5.0
_NUMBERS = (
    *("cores", "iowait", "net", "disk", "disk_busy", "accepted", "datagrams", "viewer", "busy_kernels", "slurm", "due"),
    *("inhibitors", "gpu", "gpu_untold"),
)


class State(StrEnum):
    """The state of an instance. Unknown counts as active."""

    ACTIVE = "active"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A conclusion and its evidence. Times are in seconds since 1970 by the controller's clock.

    ``since``: idle since then at least; active or unknown: the last moment of use that is known. ``rule`` is the rule
    that decided, or the reason for not knowing in one word. ``findings`` are all signs of use in the window, the latest
    first. ``numbers`` are the greatest of the window. ``losses`` is what is there and would be lost with the memory, or
    no longer holds the instance, in words for its owner. ``since_is_known``: whether the evidence shows the use that
    ended at ``since``; else it only begins there, and the instance may be idle for longer. ``caveat`` is a sentence
    about the limits of the evidence, or "".
    """

    state: State
    since: float | None
    rule: str
    reason: str
    findings: tuple[Finding, ...] = ()
    doubts: tuple[str, ...] = ()
    numbers: Mapping[str, float] | None = None
    losses: tuple[str, ...] = ()
    readings: int = 0
    newest: float | None = None
    since_is_known: bool = True
    caveat: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether it is certain that nothing happened."""
        return self.state is State.IDLE

    def in_doubt(self, rule: str, reason: str) -> Verdict:
        """Return the verdict, but unknown if it is idle. ``rule`` and ``reason`` say why."""
        if not self.is_idle:
            return self
        return replace(self, state=State.UNKNOWN, since=None, rule=rule, reason=reason, doubts=(reason,))

    def to_result(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and strings, as a module returns them."""
        return {
            "state": self.state.value,
            "since": self.since,
            "rule": self.rule,
            "reason": self.reason,
            "findings": [each._asdict() for each in self.findings],
            "doubts": list(self.doubts),
            "numbers": dict(self.numbers or {}),
            "losses": list(self.losses),
            "readings": self.readings,
            "newest": self.newest,
            "since_is_known": self.since_is_known,
            "caveat": self.caveat,
        }


def judge(
    intervals: Sequence[Interval],
    settings: Settings,
    now: float,
    *,
    console: Finding | None = None,
    before_act: bool = False,
) -> Verdict:
    """Return the verdict on an instance from the intervals between its readings, oldest first.

    ``now`` is the controller's clock, in seconds since 1970. ``console`` is a sign of use on the console.
    ``before_act``: whether an action on the instance is about to follow, so that the latest interval must be a short
    one that has just ended.
    """
    return _Judge([_Judged(each, settings) for each in intervals], settings).verdict(
        now, console=console, before_act=before_act
    )


class Step(NamedTuple):
    """An interval, and the verdict at its end.

    ``is_used``: whether a rule found use in it. ``is_unsure``: whether there may have been use that none could find.
    """

    interval: Interval
    is_used: bool
    is_unsure: bool
    verdict: Verdict


def steps(intervals: Sequence[Interval], settings: Settings, *, since: float = 0.0) -> Iterator[Step]:
    """Yield the intervals that end after a time, each with the verdict that there was at its end.

    A verdict looks back no further than it has to, so that its ``since`` may be later than it is for ``judge``.
    """
    judged = [_Judged(each, settings) for each in intervals]
    # The required number of readings and their maximum distance. Two more hours: an hour may begin in the middle.
    reach = 2 * (settings.window + settings.interval) + 2 * HOUR
    first = 0
    for number, each in enumerate(judged, start=1):
        while judged[first].interval.end < each.interval.end - reach:
            first += 1
        if each.interval.end > since:
            verdict = _Judge(judged[first:number], settings).verdict(each.interval.end)
            yield Step(each.interval, each.is_used, each.is_unsure, verdict)


class _Judged:
    """An interval with the findings of the rules."""

    def __init__(self, interval: Interval, settings: Settings) -> None:
        self.interval = interval
        self.findings = findings(interval, settings)
        self.last_use = max((each.at for each in self.findings), default=None)
        self.doubts = [each for each in interval.doubts if not each.rule or each.rule not in settings.ignore]
        self.is_used = self.last_use is not None and self.last_use > interval.start
        self.is_unsure = bool(self.doubts) or interval.longest_gap > 2 * settings.interval


class _Judge:
    def __init__(self, judged: Sequence[_Judged], settings: Settings) -> None:
        self._judged = judged
        self._settings = settings

    def verdict(self, now: float, *, console: Finding | None = None, before_act: bool = False) -> Verdict:
        if console is not None and now - console.at < self._settings.window and CONSOLE not in self._settings.ignore:
            return self._active([console], console.at)
        if not self._judged:
            return Verdict(State.UNKNOWN, None, "readings", "no reading was taken yet")
        newest = self._judged[-1].interval
        if now - newest.end > 2 * self._settings.interval:
            return self._unknown("old", f"the latest reading is {_minutes(now - newest.end)} old")
        if newest.end > now + _SKEW:
            return self._unknown(
                "clock", "the latest reading is from the future: the clock of the controller was set back"
            )
        if used := self._uses_since(newest.end - self._settings.window):
            return self._active(used, used[0].at)
        return self._idle_or_unknown(now, before_act=before_act)

    def _uses_since(self, start: float) -> list[Finding]:
        """Return signs of use later than a time, the latest first, those of one interval in the order of the rules."""
        found = []
        for each in reversed(self._judged):
            if each.interval.end <= start:
                break
            found += [finding for finding in each.findings if finding.at > start]
        return sorted(found, key=lambda each: -each.at)

    def _idle_or_unknown(self, now: float, *, before_act: bool) -> Verdict:
        newest = self._judged[-1].interval
        stretch = self._quiet_stretch()
        needed = int(self._settings.window_minutes // self._settings.interval_minutes) + 1
        since = stretch.since
        if stretch.doubts and newest.end - since < self._settings.window:
            return self._unknown(stretch.doubts[0].rule or "evidence", stretch.doubts[0].reason, stretch.doubts)
        if newest.end - since < self._settings.window:
            reason = f"readings without a gap cover {_minutes(newest.end - since)} of {_minutes(self._settings.window)}"
            return self._unknown(self._why_short(), reason)
        if stretch.readings < needed:
            reason = f"there are {stretch.readings} readings, and {needed} are needed"
            return self._unknown("readings", reason)
        if before_act and (newest.longest_gap > LAST_LOOK or newest.length <= 0 or now - newest.end > LAST_LOOK):
            return self._unknown("last_look", "there was no short reading right before the action")
        return Verdict(
            State.IDLE,
            since,
            "",
            f"nothing happened for {_minutes(newest.end - since)}",
            numbers=self._numbers(newest.end - self._settings.window),
            losses=_losses(newest, self._settings),
            readings=stretch.readings,
            newest=newest.end,
            since_is_known=stretch.begins_with_use,
        )

    def _quiet_stretch(self) -> _Stretch:
        """Return the time before the latest reading in which nothing happened, as far as readings have no gap."""
        boot = self._judged[-1].interval.boot
        since = self._judged[-1].interval.end
        readings = 1
        for each in reversed(self._judged):
            interval = each.interval
            if interval.boot != boot or interval.end < since - _SKEW or each.doubts:
                return _Stretch(since, readings, tuple(each.doubts) if interval.boot == boot else ())
            if interval.longest_gap > 2 * self._settings.interval:
                return _Stretch(since, readings, ())
            if each.is_used and each.last_use is not None:
                return _Stretch(each.last_use, readings, (), begins_with_use=True)
            if interval.length > 0:
                since = interval.start
                readings += interval.readings
        return _Stretch(since, readings, ())

    def _why_short(self) -> str:
        return "young" if self._judged[-1].interval.uptime < self._settings.window else "gap"

    def _active(self, found: Sequence[Finding], at: float) -> Verdict:
        newest = self._judged[-1].interval if self._judged else None
        return Verdict(
            State.ACTIVE,
            at,
            found[0].rule,
            found[0].text,
            findings=tuple(found),
            doubts=tuple(each.reason for each in self._judged[-1].doubts) if self._judged else (),
            numbers=self._numbers(newest.end - self._settings.window) if newest else {},
            losses=_losses(newest, self._settings) if newest else (),
            readings=len(self._judged),
            newest=newest.end if newest else None,
        )

    def _unknown(self, rule: str, reason: str, doubts: Sequence[Doubt] = ()) -> Verdict:
        newest = self._judged[-1].interval
        uses = [each.last_use for each in self._judged if each.last_use is not None]
        return Verdict(
            State.UNKNOWN,
            max(uses, default=None),
            rule,
            reason,
            doubts=tuple(dict.fromkeys(each.reason for each in doubts)),
            numbers=self._numbers(newest.end - self._settings.window),
            losses=_losses(newest, self._settings),
            readings=len(self._judged),
            newest=newest.end,
        )

    def _numbers(self, start: float) -> dict[str, float]:
        window = [each.interval for each in self._judged if each.interval.end > start]
        return {name: round(max(float(getattr(each, name)) for each in window), 4) for name in _NUMBERS}


@dataclass(frozen=True, slots=True)
class _Stretch:
    since: float
    readings: int
    doubts: tuple[Doubt, ...]
    begins_with_use: bool = False


def _losses(interval: Interval, settings: Settings) -> tuple[str, ...]:
    """Return the programs and jobs that are present without use, in words for a notice."""
    losses = [
        f"{count} {noun if count == 1 else noun + 's'}"
        for count, noun in (
            (interval.kernels, "Jupyter kernel"),
            (interval.terminals, "open terminal"),
            (interval.logins, "ssh connection"),
            (interval.containers, "container"),
        )
        if count
    ]
    old = old_jobs(interval, settings)
    for kind in dict.fromkeys(each.kind for each in old):
        youngest = min(each.age for each in old if each.kind == kind)
        count = sum(each.kind == kind for each in old)
        losses.append(f"{describe_jobs(kind, count)}, for {youngest / 3600:.0f} hours")
    return tuple(losses)


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 600 else f"{minutes / 60:.0f} h"
