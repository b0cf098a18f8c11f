# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an instance's setup in the output of its console."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.launching.setup import (
    Setup,
    SetupState,
    is_marked_complete,
    setup_of,
)

BOOT = "[    0.000000] Linux version 6.8.0\n[  OK  ] Reached target cloud-init.target\n"
LOAD = '{"epoch": 1700000000, "cpuPctUsed": 3, "memPctUsed": 9, "rootfsPctUsed": 9, "gpuPctUsed": null}\n'
RUNNING = '{"status":"running", "epoch": 1700000000000}'
COMPLETE = '{"status":"complete", "epoch": 1700000300000}'
ERROR = '{"status":"error", "epoch": 1700000300000}'
FINISHED = "Cloud-init v. 24.1.3-0ubuntu3 finished at Tue, 04 Jun 2024 14:12:40 +0000. Up 25 seconds"
MODULE = "2024-06-04 14:12:39,903 - cc_scripts_user.py[WARNING]: Failed to run module scripts_user (scripts)"
OLD_MODULE = "util.py[WARNING]: Running module scripts-user (<module 'cloudinit.config'>) failed"
SERVICE = "[\x1b[0;1;31mFAILED\x1b[0m] Failed to start \x1b[0;1;39mcloud-final.service\x1b[0m - Final Stage."


@pytest.mark.parametrize(
    ("lines", "state", "line"),
    [
        ([], SetupState.UNKNOWN, ""),
        ([BOOT, LOAD], SetupState.UNKNOWN, ""),
        ([RUNNING], SetupState.RUNNING, RUNNING),
        ([RUNNING, LOAD, COMPLETE, LOAD], SetupState.COMPLETE, COMPLETE),
        ([RUNNING, ERROR], SetupState.FAILED, ERROR),
        # Older instances, and those of the Red Hat family, whose kernel puts the time first.
        (['{"exoSetup":"complete"}'], SetupState.COMPLETE, '{"exoSetup":"complete"}'),
        ([f"[ 2915.727779] {COMPLETE}"], SetupState.COMPLETE, f"[ 2915.727779] {COMPLETE}"),
        ([FINISHED], SetupState.COMPLETE, FINISHED),
        ([MODULE], SetupState.UNKNOWN, ""),
        ([MODULE, FINISHED], SetupState.FAILED, MODULE),
        ([OLD_MODULE, FINISHED], SetupState.FAILED, OLD_MODULE),
        ([SERVICE], SetupState.FAILED, "[FAILED] Failed to start cloud-final.service - Final Stage."),
        # A failure of an earlier boot is not one of the last.
        ([MODULE, FINISHED, BOOT, FINISHED], SetupState.COMPLETE, FINISHED),
        # Exosphere's setup is a command of cloud-init's last stage.
        ([RUNNING, FINISHED], SetupState.RUNNING, RUNNING),
        ([RUNNING, MODULE, FINISHED], SetupState.FAILED, MODULE),
        ([COMPLETE, MODULE, FINISHED], SetupState.COMPLETE, COMPLETE),
        # What is no line of either.
        (['{"status": "complete"', '{"status": 1}', "{}", '{"status": "done"}', "finished at"], SetupState.UNKNOWN, ""),
    ],
)
def test_a_console_is_read_by_its_last_status(lines: list[str], state: SetupState, line: str) -> None:
    assert setup_of("\r\n".join(lines)) == Setup(state, line)


def test_a_line_cannot_steer_a_terminal_and_is_shortened() -> None:
    told = setup_of(f"{MODULE}\x1b]0;title\x07{'x' * 500}\n{FINISHED}")
    assert "\x1b" not in told.line
    assert len(told.line) == 200


@pytest.mark.parametrize(
    ("metadata", "is_complete"),
    [
        (None, False),
        ({}, False),
        ({"exoSetup": COMPLETE}, True),
        ({"exoSetup": RUNNING}, False),
        ({"exoSetup": "complete"}, False),
        ({"status": COMPLETE}, False),
    ],
)
def test_the_metadata_of_exosphere_says_it_as_well(metadata: dict[str, str] | None, is_complete: bool) -> None:
    assert is_marked_complete(metadata) is is_complete
