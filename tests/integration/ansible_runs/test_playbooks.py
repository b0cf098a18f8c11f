# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped playbooks, run by ansible-playbook, do what their variables mean, or refuse before the first request."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.playbook_variables import PLAYBOOKS
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import (
    Json,
    environment,
    program,
    run_playbook,
)
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.terminal import converse
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.loopback import Loopback, answer
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded

VAULT_PASSWORD = "open-sesame"
# The one that is called 3 has the number 4.
NAMES = ("course-web", "blast-server", "other", "3")
# Started in the middle of a run, from the folder of the user, with files for -e there.
FILES: Mapping[str, str] = {
    "mistyped.yml": "exlude: course-web\n",
    "exclude.yml": "exclude: course-web\n",
    "exclude.json": '{"exclude": ["course-web"]}',
    "twice.yml": "exclude: course-web\nexclude: blast-server\n",
    "twice.json": '{"exclude": ["course-web"], "exclude": ["blast-server"]}',
    "nothing.yml": "exclude:\n",
    "template.yml": "exclude: \"{{ 'course' ~ '-web' }}\"\n",
    # What ansible-runner hands over for AWX: its own variables, and a survey.
    "awx.yml": "awx_job_id: 7\ntower_user_name: ada\nawx_inventory_name: lab\nexclude: [course-web, blast-server]\n",
    "password": VAULT_PASSWORD,
}


class User:
    """A user with four active instances, numbered from 1, and the files above."""

    def __init__(self, server: Server, home: Path) -> None:
        self.server = server
        self.home = home
        for name, text in FILES.items():
            (home / name).write_text(text, encoding="utf-8")

    def run(
        self, playbook: str, *arguments: str, folder: Path | None = None, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a playbook: a shipped one if the name has no suffix, or else a file at home."""
        name = playbook if playbook.endswith(".yml") else f"jetstream.cloud.{playbook}"
        return run_playbook(name, *arguments, home=self.home, url=self.server.url, folder=folder, more=more)

    def given(
        self, playbook: str, *values: str, folder: Path | None = None, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a playbook with values for -e."""
        return self.run(playbook, *(word for value in values for word in ("-e", value)), folder=folder, more=more)

    def write(self, name: str, plays: Sequence[Json]) -> str:
        """Write a playbook, and return its name."""
        (self.home / name).write_text(json.dumps(plays), encoding="utf-8")
        return name

    def importing(self, playbook: str, variables: Json, *before: Json) -> str:
        """Write a playbook that imports another with variables, after the tasks that are given."""
        first = {"hosts": "localhost", "gather_facts": False, "tasks": list(before)}
        imported = {"import_playbook": f"jetstream.cloud.{playbook}", "vars": variables}
        return self.write("evening.yml", [*([first] if before else []), imported])

    def encrypt(self, name: str, *arguments: str) -> None:
        """Encrypt a file with Ansible's vault."""
        subprocess.run(
            [program("ansible-vault"), "encrypt", "--vault-password-file", "password", name, *arguments],
            cwd=self.home,
            check=True,
            capture_output=True,
        )

    def acted_on(self) -> list[str]:
        """Return the names of instances to which an action was sent, and forget the requests."""
        paths = [each.path for each in self.server.requests.matching("POST", "/action")]
        self.server.requests.reset()
        return sorted(each.name for each in self.server.world.instances if any(each.uuid in path for path in paths))


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    world = fleet(names=NAMES, settings=Settings(transition=0.0, deploy=0.0))
    with Server(world) as server:
        yield User(server, tmp_path)


def refusal(user: User, ended: subprocess.CompletedProcess[str]) -> str:
    """Return the message of a run that ended without a request."""
    assert ended.returncode == 2, ended.stdout
    assert len(user.server.requests) == 0
    message = re.search(r'FAILED! => \{.*"msg": "((?:[^"\\]|\\.)*)"', ended.stdout)
    assert message, ended.stdout
    return str(json.loads(f'"{message[1]}"'))


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("playbook", "values", "sentence"),
    [
        ("stop_all", ["exlude=course-web"], "exlude: did you mean exclude?"),
        ("stop_all", ["onyl=course-web", "proflie=lab"], "onyl: did you mean only? proflie: did you mean profile?"),
        ("stop_all", ['{"exclud": ["course-web"]}'], "exclud: did you mean exclude?"),
        ("stop_all", ["name=course-web,blast-server"], "name: use only."),
        ("stop_all", ["@mistyped.yml"], "exlude: did you mean exclude?"),
        ("stop_all", ["jetstream_state=started"], "jetstream_state: is internal to the playbook"),
        ("stop_all", ['{"jetstream_given": {"value": {}}}'], "jetstream_given: is internal to the playbook"),
        ("stop_all", ["jetstream_allowed_variables=*", "exlude=a"], "jetstream_allowed_variables: * "),
        ("suspend_all", ["Exclude=course-web"], "Exclude: did you mean exclude?"),
        ("shelve_all", ["projects=lab"], "projects: did you mean project?"),
        ("start_all", ["max_change=1"], "max_change: did you mean max_changes?"),
        ("instances", ["column=name"], "column: did you mean columns?"),
        ("volumes", ["instance=course-web"], "instance: use only."),
        ("instance_action", ["name=course-web", "do=stop"], "name: use instance."),
        ("save_credential", ["password=pass"], "password: not a variable of save_credential."),
        ("allocation", ["allocation=TG-GEO160014"], "allocation: use allocation_source."),
        ("usage_report", ["mail_too=a@example.org"], "mail_too: did you mean mail_to?"),
    ],
)
def test_a_variable_that_is_not_known_is_refused(user: User, playbook: str, values: list[str], sentence: str) -> None:
    assert refusal(user, user.given(playbook, *values)).startswith(sentence)


def test_variables_of_ansible_awx_and_the_site_pass(user: User) -> None:
    user.encrypt("awx.yml")
    ended = user.run(
        "stop_all",
        *("-e", "@awx.yml", "--vault-password-file", "password"),
        *("-e", "ansible_user=ada", "-e", "ticket=7 site_color=red", "-e", "jetstream_allowed_variables=ticket,site_*"),
    )
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == ["3", "other"]


# --- once, and whole -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        ["exclude=course-web", "exclude=blast-server"],
        ["exclude=course-web", "exclude=course-web"],
        ["exclude=course-web exclude=blast-server"],
        ['{"exclude": ["course-web"]}', "exclude=blast-server"],
        ['{"exclude": ["course-web"], "exclude": ["blast-server"]}'],
        ["{exclude: course-web, exclude: blast-server}"],
        ["@exclude.yml", "@exclude.yml"],
        ["@exclude.yml", "@exclude.json"],
        ["@exclude.yml", "only=other exclude=blast-server"],
        ["@twice.yml"],
        ["@twice.json"],
    ],
)
def test_a_variable_that_is_given_twice_is_refused(user: User, values: list[str]) -> None:
    assert refusal(user, user.given("stop_all", *values)).startswith("exclude is given more than once")


def test_a_variable_that_is_given_twice_in_encrypted_files_is_refused(user: User) -> None:
    user.encrypt("exclude.yml")
    ended = user.run(
        "stop_all", "--vault-password-file", "password", "-e", "@exclude.yml", "-e", "exclude=blast-server"
    )
    assert refusal(user, ended).startswith("exclude is given more than once")


def test_encrypted_values_mean_what_they_are(user: User) -> None:
    encrypted = subprocess.run(
        [program("ansible-vault"), "encrypt_string", "--vault-password-file", "password", "course-web", "-n", "only"],
        cwd=user.home,
        check=True,
        capture_output=True,
        text=True,
    )
    (user.home / "secret.yml").write_text(encrypted.stdout)
    ended = user.run("stop_all", "--vault-password-file", "password", "-e", "@secret.yml")
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == ["course-web"]


def test_a_pipe_is_read_once(user: User) -> None:
    pipe = user.home / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("exclude: course-web\n",), daemon=True)
    writer.start()
    ended = user.given("stop_all", f"@{pipe}", "exclude=blast-server")
    assert refusal(user, ended).startswith("exclude is given more than once")
    writer.join(5)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["profile="], "profile is given, but empty. Remove it."),
        (["@nothing.yml"], "exclude is given, but empty. Remove it."),
        (['{"exclude": null}'], "exclude is given, but empty. Remove it."),
        (["only= ,"], '"," belongs to no variable.'),
        (["only=' ,'"], "only is given, but empty. Remove it."),
        (["only="], "only is given, but empty. Remove it."),
        (['{"exclude": ["", ""]}'], "exclude has an empty element."),
        (['{"project": [""]}'], "project has an empty element."),
        (["exclude=course-web,"], "exclude=course-web, has nothing before or after a comma."),
        (["max_changes="], "max_changes is given, but empty. Remove it."),
        (["allow_wake="], "allow_wake is given, but empty. Remove it."),
        (["exclude={{ '' }}"], "exclude is given, but empty. Remove it."),
        ([""], "-e is given, but empty."),
        ([" "], "-e is given, but empty."),
        (["project=Geo Project"], '"Project" belongs to no variable.'),
        (["exclude"], '"exclude" belongs to no variable.'),
        (["allow_wake"], "allow_wake has no value: write allow_wake=true."),
        # It may be part of a password.
        (["smtp_pasword=correct horse"], "Part of a value belongs to no variable."),
        (["exclude=['course-web']"], "exclude=['course-web'] is a text, not a list."),
    ],
)
def test_what_is_empty_or_cut_is_refused(user: User, values: list[str], sentence: str) -> None:
    assert refusal(user, user.given("stop_all", *values)).startswith(sentence)


@pytest.mark.parametrize(
    ("playbook", "value"),
    [
        ("activity", "ssh_key=no"),
        ("usage_report", "html_template=no"),
        ("shelve_idle", "notice_template=no"),
        ("hygiene", "webhook_template=no"),
        ("save_credential", "ca_path=no"),
    ],
)
def test_a_file_that_is_needed_later_has_to_be_there(user: User, playbook: str, value: str) -> None:
    """The message of ssh would be about a refused login, and a job would fail in each night."""
    path = user.home / "no"
    assert refusal(user, user.given(playbook, value)) == f"{value.partition('=')[0]} is {path}, which does not exist."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("exlude: x\n", "exlude: did you mean exclude?"),
        ("- exclude\n", "has no variables"),
        ("never: a\nnever: b\n", "never is given more than once"),
        ("jetstream_allowed_variables: [course]\ncourse: bio\nnver: x\n", "nver: did you mean never?"),
    ],
)
def test_no_job_is_installed_with_variables_that_each_run_would_refuse(user: User, text: str, sentence: str) -> None:
    (user.home / "night.yml").write_text(text)
    said = refusal(user, user.run("install_schedule", "--check", "-e", "variables_path=night.yml scheduler=cron"))
    assert sentence in said


def test_no_job_is_installed_in_a_folder_that_does_not_exist(user: User) -> None:
    ended = user.run("install_schedule", "--check", "-e", "folder=no scheduler=cron")
    assert ended.returncode == 2, ended.stdout
    assert f"folder is {user.home / 'no'}, but there is no such folder." in ended.stdout


@pytest.mark.parametrize(
    ("value", "number"), [("007", "7"), ("[course-web, 0x3]", "3"), ("1_2", "12"), ("12:30", "750"), ("+4", "4")]
)
def test_a_name_that_yaml_takes_for_another_number_is_refused(user: User, value: str, number: str) -> None:
    """It would protect the instance with that number, and not the one of that name."""
    (user.home / "names.yml").write_text(f"exclude: {value}\n")
    assert f"is the number {number} in YAML. Put it in quotes" in refusal(user, user.given("stop_all", "@names.yml"))


@pytest.mark.parametrize("how", ["playbook", "included", "vaulted"])
def test_a_task_with_a_name_that_yaml_takes_for_another_number_is_refused(user: User, how: str) -> None:
    task = "jetstream.cloud.jetstream_instance_state: {state: stopped, name: [web, 007]}"
    tasks = f"    - {task}\n" if how != "included" else "    - ansible.builtin.include_tasks: more.yml\n"
    (user.home / "more.yml").write_text(f"- name: Stop them\n  {task}\n")
    (user.home / "own.yml").write_text(f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}")
    options = ["-i", "localhost,"]
    if how == "vaulted":
        user.encrypt("own.yml")
        options += ["--vault-password-file", "password"]
    ended = user.run("own.yml", *options)
    assert ended.returncode == 2, ended.stdout
    assert 'name: 007 is the number 7 in YAML. Put it in quotes: "007".' in " ".join(ended.stdout.split())
    assert user.acted_on() == []


@pytest.mark.parametrize(
    ("playbook", "values"),
    [
        ("instances", ["profile="]),
        ("volumes", ['{"only": null}']),
        ("instance_action", ["instance=", "do=stop"]),
        ("save_credential", ["api_url="]),
        ("allocation", ['{"columns": []}']),
        ("usage_report", ["dest="]),
        ("usage_report", ['{"mail_to": []}']),
    ],
)
def test_no_playbook_takes_an_empty_value(user: User, playbook: str, values: list[str]) -> None:
    assert "is given, but empty. Remove it." in refusal(user, user.given(playbook, *values))


@pytest.mark.parametrize(
    ("values", "stopped"),
    [
        (["only=2"], ["blast-server"]),
        (['{"only": [2, "course-web"]}'], ["blast-server", "course-web"]),
        (["exclude=2,4"], ["course-web", "other"]),
        (["only=course-* exclude=other"], ["course-web"]),
        (["@template.yml", "only=course-*,other"], ["other"]),
        (['{"exclude": []}', "only=other"], ["other"]),
        # What a program found may be nothing.
        (['{"only": []}'], []),
        (['{"project": []}'], []),
        (["exclude={{ omit }}", "only=other"], ["other"]),
    ],
)
def test_only_the_selection_is_stopped(user: User, values: list[str], stopped: list[str]) -> None:
    ended = user.given("stop_all", *values)
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == stopped


def test_a_number_means_the_same_in_only_and_exclude(user: User) -> None:
    # There is one of that name, and another of that number.
    ambiguous = user.given("stop_all", "only=3")
    assert ambiguous.returncode == 2
    assert "The name 3 is ambiguous. Use an ID" in ambiguous.stdout
    assert user.acted_on() == []
    assert user.given("stop_all", "exclude=3").returncode == 0
    assert user.acted_on() == ["blast-server", "course-web"]


@pytest.mark.parametrize("arguments", [["--tags", "evening"], ["--skip-tags", "untagged"], ["--skip-tags", "all"]])
def test_tags_that_leave_everything_out_are_refused(user: User, arguments: list[str]) -> None:
    assert "leaves out every task of stop_all" in refusal(user, user.run("stop_all", "-e", "only=other", *arguments))


@pytest.mark.parametrize("tags", ["evening", "always", ["a", "evening"]])
def test_an_importer_may_have_tags(user: User, tags: str | list[str]) -> None:
    imported = [
        {"import_playbook": "jetstream.cloud.stop_all", "vars": {"only": "other"}, "tags": tags},
        {"import_playbook": "jetstream.cloud.stop_all", "vars": {"onyl": "course-web"}, "tags": "morning"},
    ]
    ended = user.run(user.write("evening.yml", imported), "--tags", "evening")
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == ["other"]


def test_a_check_that_was_left_out_stops_the_run(user: User) -> None:
    ended = user.run("stop_all", "-e", "only=other", "--start-at-task", "Bring the instances*")
    assert ended.returncode == 2, ended.stdout
    assert len(user.server.requests) == 0


# --- imported by a playbook of the user's ----------------------------------------------------------------------------


def test_a_playbook_is_given_variables_where_it_is_imported(user: User) -> None:
    evening = user.importing("stop_all", {"exclude": ["course-web"], "only": "{{ mine }}"})
    (user.home / "hosts").write_text('localhost mine=\'["course-web", "other"]\'\n')
    ended = user.run(evening, "-i", "hosts")
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == ["other"]


def test_variables_come_over_several_imports(user: User) -> None:
    user.importing("stop_all", {"exclude": "course-web", "wait_timeout": 60})
    night = user.write("night.yml", [{"import_playbook": "evening.yml", "vars": {"only": "course-web,other"}}])
    ended = user.run(night)
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == ["other"]


def test_what_is_given_on_the_command_line_comes_before_what_an_importer_gives(user: User) -> None:
    evening = user.importing("stop_all", {"only": "course-web"})
    assert user.given(evening, "only=other").returncode == 0
    assert user.acted_on() == ["other"]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"exlude": "course-web"}, "exlude: did you mean exclude?"),
        ({"jetstream_state": "started"}, "jetstream_state: is internal to the playbook"),
        ({"exclude": None}, "exclude is given, but empty."),
        ({"exclude": "{{ '' }}"}, "exclude is given, but empty."),
    ],
)
def test_an_importer_makes_mistakes_too(user: User, variables: Json, sentence: str) -> None:
    assert refusal(user, user.run(user.importing("stop_all", variables))).startswith(sentence)


def test_an_importer_has_variables_of_its_own(user: User) -> None:
    plain = user.importing("stop_all", {"only": "{{ course }}"})
    assert refusal(user, user.given(plain, "course=other")).startswith("course: not a variable of stop_all.")
    allowing = user.importing("stop_all", {"only": "{{ course }}", "jetstream_allowed_variables": "course"})
    assert user.given(allowing, "course=other").returncode == 0
    assert user.acted_on() == ["other"]


@pytest.mark.parametrize(
    "task",
    [
        {"ansible.builtin.set_fact": {"exclude": "course-web"}},
        {"ansible.builtin.include_vars": {"file": "exclude.yml"}},
    ],
)
def test_a_fact_is_handed_over_or_refused(user: User, task: Json) -> None:
    said = refusal(user, user.run(user.importing("stop_all", {}, task)))
    assert said.startswith("exclude: stop_all accepts no facts.")
    assert 'vars: {exclude: "{{ exclude }}"}' in said
    ended = user.run(user.importing("stop_all", {"exclude": "{{ exclude }}"}, task))
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == ["3", "blast-server", "other"]


# --- the inventories of others ---------------------------------------------------------------------------------------


def test_the_inventory_of_another_user_changes_nothing(user: User) -> None:
    lab = user.home / "lab"
    (lab / "group_vars").mkdir(parents=True)
    (lab / "hosts").write_text("localhost ansible_connection=ssh ansible_host=192.0.2.1\nweb.example.org\n")
    (lab / "group_vars" / "all.yml").write_text(
        "project: webshop\nonly: other\nansible_become: true\nansible_become_exe: /bin/false\n"
        "ansible_python_interpreter: /bin/false\nansible_shell_type: powershell\nansible_remote_tmp: /dev/null\n"
        "jetstream_given: {value: {only: [other]}}\njetstream_state: started\n"
    )
    (lab / "host_vars").mkdir()
    (lab / "host_vars" / "localhost.yml").write_text("allow_wake: perhaps\njetstream_columns: [nothing]\n")
    (lab / "ansible.cfg").write_text("[defaults]\ninventory = hosts\n[privilege_escalation]\nbecome = true\n")
    ended = user.run("stop_all", folder=lab)
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == sorted(NAMES)
    said = " ".join(ended.stdout.split())
    assert "does not read variables from the inventory: only, project, allow_wake." in said
    assert " unreachable=0 " in said


def test_a_documented_command_warns_of_nothing(user: User) -> None:
    warned = {"ANSIBLE_LOCALHOST_WARNING": "true", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "true"}
    ended = user.run("stop_all", "-i", "localhost,", "--check", "--diff", more=warned)
    assert ended.returncode == 0, ended.stdout
    assert "WARNING" not in ended.stdout


def test_an_inventory_may_name_the_variables_of_a_site(user: User) -> None:
    (user.home / "hosts").write_text("localhost jetstream_allowed_variables=ticket\n")
    ended = user.run("instances", "-i", "hosts", "-e", "ticket=7")
    assert ended.returncode == 0, ended.stdout


# --- the instances of others -----------------------------------------------------------------------------------------


def test_the_instances_of_others_are_left_alone_unless_they_are_requested(user: User) -> None:
    add_colleague(user.server.world)
    shown = user.given("instances", "columns=all")
    assert shown.returncode == 0, shown.stdout
    assert "OWNER" in user.given("instances").stdout
    assert "OWNER" not in user.given("instances", "owner=me").stdout
    refused = user.given("instance_action", "instance=jane-1", "do=stop")
    assert "jane-1 (5) belongs to janeroe, but owner is me." in refused.stdout
    assert (refused.returncode, user.acted_on()) == (2, [])
    own = user.given("stop_all", "max_changes=4")
    counts = "4 selected: 4 changed, 0 unchanged, 0 skipped, 0 failed"
    assert f"{counts}, 2 of other owners not selected (owner: any)" in own.stdout
    assert "OWNER" not in own.stdout
    assert user.acted_on() == sorted(NAMES)
    everybody = user.run("start_all", "-e", "owner=any", "--check")
    assert everybody.returncode == 0, everybody.stdout


def test_a_colleague_is_named_as_owner(user: User) -> None:
    add_colleague(user.server.world)
    ended = user.given("stop_all", "owner=janeroe", "exclude=jane-2")
    assert ended.returncode == 0, ended.stdout
    assert user.acted_on() == ["jane-1"]
    both = user.given("stop_all", "owner=any", "only=jane-*,other")
    assert re.search(r"^NAME +ID +OWNER +BEFORE", both.stdout, re.MULTILINE)
    assert user.acted_on() == ["jane-2", "other"]


def test_an_owner_is_not_empty(user: User) -> None:
    assert refusal(user, user.given("stop_all", "owner=")).startswith("owner is given, but empty.")


# --- one instance ----------------------------------------------------------------------------------------------------


def status(user: User, name: str) -> str:
    return str(user.server.world.instance(name).vm.status)


def test_one_instance_is_named_in_any_way_and_brought_to_any_state(user: User) -> None:
    uuid = user.server.world.instance("course-web").uuid
    for values in (
        ["instance=course-web", "do=shelve"],
        ["id=1", "do=unshelve"],
        [f"instance={uuid}", "do=suspend"],
        ["instance=1", "action=resume"],
        ["instance=course-web", "do=reboot", "reboot_type=hard"],
        ["instance=course-web", "do=stop"],
    ):
        ended = user.given("instance_action", *values)
        assert ended.returncode == 0, ended.stdout
        assert "conflict" not in ended.stdout
        assert "changed=1" in ended.stdout
        assert user.acted_on() == ["course-web"]
        assert ("Found variable using reserved name" in ended.stdout) == ("action=resume" in values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["id=3,4", "do=stop"], "id must be one instance, but 3,4 may be several."),
        (['{"instance": [3, 4]}', "do=stop"], "instance must be the name, the number or the UUID of one instance."),
        (["instance=course-*", "do=stop"], "instance must be one instance, but course-* may be several."),
        (["instance=course-web"], "instance_action requires do: -e do=start|stop|suspend|"),
        (["do=stop"], "instance_action requires instance: -e instance=..."),
        (["instance=course-web", "do=explode"], "do is explode, but must be one of start, stop, suspend,"),
        (["instance=1", "do=stop", "action=stop"], "do and action are the same variable: set it once."),
        (["instance=1", "id=1", "do=stop"], "instance and id are the same variable: set it once."),
    ],
)
def test_one_instance_is_not_several(user: User, values: list[str], sentence: str) -> None:
    assert refusal(user, user.given("instance_action", *values)).startswith(sentence)


# --- the folder where one stands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("playbook", ["instances", "evening.yml", "by_module"])
def test_clouds_yaml_is_found_where_the_command_is_typed(user: User, playbook: str) -> None:
    user.importing("instances", {})
    python = user.home / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    course = user.home / "course"
    course.mkdir()
    with Loopback(
        otherwise=answer(401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}})
    ) as keystone:
        auth = {"auth_url": f"{keystone.url}/v3", "application_credential_id": "0123"}
        lab = {"auth_type": "v3applicationcredential", "auth": auth}
        (course / "clouds.yaml").write_text(json.dumps({"clouds": {"lab": lab}}))
        secret = {"clouds": {"lab": {"auth": {"application_credential_secret": "from-secure-yaml"}}}}
        (course / "secure.yaml").write_text(json.dumps(secret))
        # As env -C, make -C and subprocess leave it, PWD is the folder of before.
        more = {"JETSTREAM_CLOUD": "lab", "PWD": str(user.home), "NO_PROXY": "127.0.0.1"}
        name = str(user.home / playbook) if playbook == "evening.yml" else "instances"
        # With another Python than that of Ansible, a module does the work.
        other = ["-e", f"ansible_python_interpreter={python}"] if playbook == "by_module" else []
        ended = user.run(name, *other, folder=course, more=more)
        assert ended.returncode == 2, ended.stdout
        logins = [json.loads(each.body) for each in keystone.received if each.method == "POST"]
    assert logins, ended.stdout
    credential = logins[0]["auth"]["identity"]["application_credential"]
    assert credential == {"id": "0123", "secret": "from-secure-yaml"}


@pytest.mark.parametrize("shell", ["from another folder", "without a shell"])
def test_a_relative_path_begins_where_the_command_is_typed(user: User, shell: str) -> None:
    course = user.home / "course"
    course.mkdir()
    (course / "lab.j2").write_text("The lab of {{ account.user }}")
    values = ["dest=usage.html", "record=usage.jsonl", "text_template=lab.j2", "charts=false"]
    # As env -C, make -C and subprocess leave it, PWD is the folder of before.
    pwd = {"PWD": str(user.home)} if shell == "from another folder" else {"PWD": ""}
    ended = user.given("usage_report", *values, folder=course, more=pwd)
    assert ended.returncode == 0, ended.stdout
    assert {"usage.html", "usage.jsonl"} <= {path.name for path in course.iterdir()}
    assert "The lab of johndoe" in ended.stdout


def test_a_password_for_mail_is_shown_nowhere(user: User) -> None:
    (user.home / "mail.yml").write_text("mail_to: a@example.org\nsmtp_username: ada\nsmtp_password: correct-horse\n")
    ended = user.run("usage_report", "-vvv", "-e", "@mail.yml", "-e", "smtp_host=127.0.0.1 smtp_port=9 charts=false")
    assert ended.returncode == 2
    assert "The mail server 127.0.0.1:9 cannot be reached" in ended.stdout
    assert "correct-horse" not in ended.stdout


# --- a login that is saved -------------------------------------------------------------------------------------------


def keystone_token(keystone: Loopback) -> bytes:
    """Return the answer to a login, with a catalogue of which every service is at the same address."""
    body = recorded("token")
    body["token"]["expires_at"] = "2099-01-01T00:00:00.000000Z"
    for service in body["token"]["catalog"]:
        for endpoint in service["endpoints"]:
            endpoint["url"] = f"{keystone.url}/{service['type']}"
    return answer(201, body, headers={"X-Subject-Token": "gAAAA-first"})


@pytest.fixture
def keystone() -> Iterator[Loopback]:
    """Serve a keystone that takes one login, and an accounting service that the login may not read."""
    forbidden = answer(403, {"error": {"code": 403, "message": "no", "title": "Forbidden"}})
    with Loopback(otherwise=forbidden) as served:
        served.answers.append(keystone_token(served))
        yield served


def at_a_terminal(user: User, *arguments: str, answers: Mapping[str, str], more: Mapping[str, str]) -> tuple[int, str]:
    """Save a login at a terminal, and answer the questions. Return the exit status, and all that was shown."""
    command = [program("ansible-playbook"), "jetstream.cloud.save_credential", *arguments]
    variables = {**environment(user.home, user.server.url), **more}
    return converse(command, answers, folder=user.home, environment=variables)


# Nothing in the environment says which cloud.
NO_LOGIN = {"JETSTREAM_API_URL": "", "JETSTREAM_USERNAME": "", "JETSTREAM_PASSWORD": "", "NO_PROXY": "127.0.0.1"}


@pytest.mark.parametrize("how", ["named", "asked", "environment"])
def test_a_cloud_of_clouds_yaml_is_saved_after_a_login(user: User, keystone: Loopback, how: str) -> None:
    auth = {"auth_url": f"{keystone.url}/v3", "application_credential_id": "0123"}
    lab = {"auth_type": "v3applicationcredential", "auth": {**auth, "application_credential_secret": "staple"}}
    folder = user.home / ".config" / "openstack" if how == "asked" else user.home
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clouds.yaml").write_text(json.dumps({"clouds": {"lab": lab}}))
    arguments = ["-e", "cloud=lab"] if how == "named" else []
    more = {**NO_LOGIN, **({"JETSTREAM_CLOUD": "lab"} if how == "environment" else {})}
    answers = {"Type its name, or atmosphere": "lab"} if how == "asked" else {}
    status, shown = at_a_terminal(user, *arguments, answers=answers, more=more)
    assert status == 0, shown
    assert "User name" not in shown
    profiles = user.home / ".config" / "jetstream" / "profiles.toml"
    assert tomllib.loads(profiles.read_text()) == {"default": {"cloud": "lab"}}
    assert [each.path for each in keystone.received if each.method == "POST"] == ["/v3/auth/tokens"]


def test_an_application_credential_is_saved_for_its_owner_alone(user: User, keystone: Loopback) -> None:
    status, shown = at_a_terminal(
        user,
        *("-vvv", "--diff", "-e", f"application_credential_id=0123 auth_url={keystone.url}/v3 profile=js2"),
        answers={"Secret of the application credential": "correct-horse"},
        more=NO_LOGIN,
    )
    assert status == 0, shown
    assert "correct-horse" not in shown
    profiles = user.home / ".config" / "jetstream" / "profiles.toml"
    [saved] = tomllib.loads(profiles.read_text()).values()
    assert saved["application_credential_secret"] == "correct-horse"
    assert profiles.stat().st_mode & 0o777 == 0o600


def test_without_a_terminal_no_secret_is_requested(user: User, keystone: Loopback) -> None:
    ended = user.given("save_credential", "application_credential_id=0123", f"auth_url={keystone.url}/v3")
    assert ended.returncode == 2
    assert "The secret is empty. Run the playbook in a terminal" in ended.stdout
    assert keystone.received == []


CLOUDS = "{clouds: {lab: {auth: {}}, prod: {auth: {}}}}"


@pytest.mark.parametrize("terminal", [True, False])
def test_an_empty_line_does_not_mean_atmosphere_where_there_are_clouds(user: User, terminal: bool) -> None:
    (user.home / "clouds.yaml").write_text(CLOUDS)
    if terminal:
        status, shown = at_a_terminal(user, answers={"Type its name, or atmosphere": ""}, more=NO_LOGIN)
    else:
        ended = user.run("save_credential", more=NO_LOGIN)
        status, shown = ended.returncode, ended.stdout
    assert status == 2, shown
    words = " ".join(shown.split())
    assert "No cloud is named. " in words
    assert "clouds.yaml has the clouds lab and prod." in words
    assert "User name" not in shown
    assert not (user.home / ".config").exists()


def test_atmosphere_is_named_where_there_are_clouds(user: User) -> None:
    (user.home / "clouds.yaml").write_text(CLOUDS)
    # Without a password, nothing is sent to the site.
    answers = {"Type its name, or atmosphere": "Atmosphere", "User name": "johndoe", "Password of the API": ""}
    status, shown = at_a_terminal(user, answers=answers, more=NO_LOGIN)
    assert status == 2, shown
    assert "User name and password are empty" in " ".join(shown.split())


# --- columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("playbook", ["instances", "volumes", "allocation"])
def test_a_column_that_does_not_exist_is_refused_whatever_there_is(user: User, playbook: str) -> None:
    assert refusal(user, user.given(playbook, "columns=nmae,uuid")).startswith("columns: there is no nmae, only name, ")


def test_names_of_images_are_requested_only_where_they_are_shown(user: User) -> None:
    shown = {"ANSIBLE_INJECT_INVOCATION": "true"}
    assert '"image_names": false' in user.run("instances", "-vvv", more=shown).stdout
    assert '"image_names": true' in user.run("instances", "-vvv", "-e", "columns=name,image", more=shown).stdout


@pytest.mark.parametrize("playbook", ["instances", "volumes", "allocation"])
def test_all_columns_are_shown_on_request(user: User, playbook: str) -> None:
    world = user.server.world
    world.attach(world.add_volume("data", 10, world.instance("other").identity), world.instance("other"))
    ended = user.given(playbook, "columns=all")
    assert ended.returncode == 0, ended.stdout
    [header] = [line for line in ended.stdout.splitlines() if line.startswith("NAME ")]
    [columns] = [variable.everything for variable in PLAYBOOKS[playbook] if variable.everything]
    assert len(re.split(r" {2,}", header.strip())) == len(columns)
