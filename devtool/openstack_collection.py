# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection openstack.cloud, which ours is compared with. It comes from the package index, in `ansible`."""

from __future__ import annotations

import subprocess
import tempfile
import zipfile
from pathlib import Path

from devtool.environment import CACHE, REQUIREMENTS, Environment, SetUpFailed, lock, say

_WANTED = REQUIREMENTS / "openstack-cloud.txt"
# The package requires a Python that ansible-core needs and the collection does not.
_PYTHON = "3.12"
_INSIDE = "ansible_collections/openstack/cloud/"


def provide_openstack_cloud(environment: Environment) -> Path:
    """Return a folder for ANSIBLE_COLLECTIONS_PATH that has it and nothing else. Raises SetUpFailed."""
    folder = CACHE / "openstack-cloud"
    stamp = folder / "made-from"
    wanted = _WANTED.read_text()
    with lock(folder.name):
        if not stamp.exists() or stamp.read_text() != wanted:
            say("Fetching openstack.cloud (once, 50 MB) ...")
            _fetch(environment, folder)
            stamp.write_text(wanted)
    return folder


def _fetch(environment: Environment, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as passing:
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", _PYTHON]
        options += ["--disable-pip-version-check", "--dest", passing, "-r", str(_WANTED)]
        done = subprocess.run(
            [str(environment.python), "-m", "pip", "download", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetUpFailed(f"pip could not fetch {_WANTED.name}:\n{done.stdout}")
        [wheel] = Path(passing).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith(_INSIDE)])
