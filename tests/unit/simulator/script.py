# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps between the first recorded requests: to the cloud, to the database, and by requests that are not kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.jetstream.cloud.tests.simulator import Trouble
from ansible_collections.jetstream.cloud.tests.unit.simulator.between import Do, before
from ansible_collections.jetstream.cloud.tests.unit.simulator.stage import Stage

PROVIDER = "e661c8c9-8270-5c07-ba68-b6dfc16121bc"
IDENTITY = "b41f71bb-c954-5ff4-8067-a7453a68ad1a"
MINE = f"/api/v1/provider/{PROVIDER}/identity/{IDENTITY}"
# For a token that no recording shows.
_ANY = "0" * 8 + "-0000-4000-8000-" + "0" * 12


def _login(stage: Stage, username: str = "johndoe") -> str:
    answer = stage.send("POST", "/auth", {"username": username, "password": "pass"}, user=None)
    return str(answer.body["token"])


def _path(stage: Stage, name: str) -> str:
    return f"{MINE}/instance/{stage.world.instance(name).uuid}"


def _act(stage: Stage, name: str, at: str, **data: str) -> None:
    stage.move_to(at)
    stage.send("POST", f"{_path(stage, name)}/action", data)


def _read_live(stage: Stage, name: str, at: str) -> None:
    stage.move_to(at)
    stage.send("GET", f"{_path(stage, name)}?not-kept={at}")


@before(5)
def _log_in_by_page(stage: Stage) -> None:
    _login(stage)


@before(21)
def _let_a_token_expire(stage: Stage) -> None:
    stage.tokens["expired"] = _login(stage)
    stage.world.tokens[stage.tokens["expired"]].expires = stage.clock.now() - timedelta(hours=1)


# The states that geo-node-04 was put into in the cloud.
_DEPLOY_FAULT = {"traceback": "tb", "display_error": "Ansible failed"}
_NO_HOST = {"message": "No valid host was found.", "code": 500, "created": "2026-01-01T00:00:00Z"}
_FORCED: Mapping[int, Mapping[str, Any]] = {
    208: {"tmp_status": "initializing"},
    211: {"tmp_status": "networking"},
    214: {"tmp_status": "deploying"},
    217: {"tmp_status": "running_boot_script - 1/2"},
    220: {"tmp_status": "redeploying"},
    223: {"tmp_status": "deploy_error", "deploy_fault": _DEPLOY_FAULT},
    226: {"tmp_status": "user_deploy_error"},
    229: {"tmp_status": "boot_script_error"},
    232: {"task_state": "powering-off"},
    235: {"task_state": "suspending"},
    238: {"task_state": "shelving"},
    241: {"task_state": "image_snapshot"},
    244: {"task_state": "deleting"},
    247: {"task_state": "resize_prep"},
    250: {"vm_state": "resized"},
    253: {"vm_state": "paused"},
    256: {"status_override": "RESCUE"},
    259: {"status_override": "MIGRATING", "task_state": "migrating"},
    262: {"status_override": "REBUILD", "task_state": "rebuilding"},
    265: {"status_override": "PASSWORD"},
    268: {"status_override": "UNKNOWN"},
    271: {"status_override": "SOFT_DELETED"},
    274: {"vm_state": "stopped", "tmp_status": "deploy_error"},
    277: {"vm_state": "error", "fault": _NO_HOST},
    280: {},
    283: {},
}
# The live reads that followed were not kept of these.
_READ_NOT_KEPT = frozenset({220, 244, 268})


def _force(number: int) -> Do:
    def do(stage: Stage) -> None:
        stage.world.force("geo-node-04", "active", **_FORCED[number])
        if number in _READ_NOT_KEPT:
            stage.send("GET", f"{_path(stage, 'geo-node-04')}?not-kept={number}")

    return do


for _number in _FORCED:
    before(_number)(_force(_number))


@before(284)
def _fill_the_list_cache(stage: Stage) -> None:
    stage.move_to("19:25:48.5")
    stage.send("GET", f"{MINE}/instance")


@before(292)
def _take_the_allocation_away(stage: Stage) -> None:
    stage.world.instance("stopped-04").allocation_source = None
    _act(stage, "stopped-04", "19:25:59.2", action="start")


@before(301)
def _start_stopped_01(stage: Stage) -> None:
    _act(stage, "stopped-01", "19:26:05.0", action="start")


@before(309)
def _see_stopped_01_deploying(stage: Stage) -> None:
    _read_live(stage, "stopped-01", "19:26:18.0")


@before(317)
def _see_stopped_01_ready(stage: Stage) -> None:
    _read_live(stage, "stopped-01", "19:26:34.6")


@before(333)
def _see_suspended_01_resuming(stage: Stage) -> None:
    _read_live(stage, "suspended-01", "19:26:54.8")


@before(349)
def _unshelve_shelved_01(stage: Stage) -> None:
    _act(stage, "shelved-01", "19:27:08.5", action="unshelve")


@before(378)
def _run_the_monitor(stage: Stage) -> None:
    # The periodic job was started by hand.
    stage.move_to("19:27:43.0")
    stage.world.monitor()


@before(392)
def _reboot_what_is_off(stage: Stage) -> None:
    _act(stage, "stopped-03", "19:27:51.2", action="reboot", reboot_type="SOFT")


@before(429)
def _disable_suspend(stage: Stage) -> None:
    stage.world.providers[0].disabled_actions.add("suspend")


@before(430)
def _break_nova(stage: Stage) -> None:
    stage.world.providers[0].disabled_actions.clear()
    text = "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/"
    stage.world.trouble(Trouble("nova", "^POST action", status=500, text=text))


@before(431)
def _exceed_novas_quota(stage: Stage) -> None:
    stage.world.trouble(Trouble("nova", "^POST action", status=413, text="Quota exceeded for cores"))


@before(432)
def _refuse_the_login_at_keystone(stage: Stage) -> None:
    stage.world.trouble(Trouble("keystone", status=401, times=50))


@before(434)
def _break_the_connection_to_nova(stage: Stage) -> None:
    stage.world.cloud.troubles[:] = [Trouble("nova", "^GET servers", status=0, times=50)]
    _act(stage, "geo-node-04", "19:28:04.0", action="suspend")


@before(435)
def _make_nova_unavailable(stage: Stage) -> None:
    stage.world.cloud.troubles[:] = [Trouble("nova", "^GET servers", status=503, text="Service Unavailable", times=50)]


@before(438)
def _end_the_provider(stage: Stage) -> None:
    stage.world.cloud.troubles.clear()
    stage.world.providers[0].end_date = stage.clock.now() - timedelta(days=1)


@before(441)
def _reopen_the_provider(stage: Stage) -> None:
    stage.world.providers[0].end_date = None


# Launches. Tokens and uuids come in the order in which they are made.
_MADE: Mapping[int, tuple[str, ...]] = {
    468: ("adcbca77-c500-41a0-b97a-44bce28b6e62", "044ad56e-3f94-4229-9199-4ccf4b337d60"),
    493: ("224e75fa-174f-4b14-8238-aa8a530c76aa", "e7f3e838-7c28-4fd8-885e-584fe0a8411e"),
    494: (_ANY, "abe412cf-9945-4a95-969d-8c51b5f9f1f0"),
    495: (_ANY, "60f92a0a-8acb-41d0-9daf-5b653b4c7215", "08fc60b5-dbc4-45ea-bfc7-49475f7d30e9"),
    515: (_ANY, "71aab7b6-8c0a-4b44-8e93-b91675e603c0"),
}


def _make(number: int) -> Do:
    return lambda stage: stage.world.continue_with(*_MADE[number])


for _number in _MADE:
    before(_number)(_make(_number))


@before(518)
def _ask_a_process_without_sizes(stage: Stage) -> None:
    stage.world.settings.sizes_loaded = False


@before(519)
def _load_the_sizes(stage: Stage) -> None:
    stage.world.settings.sizes_loaded = True


@before(527)
def _exceed_novas_quota_by_a_launch(stage: Stage) -> None:
    text = "Quota exceeded for cores, instances: Requested 2, but already used 512 of 512 cores"
    stage.world.trouble(Trouble("nova", "^POST servers", status=403, text=text))


@before(528)
def _have_no_host(stage: Stage) -> None:
    stage.world.no_host()
    stage.world.continue_with("cfe9aff7-c314-40f0-a5f7-15eb579964e2", "bf7a4125-1e64-4937-9bf0-5241a6588156")


@before(531)
def _run_the_monitor_after_launches(stage: Stage) -> None:
    stage.move_to("19:29:23.0")
    stage.world.monitor()


# Volumes.


@before(545)
def _create_newvol(stage: Stage) -> None:
    stage.world.continue_with("00d361eb-15db-4377-af57-5b6f4d9a71b5")
    stage.move_to("19:29:38.542272")


@before(546)
def _create_newvol1(stage: Stage) -> None:
    stage.world.continue_with("fd12bcc9-c867-478a-9f16-4d00d5d3077b")
    stage.move_to("19:29:38.622833")


@before(553)
def _create_newvol2(stage: Stage) -> None:
    stage.world.continue_with("ec6578ea-3417-4cd3-9819-1eba464e1a10")
    stage.move_to("19:29:38.819815")


@before(578)
def _delete_newvol1_to_the_microsecond(stage: Stage) -> None:
    stage.move_to("19:29:59.120950")


@before(580)
def _create_a_project_to_the_microsecond(stage: Stage) -> None:
    stage.world.continue_with("49faaa18-2b01-47e2-b78c-e62cfc9c1c4e")
    stage.move_to("19:29:59.214172")


@before(589)
def _begin_maintenance(stage: Stage) -> None:
    stage.move_to("19:29:59.4")
    stage.world.monitor()
    stage.world.add_maintenance("Scheduled maintenance", "Jetstream is down for maintenance until 5pm")


@before(604)
def _confine_maintenance_to_the_provider(stage: Stage) -> None:
    stage.world.maintenance[0].provider = stage.world.providers[0]


@before(606)
def _deactivate_janeroe(stage: Stage) -> None:
    stage.world.maintenance.clear()
    stage.world.users["janeroe"].is_active = False


@before(608)
def _let_janeroes_account_end(stage: Stage) -> None:
    janeroe = stage.world.users["janeroe"]
    janeroe.is_active, janeroe.end_date = True, stage.clock.now() - timedelta(days=1)


@before(610)
def _log_in_for_a_session(stage: Stage) -> None:
    stage.world.users["janeroe"].end_date = None
    stage.move_to("19:30:00.2")
    _login(stage)


@before(615)
def _restart_without_sharing(stage: Stage) -> None:
    stage.new_world(project_sharing=False)


@before(623)
def _restart_with_a_snapshot_running(stage: Stage) -> None:
    stage.new_world()
    stage.world.force("geo-node-01", task_state="image_snapshot")
