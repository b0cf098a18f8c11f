# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that run playbooks: each has programs, a home and a place for temporary files of its own, and no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
# What Ansible needs of a user's environment. No node inherits anything of the tests.
_LOCALE = {"LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


class Node:
    """A machine. ``programs``: the folder of its programs; ``collections``: where collections are installed.

    ``folder`` needs a short path: sockets are in it.
    """

    def __init__(self, folder: Path, *, programs: Path, collections: Path) -> None:
        self.folder = folder
        self.programs = programs
        self.home = folder / "home"
        self.tmp = folder / "tmp"
        for each in (self.home, self.tmp):
            each.mkdir(parents=True)
        self._collections = collections

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a program on it."""
        return {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            # Otherwise the checkout, which the environment of the tests leads to, would be found first.
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
            **_LOCALE,
            **(more or {}),
        }

    def run(
        self, *command: str | Path, more: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program in its home, to the end. ``data`` is its standard input."""
        return subprocess.run(
            self.words(command),
            env=self.environ(more),
            cwd=self.home,
            input=data or b"",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )

    def words(self, command: Sequence[str | Path]) -> list[str]:
        """Return a command with the path of its program on this node."""
        return [str(self.programs / command[0]), *map(str, command[1:])]

    def files(self) -> Iterator[Path]:
        """Yield every file on it."""
        yield from (path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink())

    def files_with(self, *secrets: str) -> list[str]:
        """Return the files, by their paths on the node, that have one of the secrets in them or in their names."""
        found = []
        for path in self.files():
            content = path.read_bytes()
            if any(secret.encode() in content or secret in path.name for secret in secrets):
                found.append(str(path.relative_to(self.folder)))
        return sorted(found)


@dataclass(frozen=True, slots=True)
class Job:
    """The private data directory of ansible-runner: its events, exit status and output."""

    folder: Path
    ident: str = "job"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / self.ident

    @property
    def events(self) -> list[Json]:
        """The events in their order."""
        files = (self.artifacts / "job_events").glob("*.json")
        return sorted((json.loads(file.read_text()) for file in files), key=lambda event: int(event["counter"]))

    @property
    def output(self) -> str:
        """The output as people see it, made of the events."""
        return "\n".join(event["stdout"].replace("\r\n", "\n") for event in self.events if event.get("stdout"))

    @property
    def results(self) -> list[Json]:
        """The results of the tasks that ended, well or not."""
        ends = ("runner_on_ok", "runner_on_failed")
        return [event["event_data"]["res"] for event in self.events if event["event"] in ends]

    @property
    def status(self) -> int:
        return int((self.artifacts / "rc").read_text())


def new_job(folder: Path, variables: Mapping[str, object], *, environ: Mapping[str, str] | None = None) -> Job:
    """Make a private data directory: this machine as inventory, extra variables, and variables of the environment."""
    for name in ("inventory", "env", "project"):
        (folder / name).mkdir(parents=True)
    (folder / "inventory" / "hosts").write_text("localhost ansible_connection=local\n")
    (folder / "env" / "extravars").write_text(json.dumps(dict(variables)))
    (folder / "env" / "envvars").write_text(json.dumps(dict(environ or {})))
    return Job(folder)


def programs_of(name: str) -> Path:
    """Return the folder of the programs of one of the environments that the check makes."""
    return Path(os.environ[name]) if name in os.environ else Path(sys.executable).parent
