# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an operation in the controller's own process: what a module of this collection does, without its start-up.

A module is packed, written, unpacked and started in a Python of its own before it does anything, which takes a third of
a second or more. The work of these modules is requests to a cloud's API, which the controller can send as well.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action.normal import ActionModule as ModuleAction
from ansible.utils.display import Display

from ..module_utils.clock import SystemClock
from ..module_utils.errors import JetstreamError
from ..module_utils.fleet.progress import ProgressCallback, no_progress
from ..module_utils.http.transport import REQUESTS_IMPORT_ERROR
from ..module_utils.operation import Context, Operation
from ..module_utils.options import ModuleSpec
from ..module_utils.text.terminal import one_line
from .lifeline import exit_with_parent
from .progress_lines import ProgressLines

# Asked for in these words, or not at all, Ansible looks for a Python itself: anyone will do.
_ANY_INTERPRETER = frozenset({"", "auto", "auto_silent", "auto_legacy", "auto_legacy_silent"})
# What modules and controller write to one another; modules that do not say otherwise use this one.
_WIRE_FORMAT = "legacy"
# These write for people. The output of any other may be read by a program, which a line in between would break.
_CALLBACKS_FOR_PEOPLE = frozenset({"default", "minimal", "oneline"})
_NO = frozenset({"off", "false", "no", "0"})


class OperationAction(ModuleAction):
    """Does the work of the module of the same name here, where the task runs here, and otherwise runs the module.

    Both ways give the same result. Subclasses say what the module takes and does.
    """

    spec: ClassVar[ModuleSpec]
    operation: ClassVar[Operation]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        task_vars = task_vars or {}
        if not self._runs_here(task_vars):
            return super().run(tmp, task_vars)
        return self._work(task_vars)

    def _work(self, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        # What AnsibleModule would be told.
        told: dict[str, Any] = {}
        self._update_module_args(self._task.action, told, task_vars)
        secrets: set[str] = set()
        with (
            self._surroundings(),
            exit_with_parent(),
            self._progress(str(task_vars["inventory_hostname"]), secrets) as report,
        ):
            result = self._carry_out(told, report, secrets)
        return _over_the_wire(result, Direction.MODULE_TO_CONTROLLER)

    def _runs_here(self, task_vars: Mapping[str, Any]) -> bool:
        return (
            self._connection.transport == "local"
            and self._connection.become is None
            and not self._task.async_val
            and self._is_own_interpreter(task_vars)
        )

    def _is_own_interpreter(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether no other Python was asked for than the one that runs this."""
        host = self._task.delegate_to
        variables = task_vars["ansible_delegated_vars"][host] if host else task_vars
        asked = constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        asked = str(self._templar.template(asked) or "").strip()
        if asked in _ANY_INTERPRETER:
            # The Python that Ansible finds for a module may have what is missing here.
            return REQUESTS_IMPORT_ERROR is None
        return _same_python(asked, sys.executable)

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        """Be where a module would be: in the playbook's folder, with the task's environment."""
        asked: dict[str, Any] = {}
        self._compute_environment_string(asked)
        before = dict(os.environ)
        os.environ.update({str(name): str(value) for name, value in asked.items()})
        try:
            with chdir(self._loader.get_basedir()):
                yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    @contextmanager
    def _progress(self, host: str, secrets: set[str]) -> Iterator[ProgressCallback]:
        """Hand out whom to report to: the user, unless it was switched off, or there is nothing to be seen."""
        switched_off = os.environ.get("JETSTREAM_PROGRESS", "").strip().lower() in _NO
        if switched_off or self._task.no_log or self._task.check_mode:
            yield no_progress
            return
        callback = str(constants.DEFAULT_STDOUT_CALLBACK).removeprefix("ansible.builtin.")
        aside = callback not in _CALLBACKS_FOR_PEOPLE

        def say(line: str) -> None:
            Display().display(remove_values(line, secrets), stderr=aside)

        lines = ProgressLines(say, SystemClock(), whose=host)
        with lines.kept_alive():
            yield lines.report

    def _carry_out(self, told: Mapping[str, Any], report: ProgressCallback, secrets: set[str]) -> dict[str, Any]:
        arguments = _over_the_wire(dict(self._task.args), Direction.CONTROLLER_TO_MODULE)
        checked = ArgumentSpecValidator(**self.spec.arguments()).validate(arguments)
        options = {**arguments, **checked.validated_parameters}
        secrets.update(checked._no_log_values)
        # A dict keeps their order, and each of them once.
        warnings: dict[str, None] = {}
        result = self._refusal(checked)
        if result is None:
            context = Context(
                check_mode=told["_ansible_check_mode"],
                clock=SystemClock(),
                environ=os.environ,
                home=Path.home(),
                warn=lambda warning: warnings.update({one_line(warning): None}),
                hide=secrets.add,
                report=report,
            )
            result = _result_of(type(self).operation, options, context)
        if told.get("_ansible_inject_invocation", True):
            result["invocation"] = {"module_args": options}
        if warnings:
            result["warnings"] = list(warnings)
        return _censored(result, secrets)

    def _refusal(self, checked: ValidationResult) -> dict[str, Any] | None:
        """Return what a module says of options that it does not take."""
        if not checked.error_messages:
            return None
        message = str(checked.errors.msg)
        if isinstance(checked.errors[0], UnsupportedError):
            message = f"Unsupported parameters for ({self._task.action}) module: {message}"
        return {"failed": True, "msg": message}


def _result_of(operation: Operation, options: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        outcome = operation(options, context)
    except JetstreamError as error:
        return {"failed": True, "msg": one_line(str(error))}
    for warning in outcome.warnings:
        context.warn(warning)
    result = outcome.to_result()
    return result if outcome.failure is None else {**result, "failed": True, "msg": one_line(outcome.failure)}


def _censored(result: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    """Take secrets out wherever they stand, but let C(changed) be true where the password is "True"."""
    flags = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
    return {**remove_values(result, secrets), **flags}


def _over_the_wire(values: dict[str, Any], direction: Direction) -> dict[str, Any]:
    """Return what is left of values on their way between controller and module: plain JSON, without templates."""
    text = json.dumps(values, cls=get_module_encoder(_WIRE_FORMAT, direction))
    received: dict[str, Any] = json.loads(text, cls=get_module_decoder(_WIRE_FORMAT, direction))
    return received


def _same_python(asked: str, own: str) -> bool:
    """Whether two paths are one Python: two names in one folder, since a virtual environment links to another's."""
    one, other = Path(asked), Path(own)
    return one.is_absolute() and one.parent.resolve() == other.parent.resolve() and one.resolve() == other.resolve()
