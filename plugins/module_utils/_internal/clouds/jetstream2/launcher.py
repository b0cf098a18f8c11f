# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches, changes and deletes servers at Jetstream2. Facts: docs/jetstream2.md, Launching."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from ...clock import Clock
from ...errors import (
    Conflict,
    JetstreamError,
    NotFound,
    Refused,
    SelectionError,
    UnexpectedResponse,
)
from ...flavors import can_resize
from ...model import (
    NO_GROWTH,
    AssignedAddress,
    Change,
    ChangeKind,
    Flavor,
    FloatingAddress,
    Growth,
    Identity,
    Image,
    Instance,
    Launch,
    LaunchFacts,
    LaunchOptions,
    LaunchRecipe,
    Project,
    Provider,
    UnattachedAddress,
)
from ...parallel import in_parallel
from ...resending import Resender
from ...text.taken import LONGEST_TEXT, METADATA_KEY_HINT, is_metadata_key, is_printable
from ...text.terminal import one_line
from ..json_values import Json, UnreadableRow, mapping, rows, text, uuid_of, word
from ..quotas import require_room_to_change, require_room_to_launch
from ..row_lists import Reading
from .access_store import key_rows
from .address_choices import AddressChoice, choose_address
from .api import COMPUTE, Api, object_in, rows_in
from .catalog import flavor_rows, floating_ip_rows, network_rows
from .login import Account, Session
from .lookups import (
    AUTO_NETWORK,
    choose_external_network,
    choose_flavor,
    choose_image,
    choose_network,
    choose_security_groups,
    flavor_of,
    id_of,
    require_active,
    require_fit,
    require_key,
)
from .parsing import GROUP_KEY, IMAGE_KEY, LAUNCH_TAG, MADE_FOR, instance_from_nova
from .quotas import (
    address_shortfalls,
    compute_shortfalls,
    metadata_shortfalls,
    network_quota_path,
    volume_shortfalls,
)
from .volume_store import detach_refusal

# Nova's maximum length of user data, in base64.
_LONGEST_USER_DATA = 65535
# The number of metadata keys that mark a launch: GROUP_KEY and IMAGE_KEY.
_MARKS = 2
# The number of characters of an invalid key in a message.
_SHOWN = 40
# The number of IDs or tags in one URL: all web servers accept URLs of that length.
_IN_ONE_URL = 40
# Seconds for the request of a floating IP, including the reads and retries after a lost response.
_ADDRESS_SECONDS = 120.0
# The version in the metadata of Exosphere's own launches (docs/jetstream2.md, Launching).
_EXOSPHERE_VERSION = "6"
# The statuses in which nova accepts changes of metadata, and resizes.
_METADATA_STATUSES = frozenset({"active", "paused", "suspended", "shutoff"})
_RESIZE_STATUSES = frozenset({"active", "shutoff"})
_OF_ATMOSPHERE = (
    "it is Atmosphere's: at Jetstream2, the login has one project, and its flavor decides which allocation pays"
)


class Jetstream2Launcher:
    """The launcher of one project. May be used by many threads at once."""

    unsupported: Mapping[str, str] = {"identity": _OF_ATMOSPHERE, "allocation_source": _OF_ATMOSPHERE}
    sets_up = False
    gives_addresses = False

    def __init__(self, session: Session, account: Account, clock: Clock, *, max_concurrency: int) -> None:
        """Send nothing yet."""
        self._api = Api(session)
        self._account = account
        self._clock = clock
        self._max_concurrency = max_concurrency
        self._external: str | None = None
        self._offered: list[Json] = []
        self._automatic: str | None = None
        self._lock = threading.Lock()

    # --- before a launch

    def check(self, options: LaunchOptions) -> None:
        """Check the user data, the metadata and the description by nova's limits. See Launcher."""
        _check_metadata(options.metadata or {})
        if len(options.description or "") > LONGEST_TEXT:
            raise SelectionError(f"description: it is too long. The maximum of nova is {LONGEST_TEXT} characters.")
        # Nova's pattern accepts a line break at the end, which YAML adds to a block.
        if not is_printable((options.description or "").removesuffix("\n")):
            raise SelectionError(
                "description: nova takes one line of printable characters, without line breaks, tabs and emoji."
            )
        _encoded("user_data", options.user_data)
        for name, each in options.user_data_by_name.items():
            _encoded(f"user_data_by_name of {name}", each)

    def prepare(self, options: LaunchOptions, count: int, growth: Growth = NO_GROWTH) -> LaunchRecipe:
        """Look up what the options name, and check the quotas. See Launcher."""
        with _readable("Looking up what to launch"):
            return self._prepared(options, count, growth)

    def _prepared(self, options: LaunchOptions, count: int, growth: Growth) -> LaunchRecipe:
        if options.image is None or options.flavor is None:
            missing = " and ".join(name for name in ("image", "flavor") if getattr(options, name) is None)
            raise SelectionError(f"To launch an instance, set {missing}.")
        self._require_project(options)
        user_data = _encoded("user_data", options.user_data)
        image, flavors, networks, groups, keys = self._looked_up(options)
        flavor = flavor_of(flavor_row := choose_flavor(flavors, options.flavor))
        require_fit(image, flavor, options.boot_volume)
        network = choose_network(networks, options.network, self._account.project_id)
        if options.wants_address:
            self._external = choose_external_network(networks)
        if options.key_name is not None and options.public_key is None:
            require_key(keys, options.key_name)
        self._require_quota(options, flavor, count, growth)
        if network is None:
            self._require_automatic_network()
        body: dict[str, Any] = {
            "flavorRef": id_of(flavor_row),
            # Without a network, nova's own choice fails for a project with several networks.
            "networks": [{"uuid": uuid_of(network, "id")}] if network else [],
            "metadata": {**self._exosphere_marks(options), **(options.metadata or {})},
            **_source(image, options),
        }
        if options.key_name is not None:
            body["key_name"] = options.key_name
        if options.security_groups is not None:
            found = choose_security_groups(groups, options.security_groups)
            body["security_groups"] = [{"name": each} for each in dict.fromkeys(found)]
        if user_data is not None:
            body["user_data"] = user_data
        if options.description is not None:
            body["description"] = options.description
        named = Image(name=text(image.get("name")) or "", uuid=uuid_of(image, "id"))
        return LaunchRecipe(options, flavor, named, body)

    def _require_project(self, options: LaunchOptions) -> None:
        """Raise SelectionError if the options name another project than that of the login."""
        if options.project not in (None, self._account.project_name, self._account.project_id):
            raise SelectionError(
                f"project: the login is for {self._account.project_name}, not for {options.project}.",
                hint="Use an application credential of that project.",
            )

    def _flavors(self) -> list[Json]:
        if not self._offered:
            self._offered = flavor_rows(self._api)
        return self._offered

    def _groups(self) -> list[Json]:
        path = "/v2.0/security-groups?fields=id&fields=name"
        task = "Listing security groups"
        return rows_in(self._api.get("network", path, task), "security_groups", task)

    def _looked_up(
        self, options: LaunchOptions
    ) -> tuple[Json, Sequence[Json], Sequence[Json], Sequence[Json], Sequence[Json]]:
        """Read the image, and the rows of flavors, networks, security groups and key pairs, in parallel.

        Security groups and key pairs are empty if the options need none.
        """
        image: list[Json] = []
        found: dict[str, list[Json]] = {"flavors": [], "networks": [], "groups": [], "keys": []}

        def flavors() -> None:
            found["flavors"] = self._flavors()

        def networks() -> None:
            found["networks"] = self._networks()

        def groups() -> None:
            found["groups"] = self._groups()

        def keys() -> None:
            found["keys"] = rows(key_rows(self._api))

        work: list[Callable[[], None]] = [lambda: image.append(self._image(options.image or "")), flavors, networks]
        work += [groups] if options.security_groups else []
        work += [keys] if options.key_name is not None and options.public_key is None else []
        in_parallel(lambda read: read(), work, self._max_concurrency)
        return image[0], found["flavors"], found["networks"], found["groups"], found["keys"]

    def _image(self, name: str) -> Json:
        """Return the row of the image of a name, or else of an id, whoever owns it. Raises SelectionError."""
        # Without further filters, glance omits community images and hidden images.
        found = self._images(name, sort="created_at:desc")
        if found:
            return choose_image(found, name, self._account.project_id)
        try:
            image = mapping(self._api.get("image", f"/v2/images/{quote(name, safe='')}", f"Reading image {name}"))
        except (NotFound, Refused):
            pass
        else:
            require_active(image, name)
            return image
        # These images only explain in the error why the name was not found.
        community = self._images(name, visibility="community")
        hidden = self._images(name, os_hidden="true")
        return choose_image([*community, *hidden], name, self._account.project_id)

    def _images(self, name: str, **filters: str) -> list[Json]:
        query = urlencode({"name": name, **filters, "limit": "100"})
        task = "Listing images"
        return rows_in(self._api.get("image", f"/v2/images?{query}", task), "images", task)

    def _networks(self) -> list[Json]:
        return rows(network_rows(self._api))

    def _require_automatic_network(self) -> None:
        """Raise any JetstreamError if neutron could not create AUTO_NETWORK."""
        path = f"/v2.0/auto-allocated-topology/{self._account.project_id}?fields=dry-run"
        self._api.get("network", path, f"Checking for {AUTO_NETWORK}")

    def _automatic_network(self) -> str:
        """Return the id of AUTO_NETWORK. Neutron creates it by this GET, with its router, if it is missing."""
        with self._lock:
            if self._automatic is None:
                path = f"/v2.0/auto-allocated-topology/{self._account.project_id}"
                body = self._api.get("network", path, f"Making {AUTO_NETWORK}")
                self._automatic = uuid_of(mapping(mapping(body).get("auto_allocated_topology")), "id")
            return self._automatic

    def _exosphere_marks(self, options: LaunchOptions) -> dict[str, str]:
        """Return the metadata by which Exosphere recognizes a server as its own.

        An open Exosphere would create a floating IP for a new server, unless the metadata disable that.
        """
        if not options.exosphere:
            return {}
        return {
            "exoServerVersion": _EXOSPHERE_VERSION,
            "exoCreatorUsername": self._account.user_name,
            "exoFloatingIpOption": "doNotUseFloatingIp",
        }

    def require_room(self, flavor: Flavor | None, growth: Growth) -> None:
        """Check the quotas of nova and of floating IPs. See Launcher."""
        readings: list[Callable[[], list[str]]] = []
        if growth.resized:
            readings.append(lambda: compute_shortfalls(self._api.quota("compute", "/limits"), flavor, 0, growth))
        if growth.addresses:
            readings.append(lambda: self._address_shortfalls(growth.addresses))
        require_room_to_change(self._all_of(readings))

    def _address_shortfalls(self, count: int) -> list[str]:
        return address_shortfalls(self._api.quota("network", network_quota_path(self._account.project_id)), count)

    def _all_of(self, readings: Sequence[Callable[[], list[str]]]) -> list[str]:
        """Return the clauses of all quotas, which are read in parallel."""
        return [each for found in in_parallel(lambda read: read(), readings, self._max_concurrency) for each in found]

    def _require_quota(self, options: LaunchOptions, flavor: Flavor, count: int, growth: Growth) -> None:
        """Raise OverAllocation if ``count`` instances do not fit. Ignores quotas that cannot be read, see Api."""
        items = len({**self._exosphere_marks(options), **(options.metadata or {})}) + _MARKS

        def of_compute() -> list[str]:
            body = self._api.quota("compute", "/limits")
            return [*compute_shortfalls(body, flavor, count, growth), *metadata_shortfalls(body, items)]

        readings: list[Callable[[], list[str]]] = [of_compute]
        boot = options.boot_volume
        if boot is not None:
            readings.append(lambda: volume_shortfalls(self._api.quota("volumev3", "/limits"), boot, count))
        if options.floating_ip == "auto":
            readings.append(lambda: self._address_shortfalls(count + growth.addresses))
        require_room_to_launch(self._all_of(readings), count + len(growth.replaced))

    # --- launching

    def launch(self, recipe: LaunchRecipe, launch: Launch) -> Instance:
        """Request one server. The request includes our marks, since nova may refuse them later. See Launcher."""
        marks = {GROUP_KEY: launch.group, IMAGE_KEY: recipe.options.image or ""}
        metadata = {**mapping(recipe.body.get("metadata")), **marks}
        server = {**recipe.body, "name": launch.name, "metadata": metadata, "tags": [f"{LAUNCH_TAG}{launch.token}"]}
        if not server["networks"]:
            with _readable(f"Making {AUTO_NETWORK}"):
                server["networks"] = [{"uuid": self._automatic_network()}]
        if launch.name in recipe.options.user_data_by_name:
            server["user_data"] = _encoded("user_data_by_name", recipe.options.user_data_by_name[launch.name])
        task = f"Launch of {launch.name}"
        body = mapping(self._api.send("POST", "compute", "/servers", task, {"server": server}, once=True))
        with _readable(task):
            return self._launched(uuid_of(mapping(body.get("server")), "id"), recipe, launch)

    def _launched(self, server_id: str, recipe: LaunchRecipe, launch: Launch) -> Instance:
        account = self._account
        return Instance(
            id=server_id,
            uuid=server_id,
            name=launch.name,
            status="build",
            activity="scheduling",
            live=True,
            flavor=recipe.flavor,
            provider=Provider(name=account.region, uuid=account.region),
            identity=Identity(name=account.user_name, uuid=account.user_id),
            user=account.user_name,
            owner=account.user_name,
            image=recipe.image,
            project=Project(name=account.project_name, uuid=account.project_id),
            facts=LaunchFacts(group=launch.group, token=launch.token, has_run=False),
        )

    def find(self, launches: Sequence[Launch]) -> Mapping[str, Instance]:
        """Find servers by the tags of their launches. See Launcher."""
        tokens = [each.token for each in launches]
        found: dict[str, Instance] = {}
        for group in _groups(tokens):
            tags = ",".join(f"{LAUNCH_TAG}{each}" for each in group)
            task = "Searching launched instances"
            listed = self._api.rows(
                "compute", "/servers/detail", "servers", task, {"tags-any": tags}, microversion=COMPUTE
            )
            reading = Reading.of(listed, lambda row: instance_from_nova(row, self._account))
            # Releases of nova without this filter return all servers.
            ours = {each.facts.token or "": each for each in reading.made if each.facts.token in group}
            missing = [each for each in launches if each.token in group and each.token not in ours]
            if any(_may_be(row, each) for row, _why in reading.left_out for each in missing):
                raise UnexpectedResponse(f"{task} failed: a row of the response cannot be parsed.")
            found |= ours
        return found

    # --- floating IPs

    def assign_addresses(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> Mapping[str, AssignedAddress | JetstreamError]:
        """Give each server a floating IP, based on neutron's present ports and addresses. See Launcher."""
        read = self._resender().read
        if self._external is None:
            with _readable("Listing networks"):
                self._external = choose_external_network(read(self._networks))
        choices = read(lambda: self._address_choices(options, instances))

        def assign(instance: Instance) -> AssignedAddress | JetstreamError:
            try:
                with _readable(f"A floating IP for {instance.label}"):
                    return self._assign(instance, choices[instance.uuid])
            except JetstreamError as error:
                return error

        found = in_parallel(assign, instances, self._max_concurrency)
        return {each.uuid: address for each, address in zip(instances, found, strict=True)}

    def preview_addresses(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> Mapping[str, AssignedAddress | JetstreamError]:
        """Return the floating IPs that ``assign_addresses`` would give. See Launcher."""
        if not instances:
            return {}
        choices = self._address_choices(options, instances)
        return {uuid: each if isinstance(each, JetstreamError) else each.foreseen for uuid, each in choices.items()}

    def _address_choices(
        self, options: LaunchOptions, instances: Sequence[Instance]
    ) -> dict[str, AddressChoice | JetstreamError]:
        """Return the choice of a floating IP for each server, by its uuid."""
        with _readable("Listing floating IPs"):
            ports, addresses = self._ports(instances), self._floating_rows()
            return {each.uuid: choose_address(options, each, ports.get(each.uuid, []), addresses) for each in instances}

    def _assign(self, instance: Instance, choice: AddressChoice | JetstreamError) -> AssignedAddress:
        """Carry out a choice. Raises any JetstreamError, with ``changed`` if an address was detached before."""
        if isinstance(choice, JetstreamError):
            raise choice
        if not choice.foreseen.is_new:
            return choice.foreseen
        if choice.row is None:
            return AssignedAddress(self._new_address(instance, choice.port), is_new=True)
        if choice.replaces_present:
            # A port can have only one floating IP.
            self._detach_addresses(instance, f"Detaching the floating IP of {instance.label}")
        try:
            return AssignedAddress(self._attach(choice.row, instance, choice.port), is_new=True)
        except JetstreamError as error:
            error.changed = choice.replaces_present
            raise

    def _attach(self, row: Json, instance: Instance, port: str) -> str:
        path = f"/v2.0/floatingips/{uuid_of(row, 'id')}"
        task = f"Attaching {text(row.get('floating_ip_address'))} to {instance.label}"

        def attach() -> Json:
            return mapping(self._api.send("PUT", "network", path, task, {"floatingip": {"port_id": port}}))

        return self._until_attached(attach, port)

    def _new_address(self, instance: Instance, port: str) -> str:
        """Create a floating IP at a port by one request, so that a failure leaves no unattached one."""
        task = f"A floating IP for {instance.label}"
        wanted = {
            "floating_network_id": self._external,
            "port_id": port,
            "description": f"{MADE_FOR}{instance.uuid}",
        }

        def make() -> Json:
            return mapping(
                self._api.send("POST", "network", "/v2.0/floatingips", task, {"floatingip": wanted}, once=True)
            )

        return self._until_attached(make, port)

    def _until_attached(self, request: Callable[[], Json], port: str) -> str:
        """Send a request, and return the address. Before each retry, reads the port's floating IPs.

        A retry after a lost response could otherwise create a second one.
        """

        def find() -> str | None:
            found = [each for each in self._floating_rows(port) if text(each.get("port_id")) == port]
            return (text(found[0].get("floating_ip_address")) or "") if found else None

        def send() -> str:
            try:
                return text(mapping(request().get("floatingip")).get("floating_ip_address")) or ""
            except Conflict:
                # Another run may have attached one at the same time.
                found = find()
                if found is None:
                    raise
                return found

        return self._resender().send(send, find)

    def _resender(self) -> Resender:
        latest = self._clock.monotonic() + _ADDRESS_SECONDS
        return Resender(self._clock, min(latest, self._api.deadline))

    def _floating_rows(self, port: str | None = None) -> list[Json]:
        return rows(floating_ip_rows(self._api, {"port_id": port} if port else None))

    def _ports(self, instances: Sequence[Instance]) -> dict[str, list[Json]]:
        """Return neutron's rows of ports, by the server's id, those with an IPv4 address first."""
        task = "Listing ports"
        found: dict[str, list[Json]] = {}
        for group in _groups([each.uuid for each in instances]):
            path = f"/v2.0/ports?{urlencode([('device_id', each) for each in group])}"
            for row in rows_in(self._api.get("network", path, task), "ports", task):
                found.setdefault(text(row.get("device_id")) or "", []).append(row)
        return {each: sorted(ports, key=_has_no_ipv4) for each, ports in found.items()}

    def floating_addresses(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[FloatingAddress]]:
        """Return the floating IPs of servers, from neutron. See Launcher."""
        if not instances:
            return {}
        with _readable("Listing floating IPs"):
            return self._addresses_by_server(instances)

    def _addresses_by_server(self, instances: Sequence[Instance]) -> dict[str, list[FloatingAddress]]:
        owners = {uuid_of(port, "id"): server for server, ports in self._ports(instances).items() for port in ports}
        found: dict[str, list[FloatingAddress]] = {}
        for row in self._floating_rows():
            server = owners.get(text(row.get("port_id")) or "")
            if server is not None:
                made = text(row.get("description")) == f"{MADE_FOR}{server}"
                address = FloatingAddress(uuid_of(row, "id"), text(row.get("floating_ip_address")) or "", made)
                found.setdefault(server, []).append(address)
        return found

    def left_addresses(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[FloatingAddress]]:
        """Return the floating IPs without a port whose description marks them as made for servers. See Launcher."""
        marks = {f"{MADE_FOR}{each.uuid}": each.uuid for each in instances}
        found: dict[str, list[FloatingAddress]] = {}
        with _readable("Listing floating IPs"):
            for row in self._floating_rows():
                server = marks.get(text(row.get("description")) or "")
                if server is not None and row.get("port_id") is None:
                    address = FloatingAddress(uuid_of(row, "id"), text(row.get("floating_ip_address")) or "", True)
                    found.setdefault(server, []).append(address)
        return found

    def is_unattached(self, address: FloatingAddress) -> bool:
        """Return whether a floating IP exists, and has no port. See Launcher."""
        task = f"Reading {address.address}"
        try:
            body = self._api.get("network", f"/v2.0/floatingips/{address.id}", task)
        except NotFound:
            return False
        return object_in(body, "floatingip", task).get("port_id") is None

    def unattached_addresses(self) -> Sequence[UnattachedAddress]:
        """Return the project's floating IPs without a port. See Launcher."""
        account = self._account.project_id
        with _readable("Listing floating IPs"):
            return [
                UnattachedAddress(
                    uuid=uuid_of(row, "id"),
                    address=text(row.get("floating_ip_address")) or "",
                    release=f"openstack floating ip delete {uuid_of(row, 'id')}",
                    created=text(row.get("created_at")),
                )
                for row in self._floating_rows()
                if not row.get("port_id") and row.get("project_id", account) == account
            ]

    def release(self, address: FloatingAddress) -> None:
        """Delete a floating IP. See Launcher."""
        self._delete("network", f"/v2.0/floatingips/{address.id}", f"Release of {address.address}")

    # --- changing

    def change_refusal(self, instance: Instance, change: Change) -> str | None:
        """Return why nova would refuse a change of a server, or accept it without effect. See Launcher."""
        if change.kind in (ChangeKind.METADATA, ChangeKind.FLAVOR) and instance.activity:
            return f"the cloud is changing it ({instance.activity})"
        if change.kind is ChangeKind.METADATA and instance.status not in _METADATA_STATUSES:
            return f"it is {instance.status}"
        return self._resize_refusal(instance, change.after) if change.kind is ChangeKind.FLAVOR else None

    def _resize_refusal(self, instance: Instance, wanted: str) -> str | None:
        if instance.status not in _RESIZE_STATUSES:
            return f"it is {instance.status}"
        for name in (instance.flavor.name, wanted):
            if not can_resize(name):
                return f"a flavor with whole GPUs cannot be resized ({name})"
        flavor = flavor_of(choose_flavor(self._flavors(), wanted))
        disk = instance.flavor.disk or 0
        if instance.image is not None and flavor.disk is not None and flavor.disk < disk:
            return f"its disk has {disk} GB and cannot shrink to the {flavor.disk} GB of {wanted}"
        return None

    def change(self, instance: Instance, change: Change) -> None:
        """Change a server in place. See Launcher."""
        path, task = f"/servers/{instance.uuid}", f"{change.kind.capitalize()} of {instance.label}"
        match change.kind:
            case ChangeKind.NAME:
                self._api.send("PUT", "compute", path, task, {"server": {"name": change.after}})
            case ChangeKind.DESCRIPTION:
                self._api.send("PUT", "compute", path, task, {"server": {"description": change.after}})
            case ChangeKind.METADATA:
                # Adds and replaces only these keys.
                self._api.send("POST", "compute", f"{path}/metadata", task, {"metadata": dict(change.values)})
            case ChangeKind.SECURITY_GROUPS:
                self._change_groups(instance, list(change.values), task)
            case ChangeKind.ADDRESS:
                self._detach_addresses(instance, task)
            case ChangeKind.FLAVOR:
                with _readable(task):
                    flavor = id_of(choose_flavor(self._flavors(), change.after))
                self._api.send("POST", "compute", f"{path}/action", task, {"resize": {"flavorRef": flavor}}, once=True)
            case ChangeKind.CONFIRM:
                self._api.send("POST", "compute", f"{path}/action", task, {"confirmResize": None}, once=True)
            case ChangeKind.LOCK | ChangeKind.UNLOCK:
                self._api.send("POST", "compute", f"{path}/action", task, {change.kind.value: None})

    def security_group_names(self, groups: Sequence[str]) -> Sequence[str]:
        """Return the names of security groups by name or UUID. See Launcher."""
        listed = self._groups()
        ids = choose_security_groups(listed, groups)
        names = {text(each.get("id")): text(each.get("name")) for each in listed}
        found = [name for each in ids if (name := names[each])]
        if len(found) < len(ids):
            raise UnexpectedResponse("Listing security groups failed: a group in the response has no name.")
        return found

    def _change_groups(self, instance: Instance, wanted: Sequence[str], task: str) -> None:
        """Add missing groups before removing others, so that a server in use is never without groups."""
        present = instance.facts.security_groups or ()
        path = f"/servers/{instance.uuid}/action"
        bodies = [{"addSecurityGroup": {"name": name}} for name in wanted if name not in present]
        bodies += [{"removeSecurityGroup": {"name": name}} for name in present if name not in wanted]
        for number, body in enumerate(bodies):
            try:
                self._api.send("POST", "compute", path, task, body)
            except JetstreamError as error:
                error.changed = number > 0
                raise

    def _detach_addresses(self, instance: Instance, task: str) -> None:
        # A list may lack a row once, so an empty result is read again.
        found = self.floating_addresses([instance]) or self.floating_addresses([instance])
        for address in found.get(instance.uuid, ()):
            path = f"/v2.0/floatingips/{address.id}"
            self._api.send("PUT", "network", path, task, {"floatingip": {"port_id": None}})

    # --- deleting

    def delete(self, instance: Instance) -> None:
        """Request the deletion of a server. Lifts its lock first, since nova would refuse it. See Launcher."""
        if instance.locked:
            path = f"/servers/{instance.uuid}/action"
            self._api.send("POST", "compute", path, f"Unlock of {instance.label}", {"unlock": None})
        self._delete("compute", f"/servers/{instance.uuid}", f"Deletion of {instance.label}")

    def can_detach(self, instance: Instance) -> bool:
        """Return whether nova would detach a volume from a server. See Launcher."""
        return detach_refusal(instance) is None

    def detach(self, instance: Instance, volume: str) -> None:
        """Request the detachment of a volume. See Launcher."""
        path = f"/servers/{instance.uuid}/os-volume_attachments/{volume}"
        self._delete("compute", path, f"Detaching volume {volume} from {instance.label}")

    def with_volumes(self, instances: Sequence[Instance]) -> list[Instance]:
        """Return the instances unchanged: nova's list includes their volumes. See Launcher."""
        return list(instances)

    def volume_status(self, instance: Instance, volume: str) -> str | None:
        """Return the status of a volume; None if it does not exist. See Launcher."""
        task = f"Reading volume {volume}"
        try:
            body = self._api.get("volumev3", f"/volumes/{volume}", task)
        except NotFound:
            return None
        return word(object_in(body, "volume", task).get("status")) or "unknown"

    def delete_volume(self, instance: Instance, volume: str) -> None:
        """Request the deletion of a volume. See Launcher."""
        self._delete("volumev3", f"/volumes/{volume}", f"Deletion of volume {volume}")

    def _delete(self, service: str, path: str, task: str) -> None:
        try:
            self._api.send("DELETE", service, path, task)
        except NotFound:
            return


@contextmanager
def _readable(task: str) -> Iterator[None]:
    """Raise UnexpectedResponse instead of UnreadableRow. ``task`` begins the message."""
    try:
        yield
    except UnreadableRow as error:
        raise UnexpectedResponse(f"{task} failed: the response cannot be parsed: {error}.") from error


def _source(image: Json, options: LaunchOptions) -> dict[str, Any]:
    """Return the part of the request for the image, or for the boot volume."""
    image_id = uuid_of(image, "id")
    boot = options.boot_volume
    if boot is None:
        return {"imageRef": image_id}
    device = {
        "boot_index": 0,
        "uuid": image_id,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": boot.size,
        "delete_on_termination": boot.deleted_with_instance,
    }
    return {"block_device_mapping_v2": [device]}


def _check_metadata(metadata: Mapping[str, str]) -> None:
    for key, value in metadata.items():
        if key in (GROUP_KEY, IMAGE_KEY):
            raise SelectionError(f"metadata: {key} is a mark of this collection, and cannot be set.")
        if not is_metadata_key(key):
            raise SelectionError(
                f"metadata: {one_line(key[:_SHOWN])} is not a valid key.",
                hint=METADATA_KEY_HINT,
            )
        if len(value) > LONGEST_TEXT:
            raise SelectionError(
                f"metadata: the value of {key} is too long. The maximum of nova is {LONGEST_TEXT} characters."
            )


def _encoded(option: str, user_data: str | None) -> str | None:
    """Return user data in base64. Raises SelectionError if it is too long for nova."""
    if user_data is None:
        return None
    encoded = base64.b64encode(user_data.encode("utf-8")).decode("ascii")
    if len(encoded) > _LONGEST_USER_DATA:
        raise SelectionError(
            f"{option}: it has {len(encoded)} characters in base64, and the maximum of Nova is {_LONGEST_USER_DATA}.",
            hint="Download the rest at boot.",
        )
    return encoded


def _may_be(row: Json, launch: Launch) -> bool:
    """Return whether an unreadable row may be that of a launch."""
    tags = row.get("tags")
    if isinstance(tags, list):
        return f"{LAUNCH_TAG}{launch.token}" in tags
    return text(row.get("name")) in (None, launch.name)


def _has_no_ipv4(port: Json) -> bool:
    return not any("." in (text(each.get("ip_address")) or "") for each in rows(port.get("fixed_ips")))


def _groups(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + _IN_ONE_URL] for start in range(0, len(values), _IN_ONE_URL)]
