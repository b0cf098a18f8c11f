# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs operations and modules in this process, as Ansible would run them."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.jetstream.cloud.plugins.module_utils._internal import runner
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import Clock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import ModuleSpec
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site

MODULES = "ansible_collections.jetstream.cloud.plugins.modules"


def given(spec: ModuleSpec, **options: Any) -> dict[str, Any]:
    """Return options as Ansible gives them to a module: checked, converted, and with all defaults."""
    rules = spec.arguments()
    checked = ArgumentSpecValidator(rules.pop("argument_spec"), **rules).validate(options)
    assert not checked.error_messages, checked.error_messages
    return dict(checked.validated_parameters)


def in_context(site: Site, *, check_mode: bool = False) -> Context:
    """Return the context of an operation on a site: johndoe's home, and the site's clock. Warnings are dropped."""
    return Context(
        check_mode=check_mode,
        clock=site.clock,
        environ={},
        home=site.home,
        warn=lambda _sentence: None,
        hide=lambda _secret: None,
    )


def run_module(
    name: str,
    options: Mapping[str, Any],
    *,
    clock: Clock,
    home: Path,
    environ: Mapping[str, str] | None = None,
    check_mode: bool = False,
) -> dict[str, Any]:
    """Run a module as a task with --diff -vvv would, with a clock for its waits, and return its result."""
    module = importlib.import_module(f"{MODULES}.{name}")
    arguments = {
        **options,
        "_ansible_check_mode": check_mode,
        "_ansible_diff": True,
        "_ansible_verbosity": 3,
        "_ansible_remote_tmp": str(home),
    }
    said = io.StringIO()
    warnings: list[str] = []
    with (
        patch_module_args(arguments),
        mock.patch.object(runner, "SystemClock", return_value=clock),
        mock.patch.dict("os.environ", {"HOME": str(home), **(environ or {})}),
        # Ansible collects warnings until the process ends, and this process has several modules.
        mock.patch.object(AnsibleModule, "warn", lambda _module, warning: warnings.append(warning)),
        redirect_stdout(said),
    ):
        try:
            module.main()
        except SystemExit:
            pass
        else:
            raise AssertionError(f"{name} did not end")
    result = json.loads(said.getvalue())
    assert isinstance(result, dict)
    return result | {"warnings": warnings}
