# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two clouds that scenarios are played on, each with a user who has a profile called lab."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.fleet import FleetState
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, fleet

# No scenario takes a tenth of it.
_LONGEST = 600


class Stage(Protocol):
    """A cloud with one user."""

    home: Path

    def have(self, states: Mapping[FleetState, int], volumes: Sequence[str] = ()) -> None:
        """Give the user this fleet and no other: vm-1, vm-2 and so on, in the order of the states.

        The first of the volumes is attached to vm-1. There must be two instances at least.
        """


@dataclass(frozen=True, slots=True)
class Played:
    """What ansible-playbook did: its exit status, all that it printed, and how much it changed."""

    status: int
    text: str

    @property
    def changed(self) -> int:
        return int(re.findall(r"\bchanged=(\d+)", self.text)[-1])


class Simulator:
    """A simulated Atmosphere. Its machines take a moment, so that there is something to wait for."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._server: Server | None = None

    def have(self, states: Mapping[FleetState, int], volumes: Sequence[str] = ()) -> None:
        self.close()
        world = fleet(
            states={str(state): count for state, count in states.items()},
            names="vm-{number}",
            settings=Settings(transition=1.0, deploy=1.0, volume_change=0.5),
        )
        first = world.instance("vm-1")
        made = [world.add_volume(name, 10, first.identity) for name in volumes]
        if made:
            world.attach(made[0], first)
        self._server = Server(world)
        self._server.start()
        write_profile(self.home, f'api_url = "{self._server.url}"\nusername = "johndoe"\npassword = "pass"\n')

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()


class OpenStack:
    """A real OpenStack, whose user keeps clouds.yaml where OpenStack's own programs look for it."""

    def __init__(self, home: Path, cloud: Cloud, profile: str = "lab") -> None:
        self.home = home
        self._cloud = cloud
        folder = home / ".config" / "openstack"
        folder.mkdir(parents=True)
        (folder / "clouds.yaml").write_bytes(cloud.clouds_yaml.read_bytes())
        write_profile(home, 'cloud = "js2"\n', profile)

    def have(self, states: Mapping[FleetState, int], volumes: Sequence[str] = ()) -> None:
        made = self._cloud.fleet(states, "m3.small")
        first = next(each for part in made.values() for each in part)
        for number, name in enumerate(volumes):
            self._cloud.volume(name, attached_to=None if number else first)


def play(playbook: Path | str, home: Path, *arguments: str) -> Played:
    """Run a playbook as a user does, with the profile lab."""
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(playbook), "-e", "profile=lab", *arguments],
        env={
            **os.environ,
            "HOME": str(home),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        },
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    return Played(done.returncode, done.stdout)


def write_profile(home: Path, content: str, name: str = "lab") -> None:
    """Save a login as a profile."""
    file = home / ".config" / "jetstream" / "profiles.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"[{name}]\n{content}", encoding="utf-8")
    file.chmod(0o600)
