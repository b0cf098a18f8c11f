# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of every supported pair of ansible-core and Python, and the table of the README with their results."""

from __future__ import annotations

import re
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from devtool.environment import CACHE, REQUIREMENTS, ROOT, Environment, SetUpFailed, lock, minor_version, say
from devtool.interpreters import find_interpreter
from devtool.pairs import Core, Pair, load_cores, pairs
from devtool.running import CheckFailed, Workplace
from devtool.sanity import require_tested, run_sanity

RESULTS = ROOT / "tests" / "matrix" / "results.toml"
README = ROOT / "README.md"
# The table of the README stands between these.
_BEGIN, _END = "<!-- tested-with -->", "<!-- tested-with ends -->"
_PASSED = re.compile(r"\b(\d+) passed\b")
# Tests that use what ansible-core and Python change most: plugins, and modules in processes of their own.
_CHOSEN = (
    "tests/matrix",
    "tests/unit/plugins/action",
    "tests/unit/plugins/filter",
    "tests/unit/plugins/plugin_utils/test_output.py",
    "tests/unit/plugins/plugin_utils/test_playbook_variables.py",
    "tests/unit/plugins/plugin_utils/test_supported_core.py",
    "tests/unit/plugins/modules",
)
# Those of the collection: the tests of what developers use do not depend on ansible-core.
_UNITS = ("tests/unit", *(f"--ignore=tests/unit/{folder}" for folder in ("benchmarks", "devtool", "simulator")))
_PLAYBOOKS = ("tests/matrix", "tests/integration/ansible_runs/test_playbooks.py")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a part of the tests with a pair. ``python`` is the whole version, ``date`` an ISO date."""

    core: str
    python: str
    part: str
    passed: bool
    tests: int
    date: str

    @property
    def pair(self) -> Pair:
        """Return the pair that it is about, whatever patch release of Python it ran on."""
        return Pair(self.core, minor_version(self.python))


def _short(workplace: Workplace, pair: Pair) -> int:
    return _pytest(workplace, pair, *_CHOSEN)


def _sanity(workplace: Workplace, _pair: Pair) -> int:
    # The check named pylint runs that one, with the newest release. It takes minutes, and a candidate has none.
    output = run_sanity(workplace, workplace.copy(), "--skip-test", "pylint")
    require_tested(output, 'Running sanity test "validate-modules"')
    return output.count("\nRunning sanity test ")


def _units(workplace: Workplace, pair: Pair) -> int:
    return _pytest(workplace, pair, "--numprocesses", "auto", *_UNITS)


def _playbooks(workplace: Workplace, pair: Pair) -> int:
    return _pytest(workplace, pair, "--numprocesses", "auto", *_PLAYBOOKS)


PARTS: Mapping[str, Callable[[Workplace, Pair], int]] = {
    "short": _short,
    "sanity": _sanity,
    "units": _units,
    "playbooks": _playbooks,
}


def try_pairs(workplace: Workplace) -> None:
    """Run chosen tests with every pair whose Python is there. Raises CheckFailed if a pair fails, or none is there."""
    tried, failed = 0, []
    for pair in pairs(load_cores()):
        environment = _environment(pair)
        if environment is None:
            workplace.write(f"{pair}: not tried, this machine has no Python {pair.python}\n")
            continue
        tried += 1
        try:
            environment.prepare()
            _pytest(workplace, pair, *_CHOSEN, *workplace.extra, environment=environment)
        except (CheckFailed, SetUpFailed) as error:
            if workplace.stopped:
                raise
            workplace.write(f"{error}\n")
            failed.append(str(pair))
    if failed:
        raise CheckFailed(f"{len(failed)} of {tried} failed: {'; '.join(failed)}")
    if not tried:
        raise CheckFailed("no supported pair could be tried")


def run_matrix(chosen: Sequence[Pair], parts: Sequence[str], folder: Path) -> bool:
    """Run parts of the tests with pairs, tell and record each result, and return whether some ran and none failed.

    ``folder`` is for copies of the checkout. Pairs whose Python is not there are told, and not recorded.
    """
    if not any(core.is_candidate for core in load_cores()):
        say("No candidate of ansible-core is newer than the last release: none is run.")
    passed, has_run = True, False
    for pair in chosen:
        environment = _environment(pair)
        if environment is None:
            say(f"{pair}: not run, this machine has no Python {pair.python}")
            continue
        has_run = True
        for part in parts:
            begun = time.monotonic()
            result, failure = _run_part(pair, part, environment, folder)
            passed = passed and result.passed
            outcome = f"{result.tests} passed" if failure is None else f"FAILED: {failure}"
            say(f"{pair}: {part} {outcome} ({time.monotonic() - begun:.0f} s)")
            _record(result)
    if not has_run:
        say("dev: no pair was run. Install one of these Pythons, or choose another one: --python 3.13")
    return passed and has_run


def load_results(path: Path = RESULTS) -> list[Result]:
    """Return the results that were recorded."""
    table = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [Result(**each) for each in table.get("result", [])]


def merged(results: Iterable[Result], newest: Result, cores: Iterable[Core]) -> list[Result]:
    """Return results with a new one, which takes the place of an older one, and without those of former versions."""
    every = pairs(cores)
    kept = {(each.pair, each.part): each for each in [*results, newest] if each.pair in every}
    return [kept[pair, part] for pair in every for part in PARTS if (pair, part) in kept]


def as_toml(results: Iterable[Result]) -> str:
    """Return the tables of results.toml."""
    return "\n".join(
        f'[[result]]\ncore = "{each.core}"\npython = "{each.python}"\npart = "{each.part}"\n'
        f'passed = {str(each.passed).lower()}\ntests = {each.tests}\ndate = "{each.date}"\n'
        for each in results
    )


def as_table(results: Iterable[Result], cores: Iterable[Core]) -> str:
    """Return the table of the README: a row for every pair, also for those that were not run."""
    found = {(each.pair, each.part): each for each in results}
    rows = [f"| ansible-core | Python | {' | '.join(PARTS)} | Date |", f"|---|---|{'---|' * len(PARTS)}---|"]
    for pair in pairs(cores):
        own = [found[pair, part] for part in PARTS if (pair, part) in found]
        python = own[0].python if own else pair.python
        cells = [_cell(found.get((pair, part))) for part in PARTS]
        # Parts may have been run on different days.
        dates = sorted({each.date for each in own})
        date = dates[0] if len(dates) == 1 else " to ".join(dates[:1] + dates[-1:])
        rows.append(f"| {' | '.join([pair.core, python, *cells, date])} |")
    return "\n".join(rows)


def unproven(results: Iterable[Result], cores: Iterable[Core]) -> list[str]:
    """Return the pairs of which not every part has passed, in words."""
    passed = {(each.pair, each.part) for each in results if each.passed}
    return [str(pair) for pair in pairs(cores) if any((pair, part) not in passed for part in PARTS)]


def with_table(page: str, table: str) -> str:
    """Return a page with the table between its marks."""
    before, begin, rest = page.partition(_BEGIN)
    _old, end, after = rest.partition(_END)
    if not (begin and end):
        raise SetUpFailed(f"README.md has no place for the table: {_BEGIN} and {_END}")
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


def _cell(result: Result | None) -> str:
    if result is None:
        return "not run"
    return f"{result.tests:,} passed" if result.passed else "failed"


def _record(result: Result) -> None:
    """Write a result into the file and the README. Pairs may be run side by side."""
    with lock("matrix-results"):
        cores = load_cores()
        results = merged(load_results(), result, cores)
        header = (REQUIREMENTS / "demo.txt").read_text(encoding="utf-8").split("#\n")[0]
        note = "#\n# The last results of `./dev matrix`, which writes this file, and the table of the README.\n"
        RESULTS.write_text(f"{header}{note}{as_toml(results)}", encoding="utf-8")
        page = README.read_text(encoding="utf-8")
        README.write_text(with_table(page, as_table(results, cores)), encoding="utf-8")


def _environment(pair: Pair) -> Environment | None:
    """Return the environment of a pair, None if this machine does not have its Python."""
    interpreter = find_interpreter(pair.python)
    return Environment("matrix", core=pair.core, interpreter=interpreter) if interpreter else None


def _run_part(pair: Pair, part: str, environment: Environment, folder: Path) -> tuple[Result, str | None]:
    """Run a part with a pair. Return the result, and why it failed. The output is kept with those of the checks."""
    name = f"matrix-{minor_version(pair.core)}-{pair.python}-{part}"
    workplace = Workplace(environment, folder / name, (), live=False)
    tests, failure = 0, None
    try:
        environment.prepare()
        tests = PARTS[part](workplace, pair)
    except (CheckFailed, SetUpFailed, OSError, subprocess.SubprocessError) as error:
        failure = str(error)
        workplace.write(f"{failure}\n")
    finally:
        workplace.stop()
    logs = CACHE / "logs"
    logs.mkdir(exist_ok=True)
    workplace.log.replace(logs / f"{name}.log")
    today = datetime.now(UTC).date().isoformat()
    return Result(pair.core, environment.interpreter.release, part, failure is None, tests, today), failure


def _pytest(workplace: Workplace, pair: Pair, *words: str, environment: Environment | None = None) -> int:
    """Run tests, and return how many passed. Raises CheckFailed if one failed, or none ran."""
    of = environment or workplace.environment
    # The tests check that they run on this pair.
    variables = {"MATRIX_PAIR": f"{pair.core} {of.interpreter.release}"}
    output = workplace.call("pytest", *words, variables=variables, environment=environment)
    counts = _PASSED.findall(output)
    if not counts:
        raise CheckFailed("no test was run")
    return int(counts[-1])
