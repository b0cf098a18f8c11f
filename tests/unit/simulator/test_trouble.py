# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests can have go wrong between a client and the simulator, and what it tells of what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, Server, Settings, fleet, serve
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


def test_requests_run_at_the_same_time_but_for_the_limit_of_workers() -> None:
    world = fleet(4, settings=Settings(latency=0.3, v2_list_cost=0.01))
    with serve(world) as server, ThreadPoolExecutor(6) as pool:
        browser = Browser(server)
        paths = ["/api/v2/instances"] * 6
        list(pool.map(browser.get, paths))
        assert server.requests.most_at_once() > 3
        took = [entry.ended - entry.began for entry in server.requests]
        assert min(took) >= 0.3 + 4 * 0.01
        server.requests.reset()
        world.settings.latency, world.settings.workers = 0.0, 1
        list(pool.map(browser.get, paths))
        longest = max(entry.ended - entry.began for entry in server.requests)
        assert longest >= 6 * 4 * 0.01
    assert server.requests.count("GET", "instances", 200) == 6


def test_the_log_has_what_was_sent(server: Server) -> None:
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
        tell("settings", transition=0)
        assert world.settings.transition == 0
        tell("maintenance", title="Upgrade", message="back at five")
        assert browser.get("/api/v2/version").json() == {"detail": "Upgrade: back at five"}
        assert tell("settings", colour="red").status_code == 400
        logged = requests.get(f"{server.url}/_simulator/requests", timeout=20).json()["requests"]
        assert [entry["status"] for entry in logged] == [502, 200, 503]
