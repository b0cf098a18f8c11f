# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change is sent until it is done, and never twice where it may have been carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    AuthenticationFailed,
    Conflict,
    JetstreamError,
    NotFound,
    PermissionDenied,
    RateLimited,
    Refused,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.resending import Resender
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock

LOST = ServerFault("busy", status=500)
UNSENT = Unreachable("no connection", unsent=True)


class Script:
    """Raises or returns the next of its answers at each call. The last one is repeated."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def sent(
    requests: Sequence[Any], reads: Sequence[Any] = (None,), deadline: float = 1000.0
) -> tuple[Callable[[], Any], Script, Script, FakeClock]:
    clock, request, find = FakeClock(), Script(*requests), Script(*reads)
    return lambda: Resender(clock, deadline).send(request, find), request, find, clock


@pytest.mark.parametrize("error", [UNSENT, RateLimited("slow down")])
def test_a_change_that_was_not_carried_out_is_resent_until_the_deadline_without_a_read(error: JetstreamError) -> None:
    send, request, find, clock = sent([error, error, error, "done"])
    assert (send(), request.calls, find.calls, clock.sleeps) == ("done", 4, 0, [2.0, 4.0, 8.0])
    send, request, find, clock = sent([error], deadline=10.0)
    with pytest.raises(type(error)) as raised:
        send()
    assert (request.calls, find.calls, raised.value.unclear, clock.monotonic() < 10.0) == (3, 0, False, True)


@pytest.mark.parametrize("error", [LOST, UnexpectedResponse("no JSON", status=200), Unreachable("reset")])
def test_a_lost_response_is_looked_for_twice_before_the_request_is_sent_again(error: JetstreamError) -> None:
    send, request, find, _clock = sent([error, "done"], [None, None])
    assert (send(), request.calls, find.calls) == ("done", 2, 2)
    send, request, find, _clock = sent([error], [None, "found"])
    assert (send(), request.calls, find.calls) == ("found", 1, 2)


def test_a_failed_read_is_repeated_and_after_too_many_the_outcome_is_unclear() -> None:
    send, request, find, _clock = sent([LOST], [ServerFault("also busy"), "found"])
    assert (send(), request.calls, find.calls) == ("found", 1, 2)
    send, request, find, _clock = sent([ServerFault("busy")], [ServerFault("also busy")])
    with pytest.raises(ServerFault, match="busy") as raised:
        send()
    assert (request.calls, find.calls, raised.value.unclear) == (1, 5, True)


def test_the_outcome_is_unclear_if_the_time_is_over_before_it_was_seen() -> None:
    send, request, find, clock = sent([ServerFault("busy")], deadline=5.0)
    with pytest.raises(ServerFault) as raised:
        send()
    assert (request.calls, find.calls, raised.value.unclear, clock.monotonic()) == (1, 1, True, 3.0)


def test_a_change_that_is_never_seen_was_not_carried_out() -> None:
    send, request, find, _clock = sent([ServerFault("busy")])
    with pytest.raises(ServerFault) as raised:
        send()
    assert (request.calls, find.calls, raised.value.unclear) == (3, 6, False)


@pytest.mark.parametrize("refusal", [Conflict("exists"), NotFound("gone"), Refused("already attached")])
def test_a_refusal_after_a_lost_response_may_mean_that_it_was_carried_out_late(refusal: JetstreamError) -> None:
    send, request, find, _clock = sent([LOST, refusal], [None, None, "found"])
    assert (send(), request.calls, find.calls) == ("found", 2, 3)
    send, request, find, _clock = sent([refusal])
    with pytest.raises(type(refusal)):
        send()
    assert (request.calls, find.calls) == (1, 0)


@pytest.mark.parametrize("error", [PermissionDenied("no"), UnexpectedResponse("a bare list", status=400)])
def test_a_refusal_is_final(error: JetstreamError) -> None:
    send, request, find, clock = sent([error])
    with pytest.raises(type(error)) as raised:
        send()
    assert (request.calls, find.calls, raised.value.unclear, clock.sleeps) == (1, 0, False, [])


def test_a_login_that_fails_ends_it_and_leaves_it_unclear_if_something_was_sent() -> None:
    send, request, _find, _clock = sent([AuthenticationFailed("refused")])
    with pytest.raises(AuthenticationFailed) as raised:
        send()
    assert (request.calls, raised.value.unclear) == (1, False)
    send, request, _find, _clock = sent([LOST], [AuthenticationFailed("refused")])
    with pytest.raises(AuthenticationFailed) as raised:
        send()
    assert (request.calls, raised.value.unclear) == (1, True)


def test_after_the_end_of_the_run_nothing_is_sent_again() -> None:
    over = Unreachable("The timeout is over.", unsent=True, transient=False)
    send, request, find, clock = sent([over])
    with pytest.raises(Unreachable):
        send()
    assert (request.calls, find.calls, clock.sleeps) == (1, 0, [])


def test_a_read_is_repeated_unless_it_is_refused() -> None:
    clock = FakeClock()
    read = Script(ServerFault("busy"), Unreachable("reset"), "row")
    assert (Resender(clock).read(read), read.calls, clock.sleeps) == ("row", 3, [3.0, 6.0])
    refused = Script(PermissionDenied("no"))
    with pytest.raises(PermissionDenied):
        Resender(clock).read(refused)
    assert refused.calls == 1
