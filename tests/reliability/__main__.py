# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program behind ./dev reliability."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

from ..benchmarks.page import rewrite
from .description import describe, plan_lines
from .generation import plan_of
from .positions.series import SERIES, named
from .positions.trials import positions, strike
from .totals import ENDS, Totals, Verdict, evaluate, judge, shrunk

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
_COMMAND = "./dev reliability"
# The number of failed trials that are printed in full. Of others, only the broken invariants are printed.
_DESCRIBED = 3
_CHUNK = 20
_PROGRESS_SECONDS = 20.0


def main(words: Sequence[str] | None = None) -> int:
    """Run trials, and return 1 if an invariant is broken."""
    arguments = _parser().parse_args(words)
    if arguments.seed is not None:
        return _one(arguments.seed, shrink=arguments.shrink)
    if arguments.positions is not None:
        return _positions(arguments.positions, arguments.jobs)
    seeds = range(arguments.first, arguments.first + arguments.runs)
    totals, failed, seconds = _many(seeds, arguments.jobs)
    _report(seeds, totals, failed, seconds)
    if arguments.write and not failed:
        text = f"Seeds {seeds[0]} to {seeds[-1]}: every invariant held.\n\n" + "\n".join(totals.lines())
        rewrite(_PAGE, _COMMAND, text)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_COMMAND, description="Random fleets, tasks and faults, and what must hold.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, metavar="N", help="run the trial of this seed, and describe it")
    which.add_argument(
        "--positions",
        metavar="TASK",
        help='strike each request of a task by each fault: "resize", or of all of them: "all", "atmosphere"',
    )
    which.add_argument("--runs", type=int, metavar="N", help="run this many trials, with consecutive seeds")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="the first seed (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at the same time")
    parser.add_argument("--shrink", action="store_true", help="with --seed: leave out what is not needed to fail")
    parser.add_argument("--write", action="store_true", help="with --runs: write the figures to docs/reliability.md")
    return parser


def _one(seed: int, *, shrink: bool) -> int:
    plan = plan_of(seed)
    trial, found = evaluate(plan)
    if found and shrink:
        plan = shrunk(plan, found[0].invariant)
        trial, found = evaluate(plan)
    if trial is None:
        print("\n".join([f"seed {seed}", *plan_lines(plan), str(found[0])]))
    else:
        print(describe(trial, found))
    return 1 if found else 0


def _positions(name: str, jobs: int) -> int:
    """Try each fault at each request of a task, or of all tasks. Return 1 if a trial fails."""
    names = named(name)
    if not names:
        print(f"There is no task {name!r}. Tasks: {', '.join(SERIES)}")
        return 2
    begun = time.monotonic()
    todo = list(positions(names))
    tried = failed = 0
    with get_context("spawn").Pool(jobs) as pool:
        for outcome in pool.imap(strike, todo, chunksize=_CHUNK):
            tried += outcome.struck
            failed += bool(outcome.broken)
            for sentence in outcome.broken:
                print(sentence, flush=True)
    print(f"{tried:,} requests struck in {time.monotonic() - begun:.0f} s: {failed} failed.")
    return 1 if failed else 0


def _many(seeds: range, jobs: int) -> tuple[Totals, list[Verdict], float]:
    totals, failed = Totals(), []
    begun = reported = time.monotonic()
    for verdict in _verdicts(seeds, jobs):
        totals.add(verdict.totals)
        if verdict.broken:
            failed.append(verdict)
            _print_failure(verdict, in_full=len(failed) <= _DESCRIBED)
        if time.monotonic() - reported >= _PROGRESS_SECONDS:
            reported = time.monotonic()
            print(f"{totals.trials:,} of {len(seeds):,} trials, {len(failed)} failed", flush=True)
    return totals, failed, time.monotonic() - begun


def _verdicts(seeds: range, jobs: int) -> Iterator[Verdict]:
    if jobs <= 1:
        yield from map(judge, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(judge, seeds, chunksize=_CHUNK)


def _print_failure(verdict: Verdict, *, in_full: bool) -> None:
    print(f"\nSeed {verdict.seed} failed ({_COMMAND} --seed {verdict.seed}):", flush=True)
    if in_full and not any(each.invariant == ENDS for each in verdict.broken):
        trial, found = evaluate(plan_of(verdict.seed))
        if trial:
            print(describe(trial, found))
            return
    for each in verdict.broken:
        print(f"  {each}")


def _report(seeds: range, totals: Totals, failed: Sequence[Verdict], seconds: float) -> None:
    print("\n".join(["", *totals.lines(), ""]))
    print(f"{len(seeds):,} trials in {seconds:.0f} s: {len(failed)} failed.")
    if failed:
        print(f"Failed: {', '.join(str(each.seed) for each in failed)}")


if __name__ == "__main__":
    sys.exit(main())
