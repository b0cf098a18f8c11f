# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of all instances of a night to the probe, over a replaced ssh."""

from __future__ import annotations

import json
import shlex
import socketserver
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.scenarios.night import ssh
from ansible_collections.jetstream.cloud.tests.scenarios.night.clock import SharedClock
from ansible_collections.jetstream.cloud.tests.scenarios.night.scripted_instances import ScriptedInstance


class ProbeServer:
    """Answers the probes of ansible-playbook for scripted instances.

    ``environment``: the variables with which ansible-playbook uses the replaced ssh. ``probes``: the number of answered
    probes by name. ``before_answer``: called before each answer.
    """

    def __init__(
        self, folder: Path, instances: Mapping[str, ScriptedInstance], name_at: Callable[[str], str], clock: SharedClock
    ):
        """Write the replaced ssh into a folder.

        ``name_at`` returns the name of the instance at an address, and raises KeyError if there is none.
        """
        self._instances = instances
        self._name_at = name_at
        self._clock = clock
        self._socket = folder / "ssh.socket"
        self.probes: Counter[str] = Counter()
        self.before_answer: Callable[[], object] = bool
        program = folder / "ssh"
        words = shlex.join([sys.executable, "-I", "-S", ssh.__file__])
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        self.environment = {"ANSIBLE_SSH_EXECUTABLE": str(program), ssh.VARIABLE: str(self._socket)}

    def answer(self, address: str) -> dict[str, object]:
        """Return the exit status and the output of ssh to an address."""
        self.before_answer()
        now = self._clock.now().timestamp()
        try:
            name = self._name_at(address)
        except KeyError:
            name = ""
        instance = self._instances.get(name)
        if instance is None or not instance.answers(now):
            error = f"ssh: connect to host {address} port 22: No route to host\n"
            return {"status": 255, "stdout": "", "stderr": error}
        self.probes[name] += 1
        return {"status": 0, "stdout": instance.probe(now), "stderr": ""}

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Answer probes in a with statement."""
        probe_server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                address = self.rfile.readline().decode().strip()
                self.wfile.write(json.dumps(probe_server.answer(address)).encode())

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 100

        with Server(str(self._socket), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()
