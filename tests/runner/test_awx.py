# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/examples/awx: set up in AWX by awx.awx, and its jobs as AWX hands them to an execution node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.runner.awx import (
    TOKEN,
    Controller,
    a_controller,
    extra_variables,
    injected,
)
from ansible_collections.jetstream.cloud.tests.runner.nights import PASSWORD, NodeNights
from ansible_collections.jetstream.cloud.tests.runner.nodes import Json, Node, new_job, programs_of
from ansible_collections.jetstream.cloud.tests.runner.streams import Stream, memory_folder
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import a_webhook
from dateutil.rrule import rrulestr

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "awx"
# Characters that shells, YAML, Jinja and Python's format give a meaning to.
ODD = "p\"a's {{ 7*7 }} {% x %} $HOME `id` \\ %s {0} #: \N{LATIN SMALL LETTER E WITH ACUTE}"
# What secrets.yml of the page has, for a site with Atmosphere.
SECRETS: Json = {
    "jetstream_login_type": "Jetstream Atmosphere",
    "jetstream_login": {"api_url": "https://use.example.org", "username": "johndoe", "password": PASSWORD},
    "jetstream_night_credentials": [
        {
            "name": "Jetstream webhook",
            "type": "Jetstream webhook",
            "inputs": {"webhook_url": "https://hooks.example.org/a-secret", "webhook_format": "slack"},
        },
        {
            "name": "Jetstream dead man's switch",
            "type": "Jetstream dead man's switch",
            "inputs": {"ping_url": "https://hc.example.org/a-secret"},
        },
    ],
}


def set_up(controller: Controller, folder: Path) -> None:
    """Run controller.yml as an administrator does."""
    secrets = folder / "secrets.yml"
    secrets.write_text(yaml.safe_dump(SECRETS))
    ended = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), EXAMPLE / "controller.yml", "-e", f"@{secrets}"],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": os.environ["AWX_COLLECTIONS"],
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "CONTROLLER_HOST": controller.url,
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert PASSWORD not in ended.stdout


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """Return an AWX that was set up."""
    with a_controller() as controller:
        set_up(controller, tmp_path_factory.mktemp("secrets"))
        yield controller


def test_a_second_run_of_the_set_up_changes_nothing(controller: Controller, tmp_path: Path) -> None:
    controller.writes.clear()
    set_up(controller, tmp_path)
    assert controller.writes == []


def test_each_job_template_has_its_playbook_login_state_and_a_mail_of_failures(controller: Controller) -> None:
    templates = controller.objects["job_templates"].values()
    assert len(templates) == 4
    for each in templates:
        assert (EXAMPLE / "project" / each["playbook"]).is_file()
        credentials = controller.members_of("job_templates", each["id"], "credentials")
        assert {"Jetstream login", "Jetstream state"} <= {one["name"] for one in credentials}
        failures = controller.members_of("job_templates", each["id"], "notification_templates_error")
        assert [one["name"] for one in failures] == ["Jetstream failures"]
        assert each["allow_simultaneous"] is False


def test_a_question_left_out_of_a_survey_is_not_handed_over(controller: Controller) -> None:
    # AWX hands an empty answer over unless the question has a minimum length, and the playbooks refuse that.
    assert len(controller.surveys) == 2
    for survey in controller.surveys.values():
        assert all(question["min"] >= 1 for question in survey["spec"])
        assert all(question["required"] is False for question in survey["spec"])


def test_pods_keep_the_job_in_memory_and_share_the_state(controller: Controller) -> None:
    pod = yaml.safe_load(controller.named("instance_groups", "jetstream")["pod_spec_override"])
    [container] = pod["spec"]["containers"]
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    volumes = {each.pop("name"): each for each in pod["spec"]["volumes"]}
    assert volumes["job"] == {"emptyDir": {"medium": "Memory"}}
    assert mounts["job"] == "/runner"
    assert f"--private-data-dir={mounts['job']}" in container["args"]
    state = controller.named("credentials", "Jetstream state")
    assert mounts["state"] == state["inputs"]["state_path"]
    assert volumes["state"] == {"persistentVolumeClaim": {"claimName": "jetstream-state"}}


def test_schedules_are_what_awx_takes_and_come_when_they_say(controller: Controller) -> None:
    rules = {each["name"]: each["rrule"] for each in controller.objects["schedules"].values()}
    after = datetime(2026, 3, 6, 12, tzinfo=UTC)
    found = {}
    for name, text in rules.items():
        # AWX wants one start with a time zone, one rule, and an interval in it.
        start, rule = text.split(" ")
        assert start.startswith("DTSTART;TZID=America/Chicago:")
        assert rule.startswith("RRULE:")
        assert "INTERVAL=" in rule
        assert "SECONDLY" not in rule
        coming = rrulestr(f"{start}\n{rule}")
        found[name] = [coming.after(after), coming.after(after + timedelta(days=3))]
    quarter, evening = found["Jetstream every quarter of an hour"], found["Jetstream at seven on working days"]
    assert (quarter[0] - after.astimezone(quarter[0].tzinfo)) == timedelta(minutes=15)
    # A Friday, and the Monday after the clocks were put forward.
    assert [each.strftime("%a %H:%M %Z") for each in evening] == ["Fri 19:00 CST", "Mon 19:00 CDT"]


class Launch:
    """A job of AWX, from its template and credentials to the execution node."""

    def __init__(self, controller: Controller, control: Node, worker: Node, private: Path) -> None:
        self.controller = controller
        self.worker = worker
        self.stream = Stream(control, worker, new_job(control.folder / "job", {}), private)

    def run(self, name: str, answers: Json, inputs: dict[str, Json], more: dict[str, str]) -> int:
        """Run a job template. ``inputs`` are those of its credentials that differ here, by the name of the type."""
        controller, folder = self.controller, self.stream.job.folder
        template = controller.named("job_templates", name)
        shutil.copytree(EXAMPLE / "project", folder / "project", dirs_exist_ok=True)
        (folder / "env" / "envvars").unlink()
        (folder / "env" / "extravars").write_text(extra_variables(template, answers))
        _write_inventory(folder / "inventory" / "hosts")
        environ, words = dict(more), []
        for each in controller.members_of("job_templates", template["id"], "credentials"):
            kind = controller.objects["credential_types"][each["credential_type"]]
            given, options = injected(kind, each["inputs"] | inputs.get(kind["name"], {}), folder)
            environ |= given
            # The files that the options name are unpacked elsewhere.
            words += [word.replace(str(folder), str(self.stream.private)) for word in options]
        return self.stream.run(template["playbook"], environ, cmdline=" ".join(words))


def _write_inventory(path: Path) -> None:
    """Write the inventory as AWX does: as a program that prints it, with variables of AWX."""
    local = {"ansible_connection": "local", "remote_tower_enabled": "true", "remote_tower_id": 1}
    rows = {"all": {"hosts": ["localhost"]}, "_meta": {"hostvars": {"localhost": local}}}
    path.write_text(f"#! /usr/bin/env python3\nprint({json.dumps(rows)!r})\n")
    path.chmod(0o700)


@pytest.fixture
def launch(controller: Controller, node: Node, tmp_path: Path, collections: Path) -> Iterator[Launch]:
    worker = Node(tmp_path / "worker", programs=programs_of("WORKER_PROGRAMS"), collections=collections)
    with memory_folder() as folder:
        yield Launch(controller, node, worker, folder / "job")


def test_a_job_with_answers_stops_those_that_are_named(launch: Launch, nights: NodeNights, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    inputs = {
        "Jetstream Atmosphere": {"api_url": nights.server.url},
        "Jetstream state": {"state_path": str(shared)},
    }
    status = launch.run("Jetstream: stop all", {"only": "lab-*"}, inputs, nights.more)
    job = launch.stream.job
    assert status == 0, job.output
    assert "2 selected: 2 changed" in job.output
    assert "WARNING" not in job.output
    assert nights.states("web", "lab-1", "lab-2") == ["active", "shutoff", "shutoff"]
    assert (shared / "put_to_sleep.json").exists()


def test_a_password_of_any_characters_is_the_one_that_the_cloud_gets(launch: Launch, tmp_path: Path) -> None:
    inputs: dict[str, Json] = {"Jetstream state": {"state_path": str(tmp_path)}}
    with Server(fleet(names=("web",), states={"active": 1}, password=ODD)) as server:
        inputs["Jetstream Atmosphere"] = {"api_url": server.url, "password": ODD}
        status = launch.run("Jetstream: instances", {}, inputs, {})
    job = launch.stream.job
    assert status == 0, job.output
    assert "web" in job.output
    assert ODD not in job.output
    assert launch.worker.files_with(ODD, *server.world.tokens) == []


def test_a_night_mails_posts_and_pings_by_its_template_and_credentials(
    launch: Launch, nights: NodeNights, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    nights.rest("web")
    (nights.home / ".local/state/jetstream/readings").rename(shared / "readings")
    with a_mail_server() as mails, a_webhook() as hook:
        inputs = {
            "Jetstream Atmosphere": {"api_url": nights.server.url},
            "Jetstream state": {"state_path": str(shared)},
            "Jetstream webhook": {"webhook_url": hook.url},
            "Jetstream dead man's switch": {"ping_url": hook.url},
        }
        template = launch.controller.named("job_templates", "Jetstream: night")
        given = json.loads(template["extra_vars"])
        more = {"smtp_port": mails.port, "smtp_secure": "never", "charts": False, "parts": "usage_report,hygiene"}
        more["everything"] = True
        template["extra_vars"] = json.dumps({**given, **more})
        try:
            status = launch.run("Jetstream: night", {}, inputs, nights.more)
        finally:
            template["extra_vars"] = json.dumps(given)
    job = launch.stream.job
    assert status == 0, job.output
    assert "WARNING" not in job.output
    assert (len(hook.posts), len(hook.fetched)) == (1, 1)
    assert "usage report" in mails.mails[0].message["Subject"]
    assert (shared / "nightly.json").exists()
    assert PASSWORD not in job.output
    assert hook.url not in job.output
    assert launch.worker.files_with(PASSWORD, hook.url, *nights.server.world.tokens) == []


def test_the_login_at_a_mail_server_is_handed_over_as_variables(controller: Controller, tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    inputs = {"smtp_host": "smtp.example.edu", "smtp_username": "johndoe", "smtp_password": ODD}
    _environ, words = injected(controller.named("credential_types", "Jetstream mail server"), inputs, tmp_path)
    option, path = words
    assert (option, yaml.safe_load(Path(path.removeprefix("@")).read_text())) == ("-e", inputs)


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        (
            "Jetstream2 application credential",
            {"application_credential_id": "0123", "application_credential_secret": ODD},
            {
                "JETSTREAM_APPLICATION_CREDENTIAL_ID": "0123",
                "JETSTREAM_APPLICATION_CREDENTIAL_SECRET": ODD,
                "JETSTREAM_AUTH_URL": "",
                "JETSTREAM_REGION": "",
            },
        ),
        ("Jetstream2 clouds.yaml", {"clouds_yaml": "clouds: {}\n", "cloud": "lab"}, {"JETSTREAM_CLOUD": "lab"}),
    ],
)
def test_a_login_to_jetstream2_is_what_the_collection_reads(
    controller: Controller, kind: str, inputs: Json, expected: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "env").mkdir()
    environ, words = injected(controller.named("credential_types", kind), inputs, tmp_path)
    assert expected.items() <= environ.items()
    assert environ["JETSTREAM_CACHE_TOKENS"] == "no"
    assert words == []
    if "OS_CLIENT_CONFIG_FILE" in environ:
        path = Path(environ["OS_CLIENT_CONFIG_FILE"])
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("clouds: {}\n", 0o600)
