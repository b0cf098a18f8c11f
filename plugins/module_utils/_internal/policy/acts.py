# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts on instances until they were reported: each is recorded before it is sent, and its outcome after it.

So a run that is killed in between loses no message: a later run compares the act with the state of the instance, and
reports it. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..model import Instance
from ..states import Goal, Kind, RestingState, classify
from ..text.ordering import natural_key
from ..text.terminal import one_line
from ..times import iso
from .outbox import Draft

# An act that nobody reported for this long is dropped.
KEPT = timedelta(days=7)
# After this time, an act is reported although its outcome is not known.
_REPORTED_AFTER = timedelta(days=1)
# Nobody can say whether a process of another machine is alive. No run takes that long by its default timeouts.
_LOST_AFTER = timedelta(hours=2)

IsAlive = Callable[[str], "bool | None"]


@dataclass(frozen=True, slots=True)
class Act:
    """An act on an instance that no message has reported yet.

    ``profile`` and ``policy``: of the run that set out to do it at ``began``, in ``process``. ``goal``: the state to
    which the instance was to be brought. ``outcome``: a clause, "" as long as it is not known. ``seen``: the day of it.
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
        """The text by which it is stored: of each policy one act on each instance."""
        return f"{self.profile} {self.policy} {self.uuid}"

    def is_over(self, now: datetime, is_alive: IsAlive) -> bool:
        """Whether the run that did it has ended."""
        alive = is_alive(self.process)
        return abs(now - self.began) >= _LOST_AFTER if alive is None else not alive


Acts = Mapping[str, Act]


def compared(acts: Acts, listed: Iterable[Instance], own: str, now: datetime, is_alive: IsAlive) -> dict[str, Act]:
    """Return acts after the account's instances were listed, with the outcome of those of runs that did not end.

    ``own`` is the process of this run, which knows better about its own acts. What the cloud is still changing, and
    what was not read from the cloud itself, stays open.
    """
    by_uuid = {each.uuid: each for each in listed}

    def after(act: Act) -> Act:
        if act.outcome or act.process == own or not act.is_over(now, is_alive):
            return act
        return replace(act, outcome=_outcome(act, by_uuid.get(act.uuid)))

    return {key: after(act) for key, act in acts.items()}


def open_uuids(acts: Acts) -> frozenset[str]:
    """Return the instances whose states are needed to know what became of acts."""
    return frozenset(each.uuid for each in acts.values() if not each.outcome)


def _outcome(act: Act, instance: Instance | None) -> str:
    if instance is None:
        return "it is no longer there"
    observed = classify(instance.status, instance.activity, instance.power_state)
    if not instance.live or observed.kind is Kind.MOVING:
        return ""
    if observed.kind is Kind.RESTING and observed.state is act.goal.state:
        return f"a later run found it {instance.status}"
    was_not_done = observed.kind is Kind.RESTING and (observed.state is RestingState.ACTIVE) != (
        act.goal.state is RestingState.ACTIVE
    )
    words = "that was not carried out, or undone since: " if was_not_done else ""
    return f"{words}a later run found it {instance.status}"


def settled(acts: Acts, outcomes: Mapping[str, str], policy: str, own: str) -> dict[str, Act]:
    """Return acts after this run did them. ``outcomes`` has a clause by UUID, "" if there was nothing to do."""

    def after(act: Act) -> Act | None:
        if (act.policy, act.process) != (policy, own) or act.uuid not in outcomes:
            return act
        outcome = one_line(outcomes[act.uuid])
        return replace(act, outcome=outcome) if outcome else None

    return {key: found for key, act in acts.items() if (found := after(act)) is not None}


def unreported(
    acts: Acts, profile: str, own: str, reported: Collection[str], now: datetime, is_alive: IsAlive
) -> tuple[Draft | None, dict[str, Act]]:
    """Return a message about the acts that nothing else reports, and the acts that are left once it is kept.

    ``reported``: UUIDs of instances whose acts by this run are in its own message. Acts of runs that are in progress
    are left to them.
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
    lines = [f"{one_line(each.name)} was to be {each.goal.value} at {iso(each.began)}: {_told(each)}." for each in rows]
    count = "1 act was" if len(rows) == 1 else f"{len(rows)} acts were"
    text = ["A run did not end, or failed, before it could report this:", "", *lines]
    return Draft(f"Jetstream: {count} not reported before", "\n".join(text))


def _told(act: Act) -> str:
    by = f" (by {act.policy})"
    return f"{act.outcome.rstrip('.') or 'its outcome is not known'}{by}"
