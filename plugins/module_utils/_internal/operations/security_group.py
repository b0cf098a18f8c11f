# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_security_group: has a security group with rules, or has none of that name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

from ..cloud import AccessStore, Cloud
from ..errors import ConfigurationError, SelectionError
from ..model import Outcome, SecurityGroup, SecurityRule
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec, refuse_blank, refuse_long
from ..text.terminal import one_line

SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "description": {"type": "str"},
        "rules": {
            "type": "list",
            "elements": "dict",
            "options": {
                "direction": {"type": "str", "default": "ingress", "choices": ["ingress", "egress"]},
                "protocol": {"type": "str", "default": "tcp", "choices": ["tcp", "udp", "icmp", "any"]},
                "ports": {"type": "str"},
                "cidr": {"type": "str"},
                "group": {"type": "str"},
            },
            "mutually_exclusive": [("cidr", "group")],
            "required_one_of": [("cidr", "group")],
        },
        "purge_rules": {"type": "bool", "default": False},
    },
)
# The staff of Jetstream2 ask that the first is not changed, and Exosphere takes foreign rules out of the second.
_RESERVED = ("default", "exosphere")
_LAST_PORT = 65535
# In a rule, the UUID of the group that is still to be created.
_ITSELF = ""


@dataclass(frozen=True, slots=True)
class _Change:
    """The difference between a group and what it is to be."""

    before: SecurityGroup | None
    after: SecurityGroup | None
    added: tuple[SecurityRule, ...] = ()
    removed: tuple[SecurityRule, ...] = ()

    @property
    def is_one(self) -> bool:
        """Whether there is a difference at all."""
        return self.before != self.after


def security_group(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Have a security group with the rules that the options name, or none of that name."""
    refuse_blank(options, ("name",))
    refuse_long(options, ("name", "description"))
    store, name = cloud.access_store(), options["name"]
    if name.strip().lower() in _RESERVED:
        raise ConfigurationError(
            f"The security group {one_line(name)} is managed by the site, and is not changed.",
            hint="Choose another name.",
        )
    before = _only(store, name)
    change = _planned(store, before, options)
    after = change.after
    if change.is_one and not context.check_mode:
        _carry_out(store, change)
        after = None if after is None else _only(store, name)
    return Outcome(
        {"security_group": None if after is None else group_row(after)},
        changed=change.is_one,
        # Without the rules that the cloud gives to a new group, which differ from site to site.
        diff={"before": _text(before), "after": _text(change.after)},
    )


def _only(store: AccessStore, name: str) -> SecurityGroup | None:
    found = store.list_groups(name)
    if len(found) > 1:
        uuids = ", ".join(each.uuid for each in found)
        raise SelectionError(f"The name {one_line(name)} is ambiguous.", hint=f"Use a UUID: {uuids}.")
    return found[0] if found else None


def _planned(store: AccessStore, before: SecurityGroup | None, options: Mapping[str, Any]) -> _Change:
    if options["state"] == "absent":
        if options["rules"] or options["description"] is not None:
            raise ConfigurationError("state: absent does not accept rules and description.")
        return _Change(before, None)
    rules = None if options["rules"] is None else [_rule(store, before, options, each) for each in options["rules"]]
    there = before.rules if before else ()
    added = tuple(dict.fromkeys(each for each in rules or () if each not in there))
    removed: tuple[SecurityRule, ...] = ()
    if options["purge_rules"] and rules is not None:
        removed = tuple(each for each in there if each.direction == "ingress" and each not in rules)
    description = options["description"]
    group = before or SecurityGroup("", options["name"], description or "")
    after = replace(
        group,
        description=group.description if description is None else description,
        rules=(*(each for each in there if each not in removed), *added),
    )
    return _Change(before, after, added, removed)


def _carry_out(store: AccessStore, change: _Change) -> None:
    before, after = change.before, change.after
    if after is None:
        if before is not None:
            store.delete_group(before)
        return
    group = before or store.create_group(after.name, after.description)
    if before is not None and before.description != after.description:
        store.describe_group(before, after.description)
    # First what is let through, so that nobody who may be in is ever shut out.
    for rule in change.added:
        store.add_rule(group, replace(rule, group=group.uuid) if rule.group == _ITSELF else rule)
    for rule in change.removed:
        store.remove_rule(rule)


def _rule(
    store: AccessStore, before: SecurityGroup | None, options: Mapping[str, Any], given: Mapping[str, Any]
) -> SecurityRule:
    cidr, ethertype = None, "IPv4"
    if given["cidr"] is not None:
        try:
            network = ip_network(given["cidr"], strict=False)
        except ValueError as error:
            raise ConfigurationError(
                f"rules: {one_line(given['cidr'])} is not a network. Example: 10.0.0.0/8"
            ) from error
        cidr, ethertype = str(network), f"IPv{network.version}"
    protocol = "ipv6-icmp" if given["protocol"] == "icmp" and ethertype == "IPv6" else given["protocol"]
    return SecurityRule(
        direction=given["direction"],
        ethertype=ethertype,
        protocol=protocol,
        ports=_ports(given),
        cidr=cidr,
        group=None if given["group"] is None else _remote(store, before, options["name"], given["group"]),
    )


def _remote(store: AccessStore, before: SecurityGroup | None, own: str, name: str) -> str:
    """Return the UUID of the group on the other side, which may be the one that the rule belongs to."""
    if name == own:
        return before.uuid if before else _ITSELF
    found = _only(store, name)
    if found is None:
        raise SelectionError(f"rules: there is no security group {one_line(name)}.")
    return found.uuid


def _ports(given: Mapping[str, Any]) -> tuple[int, int] | None:
    ports = given["ports"]
    if ports is None:
        return None
    if given["protocol"] not in ("tcp", "udp"):
        raise ConfigurationError(f"rules: {given['protocol']} has no ports.")
    first, _dash, last = ports.partition("-")
    if not (first.strip().isdecimal() and (last or first).strip().isdecimal()):
        raise ConfigurationError(
            f"rules: ports is {one_line(ports)}, but must be a port or a range, such as 22 or 8000-8100."
        )
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= _LAST_PORT:
        raise ConfigurationError(
            f"rules: ports is {one_line(ports)}, but must be an ascending range between 1 and {_LAST_PORT}."
        )
    return low, high


def group_row(group: SecurityGroup) -> dict[str, Any]:
    """Return a security group as modules return it."""
    return {
        "uuid": group.uuid,
        "name": group.name,
        "description": group.description,
        "rules": [_rule_row(each) for each in group.rules],
    }


def _rule_row(rule: SecurityRule) -> dict[str, Any]:
    return {
        "uuid": rule.uuid,
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": rule.protocol,
        "ports": _port_text(rule),
        "cidr": rule.cidr,
        "group": rule.group,
    }


def _port_text(rule: SecurityRule) -> str | None:
    if rule.ports is None:
        return None
    first, last = rule.ports
    return str(first) if first == last else f"{first}-{last}"


def _text(group: SecurityGroup | None) -> str:
    """Return a security group in lines, for a diff."""
    if group is None:
        return ""
    lines: Sequence[str] = sorted(_rule_text(each) for each in group.rules)
    return f"name: {one_line(group.name)}\ndescription: {one_line(group.description)}\n" + "".join(lines)


def _rule_text(rule: SecurityRule) -> str:
    ports = f" {_port_text(rule)}" if rule.ports else ""
    return f"{rule.direction} {rule.ethertype} {rule.protocol}{ports} {rule.cidr or rule.group or 'itself'}\n"


OPERATION = on_cloud(security_group)
