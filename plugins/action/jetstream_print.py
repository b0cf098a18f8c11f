# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..plugin_utils._internal.supported_core import require_supported_core

require_supported_core()

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils._internal.text.terminal import harmless
from ..plugin_utils._internal import output

_ARGUMENT_SPEC = {"msg": {"type": "raw", "required": True}}


class ActionModule(ActionBase):
    """Prints text as it is. Documented as the module of the same name."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(_ARGUMENT_SPEC)
        text = harmless(_text(arguments["msg"]))
        if text and not self._task.no_log and not output.is_data():
            output.show(text)
        # The text was shown: -v need not show it once more, with its newlines escaped.
        return {"changed": False, "failed": False, "msg": text, "_ansible_verbose_override": True}


def _text(msg: object) -> str:
    parts = msg if isinstance(msg, list | tuple) else [msg]
    if any(part is None or isinstance(part, Mapping | list | tuple) for part in parts):
        raise AnsibleActionFail(
            "msg must be a text, or a list of texts. Convert dictionaries with the filter jetstream.cloud.table."
        )
    return "\n".join(str(part) for part in parts)
