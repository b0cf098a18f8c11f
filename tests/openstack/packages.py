# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual environment with OpenStack's packages: made from pins, once.

A file in it has the fingerprint of the pins and of the Python. Later starts only read that file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
# the packages that are wanted; all others in constraints.txt are their requirements
NAMES = ("cinder", "glance", "keystone", "neutron", "nova", "openstack-placement", "waitress")
PINS = HERE / "constraints.txt"
OLDEST_PYTHON = (3, 11)
INSTALL_SECONDS = 1800


class PackagesMissing(Exception):
    """The virtual environment cannot be made. The message has the remedy."""


def cache_dir() -> Path:
    """Return the folder for files that may be deleted, and are made again."""
    return CHECKOUT / ".cache" / "openstack"


def stamp() -> str:
    """Return the fingerprint of the pins and of this Python."""
    digest = hashlib.sha256(PINS.read_bytes() + sys.version.encode())
    return f"{sys.version_info[0]}.{sys.version_info[1]}-{digest.hexdigest()[:12]}"


def ensure(say: Callable[[str], None]) -> Path:
    """Return the folder of the virtual environment, and make it first if it is missing. Raises PackagesMissing."""
    if sys.version_info < OLDEST_PYTHON:
        raise PackagesMissing(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]} ({sys.executable})")
    cache = cache_dir()
    venv = cache / f"packages-{stamp()}"
    done = venv / "stamp"
    if done.exists():
        return venv
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "packages.lock").open("w") as lock:
        # of two starts at the same time, the second waits, then finds the environment
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return venv
        shutil.rmtree(venv, ignore_errors=True)
        _make(venv, say)
        done.write_text(stamp() + "\n", encoding="utf-8")
    return venv


def _make(venv: Path, say: Callable[[str], None]) -> None:
    # --no-deps: exactly the pinned packages, and no others
    pins = ["--no-deps", "-r", str(PINS)]
    uv = _find_uv()
    if uv:
        say(f"installing OpenStack's packages with {uv}")
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)])
        _run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(venv / "bin/python"), *pins])
        return
    say("installing OpenStack's packages with pip; with uv on PATH it is faster")
    try:
        _run([sys.executable, "-m", "venv", str(venv)])
    except PackagesMissing as error:
        raise PackagesMissing(f"{error}\nOn Debian: apt-get install python3-venv") from error
    _run([str(venv / "bin/python"), "-m", "pip", "install", "--quiet", *pins])


def _find_uv() -> str | None:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else shutil.which("uv")


def _run(command: list[str]) -> None:
    # by default, uv trusts only the certificates that it includes
    environment = {"UV_SYSTEM_CERTS": "1", **os.environ}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        raise PackagesMissing(f"{' '.join(command[:4])} ... ended with {done.returncode}:\n{done.stdout}{done.stderr}")
