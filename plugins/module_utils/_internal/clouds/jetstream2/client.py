# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of Cloud for Jetstream2, by requests to OpenStack's services. Facts: docs/jetstream2.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote, urlencode

from ...clock import Clock
from ...cloud import ProjectStore
from ...errors import (
    FATAL_ERRORS,
    ConfigurationError,
    JetstreamError,
    LockLost,
    NotFound,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ...flavors import family_of
from ...model import (
    AllocationSource,
    CloudAccount,
    Instance,
    StatusPeriod,
    Volume,
)
from ...parallel import in_parallel
from ...states import Action
from ...text.ordering import natural_key
from ...text.terminal import one_line
from ..json_values import Json, UnreadableRow, mapping, rows, text
from ..polls import Seen, checked, read_each
from ..row_lists import Reading, Warnings
from ..volume_rows import require_none_left_out
from .access_store import Jetstream2AccessStore
from .api import COMPUTE, Api, rows_in
from .catalog import Jetstream2Catalog
from .consoles import Jetstream2Consoles
from .image_store import Jetstream2ImageStore
from .launcher import Jetstream2Launcher
from .locks import LockNotes, Note
from .login import Account, Session
from .parsing import (
    allocation_sources_from_accounting,
    image_name,
    instance_from_nova,
    periods_from_actions,
    rests_since,
    server_name,
    unreadable_from_nova,
    volume_from_cinder,
    with_image_name,
    with_instance_names,
)
from .responses import raise_for_status
from .volume_store import Jetstream2VolumeStore

Made = TypeVar("Made")

# The first microversion with the reason of a failed step. Only these requests use it, since some clouds are older.
_COMPUTE_WITH_REASONS = "2.84"
# The number of image IDs in one URL: all web servers accept URLs of that length.
_IMAGES_PER_REQUEST = 50
# A poll of more servers uses one list, which costs nova less than a request for each.
_MAX_DETAILS = 4

# A lock is restored even after the deadline of the task: the number of attempts, the pauses between them, and the total
# time, in seconds.
_LOCK_ATTEMPTS = 4
_LOCK_PAUSES = (1.0, 3.0, 6.0)
_LOCK_SECONDS = 30.0
# The step of an action in which nova selects a host.
_SCHEDULING = "schedule_instances"

# In other statuses, nova refuses changes of metadata (docs/jetstream2.md, Metadata).
_METADATA_STATUSES = frozenset({"active", "paused", "suspended", "shutoff"})

_BODIES: Mapping[Action, Json] = {
    Action.START: {"os-start": None},
    Action.STOP: {"os-stop": None},
    Action.SUSPEND: {"suspend": None},
    Action.RESUME: {"resume": None},
    Action.SHELVE: {"shelve": None},
    Action.UNSHELVE: {"unshelve": None},
    Action.UNPAUSE: {"unpause": None},
    Action.REBOOT: {"reboot": {"type": "SOFT"}},
    Action.HARD_REBOOT: {"reboot": {"type": "HARD"}},
}


class Jetstream2Cloud:
    """One project at Jetstream2. May be used by many threads at once."""

    settle_seconds = 0.0
    no_address_seconds = 0.0
    # Nova responds to a poll from its database, in milliseconds (docs/performance.md, Polling).
    first_poll_seconds = 1.5
    polls_are_current = True

    def __init__(self, session: Session, notes: LockNotes, clock: Clock, *, max_concurrency: int) -> None:
        """Send nothing yet. ``max_concurrency``: the maximum number of concurrent requests."""
        self._session = session
        self._api = Api(session)
        self._notes = notes
        self._clock = clock
        self.max_concurrency = max_concurrency
        self._known: Account | None = None
        # The rows of the last list of servers, which a history or volumes in the same task reuse.
        self._listed: list[Json] | None = None
        self._warnings = Warnings()

    def unsupported_actions(self, instance: Instance) -> Mapping[Action, str]:
        """Return the unsupported actions of an instance, with reasons. See Cloud."""
        unsupported: dict[Action, str] = {}
        # See docs/jetstream2.md, Flavors that cannot be suspended.
        family = family_of(instance.flavor.name)
        if family and not family.can_suspend:
            unsupported[Action.SUSPEND] = f"its flavor {instance.flavor.name} cannot be suspended"
        if instance.status == "shelved" and instance.on_host is False:
            unsupported[Action.UNSHELVE] = (
                "no host has it, so an unshelve would be accepted and never end. Ask the site to shelve-offload it"
            )
        return unsupported

    def account(self) -> CloudAccount:
        """Return the user and the project of the login. See Cloud."""
        account = self._account()
        return CloudAccount(
            site=self._session.site,
            cloud=account.region,
            user=account.user_name,
            project=account.project_name,
            project_uuid=account.project_id,
        )

    def list_instances(
        self,
        *,
        live: bool,
        images: bool = True,
        all_images: bool = False,
        wanted: Callable[[Instance], bool] | None = None,
        unreadable: bool = False,
    ) -> list[Instance]:
        """Return all servers of the project, by name. States are always live. See Cloud."""
        task = "Listing instances"
        self._listed = self._servers()
        reading = self._reading(self._listed)
        instances = list({each.uuid: each for each in reading.checked(task, self._warnings)}.values())
        if images:
            named = [each for each in instances if all_images or wanted is None or wanted(each)]
            names = self._image_names(named)
            instances = [with_image_name(each, names) for each in instances]
        others = [unreadable_from_nova(row, why, self._account()) for row, why in reading.left_out if unreadable]
        return [*sorted(instances, key=lambda each: (natural_key(each.name), each.uuid)), *others]

    def list_volumes(
        self, *, live: bool, wanted: Callable[[Volume], bool] | None = None, strict: bool = False
    ) -> list[Volume]:
        """Return all volumes of the project, by name. See Cloud."""
        task = "Listing volumes"
        rows = self._api.rows("volumev3", "/volumes/detail", "volumes", task)
        reading = Reading.of(rows, lambda row: volume_from_cinder(row, self._account()))
        volumes = reading.checked(task, self._warnings)
        if strict:
            require_none_left_out(reading.left_out, wanted, task)
        if any(each.attachments and (wanted is None or wanted(each)) for each in volumes):
            names = self._server_names()
            volumes = [with_instance_names(each, names) for each in volumes]
        return sorted(volumes, key=lambda each: (natural_key(each.name), each.uuid))

    def volume_store(self) -> Jetstream2VolumeStore:
        """Return the store of volumes. See Cloud."""
        return Jetstream2VolumeStore(self._session, self._account)

    def access_store(self) -> Jetstream2AccessStore:
        """Return the store of key pairs and security groups. See Cloud."""
        return Jetstream2AccessStore(self._api, lambda: self._account().project_id, self._warnings)

    def catalog(self) -> Jetstream2Catalog:
        """Return the catalog. See Cloud."""
        return Jetstream2Catalog(
            self._api,
            self._account,
            lambda: self._server_names("that have floating IPs"),
            self._warnings,
            max_concurrency=self.max_concurrency,
        )

    def image_store(self) -> Jetstream2ImageStore:
        """Return the store of images. See Cloud."""
        return Jetstream2ImageStore(self._api, self._account())

    def project_store(self) -> ProjectStore:
        """Raise ConfigurationError: only the site creates projects. See Cloud."""
        raise ConfigurationError(
            "On Jetstream2, the site creates projects: one for each allocation.",
            hint="Request another allocation at ACCESS, or log in to the project of another allocation.",
        )

    def list_allocation_sources(self) -> list[AllocationSource]:
        """Return the project's allocations, which the accounting service updates once a day. See Cloud."""
        if not self._session.has("accounting"):
            return []
        rows = self._api.get("accounting", "/", "Reading the allocations")
        if not isinstance(rows, list):
            raise UnexpectedResponse("Reading the allocations failed: the response is not a list.")
        task = "Reading the allocations"
        return _shaped(lambda: allocation_sources_from_accounting(rows, self._account(), self._clock.now()), task)

    def list_history(
        self, since: datetime | None = None, wanted: Callable[[Instance], bool] | None = None
    ) -> list[StatusPeriod]:
        """Return the past states of the project's servers, computed from the actions on them. See Cloud."""
        rows = [*self._listed_servers(), *self._deleted_servers(since)]
        instances = self._read_servers(rows, "Listing instances")
        by_id = {text(mapping(row).get("id")): mapping(row) for row in rows}
        chosen = [each for each in instances if wanted is None or wanted(each)]
        found = in_parallel(lambda each: self._periods(each, by_id[each.uuid], since), chosen, self.max_concurrency)
        return [period for periods in found for period in periods]

    def get_instance(self, instance: Instance) -> Instance:
        """Return the present state of a server. See Cloud."""
        task = f"Reading {instance.label}"
        body = self._api.get("compute", f"/servers/{instance.uuid}", task, COMPUTE)
        return _shaped(lambda: instance_from_nova(mapping(mapping(body).get("server")), self._account()), task)

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        """Read several servers: few by single requests, many by a list. See Cloud."""
        if len(instances) <= _MAX_DETAILS:
            return checked(read_each(self._instance_or_gone, instances, self.max_concurrency))
        try:
            listed = self._read_servers(self._servers(), "Listing instances")
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            return {each.uuid: error for each in instances}
        seen: Seen = {each.uuid: each for each in listed}
        absent = [each for each in instances if each.uuid not in seen]
        # An absent server may be in an unreadable row, or the list may lack its row once. Only a 404 proves that it is
        # gone, so that its volumes and addresses may be deleted.
        return checked(seen | read_each(self._instance_or_gone, absent, self.max_concurrency))

    def act(self, instance: Instance, action: Action) -> None:
        """Request an action. See Cloud.

        Nova refuses actions on a locked server from all members of the project, including its owner
        (docs/jetstream2.md, Locks). Therefore, the server is unlocked until nova has accepted the action.
        """
        if not instance.locked:
            self._post(instance, _BODIES[action], action.capitalize())
            return
        with self._notes.written(instance.uuid, instance.lock_reason) as note:
            try:
                self._unlock(instance, note)
                self._post(instance, _BODIES[action], action.capitalize())
            except LockLost:
                # The attempts to lock it again have failed already.
                raise
            except BaseException as error:
                if not note.is_settled:
                    unsent = isinstance(error, JetstreamError) and not _may_be_carried_out(error)
                    self._lock_again(instance, note, error, unsent=unsent)
                raise
            self._lock_again(instance, note)

    def console_outputs(self, instances: Sequence[Instance], lines: int) -> Mapping[str, str]:
        """Return the last lines of the consoles of servers. See Cloud."""
        found = in_parallel(lambda each: self._console(each, lines), instances, self.max_concurrency)
        return {each.uuid: output for each, output in zip(instances, found, strict=True) if output is not None}

    def _console(self, instance: Instance, lines: int) -> str | None:
        try:
            return self.consoles().text(instance, lines)
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            # Servers in some states have no console. An unreadable console is no evidence.
            return None

    def consoles(self) -> Jetstream2Consoles:
        """Return the consoles. See Cloud."""
        return Jetstream2Consoles(self._api)

    def metadata_refusal(self, instance: Instance) -> str | None:
        """Return why nova would refuse a change of the metadata of a server. See Cloud."""
        if instance.locked:
            return "it is locked"
        if instance.activity:
            return f"the cloud is changing it ({one_line(instance.activity)})"
        if instance.status not in _METADATA_STATUSES:
            return f"it is {one_line(instance.status)}"
        return None

    def set_metadata(self, instance: Instance, key: str, value: str | None) -> None:
        """Set or remove one key, by a request for this key alone. See Cloud."""
        path = f"/servers/{instance.uuid}/metadata/{quote(key, safe='')}"
        task = f"Writing the metadata of {instance.label}"
        if value is not None:
            body = {"meta": {key: value}}
            reply = self._session.request("PUT", "compute", path, data=body, microversion=COMPUTE)
            raise_for_status(reply, task)
            return
        # NotFound: the key is missing already.
        with suppress(NotFound):
            raise_for_status(self._session.request("DELETE", "compute", path, microversion=COMPUTE), task)

    def restore(self, instances: Sequence[Instance]) -> tuple[Sequence[Instance], Sequence[str]]:
        """Restore the locks of runs that were killed before they restored them. See Cloud."""
        noted = self._notes.instances()
        if not noted.intersection(each.uuid for each in instances):
            return instances, ()
        restored = [self._restored(each) if each.uuid in noted else (each, None) for each in instances]
        return [each for each, _sentence in restored], [sentence for _each, sentence in restored if sentence]

    def _restored(self, instance: Instance) -> tuple[Instance, str | None]:
        """Lock an instance again if a note requires it. Returns the instance, and a sentence; None without a change."""
        with self._notes.left_behind(instance.uuid) as note:
            if note is None:
                return instance, None
            if instance.locked:
                note.settle()
                return instance, None
            locked = replace(instance, locked=True, lock_reason=note.reason())
            try:
                self._lock_again(locked, note)
            except LockLost as error:
                return instance, f"An interrupted run left {instance.label} unlocked. {error}"
        return locked, f"An interrupted run left {instance.label} unlocked. It is locked again."

    def _unlock(self, instance: Instance, note: Note) -> None:
        """Lift a lock.

        If the outcome is unknown, locks the server again, and raises Unreachable with ``unsent``: the action was not
        sent. Raises LockLost if that lock fails.
        """
        try:
            self._post(instance, {"unlock": None}, "Unlock")
        except JetstreamError as error:
            if not _may_be_carried_out(error):
                note.settle()
                raise
            self._lock_again(instance, note, error, unsent=True)
            raise Unreachable(str(error), unsent=True) from error

    def _lock_again(
        self, instance: Instance, note: Note, because: BaseException | None = None, *, unsent: bool = False
    ) -> None:
        """Lock a server again, even after the deadline, and remove the note.

        ``because``: the exception that ended the action. After an interruption such as Ctrl-C, there is only one
        attempt; if it fails, the note remains for the next run. ``unsent``: whether the action was certainly not
        carried out. Raises LockLost if all attempts fail.
        """
        attempts = 1 if because is not None and not isinstance(because, Exception) else _LOCK_ATTEMPTS
        with self._session.extended(_LOCK_SECONDS):
            lost = self._try_to_lock(instance, attempts)
        if lost is None:
            note.settle()
            return
        reason = f" (reason: {instance.lock_reason})" if instance.lock_reason else ""
        why = f"{because} " if because is not None else ""
        message = f"{why}Locking it again failed{reason}: {lost}"
        raise LockLost(message, accepted=because is None, unsent=unsent) from because

    def _try_to_lock(self, instance: Instance, attempts: int) -> JetstreamError | None:
        """Return None once the server is locked, or the error of the last attempt."""
        reason = {"locked_reason": instance.lock_reason} if instance.lock_reason else None
        until = self._clock.monotonic() + _LOCK_SECONDS
        for pause in [*_LOCK_PAUSES[: attempts - 1], None]:
            try:
                self._post(instance, {"lock": reason}, "Lock")
            except JetstreamError as error:
                lost = error
            else:
                return None
            with suppress(JetstreamError):
                if self.get_instance(instance).locked:
                    return None
            if pause is None or self._clock.monotonic() + pause >= until:
                break
            self._clock.sleep(pause)
        return lost

    def failure_reason(self, instance: Instance) -> str | None:
        """Return why the last action on a server failed; None if it did not. See Cloud.

        After a failed unshelve, the server itself has no fault (docs/jetstream2.md, Shelving).
        """
        try:
            [latest, *_earlier] = self._actions(instance, latest_only=True) or [{}]
            if latest.get("message") != "Error":
                return None
            return self._reason(instance, latest)
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return None

    def launcher(self) -> Jetstream2Launcher:
        """Return the launcher. See Cloud."""
        return Jetstream2Launcher(self._session, self._account(), self._clock, max_concurrency=self.max_concurrency)

    def limit(self, until: float | None) -> None:
        """Set the deadline of all requests. See Cloud."""
        self._session.limit(until)

    def take_warnings(self) -> Sequence[str]:
        """Return the warnings about unreadable parts of responses. See Cloud."""
        return self._warnings.take()

    def close(self) -> None:
        """Close all connections. See Cloud."""
        self._session.close()

    def _post(self, instance: Instance, body: Json, request: str) -> None:
        path = f"/servers/{instance.uuid}/action"
        reply = self._session.request("POST", "compute", path, data=body, microversion=COMPUTE)
        raise_for_status(reply, f"{request} of {instance.label}")

    def _account(self) -> Account:
        if self._known is None:
            self._known = self._session.account()
        return self._known

    def _servers(self) -> list[Json]:
        return self._api.rows("compute", "/servers/detail", "servers", "Listing instances", microversion=COMPUTE)

    def _listed_servers(self) -> list[Json]:
        """Return the rows of the last list of servers, or a new list if there is none."""
        return self._servers() if self._listed is None else self._listed

    def _reading(self, rows: Sequence[Json]) -> Reading[Instance]:
        return Reading.of(rows, lambda row: instance_from_nova(row, self._account()))

    def _read_servers(self, rows: Sequence[Json], task: str) -> list[Instance]:
        """Return the servers in the readable rows, each once."""
        return list({each.uuid: each for each in self._reading(rows).checked(task, self._warnings)}.values())

    def _server_names(self, where: str = "that volumes are attached to") -> dict[str, str]:
        """Return the names of all servers, by their ids. If they cannot be read, adds a warning, and returns {}.

        ``where``: a clause on the instances, for the warning.
        """
        task = "Listing the names of instances"
        try:
            rows = self._listed
            if rows is None:
                rows = self._api.rows("compute", "/servers", "servers", task, microversion=COMPUTE)
            return dict(Reading.of(rows, server_name).checked(task, self._warnings))
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            self._warnings.add(f"{error} The names of the instances {where} are missing.")
            return {}

    def _deleted_servers(self, since: datetime | None) -> list[Json]:
        """Return the rows of deleted servers that nova has not purged. It lists them only by ``changes-since``."""
        start = (since or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC)
        changes = {"changes-since": start.isoformat(timespec="seconds").replace("+00:00", "Z")}
        task = "Listing deleted instances"
        rows = self._api.rows("compute", "/servers/detail", "servers", task, changes, microversion=COMPUTE)
        return [row for row in rows if mapping(row).get("status") == "DELETED"]

    def _image_names(self, instances: Sequence[Instance]) -> dict[str, str]:
        """Return the names of the instances' images, by id. Only these are requested, since a site has hundreds."""
        wanted = sorted({each.image.uuid for each in instances if each.image and each.image.uuid})
        if not wanted:
            return {}
        groups = [wanted[start : start + _IMAGES_PER_REQUEST] for start in range(0, len(wanted), _IMAGES_PER_REQUEST)]
        try:
            found = in_parallel(self._some_images, groups, self.max_concurrency)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            self._warnings.add(f"{error} The names of images are missing.")
            return {}
        return {name: value for group in found for name, value in group.items()}

    def _some_images(self, wanted: Sequence[str]) -> dict[str, str]:
        task = "Listing images"
        query = urlencode({"id": "in:" + ",".join(wanted), "limit": str(_IMAGES_PER_REQUEST)})
        body = self._api.get("image", f"/v2/images?{query}", task)
        return dict(Reading.of(rows_in(body, "images", task), image_name).checked(task, self._warnings))

    def _instance_or_gone(self, instance: Instance) -> Instance:
        try:
            return self.get_instance(instance)
        except NotFound:
            return instance.gone()

    def _periods(self, instance: Instance, row: Json, since: datetime | None) -> list[StatusPeriod]:
        """Return the history of a server. If its actions cannot be read, adds a warning, and returns []."""
        task = f"Reading the actions on {instance.label}"

        def periods() -> list[StatusPeriod]:
            rests = since is not None and rests_since(instance, row, since)
            return periods_from_actions(instance, row, [] if rests else self._actions(instance))

        try:
            return _shaped(periods, task)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            self._warnings.add(f"{error} Its history is missing.")
            return []

    def _actions(self, instance: Instance, *, latest_only: bool = False) -> list[Json]:
        """Return nova's rows of the actions on a server, the latest first."""
        task = f"Reading the actions on {instance.label}"
        path = f"/servers/{instance.uuid}/os-instance-actions"
        if latest_only:
            return rows(mapping(self._api.get("compute", path, task, COMPUTE)).get("instanceActions"))
        actions = self._api.rows(
            "compute", path, "instanceActions", task, microversion=COMPUTE, links="links", marker="request_id"
        )
        return rows(actions)

    def _reason(self, instance: Instance, action: Json) -> str:
        """Return why an action failed: nova's details if they are visible, or else the failed step."""
        request = text(action.get("request_id")) or ""
        task = f"Reading an action on {instance.label}"
        path = f"/servers/{instance.uuid}/os-instance-actions/{quote(request, safe='')}"
        body = mapping(self._api.get("compute", path, task, _COMPUTE_WITH_REASONS))
        events = rows(mapping(body.get("instanceAction")).get("events"))
        failed = [each for each in events if each.get("result") == "Error"]
        details = next((found for each in failed if (found := text(each.get("details")))), None)
        if details:
            return details
        step = next((found for each in failed if (found := text(each.get("event")))), "an unknown step")
        reason = "no host had room for it" if step == _SCHEDULING else f"it failed in {step}"
        return f"{reason}. The site can look up {request}"


def _shaped(shape: Callable[[], Made], task: str) -> Made:
    try:
        return shape()
    except UnreadableRow as error:
        raise UnexpectedResponse(f"{task} failed: the response cannot be parsed: {error}.") from error


def _may_be_carried_out(error: JetstreamError) -> bool:
    """Return whether the request behind an error may have been carried out."""
    return isinstance(error, Unreachable | ServerFault | UnexpectedResponse) and not error.unsent
