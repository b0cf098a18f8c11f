# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jetstream2, which is OpenStack, as a Cloud. Facts: docs/jetstream2.md."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from ansible_collections.jetstream.cloud.plugins.module_utils.clock import Clock
from ansible_collections.jetstream.cloud.plugins.module_utils.errors import (
    ENDS_A_RUN,
    JetstreamError,
    NotFound,
    Refused,
    UnexpectedAnswer,
)
from ansible_collections.jetstream.cloud.plugins.module_utils.jetstream2.answers import checked
from ansible_collections.jetstream.cloud.plugins.module_utils.jetstream2.login import Account, Session
from ansible_collections.jetstream.cloud.plugins.module_utils.jetstream2.shapes import (
    allocation_sources_from_accounting,
    family,
    has_no_host,
    image_id,
    instance_from_nova,
    periods_from_actions,
    volume_from_cinder,
)
from ansible_collections.jetstream.cloud.plugins.module_utils.model import (
    AllocationSource,
    Instance,
    StatusPeriod,
    Volume,
)
from ansible_collections.jetstream.cloud.plugins.module_utils.parallel import in_parallel
from ansible_collections.jetstream.cloud.plugins.module_utils.states import Action

Json = Mapping[str, Any]
Made = TypeVar("Made")

# The first version of nova's API that says why a server is locked. Every nova since 2019 has it.
_COMPUTE = "2.73"
# The first that says why a step of an action failed. Asked for only then, since some clouds are older.
_COMPUTE_WITH_REASONS = "2.84"
_VOLUME = "3.0"
_PAGE = 1000
# Above so many pending servers, one list is fewer requests, and costs nova less, than a detail for each.
_DETAILS_AT_MOST = 4
# Their memory or accelerators cannot be put aside (docs/jetstream2.md, Sizes that cannot be suspended).
_FAMILIES_WITHOUT_SUSPEND = frozenset({"r3", "g3", "g4", "g5"})

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

    def __init__(self, session: Session, clock: Clock, *, at_once: int) -> None:
        """Send nothing yet. C(at_once): requests under way at the same time, at most."""
        self._session = session
        self._clock = clock
        self.at_once = at_once
        self._without_host: set[str] = set()
        self._known: Account | None = None

    def offers(self, instance: Instance) -> Collection[Action]:
        """Return what can be done to an instance at all, whatever its state. See Cloud."""
        if family(instance.size) in _FAMILIES_WITHOUT_SUSPEND:
            return frozenset(_BODIES) - {Action.SUSPEND}
        return frozenset(_BODIES)

    def list_instances(self, *, live: bool, images: bool = True) -> list[Instance]:
        """Return every server of the project, by name. States are always live. See Cloud."""
        rows = self._servers()
        names = self._image_names(rows) if images else {}
        return sorted((self._instance(row, names) for row in rows), key=lambda each: (each.name, each.uuid))

    def list_volumes(self, *, live: bool) -> list[Volume]:
        """Return every volume of the project, by name. See Cloud."""
        rows = self._all("volumev3", "/volumes/detail", "volumes", "Listing volumes", _VOLUME)
        attached = any(row.get("attachments") for row in rows)
        names = {row["id"]: row["name"] for row in self._servers()} if attached else {}
        return sorted(
            (self._shaped(volume_from_cinder, row, self._account(), names) for row in rows),
            key=lambda each: (each.name, each.uuid),
        )

    def list_allocation_sources(self) -> list[AllocationSource]:
        """Return the project's allocations, which the accounting service brings up to date once a day. See Cloud."""
        if self._session.endpoint("accounting") is None:
            return []
        status, body = self._session.request("GET", "accounting", "/")
        rows = checked(status, body, "Reading the allocations")
        if not isinstance(rows, list):
            raise UnexpectedAnswer("Reading the allocations was answered with JSON that is not a list.")
        return self._shaped(allocation_sources_from_accounting, rows, self._account(), self._clock.now())

    def list_history(self) -> list[StatusPeriod]:
        """Return which states the project's servers were in, by what was done to them. See Cloud."""
        instances = self.list_instances(live=True, images=False)
        actions = in_parallel(self._actions, instances, self.at_once)
        return [
            period
            for instance, rows in zip(instances, actions, strict=True)
            for period in self._shaped(periods_from_actions, instance, rows)
        ]

    def look(self, instance: Instance) -> Instance:
        """Return one server as it is this moment. See Cloud."""
        row = self._get("compute", f"/servers/{instance.uuid}", f"Reading {instance.label}", _COMPUTE)["server"]
        return self._instance(row, {})

    def refresh(
        self, instances: Sequence[Instance], *, thorough: bool = False
    ) -> Mapping[str, Instance | JetstreamError]:
        """Look at many at once, by a list, or by details of a few. See Cloud."""
        if len(instances) <= _DETAILS_AT_MOST:
            looks = in_parallel(self._look_if_possible, instances, self.at_once)
            return {each.uuid: look for each, look in zip(instances, looks, strict=True)}
        try:
            seen = {each.uuid: each for each in self.list_instances(live=True, images=False)}
        except ENDS_A_RUN:
            raise
        except JetstreamError as error:
            return {each.uuid: error for each in instances}
        return {each.uuid: seen.get(each.uuid) or each.gone() for each in instances}

    def act(self, instance: Instance, action: Action) -> None:
        """Ask for an action. See Cloud.

        Raises Refused, before anything is asked, for an unshelve that nova would take and never end.
        """
        doing = f"{action.capitalize()} of {instance.label}"
        if action is Action.UNSHELVE and instance.status == "shelved" and instance.uuid in self._without_host:
            raise Refused(
                f"{doing} would never end: it is shelved, but no machine holds it.",
                hint="Ask the site to shelve-offload it.",
            )
        status, body = self._session.request(
            "POST", "compute", f"/servers/{instance.uuid}/action", data=_BODIES[action], microversion=_COMPUTE
        )
        checked(status, body, doing)

    def why(self, instance: Instance) -> str | None:
        """Return why the last action on a server failed, if it did: a failed unshelve leaves no fault. See Cloud."""
        try:
            actions = self._actions(instance)
            if not actions or actions[0].get("message") != "Error":
                return None
            return self._reason(instance, actions[0])
        except ENDS_A_RUN:
            raise
        except JetstreamError:
            return None

    def close(self) -> None:
        """Keep the token, and give connections back."""
        self._session.close()

    def _account(self) -> Account:
        if self._known is None:
            self._known = self._session.account()
        return self._known

    def _get(self, service: str, path: str, doing: str, microversion: str | None = None) -> Any:
        status, body = self._session.request("GET", service, path, microversion=microversion)
        return checked(status, body, doing)

    def _servers(self) -> list[Json]:
        return self._all("compute", "/servers/detail", "servers", "Listing instances", _COMPUTE)

    def _all(self, service: str, path: str, key: str, doing: str, microversion: str | None) -> list[Json]:
        """Return all rows of a list that goes on after a marker."""
        rows: list[Json] = []
        marker: dict[str, str] = {}
        while True:
            query = urlencode({"limit": str(_PAGE), **marker})
            page = self._get(service, f"{path}?{query}", doing, microversion).get(key)
            if not isinstance(page, list):
                raise UnexpectedAnswer(f"{doing} was answered with JSON that is not a page of a list.")
            rows += page
            if len(page) < _PAGE:
                return rows
            marker = {"marker": page[-1]["id"]}

    def _image_names(self, rows: Sequence[Json]) -> dict[str, str]:
        """Ask for the names of the images in use, and no others: a site has hundreds."""
        wanted = sorted({uuid for row in rows if (uuid := image_id(row))})
        if not wanted:
            return {}
        query = urlencode({"id": "in:" + ",".join(wanted), "limit": str(_PAGE)})
        found = self._get("image", f"/v2/images?{query}", "Listing images")["images"]
        return {str(each["id"]): str(each.get("name") or each["id"]) for each in found}

    def _instance(self, row: Json, images: Mapping[str, str]) -> Instance:
        instance = self._shaped(instance_from_nova, row, self._account(), images)
        if has_no_host(row):
            self._without_host.add(instance.uuid)
        else:
            self._without_host.discard(instance.uuid)
        return instance

    def _look_if_possible(self, instance: Instance) -> Instance | JetstreamError:
        try:
            return self.look(instance)
        except ENDS_A_RUN:
            raise
        except NotFound:
            return instance.gone()
        except JetstreamError as error:
            return error

    def _actions(self, instance: Instance) -> list[Json]:
        doing = f"Reading the actions on {instance.label}"
        body = self._get("compute", f"/servers/{instance.uuid}/os-instance-actions", doing, _COMPUTE)
        return list(body["instanceActions"])

    def _reason(self, instance: Instance, action: Json) -> str:
        doing = f"Reading an action on {instance.label}"
        path = f"/servers/{instance.uuid}/os-instance-actions/{action['request_id']}"
        events = self._get("compute", path, doing, _COMPUTE_WITH_REASONS)["instanceAction"].get("events") or []
        failed = [each for each in events if each.get("result") == "Error"]
        said = next((str(each["details"]) for each in failed if each.get("details")), "")
        where = next((str(each["event"]) for each in failed), "")
        return said or f"{action['action']} failed{f' in {where}' if where else ''}"

    def _shaped(self, shape: Callable[..., Made], *parts: Any) -> Made:
        try:
            return shape(*parts)
        except (KeyError, TypeError, ValueError) as error:
            raise UnexpectedAnswer(f"The cloud's answer is one that this version cannot read: {error!r}.") from error
