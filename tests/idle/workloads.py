# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads as real programs, each with the verdict that was expected before its first run.

The first are those of the two measured tables (docs/idle.md). The last ones are in neither table: they were invented to
find mistakes of the rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.jetstream.cloud.tests.idle.machine import ADDRESS, OUTSIDE, PERSON, Machine

IDLE = "idle"
ACTIVE = "active"
UNKNOWN = "unknown"

# A function that is called again and again while the machine is watched.
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload: its expected verdict, the rule if that is active, and the function that starts it."""

    name: str
    meant: str
    rule: str
    start: Callable[[Machine], Work | None]


WORKLOADS: list[Workload] = []
INVENTED: list[Workload] = []
_Start = Callable[[Machine], Work | None]


def _workload(name: str, meant: str, rule: str = "") -> Callable[[_Start], _Start]:
    return _added_to(WORKLOADS, name, meant, rule)


def _invented(name: str, meant: str, rule: str = "") -> Callable[[_Start], _Start]:
    return _added_to(INVENTED, name, meant, rule)


def _added_to(workloads: list[Workload], name: str, meant: str, rule: str) -> Callable[[_Start], _Start]:
    def add(start: _Start) -> _Start:
        workloads.append(Workload(name, meant, rule, start))
        return start

    return add


def _left(command: str) -> str:
    """Return a shell command that leaves a program running, without any open file of the login."""
    return f"{command} </dev/null >/dev/null 2>&1 &"


_DUTY = """
import time
while True:
    enough = time.process_time() + 0.3
    while time.process_time() < enough:
        pass
    time.sleep(0.7)
"""


def _daemon(machine: Machine, command: str) -> None:
    """Start a program of root without a login, as an image would have it."""
    machine.run(f"setsid sh -c {json.dumps(command)} </dev/null >/dev/null 2>&1 &")


def _page(machine: Machine, *, address: str = "127.0.0.1", port: int = 8000, size: int = 300) -> None:
    """Serve a page with a number of bytes."""
    machine.run(f"mkdir -p /srv/page; head -c {size} /dev/urandom >/srv/page/page")
    _daemon(machine, f"cd /srv/page; exec python3 -m http.server --bind {address} {port}")
    machine.wait_for(
        f"curl -s -o /dev/null http://{address if address != '0.0.0.0' else '127.0.0.1'}:{port}/page && echo there"
    )


def _tunnel(machine: Machine, port: int, *, options: str = "") -> None:
    """Forward a port of the machine outside to one of the loopback, as users do to see a page."""
    machine.start_outside(f"ssh -N {options} -L {port}:127.0.0.1:{port} {PERSON}@{ADDRESS}")
    machine.from_outside(f"until ss -Htln | grep -q 127.0.0.1:{port}; do sleep 0.1; done")


# --- nothing, and people


@_workload("empty machine", IDLE)
def _empty(_machine: Machine) -> None:
    return None


@_workload("login, nothing typed", IDLE)
def _login(machine: Machine) -> None:
    machine.login()


@_workload("login, a key now and then", ACTIVE, "keys")
def _typing(machine: Machine) -> Work:
    return _keys(machine, "")


def _keys(machine: Machine, options: str) -> Work:
    keyboard = machine.login(options=options).stdin
    assert keyboard is not None

    def press() -> None:
        keyboard.write(b" ")
        keyboard.flush()

    return press


@_workload("ssh -N tunnel, unused", IDLE)
def _unused_tunnel(machine: Machine) -> None:
    _tunnel(machine, 8000)


@_workload("ssh -N with keepalive", IDLE)
def _keepalive(machine: Machine) -> None:
    _tunnel(machine, 8000, options="-o ServerAliveInterval=5")


@_workload("ControlMaster left over", IDLE)
def _control_master(machine: Machine) -> None:
    machine.from_outside(
        f"ssh -M -S /tmp/master -o ControlPersist=yes {PERSON}@{ADDRESS} true </dev/null >/dev/null 2>&1"
    )


@_workload("mosh, idle", IDLE)
def _mosh(machine: Machine) -> None:
    _start_mosh(machine)


def _start_mosh(machine: Machine) -> None:
    machine.start_outside(f"script -qfc 'stty rows 24 cols 80; exec mosh {PERSON}@{ADDRESS}' /dev/null", keys=True)
    machine.wait_for("pgrep -x mosh-server")


@_workload("mosh, client gone", IDLE)
def _mosh_gone(machine: Machine) -> None:
    _start_mosh(machine)
    machine.from_outside("until pkill -9 -x mosh-client; do sleep 0.2; done")


# --- jobs


@_workload("tmux detached, busy job", ACTIVE, "cores")
def _tmux_busy(machine: Machine) -> None:
    machine.ssh("tmux new -d 'while :; do :; done'")


@_workload("tmux detached, nothing", IDLE)
def _tmux(machine: Machine) -> None:
    machine.ssh("tmux new -d")


@_workload("screen detached, nothing", IDLE)
def _screen(machine: Machine) -> None:
    machine.ssh("screen -d -m")


@_workload("tmux detached, sleeping job", ACTIVE, "jobs")
def _tmux_asleep(machine: Machine) -> None:
    machine.ssh("tmux new -d 'sleep 1000'")


@_workload("one-core loop under nohup", ACTIVE, "cores")
def _loop(machine: Machine) -> None:
    machine.ssh(_left("nohup sh -c 'while :; do :; done'"))


@_workload("30 % of a core", ACTIVE, "cores")
def _duty(machine: Machine) -> None:
    machine.run(_left(f"setsid {_python(_DUTY)}"))


@_workload("nohup job asleep", ACTIVE, "jobs")
def _nohup(machine: Machine) -> None:
    machine.ssh(_left("nohup sh -c 'while :; do sleep 3; done'"))


@_workload("nohup as root, asleep", ACTIVE, "jobs")
def _sudo_nohup(machine: Machine) -> None:
    machine.ssh(_left("sudo nohup sleep 1000"))


@_workload("tmux of root, sleeping job", ACTIVE, "jobs")
def _sudo_tmux(machine: Machine) -> None:
    machine.ssh("sudo tmux new -d 'sleep 1000'")


@_workload("setsid, asleep", ACTIVE, "jobs")
def _setsid(machine: Machine) -> None:
    machine.ssh(_left("setsid sleep 1000"))


@_workload("disown, asleep", ACTIVE, "jobs")
def _disown(machine: Machine) -> None:
    machine.ssh(f'bash -c "{_left("sleep 1000")} disown"')


@_workload("service of a person that polls", ACTIVE, "jobs")
def _unit(machine: Machine) -> None:
    unit = f'[Service]\\nUser={PERSON}\\nExecStart=/bin/sh -c "while :; do sleep 3; done"\\n'
    machine.run(f"printf '{unit}' >/etc/systemd/system/poll.service; systemctl daemon-reload; systemctl start poll")


@_workload("user service with lingering", ACTIVE, "jobs")
def _user_unit(machine: Machine) -> None:
    machine.run(f"loginctl enable-linger {PERSON}")
    machine.ssh("systemd-run --user --quiet sleep 1000")


@_workload("at job in 3 hours", ACTIVE, "due")
def _at(machine: Machine) -> None:
    machine.ssh("echo true | at now + 3 hours 2>/dev/null")


@_workload("crontab of a person", ACTIVE, "due")
def _crontab(machine: Machine) -> None:
    machine.ssh("echo '*/10 * * * * sleep 20' | crontab -")


@_workload("cron and journal noise", IDLE)
def _noise(machine: Machine) -> Work:
    machine.run("echo '* * * * * root logger noise' >/etc/cron.d/noise")
    return lambda: machine.run("logger noise")


@_workload("services restarted by an admin over ssh", IDLE)
def _admin(machine: Machine) -> None:
    machine.ssh("sudo systemctl restart cron nginx atd")


# --- network and disk


@_workload("scp upload at 50 kB/s", ACTIVE, "net")
def _scp(machine: Machine) -> None:
    machine.from_outside("head -c 20M /dev/urandom >/tmp/big")
    machine.start_outside(f"scp -q -l 400 /tmp/big {PERSON}@{ADDRESS}:/tmp/big")


@_workload("wget at 50 kB/s", ACTIVE, "net")
def _wget(machine: Machine) -> None:
    machine.from_outside("mkdir -p /srv; head -c 20M /dev/urandom >/srv/big")
    machine.start_outside("python3 -m http.server --directory /srv 8000")
    machine.from_outside("until ss -Htln | grep -q :8000; do sleep 0.1; done")
    machine.start_outside(
        f"ssh {PERSON}@{ADDRESS} wget -q --limit-rate=50k --tries=9 -O /dev/null http://{OUTSIDE}:8000/big"
    )


@_workload("rsync download at 60 kB/s", ACTIVE, "net")
def _rsync(machine: Machine) -> None:
    machine.ssh("head -c 20M /dev/urandom >/tmp/big")
    machine.start_outside(f"rsync -q --bwlimit=60 {PERSON}@{ADDRESS}:/tmp/big /tmp/big")


@_workload("ssh tunnel carrying page loads", ACTIVE, "net")
def _page_loads(machine: Machine) -> Work:
    _page(machine, size=200_000)
    _tunnel(machine, 8000)
    return lambda: machine.from_outside("curl -s -o /dev/null http://127.0.0.1:8000/page")


@_workload("reads from a disk", ACTIVE, "disk")
def _disk(machine: Machine) -> None:
    machine.run("head -c 40M /dev/urandom >/data/big; sync")
    _daemon(machine, "while :; do dd if=/data/big of=/dev/null bs=64k count=200 iflag=direct; sleep 2; done")


@_workload("sshfs mount of an outside server, idle", IDLE)
def _sshfs(machine: Machine) -> None:
    machine.from_outside("mkdir -p /run/sshd; /usr/sbin/sshd")
    machine.run(f"install -o {PERSON} -m 600 /lab-key /home/{PERSON}/.ssh/id_ed25519; mkdir -m 777 /tmp/mount")
    machine.ssh(f"sshfs -o StrictHostKeyChecking=no root@{OUTSIDE}:/etc /tmp/mount </dev/null >/dev/null 2>&1")
    machine.wait_for("grep /tmp/mount /proc/mounts")


# --- what is served


@_workload("web server, no request", IDLE)
def _nginx(machine: Machine) -> None:
    machine.run("systemctl start nginx")


@_workload("web server, requests", ACTIVE, "web")
def _nginx_asked(machine: Machine) -> Work:
    machine.run("systemctl start nginx")
    return lambda: machine.from_outside(f"curl -s -o /dev/null http://{ADDRESS}/")


@_workload("web server unused, 20 ssh scans a minute", IDLE)
def _scans(machine: Machine) -> None:
    machine.run("systemctl start nginx")
    scan = f"ssh -o BatchMode=yes -o PubkeyAuthentication=no root@{ADDRESS} true"
    machine.start_outside(f"sh -c 'while :; do {scan}; sleep 3; done'")


@_workload("a client stays connected", ACTIVE, "web")
def _client(machine: Machine) -> None:
    _daemon(machine, "exec socat TCP-LISTEN:1883,fork,reuseaddr PIPE")
    machine.wait_for("ss -Htln | grep :1883")
    machine.start_outside(f"sh -c 'sleep 1000 | socat - TCP:{ADDRESS}:1883'")


@_workload("log server over UDP", ACTIVE, "udp")
def _udp(machine: Machine) -> Work:
    _daemon(machine, "exec socat -u UDP-RECV:514 OPEN:/dev/null")
    return lambda: machine.from_outside(f"bash -c 'echo line >/dev/udp/{ADDRESS}/514'")


@_workload("node_exporter, scraped", IDLE)
def _exporter(machine: Machine) -> Work:
    _page(machine, address="0.0.0.0", port=9100, size=5_000)
    return lambda: machine.from_outside(f"curl -s -o /dev/null http://{ADDRESS}:9100/page")


@_workload("page on the loopback by ssh -L, a click now and then", ACTIVE, "ssh")
def _clicks(machine: Machine) -> Work:
    _page(machine)
    _tunnel(machine, 8000)
    return lambda: machine.from_outside("curl -s -o /dev/null http://127.0.0.1:8000/page")


@_workload("editor server by ssh -L, heartbeat only", IDLE)
def _heartbeat(machine: Machine) -> None:
    _daemon(machine, "exec socat TCP-LISTEN:8000,bind=127.0.0.1,fork,reuseaddr PIPE")
    machine.wait_for("ss -Htln | grep :8000")
    _tunnel(machine, 8000)
    machine.start_outside("sh -c '{ while :; do echo 1234567; sleep 5; done; } | socat - TCP:127.0.0.1:8000'")


# --- Jupyter

_ASK = """
import json, sys, urllib.request, glob, time
server = json.load(open(glob.glob("/home/PERSON/.local/share/jupyter/runtime/jpserver-*.json")[0]))
def ask(path, method="GET", body=None):
    request = urllib.request.Request(server["url"] + path, method=method, data=body and json.dumps(body).encode())
    request.add_header("Authorization", "token " + server["token"])
    return json.load(urllib.request.urlopen(request))
""".replace("PERSON", PERSON)
_KERNEL = f"""{_ASK}
print(ask("api/kernels", "POST", {{"name": "python3"}})["id"])
"""
_TERMINAL = f"""{_ASK}
print(ask("api/terminals", "POST")["name"])
"""
# Sends a cell to a kernel, and stays connected, as a notebook's page does.
_CELL = f"""{_ASK}
import websocket, uuid
kernel, code = sys.argv[1:]
socket = websocket.create_connection(
    server["url"].replace("http", "ws") + "api/kernels/" + kernel + "/channels",
    header=["Authorization: token " + server["token"]],
)
session = uuid.uuid4().hex
def send(kind, content):
    header = {{"msg_id": uuid.uuid4().hex, "username": "", "session": session, "msg_type": kind, "version": "5.3"}}
    socket.send(json.dumps({{"header": header, "parent_header": {{}}, "metadata": {{}}, "content": content,
                            "channel": "shell"}}))
# A page asks the kernel first. Until the server has seen it idle, it may miss that it is busy.
# What is sent before the server is connected to the kernel may be lost: each request is repeated until it is answered.
socket.settimeout(3)
def answered(message):
    try:
        while not message(json.loads(socket.recv())):
            pass
    except websocket.WebSocketTimeoutException:
        return False
    return True
def told(message):
    return message["header"]["msg_type"] == "kernel_info_reply"
def begun(message):
    of = message["parent_header"].get("msg_type"), message["header"]["msg_type"]
    return of == ("execute_request", "status") and message["content"]["execution_state"] == "busy"
def ask_kernel():
    send("kernel_info_request", {{}})
    return answered(told)
def execute():
    send("execute_request", {{"code": code, "silent": False, "store_history": True, "user_expressions": {{}},
                             "allow_stdin": False}})
    return answered(begun)
while not (ask_kernel() and ask("api/kernels")[0]["execution_state"] == "idle"):
    pass
while not execute():
    pass
socket.settimeout(None)
while True:
    socket.recv()
"""
_PRESS = f"""{_ASK}
import websocket
socket = websocket.create_connection(
    server["url"].replace("http", "ws") + "terminals/websocket/" + sys.argv[1],
    header=["Authorization: token " + server["token"]],
)
while True:
    socket.send(json.dumps(["stdin", " "]))
    time.sleep(2)
"""


def _jupyter(machine: Machine) -> None:
    """Start a Jupyter server as users do, and wait until it responds."""
    machine.ssh(_left("nohup jupyter-server --no-browser --ip=127.0.0.1"))
    machine.wait_for(_python(f"{_ASK}\nprint(ask('api/status'))"), user=PERSON, patience=90)


def _python(code: str, *arguments: str) -> str:
    return " ".join(["python3", "-c", _shell(code), *map(_shell, arguments)])


def _shell(word: str) -> str:
    return "'" + word.replace("'", "'\"'\"'") + "'"


def _kernel(machine: Machine) -> str:
    _jupyter(machine)
    return machine.run(_python(_KERNEL), user=PERSON).strip()


def _cell(machine: Machine, code: str) -> None:
    kernel = _kernel(machine)
    machine.wait_for(_python(f"{_ASK}\nprint(ask('api/kernels')[0]['last_activity'])"), user=PERSON)
    machine.run(f"runuser -u {PERSON} -- {_python(_CELL, kernel, code)} </dev/null >/dev/null 2>&1 &")
    machine.wait_for(
        _python(f"{_ASK}\nif ask('api/kernels')[0]['execution_state'] == 'busy': print('busy')"), user=PERSON
    )


@_workload("Jupyter, idle kernel, no page", IDLE)
def _jupyter_idle(machine: Machine) -> None:
    _kernel(machine)


@_workload("Jupyter, kernel computes", ACTIVE, "cores")
def _jupyter_busy(machine: Machine) -> None:
    _cell(machine, "while True: pass")


@_workload("Jupyter, kernel sleeps in a cell", ACTIVE, "jupyter")
def _jupyter_asleep(machine: Machine) -> None:
    _cell(machine, "import time; time.sleep(1000)")


@_workload("Jupyter, terminal open", IDLE)
def _jupyter_terminal(machine: Machine) -> None:
    _jupyter(machine)
    machine.run(_python(_TERMINAL), user=PERSON)


@_workload("Jupyter, typing in its terminal", ACTIVE, "keys")
def _jupyter_typing(machine: Machine) -> None:
    _jupyter(machine)
    name = machine.run(_python(_TERMINAL), user=PERSON).strip()
    machine.run(f"runuser -u {PERSON} -- {_python(_PRESS, name)} </dev/null >/dev/null 2>&1 &")


# An open page without use: it is connected to its kernel, and only polls lists.
_OPEN_PAGE = """
import http.client, json, sys, time, websocket
token, kernel = sys.argv[1:]
headers = {"Authorization": "token " + token}
socket = websocket.create_connection(
    "ws://127.0.0.1:8888/api/kernels/" + kernel + "/channels", header=["Authorization: token " + token]
)
page = http.client.HTTPConnection("127.0.0.1", 8888)
while True:
    for name in ("kernels", "terminals", "contents"):
        page.request("GET", "/api/" + name, headers=headers)
        page.getresponse().read()
    time.sleep(3)
"""


@_workload("Jupyter by ssh -L, page open", IDLE)
def _jupyter_page(machine: Machine) -> None:
    kernel = _kernel(machine)
    token = machine.run(_python(f"{_ASK}\nprint(server['token'])"), user=PERSON).strip()
    _tunnel(machine, 8888)
    machine.start_outside(_python(_OPEN_PAGE, token, kernel))


# --- desktops


def _desktop(machine: Machine, program: str = "xterm") -> None:
    """Start a desktop as people do over ssh."""
    server = "setsid Xtigervnc :1 -SecurityTypes None -geometry 300x200"
    machine.ssh(
        f"{_left(server)} until [ -e /tmp/.X11-unix/X1 ]; do sleep 0.1; done; {_left(f'DISPLAY=:1 setsid {program}')}"
    )
    machine.wait_for("ss -Htln | grep :5901")


def _viewer(machine: Machine) -> None:
    machine.start_outside("Xtigervnc :2 -SecurityTypes None -geometry 500x400")
    machine.from_outside("until [ -e /tmp/.X11-unix/X2 ]; do sleep 0.1; done")
    machine.start_outside(f"env DISPLAY=:2 xtightvncviewer -nocursorshape {ADDRESS}:1")
    machine.wait_for("ss -Htn state established | grep :5901")


@_workload("desktop, no viewer", IDLE)
def _desktop_alone(machine: Machine) -> None:
    _desktop(machine)


@_workload("desktop, viewer open, nothing done", IDLE)
def _desktop_viewer(machine: Machine) -> None:
    _desktop(machine)
    _viewer(machine)


@_workload("desktop, a clock redraws, viewer open", IDLE)
def _desktop_clock(machine: Machine) -> None:
    _desktop(machine, "xclock -digital -update 1")
    _viewer(machine)


@_workload("desktop, mouse only", ACTIVE, "viewer")
def _desktop_mouse(machine: Machine) -> Work:
    _desktop(machine)
    _viewer(machine)
    moves = " ".join(f"mousemove {100 + 5 * number} {100 + 3 * number}" for number in range(20))
    return lambda: machine.from_outside(f"DISPLAY=:2 xdotool {moves}")


# --- Slurm


def _slurm(machine: Machine) -> None:
    """Start Slurm with this machine as its only node."""
    conf = (
        "ClusterName=lab\\nSlurmctldHost=vm\\nSlurmUser=root\\nAuthType=auth/munge\\nStateSaveLocation=/run/slurm\\n"
        "SlurmdSpoolDir=/run/slurmd\\nProctrackType=proctrack/linuxproc\\nTaskPlugin=task/none\\nReturnToService=2\\n"
        "SlurmctldPidFile=/run/slurmctld.pid\\nSlurmdPidFile=/run/slurmd.pid\\nMpiDefault=none\\n"
        "NodeName=vm CPUs=2 State=UNKNOWN\\nPartitionName=all Nodes=vm Default=YES State=UP\\n"
    )
    machine.run(
        f"echo '127.0.0.1 vm' >>/etc/hosts; printf '{conf}' >/etc/slurm/slurm.conf; mkdir -p /run/slurm /run/slurmd"
    )
    # Slurm refuses a hybrid of control groups, unless its configuration chooses a version.
    machine.run("[ $(wc -l </proc/self/cgroup) = 1 ] || echo CgroupPlugin=cgroup/v1 >/etc/slurm/cgroup.conf")
    machine.run("systemctl start munge; slurmctld; slurmd")
    machine.wait_for("sinfo -h -o %t | grep idle")


@_workload("Slurm, empty queue", IDLE)
def _slurm_empty(machine: Machine) -> None:
    _slurm(machine)


@_workload("Slurm, job asleep", ACTIVE, "slurm")
def _slurm_asleep(machine: Machine) -> None:
    _slurm(machine)
    machine.ssh("cd /tmp; sbatch -Q -o /dev/null --wrap 'sleep 1000'")


@_workload("Slurm, job pending", ACTIVE, "slurm")
def _slurm_pending(machine: Machine) -> None:
    _slurm(machine)
    machine.ssh("cd /tmp; sbatch -Q -H -o /dev/null --wrap true")


# --- containers


def _docker(machine: Machine, *runs: str) -> None:
    """Start Docker as an image has it, and containers from an image with busybox alone."""
    machine.run("mkdir -p /var/lib/docker; mount -t tmpfs tmpfs /var/lib/docker")
    _daemon(machine, "exec dockerd --storage-driver vfs")
    machine.wait_for("docker version >/dev/null 2>&1 && echo there")
    machine.run(
        "mkdir -p /tmp/image/bin /tmp/image/tmp; cp /bin/busybox /tmp/image/bin;"
        "for name in sh httpd sleep nc; do ln -s busybox /tmp/image/bin/$name; done;"
        "tar -C /tmp/image -c . | docker import - box"
    )
    for run in runs:
        machine.run(f"docker run -d {run}")


_WEB = "--restart always -p 8088:80 box httpd -f -p 80 -h /bin"


@_workload("container, sleeping job", ACTIVE, "jobs")
def _container_job(machine: Machine) -> None:
    _docker(machine, "box sleep 1000")


@_workload("container, job computes", ACTIVE, "cores")
def _container_busy(machine: Machine) -> None:
    _docker(machine, "--restart always box sh -c 'while :; do :; done'")


@_workload("container with a published port, unused", IDLE)
def _container_web(machine: Machine) -> None:
    _docker(machine, _WEB)


@_workload("container with a published port, requests", ACTIVE, "web")
def _container_asked(machine: Machine) -> Work:
    _docker(machine, _WEB)
    return lambda: machine.from_outside(f"curl -s -o /dev/null http://{ADDRESS}:8088/sh")


@_workload("container with a published port, a client stays", ACTIVE, "web")
def _container_client(machine: Machine) -> None:
    # The server waits a minute for the request.
    _docker(machine, _WEB)
    machine.start_outside(f"sh -c 'sleep 1000 | socat - TCP:{ADDRESS}:8088'")


@_workload("containers that are started with the machine, as Exosphere's desktop gateway", IDLE)
def _container_services(machine: Machine) -> None:
    _docker(machine, "--restart always box sleep 1000", "--restart always -p 49528:80 box httpd -f -p 80 -h /bin")


# --- workloads that stand in neither table, each with its verdict written down before it was run


@_invented("systemd-run --user --scope, asleep", ACTIVE, "jobs")
def _user_scope(machine: Machine) -> None:
    machine.run(f"loginctl enable-linger {PERSON}")
    machine.ssh(_left("setsid systemd-run --user --scope --quiet sleep 1000"))


@_invented("sudo systemd-run, asleep", ACTIVE, "jobs")
def _root_transient(machine: Machine) -> None:
    machine.ssh("sudo systemd-run --quiet sleep 1000")


@_invented("sudo setsid, asleep", ACTIVE, "jobs")
def _sudo_setsid(machine: Machine) -> None:
    machine.ssh(_left("sudo setsid sleep 1000"))


@_invented("sudo -u of a system account, asleep, its login over", ACTIVE, "jobs")
def _sudo_other(machine: Machine) -> None:
    machine.ssh(_left("sudo -u daemon setsid sleep 1000"))


@_invented("script that waits for a pipe, setsid", ACTIVE, "jobs")
def _script(machine: Machine) -> None:
    machine.ssh(f"mkfifo /tmp/pipe; echo 'read line </tmp/pipe' >/tmp/job.sh; {_left('setsid bash /tmp/job.sh')}")


@_invented("job in the background of a login that was left open", ACTIVE, "jobs")
def _background(machine: Machine) -> None:
    keyboard = machine.login().stdin
    assert keyboard is not None
    keyboard.write(b"sleep 1000 &\n")
    keyboard.flush()
    machine.wait_for("pgrep -x sleep")


@_invented("ssh machine ./job, asleep, somebody waits for it", ACTIVE, "jobs")
def _remote_command(machine: Machine) -> None:
    machine.start_outside(f"ssh {PERSON}@{ADDRESS} 'sleep 1000; echo done'")
    machine.wait_for("pgrep -x sleep")


@_invented("job in dtach-like keeper: script in screen with a log", ACTIVE, "jobs")
def _screen_job(machine: Machine) -> None:
    machine.ssh("screen -L -Logfile /tmp/log -d -m sh -c 'while :; do echo step; sleep 3; done'")


@_invented("timer of a person, lingering", ACTIVE, "due")
def _user_timer(machine: Machine) -> None:
    machine.run(f"loginctl enable-linger {PERSON}")
    folder = "~/.config/systemd/user"
    machine.ssh(
        f"mkdir -p {folder}; printf '[Service]\nExecStart=/bin/true\n' >{folder}/night.service;"
        f"printf '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n' >{folder}/night.timer;"
        "systemctl --user --quiet enable --now night.timer"
    )


@_invented("systemd-run --on-active as root", ACTIVE, "due")
def _transient_timer(machine: Machine) -> None:
    machine.ssh("sudo systemd-run --quiet --on-active=3h true 2>/dev/null")


@_invented("job of a person in /etc/cron.d", ACTIVE, "due")
def _cron_d(machine: Machine) -> None:
    machine.run(f"echo '30 2 * * * {PERSON} sleep 20' >/etc/cron.d/night")


@_invented("crontab of comments and @reboot only", IDLE)
def _empty_crontab(machine: Machine) -> None:
    machine.ssh("printf '# nothing\nMAILTO=x\n@reboot true\n' | crontab -")


@_invented("lingering person without anything to do", IDLE)
def _lingering(machine: Machine) -> None:
    machine.run(f"loginctl enable-linger {PERSON}")


@_invented("laptop closed: the client of a login hangs", IDLE)
def _closed_laptop(machine: Machine) -> None:
    machine.login()
    machine.wait_for("pgrep -u alice -x bash")
    machine.from_outside("sleep 1; pkill -STOP -x ssh")


@_invented("jump host: somebody works on another machine through this one", ACTIVE, "ssh")
def _jump_host(machine: Machine) -> Work:
    machine.from_outside("mkdir -p /run/sshd; /usr/sbin/sshd")
    return _keys_to(machine, f"ssh -tt -J {PERSON}@{ADDRESS} root@{OUTSIDE}")


def _keys_to(machine: Machine, command: str) -> Work:
    keyboard = machine.start_outside(command, keys=True).stdin
    assert keyboard is not None

    def press() -> None:
        for key in (b"l", b"s", b" ", b"-l", b" ", b"/etc", b"\n"):
            keyboard.write(key)
            keyboard.flush()

    return press


@_invented("somebody browses by sftp", ACTIVE, "ssh")
def _sftp(machine: Machine) -> Work:
    keyboard = machine.start_outside(f"sftp {PERSON}@{ADDRESS}", keys=True).stdin
    assert keyboard is not None

    def browse() -> None:
        keyboard.write(b"ls -l /etc\n")
        keyboard.flush()

    return browse


@_invented("somebody uses a program by X11 forwarding", ACTIVE, "ssh")
def _x11(machine: Machine) -> Work:
    _forwarded(machine, "xcalc")
    clicks = " ".join(f"mousemove {60 + 20 * number} {150 + 20 * number} click 1" for number in range(5))
    return lambda: machine.from_outside(f"DISPLAY=:2 xdotool {clicks}")


def _forwarded(machine: Machine, program: str) -> None:
    machine.start_outside("Xtigervnc :2 -SecurityTypes None -geometry 500x400")
    machine.from_outside("until [ -e /tmp/.X11-unix/X2 ]; do sleep 0.1; done")
    machine.start_outside(f"env DISPLAY=:2 ssh -Y {PERSON}@{ADDRESS} {program}")
    machine.wait_for(f"pgrep -x {program}")


@_invented("desktop by ssh -L, mouse only", ACTIVE, "viewer")
def _tunneled_desktop(machine: Machine) -> Work:
    _tunneled_viewer(machine)
    moves = " ".join(f"mousemove {100 + 5 * number} {100 + 3 * number}" for number in range(20))
    return lambda: machine.from_outside(f"DISPLAY=:2 xdotool {moves}")


@_invented("desktop by ssh -L, viewer open, nothing done", IDLE)
def _tunneled_desktop_idle(machine: Machine) -> None:
    _tunneled_viewer(machine)


def _tunneled_viewer(machine: Machine) -> None:
    _desktop(machine)
    _tunnel(machine, 5901)
    machine.start_outside("Xtigervnc :2 -SecurityTypes None -geometry 500x400")
    machine.from_outside("until [ -e /tmp/.X11-unix/X2 ]; do sleep 0.1; done")
    machine.start_outside("env DISPLAY=:2 xtightvncviewer -nocursorshape 127.0.0.1:1")
    machine.wait_for("ss -Htn state established | grep :5901")


@_invented("Jupyter whose runtime folder is elsewhere", UNKNOWN, "jupyter")
def _hidden_jupyter(machine: Machine) -> None:
    machine.ssh(f"mkdir /tmp/run; {_left('JUPYTER_RUNTIME_DIR=/tmp/run setsid jupyter-server --no-browser')}")
    machine.wait_for("ls /tmp/run/jpserver-*.json 2>/dev/null", patience=90)


@_invented("job in a terminal of Jupyter, asleep", ACTIVE, "jobs")
def _jupyter_terminal_job(machine: Machine) -> None:
    _jupyter(machine)
    name = machine.run(_python(_TERMINAL), user=PERSON).strip()
    once = _PRESS.replace("while True:", "if True:").replace('" "', '"sleep 1000\\r"')
    machine.run(_left(f"runuser -u {PERSON} -- {_python(once, name)}"))
    machine.wait_for("pgrep -x sleep")


@_invented("server-sent events: a page that only listens", ACTIVE, "web")
def _events(machine: Machine) -> None:
    _daemon(machine, "exec socat TCP-LISTEN:8080,fork,reuseaddr SYSTEM:'while echo data; do sleep 5; done'")
    machine.wait_for("ss -Htln | grep :8080")
    machine.start_outside(f"socat -u TCP:{ADDRESS}:8080 OPEN:/dev/null")


@_invented("reverse tunnel held open, unused", IDLE)
def _reverse_tunnel(machine: Machine) -> None:
    machine.start_outside(f"ssh -N -o ServerAliveInterval=10 -R 9000:127.0.0.1:9000 {PERSON}@{ADDRESS}")
    machine.wait_for("ss -Htln | grep :9000")


@_invented("database on the loopback, a local program asks it each second", IDLE)
def _local_queries(machine: Machine) -> Work:
    _page(machine, port=5432)
    return lambda: machine.run("curl -s -o /dev/null http://127.0.0.1:5432/page")
