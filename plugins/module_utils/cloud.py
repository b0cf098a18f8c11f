# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a cloud. Nothing above it knows which cloud it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from .errors import JetstreamError
from .model import (
    AllocationSource,
    CloudAccount,
    Instance,
    StatusPeriod,
    Volume,
)
from .states import Action


class Cloud(Protocol):
    """A cloud that has instances and volumes. Every method may raise any JetstreamError.

    ``max_concurrency`` is how many requests may be under way to it at the same time.
    """

    max_concurrency: int

    def unsupported_actions(self, instance: Instance) -> Mapping[Action, str]:
        """Return what cannot be done to an instance, and why, in words that follow "it is shelved, and"."""

    @property
    def settle_seconds(self) -> float:
        """For how long a woken instance that kept its address may look ready before its deployment begins."""

    @property
    def no_address_seconds(self) -> float:
        """For how long a woken instance without an address may look ready before it gets one."""

    def account(self) -> CloudAccount:
        """Return the account that is logged in to. Its ``user`` is the ``owner`` of its own things."""

    def list_instances(
        self,
        *,
        live: bool,
        images: bool = True,
        all_images: bool = False,
        wanted: Callable[[Instance], bool] | None = None,
    ) -> list[Instance]:
        """Return every instance that the account can see, by number.

        With ``live``, states are read from the cloud itself; without, they may be as old as the cloud's database is.
        Where that cannot be done for all, those that could not be read have a ``read_error``. ``images``: whether the
        names of images are of interest. ``wanted``: for which instances live states and images are; it is asked before
        they are known. ``all_images``: whether the names of images are of interest for the others as well.
        """

    def list_volumes(self, *, live: bool, wanted: Callable[[Volume], bool] | None = None) -> list[Volume]:
        """Return every volume that the account can see, by number; with ``live``, with status and attachments.

        ``wanted``: for which volumes these are of interest.
        """

    def list_allocation_sources(self) -> list[AllocationSource]:
        """Return everything that can pay for the account's instances."""

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        """Return which states the account's instances were in, and when, deleted instances among them.

        Instances that were deleted before ``since`` may be left out, and those that are not ``wanted``.
        """

    def get_instance(self, instance: Instance) -> Instance:
        """Return one instance as the cloud has it this moment, from no cache.

        Raises NotFound if the cloud no longer has it.
        """

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        """Look at many at once, in the way that costs the cloud least.

        Returns, by uuid, what was seen, or why nothing could be seen this time; one that is gone from the cloud has
        status ``missing``. Where many would cost the cloud much, only the first of them may be looked at, unless it has
        to be ``thorough``. An error that ends a run (see FATAL_ERRORS) is raised, or, where something was seen besides,
        is among the values.
        """

    def act(self, instance: Instance, action: Action) -> None:
        """Ask for an action. Returns when the cloud has accepted it, long before it is done."""

    def restore(self, instances: Sequence[Instance]) -> tuple[Sequence[Instance], Sequence[str]]:
        """Put back what an earlier run took away from these and did not give back, such as a lock.

        Returns all of them as they are then, and a sentence for each that was concerned.
        """

    def failure_reason(self, instance: Instance) -> str | None:
        """Return why the last action on an instance came to nothing, if the cloud knows."""

    def limit(self, until: float | None) -> None:
        """Set the time by which every request that begins from now on must have ended; None for no such time.

        ``until`` is a time of the clock's ``monotonic()``. It holds for retries, pauses and logins as well. A request
        that is cut off by it raises Unreachable; one that would begin later is not sent, and raises Unreachable with
        ``unsent``.
        """

    def take_warnings(self) -> Sequence[str]:
        """Return a sentence for each part of the answers that could not be read, each of them once."""

    def close(self) -> None:
        """Give connections back."""
