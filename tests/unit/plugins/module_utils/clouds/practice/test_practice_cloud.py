# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file acts as a cloud: it accepts the same actions, which take their time, and shows use as a cloud does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.practice.client import PracticeCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.practice.fleet_file import FleetFile
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    Conflict,
    NotFound,
    Refused,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.console import judge_by_console
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import Settings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import State
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock

HOUR = 3600.0


def row(name: str, **more: Any) -> dict[str, Any]:
    """Return an instance of the file: active for two days, and idle for 6.5 hours."""
    usual = {"flavor": "m3.quad", "vcpus": 4, "status": "active", "address": "149.165.150.11", "age_hours": 48}
    return {"name": name, **usual, "idle_hours": 6.5, **more}


class Fleet:
    """A practice fleet with a clock, and many clouds on it, as many processes have."""

    def __init__(self, path: Path, *rows: dict[str, Any], like: str = "jetstream2") -> None:
        self.path = path
        self.clock = FakeClock()
        allocation = {"name": "BIO101", "allowed": 1000, "used": 400, "days": 10}
        content = {"like": like, "user": "ada", "project": "bio", "allocation": allocation, "instances": rows}
        path.write_text(json.dumps(content))

    @property
    def cloud(self) -> PracticeCloud:
        return PracticeCloud(FleetFile(self.path, self.clock), self.clock)

    def seen(self, name: str = "web") -> Instance:
        [found] = [each for each in self.cloud.list_instances(live=True) if each.name == name]
        return found

    def act(self, *actions: Action) -> Instance:
        for action in actions:
            self.cloud.act(self.seen(), action)
            self.clock.advance(3)
        return self.seen()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.json"


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        ((Action.STOP,), "shutoff"),
        ((Action.STOP, Action.START), "active"),
        ((Action.SUSPEND, Action.RESUME, Action.REBOOT), "active"),
        ((Action.SHELVE,), "shelved_offloaded"),
        ((Action.SHELVE, Action.UNSHELVE, Action.HARD_REBOOT, Action.SUSPEND), "suspended"),
    ],
)
def test_an_action_leads_where_it_does_on_a_cloud(path: Path, actions: tuple[Action, ...], status: str) -> None:
    found = Fleet(path, row("web")).act(*actions)
    assert (found.status, found.activity) == (status, "")


def test_an_action_takes_time_which_others_see(path: Path) -> None:
    fleet = Fleet(path, row("web"))
    web = fleet.seen()
    fleet.cloud.act(web, Action.STOP)
    assert (fleet.seen().status, fleet.seen().activity) == ("active", "powering-off")
    assert fleet.cloud.poll([web])[web.uuid] == fleet.seen()
    with pytest.raises(Conflict):
        fleet.cloud.act(web, Action.STOP)
    fleet.clock.advance(3)
    assert fleet.cloud.get_instance(web).status == "shutoff"
    with pytest.raises(Conflict):
        fleet.cloud.act(web, Action.SUSPEND)


@pytest.mark.parametrize(("like", "kept"), [("jetstream2", True), ("atmosphere", False)])
def test_a_floating_ip_stays_or_goes_as_on_the_cloud_that_it_is_like(path: Path, like: str, kept: bool) -> None:
    fleet = Fleet(path, row("web"), like=like)
    before = fleet.seen().ip_address
    asleep = fleet.act(Action.STOP).ip_address
    awake = fleet.act(Action.START).ip_address
    assert (asleep == before, awake == before) == (kept, kept)
    assert awake is not None


def test_a_flavor_that_cannot_be_suspended_is_named(path: Path) -> None:
    fleet = Fleet(path, row("web", flavor="g3.large"), row("lab"))
    assert set(fleet.cloud.unsupported_actions(fleet.seen())) == {Action.SUSPEND}
    assert fleet.cloud.unsupported_actions(fleet.seen("lab")) == {}


@pytest.mark.parametrize(
    ("idle_hours", "state", "hours"), [(6.5, State.IDLE, 6.5), (1.0, State.IDLE, 1.0), (None, State.ACTIVE, None)]
)
def test_its_consoles_show_use_to_the_rules(
    path: Path, idle_hours: float | None, state: State, hours: float | None
) -> None:
    fleet = Fleet(path, row("web", idle_hours=idle_hours))
    web = fleet.seen()
    now = fleet.clock.now().timestamp()
    verdict = judge_by_console(fleet.cloud.console_outputs([web], 5000)[web.uuid], web.flavor, Settings(), now)
    assert verdict.state is state
    if hours is not None:
        assert verdict.since == pytest.approx(now - hours * HOUR, abs=300)
        assert verdict.since_is_known


def test_an_instance_that_was_just_started_has_a_short_console(path: Path) -> None:
    fleet = Fleet(path, row("web"))
    web = fleet.act(Action.STOP)
    assert fleet.cloud.console_outputs([web], 5000) == {}
    web = fleet.act(Action.START)
    fleet.clock.advance(600)
    assert len(fleet.cloud.consoles().text(web, 5000).splitlines()) in (10, 11)


def test_atmosphere_has_numbers_and_neither_consoles_nor_metadata(path: Path) -> None:
    fleet = Fleet(path, row("web"), row("lab"), like="atmosphere")
    assert [each.id for each in fleet.cloud.list_instances(live=True)] == [1, 2]
    assert fleet.cloud.console_outputs([fleet.seen()], 10) == {}
    assert fleet.cloud.metadata_refusal(fleet.seen()) is not None
    assert fleet.cloud.account().project is None


def test_metadata_is_set_and_removed(path: Path) -> None:
    fleet = Fleet(path, row("web"))
    fleet.cloud.set_metadata(fleet.seen(), "a", "1")
    fleet.cloud.set_metadata(fleet.seen(), "b", "2")
    fleet.cloud.set_metadata(fleet.seen(), "a", None)
    assert fleet.seen().metadata == {"b": "2"}


def test_the_history_has_every_state_since_it_was_made(path: Path) -> None:
    fleet = Fleet(path, row("web"))
    fleet.act(Action.STOP, Action.START)
    periods = fleet.cloud.list_history()
    assert [each.status for each in periods] == ["active", "shutoff", "active"]
    assert [each.end for each in periods] == [*(each.start for each in periods[1:]), None]


def test_its_hours_refer_to_its_first_use(path: Path) -> None:
    fleet = Fleet(path, row("web"))
    before = fleet.seen().start_date
    fleet.clock.advance(10 * HOUR)
    assert fleet.seen().start_date == before
    assert fleet.cloud.list_allocation_sources()[0].compute_used == 400.0


def test_an_instance_that_was_removed_from_the_file_is_gone(path: Path) -> None:
    fleet = Fleet(path, row("web"))
    web = fleet.seen()
    Fleet(path, row("lab"))
    assert fleet.cloud.poll([web])[web.uuid].status == "missing"  # type: ignore[union-attr]
    with pytest.raises(NotFound):
        fleet.cloud.act(web, Action.STOP)


@pytest.mark.parametrize(
    "part", ["volume_store", "access_store", "image_store", "project_store", "catalog", "launcher"]
)
def test_a_feature_of_real_clouds_is_refused_as_such(path: Path, part: str) -> None:
    with pytest.raises(ConfigurationError, match="Use a real cloud"):
        getattr(Fleet(path).cloud, part)()


def test_there_is_no_console_for_a_browser(path: Path) -> None:
    fleet = Fleet(path, row("web"))
    with pytest.raises(Refused, match="no consoles for a browser"):
        fleet.cloud.consoles().url(fleet.seen(), ["novnc"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"like": "azure"}',
        '{"like": "jetstream2", "user": "ada", "project": "bio", "allocation": {}, "instances": []}',
    ],
)
def test_a_malformed_file_is_reported_as_such_and_left_alone(path: Path, content: str) -> None:
    fleet = Fleet(path)
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="is malformed"):
        fleet.cloud.list_instances(live=True)
    assert path.read_text() == content


def test_two_instances_of_one_name_are_malformed(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is malformed"):
        Fleet(path, row("web"), row("web")).cloud.list_instances(live=True)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "a.json")
    fleet.path.unlink()
    with pytest.raises(ConfigurationError, match="does not exist"):
        fleet.cloud.account()
