# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..plugin_utils._internal.supported_core import require_supported_core

require_supported_core()

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleError, AnsibleValueOmittedError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ..module_utils._internal.errors import ConfigurationError
from ..module_utils._internal.operation import user_home
from ..module_utils._internal.state_folder import STATE, VARIABLE, shared_folder
from ..module_utils._internal.text.terminal import one_line
from ..plugin_utils._internal.extra_variables import rewritten_values, times_given
from ..plugin_utils._internal.playbook_variables import (
    ALLOWED,
    PLAYBOOKS,
    Kind,
    VariableError,
    allowed_patterns,
    given_by,
    misread,
    missing,
    read,
    repeated,
    takes,
    unknown,
    without_value,
)

_ARGUMENT_SPEC = {"playbook": {"type": "str", "required": True, "choices": sorted(PLAYBOOKS)}}
# Ansible's name for words that belong to no variable in key=value pairs.
_LEFT_OVER = "_raw_params"
# Where Ansible keeps what set_fact, register and include_vars of earlier tasks have set, by host.
_CACHES_OF_FACTS = ("_nonpersistent_fact_cache", "_vars_cache")
_OMITTED = object()
_ASKS_FOR_A_CLOUD = "save_credential"
_INSTALLS_A_NIGHT, _NIGHTLY = "install_schedule", "nightly"
# Of a name alone, Ansible includes the file of the working directory before the one beside the including file.
_TASKS = str(Path(__file__).resolve().parents[2] / "playbooks" / "tasks")


class ActionModule(ActionBase):
    """Checks and reads the variables of a shipped playbook. Documented as the module of the same name."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(_ARGUMENT_SPEC)
        try:
            return self._result(arguments["playbook"], task_vars or {})
        except (VariableError, ConfigurationError) as error:
            return {"failed": True, "changed": False, "msg": one_line(str(error))}

    def _result(self, playbook: str, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if not self._rest_runs(task_vars):
            return self._without_the_rest(playbook)
        extra, imported = self._extra_variables(), self._imported_variables()
        self._refuse_what_is_cut_or_repeated(playbook, extra, imported)
        names = {*extra, *imported}
        self._refuse_unknown(playbook, names, task_vars)
        ignored = self._set_elsewhere(playbook, names, task_vars)
        # As everywhere in Ansible, -e overrides the playbook.
        values = self._values(playbook, {**given_by(playbook, imported), **given_by(playbook, extra)})
        # nightly mails its failures, and its variables say where to: it reports this one as well.
        state = _state_of_nightly() if playbook == _NIGHTLY else {"state_path": _state_path()}
        result = {"changed": False, "value": values, **state, "tasks_path": _TASKS}
        if playbook == _ASKS_FOR_A_CLOUD:
            result["known_clouds"] = _known_clouds()
        return {**result, "warnings": [ignored]} if ignored else result

    def _rest_runs(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether --tags and --skip-tags let the other tasks run, which have no tags of their own."""
        tags, skipped = (list(context.CLIARGS.get(option) or ()) for option in ("tags", "skip_tags"))
        # Those of the play, which it has if it is imported with tags. This task has always beside them.
        own = getattr(self._task.get_play(), "_tags", None)
        other = self._task.copy()
        other.tags = list(own) if isinstance(own, list) else []
        return bool(other.evaluate_tags(tags, skipped, dict(task_vars)))

    def _without_the_rest(self, playbook: str) -> dict[str, Any]:
        """Return the result where nothing else is run. Raises VariableError unless another playbook imports this one.

        A command that was to stop everything must not do nothing, and end well.
        """
        named = [Path(str(each)).name.removesuffix(".yml") for each in context.CLIARGS.get("args") or ()]
        if playbook in named or f"jetstream.cloud.{playbook}" in named:
            raise VariableError(
                f"--tags or --skip-tags leaves out every task of {playbook}, so it would do nothing. Run it without "
                "them."
            )
        return {"changed": False, "skipped": True, "msg": "The tags leave this playbook out."}

    def _extra_variables(self) -> dict[str, Any]:
        """Return the variables of ``-e``, with unresolved templates."""
        return {str(name): value for name, value in load_extra_vars(self._loader).items()}

    def _imported_variables(self) -> dict[str, Any]:
        """Return the ``vars`` of every import_playbook over which this play was imported.

        Ansible merges them into the variables of the play. Answers to its prompts are there as well.
        """
        play = self._task.get_play()
        prompted = {prompt["name"] for prompt in play.vars_prompt}
        return {str(name): value for name, value in play.vars.items() if name not in prompted}

    def _refuse_what_is_cut_or_repeated(
        self, playbook: str, extra: Mapping[str, Any], imported: Mapping[str, Any]
    ) -> None:
        options = [str(option) for option in context.CLIARGS.get("extra_vars") or ()]
        if not all(option.strip() for option in options):
            raise VariableError("-e is given, but empty. Check for an unset shell variable.")
        if _LEFT_OVER in extra:
            if mistakes := without_value(playbook, str(extra[_LEFT_OVER])):
                raise VariableError(" ".join(mistakes))
            words = f'"{extra[_LEFT_OVER]}"' if self._shows(playbook, extra) else "Part of a value"
            raise VariableError(
                f"{words} belongs to no variable. A value with spaces needs its own quotes, as in "
                "-e \"project='Geo Project'\"."
            )
        for times in (times_given(options, self._loader), dict.fromkeys(imported, 1)):
            if mistakes := repeated(playbook, times):
                raise VariableError(" ".join(mistakes))
        if mistakes := misread(playbook, rewritten_values(options, self._loader)):
            raise VariableError(" ".join(mistakes))

    def _shows(self, playbook: str, extra: Mapping[str, Any]) -> bool:
        """Whether words that were cut off a value may be shown: they may be part of a secret otherwise."""
        shown = {name for each in PLAYBOOKS[playbook] if each.kind is not Kind.SECRET for name in each.names}
        return extra.keys() <= {*shown, _LEFT_OVER}

    def _refuse_unknown(self, playbook: str, names: Collection[str], task_vars: Mapping[str, Any]) -> None:
        raw = self._templated(task_vars[ALLOWED.name]) if ALLOWED.name in task_vars else _OMITTED
        if mistakes := unknown(playbook, sorted(names), [] if raw is _OMITTED else allowed_patterns(raw)):
            raise VariableError(f"{' '.join(mistakes)} {playbook} accepts {takes(playbook)}.")

    def _set_elsewhere(self, playbook: str, given: Collection[str], task_vars: Mapping[str, Any]) -> str | None:
        """Return a warning of variables that the inventory sets, which may have another meaning there.

        Raises VariableError if an earlier play has set one by set_fact, which must be intended for this playbook.
        """
        names = [name for name, _value in given_by(playbook, task_vars).values() if name not in given]
        facts = _facts(task_vars)
        if intended := [name for name in names if name in facts]:
            raise VariableError(
                f"{' and '.join(intended)}: {playbook} accepts no facts. Pass it where the playbook is imported, as "
                f'in vars: {{{intended[0]}: "{{{{ {intended[0]} }}}}"}}.'
            )
        if not names:
            return None
        return f"{playbook} does not read variables from the inventory: {', '.join(names)}. Set them with -e."

    def _values(self, playbook: str, given: Mapping[str, tuple[str, object]]) -> dict[str, object]:
        """Return the value of each variable that is given, by its first name."""
        values: dict[str, object] = {}
        for variable in PLAYBOOKS[playbook]:
            if variable.name not in given:
                continue
            name, raw = given[variable.name]
            found = self._templated(raw)
            if found is not _OMITTED:
                values[variable.name] = value = read(variable, name, found, Path.cwd)
                if variable.must_exist and not Path(str(value)).exists():
                    raise VariableError(f"{name} is {value}, which does not exist.")
        if sentence := missing(playbook, values):
            raise VariableError(sentence)
        if playbook == _INSTALLS_A_NIGHT and values.get("state") != "absent" and "variables_path" in values:
            self._refuse_mistakes_for_nightly(str(values["variables_path"]))
        return values

    def _refuse_mistakes_for_nightly(self, path: str) -> None:
        """Refuse a file whose variables every run of the job would refuse. One that cannot be decrypted is not read."""
        if not Path(path).is_file():
            return
        try:
            # A file of comments alone has no variables yet.
            found = self._loader.load_from_file(path) or {}
            times = times_given([f"@{path}"], self._loader)
        except AnsibleError:
            return
        if not isinstance(found, Mapping):
            raise VariableError(f"{path} has no variables: write each as a name, a colon and a value.")
        names = sorted(str(name) for name in found)
        allowed = allowed_patterns(found[ALLOWED.name]) if ALLOWED.name in found else []
        mistakes = [*unknown(_NIGHTLY, names, allowed), *repeated(_NIGHTLY, times)]
        if mistakes:
            raise VariableError(f"{path}: {' '.join(mistakes)}")

    def _templated(self, raw: object) -> object:
        try:
            return self._templar.template(raw)
        except AnsibleValueOmittedError:
            return _OMITTED


def _known_clouds() -> str:
    # Here, since this import takes long, which the other playbooks should not wait for.
    from ..module_utils._internal.clouds.connect import known_clouds

    return one_line(known_clouds(os.environ, user_home()))


def _state_path() -> str:
    """Return the folder of what outlives a run. Raises ConfigurationError if it is shared, and away."""
    return str(shared_folder(os.environ, user_home()) or f"~/{STATE}")


def _state_of_nightly() -> dict[str, str]:
    """Return the folder of what outlives a run, and a sentence if it is shared, and away, or an empty one."""
    try:
        return {"state_path": _state_path(), "state_problem": ""}
    except ConfigurationError as error:
        return {"state_path": os.environ[VARIABLE].strip(), "state_problem": str(error)}


def _facts(task_vars: Mapping[str, Any]) -> set[str]:
    """Return the names of variables that earlier tasks have set."""
    manager = getattr(task_vars.get("hostvars"), "_variable_manager", None)
    caches = [getattr(manager, cache, {}) for cache in _CACHES_OF_FACTS]
    return {name for cache in caches for name in cache.get(task_vars["inventory_hostname"], {})}
