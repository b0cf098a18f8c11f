# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failed try is reported with its age and its reason, which is a bounded line without secrets."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.failed_try import FailedTry


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-600, "just now"),
        (89, "just now"),
        (90, "2 minutes ago"),
        (15 * 60, "15 minutes ago"),
        (99 * 60, "99 minutes ago"),
        (2 * 3600 + 60, "2 hours ago"),
        (47 * 3600, "47 hours ago"),
        (3 * 86_400, "3 days ago"),
    ],
)
def test_a_failed_try_is_reported_with_its_age(seconds: float, age: str) -> None:
    failed = FailedTry(1000.0, "ssh: connect to host web port 22: Connection refused")
    as_clause = f"the last attempt to read it, {age}, failed: ssh: connect to host web port 22: Connection refused"
    assert failed.as_clause(1000.0 + seconds) == as_clause


@pytest.mark.parametrize(
    ("reason", "stderr", "kept"),
    [
        ("No route to host.\r\n", "", "No route to host"),
        ("a\x1b[2J\nb", "", None),
        ("y" * 5000, "", "y" * 200),
        ("The probe printed nothing.", "motd\nsudo: a password is required", None),
        ("It is s3cret.", "", "It is ********"),
    ],
)
def test_its_reason_is_one_short_line(reason: str, stderr: str, kept: str | None) -> None:
    made = FailedTry.of(1.0, reason, stderr=stderr, secrets=["s3cret"])
    assert "\n" not in made.reason
    assert "\x1b" not in made.reason
    assert "motd" not in made.reason
    assert len(made.reason) <= 200
    assert kept is None or made.reason == kept
    assert FailedTry.from_record(made.to_record()) == made
