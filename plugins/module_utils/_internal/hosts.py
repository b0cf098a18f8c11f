# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From instances, as jetstream_instance_info returns them, to the hosts of an inventory. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .model import Flavor
from .states import Kind, classify
from .text.terminal import one_line
from .usage.rates import DEFAULT_RATES, number_if_known

Json = Mapping[str, Any]
# Name, and the variables that it is made from, to a name; "" if there is none.
Render = Callable[[str, Json], str]

FLOATING, FIXED, IPV6 = "floating", "fixed", "ipv6"
ADDRESS_KINDS = (FLOATING, FIXED, IPV6)
# A connection to a host without an address fails at once, and never reaches another machine of the same name.
NO_ADDRESS = "no-address.invalid"
_ASLEEP = frozenset({"shutoff", "suspended", "paused", "shelved", "shelved_offloaded"})
# Ansible connects to these names on the controller itself.
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# Exosphere may keep a passphrase with a server.
_SECRET_KEY = re.compile(r"(?i)pass|secret|token|exopw|private.?key")
# The first that matches the image's name, in lower case.
DEFAULT_USERS: Mapping[str, str] = {
    "*ubuntu*": "ubuntu",
    "*rocky*": "rocky",
    "*alma*": "almalinux",
    "*centos*": "centos",
    "*fedora*": "fedora",
    "*debian*": "debian",
}
GROUPINGS: Mapping[str, Callable[[Json], str | None]] = {
    "status": lambda each: each["status"],
    "flavor": lambda each: each["flavor"]["name"],
    "project": lambda each: _name_of(each.get("project")),
    "image": lambda each: _name_of(each.get("image")),
    "owner": lambda each: each["owner"],
    "allocation": lambda each: _name_of(each.get("allocation_source")),
}


@dataclass(frozen=True, slots=True)
class HostSettings:
    """How hosts are made.

    ``hostnames``: the preferred names, each a key of an instance or a template. ``addresses``: the preferred kinds.
    ``groups``: keys of GROUPINGS. ``prefix`` stands before every variable. ``user``: the login name of all, or None
    for what metadata (``ssh_user``) or the image says. ``users``: login names by globs of image names.
    """

    hostnames: Sequence[str] = ("name",)
    addresses: Sequence[str] = ADDRESS_KINDS
    groups: Sequence[str] = ("status",)
    prefix: str = "jetstream_"
    user: str | None = None
    users: Mapping[str, str] = field(default_factory=lambda: DEFAULT_USERS)


@dataclass(frozen=True, slots=True)
class Host:
    """One host: its name, its variables, and the groups that it is in, by names that are not yet made safe."""

    name: str
    variables: Json
    groups: tuple[str, ...]


def hosts_of(instances: Iterable[Json], settings: HostSettings, render: Render) -> tuple[list[Host], list[str]]:
    """Return a host for each instance, and warnings.

    Instances of one name are all there: the oldest has the name, and the others have their id behind it. An instance
    that is given twice, such as by two profiles of one project, is one host.
    """
    unique = {each["uuid"]: each for each in reversed(list(instances))}.values()
    oldest_first = sorted(unique, key=lambda each: (each.get("start_date") or "9999", str(each["uuid"])))
    named = [(_hostname(each, settings, render), each) for each in oldest_first]
    taken: Counter[str] = Counter()
    hosts, warnings = [], []
    for wanted, instance in named:
        taken[wanted] += 1
        name = wanted
        if taken[wanted] > 1 or wanted in _LOCAL_NAMES:
            name = f"{wanted}_{instance['id']}"
            warnings.append(_renamed(wanted, name, is_local=wanted in _LOCAL_NAMES))
        hosts.append(Host(name, variables_of(instance, settings), tuple(_groups(instance, settings))))
    return hosts, warnings


def variables_of(instance: Json, settings: HostSettings) -> dict[str, Any]:
    """Return the variables of a host: few and flat, so that a large inventory stays small."""
    address = address_of(instance, settings.addresses)
    flavor = instance["flavor"]
    own = {
        "id": instance["id"],
        "uuid": instance["uuid"],
        "name": instance["name"],
        "status": instance["status"],
        "activity": instance["activity"],
        "flavor": flavor["name"],
        "vcpus": flavor["vcpus"],
        "ram": flavor["ram"],
        "disk": flavor["disk"],
        "image": _name_of(instance.get("image")),
        "project": _name_of(instance.get("project")),
        "provider": _name_of(instance.get("provider")),
        "owner": instance["owner"],
        "allocation": _name_of(instance.get("allocation_source")),
        "address": address,
        "locked": instance.get("locked"),
        "su_per_hour": number_if_known(DEFAULT_RATES.su_per_hour(Flavor(**flavor), instance["status"])),
        "metadata": _public(instance.get("metadata")),
    }
    found = {f"{settings.prefix}{key}": value for key, value in own.items()}
    user = _user(instance, settings)
    return found | {"ansible_host": address or NO_ADDRESS} | ({"ansible_user": user} if user else {})


def address_of(instance: Json, kinds: Sequence[str]) -> str | None:
    """Return the address to connect to, by preference; None if the instance does not run."""
    kind = classify(instance["status"], instance["activity"]).kind
    if instance["status"] in _ASLEEP or kind in (Kind.ERROR, Kind.GONE):
        return None
    floating = instance.get("ip_address")
    others = [each for each in instance.get("addresses") or () if each != floating]
    found = {
        FLOATING: floating,
        FIXED: next((each for each in others if ":" not in each), None),
        IPV6: next((each for each in others if ":" in each), None),
    }
    return next((found[each] for each in kinds if found[each]), None)


def _hostname(instance: Json, settings: HostSettings, render: Render) -> str:
    variables = variables_of(instance, settings)
    for wanted in settings.hostnames:
        key = {"ip_address": "address"}.get(wanted, wanted)
        value = variables.get(f"{settings.prefix}{key}")
        text = render(wanted, variables) if "{{" in wanted else "" if value is None else str(value)
        if name := re.sub(r"[\s,:;{}\[\]\"'\\/]+", "-", one_line(text)).strip("-"):
            return name
    return str(instance["uuid"])


def _renamed(name: str, instead: str, *, is_local: bool) -> str:
    if is_local:
        return f"The instance name {name} means the controller in Ansible, so its host is {instead}."
    return f"Several instances are named {name}. The host of a younger one is {instead}."


def _groups(instance: Json, settings: HostSettings) -> Iterator[str]:
    for key in settings.groups:
        value = GROUPINGS[key](instance)
        if value:
            yield f"{key}_{value}"
    if address_of(instance, settings.addresses) is None:
        yield "without_address"


def _user(instance: Json, settings: HostSettings) -> str | None:
    """Return the login name. A cloud without metadata makes each VM a login of its owner's name."""
    metadata = instance.get("metadata")
    if settings.user:
        return settings.user
    if metadata is None:
        return str(instance["user"])
    if isinstance(metadata.get("ssh_user"), str) and re.fullmatch(r"[A-Za-z_][\w.-]*", metadata["ssh_user"]):
        return str(metadata["ssh_user"])
    image = (_name_of(instance.get("image")) or "").lower()
    return next((user for glob, user in settings.users.items() if fnmatchcase(image, glob.lower())), None)


def _name_of(thing: Json | None) -> str | None:
    return None if thing is None else str(thing["name"])


def _public(metadata: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (metadata or {}).items() if not _SECRET_KEY.search(key)}
