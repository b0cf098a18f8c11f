# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-navigator and ansible-runner run the nights: results, exit status, progress and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from ansible_collections.jetstream.cloud.tests.runner.nights import FinishedRun, NodeNights
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server

SLEEPING = "shelved_offloaded"
PROGRAMS = [NodeNights.by_navigator, NodeNights.by_runner]
Program = Callable[[NodeNights, str, Mapping[str, object]], FinishedRun]


def both(ran: FinishedRun) -> tuple[str, str]:
    """Return what the terminal showed, and what the record has of it: what is read later must be the same."""
    return ran.shown, ran.recorded


@pytest.mark.parametrize("program", PROGRAMS)
def test_progress_table_and_result_of_stop_all_are_shown_and_recorded(nights: NodeNights, program: Program) -> None:
    first = program(nights, "stop_all", {"max_changes": 4})
    assert first.status == 0, first.shown
    for text in both(first):
        assert "[localhost] 4 of 5 instances to be stopped" in text
        assert "(5 of 5, " in text
        assert "5 selected: 4 changed, 1 unchanged, 0 skipped, 0 failed" in text
        # Within the width of the terminal that the program gives to Ansible.
        assert "NAME   ID  BEFORE   AFTER    RESULT" in text
        assert "WARNING" not in text
    [result] = [each for each in first.results if "instances" in each]
    assert (result["changed"], len(result["instances"])) == (True, 5)
    assert nights.states("web", "db", "lab-1", "lab-2") == ["shutoff"] * 4

    second = program(nights, "stop_all", {})
    assert second.status == 0, second.shown
    assert "5 selected: 0 changed, 5 unchanged" in second.recorded
    [result] = [each for each in second.results if "instances" in each]
    assert result["changed"] is False


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_mistyped_variable_is_refused_with_the_status_of_ansible(nights: NodeNights, program: Program) -> None:
    ended = program(nights, "stop_all", {"exlude": "web"})
    assert ended.status == 2
    for text in both(ended):
        assert "exlude: did you mean exclude?" in text
    assert list(nights.server.requests) == []


def test_a_night_of_one_program_tells_and_the_next_one_by_the_other_shelves(nights: NodeNights) -> None:
    nights.rest("web")
    with a_mail_server() as mails:
        variables = {**nights.variables(mails), "parts": "activity,scheduled,shelve_idle"}
        first = nights.by_navigator("nightly", variables)
        assert first.status == 0, first.shown
        assert "web" in mails.mails[0].message["Subject"]
        assert nights.actions() == 0
        nights.told_long_ago()
        nights.forget_the_last_edge()
        second = nights.by_runner("nightly", variables)
        assert second.status == 0, second.shown
    for text in (*both(first), *both(second)):
        assert "activity      4 of 4 running instances were read." in text
        assert "WARNING" not in text
    for text in both(second):
        assert "3 shelved" in text
    assert nights.states("web", "lab-1", "lab-2", "db") == [SLEEPING, SLEEPING, SLEEPING, "active"]


def test_an_instance_that_could_not_be_shelved_is_named_and_the_status_says_so(nights: NodeNights) -> None:
    nights.rest("web", "db")
    nights.server.world.misbehave("db", refuses="Instance is locked")
    with a_mail_server() as mails:
        taken = ("schedules", "charts")
        variables = {name: value for name, value in nights.variables(mails).items() if name not in taken}
        assert nights.by_runner("shelve_idle", variables).status == 0
        nights.told_long_ago()
        ended = nights.by_navigator("shelve_idle", variables)
    assert ended.status == 2
    for text in both(ended):
        assert "Instance is locked" in text
    assert nights.states("web", "db") == [SLEEPING, "active"]
