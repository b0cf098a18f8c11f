# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which parts of nightly.yml a run includes, and summarizes the run in one message. Pure functions.

A run every few minutes takes readings and carries out schedules each time, guards the budget once an hour, reports the
usage once a day, and unused resources once a week. A record of plain values outlives the run: the last run of each
part, the parts claimed by a run, the failures reported to each channel, and the open runs. A missing or malformed
record counts as empty: then every part is due, and every failure is new.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from typing import Any

from ..text.suggestions import did_you_mean
from ..text.terminal import one_line
from ..times import iso_of
from .claims import is_recent

Json = Mapping[str, Any]

REPORT_HOUR = 6
# A failure that persists is reported again after a day, and not by each run.
_REPEAT_FAILURE_AFTER = 24 * 3600.0
# Channels, as names of parts that may fail.
_AS_PARTS = {"mail": "the mail", "webhook": "the webhook"}
# The name of an unwritable record, as a part that failed.
UNRECORDED = "the record"
# Stands for runs without channels, and for records of versions without channels.
_NO_CHANNEL = ""
# A run in progress is reported only after this time: it hangs.
_STUCK_AFTER = 6 * 3600.0
# Whether a process on another machine is alive cannot be known. With default timeouts, no run takes this long.
_LOST_AFTER = 2 * 3600.0
# A part with a later time than now ran before the clock was set back, and counts as never run.
_TOLERANCE = 60.0
# Parts that send notices before they act, and the variables of which one is required for that.
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
    """The variables of a run are invalid. The message says what to do."""


class Period(Enum):
    """The maximum frequency of a part. Its value follows "at most once"."""

    RUN = "a run"
    HOUR = "an hour"
    DAY = "a day"
    WEEK = "a week"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run. ``needs``: a variable without which the part is left out."""

    name: str
    period: Period = Period.RUN
    needs: str = ""


# In order of execution. Readings come first, since their intervals have to be regular. Schedules precede idle rules, so
# that a schedule does not start an instance that idle rules have just shelved. Reports come last, and include the
# actions.
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


def _is_not_known(_process: str) -> bool | None:
    return None


def plan(
    given: Json,
    stored: str,
    now: float,
    zone: tzinfo | None = None,
    process: str = "",
    is_alive: Callable[[str], bool | None] = _is_not_known,
) -> dict[str, Any]:
    """Return the plan of a run: ``parts``, ``run``, ``interrupted``, ``of_runs``, ``beside`` and ``record``.

    ``given``: the variables of the playbook. ``stored``: the text of the record. ``now``: seconds since 1970. ``zone``:
    by default that of the machine. ``process`` names the process of the run. ``is_alive`` returns whether such a
    process is alive, None if unknown.

    ``parts`` has a row for each part: its ``name``, whether it ``runs``, and the ``reason`` if not. ``run`` has the
    names of those that run. ``interrupted``: the start of the last run that did not end, or "". ``of_runs``: a sentence
    for each run that did not end or hangs. ``beside``: a sentence about a run in progress, or "". ``record``: the
    record to store before the first part. It claims the periodic parts, so that a concurrent run leaves them alone.

    Raises NightError for an unknown part, for a named part without the variables it needs, and for an invalid hour.
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
    open_runs = [_OpenRun.of(key, began, now, is_alive) for key, began in record["runs"].items()]
    unreported = sorted((each for each in open_runs if each.is_news), key=lambda each: each.began)
    beside = sorted((each for each in open_runs if not each.is_news), key=lambda each: each.began)
    own = process or f"at {now!r}"
    claims = {part.name: now for part, row in zip(PARTS, rows, strict=True) if row["runs"] and _is_periodic(part)}
    return {
        "parts": rows,
        "run": [row["name"] for row in rows if row["runs"]],
        "interrupted": iso_of(unreported[-1].began) if unreported else "",
        "of_runs": [each.sentence for each in unreported],
        "beside": beside[-1].sentence if beside else "",
        "key": own,
        "told_runs": {each.key: each.began for each in unreported},
        "record": {
            **record,
            "runs": {**{each.key: each.began for each in beside}, own: now},
            "claims": {**record["claims"], **claims},
        },
    }


@dataclass(frozen=True, slots=True)
class _OpenRun:
    """A run without a recorded end. ``is_news``: it did not end, or hangs."""

    key: str
    began: float
    is_news: bool
    sentence: str

    @classmethod
    def of(cls, key: str, began: float, now: float, is_alive: Callable[[str], bool | None]) -> _OpenRun:
        """Judge a run by its process, or by its age. A start in the future predates a clock that was set back."""
        alive, age = is_alive(key), abs(now - began)
        name = f"The run that began at {iso_of(began)}"
        if alive is False:
            return cls(key, began, is_news=True, sentence=f"{name} did not end.")
        if age < (_STUCK_AFTER if alive else _LOST_AFTER):
            return cls(key, began, is_news=False, sentence=f"{name} is still in progress.")
        if alive:
            hours = int(age // 3600)
            return cls(key, began, is_news=True, sentence=f"{name} is still in progress after {hours} hours.")
        return cls(key, began, is_news=True, sentence=f"{name} did not end, or is still in progress.")


def report(
    planned: Json,
    results: Iterable[Json],
    now: float,
    channels: Sequence[str] = (),
    deliveries: Json | None = None,
    stored: str = "",
    *,
    ended: bool = True,
) -> dict[str, Any]:
    """Return the report of a run, and the records to store.

    ``planned``: the result of ``plan``. ``results``: a row for each part that ran, with ``part``, ``sentence``,
    ``text`` (its readout), ``failure`` ("" for none), ``news`` (whether it is worth a message), ``notes`` (phrases for
    the subject) and ``instances`` (rows with ``changed``, ``failed``, and ``actions`` or ``action``). A row's
    ``channels`` has the values that differ by channel. ``kept``: the part of the readout that the next run does not
    repeat, by default all of it if it is news. ``told_again``: whether the next run repeats the rest. ``unrecorded``:
    the news could not be recorded; only a failure of the part reports it.

    The result has ``subject``, ``sentence``, ``summary``, ``text`` and ``failed``. ``tell``: whether something is worth
    a message. ``messages``: the message for each of ``channels``; ``kept``: the part of it to keep until it is
    delivered; both are empty if there is nothing. ``record``: the record to store after ``deliveries``, which has for
    each channel whether it ``delivered``, and a ``msg`` if not; without ``deliveries``, all did. ``told``: the record
    if everything was delivered; ``untold``: the record if nothing was, so that the next run repeats it.

    ``stored``: the present record, which another run may have changed. ``ended``: whether the run is over. Before that,
    ``record`` adds only the parts whose readout is kept.
    """
    rows = list(results)
    undelivered = _undelivered(deliveries or {})
    failed = [row["part"] for row in (*rows, *undelivered) if row.get("failure")]
    sentence = _sentence([*rows, *undelivered], failed)
    summary = _summary(planned, [*rows, *undelivered])
    record = _merged(planned, stored)
    claims = record["claims"] if ended else {**record["claims"], **planned["record"].get("claims", {})}
    by_channel = {name: _ChannelReport(name, planned, rows, record, now) for name in channels or (_NO_CHANNEL,)}
    delivered = {name: ended and (deliveries or {}).get(name, {}).get("delivered", True) for name in by_channel}
    runs = record["runs"] if ended else {**record["runs"], planned["key"]: planned["record"]["runs"][planned["key"]]}
    over = {**record, "runs": runs, "claims": claims}
    ran = {row["part"] for row in rows if not row.get("failure")}
    repeated = {
        row["part"]
        for row in rows
        if row.get("told_again")
        and any(_of_channel(row, name).get("news") and not taken for name, taken in delivered.items())
    }
    if_delivered = {name: each.failures(delivered_all=True) for name, each in by_channel.items()}
    if_undelivered = {name: each.failures(delivered_all=False) for name, each in by_channel.items()}
    failures = {name: (if_delivered if taken else if_undelivered)[name] for name, taken in delivered.items()}

    def with_ran(names: set[str]) -> dict[str, float]:
        return {**record["ran"], **dict.fromkeys(sorted(names), now)}

    return {
        "subject": one_line(f"Jetstream: {sentence}"),
        "sentence": sentence,
        "summary": summary,
        "text": _text(summary, rows),
        "failed": failed,
        "tell": any(each.is_worth_sending for each in by_channel.values()),
        "messages": {name: by_channel[name].message() for name in channels},
        "kept": {name: by_channel[name].kept() for name in channels},
        "record": {**over, "ran": with_ran(ran - repeated), "failures": {**record["failures"], **failures}},
        "told": {**over, "ran": with_ran(ran), "failures": {**record["failures"], **if_delivered}},
        "untold": {
            **over,
            "runs": {**runs, **planned["told_runs"]},
            "failures": {**record["failures"], **if_undelivered},
        },
    }


def _undelivered(deliveries: Json) -> list[Json]:
    """Return a row for each channel that did not accept all of its message."""
    reasons = {name: each.get("msg") for name, each in deliveries.items()}
    return [{"part": _AS_PARTS.get(name, name), "failure": str(reason)} for name, reason in reasons.items() if reason]


class _ChannelReport:
    """The report of a run for one channel."""

    def __init__(self, channel: str, planned: Json, rows: Sequence[Json], record: Json, now: float) -> None:
        self._planned = planned
        self._rows = [_of_channel(row, channel) for row in rows]
        self._failed = [row["part"] for row in rows if row.get("failure")]
        stored = record["failures"]
        known = stored.get(channel, stored.get(_NO_CHANNEL, {}))
        # A failure reported later than now was reported before the clock was set back.
        self._known = {
            name: at
            for name, at in known.items()
            if name in self._failed and -_TOLERANCE <= now - at < _REPEAT_FAILURE_AFTER
        }
        self._new = [name for name in self._failed if name not in self._known]
        self._now = now
        self.is_worth_sending = bool(self._new or planned["of_runs"] or any(self._is_news(row) for row in self._rows))

    def _is_news(self, row: Json) -> bool:
        """Return whether a row is worth a message. Unrecorded news recurs, and is reported with the failure."""
        return bool(row.get("news")) and not (row.get("unrecorded") and row["part"] in self._known)

    def message(self) -> dict[str, str]:
        """Return the message, empty if nothing is worth one."""
        if not self.is_worth_sending:
            return {}
        rows = [*self._rows, *([{"notes": ["a run did not end"]}] if self._planned["interrupted"] else [])]
        subject = one_line(f"Jetstream: {_sentence(rows, self._failed)}")
        return {"subject": subject, "text": _text(_summary(self._planned, self._rows), self._rows)}

    def kept(self) -> dict[str, str]:
        """Return the part of the message that no later run repeats, empty without one."""
        rows = [_kept_of(row) for row in self._rows if _text_to_keep(row)]
        of_runs = self._planned["of_runs"]
        if not self.is_worth_sending or not (rows or of_runs):
            return {}
        subject = one_line(f"Jetstream: {_sentence(rows, ()) if rows else 'a run did not end'}")
        return {"subject": subject, "text": "\n\n".join([*of_runs, *_readouts(rows)])}

    def failures(self, *, delivered_all: bool) -> dict[str, float]:
        """Return the time of the report of each current failure."""
        return {**self._known, **(dict.fromkeys(self._new, self._now) if delivered_all else {})}


def _of_channel(row: Json, channel: str) -> Json:
    """Return a row as one channel sees it."""
    return {**row, **(row.get("channels") or {}).get(channel, {})}


def _text_to_keep(row: Json) -> str:
    return str(row.get("kept", row.get("text") if row.get("news") else "") or "")


def _kept_of(row: Json) -> Json:
    """Return the row reduced to the kept text. Its notes are about the rest."""
    notes = [] if "kept" in row else row.get("notes")
    return {**row, "text": _text_to_keep(row), "notes": notes, "failure": ""}


def _merged(planned: Json, stored: str) -> dict[str, Any]:
    """Merge this run's record with the changes of other runs since its start, without its own claims."""
    own = planned["record"]
    now = _parsed(stored) if stored else own
    mine = own.get("claims", {})
    return {
        "runs": {key: began for key, began in now["runs"].items() if key != planned["key"]},
        "ran": {
            name: max(own["ran"].get(name, 0.0), now["ran"].get(name, 0.0)) for name in {**own["ran"], **now["ran"]}
        },
        "failures": now["failures"],
        "claims": {name: at for name, at in now.get("claims", {}).items() if mine.get(name) != at},
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
    if not _is_periodic(part) or _is_true(given.get("everything")):
        return ""
    claimed = record["claims"].get(part.name)
    if claimed is not None and is_recent(timedelta(seconds=moment.timestamp() - claimed)):
        return f"not due: claimed by the run that began at {iso_of(claimed)}"
    begins = _begin_of(part.period, moment, report_hour)
    last = record["ran"].get(part.name, 0.0)
    if last < begins.timestamp() or last > moment.timestamp() + _TOLERANCE:
        return ""
    return f"not due: at most once {part.period.value}"


def _is_periodic(part: Part) -> bool:
    return part.period is not Period.RUN


def _begin_of(period: Period, moment: datetime, report_hour: int) -> datetime:
    """Return the start of the hour, day or week that contains a moment. Days begin at the hour of reports."""
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
        # A part that failed because of failed instances is not counted as a further failure.
        failures += instances or bool(row.get("failure"))
    phrases = [f"{counts[word]} {word}" for word in dict.fromkeys(_PARTICIPLES.values()) if counts[word]]
    phrases += [f"{failures} failed ({', '.join(failed)})" if failed else f"{failures} failed"] if failures else []
    phrases += [one_line(str(note)) for row in rows for note in row.get("notes") or ()]
    return ", ".join(phrases) or "nothing to do"


def _participle(row: Json) -> str:
    actions = row.get("actions") or [row.get("action") or "shelve"]
    return _PARTICIPLES.get(str(actions[-1]), "changed")


def _summary(planned: Json, rows: Sequence[Json]) -> str:
    """Return a line for each part, and one for each run that did not end or is in progress."""
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
    of_runs = [*planned["of_runs"], *([planned["beside"]] if planned["beside"] else [])]
    return "\n".join([*lines, "", *of_runs] if of_runs else lines)


def _is_extra(row: Json) -> bool:
    """Return whether a row is about something other than a part, such as the mail."""
    return row["part"] not in _NAMES


def _text(summary: str, rows: Sequence[Json]) -> str:
    return "\n\n".join([summary, *_readouts(rows)])


def _readouts(rows: Sequence[Json]) -> list[str]:
    return [f"== {row['part']} ==\n\n{str(row['text']).strip()}" for row in rows if row.get("text")]


def _parsed(stored: str) -> dict[str, Any]:
    """Return the record: ``runs`` by process, ``ran`` and ``claims`` by part, ``failures`` by channel and part.

    All values are seconds since 1970. ``runs`` has the start of each run without a known end.
    """
    try:
        raw = json.loads(stored)
    except (ValueError, RecursionError):
        raw = None
    raw = raw if isinstance(raw, Mapping) else {}
    failures = raw.get("failures")
    failures = failures if isinstance(failures, Mapping) else {}
    by_channel = {str(name): _numbers(each) for name, each in failures.items() if isinstance(each, Mapping)}
    # Records of earlier versions have no channels.
    before = _numbers({name: each for name, each in failures.items() if not isinstance(each, Mapping)})
    # Records of earlier versions have one run, without its process.
    began = _number(raw.get("began"))
    runs = {f"at {began!r}": began} if "runs" not in raw and began > _number(raw.get("ended")) else {}
    return {
        "runs": runs | _numbers(raw.get("runs")),
        "ran": _numbers(raw.get("ran")),
        "failures": {**({_NO_CHANNEL: before} if before else {}), **by_channel},
        "claims": _numbers(raw.get("claims")),
    }


def _number(raw: object) -> float:
    is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
    return float(raw) if is_number and 0 <= raw < 1e11 else 0.0  # type: ignore[arg-type, operator]


def _numbers(raw: object) -> dict[str, float]:
    return {str(name): _number(at) for name, at in raw.items()} if isinstance(raw, Mapping) else {}
