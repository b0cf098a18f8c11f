# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of nightly.yml a run has, and how a run went in one mail. Pure functions.

A run that comes every few minutes takes readings and carries out schedules each time, but guards the budget once an
hour, reports the usage once a day, and unused resources once a week. A record of plain values outlives the run: when
each part last ran, which parts are claimed by a run, which failures were reported to each channel, and which runs have
begun and not ended. A missing or malformed record counts as empty: then every part is due, and every failure is new.
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
# A failure that goes on is mailed again after a day, and not by each run.
_TOLD_AGAIN_AFTER = 24 * 3600.0
# The names of channels, as parts that may fail.
_AS_PARTS = {"mail": "the mail", "webhook": "the webhook"}
# The name of a record that cannot be written, as a part that failed.
UNRECORDED = "the record"
# Of runs that tell nobody, and of records that do not tell channels apart.
_NO_CHANNEL = ""
# A run that is in progress is no news, unless it has been so for that long: it hangs.
_STUCK_AFTER = 6 * 3600.0
# Nobody can say whether a process of another machine is alive. No run takes that long by its default timeouts.
_LOST_AFTER = 2 * 3600.0
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
    """Return what a run is to do: ``parts``, ``run``, ``interrupted``, ``beside`` and ``record``.

    ``given`` are the variables of the playbook, ``stored`` is the text of the record, ``now`` is seconds since 1970.
    ``zone`` is that of the machine by default. ``process`` names the process of the run, and ``is_alive`` returns
    whether such a process is alive, None if that is not known.

    ``parts`` has a row for each part with its ``name``, whether it ``runs``, and the ``reason`` if not; ``run`` has the
    names of those that do. ``interrupted`` is the beginning of the last run that did not end, or "", and ``of_runs``
    has a sentence about each such run, and about each that hangs. ``beside`` is a sentence about a run that is in
    progress, or "". ``record`` is what is to be stored before the first part: it claims the parts that do not run each
    time, so that another run beside this one leaves them alone.

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
    open_runs = [_OpenRun.of(key, began, now, is_alive) for key, began in record["runs"].items()]
    to_tell = sorted((each for each in open_runs if each.is_news), key=lambda each: each.began)
    beside = sorted((each for each in open_runs if not each.is_news), key=lambda each: each.began)
    own = process or f"at {now!r}"
    claims = {part.name: now for part, row in zip(PARTS, rows, strict=True) if row["runs"] and _is_periodic(part)}
    return {
        "parts": rows,
        "run": [row["name"] for row in rows if row["runs"]],
        "interrupted": iso_of(to_tell[-1].began) if to_tell else "",
        "of_runs": [each.sentence for each in to_tell],
        "beside": beside[-1].sentence if beside else "",
        "key": own,
        "told_runs": {each.key: each.began for each in to_tell},
        "record": {
            **record,
            "runs": {**{each.key: each.began for each in beside}, own: now},
            "claims": {**record["claims"], **claims},
        },
    }


@dataclass(frozen=True, slots=True)
class _OpenRun:
    """A run that began, and of which no end is recorded. ``is_news``: it did not end, or hangs."""

    key: str
    began: float
    is_news: bool
    sentence: str

    @classmethod
    def of(cls, key: str, began: float, now: float, is_alive: Callable[[str], bool | None]) -> _OpenRun:
        """Judge a run by its process, or by its age. One of the future began before the clock was set back."""
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
    """Return how a run went: ``subject``, ``sentence``, ``summary``, ``text``, ``failed``, ``tell``, and what to store.

    ``planned`` is what ``plan`` returned. ``results`` has a row for each part that ran: ``part``, ``sentence``,
    ``text`` (its readout), ``failure`` ("" for none), ``news`` (whether it is worth a mail), ``notes`` (phrases for the
    subject) and ``instances`` (rows with ``changed``, ``failed``, and ``actions`` or ``action``). ``channels`` of a row
    has those of its values that differ by channel. ``kept`` is the part of its readout that is over, and is not told
    again by the next run: the whole of what is news, unless it is given. ``told_again`` is whether the next run tells
    the rest again. ``unrecorded``: its news could not be recorded, and are told by a failure of the part alone.

    ``messages`` has what is to be sent to each of ``channels``, and ``kept`` what is to be kept of that until it was
    delivered; both have no text for nothing. ``record`` is what to store after ``deliveries``, which has for each
    channel whether it ``delivered``, and a ``msg`` if not; without them, all did. ``stored`` is the record as it is
    now: another run may have changed it meanwhile. ``ended``: whether the run is over; before, ``record`` has the parts
    whose readout is kept, and nothing else that is new.

    ``tell`` is whether something is worth a mail. ``told`` is the record to store if that was sent, or none had to be,
    ``untold`` the record if it could not be sent: then the next run repeats it.
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
    told_again = {
        row["part"]
        for row in rows
        if row.get("told_again")
        and any(_of_channel(row, name).get("news") and not taken for name, taken in delivered.items())
    }
    if_told = {name: each.failures(told=True) for name, each in by_channel.items()}
    if_untold = {name: each.failures(told=False) for name, each in by_channel.items()}
    failures = {name: (if_told if taken else if_untold)[name] for name, taken in delivered.items()}

    def with_ran(names: set[str]) -> dict[str, float]:
        return {**record["ran"], **dict.fromkeys(sorted(names), now)}

    return {
        "subject": one_line(f"Jetstream: {sentence}"),
        "sentence": sentence,
        "summary": summary,
        "text": _text(summary, rows),
        "failed": failed,
        "tell": any(each.tell for each in by_channel.values()),
        "messages": {name: by_channel[name].message() for name in channels},
        "kept": {name: by_channel[name].kept() for name in channels},
        "record": {**over, "ran": with_ran(ran - told_again), "failures": {**record["failures"], **failures}},
        "told": {**over, "ran": with_ran(ran), "failures": {**record["failures"], **if_told}},
        "untold": {
            **over,
            "runs": {**runs, **planned["told_runs"]},
            "failures": {**record["failures"], **if_untold},
        },
    }


def _undelivered(deliveries: Json) -> list[Json]:
    """Return a row for each channel that did not take its message, or not whole."""
    reasons = {name: each.get("msg") for name, each in deliveries.items()}
    return [{"part": _AS_PARTS.get(name, name), "failure": str(reason)} for name, reason in reasons.items() if reason]


class _ChannelReport:
    """How a run went, for one channel."""

    def __init__(self, channel: str, planned: Json, rows: Sequence[Json], record: Json, now: float) -> None:
        self._planned = planned
        self._rows = [_of_channel(row, channel) for row in rows]
        self._failed = [row["part"] for row in rows if row.get("failure")]
        stored = record["failures"]
        known = stored.get(channel, stored.get(_NO_CHANNEL, {}))
        # A failure that was told later than now was told before the clock was set back.
        self._known = {
            name: at
            for name, at in known.items()
            if name in self._failed and -_TOLERANCE <= now - at < _TOLD_AGAIN_AFTER
        }
        self._new = [name for name in self._failed if name not in self._known]
        self._now = now
        self.tell = bool(self._new or planned["of_runs"] or any(self._is_news(row) for row in self._rows))

    def _is_news(self, row: Json) -> bool:
        """Whether a row is worth a message. News that cannot be recorded come with each run, and so with a failure."""
        return bool(row.get("news")) and not (row.get("unrecorded") and row["part"] in self._known)

    def message(self) -> dict[str, str]:
        """Return the message, empty if nothing is worth one."""
        if not self.tell:
            return {}
        rows = [*self._rows, *([{"notes": ["a run did not end"]}] if self._planned["interrupted"] else [])]
        subject = one_line(f"Jetstream: {_sentence(rows, self._failed)}")
        return {"subject": subject, "text": _text(_summary(self._planned, self._rows), self._rows)}

    def kept(self) -> dict[str, str]:
        """Return what is over, and so is to be kept until it was delivered. Empty if that is nothing."""
        rows = [_kept_of(row) for row in self._rows if _text_to_keep(row)]
        of_runs = self._planned["of_runs"]
        if not self.tell or not (rows or of_runs):
            return {}
        subject = one_line(f"Jetstream: {_sentence(rows, ()) if rows else 'a run did not end'}")
        return {"subject": subject, "text": "\n\n".join([*of_runs, *_readouts(rows)])}

    def failures(self, *, told: bool) -> dict[str, float]:
        """Return when each failure that goes on was told, after the message was or was not."""
        return {**self._known, **(dict.fromkeys(self._new, self._now) if told else {})}


def _of_channel(row: Json, channel: str) -> Json:
    """Return a row as it is for one channel."""
    return {**row, **(row.get("channels") or {}).get(channel, {})}


def _text_to_keep(row: Json) -> str:
    return str(row.get("kept", row.get("text") if row.get("news") else "") or "")


def _kept_of(row: Json) -> Json:
    """Return the row of what is kept. Its notes are about what is told again."""
    notes = [] if "kept" in row else row.get("notes")
    return {**row, "text": _text_to_keep(row), "notes": notes, "failure": ""}


def _merged(planned: Json, stored: str) -> dict[str, Any]:
    """Return the record of this run with what others have stored since it began, and without its own claims."""
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
    """Return a line for each part, and one about each run that did not end, or is in progress."""
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
    """Whether a row is about something that is no part, such as the mail."""
    return row["part"] not in _NAMES


def _text(summary: str, rows: Sequence[Json]) -> str:
    return "\n\n".join([summary, *_readouts(rows)])


def _readouts(rows: Sequence[Json]) -> list[str]:
    return [f"== {row['part']} ==\n\n{str(row['text']).strip()}" for row in rows if row.get("text")]


def _parsed(stored: str) -> dict[str, Any]:
    """Return the record: ``runs`` by process, ``ran`` and ``claims`` by part, ``failures`` by channel and part.

    All are seconds. ``runs`` has the beginning of each run that is not known to have ended.
    """
    try:
        raw = json.loads(stored)
    except (ValueError, RecursionError):
        raw = None
    raw = raw if isinstance(raw, Mapping) else {}
    failures = raw.get("failures")
    failures = failures if isinstance(failures, Mapping) else {}
    by_channel = {str(name): _numbers(each) for name, each in failures.items() if isinstance(each, Mapping)}
    # Records of before do not tell channels apart.
    before = _numbers({name: each for name, each in failures.items() if not isinstance(each, Mapping)})
    # Records of before have one run, without its process.
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
