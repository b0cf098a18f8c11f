# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes a trial as text: the plan, the requests with their responses, and the broken invariants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .invariants import Broken
from .plans import Plan
from .records import Accepted, Exchange, Touch
from .stages import Run
from .trials import Trial


def describe(trial: Trial, found: Sequence[Broken]) -> str:
    """Return the description of a trial."""
    lines = [f"seed {trial.plan.seed}", *plan_lines(trial.plan)]
    for name, run in trial.runs:
        if name != "rival":
            lines += [f"{name} run:", *_indented(_run_lines(trial, run))]
        lines += [f"{name} run, the result:", *_indented(_result_lines(trial, run))]
    lines += ["does not hold:", *_indented(map(str, found))] if found else ["Everything holds."]
    return "\n".join(lines)


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the parts of a plan."""
    yield f"cloud: {plan.cloud} {dict(plan.settings)}, latency {plan.latency} s"
    yield f"connection: {dict(plan.connection)}"
    for number, member in enumerate(plan.fleet):
        yield f"#{number}: {member}"
    yield f"task: {dict(plan.task.options)}{' in check mode' if plan.task.check_mode else ''}"
    if plan.rival:
        yield f"rival, {plan.rival_at} s later: {dict(plan.rival.options)}"
    for fault in plan.faults:
        target = "" if fault.target is None else f" #{fault.target}"
        yield f"fault: {fault.kind}{target} {dict(fault.details)}"
    yield f"pause before the next run: {plan.pause} s"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _run_lines(trial: Trial, run: Run) -> Iterator[str]:
    events = [(each.sent_at, _exchange_line(trial, each)) for each in run.record.exchanges]
    events += [(each.at, _touch_line(trial, each)) for each in run.record.touches]
    events += [(each.at, _accepted_line(trial, each)) for each in run.record.accepted]
    for at, line in sorted(events, key=lambda event: event[0]):
        yield f"{at - run.begun:9.2f} s  {line}"


def _name(trial: Trial, uuid: str | None) -> str:
    uuids = list(trial.site.uuids)
    return f"#{uuids.index(uuid)}" if uuid is not None and uuid in uuids else str(uuid)


def _exchange_line(trial: Trial, each: Exchange) -> str:
    path = each.path
    for number, uuid in enumerate(trial.site.uuids):
        path = path.replace(uuid, f"<#{number}>")
    what = f"{each.action} of {_name(trial, each.uuid)}" if each.action else f"{each.method} ...{path[-60:]}"
    answer = each.error or str(each.status)
    struck = f" [{each.struck_by}]" if each.struck_by else ""
    shown = ", ".join(
        f"{_name(trial, one.uuid)} {one.text}{'' if one.live else ' (stored)'}{' (odd)' if one.odd else ''}"
        for one in each.shown
    )
    took = "" if each.answered_at is None else f" after {each.answered_at - each.sent_at:.2f} s"
    return f"{each.client}: {what} -> {answer}{took}, {each.outcome.value}{struck}{f': {shown}' if shown else ''}"


def _touch_line(trial: Trial, each: Touch) -> str:
    return f"    {_name(trial, each.uuid)}: {each.kind}"


def _accepted_line(trial: Trial, each: Accepted) -> str:
    return f"    the cloud accepts {each.action} of {_name(trial, each.uuid)} from {each.by or 'somebody'}"


def _result_lines(trial: Trial, run: Run) -> Iterator[str]:
    yield f"took {run.ended - run.begun:.2f} s; changed {run.changed}; failure: {run.failure}; error: {run.error}"
    yield from run.crash.splitlines()
    for warning in run.warnings:
        yield f"warning: {warning}"
    for item in run.items:
        after = run.after.get(item["uuid"])
        flags = [name for name in ("changed", "failed", "skipped", "unclear") if item[name]]
        yield (
            f"{_name(trial, item['uuid'])} {item['name']!r}: {item['before']} -> {item['after']} {item['actions']} "
            f"{', '.join(flags) or 'unchanged'}; {item['msg']} (truly {after.text if after else 'gone'})"
        )
