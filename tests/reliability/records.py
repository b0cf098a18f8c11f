# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run, made by the server's side: requests, responses, and the actions that the cloud accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

# Requests about the lock of an instance have the form of actions.
LOCKING = frozenset({"lock", "unlock"})


@dataclass(frozen=True)
class Shown:
    """The state of an instance in a response, as the product writes states: "active - powering-off".

    ``live``: whether it is the cloud's own, not a database's. ``locked``: whether it is locked. ``odd``: whether a
    fault has changed the response, so that the client may have refused to read it.
    """

    uuid: str
    text: str
    live: bool = True
    odd: bool = False
    locked: bool = False

    @property
    def status(self) -> str:
        """Return the first part of the text."""
        return self.text.partition(" - ")[0]

    @property
    def activity(self) -> str:
        """Return the second part, "" if there is none."""
        return self.text.partition(" - ")[2]


@dataclass(frozen=True)
class Accepted:
    """An action that the cloud accepted: at which second, of which instance, on whose behalf."""

    at: float
    uuid: str
    action: str
    by: str


class Outcome(Enum):
    """The response to a request, as its sender saw it."""

    PENDING = "pending"
    # A response of the API's own that grants the request.
    ACCEPTED = "granted"
    # A response that says that the request was refused.
    REFUSED = "refused"
    # The request surely was not carried out: no connection, a refused token, or the server asked to come again.
    NOT_EXECUTED = "not taken"
    # Anything else: nobody can tell from it whether the request was carried out.
    UNKNOWN = "unknown"


@dataclass
class Exchange:
    """One request of one client, with its response.

    Moments are seconds of the run's clock. ``status`` is that which the sender got, 0 if it got none. ``done_at`` is
    when the server worked on it, None if it never did. ``accepted``: what the cloud accepted by it. ``struck_by``: the
    kind of the fault that struck it. ``shown``: the states in the response that the sender got.
    """

    client: str
    number: int
    method: str
    path: str
    body: object
    sent_at: float
    answered_at: float | None = None
    done_at: float | None = None
    status: int = 0
    outcome: Outcome = Outcome.PENDING
    error: str = ""
    struck_by: str = ""
    uuid: str | None = None
    action: str | None = None
    refused_by_cloud: bool = False
    accepted: list[Accepted] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    @property
    def is_action(self) -> bool:
        """Whether it asks for an action on an instance that changes its state."""
        return self.action is not None and self.action not in LOCKING

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"


@dataclass
class Touch:
    """A change to an instance that was not the doing of a client that is tested: when, which, and its kind."""

    at: float
    uuid: str
    kind: str


@dataclass
class Record:
    """Everything that happened in one run."""

    exchanges: list[Exchange] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    # The kind of each fault that struck, and when.
    struck: list[tuple[str, float]] = field(default_factory=list)
    # Addresses of other servers that a client evaluate to reach.
    strangers: list[str] = field(default_factory=list)

    def take(self) -> Record:
        """Return everything so far, and begin anew."""
        taken = Record(self.exchanges, self.accepted, self.touches, self.struck, self.strangers)
        self.exchanges, self.accepted, self.touches, self.struck, self.strangers = [], [], [], [], []
        return taken

    def of(self, client: str) -> list[Exchange]:
        """Return the exchanges of a client, in the order in which they were sent."""
        return [each for each in self.exchanges if each.client == client]

    def actions(self, client: str, uuid: str) -> list[Exchange]:
        """Return the actions on an instance that a client asked for."""
        return [each for each in self.of(client) if each.is_action and each.uuid == uuid]

    def accepted_for(self, client: str, uuid: str) -> list[Accepted]:
        """Return what the cloud accepted for an instance on behalf of a client."""
        return [each for each in self.accepted if each.by == client and each.uuid == uuid]

    def shown_to(self, client: str, uuid: str, before: float | None = None) -> Iterator[tuple[Exchange, Shown]]:
        """Yield what a client was shown of an instance, in the order in which the responses came."""
        answered = [each for each in self.of(client) if each.shown and each.answered_at is not None]
        for exchange in sorted(answered, key=lambda each: (each.answered_at or 0.0, each.number)):
            if before is not None and (exchange.answered_at or 0.0) > before:
                continue
            for shown in exchange.shown:
                if shown.uuid == uuid:
                    yield exchange, shown

    def others_touched(self, client: str, uuid: str, since: float) -> bool:
        """Tell whether anybody but a client did something to an instance from a moment on."""
        return any(each.uuid == uuid and each.at >= since for each in self.touches) or any(
            each.uuid == uuid and each.at >= since and each.by != client for each in self.accepted
        )
