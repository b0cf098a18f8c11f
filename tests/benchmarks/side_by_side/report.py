# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From figures to tables in docs/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.tests.benchmarks.page import rewrite, table

Json = Mapping[str, Any]

_HEADER = ["", "Seconds", "Requests", "Modules run", "Exit status", "Servers afterwards"]
_LARGE_HEADER = ["Servers", "Floor", "one task", "Empty task, list", "one task, again", "`openstack server stop`"]
_ABOUT_LARGE = (
    "Each fleet is stopped by one task, and by `openstack server stop` with all names. That does not wait: the "
    "seconds in brackets are those until all were stopped. The floor is an empty task, one list, all stops with 16 "
    "requests at a time, and a list every half second until all are stopped. It and our task are run in turn; of each, "
    "the run in the middle counts, and the others are in brackets."
)


def write_report(figures: Json, folder: Path) -> None:
    """Put the tables into the page, in the place of the last ones."""
    rewrite(folder / "performance.md", "./dev bench-openstack", report(figures))


def report(figures: Json) -> str:
    """Return the tables, and what has to be known to read them."""
    fleet, ways = figures["fleet"], figures["ways"]
    mix = ", ".join(f"{count} {state}" for state, count in figures["mix"].items())
    parts = [
        _preface(figures),
        "\n".join(f"- **{way['name']}**: {way['about']}." for way in ways),
        f"### {fleet} active servers are stopped",
        table(_HEADER, [_row(way["name"], way["stopped"]) for way in ways]),
        "### The same again, with nothing to do",
        table(_HEADER, [_row(way["name"], way["nothing_to_do"]) for way in ways]),
        f"### Of {fleet} servers, {mix}",
        table(_HEADER, [_row(way["name"], way["mixed"]) for way in ways]),
        "What each says in its results, and how often. Addresses and ids are shortened, all else is in its own words.",
        table(["", "Says"], [[way["name"], _said(way["mixed"])] for way in ways]),
        "### Large fleets",
        f"{_ABOUT_LARGE} The load average was {figures['load_before_large']:.1f} before.",
        table(_LARGE_HEADER, [_large_row(each) for each in figures["large"]]),
    ]
    return "\n\n".join(parts)


def _preface(figures: Json) -> str:
    machine = figures["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    first, *others = (f"{load:.1f}" for load in machine["load"])
    measured = (
        f"Measured in one run on {machine['cores']} cores, with Python {machine['python']}, {versions}. The load "
        f"average was {first} before anything was started, and {', '.join(others)} after each round."
    )
    seconds = (
        f"Seconds are those of the run in the middle of {figures['times']}, with the others in brackets. "
        "The last fleet was stopped once by each."
    )
    return f"{measured} {seconds}"


def _large_row(each: Json) -> list[str]:
    again, client = each["again"], each["client"]
    middle = len(each["ours"]) // 2
    floor, ours = each["floors"][middle], each["ours"][middle]
    seconds = [one["seconds"] for one in each["ours"]]
    return [
        str(each["servers"]),
        f"{_seconds(each['floors'])} s",
        f"{_seconds(seconds)} s, {ours['seconds'] / floor:.2f} of the floor; {ours['requests']} requests",
        f"{each['lists']:.1f} s",
        f"{again['seconds']:.1f} s, {again['seconds'] / each['lists']:.2f} of it; {again['requests']} requests",
        f"{each['client_ended']:.1f} s ({client['seconds']:.1f} s); {client['requests']} requests",
    ]


def _row(name: str, run: Json) -> list[str]:
    requests = run["requests"]
    services = ", ".join(f"{service} {count}" for service, count in sorted(requests.items()))
    return [
        name,
        _seconds(run["seconds"]),
        f"{sum(requests.values())} ({services})",
        str(run["modules"]),
        _status(run),
        ", ".join(f"{count} {state}" for state, count in sorted(run["states"].items())),
    ]


def _seconds(seconds: float | list[float]) -> str:
    if isinstance(seconds, float):
        return f"{seconds:.1f}"
    middle = len(seconds) // 2
    others = [f"{each:.1f}" for each in seconds[:middle] + seconds[middle + 1 :]]
    return f"{seconds[middle]:.1f}" + (f" ({', '.join(others)})" if others else "")


def _status(run: Json) -> str:
    if not run["failed"]:
        return str(run["status"])
    items = f", {run['failed_items']} items of its loop" if run["failed_items"] else ""
    return f"{run['status']}: {run['failed']} task failed{items}"


def _said(run: Json) -> str:
    lines = [f"{count} x {f'`{text}`' if text else 'nothing'}" for text, count in run["said"].items()]
    return "<br>".join(lines) or "nothing"
