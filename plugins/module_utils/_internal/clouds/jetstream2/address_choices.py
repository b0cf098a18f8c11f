# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the floating IP of a server, for a real run and for check mode alike. Pure functions over rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import JetstreamError, Refused, SelectionError
from ...model import AssignedAddress, Instance, LaunchOptions
from ..json_values import Json, text, uuid_of
from .parsing import MADE_FOR


@dataclass(frozen=True, slots=True)
class AddressChoice:
    """The chosen floating IP of a server.

    ``foreseen``: the result, with the address "" if the floating IP has to be created. ``port``: the id of the server's
    port to attach it to; "" if it is attached already. ``row``: neutron's row of an existing, unattached floating IP;
    None if it has to be created. ``replaces_present``: whether the server's floating IP has to be detached first.
    """

    foreseen: AssignedAddress
    port: str = ""
    row: Json | None = None
    replaces_present: bool = False


def choose_address(
    options: LaunchOptions, instance: Instance, ports: Sequence[Json], addresses: Sequence[Json]
) -> AddressChoice | JetstreamError:
    """Return the floating IP for a server with these ports, or the error if there can be none.

    ``addresses``: neutron's rows of the project's floating IPs. Raises UnreadableRow for a port without an id.
    """
    ids = [uuid_of(each, "id") for each in ports]
    present = next((each for each in addresses if text(each.get("port_id")) in ids), None)
    if options.floating_ip not in ("auto", None):
        return _given(str(options.floating_ip), instance, ids, addresses, replaces_present=present is not None)
    if present is not None:
        return AddressChoice(AssignedAddress(_address_of(present), is_new=False))
    if not ids:
        return _without_port(instance)
    leftover = next((each for each in addresses if _was_made_for(each, instance)), None)
    known = "" if leftover is None else _address_of(leftover)
    return AddressChoice(AssignedAddress(known, is_new=True), ids[0], leftover)


def _given(
    address: str, instance: Instance, ports: Sequence[str], addresses: Sequence[Json], *, replaces_present: bool
) -> AddressChoice | JetstreamError:
    """Choose the given address, unless another server has it: neutron would detach it from that server."""
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
    return AddressChoice(AssignedAddress(address, is_new=True), ports[0], row, replaces_present)


def _without_port(instance: Instance) -> JetstreamError:
    return Refused(f"{instance.label} has no port, so it cannot have a floating IP.")


def _address_of(row: Json) -> str:
    return text(row.get("floating_ip_address")) or ""


def _was_made_for(row: Json, instance: Instance) -> bool:
    return text(row.get("port_id")) is None and text(row.get("description")) == f"{MADE_FOR}{instance.uuid}"
