# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notices and the acts of deadlines, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.advice import Veto
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.claims import CLAIM, Claim
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.deadlines import (
    ChannelNotice,
    Deadline,
    DeadlineNotices,
    DeadlineRow,
    Deadlines,
    Decision,
    Kind,
    Memory,
    Policy,
    Step,
    deadline_moment,
    deadlines_of,
    decide,
    limited,
    news_of,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from hypothesis import given
from hypothesis import strategies as st

AT = datetime(2026, 12, 18, 23, 59, 59, tzinfo=UTC)
LATER = datetime(2027, 1, 31, 12, tzinfo=UTC)
INDIANA = ZoneInfo("America/Indiana/Indianapolis")
DAY = timedelta(days=1)
SHELVE, DELETE = Kind.SHELVE_AT, Kind.DELETE_WARN_AT
ROW = DeadlineRow({"name": ("bio101-*",)}, {SHELVE: AT, DELETE: LATER}, INDIANA, may_shelve=True, line=7)


def shelving(at: datetime = AT, *, may_shelve: bool = True) -> Deadlines:
    return Deadlines({SHELVE: Deadline(at, UTC, "its metadata")}, may_shelve)


def notified(days: int, at: datetime = AT, first: datetime = AT - 7 * DAY, *channels: str) -> Memory:
    return Memory(
        notices={SHELVE: DeadlineNotices(at, {each: ChannelNotice(days, first) for each in channels or ("mail",)})}
    )


# --- where deadlines come from


@pytest.mark.parametrize(
    ("metadata", "found", "may_shelve", "problem"),
    [
        (None, {SHELVE: AT, DELETE: LATER}, True, ""),
        ({}, {SHELVE: AT, DELETE: LATER}, True, ""),
        ({"jetstream_shelve_at": "2027-01-31T07:00-05:00"}, {SHELVE: LATER, DELETE: LATER}, True, ""),
        ({"jetstream_shelve_at": "2026-12-18"}, {SHELVE: AT, DELETE: LATER}, True, ""),
        ({"jetstream_shelve_at": "2026-12-18T23:59:59.7"}, {SHELVE: AT, DELETE: LATER}, True, ""),
        ({"jetstream_shelve_at": " None "}, {DELETE: LATER}, True, ""),
        ({"jetstream_delete_warn_at": "none"}, {SHELVE: AT}, True, ""),
        ({"jetstream_may_shelve": "false"}, {SHELVE: AT, DELETE: LATER}, False, ""),
        ({"jetstream_may_shelve": "perhaps"}, {SHELVE: AT, DELETE: LATER}, False, "may_shelve cannot be read"),
        ({"jetstream_shelve_at": "the 18th"}, {DELETE: LATER}, True, "done by it: the 18th"),
        ({"jetstream_shelve_at": ""}, {DELETE: LATER}, True, "nothing is done by it: nothing"),
        ({"jetstream_shelve_at": "0001-01-01"}, {DELETE: LATER}, True, "nothing is done by it: 0001-01-01"),
        ({"jetstream_delete_warn_at": "2026-02-30"}, {SHELVE: AT}, True, "jetstream_delete_warn_at cannot be read"),
    ],
)  # fmt: skip
def test_each_key_of_the_metadata_comes_before_the_row(
    metadata: dict[str, str] | None, found: dict[Kind, datetime], may_shelve: bool, problem: str
) -> None:
    deadlines = deadlines_of(an_instance("bio101-01", metadata=metadata), [ROW])
    assert {kind: each.at for kind, each in deadlines.by_kind.items()} == found
    assert deadlines.may_shelve == may_shelve
    ways = (" Write 2026-12-18, 2026-12-18T18:00-05:00 or none", " Write true or false")
    assert all(each.endswith(ways) for each in deadlines.problems)
    zones = {(each.source, each.zone) for each in deadlines.by_kind.values()}
    assert zones <= {("its metadata", UTC), ("the row in line 7", INDIANA)}
    assert problem in " ".join(deadlines.problems)
    assert bool(problem) == bool(deadlines.problems)


def test_the_first_row_that_fits_counts_and_none_is_a_deadline_as_well() -> None:
    teacher = replace(ROW, filters={"name": ("bio101-teacher",)}, dates={SHELVE: None}, may_shelve=False)
    rows = [teacher, ROW]
    assert deadlines_of(an_instance("bio101-teacher"), rows).by_kind == {}
    assert deadlines_of(an_instance("bio101-01"), rows).by_kind[SHELVE] == Deadline(AT, INDIANA, "the row in line 7")
    assert deadlines_of(an_instance("web"), rows) == Deadlines({}, may_shelve=False)


def test_metadata_alone_are_enough_and_do_not_shelve_unless_they_say_so() -> None:
    metadata = {"jetstream_shelve_at": "2026-12-18"}
    assert not deadlines_of(an_instance("web", metadata=metadata), []).may_shelve
    assert deadlines_of(an_instance("web", metadata={**metadata, "jetstream_may_shelve": "TRUE"}), []).may_shelve


def test_a_date_is_in_its_zone_and_in_a_year_that_was_meant() -> None:
    assert deadline_moment("2026-12-18", INDIANA) == datetime(2026, 12, 19, 4, 59, 59, tzinfo=UTC)
    assert deadline_moment("2026-12-18T18:00Z", INDIANA) == datetime(2026, 12, 18, 18, tzinfo=UTC)
    for year in (2000, 2200):
        assert deadline_moment(f"{year}-12-18").year == year
    for year in (1999, 2201):
        with pytest.raises(ConfigurationError, match=f"'{year}-12-18' is not in the years from 2000 to 2200"):
            deadline_moment(f"{year}-12-18")


@pytest.mark.parametrize(
    ("deadlines", "now", "has_ended"),
    [
        (shelving(), AT, True),
        (shelving(), AT - timedelta(seconds=1), False),
        (shelving(may_shelve=False), AT, False),
        (Deadlines({}, may_shelve=True), AT, False),
    ],
)
def test_only_a_deadline_that_may_shelve_ends(deadlines: Deadlines, now: datetime, has_ended: bool) -> None:
    assert deadlines.has_ended(now) == has_ended


@given(st.text(max_size=40))
def test_no_metadata_end_in_an_error_of_python(text: str) -> None:
    keys = ("jetstream_shelve_at", "jetstream_delete_warn_at", "jetstream_may_shelve")
    found = deadlines_of(an_instance("web", metadata=dict.fromkeys(keys, text)), [])
    now = datetime(2026, 11, 23, tzinfo=UTC)
    decide(found, Memory(), Policy(True, ("mail",), DAY), now)
    news_of(found, Memory(), ("mail",), now)


# --- what is told


@pytest.mark.parametrize(
    ("before", "memory", "days"),
    [
        (timedelta(days=7, seconds=1), Memory(), None),
        (7 * DAY, Memory(), 7),
        (6 * DAY, notified(7), None),
        (3 * DAY, notified(7), 3),
        # A run that comes late tells the nearest alone.
        (2 * DAY, Memory(), 3),
        (DAY, notified(3), 1),
        (DAY / 2, notified(1), None),
        (0 * DAY, notified(1), 0),
        (-30 * DAY, notified(0), None),
        (-30 * DAY, notified(1), 0),
        # The deadline was moved: what was told of another day does not count.
        (3 * DAY, notified(0, AT - DAY), 3),
        # A clock that was set back tells nothing twice.
        (5 * DAY, notified(1), None),
    ],
)
def test_each_threshold_is_reported_once(before: timedelta, memory: Memory, days: int | None) -> None:
    found = news_of(shelving(), memory, ("mail",), AT - before)
    assert [each.days for each in found] == ([] if days is None else [days])


def test_each_channel_is_notified_for_itself_and_both_kinds_are() -> None:
    memory = notified(3).after_delivery(SHELVE, AT, 7, "webhook", AT - 7 * DAY)
    both = Deadlines({**shelving().by_kind, DELETE: Deadline(AT + 6 * DAY, UTC, "x")}, may_shelve=True)
    found = news_of(both, memory, ("mail", "webhook"), AT - DAY)
    assert [(each.kind, each.days, each.channels) for each in found] == [
        (SHELVE, 1, ("mail", "webhook")),
        (DELETE, 7, ("mail", "webhook")),
    ]
    # One that is not near hides no other.
    far = Deadlines({SHELVE: Deadline(AT + 90 * DAY, UTC, "x"), DELETE: both.by_kind[DELETE]}, may_shelve=True)
    assert [(each.kind, each.deadline.at) for each in news_of(far, memory, ("mail",), AT)] == [(DELETE, AT + 6 * DAY)]
    [late] = news_of(shelving(), memory, ("mail", "webhook"), AT - 3 * DAY)
    assert late.channels == ("webhook",)


def test_without_channels_what_is_near_is_reported_each_time() -> None:
    assert [each.channels for each in news_of(shelving(), notified(0), (), AT)] == [()]
    assert news_of(shelving(), notified(0), (), AT - 8 * DAY) == []


def test_the_first_notice_is_remembered_until_the_deadline_moves() -> None:
    memory = (
        Memory().after_delivery(SHELVE, AT, 7, "mail", AT - 7 * DAY).after_delivery(SHELVE, AT, 3, "mail", AT - 3 * DAY)
    )
    assert memory.notices_of(SHELVE, AT, AT + 2 * DAY) == {"mail": ChannelNotice(3, AT - 7 * DAY)}
    assert memory.notices_of(SHELVE, AT + DAY, AT + 2 * DAY) == {}
    moved = memory.after_delivery(SHELVE, AT + DAY, 3, "mail", AT)
    assert moved.notices_of(SHELVE, AT + DAY, AT + 2 * DAY) == {"mail": ChannelNotice(3, AT)}
    assert moved.notices_of(SHELVE, AT, AT + 2 * DAY) == {}


def test_a_notice_of_the_future_was_sent_before_the_clock_was_set_back_and_does_not_count() -> None:
    memory = Memory().after_delivery(SHELVE, AT, 0, "mail", AT + 365 * DAY)
    now = AT - 2 * DAY
    [news] = news_of(shelving(), memory, ("mail",), now)
    assert news.days == 3
    after = memory.after_delivery(SHELVE, AT, 3, "mail", now)
    assert after.notices_of(SHELVE, AT, now) == {"mail": ChannelNotice(3, now)}


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("days_claimed", "ago", "told_again"),
    [
        (3, 0 * DAY, False),
        (3, CLAIM - SECOND, False),
        (3, CLAIM, True),
        # Told as one of fewer days, it need not be told as one of more. The other way round it does.
        (1, SECOND, False),
        (7, SECOND, True),
        # The clock was set back.
        (3, SECOND - CLAIM, False),
        (3, -CLAIM, True),
    ],
)
def test_a_notice_that_another_run_has_claimed_is_left_to_it_for_a_while(
    days_claimed: int, ago: timedelta, told_again: bool
) -> None:
    now = AT - 3 * DAY
    [news] = news_of(shelving(), Memory(), ("mail",), now)
    assert Memory().claiming(news, now).notices == {SHELVE: DeadlineNotices(AT, {}, {"mail": Claim(3, now)})}
    memory = Memory().claiming(replace(news, days=days_claimed), now - ago)
    assert bool(news_of(shelving(), memory, ("mail",), now)) == told_again
    # It was not told yet.
    assert memory.notices_of(SHELVE, AT, AT + 2 * DAY) == {}


def test_a_claim_is_of_one_channel_and_ends_with_the_delivery_or_its_failure() -> None:
    now = AT - 3 * DAY
    [news] = news_of(shelving(), Memory(), ("mail", "webhook"), now)
    claimed = notified(7).claiming(news, now)
    assert news_of(shelving(), claimed, ("mail", "webhook"), now) == []
    assert [each.channels for each in news_of(shelving(), claimed, ("mail", "pager"), now)] == [("pager",)]
    taken = claimed.after_delivery(SHELVE, AT, 3, "mail", now)
    assert taken.notices == {
        SHELVE: DeadlineNotices(AT, {"mail": ChannelNotice(3, AT - 7 * DAY)}, {"webhook": Claim(3, now)}),
    }
    refused = taken.after_failure(SHELVE, AT, 3, "webhook")
    assert refused.notices[SHELVE].claims == {}
    assert [each.channels for each in news_of(shelving(), refused, ("mail", "webhook"), now)] == [("webhook",)]
    assert refused.after_failure(SHELVE, AT, 3, "webhook") is refused


def test_a_run_ends_its_own_claim_and_not_that_of_a_later_one() -> None:
    now = AT - DAY
    [news] = news_of(shelving(), Memory(), ("mail",), now)
    assert news.days == 1
    # Another run had set out to tell it three days before, and took long.
    memory = Memory().claiming(replace(news, days=3), now).claiming(news, now)
    for ended in (memory.after_delivery(SHELVE, AT, 3, "mail", now), memory.after_failure(SHELVE, AT, 3, "mail")):
        assert news_of(shelving(), ended, ("mail",), now) == []
        assert ended.notices[SHELVE].claims == {"mail": Claim(1, now)}


def test_a_claim_of_another_moment_or_kind_is_none() -> None:
    now = AT - 3 * DAY
    [news] = news_of(shelving(), Memory(), ("mail",), now)
    memory = Memory().claiming(news, now)
    assert len(news_of(shelving(AT + SECOND), memory, ("mail",), now)) == 1
    assert memory.after_failure(SHELVE, AT + SECOND, 3, "mail") is memory
    assert memory.after_failure(DELETE, AT, 3, "mail") is memory
    # Where nobody is told, nothing is claimed.
    [shown] = news_of(shelving(), Memory(), (), now)
    assert Memory().claiming(shown, now) == Memory()


# --- what is done

LOCKED = Veto("locked", "it is locked")
APPLIES = Policy(True, ("mail",), DAY)


@pytest.mark.parametrize(
    ("changes", "step", "reason"),
    [
        ({"deadlines": Deadlines({}, may_shelve=True)}, Step.NOTHING, "no shelve_at"),
        ({"deadlines": Deadlines({DELETE: Deadline(AT, UTC, "x")}, may_shelve=True)}, Step.NOTHING, "no shelve_at"),
        ({"now": AT - timedelta(seconds=1)}, Step.AHEAD, "shelve_at is 2026-12-18T23:59:59Z"),
        ({}, Step.ACT, "shelve_at was 2026-12-18T23:59:59Z"),
        ({"memory": replace(notified(1), done=AT)}, Step.DONE, "it was already shelved at this deadline"),
        # Another deadline than the one that was carried out.
        ({"memory": replace(notified(1), done=AT - DAY)}, Step.ACT, "shelve_at was"),
        ({"is_shelved": True}, Step.DONE, "already shelved"),
        ({"deadlines": shelving(may_shelve=False)}, Step.LEFT, "its deadline is not allowed to shelve it"),
        ({"vetoes": (LOCKED,)}, Step.LEFT, "it is locked"),
        ({"policy": Policy(False, ("mail",), DAY)}, Step.ACT, "would be shelved: set apply=true"),
        ({"memory": Memory()}, Step.WAIT, "no notice was sent yet"),
        ({"memory": notified(0, AT, AT)}, Step.WAIT, "its notice was late: it is shelved from 2026-12-19T23:59:59Z on"),
        ({"memory": notified(0, AT, AT), "now": AT + DAY}, Step.ACT, "shelve_at was"),
        ({"memory": notified(0, AT - DAY)}, Step.WAIT, "no notice was sent yet"),
        ({"policy": Policy(True, ("mail", "webhook"), DAY)}, Step.WAIT, "no notice was sent yet"),
        ({"policy": Policy(True, ("mail",), timedelta(0)), "memory": notified(0, AT, AT)}, Step.ACT, "shelve_at was"),
        # Where nobody is to be told, a notice would be one of now.
        ({"policy": Policy(True, (), timedelta(0)), "memory": Memory()}, Step.ACT, "shelve_at was"),
        ({"policy": Policy(True, (), DAY), "memory": Memory()}, Step.WAIT, "its notice was late"),
    ],
)  # fmt: skip
def test_a_deadline_leads_to_an_act_only_if_all_holds(changes: dict[str, Any], step: Step, reason: str) -> None:
    given = {"deadlines": shelving(), "memory": notified(1), "policy": APPLIES, "now": AT, **changes}
    state = {"is_shelved": True} if given.get("is_shelved") else {}
    decision = decide(
        given["deadlines"], given["memory"], given["policy"], given["now"], vetoes=given.get("vetoes", ()), **state
    )
    assert decision.step is step
    assert decision.reason.startswith(reason)
    assert decision.vetoes == given.get("vetoes", ())


def test_those_whose_deadlines_passed_first_come_first() -> None:
    act, ahead = Decision(Step.ACT, "x"), Decision(Step.AHEAD, "x")
    decisions = [(AT + DAY, "a", act), (None, "b", ahead), (AT, "d", act), (AT, "c", act)]
    done = limited(decisions, 2)
    assert [each.step for each in done] == [Step.LEFT, Step.AHEAD, Step.ACT, Step.ACT]
    assert done[0].reason == "max_actions (2) is reached: a later run continues"
    assert done[0].vetoes == (Veto("max_actions", "max_actions (2) is reached: a later run continues"),)
    assert [each.step for each in limited(decisions, 0)].count(Step.ACT) == 0
    # One that is not due takes no place.
    assert [each.step for each in limited([(AT, "a", ahead), (AT + DAY, "b", act)], 1)] == [Step.AHEAD, Step.ACT]
