# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_floating_ip: gives an instance a floating IP, or takes it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cloud import Cloud, Launcher
from ..errors import ConfigurationError, JetstreamError, SelectionError
from ..fleet.launching.leftovers import release_address
from ..fleet.one_instance import one_instance
from ..model import AssignedAddress, FloatingAddress, Growth, Instance, LaunchOptions, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, ModuleSpec, refuse_blank
from ..resending import Resender
from ..text.terminal import one_line

SPEC = CONNECTION + ModuleSpec(
    argument_spec={
        "instance": {"type": "str", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "address": {"type": "str"},
    },
)


def floating_ip(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Give the instance that the options name a floating IP, or take it back."""
    launcher = cloud.launcher()
    reason = launcher.unsupported.get("floating_ip: address")
    if reason is not None:
        raise ConfigurationError(f"Floating IPs cannot be changed: {reason}.")
    refuse_blank(options, ("instance", "address"))
    instance = one_instance(cloud, options["instance"])
    before = list(launcher.floating_addresses([instance]).get(instance.uuid, ()))
    if options["state"] == "absent":
        return _absent(launcher, instance, before, options["address"], context)
    return _present(cloud, instance, before, options["address"], context)


def require_free(cloud: Cloud, address: str, instance: Instance | None) -> None:
    """Raise SelectionError if the project has no such floating IP, or if another instance has it.

    So check mode tells it as well, and no instance is launched that could not have it.
    """
    found = next((each for each in cloud.catalog().floating_ips() if each.address == address), None)
    if found is None:
        raise SelectionError(f"floating_ip: the project has no floating IP {one_line(address)}.")
    if found.attached and (instance is None or found.instance_uuid != instance.uuid):
        raise SelectionError(f"floating_ip: {address} belongs to another instance.", hint="Take it from that first.")


def _present(
    cloud: Cloud, instance: Instance, before: Sequence[FloatingAddress], wanted: str | None, context: Context
) -> Outcome:
    has = [each.address for each in before]
    if has and wanted in (None, *has):
        return _outcome(instance, has, has)
    if has:
        raise ConfigurationError(
            f"{instance.label} has the floating IP {has[0]}.",
            hint="Release it first, with state: absent and its address.",
        )
    if wanted is not None:
        require_free(cloud, wanted, instance)
    launcher, options = cloud.launcher(), LaunchOptions(floating_ip=wanted or "auto")
    foreseen = _one(launcher.preview_addresses(options, [instance]))
    if not foreseen.address:
        launcher.require_room(None, Growth(addresses=1))
    if context.check_mode:
        after = foreseen.address or "new"
        return _outcome(instance, has, [after], changed=foreseen.is_new, address=foreseen.address or None)
    given = _one(launcher.assign_addresses(options, [instance]))
    return _outcome(instance, has, [given.address], changed=given.is_new, address=given.address)


def _one(found: Mapping[str, AssignedAddress | JetstreamError]) -> AssignedAddress:
    """Return the floating IP of the only instance. Raises the error in its place."""
    [address] = found.values()
    if isinstance(address, JetstreamError):
        raise address
    return address


def _absent(
    launcher: Launcher, instance: Instance, before: Sequence[FloatingAddress], wanted: str | None, context: Context
) -> Outcome:
    chosen = [each for each in before if wanted in (None, each.address)]
    foreign = [each.address for each in chosen if not each.made_for_it and wanted is None]
    if foreign:
        raise ConfigurationError(
            f"{instance.label} has {', '.join(foreign)}, which this collection did not create for it.",
            hint="To release it anyway, set address.",
        )
    if not context.check_mode:
        _release(launcher, instance, chosen, Resender(context.clock))
    left = [each.address for each in before if each not in chosen]
    return _outcome(instance, [each.address for each in before], left, changed=bool(chosen))


def _release(launcher: Launcher, instance: Instance, addresses: Sequence[FloatingAddress], resender: Resender) -> None:
    for number, each in enumerate(addresses):
        try:
            release_address(launcher, resender, instance, each)
        except JetstreamError as error:
            error.changed = number > 0
            raise


def _outcome(
    instance: Instance,
    before: Sequence[str],
    after: Sequence[str],
    *,
    changed: bool = False,
    address: str | None = None,
) -> Outcome:
    shown = address if changed else (after[0] if after else None)
    return Outcome(
        {"address": shown, "instance": {"uuid": instance.uuid, "id": instance.id, "name": instance.name}},
        changed=changed,
        diff={"before": _text(instance, before), "after": _text(instance, after)},
    )


def _text(instance: Instance, addresses: Sequence[str]) -> str:
    """Return the floating IPs of an instance in lines, for a diff."""
    return "".join(f"{instance.label}: {one_line(each)}\n" for each in addresses)


OPERATION = on_cloud(floating_ip)
