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
from .text.secrets import without_secrets
from .text.terminal import one_line


def run(spec: ModuleSpec, operation: Operation) -> None:
    """Check the options, carry the operation out, and end the module with its result."""
    module = AnsibleModule(supports_check_mode=True, **spec.arguments())
    # It would add owner, mode and more of any file that a result calls its path, which no module documents.
    module.add_path_info = lambda result: result
    secrets: set[str] = set(module.no_log_values)
    # A warning is given at the end, when all secrets are known. A dict keeps their order, and each of them once.
    warnings: dict[str, None] = {}
    context = Context(
        check_mode=module.check_mode,
        clock=SystemClock(),
        environ=os.environ,
        home=user_home(),
        warn=lambda warning: warnings.update({one_line(warning): None}),
        hide=secrets.add,
    )
    result = result_of(operation, module.params, context)
    failed = result.pop("failed", False)
    # From 2.22 on, ansible-core removes the secrets of options alone, and that in the controller.
    result = without_secrets(result, secrets)
    module.params = without_secrets(module.params, secrets)
    for warning in without_secrets(list(warnings), secrets):
        module.warn(warning)
    if failed:
        module.fail_json(**result)
    module.exit_json(**result)
