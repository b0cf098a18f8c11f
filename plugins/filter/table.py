# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: table
short_description: Show a list of dictionaries as a table of plain text
version_added: 1.0.0
author:
  - jetstream.cloud contributors (@jetstream-cloud)
description:
  - Formats results of the info modules, or any other list of dictionaries, as an aligned table for people.
  - Columns are as wide as their content. Numbers are aligned right. A missing value is shown as C(-), booleans as
    C(yes) and C(no), a list as its elements separated by commas, a dictionary as its C(name).
  - Line breaks and control codes in a cell are replaced, since users choose the names of their instances.
  - The width of emoji comes from the Python library C(wcwidth) if it is installed on the controller, otherwise from
    Python's own tables.
positional: columns
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  columns:
    description:
      - The columns, from left to right. A list, or a string separated by commas.
      - Each is a key, or a path with dots such as V(flavor.name), or one of O(words), or a dictionary.
      - A dictionary has C(key), which is a key or path, or a list of them whose values are joined by C(separator), by
        default a space. It may have a C(title), an C(align) of V(left) or V(right), and a C(width) that no cell
        exceeds. A shortened cell ends in an ellipsis.
      - With C(short_time=true) in it, a time of ISO 8601 is shown without year and seconds, such as C(11-25 21:02Z),
        and is never cut.
      - C(exact) in it is the path of a boolean. Where that is C(false), the value is a lower bound, such as C(>= 7).
      - With C(wrap) in that dictionary, long cells continue on lines of at least this many characters where
        the table is wider than O(width).
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
    description: The text to return if there are no rows.
    type: str
    default: none
  width:
    description:
      - The maximum width of the table, V(0) for no limit, or V(terminal).
      - V(terminal) is the width of the terminal that Ansible writes to, or the environment variable E(COLUMNS), and no
        limit in a pipe or a file.
      - If the table is wider, columns with C(wrap) are wrapped first. Then columns of O(drop) are dropped in this
        order, as few as possible. Then texts are shortened, but never numbers, so a table of many columns can still be
        wider.
    type: raw
    default: 0
  drop:
    description:
      - The columns that may be dropped to fit O(width), each as in O(columns). A last line names the dropped columns.
      - Empty columns among them are dropped first, before a column is wrapped, and are not named.
      - By default, all columns are shown.
    type: list
    elements: raw
  hint:
    description: A sentence at the end of that last line, for example about showing all columns.
    type: str
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

- name: Fit the terminal
  jetstream.cloud.jetstream_print:
    msg: "{{ fleet.instances | jetstream.cloud.table(chosen, width='terminal', drop=['project.name', 'id']) }}"
  vars:
    chosen: [{key: name, wrap: 20}, id, status, ip_address, project.name]
"""

RETURN = r"""
_value:
  description: The table as lines of plain text without trailing spaces, or O(empty).
  type: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._internal.text.tables import TableError, text_table
from ..module_utils._internal.text.terminal import one_line
from ..plugin_utils._internal.supported_core import require_supported_core
from ..plugin_utils._internal.terminal_width import terminal_width


def table(
    rows: object,
    columns: object,
    words: object = None,
    empty: str = "none",
    width: object = 0,
    drop: object = None,
    hint: str | None = None,
) -> str:
    """Return the table as plain text. ``width``: a number of columns, 0 for no limit, or "terminal"."""
    # Not when this file is imported: then, Ansible would only warn that there is no such filter.
    require_supported_core()
    try:
        limit = _width(width)
        text = text_table(rows, columns, words, width=limit, drop=drop, hint=str(hint or ""))
    except TableError as error:
        raise AnsibleFilterError(str(error)) from error
    return text or one_line(str(empty))


def _width(width: object) -> int | None:
    if width == "terminal":
        return terminal_width()
    text = str(width)
    if isinstance(width, bool) or not (text.isascii() and text.isdecimal()):
        raise TableError(f"width must be a number, 0 for no limit, or terminal, not {one_line(text)}.")
    return int(text[:9]) or None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"table": table}
