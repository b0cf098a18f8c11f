# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects whether an instance is the machine that runs the task, which must not act on itself.

An instance knows its UUID from a file of cloud-init, and from its firmware, which only root may read. If a virtual
machine has neither, addresses are compared. Private addresses recur across networks, so a virtual machine on a desktop
computer, as its firmware shows, never counts as an instance.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..files import read_file
from ..model import Instance

_UUID_FILES = ("var/lib/cloud/data/instance-id", "run/cloud-init/.instance-id", "sys/class/dmi/id/product_uuid")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Firmware products of desktop virtualization. The last one is Hyper-V.
_ON_A_DESK = ("virtualbox", "vmware", "parallels", "virtual machine")
_ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine: its own UUIDs, its addresses, and whether it is of a kind that may be an instance."""

    uuids: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    may_be_instance: bool = False

    def is_instance(self, instance: Instance) -> bool:
        """Return whether this machine is that instance."""
        if self.uuids:
            return instance.uuid.casefold() in self.uuids
        addresses = {instance.ip_address, *(instance.addresses or ())} - {None}
        return self.may_be_instance and not self.addresses.isdisjoint(_normal(str(each)) for each in addresses)


def spared(
    instances: Iterable[Instance], machine: Machine, is_named: Callable[[Instance], bool] = lambda _instance: False
) -> frozenset[str]:
    """Return the UUIDs of selected instances that must not be put away: those that this task runs on.

    ``is_named``: whether the user named an instance explicitly, which counts as intent.
    """
    return frozenset(each.uuid for each in instances if machine.is_instance(each) and not is_named(each))


def this_machine(root: Path = _ROOT) -> Machine:
    """Return the machine that this task runs on. A file that cannot be read is ignored."""
    uuids = {text.strip().casefold() for name in _UUID_FILES if (text := _text(root / name))}
    return Machine(
        frozenset(each for each in uuids if _UUID.fullmatch(each)),
        frozenset({*_local_ipv4(_text(root / "proc/net/fib_trie")), *_local_ipv6(_text(root / "proc/net/if_inet6"))}),
        _may_be_instance(root),
    )


def _may_be_instance(root: Path) -> bool:
    """Return whether this is a virtual machine outside of a desktop computer."""
    product = _text(root / "sys/class/dmi/id/product_name").strip().casefold()
    return " hypervisor" in _text(root / "proc/cpuinfo") and not any(each in product for each in _ON_A_DESK)


def _local_ipv4(trie: str) -> Iterable[str]:
    """Yield the machine's own addresses. In the kernel's routing trie, each is on the line before its "host LOCAL"."""
    address = ""
    for line in trie.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "|--":
            address = words[1]
        elif words[-2:] == ["host", "LOCAL"] and not address.startswith("127."):
            yield address


def _local_ipv6(text: str) -> Iterable[str]:
    for line in text.splitlines():
        digits = line.split(" ", 1)[0]
        if len(digits) == 32 and not digits.startswith(("fe80", "0" * 31)):
            yield _normal(":".join(digits[number : number + 4] for number in range(0, 32, 4)))


def _normal(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def _text(path: Path) -> str:
    try:
        return read_file(path).decode(errors="replace")
    except OSError:
        return ""
