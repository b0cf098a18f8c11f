# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of the client, and the objects that it makes from responses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.client import Jetstream2Cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.locks import LockNotes
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Account
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    Conflict,
    PermissionDenied,
    ServerFault,
    UnexpectedResponse,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Flavor, Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded

SERVERS = recorded("servers")["servers"]
# A body, a Response, or a function of the query that returns either.
Answer = Any


class Session:
    """Responds to each address by a script. ``requested`` has each request, such as "GET compute /servers/detail"."""

    site = "js2.jetstream-cloud.org:5000"

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self.requested: list[str] = []
        self.sent: list[Any] = []
        self.versions: list[str | None] = []

    def account(self) -> Account:
        token = recorded("token")["token"]
        return Account(
            token["user"]["id"], token["user"]["name"], token["project"]["id"], token["project"]["name"], "IU"
        )

    def has(self, service: str) -> bool:
        return any(service in each for each in self._answers)

    def request(
        self,
        method: str,
        service: str,
        path: str,
        *,
        data: Any = None,
        microversion: str | None = None,
        content_type: str | None = None,
        once: bool = False,
    ) -> Response:
        parts = urlsplit(path)
        name = f"{method} {service} {parts.path}"
        self.requested.append(name if data is None else f"{name} {next(iter(data))}")
        self.versions.append(microversion)
        if data is not None:
            self.sent.append(data)
        found = self._answers.get(self.requested[-1], self._answers.get(name))
        made = found(parse_qs(parts.query)) if callable(found) else found
        if isinstance(made, Response):
            return made
        if isinstance(made, BaseException):
            raise made
        return Response(404 if found is None else 200, made or {}, True, "application/json", None, None)

    def extended(self, _seconds: float) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        pass


def refusal(name: str) -> Response:
    told = recorded("refusals")[name]
    return Response(told["status"], told["body"], True, "application/json", None, None)


ACCEPTED = Response(202, None, False, "", None, None)


def of(answers: Mapping[str, Answer], notes: Path | None = None) -> tuple[Jetstream2Cloud, Session]:
    session = Session(answers)
    # No note can be written in a folder that is a file.
    kept = LockNotes(notes or Path(__file__), "js2")
    return Jetstream2Cloud(session, kept, FakeClock(), max_concurrency=1), session  # type: ignore[arg-type]


LIST = "GET compute /servers/detail"


def test_names_of_images_are_requested_where_they_are_selected_and_of_those_in_use_alone() -> None:
    requested: list[Any] = []

    def images(query: Mapping[str, list[str]]) -> Any:
        requested.append(query)
        return recorded("images")

    made, session = of({LIST: {"servers": SERVERS}, "GET image /v2/images": images})
    found = made.list_instances(live=True)
    assert [each.name for each in found] == sorted(row["name"] for row in SERVERS)
    [image] = recorded("images")["images"]
    assert requested == [{"id": [f"in:{image['id']}"], "limit": ["50"]}]
    assert session.requested == [LIST, "GET image /v2/images"]
    session.requested.clear()
    made.list_instances(live=True, images=False)
    assert session.requested == [LIST]


def test_a_filter_by_image_asks_for_the_names_of_all_images() -> None:
    """Otherwise an image that only instances have that are not selected looks like one that does not exist."""
    made, session = of({LIST: {"servers": SERVERS}, "GET image /v2/images": recorded("images")})
    made.list_instances(live=True, wanted=lambda _each: False)
    assert session.requested == [LIST]
    session.requested.clear()
    made.list_instances(live=True, all_images=True, wanted=lambda _each: False)
    assert session.requested == [LIST, "GET image /v2/images"]


def test_instances_and_volumes_are_in_the_order_of_their_names_as_people_count() -> None:
    names = ["base-10", "base-2", "base-1"]
    servers = [{**SERVERS[0], "id": f"server-{name}", "name": name} for name in names]
    volumes = [{**recorded("volumes")["volumes"][0], "id": f"volume-{name}", "name": name} for name in names]
    made, _session = of({LIST: {"servers": servers}, "GET volumev3 /volumes/detail": {"volumes": volumes}})
    expected = ["base-1", "base-2", "base-10"]
    assert [each.name for each in made.list_instances(live=True, images=False)] == expected
    assert [each.name for each in made.list_volumes(live=True)] == expected


def test_a_list_goes_on_as_long_as_the_service_says_so() -> None:
    """A site chooses the size of its pages, whatever the request says."""
    markers: list[str] = []
    pages = {"": SERVERS[:4], SERVERS[3]["id"]: SERVERS[4:8], SERVERS[7]["id"]: SERVERS[8:]}

    def page(query: Mapping[str, list[str]]) -> Any:
        [marker] = query.get("marker", [""])
        markers.append(marker)
        is_last = len(markers) == len(pages)
        return {"servers": pages[marker]} | ({} if is_last else {"servers_links": [{"rel": "next", "href": "..."}]})

    made, _session = of({LIST: page})
    assert len(made.list_instances(live=True, images=False)) == len(SERVERS)
    assert markers == list(pages)


def test_a_page_that_ends_with_a_row_without_an_id_is_followed_by_the_next_and_no_server_is_there_twice() -> None:
    markers: list[str] = []

    def page(query: Mapping[str, list[str]]) -> Any:
        [marker] = query.get("marker", [""])
        markers.append(marker)
        if not marker or marker == SERVERS[0]["id"]:
            odd = {**SERVERS[1], "id": None}
            rows = [odd, SERVERS[0]] if marker else [SERVERS[0], odd]
            return {"servers": rows, **({} if marker else {"servers_links": [{"rel": "next", "href": "..."}]})}
        raise AssertionError(marker)

    made, _session = of({LIST: page})
    found = made.list_instances(live=True, images=False, unreadable=True)
    assert [each.uuid for each in found] == [SERVERS[0]["id"], "unknown"]
    assert markers == ["", SERVERS[0]["id"]]


def test_a_row_that_cannot_be_read_is_returned_where_that_is_wanted_and_read_again_if_it_has_an_id() -> None:
    name = SERVERS[1]["name"]
    odd = {**SERVERS[1], "OS-EXT-STS:task_state": ["x"]}
    nameless = {**odd, "id": SERVERS[2]["id"], "name": None}
    rows = [SERVERS[0], odd, {**SERVERS[3], "id": None}, nameless]
    answers = {LIST: {"servers": rows}, f"GET compute /servers/{SERVERS[1]['id']}": {"server": SERVERS[1]}}
    made, _session = of(answers)
    first, *others = made.list_instances(live=True, images=False, unreadable=True)
    assert first.uuid == SERVERS[0]["id"]
    assert [(each.name, each.uuid, each.live, each.read_again) for each in others] == [
        (name, SERVERS[1]["id"], False, True),
        (SERVERS[3]["name"], "unknown", False, False),
        # It may be excluded by its name.
        ("unknown", SERVERS[2]["id"], False, False),
    ]
    assert [each.read_error for each in others] == ["task_state is a list", "id is null", "task_state is a list"]
    [seen] = made.poll(others[:1]).values()
    assert isinstance(seen, Instance)
    assert (seen.live, seen.read_again) == (True, False)


def test_a_page_without_any_id_is_not_followed_by_the_first_page_again() -> None:
    body = {"servers": [{**SERVERS[0], "id": None}], "servers_links": [{"rel": "next", "href": "..."}]}
    made, session = of({LIST: lambda _query: body})
    with pytest.raises(UnexpectedResponse, match="the list has no last page"):
        made.list_instances(live=True, images=False)
    assert session.requested == [LIST]


@pytest.mark.parametrize("body", [{}, {"servers": "many"}, [], {"servers": [{"id": 1}]}, {"servers": ["web"]}])
def test_an_unreadable_list_is_an_error_and_no_empty_fleet(body: Any) -> None:
    made, _session = of({LIST: lambda _query: Response(200, body, True, "application/json", None, None)})
    with pytest.raises(UnexpectedResponse):
        made.list_instances(live=True, images=False)


def test_a_few_are_polled_one_by_one_and_many_by_a_list() -> None:
    rows = {f"GET compute /servers/{row['id']}": {"server": row} for row in SERVERS[:3]}
    made, session = of({LIST: {"servers": SERVERS}, **rows})
    fleet = made.list_instances(live=True, images=False)
    session.requested.clear()
    known = {row["id"] for row in SERVERS[:3]}
    seen = made.poll([each for each in fleet if each.uuid in known])
    assert session.requested == [f"GET compute /servers/{each.uuid}" for each in fleet if each.uuid in known]
    assert {each.status for each in seen.values() if isinstance(each, Instance)} == {
        row["status"].lower() for row in SERVERS[:3]
    }
    session.requested.clear()
    assert len(made.poll(fleet)) == len(SERVERS)
    assert session.requested == [LIST]


def test_an_instance_that_a_list_lacks_is_gone_only_if_nova_says_so_of_it_alone() -> None:
    rows = {f"GET compute /servers/{row['id']}": {"server": row} for row in SERVERS}
    lists = iter([SERVERS, SERVERS[1:], []])
    made, _session = of({LIST: lambda _query: {"servers": next(lists)}, **rows})
    fleet = made.list_instances(live=True, images=False)
    for _list in ("lacks a row", "is empty"):
        seen = made.poll(fleet)
        assert "missing" not in {each.status for each in seen.values() if isinstance(each, Instance)}
        assert len(seen) == len(SERVERS)


@pytest.mark.parametrize("count", [1, 5])
def test_an_instance_that_is_gone_is_seen_to_be_gone(count: int) -> None:
    made, _session = of({LIST: {"servers": []}})
    gone = [an_instance(f"vm-{number}") for number in range(count)]
    assert {each.status for each in made.poll(gone).values() if isinstance(each, Instance)} == {"missing"}


@pytest.mark.parametrize("count", [1, 5])
def test_a_poll_that_fails_is_reported_for_each_and_a_refused_login_ends_the_run(count: int) -> None:
    fleet = [an_instance(f"vm-{number}") for number in range(count)]
    fault = Response(500, {"computeFault": {"message": "oops"}}, True, "application/json", None, None)
    made, _session = of({LIST: fault, **{f"GET compute /servers/{each.uuid}": fault for each in fleet}})
    assert {type(each) for each in made.poll(fleet).values()} == {ServerFault}
    refused = refusal("no token")
    made, _session = of({LIST: refused, **{f"GET compute /servers/{each.uuid}": refused for each in fleet}})
    with pytest.raises(AuthenticationFailed):
        made.poll(fleet)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (Action.START, {"os-start": None}),
        (Action.STOP, {"os-stop": None}),
        (Action.SUSPEND, {"suspend": None}),
        (Action.RESUME, {"resume": None}),
        (Action.SHELVE, {"shelve": None}),
        (Action.UNSHELVE, {"unshelve": None}),
        (Action.UNPAUSE, {"unpause": None}),
        (Action.REBOOT, {"reboot": {"type": "SOFT"}}),
        (Action.HARD_REBOOT, {"reboot": {"type": "HARD"}}),
    ],
)
def test_an_action_is_sent_as_nova_calls_it(action: Action, body: Any) -> None:
    instance = an_instance()
    made, session = of({f"POST compute /servers/{instance.uuid}/action": lambda _query: ACCEPTED})
    made.act(instance, action)
    assert session.sent == [body]


@pytest.mark.parametrize(("reason", "lock"), [("thesis", {"locked_reason": "thesis"}), (None, None)])
def test_a_locked_instance_is_unlocked_for_an_action_and_locked_again(reason: str | None, lock: Any) -> None:
    instance = an_instance(locked=True, lock_reason=reason)
    path = f"POST compute /servers/{instance.uuid}/action"
    made, session = of({path: lambda _query: ACCEPTED})
    made.act(instance, Action.STOP)
    assert session.sent == [{"unlock": None}, {"os-stop": None}, {"lock": lock}]
    # Also where the action itself is refused.
    made, session = of({path: lambda _query: ACCEPTED, f"{path} os-stop": refusal("conflict")})
    with pytest.raises(Conflict):
        made.act(instance, Action.STOP)
    assert [next(iter(each)) for each in session.sent] == ["unlock", "os-stop", "lock"]
    # A lock of the site is not lifted, and nothing else is tried.
    made, session = of({f"{path} unlock": refusal("unlock refused")})
    with pytest.raises(PermissionDenied):
        made.act(instance, Action.STOP)
    assert [next(iter(each)) for each in session.sent] == ["unlock"]


def test_one_key_of_metadata_is_written_by_a_request_of_its_own() -> None:
    instance = an_instance()
    path = f"compute /servers/{instance.uuid}/metadata/jetstream_keep_until"
    gone = Response(204, None, False, "", None, None)
    made, session = of({f"PUT {path}": {"meta": {"jetstream_keep_until": "2026-12-24"}}, f"DELETE {path}": gone})
    made.set_metadata(instance, "jetstream_keep_until", "2026-12-24")
    made.set_metadata(instance, "jetstream_keep_until", None)
    assert session.requested == [f"PUT {path} meta", f"DELETE {path}"]
    assert session.sent == [{"meta": {"jetstream_keep_until": "2026-12-24"}}]
    # A key that another user has removed is removed. A refusal is none of that.
    made, _session = of({})
    made.set_metadata(instance, "jetstream_keep_until", None)
    made, _session = of({f"PUT {path} meta": refusal("conflict"), f"DELETE {path}": refusal("conflict")})
    for value in ("2026-12-24", None):
        with pytest.raises(Conflict):
            made.set_metadata(instance, "jetstream_keep_until", value)


def test_consoles_are_read_one_by_one_and_one_that_cannot_be_read_is_left_out() -> None:
    seen, shelved, odd = (an_instance(name) for name in ("seen", "shelved", "odd"))
    paths = [f"POST compute /servers/{each.uuid}/action" for each in (seen, shelved, odd)]
    made, session = of({paths[0]: {"output": "a line\n"}, paths[1]: refusal("conflict"), paths[2]: {"output": [1]}})
    assert made.console_outputs([seen, shelved, odd], 320) == {seen.uuid: "a line\n"}
    assert session.sent == [{"os-getConsoleOutput": {"length": 320}}] * 3
    made, _session = of({paths[0]: AuthenticationFailed("no")})
    with pytest.raises(AuthenticationFailed):
        made.console_outputs([seen], 320)


@pytest.mark.parametrize(
    ("refusal", "instance"),
    [
        (None, an_instance()),
        (None, an_instance(status="shutoff")),
        ("it is locked", an_instance(locked=True)),
        ("the cloud is changing it (shelving)", an_instance(activity="shelving")),
        ("it is shelved_offloaded", an_instance(status="shelved_offloaded")),
        ("it is error", an_instance(status="error")),
    ],
)
def test_metadata_is_not_changed_where_nova_would_refuse_it(refusal: str | None, instance: Instance) -> None:
    made, _session = of({})
    assert made.metadata_refusal(instance) == refusal


def test_an_action_that_a_flavor_or_a_lost_host_forbids_is_unsupported() -> None:
    made, _session = of({})
    assert made.unsupported_actions(an_instance()) == {}
    for name in ("g3.small", "g4.xl", "g5.4xl", "r3.large"):
        large = an_instance(flavor=Flavor(name=name, vcpus=4))
        assert made.unsupported_actions(large) == {Action.SUSPEND: f"its flavor {name} cannot be suspended"}
    of_nova = {row["name"]: row for row in SERVERS}
    listed, _session = of({LIST: {"servers": list(of_nova.values())}})
    fleet = {each.name: each for each in listed.list_instances(live=True, images=False)}
    assert list(made.unsupported_actions(fleet["node-3"])) == [Action.UNSHELVE]
    # Once it is offloaded, it need not be on any host.
    assert made.unsupported_actions(fleet["node-2"]) == {}


def test_why_an_action_failed_is_reported_as_far_as_the_cloud_reports_it() -> None:
    told = recorded("actions")
    [row] = [each for each in SERVERS if each["name"] == "broken"]
    instance = an_instance()
    path = f"GET compute /servers/{instance.uuid}/os-instance-actions"
    number = told["failed action"]["instanceAction"]["request_id"]
    assert row["status"] == "SHELVED_OFFLOADED"

    def failure_reason(latest: Any, detail: Any) -> str | None:
        made, _session = of({path: latest, f"{path}/{number}": detail})
        return made.failure_reason(instance)

    failed = told["actions of broken"]
    assert failure_reason(failed, told["failed action"]) == (
        f"it failed in compute_unshelve_instance. The site can look up {number}"
    )
    assert failure_reason(failed, told["failed action, as the site sees it"]) == "no space left on device"
    full = told["failed action"]
    full["instanceAction"]["events"] = [{"event": "schedule_instances", "result": "Error"}]
    assert failure_reason(failed, full) == f"no host had room for it. The site can look up {number}"
    # The last action went well, or its result is not known: there is no reason then.
    assert failure_reason(told["actions of doomed"], None) is None
    assert failure_reason({"instanceActions": []}, None) is None
    assert failure_reason(None, None) is None


def test_history_requests_instances_deleted_since() -> None:
    [deleted] = recorded("deleted_servers")["servers"]
    requested: list[Any] = []

    def listed(query: Mapping[str, list[str]]) -> Any:
        requested.append(query.get("changes-since"))
        # A list of changes has instances that still exist, too.
        return {"servers": [deleted, SERVERS[-1]] if "changes-since" in query else [SERVERS[-1]]}

    actions = recorded("actions")["actions of doomed"]
    made, _session = of(
        {
            LIST: listed,
            f"GET compute /servers/{deleted['id']}/os-instance-actions": actions,
            f"GET compute /servers/{SERVERS[-1]['id']}/os-instance-actions": {"instanceActions": []},
        }
    )
    periods = made.list_history(datetime(2026, 11, 1, 3, tzinfo=UTC))
    assert requested == [None, ["2026-11-01T03:00:00Z"]]
    assert [(each.instance_name, each.status) for each in periods] == [
        ("web", "active"),
        ("doomed", "active"),
        ("doomed", "shutoff"),
    ]
    made.list_history()
    assert requested[-1] == ["1970-01-01T00:00:00Z"]


def test_history_since_a_time_requests_only_actions_on_servers_that_changed_since() -> None:
    quiet = {**SERVERS[-1], "updated": "2026-10-31T00:00:00Z"}
    passing = {**quiet, "id": "resizing", "status": "VERIFY_RESIZE"}
    no_actions: dict[str, Any] = {"instanceActions": []}
    made, session = of(
        {
            LIST: lambda query: {"servers": [] if "changes-since" in query else [quiet, passing]},
            f"GET compute /servers/{passing['id']}/os-instance-actions": no_actions,
            f"GET compute /servers/{quiet['id']}/os-instance-actions": no_actions,
        }
    )
    [period] = made.list_history(datetime(2026, 11, 1, tzinfo=UTC))
    assert (period.status, period.start, period.end) == ("active", datetime(2026, 10, 31, tzinfo=UTC), None)
    assert session.requested == [LIST, LIST, f"GET compute /servers/{passing['id']}/os-instance-actions"]
    made.list_history()
    assert f"GET compute /servers/{quiet['id']}/os-instance-actions" in session.requested


def test_a_report_lists_servers_once() -> None:
    volumes = {"volumes": recorded("volumes")["volumes"]}
    made, session = of(
        {
            LIST: lambda query: {"servers": [] if "changes-since" in query else [SERVERS[-1]]},
            "GET volumev3 /volumes/detail": volumes,
            f"GET compute /servers/{SERVERS[-1]['id']}/os-instance-actions": {"instanceActions": []},
        }
    )
    made.list_instances(live=True, images=False)
    made.list_history(datetime(2026, 1, 1, tzinfo=UTC))
    made.list_volumes(live=True)
    assert [each for each in session.requested if each == LIST] == [LIST, LIST]


def test_names_which_account_it_is() -> None:
    made, _session = of({})
    account = made.account()
    assert (account.project, account.user) == ("TG-DEMO001", "demo")
    assert (account.site, account.cloud) == ("js2.jetstream-cloud.org:5000", "IU")


def test_a_cloud_without_accounting_has_no_allocations() -> None:
    made, session = of({})
    assert made.list_allocation_sources() == []
    assert session.requested == []
    made, _session = of({"GET accounting /": lambda _query: recorded("allocations")})
    assert len(made.list_allocation_sources()) == 2
    made, _session = of({"GET accounting /": {"detail": "none"}})
    with pytest.raises(UnexpectedResponse):
        made.list_allocation_sources()


def test_volumes_ask_for_names_of_servers_only_where_something_is_attached() -> None:
    rows = recorded("volumes")["volumes"]
    path = "GET volumev3 /volumes/detail"
    names = {"servers": [{"id": each["id"], "name": each["name"]} for each in SERVERS]}
    made, session = of({path: {"volumes": rows}, "GET compute /servers": names})
    assert [each.attachments[0].instance_name for each in made.list_volumes(live=True) if each.attachments] == [
        "on-volume",
        "web",
    ]
    assert session.requested == [path, "GET compute /servers"]
    made, session = of({path: {"volumes": [each for each in rows if not each["attachments"]]}})
    assert [each.name for each in made.list_volumes(live=True)] == ["spare"]
    assert session.requested == [path]
    # Cinder refuses what names a version of nova's.
    assert session.versions == [None]


# --- parts that cannot be read ---------------------------------------------------------------------------------------

DOWN = Response(503, {"error": {"message": "no backend"}}, True, "application/json", None, None)


def test_without_glance_the_list_is_there_and_the_names_of_images_are_missing() -> None:
    made, _session = of({LIST: {"servers": SERVERS}, "GET image /v2/images": DOWN})
    found = made.list_instances(live=True)
    assert len(found) == len(SERVERS)
    assert {each.image.name == each.image.uuid for each in found if each.image} == {True}
    [warning] = made.take_warnings()
    assert warning.startswith("Listing images failed in the cloud")
    assert warning.endswith("The names of images are missing.")


def test_names_of_images_are_requested_where_the_instance_is_selected() -> None:
    made, session = of({LIST: {"servers": SERVERS}, "GET image /v2/images": recorded("images")})
    found = made.list_instances(live=True, wanted=lambda each: each.name == "on-volume")
    assert session.requested == [LIST]
    assert len(found) == len(SERVERS)


def test_without_nova_volumes_are_there_and_the_names_of_servers_are_missing() -> None:
    rows = recorded("volumes")["volumes"]
    made, _session = of({"GET volumev3 /volumes/detail": {"volumes": rows}, "GET compute /servers": DOWN})
    volumes = made.list_volumes(live=True)
    assert len(volumes) == len(rows)
    assert {place.instance_name for each in volumes for place in each.attachments} == {None}
    [warning] = made.take_warnings()
    assert warning.endswith("The names of the instances that volumes are attached to are missing.")


def test_a_malformed_server_is_a_warning_and_does_not_count_as_missing() -> None:
    odd = {**SERVERS[0], "id": [SERVERS[0]["id"]]}
    rows = {f"GET compute /servers/{row['id']}": {"server": row} for row in SERVERS}
    made, session = of({LIST: {"servers": [odd, *SERVERS[1:]]}, **rows})
    whole, _unused = of({LIST: {"servers": SERVERS}})
    fleet = whole.list_instances(live=True, images=False)
    assert len(made.list_instances(live=True, images=False)) == len(SERVERS) - 1
    assert made.take_warnings() == (
        f"Listing instances: skipped a row that cannot be parsed: {SERVERS[0]['name']}: id is a list.",
    )
    session.requested.clear()
    seen = made.poll(fleet)
    assert {each.uuid: each.status for each in seen.values() if isinstance(each, Instance)} == {
        each.uuid: each.status for each in fleet
    }
    assert session.requested == [LIST, f"GET compute /servers/{SERVERS[0]['id']}"]


def test_a_list_whose_pages_do_not_end_is_an_error() -> None:
    body = {"servers": SERVERS[:2], "servers_links": [{"rel": "next", "href": "..."}]}
    made, _session = of({LIST: lambda _query: body})
    with pytest.raises(UnexpectedResponse) as raised:
        made.list_instances(live=True, images=False)
    assert str(raised.value) == "Listing instances failed: the list has no last page."


# --- history ---------------------------------------------------------------------------------------------------------


def actions_of(row: Mapping[str, Any]) -> str:
    return f"GET compute /servers/{row['id']}/os-instance-actions"


def test_all_pages_of_the_actions_on_a_server_count() -> None:
    told = recorded("actions")["actions of doomed"]["instanceActions"]
    [deleted] = recorded("deleted_servers")["servers"]
    markers: list[str] = []

    def page(query: Mapping[str, list[str]]) -> Any:
        [marker] = query.get("marker", [""])
        markers.append(marker)
        at = 0 if not marker else 1 + [each["request_id"] for each in told].index(marker)
        more = {"links": [{"rel": "next", "href": "..."}]} if at + 1 < len(told) else {}
        return {"instanceActions": told[at : at + 1], **more}

    whole, _session = of({LIST: {"servers": [deleted]}, actions_of(deleted): {"instanceActions": told}})
    paged, _session = of({LIST: {"servers": [deleted]}, actions_of(deleted): page})
    assert paged.list_history() == whole.list_history()
    assert markers == ["", *(each["request_id"] for each in told[:-1])]


def test_only_the_actions_of_selected_servers_are_requested() -> None:
    [web] = [each for each in SERVERS if each["name"] == "web"]
    made, session = of({LIST: {"servers": SERVERS}, actions_of(web): {"instanceActions": []}})
    periods = made.list_history(wanted=lambda each: each.name == "web")
    assert {each.instance_name for each in periods} == {"web"}
    assert session.requested == [LIST, LIST, actions_of(web)]


@pytest.mark.parametrize(
    "answer", [DOWN, {"instanceActions": "none"}, {"instanceActions": [{"action": "stop", "start_time": "soon"}]}]
)
def test_a_server_whose_actions_cannot_be_read_is_left_out_with_a_warning(answer: Any) -> None:
    first, second = SERVERS[:2]
    made, _session = of(
        {LIST: {"servers": [first, second]}, actions_of(first): answer, actions_of(second): {"instanceActions": []}}
    )
    assert {each.instance_name for each in made.list_history()} == {second["name"]}
    [warning] = made.take_warnings()
    assert warning.startswith(f"Reading the actions on {first['name']}")
    assert warning.endswith("Its history is missing.")
