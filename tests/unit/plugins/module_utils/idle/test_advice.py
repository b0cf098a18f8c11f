# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The advice about an instance has its verdict, each reason not to act, and the costs; a summary adds up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.advice import (
    JudgedInstance,
    advice,
    not_running,
    summary,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.keeps import mark_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import Finding, Settings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import State, Verdict
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Flavor, Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.rates import DEFAULT_RATES, Rates
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

NOW = datetime(2026, 11, 23, 18, 57, tzinfo=UTC)
SIX_HOURS_AGO = NOW.timestamp() - 6 * 3600
IDLE = Verdict(State.IDLE, SIX_HOURS_AGO, "", "nothing happened for 360 min", newest=NOW.timestamp() - 60)
ACTIVE = Verdict(State.ACTIVE, NOW.timestamp() - 60, "keys", "a key was pressed in a terminal")
UNKNOWN = Verdict(State.UNKNOWN, None, "readings", "no reading was taken yet")
MINUTE = 60.0
KEPT = "it is kept until 2026-11-24T00:00:00Z, by the file of keep marks"
UNREAD = replace(an_instance(live=False), read_error="a provider is down")
YOUNG = replace(an_instance(), start_date="2026-11-23T17:58:00Z")


def advised(instance: Instance | None = None, verdict: Verdict = IDLE, **changes: Any) -> dict[str, Any]:
    """Return the advice on an idle instance that would be shelved, but for these changes."""
    facts: dict[str, Any] = {"keep": None, "booted": None, "is_meant": True, "unsupported": None, **changes}
    found = instance or an_instance()
    return advice(JudgedInstance(instance=found, verdict=verdict, **facts), Settings(), DEFAULT_RATES, NOW)


def vetoes(instance: Instance | None = None, verdict: Verdict = IDLE, **changes: Any) -> dict[str, str]:
    return {each["veto"]: each["reason"] for each in advised(instance, verdict, **changes)["vetoes"]}


def test_an_idle_instance_would_be_shelved() -> None:
    found = advised()
    assert (found["would"], found["vetoes"]) == ("shelve", [])
    assert (found["verdict"], found["since"], found["idle_hours"]) == ("idle", "2026-11-23T12:57:00Z", 6)
    # Two cores of m1.small: 2 SU/h, 12 in six hours, 48 a day.
    assert (found["su_per_hour"], found["su_since_idle"], found["saves_su_per_day"]) == (2, 12, 48)


@pytest.mark.parametrize(
    ("veto", "reason", "changes"),
    [
        ("not_mine", "it belongs to janeroe", {"instance": an_instance(owner="janeroe"), "is_meant": False}),
        ("state_unknown", "a provider is down", {"instance": UNREAD}),
        ("state_unknown", "its state was not read from the cloud itself", {"instance": an_instance(live=False)}),
        ("busy", "the cloud is changing it (powering-off)", {"instance": an_instance(activity="powering-off")}),
        ("not_running", "it is shutoff", {"instance": an_instance(status="shutoff")}),
        ("not_running", "it is error", {"instance": an_instance(status="error")}),
        ("not_running", "it is rescue", {"instance": an_instance(status="rescue")}),
        ("locked", "it is locked: exam", {"instance": an_instance(locked=True, lock_reason="exam")}),
        ("locked", "it is locked", {"instance": an_instance(locked=True)}),
        ("unsupported", "no room", {"unsupported": "no room"}),
        ("scheduled", "its schedule lab wants it", {"scheduled": "its schedule lab wants it"}),
        ("kept", KEPT, {"keep": mark_of("2026-11-24T00:00", "file")}),
        ("kept", KEPT, {"keep": mark_of("2026-11-24T00:00", "file", "2026-11-23T18:57:00")}),
        ("kept", KEPT, {"keep": mark_of("2026-11-24T00:00", "file", "soon")}),
        ("kept", "its metadata has an invalid keep mark: soon", {"keep": mark_of("soon", "metadata")}),
        ("young", "it was launched 59 min ago, and the window is 60 min", {"instance": YOUNG}),
        ("booted", "it was started 0 min ago", {"booted": NOW.timestamp()}),
        ("booted", "it was started 30 min ago", {"booted": NOW.timestamp() - 29.9 * MINUTE}),
        ("active", "a key was pressed in a terminal", {"verdict": ACTIVE}),
        ("unknown", "no reading was taken yet", {"verdict": UNKNOWN}),
    ],
)  # fmt: skip
def test_each_reason_not_to_act_is_reported(veto: str, reason: str, changes: dict[str, Any]) -> None:
    assert advised(**changes)["would"] == "nothing"
    assert vetoes(**changes) == {veto: reason}


@pytest.mark.parametrize(
    "changes",
    [
        {"keep": mark_of("2026-11-23T18:56:59", "file")},
        {"keep": mark_of("2026-11-24T00:00", "file", "2026-11-23T18:57:01")},
        {"instance": replace(an_instance(), start_date="2026-11-23T17:57:00Z")},
        {"instance": replace(an_instance(), start_date="of old")},
        {"instance": an_instance(activity="deploy_error")},
        {"booted": NOW.timestamp() - 30 * MINUTE},
    ],
    ids=[
        "a mark that has ended",
        "a mark that has not begun",
        "launched before the window",
        "launched at no time",
        "deploy_error",
        "long up",
    ],
)
def test_a_reason_that_has_ended_is_none(changes: dict[str, Any]) -> None:
    assert vetoes(**changes) == {}


@pytest.mark.parametrize(
    ("status", "activity", "told_state"),
    [
        ("shutoff", "", "shutoff"),
        ("active", "powering-off", "active, powering-off"),
        ("error", "", "error"),
        ("build", "networking", "build, networking"),
        ("odd", "", "odd"),
    ],
)
def test_nothing_is_concluded_from_old_readings_of_an_instance_that_does_not_run(
    status: str, activity: str, told_state: str
) -> None:
    instance = an_instance(status=status, activity=activity)
    verdict = not_running(instance)
    assert verdict == Verdict(State.UNKNOWN, None, "not_running", f"it is not running ({told_state})")
    # Its state is the reason, and no readings are missed.
    assert list(vetoes(instance, verdict)) == ["busy" if activity else "not_running"]
    assert not_running(an_instance()) is None


def test_an_advice_has_the_instance_its_verdict_and_the_evidence() -> None:
    finding = Finding("cores", NOW.timestamp() - 60, "0.5 cores were busy", 0.5)
    verdict = Verdict(
        State.ACTIVE,
        finding.at,
        "cores",
        finding.text,
        findings=(finding,),
        doubts=("a counter went back",),
        numbers={"cores": 0.5},
        losses=("1 container",),
        readings=4,
        newest=NOW.timestamp() - 30,
    )
    instance = an_instance(status="active", activity="image_snapshot")
    assert advised(instance, verdict, keep=mark_of("2026-11-24T00:00", "file")) == {
        "id": 1,
        "uuid": instance.uuid,
        "name": "web",
        "owner": "johndoe",
        "status": "active",
        "activity": "image_snapshot",
        "flavor": "m1.small",
        "verdict": "active",
        "since": "2026-11-23T18:56:00Z",
        "since_is_known": None,
        "idle_hours": None,
        "rule": "cores",
        "reason": "0.5 cores were busy",
        "caveat": "",
        "evidence": {
            "numbers": {"cores": 0.5},
            "findings": [
                {"rule": "cores", "at": "2026-11-23T18:56:00Z", "text": "0.5 cores were busy", "value": 0.5},
            ],
            "doubts": ["a counter went back"],
            "losses": ["1 container"],
            "readings": 4,
            "newest": "2026-11-23T18:56:30Z",
        },
        "failed_try": None,
        "keep": {
            "from": None,
            "until": "2026-11-24T00:00:00Z",
            "source": "file",
            "text": "2026-11-24T00:00",
            "holds": True,
        },
        "su_per_hour": 2,
        "su_since_idle": None,
        "saves_su_per_day": 48,
        "would": "nothing",
        "vetoes": [
            {"veto": "busy", "reason": "the cloud is changing it (image_snapshot)"},
            {"veto": "kept", "reason": KEPT},
            {"veto": "active", "reason": "0.5 cores were busy"},
        ],
        "kept_because": ["the cloud is changing it (image_snapshot)", KEPT],
    }


def test_a_lower_bound_is_reported_as_one() -> None:
    bound = replace(IDLE, since_is_known=False)
    assert [advised(verdict=each)["since_is_known"] for each in (IDLE, bound, UNKNOWN)] == [True, False, None]
    assert summary([advised(verdict=bound)])["sentence"].startswith(
        "1 instance has been idle for at least 6.0 hours, and cost at least 12 SU since: web."
    )
    assert "for at least 6.0 hours" in summary([advised(), advised(verdict=bound)])["sentence"]


@pytest.mark.parametrize(
    ("since", "hours", "su"), [(0.0, 0, 0), (-60.0, 0, 0), (3 * 3600 + 200, 3.1, 3055.6), (3600.0, 1, 1000)]
)
def test_idle_hours_are_those_until_now(since: float, hours: float, su: float) -> None:
    rates = Rates.from_options({"flavors": {"m1.small": 1000}})
    verdict = replace(IDLE, since=NOW.timestamp() - since)
    judged = JudgedInstance(an_instance(), verdict, None, None, is_meant=True, unsupported=None)
    found = advice(judged, Settings(), rates, NOW)
    assert (found["idle_hours"], found["su_since_idle"]) == (hours, su)


def test_an_instance_costs_the_rate_of_its_state() -> None:
    assert advised(an_instance(status="shutoff"))["su_per_hour"] == 1


def test_a_summary_has_the_counts_and_the_sums_of_idle_instances() -> None:
    rows = [
        advised(),
        advised(an_instance(flavor=Flavor("x9.huge", vcpus=8))),
        advised(verdict=ACTIVE),
        advised(verdict=UNKNOWN),
    ]
    found = summary([*rows, advised(an_instance(locked=True))])
    assert {name: value for name, value in found.items() if name != "sentence"} == {
        "selected": 5,
        "active": 1,
        "idle": 3,
        "unknown": 1,
        "idle_su_per_hour": 4,
        "su_since_idle": 24,
        # The locked one is left as it is.
        "saves_su_per_day": 48,
        "unknown_costs": 1,
    }


def test_sums_have_three_decimals() -> None:
    rates = Rates.from_options({"flavors": {"m1.small": "0.1", "m3.small": "0.2"}})
    rows = [
        advice(
            JudgedInstance(an_instance(flavor=Flavor(name, 1)), IDLE, None, None, is_meant=True, unsupported=None),
            Settings(),
            rates,
            NOW,
        )
        for name in ("m1.small", "m3.small")
    ]
    assert summary(rows)["idle_su_per_hour"] == 0.3


def test_a_schedule_does_not_matter_where_the_instance_does_not_run() -> None:
    instance = an_instance(status="shutoff")
    assert list(vetoes(instance, not_running(instance) or IDLE, scheduled="its schedule wants it")) == ["not_running"]


def test_an_unknown_rate_is_no_zero() -> None:
    found = advised(an_instance(flavor=Flavor("x9.huge", vcpus=8)))
    assert (found["su_per_hour"], found["su_since_idle"], found["saves_su_per_day"]) == (None, None, None)
    sums = summary([found, advised()])
    assert (sums["su_since_idle"], sums["unknown_costs"], sums["saves_su_per_day"]) == (12, 1, 48)
    assert "cost 12 SU since, without 1 of unknown cost: web, web" in sums["sentence"]


def test_the_sentence_names_the_instances_their_hours_and_costs() -> None:
    longer, longest = (replace(IDLE, since=SIX_HOURS_AGO - 3600 * hours) for hours in (1, 2))
    rows = [advised(an_instance("web"), longer), advised(an_instance("gpu")), advised(an_instance("old"), longest)]
    assert summary([*rows, advised(an_instance("db"), ACTIVE)])["sentence"] == (
        "3 instances have been idle for 6.0 to 8.0 hours, and cost 42 SU since: web, gpu, old. "
        "Shelving would save 144 SU a day."
    )
    many = [advised(an_instance(f"n{number}")) for number in range(7)]
    assert "n3, n4 and 2 more." in summary(many)["sentence"]
    assert ": n0, n1, n2, n3, n4. " in summary(many[:5])["sentence"]
    locked = advised(an_instance(locked=True))
    assert summary([locked])["sentence"] == "1 instance has been idle for 6.0 hours, and cost 12 SU since: web."
    both = summary([locked, locked])["sentence"]
    assert both == "2 instances have been idle for 6.0 hours, and cost 24 SU since: web, web."
    assert summary([])["sentence"] == "No instance is known to be idle."


def test_an_instance_that_does_not_run_is_not_reported_as_idle() -> None:
    asleep = [{**advised(an_instance(name), ACTIVE), "would": "shelve", "saves_su_per_day": 24} for name in ("a", "b")]
    assert summary([advised(an_instance()), *asleep])["sentence"].endswith(
        "cost 12 SU since: web. Shelving would save 48 SU a day. "
        "Shelving the 2 that do not run would save 48 more SU a day."
    )
    assert summary(asleep[:1])["sentence"] == (
        "No instance is known to be idle. Shelving the one that does not run would save 24 SU a day."
    )


def test_rates_of_a_user_count() -> None:
    rates = Rates.from_options({"families": {"m1": 3}, "states": {"shelved": 0.5}})
    judged = JudgedInstance(an_instance(), IDLE, None, None, is_meant=True, unsupported=None)
    found = advice(judged, Settings(), rates, NOW)
    assert (found["su_per_hour"], found["saves_su_per_day"]) == (6, 72)
    assert rates.families["m1"] == Decimal(3)
