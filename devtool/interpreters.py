# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python interpreters of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Prints the fields of an Interpreter. Fails without the modules that make virtual environments.
_PROBE = (
    "import sys, ensurepip, venv; "
    "print(sys.executable, '.'.join(map(str, sys.version_info[:3])), sys.base_prefix, sep='\\n')"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that runs. ``release``: its full version, such as ``3.13.0``. ``prefix``: its folder."""

    program: str
    release: str
    prefix: str

    @property
    def version(self) -> str:
        """The version without the patch release, such as ``3.13``."""
        return ".".join(self.release.split(".")[:2])


OWN = Interpreter(sys.executable, ".".join(str(part) for part in sys.version_info[:3]), sys.base_prefix)


def find_interpreter(version: str, variables: Mapping[str, str] | None = None) -> Interpreter | None:
    """Return a Python of a version such as ``3.13`` that can make virtual environments, or None.

    It is the one that runs ./dev, or else the first on PATH or in pyenv. Each candidate is run, since a shim may exist
    without its Python. ``variables``: the environment variables, by default those of this process.
    """
    if version == OWN.version:
        return OWN
    found = (_probe(path) for path in _candidates(version, os.environ if variables is None else variables))
    return next((each for each in found if each is not None and each.version == version), None)


def _candidates(version: str, variables: Mapping[str, str]) -> Iterator[Path]:
    folders = [Path(folder) for folder in variables.get("PATH", os.defpath).split(os.pathsep) if folder]
    # pyenv has its Pythons beside its shims, which may be in another user's home.
    roots = [folder.parent for folder in folders if folder.name == "shims"]
    if own_root := variables.get("PYENV_ROOT"):
        roots.append(Path(own_root))
    if home := variables.get("HOME"):
        roots.append(Path(home) / ".pyenv")
    for folder in folders:
        if (program := folder / f"python{version}").is_file():
            yield program
    for root in dict.fromkeys(roots):
        yield from sorted(root.glob(f"versions/{version}.*/bin/python{version}"))


def _probe(program: Path) -> Interpreter | None:
    """Return the interpreter that a program runs, or None if it does not run as Python."""
    try:
        done = subprocess.run([program, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.splitlines()
    if done.returncode != 0 or len(lines) != 3:
        return None
    # For a shim, the path is that of the Python behind it.
    return Interpreter(*lines)
