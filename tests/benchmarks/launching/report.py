# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From figures to tables in docs/."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.tests.benchmarks.launching.measures import no_host_of, quota_of
from ansible_collections.jetstream.cloud.tests.benchmarks.page import rewrite, table

Json = Mapping[str, Any]

# A fleet of 40 is to take at most these requests beyond polls, one for each instance among them.
_SPARE_REQUESTS = 15
_MOST_SAID = 6
_ABOUT_AGAIN = (
    "With nothing to do, a task differs from its floor by what Python imports: the collection, requests, and the part "
    "of openstacksdk that reads clouds.yaml. An empty task starts a module in a Python of its own, and ours does not. "
    "The bare requests of the floor come from a process that has imported all it needs."
)
_FLOOR = (
    "The **floor** is an empty task, and bare requests: a list, the lists of images, flavors and networks, the limits, "
    "40 launches with 16 requests at a time, and one build; with nothing to do the list of what is there; for a "
    "deletion a list, 40 deletions, and the end of the last one. It is measured right before each round of ours. That "
    "a fleet is built is read from nova's database, which costs nova nothing; no client can do that."
)
_HEADER = ["", "Seconds", "Requests", "Modules run", "Exit status", "Servers afterwards", "Says"]
# The runs of a fleet in trouble. The last two are there if those before have left something in ERROR.
_STEPS = ("", ", again", ", what is in ERROR deleted", ", again after that")
_PARTS = {"launch": "launched", "again": "again", "deletion": "deleted", "gone_again": "again"}


def write_report(figures: Json, folder: Path) -> None:
    """Put the tables into the page, in the place of the last ones. What was not measured stays as it is there."""
    page = folder / "performance.md"
    if figures["ours"]:
        rewrite(page, "./dev bench-launch", report(figures))
    if any(figures["beside"][part] for part in ("rounds", *_titles(0))):
        rewrite(page, "./dev bench-launch --beside", comparison(figures))


def report(figures: Json) -> str:
    """Return the tables of our own launches, and what has to be known to read them."""
    parts = [
        _preface(figures),
        _FLOOR,
        f"### {figures['fleet']} instances, and what was to be reached",
        table(["", "Floor", "one task"], _rows(figures)),
        table(["What", "To be", "Is", ""], _goals(figures)),
        _ABOUT_AGAIN,
    ]
    return "\n\n".join(parts)


def comparison(figures: Json) -> str:
    """Return the tables of fleets that both collections launched."""
    beside = figures["beside"]
    size = beside["size"]
    parts = [
        f"### {size} instances beside openstack.cloud",
        _preface(figures),
        "\n".join(f"- **{name}**: {about}." for name, about in figures["about"].items()),
    ]
    if beside["rounds"]:
        parts.append(table(_HEADER, _round_rows(beside["rounds"])))
    for trouble, title in _titles(size).items():
        if beside[trouble]:
            parts += [f"### {title}", table(_HEADER, _trouble_rows(beside[trouble]))]
    return "\n\n".join(parts)


def _titles(size: int) -> dict[str, str]:
    return {
        "no_host": f"{no_host_of(size)} of {size} find no host, until the second run",
        "lost": f"The response to the launch number {size // 2} is lost, in the first run",
        "quota": f"The quota ends at {quota_of(size)}, until the second run",
    }


def _preface(figures: Json) -> str:
    machine = figures["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    return (
        f"Measured on {machine['cores']} cores, with Python {machine['python']}, {versions}. The load average was "
        f"{machine['load']:.1f} before anything was started; nova runs on the same cores. The numbers in brackets are "
        "the load averages at the begin of each run. Other work on the machine makes all figures larger, and where it "
        "comes between a floor and the round after it, the ratio as well."
    )


def _rows(figures: Json) -> list[list[str]]:
    """Return a row for each round: a floor, and ours right after it."""
    rows = []
    for number, (floor, ours) in enumerate(zip(figures["floors"], figures["ours"], strict=True), start=1):
        for title, part, name in _COMPARED:
            rows.append([f"round {number}, {title}", f"{floor[name]:.1f} s", _figures(part(ours))])
    return rows


def _launch(each: Json) -> Json:
    return dict(each["launch"])


def _deletion(each: Json) -> Json:
    return dict(each["deletion"])


def _again(each: Json) -> Json:
    return _in_the_middle(each["again"])


def _gone_again(each: Json) -> Json:
    return _in_the_middle(each["gone_again"])


def _in_the_middle(runs: Sequence[Json]) -> Json:
    return sorted(runs, key=lambda each: float(each["seconds"]))[len(runs) // 2]


_COMPARED: tuple[tuple[str, Callable[[Json], Json], str], ...] = (
    ("launched and ready", _launch, "launch"),
    ("launched again, with nothing to do", _again, "kept"),
    ("deleted", _deletion, "deletion"),
    ("deleted again, with nothing to do", _gone_again, "gone"),
)


def _figures(run: Json) -> str:
    requests = f"{run['requests']} requests, {run['beyond_polls']} of them no polls"
    return f"{run['seconds']:.1f} s [{run['load']:.1f}]; {requests}"


def _goals(figures: Json) -> list[list[str]]:
    rows = []
    for (title, part, name), most in zip(_COMPARED, (1.3, 1.15, 1.3, 1.15), strict=True):
        pairs = zip(figures["floors"], figures["ours"], strict=True)
        ratios = sorted(part(ours)["seconds"] / floor[name] for floor, ours in pairs)
        middle = statistics.median(ratios)
        shown = f"{middle:.2f} ({', '.join(f'{each:.2f}' for each in ratios)})"
        rows.append([f"{title}, in floors", f"at most {most:.2f}", shown, "reached" if middle <= most else "missed"])
    requests = {"Requests of a launch beyond polls": _launch, "Requests of a deletion beyond polls": _deletion}
    for what, part in requests.items():
        count = max(part(each)["beyond_polls"] for each in figures["ours"])
        most_requests = figures["fleet"] + _SPARE_REQUESTS
        verdict = "reached" if count <= most_requests else "missed"
        rows.append([what, f"at most {most_requests}", str(count), verdict])
    return rows


def _round_rows(rounds: Mapping[str, Json]) -> list[list[str]]:
    rows = []
    for part, title in _PARTS.items():
        for name, found in rounds.items():
            run = found[part][0] if isinstance(found[part], list) else found[part]
            rows.append(_row(f"{name}, {title}", run))
    return rows


def _trouble_rows(ways: Mapping[str, Sequence[Json]]) -> list[list[str]]:
    return [_row(f"{name}{_STEPS[number]}", run) for name, runs in ways.items() for number, run in enumerate(runs)]


def _row(name: str, run: Json) -> list[str]:
    states = ", ".join(f"{count} {state}" for state, count in sorted(run["states"].items())) or "none"
    twins = f", {run['servers'] - run['names']} of a name twice" if run["servers"] > run["names"] else ""
    return [
        name,
        f"{run['seconds']:.1f} [{run['load']:.1f}]",
        str(run["requests"]),
        str(run["modules"]),
        str(run["status"]),
        states + twins,
        _said(run["said"]),
    ]


def _said(said: Mapping[str, int]) -> str:
    lines = [f"{count} x {f'`{_shown(text)}`' if text else 'nothing'}" for text, count in said.items()]
    more = [f"and {len(lines) - _MOST_SAID} other sentences"] if len(lines) > _MOST_SAID else []
    return "<br>".join([*lines[:_MOST_SAID], *more]) or "nothing"


def _shown(text: str) -> str:
    return text.replace("|", "/").replace("`", "'").replace("\n", " ")
