# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misleading sources of a reading, on whole systems: some look like use and are none, some fail, hang or are wrong."""

from __future__ import annotations

import time

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import Interval, since
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.readings import Gpu
from ansible_collections.jetstream.cloud.tests.idle.machine import PERSON, Machine

LEFT = "</dev/null >/dev/null 2>&1 &"
RUNTIME = f"/home/{PERSON}/.local/share/jupyter/runtime"
# A short form of the file that Exosphere's setup writes, and one of another site.
GATEWAY = (
    "(guacamole_site) {\\n\\tredir / /guacamole/\\n\\treverse_proxy 127.0.0.1:49528\\n}\\n"
    "https://192.0.2.5 {\\n\\timport guacamole_site\\n}\\n"
)
OWN_SITE = f"{GATEWAY}https://example.org {{\\n\\troot * /srv/www\\n\\tfile_server\\n}}\\n"


def doubts(found: Interval) -> set[str]:
    return {doubt.rule for doubt in found.doubts}


def at_one_moment(machine: Machine) -> Interval:
    return since(None, machine.read())


def pretend(machine: Machine, name: str, script: str) -> None:
    """Write a script that is found before the program of that name."""
    machine.run(f"cat >/usr/local/bin/{name} <<'END'\n#!/bin/sh\n{script}\nEND\nchmod 755 /usr/local/bin/{name}")


def listen_as(machine: Machine, name: str, port: int) -> None:
    """Serve a port by a program of that name."""
    machine.run(f"cp /usr/bin/socat /usr/local/bin/{name}")
    machine.run(f"setsid /usr/local/bin/{name} TCP-LISTEN:{port},fork,reuseaddr PIPE {LEFT}")
    machine.wait_for(f"ss -Htln | grep :{port}")


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ("--what=shutdown --mode=delay", 0),
        ("--what=handle-power-key --mode=block", 0),
        ("--what=shutdown:sleep --mode=block --who='a b' --why='do not stop'", 1),
        ("--what=idle --mode=block", 1),
    ],
)
def test_an_inhibitor_counts_if_it_blocks_what_would_stop_the_instance(
    machine: Machine, options: str, count: int
) -> None:
    machine.run(f"systemd-inhibit {options} sleep 1000 {LEFT}")
    machine.wait_for("systemd-inhibit --list --no-legend")

    assert machine.read().inhibitors == count


@pytest.mark.parametrize(
    ("script", "gpu"),
    [
        (
            'case "$*" in *gpu=*) echo "0, 34, 10, 1, 2, 3, Disabled" ;; *) echo "5, 100" ;; esac',
            Gpu(True, (34,), 1, 0),
        ),
        ('case "$*" in *gpu=*) echo "0, [N/A], [N/A], 1, 2, 3, Enabled" ;; esac', Gpu(True, (None,), 0, 0)),
        (
            'echo "NVIDIA-SMI has failed because it could not communicate with the driver."; exit 9',
            Gpu(False, (), None, 0),
        ),
        ("exec sleep 60", Gpu(False, (), None, 0)),
    ],
    ids=["loaded", "not told", "broken", "hangs"],
)
def test_what_a_gpu_tells(machine: Machine, script: str, gpu: Gpu) -> None:
    machine.run("touch /dev/nvidiactl")
    pretend(machine, "nvidia-smi", script)
    begun = time.monotonic()
    told = machine.read()

    assert told.gpu == gpu
    # A driver that hangs is called once.
    assert time.monotonic() - begun < 18
    assert doubts(since(None, told)) == ({"gpu"} if not gpu.answers else set())


def test_a_program_that_holds_a_gpu_whose_load_is_not_told_is_seen_by_the_kernel(machine: Machine) -> None:
    machine.run("touch /dev/nvidiactl; mknod /dev/nvidia-uvm c 1 3; chmod 666 /dev/nvidia-uvm")
    pretend(machine, "nvidia-smi", 'case "$*" in *gpu=*) echo "0, [N/A], 1, 1, 2, 3, Enabled" ;; esac')
    machine.run("setsid sh -c 'exec sleep 1000 3</dev/nvidia-uvm' </dev/null >/dev/null 2>&1 &")

    assert at_one_moment(machine).gpu_untold == 1


def test_slurm_that_runs_and_does_not_answer_is_a_doubt(machine: Machine) -> None:
    machine.run(f"cp /usr/bin/sleep /usr/local/bin/slurmd; setsid /usr/local/bin/slurmd 1000 {LEFT}")

    assert doubts(at_one_moment(machine)) == {"slurm"}


@pytest.mark.parametrize(
    ("prepare", "asked", "doubtful"),
    [
        pytest.param('echo \'{"pid": 999999, "port": 8888}\'', 0, False, id="its server has ended"),
        pytest.param('echo \'{"pid": 1, "port": 8888}\'', 0, False, id="the process is somebody else's"),
        pytest.param("echo '{\"pid\": '$PID', \"port\": 9}'", 1, True, id="nothing answers"),
        pytest.param('echo \'{"pid": \'$PID\', "port": "22; touch /tmp/owned"}\'', 1, True, id="a port that is none"),
        pytest.param(
            'echo \'{"pid": \'$PID\', "port": 8888, "token": "a\\" -o /tmp/owned \\""}\'',
            1,
            True,
            id="a token that is none",
        ),
        pytest.param(
            'echo \'{"pid": \'$PID\', "port": 8888, "base_url": "/../../@evil"}\'', 1, True, id="a path that is none"
        ),
        pytest.param("echo 'garbage'", 0, False, id="no JSON"),
    ],
)
def test_a_notebook_servers_file_is_a_users_and_is_believed_in_nothing_that_is_not_checked(
    machine: Machine, prepare: str, asked: int, doubtful: bool
) -> None:
    machine.run(
        f"mkdir -p {RUNTIME}; chown -R {PERSON} /home/{PERSON}/.local;"
        f"setsid runuser -u {PERSON} -- sh -c 'exec sleep 1000' {LEFT}"
    )
    process = machine.wait_for(f"pgrep -u {PERSON} -x sleep")
    machine.run(f"PID={process}; {{ {prepare}; }} >{RUNTIME}/jpserver-1.json; chown {PERSON} {RUNTIME}/*")
    told = machine.read()

    assert len(told.jupyter) == asked
    assert ("jupyter" in doubts(since(None, told))) is doubtful
    assert machine.run("ls /tmp/owned", check=False) == ""


def test_a_link_to_a_file_of_somebody_else_is_not_read(machine: Machine) -> None:
    machine.run(
        f'mkdir -p {RUNTIME}; echo \'{{"pid": 1, "port": 8888, "token": "secret"}}\' >/root/jpserver-1.json;'
        f"ln -s /root/jpserver-1.json {RUNTIME}; chown -R {PERSON} /home/{PERSON}/.local"
    )

    assert machine.read().jupyter == ()


@pytest.mark.parametrize(
    "answer",
    ["HTTP/1.1 302 Found\\r\\nLocation: http://127.0.0.1:8888/login\\r\\n\\r\\n", ""],
    ids=["redirects", "hangs"],
)
def test_a_notebook_server_that_does_not_tell_is_a_doubt_and_takes_little_time(machine: Machine, answer: str) -> None:
    say = f'printf "{answer}"' if answer else "sleep 60"
    machine.run(f"echo '{say}' >/tmp/say; setsid socat TCP-LISTEN:8888,fork,reuseaddr EXEC:'sh /tmp/say' {LEFT}")
    machine.run(f"mkdir -p {RUNTIME}; chown -R {PERSON} /home/{PERSON}/.local")
    machine.run(f"setsid runuser -u {PERSON} -- sh -c 'exec sleep 1000' {LEFT}")
    process = machine.wait_for(f"pgrep -u {PERSON} -x sleep")
    machine.run(f'echo \'{{"pid": {process}, "port": 8888}}\' >{RUNTIME}/jpserver-1.json; chown {PERSON} {RUNTIME}/*')
    begun = time.monotonic()

    assert doubts(at_one_moment(machine)) == {"jupyter"}
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("name", "port", "caddyfile", "quiet"),
    [
        ("rpc.statd", 40001, "", True),
        ("httpd", 40001, "", False),
        ("caddy", 443, GATEWAY, True),
        ("caddy", 443, OWN_SITE, False),
        ("caddy", 443, "", False),
    ],
    ids=["NFS helper", "random port", "Exosphere's gateway", "a site beside it", "another Caddy"],
)
def test_a_port_is_quiet_by_its_program_only_where_that_serves_nobody(
    machine: Machine, name: str, port: int, caddyfile: str, quiet: bool
) -> None:
    listen_as(machine, name, port)
    if caddyfile:
        machine.run(f"mkdir -p /etc/caddy; printf '{caddyfile}' >/etc/caddy/Caddyfile")

    assert {each.quiet for each in machine.read().listeners if each.port == port} == {quiet}


def test_the_probe_sees_neither_its_terminal_nor_its_connection_nor_its_processes(machine: Machine) -> None:
    plain = machine.read()
    with_terminal = machine.read(terminal=True)

    for told in (plain, with_terminal):
        assert told.terminals == ()
        assert told.jobs == ()
        assert [each.owner for each in told.connections] == ["own"]


def test_where_other_peoples_processes_are_hidden_that_is_a_doubt(machine: Machine) -> None:
    machine.run("mount -o remount,hidepid=2 /proc")

    assert "jobs" in doubts(since(None, machine.read(user=PERSON, become=False)))
    assert "jobs" not in doubts(at_one_moment(machine))


def test_a_service_under_a_changing_user_is_no_persons(machine: Machine) -> None:
    machine.run(
        "printf '[Service]\\nDynamicUser=yes\\nExecStart=/bin/sleep 1000\\n' >/etc/systemd/system/lab-dynamic.service;"
        "systemctl daemon-reload; systemctl start lab-dynamic"
    )
    machine.wait_for("pgrep -x sleep")

    assert machine.read().jobs == ()
