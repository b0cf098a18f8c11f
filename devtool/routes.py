# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/runtime.yml, written from the modules: their action group and their routes to action plugins.

The group has the modules with the options of a connection. ansible-core takes neither a group nor a route as a pattern:
each module has to be listed by its name.
"""

from __future__ import annotations

import re
from pathlib import Path

RUNTIME = Path("meta/runtime.yml")
_CONNECTION = re.compile(r"^\s+- jetstream\.cloud\.connection$", re.MULTILINE)
_NAMESPACE = "jetstream.cloud"
_PREFIX = "jetstream_"
# The action plugin of the modules that have none of their own.
_OPERATION = "operation"


def routes_of(root: Path) -> dict[str, str]:
    """Return the action plugin of each module, without the modules whose action plugin has the same name."""
    actions = {path.stem for path in (root / "plugins/action").glob("*.py")}
    routes = {}
    for path in _modules(root):
        own = path.stem.removeprefix(_PREFIX)
        if path.stem not in actions:
            routes[path.stem] = f"{_NAMESPACE}.{own if own in actions else _OPERATION}"
    return routes


def group_of(root: Path) -> list[str]:
    """Return the modules with the options of a connection, which their documentation shows."""
    return [path.stem for path in _modules(root) if _CONNECTION.search(path.read_text(encoding="utf-8"))]


def runtime(root: Path) -> str:
    """Return the text of meta/runtime.yml: its present beginning, then the action group and the routes."""
    head, _groups, _rest = (root / RUNTIME).read_text(encoding="utf-8").partition("action_groups:\n")
    group = "".join(f"    - {name}\n" for name in group_of(root))
    routes = "".join(f"    {name}:\n      action_plugin: {plugin}\n" for name, plugin in routes_of(root).items())
    return f"{head}action_groups:\n  all:\n{group}plugin_routing:\n  modules:\n{routes}"


def write_runtime(root: Path) -> None:
    """Update meta/runtime.yml."""
    (root / RUNTIME).write_text(runtime(root), encoding="utf-8")


def _modules(root: Path) -> list[Path]:
    return sorted((root / "plugins/modules").glob(f"{_PREFIX}*.py"))
