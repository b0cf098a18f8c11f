# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook takes the variables of its table and no others, and no value of them is empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.vars.reserved import is_reserved_name
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.playbook_variables import (
    ALLOWED,
    PLAYBOOKS,
    Kind,
    Variable,
    VariableError,
    allowed_patterns,
    missing,
    read,
    repeated,
    unknown,
    without_value,
)

HERE = Path("/home/johndoe/course")


def meaning(kind: Kind, raw: object, **more: Any) -> object:
    return read(Variable("v", kind, **more), "v", raw, lambda: HERE)


@pytest.mark.parametrize(
    ("playbook", "name", "sentence"),
    [
        ("stop_all", "exlude", "exlude: did you mean exclude?"),
        ("stop_all", "onyl", "onyl: did you mean only?"),
        ("stop_all", "projects", "projects: did you mean project?"),
        ("stop_all", "max_change", "max_change: did you mean max_changes?"),
        ("stop_all", "max-changes", "max-changes: did you mean max_changes?"),
        ("stop_all", "Exclude", "Exclude: did you mean exclude?"),
        ("stop_all", "proflie", "proflie: did you mean profile?"),
        ("stop_all", "instance", "instance: use only."),
        ("stop_all", "name", "name: use only."),
        ("stop_all", "account", "account: use profile."),
        ("idle", "cloud", "cloud: use profile, or set JETSTREAM_CLOUD to use a cloud of clouds.yaml."),
        ("stop_all", "id", "id: use only."),
        ("instance_action", "name", "name: use instance."),
        ("instance_action", "only", "only: use instance."),
        ("instance_action", "state", "state: use do."),
        ("start_all", "allow_wake", "allow_wake: not a variable of start_all, but of stop_all"),
        ("stop_all", "frobnicate", "frobnicate: not a variable of stop_all."),
        ("stop_all", "", ": not a variable of stop_all."),
        ("stop_all", "jetstream_state", "jetstream_state: is internal to the playbook, and cannot be set."),
        ("stop_all", "jetstream_given", "jetstream_given: is internal to the playbook, and cannot be set."),
        ("stop_all", "omit", "omit: is internal to the playbook, and cannot be set."),
        (
            "stop_all",
            "jetstream_allowed_variable",
            "jetstream_allowed_variable: did you mean jetstream_allowed_variables?",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(playbook: str, name: str, sentence: str) -> None:
    [said] = unknown(playbook, [name], [])
    assert said.startswith(sentence)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_its_own_names_and_those_of_ansible_awx_and_the_site_pass(playbook: str) -> None:
    own = [name for variable in PLAYBOOKS[playbook] for name in variable.names]
    others = ["ansible_become", "awx_job_id", "tower_user_name", "ticket", "site_color", ALLOWED.name]
    assert unknown(playbook, [*own, *others], ["ticket", "site_*"]) == []


@pytest.mark.parametrize(
    ("patterns", "wrong"),
    [
        ("*", "*"),
        ("ticket,e*", "e*"),
        (["[a-z]*"], "[a-z]*"),
        ("jetstream_*", "jetstream_*"),
        ("jetstream_given", "jetstream_given"),
        ("j*", "j*"),
        ("omit", "omit"),
    ],
)
def test_a_site_cannot_let_typing_errors_pass(patterns: object, wrong: str) -> None:
    with pytest.raises(VariableError) as raised:
        allowed_patterns(patterns)
    assert f"jetstream_allowed_variables: {wrong} " in str(raised.value)


@pytest.mark.parametrize("name", ["jetstream_state", "jetstream_given"])
def test_no_pattern_of_a_site_lets_an_inner_variable_pass(name: str) -> None:
    assert unknown("stop_all", [name], allowed_patterns("*_state,?etstream_giv*")) != []


def test_a_site_may_allow_variables_of_another_playbook() -> None:
    assert unknown("instances", ["max_changes"], allowed_patterns("max_changes, ticket")) == []


def test_a_variable_is_given_once_under_one_name() -> None:
    assert repeated("stop_all", {"exclude": 1, "only": 1, "ansible_user": 2}) == []
    [twice] = repeated("stop_all", {"exclude": 2})
    assert twice.startswith("exclude is given more than once")
    assert repeated("instance_action", {"id": 1, "instance": 1}) == [
        "instance and id are the same variable: set it once."
    ]


def test_texts_become_a_list() -> None:
    assert meaning(Kind.LIST, "web, batch-*") == ["web", "batch-*"]
    assert meaning(Kind.LIST, "web\n\nbatch,\n  course-*\n") == ["web", "batch", "course-*"]
    assert meaning(Kind.LIST, ["a,b", 3]) == ["a,b", "3"]
    assert meaning(Kind.LIST, 3) == ["3"]
    assert meaning(Kind.NAMES, "web,3") == ["web", "3"]
    assert meaning(Kind.NAMES, []) == []
    # A glob may begin with a bracket.
    assert meaning(Kind.LIST, "[ab]*") == ["[ab]*"]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("nothing", [None, "", " ", "\n"])
def test_no_value_of_a_known_variable_is_refused(kind: Kind, nothing: object) -> None:
    with pytest.raises(VariableError) as raised:
        meaning(kind, nothing)
    assert str(raised.value) == "v is given, but empty. Remove it."


@pytest.mark.parametrize(
    "value",
    [
        ",",
        " , ",
        "web,",
        ",web",
        "web,,batch",
        "web, ,batch",
        "web,\n,batch",
        [],
        [""],
        ["", ""],
        ["web", ""],
        ["web", None],
        [" "],
        [["web"]],
        [{"name": "web"}],
        {"web": None},
        {},
        True,
        [True],
        1.5,
        "['web', 'batch']",
        "[]",
    ],
)
def test_no_list_has_an_element_that_means_nothing(value: object) -> None:
    for kind in (Kind.LIST, Kind.NAMES) if value != [] else (Kind.LIST,):
        with pytest.raises(VariableError):
            meaning(kind, value)


@pytest.mark.parametrize("value", ["3,4", "course-*", "web,", [3, 4], ["web"], True, {"id": 3}, "vm-[12]"])
def test_a_name_is_a_single_value(value: object) -> None:
    assert meaning(Kind.NAME, 3) == "3"
    assert meaning(Kind.NAME, " course-web ") == "course-web"
    with pytest.raises(VariableError):
        meaning(Kind.NAME, value)


@pytest.mark.parametrize("value", ["wide", "-1", "1.5", -1, 1.5, True, [80], "8" * 20])
def test_a_count_is_a_number_of_0_or_more(value: object) -> None:
    width = Variable("width", Kind.COUNT)
    assert [read(width, "width", good, Path.cwd) for good in (0, "0", 80, " 80 ")] == [0, 0, 80, 80]
    with pytest.raises(VariableError, match=r"width is .*, but must be a number, 0 or more"):
        read(width, "width", value, Path.cwd)


@pytest.mark.parametrize(
    ("name", "value"),
    [("host_timeout", 0), ("ssh_user", "-oProxyCommand=x"), ("ssh_user", "ada b"), ("jump_host", "-J x")],
)
def test_a_value_that_ssh_would_misread_is_refused(name: str, value: object) -> None:
    [variable] = [each for each in PLAYBOOKS["activity"] if each.name == name]
    with pytest.raises(VariableError, match=rf"^{name} is {value}, but must be "):
        read(variable, name, value, Path.cwd)


def test_all_stands_for_everything_there_is() -> None:
    columns = ("name", "id")
    assert meaning(Kind.LIST, "all", everything=columns) == ["name", "id"]
    assert meaning(Kind.LIST, ["all"], everything=columns) == ["name", "id"]
    assert meaning(Kind.NAMES, "all") == ["all"]


@pytest.mark.parametrize("value", ["nmae", "name,nmae", ["name", "Name"], "flavr.name", "all,name", ["all", "all"]])
def test_an_unknown_column_is_refused_before_there_are_rows(value: object) -> None:
    [columns] = [each for each in PLAYBOOKS["instances"] if each.everything]
    with pytest.raises(VariableError, match=r"^columns: there is no (nmae|Name|flavr\.name|all), only name, id, "):
        read(columns, "columns", value, Path.cwd)


@pytest.mark.parametrize("value", ["name", "flavor.name,size", "project.uuid", "activity", "addresses", "name,,id"])
def test_columns_are_those_of_the_table_and_keys_of_its_rows(value: str) -> None:
    [columns] = [each for each in PLAYBOOKS["instances"] if each.everything]
    assert read(columns, "columns", value.replace(",,", ","), Path.cwd) == value.replace(",,", ",").split(",")


def test_a_path_begins_where_the_user_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/johndoe")
    assert meaning(Kind.PATH, "usage.html") == "/home/johndoe/course/usage.html"
    assert meaning(Kind.PATH, "~/usage.html") == "/home/johndoe/usage.html"
    assert meaning(Kind.PATH, "/srv/usage.html") == "/srv/usage.html"


def test_where_the_folder_is_gone_only_a_whole_path_will_do() -> None:
    def gone() -> Path:
        raise FileNotFoundError

    path = Variable("dest", Kind.PATH)
    assert read(path, "dest", "/srv/usage.html", gone) == "/srv/usage.html"
    with pytest.raises(VariableError, match="the working folder does not exist any more"):
        read(path, "dest", "usage.html", gone)


def test_a_secret_is_not_repeated() -> None:
    assert meaning(Kind.SECRET, "hunter2") is True


def test_a_choice_is_one_of_those_there_are() -> None:
    assert meaning(Kind.VALUE, "stop", choices=("start", "stop")) == "stop"
    with pytest.raises(VariableError) as raised:
        meaning(Kind.VALUE, "stpo", choices=("start", "stop"))
    assert str(raised.value) == "v is stpo, but must be one of start, stop. Did you mean stop?"


SWITCHES = sorted(
    {(playbook, each.name) for playbook, variables in PLAYBOOKS.items() for each in variables if each.is_switch}
)


@pytest.mark.parametrize(("playbook", "name"), SWITCHES)
def test_a_switch_is_yes_or_no_and_no_other_word(playbook: str, name: str) -> None:
    """``-e apply=ja`` must not mean no, and say nothing."""
    [switch] = [each for each in PLAYBOOKS[playbook] if each.name == name]
    for raw, is_on in ((True, True), ("yes", True), (" True ", True), (1, True), ("off", False), (0, False)):
        assert read(switch, name, raw, Path.cwd) is is_on
    for wrong in ("ja", "tru", "yess", 2, "-1", 0.5, [True], {"yes": True}):
        with pytest.raises(VariableError, match=f"{name} is .*, but must be true or false"):
            read(switch, name, wrong, Path.cwd)


def test_required_variables_are_requested() -> None:
    assert missing("stop_all", {}) is None
    assert missing("instance_action", {"instance": "web", "do": "stop"}) is None
    assert missing("instance_action", {"do": "stop"}) == "instance_action requires instance: -e instance=..."


def test_no_name_is_one_of_ansibles() -> None:
    names = {variable.name for variables in PLAYBOOKS.values() for variable in variables}
    assert [name for name in sorted(names) if is_reserved_name(name)] == []


@pytest.mark.parametrize(
    ("playbook", "words", "sentences"),
    [
        ("idle", "console_only", ["console_only has no value: write console_only=true."]),
        ("keep", "undo", ["undo has no value: write undo=true."]),
        ("shelve_idle", "apply console_only", ["apply has no", "console_only has no"]),
        ("idle", "apply", []),
        ("idle", "console_only Project", []),
        ("idle", "only", []),
    ],
)
def test_a_switch_without_a_value_is_reported_with_the_value(playbook: str, words: str, sentences: list[str]) -> None:
    found = without_value(playbook, words)
    assert len(found) == len(sentences)
    assert all(told.startswith(sentence) for told, sentence in zip(found, sentences, strict=True))
