# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_decision_info: what was decided about instances, and why. Needs no connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from ..errors import ConfigurationError
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec
from ..policy.decisions import DecisionLog
from ..policy.log_entries import LogEntry, log_entries
from ..policy.records import Event, Record, Rest, rests
from ..text.suggestions import did_you_mean
from ..times import iso
from .acts import decisions_path

SPEC = ModuleSpec(
    argument_spec={
        "name": {"type": "list", "elements": "str"},
        "days": {"type": "float", "default": 30.0},
        "limit": {"type": "int", "default": 100},
        "decisions_path": {"type": "path"},
    }
)


def decision_info(options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the decisions about instances, oldest first."""
    if options["days"] <= 0 or options["limit"] <= 0:
        raise ConfigurationError("days and limit must be more than 0.")
    now = context.clock.now()
    since = now - timedelta(days=min(options["days"], 36_500.0))
    read = DecisionLog(decisions_path(options, context), context.clock).read()
    chosen, unknown = _chosen(read.records, options["name"])
    warnings = unknown
    if read.unreadable:
        warnings = (*warnings, f"Skipped {read.unreadable} lines of the log that are not records.")
    found = log_entries(each for each in chosen if each.at >= since)
    return Outcome(
        {
            "decisions": [_row(each) for each in found[-options["limit"] :]],
            "instances": sorted({each.name for each in chosen if each.at >= since}),
            "rests": [_rest(each, since) for each in rests(chosen) if each.end > since],
            "summary": _summary(found, chosen, since),
            "unknown": list(unknown),
        },
        warnings=warnings,
    )


def _chosen(records: Sequence[Record], names: Sequence[str] | None) -> tuple[list[Record], tuple[str, ...]]:
    """Return the records of the instances that are named by name, glob or UUID, and a sentence for each unknown one."""
    if names is None:
        return list(records), ()
    chosen = {each.uuid for each in records for text in names if _is_called(each, text)}
    known = sorted({each.name for each in records})
    unknown = [text for text in names if not any(_is_called(each, text) for each in records)]
    warnings = tuple(f"The log has no decision about {text}. {did_you_mean(text, known)}".rstrip() for text in unknown)
    return [each for each in records if each.uuid in chosen], warnings


def _is_called(record: Record, text: str) -> bool:
    return record.uuid == text.lower() or fnmatchcase(record.name.casefold(), text.casefold())


def _row(entry: LogEntry) -> dict[str, Any]:
    last = entry.last.to_result()
    return {
        **last,
        "at": iso(entry.first.at),
        "until": iso(entry.last.at),
        "count": entry.count,
        "sentence": entry.sentence,
    }


def _rest(rest: Rest, since: datetime) -> dict[str, Any]:
    saved = rest.saved(since=since)
    return {
        "uuid": rest.key[2],
        "name": rest.name,
        "action": rest.action,
        "start": iso(rest.start),
        "end": iso(rest.end),
        "saves_su_per_hour": rest.saves_su_per_hour,
        "saved_su": None if saved is None else round(saved, 3),
    }


def _summary(found: Sequence[LogEntry], records: Sequence[Record], since: datetime) -> dict[str, Any]:
    counts = {event.value: sum(each.last.event is event for each in found) for event in Event}
    saved = [each.saved(since=since) for each in rests(records)]
    return {**counts, "saved_su": round(sum(each for each in saved if each is not None), 3)}


OPERATION = decision_info
