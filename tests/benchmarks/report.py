# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From figures to tables and a chart in docs/."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.connection import DEFAULT_CONCURRENCY
from ansible_collections.jetstream.cloud.tests.benchmarks.page import rewrite, table
from matplotlib.figure import Figure

PAGE = "performance.md"
CHART = "performance.svg"
_OURS = 0
_AGAIN = 1.2
_TITLES = {
    "bare": "Every request takes 0.1 s, every transition 5 s",
    "real": "The same, with an Atmosphere that works on its answers as a real one does",
}
_COPYRIGHT = """<!--
Copyright (c) 2026 jetstream.cloud contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""

Json = Mapping[str, Any]


def write_report(figures: Json, folder: Path) -> None:
    """Replace the tables of the page, and draw its chart."""
    rewrite(folder / PAGE, "./dev bench", _tables(figures))
    (folder / CHART).write_text(_chart(figures), encoding="utf-8")


def _tables(figures: Json) -> str:
    parts = [_preface(figures)]
    for name, site in figures["sites"].items():
        parts += [f"### {_TITLES[name]}", _comparison(site)]
    parts += ["### What was to be reached", _targets(figures), "### Where the time goes", _spent(figures)]
    parts += ["### How it grows", _growth(figures)]
    return "\n\n".join(parts)


def _preface(figures: Json) -> str:
    machine = figures["machine"]
    ways = figures["sites"]["bare"]["ways"]
    costs = figures["sites"]["real"]["costs"]
    measured = (
        f"Measured in one run on {machine['cores']} cores, with Python {machine['python']} and ansible-core "
        f"{machine['ansible']}. Ours ran alone, then the others in parallel, each with a site of its own: they do "
        "little but wait. Only ratios mean something elsewhere."
    )
    floor = (
        "The **floor** is the least possible time: a playbook with one empty module task "
        f"({figures['empty_task']:.2f} s here), one login, the lists, as many rounds of 16 stops as it takes, and one "
        "transition. A dash was not run: it cannot reach as many instances, or would have taken more than "
        f"{figures['patience'] / 60:.0f} minutes."
    )
    work = (
        f"A working Atmosphere takes {costs['v2_row']} s for a row of v2's list, {costs['v1_row']} s for one of v1's, "
        f"and {costs['detail']} s for a detail ([atmosphere.md](atmosphere.md#cost-of-a-request))."
    )
    picture = f"![Seconds over instances, for all ways]({CHART})"
    lines = [f"- **{way['name']}**: {way['about']}.{'' if way['waits'] else ' Does not wait.'}" for way in ways]
    return "\n\n".join([measured, picture, "\n".join(lines), floor, work])


def _comparison(site: Json) -> str:
    ways = site["ways"]
    header = ["Instances", "Floor", *(way["name"] for way in ways)]
    rows = []
    for at, ours in enumerate(ways[_OURS]["runs"]):
        floor = site["floor"][str(ours["instances"])]
        cells = [_cell(way["runs"][at], ours, floor, first=way is ways[_OURS]) for way in ways]
        rows.append([str(ours["instances"]), f"{floor:.1f} s", *cells])
    return table(header, rows)


def _cell(run: Json, ours: Json, floor: float, *, first: bool) -> str:
    if "not_run" in run:
        return "-"
    ratio = (
        f"{run['seconds'] / floor:.2f} of the floor" if first else f"{run['seconds'] / ours['seconds']:.1f} times ours"
    )
    programs = "" if run["programs"] == 1 else f", {run['programs']} tasks or programs"
    return f"{run['seconds']:.1f} s, {ratio}; {run['requests']} requests{programs}"


def _targets(figures: Json) -> str:
    bare, real = figures["sites"]["bare"], figures["sites"]["real"]
    rows = []
    for site, words, size, most in (
        (bare, "", 100, 1.10),
        (bare, "", 1000, 1.10),
        (real, ", Atmosphere at work", 100, 1.15),
    ):
        run = _run(site, size)
        if run:
            ratio = run["seconds"] / site["floor"][str(size)]
            what = f"{size} instances stopped{words}, in floors"
            rows.append(_target(what, f"at most {most:.2f}", f"{ratio:.2f}", ratio <= most))
    for site, words in ((bare, ""), (real, ", Atmosphere at work")):
        for size, pair in site["nothing_to_do"].items():
            ratio = pair["ours"] / pair["other"]
            what = f"Nothing to do, {size} instances{words}, to an empty task and the lists"
            found = f"{ratio:.2f} ({pair['ours']:.2f} s to {pair['other']:.2f} s)"
            rows.append(_target(what, "at most 1.20", found, ratio <= _AGAIN))
    for name, words in (("bare", ""), ("real", ", Atmosphere at work")):
        pair = figures["inventory"][name]
        ratio = pair["ours"] / pair["other"]
        what = (
            f"`ansible-inventory --graph` of {figures['inventory_of']} instances{words}, to an empty one and the lists"
        )
        found = f"{ratio:.2f} ({pair['ours']:.2f} s to {pair['other']:.2f} s)"
        rows.append(_target(what, "at most 1.20", found, ratio <= _AGAIN))
    loop = figures["loop"]
    times = loop["other"] / loop["ours"]
    rows.append(
        _target(
            f"A loop of {figures['loops']} tasks that read, through modules, to the same in the controller's process",
            "at least 10 times",
            f"{times:.1f} times ({loop['other']:.1f} s to {loop['ours']:.1f} s)",
            times >= 10,
        )
    )
    run = _run(bare, 1000)
    if run:
        rows.append(
            _target("Requests for 1000 instances", "at most 1150", str(run["requests"]), run["requests"] <= 1150)
        )
    memory = figures["memory"]
    rows.append(
        _target(
            f"Memory of the module that reads {figures['memory_at']} instances",
            "under 150 MB",
            f"{memory['other']:.0f} MB (in the controller's process, with Ansible in it: {memory['ours']:.0f} MB)",
            memory["other"] < 150,
        )
    )
    return table(["What", "To be", "Is", ""], rows)


def _target(what: str, wanted: str, found: str, reached: bool) -> list[str]:
    return [what, wanted, found, "reached" if reached else "**missed**"]


def _run(site: Json, instances: int) -> Json | None:
    return next((run for run in site["ways"][_OURS]["runs"] if run["instances"] == instances), None)


def _spent(figures: Json) -> str:
    rows = [
        [
            str(run["instances"]),
            "no work on answers" if name == "bare" else "Atmosphere at work",
            *(f"{run['spent'][part]:.1f} s" for part in ("start", "lists", "stops", "looks", "end")),
        ]
        for name, site in figures["sites"].items()
        for run in site["ways"][_OURS]["runs"]
    ]
    header = ["Instances", "Site", "Ansible starts", "Lists", "Stops", "Waiting and polls", "Ansible ends"]
    words = (
        "By the requests of one task, as the simulator saw them. The floor has no last poll, although no client "
        "can know without one that all have stopped. At a working Atmosphere that poll is a detail of each, in "
        "parallel, for up to 128 instances: 2.5 times the work of a list for the server, and there sooner. For more it "
        "is the list, which takes 0.03 s for each instance. There, the lists of 1000 instances take more than "
        "10 s, so that each instance is read again before it is stopped: another run may have been faster, and a stop "
        "that is refused costs the floating IP."
    )
    return f"{words}\n\n{table(header, rows)}"


def _growth(figures: Json) -> str:
    rows = []
    for name, site in figures["sites"].items():
        runs = site["ways"][_OURS]["runs"]
        sizes = [run["instances"] for run in runs]
        if len(sizes) < 2:
            return "Only one size was measured."
        _unused, per_instance = _fit(sizes, [run["seconds"] for run in runs])
        _unused, floor_per_instance = _fit(sizes, [site["floor"][str(size)] for size in sizes])
        begin, memory = _fit(sizes, [run["memory"] for run in runs])
        rows.append(
            [
                "no work on answers" if name == "bare" else "Atmosphere at work",
                f"{per_instance * 1000:.1f} ms",
                ", ".join(f"{each * 1000:.1f}" for each in _steps(runs)) + " ms",
                f"{floor_per_instance * 1000:.1f} ms",
                f"{per_instance / floor_per_instance:.2f}",
                f"{begin:.0f} MB, and {memory * 1000:.1f} KB for each instance",
            ]
        )
    header = ["Site", "Each instance adds", "From one size to the next", "It adds to the floor", "Ratio", "Memory"]
    costs = figures["sites"]["bare"]["costs"]
    words = (
        "Straight lines through what one task took, by least squares. Stops alone, "
        f"{DEFAULT_CONCURRENCY} of {costs['latency']} s at a time, are "
        f"{costs['latency'] / DEFAULT_CONCURRENCY * 1000:.1f} ms for each instance. "
        "Memory is that of the controller's process, with all of Ansible in it."
    )
    return f"{words}\n\n{table(header, rows)}"


def _steps(runs: Sequence[Json]) -> list[float]:
    """Return the seconds that each further instance took, from one size to the next."""
    return [
        (larger["seconds"] - smaller["seconds"]) / (larger["instances"] - smaller["instances"])
        for smaller, larger in pairwise(runs)
    ]


def _fit(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Return where a straight line begins, and how steep it is."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    steep = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum((x - mean_x) ** 2 for x in xs)
    return mean_y - steep * mean_x, steep


def _chart(figures: Json) -> str:
    mpl.rcParams["svg.hashsalt"] = "jetstream"
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots(1, len(figures["sites"]), sharey=True, squeeze=False)[0]
    for axis, (name, site) in zip(axes, figures["sites"].items(), strict=True):
        for way in site["ways"]:
            runs = [run for run in way["runs"] if "not_run" not in run]
            axis.plot(
                [run["instances"] for run in runs], [run["seconds"] for run in runs], marker="o", label=way["name"]
            )
        sizes = [int(size) for size in site["floor"]]
        axis.plot(sizes, list(site["floor"].values()), linestyle="--", color="black", label="floor")
        axis.set(xscale="log", yscale="log", xlabel="instances")
        axis.set_title("Atmosphere at work" if name == "real" else "no work on answers")
        axis.grid(visible=True, which="major", alpha=0.3)
    axes[0].set_ylabel("seconds")
    axes[-1].legend(loc="lower right", fontsize="small")
    picture = io.StringIO()
    figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    declaration, _separator, rest = picture.getvalue().partition("?>\n")
    return f"{declaration}?>\n{_COPYRIGHT}" + "\n".join(line.rstrip() for line in rest.splitlines()) + "\n"
