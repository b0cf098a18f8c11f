# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The advice about an instance: the proposed action, the reasons against it, the costs. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ..model import Instance
from ..states import Action, Kind, classify
from ..text.terminal import one_line
from ..times import iso, iso_or_none, moment_or_none
from ..usage.rates import Rates, number, number_if_known
from .failed_try import FailedTry
from .keeps import KeepMark
from .rules import Settings
from .verdicts import State, Verdict

# After a boot, no instance is shelved for this long, whatever the window is.
BOOT_GRACE = 30 * 60.0
_HOUR = 3600.0
_NAMED = 5
_OF_VERDICT = ("active", "unknown", "trial")


class Veto(NamedTuple):
    """Why nothing would be done: a word for programs, and a clause for people."""

    veto: str
    reason: str


@dataclass(frozen=True, slots=True)
class JudgedInstance:
    """An instance with all that decides on it.

    ``booted`` is the time of its boot, if a reading has it.
    ``is_meant``: whether it is one of the owners whose instances are meant. ``unsupported``: why the cloud cannot
    shelve it, or None. ``scheduled``: a clause if a schedule wants it to run now. ``failed_try``: the last try to take
    a reading, if it failed. It is reported, and decides nothing.
    """

    instance: Instance
    verdict: Verdict
    keep: KeepMark | None
    booted: float | None
    is_meant: bool
    unsupported: str | None
    scheduled: str | None = None
    failed_try: FailedTry | None = None


def not_running(instance: Instance) -> Verdict | None:
    """Return the verdict on an instance that does not run, or None for one that does.

    Its readings are of the past, so that nothing is concluded from them.
    """
    observed = classify(instance.status, instance.activity)
    if observed.is_awake:
        return None
    doing = f", {one_line(instance.activity)}" if instance.activity else ""
    return Verdict(State.UNKNOWN, None, "not_running", f"it is not running ({instance.status}{doing})")


def vetoes(of: JudgedInstance, settings: Settings, now: datetime) -> Iterator[Veto]:
    """Yield every reason not to act on an instance."""
    yield from vetoes_of_cloud(of.instance, is_meant=of.is_meant, unsupported=of.unsupported)
    yield from vetoes_of_keep(of.keep, now)
    if of.scheduled is not None and of.verdict.rule != "not_running":
        yield Veto("scheduled", of.scheduled)
    yield from _vetoes_of_age(of, settings, now)
    if of.verdict.state is State.ACTIVE:
        yield Veto("active", of.verdict.reason)
    elif of.verdict.state is State.UNKNOWN and of.verdict.rule != "not_running":
        yield Veto("unknown", of.verdict.reason)


def vetoes_of_cloud(instance: Instance, *, is_meant: bool, unsupported: str | None) -> Iterator[Veto]:
    """Yield the reasons not to act on an instance that come from the cloud."""
    if not is_meant:
        yield Veto("not_mine", f"it belongs to {one_line(instance.owner)}")
    if not instance.live:
        yield Veto("state_unknown", instance.read_error or "its state was not read from the cloud itself")
    observed = classify(instance.status, instance.activity)
    if observed.kind is Kind.MOVING:
        yield Veto("busy", f"the cloud is changing it ({one_line(instance.activity or instance.status)})")
    elif not observed.is_awake:
        yield Veto("not_running", f"it is {instance.status}")
    if instance.locked:
        reason = f": {one_line(instance.lock_reason)}" if instance.lock_reason else ""
        yield Veto("locked", f"it is locked{reason}")
    if unsupported:
        yield Veto("unsupported", unsupported)


def vetoes_of_keep(mark: KeepMark | None, now: datetime) -> Iterator[Veto]:
    """Yield the veto of a keep mark that holds now."""
    if mark is not None and mark.holds(now):
        yield Veto("kept", _kept(mark))


def _vetoes_of_age(of: JudgedInstance, settings: Settings, now: datetime) -> Iterator[Veto]:
    age = _age(of.instance, now)
    if age is not None and age < settings.window:
        yield Veto(
            "young", f"it was launched {age / 60:.0f} min ago, and the window is {settings.window_minutes:g} min"
        )
    running = None if of.booted is None else now.timestamp() - of.booted
    if running is not None and 0 <= running < BOOT_GRACE:
        yield Veto("booted", f"it was started {running / 60:.0f} min ago")


def advice(of: JudgedInstance, settings: Settings, rates: Rates, now: datetime) -> dict[str, Any]:
    """Return the result of a module for an instance: the verdict, its evidence, the costs, and the proposed action."""
    instance, verdict = of.instance, of.verdict
    cost = rates.su_per_hour(instance.flavor, instance.status)
    shelved = rates.su_per_hour(instance.flavor, "shelved")
    idle_hours = _idle_hours(verdict, now)
    found = [each._asdict() for each in vetoes(of, settings, now)]
    told = verdict.to_result()
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "name": instance.name,
        "owner": instance.owner,
        "status": instance.status,
        "activity": instance.activity,
        "flavor": instance.flavor.name,
        "verdict": verdict.state.value,
        "since": iso_or_none(verdict.since),
        "since_is_known": verdict.since_is_known if verdict.is_idle else None,
        "idle_hours": None if idle_hours is None else _tenths(idle_hours),
        "rule": verdict.rule,
        "reason": verdict.reason,
        "caveat": verdict.caveat,
        "evidence": {
            "numbers": told["numbers"],
            "findings": [{**each, "at": iso_or_none(each["at"])} for each in told["findings"]],
            "doubts": told["doubts"],
            "losses": told["losses"],
            "readings": verdict.readings,
            "newest": iso_or_none(verdict.newest),
        },
        "failed_try": None if of.failed_try is None else of.failed_try.to_result(),
        "keep": None if of.keep is None else of.keep.to_result(now),
        "su_per_hour": number_if_known(cost),
        "su_since_idle": None if cost is None or idle_hours is None else _tenths(cost * idle_hours),
        "saves_su_per_day": None if cost is None or shelved is None else number_if_known((cost - shelved) * 24),
        "would": "nothing" if found else Action.SHELVE.value,
        "vetoes": found,
        "kept_because": kept_because(found),
    }


def kept_because(found: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the reasons of the vetoes that do not follow from the verdict, or from the trial of all instances."""
    return [each["reason"] for each in found if each["veto"] not in _OF_VERDICT]


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums over instances, as ``advice`` returns them, and a sentence with them."""
    idle = [each for each in rows if each["verdict"] == State.IDLE]
    of_idle = {name: _sum(idle, name) for name in ("su_per_hour", "su_since_idle")}
    would_act = [each for each in rows if each["would"] != "nothing"]
    counts = {f"{state}": sum(each["verdict"] == state for each in rows) for state in State}
    return {
        "selected": len(rows),
        **counts,
        "idle_su_per_hour": of_idle["su_per_hour"],
        "su_since_idle": of_idle["su_since_idle"],
        "saves_su_per_day": _sum(would_act, "saves_su_per_day"),
        "unknown_costs": sum(each["su_per_hour"] is None for each in idle),
        "sentence": _sentence(idle, of_idle) + _saving(would_act),
    }


def _sentence(idle: Sequence[Mapping[str, Any]], sums: Mapping[str, float]) -> str:
    if not idle:
        return "No instance is known to be idle."
    names = [one_line(str(each["name"])) for each in idle]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    hours = sorted(each["idle_hours"] for each in idle)
    span = " to ".join(dict.fromkeys(f"{each:.1f}" for each in (hours[0], hours[-1])))
    unpriced = sum(each["su_per_hour"] is None for each in idle)
    without = f", without {unpriced} of unknown cost" if unpriced else ""
    what = "1 instance has been idle" if len(idle) == 1 else f"{len(idle)} instances have been idle"
    listed = f"{', '.join(names[:_NAMED])}{more}"
    least = "at least " if any(each["since_is_known"] is False for each in idle) else ""
    cost = f"{least}{sums['su_since_idle']:.12g} SU"
    return f"{what} for {least}{span} hours, and cost {cost} since{without}: {listed}."


def _saving(would_act: Sequence[Mapping[str, Any]]) -> str:
    """Return how much the actions would save: of idle instances, and of others, which do not run."""
    idle = [each for each in would_act if each["verdict"] == State.IDLE]
    asleep = [each for each in would_act if each["verdict"] != State.IDLE]
    of_idle, of_asleep = _sum(idle, "saves_su_per_day"), _sum(asleep, "saves_su_per_day")
    said = f" Shelving would save {of_idle:.12g} SU a day." if of_idle else ""
    if of_asleep:
        which = "the one that does not run" if len(asleep) == 1 else f"the {len(asleep)} that do not run"
        said += f" Shelving {which} would save {of_asleep:.12g}{' more' if of_idle else ''} SU a day."
    return said


def _tenths(value: Decimal) -> int | float:
    """Return a number with one decimal at the most: since when an instance is idle is not known to the second."""
    return number(round(value, 1))


def _kept(mark: KeepMark) -> str:
    where = "its metadata" if mark.source == "metadata" else "the file of keep marks"
    if mark.until is None:
        return f"{where} has an invalid keep mark: {one_line(mark.text)}"
    return f"it is kept until {iso(mark.until)}, by {where}"


def _age(instance: Instance, now: datetime) -> float | None:
    launched = moment_or_none(instance.start_date)
    return (now - launched).total_seconds() if launched else None


def _idle_hours(verdict: Verdict, now: datetime) -> Decimal | None:
    if not verdict.is_idle or verdict.since is None:
        return None
    return Decimal(str(round(max(0.0, now.timestamp() - verdict.since) / _HOUR, 4)))


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    return round(float(sum(each[name] for each in rows if each[name] is not None)), 3)
