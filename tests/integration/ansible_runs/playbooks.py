# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of ansible-playbook, with a home of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils._internal import operation

PLUGINS = Path(operation.__file__).parents[2]
CALLBACKS = Path(__file__).parent / "callbacks"

Json = dict[str, Any]


def program(name: str) -> str:
    """Return the path of one of Ansible's programs."""
    # Not by python -m ansible, which knows no playbook where ansible-test runs the tests with ansible-core 2.19.
    return str(Path(sys.executable).with_name(name))


def environment(home: Path, url: str) -> dict[str, str]:
    """Return the environment of a user who runs playbooks: the login, and where collection and callbacks are."""
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return {
        **inherited,
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(PLUGINS.parents[3]),
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "JETSTREAM_API_URL": url,
        "JETSTREAM_USERNAME": "johndoe",
        "JETSTREAM_PASSWORD": "pass",
    }


def run_playbook(
    *arguments: str, home: Path, url: str, folder: Path | None = None, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook as a user whose cloud is at ``url``, in ``folder`` or else at home.

    What it prints is in ``stdout``, errors included.
    """
    return subprocess.run(
        [program("ansible-playbook"), *arguments],
        env={**environment(home, url), **(more or {})},
        cwd=folder or home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


class Playbook:
    """A playbook of one play on localhost, and how to run it. ``folder`` becomes home and working directory."""

    def __init__(self, folder: Path, tasks: Sequence[Json], *, url: str, **keywords: Any) -> None:
        """Write it. ``keywords`` are the play's, ``url`` is the cloud's."""
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self._url = url
        self._path = folder / "playbook.json"
        play = {"hosts": "localhost", "gather_facts": False, "tasks": list(tasks), **keywords}
        self._path.write_text(json.dumps([play]))

    @property
    def command(self) -> list[str]:
        """Return the program and its arguments."""
        return [program("ansible-playbook"), str(self._path)]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment to run it in: who to log in as, and where to find collection and callbacks."""
        return {**environment(self.folder, self._url), **(more or {})}

    def run(self, more: Mapping[str, str] | None = None, *, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run it to its end, whatever that is."""
        return subprocess.run(
            self.command,
            env=self.environment(more),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def start(self, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start it as a shell would: in a process group of its own, so that Ctrl-C can be sent to that."""
        return subprocess.Popen(
            self.command,
            env=self.environment(more),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
