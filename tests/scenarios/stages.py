# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two clouds of the scenarios, each with a user who has a profile called lab."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.fleet import FleetState
from ansible_collections.jetstream.cloud.tests.openstack.seeding import IMAGE
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, World, fleet

# Seconds. No scenario takes a tenth of that.
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Offer:
    """An image and two flavors of a cloud, for launches."""

    cloud: str
    image: str
    small: str
    large: str


class Stage(Protocol):
    """A cloud with one user."""

    home: Path
    offer: Offer

    def have(self, states: Mapping[FleetState, int], volumes: Sequence[str] = ()) -> None:
        """Give the user exactly this fleet: vm-1, vm-2 and so on, in the order of the states.

        The first of the volumes is attached to vm-1. The fleet has at least two instances.
        """

    def flavors(self) -> dict[str, str]:
        """Return the flavor of each existing instance, by name."""

    def delete(self, name: str) -> None:
        """Delete an instance, as its owner does on the web page, and wait until it is gone."""

    def things(self) -> list[str]:
        """Return the names of all other resources of the user, sorted: volumes, addresses, key pairs, groups."""

    def no_host(self, name: str) -> None:
        """Let launches of an instance find no host."""

    def hosts_again(self) -> None:
        """Undo ``no_host``."""


@dataclass(frozen=True, slots=True)
class Played:
    """A run of ansible-playbook: its exit status, and its output."""

    status: int
    text: str

    @property
    def changed(self) -> int:
        return int(re.findall(r"\bchanged=(\d+)", self.text)[-1])


class Simulator:
    """A simulated Atmosphere. Its machines take a moment to change, so that the playbooks have to wait."""

    offer = Offer("atmosphere", "Ubuntu 18.04 Devel and Docker", "m1.tiny", "m1.small")

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

    def flavors(self) -> dict[str, str]:
        world = self._world
        world.settle()
        with world.lock:
            return {each.name: each.size.name for each in world.instances if each.end_date is None}

    def delete(self, name: str) -> None:
        self._world.delete_later(self._world.instance(name))
        _wait_until_gone(self, name)

    def things(self) -> list[str]:
        world = self._world
        with world.lock:
            return sorted(f"volume {each.name}" for each in world.volumes if each.end_date is None)

    def no_host(self, name: str) -> None:
        self._world.no_host(f"^{name}$", times=None)

    def hosts_again(self) -> None:
        self._world.nova_up()

    def deploys_for(self, seconds: float) -> None:
        """Let machines that are launched from now on be without an address for so long after they are active."""
        self._world.settings.deploy = seconds

    @property
    def _world(self) -> World:
        assert self._server is not None
        return self._server.world

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()


class OpenStack:
    """A real OpenStack, whose user has a clouds.yaml in the folder in which OpenStack's programs look for it."""

    offer = Offer("jetstream2", IMAGE, "m3.tiny", "m3.small")

    def __init__(self, home: Path, cloud: Cloud, profile: str = "lab") -> None:
        self.home = home
        self.cloud = cloud
        folder = home / ".config" / "openstack"
        folder.mkdir(parents=True)
        (folder / "clouds.yaml").write_bytes(cloud.clouds_yaml.read_bytes())
        write_profile(home, 'cloud = "js2"\n', profile)

    def have(self, states: Mapping[FleetState, int], volumes: Sequence[str] = ()) -> None:
        made = self.cloud.fleet(states, "m3.small")
        first = next(each for part in made.values() for each in part)
        for number, name in enumerate(volumes):
            self.cloud.volume(name, attached_to=None if number else first)

    def flavors(self) -> dict[str, str]:
        listed = self.cloud.owner.get("compute", "/servers/detail")["servers"]
        return {each["name"]: each["flavor"]["original_name"] for each in listed}

    def named(self, name: str) -> str:
        """Return the UUID of an instance."""
        listed = self.cloud.owner.get("compute", "/servers")["servers"]
        return next(str(each["id"]) for each in listed if each["name"] == name)

    def delete(self, name: str) -> None:
        self.cloud.owner.delete("compute", f"/servers/{self.named(name)}")
        _wait_until_gone(self, name)

    def things(self) -> list[str]:
        get = self.cloud.owner.get
        groups = get("network", "/v2.0/security-groups")["security_groups"]
        found = [f"volume {each['name']}" for each in get("block-storage", "/volumes/detail")["volumes"]]
        found += [f"address {each['description']}" for each in get("network", "/v2.0/floatingips")["floatingips"]]
        found += [f"group {each['name']}" for each in groups if each["name"] != "default"]
        found += [f"key {each['keypair']['name']}" for each in get("compute", "/os-keypairs")["keypairs"]]
        return sorted(found)

    def user_data(self) -> dict[str, str]:
        """Return the user data of all servers that have some, by name."""
        listed = self.cloud.admin.get("compute", "/servers/detail?all_tenants=1")["servers"]
        given = {each["name"]: each.get("OS-EXT-SRV-ATTR:user_data") for each in listed}
        return {name: base64.b64decode(text).decode() for name, text in given.items() if text}

    def no_host(self, name: str) -> None:
        self.cloud.hypervisor.no_capacity(name)

    def hosts_again(self) -> None:
        self.cloud.hypervisor.forget()

    def clear(self) -> None:
        """Delete all resources of the user."""
        self.cloud.clear()
        owner = self.cloud.owner
        for each in owner.get("compute", "/os-keypairs")["keypairs"]:
            owner.delete("compute", f"/os-keypairs/{each['keypair']['name']}")
        for each in owner.get("network", "/v2.0/security-groups")["security_groups"]:
            if each["name"] != "default":
                owner.delete("network", f"/v2.0/security-groups/{each['id']}")


def _wait_until_gone(stage: Stage, name: str) -> None:
    give_up = time.monotonic() + _LONGEST
    while name in stage.flavors():
        assert time.monotonic() < give_up, f"{name} is still there"
        time.sleep(0.2)


def play(
    playbook: Path | str,
    home: Path,
    *arguments: str,
    more: Mapping[str, str] | None = None,
    longest: float = _LONGEST,
) -> Played:
    """Run a playbook as a user does, with the profile lab. ``more``: environment variables."""
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(playbook), "-e", "profile=lab", *arguments],
        env={
            **os.environ,
            "HOME": str(home),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            **(more or {}),
        },
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=longest,
        check=False,
    )
    return Played(done.returncode, done.stdout)


def write_profile(home: Path, content: str, name: str = "lab") -> None:
    """Save a login as a profile."""
    file = home / ".config" / "jetstream" / "profiles.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"[{name}]\n{content}", encoding="utf-8")
    file.chmod(0o600)
