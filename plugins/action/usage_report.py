# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of jetstream_usage_report: makes text and page of the operation's result, on the controller.

Templates are files of the controller, as for ansible.builtin.template. meta/runtime.yml routes the module here.
"""

from __future__ import annotations

from ..plugin_utils._internal.supported_core import require_supported_core

require_supported_core()

import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._internal.errors import ConfigurationError
from ..module_utils._internal.files import replace_file
from ..module_utils._internal.text.terminal import one_line
from ..module_utils._internal.usage.charts import require_matplotlib
from ..plugin_utils._internal.report_templates import HTML_TEMPLATE, TEXT_TEMPLATE, render_html, render_text
from .operation import ActionModule as OperationAction

Result = dict[str, Any]


class ActionModule(OperationAction):
    """Runs the operation, renders the templates, and writes the page where the operation ran."""

    # The job of an asynchronous task ends long after this plugin has.
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Return the module's result, with the text."""
        task_vars = task_vars or {}
        try:
            html_template = self._template("html_template", HTML_TEMPLATE)
            text_template = self._template("text_template", TEXT_TEMPLATE)
            if self._has_charts() and self._has_dest():
                require_matplotlib()
        except ConfigurationError as error:
            return {"failed": True, "msg": one_line(str(error))}
        result = super().run(tmp, task_vars)
        if result.get("failed") or "allocations" not in result:
            return result
        try:
            text = render_text(text_template, result)
            page = render_html(html_template, result, with_charts=self._has_charts()) if result["dest"] else None
        except ConfigurationError as error:
            return {**result, "failed": True, "msg": one_line(str(error))}
        result["text"] = text
        if page is None or self._task.check_mode:
            return result
        return result | self._written(Path(result["dest"]), page, task_vars)

    def _has_dest(self) -> bool:
        return bool(self._task.args.get("dest") or self._task.args.get("page"))

    def _has_charts(self) -> bool:
        # The operation refuses any other value.
        return bool(boolean(self._task.args.get("charts", True), strict=False))

    def _template(self, option: str, default: Path) -> Path:
        name = self._task.args.get(option)
        if not name:
            return default
        try:
            return Path(self._find_needle("templates", str(name)))
        except AnsibleError:
            raise ConfigurationError(f"{option} {name} does not exist.") from None

    def _written(self, dest: Path, page: str, task_vars: dict[str, Any]) -> Result:
        """Write the page. Returns changes to the result."""
        if not self._runs_here(task_vars):
            return self._copied(dest, page, task_vars)
        try:
            replace_file(dest, page.encode())
        except OSError as error:
            return {"failed": True, "msg": one_line(f"The page {dest} cannot be written: {error.strerror}.")}
        return {}

    def _copied(self, dest: Path, page: str, task_vars: dict[str, Any]) -> Result:
        """Write the page on another host, or as another user, as ansible.builtin.template does."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".html") as source:
            source.write(page)
            source.flush()
            task = self._task.copy()
            task.args = {"src": source.name, "dest": str(dest), "follow": True}
            copy = self._shared_loader_obj.action_loader.get(
                "ansible.legacy.copy",
                task=task,
                connection=self._connection,
                play_context=self._play_context,
                loader=self._loader,
                templar=self._templar,
                shared_loader_obj=self._shared_loader_obj,
            )
            copied = copy.run(task_vars=task_vars)
        return {"failed": True, "msg": f"The page: {copied.get('msg')}"} if copied.get("failed") else {}
