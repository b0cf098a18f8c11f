#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_idle_info
short_description: Return the idle instances, with time, rule and cost
version_added: 1.0.0
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
      - Only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are visible.
        Other values are names or globs of users.
      - Without it, instances of all users are returned, and those of other users have the veto C(not_mine).
    type: list
    elements: str
  settings:
    description:
      - Settings of the rules, by name, such as C(window_minutes) or C(cores). Each has bounds, and other values are
        refused. docs/idle.md lists them.
      - On Jetstream2, the owner of an instance can set a number for it in its metadata, such as
        C(jetstream_idle_window_minutes=240). A number out of bounds never makes the instance idle sooner, and an
        invalid value makes its verdict unknown, with a warning.
    type: dict
  replay:
    description:
      - A time before now, such as V(30d), V(12h) or V(2w), for which to return also what the rules would have done with
        the settings of this task. The maximum is 30 days, the retention of readings; readings older than two days are
        hourly.
    type: str
  grace_minutes:
    description:
      - The time between the notice and the action that O(replay) assumes, in minutes.
    type: float
    default: 60.0
notes:
  - Readings are stored by site, project and UUID. The verdict of an instance without readings is unknown.
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

- name: Judge the instances of a course, which may be unused for four hours
  jetstream.cloud.jetstream_idle_info:
    name: bio101-*
    owner: any
    settings:
      window_minutes: 240
      ignore: [web]

- name: Try a longer window on the readings of two weeks
  jetstream.cloud.jetstream_idle_info:
    replay: 14d
    settings:
      window_minutes: 120
  register: tried

- name: Show the notices, actions and savings that would have resulted
  jetstream.cloud.jetstream_print:
    msg: "{{ tried.replay.summary.sentences }}"

- name: Judge instances without a login, by their consoles
  jetstream.cloud.jetstream_idle_info:
    owner: any
    console_only: true

- name: Judge all instances by the settings in a file of this repository
  jetstream.cloud.jetstream_idle_info:
    settings_path: "{{ playbook_dir }}/idle_settings.yml"
"""

RETURN = r"""
instances:
  description: The selected instances, by number.
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
      description: The user that owns it.
      type: str
    status:
      description: The state, in the cloud's own word.
      type: str
      sample: active
    activity:
      description: The task in progress. Empty if there is none.
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
        - For an idle instance, the latest possible start of the idle time. For others, the last known use. ISO 8601,
          UTC.
      type: str
      sample: "2026-11-23T12:57:00Z"
    since_is_known:
      description:
        - For an idle instance, whether the evidence shows the use that ended at RV(instances[].since). If V(false), the
          evidence begins there, so RV(instances[].idle_hours) and RV(instances[].su_since_idle) are lower bounds.
          V(null) for others.
      type: bool
    idle_hours:
      description: The number of idle hours. V(null) if it is not idle.
      type: float
      sample: 6.25
    rule:
      description:
        - The rule that found use, or one word for the reason why the use is unknown. For an idle instance, empty, or
          V(console_only) if its console is the only evidence.
      type: str
      sample: keys
    reason:
      description: The verdict in words.
      type: str
      sample: nothing happened for 375 min
    caveat:
      description: A sentence about the limits of the evidence. Empty if there is none.
      type: str
      sample: The console does not show interactive use, transfers and waiting jobs.
    evidence:
      description: The evidence of the verdict.
      type: dict
      contains:
        numbers:
          description: The maximum of each number in the window, such as C(cores) or C(net).
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
              description: The sign of use in words.
              type: str
            value:
              description: The compared number.
              type: float
        doubts:
          description: The reasons why the evidence is incomplete.
          type: list
          elements: str
        losses:
          description: Programs that are running although nothing happens, and would be lost with the memory.
          type: list
          elements: str
          sample: [2 Jupyter kernels]
        console:
          description: The lines of its console in the window. V(null) if the console was not read.
          type: dict
          contains:
            lines:
              description: The number of selected instances.
              type: int
            newest:
              description: The time of the latest line. ISO 8601, UTC.
              type: str
            cores:
              description: The mean number of busy cores.
              type: float
            newest_cores:
              description: The mean number of busy cores in the last five lines.
              type: float
            used_now:
              description: Whether the last five lines are recent, and show use.
              type: bool
            doubt:
              description: The reason why the lines can only prove use. Empty if there is none.
              type: str
        readings:
          description: The number of readings behind the verdict.
          type: int
        newest:
          description: The time of the latest reading. ISO 8601, UTC.
          type: str
    failed_try:
      description:
        - The last attempt to take a reading, if it failed and none was taken since. V(null) otherwise. It does not
          affect the verdict.
      type: dict
      contains:
        at:
          description: When. ISO 8601, UTC.
          type: str
        reason:
          description: The reason in the words of ssh, sudo or this collection, with at most 200 characters.
          type: str
          sample: "ssh: connect to host 149.165.150.2 port 22: Connection refused"
    keep:
      description:
        - The valid keep mark with the latest end. If none is valid now, the one with the latest end, even if it has
          ended or has not begun. V(null) if there is none.
      type: dict
      contains:
        from:
          description: The beginning. V(null) if the mark has none. ISO 8601, UTC.
          type: str
        until:
          description: The end. V(null) if the mark is invalid, which keeps the instance. ISO 8601, UTC.
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
      description: The cost in its present state in SU per hour. V(null) if the flavor has no known rate.
      type: float
      sample: 2
    su_since_idle:
      description: The SU it has cost since it became idle. V(null) if it is not idle.
      type: float
      sample: 12.5
    saves_su_per_day:
      description: The savings of shelving it in SU per day.
      type: float
      sample: 48
    settings:
      description:
        - The settings for this instance that differ from the defaults, from O(settings), O(settings_path) and its
          metadata.
      type: dict
      sample: {"window_minutes": 240}
    would:
      description: The proposed action, V(shelve) or V(nothing).
      type: str
      sample: shelve
    vetoes:
      description: The reasons to do nothing.
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
          description: The threshold as a sentence.
          type: str
          sample: "it is locked: exam"
    kept_because:
      description: The reasons of these vetoes in words, without V(active), V(unknown) and V(trial).
      type: list
      elements: str
      sample: ["it is locked: exam"]
replay:
  description:
    - The actions that the rules would have taken. An instance counts as off after an action until the readings show a
      use, or are missing.
  returned: with O(replay)
  type: dict
  contains:
    since:
      description: The start of the replay. ISO 8601, UTC.
      type: str
    grace_minutes:
      description: The assumed time between the notice and the action.
      type: float
    instances:
      description: The instances.
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
        owner:
          description: The user that owns it.
          type: str
        first:
          description: The start of the readings. V(null) if there are none. ISO 8601, UTC.
          type: str
        known_hours:
          description: The hours with readings.
          type: float
        hourly_hours:
          description: The part of these hours with hourly figures only.
          type: float
        unknown_hours:
          description: The part of these hours with unknown use.
          type: float
        warned:
          description: The number of notices.
          type: int
        spared:
          description: The number of notices after which use was found in the grace time, or became unknown.
          type: int
        put_away:
          description: The number of actions.
          type: int
        used_soon:
          description: The number of actions after which it may have been used within an hour.
          type: int
        saved_hours:
          description: The number of hours that it would have been off, and was certainly not used.
          type: float
        saved_su:
          description: The SU that shelving it for these hours saves. V(null) if its flavor has no known rate.
          type: float
        problem:
          description: The reason why it has no replay. Empty if it has one.
          type: str
        stretches:
          description: The idle times that would have led to a notice, oldest first.
          type: list
          elements: dict
          contains:
            warned:
              description: The time of the notice. ISO 8601, UTC.
              type: str
            put_away:
              description: The time of the action. V(null) if there was none. ISO 8601, UTC.
              type: str
            ending:
              description:
                - V(spared) (used, or unknown, in the grace time), V(warned) (the grace time is not over), V(used),
                  V(started) (booted), V(unknown) (readings are missing or in doubt), or V(away) (off to the end).
              type: str
            used_from:
              description: The earliest possible start of the next use. ISO 8601, UTC.
              type: str
            used_by:
              description: The latest possible start of the next use. ISO 8601, UTC.
              type: str
            used_soon:
              description: Whether the earliest start is less than an hour after the action.
              type: bool
            saved_hours:
              description: The number of hours that it would have been off, and was certainly not used.
              type: float
            saved_su:
              description: The SU saved. V(null) if its flavor has no known rate.
              type: float
            hourly:
              description: Whether its times come from hourly figures, and are accurate to an hour.
              type: bool
    summary:
      description: The sums over these instances.
      type: dict
      contains:
        selected:
          description: The number of selected instances.
          type: int
        without_readings:
          description: The number of instances without readings in that time.
          type: int
        known_hours:
          description: The hours with readings.
          type: float
        hourly_hours:
          description: The part of these hours with hourly figures only.
          type: float
        unknown_hours:
          description: The part of these hours with unknown use.
          type: float
        warned:
          description: The number of notices.
          type: int
        spared:
          description: The number of notices without an action.
          type: int
        put_away:
          description: The number of actions.
          type: int
        used_soon:
          description: The number of actions after which the instance may have been used within an hour.
          type: int
        saved_hours:
          description: The number of hours that instances would have been off, and were certainly not used.
          type: float
        saved_su:
          description: The SU that shelving them for these hours saves.
          type: float
        unknown_costs:
          description: The number of instances with an action and without a known rate.
          type: int
        sentences:
          description: The sums in sentences, with their uncertainties.
          type: list
          elements: str
          sample:
            - "3 instances, 84.2 days of readings: 41 warnings, 9 spared in the grace time, 32 actions."
            - That would have saved 1210 SU, in 605 hours.
            - "Used again within an hour: 2 of 32, web (2)."
summary:
  description: The sums over these instances.
  returned: success
  type: dict
  contains:
    selected:
      description: The number of selected instances.
      type: int
    active:
      description: The number of active instances.
      type: int
    idle:
      description: The number of idle instances.
      type: int
    unknown:
      description: The number of instances with an unknown verdict.
      type: int
    idle_su_per_hour:
      description: The cost of the idle instances in SU per hour.
      type: float
    su_since_idle:
      description: The SU they have cost since each became idle.
      type: float
    saves_su_per_day:
      description: The SU per day that shelving all instances without a veto would save.
      type: float
    unknown_costs:
      description: The number of idle instances without a known rate.
      type: int
    sentence:
      description: The idle instances and their cost, as a sentence.
      type: str
      sample: >-
        3 instances have been idle for 4.0 to 9.5 hours, and cost 41 SU since: web, gpu, old. Shelving would save
        145 SU a day.
"""

from ..module_utils._internal.operations.idle_info import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
