# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a night, and its report."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.jetstream.cloud.plugins.filter.night_plan import night_plan
from ansible_collections.jetstream.cloud.plugins.filter.night_report import night_report
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.nights import NightError, plan, report
from hypothesis import given
from hypothesis import strategies as st

ZONE = ZoneInfo("America/Chicago")
ALL = ["activity", "scheduled", "deadlines", "shelve_idle", "budget_guard", "usage_report", "hygiene", "metrics"]
NEEDY = ("scheduled", "metrics")
EACH_TIME = ["activity", "shelve_idle"]
HOUR = 3600.0


def at(text: str) -> float:
    """Return a moment in Chicago, in seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def record(last: str, **more: Any) -> str:
    """Return a record by which each part ran at that moment."""
    return json.dumps({"began": 0, "ended": 0, "ran": dict.fromkeys(ALL, at(last)), **more})


def run(variables: dict[str, Any], stored: str = "", now: str = "2026-11-26T10:00") -> list[str]:
    found: list[str] = plan(variables, stored, at(now), ZONE)["run"]
    return found


def reason(variables: dict[str, Any], part: str, stored: str = "") -> str:
    rows = plan(variables, stored, at("2026-11-26T10:00"), ZONE)["parts"]
    return {row["name"]: str(row["reason"]) for row in rows}[part]


def test_at_first_all_is_due_but_what_lacks_its_variable() -> None:
    assert run({}) == [name for name in ALL if name not in NEEDY]
    assert reason({}, "scheduled") == "skipped: schedules is not set"
    assert run({"schedules": "schedules.yml", "metrics_path": "x.prom"}) == ALL


# 2026-11-26 is a Thursday.
@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        ("2026-11-26T10:00", "2026-11-26T10:59", []),
        ("2026-11-26T10:59", "2026-11-26T11:00", ["deadlines", "budget_guard"]),
        ("2026-11-26T05:55", "2026-11-26T05:59", []),
        ("2026-11-26T05:59", "2026-11-26T06:00", ["deadlines", "budget_guard", "usage_report"]),
        ("2026-11-26T06:00", "2026-11-27T05:59", ["deadlines", "budget_guard"]),
        ("2026-11-25T02:30", "2026-11-26T02:30", ["deadlines", "budget_guard", "usage_report"]),
        ("2026-11-29T23:59", "2026-11-30T05:59", ["deadlines", "budget_guard"]),
        ("2026-11-30T05:59", "2026-11-30T06:00", ["deadlines", "budget_guard", "usage_report", "hygiene"]),
        ("2026-11-30T06:00", "2026-12-06T23:59", ["deadlines", "budget_guard", "usage_report"]),
        # Off for three weeks.
        ("2026-11-05T10:00", "2026-11-26T10:00", ["deadlines", "budget_guard", "usage_report", "hygiene"]),
        # Winter time begins: the hour from one to two comes twice.
        ("2026-11-01T00:59", "2026-11-01T06:00", ["deadlines", "budget_guard", "usage_report"]),
        # The clock was set back: what ran in the future counts as not having run.
        ("2027-01-01T00:00", "2026-11-26T10:00", ["deadlines", "budget_guard", "usage_report", "hygiene"]),
    ],
)
def test_reports_are_due_when_their_hour_has_come(last: str, now: str, due: list[str]) -> None:
    assert run({}, record(last), now) == [name for name in ALL if name in (*EACH_TIME, *due)]


def test_the_hour_of_reports_is_a_setting() -> None:
    stored = record("2026-11-26T05:59")
    assert "usage_report" not in run({"report_hour": 22}, stored)
    with pytest.raises(NightError, match="report_hour is 24, but must be 0 to 23"):
        plan({"report_hour": 24}, "", 0.0)


@given(st.floats(1e8, 4e9), st.floats(0, 30 * 24 * HOUR), st.integers(0, 23))
def test_no_report_is_forgotten_and_none_comes_twice_a_day(now: float, ago: float, hour: int) -> None:
    stored = json.dumps({"ran": dict.fromkeys(ALL, max(now - ago, 0.0))})
    due = plan({"report_hour": hour}, stored, now, ZONE)["run"]

    # An hour of tolerance: the days of the clock changes have 23 and 25.
    assert "usage_report" in due or ago < 25 * HOUR
    assert "hygiene" in due or ago < (7 * 24 + 1) * HOUR
    again = json.dumps({"ran": dict.fromkeys(ALL, now)})
    assert plan({"report_hour": hour}, again, now, ZONE)["run"] == EACH_TIME


def test_everything_is_what_is_not_due_as_well() -> None:
    stored = record("2026-11-26T09:59")
    assert run({"everything": "true"}, stored) == [name for name in ALL if name not in NEEDY]
    assert run({"everything": "false"}, stored) == ["activity", "deadlines", "shelve_idle", "budget_guard"]


def test_named_parts_run_alone_in_their_own_order() -> None:
    assert run({"parts": ["hygiene", "activity"]}) == ["activity", "hygiene"]
    assert reason({"parts": ["hygiene"]}, "activity") == "skipped: not in parts"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"parts": ["hygeine"]}, "parts: there is no part hygeine. .* Did you mean hygiene?"),
        ({"parts": ["scheduled"]}, "parts: scheduled cannot run: schedules is not set."),
        (
            {"parts": ["shelve_idle"], "apply": "true"},
            "parts: shelve_idle cannot run: apply=true requires mail_to, owner_",
        ),
    ],
)
def test_a_part_that_cannot_run_is_refused_where_it_is_named(variables: dict[str, Any], sentence: str) -> None:
    with pytest.raises(NightError, match=sentence):
        plan(variables, "", 0.0)
    assert night_plan(variables, "")["problem"].startswith("parts: ")


@pytest.mark.parametrize("channel", ["mail_to", "owner_mail", "webhook_url"])
def test_idle_instances_are_left_alone_if_no_owner_can_be_notified(channel: str) -> None:
    assert "shelve_idle" in run({"apply": "true", channel: ["x"]})
    assert "shelve_idle" in run({"apply": "false"})
    assert not {"shelve_idle", "deadlines"} & set(run({"apply": True}))
    assert "deadlines" in run({"apply": True, channel: ["x"]})


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        '{"ran": 3, "failures": [], "began": "x"}',
        '{"ran": {"hygiene": -1e300}}',
        "[" * 99999,
    ],
)
def test_a_record_that_is_none_makes_everything_due(stored: str) -> None:
    planned = plan({}, stored, at("2026-11-26T10:00"), ZONE)
    assert planned["run"] == [name for name in ALL if name not in NEEDY]
    assert planned["interrupted"] == ""


def test_a_run_that_did_not_end_is_reported_once() -> None:
    first = plan({}, "", 1000.0, process="one")
    second = plan({}, json.dumps(first["record"]), 2000.0, process="two", is_alive=lambda _process: False)
    assert second["interrupted"] == "1970-01-01T00:16:40Z"
    told = report(second, [], 2001.0, ["mail"])
    assert told["tell"]
    assert told["messages"]["mail"]["subject"] == "Jetstream: a run did not end"
    assert "The run that began at 1970-01-01T00:16:40Z did not end." in told["text"]
    assert plan({}, json.dumps(told["told"]), 3000.0)["interrupted"] == ""
    # What was sent to nobody is told by the next run.
    assert plan({}, json.dumps(told["untold"]), 3000.0, is_alive=lambda _process: False)["interrupted"]


@pytest.mark.parametrize(
    ("alive", "hours", "said"),
    [
        (True, 5.9, ""),
        (True, 6.1, "The run that began at 1970-01-01T00:16:40Z is still in progress after 6 hours."),
        # A process of another machine.
        (None, 1.9, ""),
        (None, 2.1, "The run that began at 1970-01-01T00:16:40Z did not end, or is still in progress."),
        (False, 0.0, "The run that began at 1970-01-01T00:16:40Z did not end."),
        # The clock was set back.
        (True, -0.2, ""),
    ],
)
def test_a_run_in_progress_is_no_news_unless_it_hangs(alive: bool | None, hours: float, said: str) -> None:
    first = plan({}, "", 1000.0, process="one")
    now = 1000.0 + hours * HOUR
    second = plan({}, json.dumps(first["record"]), now, process="two", is_alive=lambda _process: alive)
    assert second["of_runs"] == ([said] if said else [])
    assert bool(second["beside"]) != bool(said)
    how = report(second, [], now, ["mail"], stored=json.dumps(second["record"]))
    assert how["tell"] == bool(said)
    # It is told once, and one that goes on is not forgotten.
    assert sorted(how["record"]["runs"]) == ([] if said else ["one"])


def test_a_run_that_ended_is_forgotten_and_no_other() -> None:
    first = plan({}, "", 1000.0, process="one")
    second = plan({}, json.dumps(first["record"]), 1010.0, process="two", is_alive=lambda _process: True)
    ended = report(first, [], 1020.0, stored=json.dumps(second["record"]))["record"]
    assert ended["runs"] == {"two": 1010.0}


def row(part: str, **more: Any) -> dict[str, Any]:
    return {
        "part": part,
        "sentence": f"{part} is done.",
        "text": f"text of {part}",
        "failure": "",
        "news": False,
        **more,
    }


def instances(**counts: int) -> list[dict[str, Any]]:
    kinds = {
        "shelved": {"changed": True, "actions": ["shelve"]},
        "offloaded": {"changed": True, "actions": ["stop", "shelve"]},
        "idle": {"changed": True, "action": "stop"},
        "budget": {"changed": True},
        "woken": {"changed": True, "actions": ["unshelve"]},
        "failed": {"changed": True, "failed": True, "actions": ["shelve"]},
        "unchanged": {"changed": False, "actions": []},
    }
    return [kinds[kind] for kind, count in counts.items() for _number in range(count)]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "nothing to do"),
        ([row("scheduled", instances=instances(shelved=2, offloaded=1, unchanged=4))], "3 shelved"),
        (
            [
                row("scheduled", instances=instances(woken=2, failed=1), failure="1 of 3 failed"),
                row("shelve_idle", instances=instances(idle=1)),
                row("budget_guard", instances=instances(budget=1), notes=["1 budget threshold"]),
            ],
            "1 shelved, 1 stopped, 2 started, 1 failed (scheduled), 1 budget threshold",
        ),
        ([row("activity", failure="refused"), row("hygiene", failure="refused")], "2 failed (activity, hygiene)"),
        ([row("scheduled", instances=instances(failed=2))], "2 failed"),
        ([row("usage_report", notes=["usage\nreport"])], "usage report"),
    ],
)
def test_the_subject_counts_what_was_done(rows: list[dict[str, Any]], sentence: str) -> None:
    told = night_report(rows, plan({}, "", 0.0))
    assert told["sentence"] == sentence
    assert told["subject"] == f"Jetstream: {sentence}"


def test_every_part_has_a_line() -> None:
    planned = plan({}, record("2026-11-26T09:59"), at("2026-11-26T10:00"), ZONE)
    told = report(planned, [row("activity"), row("budget_guard", failure="status\n503")], 1.0)
    assert told["summary"].splitlines() == [
        "activity      activity is done.",
        "scheduled     skipped: schedules is not set",
        "deadlines     did not run",
        "shelve_idle   did not run",
        "budget_guard  FAILED: status 503",
        "usage_report  not due: at most once a day",
        "hygiene       not due: at most once a week",
        "metrics       skipped: metrics_path is not set",
    ]
    assert "== activity ==\n\ntext of activity" in told["text"]


def test_a_failure_that_goes_on_is_reported_once_a_day_and_again_after_it_was_over() -> None:
    def night(hours: float, stored: dict[str, Any], failure: str, *, sent: bool = True) -> tuple[bool, dict[str, Any]]:
        planned = plan({}, json.dumps(stored), hours * HOUR)
        told = report(planned, [row("budget_guard", failure=failure)], hours * HOUR + 1)
        return told["tell"], told["told" if sent else "untold"]

    # The mail server is down at first.
    tell, stored = night(500, {}, "refused", sent=False)
    assert tell
    tell, stored = night(501, stored, "refused")
    assert tell
    tell, stored = night(502, stored, "refused in other words")
    assert not tell
    tell, stored = night(526, stored, "refused")
    assert tell
    tell, stored = night(527, stored, "")
    assert not tell
    tell, _stored = night(528, stored, "refused")
    assert tell


def test_a_part_that_failed_or_was_not_sent_is_due_again() -> None:
    now = at("2026-11-26T10:00")
    rows = [row("usage_report", news=True), row("hygiene", failure="refused")]
    told = report(plan({}, "", now, ZONE), rows, now)
    assert told["tell"]
    assert told["failed"] == ["hygiene"]
    due = {name: run({}, json.dumps(told[name]), "2026-11-26T10:15") for name in ("told", "untold")}
    assert ("usage_report" in due["told"], "hygiene" in due["told"]) == (False, True)
    assert ("usage_report" in due["untold"], "hygiene" in due["untold"]) == (True, True)


def test_a_quiet_night_is_not_mailed() -> None:
    assert not report(plan({}, "", 0.0), [row("activity"), row("shelve_idle", instances=instances(unchanged=3))], 1.0)[
        "tell"
    ]


# --- runs beside each other, and the clock


def test_of_two_runs_at_once_one_has_the_parts_that_do_not_run_each_time() -> None:
    begun = at("2026-11-26T10:00")
    first = plan({}, "", begun, ZONE)
    stored = json.dumps(first["record"])
    assert run({}, stored, "2026-11-26T10:00") == EACH_TIME
    assert reason({}, "hygiene", stored) == "not due: claimed by the run that began at 2026-11-26T16:00:00Z"
    assert run({"everything": True}, stored) == first["run"]
    # It was killed.
    assert run({}, stored, "2026-11-26T10:29") == EACH_TIME
    assert run({}, stored, "2026-11-26T10:30") == first["run"]
    # The clock was set back.
    assert run({}, stored, "2026-11-26T09:15") == first["run"]


def test_a_run_stores_nothing_over_what_another_one_has_stored_meanwhile() -> None:
    now = at("2026-11-26T10:00")
    first = plan({"parts": ["hygiene"]}, "", now, ZONE)
    second = plan({"parts": ["hygiene", "usage_report"]}, json.dumps(first["record"]), now + 1, ZONE)
    assert second["run"] == ["usage_report"]
    after_first = report(first, [row("hygiene")], now + 5, stored=json.dumps(second["record"]))["record"]
    assert set(after_first["claims"]) == {"usage_report"}
    after_both = report(second, [row("usage_report")], now + 9, stored=json.dumps(after_first))["record"]
    assert (after_both["ran"], after_both["claims"]) == ({"hygiene": now + 5, "usage_report": now + 9}, {})


def test_a_failure_that_was_reported_in_the_future_is_reported() -> None:
    stored = json.dumps({"failures": {"mail": {"activity": 900_000.0}}})
    planned = plan({}, stored, 100_000.0)
    told = report(planned, [row("activity", failure="refused")], 100_001.0, ["mail"])
    assert told["messages"]["mail"]["subject"] == "Jetstream: 1 failed (activity)"
    assert told["record"]["failures"] == {"mail": {"activity": 100_001.0}}


def test_a_run_that_was_killed_after_the_clock_was_set_back_is_reported() -> None:
    planned = plan({}, json.dumps({"began": 900_000, "ended": 900_010}), 100_000.0)
    assert planned["interrupted"] == ""
    assert plan({}, json.dumps(planned["record"]), 108_000.0)["interrupted"] == "1970-01-02T03:46:40Z"


def test_a_run_of_a_record_without_processes_is_reported() -> None:
    assert plan({}, json.dumps({"began": 900_000, "ended": 800_000}), 908_000.0)["interrupted"]


def test_news_that_cannot_be_recorded_are_mailed_with_their_failure_alone() -> None:
    failed = row("budget_guard", failure="no space", news=True, unrecorded=True)
    now = 500 * HOUR
    first = report(plan({}, "", now), [failed], now, ["mail"])
    assert first["messages"]["mail"]
    stored = json.dumps(first["record"])
    again = report(plan({}, stored, now + 900), [failed], now + 900, ["mail"])
    assert again["messages"] == {"mail": {}}
    # News of what was recorded is not held back by a failure that goes on, nor is a failure after a day.
    other = row("budget_guard", failure="no space", news=True)
    assert report(plan({}, stored, now + 900), [other], now + 900, ["mail"])["messages"]["mail"]
    later = now + 25 * HOUR
    assert report(plan({}, stored, later), [failed], later, ["mail"])["messages"]["mail"]


# --- what each channel is told

BOTH = ["mail", "webhook"]


def delivered(**by_channel: bool) -> dict[str, Any]:
    return {
        name: {"delivered": took, "msg": "" if took else "it is down", "reason": f"{name}: it is down"}
        for name, took in by_channel.items()
    }


def budget(**news: bool) -> dict[str, Any]:
    """Return a row whose thresholds are new to some channels, and after which something was shelved."""
    channels = {
        name: {"news": is_news, "text": f"NEW to {name}" if is_news else "table", "notes": ["1 budget threshold"]}
        for name, is_news in news.items()
    }
    return row("budget_guard", kept="", told_again=True, channels=channels)


def test_a_channel_is_notified_of_what_is_new_to_it() -> None:
    told = report(plan({}, "", 0.0), [budget(mail=False, webhook=True)], 1.0, BOTH)
    assert told["messages"]["mail"] == {}
    assert told["messages"]["webhook"]["subject"] == "Jetstream: 1 budget threshold"
    assert "NEW to webhook" in told["messages"]["webhook"]["text"]
    # The next run tells it again.
    assert told["kept"] == {"mail": {}, "webhook": {}}


@pytest.mark.parametrize(
    ("deliveries", "is_due"),
    [
        (delivered(webhook=True), False),
        (delivered(webhook=False), True),
        # Nothing was new to the mail, so that it took nothing.
        (delivered(mail=False, webhook=True), False),
    ],
)
def test_a_part_is_due_again_if_a_channel_did_not_take_what_it_tells_again(
    deliveries: dict[str, Any], is_due: bool
) -> None:
    now = at("2026-11-26T10:00")
    planned = plan({}, "", now, ZONE)
    after = report(planned, [budget(mail=False, webhook=True)], now, BOTH, deliveries)["record"]
    assert ("budget_guard" in run({}, json.dumps(after), "2026-11-26T10:15")) == is_due


def test_a_finished_part_waits_for_a_channel_and_is_not_due_again() -> None:
    now = at("2026-11-26T10:00")
    planned = plan({}, "", now, ZONE)
    rows = [
        row("activity"),
        row("scheduled", news=True, instances=instances(woken=2)),
        {**budget(mail=True, webhook=True), "kept": "shelved: web", "instances": instances(budget=1)},
        row("usage_report", news=True, notes=["usage report"]),
    ]
    told = report(planned, rows, now, BOTH, delivered(mail=False, webhook=True))
    assert told["messages"]["mail"]["subject"] == "Jetstream: 1 shelved, 2 started, 1 budget threshold, usage report"
    kept = told["kept"]["mail"]
    assert kept["subject"] == "Jetstream: 1 shelved, 2 started, usage report"
    assert kept["text"].split("\n\n") == [
        *("== scheduled ==", "text of scheduled", "== budget_guard ==", "shelved: web"),
        *("== usage_report ==", "text of usage_report"),
    ]
    assert told["failed"] == ["the mail"]
    assert told["sentence"].startswith("1 shelved, 2 started, 1 failed (the mail)")
    assert told["summary"].splitlines()[-1] == "the mail      FAILED: it is down"
    due = run({}, json.dumps(told["record"]), "2026-11-26T10:15")
    assert ("usage_report" in due, "budget_guard" in due) == (False, True)


def test_a_failure_is_reported_to_each_channel_by_itself() -> None:
    rows = [row("activity", failure="refused")]

    def night(hours: float, stored: dict[str, Any], **took: bool) -> tuple[list[str], dict[str, Any]]:
        told = report(plan({}, json.dumps(stored), hours * HOUR), rows, hours * HOUR, BOTH, delivered(**took))
        assert told["kept"] == {"mail": {}, "webhook": {}}
        return [name for name, each in told["messages"].items() if each], told["record"]

    tells, stored = night(500, {}, mail=False, webhook=True)
    assert tells == BOTH
    tells, stored = night(501, stored, mail=True)
    assert tells == ["mail"]
    tells, stored = night(502, stored)
    assert tells == []
    assert night(524, stored)[0] == ["webhook"]


def test_failures_recorded_without_a_channel_count_for_each() -> None:
    stored = json.dumps({"failures": {"activity": 500 * HOUR}})
    told = report(plan({}, stored, 501 * HOUR), [row("activity", failure="refused")], 501 * HOUR, BOTH)
    assert told["messages"] == {"mail": {}, "webhook": {}}


def test_the_notice_of_an_unfinished_run_waits_for_a_channel_that_fails() -> None:
    second = plan({}, json.dumps(plan({}, "", 1000.0)["record"]), 9000.0)
    kept = report(second, [], 9001.0, BOTH)["kept"]["mail"]
    assert kept["subject"] == "Jetstream: a run did not end"
    assert kept["text"].startswith("The run that began at 1970-01-01T00:16:40Z did not end")


def test_a_run_that_is_killed_while_it_sends_makes_no_report_again() -> None:
    now = at("2026-11-26T10:00")
    planned = plan({}, "", now, ZONE)
    rows = [row("usage_report", news=True), budget(mail=True, webhook=True), row("hygiene", failure="refused")]
    kept = report(planned, rows, now, BOTH, stored=json.dumps(planned["record"]), ended=False)["record"]
    assert kept["failures"] == {"mail": {}, "webhook": {}}
    # The others are claimed still.
    assert run({}, json.dumps(kept), "2026-11-26T10:15") == EACH_TIME
    after = plan({}, json.dumps(kept), at("2026-11-26T10:45"), ZONE, is_alive=lambda _process: False)
    assert after["interrupted"] == "2026-11-26T16:00:00Z"
    assert after["run"] == ["activity", "deadlines", "shelve_idle", "budget_guard", "hygiene"]
    ended = report(planned, rows, now, BOTH, stored=json.dumps(kept))["record"]
    assert (ended["claims"], ended["runs"]) == ({}, {})
