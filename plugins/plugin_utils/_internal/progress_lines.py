# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of progress for a person who waits for a task."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...module_utils._internal.clock import Clock
from ...module_utils._internal.fleet.progress import Completion, Progress
from ...module_utils._internal.text.terminal import one_line

# Seconds without a line, after which another one says that the task is still running.
_HEARTBEAT = 10.0
_TICK = 1.0
# If more instances than this complete at once, they are counted instead of listed.
_TOLD_ONE_BY_ONE = 20
_NAMED = 3


class ProgressLines:
    """Turns progress into lines. ``say`` shows one; it is called by any thread, but by one at a time.

    ``whose`` is the host of the task: several may run at the same time.
    """

    def __init__(self, say: Callable[[str], None], clock: Clock, *, whose: str) -> None:
        """Say nothing yet."""
        self._say = say
        self._clock = clock
        self._whose = whose
        self._lock = threading.Lock()
        self._start = self._last_line = clock.monotonic()
        self._latest: Progress | None = None

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Say something now and then for as long as this lasts, also where nothing is reported."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(_TICK):
                self.beat()

        heart = threading.Thread(target=beat, daemon=True)
        heart.start()
        try:
            yield
        finally:
            over.set()
            heart.join()

    def report(self, progress: Progress) -> None:
        """Print the changes since the last call."""
        with self._lock:
            first = self._latest is None
            self._latest = progress
            if not first:
                self._tell_news(progress)
            elif progress.pending and progress.total > 1:
                self._line(f"{len(progress.pending)} of {progress.total} instances to be {progress.goal}")

    def beat(self) -> None:
        """Print that the task is still running, if no line was printed for some time."""
        with self._lock:
            if self._clock.monotonic() - self._last_line < _HEARTBEAT:
                return
            passed = _duration(self._clock.monotonic() - self._start)
            if self._latest is None:
                self._line(f"still reading the instances, after {passed}")
            elif self._latest.pending:
                self._line(f"{_standing(self._latest)} after {passed}, {_asked(self._latest)}{_late(self._latest)}")

    def _tell_news(self, progress: Progress) -> None:
        count = len(progress.completed)
        when = _duration(progress.elapsed)
        if count <= _TOLD_ONE_BY_ONE:
            for number, completion in enumerate(progress.completed, progress.ended - count + 1):
                self._line(f"{_sentence(completion)} ({number} of {progress.total}, {when})")
            return
        self._line(f"{_standing(progress)} after {when}")
        failed = [completion for completion in progress.completed if completion.failed]
        for completion in failed[:_NAMED]:
            self._line(_sentence(completion))
        if len(failed) > _NAMED:
            self._line(f"and {len(failed) - _NAMED} more failed")

    def _line(self, text: str) -> None:
        self._last_line = self._clock.monotonic()
        self._say(one_line(f"[{self._whose}] {text}"))


def _standing(progress: Progress) -> str:
    return f"{progress.ended} of {progress.total}" + (f", {progress.failed} failed," if progress.failed else "")


def _asked(progress: Progress) -> str:
    """Return how many actions were sent, or "" once all were."""
    return f"{progress.sent} sent, " if progress.sent < len(progress.pending) else ""


def _late(progress: Progress) -> str:
    more = len(progress.pending) - _NAMED
    return f"waiting for {', '.join(progress.pending[:_NAMED])}" + (f" and {more} more" if more > 0 else "")


def _sentence(completion: Completion) -> str:
    return f"{completion.label}{' failed' if completion.failed else ''}: {completion.message}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
