# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user without a home runs everything, without profiles and a cache."""

from __future__ import annotations

import pwd
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, result_of, user_home
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import credential, instance_info
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import PASSWORD, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Path | None:
    """Simulate a user without an entry in passwd and without HOME, as in a container with an arbitrary user ID."""

    def unknown(_number: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME")
    return user_home()


def test_a_relative_home_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "somewhere")
    assert user_home() is None
    monkeypatch.setenv("HOME", "/somewhere")
    assert user_home() == Path("/somewhere")


def test_a_user_without_a_home_has_none(home: Path | None) -> None:
    assert home is None


def test_a_login_in_the_environment_is_enough(home: Path | None, tmp_path: Path) -> None:
    with a_site(fleet(2, clock=ManualClock()), tmp_path) as site:
        runner = OperationRunner(home, site.clock)
        runner.environ = {
            "JETSTREAM_API_URL": site.server.url,
            "JETSTREAM_USERNAME": "johndoe",
            "JETSTREAM_PASSWORD": PASSWORD,
        }
        outcome = runner.run(instance_info.SPEC, instance_info.OPERATION)
        runner.run(instance_info.SPEC, instance_info.OPERATION)
        logins = len(site.server.requests.matching("POST", "/auth"))
    assert len(outcome.result["instances"]) == 2
    assert logins == 2, "nothing is kept"
    assert list(tmp_path.iterdir()) == []


def test_openstacksdk_does_not_mind() -> None:
    """The import looks for the home, so it is tested in a process of its own."""
    code = """
import pwd
pwd.getpwuid = {}.__getitem__
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import configuration, sdk
import os
print(sdk.OPENSTACKSDK_IMPORT_ERROR, os.environ.get("HOME"))
"""
    variables = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("None None\n", "")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"profile": "lab"}, "There is no profile lab, because this user has no home folder."),
        ({"cloud": "js2"}, "There is no cloud js2, because there is no clouds.yaml in the working folder or"),
        ({}, "No login is configured."),
    ],
)
def test_a_setting_that_would_be_in_a_home_is_reported(
    home: Path | None, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OperationRunner(home).run(instance_info.SPEC, instance_info.OPERATION, **options)
    assert str(caught.value).startswith(sentence)


def test_nothing_can_be_saved_without_a_home(home: Path | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OperationRunner(home).run(credential.SPEC, credential.OPERATION, username="johndoe", password="x")
    assert str(caught.value) == "This user has no home folder for ~/.config/jetstream/profiles.toml. Set HOME."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_a_number_is_refused_for_every_module(value: float) -> None:
    """It is above no limit and below none, so that a task would wait for ever, or not at all."""

    def work(_options: Mapping[str, Any], _context: Context) -> Outcome:
        return Outcome({})

    nowhere = Context(False, FakeClock(), {}, None, warn=lambda _text: None, hide=lambda _secret: None)
    result = result_of(work, {"wait": True, "wait_timeout": value}, nowhere)
    assert result == {"failed": True, "msg": f"wait_timeout is {value}, and has to be a number."}
