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
  - Returns the usage of an account as data. That is how long each allocation lasts, service units (SU) per day, the
    most expensive instances, and the volumes that are not attached.
  - Notes the remaining SU of the allocations in a local file, one line for each allocation and day.
  - Makes a text of the data, for a mail, and writes a page of HTML that needs no other file. It can be read on a phone,
    and in the dark. Both are Jinja2 templates, which can be replaced.
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
      - Text and page are made on the controller, after the data have come.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - The history file does not change if nothing was used since the last run on the same day. A page is always
        written anew, since it bears the time.
options:
  decisions_path:
    description:
      - The folder with the log of M(jetstream.cloud.jetstream_idle), which has the acts on idle instances.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
  history_path:
    description:
      - The file in which the remaining SU are recorded. Two runs at once take turns, and a full disk loses nothing.
      - If it is a link, its target is written. Its mode and owner are kept.
      - If not set, C(~/.local/share/jetstream/usage.jsonl) is used.
    type: path
    aliases:
      - record
  dest:
    description:
      - The HTML file to write, on the host of the task. Without it, none is.
      - If it is a link, its target is written. Its mode and owner are kept. Devices, pipes and folders are refused.
    type: path
    aliases:
      - page
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
  - Days are those of UTC.
  - SU per day are worked out from the history and the table of rates. The site's own accounting has the last word.
seealso:
  - module: jetstream.cloud.jetstream_allocation_info
  - module: jetstream.cloud.jetstream_history_info
  - module: jetstream.cloud.jetstream_mail
"""

EXAMPLES = r"""
- name: Note today's balances, and write the page
  jetstream.cloud.jetstream_usage_report:
    dest: ~/public_html/jetstream.html
  register: report

- name: Show the same as text
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

- name: Write a page in the colors of the lab
  jetstream.cloud.jetstream_usage_report:
    dest: ~/public_html/jetstream.html
    html_template: lab.html.j2
"""

RETURN = r"""
text:
  description: The report as plain text, by O(text_template).
  returned: success
  type: str
subject:
  description: The report in one line, for the subject of a mail.
  returned: success
  type: str
  sample: "Jetstream, TG-GEO160014 at js2.jetstream-cloud.org: TG-GEO160014 CPU: 81 days, 18,759 SU"
saved_su:
  description:
    - SU that acts on idle instances saved in the last seven days. An instance counts from its act to the last time it
      was seen asleep. V(null) if there was no act on one of these instances.
  returned: success
  type: float
  sample: 96.5
history_path:
  description: The file in which the remaining SU are recorded.
  returned: success
  type: str
  sample: /home/johndoe/.local/share/jetstream/usage.jsonl
dest:
  description: The HTML file that was written. V(null) without O(dest).
  returned: success
  type: str
  sample: /home/johndoe/public_html/jetstream.html
taken_at:
  description: When the data were gathered. ISO 8601, UTC.
  returned: success
  type: str
  sample: "2026-11-23T18:57:00Z"
account:
  description: The account that the report is on.
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
      description: The name of the user. V(null) if only a token was given.
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
    - The allocations, with everything that M(jetstream.cloud.jetstream_allocation_info) returns of each, and these.
  returned: success
  type: list
  elements: dict
  contains:
    headline:
      description: How long it lasts, in a few words.
      type: str
      sample: 81 days
    is_near:
      description: Whether it lasts less than 30 days, at the pace of the last seven days or to its end.
      type: bool
    outlook:
      description: How long it lasts, in sentences.
      type: list
      elements: str
      sample: ["At the pace of the last 7 days, 231 SU a day, it lasts until 12 February 2027."]
    snapshots:
      description: The balances that the history file has of it, the oldest first.
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
  description: SU of each day, the oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    date:
      description: The day, in UTC.
      type: str
      sample: "2026-11-22"
    su:
      description: SU used on it.
      type: float
      sample: 231
    is_weekend:
      description: Whether it is a Saturday or a Sunday.
      type: bool
    is_complete:
      description: Whether it is over. V(false) for today.
      type: bool
    allocations:
      description: The same by allocation, of those that were used.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the allocation. V(null) where it is not known, as of deleted instances on Atmosphere.
          type: str
        uuid:
          description: Its UUID. V(null) where it is not known.
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
      description: The state now. V(null) if it was deleted.
      type: str
    flavor:
      description: The name of its flavor.
      type: str
    allocation:
      description: The name of the allocation that pays. V(null) if it is not known.
      type: str
    su:
      description: SU used in these days. V(null) if the flavor has no rate.
      type: float
    percent:
      description: Its share of RV(su), in per cent. V(null) if that is not known.
      type: float
    su_per_hour:
      description: SU per hour that it costs in its state now. V(null) if it was deleted, or its flavor has no rate.
      type: float
unattached_volumes:
  description: The volumes that are attached to no instance.
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
  description: Sentences on instances that are not counted, and on figures that could not be read. The task warns of
    the same.
  returned: success
  type: list
  elements: str
"""

from ..module_utils.operations.usage_report import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
