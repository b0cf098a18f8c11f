# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which floating IP a server is to have, in a real run and in check mode alike. Pure functions over rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import JetstreamError, Refused, SelectionError
from ...model import AssignedAddress, Instance, LaunchOptions
from ..json_values import Json, text, uuid_of
from .parsing import MADE_FOR


@dataclass(frozen=True, slots=True)
class AddressChoice:
    """The floating IP that a server is to have.

    ``foreseen``: with the address "" if it is still to be made. ``port``: the one to attach it to. ``row``: neutron's
    row of one that is there and unattached; None if one is to be made. ``takes_another``: whether the server has to
    give another one away first.
    """

    foreseen: AssignedAddress
    port: str = ""
    row: Json | None = None
    takes_another: bool = False


def choose_address(
    options: LaunchOptions, instance: Instance, ports: Sequence[Json], addresses: Sequence[Json]
) -> AddressChoice | JetstreamError:
    """Return the floating IP that a server with these ports is to have, or why it cannot have one.

    ``addresses``: those of the project. Raises UnreadableRow for a port without an id.
    """
    ids = [uuid_of(each, "id") for each in ports]
    present = next((each for each in addresses if text(each.get("port_id")) in ids), None)
    if options.floating_ip not in ("auto", None):
        return _given(str(options.floating_ip), instance, ids, addresses, takes_another=present is not None)
    if present is not None:
        return AddressChoice(AssignedAddress(_address_of(present), is_new=False))
    if not ids:
        return _without_port(instance)
    made_before = next((each for each in addresses if _is_spare_of(each, instance)), None)
    known = "" if made_before is None else _address_of(made_before)
    return AddressChoice(AssignedAddress(known, is_new=True), ids[0], made_before)


def _given(
    address: str, instance: Instance, ports: Sequence[str], addresses: Sequence[Json], *, takes_another: bool
) -> AddressChoice | JetstreamError:
    """Choose the given address, unless another server has it: neutron would take it away from that one."""
    row = next((each for each in addresses if each.get("floating_ip_address") == address), None)
    if row is None:
        return SelectionError(f"floating_ip: the project has no floating IP {address}.")
    port = text(row.get("port_id"))
    if port in ports:
        return AddressChoice(AssignedAddress(address, is_new=False))
    if port is not None:
        return SelectionError(f"floating_ip: {address} belongs to another instance.", hint="Detach it there first.")
    if not ports:
        return _without_port(instance)
    return AddressChoice(AssignedAddress(address, is_new=True), ports[0], row, takes_another)


def _without_port(instance: Instance) -> JetstreamError:
    return Refused(f"{instance.label} has no port, so it cannot have a floating IP.")


def _address_of(row: Json) -> str:
    return text(row.get("floating_ip_address")) or ""


def _is_spare_of(row: Json, instance: Instance) -> bool:
    return text(row.get("port_id")) is None and text(row.get("description")) == f"{MADE_FOR}{instance.uuid}"
