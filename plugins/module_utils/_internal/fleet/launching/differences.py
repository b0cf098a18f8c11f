# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares an instance with the options of a task. Pure functions.

Options that are not given are not compared. Of the others, each difference can either be changed in place, or only by
another launch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...model import Change, ChangeKind, Instance, LaunchOptions

_VERIFY_RESIZE = "verify_resize"
# The statuses of a resize that was accepted.
_RESIZING = frozenset({"resize", _VERIFY_RESIZE})


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference that only another launch can remove."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        """Return the difference in words."""
        return f"{self.name} is {self.before}, not {self.after}"


def changes(instance: Instance, options: LaunchOptions, new_name: str | None = None) -> tuple[Change, ...]:
    """Return the ordered changes in place that bring an instance to the options."""
    found = {change.kind: change for change in _changes(instance, options, new_name)}
    return tuple(found[kind] for kind in ChangeKind if kind in found)


def _changes(instance: Instance, options: LaunchOptions, new_name: str | None) -> Iterator[Change]:
    facts = instance.facts
    if new_name is not None and new_name != instance.name:
        yield Change(ChangeKind.NAME, instance.name, new_name)
    if options.description is not None and options.description != (facts.description or ""):
        yield Change(ChangeKind.DESCRIPTION, facts.description or "", options.description)
    yield from _metadata_change(instance, options)
    groups = options.security_groups
    if groups is not None and facts.security_groups is not None and set(groups) != set(facts.security_groups):
        yield Change(
            ChangeKind.SECURITY_GROUPS,
            ", ".join(sorted(facts.security_groups)),
            ", ".join(sorted(groups)),
            dict.fromkeys(groups, ""),
        )
    if options.floating_ip == "none" and instance.ip_address:
        yield Change(ChangeKind.ADDRESS, instance.ip_address, "none")
    if options.flavor is not None and options.flavor != instance.flavor.name:
        yield Change(ChangeKind.FLAVOR, instance.flavor.name, options.flavor)
    elif options.flavor is not None and instance.status == _VERIFY_RESIZE:
        yield Change(ChangeKind.CONFIRM, "not confirmed", "confirmed")
    if options.locked is not None and options.locked != bool(instance.locked):
        kind = ChangeKind.LOCK if options.locked else ChangeKind.UNLOCK
        yield Change(kind, "locked" if instance.locked else "unlocked", "locked" if options.locked else "unlocked")


def _metadata_change(instance: Instance, options: LaunchOptions) -> Iterator[Change]:
    """Return the change of the given keys. Other keys belong to other people."""
    present = instance.metadata or {}
    wanted = {key: value for key, value in (options.metadata or {}).items() if present.get(key) != value}
    if wanted:
        before = {key: present[key] for key in wanted if key in present}
        yield Change(ChangeKind.METADATA, _pairs(before), _pairs(wanted), wanted)


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{key}: {values[key]}" for key in sorted(values)) or "not set"


def differences(instance: Instance, options: LaunchOptions) -> tuple[Difference, ...]:
    """Return the differences that cannot be changed in place.

    A site replaces its images weekly under the same name. So the option is compared with the image name at launch, the
    image's UUID, and its present name if that was read.
    """
    return tuple(_differences(instance, options))


def _differences(instance: Instance, options: LaunchOptions) -> Iterator[Difference]:
    facts, image = instance.facts, instance.image
    known = {facts.image, *((image.uuid, image.name or None) if image else ())} - {None}
    if options.image is not None and facts.image is not None and options.image not in known:
        yield Difference("image", facts.image, options.image)
    if options.key_name is not None and options.key_name != facts.key_name:
        yield Difference("key_name", facts.key_name or "none", options.key_name)
    if options.boot_volume is not None and image is not None:
        yield Difference("boot_volume", "none", f"one of {options.boot_volume.size} GB")


def refusal_text(change: Change, reason: str) -> str:
    """Return the sentence about a change that the cloud would refuse. ``reason``: a clause."""
    return f"cannot {change.kind} ({change.before} to {change.after}): {reason}"


def locked_text(instance: Instance, change: Change) -> str:
    """Return the sentence for a change that is skipped, since the instance is locked."""
    reason = f": {instance.lock_reason}" if instance.lock_reason else ""
    return f"skipped: locked{reason} (to {change.kind}, set locked: false)"


def shows(instance: Instance, change: Change) -> bool:
    """Return whether an observed instance shows that a change was carried out, or has begun.

    A floating IP cannot be judged here: a cloud's list of instances may show a state from minutes ago.
    """
    facts = instance.facts
    match change.kind:
        case ChangeKind.NAME:
            return instance.name == change.after
        case ChangeKind.DESCRIPTION:
            return (facts.description or "") == change.after
        case ChangeKind.METADATA:
            present = instance.metadata or {}
            return all(present.get(key) == value for key, value in change.values.items())
        case ChangeKind.SECURITY_GROUPS:
            return set(facts.security_groups or ()) == set(change.values)
        case ChangeKind.FLAVOR:
            return instance.status in _RESIZING or bool(instance.activity) or instance.flavor.name == change.after
        case ChangeKind.CONFIRM:
            return instance.status != _VERIFY_RESIZE or bool(instance.activity)
        case ChangeKind.LOCK | ChangeKind.UNLOCK:
            return bool(instance.locked) is (change.kind is ChangeKind.LOCK)
    return False


def changed(instance: Instance, change: Change) -> Instance:
    """Return an instance as it is after a change, as far as results show it."""
    match change.kind:
        case ChangeKind.NAME:
            return replace(instance, name=change.after)
        case ChangeKind.LOCK | ChangeKind.UNLOCK:
            return replace(instance, locked=change.kind is ChangeKind.LOCK, lock_reason=None)
        case ChangeKind.ADDRESS:
            return replace(instance, ip_address=None)
    return instance
