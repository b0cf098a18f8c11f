# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches, renames and deletes instances at Atmosphere. Facts: docs/atmosphere.md, Launching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ...errors import (
    JetstreamError,
    NotFound,
    Refused,
    SelectionError,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ...model import (
    NO_GROWTH,
    UNKNOWN,
    AssignedAddress,
    AttachedVolume,
    Change,
    ChangeKind,
    Flavor,
    FloatingAddress,
    Growth,
    Image,
    Instance,
    Launch,
    LaunchFacts,
    LaunchOptions,
    LaunchRecipe,
    UnattachedAddress,
)
from ...text.suggestions import did_you_mean
from ..json_values import Json, UnreadableRow, amount, flag, mapping, text, uuid_of, whole
from ..quotas import flavor_needs, require_room_to_launch, shortfalls
from .launch_records import LaunchRecords
from .named_rows import row_called
from .projects import PROJECTS
from .quotas import limits_of, use_of_instances, use_of_networks
from .volume_store import DETACHABLE

_NOT_HERE = "Atmosphere has no such option"
_ONE_OF_ITS_OWN = "Atmosphere gives each instance a floating IP of its own, and takes it back with the instance"


class Requests(Protocol):
    """The part of the client that the launcher uses."""

    def read(self, path: str, task: str) -> list[Json]:
        """Return all rows of a v2 list."""

    def read_live(self, path: str, task: str) -> Any:
        """Return the body of the response to a GET of v1, bypassing the cache."""

    def send(self, method: str, path: str, task: str, data: Json | None = None) -> Any:
        """Send a change once, and return the body of the response."""

    def instances(self, *, unreadable: bool = False) -> list[Instance]:
        """Return all instances, in their states in the database. ``unreadable``: see Cloud."""

    def attached_volumes(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[str]]:
        """Return the UUIDs of the volumes of instances, by the UUID of the instance."""

    def launched(self, row: Json) -> Instance:
        """Return the instance in the response to a launch. Raises UnreadableRow."""

    def username(self) -> str | None:
        """Return the name of the account's user."""


@dataclass(frozen=True, slots=True)
class _Identity:
    """An identity at a provider, with the limits of its quota."""

    uuid: str
    provider: str
    provider_name: str
    quota: Json


class AtmosphereLauncher:
    """The launcher of one account. May be used by many threads at once."""

    unsupported: Mapping[str, str] = {
        **dict.fromkeys(("network", "key_name", "public_key", "security_groups", "user_data"), _NOT_HERE),
        **dict.fromkeys(("user_data_by_name", "boot_volume", "locked", "metadata", "description"), _NOT_HERE),
        "floating_ip: none": _ONE_OF_ITS_OWN,
        "floating_ip: address": _ONE_OF_ITS_OWN,
        "release_floating_ip": _ONE_OF_ITS_OWN,
    }

    # Atmosphere deploys each instance: networking, deploying, and only then active.
    sets_up = True
    gives_addresses = True

    def __init__(self, requests: Requests, records: LaunchRecords) -> None:
        """Send nothing yet."""
        self._requests = requests
        self._records = records

    # --- before a launch

    def check(self, options: LaunchOptions) -> None:
        """Do nothing: ``prepare`` checks the supported options. See Launcher."""

    def prepare(self, options: LaunchOptions, count: int, growth: Growth = NO_GROWTH) -> LaunchRecipe:
        """Look up what the options name, and check the quota of the identity. See Launcher."""
        if options.image is None or options.flavor is None:
            missing = " and ".join(name for name in ("image", "flavor") if getattr(options, name) is None)
            raise SelectionError(f"To launch an instance, set {missing}.")
        try:
            identity = self._identity(options.identity)
            project = row_called(self._requests.read(PROJECTS, "Listing projects"), options.project, "project")
            sources = self._requests.read("/api/v2/allocation_sources", "Listing allocation sources")
            source = row_called(sources, options.allocation_source, "allocation_source")
            size = self._size(options.flavor, identity)
            machine = self._machine(options.image, identity)
            flavor = flavor_of_size(size)
            _require_fit(machine, flavor, options.image)
            self._require_quota(identity, flavor, count, growth)
            body = {
                "source_alias": uuid_of(machine),
                "size_alias": text(size.get("alias")),
                "identity": identity.uuid,
                "project": uuid_of(project),
                "allocation_source_id": uuid_of(source),
            }
        except UnreadableRow as error:
            raise UnexpectedResponse(
                f"Looking up what to launch failed: a row of the response cannot be parsed: {error}."
            ) from error
        image = mapping(machine.get("image"))
        return LaunchRecipe(
            options, flavor, Image(name=text(image.get("name")) or "", uuid=text(image.get("uuid"))), body
        )

    def _identity(self, wanted: str | None) -> _Identity:
        """Return the identity with this UUID or key, or at the provider with this name or UUID. None: the only one.

        Only identities that can launch are found. Raises SelectionError for none or several.
        """
        led = [each for each in self._requests.read("/api/v2/identities", "Listing identities") if is_led(each)]
        found = [each for each in led if wanted is None or wanted in _names_of_identity(each)]
        if len(found) != 1:
            known = ", ".join(sorted(text(mapping(each.get("provider")).get("name")) or "" for each in led)) or "none"
            problem = "it is not set" if wanted is None else f"{wanted} matches {len(found)} identities"
            raise SelectionError(
                f"identity: {problem}. The providers of identities that can launch: {known}.",
                hint="Set identity to the name of a provider, or to a UUID.",
            )
        provider = mapping(found[0].get("provider"))
        return _Identity(
            uuid_of(found[0]), uuid_of(provider), text(provider.get("name")) or "", mapping(found[0].get("quota"))
        )

    def _size(self, wanted: str, identity: _Identity) -> Json:
        """Return the row of the current size of a name, alias or UUID at a provider. Raises SelectionError."""
        rows = self._requests.read("/api/v2/sizes", "Listing sizes")
        here = [each for each in rows if _is_at(each, identity) and each.get("active") is not False]
        found = [each for each in here if wanted in _names_of_size(each) and is_current(each)]
        if not found:
            guess = did_you_mean(wanted, [text(each.get("name")) or "" for each in here])
            raise SelectionError(f"flavor: {identity.provider_name} has no flavor {wanted}. {guess}".rstrip())
        return next((each for each in found if text(each.get("name")) == wanted), found[0])

    def _machine(self, wanted: str, identity: _Identity) -> Json:
        """Return the newest machine of an image at a provider: the user's own, or else any visible one.

        Raises SelectionError for an unknown image.
        """
        rows = self._requests.read("/api/v2/provider_machines", "Listing images")
        here = [each for each in rows if _is_at(each, identity) and is_current(each)]
        named = [each for each in here if wanted in _names_of_machine(each)]
        user = self._requests.username()
        own = [each for each in named if user and text(mapping(each.get("created_by")).get("username")) == user]
        if not named:
            known = {text(mapping(each.get("image")).get("name")) or "" for each in here}
            guess = did_you_mean(wanted, known)
            raise SelectionError(f"image: {identity.provider_name} has no image {wanted}. {guess}".rstrip())
        return max(own or named, key=lambda each: (text(each.get("start_date")) or "", whole(each.get("id")) or 0))

    def _require_quota(self, identity: _Identity, flavor: Flavor, count: int, growth: Growth) -> None:
        """Raise OverAllocation if ``count`` instances do not fit in the quota of the identity."""
        there = [each for each in self._requests.instances() if each.identity.uuid == identity.uuid]
        limits = limits_of(identity.quota, {**use_of_instances(there), **use_of_networks(there)})
        # Replaced instances of other identities do not free anything in this quota.
        freed = tuple(each for each in growth.replaced if each.identity.uuid == identity.uuid)
        total = count + len(growth.replaced)
        new = total - len(freed)
        each_one = dict.fromkeys(("instances", "floating_ips", "ports"), new)
        short = shortfalls(limits, {**each_one, **flavor_needs(flavor, new, Growth(replaced=freed))})
        require_room_to_launch(short, total, f" at {identity.provider_name}")

    def require_room(self, flavor: Flavor | None, growth: Growth) -> None:
        """Do nothing: Atmosphere cannot resize, and assigns addresses itself. See Launcher."""

    # --- launching

    def launch(self, recipe: LaunchRecipe, launch: Launch) -> Instance:
        """Record the launch, and request one instance. See Launcher."""
        task = f"Launch of {launch.name}"
        self._records.begin(launch, self._requests.username(), text(recipe.body.get("project")))
        try:
            row = mapping(self._requests.send("POST", "/api/v2/instances", task, {**recipe.body, "name": launch.name}))
            launched = self._requests.launched(row)
        except UnreadableRow as error:
            raise UnexpectedResponse(f"{task} failed: the response cannot be parsed: {error}.") from error
        except JetstreamError as error:
            if not _may_be_carried_out(error):
                self._records.withdraw(launch.token)
            raise
        self._records.settle(launch.token, launched.uuid)
        return replace(launched, facts=LaunchFacts(launch.group, launch.token, has_run=False))

    def find(self, launches: Sequence[Launch]) -> Mapping[str, Instance]:
        """Find instances by the records of their launches. See Launcher."""
        # The client has matched the listed instances with the records, see LaunchRecords.
        listed = self._requests.instances(unreadable=True)
        found = {each.facts.token: each for each in listed}
        unread = {each.name for each in listed if each.read_error is not None}
        if any(each.token not in found and not unread.isdisjoint((each.name, UNKNOWN)) for each in launches):
            raise UnexpectedResponse("Searching launched instances failed: a row of the response cannot be parsed.")
        return {
            each.token: replace(found[each.token], facts=LaunchFacts(each.group, each.token, has_run=False))
            for each in launches
            if each.token in found
        }

    def assign_addresses(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> Mapping[str, AssignedAddress | JetstreamError]:
        """Return the floating IPs that Atmosphere has assigned during the deployments. See Launcher."""
        return {
            each.uuid: AssignedAddress(each.ip_address, is_new=False)
            if each.ip_address
            else Refused("Atmosphere assigned no floating IP. Reboot the instance to make Atmosphere try again.")
            for each in instances
        }

    def preview_addresses(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> Mapping[str, AssignedAddress | JetstreamError]:
        """Return the result of ``assign_addresses``, which only reads. See Launcher."""
        return self.assign_addresses(options, instances)

    def unattached_addresses(self) -> Sequence[UnattachedAddress]:
        """Return nothing: Atmosphere releases floating IPs itself. See Launcher."""
        return ()

    # --- changing

    def change_refusal(self, instance: Instance, change: Change) -> str | None:
        """Return a reason for all changes but renames. See Launcher."""
        return None if change.kind is ChangeKind.NAME else "Atmosphere cannot change that"

    def change(self, instance: Instance, change: Change) -> None:
        """Rename an instance by v1, which checks its owner, and renames it in the cloud, too. See Launcher."""
        self._requests.send("PATCH", _url(instance), f"Rename of {instance.label}", {"name": change.after})

    def security_group_names(self, groups: Sequence[str]) -> Sequence[str]:
        """Return the names unchanged: Atmosphere has no security groups. See Launcher."""
        return groups

    # --- deleting

    def delete(self, instance: Instance) -> None:
        """Request the deletion of an instance by v1, which checks its owner. See Launcher."""
        try:
            self._requests.send("DELETE", _url(instance), f"Deletion of {instance.label}")
        except NotFound:
            return

    def floating_addresses(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[FloatingAddress]]:
        """Return {}: Atmosphere releases floating IPs itself. See Launcher."""
        return {}

    def left_addresses(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[FloatingAddress]]:
        """Return {}: Atmosphere releases floating IPs itself. See Launcher."""
        return {}

    def is_unattached(self, address: FloatingAddress) -> bool:
        """Return False: Atmosphere leaves no floating IP without an instance. See Launcher."""
        return False

    def release(self, address: FloatingAddress) -> None:
        """Do nothing: Atmosphere releases floating IPs itself. See Launcher."""

    def with_volumes(self, instances: Sequence[Instance]) -> list[Instance]:
        """Return instances with their volumes, from the lists of all volumes. See Launcher."""
        if not instances:
            return []
        attached = self._requests.attached_volumes(instances)
        return [
            replace(each, facts=replace(each.facts, volumes=tuple(map(AttachedVolume, attached.get(each.uuid, ())))))
            for each in instances
        ]

    def can_detach(self, instance: Instance) -> bool:
        """Return whether Atmosphere would detach a volume from an instance. See Launcher."""
        return instance.status in DETACHABLE

    def detach(self, instance: Instance, volume: str) -> None:
        """Request that a worker unmounts and detaches a volume. See Launcher."""
        data = {"action": "detach_volume", "volume_id": volume}
        task = f"Detaching volume {volume} from {instance.label}"
        # NotFound: another run may have deleted the instance. The status of the volume shows the outcome.
        with suppress(NotFound):
            self._requests.send("POST", f"{_url(instance)}/action", task, data)

    def volume_status(self, instance: Instance, volume: str) -> str | None:
        """Return the present status of a volume; None if it does not exist. See Launcher."""
        try:
            row = self._requests.read_live(f"{_account_url(instance)}/volume/{volume}", f"Reading volume {volume}")
        except NotFound:
            return None
        return text(mapping(row).get("status")) or "unknown"

    def delete_volume(self, instance: Instance, volume: str) -> None:
        """Request the deletion of a volume by v2, since v1 fails for a volume in use. See Launcher."""
        with suppress(NotFound):
            self._requests.send("DELETE", f"/api/v2/volumes/{volume}", f"Deletion of volume {volume}")


def _may_be_carried_out(error: JetstreamError) -> bool:
    """Return whether a request that failed with this error may still be carried out."""
    if isinstance(error, Unreachable):
        return not error.unsent
    return isinstance(error, (ServerFault, UnexpectedResponse))


def _account_url(thing: Instance) -> str:
    return f"/api/v1/provider/{thing.provider.uuid}/identity/{thing.identity.uuid}"


def _url(instance: Instance) -> str:
    return f"{_account_url(instance)}/instance/{instance.uuid}"


def is_led(row: Json) -> bool:
    """Return whether the user leads an identity, and so may launch with it. Without the flag, returns True."""
    return flag(row.get("is_leader")) is not False


def _names_of_identity(row: Json) -> set[str | None]:
    provider = mapping(row.get("provider"))
    return {text(row.get("uuid")), text(row.get("key")), text(provider.get("name")), text(provider.get("uuid"))}


def _names_of_machine(row: Json) -> set[str | None]:
    image = mapping(row.get("image"))
    return {text(row.get("uuid")), text(image.get("name")), text(image.get("uuid"))}


def _names_of_size(row: Json) -> set[str | None]:
    return {text(row.get("name")), text(row.get("alias")), text(row.get("uuid"))}


def _is_at(row: Json, identity: _Identity) -> bool:
    return text(mapping(row.get("provider")).get("uuid")) == identity.provider


def is_current(row: Json) -> bool:
    """Return whether a row has no end date."""
    return row.get("end_date") is None


def flavor_of_size(size: Json) -> Flavor:
    """Read a size as a flavor. Memory is in MB, the disk in GB; unknown values are None."""
    return Flavor(
        name=text(size.get("name")) or "",
        vcpus=whole(size.get("cpu")),
        ram=whole(size.get("mem")),
        disk=whole(size.get("disk")),
    )


def _require_fit(machine: Json, flavor: Flavor, image: str) -> None:
    """Raise SelectionError if the image is larger than the disk of the flavor."""
    needed = amount(machine.get("size_gb")) or 0
    if flavor.disk and needed > flavor.disk:
        raise SelectionError(
            f"The image {image} needs a disk of {needed:.3g} GB, and flavor {flavor.name} has {flavor.disk} GB.",
            hint="Choose a larger flavor.",
        )
