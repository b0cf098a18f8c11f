# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts on instances that no message has reported yet. Pure functions.

Each act is recorded before it is sent, and its outcome afterwards. If a run is killed in between, no message is lost: a
later run compares the act with the state of the instance, and reports it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..idle.store import key_of
from ..model import Instance
from ..states import Goal, Kind, RestingState, classify
from ..text.ordering import natural_key
from ..text.terminal import one_line
from ..times import iso
from .outbox import Draft
from .records import Event, PolicyName, Record

# An act that was not reported for this long is dropped.
KEPT = timedelta(days=7)
# After this time, an act is reported although its outcome is not known.
_REPORTED_AFTER = timedelta(days=1)
# Whether a process on another machine is alive cannot be known. With default timeouts, no run takes this long.
_LOST_AFTER = timedelta(hours=2)
# After this time, a change that goes on hangs: nothing says that it ends. Shelving a large disk takes minutes.
HANGS_AFTER = timedelta(hours=2)
_ACTIONS = {Goal.STARTED: "start", Goal.STOPPED: "stop", Goal.SUSPENDED: "suspend", Goal.SHELVED: "shelve"}

IsAlive = Callable[[str], "bool | None"]


@dataclass(frozen=True, slots=True)
class Act:
    """An act on an instance that no message has reported yet.

    ``profile`` and ``policy`` are those of the run that recorded the act at ``began``, in ``process``. ``goal``: the
    requested state. ``outcome``: a clause, "" while it is unknown. ``seen``: the day of the outcome.
    """

    profile: str
    policy: str
    uuid: str
    name: str
    goal: Goal
    process: str
    began: datetime
    outcome: str = ""
    seen: str = ""

    @property
    def key(self) -> str:
        """The storage key: each policy has at most one act per instance."""
        return f"{self.profile} {self.policy} {self.uuid}"

    def is_over(self, now: datetime, is_alive: IsAlive) -> bool:
        """Whether the run that recorded it has ended."""
        alive = is_alive(self.process)
        return abs(now - self.began) >= _LOST_AFTER if alive is None else not alive


Acts = Mapping[str, Act]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Acts with the outcomes that became known. ``found``: the acts whose outcome is new, each with its event."""

    acts: dict[str, Act]
    found: tuple[tuple[Act, Event], ...]


def resolved(
    acts: Acts, profile: str, listed: Iterable[Instance], own: str, now: datetime, is_alive: IsAlive
) -> Resolution:
    """Add the outcomes of a profile's acts whose runs did not end, by the listed instances of its account.

    ``own`` is the process of this run, which records the outcomes of its own acts. Acts of other profiles are on other
    accounts. An act stays open while the cloud is still changing its instance, unless that hangs, or if the state was
    not read from the cloud itself.
    """
    by_uuid = {each.uuid: each for each in listed}
    after, found = dict(acts), []
    for key, act in acts.items():
        if act.outcome or act.profile != profile or act.process == own or not act.is_over(now, is_alive):
            continue
        seen = _seen(act, by_uuid.get(act.uuid), now)
        if seen is not None:
            event, clause = seen
            after[key] = replace(act, outcome=clause)
            found.append((after[key], event))
    return Resolution(after, tuple(found))


def open_uuids(acts: Acts, profile: str) -> frozenset[str]:
    """Return the instances whose states decide the outcomes of a profile's open acts."""
    return frozenset(each.uuid for each in acts.values() if not each.outcome and each.profile == profile)


def records_of(resolution: Resolution, listed: Iterable[Instance], now: datetime) -> Iterator[Record]:
    """Yield the records of new outcomes for the log of decisions.

    The policy of idle instances logs by itself that an act was done or not, and no other outcome.
    """
    by_uuid = {each.uuid: each for each in listed}
    for act, event in resolution.found:
        policy = PolicyName(act.policy)
        if policy is PolicyName.IDLE and event is not Event.UNCLEAR:
            continue
        instance = by_uuid.get(act.uuid)
        key = None if instance is None else key_of(instance)
        yield Record(
            at=now,
            event=event,
            site="" if key is None else key.site,
            project="" if key is None else key.project,
            uuid=act.uuid,
            name=act.name,
            policy=policy,
            owner="" if instance is None else instance.owner,
            status="" if instance is None else instance.status,
            action=_ACTIONS.get(act.goal, act.goal.value),
            applies=True,
            detail=f"a run of the policy {policy.value} began that at {iso(act.began)}, and did not end; {act.outcome}",
        )


def _seen(act: Act, instance: Instance | None, now: datetime) -> tuple[Event, str] | None:
    """Return the outcome of an act as an event and a clause; None if it is not known yet."""
    if instance is None:
        return Event.UNCLEAR, "it is no longer there"
    if not instance.live:
        return None
    observed = classify(instance.status, instance.activity, instance.power_state)
    if observed.kind is Kind.MOVING:
        age = now - act.began
        if observed.state is not act.goal.state or age < HANGS_AFTER:
            return None
        word = one_line(instance.activity or instance.status)
        hours = int(age / timedelta(hours=1))
        return Event.UNCLEAR, f"{hours} hours later it is still {word}: if that goes on, ask the site's support"
    clause = f"a later run found it {instance.status}"
    if observed.kind is not Kind.RESTING:
        return Event.UNCLEAR, clause
    if observed.state is act.goal.state:
        return Event.DONE, clause
    if (observed.state is RestingState.ACTIVE) != (act.goal.state is RestingState.ACTIVE):
        return Event.UNDONE, f"that was not carried out, or undone since: {clause}"
    return Event.UNCLEAR, clause


def settled(acts: Acts, outcomes: Mapping[str, str], policy: str, own: str) -> dict[str, Act]:
    """Return the acts with the outcomes of this run.

    ``outcomes`` has a clause by UUID, "" if there was nothing to do.
    """

    def after(act: Act) -> Act | None:
        if (act.policy, act.process) != (policy, own) or act.uuid not in outcomes:
            return act
        outcome = one_line(outcomes[act.uuid])
        return replace(act, outcome=outcome) if outcome else None

    return {key: found for key, act in acts.items() if (found := after(act)) is not None}


def unreported(
    acts: Acts, profile: str, own: str, reported: Collection[str], now: datetime, is_alive: IsAlive
) -> tuple[Draft | None, dict[str, Act]]:
    """Return a message about the unreported acts, and the acts that remain once the message is stored.

    ``reported``: UUIDs of instances whose acts by this run are in its own message. Runs that are in progress report
    their own acts.
    """
    left, found = {}, []
    for key, each in acts.items():
        is_known = bool(each.outcome) or abs(now - each.began) >= _REPORTED_AFTER
        if each.profile != profile or not (each.process == own or (each.is_over(now, is_alive) and is_known)):
            left[key] = each
        elif each.process != own or each.uuid not in reported:
            found.append(each)
    return (_draft(found) if found else None), left


def _draft(acts: Iterable[Act]) -> Draft:
    rows = sorted(acts, key=lambda each: (natural_key(each.name), each.began))
    lines = [
        f"{one_line(each.name)} was to be {each.goal.value} at {iso(each.began)}: {_outcome_text(each)}."
        for each in rows
    ]
    count = "1 act was" if len(rows) == 1 else f"{len(rows)} acts were"
    text = ["A run did not end, or failed, before it could report this:", "", *lines]
    return Draft(f"Jetstream: {count} not reported before", "\n".join(text))


def _outcome_text(act: Act) -> str:
    by = f" (by {act.policy})"
    return f"{act.outcome.rstrip('.') or 'its outcome is not known'}{by}"
