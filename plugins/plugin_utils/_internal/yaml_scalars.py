# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scalars of YAML that become another text than the one that is written, such as ``007``, which is the number 7.

A name that looks like that becomes the name, or the number, of something else. Values show nothing of that: the text of
a file does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import yaml

_KINDS = {
    "tag:yaml.org,2002:int": "number",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:timestamp": "time",
}


class Rewritten(NamedTuple):
    """A scalar. ``key``: of the mapping that it is in; ``kind``: number or time; ``shown``: its value as text."""

    key: str
    text: str
    kind: str
    shown: str

    @property
    def sentence(self) -> str:
        """The mistake and its remedy, for a name."""
        return f'{self.key}: {self.text} is the {self.kind} {self.shown} in YAML. Put it in quotes: "{self.text}".'


def rewritten_in(mapping: yaml.Node | None) -> Iterator[Rewritten]:
    """Yield the scalars that are rewritten, of the values of a mapping and of those that are lists."""
    for key, value in mapping.value if isinstance(mapping, yaml.MappingNode) else ():
        for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            kind = _KINDS.get(each.tag)
            if kind and (shown := _shown(each)) != each.value:
                yield Rewritten(str(key.value), each.value, kind, shown)


def rewritten_arguments(text: str, line: int, module: str) -> Iterator[Rewritten]:
    """Yield the arguments that are rewritten of the task that begins in a line. ``module``: without its collection."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        # Ansible knows more of YAML.
        return
    for task in _mappings(root):
        if task.start_mark.line + 1 == line:
            for key, value in task.value:
                if str(key.value).rpartition(".")[2] in (module, "args"):
                    yield from rewritten_in(value)


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _key, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _mappings(each)


def _shown(scalar: yaml.ScalarNode) -> str:
    """Return the text that Ansible makes of a scalar where it needs text."""
    try:
        return str(yaml.safe_load(scalar.value))
    except (ValueError, yaml.YAMLError):
        # Such as 2026-13-01, which Ansible has refused.
        return str(scalar.value)
