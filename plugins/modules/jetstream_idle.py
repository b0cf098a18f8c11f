#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_idle
short_description: Put idle instances away, after their owners were told
version_added: 1.0.0
description:
  - Decides about each instance by the readings that M(jetstream.cloud.jetstream_activity) has stored on the controller,
    and shelves, stops or suspends those that are due. Does so with O(apply=true) only; otherwise it says what it would
    do.
  - An idle instance is acted on only if its owner was told of it at least O(grace_minutes) ago, if it was not used
    since, and if a short reading right before the act found nothing either. The task returns those whose owners are to
    be told; send the notices, and record each delivery by M(jetstream.cloud.jetstream_notice).
  - What is shut off for O(sweep_minutes) is shelved without a notice, since it has no memory to lose and costs half.
  - Each decision is logged, with its reason and its numbers. M(jetstream.cloud.jetstream_decision_info) returns them.
    The playbook C(jetstream.cloud.shelve_idle) has all of this in order; docs/idle.md explains it.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
  - jetstream.cloud.instance_filters
  - jetstream.cloud.rates
  - jetstream.cloud.idle_files
attributes:
  check_mode:
    support: full
    details:
      - Reads and decides as without check mode. Logs nothing, claims no notice, and stops before the first action.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A second run finds the instances asleep, and notices claimed by the first one.
options:
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) is every user whose instances it can see.
        Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  settings:
    description:
      - Settings of the rules, by name, such as C(window_minutes) or C(cores). Each has bounds; a value outside of them
        is refused. docs/idle.md has all.
      - On Jetstream2, the owner of an instance can set a number for it in its metadata, such as
        C(jetstream_idle_window_minutes=240). One that is out of bounds never makes the instance idle sooner, and with
        one that is not understood it is unknown; a warning says so.
    type: dict
  apply:
    description:
      - Whether notices are to be sent, and instances put away. Needs O(channels).
      - Without it, each step is only said and logged, and takes its time as if the notices were sent.
    type: bool
    default: false
  act:
    description:
      - Whether to carry out the acts that are due. With V(false), the task only decides, so that a playbook can send
        notices and take readings before another task acts.
    type: bool
    default: true
  only_uuid:
    description:
      - Of the instances that are selected, only those with these UUIDs. One that is gone is no error. For the task that
        acts on what another one has decided.
    type: list
    elements: str
  action:
    description:
      - What is done to an idle instance. V(shelve) ends its cost, V(stop) halves it, and both lose the memory.
        V(suspend) keeps the memory, costs three quarters, and is not offered for flavors with a GPU or large memory.
    type: str
    choices:
      - shelve
      - stop
      - suspend
    default: shelve
  channels:
    description:
      - The ways in which notices are sent, by names of your own, such as V(mail). An owner counts as told once each of
        them took the notice.
    type: list
    elements: str
    default: []
  grace_minutes:
    description: The time between the notice and the act.
    type: float
    default: 60.0
  sweep_minutes:
    description:
      - For how long an instance has to be shut off before it is shelved. V(0) leaves all that are shut off. One of
        which this is not known is left.
    type: float
    default: 15.0
  trial_days:
    description:
      - Nothing is done before there are readings of so many days of the project; it is only said. V(0) is no trial.
    type: float
    default: 7.0
  max_actions:
    description: How many instances are put away at most. The others, those that save less, are left for later runs.
    type: int
    default: 10
  least_interval:
    description:
      - How long, in seconds, the last interval before the act has to be. It has to be at most three minutes long, and
        to have ended within three minutes.
    type: float
    default: 30.0
  never:
    description: Names or globs of instances that are never put away.
    type: list
    elements: str
    default: []
  controller:
    description:
      - Name or UUID of the instance that this runs on, which is never put away. It is found by itself, unless it runs
        in a container. See docs/idle.md.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Seconds in which all instances together must reach the state. An instance that does not has failed.
    type: float
    default: 900.0
  decisions_path:
    description:
      - The folder on the controller for the log of decisions and the notices.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - Two runs at once are safe. An act is recorded before it is sent; the next run settles what a killed one has left.
seealso:
  - module: jetstream.cloud.jetstream_idle_info
  - module: jetstream.cloud.jetstream_notice
  - module: jetstream.cloud.jetstream_decision_info
"""

EXAMPLES = r"""
- name: Read what would be done about idle instances
  jetstream.cloud.jetstream_idle:
  register: idle

- name: Decide, and find the owners that are to be told
  jetstream.cloud.jetstream_idle:
    apply: true
    act: false
    channels: [mail]
    never: [login-*]
  register: decided

- name: Put away what is due
  jetstream.cloud.jetstream_idle:
    apply: true
    channels: [mail]
    only_uuid: "{{ decided.instances | selectattr('step', 'in', ['read', 'act']) | map(attribute='uuid') }}"
    never: [login-*]
    max_actions: 5
"""

RETURN = r"""
instances:
  description: The instances that were selected, by number, with the step that each is at.
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
        - The rule that found use, or one word for why nothing is known. Empty if it is idle, since then no rule found
          use.
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
      description: What the action would save a day.
      type: float
      sample: 48
    settings:
      description:
        - The settings by which it was judged, as far as they are not the defaults. They are those of O(settings) and
          O(settings_path), and of its own metadata.
      type: dict
      sample: {"window_minutes": 240}
    at:
      description: When this was decided. ISO 8601, UTC.
      type: str
      sample: "2026-11-23T18:57:00Z"
    site:
      description: The UUID or the name of its site, for M(jetstream.cloud.jetstream_notice).
      type: str
    project:
      description: The UUID of its project, or of the account if it is in none.
      type: str
    label:
      description: The name, without characters that could steer a terminal.
      type: str
    takes_metadata:
      description: Whether its owner can set a keep mark in its metadata.
      type: bool
    notice:
      description: The notice that is to be sent now. V(null) if none is.
      type: dict
      contains:
        id:
          description: A text that is the same where the same notice is sent again.
          type: str
        repeated:
          description: Whether an earlier run may have sent it, and was ended before it recorded that.
          type: bool
    progress:
      description: The step in a few words, or the outcome of the act.
      type: str
      sample: waits until 2026-11-23T19:57:00Z
    step:
      description:
        - V(nothing); V(warn) (its owner is to be told); V(wait) (the grace time); V(read) (it is due, and needs a short
          reading); V(act) (it is put away, or would be).
      type: str
      sample: warn
    why:
      description: The step in words.
      type: str
      sample: nothing happened for 375 min, and its owner was not told yet
    due:
      description: From when on it may be put away. V(null) if that is not known yet. ISO 8601, UTC.
      type: str
    action:
      description: What the steps lead to, V(shelve), V(stop) or V(suspend). V(null) if to nothing.
      type: str
    would:
      description: The action that would be taken once it is due, or V(nothing).
      type: str
      sample: shelve
    applies:
      description: Whether the step counts. V(false) without O(apply), and in the trial.
      type: bool
    channels:
      description: The channels through which its owner is to be told.
      type: list
      elements: str
    saves_su_per_hour:
      description: What the action saves in an hour. V(null) if the flavor has no known rate.
      type: float
    outcome:
      description: What was done, as M(jetstream.cloud.jetstream_instance_state) returns it. V(null) if nothing was.
      type: dict
    changed:
      description: Whether an action was sent; in check mode, whether one would be.
      type: bool
    vetoes:
      description: Every reason to do nothing.
      type: list
      elements: dict
      contains:
        veto:
          description:
            - V(active), V(unknown), V(not_running), V(busy) (the cloud is changing it), V(locked), V(not_mine),
              V(kept), V(young) (launched within the window), V(booted) (started within 30 minutes), V(unsupported),
              V(state_unknown), V(opted_out) (by name or metadata), V(controller) (this runs on it), V(woken) (within
              the window), V(acting) (another run is), V(failed) (an attempt within the window), V(max_actions) or
              V(trial).
          type: str
          sample: locked
        reason:
          description: It in words.
          type: str
          sample: "it is locked: exam"
    left_because:
      description: The reasons of those vetoes, in words, without V(trial), which holds for all instances.
      type: list
      elements: str
    kept_because:
      description: The reasons of those vetoes, in words, without V(active), V(unknown) and V(trial).
      type: list
      elements: str
      sample: ["it is locked: exam"]
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
    steps:
      description: How many are at each step.
      type: dict
      sample: {nothing: 5, warn: 1, wait: 2, read: 0, act: 1}
    done:
      description: How many were put away.
      type: int
    failed:
      description: How many could not be.
      type: int
    sentence:
      description: The idle ones and their cost, in a sentence.
      type: str
      sample: >-
        3 instances have been idle for 4.0 to 9.5 hours, and cost 41 SU since: web, gpu, old. Shelving would save
        145 SU a day.
"""

from ..module_utils.operations.idle import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
