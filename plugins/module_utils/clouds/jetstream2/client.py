# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jetstream2, which is OpenStack, as a Cloud. Facts: docs/jetstream2.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from ...clock import Clock
from ...errors import (
    FATAL_ERRORS,
    JetstreamError,
    NotFound,
    UnexpectedResponse,
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
from .login import Account, Session
from .parsing import (
    allocation_sources_from_accounting,
    image_id,
    instance_from_nova,
    periods_from_actions,
    rests_since,
    volume_from_cinder,
)
from .responses import raise_for_status

Json = Mapping[str, Any]
Made = TypeVar("Made")

# The first version of nova's API that says why a server is locked. Every nova since 2019 has it.
_COMPUTE = "2.73"
# The first that says why a step of an action failed. Asked for only then, since some clouds are older.
_COMPUTE_WITH_REASONS = "2.84"
_PAGE = 1000
# So many ids of images make an address that every web server takes.
_IMAGES = 50
# Above so many pending servers, one list is fewer requests, and costs nova less, than a detail for each.
_DETAILS_AT_MOST = 4

# The step of an action in which a machine is looked for.
_SCHEDULING = "schedule_instances"

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

    def __init__(self, session: Session, clock: Clock, *, max_concurrency: int) -> None:
        """Send nothing yet. C(max_concurrency): requests under way at the same time, at most."""
        self._session = session
        self._clock = clock
        self.max_concurrency = max_concurrency
        self._known: Account | None = None
        # The rows of the last list, for what is read in one go with it.
        self._listed: list[Json] | None = None

    def unsupported_actions(self, instance: Instance) -> Mapping[Action, str]:
        """Return what cannot be done to an instance, and why. See Cloud."""
        withheld: dict[Action, str] = {}
        # See docs/jetstream2.md, Flavors that cannot be suspended.
        family = family_of(instance.flavor.name)
        if family and not family.can_suspend:
            withheld[Action.SUSPEND] = f"its flavor {instance.flavor.name} cannot be suspended"
        if instance.status == "shelved" and instance.on_host is False:
            withheld[Action.UNSHELVE] = (
                "no machine holds it, so that an unshelve would be accepted and never end. "
                "Ask the site to shelve-offload it"
            )
        return withheld

    def account(self) -> CloudAccount:
        """Return the project that is logged in to. See Cloud."""
        account = self._account()
        return CloudAccount(
            site=self._session.site,
            cloud=account.region,
            user=account.user_name,
            project=account.project_name,
            project_uuid=account.project_id,
        )

    def list_instances(self, *, live: bool, images: bool = True) -> list[Instance]:
        """Return every server of the project, by name. States are always live. See Cloud."""
        rows = self._listed = self._servers()
        names = self._image_names(rows) if images else {}
        return sorted((self._instance(row, names) for row in rows), key=lambda each: (each.name, each.uuid))

    def list_volumes(self, *, live: bool) -> list[Volume]:
        """Return every volume of the project, by name. See Cloud."""
        rows = self._all("volumev3", "/volumes/detail", "volumes", "Listing volumes")
        attached = any(row.get("attachments") for row in rows)
        names = {row["id"]: row["name"] for row in self._listed_servers()} if attached else {}
        return sorted(
            (self._shaped(volume_from_cinder, row, self._account(), names) for row in rows),
            key=lambda each: (each.name, each.uuid),
        )

    def list_allocation_sources(self) -> list[AllocationSource]:
        """Return the project's allocations, which the accounting service brings up to date once a day. See Cloud."""
        if not self._session.has("accounting"):
            return []
        rows = self._get("accounting", "/", "Reading the allocations")
        if not isinstance(rows, list):
            raise UnexpectedResponse("Reading the allocations was answered with JSON that is not a list.")
        return self._shaped(allocation_sources_from_accounting, rows, self._account(), self._clock.now())

    def list_history(self, since: datetime | None = None) -> list[StatusPeriod]:
        """Return which states the project's servers were in, by what was done to them. See Cloud."""
        rows = [*self._listed_servers(), *self._deleted_servers(since)]

        def periods(row: Json) -> list[StatusPeriod]:
            instance = self._instance(row, {})
            rests = since is not None and self._shaped(rests_since, instance, row, since)
            return self._shaped(periods_from_actions, instance, row, [] if rests else self._actions(instance))

        return [period for each in in_parallel(periods, rows, self.max_concurrency) for period in each]

    def get_instance(self, instance: Instance) -> Instance:
        """Return one server as it is this moment. See Cloud."""
        row = self._get("compute", f"/servers/{instance.uuid}", f"Reading {instance.label}", _COMPUTE)["server"]
        return self._instance(row, {})

    def poll(self, instances: Sequence[Instance], *, thorough: bool = False) -> Mapping[str, Instance | JetstreamError]:
        """Look at many at once, by a list, or by details of a few. See Cloud."""
        if len(instances) <= _DETAILS_AT_MOST:
            looks = in_parallel(self._instance_or_error, instances, self.max_concurrency)
            return {each.uuid: look for each, look in zip(instances, looks, strict=True)}
        try:
            seen = {each.uuid: each for each in self.list_instances(live=True, images=False)}
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            return {each.uuid: error for each in instances}
        return {each.uuid: seen.get(each.uuid) or each.gone() for each in instances}

    def act(self, instance: Instance, action: Action) -> None:
        """Ask for an action. See Cloud.

        What is locked takes no action from anybody in the project (docs/jetstream2.md, Locks), not even from who locked
        it. So it is unlocked until the cloud has accepted the action.
        """
        if not instance.locked:
            self._post(instance, _BODIES[action], action.capitalize())
            return
        self._post(instance, {"unlock": None}, "Unlock")
        try:
            self._post(instance, _BODIES[action], action.capitalize())
        finally:
            reason = {"locked_reason": instance.lock_reason} if instance.lock_reason else None
            self._post(instance, {"lock": reason}, "Lock")

    def failure_reason(self, instance: Instance) -> str | None:
        """Return why the last action on a server failed, if it did: a failed unshelve leaves no fault. See Cloud."""
        try:
            actions = self._actions(instance)
            if not actions or actions[0].get("message") != "Error":
                return None
            return self._reason(instance, actions[0])
        except FATAL_ERRORS:
            raise
        except JetstreamError:
            return None

    def limit(self, until: float | None) -> None:
        """Set the time by which every request must have ended. See Cloud."""
        self._session.limit(until)

    def close(self) -> None:
        """Give connections back."""
        self._session.close()

    def _post(self, instance: Instance, body: Json, what: str) -> None:
        path = f"/servers/{instance.uuid}/action"
        reply = self._session.request("POST", "compute", path, data=body, microversion=_COMPUTE)
        raise_for_status(reply, f"{what} of {instance.label}")

    def _account(self) -> Account:
        if self._known is None:
            self._known = self._session.account()
        return self._known

    def _get(self, service: str, path: str, task: str, microversion: str | None = None) -> Any:
        return raise_for_status(self._session.request("GET", service, path, microversion=microversion), task)

    def _servers(self) -> list[Json]:
        return self._all("compute", "/servers/detail", "servers", "Listing instances", microversion=_COMPUTE)

    def _listed_servers(self) -> list[Json]:
        """Return the servers of the last list, or list them if there is none yet."""
        return self._servers() if self._listed is None else self._listed

    def _deleted_servers(self, since: datetime | None) -> list[Json]:
        """Return what nova still knows of servers that were deleted: it tells only whoever asks for changes."""
        start = (since or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC)
        changes = {"changes-since": start.isoformat(timespec="seconds").replace("+00:00", "Z")}
        task = "Listing deleted instances"
        rows = self._all("compute", "/servers/detail", "servers", task, changes, microversion=_COMPUTE)
        return [row for row in rows if row.get("status") == "DELETED"]

    def _all(
        self,
        service: str,
        path: str,
        key: str,
        task: str,
        query: Mapping[str, str] | None = None,
        *,
        microversion: str | None = None,
    ) -> list[Json]:
        """Return all rows of a list. A service may give fewer than it was asked for, and says so by a link."""
        rows: list[Json] = []
        marker: dict[str, str] = {}
        while True:
            asked = urlencode({**(query or {}), "limit": str(_PAGE), **marker})
            body = self._get(service, f"{path}?{asked}", task, microversion)
            page = body.get(key) if isinstance(body, dict) else None
            if not isinstance(page, list):
                raise UnexpectedResponse(f"{task} was answered with JSON that is not a page of a list.")
            rows += page
            if not page or not body.get(f"{key}_links"):
                return rows
            marker = {"marker": str(page[-1]["id"])}

    def _image_names(self, rows: Sequence[Json]) -> dict[str, str]:
        """Ask for the names of the images in use, and no others: a site has hundreds."""
        wanted = sorted({uuid for row in rows if (uuid := image_id(row))})
        if not wanted:
            return {}
        groups = [wanted[start : start + _IMAGES] for start in range(0, len(wanted), _IMAGES)]
        found = in_parallel(self._some_images, groups, self.max_concurrency)
        return {str(each["id"]): str(each.get("name") or each["id"]) for group in found for each in group}

    def _some_images(self, wanted: Sequence[str]) -> list[Json]:
        query = urlencode({"id": "in:" + ",".join(wanted), "limit": str(_IMAGES)})
        return list(self._get("image", f"/v2/images?{query}", "Listing images")["images"])

    def _instance(self, row: Json, images: Mapping[str, str]) -> Instance:
        return self._shaped(instance_from_nova, row, self._account(), images)

    def _instance_or_error(self, instance: Instance) -> Instance | JetstreamError:
        try:
            return self.get_instance(instance)
        except FATAL_ERRORS:
            raise
        except NotFound:
            return instance.gone()
        except JetstreamError as error:
            return error

    def _actions(self, instance: Instance) -> list[Json]:
        task = f"Reading the actions on {instance.label}"
        body = self._get("compute", f"/servers/{instance.uuid}/os-instance-actions", task, _COMPUTE)
        return list(body["instanceActions"])

    def _reason(self, instance: Instance, action: Json) -> str:
        task = f"Reading an action on {instance.label}"
        path = f"/servers/{instance.uuid}/os-instance-actions/{action['request_id']}"
        events = self._get("compute", path, task, _COMPUTE_WITH_REASONS)["instanceAction"].get("events") or []
        failed = [each for each in events if each.get("result") == "Error"]
        details = next((str(each["details"]) for each in failed if each.get("details")), None)
        if details:
            return details
        step = next((str(each["event"]) for each in failed), "an unknown step")
        what = "no machine could take it" if step == _SCHEDULING else f"it failed in {step}"
        return f"{what}. More is known to the site alone, as {action['request_id']}"

    def _shaped(self, shape: Callable[..., Made], *parts: Any) -> Made:
        try:
            return shape(*parts)
        except (KeyError, TypeError, ValueError) as error:
            raise UnexpectedResponse(f"The cloud's answer is one that this version cannot read: {error!r}.") from error
