# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of YAML as trees, in which each word knows its line, so that a mistake can be named with its place.

No text of an error has a value of the file in it: it may be a secret.
"""

from __future__ import annotations

from typing import Any

from .errors import ConfigurationError

try:
    import yaml
except ImportError:
    # It comes with Ansible and with openstacksdk. Without either, a file can only be named.
    yaml = None  # type: ignore[assignment]

TABLE, LIST, TEXT, NOTHING = (f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "null"))


def tree_of(content: bytes, shown: str) -> Any:
    """Return the tree of a file, None if it is empty. ``shown``: its path, as messages call it.

    Raises ConfigurationError if it is not YAML, or there is no library that reads it.
    """
    if yaml is None:
        raise ConfigurationError(
            f"{shown} needs the Python library PyYAML, which is not installed.",
            hint="Install it with: python3 -m pip install pyyaml",
        )
    try:
        return yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mistake = _syntax_error(error, shown)
    except RecursionError:
        mistake = ConfigurationError(f"{shown} is nested too deeply.")
    # Not raised where it happened: the original errors hold the content of the file.
    raise mistake


def pairs(node: Any) -> dict[str, tuple[Any, Any]]:
    """Return the nodes of each key and value of a table, by key; none for anything else."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): (key, value) for key, value in node.value}


def repeated(node: Any) -> Any:
    """Return the node of the first key of a table that is there twice, or None."""
    seen: set[str] = set()
    for key, _value in node.value:
        if str(key.value) in seen:
            return key
        seen.add(str(key.value))
    return None


def is_scalar(node: Any) -> bool:
    """Whether a node is one value."""
    return isinstance(node, yaml.ScalarNode)


def value_of(node: Any) -> Any:
    """Return the value of a node: text, number, true, list or dict. Raises ValueError for what YAML alone cannot be."""
    try:
        return yaml.constructor.SafeConstructor().construct_document(node)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("no plain value") from error


def line_of(node: Any) -> int:
    """Return the line of a node, from 1."""
    line: int = node.start_mark.line
    return line + 1


def _syntax_error(error: yaml.YAMLError, shown: str) -> ConfigurationError:
    mark, begin = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    context = getattr(error, "context", None) or ""
    if mark is None:
        return ConfigurationError(f"{shown} is not valid text for YAML.", hint="Save it in UTF-8.")
    if "quoted scalar" in context and begin is not None:
        sentence = f"{shown}, line {begin.line + 1}: a quote is not closed."
        return ConfigurationError(sentence, hint="Close it.")
    if "'\\t'" in str(getattr(error, "problem", "")):
        return ConfigurationError(
            f"{shown}, line {mark.line + 1}: a tab is not allowed as indentation.", hint="Use spaces."
        )
    return ConfigurationError(
        f"{shown}, line {mark.line + 1}, is not YAML.", hint="Check the indentation, colons and quotes there."
    )
