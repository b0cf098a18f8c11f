# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A family of flavors is known by its name's first part, and the documentation has the figures of the table."""

from __future__ import annotations

import re

import pytest
from ansible_collections.jetstream.cloud.plugins.doc_fragments.rates import ModuleDocFragment
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.flavors import FAMILIES, family_name, family_of
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT


@pytest.mark.parametrize(
    ("flavor", "family"), [("m3.small", "m3"), ("g3.xl.private", "g3"), ("m3", "m3"), ("p9.huge", "p9"), ("", "")]
)
def test_a_family_is_the_part_before_the_dot(flavor: str, family: str) -> None:
    assert family_name(flavor) == family
    assert family_of(flavor) is FAMILIES.get(family)


def test_the_page_about_rates_has_every_family_with_its_rate() -> None:
    page = (ROOT / "docs" / "rates.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", page, flags=re.MULTILINE)

    assert rows == [(name, str(family.su_per_core_hour)) for name, family in FAMILIES.items()]


def test_the_option_rates_names_every_family_with_its_rate() -> None:
    named = re.findall(r"V\(([a-z]\d)\) ([\d.]*\d)", ModuleDocFragment.DOCUMENTATION)

    assert named == [(name, str(family.su_per_core_hour)) for name, family in FAMILIES.items()]
