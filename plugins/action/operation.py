# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of every module that has an operation: runs it without starting a module.

A module is packed, written, unpacked and started in a Python of its own before it does anything, which takes a third of
a second or more. The work of these modules is requests to a cloud's API, which the controller can send as well.
meta/runtime.yml routes each of the modules here.
"""

from __future__ import annotations

from ..plugin_utils._internal.supported_core import require_supported_core

require_supported_core()

import importlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action.normal import ActionModule as ModuleAction

from ..module_utils._internal import operations
from ..module_utils._internal.clock import SystemClock
from ..module_utils._internal.fleet.progress import ProgressCallback, no_progress
from ..module_utils._internal.http.session import REQUESTS_IMPORT_ERROR
from ..module_utils._internal.operation import Context, Operation, result_of, user_home
from ..module_utils._internal.options import ModuleSpec
from ..module_utils._internal.text.secrets import without_secrets
from ..module_utils._internal.text.terminal import one_line
from ..plugin_utils._internal import output
from ..plugin_utils._internal.lifeline import exit_with_parent
from ..plugin_utils._internal.progress_lines import ProgressLines
from ..plugin_utils._internal.working_folder import openstack_files

_ANY_INTERPRETER = frozenset({"", "auto", "auto_silent", "auto_legacy", "auto_legacy_silent"})
# The serialization between modules and controller; the default of modules.
_WIRE_FORMAT = "legacy"
# The types of options that are one text.
_TEXT = frozenset({"str", "path"})
_NUMBERS = frozenset({"int", "float"})
_NO = frozenset({"off", "false", "no", "0"})
# A text in brackets that has any of these is a list that became text on its way here, and not a glob such as [ab].
_IN_LISTS = re.compile(r"""[,'"]|^\[\s*\]$""")
# Characters of it that a message quotes.
_SHOWN = 60
# Of the seconds after which Ansible ends a task, those that are left for its last poll and its results.
_SECONDS_TO_END = 5.0


class ActionModule(ModuleAction):
    """Does a module's work here if the task runs here, and otherwise runs the module. Both give the same result."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module."""
        task_vars = task_vars or {}
        # Null means that an option was not given, also to the rules on options that need or exclude each other.
        self._task.args = {name: value for name, value in self._task.args.items() if value is not None}
        spec, _operation = _operation_of(self._task.action)
        if mistake := _misshapen(spec, self._task.args) or self._rewritten(spec):
            return {"failed": True, "msg": mistake}
        self._task.args.update(_within(spec, self._task.args, self._task.timeout or 0))
        if self._is_local():
            # First, so that the environment of the task itself comes before it.
            self._task.environment = [openstack_files(os.environ), *(self._task.environment or [])]
        result: dict[str, Any] = self._work(task_vars) if self._runs_here(task_vars) else super().run(tmp, task_vars)
        return _hidden(result, self._task.action)

    def _rewritten(self, spec: ModuleSpec) -> str | None:
        """Return a sentence for a name that YAML has made another text of, as the file of the task shows."""
        names = set(_numbers_for_text(spec, self._task.args))
        if not names:
            return None
        # Here, since it takes long, and no other task needs it.
        from ..plugin_utils._internal.yaml_scalars import rewritten_arguments

        path, _colon, line = self._task.get_path().rpartition(":")
        if not path:
            return None
        try:
            text = self._loader.get_text_file_contents(path)
        except AnsibleError:
            return None
        module = self._task.action.rpartition(".")[2]
        found = (each for each in rewritten_arguments(text, int(line), module) if each.key in names)
        return next((each.sentence for each in found), None)

    def _work(self, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        # The arguments that AnsibleModule would get from Ansible itself.
        internal: dict[str, Any] = {}
        self._update_module_args(self._task.action, internal, task_vars)
        secrets: set[str] = set()
        with (
            self._surroundings(),
            exit_with_parent(),
            self._progress(str(task_vars["inventory_hostname"]), secrets) as report,
        ):
            result = self._carry_out(internal, report, secrets)
        return _over_the_wire(result, Direction.MODULE_TO_CONTROLLER)

    def _runs_here(self, task_vars: Mapping[str, Any]) -> bool:
        return self._is_local() and not self._task.async_val and self._is_own_interpreter(task_vars)

    def _is_local(self) -> bool:
        """Whether the task runs on this machine as this user."""
        return self._connection.transport == "local" and self._connection.become is None

    def _is_own_interpreter(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the task's interpreter is the Python that runs this."""
        host = self._task.delegate_to
        variables = task_vars["ansible_delegated_vars"][host] if host else task_vars
        interpreter = constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        interpreter = str(self._templar.template(interpreter) or "").strip()
        if interpreter in _ANY_INTERPRETER:
            # The Python that Ansible finds for a module may have the library that is missing here.
            return REQUESTS_IMPORT_ERROR is None
        return _same_python(interpreter, sys.executable)

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        """Work where a module would: in the playbook's folder, with the task's environment."""
        variables: dict[str, Any] = {}
        self._compute_environment_string(variables)
        before = dict(os.environ)
        os.environ.update({str(name): str(value) for name, value in variables.items()})
        try:
            with chdir(self._loader.get_basedir()):
                yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    @contextmanager
    def _progress(self, host: str, secrets: set[str]) -> Iterator[ProgressCallback]:
        """Yield the callback for progress, which does nothing if progress is switched off or hidden."""
        switched_off = os.environ.get("JETSTREAM_PROGRESS", "").strip().lower() in _NO
        if switched_off or self._task.no_log or self._task.check_mode:
            yield no_progress
            return
        # A program may read the standard output.
        aside = not output.is_for_people()

        def say(line: str) -> None:
            output.show(without_secrets(line, secrets), aside=aside)

        lines = ProgressLines(say, SystemClock(), whose=host)
        with lines.kept_alive():
            yield lines.report

    def _carry_out(self, internal: Mapping[str, Any], report: ProgressCallback, secrets: set[str]) -> dict[str, Any]:
        arguments = _over_the_wire(dict(self._task.args), Direction.CONTROLLER_TO_MODULE)
        spec, operation = _operation_of(self._task.action)
        checked = ArgumentSpecValidator(**spec.arguments()).validate(arguments)
        options = {**arguments, **checked.validated_parameters}
        secrets.update(checked._no_log_values)
        # A dict keeps their order, and each of them once.
        warnings: dict[str, None] = {}
        result = self._refusal(checked)
        if result is None:
            context = Context(
                check_mode=internal["_ansible_check_mode"],
                clock=SystemClock(),
                environ=os.environ,
                home=user_home(),
                warn=lambda warning: warnings.update({one_line(warning): None}),
                hide=secrets.add,
                report=report,
            )
            result = result_of(operation, options, context)
        if internal.get("_ansible_inject_invocation", True):
            result["invocation"] = {"module_args": options}
        if warnings:
            result["warnings"] = list(warnings)
        masked: dict[str, Any] = without_secrets(result, secrets)
        return masked

    def _refusal(self, checked: ValidationResult) -> dict[str, Any] | None:
        """Return the result of a module for options that it does not take."""
        if not checked.error_messages:
            return None
        message = str(checked.errors.msg)
        if isinstance(checked.errors[0], UnsupportedError):
            message = f"Unsupported parameters for ({self._task.action}) module: {message}"
        return {"failed": True, "msg": message}


def _operation_of(action: str) -> tuple[ModuleSpec, Operation]:
    """Return the spec and the operation of the module that a task names."""
    module = _module_of(action)
    return module.SPEC, module.OPERATION


def _misshapen(spec: ModuleSpec, arguments: Mapping[str, Any]) -> str | None:
    """Return a sentence for a list, a mapping, yes or no where there has to be text, and for yes or no as a number.

    Ansible makes the text of a Python value of it: user data of ``{'packages': ['git']}``, an instance that is called
    ``['alice', 'bob']``, or ``True``. And it takes yes for 1 and no for 0: of a ``count``, no instance is left. From a
    text where there has to be a list, it makes one by its commas: ``['alice'`` and ``'bob']``.
    """
    for option, rules in spec.argument_spec.items():
        names = (option, *rules.get("aliases", ()))
        if len(given := [name for name in names if name in arguments]) > 1:
            return f"{' and '.join(given)} are the same option, of which only one would count: set it once."
        for name in names:
            value = arguments.get(name)
            if rules.get("type") in _NUMBERS and isinstance(value, bool):
                return f"{name} must be a number, and is {str(value).lower()}."
            if rules.get("type") in _TEXT and isinstance(value, bool):
                return f"{name} must be text, and is {str(value).lower()}. If that is a name, put it in quotes."
            if rules.get("elements") in _TEXT and any(isinstance(each, bool) for each in _elements(value)):
                return f"{name} must be a list of texts, and one of them is true or false. Put names in quotes."
            if rules.get("type") in _TEXT and _is_compound(value):
                return f"{name} must be text, and is a {'mapping' if isinstance(value, Mapping) else 'list'}."
            if rules.get("elements") in _TEXT and any(map(_is_compound, _elements(value))):
                return f"{name} must be a list of texts, and one of them is a list or a mapping."
            if rules.get("type") == "list" and isinstance(value, str) and (mistake := _no_list(name, value)):
                return mistake
    return None


def _no_list(option: str, value: str) -> str | None:
    """Return a sentence for a text where there has to be a list, if splitting it at its commas would be a mistake."""
    text = value.strip()
    if not text:
        return f"{option} must be a list, and is an empty text. For an empty list, set []; or leave it out."
    if text[0] == "[" and text[-1] == "]" and _IN_LISTS.search(text):
        return (
            f"{option} must be a list, and is a text that looks like one: {one_line(text[:_SHOWN])}. "
            """With -e, give a list as JSON: -e '{"names": ["alice", "bob"]}'."""
        )
    return None


def _numbers_for_text(spec: ModuleSpec, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that have to be text, or texts, and have a number or a time."""
    for option, rules in spec.argument_spec.items():
        if rules.get("type") in _TEXT or rules.get("elements") in _TEXT:
            for name in (option, *rules.get("aliases", ())):
                if any(isinstance(each, int | float | date) for each in _elements(arguments.get(name))):
                    yield name


def _within(spec: ModuleSpec, arguments: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return the ``wait_timeout`` of a task that Ansible ends after some seconds, by its ``timeout``; 0 for never.

    Ansible takes the results away with the task, also those of instances that it has changed.
    """
    rules = spec.argument_spec.get("wait_timeout")
    if not rules or not seconds:
        return {}
    given = arguments.get("wait_timeout", rules["default"])
    longest = seconds - min(_SECONDS_TO_END, seconds / 2)
    try:
        return {"wait_timeout": longest} if float(given) > longest else {}
    except (TypeError, ValueError):
        # The check of the options has a sentence for it.
        return {}


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _elements(value: object) -> Sequence[object]:
    return value if _is_list(value) else [value]


def _is_compound(value: object) -> bool:
    return _is_list(value) or isinstance(value, Mapping)


def _module_of(action: str) -> ModuleType:
    name = action.rpartition(".")[2].removeprefix("jetstream_")
    if name == "operation":
        raise AnsibleActionFail("operation is not a module. Name a module, such as jetstream_instance_info.")
    return importlib.import_module(f"{operations.__name__}.{name}")


def _hidden(result: dict[str, Any], action: str) -> dict[str, Any]:
    """Return a result that no output and no log shows, if it has a secret. A variable that is registered has all."""
    secret = getattr(_module_of(action), "SECRET_RESULTS", ())
    return {**result, "_ansible_no_log": True} if any(result.get(name) for name in secret) else result


def _over_the_wire(values: dict[str, Any], direction: Direction) -> dict[str, Any]:
    """Return values as they arrive after the transfer between controller and module: plain JSON, no templates."""
    text = json.dumps(values, cls=get_module_encoder(_WIRE_FORMAT, direction))
    received: dict[str, Any] = json.loads(text, cls=get_module_decoder(_WIRE_FORMAT, direction))
    return received


def _same_python(interpreter: str, own: str) -> bool:
    """Whether two paths are one Python: two names in one folder, since a virtual environment links to another's."""
    one, other = Path(interpreter), Path(own)
    return one.is_absolute() and one.parent.resolve() == other.parent.resolve() and one.resolve() == other.resolve()
