# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login is saved if it is good, as a whole or not at all, and its secret is in the file alone."""

from __future__ import annotations

import itertools
import json
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.connect import resolve
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.credential import SPEC, credential
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.profiles import PROFILES
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import PASSWORD, Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.keystone import a_token
from ansible_collections.jetstream.cloud.tests.unit.fakes.loopback import Loopback, answer
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner

OTHERS = "# The course's.\n[course]\nusername = 'ta'\npassword = 'chalk'\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(fleet(2, clock=ManualClock()), tmp_path) as site:
        (tmp_path / PROFILES).parent.mkdir(parents=True, mode=0o700)
        (tmp_path / PROFILES).write_text(OTHERS)
        yield site


def save(site: Site, runner: OperationRunner | None = None, *, check_mode: bool = False, **options: Any) -> Outcome:
    runner = runner or OperationRunner(site.home, site.clock)
    return runner.run(SPEC, credential, check_mode=check_mode, **{"api_url": site.server.url, **options})


def saved(site: Site) -> str:
    return (site.home / PROFILES).read_text()


def test_closing_the_folder_to_others_is_a_change_that_is_foreseen(site: Site) -> None:
    save(site, username="johndoe", password=PASSWORD)
    (site.home / PROFILES).parent.chmod(0o755)
    again = [save(site, check_mode=check, username="johndoe", password=PASSWORD) for check in (True, False, False)]
    assert [each.changed for each in again] == [True, True, False]
    assert (site.home / PROFILES).parent.stat().st_mode & 0o777 == 0o700


def test_saves_a_login_that_was_tried_and_leaves_the_others(site: Site) -> None:
    outcome = save(site, username="johndoe", password=PASSWORD)
    assert outcome.changed
    assert saved(site).startswith(OTHERS)
    assert tomllib.loads(saved(site))["default"] == {
        "api_url": site.server.url,
        "username": "johndoe",
        "password": PASSWORD,
    }
    assert (site.home / PROFILES).stat().st_mode & 0o777 == 0o600
    assert site.requests() == {"login": 1, "v2 allocation sources": 1}
    assert not save(site, username="johndoe", password=PASSWORD).changed


def test_writes_nothing_if_the_login_is_refused(site: Site) -> None:
    with pytest.raises(AuthenticationFailed):
        save(site, username="johndoe", password="hunter2")
    assert saved(site) == OTHERS


def test_a_token_is_tried_and_takes_the_place_of_a_password(site: Site) -> None:
    save(site, username="johndoe", password=PASSWORD)
    token = site.world.new_token(site.world.users["johndoe"])
    save(site, token=token)
    profile = tomllib.loads(saved(site))["default"]
    assert (profile["token"], "password" in profile) == (token, False)
    before = saved(site)
    with pytest.raises(AuthenticationFailed):
        save(site, token="no-such-token")
    assert saved(site) == before


def test_sends_nothing_without_verify(site: Site) -> None:
    assert save(site, username="johndoe", password="hunter2", verify=False).changed
    assert site.requests() == {}


def test_check_mode_tries_the_login_and_writes_nothing(site: Site) -> None:
    assert save(site, check_mode=True, username="johndoe", password=PASSWORD).changed
    assert saved(site) == OTHERS


def test_removes_a_profile_and_no_other(site: Site) -> None:
    save(site, username="johndoe", password=PASSWORD, profile="lab")
    assert save(site, profile="lab", state="absent").changed
    assert tomllib.loads(saved(site)) == tomllib.loads(OTHERS)
    assert not save(site, profile="lab", state="absent").changed


def test_the_secret_is_in_no_result_diff_or_error(site: Site) -> None:
    runner = OperationRunner(site.home, site.clock)
    outcome = save(site, runner, username="johndoe", password="s3cret-1", verify=False)
    outcome = save(site, runner, username="johndoe", password="s3cret-2", verify=False)
    assert "s3cret" not in repr(outcome)
    assert runner.hidden == {"s3cret-1", "s3cret-2"}
    with pytest.raises(AuthenticationFailed) as raised:
        save(site, username="johndoe", password="s3cret-3")
    # Not the traceback's own lines of this test, which has the word.
    assert "s3cret" not in "".join(traceback.format_exception_only(raised.value))
    # A file that is no TOML: the parser's words would show a line of it.
    (site.home / PROFILES).write_text("[default]\npassword = 's3cret-4")
    with pytest.raises(ConfigurationError) as broken:
        save(site, username="johndoe", password=PASSWORD)
    shown = traceback.format_exception(broken.value.__context__) if broken.value.__context__ else []
    assert "s3cret" not in str(broken.value) + "".join(shown)


CREDENTIAL = {"application_credential_id": "0123", "application_credential_secret": "very-s3cret"}


@pytest.fixture
def keystone() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


def profile_of(site: Site, name: str = "default") -> dict[str, Any]:
    profile: dict[str, Any] = tomllib.loads(saved(site))[name]
    return profile


def save_there(site: Site, runner: OperationRunner | None = None, **options: Any) -> Outcome:
    runner = runner or OperationRunner(site.home, site.clock)
    return runner.run(SPEC, credential, **options)


def test_saves_an_application_credential_that_was_tried(site: Site, keystone: Loopback) -> None:
    keystone.answers.extend([a_token(keystone), answer(200, [])])
    runner = OperationRunner(site.home, site.clock)
    auth_url = f"{keystone.url}/v3"
    outcome = save_there(site, runner, auth_url=auth_url, **CREDENTIAL)
    assert outcome.changed
    assert profile_of(site) == {"auth_url": auth_url, **CREDENTIAL}
    assert (site.home / PROFILES).stat().st_mode & 0o777 == 0o600
    assert [each.path for each in keystone.received] == ["/v3/auth/tokens", "/accounting/"]
    assert "very-s3cret" not in repr(outcome)
    assert runner.hidden == {"very-s3cret", "gAAAA-first"}
    connection = resolve({}, {}, site.home)
    assert connection.settings.credential.secret == "very-s3cret"


def test_writes_nothing_if_the_secret_is_refused(site: Site, keystone: Loopback) -> None:
    keystone.answers.append(answer(401, {"error": {"message": "No."}}))
    with pytest.raises(AuthenticationFailed) as raised:
        save_there(site, auth_url=f"{keystone.url}/v3", **CREDENTIAL)
    assert "very-s3cret" not in "".join(traceback.format_exception(raised.value))
    assert saved(site) == OTHERS


def test_a_credential_that_may_do_little_is_a_login_as_well(site: Site, keystone: Loopback) -> None:
    rules = [{"service": "compute", "method": "GET", "path": "/v2.1/servers/detail"}]
    token = a_token(keystone, application_credential={"id": "0123", "access_rules": rules})
    keystone.answers.extend([token, answer(401, {"error": "invalid token"})])
    assert save_there(site, auth_url=f"{keystone.url}/v3", **CREDENTIAL).changed


def test_saves_the_name_of_a_cloud_that_was_tried(site: Site, keystone: Loopback) -> None:
    clouds = site.home / ".config" / "openstack" / "clouds.yaml"
    clouds.parent.mkdir()
    auth = {"auth_url": f"{keystone.url}/v3", **CREDENTIAL}
    clouds.write_text(json.dumps({"clouds": {"js2": {"auth_type": "v3applicationcredential", "auth": auth}}}))
    with pytest.raises(ConfigurationError, match=r"There is no cloud js in ~/.config/openstack/clouds.yaml, only js2"):
        save_there(site, cloud="js")
    assert saved(site) == OTHERS
    keystone.answers.extend([a_token(keystone), answer(200, [])])
    assert save_there(site, cloud="js2").changed
    assert profile_of(site) == {"cloud": "js2"}


LOGINS: dict[str, dict[str, str]] = {
    "password": {"username": "johndoe", "password": "p"},
    "token": {"token": "t"},
    "cloud": {"cloud": "js2"},
    "credential": CREDENTIAL,
}


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(LOGINS, 2)))
def test_a_login_takes_the_place_of_any_other(site: Site, before: str, after: str) -> None:
    backend = "openstack" if before in ("cloud", "credential") else "atmosphere"
    save_there(site, verify=False, timeout=5, backend=backend, **LOGINS[before])
    save_there(site, verify=False, **LOGINS[after])
    left = {"username": "johndoe"} if (before, after) == ("password", "token") else {}
    assert profile_of(site) == {"timeout": 5, **left, **LOGINS[after]}
    resolve({}, {}, site.home)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"password": "x"},
        {"username": "johndoe"},
        {"timeout": 5},
        {"application_credential_id": "0123"},
        {"application_credential_secret": "s"},
        {"cloud": "js2", **CREDENTIAL},
        {"cloud": ""},
    ],
)
def test_values_that_are_no_login_are_not_saved(site: Site, options: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        save_there(site, verify=False, **options)
    assert saved(site) == OTHERS
