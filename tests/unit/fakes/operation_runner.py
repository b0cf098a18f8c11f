# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs operations without Ansible."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import Clock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, Operation
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import ModuleSpec
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock


class OperationRunner:
    """Runs operations, and collects their ``warnings``, and their secrets in ``hidden``."""

    def __init__(self, home: Path | None, clock: Clock | None = None) -> None:
        self.home = home
        self.clock = clock or FakeClock()
        self.environ: Mapping[str, str] = {}
        self.warnings: list[str] = []
        self.hidden: set[str] = set()

    def run(self, spec: ModuleSpec, operation: Operation, *, check_mode: bool = False, **options: Any) -> Outcome:
        """Run an operation with these options, and with the defaults of its spec."""
        context = Context(
            check_mode=check_mode,
            clock=self.clock,
            environ=self.environ,
            home=self.home,
            warn=self.warnings.append,
            hide=self.hidden.add,
        )
        checked = ArgumentSpecValidator(**spec.arguments()).validate(options)
        assert checked.error_messages == []
        return operation(checked.validated_parameters, context)
