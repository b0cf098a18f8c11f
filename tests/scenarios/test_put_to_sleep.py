# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In the morning, the instances that this machine stopped are started, and no others."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.scenarios.stages import Stage, play

RECORD = Path(".local/state/jetstream/put_to_sleep.json")
# The clocks of a cloud and of this machine may differ by this much.
SLACK = timedelta(minutes=1)


def states(home: Path) -> dict[str, str]:
    """Return the state of each instance in its owner's list."""
    lines = play("jetstream.cloud.instances", home).text.splitlines()
    found = (re.match(r"(vm-\d+) .*\b(active|shutoff)\b", line) for line in lines)
    return {each[1]: each[2] for each in found if each}


def let_a_minute_pass(home: Path) -> int:
    """Set the record back, as if the stop had been a minute ago. Return the number of its instances."""
    path = home / RECORD
    record = json.loads(path.read_text())
    moment = f"{datetime.now(UTC) - SLACK:%Y-%m-%dT%H:%M:%SZ}"
    record["put_to_sleep"] = dict.fromkeys(record["put_to_sleep"], moment)
    path.write_text(json.dumps(record))
    return len(record["put_to_sleep"])


def test_only_what_was_put_to_sleep_and_not_woken_since_is_started(stage: Stage, tmp_path: Path) -> None:
    stage.have({"active": 3, "shutoff": 1})
    stopped = play("jetstream.cloud.stop_all", stage.home)
    assert (stopped.status, stopped.changed) == (0, 1), stopped.text
    assert let_a_minute_pass(stage.home) == 3

    # The owner starts vm-1 from another machine, and stops it again.
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(stage.home / ".config", elsewhere / ".config")
    for do in ("start", "stop"):
        done = play("jetstream.cloud.instance_action", elsewhere, "-e", "instance=vm-1", "-e", f"do={do}")
        assert done.status == 0, done.text

    ahead = play("jetstream.cloud.start_all", stage.home, "-e", "only_put_to_sleep=true", "--check")
    assert "2 would be changed" in ahead.text, ahead.text
    started = play("jetstream.cloud.start_all", stage.home, "-e", "only_put_to_sleep=true")
    assert "2 selected: 2 changed, 0 unchanged, 0 skipped, 0 failed" in started.text, started.text
    assert states(stage.home) == {"vm-1": "shutoff", "vm-2": "active", "vm-3": "active", "vm-4": "shutoff"}

    again = play("jetstream.cloud.start_all", stage.home, "-e", "only_put_to_sleep=true")
    assert (again.status, again.changed) == (0, 0), again.text
    assert states(stage.home)["vm-1"] == "shutoff"
