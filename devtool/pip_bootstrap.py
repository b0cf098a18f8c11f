# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pip for the virtual environments that `ansible-test sanity` makes.

ansible-test downloads a script from a host of its own, which installs pip. Where only a package index can be reached,
the script comes from here: ansible-test finds it in its cache, and it installs pip from the wheel of the index.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from devtool.environment import CACHE, Environment, SetUpFailed

# An unpacked wheel is a pip that runs, twenty times sooner than one that pip installs.
_SCRIPT = """\
import sys, sysconfig, zipfile

with zipfile.ZipFile({wheel!r}) as wheel:
    wheel.extractall(sysconfig.get_path("purelib"))
more = [word for word in sys.argv[1:] if not word.startswith(("-", "pip=="))]
if more:
    from pip._internal.cli.main import main

    sys.exit(main(["install", "--disable-pip-version-check", *more]))
"""


def provide_pip_bootstrap(environment: Environment, home: Path) -> None:
    """Write the script and the user's pip settings into the home of ansible-test. Raises SetUpFailed."""
    _write_pip_configuration(environment, home)
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in _wanted_versions(environment):
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        if script.exists():
            continue
        wheel = _download(environment, version)
        script.write_text(_SCRIPT.format(wheel=str(wheel)))


def _write_pip_configuration(environment: Environment, home: Path) -> None:
    """Write the user's pip settings into a file, since ansible-test passes on none of the PIP_ variables."""
    file = home / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    settings = environment.pip_settings()
    # The file has its own quiet, and virtual environments refuse user.
    kept = {option: value for option, value in settings.items() if option not in {"quiet", "verbose", "user"}}
    lines = [f"{option} = {' '.join(value.split())}" for option, value in sorted(kept.items())]
    file.write_text("\n".join(["[global]", "quiet = 1", *lines, ""]))


def _wanted_versions(environment: Environment) -> set[str]:
    source = next(environment.path.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py"))
    versions = set(re.findall(r"\bpip='([0-9.]+)'", source.read_text()))
    if not versions:
        raise SetUpFailed(f"{source} no longer names its version of pip as before; correct {__file__}")
    return versions


def _download(environment: Environment, version: str) -> Path:
    wheel = CACHE / f"pip-{version}-py3-none-any.whl"
    options = ["--quiet", "--no-deps", "--disable-pip-version-check", "--dest", str(CACHE)]
    fetched = subprocess.run(
        [str(environment.python), "-m", "pip", "download", *options, f"pip=={version}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if fetched.returncode:
        raise SetUpFailed(f"pip could not fetch pip {version}:\n{fetched.stdout}")
    return wheel
