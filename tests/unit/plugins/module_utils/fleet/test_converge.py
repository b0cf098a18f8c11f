# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet reaches its goal, or each failure has its reason; nothing is reported as done that was not observed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    Conflict,
    InMaintenance,
    JetstreamError,
    LockLost,
    NotFound,
    OverAllocation,
    RateLimited,
    Refused,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.converge import converge
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.decisions import preview
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.progress import Progress
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.runs import (
    ConvergeOptions,
    FleetRun,
    InstanceRun,
    state_text,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import (
    Action,
    Goal,
    Kind,
    RestingState,
    classify,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import (
    NEW_ADDRESS,
    PHASES,
    LeftOut,
    Phase,
    ScriptedCloud,
)
from hypothesis import given
from hypothesis import strategies as st

ADDRESS = "149.165.157.100"
ATMOSPHERE = frozenset(Action) - {Action.UNPAUSE}
REFUSED = Conflict('Stop of web (1) was refused: "409 Conflict" (HTTP 409).', status=409)
BROKE = ServerFault("Stop of web (1) failed: the server had an internal error (HTTP 500).", status=500)


def same(pause: float) -> float:
    return pause


@dataclass
class Scene:
    """A cloud with some instances, and a clock."""

    clock: FakeClock
    cloud: ScriptedCloud
    instances: list[Instance]

    def run(self, goal: str, **options: Any) -> FleetRun:
        self.clock.sleeps.clear()
        return converge(self.cloud, self.instances, ConvergeOptions(Goal(goal), **options), self.clock, jitter=same)

    def one(self, goal: str, **options: Any) -> InstanceRun:
        [run] = self.run(goal, **options).runs
        return run


def scene(*instances: Instance, max_concurrency: int = 16) -> Scene:
    clock = FakeClock()
    return Scene(clock, ScriptedCloud(clock, instances, max_concurrency=max_concurrency), list(instances))


def ran(run: InstanceRun) -> tuple[str, str, list[str], str]:
    """Return the result of an instance."""
    verdict = "failed" if run.failed else "skipped" if run.skipped else "ok"
    return verdict, state_text(run.now), [each.value for each in run.actions], run.message


# --- one instance, and nothing goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "goal", "options", "expected"),
    [
        ("active", "stopped", {}, ("ok", "shutoff", ["stop"], "stop done")),
        ("active", "suspended", {}, ("ok", "suspended", ["suspend"], "suspend done")),
        ("active", "shelved", {}, ("ok", "shelved_offloaded", ["shelve"], "shelve done")),
        ("active", "rebooted", {}, ("ok", "active", ["reboot"], "reboot done")),
        ("active", "rebooted", {"reboot": Action.HARD_REBOOT}, ("ok", "active", ["hard reboot"], "hard reboot done")),
        ("shutoff", "started", {}, ("ok", "active", ["start"], "start done")),
        ("suspended", "started", {}, ("ok", "active", ["resume"], "resume done")),
        ("shelved_offloaded", "started", {}, ("ok", "active", ["unshelve"], "unshelve done")),
        ("suspended", "shelved", {}, ("ok", "shelved_offloaded", ["shelve"], "shelve done")),
        ("suspended", "stopped", {"allow_wake": True}, ("ok", "shutoff", ["resume", "stop"], "resume, then stop done")),
        (
            "shelved",
            "suspended",
            {"allow_wake": True},
            ("ok", "suspended", ["unshelve", "suspend"], "unshelve, then suspend done"),
        ),
        ("shutoff", "rebooted", {"allow_wake": True}, ("ok", "active", ["start"], "start done")),
    ],
)
def test_brings_an_instance_there(
    status: str, goal: str, options: dict[str, Any], expected: tuple[str, str, list[str], str]
) -> None:
    stage = scene(an_instance(status=status, ip_address=ADDRESS if status == "active" else None))
    assert ran(stage.one(goal, **options)) == expected
    assert [each.split()[0] for each in stage.cloud.calls if "poll" not in each] == [
        each.split()[0] for each in expected[2]
    ]


@pytest.mark.parametrize(
    ("status", "goal", "expected"),
    [
        ("shutoff", "stopped", ("ok", "shutoff", [], "already shutoff")),
        ("active", "started", ("ok", "active", [], "already active")),
        ("shelved_offloaded", "shelved", ("ok", "shelved_offloaded", [], "already shelved_offloaded")),
        (
            "suspended",
            "stopped",
            ("skipped", "suspended", [], "skipped: suspended (stopping it would start it first; allow_wake)"),
        ),
        (
            "paused",
            "started",
            ("failed", "paused", [], "it is paused, and unpause is not offered for web"),
        ),
        ("error", "stopped", ("skipped", "error", [], "skipped: in error: No valid host was found")),
        ("error", "shelved", ("skipped", "error", [], "skipped: in error: No valid host was found")),
        (
            "error",
            "started",
            (
                "failed",
                "error",
                [],
                (
                    "in error: No valid host was found. A hard reboot may bring it back "
                    "(state: rebooted, reboot_type: hard)"
                ),
            ),
        ),
        *(
            ("missing", goal, ("skipped", "missing", [], "skipped: the cloud no longer has it"))
            for goal in ("stopped", "suspended", "shelved")
        ),
        ("missing", "started", ("failed", "missing", [], "the cloud no longer has it")),
        ("missing", "rebooted", ("failed", "missing", [], "the cloud no longer has it")),
        ("rescue", "stopped", ("failed", "rescue", [], "needs manual intervention (state: rescue)")),
    ],
)
def test_an_instance_that_needs_or_takes_no_action_is_left(
    status: str, goal: str, expected: tuple[str, str, list[str], str]
) -> None:
    fault = "No valid host was found." if status == "error" else None
    stage = scene(an_instance(status=status, fault=fault, ip_address=ADDRESS))
    stage.cloud = ScriptedCloud(stage.clock, stage.instances, offers=ATMOSPHERE)
    assert ran(stage.one(goal)) == expected
    assert stage.cloud.calls == []
    assert stage.clock.sleeps == []


def test_an_instance_in_error_says_so_also_where_the_cloud_does_not_say_why() -> None:
    message = ran(scene(an_instance(status="error")).one("started"))[3]
    assert message.startswith("in error, and the cloud gives no reason. A hard reboot")


def test_an_instance_in_error_that_runs_is_stopped_since_it_may_cost_what_a_running_one_does() -> None:
    stage = scene(an_instance(status="error", power_state="running"))
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")


def test_an_instance_in_error_is_brought_back_by_a_hard_reboot_alone() -> None:
    stage = scene(an_instance(status="error"))
    assert ran(stage.one("rebooted", reboot=Action.HARD_REBOOT)) == (
        "ok",
        "active",
        ["hard reboot"],
        "hard reboot done",
    )
    assert ran(scene(an_instance(status="error")).one("rebooted"))[:3] == ("failed", "error", [])


def test_an_action_that_a_cloud_would_refuse_in_error_is_not_sent() -> None:
    stage = scene(an_instance(status="error", power_state="running"))
    stage.cloud = ScriptedCloud(
        stage.clock, stage.instances, offers=frozenset(Action) - {Action.STOP, Action.HARD_REBOOT}
    )
    assert ran(stage.one("stopped"))[0] == "skipped"
    assert ran(stage.one("rebooted", reboot=Action.HARD_REBOOT))[3] == (
        "in error, and the cloud gives no reason, and hard reboot is not offered for web"
    )
    assert stage.cloud.calls == []


def test_an_instance_skipped_in_error_or_gone_is_worth_a_warning() -> None:
    assert scene(an_instance(status="error")).one("stopped").warn
    assert scene(an_instance(status="missing")).one("stopped").warn
    assert not scene(an_instance(status="suspended")).one("stopped").warn


def test_touches_nothing_whose_state_it_cannot_read() -> None:
    stage = scene(an_instance(live=False))
    assert ran(stage.one("stopped"))[::3] == ("failed", "its state in the cloud cannot be read")
    assert stage.cloud.calls == []


def unread(status: str = "active") -> Instance:
    return replace(an_instance(status=status, live=False), read_error="Reading web failed.", read_again=True)


def test_an_instance_that_was_not_read_when_it_was_listed_is_read_again_before_anything_is_sent() -> None:
    """In the database, it is active; in the cloud, it sleeps."""
    stage = scene(an_instance(status="suspended"))
    stage.instances = [unread()]
    stage.cloud.answer("web", "poll", ServerFault("Reading web failed."))
    run = stage.one("started")
    assert ran(run) == ("ok", "active", ["resume"], "resume done")
    assert state_text(run.before) == "suspended"


def test_an_instance_that_is_never_read_fails_when_the_time_is_up() -> None:
    stage = scene(an_instance())
    stage.instances = [unread()]
    stage.cloud.answer("web", "poll", *[ServerFault("The server broke.")] * 99)
    assert ran(stage.one("stopped", timeout=60))[::3] == (
        "failed",
        "was not stopped within 60 s (last error: The server broke.)",
    )
    assert 59 <= stage.clock.monotonic() <= 60
    assert stage.cloud.count("stop") == 0


def test_without_wait_an_instance_that_was_not_read_fails_at_once() -> None:
    stage = scene(an_instance())
    stage.instances = [unread()]
    message = "its state in the cloud cannot be read: Reading web failed."
    assert ran(stage.one("stopped", wait=False))[::3] == ("failed", message)
    [ahead] = preview(stage.cloud, stage.instances, ConvergeOptions(Goal.STOPPED)).runs
    assert ran(ahead)[::3] == ("failed", message)
    assert stage.cloud.calls == []


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (None, "skipped: active, locked (include_locked)"),
        ("term paper", "skipped: active, locked: term paper (include_locked)"),
    ],
)
def test_an_instance_that_its_owner_locked_is_left(reason: str | None, message: str) -> None:
    locked = an_instance(locked=True, lock_reason=reason)
    assert ran(scene(locked).one("stopped")) == ("skipped", "active", [], message)
    assert ran(scene(locked).one("stopped", include_locked=True))[2] == ["stop"]


def test_an_instance_that_another_run_had_unlocked_when_it_was_listed_is_left() -> None:
    stage = scene(an_instance())
    stage.cloud.lock("web")
    stage.clock.sleep(15)
    options = ConvergeOptions(Goal.STOPPED)
    [run] = converge(stage.cloud, stage.instances, options, stage.clock, observed_at=0.0, jitter=same).runs
    assert ran(run) == ("skipped", "active", [], "skipped: active, locked: term paper (include_locked)")
    assert stage.cloud.count("stop") == 0


def test_no_action_is_resent_to_an_instance_that_was_locked_meanwhile() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "stop", BROKE)
    stage.cloud.answer("web", "get", lambda: stage.cloud.lock("web"))
    message = "skipped: active, locked: term paper (include_locked)"
    assert ran(stage.one("stopped")) == ("skipped", "active", [], message)
    assert stage.cloud.count("stop") == 1


def test_a_path_that_a_lock_ends_halfway_has_failed() -> None:
    stage = scene(an_instance(status="suspended"))
    stage.cloud.answer("web", "poll", lambda: stage.cloud.lock("web"))
    run = stage.one("stopped", allow_wake=True)
    assert ran(run) == ("failed", "active", ["resume"], "active, locked: term paper (include_locked)")


def test_an_action_is_seen_through_also_if_its_instance_is_locked_meanwhile() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "poll", lambda: stage.cloud.lock("web"))
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")


@pytest.mark.parametrize(
    ("status", "action", "goal"),
    [
        ("active", Action.STOP, "stopped"),
        ("active", Action.SHELVE, "shelved"),
        ("shutoff", Action.START, "started"),
        ("suspended", Action.RESUME, "started"),
    ],
)
def test_a_locked_instance_that_is_on_its_way_to_the_goal_is_waited_for(status: str, action: Action, goal: str) -> None:
    first = PHASES[action][0]
    stage = scene(an_instance(status=first.status, activity=first.activity, locked=True, lock_reason="term paper"))
    stage.cloud.begin("web", action)
    run = stage.one(goal)
    assert ran(run)[0::3] == ("ok", f"reached {state_text(run.now)} on its own")
    assert run.observed.state is Goal(goal).state
    assert stage.cloud.count(action.value) == 0


def test_a_locked_instance_that_ends_elsewhere_than_on_its_way_is_skipped_for_its_lock() -> None:
    stage = scene(an_instance(activity="powering-off", locked=True))
    stage.cloud.set_phases("web", Phase(0, "active", "powering-off"), Phase(9, "active", "", ADDRESS))
    assert ran(stage.one("stopped")) == ("skipped", "active", [], "skipped: active, locked (include_locked)")
    assert stage.cloud.count("stop") == 0


def test_a_locked_instance_that_does_not_arrive_in_time_has_failed() -> None:
    stage = scene(an_instance(activity="powering-off", locked=True))
    message = "was not stopped within 60 s (last seen active - powering-off)"
    assert ran(stage.one("stopped", timeout=60.0))[::3] == ("failed", message)


# --- a list from a cache ---------------------------------------------------------------------------------------------

# A start, and a deployment from the 62nd second on.
SLOW_START = (
    Phase(0, "shutoff", "powering-on"),
    Phase(45, "active"),
    Phase(62, "active", "networking"),
    Phase(70, "active", "deploying", NEW_ADDRESS),
    Phase(110, "active", "", NEW_ADDRESS),
)


def other_clients(last: float) -> tuple[float, ...]:
    """Return when others read lists: this run reads the one before, and the last one half a minute after that."""
    return (last - 20, last)


@pytest.mark.parametrize("cached_at", range(0, 110, 2))
def test_what_another_run_starts_is_ready_only_after_its_deployment_whatever_is_cached(cached_at: int) -> None:
    stage = scene(an_instance(status="shutoff", activity="powering-on"))
    stage.cloud.set_phases("web", *SLOW_START)
    stage.cloud.listed_by_others = other_clients(cached_at)
    assert ran(stage.one("started")) == ("ok", "active", [], "reached active on its own")
    assert stage.clock.monotonic() >= 110


@pytest.mark.parametrize("cached_at", range(0, 110, 2))
def test_what_this_run_starts_is_ready_only_after_its_deployment_whatever_is_cached(cached_at: int) -> None:
    stage = scene(an_instance(status="shutoff"))
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", *SLOW_START))
    stage.cloud.listed_by_others = other_clients(cached_at)
    assert ran(stage.one("started")) == ("ok", "active", ["start"], "start done")
    assert stage.clock.monotonic() >= 110


@pytest.mark.parametrize("cached_at", range(40))
def test_what_kept_its_address_settles_by_the_age_of_the_list(cached_at: int) -> None:
    """It is active with its address from the 5th second on, and is deployed from the 30th."""
    stage = scene(an_instance(status="shutoff", ip_address=ADDRESS))
    phases = (
        Phase(0, "shutoff", "powering-on", ADDRESS),
        Phase(5, "active", "", ADDRESS),
        Phase(30, "active", "deploying", ADDRESS),
        Phase(60, "active", "", ADDRESS),
    )
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", *phases))
    stage.cloud.listed_by_others = other_clients(cached_at)
    assert ran(stage.one("started")) == ("ok", "active", ["start"], "start done")
    assert stage.clock.monotonic() >= 60


def changed_by_others(status: str, *phases: Phase) -> Scene:
    """Let a list be cached, then another run change the instance, and then read it."""
    stage = scene(an_instance(status=status, ip_address=ADDRESS if status == "active" else None))
    stage.cloud.listed_by_others = (5.0,)
    stage.clock.sleep(6)
    stage.cloud.set_phases("web", *phases)
    stage.clock.sleep(2)
    stage.instances = [stage.cloud.get_instance(stage.instances[0])]
    stage.cloud.calls.clear()
    return stage


def test_no_stop_is_sent_to_what_another_run_reboots_by_a_list_of_before() -> None:
    """The cloud would refuse it, and that costs the address."""
    busy, done = Phase(0, "reboot", "rebooting", ADDRESS), Phase(20, "active", "", ADDRESS)
    stage = changed_by_others("active", busy, done)
    run = stage.one("stopped")
    assert ran(run) == ("ok", "shutoff", ["stop"], "stop done")
    assert (run.refused, stage.cloud.count("stop")) == (False, 1)


@pytest.mark.parametrize(
    ("status", "moving", "ends", "goal", "actions"),
    [
        ("suspended", Phase(0, "suspended", "resuming"), Phase(20, "active", "", ADDRESS), "suspended", ["suspend"]),
        ("shelved_offloaded", Phase(0, "shelved_offloaded", "spawning"), Phase(20, "active"), "shelved", ["shelve"]),
        # Not through Atmosphere, which would have emptied the cache.
        ("active", Phase(0, "active", "powering-off"), Phase(20, "shutoff"), "started", ["start"]),
        ("missing", Phase(0, "build", "spawning"), Phase(20, "active", "", ADDRESS), "stopped", ["stop"]),
    ],
)
def test_what_another_run_changes_is_not_believed_to_be_where_it_was(
    status: str, moving: Phase, ends: Phase, goal: str, actions: list[str]
) -> None:
    run = changed_by_others(status, moving, ends).one(goal)
    assert (run.failed, [each.value for each in run.actions]) == (False, actions)


def test_a_conflict_is_not_settled_by_a_list_of_before_it() -> None:
    stage = scene(an_instance())
    stage.cloud.listed_by_others = (0.0,)
    stage.cloud.set_phases("web", Phase(1, "active", "suspending"), Phase(20, "suspended"))
    stage.clock.sleep(2)
    stage.cloud.answer("web", "get", BROKE)
    message = "skipped: suspended (stopping it would start it first; allow_wake)"
    assert ran(stage.one("stopped")) == ("skipped", "suspended", [], message)


def test_what_is_in_doubt_by_a_cached_list_and_cannot_be_read_was_not_seen() -> None:
    stage = scene(an_instance(status="shutoff", activity="powering-on"))
    stage.cloud.set_phases("web", *SLOW_START)
    stage.cloud.listed_by_others = (50.0,)
    stage.clock.sleep(64)
    stage.instances = [stage.cloud.get_instance(stage.instances[0])]
    stage.cloud.answer("web", "poll", None, BROKE)
    assert ran(stage.one("started")) == ("ok", "active", [], "reached active on its own")
    assert stage.clock.monotonic() >= 110


def test_a_fleet_that_this_run_stopped_is_believed_from_a_cached_list() -> None:
    """Only the stop can have brought it there, so that nothing has to be read once more."""
    stage = scene(*(an_instance(f"node-{number:03}") for number in range(40)))
    stage.cloud.listed_by_others = (0.0, 6.0)
    assert not any(run.failed for run in stage.run("stopped").runs)
    polls = [int(each.split()[1]) for each in stage.cloud.calls if each.startswith("poll")]
    assert sum(polls) <= 40 + 3 * 4, polls


# --- waiting ---------------------------------------------------------------------------------------------------------


def test_waits_for_an_instance_that_is_on_the_way_already() -> None:
    stage = scene(an_instance(activity="powering-off"))
    stage.cloud.begin("web", Action.STOP)
    assert ran(stage.one("stopped")) == ("ok", "shutoff", [], "reached shutoff on its own")
    assert set(stage.cloud.calls) == {"poll 1"}


def test_waits_for_an_instance_that_is_busy_then_acts() -> None:
    stage = scene(an_instance(activity="image_snapshot", ip_address=ADDRESS))
    stage.cloud.set_phases("web", Phase(0, "active", "image_snapshot", ADDRESS), Phase(30, "active", "", ADDRESS))
    run = stage.one("stopped")
    assert ran(run) == ("ok", "shutoff", ["stop"], "stop done")
    assert run.elapsed is not None
    assert run.elapsed > 30


def test_a_started_instance_is_ready_only_once_it_is_deployed() -> None:
    stage = scene(an_instance(status="shutoff"))
    run = stage.one("started")
    assert ran(run) == ("ok", "active", ["start"], "start done")
    assert run.now.ip_address == NEW_ADDRESS
    # Of a start, PHASES says that it shows active after 5 s, and is ready after 25 s.
    assert stage.clock.monotonic() >= 25


def test_a_started_instance_that_gets_no_address_is_ready_after_a_while() -> None:
    stage = scene(an_instance(status="shutoff"))
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", Phase(0, "active")))
    run = stage.one("started")
    assert ran(run) == ("ok", "active", ["start"], "start done")
    assert 180 <= stage.clock.monotonic() - 2 <= 180 + 25


def test_one_that_an_earlier_run_woke_is_not_ready_before_it_has_an_address() -> None:
    """The run before was cut off after its start: this one finds it active, and a login to it is not possible yet."""
    stage = scene(an_instance())
    stage.cloud.set_phases(
        "web", Phase(0, "active"), Phase(60, "active", "networking"), Phase(70, "active", "", NEW_ADDRESS)
    )
    run = stage.one("started")
    assert (run.failed, run.changed, run.now.ip_address) == (False, False, NEW_ADDRESS)
    assert stage.cloud.count("start") == 0


def test_a_reboot_does_not_wait_for_an_address() -> None:
    stage = scene(an_instance())
    stage.run("rebooted", wait=False)
    assert (stage.cloud.calls, stage.clock.sleeps) == (["reboot web"], [])


def test_a_started_instance_that_kept_its_address_is_not_ready_before_its_deployment_has_begun() -> None:
    """Stopped behind Atmosphere, it keeps its address; it appears ready for ten seconds, and is not."""
    stage = scene(an_instance(status="shutoff", ip_address=ADDRESS))
    stage.cloud.answer("web", "start", lambda: None)
    phases = (
        Phase(0, "shutoff", "powering-on", ADDRESS),
        Phase(3, "active", "", ADDRESS),
        Phase(10, "active", "deploying", ADDRESS),
        Phase(17, "active", "", ADDRESS),
    )
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", *phases))
    assert ran(stage.one("started"))[:2] == ("ok", "active")
    assert stage.clock.monotonic() >= 17
    assert stage.cloud.settle_seconds == 30


@pytest.mark.parametrize("workers_are_behind", [60, 120])
def test_no_address_means_that_the_deployment_has_not_begun(workers_are_behind: float) -> None:
    stage = scene(an_instance(status="shutoff"))
    phases = (
        Phase(0, "active"),
        Phase(workers_are_behind, "active", "networking"),
        Phase(workers_are_behind + 8, "active", "", NEW_ADDRESS),
    )
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", *phases))
    run = stage.one("started")
    assert (run.failed, run.now.ip_address) == (False, NEW_ADDRESS)


def test_a_deploy_error_right_after_a_start_is_that_of_the_deployment_before() -> None:
    stage = scene(an_instance(status="shutoff"))
    phases = (
        Phase(0, "active", "deploy_error"),
        Phase(10, "active", "initializing"),
        Phase(15, "active", "", NEW_ADDRESS),
    )
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", *phases))
    assert ran(stage.one("started")) == ("ok", "active", ["start"], "start done")


def test_a_deploy_error_after_a_deployment_that_was_seen_is_its_outcome() -> None:
    stage = scene(an_instance(status="shutoff"))
    phases = (Phase(0, "active", "deploying"), Phase(8, "active", "deploy_error"))
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", *phases))
    assert ran(stage.one("started"))[::3] == (
        "failed",
        "it runs, but the cloud could not deploy it (deploy_error)",
    )
    assert stage.clock.monotonic() < 60


def test_an_instance_that_another_user_started_is_ready_no_sooner() -> None:
    stage = scene(an_instance(status="shutoff", activity="powering-on"))
    stage.cloud.begin("web", Action.START)
    assert ran(stage.one("started")) == ("ok", "active", [], "reached active on its own")
    assert stage.clock.monotonic() >= 25


def test_an_instance_awake_without_an_address_is_not_kept_waiting() -> None:
    assert scene(an_instance()).one("started").message == "already active"


def test_polls_less_and_less_often() -> None:
    stage = scene(an_instance(activity="image_snapshot"))
    stage.one("stopped", timeout=600)
    sleeps = stage.clock.sleeps
    assert sum(sleeps) == pytest.approx(599)
    assert sleeps[0] <= 3, "a quick end is seen soon"
    assert sleeps[1:-1] == sorted(sleeps[1:-1])
    assert 10 <= sleeps[-2] <= 30, "and a late one without a look every second"


def test_time_is_up_and_that_is_a_failure() -> None:
    stage = scene(an_instance(ip_address=ADDRESS))
    stage.cloud.answer("web", "poll", *[lambda: stage.cloud.set_phases("web", Phase(0, "active", "powering-off"))] * 9)
    run = stage.one("stopped", timeout=60)
    assert ran(run) == (
        "failed",
        "active - powering-off",
        ["stop"],
        "was not stopped within 60 s (last seen active - powering-off)",
    )
    # The last poll begins a second before the time is up.
    assert run.elapsed == 59
    assert stage.clock.monotonic() == 59


def test_an_instance_whose_poll_failed_is_polled_again() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "poll", ServerFault("Broken."), LeftOut("Later."), Unreachable("Lost."))
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")


def test_an_instance_whose_polls_failed_until_the_end_is_not_called_done() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "poll", *[ServerFault("The server broke.")] * 20)
    run = stage.one("stopped", timeout=60)
    assert run.failed
    assert run.message == "was not stopped within 60 s (last error: The server broke.)"


def test_failed_polls_that_have_passed_are_not_reported() -> None:
    stage = scene(an_instance(activity="image_snapshot"))
    stage.cloud.answer("web", "poll", ServerFault("The server broke."))
    assert stage.one("stopped", timeout=60).message == (
        "was not stopped within 60 s (last seen active - image_snapshot)"
    )


def test_an_instance_that_vanishes_during_a_stop_has_failed() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "poll", None, lambda: stage.cloud.set_phases("web", Phase(0, "missing")))
    run = stage.one("stopped")
    assert ran(run) == ("ok", "missing", ["stop"], "the cloud no longer has it")
    assert run.warn


def test_an_instance_that_vanishes_during_a_start_has_failed() -> None:
    stage = scene(an_instance(status="shutoff"))
    stage.cloud.answer("web", "poll", None, lambda: stage.cloud.set_phases("web", Phase(0, "missing")))
    assert ran(stage.one("started")) == ("failed", "missing", ["start"], "the cloud no longer has it")


# --- without waiting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "goal", "options", "expected"),
    [
        (an_instance(), "stopped", {}, ("ok", "active", ["stop"], "stop was accepted; not waited for")),
        (an_instance(status="shutoff"), "stopped", {}, ("ok", "shutoff", [], "already shutoff")),
        (
            an_instance(activity="powering-off"),
            "stopped",
            {},
            ("ok", "active - powering-off", [], "was in transition (active - powering-off); not waited for"),
        ),
        (
            an_instance(activity="deploying"),
            "stopped",
            {},
            ("failed", "active - deploying", [], "is busy (active - deploying); not waited for"),
        ),
        (
            an_instance(status="suspended"),
            "stopped",
            {"allow_wake": True},
            ("failed", "suspended", [], "needs resume, then stop, which requires wait: true"),
        ),
    ],
)
def test_without_wait_only_the_first_step_is_taken_and_nothing_is_called_done(
    instance: Instance, goal: str, options: dict[str, Any], expected: tuple[str, str, list[str], str]
) -> None:
    stage = scene(instance)
    assert ran(stage.one(goal, wait=False, **options)) == expected
    assert stage.clock.sleeps == []
    assert stage.cloud.count("poll") == 0


def test_without_wait_a_conflict_with_a_faster_client_is_no_failure() -> None:
    stage = scene(an_instance())
    stage.cloud.set_phases("web", Phase(0, "shutoff"))
    assert ran(stage.one("stopped", wait=False)) == ("ok", "shutoff", [], "reached shutoff on its own")


# --- refusals, and answers that leave things open --------------------------------------------------------------------


def test_a_conflict_with_a_faster_client_is_no_failure() -> None:
    stage = scene(an_instance())
    stage.cloud.set_phases("web", Phase(0, "shutoff"))
    assert ran(stage.one("stopped")) == ("ok", "shutoff", [], "reached shutoff on its own")
    assert stage.cloud.calls[:2] == ["stop web", "get web"]


def test_a_conflict_with_another_client_that_sent_it_the_same_way_is_waited_out() -> None:
    stage = scene(an_instance())
    stage.cloud.begin("web", Action.STOP)
    assert ran(stage.one("stopped")) == ("ok", "shutoff", [], "reached shutoff on its own")
    assert stage.cloud.count("stop") == 1


def test_a_conflict_with_another_client_that_woke_it_is_the_first_step_done() -> None:
    stage = scene(an_instance(status="suspended"))
    stage.cloud.set_phases("web", Phase(0, "active"))
    assert ran(stage.one("stopped", allow_wake=True)) == ("ok", "shutoff", ["stop"], "stop done")


def test_a_conflict_with_something_else_is_waited_out() -> None:
    stage = scene(an_instance(ip_address=ADDRESS))
    stage.cloud.set_phases("web", Phase(0, "active", "image_snapshot", ADDRESS), Phase(40, "active", "", ADDRESS))
    assert ran(stage.one("stopped")) == (
        "ok",
        "shutoff",
        ["stop"],
        "stop done",
    )
    assert stage.cloud.count("stop") == 2


def test_a_conflict_at_rest_is_a_failure_and_is_not_sent_again() -> None:
    stage = scene(an_instance(ip_address=ADDRESS))

    def takes_the_address() -> None:
        stage.cloud.set_phases("web", Phase(0, "active"))
        raise REFUSED

    stage.cloud.answer("web", "stop", takes_the_address)
    assert ran(stage.one("stopped")) == ("failed", "active", [], f"{REFUSED} It has lost its address {ADDRESS}.")
    assert stage.cloud.count("stop") == 1


def test_after_a_conflict_the_way_from_where_it_is_now_is_taken() -> None:
    stage = scene(an_instance(status="suspended"))
    stage.cloud.set_phases("web", Phase(0, "shutoff"))
    assert ran(stage.one("started")) == ("ok", "active", ["start"], "start done")


def test_a_sleeping_instance_reports_the_address_that_the_refused_stop_took() -> None:
    """Listed as active, it was shut off behind Atmosphere, and had kept its address."""
    stage = scene(an_instance(ip_address=ADDRESS))
    stage.cloud.set_phases("web", Phase(0, "shutoff", "", ADDRESS))
    assert ran(stage.one("stopped")) == (
        "ok",
        "shutoff",
        [],
        f"reached shutoff on its own. It has lost its address {ADDRESS}.",
    )


def test_a_refusal_that_took_the_address_reports_it() -> None:
    stage = scene(an_instance(ip_address=ADDRESS))

    def takes_the_address() -> None:
        stage.cloud.set_phases("web", Phase(0, "active"))
        raise Refused("Suspend of web (1) was refused.")

    stage.cloud.answer("web", "suspend", takes_the_address)
    assert stage.one("suspended").message == (f"Suspend of web (1) was refused. It has lost its address {ADDRESS}.")


def test_text_of_other_users_stays_on_its_line() -> None:
    stage = scene(an_instance(status="error", fault="No valid host.\n\x1b[2JTry again."))
    assert stage.one("started").message.startswith("in error: No valid host. \ufffd[2JTry again. A hard reboot")


def test_a_conflict_that_took_no_address_reports_none() -> None:
    stage = scene(an_instance(status="shutoff"))
    stage.cloud.answer("web", "start", Conflict("Start of web (1) was refused."))
    assert stage.one("started").message == "Start of web (1) was refused."


def test_without_wait_a_conflict_that_cannot_be_read_again_reports_both() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "stop", REFUSED)
    stage.cloud.answer("web", "get", ServerFault("Reading web (1) failed."))
    assert ran(stage.one("stopped", wait=False))[::3] == (
        "failed",
        f"{REFUSED} Reading it again failed as well: Reading web (1) failed.",
    )


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_conflict_that_cannot_be_read_at_once_is_read_later(is_stopped: bool) -> None:
    stage = scene(an_instance(ip_address=ADDRESS))
    phase = Phase(0, "shutoff") if is_stopped else Phase(0, "active", "", None)

    def refused() -> None:
        stage.cloud.set_phases("web", phase)
        raise REFUSED

    stage.cloud.answer("web", "stop", refused)
    stage.cloud.answer("web", "get", ServerFault("Reading web (1) failed."))
    run = stage.one("stopped")
    if is_stopped:
        assert ran(run)[:3] == ("ok", "shutoff", [])
        assert run.message.startswith("reached shutoff on its own")
    else:
        assert ran(run)[::3] == ("failed", f"{REFUSED} It has lost its address {ADDRESS}.")
    assert stage.cloud.count("stop") == 1


def test_a_conflict_that_can_never_be_read_again_is_in_the_message_when_the_time_is_up() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "stop", REFUSED)
    broken = ServerFault("Reading web (1) failed.")
    stage.cloud.answer("web", "get", broken)
    stage.cloud.answer("web", "poll", *[broken] * 99)
    run = stage.one("stopped", timeout=60)
    assert (run.failed, run.changed) == (True, False)
    assert run.message == f"was not stopped within 60 s: {REFUSED} (last error: Reading web (1) failed.)"


def test_without_wait_a_reboot_that_is_still_due_after_a_conflict_is_said_not_to_be_sent() -> None:
    """Another user has resumed it meanwhile: it is awake, but was not rebooted."""
    stage = scene(an_instance(status="suspended"))
    stage.cloud.answer("web", "resume", lambda: stage.cloud.set_phases("web", Phase(0, "active")))
    run = stage.one("rebooted", wait=False, allow_wake=True)
    assert ran(run) == ("failed", "active", [], "reboot was not sent, since wait is false")


@pytest.mark.parametrize("carried_out", [True, False])
def test_an_instance_that_cannot_be_read_after_a_refusal_is_read_later(carried_out: bool) -> None:
    """Atmosphere reports an action that nova carried out with an error as a refusal. A real refusal is final."""
    stage = scene(an_instance())
    refused = Refused("Stop of web (1) was refused.", status=403)
    stage.cloud.answer("web", "stop", refused)
    stage.cloud.answer("web", "get", ServerFault("Reading web (1) failed."))
    if carried_out:
        stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", Phase(0, "shutoff")))
    run = stage.one("stopped")
    assert (run.changed, run.failed, run.unclear) == (carried_out, not carried_out, False)
    assert run.message == ("stop done" if carried_out else str(refused))
    assert stage.cloud.count("stop") == 1


def test_an_instance_found_gone_right_before_an_action_takes_none() -> None:
    """The read before a late action may find it deleted, which is no error of reading."""
    stage = scene(an_instance())
    stage.cloud.answer("web", "get", NotFound("Reading web (1) was refused."))
    stage.clock.sleep(20)
    options = ConvergeOptions(Goal.STOPPED)
    [run] = converge(stage.cloud, stage.instances, options, stage.clock, observed_at=0.0, jitter=same).runs
    assert ran(run) == ("skipped", "missing", [], "skipped: the cloud no longer has it")
    assert stage.cloud.calls == ["get web"]


UNCLEAR = [
    BROKE,
    Unreachable("The connection was lost."),
    UnexpectedResponse("Answered with text/html."),
]
# Errors of actions that surely were not carried out, and may be accepted the next time.
UNSENT = [
    Unreachable("Nobody answers.", unsent=True),
    RateLimited("Stop of web (1) was rejected by the rate limit (HTTP 429).", status=429),
]


@pytest.mark.parametrize("error", UNCLEAR, ids=lambda error: type(error).__name__)
def test_a_lost_response_to_an_action_that_was_carried_out_is_no_failure(error: JetstreamError) -> None:
    stage = scene(an_instance())

    def carried_out() -> None:
        stage.cloud.begin("web", Action.STOP)
        raise error

    stage.cloud.answer("web", "stop", carried_out)
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")
    assert stage.cloud.count("stop") == 1


@pytest.mark.parametrize("error", [*UNCLEAR, *UNSENT], ids=lambda error: type(error).__name__)
def test_an_action_that_surely_was_not_carried_out_is_sent_again(error: JetstreamError) -> None:
    stage = scene(an_instance(ip_address=ADDRESS))
    stage.cloud.answer("web", "stop", error, error)
    run = stage.one("stopped")
    assert ran(run) == ("ok", "shutoff", ["stop"], "stop done")
    assert stage.cloud.count("stop") == 3
    assert not run.unclear


@pytest.mark.parametrize("error", UNCLEAR, ids=lambda error: type(error).__name__)
def test_two_polls_must_show_an_instance_at_rest_before_an_action_is_sent_again(error: JetstreamError) -> None:
    stage = scene(an_instance())

    def slowly() -> None:
        stage.cloud.set_phases("web", Phase(0, "active"), Phase(1, "active", "powering-off"), Phase(6, "shutoff"))
        raise error

    stage.cloud.answer("web", "stop", slowly)
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")
    assert stage.cloud.count("stop") == 1


def test_two_polls_must_show_it_again_after_an_action_was_sent_again() -> None:
    stage = scene(an_instance())

    def slowly() -> None:
        stage.cloud.set_phases("web", Phase(0, "active"), Phase(1, "active", "powering-off"), Phase(6, "shutoff"))
        raise BROKE

    stage.cloud.answer("web", "stop", BROKE, slowly)
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")
    assert stage.cloud.count("stop") == 2


def test_sending_again_has_longer_and_longer_pauses_and_an_end() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "stop", *[BROKE] * 99)
    run = stage.one("stopped", timeout=900)
    assert (run.failed, run.changed, run.actions) == (True, False, [])
    assert 8 <= stage.cloud.count("stop") <= 25
    assert stage.clock.monotonic() == pytest.approx(899)
    assert str(BROKE) in run.message or "last seen active" in run.message


@pytest.mark.parametrize("error", UNCLEAR, ids=lambda error: type(error).__name__)
def test_an_action_in_doubt_whose_polls_fail_too_stays_pending(error: JetstreamError) -> None:
    stage = scene(an_instance())

    def carried_out() -> None:
        stage.cloud.begin("web", Action.STOP)
        raise error

    stage.cloud.answer("web", "stop", carried_out)
    stage.cloud.answer("web", "get", ServerFault("The server broke."))
    stage.cloud.answer("web", "poll", *[ServerFault("The server broke.")] * 3)
    run = stage.one("stopped")
    assert ran(run) == ("ok", "shutoff", ["stop"], "stop done")
    assert not run.unclear


@pytest.mark.parametrize("action", [Action.STOP, Action.REBOOT])
def test_an_action_that_stays_in_doubt_is_unclear_and_never_unchanged(action: Action) -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", action.value, BROKE)
    stage.cloud.answer("web", "get", *[ServerFault("The server broke.")] * 99)
    stage.cloud.answer("web", "poll", *[ServerFault("The server broke.")] * 99)
    goal = "stopped" if action is Action.STOP else "rebooted"
    run = stage.one(goal, timeout=60)
    assert (run.failed, run.changed, run.unclear, run.actions) == (True, True, True, [action])
    assert run.message == (
        f"was not {goal} within 60 s: {action} was sent, but its response was lost ({BROKE}); "
        "last error: The server broke."
    )


def test_maintenance_after_a_lost_response_does_not_hide_that_something_was_sent() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "stop", ServerFault("Lost (HTTP 504)."))
    stage.cloud.answer("web", "get", InMaintenance("Closed."))
    run = stage.one("stopped")
    assert (run.failed, run.changed, run.unclear) == (True, True, True)


@pytest.mark.parametrize(("action", "goal"), [("unshelve", "started"), ("stop", "stopped"), ("reboot", "rebooted")])
def test_an_action_in_doubt_whose_instance_falls_into_error_is_not_said_to_have_changed_nothing(
    action: str, goal: str
) -> None:
    """The response was lost, and the action has failed: it is in error, which is not where it was."""
    stage = scene(an_instance(status="shelved_offloaded" if action == "unshelve" else "active"))
    stage.cloud.answer("web", action, BROKE)
    stage.cloud.set_phases("web", Phase(0, "error"))
    run = stage.one(goal)
    assert (run.failed, run.changed, run.unclear) == (True, True, True)
    assert (state_text(run.now), run.actions, run.skipped) == ("error", [Action(action)], False)
    assert "in error" in run.message


def test_an_action_in_doubt_is_not_sent_again_to_an_instance_that_rests_elsewhere() -> None:
    """Another user has shelved it meanwhile: a resume would be refused, and on Atmosphere a stop cost its address."""
    stage = scene(an_instance(status="suspended"))
    stage.cloud.answer("web", "resume", BROKE)
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", Phase(0, "shelved_offloaded")))
    run = stage.one("started")
    assert (run.failed, run.unclear, run.actions) == (True, True, [Action.RESUME])
    assert stage.cloud.count("resume") == 1
    assert run.message.startswith("it is shelved_offloaded: resume was sent, but its response was lost")


def test_a_refusal_that_could_not_be_looked_into_is_not_called_a_lost_response() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "stop", Refused("Stop of web was refused: Quota exceeded."))
    stage.cloud.answer("web", "get", ServerFault("The server broke."))
    run = stage.one("stopped", wait=False)
    assert (run.failed, run.unclear) == (True, True)
    assert run.message == (
        "was not waited for: stop was refused, but may have been carried out "
        "(Stop of web was refused: Quota exceeded.); last error: The server broke."
    )


@pytest.mark.parametrize("wait", [True, False])
def test_an_address_that_an_action_in_doubt_has_cost_is_reported(wait: bool) -> None:
    stage = scene(an_instance(ip_address=ADDRESS))
    stage.cloud.answer("web", "stop", *[BROKE] * 99)
    stage.cloud.set_phases("web", Phase(0, "active", "", None))
    run = stage.one("stopped", wait=wait, timeout=20)
    assert run.failed
    assert f"It has lost its address {ADDRESS}" in run.message


def test_an_address_that_an_action_cost_that_came_to_nothing_is_reported() -> None:
    stage = scene(an_instance(ip_address=ADDRESS))
    stage.cloud.answer("web", "poll", *[lambda: stage.cloud.set_phases("web", Phase(0, "active", "", None))] * 3)
    run = stage.one("stopped")
    assert (run.failed, run.actions) == (True, [Action.STOP])
    assert f"It has lost its address {ADDRESS}" in run.message


def test_without_wait_a_lost_response_is_unclear_and_not_sent_again() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "stop", BROKE)
    run = stage.one("stopped", wait=False)
    assert (run.failed, run.changed, run.unclear) == (True, True, True)
    assert stage.cloud.count("stop") == 1


@pytest.mark.parametrize("error", [*UNCLEAR, *UNSENT], ids=lambda error: type(error).__name__)
def test_a_reboot_is_never_sent_again(error: JetstreamError) -> None:
    stage = scene(an_instance(ip_address=ADDRESS))

    def carried_out() -> None:
        stage.cloud.begin("web", Action.REBOOT)
        raise error

    stage.cloud.answer("web", "reboot", error)
    run = stage.one("rebooted")
    assert run.failed
    assert run.changed is (error in UNCLEAR)
    assert run.unclear is (error in UNCLEAR)
    assert stage.cloud.count("reboot") == 1
    assert stage.clock.monotonic() < 200
    if error in UNCLEAR:
        stage = scene(an_instance(ip_address=ADDRESS))
        stage.cloud.answer("web", "reboot", carried_out)
        assert ran(stage.one("rebooted")) == ("ok", "active", ["reboot"], "reboot done")


def test_a_refusal_in_the_clouds_own_words_is_final() -> None:
    stage = scene(an_instance())
    refused = Refused("Stop of web (1) was refused: irrecoverable exception (HTTP 403).")
    stage.cloud.answer("web", "stop", refused)
    assert ran(stage.one("stopped")) == ("failed", "active", [], str(refused))
    assert stage.cloud.count("stop") == 1


def test_a_refused_action_that_is_seen_at_its_end_needs_no_further_poll() -> None:
    stage = scene(an_instance())

    def refused() -> None:
        stage.cloud.set_phases("web", Phase(0, "shutoff"))
        raise Refused("Stop of web was refused: quota.")

    stage.cloud.answer("web", "stop", refused)
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")
    assert stage.cloud.count("poll") == 0


def test_a_refusal_of_an_action_that_was_carried_out_is_no_failure() -> None:
    stage = scene(an_instance())

    def carried_out() -> None:
        stage.cloud.begin("web", Action.STOP)
        raise Refused("irrecoverable exception (HTTP 403).")

    stage.cloud.answer("web", "stop", carried_out)
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")


# --- the time for all of it ------------------------------------------------------------------------------------------


def test_nothing_is_sent_after_the_time_is_up() -> None:
    stage = scene(*fleet(10), max_concurrency=1)
    for each in stage.instances:
        stage.cloud.answer(each.name, "stop", lambda: stage.clock.sleep(10))
        stage.cloud.answer(each.name, "get", lambda: None)
    fleet_run = stage.run("stopped", timeout=35)
    assert stage.cloud.count("stop") == 4
    assert [run.changed for run in fleet_run.runs] == [True] * 4 + [False] * 6
    assert all(run.failed for run in fleet_run.runs[4:])
    assert stage.clock.monotonic() <= 45


# --- two runs at once ------------------------------------------------------------------------------------------------


def slow_to_stop(count: int, *, waited: float = 0.0) -> Scene:
    """Return a fleet that takes a second for each stop, one at a time, and whose list took some time."""
    stage = scene(*fleet(count), max_concurrency=1)
    for each in stage.instances:
        stage.cloud.answer(each.name, "stop", lambda: stage.clock.sleep(1))
    stage.clock.sleep(waited)
    return stage


def test_old_observations_are_renewed_by_one_poll_before_anything_is_sent() -> None:
    stage = slow_to_stop(40)
    stage.cloud.set_phases("node-040", Phase(0, "active"), Phase(2, "active", "powering-off"), Phase(9, "shutoff"))
    stage.run("stopped")
    calls = stage.cloud.calls
    assert (stage.cloud.count("stop"), "stop node-040" in calls, stage.cloud.count("get")) == (39, False, 0)
    last_stop = calls.index("stop node-039")
    assert [each for each in calls[:last_stop] if each.startswith("poll")] == [
        "poll 29",
        "poll 17",
        "poll 6",
    ]


@pytest.mark.parametrize(("waited", "is_current"), [(3, True), (0, False)], ids=["slow lists", "stale polls"])
def test_where_lists_are_slow_or_stale_an_old_observation_is_renewed_alone(waited: float, is_current: bool) -> None:
    stage = slow_to_stop(40, waited=waited)
    stage.cloud.polls_are_current = is_current
    stage.cloud.set_phases("node-040", Phase(0, "active"), Phase(2, "active", "powering-off"), Phase(9, "shutoff"))
    options = ConvergeOptions(Goal.STOPPED)
    converge(stage.cloud, stage.instances, options, stage.clock, observed_at=0.0, jitter=same)
    assert "stop node-040" not in stage.cloud.calls
    assert "get node-040" in stage.cloud.calls
    assert "get node-002" not in stage.cloud.calls
    assert "poll 29" not in stage.cloud.calls


@pytest.mark.parametrize("error", [ServerFault("no"), LeftOut("not there")], ids=["failed", "left out"])
def test_an_observation_that_a_poll_did_not_renew_is_renewed_alone(error: JetstreamError) -> None:
    stage = slow_to_stop(20)
    stage.cloud.answer("node-020", "poll", error)
    done = stage.run("stopped")
    assert not any(run.failed for run in done.runs)
    assert stage.cloud.calls.index("get node-020") + 1 == stage.cloud.calls.index("stop node-020")
    assert stage.cloud.count("stop") == 20


def test_after_a_slow_poll_old_observations_are_renewed_one_by_one() -> None:
    stage = slow_to_stop(20)
    stage.cloud.answer("node-020", "poll", lambda: stage.clock.sleep(11))
    done = stage.run("stopped")
    assert not any(run.failed for run in done.runs)
    before = stage.cloud.calls[: stage.cloud.calls.index("stop node-020")]
    assert [each for each in before if each.startswith("poll")] == ["poll 9"]
    assert "get node-019" in before


def test_a_refused_login_while_observations_are_renewed_ends_the_run() -> None:
    stage = slow_to_stop(20)
    stage.cloud.answer("node-020", "poll", AuthenticationFailed("The token was refused."))
    done = stage.run("stopped")
    assert isinstance(done.aborted_by, AuthenticationFailed)
    assert stage.cloud.count("stop") == 11
    assert [run.failed for run in done.runs[11:]] == [True] * 9


def test_after_one_conflict_the_others_are_read_before_anything_is_sent() -> None:
    stage = scene(*fleet(40), max_concurrency=1)
    for each in stage.instances:
        stage.cloud.begin(each.name, Action.STOP)
    done = stage.run("stopped")
    assert not any(run.failed for run in done.runs)
    assert stage.cloud.count("stop") == 1


def test_a_list_that_took_long_is_as_old_as_when_it_was_begun() -> None:
    stage = scene(an_instance())
    stage.clock.sleep(12)
    stage.cloud.begin("web", Action.STOP)
    options = ConvergeOptions(Goal.STOPPED)
    [run] = converge(stage.cloud, stage.instances, options, stage.clock, observed_at=0.0, jitter=same).runs
    assert (run.failed, run.changed) == (False, False)
    assert stage.cloud.count("stop") == 0


def test_an_action_whose_login_failed_was_not_sent_and_is_sent_later() -> None:
    stage = scene(an_instance())
    error = ServerFault("The login failed in the cloud (HTTP 500).")
    error.unsent = True
    stage.cloud.answer("web", "stop", error)
    run = stage.one("stopped")
    assert ran(run) == ("ok", "shutoff", ["stop"], "stop done")
    assert stage.cloud.count("get") == 0


def test_a_lost_lock_of_an_action_that_was_surely_not_sent_leaves_nothing_unclear() -> None:
    stage = scene(an_instance(locked=True))
    stage.cloud.answer(
        "web", "stop", LockLost("Stop of web was rejected by the rate limit.", accepted=False, unsent=True)
    )
    run = stage.one("stopped", include_locked=True)
    assert (run.failed, run.unclear, run.actions) == (True, False, [])


# --- bugs ------------------------------------------------------------------------------------------------------------


def test_a_bug_of_ours_ends_one_instance_and_reports_that_it_is_one() -> None:
    stage = scene(*fleet(3))
    stage.cloud.answer("node-002", "stop", TypeError("'<' not supported"))
    done = stage.run("stopped")
    assert [run.failed for run in done.runs] == [False, True, False]
    assert "jetstream.cloud has a bug: TypeError: '<' not supported" in done.runs[1].message
    assert "report it" in done.runs[1].message


def test_a_poll_that_breaks_is_tried_again() -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "poll", RuntimeError("a mistake"))
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")


def test_a_display_that_breaks_does_not_end_the_work() -> None:
    stage = scene(an_instance())

    def closed(_progress: Progress) -> None:
        raise BrokenPipeError

    [run] = converge(
        stage.cloud, stage.instances, ConvergeOptions(Goal.STOPPED), stage.clock, report=closed, jitter=same
    ).runs
    assert ran(run) == ("ok", "shutoff", ["stop"], "stop done")


def test_a_lock_that_could_not_be_put_back_fails_the_instance() -> None:
    stage = scene(an_instance(locked=True, lock_reason="term paper"))

    def stops_unlocked() -> None:
        stage.cloud.begin("web", Action.STOP)
        raise LockLost("Locking it again failed (reason: term paper): The server broke.", accepted=True)

    stage.cloud.answer("web", "stop", stops_unlocked)
    run = stage.one("stopped", include_locked=True)
    assert ran(run) == (
        "failed",
        "shutoff",
        ["stop"],
        "stop done. Locking it again failed (reason: term paper): The server broke.",
    )


@pytest.mark.parametrize(
    "error",
    [
        OverAllocation('Start of web (1) was refused: "Time allocation exceeded" (HTTP 413).', status=413),
        NotFound("Start of web (1) was refused.", status=404),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_plain_refusal_is_reported_in_its_own_words(error: JetstreamError) -> None:
    stage = scene(an_instance(status="shutoff"))
    stage.cloud.answer("web", "start", error)
    assert ran(stage.one("started")) == ("failed", "shutoff", [], str(error))
    assert stage.cloud.calls == ["start web"]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (None, "the cloud accepted the stop, but it is active again"),
        (
            "The guest did not shut down.",
            "the cloud accepted the stop, but it is active again: The guest did not shut down.",
        ),
        (ServerFault("Broken."), "the cloud accepted the stop, but it is active again"),
    ],
)
def test_an_accepted_action_that_came_to_nothing_is_a_failure(
    reason: str | JetstreamError | None, message: str
) -> None:
    stage = scene(an_instance())
    if reason:
        stage.cloud.reasons["web"] = reason
    stage.cloud.answer("web", "poll", lambda: stage.cloud.set_phases("web", Phase(0, "active")))
    assert ran(stage.one("stopped")) == ("failed", "active", ["stop"], message)
    assert stage.cloud.count("stop") == 1, "it is not sent again"


def test_a_cloud_that_begins_late_is_not_given_up() -> None:
    stage = scene(an_instance())

    def late() -> None:
        stage.cloud.set_phases("web", Phase(0, "active"), Phase(0.5, "active", "powering-off"), Phase(5, "shutoff"))

    stage.cloud.answer("web", "poll", late)
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")


def test_only_polls_in_a_row_that_find_an_instance_back_fail_it() -> None:
    stage = scene(an_instance())

    def back() -> None:
        stage.cloud.set_phases("web", Phase(0, "active"))

    def moving() -> None:
        stage.cloud.set_phases("web", Phase(0, "active", "powering-off"))

    stage.cloud.answer("web", "poll", back, moving, back, moving, back, lambda: stage.cloud.begin("web", Action.STOP))
    assert ran(stage.one("stopped")) == ("ok", "shutoff", ["stop"], "stop done")


def test_polls_that_find_an_instance_back_are_counted_anew_for_a_second_action() -> None:
    stage = scene(an_instance(status="suspended"))

    def begin_late(status: str, action: Action) -> Callable[[], None]:
        later = [replace(each, after=each.after + 0.5) for each in PHASES[action]]
        return lambda: stage.cloud.set_phases("web", Phase(0, status), *later)

    stage.cloud.answer("web", "poll", begin_late("suspended", Action.RESUME))
    stage.cloud.answer("web", "stop", lambda: stage.cloud.answer("web", "poll", begin_late("active", Action.STOP)))
    run = stage.one("stopped", allow_wake=True)
    assert ran(run) == ("ok", "shutoff", ["resume", "stop"], "resume, then stop done")


def test_an_instance_that_falls_into_error_on_the_way_has_failed() -> None:
    stage = scene(an_instance(status="shutoff"))
    stage.cloud.answer("web", "poll", None, lambda: stage.cloud.set_phases("web", Phase(0, "error")))
    assert ran(stage.one("started"))[::3] == ("failed", "in error, and the cloud gives no reason")


@pytest.mark.parametrize("goal", ["stopped", "rebooted"])
def test_an_instance_that_another_user_puts_to_another_sleep_on_the_way_has_failed(goal: str) -> None:
    stage = scene(an_instance())
    stage.cloud.answer("web", "poll", None, lambda: stage.cloud.set_phases("web", Phase(0, "suspended")))
    action = {"stopped": "stop", "rebooted": "reboot"}[goal]
    assert ran(stage.one(goal)) == ("failed", "suspended", [action], f"it is suspended after the {action}")


# --- fleets ----------------------------------------------------------------------------------------------------------


def fleet(count: int, status: str = "active") -> list[Instance]:
    return [an_instance(f"node-{number:03}", status, number=number) for number in range(1, count + 1)]


def test_an_instance_that_fails_does_not_delay_the_others() -> None:
    stage = scene(*fleet(40))
    stage.cloud.answer("node-007", "stop", Refused("Not yours."))
    stage.cloud.answer("node-009", "stop", OverAllocation("Used up."))
    run = stage.run("stopped")
    assert [run.before.name for run in run.runs if run.failed] == ["node-007", "node-009"]
    assert all(state_text(run.now) == "shutoff" for run in run.runs if not run.failed)
    assert run.aborted_by is None
    assert stage.cloud.count("stop") == 40


@pytest.mark.parametrize("error", [AuthenticationFailed("Refused."), InMaintenance("Closed.")], ids=["login", "closed"])
@pytest.mark.parametrize("call", ["stop", "get", "poll"])
def test_a_fatal_error_ends_a_run_and_every_instance_is_still_accounted_for(call: str, error: JetstreamError) -> None:
    stage = scene(*fleet(40), an_instance("cold", "shutoff", number=41), max_concurrency=1)
    if call == "get":
        stage.cloud.answer("node-001", "stop", BROKE)
    stage.cloud.answer("node-001", call, error)
    run = stage.run("stopped")
    assert run.aborted_by is error
    assert len(run.runs) == 41
    assert [run.message for run in run.runs if not run.failed] == ["already shutoff"]
    why = f"was not completed: {str(error).rstrip('.')}"
    assert {each.message.split(" (")[0] for each in run.runs if each.failed} <= {
        why,
        f"{why}: stop was sent, but its response was lost",
    }
    assert sum(each.unclear for each in run.runs) == (call == "get")
    assert sum(each.changed for each in run.runs) == {"poll": 40, "get": 1, "stop": 0}[call]
    assert stage.cloud.count("stop") == (40 if call == "poll" else 1), "nothing is sent after that"


def test_other_instances_in_a_list_are_observed_too() -> None:
    """Of many, a sample is polled, but the list that is read for it may have all."""
    stage = scene(*fleet(12))
    poll, requested = stage.cloud.poll, []

    def whole_list_once(instances: Sequence[Instance], **more: Any) -> Mapping[str, Instance | JetstreamError]:
        requested.append(len(instances))
        if len(requested) > 1:
            raise BROKE
        return poll(stage.instances, **more)

    stage.cloud.poll = whole_list_once  # type: ignore[method-assign]
    run = stage.run("stopped", timeout=60)
    assert requested[0] < 12
    assert {state_text(each.now) for each in run.runs} == {"active - powering-off"}


def test_observations_of_a_poll_that_a_fatal_error_ended_are_not_lost() -> None:
    stage = scene(*fleet(3))
    poll = stage.cloud.poll

    def closed_in_the_middle(instances: Sequence[Instance], **more: Any) -> Mapping[str, Instance | JetstreamError]:
        seen = dict(poll(instances, **more))
        first, second, *_others = (each.uuid for each in stage.instances)
        ended = isinstance(found := seen[first], Instance) and found.status == "shutoff"
        return seen | {second: InMaintenance("Closed.")} if ended else seen

    stage.cloud.poll = closed_in_the_middle  # type: ignore[method-assign]
    run = stage.run("stopped")
    assert str(run.aborted_by) == "Closed."
    assert [(each.failed, state_text(each.now)) for each in run.runs][::2] == [(False, "shutoff")] * 2
    assert (run.runs[1].failed, run.runs[1].message.partition(" (")[0]) == (True, "was not completed: Closed")


def test_ctrl_c_sends_nothing_more() -> None:
    stage = scene(*fleet(3), an_instance("busy", activity="image_snapshot", number=4))

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    stage.clock.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        stage.run("stopped")
    assert stage.cloud.count("stop") == 3
    assert stage.cloud.count("poll") == 0


def test_no_more_are_changed_than_was_allowed() -> None:
    stage = scene(*fleet(5), an_instance("cold", "shutoff", number=6))
    run = stage.run("stopped", max_changes=3)
    assert [run.message for run in run.runs] == [
        *["stop done"] * 3,
        *["not changed: max_changes (3) was reached"] * 2,
        "already shutoff",
    ]
    assert stage.cloud.count("stop") == 3


def test_a_second_step_is_not_a_second_change() -> None:
    stage = scene(*fleet(2, "suspended"))
    run = stage.run("stopped", allow_wake=True, max_changes=2)
    assert [ran(run)[2] for run in run.runs] == [["resume", "stop"]] * 2


def test_a_watcher_gets_every_completion_once_and_pending_instances() -> None:
    stage = scene(an_instance("fast", number=1), an_instance("slow", activity="image_snapshot", number=2))
    heard: list[Progress] = []
    options = ConvergeOptions(Goal.STOPPED, timeout=30)
    converge(stage.cloud, stage.instances, options, stage.clock, report=heard.append, jitter=same)
    assert [(arrival.label, arrival.message, arrival.failed) for each in heard for arrival in each.completed] == [
        ("fast (1)", "stop done", False),
        ("slow (2)", "was not stopped within 30 s (last seen active - image_snapshot)", True),
    ]
    assert heard[0].pending == ("fast (1)", "slow (2)")
    assert (heard[-1].total, heard[-1].ended, heard[-1].failed, heard[-1].elapsed, heard[-1].pending) == (
        2,
        2,
        1,
        29,
        (),
    )
    middle = next(each for each in heard if each.ended == 1)
    assert middle.pending == ("slow (2)",)


# --- check mode ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "goal", "options", "expected"),
    [
        (an_instance(), "stopped", {}, ("ok", "shutoff", ["stop"], "would stop")),
        (an_instance(status="shutoff"), "stopped", {}, ("ok", "shutoff", [], "already shutoff")),
        (
            an_instance(status="suspended"),
            "stopped",
            {"allow_wake": True},
            ("ok", "shutoff", ["resume", "stop"], "would resume, then stop"),
        ),
        (
            an_instance(activity="powering-off"),
            "stopped",
            {},
            ("ok", "shutoff", [], "is in transition (active - powering-off)"),
        ),
        (
            an_instance(activity="powering-off"),
            "started",
            {},
            ("ok", "active", ["start"], "would start once it is shutoff"),
        ),
        (
            an_instance(activity="image_snapshot"),
            "stopped",
            {},
            (
                "ok",
                "active - image_snapshot",
                [],
                "would wait: it is busy (active - image_snapshot), and its next state is unknown",
            ),
        ),
        (
            an_instance(status="error"),
            "stopped",
            {},
            ("skipped", "error", [], "skipped: in error, and the cloud gives no reason"),
        ),
        (
            an_instance(live=False),
            "stopped",
            {},
            ("failed", "active", [], "its state in the cloud cannot be read"),
        ),
    ],
)
def test_check_mode_reports(
    instance: Instance, goal: str, options: dict[str, Any], expected: tuple[str, str, list[str], str]
) -> None:
    stage = scene(instance)
    [run] = preview(stage.cloud, stage.instances, ConvergeOptions(Goal(goal), **options)).runs
    assert ran(run) == expected
    assert stage.cloud.calls == []


RESTING = ("active", "shutoff", "suspended", "paused", "shelved", "shelved_offloaded", "error", "rescue", "missing")


@given(
    start=st.sampled_from(RESTING) | st.sampled_from([each for each in Action if each is not Action.UNPAUSE]),
    goal=st.sampled_from(Goal),
    allow_wake=st.booleans(),
)
def test_check_mode_has_the_result_of_the_real_run(start: str | Action, goal: Goal, allow_wake: bool) -> None:
    """From every state, and from the beginning of every path: check mode has the result of the real run."""
    if isinstance(start, Action):
        first = PHASES[start][0]
        stage = scene(an_instance(status=first.status, activity=first.activity))
        stage.cloud.begin("web", start)
    else:
        stage = scene(an_instance(status=start))
    options = ConvergeOptions(goal, allow_wake=allow_wake)
    [ahead] = preview(stage.cloud, stage.instances, options).runs
    [after] = converge(stage.cloud, stage.instances, options, stage.clock, jitter=same).runs
    assert (ahead.actions, ahead.failed, ahead.skipped) == (after.actions, after.failed, after.skipped)


# --- anything at all -------------------------------------------------------------------------------------------------

TROUBLE: Sequence[Callable[[], JetstreamError] | None] = (
    None,
    None,
    lambda: Conflict("Refused."),
    lambda: ServerFault("Broken."),
    lambda: Unreachable("Lost."),
    lambda: NotFound("Gone."),
    lambda: OverAllocation("Used up."),
    lambda: LeftOut("Later."),
    lambda: AuthenticationFailed("No."),
)


@given(data=st.data())
def test_after_any_errors_each_instance_is_accounted_for_and_nothing_is_made_up(data: st.DataObject) -> None:
    names = [f"node-{number}" for number in range(data.draw(st.integers(1, 5)))]
    places = st.sampled_from(["active", "shutoff", "suspended", "shelved_offloaded", "error"])
    stage = scene(*(an_instance(name, data.draw(places), number=number) for number, name in enumerate(names)))
    goal = data.draw(st.sampled_from(Goal))
    for name in names:
        for call in ("get", "poll", *(each.value for each in Action)):
            troubles = data.draw(st.lists(st.sampled_from(TROUBLE), max_size=3))
            if call not in ("get", "poll"):
                troubles = [each for each in troubles if each is None or not isinstance(each(), LeftOut)]
            if call == "get":
                troubles = [each for each in troubles if each is None or not isinstance(each(), (LeftOut, Conflict))]
            stage.cloud.answer(name, call, *(each and each() for each in troubles))
    fleet = converge(
        stage.cloud,
        stage.instances,
        ConvergeOptions(goal, allow_wake=data.draw(st.booleans()), wait=data.draw(st.booleans()), timeout=100),
        stage.clock,
        jitter=same,
    )
    assert [run.before for run in fleet.runs] == stage.instances
    for run in fleet.runs:
        assert run.done
        assert run.message
        assert run.elapsed is not None
        if "done" in run.message.split():
            seen = classify(run.now.status, run.now.activity)
            assert run.failed or (seen.kind, seen.state) == (Kind.RESTING, goal.state)
        if not run.failed and not run.skipped and "not waited for" not in run.message:
            seen = classify(run.now.status, run.now.activity)
            gone = seen.kind is Kind.GONE and goal.state is not RestingState.ACTIVE
            assert gone or seen.state is RestingState(goal.state)
    assert (fleet.aborted_by is not None) <= any(run.failed for run in fleet.runs)
    assert stage.clock.monotonic() <= 100


def test_the_time_for_all_of_it_begins_with_the_list_and_bounds_every_request() -> None:
    stage = scene(an_instance(activity="image_snapshot"))
    stage.clock.sleep(20)
    options = ConvergeOptions(Goal.STOPPED, timeout=60)
    [run] = converge(stage.cloud, stage.instances, options, stage.clock, observed_at=0.0, jitter=same).runs
    assert (run.failed, stage.clock.monotonic(), stage.cloud.until) == (True, 59, 60)
