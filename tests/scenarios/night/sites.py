# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two clouds of a night, each with the user's running instances, one that is off, and one of a colleague."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.fleet import addresses
from ansible_collections.jetstream.cloud.tests.openstack.seeding import OWNER
from ansible_collections.jetstream.cloud.tests.scenarios.colleague import colleague_in
from ansible_collections.jetstream.cloud.tests.scenarios.night.clock import SharedClock
from ansible_collections.jetstream.cloud.tests.scenarios.stages import OpenStack, write_profile
from ansible_collections.jetstream.cloud.tests.simulator import Fault, Server, Settings, add_colleague, fleet

# The names of the instances besides the user's running ones.
OFF, HERS = "off", "hers"
RUNNING, ASLEEP, STOPPED = "running", "shelved", "stopped"
_STATES = {
    "active": RUNNING,
    "ACTIVE": RUNNING,
    "shutoff": STOPPED,
    "SHUTOFF": STOPPED,
    "shelved_offloaded": ASLEEP,
    "SHELVED_OFFLOADED": ASLEEP,
}


# The share of the rate of an active instance that each state costs.
_SHARES = {"active": 1.0, "shutoff": 0.5, "shelved_offloaded": 0.0}


class Site(Protocol):
    """The cloud of a night. ``owner``: the name of the user."""

    owner: str

    def states(self) -> dict[str, str]:
        """Return RUNNING, ASLEEP, STOPPED, or the cloud's own word for any other state, by name."""

    def name_at(self, address: str) -> str:
        """Return the name of the instance at an address. Raises KeyError."""

    def uuid(self, name: str) -> str:
        """Return the UUID of an instance."""

    def launched(self, name: str, at: datetime) -> None:
        """Set the time at which an instance was launched."""

    def lock(self, name: str) -> bool:
        """Lock an instance as its owner. Return whether the cloud has locks."""

    def wake(self, name: str) -> None:
        """Unshelve an instance as its owner, without this collection."""

    def full(self, name: str, *, is_full: bool = True) -> None:
        """Let no host have room for an unshelve of an instance, or let there be room again."""

    def use(self, percent: float) -> None:
        """Let the site report a used percentage of the allocation."""

    def leave_behind(self) -> str:
        """Make something that takes up storage and is not needed. Return its name."""

    def is_left(self) -> bool:
        """Return whether the thing that ``leave_behind`` made still exists."""

    def statuses(self) -> Counter[str]:
        """Return the number of the user's instances in each state, in the cloud's own words."""

    def burn(self) -> float:
        """Return the SU per hour of the allocation's instances, by their cores."""

    def requests_to_act(self) -> list[str]:
        """Return the name of an instance for each act that the cloud accepted, in order."""

    def before_acts(self, call: Callable[[], object]) -> AbstractContextManager[bool]:
        """Call something before each action, and drop the action. Yield whether the cloud can do that."""

    def after_next_act(self, call: Callable[[], object]) -> AbstractContextManager[None]:
        """Call something right after the next accepted action in the with statement."""


class Atmosphere:
    """A simulated Atmosphere, on the clock of the night."""

    owner = "johndoe"

    def __init__(self, clock: SharedClock, names: Sequence[str]) -> None:
        """Make the instances, with a launch long ago."""
        world = fleet(names=[*names, OFF], clock=clock, settings=Settings(transition=0.4))
        world.force(OFF, "shutoff")
        add_colleague(world, names=(HERS,))
        world.monitor()
        self._world = world
        self._server = Server(world)

    @contextmanager
    def served(self, home: Path) -> Iterator[Atmosphere]:
        """Serve the cloud in a with statement, to a user with a saved login."""
        with self._server as server:
            write_profile(home, f'api_url = "{server.url}"\nusername = "johndoe"\npassword = "pass"\n', "default")
            yield self

    def states(self) -> dict[str, str]:
        """See Site."""
        return {name: _STATES.get(state, state) for name, state in self._world.states().items()}

    def name_at(self, address: str) -> str:
        """See Site."""
        return {vm.address: vm.name for vm in self._world.cloud.vms.values()}[address]

    def uuid(self, name: str) -> str:
        """See Site."""
        return self._world.instance(name).uuid

    def launched(self, name: str, at: datetime) -> None:
        """See Site."""
        self._world.instance(name).start_date = at

    def lock(self, name: str) -> bool:
        """See Site."""
        return False

    def wake(self, name: str) -> None:
        """See Site."""
        self._world.force(name, "active", address=f"10.9.8.{self._world.instance(name).id}")
        self._world.monitor()

    def full(self, name: str, *, is_full: bool = True) -> None:
        """See Site."""
        fault = "No valid host was found. There are not enough hosts available." if is_full else None
        self._world.misbehave(name, fails_with=fault)
        if not is_full and self._world.states()[name] == "error":
            self._world.force(name, "shelved_offloaded")

    def use(self, percent: float) -> None:
        """See Site."""
        source = self._world.allocation_sources[0]
        source.compute_used = source.compute_allowed * percent / 100

    def leave_behind(self) -> str:
        """See Site. A volume."""
        identity = self._world.instance(OFF).identity
        self._world.add_volume("scratch", 10, identity, start_date=self._world.now() - timedelta(days=3))
        return "scratch"

    def is_left(self) -> bool:
        """See Site."""
        return any(each.end_date is None for each in self._world.volumes)

    def statuses(self) -> Counter[str]:
        """See Site."""
        return Counter(state for name, state in self._world.states().items() if name != HERS)

    def burn(self) -> float:
        """See Site."""
        states = self._world.states()
        own = [each for each in self._world.instances if each.name != HERS]
        return sum(each.size.cpu * _SHARES[states[each.name]] for each in own)

    def requests_to_act(self) -> list[str]:
        """See Site."""
        posts = self._server.requests.matching("POST", "/action")
        sent = [each for each in posts if each.status]
        names = {each.uuid: each.name for each in self._world.instances}
        return [names[part] for each in sent for part in each.path.split("/") if part in names]

    @contextmanager
    def before_acts(self, call: Callable[[], object]) -> Iterator[bool]:
        """See Site."""
        self._server.faults.add(Fault("POST", "/action", times=None, drop="before", then=call))
        yield True
        self._server.faults.clear()

    @contextmanager
    def after_next_act(self, call: Callable[[], object]) -> Iterator[None]:
        """See Site."""
        self._server.faults.after("POST", "/action", call)
        yield


class Jetstream2:
    """A real OpenStack. Its clock is the machine's, so all of its dates are hours old at night."""

    owner = OWNER

    def __init__(self, cloud: Cloud, names: Sequence[str]) -> None:
        """Make the servers."""
        made = cloud.fleet({"active": len(names), "shutoff": 1}, "m3.small", network=True)
        with colleague_in(cloud) as hers:
            made["active"] += hers.servers(1, "m3.small", name=HERS, network=True)
        servers = dict(zip([*names, HERS, OFF], [*made["active"], *made["shutoff"]], strict=True))
        self._ids = {name: server.id for name, server in servers.items()}
        for name in (*names, OFF):
            cloud.owner.put("compute", f"/servers/{self._ids[name]}", {"server": {"name": name}})
        self._addresses = {addresses(cloud.show(uuid))[0]: name for name, uuid in self._ids.items()}
        self._cloud = cloud

    @contextmanager
    def served(self, home: Path) -> Iterator[Jetstream2]:
        """Serve the cloud to a user with a saved login."""
        OpenStack(home, self._cloud, "default")
        allocations = self._cloud.allocations
        yield self
        self._cloud.allocations = allocations
        self._cloud.clear()

    def states(self) -> dict[str, str]:
        """See Site."""
        return {each["name"]: _STATES.get(each["status"], each["status"]) for each in self._listed()}

    def name_at(self, address: str) -> str:
        """See Site."""
        return self._addresses[address]

    def uuid(self, name: str) -> str:
        """See Site."""
        return self._ids[name]

    def launched(self, name: str, at: datetime) -> None:
        """See Site."""
        self._cloud._tables.set_created([self._ids[name]], at)

    def lock(self, name: str) -> bool:
        """See Site."""
        self._cloud.lock(self._ids[name], "an important job runs here")
        return True

    def wake(self, name: str) -> None:
        """See Site."""
        self._cloud.act(self._ids[name], {"unshelve": None})
        self._cloud.wait([self._ids[name]], "ACTIVE")

    def full(self, name: str, *, is_full: bool = True) -> None:
        """See Site."""
        self._cloud.hypervisor.no_capacity(self._ids[name], none=is_full)

    def use(self, percent: float) -> None:
        """See Site."""
        rows = self._cloud.allocations
        for each in rows:
            if each["active"] and each["service_units_used"] is not None:
                each["service_units_used"] = each["service_units_allocated"] * percent / 100
        self._cloud.allocations = rows

    def leave_behind(self) -> str:
        """See Site. It is an image that nova made of a shelved server, which is gone."""
        name = "gone-shelved"
        row = {"name": name, "container_format": "bare", "disk_format": "raw", "visibility": "private"}
        marks = {"image_type": "snapshot", "instance_uuid": str(uuid4())}
        made = self._cloud.owner.post("image", "/v2/images", {**row, **marks})
        self._cloud.owner.put("image", f"/v2/images/{made['id']}/file", bytes(1024))
        return name

    def is_left(self) -> bool:
        """See Site."""
        return bool(self._cloud.owner.get("image", "/v2/images?name=gone-shelved")["images"])

    def statuses(self) -> Counter[str]:
        """See Site."""
        own = [each for each in self._listed() if each["name"] != HERS]
        return Counter(each["status"].lower() for each in own)

    def burn(self) -> float:
        """See Site."""
        return sum(int(each["flavor"]["vcpus"]) * _SHARES[each["status"].lower()] for each in self._listed())

    def _listed(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._cloud.owner.get("compute", "/servers/detail")["servers"]
        return rows

    def requests_to_act(self) -> list[str]:
        """See Site."""
        return [name for _at, name in sorted(self._shelvings())]

    @contextmanager
    def before_acts(self, call: Callable[[], object]) -> Iterator[bool]:
        """See Site."""
        yield False

    @contextmanager
    def after_next_act(self, call: Callable[[], object]) -> Iterator[None]:
        """See Site."""
        begin = len(self._shelvings())
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.02):
                if len(self._shelvings()) > begin:
                    call()
                    return

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _shelvings(self) -> list[tuple[str, str]]:
        """Return the time and the name of each accepted shelve. Other POSTs to /action read consoles."""
        return [
            (each["start_time"], name)
            for name, uuid in self._ids.items()
            for each in self._cloud.owner.get("compute", f"/servers/{uuid}/os-instance-actions")["instanceActions"]
            if each["action"] == "shelve"
        ]
