# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-test sanity: all of its tests, or some."""

from __future__ import annotations

from pathlib import Path

from devtool.environment import Environment, lock
from devtool.pip_bootstrap import provide_pip_bootstrap
from devtool.running import CheckFailed, Workplace


def ansible_test_options(environment: Environment) -> tuple[str, ...]:
    """Return the options of every command of ansible-test, which runs locally, by the Python of the environment."""
    return ("--local", "--python", environment.interpreter.version, "--color", "no")


def run_sanity(workplace: Workplace, checkout: Path, *which: str) -> str:
    """Run ansible-test sanity in a copy of the checkout, and return its output.

    ``which``: options that choose the tests. Raises CheckFailed if a test fails, or if nothing was tested.
    """
    with lock("pip-bootstrap"):
        provide_pip_bootstrap(workplace.environment, workplace.home)
    # ansible-test makes a virtual environment for every test, in a folder that all runs share.
    with lock(f"sanity{''.join(which)}"):
        options = ansible_test_options(workplace.environment)
        output = workplace.call("ansible-test", "sanity", *which, *options, *workplace.extra, cwd=checkout)
    require_tested(output, "Running sanity test")
    return output


def require_tested(output: str, expected: str) -> None:
    """Raise CheckFailed if ansible-test succeeded without having tested anything."""
    if "All targets skipped" in output or expected not in output:
        raise CheckFailed(f"nothing was tested: either all targets were skipped, or {expected!r} is missing above")
