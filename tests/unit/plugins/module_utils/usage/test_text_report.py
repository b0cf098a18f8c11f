# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that an allocation lasts, in words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import CloudAccount
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.report_data import AllocationStatus
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.text_report import (
    Headline,
    account_label,
    amount,
    day,
    headline,
    outlook,
    subject,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.usage import NOW, a_report, a_status

SEVEN = "At the pace of the last 7 days, 24 SU a day, it lasts"
NOW_TOO = "At the pace of this moment, 48 SU a day, it lasts"


@pytest.mark.parametrize(
    ("status", "head", "is_near", "sentences"),
    [
        (
            a_status("2400", "24", per_hour="2"),
            "100 days",
            False,
            [f"{SEVEN} until 3 March 2027.", f"{NOW_TOO} until 12 January 2027."],
        ),
        # The same pace is written once.
        (a_status("240", "24", per_hour="1"), "10 days", True, [f"{SEVEN} until 3 December 2026."]),
        # The fleet was stopped this evening: the habit stays what it was.
        (
            a_status("2400", "24", per_hour="0"),
            "100 days",
            False,
            [f"{SEVEN} until 3 March 2027.", "Nothing is using it now."],
        ),
        # The end comes first.
        (
            a_status("2400", "24", per_hour="1", end="2026-12-31"),
            "38 days",
            False,
            [f"{SEVEN} to its end on 31 December 2026."],
        ),
        (
            a_status("240", "24", per_hour="1", end="2026-12-31"),
            "10 days",
            True,
            [
                f"{SEVEN} until 3 December 2026.",
                "To last to its end on 31 December 2026, 6 SU a day can be used.",
            ],
        ),
        (
            a_status("2400", "0", per_hour="0", end="2026-12-31"),
            "38 days",
            False,
            ["Nothing used it in the last 7 days; it ends on 31 December 2026."],
        ),
        (a_status("2400", "0", per_hour="0"), "not in use", False, ["Nothing used it in the last 7 days."]),
        # Younger than a day: there is no habit yet.
        (a_status("2400", None, per_hour="2"), "50 days", False, [f"{NOW_TOO} until 12 January 2027."]),
        (
            a_status("2400", "24", per_hour="1", pace_days=2),
            "100 days",
            False,
            ["At the pace of the last 2 days, 24 SU a day, it lasts until 3 March 2027."],
        ),
        (a_status("12", "24", per_hour="1"), "less than a day", True, [f"{SEVEN} until 24 November 2026."]),
        (a_status("36", "24", per_hour="1"), "1 day", True, [f"{SEVEN} until 25 November 2026."]),
        (
            a_status("100", "0.00001", per_hour="0"),
            "not in use",
            False,
            [
                "At the pace of the last 7 days, <1 SU a day, it lasts for thousands of years.",
                "Nothing is using it now.",
            ],
        ),
        (a_status("-1", "24"), "used up", True, []),
        (a_status("2400", "24", end="2020-12-31"), "ended on 31 December 2020", True, []),
        (a_status(None), "not known", False, ["The site returns no remaining SU."]),
        (
            a_status("2400", None, unknown=("g9.big", "x1\x1b[2J")),
            "not known",
            False,
            ["The pace of the last 7 days is not known: no rate for g9.big, x1\N{REPLACEMENT CHARACTER}[2J."],
        ),
    ],
)
def test_reports_how_long_an_allocation_lasts_by_habit_first(
    status: AllocationStatus, head: str, is_near: bool, sentences: list[str]
) -> None:
    assert headline(status, NOW) == Headline(head, is_near)
    assert outlook(status) == sentences


def test_a_stop_of_the_fleet_does_not_move_the_date() -> None:
    before, after = a_status("2400", "24", per_hour="12"), a_status("2400", "24", per_hour="1")
    assert headline(before, NOW) == headline(after, NOW)
    assert outlook(before)[0] == outlook(after)[0]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (Decimal("48765.4"), "48,765"),
        (18759.5, "18,760"),
        (0, "0"),
        (0.4, "<1"),
        (0.5, "1"),
        (-0.2, "0"),
        (Decimal("-1234.5"), "-1,235"),
        (10**14, "100,000,000,000,000"),
    ],
)
def test_amounts_are_whole_numbers(value: Decimal | float | None, shown: str) -> None:
    assert amount(value) == shown


def test_days_have_no_leading_zero() -> None:
    assert day(date(2026, 12, 3)) == "3 December 2026"


@pytest.mark.parametrize(
    ("account", "long", "short"),
    [
        (
            CloudAccount("js2.example.org:5000", "IU", "ada", "TG-1", "5f"),
            "ada, project TG-1 at js2.example.org (IU)",
            "TG-1 at js2.example.org",
        ),
        (
            CloudAccount("atmo.example.org", "Atmosphere", "ada"),
            "ada at atmo.example.org (Atmosphere)",
            "ada at atmo.example.org",
        ),
        (CloudAccount("atmo.example.org", "", None), "atmo.example.org", "atmo.example.org"),
    ],
)
def test_names_which_account_it_is(account: CloudAccount, long: str, short: str) -> None:
    assert (account_label(account), account_label(account, short=True)) == (long, short)


def test_the_subject_has_the_account_and_the_days_in_one_line() -> None:
    report = a_report(a_status("2400", "24", name="CPU"), a_status("0", "24", name="G\nPU\x1b"))
    assert subject(report) == (
        "Jetstream, TG-GEO160014 at js2.jetstream-cloud.org: CPU: 100 days, 2,400 SU; "
        "G PU\N{REPLACEMENT CHARACTER}: used up, 0 SU"
    )
