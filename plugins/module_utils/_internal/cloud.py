# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a cloud. Nothing above it knows which cloud it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from .catalog import Catalog, ProjectDetails
from .errors import JetstreamError
from .model import (
    NO_GROWTH,
    AllocationSource,
    AssignedAddress,
    Change,
    CloudAccount,
    ConsoleUrl,
    Flavor,
    FloatingAddress,
    Growth,
    ImageChange,
    Instance,
    KeyPair,
    Launch,
    LaunchOptions,
    LaunchRecipe,
    ProjectImage,
    SecurityGroup,
    SecurityRule,
    Snapshot,
    StatusPeriod,
    UnattachedAddress,
    Volume,
    VolumeOptions,
    VolumeRequest,
)
from .states import Action


class Launcher(Protocol):
    """Launches and deletes the instances of a cloud. Every method may raise any JetstreamError.

    ``unsupported``: the options that the cloud does not have, with the reason, a clause. ``sets_up``: whether the cloud
    itself sets instances up, so that one is active only when that is done. ``gives_addresses``: whether it gives each
    instance its floating IP without a request.
    """

    unsupported: Mapping[str, str]
    sets_up: bool
    gives_addresses: bool

    def check(self, options: LaunchOptions) -> None:
        """Raise SelectionError for options that the cloud would refuse, whatever it has. Sends nothing."""

    def prepare(self, options: LaunchOptions, count: int, growth: Growth = NO_GROWTH) -> LaunchRecipe:
        """Look up all that the options name, and whether ``count`` such instances fit in the quota. Only reads.

        ``growth``: what else the task takes of it. Raises SelectionError for an unknown or ambiguous name,
        OverAllocation if they do not fit.
        """

    def require_room(self, flavor: Flavor | None, growth: Growth) -> None:
        """Raise OverAllocation if changes of instances that are there do not fit in the quota. Only reads.

        ``flavor``: the one that instances are resized to; None if it is not known.
        """

    def launch(self, recipe: LaunchRecipe, launch: Launch) -> Instance:
        """Request one instance, once: a request that may have been carried out is not sent again."""

    def find(self, launches: Sequence[Launch]) -> Mapping[str, Instance]:
        """Return the instances that these requests launched, by token, from no cache."""

    def assign_addresses(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> Mapping[str, AssignedAddress | JetstreamError]:
        """Give each instance the floating IP that the options name, unless it has one. Returns the address by uuid."""

    def preview_addresses(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> Mapping[str, AssignedAddress | JetstreamError]:
        """Return what ``assign_addresses`` would return. Only reads."""

    def change_refusal(self, instance: Instance, change: Change) -> str | None:
        """Return why the cloud would refuse a change of an instance as it is now, a clause; None if it would not."""

    def change(self, instance: Instance, change: Change) -> None:
        """Change an instance in place. A resize is requested only: it has to be waited for, and confirmed."""

    def security_group_names(self, groups: Sequence[str]) -> Sequence[str]:
        """Return the names of security groups that are given by name or UUID."""

    def delete(self, instance: Instance) -> None:
        """Request the deletion of an instance. One that is gone already is no error."""

    def floating_addresses(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[FloatingAddress]]:
        """Return the floating IPs of instances by uuid."""

    def left_addresses(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[FloatingAddress]]:
        """Return the floating IPs that were made for instances, and are attached to nothing, by uuid."""

    def is_unattached(self, address: FloatingAddress) -> bool:
        """Return whether a floating IP is there, and no instance has it."""

    def unattached_addresses(self) -> Sequence[UnattachedAddress]:
        """Return the floating IPs of the account that are attached to nothing; none where the cloud takes them back."""

    def release(self, address: FloatingAddress) -> None:
        """Give a floating IP back to the cloud."""

    def with_volumes(self, instances: Sequence[Instance]) -> list[Instance]:
        """Return instances with the volumes that they have in their ``facts``, which no list may have had."""

    def can_detach(self, instance: Instance) -> bool:
        """Return whether the cloud would detach a volume from an instance as it is now."""

    def detach(self, instance: Instance, volume: str) -> None:
        """Request that a volume is detached from an instance."""

    def volume_status(self, instance: Instance, volume: str) -> str | None:
        """Return the status of a volume that an instance has, or had; None if there is no such volume."""

    def delete_volume(self, instance: Instance, volume: str) -> None:
        """Request the deletion of a volume that an instance had, and that is attached to nothing."""


class VolumeStore(Protocol):
    """Creates, changes, attaches and deletes the volumes of a cloud. Every method may raise any JetstreamError.

    A change is requested once; it is done when the volume shows it. ``unsupported``: the options, and "grow", that the
    cloud does not have, with the reason, a sentence.
    """

    unsupported: Mapping[str, str]

    def get(self, volume: Volume) -> Volume:
        """Return a volume in its present state, from no cache. Raises NotFound if the cloud no longer has it."""

    def prepare(self, options: VolumeOptions, volumes: Sequence[Volume]) -> VolumeRequest:
        """Return the request that creates a volume. Only reads. ``volumes``: all that the account can see.

        Raises SelectionError for an unknown project or provider, OverAllocation if the quota does not allow it.
        """

    def growth_refusal(self, *, gigabytes: int, snapshots: int) -> str | None:
        """Return why so much more does not fit in the quota, a clause with a stop; None if it does."""

    def create(self, request: VolumeRequest) -> Volume:
        """Request a volume. There is no token that keeps two requests from making two."""

    def extend(self, volume: Volume, size: int) -> None:
        """Request that a volume grows to ``size`` GB."""

    def describe(self, volume: Volume, description: str) -> None:
        """Replace the description of a volume."""

    def attach_refusal(self, volume: Volume, instance: Instance) -> str | None:
        """Return why a volume cannot be attached to an instance now, or None. The reason follows "web: "."""

    def attach(self, volume: Volume, instance: Instance, device: str | None) -> None:
        """Request that a volume is attached. ``device`` is no more than a wish."""

    def detach_refusal(self, instance: Instance) -> str | None:
        """Return why nothing can be detached from an instance now, or None. The reason follows "web: "."""

    def detach(self, volume: Volume, instance_uuid: str) -> None:
        """Request that a volume is detached from an instance."""

    def stale_attachments(self, volume: Volume) -> Sequence[str]:
        """Return the ids of attachments to instances that are gone, which keep a volume reserved."""

    def remove_attachment(self, volume: Volume, attachment: str) -> None:
        """Remove a stale attachment."""

    def list_snapshots(self, volume: Volume | None = None) -> Sequence[Snapshot]:
        """Return the snapshots of a volume, or all."""

    def create_snapshot(self, volume: Volume, name: str) -> None:
        """Request a snapshot of a volume, attached or not."""

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        """Request the deletion of a snapshot. One that is gone already is no error."""

    def delete(self, volume: Volume) -> None:
        """Request the deletion of a volume. One that is gone already is no error."""


class AccessStore(Protocol):
    """The key pairs of the user and the security groups of the project. Every method may raise any JetstreamError."""

    def get_key(self, name: str) -> KeyPair | None:
        """Return the key pair of a name."""

    def import_key(self, name: str, public_key: str) -> KeyPair:
        """Import a public key. Raises Conflict if there is one of that name."""

    def require_room_for_key(self) -> None:
        """Raise OverAllocation if the quota does not allow another key pair. Only reads."""

    def delete_key(self, name: str) -> None:
        """Delete a key pair. One that is gone already is no error."""

    def list_keys(self) -> list[KeyPair]:
        """Return all key pairs, by name."""

    def list_groups(self, name: str | None = None) -> list[SecurityGroup]:
        """Return the security groups that have a name or UUID, or all, by name."""

    def require_room_for_groups(self, groups: int, rules: int) -> None:
        """Raise OverAllocation if so many more security groups and rules do not fit in the quota. Only reads."""

    def create_group(self, name: str, description: str) -> SecurityGroup:
        """Create a security group, with the rules that the cloud gives to each."""

    def describe_group(self, group: SecurityGroup, description: str) -> None:
        """Replace the description of a security group."""

    def users_of_group(self, group: SecurityGroup) -> Sequence[str]:
        """Return the uuids of the instances that have a security group, and of other ports with it."""

    def delete_group(self, group: SecurityGroup) -> None:
        """Delete a security group. Raises Conflict while an instance has it. One that is gone already is no error."""

    def add_rule(self, group: SecurityGroup, rule: SecurityRule) -> None:
        """Add a rule. One that is there already is no error."""

    def remove_rule(self, rule: SecurityRule) -> None:
        """Remove a rule. One that is gone already is no error."""


class ImageStore(Protocol):
    """Makes images of instances, and changes and deletes them. Every method may raise any JetstreamError.

    Only images of the account's own project are returned, changed and deleted. ``reserved``: the names of properties
    that users cannot set.
    """

    reserved: frozenset[str]

    def list_images(self, called: str) -> Sequence[ProjectImage]:
        """Return the project's own images of a name or UUID, unfinished ones too, from no cache."""

    def shelved_images(self) -> Sequence[ProjectImage]:
        """Return the project's images that the cloud made to shelve an instance, each with that instance."""

    def create(self, instance: Instance, name: str, properties: Mapping[str, str], token: str) -> None:
        """Request an image of an instance, once. ``token``: the mark by which its request is known."""

    def change(self, image: ProjectImage, change: ImageChange) -> None:
        """Change an image in place."""

    def members(self, image: ProjectImage) -> Sequence[str]:
        """Return the projects that an image is shared with."""

    def add_member(self, image: ProjectImage, project: str) -> None:
        """Share an image with a project. One that has it already is no error."""

    def remove_member(self, image: ProjectImage, project: str) -> None:
        """Share an image with a project no longer. One that does not have it is no error."""

    def delete(self, image: ProjectImage) -> None:
        """Request the deletion of an image. One that is gone already is no error."""

    def snapshot_status(self, uuid: str) -> str | None:
        """Return the status of a snapshot of a volume; None if there is no such snapshot."""

    def delete_snapshot(self, uuid: str) -> None:
        """Request the deletion of a snapshot of a volume. One that is gone already is no error."""


class ProjectStore(Protocol):
    """Makes, changes and deletes the projects of a user. Every method may raise any JetstreamError."""

    def list_projects(self) -> Sequence[ProjectDetails]:
        """Return the projects that the account can see, those of others who share them as well."""

    def groups(self) -> Sequence[str]:
        """Return the names of the groups that the user is in, and that projects can belong to."""

    def create(self, name: str, description: str, owner: str | None) -> ProjectDetails:
        """Request a project, once. ``owner``: the group that it belongs to, or None for the user's own."""

    def change(self, project: ProjectDetails, *, name: str | None, description: str | None) -> ProjectDetails:
        """Replace the name or the description of a project, or both. None: stays."""

    def delete(self, project: ProjectDetails) -> None:
        """Delete a project that is empty. One that is gone already is no error."""


class Consoles(Protocol):
    """The consoles of instances. Every method may raise any JetstreamError, and changes no instance.

    ``kinds``: of addresses, the preferred one first. ``unsupported``: "text" or a kind that the cloud does not have,
    with the reason, a sentence.
    """

    kinds: Sequence[str]
    unsupported: Mapping[str, str]

    def url(self, instance: Instance, kinds: Sequence[str]) -> ConsoleUrl:
        """Return the address of the first of these kinds that the site has."""

    def text(self, instance: Instance, lines: int) -> str:
        """Return the last lines on the console, or a few more."""


class Cloud(Protocol):
    """A cloud that has instances and volumes. Every method may raise any JetstreamError.

    ``max_concurrency`` is the greatest number of requests under way at the same time.
    """

    max_concurrency: int

    def unsupported_actions(self, instance: Instance) -> Mapping[Action, str]:
        """Return the actions that an instance does not support, with the reason, which follows "it is shelved, and"."""

    @property
    def settle_seconds(self) -> float:
        """Seconds for which a started instance that kept its address may appear ready before its deployment."""

    @property
    def no_address_seconds(self) -> float:
        """Seconds for which a started instance without an address may appear ready before it gets one."""

    @property
    def first_poll_seconds(self) -> float:
        """Seconds after an action, before which a poll is not worth its cost to the cloud."""

    @property
    def polls_are_current(self) -> bool:
        """Whether a poll shows states as they are now, and not as the cloud knew them a while ago."""

    def account(self) -> CloudAccount:
        """Return the account of the login. Its ``user`` is the ``owner`` of its own instances and volumes."""

    def list_instances(
        self,
        *,
        live: bool,
        images: bool = True,
        all_images: bool = False,
        wanted: Callable[[Instance], bool] | None = None,
        unreadable: bool = False,
    ) -> list[Instance]:
        """Return every instance that the account can see, by number.

        With ``live``, states are read from the cloud itself; without, they may be as old as the cloud's database is.
        If that fails for some instances, these have a ``read_error``. ``images``: whether to read the names of images.
        ``wanted``: the instances for which live states and images are read; it is called before these are known.
        ``all_images``: whether to read the names of the images of the others as well. ``unreadable``: whether to return
        rows that cannot be read as well, at the end, each with a ``read_error``, and with UNKNOWN in the place of a
        missing number or UUID.
        """

    def list_volumes(
        self, *, live: bool, wanted: Callable[[Volume], bool] | None = None, strict: bool = False
    ) -> list[Volume]:
        """Return every volume that the account can see, by number; with ``live``, with status and attachments.

        ``wanted``: the volumes for which these are read. ``strict``: raise UnexpectedResponse if one of them may be in
        a row that cannot be parsed.
        """

    def volume_store(self) -> VolumeStore:
        """Return the part of the interface that changes volumes."""

    def access_store(self) -> AccessStore:
        """Return the part of the interface that has key pairs and security groups.

        Raises ConfigurationError if the cloud has neither.
        """

    def image_store(self) -> ImageStore:
        """Return the part of the interface that makes images. Raises ConfigurationError if users cannot make any."""

    def project_store(self) -> ProjectStore:
        """Return the part of the interface that makes projects. Raises ConfigurationError if users cannot make any."""

    def catalog(self) -> Catalog:
        """Return the part of the interface that reads what launches can name, and the limits of the account."""

    def list_allocation_sources(self) -> list[AllocationSource]:
        """Return the allocations that can pay for the account's instances."""

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        """Return the periods in which the account's instances had a state, deleted instances among them.

        Instances that were deleted before ``since`` may be left out, and those that are not ``wanted``.
        """

    def get_instance(self, instance: Instance) -> Instance:
        """Return one instance in its present state, from no cache.

        Raises NotFound if the cloud no longer has it.
        """

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        """Read the state of many instances at once, in the way that costs the cloud least.

        Where that is a list from a cache, ``may_be_old`` says so, and a poll right after it returns present states.

        Returns each by its uuid, or the error that prevented it this time; one that is gone from the cloud has the
        status ``missing``. If many would cost the cloud much, only the first of them may be read, unless ``thorough``.
        An error that ends a run (see FATAL_ERRORS) is raised, or, if some instances were read, is among the values.
        """

    def act(self, instance: Instance, action: Action) -> None:
        """Request an action. Returns when the cloud has accepted it, long before it is done."""

    def console_outputs(self, instances: Sequence[Instance], lines: int) -> Mapping[str, str]:
        """Return the last lines of the consoles of instances, by their uuids. Reads each of them by one request.

        Instances whose console cannot be read are left out, and so are all of a cloud that has no consoles.
        """

    def consoles(self) -> Consoles:
        """Return the part of the interface that opens consoles."""

    def metadata_refusal(self, instance: Instance) -> str | None:
        """Return why the metadata of an instance cannot be changed now, or None. The reason follows "web: "."""

    def set_metadata(self, instance: Instance, key: str, value: str | None) -> None:
        """Set one key of the metadata of an instance, or remove it (None). All other keys stay as they are.

        To be called if there is no ``metadata_refusal`` alone. Raises Conflict if the state has changed since.
        """

    def restore(self, instances: Sequence[Instance]) -> tuple[Sequence[Instance], Sequence[str]]:
        """Restore what an earlier run changed and did not restore, such as a lock that was lifted.

        Returns all instances as they are then, and a sentence for each that was restored.
        """

    def failure_reason(self, instance: Instance) -> str | None:
        """Return the reason why the last action on an instance failed, if the cloud knows it."""

    def limit(self, until: float | None) -> None:
        """Set the time by which every request that begins from now on must have ended; None for no such time.

        ``until`` is a time of the clock's ``monotonic()``. It holds for retries, pauses and logins as well. A request
        that is cut off by it raises Unreachable; one that would begin later is not sent, and raises Unreachable with
        ``unsent``.
        """

    def launcher(self) -> Launcher:
        """Return the part of the interface that launches and deletes instances."""

    def take_warnings(self) -> Sequence[str]:
        """Return a sentence for each unreadable part of the responses, each of them once."""

    def close(self) -> None:
        """Close all connections."""
