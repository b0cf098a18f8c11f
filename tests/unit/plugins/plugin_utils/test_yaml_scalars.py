# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name that YAML takes for another text is found by the text of the file."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.yaml_scalars import (
    rewritten_arguments,
    rewritten_in,
)

PLAYBOOK = """
- hosts: localhost
  tasks:
    - name: Stop it
      jetstream.cloud.jetstream_instance_state:
        name: [web, 007]
        state: stopped
    - block:
        - jetstream_volume:
            name: 12:30
          register: 010
    - action: jetstream.cloud.jetstream_volume
      args: {name: 0x10}
"""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("007", "7"),
        ("0x10", "16"),
        ("0b11", "3"),
        ("1_000", "1000"),
        ("12:30", "750"),
        ("+4", "4"),
        ("1.10", "1.1"),
        ("1.0e+3", "1000.0"),
        ("2026-11-26 10:00:00.50", "2026-11-26 10:00:00.500000"),
        ("[web, 007]", "7"),
        # These stay as they are written.
        ("21752", None),
        ("1.5", None),
        ("1e3", None),
        ("2026-11-26", None),
        ("'007'", None),
        ("007a", None),
        ("2026-13-41", None),
        # These are refused as such.
        ("yes", None),
        ("~", None),
    ],
)
def test_another_text_than_the_written_one_is_found(text: str, shown: str | None) -> None:
    found = [each.shown for each in rewritten_in(yaml.compose(f"name: {text}", Loader=yaml.SafeLoader))]
    assert found == ([] if shown is None else [shown])


@pytest.mark.parametrize(
    ("line", "module", "sentences"),
    [
        (4, "jetstream_instance_state", ['name: 007 is the number 7 in YAML. Put it in quotes: "007".']),
        (9, "jetstream_volume", ['name: 12:30 is the number 750 in YAML. Put it in quotes: "12:30".']),
        (12, "jetstream_volume", ['name: 0x10 is the number 16 in YAML. Put it in quotes: "0x10".']),
        # Another module, and where no task begins.
        (4, "jetstream_volume", []),
        (5, "jetstream_instance_state", []),
    ],
)
def test_a_task_is_found_by_its_line(line: int, module: str, sentences: list[str]) -> None:
    assert [each.sentence for each in rewritten_arguments(PLAYBOOK, line, module)] == sentences


@pytest.mark.parametrize("text", ["", "- a\n", "{", "$ANSIBLE_VAULT;1.1;AES256\n6162\n"])
def test_a_file_without_tasks_has_none(text: str) -> None:
    assert list(rewritten_arguments(text, 1, "jetstream_volume")) == []
