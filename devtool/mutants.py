# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation testing: mutmut changes a file in one place at a time, and runs the tests of that file.

A changed file is a mutant. A mutant that no test notices survives: a test is missing, or the change makes no
difference. mutmut changes neither functions with a decorator nor code outside of functions.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtool.environment import CACHE, ROOT, Environment, SetUpFailed, lock, make_home, say
from devtool.running import copy_checkout

_SOURCES = Path("plugins/module_utils/_internal")
_TESTS = Path("tests/unit/plugins/module_utils")
# The files that make decisions, without any I/O.
DEFAULT_FILES = tuple(
    str(_SOURCES / name)
    for name in (
        "states.py",
        "fleet/selection.py",
        "fleet/decisions.py",
        "fleet/polling.py",
        "usage/rates.py",
        "usage/budget.py",
        "usage/history.py",
        "idle/advice.py",
        "idle/intervals.py",
        "idle/rules.py",
        "idle/verdicts.py",
    )
)
_FOLDER = CACHE / "mutants"
_COLLECTION = Path("ansible_collections/jetstream/cloud")
# Seconds that mutmut may take to end after a signal.
_GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """The result of mutation testing of a file. ``survivors``: the name and the diff of each.

    ``timed_out``: the killed mutants whose tests did not end in time, as in an endless loop.
    """

    file: str
    total: int
    killed: int
    unchecked: int
    survivors: tuple[str, ...]
    timed_out: int = 0

    def text(self) -> str:
        """Return a line with the counts, and below it the diffs of the survivors."""
        unchecked = f", {self.unchecked} not tried (the time was up)" if self.unchecked else ""
        timed_out = f" ({self.timed_out} by a timeout)" if self.timed_out else ""
        killed = f"{self.killed} killed{timed_out}"
        line = f"{self.file}: {self.total} mutants, {killed}, {len(self.survivors)} survived{unchecked}"
        return "\n".join([line, *self.survivors])


def run_mutants(
    environment: Environment, files: Sequence[str], tests: Sequence[str], *, minutes: float, jobs: int
) -> int:
    """Try the mutants of each file, for a number of minutes in all, and print the survivors. Return an exit status.

    ``tests``: run these instead of the test file of the same name. ``jobs``: how many mutants to try side by side.
    Raises SetUpFailed.
    """
    chosen = {file: tests or [own_tests(file)] for file in files or DEFAULT_FILES}
    end = time.monotonic() + 60 * minutes
    with lock("mutants"):
        shutil.rmtree(_FOLDER, ignore_errors=True)
        for file, its_tests in chosen.items():
            left = end - time.monotonic()
            say(_try_file(environment, file, its_tests, left, jobs).text() if left > 0 else f"{file}: not tried")
    return 0


def own_tests(file: str) -> str:
    """Return the test file of a file. Raises SetUpFailed if either is not there."""
    source = Path(file)
    if not source.is_relative_to(_SOURCES) or not (ROOT / source).is_file():
        raise SetUpFailed(f"{file} is not a file in {_SOURCES}, such as {DEFAULT_FILES[0]}.")
    tests = _TESTS / source.relative_to(_SOURCES).with_name(f"test_{source.name}")
    if not (ROOT / tests).is_file():
        raise SetUpFailed(f"{file} has no {tests}. Name its tests after --.")
    return str(tests)


def _try_file(environment: Environment, file: str, tests: Iterable[str], seconds: float, jobs: int) -> Result:
    # The path of the copy ends as Ansible's imports demand.
    folder = _FOLDER / file.removeprefix(f"{_SOURCES}/").removesuffix(".py").replace("/", "-")
    copy_checkout(folder / _COLLECTION)
    settings = {
        "source_paths": [f"{_COLLECTION / _SOURCES}"],
        "only_mutate": [f"{_COLLECTION / file}"],
        "also_copy": ["ansible_collections"],
        "pytest_add_cli_args_test_selection": [f"{_COLLECTION / test}" for test in tests],
        # The same examples for each mutant, and in each run.
        "pytest_add_cli_args": ["--import-mode=importlib", "--hypothesis-seed=0"],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "pyproject.toml").write_text("\n".join(["[tool.mutmut]", *lines, ""]))
    variables = environment.variables(make_home("home"))
    _run_for(["mutmut", "run", "--max-children", str(jobs)], folder, variables, seconds)

    def ask(*words: str) -> str:
        return subprocess.run(
            ["mutmut", *words], cwd=folder, env=variables, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    if not (folder / "mutants").exists():
        return Result(file, 0, 0, 0, ())
    ask("export-cicd-stats")
    counts = json.loads((folder / "mutants" / "mutmut-cicd-stats.json").read_text())
    statuses = [line.strip().rpartition(": ") for line in ask("results").splitlines() if ": " in line]
    survivors = tuple(
        ask("show", name).strip() for name, _colon, status in statuses if status in {"survived", "no tests"}
    )
    killed = counts["killed"] + counts["timeout"] + counts["suspicious"] + counts["segfault"]
    unchecked = counts["total"] - killed - len(survivors)
    return Result(file, counts["total"], killed, unchecked, survivors, counts["timeout"])


def _run_for(command: Sequence[str], folder: Path, variables: dict[str, str], seconds: float) -> None:
    """Run mutmut for a number of seconds at most. Raises SetUpFailed if it fails."""
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            status = 0
        finally:
            _end(process)
    if status:
        raise SetUpFailed(f"mutmut ended with status {status}: see {log.relative_to(ROOT)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End mutmut and its child processes: by SIGINT, on which it writes its results, then by SIGKILL."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_GRACE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
