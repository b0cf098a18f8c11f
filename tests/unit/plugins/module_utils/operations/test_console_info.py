# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The console of the right kind is opened, bad options are refused before any request, and no address is quoted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.console_urls import console_url
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    Conflict,
    Refused,
    SelectionError,
    ServerFault,
    UnexpectedResponse,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import ConsoleUrl
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.console_info import (
    OPERATION,
    SPEC,
    console_info,
)
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.jetstream2.test_client import LIST, of

SERVER = next(each for each in recorded("servers")["servers"] if each["name"] == "web")
CONSOLES = f"POST compute /servers/{SERVER['id']}/remote-consoles"
OUTPUT = f"POST compute /servers/{SERVER['id']}/action"
URL = "https://js2.example/spice_auto.html?token=5ecre7"


def opened(url: object = URL) -> dict[str, Any]:
    return {"remote_console": {"protocol": "x", "type": "y", "url": url}}


def refused(status: int) -> Response:
    return Response(status, {"error": {"message": "Unavailable console type"}}, True, "application/json", None, None)


def run(answers: Mapping[str, Any], **options: Any) -> tuple[dict[str, Any], list[Any]]:
    """Open the console of a recorded server. Return the result, and the bodies that were sent."""
    cloud, session = of({LIST: {"servers": [SERVER]}, **answers})
    given = {"instance": "web", "owner": ["any"], **options}
    outcome = OperationRunner(None).run(SPEC, lambda given, context: console_info(cloud, given, context), **given)
    return dict(outcome.result), session.sent


class Kinds:
    """A site that has some kinds of consoles. ``requested``: the kinds that it was asked for."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.requested: list[str] = []

    def script(self, session: Any) -> None:
        really = session.request

        def request(method: str, service: str, path: str, **more: Any) -> Response:
            if not path.endswith("/remote-consoles"):
                reply: Response = really(method, service, path, **more)
                return reply
            kind = more["data"]["remote_console"]["type"]
            self.requested.append(kind)
            found = self.answers[kind.partition("-")[0]]
            return found if isinstance(found, Response) else Response(200, found, True, "application/json", None, None)

        session.request = request


def opened_at(site: Kinds, **options: Any) -> dict[str, Any]:
    cloud, session = of({LIST: {"servers": [SERVER]}})
    site.script(session)
    given = {"instance": "web", "owner": ["any"], **options}
    outcome = OperationRunner(None).run(SPEC, lambda given, context: console_info(cloud, given, context), **given)
    return dict(outcome.result)


@pytest.mark.parametrize(
    ("novnc", "spice", "options", "kind", "requested"),
    [
        (opened(), opened(), {}, "novnc", ["novnc"]),
        (refused(400), opened(), {}, "spice", ["novnc", "spice-html5"]),
        (refused(501), opened(), {}, "spice", ["novnc", "spice-html5"]),
        (opened(), opened(), {"kind": "spice"}, "spice", ["spice-html5"]),
    ],
)
def test_the_first_kind_that_the_site_has_is_opened(
    novnc: Any, spice: Any, options: dict[str, Any], kind: str, requested: list[str]
) -> None:
    site = Kinds(novnc=novnc, spice=spice)
    result = opened_at(site, **options)
    assert (result["url"], result["kind"], site.requested) == (URL, kind, requested)
    assert (result["instance"]["name"], result["text"]) == ("web", None)


@pytest.mark.parametrize(
    ("novnc", "options", "error", "requested"),
    [
        (refused(400), {}, Refused, 2),
        (refused(400), {"kind": "novnc"}, Refused, 1),
        # Another kind of console would be no more ready.
        (refused(409), {}, Conflict, 1),
        (refused(500), {}, ServerFault, 1),
    ],
)
def test_without_a_console_the_task_fails_in_novas_words(
    novnc: Any, options: dict[str, Any], error: type[Exception], requested: int
) -> None:
    site = Kinds(novnc=novnc, spice=refused(400))
    with pytest.raises(error, match="Unavailable console type"):
        opened_at(site, **options)
    assert len(site.requested) == requested


@pytest.mark.parametrize(
    "value", [None, 7, ["x"], "", "javascript:alert(1)", "https://a b", "https://x\n", "https://\x1b[2J"]
)
def test_an_invalid_address_is_refused_and_not_quoted(value: object) -> None:
    with pytest.raises(UnexpectedResponse) as raised:
        console_url("novnc", value, "Opening the console of web")
    assert str(value or "nothing") not in str(raised.value)
    with pytest.raises(UnexpectedResponse):
        console_url("novnc", URL + "x" * 5000, "Opening the console of web")
    assert "5ecre7" not in repr(ConsoleUrl("novnc", URL))


def test_the_last_lines_are_returned_without_control_characters() -> None:
    text = "".join(f"line {number}\n" for number in range(1, 31)) + "\x1b[31mred\x1b[0m\n"
    result, sent = run({OUTPUT: {"output": text}}, url=False, lines=3)
    assert result["text"][:2] == ["line 29", "line 30"]
    assert "red" in result["text"][2]
    assert "\x1b" not in result["text"][2]
    assert (result["url"], result["kind"]) == (None, None)
    # Nova counts the end of the last line as one more.
    assert sent == [{"os-getConsoleOutput": {"length": 4}}]
    with pytest.raises(UnexpectedResponse):
        run({OUTPUT: {"output": ["x"]}}, url=False, lines=3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": False}, "There is nothing to return"),
        ({"lines": -1}, "between 0 and 10000"),
        ({"lines": 10_001}, "between 0 and 10000"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_sent(options: dict[str, Any], words: str) -> None:
    cloud, session = of({})
    with pytest.raises(ConfigurationError, match=words):
        OperationRunner(None).run(
            SPEC, lambda given, context: console_info(cloud, given, context), instance="web", **options
        )
    assert session.requested == []


def test_there_has_to_be_one_instance() -> None:
    with pytest.raises(SelectionError, match=r"^There is no instance wib\. Did you mean web\?"):
        run({}, instance="wib")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(fleet(2, clock=ManualClock()), tmp_path) as served:
        served.warm()
        yield served


def at(site: Site, **options: Any) -> dict[str, Any]:
    runner = OperationRunner(site.home, site.clock)
    return dict(runner.run(SPEC, OPERATION, **site.options, **options).result)


def test_atmosphere_opens_a_console_by_v1_and_the_address_of_the_instance_stays(site: Site) -> None:
    before = site.world.cloud.vms[site.world.instance("node-0001").uuid].address
    result = at(site, instance="node-0001")
    assert result["url"].startswith("http://127.0.0.1:6080/vnc_auto.html?token=")
    assert (result["kind"], result["text"]) == ("novnc", None)
    assert site.requests()["action"] == 1
    assert site.world.cloud.vms[site.world.instance("node-0001").uuid].address == before


@pytest.mark.parametrize(("options", "words"), [({"lines": 5}, "no text of consoles"), ({"kind": "spice"}, "noVNC")])
def test_an_option_that_atmosphere_lacks_is_refused_before_any_request(
    site: Site, options: dict[str, Any], words: str
) -> None:
    site.server.requests.reset()
    with pytest.raises(ConfigurationError, match=words):
        at(site, instance="node-0001", **options)
    assert site.requests() == {}
