# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget guard: thresholds that are reported once, and the instances to shelve so that an allocation lasts.

Pure functions over exact numbers, in SU. The site's figure of used SU may be a day old, so the guard goes by an
estimate: that figure, and the use since then by the history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from ..model import AllocationSource, Instance
from ..states import Kind as StateKind
from ..states import RestingState, classify
from ..text.ordering import natural_key
from ..times import moment_or_none
from ..usage.budget import Budget, Burn, budget_of
from ..usage.history import Pace
from ..usage.rates import figure
from .acts import HANGS_AFTER
from .claims import Claim, without

USED_PERCENT = (50, 75, 90, 95)
DAYS_LEFT = (14, 7, 3)
# Slack around a threshold: a figure that wavers around it is reported once.
_PERCENT_SLACK = Decimal(1)
_DAYS_SLACK = Decimal(1)
_HOURS_A_DAY = Decimal(24)
_SECONDS_A_DAY = Decimal(86400)


class Kind(StrEnum):
    """The kinds of thresholds.

    ``used``: per cent of the SU. ``lasts``: days until they are used up at the pace of the last week, if that is before
    the end. ``ends``: days until the end of the allocation. ``over``: used up, or ended.
    """

    USED = "used"
    LASTS = "lasts"
    ENDS = "ends"
    OVER = "over"


@dataclass(frozen=True, slots=True, order=True)
class Threshold:
    """A threshold, such as 75 per cent used. ``level`` is 0 for ``over``."""

    kind: Kind
    level: int

    @property
    def key(self) -> str:
        """The text by which it is stored."""
        return f"{self.kind}:{self.level}"


@dataclass(frozen=True, slots=True)
class Standing:
    """The status of an allocation.

    ``reported``: by the site's figures. ``estimated``: with the use since then (``used_since``), or the same as
    ``reported`` if that is unknown. ``days_to_end`` is None without an end.
    """

    source: AllocationSource
    reported: Budget
    estimated: Budget
    used_since: Decimal | None
    burn: Burn
    pace: Pace
    days_to_end: Decimal | None

    @property
    def is_short(self) -> bool:
        """Whether the SU run out before the end at the pace of the last week."""
        runs_out, end = self.estimated.habit.exhausted_at, self.estimated.end
        return runs_out is not None and (end is None or runs_out < end)


def standing_of(
    source: AllocationSource, pace: Pace, burn: Burn, used_since: Decimal | None, now: datetime
) -> Standing:
    """Compute the status of an allocation. ``used_since``: the SU used since the site's figures, None if unknown."""
    reported = budget_of(source, pace, burn, now)
    used = figure(source.compute_used)
    estimated = reported
    if used is not None and used_since is not None:
        estimated = budget_of(replace(source, compute_used=float(used + used_since)), pace, burn, now)
    to_end = None
    if reported.end is not None:
        to_end = max(Decimal(str((reported.end - now).total_seconds())) / _SECONDS_A_DAY, Decimal(0))
    return Standing(source, reported, estimated, used_since, burn, pace, to_end)


def figures_since(source: AllocationSource, now: datetime) -> datetime | None:
    """Return the time from which the site's figures may lack usage; None if that is unknown."""
    updated = moment_or_none(source.updated)
    if updated is not None:
        return min(updated, now)
    return None if source.lag_hours is None else now - timedelta(hours=source.lag_hours)


def thresholds(standing: Standing, *, slack: bool = False) -> frozenset[Threshold]:
    """Return the thresholds that are reached. ``slack``: include those that were reached and not left."""
    percent_slack, days_slack = (_PERCENT_SLACK, _DAYS_SLACK) if slack else (Decimal(0), Decimal(0))
    found: set[Threshold] = set()
    used = standing.estimated.percent_used
    if used is not None:
        found |= {Threshold(Kind.USED, each) for each in USED_PERCENT if used >= each - percent_slack}
    if standing.estimated.is_over:
        return frozenset(found | {Threshold(Kind.OVER, 0)})
    lasts = standing.estimated.habit.days
    if lasts is not None and standing.is_short:
        found |= {Threshold(Kind.LASTS, each) for each in DAYS_LEFT if lasts <= each + days_slack}
    if standing.days_to_end is not None:
        found |= {Threshold(Kind.ENDS, each) for each in DAYS_LEFT if standing.days_to_end <= each + days_slack}
    return frozenset(found)


def unknown_kinds(standing: Standing) -> frozenset[Kind]:
    """Return the kinds with unknown values. Their thresholds neither appear nor disappear."""
    unknown = set()
    if standing.estimated.percent_used is None:
        unknown.add(Kind.USED)
    if standing.pace.su_per_day is None or standing.estimated.remaining is None:
        unknown.add(Kind.LASTS)
    return frozenset(unknown)


@dataclass(frozen=True, slots=True)
class News:
    """The thresholds to report (``new``), the most serious of each kind, and all that count as announced afterwards."""

    new: tuple[Threshold, ...]
    announced: frozenset[str]


def still_announced(standing: Standing, announced: Collection[str]) -> frozenset[str]:
    """Return the announced thresholds that were not left. They are not announced again."""
    near, unknown = {each.key for each in thresholds(standing, slack=True)}, unknown_kinds(standing)
    return frozenset(each for each in announced if each in near or each.partition(":")[0] in unknown)


def news_of(standing: Standing, announced: Collection[str]) -> News:
    """Return what is new. A threshold is announced again only after it was left."""
    reached = thresholds(standing)
    fresh = [each for each in reached if each.key not in announced]
    most_serious = [worst for kind in Kind if (worst := _most_serious(fresh, kind)) is not None]
    return News(tuple(most_serious), still_announced(standing, announced) | {each.key for each in reached})


def _most_serious(found: Iterable[Threshold], kind: Kind) -> Threshold | None:
    levels = [each.level for each in found if each.kind is kind]
    if not levels:
        return None
    return Threshold(kind, max(levels) if kind is Kind.USED else min(levels))


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an instance that goes on. ``since``: when a run first saw it on its way to ``state``."""

    state: RestingState
    since: datetime

    def hangs(self, now: datetime) -> bool:
        """Whether it has gone on for so long that it may never end."""
        return now - self.since >= HANGS_AFTER


def changes_of(instances: Iterable[Instance], before: Mapping[str, Change], now: datetime) -> dict[str, Change]:
    """Return the changes that go on, by UUID. ``before``: those that the run before saw."""
    found = {}
    for each in instances:
        observed = classify(each.status, each.activity, each.power_state)
        if observed.kind is StateKind.MOVING and observed.state is not None:
            known = before.get(each.uuid, Change(observed.state, now))
            # The clock may have been set back.
            goes_on = known.state is observed.state and known.since <= now
            found[each.uuid] = known if goes_on else Change(observed.state, now)
    return found


# Stands for deliveries without a named channel, and for announcements in files that do not name channels.
NO_CHANNEL = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of an allocation: the announced and the claimed thresholds, by channel.

    In ``announced``, NO_CHANNEL applies to every channel without an entry of its own. The subject of a claim: the
    thresholds that count as announced once its run has delivered them. ``changes``: of its instances, by UUID.
    ``seen``: the last day on which the allocation existed.
    """

    announced: Mapping[str, frozenset[str]] = field(default_factory=dict)
    claims: Mapping[str, Claim[frozenset[str]]] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    seen: str = ""

    def announced_to(self, channel: str) -> frozenset[str]:
        """Return the thresholds that were announced through a channel."""
        return self.announced.get(channel, self.announced.get(NO_CHANNEL, frozenset()))

    def news(self, standing: Standing, channel: str, now: datetime) -> News:
        """Return what is new to a channel, without the thresholds that another run has claimed for it."""
        claim = self.claims.get(channel)
        being_announced = claim.subject if claim is not None and claim.is_held(now) else frozenset()
        return news_of(standing, self.announced_to(channel) | being_announced)

    def without_left(self, standing: Standing) -> Memory:
        """Return the memory without the thresholds that were left. They are announced when they are reached again."""
        kept = {channel: still_announced(standing, announced) for channel, announced in self.announced.items()}
        # Without general announcements, a channel without any needs no entry.
        announced = kept if kept.get(NO_CHANNEL) else {channel: levels for channel, levels in kept.items() if levels}
        return replace(self, announced=announced)

    def claiming(self, channel: str, news: News, now: datetime) -> Memory:
        """Return the memory with this run's claim on a channel."""
        return replace(self, claims={**self.claims, channel: Claim(news.announced, now)}) if news.new else self

    def after_delivery(self, channel: str, announced: Collection[str]) -> Memory:
        """Return the memory after a channel accepted ``News.announced``."""
        after = {**self.announced, channel: self.announced_to(channel) | frozenset(announced)}
        return replace(self, announced=after, claims=_ended(self.claims, channel, announced))

    def after_failure(self, channel: str, announced: Collection[str]) -> Memory:
        """Return the memory after a failed delivery. Any run may repeat it at once."""
        return replace(self, claims=_ended(self.claims, channel, announced))


def _ended(
    claims: Mapping[str, Claim[frozenset[str]]], channel: str, announced: Collection[str]
) -> Mapping[str, Claim[frozenset[str]]]:
    """Return the claims without this run's own. A claim on further thresholds belongs to another run, and stays."""
    claim = claims.get(channel)
    return claims if claim is None or not claim.subject <= frozenset(announced) else without(claims, channel)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for shelving: a percentage of use, or a number of days that the SU last.

    Without either, nothing is shelved. ``all_of_them``: shelve every candidate, and not only enough to make the
    allocation last.
    """

    percent: Decimal | None = None
    days: Decimal | None = None
    all_of_them: bool = False


def limit_reached(standing: Standing, limits: Limits) -> str | None:
    """Return a clause if a limit is reached."""
    if limits.percent is None and limits.days is None:
        return None
    if standing.estimated.has_ended:
        return "it has ended"
    if standing.estimated.is_over:
        return "it is used up"
    used, lasts = standing.estimated.percent_used, standing.estimated.habit.days
    if limits.percent is not None and used is not None and used >= limits.percent:
        return f"{used:.1f} % is used, and the limit is {limits.percent.normalize():f} %"
    if limits.days is not None and lasts is not None and standing.is_short and lasts <= limits.days:
        return f"it lasts for {lasts:.1f} days, and the limit is {limits.days.normalize():f} days"
    return None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instance that an allocation pays for.

    ``cost``: SU per hour now, None if unknown. ``is_idle``: it is idle, or costs SU although it does not run. ``veto``:
    a clause, why it must not be shelved.
    """

    instance: Instance
    cost: Decimal | None
    is_idle: bool
    veto: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The instances to shelve, in order, and the cost per hour before and after.

    ``limit``: the SU per hour at which the allocation lasts to its end, None if unknown. ``reason``: why nothing is
    shelved, or why it is not enough.
    """

    shelve: tuple[Candidate, ...]
    left: tuple[Candidate, ...]
    before: Decimal
    after: Decimal
    limit: Decimal | None
    reason: str | None


def plan_of(standing: Standing, candidates: Sequence[Candidate], limits: Limits) -> Plan:
    """Choose the instances to shelve: idle ones first, then the most expensive, until the allocation lasts."""
    before = sum((each.cost for each in candidates if each.cost is not None), Decimal(0))
    to_last = standing.estimated.su_per_day_to_last
    limit = None if to_last is None else to_last / _HOURS_A_DAY
    goal = Decimal(0) if limits.all_of_them or standing.estimated.is_over else limit
    if goal is None:
        return Plan((), tuple(candidates), before, before, None, "its end or its amounts are unknown")
    movable = sorted((each for each in candidates if each.veto is None and each.cost), key=_order)
    chosen: list[Candidate] = []
    after = before
    for each in movable:
        if after <= goal:
            break
        chosen.append(each)
        after -= each.cost or Decimal(0)
    names = {each.instance.uuid for each in chosen}
    left = tuple(each for each in candidates if each.instance.uuid not in names)
    return Plan(tuple(chosen), left, before, after, limit, _shortfall(chosen, left, after, goal))


def _order(candidate: Candidate) -> tuple[object, ...]:
    return not candidate.is_idle, -(candidate.cost or Decimal(0)), natural_key(candidate.instance.name)


def _shortfall(chosen: Sequence[Candidate], left: Sequence[Candidate], after: Decimal, goal: Decimal) -> str | None:
    if any(each.cost is None for each in left):
        return "the cost of some instances is not known"
    if after > goal:
        return "no other instance may be shelved"
    return None if chosen else "it lasts without shelving"


@dataclass(frozen=True, slots=True)
class Consequence:
    """How long the estimated remaining SU last at a cost per hour. ``lasts``: whether that is to the end."""

    su_per_hour: Decimal
    days: Decimal | None
    lasts: bool | None


def consequence(standing: Standing, su_per_hour: Decimal) -> Consequence:
    """Return how long an allocation lasts at a cost per hour. ``days`` is None if the cost is zero or unknown."""
    remaining, to_end = standing.estimated.remaining, standing.days_to_end
    if remaining is None:
        return Consequence(su_per_hour, None, None)
    if standing.estimated.is_over:
        return Consequence(su_per_hour, Decimal(0), lasts=False)
    if not su_per_hour:
        return Consequence(su_per_hour, None, lasts=True)
    days = remaining / (su_per_hour * _HOURS_A_DAY)
    return Consequence(su_per_hour, days, None if to_end is None else days >= to_end)
