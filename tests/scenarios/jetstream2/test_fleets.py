# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of a task, counted by the cloud."""

from __future__ import annotations

from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User

POLLS = 6


def test_stopping_a_fleet_takes_one_list_one_action_each_and_few_polls(user: User) -> None:
    servers = user.has(12, name="node")
    user.task("volume_info")
    done = user.brings(servers, "stopped")
    assert done.result["summary"] == {
        "selected": 12,
        "changed": 12,
        "unchanged": 0,
        "skipped": 0,
        "failed": 0,
        "others": 0,
    }
    assert done.requests()[:13] == ["GET compute /servers/detail", *["POST compute /servers/action"] * 12]
    looks = done.requests()[13:]
    assert set(looks) <= {"GET compute /servers/detail", "GET compute /servers"}
    # The waiter looks at a few, and at all of them once they can be there.
    assert len(looks) <= 12 + POLLS
    again = user.brings(servers, "stopped")
    assert not again.outcome.changed
    assert again.requests() == ["GET compute /servers/detail"]


def test_check_mode_requests_the_list_and_nothing_else(user: User) -> None:
    servers = user.has(2, name="node")
    user.task("volume_info")
    done = user.brings(servers, "shelved", check_mode=True)
    assert done.outcome.changed
    assert done.requests() == ["GET compute /servers/detail"]
    assert {user.cloud.show(each)["status"] for each in servers} == {"ACTIVE"}
