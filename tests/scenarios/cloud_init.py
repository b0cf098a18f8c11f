# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of cloud-init's configurations, from Debian's package, which is unpacked and not installed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "cloud-init"
_PACKAGE = "cloud-init"
_SCHEMA = "usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json"
_LONGEST = 120


class SchemaMissing(Exception):
    """The schema cannot be provided on this machine. The message has the reason."""


def schema() -> dict[str, Any]:
    """Return the JSON schema. The package is downloaded once. Raises SchemaMissing."""
    missing = [name for name in ("apt-get", "dpkg-deb") if not shutil.which(name)]
    if missing:
        raise SchemaMissing(f"there is no {' and no '.join(missing)}: it needs Debian or Ubuntu")
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / "schema.json"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _fetch(path)
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _fetch(path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        # apt downloads as a user of its own, who writes there.
        folder.chmod(0o755)
        failure = _run(folder, "apt-get", "download", "-qq", _PACKAGE)
        if failure and os.geteuid() == 0:
            # A new machine has no package lists yet.
            failure = _run(folder, "apt-get", "update", "-qq") or _run(folder, "apt-get", "download", "-qq", _PACKAGE)
        if failure:
            raise SchemaMissing(f"the package {_PACKAGE} cannot be downloaded: {failure}")
        [package] = folder.glob("*.deb")
        failure = _run(folder, "dpkg-deb", "-x", package.name, "unpacked")
        if failure:
            raise SchemaMissing(f"the package {_PACKAGE} cannot be unpacked: {failure}")
        (folder / "unpacked" / _SCHEMA).rename(path)


def _run(folder: Path, *command: str) -> str:
    """Run a command, and return the end of its output if it failed, or ""."""
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LONGEST, check=False
    )
    return (done.stderr or done.stdout).strip()[-500:] or "it failed" if done.returncode else ""
