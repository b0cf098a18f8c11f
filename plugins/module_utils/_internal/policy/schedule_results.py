# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules as modules return them: the coming edges, and the sums of a run. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from ..text.terminal import one_line
from ..times import iso
from .calendars import CalendarEvent, calendar_text
from .schedule_steps import Step
from .schedules import Edge, EdgeKind, Schedule, edges

# Why an instance did not start, by words of Nova and Atmosphere. The first match counts.
_CAUSES = (
    ("quota", re.compile(r"(?i)quota|limit exceeded|too many (cores|instances|ram)")),
    ("gpu", re.compile(r"(?i)\bv?gpu\b|\bpci\b|\bmdev\b|PciDevice")),
    (
        "no_host",
        # "no host" is also in the words of failure_reason, where Nova returns the failed step and no reason.
        re.compile(r"(?i)no valid host|not enough hosts|no host|insufficient (compute )?resources|no capacity"),
    ),
    ("allocation", re.compile(r"(?i)allocation|over ?drawn|expired")),
    ("locked", re.compile(r"(?i)\blocked\b")),
)
_NAMED = 10
_MOST_MISSED = 20
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def cause_of(message: str) -> str:
    """Return a word for the reason in a message: quota, gpu, no_host, allocation, locked or other."""
    return next((word for word, pattern in _CAUSES if pattern.search(message)), "other")


def local_text(moment: datetime, zone: tzinfo) -> str:
    """Return a moment as local time: "Tue 2026-11-24 09:00 EST"."""
    local = moment.astimezone(zone)
    return f"{_DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} {local.tzname()}"


def edge_result(edge: Edge, schedule: Schedule) -> dict[str, Any]:
    """Return an edge as plain values, with the local time in the zone of its schedule."""
    return {
        "at": iso(edge.at),
        "local": local_text(edge.at, schedule.zone),
        "kind": edge.kind.value,
        "state": "started" if edge.kind is EdgeKind.START else schedule.off_state.value,
    }


def missed_result(missed: Sequence[Edge], schedule: Schedule) -> list[dict[str, Any]]:
    """Return the latest missed edges as plain values, oldest first."""
    return [edge_result(each, schedule) for each in missed[-_MOST_MISSED:]]


def coming_edges(
    schedules: Mapping[str, Schedule], followers: Mapping[str, Sequence[str]], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Return the edges of all schedules between two moments, in order, with the names of the instances."""
    rows = [
        (each, {"schedule": name, **edge_result(each, schedule), "instances": list(followers.get(name, ()))})
        for name, schedule in schedules.items()
        for each in edges(schedule, since, until)
    ]
    return [row for _edge, row in sorted(rows, key=lambda each: (each[0], each[1]["schedule"]))]


def calendar_of(rows: Sequence[Mapping[str, Any]], moments: Sequence[datetime], now: datetime) -> str:
    """Return a calendar file of coming edges: ``rows`` as ``coming_edges`` returns them, with their moments.

    A start and the following stop form one event. Any other edge is an event without a duration.
    """
    events = []
    opened: dict[str, tuple[Mapping[str, Any], datetime]] = {}
    for row, moment in zip(rows, moments, strict=True):
        before = opened.pop(row["schedule"], None)
        if row["kind"] == EdgeKind.START:
            if before is not None:
                events.append(_event(*before, None))
            opened[row["schedule"]] = (row, moment)
        elif before is not None:
            events.append(_event(*before, moment))
        else:
            events.append(_event(row, moment, None))
    events += [_event(*each, None) for each in opened.values()]
    return calendar_text(sorted(events, key=lambda each: (each.start, each.key)), now)


def _event(row: Mapping[str, Any], start: datetime, stop: datetime | None) -> CalendarEvent:
    count = len(row["instances"])
    doing = "run" if stop is not None else f"are {row['state']}"
    return CalendarEvent(
        key=f"{row['schedule']}-{row['at']}-{row['kind']}",
        summary=f"{row['schedule']}: {count} instance{'' if count == 1 else 's'} {doing}",
        start=start,
        stop=stop,
        description="\n".join(row["instances"]),
    )


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the totals of a run's rows, and a sentence with them.

    ``news``: whether something is worth a message. Repeated failures of an instance are not.
    """
    counts = {
        "following": len(rows),
        "put_to_sleep": sum(each["step"] == Step.SLEEP and each["changed"] and not each["failed"] for each in rows),
        "ready": sum(each["step"] == Step.WAKE and not each["failed"] and not each["skipped"] for each in rows),
        "kept": sum(each["step"] == Step.KEPT for each in rows),
        "later": sum(each["step"] == Step.LATER for each in rows),
        "failed": sum(each["failed"] for each in rows),
        "missed": max((len(each["missed"]) for each in rows), default=0),
    }
    news = any(each["changed"] or (each["failed"] and each["is_news"]) for each in rows)
    return {**counts, "news": news, "sentence": _sentence(rows, counts)}


def _sentence(rows: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> str:
    parts = []
    if counts["put_to_sleep"]:
        parts.append(f"{counts['put_to_sleep']} turned off")
    if starting := sum(each["step"] == Step.WAKE for each in rows):
        parts.append(f"{counts['ready']} of {starting} ready")
    if counts["kept"]:
        parts.append(f"{counts['kept']} kept")
    if counts["later"]:
        parts.append(f"{counts['later']} to be retried")
    failed = [one_line(str(each["name"])) for each in rows if each["failed"]]
    if failed:
        more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        parts.append(f"{len(failed)} failed ({', '.join(failed[:_NAMED])}{more})")
    if not parts:
        return "Nothing was due."
    missed = f" {counts['missed']} earlier edges were missed." if counts["missed"] else ""
    return f"{', '.join(parts)}.{missed}"
