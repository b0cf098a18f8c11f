# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings on a simulated cloud, the requests for them, and the effect of a list that fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    JetstreamError,
    ServerFault,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    Outcome,
    ProjectImage,
    StatusPeriod,
    UnattachedAddress,
    Volume,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import hygiene_info
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.image_cloud import ImageCloud
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context

DAY = 86400.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    states = {"active": 1, "shutoff": 1, "error": 1, "shelved_offloaded": 1}
    world = fleet(names=("web", "off", "bad", "old"), states=states, clock=ManualClock())
    add_colleague(world)
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def run(site: Site, **options: Any) -> Outcome:
    return on_cloud(hygiene_info.hygiene_info)(given(hygiene_info.SPEC, **site.options, **options), in_context(site))


def found(outcome: Outcome) -> dict[str, str]:
    return {each["name"]: each["kind"] for each in outcome.result["findings"]}


def test_findings_have_their_cost(site: Site) -> None:
    outcome = run(site)
    assert not outcome.changed
    assert found(outcome) == {"off": "asleep", "bad": "error"}
    # Half of the two cores of m1.small, a day.
    assert outcome.result["summary"]["su_per_day"] == 24
    assert outcome.result["summary"]["sentence"] == "2 found, which cost 24 SU a day: 1 asleep, 1 error."
    assert found(run(site, asleep_days=100)) == {"bad": "error"}


def test_the_history_is_read_of_those_alone_that_may_be_a_finding(site: Site) -> None:
    site.requests()
    run(site)
    requested = dict(site.requests())
    assert "action" not in requested
    assert requested["v2 instances"] == requested["v1 instances"] == 1
    site.world.force("off", "shelved_offloaded")
    site.world.force("bad", "shelved_offloaded")
    site.clock.sleep(60)
    run(site)
    assert not [kind for kind in site.requests() if "histor" in kind]


def test_others_things_are_none_of_the_findings_unless_they_are_meant(site: Site) -> None:
    site.world.force("jane-1", "error")
    assert "jane-1" not in found(run(site))
    assert found(run(site, owner=["any"]))["jane-1"] == "error"


def test_volumes_that_cannot_be_read_cost_no_other_finding(site: Site) -> None:
    site.server.faults.broken(times=None, path="/volumes")
    outcome = run(site)
    assert found(outcome) == {"off": "asleep", "bad": "error"}
    assert any("Volumes were not checked" in each for each in outcome.warnings)


class ProjectCloud(ImageCloud):
    """A cloud whose project has floating IPs and images. It is its own launcher."""

    unattached: Sequence[UnattachedAddress] | JetstreamError = (
        UnattachedAddress("a1", "149.165.156.15", "release a1"),
    )

    def launcher(self) -> Any:
        return self

    def unattached_addresses(self) -> Sequence[UnattachedAddress]:
        if isinstance(self.unattached, JetstreamError):
            raise self.unattached
        return self.unattached

    def list_allocation_sources(self) -> list[AllocationSource]:
        return []

    def list_volumes(self, **_options: object) -> list[Volume]:
        return []

    def list_history(self, since: object = None, wanted: object = None) -> list[StatusPeriod]:
        return []


def of_project(tmp_path: Path, cloud: ProjectCloud, **options: Any) -> Outcome:
    runner = OperationRunner(tmp_path, FakeClock())
    return runner.run(
        hygiene_info.SPEC, lambda given, context: hygiene_info.hygiene_info(cloud, given, context), **options
    )


def test_floating_ips_and_images_of_a_project_are_found(tmp_path: Path) -> None:
    kept, left = an_instance("kept", "shelved_offloaded"), an_instance("left")
    images = [ProjectImage(each.name, f"{each.name}-shelved", instance_uuid=each.uuid) for each in (kept, left)]
    cloud = ProjectCloud(FakeClock(), [kept, left], images)
    assert {"149.165.156.15": "unattached_address", "left-shelved": "leftover_image"}.items() <= found(
        of_project(tmp_path, cloud)
    ).items()
    # They belong to no user.
    assert not {"149.165.156.15", "left-shelved"} & found(of_project(tmp_path, cloud, owner=["jane"])).keys()


def test_a_service_that_does_not_answer_costs_no_other_finding(tmp_path: Path) -> None:
    left = an_instance("left")
    cloud = ProjectCloud(FakeClock(), [left], [ProjectImage("i", "left-shelved", instance_uuid=left.uuid)])
    cloud.unattached = ServerFault("Neutron is down.", status=503)
    outcome = of_project(tmp_path, cloud)
    assert found(outcome)["left-shelved"] == "leftover_image"
    assert "Neutron is down. Floating IPs were not checked." in outcome.warnings


def test_without_images_nothing_is_said_of_them(site: Site) -> None:
    assert not any("mage" in each for each in run(site).warnings)


@pytest.mark.parametrize("options", [{"asleep_days": -1}, {"ends_days": 4000}])
def test_numbers_that_mean_nothing_are_refused(site: Site, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="must be between 0 and 3660"):
        run(site, **options)
