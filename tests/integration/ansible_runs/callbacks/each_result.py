# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stdout callback that prints every result as Ansible has it, to the last key and in its order, as a line of JSON."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: each_result
type: stdout
short_description: Prints every result as a line of JSON
description: For tests.
"""


class CallbackModule(CallbackBase):
    """Prints {"task": its name, "failed": whether it has, "result": what it came to}."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "each_result"

    def _show(self, result: Any, *, failed: bool = False, **_rest: Any) -> None:
        # The exception says only whether a module or an action failed.
        values = {name: value for name, value in result.result.items() if name != "exception"}
        line = {"task": result.task.get_name(), "failed": failed, "result": values}
        self._display.display(json.dumps(line, default=str))

    def _show_failed(self, result: Any, **_rest: Any) -> None:
        self._show(result, failed=True)

    v2_runner_on_ok = v2_runner_on_skipped = v2_runner_item_on_ok = _show
    v2_runner_on_failed = v2_runner_on_unreachable = v2_runner_item_on_failed = _show_failed
