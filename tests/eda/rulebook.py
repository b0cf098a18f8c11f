# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-rulebook with the rulebooks of this collection."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import yaml
from ansible_collections.jetstream.cloud.plugins.module_utils._internal import operation

COLLECTION = Path(operation.__file__).parents[3]
RULEBOOKS = COLLECTION / "extensions" / "eda" / "rulebooks"
# Each step takes a few seconds, and a poll comes after 30 at the latest.
_LONGEST_WAIT = 100.0
_LONGEST_END = 20.0
_INVENTORY = {
    "all": {
        "hosts": {
            "localhost": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        }
    }
}


class Rulebook:
    """A rulebook of the collection in the home of a user, as changed for a test.

    ``source``: options that are added to those of its source. ``variables``: those of ``--vars``. ``more``: variables
    of the environment. ``change``: of the text of the rulebook.
    """

    def __init__(
        self,
        home: Path,
        name: str,
        variables: Mapping[str, Any],
        *,
        source: Mapping[str, Any],
        more: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        change: Callable[[str], str] = str,
    ) -> None:
        rules = yaml.safe_load(change((RULEBOOKS / f"{name}.yml").read_text()))
        for each in rules:
            each["sources"][0]["jetstream.cloud.fleet"].update(source)
        self.home = home
        self.log = home / f"{name}.log"
        self._more = more or {}
        self._files = {"rulebook.yml": rules, "inventory.yml": _INVENTORY, "vars.yml": {"profile": "lab", **variables}}
        files = ("-r", "rulebook.yml", "-i", "inventory.yml", "--vars", "vars.yml")
        self._command = [str(Path(sys.executable).with_name("ansible-rulebook")), *files, *arguments]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it for as long as the with statement lasts, and end it as systemd would."""
        for name, content in self._files.items():
            (self.home / name).write_text(yaml.safe_dump(content))
        hidden = ("JETSTREAM_", "OS_", "XDG_", "ANSIBLE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        environment = {
            **kept,
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]]),
            "ANSIBLE_COLLECTIONS_PATH": str(_folder_of_collections()),
            **self._more,
        }
        with self.log.open("a") as log:
            process = subprocess.Popen(
                self._command,
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # What it starts ends with it.
                start_new_session=True,
            )
        self._process = process
        self._playbooks: list[psutil.Process] = []
        try:
            yield
        finally:
            self._note_playbooks()
            process.terminate()
            try:
                process.wait(_LONGEST_END)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for each in self._playbooks:
                # Psutil compares the times of their start, so that no other process of that number is ended.
                with suppress(psutil.NoSuchProcess):
                    each.kill()

    def kill(self) -> None:
        """End it as a lack of memory would, with nothing that it could do about that."""
        self._note_playbooks()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _note_playbooks(self) -> None:
        """Note the programs that it runs: ansible-runner starts them in sessions of their own, and they outlive it."""
        with suppress(psutil.NoSuchProcess):
            self._playbooks += psutil.Process(self._process.pid).children(recursive=True)

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds. Raises AssertionError with the log if it does not, or if the rulebook ended."""
        end = time.monotonic() + _LONGEST_WAIT
        while not condition():
            assert self._process.poll() is None, f"it ended before {what}:\n{self.text}"
            assert time.monotonic() < end, f"no {what} within {_LONGEST_WAIT:g} s:\n{self.text}"
            time.sleep(0.2)

    @property
    def text(self) -> str:
        """Return all that it printed."""
        return self.log.read_text()


def _folder_of_collections() -> Path:
    for path in sys.path:
        if (Path(path) / "ansible_collections" / "jetstream" / "cloud" / "galaxy.yml").exists():
            return Path(path)
    raise AssertionError("the collection is on no path")
