# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task runs in the controller's process, or as a module."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action.normal import ActionModule as ModuleAction
from ansible.template import Templar, trust_as_template
from ansible_collections.jetstream.cloud.plugins.action import operation
from ansible_collections.jetstream.cloud.plugins.action.operation import ActionModule

ACTION = "jetstream.cloud.jetstream_instance_info"
OWN = {"ansible_playbook_python": sys.executable}


def where(
    monkeypatch: pytest.MonkeyPatch,
    *,
    interpreter: str | None = None,
    transport: str = "local",
    become: object = None,
    async_val: int = 0,
    delegate_to: str | None = None,
    delegated: dict[str, Any] | None = None,
) -> str:
    """Run a task and return where its work was done."""
    monkeypatch.setattr(ModuleAction, "run", lambda *_arguments: {"where": "module"})
    monkeypatch.setattr(ActionModule, "_work", lambda *_arguments: {"where": "here"})
    variables = {"inventory_hostname": "localhost", **OWN}
    if interpreter is not None:
        variables["ansible_python_interpreter"] = trust_as_template(interpreter)
    if delegate_to:
        variables["ansible_delegated_vars"] = {delegate_to: delegated or {}}
    task = SimpleNamespace(
        args={}, action=ACTION, async_val=async_val, delegate_to=delegate_to, environment=[], timeout=0
    )
    connection = SimpleNamespace(transport=transport, become=become)
    templar = Templar(variables=variables)
    result = ActionModule(task, connection, SimpleNamespace(), None, templar, None).run(task_vars=variables)
    return str(result["where"])


@pytest.mark.parametrize(
    "interpreter", [None, "", "auto", "auto_silent", "{{ ansible_playbook_python }}", sys.executable]
)
def test_on_the_controller_it_is_done_here(monkeypatch: pytest.MonkeyPatch, interpreter: str | None) -> None:
    assert where(monkeypatch, interpreter=interpreter) == "here"


def test_another_name_of_the_same_python_is_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python3"
    other_name = tmp_path / "python3.99"
    python.symlink_to(os.path.realpath(sys.executable))
    other_name.symlink_to(python)
    monkeypatch.setattr(sys, "executable", str(python))
    assert where(monkeypatch, interpreter=str(other_name)) == "here"


def test_the_python_that_a_virtual_environment_was_made_from_is_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python3"
    python.symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setattr(sys, "executable", str(python))
    assert where(monkeypatch, interpreter=os.path.realpath(python)) == "module"


@pytest.mark.parametrize(
    "circumstances",
    [
        {"interpreter": "/opt/python/bin/python3"},
        {"interpreter": "python3"},
        {"transport": "ssh"},
        {"become": object()},
        {"async_val": 60},
        {"delegate_to": "far", "transport": "ssh"},
        {"delegate_to": "near", "delegated": {"ansible_python_interpreter": "/opt/python/bin/python3"}},
    ],
    ids=[
        "another-python",
        "any-python3",
        "elsewhere",
        "as-another-user",
        "in-the-background",
        "delegated",
        "for-a-host",
    ],
)
def test_otherwise_the_module_runs(monkeypatch: pytest.MonkeyPatch, circumstances: dict[str, Any]) -> None:
    assert where(monkeypatch, **circumstances) == "module"


def test_delegated_to_the_controller_it_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"ansible_python_interpreter": sys.executable}
    # The host that the task is for has a Python of its own, which does not matter.
    assert where(monkeypatch, interpreter="/far/python", delegate_to="localhost", delegated=own) == "here"


def test_without_its_library_here_the_module_may_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "REQUESTS_IMPORT_ERROR", "No module named requests")
    assert where(monkeypatch) == "module"
    assert where(monkeypatch, interpreter=sys.executable) == "here"


@pytest.mark.parametrize("transport", ["local", "ssh"])
@pytest.mark.parametrize(("url", "is_hidden"), [("https://console/?token=t", True), (None, False)])
def test_a_result_with_a_secret_is_hidden_from_output(
    monkeypatch: pytest.MonkeyPatch, transport: str, url: str | None, is_hidden: bool
) -> None:
    """In both ways of running a task. Ansible hides such a result, and registers all of it."""
    monkeypatch.setattr(ModuleAction, "run", lambda *_arguments: {"url": url})
    monkeypatch.setattr(ActionModule, "_work", lambda *_arguments: {"url": url})
    for name, hidden in (("console_info", is_hidden), ("instance_info", False)):
        action = f"jetstream.cloud.jetstream_{name}"
        task = SimpleNamespace(args={}, action=action, async_val=0, delegate_to=None, environment=[], timeout=0)
        connection = SimpleNamespace(transport=transport, become=None)
        templar = Templar(variables=OWN)
        result = ActionModule(task, connection, SimpleNamespace(), None, templar, None).run(task_vars=dict(OWN))
        assert (result["url"], result.get("_ansible_no_log", False)) == (url, hidden)


def arguments_of(
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    /,
    *,
    timeout_of_task: int = 0,
    path_of_task: str = "",
    **arguments: Any,
) -> dict[str, Any]:
    """Run a task of a module, and return the result, with the arguments that its work was given."""
    task = SimpleNamespace(
        args=arguments,
        action=f"jetstream.cloud.jetstream_{module}",
        async_val=0,
        delegate_to=None,
        environment=[],
        timeout=timeout_of_task,
        get_path=lambda: path_of_task,
    )
    monkeypatch.setattr(ModuleAction, "run", lambda *_arguments: {"arguments": task.args})
    monkeypatch.setattr(ActionModule, "_work", lambda *_arguments: {"arguments": task.args})
    connection = SimpleNamespace(transport="local", become=None)
    action = ActionModule(task, connection, SimpleNamespace(), DataLoader(), Templar(variables=OWN), None)
    return dict(action.run(task_vars=dict(OWN)))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("instance", {"name": ["alice", "bob"]}, "name must be text, and is a list."),
        ("instance", {"names": [["alice", "bob"]]}, "names must be a list of texts"),
        ("instance", {"names": [{"name": "alice"}]}, "names must be a list of texts"),
        ("instance", {"name": "a", "user_data": {"packages": ["git"]}}, "user_data must be text, and is a mapping."),
        ("instance", {"name": "a", "size": ["m3.tiny"]}, "size must be text, and is a list."),
        ("volume", {"name": "data", "instance": ["web"]}, "instance must be text, and is a list."),
        ("keypair", {"name": "laptop", "public_key": ["ssh-rsa A", "ssh-rsa B"]}, "public_key must be text"),
        ("instance_info", {"profile": ["lab"]}, "profile must be text, and is a list."),
        ("instance_info", {"profile": True}, "profile must be text, and is true. If that is a name, put it in quotes."),
        ("volume", {"name": False}, "name must be text, and is false."),
        ("instance_state", {"state": "stopped", "flavor": "a", "size": "b"}, "flavor and size are the same option, of"),
        ("instance_state", {"state": "stopped", "name": True}, "name must be a list of texts, and one of them is true"),
        ("instance_state", {"state": "stopped", "name": ["a", False]}, "name must be a list of texts, and one of them"),
        ("instance_state", {"state": "stopped", "all": True, "max_changes": True}, "max_changes must be a number, and"),
        ("instance", {"name": "a", "count": False, "shrink": True}, "count must be a number, and is false."),
        ("instance", {"name": "a", "wait_timeout": True}, "wait_timeout must be a number, and is true."),
        ("instance_state", {"state": "stopped", "exclude": [["web"]]}, "exclude must be a list of texts"),
        ("mail", {"to": [["a@example.org"]]}, "to must be a list of texts"),
        # As -e students=['alice','bob'] leaves it, a text.
        ("instance", {"names": "['alice','bob']"}, "names must be a list, and is a text that looks like one: ['alice'"),
        ("instance", {"names": '["alice"]'}, "names must be a list, and is a text that looks like one"),
        ("instance", {"names": "[alice, bob]", "state": "absent"}, "names must be a list, and is a text that looks"),
        ("instance", {"name": "a", "security_groups": "[]"}, "security_groups must be a list, and is a text that"),
        ("instance", {"name": "a", "security_groups": ""}, "security_groups must be a list, and is an empty text."),
        ("instance_state", {"state": "stopped", "name": " "}, "name must be a list, and is an empty text."),
        ("image", {"name": "geo", "members": ""}, "members must be a list, and is an empty text."),
        ("security_group", {"name": "ssh", "rules": "[{'ports': '22'}]"}, "rules must be a list, and is a text that"),
        ("security_group", {"name": "ssh", "rules": ""}, "rules must be a list, and is an empty text."),
    ],
)
def test_a_list_or_a_mapping_never_becomes_a_text(
    monkeypatch: pytest.MonkeyPatch, name: str, arguments: dict[str, Any], message: str
) -> None:
    """Ansible would launch an instance that is called ``['alice', 'bob']``."""
    result = arguments_of(monkeypatch, name, **arguments)
    assert result["failed"] is True
    assert str(result["msg"]).startswith(message)


@pytest.mark.parametrize("name", ["web", "alice,bob", "[ab]", "node-[12]", "[0-9]*"])
def test_a_text_for_a_list_is_a_name_or_a_glob_or_several(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    given = {"state": "stopped", "name": name}
    assert arguments_of(monkeypatch, "instance_state", **given)["arguments"] == given


TASK = """- jetstream.cloud.jetstream_instance:
    name: 007
    names: [web, 0x10]
    count: 010
"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 7}, 'name: 007 is the number 7 in YAML. Put it in quotes: "007".'),
        ({"names": ["web", 16]}, 'names: 0x10 is the number 16 in YAML. Put it in quotes: "0x10".'),
        # A number is a number.
        ({"name": "a", "count": 8}, None),
    ],
)
def test_a_name_that_yaml_has_made_another_number_of_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: dict[str, Any], message: str | None
) -> None:
    (tmp_path / "site.yml").write_text(TASK)
    result = arguments_of(monkeypatch, "instance", path_of_task=f"{tmp_path}/site.yml:1", **arguments)
    assert result.get("msg") == message


@pytest.mark.parametrize("path", ["", "/away/site.yml:1"])
def test_a_number_for_a_name_is_taken_where_no_file_shows_its_text(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert arguments_of(monkeypatch, "instance", path_of_task=path, name=7)["arguments"] == {"name": 7}


def test_null_means_that_an_option_was_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also to the rules: ``name`` and ``names`` exclude each other, and one of them is needed."""
    metadata = {"a": None}
    result = arguments_of(monkeypatch, "instance", name=None, names=["alice"], metadata=metadata, rates=None)
    assert result["arguments"] == {"names": ["alice"], "metadata": metadata}


@pytest.mark.parametrize(
    ("seconds", "given", "expected"),
    [
        (0, {}, {}),
        (0, {"wait_timeout": 60}, {"wait_timeout": 60}),
        (60, {}, {"wait_timeout": 55}),
        (60, {"wait_timeout": 55}, {"wait_timeout": 55}),
        (60, {"wait_timeout": "90"}, {"wait_timeout": 55}),
        (4, {"wait_timeout": 60}, {"wait_timeout": 2}),
        (1000, {}, {}),
        (60, {"wait_timeout": "soon"}, {"wait_timeout": "soon"}),
    ],
)
def test_a_task_waits_no_longer_than_ansible_lets_it(
    monkeypatch: pytest.MonkeyPatch, seconds: int, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Ansible drops the results of a task that it ends."""
    result = arguments_of(monkeypatch, "instance_state", timeout_of_task=seconds, **given)
    assert result["arguments"] == expected


def test_a_task_that_does_not_wait_is_ended_by_ansible_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arguments_of(monkeypatch, "instance_info", timeout_of_task=60)["arguments"] == {}
