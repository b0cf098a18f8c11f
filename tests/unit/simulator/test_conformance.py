# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator responds as a real Atmosphere did.

Recorded requests are sent again, in their order and at their times, and each response is compared with the recorded one
(comparing.py lists the values that may differ). Each section has a test, whose message names the exchanges that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.tests.unit.simulator import between, later_script, recorded, script
from ansible_collections.jetstream.cloud.tests.unit.simulator.comparing import differences
from ansible_collections.jetstream.cloud.tests.unit.simulator.recorded import SECTIONS, Answer, Exchange
from ansible_collections.jetstream.cloud.tests.unit.simulator.stage import Stage

# The count of replayed exchanges, as in README.md of the simulator.
REPLAYED = 840
LONG = 5000
# Importing them registers their steps.
SCRIPTS = (script, later_script)


class _Replay:
    """Repeats section after section on one stage, as tests ask for them: each needs the exchanges before its own."""

    def __init__(self) -> None:
        self._stage = Stage()
        self._last = 0
        self._answers: dict[str, list[tuple[Exchange, Answer]]] = {}

    def answers(self, section: str) -> list[tuple[Exchange, Answer]]:
        """Return a section's exchanges, each with the simulator's response."""
        for name in SECTIONS[len(self._answers) : SECTIONS.index(section) + 1]:
            self._answers[name] = [(exchange, self._repeat(exchange)) for exchange in recorded.section(name)]
        return self._answers[section]

    def _repeat(self, exchange: Exchange) -> Answer:
        for do in between.steps(after=self._last, until=exchange.number):
            do(self._stage)
        self._last = exchange.number
        return self._stage.repeat(exchange)

    def close(self) -> None:
        """End the simulator."""
        self._stage.close()


@pytest.fixture(scope="module")
def replay() -> Iterator[_Replay]:
    with closing(_Replay()) as begun:
        yield begun


@pytest.mark.parametrize("section", SECTIONS)
def test_answers_are_the_recorded_ones(replay: _Replay, section: str) -> None:
    found = [
        f"{exchange}: {exchange.method} {exchange.path}\n    {difference}"
        for exchange, answer in replay.answers(section)
        for difference in differences(exchange.path, exchange.answer, answer)
    ]
    assert not found, "\n".join([f"{len(found)} differences", *found])


def test_every_kept_recording_is_replayed(replay: _Replay, record_property: Callable[[str, object], None]) -> None:
    replayed = [exchange for section in SECTIONS for exchange, _answer in replay.answers(section)]
    kept = {path.stem for path in recorded.RECORDINGS.iterdir()}
    record_property("replayed", len(replayed))
    print(f"{len(replayed)} recorded exchanges replayed")
    assert kept == set(SECTIONS)
    assert len(replayed) == REPLAYED


def test_any_other_answer_is_noticed(replay: _Replay) -> None:
    """Each response is changed in every way, one at a time, and must then differ from the recorded one.

    Long ones are left out, since they are lists of rows that other responses have. So are those of the same kind as an
    earlier one.
    """
    answers = {
        (exchange.answer.status, _kinds(answer.body)): (exchange, answer)
        for section in SECTIONS
        for exchange, answer in replay.answers(section)
        if len(str(answer.body)) < LONG
    }
    unnoticed = [
        f"{exchange}: {what}"
        for exchange, answer in answers.values()
        for what, spoilt in _spoilt(exchange.answer, answer)
        if not differences(exchange.path, exchange.answer, spoilt)
    ]
    assert not unnoticed


def _kinds(body: Any) -> str:
    """Return the structure of a JSON value."""
    if isinstance(body, dict):
        return str({key: _kinds(value) for key, value in body.items()})
    return str([_kinds(value) for value in body]) if isinstance(body, list) else type(body).__name__


def _spoilt(recorded_answer: Answer, answer: Answer) -> Iterator[tuple[str, Answer]]:
    yield "status", replace(answer, status=answer.status + 1)
    yield "cookies", replace(answer, cookies=(*answer.cookies, "another"))
    for name in recorded_answer.headers:
        yield (
            f"no {name}",
            replace(answer, headers={key: value for key, value in answer.headers.items() if key != name}),
        )
    if recorded_answer.body != {"page": True}:
        for where, body in _spoilt_bodies(answer.body):
            yield where, replace(answer, body=body)


def _spoilt_bodies(body: Any) -> Iterator[tuple[str, Any]]:
    """Return a JSON value with one thing in it changed, missing or too much: for every thing in it.

    Of lists the first three entries do.
    """
    if isinstance(body, dict):
        yield "one more", {**body, "one more": 1}
        for key, value in body.items():
            yield f"no {key}", {other: kept for other, kept in body.items() if other != key}
            for where, spoilt in _spoilt_bodies(value):
                yield f"{key}.{where}", {**body, key: spoilt}
    elif isinstance(body, list):
        yield "one more", [*body, {"id": 0}]
        for at, value in enumerate(body[:3]):
            yield f"no {at}", body[:at] + body[at + 1 :]
            for where, spoilt in _spoilt_bodies(value):
                yield f"{at}.{where}", [*body[:at], spoilt, *body[at + 1 :]]
    elif isinstance(body, bool) or body is None:
        yield "value", not body
    elif isinstance(body, int | float):
        yield "value", body + 1
        yield "kind", str(body)
    else:
        yield "value", f"{body}!"
        yield "none", None
