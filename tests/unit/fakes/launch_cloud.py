# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud in memory that launches and deletes instances, with the errors that a test scripts."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import NAMESPACE_DNS, uuid5

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.catalog import FloatingIp, OfferedFlavor
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import Conflict, JetstreamError, NotFound
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    NO_GROWTH,
    AssignedAddress,
    Change,
    ChangeKind,
    CloudAccount,
    Flavor,
    FloatingAddress,
    Growth,
    Image,
    Instance,
    KeyPair,
    Launch,
    LaunchFacts,
    LaunchOptions,
    LaunchRecipe,
    UnattachedAddress,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import INDIANA, an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import Phase, ScriptedCloud

QUAD = Flavor(name="m3.quad", vcpus=4, ram=15360, disk=20)
TINY = Flavor(name="m3.tiny", vcpus=1, ram=3072, disk=20)
BUILD_SECONDS = 8.0
_NO_OPTIONS = LaunchOptions()
NO_HOST = "No valid host was found. There are not enough hosts available."


class LostResponse(JetstreamError):
    """The scripted answer to a call that is carried out, and whose response is lost with an error."""

    def __init__(self, error: JetstreamError) -> None:
        super().__init__("lost")
        self.error = error


class LaunchCloud(ScriptedCloud):
    """A cloud that is its own launcher, catalog and access store.

    ``no_host``: how many launches of a name find no host, by name. ``no_host_fault``: the fault of those.
    ``interrupt``: called before and after each call that changes the cloud, with the name of the call.
    """

    no_address_seconds = 0.0
    unsupported: Mapping[str, str] = {}
    sets_up = False
    gives_addresses = False

    def __init__(self, clock: FakeClock, instances: Sequence[Instance] = (), *, max_concurrency: int = 1) -> None:
        super().__init__(clock, instances, max_concurrency=max_concurrency)
        self.no_host: dict[str, int] = {}
        self.no_host_fault = NO_HOST
        self.addresses: dict[str, str] = {}
        self.spare: set[str] = set()
        self.scripts: dict[tuple[str, str], deque[BaseException | None]] = defaultdict(deque)
        self.later: list[tuple[float, Launch]] = []
        self.volumes: dict[str, str] = {}
        self.made_for: set[str] = set()
        self.refusals: dict[str, str] = {}
        self.no_resize: set[str] = set()
        self.keys: dict[str, KeyPair] = {}
        self.consoles: Callable[[str], str] = lambda _name: ""
        self.interrupt: Callable[[str], None] = lambda _call: None
        self._made = 0

    # --- scripted by a test

    def script(self, call: str, name: str, *answers: BaseException | None) -> None:
        """Let the next calls for an instance fail with these errors. None stands for a call that succeeds."""
        self.scripts[call, name].extend(answers)

    @property
    def names(self) -> list[str]:
        """The names of all instances, also of those in error."""
        return sorted(each.name for each in self.list_instances(live=True))

    def all_named(self, name: str) -> list[Instance]:
        return [each for each in self.list_instances(live=True) if each.name == name]

    # --- the interface of a cloud

    def account(self) -> CloudAccount:
        return CloudAccount(site="js2", cloud="IU", user="johndoe", project="TG", project_uuid="tg")

    def launcher(self) -> LaunchCloud:
        return self

    def access_store(self) -> LaunchCloud:
        return self

    def console_outputs(self, instances: Sequence[Instance], lines: int) -> Mapping[str, str]:
        """Return the output that the test's ``consoles`` has for each instance."""
        self._record("console", str(len(instances)))
        self.interrupt("console")
        return {each.uuid: self.consoles(each.name) for each in instances}

    def catalog(self) -> LaunchCloud:
        return self

    def flavors(self) -> Sequence[OfferedFlavor]:
        """Return the flavors. Of a catalog, a launch reads nothing else but floating IPs."""
        self._record("flavors", "all")
        answers = self.scripts["flavors", "all"]
        if answers and (answer := answers.popleft()) is not None:
            raise answer
        return [OfferedFlavor(each.name, each.name, each, INDIANA) for each in (TINY, QUAD)]

    def floating_ips(self) -> Sequence[FloatingIp]:
        """Return the floating IPs of the instances, and the ``spare`` ones."""
        self._record("floating_ips", "all")
        attached = [
            FloatingIp(uuid, each, attached=True, instance_uuid=uuid) for uuid, each in sorted(self.addresses.items())
        ]
        return [*attached, *(FloatingIp(each, each) for each in sorted(self.spare))]

    # --- the interface of an access store

    def get_key(self, name: str) -> KeyPair | None:
        self._record("get_key", name)
        return self.keys.get(name)

    def import_key(self, name: str, public_key: str) -> KeyPair:
        self._record("import_key", name)
        self.interrupt("import_key")
        answers = self.scripts["import_key", name]
        answer = answers.popleft() if answers else None
        if answer is not None and not isinstance(answer, LostResponse):
            raise answer
        if name in self.keys:
            raise Conflict("Key pair already exists.")
        self.keys[name] = KeyPair(name, public_key, "fingerprint")
        self.interrupt("imported")
        if isinstance(answer, LostResponse):
            raise answer.error
        return self.keys[name]

    def list_instances(self, **options: object) -> list[Instance]:
        self.interrupt("list")
        self._carry_out_later()
        return super().list_instances(live=True)

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        self.interrupt("poll")
        self._carry_out_later()
        there = [each for each in instances if each.uuid in self._instances]
        seen = dict(super().poll(there, thorough=thorough))
        return seen | {each.uuid: each.gone() for each in instances if each.uuid not in self._instances}

    def get_instance(self, instance: Instance) -> Instance:
        if instance.uuid not in self._instances:
            raise NotFound("gone")
        return super().get_instance(instance)

    # --- the interface of a launcher

    def check(self, options: LaunchOptions) -> None:
        """Accept all options."""

    def prepare(self, options: LaunchOptions, count: int, growth: Growth = NO_GROWTH) -> LaunchRecipe:
        self.calls.append(f"prepare {count}")
        return LaunchRecipe(options, TINY, Image(name="Ubuntu", uuid="image"), {})

    def require_room(self, flavor: Flavor | None, growth: Growth) -> None:
        """Accept every launch: the quota has room."""

    def require_room_for_key(self) -> None:
        """Accept every key pair: the quota has room."""

    def launch(self, recipe: LaunchRecipe, launch: Launch) -> Instance:
        self._record("launch", launch.name)
        self.interrupt("launch")
        answers = self.scripts["launch", launch.name]
        answer = answers.popleft() if answers else None
        if answer is not None and not isinstance(answer, LostResponse):
            raise answer
        made = self._make(launch, recipe.options)
        self.interrupt("launched")
        if isinstance(answer, LostResponse):
            raise answer.error
        return made

    def _make(self, launch: Launch, options: LaunchOptions = _NO_OPTIONS) -> Instance:
        with self._lock:
            self._made += 1
            number = 100 + self._made
            uuid = str(uuid5(NAMESPACE_DNS, f"{launch.name}-{number}"))
            made = replace(
                an_instance(launch.name, "build", "spawning", number=number, flavor=TINY),
                uuid=uuid,
                start_date=iso(self._clock.now()),
                facts=LaunchFacts(
                    group=launch.group,
                    token=launch.token,
                    has_run=False,
                    image=options.image,
                    key_name=options.key_name,
                    # Like nova, to which an empty list means the default group.
                    security_groups=options.security_groups or ("default",),
                    description=options.description,
                ),
                metadata=dict(options.metadata or {}),
                addresses=("10.3.0.7",),
            )
            self._instances[uuid] = made
            if self.no_host.get(launch.name, 0) > 0:
                self.no_host[launch.name] -= 1
                self._instances[uuid] = replace(made, status="error", activity="", fault=self.no_host_fault)
            else:
                self._instances[uuid] = replace(made, facts=replace(made.facts, has_run=True))
                self._builds[uuid] = self._clock.monotonic() + BUILD_SECONDS
            return made

    def launch_later(self, seconds: float, launch: Launch) -> None:
        """Carry a launch out after some seconds, as if its request had been delayed."""
        self.later.append((self._clock.monotonic() + seconds, launch))

    def _carry_out_later(self) -> None:
        due = [each for each in self.later if each[0] <= self._clock.monotonic()]
        self.later = [each for each in self.later if each not in due]
        for _at, launch in due:
            self._make(launch)

    def find(self, launches: Sequence[Launch]) -> Mapping[str, Instance]:
        self._record("find", str(len(launches)))
        self.interrupt("find")
        self._carry_out_later()
        tokens = {each.token for each in launches}
        found = [self._seen(uuid) for uuid in self._instances]
        return {each.facts.token: each for each in found if each.facts.token in tokens}

    def assign_addresses(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> Mapping[str, AssignedAddress | JetstreamError]:
        self._record("assign", str(len(instances)))
        return {each.uuid: self._assign(each, options.floating_ip) for each in instances}

    def _assign(self, instance: Instance, wanted: str | None) -> AssignedAddress | JetstreamError:
        self.interrupt("assign")
        answers = self.scripts["assign", instance.name]
        answer = answers.popleft() if answers else None
        if isinstance(answer, JetstreamError):
            return answer
        if wanted not in (None, "auto", self.addresses.get(instance.uuid)):
            self.addresses.pop(instance.uuid, None)
            self.spare.discard(str(wanted))
        is_new = instance.uuid not in self.addresses
        new = f"149.165.0.{len(self.addresses) + 1}" if wanted in (None, "auto") else str(wanted)
        self.addresses.setdefault(instance.uuid, new)
        self.interrupt("assigned")
        return AssignedAddress(self.addresses[instance.uuid], is_new)

    def preview_addresses(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> Mapping[str, AssignedAddress | JetstreamError]:
        def preview(instance: Instance) -> AssignedAddress:
            has, wanted = self.addresses.get(instance.uuid), options.floating_ip
            if has is not None and wanted in (None, "auto", has):
                return AssignedAddress(has, is_new=False)
            return AssignedAddress("" if wanted in (None, "auto") else str(wanted), is_new=True)

        return {each.uuid: preview(each) for each in instances}

    def unattached_addresses(self) -> Sequence[UnattachedAddress]:
        return ()

    def change_refusal(self, instance: Instance, change: Change) -> str | None:
        return self.refusals.get(instance.name)

    def change(self, instance: Instance, change: Change) -> None:
        self._record(change.kind.name.lower(), instance.name)
        self.interrupt("change")
        now = self._instances[instance.uuid]
        match change.kind:
            case ChangeKind.NAME:
                now = replace(now, name=change.after)
            case ChangeKind.METADATA:
                now = replace(now, metadata={**(now.metadata or {}), **change.values})
            case ChangeKind.DESCRIPTION:
                now = replace(now, facts=replace(now.facts, description=change.after))
            case ChangeKind.SECURITY_GROUPS:
                now = replace(now, facts=replace(now.facts, security_groups=tuple(change.values)))
            case ChangeKind.ADDRESS:
                self.addresses.pop(instance.uuid, None)
                now = replace(now, ip_address=None)
            case ChangeKind.LOCK | ChangeKind.UNLOCK:
                now = replace(now, locked=change.kind is ChangeKind.LOCK)
            case ChangeKind.FLAVOR:
                self.set_phases(instance.name, Phase(0, "resize", "resize_prep"), Phase(6, "verify_resize"))
                if instance.name not in self.no_resize:
                    now = replace(now, flavor=QUAD if change.after == QUAD.name else replace(TINY, name=change.after))
            case ChangeKind.CONFIRM:
                self.set_phases(instance.name, Phase(0, "verify_resize"), Phase(3, "active"))
        with self._lock:
            self._instances[instance.uuid] = now
        self.interrupt("changed")

    def security_group_names(self, groups: Sequence[str]) -> Sequence[str]:
        self._record("groups", str(len(groups)))
        return [{"uuid-of-ssh": "ssh"}.get(each, each) for each in groups]

    def delete(self, instance: Instance) -> None:
        self._record("delete", instance.name)
        self.interrupt("delete")
        answers = self.scripts["delete", instance.name]
        answer = answers.popleft() if answers else None
        if isinstance(answer, BaseException):
            raise answer
        self._instances.pop(instance.uuid, None)
        self.interrupt("deleted")

    def floating_addresses(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[FloatingAddress]]:
        return {
            each.uuid: [FloatingAddress(each.uuid, self.addresses[each.uuid], each.uuid in self.made_for)]
            for each in instances
            if each.uuid in self.addresses
        }

    def left_addresses(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[FloatingAddress]]:
        return {}

    def release(self, address: FloatingAddress) -> None:
        self._record("release", address.address)
        self.interrupt("release")
        self.addresses.pop(address.id, None)
        self.interrupt("released")

    def is_unattached(self, address: FloatingAddress) -> bool:
        return address.id in self.addresses and address.id not in self._instances

    def can_detach(self, instance: Instance) -> bool:
        return instance.status != "suspended"

    def detach(self, instance: Instance, volume: str) -> None:
        self._record("detach", volume)
        self.interrupt("detach")
        if self.volumes[volume] == "in-use":
            self.volumes[volume] = "available"
            now = self._instances[instance.uuid]
            left = tuple(each for each in now.facts.volumes if each.uuid != volume)
            self._instances[instance.uuid] = replace(now, facts=replace(now.facts, volumes=left))
        self.interrupt("detached")

    def with_volumes(self, instances: Sequence[Instance]) -> list[Instance]:
        return list(instances)

    def volume_status(self, instance: Instance, volume: str) -> str | None:
        return self.volumes.get(volume)

    def delete_volume(self, instance: Instance, volume: str) -> None:
        self._record("delete_volume", volume)
        self.interrupt("delete_volume")
        del self.volumes[volume]
        self.interrupt("volume deleted")

    # --- inside

    @property
    def _builds(self) -> dict[str, float]:
        return self.__dict__.setdefault("_builds_at", {})

    def _record(self, call: str, what: str) -> None:
        with self._lock:
            self.calls.append(f"{call} {what}")

    def _seen(self, uuid: str) -> Instance:
        instance = super()._seen(uuid)
        at = self._builds.get(uuid)
        if at is None or instance.status != "build" or self._clock.monotonic() < at:
            return replace(instance, ip_address=self.addresses.get(uuid, instance.ip_address))
        return replace(instance, status="active", activity="", ip_address=self.addresses.get(uuid))


def since(clock: FakeClock, seconds: float) -> str:
    """Return the time some seconds ago, in the form of a cloud's API."""
    return iso(clock.now() - timedelta(seconds=seconds))


__all__ = ["NO_HOST", "TINY", "LaunchCloud", "LostResponse", "Phase", "since"]
