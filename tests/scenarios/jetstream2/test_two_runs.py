# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two processes that run the same task, or opposite ones, against a real nova at the same time."""

from __future__ import annotations

import os
import traceback
from typing import Any

from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.test_kills import (
    LAUNCH,
    NODES,
    REMOVAL,
    _addresses,
    _servers,
)
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User


def at_once(user: User, mine: dict[str, Any], theirs: dict[str, Any]) -> tuple[Done, str]:
    """Run a task here, and one in a process of its own. Returns the first, and the failure of the second one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        failure = "It was ended."
        try:
            failure = user.task("instance", **theirs).failure
        except Exception:
            failure = traceback.format_exc()
        finally:
            os.write(writing, failure.encode())
            os._exit(0)
    os.close(writing)
    done = user.task("instance", **mine)
    os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return done, told.read()


def test_two_launches_of_one_template_make_one_fleet_and_both_say_so(user: User) -> None:
    # A neutron that has just started leaves out attributes of networks in its first responses, if they are two at once.
    assert user.task("instance", check_mode=True, **LAUNCH).failure == ""
    done, failure = at_once(user, LAUNCH, LAUNCH)
    assert (done.failure, failure) == ("", "")
    there = _servers(user)
    assert (sorted(there.values()), _addresses(user)) == (NODES, sorted(there))
    assert {each["uuid"] for each in done.result["instances"]} == set(there)
    assert user.task("instance", **LAUNCH).outcome.changed is False


def test_two_deletions_leave_nothing_and_both_say_so(user: User) -> None:
    assert user.task("instance", **LAUNCH).failure == ""
    done, failure = at_once(user, REMOVAL, REMOVAL)
    assert (done.failure, failure) == ("", "")
    assert (_servers(user), _addresses(user)) == ({}, [])
    assert user.task("instance", **REMOVAL).outcome.changed is False


def test_a_launch_beside_a_deletion_leaves_no_orphan_and_the_next_run_heals(user: User) -> None:
    assert user.task("instance", **LAUNCH).failure == ""
    at_once(user, LAUNCH, REMOVAL)
    assert user.task("instance", **LAUNCH).failure == ""
    there = _servers(user)
    assert (sorted(there.values()), _addresses(user)) == (NODES, sorted(there))
    assert user.task("instance", **REMOVAL).failure == ""
    assert (_servers(user), _addresses(user)) == ({}, [])
