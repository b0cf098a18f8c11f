# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios: playbooks that must have the same results on every cloud.

Each file in playbooks/ begins with a play whose variable ``fleet`` has the number of instances in each state.
``volumes`` has the names of volumes. The first of them is attached to the first instance.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.scenarios.stages import Stage, play

PLAYBOOKS = sorted((Path(__file__).parent / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_scenario(playbook: Path, stage: Stage) -> None:
    first, *_others = yaml.safe_load(playbook.read_text(encoding="utf-8"))
    stage.have(first["vars"]["fleet"], first["vars"].get("volumes", ()))
    played = play(playbook, stage.home)
    assert played.status == 0, played.text


def test_what_a_user_sees_of_a_fleet_that_is_stopped_twice(stage: Stage) -> None:
    stage.have({"active": 2, "suspended": 1})
    listing = play("jetstream.cloud.instances", stage.home)
    assert [line.split()[0] for line in listing.text.splitlines() if line.startswith("vm-")] == ["vm-1", "vm-2", "vm-3"]
    foreseen = play("jetstream.cloud.stop_all", stage.home, "--check", "--diff")
    assert foreseen.text.count("would stop") == 2
    assert "2 would be changed" in foreseen.text
    assert "instances: " in foreseen.text
    first, second = (play("jetstream.cloud.stop_all", stage.home) for _run in range(2))
    assert "3 selected: 2 changed, 0 unchanged, 1 skipped, 0 failed" in first.text
    assert "3 selected: 0 changed, 2 unchanged, 1 skipped, 0 failed" in second.text
    assert [each.changed for each in (foreseen, first, second)] == [1, 1, 0]
    assert {each.status for each in (listing, foreseen, first, second)} == {0}


def test_one_in_error_does_not_fail_the_evening(stage: Stage) -> None:
    """On Jetstream2, it is stopped, since the machine runs. On Atmosphere, it is skipped with a warning."""
    stage.have({"active": 2, "error": 1})
    played = play("jetstream.cloud.stop_all", stage.home)
    assert played.status == 0
    counts = "3 selected: 3 changed, 0 unchanged, 0 skipped, 0 failed", "2 changed, 0 unchanged, 1 skipped, 0 failed"
    assert any(each in played.text for each in counts)
    assert ("vm-3" in played.text.partition("WARNING")[2]) == (counts[1] in played.text)


def test_one_in_error_fails_the_morning_and_holds_nothing_up(stage: Stage) -> None:
    stage.have({"shutoff": 2, "error": 1})
    played = play("jetstream.cloud.start_all", stage.home)
    assert played.status == 2
    assert "3 selected: 2 changed, 0 unchanged, 0 skipped, 1 failed" in played.text
    assert "1 of 3 instances failed: vm-3" in played.text
