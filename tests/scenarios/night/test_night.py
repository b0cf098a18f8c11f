# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One night on both clouds, played through by the shipped playbooks under a clock that the test moves on.

Readings are taken every quarter of an hour, as by cron. docs/idle.md describes the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.scenarios.conftest import OPENSTACK
from ansible_collections.jetstream.cloud.tests.scenarios.night.clock import SharedClock
from ansible_collections.jetstream.cloud.tests.scenarios.night.lives import Life
from ansible_collections.jetstream.cloud.tests.scenarios.night.nights import AHEAD, Night
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import HERS, OFF, Atmosphere, Jetstream2, Site

DAY = 86_400
NOT_RUNNING = "unknown not_running"
# Takes the names of one's own running instances, and those of them that were just launched.
Begin = Callable[[Sequence[str], Sequence[str]], Site]


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path, SharedClock.begin(tmp_path / "clock", AHEAD))


@pytest.fixture
def begin(request: pytest.FixtureRequest, night: Night) -> Iterator[Begin]:
    """Begin the night on the chosen cloud."""
    is_real = request.config.getoption("--cloud") == OPENSTACK
    js2 = request.getfixturevalue("js2") if is_real else None
    with ExitStack() as stack:

        def begin_with(names: Sequence[str], young: Sequence[str] = ()) -> Site:
            site = Jetstream2(js2, night.clock, names, young) if js2 else Atmosphere(night.clock, names, young)
            stack.enter_context(site.served(night.home))
            stack.enter_context(night.on(site))
            return site

        yield begin_with


def _live(night: Night, *names: str) -> None:
    """Let instances have been idle for days."""
    begin = night.moment("22:00").timestamp()
    night.lives |= {name: Life([begin - 3 * DAY - 100 * number]) for number, name in enumerate(names)}


def test_verdicts_follow_what_happens_on_instances_hour_by_hour(night: Night, begin: Begin) -> None:
    names = ("idle", "job", "typist", "dead", "cut", "booted")
    _live(night, *names, HERS, OFF)
    lives = night.lives
    lives["job"].jobs.append((night.span("22:40", "23:10"), 1.0))
    lives["typist"].typing.append(night.span("21:30", "22:20"))
    lives["dead"].unreachable.append(night.span("22:00", "08:00"))
    # Two quarters of an hour are missing. One alone is no gap.
    lives["cut"].cut.append(night.span("22:40", "23:10"))
    lives["booted"].boots.append(night.moment("22:50").timestamp())
    begin(names, ())

    seen = {}
    for moment in night.quarters("22:00", "00:45"):
        if moment in ("22:45", "23:15", "23:30", "00:30"):
            seen[moment] = night.verdicts()
    always = {"dead": "unknown readings", OFF: NOT_RUNNING}
    busy = {"job": "active cores", "typist": "active keys"}
    assert seen["22:45"] == always | busy | {"idle": "unknown gap", "cut": "unknown gap", "booted": "unknown gap"}
    assert seen["23:15"] == always | busy | {"idle": "idle", "cut": "unknown gap", "booted": "unknown young"}
    calm = {"idle": "idle", "typist": "idle"}
    assert seen["23:30"] == always | calm | {"job": "active cores", "cut": "unknown gap", "booted": "unknown young"}
    assert seen["00:30"] == always | calm | {"job": "idle", "cut": "idle", "booted": "idle"}
    # Nobody else's instances are even connected to.
    assert night.inside.probes.keys() == set(names) - {"dead"}
