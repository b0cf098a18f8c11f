# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The invariants of every run, checked against the server's record and the cloud's own states, not the run's output.

Neither this module nor those with the checks use the product to decide what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .checked_run import CheckedRun
from .recovery_invariants import check_mode_foretells, healed, nothing_refused_undisturbed, repeated_runs_change_nothing
from .request_invariants import (
    check_mode_writes_nothing,
    max_changes_is_kept,
    nothing_outside,
    nothing_refusable,
    nothing_twice,
    nothing_unlocked_unasked,
    nothing_woken_unasked,
)
from .result_invariants import (
    addresses_are_kept,
    counts_agree,
    locks_are_kept,
    no_bugs,
    no_secrets,
    nothing_is_forgotten,
    results_are_true,
    time_is_kept,
)
from .trials import Trial

Check = Callable[[CheckedRun], Iterator[str]]
FORETELLS = "check mode foretells"

INVARIANTS: Mapping[str, Check] = {
    "nothing outside the selection": nothing_outside,
    "nothing sent that would be refused": nothing_refusable,
    "nothing sent twice": nothing_twice,
    "nothing woken unasked": nothing_woken_unasked,
    "nothing unlocked unasked": nothing_unlocked_unasked,
    "results are true": results_are_true,
    "nothing is forgotten": nothing_is_forgotten,
    "counts agree": counts_agree,
    "wait_timeout is kept": time_is_kept,
    "no bugs": no_bugs,
    "no secrets": no_secrets,
    "check mode writes nothing": check_mode_writes_nothing,
    "max_changes is kept": max_changes_is_kept,
    "locks are kept": locks_are_kept,
    "addresses are kept": addresses_are_kept,
    "healed by the next run": healed,
    "a third run changes nothing": repeated_runs_change_nothing,
    "nothing refused when nothing disturbs": nothing_refused_undisturbed,
}


@dataclass(frozen=True)
class Broken:
    """A broken invariant: its name, the run, and the finding."""

    invariant: str
    run: str
    found: str

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.invariant} ({self.run} run): {self.found}"


def broken(trial: Trial) -> list[Broken]:
    """Return every broken invariant."""
    views = [CheckedRun(trial, name, run) for name, run in trial.runs]
    found = [
        Broken(name, checked.name, each)
        for checked in views
        for name, check in INVARIANTS.items()
        for each in check(checked)
    ]
    if not trial.faulty.task.check_mode:
        return found
    return found + [Broken(FORETELLS, "recovery", each) for each in check_mode_foretells(trial)]
