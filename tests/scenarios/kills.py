# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed (kill -9) at a moment that a seed chooses: before, during or after a request."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Session

# A request on loopback takes about as long.
_DURING_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Moment:
    """The moment of a kill: the number of a request, from 1, and the side: before, during or after it.

    ``later``: seconds by the cloud's clock until the next run.
    """

    request: int
    side: Literal["before", "during", "after"]
    delay: float
    later: float

    @classmethod
    def of(cls, what: str, seed: int, requests: int) -> Moment:
        """Return the moment that a seed chooses in a run with a number of requests."""
        dice = random.Random(f"{what} {seed}")
        side: Literal["before", "during", "after"] = dice.choice(("before", "during", "after"))
        return cls(dice.randint(1, requests), side, dice.uniform(0, _DURING_SECONDS), dice.choice((0.0, 2.0, 20.0)))


def sent_by(run: Callable[[], object]) -> int:
    """Return the number of requests that a run sends."""
    numbers = itertools.count(1)
    last = 0
    really = Session.send

    def send(self: Session, *positional: Any, **named: Any) -> Any:
        nonlocal last
        last = next(numbers)
        return really(self, *positional, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "send", send)
        run()
    return last


def killed(run: Callable[[], object], moment: Moment) -> bool:
    """Run something in a process of its own, which is killed at a moment. Return whether it was killed."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            _kill_at(moment)
            run()
        os._exit(0)
    _child, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _kill_at(moment: Moment) -> None:
    numbers = itertools.count(1)
    really = Session.send

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def send(self: Session, *positional: Any, **named: Any) -> Any:
        is_it = next(numbers) == moment.request
        if is_it and moment.side == "before":
            kill()
        if is_it and moment.side == "during":
            threading.Timer(moment.delay, kill).start()
        reply = really(self, *positional, **named)
        if is_it and moment.side == "after":
            kill()
        return reply

    setattr(Session, "send", send)  # noqa: B010 - this process ends with it
