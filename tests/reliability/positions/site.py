# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a cloud for trials, which both clouds implement, and a task on one of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ...simulator.api.handling import RawRequest, RawResponse
from ...unit.fakes.fake_clock import FakeClock
from .faults import Fault


class Site(Protocol):
    """A cloud with one account. ``accepted``: the changes that it has accepted. ``logins``: how many there were.

    ``faults``: what may happen to a request to it.
    """

    faults: Mapping[str, Fault]
    accepted: list[str]
    logins: int

    def connection(self, folder: Path) -> tuple[Mapping[str, Any], MutableMapping[str, str]]:
        """Return the options of the connection, and the variables of its environment. Files go into ``folder``."""

    def is_login(self, raw: RawRequest) -> bool:
        """Return whether a request is a login."""

    def token_of(self, raw: RawRequest) -> str:
        """Return the token of a request."""

    def handle(self, raw: RawRequest) -> RawResponse:
        """Answer a request."""

    def settle(self) -> None:
        """Let all due events happen."""

    def expire_tokens(self) -> None:
        """Expire all tokens given so far."""

    def given_tokens(self) -> Collection[str]:
        """Return the tokens given so far."""

    def error(self, status: int, words: str) -> RawResponse:
        """Return an error in the form of the cloud."""

    def refused_token(self) -> RawResponse:
        """Return the response to a token that the cloud does not know."""

    def state(self) -> str:
        """Return all resources that tasks change, as text."""

    def of_others(self) -> str:
        """Return all resources that no task may change, as text."""

    def names(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the account's resources, by kind."""

    def orphans(self) -> Sequence[str]:
        """Return the resources that were made for an instance, and have none."""

    def errors(self) -> Sequence[str]:
        """Return the names of the instances in error."""


Place = TypeVar("Place", bound=Site)


def _nothing(_site: Any) -> None:
    """Start with others' resources alone."""


@dataclass(frozen=True)
class Series(Generic[Place]):
    """A task. ``reached`` returns what is wrong with a cloud after it, "" if nothing is.

    ``make``: makes the cloud, with what no task means. ``begin`` adds to it, and then a task with the options ``first``
    is run undisturbed. ``again``: whether the task is done again each time, as a reboot is.
    """

    make: Callable[[FakeClock], Place]
    module: Any
    options: Mapping[str, Any]
    reached: Callable[[Place], str]
    begin: Callable[[Place], object] = _nothing
    first: Mapping[str, Any] | None = None
    limit: float = 700.0
    again: bool = False

    @property
    def deletes(self) -> bool:
        """Whether it takes something away, and does nothing about what a list lacks."""
        is_removal = self.options.get("state") in ("absent", "detached") or self.options.get("shrink")
        return bool(is_removal) or self.options.get("floating_ip") == "none"
