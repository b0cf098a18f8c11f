# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a seed, and the totals of many."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

from ..benchmarks.page import table
from .generation import plan_of
from .invariants import Broken, broken
from .plans import Plan
from .trials import Trial, carry_out, without

ENDS = "every run ends"


@dataclass
class Totals:
    """Counts. ``struck``: faults that struck while a faulty run was under way, by kind.

    ``failed``: instances that failed in a faulty run. ``recovered``: those of them that did not in the recovery run.
    """

    trials: int = 0
    operations: int = 0
    instances: int = 0
    requests: int = 0
    accepted: int = 0
    with_faults: int = 0
    unclear: int = 0
    failed: int = 0
    recovered: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    clouds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Totals) -> None:
        """Add the counts of others."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def lines(self) -> list[str]:
        """Return the counts in Markdown, the faults by kind in a table of their own."""
        clouds = ", ".join(f"{count:,} on {name}" for name, count in sorted(self.clouds.items()))
        struck, kinds = self.struck.total(), len(self.struck)
        counts = [
            ("Trials", f"{self.trials:,} ({clouds})"),
            ("Trials in which faults struck", f"{self.with_faults:,}"),
            ("Faults that struck during a run", f"{struck:,} of {kinds} kinds"),
            ("Runs", f"{self.operations:,}"),
            ("Requests", f"{self.requests:,}"),
            ("Actions that a cloud accepted", f"{self.accepted:,}"),
            ("Results of instances", f"{self.instances:,}, {self.unclear:,} of them unclear"),
            ("Instances that failed in the faulty run", f"{self.failed:,}"),
            ("of which the recovery run brought to the state", f"{self.recovered:,}"),
        ]
        by_kind = [(name, f"{count:,}") for name, count in self.struck.most_common()]
        return [table(("", ""), counts), "", table(("Fault", "Struck"), by_kind)]


@dataclass(frozen=True)
class Verdict:
    """A seed with its broken invariants and its totals."""

    seed: int
    broken: Sequence[Broken]
    totals: Totals


def judge(seed: int) -> Verdict:
    """Carry out the plan of a seed, and return the verdict."""
    trial, found = evaluate(plan_of(seed))
    return Verdict(seed, found, _totals(trial) if trial else Totals(trials=1))


def evaluate(plan: Plan) -> tuple[Trial | None, list[Broken]]:
    """Carry out a plan, and check it. A run that does not end, or a trial that fails, is a broken invariant, too."""
    try:
        trial = carry_out(plan)
        return trial, broken(trial)
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        return None, [Broken(ENDS, "any", told)]


def shrunk(plan: Plan, invariant: str) -> Plan:
    """Return a plan without the faults that are not needed to break an invariant."""
    candidates = [replace(plan, rival=None)] if plan.rival else []
    candidates += [without(plan, number) for number in range(len(plan.faults))]
    for each in candidates:
        if any(one.invariant == invariant for one in evaluate(each)[1]):
            return shrunk(each, invariant)
    return plan


def _totals(trial: Trial) -> Totals:
    records = [trial.faulty.record, trial.recovery.record, trial.repeated.record]
    items = [item for _name, run in trial.runs for item in run.items]
    failed = {item["uuid"] for item in trial.faulty.items if item["failed"]}
    recovered = {item["uuid"] for item in trial.recovery.items if not item["failed"] and not item["skipped"]}
    return Totals(
        trials=1,
        operations=len(trial.runs),
        instances=len(items),
        requests=sum(len(each.exchanges) for each in records),
        accepted=sum(len(each.accepted) for each in records),
        with_faults=bool(trial.struck),
        unclear=sum(item["unclear"] for item in items),
        failed=len(failed),
        recovered=len(failed & recovered),
        struck=Counter(trial.struck),
        clouds=Counter([trial.plan.cloud]),
    )
