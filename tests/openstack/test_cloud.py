# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloud for tests behaves as the README says: as a real OpenStack, with scripted outcomes and counted requests.

All tests but the last few share one cloud, with cinder. A cloud that is up in the default folder is used, and cleared.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest
import requests
from ansible_collections.jetstream.cloud.tests.openstack import cloud, keeper
from ansible_collections.jetstream.cloud.tests.openstack.fleet import FAULT, Server, addresses
from ansible_collections.jetstream.cloud.tests.openstack.services import Layout
from openstack import exceptions as errors
from openstack.connection import Connection

Connect = Callable[[str], Connection]

# openstacksdk emits these about its own code
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@pytest.fixture(scope="module")
def js2() -> Iterator[cloud.Cloud]:
    """Yield a cloud without servers."""
    with cloud.running(with_cinder=True, max_seconds=1500) as found:
        found.clear()
        yield found


@pytest.fixture(scope="module")
def connect(js2: cloud.Cloud) -> Iterator[Connect]:
    """Yield a function that logs in to a cloud of clouds.yaml with openstacksdk."""
    opened: list[Connection] = []

    def by_name(name: str) -> Connection:
        config = openstack.config.OpenStackConfig(config_files=[str(js2.clouds_yaml)]).get_one(name)
        connection = Connection(config=config, compute_default_microversion="2.96")
        opened.append(connection)
        return connection

    yield by_name
    for connection in opened:
        connection.close()


@pytest.fixture(scope="module")
def sdk(connect: Connect) -> Connection:
    """Return a user's connection, with an application credential."""
    return connect("js2")


@pytest.fixture
def server(js2: cloud.Cloud) -> Iterator[Server]:
    """Yield an active server."""
    (made,) = js2.servers()
    yield made
    js2.hypervisor.forget()
    js2.delete([made])


def last_action(sdk: Connection, server: Server) -> tuple[str, str | None, list[tuple[str, str]]]:
    """Return the newest action of a server, its message, and each of its events with the result."""
    newest = next(iter(sdk.compute.server_actions(server.id)))
    shown = sdk.compute.get_server_action(newest.request_id, server.id)
    return shown.action, shown.message, [(event.event, event.result) for event in shown.events]


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"the condition does not hold after {seconds} s"
        time.sleep(0.1)


# login and flavors ----------------------------------------------------------------------------------------------------


def test_flavors_are_those_of_jetstream2(sdk: Connection) -> None:
    found = {flavor.name: (flavor.id, flavor.vcpus, flavor.ram) for flavor in sdk.compute.flavors()}
    assert found["m3.tiny"] == ("1", 1, 3072)
    assert found["m3.large"] == ("5", 16, 61440)
    assert found["r3.large"][1] == 64
    assert found["g3.small"][1] == 4


def test_a_wrong_secret_is_refused(connect: Connect) -> None:
    with pytest.raises(errors.SDKException, match="401"):
        connect("js2-wrong").authorize()


def test_accounting_needs_a_valid_token(js2: cloud.Cloud, sdk: Connection) -> None:
    url = sdk.session.get_endpoint(service_type="accounting", interface="public")
    assert url == js2.urls["accounting"]

    def ask(token: str | None) -> requests.Response:
        return requests.get(url, headers={"X-Auth-Token": token} if token else {}, timeout=60)

    token = sdk.auth_token
    assert token
    answer = ask(token)
    assert (answer.status_code, answer.json()) == (200, js2.allocations)
    cpu = [row for row in js2.allocations if row["resource"] == "jetstream2.indiana.xsede.org"]
    assert [row["active"] for row in cpu] == [0, 1]
    assert None in [row["service_units_used"] for row in js2.allocations]

    before = js2.allocations
    js2.allocations = [cpu[0]]
    assert ask(token).json() == [cpu[0]]
    js2.allocations = before

    assert [ask(wrong).status_code for wrong in (None, token[:-3] + "AAA")] == [401, 401]


# power ----------------------------------------------------------------------------------------------------------------


def test_each_power_operation_leads_to_the_state_that_nova_documents(
    js2: cloud.Cloud, sdk: Connection, server: Server
) -> None:
    nova = sdk.compute
    steps: list[tuple[Callable[[str], object], str]] = [
        (nova.stop_server, "SHUTOFF"),
        (nova.start_server, "ACTIVE"),
        (nova.suspend_server, "SUSPENDED"),
        (nova.resume_server, "ACTIVE"),
        (nova.pause_server, "PAUSED"),
        (nova.unpause_server, "ACTIVE"),
        (lambda one: nova.reboot_server(one, "SOFT"), "ACTIVE"),
        (lambda one: nova.reboot_server(one, "HARD"), "ACTIVE"),
        (nova.shelve_server, "SHELVED_OFFLOADED"),
        (nova.unshelve_server, "ACTIVE"),
    ]
    for act, status in steps:
        act(server.id)
        js2.wait([server], status)
        assert nova.get_server(server.id).status == status
    with pytest.raises(errors.ConflictException, match="vm_state active"):
        nova.start_server(server.id)
    done = [action.action for action in nova.server_actions(server.id)]
    wanted = "create stop start suspend resume pause unpause reboot reboot shelve unshelve"
    assert done[::-1] == wanted.split()


def test_a_fleet_comes_in_a_mix_of_states(js2: cloud.Cloud, sdk: Connection) -> None:
    made = js2.fleet(
        {"active": 1, "shutoff": 2, "suspended": 1, "shelved_offloaded": 1, "error": 1, "locked": 1}, name="mix"
    )
    made |= js2.fleet({"shelved_without_host": 1, "paused": 1}, "m3.small", name="more")
    shown = {one.id: one for one in sdk.compute.servers()}
    status = {state: [shown[one.id].status for one in servers] for state, servers in made.items()}
    assert status == {
        "active": ["ACTIVE"],
        "shutoff": ["SHUTOFF", "SHUTOFF"],
        "suspended": ["SUSPENDED"],
        "paused": ["PAUSED"],
        "shelved_offloaded": ["SHELVED_OFFLOADED"],
        "shelved_without_host": ["SHELVED"],
        "error": ["ERROR"],
        "locked": ["ACTIVE"],
    }
    assert shown[made["error"][0].id].fault["message"] == FAULT
    assert shown[made["locked"][0].id].locked_reason == "an important job runs here"
    assert not shown[made["shelved_without_host"][0].id].host_id
    js2.delete(one for servers in made.values() for one in servers)
    assert not list(sdk.compute.servers())


# the scripted hypervisor ----------------------------------------------------------------------------------------------


def test_a_held_operation_shows_its_task_and_goes_on(js2: cloud.Cloud, sdk: Connection, server: Server) -> None:
    with js2.hypervisor.held(server, "stop"):
        sdk.compute.stop_server(server.id)
        # nova has accepted the stop, and refuses other actions while it is held
        assert sdk.compute.get_server(server.id).task_state == "powering-off"
        with pytest.raises(errors.ConflictException, match="powering-off"):
            sdk.compute.reboot_server(server.id, "SOFT")
    js2.wait([server], "SHUTOFF")


def test_a_slow_operation_takes_its_time(js2: cloud.Cloud, sdk: Connection, server: Server) -> None:
    js2.hypervisor.script(server, "stop", seconds=1.5)
    began = time.monotonic()
    sdk.compute.stop_server(server.id)
    js2.wait([server], "SHUTOFF")
    assert time.monotonic() - began >= 1.5


def test_a_failed_unshelve_goes_back_without_a_fault(js2: cloud.Cloud, sdk: Connection, server: Server) -> None:
    sdk.compute.shelve_server(server.id)
    js2.wait([server], "SHELVED_OFFLOADED")
    js2.hypervisor.script(server, "unshelve", fail="the GPU is gone", times=1)
    sdk.compute.unshelve_server(server.id)
    until(lambda: last_action(sdk, server)[1] == "Error")
    js2.wait([server], "SHELVED_OFFLOADED")
    assert sdk.compute.get_server(server.id).fault is None
    action, _unused, events = last_action(sdk, server)
    assert (action, dict(events)) == (
        "unshelve",
        {"schedule_instances": "Success", "get_image_info": "Success", "compute_unshelve_instance": "Error"},
    )
    # nova shows the reason to the administrator alone
    path = f"/servers/{server.id}/os-instance-actions"
    request = js2.admin.get("compute", path)["instanceActions"][0]["request_id"]
    shown = js2.admin.get("compute", f"{path}/{request}")["instanceAction"]["events"]
    assert "the GPU is gone" in next(one["details"] for one in shown if one["result"] == "Error")
    # `times=1`: the next unshelve succeeds
    sdk.compute.unshelve_server(server.id)
    js2.wait([server], "ACTIVE")


def test_no_capacity_for_an_unshelve_is_reported_by_the_events(
    js2: cloud.Cloud, sdk: Connection, server: Server
) -> None:
    sdk.compute.shelve_server(server.id)
    js2.wait([server], "SHELVED_OFFLOADED")
    js2.hypervisor.no_capacity(server)
    sdk.compute.unshelve_server(server.id)
    until(lambda: ("schedule_instances", "Error") in last_action(sdk, server)[2])
    js2.wait([server], "SHELVED_OFFLOADED")
    js2.hypervisor.no_capacity(server, none=False)
    sdk.compute.unshelve_server(server.id)
    js2.wait([server], "ACTIVE")


def test_a_new_server_without_capacity_or_with_a_failed_build_is_in_error(js2: cloud.Cloud, sdk: Connection) -> None:
    js2.hypervisor.no_capacity("too-many")
    with pytest.raises(TimeoutError, match="too-many ERROR None No valid host was found"):
        js2.servers(name="too-many")
    js2.clear()
    js2.hypervisor.script("unlucky", "create", fail="the disk is full")
    with pytest.raises(TimeoutError, match=r"unlucky ERROR None Build of instance .* aborted: the disk is full"):
        js2.servers(name="unlucky")
    js2.clear()


def test_an_operation_that_fails_leaves_the_state_that_nova_documents(
    js2: cloud.Cloud, sdk: Connection, server: Server
) -> None:
    nova = sdk.compute
    # a failed stop changes nothing
    js2.hypervisor.script(server, "stop", fail="no answer")
    nova.stop_server(server.id)
    until(lambda: last_action(sdk, server)[:2] == ("stop", "Error"))
    js2.wait([server], "ACTIVE")
    # nor does a refused suspend
    js2.hypervisor.script(server, "suspend", fail="not with this GPU", then="refused")
    nova.suspend_server(server.id)
    until(lambda: last_action(sdk, server)[:2] == ("suspend", "Error"))
    js2.wait([server], "ACTIVE")
    # a failed suspend leaves the server in ERROR, with the fault
    js2.hypervisor.script(server, "suspend", fail="no room for the memory")
    nova.suspend_server(server.id)
    js2.wait([server], "ERROR")
    assert nova.get_server(server.id).fault["message"] == "no room for the memory"


def test_the_console_has_the_text_that_was_written(js2: cloud.Cloud, sdk: Connection, server: Server) -> None:
    js2.hypervisor.console(server, "one\ntwo\nthree\n")
    assert sdk.compute.get_server_console_output(server.id)["output"] == "one\ntwo\nthree\n"
    assert sdk.compute.get_server_console_output(server.id, length=2)["output"] == "three\n"


# locks, addresses, volumes --------------------------------------------------------------------------------------------


def test_an_owner_can_unlock_a_server_but_not_one_that_the_administrator_locked(
    js2: cloud.Cloud, sdk: Connection, server: Server
) -> None:
    js2.lock(server, "a long run")
    shown = sdk.compute.get_server(server.id)
    assert (shown.is_locked, shown.locked_reason) == (True, "a long run")
    with pytest.raises(errors.ConflictException, match="is locked"):
        sdk.compute.stop_server(server.id)
    sdk.compute.unlock_server(server.id)
    js2.lock(server, as_admin=True)
    with pytest.raises(errors.ForbiddenException):
        sdk.compute.unlock_server(server.id)


def test_a_floating_ip_is_kept_through_shelving(js2: cloud.Cloud, sdk: Connection) -> None:
    (server,) = js2.servers(name="reachable", network=True)
    address = js2.floating_ip(server)
    sdk.compute.shelve_server(server.id)
    js2.wait([server], "SHELVED_OFFLOADED")
    (kept,) = sdk.network.ips(floating_ip_address=address)
    assert kept.port_id
    sdk.compute.unshelve_server(server.id)
    js2.wait([server], "ACTIVE")
    assert address in addresses(js2.show(server))
    js2.clear()
    assert not list(sdk.network.ips())


def test_a_volume_backed_server_is_shelved_without_a_snapshot(js2: cloud.Cloud, sdk: Connection) -> None:
    (server,) = js2.servers(name="on-volume", volume_backed=True)
    data = js2.volume("data", attached_to=server)
    assert data.id in [one.volume_id for one in sdk.compute.volume_attachments(server.id)]
    sdk.compute.shelve_server(server.id)
    js2.wait([server], "SHELVED_OFFLOADED")
    assert [image.name for image in sdk.image.images()] == ["Featured-Ubuntu24"]
    js2.clear()
    assert not list(sdk.block_storage.volumes())


# counting -------------------------------------------------------------------------------------------------------------


def test_requests_of_clients_are_counted_and_no_others(js2: cloud.Cloud, sdk: Connection, server: Server) -> None:
    with js2.requests.counted() as seen:
        # nova sends requests to keystone, neutron and placement, and so does the fleet
        js2.wait(js2.servers(2, name="other"), "ACTIVE")
        sdk.compute.stop_server(server.id)
        js2.wait([server], "SHUTOFF")
        list(sdk.compute.servers())
    assert [f"{one.method} {one.status}" for one in seen] == ["POST 202", "GET 200"]
    assert seen.by_service() == {"compute": 2}
    assert seen.of("compute", "POST")[0].path == f"/v2.1/servers/{server.id}/action"
    assert seen[0].agent.startswith("openstacksdk/")
    js2.clear()


def command(name: str, run_dir: Path) -> tuple[int, str]:
    """Run one of the commands, and return its exit status and its output."""
    # -I: without the paths of this environment, in which the collection can be imported
    line = [sys.executable, "-I", str(Path(keeper.__file__).parent), name, "--run-dir", str(run_dir)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_the_commands_work_with_any_python(js2: cloud.Cloud, tmp_path: Path) -> None:
    status, output = command("status", js2.run_dir)
    assert status == 0
    assert output.startswith("ready, keeper ")
    assert command("env", js2.run_dir) == (
        0,
        f"export OS_CLIENT_CONFIG_FILE={shlex.quote(str(js2.clouds_yaml))}\nexport OS_CLOUD=js2\n",
    )
    assert command("status", tmp_path) == (1, "not running; never started\n")
    assert command("env", tmp_path) == (1, "")


# ending ---------------------------------------------------------------------------------------------------------------


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Yield a function that starts a cloud in a folder of its own, and returns the keeper."""
    made: list[subprocess.Popen[bytes]] = []

    def starting(**options: Any) -> subprocess.Popen[bytes]:
        made.append(keeper.start(keeper.Options(str(tmp_path / "run"), with_cinder=True, **options)))
        return made[-1]

    yield starting
    for process in made:
        process.terminate()
        process.wait(30)


def processes(folder: Path) -> int:
    """Return the number of service processes of this run folder, which is in their environment."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            count += f"HOME={folder}".encode() in path.read_bytes()
    return count


@pytest.mark.usefixtures("js2")
def test_a_cloud_ends_after_max_seconds(start: Start, tmp_path: Path) -> None:
    process = start(max_seconds=6)
    until(lambda: processes(tmp_path), 6)
    assert process.wait(30) == 0
    assert processes(tmp_path) == 0
    state = keeper.read_state(Layout(tmp_path / "run"))
    assert (state["phase"], state["message"]) == ("ended", "after max_seconds (6)")


@pytest.mark.usefixtures("js2")
def test_a_cloud_ends_with_the_process_that_holds_its_lifeline(start: Start, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = start(lifeline=reading)
    os.close(reading)
    until(lambda: processes(tmp_path))
    os.close(writing)
    assert process.wait(30) == 0
    assert processes(tmp_path) == 0


@pytest.mark.usefixtures("js2")
def test_no_process_is_left_when_the_keeper_is_killed(js2: cloud.Cloud, start: Start, tmp_path: Path) -> None:
    process = start()
    # a start without a seed takes longer
    until(lambda: len(keeper.read_state(Layout(tmp_path / "run")).get("pids", {})) == len(js2.urls), 200)
    process.kill()
    process.wait(30)
    until(lambda: not processes(tmp_path), 10)
    assert command("status", tmp_path / "run") == (1, "not running; its keeper was killed\n")
    # the ports in its variables have no service anymore
    assert command("env", tmp_path / "run") == (1, "")
    assert not cloud.down(tmp_path / "run")


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it", encoding="utf-8")
    with pytest.raises(keeper.StartFailed, match="not the folder of a run"):
        keeper.start(keeper.Options(str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
