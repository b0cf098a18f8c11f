# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source on a simulated cloud: its requests, its memory, its failures, and the form of its events."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.memory_file import MemoryFileError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.watch import Watch, open_watch
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Settings, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import PASSWORD, Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.operations.test_idle_info import keep_readings


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = fleet(
        names=("web", "db", "off"),
        states={"active": 2, "shutoff": 1},
        clock=ManualClock(),
        settings=Settings(transition=5, deploy=20),
        compute_allowed=10_000,
        compute_used=4000.0,
    )
    add_colleague(world)
    world.allocation_sources[0].end_date = world.now() + timedelta(days=300)
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


class Run:
    """A run of a source. ``events``: the delivered ones. ``warnings``: the logged ones."""

    def __init__(self, site: Site, **arguments: Any) -> None:
        self.warnings: list[str] = []
        context = Context(
            check_mode=True,
            clock=site.clock,
            environ={},
            home=site.home,
            warn=self.warnings.append,
            hide=lambda _secret: None,
        )
        self._clock = site.clock
        self.watch: Watch = open_watch({**site.options, **arguments}, context)
        self.events: list[dict[str, Any]] = []

    def poll(self) -> list[str]:
        """Poll once, deliver all events, and return a word for each."""
        words = []
        for each in self.watch.poll():
            if each.event is not None:
                schema().validate(each.event)
                self.events.append(dict(each.event))
                words.append(word(each.event))
            self.watch.remember(each.memory)
        return words

    def next(self) -> list[str]:
        """Wait as long as the source wants to, and poll."""
        self._clock.sleep(self.watch.pause())
        return self.poll()

    def close(self) -> None:
        self.watch.close()


@functools.cache
def schema() -> Any:
    """Return the schema of the events for rulebooks."""
    path = ROOT / "extensions" / "eda" / "schemas" / "fleet_event.json"
    return jsonschema.Draft202012Validator(json.loads(path.read_text()))


def word(event: Any) -> str:
    match event:
        case {"type": "instance_state_changed"}:
            return f"{event['instance']['name']}: {event['before']['state']}>{event['after']['state']}"
        case {"instance": {"name": name}}:
            return f"{event['type']} {name}"
        case {"part": part}:
            return f"{event['type']} {part}"
        case {"threshold": {"kind": kind, "level": level}}:
            return f"{kind}:{level}"
    raise AssertionError(event)


def deadlines_at(site: Site, days: float) -> str:
    """Write a file in which web has a deadline in so many days, and return its path."""
    at = site.clock.now() + timedelta(days=days)
    path = site.home / "schedules.yml"
    row = {"name": "web", "time_zone": "UTC", "shelve_at": f"{at:%Y-%m-%dT%H:%M}", "may_shelve": True}
    path.write_text(json.dumps({"deadlines": [row]}))
    return str(path)


def test_each_kind_of_event_comes_once_and_fits_the_schema(site: Site) -> None:
    with closing(Run(site, schedules_path=deadlines_at(site, 100), owner=["me"])) as run:
        assert run.poll() == []
        site.world.force("db", "shutoff")
        site.world.allocation_sources[0].compute_used = 7600.0
        site.clock.sleep(3600)
        keep_readings(site, "web")
        deadlines_at(site, 2)
        assert run.poll() == ["db: active>shutoff", "instance_idle web", "deadline_near web", "used:75"]
        assert run.next() == []
    found = {each["type"]: each for each in run.events}
    assert (found["instance_idle"]["idle"]["would"], found["instance_idle"]["idle"]["vetoes"]) == ("shelve", [])
    assert found["deadline_near"]["deadline"]["days"] == 3
    assert found["budget_threshold"]["sentence"] == "76.0 % of the SU are used (threshold 75 %)."
    assert {each["cloud"]["user"] for each in run.events} == {"johndoe"}


def test_a_restart_tells_neither_twice_nor_never(site: Site) -> None:
    with closing(Run(site)) as run:
        run.poll()
        site.world.force("db", "shutoff")
        assert run.next() == ["db: active>shutoff"]
    # While no source runs.
    site.world.force("web", "suspended")
    site.clock.sleep(300)
    with closing(Run(site)) as run:
        assert run.poll() == ["web: active>suspended"]
        assert run.next() == []


def test_an_event_that_was_not_delivered_is_reported_by_the_next_run(site: Site) -> None:
    with closing(Run(site)) as run:
        run.poll()
        site.world.force("db", "shutoff")
        site.world.force("web", "suspended")
        site.clock.sleep(300)
        first, *_rest = run.watch.poll()
        # Killed after the first: the rulebook had it.
        run.watch.remember(first.memory)
    with closing(Run(site)) as run:
        assert run.poll() == ["web: active>suspended"]


def test_a_source_that_fails_tells_it_slows_down_and_goes_on(site: Site) -> None:
    with closing(Run(site, interval=60, retry_timeout=1)) as run:
        run.poll()
        # All requests fail, also the repeated ones.
        fault = site.server.faults
        fault.unavailable(times=None)
        assert run.next() == ["source_failed instances"]
        pauses = [run.watch.pause()]
        for _attempt in range(7):
            assert run.next() == []
            pauses.append(run.watch.pause())
        fault.clear()
        site.world.force("db", "shutoff")
        assert run.next() == ["source_recovered instances", "db: active>shutoff"]
        assert run.watch.pause() <= 60
    assert [round(each, -1) for each in pauses] == [120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_cloud_that_is_down_at_the_start_is_reported_and_the_first_list_counts_as_known(site: Site) -> None:
    with closing(Run(site, interval=60, retry_timeout=1)) as run:
        site.server.faults.unavailable(times=None)
        assert run.poll() == ["source_failed instances"]
        site.server.faults.clear()
        assert run.next() == ["source_recovered instances"]
        site.world.force("db", "shutoff")
        assert run.next() == ["db: active>shutoff"]


def test_a_part_that_fails_does_not_stop_the_others(site: Site) -> None:
    with closing(Run(site, schedules_path=deadlines_at(site, 100), budget_interval=30, interval=30)) as run:
        run.poll()
        (site.home / "schedules.yml").write_text("deadlines: 7")
        site.server.faults.broken(path="allocation_sources", times=None)
        site.world.force("db", "shutoff")
        assert run.next() == ["source_failed budget", "source_failed deadlines", "db: active>shutoff"]
        deadlines_at(site, 2)
        site.server.faults.clear()
        site.clock.sleep(60)
        assert run.poll() == ["source_recovered budget", "source_recovered deadlines", "deadline_near web"]


def test_a_memory_that_cannot_be_stored_is_reported_and_stored_later(site: Site) -> None:
    with closing(Run(site)) as run:
        run.poll()
        folder = site.home / ".local/state/jetstream"
        saved = (folder / "events.json").read_bytes()
        (folder / "events.json").unlink()
        (folder / "events.json").mkdir()
        site.world.force("db", "shutoff")
        assert run.next() == ["db: active>shutoff"]
        assert run.next() == ["source_failed memory"]
        (folder / "events.json").rmdir()
        assert run.next() == ["source_recovered memory"]
        assert (folder / "events.json").read_bytes() != saved
    with closing(Run(site)) as run:
        assert run.poll() == []


def test_a_poll_sends_as_many_requests_as_the_page_says(site: Site) -> None:
    every_poll = {"v2 instances": 1, "v1 instances": 1}
    with closing(Run(site, owner=["me"])) as run:
        assert run.poll() == []
        # Allocations are weighed with the instances of all, which are those of two identities here.
        assert site.requests() == {**every_poll, "v1 instances": 2, "v2 allocation sources": 1, "v2 history": 1}
        assert run.next() == []
        assert site.requests() == every_poll


def test_the_file_is_private_and_for_one_source_at_a_time(site: Site) -> None:
    with closing(Run(site)) as run:
        run.poll()
        path = site.home / ".local/state/jetstream/events.json"
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(MemoryFileError, match="Set a different state_path for each source"):
            Run(site)
        Run(site, state_path=str(site.home / "other.json")).close()
    assert PASSWORD not in path.read_text()


def test_a_damaged_file_is_refused_when_it_starts(site: Site) -> None:
    path = site.home / "events.json"
    path.write_text("{")
    with pytest.raises(MemoryFileError, match="Remove the file"):
        Run(site, state_path=str(path))
    path.unlink()
    # It is not held any more.
    Run(site, state_path=str(path)).close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"interval": 5}, "interval is 5 seconds, but must be between 30 and 86400"),
        ({"idle_interval": 29.9}, "idle_interval is 29.9 seconds"),
        ({"budget_interval": "nan"}, "budget_interval is nan seconds"),
        ({"watch": []}, "watch is an empty list"),
        ({"profile": "nowhere"}, "nowhere"),
        ({"schedules_path": "/nowhere/schedules.yml"}, "/nowhere/schedules.yml"),
        ({"rates": {"families": {"m3": "free"}}}, "rates.families"),
    ],
)
def test_wrong_options_are_refused_when_it_starts(site: Site, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        Run(site, **arguments)


def test_a_name_cannot_be_a_template(site: Site) -> None:
    with closing(Run(site)) as run:
        run.poll()
        site.world.force("db", "shutoff")
        site.world.instance("db").name = "{{ lookup('pipe', 'id') }}"
        run.next()
    assert run.events[0]["instance"]["name"] == "{ { lookup('pipe', 'id') } }"


def test_a_warning_about_the_list_is_logged_once(site: Site) -> None:
    with closing(Run(site, name=["web", "wbe"])) as run:
        run.poll()
        run.next()
    assert [each for each in run.warnings if "wbe" in each] == ["name: wbe does not exist. Did you mean web?"]
