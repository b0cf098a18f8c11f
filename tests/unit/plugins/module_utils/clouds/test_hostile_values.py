# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With any value of a cloud, the objects made of its rows have the declared types, and can be written.

Rows are those that real clouds answered with. In each, every value in turn, at any depth, is another one.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere import (
    catalog as atmosphere_catalog,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere import parsing as atmosphere
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.projects import (
    project_from_v2,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.quotas import limits_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import (
    catalog as jetstream2_catalog,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import parsing as jetstream2
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.access_store import (
    group_from_neutron,
    key_from_nova,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Account
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.json_values import UnreadableRow
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.row_lists import Reading
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text.terminal import REPLACEMENT
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded
from ansible_collections.jetstream.cloud.tests.unit.simulator.recorded import section

ACCOUNT = Account("0" * 32, "demo", "1" * 32, "TG-DEMO001", "IU")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MISSING = object()


def nested(depth: int) -> Any:
    value: Any = []
    for _level in range(depth):
        value = [value]
    return value


HOSTILE: Mapping[str, Any] = {
    "missing": MISSING,
    "null": None,
    "true": True,
    "empty text": "",
    "text": "web",
    "number as text": "2",
    "lone surrogate": "w\ud800b",
    "null character": "w\0b",
    "path": "../../../admin",
    "long text": "x" * 100_000,
    "negative": -1,
    "fraction": 2.5,
    "nan": float("nan"),
    "infinity": float("inf"),
    "huge": 10**400,
    "huge fraction": 1e308,
    "empty list": [],
    "list": ["web", 2],
    "list of null": [None],
    "nested list": nested(900),
    "empty object": {},
    "object": {"name": "web", "uuid": ["x"], "id": {}},
    "object of surrogates": {"\udfff": "\ud800"},
    "date of a year": "0001-01-01T00:00:00+14:00",
    "last date": "9999-12-31T23:59:59-14:00",
    "date without zone": "2026-11-24T12:00:00",
    "US date": "11/24/2026",
}


def exchange(name: str, number: int) -> Any:
    return next(each.answer.body for each in section(name) if each.number == number)


def _live(row: Any) -> Any:
    return atmosphere.with_live_state(atmosphere.instance_from_v2(INSTANCE), row)


def _attached(row: Any) -> Any:
    return atmosphere.with_attachment(atmosphere.volume_from_v2(VOLUME), row, {})


def _history(row: Any) -> Any:
    server = jetstream2.instance_from_nova(SERVER, ACCOUNT)
    return jetstream2.periods_from_actions(server, SERVER, [row])


def _limits(row: Any) -> Any:
    quota, limits = atmosphere_catalog.quota_from_v2(row)
    return [quota, *limits_of(limits, {}).values()]


INSTANCE = exchange("instance-lists", 38)["results"][0]
VOLUME = exchange("v2-resources", 96)["results"][0]
SERVER = next(each for each in recorded("servers")["servers"] if each["name"] == "web")
ID = "1d355b5f-4f28-40a1-91c6-33f7111af908"
PROVIDER = exchange("v2-resources", 103)["results"][0]["provider"]
MAINTENANCE = {
    "id": 3,
    "url": "http://127.0.0.1:8899/api/v2/maintenance_records/3",
    "start_date": "2026-11-23T19:29:00Z",
    "end_date": None,
    "title": "Scheduled maintenance",
    "message": "Jetstream is down for maintenance until 5pm",
    "provider": PROVIDER,
    "disable_login": True,
}
# Rows as neutron answers with them, without what is not read.
NETWORK = {
    "id": ID,
    "name": "auto_allocated_network",
    "status": "ACTIVE",
    "shared": False,
    "tenant_id": "1" * 32,
    "router:external": False,
    "mtu": 1442,
}
SUBNET = {"id": ID, "name": "v4", "network_id": ID, "cidr": "10.3.0.0/20", "ip_version": 4, "gateway_ip": "10.3.0.1"}
ROUTER = {
    "id": ID,
    "name": "auto_allocated_router",
    "status": "ACTIVE",
    "external_gateway_info": {"network_id": ID, "external_fixed_ips": [{"subnet_id": ID, "ip_address": "149.165.0.2"}]},
}
FLOATING_IP = {
    "id": ID,
    "floating_ip_address": "149.165.0.3",
    "status": "ACTIVE",
    "port_id": ID,
    "fixed_ip_address": "10.3.0.5",
    "floating_network_id": ID,
    "description": "",
    "port_details": {"device_id": ID, "device_owner": "compute:nova", "status": "ACTIVE"},
}
GROUP = {
    "id": ID,
    "name": "course",
    "description": "",
    "security_group_rules": [
        {
            "id": ID,
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": 22,
            "port_range_max": 22,
            "remote_ip_prefix": "0.0.0.0/0",
            "remote_group_id": None,
        }
    ],
}
ROWS: Mapping[str, tuple[Callable[[Any], Any], Any]] = {
    "v2 instance": (atmosphere.instance_from_v2, INSTANCE),
    "v1 instance": (_live, exchange("v1-reads", 182)[0]),
    "v2 volume": (atmosphere.volume_from_v2, VOLUME),
    "v1 volume": (_attached, exchange("v1-reads", 193)),
    "v2 allocation source": (atmosphere.allocation_source_from_v2, exchange("v2-resources", 104)["results"][0]),
    "v2 history": (atmosphere.period_from_v2, exchange("v2-resources", 106)["results"][0]),
    "v2 machine": (
        lambda row: atmosphere_catalog.machine_from_v2(row, "johndoe")[0],
        exchange("v2-resources", 103)["results"][0],
    ),
    "v2 size": (atmosphere_catalog.size_from_v2, exchange("v2-resources", 100)["results"][0]),
    "v2 quota": (_limits, exchange("v2-resources", 98)["results"][0]),
    "glance image": (lambda row: jetstream2_catalog.image_from_glance(row, ACCOUNT), recorded("images")["images"][0]),
    "flavor": (
        lambda row: jetstream2_catalog.flavor_from_nova(row, ACCOUNT),
        {"id": "1", "name": "m3.tiny", "vcpus": 1, "ram": 3072, "disk": 20},
    ),
    "v2 project": (
        project_from_v2,
        # Only the names of these are read.
        exchange("v2-resources", 142) | {"instances": [{"id": 2}], "volumes": []},
    ),
    "v2 identity": (
        lambda row: atmosphere_catalog.identity_from_v2(row, "johndoe"),
        exchange("v2-resources", 98)["results"][0],
    ),
    "v2 provider": (atmosphere_catalog.provider_from_v2, exchange("v2-resources", 99)["results"][0]),
    "v2 maintenance": (atmosphere_catalog.maintenance_from_v2, MAINTENANCE),
    "network": (lambda row: jetstream2_catalog.network_from_neutron(row, ACCOUNT.project_id), NETWORK),
    "subnet": (lambda row: jetstream2_catalog.subnet_from_neutron(row)[1], SUBNET),
    "router": (jetstream2_catalog.router_from_neutron, ROUTER),
    "floating IP": (lambda row: jetstream2_catalog.floating_ip_from_neutron(row, {}), FLOATING_IP),
    "key pair": (key_from_nova, {"name": "laptop", "public_key": "ssh-ed25519 AAAA", "fingerprint": "6f:1a"}),
    "security group": (group_from_neutron, GROUP),
    "server": (lambda row: jetstream2.instance_from_nova(row, ACCOUNT), SERVER),
    "server without details": (jetstream2.server_name, {"id": SERVER["id"], "name": "web"}),
    "image": (jetstream2.image_name, recorded("images")["images"][0]),
    "volume": (lambda row: jetstream2.volume_from_cinder(row, ACCOUNT), recorded("volumes")["volumes"][0]),
    "allocation": (
        lambda row: jetstream2.allocation_sources_from_accounting([row], ACCOUNT, NOW),
        recorded("allocations")[0],
    ),
    "action": (_history, recorded("actions")["actions of doomed"]["instanceActions"][0]),
}

# Something else than an object is kept from these.
OBJECTS = frozenset({"v1 instance", "v1 volume", "action"})


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where every value is, those of objects and lists inside of others, too."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _paths(each, (*path, key))
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from _paths(each, (*path, at))


def _with(row: Any, path: Sequence[Any], value: Any) -> Any:
    """Return a row with another value at a path."""
    if not path:
        return value
    changed = copy(row)
    if len(path) > 1:
        changed[path[0]] = _with(row[path[0]], path[1:], value)
    elif value is MISSING:
        del changed[path[0]]
    else:
        changed[path[0]] = value
    return changed


def _conforms(value: Any, hint: Any) -> bool:
    """Tell whether a value is of a declared type, with all that is in it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_conforms(value, each) for each in arguments)
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        return isinstance(value, typing.cast(type, hint)) and all(
            _conforms(getattr(value, each.name), hints[each.name]) for each in dataclasses.fields(hint)
        )
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        members = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return len(value) == len(members) and all(map(_conforms, value, members))
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            _conforms(key, arguments[0]) and _conforms(each, arguments[1]) for key, each in value.items()
        )
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is not datetime or value.tzinfo is not None)


def _check(made: Any) -> None:
    for each in made if isinstance(made, list) else [made]:
        if dataclasses.is_dataclass(each):
            assert _conforms(each, type(each)), each
        shown = each.to_result() if hasattr(each, "to_result") else str(each)
        json.dumps(shown, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", ROWS)
def test_a_row_with_a_hostile_value_is_read_or_refused_in_words(kind: str, value: Any) -> None:
    shape, row = ROWS[kind]
    _check(shape(row))
    for path in _paths(row):
        if path == () and kind in OBJECTS and not isinstance(value, dict):
            continue
        reading = Reading.of([_with(row, path, value)], shape)
        _check(reading.made)
        for sentence in reading.unreadable:
            assert len(sentence) < 300
            sentence.encode()


@pytest.mark.parametrize(
    ("given", "read", "flaw"),
    [
        ("41250.25", 41250.25, None),
        ("lots", None, "its SU used are unknown: 'lots' is not a number"),
        (float("nan"), None, "its SU used are unknown: nan is not a number"),
        ([7], None, "its SU used are unknown: a list is not a number"),
        (10**400, None, "its SU used are unknown: a huge number is not a number"),
    ],
)
def test_an_amount_that_is_none_is_not_known_and_reported(given: Any, read: float | None, flaw: str | None) -> None:
    row = ROWS["v2 allocation source"][1]
    of_v2 = atmosphere.allocation_source_from_v2({**row, "compute_used": given})
    row = ROWS["allocation"][1]
    [of_accounting] = jetstream2.allocation_sources_from_accounting(
        [{**row, "service_units_used": given}], ACCOUNT, NOW
    )
    for source in (of_v2, of_accounting):
        assert (source.compute_used, source.flaws) == (read, (flaw,) if flaw else ())


@pytest.mark.parametrize("name", [None, ["web"], {"name": "web"}, MISSING, True])
def test_a_thing_without_a_name_is_called_by_its_uuid(name: Any) -> None:
    for shape, row in (ROWS["v2 instance"], ROWS["v2 volume"], ROWS["server"]):
        made = shape(_with(row, ["name"], name))
        assert made.name == made.uuid


def test_half_a_surrogate_pair_in_a_name_is_replaced() -> None:
    assert atmosphere.instance_from_v2({**INSTANCE, "name": "w\ud800b"}).name == f"w{REPLACEMENT}b"
    assert jetstream2.instance_from_nova({**SERVER, "name": "w\udfffb"}, ACCOUNT).name == f"w{REPLACEMENT}b"


@pytest.mark.parametrize(("cores", "read"), [("2", 2), (2.5, None), (-2, None), (True, None), ([2], None)])
def test_cores_of_another_type_are_not_known(cores: Any, read: int | None) -> None:
    """Whether they are, is no reason not to stop the instance."""
    assert atmosphere.instance_from_v2(_with(INSTANCE, ["size", "cpu"], cores)).flavor.vcpus == read
    assert jetstream2.instance_from_nova(_with(SERVER, ["flavor", "vcpus"], cores), ACCOUNT).flavor.vcpus == read


@pytest.mark.parametrize("uuid", [None, ["x"], 7, "", "../x", "a b", "a?b", "x" * 101, "\ud800"])
def test_a_uuid_that_cannot_stand_in_an_address_makes_a_row_unreadable(uuid: Any) -> None:
    for path in (["uuid"], ["provider", "uuid"], ["identity", "uuid"]):
        with pytest.raises(UnreadableRow):
            atmosphere.instance_from_v2(_with(INSTANCE, path, uuid))
    with pytest.raises(UnreadableRow):
        jetstream2.instance_from_nova(_with(SERVER, ["id"], uuid), ACCOUNT)


@pytest.mark.parametrize("status", [None, 7, ["active"], {}, "", " "])
def test_a_state_of_another_type_is_not_taken_for_any(status: Any) -> None:
    with pytest.raises(UnreadableRow):
        _live({**ROWS["v1 instance"][1], "status": status})
    assert jetstream2.instance_from_nova({**SERVER, "status": ["ACTIVE"]}, ACCOUNT).status == "unknown"
