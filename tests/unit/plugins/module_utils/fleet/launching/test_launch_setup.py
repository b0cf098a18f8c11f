# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances are waited for until they have set themselves up, and get keys and user data from files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    Conflict,
    ServerFault,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import KeyPair
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.killed import Killed
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import LaunchCloud, LostResponse, since
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.fleet.launching.test_launch import items, run
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.fleet.launching.test_setup import (
    COMPLETE,
    ERROR,
    FINISHED,
    RUNNING,
)

KEY = "ssh-ed25519 AAAAC3Nza me@laptop"
ANOTHER = "ssh-ed25519 BBBBC3Nza me@desk"
WITH_KEY: dict[str, Any] = {"name": "head", "key_name": "laptop", "public_key": KEY}
DROPPED = Unreachable("The connection was dropped.")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cloud(clock: FakeClock) -> LaunchCloud:
    return LaunchCloud(clock)


# --- setup


def test_instances_are_ready_when_their_consoles_say_so(cloud: LaunchCloud, clock: FakeClock) -> None:
    """Each console is read until its own setup has ended."""
    ends = {"node-1": 100.0, "node-2": 200.0}
    cloud.consoles = lambda name: COMPLETE if clock.monotonic() >= ends[name] else RUNNING
    done = run(cloud, clock, name="node", count=2, wait_for="setup")
    assert (done.failure, done.changed) == (None, True)
    assert clock.monotonic() == pytest.approx(200, abs=25)
    reads = [call for call in cloud.calls if call.startswith("console")]
    assert reads == ["console 2"] * reads.count("console 2") + ["console 1"] * reads.count("console 1")
    assert len(reads) < 20


def test_a_failed_setup_is_reported_with_its_line_and_the_others_go_on(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.consoles = lambda name: ERROR if name == "node-1" else FINISHED
    done = run(cloud, clock, name="node", count=2, wait_for="setup")
    assert done.failure == f"1 of 2 instances exist: node-1: is active, but its setup failed: {ERROR}."
    assert items(done)["node-2"]["failed"] is False
    assert cloud.names == ["node-1", "node-2"]


@pytest.mark.parametrize(
    ("console", "said"),
    [
        ("", "its console shows no setup messages of Exosphere or cloud-init within 60 s"),
        (RUNNING, f"its setup has not ended within 60 s: {RUNNING}"),
    ],
)
def test_a_setup_that_does_not_end_fails_with_its_last_line(
    cloud: LaunchCloud, clock: FakeClock, console: str, said: str
) -> None:
    cloud.consoles = lambda _name: console
    done = run(cloud, clock, name="head", wait_for="setup", wait_timeout=60)
    assert done.failure == f"head: is active, but {said}."
    assert clock.monotonic() < 60


def test_an_instance_is_set_up_before_it_is_shelved(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.consoles = lambda _name: FINISHED
    done = run(cloud, clock, name="head", wait_for="setup", initial_state="shelved")
    assert (done.failure, items(done)["head"]["actions"]) == (None, ["launch", "shelve"])
    assert cloud.calls.index("console 1") < cloud.calls.index("shelve head")


@pytest.mark.parametrize(
    ("console", "age", "failure"),
    [
        (FINISHED, 60.0, None),
        ("", 3 * 3600.0, None),
        ("", 60.0, "shows no setup messages"),
        (RUNNING, 3 * 3600.0, "has not ended"),
        (ERROR, 3 * 3600.0, "failed"),
    ],
)
def test_an_existing_instance_is_waited_for_while_it_may_be_setting_up(
    clock: FakeClock, console: str, age: float, failure: str | None
) -> None:
    """A console loses its old lines, so that an old instance of which it says nothing counts as set up."""
    cloud = LaunchCloud(clock, [replace(an_instance("head"), start_date=since(clock, age))])
    cloud.consoles = lambda _name: console
    done = run(cloud, clock, name="head", image=None, flavor=None, wait_for="setup", wait_timeout=60)
    assert (done.changed, (done.failure or "").count(failure or "none at all")) == (False, int(failure is not None))


def test_a_setup_that_exosphere_has_noted_needs_no_console(clock: FakeClock) -> None:
    there = replace(an_instance("head"), metadata={"exoSetup": COMPLETE}, start_date=iso(clock.now()))
    cloud = LaunchCloud(clock, [there])
    done = run(cloud, clock, name="head", image=None, flavor=None, wait_for="setup")
    assert (done.failure, done.changed, cloud.calls) == (None, False, ["list"])


def test_a_sleeping_instance_is_not_waited_for(clock: FakeClock) -> None:
    cloud = LaunchCloud(clock, [an_instance("head", "shutoff")])
    done = run(cloud, clock, name="head", image=None, flavor=None, wait_for="setup")
    assert (done.failure, cloud.calls) == (None, ["list"])


def test_where_the_cloud_sets_up_active_is_enough(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.sets_up = True
    done = run(cloud, clock, name="head", wait_for="setup")
    assert (done.failure, cloud.count("console")) == (None, 0)


def test_an_end_of_the_login_never_counts_as_set_up(
    cloud: LaunchCloud, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise AuthenticationFailed("The token was refused.")

    monkeypatch.setattr(cloud, "console_outputs", refused)
    done = run(cloud, clock, name="head", wait_for="setup")
    assert done.failure == "The token was refused. 1 of 1 instances were not completed."
    assert (items(done)["head"]["failed"], cloud.names) == (True, ["head"])


# --- keys


def test_a_key_pair_is_imported_before_the_launch_and_once(cloud: LaunchCloud, clock: FakeClock) -> None:
    checked = run(cloud, clock, check_mode=True, **WITH_KEY)
    assert (checked.result["key_imported"], cloud.keys) == (True, {})
    done = run(cloud, clock, **WITH_KEY)
    assert (done.failure, done.result["key_imported"], cloud.keys["laptop"].public_key) == (None, True, KEY)
    assert cloud.calls.index("import_key laptop") < cloud.calls.index("launch head")
    assert (checked.diff or {})["after"].startswith("key pair laptop: present\n")
    assert (done.diff or {})["before"].startswith("key pair laptop: absent\n")
    cloud.calls.clear()
    # An instance that is there keeps its key, so that nothing is read for it.
    again = run(cloud, clock, name="head", public_key=KEY, key_name="laptop")
    assert (again.result["key_imported"], "get_key laptop" in cloud.calls) == (False, False)


def test_a_key_pair_that_is_there_is_used(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.keys["laptop"] = KeyPair("laptop", f"{KEY} and another comment")
    done = run(cloud, clock, **WITH_KEY)
    assert (done.failure, done.result["key_imported"], cloud.count("import_key")) == (None, False, 0)


def test_another_key_of_the_name_launches_nothing(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.keys["laptop"] = KeyPair("laptop", ANOTHER, "aa:bb")
    with pytest.raises(ConfigurationError, match=r"The key pair laptop has a different key \(aa:bb\)"):
        run(cloud, clock, **WITH_KEY)
    assert cloud.names == []


@pytest.mark.parametrize("error", [DROPPED, ServerFault("502")])
def test_an_import_whose_response_is_lost_is_looked_for(
    cloud: LaunchCloud, clock: FakeClock, error: Unreachable | ServerFault
) -> None:
    cloud.script("import_key", "laptop", LostResponse(error))
    done = run(cloud, clock, **WITH_KEY)
    assert (done.failure, done.result["key_imported"], cloud.count("import_key")) == (None, True, 1)


@pytest.mark.parametrize(("key", "is_same"), [(KEY, True), (ANOTHER, False)])
def test_a_run_that_imports_the_name_at_the_same_time_may_import_the_same_key(
    cloud: LaunchCloud, clock: FakeClock, key: str, is_same: bool
) -> None:
    def race(call: str) -> None:
        if call == "import_key":
            cloud.keys["laptop"] = KeyPair("laptop", key)

    cloud.interrupt = race
    if is_same:
        assert run(cloud, clock, **WITH_KEY).failure is None
        return
    with pytest.raises(ConfigurationError, match="Another run imported it"):
        run(cloud, clock, **WITH_KEY)
    assert cloud.names == []


def test_an_import_that_is_refused_launches_nothing(cloud: LaunchCloud, clock: FakeClock) -> None:
    cloud.script("import_key", "laptop", Conflict("no"))
    with pytest.raises(Conflict):
        run(cloud, clock, **WITH_KEY)
    assert cloud.names == []


# --- files


def test_files_stand_for_a_key_and_for_user_data(cloud: LaunchCloud, clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / "id.pub").write_text(f"{KEY}\n", encoding="utf-8")
    (tmp_path / "cloud-init.yml").write_text("#cloud-config\n# é\n", encoding="utf-8")
    seen = []
    prepare = cloud.prepare
    cloud.prepare = lambda options, *more: seen.append(options) or prepare(options, *more)  # type: ignore[func-returns-value,method-assign]
    files = {"public_key_file": str(tmp_path / "id.pub"), "user_data_file": str(tmp_path / "cloud-init.yml")}
    assert run(cloud, clock, name="head", key_name="laptop", **files).failure is None
    assert (seen[0].public_key, seen[0].user_data) == (KEY, "#cloud-config\n# é\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file"), (b"\xff\xfe", "is not UTF-8 text")],
)
def test_a_file_that_cannot_be_read_is_named_before_anything_is_sent(
    cloud: LaunchCloud, clock: FakeClock, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "cloud-init.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"user_data_file: {path} {said}"):
        run(cloud, clock, name="head", user_data_file=str(path))
    assert cloud.calls == []


# --- runs that are killed


MORE_THAN_ITS_CALLS = 40


def _killed_at(moment: int) -> bool:
    """Kill a run at a call to the cloud, run it again, and require one key and one instance that is set up.

    Return whether the run was killed.
    """
    clock, count = FakeClock(), 0
    cloud = LaunchCloud(clock)
    cloud.script("import_key", "laptop", LostResponse(DROPPED))
    cloud.consoles = lambda _name: COMPLETE if clock.monotonic() >= 30 else RUNNING

    def interrupt(_call: str) -> None:
        nonlocal count
        count += 1
        if count == moment:
            raise Killed

    cloud.interrupt = interrupt
    with suppress(Killed):
        run(cloud, clock, **WITH_KEY, wait_for="setup")
    was_killed = count == moment
    cloud.interrupt = lambda _call: None
    done = run(cloud, clock, **WITH_KEY, wait_for="setup")
    assert (done.failure, cloud.names, list(cloud.keys)) == (None, ["head"], ["laptop"]), moment
    assert clock.monotonic() >= 30, moment
    again = run(cloud, clock, **WITH_KEY, wait_for="setup")
    assert (again.failure, again.changed, again.result["key_imported"]) == (None, False, False), moment
    return was_killed


def test_a_run_that_is_killed_at_any_moment_leaves_one_key_and_the_next_waits_for_the_setup() -> None:
    killed = [_killed_at(moment) for moment in range(1, MORE_THAN_ITS_CALLS)]
    assert killed == sorted(killed, reverse=True)
    assert 10 < killed.count(True) < MORE_THAN_ITS_CALLS - 1
