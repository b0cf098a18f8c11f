# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible itself does not keep of the variables of the command line: how often each was given, and how written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv, split_args

from .yaml_scalars import Rewritten, rewritten_in

_MERGE_KEY = "tag:yaml.org,2002:merge"


def times_given(options: Iterable[str], loader: DataLoader) -> Counter[str]:
    """Return how often each variable is given by the values of ``-e``: in one of them, or in several.

    ``options`` are those values as they were typed: ``@`` and a path, YAML, JSON, or key=value pairs. Ansible has read
    them by now, and has accepted them.
    """
    times: Counter[str] = Counter()
    for option in options:
        times += _in_option(option, loader)
    return times


def rewritten_values(options: Iterable[str], loader: DataLoader) -> list[Rewritten]:
    """Return the values of YAML that become another text than the one that is written.

    ``007`` is 7 there, and ``12:30`` is 750: a name that looks like that becomes the number of something else.
    """
    texts = [text for option in options if (text := _yaml_of(option, loader)) is not None]
    return [each for text in texts for each in rewritten_in(yaml.compose(text, Loader=yaml.SafeLoader))]


def _yaml_of(option: str, loader: DataLoader) -> str | None:
    """Return the YAML or JSON that an option is, or names; None for key=value pairs, whose values are texts."""
    if option.startswith("@"):
        return loader.get_text_file_contents(option[1:]) if Path(loader.path_dwim(option[1:])).is_file() else None
    return option if option.startswith(("{", "[")) else None


def _in_option(option: str, loader: DataLoader) -> Counter[str]:
    if option.startswith("@"):
        return _in_file(option[1:], loader)
    if option.startswith(("{", "[")):
        return _in_text(option)
    return Counter(str(name) for part in split_args(option) for name in parse_kv(part))


def _in_file(path: str, loader: DataLoader) -> Counter[str]:
    if Path(loader.path_dwim(path)).is_file():
        return _in_text(loader.get_text_file_contents(path))
    # A pipe can be read once only. Ansible's loader keeps its content.
    return Counter(str(name) for name in loader.load_from_file(path))


def _in_text(text: str) -> Counter[str]:
    """Return how often each key is at the top of a mapping in JSON or YAML."""
    try:
        return Counter(str(name) for name, _value in json.loads(text, object_pairs_hook=list))
    except ValueError:
        # Composed, not constructed: a value may be encrypted, or have a tag that only Ansible knows.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return Counter()
    return Counter(str(key.value) for key, _value in node.value if key.tag != _MERGE_KEY)
