# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of launches, and the objects made from responses."""

from __future__ import annotations

import base64
import math
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.launcher import (
    Jetstream2Launcher,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Account
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.responses import error_from
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    Conflict,
    JetstreamError,
    OverAllocation,
    SelectionError,
    ServerFault,
    UnexpectedResponse,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AssignedAddress,
    Change,
    ChangeKind,
    Instance,
    Launch,
    LaunchOptions,
    UnattachedAddress,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded

ACCOUNT = Account("me", "demo", "project", "TG-DEMO001", "IU")
IMAGE: dict[str, Any] = {"id": "image-1", "name": "Ubuntu", "visibility": "public", "owner": "site", "status": "active"}
NETWORKS: list[dict[str, Any]] = [
    {"id": "net-1", "name": "auto_allocated_network", "status": "ACTIVE", "tenant_id": "project"},
    {"id": "net-2", "name": "public", "router:external": True},
]
FLAVOR = {"id": "1", "name": "m3.tiny", "vcpus": 1, "ram": 3072, "disk": 20}
LOOKUPS: Mapping[str, Any] = {
    "GET image /v2/images": {"images": [IMAGE]},
    "GET compute /flavors/detail": {"flavors": [FLAVOR]},
    "GET network /v2.0/networks": {"networks": NETWORKS},
    "GET compute /limits": {},
    "GET network /v2.0/quotas/project/details.json": {},
    "GET compute /os-keypairs": {"keypairs": [{"keypair": {"name": "mine"}}]},
    "GET network /v2.0/security-groups": {"security_groups": [{"id": "sg-1", "name": "ssh"}]},
}
SMALL = LaunchOptions(image="Ubuntu", flavor="m3.tiny")


def refused(status: int, body: Any) -> Response:
    return Response(status, body, True, "application/json", None, None)


class Session:
    """Responds to each address by a script: with a body, a Response, an error, or a list of these in turn."""

    deadline = math.inf

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = {key: list(value) if isinstance(value, list) else value for key, value in answers.items()}
        self._lock = threading.Lock()
        self.requested: list[str] = []
        self.sent: list[Any] = []
        self.queries: list[dict[str, list[str]]] = []
        self.once: list[str] = []

    def request(
        self,
        method: str,
        service: str,
        path: str,
        *,
        data: Any = None,
        microversion: str | None = None,
        once: bool = False,
    ) -> Response:
        parts = urlsplit(path)
        name = f"{method} {service} {parts.path}"
        with self._lock:
            self.requested.append(name)
            self.queries.append(parse_qs(parts.query))
            if data is not None:
                self.sent.append(data)
            if once:
                self.once.append(name)
            found = self._answers.get(name)
            if isinstance(found, list):
                found = found.pop(0)
        if isinstance(found, BaseException):
            raise found
        if isinstance(found, Response):
            return found
        status = 404 if found is None else 204 if method == "DELETE" else 200
        return Response(status, found or {}, True, "application/json", None, None)


def of(answers: Mapping[str, Any]) -> tuple[Jetstream2Launcher, Session]:
    session = Session(answers)
    return Jetstream2Launcher(session, ACCOUNT, FakeClock(), max_concurrency=1), session  # type: ignore[arg-type]


def test_a_launch_carries_all_of_its_marks_and_is_sent_once() -> None:
    made, session = of({**LOOKUPS, "POST compute /servers": {"server": {"id": "server-1", "adminPass": "secret"}}})
    options = LaunchOptions(
        image="Ubuntu",
        flavor="m3.tiny",
        key_name="mine",
        security_groups=("ssh",),
        user_data="#cloud-config\n",
        metadata={"course": "geo"},
        description="A test.",
        floating_ip="auto",
    )
    recipe = made.prepare(options, 1)
    # One list of each, and the quotas.
    assert sorted(session.requested) == sorted(LOOKUPS)
    instance = made.launch(recipe, Launch("node-1", "node-{number}", "t0ken"))
    assert (instance.uuid, instance.status, instance.facts.token) == ("server-1", "build", "t0ken")
    assert session.sent == [
        {
            "server": {
                "name": "node-1",
                "imageRef": "image-1",
                "flavorRef": "1",
                "networks": [{"uuid": "net-1"}],
                "key_name": "mine",
                "security_groups": [{"name": "sg-1"}],
                "user_data": "I2Nsb3VkLWNvbmZpZwo=",
                "description": "A test.",
                "tags": ["jetstream.cloud-t0ken"],
                "metadata": {
                    "course": "geo",
                    "exoServerVersion": "6",
                    "exoCreatorUsername": "demo",
                    "exoFloatingIpOption": "doNotUseFloatingIp",
                    "jetstream_cloud_group": "node-{number}",
                    "jetstream_cloud_image": "Ubuntu",
                },
            }
        }
    ]
    assert session.once == ["POST compute /servers"]


def test_a_key_that_is_to_be_imported_is_not_looked_for_among_those_that_are_there() -> None:
    made, session = of(LOOKUPS)
    options = LaunchOptions(image="Ubuntu", flavor="m3.tiny", key_name="new", public_key="ssh-ed25519 AAAA me")
    assert made.prepare(options, 1).body["key_name"] == "new"
    assert "GET compute /os-keypairs" not in session.requested


@pytest.mark.parametrize(("size", "is_refused"), [(49149, False), (49152, True)])
def test_more_user_data_than_nova_takes_is_refused_before_anything_is_sent(size: int, is_refused: bool) -> None:
    """Three bytes are four characters of base64, of which nova takes 65535."""
    made, session = of({})
    options = LaunchOptions(user_data="x" * size)
    if is_refused:
        with pytest.raises(
            SelectionError, match="user_data: it has 65536 characters in base64, and the maximum of Nova is 65535"
        ):
            made.check(options)
    else:
        made.check(options)
    assert session.requested == []


def test_user_data_of_one_instance_comes_before_that_of_all_and_is_in_no_other_launch() -> None:
    made, session = of({**LOOKUPS, "POST compute /servers": {"server": {"id": "server-1"}}})
    options = LaunchOptions(
        image="Ubuntu", flavor="m3.tiny", user_data="all", user_data_by_name={"alice": "hers", "bob": "his"}
    )
    recipe = made.prepare(options, 3)
    for name in ("alice", "bob", "carol"):
        made.launch(recipe, Launch(name, name, "t"))
    sent = [base64.b64decode(each["server"]["user_data"]).decode() for each in session.sent]
    assert sent == ["hers", "his", "all"]


def test_user_data_of_one_instance_that_is_too_long_is_refused_before_anything_is_launched() -> None:
    made, session = of({})
    options = LaunchOptions(user_data_by_name={"alice": "", "bob": "x" * 60000})
    with pytest.raises(SelectionError, match="user_data_by_name of bob: it has 80000 characters"):
        made.check(options)
    assert session.requested == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metadata": {"jetstream_cloud_group": "other"}}, "is a mark of this collection"),
        ({"metadata": {"jetstream_cloud_image": "other"}}, "is a mark of this collection"),
        ({"metadata": {"": "x"}}, "is not a valid key"),
        ({"metadata": {"k" * 256: "x"}}, "is not a valid key"),
        ({"metadata": {"größe": "x"}}, "größe is not a valid key"),
        ({"metadata": {"course": "x" * 256}}, "the value of course is too long"),
        ({"description": "x" * 256}, "description: it is too long"),
    ],
)
def test_metadata_and_a_description_that_nova_refuses_are_refused_before_anything_is_sent(
    options: dict[str, Any], said: str
) -> None:
    made, session = of({})
    with pytest.raises(SelectionError, match=said):
        made.check(LaunchOptions(**options))
    made.check(LaunchOptions(metadata={"a key_1:x.y-z": "größe \u2603", "k" * 255: "x" * 255}, description="x" * 255))
    assert session.requested == []


def test_exosphere_can_be_left_out_and_no_mark_of_ours_can_be_overwritten() -> None:
    made, session = of({**LOOKUPS, "POST compute /servers": {"server": {"id": "server-1"}}})
    metadata = {"jetstream_cloud_group": "other"}
    recipe = made.prepare(LaunchOptions(image="Ubuntu", flavor="m3.tiny", metadata=metadata, exosphere=False), 1)
    made.launch(recipe, Launch("web", "web", "t"))
    marks = {"jetstream_cloud_group": "web", "jetstream_cloud_image": "Ubuntu"}
    assert session.sent[-1]["server"]["metadata"] == marks


def test_a_project_without_a_network_gets_the_automatic_one_only_for_a_launch() -> None:
    topology = {"auto_allocated_topology": {"id": "net-9"}}
    answers = {**LOOKUPS, "GET network /v2.0/networks": {"networks": NETWORKS[1:]}}
    launched = {"server": {"id": "server-1", "adminPass": "secret"}}
    making = "GET network /v2.0/auto-allocated-topology/project"
    made, session = of({**answers, making: topology, "POST compute /servers": launched})
    recipe = made.prepare(SMALL, 2)
    # A check run may send this: it makes nothing.
    assert (session.requested[-1], session.queries[-1]) == (making, {"fields": ["dry-run"]})
    for name in ("web", "db"):
        made.launch(recipe, Launch(name, name, "token"))
        assert session.sent[-1]["server"]["networks"] == [{"uuid": "net-9"}]
    asked = [query for name, query in zip(session.requested, session.queries, strict=True) if name == making]
    assert asked == [{"fields": ["dry-run"]}, {}]


def server(number: int, token: str) -> dict[str, Any]:
    row = dict(recorded("servers")["servers"][0])
    return row | {
        "id": f"server-{number}",
        "name": f"node-{number}",
        "tags": [f"jetstream.cloud-{token}", "exoPw:secret"],
    }


def test_launches_are_found_by_their_tags_also_where_the_filter_is_ignored() -> None:
    listed = {"servers": [server(1, "a"), server(2, "other"), {"name": "no id"}]}
    made, session = of({"GET compute /servers/detail": listed})
    found = made.find([Launch("node-1", "node", "a"), Launch("node-2", "node", "b")])
    assert {token: each.uuid for token, each in found.items()} == {"a": "server-1"}
    assert session.queries[0]["tags-any"] == ["jetstream.cloud-a,jetstream.cloud-b"]
    # A tag of Exosphere is a passphrase.
    assert "secret" not in repr(found)


PORTS = {"ports": [{"id": "port-1", "device_id": "server-1", "fixed_ips": [{"ip_address": "10.3.0.5"}]}]}
POST_IP, LIST_IPS = "POST network /v2.0/floatingips", "GET network /v2.0/floatingips"
ADDRESSES: Mapping[str, Any] = {"GET network /v2.0/networks": {"networks": NETWORKS}, "GET network /v2.0/ports": PORTS}
MADE = {"id": "fip-1", "floating_ip_address": "149.165.0.1", "port_id": "port-1"}
NONE: dict[str, Any] = {"floatingips": []}


def assigned(answers: Mapping[str, Any], floating_ip: str = "auto") -> tuple[AssignedAddress | JetstreamError, Session]:
    made, session = of({**ADDRESSES, **answers})
    web = an_instance("web")
    instance = Instance(**{name: getattr(web, name) for name in web.__slots__} | {"uuid": "server-1", "id": "server-1"})
    options = LaunchOptions(floating_ip=floating_ip)
    return made.assign_addresses(options, [instance])["server-1"], session


def test_floating_ips_without_a_port_are_those_that_are_attached_to_nothing() -> None:
    rows = [
        {"id": "a", "floating_ip_address": "149.165.156.15", "port_id": None, "created_at": "2026-11-20T12:00:00Z"},
        {"id": "b", "floating_ip_address": "149.165.156.16", "port_id": "port-1", "project_id": "project"},
        # A neutron that ignored whose they are would list it.
        {"id": "c", "floating_ip_address": "149.165.156.17", "port_id": None, "project_id": "another"},
    ]
    launcher, session = of({"GET network /v2.0/floatingips": {"floatingips": rows}})
    assert launcher.unattached_addresses() == [
        UnattachedAddress("a", "149.165.156.15", "openstack floating ip delete a", "2026-11-20T12:00:00Z")
    ]
    assert session.requested == ["GET network /v2.0/floatingips"]


def test_a_floating_ip_is_made_at_its_port_in_one_request() -> None:
    found, session = assigned({LIST_IPS: NONE, POST_IP: {"floatingip": MADE}})
    assert found == AssignedAddress("149.165.0.1", is_new=True)
    wanted = {"floating_network_id": "net-2", "port_id": "port-1", "description": "jetstream.cloud: made for server-1"}
    assert session.sent == [{"floatingip": wanted}]
    assert session.once == [POST_IP]


@pytest.mark.parametrize("status", [500, 502, 504, 409])
def test_an_unclear_answer_is_followed_by_a_look_and_no_second_address_is_made(status: int) -> None:
    """Jetstream2 answers 500 for addresses that it has attached, and 409 to the second try."""
    found, session = assigned(
        {LIST_IPS: [NONE, {"floatingips": [MADE]}], POST_IP: refused(status, {"e": {"message": "x"}})}
    )
    assert found == AssignedAddress("149.165.0.1", is_new=True)
    assert session.requested.count(POST_IP) == 1


def test_an_address_that_was_not_made_is_tried_again_a_few_times() -> None:
    fault = refused(500, {"NeutronError": {"message": "oops"}})
    found, session = assigned({LIST_IPS: NONE, POST_IP: [fault, {"floatingip": MADE}]})
    assert found == AssignedAddress("149.165.0.1", is_new=True)
    found, session = assigned({LIST_IPS: NONE, POST_IP: fault})
    assert isinstance(found, ServerFault)
    assert session.requested.count(POST_IP) == 3


def test_a_quota_of_addresses_that_is_used_up_is_not_tried_again() -> None:
    body = {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['floatingip']."}}
    found, session = assigned({LIST_IPS: NONE, POST_IP: refused(409, body)})
    assert isinstance(found, OverAllocation)
    assert session.requested.count(POST_IP) == 1


def test_an_address_that_is_there_is_kept_and_a_spare_one_of_its_own_is_used() -> None:
    found, session = assigned({LIST_IPS: {"floatingips": [MADE]}})
    assert (found, session.sent) == (AssignedAddress("149.165.0.1", is_new=False), [])
    spare = MADE | {"port_id": None, "description": "jetstream.cloud: made for server-1"}
    found, session = assigned(
        {LIST_IPS: {"floatingips": [spare]}, "PUT network /v2.0/floatingips/fip-1": {"floatingip": MADE}}
    )
    assert (found, session.sent) == (
        AssignedAddress("149.165.0.1", is_new=True),
        [{"floatingip": {"port_id": "port-1"}}],
    )


def test_an_address_of_another_instance_is_not_taken() -> None:
    other = MADE | {"port_id": "port-9"}
    found, session = assigned({LIST_IPS: {"floatingips": [other]}}, "149.165.0.1")
    assert isinstance(found, JetstreamError)
    assert session.sent == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"forbidden": {"message": "Quota exceeded for cores, ram: Requested 8, but already used 2 of 4 cores"}}),
        (403, {"forbidden": {"message": "Project x is over a limit for [Resource class:VCPU is over limit of 4]"}}),
        (413, {"overLimit": {"message": "VolumeSizeExceedsAvailableQuota: Requested volume exceeds gigabytes quota"}}),
        (409, {"NeutronError": {"message": "Quota exceeded for resources: ['floatingip']."}}),
    ],
)
def test_the_four_forms_of_a_quota_error_are_recognized_by_their_text(status: int, body: Any) -> None:
    assert isinstance(error_from(refused(status, body), "Launch of web"), OverAllocation)


def test_another_conflict_is_none() -> None:
    body = {"conflictingRequest": {"message": "Multiple possible networks found"}}
    assert isinstance(error_from(refused(409, body), "Launch of web"), Conflict)


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("GET image /v2/images", {"images": [{**IMAGE, "id": None}]}),
        ("GET network /v2.0/networks", {"networks": [{**NETWORKS[0], "id": "../x"}]}),
    ],
)
def test_rows_without_an_id_are_an_error_of_the_cloud(key: str, body: Any) -> None:
    made, _session = of({**LOOKUPS, key: body})
    with pytest.raises(UnexpectedResponse):
        made.prepare(SMALL, 1)


@pytest.mark.parametrize(
    ("status", "activity", "kind", "is_refused"),
    [
        ("active", "", ChangeKind.METADATA, False),
        ("shelved_offloaded", "", ChangeKind.METADATA, True),
        ("error", "", ChangeKind.METADATA, True),
        ("active", "powering-off", ChangeKind.METADATA, True),
        ("shelved_offloaded", "", ChangeKind.NAME, False),
        ("suspended", "", ChangeKind.FLAVOR, True),
    ],
)
def test_a_change_that_nova_would_refuse_is_foreseen(
    status: str, activity: str, kind: ChangeKind, is_refused: bool
) -> None:
    made, _session = of(LOOKUPS)
    refusal = made.change_refusal(an_instance("web", status, activity), Change(kind, "a", "b"))
    assert (refusal is not None) == is_refused


@pytest.mark.parametrize(
    ("flavor", "is_refused"), [("g3.xl", True), ("g4.2xl", True), ("g5.xl", True), ("g3.large", False)]
)
def test_flavors_with_whole_gpus_are_not_resized(flavor: str, is_refused: bool) -> None:
    listed = {"flavors": [FLAVOR, {"id": "2", "name": flavor, "disk": 60}]}
    made, _session = of({**LOOKUPS, "GET compute /flavors/detail": listed})
    refusal = made.change_refusal(an_instance("web"), Change(ChangeKind.FLAVOR, "m1.small", flavor))
    assert (refusal is not None) == is_refused
