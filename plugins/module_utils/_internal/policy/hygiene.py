# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about unused and stuck resources, each with its cost and the command that fixes it. Pure functions.

Instances and volumes that the cloud is changing, or has just changed, are not reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ..idle.keeps import KeepMark, mark_of_metadata
from ..model import AllocationSource, Instance, ProjectImage, StatusPeriod, UnattachedAddress, Volume
from ..states import Kind, RestingState, classify
from ..text.terminal import one_line
from ..times import iso, moment_or_none
from ..usage.budget import end_of
from ..usage.rates import Rates, number_if_known

_HOURS_A_DAY = 24
_STUCK_VOLUMES = frozenset({"attaching", "detaching", "reserved", "creating", "deleting", "uploading", "downloading"})
_SLEEPING = {
    RestingState.SHUTOFF: "shut off",
    RestingState.SUSPENDED: "suspended",
    RestingState.PAUSED: "paused",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The minimum age of each kind of finding."""

    no_address: timedelta = timedelta(minutes=30)
    asleep: timedelta = timedelta(days=14)
    stuck: timedelta = timedelta(minutes=30)
    ends: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding. ``kind`` is a word for programs, ``sentence`` is for people.

    ``thing``: instance, volume, floating_ip, image or allocation. ``since`` is None if it is not known. ``cost``: SU
    per day, None if it is not known or not in SU. ``command``: the command that fixes it, or None if there is none.
    """

    kind: str
    thing: str
    name: str
    id: int | str
    uuid: str
    owner: str
    sentence: str
    since: datetime | None = None
    cost: Decimal | None = None
    command: str | None = None

    def to_result(self) -> dict[str, Any]:
        """Return plain values, as a module returns them."""
        return {
            "kind": self.kind,
            "thing": self.thing,
            "name": self.name,
            "id": self.id,
            "uuid": self.uuid,
            "owner": self.owner,
            "since": None if self.since is None else iso(self.since),
            "su_per_day": number_if_known(self.cost),
            "sentence": self.sentence,
            "command": self.command,
        }


def findings_of_instances(
    instances: Iterable[Instance], since: Mapping[str, datetime], rates: Rates, limits: Limits, now: datetime
) -> list[Finding]:
    """Return the findings about instances. ``since``: when each came into its state, by UUID, where that is known."""
    return [
        finding
        for each in instances
        if each.live
        for finding in _of_instance(each, since.get(each.uuid), rates, limits, now)
    ]


def is_suspicious(instance: Instance) -> bool:
    """Return whether an instance is in a state whose age matters."""
    observed = classify(instance.status, instance.activity, instance.power_state)
    if observed.kind in (Kind.GONE, Kind.NEEDS_OPERATOR):
        return False
    if observed.is_awake:
        return not _has_address(instance)
    return instance.status != "shelved_offloaded"


def _has_address(instance: Instance) -> bool:
    return bool(instance.ip_address or instance.addresses)


def state_since(instance: Instance, periods: Iterable[StatusPeriod]) -> datetime | None:
    """Return the time since which an instance is in its state, by its history; None if unknown."""
    own = sorted((each for each in periods if each.instance_uuid == instance.uuid), key=lambda each: each.start)
    start = None
    for each in reversed(own):
        if each.status != instance.status:
            break
        start = each.start
    return start


def _of_instance(
    instance: Instance, since: datetime | None, rates: Rates, limits: Limits, now: datetime
) -> Iterator[Finding]:
    observed = classify(instance.status, instance.activity, instance.power_state)
    rate = rates.su_per_hour(instance.flavor, instance.status)
    age = None if since is None else now - since
    if rate is None and observed.kind is not Kind.GONE:
        yield _about(
            instance,
            "unknown_rate",
            f"no rate is known for its flavor {one_line(instance.flavor.name)}, so that no forecast has its cost",
            since,
        )
    if observed.kind is Kind.ERROR:
        fault = f": {one_line(instance.fault)}" if instance.fault else ""
        yield _about(instance, "error", f"it is in error{fault}", since, command=_act(instance, "reboot", hard=True))
    if observed.kind is not Kind.RESTING or observed.state is None:
        return
    cost = None if rate is None else rate * _HOURS_A_DAY
    if observed.state is RestingState.ACTIVE and not _has_address(instance):
        if age is not None and age > limits.no_address:
            sentence = f"it has run for {_lasting(age)} without an address"
            yield _about(instance, "no_address", sentence, since, cost, _act(instance, "reboot"))
    elif observed.state in _SLEEPING and age is not None and age > limits.asleep:
        sentence = f"it has been {_SLEEPING[observed.state]} for {_lasting(age)}, and still costs"
        yield _about(instance, "asleep", sentence, since, cost, _act(instance, "shelve"))
    elif observed.state is RestingState.SHELVED and instance.status == "shelved" and instance.on_host is False:
        sentence = "it is shelved, has no host, and cannot be unshelved; ask the site's support"
        yield _about(instance, "stuck_shelved", sentence, since)


def _about(
    instance: Instance,
    kind: str,
    sentence: str,
    since: datetime | None,
    cost: Decimal | None = None,
    command: str | None = None,
) -> Finding:
    return Finding(
        kind, "instance", instance.name, instance.id, instance.uuid, instance.owner, sentence, since, cost, command
    )


def _act(instance: Instance, action: str, *, hard: bool = False) -> str:
    # The command uses the number or UUID: a user chooses the name, which may contain shell syntax.
    kind = " -e reboot_type=hard" if hard else ""
    return (
        f"ansible-playbook -i localhost, jetstream.cloud.instance_action -e instance={instance.id} -e do={action}{kind}"
    )


def findings_of_volumes(volumes: Iterable[Volume], limits: Limits, now: datetime) -> Iterator[Finding]:
    """Yield the findings about volumes."""
    for each in volumes:
        made = moment_or_none(each.start_date)
        is_new = made is not None and now - made < limits.stuck
        if each.status is None or is_new:
            continue
        size = "" if each.size is None else f" ({each.size} GB)"
        if each.status in _STUCK_VOLUMES:
            yield _of_volume(each, "stuck_volume", f"it is {one_line(each.status)}{size}; ask the site's support", made)
        elif each.status.startswith("error"):
            yield _of_volume(each, "volume_error", f"it is in the state {one_line(each.status)}{size}", made)
        elif not each.attachments:
            sentence = f"it is attached to nothing{size}, and takes storage; delete or attach it"
            yield _of_volume(each, "unattached", sentence, made)


def _of_volume(volume: Volume, kind: str, sentence: str, made: datetime | None) -> Finding:
    return Finding(kind, "volume", volume.name, volume.id, volume.uuid, volume.owner, sentence, made)


def findings_of_addresses(addresses: Iterable[UnattachedAddress], limits: Limits, now: datetime) -> Iterator[Finding]:
    """Yield the floating IPs that are not attached."""
    for each in addresses:
        made = moment_or_none(each.created)
        if made is not None and now - made < limits.stuck:
            continue
        sentence = "it is attached to nothing, and the site takes it back; attach or release it"
        yield Finding(
            kind="unattached_address",
            thing="floating_ip",
            name=each.address,
            id=each.uuid,
            uuid=each.uuid,
            owner="",
            sentence=sentence,
            since=made,
            command=each.release,
        )


def findings_of_images(
    images: Iterable[ProjectImage], instances: Iterable[Instance], limits: Limits, now: datetime, *, complete: bool
) -> Iterator[Finding]:
    """Yield the images of shelved instances that no longer exist.

    ``instances`` are all of the project. ``complete``: whether all could be read. If not, no image is reported.
    """
    known = {each.uuid: each for each in instances}
    for each in images:
        made = moment_or_none(each.created)
        instance = known.get(each.instance_uuid or "")
        if (made is not None and now - made < limits.stuck) or (instance is None and not complete):
            continue
        if instance is not None and (not instance.live or instance.activity or instance.status.startswith("shelved")):
            # It is needed for an unshelve.
            continue
        size = "" if not each.size else f" ({each.size:.1f} GB)"
        whose = "an instance that is gone"
        if instance is not None:
            whose = f"{one_line(instance.name)}, which is {instance.status} now"
        sentence = f"it is left over from the shelving of {whose}{size}; delete it"
        # It refuses to delete what an unshelve needs.
        command = f'ansible localhost -m jetstream.cloud.jetstream_image -a "uuid={each.uuid} state=absent"'
        yield Finding("leftover_image", "image", each.name, each.uuid, each.uuid, "", sentence, made, command=command)


def findings_of_keeps(instances: Iterable[Instance], kept: Mapping[str, KeepMark], now: datetime) -> Iterator[Finding]:
    """Yield the keep marks in metadata that have ended or cannot be read. A keep file drops its own expired marks."""
    for each in instances:
        written = mark_of_metadata(each.metadata)
        mark = written or kept.get(each.uuid)
        if mark is None:
            continue
        remove = f"ansible-playbook -i localhost, jetstream.cloud.keep -e instance={each.id} -e undo=true"
        if mark.unread:
            yield _about(
                each, "unreadable_keep", f"its keep mark is no time: {one_line(mark.unread)}", None, None, remove
            )
        elif mark.until is not None and written is not None and mark.has_ended(now):
            yield _about(each, "ended_keep", f"its keep mark ended at {iso(mark.until)}", None, None, remove)


def findings_of_allocations(
    sources: Sequence[AllocationSource], instances: Iterable[Instance], rates: Rates, limits: Limits, now: datetime
) -> Iterator[Finding]:
    """Yield the allocations that end soon or have ended, and the instances that no allocation pays for."""
    for each in sources:
        end = end_of(each.end_date)
        if end is None or end - now > limits.ends:
            continue
        verb = "ended" if end <= now else "ends"
        sentence = f"it {verb} on {end.date()}; instances and volumes are deleted some weeks after the end"
        yield Finding("allocation_ends", "allocation", each.name, each.uuid, each.uuid, "", sentence)
    known = {each.uuid for each in sources}
    for instance in instances:
        payer = instance.allocation_source
        rate = rates.su_per_hour(instance.flavor, instance.status)
        if (payer is not None and payer.uuid in known) or rate == 0 or not sources:
            continue
        cost = None if rate is None else rate * _HOURS_A_DAY
        sentence = f"no allocation of the account pays for its flavor {one_line(instance.flavor.name)}"
        yield _about(instance, "unpaid", sentence, None, cost)


def _lasting(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} hours"
