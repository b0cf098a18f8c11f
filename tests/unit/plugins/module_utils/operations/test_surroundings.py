# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, groups, networks, floating IPs, projects, identities and maintenance, as a task finds them on both clouds."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import api
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError, JetstreamError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    floating_ip_info,
    identity_info,
    keypair_info,
    maintenance_info,
    network_info,
    project_info,
    security_group_info,
)
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import MODULES
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.jetstream2.test_client import of
from ansible_collections.jetstream.cloud.tests.unit.plugins.modules.test_returns import differences

TOKEN = recorded("token")["token"]
PROJECT = TOKEN["project"]["id"]
KEYS, SERVERS = "GET compute /os-keypairs", "GET compute /servers"
GROUPS, NETWORKS = "GET network /v2.0/security-groups", "GET network /v2.0/networks"
SUBNETS, ROUTERS, PORTS = "GET network /v2.0/subnets", "GET network /v2.0/routers", "GET network /v2.0/ports"
ADDRESSES = "GET network /v2.0/floatingips"
REFUSED = Response(403, {"error": {"message": "no"}}, True, "application/json", None, None)
Found = tuple[Any, list[str], list[str]]


def run(module: Any, answers: Mapping[str, Any], **options: Any) -> Found:
    """Run a module against answers of OpenStack. Return its result, its requests, and its warnings."""
    cloud, session = of(answers)
    work: Callable[..., Outcome] = getattr(module, module.__name__.rpartition(".")[2])
    outcome = OperationRunner(None).run(module.SPEC, lambda given, context: work(cloud, given, context), **options)
    return outcome.result, session.requested, [*outcome.warnings, *cloud.take_warnings()]


def at(site: Site, module: Any, **options: Any) -> Found:
    """Run a module against a simulated Atmosphere. Return its result, the paths of its requests, and its warnings."""
    runner = OperationRunner(site.home, site.clock)
    site.server.requests.reset()
    outcome = runner.run(module.SPEC, module.OPERATION, **site.options, **options)
    paths = sorted(each.path.partition("?")[0] for each in site.server.requests)
    return outcome.result, paths, [*outcome.warnings, *runner.warnings]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = fleet(3, identities=2, providers=2, clock=ManualClock())
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def paged(key: str, rows: list[Any], marker: Callable[[Any], str], links: str) -> Callable[[Any], Any]:
    """Answer with pages of two rows."""

    def page(query: Mapping[str, list[str]]) -> Any:
        start = [marker(each) for each in rows].index(query["marker"][0]) + 1 if "marker" in query else 0
        # Neutron links to the page before, too.
        more = {links: [{"rel": "next" if start + 2 < len(rows) else "previous", "href": "x"}]}
        return {key: rows[start : start + 2], **more}

    return page


# --- Jetstream2


def a_key(name: str) -> dict[str, Any]:
    return {"keypair": {"name": name, "public_key": f"ssh-ed25519 AAAA {name}", "fingerprint": "6f:1a"}}


def test_keys_of_all_pages_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_PAGE", 2)
    rows = [a_key(f"key-{number}") for number in (10, 2, 1)]
    answer = paged("keypairs", rows, lambda each: str(each["keypair"]["name"]), "keypairs_links")
    result, requested, warnings = run(keypair_info, {KEYS: answer})
    assert [each["name"] for each in result["keypairs"]] == ["key-1", "key-2", "key-10"]
    assert result["keypairs"][0] == {"name": "key-1", "public_key": "ssh-ed25519 AAAA key-1", "fingerprint": "6f:1a"}
    assert (requested, warnings) == ([KEYS] * 2, [])
    result, _requested, warnings = run(keypair_info, {KEYS: {"keypairs": rows}}, name=["key-1*", "kay-2"])
    assert [each["name"] for each in result["keypairs"]] == ["key-1", "key-10"]
    assert warnings == ["name: kay-2 does not exist. Did you mean key-2?"]


def test_an_odd_key_is_one_warning() -> None:
    result, _requested, warnings = run(keypair_info, {KEYS: {"keypairs": [a_key("mine"), {"keypair": {}}, "x"]}})
    assert [each["name"] for each in result["keypairs"]] == ["mine"]
    assert len(warnings) == 1


def test_security_groups_of_all_pages_are_found_with_their_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_PAGE", 2)
    rule = {"id": "rule-1", "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    rows = [
        {"id": f"group-{number}", "name": f"course-{number}", "security_group_rules": [rule]} for number in (3, 1, 2)
    ]
    answer = paged("security_groups", rows, lambda each: str(each["id"]), "security_groups_links")
    result, requested, warnings = run(security_group_info, {GROUPS: answer}, name=["course-[12]"])
    assert [each["name"] for each in result["security_groups"]] == ["course-1", "course-2"]
    [shown] = result["security_groups"][0]["rules"]
    assert (shown["ports"], shown["cidr"]) == ("22", "0.0.0.0/0")
    assert (requested, warnings) == ([GROUPS] * 2, [])


OWN = {"id": "net-1", "name": "auto_allocated_network", "status": "ACTIVE", "tenant_id": PROJECT, "mtu": 1442}
ALONE = {"id": "net-2", "name": "alone", "status": "ACTIVE", "tenant_id": PROJECT}
OUTSIDE = {"id": "net-3", "name": "public", "status": "ACTIVE", "router:external": True, "tenant_id": "staff"}
LENT = {"id": "net-4", "name": "lent", "status": "ACTIVE", "shared": True, "tenant_id": "staff"}
SUBNET = {"id": "sub-1", "name": "v4", "network_id": "net-1", "cidr": "10.3.0.0/20", "ip_version": 4}
ROUTER = {
    "id": "router-1",
    "name": "auto_allocated_router",
    "status": "ACTIVE",
    "external_gateway_info": {"network_id": "net-3", "external_fixed_ips": [{"ip_address": "149.165.0.2"}]},
}
INTERFACE = {"id": "port-1", "device_owner": "network:router_interface", "fixed_ips": [{"subnet_id": "sub-1"}]}
GATEWAY = {"id": "port-2", "device_owner": "network:router_gateway", "fixed_ips": [{"subnet_id": "sub-9"}]}
NET: Mapping[str, Any] = {
    NETWORKS: {"networks": [OWN, ALONE, OUTSIDE, LENT]},
    SUBNETS: {"subnets": [SUBNET]},
    ROUTERS: {"routers": [ROUTER]},
    PORTS: {"ports": [INTERFACE, GATEWAY]},
}


def test_networks_have_their_subnets_and_a_way_out() -> None:
    result, requested, warnings = run(network_info, NET)
    assert sorted(requested) == sorted([NETWORKS, SUBNETS, ROUTERS, PORTS])
    assert warnings == []
    found = {each["name"]: each for each in result["networks"]}
    assert found["auto_allocated_network"] == {
        "uuid": "net-1",
        "name": "auto_allocated_network",
        "status": "active",
        "external": False,
        "shared": False,
        "own": True,
        "mtu": 1442,
        "default": True,
        "floating_ips": True,
        "subnets": [
            {
                "uuid": "sub-1",
                "name": "v4",
                "cidr": "10.3.0.0/20",
                "ip_version": 4,
                "gateway": None,
                "router": "router-1",
            }
        ],
    }
    # Without a router there is no way out; routers of others are not seen.
    others = {name: each["floating_ips"] for name, each in found.items()}
    assert others == {"auto_allocated_network": True, "alone": False, "public": None, "lent": None}
    assert [each["name"] for each in result["networks"] if each["default"]] == ["auto_allocated_network"]
    assert result["routers"] == [
        {
            "uuid": "router-1",
            "name": "auto_allocated_router",
            "status": "active",
            "external_network": "net-3",
            "addresses": ["149.165.0.2"],
        }
    ]


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        (SUBNETS, "The subnets are missing."),
        (ROUTERS, "The routers are missing."),
        (PORTS, "Its subnets are missing."),
    ],
)
def test_a_list_that_only_adds_to_networks_may_fail(path: str, missing: str) -> None:
    result, _requested, warnings = run(network_info, {**NET, path: REFUSED}, name=["auto*"])
    assert [each["name"] for each in result["networks"]] == ["auto_allocated_network"]
    assert [each.endswith(missing) for each in warnings] == [True]
    # What could not be read is not denied.
    assert result["networks"][0]["floating_ips"] is None
    with pytest.raises(JetstreamError):
        run(network_info, {**NET, NETWORKS: REFUSED})


def test_of_several_networks_none_is_the_default_of_a_launch() -> None:
    twins = [{**OWN, "name": f"net-{number}", "id": f"id-{number}"} for number in range(2)]
    result, _requested, _warnings = run(network_info, {**NET, NETWORKS: {"networks": twins}})
    assert [each["default"] for each in result["networks"]] == [False, False]


def address(number: int, **more: Any) -> dict[str, Any]:
    row = {"id": f"fip-{number}", "floating_ip_address": f"149.165.0.{number}", "status": "DOWN", "port_id": None}
    return {**row, "fixed_ip_address": None, "floating_network_id": "net-3", "description": "", **more}


def of_port(server: str, owner: str = "compute:nova") -> dict[str, Any]:
    return {"port_id": f"port-{server}", "port_details": {"device_id": server, "device_owner": owner}}


NAMED = {"servers": [{"id": "server-1", "name": "web"}]}


def test_floating_ips_are_listed_with_the_instances_that_have_them() -> None:
    made = "jetstream.cloud: made for server-1"
    rows = [
        address(10, **of_port("server-1"), description=made, fixed_ip_address="10.3.0.5", status="ACTIVE"),
        address(9, **of_port("balancer-1", "Octavia")),
        address(2, description=made),
        address(1, **of_port("server-2"), description=made),
    ]
    result, requested, warnings = run(floating_ip_info, {ADDRESSES: {"floatingips": rows}, SERVERS: NAMED})
    assert (requested, warnings) == ([ADDRESSES, SERVERS], [])
    found = {each["address"].rpartition(".")[2]: each for each in result["floating_ips"]}
    assert list(found) == ["1", "2", "9", "10"]
    assert found["10"] == {
        "uuid": "fip-10",
        "address": "149.165.0.10",
        "status": "active",
        "fixed_address": "10.3.0.5",
        "network": "net-3",
        "description": made,
        "attached": True,
        "instance_uuid": "server-1",
        "instance_name": "web",
        "made_for_it": True,
    }
    # Attached, but not to an instance; made for one that no longer has it; made for another.
    assert (found["9"]["attached"], found["9"]["instance_uuid"]) == (True, None)
    assert (found["2"]["attached"], found["2"]["made_for_it"]) == (False, False)
    assert (found["1"]["instance_uuid"], found["1"]["instance_name"], found["1"]["made_for_it"]) == (
        "server-2",
        None,
        False,
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"attached": True}, ["1"]), ({"attached": False}, ["2"]), ({"address": ["149.165.0.2"]}, ["2"])],
)
def test_floating_ips_are_selected(options: dict[str, Any], expected: list[str]) -> None:
    rows = [address(1, **of_port("server-1")), address(2)]
    result, _requested, _warnings = run(floating_ip_info, {ADDRESSES: {"floatingips": rows}, SERVERS: NAMED}, **options)
    assert [each["address"].rpartition(".")[2] for each in result["floating_ips"]] == expected
    _result, _requested, warnings = run(floating_ip_info, {ADDRESSES: {"floatingips": rows}}, address=["1.2.3.4"])
    assert "address: the project has no floating IP 1.2.3.4." in warnings


def test_a_neutron_that_names_no_instances_is_asked_for_their_ports() -> None:
    rows = [address(1, port_id="port-1"), address(2, port_id="port-2")]
    ports = [
        {"id": "port-1", "device_id": "server-1", "device_owner": "compute:nova"},
        {"id": "port-2", "device_id": "router-1", "device_owner": "network:router_interface"},
    ]
    answers = {ADDRESSES: {"floatingips": rows}, PORTS: {"ports": ports}, SERVERS: NAMED}
    result, requested, _warnings = run(floating_ip_info, answers)
    assert requested == [ADDRESSES, PORTS, SERVERS]
    assert [each["instance_name"] for each in result["floating_ips"]] == ["web", None]
    result, _requested, warnings = run(floating_ip_info, {**answers, PORTS: REFUSED})
    assert [each["attached"] for each in result["floating_ips"]] == [True, True]
    assert [each.endswith("Instances are missing.") for each in warnings] == [True]


def test_the_login_of_jetstream2_is_one_project_and_one_identity_without_a_request() -> None:
    result, requested, _warnings = run(project_info, {})
    [project] = result["projects"]
    assert (project["uuid"], project["name"], project["users"]) == (PROJECT, TOKEN["project"]["name"], None)
    assert requested == []
    result, requested, _warnings = run(identity_info, {})
    [identity] = result["identities"]
    assert (identity["user"], identity["project"]["uuid"], identity["can_launch"]) == (
        TOKEN["user"]["name"],
        PROJECT,
        None,
    )
    assert [each["name"] for each in result["providers"]] == ["IU"]
    assert requested == []


def test_openstack_has_no_records_of_maintenance() -> None:
    with pytest.raises(ConfigurationError, match="OpenStack has no records of maintenance"):
        run(maintenance_info, {})


ALL: Mapping[Any, Mapping[str, Any]] = {
    keypair_info: {KEYS: {"keypairs": [a_key("mine")]}},
    security_group_info: {
        GROUPS: {"security_groups": [{"id": "g", "name": "n", "security_group_rules": [{"id": "r"}]}]}
    },
    network_info: NET,
    floating_ip_info: {ADDRESSES: {"floatingips": [address(1, **of_port("server-1"))]}, SERVERS: NAMED},
}


@pytest.mark.parametrize("module", ALL, ids=lambda each: str(each.__name__.rpartition(".")[2]))
def test_the_results_of_jetstream2_alone_are_documented(module: Any) -> None:
    name = module.__name__.rpartition(".")[2]
    text = importlib.import_module(f"{MODULES}.jetstream_{name}").RETURN
    result, _requested, warnings = run(module, ALL[module])
    assert warnings == []
    assert list(differences(name, yaml.safe_load(text), result)) == []
    assert all(result.values())


@pytest.mark.parametrize("module", [keypair_info, security_group_info, network_info, project_info])
def test_an_empty_list_of_names_selects_nothing_and_sends_nothing(module: Any) -> None:
    result, requested, warnings = run(module, {}, name=[])
    assert requested == []
    assert warnings == ["name is an empty list, so nothing is selected."]
    assert next(iter(result.values())) == []


# --- Atmosphere


@pytest.mark.parametrize("module", [keypair_info, security_group_info, network_info, floating_ip_info])
def test_an_option_that_atmosphere_lacks_is_refused_before_any_request(site: Site, module: Any) -> None:
    site.server.requests.reset()
    with pytest.raises(ConfigurationError, match="Atmosphere"):
        at(site, module)
    assert site.requests() == {}


def test_projects_of_atmosphere_are_those_of_all_groups(site: Site) -> None:
    add_colleague(site.world)
    result, paths, warnings = at(site, project_info)
    assert (paths, warnings) == (["/api/v2/projects"], [])
    found = {each["name"]: each for each in result["projects"]}
    assert list(found) == ["johndoe", "lab"]
    assert (sorted(found["lab"]["users"]), found["lab"]["leaders"]) == (["janeroe", "johndoe"], ["janeroe"])
    assert (found["lab"]["owner"], found["lab"]["instances"], found["lab"]["volumes"]) == ("lab", 1, 0)
    assert found["johndoe"]["instances"] == 3
    result, _paths, _warnings = at(site, project_info, name=["l*"])
    assert [each["name"] for each in result["projects"]] == ["lab"]


def test_identities_of_atmosphere_have_no_credentials(site: Site) -> None:
    add_colleague(site.world)
    result, paths, warnings = at(site, identity_info)
    assert (paths, warnings) == (["/api/v2/identities", "/api/v2/providers"], [])
    own = [each for each in result["identities"] if each["own"]]
    [shared] = [each for each in result["identities"] if not each["own"]]
    assert len(own) == 2
    assert all(each["can_launch"] for each in own)
    assert (shared["user"], shared["can_launch"], shared["groups"]) == ("janeroe", False, ["janeroe", "lab"])
    assert len(result["providers"]) == 2
    secrets = [each.secret for each in site.world.identities]
    assert not any(secret in str(result) for secret in secrets)
    site.server.faults.add(Fault("GET", "/api/v2/providers", status=409, body={"detail": "no"}, times=None))
    result, _paths, warnings = at(site, identity_info)
    assert (len(result["identities"]), result["providers"]) == (3, None)
    assert [each.endswith("The providers are missing.") for each in warnings] == [True]


def test_maintenance_is_read_while_it_closes_the_api(site: Site) -> None:
    now = site.clock.now()
    day = timedelta(days=1)
    provider = site.world.providers[0]
    site.world.add_maintenance("Old", "over", start_date=now - 3 * day, end_date=now - 2 * day)
    site.world.add_maintenance("Storage", "slow", start_date=now - day, provider=provider)
    result, paths, warnings = at(site, maintenance_info)
    assert (paths, warnings) == (["/api/v2/maintenance_records"], [])
    assert result["api_is_closed"] is False
    site.world.add_maintenance("Upgrade", "until 5pm", start_date=now, end_date=now + day)
    result, _paths, _warnings = at(site, maintenance_info)
    assert result["api_is_closed"] is True
    assert [(each["title"], each["active"]) for each in result["maintenance"]] == [("Upgrade", True), ("Storage", True)]
    assert result["maintenance"][1]["provider"]["uuid"] == provider.uuid
    result, _paths, _warnings = at(site, maintenance_info, past=True)
    assert [each["title"] for each in result["maintenance"]] == ["Upgrade", "Storage", "Old"]
