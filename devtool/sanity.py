# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity: all of it, or some of its tests."""

from __future__ import annotations

from pathlib import Path

from devtool.environment import Environment, lock
from devtool.pip_bootstrap import provide_pip_bootstrap
from devtool.running import CheckFailed, Workplace


def ansible_test_options(environment: Environment) -> tuple[str, ...]:
    """Return the options of every command of ansible-test: it runs here, by the Python of the environment."""
    return ("--local", "--python", environment.interpreter.version, "--color", "no")


def run_sanity(workplace: Workplace, checkout: Path, *which: str) -> str:
    """Run ansible-test sanity in a checkout in a folder of collections, and return its output.

    Raises CheckFailed if a test fails, or if nothing was tested.
    """
    with lock("pip-bootstrap"):
        provide_pip_bootstrap(workplace.environment, workplace.home)
    # ansible-test makes a virtual environment for every test, in a place that all runs share.
    with lock(f"sanity{''.join(which)}"):
        options = ansible_test_options(workplace.environment)
        output = workplace.call("ansible-test", "sanity", *which, *options, *workplace.extra, cwd=checkout)
    require_tested(output, "Running sanity test")
    return output


def require_tested(output: str, expected: str) -> None:
    """Raise CheckFailed if ansible-test ended well without having tested anything."""
    if "All targets skipped" in output or expected not in output:
        raise CheckFailed(f"nothing was tested: either all targets were skipped, or {expected!r} is missing above")
