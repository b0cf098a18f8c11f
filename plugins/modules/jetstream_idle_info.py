#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_idle_info
short_description: Return which instances are idle, since when, by which rule, and their cost
version_added: 0.1.0
description:
  - Decides by the readings that M(jetstream.cloud.jetstream_activity) has stored on the controller. Connects to no
    instance, and changes nothing.
  - An instance is idle if nothing happened in any interval of the whole window. Missing, old or contradictory evidence
    leaves it unknown, which counts as active. The rules are in docs/idle.md.
  - Returns the proposed action, and every reason against it. M(jetstream.cloud.jetstream_idle) acts on it.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.info
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
  - jetstream.cloud.instance_filters
  - jetstream.cloud.rates
  - jetstream.cloud.idle_files
options:
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) is every user whose instances it can see.
        Other values are names or globs of users.
      - Without it, the instances of all are returned, and those of other users have the veto C(not_mine).
    type: list
    elements: str
  settings:
    description:
      - Settings of the rules, by name, such as C(window_minutes) or C(cores). Each has bounds; a value outside of them
        is refused. docs/idle.md has all.
      - On Jetstream2, the owner of an instance can set a number for it in its metadata, such as
        C(jetstream_idle_window_minutes=240). One that is out of bounds never makes the instance idle sooner, and with
        one that is not understood it is unknown; a warning says so.
    type: dict
notes:
  - Readings are kept by site, project and UUID. An instance of which none was taken is unknown.
seealso:
  - module: jetstream.cloud.jetstream_activity
  - module: jetstream.cloud.jetstream_keep
"""

EXAMPLES = r"""
- name: Read the verdicts on all instances from the readings of activity.yml
  jetstream.cloud.jetstream_idle_info:
  register: fleet

- name: Show the idle instances
  jetstream.cloud.jetstream_print:
    msg: "{{ fleet.summary.sentence }}"

- name: Judge the instances of a course, which may rest for four hours
  jetstream.cloud.jetstream_idle_info:
    name: bio101-*
    owner: any
    settings:
      window_minutes: 240
      ignore: [web]

- name: Judge all instances by the settings in a file of this repository
  jetstream.cloud.jetstream_idle_info:
    settings_path: "{{ playbook_dir }}/idle_settings.yml"
"""

RETURN = r"""
instances:
  description: The instances that were selected, by number.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
      sample: 21752
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name.
      type: str
    owner:
      description: The user that it belongs to.
      type: str
    status:
      description: The state, in the cloud's own word.
      type: str
      sample: active
    activity:
      description: What is being done to it. Empty if nothing is.
      type: str
    flavor:
      description: The name of its flavor.
      type: str
      sample: m3.small
    verdict:
      description: V(active), V(idle) or V(unknown). Unknown counts as active.
      type: str
      sample: idle
    since:
      description:
        - Of an idle instance, since when it has been idle at least. Of another one, the last use that is known. ISO
          8601, UTC.
      type: str
      sample: "2026-11-23T12:57:00Z"
    idle_hours:
      description: For how many hours it has been idle. V(null) if it is not.
      type: float
      sample: 6.25
    rule:
      description:
        - The rule that found use, or one word for why nothing is known. Empty if it is idle, since then no rule found
          use.
      type: str
      sample: keys
    reason:
      description: The verdict in words.
      type: str
      sample: nothing happened for 375 min
    evidence:
      description: What the verdict rests on.
      type: dict
      contains:
        numbers:
          description: The greatest figure of each kind in the window, such as C(cores) or C(net).
          type: dict
        findings:
          description: Each sign of use in the window, the latest first.
          type: list
          elements: dict
          contains:
            rule:
              description: The rule that found it.
              type: str
            at:
              description: When. ISO 8601, UTC.
              type: str
            text:
              description: It, in words.
              type: str
            value:
              description: The number that was compared.
              type: float
        doubts:
          description: Why the evidence is incomplete, a clause each.
          type: list
          elements: str
        losses:
          description: What is there although nothing happens, and would be lost with the memory.
          type: list
          elements: str
          sample: [2 Jupyter kernels]
        readings:
          description: How many readings the verdict rests on.
          type: int
        newest:
          description: When the newest was taken. ISO 8601, UTC.
          type: str
    keep:
      description: The keep mark that holds the longest, also one that has ended. V(null) if there is none.
      type: dict
      contains:
        until:
          description: The end. V(null) if the mark is no time, which keeps the instance. ISO 8601, UTC.
          type: str
        source:
          description: V(metadata) of the instance, or V(file) on the controller.
          type: str
        text:
          description: The mark as it was written.
          type: str
        holds:
          description: Whether it keeps the instance now.
          type: bool
    su_per_hour:
      description: What an hour costs in its present state. V(null) if the flavor has no known rate.
      type: float
      sample: 2
    su_since_idle:
      description: What it has cost since it has been idle. V(null) if it is not idle.
      type: float
      sample: 12.5
    saves_su_per_day:
      description: What shelving it would save a day.
      type: float
      sample: 48
    settings:
      description:
        - The settings by which it was judged, as far as they are not the defaults. They are those of O(settings) and
          O(settings_path), and of its own metadata.
      type: dict
      sample: {"window_minutes": 240}
    would:
      description: What would be done, if something acted on the verdict. V(shelve) or V(nothing).
      type: str
      sample: shelve
    vetoes:
      description: Every reason to do nothing.
      type: list
      elements: dict
      contains:
        veto:
          description:
            - V(active), V(unknown), V(not_running), V(busy) (the cloud is changing it), V(locked), V(not_mine),
              V(kept), V(young) (launched within the window), V(booted) (started within 30 minutes), V(scheduled)
              (its schedule wants it to run), V(unsupported) or V(state_unknown).
          type: str
          sample: locked
        reason:
          description: It in words.
          type: str
          sample: "it is locked: exam"
summary:
  description: The sums over these instances.
  returned: success
  type: dict
  contains:
    selected:
      description: How many there are.
      type: int
    active:
      description: How many of them are active.
      type: int
    idle:
      description: How many are idle.
      type: int
    unknown:
      description: How many are unknown.
      type: int
    idle_su_per_hour:
      description: What an hour of the idle ones costs.
      type: float
    su_since_idle:
      description: What they have cost since each of them has been idle.
      type: float
    saves_su_per_day:
      description: What a day would save if all that have no veto were shelved.
      type: float
    unknown_costs:
      description: How many of the idle ones have no known rate.
      type: int
    sentence:
      description: The idle ones and their cost, in a sentence.
      type: str
      sample: >-
        3 instances have been idle for 4.0 to 9.5 hours, and cost 41 SU since: web, gpu, old. Shelving would save
        145 SU a day.
"""

from ..module_utils.operations.idle_info import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
