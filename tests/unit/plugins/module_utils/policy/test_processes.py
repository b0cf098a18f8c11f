# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the process of an earlier run is alive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.processes import is_alive, parent_process

SAY = (
    "from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.processes import parent_process;"
    "print(parent_process())"
)


def test_the_parent_of_a_process_is_alive_until_it_ends() -> None:
    # A shell is its parent, which ends after it.
    script = f'"{sys.executable}" -c "{SAY}"; read line'
    with subprocess.Popen(["/bin/sh", "-c", script], stdin=-1, stdout=-1, text=True) as shell:
        assert shell.stdout is not None
        said = shell.stdout.readline().strip()
        assert said.split()[1] == str(shell.pid)
        assert is_alive(said) is True
        shell.kill()
        # It is a zombie now, until it is waited for.
        os.waitid(os.P_PID, shell.pid, os.WEXITED | os.WNOWAIT)
        assert is_alive(said) is False
    assert is_alive(said) is False


def test_a_process_that_took_the_number_of_another_is_not_that_one() -> None:
    own = parent_process()
    assert is_alive(own) is True
    assert is_alive(f"{own.rpartition(' ')[0]} 1") is False


def test_of_a_process_of_another_machine_nothing_is_known() -> None:
    assert is_alive(f"another {parent_process().partition(' ')[2]}") is None
    assert is_alive("") is None
    assert is_alive("at 1000.0") is None


def test_without_the_files_of_the_kernel_nothing_is_known(tmp_path: Path) -> None:
    assert parent_process(tmp_path) == ""
    assert is_alive(parent_process(), tmp_path) is None
