# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Atmosphere as a Cloud: which of its URLs is asked for what, and how its stale answers are kept from doing harm.

Facts and the exchanges that show them: docs/atmosphere.md.
"""

from __future__ import annotations

import itertools
import math
import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from ...clock import Clock
from ...errors import (
    FATAL_ERRORS,
    JetstreamError,
    NotFound,
    PermissionDenied,
    Refused,
    UnexpectedResponse,
)
from ...http.transport import Transport
from ...model import (
    AllocationSource,
    CloudAccount,
    Instance,
    StatusPeriod,
    Volume,
)
from ...parallel import in_parallel
from ...states import Action, Kind, RestingState, classify
from .login import Login
from .parsing import (
    allocation_source_from_v2,
    attached_to,
    instance_from_v2,
    period_from_v2,
    volume_from_v2,
    with_attachment,
    with_live_state,
)
from .responses import raise_for_status

Json = dict[str, Any]
Thing = TypeVar("Thing")
# An identity at a provider: both uuids, as they stand in v1's URLs.
Account = tuple[str, str]

# What an answer costs the server (docs/atmosphere.md, What a request costs): seconds, measured.
_V1_LIST_SECONDS_PER_INSTANCE = 0.03
_V2_LIST_SECONDS_PER_INSTANCE = 0.07
_DETAIL_SECONDS = 0.075
# An answer may take so many times as long as it does on an idle server.
_TIMEOUT_FACTOR = 4
# For so long v1's list is served from a cache that not every action empties.
_LIST_CACHE_SECONDS = 30.0
# Where nothing else is said, no more details than these are asked for in one go.
_DETAILS_AT_MOST = 50
# While a list changes, rows move between its pages, and may be missed: it is read again, so many times at most.
_MAX_LIST_READS = 3
_READING_STATES = "Reading live states"
_READING_VOLUMES = "Reading volumes"

_REQUEST_BODIES: Mapping[Action, Mapping[str, str]] = {
    Action.START: {"action": "start"},
    Action.STOP: {"action": "stop"},
    Action.SUSPEND: {"action": "suspend"},
    Action.RESUME: {"action": "resume"},
    Action.SHELVE: {"action": "shelve"},
    Action.UNSHELVE: {"action": "unshelve"},
    Action.REBOOT: {"action": "reboot", "reboot_type": "SOFT"},
    Action.HARD_REBOOT: {"action": "reboot", "reboot_type": "HARD"},
}
_UNSUPPORTED: Mapping[Action, str] = {Action.UNPAUSE: "Atmosphere cannot unpause"}
_UNSUPPORTED_IN_ERROR: Mapping[Action, str] = {
    **_UNSUPPORTED,
    # What nova refuses costs the floating IP all the same (docs/atmosphere.md, Floating IPs).
    Action.STOP: "a stop that is refused would cost it its floating IP",
    Action.HARD_REBOOT: "Atmosphere reboots only what is active",
}
_EMPTIES_LIST_CACHE = frozenset({Action.START, Action.STOP, Action.SUSPEND, Action.SHELVE})


class AtmosphereCloud:
    """The account of one user at one Atmosphere. May be used by many threads at once."""

    # A deployment begins 10 s after a start, 15 s after a resume, or later if Atmosphere's workers are behind: then
    # only the missing address tells (docs/atmosphere.md, Deployments).
    settle_seconds = 30.0
    no_address_seconds = 180.0

    def __init__(
        self, login: Login, transport: Transport, clock: Clock, *, max_concurrency: int, page_size: int
    ) -> None:
        """Send nothing yet. ``page_size``: rows of one page of a list."""
        self._login = login
        self._transport = transport
        self._clock = clock
        self.max_concurrency = max_concurrency
        self._page_size = page_size
        self._nonces = (f"{secrets.token_hex(6)}-{number}" for number in itertools.count())
        self._lock = threading.Lock()
        self._list_cached_at: dict[Account, float] = {}
        self._list_length: Counter[Account] = Counter()

    def unsupported_actions(self, instance: Instance) -> Mapping[Action, str]:
        """Return what cannot be done to an instance, and why. See Cloud."""
        return _UNSUPPORTED_IN_ERROR if instance.status == "error" else _UNSUPPORTED

    def account(self) -> CloudAccount:
        """Return the account that is logged in to; its user is not known where a token is all there is. See Cloud."""
        return CloudAccount(site=self._login.site, cloud="Atmosphere", user=self._login.username)

    def list_instances(self, *, live: bool, images: bool = True) -> list[Instance]:
        """Return every instance of the account, by number. See Cloud."""
        instances = self._list("/api/v2/instances", "Listing instances", instance_from_v2)
        if not live:
            return instances
        rows = self._live_rows(instances)
        return self._confirmed(instances, [_overlaid(each, rows.get(_account(each))) for each in instances])

    def list_volumes(self, *, live: bool) -> list[Volume]:
        """Return every volume of the account, by number. See Cloud."""
        volumes = self._list("/api/v2/volumes", "Listing volumes", volume_from_v2)
        if not live:
            return volumes
        accounts = sorted({_account(each) for each in volumes})
        lists = in_parallel(self._v1_volumes, accounts, self.max_concurrency)
        rows = {uuid: row for each in lists for uuid, row in each.items()}
        instances: dict[str, Instance] = {}
        if any(attached_to(row) for row in rows.values()):
            instances = {each.uuid: each for each in self.list_instances(live=False)}
        with _readable(_READING_VOLUMES):
            return [
                with_attachment(each, rows[each.uuid], instances) if each.uuid in rows else each for each in volumes
            ]

    def list_allocation_sources(self) -> list[AllocationSource]:
        """Return everything that can pay for the account's instances. See Cloud."""
        return self._list("/api/v2/allocation_sources", "Listing allocation sources", allocation_source_from_v2)

    def list_history(self, since: datetime | None = None) -> list[StatusPeriod]:
        """Return which states the account's instances were in, and when. See Cloud."""
        # Atmosphere cannot be asked for a part of it.
        return self._list("/api/v2/instance_histories", "Listing the history", period_from_v2)

    def get_instance(self, instance: Instance) -> Instance:
        """Return one instance as the cloud has it this moment. See Cloud."""
        # v1 caches a detail for a minute by its URL, and serves it to anyone: only a URL never used before is live.
        task = f"Reading {instance.label}"
        row = self._get(_url(instance), task, {"_": self._nonce()})
        with _readable(task):
            return with_live_state(instance, row)

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        """Look at many at once, by list or by details, whichever costs the server less. See Cloud."""
        by_account: dict[Account, list[Instance]] = defaultdict(list)
        for each in instances:
            by_account[_account(each)].append(each)
        details: list[Instance] = []
        seen: dict[str, Instance | JetstreamError] = {}
        for account, members in by_account.items():
            if self._list_is_better(account, len(members)):
                seen |= self._poll_list(account, members)
            else:
                details += members if thorough else members[:_DETAILS_AT_MOST]
        looks = in_parallel(self._instance_or_error, details, self.max_concurrency)
        return seen | {each.uuid: look for each, look in zip(details, looks, strict=True)}

    def act(self, instance: Instance, action: Action) -> None:
        """Ask for an action. See Cloud."""
        task = f"{action.capitalize()} of {instance.label}"
        raise_for_status(self._login.request("POST", _url(instance) + "/action", data=_REQUEST_BODIES[action]), task)
        with self._lock:
            if action in _EMPTIES_LIST_CACHE:
                self._list_cached_at.pop(_account(instance), None)
            else:
                # Somebody else may have filled the cache a moment ago.
                self._list_cached_at[_account(instance)] = self._clock.monotonic()

    def failure_reason(self, instance: Instance) -> str | None:
        """Atmosphere does not tell what became of an action. See Cloud."""
        return None

    def limit(self, until: float | None) -> None:
        """Set the time by which every request must have ended. See Cloud."""
        self._transport.limit(until)

    def close(self) -> None:
        """Give connections back."""
        self._transport.close()

    def _nonce(self) -> str:
        with self._lock:
            return next(self._nonces)

    def _get(self, path: str, task: str, params: Mapping[str, str] | None = None, *, takes: float = 0.0) -> Any:
        """Return what a GET is answered with. C(takes): for how many seconds an idle server works on the answer."""
        return raise_for_status(
            self._login.request("GET", path, params=params, extra_time=_TIMEOUT_FACTOR * takes), task
        )

    def _list(self, path: str, task: str, shape: Callable[[Json], Thing]) -> list[Thing]:
        """Return all things of a v2 list, by number, each once although rows may move between pages meanwhile."""
        for _round in range(_MAX_LIST_READS):
            counts, things = self._read_list(path, task, shape)
            if len(counts) == 1:
                break
        return [things[number] for number in sorted(things)]

    def _read_list(self, path: str, task: str, shape: Callable[[Json], Thing]) -> tuple[set[int], dict[int, Thing]]:
        """Return how many rows there were, by all that the pages say, and what is made of the rows, by their number."""

        def page(number: int) -> tuple[int, dict[int, Thing]]:
            # Without an order, the server gives rows in any order, and pages then miss some and repeat others.
            params = {"ordering": "id", "page_size": str(self._page_size), "page": str(number)}
            takes = self._page_size * _V2_LIST_SECONDS_PER_INSTANCE
            body = _page_of(self._get(path, task, params, takes=takes), task)
            with _readable(task):
                # Shaped at once: all rows of a large account, as they come, take many times the room.
                return body["count"], {int(row["id"]): shape(row) for row in body["results"]}

        def later_page(number: int) -> tuple[int, dict[int, Thing]]:
            try:
                return page(number)
            except NotFound:
                # The list has become shorter since its first page was read.
                return 0, {}

        first = page(1)
        rest = range(2, math.ceil(first[0] / self._page_size) + 1)
        counts, things = {first[0]}, first[1]
        for count, more in in_parallel(later_page, rest, self.max_concurrency):
            counts.add(count)
            things |= more
        return counts, things

    def _live_rows(self, instances: Sequence[Instance]) -> dict[Account, dict[str, Json]]:
        """Return v1's rows by account and uuid; an account is missing if its list may not be read."""

        def rows(account: Account) -> dict[str, Json] | None:
            try:
                return self._v1_instances(account)
            except (PermissionDenied, NotFound, Refused):
                # Somebody else's identity, seen because a project is shared, or one whose own login at the provider
                # is refused: there is no live state to be had.
                return None

        with self._lock:
            self._list_length = Counter(map(_account, instances))
            accounts = sorted(self._list_length)
        found = zip(accounts, in_parallel(rows, accounts, self.max_concurrency), strict=True)
        return {account: each for account, each in found if each is not None}

    def _v1_instances(self, account: Account) -> dict[str, Json]:
        with self._lock:
            takes = self._list_length[account] * _V1_LIST_SECONDS_PER_INSTANCE
        task = _READING_STATES
        rows = _rows_of(self._get(f"{_v1(account)}/instance", task, takes=takes), task)
        with self._lock:
            self._list_cached_at[account] = self._clock.monotonic()
            self._list_length[account] = len(rows)
        return rows

    def _v1_volumes(self, account: Account) -> dict[str, Json]:
        return _rows_of(self._get(f"{_v1(account)}/volume", _READING_VOLUMES), _READING_VOLUMES)

    def _list_is_better(self, account: Account, wanted: int) -> bool:
        with self._lock:
            cached_at = self._list_cached_at.get(account)
            length = max(self._list_length[account], wanted)
        if cached_at is not None and self._clock.monotonic() - cached_at <= _LIST_CACHE_SECONDS:
            # It would be served from the cache, and reading it writes the stale states back into the database.
            return False
        return length * _V1_LIST_SECONDS_PER_INSTANCE < wanted * _DETAIL_SECONDS

    def _poll_list(self, account: Account, members: Sequence[Instance]) -> dict[str, Instance | JetstreamError]:
        try:
            rows = self._v1_instances(account)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            return {each.uuid: error for each in members}
        return {each.uuid: _overlaid(each, rows) for each in members}

    def _instance_or_error(self, instance: Instance) -> Instance | JetstreamError:
        try:
            return self._instance_or_gone(instance)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            return error

    def _instance_or_gone(self, instance: Instance) -> Instance:
        try:
            return self.get_instance(instance)
        except NotFound:
            return instance.gone()

    def _confirmed(self, stored: Sequence[Instance], listed: Sequence[Instance]) -> list[Instance]:
        """Look again at those whose listed state may come from the list's cache (docs/atmosphere.md, Stale states)."""
        uncertain = [
            after for before, after in zip(stored, listed, strict=True) if after.live and _is_uncertain(before, after)
        ]
        sure = {each.uuid: each for each in in_parallel(self._instance_or_gone, uncertain, self.max_concurrency)}
        return [sure.get(each.uuid, each) for each in listed]


def _is_uncertain(stored: Instance, listed: Instance) -> bool:
    """Compare database and list. Only resume, unshelve and reboot leave the list's cache as it is.

    So a list may show asleep what was woken since (to leave that alone would leave it running), and at rest what is
    being rebooted (to stop that would be refused, and cost its address). The database knows better in both cases.
    """
    before, now = classify(stored.status, stored.activity), classify(listed.status, listed.activity)
    if now.kind is not Kind.RESTING:
        return False
    if now.state in (RestingState.SUSPENDED, RestingState.SHELVED):
        return before != now
    return now.state is RestingState.ACTIVE and before.kind is Kind.MOVING


def _overlaid(instance: Instance, rows: Mapping[str, Json] | None) -> Instance:
    if rows is None:
        return instance
    row = rows.get(instance.uuid)
    with _readable(_READING_STATES):
        return with_live_state(instance, row) if row else instance.gone()


def _account(thing: Instance | Volume) -> Account:
    return thing.provider.uuid, thing.identity.uuid


def _v1(account: Account) -> str:
    provider, identity = account
    return f"/api/v1/provider/{provider}/identity/{identity}"


def _url(instance: Instance) -> str:
    return f"{_v1(_account(instance))}/instance/{instance.uuid}"


def _page_of(body: Any, task: str) -> Json:
    if isinstance(body, dict) and isinstance(body.get("results"), list) and isinstance(body.get("count"), int):
        return body
    raise UnexpectedResponse(f"{task} was answered with JSON that is not a page of a list.")


def _rows_of(body: Any, task: str) -> dict[str, Json]:
    """Return the rows of a v1 list by their uuids."""
    if not isinstance(body, list):
        raise UnexpectedResponse(f"{task} was answered with JSON that is not a list.")
    with _readable(task):
        return {row["alias"]: row for row in body}


@contextmanager
def _readable(task: str) -> Iterator[None]:
    """Turn what happens to rows of an unknown form into an error for a person."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnexpectedResponse(f"{task} was answered with a row that this version cannot read: {error!r}.") from error
