# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thresholds are reported once, and again only after they were left. No more is shelved than necessary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import AllocationSource
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.budget_guard import (
    NO_CHANNEL,
    USED_PERCENT,
    Candidate,
    Change,
    Limits,
    Memory,
    Standing,
    changes_of,
    consequence,
    figures_since,
    limit_reached,
    news_of,
    plan_of,
    standing_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.budget_results import budget_result
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.claims import CLAIM
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import RestingState
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.budget import Burn
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.history import Pace
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "activity", "since"),
    [
        (None, "shelving", 0),
        ((RestingState.SHELVED, -90), "shelving", -90),
        # Another change than before.
        ((RestingState.ACTIVE, -90), "shelving", 0),
        # The clock was set back.
        ((RestingState.SHELVED, 90), "shelving", 0),
        ((RestingState.SHELVED, -90), "", None),
    ],
)
def test_a_change_goes_on_since_it_was_first_seen(
    before: tuple[RestingState, int] | None, activity: str, since: int | None
) -> None:
    instance = an_instance("web", activity=activity)
    known = {} if before is None else {instance.uuid: Change(before[0], NOW + timedelta(minutes=before[1]))}
    expected = None if since is None else Change(RestingState.SHELVED, NOW + timedelta(minutes=since))
    assert changes_of([instance], known, NOW).get(instance.uuid) == expected


def test_a_change_hangs_after_two_hours() -> None:
    change = Change(RestingState.SHELVED, NOW)
    assert [change.hangs(NOW + timedelta(minutes=each)) for each in (119, 120)] == [False, True]


def standing(
    used: float | None = 400.0,
    *,
    since: str | None = None,
    per_day: str | None = "10",
    end: str | None = "2027-06-30",
    per_hour: str = "1",
    allowed: float | None = 1000.0,
) -> Standing:
    source = AllocationSource("TG", "cpu", compute_allowed=allowed, compute_used=used, end_date=end)
    pace = Pace(None if per_day is None else Decimal(per_day), Decimal(7))
    return standing_of(source, pace, Burn(Decimal(per_hour), ()), None if since is None else Decimal(since), NOW)


def new_keys(of: Standing, before: tuple[str, ...] = ()) -> list[str]:
    return [each.key for each in news_of(of, before).new]


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"used": 499.9}, []),
        ({"used": 500.0, "per_day": "0"}, ["used:50"]),
        # Of several at once, the most serious is told.
        ({"used": 950.0, "per_day": "0"}, ["used:95"]),
        # The site says 49 %, and 20 SU were used since.
        ({"used": 490.0, "since": "20", "per_day": "0"}, ["used:50"]),
        ({"used": 400.0, "per_day": "50"}, ["lasts:14"]),
        ({"used": 400.0, "per_day": "100"}, ["lasts:7"]),
        ({"used": 400.0, "per_day": "200"}, ["lasts:3"]),
        # It ends before it is used up: only the end is told.
        ({"used": 400.0, "per_day": "50", "end": "2026-12-01"}, ["ends:14"]),
        ({"used": 400.0, "per_day": "0", "end": "2026-11-26"}, ["ends:7"]),
        ({"used": 400.0, "per_day": "0", "end": "2026-11-25"}, ["ends:3"]),
        ({"used": 400.0, "per_day": "0", "end": None}, []),
        ({"used": 1000.0}, ["used:95", "over:0"]),
        ({"used": 400.0, "end": "2026-11-20"}, ["over:0"]),
        ({"used": None}, []),
        ({"used": None, "end": "2026-11-26"}, ["ends:7"]),
        ({"used": 400.0, "per_day": None}, []),
    ],
)
def test_thresholds(changes: dict[str, Any], keys: list[str]) -> None:
    assert new_keys(standing(**changes)) == keys


def test_a_threshold_is_reported_once_and_again_after_it_was_left() -> None:
    first = news_of(standing(500.0), ())
    assert [each.key for each in first.new] == ["used:50"]
    second = news_of(standing(510.0), first.announced)
    assert second.new == ()
    # A figure that wavers by less than one per cent has not left it.
    wavering = news_of(standing(495.0), second.announced)
    assert (wavering.new, wavering.announced) == ((), frozenset({"used:50"}))
    left = news_of(standing(480.0), wavering.announced)
    assert left.announced == frozenset()
    assert [each.key for each in news_of(standing(500.0), left.announced).new] == ["used:50"]


def test_an_unknown_figure_leaves_its_announced_thresholds() -> None:
    before = ("used:50", "lasts:14", "ends:14")
    assert news_of(standing(None, per_day=None), before).announced == {"used:50", "lasts:14"}
    assert news_of(standing(400.0, per_day=None), before).announced == {"lasts:14"}


@given(st.lists(st.floats(0, 1100, allow_nan=False), max_size=20))
def test_no_threshold_is_reported_twice_without_being_left_by_the_slack(figures: list[float]) -> None:
    before: frozenset[str] = frozenset()
    armed = dict.fromkeys(USED_PERCENT, True)
    for used in figures:
        of = standing(used, per_day="0")
        news = news_of(of, before)
        percent = Decimal(str(used)) / 10
        for level in USED_PERCENT:
            if percent < level - 1:
                armed[level] = True
        fresh = [level for level in USED_PERCENT if percent >= level and armed[level]]
        assert [each.level for each in news.new if each.kind == "used"] == fresh[-1:]
        armed |= dict.fromkeys(fresh, False)
        before = news.announced


@pytest.mark.parametrize(
    ("updated", "lag", "expected"),
    [
        ("2026-11-23T12:00:00Z", None, NOW - timedelta(hours=6)),
        (None, 24, NOW - timedelta(hours=24)),
        (None, None, None),
        ("yesterday", 24, NOW - timedelta(hours=24)),
        # A clock that is ahead does not subtract use.
        ("2026-11-24T12:00:00Z", None, NOW),
    ],
)
def test_since_when_the_figures_lack_use(updated: str | None, lag: int | None, expected: datetime | None) -> None:
    assert figures_since(AllocationSource("TG", "cpu", updated=updated, lag_hours=lag), NOW) == expected


@pytest.mark.parametrize(
    ("limits", "changes", "reached"),
    [
        (Limits(), {"used": 1000.0}, None),
        (Limits(percent=Decimal(90)), {"used": 890.0}, None),
        (Limits(percent=Decimal(90)), {"used": 890.0, "since": "20"}, "91.0 % is used, and the limit is 90 %"),
        (Limits(days=Decimal(7)), {"per_day": "100"}, "it lasts for 6.0 days, and the limit is 7 days"),
        (Limits(days=Decimal(7)), {"per_day": "100", "end": "2026-11-26"}, None),
        (Limits(days=Decimal(7)), {"end": "2026-11-20"}, "it has ended"),
        (Limits(percent=Decimal(99)), {"used": 1001.0}, "it is used up"),
        (Limits(percent=Decimal(99)), {"used": None}, None),
    ],
)
def test_limits(limits: Limits, changes: dict[str, Any], reached: str | None) -> None:
    assert limit_reached(standing(**changes), limits) == reached


def candidate(name: str, cost: str | None, *, idle: bool = False, veto: str | None = None) -> Candidate:
    return Candidate(an_instance(name), None if cost is None else Decimal(cost), idle, veto)


def names(of: tuple[Candidate, ...]) -> list[str]:
    return [each.instance.name for each in of]


FLEET = (
    candidate("web", "1"),
    candidate("big", "8"),
    candidate("idle-small", "2", idle=True),
    candidate("idle-big", "4", idle=True),
    candidate("kept", "16", veto="kept until tomorrow"),
    candidate("shelved", "0"),
)
# 600 SU for 219.25 days: 2.7 a day.
ENDLESS = standing(end="2027-06-30")
TEN_DAYS = standing(end="2026-12-02")


def test_idle_ones_come_first_then_the_most_expensive_until_it_lasts() -> None:
    plan = plan_of(ENDLESS, FLEET, Limits())
    assert names(plan.shelve) == ["idle-big", "idle-small", "big", "web"]
    assert (plan.before, plan.after) == (31, 16)
    assert plan.reason == "no other instance may be shelved"
    enough = plan_of(TEN_DAYS, FLEET[:1], Limits())
    assert (names(enough.shelve), enough.reason) == ([], "it lasts without shelving")


def test_no_more_than_needed() -> None:
    # 600 SU in 9.25 days are 2.7 an hour.
    plan = plan_of(TEN_DAYS, FLEET[:4], Limits())
    assert names(plan.shelve) == ["idle-big", "idle-small", "big"]
    assert plan.after == 1
    assert plan.reason is None


def test_everything_but_what_is_kept() -> None:
    plan = plan_of(TEN_DAYS, FLEET, Limits(all_of_them=True))
    assert names(plan.shelve) == ["idle-big", "idle-small", "big", "web"]
    assert names(plan.left) == ["kept", "shelved"]


def test_without_an_end_nothing_can_be_enough() -> None:
    plan = plan_of(standing(end=None), FLEET, Limits())
    assert (names(plan.shelve), plan.reason) == ([], "its end or its amounts are unknown")
    assert names(plan_of(standing(end=None), FLEET, Limits(all_of_them=True)).shelve)


def test_unknown_costs_are_reported() -> None:
    plan = plan_of(TEN_DAYS, (*FLEET[:1], candidate("odd", None)), Limits())
    assert plan.reason == "the cost of some instances is not known"


costs = st.integers(0, 64).map(lambda each: str(each / 2))
fleets = st.lists(st.tuples(costs, st.booleans(), st.booleans()), max_size=12)


@given(fleets, st.floats(0, 1000, allow_nan=False))
def test_a_plan_is_no_larger_than_needed_and_touches_nothing_kept(
    rows: list[tuple[str, bool, bool]], used: float
) -> None:
    fleet = [
        candidate(f"vm-{number}", cost, idle=idle, veto="kept" if kept else None)
        for number, (cost, idle, kept) in enumerate(rows)
    ]
    of = standing(used)
    plan = plan_of(of, fleet, Limits())
    assert all(each.veto is None and each.cost for each in plan.shelve)
    assert plan.after == plan.before - sum((each.cost or 0 for each in plan.shelve), Decimal(0))
    goal = Decimal(0) if of.estimated.is_over else plan.limit
    assert goal is not None
    if plan.shelve:
        # Without the last of them it would not last.
        assert plan.after + (plan.shelve[-1].cost or 0) > goal
    if plan.after > goal:
        assert not [each for each in plan.left if each.veto is None and each.cost]
    assert [each.is_idle for each in plan.shelve] == sorted((each.is_idle for each in plan.shelve), reverse=True)


def test_the_consequence_in_days() -> None:
    of = standing(end="2026-12-03")
    assert consequence(of, Decimal("2.5")).days == 10
    assert consequence(of, Decimal("2.5")).lasts is False
    assert consequence(of, Decimal("2.4")).lasts is True
    assert consequence(of, Decimal(0)) == consequence(of, Decimal(0)).__class__(Decimal(0), None, lasts=True)
    assert consequence(standing(None), Decimal(1)).lasts is None
    assert consequence(standing(1000.0), Decimal(1)).days == 0


def test_the_words() -> None:
    of = standing(890.0, since="20", per_day="30", end="2026-12-23")
    plan = plan_of(of, FLEET[:4], Limits(percent=Decimal(90)))
    row = budget_result(
        of, plan, {"mail": news_of(of, ())}, limit_reached(of, Limits(percent=Decimal(90))), {}, acts=False
    )
    assert row["figures"] == ("The site reports 89.0 % used; including 20 SU that it may not have counted yet, 91.0 %.")
    assert [each["sentence"] for each in row["news"]] == [
        "91.0 % of the SU are used (threshold 90 %).",
        "The SU last for 3.0 days at the pace of the last week, on 2026-11-26.",
    ]
    assert row["plan"]["sentence"] == (
        "To shelve (91.0 % is used, and the limit is 90 %): idle-big, idle-small, big, web. "
        "From 360 SU a day, which lasts for 0.2 days, to 0 SU a day, which lasts to the end."
    )


# --- what each channel was told


NOW_AND_LATER = [
    # A claim holds for a while, and for what it is about alone.
    (500.0, timedelta(0), []),
    (500.0, CLAIM - timedelta(seconds=1), []),
    (500.0, CLAIM, ["used:50"]),
    (760.0, timedelta(0), ["used:75"]),
    # The clock was set back.
    (500.0, timedelta(seconds=1) - CLAIM, []),
    (500.0, -CLAIM, ["used:50"]),
]


def new_to(memory: Memory, of: Standing, channel: str, now: datetime = NOW) -> list[str]:
    return [each.key for each in memory.news(of, channel, now).new]


def claimed(of: Standing, *channels: str, memory: Memory | None = None) -> Memory:
    memory = memory or Memory()
    for channel in channels:
        memory = memory.claiming(channel, memory.news(of, channel, NOW), NOW)
    return memory


@pytest.mark.parametrize(("used", "later", "keys"), NOW_AND_LATER)
def test_a_notice_that_another_run_has_claimed_is_left_to_it_for_a_while(
    used: float, later: timedelta, keys: list[str]
) -> None:
    memory = claimed(standing(500.0), "mail")
    assert new_to(memory, standing(used), "mail", NOW + later) == keys
    # It was not told yet, and other channels neither.
    assert memory.announced_to("mail") == frozenset()
    assert "used" in "".join(new_to(memory, standing(used), "webhook", NOW + later))


def test_a_channel_that_accepted_it_is_not_notified_again_and_one_that_failed_is_at_once() -> None:
    of = standing(500.0)
    memory = claimed(of, "mail", "webhook")
    after = memory.after_delivery("mail", ["used:50"]).after_failure("webhook", ["used:50"])
    assert after.claims == {}
    assert (new_to(after, of, "mail"), new_to(after, of, "webhook")) == ([], ["used:50"])


def test_a_run_ends_its_own_claim_and_not_that_of_a_later_one() -> None:
    first = claimed(standing(500.0), "mail")
    both = claimed(standing(760.0), "mail", memory=first)
    for ended in (both.after_delivery("mail", ["used:50"]), both.after_failure("mail", ["used:50"])):
        assert ended.claims == both.claims
        assert new_to(ended, standing(760.0), "mail") == []
    assert both.after_delivery("mail", ["used:50", "used:75"]).claims == {}


def test_a_notice_recorded_without_a_channel_counts_for_each() -> None:
    memory = Memory({NO_CHANNEL: frozenset({"used:50"})})
    assert (new_to(memory, standing(500.0), "mail"), new_to(memory, standing(500.0), "webhook")) == ([], [])
    # One that is told more has its own from then on.
    after = memory.after_delivery("mail", ["used:50", "used:75"])
    assert (after.announced_to("mail"), after.announced_to("webhook")) == ({"used:50", "used:75"}, {"used:50"})
    # What was left is told again, also to those.
    left = after.without_left(standing(400.0))
    assert left.announced == {}
    assert new_to(left, standing(500.0), "webhook") == ["used:50"]


def test_a_channel_that_was_notified_of_less_stays_so_when_a_threshold_is_left() -> None:
    memory = Memory({NO_CHANNEL: frozenset({"used:50"}), "mail": frozenset({"ends:14"})})
    left = memory.without_left(standing(500.0))
    assert left.announced == {NO_CHANNEL: frozenset({"used:50"}), "mail": frozenset()}
    assert new_to(left, standing(500.0), "mail") == ["used:50"]


def test_nothing_new_is_no_claim() -> None:
    assert claimed(standing(100.0), "mail") == Memory()
