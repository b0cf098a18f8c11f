# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets, and nothing else, are removed from data."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text.secrets import PART, WHOLE, without_secrets


@pytest.mark.parametrize(
    ("value", "secrets", "expected"),
    [
        ("staple", {"staple"}, WHOLE),
        ("say staple twice: staple", {"staple"}, f"say {PART} twice: {PART}"),
        # The longer secret goes first, so that no part of it is left.
        ("correct-staple", {"staple", "correct-staple"}, WHOLE),
        ("a correct-staple", {"staple", "correct-staple"}, f"a {PART}"),
        ({"staple": ["staple", {"msg": "no staple"}]}, {"staple"}, {"staple": [WHOLE, {"msg": f"no {PART}"}]}),
        (("staple", None), {"staple"}, [WHOLE, None]),
        ({"pin": 1234, "half": 12.34, "other": 99}, {"1234"}, {"pin": WHOLE, "half": 12.34, "other": 99}),
        # A flag that Ansible reads stays one.
        ({"changed": True, "failed": False, "diff": None}, {"True", "False", "None"}, None),
        ({"msg": "all is well"}, {""}, None),
        ({"msg": "all is well"}, set(), None),
    ],
)
def test_a_secret_is_taken_out_of_texts_and_numbers(value: Any, secrets: set[str], expected: Any) -> None:
    assert without_secrets(value, secrets) == (value if expected is None else expected)
