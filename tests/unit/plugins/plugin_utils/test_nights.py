# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts a night has, and what it says afterwards."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.jetstream.cloud.plugins.filter.night_plan import night_plan
from ansible_collections.jetstream.cloud.plugins.filter.night_report import night_report
from ansible_collections.jetstream.cloud.plugins.plugin_utils.nights import NightError, plan, report
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
def test_idle_instances_are_left_alone_where_no_owner_can_be_told(channel: str) -> None:
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


def test_a_run_that_did_not_end_is_told_once() -> None:
    first = plan({}, "", 1000.0)
    second = plan({}, json.dumps(first["record"]), 2000.0)
    assert second["interrupted"] == "1970-01-01T00:16:40Z"
    told = report(second, [], 2001.0)
    assert told["tell"]
    assert "The run that began at 1970-01-01T00:16:40Z did not end" in told["text"]
    assert plan({}, json.dumps(told["told"]), 3000.0)["interrupted"] == ""


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


def test_a_failure_that_goes_on_is_told_once_a_day_and_again_after_it_was_over() -> None:
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


def test_what_failed_or_could_not_be_sent_is_due_again() -> None:
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
