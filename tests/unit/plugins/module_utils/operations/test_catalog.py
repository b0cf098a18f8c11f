# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images, flavors and quotas, as a task finds them on both clouds, and the requests that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import api
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import JetstreamError, ServerFault
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    flavor_info,
    image_info,
    quota_info,
)
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, World, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.jetstream2.test_client import of

PROJECT = recorded("token")["token"]["project"]["id"]
IMAGES, FLAVORS = "GET image /v2/images", "GET compute /flavors/detail"
COMPUTE, VOLUMES = "GET compute /limits", "GET volumev3 /limits"
NETWORK = f"GET network /v2.0/quotas/{PROJECT}/details.json"
WORKS: Mapping[Any, str] = {image_info: "image_info", flavor_info: "flavor_info", quota_info: "quota_info"}


def run(module: Any, answers: Mapping[str, Any], **options: Any) -> tuple[Outcome, list[str], list[str]]:
    """Run a module against answers of OpenStack. Return its outcome, its requests, and its warnings."""
    cloud, session = of(answers)
    work: Callable[..., Outcome] = getattr(module, WORKS[module])
    outcome = OperationRunner(None).run(module.SPEC, lambda given, context: work(cloud, given, context), **options)
    return outcome, session.requested, [*outcome.warnings, *cloud.take_warnings()]


def at(site: Site, module: Any, **options: Any) -> tuple[Outcome, list[str]]:
    """Run a module against a simulated Atmosphere. Return its outcome and its warnings."""
    runner = OperationRunner(site.home, site.clock)
    outcome = runner.run(module.SPEC, module.OPERATION, **site.options, **options)
    return outcome, [*outcome.warnings, *runner.warnings]


def refused(status: int) -> Response:
    return Response(status, {"error": {"message": "no"}}, True, "application/json", None, None)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = fleet(3, identities=2, providers=2, clock=ManualClock())
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def paths(site: Site) -> list[str]:
    found = sorted(each.path.partition("?")[0] for each in site.server.requests)
    site.server.requests.reset()
    return found


# --- images at Jetstream2


def image(name: str, number: int, **more: Any) -> dict[str, Any]:
    row = {"id": f"{number:032x}", "name": name, "status": "active", "visibility": "public", "owner": "staff"}
    return {**row, "created_at": f"2026-11-{number:02}T00:00:00Z", "size": 3 * 1024**3, "min_disk": 10, **more}


def queries(answer: Any) -> tuple[Callable[[Mapping[str, list[str]]], Any], list[dict[str, list[str]]]]:
    requested: list[dict[str, list[str]]] = []

    def answered(query: Mapping[str, list[str]]) -> Any:
        requested.append({name: value for name, value in query.items() if name != "limit"})
        return answer

    return answered, requested


UUID = "1d355b5f-4f28-40a1-91c6-33f7111af908"
BY_ID = {"id": [f"in:{UUID}"], "visibility": ["all"]}
HIDDEN = {"os_hidden": ["true"]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [{}]),
        ({"name": ["Ubuntu", "Rocky 9, old"]}, [{"name": ['in:"Ubuntu","Rocky 9, old"']}]),
        # Glance knows no globs, and would read a quote of a name as its own.
        ({"name": ["Featured-*"]}, [{}]),
        ({"name": ['The "best"']}, [{}]),
        # A hidden image is looked for where there is no other one of the id.
        ({"uuid": [UUID]}, [BY_ID, {**BY_ID, **HIDDEN}]),
        ({"name": ["Ubuntu"], "uuid": [UUID]}, [{"name": ['in:"Ubuntu"']}, BY_ID, {**BY_ID, **HIDDEN}]),
        ({"name": ["*"], "uuid": [UUID]}, [{}, BY_ID, {**BY_ID, **HIDDEN}]),
        ({"hidden": True}, [{}, HIDDEN]),
        ({"hidden": True, "uuid": [UUID]}, [BY_ID, {**BY_ID, **HIDDEN}]),
        ({"hidden": True, "name": ["Ubuntu"]}, [{"name": ['in:"Ubuntu"']}, {"name": ['in:"Ubuntu"'], **HIDDEN}]),
        ({"hidden": True, "owner": ["me"]}, [{"owner": [PROJECT]}, {"owner": [PROJECT], **HIDDEN}]),
        ({"visibility": ["private"]}, [{"visibility": ["private"]}]),
        ({"visibility": ["private", "public"]}, [{}]),
        ({"visibility": ["public", "community"]}, [{"visibility": ["public"]}, {"visibility": ["community"]}]),
        ({"owner": ["me"]}, [{"owner": [PROJECT]}]),
        ({"owner": ["me", "staff"]}, [{}]),
        # Nothing is an id that could stand in a URL.
        ({"uuid": ["web"]}, []),
        ({"name": []}, []),
        ({"uuid": []}, []),
        ({"visibility": []}, []),
    ],
)
def test_glance_filters_what_it_can(options: dict[str, Any], expected: list[dict[str, list[str]]]) -> None:
    answer, requested = queries({"images": []})
    outcome, _requested, _warnings = run(image_info, {IMAGES: answer}, **options)
    assert (requested, outcome.result) == (expected, {"images": []})


def test_an_image_has_its_facts_with_their_units() -> None:
    outcome, requested, warnings = run(image_info, {IMAGES: {"images": [image("Ubuntu", 3, min_ram=512, tags=["a"])]}})
    [found] = outcome.result["images"]
    assert found == {
        "uuid": f"{3:032x}",
        "name": "Ubuntu",
        "version": None,
        "application": None,
        "status": "active",
        "usable": True,
        "visibility": "public",
        "owner": "staff",
        "own": False,
        "size": 3.0,
        "min_disk": 10,
        "min_ram": 512,
        "created": "2026-11-03T00:00:00Z",
        "description": None,
        "tags": ["a"],
        "hidden": False,
        "provider": {"name": "IU", "uuid": "IU"},
    }
    assert (requested, warnings) == ([IMAGES], [])


def test_newest_is_the_one_that_a_launch_takes() -> None:
    """The project's own comes before the site's, whatever their dates; a community image never does."""
    rows = [
        image("Ubuntu", 1),
        image("Ubuntu", 2),
        image("Ubuntu", 9, os_hidden=True),
        image("Ubuntu", 8, status="queued"),
        image("Mine", 5),
        image("Mine", 3, owner=PROJECT, visibility="private"),
        image("Mine", 4, owner=PROJECT, visibility="private"),
        image("Shared", 7, visibility="shared"),
        image("Shared", 6),
    ]
    outcome, _requested, _warnings = run(image_info, {IMAGES: {"images": rows}}, newest=True)
    assert [(each["name"], int(each["uuid"], 16)) for each in outcome.result["images"]] == [
        ("Mine", 4),
        ("Shared", 6),
        ("Ubuntu", 2),
    ]
    everything, _requested, _warnings = run(image_info, {IMAGES: {"images": rows}}, name=["Ubuntu"])
    assert [int(each["uuid"], 16) for each in everything.result["images"]] == [9, 8, 2, 1]


def test_all_pages_of_images_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_PAGE", 2)
    rows = [image(f"i{number}", number) for number in range(1, 6)]

    def page(query: Mapping[str, list[str]]) -> Any:
        ids = [each["id"] for each in rows]
        start = ids.index(query["marker"][0]) + 1 if "marker" in query else 0
        more = {"next": "/v2/images?marker=x"} if start + 2 < len(rows) else {}
        return {"images": rows[start : start + 2], **more}

    outcome, requested, _warnings = run(image_info, {IMAGES: page})
    assert [each["name"] for each in outcome.result["images"]] == ["i1", "i2", "i3", "i4", "i5"]
    assert requested == [IMAGES] * 3


def test_an_odd_row_is_one_warning_and_an_unknown_name_another() -> None:
    rows = [image("Ubuntu", 1), {"name": "odd"}, "row"]
    outcome, _requested, warnings = run(image_info, {IMAGES: {"images": rows}}, name=["Ubuntu", "Ubunto"])
    assert len(outcome.result["images"]) == 1
    assert warnings == [
        "name: Ubunto does not exist. Did you mean Ubuntu?",
        "Listing images: skipped a row that cannot be parsed: odd: it has no id.",
        "Listing images: skipped a row that cannot be parsed: it is 'row', not an object.",
    ]


# --- flavors and quotas at Jetstream2

ROWS = [
    {"id": "3", "name": "m3.quad", "vcpus": 4, "ram": 15360, "disk": 20},
    {"id": "30", "name": "g3.xl", "vcpus": 32, "ram": 128000, "disk": 60},
    {"id": "1", "name": "m3.tiny", "vcpus": 1, "ram": 3072, "disk": 20},
    {"id": "9", "name": "p9.huge", "vcpus": 128, "ram": 1024000, "disk": 60},
]
LIMITS = {
    "maxTotalInstances": 10,
    "totalInstancesUsed": 3,
    "maxTotalCores": 20,
    "totalCoresUsed": 11,
    "maxTotalRAMSize": -1,
    "totalRAMUsed": 20000,
}
OF_VOLUMES = {"maxTotalVolumes": 10, "totalVolumesUsed": 4, "maxTotalVolumeGigabytes": 1000, "totalGigabytesUsed": 1200}
OF_NETWORK = {"floatingip": {"limit": 10, "used": 3, "reserved": 1}, "router": {"limit": -1, "used": 1, "reserved": 0}}
ANSWERS: Mapping[str, Any] = {
    FLAVORS: {"flavors": ROWS},
    COMPUTE: {"limits": {"absolute": LIMITS}},
    VOLUMES: {"limits": {"absolute": OF_VOLUMES}},
    NETWORK: {"quota": OF_NETWORK},
}


def test_a_flavor_has_its_cost_and_its_room() -> None:
    outcome, requested, warnings = run(flavor_info, ANSWERS)
    assert requested == [FLAVORS, COMPUTE]
    assert warnings == []
    names = [each["name"] for each in outcome.result["flavors"]]
    assert names == ["m3.tiny", "m3.quad", "g3.xl", "p9.huge"]
    tiny, quad, gpu, huge = outcome.result["flavors"]
    assert tiny == {
        "name": "m3.tiny",
        "id": "1",
        "vcpus": 1,
        "ram": 3072,
        "disk": 20,
        "family": "m3",
        "resource": "cpu",
        "su_per_hour": 1,
        "can_suspend": True,
        "can_resize": True,
        "fits": True,
        "max_instances": 7,
        "limited_by": "instances",
        "provider": {"name": "IU", "uuid": "IU"},
    }
    assert (quad["max_instances"], quad["limited_by"]) == (2, "cores")
    assert (gpu["resource"], gpu["su_per_hour"], gpu["can_suspend"], gpu["can_resize"]) == ("gpu", 64, False, False)
    assert (gpu["fits"], gpu["max_instances"]) == (False, 0)
    # An unknown family is never one of the CPU.
    assert (huge["resource"], huge["su_per_hour"], huge["can_suspend"]) == (None, None, None)


@pytest.mark.parametrize(
    ("options", "query", "names"),
    [
        ({"name": ["m3.*"]}, {}, ["m3.tiny", "m3.quad"]),
        ({"fitting": True}, {}, ["m3.tiny", "m3.quad"]),
        ({"fitting": True, "quota": False, "min_vcpus": 2}, {}, ["m3.quad"]),
        ({"min_ram": 4000, "min_disk": 60}, {"minRam": ["4000"], "minDisk": ["60"]}, ["g3.xl", "p9.huge"]),
        ({"provider": ["I*"], "name": ["m3.tiny"]}, {}, ["m3.tiny"]),
        ({"provider": ["TACC"]}, {}, []),
    ],
)
def test_flavors_are_selected(options: dict[str, Any], query: dict[str, list[str]], names: list[str]) -> None:
    answer, requested = queries({"flavors": ROWS})
    outcome, _requested, _warnings = run(flavor_info, {**ANSWERS, FLAVORS: answer}, **options)
    assert (requested, [each["name"] for each in outcome.result["flavors"]]) == ([query], names)


def test_a_quota_that_cannot_be_read_does_not_end_a_list_of_flavors() -> None:
    outcome, _requested, warnings = run(flavor_info, {**ANSWERS, COMPUTE: refused(403)}, fitting=True)
    assert {each["fits"] for each in outcome.result["flavors"]} == {None}
    [warning] = warnings
    assert "Reading the quota was refused" in warning
    assert warning.endswith("The room for flavors in the quota is missing.")
    _outcome, requested, _warnings = run(flavor_info, ANSWERS, quota=False)
    assert requested == [FLAVORS]


def test_rates_of_the_user_come_first() -> None:
    outcome, _requested, _warnings = run(flavor_info, ANSWERS, name=["p9.huge"], rates={"flavors": {"p9.huge": 12.5}})
    assert [each["su_per_hour"] for each in outcome.result["flavors"]] == [12.5]


def test_a_quota_has_limits_with_use() -> None:
    outcome, requested, warnings = run(quota_info, ANSWERS)
    assert sorted(requested) == sorted([COMPUTE, VOLUMES, NETWORK])
    assert warnings == []
    [quota] = outcome.result["quotas"]
    resources = quota["resources"]
    assert resources["cores"] == {"limit": 20, "used": 11, "free": 9, "unlimited": False}
    assert resources["ram"] == {"limit": None, "used": 20000, "free": None, "unlimited": True}
    # More than the limit may be in use, once that was lowered.
    assert resources["gigabytes"] == {"limit": 1000, "used": 1200, "free": 0, "unlimited": False}
    # What is reserved is on its way to be used.
    assert resources["floating_ips"] == {"limit": 10, "used": 4, "free": 6, "unlimited": False}
    assert resources["snapshots"] is None
    assert (quota["project"]["uuid"], quota["can_launch"]) == (PROJECT, True)
    assert outcome.result["allocations"] == []


def test_a_service_that_cannot_be_read_does_not_end_the_others() -> None:
    outcome, _requested, warnings = run(quota_info, {**ANSWERS, VOLUMES: refused(503), NETWORK: refused(403)})
    resources = outcome.result["quotas"][0]["resources"]
    assert resources["volumes"] is None
    assert resources["cores"]["free"] == 9
    assert [each.rpartition(". ")[2] for each in warnings] == [
        "The limits of volumes are missing.",
        "The limits of floating IPs and networks are missing.",
    ]
    with pytest.raises(ServerFault):
        run(quota_info, dict.fromkeys((COMPUTE, VOLUMES, NETWORK), refused(503)))


@pytest.mark.parametrize("odd", [None, "many", ["x"], {}, float("nan"), True])
def test_a_limit_that_is_no_number_is_not_known(odd: Any) -> None:
    body = {"limits": {"absolute": {**LIMITS, "maxTotalCores": odd, "totalInstancesUsed": odd}}}
    outcome, _requested, _warnings = run(quota_info, {**ANSWERS, COMPUTE: body})
    resources = outcome.result["quotas"][0]["resources"]
    assert resources["cores"] == {"limit": None, "used": 11, "free": None, "unlimited": False}
    assert resources["instances"]["free"] is None
    assert resources["ram"]["unlimited"]


# --- Atmosphere


def a_second_version(world: World) -> None:
    [image] = [each for each in world.images if each.name.endswith("Docker")]
    [old] = [each for each in world.versions if each.image is image]
    later = world.created + timedelta(days=1)
    world.add_version("v1.22", image, old.identity, size_gb=7.5, start_date=later, machine_start_date=later)


def test_an_image_of_atmosphere_is_the_machine_of_a_version(site: Site) -> None:
    a_second_version(site.world)
    outcome, warnings = at(site, image_info, name=["Ubuntu 18.04 Devel and Docker"])
    assert warnings == []
    assert paths(site) == ["/api/v2/image_versions", "/api/v2/images", "/api/v2/provider_machines"]
    newest, oldest = outcome.result["images"]
    assert (newest["version"], newest["size"], oldest["version"]) == ("v1.22", 7.5, "v1.21")
    assert newest["uuid"] == site.world.versions[-1].machine_uuid
    assert newest["application"] == site.world.images[0].uuid
    assert (newest["visibility"], newest["owner"], newest["own"]) == ("public", "atmoadmin", False)
    assert (newest["min_ram"], newest["min_disk"], newest["usable"]) == (0, None, True)
    outcome, _warnings = at(site, image_info, newest=True)
    assert [each["version"] for each in outcome.result["images"]] == ["v1.22", "v1.21"]
    # One at each of two providers, since their names differ here.
    assert len({each["provider"]["uuid"] for each in outcome.result["images"]}) == 2


@pytest.mark.parametrize(
    ("path", "missing", "key"), [("/images", "visibility", "visibility"), ("/image_versions", "memory", "min_ram")]
)
def test_a_list_that_only_adds_to_images_may_fail(site: Site, path: str, missing: str, key: str) -> None:
    site.server.faults.add(Fault("GET", f"/api/v2{path}", status=409, body={"detail": "no"}, times=None))
    outcome, warnings = at(site, image_info)
    assert len(outcome.result["images"]) == 2
    assert {each[key] for each in outcome.result["images"]} == {None}
    [warning] = warnings
    assert missing in warning
    site.server.faults.add(Fault("GET", "/provider_machines", status=409, body={"detail": "no"}, times=None))
    with pytest.raises(JetstreamError):
        at(site, image_info)


def test_images_of_several_pages_are_all_read(site: Site) -> None:
    publisher = site.world.versions[0].identity
    for number in range(250):
        name = f"course-{number}"
        site.world.add_version("1", site.world.add_image(name, publisher.user), publisher)
    outcome, _warnings = at(site, image_info, name=["course-*"])
    assert len(outcome.result["images"]) == 250


def test_flavors_of_atmosphere_are_at_providers_with_quotas(site: Site) -> None:
    outcome, warnings = at(site, flavor_info, name=["m1.quad"])
    assert warnings == []
    assert paths(site) == ["/api/v2/identities", "/api/v2/instances", "/api/v2/sizes"]
    found = outcome.result["flavors"]
    assert len({each["provider"]["uuid"] for each in found}) == 2
    assert {(each["vcpus"], each["ram"], each["su_per_hour"]) for each in found} == {(4, 10240, 4)}
    assert all(each["fits"] for each in found)


def test_a_quota_of_atmosphere_is_that_of_an_identity(site: Site) -> None:
    own = [each for each in site.world.identities if each.user.username == "johndoe"]
    site.world.add_volume("data", 30, own[0])
    outcome, warnings = at(site, quota_info)
    assert warnings == []
    assert paths(site) == [
        "/api/v2/allocation_sources",
        "/api/v2/identities",
        "/api/v2/instances",
        "/api/v2/volumes",
    ]
    quotas = {each["identity"]["uuid"]: each for each in outcome.result["quotas"]}
    assert set(quotas) == {each.uuid for each in own}
    resources = quotas[own[0].uuid]["resources"]
    limits = own[0].quota
    # Atmosphere counts memory in GB.
    assert resources["ram"]["limit"] == limits.memory * 1024
    assert (resources["instances"]["used"], resources["gigabytes"]["used"]) == (2, 30)
    assert resources["floating_ips"]["used"] is None
    assert quotas[own[0].uuid]["project"] is None
    [allocation] = outcome.result["allocations"]
    assert (allocation["allowed"], allocation["used"], allocation["remaining"]) == (50000, 1234.5, 48765.5)


@pytest.mark.parametrize("path", ["/api/v2/volumes", "/api/v2/instances", "/api/v2/allocation_sources"])
def test_a_list_that_only_adds_to_a_quota_may_fail(site: Site, path: str) -> None:
    site.server.faults.add(Fault("GET", path, status=409, body={"detail": "no"}, times=None))
    outcome, warnings = at(site, quota_info)
    assert len(outcome.result["quotas"]) == 2
    [warning] = warnings
    assert "missing" in warning
