# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost before and after a task is exact, and an unknown cost is in no sum."""

from __future__ import annotations

from decimal import Decimal

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Flavor
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.costs import (
    NOT_THERE,
    CostedState,
    InstanceCost,
    cost_lines,
    costed,
    total_costs,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.rates import DEFAULT_RATES

ACTIVE = costed("active", Flavor("g5.large", vcpus=32), "active", DEFAULT_RATES)
STOPPED = costed("shutoff", Flavor("g5.large", vcpus=32), "shutoff", DEFAULT_RATES)
STRANGE = costed("active", Flavor("p3.tiny", vcpus=2), "active", DEFAULT_RATES)


def test_the_added_cost_of_a_task_is_negative_if_it_saves() -> None:
    launched = [InstanceCost("a", NOT_THERE, ACTIVE), InstanceCost("b", STOPPED, STOPPED)]
    assert total_costs(launched) == {"before": 102.4, "after": 307.2, "difference": 204.8, "unknown": []}
    deleted = [InstanceCost("a", ACTIVE, NOT_THERE)]
    assert total_costs(deleted) == {"before": 204.8, "after": 0, "difference": -204.8, "unknown": []}


def test_an_unknown_cost_is_in_no_sum_and_named() -> None:
    costs = [InstanceCost("a", NOT_THERE, ACTIVE), InstanceCost("b", ACTIVE, STRANGE)]
    assert total_costs(costs) == {"before": 0, "after": 204.8, "difference": 204.8, "unknown": ["b"]}
    assert total_costs(costs[1:]) == {"before": None, "after": None, "difference": None, "unknown": ["b"]}
    assert total_costs([]) == {"before": 0, "after": 0, "difference": 0, "unknown": []}


def test_lines_have_each_state_with_its_cost_and_the_sum() -> None:
    lines = cost_lines([("a", NOT_THERE), ("b", ACTIVE), ("c", STRANGE)])
    assert lines == (
        "a: absent\nb: active, 204.8 SU/h\nc: active, - SU/h (p3.tiny has no known rate)\n"
        "these 3 instances: 204.8 SU/h, without 1 of unknown cost\n"
    )
    assert cost_lines([("c", STRANGE)]).endswith("\nthis instance: - SU/h\n")
    assert cost_lines([("d", CostedState("absent", None))]) == "d: absent, - SU/h\nthis instance: - SU/h\n"
    assert cost_lines([("e", CostedState("active", Decimal("1E+2")))]).startswith("e: active, 100 SU/h\n")
    assert cost_lines([]) == ""
