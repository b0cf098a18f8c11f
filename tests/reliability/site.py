# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a cloud for runs and faults, which both clouds implement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..simulator.api.handling import RawRequest, RawResponse
from .plans import Member
from .records import Shown

# The sorts of requests that faults are drawn for.
LOGIN, LIST, STATES, DETAIL, ACTION, OTHER = "login", "list", "states", "detail", "action", "other"
PASSWORD = "very-secret-password"


@dataclass(frozen=True)
class ActualState:
    """An instance in the cloud: its state in the product's words, and other facts.

    ``refuses``: whether the cloud refuses every action on it. ``unready``: why an active one is not ready, "" if it is.
    """

    text: str
    running: bool = False
    locked: bool = False
    locked_by_site: bool = False
    lock_reason: str | None = None
    on_host: bool = True
    refuses: bool = False
    address: str | None = None

    @property
    def status(self) -> str:
        """Return the first part of the text."""
        return self.text.partition(" - ")[0]

    @property
    def activity(self) -> str:
        """Return the second part, "" if there is none."""
        return self.text.partition(" - ")[2]


class Site(Protocol):
    """A cloud with a fleet."""

    @property
    def cloud(self) -> str:
        """Return which cloud it is."""

    @property
    def members(self) -> Sequence[Member]:
        """Return the fleet."""

    @property
    def uuids(self) -> Sequence[str]:
        """Return the uuid of each member."""

    @property
    def ids(self) -> Sequence[str]:
        """Return the id of each member in the module's results."""

    def options(self, client: str, url: str, home: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Return the options of the connection of a client, and variables of its environment."""

    def provider_of(self, number: int) -> str:
        """Return the name of the provider of a member."""

    def handle(self, raw: RawRequest, client: str) -> RawResponse:
        """Return the response to a request, without any fault of the network."""

    def sort_of(self, raw: RawRequest) -> str:
        """Return the sort of a request."""

    def action_of(self, raw: RawRequest, body: object) -> tuple[str | None, str | None]:
        """Return the uuid of the instance that a request acts on, and the action in the product's words."""

    def shown(self, client: str, raw: RawRequest, reply: RawResponse, *, odd: bool) -> list[Shown]:
        """Return the states of instances in a response. ``odd``: whether a fault has changed it."""

    def is_token_refused(self, reply: RawResponse) -> bool:
        """Return whether a response refuses the token."""

    def is_doubtful(self, reply: RawResponse) -> bool:
        """Return whether a refused request may have been carried out."""

    def actual_state(self, uuid: str) -> ActualState:
        """Return an instance as the cloud has it now."""

    def secrets(self) -> Collection[str]:
        """Return all secrets, which no output may have: passwords, and the tokens so far."""

    def end_faults(self) -> None:
        """End all faults of the cloud. Their effects stay, such as an instance in error."""
