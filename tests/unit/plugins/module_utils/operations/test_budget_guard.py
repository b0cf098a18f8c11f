# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget guard on a simulated cloud: its notices, its plan, and the instances that it shelves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError, SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    budget_guard,
    decision_info,
    keep,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.budget_store import (
    BudgetBusy,
    BudgetStore,
    BudgetStoreError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context

# Of m1.tiny, m1.small and m1.quad in turn: 1, 2, 4 and 1 SU/h, half of it for the one that is shut off.
NAMES = ("small", "middle", "large", "off")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = fleet(
        names=NAMES,
        states={"active": 3, "shutoff": 1},
        clock=ManualClock(),
        settings=Settings(transition=5, deploy=20),
        compute_allowed=10000,
        compute_used=9100.0,
    )
    world.allocation_sources[0].end_date = world.now() + timedelta(days=30)
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def run(site: Site, *, check_mode: bool = False, **options: Any) -> Outcome:
    context = in_context(site, check_mode=check_mode)
    return on_cloud(budget_guard.budget_guard)(given(budget_guard.SPEC, **site.options, **options), context)


def allocation(site: Site, **options: Any) -> Mapping[str, Any]:
    [row] = run(site, **options).result["allocations"]
    found: Mapping[str, Any] = row
    return found


def states(site: Site) -> dict[str, str]:
    return {name: words.partition(" ")[0] for name, words in site.world.states().items()}


def shelved(row: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in row["plan"]["shelve"]]


def test_an_owner_who_owns_nothing_is_refused(site: Site) -> None:
    with pytest.raises(SelectionError, match=r"owner: jonhdoe owns nothing here\. Did you mean johndoe\?"):
        run(site, owner=["jonhdoe"])


def test_the_guard_reports_and_changes_nothing(site: Site) -> None:
    before = states(site)
    outcome = run(site)
    [row] = outcome.result["allocations"]
    assert not outcome.changed
    assert [each["threshold"] for each in row["news"]][:1] == ["used:90"]
    assert row["limit_reached"] is None
    # 7.5 SU an hour are 180 a day, and the rest of 900 SU lasts for less than a week of the month.
    assert row["plan"]["before"]["su_per_day"] == 180
    assert row["plan"]["after"]["lasts"]
    assert shelved(row) == ["off", "large", "middle"]
    assert row["plan"]["sentence"].startswith("To shelve: off, large, middle. From 180 SU a day, which lasts for ")
    assert states(site) == before


def test_the_guard_reads_each_list_once_and_sends_no_action(site: Site) -> None:
    site.requests()
    run(site)
    requested = dict(site.requests())
    assert requested.pop("v2 instances") == 1
    assert requested.pop("v1 instances") == 1
    assert requested.pop("v2 allocation sources") == 1
    assert requested.pop("v2 history") >= 1
    assert "action" not in requested


def test_without_channels_a_notice_is_not_repeated_once_it_is_stored(site: Site) -> None:
    first = run(site).result
    assert first["summary"]["news"]
    # It was not delivered: the next run tells it again.
    again = run(site).result
    assert again["summary"]["news"] == first["summary"]["news"]
    site.requests()
    assert run(site, told=again["told"], check_mode=True).changed
    assert run(site, told=again["told"]).changed
    assert not run(site, told=again["told"]).changed
    assert site.requests() == {}
    quiet = run(site).result
    assert (quiet["summary"]["news"], quiet["summary"]["note"], quiet["told"]) == (0, "", {})
    assert quiet["summary"]["sentence"] == "No new threshold."
    site.world.allocation_sources[0].compute_used = 9600.0
    assert allocation(site)["news"][0]["threshold"] == "used:95"
    # That holds for every channel.
    assert new_to(run(site, channels=BOTH)) == {"mail": ["used:95"], "webhook": ["used:95"]}


# --- what each channel is told

BOTH = ["mail", "webhook"]
HALF_AN_HOUR = 1800


def new_to(outcome: Outcome) -> dict[str, list[str]]:
    """Return the thresholds of use that are new to each channel."""
    [row] = outcome.result["allocations"]
    return {
        channel: [
            each["threshold"] for each in row["news"] if channel in each["channels"] and "used" in each["threshold"]
        ]
        for channel in BOTH
    }


def deliver(site: Site, outcome: Outcome, channel: str, *, delivered: bool = True, check_mode: bool = False) -> Outcome:
    announced = outcome.result["claimed"][channel]
    return run(site, told=announced, channel=channel, delivered=delivered, check_mode=check_mode)


NOTHING_NEW: dict[str, list[str]] = {"mail": [], "webhook": []}


def test_a_notice_that_one_channel_got_is_sent_to_the_other_alone(site: Site) -> None:
    first = run(site, channels=BOTH)
    assert new_to(first) == {"mail": ["used:90"], "webhook": ["used:90"]}
    assert first.result["summary"]["channels"]["mail"]["note"] == "2 budget thresholds"
    assert deliver(site, first, "mail").changed
    assert not deliver(site, first, "mail").changed
    assert deliver(site, first, "webhook", delivered=False, check_mode=True).changed
    assert deliver(site, first, "webhook", delivered=False).changed
    second = run(site, channels=BOTH)
    assert new_to(second) == {"mail": [], "webhook": ["used:90"]}
    assert second.result["summary"]["channels"]["mail"] == {
        "news": 0,
        "sentence": "No new threshold.",
        "note": "",
    }
    assert second.result["claimed"]["mail"] == {}
    deliver(site, second, "webhook")
    assert new_to(run(site, channels=BOTH)) == NOTHING_NEW


def test_a_run_does_not_send_a_notice_that_another_run_has_claimed(site: Site) -> None:
    assert new_to(run(site, channels=BOTH)) == {"mail": ["used:90"], "webhook": ["used:90"]}
    assert new_to(run(site, channels=BOTH)) == NOTHING_NEW
    assert new_to(run(site, channels=BOTH, check_mode=True)) == NOTHING_NEW
    # A threshold that is reached meanwhile is new all the same.
    site.world.allocation_sources[0].compute_used = 9600.0
    assert new_to(run(site, channels=BOTH)) == {"mail": ["used:95"], "webhook": ["used:95"]}


def test_a_notice_that_a_killed_run_has_claimed_is_sent_half_an_hour_later(site: Site) -> None:
    site.world.allocation_sources[0].compute_used = 7600.0
    run(site, channels=BOTH)
    site.clock.sleep(HALF_AN_HOUR - 60)
    assert new_to(run(site, channels=BOTH)) == NOTHING_NEW
    site.clock.sleep(60)
    late = run(site, channels=BOTH)
    assert new_to(late) == {"mail": ["used:75"], "webhook": ["used:75"]}
    deliver(site, late, "mail")
    deliver(site, late, "webhook")
    site.clock.sleep(HALF_AN_HOUR)
    assert new_to(run(site, channels=BOTH)) == NOTHING_NEW


def test_check_mode_claims_nothing(site: Site) -> None:
    assert new_to(run(site, channels=BOTH, check_mode=True))["mail"] == ["used:90"]
    assert new_to(run(site, channels=BOTH))["mail"] == ["used:90"]


def test_a_look_without_channels_takes_no_news_from_a_channel(site: Site) -> None:
    run(site)
    assert new_to(run(site, channels=BOTH))["mail"] == ["used:90"]


def test_a_run_beside_another_does_nothing(site: Site) -> None:
    first = run(site, channels=BOTH)
    store = BudgetStore(site.home / ".local/state/jetstream/budget_told.json", site.clock)
    site.requests()
    with store.held():
        beside = run(site, limit_percent=90, apply=True, channels=BOTH)
        assert (beside.result["busy"], beside.result["summary"]["news"], beside.changed) == (True, 0, False)
        assert "Another run uses the record of budget notices" in beside.warnings[0]
        assert site.requests() == {}
        # What was told must not be lost: that fails.
        with pytest.raises(BudgetBusy):
            deliver(site, first, "mail")
    assert states(site)["large"] == "active"


def test_a_notice_that_cannot_be_stored_is_sent_and_fails_the_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_store: BudgetStore, _memories: object) -> None:
        raise BudgetStoreError("What was told of allocations cannot be written to x: No space left on device.")

    monkeypatch.setattr(BudgetStore, "save", full)
    outcome = run(site, channels=BOTH)
    assert new_to(outcome)["mail"] == ["used:90"]
    assert outcome.failure is not None
    assert outcome.failure.endswith("No space left on device. The next run repeats the notices.")
    assert outcome.result["summary"]["unrecorded"]
    monkeypatch.undo()
    assert not run(site, channels=BOTH).result["summary"]["unrecorded"]


def test_the_lag_of_the_site_is_bridged(site: Site) -> None:
    before = allocation(site)
    site.clock.sleep(24 * 3600)
    after = allocation(site)
    assert after["used"] == before["used"]
    assert after["used_since"] == pytest.approx(before["used_since"] + 180)
    assert after["estimated_percent_used"] > before["estimated_percent_used"]


def test_at_a_limit_the_guard_shelves_only_if_shelving_is_enabled(site: Site) -> None:
    row = allocation(site, limit_percent=90)
    assert row["limit_reached"].startswith("91")
    assert states(site)["large"] == "active"
    assert run(site, limit_percent=90, apply=True, check_mode=True).changed
    assert states(site)["large"] == "active"
    outcome = run(site, limit_percent=90, apply=True)
    assert outcome.changed
    assert outcome.failure is None
    assert outcome.result["summary"]["shelved"] == 3
    assert states(site) == {
        "small": "active",
        "middle": "shelved_offloaded",
        "large": "shelved_offloaded",
        "off": "shelved_offloaded",
    }
    site.requests()
    assert not run(site, limit_percent=90, apply=True).changed
    assert "action" not in site.requests()


def test_one_that_is_still_being_shelved_saves_its_cost_and_no_other_is_shelved_for_it(site: Site) -> None:
    site.world.misbehave("large", slowness=1000)
    first = run(site, limit_percent=90, apply=True, wait_timeout=60)
    assert first.failure is not None
    assert site.world.states()["large"].startswith("active")
    site.requests()
    second = allocation(site, limit_percent=90, apply=True)
    # What is left, small, costs 1 SU an hour, and the one on its way nothing more.
    assert second["plan"]["before"]["su_per_day"] == 24
    assert shelved(second) == []
    assert "action" not in site.requests()
    [row] = [each for each in second["plan"]["left"] if each["name"] == "large"]
    assert (row["su_per_hour"], row["reason"]) == (0, "the cloud is changing it (shelving)")


def test_a_shelving_that_hangs_saves_nothing_and_is_said(site: Site) -> None:
    site.world.misbehave("large", slowness=10_000)
    run(site, limit_percent=90, apply=True, wait_timeout=60)
    first = run(site, limit_percent=90)
    assert first.warnings == ()
    seen = iso(site.clock.now())
    site.clock.sleep(3 * 3600)
    site.requests()
    outcome = run(site, limit_percent=90)
    [plan] = [each["plan"] for each in outcome.result["allocations"]]
    sentence = f"has been shelving since {seen} at the latest, and may hang: ask the site's support"
    [row] = [each for each in plan["left"] if each["name"] == "large"]
    # It costs what it did before, so that others are shelved in its place.
    assert (row["su_per_hour"], row["reason"]) == (4, f"it {sentence}")
    assert [each for each in outcome.warnings if "large" in each and sentence in each]
    assert plan["before"]["su_per_day"] == 24 + 96
    assert [each["name"] for each in plan["shelve"]] == ["small"]


def logged_sentences(site: Site, name: str) -> list[str]:
    """Return the output of ``why`` about an instance."""
    found = decision_info.decision_info(given(decision_info.SPEC, name=[name]), in_context(site)).result
    return [each["sentence"] for each in found["decisions"]]


def test_every_act_has_a_decision_in_the_log_with_its_figures(site: Site) -> None:
    run(site, limit_percent=90, never=["small"], apply=True)
    decision, begun, done = logged_sentences(site, "large")
    figures = (
        f"he budget guard of {site.world.allocation_sources[0].name}: 91.0 % is used, and the limit is 90 %; "
        "from 180 SU a day, which lasts for 5.0 days, to 24 SU a day, which lasts for 37.5 days and so to the end"
    )
    assert decision == f"T{figures}. large was active, and cost 4 SU an hour. It is to be shelved."
    assert begun == f"The action shelve on large began: t{figures}."
    assert done == "large was shelved: shelve done. That saves 4 SU an hour."
    [stays] = logged_sentences(site, "small")
    assert (
        stays == f"T{figures}. small was active, and cost 1 SU an hour. Nothing was done: its name matches never: "
        "small."
    )
    of_large = decision_info.decision_info(given(decision_info.SPEC, name=["large"]), in_context(site)).result
    assert {each["policy"] for each in of_large["decisions"]} == {"budget"}
    assert of_large["decisions"][0]["numbers"] == {
        "percent_used": 91.0,
        "remaining": 900.0,
        "days_left": 5.0,
        "days_to_end": 30.0,
        "su_per_day_before": 180.0,
        "su_per_day_after": 24.0,
    }
    # It was not idle: that is counted apart.
    assert of_large["summary"]["saved_su"] == 0
    assert of_large["rests"] == []


def test_a_plan_that_was_only_reported_is_one_entry_however_often(site: Site) -> None:
    run(site, limit_percent=90)
    site.clock.sleep(60)
    run(site, limit_percent=90)
    run(site, limit_percent=90, check_mode=True)
    [entry] = logged_sentences(site, "large")
    assert entry.endswith("It would be shelved. Nothing was done, since apply is not true.")
    [stays] = logged_sentences(site, "small")
    assert stays.endswith("Nothing was done: the allocation lasts without that.")


def test_an_act_that_fails_is_logged_with_the_reason(site: Site) -> None:
    site.world.misbehave(3, refuses="shelve")
    run(site, limit_percent=90, apply=True, wait_timeout=60)
    assert logged_sentences(site, "large")[-1].startswith("The action shelve on large failed: ")


def test_a_shelving_that_cannot_be_logged_is_reported_and_not_done(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = run(site, limit_percent=90, apply=True, decisions_path=str(tmp_path / "file" / "decisions"))
    assert outcome.failure is not None
    assert outcome.failure.endswith("No instance was shelved.")
    assert outcome.result["summary"]["news"] > 0
    assert set(states(site).values()) == {"active", "shutoff"}


def test_below_its_limit_nothing_is_logged(site: Site) -> None:
    run(site)
    run(site, limit_percent=95, apply=True)
    assert logged_sentences(site, "large") == []


def test_below_its_limit_it_shelves_nothing(site: Site) -> None:
    assert not run(site, limit_percent=95, apply=True).changed
    assert states(site)["large"] == "active"


def test_an_instance_that_is_kept_or_excluded_is_not_shelved(site: Site) -> None:
    marked = {**site.options, "name": ["large"], "hours": 8}
    on_cloud(keep.keep)(given(keep.SPEC, **marked), in_context(site))
    row = allocation(site, limit_percent=90, shelve="all", never=["mid*"], apply=True)
    assert shelved(row) == ["off", "small"]
    left = {each["name"]: each["reason"] for each in row["plan"]["left"]}
    assert left["large"].startswith("it is kept until")
    assert left["middle"] == "its name matches never: mid*"
    assert (states(site)["large"], states(site)["middle"]) == ("active", "active")


def test_an_instance_that_cannot_be_shelved_fails_alone(site: Site) -> None:
    site.world.misbehave(3, refuses="shelve")
    outcome = run(site, limit_percent=90, apply=True, wait_timeout=60)
    assert outcome.failure is not None
    assert "large" in outcome.failure
    assert states(site)["middle"] == "shelved_offloaded"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"apply": True}, "apply: true requires a limit"),
        ({"limit_percent": 0}, "must be greater than 0"),
        ({"limit_days": -1}, "must be between 0 and 3660"),
        ({"told": {"a": "used:50"}}, "the value that an earlier run returned"),
        ({"limit_days": 1, "wait_timeout": 0}, "wait_timeout must be more than 0"),
        ({"channel": "mail"}, "channel requires told"),
    ],
)
def test_options_that_mean_nothing_are_refused(site: Site, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run(site, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ["TG-NOBODY"]}, "name: TG-NOBODY does not exist"),
        ({"never": ["smal"]}, "never: smal does not exist. Did you mean small"),
    ],
)
def test_a_name_that_nothing_has_is_refused(site: Site, options: dict[str, Any], message: str) -> None:
    """Every night, nothing would be guarded, or what is never to be shelved would be."""
    with pytest.raises(SelectionError, match=message):
        run(site, limit_percent=1, shelve="all", apply=True, **options)
    assert sorted(states(site).values()) == ["active", "active", "active", "shutoff"]
