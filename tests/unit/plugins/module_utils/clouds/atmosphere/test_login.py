# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token is used as long as it is valid, and a new one takes a single login."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.login import expiry
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    InMaintenance,
    JetstreamError,
    RateLimited,
    ServerFault,
    UnexpectedResponse,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import PASSWORD, Site, a_site

UNKNOWN = "0" * 32
# Possible answers to a login without a token, or without its time of expiry.
NO_TOKENS: list[Any] = [
    {},
    [],
    None,
    {"token": "abc"},
    {"token": "abc", "expires": None},
    {"token": "abc", "expires": "soon"},
    {"token": None, "expires": "Nov 24, 2026 18:57:00"},
    {"token": "", "expires": "Nov 24, 2026 18:57:00"},
    {"token": 7, "expires": "Nov 24, 2026 18:57:00"},
    {"token": {}, "expires": "Nov 24, 2026 18:57:00"},
    {"token": "two\nlines", "expires": "Nov 24, 2026 18:57:00"},
    {"token": "Zo\u00eb \ud800", "expires": "Nov 24, 2026 18:57:00"},
    {"token": "abc", "expires": "Nov 24, 99999 18:57:00"},
    {"token": "abc", "expires": ["Nov 24, 2026 18:57:00"]},
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(fleet(1, clock=ManualClock()), tmp_path) as served:
        yield served


def use(cloud: AtmosphereCloud) -> None:
    """Ask for anything that needs a token, with one request."""
    cloud.list_allocation_sources()


def error_from(site: Site, **settings: Any) -> JetstreamError:
    with site.cloud(**settings) as cloud, pytest.raises(JetstreamError) as raised:
        use(cloud)
    return raised.value


def test_the_first_run_logs_in_and_the_next_does_not(site: Site) -> None:
    with site.cloud() as cloud:
        use(cloud)
        use(cloud)
    assert site.requests() == {"login": 1, "v2 allocation sources": 2}
    assert site.cached_token() in site.world.tokens
    with site.cloud() as cloud:
        use(cloud)
    assert site.requests() == {"v2 allocation sources": 1}


def test_a_token_that_will_soon_expire_is_not_begun_with(site: Site) -> None:
    with site.cloud() as cloud:
        use(cloud)
    first = site.cached_token()
    site.server.advance(86400 - 200)
    with site.cloud() as cloud:
        use(cloud)
    assert site.requests() == {"login": 2, "v2 allocation sources": 2}
    assert site.cached_token() != first


def test_a_server_whose_clock_is_behind_is_logged_in_to_once(site: Site) -> None:
    token = site.world.new_token(site.world.users["johndoe"])
    site.server.faults.add(Fault(path="/auth", status=201, body={"token": token, "expires": "Nov 24, 2020 18:57:00"}))
    with site.cloud() as cloud:
        use(cloud)
        use(cloud)
    assert site.requests() == {"login": 1, "v2 allocation sources": 2}


@pytest.mark.parametrize("how", ["unknown", "expired"])
def test_a_token_that_the_server_no_longer_takes_leads_to_one_login(site: Site, how: str) -> None:
    if how == "unknown":
        site.cache_token(UNKNOWN)
    else:
        site.warm()
        site.world.expire_tokens()
    with site.cloud() as cloud:
        use(cloud)
        use(cloud)
    assert site.requests() == {"login": 1, "v2 allocation sources": 3}
    assert site.cached_token() in site.world.tokens


def test_a_token_that_is_revoked_in_the_middle_leads_to_one_login(site: Site) -> None:
    site.warm()
    with site.cloud() as cloud:
        use(cloud)
        site.world.tokens.clear()
        use(cloud)
    assert site.requests() == {"login": 1, "v2 allocation sources": 3}


@pytest.mark.parametrize("kept", [UNKNOWN, None], ids=["an unknown token", "no token"])
def test_sixteen_threads_at_once_log_in_once(site: Site, kept: str | None) -> None:
    if kept:
        site.cache_token(kept)
    start = threading.Barrier(16)
    with site.cloud() as cloud, ThreadPoolExecutor(16) as pool:

        def work(_number: int) -> None:
            start.wait(10)
            use(cloud)

        list(pool.map(work, range(16)))
    requested = site.requests()
    assert requested["login"] == 1
    assert 16 <= requested["v2 allocation sources"] <= 32, "each at most once more, with the new token"


def test_two_runs_that_begin_at_once_share_a_login(site: Site) -> None:
    site.server.faults.add(Fault(path="/auth", delay=0.2, times=None))
    start = threading.Barrier(2)

    def run(_number: int) -> None:
        with site.cloud() as cloud:
            start.wait(10)
            use(cloud)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    assert site.requests() == {"login": 1, "v2 allocation sources": 2}


def test_another_process_that_logged_in_meanwhile_is_joined(site: Site) -> None:
    site.cache_token(UNKNOWN)
    with site.cloud() as cloud:
        # By the time that the server refuses the token, another run has put a better one in its place.
        original = cloud._login._transport.request

        def request(method: str, path: str, **rest: Any) -> Any:
            reply = original(method, path, **rest)
            if reply.status == 403:
                site.warm()
            return reply

        cloud._login._transport.request = request  # type: ignore[method-assign]
        use(cloud)
    assert site.requests() == {"v2 allocation sources": 2}


def test_a_given_token_is_used_without_a_login_and_not_kept(site: Site) -> None:
    token = site.world.new_token(site.world.users["johndoe"])
    with site.cloud(token=token, username=None, password=None) as cloud:
        use(cloud)
    assert site.requests() == {"v2 allocation sources": 1}
    assert site.cached_token() is None


def test_a_given_token_that_is_refused_leads_to_a_login_if_there_is_a_password(site: Site) -> None:
    with site.cloud(token=UNKNOWN) as cloud:
        use(cloud)
    assert site.requests() == {"login": 1, "v2 allocation sources": 2}


def test_a_given_token_that_is_refused_is_the_end_if_there_is_none(site: Site) -> None:
    error = error_from(site, token=UNKNOWN, username=None, password=None)
    assert isinstance(error, AuthenticationFailed)
    assert str(error) == (
        "The token was refused: it is unknown to the server, or has expired (HTTP 403). "
        "It comes from option token. Set username and password, so that a new token can be requested."
    )
    assert site.requests() == {"v2 allocation sources": 1}


def test_a_wrong_password_is_reported_with_where_it_came_from_and_tried_once(site: Site) -> None:
    error = error_from(site, password="wrong")
    assert isinstance(error, AuthenticationFailed)
    assert str(error) == (
        f"{site.server.url} refused the login of johndoe: "
        '"Authentication request refused -- Username/Password combination was invalid" (HTTP 400). '
        "Check the password: the API has its own, which is not that of the web page. It comes from option password."
    )
    assert site.requests() == {"login": 1}


@pytest.mark.parametrize(("kept", "logins"), [(None, 2), (UNKNOWN, 1)])
def test_a_server_that_refuses_its_own_tokens_gets_no_more_and_more_requests(
    site: Site, kept: str | None, logins: int
) -> None:
    if kept:
        site.cache_token(kept)
    refusal = {"detail": "Authentication credentials were not provided."}
    site.server.faults.add(Fault(path="/api/", status=403, body=refusal, times=None))
    error = error_from(site)
    assert isinstance(error, AuthenticationFailed)
    assert str(error) == (
        "The token was refused: it is unknown to the server, or has expired (HTTP 403). "
        "It is the token of a new login, so this is a fault of the server. Try again later."
    )
    assert site.requests() == {"login": logins, "v2 allocation sources": 2}


def test_a_token_of_this_run_that_is_refused_leads_to_one_login_each_time(site: Site) -> None:
    with site.cloud() as cloud:
        for _time in range(5):
            use(cloud)
            site.world.tokens.clear()
    assert site.requests() == {"login": 5, "v2 allocation sources": 9}


def test_a_login_that_is_refused_in_the_middle_is_tried_once_for_all_threads(site: Site) -> None:
    site.warm()
    start = threading.Barrier(16)
    with site.cloud() as cloud, ThreadPoolExecutor(16) as pool:
        use(cloud)
        site.world.tokens.clear()
        site.world.users["johndoe"].password = "another"

        def work(_number: int) -> str:
            start.wait(10)
            with pytest.raises(AuthenticationFailed) as raised:
                use(cloud)
            return str(raised.value)

        said = set(pool.map(work, range(16)))
    assert len(said) == 1
    assert site.requests()["login"] == 1, "a wrong password that is tried again and again locks the account"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/auth", status=502, body="<html>", headers={"content-type": "text/html"}, times=2),
        Fault(path="/auth", status=504, body={}, times=2),
        Fault(path="/auth", drop="after", times=2),
    ],
    ids=["502", "504", "lost"],
)
def test_a_login_is_tried_again_where_that_can_help(site: Site, fault: Fault) -> None:
    site.server.faults.add(fault)
    with site.cloud() as cloud:
        use(cloud)
    assert site.requests() == {"login": 3, "v2 allocation sources": 1}


def test_an_action_whose_login_failed_was_not_sent(site: Site) -> None:
    with site.cloud() as cloud:
        [instance] = cloud.list_instances(live=True)
        site.world.expire_tokens()
        site.server.faults.add(Fault(path="/auth", status=500, body={}, times=9))
        with pytest.raises(JetstreamError) as caught:
            cloud.act(instance, Action.STOP)
    assert caught.value.unsent


def test_a_wrong_password_is_refused_also_while_a_token_is_kept(site: Site) -> None:
    site.warm()
    assert isinstance(error_from(site, password="wrong"), AuthenticationFailed)
    assert site.requests() == {"login": 1}
    with site.cloud() as cloud:
        use(cloud)
    assert site.requests() == {"v2 allocation sources": 1}, "the token of the right one is still there"


def test_every_token_and_password_is_hidden(site: Site) -> None:
    first = site.warm()
    with site.cloud() as cloud:
        use(cloud)
        site.world.tokens.clear()
        use(cloud)
    assert site.hidden == {PASSWORD, first, site.cached_token()}


def test_a_disabled_account_is_no_expired_token(site: Site) -> None:
    site.warm()
    site.world.users["johndoe"].end_date = datetime(2020, 1, 1, tzinfo=UTC)
    assert str(error_from(site)) == (
        'The account was refused: "The account you are using has been disabled. '
        'Please contact your Cloud Administrator for more information." (HTTP 403).'
    )
    assert site.requests() == {"v2 allocation sources": 1}


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [
        (
            Fault(path="/auth", html=True),
            UnexpectedResponse,
            (
                "The login of johndoe at {url} failed: the response is text/html, not JSON (HTTP 201). "
                "Check that api_url is the address of an Atmosphere site."
            ),
        ),
        (
            Fault(path="/auth", status=500, body="<html>", headers={"content-type": "text/html"}),
            ServerFault,
            "The login of johndoe at {url} failed: the server had an internal error (HTTP 500, text/html).",
        ),
        (
            Fault(path="/auth", status=302, body="", headers={"location": "https://elsewhere/"}),
            UnexpectedResponse,
            (
                "The login of johndoe at {url} was redirected to https://elsewhere/ (HTTP 302). "
                "Check api_url: redirects are not followed."
            ),
        ),
        (
            Fault(path="/auth", status=429, body={"detail": "Slow down."}, headers={"retry-after": "600"}),
            RateLimited,
            'The login of johndoe at {url} was rejected by the rate limit: "Slow down." (HTTP 429). Try again later.',
        ),
        (
            Fault(path="/auth", status=503, body={"detail": "Upgrade: until noon"}),
            InMaintenance,
            'Atmosphere is in maintenance: "Upgrade: until noon" (HTTP 503).',
        ),
        *(
            (
                Fault(path="/auth", status=201, body=body),
                UnexpectedResponse,
                "The login at {url} failed: the response has no token.",
            )
            for body in NO_TOKENS
        ),
    ],
)
def test_a_login_that_is_answered_strangely_is_reported(
    site: Site, fault: Fault, kind: type[JetstreamError], sentence: str
) -> None:
    site.server.faults.add(fault)
    error = error_from(site)
    assert error.__class__ is kind
    assert str(error) == sentence.format(url=site.server.url)
    assert site.requests() == {"login": 1}
    assert site.cached_token() is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Nov 24, 2026 18:57:00", datetime(2026, 11, 24, 18, 57, tzinfo=UTC)),
        ("Jan 01, 2027 00:00:59", datetime(2027, 1, 1, 0, 0, 59, tzinfo=UTC)),
    ],
)
def test_reads_when_a_token_expires(text: str, time: datetime) -> None:
    assert expiry(text) == time


@pytest.mark.parametrize("text", ["", "soon", "2026-11-24T18:57:00Z", "Nov 31, 2026 18:57:00", "Nov 24, 2026 18:57"])
def test_does_not_guess_when_a_token_expires(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any will do
        expiry(text)
