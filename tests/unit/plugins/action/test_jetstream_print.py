# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text reaches the user unchanged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible_collections.jetstream.cloud.plugins.action.jetstream_print import ActionModule


def run(*, no_log: bool = False, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    task = SimpleNamespace(
        action="jetstream.cloud.jetstream_print",
        args=arguments,
        async_val=0,
        check_mode=check_mode,
        diff=False,
        no_log=no_log,
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    play_context = SimpleNamespace(check_mode=check_mode)
    return ActionModule(task, connection, play_context, None, None, None).run(None, {})


@pytest.mark.parametrize("check_mode", [False, True])
def test_prints_text_line_by_line_and_returns_it(capsys: pytest.CaptureFixture[str], check_mode: bool) -> None:
    text = 'NAME  "ID"\nß     \\1'
    result = run(msg=text, check_mode=check_mode)
    assert capsys.readouterr() == (f"{text}\n", "")
    assert (result["msg"], result["changed"], result["failed"]) == (text, False, False)


def test_prints_the_texts_of_a_list_one_below_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(msg=["table", "", 3])["msg"] == "table\n\n3"
    assert capsys.readouterr().out == "table\n\n3\n"


def test_does_not_show_its_text_twice_with_verbose() -> None:
    assert run(msg="x")["_ansible_verbose_override"] is True


def test_cannot_be_made_to_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run(msg="a\x1b[2Jb")
    assert capsys.readouterr().out == "a\ufffd[2Jb\n"


def test_prints_nothing_that_no_log_hides(capsys: pytest.CaptureFixture[str]) -> None:
    run(msg="secret", no_log=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("callback", ["json", "ansible.posix.json", "ansible.posix.jsonl"])
def test_does_not_break_json_on_the_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", callback)
    assert run(msg="text")["msg"] == "text"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("msg", [None, {"a": 1}, [{"a": 1}], [["a"]]])
def test_a_value_that_is_no_text_is_refused(msg: object) -> None:
    with pytest.raises(AnsibleActionFail):
        run(msg=msg)


def test_refuses_options_it_does_not_have() -> None:
    with pytest.raises(AnsibleActionFail, match="Unsupported parameters"):
        run(msg="x", text="y")
