# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and changes key pairs by nova, and security groups by neutron. Facts: docs/jetstream2.md, Access."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_network
from typing import Any, TypeVar
from urllib.parse import quote

from ...errors import Conflict, NotFound, UnexpectedResponse
from ...model import KeyPair, SecurityGroup, SecurityRule
from ...text.ordering import NaturalKey, natural_key
from ...text.terminal import one_line
from ..json_values import Json, UnreadableRow, mapping, rows, text, uuid_of, whole
from ..quotas import require_room_to_change
from ..row_lists import Reading, Warnings
from .api import COMPUTE, Api
from .quotas import group_shortfalls, key_shortfalls, network_quota_path

Made = TypeVar("Made")
_GROUPS, _RULES = "/v2.0/security-groups", "/v2.0/security-group-rules"
# The names of protocols. Neutron returns a protocol as it was given: as a number, or by an alias.
_PROTOCOLS: Mapping[str, str] = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp", "icmpv6": "ipv6-icmp"}
_EVERYWHERE: Mapping[str, str] = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
_EXISTS = "already exists"


class Jetstream2AccessStore:
    """The key pairs of one user, and the security groups of one project."""

    def __init__(self, api: Api, project_id: Callable[[], str], warnings: Warnings) -> None:
        """Send nothing yet."""
        self._api = api
        self._project_id = project_id
        self._warnings = warnings

    def get_key(self, name: str) -> KeyPair | None:
        """Return the key pair of a name, or None. See AccessStore."""
        task = f"Reading the key pair {one_line(name)}"
        try:
            return _read(lambda: _key(self._api.get("compute", _key_path(name), task)), task)
        except NotFound:
            return None

    def import_key(self, name: str, public_key: str) -> KeyPair:
        """Import a public key. See AccessStore."""
        task = f"Importing the key pair {one_line(name)}"
        body = {"keypair": {"name": name, "public_key": public_key}}
        return _read(lambda: _key(self._api.send("POST", "compute", "/os-keypairs", task, body, once=True)), task)

    def require_room_for_key(self) -> None:
        """Compare the number of key pairs with nova's limit. See AccessStore."""
        limits = self._api.quota("compute", "/limits")
        require_room_to_change(key_shortfalls(limits, len(key_rows(self._api))))

    def delete_key(self, name: str) -> None:
        """Delete a key pair. See AccessStore."""
        self._delete("compute", _key_path(name), f"Deleting the key pair {one_line(name)}")

    def list_keys(self) -> list[KeyPair]:
        """Return the key pairs of the user. See AccessStore."""
        task = "Listing key pairs"
        return sorted(Reading.of(key_rows(self._api), key_from_nova).checked(task, self._warnings), key=_by_name)

    def list_groups(self, name: str | None = None) -> list[SecurityGroup]:
        """Return the security groups of a name or UUID, or all. See AccessStore."""
        task = "Listing security groups"
        listed = self._api.rows("network", _GROUPS, "security_groups", task)
        if name is None:
            return sorted(Reading.of(listed, group_from_neutron).checked(task, self._warnings), key=_by_name)
        found = rows(listed)
        chosen = [each for each in found if name in (each.get("name"), each.get("id"))]
        return _read(lambda: [group_from_neutron(each) for each in chosen], task)

    def require_room_for_groups(self, groups: int, rules: int) -> None:
        """Compare new groups and rules with neutron's quota, without the site's default rules. See AccessStore."""
        quota = self._api.quota("network", network_quota_path(self._project_id()))
        require_room_to_change(group_shortfalls(quota, groups, rules))

    def create_group(self, name: str, description: str) -> SecurityGroup:
        """Create a security group. See AccessStore."""
        task = f"Creating the security group {one_line(name)}"
        body = {"security_group": {"name": name, "description": description}}
        made = self._api.send("POST", "network", _GROUPS, task, body, once=True)
        return _read(lambda: group_from_neutron(mapping(mapping(made).get("security_group"))), task)

    def describe_group(self, group: SecurityGroup, description: str) -> None:
        """Replace the description. See AccessStore."""
        body = {"security_group": {"description": description}}
        task = f"Describing the security group {one_line(group.name)}"
        self._api.send("PUT", "network", f"{_GROUPS}/{group.uuid}", task, body)

    def users_of_group(self, group: SecurityGroup) -> list[str]:
        """Return the devices of the ports with a security group, or the ids of ports without one. See AccessStore."""
        task = f"Listing the ports with the security group {one_line(group.name)}"
        listed = self._api.rows("network", "/v2.0/ports", "ports", task, {"security_groups": group.uuid})
        # Releases of neutron without this filter return all ports.
        ports = [each for each in rows(listed) if group.uuid in _texts(each.get("security_groups"))]
        return sorted({text(each.get("device_id")) or text(each.get("id")) or "" for each in ports} - {""})

    def delete_group(self, group: SecurityGroup) -> None:
        """Delete a security group. See AccessStore."""
        self._delete("network", f"{_GROUPS}/{group.uuid}", f"Deleting the security group {one_line(group.name)}")

    def add_rule(self, group: SecurityGroup, rule: SecurityRule) -> None:
        """Add a rule. See AccessStore."""
        first, last = rule.ports or (None, None)
        body = {
            "security_group_id": group.uuid,
            "direction": rule.direction,
            "ethertype": rule.ethertype,
            "protocol": None if rule.protocol == "any" else rule.protocol,
            "port_range_min": first,
            "port_range_max": last,
            "remote_ip_prefix": rule.cidr,
            "remote_group_id": rule.group,
        }
        task = f"Adding a rule to the security group {one_line(group.name)}"
        try:
            self._api.send("POST", "network", _RULES, task, {"security_group_rule": body})
        except Conflict as error:
            if _EXISTS not in str(error).lower():
                raise

    def remove_rule(self, rule: SecurityRule) -> None:
        """Remove a rule. See AccessStore."""
        self._delete("network", f"{_RULES}/{rule.uuid}", "Removing a rule of a security group")

    def _delete(self, service: str, path: str, task: str) -> None:
        with suppress(NotFound):
            self._api.send("DELETE", service, path, task)


def _texts(values: object) -> list[str]:
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


def _key_path(name: str) -> str:
    return f"/os-keypairs/{quote(name, safe='')}"


def _read(shape: Callable[[], Made], task: str) -> Made:
    """Return the shaped response. Raises UnexpectedResponse instead of UnreadableRow."""
    try:
        return shape()
    except UnreadableRow as error:
        raise UnexpectedResponse(f"{task} failed: the response cannot be parsed: {error}.") from error


def key_rows(api: Api) -> list[Json]:
    """Return nova's rows of key pairs."""
    # Each row of this list is nested in an object.
    return api.rows(
        "compute",
        "/os-keypairs",
        "keypairs",
        "Listing key pairs",
        microversion=COMPUTE,
        marker="name",
        inner="keypair",
    )


def _by_name(each: KeyPair | SecurityGroup) -> NaturalKey:
    return natural_key(each.name)


def _key(body: Any) -> KeyPair:
    return key_from_nova(mapping(mapping(body).get("keypair")))


def key_from_nova(row: Json) -> KeyPair:
    """Read a key pair. Raises UnreadableRow without a name."""
    name = text(mapping(row).get("name"))
    if name is None:
        raise UnreadableRow("the key pair has no name")
    return KeyPair(name, text(row.get("public_key")) or "", text(row.get("fingerprint")))


def group_from_neutron(row: Json) -> SecurityGroup:
    """Read a security group with its rules. Raises UnreadableRow without an id."""
    return SecurityGroup(
        uuid=uuid_of(row, "id"),
        name=text(row.get("name")) or "",
        description=text(row.get("description")) or "",
        rules=tuple(_rule(each) for each in rows(row.get("security_group_rules"))),
        created=text(row.get("created_at")),
    )


def _rule(row: Json) -> SecurityRule:
    ethertype = text(row.get("ethertype")) or "IPv4"
    protocol = text(row.get("protocol")) or "any"
    first, last = whole(row.get("port_range_min")), whole(row.get("port_range_max"))
    group, address_group = text(row.get("remote_group_id")), text(row.get("remote_address_group_id"))
    # A rule without a remote applies to all addresses.
    is_open = not (group or address_group)
    return SecurityRule(
        direction=text(row.get("direction")) or "ingress",
        ethertype=ethertype,
        protocol=_PROTOCOLS.get(protocol, protocol),
        ports=None if first is None else (first, last),
        cidr=_network(text(row.get("remote_ip_prefix")) or _EVERYWHERE.get(ethertype, "")) if is_open else None,
        group=group,
        address_group=address_group,
        uuid=uuid_of(row, "id"),
    )


def _network(cidr: str) -> str:
    try:
        return str(ip_network(cidr, strict=False))
    except ValueError:
        return cidr
