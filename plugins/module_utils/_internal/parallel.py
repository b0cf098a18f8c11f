# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the same work on many items, a bounded number at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import TypeVar

Thing = TypeVar("Thing")
Made = TypeVar("Made")


def in_parallel(work: Callable[[Thing], Made], things: Iterable[Thing], max_concurrency: int) -> list[Made]:
    """Return the results of the work on each item, in their order.

    The first error ends it, wherever it is raised: what has not begun by then never does. What has begun is not waited
    for, neither here nor at the end of the process: Ctrl-C was pressed, or the time for a task is over.
    """
    todo = list(things)
    if len(todo) <= 1 or max_concurrency <= 1:
        return [work(each) for each in todo]
    waiting: SimpleQueue[int] = SimpleQueue()
    ended: SimpleQueue[tuple[int, Made] | BaseException] = SimpleQueue()
    over = threading.Event()
    for number in range(len(todo)):
        waiting.put(number)

    def serve() -> None:
        while not over.is_set():
            try:
                number = waiting.get_nowait()
            except Empty:
                return
            try:
                ended.put((number, work(todo[number])))
            except BaseException as error:
                over.set()
                ended.put(error)

    try:
        for _round in range(min(max_concurrency, len(todo))):
            # Not ThreadPoolExecutor: Python always waits for its threads before it ends.
            threading.Thread(target=serve, daemon=True).start()
        return _collect(ended, len(todo))
    finally:
        over.set()


def _collect(ended: SimpleQueue[tuple[int, Made] | BaseException], count: int) -> list[Made]:
    made: dict[int, Made] = {}
    while len(made) < count:
        end = ended.get()
        if isinstance(end, BaseException):
            raise end
        number, thing = end
        made[number] = thing
    return [made[number] for number in range(count)]
