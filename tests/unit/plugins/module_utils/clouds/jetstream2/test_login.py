# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login at a keystone that answers as a real one did: one token for many tasks and threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.cloud_type import Surroundings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import configuration, sdk
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Session
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.settings import (
    Jetstream2Settings,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    ConfigurationError,
    JetstreamError,
    PermissionDenied,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import HttpSettings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.parallel import in_parallel
from ansible_collections.jetstream.cloud.tests.unit.fakes.certificates import server_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.keystone import LATER, a_token
from ansible_collections.jetstream.cloud.tests.unit.fakes.loopback import (
    DROP,
    SILENCE,
    Flow,
    Loopback,
    answer,
    refusing_port,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded

FINE = answer(200, {"servers": []})
REFUSED = answer(401, recorded("refusals")["no token"]["body"])
Open = Callable[..., Session]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as one:
        yield one


@pytest.fixture
def hidden() -> set[str]:
    """Return the secrets that sessions keep out of all output."""
    return set()


@pytest.fixture
def opened(server: Loopback, tmp_path: Path, hidden: set[str], monkeypatch: pytest.MonkeyPatch) -> Open:
    """Yield a function that opens a session to the server, as a new task would."""
    for name in list(os.environ):
        if name.startswith("OS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    credential = {"application_credential_id": "0123", "application_credential_secret": "very-secret"}

    def open_one(
        name: str | None = "lab", *, url: str = server.url, clock: FakeClock | None = None, **more: Any
    ) -> Session:
        cloud = {
            "auth_type": "v3applicationcredential",
            "auth": {"auth_url": f"{url}/v3", **credential},
            "region_name": "IU",
            **more.pop("cloud", {}),
        }
        file = tmp_path / ".config" / "openstack" / "clouds.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"clouds": {"lab": cloud}}), encoding="utf-8")
        fresh = more.pop("fresh", False)
        surroundings = Surroundings(os.environ, tmp_path, clock or FakeClock(), hidden.add, fresh=fresh)
        http = HttpSettings(**{"timeout": 5, "retry_timeout": 30, **more})
        return Session(Jetstream2Settings(cloud=name, credential=None, region=None, http=http), surroundings)

    return open_one


def ask(session: Session) -> int:
    return session.request("GET", "compute", "/servers", microversion="2.73").status


def paths(server: Loopback) -> list[str]:
    return [f"{each.method} {each.path}" for each in server.received]


def test_one_login_serves_many_requests_threads_and_tasks(server: Loopback, opened: Open) -> None:
    server.answers.extend([a_token(server), *[FINE] * 22])
    with closing(opened()) as session:
        assert in_parallel(lambda _: ask(session), range(20), 16) == [200] * 20
        assert session.account().project_name == "TG-DEMO001"
    with closing(opened()) as session:
        assert (ask(session), ask(session)) == (200, 200)
    assert paths(server) == ["POST /v3/auth/tokens", *["GET /compute/servers"] * 22]
    assert {each.headers["x-auth-token"] for each in server.received[1:]} == {"gAAAA-first"}
    assert {each.headers["openstack-api-version"] for each in server.received[1:]} == {"compute 2.73"}


def test_a_token_that_is_no_longer_taken_leads_to_one_login_for_all(server: Loopback, opened: Open) -> None:
    server.answers.append(a_token(server))
    with closing(opened()) as session:
        session.account()
    server.answers.extend([REFUSED, a_token(server, "gAAAA-second"), *[FINE] * 9])
    with closing(opened()) as session:
        assert ask(session) == 200
        assert in_parallel(lambda _: ask(session), range(8), 8) == [200] * 8
    assert paths(server).count("POST /v3/auth/tokens") == 2
    assert server.received[-1].headers["x-auth-token"] == "gAAAA-second"


def test_many_threads_whose_token_is_refused_log_in_once(server: Loopback, opened: Open) -> None:
    server.answers.append(a_token(server))
    with closing(opened()) as session:
        session.account()

    class Doors(Loopback):
        """Takes the second token alone."""

        def take(self, request: Any) -> bytes:
            super().take(request)
            if request.path.endswith("/auth/tokens"):
                return a_token(self, "gAAAA-second")
            return FINE if request.headers["x-auth-token"] == "gAAAA-second" else REFUSED

    with Doors() as doors, closing(opened(cloud={"compute_endpoint_override": f"{doors.url}/compute"})) as session:
        server.answers.append(a_token(server, "gAAAA-second"))
        assert in_parallel(lambda _: ask(session), range(8), 8) == [200] * 8
    assert paths(server) == ["POST /v3/auth/tokens"] * 2


def test_a_token_of_this_run_that_is_refused_leads_to_one_login(server: Loopback, opened: Open) -> None:
    server.answers.extend([a_token(server), REFUSED, a_token(server, "gAAAA-second"), FINE, FINE])
    with closing(opened()) as session:
        assert (ask(session), ask(session)) == (200, 200)
    assert paths(server) == ["POST /v3/auth/tokens", "GET /compute/servers"] * 2 + ["GET /compute/servers"]


def test_a_cloud_that_refuses_its_own_tokens_gets_no_more_and_more_requests(server: Loopback, opened: Open) -> None:
    server.answers.extend([a_token(server), REFUSED, a_token(server, "gAAAA-second"), REFUSED, REFUSED])
    with closing(opened()) as session:
        for _request in range(2):
            with pytest.raises(AuthenticationFailed) as caught:
                ask(session)
    assert str(caught.value) == (
        "compute refused the token of a new login (HTTP 401). This is a fault of the cloud. Try again later."
    )
    assert paths(server) == ["POST /v3/auth/tokens", "GET /compute/servers"] * 2 + ["GET /compute/servers"]


def test_a_service_that_refuses_what_others_take_ends_no_run_and_leads_to_one_login(
    server: Loopback, opened: Open
) -> None:
    second, third = a_token(server, "gAAAA-second"), a_token(server, "gAAAA-third")
    server.answers.extend([a_token(server), FINE, REFUSED, second, REFUSED, REFUSED, FINE, FINE, REFUSED, third, FINE])
    with closing(opened()) as session:
        assert ask(session) == 200
        for _request in range(2):
            with pytest.raises(PermissionDenied) as caught:
                session.request("GET", "network", "/v2.0/ports")
            assert caught.value.unsent
        assert str(caught.value) == (
            "network refused the token of a new login, which other services take (HTTP 401). "
            "This is a fault of the cloud. Try again later."
        )
        assert ask(session) == 200
        # Once it takes tokens again, one that expires leads to a login as well.
        assert [session.request("GET", "network", "/v2.0/ports").status for _request in range(2)] == [200, 200]
    assert paths(server).count("POST /v3/auth/tokens") == 3


@pytest.mark.parametrize(
    "trouble",
    [
        DROP,
        answer(502, "<html>", content_type="text/html"),
        answer(503, "<html>", content_type="text/html"),
        answer(504, {}),
        answer(429, {}, headers={"Retry-After": "3"}),
    ],
    ids=["lost", "502", "503", "504", "429"],
)
def test_a_login_is_tried_again_where_that_can_help(server: Loopback, opened: Open, trouble: bytes) -> None:
    clock = FakeClock()
    server.answers.extend([trouble, trouble, a_token(server), FINE])
    with closing(opened(clock=clock)) as session:
        assert ask(session) == 200
    assert paths(server) == ["POST /v3/auth/tokens"] * 3 + ["GET /compute/servers"]
    assert len(clock.sleeps) == 2


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (answer(500, {"error": {"message": "Oh."}}), 'The login at {url}/v3 failed: "Oh. (HTTP 500)".'),
        (
            answer(404, {"error": {"message": "No."}}),
            (
                "The login at {url}/v3 got an unexpected response: No. (HTTP 404). Check that auth_url is the "
                "address of "
                "a Keystone service."
            ),
        ),
        (
            answer(503, {"error": {"message": "In maintenance until noon."}}),
            'The cloud is in maintenance: "In maintenance until noon. (HTTP 503)".',
        ),
    ],
)
def test_a_login_is_not_tried_again_where_that_cannot_help(
    server: Loopback, opened: Open, trouble: bytes, sentence: str
) -> None:
    server.answers.append(trouble)
    with closing(opened()) as session, pytest.raises(JetstreamError) as caught:
        ask(session)
    assert str(caught.value) == sentence.format(url=server.url)
    assert len(server.received) == 1


def test_a_keystone_that_is_busy_for_too_long_is_reported(server: Loopback, opened: Open) -> None:
    clock = FakeClock()
    server.answers.extend([answer(502, "<html>", content_type="text/html")] * 200)
    with closing(opened(clock=clock)) as session, pytest.raises(ServerFault) as caught:
        ask(session)
    assert str(caught.value).startswith(f"The login at {server.url}/v3 failed: ")
    assert 20 < sum(clock.sleeps) <= 30
    assert len(server.received) < 40


BROKEN_TOKENS: list[dict[str, Any]] = [
    {"expires_at": "soon"},
    {"expires_at": None},
    {"expires_at": 7},
    {"expires_at": "0001-01-01T00:00:00+14:00"},
    {"catalog": 7},
    {"catalog": [7]},
    {"catalog": [{"type": "compute", "endpoints": None}]},
]


@pytest.mark.parametrize("broken", BROKEN_TOKENS, ids=str)
def test_a_token_of_an_unknown_form_is_reported_at_the_login(
    server: Loopback, opened: Open, broken: dict[str, Any]
) -> None:
    server.answers.append(a_token(server, **broken))
    with closing(opened()) as session, pytest.raises(JetstreamError) as caught:
        ask(session)
    assert caught.type is not AuthenticationFailed
    assert "gAAAA" not in str(caught.value)


@pytest.mark.parametrize("header", ["", "two words", "Zo\u00eb"])
def test_a_login_without_a_token_that_a_header_can_hold_is_reported(
    server: Loopback, opened: Open, header: str
) -> None:
    server.answers.append(a_token(server, header))
    with closing(opened()) as session, pytest.raises(UnexpectedResponse) as caught:
        ask(session)
    assert str(caught.value) == f"The login at {server.url}/v3 failed: the response has no token."
    assert len(server.received) == 1


def test_every_token_and_secret_is_hidden(server: Loopback, opened: Open, hidden: set[str]) -> None:
    server.answers.extend([a_token(server), REFUSED, a_token(server, "gAAAA-second"), FINE])
    with closing(opened()) as session:
        ask(session)
    assert hidden == {"very-secret", "gAAAA-first", "gAAAA-second"}
    hidden.clear()
    server.answers.append(FINE)
    with closing(opened()) as session:
        ask(session)
    assert hidden == {"very-secret", "gAAAA-second"}, "also a token of the cache"


def test_a_password_of_the_environment_is_hidden(
    server: Loopback, opened: Open, hidden: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "AUTH_URL": f"{server.url}/v3",
        "USERNAME": "demo",
        "PASSWORD": "hunter2",
        "PROJECT_NAME": "TG-DEMO001",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"OS_{name}", value)
    with closing(opened(None)):
        assert hidden == {"hunter2"}


@pytest.mark.parametrize(("lasts", "logins"), [(timedelta(minutes=4), 2), (timedelta(minutes=6), 1)])
def test_a_token_that_ends_soon_is_not_begun_a_task_with(
    server: Loopback, opened: Open, lasts: timedelta, logins: int
) -> None:
    expires = LATER
    clock = FakeClock()
    server.answers.extend([a_token(server, expires=expires), a_token(server, "gAAAA-second")])
    with closing(opened(clock=clock)) as session:
        session.account()
    clock.sleep((expires - lasts - clock.now()).total_seconds())
    with closing(opened(clock=clock)) as session:
        session.account()
    assert paths(server) == ["POST /v3/auth/tokens"] * logins


def test_a_token_that_ends_while_a_task_runs_is_replaced(server: Loopback, opened: Open) -> None:
    clock = FakeClock()
    another = a_token(server, "gAAAA-second", expires=LATER + timedelta(days=1))
    server.answers.extend([a_token(server), FINE, another, FINE])
    with closing(opened(clock=clock)) as session:
        ask(session)
        clock.sleep((LATER - clock.now()).total_seconds() - 30)
        ask(session)
    assert [each.headers.get("x-auth-token") for each in server.received] == [None, "gAAAA-first", None, "gAAAA-second"]


def test_a_keystone_whose_clock_is_behind_is_logged_in_to_once(server: Loopback, opened: Open) -> None:
    server.answers.extend([a_token(server, expires=START - timedelta(days=1)), FINE, FINE])
    with closing(opened()) as session:
        assert (ask(session), ask(session)) == (200, 200)
    assert paths(server).count("POST /v3/auth/tokens") == 1


def test_a_login_that_is_to_be_tried_takes_no_token_from_the_cache(server: Loopback, opened: Open) -> None:
    server.answers.extend([a_token(server), a_token(server, "gAAAA-second")])
    for fresh in (False, True):
        with closing(opened(fresh=fresh)) as session:
            session.account()
    assert paths(server) == ["POST /v3/auth/tokens"] * 2


def test_a_catalogue_as_large_as_there_are_is_kept(server: Loopback, opened: Open) -> None:
    """A commercial cloud has forty services in ten regions, with three addresses each."""
    catalogue = [
        {
            "id": f"{number:032}",
            "type": "compute" if not number else f"service-{number}",
            "name": f"a service with the number {number}",
            "endpoints": [
                {
                    "id": f"{number:016}{region:016}",
                    "interface": interface,
                    "region": "IU" if not region else f"REGION-{region}",
                    "region_id": "IU" if not region else f"REGION-{region}",
                    "url": f"{server.url}/compute"
                    if not number
                    else f"https://service-{number}.region-{region}.example.org/v3",
                }
                for region in range(10)
                for interface in ("public", "internal", "admin")
            ],
        }
        for number in range(40)
    ]
    server.answers.extend([a_token(server, catalog=catalogue), FINE, FINE])
    for _task in range(2):
        with closing(opened()) as session:
            assert ask(session) == 200
    assert paths(server).count("POST /v3/auth/tokens") == 1


def test_a_wrong_secret(server: Loopback, opened: Open) -> None:
    server.answers.append(answer(401, recorded("refusals")["wrong secret"]["body"]))
    with closing(opened()) as session, pytest.raises(AuthenticationFailed) as caught:
        ask(session)
    assert f"{server.url}/v3 refused the login" in str(caught.value)
    assert "very-secret" not in str(caught.value)


def test_an_openrc_that_names_a_project_as_well(
    server: Loopback, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PROJECT_NAME", "TG-DEMO001")
    server.answers.append(answer(401, recorded("refusals")["scoped"]["body"]))
    with closing(opened()) as session, pytest.raises(ConfigurationError) as caught:
        ask(session)
    assert str(caught.value).startswith("An application credential already belongs to a project")
    assert str(caught.value).endswith("(here: OS_PROJECT_NAME).")


PASSWORD_LOGIN = {"username": "demo", "password": "hunter2", "user_domain_name": "Default"}
UNAUTHORIZED = answer(401, {"error": {"code": 401, "message": "The request you have made requires authentication."}})
PROJECTS = answer(200, {"projects": [{"name": "TG-GEO160014"}, {"name": "TG-DEMO001"}]})


def with_password(server: Loopback, **scope: Any) -> dict[str, Any]:
    """Return an entry of clouds.yaml."""
    return {"auth_type": "v3password", "auth": {"auth_url": f"{server.url}/v3", **PASSWORD_LOGIN, **scope}}


def unscoped_token(server: Loopback) -> bytes:
    body = recorded("token")
    body["token"] = {key: value for key, value in body["token"].items() if key in ("user", "methods", "issued_at")}
    body["token"]["expires_at"] = "2099-01-01T00:00:00.000000Z"
    return answer(201, body, headers={"X-Subject-Token": "gAAAA-unscoped"})


@pytest.mark.parametrize(("projects", "shown"), [(PROJECTS, " Its projects: TG-DEMO001, TG-GEO160014."), (FINE, "")])
def test_a_login_to_no_project_is_reported_with_those_that_there_are(
    server: Loopback, opened: Open, projects: bytes, shown: str
) -> None:
    server.answers.extend([unscoped_token(server), projects])
    with (
        closing(opened(cloud=with_password(server, unscoped=True))) as session,
        pytest.raises(ConfigurationError) as caught,
    ):
        ask(session)
    assert str(caught.value) == (
        f"The login of demo at {server.url}/v3 has no project.{shown} Set one: project_name and "
        "project_domain_name below auth in clouds.yaml, or OS_PROJECT_NAME and OS_PROJECT_DOMAIN_NAME."
    )
    assert not list(Path.home().rglob("tokens/*.json"))


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        ({"project_name": "TG-WRONG", "project_domain_name": "Default"}, "the project TG-WRONG"),
        ({"project_id": "0123"}, "the project 0123"),
        ({"domain_name": "Default"}, "the domain Default"),
    ],
)
def test_a_wrong_project_is_distinguished_from_a_wrong_password(
    server: Loopback, opened: Open, scope: dict[str, str], shown: str
) -> None:
    """Keystone has the same message for both, so there is a second login, without a project."""
    server.answers.extend([UNAUTHORIZED, unscoped_token(server), PROJECTS])
    with (
        closing(opened(cloud=with_password(server, **scope))) as session,
        pytest.raises(AuthenticationFailed) as caught,
    ):
        ask(session)
    assert str(caught.value) == (
        f"{server.url}/v3 knows demo, and refused the login to {shown}. Its projects: TG-DEMO001, TG-GEO160014. "
        "Correct project_name and project_domain_name."
    )
    assert [json.loads(each.body)["auth"].get("scope") for each in server.received[1:2]] == ["unscoped"]


def test_a_wrong_password_is_reported_as_that(server: Loopback, opened: Open) -> None:
    server.answers.extend([UNAUTHORIZED, UNAUTHORIZED])
    with (
        closing(
            opened(cloud=with_password(server, project_name="TG-DEMO001", project_domain_name="Default"))
        ) as session,
        pytest.raises(AuthenticationFailed) as caught,
    ):
        ask(session)
    assert str(caught.value) == (
        f'{server.url}/v3 refused the login of demo: "The request you have made requires authentication. (HTTP 401)". '
        "Check the user name, its domain and the password."
    )
    assert len(server.received) == 2


RULES = [
    {"service": "compute", "method": "GET", "path": "/compute/servers/**"},
    {"service": "compute", "method": "POST", "path": "/compute/servers/*/action"},
]


def credential_with_rules() -> dict[str, Any]:
    return {"id": "0123", "name": "night", "restricted": True, "access_rules": RULES}


def test_a_request_that_access_rules_forbid_is_reported_without_a_new_login(server: Loopback, opened: Open) -> None:
    server.answers.extend([a_token(server, application_credential=credential_with_rules()), FINE, REFUSED, FINE])
    with closing(opened()) as session:
        assert session.request("GET", "compute", "/servers/detail?limit=1000").status == 200
        with pytest.raises(PermissionDenied) as caught:
            session.request("DELETE", "compute", "/servers/4f3c")
        assert session.request("POST", "compute", "/servers/4f3c/action", data={}).status == 200
    assert str(caught.value) == (
        "compute refused DELETE /servers/4f3c (HTTP 401). The access rules of the application credential allow only "
        "GET /compute/servers/** (compute), POST /compute/servers/*/action (compute). "
        "Create one whose rules allow this request, or one without rules. Some sites cannot check rules."
    )
    assert paths(server).count("POST /v3/auth/tokens") == 1


def test_a_token_with_access_rules_that_has_ended_leads_to_a_login_all_the_same(server: Loopback, opened: Open) -> None:
    first, second = (
        a_token(server, value, application_credential=credential_with_rules()) for value in ("gAAAA-1", "gAAAA-2")
    )
    server.answers.extend([first, REFUSED, second, FINE])
    with closing(opened()) as session:
        assert session.request("GET", "compute", "/servers/detail").status == 200


def test_a_site_that_cannot_check_access_rules_is_reported(server: Loopback, opened: Open) -> None:
    tokens = [a_token(server, application_credential=credential_with_rules()) for _login in range(2)]
    server.answers.extend([tokens[0], REFUSED, tokens[1], REFUSED])
    with closing(opened()) as session, pytest.raises(PermissionDenied, match="Some sites cannot check rules"):
        session.request("GET", "compute", "/servers/detail")


def test_two_users_of_one_project_keep_their_tokens_side_by_side(
    server: Loopback, opened: Open, tmp_path: Path
) -> None:
    project = {"project_name": "TG-DEMO001", "project_domain_name": "Default"}
    server.answers.extend([a_token(server), a_token(server, "gAAAA-second")])
    for _round in range(2):
        for user in ("demo", "teacher"):
            with closing(opened(cloud=with_password(server, **{**project, "username": user}))) as session:
                session.account()
    assert paths(server) == ["POST /v3/auth/tokens"] * 2
    kept = [path.read_text() for path in tmp_path.rglob("tokens/*.json")]
    assert len(kept) == 2
    assert not any("hunter2" in each for each in kept)


def test_a_cloud_without_settings(opened: Open) -> None:
    with pytest.raises(ConfigurationError) as caught:
        opened("lba")
    assert str(caught.value) == (
        "There is no cloud lba in ~/.config/openstack/clouds.yaml, only lab. Did you mean lab?"
    )


def test_a_region_or_a_service_that_there_is_not(server: Loopback, opened: Open) -> None:
    server.answers.extend([a_token(server), a_token(server)])
    with closing(opened(cloud={"region_name": "TACC"})) as session, pytest.raises(ConfigurationError) as caught:
        ask(session)
    assert str(caught.value) == (
        f"The cloud at {server.url}/v3 has no compute service in region TACC, only in IU. "
        "Correct the region in clouds.yaml, or set the option region."
    )
    with closing(opened()) as session:
        assert session.has("accounting")
        assert not session.has("dns")


@pytest.mark.parametrize("kind", ["none", "admin_token"])
def test_a_way_to_log_in_that_has_no_catalogue(opened: Open, kind: str) -> None:
    auth = {"none": {"endpoint": "http://127.0.0.1:9"}, "admin_token": {"endpoint": "http://127.0.0.1:9", "token": "x"}}
    with pytest.raises(ConfigurationError, match=f"A login with auth_type {kind} has no services"):
        opened(cloud={"auth_type": kind, "auth": auth[kind]})


def test_a_keystone_that_does_not_answer_is_tried_again_for_a_while(opened: Open) -> None:
    clock = FakeClock()
    with refusing_port() as holder:
        url = f"http://127.0.0.1:{holder.getsockname()[1]}"
        with closing(opened(url=url, clock=clock)) as session, pytest.raises(Unreachable) as caught:
            ask(session)
    assert str(caught.value) == f"{url}/v3 could not be connected to: Connection refused."
    assert sum(clock.sleeps) <= 10
    assert len(clock.sleeps) >= 4


@pytest.mark.parametrize("slow", [SILENCE, Flow(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", 0.05)], ids=["silence", "drips"])
def test_a_login_is_cut_at_the_deadline(server: Loopback, opened: Open, slow: bytes | Flow) -> None:
    server.answers.extend([slow] * 9)
    with closing(opened(timeout=60)) as session:
        session.limit(0.3)
        begun = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            ask(session)
    assert time.monotonic() - begun < 3
    # The clock of a test stands still while a request is under way, so that there may be time for another try.
    assert str(caught.value).startswith(f"{server.url}/v3 did not respond within 0.")


def test_after_the_deadline_there_is_no_login(server: Loopback, opened: Open) -> None:
    with closing(opened()) as session:
        session.limit(0.0)
        with pytest.raises(Unreachable) as caught:
            ask(session)
    assert caught.value.unsent
    assert server.received == []


def test_a_certificate_that_no_authority_signed(opened: Open) -> None:
    authority = trustme.CA()
    with Loopback(context=server_context(authority)) as server:
        with closing(opened(url=server.url)) as session, pytest.raises(Unreachable) as caught:
            ask(session)
        assert str(caught.value).startswith(f"The certificate of {server.url}/v3 was not accepted")
        with authority.cert_pem.tempfile() as file:
            server.answers.extend([a_token(server), FINE])
            with closing(opened(url=server.url, ca_path=file)) as session:
                assert ask(session) == 200


def test_openstacksdk_is_requested_by_name(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "OPENSTACKSDK_IMPORT_ERROR", "Traceback ...")
    with pytest.raises(ConfigurationError) as caught:
        opened()
    assert str(caught.value) == (
        "The Python library openstacksdk is not installed for the Python that runs this module. "
        "Install it with: python3 -m pip install openstacksdk"
    )


def test_atmosphere_does_without_openstacksdk_and_does_not_wait_for_it() -> None:
    """It is neither needed nor imported, since the import takes a second."""
    code = """
import sys
sys.modules["openstack"] = None
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal import clock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds import cloud_type, connect
home = Path("/nowhere")
here = cloud_type.Surroundings({}, home, clock.SystemClock(), print)
there = connect.resolve({"api_url": "http://127.0.0.1:9", "username": "a", "password": "b"}, {}, home)
connect.connect(there, here).close()
assert "keystoneauth1" not in sys.modules
other = connect.resolve({"cloud": "js2"}, {}, home)
try:
    connect.connect(other, here)
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_importing())
    assert done.stdout.startswith("b\nThe Python library openstacksdk is not installed")


def _importing() -> dict[str, str]:
    """Return an environment in which the collection can be imported as it is here."""
    here = Path(configuration.__file__).parents[8]
    return {**os.environ, "PYTHONPATH": str(here)}


def test_a_login_that_is_redirected_takes_the_credential_nowhere(server: Loopback, opened: Open) -> None:
    with Loopback() as elsewhere:
        server.answers.append(answer(302, "", headers={"Location": f"{elsewhere.url}/v3/auth/tokens"}))
        with closing(opened()) as session, pytest.raises(UnexpectedResponse) as caught:
            ask(session)
        assert elsewhere.received == []
        assert str(caught.value) == (
            f"The login at {server.url}/v3 was redirected to {elsewhere.url}/v3/auth/tokens (HTTP 302). "
            "Check auth_url: redirects are not followed."
        )


@pytest.mark.parametrize(
    "body",
    [b"null", b"7", b'"token"', b"[" * 100_000 + b"]" * 100_000, b'{"token": null}', b'{"token": []}'],
    ids=["null", "a number", "text", "nested", "no token", "a list"],
)
def test_a_login_that_is_answered_with_json_of_another_kind_is_no_bug(
    server: Loopback, opened: Open, body: bytes
) -> None:
    server.answers.append(answer(201, body, headers={"X-Subject-Token": "gAAAA-first"}))
    with closing(opened()) as session, pytest.raises(UnexpectedResponse):
        ask(session)
