# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of an instance is exact, follows the user's own table, and is never guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Flavor
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.rates import (
    DEFAULT_RATES,
    Rates,
    exact,
    figure,
    number,
    number_if_known,
)
from hypothesis import given
from hypothesis import strategies as st


def a_flavor(name: str, vcpus: int | None = 8) -> Flavor:
    return Flavor(name=name, vcpus=vcpus)


@pytest.mark.parametrize(
    ("flavor", "vcpus", "status", "su_per_hour"),
    [
        ("m1.tiny", 1, "active", "1"),
        ("m1.xlarge", 24, "active", "24"),
        ("m1.xlarge", 24, "suspended", "18"),
        ("m1.xlarge", 24, "paused", "18"),
        ("m1.xlarge", 24, "shutoff", "12"),
        ("m1.xlarge", 24, "shelved", "0"),
        ("m1.xlarge", 24, "shelved_offloaded", "0"),
        ("m3.small", 2, "active", "2"),
        ("r3.large", 64, "active", "128"),
        ("g3.small", 4, "active", "8"),
        ("g4.large", 32, "active", "224"),
        ("g5.large", 32, "active", "204.8"),
        ("g5.large", 32, "suspended", "153.6"),
        # A state without a known share is charged in full.
        ("m1.small", 2, "reboot", "2"),
        ("m1.small", 2, "verify_resize", "2"),
        ("m1.small", 2, "build", "0"),
        ("m1.small", 2, "error", "0"),
        ("m1.small", 2, "deleted", "0"),
        ("m1.small", 2, "soft_deleted", "0"),
        ("m1.small", 2, "missing", "0"),
    ],
)
def test_cores_are_charged_by_family_and_state(flavor: str, vcpus: int, status: str, su_per_hour: str) -> None:
    assert DEFAULT_RATES.su_per_hour(a_flavor(flavor, vcpus), status) == Decimal(su_per_hour)


@pytest.mark.parametrize("flavor", [a_flavor("x9.big"), a_flavor("m1.small", None), a_flavor(""), a_flavor("m1small")])
def test_the_cost_of_an_unknown_flavor_is_not_known(flavor: Flavor) -> None:
    assert DEFAULT_RATES.su_per_hour(flavor, "active") is None
    assert DEFAULT_RATES.su_per_hour(flavor, "shelved") is None


def test_the_rates_of_a_user_come_first() -> None:
    rates = Rates.from_options(
        {"families": {"m1": "0.5", "x9": 3}, "flavors": {"m1.tiny": 0.25}, "states": {"shutoff": 1, "shelved": 0.1}}
    )
    costs = {
        (name, status): rates.su_per_hour(a_flavor(name), status)
        for name, status in [
            ("m1.small", "active"),
            ("x9.big", "active"),
            ("m1.tiny", "active"),
            ("m1.tiny", "shutoff"),
            ("m1.small", "shelved"),
            ("m3.small", "suspended"),
        ]
    }
    assert list(costs.values()) == [Decimal(each) for each in ("4", "24", "0.25", "0.25", "0.4", "6")]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"flavors": {"m1.tiny": "cheap"}}, "rates.flavors: m1.tiny is 'cheap', which is not a number."),
        ({"flavors": {"m1.tiny": None}}, "rates.flavors: m1.tiny is None, which is not a number."),
        ({"families": {"m1": True}}, "rates.families: m1 is True, which is not a number."),
        ({"families": {"m1": -1}}, "rates.families: m1 is -1, but must be at least 0, and below 1e15."),
        ({"families": {"m1": "inf"}}, "rates.families: m1 is 'inf', but must be at least 0, and below 1e15."),
        ({"families": {"m1": "nan"}}, "rates.families: m1 is 'nan', but must be at least 0, and below 1e15."),
        ({"states": {"shutoff": "half"}}, "rates.states: shutoff is 'half', which is not a number."),
        ({"states": {"shutoff": 50}}, "rates.states: shutoff is 50, but a share is from 0 to 1."),
        ({"states": {"shutoff": 1.01}}, "rates.states: shutoff is 1.01, but a share is from 0 to 1."),
        (
            {"families": {"m1": 10**15}},
            "rates.families: m1 is 1000000000000000, but must be at least 0, and below 1e15.",
        ),
    ],
)
def test_a_value_that_is_no_rate_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Rates.from_options(options)
    assert str(raised.value) == sentence


@given(hundredths=st.integers(min_value=0, max_value=10**9))
def test_a_number_is_shown_as_it_was_written(hundredths: int) -> None:
    text = str(Decimal(hundredths) / 100)
    shown = number(exact(float(text)))
    assert Decimal(str(shown)) == Decimal(text)
    assert isinstance(shown, int) == (Decimal(text) % 1 == 0)


def test_a_rate_may_be_zero_and_a_share_one() -> None:
    rates = Rates.from_options({"flavors": {"m1.tiny": 0}, "states": {"shutoff": 1}})
    assert rates.su_per_hour(a_flavor("m1.tiny"), "active") == Decimal(0)
    assert rates.su_per_hour(a_flavor("m1.small"), "shutoff") == Decimal(8)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (400, "400"),
        (0.1, "0.1"),
        ("0.1", "0.1"),
        (0, "0"),
        (-200.5, "-200.5"),
        (10**15 - 1, "999999999999999"),
        (10**15, None),
        (-(10**15), None),
        (float("nan"), None),
        (float("inf"), None),
        ("much", None),
        (True, None),
        (None, None),
    ],
)
def test_an_amount_of_a_server_is_exact_or_not_known(value: object, expected: str | None) -> None:
    assert figure(value) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("value", "shown"), [("1.0005", 1), ("1.0015", 1.002), ("-0.5", -0.5), ("7.000", 7), (f"{10**40}.25", None)]
)
def test_a_result_has_three_decimals_however_large_it_is(value: str, shown: float | None) -> None:
    expected = float(value) if shown is None else shown
    assert number_if_known(Decimal(value)) == number(Decimal(value)) == expected


def test_an_unknown_number_stays_unknown() -> None:
    assert number_if_known(None) is None
