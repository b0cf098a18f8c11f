# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many calls run at the same time, up to a limit."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.parallel import in_parallel
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(), max_size=40), st.integers(1, 8))
def test_results_come_in_the_order_of_the_arguments(things: list[int], max_concurrency: int) -> None:
    assert in_parallel(lambda thing: -thing, things, max_concurrency) == [-thing for thing in things]


def test_no_more_are_under_way_than_were_allowed() -> None:
    lock = threading.Lock()
    under_way = most = 0
    # No thread goes on until three have arrived.
    meeting = threading.Barrier(3)

    def work(_thing: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        meeting.wait(10)
        with lock:
            under_way -= 1

    in_parallel(work, range(30), 3)
    assert most == 3


def test_an_error_ends_it_at_once_and_nothing_more_begins() -> None:
    begun: list[int] = []
    free = threading.Event()

    def work(thing: int) -> None:
        begun.append(thing)
        if thing == 1:
            raise KeyError(thing)
        free.wait(10)

    with pytest.raises(KeyError):
        in_parallel(work, range(100), 2)
    free.set()
    assert set(begun) == {0, 1}


def test_running_calls_do_not_keep_the_process_from_ending() -> None:
    program = (
        "import threading\n"
        "from ansible_collections.jetstream.cloud.plugins.module_utils._internal.parallel import in_parallel\n"
        "def work(thing):\n"
        "    if thing == 1: raise SystemExit(3)\n"
        "    threading.Event().wait()\n"
        "in_parallel(work, range(2), 2)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, timeout=20, check=False
    )
    assert ended.returncode == 3
