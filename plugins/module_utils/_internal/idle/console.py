# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence from the console of an instance: the lines that Exosphere's set-up prints once a minute.

Each is JSON with a time and the used share of all CPUs, from a look of 150 ms. One line says next to nothing; the mean
of a window, in busy cores, says whether something computes. It says nothing of people, transfers, and jobs that wait.
So it can prove that an instance is used, and never alone that it is idle. The error rates are in docs/idle.md.

Anybody on the instance can print such lines, so they are read as a stranger's text. Pure functions.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, TypeGuard

from ..flavors import Resource, family_of
from ..model import Flavor
from ..text.terminal import one_line
from ..times import iso_or_none
from .rules import CONSOLE, Finding, Settings
from .verdicts import LAST_LOOK, State, Verdict

# The rule of a verdict that rests on the console alone.
CONSOLE_ONLY = "console_only"
CAVEAT = "The console does not show interactive use, transfers and waiting jobs."
# Above it, one per cent of all CPUs is more than the smallest job that has to be seen.
MOST_VCPUS = 32
SECONDS_BETWEEN_LINES = 60.0
_LONGEST_LINE = 400
_MOST_LINES = 5000
_MOST_GPUS = 16
_KEYS = frozenset({"epoch", "cpuPctUsed", "memPctUsed", "rootfsPctUsed", "gpuPctUsed"})
# On images of the Red Hat family, the kernel puts its time before each line.
_LINE = re.compile(r"(?:\[ *\d{1,9}\.\d{1,9}\] )?(\{[^{}]{1,380}\})")
_EARLIEST = 1_500_000_000
_LATEST = 10_000_000_000
# By how much the instance's clock may be ahead of ours.
_AHEAD = 60.0
# A mean of fewer lines is chance. The lines come once a minute.
_FEWEST = 30
_NEWEST_LINES = 5
_OLDEST_NEWEST = 600.0
_LONGEST_GAP = 600.0


class Line(NamedTuple):
    """A line that Exosphere printed: seconds since 1970, per cent of all CPUs, and the greatest load of any GPU."""

    epoch: int
    cpu: int
    gpu: int | None


@dataclass(frozen=True, slots=True)
class ConsoleUse:
    """The evidence of a window of lines. ``cores`` is the mean of the window, ``newest_cores`` that of the last lines.

    ``finding`` is the sign of use in it, or None. ``doubt`` says why nothing else can be concluded, or is "".
    ``is_used_now``: whether the last lines are new, and show use by themselves.
    """

    lines: int
    newest: float | None
    cores: float | None
    newest_cores: float | None
    finding: Finding | None
    doubt: str
    is_used_now: bool = False

    def to_result(self) -> dict[str, Any]:
        """Return plain values, as a module returns them."""
        return {
            "lines": self.lines,
            "newest": iso_or_none(self.newest),
            "cores": None if self.cores is None else round(self.cores, 4),
            "newest_cores": None if self.newest_cores is None else round(self.newest_cores, 4),
            "used_now": self.is_used_now,
            "doubt": self.doubt,
        }


def lines_of(text: str) -> list[Line]:
    """Return the lines of a console that are Exosphere's in every respect, oldest first, one for each second."""
    found: dict[int, Line] = {}
    for line in _parsed(text):
        known = found.get(line.epoch)
        # Of two lines that contradict each other, the one with more use.
        if known is None or (line.cpu, line.gpu or 0) > (known.cpu, known.gpu or 0):
            found[line.epoch] = line
    return [found[epoch] for epoch in sorted(found)]


def _parsed(text: str) -> Iterator[Line]:
    for raw in text.splitlines()[-_MOST_LINES:]:
        match = _LINE.fullmatch(raw.strip()) if len(raw) <= _LONGEST_LINE else None
        if match is None:
            continue
        try:
            told = json.loads(match[1], object_pairs_hook=_once)
        except ValueError:
            continue
        line = _line(told)
        if line is not None:
            yield line


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a key is there twice")
    return told


def _line(told: Mapping[str, object]) -> Line | None:
    if told.keys() != _KEYS:
        return None
    epoch, cpu, gpu = told["epoch"], told["cpuPctUsed"], told["gpuPctUsed"]
    if not all(_is_percent(told[name]) for name in ("cpuPctUsed", "memPctUsed", "rootfsPctUsed")):
        return None
    if not _is_whole(epoch) or not _EARLIEST <= epoch <= _LATEST or not _is_whole(cpu):
        return None
    if gpu is None:
        return Line(epoch, cpu, None)
    if not isinstance(gpu, list) or not 1 <= len(gpu) <= _MOST_GPUS or not all(_is_percent(each) for each in gpu):
        return None
    return Line(epoch, cpu, max(gpu))


def _is_percent(value: object) -> bool:
    return _is_whole(value) and 0 <= value <= 100


def _is_whole(value: object) -> TypeGuard[int]:
    # True is 1 in Python, but not in Exosphere's lines.
    return isinstance(value, int) and not isinstance(value, bool)


def use_of(text: str, *, vcpus: int, settings: Settings, now: float) -> ConsoleUse:
    """Return the evidence of the last window. ``vcpus`` is the flavor's, not the guest's.

    ``now`` is the controller's clock, in seconds since 1970.
    """
    return _use_of_lines(lines_of(text), vcpus, settings, now)


def _window(lines: Sequence[Line], settings: Settings, end: float) -> Sequence[Line]:
    first = bisect_left(lines, end - settings.window, key=_epoch)
    return lines[first : bisect_right(lines, end + _AHEAD, key=_epoch)]


def _epoch(line: Line) -> int:
    return line.epoch


def _use_of_lines(known: Sequence[Line], vcpus: int, settings: Settings, now: float) -> ConsoleUse:
    lines = _window(known, settings, now)
    if not lines:
        return ConsoleUse(0, None, None, None, None, _why_none(known, now))
    cores = _cores(lines, vcpus)
    newest_cores = _cores(lines[-_NEWEST_LINES:], vcpus)
    return ConsoleUse(
        lines=len(lines),
        newest=float(lines[-1].epoch),
        cores=cores,
        newest_cores=newest_cores,
        finding=_finding(lines, vcpus, settings, now),
        doubt=_doubt(lines, settings, now),
        is_used_now=now - lines[-1].epoch <= LAST_LOOK
        and _finding(lines[-_NEWEST_LINES:], vcpus, settings, now) is not None,
    )


def _why_none(known: Sequence[Line], now: float) -> str:
    """Return why there is no line in the window."""
    before = [each.epoch for each in known if each.epoch <= now + _AHEAD]
    if before:
        return _too_old(now - before[-1])
    if known:
        return "the lines of the console are from the future: the clock of the instance, or of this machine, is wrong"
    return "the console has no lines of Exosphere: created without Exosphere? Take readings with activity"


def _too_old(age: float) -> str:
    shown = f"{age / 60:.0f} min" if age < 36_000 else f"{age / 3600:.0f} h"
    return (
        f"the latest line of the console is {shown} old, and the limit is {_OLDEST_NEWEST / 60:.0f} min: the instance "
        "may hang, or its clock may be wrong"
    )


def judge_by_console(text: str, flavor: Flavor, settings: Settings, now: float, *, before_act: bool = False) -> Verdict:
    """Return the verdict by the console alone, for users that cannot log in to the instance.

    That is enough to warn, and to act only after a time of grace. People at work, transfers and waiting jobs are not
    seen. ``before_act``: whether an action is about to follow, so that the latest line must be recent.
    """
    vcpus = flavor.vcpus or 0
    lines = lines_of(text)
    use = _use_of_lines(lines, vcpus, settings, now)
    numbers = {} if use.cores is None else {"cores": round(use.cores, 4)}
    if use.finding is not None:
        found = use.finding
        return Verdict(
            State.ACTIVE, found.at, found.rule, found.text, findings=(found,), numbers=numbers, newest=use.newest
        )
    if doubt := too_little_of(flavor) or use.doubt:
        return Verdict(State.UNKNOWN, None, CONSOLE, doubt, numbers=numbers, newest=use.newest)
    if before_act and (use.newest is None or now - use.newest > LAST_LOOK):
        doubt = "the latest line of the console is not recent"
        return Verdict(State.UNKNOWN, None, "last_look", doubt, numbers=numbers, newest=use.newest)
    since, is_known = _idle_since(lines, vcpus, settings, now)
    return Verdict(
        State.IDLE,
        since,
        CONSOLE_ONLY,
        f"by the console alone, {use.cores or 0:.2f} cores were busy on average over {use.lines} lines",
        numbers=numbers,
        readings=use.lines,
        newest=use.newest,
        since_is_known=is_known,
        caveat=CAVEAT,
    )


def _idle_since(lines: Sequence[Line], vcpus: int, settings: Settings, now: float) -> tuple[float, bool]:
    """Return the beginning of the oldest window that is idle like all after it, without the use at its beginning.

    And whether the lines before it show use. If not, they only begin there.
    """
    earliest = now
    follows_use = False
    for line in reversed(lines):
        end = float(line.epoch)
        if end >= earliest:
            continue
        window = _window(lines, settings, end)
        if _doubt(window, settings, end):
            break
        follows_use = _finding(window, vcpus, settings, end) is not None
        if follows_use:
            break
        earliest = end
    window = _window(lines, settings, earliest)
    # The mean of a window hides some minutes of use: here those with which the time before ended.
    used = [
        some[-1].epoch
        for some in (window[at : at + _NEWEST_LINES] for at in range(len(window) - _NEWEST_LINES + 1))
        if _cores(some, vcpus) >= settings.console_cores
    ]
    # Nothing is known before the first line. The last window is idle as a whole, by its mean.
    known = [earliest - settings.window, float(window[0].epoch), *used[-1:]]
    return min(now - settings.window, max(known)), follows_use or bool(used)


def too_little_of(flavor: Flavor) -> str:
    """Return why the console cannot show that an instance of a flavor is idle, or ""."""
    family = family_of(flavor.name)
    if flavor.vcpus is None or family is None:
        return f"the flavor {one_line(flavor.name)} is unknown, so the console is not enough evidence"
    if flavor.vcpus > MOST_VCPUS:
        return f"the console is not enough evidence for {flavor.vcpus} vCPUs"
    return "the console is not enough evidence for a GPU" if family.resource is Resource.GPU else ""


def _cores(lines: Sequence[Line], vcpus: int) -> float:
    return sum(each.cpu for each in lines) / len(lines) * vcpus / 100


def _finding(lines: Sequence[Line], vcpus: int, settings: Settings, now: float) -> Finding | None:
    at = min(float(lines[-1].epoch), now)
    loaded = [each for each in lines if each.gpu is not None and each.gpu >= settings.gpu_percent]
    if loaded:
        last = loaded[-1]
        text = f"a GPU had a load of {last.gpu} %, by the console"
        return Finding(CONSOLE, min(float(last.epoch), now), text, float(last.gpu or 0))
    # A mean of few is chance: a single measurement while a program starts shows all cores busy.
    for some in (lines, lines[-_NEWEST_LINES:]):
        if len(some) >= _NEWEST_LINES and (cores := _cores(some, vcpus)) >= settings.console_cores:
            text = f"{cores:.2g} cores were busy on average over {len(some)} lines of the console"
            return Finding(CONSOLE, at, text, cores)
    return None


def _doubt(lines: Sequence[Line], settings: Settings, now: float) -> str:
    epochs = [each.epoch for each in lines]
    gap = max((after - before for before, after in pairwise(epochs)), default=0)
    needed = max(_FEWEST, int(settings.window_minutes / 2))
    if len(lines) < needed:
        return f"the console has {len(lines)} lines of Exosphere in the window, and {needed} are needed"
    if now - epochs[-1] > _OLDEST_NEWEST:
        return _too_old(now - epochs[-1])
    if epochs[0] - (now - settings.window) > _LONGEST_GAP or gap > _LONGEST_GAP:
        return "lines of the console are missing"
    return ""
