# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of Cloud for Atmosphere, by requests to its APIs v1 and v2, with precautions against stale responses.

Facts, with the recorded exchanges: docs/atmosphere.md.
"""

from __future__ import annotations

import itertools
import math
import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from ...clock import Clock
from ...cloud import AccessStore, ImageStore
from ...errors import (
    FATAL_ERRORS,
    ConfigurationError,
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
from ...states import Action, Kind, classify
from ..json_values import Json, UnreadableRow, mapping, number_of, text, uuid_of, whole
from ..polls import Seen, checked, read_each
from ..row_lists import Reading, Warnings
from ..volume_rows import require_none_left_out
from .catalog import AtmosphereCatalog
from .consoles import AtmosphereConsoles
from .launch_records import LaunchRecords
from .launcher import AtmosphereLauncher
from .login import Login
from .parsing import (
    allocation_source_from_v2,
    attached_to,
    instance_from_v2,
    period_from_v2,
    unreadable_from_v2,
    user_of_identity,
    volume_from_v2,
    with_attachment,
    with_live_state,
)
from .project_store import AtmosphereProjectStore
from .responses import raise_for_status
from .volume_store import AtmosphereVolumeStore

Thing = TypeVar("Thing")
Located = TypeVar("Located", Instance, Volume)
# A function that returns the unique, sortable key of a row in a list.
Key = Callable[[Json], Any]
# The UUIDs of a provider and an identity, as in the URLs of v1.
Account = tuple[str, str]

# The measured cost of a response, in seconds of an idle server (docs/atmosphere.md, Cost of a request).
_V1_LIST_SECONDS_PER_INSTANCE = 0.03
_V2_LIST_SECONDS_PER_INSTANCE = 0.07
_DETAIL_SECONDS = 0.075
_LAUNCH_SECONDS = 3.0
# The timeout of a response grows by this multiple of its cost.
_TIMEOUT_FACTOR = 4
# The lifetime of v1's cached list, which only some actions empty (docs/atmosphere.md, Stale states).
_LIST_CACHE_SECONDS = 30.0
# A poll by details, in parallel, may be faster than a long list. It may cost the server this multiple of the list.
_MAX_COST_OF_DETAILS = 2.5
# The maximum seconds of a detail on a server with as many workers as concurrent requests.
_SLOW_DETAIL_SECONDS = 0.25
# The maximum number of details of a poll, except for the last one.
_MAX_DETAILS = 128
# The maximum number of times to read a list that changes meanwhile: its rows move between pages, and may be missed.
_MAX_LIST_READS = 3
# The maximum count of a list. A longer one is an error.
_MAX_ROWS = 100_000
# The only statuses in the history of an instance without a host (docs/atmosphere.md, Launching).
_STATUSES_WITHOUT_HOST = frozenset({"build", "error"})
_HISTORY_PAGE = 100
# The errors of reading live states with an identity that is not shared, or that its provider refuses.
_NOT_READABLE = (PermissionDenied, NotFound, Refused)
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
    # Even a refused stop releases the floating IP (docs/atmosphere.md, Floating IPs).
    Action.STOP: "a refused stop would release its floating IP",
    Action.HARD_REBOOT: "Atmosphere reboots only active instances",
}
_EMPTIES_LIST_CACHE = frozenset({Action.START, Action.STOP, Action.SUSPEND, Action.SHELVE})


@dataclass(frozen=True, slots=True)
class _LiveRows:
    """The rows of a v1 list, by uuid. ``complete``: whether all of them were readable."""

    by_uuid: Mapping[str, Json]
    complete: bool


class AtmosphereCloud:
    """The account of one user at one Atmosphere. May be used by many threads at once."""

    # A deployment begins 10 s after a start, 15 s after a resume, or later if Atmosphere's workers are behind. In that
    # case, only the missing address shows that it is pending (docs/atmosphere.md, Deployments).
    settle_seconds = 30.0
    no_address_seconds = 180.0
    # Polls are costly for the cloud behind Atmosphere (docs/atmosphere.md, Cost of a request), and no recorded action
    # completed sooner.
    first_poll_seconds = 3.0
    # The list of a poll may be 30 s old (docs/atmosphere.md, Stale states).
    polls_are_current = False

    def __init__(
        self,
        login: Login,
        transport: Transport,
        clock: Clock,
        records: LaunchRecords,
        *,
        max_concurrency: int,
        page_size: int,
    ) -> None:
        """Send nothing yet.

        ``max_concurrency``: the maximum number of concurrent requests. ``page_size``: rows per page of a list.
        """
        self._login = login
        self._transport = transport
        self._clock = clock
        self._records = records
        self.max_concurrency = max_concurrency
        self._page_size = page_size
        self._nonces = (f"{secrets.token_hex(6)}-{number}" for number in itertools.count())
        self._lock = threading.Lock()
        self._list_cached_at: dict[Account, float] = {}
        self._list_length: Counter[Account] = Counter()
        self._list_seconds: dict[Account, float] = {}
        self._warnings = Warnings()
        self._account: CloudAccount | None = None

    def unsupported_actions(self, instance: Instance) -> Mapping[Action, str]:
        """Return the unsupported actions of an instance, with reasons. See Cloud."""
        return _UNSUPPORTED_IN_ERROR if instance.status == "error" else _UNSUPPORTED

    def account(self) -> CloudAccount:
        """Return the user of the login. See Cloud."""
        if self._account is None:
            user = self._login.username or self._name_in_profile()
            self._account = CloudAccount(site=self._login.site, cloud="Atmosphere", user=user)
        return self._account

    def list_instances(
        self,
        *,
        live: bool,
        images: bool = True,
        all_images: bool = False,
        wanted: Callable[[Instance], bool] | None = None,
        unreadable: bool = False,
    ) -> list[Instance]:
        """Return all instances that the account can see, by number. See Cloud."""
        task = "Listing instances"
        reading = self._reading("/api/v2/instances", task, instance_from_v2)
        instances = self._records.marked(self._in_order(reading, task))
        others = [unreadable_from_v2(row, why) for row, why in reading.left_out] if unreadable else []
        return [*(self._with_histories(self._with_live_states(instances, wanted)) if live else instances), *others]

    def list_volumes(
        self, *, live: bool, wanted: Callable[[Volume], bool] | None = None, strict: bool = False
    ) -> list[Volume]:
        """Return all volumes that the account can see, by number. See Cloud."""
        task = "Listing volumes"
        reading = self._reading("/api/v2/volumes", task, volume_from_v2)
        volumes = self._in_order(reading, task)
        if strict:
            require_none_left_out(reading.left_out, wanted, task)
        return self._with_attachments(volumes, wanted) if live else volumes

    def _with_attachments(self, volumes: list[Volume], wanted: Callable[[Volume], bool] | None) -> list[Volume]:
        """Read the status and the attachment of the wanted volumes from the v1 list of each identity."""
        chosen = [each for each in volumes if wanted is None or wanted(each)]
        by_account = _by_account(chosen)
        lists = self._lists(self._v1_volumes, sorted(by_account))
        self._report_unread(by_account, lists)
        rows = {
            uuid: row for each in lists.values() if isinstance(each, _LiveRows) for uuid, row in each.by_uuid.items()
        }
        instances: Mapping[str, Instance] = {}
        if any(attached_to(rows[each.uuid]) for each in chosen if each.uuid in rows):
            instances = self._stored_instances()
        attached = {
            each.uuid: with_attachment(each, rows[each.uuid], instances) for each in chosen if each.uuid in rows
        }
        return [attached.get(each.uuid, each) for each in volumes]

    def volume_store(self) -> AtmosphereVolumeStore:
        """Return the store of volumes. See Cloud."""
        return AtmosphereVolumeStore(self._login, self.account, self._nonce)

    def access_store(self) -> AccessStore:
        """Raise ConfigurationError: Atmosphere has neither key pairs nor security groups. See Cloud."""
        raise ConfigurationError(
            "Atmosphere has neither key pairs nor security groups.", hint="It sets up access to instances itself."
        )

    def image_store(self) -> ImageStore:
        """Raise ConfigurationError: only the site's staff creates images. See Cloud."""
        raise ConfigurationError(
            "On Atmosphere, only the staff creates images.",
            hint="Request an image on the web page of the instance.",
        )

    def project_store(self) -> AtmosphereProjectStore:
        """Return the store of projects. See Cloud."""
        return AtmosphereProjectStore(self)

    def catalog(self) -> AtmosphereCatalog:
        """Return the catalog. See Cloud."""
        return AtmosphereCatalog(self, self._warnings, max_concurrency=self.max_concurrency)

    def list_allocation_sources(self) -> list[AllocationSource]:
        """Return the allocations that can pay for the account's instances. See Cloud."""
        return self._list("/api/v2/allocation_sources", "Listing allocation sources", allocation_source_from_v2)

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        """Return the past states of the account's instances, all of them. See Cloud."""
        # Atmosphere cannot filter the history.
        return self._list("/api/v2/instance_histories", "Listing the history", period_from_v2)

    def get_instance(self, instance: Instance) -> Instance:
        """Return the present state of an instance in the cloud. See Cloud."""
        # v1 caches a detail by its URL for a minute. Only the response to a new URL is live.
        task = f"Reading {instance.label}"
        row = mapping(self._get(_url(instance), task, {"_": self._nonce()}))
        try:
            return with_live_state(instance, row)
        except UnreadableRow as error:
            raise UnexpectedResponse(f"{task} failed: the response cannot be parsed: {error}.") from error

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        """Read several instances, by a list or by details, whichever costs the server less. See Cloud."""
        details: list[Instance] = []
        seen: Seen = {}
        for account, members in _by_account(instances).items():
            if self._list_is_better(account, len(members)):
                try:
                    seen |= self._poll_list(account, members)
                except FATAL_ERRORS as error:
                    return checked({**{each.uuid: error for each in instances}, **seen})
            else:
                details += members if thorough else members[:_MAX_DETAILS]
        return checked(seen | read_each(self._instance_or_gone, details, self.max_concurrency))

    def act(self, instance: Instance, action: Action) -> None:
        """Request an action. See Cloud."""
        task = f"{action.capitalize()} of {instance.label}"
        raise_for_status(self._login.request("POST", _url(instance) + "/action", data=_REQUEST_BODIES[action]), task)
        with self._lock:
            if action in _EMPTIES_LIST_CACHE:
                self._list_cached_at.pop(_account(instance), None)
            else:
                # Another client may have filled the cache just before, and the action does not empty it.
                self._list_cached_at[_account(instance)] = self._clock.monotonic()

    def console_outputs(self, instances: Sequence[Instance], lines: int) -> Mapping[str, str]:
        """Return {}: Atmosphere does not return the text of consoles. See Cloud."""
        return {}

    def consoles(self) -> AtmosphereConsoles:
        """Return the consoles. See Cloud."""
        return AtmosphereConsoles(self._login)

    def metadata_refusal(self, instance: Instance) -> str | None:
        """Return the reason: Atmosphere has no metadata. See Cloud."""
        return "Atmosphere has no metadata of instances"

    def set_metadata(self, instance: Instance, key: str, value: str | None) -> None:
        """Raise Refused: Atmosphere has no metadata. See Cloud."""
        raise Refused(f"{instance.label}: {self.metadata_refusal(instance)}.")

    def restore(self, instances: Sequence[Instance]) -> tuple[Sequence[Instance], Sequence[str]]:
        """Return the instances unchanged: Atmosphere has no locks. See Cloud."""
        return instances, ()

    def failure_reason(self, instance: Instance) -> str | None:
        """Return None: Atmosphere does not return reasons. See Cloud."""
        return None

    def launcher(self) -> AtmosphereLauncher:
        """Return the launcher. See Cloud."""
        return AtmosphereLauncher(self, self._records)

    def limit(self, until: float | None) -> None:
        """Set the deadline of all requests. See Cloud."""
        self._transport.limit(until)

    def take_warnings(self) -> Sequence[str]:
        """Return the warnings about unreadable parts of responses, and about launch records. See Cloud."""
        if self._records.problem is not None:
            self._warnings.add(f"{self._records.problem} A later run will not recognize their instances.")
        return self._warnings.take()

    def close(self) -> None:
        """Close all connections. See Cloud."""
        self._transport.close()

    def read(self, path: str, task: str) -> list[Json]:
        """Return all rows of a v2 list. For the launcher and the store of projects."""
        return self._list(path, task, lambda row: row)

    def read_live(self, path: str, task: str) -> Any:
        """Return the body of the response to a GET of v1, bypassing the cache. For the launcher."""
        return self._get(path, task, {"_": self._nonce()})

    def listed(self, path: str, task: str, shape: Callable[[Json], Thing], key: Key = number_of) -> list[Thing]:
        """Return the shaped rows of a v2 list, in the order of their keys. For the catalog."""
        return self._list(path, task, shape, key)

    def send(self, method: str, path: str, task: str, data: Json | None = None) -> Any:
        """Send a change once, and return the body of the response. For the launcher and the store of projects.

        A change empties the cache of v1's list, so the next list is live.
        """
        extra_time = _TIMEOUT_FACTOR * _LAUNCH_SECONDS
        body = raise_for_status(self._login.request(method, path, data=data, extra_time=extra_time, once=True), task)
        with self._lock:
            self._list_cached_at.clear()
        return body

    def instances(self, *, unreadable: bool = False) -> list[Instance]:
        """Return all instances, in their states in the database. For the launcher. ``unreadable``: see Cloud."""
        return self.list_instances(live=False, unreadable=unreadable)

    def attached_volumes(self, instances: Sequence[Instance]) -> Mapping[str, Sequence[str]]:
        """Return the UUIDs of the volumes of instances, by the UUID of the instance. For the launcher.

        Combines the lists of v1 and v2, since either may lack a volume. An overlooked volume would never be deleted:
        once its instance is gone, no response shows that it belonged to it.
        """
        accounts = {_account(each) for each in instances}
        rows: dict[str, Json] = {}
        for listed in self._lists(self._v1_volumes, sorted(accounts)).values():
            if isinstance(listed, JetstreamError):
                raise listed
            rows |= listed.by_uuid
        stored = self.list_volumes(live=False)
        unlisted = [each for each in stored if _account(each) in accounts and each.uuid not in rows]
        found = in_parallel(self._volume_row, unlisted, self.max_concurrency)
        rows |= {each.uuid: row for each, row in zip(unlisted, found, strict=True)}
        attached: dict[str, list[str]] = defaultdict(list)
        for uuid, row in rows.items():
            attached[attached_to(row) or ""].append(uuid)
        return attached

    def _volume_row(self, volume: Volume) -> Json:
        """Return v1's row of a volume; an empty one if the cloud does not have the volume."""
        path = f"{_v1(_account(volume))}/volume/{volume.uuid}"
        try:
            return mapping(self.read_live(path, f"Reading {volume.label}"))
        except NotFound:
            return {}

    def launched(self, row: Json) -> Instance:
        """Return the instance in the response to a launch. For the launcher. Its state counts as live."""
        return replace(instance_from_v2(row), live=True)

    def username(self) -> str | None:
        """Return the name of the account's user. For the launcher and the store of projects."""
        return self.account().user

    def _name_in_profile(self) -> str:
        """Return the user of a token without a username. Raises UnexpectedResponse without a name."""
        task = "Reading the profile of the account"
        name = text(mapping(self._get("/api/v1/profile", task)).get("username"))
        if not name:
            raise UnexpectedResponse(
                f"{task} failed: the response has no username.", hint="Set owner to any, or to a name."
            )
        return name

    def _nonce(self) -> str:
        """Return a value that makes a URL unique."""
        with self._lock:
            return next(self._nonces)

    def _get(self, path: str, task: str, params: Mapping[str, str] | None = None, *, cost: float = 0.0) -> Any:
        """Return the body of the response to a GET. ``cost``: in seconds of an idle server."""
        return raise_for_status(
            self._login.request("GET", path, params=params, extra_time=_TIMEOUT_FACTOR * cost), task
        )

    def _list(self, path: str, task: str, shape: Callable[[Json], Thing], key: Key = number_of) -> list[Thing]:
        """Return the shaped rows of a v2 list, in the order of their keys."""
        return self._in_order(self._reading(path, task, shape, key), task)

    def _in_order(self, reading: Reading[tuple[Any, Thing]], task: str) -> list[Thing]:
        """Return the readable rows in the order of their keys, each once: rows may move between pages meanwhile."""
        things = dict(reading.checked(task, self._warnings))
        return [things[number] for number in sorted(things)]

    def _reading(
        self, path: str, task: str, shape: Callable[[Json], Thing], key: Key = number_of
    ) -> Reading[tuple[Any, Thing]]:
        """Read a v2 list, and again if it changed meanwhile."""
        for _round in range(_MAX_LIST_READS):
            counts, reading = self._read_list(path, task, shape, key)
            if len(counts) == 1:
                break
        return reading

    def _read_list(
        self, path: str, task: str, shape: Callable[[Json], Thing], key: Key
    ) -> tuple[set[int], Reading[tuple[Any, Thing]]]:
        """Return the counts of the pages, which differ if the list changed meanwhile, and the rows with their keys."""

        def page(number: int) -> tuple[int, Reading[tuple[Any, Thing]]]:
            # Without this parameter, the order of rows varies, so that pages miss some rows and repeat others.
            params = {"ordering": "id", "page_size": str(self._page_size), "page": str(number)}
            cost = self._page_size * _V2_LIST_SECONDS_PER_INSTANCE
            count, rows = _page_of(self._get(path, task, params, cost=cost), task)
            # Shaped at once, since the unshaped rows of a large account need many times the memory.
            return count, Reading.of(rows, lambda row: (key(row), shape(row)))

        def later_page(number: int) -> tuple[int, Reading[tuple[Any, Thing]]]:
            try:
                return page(number)
            except NotFound:
                # The list has become shorter since the first page.
                return 0, Reading()

        first = page(1)
        rest = range(2, math.ceil(first[0] / self._page_size) + 1)
        pages = [first, *in_parallel(later_page, rest, self.max_concurrency)]
        whole_list = Reading(
            [each for _count, reading in pages for each in reading.made],
            [each for _count, reading in pages for each in reading.unreadable],
            [each for _count, reading in pages for each in reading.left_out],
        )
        return {count for count, _reading in pages}, whole_list

    def _with_live_states(
        self, instances: Sequence[Instance], wanted: Callable[[Instance], bool] | None
    ) -> list[Instance]:
        """Read the live states of the wanted instances: by details for few of an identity, by its v1 list for many."""
        with self._lock:
            self._list_length = Counter(map(_account, instances))
        chosen = [each for each in instances if wanted is None or any(map(wanted, _as_owned(each)))]
        by_account = _by_account(chosen)
        long = [account for account, members in by_account.items() if not self._details_are_cheaper(account, members)]
        lists = self._lists(self._v1_instances, sorted(long))
        self._report_unread(by_account, lists)
        found = {each.uuid: _overlaid(each, lists[_account(each)]) for each in chosen if _account(each) in lists}
        doubtful = [each for each in chosen if _is_doubtful(each, found.get(each.uuid))]
        details = in_parallel(self._instance_or_error, doubtful, self.max_concurrency)
        found |= {each.uuid: detail for each, detail in zip(doubtful, details, strict=True)}
        for detail in details:
            if isinstance(detail, JetstreamError) and not isinstance(detail, _NOT_READABLE):
                self._warnings.add(str(detail))
        return [_as_found(each, found.get(each.uuid)) for each in instances]

    def _with_histories(self, instances: Sequence[Instance]) -> list[Instance]:
        """Read from the history whether the instances of failed launches by this collection ever ran."""
        failed = [each for each in instances if each.status == "error" and each.facts.token is not None]
        have_run = in_parallel(self._has_run, failed, self.max_concurrency)
        facts = {each.uuid: replace(each.facts, has_run=ran) for each, ran in zip(failed, have_run, strict=True)}
        return [replace(each, facts=facts.get(each.uuid, each.facts)) for each in instances]

    def _has_run(self, instance: Instance) -> bool:
        """Return whether an instance may have run. Without a readable history, it may."""
        task = f"Reading the history of {instance.label}"
        params = {"instance": instance.uuid, "page_size": str(_HISTORY_PAGE)}
        try:
            count, rows = _page_of(self._get("/api/v2/instance_histories", task, params), task)
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return True
        statuses = {text(mapping(row).get("status")) for row in rows}
        return not rows or count > len(rows) or not statuses <= _STATUSES_WITHOUT_HOST

    def _details_are_cheaper(self, account: Account, members: Sequence[Instance]) -> bool:
        """Return whether a detail of each costs the server less than the list. Details are never stale."""
        return len(members) * _DETAIL_SECONDS < self._list_length[account] * _V1_LIST_SECONDS_PER_INSTANCE

    def _lists(
        self, read: Callable[[Account], _LiveRows], accounts: Sequence[Account]
    ) -> dict[Account, _LiveRows | JetstreamError]:
        """Read a list of each identity in parallel. Returns the errors of those that fail. Raises FATAL_ERRORS."""

        def rows_or_error(account: Account) -> _LiveRows | JetstreamError:
            try:
                return read(account)
            except FATAL_ERRORS:
                raise
            except JetstreamError as error:
                return error

        return dict(zip(accounts, in_parallel(rows_or_error, accounts, self.max_concurrency), strict=True))

    def _report_unread(
        self, by_account: Mapping[Account, Sequence[Located]], lists: Mapping[Account, _LiveRows | JetstreamError]
    ) -> None:
        """Warn of each list that failed. Raises the first error if the lists of all identities failed."""
        failed = {
            account: error
            for account, error in lists.items()
            if isinstance(error, JetstreamError) and not isinstance(error, _NOT_READABLE)
        }
        if failed and len(failed) == len(by_account):
            raise next(iter(failed.values()))
        for account, error in failed.items():
            members = by_account[account]
            self._warnings.add(
                f"{error} The states of {len(members)} instances at {members[0].provider.name} are missing."
            )

    def _v1_instances(self, account: Account) -> _LiveRows:
        with self._lock:
            cost = self._list_length[account] * _V1_LIST_SECONDS_PER_INSTANCE
        begun = self._clock.monotonic()
        rows = _rows_of(self._get(f"{_v1(account)}/instance", _READING_STATES, cost=cost), _READING_STATES)
        with self._lock:
            self._list_cached_at[account] = self._clock.monotonic()
            self._list_seconds[account] = self._clock.monotonic() - begun
            self._list_length[account] = len(rows.by_uuid)
        return rows

    def _v1_volumes(self, account: Account) -> _LiveRows:
        rows = _rows_of(self._get(f"{_v1(account)}/volume", _READING_VOLUMES), _READING_VOLUMES)
        if not rows.complete:
            self._warnings.add(f"{_READING_VOLUMES}: skipped rows that cannot be parsed.")
        return rows

    def _stored_instances(self) -> Mapping[str, Instance]:
        """Return all instances by uuid, for the names of attachments.

        If they cannot be read, adds a warning, and returns {}. Raises FATAL_ERRORS.
        """
        try:
            return {each.uuid: each for each in self.list_instances(live=False)}
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            self._warnings.add(f"{error} The names of the instances that volumes are attached to are missing.")
            return {}

    def _list_is_better(self, account: Account, wanted: int) -> bool:
        """Return whether a poll of ``wanted`` instances should use the list of the identity, and not details."""
        with self._lock:
            cached_at = self._list_cached_at.get(account)
            length = max(self._list_length[account], wanted)
            seconds = self._list_seconds.get(account, length * _V1_LIST_SECONDS_PER_INSTANCE)
        if cached_at is not None and self._clock.monotonic() - cached_at <= _LIST_CACHE_SECONDS:
            # The list would come from the cache, and reading it would write stale states back into the database.
            return False
        list_cost, details_cost = length * _V1_LIST_SECONDS_PER_INSTANCE, wanted * _DETAIL_SECONDS
        if details_cost <= list_cost:
            return False
        rounds = math.ceil(wanted / self.max_concurrency)
        details_are_faster = wanted <= _MAX_DETAILS and rounds * _SLOW_DETAIL_SECONDS < seconds
        return not (details_are_faster and details_cost <= _MAX_COST_OF_DETAILS * list_cost)

    def _poll_list(self, account: Account, members: Sequence[Instance]) -> Seen:
        rows = self._lists(self._v1_instances, [account])[account]
        seen = {each.uuid: _overlaid(each, rows) for each in members}
        unknown = [each for each in members if seen[each.uuid] is None]
        read = read_each(self._instance_or_gone, unknown, self.max_concurrency)
        return read | {uuid: found for uuid, found in seen.items() if found is not None}

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


def _is_doubtful(stored: Instance, listed: Instance | JetstreamError | None) -> bool:
    """Return whether the state of an instance needs a detail (docs/atmosphere.md, Stale states).

    ``stored``: as in the database. ``listed``: as in v1's list, an error, or None if it is not in a list. The cache of
    the list keeps states for 30 s, despite resumes, unshelves, reboots and deployments. A state is doubtful

    - if both disagree on the state at rest: either may be stale, and acting on a wrong state may cost the address;
    - if the list shows a transition to the state at rest in the database: it may be over;
    - if the list shows a failed deployment, which may be the one before a successful one;
    - if the list lacks the instance, which would otherwise count as deleted.
    """
    if listed is None:
        return True
    if isinstance(listed, JetstreamError):
        return False
    if listed.status == "missing":
        return True
    before, now = classify(stored.status, stored.activity), classify(listed.status, listed.activity)
    if now.kind is Kind.MOVING:
        return before.kind is Kind.RESTING and before.state is now.state
    return now.defect is not None or (before.kind, before.state) != (now.kind, now.state)


def _overlaid(instance: Instance, rows: _LiveRows | JetstreamError) -> Instance | JetstreamError | None:
    """Return an instance with the state in a v1 list, which may be cached, or its error; None if a detail is needed."""
    if isinstance(rows, JetstreamError):
        return rows
    row = rows.by_uuid.get(instance.uuid)
    if row is None:
        # Otherwise, one of the unreadable rows may be that of the instance.
        return replace(instance.gone(), may_be_old=_LIST_CACHE_SECONDS) if rows.complete else None
    try:
        return replace(with_live_state(instance, row), may_be_old=_LIST_CACHE_SECONDS)
    except UnreadableRow:
        return None


def _as_found(stored: Instance, found: Instance | JetstreamError | None) -> Instance:
    """Return the instance that was found, or the stored one with the error of the read, if any."""
    if not isinstance(found, JetstreamError):
        return found or stored
    # An identity without access belongs to the user in its text, whatever the user of the instance.
    is_final = isinstance(found, _NOT_READABLE)
    owner = user_of_identity(stored) if is_final else None
    return replace(stored, read_error=str(found), read_again=not is_final, owner=owner or stored.owner)


def _as_owned(instance: Instance) -> list[Instance]:
    """Return an instance with its user as the owner, and with the user of its identity, if that is another one."""
    other = user_of_identity(instance)
    return [instance] if other in (None, instance.owner) else [instance, replace(instance, owner=other or "")]


def _by_account(things: Iterable[Located]) -> dict[Account, list[Located]]:
    by_account: dict[Account, list[Located]] = defaultdict(list)
    for each in things:
        by_account[_account(each)].append(each)
    return dict(by_account)


def _account(thing: Instance | Volume) -> Account:
    return thing.provider.uuid, thing.identity.uuid


def _v1(account: Account) -> str:
    provider, identity = account
    return f"/api/v1/provider/{provider}/identity/{identity}"


def _url(instance: Instance) -> str:
    return f"{_v1(_account(instance))}/instance/{instance.uuid}"


def _page_of(body: Any, task: str) -> tuple[int, list[Any]]:
    """Return the count of a v2 list, and the rows of this page. Raises UnexpectedResponse for any other body."""
    count, results = whole(mapping(body).get("count")), mapping(body).get("results")
    if count is None or not isinstance(results, list):
        raise UnexpectedResponse(f"{task} failed: the response is not a page of a list.")
    if count > _MAX_ROWS:
        raise UnexpectedResponse(f"{task} failed: the list has {count} rows, and the maximum is {_MAX_ROWS}.")
    return count, results


def _rows_of(body: Any, task: str) -> _LiveRows:
    """Return the rows of a v1 list, by uuid. Raises UnexpectedResponse for any other body."""
    if not isinstance(body, list):
        raise UnexpectedResponse(f"{task} failed: the response is not a list.")
    rows: dict[str, Json] = {}
    for row in body:
        try:
            rows[uuid_of(row, "alias")] = row
        except UnreadableRow:
            continue
    return _LiveRows(rows, complete=len(rows) == len(body))
