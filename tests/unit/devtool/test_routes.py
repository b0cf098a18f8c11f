# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/runtime.yml follows from the modules."""

from __future__ import annotations

from pathlib import Path

from devtool.environment import ROOT
from devtool.routes import RUNTIME, runtime, write_runtime


def test_the_file_is_as_the_command_writes_it() -> None:
    assert (ROOT / RUNTIME).read_text(encoding="utf-8") == runtime(ROOT), "./dev routes updates it"


def test_a_new_module_is_in_the_group_and_has_a_route(tmp_path: Path) -> None:
    """Of four modules, two have a connection, one has an action plugin, one has an action plugin of the same name."""
    modules, actions, meta = (tmp_path / name for name in ("plugins/modules", "plugins/action", "meta"))
    for folder in (modules, actions, meta):
        folder.mkdir(parents=True)
    (tmp_path / RUNTIME).write_text("requires_ansible: '>=1'\naction_groups:\n  all:\n    - gone\n")
    fragment = "extends_documentation_fragment:\n  - jetstream.cloud.connection\n"
    for name, text in (("tide_info", fragment), ("lamp", ""), ("chart", fragment), ("print", "")):
        (modules / f"jetstream_{name}.py").write_text(text)
    for name in ("operation", "chart", "jetstream_print"):
        (actions / f"{name}.py").write_text("")
    write_runtime(tmp_path)
    assert (tmp_path / RUNTIME).read_text() == (
        "requires_ansible: '>=1'\naction_groups:\n  all:\n    - jetstream_chart\n    - jetstream_tide_info\n"
        "plugin_routing:\n  modules:\n    jetstream_chart:\n      action_plugin: jetstream.cloud.chart\n"
        "    jetstream_lamp:\n      action_plugin: jetstream.cloud.operation\n"
        "    jetstream_tide_info:\n      action_plugin: jetstream.cloud.operation\n"
    )
