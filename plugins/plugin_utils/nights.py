# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of nightly.yml a run has, and how a run went in one mail. Pure functions.

A run that comes every few minutes takes readings and carries out schedules each time, but guards the budget once an
hour, reports the usage once a day, and unused resources once a week. A record of plain values outlives the run: when
each part last ran, which failures were reported, and when a run began and ended. A missing or malformed record counts
as empty: then every part is due, and every failure is new.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from typing import Any

from ..module_utils.text.suggestions import did_you_mean
from ..module_utils.text.terminal import one_line
from ..module_utils.times import iso_of

Json = Mapping[str, Any]

REPORT_HOUR = 6
# A failure that goes on is mailed again after a day, and not by each run.
_TOLD_AGAIN_AFTER = 24 * 3600.0
# A part that ran later than now ran before the clock was set back, and counts as not having run.
_TOLERANCE = 60.0
# The parts that send notices before they act, and the variables of which one is required for that.
_TELLING = ("deadlines", "shelve_idle")
_CHANNELS = ("mail_to", "owner_mail", "webhook_url")
# The past participle of the last action that was sent to an instance.
_PARTICIPLES = {
    "shelve": "shelved",
    "shelve_offload": "shelved",
    "offload": "shelved",
    "stop": "stopped",
    "suspend": "suspended",
    "start": "started",
    "resume": "started",
    "unshelve": "started",
}


class NightError(ValueError):
    """The variables of a run cannot mean anything. The message says what to do."""


class Period(Enum):
    """How often a part runs at most. Its value follows "at most once"."""

    RUN = "a run"
    HOUR = "an hour"
    DAY = "a day"
    WEEK = "a week"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run. ``needs`` is the variable without which it is left out."""

    name: str
    period: Period = Period.RUN
    needs: str = ""


# In the order in which they run. Readings come first, since they have to be regular. Schedules come before idle rules:
# a schedule does not start an instance that idle rules have shelved. Reports come last, and show the actions.
PARTS = (
    Part("activity"),
    Part("scheduled", needs="schedules"),
    Part("deadlines", Period.HOUR),
    Part("shelve_idle"),
    Part("budget_guard", Period.HOUR),
    Part("usage_report", Period.DAY),
    Part("hygiene", Period.WEEK),
    Part("metrics", needs="metrics_path"),
)
_NAMES = tuple(part.name for part in PARTS)


def plan(given: Json, stored: str, now: float, zone: tzinfo | None = None) -> dict[str, Any]:
    """Return what a run is to do: ``parts``, ``run``, ``interrupted`` and ``record``.

    ``given`` are the variables of the playbook, ``stored`` is the text of the record, ``now`` is seconds since 1970.
    ``zone`` is that of the machine by default. ``parts`` has a row for each part with its ``name``, whether it
    ``runs``, and the ``reason`` if not; ``run`` has the names of those that do. ``interrupted`` is the beginning of a
    run that did not end, or "". ``record`` is what is to be stored before the first part.

    Raises NightError for a part that does not exist, one that is named and lacks what it needs, and an hour that is
    none.
    """
    record = _parsed(stored)
    wanted = _wanted(given)
    report_hour = int(given.get("report_hour", REPORT_HOUR))
    if report_hour > 23:
        raise NightError(f"report_hour is {report_hour}, but must be 0 to 23.")
    moment = datetime.fromtimestamp(now, zone).astimezone(zone)
    rows = []
    for part in PARTS:
        reason = _why_not(part, given, wanted) or _not_due(part, given, record, moment, report_hour)
        rows.append({"name": part.name, "runs": not reason, "reason": reason})
    began, ended = record["began"], record["ended"]
    return {
        "parts": rows,
        "run": [row["name"] for row in rows if row["runs"]],
        "interrupted": iso_of(began) if began > ended else "",
        "record": {**record, "began": now},
    }


def report(planned: Json, results: Iterable[Json], now: float) -> dict[str, Any]:
    """Return how a run went: ``subject``, ``sentence``, ``summary``, ``text``, ``failed``, ``tell`` and two records.

    ``planned`` is what ``plan`` returned. ``results`` has a row for each part that ran: ``part``, ``sentence``,
    ``text`` (its readout), ``failure`` ("" for none), ``news`` (whether it is worth a mail), ``notes`` (phrases for the
    subject) and ``instances`` (rows with ``changed``, ``failed``, and ``actions`` or ``action``).

    ``tell`` is whether something is worth a mail. ``told`` is the record to store if that was sent, or none had to be,
    ``untold`` the record if it could not be sent: then the next run repeats it.
    """
    rows = list(results)
    failed = [row["part"] for row in rows if row.get("failure")]
    sentence = _sentence(rows, failed)
    summary = _summary(planned, rows)
    record = planned["record"]
    known = {name: at for name, at in record["failures"].items() if name in failed}
    new = [name for name in failed if now - known.get(name, 0.0) >= _TOLD_AGAIN_AFTER]
    told = {**record, "ended": now}
    ran = {**record["ran"], **{row["part"]: now for row in rows if not row.get("failure")}}
    return {
        "subject": one_line(f"Jetstream: {sentence}"),
        "sentence": sentence,
        "summary": summary,
        "text": _text(summary, rows),
        "failed": failed,
        "tell": bool(new or planned["interrupted"] or any(row.get("news") for row in rows)),
        "told": {**told, "ran": ran, "failures": {**known, **dict.fromkeys(new, now)}},
        "untold": {**told, "failures": known},
    }


def _wanted(given: Json) -> list[str] | None:
    """Return the parts that ``parts`` names, None if it is not given."""
    if "parts" not in given:
        return None
    names = [str(name) for name in given["parts"]]
    for name in names:
        if name not in _NAMES:
            hint = did_you_mean(name, _NAMES)
            raise NightError(f"parts: there is no part {name}. The parts are {', '.join(_NAMES)}. {hint}".rstrip())
    for part in PARTS:
        lack = _lack(part, given)
        if part.name in names and lack:
            raise NightError(f"parts: {part.name} cannot run: {lack}.")
    return names


def _why_not(part: Part, given: Json, wanted: Sequence[str] | None) -> str:
    if wanted is not None and part.name not in wanted:
        return "skipped: not in parts"
    lack = _lack(part, given)
    return f"skipped: {lack}" if lack else ""


def _lack(part: Part, given: Json) -> str:
    if part.needs and part.needs not in given:
        return f"{part.needs} is not set"
    if part.name not in _TELLING or not _is_true(given.get("apply")) or any(name in given for name in _CHANNELS):
        return ""
    return f"apply=true requires {', '.join(_CHANNELS[:-1])} or {_CHANNELS[-1]}, for notices"


def _is_true(value: object) -> bool:
    return value is True or str(value).strip().lower() in ("true", "yes", "on", "1", "y", "t")


def _not_due(part: Part, given: Json, record: Json, moment: datetime, report_hour: int) -> str:
    if part.period is Period.RUN or _is_true(given.get("everything")):
        return ""
    begins = _begin_of(part.period, moment, report_hour)
    last = record["ran"].get(part.name, 0.0)
    if last < begins.timestamp() or last > moment.timestamp() + _TOLERANCE:
        return ""
    return f"not due: at most once {part.period.value}"


def _begin_of(period: Period, moment: datetime, report_hour: int) -> datetime:
    """Return when the hour, the day or the week began that a moment is in. Days begin at the hour of reports."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if period is Period.HOUR:
        return hour
    day = hour.replace(hour=report_hour)
    if day > moment:
        day -= timedelta(days=1)
    return day - timedelta(days=day.weekday()) if period is Period.WEEK else day


def _sentence(rows: Sequence[Json], failed: Sequence[str]) -> str:
    counts: Counter[str] = Counter()
    failures = 0
    for row in rows:
        found = list(row.get("instances") or ())
        counts.update(_participle(each) for each in found if each.get("changed") and not each.get("failed"))
        instances = sum(bool(each.get("failed")) for each in found)
        # A part that failed because instances did is no further failure.
        failures += instances or bool(row.get("failure"))
    phrases = [f"{counts[word]} {word}" for word in dict.fromkeys(_PARTICIPLES.values()) if counts[word]]
    phrases += [f"{failures} failed ({', '.join(failed)})" if failed else f"{failures} failed"] if failures else []
    phrases += [one_line(str(note)) for row in rows for note in row.get("notes") or ()]
    return ", ".join(phrases) or "nothing to do"


def _participle(row: Json) -> str:
    actions = row.get("actions") or [row.get("action") or "shelve"]
    return _PARTICIPLES.get(str(actions[-1]), "changed")


def _summary(planned: Json, rows: Sequence[Json]) -> str:
    """Return a line for each part, and one about a run that did not end."""
    by_part = {row["part"]: row for row in rows}
    width = max(len(name) for name in _NAMES)
    lines = []
    for each in planned["parts"]:
        row = by_part.get(each["name"])
        if not row:
            words = each["reason"] or "did not run"
        elif row.get("failure"):
            words = f"FAILED: {row['failure']}"
        else:
            words = row["sentence"]
        lines.append(f"{each['name']:{width}}  {one_line(str(words))}")
    lines += [f"{row['part']:{width}}  FAILED: {one_line(str(row['failure']))}" for row in rows if _is_extra(row)]
    if planned["interrupted"]:
        lines += ["", f"The run that began at {planned['interrupted']} did not end, or is still in progress."]
    return "\n".join(lines)


def _is_extra(row: Json) -> bool:
    """Whether a row is about something that is no part, such as the mail."""
    return row["part"] not in _NAMES


def _text(summary: str, rows: Sequence[Json]) -> str:
    readouts = [f"== {row['part']} ==\n\n{str(row['text']).strip()}" for row in rows if row.get("text")]
    return "\n\n".join([summary, *readouts])


def _parsed(stored: str) -> dict[str, Any]:
    """Return the record: ``began`` and ``ended``, ``ran`` and ``failures`` (of each part, when). All are seconds."""
    try:
        raw = json.loads(stored)
    except (ValueError, RecursionError):
        raw = None
    raw = raw if isinstance(raw, Mapping) else {}
    return {
        "began": _number(raw.get("began")),
        "ended": _number(raw.get("ended")),
        "ran": _numbers(raw.get("ran")),
        "failures": _numbers(raw.get("failures")),
    }


def _number(raw: object) -> float:
    is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
    return float(raw) if is_number and 0 <= raw < 1e11 else 0.0  # type: ignore[arg-type, operator]


def _numbers(raw: object) -> dict[str, float]:
    return {str(name): _number(at) for name, at in raw.items()} if isinstance(raw, Mapping) else {}
