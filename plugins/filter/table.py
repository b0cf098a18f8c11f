# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: table
short_description: Show a list of dictionaries as a table of plain text
version_added: 0.1.0
author:
  - jetstream.cloud contributors (@jetstream-cloud)
description:
  - Makes an aligned table, for a person to read, of what the info modules return, or of any other list of dictionaries.
  - Columns are as wide as what is in them. Numbers stand right. What is missing is C(-), booleans are C(yes) and C(no),
    of a list there are all elements with commas between them, of a dictionary there is its name.
  - What is in a cell stays on one line, and cannot steer a terminal, since whoever names an instance could try.
positional: columns
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  columns:
    description:
      - The columns, from left to right. A string with commas between them does as well as a list.
      - Each is a key, or a path with dots such as V(flavor.name), or one of O(words), or a dictionary.
      - A dictionary has C(key), which is a key or path, or a list of them whose values are joined by C(separator),
        a blank unless said otherwise. It may have a C(title), an C(align) of V(left) or V(right), and a C(width) that
        no cell exceeds. What is cut ends in an ellipsis.
      - A path through a list goes to each of its elements.
    type: list
    elements: raw
    required: true
  words:
    description:
      - Short names for columns, each with the key, the path or the dictionary that it stands for.
      - With them, a user can choose columns on the command line.
    type: dict
  empty:
    description: What to say instead of a table if there are no rows.
    type: str
    default: none
seealso:
  - module: jetstream.cloud.jetstream_print
  - module: jetstream.cloud.jetstream_instance_info
  - module: jetstream.cloud.jetstream_volume_info
"""

EXAMPLES = r"""
- name: Read the instances
  jetstream.cloud.jetstream_instance_info:
  register: fleet

- name: Show them
  jetstream.cloud.jetstream_print:
    msg: "{{ fleet.instances | jetstream.cloud.table(['name', 'id', 'status', 'flavor.name']) }}"

# NAME            ID  STATUS   FLAVOR
# geo-node-01  21752  active   m1.small
# geo-node-02  21760  shutoff  m1.tiny

- name: Let the user choose with -e columns=name,flavor, and give some columns a title
  jetstream.cloud.jetstream_print:
    msg: "{{ fleet.instances | jetstream.cloud.table(chosen, words=meanings, empty='No instances.') }}"
  vars:
    chosen: "{{ columns | default('name,state') }}"
    meanings:
      flavor: flavor.name
      state:
        key: [status, activity]
        separator: " - "
      used:
        key: allocation_source.compute_used
        title: SU USED
      image:
        key: image.name
        width: 30
"""

RETURN = r"""
_value:
  description: The table, in lines of plain text without blanks at their ends, or the sentence for no rows.
  type: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from ..module_utils.text.tables import TableError, text_table
from ..module_utils.text.terminal import one_line
from ..plugin_utils.supported_core import require_supported_core


def table(rows: object, columns: object, words: object = None, empty: str = "none") -> str:
    # Not when this file is imported: then, Ansible would only warn that there is no such filter.
    require_supported_core()
    try:
        return text_table(rows, columns, words) or one_line(str(empty))
    except TableError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"table": table}
