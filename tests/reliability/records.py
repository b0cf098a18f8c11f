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
    """The state of an instance in a response, in the form of the product, such as "active - powering-off".

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
    """An action that the cloud accepted: the second, the instance, the action, and the client."""

    at: float
    uuid: str
    action: str
    by: str


class Outcome(Enum):
    """The response to a request, as its sender saw it."""

    PENDING = "pending"
    # A response of the API that grants the request.
    ACCEPTED = "granted"
    # A response of the API that refuses the request.
    REFUSED = "refused"
    # The request was certainly not carried out: no connection, a refused token, or a request to try again.
    NOT_EXECUTED = "not taken"
    # Anything else: the client cannot know whether the request was carried out.
    UNKNOWN = "unknown"


@dataclass
class Exchange:
    """A request of a client, with its response. Times are seconds of the run's clock.

    ``status``: that of the client's response, 0 if there was none. ``done_at``: the time at which the server handled
    it, None if it never did. ``accepted``: the actions that the cloud accepted by it. ``struck_by``: the kind of its
    fault. ``shown``: the states in the client's response.
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
        """Return whether it requests an action that changes the state of an instance."""
        return self.action is not None and self.action not in LOCKING

    @property
    def is_read(self) -> bool:
        """Return whether it only reads."""
        return self.method == "GET"


@dataclass
class Touch:
    """A change of an instance by none of the tested clients: its time, its instance, and its kind."""

    at: float
    uuid: str
    kind: str


@dataclass
class Record:
    """All events of a run."""

    exchanges: list[Exchange] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    # The kind and the time of each fault that happened.
    struck: list[tuple[str, float]] = field(default_factory=list)
    # The addresses of other servers that a client tried to reach.
    strangers: list[str] = field(default_factory=list)

    def take(self) -> Record:
        """Return all events so far, and start with an empty record."""
        taken = Record(self.exchanges, self.accepted, self.touches, self.struck, self.strangers)
        self.exchanges, self.accepted, self.touches, self.struck, self.strangers = [], [], [], [], []
        return taken

    def of(self, client: str) -> list[Exchange]:
        """Return the exchanges of a client, in the order in which they were sent."""
        return [each for each in self.exchanges if each.client == client]

    def actions(self, client: str, uuid: str) -> list[Exchange]:
        """Return the actions on an instance that a client requested."""
        return [each for each in self.of(client) if each.is_action and each.uuid == uuid]

    def accepted_for(self, client: str, uuid: str) -> list[Accepted]:
        """Return the actions of a client on an instance that the cloud accepted."""
        return [each for each in self.accepted if each.by == client and each.uuid == uuid]

    def shown_to(self, client: str, uuid: str, before: float | None = None) -> Iterator[tuple[Exchange, Shown]]:
        """Yield the states of an instance that a client got, in the order of the responses."""
        answered = [each for each in self.of(client) if each.shown and each.answered_at is not None]
        for exchange in sorted(answered, key=lambda each: (each.answered_at or 0.0, each.number)):
            if before is not None and (exchange.answered_at or 0.0) > before:
                continue
            for shown in exchange.shown:
                if shown.uuid == uuid:
                    yield exchange, shown

    def others_touched(self, client: str, uuid: str, since: float) -> bool:
        """Return whether anyone but a client changed an instance from a moment on."""
        return any(each.uuid == uuid and each.at >= since for each in self.touches) or any(
            each.uuid == uuid and each.at >= since and each.by != client for each in self.accepted
        )
