#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_usage_report
short_description: Report the usage of a Jetstream account, and how long its allocations last
version_added: 1.0.0
description:
  - Returns the usage of an account as data, with the time that each allocation lasts, service units (SU) per day, the
    most expensive instances, and unattached volumes.
  - Records the remaining SU of the allocations in a local file, one line for each allocation and day.
  - Renders the data as a text, for a mail, and as a self-contained HTML page for desktops and phones, with a dark mode.
    Both are Jinja2 templates, which can be replaced.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.rates
requirements:
  - The Python library C(matplotlib) on the controller, for charts in a page
attributes:
  async:
    support: none
    details:
      - Text and page are rendered on the controller, after the data have been read.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - The history file does not change if nothing was used since the last run on the same day. A page always changes,
        since it contains the time.
options:
  decisions_path:
    description:
      - The folder of the decision log of M(jetstream.cloud.jetstream_idle), with the actions on idle instances.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
  history_path:
    description:
      - The file that records the remaining SU. Concurrent runs take turns, and a full disk loses no data.
      - If it is a link, its target is written. Mode and owner are kept.
      - If not set, C(~/.local/share/jetstream/usage.jsonl) is used.
    type: path
    aliases:
      - record
  dest:
    description:
      - The HTML page to write, on the host of the task. By default, no page is written.
      - If it is a link, its target is written. Mode and owner are kept. Devices, pipes and folders are refused.
    type: path
    aliases:
      - page
  charts:
    description:
      - Whether the page has charts, which require C(matplotlib). Without charts, it has tables.
    type: bool
    default: true
  days:
    description:
      - The number of days in the report, including today.
    type: int
    default: 30
  html_template:
    description:
      - The Jinja2 template of the page, on the controller. A relative path is searched as
        M(ansible.builtin.template) does. All output of the template is escaped for HTML.
      - It can extend the template of this collection, V(jetstream.cloud/usage_report.html.j2), and replace parts of it.
    type: path
  text_template:
    description:
      - The Jinja2 template of the text, on the controller. It can extend V(jetstream.cloud/usage_report.txt.j2).
    type: path
notes:
  - Days are UTC days.
  - SU per day are worked out from the history and the table of rates. The site's own accounting has the last word.
seealso:
  - module: jetstream.cloud.jetstream_allocation_info
  - module: jetstream.cloud.jetstream_history_info
  - module: jetstream.cloud.jetstream_mail
"""

EXAMPLES = r"""
- name: Record today's balances, and write the page
  jetstream.cloud.jetstream_usage_report:
    dest: ~/public_html/jetstream.html
  register: report

- name: Show the text
  jetstream.cloud.jetstream_print:
    msg: "{{ report.text }}"

- name: Warn of allocations that last less than a month
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.headline }}"
  loop: "{{ report.allocations | selectattr('is_near') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Write a page of the last week, where matplotlib is not installed
  jetstream.cloud.jetstream_usage_report:
    dest: /var/www/html/usage.html
    charts: false
    days: 7

- name: Write a page with a custom template
  jetstream.cloud.jetstream_usage_report:
    dest: ~/public_html/jetstream.html
    html_template: lab.html.j2
"""

RETURN = r"""
text:
  description: The report as plain text, rendered with O(text_template).
  returned: success
  type: str
subject:
  description: A summary in one line, for the subject of a mail.
  returned: success
  type: str
  sample: "Jetstream, TG-GEO160014 at js2.jetstream-cloud.org: TG-GEO160014 CPU: 81 days, 18,759 SU"
saved_su:
  description:
    - The SU that actions on idle instances saved in the last seven days. An instance counts from the action to the last
      time it was seen off. V(null) if there was no action on these instances.
  returned: success
  type: float
  sample: 96.5
history_path:
  description: The file that records the remaining SU.
  returned: success
  type: str
  sample: /home/johndoe/.local/share/jetstream/usage.jsonl
dest:
  description: The HTML page. V(null) without O(dest).
  returned: success
  type: str
  sample: /home/johndoe/public_html/jetstream.html
taken_at:
  description: The time of the data. ISO 8601, UTC.
  returned: success
  type: str
  sample: "2026-11-23T18:57:00Z"
account:
  description: The account of the report.
  returned: success
  type: dict
  contains:
    site:
      description: The host of the login.
      type: str
      sample: js2.jetstream-cloud.org:5000
    cloud:
      description: The region, or V(Atmosphere).
      type: str
      sample: IU
    user:
      description: The name of the user. V(null) if only a token is configured.
      type: str
      sample: johndoe
    project:
      description: The project. V(null) on Atmosphere, where an account sees all of its projects.
      type: str
      sample: TG-GEO160014
    label:
      description: The same in words.
      type: str
      sample: johndoe, project TG-GEO160014 at js2.jetstream-cloud.org (IU)
su:
  description: SU used in all of the days.
  returned: success
  type: float
  sample: 17400
allocations:
  description:
    - The allocations, with all keys of M(jetstream.cloud.jetstream_allocation_info), and these.
  returned: success
  type: list
  elements: dict
  contains:
    headline:
      description: The time that it lasts, in a few words.
      type: str
      sample: 81 days
    is_near:
      description: Whether it lasts less than 30 days, at the pace of the last seven days or to its end.
      type: bool
    outlook:
      description: The time that it lasts, in sentences.
      type: list
      elements: str
      sample: ["At the pace of the last 7 days, 231 SU a day, it lasts until 12 February 2027."]
    snapshots:
      description: The balances in the history file, oldest first.
      type: list
      elements: dict
      contains:
        date:
          description: The day, in UTC.
          type: str
          sample: "2026-11-22"
        remaining:
          description: The remaining SU.
          type: float
          sample: 18990.25
days:
  description: The SU of each day, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    date:
      description: The day, in UTC.
      type: str
      sample: "2026-11-22"
    su:
      description: SU used on that day.
      type: float
      sample: 231
    is_weekend:
      description: Whether it is a Saturday or a Sunday.
      type: bool
    is_complete:
      description: Whether the day is over. V(false) for today.
      type: bool
    allocations:
      description: The same by allocation, if used.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the allocation. V(null) if unknown, as for deleted instances on Atmosphere.
          type: str
        uuid:
          description: The UUID of the allocation. V(null) if unknown.
          type: str
        su:
          description: SU used.
          type: float
instances:
  description: The instances that existed in these days, the most expensive first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name.
      type: str
    status:
      description: The present state. V(null) if it was deleted.
      type: str
    flavor:
      description: The name of its flavor.
      type: str
    allocation:
      description: The name of the allocation that pays. V(null) if unknown.
      type: str
    su:
      description: SU used in these days. V(null) if the flavor has no rate.
      type: float
    percent:
      description: Its share of RV(su), in percent. V(null) if unknown.
      type: float
    su_per_hour:
      description: The cost in its present state, in SU per hour. V(null) if it was deleted, or its flavor has no rate.
      type: float
unattached_volumes:
  description: The volumes without an attachment.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name.
      type: str
    size:
      description: Its size in GB.
      type: int
    project:
      description: The name of its project.
      type: str
notes:
  description: Sentences about instances that are not counted, and about unreadable figures. They are also warnings of
    the task.
  returned: success
  type: list
  elements: str
"""

from ..module_utils._internal.operations.usage_report import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
