# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night on an execution node: what runs where, which state is where, and that no secret stays there."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.eda.servers import SECRET, Project, a_project
from ansible_collections.jetstream.cloud.tests.reliability.openstack_api import USER_ID
from ansible_collections.jetstream.cloud.tests.runner.nights import PASSWORD, NodeNights
from ansible_collections.jetstream.cloud.tests.runner.nodes import Job, Node, new_job, programs_of
from ansible_collections.jetstream.cloud.tests.runner.streams import Stream, memory_folder
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server

SLEEPING = "shelved_offloaded"
STATE = Path(".local/state/jetstream")
# As the credential types of docs/examples/awx have it.
NO_TOKENS = {"JETSTREAM_CACHE_TOKENS": "no"}


@pytest.fixture
def worker(tmp_path: Path, collections: Path) -> Node:
    """Return an execution node."""
    return Node(tmp_path / "worker", programs=programs_of("WORKER_PROGRAMS"), collections=collections)


@pytest.fixture
def private() -> Iterator[Path]:
    """Return where the execution node unpacks a job: in memory, and outside of all that is on its disk."""
    with memory_folder() as folder:
        yield folder / "job"


def tokens(nights: NodeNights) -> list[str]:
    """Return every token that the server has issued."""
    return [str(token) for token in nights.server.world.tokens]


def test_a_job_runs_on_the_execution_node_and_is_recorded_on_the_control_node(
    nights: NodeNights, node: Node, worker: Node, private: Path
) -> None:
    stream = Stream(node, worker, new_job(node.folder / "job", {"max_changes": 4}), private)
    before = set(node.files())
    assert stream.run("jetstream.cloud.stop_all", {**nights.login, **NO_TOKENS}) == 0
    job = stream.job
    assert job.status == 0
    assert "[localhost] 4 of 5 instances to be stopped" in job.output
    assert "5 selected: 4 changed, 1 unchanged, 0 skipped, 0 failed" in job.output
    assert nights.states("web", "db") == ["shutoff"] * 2
    # The playbook ran there, with the programs of that node and in its folder.
    command = json.loads((job.artifacts / "command").read_text())
    assert command["cwd"] == str(private / "project")
    assert command["env"]["HOME"] == str(worker.home)
    # What has to outlive the run is there, too, and nothing but the record is here.
    assert (worker.home / STATE / "put_to_sleep.json").exists()
    new = {path for path in node.files() if path not in before and not path.is_relative_to(job.folder)}
    assert {path.name for path in new} == {"events"}


def test_no_secret_stays_on_the_execution_node(nights: NodeNights, node: Node, worker: Node, private: Path) -> None:
    stream = Stream(node, worker, new_job(node.folder / "job", {}), private)
    assert stream.run("jetstream.cloud.stop_all", {**nights.login, **NO_TOKENS}) == 0
    assert tokens(nights)
    assert worker.files_with(PASSWORD, *tokens(nights)) == []
    assert not private.exists()


def by_token(nights: NodeNights) -> dict[str, str]:
    """Return a login at Atmosphere by a token that was made elsewhere."""
    nights.instances()
    [token, *_others] = tokens(nights)
    return {"JETSTREAM_API_URL": nights.server.url, "JETSTREAM_TOKEN": token}


def by_application_credential(project: Project) -> dict[str, str]:
    """Return a login at Jetstream2 by an application credential."""
    login = {"ID": "0123", "SECRET": SECRET}
    named = {f"JETSTREAM_APPLICATION_CREDENTIAL_{name}": value for name, value in login.items()}
    return {**named, "JETSTREAM_AUTH_URL": f"{project.url}/v3", "JETSTREAM_REGION": "IU"}


@pytest.mark.parametrize("login", ["token", "application credential", "clouds.yaml"])
def test_no_secret_is_left_or_shown_whatever_the_login(
    nights: NodeNights, node: Node, worker: Node, private: Path, login: str
) -> None:
    job = new_job(node.folder / "job", {})
    project = Project()
    project.add("web").user_id = USER_ID
    with a_project(project):
        environ = {
            "token": lambda: by_token(nights),
            "application credential": lambda: by_application_credential(project),
            "clouds.yaml": lambda: by_clouds_yaml(project, job, private),
        }[login]()
        # With all that -vvvv shows.
        status = Stream(node, worker, job, private).run(
            "jetstream.cloud.stop_all", {**environ, **NO_TOKENS}, verbosity=4
        )
    assert status == 0, job.output
    assert f"{4 if login == 'token' else 1} changed" in job.output
    secrets = tokens(nights) if login == "token" else [SECRET, *project.openstack.tokens]
    assert secrets
    assert worker.files_with(*secrets) == []
    assert not private.exists()
    assert [each for each in secrets if each in job.output] == []


def by_clouds_yaml(project: Project, job: Job, private: Path) -> dict[str, str]:
    """Return a login by a file of the job, as AWX hands it over."""
    auth = {
        "auth_url": f"{project.url}/v3",
        "application_credential_id": "0123",
        "application_credential_secret": SECRET,
    }
    cloud = {"auth_type": "v3applicationcredential", "auth": auth, "region_name": "IU"}
    (job.folder / "env" / "tmp1").write_text(json.dumps({"clouds": {"lab": cloud}}))
    return {"OS_CLIENT_CONFIG_FILE": str(private / "env" / "tmp1"), "JETSTREAM_CLOUD": "lab"}


def test_by_default_a_token_stays_in_the_home_of_the_execution_node(
    nights: NodeNights, node: Node, worker: Node, private: Path
) -> None:
    stream = Stream(node, worker, new_job(node.folder / "job", {}), private)
    assert stream.run("jetstream.cloud.instances", nights.login) == 0
    [file] = worker.files_with(PASSWORD, *tokens(nights))
    assert file.startswith("home/.cache/jetstream/tokens/")


def test_after_a_kill_no_secret_is_on_a_disk_and_nothing_more_is_sent(
    nights: NodeNights, node: Node, worker: Node, private: Path
) -> None:
    stream = Stream(node, worker, new_job(node.folder / "job", {}), private)
    nights.server.world.misbehave("web", slowness=100)
    events = node.tmp / "events"
    with events.open("wb") as file:
        running = stream.start(stream.sent("jetstream.cloud.stop_all", {**nights.login, **NO_TOKENS}), file)
        _wait_for(lambda: nights.actions() == 4)
        # While it runs, they are in memory alone.
        assert worker.files_with(PASSWORD, *tokens(nights)) == []
        os.kill(running.pid, signal.SIGKILL)
        running.wait(timeout=10)
    _wait_for(lambda: not _processes_with(str(private)))
    sent = len(list(nights.server.requests))
    assert worker.files_with(PASSWORD, *tokens(nights)) == []
    # The control node knows that it did not end well.
    stream.record(events.read_bytes())
    assert not (stream.job.artifacts / "rc").exists()
    # What the killed worker could not remove itself is removed by the clean-up that AWX runs on its nodes.
    assert private.exists()
    pattern = f"--file-pattern={private.parent}/*"
    cleaned = worker.run("ansible-runner", "worker", "cleanup", pattern, "--grace-period=0")
    assert cleaned.returncode == 0, cleaned.stdout
    assert not private.exists()
    time.sleep(1)
    assert len(list(nights.server.requests)) == sent


def test_two_nodes_share_a_state(nights: NodeNights, node: Node, tmp_path: Path, collections: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    nights.rest("web")
    (node.home / STATE / "readings").rename(shared / "readings")
    workers = [
        Node(tmp_path / f"worker-{number}", programs=programs_of("WORKER_PROGRAMS"), collections=collections)
        for number in range(2)
    ]
    environ = {**nights.login, **NO_TOKENS, "JETSTREAM_STATE_PATH": str(shared)}

    def night(number: int, name: str, variables: Mapping[str, object]) -> Job:
        control = Node(tmp_path / f"{name}-{number}", programs=node.programs, collections=collections)
        with memory_folder() as folder:
            stream = Stream(control, workers[number], new_job(control.folder / "job", variables), folder / "job")
            assert stream.run("jetstream.cloud.nightly", environ) == 0, stream.job.output
        return stream.job

    with a_mail_server() as mails:
        variables = {**nights.variables(mails), "parts": "activity,shelve_idle"}
        with ThreadPoolExecutor(2) as pool:
            first = list(pool.map(lambda number: night(number, "first", variables), range(2)))
        # Both judged the same instance at the same time. One of them told its owner, and the other one knew.
        # That there is another night is mailed by neither.
        assert ["web" in each.message["Subject"] for each in mails.mails] == [True]
        [teller] = [number for number, job in enumerate(first) if "TASK [Record the delivery]" in job.output]
        notices = json.loads((shared / "decisions" / "notices.json").read_text())
        for each in notices["instances"]:
            delivered = each.get("notice", {}).get("delivered", {})
            delivered |= {channel: at - 61 * 60 for channel, at in delivered.items()}
        (shared / "decisions" / "notices.json").write_text(json.dumps(notices))
        # What the one has told, the other one carries out.
        second = night(1 - teller, "second", variables)
    assert "1 shelved" in second.output
    assert nights.state("web") == SLEEPING
    assert nights.actions() == 1
    logs = [shared / "decisions" / name for name in ("decisions.jsonl", "events.jsonl")]
    records = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    events = Counter(each["event"] for each in records if each["name"] == "web")
    # Twice by the run that acted: before its last look, and after it.
    assert (events["decided"], events["notified"], events["begun"], events["done"]) == (4, 1, 1, 1)
    assert not [path for each in workers for path in each.files() if "jetstream" in str(path.relative_to(each.folder))]


def _wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def _processes_with(words: str) -> list[int]:
    """Return the processes that have words in their environment or arguments."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if words.encode() in text:
            found.append(int(folder.name))
    return found
