# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times are read and written in one form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso, moment, moment_or_none

WEST = timezone(-timedelta(hours=5))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-23T18:57:00Z", datetime(2026, 11, 23, 18, 57, tzinfo=UTC)),
        ("2026-11-23T18:57:00.123456Z", datetime(2026, 11, 23, 18, 57, 0, 123456, tzinfo=UTC)),
        ("2026-11-23T13:57:00-05:00", datetime(2026, 11, 23, 18, 57, tzinfo=UTC)),
        ("2026-11-23T18:57", datetime(2026, 11, 23, 18, 57, tzinfo=UTC)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_reads_a_time(text: str, read: datetime) -> None:
    assert moment(text) == moment_or_none(text) == read
    assert moment(text).tzinfo is not None


def test_a_time_without_a_zone_is_in_the_one_that_is_given() -> None:
    assert moment("2026-11-23T13:57", WEST) == datetime(2026, 11, 23, 18, 57, tzinfo=UTC)
    assert moment("2026-11-23T13:57Z", WEST) == datetime(2026, 11, 23, 13, 57, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "11/23/2026", "2026-11-31", None, 7, [], {}, True])
def test_anything_else_is_none(text: object) -> None:
    assert moment_or_none(text) is None
    with pytest.raises(ValueError):  # noqa: PT011 - any will do
        moment(text)


def test_writes_a_time_in_utc_to_the_second() -> None:
    assert iso(datetime(2026, 11, 23, 13, 57, 0, 999999, tzinfo=WEST)) == "2026-11-23T18:57:00Z"
    assert iso(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
