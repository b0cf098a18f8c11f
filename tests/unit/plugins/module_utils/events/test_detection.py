# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every change is reported once, in an order that does not depend on a list, and an unknown value is no change."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.detection import (
    Observation,
    Part,
    Step,
    detect,
    state_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.event import Event, EventType, harmless
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.memory import (
    Memory,
    from_record,
    to_record,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    CloudAccount,
    Instance,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.budget_guard import Standing, standing_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.budget import Burn
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.history import Pace
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
ACCOUNT = CloudAccount("js2.example.org", "IU", "johndoe", "TG", "p1")
OWNER = ("js2.example.org", "IU", "p1")
ALL = frozenset({Part.INSTANCES, Part.IDLE, Part.DEADLINES, Part.BUDGET})
WEB, DB = an_instance("web", number=1), an_instance("db", number=2)
DUE = {"verdict": "idle", "rule": "cpu", "vetoes": [], "would": "shelve"}
KEPT = {"verdict": "idle", "rule": "cpu", "vetoes": [{"veto": "kept", "reason": "it is kept"}], "would": "nothing"}
BUSY = {"verdict": "idle", "rule": "cpu", "vetoes": [{"veto": "busy", "reason": "it moves"}], "would": "nothing"}
ACTIVE = {"verdict": "active", "rule": "users", "vetoes": [], "would": "nothing"}
DOUBTFUL = {"verdict": "unknown", "rule": "readings", "vetoes": [], "would": "nothing"}
OFF = {"verdict": "unknown", "rule": "not_running", "vetoes": [], "would": "nothing"}
REST = dict.fromkeys(
    ("since", "since_is_known", "idle_hours", "reason", "caveat", "su_per_hour", "su_since_idle", "saves_su_per_day")
)


def seen(
    *instances: Instance,
    at: datetime = NOW,
    idle: Mapping[str, Mapping[str, Any]] | None = None,
    standings: Sequence[Standing] = (),
    **changes: Any,
) -> Observation:
    observation = Observation(
        at=at,
        account=ACCOUNT,
        owner=OWNER,
        read=ALL,
        instances=instances,
        listed=frozenset(each.uuid for each in instances),
        advice={uuid: {**REST, **each} for uuid, each in (idle or {}).items()},
        standings=standings,
    )
    return replace(observation, **changes)


class Source:
    """A source that delivers each event, and stores its memory as JSON."""

    def __init__(self, **options: Any) -> None:
        self.memory = Memory()
        self.options = options

    def poll(self, observation: Observation) -> list[Event]:
        steps = self.steps(observation)
        if steps:
            self.memory = from_record(to_record(steps[-1].memory))
        return [each.event for each in steps if each.event]

    def steps(self, observation: Observation) -> list[Step]:
        return list(detect(self.memory, observation, **self.options))


def begun(*instances: Instance, **options: Any) -> Source:
    """Return a source after its first poll."""
    source = Source(**options)
    source.poll(seen(*instances))
    return source


def words(events: Sequence[Event]) -> list[str]:
    """Return state changes as "web: active>shutoff"."""
    return [f"{each.body['instance']['name']}: {each.change}" for each in events]


# --- states


def test_a_poll_that_tells_of_a_large_fleet_holds_one_memory_at_a_time() -> None:
    def memories() -> int:
        return sum(isinstance(each, Memory) for each in gc.get_objects())

    fleet = [an_instance(f"node-{number}", number=number) for number in range(1, 201)]
    before, most, last = memories(), 0, None
    for number, step in enumerate(detect(Memory(), seen(*fleet), announce_first=True), 1):
        last = step
        if number % 50 == 0:
            most = max(most, memories() - before)
    assert last is not None
    assert len(last.memory.instances) == 200
    assert most < 10


def test_the_first_poll_tells_nothing_and_a_second_one_of_the_same_neither() -> None:
    source = Source()

    assert source.poll(seen(WEB, DB, idle={WEB.uuid: DUE}, standings=[standing(960.0)])) == []
    assert source.steps(seen(WEB, DB, idle={WEB.uuid: DUE}, standings=[standing(960.0)])) == []


def test_announce_first_tells_all_that_is_there() -> None:
    source = Source(announce_first=True)
    events = source.poll(seen(WEB, DB, idle={WEB.uuid: DUE}, standings=[standing(960.0)]))

    assert [each.type for each in events] == [EventType.STATE, EventType.STATE, EventType.IDLE, EventType.BUDGET]
    assert words(events[:2]) == ["db: absent>active", "web: absent>active"]


def test_a_state_is_reported_when_an_instance_rests_in_it_and_once() -> None:
    source = begun(WEB, DB)

    assert source.poll(seen(replace(WEB, activity="powering-off"), DB)) == []
    assert words(source.poll(seen(replace(WEB, status="shutoff"), DB))) == ["web: active>shutoff"]
    assert source.poll(seen(replace(WEB, status="shutoff"), DB)) == []


def test_shelved_and_offloaded_are_one_state() -> None:
    source = begun(WEB)

    assert words(source.poll(seen(replace(WEB, status="shelved")))) == ["web: active>shelved"]
    assert source.poll(seen(replace(WEB, status="shelved_offloaded"))) == []


def test_a_launch_is_reported_when_it_is_done_and_an_error_as_such() -> None:
    source = begun(WEB)
    building = replace(DB, status="build")

    assert source.poll(seen(WEB, building)) == []
    assert words(source.poll(seen(WEB, DB))) == ["db: absent>active"]
    assert words(source.poll(seen(WEB, replace(DB, status="error")))) == ["db: active>error"]


def test_an_instance_in_transition_at_the_first_poll_is_reported_when_it_rests() -> None:
    source = begun(replace(WEB, activity="powering-off"), replace(DB, status="build"))

    assert words(source.poll(seen(replace(WEB, status="shutoff"), DB))) == [
        "db: absent>active",
        "web: active>shutoff",
    ]


def test_an_instance_is_gone_when_two_whole_lists_lack_it() -> None:
    source = begun(WEB, DB)

    assert source.poll(seen(WEB)) == []
    assert source.poll(seen(WEB, is_whole=False)) == []
    [event] = source.poll(seen(WEB))
    assert (words([event]), event.body["instance"]["status"]) == (["db: active>absent"], "deleted")
    assert source.poll(seen(WEB)) == []
    # One of the same name, or the same one if it comes back, is a new one.
    assert words(source.poll(seen(WEB, DB))) == ["db: absent>active"]


def test_an_instance_that_is_missing_from_one_list_is_not_reported_as_gone() -> None:
    source = begun(WEB)

    for _round in range(3):
        assert source.poll(seen()) == []
        assert source.poll(seen(WEB)) == []


def test_an_instance_that_the_cloud_calls_deleted_is_gone_at_once() -> None:
    source = begun(WEB)

    assert words(source.poll(seen(replace(WEB, status="deleted")))) == ["web: active>absent"]


def test_an_instance_that_is_listed_but_cannot_be_read_has_not_changed() -> None:
    source = begun(WEB, DB)
    half = seen(WEB, listed=frozenset({WEB.uuid, DB.uuid}))

    assert [source.poll(half) for _round in range(3)] == [[], [], []]


def test_without_its_instances_a_poll_tells_nothing_of_them() -> None:
    source = begun(WEB)

    events = source.poll(Observation(at=NOW, failed={Part.INSTANCES: "It is down."}))

    assert [each.type for each in events] == [EventType.FAILED]


def test_another_account_begins_anew() -> None:
    source = begun(WEB)
    other = seen(DB, owner=("js2.example.org", "IU", "p2"), idle={DB.uuid: DUE}, standings=[standing(960.0)])

    assert source.poll(other) == []
    assert set(source.memory.instances) == {DB.uuid}


def test_states_that_are_not_watched_are_remembered() -> None:
    source = begun(WEB, tells_states=False)

    assert source.poll(seen(replace(WEB, status="shutoff"))) == []
    source.options = {}
    assert words(source.poll(seen(WEB))) == ["web: shutoff>active"]


@pytest.mark.parametrize(
    ("status", "activity", "state"),
    [
        ("active", "", "active"),
        ("active", "deploying", None),
        ("shelved_offloaded", "", "shelved"),
        ("reboot", "rebooting", None),
        ("rescue", "", "rescue"),
        ("error", "", "error"),
        ("deleted", "", "absent"),
        ("active", "deleting", "absent"),
    ],
)
def test_the_word_for_a_state(status: str, activity: str, state: str | None) -> None:
    assert state_of(an_instance(status=status, activity=activity)) == state


# --- idleness


def advised(source: Source, *advice: Mapping[str, Any]) -> list[str]:
    """Return the events while an instance gets one advice after the other."""
    told = []
    for each in advice:
        told += [event.change for event in source.poll(seen(WEB, idle={WEB.uuid: each}))]
    return told


@pytest.mark.parametrize(
    ("advice", "told"),
    [
        ([ACTIVE, DUE, DUE], ["due"]),
        # It is told again once nothing keeps it from being put away.
        ([ACTIVE, KEPT, KEPT, DUE, DUE], ["idle", "due"]),
        ([ACTIVE, DUE, KEPT, DUE], ["due", "due"]),
        # Neither a doubt nor what passes by ends it.
        ([ACTIVE, DUE, DOUBTFUL, DUE], ["due"]),
        ([ACTIVE, DUE, BUSY, DUE], ["due"]),
        ([ACTIVE, BUSY, DUE], ["idle", "due"]),
        # Use does, and so does an end of its run.
        ([ACTIVE, DUE, ACTIVE, DUE], ["due", "due"]),
        ([ACTIVE, DUE, OFF, DUE], ["due", "due"]),
        # What was idle at the first poll is not news.
        ([DUE, DUE], []),
        ([DUE, ACTIVE, DUE], ["due"]),
        ([DOUBTFUL, DUE], ["due"]),
    ],
)
def test_idleness_is_reported_when_it_begins(advice: list[Mapping[str, Any]], told: list[str]) -> None:
    assert advised(Source(), *advice) == told


def test_a_poll_that_does_not_judge_changes_nothing() -> None:
    source = begun(WEB)
    advised(source, ACTIVE, DUE)

    assert source.poll(seen(WEB, read=frozenset({Part.INSTANCES}))) == []
    assert advised(source, DUE) == []


# --- deadlines


def test_deadlines_are_reported_at_each_number_of_days_once() -> None:
    web = replace(WEB, metadata={"jetstream_shelve_at": "2026-12-18T00:00Z", "jetstream_may_shelve": "true"})
    source = begun(web)
    events = [event for day in range(27) for event in source.poll(seen(web, at=NOW + timedelta(days=day)))]
    deadlines = [event.body["deadline"] for event in events]

    assert [each["days"] for each in deadlines] == [7, 3, 1, 0]
    assert {each["kind"]: each["may_shelve"] for each in deadlines} == {"shelve_at": True}


def test_a_deadline_that_moves_is_a_new_one() -> None:
    dates = ("2026-11-25T00:00Z", "2027-01-01T00:00Z", "2026-11-25T12:00Z")
    source = begun(WEB)
    told = []
    for date in dates:
        web = replace(WEB, metadata={"jetstream_delete_warn_at": date})
        told += [each.change for each in source.poll(seen(web))]

    assert told == ["delete_warn_at:2026-11-25T00:00:00Z:3", "delete_warn_at:2026-11-25T12:00:00Z:3"]


def test_a_deadline_that_is_near_at_the_first_poll_is_not_news_but_the_next_day_is() -> None:
    web = replace(WEB, metadata={"jetstream_shelve_at": "2026-11-26T00:00Z"})
    source = begun(web)

    assert source.poll(seen(web)) == []
    [event] = source.poll(seen(web, at=NOW + timedelta(days=2)))
    assert event.body["deadline"]["days"] == 1


# --- budgets


def standing(used: float, *, name: str = "TG", end: str = "2028-06-30") -> Standing:
    source = AllocationSource(name, name.lower(), compute_allowed=1000.0, compute_used=used, end_date=end)
    return standing_of(source, Pace(Decimal(0), Decimal(7)), Burn(Decimal(0), ()), None, NOW)


def budgets(source: Source, *used: float) -> list[str]:
    told = []
    for each in used:
        told += [event.change for event in source.poll(seen(standings=[standing(each)]))]
    return told


def test_thresholds_are_reported_once_and_again_after_they_were_left() -> None:
    assert budgets(Source(), 400, 510, 520, 760, 755, 745, 760, 700, 760) == ["used:50", "used:75", "used:75"]


def test_a_new_allocation_is_reported_with_the_thresholds_that_it_has_crossed() -> None:
    source = Source()
    source.poll(seen(standings=[standing(100)]))
    events = source.poll(seen(standings=[standing(100), standing(950, name="New")]))

    assert [(each.body["allocation"]["name"], each.change) for each in events] == [("New", "used:95")]


# --- the source itself


def test_a_failure_is_reported_once_with_its_end_also_over_a_restart() -> None:
    source = begun(WEB)
    down = Observation(at=NOW, failed={Part.INSTANCES: "It is down."})
    [failed] = source.poll(down)
    assert failed.body == {"part": "instances", "message": "It is down."}
    assert source.poll(replace(down, at=NOW + timedelta(hours=1))) == []
    [recovered] = source.poll(seen(WEB, at=NOW + timedelta(hours=2)))
    assert recovered.body == {"part": "instances", "since": "2026-11-23T18:00:00Z"}
    assert source.poll(seen(WEB)) == []


def test_parts_fail_by_themselves() -> None:
    source = begun(WEB)
    half = seen(replace(WEB, status="shutoff"), read=ALL - {Part.BUDGET}, failed={Part.BUDGET: "No figures."})

    assert [each.type for each in source.poll(half)] == [EventType.FAILED, EventType.STATE]


def test_a_source_that_is_killed_between_two_events_goes_on_with_the_second() -> None:
    source = begun(WEB, DB)
    both_off = seen(replace(WEB, status="shutoff"), replace(DB, status="shutoff"))
    first, second, *_rest = source.steps(both_off)
    source.memory = from_record(to_record(first.memory))
    [again] = source.poll(both_off)

    assert second.event is not None
    assert again.to_result(ACCOUNT, NOW)["id"] == second.event.to_result(ACCOUNT, NOW)["id"]


def test_the_same_change_at_another_time_is_another_event() -> None:
    source = begun(WEB)
    ids = set()
    for _round in range(3):
        for status in ("shutoff", "active"):
            [event] = source.poll(seen(replace(WEB, status=status)))
            ids.add(event.to_result(ACCOUNT, NOW)["id"])

    assert len(ids) == 6


@pytest.mark.parametrize("text", ["{{ lookup('pipe', 'id') }}", "{% set x = 1 %}", "{#", "{{{{x}}}}", "a\nb\x1b[31m"])
def test_no_text_of_an_event_is_a_template_or_more_than_a_line(text: str) -> None:
    made = harmless({"instance": {"name": text, "vetoes": [{"reason": text}]}})
    found = made["instance"]["name"]

    assert found == made["instance"]["vetoes"][0]["reason"]
    assert not any(each in found for each in ("{{", "{%", "{#", "}}", "%}", "\n", "\x1b"))
