# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the same to many things at once, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Made = TypeVar("Made")


def in_parallel(work: Callable[[Thing], Made], things: Iterable[Thing], at_once: int) -> list[Made]:
    """Return what the work makes of each thing, in their order.

    The first error ends it: what has not begun by then never does.
    """
    todo = list(things)
    if len(todo) <= 1 or at_once <= 1:
        return [work(each) for each in todo]
    with ThreadPoolExecutor(max_workers=min(at_once, len(todo))) as pool:
        futures = [pool.submit(work, each) for each in todo]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
