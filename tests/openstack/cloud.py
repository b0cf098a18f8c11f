# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenStack on loopback, for tests.

    from ansible_collections.jetstream.cloud.tests.openstack import cloud

    with cloud.running() as js2:
        fleet = js2.servers(20, "m3.small", "active")
        with js2.requests.counted() as seen:
            stop_all(js2.clouds_yaml)
        assert seen.by_service()["compute"] == 22

The README in this folder describes the contents of the cloud, and the scripts of its hypervisor.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.tests.openstack import keeper, packages
from ansible_collections.jetstream.cloud.tests.openstack.compute_tables import ComputeTables
from ansible_collections.jetstream.cloud.tests.openstack.fleet import Fleet, Server, Volume
from ansible_collections.jetstream.cloud.tests.openstack.hypervisor import Hypervisor
from ansible_collections.jetstream.cloud.tests.openstack.requests_seen import Requests
from ansible_collections.jetstream.cloud.tests.openstack.rest import Rest
from ansible_collections.jetstream.cloud.tests.openstack.seeding import OWNER, PROJECT, Secrets
from ansible_collections.jetstream.cloud.tests.openstack.services import Layout, url, write_json

__all__ = ["Cloud", "Server", "StartFailed", "Volume", "default_run_dir", "down", "is_ready", "running", "up"]

StartFailed = keeper.StartFailed
POLL_SECONDS = 0.2
END_SECONDS = 20


def default_run_dir() -> Path:
    """Return the default run folder: JETSTREAM_OPENSTACK_RUN, or one in the checkout's cache."""
    named = os.environ.get("JETSTREAM_OPENSTACK_RUN")
    return Path(named).resolve() if named else packages.cache_dir() / "run"


class Cloud(Fleet):
    """A cloud that is up. The methods of Fleet make, change and delete its contents.

    `clouds_yaml`: a user's clouds.yaml: `js2` logs in with an application credential, `js2-wrong` is refused.
    `environment`: the variables of a program that uses `js2`.
    `urls`: the public URL of each service, by its type in the catalog.
    `owner` and `admin`: send requests as the project's user and as the cloud's administrator. These are not counted.
    """

    def __init__(self, run_dir: Path) -> None:
        layout = Layout(run_dir)
        state = keeper.read_state(layout)
        ports = {name: (public, own) for name, (public, own) in state["ports"].items()}
        known = Secrets.load(run_dir / "secrets.json")
        identity = url(ports, "identity", "internal")
        self.run_dir = run_dir
        self.clouds_yaml = layout.clouds_yaml
        self.environment = {"OS_CLIENT_CONFIG_FILE": str(layout.clouds_yaml), "OS_CLOUD": "js2"}
        self.urls = {name: url(ports, name) for name in ports}
        self.with_cinder: bool = state["with_cinder"]
        self.hypervisor = Hypervisor(layout.scripts)
        self.requests = Requests(layout.requests)
        self._accounting = layout.accounting
        super().__init__(
            admin=Rest(identity, "admin", known.admin_password, "admin"),
            owner=Rest(identity, OWNER, known.owner_password, PROJECT),
            hypervisor=self.hypervisor,
            tables=ComputeTables(layout.data / "db"),
        )

    def close(self) -> None:
        """Close the connections to the cloud, which goes on running."""
        self.owner.close()
        self.admin.close()

    @property
    def allocations(self) -> list[dict[str, Any]]:
        """The rows in the responses of the accounting double. They are set as a whole."""
        rows: list[dict[str, Any]] = json.loads(self._accounting.read_bytes())
        return rows

    @allocations.setter
    def allocations(self, rows: list[dict[str, Any]]) -> None:
        write_json(self._accounting, rows)


@contextlib.contextmanager
def running(
    run_dir: Path | None = None,
    *,
    with_cinder: bool = False,
    max_seconds: float = 1800,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[Cloud]:
    """Run a cloud for a `with` block.

    It ends with the block, with this process (even if that is killed), or after `max_seconds`. A cloud that is up in
    that folder already is used and left running, so that one can stay up while tests are written. Raises StartFailed,
    and packages.PackagesMissing.
    """
    folder = run_dir or default_run_dir()
    if is_ready(Layout(folder)):
        with contextlib.closing(Cloud(folder)) as found:
            if with_cinder and not found.with_cinder:
                raise StartFailed(f"the cloud that is up in {folder} is without cinder")
            yield found
        return
    reading, writing = os.pipe()
    try:
        options = keeper.Options(str(folder), with_cinder=with_cinder, max_seconds=max_seconds, lifeline=reading)
        packages.ensure(say)
        process = keeper.start(options)
        try:
            with contextlib.closing(_await(process, Layout(folder), say)) as found:
                yield found
        finally:
            process.terminate()
            process.wait(END_SECONDS)
    finally:
        os.close(reading)
        os.close(writing)


def up(options: keeper.Options, say: Callable[[str], None] = lambda text: None) -> Cloud:
    """Start a cloud that outlives this process, and return it when it is ready. `say` is called with each step.

    Raises StartFailed, and packages.PackagesMissing.
    """
    packages.ensure(say)
    process = keeper.start(options)
    try:
        return _await(process, Layout(Path(options.run_dir)), say)
    except BaseException:
        # BaseException: Ctrl-C, too
        process.terminate()
        raise


def _await(process: subprocess.Popen[bytes], layout: Layout, say: Callable[[str], None]) -> Cloud:
    said = 0
    while True:
        ended = process.poll() is not None
        state = keeper.read_state(layout)
        for seconds, text in state.get("steps", [])[said:]:
            say(f"{seconds:6.1f} s  {text}")
            said += 1
        if ended:
            message = state.get("message") or (layout.root / "keeper.log").read_text(encoding="utf-8")
            raise StartFailed(message)
        if state.get("phase") == "ready":
            return Cloud(layout.root)
        time.sleep(POLL_SECONDS)


def down(run_dir: Path) -> bool:
    """End the cloud of a run folder. Return whether there was one."""
    layout = Layout(run_dir)
    if not keeper.is_kept(layout):
        return False
    end = time.monotonic() + END_SECONDS
    signaled = False
    while keeper.is_kept(layout):
        if time.monotonic() > end:
            raise TimeoutError(f"the keeper of {run_dir} did not end within {END_SECONDS} s")
        # a keeper that has just been started has not written its process ID yet
        pid = keeper.read_state(layout).get("pid")
        if pid and not signaled:
            # the keeper holds the lock, so the process ID cannot be that of another process
            os.kill(pid, signal.SIGTERM)
            signaled = True
        time.sleep(0.05)
    return True


def is_ready(layout: Layout) -> bool:
    """Return whether a cloud is up in a run folder, and has started."""
    return keeper.is_kept(layout) and keeper.read_state(layout).get("phase") == "ready"
