# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of acts that no message has reported yet, and the run that reports them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.act_store import ActStore
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.acts import (
    Act,
    IsAlive,
    open_uuids,
    records_of,
    resolved,
    settled,
    unreported,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.log_entries import sentence
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.records import Event, PolicyName
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Goal
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

BEGAN = START.replace(microsecond=0)
LATER = BEGAN + timedelta(minutes=15)
WEB = an_instance("web", number=1)


def an_act(**more: object) -> Act:
    fields = {"profile": "default", "policy": "schedule", "uuid": WEB.uuid, "name": "web", "goal": Goal.SHELVED}
    return Act(**{**fields, "process": "killed", "began": BEGAN, "seen": "2026-11-23", **more})  # type: ignore[arg-type]


def dead(_process: str) -> bool | None:
    return False


def alive(_process: str) -> bool | None:
    return True


def unknown(_process: str) -> bool | None:
    return None


def found(act: Act, listed: Sequence[Instance], own: str, now: datetime, is_alive: IsAlive) -> tuple[str, list[Event]]:
    """Return the outcome of an act after a resolution, and the events of the log."""
    resolution = resolved({act.key: act}, "default", listed, own, now, is_alive)
    return resolution.acts[act.key].outcome, [each.event for each in records_of(resolution, listed, now)]


@pytest.mark.parametrize(
    ("goal", "status", "activity", "outcome", "event"),
    [
        (Goal.SHELVED, "shelved_offloaded", "", "a later run found it shelved_offloaded", Event.DONE),
        (
            Goal.SHELVED,
            "active",
            "",
            "that was not carried out, or undone since: a later run found it active",
            Event.UNDONE,
        ),
        (
            Goal.STARTED,
            "shutoff",
            "",
            "that was not carried out, or undone since: a later run found it shutoff",
            Event.UNDONE,
        ),
        (Goal.STARTED, "active", "", "a later run found it active", Event.DONE),
        # Its owner may have done more with it.
        (Goal.STOPPED, "shelved_offloaded", "", "a later run found it shelved_offloaded", Event.UNCLEAR),
        (Goal.SHELVED, "error", "", "a later run found it error", Event.UNCLEAR),
        # Nothing is said before it rests.
        (Goal.SHELVED, "active", "shelving", "", None),
    ],
)
def test_the_outcome_of_an_act_is_what_the_cloud_says(
    goal: Goal, status: str, activity: str, outcome: str, event: Event | None
) -> None:
    listed = [an_instance("web", number=1, status=status, activity=activity)]
    expected = (outcome, [] if event is None else [event])
    assert found(an_act(goal=goal), listed, "own", LATER, dead) == expected


def test_an_instance_that_is_gone_is_reported_as_gone() -> None:
    assert found(an_act(), [], "own", LATER, dead) == ("it is no longer there", [Event.UNCLEAR])


@pytest.mark.parametrize(
    ("hours", "activity", "outcome"),
    [
        (1.9, "shelving", ""),
        (3.5, "shelving", "3 hours later it is still shelving: if that goes on, ask the site's support"),
        (
            30,
            "shelving_image_uploading",
            "30 hours later it is still shelving_image_uploading: if that goes on, ask the site's support",
        ),
        # Its owner does something else with it just now.
        (3.5, "rebooting", ""),
    ],
)
def test_a_change_that_hangs_is_said_and_is_not_called_done(hours: float, activity: str, outcome: str) -> None:
    listed = [an_instance("web", number=1, status="active", activity=activity)]
    now = BEGAN + timedelta(hours=hours)
    assert found(an_act(), listed, "own", now, dead) == (outcome, [Event.UNCLEAR] if outcome else [])


def test_acts_of_this_run_and_of_runs_in_progress_are_left_to_them() -> None:
    act = an_act()
    for own, is_alive in (("own", alive), ("killed", dead), ("own", unknown)):
        assert found(act, [WEB], own, LATER, is_alive) == ("", [])
    # A process of another machine counts as ended after two hours.
    much_later = BEGAN + timedelta(hours=3)
    assert found(act, [WEB], "own", much_later, unknown)[0]


def test_acts_of_other_profiles_are_on_other_accounts() -> None:
    act = an_act(profile="course")
    assert found(act, [], "own", LATER, dead) == ("", [])
    assert (open_uuids({act.key: act}, "default"), open_uuids({act.key: act}, "course")) == (set(), {WEB.uuid})


@pytest.mark.parametrize("policy", ["schedule", "deadline", "budget"])
def test_the_log_tells_what_became_of_an_act(policy: str) -> None:
    act = an_act(policy=policy)
    off = an_instance("web", number=1, status="shelved_offloaded")
    resolution = resolved({act.key: act}, "default", [off], "own", LATER, dead)
    [record] = records_of(resolution, [off], LATER)
    assert sentence(record) == (
        f"web was shelved: a run of the policy {policy} began that at 2026-11-23T18:57:00Z, and did not end; a later"
        " run found it shelved_offloaded."
    )
    assert (record.policy, record.uuid, record.status) == (PolicyName(policy), WEB.uuid, "shelved_offloaded")


def test_the_policy_of_idle_instances_logs_its_acts_itself() -> None:
    outcome, events = found(an_act(policy="idle"), [WEB], "own", LATER, dead)
    assert (bool(outcome), events) == (True, [])
    # That it is gone, or hangs, it does not.
    assert found(an_act(policy="idle"), [], "own", LATER, dead)[1] == [Event.UNCLEAR]


def test_a_run_settles_its_own_acts_and_drops_those_that_were_not_needed() -> None:
    own, other = an_act(process="own"), an_act(policy="idle")
    acts = {each.key: each for each in (own, other)}
    assert settled(acts, {WEB.uuid: "shelve done"}, "schedule", "own")[own.key].outcome == "shelve done"
    assert settled(acts, {WEB.uuid: ""}, "schedule", "own") == {other.key: other}
    assert settled(acts, {}, "schedule", "own") == acts


def test_a_later_run_reports_what_a_killed_one_did() -> None:
    act = an_act(outcome="a later run found it shelved_offloaded")
    draft, left = unreported({act.key: act}, "default", "own", [], LATER, dead)
    assert left == {}
    assert draft is not None
    assert draft.subject == "Jetstream: 1 act was not reported before"
    [line] = draft.text.splitlines()[2:]
    assert line == (
        "web was to be shelved at 2026-11-23T18:57:00Z: a later run found it shelved_offloaded (by schedule)."
    )


def test_a_report_does_not_repeat_a_message_of_the_same_run() -> None:
    own = an_act(process="own", outcome="shelve done")
    assert unreported({own.key: own}, "default", "own", [WEB.uuid], LATER, alive) == (None, {})
    # A part that failed after the act has no row of it.
    draft, left = unreported({own.key: own}, "default", "own", [], LATER, alive)
    assert (draft is None, left) == (False, {})


def test_an_act_that_another_run_or_profile_will_report_is_left() -> None:
    acts = {each.key: each for each in (an_act(outcome="shelve done"), an_act(profile="course", outcome="shelve done"))}
    assert unreported(acts, "default", "own", [], LATER, alive) == (None, acts)
    draft, left = unreported(acts, "default", "own", [], LATER, dead)
    assert draft is not None
    assert [each.profile for each in left.values()] == ["course"]


def test_an_act_without_an_outcome_is_reported_after_a_day() -> None:
    act = an_act()
    assert unreported({act.key: act}, "default", "own", [], LATER, dead) == (None, {act.key: act})
    draft, _left = unreported({act.key: act}, "default", "own", [], BEGAN + timedelta(days=1), dead)
    assert draft is not None
    assert "its outcome is not known" in draft.text


def test_acts_outlive_a_run_and_are_bounded(tmp_path: Path) -> None:
    clock = FakeClock()
    store = ActStore(tmp_path / "acts.json", clock)
    act = an_act(outcome="shelve done")
    store.update(lambda _before: {act.key: act})
    assert store.load() == {act.key: act}
    assert store.path.stat().st_mode & 0o777 == 0o600
    clock.advance(8 * 86_400)
    store.update(lambda before: {**before, "other": an_act(seen="2026-12-01")})
    assert list(store.load()) == ["other"]
