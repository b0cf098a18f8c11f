# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper: the process that starts the services of a cloud, watches them, and ends them.

It ends them on SIGTERM, when its time is up, when its lifeline (a pipe from another process) closes, and when one of
them has ended by itself. If the keeper is killed, the kernel ends them. It holds a lock on the run folder all the time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.jetstream.cloud.tests.openstack import packages, seeding
from ansible_collections.jetstream.cloud.tests.openstack.services import (
    INSIDE,
    PATHS,
    Configuration,
    Layout,
    Sockets,
    environment,
    services,
    url,
    write_json,
    write_keys,
)

# how long a single step may take, on a very busy machine
STEP_SECONDS = 600
# how long a service may take to end after SIGTERM
GRACE_SECONDS = 3
POLL_SECONDS = 0.5


class StartFailed(Exception):
    """The cloud did not start. The message has the failed step, and the end of its log."""


class Ended(Exception):
    """The keeper has to end. The message has the reason."""


@dataclass(frozen=True)
class Options:
    """The options of a cloud, which the keeper gets as JSON.

    `fresh`: do not start from the seed. `lifeline`: a file descriptor of a pipe; the cloud ends when the pipe closes.
    """

    run_dir: str
    with_cinder: bool = False
    max_seconds: float = 3600
    public_ports: dict[str, int] = field(default_factory=dict)
    fresh: bool = False
    lifeline: int | None = None


class State:
    """The file state.json, in which other processes see the state of a run."""

    def __init__(self, layout: Layout, options: Options) -> None:
        self._path = layout.state
        self._began = time.monotonic()
        self._content: dict[str, Any] = {
            "phase": "starting",
            "message": "",
            "pid": os.getpid(),
            "with_cinder": options.with_cinder,
            "ends": time.time() + options.max_seconds,
            "steps": [],
            "ports": {},
            "pids": {},
        }

    def step(self, text: str) -> None:
        """Add a completed step with its time."""
        self._content["steps"].append([round(time.monotonic() - self._began, 1), text])
        self.set()

    def set(self, **changes: Any) -> None:
        self._content |= changes
        write_json(self._path, self._content)


class Keeper:
    """Runs a cloud with some options."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._deadline = time.monotonic() + options.max_seconds
        self._layout = Layout(Path(options.run_dir))
        self._venv = packages.cache_dir() / f"packages-{packages.stamp()}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._services = services(with_cinder=options.with_cinder)

    def run(self) -> int:
        """Run a cloud from its start to its end. Return an exit status."""
        signal.signal(signal.SIGTERM, _end_by_signal)
        signal.signal(signal.SIGINT, _end_by_signal)
        self._state = State(self._layout, self._options)
        phase, message = "failed", ""
        try:
            self._start()
            while True:
                self._watch(POLL_SECONDS)
        except Ended as error:
            phase, message = "ended", str(error)
        except Exception as error:
            message = str(error)
            traceback.print_exc()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._end_all()
            self._state.set(phase=phase, message=message, pids={})
        return 0 if phase == "ended" else 1

    def _start(self) -> None:
        self._layout.make()
        sockets = Sockets.open(self._services, self._options.public_ports)
        self._ports = sockets.ports()
        self._sockets = sockets
        seed = self._seed_dir()
        self._state.set(ports=self._ports)
        if seed.exists() and not self._options.fresh:
            self._start_seeded(seed)
        else:
            self._start_empty(seed)
        write_json(self._layout.accounting, seeding.ALLOCATIONS)
        seeding.write_clouds_yaml(self._layout, self._ports, self._known)
        self._known.save(self._layout.root / "secrets.json")
        self._state.step("ready")
        self._state.set(phase="ready")

    def _start_seeded(self, seed: Path) -> None:
        """Start from the copy of a ready cloud, all services at the same time."""
        shutil.copytree(seed, self._layout.data, dirs_exist_ok=True)
        self._known = seeding.Secrets.load(seed / "secrets.json")
        self._configure()
        self._move_addresses()
        for name in self._services:
            self._serve(name)
        self._state.step("all started, from the seed")
        for name in self._services:
            self._wait_for(name)

    def _start_empty(self, seed: Path) -> None:
        write_keys(self._layout)
        self._known = seeding.Secrets(*(secrets.token_urlsafe(12) for _round in range(3)))
        self._configure()
        self._make_databases()
        self._state.step("databases made")
        self._serve("identity")
        self._wait_for("identity")
        self._known = seeding.seed_identity(self._ports, self._known)
        self._state.step("identity seeded")
        for name in self._services[1:]:
            self._serve(name)
        for name in self._services[1:]:
            self._wait_for(name)
        self._state.step("all services answer")
        seeding.seed_resources(self._ports, self._known)
        self._state.step("resources seeded")
        self._keep_seed(seed)

    def _configure(self) -> None:
        Configuration(self._layout, self._ports, self._known.service_password, self._venv).write()
        self._environment = environment(self._layout, self._venv, self._ports)

    # databases and the seed ------------------------------------------------------------------------------------------

    def _make_databases(self) -> None:
        python, etc = str(self._venv / "bin/python"), self._layout.etc
        tables = [python, str(INSIDE / "make_tables.py")]
        bin_dir = self._venv / "bin"
        bootstrap = [str(bin_dir / "keystone-manage"), "--config-file", f"{etc}/keystone.conf", "bootstrap"]
        bootstrap += ["--bootstrap-password", self._known.admin_password, "--bootstrap-region-id", "IU"]
        for interface in ("admin", "internal", "public"):
            bootstrap += [f"--bootstrap-{interface}-url", url(self._ports, "identity", interface)]
        lines: list[list[list[str]]] = [
            [[*tables, "nova", self._layout.database("nova_cell0")]],
            [
                [str(bin_dir / "keystone-manage"), "--config-file", f"{etc}/keystone.conf", "db_sync"],
                bootstrap,
                [str(bin_dir / "placement-manage"), "--config-file", f"{etc}/placement.conf", "db", "sync"],
                [str(bin_dir / "glance-manage"), "--config-file", f"{etc}/glance-api.conf", "db_sync"],
                [*tables, "neutron", self._layout.database("neutron")],
            ],
        ]
        if self._options.with_cinder:
            lines[0].append([str(bin_dir / "cinder-manage"), "--config-file", f"{etc}/cinder.conf", "db", "sync"])
        self._run_side_by_side(lines)
        for path in (self._layout.data / "db").glob("*.db"):
            with contextlib.closing(sqlite3.connect(path)) as database:
                database.execute("PRAGMA journal_mode=WAL")

    def _run_side_by_side(self, lines: Sequence[Sequence[list[str]]]) -> None:
        """Run lines of commands side by side. The commands of a line run one after the other."""
        waiting = [list(line) for line in lines]
        running: dict[int, subprocess.Popen[bytes]] = {}
        end = time.monotonic() + STEP_SECONDS
        try:
            while any(waiting) or running:
                for number, line in enumerate(waiting):
                    if number not in running and line:
                        running[number] = self._spawn("databases", line.pop(0))
                for number, process in list(running.items()):
                    if process.poll() is None:
                        continue
                    if process.returncode:
                        self._fail("databases", f"{process.args!r} ended with {process.returncode}")
                    del running[number]
                if time.monotonic() > end:
                    self._fail("databases", f"not made within {STEP_SECONDS} s")
                self._watch(0.1)
        finally:
            for process in running.values():
                process.kill()
                process.wait()

    def _seed_dir(self) -> Path:
        """Return the folder of the seed for these pins, this version of the program, and these services."""
        digest = hashlib.sha256(packages.PINS.read_bytes())
        outside = [INSIDE.with_name(f"{name}.py") for name in ("keeper", "seeding", "services")]
        for path in [*sorted(INSIDE.glob("*.py")), *outside]:
            digest.update(path.read_bytes())
        kind = "with-cinder" if self._options.with_cinder else "without-cinder"
        return packages.cache_dir() / f"seed-{kind}-{digest.hexdigest()[:12]}"

    def _keep_seed(self, seed: Path) -> None:
        if seed.exists():
            return
        draft = seed.with_name(f"{seed.name}.{os.getpid()}")
        live = self._layout.data
        shutil.copytree(live, draft, ignore=shutil.ignore_patterns("*.db", "*.db-wal", "*.db-shm"))
        for path in (live / "db").glob("*.db"):
            # sqlite3's backup: the services have the database open, and its file may lack the newest rows
            with contextlib.ExitStack() as opened:
                source, target = (
                    opened.enter_context(contextlib.closing(sqlite3.connect(one)))
                    for one in (path, draft / "db" / path.name)
                )
                source.backup(target)
        self._known.save(draft / "secrets.json")
        for old in seed.parent.glob(f"{seed.name.rpartition('-')[0]}-*"):
            # names with a dot are the drafts of other keepers
            if old != seed and "." not in old.name:
                shutil.rmtree(old, ignore_errors=True)
        try:
            draft.rename(seed)
        except OSError:  # another keeper was faster
            shutil.rmtree(draft, ignore_errors=True)
        self._state.step("seed kept for the next start")

    def _move_addresses(self) -> None:
        """Replace the ports and the folder of the seed's run by those of this run, in all databases."""
        databases = self._layout.data / "db"
        with contextlib.closing(sqlite3.connect(databases / "keystone.db")) as keystone:
            rows = "SELECT endpoint.id, type, interface FROM endpoint JOIN service ON service_id = service.id"
            for endpoint_id, kind, interface in keystone.execute(rows).fetchall():
                moved = url(self._ports, kind, interface)
                keystone.execute("UPDATE endpoint SET url = ? WHERE id = ?", (moved, endpoint_id))
            keystone.commit()
        with contextlib.closing(sqlite3.connect(databases / "nova_api.db")) as nova:
            for name in ("cell0", "cell1"):
                moved = self._layout.database(f"nova_{name}")
                nova.execute("UPDATE cell_mappings SET database_connection = ? WHERE name = ?", (moved, name))
            nova.commit()

    # processes -------------------------------------------------------------------------------------------------------

    def _spawn(self, log: str, command: list[str], pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
        with (self._layout.logs / f"{log}.log").open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._layout.root,
                pass_fds=pass_fds,
            )

    def _serve(self, name: str) -> None:
        fds = [one.fileno() for one in self._sockets.listening[name]]
        log = str(self._layout.requests / f"{name}.jsonl")
        command = [str(self._venv / "bin/python"), str(INSIDE / "serve.py"), name, str(os.getpid()), log]
        self._processes[name] = self._spawn(name, [*command, *map(str, fds)], fds)
        self._sockets.close(name)
        self._state.set(pids={known: process.pid for known, process in self._processes.items()})

    def _wait_for(self, name: str) -> None:
        """Wait until a service responds. Its socket listens already, so the first request waits for the service."""
        try:
            with socket.create_connection(("127.0.0.1", self._ports[name][1]), timeout=STEP_SECONDS) as connection:
                connection.sendall(f"GET {PATHS[name]}/ HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
                end = time.monotonic() + STEP_SECONDS
                while not select.select([connection], [], [], POLL_SECONDS)[0]:
                    self._watch(0)
                    if time.monotonic() > end:
                        self._fail(name, f"{name} does not respond within {STEP_SECONDS} s")
                if connection.recv(64):
                    return
        except ConnectionError:
            pass  # the service has ended, and its socket is closed
        self._fail(name, f"{name} closed the connection without a response")

    def _watch(self, seconds: float) -> None:
        """Watch the services for some seconds. Raises Ended when it is time to end, StartFailed if a service ended."""
        self._wait_lifeline(seconds)
        if time.monotonic() > self._deadline:
            raise Ended(f"after max_seconds ({self._options.max_seconds:g})")
        for name, process in self._processes.items():
            if process.poll() is not None:
                self._fail(name, f"{name} has ended by itself with {process.returncode}")

    def _wait_lifeline(self, seconds: float) -> None:
        lifeline = self._options.lifeline
        if lifeline is None:
            time.sleep(seconds)
            return
        if select.select([lifeline], [], [], seconds)[0]:
            raise Ended("the process that started the cloud is gone")

    def _fail(self, log: str, text: str) -> NoReturn:
        path = self._layout.logs / f"{log}.log"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-25:] if path.exists() else []
        raise StartFailed("\n".join([text, f"The end of {path}:", *lines]))

    def _end_all(self) -> None:
        for process in self._processes.values():
            process.terminate()
        end = time.monotonic() + GRACE_SECONDS
        for process in self._processes.values():
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _end_by_signal(number: int, frame: object) -> NoReturn:
    raise Ended(f"by {signal.Signals(number).name}")


def start(options: Options) -> subprocess.Popen[bytes]:
    """Start a keeper in a session of its own, which outlives the caller unless the options have a lifeline.

    Raises StartFailed if the folder has other files than a run's, or already has a keeper.
    """
    layout = Layout(Path(options.run_dir))
    _check(layout)
    layout.root.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartFailed(f"{layout.root} already has a keeper") from None
        _empty(layout)
        command = [sys.executable, str(Path(__file__).resolve().parent), "keep", json.dumps(asdict(options))]
        with (layout.root / "keeper.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # the lock belongs to the open file, so the keeper has it from the start
                pass_fds=[lock.fileno(), *([] if options.lifeline is None else [options.lifeline])],
            )


def is_kept(layout: Layout) -> bool:
    """Return whether a keeper holds the lock of this run folder."""
    try:
        with layout.lock.open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def read_state(layout: Layout) -> dict[str, Any]:
    """Return the content of state.json, or {} if there is none."""
    try:
        content: dict[str, Any] = json.loads(layout.state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content


def _check(layout: Layout) -> None:
    """Raise StartFailed for a folder with files that are not those of a run."""
    root = layout.root
    if root.exists() and any(root.iterdir()) and not layout.lock.exists():
        raise StartFailed(f"{root} is not empty, and not the folder of a run")


def _empty(layout: Layout) -> None:
    """Remove the files of an earlier run."""
    for path in layout.root.iterdir():
        if path == layout.lock:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    layout.root.chmod(0o700)
