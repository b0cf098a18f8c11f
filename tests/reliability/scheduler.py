# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that run one at a time, in the order of a seed, with a clock that moves only while all of them wait.

So a run with sixteen threads takes no time, is reproducible, and its clock agrees with a real one: sixteen sleeps of a
second that begin together take a second.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Generic, TypeVar
from unittest import mock

Made = TypeVar("Made")
Thing = TypeVar("Thing")
START = datetime(2026, 11, 23, 18, 57, tzinfo=UTC)
# No run of the product takes so long by its clock, or so many steps.
_LONGEST = 7 * 86400.0
_MOST_STEPS = 500_000


class Stuck(Exception):
    """All threads wait for each other, or one runs for ever."""


class _Task:
    __slots__ = ("gate", "ready", "wake_at")

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()
        # What a task waits for: a time, or a condition; neither while it may go on.
        self.wake_at: float | None = None
        self.ready: Callable[[], bool] | None = None


class _Pool:
    """Threads that are reused, since making a thread takes longer than the work of most of them."""

    def __init__(self) -> None:
        self._idle: deque[tuple[threading.Lock, list[Callable[[], None]]]] = deque()

    def start(self, work: Callable[[], None]) -> None:
        if self._idle:
            gate, box = self._idle.pop()
            box.append(work)
            gate.release()
            return
        gate, box = threading.Lock(), [work]
        threading.Thread(target=self._serve, args=(gate, box), daemon=True).start()

    def _serve(self, gate: threading.Lock, box: list[Callable[[], None]]) -> None:
        gate.acquire()
        while True:
            box.pop()()
            self._idle.append((gate, box))
            gate.acquire()


_POOL = _Pool()


class Scheduler:
    """The threads of a run, and their clock. ``order`` chooses among several threads that can run."""

    def __init__(self, order: random.Random) -> None:
        """Start at time 0, with the current thread."""
        self._order = order
        self._now = 0.0
        self._steps = 0
        self._main = self._current = _Task()
        self._tasks = [self._main]
        self._failure: BaseException | None = None

    def monotonic(self) -> float:
        """Return the seconds since the begin."""
        return self._now

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        return START + timedelta(seconds=self._now)

    def sleep(self, seconds: float) -> None:
        """Let other threads run for ``seconds``. Raises ValueError for less than 0, as a real clock does."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._current.wake_at = self._now + seconds
        self._turn()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Let other threads run until a condition holds."""
        if not ready():
            self._current.ready = ready
            self._turn()

    def freeze(self, seconds: float) -> None:
        """Let time pass without running a thread, as while a machine sleeps, so that all waits end late."""
        self._now += seconds

    def at(self, seconds: float, do: Callable[[], object]) -> None:
        """Call something after ``seconds``."""

        def later() -> None:
            self.sleep(seconds)
            do()

        self.start(later)

    def start(self, work: Callable[[], object]) -> None:
        """Start another thread. An exception in it ends the run."""
        task = _Task()
        self._tasks.append(task)

        def body() -> None:
            task.gate.acquire()
            try:
                if self._failure is None:
                    work()
            except BaseException as error:
                self._failure = self._failure or error
            self._end(task)

        _POOL.start(body)

    def finish(self) -> None:
        """Wait until all other threads have ended. Raises the exception of one that failed."""
        self.wait(lambda: len(self._tasks) == 1)
        if self._failure:
            raise self._failure

    def _turn(self) -> None:
        mine, following = self._current, self._next()
        if following is not mine:
            self._current = following
            following.gate.release()
            mine.gate.acquire()
        if mine is self._main and self._failure is not None:
            raise self._failure

    def _end(self, task: _Task) -> None:
        self._tasks.remove(task)
        self._current = self._main if self._failure else self._next()
        self._current.gate.release()

    def _next(self) -> _Task:
        """Choose the next thread, and move the clock to its time. If none can run, the main thread does."""
        self._steps += 1
        ready = [task for task in self._tasks if self._is_ready(task)]
        if not ready:
            times = [task.wake_at for task in self._tasks if task.wake_at is not None]
            if not times:
                return self._give_up("All threads wait for each other.")
            self._now = max(self._now, min(times))
            ready = [task for task in self._tasks if self._is_ready(task)]
        if self._steps > _MOST_STEPS or self._now > _LONGEST:
            return self._give_up(f"The run does not end: {self._steps} steps, {self._now:.0f} s.")
        chosen = ready[0] if len(ready) == 1 else self._order.choice(ready)
        chosen.wake_at = chosen.ready = None
        return chosen

    def _is_ready(self, task: _Task) -> bool:
        if task.wake_at is not None:
            return task.wake_at <= self._now
        return task.ready is None or task.ready()

    def _give_up(self, why: str) -> _Task:
        self._failure = self._failure or Stuck(why)
        return self._main


class ScheduledLock:
    """A lock whose wait lets other threads run. ``reentrant``: its holder may acquire it again."""

    def __init__(self, scheduler: Scheduler, *, reentrant: bool = False) -> None:
        """Start without a holder."""
        self._scheduler = scheduler
        self._reentrant = reentrant
        self._holder: object = None
        self._depth = 0

    def acquire(self) -> bool:
        """Wait until the lock is free, and acquire it."""
        me = self._scheduler._current
        if not (self._reentrant and self._holder is me):
            while self._depth:
                self._scheduler.wait(lambda: self._depth == 0)
            self._holder = me
        self._depth += 1
        return True

    def release(self) -> None:
        """Release the lock."""
        self._depth -= 1

    def __enter__(self) -> bool:
        """Acquire the lock."""
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock."""
        self.release()


class ScheduledQueue(Generic[Thing]):
    """The methods of queue.SimpleQueue that the product uses."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Begin empty."""
        self._scheduler = scheduler
        self._things: deque[Thing] = deque()

    def put(self, thing: Thing) -> None:
        """Add a thing."""
        self._things.append(thing)

    def get(self) -> Thing:
        """Wait for an item, and return it."""
        self._scheduler.wait(lambda: bool(self._things))
        return self._things.popleft()

    def get_nowait(self) -> Thing:
        """Return the first item. Raises queue.Empty if there is none."""
        if not self._things:
            from queue import Empty

            raise Empty
        return self._things.popleft()


class _Thread:
    def __init__(self, scheduler: Scheduler, target: Callable[[], object]) -> None:
        self._scheduler = scheduler
        self._target = target

    def start(self) -> None:
        self._scheduler.start(self._target)


class _Threading:
    """Replaces ``threading`` in modules of the product."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def Thread(self, *, target: Callable[[], object], daemon: bool) -> _Thread:  # noqa: N802
        return _Thread(self._scheduler, target)

    def Lock(self) -> ScheduledLock:  # noqa: N802
        return ScheduledLock(self._scheduler)

    def RLock(self) -> ScheduledLock:  # noqa: N802
        return ScheduledLock(self._scheduler, reentrant=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)


@contextmanager
def scheduled(scheduler: Scheduler, modules: Iterable[Any]) -> Iterator[None]:
    """Let modules use the scheduler's threads, locks and queues, for a with statement."""
    replacements: dict[str, Any] = {
        "threading": _Threading(scheduler),
        "SimpleQueue": lambda: ScheduledQueue(scheduler),
    }
    with ExitStack() as patches:
        for module in modules:
            for name, replacement in replacements.items():
                if name in vars(module):
                    patches.enter_context(mock.patch.object(module, name, replacement))
        yield
