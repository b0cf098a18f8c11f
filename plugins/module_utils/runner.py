# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an operation as an Ansible module. The only file that knows AnsibleModule."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleModule

from .clock import SystemClock
from .operation import Context, Operation, result_of, user_home
from .options import ModuleSpec
from .text.terminal import one_line


def run(spec: ModuleSpec, operation: Operation) -> None:
    """Check the options, carry the operation out, and end the module with its result."""
    module = AnsibleModule(supports_check_mode=True, **spec.arguments())
    # It would add owner, mode and more of any file that a result calls its path, which no module documents.
    module.add_path_info = lambda result: result
    context = Context(
        check_mode=module.check_mode,
        clock=SystemClock(),
        environ=os.environ,
        home=user_home(),
        warn=lambda warning: module.warn(one_line(warning)),
        hide=module.no_log_values.add,
    )
    result = result_of(operation, module.params, context)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
