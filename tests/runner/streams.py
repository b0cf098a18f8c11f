# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""transmit | worker | process: a control node sends a job to an execution node, as AWX does over receptor.

The control node has what AWX has: ansible-runner. The execution node has what an execution environment has, and takes a
job from its standard input. Nothing but these two streams connects them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ansible_collections.jetstream.cloud.tests.runner.nodes import Job, Json, Node

# AWX's way to hand a job over: by the API, with the environment in the stream, and not in a file.
_TRANSMIT = """
import json, sys
import ansible_runner
ansible_runner.interface.run(streamer="transmit", _output=sys.stdout.buffer, **json.load(sys.stdin))
"""


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Make a folder in memory for as long as the with statement lasts."""
    folder = Path(tempfile.mkdtemp(prefix="jetstream-job-", dir="/dev/shm"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Stream:
    """A job on its way: sent by a control node, run on an execution node, recorded on the control node again."""

    def __init__(self, control: Node, worker: Node, job: Job, private: Path) -> None:
        """Take the nodes. ``private`` is where the execution node unpacks the job."""
        self._control = control
        self._worker = worker
        self.job = job
        self.private = private

    def sent(self, playbook: str, environ: Mapping[str, str], **more: object) -> bytes:
        """Return the job as it is sent. ``more``: options of ansible-runner."""
        options: Json = {
            "private_data_dir": str(self.job.folder),
            "playbook": playbook,
            "ident": self.job.ident,
            "envvars": dict(environ),
            "suppress_env_files": True,
            **more,
        }
        ended = subprocess.run(
            self._control.words(["python", "-c", _TRANSMIT]),
            env=self._control.environ(),
            cwd=self._control.home,
            input=json.dumps(options).encode(),
            stdout=subprocess.PIPE,
            timeout=60,
            check=True,
        )
        return ended.stdout

    def start(self, sent: bytes, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the worker. It gets its whole job, and writes events into a file."""
        worker = subprocess.Popen(
            self._worker.words(["ansible-runner", "worker", f"--private-data-dir={self.private}", "--delete"]),
            env=self._worker.environ(),
            cwd=self._worker.home,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert worker.stdin is not None
        worker.stdin.write(sent)
        worker.stdin.close()
        return worker

    def record(self, events: bytes) -> None:
        """Record on the control node what came back."""
        self._control.run("ansible-runner", "process", self.job.folder, "--ident", self.job.ident, data=events)

    def run(self, playbook: str, environ: Mapping[str, str], **more: object) -> int:
        """Run a playbook from the one end to the other, and return the exit status of ansible-playbook."""
        output = self._control.tmp / "events"
        with output.open("wb") as file:
            worker = self.start(self.sent(playbook, environ, **more), file)
            worker.wait(timeout=120)
        self.record(output.read_bytes())
        return self.job.status
