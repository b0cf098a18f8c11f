# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script ./dev chooses a Python that ansible-core runs on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DEV = Path(__file__).resolve().parents[3] / "dev"
# A fake Python: it passes the test in ./dev as one of that version does, and prints its name when devtool starts.
PYTHON = """#!/bin/sh
case "$1" in
-m) echo "{name}: $2 $3" ;;
-c) exec "$REAL" -c "import sys; sys.version_info = (3, {minor}, 0); sys.modules['ensurepip'] = {pip}
$2" ;;
esac
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Return a function that installs a fake Python into ``tmp_path``."""

    def put(name: str, minor: int, *, pip: bool = True) -> None:
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(PYTHON.format(name=name, minor=minor, pip="sys" if pip else "None"))
        program.chmod(0o755)

    return put


def dev(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ./dev on a machine whose only Pythons are those in a folder."""
    # The only programs that the script needs besides a Python.
    for tool in ("dirname", "sh"):
        (folder / tool).symlink_to(f"/usr/bin/{tool}")
    environment = {"PATH": str(folder), "REAL": sys.executable, "HOME": str(folder / "home"), **variables}
    return subprocess.run(["/bin/sh", DEV, "anything"], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3": 12}, "python3"),
        ({"python3": 11}, "python3"),
        # The newest ansible-core does not support 3.11.
        ({"python3": 11, "python3.13": 13}, "python3.13"),
        ({"python3": 10, "python3.14": 14, "python3.12": 12}, "python3.14"),
        ({"python3": 15, "python3.12": 12}, "python3.12"),
        ({"python3": 9, "home/.pyenv/versions/3.13.1/bin/python3": 13}, "home/.pyenv/versions/3.13.1/bin/python3"),
    ],
)
def test_a_python_that_ansible_core_supports_is_chosen(
    tmp_path: Path, install: Install, pythons: dict[str, int], chosen: str
) -> None:
    for name, minor in pythons.items():
        install(name, minor)
    done = dev(tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (f"{chosen}: devtool anything\n", "", 0)


def test_a_python_that_can_make_virtual_environments_is_preferred(tmp_path: Path, install: Install) -> None:
    install("python3", 13, pip=False)
    install("python3.11", 11)
    assert dev(tmp_path).stdout == "python3.11: devtool anything\n"


def test_a_python_without_ensurepip_is_chosen_if_there_is_no_other(tmp_path: Path, install: Install) -> None:
    # devtool then fails with the name of the package to install.
    install("python3", 13, pip=False)
    assert dev(tmp_path).stdout == "python3: devtool anything\n"


@pytest.mark.parametrize("minor", [10, 15])
def test_the_supported_versions_are_named_if_no_python_has_one(tmp_path: Path, install: Install, minor: int) -> None:
    install("python3", minor)
    done = dev(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("dev: no Python 3.11 to 3.14 was found. Install one (Debian, Ubuntu: apt install")


def test_the_variable_python_names_the_one_to_choose(tmp_path: Path, install: Install) -> None:
    install("python3", 13)
    install("other", 11)
    assert dev(tmp_path, PYTHON=str(tmp_path / "other")).stdout == "other: devtool anything\n"


def test_a_named_python_that_is_too_old_is_refused(tmp_path: Path, install: Install) -> None:
    install("other", 10)
    done = dev(tmp_path, PYTHON=str(tmp_path / "other"))
    assert done.returncode == 1
    assert "is not a Python 3.11 to 3.14" in done.stderr
