# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of a list that an option names, for launches and volumes alike."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.named_rows import row_called
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError

LAB = {"name": "lab", "uuid": "u-1"}
GEO = {"name": "geo", "uuid": "u-2"}
TWIN = {"name": "geo", "uuid": "u-3"}


@pytest.mark.parametrize(
    ("rows", "wanted", "found"),
    [
        ([LAB], None, LAB),
        ([LAB, GEO], "geo", GEO),
        ([LAB, GEO, TWIN], "u-3", TWIN),
        ([{"name": None, "uuid": "u-4"}, LAB], "lab", LAB),
    ],
)
def test_a_name_or_a_uuid_or_nothing_means_one_row(rows: list[Any], wanted: str | None, found: object) -> None:
    assert row_called(rows, wanted, "project") is found


@pytest.mark.parametrize(
    ("rows", "wanted", "words"),
    [
        ([], None, "project is not set, and the account has none."),
        ([LAB, GEO], None, "project is not set. Set project to one of these: geo, lab."),
        ([LAB, GEO], "la", "project: la does not exist. Did you mean lab?"),
        ([LAB], "chemistry", "project: chemistry does not exist."),
        ([TWIN, GEO, LAB], "geo", "project: the name geo is ambiguous. Use a UUID: u-2, u-3."),
    ],
)
def test_any_other_text_is_refused_with_the_names_to_use(rows: list[Any], wanted: str | None, words: str) -> None:
    with pytest.raises(SelectionError) as refused:
        row_called(rows, wanted, "project")
    assert str(refused.value) == words
