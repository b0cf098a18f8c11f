# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes leftovers of this collection's launches: records in error without a host, and twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...clock import Clock
from ...cloud import Cloud, Launcher
from ...errors import FATAL_ERRORS, JetstreamError, NotFound
from ...model import FloatingAddress, Instance
from ...parallel import in_parallel
from ...resending import Resender
from ..isolation import poll_and_confirm
from .plans import is_gone

# Seconds for the deletion, and the pause between polls.
_REMOVAL = 60.0
_REMOVAL_PAUSE = 2.0


class Leftovers:
    """Deletes leftovers. ``deleted``: those whose deletion the cloud accepted; ``warnings``: why others were not."""

    def __init__(self, cloud: Cloud, clock: Clock, deadline: float) -> None:
        """Send nothing yet. ``deadline``: the end of all waits, by the clock's ``monotonic``."""
        self._cloud = cloud
        self._launcher = cloud.launcher()
        self._clock = clock
        self._deadline = deadline
        self._resender = Resender(clock, deadline)
        self.deleted: list[Instance] = []
        self.warnings: list[str] = []

    def delete(self, instances: Sequence[Instance]) -> set[str]:
        """Delete this collection's instances, and wait until they are gone. Returns the uuids of those that are not."""
        if not instances:
            return set()
        problems = in_parallel(self._delete_one, instances, self._cloud.max_concurrency)
        for instance, problem in zip(instances, problems, strict=True):
            if problem is not None:
                self.warnings.append(f"{instance.label} could not be deleted: {problem}")
        pending = [each for each, problem in zip(instances, problems, strict=True) if problem is None]
        self.deleted += pending
        end = min(self._clock.monotonic() + _REMOVAL, self._deadline)
        while pending and self._clock.monotonic() < end:
            seen = self._polled(pending)
            pending = [each for each in pending if not _is_seen_gone(seen.get(each.uuid))]
            if pending:
                self._clock.sleep(_REMOVAL_PAUSE)
        failed = {each.uuid for each, problem in zip(instances, problems, strict=True) if problem is not None}
        return failed | {each.uuid for each in pending}

    def _polled(self, instances: Sequence[Instance]) -> Mapping[str, Instance | JetstreamError]:
        """Poll instances that are being deleted. A failed poll shows nothing."""
        return poll_and_confirm(self._cloud, instances, thorough=True)

    def _delete_one(self, instance: Instance) -> JetstreamError | None:
        def delete() -> bool:
            self._launcher.delete(instance)
            return True

        try:
            self._resender.send(delete, lambda: is_being_deleted(self._cloud, instance) or None)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            return error
        return None

    def delete_with_addresses(self, twins: Sequence[Instance]) -> None:
        """Delete twins, and the floating IPs created for them."""
        if not twins:
            return
        addresses = self._addresses_of(twins)
        self.delete(twins)
        accepted = [each for each in twins if each in self.deleted]
        for instance, address in [(each, found) for each in accepted for found in addresses.get(each.uuid, ())]:
            try:
                release_address(self._launcher, self._resender, instance, address)
            except FATAL_ERRORS:
                raise
            except JetstreamError as error:
                self.warnings.append(f"The floating IP {address.address} of a twin could not be released: {error}")

    def _addresses_of(self, twins: Sequence[Instance]) -> dict[str, list[FloatingAddress]]:
        """Return the floating IPs created for twins, by uuid."""
        try:
            found = self._resender.read(lambda: self._launcher.floating_addresses(twins))
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            self.warnings.append(f"The floating IPs of twins could not be read: {error}")
            return {}
        return {uuid: [each for each in addresses if each.made_for_it] for uuid, addresses in found.items()}


def is_being_deleted(cloud: Cloud, instance: Instance) -> bool:
    """Return whether an instance is gone, or being deleted, by a new read. Raises any JetstreamError."""
    try:
        return is_gone(cloud.get_instance(instance))
    except NotFound:
        return True


def release_address(launcher: Launcher, resender: Resender, instance: Instance, address: FloatingAddress) -> None:
    """Release the floating IP of an instance, which may be gone already. Raises any JetstreamError."""

    def release() -> bool:
        launcher.release(address)
        return True

    def is_there() -> bool:
        attached = launcher.floating_addresses([instance]).get(instance.uuid, ())
        return address.id in {each.id for each in attached} or launcher.is_unattached(address)

    resender.send(release, lambda: None if is_there() else True)


def _is_seen_gone(seen: Instance | JetstreamError | None) -> bool:
    return isinstance(seen, Instance) and is_gone(seen)
