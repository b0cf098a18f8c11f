# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image, network and flavor of a name, and the limits that a launch exceeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.lookups import (
    choose_external_network,
    choose_image,
    choose_network,
    choose_security_groups,
    require_active,
    require_fit,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.quotas import (
    address_shortfalls,
    compute_shortfalls,
    volume_shortfalls,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import BootVolume, Flavor

TINY = Flavor(name="m3.tiny", vcpus=1, ram=3072, disk=20)
ME, STRANGER = "my-project", "another-project"


def image(number: int, visibility: str = "public", owner: str = STRANGER, **more: Any) -> dict[str, Any]:
    row = {"id": f"image-{number}", "name": "Ubuntu", "visibility": visibility, "owner": owner, "status": "active"}
    return row | {"created_at": f"2026-11-{number:02}T00:00:00Z"} | more


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([image(1), image(3), image(2)], "image-3"),
        ([image(9), image(1, "private", ME), image(2, "shared", ME)], "image-2"),
        ([image(9, "shared"), image(1)], "image-1"),
        ([image(9, "shared")], "image-9"),
        ([image(9, "community"), image(1)], "image-1"),
        ([image(9, os_hidden=True), image(1)], "image-1"),
        ([image(9, status="queued"), image(8, status="deactivated"), image(1)], "image-1"),
        ([image(9, name="Ubuntu-old"), image(1)], "image-1"),
    ],
)
def test_the_newest_own_then_public_then_shared_image_is_chosen(rows: list[Any], chosen: str) -> None:
    assert choose_image(rows, "Ubuntu", ME)["id"] == chosen


@pytest.mark.parametrize("rows", [[], [image(1, "community")], [image(1, status="killed")], [image(1, name="ubuntu")]])
def test_no_other_image_is_chosen_in_its_place(rows: list[Any]) -> None:
    with pytest.raises(SelectionError):
        choose_image(rows, "Ubuntu", ME)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([image(1, os_hidden=True), image(2, os_hidden=True)], "Ubuntu is hidden: .* set image to its ID, image-2."),
        ([image(1, "private", ME, os_hidden=True), image(2, "community")], "set image to its ID, image-1."),
        ([image(2, "community")], "any user can publish one under any name"),
        ([image(1, os_hidden=True, status="deactivated")], "there is no image Ubuntu that can be launched"),
    ],
)
def test_an_image_that_is_not_taken_by_its_name_is_reported_with_what_takes_it(rows: list[Any], words: str) -> None:
    with pytest.raises(SelectionError, match=words):
        choose_image(rows, "Ubuntu", ME)


@pytest.mark.parametrize(
    ("row", "boot", "fits"),
    [
        ({"min_disk": 20, "size": 5 * 1024**3}, None, True),
        ({"min_disk": 21}, None, False),
        ({"min_disk": 0, "size": 21 * 1024**3}, None, False),
        ({"virtual_size": 40 * 1024**3}, None, False),
        ({"min_disk": 40}, BootVolume(40), True),
        ({"min_disk": 41}, BootVolume(40), False),
        ({"min_ram": 3072}, None, True),
        ({"min_ram": 4096}, None, False),
        ({"size": None, "min_disk": None}, None, True),
    ],
)
def test_an_image_that_does_not_fit_is_refused(row: dict[str, Any], boot: BootVolume | None, fits: bool) -> None:
    if fits:
        require_fit(row, TINY, boot)
        return
    with pytest.raises(SelectionError):
        require_fit(row, TINY, boot)


def test_a_flavor_without_a_disk_needs_a_boot_volume() -> None:
    diskless = replace(TINY, name="v1.small", disk=0)
    with pytest.raises(SelectionError, match="has no disk"):
        require_fit({}, diskless, None)
    require_fit({"min_disk": 40}, diskless, BootVolume(40))
    # Its disk is unknown.
    require_fit({}, replace(TINY, disk=None), None)


def network(name: str, *, external: bool = False, owner: str = ME, **more: Any) -> dict[str, Any]:
    row = {"id": f"id-of-{name}", "name": name, "router:external": external, "tenant_id": owner, "status": "ACTIVE"}
    return row | more


AUTO, LAB, SHARED = network("auto_allocated_network"), network("lab"), network("site", owner=STRANGER)
PUBLIC = network("public", external=True, owner=STRANGER)


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([LAB, PUBLIC, AUTO], AUTO),
        ([LAB, PUBLIC], LAB),
        ([LAB, SHARED], LAB),
        ([SHARED, PUBLIC], SHARED),
        ([PUBLIC], None),
        ([network("auto_allocated_network", status="DOWN"), LAB], LAB),
        ([network("auto_allocated_network", admin_state_up=False), LAB], LAB),
        ([network("auto_allocated_network", subnets=[]), LAB], LAB),
        ([network("lab", subnets=[]), PUBLIC], None),
        ([network("lab", subnets=["a"]), PUBLIC], network("lab", subnets=["a"])),
    ],
)
def test_the_network_of_every_project_or_the_only_one_is_chosen(rows: list[Any], chosen: Any) -> None:
    assert choose_network(rows, None, ME) == chosen


def test_of_several_networks_none_is_chosen_and_names_are_looked_up() -> None:
    rows = [LAB, network("lab2"), PUBLIC]
    with pytest.raises(SelectionError, match=r"there are several \(lab, lab2\)"):
        choose_network(rows, None, ME)
    assert choose_network(rows, "lab2", ME) == rows[1]
    assert choose_network(rows, "id-of-lab", ME) == LAB
    for name in ("lab3", "public"):
        with pytest.raises(SelectionError):
            choose_network(rows, name, ME)
    twice = [LAB, LAB | {"id": "other"}]
    with pytest.raises(SelectionError, match=r"the name lab is ambiguous\. Use an ID"):
        choose_network(twice, "lab", ME)


def test_a_network_without_a_subnet_is_refused_before_anything_is_deleted_for_a_launch() -> None:
    with pytest.raises(SelectionError, match="lab has no subnet"):
        choose_network([network("lab", subnets=[])], "lab", ME)


@pytest.mark.parametrize("status", ["queued", "saving", "importing", "deactivated", "deleted", None])
def test_an_image_that_is_given_by_its_id_has_to_be_active(status: str | None) -> None:
    with pytest.raises(SelectionError, match=f"image: image-1 is {status or 'in an unknown state'}, not active"):
        require_active(image(1, status=status), "image-1")
    require_active(image(1), "image-1")


def test_floating_ips_come_from_the_public_network() -> None:
    other = network("campus", external=True)
    assert choose_external_network([LAB, other, PUBLIC]) == "id-of-public"
    assert choose_external_network([LAB, other]) == "id-of-campus"
    for rows in ([LAB], [other, network("more", external=True)]):
        with pytest.raises(SelectionError):
            choose_external_network(rows)


def test_security_groups_of_one_name_are_distinguished_by_id() -> None:
    rows = [{"id": "1", "name": "ssh"}, {"id": "2", "name": "web"}, {"id": "3", "name": "web"}]
    assert choose_security_groups(rows, ["ssh", "3"]) == ["1", "3"]
    with pytest.raises(SelectionError):
        choose_security_groups(rows, ["web"])


def absolute(**values: Any) -> dict[str, Any]:
    return {"limits": {"absolute": values}}


def test_the_excess_over_a_quota_is_counted() -> None:
    limits = absolute(maxTotalInstances=10, totalInstancesUsed=8, maxTotalCores=-1, totalCoresUsed=500)
    limits["limits"]["absolute"] |= {"maxTotalRAMSize": 9000, "totalRAMUsed": 3000}
    assert compute_shortfalls(limits, TINY, 2) == ["6144 MB of memory required, 6000 of 9000 available"]
    assert compute_shortfalls(limits, TINY, 1) == []
    assert len(compute_shortfalls(limits, TINY, 3)) == 2
    volumes = absolute(maxTotalVolumes=10, totalVolumesUsed=9, maxTotalVolumeGigabytes=1000, totalGigabytesUsed=0)
    assert volume_shortfalls(volumes, BootVolume(20), 2) == ["2 volumes required, 1 of 10 available"]
    quota = {"quota": {"floatingip": {"limit": 25, "used": 20, "reserved": 2}}}
    assert address_shortfalls(quota, 4) == ["4 floating IPs required, 3 of 25 available"]
    assert address_shortfalls(quota, 3) == []


@pytest.mark.parametrize("body", [{}, {"limits": None}, absolute(maxTotalCores="many"), {"quota": {"floatingip": []}}])
def test_a_quota_that_cannot_be_read_is_none(body: Any) -> None:
    assert compute_shortfalls(body, TINY, 1000) == []
    assert address_shortfalls(body, 1000) == []
