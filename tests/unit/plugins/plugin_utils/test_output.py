# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that a task writes in the controller's process."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from typing import Any

import pytest
from ansible import constants, context
from ansible.module_utils.common.collections import ImmutableDict
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal import output
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.output import (
    _Line,
    is_data,
    is_for_people,
    show,
)


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ansible-core 2.22 and newer hide nothing, since it knows the secrets of all tests of this process."""
    if importlib.util.find_spec("ansible.module_utils._internal._secrets"):
        masker = "ansible.module_utils._internal._secrets.SecretMasker.mask_string"
        monkeypatch.setattr(masker, lambda _masker, value, **_keywords: value)


class Full:
    """A device without space. Lines are written to it one by one."""

    def write(self, text: str) -> None:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("aside", [False, True])
def test_a_line_is_written_where_it_arrives(capsys: pytest.CaptureFixture[str], aside: bool) -> None:
    sent = pickle.dumps(_Line("stop done", aside))
    assert capsys.readouterr() == ("", "")
    arrived = pickle.loads(sent)  # noqa: S301
    assert capsys.readouterr() == (("", "stop done\n") if aside else ("stop done\n", ""))
    assert (type(arrived), arrived) == (str, "stop done")


def test_a_worker_sends_a_line_and_ansible_only_logs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(output.multiprocessing, "parent_process", lambda: "the controller")
    monkeypatch.setattr(output.Display, "display", lambda _display, msg, **how: sent.append((msg, how)))
    show("stop done", aside=True)
    [(line, how)] = sent
    assert isinstance(line, _Line)
    assert how == {"log_only": True}


def test_a_line_that_cannot_be_written_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    show("stop done")
    assert "Output was lost: [Errno 28] No space left on device" in capsys.readouterr().err


def test_nothing_is_raised_where_that_cannot_be_reported_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    show("stop done")


@pytest.mark.parametrize(
    ("callback", "people", "data"),
    [
        ("default", True, False),
        ("ansible.builtin.default", True, False),
        ("minimal", False, True),
        ("ansible.builtin.oneline", False, True),
        ("ansible.posix.json", False, True),
        ("ansible.posix.jsonl", False, True),
        ("json", False, True),
        # It may be either, so tables are printed, and progress goes aside.
        ("community.general.yaml", False, False),
    ],
)
def test_the_callback_decides_for_whom_the_output_of_a_playbook_is(
    monkeypatch: pytest.MonkeyPatch, callback: str, people: bool, data: bool
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", callback)
    assert (is_for_people(), is_data()) == (people, data)


def test_the_output_of_a_single_module_is_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(module_name="jetstream.cloud.jetstream_instance_state"))
    assert (is_for_people(), is_data()) == (False, True)
