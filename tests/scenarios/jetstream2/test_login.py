# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which Jetstream2's users log in, at a real keystone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import requests
import yaml
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
)
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.terminal import converse
from ansible_collections.jetstream.cloud.tests.openstack.seeding import OWNER, PROJECT, Secrets
from ansible_collections.jetstream.cloud.tests.openstack.services import REGION
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User

RULE = {"service": "compute", "method": "GET", "path": "/v2.1/flavors"}


@pytest.fixture
def auth(user: User) -> dict[str, Any]:
    """Return what clouds.yaml says of the login."""
    clouds = yaml.safe_load(user.cloud.clouds_yaml.read_text(encoding="utf-8"))["clouds"]
    return dict(clouds["js2"]["auth"])


def _openrc(auth: dict[str, Any]) -> dict[str, str]:
    """Return the variables of an openrc for an application credential, as Jetstream2's web page writes it."""
    return {
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_AUTH_URL": auth["auth_url"],
        "OS_IDENTITY_API_VERSION": "3",
        "OS_REGION_NAME": REGION,
        "OS_INTERFACE": "public",
        "OS_APPLICATION_CREDENTIAL_ID": auth["application_credential_id"],
        "OS_APPLICATION_CREDENTIAL_SECRET": auth["application_credential_secret"],
    }


def _export(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def _listed(user: User, **options: Any) -> list[str]:
    return user.task("instance_info", **options).requests()


def test_a_cloud_of_clouds_yaml_by_option_by_profile_and_by_variable(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "GET compute /servers/detail" in _listed(user, cloud="js2")
    folder = user.home / ".config" / "jetstream"
    folder.mkdir(parents=True)
    (folder / "profiles.toml").write_text('[lab]\ncloud = "js2"\n', encoding="utf-8")
    assert "GET compute /servers/detail" in _listed(user, profile="lab")
    monkeypatch.setenv("OS_CLOUD", "js2")
    assert "GET compute /servers/detail" in _listed(user, backend="openstack")


def test_an_openrc_with_an_application_credential(
    user: User, auth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _export(monkeypatch, _openrc(auth))
    assert "GET compute /servers/detail" in _listed(user, backend="openstack")


def test_an_openrc_with_a_password(user: User, auth: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Secrets.load(user.cloud.run_dir / "secrets.json")
    _export(
        monkeypatch,
        {
            "OS_AUTH_URL": auth["auth_url"],
            "OS_USERNAME": OWNER,
            "OS_PASSWORD": secrets.owner_password,
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_NAME": PROJECT,
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": REGION,
        },
    )
    assert "GET compute /servers/detail" in _listed(user, backend="openstack")


def test_an_older_openrc_in_the_same_shell_is_recognized(
    user: User, auth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    older = {"OS_PROJECT_NAME": PROJECT, "OS_PROJECT_DOMAIN_NAME": "Default"}
    _export(monkeypatch, {**older, **_openrc(auth)})
    with pytest.raises(ConfigurationError) as caught:
        user.task("instance_info", backend="openstack")
    assert str(caught.value) == (
        "An application credential already belongs to a project, but another openrc also sets one. Start a new "
        "shell, or unset OS_PROJECT_* and OS_*DOMAIN_* (here: OS_PROJECT_NAME, OS_PROJECT_DOMAIN_NAME)."
    )


def test_a_wrong_secret_is_refused_once_and_never_shown(user: User, auth: dict[str, Any]) -> None:
    with user.cloud.requests.counted() as seen, pytest.raises(AuthenticationFailed) as caught:
        user.task("instance_info", cloud="js2-wrong")
    assert str(caught.value) == (
        f'{auth["auth_url"]} refused the login: "The request you have made requires authentication. (HTTP 401)". '
        "The ID or the secret of the application credential is wrong, or it has expired or was deleted. Create "
        "another one."
    )
    assert [str(each) for each in seen] == ["identity POST /v3/auth/tokens 401"]
    assert not (user.home / ".cache").exists() or not list((user.home / ".cache").rglob("*.json"))


@pytest.fixture
def write(user: User) -> Callable[..., None]:
    """Return what makes a cloud "mine" in a clouds.yaml of the user's own, logged in to with a password."""
    secrets = Secrets.load(user.cloud.run_dir / "secrets.json")

    def write_it(auth_url: str, region: str = REGION, **more: Any) -> None:
        login = {"auth_url": auth_url, "username": OWNER, "password": secrets.owner_password}
        auth = {**login, "user_domain_name": "Default", **more}
        path = user.home / "clouds.yaml"
        entry = {"auth_type": "v3password", "region_name": region, "auth": auth}
        path.write_text(yaml.safe_dump({"clouds": {"mine": entry}}), encoding="utf-8")
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(path)

    return write_it


def _refusal(user: User, **options: Any) -> str:
    with pytest.raises(JetstreamError) as caught:
        user.task("instance_info", **options)
    return str(caught.value)


def test_a_wrong_project_and_a_wrong_password_are_distinguished(
    user: User, auth: dict[str, Any], write: Callable[..., None]
) -> None:
    project = {"project_name": "TG-WRONG", "project_domain_name": "Default"}
    write(auth["auth_url"], **project)
    assert _refusal(user, cloud="mine") == (
        f"{auth['auth_url']} knows {OWNER}, and refused the login to the project TG-WRONG. Its projects: {PROJECT}. "
        "Correct project_name and project_domain_name."
    )
    write(auth["auth_url"], **project, password="wrong")
    assert _refusal(user, cloud="mine") == (
        f'{auth["auth_url"]} refused the login of {OWNER}: "The request you have made requires authentication. (HTTP '
        '401)". Check the user name, its domain and the password.'
    )


def test_a_login_to_no_project_is_reported(user: User, auth: dict[str, Any], write: Callable[..., None]) -> None:
    write(auth["auth_url"], unscoped=True)
    assert _refusal(user, cloud="mine").startswith(
        f"The login of {OWNER} at {auth['auth_url']} has no project. Its projects: {PROJECT}. Set one: "
    )


def test_a_region_that_there_is_not_is_reported(user: User, auth: dict[str, Any], write: Callable[..., None]) -> None:
    write(auth["auth_url"], region="TACC", project_name=PROJECT, project_domain_name="Default")
    assert _refusal(user, cloud="mine") == (
        f"The cloud at {auth['auth_url']} has no compute service in region TACC, only in {REGION}. "
        "Correct the region in clouds.yaml, or set the option region."
    )


def test_a_credential_with_access_rules_that_are_not_enough_is_reported(user: User, auth: dict[str, Any]) -> None:
    [owner] = user.cloud.admin.get("identity", f"/users?name={OWNER}")["users"]
    wanted = {"application_credential": {"name": uuid4().hex, "access_rules": [RULE]}}
    made = user.cloud.owner.post("identity", f"/users/{owner['id']}/application_credentials", wanted)
    made = made["application_credential"]
    said = _refusal(
        user,
        auth_url=auth["auth_url"],
        application_credential_id=made["id"],
        application_credential_secret=made["secret"],
        region=REGION,
    )
    assert said.startswith(
        "compute refused GET /servers/detail (HTTP 401). The access rules of the application credential allow only "
        "GET /v2.1/flavors (compute)."
    )


def test_an_application_credential_without_a_clouds_yaml(
    user: User, auth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE")
    assert "GET compute /servers/detail" in _listed(user, region=REGION, **auth)


def test_one_login_serves_many_tasks(user: User) -> None:
    """A task with a token makes no request that is not its own."""
    user.has(3, name="three")
    first = user.task("instance_info", image=["nothing"])
    assert first.requests()[0] == "POST identity /auth/tokens"
    assert user.task("instance_info").requests() == ["GET compute /servers/detail", "GET image /images"]
    assert user.task("instance_state", all=True, state="started").requests() == ["GET compute /servers/detail"]
    assert user.task("allocation_info", pace=False).requests() == ["GET accounting /", "GET compute /servers/detail"]
    assert user.task("volume_info").requests() == ["GET block-storage /volumes/detail"]


def test_a_revoked_token_leads_to_one_new_login(user: User) -> None:
    user.task("volume_info")
    [kept] = (user.home / ".cache").rglob("*.json")
    token = json.loads(json.loads(kept.read_text(encoding="utf-8"))["token"])["auth_token"]
    # Whoever has a token may end it.
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    requests.delete(f"{user.cloud.urls['identity']}/auth/tokens", headers=headers, timeout=60).raise_for_status()
    # A service that has seen the token a moment ago still takes it. This one has not.
    assert user.task("instance_info").requests() == [
        "GET compute /servers/detail",
        "POST identity /auth/tokens",
        "GET compute /servers/detail",
    ]
    assert user.task("instance_info").requests() == ["GET compute /servers/detail"]


def test_a_kept_token_is_not_one_for_another_secret(user: User) -> None:
    user.task("volume_info", cloud="js2")
    with pytest.raises(AuthenticationFailed):
        user.task("volume_info", cloud="js2-wrong")


def test_no_one_can_read_the_token_but_its_owner(user: User, auth: dict[str, Any]) -> None:
    user.task("volume_info")
    [kept] = (user.home / ".cache").rglob("*.json")
    assert kept.stat().st_mode & 0o077 == 0
    assert kept.parent.stat().st_mode & 0o077 == 0
    # The secret itself is in no file of ours.
    assert auth["application_credential_secret"] not in kept.read_text(encoding="utf-8")


def saved_at_a_terminal(user: User, *arguments: str, answers: dict[str, str]) -> tuple[int, str]:
    """Save a login by the playbook. Return its exit status, and all that was shown."""
    words = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "jetstream.cloud.save_credential"]
    return converse([*words, *arguments], answers, folder=user.home, environment={**os.environ})


@pytest.mark.parametrize("from_clouds_yaml", [True, False], ids=["clouds.yaml", "id and secret"])
def test_a_login_is_saved_after_keystone_took_it(user: User, auth: dict[str, Any], from_clouds_yaml: bool) -> None:
    secret = auth["application_credential_secret"]
    by_id = f"application_credential_id={auth['application_credential_id']} auth_url={auth['auth_url']}"
    arguments, answers = (
        (["-e", "cloud=js2"], {})
        if from_clouds_yaml
        else (["-e", by_id, "-e", f"region={REGION}"], {"Secret of the application credential": secret})
    )
    status, shown = saved_at_a_terminal(user, *arguments, answers=answers)
    assert status == 0, shown
    assert secret not in shown
    profiles = user.home / ".config" / "jetstream" / "profiles.toml"
    assert profiles.stat().st_mode & 0o777 == 0o600
    user.has(name="mine")
    done = user.task("instance_info", profile="default")
    assert [each["name"] for each in done.result["instances"]] == ["mine"]


def test_a_login_that_keystone_refuses_is_not_saved(user: User, auth: dict[str, Any]) -> None:
    by_id = f"application_credential_id={auth['application_credential_id']} auth_url={auth['auth_url']}"
    answers = {"Secret of the application credential": "not-the-secret"}
    status, shown = saved_at_a_terminal(user, "-e", by_id, answers=answers)
    assert status == 2
    assert "The ID or the secret of the application credential is wrong" in shown
    assert not (user.home / ".config" / "jetstream" / "profiles.toml").exists()
