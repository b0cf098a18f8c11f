# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For every mistake and failure, the user reads one sentence with the cause and the remedy."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, Settings, Trouble, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.certificates import server_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.loopback import Loopback, answer, refusing_port
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import run_module

INFO, STATE = "jetstream_instance_info", "jetstream_instance_state"
NAMES = ("web", "web", "geo-node-01", "batch")
STATES = {"active": 3, "shutoff": 1}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve two instances called web, and two others, of which the last is shut off."""
    world = fleet(
        names=NAMES, states=STATES, clock=ManualClock(), settings=Settings(transition=5), compute_allowed=1000,
        compute_used=1050.25,
    )  # fmt: skip
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def task(site: Site, module: str = STATE, /, **options: Any) -> dict[str, Any]:
    """Run a module with johndoe's login and more options. None removes an option."""
    said = {key: value for key, value in {**site.options, **options}.items() if value is not None}
    return run_module(module, said, clock=site.clock, home=site.home)


def failure(result: Mapping[str, Any]) -> str:
    """Return the message of a failed task, after a check of the parts that each failure must have."""
    assert result["failed"] is True
    assert not result.get("changed")
    message = result["msg"]
    assert isinstance(message, str)
    assert "\n" not in message
    assert re.fullmatch(r"\S.*[.?]", message), "a sentence"
    assert not re.search(r"Traceback|Error\(|<[a-z]+|0x[0-9a-f]{6}", message), "and not for programmers"
    return message


# --- credentials -----------------------------------------------------------------------------------------------------


def test_no_credential(tmp_path: Path) -> None:
    result = run_module(INFO, {}, clock=FakeClock(), home=tmp_path)
    assert failure(result) == (
        "No login is configured. Save one with the playbook jetstream.cloud.save_credential. For Jetstream2, set "
        "JETSTREAM_CLOUD to a cloud in clouds.yaml. There is no clouds.yaml in the working folder, "
        "~/.config/openstack, or /etc/openstack. For a site with Atmosphere, set JETSTREAM_USERNAME and "
        "JETSTREAM_PASSWORD. To try things out without an account, run the playbook jetstream.cloud.tour."
    )


def test_a_user_without_a_password(tmp_path: Path) -> None:
    result = run_module(INFO, {}, clock=FakeClock(), home=tmp_path, environ={"JETSTREAM_USERNAME": "johndoe"})
    assert failure(result).startswith(
        "No password or token is set for johndoe (environment variable JETSTREAM_USERNAME). Set "
    )


def test_a_wrong_password(site: Site) -> None:
    site.cache.forget(site.key, site.cached_token() or "")
    assert failure(task(site, INFO, password="Tr0ub4dor")) == (
        f"{site.server.url} refused the login of johndoe: "
        '"Authentication request refused -- Username/Password combination was invalid" (HTTP 400). '
        "Check the password: the API has its own, which is not that of the web page. It comes from option password."
    )


def test_an_expired_token(site: Site) -> None:
    token = site.world.new_token(site.world.users["johndoe"], lifetime=-1)
    assert failure(task(site, INFO, token=token, username=None, password=None)) == (
        "The token was refused: it is unknown to the server, or has expired (HTTP 403). "
        "It comes from option token. Set username and password, so that a new token can be requested."
    )


# --- which instances -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "geo-nod-01"}, "name: geo-nod-01 does not exist. Did you mean geo-node-01?"),
        ({"id": 99}, "The id 99 does not exist."),
        ({"name": "web"}, "The name web is ambiguous. Use an ID (1, 2)."),
        ({"all": True, "exclude": "bach"}, "exclude: bach does not exist. Did you mean batch?"),
        (
            {},
            ("No instances selected. Set name, id, uuid or a filter, or all: true for all instances of the account."),
        ),
        ({"all": True, "id": 1}, "all: true is mutually exclusive with name, id and uuid. Set one of them."),
        (
            {"all": True, "wait_timeout": 0},
            "wait_timeout must be more than 0 seconds. To return without waiting, set wait: false.",
        ),
        (
            {"all": True, "max_changes": 1},
            "3 instances would be changed, but max_changes is 1. No instance was changed.",
        ),
    ],
)
def test_a_selection_that_makes_no_sense(site: Site, options: dict[str, Any], sentence: str) -> None:
    assert failure(task(site, state="stopped", **options)) == sentence
    assert "action" not in site.requests()


def test_an_unknown_instance_is_a_warning_where_nothing_is_changed(site: Site) -> None:
    result = task(site, INFO, name=["geo-nod-01", "batch"])
    assert [each["name"] for each in result["instances"]] == ["batch"]
    assert result["warnings"] == ["name: geo-nod-01 does not exist. Did you mean geo-node-01?"]


def test_an_instance_that_is_not_yours(site: Site) -> None:
    """It is in the list because its project is shared, but the cloud lets only its owner act on it."""
    refusal = {"detail": "The requested user is not a member of the project."}
    site.server.faults.add(Fault(method="POST", path="/action$", status=403, body=refusal))
    result = task(site, state="stopped", id=3)
    assert failure(result) == (
        'Stop of geo-node-01 (3) was refused: "The requested user is not a member of the project." '
        "(HTTP 403). It belongs to another user, or was deleted."
    )
    assert result["instances"][0]["after"] == "active"


# --- the way to the server -------------------------------------------------------------------------------------------


def test_an_unknown_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    options = {"api_url": "use.jetstream-clod.org", "token": "0123456789abcdef"}
    assert failure(run_module(INFO, options, clock=FakeClock(), home=tmp_path)) == (
        "The host of https://use.jetstream-clod.org was not found. Check the address, and the network."
    )


def test_a_port_that_no_server_listens_at(tmp_path: Path) -> None:
    with refusing_port() as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        result = run_module(INFO, {"api_url": url, "token": "0123456789abcdef"}, clock=FakeClock(), home=tmp_path)
    assert failure(result) == f"{url} could not be connected to: Connection refused."


def test_a_wrong_certificate(tmp_path: Path) -> None:
    with Loopback(context=server_context(trustme.CA())) as server:
        options = {"api_url": server.url, "token": "0123456789abcdef"}
        result = run_module(INFO, options, clock=FakeClock(), home=tmp_path)
    assert failure(result) == (
        f"The certificate of {server.url} was not accepted: unable to get local issuer certificate. "
        "If the site has a private certificate authority, set ca_path to its file."
    )


def test_plain_http(tmp_path: Path) -> None:
    options = {"api_url": "http://use.jetstream-cloud.org", "token": "0123456789abcdef"}
    assert failure(run_module(INFO, options, clock=FakeClock(), home=tmp_path)) == (
        "The option api_url is http://use.jetstream-cloud.org, which would send the password unencrypted. "
        "Use https://, or set allow_http if nobody else can read the traffic of that network."
    )


def test_json_that_is_cut_off(site: Site) -> None:
    site.server.faults.add(Fault(path="/api/v2/instances", truncate=True))
    assert failure(task(site, INFO)) == (
        "Listing instances failed: the response is truncated or malformed JSON (HTTP 200). "
        "Try again. If it persists, check the proxies between this machine and the server."
    )


def test_html_where_json_should_be(tmp_path: Path) -> None:
    page = answer(200, "<html>Welcome!</html>", content_type="text/html")
    with Loopback(page) as server:
        options = {"api_url": server.url, "token": "0123456789abcdef"}
        result = run_module(INFO, options, clock=FakeClock(), home=tmp_path)
    assert failure(result) == (
        "Listing instances failed: the response is text/html, not JSON (HTTP 200). "
        "Check that api_url is the address of an Atmosphere site."
    )


# --- errors of the server and the cloud ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [INFO, STATE, "jetstream_volume_info", "jetstream_allocation_info"])
def test_maintenance(site: Site, name: str) -> None:
    site.world.add_maintenance("Scheduled maintenance", "Jetstream is down until 5pm")
    options = {"state": "stopped", "all": True} if name == STATE else {}
    assert failure(task(site, name, **options)) == (
        'Atmosphere is in maintenance: "Scheduled maintenance: Jetstream is down until 5pm" (HTTP 503).'
    )


def test_an_allocation_that_is_used_up(site: Site) -> None:
    result = task(site, state="started", name="batch")
    assert failure(result) == (
        'Start of batch (4) was refused: "Time allocation exceeded: Allocation TG-GEO160014 is over 100% '
        'by 50.250 hours." (HTTP 413).'
    )
    assert [each["after"] for each in result["instances"]] == ["shutoff"]


def test_a_refused_action_and_its_cost(site: Site) -> None:
    address = site.world.vm("geo-node-01").address
    uuid = site.world.instance("geo-node-01").uuid
    said = f"Cannot 'stop' instance {uuid} while it is in task_state image_snapshot"
    site.world.misbehave("geo-node-01", refuses=said)
    assert failure(task(site, state="stopped", name="geo-node-01")) == (
        f'Stop of geo-node-01 (3) was refused: "409 Conflict {said}" (HTTP 409). It has lost its address {address}.'
    )


def test_a_cloud_that_is_broken(site: Site) -> None:
    site.world.trouble(Trouble("nova", "POST action/stop", status=500, text="Unexpected API Error.", times=None))
    address = site.world.vm("geo-node-01").address
    said = re.sub("sent 1[0-9] times", "sent N times", failure(task(site, state="stopped", name="geo-node-01")))
    assert said == (
        "was not stopped within 900 s (sent N times; the last attempt failed: "
        'Stop of geo-node-01 (3) failed in the cloud: "The requested action stop encountered an irrecoverable '
        'exception: 500 Internal Server Error Unexpected API Error." (HTTP 403).). '
        f"It has lost its address {address}."
    )


def test_a_cloud_that_was_broken_for_a_moment(site: Site) -> None:
    site.world.trouble(Trouble("nova", "POST action/stop", status=500, text="Unexpected API Error."))
    [item] = task(site, state="stopped", name="geo-node-01")["instances"]
    assert (item["failed"], item["unclear"]) == (False, False)
    assert item["msg"] == "stop done"


def test_an_instance_that_breaks_on_the_way(site: Site) -> None:
    site.world.misbehave("geo-node-01", fails_with="No valid host was found.")
    result = task(site, state="stopped", name="geo-node-01")
    assert result["msg"] == "geo-node-01 (3): in error: No valid host was found."
    assert (result["failed"], result["changed"]) == (True, True), "the stop was accepted"


def test_time_that_is_up(site: Site) -> None:
    site.world.misbehave("geo-node-01", slowness=1000)
    result = task(site, state="stopped", name="geo-node-01", wait_timeout=30)
    assert result["msg"] == ("geo-node-01 (3): was not stopped within 30 s (last seen active - powering-off).")
    assert result["instances"][0]["after"] == "active - powering-off"


def test_an_instance_that_its_identity_cannot_reach(site: Site) -> None:
    refusal = {"errors": [{"code": 401, "message": "Identity/Provider Authentication Failed"}]}
    site.server.faults.add(Fault("GET", path="/api/v1/", status=401, body=refusal, times=None))
    assert failure(task(site, state="stopped", name="batch")) == (
        "its state in the cloud cannot be read: Reading batch (4) was refused: "
        '"Identity/Provider Authentication Failed" (HTTP 401).'
    )


def test_some_of_many_that_fail(site: Site) -> None:
    for name in ("geo-node-01", "batch"):
        site.world.misbehave(name, refuses="no")
    result = task(site, state="suspended", all=True, allow_wake=True, exclude="batch")
    assert result["msg"] == (
        '1 of 3 instances failed: Suspend of geo-node-01 (3) was refused: "409 Conflict no" '
        f"(HTTP 409). It has lost its address {result['instances'][2]['msg'].split()[-1]}"
    )
    assert result["changed"] is True
    assert result["summary"] == {"selected": 3, "changed": 2, "unchanged": 0, "skipped": 0, "failed": 1, "others": 0}


def test_maintenance_in_the_middle_leaves_none_out(tmp_path: Path) -> None:
    world = fleet(30, clock=ManualClock(), settings=Settings(transition=5))
    with a_site(world, tmp_path) as site:
        site.warm()
        closed = {"detail": "Upgrade: until noon"}
        site.server.faults.add(Fault(method="POST", path="/action$", skip=10, times=None, status=503, body=closed))
        result = task(site, state="stopped", all=True)
    assert result["failed"] is True
    accepted = sum(each["actions"] == ["stop"] for each in result["instances"])
    assert accepted == 10
    assert len(result["instances"]) == 30
    assert result["msg"] == (
        'Atmosphere is in maintenance: "Upgrade: until noon" (HTTP 503). 30 of 30 instances were not completed.'
    )
    assert {each["changed"] for each in result["instances"] if each["actions"]} == {True}
    assert result["changed"] is True


def test_a_world_with_nothing_in_it(tmp_path: Path) -> None:
    with a_site(fleet(0, clock=ManualClock()), tmp_path) as site:
        site.warm()
        result = task(site, state="stopped", all=True)
    assert not result.get("failed")
    assert result["changed"] is False
    assert result["warnings"] == ["No instance matched, so nothing was changed."]
