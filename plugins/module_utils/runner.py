# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an operation as an Ansible module. The only file that knows AnsibleModule."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.jetstream.cloud.plugins.module_utils.clock import Clock, SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils.cloud import Cloud
from ansible_collections.jetstream.cloud.plugins.module_utils.connect import connect
from ansible_collections.jetstream.cloud.plugins.module_utils.errors import JetstreamError
from ansible_collections.jetstream.cloud.plugins.module_utils.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils.options import ModuleSpec
from ansible_collections.jetstream.cloud.plugins.module_utils.profile import resolve

Operation = Callable[[Cloud, Mapping[str, Any], bool, Clock], Outcome]


def run(spec: ModuleSpec, operation: Operation) -> None:
    """Check the options, run the operation on the cloud they mean, and end the module with what came of it."""
    module = AnsibleModule(supports_check_mode=True, **spec.arguments())
    clock = SystemClock()
    home = Path.home()
    try:
        connection = resolve(module.params, os.environ, home)
        # A password from a profile or the environment is as secret as one from an option, but unknown to Ansible.
        module.no_log_values.update(filter(None, (connection.password, connection.token)))
        for warning in connection.warnings:
            module.warn(warning)
        with closing(connect(connection, os.environ, home, clock)) as cloud:
            outcome = operation(cloud, module.params, module.check_mode, clock)
    except JetstreamError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.warnings:
        module.warn(warning)
    result = dict(outcome.result, changed=outcome.changed)
    if outcome.diff is not None:
        result["diff"] = dict(outcome.diff)
    if outcome.failure is not None:
        module.fail_json(msg=outcome.failure, **result)
    module.exit_json(**result)
