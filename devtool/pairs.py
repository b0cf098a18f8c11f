# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supported pairs of ansible-core and Python, and the newest versions of ansible-core at the package index."""

from __future__ import annotations

import re
import subprocess
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtool.environment import REQUIREMENTS, ROOT, SetUpFailed, minor_version

CORES = REQUIREMENTS / "cores.toml"
_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?")
_PYTHONS = re.compile(r"^oldest=(\d+) .*newest=(\d+)$", re.MULTILINE)
_OLDEST = re.compile(r"^requires_ansible: '>=(\d+)\.(\d+)", re.MULTILINE)
_CLASSIFIER = re.compile(r"^Classifier: Programming Language :: Python :: (3\.\d+)$", re.MULTILINE)
# A final release sorts after its candidates.
_STAGES = {"a": 0, "b": 1, "rc": 2, None: 3}


@dataclass(frozen=True, slots=True)
class Core:
    """A version of ansible-core, and the versions of Python that its metadata name."""

    version: str
    pythons: tuple[str, ...]

    @property
    def minor(self) -> str:
        """The minor version, such as ``2.22``."""
        return minor_version(self.version)

    @property
    def is_candidate(self) -> bool:
        """Whether it is not a final release yet."""
        return is_candidate(self.version)


@dataclass(frozen=True, slots=True)
class Pair:
    """A version of ansible-core with a version of Python on the controller, such as 2.20.10 with 3.13."""

    core: str
    python: str

    def __str__(self) -> str:
        return f"ansible-core {self.core} with Python {self.python}"


def load_cores(path: Path = CORES) -> list[Core]:
    """Return the supported versions of ansible-core, the oldest first."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Core(each["version"], tuple(each["pythons"])) for each in table["core"]]


def pairs(cores: Iterable[Core], core: str | None = None, python: str | None = None) -> list[Pair]:
    """Return all pairs, or those of one version of ansible-core (2.20 or 2.20.10) or of Python."""
    return [
        Pair(each.version, version)
        for each in cores
        for version in each.pythons
        if core in (None, each.minor, each.version) and python in (None, version)
    ]


def is_candidate(version: str) -> bool:
    """Whether a version is an alpha, a beta or a release candidate."""
    return _key(version)[3] < _STAGES[None]


def supported(versions: Iterable[str], oldest: tuple[int, int]) -> list[str]:
    """Return the newest release of each minor version from ``oldest`` on, and the newest candidate of a later one.

    Raises ValueError if a text is not a version of ansible-core.
    """
    newest: dict[tuple[int, ...], str] = {}
    ordered = sorted(versions, key=_key)
    for version in ordered:
        minor = _key(version)[:2]
        if minor >= oldest and not is_candidate(version):
            newest[minor] = version
    candidates = [version for version in ordered if is_candidate(version) and _key(version)[:2] > max(newest)]
    return [*newest.values(), *candidates[-1:]]


def oldest_core(runtime: Path = ROOT / "meta" / "runtime.yml") -> tuple[int, int]:
    """Return the oldest minor version of ansible-core that the collection supports. Raises SetUpFailed."""
    found = _OLDEST.search(runtime.read_text(encoding="utf-8"))
    if found is None:
        raise SetUpFailed(f"{runtime.name} does not name the oldest ansible-core in requires_ansible")
    return int(found[1]), int(found[2])


def supported_pythons(dev: Path = ROOT / "dev") -> list[str]:
    """Return the versions of Python that the collection supports and ./dev accepts. Raises SetUpFailed."""
    found = _PYTHONS.search(dev.read_text(encoding="utf-8"))
    if found is None:
        raise SetUpFailed(f"{dev.name} does not name the oldest and the newest Python")
    return [f"3.{minor}" for minor in range(int(found[1]), int(found[2]) + 1)]


def newest_cores(pip: Sequence[str | Path], folder: Path) -> list[Core]:
    """Return the supported versions that the package index has now. Raises SetUpFailed if it does not answer.

    ``pip``: the command. ``folder``: for the downloaded packages, whose metadata name the Pythons.
    """
    # pip lists only the versions that a Python can run: the oldest Python has the old ones, the newest the new ones.
    pythons = supported_pythons()
    command = [*pip, "index", "versions", "ansible-core", "--pre", "--python-version"]
    listed = "\n".join(_run([*command, version]) for version in (pythons[0], pythons[-1]))
    found = re.findall(r"^Available versions: (.*)$", listed, re.MULTILINE)
    versions = {version for line in found for version in line.split(", ") if _RELEASE.fullmatch(version)}
    return [Core(version, _pythons(pip, version, folder)) for version in supported(versions, oldest_core())]


def as_toml(cores: Iterable[Core]) -> str:
    """Return versions in the form of cores.toml."""
    blocks = []
    for core in cores:
        names = ", ".join(f'"{version}"' for version in core.pythons)
        blocks.append(f'[[core]]\nversion = "{core.version}"\npythons = [{names}]\n')
    return "\n".join(blocks)


def _pythons(pip: Sequence[str | Path], version: str, folder: Path) -> tuple[str, ...]:
    options = ("--quiet", "--no-deps", "--ignore-requires-python", "--dest", str(folder))
    _run([*pip, "download", *options, f"ansible-core=={version}"])
    [wheel] = folder.glob(f"ansible_core-{version}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"ansible_core-{version}.dist-info/METADATA").decode()
    return tuple(name for name in _CLASSIFIER.findall(metadata) if name in supported_pythons())


def _key(version: str) -> tuple[int, int, int, int, int]:
    match = _RELEASE.fullmatch(version)
    if match is None:
        raise ValueError(f"{version} is not a version of ansible-core")
    return int(match[1]), int(match[2]), int(match[3]), _STAGES[match[4]], int(match[5] or 0)


def _run(command: Sequence[str | Path]) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetUpFailed(f"the package index did not answer:\n{done.stderr}")
    return done.stdout
