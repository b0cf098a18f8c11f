# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments from a rulebook are checked and converted as Ansible does it for modules, without Ansible."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.arguments import checked
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.watch import SPEC
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"watch": ["idle"], "interval": 60, "owner": "me,janeroe", "announce_first": True},
        {"interval": "60", "announce_first": "yes", "name": ["web-*", 17], "timeout": "30"},
        {"state_path": "~/events.json", "keep_path": "$HOME/keep.json", "exclude": []},
        {"rates": {"sizes": {"g3.xl": 128}}, "settings": {"window_minutes": 30}, "backend": "openstack"},
    ],
)
def test_arguments_become_the_values_that_a_module_would_get(arguments: dict[str, Any]) -> None:
    expected = given(SPEC, **arguments)
    if expected["rates"]:
        # Ansible leaves an alias beside the option that it is of.
        del expected["rates"]["sizes"]

    assert checked(arguments, SPEC) == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"intervall": 60}, "There is no option intervall. Did you mean interval?"),
        ({"rates": {"flavours": {}}}, "There is no option rates.flavours. Did you mean flavors?"),
        ({"interval": "often"}, "interval is often, but must be a number."),
        ({"announce_first": "maybe"}, "announce_first is maybe, but must be true or false."),
        ({"watch": ["idleness"]}, "watch is idleness, but must be one of state, idle, deadline, budget."),
        ({"profile": ["lab"]}, "profile must be text."),
        ({"settings": "x"}, "settings must be a dictionary."),
        ({"interval": True}, "interval is True, but must be a number."),
        ({"interval": [300]}, "interval is [300], but must be a number."),
        ({"page_size": False}, "page_size is False, but must be a whole number."),
        ({"page_size": 20.5}, "page_size is 20.5, but must be a whole number."),
        # An empty element of a list in a rulebook, which would watch or select nothing.
        ({"watch": [None]}, "watch has an element without a value."),
        ({"name": ["web", None]}, "name has an element without a value."),
    ],
)
def test_a_wrong_one_is_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        checked(arguments, SPEC)
    assert str(refused.value) == sentence
