# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""jetstream_instance_state as a task: checked, run and run again, with results for each instance and a diff."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ServerFault
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.rates import Rates
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, World, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import run_module


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def a_world(**more: Any) -> World:
    return fleet(clock=ManualClock(), settings=Settings(transition=5, deploy=20), **more)


@pytest.fixture
def site(home: Path) -> Iterator[Site]:
    states = {"active": 2, "shutoff": 1, "suspended": 1, "shelved_offloaded": 1, "deploying": 1, "error": 1}
    names = ("web", "db", "batch", "gpu", "old", "new", "bad")
    with a_site(a_world(names=names, states=states), home) as served:
        served.world.cloud.finish_deploying(served.world.vm("new"), 10, served.world.now())
        served.warm()
        yield served


def task(site: Site, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    said = {**site.options, "all": True, "exclude": "bad", **options}
    return run_module("jetstream_instance_state", said, clock=site.clock, home=site.home, check_mode=check_mode)


def changes_by_name(result: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """Return, by name, the state before and after and the actions of the result."""
    return {each["name"]: (each["before"], " ".join(each["actions"]), each["after"]) for each in result["instances"]}


# The results of web, db, batch, gpu, old and new: the state in the end, and the actions.
ENDS = {
    "started": ["active", "active", "active start", "active resume", "active unshelve", "active"],
    "stopped": [
        "shutoff stop",
        "shutoff stop",
        "shutoff",
        "shutoff resume stop",
        "shutoff unshelve stop",
        "shutoff stop",
    ],
    "suspended": [
        "suspended suspend",
        "suspended suspend",
        "suspended start suspend",
        "suspended",
        "suspended unshelve suspend",
        "suspended suspend",
    ],
    "shelved": ["shelved_offloaded shelve"] * 4 + ["shelved_offloaded", "shelved_offloaded shelve"],
}


@pytest.mark.parametrize("state", ENDS)
def test_a_run_does_what_check_mode_said_and_a_second_run_nothing(site: Site, state: str) -> None:
    ahead = task(site, state=state, allow_wake=True, check_mode=True)
    assert "action" not in site.requests()
    done = task(site, state=state, allow_wake=True)
    ends = [f"{each['after']} {' '.join(each['actions'])}".strip() for each in done["instances"]]
    assert ends == ENDS[state]
    assert not done.get("failed")
    assert done["changed"] is True
    foreseen, happened = changes_by_name(ahead), changes_by_name(done)
    assert {name: each[:2] for name, each in foreseen.items()} == {name: each[:2] for name, each in happened.items()}
    assert ahead["summary"] == done["summary"]
    assert {name: site.world.look(name).words for name in happened} == {
        name: each[2] for name, each in happened.items()
    }

    site.server.advance(60)
    site.requests()
    again = task(site, state=state, allow_wake=True)
    assert again["changed"] is False
    assert again["diff"] == {"before": "", "after": ""}
    assert "action" not in site.requests()
    assert again["summary"] == {"selected": 6, "changed": 0, "unchanged": 6, "skipped": 0, "failed": 0, "others": 0}


def test_without_being_allowed_to_it_wakes_none(site: Site) -> None:
    result = task(site, state="stopped")
    assert changes_by_name(result)["gpu"] == ("suspended", "", "suspended")
    assert changes_by_name(result)["old"] == ("shelved_offloaded", "", "shelved_offloaded")
    assert result["summary"] == {"selected": 6, "changed": 3, "unchanged": 1, "skipped": 2, "failed": 0, "others": 0}
    [gpu] = [each for each in result["instances"] if each["name"] == "gpu"]
    assert gpu["skipped"] is True
    assert gpu["msg"] == "skipped: suspended (stopping it would start it first; allow_wake)"


def test_an_instance_in_transition_is_waited_for_although_the_cloud_would_refuse_any_action(site: Site) -> None:
    """Atmosphere does not show that an instance was locked in OpenStack, nor does that matter here."""
    with site.cloud() as other:
        [web] = [each for each in other.list_instances(live=True) if each.name == "web"]
        other.act(web, Action.STOP)
    site.world.misbehave("web", refuses="Instance is locked")
    site.requests()
    result = task(site, state="stopped", name="web", all=False, exclude=None)
    assert (changes_by_name(result)["web"], result["instances"][0]["msg"]) == (
        ("active - powering-off", "", "shutoff"),
        "reached shutoff on its own",
    )
    assert "action" not in site.requests()


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_reboot_is_done_every_time(site: Site, kind: str) -> None:
    for _round in range(2):
        result = task(site, state="rebooted", reboot_type=kind, name=["web", "db"], all=False, exclude=[])
        action = "hard reboot" if kind == "hard" else "reboot"
        assert changes_by_name(result) == dict.fromkeys(("web", "db"), ("active", action, "active"))
        assert result["changed"] is True


def test_the_diff_has_the_savings(site: Site) -> None:
    result = task(site, state="stopped", name=["web", "db"], all=False, exclude=[])
    assert result["diff"] == {
        "before": "web (1): active, 1 SU/h\ndb (2): active, 2 SU/h\nthese 2 instances: 3 SU/h\n",
        "after": "web (1): shutoff, 0.5 SU/h\ndb (2): shutoff, 1 SU/h\nthese 2 instances: 1.5 SU/h\n",
    }
    checked = task(site, state="shelved", name=["web"], all=False, exclude=[], check_mode=True)
    assert checked["diff"] == {
        "before": "web (1): shutoff, 0.5 SU/h\nthis instance: 0.5 SU/h\n",
        "after": "web (1): shelved, 0 SU/h\nthis instance: 0 SU/h\n",
    }


def test_each_is_reported_with_how_long_it_took(site: Site) -> None:
    site.world.misbehave("db", slowness=4)
    result = task(site, state="stopped")
    items = {each["name"]: each for each in result["instances"]}
    assert items["batch"]["elapsed"] == 0
    assert 5 <= items["web"]["elapsed"] <= 8
    assert 20 <= items["db"]["elapsed"] <= 27
    assert items["web"]["id"] == 1
    assert items["web"]["uuid"] == site.world.instance("web").uuid
    assert items["web"]["msg"] == "stop done"


def test_an_instance_in_error_is_skipped_every_evening_with_a_warning(site: Site) -> None:
    result = task(site, state="stopped", exclude=[])
    assert not result.get("failed")
    why = "in error: No valid host was found. There are not enough hosts available"
    assert result["warnings"] == [f"bad (7): skipped: {why}."]
    assert result["summary"] == {"selected": 7, "changed": 3, "unchanged": 1, "skipped": 3, "failed": 0, "others": 0}
    bad = next(each for each in result["instances"] if each["name"] == "bad")
    assert (bad["skipped"], bad["actions"], bad["msg"]) == (True, [], f"skipped: {why}")


def test_an_instance_in_error_fails_if_it_is_to_run(site: Site) -> None:
    result = task(site, all=False, exclude=[], state="started", name="bad")
    assert result["failed"] is True
    assert result["msg"].startswith("bad (7): in error: No valid host was found. There are not enough hosts available")
    assert "Atmosphere reboots only active instances" in result["msg"]


def test_of_many_warnings_three_are_shown(home: Path) -> None:
    with a_site(a_world(states={"error": 5, "active": 1}), home) as site:
        site.warm()
        warnings = task(site, state="stopped", exclude=[])["warnings"]
    assert [each.split(":")[0] for each in warnings] == [
        "node-0001 (1)",
        "node-0002 (2)",
        "node-0003 (3)",
        "And 2 more similar warnings.",
    ]


def test_of_many_that_fail_three_are_named(home: Path) -> None:
    with a_site(a_world(states={"error": 5, "active": 1}), home) as site:
        site.warm()
        message = task(site, state="started", exclude=[])["msg"]
    assert message.startswith("5 of 6 instances failed: node-0001 (1): in error: ")
    assert message.endswith("; and 2 more.")
    assert message.count("in error") == 3


def test_the_limit_of_changes_is_kept_before_anything_is_done(site: Site) -> None:
    result = task(site, state="stopped", max_changes=2)
    assert result["failed"] is True
    assert result["changed"] is False
    assert result["msg"] == "3 instances would be changed, but max_changes is 2. No instance was changed."
    assert len(result["instances"]) == 6
    changes_by_name = "not changed: 3 instances would be changed, but max_changes is 2"
    assert {each["name"] for each in result["instances"] if each["failed"]} == {
        each["name"] for each in result["instances"] if each["msg"] == changes_by_name
    }
    assert result["summary"] == {"selected": 6, "changed": 0, "unchanged": 1, "skipped": 2, "failed": 3, "others": 0}
    assert site.requests() == {"v2 instances": 1, "v1 instances": 1}
    assert task(site, state="stopped", max_changes=3)["summary"]["changed"] == 3


def test_a_floating_address_that_the_list_still_has_is_not_made_up(site: Site) -> None:
    """After a stop the address is gone; a start gives another one."""
    before = site.world.vm("web").address
    task(site, state="stopped", name="web", all=False, exclude=[])
    task(site, state="started", name="web", all=False, exclude=[])
    info = run_module("jetstream_instance_info", {**site.options, "name": "web"}, clock=site.clock, home=site.home)
    [web] = info["instances"]
    assert web["ip_address"] == site.world.vm("web").address
    assert web["ip_address"] not in (None, before)


def test_a_mistake_in_the_diff_does_not_take_the_results_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any) -> None:
        raise TypeError("unsupported operand")

    monkeypatch.setattr(Rates, "su_per_hour", broken)
    result = task(site, state="stopped")
    assert result["summary"]["changed"] == 3
    assert result["changed"] is True
    assert len(result["instances"]) == 6
    [warning] = [each for each in result["warnings"] if "bug" in each]
    assert "TypeError: unsupported operand" in warning


def test_a_bug_before_anything_was_done_says_that_it_is_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AtmosphereCloud, "list_instances", lambda *_arguments, **_more: 1 / 0)
    result = task(site, state="stopped")
    assert result["failed"] is True
    assert "jetstream.cloud has a bug: ZeroDivisionError: division by zero" in result["msg"]
    assert "Please report it" in result["msg"]


def awake(site: Site) -> set[str]:
    return {name for name, words in site.world.states().items() if words.startswith("active")}


def test_only_what_a_stop_put_to_sleep_is_started(site: Site) -> None:
    before = awake(site)
    task(site, state="shelved")
    assert awake(site) == set()
    result = task(site, state="started", only_put_to_sleep=True)
    assert result["summary"]["selected"] == 3
    assert awake(site) == before == {"web", "db", "new"}
    again = task(site, state="started", only_put_to_sleep=True)
    assert (again["changed"], again["summary"]["selected"]) == (False, 0)


def test_an_instance_that_was_started_meanwhile_is_not_started_again(site: Site) -> None:
    task(site, state="stopped")
    task(site, state="started", name=["web"], all=False)
    site.world.force("web", "shelved_offloaded")
    task(site, state="started", only_put_to_sleep=True)
    assert awake(site) == {"db", "new"}


def by_hand(site: Site, name: str, state: str) -> None:
    """Bring an instance to a state as its owner does in the web interface, which records that."""
    site.clock.sleep(3600)
    site.world.force(name, state)
    run_module("jetstream_instance_info", site.options, clock=site.clock, home=site.home)


def test_an_instance_that_its_owner_woke_and_put_to_sleep_since_is_left(site: Site) -> None:
    task(site, state="shelved")
    by_hand(site, "web", "active")
    by_hand(site, "web", "shelved_offloaded")
    ahead = task(site, state="started", only_put_to_sleep=True, check_mode=True)
    assert {each["name"] for each in ahead["instances"]} == {"db", "new"}
    task(site, state="started", only_put_to_sleep=True)
    assert awake(site) == {"db", "new"}
    # That is not found out again and again.
    assert "web" not in (site.home / ".local/state/jetstream/put_to_sleep.json").read_text()


def test_an_instance_that_its_owner_only_woke_is_put_to_sleep_anew_and_woken(site: Site) -> None:
    task(site, state="shelved")
    by_hand(site, "web", "active")
    site.clock.sleep(3600)
    task(site, state="shelved")
    task(site, state="started", only_put_to_sleep=True)
    assert awake(site) == {"web", "db", "new"}


def test_a_record_of_days_alone_is_read(site: Site, home: Path) -> None:
    path = home / ".local/state/jetstream/put_to_sleep.json"
    path.parent.mkdir(parents=True)
    [old] = [each for each in site.world.instances if each.name == "old"]
    day = f"{site.clock.now() - timedelta(days=3):%Y-%m-%d}"
    path.write_text(json.dumps({"format": 1, "put_to_sleep": {old.uuid: day}}))
    task(site, state="started", only_put_to_sleep=True)
    assert "old" in awake(site)


def test_without_a_history_nothing_is_started(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    task(site, state="shelved")

    def broken(*_arguments: Any, **_more: Any) -> Any:
        raise ServerFault("Listing the history failed.")

    monkeypatch.setattr(AtmosphereCloud, "list_history", broken)
    assert "Listing the history failed." in task(site, state="started", only_put_to_sleep=True)["msg"]
    assert awake(site) == set()


def test_an_instance_that_a_stop_could_not_put_to_sleep_is_not_remembered(site: Site) -> None:
    site.world.misbehave("web", refuses="stop")
    assert task(site, state="stopped", wait_timeout=60)["failed"]
    site.world.misbehave("web")
    task(site, state="started", only_put_to_sleep=True)
    assert {"db", "new"} <= awake(site)


def test_a_file_that_cannot_be_understood_starts_nothing_and_stops_no_stop(site: Site, home: Path) -> None:
    path = home / ".local/state/jetstream/put_to_sleep.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    assert "is corrupt" in task(site, state="started", only_put_to_sleep=True)["msg"]
    stopped = task(site, state="stopped", name=["web"], all=False)
    assert stopped["changed"]
    assert any("is corrupt" in each for each in stopped["warnings"])
    assert path.read_text() == "{}"


def test_the_option_needs_the_state_started(site: Site) -> None:
    assert "only_put_to_sleep requires state: started" in task(site, state="stopped", only_put_to_sleep=True)["msg"]
