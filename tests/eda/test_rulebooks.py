# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks by a real ansible-rulebook, on a simulated Atmosphere and on a project of OpenStack."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.eda.rulebook import COLLECTION, RULEBOOKS, Rulebook
from ansible_collections.jetstream.cloud.tests.eda.servers import (
    SECRET,
    Controller,
    Project,
    a_controller,
    a_project,
)
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.test_shelve_idle import Lab
from ansible_collections.jetstream.cloud.tests.scenarios.stages import write_profile
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import Webhook, a_webhook
from ansible_rulebook.json_generator import generate_dict_rulesets
from ansible_rulebook.rules_parser import parse_rule_sets
from ansible_rulebook.validators import Validate

OFTEN = {"interval": 30, "idle_interval": 30, "budget_interval": 30}
EVIL = "{{ lookup('pipe', 'touch stolen') }}"
# ansible-rulebook reads a text that begins so as a literal of Python, with a comment behind it.
LITERAL = '"a lie" #'


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    world = fleet(
        names=("web", "db", "off"),
        states={"active": 2, "shutoff": 1},
        compute_allowed=10_000,
        # Without its cache, a change is seen by the next poll.
        settings=Settings(list_cache=0.0),
    )
    world.allocation_sources[0].compute_used = 4000.0
    world.allocation_sources[0].end_date = world.now() + timedelta(days=300)
    add_colleague(world)
    with Server(world) as server:
        write_profile(tmp_path, f'api_url = "{server.url}"\nusername = "johndoe"\npassword = "pass"\n')
        yield Lab(tmp_path, server)


@pytest.mark.parametrize("path", sorted(RULEBOOKS.glob("*.yml")), ids=lambda path: path.stem)
def test_a_rulebook_is_valid_and_its_conditions_can_be_read(path: Path) -> None:
    rules = yaml.safe_load(path.read_text())
    Validate.rulebook(rules)
    [ruleset] = parse_rule_sets(rules, {})
    assert ruleset.sources[0].source_name == "jetstream.cloud.fleet"
    assert generate_dict_rulesets([ruleset], {})


def deadline_in(lab_home: Path, days: float) -> str:
    at = datetime.now(UTC) + timedelta(days=days)
    row = {"name": "web", "time_zone": "UTC", "shelve_at": f"{at:%Y-%m-%dT%H:%M}"}
    path = lab_home / "schedules.yml"
    path.write_text(json.dumps({"deadlines": [row]}))
    return str(path)


def with_events(text: str) -> str:
    """Return the rulebook announce, so changed that it posts the whole event besides its sentence."""
    return text.replace("            body:\n", '            body:\n              event: "{{ event }}"\n')


def posted(hook: Webhook) -> list[str]:
    """Return the sentences that were posted, after each event was compared with the schema."""
    for each in hook.posts:
        schema().validate(each["event"])
    return [each["text"] for each in hook.posts]


@functools.cache
def schema() -> Any:
    path = COLLECTION / "extensions" / "eda" / "schemas" / "fleet_event.json"
    return jsonschema.Draft202012Validator(json.loads(path.read_text()))


def test_what_happens_is_announced_once_also_over_a_restart(lab: Lab) -> None:
    source = {**OFTEN, "schedules_path": deadline_in(lab.home, 100)}
    with a_webhook() as hook:
        rulebook = Rulebook(lab.home, "announce", {"webhook_url": hook.url}, source=source, change=with_events)
        with rulebook.running():
            rulebook.wait_for((lab.home / ".local/state/jetstream/events-announce.json").exists, "first poll")
            # Another user stops one, another one has been idle for hours, and so on.
            lab.server.world.force("db", "shutoff")
            lab.server.world.allocation_sources[0].compute_used = 7600.0
            deadline_in(lab.home, 2)
            lab.rest("web")
            rulebook.wait_for(lambda: len(hook.posts) >= 4, "four announcements")
        threshold, stop, idle, deadline = sorted(posted(hook))
        assert threshold.startswith("Allocation ")
        assert threshold.endswith(": 76.0 % of the SU are used (threshold 75 %).")
        assert stop == "Instance db was active, and is shutoff."
        assert deadline.startswith("Instance web: shelve_at is ")
        assert idle.startswith("Instance web of johndoe is idle: ")
        # While it does not run.
        lab.server.world.instance("off").name = EVIL
        lab.server.world.force(EVIL, "suspended")
        lab.server.world.instance("db").name = LITERAL
        lab.server.world.force(LITERAL, "suspended")
        with rulebook.running():
            rulebook.wait_for(lambda: len(hook.posts) >= 6, "sixth announcement")
    # The name of an instance is no template and no literal, neither for the rulebook nor for Ansible.
    assert sorted(posted(hook)[4:]) == [
        f"Instance {LITERAL} was shutoff, and is suspended.",
        "Instance { { lookup('pipe', 'touch stolen') } } was shutoff, and is suspended.",
    ]
    assert not list(lab.home.rglob("stolen"))
    assert "pass" not in rulebook.text.split()


def test_a_killed_rulebook_announces_what_it_missed_and_nothing_again(lab: Lab) -> None:
    memory = lab.home / ".local/state/jetstream/events-announce.json"
    source = {**OFTEN, "watch": ["state"]}
    with a_webhook() as hook:
        rulebook = Rulebook(lab.home, "announce", {"webhook_url": hook.url}, source=source, change=with_events)
        with rulebook.running():
            rulebook.wait_for(memory.exists, "first poll")
            lab.server.world.force("db", "shutoff")
            rulebook.wait_for(lambda: hook.posts, "announcement")
            rulebook.wait_for(lambda: '"told":' in memory.read_text(), "record of it")
            rulebook.kill()
        lab.server.world.force("web", "suspended")
        with rulebook.running():
            rulebook.wait_for(lambda: len(hook.posts) >= 2, "announcement of what was missed")
            # What is not recorded would have been announced by the same poll.
            rulebook.wait_for(lambda: memory.read_text().count('"told":') == 2, "record of that")
    assert posted(hook) == ["Instance db was active, and is shutoff.", "Instance web was active, and is suspended."]


def test_two_clouds_in_one_rulebook_of_which_one_is_down_at_the_start(lab: Lab) -> None:
    project = Project()
    project.add("worker")
    project.is_down = True

    def with_another_source(text: str) -> str:
        rules = yaml.safe_load(with_events(text))
        options = {**OFTEN, "watch": ["state"], "profile": "second", "retry_timeout": 0}
        options["state_path"] = str(lab.home / "second.json")
        rules[0]["sources"].append({"name": "second", "jetstream.cloud.fleet": options})
        return yaml.safe_dump(rules, width=1000)

    with a_project(project), a_webhook() as hook:
        profiles = lab.home / ".config/jetstream/profiles.toml"
        profiles.write_text(f"{profiles.read_text()}[second]\n{project.profile}")
        source = {**OFTEN, "watch": ["state"]}
        rulebook = Rulebook(lab.home, "announce", {"webhook_url": hook.url}, source=source, change=with_another_source)
        with rulebook.running():
            rulebook.wait_for(lambda: hook.posts, "failure of the second cloud")
            lab.server.world.force("db", "shutoff")
            project.is_down = False
            rulebook.wait_for(lambda: len(hook.posts) >= 3, "recovery of it")
    texts = posted(hook)
    assert texts[0].startswith("Events of instances are missing: ")
    assert texts[1] == "Instance db was active, and is shutoff."
    assert texts[2].startswith("Events of instances are complete again.")
    assert [each["event"]["meta"]["source"]["name"] for each in hook.posts] == ["second", "fleet", "second"]
    assert SECRET not in rulebook.text


def test_a_server_that_another_user_stops_is_announced(tmp_path: Path) -> None:
    project = Project()
    server = project.add("web")
    project.add("db", "shutoff")
    with a_project(project), a_webhook() as hook:
        write_profile(tmp_path, project.profile)
        source = {**OFTEN, "watch": ["state", "deadline"], "schedules_path": deadline_in(tmp_path, 0.5)}
        rulebook = Rulebook(tmp_path, "announce", {"webhook_url": hook.url}, source=source, change=with_events)
        with rulebook.running():
            rulebook.wait_for((tmp_path / ".local/state/jetstream/events-announce.json").exists, "first poll")
            project.stop(server)
            deadline_in(tmp_path, -0.001)
            rulebook.wait_for(lambda: len(hook.posts) >= 2, "two announcements")
    assert posted(hook)[0] == "Instance web was active, and is shutoff."
    assert posted(hook)[1].startswith("Instance web: shelve_at is ")
    assert SECRET not in rulebook.text


def test_an_idle_server_and_a_threshold_of_its_project_are_announced(tmp_path: Path) -> None:
    project = Project()
    server = project.add("web")
    project.add("db", "shutoff")
    with a_project(project), a_webhook() as hook:
        write_profile(tmp_path, project.profile)
        source = {**OFTEN, "watch": ["idle", "budget"], "console_only": True}
        rulebook = Rulebook(tmp_path, "announce", {"webhook_url": hook.url}, source=source, change=with_events)
        with rulebook.running():
            rulebook.wait_for((tmp_path / ".local/state/jetstream/events-announce.json").exists, "first poll")
            project.used = 7600.0
            project.rest(server)
            rulebook.wait_for(lambda: len(hook.posts) >= 2, "two announcements")
    threshold, idle = sorted(posted(hook))
    assert idle.startswith("Instance web of ")
    # With what was used since the figures of the site, which are a day old.
    assert threshold.startswith("Allocation TG-DEMO001 CPU: 76.")
    assert threshold.endswith(" % of the SU are used (threshold 75 %).")
    assert SECRET not in rulebook.text


def test_an_idle_instance_is_told_of_and_shelved_by_the_rulebook(lab: Lab) -> None:
    lab.rest("web", "db")
    with a_webhook() as hook:

        def quickly(text: str) -> str:
            mail = 'mail_to: "{{ mail_to }}"'
            assert (text.count("65 minutes"), text.count(mail)) == (1, 2)
            text = text.replace("65 minutes", "15 seconds").replace("grace_minutes: 60", "grace_minutes: 0")
            given = {"trial_days": 0, "sweep_minutes": 0, "pause_seconds": 1, "webhook_url": hook.url}
            rest = [f"{name}: {json.dumps(value)}" for name, value in given.items()]
            return text.replace(mail, "\n            ".join(rest))

        rulebook = Rulebook(
            lab.home,
            "shelve_idle",
            {"apply": True},
            source={**OFTEN, "announce_first": True, "name": ["web"]},
            more=lab.more,
            change=quickly,
        )
        with rulebook.running():
            rulebook.wait_for(lambda: hook.posts, "notice")
            assert lab.actions() == 0
            rulebook.wait_for(lambda: lab.state("web").startswith("shelved"), "shelving")
    assert len(hook.posts) == 1
    assert (lab.actions(), lab.state("db")) == (1, "active")


def test_jobs_of_awx_are_launched_with_the_event(lab: Lab) -> None:
    lab.server.world.force("db", "error")
    lab.server.world.allocation_sources[0].compute_used = 9100.0
    controller = Controller("Repair", "Save")
    with a_controller(controller):
        rulebook = Rulebook(
            lab.home,
            "hand_over",
            {"organization": "Lab", "job_of_error": "Repair", "job_of_budget": "Save"},
            source={"announce_first": True},
            more={"EDA_JOB_TEMPLATE_REFRESH_DELAY": "0.2"},
            arguments=("--controller-url", controller.url, "--controller-token", "of-no-account"),
        )
        with rulebook.running():
            rulebook.wait_for(lambda: len(controller.launched) >= 2, "two jobs")
    launched = {name: body["extra_vars"] for name, body in controller.launched}
    db: Any = lab.server.world.instance("db")
    assert launched["Repair"]["instance_uuid"] == str(db.uuid)
    assert launched["Repair"]["ansible_eda"]["event"]["meta"]["source"] == {
        "name": "fleet",
        "type": "jetstream.cloud.fleet",
    }
    assert set(launched) == {"Repair", "Save"}
