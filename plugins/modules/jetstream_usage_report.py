#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_usage_report
short_description: Report what a Jetstream account uses, and how long its allocations last
version_added: 0.1.0
description:
  - Notes how the allocations stand today in a local record, one line for each allocation and day.
  - Writes one page of HTML that needs nothing else, with what is left over time and where that leads, service units
    (SU) per day, the most expensive instances, and the volumes that are not attached. It can be read on a phone, in
    the dark, and in a mail client.
  - Returns the same as text, for a mail.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.rates
requirements:
  - The Python library C(matplotlib), for charts in a page
attributes:
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - The record does not change if nothing was used since the last run on the same day. A page is always written
        anew, since it bears the time.
options:
  record:
    description:
      - The file in which readings are kept. Two runs at once take turns, and a full disk loses nothing.
      - If not set, C(~/.local/share/jetstream/usage.jsonl) is used.
    type: path
  page:
    description:
      - The HTML file to write. Without it, none is.
    type: path
  charts:
    description:
      - Whether the page has charts, which takes C(matplotlib). Without charts, it has tables.
    type: bool
    default: true
  days:
    description:
      - How many days the report goes back. Today is one of them.
    type: int
    default: 30
notes:
  - Days are those of UTC.
  - SU per day are worked out from the history and the table of rates. The site's own accounting has the last word.
seealso:
  - module: jetstream.cloud.jetstream_allocation_info
  - module: jetstream.cloud.jetstream_history_info
  - module: jetstream.cloud.jetstream_mail
"""

EXAMPLES = r"""
- name: Note today's figures, and write the page
  jetstream.cloud.jetstream_usage_report:
    page: ~/public_html/jetstream.html
  register: report

- name: Show the same as text
  jetstream.cloud.jetstream_print:
    msg: "{{ report.text }}"

- name: Write a page of the last week, where matplotlib is not installed
  jetstream.cloud.jetstream_usage_report:
    page: /var/www/html/usage.html
    charts: false
    days: 7
"""

RETURN = r"""
text:
  description: The report as plain text.
  returned: success
  type: str
subject:
  description: The report in one line, for the subject of a mail.
  returned: success
  type: str
  sample: "Jetstream: TG-GEO160014 has 48,765.4 SU left"
record:
  description: The file in which readings are kept.
  returned: success
  type: str
  sample: /home/johndoe/.local/share/jetstream/usage.jsonl
page:
  description: The HTML file that was written. V(null) without O(page).
  returned: success
  type: str
  sample: /home/johndoe/public_html/jetstream.html
"""

from ..module_utils.operations.usage_report import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
