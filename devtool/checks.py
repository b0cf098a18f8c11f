# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks: what `./dev test` and with it CI runs, in the order in which they are begun (the longest first)."""

from __future__ import annotations

import re
from pathlib import Path

from devtool.environment import PYTHON_VERSION, ROOT, lock
from devtool.pip_bootstrap import provide_pip_bootstrap
from devtool.running import Check, CheckFailed, Workplace

_ANSIBLE_TEST = ("--local", "--python", PYTHON_VERSION, "--color", "no")


def _sanity(place: Workplace) -> None:
    said = _run_sanity(place, "--skip-test", "pylint")
    _insist(said, 'Running sanity test "validate-modules"')


def _pylint(place: Workplace) -> None:
    said = _run_sanity(place, "--test", "pylint")
    _insist(said, 'Running sanity test "pylint"')


def _run_sanity(place: Workplace, *which: str) -> str:
    with lock("pip-bootstrap"):
        provide_pip_bootstrap(place.environment, place.home)
    # ansible-test makes a virtual environment for every test, in a place that all runs share.
    with lock(f"sanity{''.join(which)}"):
        return place.call("ansible-test", "sanity", *which, *_ANSIBLE_TEST, cwd=place.copy())


def _ansible_units(place: Workplace) -> None:
    said = place.call("ansible-test", "units", *_ANSIBLE_TEST, cwd=place.copy())
    _insist(said, " passed in ")


def _insist(said: str, expected: str) -> None:
    """Raise CheckFailed if ansible-test ended well without having tested anything."""
    if "All targets skipped" in said or expected not in said:
        raise CheckFailed(f"nothing was tested: either all targets were skipped, or {expected!r} is missing above")


def _units(place: Workplace) -> None:
    place.call("pytest", "--numprocesses", "auto", "tests/unit")


def _format(place: Workplace) -> None:
    place.call("ruff", "format", "--check", ".")


def _ruff(place: Workplace) -> None:
    place.call("ruff", "check", ".")


def _mypy(place: Workplace) -> None:
    place.call("mypy")


def _reuse(place: Workplace) -> None:
    place.call("reuse", "lint", "--lines", cwd=place.copy())


def _yamllint(place: Workplace) -> None:
    place.call("yamllint", "--strict", ".")


def _shellcheck(place: Workplace) -> None:
    scripts = [Path("dev"), Path(".ci/run"), *(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.sh"))]
    place.call("shellcheck", *scripts)


def _lint(place: Workplace) -> None:
    place.call("ansible-lint", "--nocolor", cwd=place.copy())


def _docs(place: Workplace) -> None:
    rules = ("--plugin-docs", "--validate-collection-refs", "self")
    place.call("antsibull-docs", "lint-collection-docs", *rules, ".", cwd=place.copy())


def _changelog(place: Workplace) -> None:
    place.call("antsibull-changelog", "lint", cwd=place.copy())


def _importer(place: Workplace) -> None:
    copy = place.copy()
    galaxy = copy / "galaxy.yml"
    if "\nrepository:" not in galaxy.read_text():
        place.write(
            "The importer wants a repository, and there is no public one yet: checked with a made-up address.\n"
        )
        galaxy.write_text(f"{galaxy.read_text()}repository: https://example.org/not-published-yet\n")
    tarball = _build(place, copy)
    # The check named lint does what is left out here.
    settings = {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false", "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true"}
    said = place.call("python", "-m", "galaxy_importer.main", tarball, cwd=place.folder, variables=settings)
    if "Importer processing completed successfully" not in said or re.search("^(WARNING|ERROR)", said, re.MULTILINE):
        raise CheckFailed("Galaxy would refuse the collection, or warn of it")


def _build(place: Workplace, copy: Path) -> Path:
    place.call("ansible-galaxy", "collection", "build", "--output-path", place.folder, cwd=copy)
    [tarball] = place.folder.glob("*.tar.gz")
    return tarball


CHECKS = (
    Check("pylint", "ansible-test's pylint, with nothing ignored", _pylint),
    Check("sanity", "the rest of ansible-test sanity, with nothing ignored", _sanity),
    Check("ansible-units", "the unit tests, as ansible-test runs them", _ansible_units),
    Check("importer", "what Ansible Galaxy would say of the tarball", _importer),
    Check("docs", "documentation of modules and plugins", _docs),
    Check("lint", "ansible-lint, profile production", _lint),
    Check("units", "the unit tests, straight from the checkout", _units),
    Check("mypy", "types, strictly", _mypy),
    Check("changelog", "the fragments of the next changelog", _changelog),
    Check("reuse", "a licence and a copyright for every file", _reuse),
    Check("yamllint", "YAML", _yamllint),
    Check("shellcheck", "shell scripts", _shellcheck),
    Check("format", "the form of Python code", _format),
    Check("ruff", "habits of Python code", _ruff),
)
