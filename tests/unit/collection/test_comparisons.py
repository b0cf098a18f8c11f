# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that show one fleet in two tools: the lines are counted, and both have the same fleet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import hcl2
import pytest
from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.launching import lines, playbooks
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT
from lark import UnexpectedInput

_COUNTED = re.compile(r"^With `[\w.]+`, (?P<said>\d+) lines:\n\n```\w+\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
TERRAFORM = (ROOT / "docs" / "from_terraform.md").read_text(encoding="utf-8")
OPENSTACK_CLOUD = (ROOT / "docs" / "from_openstack_cloud.md").read_text(encoding="utf-8")


def test_the_lines_beside_terraform_are_counted() -> None:
    found = [(int(each["said"]), sum(bool(line.strip()) for line in each["text"].splitlines())) for each in _fences()]
    assert len(found) == 2
    assert [said for said, _counted in found] == [counted for _said, counted in found]


def test_both_pages_have_the_playbook_that_was_measured() -> None:
    [shown] = [each["text"] for each in _fences() if each["text"].startswith("- name")]
    assert shown in OPENSTACK_CLOUD


def test_the_lines_beside_openstack_cloud_are_those_of_the_measured_playbooks() -> None:
    counted = lines(OPENSTACK_CLOUD)
    row = f"| Lines of both playbooks | {counted['jetstream.cloud']} | {counted['openstack.cloud']} |"
    assert row in OPENSTACK_CLOUD
    assert {name: len(parts) for name, parts in playbooks(OPENSTACK_CLOUD).items()} == dict.fromkeys(counted, 2)


def test_the_fleet_of_terraform_can_be_read_and_has_all_that_it_refers_to() -> None:
    [text] = [each["text"] for each in _fences() if each["text"].startswith("terraform {")]
    made = hcl2.loads(text)
    kinds = {kind: _declared(made[kind]) for kind in ("data", "resource")}
    assert {kind: len(names) for kind, names in kinds.items()} == {"data": 1, "resource": 6}
    referred = set(re.findall(r"(data\.|)\b(openstack_\w+)\.(\w+)", text))
    assert {f"{kind}.{name}" for data, kind, name in referred if not data} <= kinds["resource"]
    assert {f"{kind}.{name}" for data, kind, name in referred if data} == kinds["data"]


def test_a_fleet_of_terraform_with_a_mistake_cannot_be_read() -> None:
    [text] = [each["text"] for each in _fences() if each["text"].startswith("terraform {")]
    with pytest.raises(UnexpectedInput):
        hcl2.loads(text.replace("count.index + 1)", "count.index + 1"))


def _declared(blocks: Iterable[Mapping[str, Mapping[str, object]]]) -> set[str]:
    """Return what blocks declare, as kind.name."""
    return {f"{kind}.{name}".replace('"', "") for block in blocks for kind, named in block.items() for name in named}


def _fences() -> list[re.Match[str]]:
    return list(_COUNTED.finditer(TERRAFORM))
