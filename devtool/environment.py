# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual environments, the folders of the checkout, and the variables of the programs that ./dev starts."""

from __future__ import annotations

import ast
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from devtool.interpreters import OWN, Interpreter

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
PYTHON_VERSION = OWN.version
REQUIREMENTS = ROOT / "requirements"
# Has a link to the checkout, under the name by which Python and Ansible import it.
COLLECTIONS = CACHE / "collections"
# A script that runs a program with a simulated Atmosphere of its own.
WITH_SIMULATOR = ROOT / "tests" / "simulator" / "with_simulator.py"
DEMO_SEED = WITH_SIMULATOR.parent / "seeds" / "demo.yaml"

# uv does not read pip's configuration. These variables give it the same settings, by pip's option.
_UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
}


class SetUpFailed(Exception):
    """The machine lacks something. The message has the remedy."""


class Environment:
    """A virtual environment with the requirements of one kind, such as `demo` or `test`.

    ``constrained``: constraints.txt pins the dependencies of the requirements. ``core``: the version of ansible-core,
    for requirements that name none. ``interpreter``: its Python, by default the one that runs ./dev.
    """

    def __init__(
        self, kind: str, *, constrained: bool = True, core: str | None = None, interpreter: Interpreter = OWN
    ) -> None:
        self.kind = kind if core is None else f"{kind}-{minor_version(core)}"
        self.interpreter = interpreter
        self._requirements = REQUIREMENTS / f"{kind}.txt"
        self._constrained = constrained
        self._core = core
        self.path = CACHE / f"{self.kind}-{interpreter.version}"
        self.python = self.path / "bin" / "python"

    def variables(self, home: Path) -> dict[str, str]:
        """Return the variables of a program: this environment first on PATH, no settings of Ansible or a cloud.

        ``home`` replaces the user's home, so that nothing there is read or written.
        """
        hidden = ("ANSIBLE_", "JETSTREAM_", "OS_", "PYTHON", "VIRTUAL_ENV", "XDG_", "PYTEST_", "MYPY")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        return kept | {
            "PATH": os.pathsep.join([str(self.path / "bin"), os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        }

    def prepare(self) -> None:
        """Make the environment, unless it exists with the same requirements. Raises SetUpFailed."""
        CACHE.mkdir(exist_ok=True)
        with lock(f"{self.path.name}-environment"):
            stamp = self.path / "made-from"
            wanted = self._fingerprint()
            if stamp.exists() and self.python.exists() and stamp.read_text() == wanted:
                return
            begun = time.monotonic()
            say(f"Setting up {self.path.relative_to(ROOT)} with {self.interpreter.program} (once) ...")
            self._build()
            stamp.write_text(wanted)
            say(f"... done in {time.monotonic() - begun:.0f} s.")

    def _fingerprint(self) -> str:
        inputs = [str(ROOT), self.interpreter.prefix, self.interpreter.release, self._core or ""]
        inputs += [path.read_text() for path in sorted(REQUIREMENTS.glob("*.txt"))]
        return hashlib.sha256("\0".join(inputs).encode()).hexdigest()

    def _build(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        made = _run([self.interpreter.program, "-m", "venv", "--symlinks", "--without-pip", self.path])
        if made.returncode == 0:
            made = _run([self.python, "-m", "ensurepip", "--default-pip"])
        if made.returncode != 0:
            raise SetUpFailed(
                f"{self.interpreter.program} cannot make a virtual environment, for it has no ensurepip. "
                "Install that (Debian, Ubuntu: apt install python3-venv), or name another Python: "
                "PYTHON=/path/to/python3 ./dev ..."
            )
        self._install()
        packages = _run([self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).stdout.strip()
        link = COLLECTIONS / "ansible_collections" / "jetstream" / "cloud"
        link.parent.mkdir(parents=True, exist_ok=True)
        # Other processes may be using the link, so a correct one stays.
        if not (link.is_symlink() and link.readlink() == ROOT):
            link.unlink(missing_ok=True)
            link.symlink_to(ROOT)
        (Path(packages) / "collections.pth").write_text(f"{COLLECTIONS}\n")

    def _install(self) -> None:
        """Install the requirements with uv, which takes a tenth of pip's time, or with pip if uv fails."""
        wanted: list[str | Path] = ["-r", self._requirements, *self._constraints()]
        if self._core is not None:
            wanted.append(f"ansible-core=={self._core}")
        variables = {"PIP_CACHE_DIR": str(CACHE / "pip"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | os.environ
        # The user may have set --user for pip, which virtual environments refuse.
        variables["PIP_USER"] = "0"
        pip: list[str | Path] = [self.python, "-m", "pip", "install", "--quiet", "--no-input"]
        with_uv: list[str | Path] = [self.path / "bin" / "uv", "pip", "install", "--quiet", "--python", self.python]
        if _run([*pip, "-r", REQUIREMENTS / "uv.txt"], variables).returncode == 0:
            if _run([*with_uv, *wanted], variables | self._uv_variables()).returncode == 0:
                return
            say("uv could not install everything; pip takes over, more slowly.")
        by_pip = _run([*pip, *wanted], variables)
        if by_pip.returncode != 0:
            raise SetUpFailed(f"pip could not install {self._requirements.relative_to(ROOT)}:\n{by_pip.stdout}")

    def _constraints(self) -> list[str | Path]:
        """Return the options that pin the dependencies of the requirements."""
        if not self._constrained:
            return []
        pinned = REQUIREMENTS / "constraints.txt"
        if self._core is None:
            return ["-c", pinned]
        # All pins but that of ansible-core.
        lines = [line for line in pinned.read_text().splitlines() if not line.startswith("ansible-core==")]
        others = self.path / "constraints.txt"
        others.write_text("\n".join([*lines, ""]))
        return ["-c", others]

    def _uv_variables(self) -> dict[str, str]:
        settings = self.pip_settings()
        variables = {
            "UV_CACHE_DIR": str(CACHE / "uv"),
            "UV_SYSTEM_CERTS": "1",
            "UV_INDEX_STRATEGY": "unsafe-best-match",
            "UV_LINK_MODE": "hardlink",
        }
        for option, variable in _UV_VARIABLES.items():
            if option in settings:
                separator = "," if option == "find-links" else " "
                variables[variable] = separator.join(settings[option].split())
        return {name: value for name, value in variables.items() if name not in os.environ}

    def pip_settings(self) -> dict[str, str]:
        """Return pip's settings, from its files and variables, by the name of the option."""
        settings: dict[str, str] = {}
        lines = _run([self.python, "-m", "pip", "config", "list"]).stdout.splitlines()
        for section in ("global.", "install.", ":env:."):
            for line in lines:
                name, equals, value = line.partition("=")
                if equals and name.startswith(section):
                    settings[name.removeprefix(section)] = ast.literal_eval(value)
        return settings


def minor_version(version: str) -> str:
    """Return the minor version that a version belongs to: ``2.22`` for ``2.22.0rc1``."""
    return ".".join(version.split(".")[:2])


def make_home(name: str) -> Path:
    """Make a folder below .cache/ that replaces the user's home, and return it."""
    home = CACHE / name
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold a lock that one process at a time has, of all that use this checkout."""
    with (CACHE / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Print a message at once, also where the output is a file."""
    print(text, flush=True)


def _run(command: list[str | Path], variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
