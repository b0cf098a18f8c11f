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
# The README has the table between these marks.
_BEGIN, _END = "<!-- tested-with -->", "<!-- tested-with ends -->"
_PASSED = re.compile(r"\b(\d+) passed\b")
# The tests that ansible-core and Python affect most: those of plugins, and of modules in processes of their own.
_SHORT = (
    "tests/matrix",
    "tests/unit/plugins/action",
    "tests/unit/plugins/filter",
    "tests/unit/plugins/plugin_utils/test_output.py",
    "tests/unit/plugins/plugin_utils/test_playbook_variables.py",
    "tests/unit/plugins/plugin_utils/test_supported_core.py",
    "tests/unit/plugins/modules",
)
# Without the tests of developers' programs, which do not depend on ansible-core.
_UNITS = ("tests/unit", *(f"--ignore=tests/unit/{folder}" for folder in ("benchmarks", "devtool", "simulator")))
_PLAYBOOKS = ("tests/matrix", "tests/integration/ansible_runs/test_playbooks.py")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a part of the tests with a pair. ``python``: its full version. ``date``: an ISO date."""

    core: str
    python: str
    part: str
    passed: bool
    tests: int
    date: str

    @property
    def pair(self) -> Pair:
        """The pair, whatever the patch release of Python was."""
        return Pair(self.core, minor_version(self.python))


def _short(workplace: Workplace, pair: Pair) -> int:
    return _pytest(workplace, pair, *_SHORT)


def _sanity(workplace: Workplace, _pair: Pair) -> int:
    # The check named pylint has pylint, with the newest release. It takes minutes, and candidates come without it.
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
    """Run the short part with every pair whose Python is installed. Raises CheckFailed if one fails, or none ran."""
    tried, failed = 0, []
    for pair in pairs(load_cores()):
        environment = _environment(pair)
        if environment is None:
            workplace.write(f"{pair}: not tried, this machine has no Python {pair.python}\n")
            continue
        tried += 1
        try:
            environment.prepare()
            _pytest(workplace, pair, *_SHORT, *workplace.extra, environment=environment)
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
    """Run parts of the tests with pairs, print and record each result, and return whether some ran and none failed.

    ``folder``: for copies of the checkout. Pairs whose Python is not installed are printed, and not recorded.
    """
    if not any(core.is_candidate for core in load_cores()):
        say("No release candidate of ansible-core is newer than the last release: none is run.")
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
        say("dev: no pair was run. Install one of these Pythons, or choose another pair: --python 3.13")
    return passed and has_run


def load_results(path: Path = RESULTS) -> list[Result]:
    """Return the recorded results."""
    table = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [Result(**each) for each in table.get("result", [])]


def with_result(results: Iterable[Result], newest: Result, cores: Iterable[Core]) -> list[Result]:
    """Return results with a new one in the place of the older one, and without those of versions no longer pinned."""
    every = pairs(cores)
    kept = {(each.pair, each.part): each for each in [*results, newest] if each.pair in every}
    return [kept[pair, part] for pair in every for part in PARTS if (pair, part) in kept]


def as_toml(results: Iterable[Result]) -> str:
    """Return results in the form of results.toml."""
    return "\n".join(
        f'[[result]]\ncore = "{each.core}"\npython = "{each.python}"\npart = "{each.part}"\n'
        f'passed = {str(each.passed).lower()}\ntests = {each.tests}\ndate = "{each.date}"\n'
        for each in results
    )


def as_table(results: Iterable[Result], cores: Iterable[Core]) -> str:
    """Return the table of the README: a row for every pair, run or not."""
    found = {(each.pair, each.part): each for each in results}
    rows = [f"| ansible-core | Python | {' | '.join(PARTS)} | Date |", f"|---|---|{'---|' * len(PARTS)}---|"]
    for pair in pairs(cores):
        own = [found[pair, part] for part in PARTS if (pair, part) in found]
        python = own[0].python if own else pair.python
        cells = [_cell(found.get((pair, part))) for part in PARTS]
        # The parts may have been run on different days.
        dates = sorted({each.date for each in own})
        date = dates[0] if len(dates) == 1 else " to ".join(dates[:1] + dates[-1:])
        rows.append(f"| {' | '.join([pair.core, python, *cells, date])} |")
    return "\n".join(rows)


def incomplete_pairs(results: Iterable[Result], cores: Iterable[Core]) -> list[str]:
    """Return the pairs with a part that has not passed, each as text."""
    passed = {(each.pair, each.part) for each in results if each.passed}
    return [str(pair) for pair in pairs(cores) if any((pair, part) not in passed for part in PARTS)]


def with_table(page: str, table: str) -> str:
    """Return a page with a table between its marks. Raises SetUpFailed if it has no marks."""
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
    """Write a result into results.toml and the README. Several runs may do so at the same time."""
    with lock("matrix-results"):
        cores = load_cores()
        results = with_result(load_results(), result, cores)
        header = (REQUIREMENTS / "demo.txt").read_text(encoding="utf-8").split("#\n")[0]
        note = "#\n# The last results of `./dev matrix`, which writes this file, and the table of the README.\n"
        RESULTS.write_text(f"{header}{note}{as_toml(results)}", encoding="utf-8")
        page = README.read_text(encoding="utf-8")
        README.write_text(with_table(page, as_table(results, cores)), encoding="utf-8")


def _environment(pair: Pair) -> Environment | None:
    """Return the environment of a pair, or None if this machine does not have its Python."""
    interpreter = find_interpreter(pair.python)
    return Environment("matrix", core=pair.core, interpreter=interpreter) if interpreter else None


def _run_part(pair: Pair, part: str, environment: Environment, folder: Path) -> tuple[Result, str | None]:
    """Run a part with a pair, and return its result and its failure. The output is kept in .cache/logs."""
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
    release = (environment or workplace.environment).interpreter.release
    # tests/matrix/test_pair.py compares the pair with the one that it runs on.
    variables = {"MATRIX_PAIR": f"{pair.core} {release}"}
    output = workplace.call("pytest", *words, variables=variables, environment=environment)
    counts = _PASSED.findall(output)
    if not counts:
        raise CheckFailed("no test was run")
    return int(counts[-1])
