# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults between a client and the simulator that tests can add, and the log of its requests."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from ansible_collections.jetstream.cloud.tests.simulator import (
    Fault,
    ManualClock,
    Missing,
    Server,
    Settings,
    Stream,
    fleet,
    nested,
    serve,
)
from ansible_collections.jetstream.cloud.tests.unit.simulator.browser import Browser


@pytest.fixture
def server() -> Iterator[Server]:
    world = fleet(names=["vm", "other"], clock=ManualClock(), settings=Settings(transition=5))
    with serve(world) as begun:
        yield begun


@pytest.mark.parametrize(("drop", "state"), [("before", "active"), ("after", "active - powering-off")])
def test_a_connection_breaks_before_or_after_the_work(server: Server, drop: str, state: str) -> None:
    server.faults.add(Fault("POST", "/action$", drop=drop))  # type: ignore[arg-type]
    browser = Browser(server)
    with pytest.raises(requests.ConnectionError):
        browser.act("vm", "stop")
    assert server.world.look("vm").words == state
    assert server.requests.matching("POST")[0].status == 0
    assert browser.live("vm") == state


def test_a_fault_hits_those_it_is_meant_for_and_no_more(server: Server) -> None:
    uuid = server.world.instance("vm").uuid
    server.faults.add(
        Fault("POST", uuid, skip=1, times=2, status=503, body={"detail": "later"}, headers={"Retry-After": "7"})
    )
    browser = Browser(server)
    assert browser.act("other", "stop").status_code == 200
    answers = [browser.act("vm", action) for action in ("stop", "stop", "stop", "stop")]
    assert [answer.status_code for answer in answers] == [200, 503, 503, 409]
    assert answers[1].headers["Retry-After"] == "7"
    assert answers[1].json() == {"detail": "later"}


def test_the_usual_faults(server: Server) -> None:
    browser = Browser(server)
    server.faults.rate_limit(retry_after=2)
    server.faults.unavailable()
    server.faults.bad_gateway()
    server.faults.broken()
    answers = [browser.get("/api/v2/version") for _time in range(5)]
    assert [answer.status_code for answer in answers] == [429, 503, 502, 500, 200]
    assert answers[0].headers["Retry-After"] == "2"
    assert "html" in answers[2].headers["Content-Type"]
    assert "maintenance" in answers[3].text


def test_an_answer_is_a_page_or_is_cut_short(server: Server) -> None:
    browser = Browser(server)
    server.faults.add(Fault(html=True))
    page = browser.get("/api/v2/instances")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    server.faults.add(Fault(truncate=True))
    with pytest.raises(requests.JSONDecodeError):
        browser.get("/api/v2/instances").json()


def test_a_lost_answer_is_a_broken_connection_or_a_504_after_the_work(server: Server) -> None:
    browser = Browser(server)
    server.faults.lost_answer()
    with pytest.raises(requests.ConnectionError):
        browser.act("vm", "stop")
    server.faults.gateway_timeout(then=lambda: server.world.add_maintenance("Upgrade", "back at five"))
    assert browser.act("other", "stop").status_code == 504
    assert server.world.states() == {"vm": "active - powering-off", "other": "active - powering-off"}
    assert browser.get("/api/v2/instances").status_code == 503


def test_something_happens_between_two_requests(server: Server) -> None:
    server.faults.after("GET", "/api/v2/instances", lambda: server.world.vanish("vm"))
    browser = Browser(server)
    assert browser.get("/api/v2/instances").json()["count"] == 2
    assert browser.get(browser.v1("vm")).status_code == 404


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("name", None, '"name":null'),
        ("uuid", ["a"], '"uuid":["a"]'),
        ("size.cpu", "2", '"cpu":"2"'),
        ("name", "a\ud800b", r'"name":"a\ud800b"'),
        ("usage", float("nan"), '"usage":NaN'),
        ("image", nested(50_000), '"image":' + "[" * 50_000 + "]"),
        ("status", Missing(), '"name":"vm","activity"'),
    ],
    ids=lambda value: str(value)[:20],
)
def test_one_row_is_odd_in_lists_and_details(server: Server, name: str, value: object, text: str) -> None:
    server.faults.odd_row("vm", {name: value}, path="^/api/v2/")
    browser = Browser(server)
    uuid = server.world.instance("vm").uuid
    for path in ("/api/v2/instances", f"/api/v2/instances/{uuid}"):
        assert text in browser.get(path).text
    assert browser.stored("other")[0] == "active"


def test_a_list_can_claim_more_rows_than_it_has(server: Server) -> None:
    server.faults.huge_count("/api/v2/instances")
    page = Browser(server).get("/api/v2/instances").json()
    assert (page["count"], len(page["results"])) == (10**9, 2)


@pytest.mark.parametrize("retry_after", ["0", "-5", "nan", "1e400", "Mon, 01 Jan 1900 00:00:00 GMT", "9" * 400])
def test_retry_after_is_any_text(server: Server, retry_after: str) -> None:
    server.faults.unavailable(retry_after=retry_after)
    assert Browser(server).get("/api/v2/version").headers["Retry-After"] == retry_after


def _raw_answer(server: Server, seconds: float) -> bytes:
    """Return the bytes that come within ``seconds``."""
    address = server.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=seconds) as connection:
        connection.sendall(b"GET /api/v2/version HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n")
        ends, data = time.monotonic() + seconds, b""
        while time.monotonic() < ends:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                break
            if not piece:
                break
            data += piece
        return data


@pytest.mark.parametrize("kind", ["drip", "drip-all"])
def test_an_answer_drips(server: Server, kind: str) -> None:
    server.faults.streamed(Stream(kind, pace=0.02))  # type: ignore[arg-type]
    early = _raw_answer(server, 0.2)
    assert early.startswith(b"HTTP/1")
    assert b"}" not in early
    server.faults.streamed(Stream(kind, pace=0))  # type: ignore[arg-type]
    assert Browser(server).get("/api/v2/version").json()["git_branch"] == "master"


def test_an_answer_never_ends_but_by_its_time(server: Server) -> None:
    server.faults.streamed(Stream("endless", pace=0.001, lasting=0.5))
    began = time.monotonic()
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        Browser(server).get("/api/v2/version")
    assert time.monotonic() - began >= 0.5


def test_an_answer_is_larger_once_it_is_decompressed(server: Server) -> None:
    server.faults.streamed(Stream("bomb", size=50 * 2**20 + 7))
    answer = Browser(server).get("/api/v2/version")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.content) == 50 * 2**20 + 7


def test_interim_answers_come_for_ever_but_for_their_time(server: Server) -> None:
    server.faults.streamed(Stream("continue", pace=0.005, lasting=0.3))
    assert set(_raw_answer(server, 1).split(b"\r\n\r\n")) == {b"HTTP/1.1 100 Continue", b""}
    assert server.requests.matching(path="version")[0].status == 0


def test_requests_run_at_the_same_time_but_for_the_limit_of_workers() -> None:
    world = fleet(4, settings=Settings(latency=0.3, v2_list_cost=0.01))
    with serve(world) as server, ThreadPoolExecutor(6) as pool:
        browser = Browser(server)
        paths = ["/api/v2/instances"] * 6
        list(pool.map(browser.get, paths))
        # On a busy machine, some begin when others have ended already.
        assert server.requests.most_at_once() > 1
        took = [entry.ended - entry.began for entry in server.requests]
        assert min(took) >= 0.3 + 4 * 0.01
        server.requests.reset()
        world.settings.latency, world.settings.workers = 0.0, 1
        list(pool.map(browser.get, paths))
        began = min(entry.began for entry in server.requests)
        assert max(entry.ended for entry in server.requests) - began >= 6 * 4 * 0.01
    assert server.requests.count("GET", "instances", 200) == 6


def test_the_log_has_the_requests(server: Server) -> None:
    Browser(server).act("vm", "suspend")
    (entry,) = server.requests
    assert (entry.method, entry.status, entry.data) == ("POST", 200, {"action": "suspend"})
    assert entry.path.endswith("/action")


def test_a_simulator_can_be_scripted_over_http_only_if_that_was_opened() -> None:
    world = fleet(names=["vm"], clock=ManualClock(), settings=Settings(transition=5))
    with serve(world) as closed:
        assert requests.get(f"{closed.url}/_simulator/world", timeout=20).status_code == 404
    with serve(world, control=True) as server:

        def tell(name: str, **data: object) -> requests.Response:
            return requests.post(f"{server.url}/_simulator/{name}", json=data, timeout=20)

        browser = Browser(server)
        assert tell("faults", status=502, times=1).status_code == 200
        assert browser.get("/api/v2/version").status_code == 502
        tell("world", instance="vm", misbehave={"fails_with": "Out of luck."})
        browser.act("vm", "stop")
        tell("clock", advance=5)
        tell("monitor")
        rows = requests.get(f"{server.url}/_simulator/world", timeout=20).json()["instances"]
        assert [(row["name"], row["cloud"], row["database"]) for row in rows] == [("vm", "error", "error")]
        tell("faults", method="GET", path="instances", of="vm", edit={"name": {"$raw": "NaN"}, "size": {"$missing": 1}})
        assert '"name":NaN,' in browser.get("/api/v2/instances").text
        tell("faults", path="version", stream={"kind": "bomb", "size": 10}, then={"name": "tokens", "method": "DELETE"})
        assert browser.get("/api/v2/version").content == b" " * 10
        assert browser.get("/api/v2/instances").status_code == 403
        tell("nova", status=0)
        tell("workers", held=True)
        tell("settings", transition=0)
        assert world.settings.transition == 0
        tell("maintenance", title="Upgrade", message="back at five")
        assert browser.get("/api/v2/version").json() == {"detail": "Upgrade: back at five"}
        assert tell("settings", color="red").status_code == 400
        logged = requests.get(f"{server.url}/_simulator/requests", timeout=20).json()["requests"]
        assert [entry["status"] for entry in logged] == [502, 200, 200, 200, 403, 503]
