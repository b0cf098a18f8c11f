# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each finding of hygiene. A resource that is in order or being changed is no finding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.keeps import mark_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    Attachment,
    Flavor,
    Instance,
    ProjectImage,
    StatusPeriod,
    UnattachedAddress,
    Volume,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.hygiene import (
    Finding,
    Limits,
    findings_of_addresses,
    findings_of_allocations,
    findings_of_images,
    findings_of_instances,
    findings_of_keeps,
    findings_of_volumes,
    is_suspicious,
    state_since,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.rates import DEFAULT_RATES
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import INDIANA, JOHNDOE, SMALL, an_instance

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
ADDRESS = "149.165.156.15"
DAY = timedelta(days=1)
ODD = Flavor("x9.odd", vcpus=4)


def test_a_floating_ip_that_is_attached_to_nothing_has_the_command_that_releases_it() -> None:
    old, new, undated = (
        UnattachedAddress(uuid, ADDRESS, f"release {uuid}", created)
        for uuid, created in (("a1", "2026-11-22T18:00:00Z"), ("b2", "2026-11-23T17:45:00Z"), ("c3", None))
    )
    findings = list(findings_of_addresses([old, new, undated], Limits(), NOW))
    assert [each.uuid for each in findings] == ["a1", "c3"]
    [first, _last] = [each.to_result() for each in findings]
    assert (first["kind"], first["thing"], first["name"]) == ("unattached_address", "floating_ip", ADDRESS)
    assert (first["command"], first["since"]) == ("release a1", "2026-11-22T18:00:00Z")
    assert first["su_per_day"] is None


@pytest.mark.parametrize(
    ("instance", "created", "complete", "sentence"),
    [
        (an_instance("web"), "2026-11-20", True, "web, which is active now (2.5 GB); delete it"),
        (an_instance("web", "shutoff"), "2026-11-20", False, "web, which is shutoff now (2.5 GB); delete it"),
        (None, "2026-11-20", True, "an instance that is gone (2.5 GB); delete it"),
        (None, None, True, "an instance that is gone (2.5 GB); delete it"),
        # Its instance may be one that could not be read.
        (None, "2026-11-20", False, None),
        (an_instance("web", "shelved"), "2026-11-20", True, None),
        (an_instance("web", "shelved_offloaded"), "2026-11-20", True, None),
        (an_instance("web", "active", "shelving_image_uploading"), "2026-11-20", True, None),
        (replace(an_instance("web"), live=False), "2026-11-20", True, None),
        (an_instance("web"), "2026-11-23T17:45:00Z", True, None),
    ],
)
def test_an_image_is_left_over_only_if_no_unshelve_needs_it(
    instance: Instance | None, created: str | None, complete: bool, sentence: str | None
) -> None:
    uuid = "gone" if instance is None else instance.uuid
    image = ProjectImage("i1", "web-shelved", size=2.5, created=created, instance_uuid=uuid)
    others = [an_instance("other"), *([instance] if instance else [])]
    findings = list(findings_of_images([image], others, Limits(), NOW, complete=complete))
    if sentence is None:
        assert findings == []
        return
    [only] = findings
    assert only.sentence == f"it is left over from the shelving of {sentence}"
    assert (only.kind, only.thing) == ("leftover_image", "image")
    assert only.command == 'ansible localhost -m jetstream.cloud.jetstream_image -a "uuid=i1 state=absent"'


def found(instance: Instance, age: timedelta | None = 20 * DAY) -> list[Finding]:
    since = {} if age is None else {instance.uuid: NOW - age}
    return findings_of_instances([instance], since, DEFAULT_RATES, Limits(), NOW)


@pytest.mark.parametrize(
    ("instance", "age", "kind", "cost", "command"),
    [
        (an_instance("a"), timedelta(hours=5), "no_address", 48, "instance=1 -e do=reboot"),
        (an_instance("a", "shutoff"), 20 * DAY, "asleep", 24, "instance=1 -e do=shelve"),
        (an_instance("a", "suspended"), 20 * DAY, "asleep", 36, "instance=1 -e do=shelve"),
        (an_instance("a", "paused"), 20 * DAY, "asleep", 36, "instance=1 -e do=shelve"),
        (an_instance("a", "error"), None, "error", None, "instance=1 -e do=reboot -e reboot_type=hard"),
        (replace(an_instance("a", "shelved"), on_host=False), None, "stuck_shelved", None, None),
        (an_instance("a", "shelved_offloaded", flavor=ODD), None, "unknown_rate", None, None),
    ],
)
def test_an_instance_that_needs_attention(
    instance: Instance, age: timedelta | None, kind: str, cost: int | None, command: str | None
) -> None:
    [finding] = found(instance, age)
    assert (finding.kind, finding.cost) == (kind, cost)
    assert (finding.command is None) == (command is None)
    assert (finding.command or "").endswith(command or "")


@pytest.mark.parametrize(
    ("instance", "age"),
    [
        (an_instance("a", ip_address=ADDRESS), 20 * DAY),
        (replace(an_instance("a"), addresses=("10.0.0.5",)), 20 * DAY),
        (an_instance("a"), timedelta(minutes=29)),
        (an_instance("a"), None),
        (an_instance("a", "active", "deploying"), 20 * DAY),
        (an_instance("a", "shutoff"), 13 * DAY),
        (an_instance("a", "shutoff", "powering-on"), 20 * DAY),
        (an_instance("a", "shelved_offloaded"), 400 * DAY),
        (replace(an_instance("a", "shelved", "shelving_offloading"), on_host=False), 20 * DAY),
        (replace(an_instance("a", "shelved"), on_host=None), 20 * DAY),
        (an_instance("a", "deleted"), 20 * DAY),
        (an_instance("a", "error", live=False), 20 * DAY),
    ],
)
def test_a_resource_that_is_in_order_or_being_changed_is_no_finding(instance: Instance, age: timedelta | None) -> None:
    assert found(instance, age) == []


def test_a_name_of_a_user_is_in_no_command() -> None:
    [finding] = found(an_instance("x; rm -rf ~", "shutoff"))
    assert finding.command is not None
    assert "rm -rf" not in finding.command


def a_period(status: str, start: datetime, end: datetime | None, number: int = 1) -> StatusPeriod:
    instance = an_instance("a")
    return StatusPeriod(number, instance.id, instance.uuid, instance.name, status, "", SMALL, start, end)


def test_since_when_an_instance_is_in_its_state() -> None:
    periods = [
        a_period("shutoff", NOW - 30 * DAY, NOW - 25 * DAY),
        a_period("active", NOW - 25 * DAY, NOW - 20 * DAY),
        a_period("shutoff", NOW - 20 * DAY, NOW - 10 * DAY),
        a_period("shutoff", NOW - 10 * DAY, None),
    ]
    assert state_since(an_instance("a", "shutoff"), periods) == NOW - 20 * DAY
    assert state_since(an_instance("a", "active"), periods) is None
    assert state_since(an_instance("b", "shutoff"), periods) is None


@pytest.mark.parametrize(
    ("instance", "suspicious"),
    [
        (an_instance("a", ip_address=ADDRESS), False),
        (an_instance("a"), True),
        (an_instance("a", "shutoff"), True),
        (an_instance("a", "shelved_offloaded"), False),
        (an_instance("a", "error"), True),
        (an_instance("a", "deleted"), False),
    ],
)
def test_the_history_is_read_of_those_that_may_be_a_finding(instance: Instance, suspicious: bool) -> None:
    assert is_suspicious(instance) == suspicious


def a_volume(status: str | None, **changes: Any) -> Volume:
    volume = Volume(5, "v-5", "scratch", 100, status, INDIANA, JOHNDOE, "johndoe", "johndoe")
    return replace(volume, start_date="2026-01-01T00:00:00Z", **changes)


@pytest.mark.parametrize(
    ("volume", "kinds"),
    [
        (a_volume("available"), ["unattached"]),
        (a_volume("reserved"), ["stuck_volume"]),
        (a_volume("attaching"), ["stuck_volume"]),
        (a_volume("error_deleting"), ["volume_error"]),
        (a_volume("in-use", attachments=(Attachment("u"),)), []),
        (a_volume(None), []),
        (replace(a_volume("creating"), start_date="2026-11-23T17:45:00Z"), []),
        (replace(a_volume("available"), start_date="2026-11-23T17:45:00Z"), []),
    ],
)
def test_volumes(volume: Volume, kinds: list[str]) -> None:
    assert [each.kind for each in findings_of_volumes([volume], Limits(), NOW)] == kinds


@pytest.mark.parametrize(
    ("metadata", "kinds"),
    [
        (None, []),
        ({}, []),
        ({"jetstream_keep_until": "2026-11-20"}, ["ended_keep"]),
        ({"jetstream_keep_until": "2026-12-20"}, []),
        ({"jetstream_keep_until": "soon"}, ["unreadable_keep"]),
        ({"jetstream_keep_until": ""}, ["unreadable_keep"]),
        ({"jetstream_keep_until": "2026-12-20", "jetstream_keep_from": "2026-12-14"}, []),
        ({"jetstream_keep_until": "2026-12-20", "jetstream_keep_from": "soon"}, ["unreadable_keep"]),
        ({"jetstream_keep_from": "2026-12-14"}, ["unreadable_keep"]),
    ],
)
def test_keep_marks(metadata: dict[str, str] | None, kinds: list[str]) -> None:
    instance = replace(an_instance("a"), metadata=metadata)
    assert [each.kind for each in findings_of_keeps([instance], {}, NOW)] == kinds


def test_an_unreadable_mark_of_the_file_is_a_finding_and_an_ended_one_is_not() -> None:
    instance = an_instance("a")
    for text, kinds in (("soon", ["unreadable_keep"]), ("2026-11-20", [])):
        marks = {instance.uuid: mark_of(text, "file")}
        assert [each.kind for each in findings_of_keeps([instance], marks, NOW)] == kinds


def kinds_of_allocations(end: str | None, *instances: Instance) -> list[str]:
    sources = [AllocationSource("TG", "cpu", end_date=end)]
    return [each.kind for each in findings_of_allocations(sources, instances, DEFAULT_RATES, Limits(), NOW)]


def test_allocations_that_end_and_instances_that_none_pays_for() -> None:
    cpu, other = AllocationSource("TG", "cpu"), AllocationSource("TG", "gpu")
    assert kinds_of_allocations("2026-12-20") == ["allocation_ends"]
    assert kinds_of_allocations("2026-11-20") == ["allocation_ends"]
    assert kinds_of_allocations("2027-06-30") == []
    assert kinds_of_allocations(None) == []
    assert kinds_of_allocations(None, an_instance("a", allocation_source=cpu)) == []
    assert kinds_of_allocations(None, an_instance("a", allocation_source=other)) == ["unpaid"]
    assert kinds_of_allocations(None, an_instance("a")) == ["unpaid"]
    # A shelved one costs nothing.
    assert kinds_of_allocations(None, an_instance("a", "shelved_offloaded")) == []
