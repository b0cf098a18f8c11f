# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="misc,assignment"
"""Lets a whole ansible-playbook run on the clock of a test.

Ansible loads it in the process that later forks its workers, so that all of them have the same clock. The collection
asks ``SystemClock`` alone for the time, and that is what is replaced: no file of it knows of this. Ansible's own
``pause`` calls ``time.sleep``.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.tests.scenarios.night.clock import VARIABLE, SharedClock

DOCUMENTATION = """
name: shared_clock
type: aggregate
short_description: Runs a playbook on another clock
description: For tests.
"""


class CallbackModule(CallbackBase):
    """Replaces the clock when it is made."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "shared_clock"

    def __init__(self) -> None:
        super().__init__()
        clock = SharedClock(Path(os.environ[VARIABLE]))
        for name in ("now", "monotonic", "sleep"):
            setattr(SystemClock, name, staticmethod(getattr(clock, name)))
        time.sleep = clock.sleep
