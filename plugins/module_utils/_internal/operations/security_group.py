# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_security_group: has a security group with rules, or has none of that name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

from ..cloud import AccessStore, Cloud
from ..errors import ConfigurationError, JetstreamError, SelectionError
from ..model import Outcome, SecurityGroup, SecurityRule
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec, refuse_blank, refuse_glob, refuse_long
from ..resending import Resender
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
# More instances that have a group are counted.
_SHOWN = 5
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
    _refuse_reserved(name)
    before = _only(store, name)
    if before is not None:
        # It may be given by its UUID.
        _refuse_reserved(before.name)
    else:
        refuse_glob("name", name)
    change = _planned(store, before, options)
    after = change.after
    if before is not None and after is None:
        _require_unused(cloud, store, before)
    if change.added or (before is None and after is not None):
        store.require_room_for_groups(int(before is None), len(change.added))
    if change.is_one and not context.check_mode:
        after = _Sender(store, Resender(context.clock)).carry_out(change)
    return Outcome(
        {"security_group": None if after is None else group_row(after)},
        changed=change.is_one,
        # Without the rules that the cloud gives to a new group, which differ from site to site.
        diff={"before": _text(before), "after": _text(change.after)},
    )


def _refuse_reserved(name: str) -> None:
    if name.strip().lower() in _RESERVED:
        raise ConfigurationError(
            f"The security group {one_line(name)} is managed by the site, and is not changed.",
            hint="Choose another name.",
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


def _require_unused(cloud: Cloud, store: AccessStore, group: SecurityGroup) -> None:
    """Raise ConfigurationError if an instance has a group: neutron refuses to delete it."""
    users = store.users_of_group(group)
    if not users:
        return
    names = {each.uuid: each.label for each in cloud.list_instances(live=False, images=False)}
    shown = ", ".join(one_line(names.get(each, each)) for each in users[:_SHOWN])
    more = f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else ""
    raise ConfigurationError(
        f"The security group {one_line(group.name)} is in use by {shown}{more}.", hint="Take it from these first."
    )


class _Sender:
    """Carries a change out, step by step, each of them again unless it is seen to be done."""

    def __init__(self, store: AccessStore, resender: Resender) -> None:
        self._store = store
        self._resender = resender
        self._steps = 0

    def carry_out(self, change: _Change) -> SecurityGroup | None:
        """Return the group as it is then. An error says whether something was changed before it."""
        try:
            return self._carried_out(change)
        except JetstreamError as error:
            error.changed = error.changed or self._steps > 0
            raise

    def _carried_out(self, change: _Change) -> SecurityGroup | None:
        store, before, after = self._store, change.before, change.after
        if after is None:
            if before is not None:
                self._send(lambda: store.delete_group(before), lambda: self._find(before) is None)
            return None
        group = before or self._created(after)
        if before is not None and before.description != after.description:
            self._send(
                lambda: store.describe_group(group, after.description),
                lambda: self._seen(group).description == after.description,
            )
        # First what is let through, so that nobody who may be in is ever shut out.
        for rule in change.added:
            self._add(group, replace(rule, group=group.uuid) if rule.group == _ITSELF else rule)
        for rule in change.removed:
            self._remove(group, rule)
        return self._resender.read(lambda: self._find(group))

    def _created(self, wanted: SecurityGroup) -> SecurityGroup:
        """Create a group. If another run made one at the same time, both keep the older."""
        store, name = self._store, wanted.name

        def find() -> SecurityGroup | None:
            return min(store.list_groups(name), key=_by_age, default=None)

        made = self._resender.send(lambda: store.create_group(name, wanted.description), find)
        self._steps += 1
        kept = self._resender.read(find) or made
        if kept.uuid != made.uuid:
            self._send(lambda: store.delete_group(made), lambda: self._find(made) is None)
        return kept

    def _add(self, group: SecurityGroup, rule: SecurityRule) -> None:
        self._send(lambda: self._store.add_rule(group, rule), lambda: rule in self._seen(group).rules)

    def _remove(self, group: SecurityGroup, rule: SecurityRule) -> None:
        self._send(
            lambda: self._store.remove_rule(rule),
            lambda: rule.uuid not in {each.uuid for each in self._seen(group).rules},
        )

    def _send(self, request: Callable[[], None], is_done: Callable[[], bool]) -> None:
        def send() -> bool:
            request()
            return True

        self._resender.send(send, lambda: is_done() or None)
        self._steps += 1

    def _find(self, group: SecurityGroup) -> SecurityGroup | None:
        return next((each for each in self._store.list_groups(group.uuid) if each.uuid == group.uuid), None)

    def _seen(self, group: SecurityGroup) -> SecurityGroup:
        return self._find(group) or group


def _by_age(group: SecurityGroup) -> tuple[str, str]:
    return group.created or "~", group.uuid


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
    first, dash, last = ports.partition("-")
    # Without its end, as an unset variable leaves a range, it would be a single port.
    last = last if dash else first
    if not (first.strip().isdecimal() and last.strip().isdecimal()):
        raise ConfigurationError(
            f"rules: ports is {one_line(ports)}, but must be a port or a range, such as 22 or 8000-8100."
        )
    low, high = int(first), int(last)
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
        "address_group": rule.address_group,
    }


def _port_text(rule: SecurityRule) -> str | None:
    if rule.ports is None:
        return None
    first, last = rule.ports
    return str(first) if last in (first, None) else f"{first}-{last}"


def _text(group: SecurityGroup | None) -> str:
    """Return a security group in lines, for a diff."""
    if group is None:
        return ""
    lines: Sequence[str] = sorted(_rule_text(each) for each in group.rules)
    return f"name: {one_line(group.name)}\ndescription: {one_line(group.description)}\n" + "".join(lines)


def _rule_text(rule: SecurityRule) -> str:
    ports = f" {_port_text(rule)}" if rule.ports else ""
    remote = rule.cidr or rule.group or rule.address_group or "itself"
    return f"{rule.direction} {rule.ethertype} {rule.protocol}{ports} {remote}\n"


OPERATION = on_cloud(security_group)
