#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_idle_info
short_description: Return which instances are idle, since when, by which rule, and their cost
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
  replay:
    description:
      - Also return what the rules would have done in this time before now, such as V(30d), V(12h) or V(2w), with the
        settings of this task. At most 30 days, for which readings are kept; those older than two days are known by
        the hour.
    type: str
  grace_minutes:
    description:
      - The time between the warning and the act that O(replay) assumes.
    type: float
    default: 60.0
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

- name: Try a longer window on the readings of two weeks
  jetstream.cloud.jetstream_idle_info:
    replay: 14d
    settings:
      window_minutes: 120
  register: tried

- name: Show what it would have warned of, put away and saved
  jetstream.cloud.jetstream_print:
    msg: "{{ tried.replay.summary.sentences }}"

- name: Judge the instances of people who gave nobody a login, to warn them
  jetstream.cloud.jetstream_idle_info:
    owner: any
    console_only: true

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
    since_is_known:
      description:
        - Of an idle instance, whether the evidence shows the use that ended at RV(instances[].since). If V(false), the
          evidence only begins there, so that RV(instances[].idle_hours) and RV(instances[].su_since_idle) are lower
          bounds. V(null) of another one.
      type: bool
    idle_hours:
      description: For how many hours it has been idle. V(null) if it is not.
      type: float
      sample: 6.25
    rule:
      description:
        - The rule that found use, or one word for why nothing is known. If it is idle, empty, since no rule found use,
          or V(console_only) if there is nothing but its console.
      type: str
      sample: keys
    reason:
      description: The verdict in words.
      type: str
      sample: nothing happened for 375 min
    caveat:
      description: A sentence about the limits of the evidence. Empty if there is none.
      type: str
      sample: The console does not show people at work, transfers, and jobs that wait.
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
        console:
          description: The lines that it printed on its console in the window. V(null) if the console was not read.
          type: dict
          contains:
            lines:
              description: How many there are.
              type: int
            newest:
              description: When the newest was printed. ISO 8601, UTC.
              type: str
            cores:
              description: The busy cores, in their mean.
              type: float
            newest_cores:
              description: The busy cores, in the mean of the last five.
              type: float
            used_now:
              description: Whether the last five are new, and show use.
              type: bool
            doubt:
              description: Why nothing but use can be concluded from them. Empty if there is no such reason.
              type: str
        readings:
          description: How many readings the verdict rests on.
          type: int
        newest:
          description: When the newest was taken. ISO 8601, UTC.
          type: str
    failed_try:
      description:
        - The last try to take a reading, if it failed and none was taken since. V(null) otherwise. It is told, and
          nothing is concluded from it.
      type: dict
      contains:
        at:
          description: When. ISO 8601, UTC.
          type: str
        reason:
          description: Why, in the words of ssh, sudo or this collection, in 200 characters at most.
          type: str
          sample: "ssh: connect to host 149.165.150.2 port 22: Connection refused"
    keep:
      description:
        - The keep mark that holds the longest now. If none holds now, the last one to end, also one that has ended or
          has not begun. V(null) if there is none.
      type: dict
      contains:
        from:
          description: The beginning. V(null) if the mark has none. ISO 8601, UTC.
          type: str
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
    kept_because:
      description: The reasons of those vetoes, in words, without V(active), V(unknown) and V(trial).
      type: list
      elements: str
      sample: ["it is locked: exam"]
replay:
  description:
    - What the rules would have done. An instance that would have been put away counts as away until the readings show
      that it was used, or that nothing is known.
  returned: with O(replay)
  type: dict
  contains:
    since:
      description: The beginning of the time. ISO 8601, UTC.
      type: str
    grace_minutes:
      description: The assumed time between the warning and the act.
      type: float
    instances:
      description: Each instance.
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
          description: The user that it belongs to.
          type: str
        first:
          description: The first moment that readings cover. V(null) if there are none. ISO 8601, UTC.
          type: str
        known_hours:
          description: The hours that readings cover.
          type: float
        hourly_hours:
          description: Those of them of which only hourly figures are left.
          type: float
        unknown_hours:
          description: Those of them of which nothing is known for certain.
          type: float
        warned:
          description: How often its owner would have been warned.
          type: int
        spared:
          description: How often something was found in the grace time, or nothing was known any more.
          type: int
        put_away:
          description: How often it would have been put away.
          type: int
        used_soon:
          description: How often it may have been used again within an hour of that.
          type: int
        saved_hours:
          description: For how many hours it would have been away, and was surely not used.
          type: float
        saved_su:
          description: What shelving it for these hours saves. V(null) if its flavor has no known rate.
          type: float
        problem:
          description: Why it has no replay. Empty if it has one.
          type: str
        stretches:
          description: Each stretch of idleness that would have led to a warning, oldest first.
          type: list
          elements: dict
          contains:
            warned:
              description: When it would have been warned of. ISO 8601, UTC.
              type: str
            put_away:
              description: When it would have been put away. V(null) if it would not. ISO 8601, UTC.
              type: str
            ending:
              description:
                - V(spared) (used, or unknown, in the grace time), V(warned) (the grace time is not over), V(used),
                  V(started) (booted by somebody), V(unknown) (readings are missing or in doubt), or V(away) (to the
                  end).
              type: str
            used_from:
              description: The earliest moment at which the next use may have begun. ISO 8601, UTC.
              type: str
            used_by:
              description: The latest such moment. ISO 8601, UTC.
              type: str
            used_soon:
              description: Whether that is less than an hour after it would have been put away, at the earliest.
              type: bool
            saved_hours:
              description: For how many hours it would have been away, and was surely not used.
              type: float
            saved_su:
              description: What that saves. V(null) if its flavor has no known rate.
              type: float
            hourly:
              description: Whether its times are of hourly figures, and so are known to an hour.
              type: bool
    summary:
      description: The sums over these instances.
      type: dict
      contains:
        selected:
          description: How many there are.
          type: int
        without_readings:
          description: How many of them had no readings in that time.
          type: int
        known_hours:
          description: The hours that readings cover.
          type: float
        hourly_hours:
          description: Those of them of which only hourly figures are left.
          type: float
        unknown_hours:
          description: Those of them of which nothing is known for certain.
          type: float
        warned:
          description: How many warnings there would have been.
          type: int
        spared:
          description: How many of them would have led to nothing.
          type: int
        put_away:
          description: How many acts there would have been.
          type: int
        used_soon:
          description: After how many of them the instance may have been used again within an hour.
          type: int
        saved_hours:
          description: For how many hours instances would have been away, and were surely not used.
          type: float
        saved_su:
          description: What shelving them for these hours saves.
          type: float
        unknown_costs:
          description: How many of those that would have been put away have no known rate.
          type: int
        sentences:
          description: All of that in sentences, with what the figures leave open.
          type: list
          elements: str
          sample:
            - "3 instances, 84.2 days of readings: 41 warnings, 9 spared in the grace time, 32 put away."
            - That would have saved 1210 SU, in 605 hours.
            - "Used again within an hour: 2 of 32, web (2)."
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
